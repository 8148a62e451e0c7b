//! Phrases found in the texts of one item. One pass over each text, whatever its length and however many
//! phrases there are.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::item::Item;
use super::phrases::{PHRASES, Phrase, SECRET_PLACES, SETS, Sign};
use super::tree::{Tree, Value};
use super::words::{Class, Token, Words};

/// What was found of one sign: the phrase that weighs most, and where.
#[derive(Debug, Clone)]
pub(super) struct Signal {
    pub(super) weight: u8,
    /// The text's node.
    pub(super) node: usize,
    /// The words in question, and some around them, as they were sent.
    pub(super) excerpt: String,
}

/// The strongest signal of every sign.
#[derive(Debug, Default)]
pub(super) struct Signals {
    found: [Option<Signal>; Sign::COUNT],
}

impl Signals {
    pub(super) fn of(&self, sign: Sign) -> Option<&Signal> {
        self.found[sign as usize].as_ref()
    }

    /// The weights of all signs together. Urging and praise are so common that they count half.
    pub(super) fn total(&self) -> u32 {
        let common = [Sign::Hook as usize, Sign::Prefer as usize];
        let weight = |(sign, found): (usize, &Option<Signal>)| match found.as_ref().map_or(0, |s| s.weight) {
            2 if common.contains(&sign) => 1,
            weight => u32::from(weight),
        };
        self.found.iter().enumerate().map(weight).sum()
    }

    /// How many signs there are that are at least a hint.
    pub(super) fn kinds(&self) -> usize {
        self.found.iter().flatten().filter(|s| s.weight >= 2).count()
    }
}

/// Shorter texts hold no phrase.
const SHORTEST: usize = 10;
/// Texts are read in pieces of this size, so that words take no more memory than that.
const PIECE: usize = 16 << 10;
/// Each piece begins this far before the end of the last one: longer than any phrase.
const OVERLAP: usize = 512;
/// Words of an excerpt around what was found.
const AROUND: usize = 4;

/// Reads every text of `item` that a model may get to see.
pub(super) fn of(item: &Item<'_>) -> Signals {
    let mut signals = Signals::default();
    let mut words = Words::default();
    let tree = &item.tree;
    // Containers nest twice as fast as schemas do.
    let deepest = 2 * item.depth + 2;
    let mut ends: Vec<usize> = Vec::new();
    for at in 0..tree.len() {
        ends.retain(|end| *end > at);
        match tree.value(at) {
            Value::Object | Value::Array => ends.push(tree.node(at).end),
            Value::Text(text) if text.len() >= SHORTEST && ends.len() <= deepest && is_prose(tree, at) => {
                pieces(text, |piece| {
                    words.read(piece);
                    search(&words, piece, at, &mut signals);
                });
            }
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }
    signals
}

/// What is never shown to a model as text, or is no language.
fn is_prose(tree: &Tree<'_>, at: usize) -> bool {
    !matches!(
        tree.key(at),
        "type" | "format" | "$ref" | "$schema" | "$id" | "pattern" | "mimeType" | "src" | "websiteUrl"
    )
}

pub(super) fn pieces(text: &str, mut each: impl FnMut(&str)) {
    let boundary = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let mut from = 0;
    loop {
        let to = if text.len() - from <= PIECE { text.len() } else { boundary(from + PIECE) };
        each(&text[from..to]);
        if to == text.len() {
            return;
        }
        from = boundary(to - OVERLAP);
    }
}

fn search(words: &Words, text: &str, node: usize, signals: &mut Signals) {
    let index = &*INDEX;
    for at in 0..words.tokens.len() {
        let word = words.get(at);
        let by_class = match words.tokens[at].class {
            Class::Address => &index.addresses[..],
            Class::Word | Class::Tag | Class::Path => &[],
        };
        let by_word = index.words.get(word).map_or(&[][..], Vec::as_slice);
        let open = index.open.iter().filter(|(start, _)| word.starts_with(start)).map(|(_, n)| *n);
        for number in by_word.iter().chain(by_class).copied().chain(open) {
            let phrase = &PHRASES[number];
            let known = signals.found[phrase.sign as usize].as_ref().map_or(0, |s| s.weight);
            if known >= phrase.weight {
                continue;
            }
            if let Some(end) = follow(&index.phrases[number], words, at)
                && !(phrase.deniable && denied(words, at))
            {
                let excerpt = excerpt(text, &words.tokens, at..end + 1);
                signals.found[phrase.sign as usize] = Some(Signal { weight: phrase.weight, node, excerpt });
            }
        }
    }
}

/// The last word of the phrase that begins at `first`, if the words are there. The nearest word that fits a
/// slot is taken, so the work is bounded by the phrase's length.
fn follow(slots: &[Slot], words: &Words, first: usize) -> Option<usize> {
    let mut at = first;
    for slot in slots.iter().skip(1) {
        let mut found = None;
        for next in at + 1..=at + 1 + slot.gap {
            if next >= words.tokens.len() || words.tokens[next - 1].stop {
                break;
            }
            if slot.choices.iter().any(|c| c.fits(words.get(next), words.tokens[next].class)) {
                found = Some(next);
                break;
            }
        }
        at = found?;
    }
    Some(at)
}

/// Whether one of the three words before says that it is not so.
fn denied(words: &Words, at: usize) -> bool {
    const NO: [&str; 15] = [
        "not", "never", "cannot", "dont", "doesnt", "wont", "cant", "no", "without", "prevents", "prevent",
        "refuses", "refuse", "avoids", "isnt",
    ];
    (at.saturating_sub(3)..at)
        .rev()
        .take_while(|i| !words.tokens[*i].stop)
        .any(|i| NO.contains(&words.get(i)))
}

fn excerpt(text: &str, tokens: &[Token], found: Range<usize>) -> String {
    let from = tokens[found.start.saturating_sub(AROUND)].sent.start;
    let to = tokens[(found.end - 1 + AROUND).min(tokens.len() - 1)].sent.end;
    text.get(from..to).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Debug)]
