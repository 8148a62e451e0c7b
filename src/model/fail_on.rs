//! What makes a run fail: `--fail-on`.

use crate::base::glob::Glob;
use crate::base::text::{nearest, quote};

use super::finding::{Finding, Severity};

/// The gate of a run. Without a severity it is shut at `high`: who adds a rule does not mean to open it for
/// the others. `never` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailOn {
    /// The least severity that fails a run; none, where only what is named does.
    pub(crate) least: Option<Severity>,
    /// Rules that do whatever their severity.
    pub(crate) rules: Vec<Glob>,
    /// Whether a server that is different from the last time does.
    pub(crate) drift: bool,
    /// Whether a server that is not complete does, even where `--allow-incomplete` is given.
    pub(crate) incomplete: bool,
}

impl Default for FailOn {
    fn default() -> FailOn {
        FailOn { least: Some(Severity::High), rules: Vec::new(), drift: false, incomplete: false }
    }
}

/// All there are besides the names of rules.
const WORDS: [&str; 8] = ["never", "info", "low", "medium", "high", "critical", "drift", "incomplete"];

impl FailOn {
    /// What `words` say together.
    pub(crate) fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<FailOn, String> {
        let mut fail_on = FailOn { least: None, ..FailOn::default() };
        let mut never = false;
        for word in words {
            match word {
                "never" => never = true,
                "drift" => fail_on.drift = true,
                "incomplete" => fail_on.incomplete = true,
                // Every rule has one, and no other word.
                rule if rule.contains(['-', '*', '?']) => fail_on.rules.push(Glob::new(rule)),
                _ => {
                    let severity = severity(word).ok_or_else(|| not_a_word(word))?;
                    fail_on.least = Some(fail_on.least.map_or(severity, |least| least.min(severity)));
                }
            }
        }
        match (never, fail_on.least) {
            (true, Some(severity)) => Err(format!("never and {severity} exclude each other")),
            (true, None) => Ok(fail_on),
            (false, least) => Ok(FailOn { least: least.or(FailOn::default().least), ..fail_on }),
        }
    }

    /// The words, as they would be written.
    #[cfg(test)]
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![self.least.map_or("never", Severity::name).to_owned()];
        words.extend(self.rules.iter().map(|rule| rule.text().to_owned()));
        words.extend(self.drift.then(|| "drift".to_owned()));
        words.extend(self.incomplete.then(|| "incomplete".to_owned()));
        words
    }

    /// Whether `finding` fails a run where nothing else is said of it.
    pub(crate) fn fails(&self, finding: &Finding) -> bool {
        self.least.is_some_and(|least| finding.severity >= least)
            || self.rules.iter().any(|rule| rule.matches(&finding.rule))
    }
}

/// The severity that `word` names.
pub(crate) fn severity(word: &str) -> Option<Severity> {
    Severity::ALL.into_iter().find(|s| s.name() == word)
}

fn not_a_word(word: &str) -> String {
    let all = WORDS.join(", ");
    match nearest(word, WORDS) {
        Some(meant) => format!("must be one of {all}, or the id of a rule (did you mean {meant}?)"),
        None => format!("\"{}\" must be one of {all}, or the id of a rule such as HK-POI-*", quote(word, 40)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_adds_to_high_unless_a_severity_or_never_is_given() {
        for (words, expected) in [
            ("", "high"),
            ("high", "high"),
            ("drift", "high drift"),
            ("never,drift", "never drift"),
            ("never", "never"),
            ("high,low", "low"),
            ("HK-POI-*,incomplete", "high HK-POI-* incomplete"),
            ("critical,ACME-001", "critical ACME-001"),
        ] {
            let fail_on = FailOn::of(words.split(',').filter(|w| !w.is_empty())).unwrap();
            assert_eq!(fail_on.words().join(" "), expected, "{words}");
        }
        assert!(FailOn::of(["never", "low"]).unwrap_err().contains("never and low"));
        assert!(FailOn::of(["hihg"]).unwrap_err().contains("did you mean high?"));
        assert!(FailOn::of([""]).unwrap_err().contains("id of a rule"));
    }
}
