//! JSON to [`Node`], with comments and trailing commas as editors write them.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::ConfigError;
use super::node::{Count, Key, Node, Position, Tree};

/// Parses `text`.
pub(crate) fn parse(file: &str, text: &str) -> Result<Node, ConfigError> {
    let plain = blank(text);
    let places = Places::new(&plain);
    let seed = Seed { places: &places, count: &Count::default(), parent: Position::START };
    let mut input = serde_json::Deserializer::from_str(&plain);
    seed.deserialize(&mut input).and_then(|node| input.end().map(|()| node)).map_err(|e| {
        let text = e.to_string();
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        let at = match e.line() {
            0 => None,
            line => Some(Position::new(line, e.column().max(1))),
        };
        ConfigError { file: Some(file.to_owned()), at, message: message.to_owned() }
    })
}

/// `text` with comments and trailing commas turned to spaces. No byte moves, so that places stay true.
fn blank(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    let mut comma = None;
    let mut i = 0;
    while i < out.len() {
        let end = match (out[i], out.get(i + 1)) {
            (b'"', _) => string_end(&out, i),
            (b'/', Some(b'/')) => fill(&mut out, i, |rest| rest.iter().position(|&b| b == b'\n')),
            (b'/', Some(b'*')) => {
                fill(&mut out, i, |rest| rest[2..].windows(2).position(|w| w == b"*/").map(|n| n + 4))
            }
            _ => i + 1,
        };
        match out[i] {
            b',' => comma = Some(i),
            b'}' | b']' => {
                if let Some(at) = comma.take() {
                    out[at] = b' ';
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => comma = None,
        }
        i = end;
    }
    // Whole characters only were replaced: comments end at an ASCII byte or at the end.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The byte after the string that opens at `start`.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut i = start + 1;
    while i < text.len() {
        match text[i] {
            b'\\' => i += 2,
            b'"' => return i + 1,
            _ => i += 1,
        }
    }
    text.len()
}

/// Blanks from `start` over the length that `length` finds, or to the end; line ends stay.
fn fill(text: &mut [u8], start: usize, length: impl Fn(&[u8]) -> Option<usize>) -> usize {
    let end = length(&text[start..]).map_or(text.len(), |n| start + n);
    for b in &mut text[start..end] {
        if !matches!(*b, b'\n' | b'\r') {
            *b = b' ';
        }
    }
    end
}

/// From byte offsets to lines.
struct Places {
    text: usize,
    starts: Vec<usize>,
}

impl Places {
    fn new(text: &str) -> Places {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Places { text: text.as_ptr() as usize, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Where `part`, a slice of the text, stands.
    fn of(&self, part: &str) -> Position {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text);
        let line = self.starts.partition_point(|&start| start <= offset);
        Position::new(line, offset - self.starts[line.saturating_sub(1)] + 1)
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    places: &'a Places,
    count: &'a Count,
    parent: Position,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Node, D::Error> {
        self.count.add()?;
        let value = input.deserialize_any(Look(self))?;
        Ok(Node { at: self.parent, value })
    }
}

struct Look<'a>(Seed<'a>);

impl<'de> Visitor<'de> for Look<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Tree, E> {
        Ok(Tree::Int(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Tree, E> {
        Ok(Tree::Int(v.into()))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Tree, E> {
        Ok(Tree::Float(v))
    }
    fn visit_str<E>(self, v: &str) -> Result<Tree, E> {
        Ok(Tree::Text(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Tree, E> {
        Ok(Tree::Text(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = input.next_element_seed(self.0)? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        // A raw key points into the text; an owned one would have forgotten its place.
        while let Some(raw) = input.next_key::<&RawValue>()? {
            let name = serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
            let at = self.0.places.of(raw.get());
            let value = input.next_value_seed(Seed { parent: at, ..self.0 })?;
            entries.push((Key { at, name }, value));
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_vanish_and_strings_stay() {
        let cases = [
            ("{\"a\": \"// no\", // yes\n}", "{\"a\": \"// no\"        \n}"),
            ("[1, /* ü */ 2, ]", "[1,          2  ]"),
            ("[1, // x\n /* y */ ]", "[1      \n         ]"),
            ("\"\\\",}\"", "\"\\\",}\""),
            ("[,]", "[ ]"),
            ("{\"a\":1,,}", "{\"a\":1, }"),
            ("/* open", "       "),
        ];
        for (given, plain) in cases {
            assert_eq!(blank(given), plain);
            assert_eq!(blank(given).len(), given.len());
        }
    }

    #[test]
    fn keys_know_their_place() {
        let node = parse("f", "{ // c\n \"a\": {\"b\\u0063\": 1.0,\n},\n}").unwrap();
        let (a, value) = &node.map().unwrap()[0];
        assert_eq!(a.at, Position { line: 2, column: 2 });
        assert_eq!(value.map().unwrap()[0].0, Key { at: Position { line: 2, column: 8 }, name: "bc".into() });
        assert_eq!(value.at_key("bc").unwrap().to_string(), "1.0");
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (text, place) in [
            ("{\"a\" 1}", "f:1:6"),
            ("{\n\"a\": tru}", "f:2:9"),
            ("{} x", "f:1:4"),
            ("{\"a\": 1e999}", "f:1:11"),
            ("", "f:1:1"),
            ("{\"a\":1,,\"b\":2}", "f:1:8"),
        ] {
            let e = parse("f", text).unwrap_err();
            assert!(e.to_string().starts_with(place), "{text}: {e}");
        }
        let deep = "[".repeat(4 << 20);
        assert!(parse("f", &deep).unwrap_err().message.contains("recursion"), "depth");
        let long = format!("[{}1]", "1,".repeat(1 << 20));
        assert!(parse("f", &long).unwrap_err().message.contains("200000"), "count");
    }
}
