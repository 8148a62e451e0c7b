//! What people say about findings: which count for nothing, which fail a run.

use std::sync::Arc;

use crate::base::glob::Glob;
use crate::model::fail_on::FailOn;
use crate::model::finding::Severity;

/// Everything that decides what a finding does to a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GateOptions {
    /// What fails a run where the policy says nothing.
    pub(crate) fail_on: FailOn,
    /// The first that fits decides.
    pub(crate) policy: Arc<[Clause]>,
    /// Findings that somebody answers for.
    pub(crate) suppressions: Arc<[Suppression]>,
}

/// One entry of the policy. All that it names must fit; what it does not name fits always.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clause {
    /// What becomes of it.
    pub(crate) action: Action,
    /// Of the finding.
    pub(crate) rule: Option<Glob>,
    /// This, or worse.
    pub(crate) severity: Option<Severity>,
    /// The server's name.
    pub(crate) server: Option<Glob>,
    /// A tag of the server, or a reference of the finding.
    pub(crate) tag: Option<Glob>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// The line of the settings file that it stands in.
    pub(crate) line: u32,
}

/// What becomes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is shown as suppressed.
    Allow,
    /// It counts, and never fails a run.
    Warn,
    /// It fails a run whatever its severity.
    Fail,
}

impl Action {
    /// All of them, as they are written.
    pub(crate) const ALL: [(&'static str, Action); 3] =
        [("allow", Action::Allow), ("warn", Action::Warn), ("fail", Action::Fail)];
}

/// One finding that somebody answers for until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suppression {
    /// Of the finding.
    pub(crate) fingerprint: String,
    /// If given, the finding is of this rule.
    pub(crate) rule: Option<String>,
    /// If given, it is one of this server.
    pub(crate) server: Option<String>,
    /// Who answers for it.
    pub(crate) owner: String,
    /// Why.
    pub(crate) reason: String,
    /// The last day on which it holds, `2026-12-31`.
    pub(crate) expires: String,
    /// Where it stands: `suppressions.yaml:3`.
    pub(crate) from: String,
}

/// Whether `text` is a day: `2026-12-31`.
pub(crate) fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(i, b)| match i {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        });
    let number =
        |range: std::ops::Range<usize>| text.get(range).and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    shaped && year >= 1970 && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for day in ["2026-12-31", "2028-02-29", "2000-02-29", "9999-01-01"] {
            assert!(is_day(day), "{day}");
        }
        for day in [
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "2026-1-1",
            "26-01-01",
            "2026/01/01",
            "2026-01-01T",
            "",
            "+026-01-01",
            "1969-12-31",
            "２026-01-1",
        ] {
            assert!(!is_day(day), "{day}");
        }
    }
}
