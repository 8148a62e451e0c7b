//! NDJSON: a line for the run, a line a target as it finishes, a line for the summary. Memory stays flat. In watch
//! mode each round is such a group, from the second on with changed targets only.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{Place, Run, Tool};
use super::{RunEnd, SCHEMA_VERSION, Sink, write_json};
use crate::base::time::rfc3339;
use crate::model::changes::Change;
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::{RunInfo, Tally};

/// One line. What the JSON report has under a name stands here under the same name.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Run {
        schema_version: u32,
        tool: Tool<'a>,
        run: Start<'a>,
        planned: usize,
    },
    Target(Positioned<'a>),
    Client(&'a Client),
    Summary {
        run: Run<'a>,
        summary: &'a Tally,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        gone: &'a [String],
    },
}

/// A run of which only the beginning is known.
#[derive(Serialize)]
struct Start<'a> {
    id: &'a str,
    started_at: String,
    #[serde(flatten)]
    place: Place<'a>,
}

/// A target and its place in the plan, since lines come in the order of completion.
#[derive(Serialize)]
struct Positioned<'a> {
    index: usize,
    /// What is different from the round before, in watch mode.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    changes: &'a [Change],
    #[serde(flatten)]
    outcome: &'a Outcome,
}

/// Keeps nothing but the run's name.
pub(super) struct NdjsonSink<W> {
    out: W,
    run: Option<RunInfo>,
    /// Names of targets that were there in the round before.
    gone: Vec<String>,
    group: usize,
    unflushed: usize,
}

impl<W: Write> NdjsonSink<W> {
    /// Writes to `out`, and flushes after `group` targets: with one, whoever reads along waits for this
    /// line, not for the next.
    pub(super) fn new(out: W, group: usize) -> NdjsonSink<W> {
        NdjsonSink { out, run: None, gone: Vec::new(), group, unflushed: 0 }
    }

    fn write_line(&mut self, line: &Line<'_>) -> io::Result<()> {
        write_json(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unflushed = 0;
        self.out.flush()
    }
}

impl<W: Write> Sink for NdjsonSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.run = Some(run.clone());
        self.write_line(&Line::Run {
            schema_version: SCHEMA_VERSION,
            tool: Tool::of(run),
            run: Start { id: &run.id, started_at: rfc3339(run.started), place: Place::of(run) },
            planned: run.planned,
        })?;
        self.flush()
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        self.changed(index, outcome, &[])
    }

    fn changed(&mut self, index: usize, outcome: &Outcome, changes: &[Change]) -> io::Result<()> {
        self.write_line(&Line::Target(Positioned { index, changes, outcome }))?;
        self.unflushed += 1;
        if self.unflushed < self.group { Ok(()) } else { self.flush() }
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        self.write_line(&Line::Client(client))
    }

    fn gone(&mut self, name: &str) -> io::Result<()> {
        self.gone.push(name.to_owned());
        Ok(())
    }

    fn quiet(&mut self) -> io::Result<()> {
        if self.unflushed > 0 { self.flush() } else { Ok(()) }
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        let run = self.run.take().ok_or_else(|| io::Error::other("report ended before it began"))?;
        let gone = std::mem::take(&mut self.gone);
        self.write_line(&Line::Summary { run: Run::new(&run, end), summary: &end.tally, gone: &gone })?;
        self.flush()
    }
}
