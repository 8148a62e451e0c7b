//! One thing a server offers, as the rules see it.

use std::cell::OnceCell;

use crate::model::inventory::{Json, List};

use super::schema::{self, Problem};
use super::signals::{self, Signals};
use super::tree::Tree;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A tool.
    Tool,
    /// A resource or a template of some.
    Resource,
    /// A prompt.
    Prompt,
    /// What the server says of itself.
    Server,
}

/// An item, read once; what several rules need is worked out when the first one asks.
#[derive(Debug)]
pub(super) struct Item<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// Where it is in the report's target: a list and a place in it, or a field.
    pub(super) place: (&'static str, Option<usize>),
    /// Its JSON.
    pub(super) tree: Tree<'a>,
    /// Whether its text could hold anything but plain ASCII.
    pub(super) plain: bool,
    /// Levels of a schema that are looked at.
    pub(super) depth: usize,
    words: OnceCell<Vec<String>>,
    said: OnceCell<String>,
    signals: OnceCell<Signals>,
    problems: OnceCell<Vec<Problem>>,
}

impl<'a> Item<'a> {
    /// The item at `index` of `list`.
    pub(super) fn of(list: List, index: usize, json: &'a Json, depth: usize) -> Item<'a> {
        let kind = match list {
            List::Tools => Kind::Tool,
            List::Resources | List::ResourceTemplates => Kind::Resource,
            List::Prompts => Kind::Prompt,
        };
        Item::new(kind, (list.field(), Some(index)), Tree::of(json), is_plain(json.text()), depth)
    }

    /// What the server says of itself.
    pub(super) fn server(json: &'a Json, depth: usize) -> Item<'a> {
        Item::new(Kind::Server, ("server", None), Tree::of(json), is_plain(json.text()), depth)
    }

    /// What the server tells the model.
    pub(super) fn instructions(text: &'a str, depth: usize) -> Item<'a> {
        Item::new(Kind::Server, ("", None), Tree::of_text("instructions", text), text.is_ascii(), depth)
    }

    fn new(
        kind: Kind,
        place: (&'static str, Option<usize>),
        tree: Tree<'a>,
        plain: bool,
        depth: usize,
    ) -> Item<'a> {
        Item {
            kind,
            place,
            tree,
            plain,
            depth,
            words: OnceCell::new(),
            said: OnceCell::new(),
            signals: OnceCell::new(),
            problems: OnceCell::new(),
        }
    }

    /// Its name, or else its address; empty where it has neither.
    pub(super) fn name(&self) -> &str {
        let keys = ["name", "uri", "uriTemplate"].iter();
        keys.filter_map(|key| self.tree.text_of(Tree::ROOT, key)).find(|n| !n.is_empty()).unwrap_or_default()
    }

    /// Its name in messages: `tool "read_file"`.
    pub(super) fn label(&self) -> String {
        let noun = match self.kind {
            Kind::Tool => "tool",
            Kind::Resource => "resource",
            Kind::Prompt => "prompt",
            Kind::Server => return "server".to_owned(),
        };
        format!("{noun} \"{}\"", crate::base::text::quote(self.name(), 64))
    }

    /// The words of its name.
    pub(super) fn words(&self) -> &[String] {
        self.words.get_or_init(|| super::capability::words(self.name()))
    }

    /// The beginning of its description, in lower case.
    pub(super) fn said(&self) -> &str {
        self.said.get_or_init(|| {
            let text = self.tree.text_of(Tree::ROOT, "description").unwrap_or_default();
            text.chars().take(600).map(|c| c.to_ascii_lowercase()).collect()
        })
    }

    /// What its texts want from a model.
    pub(super) fn signals(&self) -> &Signals {
        self.signals.get_or_init(|| signals::of(self))
    }

    /// What is wrong with its schemas.
    pub(super) fn problems(&self) -> &[Problem] {
        self.problems.get_or_init(|| {
            let schemas = ["inputSchema", "outputSchema"].into_iter();
            let there = schemas.filter_map(|key| self.tree.member(Tree::ROOT, key));
            there.flat_map(|at| schema::check(&self.tree, at, self.depth)).collect()
        })
    }

    /// The top-level parameters of a tool: where each one's schema is.
    pub(super) fn parameters(&self) -> impl Iterator<Item = usize> + '_ {
        let schema = self.tree.member(Tree::ROOT, "inputSchema");
        let properties = schema.and_then(|s| self.tree.member(s, "properties"));
        properties.into_iter().filter(|&p| self.tree.is_object(p)).flat_map(|p| self.tree.children(p))
    }
}

/// Tidied JSON has everything deceptive as an escape.
fn is_plain(text: &str) -> bool {
    text.is_ascii() && memchr::memmem::find(text.as_bytes(), b"\\u").is_none()
}
