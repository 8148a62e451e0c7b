//! Series of single workers of a cluster: as many as a cluster of some size has, under names that cannot harm.

use std::collections::HashSet;

use super::families::Family;
use super::samples::{Label, Samples};
use crate::model::run::Cluster;
use crate::report::label;

/// Workers with series of their own; the results of the others are counted together.
const MOST: usize = 256;
/// Under this name. No worker is called so: the sign is none of a name.
const OTHERS: &str = "(others)";

/// What is known of the workers.
#[derive(Debug, Default)]
pub(super) struct Workers {
    known: HashSet<String>,
    /// As heard last. What it counts is in the totals already.
    state: Option<Cluster>,
}

impl Workers {
    /// What `worker` goes by.
    pub(super) fn label(&mut self, worker: &str) -> Label {
        let name = label::of_worker(worker);
        let room = self.known.contains(&name) || self.known.len() < MOST;
        if !room {
            return OTHERS.into();
        }
        self.known.insert(name.clone());
        name.into()
    }

    /// Whether a series of an earlier run with these `labels` has a place.
    pub(super) fn restore(&mut self, labels: &[Label]) -> bool {
        labels.first().is_some_and(|name| name == OTHERS || self.label(name) == *name)
    }

    /// Takes `state` as what is so now, and adds to `totals` what is new of what it counts.
    pub(super) fn heard(&mut self, state: Cluster, totals: &mut Samples) {
        let before = self.state.take().unwrap_or_default();
        let kinds = [
            ("duplicate", state.duplicates, before.duplicates),
            ("reassigned", state.reassigned, before.reassigned),
            ("forged", state.forged, before.forged),
        ];
        for (kind, now, before) in kinds {
            totals.add(Family::ClusterIncidents, [kind], now.saturating_sub(before) as f64);
        }
        self.state = Some(state);
    }

    /// The counts begin at 0 again.
    pub(super) fn new_scanner(&mut self) {
        self.state = None;
    }

    /// Puts into `now` what is so at this moment.
    pub(super) fn tell(&mut self, now: &mut Samples) {
        let workers = self.state.as_ref().map(|state| state.workers.clone()).unwrap_or_default();
        for worker in workers {
            let name = self.label(&worker.name);
            if name == OTHERS {
                continue;
            }
            now.set(Family::WorkerUp, vec![name.clone()], f64::from(u8::from(worker.up)));
            now.set(Family::WorkerSlots, vec![name.clone()], worker.slots as f64);
            now.set(Family::WorkerRunning, vec![name], worker.running as f64);
        }
    }
}
