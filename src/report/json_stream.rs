//! The JSON report of `stream_results`: the same document, written target by target in their order of arrival.
//! What is known only at the end, the run and the counts, stands behind the targets.

use std::io::{self, Write};

use super::json::{Run, Tool, write_clients, write_target};
use super::{RunEnd, SCHEMA_VERSION, Sink, write_json};
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::RunInfo;

/// Keeps nothing but the run's name.
pub(super) struct JsonStream<W> {
    out: W,
    run: Option<RunInfo>,
    group: usize,
    written: usize,
    unflushed: usize,
    clients: Vec<Client>,
}

impl<W: Write> JsonStream<W> {
    /// Writes to `out`, and flushes after `group` targets.
    pub(super) fn new(out: W, group: usize) -> JsonStream<W> {
        JsonStream { out, run: None, group, written: 0, unflushed: 0, clients: Vec::new() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unflushed = 0;
        self.out.flush()
    }
}

impl<W: Write> Sink for JsonStream<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.run = Some(run.clone());
        write!(self.out, "{{\n \"schema_version\": {SCHEMA_VERSION},\n \"tool\": ")?;
        write_json(&mut self.out, &Tool::of(run))?;
        self.out.write_all(b",\n \"targets\": [")?;
        self.flush()
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        self.out.write_all(if self.written == 0 { b"\n  " } else { b",\n  " })?;
        write_target(&mut self.out, self.run.as_ref(), index, outcome)?;
        self.written += 1;
        self.unflushed += 1;
        if self.unflushed < self.group { Ok(()) } else { self.flush() }
    }

    fn quiet(&mut self) -> io::Result<()> {
        if self.unflushed > 0 { self.flush() } else { Ok(()) }
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        self.clients.push(client.clone());
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        let run = self.run.take().ok_or_else(|| io::Error::other("report ended before it began"))?;
        self.out.write_all(if self.written == 0 { b"],\n \"run\": " } else { b"\n ],\n \"run\": " })?;
        write_json(&mut self.out, &Run::new(&run, end))?;
        self.out.write_all(b",\n \"summary\": ")?;
        write_json(&mut self.out, &end.tally)?;
        write_clients(&mut self.out, &run, &self.clients)?;
        self.out.write_all(b"\n}\n")?;
        self.flush()
    }
}
