//! How fast the wires may go: the rate limit, and servers that asked for patience.
//!
//! One permit is one HTTP exchange or one process started; the messages over a process's pipes are free. The
//! wait for a permit is not the server's fault, so it does not count against the target's time.
//!
//! Invariant: nobody waits while holding the lock, and no more origins are known than [`MOST_ORIGINS`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::rate;
use crate::mcp::origin::Origin;

use super::counters::Counters;
use super::options::{PaceOptions, Rate};
use super::{Patience, WireError};

/// Origins whose rate or hold is remembered; more than there are targets at a time.
const MOST_ORIGINS: usize = 8192;

/// Shared by every wire of a scan.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    per_origin: Option<Rate>,
    counters: Counters,
    lanes: Mutex<Lanes>,
}

#[derive(Debug)]
struct Lanes {
    global: Option<rate::Rate>,
    origins: HashMap<Origin, Lane>,
}

/// What is known of one origin.
#[derive(Debug)]
struct Lane {
    rate: Option<rate::Rate>,
    held_until: Option<Instant>,
}

impl Pace {
    pub(super) fn new(options: PaceOptions, counters: &Counters) -> Pace {
        let global = options.global.map(|r| rate::Rate::new(r.per_minute, r.burst, Instant::now()));
        let lanes = Mutex::new(Lanes { global, origins: HashMap::new() });
        Pace(Arc::new(Shared { per_origin: options.per_origin, counters: counters.clone(), lanes }))
    }

    /// Waits for a permit for `origin`, or for a process where there is none. What is waited for the rate is
    /// added to `patience`; a server that asked for patience is the target's own affair.
    pub(super) fn permit(&self, origin: Option<&Origin>, patience: &Patience) -> Result<(), WireError> {
        loop {
            if let Some(origin) = origin {
                if let Some(held) = self.hold_of(origin, patience) {
                    self.wait(held, patience)?;
                    continue;
                }
                let wait = self.lanes().of_origin(origin, self.0.per_origin, Instant::now());
                self.wait_for_free(wait, patience)?;
            }
            // Last, so that a permit that everybody waits for is used at its moment.
            let wait = self.lanes().global.as_mut().map_or(Duration::ZERO, |r| r.reserve(Instant::now()));
            self.wait_for_free(wait, patience)?;
            if origin.is_none_or(|origin| self.hold_of(origin, patience).is_none()) {
                return Ok(());
            }
        }
    }

    /// How long `origin` is to be left alone, if there is time for that. Who has less time asks all the same:
    /// what one server of an origin says must not cost another its turn.
    fn hold_of(&self, origin: &Origin, patience: &Patience) -> Option<Duration> {
        let held = self.lanes().held(origin, Instant::now());
        (!held.is_zero() && held < patience.until().left()).then_some(held)
    }

    /// Nobody asks `origin` anything for so long.
    pub(super) fn hold(&self, origin: &Origin, span: Duration) {
        let now = Instant::now();
        let Some(until) = now.checked_add(span) else { return };
        let mut lanes = self.lanes();
        let lane = lanes.lane(origin, self.0.per_origin, now);
        lane.held_until = lane.held_until.max(Some(until));
    }

    fn wait_for_free(&self, wait: Duration, patience: &Patience) -> Result<(), WireError> {
        if wait.is_zero() {
            return Ok(());
        }
        let begun = Instant::now();
        patience.allow(wait);
        let waited = self.wait(wait, patience);
        // Sleep is seldom exact, and seldom short.
        patience.allow(begun.elapsed().saturating_sub(wait));
        waited
    }

