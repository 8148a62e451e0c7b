//! The same server asked in several ways: what is different, and what that says of it.
//!
//! Only what is the same whenever it is asked for in the same way may be blamed on the way. Whatever differs
//! between two identical askings is a finding of its own, and left out of all others.
//!
//! Order means nothing here: items are told apart by name, members of an object by key.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::base::text::{few, plural, quote};
use crate::model::drift::{Detail, Difference, How, Part};
use crate::model::finding::{Confidence, Finding, Severity, worst_first};
use crate::model::inventory::{CoverageState, Inventory, Json, List};
use crate::model::outcome::EndpointView;
use crate::model::revision::Revision;

use super::drift::news::{Pair, news};
use super::options::Policy;
use super::rules::{Found, find};

/// Names of one kind in a message.
const MOST_NAMES: usize = 3;
/// Rules in a message.
const MOST_RULES: usize = 5;
/// Characters of a text around the place where it differs.
const AROUND: usize = 60;

/// Whose answers are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server<'a> {
    /// Its name in the report.
    pub name: &'a str,
    /// How it is reached.
    pub view: &'a EndpointView,
}

/// How a server was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By a client of this name.
    Name(&'static str),
    /// In this revision.
    Revision(Revision),
    /// Without the credentials of its entry.
    Stranger,
}

/// What it said then.
#[derive(Debug)]
pub(crate) struct Asked {
    /// How it was asked.
    pub way: Way,
    /// The answer.
    pub first: Inventory,
    /// The answer to the same once more, where the first was suspicious and there was one.
    pub second: Option<Inventory>,
}

impl Asked {
    /// Whether it differs from what `own` says, so that it is worth asking again.
    pub(crate) fn is_suspicious(&self, own: &Inventory) -> bool {
        !compare(own, &self.first, self.way.grain()).is_empty()
    }
}

/// What is compared of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grain {
    /// All of it.
    Whole,
    /// What a model reads. Revisions have fields that others lack.
    Texts,
}

impl Way {
    const fn grain(self) -> Grain {
        match self {
            Way::Name(_) | Way::Stranger => Grain::Whole,
            Way::Revision(_) => Grain::Texts,
        }
    }
}

type Key = (Part, String);

