//! Where rules put what they find: bounded, whatever a server offers, and with fingerprints.

use crate::model::finding::{Confidence, Finding, Severity};

use super::rules::{Found, RULES, Rule};

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
}

impl Findings {
    pub(super) fn new(target: &str) -> Findings {
        let counts = vec![[(0, 0); 5]; RULES.len()];
        Findings { target: target.to_owned(), found: Vec::new(), counts, capability: None }
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
        self.found.sort_by_key(|f| std::cmp::Reverse(f.severity));
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
        self.findings.found.push(self.rule.finding(Found {
            severity,
            confidence: hit.confidence,
            message: hit.message,
            same: &[&self.findings.target, self.subject.kind, self.subject.name, &hit.path],
            pointer,
            excerpt: hit.excerpt,
        }));
    }

    /// The worst that the rules about capabilities found so far.
    pub(super) fn capability(&self) -> Option<Severity> {
        self.findings.capability
    }
}
