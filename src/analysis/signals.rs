//! Frames found in the texts of one item. One pass over each text, whatever its length and however many
//! frames there are.

use std::ops::Range;
use std::sync::LazyLock;

use super::decode::{self, Hidden};
use super::frames::{FRAMES, Frame, Sign, is_notion};
use super::item::Item;
use super::lexicon::{LEXICON, SECRET_PLACES, form, notion};
use super::tree::{Tree, Value};
use super::words::{Class, Token, Words};

/// What was found of one sign: the frame that weighs most, and where.
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
    /// The first frame of every sign, and whether another one says the same elsewhere.
    seen: [(usize, bool); Sign::COUNT],
    /// The first encoded text, and the node it is in.
    pub(super) encoded: Option<(usize, Hidden)>,
    /// Whether what is encoded wants something.
    pub(super) ill_encoded: bool,
}

impl Signals {
    pub(super) fn of(&self, sign: Sign) -> Option<&Signal> {
        self.found[sign as usize].as_ref()
    }

    /// The weight of `sign`: one more, where a hint is not all and other words say the same.
    pub(super) fn weight(&self, sign: usize) -> u8 {
        let weight = self.found[sign].as_ref().map_or(0, |s| s.weight);
        weight + u8::from(self.seen[sign].1 && (weight == 3 || weight == 2 && sign != Sign::Hook as usize))
    }

    /// The weights of all signs together. Urging and praise are so common that hints of them count half.
    pub(super) fn total(&self) -> u32 {
        let common = [Sign::Hook as usize, Sign::Prefer as usize];
        let weight = |sign: usize| match self.weight(sign) {
            _ if sign == Sign::Outward as usize => 0,
            2 if common.contains(&sign) => 1,
            weight => u32::from(weight),
        };
        (0..Sign::COUNT).map(weight).sum()
    }

    /// How many signs there are that are at least a hint.
    pub(super) fn kinds(&self) -> usize {
        self.found.iter().take(Sign::Outward as usize).flatten().filter(|s| s.weight >= 2).count()
    }
}

