//! What is kept for the next use, and for how long. Pure: no clock, no thread, no I/O; whoever calls says what
//! time it is, and closes what is handed out for that.
//!
//! ```text
//!            take                       give
//!   idle ───────────▶ lent ───────────────────────▶ idle
//!    │                 │ lose                        │ full, or too old
//!    │ overdue         ▼                             ▼
//!    └──────────▶ to be closed ◀─────────────────────┘
//! ```
//!
//! A full pool keeps what it has: over more targets than it holds, visited in turn, whatever made room for the
//! next would be missed before it is used again, and nothing would ever be used twice.
//!
//! Invariant: lent and idle together are never more than `max_connections`.

use std::time::Instant;

use crate::model::pool::PoolOptions;

/// Idle values by key.
#[derive(Debug)]
pub(crate) struct Pool<K, V> {
    options: PoolOptions,
    idle: Vec<Kept<K, V>>,
    lent: usize,
}

/// A value with its history.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    /// What it may be used for.
    pub(crate) key: K,
    /// Itself.
    pub(crate) value: V,
    born: Instant,
    idle_since: Instant,
    /// When it was last known to be well.
    well_at: Instant,
}

impl<K: PartialEq, V> Pool<K, V> {
    /// Empty.
    pub(crate) fn new(options: PoolOptions) -> Pool<K, V> {
        Pool { options, idle: Vec::new(), lent: 0 }
    }

    /// How many are idle.
    pub(crate) fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Lends the value for `key` that was used last. What is overdue is no longer lent.
    pub(crate) fn take(&mut self, key: &K, now: Instant) -> Option<Kept<K, V>> {
        let fit = |kept: &&Kept<K, V>| kept.key == *key && !self.over(kept, now);
        let since = self.idle.iter().filter(fit).map(|kept| kept.idle_since).max()?;
        let at = self.idle.iter().position(|kept| kept.key == *key && kept.idle_since == since)?;
        self.lent += 1;
        Some(self.idle.remove(at))
    }

    /// Lends what has been idle for `health_check_interval` and not been looked at meanwhile.
    pub(crate) fn take_unchecked(&mut self, now: Instant) -> Option<Kept<K, V>> {
        let interval = self.options.health_check_interval;
        let at = self.idle.iter().position(|kept| since(kept.well_at, now) >= interval)?;
        self.lent += 1;
        Some(self.idle.remove(at))
    }

    /// Takes back what was used; it comes out again if it has to be closed.
    pub(crate) fn give(&mut self, kept: Kept<K, V>, now: Instant) -> Option<Kept<K, V>> {
        self.lent = self.lent.saturating_sub(1);
        self.keep(Kept { idle_since: now, well_at: now, ..kept }, now)
    }

    /// Takes back what was only looked at and found well.
    pub(crate) fn give_checked(&mut self, kept: Kept<K, V>, now: Instant) -> Option<Kept<K, V>> {
        self.lent = self.lent.saturating_sub(1);
        self.keep(Kept { well_at: now, ..kept }, now)
    }

    /// Takes in a new value.
    pub(crate) fn add(&mut self, key: K, value: V, now: Instant) -> Option<Kept<K, V>> {
        self.keep(Kept { key, value, born: now, idle_since: now, well_at: now }, now)
    }

    /// What was lent will not come back.
    pub(crate) fn lose(&mut self) {
        self.lent = self.lent.saturating_sub(1);
    }

    fn keep(&mut self, kept: Kept<K, V>, now: Instant) -> Option<Kept<K, V>> {
        if since(kept.born, now) >= self.options.max_lifetime {
            return Some(kept);
        }
        if self.idle.len() + self.lent >= self.options.max_connections {
            return Some(kept);
        }
        self.idle.push(kept);
        None
    }

    /// Takes out what has been there too long: beyond its lifetime, or idle and not among the
    /// `min_connections` used last.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<Kept<K, V>> {
        let mut over = self.take_out(|kept, options| since(kept.born, now) >= options.max_lifetime);
        self.idle.sort_by_key(|kept| kept.idle_since);
        let spare = self.idle.len().saturating_sub(self.options.min_connections);
        let timeout = self.options.idle_timeout;
        let idle = self.idle[..spare].iter().take_while(|kept| since(kept.idle_since, now) >= timeout);
        let idle = idle.count();
        over.extend(self.idle.drain(..idle));
        over
    }

    fn take_out(&mut self, over: impl Fn(&Kept<K, V>, &PoolOptions) -> bool) -> Vec<Kept<K, V>> {
        let options = self.options;
        let (out, stay) = std::mem::take(&mut self.idle).into_iter().partition(|kept| over(kept, &options));
        self.idle = stay;
        out
    }

    /// Whether `kept` would be among the overdue.
    fn over(&self, kept: &Kept<K, V>, now: Instant) -> bool {
        let younger = || self.idle.iter().filter(|other| other.idle_since > kept.idle_since).count();
        since(kept.born, now) >= self.options.max_lifetime
            || since(kept.idle_since, now) >= self.options.idle_timeout
                && younger() >= self.options.min_connections
    }

    /// Everything that is idle, to be closed.
    pub(crate) fn drain(&mut self) -> Vec<Kept<K, V>> {
        std::mem::take(&mut self.idle)
    }
}

