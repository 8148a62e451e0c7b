//! What one agent sees: all servers that a targets file gives it, together.

use serde::{Deserialize, Serialize};

use super::finding::Finding;

/// The servers of one targets file (or of one command line), as the agent that is configured with it has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// The file, as it was given.
    pub name: String,
    /// Names of its servers that could be judged.
    pub servers: Vec<String>,
    /// Names of its servers of which nothing is known: what is said here may be too little.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Tools that it sees in all.
    pub tools: usize,
    /// Tools among them that were not compared with those of other servers: one server had too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_compared: usize,
    /// What is bad about the servers together; `related` says which tools, `pointer` is that of the first.
    pub findings: Vec<Finding>,
    /// How risky its servers are beside each other, worst first; those without risk are left out.
    #[serde(default)]
    pub risks: Vec<ServerRisk>,
}

/// The score of a server, what is bad about it together with others included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRisk {
    /// Its name.
    pub server: String,
    /// From 0 to 100.
    pub score: u8,
    /// How it comes about, in one line.
    pub why: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}
