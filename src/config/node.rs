//! A parsed file as a tree that remembers where things stood, whatever its format was.

use std::collections::HashMap;
use std::fmt;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Line.
    pub line: u32,
    /// Column, in bytes.
    pub column: u32,
}

impl Position {
    /// The very beginning.
    pub(crate) const START: Position = Position { line: 1, column: 1 };

    /// As parsers count.
    pub(crate) fn new(line: usize, column: usize) -> Position {
        let number = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Position { line: number(line), column: number(column) }
    }
}

/// One value and where it stood: exact for keys and YAML scalars, else where its key or container is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Tree,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the file's order; keys may repeat, which the reader must refuse.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) at: Position,
    pub(crate) name: String,
}

impl Node {
    /// The entries, if this is a map.
    pub(crate) fn map(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Tree::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value at `name`, if this is a map that has it.
    pub(crate) fn at_key(&self, name: &str) -> Option<&Node> {
        self.map()?.iter().find(|(k, _)| k.name == name).map(|(_, v)| v)
    }

    /// The first key of this map that was there before, and where.
    pub(crate) fn repeated(&self) -> Option<(&Key, Position)> {
        let mut seen = HashMap::new();
        self.map()?.iter().find_map(|(k, _)| seen.insert(k.name.as_str(), k.at).map(|first| (k, first)))
    }

    /// The text of a string, number or boolean.
    pub(crate) fn scalar_text(&self) -> Option<String> {
        match &self.value {
            Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) => Some(self.to_string()),
            Tree::Text(s) => Some(s.clone()),
            Tree::Null | Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// What this is, for messages about wrong types.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Tree::Null => "nothing",
            Tree::Bool(_) => "a boolean",
            Tree::Int(_) | Tree::Float(_) => "a number",
            Tree::Text(_) => "text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a section",
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Tree::Null => f.write_str("null"),
            Tree::Bool(b) => write!(f, "{b}"),
            Tree::Int(i) => write!(f, "{i}"),
            // `Debug` keeps `1.0` and writes 1e308 in five characters, not 309.
            Tree::Float(x) => write!(f, "{x:?}"),
            Tree::Text(s) => write!(f, "\"{}\"", crate::base::text::quote(s, 60)),
            Tree::List(_) => f.write_str("[…]"),
            Tree::Map(_) => f.write_str("{…}"),
        }
    }
}

/// How many values and keys a file may hold: what 4 MiB of honest configuration never has, and what an
/// alias bomb reaches first.
pub(crate) const MOST_NODES: usize = 200_000;

/// Counts the values of one file.
#[derive(Default)]
pub(crate) struct Count(std::cell::Cell<usize>);

impl Count {
    /// One more; refuses when there are too many.
    pub(crate) fn add<E: serde::de::Error>(&self) -> Result<(), E> {
        self.0.set(self.0.get() + 1);
        if self.0.get() <= MOST_NODES {
            return Ok(());
        }
        Err(E::custom(format_args!("the file holds more than {MOST_NODES} values, aliases followed")))
    }
}