/// From `then` to `now`, zero where a clock says otherwise.
fn since(then: Instant, now: Instant) -> std::time::Duration {
    now.saturating_duration_since(then)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const OPTIONS: PoolOptions = PoolOptions {
        min_connections: 1,
        max_connections: 3,
        idle_timeout: Duration::from_secs(10),
        max_lifetime: Duration::from_secs(100),
        health_check_interval: Duration::from_secs(5),
        connection_validation: true,
    };

    struct Stage {
        pool: Pool<&'static str, u32>,
        begin: Instant,
    }

    impl Stage {
        fn new(options: PoolOptions) -> Stage {
            Stage { pool: Pool::new(options), begin: Instant::now() }
        }

        fn at(&self, second: u64) -> Instant {
            self.begin + Duration::from_secs(second)
        }

        /// Adds `value`; what had to be closed for it.
        fn add(&mut self, key: &'static str, value: u32, second: u64) -> Option<u32> {
            let now = self.at(second);
            self.pool.add(key, value, now).map(|kept| kept.value)
        }

        fn take(&mut self, key: &'static str, second: u64) -> Option<Kept<&'static str, u32>> {
            let now = self.at(second);
            self.pool.take(&key, now)
        }

        fn overdue(&mut self, second: u64) -> Vec<u32> {
            let now = self.at(second);
            self.pool.overdue(now).into_iter().map(|kept| kept.value).collect()
        }
    }

    #[test]
    fn the_one_used_last_is_lent_and_only_for_its_own_key() {
        let mut s = Stage::new(OPTIONS);
        s.add("a", 1, 0);
        s.add("a", 2, 1);
        s.add("b", 3, 2);
        assert_eq!(s.take("a", 3).unwrap().value, 2);
        assert_eq!(s.take("a", 3).unwrap().value, 1);
        assert!(s.take("a", 3).is_none() && s.take("c", 3).is_none());
        assert_eq!(s.pool.idle(), 1);
    }

    #[test]
    fn a_full_pool_keeps_what_it_has() {
        let mut s = Stage::new(OPTIONS);
        assert_eq!((s.add("a", 1, 0), s.add("b", 2, 1), s.add("c", 3, 2)), (None, None, None));
        assert_eq!(s.add("d", 4, 3), Some(4));
        let lent: Vec<_> = ["a", "b", "c"].into_iter().map(|key| s.take(key, 4).unwrap()).collect();
        // What is in use has its place, too.
        assert_eq!(s.add("e", 5, 5), Some(5));
        for kept in lent {
            assert!(s.pool.give(kept, s.begin + Duration::from_secs(6)).is_none());
        }
        assert_eq!(s.pool.idle(), 3);
        s.take("b", 7).unwrap();
        s.pool.lose();
        assert_eq!((s.add("e", 5, 8), s.pool.idle()), (None, 3));
    }

    #[test]
    fn idle_ones_end_but_for_the_youngest_and_no_one_outlives_its_lifetime() {
        let mut s = Stage::new(OPTIONS);
        s.add("a", 1, 0);
        s.add("b", 2, 4);
        assert_eq!(s.overdue(9), [0; 0]);
        assert_eq!(s.overdue(30), [1]);
        // Among the min_connections: still lent long after its idle time, but not after its lifetime.
        let b = s.take("b", 90).unwrap();
        assert!(s.pool.give(b, s.at(91)).is_none());
        assert_eq!(s.overdue(103), [0; 0]);
        assert!(s.take("b", 104).is_none(), "four seconds after the lifetime's end");
        assert_eq!(s.overdue(104), [2]);
    }

    #[test]
    fn what_is_overdue_is_not_lent_even_before_anybody_swept() {
        let mut s = Stage::new(OPTIONS);
        s.add("a", 1, 0);
        s.add("b", 2, 1);
        assert!(s.take("a", 20).is_none());
        assert_eq!(s.take("b", 20).unwrap().value, 2);
    }

    #[test]
    fn one_that_comes_back_after_its_lifetime_is_closed() {
        let mut s = Stage::new(OPTIONS);
        s.add("a", 1, 0);
        let a = s.take("a", 5).unwrap();
        assert_eq!(s.pool.give(a, s.at(100)).map(|kept| kept.value), Some(1));
        assert_eq!((s.pool.idle(), s.pool.lent), (0, 0));
    }

    #[test]
    fn a_look_does_not_make_it_any_younger() {
        let mut s = Stage::new(OPTIONS);
        s.add("a", 1, 0);
        s.add("b", 2, 1);
        assert!(s.pool.take_unchecked(s.at(4)).is_none());
        for at in [5, 6] {
            let kept = s.pool.take_unchecked(s.at(at)).unwrap();
            assert!(s.pool.give_checked(kept, s.at(at)).is_none());
        }
        assert!(s.pool.take_unchecked(s.at(9)).is_none());
        assert_eq!(s.pool.take_unchecked(s.at(10)).map(|kept| kept.value), Some(1));
        s.pool.lose();
        // b: idle since second 1, although it was looked at in second 6; it is the last one, so it stays.
        s.add("c", 3, 10);
        assert_eq!(s.overdue(11), [2]);
    }

    #[test]
    fn a_pool_for_nothing_keeps_nothing_idle_beyond_its_time() {
        let mut s = Stage::new(PoolOptions { min_connections: 0, ..OPTIONS });
        s.add("a", 1, 0);
        assert_eq!(s.overdue(10), [1]);
    }
}
