//! What findings do to a run: some are answered for, some are allowed, some fail it.
//!
//! A suppression names one finding, who answers for it, why, and until when; it comes before the policy, whose
//! first fitting clause decides; where none fits, `--fail-on` does. Findings of several servers together are
//! let off only where a clause fits all of these servers, and fail where it fits one.
//!
//! Invariant: no I/O and no clock in this module; the day is told to it.

pub(crate) mod options;

use crate::base::text::{few, quote};
use crate::model::finding::{Finding, Suppressed};

use options::{Action, Clause, GateOptions, Suppression};

/// Entries that are named in messages; the rest is counted.
const MOST_NAMED: usize = 20;
/// Servers named in one of them, and characters of each name.
const MOST_SERVERS: usize = 3;
const NAME_MAX: usize = 60;

/// A server, as policies and suppressions know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Server {
    /// Every name it goes by.
    pub(crate) names: Vec<String>,
    /// What its entries say it is.
    pub(crate) tags: Vec<String>,
}

/// Weighs findings, and remembers which suppressions were used.
#[derive(Debug)]
pub(crate) struct Gate {
    options: GateOptions,
    /// The day, `2026-11-22`.
    today: String,
    /// What was seen of each suppression.
    seen: Vec<Seen>,
}

/// What a run had of that which a suppression is about.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// The server, or any where it names none.
    server: bool,
    /// The finding.
    finding: bool,
    /// Rule and servers of one with its fingerprint, which it is not for, because it names others.
    other: Option<(String, Vec<String>)>,
}

impl Gate {
    /// As `options` say on the day `today`.
    pub(crate) fn new(options: &GateOptions, today: &str) -> Gate {
        let seen = vec![Seen::default(); options.suppressions.len()];
        Gate { options: options.clone(), today: today.to_owned(), seen }
    }

    /// Decides what becomes of `finding`, which is one of all of `servers`.
    pub(crate) fn weigh(&mut self, servers: &[&Server], finding: &mut Finding) {
        finding.suppressed = None;
        finding.fails = false;
        if let Some(by) = self.suppressed(servers, finding) {
            finding.suppressed = Some(by);
            return;
        }
        match self.options.policy.iter().find(|clause| clause.fits(servers, finding)) {
            Some(Clause { action: Action::Allow, reason, .. }) => {
                let reason = reason.clone();
                finding.suppressed =
                    Some(Suppressed { by: "policy".to_owned(), owner: None, reason, expires: None });
            }
            Some(Clause { action: Action::Warn, .. }) => {}
            Some(Clause { action: Action::Fail, .. }) => finding.fails = true,
            None => finding.fails = self.options.fail_on.fails(finding),
        }
    }

    /// Notes that `server` was in the run, whether anything was found at it or not.
    pub(crate) fn see(&mut self, server: &Server) {
        for (entry, seen) in self.options.suppressions.iter().zip(&mut self.seen) {
            seen.server |= entry.server.as_ref().is_none_or(|name| server.names.contains(name));
        }
    }

    fn suppressed(&mut self, servers: &[&Server], finding: &Finding) -> Option<Suppressed> {
        let same = |entry: &&Suppression| entry.fingerprint == finding.fingerprint;
        let mut entries =
            self.options.suppressions.iter().zip(&mut self.seen).filter(|(entry, _)| same(entry));
        let entry = entries.find_map(|(entry, seen)| {
            let fits = entry.fits(servers, finding);
            seen.finding |= fits;
            if !fits {
                let names = servers.iter().flat_map(|server| server.names.iter().cloned()).collect();
                seen.other = Some((finding.rule.to_string(), names));
            }
            fits.then_some(entry)
        })?;
        (!entry.expired(&self.today)).then(|| Suppressed {
            by: entry.from.clone(),
            owner: Some(entry.owner.clone()),
            reason: Some(entry.reason.clone()),
            expires: Some(entry.expires.clone()),
        })
    }

    /// Suppressions that are over, a line each.
    pub(crate) fn expired(&self) -> Vec<String> {
        let over = self.options.suppressions.iter().filter(|entry| entry.expired(&self.today));
        bounded(over.map(|entry| {
            format!(
                "{}: the suppression of {} by {} has expired on {}: what it hid counts again, if it is still found (mend that, or answer for it anew)",
                entry.from,
                entry.what(),
                entry.owner,
                entry.expires
            )
        }))
    }

