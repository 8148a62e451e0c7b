//! Findings as a page shows them: rule by rule, with the words they are about, and suppressed ones apart.

use std::collections::HashMap;
use std::fmt::Write;

use super::MOST;
use super::passage::{Passage, Passages};
use super::shown::{attribute, text};
use crate::base::text::plural;
use crate::model::finding::{Confidence, Finding, Related, Severity};
use crate::model::run::RuleText;

/// Characters of a message, of an excerpt, of a pointer, of a remedy.
const MESSAGE: usize = 400;
const WORDS: usize = 300;
const POINTER: usize = 200;
const REMEDY: usize = 600;
/// Other places shown of one finding.
const RELATED: usize = 12;

/// What findings are shown with.
pub(super) struct Shelf<'a> {
    /// The rules of this run, by id.
    pub(super) rules: &'a HashMap<String, RuleText>,
    /// Findings shown of one rule at one place: fewer, the more targets there are.
    pub(super) room: usize,
}

impl Shelf<'_> {
    /// Whether so many servers share the page that what stands elsewhere as well is left out of each.
    pub(super) fn is_brief(&self) -> bool {
        self.room < MOST
    }
}

/// One place's findings, rule by rule, worst first. `passages` is nothing where there is no inventory to look in.
pub(super) fn groups(
    out: &mut String,
    shelf: &Shelf<'_>,
    findings: &[Finding],
    passages: &mut Option<Passages<'_>>,
) {
    let mut groups: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in findings.iter().filter(|f| f.suppressed.is_none()) {
        match groups.iter_mut().find(|(rule, _)| *rule == finding.rule) {
            Some((_, group)) => group.push(finding),
            None => groups.push((&finding.rule, vec![finding])),
        }
    }
    for (rule, mut group) in groups {
        group.sort_by_key(|f| std::cmp::Reverse(f.severity));
        write_group(out, shelf, rule, &group, passages);
    }
}

fn write_group(
    out: &mut String,
    shelf: &Shelf<'_>,
    rule: &str,
    group: &[&Finding],
    passages: &mut Option<Passages<'_>>,
) {
    let Some(worst) = group.first() else { return };
    let open = if worst.severity >= Severity::Medium { " open" } else { "" };
    let more = match group.len().saturating_sub(shelf.room) {
        0 => String::new(),
        left => format!(" data-more=\"{left}\""),
    };
    let title = shelf.rules.get(rule).map_or("", |r| r.title.as_ref());
    let _ = write!(
        out,
        "<details class=\"rule\" data-rule=\"{}\"{more}{open}><summary>{}<code>{}</code> \
         <span class=\"title\">{}</span><span class=\"times\">{}</span></summary>",
        attribute(rule, 60),
        badge(worst.severity),
        text(rule, 60),
        text(title, 200),
        if group.len() > 1 { format!("{} findings", group.len()) } else { String::new() },
    );
    out.push_str("<ul class=\"findings\">");
    group.iter().take(shelf.room).for_each(|f| write_finding(out, f, worst.severity, passages));
    out.push_str("</ul>");
    if group.len() > shelf.room {
        let left = group.len() - shelf.room;
        let _ = write!(out, "<p class=\"more\">{left} more like these, listed in the JSON report.</p>");
    }
    let _ = write!(out, "<p class=\"remedy\"><b>What to do:</b> {}", text(&worst.remedy, REMEDY));
    // The list of rules at the end has them too.
    if !shelf.is_brief() {
        references(out, &worst.references);
    }
    out.push_str("</p></details>\n");
}

fn write_finding(out: &mut String, f: &Finding, usual: Severity, passages: &mut Option<Passages<'_>>) {
    let _ = write!(out, "<li class=\"finding\" data-severity=\"{}\"><p>", f.severity);
    if f.severity != usual {
        out.push_str(&badge(f.severity));
    }
    if f.fails {
        out.push_str("<span class=\"fails\">fails the run</span> ");
    }
    let _ = write!(out, "<bdi>{}</bdi></p>", text(&f.message, MESSAGE));
    if let Some(excerpt) = &f.excerpt {
        write_words(out, &f.pointer, excerpt, passages);
    }
    related(out, &f.related);
    let _ = write!(
        out,
        "<p class=\"meta\"><code class=\"pointer\">{}</code> <span>confidence {}</span> \
         <span class=\"fingerprint\">fingerprint <code>{}</code></span></p></li>",
        text(&f.pointer, POINTER),
        confidence(f.confidence),
        text(&f.fingerprint, 64)
    );
}

