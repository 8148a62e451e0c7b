//! One JSON text as a flat list of nodes: what every rule walks.
//!
//! Strings are borrowed where they have no escapes. Reading is one pass without recursion, so neither depth
//! nor length of the text matters; at most [`MOST_NODES`] nodes are kept, and from there on only the members
//! of the outermost object, so that no amount of padding hides a name or a description.

use std::borrow::Cow;

use crate::mcp::json;
use crate::model::inventory::Json;

/// Nodes kept of one item. The largest honest schemas have a tenth of that.
pub(super) const MOST_NODES: usize = 10_000;

/// One value.
#[derive(Debug)]
pub(super) struct Node<'a> {
    /// Its key, where it is a member of an object.
    pub(super) key: Option<Cow<'a, str>>,
    /// What it is.
    pub(super) value: Value<'a>,
    /// The container it is in; the root is its own.
    pub(super) parent: usize,
    /// The node after it and everything in it.
    pub(super) end: usize,
}

/// What a node is.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// A string.
    Text(Cow<'a, str>),
    /// A number, as it is spelled.
    Number(&'a str),
    /// `true` or `false`
    Bool(bool),
    /// `null`
    Null,
}

/// The nodes of one JSON text, in its order.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    /// Whether there was more than is kept.
    pub(super) cut: bool,
}

impl<'a> Tree<'a> {
    /// Reads `json`.
    pub(super) fn of(json: &'a Json) -> Tree<'a> {
        let text = json.text();
        let mut reader = Reader {
            text,
            at: 0,
            tree: Tree { nodes: Vec::with_capacity((text.len() / 12).clamp(8, 512)), cut: false },
            open: Vec::with_capacity(16),
            key: None,
        };
        reader.run();
        reader.tree
    }

    /// An object with the one member `key`, a string.
    pub(super) fn of_text(key: &'static str, text: &'a str) -> Tree<'a> {
        let root = Node { key: None, value: Value::Object, parent: 0, end: 2 };
        let value = Value::Text(Cow::Borrowed(text));
        let member = Node { key: Some(Cow::Borrowed(key)), value, parent: 0, end: 2 };
        Tree { nodes: vec![root, member], cut: false }
    }

