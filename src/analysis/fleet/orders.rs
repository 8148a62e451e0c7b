//! HK-POI-005 and HK-POI-010 between servers: a text of one that says what is to be done with a tool of another.

use std::collections::HashMap;

use crate::model::finding::{Confidence, Severity};

use super::gist::{Gist, Tool};
use super::likeness::about;
use super::mentions::{Errand, name_of};
use super::told::{Hit, Place, Told};

/// Looks at what each server says of tools that only others have.
pub(super) fn orders(servers: &[&Gist], told: &mut Told) {
    if servers.iter().all(|s| s.mentions.is_empty()) {
        return;
    }
    let mut named: HashMap<u64, Vec<(usize, &Tool)>> = HashMap::new();
    for (server, gist) in servers.iter().enumerate() {
        for tool in gist.tools.iter().filter(|t| !t.prompt) {
            named.entry(name_of(&tool.name)).or_default().push((server, tool));
        }
    }
    for (server, gist) in servers.iter().enumerate() {
        for (speaker, mention) in &gist.mentions {
            let Some(bearers) = named.get(&mention.name) else { continue };
            // Its own tool of that name is what it means.
            if bearers.iter().any(|(bearer, _)| *bearer == server) {
                continue;
            }
            let strange = |other: &Gist| {
                other.identity != gist.identity && (gist.vendor.is_none() || other.vendor != gist.vendor)
            };
            let Some((bearer, tool)) = bearers.iter().find(|(bearer, _)| strange(servers[*bearer])) else {
                continue;
            };
            // `search` may be anybody's.
            let sure = mention.strict && about(&tool.name).len() > 1;
            let severity = if sure { Severity::High } else { Severity::Medium };
            let (rule, what) = match (mention.errand, mention.strict) {
                (Errand::Oblige, true) => ("HK-POI-005", "gives orders about"),
                (Errand::Oblige, false) => ("HK-POI-005", "asks for the use of"),
                (Errand::Discredit, true) => ("HK-POI-010", "calls bad, and wants to replace,"),
                (Errand::Discredit, false) => ("HK-POI-010", "wants to be used instead of"),
            };
            let speaks = Place {
                server: gist,
                tool: speaker.and_then(|index| gist.tool(index)),
                path: mention.path.to_string(),
            };
            let meant = Place::tool(servers[*bearer], tool);
            told.add(rule, severity, || Hit {
                severity,
                confidence: if sure { Confidence::High } else { Confidence::Medium },
                message: format!("{} {what} {}", speaks.whole(), meant.whole()),
                excerpt: Some(mention.excerpt.to_string()),
                same: mention.path.to_string(),
                places: vec![speaks, meant],
            });
        }
    }
}
