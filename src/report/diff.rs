//! Differences for people: signs, texts line by line, places with what stood there. Everything that a server
//! said is cleaned; how much of it is told is bounded.

use std::fmt::Write;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::base::text::{plural, quote};
use crate::model::comparison::{Comparison, Fate, Origin, Server, Summary};
use crate::model::drift::{Detail, Difference, How, Part};

/// Changes of one server that are told.
const MOST_CHANGES: usize = 60;
/// Places of one change.
const MOST_PLACES: usize = 20;
/// Lines of one text that are told, and lines above which two texts are not compared line by line.
const MOST_LINES: usize = 40;
const MOST_COMPARED: usize = 1000;
/// Characters of one line, and of those before the place where it begins to differ.
const LINE_MAX: usize = 400;
const LEAD: usize = 60;
/// Characters of a value in a schema.
const VALUE_MAX: usize = 120;

/// For a terminal, in colour or without.
pub(crate) fn table(compared: &Comparison, colour: bool) -> String {
    let mut out = Told { text: String::new(), colour };
    let Comparison { before, after, summary, servers, .. } = compared;
    out.line(Ink::Plain, &format!("before  {}", origin(before)));
    out.line(Ink::Plain, &format!("after   {}", origin(after)));
    for server in servers {
        out.line(Ink::Plain, "");
        out.server(server);
    }
    out.line(Ink::Plain, "");
    out.line(Ink::Plain, &sum(summary));
    out.text
}

/// The same in a block that no text can end.
pub(crate) fn markdown(compared: &Comparison) -> String {
    let text = table(compared, false);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{}\n\n{fence}diff\n{text}{fence}\n", sum(&compared.summary))
}

fn origin(origin: &Origin) -> String {
    let at = origin.at.as_deref().map_or(String::new(), |at| format!(", {}", quote(at, 40)));
    match (&origin.run, &origin.file) {
        (Some(run), _) => format!("run {}{at}", quote(run.get(..12).unwrap_or(run), 40)),
        (None, Some(file)) => format!("{}{at}", quote(file, 200)),
        (None, None) => at,
    }
}

fn sum(summary: &Summary) -> String {
    let Summary { added, removed, changed, unknown, same } = *summary;
    let counts = [
        (changed, "changed"),
        (added, "new"),
        (removed, "gone"),
        (unknown, "not comparable"),
        (same, "the same"),
    ];
    let told: Vec<String> =
        counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let all = plural(added + removed + changed + unknown + same, "server");
    if told.is_empty() { all } else { format!("{all}: {}", told.join(", ")) }
}

#[derive(Clone, Copy, PartialEq)]
enum Ink {
    Plain,
    Added,
    Removed,
    Head,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Added => "\x1b[32m",
            Ink::Removed => "\x1b[31m",
            Ink::Head => "\x1b[1m",
        }
    }
}

struct Told {
    text: String,
    colour: bool,
}

impl Told {
    fn line(&mut self, ink: Ink, line: &str) {
        match self.colour && ink != Ink::Plain {
            true => {
                let _ = writeln!(self.text, "{}{line}\x1b[0m", ink.code());
            }
            false => {
                self.text.push_str(line);
                self.text.push('\n');
            }
        }
    }

    /// A line of which `mark`, a range of its bytes, is what differs.
    fn marked(&mut self, ink: Ink, line: &str, mark: std::ops::Range<usize>) {
        if !self.colour || mark.is_empty() {
            return self.line(ink, line);
        }
        let (head, rest) = line.split_at(mark.start);
        let (differs, tail) = rest.split_at(mark.len());
        let _ = writeln!(self.text, "{0}{head}\x1b[7m{differs}\x1b[27m{tail}\x1b[0m", ink.code());
    }

    fn server(&mut self, server: &Server) {
        let name = quote(&server.name, 80);
        let before = server.name_before.as_deref();
        let before = before.map_or(String::new(), |before| format!(" (was called {})", quote(before, 80)));
        match server.change {
            Fate::Added => return self.line(Ink::Added, &format!("+ {name}: not there before")),
            Fate::Removed => return self.line(Ink::Removed, &format!("- {name}: not there any more")),
            Fate::Changed => self.line(Ink::Head, &format!("{name}{before}")),
            Fate::Unknown => self.line(Ink::Head, &format!("{name}{before}: one side does not know it")),
        }
        for change in server.changes.iter().take(MOST_CHANGES) {
            self.change(change);
        }
        if let Some(more @ 1..) = server.changes.len().checked_sub(MOST_CHANGES) {
            self.line(Ink::Plain, &format!("  {} (--format json has them all)", plural(more, "more change")));
        }
    }