    /// Suppressions that nothing was found for, a line each. Of servers that were not in the run only those that
    /// are for something else than they say; only to be asked where all of it was evaluated.
    pub(crate) fn unused(&self) -> Vec<String> {
        let idle = self.options.suppressions.iter().zip(&self.seen);
        let idle = idle.filter(|(entry, seen)| !seen.finding && !entry.expired(&self.today));
        bounded(idle.filter_map(|(entry, seen)| {
            let (from, what, owner) = (&entry.from, entry.what(), &entry.owner);
            match &seen.other {
                Some((rule, servers)) => {
                    let on = few(servers.iter().map(|name| quote(name, NAME_MAX)), MOST_SERVERS);
                    Some(format!(
                        "{from}: the suppression of {what} by {owner} hides nothing: its fingerprint is that of {rule} on {on} (mend its rule or server)"
                    ))
                }
                None if seen.server => Some(format!(
                    "{from}: nothing is found any more that the suppression of {what} by {owner} is for (remove it)"
                )),
                None => None,
            }
        }))
    }
}

fn bounded(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = lines.collect();
    if all.len() > MOST_NAMED {
        let more = all.len() - MOST_NAMED;
        all.truncate(MOST_NAMED);
        all.push(format!("and {more} more suppressions like this"));
    }
    all
}

impl Clause {
    fn fits(&self, servers: &[&Server], finding: &Finding) -> bool {
        let one = |server: &&Server| {
            let named = |glob: &crate::base::glob::Glob| server.names.iter().any(|name| glob.matches(name));
            let tagged = |glob: &crate::base::glob::Glob| {
                let references = finding.references.iter().map(AsRef::as_ref);
                server.tags.iter().map(String::as_str).chain(references).any(|tag| glob.matches(tag))
            };
            self.server.as_ref().is_none_or(named) && self.tag.as_ref().is_none_or(tagged)
        };
        let servers_fit = match self.action {
            Action::Allow | Action::Warn => servers.iter().all(one),
            Action::Fail => servers.iter().any(one),
        };
        servers_fit
            && self.rule.as_ref().is_none_or(|rule| rule.matches(&finding.rule))
            && self.severity.is_none_or(|least| finding.severity >= least)
    }
}

impl Suppression {
    /// Whether it is for `finding`, whose fingerprint is its own.
    fn fits(&self, servers: &[&Server], finding: &Finding) -> bool {
        self.rule.as_ref().is_none_or(|rule| rule.eq_ignore_ascii_case(&finding.rule))
            && self.server.as_ref().is_none_or(|name| servers.iter().any(|s| s.names.contains(name)))
    }

    /// Days are spelled so that the later one is the greater text.
    fn expired(&self, today: &str) -> bool {
        self.expires.as_str() < today
    }

