//! What is said of a target beyond its own inventory: compared with earlier, weighed by the policy, seen beside
//! the other servers of its clients. In this order, for each outcome once, before anybody is told.

use crate::analysis::fleet::Fleet;
use crate::analysis::score;
use crate::config::Settings;
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::Tally;

/// Everything that lies between a judged outcome and the report.
pub(in crate::app) struct Review {
    /// Whether risk is judged at all: else there is no score, and no finding about several servers.
    risk: bool,
    fleet: Fleet,
    tally: Tally,
}

impl Review {
    /// As `settings` say.
    pub(in crate::app) fn new(settings: &Settings) -> Review {
        Review {
            risk: settings.assessment.risk,
            fleet: Fleet::new(&settings.assessment, settings.approved.clone()),
            tally: Tally::default(),
        }
    }

    /// Completes `outcome`, and counts it.
    pub(in crate::app) fn outcome(&mut self, outcome: &mut Outcome) {
        outcome.risk = if self.risk { score::risk(outcome) } else { None };
        self.fleet.add(outcome);
        self.tally.add(outcome);
    }

    /// What there is to be said of all outcomes together.
    pub(in crate::app) fn clients(&mut self) -> Vec<Client> {
        let mut clients = self.fleet.clients();
        for client in &mut clients {
            self.fleet.weigh(client);
            self.tally.add_client(client);
        }
        clients
    }

    /// Counts over everything that was reviewed.
    pub(in crate::app) fn tally(&self) -> Tally {
        self.tally
    }
}
