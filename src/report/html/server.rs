//! One target's part of the page, finished as soon as the target is: its row of the overview and its article.

use std::fmt::Write;

use super::finding::{self, Shelf};
use super::passage::Passages;
use super::shown::text;
use super::{drift, ledger};
use crate::base::text::plural;
use crate::base::time::short_span;
use crate::model::finding::Severity;
use crate::model::inventory::List;
use crate::model::outcome::{Outcome, Posture, Status};
use crate::model::run::{Severities, Tally};
use crate::report::table;

/// Characters of a server's name, of another name, of a message.
const NAME: usize = 100;
const MESSAGE: usize = 500;
/// Characters of what a server said on stderr.
const STDERR: usize = 2_000;
/// Places, tags and notes shown of one target.
const PLACES: usize = 20;

/// What is kept of a target until the page is written.
pub(super) struct Part {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) order: Order,
    pub(super) tags: Vec<String>,
    pub(super) counts: Severities,
    pub(super) changes: usize,
    pub(super) row: Box<str>,
    head: Box<str>,
    body: Box<str>,
}

/// Worst first: score, findings by severity, what is missing; the greater, the further up.
pub(super) type Order = (u8, [usize; 4], bool);

impl Part {
    /// What the page says of `outcome`, the target at `index` of the plan.
    pub(super) fn new(index: usize, outcome: &Outcome, shelf: &Shelf<'_>) -> Part {
        let mut tally = Tally::default();
        tally.add(outcome);
        let counts = tally.findings;
        let score = outcome.risk.as_ref().map(|risk| risk.score);
        let incomplete = outcome.status != Status::Complete;
        let mut body = String::new();
        write_body(&mut body, outcome, shelf);
        Part {
            index,
            name: outcome.name.chars().take(200).collect(),
            order: (
                score.unwrap_or(0),
                [counts.critical, counts.high, counts.medium, counts.low],
                incomplete,
            ),
            tags: outcome.tags.iter().take(PLACES).cloned().collect(),
            counts,
            changes: outcome.drift.as_ref().map_or(0, |drift| drift.changes.len()),
            row: row(index, outcome, &counts).into_boxed_str(),
            head: head(outcome, &counts).into_boxed_str(),
            body: body.into_boxed_str(),
        }
    }

    /// The article; `open` where it is among those that are worth reading first.
    pub(super) fn article(&self, out: &mut String, open: bool) {
        let open = if open { " open" } else { "" };
        let index = self.index;
        // No line ends between articles, nor between rows: with 1,000 texts of one blank beside them, sorting takes a
        // browser many times as long.
        let _ = write!(
            out,
            "<article class=\"server\" id=\"s{index}\" aria-labelledby=\"n{index}\"><details{open}><summary>\
             <h3 id=\"n{index}\"><bdi>{}</bdi></h3>{}</summary><div class=\"body\">\n{}</div></details></article>",
            text(&self.name, NAME),
            self.head,
            self.body
        );
    }
}

/// The worst severity of these, for a colour.
pub(super) fn worst(counts: &Severities) -> &'static str {
    counts.found().next().map_or("none", |(severity, _)| severity.name())
}

fn row(index: usize, outcome: &Outcome, counts: &Severities) -> String {
    let mut out = String::new();
    let inventory = &outcome.inventory;
    let _ = write!(
        out,
        "<tr role=\"row\" data-server=\"s{index}\"><th role=\"rowheader\" scope=\"row\"><a href=\"#s{index}\"><bdi>{}</bdi></a></th><td role=\"cell\">{}</td>",
        text(&outcome.name, 60),
        status(outcome.status),
    );
    match &outcome.risk {
        Some(risk) => {
            let _ = write!(out, "<td role=\"cell\" class=\"n\">{}</td>", score(risk.score, counts));
        }
        None => out.push_str("<td role=\"cell\" class=\"n\">-</td>"),
    }
    for (severity, count) in counts.worst_first() {
        let class = if count == 0 { "zero" } else { severity.name() };
        let _ =
            write!(out, "<td role=\"cell\" class=\"n\"><span class=\"count {class}\">{count}</span></td>");
    }
    let changed = outcome.drift.as_ref().map_or("-".to_owned(), |d| d.changes.len().to_string());
    let _ = write!(
        out,
        "<td role=\"cell\" class=\"n\">{}</td><td role=\"cell\" class=\"n\">{changed}</td>\n\
         <td role=\"cell\" class=\"n\">{:.0}</td></tr>",
        table::mark(inventory.coverage_of(List::Tools)),
        outcome.timing.total_ms
    );
    out
}

fn score(score: u8, counts: &Severities) -> String {
    format!("<span class=\"score {}\">{score}</span>", worst(counts))
}

fn head(outcome: &Outcome, counts: &Severities) -> String {
    let mut out = String::from("<span class=\"facts\">");
    if let Some(risk) = &outcome.risk {
        let _ = write!(out, "<span class=\"risk\">risk {}</span>", score(risk.score, counts));
    }
    for (severity, count) in counts.found().filter(|(severity, _)| *severity > Severity::Low) {
        let _ = write!(out, "<span class=\"badge {severity}\">{count} {severity}</span> ");
    }
    for tag in outcome.tags.iter().take(PLACES) {
        let _ = write!(out, "<span class=\"tag\">{}</span> ", text(tag, 60));
    }
    if outcome.drift.as_ref().is_some_and(|d| !d.changes.is_empty()) {
        out.push_str("<span class=\"drifted\">changed</span> ");
    }
    out.push_str(&status(outcome.status));
    out.push_str("</span>");
    out
}

