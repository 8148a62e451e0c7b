//! Facts about a whole run.

use std::time::SystemTime;

use serde::Serialize;

use super::finding::Severity;
use super::outcome::{Outcome, Status};

/// Which run this is.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// Unique.
    pub id: String,
    /// When it began.
    pub started: SystemTime,
    /// Targets planned; for progress and for counting what was lost.
    pub planned: usize,
}

/// The report's `summary`: counts over all targets so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Targets reported.
    pub targets: usize,
    /// Of these: complete.
    pub complete: usize,
    /// Of these: partial.
    pub partial: usize,
    /// Of these: failed.
    pub failed: usize,
    /// Of these: not evaluated.
    pub not_evaluated: usize,
    /// Entries that were disabled in their file; not among the targets.
    pub disabled: usize,
    /// Tools over all targets.
    pub tools: usize,
    /// Resources over all targets.
    pub resources: usize,
    /// Resource templates over all targets.
    pub resource_templates: usize,
    /// Prompts over all targets.
    pub prompts: usize,
    /// Findings by severity.
    pub findings: Severities,
}

/// What the transports did over all targets so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vitals {
    /// HTTP exchanges.
    pub requests: u64,
    /// HTTP exchanges that were asked again, after 429 or a status of the configuration.
    pub repeats: u64,
    /// Connections made; the other exchanges reused one.
    pub connections: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// Most connections that were open at once.
    pub peak_connections: u64,
    /// Processes started.
    pub processes: u64,
}

/// Counts by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Severities {
    /// Worst.
    pub critical: usize,
    /// Bad.
    pub high: usize,
    /// Worth a look.
    pub medium: usize,
    /// Minor.
    pub low: usize,
    /// Facts.
    pub info: usize,
}

impl Tally {
    /// Counts one more target.
    pub fn add(&mut self, outcome: &Outcome) {
        self.targets += 1;
        match outcome.status {
            Status::Complete => self.complete += 1,
            Status::Partial => self.partial += 1,
            Status::Failed => self.failed += 1,
            Status::NotEvaluated => self.not_evaluated += 1,
        }
        self.tools += outcome.inventory.tools.len();
        self.resources += outcome.inventory.resources.len();
        self.resource_templates += outcome.inventory.resource_templates.len();
        self.prompts += outcome.inventory.prompts.len();
        outcome.findings.iter().for_each(|f| self.findings.add(f.severity));
    }
}

impl Severities {
    fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Critical => self.critical += 1,
            Severity::High => self.high += 1,
            Severity::Medium => self.medium += 1,
            Severity::Low => self.low += 1,
            Severity::Info => self.info += 1,
        }
    }
}
