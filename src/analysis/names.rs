//! Names and descriptions: what a client needs to offer a tool at all.

use std::collections::HashMap;

use crate::model::finding::{Confidence, Severity};

use super::hits::{Hit, Hits};
use super::item::{Item, Kind};
use super::schema::ProblemKind;
use super::tree::{MOST_NODES, Tree};

/// The longest name the protocol recommends.
const LONGEST: usize = 128;

fn hit(message: String, path: &str) -> Hit {
    Hit { confidence: Confidence::High, message, path: path.to_owned(), excerpt: None }
}

/// HK-SCH-004
pub(super) fn name(item: &Item<'_>, hits: &mut Hits<'_>) {
    let noun = match item.kind {
        Kind::Tool => "tool",
        Kind::Prompt => "prompt",
        Kind::Resource | Kind::Server => return,
    };
    let Some(name) = item.tree.text_of(Tree::ROOT, "name") else {
        return hits.add(Severity::Medium, || hit(format!("a {noun} has no name"), ""));
    };
    if name.trim().is_empty() {
        return hits.add(Severity::Medium, || hit(format!("a {noun} has an empty name"), "/name"));
    }
    if item.kind != Kind::Tool {
        return;
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if let Some(c) = name.chars().find(|c| !allowed(*c)) {
        let c = crate::base::text::quote(&c.to_string(), 12);
        let message = format!("{} has \"{c}\" in its name, which clients refuse", item.label());
        hits.add(Severity::Low, || hit(message, "/name"));
    } else if name.len() > LONGEST {
        let message =
            format!("{} has a name of {} characters; {LONGEST} are allowed", item.label(), name.len());
        hits.add(Severity::Low, || hit(message, "/name"));
    }
}

/// HK-SCH-001
pub(super) fn schema(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.kind != Kind::Tool {
        return;
    }
    let tree = &item.tree;
    match tree.member(Tree::ROOT, "inputSchema") {
        None if tree.cut => {}
        None => hits.add(Severity::Medium, || hit(format!("{} has no input schema", item.label()), "")),
        Some(schema) if !tree.is_object(schema) => {
            let message = format!("{} has an input schema that is no object", item.label());
            hits.add(Severity::Medium, || hit(message, "/inputSchema"));
        }
        Some(schema) if !tree.cut && tree.text_of(schema, "type") != Some("object") => {
            let message = format!("{} has an input schema without \"type\": \"object\"", item.label());
            hits.add(Severity::Low, || hit(message, "/inputSchema"));
        }
        Some(_) => {}
    }
    for problem in item.problems() {
        let severity = match problem.kind {
            ProblemKind::Invalid => Severity::Medium,
            ProblemKind::Senseless => Severity::Low,
            ProblemKind::Remote | ProblemKind::Slow | ProblemKind::Deep => continue,
        };
        hits.add(severity, || hit(format!("{}: {}", item.label(), problem.what), &tree.pointer(problem.at)));
    }
}

/// HK-SCH-003
pub(super) fn bounds(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.tree.cut {
        let message =
            format!("{} is larger than {MOST_NODES} values: what is beyond was not judged", item.label());
        hits.add(Severity::Medium, || hit(message, ""));
    }
    for problem in item.problems() {
        let severity = match problem.kind {
            ProblemKind::Remote | ProblemKind::Slow => Severity::Medium,
            ProblemKind::Deep => Severity::Info,
            ProblemKind::Invalid | ProblemKind::Senseless => continue,
        };
        let pointer = || item.tree.pointer(problem.at);
        hits.add(severity, || hit(format!("{}: {}", item.label(), problem.what), &pointer()));
    }
}

/// HK-SCH-006
pub(super) fn description(item: &Item<'_>, hits: &mut Hits<'_>) {
    let absent = item.tree.text_of(Tree::ROOT, "description").is_none_or(|d| d.trim().is_empty());
    if item.kind == Kind::Tool && absent {
        let message = format!("{} has no description: a model can only guess what it does", item.label());
        hits.add(Severity::Info, || hit(message, ""));
    }
}

/// HK-SCH-005, over all items of one list.
#[derive(Debug, Default)]
pub(super) struct Seen {
    names: HashMap<String, usize>,
}

impl Seen {
    /// Takes the next tool; whether its name is new.
    pub(super) fn add(&mut self, item: &Item<'_>, index: usize, hits: &mut Hits<'_>) {
        let name = item.name();
        if name.is_empty() {
            return;
        }
        if let Some(first) = self.names.get(name) {
            let message =
                format!("{} stands twice in the list, first at {first}: one hides the other", item.label());
            return hits.add(Severity::Medium, || hit(message, "/name"));
        }
        self.names.insert(name.to_owned(), index);
    }
}
