//! Frames found in the texts of one item. One pass over each text, whatever its length and however many
//! frames there are.

use std::ops::Range;

use super::decode::{self, Hidden};
use super::fleet::mentions::{Mention, Speech};
use super::frames::{FRAMES, Sign};
use super::item::{Item, Kind};
use super::plan::{INDEX, is_identifier};
use super::roles;
use super::tree::{Tree, Value};
use super::wording::{Spot, Wording};
use super::words::{Class, Token, Words};

/// What was found of one sign: the frame that weighs most, and where.
#[derive(Debug, Clone)]
pub(super) struct Signal {
    pub(super) weight: u8,
    /// The text's node.
    pub(super) node: usize,
    /// Where it begins in the piece of the text that was read.
    from: usize,
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
    /// What the words weigh.
    pub(super) wording: Wording,
    /// Where they weigh most: a node, and some words.
    pub(super) heaviest: Option<(usize, String)>,
    /// The part of the piece of that text that they are in.
    window: Range<usize>,
    /// The tools that a tool speaks of.
    pub(super) mentions: Vec<Mention>,
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

    /// Whether `sign` is among the words that weigh most.
    pub(super) fn is_heavy(&self, sign: usize) -> bool {
        let node = self.heaviest.as_ref().map(|(node, _)| *node);
        self.found[sign].as_ref().is_some_and(|s| Some(s.node) == node && self.window.contains(&s.from))
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
/// Words around the heaviest that are looked at for signs: an order weighs most in its middle.
const MARGIN: usize = 16;
/// Words of an excerpt around what was found.
const AROUND: usize = 4;

/// Reads every text of `item` that a model may get to see.
pub(super) fn of(item: &Item<'_>) -> Signals {
    let mut signals = Signals::default();
    let mut words = Words::default();
    let mut speech = (item.kind == Kind::Tool).then(|| Speech::of(item));
    each_text(item, |text, place| {
        let mut first = place.says_purpose;
        if let Some(speech) = &mut speech {
            speech.until(item, place.node, &mut words);
        }
        let speaks = speech.as_ref().is_some_and(|speech| speech.listens(text));
        pieces(text, |piece| {
            words.read(piece);
            if let Some(speech) = speech.as_mut().filter(|_| speaks) {
                speech.hear(item, place.node, &words, piece);
            }
            let purpose = if std::mem::take(&mut first) { purpose(&words) } else { 0 };
            search(&words, piece, purpose, place, &mut signals);
            weigh(&words, piece, place, &mut signals);
            for hidden in decode::hidden(piece) {
                let before = signals.total();
                words.read(&hidden.says);
                search(&words, &hidden.says, 0, place, &mut signals);
                weigh(&words, &hidden.says, place, &mut signals);
                signals.ill_encoded |= signals.total() > before;
                signals.encoded.get_or_insert((place.node, hidden));
            }
        });
        if let Some(speech) = &mut speech {
            speech.next = place.node + 1;
        }
    });
    if let Some(mut speech) = speech {
        speech.until(item, item.tree.len(), &mut words);
        signals.mentions = speech.found;
    }
    signals
}

/// Every text of `item` that a model may get to see, and where it stands.
pub(super) fn each_text(item: &Item<'_>, mut each: impl FnMut(&str, Place)) {
    let tree = &item.tree;
    // Containers nest twice as fast as schemas do.
    let deepest = 2 * item.depth + 2;
    let mut ends: Vec<usize> = Vec::new();
    for at in 0..tree.len() {
        ends.retain(|end| *end > at);
        match tree.value(at) {
            Value::Object | Value::Array => ends.push(tree.node(at).end),
            Value::Text(text) if text.len() >= SHORTEST && ends.len() <= deepest && is_prose(tree, at) => {
                let top = tree.node(at).parent == Tree::ROOT;
                let place = Place {
                    node: at,
                    odd: is_odd(tree, at),
                    asks: is_asking(tree, at),
                    says_purpose: top && tree.key(at) == "description",
                    names: top && matches!(tree.key(at), "name" | "uri"),
                };
                match matches!(tree.key(at), "uri" | "uriTemplate") {
                    true => each(&decode::address(text), place),
                    false => each(text, place),
                }
            }
            Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }
}

fn weigh(words: &Words, text: &str, place: Place, signals: &mut Signals) {
    let Some(spot) = place.spot() else { return };
    if let Some((at, window)) = signals.wording.read(words, spot) {
        signals.heaviest = Some((place.node, excerpt(text, &words.tokens, at..at + 1)));
        let sent = |at: usize| words.tokens.get(at).map_or(text.len(), |token| token.sent.start);
        signals.window = sent(window.start.saturating_sub(MARGIN))..sent(window.end + MARGIN);
    }
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
    let key = |n| if n == Tree::ROOT { "" } else { tree.key(n) };
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
pub(super) struct Place {
    node: usize,
    odd: bool,
    /// Whether it describes something that is to be given.
    asks: bool,
    /// Whether it says what the item is for.
    says_purpose: bool,
    /// Whether it is what the item is called.
    names: bool,
}

impl Place {
    /// The same, as the weights of words tell places apart; nothing for names.
    pub(super) fn spot(self) -> Option<Spot> {
        match (self.names, self.says_purpose, self.asks) {
            (true, ..) => None,
            (_, true, _) => Some(Spot::Description),
            (_, _, true) => Some(Spot::Parameter),
            (..) => Some(Spot::Elsewhere),
        }
    }
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

fn search(words: &Words, text: &str, purpose: usize, place: Place, signals: &mut Signals) {
    let index = &*INDEX;
    // The notions of the sentence up to here.
    let mut so_far = 0;
    for (at, token) in words.tokens.iter().enumerate() {
        let sentence = words.sentences[token.sentence];
        if at == 0 || words.tokens[at - 1].stop {
            so_far = 0;
        }
        so_far |= token.meaning.notions;
        let next = words.sentences.get(token.sentence + 1).copied().unwrap_or_default();
        let mut consider = |number: usize| {
            let (frame, plan) = (&FRAMES[number], &index.plans[number]);
            // First what most fail.
            if !plan.may_be_in(if plan.crosses { sentence.with(next) } else { sentence })
                || plan.unless & sentence.notions != 0
                || plan.beyond && at < purpose
                || plan.guarded && index.guard & so_far != 0
                || frame.sign == Sign::Outward && !place.asks
            {
                return;
            }
            let weight = frame.weight + u8::from(place.odd && (2..4).contains(&frame.weight));
            let known = signals.found[frame.sign as usize].as_ref().map_or(0, |s| s.weight);
            let (first, again) = signals.seen[frame.sign as usize];
            let enough = if frame.sign == Sign::Prefer { 3 } else { 2 };
            let adds = known > 0 && !again && weight >= enough && first != number;
            if known >= weight && !adds {
                return;
            }
            if let Some(end) = plan.follow(words, at)
                && !((frame.deniable || words.get(at) == "without") && denied(words, at))
                && !is_condition(words, at, end)
                && !(index.examples & sentence.notions != 0
                    && words.tokens[at].quoted
                    && words.tokens[end].quoted)
            {
                signals.seen[frame.sign as usize] = match known {
                    0 => (number, false),
                    _ => (first, again || first != number && weight.min(known) >= enough),
                };
                if known >= weight {
                    return;
                }
                let excerpt = excerpt(text, &words.tokens, at..end + 1);
                signals.found[frame.sign as usize] =
                    Some(Signal { weight, node: place.node, from: words.tokens[at].sent.start, excerpt });
            }
        };
        let mut notions = token.meaning.notions & index.first_notions;
        while notions != 0 {
            let bit = notions.trailing_zeros() as usize;
            notions &= notions - 1;
            let fits = |forms: u8| forms == 0 || token.meaning.forms & forms != 0;
            index.by_notion[bit].iter().filter(|(_, f)| fits(*f)).for_each(|(number, _)| consider(*number));
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

/// Whether the "not" at `at` belongs to a condition, and what follows to what is to be done then: "if it is not
/// there, tell the user".
fn is_condition(words: &Words, at: usize, end: usize) -> bool {
    const IF: [&str; 3] = ["if", "when", "unless"];
    words.tokens[at].meaning.roles & roles::DENIES != 0
        && words.tokens[at + 1..=end].iter().any(|token| token.lead)
        && {
            let clause = words.tokens[..=at].iter().rposition(|token| token.lead).unwrap_or_default();
            // "That indicates that you are not" goes on with what the condition began.
            (clause..at).any(|i| IF.contains(&words.get(i)))
        }
}

fn excerpt(text: &str, tokens: &[Token], found: Range<usize>) -> String {
    let from = tokens[found.start.saturating_sub(AROUND)].sent.start;
    let to = tokens[(found.end - 1 + AROUND).min(tokens.len() - 1)].sent.end;
    text.get(from..to).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}
