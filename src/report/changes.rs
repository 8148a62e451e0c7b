//! Watch mode for people: a line for each target that is not what it was.

use std::io::{self, Write};
use std::time::SystemTime;

use super::{RunEnd, Sink};
use crate::base::text::quote;
use crate::base::time::rfc3339;
use crate::model::changes::Change;
use crate::model::outcome::Outcome;
use crate::model::run::RunInfo;

/// Characters of a server's name.
const NAME_MAX: usize = 60;

/// Keeps nothing.
pub(super) struct ChangeSink<W> {
    out: W,
}

impl<W: Write> ChangeSink<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W) -> ChangeSink<W> {
        ChangeSink { out }
    }

    fn write_line(&mut self, name: &str, what: &str) -> io::Result<()> {
        // The time of day in UTC: of the date, whoever reads along knows it.
        let time = rfc3339(SystemTime::now());
        let time = time.get(11..19).unwrap_or_default();
        writeln!(self.out, "{time}Z {}: {what}", quote(name, NAME_MAX))?;
        self.out.flush()
    }
}

impl<W: Write> Sink for ChangeSink<W> {
    fn begin(&mut self, _run: &RunInfo) -> io::Result<()> {
        Ok(())
    }

    fn outcome(&mut self, _index: usize, _outcome: &Outcome) -> io::Result<()> {
        Ok(())
    }

    fn changed(&mut self, _index: usize, outcome: &Outcome, changes: &[Change]) -> io::Result<()> {
        let what: Vec<String> = changes.iter().map(Change::to_string).collect();
        let why = outcome.failure.as_ref().filter(|_| changes.iter().any(|c| c.what == "failure"));
        let why = why.map_or(String::new(), |f| format!(" ({}: {})", f.phase.name(), quote(&f.message, 200)));
        self.write_line(&outcome.name, &format!("{}{why}", what.join(", ")))
    }

    fn gone(&mut self, name: &str) -> io::Result<()> {
        self.write_line(name, "target is gone")
    }

    fn end(&mut self, _end: &RunEnd) -> io::Result<()> {
        self.out.flush()
    }
}
