//! What is judged, and how deep.

/// What the settings say about judging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Judge risk: names, annotations, transport, how a server is started.
    pub risk: bool,
    /// Judge risk in depth, too: every text and every parameter. Only together with `risk`.
    pub detailed: bool,
    /// Check schemas and names.
    pub schemas: bool,
    /// Levels of a schema that are looked at.
    pub depth: usize,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { risk: true, detailed: true, schemas: true, depth: 10 }
    }
}