/// What there is to say of a server. `own` are its answers to identical askings, the reported one first; `asked`
/// those to others. What differs is judged as `policy` says.
pub(crate) fn findings(
    server: &Server<'_>,
    own: &[&Inventory],
    asked: &[Asked],
    policy: &Policy,
) -> Vec<Finding> {
    let name = server.name;
    let Some((base, rest)) = own.split_first() else { return Vec::new() };
    let raised = |finding: Finding, found: &[Difference], others: &[&Inventory]| {
        let rules = only_there(server, base, others, found, policy);
        if rules.is_empty() {
            return finding;
        }
        let tell = if rules.len() == 1 { "tells" } else { "tell" };
        let rules = few(rules.into_iter(), MOST_RULES);
        Finding {
            severity: finding.severity.max(Severity::High),
            message: format!("{}; {rules} {tell} of what is only there", finding.message),
            ..finding
        }
    };
    let mut restless: Vec<Difference> = Vec::new();
    let mut unstable: BTreeSet<Key> = BTreeSet::new();
    let mut note = |found: Vec<Difference>| {
        for difference in found {
            if unstable.insert((difference.what, difference.name.clone())) {
                restless.push(difference);
            }
        }
    };
    rest.iter().for_each(|other| note(compare(base, other, Grain::Whole)));
    for one in asked {
        let again = one.second.iter().flat_map(|second| compare(&one.first, second, one.way.grain()));
        note(again.map(|d| Difference { pointer: None, ..d }).collect());
    }
    let others = asked.iter().flat_map(|one| [Some(&one.first), one.second.as_ref()]).flatten();
    let others: Vec<&Inventory> = rest.iter().copied().chain(others).collect();
    let unsteady = unsteady(name, &restless).map(|finding| raised(finding, &restless, &others));
    let mut all: Vec<Finding> = unsteady.into_iter().collect();
    let mut groups: Vec<(Vec<&'static str>, bool, Vec<Difference>, &Inventory)> = Vec::new();
    for one in asked {
        let mut found = compare(base, &one.first, one.way.grain());
        found.retain(|d| !unstable.contains(&(d.what, d.name.clone())));
        if found.is_empty() {
            continue;
        }
        let sure = one.second.is_some();
        match one.way {
            Way::Name(client) => match groups.iter_mut().find(|(_, _, same, _)| *same == found) {
                Some((names, all_sure, ..)) => {
                    names.push(client);
                    *all_sure &= sure;
                }
                None => groups.push((vec![client], sure, found, &one.first)),
            },
            Way::Revision(revision) => {
                let finding = by_revision(name, base, revision, sure, &found);
                all.extend(finding.map(|finding| raised(finding, &found, &[&one.first])));
            }
            Way::Stranger => {
                let finding = for_strangers(name, sure, &found);
                all.extend(finding.map(|finding| raised(finding, &found, &[&one.first])));
            }
        }
    }
    for (clients, sure, found, other) in &groups {
        let finding = by_name(name, clients, *sure, found);
        all.extend(finding.map(|finding| raised(finding, found, &[other])));
    }
    worst_first(&mut all);
    all
}

/// The rules that find something in `others`, where they differ from `base`, and not there.
fn only_there(
    server: &Server<'_>,
    base: &Inventory,
    others: &[&Inventory],
    found: &[Difference],
    policy: &Policy,
) -> BTreeSet<String> {
    if !policy.risk {
        return BTreeSet::new();
    }
    let other = |what: Part| {
        found.iter().filter(move |d| d.what == what).map(|d| d.name.as_str()).collect::<HashSet<_>>()
    };
    let judged = |pairs: &[Pair<'_>]| news(server.name, server.view, pairs, policy).into_iter().flatten();
    let mut pairs = Vec::new();
    for list in List::ALL {
        let names = other(list.into());
        if names.is_empty() {
            continue;
        }
        let named = |item: &Json| item.string(list.name_key()).filter(|name| names.contains(name.as_str()));
        let mut known: HashMap<String, Vec<&Json>> = HashMap::new();
        for item in base.items(list) {
            named(item).into_iter().for_each(|name| known.entry(name).or_default().push(item));
        }
        for item in others.iter().flat_map(|other| other.items(list)) {
            let Some(name) = named(item) else { continue };
            let twins = known.get(&name).map_or(&[][..], Vec::as_slice);
            if !twins.contains(&item) {
                pairs.push(Pair::Items(list, twins.first().copied(), Some(item)));
            }
        }
    }
    let mut rules: BTreeSet<String> = judged(&pairs).collect();
    if !other(Part::Instructions).is_empty() {
        let texts: BTreeSet<&str> = others.iter().filter_map(|other| other.instructions.as_deref()).collect();
        for text in texts {
            rules.extend(judged(&[Pair::Instructions(base.instructions.as_deref(), Some(text))]));
        }
    }
    rules
}

/// HK-CLK-001
fn by_name(name: &str, clients: &[&str], sure: bool, found: &[Difference]) -> Option<Finding> {
    let named = few(clients.iter().map(|c| format!("\"{c}\"")), clients.len());
    let message = format!("offers clients called {named} other things than \"hawkeye\": {}", told(found));
    made("HK-CLK-001", Severity::High, sure, message, name, "name", found)
}

/// HK-CLK-002
fn unsteady(name: &str, found: &[Difference]) -> Option<Finding> {
    if found.is_empty() {
        return None;
    }
    // Resources come and go; a clock in a text is a nuisance.
    let data = found.iter().all(|d| matches!(d.what, Part::Resource | Part::ResourceTemplate));
    let counts = found.iter().all(|d| d.change == How::Changed && only_numbers(&d.details));
    let severity = match (data, counts) {
        (true, _) => Severity::Info,
        (false, true) => Severity::Low,
        (false, false) => Severity::Medium,
    };
    let message = format!("says another thing each time it is asked the same: {}", told(found));
    made("HK-CLK-002", severity, true, message, name, "again", found)
}

/// HK-CLK-003, as far as revisions go.
fn by_revision(
    name: &str,
    base: &Inventory,
    revision: Revision,
    sure: bool,
    found: &[Difference],
) -> Option<Finding> {
    let ours = base.protocol.as_ref().map_or("", |p| p.version.as_str());
    // Old clients cannot do with everything, and new ones are offered more: that is what revisions are for.
    let more = found.iter().any(|d| d.change == How::Added) && revision.date() < ours;
    let other = found.iter().any(|d| d.change == How::Changed);
    let severity = if more || other { Severity::Medium } else { Severity::Info };
    let message = format!("offers other things in revision {revision} than in {ours}: {}", told(found));
    made("HK-CLK-003", severity, sure, message, name, revision.date(), found)
}

/// HK-CLK-003, as far as credentials go.
fn for_strangers(name: &str, sure: bool, found: &[Difference]) -> Option<Finding> {
    // Instructions may well tell a stranger how to get in.
    let items = found.iter().filter(|d| d.what != Part::Instructions);
    let fewer = items.into_iter().all(|d| d.change == How::Removed);
    let (severity, what) = match (fewer, found.iter().all(|d| d.change == How::Removed)) {
        (true, true) => (Severity::Info, "offers less to those without credentials"),
        (true, false) => (Severity::Low, "offers other things to those without credentials"),
        (false, _) => (Severity::Medium, "offers other things to those without credentials"),
    };
    made("HK-CLK-003", severity, sure, format!("{what}: {}", told(found)), name, "stranger", found)
}

fn made(
    rule: &str,
    severity: Severity,
    sure: bool,
    message: String,
    server: &str,
    way: &str,
    found: &[Difference],
) -> Option<Finding> {
    let first = found.iter().find(|d| d.pointer.is_some()).or(found.first())?;
    let parts: Vec<String> =
        found.iter().map(|d| format!("{:?}/{:?}/{}", d.what, d.change, d.name)).collect();
    let same: Vec<&str> = [server, way].into_iter().chain(parts.iter().map(String::as_str)).collect();
    let excerpt = first.details.first().and_then(|d| match (&d.before, &d.after) {
        (Some(before), Some(after)) => Some(format!("{before} → {after}")),
        (one, other) => one.clone().or(other.clone()),
    });
    Some(find(rule)?.finding(Found {
        severity,
        confidence: if sure { Confidence::High } else { Confidence::Medium },
        message,
        pointer: first.pointer.clone().unwrap_or_else(|| place(first.what).to_owned()),
        excerpt,
        same: &same,
    }))
}

/// Differences in a line: kinds, numbers, and the first names.
fn told(found: &[Difference]) -> String {
    let mut kinds: Vec<((Part, How), Vec<&str>)> = Vec::new();
    for d in found {
        match kinds.iter_mut().find(|(kind, _)| *kind == (d.what, d.change)) {
            Some((_, names)) => names.push(&d.name),
            None => kinds.push(((d.what, d.change), vec![&d.name])),
        }
    }
    let line = |((what, how), names): &((Part, How), Vec<&str>)| {
        let how = match how {
            How::Added => "more",
            How::Removed => "missing",
            How::Changed => "different",
        };
        if *what == Part::Instructions {
            return format!("instructions {how}");
        }
        let shown = few(names.iter().map(|n| format!("\"{}\"", quote(n, 60))), MOST_NAMES);
        format!("{} {how} ({shown})", plural(names.len(), what.name()))
    };
    kinds.iter().map(line).collect::<Vec<String>>().join(", ")
}

const fn place(part: Part) -> &'static str {
    match part {
        Part::Tool => "/tools",
        Part::Resource => "/resources",
        Part::ResourceTemplate => "/resource_templates",
        Part::Prompt => "/prompts",
        Part::Instructions => "/instructions",
        _ => "",
    }
}

/// What `other` says that `base` does not, and the other way round. Lists that one of them could not be read to
/// its end are left out.
fn compare(base: &Inventory, other: &Inventory, grain: Grain) -> Vec<Difference> {
    let mut found = Vec::new();
    for list in List::ALL.into_iter().filter(|list| whole(base, *list) && whole(other, *list)) {
        items(list, base.items(list), other.items(list), grain, &mut found);
    }
    if base.instructions != other.instructions {
        let (before, after) = (base.instructions.as_deref(), other.instructions.as_deref());
        let change = match (before, after) {
            (None, Some(_)) => How::Added,
            (Some(_), None) => How::Removed,
            (_, _) => How::Changed,
        };
        let (before, after) = windows(before.unwrap_or_default(), after.unwrap_or_default());
        let detail = Detail { pointer: String::new(), before: Some(before), after: Some(after) };
        found.push(Difference {
            what: Part::Instructions,
            name: String::new(),
            change,
            pointer: Some(place(Part::Instructions).to_owned()),
            details: vec![detail],
        });
    }
    found
}

fn whole(inventory: &Inventory, list: List) -> bool {
    let state = inventory.coverage_of(list).map(|row| row.state);
    matches!(state, Some(CoverageState::Complete | CoverageState::Unsupported))
}

fn items(list: List, base: &[Json], other: &[Json], grain: Grain, found: &mut Vec<Difference>) {
    let (what, key) = (Part::from(list), list.name_key());
    let difference = |name: &str, change, at: Option<usize>, details| Difference {
        what,
        name: name.to_owned(),
        change,
        pointer: at.map(|at| format!("{}/{at}", place(what))),
        details,
    };
    // The nth of a name is told apart from the others of it.
    let mut left: HashMap<String, Vec<&Json>> = HashMap::new();
    for item in other.iter().rev() {
        left.entry(item.string(key).unwrap_or_default()).or_default().push(item);
    }
    for (at, item) in base.iter().enumerate() {
        let name = item.string(key).unwrap_or_default();
        match left.get_mut(&name).and_then(Vec::pop) {
            None => found.push(difference(&name, How::Removed, Some(at), Vec::new())),
            Some(twin) if twin == item => {}
            Some(twin) => {
                let details: Vec<Detail> = detail(item, twin, grain).into_iter().collect();
                if !details.is_empty() {
                    found.push(difference(&name, How::Changed, Some(at), details));
                }
            }
        }
    }
    for item in other {
        let name = item.string(key).unwrap_or_default();
        if left.get_mut(&name).and_then(Vec::pop).is_some() {
            let text = item.string("description").map(|text| quote(&text, 2 * AROUND));
            let detail = Detail { pointer: String::new(), before: None, after: text };
            found.push(difference(&name, How::Added, None, vec![detail]));
        }
    }
}

/// The first place where two items differ.
fn detail(one: &Json, other: &Json, grain: Grain) -> Option<Detail> {
    let read = |json: &Json| serde_json::from_str::<Value>(json.text()).ok();
    let (one, other) = (read(one)?, read(other)?);
    match grain {
        Grain::Whole => first_of(&one, &other, String::new()),
        Grain::Texts => first_of(&texts(&one), &texts(&other), String::new()),
    }
}

/// Description and parameters, by name and description.
fn texts(item: &Value) -> Value {
    let described = |of: &Value| of.get("description").cloned().unwrap_or_default();
    let parameters = item.pointer("/inputSchema/properties").and_then(Value::as_object);
    let of_each = parameters.into_iter().flatten().map(|(name, of)| (name.clone(), described(of))).collect();
    let mut all = serde_json::Map::new();
    all.insert("description".to_owned(), described(item));
    all.insert("inputSchema".to_owned(), Value::Object(of_each));
    Value::Object(all)
}

/// The first difference, depth first. Depth is bounded: items are tidied.
fn first_of(one: &Value, other: &Value, at: String) -> Option<Detail> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            // What a model reads first stands first in the story, too.
            keys.sort_by_key(|key| *key != "description");
            let none = Value::Null;
            keys.into_iter().find_map(|key| {
                let path = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                first_of(a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none), path)
            })
        }
        // Sets that somebody's language has no order for.
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() && same_set(a, b) => None,
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| first_of(a, b, format!("{at}/{i}")))
        }
        (a, b) if a == b => None,
        (Value::String(a), Value::String(b)) => {
            let (before, after) = windows(a, b);
            Some(Detail { pointer: at, before: Some(before), after: Some(after) })
        }
        (a, b) => {
            let shown = |v: &Value| (!v.is_null()).then(|| quote(&v.to_string(), AROUND));
            Some(Detail { pointer: at, before: shown(a), after: shown(b) })
        }
    }
}

/// Whether two lists of plain words hold the same ones.
fn same_set(a: &[Value], b: &[Value]) -> bool {
    let words =
        |list: &[Value]| list.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    let (Some(mut a), Some(mut b)) = (words(a), words(b)) else { return false };
    a.sort();
    b.sort();
    a == b
}

/// Both texts from a little before the place where they part.
fn windows(a: &str, b: &str) -> (String, String) {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let skip = same.saturating_sub(AROUND / 3);
    let cut = |text: &str| {
        let rest: String = text.chars().skip(skip).take(2 * AROUND).collect();
        quote(&if skip > 0 { format!("…{rest}") } else { rest }, AROUND)
    };
    (cut(a), cut(b))
}

/// Whether what differs are numbers, dates and the like.
fn only_numbers(details: &[Detail]) -> bool {
    let fold = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        let words = text.split(|c: char| !c.is_alphanumeric());
        words
            .map(|w| if w.contains(|c: char| c.is_ascii_digit()) { "0" } else { w })
            .collect::<Vec<_>>()
            .join(" ")
    };
    details.iter().all(|d| fold(&d.before) == fold(&d.after))
}
