//! A hash for tables of our own words, which are asked for with every word of a text.
//!
//! The keys of these tables are ours and never a server's, so nobody can choose them to collide; what is looked
//! up may be anything. Whatever holds keys of a server keeps the hash of the standard library.

use std::hash::{BuildHasherDefault, Hasher};

/// A table whose keys are ours.
pub(super) type Table<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Quick>>;

/// Eight bytes at a time: turned, mixed in, multiplied.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Quick(u64);

impl Quick {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.mix(rest.iter().fold(0, |word, b| word << 8 | u64::from(*b)));
        }
    }

    // The end of a text, which is all that is ever written as one byte.
    fn write_u8(&mut self, byte: u8) {
        self.mix(byte.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn finish(&self) -> u64 {
        // The table goes by the highest bits and the lowest; multiplying fills the highest.
        self.0 ^ self.0 >> 32
    }
}
