//! The end of a server's stderr, in bounded memory, and what of it a person would look at first.

use std::collections::VecDeque;

use crate::base::text::quote;

/// The end of a stream, in bounded memory.
pub(super) struct Tail {
    kept: VecDeque<u8>,
    pub(super) limit: usize,
    /// Bytes there were in all.
    pub(super) total: u64,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Tail {
        Tail { kept: VecDeque::new(), limit, total: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(self.limit)..];
        let excess = (self.kept.len() + bytes.len()).saturating_sub(self.limit);
        self.kept.drain(..excess);
        self.kept.extend(bytes);
    }

    pub(super) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.kept.make_contiguous()).into_owned()
    }

    /// What a person would look at first: the line that names an error, else the last one.
    pub(super) fn last_line(&mut self) -> Option<String> {
        let text = self.text();
        let lines = || text.lines().map(str::trim).filter(|l| !l.is_empty()).rev();
        let telling = lines().find(|l| l.contains("Error") || l.contains("error"));
        telling.or_else(|| lines().next()).map(|l| quote(l, 4096))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_end_and_finds_the_telling_line() {
        let mut tail = Tail::new(40);
        tail.push(&[b'x'; 1000]);
        tail.push(b"\nError: KEY is required\n    at main\n");
        assert_eq!(tail.total, 1036);
        assert!(tail.kept.len() <= 40);
        assert_eq!(tail.last_line().as_deref(), Some("Error: KEY is required"));
    }
}
