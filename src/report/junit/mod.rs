//! JUnit XML: a suite a server, a case a family of rules, so that a pipeline shows what was looked at.
//!
//! A case passes only where its rules had the whole server before them. Where they did not, it is skipped and
//! says why; that the server could not be listed whole is an error of its own. A finding is a failure if it
//! makes the run fail; what else was found stands in the case's output.

mod xml;

use std::fmt::Write as _;
use std::io::{self, Write};

use super::words::{answered, subject};
use super::{RunEnd, Sink, sums};
use crate::base::text::plural;
use crate::base::time::rfc3339;
use crate::model::client::Client;
use crate::model::finding::Finding;
use crate::model::outcome::{Outcome, Status};
use crate::model::run::RunInfo;

use xml::xml;

/// Characters of a name.
const NAME: usize = 200;
/// Characters of a line.
const LINE: usize = 1_000;
/// Findings of a case that are told.
const MOST: usize = 50;

/// What the letters of a family stand for. One that is not here goes by its letters alone.
const FAMILIES: [(&str, &str); 11] = [
    ("HK-POI", "poisoned texts"),
    ("HK-UNI", "hidden and look-alike characters"),
    ("HK-CAP", "dangerous capabilities"),
    ("HK-FLW", "flows of data"),
    ("HK-SEC", "secrets"),
    ("HK-AUT", "authentication and transport"),
    ("HK-PIN", "unpinned packages"),
    ("HK-SCH", "schemas"),
    ("HK-SHD", "shadowing between servers"),
    ("HK-SHW", "servers that nobody approved"),
    ("HK-RUG", "changes since the last time"),
];
/// Families that see all servers of a client, not one.
const OF_CLIENTS: [&str; 2] = ["HK-SHD", "HK-SHW"];
/// Families that look at one server and at all of a client.
const OF_BOTH: [&str; 1] = ["HK-FLW"];
/// The family that needs something to compare with.
const OF_DRIFT: &str = "HK-RUG";

/// Keeps each suite in its final text: the counts go before them.
pub(super) struct JunitSink<W> {
    out: W,
    run: Option<RunInfo>,
    families: Vec<String>,
    suites: Vec<(usize, Suite)>,
}

impl<W: Write> JunitSink<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W) -> JunitSink<W> {
        JunitSink { out, run: None, families: Vec::new(), suites: Vec::new() }
    }

    fn stamp(&self) -> String {
        // To the second and without a zone, as the format's schemas have it; it is UTC.
        let mut stamp = self.run.as_ref().map_or(String::new(), |run| rfc3339(run.started));
        stamp.truncate(19);
        stamp
    }
}

