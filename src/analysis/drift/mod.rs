//! What is different about a server: two outcomes in, a list of differences out.
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | everything of a server but its lists, and in which order it is told |
//! | `lists` | tools, resources, prompts: which are new, which are gone, which are others |
//! | `tree` | two pieces of JSON, place by place |
//! | `findings` | what of it is worth a finding |
//!
//! White space and the order of keys, of items and of words in a set (`required`, `enum`) make no difference.
//! What could not be learnt, this time or the time before, is no difference either: a list that was cut short
//! never makes anything "removed".
//!
//! Both sides are hostile, the old one as well. Work and memory are bounded by their sizes.

mod findings;
mod lists;
pub(in crate::analysis) mod news;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::HashSet;

use serde_json::Value;

use crate::analysis::surface::is_loopback;
use crate::base::text::{plural, quote};
use crate::model::drift::{Detail, Difference, How, Part};
use crate::model::finding::Finding;
use crate::model::inventory::{CoverageState, Inventory, Json, List};
use crate::model::outcome::{EndpointView, Outcome, Posture};

pub(crate) use findings::findings;

/// How much is told of one difference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Places in one part.
    pub(crate) details: usize,
    /// What is shown of a text.
    pub(crate) texts: Texts,
}

/// What is shown of a text that is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// So many characters round the place where it begins to differ, cleaned.
    Window(usize),
    /// The whole text, up to so many bytes, as it was sent: whoever shows it cleans it.
    Whole(usize),
}

/// For a report.
pub(crate) const REPORT: Bounds = Bounds { details: 16, texts: Texts::Window(200) };
/// Where the differences are all there is to be told.
pub(crate) const FULL: Bounds = Bounds { details: 200, texts: Texts::Whole(64 << 10) };
/// Differences of one server that a report tells.
pub(crate) const MOST: usize = 500;
/// From here on Linux chooses ports for whoever asks for any.
const FIRST_CHOSEN: u16 = 32768;

/// A difference, and where its older side is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    difference: Difference,
    /// Its place in the list of before and in that of now, where it stands in a list.
    places: Option<(List, Option<usize>, Option<usize>)>,
    /// More than icons and the like.
    matters: bool,
}

impl Found {
    /// The difference itself.
    pub(crate) fn difference(&self) -> &Difference {
        &self.difference
    }

    /// The same, for good.
    pub(crate) fn into_difference(self) -> Difference {
        self.difference
    }
}

/// That nobody has seen this server before.
pub(crate) fn new_server(outcome: &Outcome) -> Found {
    let name = outcome.name.clone();
    let (what, change, pointer) = (Part::Server, How::Added, Some(String::new()));
    let difference = Difference { what, name, change, pointer, details: Vec::new() };
    Found { difference, places: None, matters: true }
}

/// What is different about a server between `before` and `after`, which may both be incomplete.
pub(crate) fn compare(before: &Outcome, after: &Outcome, bounds: &Bounds) -> Vec<Found> {
    let (then, now) = (&before.inventory, &after.inventory);
    let mut found = Vec::new();
    found.extend(one(Part::Server, "/endpoint", endpoint(&before.endpoint, &after.endpoint, bounds)));
    // A server that was not reached says nothing of itself, and a listing that somebody saved not everything.
    if then.protocol.is_some() && now.protocol.is_some() {
        itself(before, after, bounds, &mut found);
    }
    for list in List::ALL {
        lists::compare(list, then, now, bounds, &mut found);
    }
    found
}

/// Everything but the lists.
fn itself(before: &Outcome, after: &Outcome, bounds: &Bounds, found: &mut Vec<Found>) {
    let (then, now) = (&before.inventory, &after.inventory);
    let version =
        |inventory: &Inventory| inventory.protocol.as_ref().map(|p| Value::from(p.version.as_str()));
    let details = tree::values(version(then).as_ref(), version(now).as_ref(), bounds);
    found.extend(one(Part::Protocol, "/protocol/version", details));
    found.extend(one(Part::Server, "/server", objects(then.server.as_ref(), now.server.as_ref(), bounds)));
    let details = objects(then.capabilities.as_ref(), now.capabilities.as_ref(), bounds);
    found.extend(one(Part::Capabilities, "/capabilities", details));
    let posture = |posture: Posture| {
        (posture != Posture::Unknown).then(|| Value::from(format!("{posture:?}").to_lowercase()))
    };
    if let (Some(then), Some(now)) = (posture(before.auth.posture), posture(after.auth.posture)) {
        found.extend(one(Part::Auth, "/auth/posture", tree::values(Some(&then), Some(&now), bounds)));
    }
    let text = |inventory: &Inventory| inventory.instructions.as_deref().map(Value::from);
    let details = tree::values(text(then).as_ref(), text(now).as_ref(), bounds);
    found.extend(one(Part::Instructions, "/instructions", details));
}

