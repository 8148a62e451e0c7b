//! Markdown for a pull request or a chat: a table of servers, then what was found, worst first.
//!
//! Invariant: a report is never longer than a comment may be; what is left out is counted.

mod inert;

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::words::{answered, subject};
use super::{RunEnd, Sink, sums};
use crate::base::text::{few, plural};
use crate::base::time::rfc3339;
use crate::model::client::Client;
use crate::model::drift::Difference;
use crate::model::finding::{Finding, Severity};
use crate::model::outcome::{Outcome, Status};
use crate::model::run::{RunInfo, Severities};

use inert::{code, plain};

/// Bytes of a report. GitHub takes 65,536 characters in a comment.
const MOST: usize = 65_000;
/// Of these, what the end needs: counts, what was not assessed.
const END: usize = 3_000;
/// Rows of the table, and bytes of them.
const ROWS: usize = 100;
const ROWS_BYTES: usize = 20_000;
/// Servers that are kept; more than a report has room for.
const KEPT: usize = 1_000;
/// Findings of a server that are told.
const FINDINGS: usize = 20;
/// Changes of a server that are named.
const CHANGES: usize = 10;
/// Characters of a name, and of a message.
const NAME: usize = 80;
const MESSAGE: usize = 300;

/// What comes first: what fails, then what is worst, then what is not known.
type Rank = (Reverse<bool>, Reverse<Option<Severity>>, Reverse<bool>, usize, usize);

/// A server or a client, finished.
struct Piece {
    rank: Rank,
    /// Its row of the table; clients have none.
    row: String,
    /// Nothing, where the row says everything.
    section: String,
}

/// Keeps a bounded number of finished sections.
pub(super) struct MarkdownSink<W> {
    out: W,
    run: Option<RunInfo>,
    pieces: Vec<Piece>,
    sections: usize,
    clients: usize,
}

impl<W: Write> MarkdownSink<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W) -> MarkdownSink<W> {
        MarkdownSink { out, run: None, pieces: Vec::new(), sections: 0, clients: 0 }
    }

    fn keep(&mut self, piece: Piece) {
        self.sections += usize::from(!piece.section.is_empty());
        self.pieces.push(piece);
        if self.pieces.len() >= 2 * KEPT {
            self.pieces.sort_by_key(|piece| piece.rank);
            self.pieces.truncate(KEPT);
        }
    }
}

impl<W: Write> Sink for MarkdownSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.run = Some(run.clone());
        Ok(())
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        let incomplete = outcome.status != Status::Complete;
        let rank = rank(&outcome.findings, incomplete, index, 0);
        self.keep(Piece { rank, row: row(outcome), section: section(outcome) });
        Ok(())
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        if client.findings.is_empty() && client.unknown.is_empty() {
            return Ok(());
        }
        let rank = rank(&client.findings, !client.unknown.is_empty(), usize::MAX, self.clients);
        self.clients += 1;
        self.keep(Piece { rank, row: String::new(), section: of_client(client) });
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        let run = self.run.take().ok_or_else(|| io::Error::other("report ended before it began"))?;
        self.pieces.sort_by_key(|piece| piece.rank);
        let mut text = head(&run, end);
        text.push_str(&table(&self.pieces, end.tally.targets));
        let mut told = 0;
        for piece in self.pieces.iter().filter(|piece| !piece.section.is_empty()) {
            // The first that does not fit is the last: what comes after it is milder.
            if text.len() + piece.section.len() > MOST - END {
                break;
            }
            text.push_str(&piece.section);
            told += 1;
        }
        if told < self.sections {
            let left = plural(self.sections - told, "section");
            let _ = writeln!(
                text,
                "\n**{left} left out** for want of room, the mildest ones; the JSON report has all."
            );
        }
        text.push_str(&tail(&run));
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

