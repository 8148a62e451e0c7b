//! What stands above and below the targets: the verdict, the sums, all servers in a table, what one agent sees,
//! the bar for filters, the rules, the facts of the run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use super::finding::{self, Shelf};
use super::server::Part;
use super::shown::{attribute, text};
use super::{chart, server};
use crate::base::text::{are, few, plural, shorten};
use crate::base::time::rfc3339;
use crate::model::client::Client;
use crate::model::run::{RunInfo, Severities, Tally};
use crate::report::RunEnd;

/// Tags and rules that can be chosen from; servers named of one client.
const CHOICES: usize = 200;
const NAMES: usize = 40;

/// Everything but the targets themselves.
pub(super) struct Page<'a> {
    pub(super) run: &'a RunInfo,
    pub(super) end: &'a RunEnd,
    /// In the order of the page.
    pub(super) parts: &'a [Part],
    /// Findings by rule.
    pub(super) used: &'a BTreeMap<String, usize>,
    pub(super) clients: &'a [Client],
    pub(super) shelf: Shelf<'a>,
}

impl Page<'_> {
    /// From the top to the first target.
    pub(super) fn above(&self) -> String {
        let mut out = String::new();
        self.header(&mut out);
        out.push_str("<main id=\"main\">\n");
        self.summary(&mut out);
        self.servers(&mut out);
        self.changes(&mut out);
        self.agents(&mut out);
        out.push_str("<section aria-labelledby=\"details\"><h2 id=\"details\">Server by server</h2>\n");
        self.controls(&mut out);
        out.push_str("<div id=\"articles\">\n");
        out
    }

    /// From the last target to the end.
    pub(super) fn below(&self) -> String {
        let mut out = String::from("</div></section>\n");
        self.rules(&mut out);
        out.push_str("</main>\n");
        self.footer(&mut out);
        out
    }

    fn header(&self, out: &mut String) {
        let tally = &self.end.tally;
        let _ = write!(
            out,
            "<a class=\"skip\" href=\"#details\">Skip to the servers</a>\n<header class=\"top\"><div>\
             <svg class=\"mark\" viewBox=\"0 0 32 32\" aria-hidden=\"true\"><path d=\"M2 16C7 8 11 5 16 5s9 3 14 11\
             c-5 8-9 11-14 11S7 24 2 16z\"/><circle cx=\"16\" cy=\"16\" r=\"6\"/></svg><h1>hawkeye \
             <span>report</span></h1></div><p><time datetime=\"{0}\">{0}</time> · {1} · {2}</p></header>\n",
            text(&rfc3339(self.run.started)[..19].replace('T', " "), 40),
            plural(tally.targets, "server"),
            plural(tally.tools, "tool"),
        );
    }

    fn summary(&self, out: &mut String) {
        let tally = &self.end.tally;
        let (class, verdict) = self.verdict();
        let _ = write!(
            out,
            "<section aria-labelledby=\"summary\"><h2 id=\"summary\" class=\"unseen\">Summary</h2>\
             <p class=\"verdict {class}\">{verdict}</p>"
        );
        if self.end.interrupted {
            out.push_str(
                "<p class=\"verdict bad\">The run was interrupted: only what was reached is here.</p>",
            );
        }
        out.push_str("<div class=\"cards\"><div class=\"card\"><h3>Findings</h3>");
        chart::severities(out, &tally.findings);
        let mut beside = Vec::new();
        if tally.suppressed > 0 {
            beside.push(format!("{} suppressed, not counted above", tally.suppressed));
        }
        if tally.failing > 0 {
            beside.push(format!("{} that fail the run", tally.failing));
        }
        if !beside.is_empty() {
            let _ = write!(out, "<p class=\"beside\">{}.</p>", beside.join("; "));
        }
        out.push_str("</div><div class=\"card\"><h3>Coverage</h3><dl class=\"tiles\">");
        self.tiles(out, tally);
        out.push_str(
            "</dl></div><div class=\"card unassessed\"><h3>Not assessed</h3><p>Only what servers list was \
                      judged. This run says nothing about:</p><ul>",
        );
        for what in &self.run.rules.not_assessed {
            let _ = write!(out, "<li>{}</li>", text(what, 200));
        }
        out.push_str("</ul></div></div></section>\n");
    }

    fn tiles(&self, out: &mut String, tally: &Tally) {
        let listed = [
            ("complete", "complete", tally.complete),
            ("partial", "partial", tally.partial),
            ("failed", "failed", tally.failed),
            ("not evaluated", "unevaluated", tally.not_evaluated),
        ];
        for (word, class, count) in listed {
            let class = if count == 0 { "zero" } else { class };
            let _ = write!(out, "<div class=\"{class}\"><dt>{word}</dt><dd>{count}</dd></div>");
        }
        let offered = [
            ("tools", tally.tools),
            ("resources", tally.resources),
            ("templates", tally.resource_templates),
            ("prompts", tally.prompts),
        ];
        for (word, count) in offered {
            let _ = write!(out, "<div><dt>{word}</dt><dd>{count}</dd></div>");
        }
    }

    /// The run in a sentence: what was found, and how much of it is known.
    fn verdict(&self) -> (&'static str, String) {
        let tally = &self.end.tally;
        let unknown = tally.partial + tally.failed + tally.not_evaluated;
        let known = match unknown {
            0 => String::new(),
            n => format!(" {n} of {} could not be listed completely.", plural(tally.targets, "server")),
        };
        let bad = |part: &&Part| part.counts.critical + part.counts.high > 0;
        let count = tally.findings.critical + tally.findings.high;
        match (tally.targets, count) {
            (0, _) => ("unknown", "There was no server to look at.".to_owned()),
            (_, 0) if self.run.rules.count == 0 => {
                ("unknown", "Nothing was judged: the settings leave no rule in force.".to_owned())
            }
            (_, 0) if tally.complete == 0 => (
                "unknown",
                "No finding is high or critical, but nothing could be listed completely.".to_owned(),
            ),
            (_, 0) => ("good", format!("No finding is high or critical.{known}")),
            (_, n) => {
                let on = match self.parts.iter().filter(bad).count() {
                    0 => "over several servers".to_owned(),
                    servers => format!("on {}", plural(servers, "server")),
                };
                let are = are(n);
                ("bad", format!("{} {are} high or critical, {on}.{known}", plural(n, "finding")))
            }
        }
    }

    fn servers(&self, out: &mut String) {
        out.push_str(
            "<section aria-labelledby=\"servers\"><h2 id=\"servers\">Servers</h2><div class=\"scroll\" tabindex=\"0\" \
             role=\"region\" aria-label=\"Servers, as a table\"><table role=\"table\" class=\"overview\"><thead role=\"rowgroup\"><tr role=\"row\">",
        );
        let heads = [
            ("Server", ""),
            ("Status", ""),
            ("Risk", "n"),
            ("Critical", "n"),
            ("High", "n"),
            ("Medium", "n"),
            ("Low", "n"),
            ("Info", "n"),
            ("Tools", "n"),
            ("Changes", "n"),
            ("ms", "n"),
        ];
        for (head, class) in heads {
            let _ = write!(out, "<th role=\"columnheader\" scope=\"col\" class=\"{class}\">{head}</th>");
        }
        out.push_str("</tr></thead><tbody role=\"rowgroup\">");
        self.parts.iter().for_each(|part| out.push_str(&part.row));
        out.push_str("</tbody></table></div></section>\n");
    }

    fn changes(&self, out: &mut String) {
        let changed: Vec<&Part> = self.parts.iter().filter(|part| part.changes > 0).collect();
        if changed.is_empty() {
            return;
        }
        out.push_str("<section aria-labelledby=\"changed\"><h2 id=\"changed\">Changed since last time</h2><ul class=\"links\">");
        for part in changed {
            let _ = write!(
                out,
                "<li><a href=\"#s{}\"><bdi>{}</bdi></a> {}</li>",
                part.index,
                text(&part.name, 100),
                plural(part.changes, "change")
            );
        }
        out.push_str("</ul></section>\n");
    }

    fn agents(&self, out: &mut String) {
        if self.clients.is_empty() {
            return;
        }
        let known: HashMap<&str, usize> = self.parts.iter().map(|p| (p.name.as_str(), p.index)).collect();
        out.push_str("<section aria-labelledby=\"clients\"><h2 id=\"clients\">What one agent sees</h2>\n");
        for client in self.clients {
            self.agent(out, client, &known);
        }
        out.push_str("</section>\n");
    }

    fn agent(&self, out: &mut String, client: &Client, known: &HashMap<&str, usize>) {
        let mut counts = Severities::default();
        client.findings.iter().filter(|f| f.suppressed.is_none()).for_each(|f| counts.add(f.severity));
        let _ = write!(
            out,
            "<article class=\"client {}\"><h3><bdi>{}</bdi></h3><p>{} on {}: ",
            server::worst(&counts),
            text(&client.name, 200),
            plural(client.tools, "tool"),
            plural(client.servers.len(), "server"),
        );
        for (at, name) in client.servers.iter().take(NAMES).enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let shown = text(name, 100);
            let _ = match known.get(name.as_str()) {
                Some(index) => write!(out, "{comma}<a href=\"#s{index}\"><bdi>{shown}</bdi></a>"),
                None => write!(out, "{comma}<bdi>{shown}</bdi>"),
            };
        }
        if client.servers.len() > NAMES {
            let _ = write!(out, " and {} more", client.servers.len() - NAMES);
        }
        out.push_str(".</p>");
        if !client.unknown.is_empty() {
            let names = few(client.unknown.iter().map(|name| shorten(name, 100).into_owned()), NAMES);
            let _ = write!(
                out,
                "<p class=\"failure\"><b>Nothing is known of:</b> <bdi>{}</bdi>. What is said here may be too little.</p>",
                text(&names, NAMES * 110)
            );
        }
        finding::groups(out, &self.shelf, &client.findings, &mut None);
        finding::suppressed(out, &client.findings, self.shelf.room);
        out.push_str("</article>\n");
    }

    /// Of no use without the script, and hidden until it runs.
    fn controls(&self, out: &mut String) {
        out.push_str(
            "<form id=\"controls\" role=\"search\" aria-label=\"Filter findings\" hidden><label class=\"wide\">Text \
             <input type=\"search\" id=\"f-text\" placeholder=\"server, tool, words, pointer\" autocomplete=\"off\"></label>\
             <fieldset><legend>Severity</legend>",
        );
        for (severity, count) in self.end.tally.findings.worst_first() {
            let _ = write!(
                out,
                "<button type=\"button\" class=\"toggle {severity}\" data-severity=\"{severity}\" aria-pressed=\"true\">\
                 {severity} <span>{count}</span></button>"
            );
        }
        out.push_str("</fieldset>");
        let tags: BTreeSet<&str> = self.parts.iter().flat_map(|p| &p.tags).map(String::as_str).collect();
        let all = ["complete", "partial", "failed", "not evaluated"];
        select(out, "status", "Status", all.into_iter());
        select(out, "rule", "Rule", self.used.keys().map(String::as_str));
        if !tags.is_empty() {
            select(out, "tag", "Tag", tags.into_iter());
        }
        out.push_str(
            "<label>Order <select id=\"f-order\"><option value=\"worst\">worst first</option>\
             <option value=\"name\">name</option><option value=\"plan\">as configured</option></select></label>\
             <span class=\"group\"><button type=\"button\" id=\"b-open\">Expand all</button>\
             <button type=\"button\" id=\"b-close\">Collapse all</button>\
             <button type=\"reset\" id=\"b-reset\">Reset</button></span>\
             <output id=\"f-count\" role=\"status\" aria-live=\"polite\"></output></form>\n",
        );
    }

    fn rules(&self, out: &mut String) {
        if self.used.is_empty() {
            return;
        }
        out.push_str("<section aria-labelledby=\"rules\"><h2 id=\"rules\">Rules that found something</h2><dl class=\"rules\">");
        for (id, count) in self.used {
            let _ = write!(
                out,
                "<div><dt><code>{}</code> <span class=\"times\">{}</span></dt>",
                text(id, 60),
                plural(*count, "finding")
            );
            if let Some(rule) = self.shelf.rules.get(id) {
                let _ = write!(out, "<dd><b>{}.</b> {} ", text(&rule.title, 200), text(&rule.help, 1_000));
                finding::references(out, &rule.references);
                out.push_str("</dd>");
            }
            out.push_str("</div>");
        }
        out.push_str("</dl></section>\n");
    }

    fn footer(&self, out: &mut String) {
        let (run, rules) = (self.run, &self.run.rules);
        let took = self.end.finished.duration_since(run.started).unwrap_or_default();
        let _ = writeln!(
            out,
            "<footer><p>Run <code>{}</code>, <time>{}</time> to <time>{}</time> ({:.1} s), {} planned. hawkeye {}, \
             {} of version {}, digest <code>{}</code>.</p></footer>",
            text(&run.id, 60),
            rfc3339(run.started),
            rfc3339(self.end.finished),
            took.as_secs_f64(),
            plural(run.planned, "server"),
            env!("CARGO_PKG_VERSION"),
            plural(rules.count, "rule"),
            text(&rules.version, 40),
            text(&rules.sha256[..rules.sha256.len().min(16)], 16),
        );
    }
}

fn select<'a>(out: &mut String, id: &str, label: &str, choices: impl Iterator<Item = &'a str>) {
    let _ = write!(out, "<label>{label} <select id=\"f-{id}\"><option value=\"\">all</option>");
    for choice in choices.take(CHOICES) {
        let _ = write!(out, "<option value=\"{}\">{}</option>", attribute(choice, 60), attribute(choice, 60));
    }
    out.push_str("</select></label>");
}