/// Which findings are new and which are gone, where both sides could be judged in full.
pub(crate) fn compare_findings(before: &Outcome, after: &Outcome) -> Vec<Difference> {
    // What a comparison found is no property of the server.
    let own = |outcome: &'_ Outcome| -> Vec<(usize, String, String)> {
        let all = outcome.findings.iter().enumerate().filter(|(_, f)| !f.rule.starts_with("HK-RUG"));
        let says = |f: &Finding| format!("{} ({}): {}", f.rule, f.severity, quote(&f.message, 200));
        // A fingerprint is of one name.
        let id = |f: &Finding| match before.name == after.name {
            true => f.fingerprint.clone(),
            false => [f.rule.as_ref(), &f.message, f.excerpt.as_deref().unwrap_or_default()].join("\0"),
        };
        all.map(|(at, f)| (at, id(f), says(f))).collect()
    };
    let whole = |outcome: &Outcome| List::ALL.into_iter().all(|list| ended(&outcome.inventory, list));
    if !whole(before) || !whole(after) {
        return Vec::new();
    }
    let (then, now) = (own(before), own(after));
    let only = |these: &[(usize, String, String)], others: &[(usize, String, String)], change| {
        let others: HashSet<&str> = others.iter().map(|(_, id, _)| id.as_str()).collect();
        let these = these.iter().filter(|(_, id, _)| !others.contains(id.as_str()));
        let one = |(at, _, says): &(usize, String, String)| Difference {
            what: Part::Finding,
            name: says.clone(),
            change,
            pointer: (change == How::Added).then(|| format!("/findings/{at}")),
            details: Vec::new(),
        };
        these.map(one).collect::<Vec<_>>()
    };
    let mut all = only(&now, &then, How::Added);
    all.extend(only(&then, &now, How::Removed));
    all
}

/// Differences in a few words: `2 tools changed, 1 tool added`.
pub(crate) fn summary(changes: &[Difference]) -> String {
    let mut counts: Vec<((Part, How), usize)> = Vec::new();
    for change in changes {
        let kind = (change.what, change.change);
        match counts.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    counts.sort();
    let words = counts.into_iter().map(|((part, how), count)| match part.is_one_of_many() {
        true => format!("{} {}", plural(count, part.name()), how.name()),
        false => format!("{} {}", part.name(), how.name()),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Whether all of `list` is known. A list that a saved listing does not have may well be there.
fn ended(inventory: &Inventory, list: List) -> bool {
    inventory.coverage_of(list).is_some_and(|row| match row.state {
        CoverageState::Complete => true,
        CoverageState::Unsupported => inventory.protocol.is_some(),
        CoverageState::Failed | CoverageState::Truncated | CoverageState::Skipped => false,
    })
}

/// The difference of a part of which there is one.
fn one(what: Part, pointer: &str, details: Vec<Detail>) -> Option<Found> {
    let (first, single) = (details.first()?, details.len() == 1);
    let whole = single && first.pointer.is_empty();
    let change = match (&first.before, &first.after) {
        (None, Some(_)) if whole => How::Added,
        (Some(_), None) if whole => How::Removed,
        _ => How::Changed,
    };
    let pointer = (change != How::Removed).then(|| pointer.to_owned());
    let difference = Difference { what, name: String::new(), change, pointer, details };
    Some(Found { difference, places: None, matters: true })
}

fn objects(before: Option<&Json>, after: Option<&Json>, bounds: &Bounds) -> Vec<Detail> {
    match (before, after) {
        (Some(before), Some(after)) => tree::objects(before, after, bounds).0,
        (None, None) => Vec::new(),
        (before, after) => {
            let value = |json: Option<&Json>| json.map(|json| Value::from(json.text()));
            tree::values(value(before).as_ref(), value(after).as_ref(), bounds)
        }
    }
}

/// How a server is reached, secrets masked. A port of this machine that the system chose is no difference.
fn endpoint(before: &EndpointView, after: &EndpointView, bounds: &Bounds) -> Vec<Detail> {
    let around = |view: &'_ EndpointView| {
        view.url.as_deref().and_then(around_port).map(|(a, b)| [a.to_owned(), b.to_owned()])
    };
    if around(before).is_some_and(|then| around(after) == Some(then)) {
        return Vec::new();
    }
    let words = |view: &EndpointView| {
        let line = view.line();
        (!line.is_empty()).then(|| Value::from(line))
    };
    match (words(before), words(after)) {
        (Some(before), Some(after)) => tree::values(Some(&before), Some(&after), bounds),
        // A saved listing says nothing of it.
        (_, _) => Vec::new(),
    }
}

/// What stands before and behind a port of this machine that the system chose.
fn around_port(url: &str) -> Option<(&str, &str)> {
    let host = url.find("://")? + 3;
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    let (name, port) = url[host..end].rsplit_once(':')?;
    let near = is_loopback(name.trim_start_matches('[').trim_end_matches(']'));
    let chosen = near && port.parse::<u16>().is_ok_and(|port| port >= FIRST_CHOSEN);
    chosen.then_some((&url[..host + name.len()], &url[end..]))
}

/// Whether a body with `after` may be told by one with `before`: the same in the same order, but for white
/// space and the order of keys.
pub(crate) fn interchangeable(before: &Outcome, after: &Outcome) -> bool {
    let (then, now) = (&before.inventory, &after.inventory);
    List::ALL.into_iter().all(|list| {
        let names = |inventory: &Inventory| -> Vec<String> {
            inventory.items(list).iter().map(|item| lists::name(list, item)).collect()
        };
        then.items(list).len() == now.items(list).len() && names(then) == names(now)
    }) && compare(before, after, &REPORT).is_empty()
}
