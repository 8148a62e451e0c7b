//! How much the wording of an item's texts is that of orders to a model: words, pairs of words and pairs of
//! notions, each with a small weight.
//!
//! The weights are in `wording.tsv`, which `scripts/train-wording.py` makes from labelled corpora. [`super::frames`]
//! know what people thought of; this knows what attacks have in common beside that. What weighs is the heaviest
//! [`WINDOW`] words that stand together, so that honest text around an order hides nothing. A mark counts once
//! in a window, so repeating a word adds nothing. Work is a few look-ups a word.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::LazyLock;

use super::lexicon::NOTIONS;
use super::plan::is_secret_place;
use super::quick;
use super::words::{Class, Words};

/// The table, as the script wrote it: a mark and its weight a line.
pub(super) const TABLE: &str = include_str!("wording.tsv");

/// Something about a text that has a weight; words are of type `W`, notions numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark<W> {
    /// A word, anywhere.
    Word(W),
    /// A word in what is said of a parameter.
    Parameter(W),
    /// A word where no prose belongs.
    Elsewhere(W),
    /// One word after another.
    Next(W, W),
    /// Two words with one between them.
    Gap(W, W),
    /// A notion, anywhere.
    Notion(usize),
    /// One notion soon after another.
    Notions(usize, usize),
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// It says what the item is.
    Description,
    /// It says what a parameter is for.
    Parameter,
    /// A default, a title, an enumeration and so on.
    Elsewhere,
}

/// Words that are weighed together; an item that has fewer is weighed as a whole.
pub(super) const WINDOW: usize = 64;
/// Words of an item that says one thing.
const TERSE: usize = 18;
/// Words that two notions may be apart.
const NEAR: usize = 6;
/// Longer words are names.
const LONGEST: usize = 20;
/// What stands for words that are no words. They are notions as well.
const CLASSES: [&str; 7] = ["@tag", "@path", "@secret", "@address", "@mail", "@number", "@name"];
const TAG: usize = 0;
const PATH: usize = 1;
const SECRET: usize = 2;
const ADDRESS: usize = 3;
const MAIL: usize = 4;
const NUMBER: usize = 5;
const NAME: usize = 6;
/// Words of a finding.
const TOLD: usize = 6;

/// The word at `at`, or what stands for it.
#[cfg(test)]
fn word(words: &Words, at: usize) -> &str {
    class(words, at).map_or(words.get(at), |class| CLASSES[class])
}

/// Which of [`CLASSES`] stands for the word at `at`, if one does. What weighs something is a word.
fn class(words: &Words, at: usize) -> Option<usize> {
    let (token, text) = (&words.tokens[at], words.get(at));
    match token.class {
        Class::Tag => Some(TAG),
        Class::Path if is_secret_place(text) => Some(SECRET),
        Class::Path => Some(PATH),
        Class::Address => Some(ADDRESS),
        Class::Mail => Some(MAIL),
        Class::Word if token.meaning.weighed > 0 => None,
        Class::Word if text.bytes().all(|b| b.is_ascii_digit()) => Some(NUMBER),
        Class::Word if text.len() > LONGEST || text.bytes().any(|b| b == b'_' || b.is_ascii_digit()) => {
            Some(NAME)
        }
        Class::Word => None,
    }
}

/// The names of notions by number, and the classes.
static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut names: Vec<&str> = Vec::new();
    for row in NOTIONS {
        if !names.contains(&row.name) {
            names.push(row.name);
        }
    }
    names.into_iter().chain(CLASSES).collect()
});

