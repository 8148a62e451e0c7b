//! What of a server's differences is worth a finding: HK-RUG-001 and HK-RUG-002.

use std::collections::HashSet;

use serde_json::Value;

use super::Found;
use super::news::{Pair, news, telling};
use crate::analysis::options::Policy;
use crate::analysis::rules::{self, Rule, drift};
use crate::base::text::{are, few, plural, quote};
use crate::model::drift::{Difference, How, Part, Since};
use crate::model::finding::{Confidence, Finding, Related, Severity};
use crate::model::inventory::{Inventory, List};
use crate::model::outcome::Outcome;

/// Changed items that have a finding of their own.
const MOST_TOLD: usize = 20;
/// Names in one message.
const MOST_NAMES: usize = 8;

/// The findings on what was `found` to be different between `before` and `after`.
pub(crate) fn findings(
    before: &Outcome,
    after: &Outcome,
    found: &[Found],
    since: &Since,
    policy: &Policy,
) -> Vec<Finding> {
    if !policy.risk || found.is_empty() {
        return Vec::new();
    }
    let since = match &since.file {
        Some(file) => format!("since {} was accepted", quote(file, 80)),
        None => format!("since {}", since.at.get(..19).unwrap_or(&since.at).replace('T', " ")),
    };
    let mut findings = Vec::new();
    if let Some(rule) = rules::find(drift::CHANGED) {
        changed(rule, before, after, found, &since, policy, &mut findings);
    }
    if let Some(rule) = rules::find(drift::ADDED_OR_REMOVED) {
        for (part, list, noun) in [(Part::Tool, List::Tools, "tool"), (Part::Prompt, List::Prompts, "prompt")]
        {
            for how in [How::Added, How::Removed] {
                let all = found.iter().map(|f| &f.difference);
                let all: Vec<&Difference> = all.filter(|d| d.what == part && d.change == how).collect();
                findings.extend(listed(rule, after, list, noun, how, &all, &since));
            }
        }
    }
    findings
}

/// A text or schema that is another.
struct Turned<'f> {
    found: &'f Found,
    /// Rules that find something in it which was not there before.
    new: Vec<String>,
}

fn changed(
    rule: &Rule,
    before: &Outcome,
    after: &Outcome,
    found: &[Found],
    since: &str,
    policy: &Policy,
    findings: &mut Vec<Finding>,
) {
    let changed = found.iter().filter(|f| f.difference.change == How::Changed && f.matters && judged(f));
    let instructions = found.iter().filter(|f| f.difference.what == Part::Instructions);
    let mut others: Vec<&Found> = instructions.chain(changed).collect();
    // Not all may be judged again: first where today's rules have found something, however many others there are.
    let places = suspicious(after);
    others
        .sort_by_key(|f| !f.difference.pointer.as_ref().is_some_and(|place| places.contains(place.as_str())));
    let pairs: Vec<Pair<'_>> = others.iter().map(|found| pair(found, before, after)).collect();
    let news = news(&after.name, &after.endpoint, &pairs, policy);
    let mut turned: Vec<Turned<'_>> =
        others.into_iter().zip(news).map(|(found, new)| Turned { found, new }).collect();
    // What lies in resources changes every day; it is told where something bad came with it.
    let data = |t: &Turned<'_>| t.found.difference.what == Part::Resource && t.new.is_empty();
    turned.retain(|t| !data(t));
    turned.sort_by_key(|t| t.new.is_empty());
    for Turned { found, new } in turned.iter().take(MOST_TOLD) {
        let Difference { what, name, pointer, details, .. } = &found.difference;
        let label = label(*what, name);
        let places: Vec<&str> = {
            let mut all: Vec<&str> =
                details.iter().map(|d| d.pointer.split('/').nth(1).unwrap_or("text")).collect();
            all.dedup();
            all
        };
        let find = if new.len() == 1 { "finds" } else { "find" };
        let now = match new.is_empty() {
            true => String::new(),
            false => format!("; {} {find} what was not there before", new.join(", ")),
        };
        let afters: Vec<&str> = details.iter().filter_map(|d| d.after.as_deref()).collect();
        let kind = format!("{what:?}");
        let mut same = vec![after.name.as_str(), &kind, name];
        same.extend(&afters);
        findings.push(rule.finding(rules::Found {
            severity: if new.is_empty() { Severity::Medium } else { Severity::High },
            confidence: Confidence::High,
            message: format!("{label} changed {since} ({}){now}", places.join(", ")),
            pointer: pointer.clone().unwrap_or_default(),
            excerpt: afters.first().map(|text| (*text).to_owned()),
            same: &same,
        }));
    }
    if let Some(rest) = turned.get(MOST_TOLD..).filter(|rest| !rest.is_empty()) {
        let worse = rest.iter().any(|t| !t.new.is_empty());
        let count = plural(rest.len(), "more item");
        findings.push(rule.finding(rules::Found {
            severity: if worse { Severity::High } else { Severity::Medium },
            confidence: Confidence::High,
            message: format!("{count} changed {since}"),
            pointer: rest[0].found.difference.pointer.clone().unwrap_or_default(),
            excerpt: None,
            same: &[&after.name, "more", &count],
        }));
    }
}

