//! A bounded table of sessions under ids that cannot be guessed.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Sessions beyond this push out the oldest: a client that never says goodbye costs nothing.
const MOST: usize = 10_000;

/// Sessions by id.
pub(super) struct Sessions<T> {
    next: u64,
    salt: RandomState,
    open: BTreeMap<u64, T>,
}

impl<T> Sessions<T> {
    pub(super) fn new() -> Sessions<T> {
        Sessions { next: 0, salt: RandomState::new(), open: BTreeMap::new() }
    }

    /// Opens a session and gives its id.
    pub(super) fn open(&mut self, session: T) -> String {
        let number = self.next;
        self.next += 1;
        if self.open.len() >= MOST {
            self.open.pop_first();
        }
        self.open.insert(number, session);
        self.id(number)
    }

    /// The session of this id.
    pub(super) fn find(&mut self, id: &str) -> Option<&mut T> {
        let number = self.number(id)?;
        self.open.get_mut(&number)
    }

    /// Ends a session.
    pub(super) fn close(&mut self, id: &str) -> Option<T> {
        let number = self.number(id)?;
        self.open.remove(&number)
    }

    fn id(&self, number: u64) -> String {
        format!("{number:x}-{:016x}", self.salt.hash_one(number))
    }

    fn number(&self, id: &str) -> Option<u64> {
        let number = u64::from_str_radix(id.split('-').next()?, 16).ok()?;
        (self.id(number) == id).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_id_finds_a_session_and_the_oldest_makes_room() {
        let mut sessions = Sessions::new();
        let first = sessions.open(0);
        assert_eq!(sessions.find(&first), Some(&mut 0));
        assert_eq!(sessions.find("0-0000000000000000"), None);
        for n in 1..=MOST {
            sessions.open(n);
        }
        assert_eq!(sessions.find(&first), None);
        let last = sessions.open(7);
        assert_eq!((sessions.close(&last), sessions.close(&last)), (Some(7), None));
    }
}
