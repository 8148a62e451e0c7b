//! What a table says of one target's findings, or of those of a client: a heading, the bad ones with the words
//! they are about, the lesser ones counted, what changed. Lines that fit the terminal.

use super::{Style, table};
use crate::base::text::{few, plural};
use crate::model::client::Client;
use crate::model::drift::Drift;
use crate::model::finding::{Finding, Severity};
use crate::model::outcome::Outcome;
use crate::model::run::Severities;

/// Findings of one place that have lines of their own.
const OF_ONE: usize = 10;
/// Lesser findings are counted.
const WORTH_LINES: Severity = Severity::Medium;
/// Characters of a name, of a message or a remedy, of an excerpt.
const NAME: usize = 60;
const MESSAGE: usize = 400;
const EXCERPT: usize = 120;
/// Rules, changes and other places named in one line.
const NAMED: usize = 6;
/// Where text begins that stands beside a word.
const INDENT: usize = 12;

/// What is said of one place.
pub(super) struct Telling {
    /// Worst first: score, then findings by severity; the greater, the further up.
    pub(super) order: (u8, [usize; 5]),
    pub(super) head: Vec<String>,
    /// The lines of each finding that has some.
    pub(super) findings: Vec<Vec<String>>,
    pub(super) foot: Vec<String>,
    /// Findings that are worth lines and have none.
    pub(super) unsaid: usize,
}

impl Telling {
    /// What is to be said of `outcome`; nothing where nothing was found and nothing changed.
    pub(super) fn of_target(outcome: &Outcome, style: Style) -> Option<Telling> {
        let drift = outcome.drift.as_ref().filter(|drift| !drift.changes.is_empty());
        if outcome.findings.is_empty() && drift.is_none() {
            return None;
        }
        let name = table::line(&outcome.name, NAME);
        let risk = outcome.risk.as_ref();
        let score = risk.map_or(String::new(), |risk| format!("risk {}", risk.score));
        let mut telling = Telling::new(&name, &score, &outcome.findings, style);
        telling.order.0 = risk.map_or(0, |risk| risk.score);
        if let Some(risk) = risk.filter(|_| !telling.findings.is_empty()) {
            telling.head.extend(beside("why", None, &table::line(&risk.why, MESSAGE), style));
        }
        telling.foot.extend(drift.into_iter().flat_map(|drift| changes(drift, style)));
        Some(telling)
    }

    /// What is to be said of all servers of `client` together.
    pub(super) fn of_client(client: &Client, style: Style) -> Option<Telling> {
        if client.findings.is_empty() {
            return None;
        }
        let name = table::line(&client.name, NAME);
        let on = format!("{} on {}", plural(client.tools, "tool"), plural(client.servers.len(), "server"));
        Some(Telling::new(&format!("one agent, {name}"), &on, &client.findings, style))
    }

    /// Whether its heading says it all.
    pub(super) fn is_short(&self) -> bool {
        self.head.len() == 1 && self.findings.is_empty() && self.foot.is_empty()
    }

    /// All of it, with at most `most` findings.
    pub(super) fn lines(&self, most: usize) -> impl Iterator<Item = &String> {
        let findings = self.findings.iter().take(most).flatten();
        self.head.iter().chain(findings).chain(&self.foot)
    }

    fn new(name: &str, beside_name: &str, all: &[Finding], style: Style) -> Telling {
        let open: Vec<&Finding> = all.iter().filter(|f| f.suppressed.is_none()).collect();
        let counts = count(&open);
        let mut worth: Vec<&Finding> = open.iter().copied().filter(|f| f.severity >= WORTH_LINES).collect();
        worth.sort_by_key(|f| std::cmp::Reverse(f.severity));
        let mut told: Vec<&str> = Vec::new();
        let findings = worth.iter().take(OF_ONE).map(|f| {
            // The same advice over and over is read by nobody.
            let advise = !told.contains(&f.remedy.as_ref());
            told.push(&f.remedy);
            lines_of(f, advise, style)
        });
        let findings: Vec<Vec<String>> = findings.collect();
        // Where nothing is worth lines of its own, one is enough.
        let found = if findings.is_empty() { lesser(&open).unwrap_or_default() } else { counts.to_string() };
        let more = [beside_name, &found].into_iter().filter(|more| !more.is_empty());
        let head = more.fold(bold(name, style), |head, more| format!("{head}  {more}"));
        let head = vec![head];
        let mut foot = Vec::new();
        if let Some(lesser) = lesser(&open).filter(|_| !findings.is_empty()) {
            foot.extend(beside("also", None, &lesser, style));
        }
        if all.len() > open.len() {
            let suppressed = plural(all.len() - open.len(), "finding");
            foot.extend(beside("aside", None, &format!("{suppressed} suppressed"), style));
        }
        let by_severity = counts.worst_first().map(|(_, count)| count);
        Telling { order: (0, by_severity), head, unsaid: worth.len() - findings.len(), findings, foot }
    }
}

/// The line about findings that have none.
pub(super) fn unsaid(count: usize) -> String {
    format!("{} of {WORTH_LINES} or worse, listed in the JSON report", plural(count, "more finding"))
}

fn count(findings: &[&Finding]) -> Severities {
    let mut counts = Severities::default();
    findings.iter().for_each(|finding| counts.add(finding.severity));
    counts
}

