//! SARIF 2.1.0: findings for code scanning, at the line of the file in which a server is configured.
//!
//! ```text
//!  RuleText ──▶ catalogue: rules, taxonomies        Outcome, Client ──▶ place: files, parts of servers
//!                      └────────────▶ one run ◀──────────────┘
//! ```
//!
//! What is kept of a finding are its final bytes, and no more findings than code scanning takes. Servers that
//! could not be listed whole are notifications, and the run is no success then: no result is no praise.

mod catalogue;
mod place;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{RunEnd, Sink, write_json};
use crate::base::text::{plural, quote};
use crate::base::time::rfc3339;
use crate::model::client::Client;
use crate::model::finding::{Finding, Related, Severity, Suppressed};
use crate::model::outcome::{Outcome, Status};
use crate::model::run::RunInfo;

use catalogue::{Catalogue, level};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Code scanning refuses a run with more results, and shows the worst 5,000 of them.
const MOST: usize = 25_000;
/// Of these it shows 100 for a result.
const RELATED: usize = 99;
/// Characters of a message.
const MESSAGE: usize = 1_000;
/// Where a client stands among results: behind all targets.
const CLIENTS: usize = usize::MAX;

/// `text` as a message that means nothing but itself: no control characters, no link (`[text](target)`), no
/// placeholder (`{0}`), and at most `max` characters of it.
fn inert(text: &str, max: usize) -> String {
    let shown = quote(text, max).replace("](", "] (");
    if !shown.contains('{') {
        return shown;
    }
    let mut out = String::with_capacity(shown.len() + 8);
    let mut rest = shown.as_str();
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && after[digits..].starts_with('}') {
            out.push(' ');
        }
        rest = after;
    }
    out + rest
}

/// A result in its final bytes, and what decides whether it stays.
struct Kept {
    severity: Severity,
    /// Place in the plan, and among the findings there.
    at: (usize, usize),
    bytes: Box<[u8]>,
}

/// Keeps finished results and notifications, the worst results where there are too many.
pub(super) struct SarifSink<W> {
    out: W,
    run: Option<(RunInfo, Catalogue)>,
    results: Vec<Kept>,
    found: usize,
    notices: Vec<(usize, Value)>,
    /// Where each server is configured, for findings that are about several; the first of a name counts.
    files: HashMap<String, (usize, Value)>,
    clients: usize,
}

/// What a finding is about.
struct About<'a> {
    index: usize,
    /// Where it is.
    files: Vec<Value>,
    logical: Value,
    properties: Value,
    elsewhere: &'a dyn Fn(&Related) -> Value,
}

impl<W: Write> SarifSink<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W) -> SarifSink<W> {
        let (results, notices, files) = (Vec::new(), Vec::new(), HashMap::new());
        SarifSink { out, run: None, results, found: 0, notices, files, clients: 0 }
    }

    fn keep(&mut self, finding: &Finding, about: About<'_>) -> io::Result<()> {
        let (_, catalogue) = self.run.as_mut().ok_or_else(not_begun)?;
        let index = about.index;
        let result = result(finding, catalogue, about);
        let mut bytes = Vec::new();
        write_json(&mut bytes, &result)?;
        let at = (index, self.found);
        self.found += 1;
        self.results.push(Kept { severity: finding.severity, at, bytes: bytes.into_boxed_slice() });
        if self.results.len() >= 2 * MOST {
            self.drop_mildest();
        }
        Ok(())
    }

    fn drop_mildest(&mut self) {
        self.results.sort_by_key(|kept| (Reverse(kept.severity), kept.at));
        self.results.truncate(MOST);
    }

    fn invocation(&self, run: &RunInfo, end: &RunEnd) -> Value {
        let tally = &end.tally;
        // That every server said all it has is success; that nothing was found is not required.
        let whole = !end.interrupted && tally.targets > 0 && tally.complete == tally.targets;
        let mut notices: Vec<Value> = self.notices.iter().map(|(_, notice)| notice.clone()).collect();
        if end.interrupted {
            let missing = run.planned.saturating_sub(tally.targets);
            let text = format!("interrupted: {} not in this report", plural(missing, "planned target"));
            notices.push(notice("interrupted", "error", text));
        }
        if tally.targets == 0 {
            notices.push(notice("incomplete", "error", "no target was evaluated".to_owned()));
        }
        if self.found > self.results.len() {
            let text = format!(
                "{} of {} are left out, the mildest ones: code scanning takes {MOST}; the JSON report has all",
                self.found - self.results.len(),
                plural(self.found, "finding")
            );
            notices.push(notice("left-out", "warning", text));
        }
        if run.rules.count == 0 {
            let text = "nothing was judged: the settings leave no rule in force".to_owned();
            notices.push(notice("not-assessed", "warning", text));
        }
        let unseen = run.rules.not_assessed.iter();
        notices.extend(unseen.map(|what| notice("not-assessed", "note", format!("not assessed: {what}"))));
        json!({
            "executionSuccessful": whole,
            "startTimeUtc": rfc3339(run.started),
            "endTimeUtc": rfc3339(end.finished),
            "toolExecutionNotifications": notices,
        })
    }
}