/// Everything that could be marked in `words`, with the place of its last word. `known` says which words (by
/// their places and the classes that stand for them), and `worth` which notions before a notion, are worth it.
fn marks<W: Copy>(
    words: &Words,
    spot: Spot,
    known: impl Fn(usize, Option<usize>) -> Option<W>,
    worth: impl Fn(usize) -> u128,
    mut each: impl FnMut(Mark<W>, usize),
) {
    let (mut last, mut before): (Option<W>, Option<W>) = (None, None);
    let mut near = [0_u128; NEAR];
    for (at, token) in words.tokens.iter().enumerate() {
        let class = class(words, at);
        let this = known(at, class);
        if let Some(this) = this {
            each(Mark::Word(this), at);
            match spot {
                Spot::Description => {}
                Spot::Parameter => each(Mark::Parameter(this), at),
                Spot::Elsewhere => each(Mark::Elsewhere(this), at),
            }
            if let Some(last) = last {
                each(Mark::Next(last, this), at);
            }
            if let Some(before) = before {
                each(Mark::Gap(before, this), at);
            }
        }
        let all = token.meaning.notions | class.map_or(0, |n| 1 << (NAMES.len() - CLASSES.len() + n));
        if all != 0 {
            let earlier = near.iter().fold(0, |all, one| all | one);
            for notion in bits(all) {
                each(Mark::Notion(notion), at);
                bits(earlier & worth(notion)).for_each(|first| each(Mark::Notions(first, notion), at));
            }
        }
        near[at % NEAR] = all;
        (before, last) = if token.stop { (None, None) } else { (last, this) };
    }
}

fn bits(mut mask: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (bit < 128).then_some(bit)
    })
}

/// The table, ready for use.
#[derive(Debug, Default)]
struct Table {
    /// What an item weighs that has no mark.
    base: i32,
    /// Weights of marks, by number.
    weights: Vec<i16>,
    /// The marks, as the file has them.
    lines: Vec<&'static str>,
    /// The numbers of words, from 1 on.
    words: quick::Table<&'static str, u16>,
    /// Those of the classes, as words.
    classes: [u16; CLASSES.len()],
    /// What there is of each word, by its number.
    known: Vec<Known>,
    /// By whether there is a gap, and the two words.
    pairs: quick::Table<u64, u16>,
    /// By two notions, or by one and [`ALONE`]; one more than the mark's number.
    notions: Vec<u16>,
    /// The notions that weigh something before each notion.
    worth: Vec<u128>,
}

/// What there is of one word.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Its marks as a word, of a parameter, elsewhere; one more than their numbers.
    alone: [u16; 3],
    /// Whether it is the first of a pair, without and with a gap, and the second.
    first: [bool; 2],
    second: [bool; 2],
}

/// Beside a notion that is a mark by itself.
const ALONE: usize = 128;

static READY: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { worth: vec![0; 128], notions: vec![0; 128 * (ALONE + 1)], ..Table::default() };
    let room = 1_800;
    table.words.reserve(room);
    table.pairs.reserve(room);
    table.known = vec![Known::default()];
    for line in TABLE.lines().filter(|l| !l.starts_with('#')) {
        table.add(line);
    }
    table.classes = CLASSES.map(|class| table.words.get(class).copied().unwrap_or_default());
    table
});

/// The words that weigh something, with their numbers.
pub(super) fn vocabulary() -> impl Iterator<Item = (&'static str, u16)> {
    READY.words.iter().map(|(word, number)| (*word, *number))
}

