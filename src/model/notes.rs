//! Deviations that were tolerated, counted by kind: bounded, however often a server deviates.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A deviation that was tolerated and counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A stable word.
    pub code: Cow<'static, str>,
    /// One line for people; the first instance, where there were several.
    pub message: String,
    /// How often.
    pub count: u32,
}

/// One note a code.
#[derive(Debug, Clone, Default)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// Counts one more of `code`; the first one's `message` is kept.
    pub fn add(&mut self, code: &'static str, message: impl FnOnce() -> String) {
        self.add_times(code, 1, message);
    }

    /// Counts `times` more of `code`.
    pub fn add_times(&mut self, code: &'static str, times: u32, message: impl FnOnce() -> String) {
        if times == 0 {
            return;
        }
        match self.0.iter_mut().find(|n| n.code == code) {
            Some(note) => note.count = note.count.saturating_add(times),
            None => self.0.push(Note { code: code.into(), message: message(), count: times }),
        }
    }

    /// Takes over what `others` counted.
    pub fn absorb(&mut self, others: Notes) {
        for note in others.0 {
            match self.0.iter_mut().find(|n| n.code == note.code) {
                Some(known) => known.count = known.count.saturating_add(note.count),
                None => self.0.push(note),
            }
        }
    }

    /// What was counted under `code`.
    #[cfg(test)]
    pub(crate) fn get(&self, code: &str) -> Option<&Note> {
        self.0.iter().find(|n| n.code == code)
    }

    /// For the report.
    pub fn into_vec(self) -> Vec<Note> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_stays_and_counts_add_up() {
        let (mut a, mut b) = (Notes::default(), Notes::default());
        a.add("x", || "first".into());
        a.add("x", || unreachable!("only the first message is made"));
        b.add_times("x", 3, || "later".into());
        b.add_times("y", 0, || unreachable!("nothing to count"));
        a.absorb(b);
        assert_eq!(a.into_vec(), [Note { code: "x".into(), message: "first".into(), count: 5 }]);
    }
}