fn rank(findings: &[Finding], incomplete: bool, index: usize, turn: usize) -> Rank {
    let (counted, _) = sums::apart(findings);
    let worst = counted.iter().map(|finding| finding.severity).max();
    (Reverse(findings.iter().any(|f| f.fails)), Reverse(worst), Reverse(incomplete), index, turn)
}

fn head(run: &RunInfo, end: &RunEnd) -> String {
    let tally = &end.tally;
    // The headline may be all that is read: no findings is no praise where nothing was seen.
    let incomplete = tally.targets - tally.complete;
    let seen = match incomplete {
        0 if tally.targets > 0 => String::new(),
        0 => "; no target was evaluated".to_owned(),
        n => format!("; {n} of {} not listed whole", plural(tally.targets, "target")),
    };
    let found = match run.rules.count {
        0 if tally.findings == Severities::default() => "nothing was judged".to_owned(),
        _ => sums::findings(tally),
    };
    let mut text = format!("## hawkeye: {found}{seen}\n\n");
    if end.interrupted {
        let missing = run.planned.saturating_sub(tally.targets);
        let _ =
            writeln!(text, "**The run was interrupted**: {} not here.\n", plural(missing, "planned target"));
    }
    if incomplete > 0 {
        let _ = writeln!(text, "**What is missing of servers that are not complete was not judged.**\n");
    }
    let _ = writeln!(text, "{}. {}.\n", sums::targets(tally), sums::items(tally));
    text
}

fn table(pieces: &[Piece], targets: usize) -> String {
    let mut text = String::new();
    if targets == 0 {
        return text;
    }
    text.push_str("| server | status | tools | critical | high | medium | low | info | risk | changes |\n");
    text.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    let mut shown = 0;
    for piece in pieces.iter().filter(|piece| !piece.row.is_empty()).take(ROWS) {
        if text.len() + piece.row.len() > ROWS_BYTES {
            break;
        }
        text.push_str(&piece.row);
        shown += 1;
    }
    if shown < targets {
        let _ = writeln!(
            text,
            "\n{} more, the mildest ones, not in this table.",
            plural(targets - shown, "server")
        );
    }
    text
}

fn row(outcome: &Outcome) -> String {
    let (counted, _) = sums::apart(&outcome.findings);
    let count = |severity| counted.iter().filter(|finding| finding.severity == severity).count();
    let blank_at_zero = |n: usize| if n == 0 { String::new() } else { n.to_string() };
    let found = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let found: Vec<String> = found.into_iter().map(|severity| blank_at_zero(count(severity))).collect();
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        code(&outcome.name, NAME),
        outcome.status.name().replace('_', " "),
        outcome.inventory.tools.len(),
        found.join(" | "),
        outcome.risk.as_ref().map_or(String::new(), |risk| risk.score.to_string()),
        outcome.drift.as_ref().map_or(String::new(), |drift| drift.changes.len().to_string()),
    )
}

