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
    /// What is bad about the servers together; `related` says which tools, `pointer` is that of the first.
    pub findings: Vec<Finding>,
}
