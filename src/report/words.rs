//! Words of the model for people, where the report's own words are not meant to be read aloud.

use crate::model::drift::{How, Part};

/// A part of a server, as people call it.
pub(super) const fn part(part: Part) -> &'static str {
    match part {
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

/// What became of it.
pub(super) const fn how(how: How) -> &'static str {
    match how {
        How::Added => "added",
        How::Removed => "removed",
        How::Changed => "changed",
    }
}
