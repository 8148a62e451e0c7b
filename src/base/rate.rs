//! An even rate with bursts (the generic cell rate algorithm); pure.
//!
//! One number is kept: when the next permit would be due if all had come evenly. Who comes is given the next
//! moment and waits for it, so the order of coming is the order of going, and nobody has to be woken.

use std::time::{Duration, Instant};

/// A rate and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Rate {
    interval: Duration,
    /// How far ahead of an even rate a burst may be.
    ahead: Duration,
    due: Instant,
}

impl Rate {
    /// `burst` permits at once, and from then on `per_minute`, evenly.
    pub(crate) fn new(per_minute: usize, burst: usize, now: Instant) -> Rate {
        let interval = Duration::from_secs(60) / u32::try_from(per_minute.max(1)).unwrap_or(u32::MAX);
        let more = u32::try_from(burst.saturating_sub(1)).unwrap_or(u32::MAX);
        Rate { interval, ahead: interval.saturating_mul(more), due: now }
    }

    /// Takes the next permit: how long to wait for it.
    pub(crate) fn reserve(&mut self, now: Instant) -> Duration {
        let due = self.due.max(now);
        self.due = due + self.interval;
        due.duration_since(now).saturating_sub(self.ahead)
    }

    /// When the whole burst is there again.
    pub(crate) fn rested_at(&self) -> Instant {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments, in milliseconds, at which askers get their permits who come at `asked`.
    fn given(per_minute: usize, burst: usize, asked: impl Iterator<Item = u64>) -> Vec<u64> {
        let begun = Instant::now();
        let mut rate = Rate::new(per_minute, burst, begun);
        asked.map(|ms| ms + rate.reserve(begun + Duration::from_millis(ms)).as_millis() as u64).collect()
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_evenly() {
        assert_eq!(given(60, 3, [0; 6].into_iter()), [0, 0, 0, 1000, 2000, 3000]);
        assert_eq!(given(300, 1, [0; 4].into_iter()), [0, 200, 400, 600]);
        assert_eq!(given(60, 0, [0; 2].into_iter()), [0, 1000]);
    }

    #[test]
    fn an_idle_time_gives_the_burst_back_and_no_more() {
        let asked = [0, 0, 0, 60_000, 60_000, 60_000, 60_000];
        assert_eq!(given(60, 2, asked.into_iter()), [0, 0, 1000, 60_000, 60_000, 61_000, 62_000]);
    }

    #[test]
    fn the_rate_of_a_minute_is_exact() {
        // Twenty askers that come again as soon as they had their turn.
        let begun = Instant::now();
        let mut rate = Rate::new(300, 50, begun);
        let mut next = [0; 20];
        let mut minute = 0;
        loop {
            let asker = (0..20).min_by_key(|n| next[*n]).unwrap();
            let wait = rate.reserve(begun + Duration::from_millis(next[asker])).as_millis() as u64;
            next[asker] += wait;
            if next[asker] >= 60_000 {
                break;
            }
            minute += 1;
        }
        assert_eq!(minute, 50 + 299);
    }

    #[test]
    fn extremes_are_no_panic() {
        assert_eq!(given(usize::MAX, usize::MAX, [0, 0].into_iter()), [0, 0]);
        assert_eq!(given(0, 0, [0, 0].into_iter()), [0, 60_000]);
    }
}
