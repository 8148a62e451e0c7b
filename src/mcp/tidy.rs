//! A server's JSON, made fit to keep: one line, nothing deceptive outside escapes, secrets struck out,
//! every key once. Works on the text; no tree is built.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};

use serde_json::value::RawValue;

use super::json;
use crate::base::text::is_deceptive;
use crate::model::inventory::Json;
use crate::model::notes::Notes;
use crate::model::secret::{MASK, Redaction};

/// What was changed besides spelling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys that stood in their object twice; the last one was kept.
    pub repeated_keys: u32,
    /// Numbers no IEEE 754 double can hold; kept as strings.
    pub huge_numbers: u32,
}

/// Why an item is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unkept {
    /// Not a JSON object.
    NotAnObject,
    /// Too large to sort out its repeated keys.
    RepeatedKeys,
    /// Nested so deep that the report it stands in could not be read by common parsers.
    TooDeep,
}

/// The entries of a list that are not kept.
#[derive(Debug, Default)]
pub struct Dropped {
    /// How many.
    pub count: u32,
    first: Option<Unkept>,
}

impl Dropped {
    /// One more.
    pub fn add(&mut self, why: Unkept) {
        self.count += 1;
        self.first.get_or_insert(why);
    }

    /// In a line, where there are some.
    pub fn reason(&self) -> Option<String> {
        let why = match self.first? {
            Unkept::NotAnObject => "no JSON object".to_owned(),
            Unkept::RepeatedKeys => format!("more than {REBUILD_BYTES} bytes with a key twice"),
            Unkept::TooDeep => format!("nested more than {DEEPEST} levels deep"),
        };
        Some(match self.count {
            1 => format!("1 entry is not usable: {why}"),
            n => format!("{n} entries are not usable: the first is {why}"),
        })
    }
}

/// Common parsers read 127 levels; four of them are the report's own.
const DEEPEST: usize = 123;

/// Items with repeated keys are rebuilt as a tree; larger ones are refused instead.
const REBUILD_BYTES: usize = 1 << 20;

/// `object` (valid JSON) as it is kept.
pub fn object(object: &str, redaction: &Redaction) -> Result<(Json, Changes), Unkept> {
    if !object.starts_with('{') {
        return Err(Unkept::NotAnObject);
    }
    let mut tidier = Tidier::new(object, redaction);
    tidier.run();
    let Tidier { out, changes, deepest, .. } = tidier;
    if deepest > DEEPEST {
        return Err(Unkept::TooDeep);
    }
    let text = match changes.repeated_keys {
        0 => out,
        _ if out.len() > REBUILD_BYTES => return Err(Unkept::RepeatedKeys),
        // A tree keeps the last of equal keys, as every common parser does.
        _ => serde_json::from_str::<serde_json::Value>(&out)
            .map(|tree| {
                let sorted_out = tree.to_string();
                let mut again = Tidier::new(&sorted_out, redaction);
                again.run();
                again.out
            })
            .map_err(|_| Unkept::RepeatedKeys)?,
    };
    Json::parse(text).map(|json| (json, changes)).ok_or(Unkept::NotAnObject)
}

/// What a server says of itself under `key`, as it is kept; what is no object is counted and gone.
pub fn member(
    key: &'static str,
    raw: Option<&RawValue>,
    redaction: &Redaction,
    notes: &mut Notes,
) -> Option<Json> {
    let kept = object(raw?.get(), redaction).ok().map(|(json, _)| json);
    if kept.is_none() {
        notes.add("entries_dropped", || format!("{key} is no usable object"));
    }
    kept
}

/// What a server tells the model; what is no string is counted and gone.
pub fn instructions(raw: Option<&RawValue>, redaction: &Redaction, notes: &mut Notes) -> Option<String> {
    let said = json::string(raw?);
    if said.is_none() {
        notes.add("entries_dropped", || "instructions are no string, and were not read".to_owned());
    }
    said.map(|said| redaction.clean(&said).into_owned())
}

struct Tidier<'a> {
    rest: &'a str,
    redaction: &'a Redaction,
    out: String,
    changes: Changes,
    /// Hashes of the keys of all open objects; each open object owns the part from its mark on.
    keys: Vec<u64>,
    /// One entry per open container: where its keys begin, or `None` for an array.
    open: Vec<Option<usize>>,
    /// Keys of an object too wide for a linear search, by nesting level.
    wide: Vec<(usize, HashSet<u64>)>,
    hasher: RandomState,
    /// The next string is a key.
    at_key: bool,
    deepest: usize,
}