/// Shorter texts hold no frame.
const SHORTEST: usize = 10;
/// Texts are read in pieces of this size, so that words take no more memory than that.
const PIECE: usize = 16 << 10;
/// Each piece begins this far before the end of the last one: longer than any frame.
const OVERLAP: usize = 768;
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
                let says_purpose = tree.node(at).parent == Tree::ROOT && tree.key(at) == "description";
                let place = Place { node: at, odd: is_odd(tree, at), asks: is_asking(tree, at) };
                let mut first = says_purpose;
                pieces(text, |piece| {
                    words.read(piece);
                    let purpose = if std::mem::take(&mut first) { purpose(&words) } else { 0 };
                    search(&words, piece, purpose, place, &mut signals);
                    for hidden in decode::hidden(piece) {
                        let before = signals.total();
                        words.read(&hidden.says);
                        search(&words, &hidden.says, 0, place, &mut signals);
                        signals.ill_encoded |= signals.total() > before;
                        signals.encoded.get_or_insert((at, hidden));
                    }
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

/// Where nobody honest writes orders.
fn is_odd(tree: &Tree<'_>, at: usize) -> bool {
    let parent = tree.node(at).parent;
    let key = |n| (n != Tree::ROOT).then(|| tree.key(n)).unwrap_or_default();
    matches!(key(at), "default" | "const" | "title" | "uri" | "uriTemplate") && parent != Tree::ROOT
        || matches!(key(parent), "enum" | "annotations" | "examples")
}

/// Whether the text at `at` says what a parameter is for.
fn is_asking(tree: &Tree<'_>, at: usize) -> bool {
    let parent = tree.node(at).parent;
    parent != Tree::ROOT && tree.key(at) == "description"
}

/// Where a text stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    node: usize,
    odd: bool,
    /// Whether it describes something that is to be given.
    asks: bool,
}

/// How many words the first sentence has.
fn purpose(words: &Words) -> usize {
    let ends = |(at, token): (usize, &Token)| (at > 0 && token.paragraph, token.stop);
    words
        .tokens
        .iter()
        .enumerate()
        .find_map(|(at, token)| match ends((at, token)) {
            (true, _) => Some(at),
            (_, true) => Some(at + 1),
            _ => None,
        })
        .unwrap_or(words.tokens.len())
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

/// The notions of each sentence, and the sentence of each word.
fn sentences(words: &Words) -> (Vec<u128>, Vec<u32>) {
    let mut all: Vec<u128> = Vec::new();
    let mut of = Vec::with_capacity(words.tokens.len());
    let mut open = 0;
    for (at, token) in words.tokens.iter().enumerate() {
        of.push(all.len() as u32);
        open |= token.meaning.notions;
        if token.stop || at + 1 == words.tokens.len() {
            all.push(std::mem::take(&mut open));
        }
    }
    (all, of)
}

fn search(words: &Words, text: &str, purpose: usize, place: Place, signals: &mut Signals) {
    let index = &*INDEX;
    let (sentences, sentence_of) = sentences(words);
    // The notions of the sentence up to here.
    let mut so_far = 0;
    for (at, token) in words.tokens.iter().enumerate() {
        let sentence = sentences[sentence_of[at] as usize];
        if at == 0 || words.tokens[at - 1].stop {
            so_far = 0;
        }
        so_far |= token.meaning.notions;
        let next = sentences.get(sentence_of[at] as usize + 1).copied().unwrap_or_default();
        let mut consider = |number: usize| {
            let (frame, plan) = (&FRAMES[number], &index.plans[number]);
            let weight = frame.weight + u8::from(place.odd && (2..4).contains(&frame.weight));
            let known = signals.found[frame.sign as usize].as_ref().map_or(0, |s| s.weight);
            if frame.sign == Sign::Outward && !place.asks {
                return;
            }
            let (first, again) = signals.seen[frame.sign as usize];
            let enough = if frame.sign == Sign::Prefer { 3 } else { 2 };
            let adds = known > 0 && !again && weight >= enough && first != number;
            if known >= weight && !adds
                || plan.beyond && at < purpose
                || plan.unless & sentence != 0
                || plan.guarded && index.guard & so_far != 0
            {
                return;
            }
            let around = if plan.crosses { sentence | next } else { sentence };
            if plan.needs.iter().any(|notions| notions & around == 0) {
                return;
            }
            if let Some(end) = plan.follow(words, at)
                && !((frame.deniable || words.get(at) == "without") && denied(words, at))
                && !(index.examples & sentence != 0 && words.tokens[at].quoted && words.tokens[end].quoted)
            {
                signals.seen[frame.sign as usize] = match known {
                    0 => (number, false),
                    _ => (first, again || first != number && weight.min(known) >= enough),
                };
                if known >= weight {
                    return;
                }
                let excerpt = excerpt(text, &words.tokens, at..end + 1);
                signals.found[frame.sign as usize] = Some(Signal { weight, node: place.node, excerpt });
            }
        };
        let mut notions = token.meaning.notions & index.first_notions;
        while notions != 0 {
            let bit = notions.trailing_zeros() as usize;
            notions &= notions - 1;
            index.by_notion[bit].iter().copied().for_each(&mut consider);
        }
        if token.meaning.literal != 0 {
            index.by_word[token.meaning.literal as usize].iter().copied().for_each(&mut consider);
        }
        match token.class {
            Class::Path => index.secrets.iter().copied().for_each(&mut consider),
            Class::Address | Class::Mail => index.addresses.iter().copied().for_each(&mut consider),
            Class::Word if is_identifier(words.get(at)) => {
                index.identifiers.iter().copied().for_each(&mut consider)
            }
            Class::Word | Class::Tag => {}
        }
    }
}

/// Whether one of the three words before says that it is not so.
fn denied(words: &Words, at: usize) -> bool {
    const NO: [&str; 17] = [
        "not", "never", "cannot", "dont", "doesnt", "wont", "cant", "no", "without", "prevents", "prevent",
        "refuses", "refuse", "avoids", "isnt", "avoid", "nor",
    ];
    // "Never … without asking" reaches further than "never asks".
    let reach = if words.get(at) == "without" { 12 } else { 3 };
    (at.saturating_sub(reach)..at)
        .rev()
        .take_while(|i| !words.tokens[*i].stop)
        .any(|i| NO.contains(&words.get(i)))
}

fn excerpt(text: &str, tokens: &[Token], found: Range<usize>) -> String {
    let from = tokens[found.start.saturating_sub(AROUND)].sent.start;
    let to = tokens[(found.end - 1 + AROUND).min(tokens.len() - 1)].sent.end;
    text.get(from..to).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Debug, Default)]
struct Slot {
    /// Words that may stand before it.
    gap: usize,
    /// Whether a sentence may end before it.
    crosses: bool,
    /// Notions in whatever form.
    notions: u128,
    /// Notions in one of these forms.
    formed: Vec<(u128, u8)>,
    words: Vec<u16>,
    secret: bool,
    address: bool,
    mail: bool,
    device: bool,
    account: bool,
    ident: bool,
}

impl Slot {
    fn fits(&self, words: &Words, at: usize) -> bool {
        let token = &words.tokens[at];
        let meaning = token.meaning;
        meaning.notions & self.notions != 0
            || self
                .formed
                .iter()
                .any(|(notion, forms)| meaning.notions & notion != 0 && meaning.forms & forms != 0)
            || meaning.literal != 0 && self.words.contains(&meaning.literal)
            || match token.class {
                Class::Path => {
                    self.secret && is_secret_place(words.get(at))
                        || self.device && words.get(at).starts_with("/dev/tcp")
                }
                Class::Address => self.address && leads_out(words.get(at)),
                Class::Mail => self.mail && leads_out(words.get(at)),
                Class::Word => {
                    self.ident && is_identifier(words.get(at)) || self.account && is_account(words.get(at))
                }
                Class::Tag => false,
            }
    }

    /// Notions one of which has to be there; nothing, where a word or a class may be instead.
    fn needs(&self) -> Option<u128> {
        let all = self.formed.iter().fold(self.notions, |all, (notion, _)| all | notion);
        (self.words.is_empty()
            && !self.secret
            && !self.address
            && !self.mail
            && !self.device
            && !self.account
            && !self.ident)
            .then_some(all)
    }
}

/// A frame, ready to be searched for.
#[derive(Debug, Default)]
struct Plan {
    slots: Vec<Slot>,
    unless: u128,
    needs: Vec<u128>,
    crosses: bool,
    beyond: bool,
    guarded: bool,
}

/// The longest frame, in words.
const REACH: usize = 127;

impl Plan {
    fn of(frame: &Frame) -> Plan {
        let mut plan = Plan { beyond: frame.text.starts_with('>'), ..Plan::default() };
        let mut slot = Slot::default();
        for part in frame.text.trim_start_matches('>').split(' ') {
            if part == "!GUARD" {
                // What detects and prevents says so first.
                plan.guarded = true;
                plan.unless |= notion("DEFENCE").unwrap_or_default();
            } else if let Some(name) = part.strip_prefix('!') {
                plan.unless |= notion(name).unwrap_or_default();
            } else if let Some(gap) = part.strip_prefix('_') {
                slot.crosses = gap.ends_with('+');
                slot.gap = gap.trim_end_matches('+').parse().unwrap_or_default();
            } else {
                part.split('|').for_each(|choice| slot.add(choice));
                plan.crosses |= slot.crosses;
                plan.needs.extend(slot.needs());
                plan.slots.push(std::mem::take(&mut slot));
            }
        }
        plan
    }

    /// The last word of the frame that begins at `first`, if the words are there. All ways are followed at
    /// once, so the work is bounded by the frame's length.
    fn follow(&self, words: &Words, first: usize) -> Option<usize> {
        if !self.slots.first()?.fits(words, first) {
            return None;
        }
        let mut reached: u128 = 1;
        for slot in self.slots.iter().skip(1) {
            let mut next: u128 = 0;
            while reached != 0 {
                let from = reached.trailing_zeros() as usize;
                reached &= reached - 1;
                let mut stops = 0;
                for to in from + 1..=(from + 1 + slot.gap).min(REACH) {
                    if first + to >= words.tokens.len() {
                        break;
                    }
                    stops += usize::from(words.tokens[first + to - 1].stop);
                    if stops > usize::from(slot.crosses) {
                        break;
                    }
                    if next & 1 << to == 0 && slot.fits(words, first + to) {
                        next |= 1 << to;
                    }
                }
            }
            reached = next;
        }
        (reached != 0).then(|| first + reached.trailing_zeros() as usize)
    }
}

impl Slot {
    fn add(&mut self, choice: &'static str) {
        match choice {
            "@secret" => self.secret = true,
            "@address" => self.address = true,
            "@mail" => self.mail = true,
            "@device" => self.device = true,
            "@account" => self.account = true,
            "@ident" => self.ident = true,
            _ if is_notion(choice) => {
                let (name, forms) = choice.split_once('.').unwrap_or((choice, ""));
                let bit = notion(name).unwrap_or_default();
                let forms = forms.chars().fold(0, |all, c| all | form_of(c));
                if forms == 0 {
                    self.notions |= bit;
                } else {
                    self.formed.push((bit, forms));
                }
            }
            word => {
                let folded: String = word.chars().filter_map(super::fold::fold).collect();
                self.words.extend(LEXICON.get(&folded).map(|m| m.literal));
            }
        }
    }
}

fn form_of(letter: char) -> u8 {
    match letter {
        'o' => form::ORDER,
        'p' => form::PASSIVE,
        'b' => form::BARE,
        't' => form::THIRD,
        'd' => form::PAST,
        'g' => form::GERUND,
        _ => 0,
    }
}

pub(super) fn is_secret_place(path: &str) -> bool {
    SECRET_PLACES.iter().any(|p| path.contains(p)) && !path.ends_with(".env.example") && !path.contains("://")
}

/// `send_email`: the name of a function.
fn is_identifier(word: &str) -> bool {
    word.len() > 4 && word.trim_matches('_').contains('_')
}

/// The number of an account, or a wallet.
fn is_account(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    word.len() >= 8 && (digits >= 7 && digits * 2 > word.len() || word.starts_with("0x") || digits >= 10)
}

/// Whether `address` is somebody's: neither this machine nor one of documentation's, unless it says what it
/// is for.
fn leads_out(address: &str) -> bool {
    const HERE: [&str; 6] = ["localhost", "127.0.0.1", "[::1]", "example.com", "example.org", "example.net"];
    const OUTRIGHT: [&str; 8] = ["attack", "evil", "exfil", "steal", "hack", "malicious", "collect", "drop"];
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.strip_prefix("www.").or(host.strip_prefix("api.")).unwrap_or(host);
    !HERE.iter().any(|h| host.starts_with(h)) || OUTRIGHT.iter().any(|o| address.contains(o))
}

/// The table, ready to be searched.
#[derive(Debug)]
struct Index {
    plans: Vec<Plan>,
    /// Notions that some frame begins with.
    first_notions: u128,
    by_notion: Vec<Vec<usize>>,
    by_word: Vec<Vec<usize>>,
    secrets: Vec<usize>,
    addresses: Vec<usize>,
    identifiers: Vec<usize>,
    /// What makes words in quotation marks an example.
    examples: u128,
    guard: u128,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let plans: Vec<Plan> = FRAMES.iter().map(Plan::of).collect();
    let words = super::frames::literals().len() + 1;
    let (mut by_notion, mut by_word) = (vec![Vec::new(); 128], vec![Vec::new(); words]);
    let (mut first_notions, mut secrets, mut addresses, mut identifiers) =
        (0, Vec::new(), Vec::new(), Vec::new());
    for (number, plan) in plans.iter().enumerate() {
        let Some(slot) = plan.slots.first() else { continue };
        let notions = slot.formed.iter().fold(slot.notions, |all, (notion, _)| all | notion);
        first_notions |= notions;
        (0..128).filter(|bit| notions >> bit & 1 == 1).for_each(|bit| by_notion[bit].push(number));
        slot.words.iter().for_each(|word| by_word[*word as usize].push(number));
        if slot.ident {
            identifiers.push(number);
        }
        if slot.secret || slot.device {
            secrets.push(number);
        }
        if slot.address || slot.mail {
            addresses.push(number);
        }
    }
    let examples = notion("EXAMPLE").unwrap_or_default() | notion("DEFENCE").unwrap_or_default();
    let guard = notion("GUARD").unwrap_or_default();
    Index { plans, first_notions, by_notion, by_word, secrets, addresses, identifiers, examples, guard }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_can_be_read() {
        for frame in FRAMES {
            let plan = Plan::of(frame);
            assert!(!plan.slots.is_empty() && plan.slots[0].gap == 0, "{}", frame.text);
            let empty = |s: &Slot| {
                s.notions == 0
                    && s.formed.is_empty()
                    && s.words.is_empty()
                    && !s.secret
                    && !s.address
                    && !s.mail
                    && !s.device
                    && !s.account
                    && !s.ident
            };
            assert!(!plan.slots.iter().any(empty), "{}", frame.text);
            assert!(plan.slots.iter().map(|s| s.gap + 1).sum::<usize>() <= REACH, "{}", frame.text);
            for part in frame.text.trim_start_matches('>').split([' ', '|', '!']) {
                let name = part.split('.').next().unwrap();
                assert!(!is_notion(name) || notion(name).is_some(), "{name} in {}", frame.text);
            }
        }
    }
}
