//! YAML to [`Node`]. The only file that names `serde_yaml`.
//!
//! serde tells a visitor nothing about places. `serde_yaml` does stamp the place on every error a visitor
//! returns, and has consumed the scalar by then; so scalars are taken by "failing" on purpose, which yields
//! both the value and where it stood. Real errors are told apart by the cell being empty.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::base::text::is_deceptive;

use super::ConfigError;
use super::node::{Count, Key, MOST_NODES, Node, Position, Tree};

/// Flow collections open at once. libyaml looks at each of them for every token, so that a file of `[`
/// costs the square of its length; no real file comes near this.
const DEEPEST: usize = 100;

/// Parses `text`; an empty document is `Null`.
pub(crate) fn parse(file: &str, text: &str) -> Result<Node, ConfigError> {
    check_size(file, text)?;
    let seed = Seed { count: &Count::default(), parent: Position::START };
    seed.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|e| refusal(file, &e))
}

/// `text` in quotes, to be read again as it is; nothing in it that a terminal or a reader could take amiss.
pub(crate) fn yaml_text(text: &str) -> String {
    let spelled = |c: char| match u32::from(c) {
        _ if !is_deceptive(c) => c.to_string(),
        low @ ..=0xffff => format!("\\u{low:04x}"),
        high => format!("\\U{high:08x}"),
    };
    // YAML knows all that JSON writes.
    serde_json::Value::from(text).to_string().chars().map(spelled).collect()
}

/// Refuses what libyaml would take long over, by counting bytes. Those in strings count as well: no text has
/// a hundred unbalanced brackets, or a separator every ten bytes over megabytes.
fn check_size(file: &str, text: &str) -> Result<(), ConfigError> {
    let (mut open, mut separators, mut at) = (0_usize, 0_usize, Position::START);
    let bytes = text.as_bytes();
    for (i, b) in bytes.iter().enumerate() {
        match b {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            b',' => separators += 1,
            b'-' | b'?' | b':' if bytes.get(i + 1).is_none_or(u8::is_ascii_whitespace) => separators += 1,
            _ => {}
        }
        if open > DEEPEST {
            return Err(ConfigError::at(file, at, format!("nested deeper than {DEEPEST}")));
        }
        if separators > 2 * MOST_NODES {
            return Err(ConfigError::at(file, at, format!("the file holds more than {MOST_NODES} values")));
        }
        at = match b {
            b'\n' => Position { line: at.line + 1, column: 1 },
            _ => Position { column: at.column + 1, ..at },
        };
    }
    Ok(())
}

/// The error in our words, its place in front.
fn refusal(file: &str, e: &serde_yaml::Error) -> ConfigError {
    let text = e.to_string();
    // libyaml: `cause at line 5 column 3, while parsing a block mapping at line 3 column 3`. The first place
    // is the mistake, the second where its surroundings begin.
    let (cause, context) = match text.split_once(", while ") {
        Some((cause, context)) => (cause, Some(split_place(context))),
        None => (text.as_str(), None),
    };
    let (cause, at) = split_place(cause);
    let message = match context {
        Some((what, Some(from))) => format!("{cause}, while {what} from line {}", from.line),
        Some((what, None)) => format!("{cause}, while {what}"),
        None => cause.to_owned(),
    };
    let message = match message.as_str() {
        m if m.contains("repetition limit") => "aliases repeat too much".to_owned(),
        m if m.contains("recursion limit") => "nested too deeply, or an alias holds itself".to_owned(),
        m if m.contains("more than one document") => "more than one YAML document in the file".to_owned(),
        m if m.contains("type: enum") => "YAML tags (\"!name\") have no meaning here".to_owned(),
        m => m.to_owned(),
    };
    let at = at.or_else(|| e.location().map(|l| Position::new(l.line(), l.column())));
    ConfigError { file: Some(file.to_owned()), at, message }
}

/// Splits what `serde_yaml` appends (` at line 3 column 5`) from its message.
fn split_place(text: &str) -> (&str, Option<Position>) {
    let Some((message, place)) = text.rsplit_once(" at line ") else { return (text, None) };
    let Some((line, column)) = place.split_once(" column ") else { return (text, None) };
    match (line.parse(), column.parse()) {
        (Ok(line), Ok(column)) => (message, Some(Position::new(line, column))),
        _ => (text, None),
    }
}

/// Reads one value, or one key.
#[derive(Clone, Copy)]
struct Seed<'a> {
    count: &'a Count,
    parent: Position,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Node, D::Error> {
        self.count.add()?;
        let scalar = RefCell::new(None);
        let result = input.deserialize_any(Look { seed: self, scalar: &scalar });
        match (scalar.into_inner(), result) {
            (Some(value), Err(e)) => {
                // The place is left out where it is the first character of the file.
                let at = split_place(&e.to_string()).1.unwrap_or(Position::START);
                Ok(Node { at, value })
            }
            (_, result) => result.map(|value| Node { at: self.parent, value }),
        }
    }
}

struct Look<'a, 'b> {
    seed: Seed<'a>,
    scalar: &'b RefCell<Option<Tree>>,
}

