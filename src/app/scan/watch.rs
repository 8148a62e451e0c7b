//! `hawkeye scan --watch`: round after round over one [`Scanner`], told in full the first time and then by what is
//! different.
//!
//! Invariant: between two rounds nothing is kept of a result but a [`Glance`] at it.

use std::collections::{HashMap, HashSet};
use std::hash::RandomState;
use std::time::{Duration, Instant};

use crate::app::accepted::Baseline;
use crate::app::exit::Exit;
use crate::app::run::database::Databases;
use crate::app::run::ended::Ended;
use crate::app::run::engine::keeping_options;
use crate::app::run::outputs::Turn;
use crate::app::run::past::Past;
use crate::app::run::plan::{Held, Planned, comparable, plan};
use crate::app::{preflight, say};
use crate::base::time::Deadline;
use crate::cli::args::Scan;
use crate::config::{Settings, TargetsFrom};
use crate::gate::options::GateOptions;
use crate::model::changes::{Change, Glance};
use crate::model::outcome::{FailureKind, Outcome};
use crate::model::target::Target;
use crate::report::options::Monitoring;
use crate::scan::{Heard, Scanner};
use crate::sys::cancel::Cancel;
use crate::sys::signal::Bell;

use super::monitor::Monitor;
use super::pass::pass;
use super::remember::Remember;
use super::round::Round;
use super::{past_of, unseen};

/// How long a wait is at most before the sessions that are kept are looked after.
const TEND: Duration = Duration::from_secs(1);

/// What does not change from round to round.
pub(super) struct Watch<'a> {
    pub(super) args: &'a Scan,
    pub(super) process: &'a [String],
    pub(super) held: Held,
    pub(super) monitor: Monitor,
    pub(super) interval: Duration,
    pub(super) bell: Bell,
    pub(super) baseline: Option<Baseline>,
    pub(super) cancel: &'a Cancel,
}

/// A target across rounds: its name, and which one of that name it is.
type Place = (String, usize);

/// What is known from the rounds before.
struct Memory {
    glances: HashMap<Place, Glance>,
    hasher: RandomState,
    /// There was none: nothing can be new.
    first: bool,
}

