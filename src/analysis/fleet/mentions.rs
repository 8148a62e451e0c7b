//! Where a text speaks of a tool by its name and wants something done about it: that it be called, or that it
//! be left for another one.
//!
//! What looks like a tool's name is taken as one; whether there is such a tool, and whose, is found out when
//! all tools are known. A name alone is nothing: honest texts refer to their neighbours all the time.

use crate::analysis::fold::fold;
use crate::analysis::item::Item;
use crate::analysis::roles;
use crate::analysis::signals::pieces;
use crate::analysis::tree::Value;
use crate::analysis::words::Words;

use super::legs::is_verb;
use super::likeness::hash;

/// What is wanted of the tool that is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    /// It has to be called, or its use be changed.
    Oblige,
    /// It is bad, and another one is to be used.
    Discredit,
}

/// One place that speaks of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mention {
    /// Hash of the name, folded.
    pub(crate) name: u64,
    pub(crate) errand: Errand,
    /// Whether it leaves no choice.
    pub(crate) strict: bool,
    /// JSON pointer from the item on.
    pub(crate) path: Box<str>,
    /// The words around it.
    pub(crate) excerpt: Box<str>,
}

/// Mentions that are kept of one item.
const MOST: usize = 6;
/// Words on each side that are looked at, at most to the end of the sentence.
const AROUND: usize = 24;
/// Characters of an excerpt.
const EXCERPT: usize = 160;

/// The name of a tool as mentions have it.
pub(crate) fn name_of(name: &str) -> u64 {
    let folded: String = name.chars().take(EXCERPT).filter_map(fold).collect();
    hash(folded)
}

/// The mentions in `item`.
pub(crate) fn mentions(item: &Item<'_>) -> Vec<Mention> {
    let mut speech = Speech::of(item);
    speech.until(item, item.tree.len(), &mut Words::default());
    speech.found
}

/// The mentions of an item, text after text: whoever reads its words anyway can look for mentions, too.
#[derive(Debug)]
pub(crate) struct Speech {
    own: u64,
    /// The first node that was not looked at.
    pub(crate) next: usize,
    /// What was found.
    pub(crate) found: Vec<Mention>,
}

impl Speech {
    /// Nothing of `item` yet.
    pub(crate) fn of(item: &Item<'_>) -> Speech {
        Speech { own: name_of(item.name()), next: 0, found: Vec::new() }
    }

    /// Reads the texts before the node `end` that nobody else reads.
    pub(crate) fn until(&mut self, item: &Item<'_>, end: usize, words: &mut Words) {
        for at in self.next..end {
            let Value::Text(text) = item.tree.value(at) else { continue };
            if !self.listens(text) {
                continue;
            }
            pieces(text, |piece| {
                if self.found.len() < MOST {
                    words.read(piece);
                    self.hear(item, at, words, piece);
                }
            });
        }
        self.next = end;
    }

    /// Whether a text may hold one more.
    pub(crate) fn listens(&self, text: &str) -> bool {
        self.found.len() < MOST && text.len() >= 12 && could_name(text)
    }

    /// Takes the mentions in `piece` of the text at `at`, whose words are read.
    pub(crate) fn hear(&mut self, item: &Item<'_>, at: usize, words: &Words, piece: &str) {
        if self.found.len() >= MOST {
            return;
        }
        for (name, errand, strict, excerpt) in read(words, piece) {
            let found = &mut self.found;
            let known = found.iter().any(|m| m.name == name && m.errand == errand && m.strict >= strict);
            if name == self.own || known || found.len() >= MOST {
                continue;
            }
            let path = item.tree.pointer(at).into();
            found.push(Mention { name, errand, strict, path, excerpt: excerpt.into() });
        }
    }
}

/// Most texts have no sign that a name needs.
fn could_name(text: &str) -> bool {
    !text.is_ascii() || text.contains(['_', '-', '`', '\'', '"', '.']) || text.contains("tool")
}

fn read<'t>(words: &'t Words, text: &'t str) -> impl Iterator<Item = (u64, Errand, bool, String)> + 't {
    let wants = |at: &usize| may_want(words.sentences[words.tokens[*at].sentence].roles);
    (0..words.tokens.len()).filter(wants).filter_map(move |at| {
        let sent = words.tokens[at].sent.clone();
        // Several words of one chunk: it is looked at once.
        if at > 0 && words.tokens[at - 1].sent == sent {
            return None;
        }
        let name = may_be_named(words, text, at).then(|| named(words, text, at)).flatten()?;
        let (errand, strict) = errand(words, at)?;
        Some((name, errand, strict, excerpt(words, text, at)))
    })
}

/// Whether a sentence whose words have these roles may want something of a tool: what [`errand`] looks for.
fn may_want(roles: u16) -> bool {
    let has = |role: u16| roles & role != 0;
    has(roles::BAD | roles::INSTEAD) || has(roles::CALL) && has(roles::STRICT | roles::LOOSE)
}

