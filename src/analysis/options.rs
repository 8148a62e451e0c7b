//! What is judged, and how deep.

use std::sync::Arc;

pub(crate) use super::custom::{Custom, Pattern, Place, Subject};
pub use super::selection::Selection;
use crate::base::glob::Glob;

/// What the settings say about judging.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Judge risk: names, annotations, transport, how a server is started.
    pub risk: bool,
    /// Judge risk in depth, too: every text and every parameter. Only together with `risk`.
    pub detailed: bool,
    /// Check schemas and names.
    pub schemas: bool,
    /// Levels of a schema that are looked at.
    pub depth: usize,
    /// Rules that are switched off, graded otherwise, or people's own.
    pub selection: Arc<Selection>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { risk: true, detailed: true, schemas: true, depth: 10, selection: Arc::default() }
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

/// What an approved server is called and how it is reached, as far as that matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ApprovedServer {
    /// Its name in the targets file.
    pub(crate) name: Option<Glob>,
    /// Its URL.
    pub(crate) url: Option<Glob>,
    /// Its command line, words joined with blanks.
    pub(crate) command: Option<Glob>,
}
