//! What is different about a target since the last time: a comparison of two outcomes, without either of them.
//!
//! A [`Glance`] is what is kept of an outcome: names and hashes, no inventory. What could not be learnt this time
//! is taken over from the time before, so that a server that was away for a while is compared with what it was.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use serde::Serialize;
use serde_json::Value;

use super::finding::Finding;
use super::inventory::{CoverageState, Json, List};
use super::outcome::{Outcome, Posture, Status};
use crate::base::text::quote;

/// Characters of one name in a line.
const NAME_MAX: usize = 60;
/// Names of one kind in a line for people.
const MOST_NAMES: usize = 20;

/// What is kept of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    status: &'static str,
    failure: Option<&'static str>,
    endpoint: String,
    protocol: Option<String>,
    version: Option<String>,
    posture: Option<Posture>,
    /// By name, the hash of all that carry it; absent where the list was not read to its end.
    lists: [Option<BTreeMap<String, u64>>; 4],
    /// By fingerprint, what to call it; absent where not all was judged.
    findings: Option<BTreeMap<String, String>>,
}

/// One difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What differs: a field of the report's target, or `target` itself.
    pub what: &'static str,
    /// What it was, where it is one value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// New entries, where it is a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Entries that are gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Entries of the same name that are not the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
}

impl Change {
    /// A target that was not there before.
    pub fn new_target(outcome: &Outcome) -> Change {
        Change { what: "target", to: Some(outcome.status.name().to_owned()), ..Change::default() }
    }
}

impl Glance {
    /// Looks at `outcome`, of which not all may be known.
    pub fn at(outcome: &Outcome, hasher: &RandomState) -> Glance {
        let inventory = &outcome.inventory;
        let reached = inventory.protocol.is_some();
        let list = |list: List| {
            let ended = |state| matches!(state, CoverageState::Complete | CoverageState::Unsupported);
            let row = inventory.coverage_of(list).filter(|row| ended(row.state))?;
            (row.phase == list).then(|| named(inventory.items(list).iter().map(|i| item(list, i, hasher))))
        };
        let finding = |f: &Finding| (f.fingerprint.clone(), format!("{} ({})", f.rule, f.severity));
        let text = |key| inventory.server.as_ref().and_then(|server| server.string(key));
        Glance {
            status: outcome.status.name(),
            failure: outcome.failure.as_ref().map(|f| f.kind.name()),
            endpoint: outcome.endpoint.line(),
            protocol: inventory.protocol.as_ref().map(|p| p.version.clone()),
            version: reached.then(|| {
                let parts: Vec<String> = [text("name"), text("version")].into_iter().flatten().collect();
                quote(&parts.join(" "), 2 * NAME_MAX)
            }),
            posture: Some(outcome.auth.posture).filter(|p| *p != Posture::Unknown),
            lists: List::ALL.map(list),
            findings: (outcome.status == Status::Complete)
                .then(|| outcome.findings.iter().filter(|f| !is_news(f)).map(finding).collect()),
        }
    }

    /// This look, with what it lacks taken from the one `before`.
    pub fn over(self, before: Glance) -> Glance {
        let mut earlier = before.lists.into_iter();
        Glance {
            protocol: self.protocol.or(before.protocol),
            version: self.version.or(before.version),
            posture: self.posture.or(before.posture),
            lists: self.lists.map(|list| list.or(earlier.next().flatten())),
            findings: self.findings.or(before.findings),
            ..self
        }
    }

