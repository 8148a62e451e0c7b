//! What went wrong in a run, in a line or two: for those who read nothing else of it, such as cron's mail.

use crate::base::text::{plural, quote};
use crate::config::yaml_text;
use crate::model::client::Client;
use crate::model::fail_on::FailOn;
use crate::model::finding::Finding;
use crate::model::outcome::{Outcome, Status};
use crate::model::run::Tally;

/// Servers, and findings, named in a line.
const MOST: usize = 3;
/// Characters of a server's name.
const NAME_MAX: usize = 60;

/// The first servers that are not complete or have changed, and the first findings that fail the run.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    incomplete: Vec<String>,
    changed: Vec<String>,
    failing: Vec<String>,
}

impl Trouble {
    /// Looks at a result.
    pub(super) fn note(&mut self, outcome: &Outcome) {
        self.note_findings(&outcome.findings, &outcome.name, Some(&outcome.name));
        if outcome.drift.as_ref().is_some_and(|drift| !drift.changes.is_empty()) && self.changed.len() < MOST
        {
            self.changed.push(quote(&outcome.name, NAME_MAX));
        }
        if outcome.status == Status::Complete || self.incomplete.len() == MOST {
            return;
        }
        let name = quote(&outcome.name, NAME_MAX);
        self.incomplete.push(match &outcome.failure {
            Some(f) if f.kind.name() == f.phase.name() => format!("{name}: {}", f.kind.name()),
            Some(f) => format!("{name}: {} in {}", f.kind.name(), f.phase.name()),
            None => format!("{name}: {}", outcome.status.name()),
        });
    }

    /// Looks at what there is to be said of servers together.
    pub(super) fn note_client(&mut self, client: &Client) {
        self.note_findings(&client.findings, &client.name, None);
    }

    /// With `-v`, an entry for a file of suppressions is told of each finding that fails: its owner, reason and
    /// day are for people to fill in. What is found of several servers together is no one `server`'s.
    fn note_findings(&mut self, findings: &[Finding], name: &str, server: Option<&str>) {
        for finding in findings.iter().filter(|f| f.fails) {
            let Finding { rule, fingerprint, .. } = finding;
            if self.failing.len() < MOST {
                self.failing.push(format!("{rule} on {}", quote(name, NAME_MAX)));
            }
            let server = server.map_or_else(String::new, |name| format!("server: {}, ", yaml_text(name)));
            log::info!(
                "to suppress it: - {{fingerprint: \"{fingerprint}\", rule: {rule}, {server}owner: , reason: , expires: }}"
            );
        }
    }

    /// The lines, if anything is to be said; a change is none where it does not fail the run.
    pub(super) fn lines(&self, tally: &Tally, fail_on: &FailOn) -> Vec<String> {
        let named = |names: &[String], all: usize| match all - names.len() {
            0 => names.join("; "),
            n => format!("{}; {n} more", names.join("; ")),
        };
        let mut lines = Vec::new();
        if tally.failing > 0 {
            let verb = if tally.failing == 1 { "fails" } else { "fail" };
            let findings = plural(tally.failing, "finding");
            lines.push(format!("{findings} {verb} ({})", named(&self.failing, tally.failing)));
        }
        if fail_on.drift && tally.drifted > 0 {
            let have = if tally.drifted == 1 { "server has" } else { "servers have" };
            let all = tally.drifted;
            lines.push(format!("{all} {have} changed ({})", named(&self.changed, all)));
        }
        let incomplete = tally.targets - tally.complete;
        if incomplete > 0 {
            let servers = plural(tally.targets, "server");
            lines.push(format!(
                "{incomplete} of {servers} incomplete ({})",
                named(&self.incomplete, incomplete)
            ));
        }
        lines
    }
}
