//! What went wrong in a run, in a line or two: for those who read nothing else of it, such as cron's mail.

use crate::base::text::{plural, quote};
use crate::model::client::Client;
use crate::model::finding::Finding;
use crate::model::outcome::{Outcome, Status};
use crate::model::run::Tally;

/// Servers, and findings, named in a line.
const MOST: usize = 3;
/// Characters of a server's name.
const NAME_MAX: usize = 60;
/// Findings for which there is a suppression to be had.
const MOST_OFFERED: usize = 20;

/// The first servers that are not complete, and the first findings that fail the run.
#[derive(Debug, Default)]
pub(in crate::app) struct Trouble {
    incomplete: Vec<String>,
    failing: Vec<String>,
    offered: usize,
}

impl Trouble {
    /// Looks at a result.
    pub(in crate::app) fn note(&mut self, outcome: &Outcome) {
        self.note_findings(&outcome.findings, &outcome.name);
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
    pub(in crate::app) fn note_client(&mut self, client: &Client) {
        self.note_findings(&client.findings, &client.name);
    }

    /// With `-v`, an entry for a file of suppressions is told of each finding that fails: its owner, reason and
    /// day are for people to fill in.
    fn note_findings(&mut self, findings: &[Finding], name: &str) {
        for finding in findings.iter().filter(|f| f.fails) {
            let Finding { rule, fingerprint, .. } = finding;
            if self.failing.len() < MOST {
                self.failing.push(format!("{rule} on {}", quote(name, NAME_MAX)));
            }
            if self.offered < MOST_OFFERED {
                self.offered += 1;
                let server = serde_json::Value::from(name);
                log::info!(
                    "to suppress it: - {{fingerprint: \"{fingerprint}\", rule: {rule}, server: {server}, owner: , reason: , expires: }}"
                );
            }
        }
    }

    /// The lines, if anything is to be said.
    pub(in crate::app) fn lines(&self, tally: &Tally) -> Vec<String> {
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
