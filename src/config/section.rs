//! A section of a few known keys, as entries of lists are: own rules, clauses of the policy, suppressions.

use crate::base::text::quote;

use super::node::{Node, Position, Tree};
use super::value::Misfit;

/// Characters of any text in such a section, and items of any list.
const LONGEST: usize = 2_000;
const MOST: usize = 50;

/// One section, and what it is called in messages.
pub(super) struct Section<'n> {
    node: &'n Node,
    label: String,
}

/// Where `node` begins: with its first key, if it has any.
pub(super) fn place(node: &Node) -> Position {
    node.map().and_then(|keys| keys.first()).map_or(node.at, |(key, _)| key.at)
}

/// The items of the list that `node` is; nothing is a list without any.
pub(super) fn items<'n>(node: &'n Node, what: &str, most: usize) -> Result<&'n [Node], Misfit> {
    match &node.value {
        Tree::Null => Ok(&[]),
        Tree::List(items) if items.len() <= most => Ok(items),
        Tree::List(items) => {
            Err(Misfit { at: node.at, message: format!("{} {what}, {most} at most", items.len()) })
        }
        _ => Err(Misfit { at: node.at, message: format!("{node} must be a list of {what}") }),
    }
}

impl<'n> Section<'n> {
    /// `node`, which may have the keys `known` and no other, each once. `name` is the key that tells it from
    /// others like it.
    pub(super) fn of(
        node: &'n Node,
        what: &str,
        name: &str,
        known: &[&'static str],
    ) -> Result<Section<'n>, Misfit> {
        let named = node.at_key(name).and_then(Node::scalar_text).filter(|text| !text.is_empty());
        let label = named.map_or_else(|| what.to_owned(), |text| format!("{what} {}", quote(&text, 64)));
        let section = Section { node, label };
        let Some(keys) = node.map() else {
            return Err(section.misfit(node.at, &format!("{node} must be a section with keys")));
        };
        if let Some((key, _)) = keys.iter().find(|(key, _)| !known.contains(&key.name.as_str())) {
            let meant = super::did_you_mean(&key.name, known.iter().copied());
            let meant = if meant.is_empty() { format!(" (there are {})", known.join(", ")) } else { meant };
            return Err(section.misfit(key.at, &format!("unknown key \"{}\"{meant}", quote(&key.name, 60))));
        }
        if let Some((key, first)) = node.repeated() {
            let message = format!("\"{}\" stands in line {} already", key.name, first.line);
            return Err(section.misfit(key.at, &message));
        }
        Ok(section)
    }

    /// Something is wrong with it at `at`.
    pub(super) fn misfit(&self, at: Position, message: &str) -> Misfit {
        Misfit { at, message: format!("{}: {message}", self.label) }
    }

    /// The value of `key`; nothing is as good as no key.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.node.at_key(key).filter(|node| node.value != Tree::Null)
    }

    /// The text at `key`.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Misfit> {
        self.get(key).map(|node| self.read_text(key, node)).transpose()
    }

    /// The text at `key`, which must be there; `why` says what it is for.
    pub(super) fn required(&self, key: &str, why: &str) -> Result<String, Misfit> {
        self.text(key)?.ok_or_else(|| self.misfit(place(self.node), &format!("{key} is missing: {why}")))
    }

    /// The texts at `key`, each with its place: a list, or one alone.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<(String, Position)>, Misfit> {
        let Some(node) = self.get(key) else { return Ok(Vec::new()) };
        let nodes = match &node.value {
            Tree::List(items) if items.len() > MOST => {
                return Err(self.misfit(node.at, &format!("{key}: {MOST} at most")));
            }
            Tree::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        nodes.iter().map(|node| Ok((self.read_text(key, node)?, node.at))).collect()
    }

    /// Which of `words` stands at `key`.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&'static str, T)]) -> Result<Option<T>, Misfit> {
        let Some(node) = self.get(key) else { return Ok(None) };
        self.among(key, &node.scalar_text().unwrap_or_default(), node.at, words).map(Some)
    }

    /// Which of `words` stand at `key`.
    pub(super) fn words<T: Copy>(&self, key: &str, words: &[(&'static str, T)]) -> Result<Vec<T>, Misfit> {
        self.texts(key)?.iter().map(|(text, at)| self.among(key, text, *at, words)).collect()
    }

    fn among<T: Copy>(
        &self,
        key: &str,
        text: &str,
        at: Position,
        words: &[(&'static str, T)],
    ) -> Result<T, Misfit> {
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let meant = super::did_you_mean(text, all.iter().copied());
            let text = quote(text, 40);
            self.misfit(at, &format!("{key}: \"{text}\" must be one of {}{meant}", all.join(", ")))
        })
    }

    fn read_text(&self, key: &str, node: &Node) -> Result<String, Misfit> {
        match &node.value {
            Tree::Text(text) if text.trim().is_empty() => {
                Err(self.misfit(node.at, &format!("{key} is empty")))
            }
            Tree::Text(text) if text.chars().count() > LONGEST => {
                Err(self.misfit(node.at, &format!("{key} is longer than {LONGEST} characters")))
            }
            Tree::Text(text) => Ok(text.clone()),
            // A number is not what was written: 007 and 7 would be the same.
            _ => Err(self.misfit(node.at, &format!("{key}: {node} must be text (in quotes, if need be)"))),
        }
    }
}