impl<W: Write> Sink for SarifSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.run = Some((run.clone(), Catalogue::of(run)));
        Ok(())
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        let files = place::files(outcome);
        let first = files[0].clone();
        let known = self.files.entry(outcome.name.clone()).or_insert_with(|| (index, first.clone()));
        if index < known.0 {
            *known = (index, first.clone());
        }
        if outcome.status != Status::Complete {
            self.notices.push((index, incomplete(outcome, &first)));
        }
        let here = |related: &Related| {
            // Which others are there, and where, is known only at the end.
            if related.target == outcome.name { first.clone() } else { Value::Null }
        };
        for finding in &outcome.findings {
            let logical = place::logical(outcome, &finding.pointer);
            let score = outcome.risk.as_ref().map(|risk| risk.score);
            let properties =
                json!({"target": inert(&outcome.name, MESSAGE), "server_tags": outcome.tags, "score": score});
            let about = About { index, files: files.clone(), logical, properties, elsewhere: &here };
            self.keep(finding, about)?;
        }
        Ok(())
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        let known = std::mem::take(&mut self.files);
        let there =
            |related: &Related| known.get(&related.target).map_or(Value::Null, |(_, file)| file.clone());
        let mut kept = Ok(());
        for finding in &client.findings {
            let properties = json!({
                "client": inert(&client.name, MESSAGE),
                "servers": client.servers.len(),
                "unknown": client.unknown.iter().map(|name| inert(name, 120)).collect::<Vec<_>>(),
            });
            let about = About {
                index: CLIENTS,
                files: vec![place::line(&client.name, 1)],
                logical: place::logical_elsewhere(&client.name, ""),
                properties,
                elsewhere: &there,
            };
            kept = kept.and(self.keep(finding, about));
        }
        self.files = known;
        self.clients += 1;
        kept
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        let (run, catalogue) = self.run.take().ok_or_else(not_begun)?;
        if self.results.len() > MOST {
            self.drop_mildest();
        }
        self.results.sort_by_key(|kept| kept.at);
        self.notices.sort_by_key(|(index, _)| *index);
        write!(
            self.out,
            "{{\n \"$schema\": \"{SCHEMA}\",\n \"version\": \"2.1.0\",\n \"runs\": [{{\n  \"tool\": "
        )?;
        let tool = head(&run, &catalogue);
        write_json(&mut self.out, &tool)?;
        let base = json!({(place::BASE): {"description": {"text": "Where hawkeye was started."}}});
        let invocation = self.invocation(&run, end);
        let properties = json!({"summary": end.tally, "clients": self.clients});
        for (key, value) in [
            ("automationDetails", json!({"id": format!("hawkeye/{}", run.id)})),
            ("invocations", json!([invocation])),
            ("originalUriBaseIds", base),
            ("taxonomies", Value::Array(catalogue.taxonomies())),
            ("properties", properties),
        ] {
            write!(self.out, ",\n  \"{key}\": ")?;
            write_json(&mut self.out, &value)?;
        }
        self.out.write_all(b",\n  \"results\": [")?;
        let mut separator: &[u8] = b"\n   ";
        for kept in self.results.drain(..) {
            self.out.write_all(separator)?;
            self.out.write_all(&kept.bytes)?;
            separator = b",\n   ";
        }
        self.out.write_all(b"]\n }]\n}\n")?;
        self.out.flush()
    }
}

/// The report's `tool`.
fn head(run: &RunInfo, catalogue: &Catalogue) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({"driver": {
        "name": "hawkeye",
        "version": version,
        "semanticVersion": version,
        "rules": catalogue.rules(),
        "supportedTaxonomies": catalogue.supported(),
        "notifications": [
            {"id": "incomplete", "shortDescription": {"text": "A server was not listed whole."}},
            {"id": "interrupted", "shortDescription": {"text": "The run ended before its time."}},
            {"id": "not-assessed", "shortDescription": {"text": "What no listing shows."}},
            {"id": "left-out", "shortDescription": {"text": "More results than code scanning takes."}},
        ],
        "properties": {"rules": run.rules},
    }})
}