/// Whether what stands at `at` has one of the signs of a name. Most words have none.
fn may_be_named(words: &Words, text: &str, at: usize) -> bool {
    let sent = &words.tokens[at].sent;
    let bytes = text.as_bytes();
    let before = sent.start.checked_sub(1).and_then(|i| bytes.get(i));
    let quoted = before.is_some_and(|b| matches!(b, b'`' | b'"') || !b.is_ascii());
    let said = bytes.get(sent.clone()).unwrap_or_default();
    let sign = |b: &u8| b.is_ascii_uppercase() || matches!(b, b'_' | b'-' | b'\'') || !b.is_ascii();
    let called = || words.tokens.get(at + 1).is_some_and(|next| next.meaning.roles & roles::TOOL != 0);
    // A word at the beginning of a sentence has its capital there.
    let letter = usize::from(said.first().is_some_and(u8::is_ascii_uppercase));
    quoted || said[letter..].iter().any(sign) || called()
}

/// What stands at `at`, if it looks like the name of a tool.
fn named(words: &Words, text: &str, at: usize) -> Option<u64> {
    let sent = words.tokens[at].sent.clone();
    let chunk = text.get(sent.clone())?.trim_matches(|c: char| !c.is_alphanumeric());
    if !(3..=64).contains(&chunk.len()) {
        return None;
    }
    // `server.tool`, `server:tool`, `mcp__server__tool`
    let last = chunk.rsplit(['.', ':', '/']).next().unwrap_or(chunk);
    let last = last.rsplit("__").next().unwrap_or(last);
    const QUOTES: [char; 6] = ['`', '"', '\'', '\u{2018}', '\u{2019}', '\u{201d}'];
    let said = text.get(sent.clone())?;
    let opened = text[..sent.start].ends_with(['`', '"', '\u{201c}']) || said.starts_with(['\'', '\u{2018}']);
    let bare = said.trim_end_matches(['.', ',', ':', ')']);
    let quoted = opened && (text[sent.end..].starts_with(QUOTES) || bare.ends_with(QUOTES));
    let joined = last.contains('_') || last.split('-').filter(|p| p.len() > 1).count() > 1;
    let camel = last.chars().skip(1).any(char::is_uppercase) && last.chars().any(char::is_lowercase);
    // "The search tool" may be anybody's, "the think tool" is one.
    let word = words.get(at);
    let called = matches!(words.get(at + 1), "tool" | "function")
        && !matches!(word, "this" | "the" | "other" | "that" | "each" | "any" | "every" | "another")
        && !is_verb(word);
    (quoted || joined || camel || called).then(|| name_of(last))
}

fn errand(words: &Words, at: usize) -> Option<(Errand, bool)> {
    let stops = |i: usize| words.tokens.get(i).is_none_or(|t| t.stop);
    let from = (at.saturating_sub(AROUND)..at).rev().take_while(|i| !stops(*i)).last().unwrap_or(at);
    let mut to = at;
    while to < at + AROUND && !stops(to) {
        to += 1;
    }
    let plays = |i: usize, role: u16| words.tokens.get(i).is_some_and(|t| t.meaning.roles & role != 0);
    let has = |from: usize, to: usize, role: u16| (from..=to).any(|i| i != at && plays(i, role));
    // "x is deprecated. Use this one instead."
    let next = (to + 1..to + 1 + AROUND).take_while(|i| *i == to + 1 || !stops(*i - 1)).last().unwrap_or(to);
    let away = has(from, to, roles::AWAY) || has(to, next, roles::RATHER) || follows(words, to + 1, &["use"]);
    if has(at.saturating_sub(6).max(from), (at + 10).min(to), roles::BAD) && away {
        return Some((Errand::Discredit, true));
    }
    let before = at.saturating_sub(4).max(from);
    let instead = (before..at).any(|i| {
        let (word, next) = (words.get(i), words.get(i + 1));
        matches!((word, next), ("instead" | "place", "of") | ("rather", "than") | ("replacement", "for"))
            || matches!(word, "replaces" | "supersedes")
            || matches!((word, next), ("dont" | "never" | "not", "use" | "call" | "trust"))
            || matches!((word, next), ("avoid", "using" | "the") | ("stop", "using"))
    });
    if instead {
        return Some((Errand::Discredit, false));
    }
    if !has(from, to, roles::CALL) {
        return None;
    }
    if has(from, to, roles::STRICT) {
        return Some((Errand::Oblige, true));
    }
    has(from, to, roles::LOOSE).then_some((Errand::Oblige, false))
}

/// Whether the sentence that begins at `at` begins with one of `of`.
fn follows(words: &Words, at: usize, of: &[&str]) -> bool {
    (at..at + 3).any(|i| of.contains(&words.get(i)))
}

fn excerpt(words: &Words, text: &str, at: usize) -> String {
    let from = words.tokens[at.saturating_sub(8)].sent.start;
    let to = words.tokens[(at + 10).min(words.tokens.len() - 1)].sent.end;
    let said = text.get(from..to).unwrap_or_default();
    said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(EXCERPT).collect()
}
