//! HK-FLW-001: everything that is needed to carry private data away, in the hands of one agent.
//!
//! Told once a client. Medium, however the parts lie: nearly every agent that is of use has them. High where a
//! server that holds one of them also says something that is bad by itself: then there is somebody to walk it.

use crate::base::text::and_more;
use crate::model::finding::{Confidence, Severity};

use super::gist::{Gist, Tool};
use super::legs::Leg;
use super::told::{Hit, Place, Told};

/// Looks at all tools together.
pub(super) fn flow(servers: &[&Gist], told: &mut Told) {
    let mut best: [Option<(u8, bool, &Gist, &Tool)>; 3] = [None; 3];
    let mut counts = [0_usize; 3];
    for gist in servers {
        for tool in &gist.tools {
            for leg in Leg::ALL {
                let how = (tool.legs.of(leg), gist.bad);
                counts[leg as usize] += usize::from(how.0 > 0);
                let known = best[leg as usize].map_or((0, false), |(plain, bad, ..)| (plain, bad));
                // Of equals, the first: plainly, then on a server that gives reason for worry.
                if how.0 > 0 && how > known {
                    best[leg as usize] = Some((how.0, how.1, gist, tool));
                }
            }
        }
    }
    let [Some(way_in), Some(data), Some(out)] = best else { return };
    let legs = [way_in, data, out];
    let severity = if legs.iter().any(|leg| leg.1) { Severity::High } else { Severity::Medium };
    told.add("HK-FLW-001", severity, || {
        let places = legs.map(|(_, _, server, tool)| Place::tool(server, tool));
        let part = |leg: Leg| {
            let more = and_more(counts[leg as usize].saturating_sub(1));
            format!("{} {}{more}", places[leg as usize].whole(), leg.does())
        };
        let whose = if severity == Severity::High { "; one of these servers cannot be trusted" } else { "" };
        Hit {
            severity,
            confidence: if legs.iter().all(|leg| leg.0 > 1) { Confidence::Medium } else { Confidence::Low },
            message: format!("{}{whose}", Leg::ALL.map(part).join(", ")),
            places: places.to_vec(),
            excerpt: None,
            same: "flow".to_owned(),
        }
    });
}
