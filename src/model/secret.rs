//! Values that must never be shown, and their removal from text that a server made.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

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

/// Whether a variable, query parameter or option of this name is likely to hold a secret.
pub fn name_is_secret(name: &str) -> bool {
    const WHOLE: [&str; 14] = [
        "KEY", "KEYS", "PASS", "PWD", "AUTH", "CRED", "CREDS", "PRIVATE", "COOKIE", "SESSION", "DSN", "PAT",
        "SIG", "CODE",
    ];
    const PART: [&str; 9] = [
        "TOKEN",
        "SECRET",
        "PASSW",
        "PASSPHRASE",
        "APIKEY",
        "CREDENTIAL",
        "AUTHORIZATION",
        "SIGNATURE",
        "COOKIE",
    ];
    // The shell's own directories.
    if matches!(name, "PWD" | "OLDPWD") {
        return false;
    }
    let upper = name.to_ascii_uppercase();
    PART.iter().any(|p| upper.contains(p)) || words(name).iter().any(|w| WHOLE.contains(&w.as_str()))
}

/// The words of `some-name`, `SOME_NAME` or `someName`, in upper case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && small) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_uppercase());
        }
        small = c.is_lowercase() || c.is_ascii_digit();
    }
    words
}

/// Whether `value`, known under `name`, must not be shown: anything under a telling name, and elsewhere
/// whatever is long enough and not evidently a number, a flag, a path or a word.
pub fn value_is_secret(name: &str, value: &str) -> bool {
    let chars = value.chars().count();
    if name_is_secret(name) {
        return chars >= Redaction::SHORTEST;
    }
    let number = value.parse::<f64>().is_ok();
    let path = ["/", "./", "../", "~/"].iter().any(|p| value.starts_with(p));
    let word = chars <= 24 && value.bytes().all(|b| b.is_ascii_alphabetic() || b"-_. ".contains(&b));
    chars >= 6 && !number && !path && !word
}

/// A header's value, and what follows its scheme (`Bearer x`), unless the header never carries a secret.
pub(super) fn header_secrets(name: &str, value: &str) -> Vec<String> {
    const PLAIN: [&str; 6] =
        ["accept", "accept-encoding", "accept-language", "cache-control", "content-type", "user-agent"];
    if PLAIN.iter().any(|p| name.eq_ignore_ascii_case(p)) {
        return Vec::new();
    }
    let value = value.trim();
    let bare = value.split_once(' ').map(|(_, rest)| rest.trim().to_owned());
    std::iter::once(value.to_owned()).chain(bare).collect()
}

/// Where the secrets of a URL are: its password, and values of its query that look like one.
pub(super) fn url_secrets(url: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(start) = url.find("://").map(|i| i + 3) else { return found };
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |i| start + i);
    if let Some(at) = url[start..end].rfind('@').map(|i| start + i) {
        // A user without a password is often the token itself.
        let from = url[start..at].find(':').map_or(start, |i| start + i + 1);
        found.push(from..at);
    }
    let Some(query) = url[end..].find('?').map(|i| end + i + 1) else { return found };
    let query_end = url[query..].find('#').map_or(url.len(), |i| query + i);
    let mut at = query;
    for pair in url[query..query_end].split('&') {
        if let Some((name, value)) = pair.split_once('=')
            && !value.is_empty()
            && (name_is_secret(name) || value.chars().count() >= 16)
        {
            found.push(at + name.len() + 1..at + pair.len());
        }
        at += pair.len() + 1;
    }
    found
}

/// `url` with its secrets masked.
pub fn mask_url(url: &str) -> String {
    let mut out = url.to_owned();
    for range in url_secrets(url).into_iter().rev() {
        out.replace_range(range, MASK);
    }
    out
}

/// Where each argument's secrets are, argument by argument: values of options that look secret
/// (`--token x`, `--api-key=x`, `KEY=x`), of `-H "Authorization: x"`, and passwords in URLs.
pub(super) fn argument_secrets(args: &[String]) -> Vec<Vec<Range<usize>>> {
    let mut expected = false;
    let mut all = Vec::with_capacity(args.len());
    for arg in args {
        let mut found = url_secrets(arg);
        let value = |from: usize| from..arg.len();
        if expected && !arg.starts_with('-') {
            found = vec![value(0)];
        }
        expected = false;
        if let Some((name, rest)) = arg.split_once('=')
            && !name.contains("://")
            && name_is_secret(name)
            && !rest.is_empty()
        {
            found = vec![value(name.len() + 1)];
        } else if let Some((name, rest)) = arg.split_once(": ").or_else(|| arg.split_once(':'))
            && !name.is_empty()
            && !rest.starts_with("//")
            && name_is_secret(name)
        {
            found = vec![value(arg.len() - rest.len())];
        } else if let Some(rest) =
            ["Bearer ", "Basic ", "bearer ", "basic "].iter().find_map(|s| arg.strip_prefix(s))
        {
            found = vec![value(arg.len() - rest.len())];
        } else if arg.starts_with('-') && !arg.contains('=') {
            expected = name_is_secret(arg);
        }
        all.push(found);
    }
    all
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
