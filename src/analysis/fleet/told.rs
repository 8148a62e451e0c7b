//! What is said of one client: bounded by rule and severity, with fingerprints that do not depend on the order
//! in which servers were done or tools are listed.

use std::collections::HashMap;

use crate::analysis::rules::{Found, find};
use crate::base::text::{few, quote};
use crate::model::finding::{Confidence, Finding, Related, Severity, worst_first};

use super::gist::{Gist, Tool};

/// Findings of one rule and severity that are told one by one.
const MOST_ALIKE: usize = 50;
/// Places of one finding.
const MOST_PLACES: usize = 10;
/// Characters of a name in a message.
const NAME: usize = 64;

/// Everything there is to say of one client.
#[derive(Debug, Default)]
pub(super) struct Told {
    found: Vec<Finding>,
    /// How many, and where the last one that is told is.
    counts: HashMap<(&'static str, Severity), (usize, usize)>,
}

/// One finding without what its rule knows already.
#[derive(Debug)]
pub(super) struct Hit<'a> {
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) message: String,
    /// What it is about; the first one is where it stands.
    pub(super) places: Vec<Place<'a>>,
    pub(super) excerpt: Option<String>,
    /// What makes it the same finding next time, besides the places.
    pub(super) same: String,
}

/// A server, or a tool of it.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) server: &'a Gist,
    pub(super) tool: Option<&'a Tool>,
    /// JSON pointer from there on.
    pub(super) path: String,
}

impl<'a> Place<'a> {
    pub(super) fn tool(server: &'a Gist, tool: &'a Tool) -> Place<'a> {
        Place { server, tool: Some(tool), path: "/name".to_owned() }
    }

    pub(super) fn server(server: &'a Gist) -> Place<'a> {
        Place { server, tool: None, path: "/endpoint".to_owned() }
    }

    pub(super) fn pointer(&self) -> String {
        match self.tool {
            Some(tool) => {
                let list = if tool.prompt { "prompts" } else { "tools" };
                format!("/{list}/{}{}", tool.index, self.path)
            }
            None => self.path.clone(),
        }
    }

    /// `tool "send_mail"` or `server "mail"`.
    pub(super) fn label(&self) -> String {
        match self.tool {
            Some(tool) => {
                let noun = if tool.prompt { "prompt" } else { "tool" };
                format!("{noun} \"{}\"", quote(&tool.name, NAME))
            }
            None => format!("server \"{}\"", quote(&self.server.name, NAME)),
        }
    }

    /// `tool "send_mail" of "mail"`.
    pub(super) fn whole(&self) -> String {
        match self.tool {
            Some(_) => format!("{} of \"{}\"", self.label(), quote(&self.server.name, NAME)),
            None => self.label(),
        }
    }
}

/// `"a", "b" and 3 more`: names of servers, few of many.
pub(super) fn names<'a>(servers: impl Iterator<Item = &'a Gist>) -> String {
    let all: Vec<&Gist> = servers.collect();
    few(all.iter().map(|s| format!("\"{}\"", quote(&s.name, NAME))), 3)
}

impl Told {
    /// One more; `hit` is made only if it is told.
    pub(super) fn add<'a>(&mut self, rule: &'static str, severity: Severity, hit: impl FnOnce() -> Hit<'a>) {
        let (count, last) = self.counts.entry((rule, severity)).or_default();
        *count += 1;
        if *count > MOST_ALIKE {
            return;
        }
        let Some(rule) = find(rule) else { return };
        let hit = hit();
        let Some(pointer) = hit.places.first().map(Place::pointer) else { return };
        let mut keys: Vec<(&str, &str)> =
            hit.places.iter().map(|p| (&*p.server.name, p.tool.map_or("", |t| &*t.name))).collect();
        keys.sort_unstable();
        let mut same: Vec<&str> = vec![&hit.same];
        same.extend(keys.into_iter().flat_map(|(server, tool)| [server, tool]));
        let found = Found {
            severity: hit.severity,
            confidence: hit.confidence,
            message: hit.message,
            pointer,
            excerpt: hit.excerpt,
            same: &same,
        };
        let related = hit.places.iter().take(MOST_PLACES).map(|place| Related {
            target: place.server.name.to_string(),
            pointer: place.pointer(),
            label: place.label(),
        });
        *last = self.found.len();
        self.found.push(Finding { related: related.collect(), ..rule.finding(found) });
    }

    /// Worst first.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        for (count, last) in self.counts.values().filter(|(count, _)| *count > MOST_ALIKE) {
            if let Some(finding) = self.found.get_mut(*last) {
                finding.message.push_str(&format!(" (and {} more like this)", count - MOST_ALIKE));
            }
        }
        worst_first(&mut self.found);
        self.found
    }
}