fn not_begun() -> io::Error {
    io::Error::other("report ended before it began")
}

fn notice(id: &str, level: &str, text: String) -> Value {
    json!({"descriptor": {"id": id}, "level": level, "message": {"text": text}})
}

/// That a server was not listed whole.
fn incomplete(outcome: &Outcome, file: &Value) -> Value {
    let why = outcome.failure.as_ref().map_or(String::new(), |failure| format!(": {failure}"));
    let name = quote(&outcome.name, 120);
    let text = inert(&format!("{name}: {}{why}", outcome.status.name()), MESSAGE);
    let level = if outcome.status == Status::NotEvaluated { "warning" } else { "error" };
    let mut told = notice("incomplete", level, text);
    told["locations"] =
        json!([{"physicalLocation": file, "logicalLocations": place::logical_elsewhere(&name, "")}]);
    let kind = outcome.failure.as_ref().map(|failure| failure.kind);
    told["properties"] = json!({"target": name, "status": outcome.status, "kind": kind});
    told
}

fn result(finding: &Finding, catalogue: &mut Catalogue, about: About<'_>) -> Value {
    let message = inert(&finding.message, MESSAGE);
    let told = match &finding.excerpt {
        Some(excerpt) => format!("{message}\n\nFound: {}", inert(excerpt, MESSAGE)),
        None => message,
    };
    let mut files = about.files.into_iter();
    let location = json!({"physicalLocation": files.next(), "logicalLocations": about.logical});
    let mut result = json!({
        "ruleId": catalogue.id(&finding.rule, finding.severity),
        "level": level(finding.severity),
        "message": {"text": told},
        "locations": [location],
        // Code scanning knows a finding again by the second of these, whatever line it has moved to.
        "partialFingerprints": {
            "hawkeye/v1": finding.fingerprint,
            "primaryLocationLineHash": format!("{}:1", finding.fingerprint),
        },
        "properties": about.properties,
    });
    let properties = &mut result["properties"];
    properties["rule"] = json!(finding.rule);
    properties["severity"] = json!(finding.severity);
    properties["confidence"] = json!(finding.confidence);
    properties["pointer"] = json!(inert(&finding.pointer, 400));
    properties["excerpt"] = json!(finding.excerpt.as_ref().map(|excerpt| inert(excerpt, MESSAGE)));
    properties["remedy"] = json!(inert(&finding.remedy, MESSAGE));
    properties["fails"] = json!(finding.fails);
    let also = files.map(|file| json!({"physicalLocation": file, "message": {"text": "The same server."}}));
    let mut related: Vec<Value> = also.collect();
    let mut unplaced = Vec::new();
    for place in finding.related.iter().take(RELATED) {
        let told = elsewhere(place);
        match (about.elsewhere)(place) {
            // Code scanning takes no related location without a file.
            Value::Null => unplaced.push(told["message"]["text"].clone()),
            file => related
                .push(json!({"physicalLocation": file, "logicalLocations": told["logicalLocations"],
                                        "message": told["message"]})),
        }
    }
    related.truncate(RELATED);
    for (id, place) in related.iter_mut().enumerate() {
        place["id"] = json!(id + 1);
    }
    if !related.is_empty() {
        result["relatedLocations"] = Value::Array(related);
    }
    if !unplaced.is_empty() {
        result["properties"]["related"] = Value::Array(unplaced);
    }
    if let Some(suppressed) = &finding.suppressed {
        result["suppressions"] = json!([suppression(suppressed)]);
    }
    result
}

fn elsewhere(related: &Related) -> Value {
    let logical = place::logical_elsewhere(&related.target, &related.pointer);
    let text = format!("{} of {}", inert(&related.label, 200), inert(&related.target, 120));
    json!({"logicalLocations": logical, "message": {"text": text}})
}

fn suppression(suppressed: &Suppressed) -> Value {
    let mut why = inert(suppressed.reason.as_deref().unwrap_or("no reason given"), MESSAGE);
    for (label, value) in [("owner", &suppressed.owner), ("until", &suppressed.expires)] {
        if let Some(value) = value {
            why.push_str(&format!("; {label}: {}", inert(value, 120)));
        }
    }
    let by = inert(&suppressed.by, 200);
    json!({"kind": "external", "status": "accepted", "justification": why, "properties": {"by": by}})
}
