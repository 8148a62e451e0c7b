//! Drawings: how many findings there are of which severity.

use std::fmt::Write;

use super::shown::text;
use crate::model::run::Severities;

/// Width of the longest bar.
const FULL: usize = 260;

/// Bars for the severities, with the same numbers as text.
pub(super) fn severities(out: &mut String, counts: &Severities) {
    let rows = counts.worst_first();
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let told: Vec<String> = rows.iter().map(|(severity, count)| format!("{count} {severity}")).collect();
    let _ = write!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 400 130\" role=\"img\" aria-labelledby=\"chart-title chart-text\">\
         <title id=\"chart-title\">Findings by severity</title><desc id=\"chart-text\">{}</desc>",
        text(&told.join(", "), 200)
    );
    for (row, (severity, count)) in rows.into_iter().enumerate() {
        let middle = 13 + 26 * row;
        // What is there at all can be seen.
        let width = if count == 0 { 0 } else { (count * FULL / most).max(3) };
        let _ = write!(
            out,
            "<text x=\"62\" y=\"{y}\" class=\"label\">{severity}</text>\
             <rect class=\"track\" x=\"72\" y=\"{top}\" width=\"{FULL}\" height=\"14\" rx=\"3\"/>\
             <rect class=\"bar {severity}\" x=\"72\" y=\"{top}\" width=\"{width}\" height=\"14\" rx=\"3\"/>\
             <text x=\"344\" y=\"{y}\" class=\"count\">{count}</text>",
            y = middle + 4,
            top = middle - 7,
        );
    }
    out.push_str("</svg>");
}
