//! How far each list was read, what is in it by name, and which tools are risky.

use std::fmt::Write;

use super::shown::text;
use crate::base::text::plural;
use crate::model::finding::Severity;
use crate::model::inventory::{Coverage, Inventory, List};
use crate::model::outcome::Outcome;

/// Names shown of one list.
const NAMES: usize = 100;

/// A row for each list.
pub(super) fn coverage(out: &mut String, inventory: &Inventory) {
    if inventory.coverage.is_empty() {
        return;
    }
    out.push_str(
        "<div class=\"scroll\"><table class=\"coverage\"><caption>Coverage</caption><thead><tr><th scope=\"col\">List</th>\
         <th scope=\"col\">State</th><th scope=\"col\" class=\"n\">Items</th><th scope=\"col\" class=\"n\">Pages</th>\
         <th scope=\"col\">Reason</th></tr></thead><tbody>",
    );
    for Coverage { phase, state, items, pages, reason, .. } in &inventory.coverage {
        let state = state.name();
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td><span class=\"state {state}\">{state}</span></td><td class=\"n\">{items}</td>\
             <td class=\"n\">{pages}</td><td><bdi>{}</bdi></td></tr>",
            phase.method(),
            text(reason.as_deref().unwrap_or_default(), 300)
        );
    }
    out.push_str("</tbody></table></div>\n");
}

/// Tools that have findings, with their scores and reasons.
pub(super) fn tool_scores(out: &mut String, outcome: &Outcome, room: usize) {
    let Some(risk) = outcome.risk.as_ref().filter(|risk| !risk.tools.is_empty()) else { return };
    let _ = write!(
        out,
        "<details class=\"scores\"><summary>{} with findings, scored</summary><div class=\"scroll\"><table><thead><tr>\
         <th scope=\"col\">Tool</th><th scope=\"col\" class=\"n\">Score</th><th scope=\"col\">Why</th></tr></thead><tbody>",
        plural(risk.tools.len(), "tool")
    );
    for tool in risk.tools.iter().take(room) {
        let inside = |pointer: &str| {
            pointer
                .strip_prefix(tool.pointer.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let open = outcome.findings.iter().filter(|f| f.suppressed.is_none() && inside(&f.pointer));
        let worst = open.map(|f| f.severity).max().map_or("none", Severity::name);
        let _ = write!(
            out,
            "<tr><th scope=\"row\"><bdi>{}</bdi></th><td class=\"n\"><span class=\"score {worst}\">{}</span></td>\
             <td>{}</td></tr>",
            text(&tool.name, 100),
            tool.score,
            text(&tool.why, 300)
        );
    }
    out.push_str("</tbody></table></div></details>\n");
}

/// What it offers, by name.
pub(super) fn names(out: &mut String, inventory: &Inventory) {
    let lists = List::ALL.map(|list| (list, inventory.items(list)));
    if lists.iter().all(|(_, items)| items.is_empty()) {
        return;
    }
    out.push_str("<details class=\"names\"><summary>What it offers, by name</summary>");
    for (list, items) in lists.into_iter().filter(|(_, items)| !items.is_empty()) {
        let key = match list {
            List::Tools => "Tools",
            List::Resources => "Resources",
            List::ResourceTemplates => "Resource templates",
            List::Prompts => "Prompts",
        };
        let _ = write!(out, "<h4>{key}</h4><ul>");
        for item in items.iter().take(NAMES) {
            let name =
                item.string("name").or_else(|| item.string("uri")).unwrap_or_else(|| "(no name)".to_owned());
            let _ = write!(out, "<li><code>{}</code></li>", text(&name, 80));
        }
        out.push_str("</ul>");
        if items.len() > NAMES {
            let left = items.len() - NAMES;
            let _ = write!(out, "<p class=\"more\">{left} more, listed in the JSON report.</p>");
        }
    }
    out.push_str("</details>\n");
}