fn section(outcome: &Outcome) -> String {
    let changes = outcome.drift.as_ref().is_some_and(|drift| !drift.changes.is_empty());
    if outcome.status == Status::Complete && outcome.findings.is_empty() && !changes {
        return String::new();
    }
    let mut text = format!("\n### {}\n\n", code(&outcome.name, NAME));
    let reached = outcome.endpoint.line();
    if !reached.is_empty() {
        let _ = writeln!(text, "{}\n", code(&reached, MESSAGE));
    }
    if let Some(failure) = &outcome.failure {
        let status = outcome.status.name().replace('_', " ");
        let _ = writeln!(text, "**{status}**: {}\n", code(&failure.to_string(), MESSAGE));
    }
    if let Some(risk) = &outcome.risk {
        let _ = writeln!(text, "Risk {} of 100: {}\n", risk.score, code(&risk.why, MESSAGE));
    }
    if let Some(drift) = outcome.drift.as_ref().filter(|drift| !drift.changes.is_empty()) {
        let changes = plural(drift.changes.len(), "change");
        let _ = writeln!(text, "{changes} since {}:\n", code(&drift.since.at, NAME));
        for change in drift.changes.iter().take(CHANGES) {
            let _ = writeln!(text, "- {}", changed(change));
        }
        if drift.changes.len() > CHANGES {
            let _ = writeln!(text, "- {} more", drift.changes.len() - CHANGES);
        }
        text.push('\n');
    }
    let place = |finding: &Finding| match subject(outcome, &finding.pointer) {
        Some(item) => {
            format!("{} {} at {}", item.kind, code(&item.name, NAME), code(&finding.pointer, MESSAGE))
        }
        None if finding.pointer.is_empty() => String::new(),
        None => code(&finding.pointer, MESSAGE),
    };
    push_findings(&mut text, &outcome.findings, &place);
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn changed(change: &Difference) -> String {
    let name = if change.name.is_empty() { String::new() } else { format!(" {}", code(&change.name, NAME)) };
    format!("{}{name} {}", change.what.name(), change.change.name())
}

fn of_client(client: &Client) -> String {
    let mut text = format!(
        "\n### Client {}: {} together, {}\n\n",
        code(&client.name, NAME),
        plural(client.servers.len(), "server"),
        plural(client.tools, "tool")
    );
    if !client.unknown.is_empty() {
        let names = client.unknown.iter().map(|name| code(name, NAME));
        let _ = writeln!(text, "Nothing is known of {}.\n", few(names, CHANGES));
    }
    push_findings(&mut text, &client.findings, &|finding| {
        let places = finding.related.iter().take(CHANGES);
        let places: Vec<String> =
            places.map(|r| format!("{} of {}", code(&r.label, NAME), code(&r.target, NAME))).collect();
        places.join(", ")
    });
    text
}

/// Those that count, then those that somebody answers for.
fn push_findings(text: &mut String, findings: &[Finding], place: &dyn Fn(&Finding) -> String) {
    let (counted, suppressed) = sums::apart(findings);
    for finding in counted.iter().take(FINDINGS) {
        let fails = if finding.fails { ", **fails**" } else { "" };
        let place = match place(finding) {
            place if place.is_empty() => String::new(),
            place => format!(" ({place})"),
        };
        let message = code(&finding.message, MESSAGE);
        let _ = writeln!(
            text,
            "- **{}** {}{fails}: {message}{place}",
            finding.severity,
            plain(&finding.rule, NAME)
        );
        if let Some(excerpt) = &finding.excerpt {
            let _ = writeln!(text, "  - found: {}", code(excerpt, MESSAGE));
        }
        let _ = writeln!(text, "  - to do: {}", plain(&finding.remedy, MESSAGE));
    }
    if counted.len() > FINDINGS {
        let _ = writeln!(text, "- {} more", plural(counted.len() - FINDINGS, "finding"));
    }
    if suppressed.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nSuppressed, counted for nothing:\n");
    for finding in suppressed.iter().take(FINDINGS) {
        let why = finding.suppressed.as_ref().map_or(String::new(), answered);
        let (severity, rule) = (finding.severity, plain(&finding.rule, NAME));
        let _ = writeln!(
            text,
            "- {severity} {rule}: {}; {}",
            code(&finding.message, MESSAGE),
            code(&why, MESSAGE)
        );
    }
    if suppressed.len() > FINDINGS {
        let _ = writeln!(text, "- {} more", suppressed.len() - FINDINGS);
    }
}

fn tail(run: &RunInfo) -> String {
    let unseen: Vec<String> = run.rules.not_assessed.iter().map(|what| plain(what, 120)).collect();
    let mut text = String::new();
    if !unseen.is_empty() {
        let _ = writeln!(text, "\nNot assessed: {}.", unseen.join("; "));
    }
    let _ = writeln!(
        text,
        "\nhawkeye {}, rules {} ({}), run {}, {}",
        env!("CARGO_PKG_VERSION"),
        plain(&run.rules.version, NAME),
        run.rules.count,
        plain(&run.id, NAME),
        rfc3339(run.started)
    );
    text
}
