//! JSON that no terminal, log viewer or reviewer can be deceived by.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::base::text::is_deceptive;

/// Compact JSON in which every deceptive character of a string is a `\u` escape. A parser reads the same
/// text; a terminal sees only characters that stand for themselves.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SafeFormatter;

impl Formatter for SafeFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        write_escaped(out, fragment)
    }

    /// A server's own text is tidied when it arrives; this is the second lock on the same door, and on
    /// plain ASCII it costs one pass at memory speed.
    fn write_raw_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // Valid JSON has these outside strings only, where a space means the same.
        match memchr::memchr3(b'\n', b'\r', b'\t', fragment.as_bytes()) {
            None => write_escaped(out, fragment),
            Some(_) => write_escaped(out, &fragment.replace(['\n', '\r', '\t'], " ")),
        }
    }
}

/// Writes `value` as one line of safe JSON, without the line's end.
pub(crate) fn write_json<W: Write, T: Serialize + ?Sized>(out: W, value: &T) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, SafeFormatter)).map_err(io::Error::from)
}

/// `value`, of texts and numbers, as one line of safe JSON.
pub(crate) fn json_line(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    match write_json(&mut bytes, value) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned() + "\n",
        // Only a value that is no JSON fails in memory.
        Err(_) => String::new(),
    }
}

fn write_escaped<W: ?Sized + Write>(out: &mut W, s: &str) -> io::Result<()> {
    // No early end: a fold over all bytes is what vector instructions can do.
    if s.bytes().fold(true, |plain, b| plain & matches!(b, b' '..=b'~')) {
        return out.write_all(s.as_bytes());
    }
    let mut written = 0;
    for (at, c) in s.char_indices().filter(|(_, c)| is_deceptive(*c)) {
        out.write_all(&s.as_bytes()[written..at])?;
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}")?;
        }
        written = at + c.len_utf8();
    }
    out.write_all(&s.as_bytes()[written..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn json<T: Serialize + ?Sized>(value: &T) -> String {
        let mut out = Vec::new();
        write_json(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn deceptive_characters_are_escapes_and_read_back_as_themselves() {
        let hostile = "\x1b[2J\u{9b}2J\x7f\u{202e}a\u{200b}ü\u{e0041}\"\\\n✓";
        let text = json(hostile);
        assert_eq!(text, r#""\u001b[2J\u009b2J\u007f\u202ea\u200bü\udb40\udc41\"\\\n✓""#);
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }

    #[test]
    fn raw_values_are_passed_through_whole_and_on_one_line() {
        let clean = r#"{"b":1.50,"a":"\u001b","unknown":[null]}"#;
        assert_eq!(json(&RawValue::from_string(clean.to_owned()).unwrap()), clean);
        let wild = RawValue::from_string("{\n\t\"a\": \"\u{7f}\u{202e}\"}".to_owned()).unwrap();
        assert_eq!(json(&wild), r#"{  "a": "\u007f\u202e"}"#);
    }
}