fn status(status: Status) -> String {
    let (class, word) = match status {
        Status::Complete => ("complete", "complete"),
        Status::Partial => ("partial", "partial"),
        Status::Failed => ("failed", "failed"),
        Status::NotEvaluated => ("unevaluated", "not evaluated"),
    };
    format!("<span class=\"status {class}\">{word}</span>")
}

fn write_body(out: &mut String, outcome: &Outcome, shelf: &Shelf<'_>) {
    if let Some(failure) = &outcome.failure {
        let _ = writeln!(
            out,
            "<p class=\"failure\"><b>Incomplete:</b> <code>{}</code> in <code>{}</code>: <bdi>{}</bdi></p>",
            failure.kind.name(),
            failure.phase.name(),
            text(&failure.message, MESSAGE)
        );
    }
    if let Some(risk) = &outcome.risk {
        let _ =
            writeln!(out, "<p class=\"why\"><b>Risk {}:</b> {}</p>", risk.score, text(&risk.why, MESSAGE));
    }
    facts(out, outcome);
    let mut passages = Some(Passages::new(outcome));
    finding::groups(out, shelf, &outcome.findings, &mut passages);
    if outcome.findings.is_empty() && outcome.status != Status::NotEvaluated {
        out.push_str(match outcome.status {
            Status::Complete => "<p class=\"clean\">No rule found anything in what it lists.</p>",
            _ => "<p class=\"clean\">No rule found anything in the little that is known of it.</p>",
        });
    }
    finding::suppressed(out, &outcome.findings, shelf.room);
    if let Some(drift) = &outcome.drift {
        drift::section(out, drift);
    }
    ledger::tool_scores(out, outcome, shelf.room);
    ledger::coverage(out, &outcome.inventory);
    if !shelf.is_brief() {
        ledger::names(out, &outcome.inventory);
    }
    notes(out, outcome);
}

/// Where it is, what it is, how it guards itself.
fn facts(out: &mut String, outcome: &Outcome) {
    let inventory = &outcome.inventory;
    out.push_str("<dl class=\"facts\">");
    let mut fact = |name: &str, value: String| {
        let _ = write!(out, "<div><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div>");
    };
    let endpoint = &outcome.endpoint;
    if let Some(url) = &endpoint.url {
        fact("Address", format!("<code>{}</code>", text(url, 300)));
    }
    if let Some(command) = &endpoint.command {
        let args = endpoint.args.iter().flatten().take(PLACES).map(|a| format!(" {a}")).collect::<String>();
        fact("Command", format!("<code>{}{}</code>", text(command, 300), text(&args, 300)));
    }
    let said = |key| inventory.server.as_ref().and_then(|server| server.string(key));
    if let Some(name) = said("name") {
        fact(
            "Calls itself",
            format!("{} {}", text(&name, NAME), text(&said("version").unwrap_or_default(), 60)),
        );
    }
    if let Some(protocol) = &inventory.protocol {
        let via = outcome.transport.map_or("no transport", |t| t.name());
        fact("Protocol", format!("{} over {via}", text(&protocol.version, 20)));
    }
    let posture = match outcome.auth.posture {
        Posture::None => Some("no credentials needed"),
        Posture::Bearer => Some("bearer token"),
        Posture::Oauth => Some("OAuth"),
        Posture::Forbidden => Some("forbidden"),
        Posture::Unknown => None,
    };
    if let Some(posture) = posture {
        fact("Access", posture.to_owned());
    }
    let places: Vec<String> = outcome
        .owners
        .iter()
        .take(PLACES)
        .map(|owner| {
            let line = owner.line.map_or(String::new(), |line| format!(":{line}"));
            format!("{}{line}", text(&owner.file, 200))
        })
        .collect();
    if !places.is_empty() {
        fact("Configured in", places.join(", "));
    }
    let asked = match &outcome.cached {
        Some(cached) => format!("from the cache, {} old", short_span(cached.age_s)),
        None => {
            format!("{:.0} ms, {}", outcome.timing.total_ms, plural(outcome.attempts as usize, "attempt"))
        }
    };
    fact("Asked", asked);
    out.push_str("</dl>\n");
}

fn notes(out: &mut String, outcome: &Outcome) {
    if outcome.notes.is_empty() && outcome.stderr.is_none() {
        return;
    }
    out.push_str("<details class=\"notes\"><summary>Tolerated deviations and messages</summary><ul>");
    for note in outcome.notes.iter().take(PLACES) {
        let _ = write!(
            out,
            "<li><code>{}</code> <bdi>{}</bdi> <span class=\"times\">{}</span></li>",
            text(&note.code, 60),
            text(&note.message, MESSAGE),
            plural(note.count as usize, "time")
        );
    }
    out.push_str("</ul>");
    if let Some(stderr) = &outcome.stderr {
        let at = stderr.char_indices().rev().nth(STDERR).map_or(0, |(at, _)| at);
        out.push_str("<p>The end of its stderr:</p><pre>");
        for line in stderr[at..].lines() {
            let _ = writeln!(out, "{}", text(line, 500));
        }
        out.push_str("</pre>");
    }
    out.push_str("</details>\n");
}