    /// What it is about, for messages.
    fn what(&self) -> String {
        match (&self.rule, &self.server) {
            (Some(rule), Some(server)) => format!("{rule} on {server}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => self.fingerprint.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::glob::Glob;
    use crate::model::fail_on::FailOn;
    use crate::model::finding::{Confidence, Severity};

    const TODAY: &str = "2026-11-22";

    fn finding(rule: &'static str, severity: Severity) -> Finding {
        Finding {
            rule: rule.into(),
            severity,
            confidence: Confidence::High,
            message: String::new(),
            pointer: String::new(),
            excerpt: None,
            references: vec!["CWE-78".into()],
            remedy: "".into(),
            fingerprint: format!("f-{rule}"),
            related: Vec::new(),
            fails: false,
            suppressed: None,
        }
    }

    fn server(name: &str, tags: &[&str]) -> Server {
        Server { names: vec![name.to_owned()], tags: tags.iter().map(|t| (*t).to_owned()).collect() }
    }

    fn clause(action: Action) -> Clause {
        Clause {
            action,
            rule: None,
            severity: None,
            server: None,
            tag: None,
            reason: Some("because".into()),
            line: 1,
        }
    }

    fn glob(text: &str) -> Option<Glob> {
        Some(Glob::new(text))
    }

    fn suppression(expires: &str) -> Suppression {
        Suppression {
            fingerprint: "f-HK-CAP-001".into(),
            rule: None,
            server: None,
            owner: "ops".into(),
            reason: "known".into(),
            expires: expires.into(),
            from: "s.yaml:2".into(),
        }
    }

    fn gate(policy: Vec<Clause>, suppressions: Vec<Suppression>) -> Gate {
        let (policy, suppressions) = (Arc::from(policy), Arc::from(suppressions));
        Gate::new(&GateOptions { fail_on: FailOn::default(), policy, suppressions }, TODAY)
    }

    /// `fails`, `allowed` or `counts`.
    fn verdict(gate: &mut Gate, servers: &[&Server], rule: &'static str, severity: Severity) -> &'static str {
        let mut finding = finding(rule, severity);
        gate.weigh(servers, &mut finding);
        match (finding.fails, finding.suppressed.is_some()) {
            (true, false) => "fails",
            (false, true) => "allowed",
            (false, false) => "counts",
            (true, true) => "both",
        }
    }

    #[test]
    fn the_first_clause_that_fits_decides_and_else_the_threshold() {
        use Severity::{High, Low, Medium};
        let policy = vec![
            Clause { rule: glob("HK-POI-*"), server: glob("test-*"), ..clause(Action::Allow) },
            Clause { severity: Some(Medium), tag: glob("prod"), ..clause(Action::Fail) },
            Clause { tag: glob("cwe-78"), rule: glob("HK-CAP-*"), ..clause(Action::Warn) },
            Clause { rule: glob("HK-CAP-*"), ..clause(Action::Fail) },
        ];
        let mut gate = gate(policy, Vec::new());
        let (test, prod) = (server("test-1", &[]), server("shop", &["PROD"]));
        for (servers, rule, severity, expected) in [
            (vec![&test], "HK-POI-001", High, "allowed"),
            (vec![&prod], "HK-POI-001", Medium, "fails"),
            (vec![&prod], "HK-POI-001", Low, "counts"),
            (vec![&test], "HK-CAP-001", High, "counts"),
            (vec![&test], "HK-SCH-001", High, "fails"),
            (vec![&test], "HK-SCH-001", Medium, "counts"),
            // Of several servers: let off where all of them are, failed where one is.
            (vec![&test, &prod], "HK-POI-001", High, "fails"),
            (vec![&test, &prod], "HK-POI-001", Medium, "fails"),
            (vec![&test, &test], "HK-POI-001", High, "allowed"),
        ] {
            assert_eq!(verdict(&mut gate, &servers, rule, severity), expected, "{rule} {severity}");
        }
    }

    #[test]
    fn a_suppression_holds_to_its_last_day_and_only_for_what_it_names() {
        let shop = server("shop", &[]);
        let named = |rule: Option<&str>, server: Option<&str>| Suppression {
            rule: rule.map(Into::into),
            server: server.map(Into::into),
            ..suppression("2026-12-31")
        };
        for (entry, expected) in [
            (suppression(TODAY), "allowed"),
            (suppression("2026-11-21"), "fails"),
            (named(Some("hk-cap-001"), Some("shop")), "allowed"),
            (named(Some("HK-CAP-002"), None), "fails"),
            (named(None, Some("other")), "fails"),
        ] {
            let mut gate = gate(vec![clause(Action::Fail)], vec![entry.clone()]);
            assert_eq!(verdict(&mut gate, &[&shop], "HK-CAP-001", Severity::Low), expected, "{entry:?}");
        }
    }

    #[test]
    fn expired_and_unused_entries_are_named_with_their_place_and_owner() {
        let away = Suppression { server: Some("away".into()), ..suppression("2027-01-01") };
        let elsewhere = Suppression { fingerprint: "f-HK-CAP-002".into(), ..away.clone() };
        let entries = vec![suppression("2026-01-01"), away, elsewhere, suppression("2027-01-01")];
        let mut gate = gate(Vec::new(), entries);
        let shop = server("shop", &[]);
        gate.see(&shop);
        verdict(&mut gate, &[&shop], "HK-CAP-002", Severity::Low);
        let (expired, unused) = (gate.expired(), gate.unused());
        assert_eq!((expired.len(), unused.len()), (1, 2), "{unused:?}");
        for said in [&expired[0], &unused[0], &unused[1]] {
            assert!(said.starts_with("s.yaml:2: ") && said.contains("by ops"), "{said}");
        }
        assert!(unused[0].contains("of HK-CAP-002 on shop (mend"), "{unused:?}");
        let many = (0..50).map(|n| Suppression { fingerprint: n.to_string(), ..suppression("2027-01-01") });
        let mut gate =
            Gate { options: GateOptions { suppressions: many.collect(), ..GateOptions::default() }, ..gate };
        gate.seen = vec![Seen { server: true, ..Seen::default() }; 50];
        assert_eq!(gate.unused().len(), MOST_NAMED + 1);
        assert!(gate.unused()[MOST_NAMED].contains("30 more"));
    }
}
