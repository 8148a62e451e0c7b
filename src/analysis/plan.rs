//! Frames, ready to be searched for.

use std::sync::LazyLock;

use super::frames::{FRAMES, Frame, is_notion};
use super::lexicon::{LEXICON, Meaning, SECRET_PLACES, form, notion};
use super::words::{Class, Contents, Words};

#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Words that may stand before it.
    gap: usize,
    /// Whether a sentence may end before it.
    crosses: bool,
    /// Notions in whatever form.
    notions: u128,
    /// Notions in one of these forms.
    formed: Vec<(u128, u8)>,
    /// All of those together.
    bent: u128,
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
        let is = |(notion, forms): &(u128, u8)| meaning.notions & notion != 0 && meaning.forms & forms != 0;
        meaning.notions & self.notions != 0
            || meaning.notions & self.bent != 0 && self.formed.iter().any(is) && !is_noun(words, at)
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

    /// What something of has to be there; nothing, where many a word may be it.
    fn needs(&self) -> Option<Contents> {
        let class = |wanted: bool, class: Class| match wanted {
            true => Contents::of(Meaning::default(), class),
            false => Contents::default(),
        };
        let mut needs = Contents { notions: self.notions | self.bent, ..Contents::default() };
        for literal in &self.words {
            needs.literals |= 1 << (literal % 128);
        }
        let classes = class(self.secret || self.device, Class::Path)
            .with(class(self.address, Class::Address))
            .with(class(self.mail, Class::Mail));
        (!self.account && !self.ident).then_some(needs.with(classes))
    }
}

/// A frame, ready to be searched for.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) slots: Vec<Slot>,
    pub(super) unless: u128,
    /// Something of each of these has to be there.
    pub(super) needs: Vec<Contents>,
    pub(super) crosses: bool,
    pub(super) beyond: bool,
    pub(super) guarded: bool,
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

    /// Whether all of it can be in a sentence of `contents`.
    pub(super) fn may_be_in(&self, contents: Contents) -> bool {
        self.needs.iter().all(|need| {
            need.notions & contents.notions != 0
                || need.literals & contents.literals != 0
                || need.classes & contents.classes != 0
        })
    }

    /// The last word of the frame that begins at `first`, if the words are there. All ways are followed at
    /// once, so the work is bounded by the frame's length.
    pub(super) fn follow(&self, words: &Words, first: usize) -> Option<usize> {
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
                    self.bent |= bit;
                }
            }
            word => {
                let folded: String = word.chars().filter_map(super::fold::fold).collect();
                self.words.extend(LEXICON.get(&folded).map(|m| m.literal));
            }
        }
    }
}

/// What an article stands before is no verb: "the alert", "a request".
fn is_noun(words: &Words, at: usize) -> bool {
    at > 0 && matches!(words.get(at - 1), "the" | "a" | "an")
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
    SECRET_PLACES.iter().any(|p| path.contains(p))
        && ![".env.example", ".pub"].iter().any(|end| path.ends_with(end))
        && !path.contains("://")
}

/// `send_email`: the name of a function.
pub(super) fn is_identifier(word: &str) -> bool {
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
pub(super) struct Index {
    pub(super) plans: Vec<Plan>,
    /// Notions that some frame begins with.
    pub(super) first_notions: u128,
    /// The frames that begin with each notion, and in which of its forms, if that matters.
    pub(super) by_notion: Vec<Vec<(usize, u8)>>,
    pub(super) by_word: Vec<Vec<usize>>,
    pub(super) secrets: Vec<usize>,
    pub(super) addresses: Vec<usize>,
    pub(super) identifiers: Vec<usize>,
    /// What makes words in quotation marks an example.
    pub(super) examples: u128,
    pub(super) guard: u128,
}

pub(super) static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let plans: Vec<Plan> = FRAMES.iter().map(Plan::of).collect();
    let words = super::frames::literals().len() + 1;
    let (mut by_notion, mut by_word) = (vec![Vec::new(); 128], vec![Vec::new(); words]);
    let (mut first_notions, mut secrets, mut addresses, mut identifiers) =
        (0, Vec::new(), Vec::new(), Vec::new());
    for (number, plan) in plans.iter().enumerate() {
        let Some(slot) = plan.slots.first() else { continue };
        first_notions |= slot.notions | slot.bent;
        for bit in (0..128).filter(|bit| (slot.notions | slot.bent) >> bit & 1 == 1) {
            let formed = slot.formed.iter().filter(|(notion, _)| notion >> bit & 1 == 1);
            let forms = if slot.notions >> bit & 1 == 1 { 0 } else { formed.fold(0, |all, (_, f)| all | f) };
            by_notion[bit].push((number, forms));
        }
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
