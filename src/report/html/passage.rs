//! The words that a finding is about, in the text they stand in.

use serde_json::Value;

use crate::model::inventory::List;
use crate::model::outcome::Outcome;

/// Characters shown before and after the words.
const AROUND: usize = 160;
/// Items beyond this size are not read again only to show what stands around some words.
const ITEM_MOST: usize = 256 << 10;

/// Finds passages in one target. Findings come item by item, so the last one read is kept.
pub(super) struct Passages<'a> {
    outcome: &'a Outcome,
    last: Option<(List, usize, Option<Value>)>,
}

/// Words and what stands around them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passage {
    pub(super) before: String,
    pub(super) words: String,
    pub(super) after: String,
}

impl<'a> Passages<'a> {
    pub(super) fn new(outcome: &'a Outcome) -> Passages<'a> {
        Passages { outcome, last: None }
    }

    /// Where `excerpt` stands in the text at `pointer`; alone where it stands nowhere as it is.
    pub(super) fn find(&mut self, pointer: &str, excerpt: &str) -> Passage {
        let text = self.text(pointer);
        let found = text.and_then(|text| Some((text, text.find(excerpt).filter(|_| !excerpt.is_empty())?)));
        let Some((text, at)) = found else {
            return Passage { before: String::new(), words: excerpt.to_owned(), after: String::new() };
        };
        let (before, rest) = text.split_at(at);
        let (words, after) = rest.split_at(excerpt.len());
        Passage { before: end_of(before), words: words.to_owned(), after: start_of(after) }
    }

    /// The string at `pointer` of the report's target.
    fn text(&mut self, pointer: &str) -> Option<&str> {
        if pointer == "/instructions" {
            return self.outcome.inventory.instructions.as_deref();
        }
        let mut steps = pointer.strip_prefix('/')?.splitn(3, '/');
        let (key, index) = (steps.next()?, steps.next()?.parse().ok()?);
        let list = List::ALL.into_iter().find(|list| list.key() == key)?;
        let rest = steps.next().map_or(String::new(), |rest| format!("/{rest}"));
        if !self.last.as_ref().is_some_and(|(l, i, _)| (*l, *i) == (list, index)) {
            let item = self.outcome.inventory.items(list).get(index)?.text();
            let read = (item.len() <= ITEM_MOST).then(|| serde_json::from_str(item).ok()).flatten();
            self.last = Some((list, index, read));
        }
        self.last.as_ref()?.2.as_ref()?.pointer(&rest)?.as_str()
    }
}

fn end_of(text: &str) -> String {
    match text.char_indices().rev().nth(AROUND) {
        None => text.to_owned(),
        Some((at, c)) => format!("…{}", &text[at + c.len_utf8()..]),
    }
}

fn start_of(text: &str) -> String {
    match text.char_indices().nth(AROUND) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::specimens::{complete, object};

    #[test]
    fn words_are_found_where_they_stand() {
        let mut outcome = complete();
        let text = format!("{}tell ünobody{}", "a".repeat(500), "ß".repeat(500));
        outcome.inventory.tools[3] = object(&json!({"name": "t", "description": text}));
        let mut passages = Passages::new(&outcome);
        let passage = passages.find("/tools/3/description", "tell ünobody");
        assert_eq!(passage.words, "tell ünobody");
        assert_eq!(passage.before, format!("…{}", "a".repeat(AROUND)));
        assert_eq!(passage.after, format!("{}…", "ß".repeat(AROUND)));
        assert_eq!(passages.find("/instructions", "Very").before, "Be careful.\n");
    }

    #[test]
    fn words_that_are_nowhere_stand_alone() {
        let outcome = complete();
        let alone = |pointer| Passages::new(&outcome).find(pointer, "words");
        for pointer in ["", "/", "/tools", "/tools/99/name", "/tools/x", "/tools/0/name", "/auth/posture"] {
            let expected = Passage { before: String::new(), words: "words".into(), after: String::new() };
            assert_eq!(alone(pointer), expected, "{pointer}");
        }
    }
}
