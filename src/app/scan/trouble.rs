//! What went wrong in a run, in one line: for those who read nothing else of it, such as cron's mail.

use crate::base::text::quote;
use crate::model::outcome::{Outcome, Status};
use crate::model::run::Tally;

/// Servers named in the line.
const MOST: usize = 3;
/// Characters of a server's name.
const NAME_MAX: usize = 60;

/// The first servers that are not complete.
#[derive(Debug, Default)]
pub(in crate::app) struct Trouble(Vec<String>);

impl Trouble {
    /// Looks at a result.
    pub(in crate::app) fn note(&mut self, outcome: &Outcome) {
        if outcome.status == Status::Complete || self.0.len() == MOST {
            return;
        }
        let name = quote(&outcome.name, NAME_MAX);
        self.0.push(match &outcome.failure {
            Some(f) if f.kind.name() == f.phase.name() => format!("{name}: {}", f.kind.name()),
            Some(f) => format!("{name}: {} in {}", f.kind.name(), f.phase.name()),
            None => format!("{name}: {}", outcome.status.name()),
        });
    }

    /// The line, if anything is to be said.
    pub(in crate::app) fn line(&self, tally: &Tally) -> Option<String> {
        let incomplete = tally.targets - tally.complete;
        let more = match incomplete - self.0.len() {
            0 => String::new(),
            n => format!("; {n} more"),
        };
        let servers = if tally.targets == 1 { "server" } else { "servers" };
        let line = || {
            let all = tally.targets;
            format!("{incomplete} of {all} {servers} incomplete ({}{more})", self.0.join("; "))
        };
        (incomplete > 0).then(line)
    }
}