    /// The outermost value.
    pub(super) const ROOT: usize = 0;

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, at: usize) -> &Node<'a> {
        &self.nodes[at]
    }

    pub(super) fn value(&self, at: usize) -> &Value<'a> {
        &self.nodes[at].value
    }

    /// The key of a member; empty for everything else.
    pub(super) fn key(&self, at: usize) -> &str {
        self.nodes[at].key.as_deref().unwrap_or_default()
    }

    /// What is directly in `at`, in order.
    pub(super) fn children(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.nodes.get(at).map_or(0, |n| n.end);
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let child = (next < end).then_some(next)?;
            next = self.nodes[child].end;
            Some(child)
        })
    }

    /// The member `key` of the object `at`.
    pub(super) fn member(&self, at: usize, key: &str) -> Option<usize> {
        self.children(at).find(|&c| self.nodes[c].key.as_deref() == Some(key))
    }

    /// The string at `at`.
    pub(super) fn text(&self, at: usize) -> Option<&str> {
        match self.value(at) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The string that is the member `key` of the object `at`.
    pub(super) fn text_of(&self, at: usize, key: &str) -> Option<&str> {
        self.member(at, key).and_then(|m| self.text(m))
    }

    /// The truth value that is the member `key` of the object `at`.
    pub(super) fn bool_of(&self, at: usize, key: &str) -> Option<bool> {
        match self.value(self.member(at, key)?) {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether `at` is an object.
    pub(super) fn is_object(&self, at: usize) -> bool {
        *self.value(at) == Value::Object
    }

    /// Where `at` is, as a JSON pointer from the root.
    pub(super) fn pointer(&self, mut at: usize) -> String {
        let mut parts = Vec::new();
        while at != Tree::ROOT {
            let node = &self.nodes[at];
            parts.push(match &node.key {
                Some(key) => key.replace('~', "~0").replace('/', "~1"),
                None => self.children(node.parent).position(|c| c == at).unwrap_or(0).to_string(),
            });
            at = node.parent;
        }
        parts.iter().rev().fold(String::new(), |path, part| path + "/" + part)
    }
}

/// The text is valid JSON: whoever made a [`Json`] of it has seen to that. What it is not is skipped.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    tree: Tree<'a>,
    /// The containers around the current place; nothing for those that are not kept.
    open: Vec<Option<usize>>,
    key: Option<Cow<'a, str>>,
}

impl<'a> Reader<'a> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(&b) = bytes.get(self.at) {
            match b {
                b'"' => self.string(bytes),
                b'{' => self.enter(Value::Object),
                b'[' => self.enter(Value::Array),
                b'}' | b']' => self.leave(),
                b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                _ => self.bare(bytes),
            }
        }
        while !self.open.is_empty() {
            self.leave();
        }
    }

    fn string(&mut self, bytes: &[u8]) {
        let from = self.at;
        let mut to = from + 1;
        while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(to..).unwrap_or_default()) {
            if bytes[to + found] == b'"' {
                to += found + 1;
                break;
            }
            to += found + 2;
        }
        self.at = to.min(bytes.len());
        let is_key = self.key.is_none() && self.in_object();
        if !is_key && !self.keeps() {
            self.key = None;
            return;
        }
        let text = json::string_of(&self.text[from..self.at]).unwrap_or_default();
        if is_key {
            self.key = Some(text);
        } else {
            self.put(Value::Text(text));
        }
    }

    fn bare(&mut self, bytes: &[u8]) {
        let ends = |b: &u8| matches!(b, b',' | b':' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' | b'"');
        let rest = &bytes[self.at..];
        let length = rest.iter().position(ends).unwrap_or(rest.len()).max(1);
        let word = self.text.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        if self.keeps() {
            self.put(match word {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                number => Value::Number(number),
            });
        }
        self.key = None;
    }

    fn in_object(&self) -> bool {
        match self.open.last() {
            Some(Some(at)) => self.tree.nodes[*at].value == Value::Object,
            Some(None) | None => false,
        }
    }

    /// Whether the next value has room.
    fn keeps(&mut self) -> bool {
        let inside_what_is_kept = matches!(self.open.last(), None | Some(Some(_)));
        let used = self.tree.nodes.len();
        // Members of the outermost object have room of their own.
        let room = used < MOST_NODES || (self.open.len() <= 1 && used < MOST_NODES + 100);
        self.tree.cut |= !room;
        inside_what_is_kept && room
    }

    fn put(&mut self, value: Value<'a>) -> usize {
        let at = self.tree.nodes.len();
        let parent = self.open.last().copied().flatten().unwrap_or(Tree::ROOT);
        self.tree.nodes.push(Node { key: self.key.take(), value, parent, end: at + 1 });
        at
    }

    fn enter(&mut self, value: Value<'a>) {
        self.at += 1;
        let kept = self.keeps().then(|| self.put(value));
        self.key = None;
        self.open.push(kept);
    }

    fn leave(&mut self) {
        self.at += 1;
        if let Some(Some(at)) = self.open.pop() {
            self.tree.nodes[at].end = self.tree.nodes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn values_keys_and_pointers_are_what_the_text_says() {
        let json = json(r#"{"a/b":[1,{"~":"x\ny"}],"t":true,"n":null,"":"ü","l":"\ud800z","e":{}}"#);
        let tree = Tree::of(&json);
        let list = tree.member(Tree::ROOT, "a/b").unwrap();
        let inner = tree.children(list).nth(1).unwrap();
        assert_eq!(tree.text_of(inner, "~"), Some("x\ny"));
        assert_eq!(tree.pointer(tree.member(inner, "~").unwrap()), "/a~1b/1/~0");
        assert_eq!(tree.bool_of(Tree::ROOT, "t"), Some(true));
        assert_eq!(tree.text_of(Tree::ROOT, ""), Some("ü"));
        assert_eq!(tree.text_of(Tree::ROOT, "l"), Some("\u{fffd}z"));
        assert_eq!(*tree.value(tree.member(Tree::ROOT, "n").unwrap()), Value::Null);
        assert_eq!(tree.children(Tree::ROOT).count(), 6);
        assert!(tree.is_object(tree.member(Tree::ROOT, "e").unwrap()) && !tree.cut);
    }

    #[test]
    fn padding_hides_no_member_of_the_outermost_object() {
        let many = vec!["[1,{\"k\":2}]"; 20_000].join(",");
        let json = json(&format!(r#"{{"inputSchema":[{many}],"description":"still here"}}"#));
        let tree = Tree::of(&json);
        assert!(tree.cut && tree.len() <= MOST_NODES + 100);
        assert_eq!(tree.text_of(Tree::ROOT, "description"), Some("still here"));
    }

    #[test]
    fn depth_is_of_no_concern() {
        // What arrives is not this deep; a pass without recursion would not mind.
        let mut tree = Reader {
            text: &"[".repeat(100_000),
            at: 0,
            tree: Tree { nodes: Vec::new(), cut: false },
            open: Vec::new(),
            key: None,
        };
        tree.run();
        assert!(tree.tree.cut);
    }
}
