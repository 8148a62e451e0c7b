//! A worker in numbers, for Prometheus: what the targets it was at have in common, and how it is with itself.

use std::sync::mpsc::{Receiver, Sender, channel};

use crate::cli::args::Worker as Args;
use crate::cluster::roster::Beat;
use crate::config::Settings;
use crate::model::outcome::Outcome;
use crate::model::run::{Cluster, WorkerState};
use crate::report::metrics::export::Exporter;
use crate::report::options::Monitoring;

use super::worker::Desk;

/// Only where they are asked for with an option: the settings' metrics file is that of the scans of this host.
pub(super) struct Gauges {
    exporter: Exporter,
    outcomes: Receiver<Outcome>,
    ear: Sender<Outcome>,
    state: WorkerState,
}

impl Gauges {
    pub(super) fn open(args: &Args, settings: &Settings, name: &str) -> Result<Option<Gauges>, String> {
        let (file, listen) = (args.metrics_file.clone(), args.metrics_listen);
        let monitoring = Monitoring { file, listen, ..settings.monitoring.clone() };
        let Some(exporter) = Exporter::open(&monitoring, false).map_err(|e| e.to_string())? else {
            return Ok(None);
        };
        if let Some(address) = exporter.address() {
            log::info!("metrics on http://{address}/metrics");
        }
        let (ear, outcomes) = channel();
        let state = WorkerState { name: name.to_owned(), up: false, slots: 0, running: 0 };
        Ok(Some(Gauges { exporter, outcomes, ear, state }))
    }

    /// Where threads tell of what they did. No more than there are jobs at a time can pile up there between two
    /// ticks.
    pub(super) fn ear(&self) -> Sender<Outcome> {
        self.ear.clone()
    }

    /// A while passed; `up`: the queue is there.
    pub(super) fn tick(&mut self, beat: &Beat, up: bool, desk: &Desk) {
        (self.state.up, self.state.slots, self.state.running) = (up, beat.slots, beat.running);
        self.count();
        self.exporter.tick(|| desk.vitals());
    }

    /// The worker leaves.
    pub(super) fn end(mut self) -> Result<(), String> {
        (self.state.up, self.state.running) = (false, 0);
        self.count();
        self.exporter.last().map_err(|e| e.to_string())
    }

    fn count(&mut self) {
        self.outcomes.try_iter().for_each(|outcome| self.exporter.worked(&outcome));
        self.exporter.cluster(Cluster { workers: vec![self.state.clone()], ..Cluster::default() });
    }
}
