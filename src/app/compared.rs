//! The servers of two reports, brought together and compared.

use crate::analysis::drift::{self, Found};
use crate::model::comparison::{Comparison, Fate, Server, Summary};
use crate::model::drift::{Detail, Difference, How, Part};
use crate::model::outcome::Outcome;
use crate::model::same::partners;

use super::sides::Side;

/// The version of what `diff --format json` writes. Additions leave it as it is.
const SCHEMA_VERSION: u32 = 1;

/// What is different between `before` and `after`.
pub(super) fn compare(before: Side, after: Side) -> Comparison {
    let partners = partners(&before.outcomes, &after.outcomes);
    let mut summary = Summary::default();
    let mut servers = Vec::new();
    let mut met = vec![false; before.outcomes.len()];
    for (now, partner) in after.outcomes.iter().zip(partners) {
        let then = partner.map(|at| {
            met[at] = true;
            &before.outcomes[at]
        });
        match then {
            None if !before.whole => servers.push(only_here(now, &mut summary)),
            then => servers.extend(one(then, now, &mut summary)),
        }
    }
    for gone in before.outcomes.iter().zip(met).filter(|(_, met)| !met).map(|(outcome, _)| outcome) {
        if !after.whole {
            servers.push(only_here(gone, &mut summary));
            continue;
        }
        summary.removed += 1;
        let name = gone.name.clone();
        servers.push(Server { name, name_before: None, change: Fate::Removed, changes: Vec::new() });
    }
    let (before, after) = (before.origin, after.origin);
    Comparison { schema_version: SCHEMA_VERSION, before, after, summary, servers }
}

/// A server of one side, where the other side may have had it as well.
fn only_here(server: &Outcome, summary: &mut Summary) -> Server {
    summary.unknown += 1;
    Server { name: server.name.clone(), name_before: None, change: Fate::Unknown, changes: Vec::new() }
}

fn one(then: Option<&Outcome>, now: &Outcome, summary: &mut Summary) -> Option<Server> {
    let name = now.name.clone();
    let Some(then) = then else {
        summary.added += 1;
        return Some(Server { name, name_before: None, change: Fate::Added, changes: Vec::new() });
    };
    let mut changes: Vec<Difference> =
        drift::compare(then, now, &drift::FULL).into_iter().map(Found::into_difference).collect();
    let reached = |outcome: &Outcome| {
        outcome.inventory.protocol.is_some() || outcome.inventory.coverage.iter().any(|row| row.pages > 0)
    };
    let known = reached(then) && reached(now);
    // A listing that was saved raw, or a baseline, was judged by nobody; what was asked was, if it is good as well.
    let judged =
        |outcome: &Outcome| !outcome.findings.is_empty() || outcome.saved.is_none() || outcome.attempts > 0;
    if known && judged(then) && judged(now) {
        changes.extend(drift::compare_findings(then, now));
    }
    if then.status != now.status {
        changes.insert(0, status(then, now));
    }
    let name_before = (then.name != now.name).then(|| then.name.clone());
    let change = if known { Fate::Changed } else { Fate::Unknown };
    match change {
        Fate::Unknown => summary.unknown += 1,
        _ if changes.is_empty() && name_before.is_none() => {
            summary.same += 1;
            return None;
        }
        _ => summary.changed += 1,
    }
    Some(Server { name, name_before, change, changes })
}

fn status(then: &Outcome, now: &Outcome) -> Difference {
    let word = |outcome: &Outcome| Some(outcome.status.name().to_owned());
    let details = vec![Detail { pointer: String::new(), before: word(then), after: word(now) }];
    let pointer = Some("/status".to_owned());
    Difference { what: Part::Status, name: String::new(), change: How::Changed, pointer, details }
}
