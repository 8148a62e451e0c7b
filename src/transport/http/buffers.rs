//! Buffers of a connection that begin small and grow when a server's headers need it: a thousand connections
//! must fit into memory, and one with 64 KiB of headers must still be read to see that it is too much.

use ureq::unversioned::transport::Buffers;

/// Enough for the headers and the small answers of an ordinary server.
const INPUT: usize = 4 << 10;
/// One request header line must fit: credentials can be long.
const OUTPUT: usize = 8 << 10;

/// Input and output of one connection; nothing is allocated before it is used.
#[derive(Debug, Default)]
pub(super) struct GrowingBuffers {
    input: Vec<u8>,
    /// What was read and not yet consumed.
    consumed: usize,
    filled: usize,
    output: Vec<u8>,
    progress: bool,
    /// Bytes of interim (1xx) responses since the last request. ureq reads and forgets them one by one, so
    /// its own limit on headers does not see an endless row of them.
    interim: usize,
}

impl GrowingBuffers {
    /// A request is sent. What will not be needed while its answer is awaited is given back: of a thousand
    /// connections nearly all are waiting.
    pub(super) fn request_sent(&mut self) {
        self.interim = 0;
        self.output = Vec::new();
        if self.consumed == self.filled {
            self.input = Vec::new();
            (self.consumed, self.filled) = (0, 0);
        }
    }

    /// Bytes of interim responses to the last request.
    pub(super) fn interim(&self) -> usize {
        self.interim
    }

    /// Room for one read: of `size` bytes, where that is given.
    pub(super) fn room(&mut self, size: Option<usize>) -> &mut [u8] {
        let Some(size) = size else { return self.input_append_buf() };
        if self.consumed == self.filled && self.input.len() < size {
            self.input.resize(size, 0);
        }
        let room = self.input_append_buf();
        let most = room.len().min(size);
        &mut room[..most]
    }

    /// Makes room behind what was read: by moving it to the front, else by growing.
    fn make_room(&mut self) {
        if self.consumed == self.filled {
            (self.consumed, self.filled) = (0, 0);
        }
        if self.filled < self.input.len() {
            return;
        }
        if self.consumed > 0 {
            self.input.copy_within(self.consumed..self.filled, 0);
            self.filled -= self.consumed;
            self.consumed = 0;
        } else {
            // The socket gives up at the header limit: bodies are consumed as they come, but neither heads
            // nor the lines between chunks before they are whole.
            self.input.resize((self.input.len() * 2).max(INPUT), 0);
        }
    }
}

impl Buffers for GrowingBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.output.resize(OUTPUT, 0);
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.consumed..self.filled]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.make_room();
        &mut self.input[self.filled..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.filled += amount;
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        let is_interim = matches!(self.input().get(..10), Some([b'H', b'T', b'T', b'P', b'/', .., b'1']));
        self.interim += if is_interim { amount } else { 0 };
        self.consumed += amount;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.make_room();
        self.output.resize(OUTPUT, 0);
        (&mut self.input[self.filled..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.consumed < self.filled && self.progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_bytes_survive_moving_and_growing() {
        let mut b = GrowingBuffers::default();
        let feed = |b: &mut GrowingBuffers, byte: u8| {
            let room = b.input_append_buf();
            room.fill(byte);
            let n = room.len();
            b.input_appended(n);
            n
        };
        assert_eq!(feed(&mut b, b'a'), INPUT);
        b.input_consume(INPUT - 1);
        assert_eq!(feed(&mut b, b'b'), INPUT - 1);
        assert_eq!(feed(&mut b, b'c'), INPUT);
        let all = b.input();
        assert_eq!((all.len(), all[0], all[1], all[INPUT]), (2 * INPUT, b'a', b'b', b'c'));
        b.input_consume(2 * INPUT);
        assert!(b.input().is_empty() && !b.can_use_input());
        assert_eq!((b.room(Some(100)).len(), b.room(Some(4 * INPUT)).len()), (100, 4 * INPUT));
    }
}
