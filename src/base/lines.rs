//! Bytes in, lines out, with a cap: the splitter of stdio.

use memchr::memchr;

/// Cuts bytes at line feeds without copying more than the unfinished rest of a line.
#[derive(Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Lines before this are taken.
    start: usize,
    /// No line feed between `start` and this.
    searched: usize,
    limit: usize,
}

/// A line grew beyond the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl Lines {
    /// No line may exceed `limit` bytes.
    pub fn new(limit: usize) -> Lines {
        Lines { buffer: Vec::new(), start: 0, searched: 0, limit }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line, as a range for [`Lines::line`].
    pub fn next_line(&mut self) -> Result<Option<std::ops::Range<usize>>, TooLong> {
        let Some(at) = memchr(b'\n', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            return if self.searched - self.start > self.limit { Err(TooLong) } else { Ok(None) };
        };
        let line = self.start..self.searched + at;
        (self.start, self.searched) = (line.end + 1, line.end + 1);
        if line.len() > self.limit { Err(TooLong) } else { Ok(Some(line)) }
    }

    /// What is left when the bytes have ended: a line without its line feed.
    pub fn last(&mut self) -> Option<std::ops::Range<usize>> {
        let rest = self.start..self.buffer.len();
        (self.start, self.searched) = (rest.end, rest.end);
        (!rest.is_empty()).then_some(rest)
    }

    /// Whether a line was begun and not ended.
    pub fn unfinished(&self) -> bool {
        self.start < self.buffer.len()
    }

    /// Gives memory back, where all lines are taken.
    pub fn release(&mut self) {
        if !self.unfinished() {
            *self = Lines::new(self.limit);
        }
    }

    /// The bytes of a line that was handed out and not yet pushed over.
    pub fn line(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.buffer[range]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(chunks: &[&[u8]], limit: usize) -> Result<Vec<Vec<u8>>, TooLong> {
        let (mut lines, mut out) = (Lines::new(limit), Vec::new());
        for chunk in chunks {
            lines.push(chunk);
            while let Some(range) = lines.next_line()? {
                out.push(lines.line(range).to_vec());
            }
        }
        if let Some(range) = lines.last() {
            out.push(lines.line(range).to_vec());
        }
        Ok(out)
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
        assert_eq!(lines(&[b"abc\nd"], 3), Ok(vec![b"abc".to_vec(), b"d".to_vec()]));
        assert_eq!(lines(&[b"abcd\n"], 3), Err(TooLong));
        assert_eq!(lines(&[b"ab", b"cd"], 3), Err(TooLong));
        assert_eq!(lines(&[b"a\n\nb\n"], 3), Ok(vec![b"a".to_vec(), b"".to_vec(), b"b".to_vec()]));
    }

    proptest! {
        #[test]
        fn any_way_of_cutting_gives_the_same_lines(bytes in "[ab\n]{0,60}", cut in 1usize..9) {
            let whole = lines(&[bytes.as_bytes()], 100);
            let chunks: Vec<&[u8]> = bytes.as_bytes().chunks(cut).collect();
            prop_assert_eq!(whole, lines(&chunks, 100));
        }
    }
}
