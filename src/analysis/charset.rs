//! Sets of characters, as far as regular expressions need them.

/// Some of the ASCII characters, and whether any beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Set {
    pub(super) ascii: u128,
    pub(super) beyond: bool,
}

impl Set {
    pub(super) const ALL: Set = Set { ascii: u128::MAX, beyond: true };

    pub(super) fn of(c: char) -> Set {
        match u32::from(c) {
            point @ 0..128 => Set { ascii: 1 << point, beyond: false },
            _ => Set { ascii: 0, beyond: true },
        }
    }

    pub(super) fn span(from: char, to: char) -> Set {
        let ascii = (u32::from(from)..=u32::from(to).min(127)).fold(0, |set, point| set | 1 << point);
        Set { ascii, beyond: u32::from(to) > 127 }
    }

    pub(super) fn and(self, other: Set) -> Set {
        Set { ascii: self.ascii | other.ascii, beyond: self.beyond || other.beyond }
    }

    pub(super) fn not(self) -> Set {
        // What lies beyond ASCII is not told apart.
        Set { ascii: !self.ascii, beyond: true }
    }

    pub(super) fn meets(self, other: Set) -> bool {
        self.ascii & other.ascii != 0 || self.beyond && other.beyond
    }

    /// `\d`, `\w`, `\s` and their opposites.
    pub(super) fn class(letter: char) -> Option<Set> {
        let digits = Set::span('0', '9');
        let set = match letter.to_ascii_lowercase() {
            'd' => digits,
            'w' => digits.and(Set::span('a', 'z')).and(Set::span('A', 'Z')).and(Set::of('_')),
            's' => [' ', '\t', '\n', '\r', '\u{b}', '\u{c}']
                .into_iter()
                .map(Set::of)
                .fold(Set::default(), Set::and),
            _ => return None,
        };
        Some(if letter.is_ascii_uppercase() { set.not() } else { set })
    }
}
