//! What is different about a server since it was looked at last.

use serde::{Deserialize, Serialize};

use super::inventory::List;

/// Differences from what was known before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// What it is compared with.
    pub since: Since,
    /// Every difference; empty where nothing changed.
    pub changes: Vec<Difference>,
    /// Earlier changes, oldest first, where there is a history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Moment>,
}

/// What a server is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// When that was learnt, RFC 3339.
    pub at: String,
    /// The run that learnt it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The file it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// What kind of thing.
    pub what: Part,
    /// Its name, where there are several of the kind; empty else.
    #[serde(default)]
    pub name: String,
    /// What became of it.
    pub change: How,
    /// JSON pointer to it in the report's target; where it is gone, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Where it is different, for what was changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
}

/// A part of what a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A tool.
    Tool,
    /// A resource.
    Resource,
    /// A template of resources.
    ResourceTemplate,
    /// A prompt.
    Prompt,
    /// What it tells the model.
    Instructions,
    /// Name and version.
    Server,
    /// What it says it can do.
    Capabilities,
    /// The protocol's revision.
    Protocol,
    /// What it asks of its callers.
    Auth,
    /// A finding of a rule.
    Finding,
    /// How far it could be listed.
    Status,
}

impl Part {
    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Tool => "tool",
            Part::Resource => "resource",
            Part::ResourceTemplate => "resource template",
            Part::Prompt => "prompt",
            Part::Instructions => "instructions",
            Part::Server => "server",
            Part::Capabilities => "capabilities",
            Part::Protocol => "protocol",
            Part::Auth => "authentication",
            Part::Finding => "finding",
            Part::Status => "status",
        }
    }

    /// Whether a server can have several, each with a name of its own.
    pub const fn is_one_of_many(self) -> bool {
        matches!(self, Part::Tool | Part::Resource | Part::ResourceTemplate | Part::Prompt | Part::Finding)
    }
}

impl From<List> for Part {
    fn from(list: List) -> Part {
        match list {
            List::Tools => Part::Tool,
            List::Resources => Part::Resource,
            List::ResourceTemplates => Part::ResourceTemplate,
            List::Prompts => Part::Prompt,
        }
    }
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It is another.
    Changed,
}

impl How {
    /// As it is spelled everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            How::Added => "added",
            How::Removed => "removed",
            How::Changed => "changed",
        }
    }
}

/// One place in a part that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// JSON pointer from the part on; empty for the whole.
    pub pointer: String,
    /// What stood there, cleaned and shortened.
    pub before: Option<String>,
    /// What stands there now.
    pub after: Option<String>,
}

/// A run at which a server had changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When, RFC 3339.
    pub at: String,
    /// Which run.
    pub run: String,
    /// What had changed, in a few words: `2 tools changed, 1 added`.
    pub what: String,
}
