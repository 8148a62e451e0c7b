//! All servers of a client together: what one agent sees, and what is bad about it.
//!
//! Of each outcome a [`gist`] is kept, on the calling thread, as outcomes come; everything is judged at the end.
//! Nothing of an inventory stays, so that a run that keeps no results keeps none here either.
//!
//! Invariant: what is said does not depend on the order in which servers were done.

mod flow;
mod gist;
pub(super) mod legs;
pub(super) mod likeness;
pub(super) mod mentions;
mod orders;
mod shadow;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;

use crate::model::client::{Client, ServerRisk};
use crate::model::finding::{Confidence, Finding, Severity};
use crate::model::outcome::Outcome;

use super::options::{Approved, Policy};
use super::score::{Basis, score_of};
use gist::Gist;
use told::{Hit, Place, Told};

/// The servers of every client, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    risk: bool,
    approved: Option<Approved>,
    servers: Vec<Gist>,
    /// What each one's own findings say, for its score beside the others.
    bases: Vec<Option<Basis>>,
    clients: BTreeMap<String, Vec<Member>>,
}

/// A server, as one client has it.
#[derive(Debug)]
struct Member {
    line: Option<u32>,
    server: usize,
    approved: bool,
}

impl Fleet {
    /// No server yet.
    pub(crate) fn new(policy: &Policy, approved: Option<Approved>) -> Fleet {
        Fleet { risk: policy.risk, approved, ..Fleet::default() }
    }

    /// Keeps what matters of `outcome`. Its findings are final.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        let server = self.servers.len();
        for owner in &outcome.owners {
            let members = match self.clients.get_mut(&owner.file) {
                Some(members) => members,
                None => self.clients.entry(owner.file.clone()).or_default(),
            };
            // One server under two names in a file is still one.
            if members.last().is_none_or(|last| last.server != server) {
                let approved = self.approved.as_ref();
                let approved = approved.is_none_or(|list| gist::is_approved(list, owner, &outcome.endpoint));
                members.push(Member { line: owner.line, server, approved });
            }
        }
        self.servers.push(Gist::of(outcome));
        self.bases.push(outcome.risk.as_ref().map(|_| Basis::of(&outcome.findings)));
    }

    /// What there is to say of each client, in the order of their names.
    pub(crate) fn clients(&mut self) -> Vec<Client> {
        let (servers, clients) = (&self.servers, &mut self.clients);
        let (risk, list) = (self.risk, self.approved.as_ref());
        clients
            .iter_mut()
            .map(|(name, members)| {
                members.sort_by_key(|m| (m.line, &servers[m.server].name));
                client(name, members, servers, risk, list)
            })
            .collect()
    }

    /// Weighs the servers of `client`, whose findings are final, too.
    pub(crate) fn weigh(&self, client: &mut Client) {
        let Some(members) = self.clients.get(&client.name) else { return };
        let mut own: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in client.findings.iter().filter(|f| f.suppressed.is_none()) {
            // A flow is nobody's own, and of two that look alike nobody knows who is to blame.
            for related in &finding.related {
                own.entry(&related.target).or_default().push(finding);
            }
        }
        let mut risks: Vec<ServerRisk> = Vec::new();
        for member in members {
            let name = &*self.servers[member.server].name;
            let Some(basis) = &self.bases[member.server] else { continue };
            let mut basis = basis.clone();
            own.get(name).into_iter().flatten().for_each(|finding| basis.add(finding));
            let (score, why) = score_of(&basis);
            if score > 0 {
                risks.push(ServerRisk { server: name.to_owned(), score, why });
            }
        }
        risks.sort_by_key(|risk| std::cmp::Reverse(risk.score));
        client.risks = risks;
    }
}

fn client(
    name: &str,
    members: &[Member],
    servers: &[Gist],
    risk: bool,
    approved: Option<&Approved>,
) -> Client {
    let all: Vec<&Gist> = members.iter().map(|m| &servers[m.server]).collect();
    let known: Vec<&Gist> = all.iter().copied().filter(|s| s.known).collect();
    let named = |known: bool| all.iter().filter(move |s| s.known == known).map(|s| s.name.to_string());
    let mut told = Told::default();
    if risk {
        shadow::shadows(&known, &mut told);
        orders::orders(&known, &mut told);
        flow::flow(&known, &mut told);
        if let Some(list) = approved {
            strangers(members, servers, list, &mut told);
        }
    }
    Client {
        name: name.to_owned(),
        servers: named(true).collect(),
        unknown: named(false).collect(),
        tools: known.iter().map(|s| s.listed).sum(),
        not_compared: known.iter().map(|s| s.listed.saturating_sub(gist::MOST_TOOLS)).sum(),
        findings: told.finish(),
        risks: Vec::new(),
    }
}

/// HK-SHW-001
fn strangers(members: &[Member], servers: &[Gist], list: &Approved, told: &mut Told) {
    for member in members.iter().filter(|m| !m.approved) {
        let place = Place::server(&servers[member.server]);
        told.add("HK-SHW-001", Severity::Medium, || Hit {
            severity: Severity::Medium,
            confidence: Confidence::High,
            message: format!(
                "{} is in use and not on the list of approved servers ({})",
                place.label(),
                list.file
            ),
            places: vec![place],
            excerpt: None,
            same: String::new(),
        });
    }
}
