//! The table of `stream_results`: rows as they come, in columns of fixed widths, and the sum at the end.

use std::io::{self, Write};

use super::grid;
use super::table::{cells, details, summary, together};
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
}

impl<W: Write> RowSink<W> {
    /// Writes to `out`, and flushes after `group` targets.
    pub(super) fn new(out: W, style: Style, group: usize) -> RowSink<W> {
        RowSink { out, style, group, unflushed: 0 }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unflushed = 0;
        self.out.flush()
    }
}

impl<W: Write> Sink for RowSink<W> {
    fn begin(&mut self, _run: &RunInfo) -> io::Result<()> {
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
        self.unflushed += 1;
        if self.unflushed < self.group { Ok(()) } else { self.flush() }
    }

    fn quiet(&mut self) -> io::Result<()> {
        if self.unflushed > 0 { self.flush() } else { Ok(()) }
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        for line in together(client) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        if end.interrupted {
            writeln!(self.out, "interrupted: the targets above are those that were reached")?;
        }
        writeln!(self.out, "{}", summary(&end.tally, self.style))?;
        self.flush()
    }
}
