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

/// Servers that may be in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Approved {
    /// The file that says so, as it was given.
    pub(crate) file: String,
    /// Each of them.
    pub(crate) servers: Vec<ApprovedServer>,
}

/// What an approved server is called and how it is reached, as far as that matters. `*` stands for anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ApprovedServer {
    /// Its name in the targets file.
    pub(crate) name: Option<String>,
    /// Its URL.
    pub(crate) url: Option<String>,
    /// Its command line, words joined with blanks.
    pub(crate) command: Option<String>,
}
