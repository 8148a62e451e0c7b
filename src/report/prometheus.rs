//! The report as metrics: the same text that `--metrics-file` writes, of this run alone.

use std::io::{self, Write};
use std::time::SystemTime;

use super::metrics::Metrics;
use super::options::Monitoring;
use super::{RunEnd, Sink};
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::RunInfo;
use crate::sys::usage::usage;

/// Keeps numbers, not outcomes.
pub(super) struct PrometheusSink<W> {
    out: W,
    metrics: Metrics,
}

impl<W: Write> PrometheusSink<W> {
    /// Writes to `out`, at the end.
    pub(super) fn new(out: W) -> PrometheusSink<W> {
        // Who asks for a report asks about each target.
        PrometheusSink { out, metrics: Metrics::new(true, Monitoring::default().max_targets) }
    }
}

impl<W: Write> Sink for PrometheusSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.metrics.begin(run);
        Ok(())
    }

    fn outcome(&mut self, _: usize, outcome: &Outcome) -> io::Result<()> {
        self.metrics.outcome(outcome, SystemTime::now());
        Ok(())
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        self.metrics.client(client);
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        self.metrics.end(end.finished, end.interrupted, None);
        self.out.write_all(self.metrics.render(None, &usage()).as_bytes())?;
        self.out.flush()
    }
}