    fn change(&mut self, change: &Difference) {
        let label = label(change);
        let whole = |details: &[Detail]| details.len() == 1 && details[0].pointer.is_empty();
        match change.change {
            How::Added => self.line(Ink::Added, &format!("  + {label}")),
            How::Removed => self.line(Ink::Removed, &format!("  - {label}")),
            How::Changed if whole(&change.details) && is_short(&change.details[0]) => {
                let text = format!("  ~ {label}: {}", arrow(&change.details[0]));
                return self.line(Ink::Plain, &text);
            }
            How::Changed => self.line(Ink::Plain, &format!("  ~ {label}")),
        }
        for detail in change.details.iter().take(MOST_PLACES) {
            self.detail(detail);
        }
        if let Some(more @ 1..) = change.details.len().checked_sub(MOST_PLACES) {
            self.line(Ink::Plain, &format!("      {}", plural(more, "more place")));
        }
    }

    fn detail(&mut self, detail: &Detail) {
        let place = quote(&detail.pointer, 200);
        if is_short(detail) {
            let gap = if place.is_empty() { "" } else { ": " };
            return self.line(Ink::Plain, &format!("      {place}{gap}{}", arrow(detail)));
        }
        if !place.is_empty() {
            self.line(Ink::Plain, &format!("      {place}"));
        }
        let lines = |text: &Option<String>| -> Vec<String> {
            text.iter().flat_map(|text| text.split('\n')).map(str::to_owned).collect()
        };
        let (before, after) = (lines(&detail.before), lines(&detail.after));
        if before.len().max(after.len()) > MOST_COMPARED {
            let (before, after) = (before.len(), after.len());
            return self.line(Ink::Plain, &format!("        {before} lines before, {after} now"));
        }
        self.texts(&before, &after);
    }

    fn texts(&mut self, before: &[String], after: &[String]) {
        let mut told = 0;
        for op in capture_diff_slices(Algorithm::Myers, before, after) {
            let (old, new) = match op {
                DiffOp::Equal { .. } => continue,
                DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                    (&before[op.old_range()], &after[op.new_range()])
                }
            };
            // Lines that took the place of as many others are compared with them.
            let pairs = old.len() == new.len();
            for (at, line) in old.iter().enumerate() {
                told += 1;
                if told <= MOST_LINES {
                    let other = if pairs { new.get(at) } else { None };
                    self.text_line(Ink::Removed, '-', line, other);
                }
            }
            for (at, line) in new.iter().enumerate() {
                told += 1;
                if told <= MOST_LINES {
                    let other = if pairs { old.get(at) } else { None };
                    self.text_line(Ink::Added, '+', line, other);
                }
            }
        }
        if let Some(more @ 1..) = told.checked_sub(MOST_LINES) {
            self.line(
                Ink::Plain,
                &format!("        {} (--format json has them all)", plural(more, "more line")),
            );
        }
    }

    /// A line of a text; of a long one, the part that differs from the `other`.
    fn text_line(&mut self, ink: Ink, sign: char, line: &str, other: Option<&String>) {
        let head = format!("        {sign} ");
        let Some(other) = other else { return self.line(ink, &format!("{head}{}", quote(line, LINE_MAX))) };
        let same = line.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        let rest = line.chars().count().min(other.chars().count()) - same;
        let tail = line.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count().min(rest);
        let skip = if line.chars().count() > LINE_MAX { same.saturating_sub(LEAD) } else { 0 };
        let part = |from: usize, to: usize| -> String {
            line.chars().skip(from).take(to.saturating_sub(from)).collect()
        };
        let end = line.chars().count() - tail;
        let lead = if skip > 0 { "…" } else { "" };
        let first = format!("{head}{lead}{}", quote(&part(skip, same), LINE_MAX));
        let middle = quote(&part(same, end), LINE_MAX);
        let last = quote(&part(end, usize::MAX), LEAD.max(LINE_MAX.saturating_sub(end - skip)));
        let mark = first.len()..first.len() + middle.len();
        self.marked(ink, &format!("{first}{middle}{last}"), mark);
    }
}

fn label(change: &Difference) -> String {
    match change.what {
        Part::Finding => format!("finding {}", quote(&change.name, 300)),
        Part::Server if change.pointer.as_deref() == Some("/endpoint") => "endpoint".to_owned(),
        what if what.is_one_of_many() => format!("{} \"{}\"", what.name(), quote(&change.name, 120)),
        what => what.name().to_owned(),
    }
}

/// Values that fit on one line together, and are no prose.
fn is_short(detail: &Detail) -> bool {
    let short = |text: &Option<String>| {
        text.as_ref().is_none_or(|text| text.len() <= VALUE_MAX && !text.contains(['\n', ' ']))
    };
    let json = |text: &Option<String>| text.as_ref().is_none_or(|text| text.starts_with(['{', '[']));
    let tiny =
        |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= 60 && !text.contains('\n'));
    short(&detail.before) && short(&detail.after)
        || tiny(&detail.before) && tiny(&detail.after)
        || json(&detail.before) && json(&detail.after)
}

fn arrow(detail: &Detail) -> String {
    let value = |text: &String| quote(text, VALUE_MAX);
    match (&detail.before, &detail.after) {
        (Some(before), Some(after)) => format!("{} -> {}", value(before), value(after)),
        (None, Some(after)) => format!("+ {}", value(after)),
        (Some(before), None) => format!("- {}", value(before)),
        (None, None) => String::new(),
    }
}
