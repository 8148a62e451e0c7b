//! CSV for spreadsheets: a row a target, a row a finding, RFC 4180. Every cell is quoted, on one line, and none
//! of them is a formula.

use std::io::{self, Write};

use super::words::{answered, subject};
use super::{RunEnd, Sink, Style, sums};
use crate::base::text::{plural, quote};
use crate::base::time::rfc3339;
use crate::model::client::Client;
use crate::model::finding::Finding;
use crate::model::outcome::Outcome;
use crate::model::run::RunInfo;

/// Characters of a cell: more than a person reads, less than a spreadsheet takes.
const CELL: usize = 2_000;
/// Other places of a finding that are named.
const RELATED: usize = 20;

/// The columns. New ones are added behind, so that scripts that count keep working.
const COLUMNS: [&str; 24] = [
    "kind",
    "target",
    "status",
    "item",
    "rule",
    "severity",
    "confidence",
    "fails",
    "suppressed",
    "message",
    "excerpt",
    "pointer",
    "remedy",
    "references",
    "related",
    "fingerprint",
    "risk",
    "drift",
    "file",
    "line",
    "transport",
    "endpoint",
    "tags",
    "run",
];

/// Keeps finished rows of targets until the end, or none where results stream.
pub(super) struct CsvSink<W> {
    out: W,
    group: Option<usize>,
    unflushed: usize,
    run: Option<RunInfo>,
    rows: Vec<(usize, Box<str>)>,
}

impl<W: Write> CsvSink<W> {
    /// Writes to `out`: in plan order, or as results come where `style` says so.
    pub(super) fn new(out: W, style: Style) -> CsvSink<W> {
        CsvSink { out, group: style.stream, unflushed: 0, run: None, rows: Vec::new() }
    }

    fn run_id(&self) -> &str {
        self.run.as_ref().map_or("", |run| &run.id)
    }
}

impl<W: Write> Sink for CsvSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.run = Some(run.clone());
        writeln!(self.out, "{}\r", COLUMNS.join(","))?;
        self.out.flush()
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        let rows = of_target(outcome, self.run_id());
        let Some(group) = self.group else {
            self.rows.push((index, rows.into_boxed_str()));
            return Ok(());
        };
        self.out.write_all(rows.as_bytes())?;
        self.unflushed += 1;
        if self.unflushed < group { Ok(()) } else { self.quiet() }
    }

    fn quiet(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.unflushed) {
            0 => Ok(()),
            _ => self.out.flush(),
        }
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        self.drain()?;
        let rows = of_client(client, self.run_id());
        self.out.write_all(rows.as_bytes())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        self.drain()?;
        let run = self.run.take().ok_or_else(|| io::Error::other("report ended before it began"))?;
        for what in run.rules.not_assessed.iter() {
            let row = Row { kind: "not_assessed", message: what, run: &run.id, ..Row::default() };
            self.out.write_all(row.text().as_bytes())?;
        }
        let planned =
            if end.interrupted { format!(" of {} that were planned", run.planned) } else { String::new() };
        let message = format!(
            "{}{planned}; {}; {}; ended {}",
            sums::targets(&end.tally),
            sums::items(&end.tally),
            sums::findings(&end.tally),
            rfc3339(end.finished)
        );
        let status = if end.interrupted { "interrupted" } else { "whole" };
        let row = Row { kind: "run", status, message: &message, run: &run.id, ..Row::default() };
        self.out.write_all(row.text().as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> CsvSink<W> {
    /// Targets come before what is said of them together.
    fn drain(&mut self) -> io::Result<()> {
        self.rows.sort_by_key(|(index, _)| *index);
        self.rows.drain(..).try_for_each(|(_, rows)| self.out.write_all(rows.as_bytes()))
    }
}

/// One row by its columns.
#[derive(Default, Clone)]
struct Row<'a> {
    kind: &'a str,
    target: &'a str,
    status: &'a str,
    item: &'a str,
    finding: Option<&'a Finding>,
    message: &'a str,
    risk: &'a str,
    drift: &'a str,
    file: &'a str,
    line: &'a str,
    transport: &'a str,
    endpoint: &'a str,
    tags: &'a str,
    run: &'a str,
}

impl Row<'_> {
    fn text(&self) -> String {
        let of_finding = |f: &Finding| {
            let related = f.related.iter().take(RELATED);
            let related: Vec<String> =
                related.map(|r| format!("{} of {} at {}", r.label, r.target, r.pointer)).collect();
            [
                f.rule.to_string(),
                f.severity.name().to_owned(),
                format!("{:?}", f.confidence).to_lowercase(),
                if f.fails { "yes" } else { "no" }.to_owned(),
                f.suppressed.as_ref().map_or(String::new(), answered),
                f.message.clone(),
                f.excerpt.clone().unwrap_or_default(),
                f.pointer.clone(),
                f.remedy.to_string(),
                f.references.join(" "),
                related.join(" | "),
                f.fingerprint.clone(),
            ]
        };
        let mut cells: [String; 12] = self.finding.map_or_else(Default::default, of_finding);
        if self.finding.is_none() {
            self.message.clone_into(&mut cells[5]);
        }
        let before = [self.kind, self.target, self.status, self.item];
        let after =
            [self.risk, self.drift, self.file, self.line, self.transport, self.endpoint, self.tags, self.run];
        let all = before.into_iter().chain(cells.iter().map(String::as_str)).chain(after);
        let mut out = String::with_capacity(256);
        for (number, text) in all.enumerate() {
            if number > 0 {
                out.push(',');
            }
            push_cell(&mut out, text);
        }
        out + "\r\n"
    }
}

