//! The JSON report: one document, one line a target, so that two reports compare well.

use std::io::{self, Write};

use serde::Serialize;

use super::{RunEnd, SCHEMA_VERSION, Sink, write_json};
use crate::base::time::rfc3339;
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::{Missing, RuleSet, RunInfo};
use crate::model::shard::ShardRun;

/// Which program wrote a report, and with which rules.
#[derive(Serialize)]
pub(super) struct Tool<'a> {
    name: &'static str,
    version: &'static str,
    rules: &'a RuleSet,
}

impl<'a> Tool<'a> {
    /// This program, with the rules of `run`.
    pub(super) fn of(run: &'a RunInfo) -> Tool<'a> {
        Tool { name: "hawkeye", version: env!("CARGO_PKG_VERSION"), rules: &run.rules }
    }
}

/// The report's `run`, complete.
#[derive(Serialize)]
pub(super) struct Run<'a> {
    id: &'a str,
    started_at: String,
    finished_at: String,
    interrupted: bool,
    #[serde(flatten)]
    place: Place<'a>,
}

/// Where a run stands among others. Nothing, where it is one by itself.
#[derive(Serialize)]
pub(super) struct Place<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<&'a ShardRun>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'a Missing>,
}

impl<'a> Place<'a> {
    /// That of `run`.
    pub(super) fn of(run: &'a RunInfo) -> Place<'a> {
        Place { shard: run.shard.as_ref(), missing: run.missing.as_ref() }
    }
}

/// A target of a part, with its place in the whole list: where the parts are put together, the order is lost
/// without it.
#[derive(Serialize)]
struct Placed<'a> {
    index: usize,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

/// `outcome` as one of the targets of `run`.
pub(super) fn write_target(
    out: &mut impl Write,
    run: Option<&RunInfo>,
    index: usize,
    outcome: &Outcome,
) -> io::Result<()> {
    match run.and_then(|run| run.shard.as_ref()) {
        Some(_) => write_json(out, &Placed { index, outcome }),
        None => write_json(out, outcome),
    }
}

/// What is said of servers together. In a part of them nothing is, which is not the same as nothing to say.
pub(super) fn write_clients(out: &mut impl Write, run: &RunInfo, clients: &[Client]) -> io::Result<()> {
    if run.shard.is_some() {
        return Ok(());
    }
    out.write_all(b",\n \"clients\": ")?;
    write_json(out, clients)
}

impl<'a> Run<'a> {
    /// `run` as it ended.
    pub(super) fn new(run: &'a RunInfo, end: &RunEnd) -> Run<'a> {
        Run {
            id: &run.id,
            started_at: rfc3339(run.started),
            finished_at: rfc3339(end.finished),
            interrupted: end.interrupted,
            place: Place::of(run),
        }
    }
}

/// Keeps each target in its final bytes: smaller than the inventory it came from, and the counts that go
/// before the targets are known only at the end.
pub(super) struct JsonSink<W> {
    out: W,
    run: Option<RunInfo>,
    targets: Vec<(usize, Box<[u8]>)>,
    clients: Vec<Client>,
}

impl<W: Write> JsonSink<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W) -> JsonSink<W> {
        JsonSink { out, run: None, targets: Vec::new(), clients: Vec::new() }
    }

    fn write_head(&mut self, run: &RunInfo, end: &RunEnd) -> io::Result<()> {
        write!(self.out, "{{\n \"schema_version\": {SCHEMA_VERSION},\n \"tool\": ")?;
        write_json(&mut self.out, &Tool::of(run))?;
        self.out.write_all(b",\n \"run\": ")?;
        write_json(&mut self.out, &Run::new(run, end))?;
        self.out.write_all(b",\n \"summary\": ")?;
        write_json(&mut self.out, &end.tally)?;
        self.out.write_all(b",\n \"targets\": [")
    }
}

impl<W: Write> Sink for JsonSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.run = Some(run.clone());
        Ok(())
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        let mut bytes = Vec::new();
        write_target(&mut bytes, self.run.as_ref(), index, outcome)?;
        self.targets.push((index, bytes.into_boxed_slice()));
        Ok(())
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        self.clients.push(client.clone());
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        let run = self.run.take().ok_or_else(|| io::Error::other("report ended before it began"))?;
        self.write_head(&run, end)?;
        self.targets.sort_by_key(|(index, _)| *index);
        let mut separator: &[u8] = b"\n  ";
        for (_, bytes) in self.targets.drain(..) {
            self.out.write_all(separator)?;
            self.out.write_all(&bytes)?;
            separator = b",\n  ";
        }
        self.out.write_all(if separator[0] == b',' { b"\n ]" } else { b"]" })?;
        write_clients(&mut self.out, &run, &self.clients)?;
        self.out.write_all(b"\n}\n")?;
        self.out.flush()
    }
}