impl Table {
    /// Takes one line of the file; what it does not know weighs nothing.
    fn add(&mut self, line: &'static str) -> Option<()> {
        let (mark, weight) = line.split_once('\t')?;
        let weight: i16 = weight.parse().ok()?;
        let number = self.weights.len() as u16;
        let notion = |name: &str| NAMES.iter().position(|n| *n == name);
        let mut parts = mark.split(' ');
        let (kind, first, second) = (parts.next()?, parts.next(), parts.next());
        if parts.next().is_some() {
            return None;
        }
        let mut id = |word: &'static str| {
            let next = self.known.len() as u16;
            *self.words.entry(word).or_insert_with(|| {
                self.known.push(Known::default());
                next
            })
        };
        match (kind, first, second) {
            ("base", None, None) => {
                self.base = weight.into();
                return Some(());
            }
            ("notion", Some(one), None) => self.notions[notion(one)? * (ALONE + 1) + ALONE] = number + 1,
            ("notions", Some(first), Some(second)) => {
                let (first, second) = (notion(first)?, notion(second)?);
                self.worth[second] |= 1 << first;
                self.notions[first * (ALONE + 1) + second] = number + 1;
            }
            (kind, Some(one), None) => {
                let kind = ["word", "parameter", "elsewhere"].iter().position(|k| *k == kind)?;
                let one = usize::from(id(one));
                self.known[one].alone[kind] = number + 1;
            }
            (kind, Some(first), Some(second)) => {
                let kind = ["next", "gap"].iter().position(|k| *k == kind)?;
                let (first, second) = (id(first), id(second));
                self.known[usize::from(first)].first[kind] = true;
                self.known[usize::from(second)].second[kind] = true;
                self.pairs.insert(key(kind, first, second), number);
            }
            _ => return None,
        }
        self.weights.push(weight);
        self.lines.push(mark);
        Some(())
    }

    /// What is said of a mark; nothing of notions.
    fn says(&self, number: usize) -> Cow<'static, str> {
        match self.lines[number].split_once(' ') {
            None | Some(("notion" | "notions", _)) => Cow::Borrowed(""),
            Some(("gap", words)) => Cow::Owned(words.replacen(' ', " \u{2026} ", 1)),
            Some((_, words)) => Cow::Borrowed(words),
        }
    }

    /// What a word is known by, whose place and class these are.
    fn id(&self, words: &Words, at: usize, class: Option<usize>) -> Option<u16> {
        let id = class.map_or(words.tokens[at].meaning.weighed, |class| self.classes[class]);
        (id > 0).then_some(id)
    }

    fn number(&self, mark: Mark<u16>) -> Option<u16> {
        let alone = |kind: usize, one: u16| self.known[usize::from(one)].alone[kind].checked_sub(1);
        match mark {
            Mark::Word(one) => alone(0, one),
            Mark::Parameter(one) => alone(1, one),
            Mark::Elsewhere(one) => alone(2, one),
            Mark::Next(first, second) => self.pair(0, first, second),
            Mark::Gap(first, second) => self.pair(1, first, second),
            Mark::Notion(one) => self.notions[one * (ALONE + 1) + ALONE].checked_sub(1),
            Mark::Notions(first, second) => self.notions[first * (ALONE + 1) + second].checked_sub(1),
        }
    }

    fn pair(&self, kind: usize, first: u16, second: u16) -> Option<u16> {
        let may = self.known[usize::from(first)].first[kind] && self.known[usize::from(second)].second[kind];
        may.then(|| self.pairs.get(&key(kind, first, second)).copied()).flatten()
    }
}

fn key(kind: usize, first: u16, second: u16) -> u64 {
    (kind as u64) << 32 | u64::from(first) << 16 | u64::from(second)
}

/// What was read so far of one item.
#[derive(Debug, Default)]
pub(super) struct Wording {
    /// How often each mark is in the window.
    counts: Vec<u8>,
    /// The marks of the window, and how many each of its words has.
    marks: VecDeque<u16>,
    sizes: VecDeque<u16>,
    /// Words in all.
    words: usize,
    /// What the window weighs.
    sum: i32,
    /// What the heaviest window weighs, after which word it ends, and its marks as far as they are of one text.
    heavy: (i32, usize),
    told: Vec<u16>,
    /// The notions of the heaviest window, or of all words where they are few.
    about: u128,
    /// What the text added that added most.
    most: Option<i32>,
}

