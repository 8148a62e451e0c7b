//! Saved files back to outcomes: our own reports, and listings that somebody else wrote down.
//!
//! | file | what it does |
//! |---|---|
//! | `file` | bytes of a file, within bounds |
//! | `document` | what a text holds, and where in it: one server, many, or none |
//! | `report` | a target of one of our reports |
//! | `listing` | what a server answered, raw |
//! | `stream` | one of our reports from its beginning to its end, run and all, nothing of it kept |
//!
//! Invariant: nothing here connects, starts or judges anything. What cannot be used of a file is an outcome
//! that says so; only a file of which nothing can be used is an error. Every item is tidied as a live one is.

mod document;
mod file;
mod listing;
mod report;
pub(crate) mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::base::text::visible;
use crate::model::outcome::{EndpointView, Failure, FailureKind, Outcome, Owner, Phase, Posture, SavedIn};
use crate::model::secret::{MASK, Secret};
use crate::model::target::{Endpoint, HttpHint, Remote, Target};

/// What standard input is called in reports and messages.
pub(crate) const STANDARD_INPUT: &str = "standard input";

/// The outcome in `text`, a target of a report as another of us wrote it.
#[cfg(feature = "cluster")]
pub(crate) fn outcome(text: &str) -> Option<Outcome> {
    report::outcome(text)
}

/// A file that cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// The file as it was given.
    pub file: String,
    /// Line and column, where one place is to blame.
    pub at: Option<(u32, u32)>,
    /// The cause, and what to do.
    pub why: String,
    /// Whether there was a file to look into.
    pub read: bool,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.file))?;
        match self.at {
            Some((line, column)) => write!(f, ":{line}:{column}: ")?,
            None => f.write_str(" ")?,
        }
        f.write_str(&visible(&self.why))
    }
}

impl Unusable {
    /// The file as a target that failed, for a report in which others did not.
    pub(crate) fn outcome(&self) -> Outcome {
        let place = Place { file: &self.file, line: self.at.map(|(line, _)| line), learnt_at: None };
        failed(self.file.clone(), &place, FailureKind::Config, self.to_string())
    }
}

/// Reads the file at `path`, or `input` where that is standard input: an outcome for each server in it, in their
/// order. Findings are those of then, where the file is one of our reports.
pub(crate) fn read(path: &Path, input: &mut dyn Read) -> Result<Vec<Outcome>, Unusable> {
    let (name, text) = file::read(path, input)?;
    parse(&name, &text)
}

/// Reads `text`, the content of the file called `name`.
pub(crate) fn parse(name: &str, text: &str) -> Result<Vec<Outcome>, Unusable> {
    document::read(name, text)
}

/// The server of a saved outcome as the rules see it. Headers are not saved; that there were some is.
pub(crate) fn target(outcome: &Outcome) -> Target {
    let EndpointView { command, args, url } = &outcome.endpoint;
    let blank = match (url, command) {
        (Some(url), _) => {
            let held = outcome.auth.posture == Posture::Bearer && outcome.inventory.protocol.is_some();
            let headers = held.then(|| ("Authorization".to_owned(), Secret::new(MASK))).into_iter().collect();
            let remote = Remote { url: url.clone(), headers, hint: HttpHint::of(url) };
            Target { endpoint: Endpoint::Remote(remote), ..Target::unknown(&outcome.name) }
        }
        (None, Some(program)) => Target::command(&outcome.name, program, args.as_deref().unwrap_or_default()),
        (None, None) => Target::unknown(&outcome.name),
    };
    Target {
        owners: outcome.owners.clone(),
        tags: outcome.tags.clone(),
        // Where a mask stands, nobody can say any more who had written down what.
        expanded: vec![Secret::new(MASK)],
        ..blank
    }
}

/// Where a server stands.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    line: Option<u32>,
    /// When it was asked, where that is known.
    learnt_at: Option<&'a str>,
}

/// An outcome of which nothing is known but its place.
fn blank(name: String, place: &Place<'_>) -> Outcome {
    Outcome {
        owners: vec![Owner { file: place.file.to_owned(), line: place.line, name: name.clone() }],
        saved: Some(SavedIn {
            file: place.file.to_owned(),
            line: place.line,
            learnt_at: place.learnt_at.map(str::to_owned),
        }),
        ..Outcome::unknown(&name)
    }
}

/// One that cannot be used.
fn failed(name: String, place: &Place<'_>, kind: FailureKind, message: String) -> Outcome {
    Outcome { failure: Some(Failure { kind, phase: Phase::Config, message }), ..blank(name, place) }
}
