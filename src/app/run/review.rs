//! What is said of a target beyond its own inventory: compared with earlier, weighed by the policy, seen beside
//! the other servers of its clients. In this order, for each outcome once, before anybody is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::analysis::fleet::Fleet;
use crate::analysis::options::Selection;
use crate::analysis::score;
use crate::base::time::rfc3339;
use crate::config::Settings;
use crate::gate::{Gate, Server};
use crate::model::client::Client;
use crate::model::finding::Finding;
use crate::model::outcome::Outcome;
use crate::model::run::Tally;

use super::past::Past;

/// Everything that lies between a judged outcome and the report.
pub(in crate::app) struct Review<'a> {
    /// What outcomes are compared with; nothing where nothing is known.
    pub(in crate::app) past: Option<&'a mut Past>,
    /// Whether other runs are about the other servers of the same list: then nothing is said of servers together,
    /// and not that a suppression is for none of them.
    pub(super) part: bool,
    /// Whether risk is judged at all: else there is no score, and no finding about several servers.
    risk: bool,
    fleet: Fleet,
    selection: Arc<Selection>,
    gate: Gate,
    /// What the policy goes by, for findings about several servers; only where one needs it.
    servers: HashMap<String, Server>,
    tally: Tally,
}

impl Review<'_> {
    /// As `settings` say, today.
    pub(super) fn new(settings: &Settings) -> Self {
        let now = rfc3339(SystemTime::now());
        Review {
            past: None,
            part: false,
            selection: settings.assessment.selection.clone(),
            gate: Gate::new(&settings.gate, now.get(..10).unwrap_or_default()),
            servers: HashMap::new(),
            risk: settings.assessment.risk,
            fleet: Fleet::new(&settings.assessment, settings.approved.clone()),
            tally: Tally::default(),
        }
    }

    /// Completes `outcome`, and counts it.
    pub(in crate::app) fn outcome(&mut self, outcome: &mut Outcome) {
        if let Some(past) = &mut self.past {
            past.compare(outcome);
        }
        self.weigh(outcome);
        outcome.risk = if self.risk { score::risk(outcome) } else { None };
        self.count(outcome);
    }

    /// The same for `outcome` that was judged elsewhere, and perhaps compared there: that is left as it is.
    pub(in crate::app) fn judged(&mut self, outcome: &mut Outcome) {
        let compared = outcome.drift.is_some().then(|| (outcome.drift.clone(), outcome.findings.clone()));
        if let Some(past) = &mut self.past {
            past.compare(outcome);
        }
        if let Some((drift, findings)) = compared {
            (outcome.drift, outcome.findings) = (drift, findings);
        }
        self.weigh(outcome);
        // Where nothing was judged there is no score, whatever is in force here.
        outcome.risk = outcome.risk.take().and_then(|_| score::risk(outcome));
        self.count(outcome);
    }

    /// The rules that are switched off and graded, the policy, the suppressions.
    fn weigh(&mut self, outcome: &mut Outcome) {
        self.selection.apply(&mut outcome.findings);
        let server = server_of(outcome);
        self.gate.see(&server);
        outcome.findings.iter_mut().for_each(|finding| self.gate.weigh(&[&server], finding));
        if server.names.len() > 1 || !server.tags.is_empty() {
            self.servers.insert(outcome.name.clone(), server);
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        if !self.part {
            self.fleet.add(outcome);
        }
        self.tally.add(outcome);
    }

    /// What there is to be said of all outcomes together.
    pub(super) fn clients(&mut self) -> Vec<Client> {
        let mut clients = self.fleet.clients();
        for client in &mut clients {
            self.selection.apply(&mut client.findings);
            for finding in &mut client.findings {
                let servers = self.servers_of(finding, &client.name);
                self.gate.weigh(&servers.iter().collect::<Vec<_>>(), finding);
            }
            self.fleet.weigh(client);
            self.tally.add_client(client);
        }
        clients
    }

    /// The servers that `finding` is about; where it names none, the client stands for them.
    fn servers_of(&self, finding: &Finding, client: &str) -> Vec<Server> {
        let mut names: Vec<&str> = finding.related.iter().map(|related| related.target.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            names.push(client);
        }
        let plain = |name: &str| Server { names: vec![name.to_owned()], tags: Vec::new() };
        names.into_iter().map(|name| self.servers.get(name).cloned().unwrap_or_else(|| plain(name))).collect()
    }

    /// Suppressions that are over, a line each.
    pub(super) fn expired(&self) -> Vec<String> {
        self.gate.expired()
    }

    /// Suppressions that nothing was found for, a line each; none where servers are missing that they may be for.
    pub(super) fn unused(&self) -> Vec<String> {
        let whole = !self.part && self.tally.targets > 0 && self.tally.complete == self.tally.targets;
        if whole { self.gate.unused() } else { Vec::new() }
    }

    /// Counts over everything that was reviewed.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }
}

fn server_of(outcome: &Outcome) -> Server {
    let mut names = vec![outcome.name.clone()];
    for owner in &outcome.owners {
        if !names.contains(&owner.name) {
            names.push(owner.name.clone());
        }
    }
    Server { names, tags: outcome.tags.clone() }
}
