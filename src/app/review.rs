//! What is said of a target beyond its own inventory: compared with earlier, weighed by the policy, seen beside
//! the other servers of its clients. In this order, for each outcome once, before anybody is told.

use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::Tally;

use super::past::Past;

/// Everything that lies between a judged outcome and the report.
#[derive(Default)]
pub(in crate::app) struct Review<'a> {
    /// What outcomes are compared with; nothing where nothing is known.
    pub(in crate::app) past: Option<&'a mut Past>,
    tally: Tally,
}

impl Review<'_> {
    /// Completes `outcome`, and counts it.
    pub(in crate::app) fn outcome(&mut self, outcome: &mut Outcome) {
        if let Some(past) = &mut self.past {
            past.compare(outcome);
        }
        self.tally.add(outcome);
    }

    /// What there is to be said of all outcomes together.
    pub(in crate::app) fn clients(&mut self) -> Vec<Client> {
        let clients: Vec<Client> = Vec::new();
        clients.iter().for_each(|client| self.tally.add_client(client));
        clients
    }

    /// Counts over everything that was reviewed.
    pub(in crate::app) fn tally(&self) -> Tally {
        self.tally
    }
}
