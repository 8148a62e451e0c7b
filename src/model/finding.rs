//! What a rule has to say about a target.

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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Stable id, `HK-XXX-000`.
    pub rule: &'static str,
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
    pub references: &'static [&'static str],
    /// What to do.
    pub remedy: &'static str,
    /// The same for the same finding, wherever it stands in the list.
    pub fingerprint: String,
}