fn write_words(out: &mut String, pointer: &str, excerpt: &str, passages: &mut Option<Passages<'_>>) {
    let alone = || Passage { before: String::new(), words: excerpt.to_owned(), after: String::new() };
    let Passage { before, words, after } =
        passages.as_mut().map_or_else(alone, |passages| passages.find(pointer, excerpt));
    let _ = write!(
        out,
        "<blockquote><bdi>{}<mark>{}</mark>{}</bdi></blockquote>",
        text(&before, WORDS),
        text(&words, WORDS),
        text(&after, WORDS)
    );
}

fn related(out: &mut String, places: &[Related]) {
    if places.is_empty() {
        return;
    }
    out.push_str("<ul class=\"related\" aria-label=\"Other places\">");
    for Related { target, pointer, label } in places.iter().take(RELATED) {
        let _ = write!(
            out,
            "<li><b><bdi>{}</bdi></b> <bdi>{}</bdi> <code>{}</code></li>",
            text(target, 100),
            text(label, 200),
            text(pointer, POINTER)
        );
    }
    if places.len() > RELATED {
        let _ = write!(out, "<li>{}</li>", plural(places.len() - RELATED, "more place"));
    }
    out.push_str("</ul>");
}

/// What somebody answers for: shown, and not counted.
pub(super) fn suppressed(out: &mut String, findings: &[Finding], room: usize) {
    let all: Vec<_> = findings.iter().filter_map(|f| Some((f, f.suppressed.as_ref()?))).collect();
    if all.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<details class=\"suppressed\"><summary>{} suppressed</summary><div class=\"scroll\"><table><thead><tr>\
         <th scope=\"col\">Finding</th><th scope=\"col\">Owner</th><th scope=\"col\">Reason</th>\
         <th scope=\"col\">Until</th><th scope=\"col\">By</th></tr></thead><tbody>",
        plural(all.len(), "finding")
    );
    for (f, why) in all.iter().take(room) {
        let said = |s: &Option<String>| text(s.as_deref().unwrap_or("-"), 300).to_string();
        let _ = write!(
            out,
            "<tr><td>{}<code>{}</code> <bdi>{}</bdi></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            badge(f.severity),
            text(&f.rule, 60),
            text(&f.message, MESSAGE),
            said(&why.owner),
            said(&why.reason),
            said(&why.expires),
            text(&why.by, 200)
        );
    }
    out.push_str("</tbody></table></div></details>\n");
}

/// A severity as a word on its colour.
pub(super) fn badge(severity: Severity) -> String {
    format!("<span class=\"badge {severity}\">{severity}</span> ")
}

/// What a rule refers to; a link only where the address follows from the id alone. Nothing is requested before
/// somebody follows it.
pub(super) fn references(out: &mut String, references: &[std::borrow::Cow<'static, str>]) {
    for reference in references.iter().take(20) {
        let shown = text(reference, 60);
        let _ = match address(reference) {
            Some(url) => write!(
                out,
                " <a class=\"reference\" href=\"{}\" rel=\"noreferrer noopener\">{shown}</a>",
                attribute(&url, 200)
            ),
            None => write!(out, " <span class=\"reference\">{shown}</span>"),
        };
    }
}

fn address(reference: &str) -> Option<String> {
    let digits = |s: &str| !s.is_empty() && s.len() <= 6 && s.bytes().all(|b| b.is_ascii_digit());
    if let Some(number) = reference.strip_prefix("CWE-").filter(|n| digits(n)) {
        return Some(format!("https://cwe.mitre.org/data/definitions/{number}.html"));
    }
    let technique = reference.strip_prefix("AML.T")?;
    let (number, part) = technique.split_once('.').unwrap_or((technique, "000"));
    (digits(number) && digits(part)).then(|| format!("https://atlas.mitre.org/techniques/{reference}"))
}

const fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_an_id_becomes_a_link() {
        let of = |reference| address(reference);
        assert_eq!(of("CWE-1427").as_deref(), Some("https://cwe.mitre.org/data/definitions/1427.html"));
        assert_eq!(of("AML.T0051.001").as_deref(), Some("https://atlas.mitre.org/techniques/AML.T0051.001"));
        for other in ["MCP03:2025", "CWE-", "CWE-1\"", "AML.T", "AML.T1/../x", "javascript:alert(1)"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
