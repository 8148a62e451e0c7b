//! How fast the wires may go: the rate limit, and servers that asked for patience.
//!
//! One permit is one HTTP exchange or one process started; the messages over a process's pipes are free. The
//! wait for a permit is not the server's fault, so it does not count against the target's time. Who scans together
//! with other hosts gives permits out for all of them: those are [`Turns`].
//!
//! Invariant: nobody waits while holding the lock, and no more origins are known than `MOST_ORIGINS`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::rate;
use crate::mcp::origin::Origin;
use crate::model::outcome::FailureKind;

use super::counters::Counters;
use super::options::{PaceOptions, Rate};
use super::{Patience, WireError};

/// Origins whose rate or hold is remembered; more than there are targets at a time.
const MOST_ORIGINS: usize = 8192;
/// When those are asked again who give permits out and could not be asked.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// What is said of a target whose time went by that way.
const NO_PERMIT: &str = "no permit of the rate that several hosts keep could be had";

/// Gives permits out for several hosts that keep a rate together.
pub trait Turns: Send + Sync + std::fmt::Debug {
    /// Takes the next permit under `rate` for `origin`, or for everything where there is none: how long to wait for
    /// it. Nothing if that cannot be told now.
    fn turn(&self, origin: Option<&Origin>, rate: Rate) -> Option<Duration>;
}

/// Shared by every wire of a scan.
#[derive(Debug, Clone)]
pub struct Pace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: PaceOptions,
    /// Who gives permits out, where it is not done here.
    turns: Option<Arc<dyn Turns>>,
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
    pub(super) fn new(options: PaceOptions, turns: Option<Arc<dyn Turns>>, counters: &Counters) -> Pace {
        let global = options.global.map(|r| rate::Rate::new(r.per_minute, r.burst, Instant::now()));
        let lanes = Mutex::new(Lanes { global, origins: HashMap::new() });
        Pace(Arc::new(Shared { options, turns, counters: counters.clone(), lanes }))
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
                let wait = self.turn(Some(origin), patience)?;
                self.wait_for_free(wait, patience)?;
            }
            // Last, so that a permit that everybody waits for is used at its moment.
            let wait = self.turn(None, patience)?;
            self.wait_for_free(wait, patience)?;
            if origin.is_none_or(|origin| self.hold_of(origin, patience).is_none()) {
                return Ok(());
            }
        }
    }

    /// The next permit for `origin`, or for everything: how long to wait for it.
    fn turn(&self, origin: Option<&Origin>, patience: &Patience) -> Result<Duration, WireError> {
        let PaceOptions { global, per_origin } = self.0.options;
        let Some(rate) = (if origin.is_some() { per_origin } else { global }) else {
            return Ok(Duration::ZERO);
        };
        let Some(turns) = &self.0.turns else {
            return Ok(match origin {
                Some(origin) => self.lanes().of_origin(origin, per_origin, Instant::now()),
                None => self.lanes().global.as_mut().map_or(Duration::ZERO, |r| r.reserve(Instant::now())),
            });
        };
        loop {
            let begun = Instant::now();
            if let Some(wait) = turns.turn(origin, rate) {
                patience.allow(begun.elapsed());
                return Ok(wait);
            }
            // Without a permit nobody goes: the rate is what was promised to those who are asked.
            self.wait(ASK_AGAIN, patience).map_err(|e| match e.kind {
                FailureKind::Timeout => WireError::new(e.kind, format!("{}: {NO_PERMIT}", e.message)),
                _ => e,
            })?;
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
        let lane = lanes.lane(origin, self.0.options.per_origin, now);
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
    use crate::sys::cancel::Cancel;

    fn origin(n: usize) -> Origin {
        Origin { secure: false, host: format!("h{n}"), port: 80 }
    }

    fn pace(global: Option<Rate>, per_origin: Option<Rate>) -> Pace {
        Pace::new(PaceOptions { global, per_origin }, None, &Counters::default())
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

    /// Gives what it was given, in order, and then nothing.
    #[derive(Debug)]
    struct Scripted(Mutex<Vec<Option<Duration>>>, Mutex<Vec<Option<Origin>>>);

    impl Turns for Scripted {
        fn turn(&self, origin: Option<&Origin>, _: Rate) -> Option<Duration> {
            self.1.lock().unwrap().push(origin.cloned());
            self.0.lock().unwrap().pop().flatten()
        }
    }

    fn paced(
        global: Option<Rate>,
        per_origin: Option<Rate>,
        given: &[Option<Duration>],
    ) -> (Pace, Arc<Scripted>) {
        let given = given.iter().rev().copied().collect();
        let turns = Arc::new(Scripted(Mutex::new(given), Mutex::default()));
        let options = PaceOptions { global, per_origin };
        (Pace::new(options, Some(turns.clone()), &Counters::default()), turns)
    }

    #[test]
    fn permits_come_from_elsewhere_where_others_have_a_share_in_the_rate() {
        let rate = Some(Rate { per_minute: 1, burst: 1 });
        let (zero, late) = (Some(Duration::ZERO), Some(Duration::from_millis(60)));
        let (pace, turns) = paced(rate, rate, &[zero, None, late]);
        let patience = patience(60_000, None);
        let begun = Instant::now();
        pace.permit(Some(&origin(1)), &patience).unwrap();
        assert!(begun.elapsed() >= ASK_AGAIN + Duration::from_millis(60), "asked again, then waited");
        assert_eq!(*turns.1.lock().unwrap(), [Some(origin(1)), None, None]);
        // Nobody is asked about what has no rate.
        let (free, turns) = paced(None, rate, &[]);
        free.permit(None, &patience).unwrap();
        assert_eq!(*turns.1.lock().unwrap(), []);
    }

    #[test]
    fn without_a_permit_nobody_goes() {
        let (pace, _) = paced(Some(Rate { per_minute: 60_000, burst: 100 }), None, &[]);
        let error = pace.permit(None, &patience(20, None)).unwrap_err();
        assert_eq!(error.kind, FailureKind::Timeout);
        assert!(error.message.contains(NO_PERMIT), "{}", error.message);
        let cancelled = patience(60_000, None);
        cancelled.cancel.trip();
        assert_eq!(pace.permit(None, &cancelled).unwrap_err().kind, FailureKind::Cancelled);
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
