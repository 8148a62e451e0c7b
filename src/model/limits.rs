//! Bounds on what one target may make us read and keep. Defaults are those of the public contract.

use serde::{Deserialize, Serialize};

/// Everything counted in bytes is counted after decoding and before parsing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// One message, line or event, in bytes.
    pub message_bytes: usize,
    /// All bytes from one target.
    pub target_bytes: u64,
    /// Nesting of one JSON message.
    pub json_depth: usize,
    /// Response headers, interim responses included, in bytes.
    pub header_bytes: usize,
    /// Pages of one list.
    pub pages: u32,
    /// Items of one list.
    pub items: usize,
    /// Same-origin redirects followed.
    pub redirects: u32,
    /// How much of a server's stderr is kept, in bytes, from its end.
    pub stderr_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message_bytes: 8 << 20,
            target_bytes: 64 << 20,
            json_depth: 128,
            header_bytes: 64 << 10,
            pages: 1_000,
            items: 100_000,
            redirects: 5,
            stderr_bytes: 64 << 10,
        }
    }
}
