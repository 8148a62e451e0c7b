//! The report as metrics: the same text that `--metrics-file` writes, of this run alone.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::SystemTime;

use super::metrics::Metrics;
use super::options::Monitoring;
use super::{RunEnd, Sink};
use crate::base::text::quote;
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::RunInfo;
use crate::sys::usage::usage;

/// Characters of a comment.
const LINE: usize = 500;

/// Keeps numbers, not outcomes.
pub(super) struct PrometheusSink<W> {
    out: W,
    metrics: Metrics,
    not_assessed: Vec<Cow<'static, str>>,
}

impl<W: Write> PrometheusSink<W> {
    /// Writes to `out`, at the end.
    pub(super) fn new(out: W) -> PrometheusSink<W> {
        // Who asks for a report asks about each target.
        let metrics = Metrics::new(true, Monitoring::default().max_targets);
        PrometheusSink { out, metrics, not_assessed: Vec::new() }
    }
}

impl<W: Write> Sink for PrometheusSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.metrics.begin(run);
        self.not_assessed.clone_from(&run.rules.not_assessed);
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
        // No number says it, and a report that is silent about it says too much.
        for what in &self.not_assessed {
            writeln!(self.out, "# not assessed: {}", quote(what, LINE))?;
        }
        self.out.write_all(self.metrics.render(None, &usage()).as_bytes())?;
        self.out.flush()
    }
}
