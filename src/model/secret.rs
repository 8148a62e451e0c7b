//! Values that must never be shown, and their removal from text that a server made.

use std::borrow::Cow;
use std::fmt;

/// What stands in the place of a secret, everywhere.
pub const MASK: &str = "***";

/// A value that prints as `***` however it is printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Hides `value`.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the one place that must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(MASK)
    }
}

/// The secrets of one target, to be struck out of whatever that target sends back.
#[derive(Clone, Default)]
pub struct Redaction {
    /// Longest first, so that a secret that contains another is struck out whole.
    values: Vec<String>,
}

impl Redaction {
    /// Shorter values are too common in ordinary text to be told from it: masking `x` would
    /// leave no description readable.
    pub const SHORTEST: usize = 4;

    /// Strikes out each of `values`, also where it is percent-encoded.
    pub fn new(values: impl IntoIterator<Item = String>) -> Redaction {
        let mut all: Vec<String> = Vec::new();
        for value in values {
            let encoded = percent_encode(&value);
            all.extend([value, encoded].into_iter().filter(|v| v.len() >= Redaction::SHORTEST));
        }
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Redaction { values: all }
    }

    /// Whether there is nothing to strike out.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// `text` with every secret replaced by `***`.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out = Cow::Borrowed(text);
        for value in &self.values {
            if out.contains(value.as_str()) {
                out = Cow::Owned(out.replace(value.as_str(), MASK));
            }
        }
        out
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redaction({} values)", self.values.len())
    }
}

fn percent_encode(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for b in s.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(b as char),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let s = Secret::new("hunter2");
        assert_eq!(format!("{s} {s:?} {}", serde_json::to_string(&s).unwrap()), "*** *** \"***\"");
    }

    #[test]
    fn secrets_are_struck_out_longest_first_and_percent_encoded() {
        let r = Redaction::new(["hunter2".into(), "hunter2-long".into(), "a b/c".into(), "x".into()]);
        assert_eq!(r.clean("hunter2-long hunter2 a%20b%2Fc x"), "*** *** *** x");
    }
}
