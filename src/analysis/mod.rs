//! Judging what a server offers: plain functions from an inventory to findings.
//!
//! [`rules::RULES`] is the one table. An item is read once, into a flat [`tree`]; what several rules need of it
//! (the words of its texts, the problems of its schemas) is worked out when the first one asks. Work and memory
//! are bounded by the size of an item, findings by number.
//!
//! Only what a listing shows is judged. What a server's code does is not assessed here, and silence about it
//! is no praise.
//!
//! Invariant: no I/O in this module, no clock but the one that [`judge`] reads, nothing follows a reference.

mod capability;
mod digest;
pub(crate) mod drift;
mod hits;
mod item;
mod names;
pub(crate) mod options;
mod phrases;
mod poison;
#[cfg(test)]
mod property_tests;
pub(crate) mod rules;
mod schema;
mod signals;
mod surface;
#[cfg(test)]
mod tests;
mod tree;
mod unicode;
mod words;

use std::time::Instant;

use crate::model::finding::Finding;
use crate::model::inventory::{Inventory, List};
use crate::model::outcome::{EndpointView, Outcome, Posture, Status};
use crate::model::secret::Secret;
use crate::model::target::{Endpoint, Target};

use hits::{Findings, Subject};
use item::{Item, Kind};
use options::Policy;
use rules::{Check, RULES, Rule};

/// What is known of a server besides its inventory.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// Its name in the report.
    pub name: &'a str,
    /// How it is reached.
    pub endpoint: &'a Endpoint,
    /// The same, as it may be shown.
    pub view: &'a EndpointView,
    /// Secrets that variables brought into its entry.
    pub expanded: &'a [Secret],
    /// How it guards itself.
    pub posture: Posture,
}

/// Judges `outcome`, whether it was just learnt or comes from a cache. Where nothing was learnt of the server,
/// nothing is judged.
pub(crate) fn judge(target: &Target, outcome: &mut Outcome, policy: &Policy) {
    let begun = Instant::now();
    outcome.findings = match outcome.status {
        Status::Failed | Status::NotEvaluated => Vec::new(),
        Status::Complete | Status::Partial => {
            let facts = Facts {
                name: &outcome.name,
                endpoint: &target.endpoint,
                view: &outcome.endpoint,
                expanded: &target.expanded,
                posture: outcome.auth.posture,
            };
            assess(&facts, &outcome.inventory, policy)
        }
    };
    let ms = (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    // A remembered answer took what it took then.
    if outcome.cached.is_none() && outcome.saved.is_none() {
        outcome.timing.analysis_ms = ms;
        outcome.timing.total_ms += ms;
    }
}

/// Everything the rules that `policy` wants have to say, worst first.
pub(crate) fn assess(facts: &Facts<'_>, inventory: &Inventory, policy: &Policy) -> Vec<Finding> {
    let wanted: Vec<(usize, &Rule)> =
        RULES.iter().copied().enumerate().filter(|(_, rule)| rule.switch.on(policy)).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut findings = Findings::new(facts.name);
    let mut seen = names::Seen::default();
    for list in List::ALL {
        for (index, json) in inventory.items(list).iter().enumerate() {
            let item = Item::of(list, index, json, policy.depth);
            one(&item, &wanted, &mut seen, &mut findings);
        }
    }
    if let Some(server) = &inventory.server {
        one(&Item::server(server, policy.depth), &wanted, &mut seen, &mut findings);
    }
    if let Some(text) = &inventory.instructions {
        one(&Item::instructions(text, policy.depth), &wanted, &mut seen, &mut findings);
    }
    // Last: how exposed a server is depends on what it can do.
    for (number, rule) in &wanted {
        if let Check::Target(check) = rule.check {
            let subject = Subject { kind: "target", name: "", place: ("", None) };
            check(facts, &mut findings.of(*number, subject));
        }
    }
    findings.finish()
}

fn one(item: &Item<'_>, wanted: &[(usize, &Rule)], seen: &mut names::Seen, findings: &mut Findings) {
    let kind = match item.kind {
        Kind::Tool => "tool",
        Kind::Resource => "resource",
        Kind::Prompt => "prompt",
        Kind::Server => "server",
    };
    let subject = Subject { kind, name: item.name(), place: item.place };
    for (number, rule) in wanted {
        let hits = &mut findings.of(*number, subject);
        match (&rule.check, item.kind) {
            (Check::Item(check), _) => check(item, hits),
            (Check::Repeats, Kind::Tool) => seen.add(item, item.place.1.unwrap_or(0), hits),
            (Check::Repeats | Check::Target(_) | Check::Fleet | Check::Drift, _) => {}
        }
    }
}