    fn wait(&self, wait: Duration, patience: &Patience) -> Result<(), WireError> {
        self.0.counters.rate_wait(wait);
        patience.cancel.sleep(patience.until().within(wait));
        patience.check()
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    fn held(&self, origin: &Origin, now: Instant) -> Duration {
        let until = self.origins.get(origin).and_then(|lane| lane.held_until);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    fn of_origin(&mut self, origin: &Origin, rate: Option<Rate>, now: Instant) -> Duration {
        match rate {
            None => Duration::ZERO,
            Some(_) => {
                let lane = self.lane(origin, rate, now);
                lane.rate.as_mut().map_or(Duration::ZERO, |rate| rate.reserve(now))
            }
        }
    }

    fn lane(&mut self, origin: &Origin, rate: Option<Rate>, now: Instant) -> &mut Lane {
        if self.origins.len() >= MOST_ORIGINS && !self.origins.contains_key(origin) {
            self.forget(now);
        }
        let rate = || rate.map(|r| rate::Rate::new(r.per_minute, r.burst, now));
        self.origins.entry(origin.clone()).or_insert_with(|| Lane { rate: rate(), held_until: None })
    }

    /// Drops the origins that are at rest, and if there is none, the one that will be first.
    fn forget(&mut self, now: Instant) {
        self.origins.retain(|_, lane| lane.rests_at().is_some_and(|at| at > now));
        if self.origins.len() >= MOST_ORIGINS {
            let first = self.origins.iter().min_by_key(|(_, lane)| lane.rests_at());
            if let Some(origin) = first.map(|(origin, _)| origin.clone()) {
                self.origins.remove(&origin);
            }
        }
    }
}

impl Lane {
    /// From when on nothing is lost by forgetting it.
    fn rests_at(&self) -> Option<Instant> {
        self.rate.as_ref().map(rate::Rate::rested_at).max(self.held_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Deadline;
    use crate::model::outcome::FailureKind;
    use crate::sys::cancel::Cancel;

    fn origin(n: usize) -> Origin {
        Origin { secure: false, host: format!("h{n}"), port: 80 }
    }

    fn pace(global: Option<Rate>, per_origin: Option<Rate>) -> Pace {
        Pace::new(PaceOptions { global, per_origin }, &Counters::default())
    }

    fn patience(ms: u64, run_ms: Option<u64>) -> Patience {
        let run_ends = run_ms.map(|ms| Deadline::after(Duration::from_millis(ms)));
        Patience::new(Duration::from_millis(ms), run_ends, Cancel::new().unwrap())
    }

    #[test]
    fn waiting_for_a_permit_is_not_the_servers_fault() {
        let pace = pace(Some(Rate { per_minute: 600, burst: 1 }), None);
        let patience = patience(50, None);
        (0..3).for_each(|_| pace.permit(None, &patience).unwrap());
        assert!(!patience.until().passed(), "two waits of 100 ms, and 50 ms of its own");
        let vitals = pace.0.counters.read();
        assert!(vitals.rate_waits == 2 && vitals.rate_wait_ms >= 150, "{vitals:?}");
    }

    #[test]
    fn the_runs_end_and_its_switch_end_the_wait() {
        let slow = pace(Some(Rate { per_minute: 1, burst: 1 }), None);
        let short = patience(60_000, Some(20));
        slow.permit(None, &short).unwrap();
        assert_eq!(slow.permit(None, &short).unwrap_err().kind, FailureKind::Timeout);
        let cancelled = patience(60_000, None);
        cancelled.cancel.trip();
        assert_eq!(slow.permit(None, &cancelled).unwrap_err().kind, FailureKind::Cancelled);
    }

    #[test]
    fn a_hold_is_for_its_origin_and_for_those_who_have_the_time() {
        let pace = pace(None, None);
        pace.hold(&origin(1), Duration::from_secs(3600));
        pace.permit(Some(&origin(2)), &patience(60_000, None)).unwrap();
        pace.permit(None, &patience(60_000, None)).unwrap();
        // Beyond its time: it goes, and hears for itself.
        pace.permit(Some(&origin(1)), &patience(60_000, None)).unwrap();
        pace.hold(&origin(4), Duration::from_millis(30));
        let begun = Instant::now();
        pace.permit(Some(&origin(4)), &patience(60_000, None)).unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(30));
        // Endless is too long for the clock, and no panic.
        pace.hold(&origin(3), Duration::MAX);
    }

    #[test]
    fn origins_are_forgotten_when_there_are_too_many() {
        let pace = pace(None, Some(Rate { per_minute: 1, burst: 1 }));
        (0..MOST_ORIGINS + 50).for_each(|n| {
            pace.permit(Some(&origin(n)), &patience(60_000, None)).unwrap();
        });
        assert!(pace.lanes().origins.len() <= MOST_ORIGINS);
    }
}
