//! Values that must never be shown, and their removal from text that a server made.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::base::encoding::{base64, percent_decode, percent_encode};

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
    pub const SHORTEST: usize = 3;

    /// What a value needs where only its looks speak for a secret, not its name.
    const SHORTEST_UNNAMED: usize = 6;

    /// Strikes out each of `values`, also where it is encoded: for a URL, in base64, in JSON.
    pub fn new(values: impl IntoIterator<Item = String>) -> Redaction {
        let long_enough = |v: &String| v.len() >= Redaction::SHORTEST;
        let values = values.into_iter().filter(long_enough);
        let mut all: Vec<String> = values.flat_map(forms).filter(long_enough).collect();
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Redaction { values: all }
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

/// `value` in every spelling that a server, its library or an error message may give it.
fn forms(value: String) -> Vec<String> {
    let mut all = vec![value.clone()];
    let decoded = String::from_utf8(percent_decode(&value)).ok().filter(|d| *d != value);
    for plain in decoded.into_iter().chain([value]) {
        let encoded = percent_encode(&plain);
        all.extend([encoded.replace("%2F", "/"), encoded, json_escaped(&plain)]);
        all.push(ascii_escaped(&json_escaped(&plain)));
        // Short ones are too common as base64 of something else.
        if plain.len() >= 8 {
            all.extend(base64_forms(&plain));
        }
        all.push(plain);
    }
    all
}

/// With and without padding: some leave it out.
fn base64_forms(text: &str) -> [String; 2] {
    let padded = base64(text.as_bytes());
    [padded.trim_end_matches('=').to_owned(), padded]
}

/// `text` as it stands inside of a JSON string.
fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// `text` with `\u00e4` for everything beyond ASCII, as some JSON libraries write it.
fn ascii_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let units = c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect::<String>();
            out.push_str(&units);
        }
    }
    out
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
    chars >= Redaction::SHORTEST_UNNAMED && !number && !path && !word
}

/// What of `value`, which `${variable}` brought into the field `key`, must not be shown. Unlike a value
/// written down for a server, it is often an ordinary word or path: `${PY}` for `python3`.
pub(crate) fn expanded_secrets(variable: &str, key: &str, value: &str) -> Vec<String> {
    let named = name_is_secret(variable) || name_is_secret(key);
    if named && value.chars().count() >= Redaction::SHORTEST || looks_secret(value) {
        return vec![value.to_owned()];
    }
    password_of(value)
}

/// Whether `value` is a key or a token by its looks alone.
fn looks_secret(value: &str) -> bool {
    let has = |test: fn(&u8) -> bool| value.as_bytes().iter().any(test);
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    is_token(value) || value.len() >= 16 && mixed && !value.contains(['/', '\\', ' '])
}

/// Whether `value` begins as the tokens of well-known services do.
fn is_token(value: &str) -> bool {
    const STARTS: [&str; 8] = ["sk-", "ghp_", "github_pat_", "xox", "AKIA", "ya29.", "eyJ", "glpat-"];
    value.len() >= 12 && STARTS.iter().any(|s| value.starts_with(s)) && !value.contains(char::is_whitespace)
}

/// The secrets inside of a value that is a URL: the password of `mysql://u:password@h/d`, and its query's.
pub(super) fn password_of(value: &str) -> Vec<String> {
    url_secrets(value).into_iter().map(|range| value[range].to_owned()).collect()
}

/// The user and password of `url`, as it has them.
pub(super) fn userinfo(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit_once('@').map(|(userinfo, _)| userinfo)
}

/// What a request shows of the user and password of `url`: they are sent as `Authorization: Basic`.
pub(super) fn basic_credentials(url: &str) -> Vec<String> {
    userinfo(url).map(|u| base64(&percent_decode(u))).into_iter().collect()
}

/// A header's value, and what follows its scheme (`Bearer x`), unless the header never carries a secret.
pub(super) fn header_secrets(name: &str, value: &str) -> Vec<String> {
    const PLAIN: [&str; 6] =
        ["accept", "accept-encoding", "accept-language", "cache-control", "content-type", "user-agent"];
    if PLAIN.iter().any(|p| name.eq_ignore_ascii_case(p)) {
        return Vec::new();
    }
    let value = value.trim();
    let shortest = if name_is_secret(name) { Redaction::SHORTEST } else { Redaction::SHORTEST_UNNAMED };
    let bare = value.split_once(' ').map(|(_, rest)| rest.trim().to_owned());
    let all = std::iter::once(value.to_owned()).chain(bare);
    all.filter(|v| v.chars().count() >= shortest).collect()
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
/// (`--token x`, `--api-key=x`, `KEY=x`), of `-H "Authorization: x"`, passwords in URLs, and tokens.
/// Not `-p x`: that is a port as often as a password.
pub(super) fn argument_secrets(args: &[String]) -> Vec<Vec<Range<usize>>> {
    let mut expected = false;
    let mut all = Vec::with_capacity(args.len());
    for arg in args {
        let mut found = url_secrets(arg);
        let value = |from: usize| from..arg.len();
        if expected && !arg.starts_with('-') || is_token(arg) {
            found = vec![value(0)];
        }
        expected = false;
        if let Some((name, rest)) = arg.split_once('=')
            && !name.contains("://")
            && (name_is_secret(name) || is_token(rest))
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

    #[test]
    fn secrets_are_struck_out_in_other_spellings() {
        let r = Redaction::new(["s3cr%40t/x".into(), "q\"b\\n\nä".into(), "long-enough".into()]);
        for text in [
            "s3cr%40t/x",
            "s3cr@t/x",
            "s3cr%40t%2Fx",
            "q\"b\\n\nä",
            "q\\\"b\\\\n\\nä",
            "q\\\"b\\\\n\\n\\u00e4",
            "bG9uZy1lbm91Z2g=",
            "bG9uZy1lbm91Z2g",
        ] {
            assert_eq!(r.clean(text), MASK, "{text}");
        }
    }

    #[test]
    fn variables_bring_in_secrets_only_where_they_look_so() {
        let cases: [(&str, &str, &str, &[&str]); 9] = [
            ("PY", "", "python3", &[]),
            ("DIR", "", "/home/user1/projects/x", &[]),
            ("LONG", "", "a-long-word-without-digits", &[]),
            ("MY_TOKEN", "", "abc", &["abc"]),
            ("MY_TOKEN", "", "ab", &[]),
            ("X", "API_KEY", "python3", &["python3"]),
            ("X", "", "a1b2c3d4e5f6a7b8", &["a1b2c3d4e5f6a7b8"]),
            ("X", "", "ghp_abcdefgh", &["ghp_abcdefgh"]),
            ("DATABASE_URL", "", "mysql://u:pw1@h/d", &["pw1"]),
        ];
        for (variable, key, value, secrets) in cases {
            assert_eq!(expanded_secrets(variable, key, value), secrets, "{variable} {key} {value}");
        }
    }
}