/// Up to here a linear search is faster than a set.
const NARROW: usize = 32;

impl<'a> Tidier<'a> {
    fn new(text: &'a str, redaction: &'a Redaction) -> Tidier<'a> {
        Tidier {
            rest: text,
            redaction,
            out: String::with_capacity(text.len() + text.len() / 16),
            changes: Changes::default(),
            keys: Vec::new(),
            open: Vec::new(),
            wide: Vec::new(),
            hasher: RandomState::new(),
            at_key: false,
            deepest: 0,
        }
    }

    fn run(&mut self) {
        while let Some(&b) = self.rest.as_bytes().first() {
            match b {
                b' ' | b'\t' | b'\n' | b'\r' => self.rest = &self.rest[1..],
                b'"' => self.string(),
                b'-' | b'0'..=b'9' => self.number(),
                // Literals; anything else cannot occur in valid JSON.
                b'a'..=b'z' => self.copy_while(|b| b.is_ascii_lowercase()),
                _ => self.punctuation(b),
            }
        }
    }

    fn punctuation(&mut self, b: u8) {
        match b {
            b'{' => self.open.push(Some(self.keys.len())),
            b'[' => self.open.push(None),
            b'}' | b']' => {
                if let Some(Some(mark)) = self.open.pop() {
                    self.keys.truncate(mark);
                }
                self.wide.retain(|(level, _)| *level <= self.open.len());
            }
            _ => {}
        }
        self.deepest = self.deepest.max(self.open.len());
        self.at_key = match b {
            b'{' => true,
            b',' => matches!(self.open.last(), Some(Some(_))),
            _ => false,
        };
        self.copy_one();
    }

    fn copy_one(&mut self) {
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        self.out.push_str(&self.rest[..first]);
        self.rest = &self.rest[first..];
    }

    fn copy_while(&mut self, keep: impl Fn(u8) -> bool) {
        let end = self.rest.bytes().position(|b| !keep(b)).unwrap_or(self.rest.len());
        self.out.push_str(&self.rest[..end]);
        self.rest = &self.rest[end..];
    }

    fn number(&mut self) {
        let more = |b: u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let end = self.rest.bytes().position(|b| !more(b)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        if self.redaction.clean(token) != token {
            let _ = write!(self.out, "\"{MASK}\"");
            return;
        }
        let plain = token.len() < 300 && !token.contains(['e', 'E']);
        if plain || token.parse::<f64>().is_ok_and(f64::is_finite) {
            self.out.push_str(token);
        } else {
            self.changes.huge_numbers += 1;
            let _ = write!(self.out, "\"{}\"", &token[..token.len().min(40)]);
        }
    }

    fn string(&mut self) {
        let bytes = self.rest.as_bytes();
        let (mut end, mut plain) = (1, true);
        while let Some(&b) = bytes.get(end) {
            match b {
                b'"' => break,
                b'\\' => {
                    plain = false;
                    end += 1;
                }
                0x7f.. => plain = false,
                _ => {}
            }
            end += 1;
        }
        let inner = &self.rest[1..end.min(self.rest.len())];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        let decoded = if plain { Cow::Borrowed(inner) } else { Cow::Owned(unescape(inner)) };
        let shown = self.redaction.clean(&decoded);
        // As it will stand there: two secrets as keys become one mask.
        if self.at_key {
            self.note_key(&shown);
        }
        self.at_key = false;
        self.out.push('"');
        // A plain string stays plain: the mask needs no escape either.
        if plain {
            self.out.push_str(&shown)
        } else {
            escape_into(&mut self.out, &shown)
        }
        self.out.push('"');
    }

    fn note_key(&mut self, key: &str) {
        let (Some(Some(mark)), level) = (self.open.last().copied(), self.open.len()) else { return };
        let hash = self.hasher.hash_one(key);
        let repeated = if self.keys.len() - mark < NARROW {
            let found = self.keys[mark..].contains(&hash);
            self.keys.push(hash);
            found
        } else {
            if self.wide.last().is_none_or(|(l, _)| *l != level) {
                self.wide.push((level, self.keys[mark..].iter().copied().collect()));
            }
            self.wide.last_mut().is_some_and(|(_, set)| !set.insert(hash))
        };
        self.changes.repeated_keys += u32::from(repeated);
    }
}