    /// What is different since `before`.
    pub fn since(&self, before: &Glance) -> Vec<Change> {
        let owned = |word: &str| Some(word.to_owned());
        let posture = |p: Option<Posture>| p.map(|p| format!("{p:?}").to_lowercase());
        let values = [
            ("status", owned(before.status), owned(self.status)),
            ("failure", before.failure.and_then(owned), self.failure.and_then(owned)),
            ("endpoint", Some(before.endpoint.clone()), Some(self.endpoint.clone())),
            ("protocol", before.protocol.clone(), self.protocol.clone().or(before.protocol.clone())),
            ("server", before.version.clone(), self.version.clone().or(before.version.clone())),
            ("auth", posture(before.posture), posture(self.posture.or(before.posture))),
        ];
        let mut changes: Vec<Change> = values
            .into_iter()
            .filter(|(_, from, to)| from != to)
            .map(|(what, from, to)| Change { what, from, to, ..Change::default() })
            .collect();
        let lists = List::ALL.into_iter().zip(self.lists.iter().zip(&before.lists));
        for (list, (now, then)) in lists {
            if let (Some(now), Some(then)) = (now, then)
                && now != then
            {
                changes.push(listed(list.field(), then, now));
            }
        }
        if let (Some(now), Some(then)) = (&self.findings, &before.findings)
            && now != then
        {
            changes.push(judged(then, now));
        }
        changes
    }
}

/// That something changed is no property of a server: it is over in the next round.
fn is_news(finding: &Finding) -> bool {
    finding.rule.starts_with("HK-RUG")
}

impl fmt::Display for Change {
    /// For people: `tools +delete_file -read ~search`, `status complete -> failed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |v: &Option<String>| v.as_deref().map_or("-".to_owned(), |v| quote(v, 2 * NAME_MAX));
        f.write_str(self.what)?;
        for (sign, names) in [('+', &self.added), ('-', &self.removed), ('~', &self.changed)] {
            for name in names.iter().take(MOST_NAMES) {
                write!(f, " {sign}{}", quote(name, NAME_MAX))?;
            }
            if let Some(more) = names.len().checked_sub(MOST_NAMES).filter(|more| *more > 0) {
                write!(f, " {sign}({more} more)")?;
            }
        }
        match (&self.from, &self.to) {
            (None, None) => Ok(()),
            (None, Some(_)) if self.what == "target" => write!(f, " is new: {}", value(&self.to)),
            (from, to) => write!(f, " {} -> {}", value(from), value(to)),
        }
    }
}

fn listed(what: &'static str, then: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Change {
    let without = |a: &BTreeMap<String, u64>, b: &BTreeMap<String, u64>| {
        a.keys().filter(|name| !b.contains_key(*name)).cloned().collect()
    };
    let other = |(name, hash): &(&String, &u64)| then.get(*name).is_some_and(|h| h != *hash);
    Change {
        what,
        added: without(now, then),
        removed: without(then, now),
        changed: now.iter().filter(other).map(|(name, _)| name.clone()).collect(),
        ..Change::default()
    }
}

/// A finding goes by its rule; one that is graded anew is new, and the old one gone.
fn judged(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Change {
    let without = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
        let mut only: Vec<String> =
            a.iter().filter(|(id, name)| b.get(*id) != Some(name)).map(|(_, name)| name.clone()).collect();
        only.sort();
        only
    };
    Change { what: "findings", added: without(now, then), removed: without(then, now), ..Change::default() }
}

/// Several of one name count as one that is all of them, in any order.
fn named(all: impl Iterator<Item = (String, u64)>) -> BTreeMap<String, u64> {
    let mut by_name: BTreeMap<String, u64> = BTreeMap::new();
    for (name, hash) in all {
        let sum = by_name.entry(name).or_default();
        *sum = sum.wrapping_add(hash);
    }
    by_name
}

