//! What is counted over all tools of a server: how well their schemas say what they take, and whether they do
//! anything but look.

use crate::model::finding::{Confidence, Severity};

use super::Facts;
use super::capability::looks;
use super::hits::{Hit, Hits};
use super::item::{Item, Kind};
use super::tree::{Tree, Value};

/// Counters over the tools of one server.
#[derive(Debug, Default)]
pub(super) struct Census {
    tools: usize,
    /// Tools whose name begins as that of one that looks things up.
    looking: usize,
    /// Tools that speak of documents.
    reading: usize,
    /// Tools with parameters.
    taking: usize,
    /// Of these, with `required`.
    requiring: usize,
    /// Of these, with `additionalProperties: false`.
    closed: usize,
    parameters: usize,
    described: usize,
    typed: usize,
    strings: usize,
    /// Strings with an enum, pattern, format or length.
    bounded: usize,
}

impl Census {
    /// Counts one more item.
    pub(super) fn add(&mut self, item: &Item<'_>) {
        if item.kind != Kind::Tool {
            return;
        }
        const DOCUMENTS: [&str; 8] =
            ["docs", "doc", "documentation", "wiki", "library", "reference", "guide", "knowledge"];
        let tree = &item.tree;
        let words = item.words();
        self.tools += 1;
        self.looking += usize::from(looks(words));
        self.reading += usize::from(words.iter().any(|w| DOCUMENTS.contains(&w.as_str())));
        let Some(schema) = tree.member(Tree::ROOT, "inputSchema") else { return };
        let before = self.parameters;
        for at in item.parameters() {
            self.parameter(tree, at);
        }
        if self.parameters > before {
            self.taking += 1;
            self.requiring += usize::from(tree.member(schema, "required").is_some());
            self.closed += usize::from(tree.bool_of(schema, "additionalProperties") == Some(false));
        }
    }

    fn parameter(&mut self, tree: &Tree<'_>, at: usize) {
        const BOUNDS: [&str; 7] =
            ["enum", "const", "pattern", "format", "minLength", "maxLength", "examples"];
        const TYPED: [&str; 7] = ["type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf"];
        let (mut described, mut typed, mut string, mut bounded) = (false, false, false, false);
        for member in tree.children(at) {
            let key = tree.key(member);
            described |= key == "description" && tree.text(member).is_some_and(|d| !d.trim().is_empty());
            typed |= TYPED.contains(&key);
            string |= key == "type" && matches!(tree.value(member), Value::Text(name) if name == "string");
            bounded |= BOUNDS.contains(&key);
        }
        self.parameters += 1;
        self.described += usize::from(described);
        self.typed += usize::from(typed);
        self.strings += usize::from(string);
        self.bounded += usize::from(string && bounded);
    }

    /// Whether all that is offered is to look things up in documents.
    pub(super) fn is_library(&self) -> bool {
        self.tools > 0 && self.looking == self.tools && 2 * self.reading >= self.tools
    }

    /// How much of what a schema can say is said, of 100. What hardly anybody writes weighs little.
    fn score(&self) -> usize {
        let share = |part: usize, of: usize, weight: usize| match of {
            0 => weight,
            of => part * weight / of,
        };
        share(self.described, self.parameters, 50)
            + share(self.typed, self.parameters, 20)
            + share(self.requiring, self.taking, 15)
            + share(self.bounded, self.strings, 10)
            + share(self.closed, self.taking, 5)
    }
}

/// From here on nothing is said.
const GOOD: usize = 80;

/// HK-SCH-002: once a server, never once a parameter.
pub(super) fn weak(_: &Facts<'_>, hits: &mut Hits<'_>) {
    let census = hits.census();
    let score = census.score();
    if census.parameters == 0 || score >= GOOD {
        return;
    }
    let message = format!(
        "its schemas say {score} of 100: {} of {} parameters have a description, {} a type, {} of {} texts are bounded, \
         {} of {} tools say what is required, {} refuse what they do not know",
        census.described,
        census.parameters,
        census.typed,
        census.bounded,
        census.strings,
        census.requiring,
        census.taking,
        census.closed,
    );
    hits.add(if score < 50 { Severity::Low } else { Severity::Info }, || Hit {
        confidence: Confidence::High,
        message,
        path: "/tools".to_owned(),
        excerpt: None,
    });
}
