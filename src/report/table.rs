//! The report for people: one line a target, what is missing from each, what was found in it, worst first, and
//! the sum.
//!
//! Only what the lines need is kept, never an inventory. The grid itself is laid out in `grid`, what is said of
//! findings in `telling`.

use std::borrow::Cow;
use std::io::{self, Write};

use super::grid::{self, COLUMNS, Cells};
use super::telling::{self, Telling};
use super::{RunEnd, Sink, Style, sums};
use crate::base::text::{plural, quote, shorten};
use crate::base::time::short_span;
use crate::model::client::Client;
use crate::model::inventory::{Coverage, CoverageState, Inventory, List};
use crate::model::outcome::{Outcome, Status};
use crate::model::run::{RunInfo, Tally};

/// Characters of a server's name, and of any other name, that a line shows.
const NAME_MAX: usize = 60;
/// Characters of a message. Ours are far shorter; a server's may not be.
const MESSAGE_MAX: usize = 400;
/// Findings with lines of their own, in all; the rest is counted.
const FINDINGS_OF_ALL: usize = 100;

/// What is kept of a target until the table is written.
struct Row {
    index: usize,
    cells: Cells,
    status: Status,
    details: Vec<String>,
    telling: Option<Telling>,
    notes: u64,
}

/// Collects rows and writes everything at the end: columns are as wide as their widest cell.
pub(super) struct TableSink<W> {
    out: W,
    style: Style,
    rows: Vec<Row>,
    clients: Vec<Telling>,
    not_assessed: Vec<Cow<'static, str>>,
    /// No rule was in force: no finding means nothing.
    unjudged: bool,
    /// Whether servers of the run are not here.
    part: bool,
}

impl<W: Write> TableSink<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W, style: Style) -> TableSink<W> {
        TableSink {
            out,
            style,
            rows: Vec::new(),
            clients: Vec::new(),
            not_assessed: Vec::new(),
            unjudged: false,
            part: false,
        }
    }

    fn write_details(&mut self) -> io::Result<()> {
        for line in self.rows.iter().flat_map(|row| &row.details) {
            writeln!(self.out, "{line}")?;
        }
        self.write_findings()?;
        let notes: u64 = self.rows.iter().map(|row| row.notes).sum();
        if notes > 0 {
            let targets = self.rows.iter().filter(|row| row.notes > 0).count();
            let (notes, targets) = (plural(notes as usize, "note"), plural(targets, "target"));
            writeln!(self.out, "{notes} on {targets}: tolerated deviations, listed in the JSON report")?;
        }
        Ok(())
    }

    /// Clients first, then servers, the worst of each on top.
    fn write_findings(&mut self) -> io::Result<()> {
        let mut tellings: Vec<&Telling> = self.rows.iter().filter_map(|row| row.telling.as_ref()).collect();
        tellings.sort_by_key(|telling| std::cmp::Reverse(telling.order));
        let mut said = 0;
        let mut unsaid = 0;
        let mut short = false;
        // The line above is blank already where nothing is missing.
        let mut apart = self.rows.iter().all(|row| row.details.is_empty());
        for telling in self.clients.iter().chain(tellings) {
            let room = telling.findings.len().min(FINDINGS_OF_ALL - said);
            if !(apart || short && telling.is_short()) {
                writeln!(self.out)?;
            }
            apart = false;
            short = telling.is_short();
            for line in telling.lines(room) {
                writeln!(self.out, "{line}")?;
            }
            said += room;
            unsaid += telling.findings.len() - room + telling.unsaid;
        }
        if said + unsaid > 0 || !self.clients.is_empty() || self.rows.iter().any(|row| row.telling.is_some())
        {
            writeln!(self.out)?;
        }
        if unsaid > 0 {
            writeln!(self.out, "{}", telling::unsaid(unsaid))?;
        }
        Ok(())
    }

    fn write_legend(&mut self) -> io::Result<()> {
        let marks = self.rows.iter().flat_map(|row| &row.cells[grid::COUNTS]);
        let used: String = marks.map(String::as_str).collect();
        let meanings = [('+', "cut short"), ('!', "failed"), ('?', "not asked")];
        let used: Vec<String> = meanings
            .iter()
            .filter(|(mark, _)| used.contains(*mark))
            .map(|(mark, meaning)| format!("{mark} {meaning}"))
            .collect();
        if used.is_empty() { Ok(()) } else { writeln!(self.out, "({})", used.join(", ")) }
    }
}