impl<W: Write> Sink for JunitSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.run = Some(run.clone());
        self.families.clear();
        for rule in run.rules.rules.iter() {
            let family = family(&rule.id);
            if !self.families.iter().any(|known| known == family) {
                self.families.push(family.to_owned());
            }
        }
        Ok(())
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        let mut suite = Suite::new(&outcome.name, &self.stamp());
        suite.seconds = outcome.timing.total_ms / 1_000.0;
        suite.property("status", outcome.status.name());
        suite.property("transport", outcome.transport.map_or("", |transport| transport.name()));
        suite.property("endpoint", &outcome.endpoint.line());
        for owner in &outcome.owners {
            let line = owner.line.map_or(String::new(), |line| format!(":{line}"));
            suite.property("file", &format!("{}{line}", owner.file));
        }
        if let Some(risk) = &outcome.risk {
            suite.property("risk", &format!("{}: {}", risk.score, risk.why));
        }
        if let Some(drift) = &outcome.drift {
            let changes = plural(drift.changes.len(), "change");
            suite.property("drift", &format!("{changes} since {}", drift.since.at));
        }
        suite.introspection(outcome);
        for family in in_all(&self.families, &outcome.findings) {
            let found = of_family(&family, &outcome.findings);
            if found.is_empty() && OF_CLIENTS.contains(&family.as_str()) {
                continue;
            }
            let unseen = match outcome.status {
                Status::Complete if family == OF_DRIFT && outcome.drift.is_none() => {
                    Some("nothing to compare with")
                }
                Status::Complete => None,
                Status::Partial => Some("only a part of the server was listed"),
                Status::Failed | Status::NotEvaluated => Some("the server was not listed"),
            };
            let place = |finding: &Finding| match subject(outcome, &finding.pointer) {
                Some(item) => format!("{} \"{}\" at {}", item.kind, item.name, finding.pointer),
                None => finding.pointer.clone(),
            };
            suite.family(&family, &found, unseen, &place);
        }
        self.suites.push((index, suite));
        Ok(())
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        let mut suite = Suite::new(&format!("client {}", client.name), &self.stamp());
        suite.property("servers", &client.servers.join(", "));
        suite.property("unknown", &client.unknown.join(", "));
        let fleet = |family: &String| {
            OF_CLIENTS.contains(&family.as_str())
                || OF_BOTH.contains(&family.as_str())
                || !of_family(family, &client.findings).is_empty()
        };
        let unseen = (!client.unknown.is_empty()).then_some("some servers of this client were not listed");
        for family in in_all(&self.families, &client.findings).into_iter().filter(fleet) {
            let found = of_family(&family, &client.findings);
            suite.family(&family, &found, unseen, &|finding| {
                let places = finding.related.iter().take(10);
                let places: Vec<String> = places.map(|r| format!("{} of {}", r.label, r.target)).collect();
                places.join(", ")
            });
        }
        // Behind all targets, in the order in which they come.
        self.suites.push((usize::MAX, suite));
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        let mut whole = Suite::new("hawkeye", &self.stamp());
        let run = self.run.take().ok_or_else(|| io::Error::other("report ended before it began"))?;
        whole.property("run", &run.id);
        whole.property("rules", &format!("{} ({} rules)", run.rules.version, run.rules.count));
        whole.property("summary", &format!("{}; {}", sums::targets(&end.tally), sums::findings(&end.tally)));
        whole.run(&run, end);
        for what in run.rules.not_assessed.iter() {
            whole.case(&format!("not assessed: {what}"), &element("skipped", "not_assessed", what, ""));
            whole.skipped += 1;
        }
        self.suites.sort_by_key(|(index, _)| *index);
        let suites = || std::iter::once(&whole).chain(self.suites.iter().map(|(_, suite)| suite));
        let sum = |of: fn(&Suite) -> usize| suites().map(of).sum::<usize>();
        let took = end.finished.duration_since(run.started).unwrap_or_default().as_secs_f64();
        writeln!(
            self.out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hawkeye\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{took:.3}\">",
            sum(|s| s.tests),
            sum(|s| s.failures),
            sum(|s| s.errors)
        )?;
        suites().try_for_each(|suite| suite.write(&mut self.out))?;
        self.out.write_all(b"</testsuites>\n")?;
        self.out.flush()
    }
}

/// `HK-POI` of `HK-POI-003`.
fn family(rule: &str) -> &str {
    rule.rsplit_once('-').map_or(rule, |(family, _)| family)
}

/// `families`, and those that only `findings` know.
fn in_all(families: &[String], findings: &[Finding]) -> Vec<String> {
    let mut all = families.to_vec();
    for finding in findings {
        let family = family(&finding.rule);
        if !all.iter().any(|known| known == family) {
            all.push(family.to_owned());
        }
    }
    all
}

fn of_family<'a>(name: &str, findings: &'a [Finding]) -> Vec<&'a Finding> {
    findings.iter().filter(|finding| family(&finding.rule) == name).collect()
}

/// A suite that is being written.
struct Suite {
    name: String,
    stamp: String,
    seconds: f64,
    properties: String,
    cases: String,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Suite {
    fn new(name: &str, stamp: &str) -> Suite {
        Suite {
            name: xml(name, NAME),
            stamp: stamp.to_owned(),
            seconds: 0.0,
            properties: String::new(),
            cases: String::new(),
            tests: 0,
            failures: 0,
            errors: 0,
            skipped: 0,
        }
    }

    fn property(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ =
                writeln!(self.properties, "   <property name=\"{name}\" value=\"{}\"/>", xml(value, LINE));
        }
    }

    fn case(&mut self, name: &str, inside: &str) {
        self.tests += 1;
        let (name, class) = (xml(name, NAME), &self.name);
        let _ = match inside {
            "" => writeln!(self.cases, "  <testcase name=\"{name}\" classname=\"{class}\"/>"),
            inside => writeln!(
                self.cases,
                "  <testcase name=\"{name}\" classname=\"{class}\">\n{inside}  </testcase>"
            ),
        };
    }

    /// Whether the run as a whole came to its end.
    fn run(&mut self, run: &RunInfo, end: &RunEnd) {
        let missing = plural(run.planned.saturating_sub(end.tally.targets), "planned target");
        let inside = match (end.interrupted, end.tally.targets) {
            (true, _) => {
                element("error", "interrupted", &format!("interrupted: {missing} not in this report"), "")
            }
            (false, 0) => element("error", "no_target", "no target was evaluated", ""),
            (false, _) => String::new(),
        };
        self.errors += usize::from(!inside.is_empty());
        self.case("the run came to its end", &inside);
    }