/// Where the findings of `outcome` are that would make a change suspicious.
fn suspicious(outcome: &Outcome) -> HashSet<&str> {
    let telling = outcome.findings.iter().filter(|f| f.severity >= telling(&f.rule));
    telling.map(|f| item_of(&f.pointer)).collect()
}

/// The item that `pointer` leads into: `/tools/3` of `/tools/3/description`.
fn item_of(pointer: &str) -> &str {
    let parts = if pointer.starts_with("/instructions") { 1 } else { 2 };
    pointer.match_indices('/').nth(parts).map_or(pointer, |(at, _)| &pointer[..at])
}

/// Parts whose text a model or a person acts upon.
fn judged(found: &Found) -> bool {
    match found.difference.what {
        Part::Tool | Part::Prompt | Part::Resource | Part::ResourceTemplate => true,
        Part::Instructions
        | Part::Server
        | Part::Capabilities
        | Part::Protocol
        | Part::Auth
        | Part::Finding
        | Part::Status => false,
    }
}

/// Both forms of what is another.
fn pair<'a>(found: &Found, before: &'a Outcome, after: &'a Outcome) -> Pair<'a> {
    let (then, now) = (&before.inventory, &after.inventory);
    match found.places {
        Some((list, was, is)) => {
            let at = |inventory: &'a Inventory, place: Option<usize>| inventory.items(list).get(place?);
            Pair::Items(list, at(then, was), at(now, is))
        }
        None => Pair::Instructions(then.instructions.as_deref(), now.instructions.as_deref()),
    }
}

fn label(part: Part, name: &str) -> String {
    if part == Part::Instructions {
        return "what the server tells the model".to_owned();
    }
    format!("{} \"{}\"", part.name(), quote(name, 64))
}

/// Tools that came or went, in one finding.
fn listed(
    rule: &Rule,
    after: &Outcome,
    list: List,
    noun: &str,
    how: How,
    all: &[&Difference],
    since: &str,
) -> Option<Finding> {
    let first = all.first()?;
    let declared = after.inventory.capabilities.as_ref().and_then(|json| {
        let all: Value = serde_json::from_str(json.text()).ok()?;
        all.get(list.capability())?.get("listChanged")?.as_bool()
    });
    let names = few(all.iter().map(|d| quote(&d.name, 64)), MOST_NAMES);
    let (verb, count) = (if how == How::Added { "new" } else { "gone" }, plural(all.len(), noun));
    let are = are(all.len());
    let kind = format!("{noun} {verb}");
    let mut same = vec![after.name.as_str(), &kind];
    same.extend(all.iter().map(|d| d.name.as_str()));
    let pointer = first.pointer.clone().unwrap_or_else(|| format!("/{}", list.field()));
    let mut finding = rule.finding(rules::Found {
        severity: if declared == Some(true) { Severity::Low } else { Severity::Medium },
        confidence: Confidence::High,
        message: format!("{count} {are} {verb} {since}: {names}"),
        pointer,
        excerpt: None,
        same: &same,
    });
    finding.related = all
        .iter()
        .skip(1)
        .take(MOST_NAMES)
        .filter_map(|d| {
            let (target, pointer) = (after.name.clone(), d.pointer.clone()?);
            Some(Related { target, pointer, label: label(d.what, &d.name) })
        })
        .collect();
    Some(finding)
}