/// An item's name, and a hash that does not depend on the order of its members.
fn item(list: List, item: &Json, hasher: &RandomState) -> (String, u64) {
    let name = quote(&item.string(list.name_key()).unwrap_or_else(|| "(no name)".to_owned()), 4 * NAME_MAX);
    let hash = match serde_json::from_str::<Value>(item.text()) {
        Ok(value) => hasher.hash_one(value.to_string()),
        Err(_) => hasher.hash_one(item.text()),
    };
    (name, hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::{Coverage, Inventory, Protocol};
    use crate::model::outcome::{Auth, EndpointView, Failure, FailureKind, Phase, Status};
    use crate::model::revision::Era;

    fn outcome(tools: &[&str]) -> Outcome {
        let coverage = |phase| Coverage {
            phase,
            state: CoverageState::Complete,
            items: 0,
            pages: 1,
            bytes: 0,
            ms: 0.0,
            reason: None,
        };
        let json = |text: &str| Json::parse(text.to_owned()).unwrap();
        Outcome {
            endpoint: EndpointView { url: Some("http://h/".into()), ..EndpointView::default() },
            status: Status::Complete,
            inventory: Inventory {
                protocol: Some(Protocol { version: "2025-11-25".into(), era: Era::Handshake }),
                server: Some(json(r#"{"name":"s","version":"1"}"#)),
                tools: tools.iter().map(|tool| json(tool)).collect(),
                coverage: List::ALL.map(coverage).into(),
                ..Inventory::default()
            },
            auth: Auth { posture: Posture::None, ..Auth::default() },
            attempts: 1,
            ..Outcome::unknown("t")
        }
    }

    fn away() -> Outcome {
        let failure =
            Failure { kind: FailureKind::Timeout, phase: Phase::Initialize, message: "late".into() };
        Outcome {
            status: Status::Failed,
            failure: Some(failure),
            inventory: Inventory::default(),
            auth: Auth::default(),
            ..outcome(&[])
        }
    }

    /// The lines of what differs, from each look to the next.
    fn told(looks: &[Outcome]) -> Vec<Vec<String>> {
        let hasher = RandomState::new();
        let mut before = Glance::at(&looks[0], &hasher);
        let next = |outcome: &Outcome| {
            let now = Glance::at(outcome, &hasher);
            let changes = now.since(&before).iter().map(ToString::to_string).collect();
            before = now.over(before.clone());
            changes
        };
        looks[1..].iter().map(next).collect()
    }

    #[test]
    fn items_are_compared_by_name_and_whatever_the_order() {
        let first = outcome(&[r#"{"name":"read"}"#, r#"{"name":"search","x":1,"y":2}"#, r#"{"name":"a"}"#]);
        let same = outcome(&[r#"{"name":"a"}"#, r#"{"y":2,"x":1,"name":"search"}"#, r#"{"name":"read"}"#]);
        let other =
            outcome(&[r#"{"name":"a"}"#, r#"{"name":"search","x":2}"#, r#"{"name":"delete\u001b[2J"}"#]);
        assert_eq!(
            told(&[first, same, other]),
            [vec![], vec!["tools +delete\\u{1b}[2J -read ~search".to_owned()]]
        );
    }

    #[test]
    fn a_server_that_comes_back_is_compared_with_what_it_was() {
        let mut changed = outcome(&[r#"{"name":"b"}"#]);
        changed.inventory.server = Json::parse(r#"{"name":"s","version":"2"}"#.to_owned());
        let looks = [outcome(&[r#"{"name":"a"}"#]), away(), away(), changed];
        assert_eq!(
            told(&looks),
            [
                vec!["status complete -> failed".to_owned(), "failure - -> timeout".to_owned()],
                vec![],
                vec![
                    "status failed -> complete".to_owned(),
                    "failure timeout -> -".to_owned(),
                    "server s 1 -> s 2".to_owned(),
                    "tools +b -a".to_owned()
                ],
            ]
        );
    }

    #[test]
    fn a_list_that_was_cut_off_tells_nothing_about_what_is_gone() {
        let mut cut = outcome(&[]);
        cut.inventory.coverage[0].state = CoverageState::Truncated;
        assert_eq!(told(&[outcome(&[r#"{"name":"a"}"#]), cut]), [vec![""; 0]]);
    }

    #[test]
    fn two_of_one_name_are_told_apart_from_one() {
        let (one, two) = (r#"{"name":"a"}"#, r#"{"name":"a","x":1}"#);
        let looks = [outcome(&[one, two]), outcome(&[two, one]), outcome(&[one])];
        assert_eq!(told(&looks), [vec![], vec!["tools ~a".to_owned()]]);
    }

    #[test]
    fn a_line_stays_a_line_however_much_changed() {
        let many: Vec<String> = (0..500).map(|i| format!("{{\"name\":\"t{i:03}\"}}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let told = told(&[outcome(&[]), outcome(&many)]);
        assert!(told[0][0].ends_with("+t019 +(480 more)"), "{told:?}");
    }
}