impl<W: Write> Sink for TableSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.not_assessed.clone_from(&run.rules.not_assessed);
        self.unjudged = run.rules.count == 0;
        self.part = run.shard.is_some() || run.missing.is_some();
        Ok(())
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        self.rows.push(Row {
            index,
            cells: cells(outcome),
            status: outcome.status,
            details: details(outcome),
            telling: Telling::of_target(outcome, self.style),
            notes: outcome.notes.iter().map(|note| u64::from(note.count)).sum(),
        });
        Ok(())
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        self.clients.extend(Telling::of_client(client, self.style));
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        self.rows.sort_by_key(|row| row.index);
        if !self.rows.is_empty() {
            let rows = self.rows.iter().map(|row| (row.status, &row.cells));
            for line in grid::lines(rows, self.style) {
                writeln!(self.out, "{line}")?;
            }
            self.write_legend()?;
            writeln!(self.out)?;
            self.write_details()?;
        }
        // A part without a server looks like a list without one.
        if !self.rows.is_empty() || self.part {
            for line in not_assessed(&self.not_assessed, self.style) {
                writeln!(self.out, "{line}")?;
            }
        }
        if self.unjudged {
            writeln!(self.out, "nothing was judged: the settings leave no rule in force")?;
        }
        if end.interrupted {
            writeln!(self.out, "interrupted: the targets above are those that were reached")?;
        }
        for line in summary(&end.tally, self.style) {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()
    }
}

pub(super) fn cells(outcome: &Outcome) -> Cells {
    let inventory = &outcome.inventory;
    let mut cells: Cells = [const { String::new() }; COLUMNS];
    cells[grid::NAME] = line(&names(outcome), NAME_MAX);
    cells[grid::VIA] = outcome.transport.map_or("-", |t| t.name()).to_owned();
    cells[grid::REVISION] = inventory.protocol.as_ref().map_or("-".to_owned(), |p| line(&p.version, 20));
    cells[grid::SERVER] = server(inventory);
    for (column, list) in grid::COUNTS.zip(List::ALL) {
        cells[column] = mark(inventory.coverage_of(list));
    }
    cells[grid::MS] = match (&outcome.cached, outcome.status) {
        (Some(cached), _) => format!("cached {}", short_span(cached.age_s)),
        (None, Status::NotEvaluated) => "-".to_owned(),
        (None, Status::Complete | Status::Partial | Status::Failed) => milliseconds(outcome.timing.total_ms),
    };
    cells
}

/// The server's name, and the others it goes by in other places.
fn names(outcome: &Outcome) -> String {
    let mut names = vec![outcome.name.as_str()];
    for owner in &outcome.owners {
        if !names.contains(&owner.name.as_str()) {
            names.push(&owner.name);
        }
    }
    names.join(", ")
}

/// Name and version as the server gave them.
fn server(inventory: &Inventory) -> String {
    let part = |key| inventory.server.as_ref().and_then(|s| s.string(key)).map(|s| line(&s, NAME_MAX));
    match (part("name"), part("version")) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "-".to_owned(),
    }
}

/// A count that does not claim more than is known: `0` is an empty list read to its end, nothing else.
pub(super) fn mark(coverage: Option<&Coverage>) -> String {
    let Some(coverage) = coverage else { return "?".to_owned() };
    match coverage.state {
        CoverageState::Complete => coverage.items.to_string(),
        CoverageState::Unsupported => "-".to_owned(),
        CoverageState::Truncated => format!("{}+", coverage.items),
        CoverageState::Failed if coverage.items == 0 => "!".to_owned(),
        CoverageState::Failed => format!("{}!", coverage.items),
        CoverageState::Skipped => "?".to_owned(),
    }
}