    /// Whether the server could be listed whole.
    fn introspection(&mut self, outcome: &Outcome) {
        let why = outcome.failure.as_ref().map_or(String::new(), ToString::to_string);
        let kind = outcome.failure.as_ref().map_or("incomplete", |failure| failure.kind.name());
        let mut lists = String::new();
        for row in &outcome.inventory.coverage {
            let reason = row.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
            let state = format!("{:?}", row.state).to_lowercase();
            let line = format!("{}: {state}, {}{reason}", row.phase.method(), plural(row.items, "item"));
            let _ = writeln!(lists, "{}", xml(&line, LINE));
        }
        let inside = match outcome.status {
            Status::Complete => String::new(),
            Status::NotEvaluated => element("skipped", kind, &why, ""),
            Status::Partial | Status::Failed => element("error", kind, &why, &lists),
        };
        self.skipped += usize::from(outcome.status == Status::NotEvaluated);
        self.errors += usize::from(matches!(outcome.status, Status::Partial | Status::Failed));
        self.case("the server was listed whole", &inside);
    }

    /// What a family of rules has to say. `unseen`: why it could not see everything.
    fn family(
        &mut self,
        family: &str,
        found: &[&Finding],
        unseen: Option<&str>,
        place: &dyn Fn(&Finding) -> String,
    ) {
        let (failing, other): (Vec<&&Finding>, Vec<&&Finding>) =
            found.iter().partition(|finding| finding.fails && finding.suppressed.is_none());
        let mut inside = String::new();
        match (failing.first(), unseen) {
            (Some(worst), _) => {
                self.failures += 1;
                let message = format!("{}: {}", worst.rule, worst.message);
                inside.push_str(&element(
                    "failure",
                    worst.severity.name(),
                    &message,
                    &lines(&failing, place),
                ));
            }
            (None, Some(why)) => {
                self.skipped += 1;
                inside.push_str(&element("skipped", "not_evaluated", why, ""));
            }
            (None, None) => {}
        }
        if !other.is_empty() {
            let _ = writeln!(inside, "   <system-out>{}</system-out>", lines(&other, place));
        }
        let title = FAMILIES.iter().find(|(letters, _)| *letters == family);
        let name = title.map_or(family.to_owned(), |(_, title)| format!("{family}: {title}"));
        self.case(&name, &inside);
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Suite { name, stamp, seconds, tests, failures, errors, skipped, .. } = self;
        writeln!(
            out,
            " <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" \
             skipped=\"{skipped}\" time=\"{seconds:.3}\" timestamp=\"{stamp}\">"
        )?;
        if !self.properties.is_empty() {
            write!(out, "  <properties>\n{}  </properties>\n", self.properties)?;
        }
        writeln!(out, "{} </testsuite>", self.cases)
    }
}

/// An element with a message; `text` is escaped already.
fn element(name: &str, kind: &str, message: &str, text: &str) -> String {
    let (kind, message) = (xml(kind, NAME), xml(message, LINE));
    match text {
        "" => format!("   <{name} type=\"{kind}\" message=\"{message}\"/>\n"),
        text => format!("   <{name} type=\"{kind}\" message=\"{message}\">{text}</{name}>\n"),
    }
}

/// Findings as lines of text, escaped.
fn lines(found: &[&&Finding], place: &dyn Fn(&Finding) -> String) -> String {
    let mut out = String::new();
    for finding in found.iter().take(MOST) {
        let excerpt =
            finding.excerpt.as_ref().map_or(String::new(), |excerpt| format!(" | found: {excerpt}"));
        let suppressed = finding.suppressed.as_ref();
        let suppressed = suppressed.map_or(String::new(), |s| format!(" | suppressed {}", answered(s)));
        let place = place(finding);
        let place = if place.is_empty() { String::new() } else { format!(" | {place}") };
        let (severity, rule, message) = (finding.severity, &finding.rule, &finding.message);
        let line = format!("{severity} {rule}: {message}{place}{excerpt}{suppressed} | {}", finding.remedy);
        out.push_str(&xml(&line, LINE));
        out.push('\n');
    }
    if found.len() > MOST {
        let _ = writeln!(out, "{} more", found.len() - MOST);
    }
    out
}
