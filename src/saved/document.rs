//! What a text holds: one server, many, or none; each with its line.

use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::report::{Line, Rounds};
use super::{Place, STANDARD_INPUT, Unusable, failed, listing, report};
use crate::base::text::quote;
use crate::mcp::json;
use crate::mcp::json_rpc::{self, Body, Incoming};
use crate::model::limits::Limits;
use crate::model::outcome::{FailureKind, Outcome};

/// What is expected, for those who gave something else.
const EXPECTED: &str = "no listing: expected a hawkeye report (JSON or NDJSON) or an object with tools, prompts, \
                        resources or resourceTemplates (an array of tools alone goes into {\"tools\": [...]})";
const TO_SCAN: &str = "holds servers to ask, not what they offer: hawkeye scan --targets asks them";

/// Every server in `text`, the content of the file called `file`.
pub(super) fn read(file: &str, text: &str) -> Result<Vec<Outcome>, Unusable> {
    let source = Source { file, text };
    if text.trim().is_empty() {
        return Err(source.unusable(None, "is empty".to_owned()));
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => source.document(value.get()),
        Err(_) if source.is_lines() => Ok(source.lines()),
        Err(e) => source.salvage(&e),
    }
}

/// A file's text.
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

/// What an object is by its keys.
enum Shape<'a> {
    /// One of our reports.
    Report { version: Option<&'a RawValue>, targets: &'a RawValue, run: Option<&'a RawValue> },
    /// One line of an NDJSON report.
    Line(Line<'a>),
    /// A target of one.
    Target,
    /// An answer, and the name beside it.
    Response(Option<&'a RawValue>),
    /// A listing, and its name.
    Listing(Option<&'a RawValue>),
    /// Servers to be scanned.
    ToScan,
    /// A key that decides stands there twice.
    Twice,
    /// None of these.
    Unknown,
}

fn shape(object: &str) -> Option<Shape<'_>> {
    let keys = [
        "type",
        "schema_version",
        "targets",
        "run",
        "status",
        "endpoint",
        "result",
        "error",
        "name",
        "tools",
        "prompts",
        "resources",
        "resourceTemplates",
        "instructions",
        "mcpServers",
        "servers",
    ];
    let picked = json::pick(object, keys)?;
    let [
        kind,
        version,
        targets,
        run,
        status,
        endpoint,
        result,
        error,
        name,
        tools,
        prompts,
        resources,
        templates,
        instructions,
        mcp_servers,
        servers,
    ] = picked.members;
    let line = kind.and_then(json::string).and_then(|kind| Line::of(&kind, object, run));
    let listed = [tools, prompts, resources, templates, instructions].iter().any(Option::is_some);
    Some(match (line, targets) {
        _ if picked.repeated > 0 => Shape::Twice,
        (Some(line), _) => Shape::Line(line),
        (None, Some(targets)) if version.is_some() => Shape::Report { version, targets, run },
        _ if status.is_some() && endpoint.is_some() => Shape::Target,
        _ if listed => Shape::Listing(name),
        _ if result.is_some() || error.is_some() => Shape::Response(name),
        _ if mcp_servers.is_some() || servers.is_some() => Shape::ToScan,
        _ => Shape::Unknown,
    })
}

impl<'a> Source<'a> {
    fn unusable(&self, at: Option<(u32, u32)>, why: String) -> Unusable {
        Unusable { file: self.file.to_owned(), at, why, read: true }
    }

    /// What a server is called that has no name.
    fn stem(&self) -> String {
        let stem = Path::new(self.file).file_stem().filter(|_| self.file != STANDARD_INPUT);
        stem.map_or_else(|| self.file.to_owned(), |stem| stem.to_string_lossy().into_owned())
    }

    /// The whole text is one JSON value.
    fn document(&self, value: &'a str) -> Result<Vec<Outcome>, Unusable> {
        let mut lines = Lines::new(self.text);
        if value.starts_with('[') {
            return Ok(self.elements(value, &mut lines).0);
        }
        let unusable = |why: &str| Err(self.unusable(None, format!("is {why}")));
        match shape(value) {
            None => unusable(EXPECTED),
            Some(Shape::Report { version, targets, run }) => {
                if version.map(RawValue::get) != Some("1") {
                    let version = quote(version.map_or("none", RawValue::get), 20);
                    let why = format!("has schema_version {version}; this hawkeye reads 1");
                    return Err(self.unusable(None, why));
                }
                let learnt = report::ended(run);
                self.targets(targets.get(), learnt.as_deref(), &mut lines)
            }
            Some(Shape::Line(line)) => {
                let mut rounds = Rounds::default();
                rounds.take(line, self.file, 1);
                Ok(rounds.finish())
            }
            Some(Shape::ToScan) => Err(self.unusable(None, TO_SCAN.to_owned())),
            Some(Shape::Unknown) => self.named(value, &mut lines),
            Some(Shape::Target | Shape::Response(_) | Shape::Listing(_) | Shape::Twice) => {
                let place = self.place(&mut lines, value);
                Ok(vec![self.server(value, self.stem(), &place)])
            }
        }
    }

    fn place(&self, lines: &mut Lines<'a>, part: &'a str) -> Place<'a> {
        Place { file: self.file, line: Some(lines.of(part)), learnt_at: None }
    }

    /// The targets of a report.
    fn targets(
        &self,
        targets: &'a str,
        learnt: Option<&str>,
        lines: &mut Lines<'a>,
    ) -> Result<Vec<Outcome>, Unusable> {
        let mut all = Vec::new();
        let read = json::for_each(targets, |raw| {
            let place = Place { learnt_at: learnt, ..self.place(lines, raw.get()) };
            all.push(report::target(raw.get(), &self.stem(), &place));
        });
        read.map(|()| all).ok_or_else(|| self.unusable(None, "has targets that are no list".to_owned()))
    }

    /// Servers in a list, as far as it can be read; and whether that is to its end.
    fn elements(&self, array: &'a str, lines: &mut Lines<'a>) -> (Vec<Outcome>, bool) {
        let mut all = Vec::new();
        let read = json::for_each(array, |raw| {
            let name = format!("{}#{}", self.stem(), all.len() + 1);
            let place = self.place(lines, raw.get());
            all.push(self.server(raw.get(), name, &place));
        });
        (all, read.is_some())
    }

    /// Servers by name. Where no member is one, this is no listing.
    fn named(&self, object: &'a str, lines: &mut Lines<'a>) -> Result<Vec<Outcome>, Unusable> {
        let mut all = Vec::new();
        let mut any = false;
        json::for_each_member(object, |name, raw| {
            let is_server = raw.get().starts_with('{')
                && matches!(
                    shape(raw.get()),
                    Some(Shape::Target | Shape::Response(_) | Shape::Listing(_) | Shape::Twice)
                );
            any |= is_server;
            let place = self.place(lines, raw.get());
            all.push(self.server(raw.get(), name.into_owned(), &place));
        });
        if any { Ok(all) } else { Err(self.unusable(None, format!("is {EXPECTED}"))) }
    }

    /// Whether the text is a line a server: most of its lines are objects. Of a document that is broken, hardly one
    /// is.
    fn is_lines(&self) -> bool {
        let object = |line: &&str| line.starts_with('{') && serde_json::from_str::<IgnoredAny>(line).is_ok();
        let lines = self.text.lines().map(str::trim).filter(|line| !line.is_empty());
        let (good, bad): (Vec<&str>, Vec<&str>) = lines.partition(object);
        good.len() >= bad.len().max(1) && good.len() + bad.len() > 1
    }

    /// Each line on its own: a bad one costs itself.
    fn lines(&self) -> Vec<Outcome> {
        let mut rounds = Rounds::default();
        for (at, line) in self.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            let place = Place { file: self.file, line: Some(number), learnt_at: None };
            let name = format!("{}#{number}", self.stem());
            match shape(line) {
                Some(Shape::Line(line)) => rounds.take(line, self.file, number),
                _ => rounds.push(self.server(line.trim(), name, &place)),
            }
        }
        rounds.finish()
    }

    /// The text is no JSON. What stands in a list before the fault is kept.
    fn salvage(&self, e: &serde_json::Error) -> Result<Vec<Outcome>, Unusable> {
        let at = (u32::try_from(e.line()).unwrap_or(u32::MAX), u32::try_from(e.column()).unwrap_or(u32::MAX));
        let cause = fault(e);
        let text = self.text.trim_start();
        if text.starts_with('[') {
            let (mut all, _) = self.elements(text, &mut Lines::new(self.text));
            if !all.is_empty() {
                let name = format!("{}#{}", self.stem(), all.len() + 1);
                let place = Place { file: self.file, line: Some(at.0), learnt_at: None };
                let message = format!("{}:{}:{}: the rest is no JSON: {cause}", self.file, at.0, at.1);
                all.push(failed(name, &place, FailureKind::InvalidMessage, message));
                return Ok(all);
            }
        }
        Err(self.unusable(Some(at), format!("no JSON: {cause}")))
    }

    /// One server; what cannot be used is a failed one.
    fn server(&self, value: &str, name: String, place: &Place<'_>) -> Outcome {
        let at = |why: &str| match place.line {
            Some(line) => format!("{}:{line}: {why}", place.file),
            None => format!("{}: {why}", place.file),
        };
        let bad = |name, kind, why: &str| failed(name, place, kind, at(why));
        let called = |own: Option<&RawValue>| {
            own.and_then(json::string).filter(|own| !own.is_empty()).map(|own| own.into_owned())
        };
        match shape(value) {
            None if serde_json::from_str::<IgnoredAny>(value).is_err() => {
                let cause =
                    serde_json::from_str::<IgnoredAny>(value).map_or_else(|e| fault(&e), |_| String::new());
                bad(name, FailureKind::InvalidMessage, &format!("no JSON: {cause}"))
            }
            None => bad(name, FailureKind::Config, "not an object with tools, prompts or resources"),
            Some(Shape::Twice) => bad(
                name,
                FailureKind::InvalidMessage,
                "a key stands there twice: which one holds is anybody's guess",
            ),
            Some(Shape::Target) => report::target(value, &name, place),
            Some(Shape::Listing(own)) => listing::server(called(own).unwrap_or(name), value, place),
            Some(Shape::Response(own)) => self.response(value, called(own).unwrap_or(name), place, &at),
            Some(Shape::ToScan) => bad(name, FailureKind::Config, TO_SCAN),
            Some(Shape::Report { .. } | Shape::Line(_)) => {
                bad(name, FailureKind::Config, "a report inside a list: give it as a file of its own")
            }
            Some(Shape::Unknown) => bad(name, FailureKind::Config, EXPECTED),
        }
    }

    /// An answer as it came over the wire, or only its result.
    fn response(&self, value: &str, name: String, place: &Place<'_>, at: &dyn Fn(&str) -> String) -> Outcome {
        let mut outcome = None;
        // What has no id is an answer all the same, once it is in a file.
        let [result, error] = match json::pick(value, ["result", "error"]) {
            Some(picked) => picked.members,
            None => [None, None],
        };
        if let (Some(result), None) = (result, error) {
            return listing::server(name, result.get(), place);
        }
        let read = json_rpc::decode(value, Limits::default().json_depth, |message| {
            if let Incoming::Response { body, .. } = message {
                let (kind, why) = match body {
                    Body::Error(e) => {
                        let said = quote(&e.message, 300);
                        (FailureKind::RpcError, format!("the server answered with error {}: {said}", e.code))
                    }
                    Body::Faulty(what) => {
                        (FailureKind::InvalidMessage, format!("the server answered with {what}"))
                    }
                    Body::Result(_) => return,
                };
                outcome = Some(failed(name.clone(), place, kind, at(&why)));
            }
        });
        if read.is_err() {
            return failed(name, place, FailureKind::InvalidMessage, at("nested too deep"));
        }
        outcome.unwrap_or_else(|| failed(name, place, FailureKind::InvalidMessage, at("no JSON-RPC answer")))
    }
}

/// What serde_json says, without the place.
fn fault(e: &serde_json::Error) -> String {
    let text = e.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_lowercase()
}

/// Lines of parts of a text that are asked for from its beginning to its end.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Lines<'a> {
        Lines { text, at: 0, line: 1 }
    }

    /// The line on which `part` begins, which lies inside the text and not before the last one asked for.
    fn of(&mut self, part: &'a str) -> u32 {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let between = self.text.as_bytes().get(self.at..offset).unwrap_or_default();
        let more = memchr::memchr_iter(b'\n', between).count();
        self.line = self.line.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        self.at = self.at.max(offset);
        self.line
    }
}
