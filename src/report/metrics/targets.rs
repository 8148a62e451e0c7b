//! Series of single targets: as many as are allowed, under names that cannot harm.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use super::families::Family;
use super::samples::{Samples, Value};
use crate::model::inventory::List;
use crate::model::outcome::{Outcome, Status};
use crate::report::label;

/// What is known of each target.
#[derive(Debug, Default)]
pub(super) struct Targets {
    samples: Samples,
    known: HashSet<String>,
    /// Seen in the run that is going on.
    seen: HashSet<String>,
    most: usize,
}

impl Targets {
    /// With room for `most` targets.
    pub(super) fn new(most: usize) -> Targets {
        Targets { most, ..Targets::default() }
    }

    /// Takes over what an earlier run knew.
    pub(super) fn restore(
        &mut self,
        family: Family,
        name: &str,
        labels: Vec<super::samples::Label>,
        value: Value,
    ) {
        if self.has_room(name) {
            self.samples.put(family, labels, value);
        }
    }

    /// Notes a result; false where there is no room for the target.
    pub(super) fn note(&mut self, outcome: &Outcome, detailed: bool, now: SystemTime) -> bool {
        let name = label::of(outcome);
        if !self.has_room(&name) {
            return false;
        }
        let complete = outcome.status == Status::Complete;
        if complete {
            // A result from the cache is as old as it says.
            let age = outcome.cached.as_ref().map_or(0, |c| c.age_s);
            let asked = unix(now) - age as f64;
            self.samples.set(Family::TargetSuccess, vec![name.clone().into()], asked.max(0.0));
        }
        if detailed {
            self.samples.set(Family::TargetUp, vec![name.clone().into()], f64::from(u8::from(complete)));
            let seconds = outcome.timing.total_ms / 1000.0;
            self.samples.set(Family::TargetDuration, vec![name.clone().into()], seconds);
            if let Some(risk) = &outcome.risk {
                self.samples.set(Family::TargetRisk, vec![name.clone().into()], f64::from(risk.score));
            }
            for list in List::ALL {
                let labels = vec![name.clone().into(), list.key().into()];
                self.samples.set(Family::TargetItems, labels, outcome.inventory.items(list).len() as f64);
            }
        }
        self.seen.insert(name);
        true
    }

    /// A run is over. One that named all its targets is the word on which there are.
    pub(super) fn run_ended(&mut self, interrupted: bool) {
        if !interrupted {
            let seen = &self.seen;
            self.samples.retain(|labels| labels.first().is_some_and(|name| seen.contains(name.as_ref())));
            self.known.clone_from(&self.seen);
        }
        self.seen.clear();
    }

    /// All series.
    pub(super) fn samples(&self) -> &Samples {
        &self.samples
    }

    fn has_room(&mut self, name: &str) -> bool {
        self.known.contains(name) || (self.known.len() < self.most && self.known.insert(name.to_owned()))
    }
}

/// `t` as Prometheus counts time.
pub(super) fn unix(t: SystemTime) -> f64 {
    // To the millisecond: more digits would only be noise in the text.
    t.duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_millis() as f64 / 1000.0)
}
