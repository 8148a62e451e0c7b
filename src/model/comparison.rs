//! Two reports beside each other.

use serde::Serialize;

use super::drift::Difference;

/// What is different between two runs, or two reports.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Of this shape.
    pub schema_version: u32,
    /// The older side.
    pub before: Origin,
    /// The newer side.
    pub after: Origin,
    /// Counts over all servers.
    pub summary: Summary,
    /// Servers that are not the same on both sides, in the order of the newer one; what is gone comes last.
    pub servers: Vec<Server>,
}

/// Where a side comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// A recorded run's id.
    pub run: Option<String>,
    /// When it began; for a file, when its servers were asked, if it says so.
    pub at: Option<String>,
    /// A file, as it was given.
    pub file: Option<String>,
}

/// Servers, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Only on the newer side.
    pub added: usize,
    /// Only on the older side.
    pub removed: usize,
    /// On both, and not the same.
    pub changed: usize,
    /// On both, and at least once not known well enough to be compared.
    pub unknown: usize,
    /// The same on both.
    pub same: usize,
}

impl Summary {
    /// Whether anything differs.
    pub fn differs(&self) -> bool {
        self.added + self.removed + self.changed > 0
    }
}

/// One server that is not the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Server {
    /// Its name on the newer side, where it is there.
    pub name: String,
    /// Its name before, if that was another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_before: Option<String>,
    /// What became of it.
    pub change: Fate,
    /// Everything that is different.
    pub changes: Vec<Difference>,
}

/// What became of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It is another.
    Changed,
    /// At least one side could not reach it.
    Unknown,
}