impl Watch<'_> {
    /// Until a signal ends it, or nobody reads along any more.
    pub(super) fn run(mut self, mut planned: Planned) -> Exit {
        let mut scanner = match Scanner::new(keeping_options(&planned.settings), self.cancel) {
            Ok(scanner) => scanner,
            Err(e) => {
                say(&e.to_string());
                return Exit::Usage;
            }
        };
        scanner.set_width(preflight::ahead(&planned.settings, &planned.targets));
        if planned.settings.differential {
            log::warn!("enable_differential_introspection has no effect with --watch");
        }
        let databases = Databases::open(&planned.settings, self.cancel);
        let baseline = self.baseline.take();
        let mut past = past_of(self.args, self.process, &planned.settings, &databases, baseline);
        let mut remember = Remember::open(&planned.settings, self.args.refresh, databases.cache, self.cancel);
        let ttl = planned.settings.cache.ttl;
        if remember.is_some() && ttl > self.interval && !self.args.refresh {
            log::warn!(
                "results are kept for {} s (caching_config.ttl): a change is seen only after that (--refresh asks in every round)",
                ttl.as_secs()
            );
        }
        let (mut memory, mut turn, mut complaint) = (Memory::new(), Turn::First, String::new());
        let mut last = loop {
            let begun = Instant::now();
            let round = self.scan(&scanner, &planned, turn, &mut memory, remember.as_mut(), past.as_mut());
            let ended = match round {
                Ok(ended) => ended,
                Err(why) => {
                    say(&why);
                    if turn == Turn::First {
                        return Exit::Unwritten;
                    }
                    // Whatever is in the way may be gone by the next round.
                    Ended::unwritten()
                }
            };
            turn = if ended.reader_left || turn == Turn::Unread { Turn::Unread } else { Turn::Later };
            let reload = !self.cancel.is_tripped() && self.wait(&scanner, begun);
            if self.cancel.is_tripped() {
                break ended;
            }
            let new = plan(self.args, self.process, &mut self.held);
            match new.and_then(|new| comparable(self.args, new)) {
                Ok(new) => {
                    complaint.clear();
                    // Not in every round: what it warns of would be said again and again.
                    let other = new.targets != planned.targets || new.settings != planned.settings;
                    if reload || without_targets(&new.settings) != without_targets(&planned.settings) {
                        if watched(&new.settings) != watched(&planned.settings) {
                            let (monitoring, cache) = watched(&new.settings);
                            self.monitor.reopen(self.args, monitoring, cache);
                        }
                        scanner = self.replaced(scanner, &new.settings);
                        let databases = Databases::open(&new.settings, self.cancel);
                        let baseline = past.and_then(Past::into_baseline);
                        past = past_of(self.args, self.process, &new.settings, &databases, baseline);
                        remember =
                            Remember::open(&new.settings, self.args.refresh, databases.cache, self.cancel);
                    }
                    if reload || other {
                        scanner.set_width(preflight::ahead(&new.settings, &new.targets));
                    }
                    planned = new;
                }
                // Said once, not in every round until somebody mends it.
                Err(why) if why == complaint => {}
                Err(why) => {
                    say(&format!("{why}; going on with what was read before"));
                    complaint = why;
                }
            }
        };
        scanner.finish();
        self.monitor.tell();
        last.unwritten |= self.monitor.failed;
        last.exit(self.args, &planned.settings.gate.fail_on, unseen(&planned.settings, past.as_ref()))
    }

    /// One round.
    fn scan(
        &mut self,
        scanner: &Scanner,
        planned: &Planned,
        turn: Turn,
        memory: &mut Memory,
        remember: Option<&mut Remember>,
        past: Option<&mut Past>,
    ) -> Result<Ended, String> {
        let mut info = planned.info();
        info.set_unseen(unseen(&planned.settings, past.as_deref()));
        let told = Round::open(self.args, planned, &info, turn, scanner, &mut self.monitor, self.cancel)?;
        let Planned { settings, targets, .. } = planned;
        let mut told = told.comparing(past, &info, planned, turn);
        let places = places(targets);
        let mut changed = 0;
        pass(scanner, targets.clone(), remember, &settings.assessment, |heard| match heard {
            Heard::Quiet => told.quiet(),
            Heard::Ended(at, outcome) => told.outcome(at, outcome, |outcome| {
                let changes = memory.compare(&places[at], outcome);
                changed += usize::from(!changes.is_empty());
                changes
            }),
            Heard::Complete(_) => {
                for name in memory.forget_all_but(&places) {
                    changed += 1;
                    told.gone(&name);
                }
                told.complete();
            }
        });
        let ended = told.close();
        let vitals = scanner.vitals();
        log::info!(
            "{} of {} targets changed; sessions: {} opened, {} reused, {} kept",
            changed,
            targets.len(),
            vitals.sessions_opened,
            vitals.sessions_reused,
            vitals.sessions_idle
        );
        Ok(ended)
    }

    /// Waits for the next round's beginning, which is an interval after the last one's; true if somebody asked
    /// for it with SIGHUP.
    fn wait(&mut self, scanner: &Scanner, begun: Instant) -> bool {
        let left = || self.interval.saturating_sub(begun.elapsed());
        if left().is_zero() {
            let took = begun.elapsed().as_secs_f64();
            log::info!("the round took {took:.1} s, longer than the interval; the next one follows at once");
        }
        loop {
            scanner.tend();
            self.monitor.tick(|| scanner.vitals());
            if self.bell.rang() {
                return true;
            }
            if left().is_zero() || self.cancel.is_tripped() {
                return false;
            }
            self.bell.wait(Deadline::after(left().min(TEND)), self.cancel);
        }
    }

    /// A scanner with these settings, or the old one where it cannot be had.
    fn replaced(&mut self, old: Scanner, settings: &Settings) -> Scanner {
        match Scanner::new(keeping_options(settings), self.cancel) {
            Ok(new) => {
                old.finish();
                self.monitor.new_scanner();
                new
            }
            Err(e) => {
                say(&format!("{e}; going on with the settings before"));
                old
            }
        }
    }
}

/// What metrics are made from.
fn watched(settings: &Settings) -> (&Monitoring, bool) {
    (&settings.monitoring, settings.cache.in_effect())
}

/// What a scanner is made from.
fn without_targets(settings: &Settings) -> Settings {
    Settings { targets: TargetsFrom::default(), gate: GateOptions::default(), ..settings.clone() }
}

fn places(targets: &[Target]) -> Vec<Place> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let place = |target: &'_ Target, seen: &mut usize| {
        *seen += 1;
        (target.name.clone(), *seen)
    };
    targets.iter().map(|target| place(target, seen.entry(&target.name).or_default())).collect()
}

impl Memory {
    fn new() -> Memory {
        Memory { glances: HashMap::new(), hasher: RandomState::new(), first: true }
    }

    /// What is different at `place`. What a signal cut off is no news.
    fn compare(&mut self, place: &Place, outcome: &Outcome) -> Vec<Change> {
        if outcome.failure.as_ref().is_some_and(|f| f.kind == FailureKind::Cancelled) {
            return Vec::new();
        }
        let glance = Glance::at(outcome, &self.hasher);
        match self.glances.remove(place) {
            None => {
                self.glances.insert(place.clone(), glance);
                if self.first { Vec::new() } else { vec![Change::new_target(outcome)] }
            }
            Some(before) => {
                let changes = glance.since(&before);
                self.glances.insert(place.clone(), glance.over(before));
                changes
            }
        }
    }

    /// The first round is over. The names of targets that are none any more.
    fn forget_all_but(&mut self, places: &[Place]) -> Vec<String> {
        self.first = false;
        let still: HashSet<&Place> = places.iter().collect();
        let mut gone: Vec<String> = Vec::new();
        self.glances.retain(|place, _| {
            let stays = still.contains(place);
            if !stays {
                gone.push(place.0.clone());
            }
            stays
        });
        gone.sort();
        gone
    }
}
