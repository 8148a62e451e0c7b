//! How risky something is, in one number that can be explained in one line.
//!
//! The worst finding decides the band: critical from 90, high from 70, medium from 40, low from 10, info from 1.
//! In it, how sure that finding is counts first, then how bad the other rules are that found something, each of
//! them once: forty tools with the same weakness are one weakness. So one more finding never lowers a score, no
//! number of lesser ones reaches the next band, and 100 is the end.

use std::collections::BTreeMap;

use crate::model::finding::{Confidence, Finding, Severity};
use crate::model::inventory::CoverageState;
use crate::model::outcome::{Outcome, Status};
use crate::model::risk::{Risk, ToolRisk};

/// The worst that each rule said: all that a score is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Basis(BTreeMap<String, (Severity, Confidence)>);

impl Basis {
    /// Of those that count.
    pub(super) fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Basis {
        let mut basis = Basis::default();
        findings.into_iter().for_each(|finding| basis.add(finding));
        basis
    }

    /// One more; one that somebody answers for counts for nothing.
    pub(super) fn add(&mut self, finding: &Finding) {
        if finding.suppressed.is_some() {
            return;
        }
        let said = (finding.severity, finding.confidence);
        match self.0.get_mut(&*finding.rule) {
            Some(known) => *known = said.max(*known),
            None => {
                self.0.insert(finding.rule.to_string(), said);
            }
        }
    }
}

/// Where the band of a severity begins, and how far it goes.
const fn band(severity: Severity) -> (u32, u32) {
    match severity {
        Severity::Critical => (90, 10),
        Severity::High => (70, 19),
        Severity::Medium => (40, 29),
        Severity::Low => (10, 29),
        Severity::Info => (1, 8),
    }
}

const fn sure(confidence: Confidence) -> u32 {
    match confidence {
        Confidence::Low => 0,
        Confidence::Medium => 2,
        Confidence::High => 4,
    }
}

const fn adds(severity: Severity) -> u32 {
    match severity {
        Severity::Critical => 5,
        Severity::High => 4,
        Severity::Medium => 2,
        Severity::Low => 1,
        Severity::Info => 0,
    }
}

/// The score, and how it comes about.
pub(super) fn score_of(basis: &Basis) -> (u8, String) {
    // Of equals, the first by name.
    let worst = basis.0.iter().rev().max_by_key(|(_, said)| **said);
    let Some((rule, (severity, confidence))) = worst else { return (0, "nothing found".to_owned()) };
    let (from, room) = band(*severity);
    let others: u32 = basis.0.iter().filter(|(other, _)| *other != rule).map(|(_, (s, _))| adds(*s)).sum();
    let more = (sure(*confidence) + others).min(room);
    let count = basis.0.len() - 1;
    let mut why = format!("{rule} is {severity} with {} confidence", name(*confidence));
    match count {
        0 => {}
        1 => why.push_str(", 1 other rule found something"),
        n => why.push_str(&format!(", {n} other rules found something")),
    }
    ((from + more) as u8, why)
}

const fn name(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// What `outcome`, whose findings are final, risks; nothing where too little is known to say so.
pub(crate) fn risk(outcome: &Outcome) -> Option<Risk> {
    if !outcome.is_known() {
        return None;
    }
    let whole = outcome.status == Status::Complete;
    let basis = Basis::of(&outcome.findings);
    let (score, mut why) = score_of(&basis);
    // Nothing found in half a listing is no praise.
    if !whole && score == 0 {
        return None;
    }
    if !whole {
        why.push_str(&format!("; at least, as {}", unknown(outcome)));
    }
    Some(Risk { score, why, tools: tools(outcome) })
}

fn unknown(outcome: &Outcome) -> String {
    let cut = outcome.inventory.coverage.iter().filter(|c| {
        matches!(c.state, CoverageState::Failed | CoverageState::Truncated | CoverageState::Skipped)
    });
    let lists: Vec<&str> = cut.map(|c| c.phase.method()).collect();
    match lists.as_slice() {
        [] => "it was not listed to the end".to_owned(),
        lists => format!("{} did not come to the end", lists.join(", ")),
    }
}

fn tools(outcome: &Outcome) -> Vec<ToolRisk> {
    let mut of: BTreeMap<usize, Basis> = BTreeMap::new();
    for finding in outcome.findings.iter().filter(|f| f.suppressed.is_none()) {
        let place = finding.pointer.strip_prefix("/tools/").and_then(|rest| rest.split('/').next());
        if let Some(index) = place.and_then(|index| index.parse().ok()) {
            of.entry(index).or_default().add(finding);
        }
    }
    let mut tools: Vec<ToolRisk> = of
        .into_iter()
        .map(|(index, basis)| {
            let (score, why) = score_of(&basis);
            let name = outcome.inventory.tools.get(index).and_then(|tool| tool.string("name"));
            ToolRisk { name: name.unwrap_or_default(), pointer: format!("/tools/{index}"), score, why }
        })
        .collect();
    tools.sort_by_key(|tool| std::cmp::Reverse(tool.score));
    tools
}
