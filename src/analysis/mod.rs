//! Judging what a server offers: plain functions from an inventory to findings.
//!
//! [`rules::RULES`] is the one table. An item is read once, into a flat [`tree`]; what several rules need of it
//! (the words of its texts, the problems of its schemas) is worked out when the first one asks. Work and memory
//! are bounded by the size of an item, findings by number.
//!
//! | file | what it holds |
//! |---|---|
//! | `rules`, `selection`, `custom`, `hits`, `digest`, `score` | the table; which hold; people's own; finding, naming, summing up |
//! | `item`, `tree` | one thing offered, and its JSON |
//! | `charset`, `chunk`, `decode`, `fold`, `quick`, `words` | text as words, whatever it is disguised as |
//! | `frames`, `lexicon`, `plan`, `roles`, `signals`, `wording` | what words, and words together, are about |
//! | `poison`, `neighbours`, `outward`, `deeds`, `capability`, `parameters` | what a tool wants, and what it can do |
//! | `secrets`, `exposure`, `unicode`, `lookalikes`, `names`, `famous` | what is written down, hidden or imitated |
//! | `schema`, `sense`, `patterns`, `census` | whether schemas are right, and say enough |
//! | `surface`, `pins` | how a server is reached and started |
//! | `fleet`, `drift`, `cloak` | servers together; then and now; asked one way and another |
//!
//! Only what a listing shows is judged. What a server's code does is not assessed here, and silence about it
//! is no praise.
//!
//! Invariant: no I/O in this module, no clock but the one that [`judge`] reads, nothing follows a reference.

mod capability;
mod census;
mod charset;
mod chunk;
pub(crate) mod cloak;
mod custom;
#[cfg(test)]
mod custom_tests;
mod decode;
mod deeds;
mod digest;
#[cfg(test)]
mod disguise_tests;
pub(crate) mod drift;
mod exposure;
mod famous;
pub(crate) mod fleet;
mod fold;
mod frames;
mod hits;
mod item;
mod lexicon;
mod lookalikes;
mod names;
mod neighbours;
pub(crate) mod options;
mod outward;
mod parameters;
mod patterns;
mod pins;
mod plan;
mod poison;
#[cfg(test)]
mod property_tests;
mod quick;
mod roles;
pub(crate) mod rules;
mod schema;
pub(crate) mod score;
mod secrets;
pub(crate) mod selection;
mod sense;
mod signals;
mod surface;
#[cfg(test)]
mod tests;
mod tree;
#[cfg(test)]
mod twins;
mod unicode;
mod wording;
mod words;

use std::time::Instant;

use crate::model::finding::{Finding, worst_first};
use crate::model::inventory::{Inventory, List};
use crate::model::notes::Note;
use crate::model::outcome::{Auth, EndpointView, Failure, FailureKind, Outcome, Posture};
use crate::model::secret::Secret;
use crate::model::target::{Endpoint, Target};

use custom::Own;
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
    pub auth: &'a Auth,
    /// Deviations from the protocol that were tolerated.
    pub notes: &'a [Note],
    /// What cut the conversation short.
    pub failure: Option<&'a Failure>,
}

/// Judges `outcome`, whether it was just learnt or comes from a cache. Where nothing was learnt of the server,
/// nothing is judged; that it refused, or could not be trusted, is something.
pub(crate) fn judge(target: &Target, outcome: &mut Outcome, policy: &Policy) {
    let begun = Instant::now();
    let refused = outcome.auth.posture != Posture::Unknown;
    let untrusted = outcome.failure.as_ref().is_some_and(|f| f.kind == FailureKind::Tls);
    outcome.findings = match outcome.is_known() || refused || untrusted {
        false => Vec::new(),
        true => {
            let facts = Facts {
                name: &outcome.name,
                endpoint: &target.endpoint,
                view: &outcome.endpoint,
                expanded: &target.expanded,
                auth: &outcome.auth,
                notes: &outcome.notes,
                failure: outcome.failure.as_ref(),
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
    // What is switched off must not make anything else worse, either.
    let on = |rule: &Rule| rule.switch.on(policy) && !policy.selection.is_off(rule.id);
    let wanted: Vec<(usize, &Rule)> =
        RULES.iter().copied().enumerate().filter(|(_, rule)| on(rule)).collect();
    let mut own = Own::new(facts.name, policy.selection.own());
    if wanted.is_empty() && own.is_empty() {
        return Vec::new();
    }
    let mut findings = Findings::new(facts.name);
    let mut seen = names::Seen::default();
    let mut neighbours = neighbours::Neighbours::default();
    let mentions = wanted.iter().any(|(_, rule)| matches!(rule.check, Check::Mentions(_)));
    for list in List::ALL {
        for (index, json) in inventory.items(list).iter().enumerate() {
            let item = Item::of(list, index, json, policy.depth);
            one(&item, &wanted, &mut seen, &mut findings);
            if mentions {
                neighbours.add(&item);
            }
            own.look(&item);
        }
    }
    if let Some(server) = &inventory.server {
        let item = Item::server(server, policy.depth);
        one(&item, &wanted, &mut seen, &mut findings);
        own.look(&item);
    }
    if let Some(text) = &inventory.instructions {
        let item = Item::instructions(text, policy.depth);
        one(&item, &wanted, &mut seen, &mut findings);
        own.look(&item);
    }
    neighbours.tell(&wanted, &mut findings);
    // Last: how exposed a server is depends on what it can do.
    for (number, rule) in &wanted {
        if let Check::Target(check) | Check::Both(_, check) = rule.check {
            let subject = Subject { kind: "target", name: "", place: ("", None) };
            check(facts, &mut findings.of(*number, subject));
        }
    }
    let mut findings = findings.finish();
    findings.extend(own.finish());
    worst_first(&mut findings);
    policy.selection.apply(&mut findings);
    findings
}

fn one(item: &Item<'_>, wanted: &[(usize, &Rule)], seen: &mut names::Seen, findings: &mut Findings) {
    let kind = match item.kind {
        Kind::Tool => "tool",
        Kind::Resource => "resource",
        Kind::Prompt => "prompt",
        Kind::Server => "server",
    };
    let subject = Subject { kind, name: item.name(), place: item.place };
    findings.census.add(item);
    for (number, rule) in wanted {
        let hits = &mut findings.of(*number, subject);
        match (&rule.check, item.kind) {
            (Check::Item(check) | Check::Both(check, _), _) => check(item, hits),
            (Check::Repeats, Kind::Tool) => seen.add(item, item.place.1.unwrap_or(0), hits),
            (Check::Repeats | Check::Mentions(_) | Check::Target(_) | Check::Fleet | Check::Drift, _) => {}
        }
    }
}
