//! What a rule has to say about a target.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad. The order is the order of badness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A fact.
    Info,
    /// Minor.
    Low,
    /// Worth a look.
    Medium,
    /// Bad.
    High,
    /// Worst.
    Critical,
}

impl Severity {
    /// All of them.
    pub const ALL: [Severity; 5] =
        [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// As the report spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A hint.
    Low,
    /// Probably.
    Medium,
    /// A fact.
    High,
}

/// One rule hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable id, `HK-XXX-000`.
    pub rule: Cow<'static, str>,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// One line for people.
    pub message: String,
    /// JSON pointer into the report's target (RFC 6901).
    pub pointer: String,
    /// What was found, cleaned; nothing where the place says it all.
    pub excerpt: Option<String>,
    /// OWASP, CWE and others.
    #[serde(default)]
    pub references: Vec<Cow<'static, str>>,
    /// What to do.
    pub remedy: Cow<'static, str>,
    /// The same for the same finding, wherever it stands in the list.
    pub fingerprint: String,
    /// Other places that it is about: the other server of a pair, the other legs of a flow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    /// Whether it makes the run fail (`--fail-on`, the policy of the configuration).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fails: bool,
    /// Set when somebody answers for it: it is shown and counts for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppressed>,
}

/// A place in another target, or in the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// The target's name.
    pub target: String,
    /// JSON pointer into that target.
    pub pointer: String,
    /// What is there, for people: `tool "send_mail"`.
    pub label: String,
}

/// Who answers for a finding, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// What suppresses it: a file of suppressions, or the policy.
    pub by: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last day on which it holds, `2026-12-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Puts the worst first; among equals, what came first.
pub(crate) fn worst_first(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
}
