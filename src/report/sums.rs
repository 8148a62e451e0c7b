//! The sums of a run in sentences, for reports that have no columns for them.

use crate::base::text::plural;
use crate::model::finding::Finding;
use crate::model::run::{Severities, Tally};

/// `4 targets: 1 complete, 1 partial, 1 failed, 1 not evaluated`.
pub(super) fn targets(tally: &Tally) -> String {
    format!(
        "{}: {} complete, {} partial, {} failed, {} not evaluated",
        plural(tally.targets, "target"),
        tally.complete,
        tally.partial,
        tally.failed,
        tally.not_evaluated
    )
}

/// `14 tools, 0 resources, 0 resource templates, 2 prompts`.
pub(super) fn items(tally: &Tally) -> String {
    format!(
        "{}, {}, {}, {}",
        plural(tally.tools, "tool"),
        plural(tally.resources, "resource"),
        plural(tally.resource_templates, "resource template"),
        plural(tally.prompts, "prompt")
    )
}

/// `3 findings: 1 critical, 2 low; 1 suppressed; 1 makes the run fail`.
pub(super) fn findings(tally: &Tally) -> String {
    let mut text = severities(&tally.findings);
    if tally.suppressed > 0 {
        text.push_str(&format!("; {} suppressed", tally.suppressed));
    }
    match tally.failing {
        0 => {}
        1 => text.push_str("; 1 makes the run fail"),
        n => text.push_str(&format!("; {n} make the run fail")),
    }
    if tally.drifted > 0 {
        text.push_str(&format!("; {} changed", plural(tally.drifted, "target")));
    }
    text
}

fn severities(found: &Severities) -> String {
    match found.found().map(|(_, count)| count).sum() {
        0 => "no findings".to_owned(),
        all => format!("{}: {found}", plural(all, "finding")),
    }
}

/// Those that count, and those that somebody answers for.
pub(super) fn apart(findings: &[Finding]) -> (Vec<&Finding>, Vec<&Finding>) {
    findings.iter().partition(|finding| finding.suppressed.is_none())
}
