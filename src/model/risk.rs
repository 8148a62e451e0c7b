//! How risky a server is, in one number that can be explained.

use serde::{Deserialize, Serialize};

/// The score of a server and of its tools. 0 is nothing found, 100 the worst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// From 0 to 100.
    pub score: u8,
    /// How it comes about, in one line.
    pub why: String,
    /// Tools that have findings, worst first.
    #[serde(default)]
    pub tools: Vec<ToolRisk>,
}

/// The score of one tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolRisk {
    /// Its name.
    pub name: String,
    /// JSON pointer into the report's target: `/tools/3`.
    pub pointer: String,
    /// From 0 to 100.
    pub score: u8,
    /// How it comes about, in one line.
    pub why: String,
}
