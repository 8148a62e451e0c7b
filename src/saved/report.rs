//! Our own reports: a target of one, and the lines of an NDJSON report as they follow each other.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{Place, blank, failed};
use crate::mcp::json;
use crate::mcp::tidy::{self, Dropped};
use crate::model::inventory::{Coverage, CoverageState, Inventory, Json, List};
use crate::model::outcome::{Cached, Failure, FailureKind, Outcome, Phase, Status};
use crate::model::secret::Redaction;

/// When the run ended that a report's `run` tells of; when it began, where that is all there is.
pub(super) fn ended(run: Option<&RawValue>) -> Option<String> {
    let [finished, started] = json::pick(run?.get(), ["finished_at", "started_at"])?.members;
    finished.or(started).and_then(json::string).map(|at| at.into_owned())
}

/// A field of a report is not what a report has there.
struct Odd(&'static str);

/// The target `text` of a report; one that is no such thing is a failed one, called `fallback`.
pub(super) fn target(text: &str, fallback: &str, place: &Place<'_>) -> Outcome {
    attempt(text, fallback, place).unwrap_or_else(|failed| *failed)
}

/// The same, with those apart that are no such thing.
pub(super) fn attempt(text: &str, fallback: &str, place: &Place<'_>) -> Result<Outcome, Box<Outcome>> {
    let mut name = fallback.to_owned();
    read(text, &mut name, place).map_err(|Odd(field)| {
        let line = place.line.map_or(String::new(), |line| format!(":{line}"));
        let message = format!("{}{line}: {field} is not what a report has there", place.file);
        Box::new(failed(name, place, FailureKind::InvalidMessage, message))
    })
}

/// The same, if it is one.
#[cfg(feature = "cluster")]
pub(super) fn outcome(text: &str) -> Option<Outcome> {
    let place = Place { file: "", line: None, learnt_at: None };
    let outcome = read(text, &mut String::new(), &place).ok()?;
    Some(Outcome { saved: None, ..outcome })
}

fn read(text: &str, name: &mut String, place: &Place<'_>) -> Result<Outcome, Odd> {
    let keys = [
        "name",
        "owners",
        "tags",
        "transport",
        "endpoint",
        "status",
        "failure",
        "auth",
        "findings",
        "risk",
        "drift",
        "notes",
        "stderr",
        "timing",
        "attempts",
        "cached",
        "worker",
        "delivery",
    ];
    let picked = json::pick(text, keys).ok_or(Odd("the target"))?;
    if picked.repeated > 0 {
        return Err(Odd("a key that stands there twice"));
    }
    let mut members = keys.into_iter().zip(picked.members);
    let mut next = || members.next().unwrap_or(("target", None));
    *name = next().1.and_then(json::string).ok_or(Odd("name"))?.into_owned();
    let blank = blank(name.clone(), place);
    let mut outcome = Outcome {
        owners: optional(next())?.unwrap_or_default(),
        tags: optional(next())?.unwrap_or_default(),
        transport: optional(next())?,
        endpoint: optional(next())?.unwrap_or_default(),
        status: optional(next())?.ok_or(Odd("status"))?,
        failure: optional(next())?,
        auth: optional(next())?.unwrap_or_default(),
        findings: optional(next())?.unwrap_or_default(),
        risk: optional(next())?,
        drift: optional(next())?,
        notes: optional(next())?.unwrap_or_default(),
        stderr: optional(next())?,
        timing: optional(next())?.unwrap_or_default(),
        attempts: optional(next())?.unwrap_or_default(),
        cached: optional(next())?,
        worker: optional(next())?,
        delivery: optional(next())?,
        ..blank
    };
    if outcome.owners.is_empty() {
        outcome.owners = super::blank(name.clone(), place).owners;
    }
    // Asked before the run that the report is of.
    if let (Some(saved), Some(Cached { stored_at, .. })) = (&mut outcome.saved, &outcome.cached) {
        saved.learnt_at = Some(stored_at.clone());
    }
    outcome.inventory = inventory(text)?;
    // Complete is what has all four lists to their ends, whatever the report calls it.
    let ended = |row: &Coverage| matches!(row.state, CoverageState::Complete | CoverageState::Unsupported);
    let open = List::ALL.into_iter().find(|list| !outcome.inventory.coverage_of(*list).is_some_and(ended));
    if let (Status::Complete, Some(list)) = (outcome.status, open) {
        outcome.status = Status::Partial;
        let message = format!("the report calls it complete, and does not say that {} ended", list.method());
        let lost = Failure { kind: FailureKind::InvalidMessage, phase: Phase::List(list), message };
        outcome.failure.get_or_insert(lost);
    }
    Ok(outcome)
}

fn optional<T: DeserializeOwned>((key, raw): (&'static str, Option<&RawValue>)) -> Result<Option<T>, Odd> {
    raw.map(|raw| serde_json::from_str(raw.get()).map_err(|_| Odd(key))).transpose()
}

fn inventory(text: &str) -> Result<Inventory, Odd> {
    let keys = ["protocol", "server", "instructions", "capabilities", "coverage", "cache_hint"];
    let [protocol, server, instructions, capabilities, coverage, hint] =
        json::pick(text, keys).ok_or(Odd("the target"))?.members;
    let lists = List::ALL.map(List::field);
    let picked = json::pick(text, lists).ok_or(Odd("the target"))?;
    if picked.repeated > 0 {
        return Err(Odd("a list that stands there twice"));
    }
    let mut coverage: Vec<Coverage> = optional(("coverage", coverage))?.unwrap_or_default();
    let mut items = Vec::new();
    for ((key, list), raw) in lists.into_iter().zip(List::ALL).zip(picked.members) {
        let (kept, dropped) = tidied(raw).ok_or(Odd(key))?;
        if let Some(row) = coverage.iter_mut().find(|row| row.phase == list) {
            row.items = kept.len();
            if let Some(why) = dropped.reason() {
                row.state = CoverageState::Failed;
                row.reason = Some(why);
            }
        }
        items.push(kept);
    }
    let mut items = items.into_iter();
    let mut next = || items.next().unwrap_or_default();
    Ok(Inventory {
        protocol: optional(("protocol", protocol))?,
        server: object(server),
        instructions: optional(("instructions", instructions))?,
        capabilities: object(capabilities),
        tools: next(),
        resources: next(),
        resource_templates: next(),
        prompts: next(),
        coverage,
        cache_hint: optional(("cache_hint", hint))?,
    })
}

fn object(raw: Option<&RawValue>) -> Option<Json> {
    tidy::object(raw?.get(), &Redaction::default()).ok().map(|(json, _)| json)
}

/// The objects of a list, and the entries that are none; nothing if it is no list.
fn tidied(raw: Option<&RawValue>) -> Option<(Vec<Json>, Dropped)> {
    let (mut kept, mut dropped) = (Vec::new(), Dropped::default());
    let none = Redaction::default();
    if let Some(raw) = raw {
        json::for_each(raw.get(), |item| match tidy::object(item.get(), &none) {
            Ok((json, _)) => kept.push(json),
            Err(why) => dropped.add(why),
        })?;
    }
    Some((kept, dropped))
}

/// A line of an NDJSON report.
pub(super) enum Line<'a> {
    /// A run, or a round of one, begins.
    Run(Option<&'a RawValue>),
    /// A target.
    Target(&'a str),
    /// A run, or a round of one, ends.
    Summary(Option<&'a RawValue>, &'a str),
    /// What is said of servers together, and said anew.
    Client,
}

impl<'a> Line<'a> {
    /// The line of type `kind` that `object` is.
    pub(super) fn of(kind: &str, object: &'a str, run: Option<&'a RawValue>) -> Option<Line<'a>> {
        match kind {
            "run" => Some(Line::Run(run)),
            "target" => Some(Line::Target(object)),
            "summary" => Some(Line::Summary(run, object)),
            "client" => Some(Line::Client),
            _ => None,
        }
    }
}

/// The targets of an NDJSON report as they are at its end: with `--watch`, later rounds tell of those only that
/// are different.
#[derive(Default)]
pub(super) struct Rounds {
    all: Vec<Option<Outcome>>,
    /// Where this round's outcomes begin in the order of arrival.
    fresh: Vec<usize>,
    /// Outcomes of the rounds before, by name.
    before: HashMap<String, Vec<usize>>,
    began: Option<String>,
}

impl Rounds {
    /// One more server, which no report tells of.
    pub(super) fn push(&mut self, outcome: Outcome) {
        self.fresh.push(self.all.len());
        self.all.push(Some(outcome));
    }

    /// One more line, the one of this number.
    pub(super) fn take(&mut self, line: Line<'_>, file: &str, number: u32) {
        match line {
            Line::Run(run) => {
                self.turn();
                self.began = ended(run);
            }
            Line::Target(text) => {
                let place = Place { file, line: Some(number), learnt_at: self.began.as_deref() };
                let outcome = target(text, &format!("{file}#{number}"), &place);
                if let Some(place) = self.earlier(&outcome.name) {
                    self.all[place] = Some(outcome);
                    self.fresh.push(place);
                } else {
                    self.push(outcome);
                }
            }
            Line::Summary(run, text) => {
                let at = ended(run);
                for place in &self.fresh {
                    let outcome = self.all[*place].as_mut().filter(|outcome| outcome.cached.is_none());
                    if let Some(saved) = outcome.and_then(|outcome| outcome.saved.as_mut()) {
                        saved.learnt_at = at.clone().or(saved.learnt_at.take());
                    }
                }
                let gone = json::pick(text, ["gone"]).and_then(|picked| picked.members[0]);
                let gone: Vec<String> =
                    gone.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
                for name in gone {
                    if let Some(place) = self.earlier(&name) {
                        self.all[place] = None;
                    }
                }
            }
            Line::Client => {}
        }
    }

    /// The first outcome of that name in the rounds before that nothing was said of since.
    fn earlier(&mut self, name: &str) -> Option<usize> {
        let places = self.before.get_mut(name)?;
        (!places.is_empty()).then(|| places.remove(0))
    }

    fn turn(&mut self) {
        self.fresh.clear();
        self.before.clear();
        for (place, outcome) in self.all.iter().enumerate() {
            if let Some(outcome) = outcome {
                self.before.entry(outcome.name.clone()).or_default().push(place);
            }
        }
    }

    /// What is there at the end.
    pub(super) fn finish(self) -> Vec<Outcome> {
        self.all.into_iter().flatten().collect()
    }
}