impl Look<'_, '_> {
    fn take<E: de::Error>(self, value: Tree) -> Result<Tree, E> {
        *self.scalar.borrow_mut() = Some(value);
        Err(E::custom("taken"))
    }
}

impl<'de> Visitor<'de> for Look<'_, '_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value, a list or a section")
    }

    fn visit_none<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        self.take(Tree::Null)
    }
    fn visit_bool<E: de::Error>(self, v: bool) -> Result<Tree, E> {
        self.take(Tree::Bool(v))
    }
    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Tree, E> {
        self.take(Tree::Int(v.into()))
    }
    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Tree, E> {
        self.take(Tree::Int(v.into()))
    }
    fn visit_i128<E: de::Error>(self, v: i128) -> Result<Tree, E> {
        self.take(Tree::Int(v))
    }
    fn visit_u128<E: de::Error>(self, v: u128) -> Result<Tree, E> {
        self.take(i128::try_from(v).map_or(Tree::Float(v as f64), Tree::Int))
    }
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Tree, E> {
        self.take(Tree::Float(v))
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<Tree, E> {
        self.take(Tree::Text(v.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = input.next_element_seed(self.seed)? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = input.next_key_seed(self.seed)? {
            let Some(name) = key_name(&key) else {
                return Err(de::Error::custom("a key must be plain text"));
            };
            let value = input.next_value_seed(Seed { parent: key.at, ..self.seed })?;
            entries.push((Key { at: key.at, name }, value));
        }
        Ok(Tree::Map(entries))
    }
}

fn key_name(key: &Node) -> Option<String> {
    match key.value {
        Tree::Null => Some("null".to_owned()),
        _ => key.scalar_text(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_quoted_text_is_read_as_it_was() {
        for text in ["files", "a \"b\" \\ c: #d", "x\u{202e}y\n\u{1b}[2J", "\u{e0041}ü"] {
            let quoted = yaml_text(text);
            assert!(!quoted.chars().any(is_deceptive), "{quoted:?}");
            assert_eq!(serde_yaml::from_str::<String>(&quoted).unwrap(), text, "{quoted}");
        }
    }

    #[test]
    fn every_key_and_scalar_knows_its_place() {
        let node = parse("f", "a: 1\nb:\n  - x\n  - \"y z\"\n  c: 1\n").unwrap_err();
        assert_eq!(node.at.map(|p| p.line), Some(5), "{node}");
        let node = parse("f", "a: 1\n\nbé:\n  - x\n  - {k: \"y z\"}\n").unwrap();
        let b = node.at_key("bé").unwrap();
        assert_eq!(node.map().unwrap()[1].0.at, Position { line: 3, column: 1 });
        let Tree::List(items) = &b.value else { panic!("{b:?}") };
        assert_eq!(items[0], Node { at: Position { line: 4, column: 5 }, value: Tree::Text("x".into()) });
        assert_eq!(items[1].map().unwrap()[0].1.at, Position { line: 5, column: 9 });
        assert_eq!(parse("f", "").unwrap().value, Tree::Null);
        assert_eq!(parse("f", "# only\n").unwrap().value, Tree::Null);
        assert_eq!(parse("f", "x").unwrap().at, Position::START);
    }

    #[test]
    fn hostile_yaml_is_refused_soon() {
        let bomb = format!(
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n{}",
            ('b'..='k')
                .zip('a'..)
                .map(|(n, p)| format!("{n}: &{n} [{}]\n", vec![format!("*{p}"); 10].join(",")))
                .collect::<String>()
        );
        let cases = [
            (bomb, "aliases"),
            ("a: &a [*a]".to_owned(), "itself"),
            ("a: &a {b: *a}".to_owned(), "itself"),
            ("a: *b".to_owned(), "anchor"),
            ("a: !!python/object:os.system x".to_owned(), ""),
            ("a: !ruby x".to_owned(), "tags"),
            ("a: !ruby [x]".to_owned(), "tags"),
            ("a: 1\n---\nb: 1\n".to_owned(), "more than one"),
            ("[".repeat(4 << 20), "deeper"),
            ("{a: ".repeat(1 << 20), "deeper"),
            ("- ".repeat(100_000), "deep"),
            ("- ".repeat(1 << 20), "200000"),
            ("? ".repeat(100_000), ""),
            ("&a ".repeat(1 << 20), ""),
            ("[x,".repeat(90) + &"x,".repeat(500_000), "200000"),
            ("- x\n".repeat(250_000), "200000"),
            ("a: \"\\x".to_owned(), ""),
            ("? [a]\n: b".to_owned(), "plain text"),
            ("a: 1\n\tb: 2".to_owned(), ""),
            ("%YAML 9.9\n---\na".to_owned(), ""),
            ("\u{1}".to_owned(), ""),
        ];
        for (text, part) in cases {
            let head: String = text.chars().take(20).collect();
            let start = Instant::now();
            match parse("f", &text) {
                Err(e) => assert!(e.message.contains(part), "{head}: {e}"),
                Ok(node) => assert!(part.is_empty(), "{head}: {node:?}"),
            }
            // Unoptimised and on a busy machine; a release build needs a tenth.
            assert!(start.elapsed() < Duration::from_secs(10), "{head}: {:?}", start.elapsed());
        }
    }
}