struct Slot {
    /// Words that may stand before it.
    gap: usize,
    choices: Vec<Choice>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Choice {
    Word(&'static str),
    /// Whatever begins so.
    Open(&'static str),
    SecretPlace,
    Address,
}

impl Choice {
    fn fits(self, word: &str, class: Class) -> bool {
        match self {
            Choice::Word(expected) => word == expected,
            Choice::Open(start) => word.starts_with(start),
            Choice::SecretPlace => class == Class::Path && is_secret_place(word),
            Choice::Address => class == Class::Address && !is_example(word),
        }
    }
}

fn is_secret_place(path: &str) -> bool {
    path == ".env" || path.ends_with("/.env") || SECRET_PLACES.iter().any(|p| path.contains(p))
}

/// Addresses that documentation uses lead nowhere.
fn is_example(address: &str) -> bool {
    let host = address.rsplit(['@', '/']).find(|p| p.contains('.')).unwrap_or(address);
    let host = address.split_once("://").map_or(host, |(_, rest)| rest.split('/').next().unwrap_or(rest));
    ["localhost", "127.0.0.1"].iter().any(|h| host.starts_with(h))
}

/// The table, ready to be searched.
#[derive(Debug)]
struct Index {
    phrases: Vec<Vec<Slot>>,
    /// Phrases by their first word.
    words: HashMap<&'static str, Vec<usize>>,
    /// Phrases whose first word only begins so.
    open: Vec<(&'static str, usize)>,
    /// Phrases that begin with an address.
    addresses: Vec<usize>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let phrases: Vec<Vec<Slot>> = PHRASES.iter().map(slots).collect();
    let mut index =
        Index { phrases: Vec::new(), words: HashMap::new(), open: Vec::new(), addresses: Vec::new() };
    for (number, slots) in phrases.iter().enumerate() {
        for choice in slots.iter().take(1).flat_map(|s| &s.choices) {
            match *choice {
                Choice::Word(w) => index.words.entry(w).or_default().push(number),
                Choice::Open(w) => index.open.push((w, number)),
                Choice::Address => index.addresses.push(number),
                Choice::SecretPlace => {}
            }
        }
    }
    Index { phrases, ..index }
});

fn slots(phrase: &Phrase) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut gap = 0;
    for part in phrase.text.split(' ') {
        if let Some(n) = part.strip_prefix('_').and_then(|n| n.parse().ok()) {
            gap = n;
            continue;
        }
        let choices = part.split('|').filter(|c| !c.is_empty()).flat_map(choices).collect();
        slots.push(Slot { gap: std::mem::take(&mut gap), choices });
    }
    slots
}

fn choices(word: &'static str) -> Vec<Choice> {
    if let Some(name) = word.strip_prefix('$') {
        let set = SETS.iter().find(|(n, _)| *n == name).map_or("", |(_, words)| words);
        return set.split('|').flat_map(choices).collect();
    }
    vec![match word {
        "@secret" => Choice::SecretPlace,
        "@address" => Choice::Address,
        _ => match word.strip_suffix('*') {
            Some(start) => Choice::Open(start),
            None => Choice::Word(word),
        },
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_can_be_read() {
        for (phrase, slots) in PHRASES.iter().zip(&INDEX.phrases) {
            assert!(!slots.is_empty() && slots[0].gap == 0, "{}", phrase.text);
            assert!(slots.iter().all(|s| !s.choices.is_empty()), "{}", phrase.text);
            assert!(!slots[0].choices.contains(&Choice::SecretPlace), "{}", phrase.text);
            let empty = |c: &Choice| matches!(c, Choice::Word("") | Choice::Open(""));
            assert!(!slots.iter().flat_map(|s| &s.choices).any(empty), "{}", phrase.text);
        }
    }
}