fn milliseconds(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

/// Why a target is not complete: the first cause, then each list that was cut short.
pub(super) fn details(outcome: &Outcome) -> Vec<String> {
    if outcome.status == Status::Complete {
        return Vec::new();
    }
    let name = line(&outcome.name, NAME_MAX);
    let mut details = Vec::new();
    if let Some(failure) = &outcome.failure {
        let message = line(&failure.message, MESSAGE_MAX);
        details.push(match (failure.kind.name(), failure.phase.name()) {
            (kind, phase) if kind == phase => format!("{name}: {kind}: {message}"),
            (kind, phase) => format!("{name}: {kind} in {phase}: {message}"),
        });
    }
    let said = |reason: &str| outcome.failure.as_ref().is_some_and(|f| f.message == reason);
    for coverage in &outcome.inventory.coverage {
        let reason = coverage.reason.as_deref().unwrap_or("no reason known");
        let what = match coverage.state {
            CoverageState::Truncated => "truncated",
            CoverageState::Failed if !said(reason) => "failed",
            CoverageState::Failed
            | CoverageState::Complete
            | CoverageState::Unsupported
            | CoverageState::Skipped => continue,
        };
        let (list, items) = (coverage.phase.method(), plural(coverage.items, "item"));
        details.push(format!("{name}: {list} {what} after {items}: {}", line(reason, MESSAGE_MAX)));
    }
    if details.is_empty() {
        details.push(format!("{name}: {}, no cause known", grid::words(outcome.status)));
    }
    details
}

/// What no rule looks at, so that nobody takes silence for safety.
pub(super) fn not_assessed(what: &[Cow<'static, str>], style: Style) -> Vec<String> {
    match what {
        [] => Vec::new(),
        what => telling::wrapped(&format!("not assessed: {}", what.join("; ")), 0, style),
    }
}

/// What was found; nothing where nothing was.
fn findings(tally: &Tally, dot: &str) -> String {
    let found = tally.findings.to_string();
    let aside = match tally.suppressed {
        0 => String::new(),
        n => format!(" ({n} suppressed)"),
    };
    let drifted = match tally.drifted {
        0 => String::new(),
        n => format!(" {dot} {n} changed"),
    };
    match (found.is_empty(), tally.suppressed) {
        (true, 0) => drifted,
        (true, _) => format!(" {dot} findings: none{aside}{drifted}"),
        (false, _) => format!(" {dot} findings: {found}{aside}{drifted}"),
    }
}

pub(super) fn summary(tally: &Tally, style: Style) -> Vec<String> {
    let dot = if style.unicode { "·" } else { "|" };
    let disabled = match tally.disabled {
        0 => String::new(),
        n => format!(", {n} disabled in their file"),
    };
    let cached = match tally.cached {
        0 => String::new(),
        n => format!(", {n} from the cache"),
    };
    let sum = format!(
        "{}{cached}{disabled} {dot} {}{}",
        sums::targets(tally),
        sums::items(tally),
        findings(tally, dot),
    );
    telling::wrapped(&sum, 0, style)
}

/// Hostile text as part of a line. Shortened again after it was made visible, which may lengthen it.
pub(super) fn line(s: &str, max: usize) -> String {
    shorten(&quote(s, max), max).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(state: CoverageState, items: usize) -> Coverage {
        Coverage { phase: List::Tools, state, items, pages: 1, bytes: 0, ms: 0.0, reason: None }
    }

    #[test]
    fn a_mark_claims_no_more_than_is_known() {
        let of = |state, items| mark(Some(&coverage(state, items)));
        assert_eq!(of(CoverageState::Complete, 0), "0");
        assert_eq!(of(CoverageState::Complete, 14), "14");
        assert_eq!(of(CoverageState::Unsupported, 0), "-");
        assert_eq!(of(CoverageState::Truncated, 14), "14+");
        assert_eq!(of(CoverageState::Failed, 3), "3!");
        assert_eq!(of(CoverageState::Failed, 0), "!");
        assert_eq!(of(CoverageState::Skipped, 0), "?");
        assert_eq!(mark(None), "?");
    }
}
