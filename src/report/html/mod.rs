//! The report as a page: one file that needs nothing else, is read without a script, and asks nobody for anything.
//!
//! | file | what it writes |
//! |---|---|
//! | `shown` | the one door for text that is not ours |
//! | `server`, `ledger` | a target: its row, its article, its coverage, its tools |
//! | `finding`, `passage` | findings by rule, the words they are about |
//! | `drift` | what is different, before and after |
//! | `overview`, `chart` | what stands above: sums, clients, the bar for filters |
//! | `page.css`, `page.js` | looks; filtering, sorting, copying |
//!
//! The page forbids everything by its own policy, then allows its one style and its one script by their digests:
//! should markup ever get past `shown`, it still runs nothing and loads nothing.
//!
//! Kept until the end is the finished text of each target, never an inventory.

mod chart;
mod drift;
mod finding;
mod ledger;
mod overview;
mod passage;
mod server;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::LazyLock;

use ring::digest::{SHA256, digest};

use super::{RunEnd, Sink};
use crate::base::encoding::base64;
use crate::base::time::rfc3339;
use crate::model::client::Client;
use crate::model::finding::Finding;
use crate::model::outcome::Outcome;
use crate::model::run::{RuleText, RunInfo};
use finding::Shelf;
use overview::Page;
use server::Part;
use shown::text;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page may do: show its own style, run its own script.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let of = |text: &str| base64(digest(&SHA256, text.as_bytes()).as_ref());
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        of(STYLE),
        of(SCRIPT)
    )
});

/// Findings of one rule shown one by one, over all targets and for one of them at least and at most. A page is
/// read by people: 10,000 servers with 50 findings each are not.
const FINDINGS: usize = 10_000;
const LEAST: usize = 3;
const MOST: usize = 50;
/// Articles that are open from the start: the worst, where they have findings that are worth waking someone.
const OPEN: usize = 5;

/// Keeps the finished parts and writes the page at the end: the worst comes first, the sums before it.
pub(super) struct HtmlSink<W> {
    out: W,
    run: Option<RunInfo>,
    rules: HashMap<String, RuleText>,
    room: usize,
    parts: Vec<Part>,
    /// Findings by rule, for the filter and the list of rules.
    used: BTreeMap<String, usize>,
    clients: Vec<Client>,
}

impl<W: Write> HtmlSink<W> {
    /// Writes to `out`.
    pub(super) fn new(out: W) -> HtmlSink<W> {
        HtmlSink {
            out,
            run: None,
            rules: HashMap::new(),
            room: MOST,
            parts: Vec::new(),
            used: BTreeMap::new(),
            clients: Vec::new(),
        }
    }

    fn count(&mut self, findings: &[Finding]) {
        for finding in findings {
            // Rules of a configuration are as many as somebody wrote.
            *self.used.entry(finding.rule.to_string()).or_default() += 1;
        }
    }

    fn write_page(&mut self, run: &RunInfo, end: &RunEnd) -> io::Result<()> {
        self.parts.sort_by(|a, b| b.order.cmp(&a.order).then(a.index.cmp(&b.index)));
        let page = Page {
            run,
            end,
            parts: &self.parts,
            used: &self.used,
            clients: &self.clients,
            shelf: Shelf { rules: &self.rules, room: self.room },
        };
        write!(
            self.out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"generator\" content=\"hawkeye {}\">\n<title>hawkeye report {}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n",
            *POLICY,
            env!("CARGO_PKG_VERSION"),
            text(&rfc3339(end.finished), 40),
        )?;
        self.out.write_all(page.above().as_bytes())?;
        let mut article = String::new();
        for (place, part) in self.parts.iter().enumerate() {
            article.clear();
            let bad = part.counts.critical + part.counts.high > 0;
            part.article(&mut article, place < OPEN && (bad || self.parts.len() == 1));
            self.out.write_all(article.as_bytes())?;
        }
        self.out.write_all(page.below().as_bytes())?;
        write!(self.out, "<script>{SCRIPT}</script>\n</body>\n</html>\n")?;
        self.out.flush()
    }
}

impl<W: Write> Sink for HtmlSink<W> {
    fn begin(&mut self, run: &RunInfo) -> io::Result<()> {
        self.rules = run.rules.rules.iter().map(|rule| (rule.id.to_string(), rule.clone())).collect();
        self.room = (FINDINGS / run.planned.max(1)).clamp(LEAST, MOST);
        self.run = Some(run.clone());
        Ok(())
    }

    fn outcome(&mut self, index: usize, outcome: &Outcome) -> io::Result<()> {
        self.count(&outcome.findings);
        let shelf = Shelf { rules: &self.rules, room: self.room };
        self.parts.push(Part::new(index, outcome, &shelf));
        Ok(())
    }

    fn client(&mut self, client: &Client) -> io::Result<()> {
        self.count(&client.findings);
        self.clients.push(client.clone());
        Ok(())
    }

    fn end(&mut self, end: &RunEnd) -> io::Result<()> {
        let run = self.run.take().ok_or_else(|| io::Error::other("report ended before it began"))?;
        self.write_page(&run, end)
    }
}
