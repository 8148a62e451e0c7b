//! HK-POI-005 and HK-POI-010 within one server: a tool that speaks of another one of the same list. Between
//! servers this is a matter of [`super::fleet`].

use std::collections::HashMap;

use crate::base::text::quote;
use crate::model::finding::{Confidence, Severity};

use super::fleet::mentions::{Errand, Mention, name_of};
use super::hits::{Findings, Hit, Subject};
use super::item::{Item, Kind};
use super::rules::{Check, Rule};

/// Mentions that are kept of one server.
const MOST: usize = 500;

/// The tools of a server, as far as they speak of each other.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    names: HashMap<u64, String>,
    spoken: Vec<(usize, String, Mention)>,
}

impl Neighbours {
    /// The next item.
    pub(super) fn add(&mut self, item: &Item<'_>) {
        let (Kind::Tool, Some(index)) = (item.kind, item.place.1) else { return };
        let name: String = item.name().chars().take(128).collect();
        if self.spoken.len() < MOST {
            let mentions = item.signals().mentions.iter().cloned();
            self.spoken.extend(mentions.map(|m| (index, name.clone(), m)));
        }
        self.names.insert(name_of(&name), name);
    }

    /// All of them are known.
    pub(super) fn tell(&self, wanted: &[(usize, &Rule)], findings: &mut Findings) {
        for (number, rule) in wanted {
            let Check::Mentions(errand) = rule.check else { continue };
            for (index, name, mention) in self.spoken.iter().filter(|(_, _, m)| m.errand == errand) {
                let Some(meant) = self.names.get(&mention.name).filter(|meant| *meant != name) else {
                    continue;
                };
                let subject = Subject { kind: "tool", name, place: ("tools", Some(*index)) };
                let what = match errand {
                    Errand::Oblige => "wants this tool of the same server used",
                    Errand::Discredit => "wants to be used instead of this tool of the same server",
                };
                findings.of(*number, subject).add(Severity::Low, || Hit {
                    confidence: Confidence::Low,
                    message: format!("tool \"{}\" {what}: \"{}\"", quote(name, 64), quote(meant, 64)),
                    path: mention.path.to_string(),
                    excerpt: Some(mention.excerpt.to_string()),
                });
            }
        }
    }
}