impl Wording {
    /// Reads one more text. Where it is the heaviest so far, the place of its heaviest word is returned, and
    /// the words that were weighed with it.
    pub(super) fn read(&mut self, words: &Words, spot: Spot) -> Option<(usize, Range<usize>)> {
        let table = &*READY;
        if self.counts.is_empty() {
            self.counts.resize(table.weights.len(), 0);
            self.marks.reserve(4 * WINDOW);
            self.sizes.reserve(WINDOW);
        }
        let (sum, first) = (self.sum, self.words);
        let known = |at: usize, class: Option<usize>| table.id(words, at, class);
        let worth = |notion: usize| table.worth[notion];
        let (mut heaviest, mut place) = (0, 0);
        marks(words, spot, known, worth, |mark, at| {
            self.reach(first + at + 1);
            if let Some(number) = table.number(mark) {
                let weight = self.push(number);
                if weight > heaviest {
                    (heaviest, place) = (weight, at);
                }
            }
        });
        self.reach(first + words.tokens.len());
        self.judge();
        if self.is_short() {
            let added = self.sum - sum;
            self.about |= words.tokens.iter().fold(0, |all, token| all | token.meaning.notions);
            let heavier = heaviest > 0 && self.most.is_none_or(|most| added > most);
            return heavier.then(|| {
                self.most = Some(added);
                (place, 0..words.tokens.len())
            });
        }
        let (weight, end) = self.heavy;
        if end <= first || table.base + weight < 0 {
            return None;
        }
        // Once more, for what to say of it.
        let window = (end - first).saturating_sub(WINDOW)..end - first;
        self.told.clear();
        (heaviest, place) = (0, window.start);
        marks(words, spot, known, worth, |mark, at| {
            if let Some(number) = table.number(mark).filter(|_| window.contains(&at)) {
                self.told.push(number);
                let weight = i32::from(table.weights[usize::from(number)]);
                if weight > heaviest {
                    (heaviest, place) = (weight, at);
                }
            }
        });
        self.about = words.tokens[window.clone()].iter().fold(0, |all, token| all | token.meaning.notions);
        Some((place, window))
    }

    /// Moves the window on, until the word with the number `until` is its last one.
    fn reach(&mut self, until: usize) {
        while self.words < until {
            self.judge();
            if self.sizes.len() == WINDOW {
                let leaves = self.sizes.pop_front().unwrap_or_default();
                for number in self.marks.drain(..usize::from(leaves)) {
                    let count = &mut self.counts[usize::from(number)];
                    *count -= 1;
                    if *count == 0 {
                        self.sum -= i32::from(READY.weights[usize::from(number)]);
                    }
                }
            }
            self.sizes.push_back(0);
            self.words += 1;
        }
    }

    /// One more mark of the last word; what it adds is returned. A word has none twice, so that a count is at
    /// most the window's length.
    fn push(&mut self, number: u16) -> i32 {
        self.marks.push_back(number);
        if let Some(size) = self.sizes.back_mut() {
            *size += 1;
        }
        let count = &mut self.counts[usize::from(number)];
        *count += 1;
        let weight = if *count == 1 { i32::from(READY.weights[usize::from(number)]) } else { 0 };
        self.sum += weight;
        weight
    }

    /// The window's last word is complete.
    fn judge(&mut self) {
        if self.words == WINDOW || self.words > WINDOW && self.sum > self.heavy.0 {
            self.heavy = (self.sum, self.words);
        }
    }

    /// Whether all words were weighed together.
    pub(super) fn is_short(&self) -> bool {
        self.words <= WINDOW
    }

    /// Whether it is hardly more than one sentence.
    pub(super) fn is_terse(&self) -> bool {
        self.words <= TERSE
    }

    /// What it weighs; honest texts weigh less than nothing.
    pub(super) fn score(&self) -> i32 {
        match self.words {
            0 => i32::MIN,
            _ if self.is_short() => READY.base + self.sum,
            _ => READY.base + self.heavy.0,
        }
    }

    /// Whether what weighs most is also about one of `notions`.
    pub(super) fn is_about(&self, notions: u128) -> bool {
        self.about & notions != 0
    }

    /// The words that weigh most.
    pub(super) fn heaviest(&self) -> Vec<Cow<'static, str>> {
        let table = &*READY;
        let mut all: Vec<usize> = match self.is_short() {
            true => (0..self.counts.len()).filter(|n| self.counts[*n] > 0).collect(),
            false => self.told.iter().map(|n| usize::from(*n)).collect(),
        };
        all.retain(|n| {
            let says = table.says(*n);
            table.weights[*n] > 0 && !says.is_empty() && !says.starts_with('@')
        });
        all.sort_by_key(|n| (std::cmp::Reverse(table.weights[*n]), *n));
        let mut says: Vec<Cow<'_, str>> = Vec::new();
        for n in all {
            let one = table.says(n);
            if says.len() < TOLD && !says.contains(&one) {
                says.push(one);
            }
        }
        says
    }
}

#[cfg(test)]
#[path = "wording_tests.rs"]
mod tests;