fn of_target(outcome: &Outcome, run: &str) -> String {
    let owner = outcome.owners.first();
    let risk = outcome.risk.as_ref().map_or(String::new(), |risk| risk.score.to_string());
    let drift = outcome.drift.as_ref().map_or(String::new(), |d| plural(d.changes.len(), "change"));
    let line = owner.and_then(|owner| owner.line).map_or(String::new(), |line| line.to_string());
    let (endpoint, tags) = (outcome.endpoint.line(), outcome.tags.join(" "));
    let inventory = &outcome.inventory;
    let offers = format!(
        "{}, {}, {}, {}; {}",
        plural(inventory.tools.len(), "tool"),
        plural(inventory.resources.len(), "resource"),
        plural(inventory.resource_templates.len(), "resource template"),
        plural(inventory.prompts.len(), "prompt"),
        plural(outcome.findings.len(), "finding"),
    );
    let message = outcome.failure.as_ref().map_or(offers, ToString::to_string);
    let target = Row {
        kind: "target",
        target: &outcome.name,
        status: outcome.status.name(),
        message: &message,
        risk: &risk,
        drift: &drift,
        file: owner.map_or("", |owner| &owner.file),
        line: &line,
        transport: outcome.transport.map_or("", |transport| transport.name()),
        endpoint: &endpoint,
        tags: &tags,
        run,
        ..Row::default()
    };
    let mut text = target.text();
    for finding in &outcome.findings {
        let item = subject(outcome, &finding.pointer);
        let item = item.map_or(String::new(), |item| format!("{} {}", item.kind, item.name));
        let row = Row { kind: "finding", item: &item, finding: Some(finding), ..target.clone() };
        text.push_str(&row.text());
    }
    text
}

fn of_client(client: &Client, run: &str) -> String {
    let unknown = match client.unknown.len() {
        0 => String::new(),
        n => format!("; nothing is known of {}: {}", plural(n, "server"), client.unknown.join(", ")),
    };
    let seen = plural(client.servers.len(), "server");
    let message = format!(
        "{}, {}{unknown}; {}",
        seen,
        plural(client.tools, "tool"),
        plural(client.findings.len(), "finding")
    );
    let row = Row {
        kind: "client",
        target: &client.name,
        message: &message,
        file: &client.name,
        run,
        ..Row::default()
    };
    let findings = client.findings.iter();
    let findings = findings.map(|f| Row { kind: "client_finding", finding: Some(f), ..row.clone() }.text());
    std::iter::once(row.text()).chain(findings).collect()
}

/// Whether a spreadsheet may take a cell for a formula that begins with it. Full-width forms are folded into
/// the plain ones by some.
const fn begins_a_formula(c: char) -> bool {
    matches!(
        c,
        '=' | '+'
            | '-'
            | '@'
            | '\u{ff1d}'
            | '\u{ff0b}'
            | '\u{ff0d}'
            | '\u{ff20}'
            | '\u{2212}'
            | '\u{fe62}'
            | '\u{fe63}'
            | '\u{fe66}'
            | '\u{fe6b}'
    )
}

/// What may stand before it: white space, which is trimmed, and quotes, which end up outside of the cell.
fn may_precede(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ff02}' | '\u{ff07}')
}

/// Quotes `text` as one cell. An apostrophe goes before what would begin a formula, here or, where a
/// spreadsheet splits at semicolons, in a cell of its own.
fn push_cell(out: &mut String, text: &str) {
    out.push('"');
    let mut beginning = true;
    // Tabs and line ends are spelled out by then.
    for c in quote(text, CELL).chars() {
        if beginning && begins_a_formula(c) {
            out.push('\'');
        }
        beginning = match c {
            ';' => true,
            c => beginning && may_precede(c),
        };
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, cell) in [
            ("", r#""""#),
            ("plain, 'text'", r#""plain, 'text'""#),
            ("=1+1", r#""'=1+1""#),
            ("  @SUM(A1)", r#""  '@SUM(A1)""#),
            ("\"=cmd|' /C calc'!A0", r#""""'=cmd|' /C calc'!A0""#),
            ("'+1", r#""''+1""#),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("\u{3000}\u{2212}1", "\"\u{3000}'\u{2212}1\""),
            ("a;=1;b; -2", r#""a;'=1;b; '-2""#),
            ("\t=1\r\n=2", r#""\t=1\r\n=2""#),
            ("a\u{202e}=1", r#""a\u{202e}=1""#),
            ("read-only", r#""read-only""#),
        ] {
            let mut out = String::new();
            push_cell(&mut out, text);
            assert_eq!(out, cell, "{text:?}");
        }
    }
}