fn lines_of(finding: &Finding, advise: bool, style: Style) -> Vec<String> {
    let Finding { rule, severity, message, excerpt, remedy, related, .. } = finding;
    let text = format!("{} {}", table::line(rule, NAME), table::line(message, MESSAGE));
    let mut lines = beside(severity.name(), Some(*severity), &text, style);
    if let Some(excerpt) = excerpt {
        let shown = format!("\"{}\"", table::line(excerpt, EXCERPT));
        lines.extend(wrapped(&shown, INDENT, style).into_iter().map(|l| coloured(&l, "\x1b[33m", style)));
    }
    for place in related.iter().take(NAMED) {
        let text = format!("{}: {}", table::line(&place.target, NAME), table::line(&place.label, NAME));
        lines.extend(wrapped(&text, INDENT, style));
    }
    if advise {
        let text = table::line(remedy, MESSAGE);
        let arrow = if style.unicode { "→" } else { "->" };
        lines.extend(wrapped(&format!("{arrow} {text}"), INDENT, style));
    }
    lines
}

/// Findings below those that have lines: by severity, how many of which rule.
fn lesser(findings: &[&Finding]) -> Option<String> {
    let of = |severity| {
        let mut rules: Vec<(&str, usize)> = Vec::new();
        for finding in findings.iter().filter(|f| f.severity == severity) {
            match rules.iter_mut().find(|(rule, _)| *rule == finding.rule) {
                Some((_, count)) => *count += 1,
                None => rules.push((&finding.rule, 1)),
            }
        }
        let all: usize = rules.iter().map(|(_, count)| count).sum();
        let named = rules.iter().take(NAMED).map(|(rule, count)| match count {
            1 => table::line(rule, NAME),
            count => format!("{} x{count}", table::line(rule, NAME)),
        });
        let mut named: Vec<String> = named.collect();
        if rules.len() > NAMED {
            named.push(plural(rules.len() - NAMED, "more rule"));
        }
        (all > 0).then(|| format!("{all} {severity} ({})", named.join(", ")))
    };
    let both: Vec<String> = [Severity::Low, Severity::Info].into_iter().filter_map(of).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

fn changes(drift: &Drift, style: Style) -> Vec<String> {
    let named = drift.changes.iter().map(|change| {
        let name = if change.name.is_empty() {
            String::new()
        } else {
            format!(" \"{}\"", table::line(&change.name, NAME))
        };
        format!("{}{name} {}", change.what.name(), change.change.name())
    });
    // The day is enough; the other reports know the hour.
    let since: String = drift.since.at.chars().take(10).collect();
    let since = table::line(&since, 60);
    beside("changed", None, &format!("since {since}: {}", few(named, NAMED)), style)
}

/// A word, and beside it a text in as many lines as it takes.
fn beside(word: &str, severity: Option<Severity>, text: &str, style: Style) -> Vec<String> {
    let mut lines = wrapped(text, INDENT, style);
    let sequence = match severity {
        Some(Severity::Critical | Severity::High) => "\x1b[31m",
        Some(Severity::Medium) => "\x1b[33m",
        Some(Severity::Low | Severity::Info) | None => "\x1b[2m",
    };
    let padding = " ".repeat(INDENT.saturating_sub(2 + word.len()));
    if let Some(first) = lines.first_mut() {
        *first = format!("  {}{padding}{}", coloured(word, sequence, style), first.trim_start());
    }
    lines
}

/// `text` in lines that begin with `indent` blanks and fit the terminal, where there is one.
pub(super) fn wrapped(text: &str, indent: usize, style: Style) -> Vec<String> {
    let room = style.width.map_or(usize::MAX, |width| usize::from(width).saturating_sub(indent).max(20));
    let blank = " ".repeat(indent);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let needs = columns(word);
        if used > 0 && used + 1 + needs > room {
            lines.push(String::new());
            used = 0;
        }
        let line = lines.last_mut().expect("there is one from the start");
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += needs;
        while used > room {
            // A word that is longer than a line: cut where the line ends.
            let line = lines.last_mut().expect("there is one from the start");
            let rest = line.split_off(cut(line, room));
            used = columns(&rest);
            lines.push(rest);
        }
    }
    lines.into_iter().map(|line| format!("{blank}{line}")).collect()
}

/// The byte at which `line` fills `room` columns.
fn cut(line: &str, room: usize) -> usize {
    let mut used = 0;
    for (at, c) in line.char_indices() {
        used += column(c);
        if used > room && at > 0 {
            return at;
        }
    }
    line.len()
}

fn columns(text: &str) -> usize {
    text.chars().map(column).sum()
}

/// Most scripts from Hangul on are wide; a narrow character that is taken for a wide one costs a blank.
fn column(c: char) -> usize {
    if c < '\u{1100}' || ('\u{2010}'..'\u{2e80}').contains(&c) { 1 } else { 2 }
}

fn bold(text: &str, style: Style) -> String {
    coloured(text, "\x1b[1m", style)
}

/// `text` in colour from its first character that is not blank.
fn coloured(text: &str, sequence: &str, style: Style) -> String {
    if !style.colour {
        return text.to_owned();
    }
    let start = text.len() - text.trim_start().len();
    format!("{}{sequence}{}\x1b[0m", &text[..start], &text[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Style = Style { width: Some(32), colour: false, unicode: false, stream: None };

    #[test]
    fn text_is_wrapped_at_blanks_and_long_words_are_cut() {
        let lines = |text: &str| wrapped(text, 12, NARROW);
        assert_eq!(lines("a bb ccc"), ["            a bb ccc"]);
        assert_eq!(lines("twelve chars and eight"), ["            twelve chars and", "            eight"]);
        let long = lines(&"x".repeat(45));
        assert_eq!(long.iter().map(|l| l.trim_start().len()).collect::<Vec<_>>(), [20, 20, 5]);
        assert_eq!(lines(&"名".repeat(15)).len(), 2);
        assert_eq!(wrapped(&"x ".repeat(500), 12, Style { width: None, ..NARROW }).len(), 1);
    }
}
