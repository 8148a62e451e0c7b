//! Where rules put what they find: bounded, whatever a server offers, and with fingerprints.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::model::finding::{Confidence, Finding, Severity, worst_first};

use super::census::Census;
use super::digest;
use super::rules::{Found, RULES, Rule};
use super::surface::{is_loopback, parts};

/// Findings of one rule and severity that are told one by one.
const MOST_ALIKE: usize = 50;

/// All findings of one target.
#[derive(Debug)]
pub(super) struct Findings {
    /// The target's name: two servers' findings are not the same finding.
    target: String,
    found: Vec<Finding>,
    /// By rule and severity: how many, and where the last one that is told is.
    counts: Vec<[(usize, usize); 5]>,
    /// The worst of the rules about what tools can do.
    pub(super) capability: Option<Severity>,
    /// What is counted over all tools.
    pub(super) census: Census,
    /// The fingerprints that are given: what one rule finds twice in one item is two findings.
    given: HashMap<String, usize>,
}

impl Findings {
    pub(super) fn new(target: &str) -> Findings {
        let counts = vec![[(0, 0); 5]; RULES.len()];
        Findings {
            target: target.to_owned(),
            found: Vec::new(),
            counts,
            capability: None,
            census: Census::default(),
            given: HashMap::new(),
        }
    }

    /// A place for what `rule` (the one at `number` of the table) finds at `subject`.
    pub(super) fn of<'f>(&'f mut self, number: usize, subject: Subject<'f>) -> Hits<'f> {
        Hits { number, rule: RULES[number], subject, findings: self }
    }

    /// Worst first; among equals, in the order of the table and of the lists.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        for of_rule in &self.counts {
            for (count, last) in of_rule.iter().filter(|(count, _)| *count > MOST_ALIKE) {
                self.found[*last].message.push_str(&format!(" (and {} more like this)", count - MOST_ALIKE));
            }
        }
        worst_first(&mut self.found);
        self.found
    }
}

/// What is being judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// What kind of thing, for the fingerprint.
    pub(super) kind: &'static str,
    /// Its name, for the fingerprint.
    pub(super) name: &'a str,
    /// Where it is: a field of the report's target, and a place in it.
    pub(super) place: (&'static str, Option<usize>),
}

/// The findings of one rule at one subject.
#[derive(Debug)]
pub(super) struct Hits<'f> {
    number: usize,
    rule: &'static Rule,
    subject: Subject<'f>,
    findings: &'f mut Findings,
}

/// One finding without what the rule and the subject know already.
#[derive(Debug)]
pub(super) struct Hit {
    /// How sure.
    pub(super) confidence: Confidence,
    /// One line for people.
    pub(super) message: String,
    /// JSON pointer from the subject on.
    pub(super) path: String,
    /// What was found, as it was sent.
    pub(super) excerpt: Option<String>,
}

impl Hits<'_> {
    /// One more; `hit` is made only if it is told.
    pub(super) fn add(&mut self, severity: Severity, hit: impl FnOnce() -> Hit) {
        self.put(severity, None, hit);
    }

    /// One more, that is the same finding as long as `same` is, whatever its excerpt.
    pub(super) fn add_same(&mut self, severity: Severity, same: &str, hit: impl FnOnce() -> Hit) {
        self.put(severity, Some(same), hit);
    }

    fn put(&mut self, severity: Severity, same: Option<&str>, hit: impl FnOnce() -> Hit) {
        let (count, last) = &mut self.findings.counts[self.number][severity as usize];
        *count += 1;
        if self.rule.id.starts_with("HK-CAP") {
            self.findings.capability = self.findings.capability.max(Some(severity));
        }
        if *count > MOST_ALIKE {
            return;
        }
        *last = self.findings.found.len();
        let hit = hit();
        let (field, index) = self.subject.place;
        let mut pointer = if field.is_empty() { String::new() } else { format!("/{field}") };
        if let Some(index) = index {
            pointer.push_str(&format!("/{index}"));
        }
        pointer.push_str(&hit.path);
        // Neither the place in a list nor white space nor case makes it another finding.
        let of_target = self.subject.kind == "target";
        let words: Vec<String> = same
            .or(hit.excerpt.as_deref())
            .into_iter()
            .flat_map(str::split_whitespace)
            .map(
                |word| {
                    if of_target { without_passing_port(word).to_lowercase() } else { word.to_lowercase() }
                },
            )
            .take(64)
            .collect();
        let (place, words) = (without_places(&hit.path), words.join(" "));
        let same = [&self.findings.target, self.subject.kind, self.subject.name, &place, &words];
        let key = digest::fingerprint(&[&[self.rule.id], &same[..]].concat());
        let times = self.findings.given.entry(key).or_default();
        *times += 1;
        let again = if *times > 1 { times.to_string() } else { String::new() };
        let same: Vec<&str> = same.into_iter().chain((!again.is_empty()).then_some(again.as_str())).collect();
        self.findings.found.push(self.rule.finding(Found {
            severity,
            confidence: hit.confidence,
            message: hit.message,
            same: &same,
            pointer,
            excerpt: hit.excerpt,
        }));
    }

    /// What is counted over all tools so far.
    pub(super) fn census(&self) -> &Census {
        &self.findings.census
    }

    /// The worst that the rules about capabilities found so far.
    pub(super) fn capability(&self) -> Option<Severity> {
        self.findings.capability
    }
}

/// `word` without its port, where it is an address of this machine: another start, another port.
fn without_passing_port(word: &str) -> Cow<'_, str> {
    let Some((_, host, _)) = parts(word).filter(|(_, host, _)| is_loopback(host)) else { return word.into() };
    let end = word.find(host).map_or(word.len(), |at| at + host.len());
    let end = end + usize::from(word[end..].starts_with(']'));
    let rest =
        word[end..].strip_prefix(':').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.map_or(word.into(), |rest| format!("{}{rest}", &word[..end]).into())
}

/// `path` without places in lists, which change when something is put before them.
fn without_places(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.bytes().all(|b| b.is_ascii_digit()) {
        true if !part.is_empty() => "*",
        _ => part,
    });
    parts.collect::<Vec<_>>().join("/")
}
