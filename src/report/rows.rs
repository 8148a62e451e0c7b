//! The table of `stream_results`: rows as they come, in columns of fixed widths, and the sum at the end.

use std::borrow::Cow;
use std::io::{self, Write};

use super::grid;
use super::table::{cells, details, not_assessed, summary};
use super::telling::{self, Telling};
use super::{RunEnd, Sink, Style};
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::RunInfo;

/// Keeps nothing.
pub(super) struct RowSink<W> {
    out: W,
    style: Style,
    group: usize,
    unflushed: usize,
    /// Findings that may still have lines of their own.
    room: usize,
    unsaid: usize,
    not_assessed: Vec<Cow<'static, str>>,
}

/// Findings with lines of their own. More than in the sorted table, where the worst are certain to be among them.
const FINDINGS: usize = 1_000;

impl<W: Write> RowSink<W> {
    /// Writes to `out`, and flushes after `group` targets.
    pub(super) fn new(out: W, style: Style, group: usize) -> RowSink<W> {
        RowSink { out, style, group, unflushed: 0, room: FINDINGS, unsaid: 0, not_assessed: Vec::new() }
    }

    fn tell(&mut self, telling: Option<Telling>) -> io::Result<()> {
        let Some(telling) = telling else { return Ok(()) };
        let told = telling.findings.len().min(self.room);
        for line in telling.lines(told) {
            writeln!(self.out, "{line}")?;
        }
        self.room -= told;
        self.unsaid += telling.findings.len() - told + telling.unsaid;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unflushed = 0;
        self.out.flush()
    }
}

impl<W: Write> Sink for RowSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.not_assessed.clone_from(&run.rules.not_assessed);
        for line in grid::fixed(None, self.style) {
            writeln!(self.out, "{line}")?;
        }
        self.flush()
    }

    fn outcome(&mut self, _index: usize, outcome: &Outcome) -> io::Result<()> {
        // The header is there already.
        for line in grid::fixed(Some((outcome.status, &cells(outcome))), self.style).iter().skip(1) {
            writeln!(self.out, "{line}")?;
        }
        for line in details(outcome) {
            writeln!(self.out, "{line}")?;
        }
        self.tell(Telling::of_target(outcome, self.style))?;
        self.unflushed += 1;
        if self.unflushed < self.group { Ok(()) } else { self.flush() }
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        self.tell(Telling::of_client(client, self.style))
    }

    fn quiet(&mut self) -> io::Result<()> {
        if self.unflushed > 0 { self.flush() } else { Ok(()) }
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        if self.unsaid > 0 {
            writeln!(self.out, "{}", telling::unsaid(self.unsaid))?;
        }
        for line in not_assessed(&self.not_assessed, self.style) {
            writeln!(self.out, "{line}")?;
        }
        if end.interrupted {
            writeln!(self.out, "interrupted: the targets above are those that were reached")?;
        }
        for line in summary(&end.tally, self.style) {
            writeln!(self.out, "{line}")?;
        }
        self.flush()
    }
}