/// The text that the inside of a valid JSON string means; lone surrogates become U+FFFD.
pub fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest[at + 1..].chars().next().unwrap_or('\\');
        rest = rest.get(at + 1 + escape.len_utf8()..).unwrap_or_default();
        match escape {
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let unit = take_hex(&mut rest);
                out.push(surrogate_pair(unit, &mut rest).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => out.push(other),
        }
    }
    out.push_str(rest);
    out
}

fn take_hex(rest: &mut &str) -> u32 {
    let Some(unit) = rest.get(..4).and_then(|h| u32::from_str_radix(h, 16).ok()) else { return 0xfffd };
    *rest = &rest[4..];
    unit
}

/// The character of `unit`, and of the low half that follows where it is a high one.
fn surrogate_pair(unit: u32, rest: &mut &str) -> Option<char> {
    if !(0xd800..0xdc00).contains(&unit) {
        return char::from_u32(unit);
    }
    let mut after = rest.strip_prefix("\\u")?;
    let low = take_hex(&mut after);
    if !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    *rest = after;
    char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
}

/// `text` as the inside of a JSON string with every deceptive character escaped.
pub fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_deceptive(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidy(text: &str) -> (String, Changes) {
        let secrets = Redaction::new(["hunter2".to_owned()]);
        let (json, changes) = object(text, &secrets).unwrap();
        (json.text().to_owned(), changes)
    }

    #[test]
    fn order_and_unknown_fields_stay_white_space_goes() {
        let (text, changes) =
            tidy("{ \"z\" : [1 , -2.50e+1, true,null],\n \"a\":{\"ü\":\"✓ \\/ \\u00e9\"} }");
        assert_eq!(text, "{\"z\":[1,-2.50e+1,true,null],\"a\":{\"ü\":\"✓ / é\"}}");
        assert_eq!(changes, Changes::default());
    }

    #[test]
    fn deceptive_characters_are_kept_as_escapes() {
        let (text, _) = tidy("{\"a\":\"\u{9b}2J\u{202e}\\u001b[0m\u{e0041}\"}");
        assert_eq!(text, "{\"a\":\"\\u009b2J\\u202e\\u001b[0m\\udb40\\udc41\"}");
        assert_eq!(unescape("\\udb40\\udc41\\ud800x"), "\u{e0041}\u{fffd}x");
    }

    #[test]
    fn secrets_are_struck_out_also_where_the_server_escapes_them() {
        assert_eq!(
            tidy(r#"{"a":"is hunter2!","hunter2":"hun\u0074er2"}"#).0,
            r#"{"a":"is ***!","***":"***"}"#
        );
    }

    #[test]
    fn a_secret_that_is_a_number_is_struck_out_too() {
        let numeric = Redaction::new(["123456789".to_owned()]);
        let (json, _) = object(r#"{"n":123456789,"m":12}"#, &numeric).unwrap();
        assert_eq!(json.text(), r#"{"n":"***","m":12}"#);
    }

    #[test]
    fn the_last_of_equal_keys_stays_in_narrow_and_wide_objects() {
        let (text, changes) = tidy(r#"{"a":1,"b":{"a":2},"\u0061":3}"#);
        assert_eq!((text.as_str(), changes.repeated_keys), (r#"{"a":3,"b":{"a":2}}"#, 1));
        let many: Vec<String> = (0..100).map(|i| format!("\"k{}\":{i}", i % 90)).collect();
        assert_eq!(tidy(&format!("{{{}}}", many.join(","))).1.repeated_keys, 10);
    }

    #[test]
    fn numbers_beyond_a_double_become_strings() {
        let (text, changes) = tidy(&format!("{{\"a\":1e400,\"b\":{},\"c\":1e4}}", "9".repeat(50_000)));
        assert!(text.starts_with("{\"a\":\"1e400\",\"b\":\"9999999"), "{}", &text[..60]);
        assert!(text.ends_with("\"c\":1e4}"));
        assert_eq!(changes.huge_numbers, 2);
    }
}
