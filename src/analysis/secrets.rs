//! Keys and tokens by their looks, in any text: what kind, and where. What is found is never shown; a kind and
//! its last four characters are enough to find it again.

use std::ops::Range;

use crate::base::text::quote;

/// What looks like a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    /// Whose: `GitHub token`.
    pub(super) kind: &'static str,
    /// Where in the text.
    pub(super) range: Range<usize>,
    /// Whether nothing else looks like that.
    pub(super) sure: bool,
}

impl Sighting {
    /// How people are told of it: no more than its end.
    pub(super) fn told(&self, text: &str) -> String {
        format!("{}{}", self.kind, ending(text.get(self.range.clone()).unwrap_or_default()))
    }
}

/// ` ending in "1234"`, of what is long enough that it says nothing.
pub(super) fn ending(secret: &str) -> String {
    let skip = secret.chars().count().saturating_sub(4);
    if skip < 12 {
        return String::new();
    }
    let end: String = secret.chars().skip(skip).collect();
    format!(" ending in \"{}\"", quote(&end, 8))
}

#[derive(Clone, Copy)]
enum Set {
    Upper,
    Hex,
    Alnum,
    /// Letters, digits, `_` and `-`.
    Word,
    /// The same, and dots.
    Dotted,
}

impl Set {
    fn has(self, b: u8) -> bool {
        match self {
            Set::Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Set::Hex => b.is_ascii_hexdigit(),
            Set::Alnum => b.is_ascii_alphanumeric(),
            Set::Word => b.is_ascii_alphanumeric() || b == b'_' || b == b'-',
            Set::Dotted => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'),
        }
    }
}

/// How a service's tokens begin, what follows, and how much of it at least and at most.
struct Shape(&'static str, &'static str, Set, usize, usize);

const LONG: usize = 600;
/// Longer beginnings first where one is another's beginning.
const SHAPES: [Shape; 39] = [
    Shape("AKIA", "AWS access key", Set::Upper, 16, 16),
    Shape("ASIA", "AWS access key", Set::Upper, 16, 16),
    Shape("ghp_", "GitHub token", Set::Alnum, 30, 255),
    Shape("gho_", "GitHub token", Set::Alnum, 30, 255),
    Shape("ghu_", "GitHub token", Set::Alnum, 30, 255),
    Shape("ghs_", "GitHub token", Set::Alnum, 30, 255),
    Shape("ghr_", "GitHub token", Set::Alnum, 30, 255),
    Shape("github_pat_", "GitHub token", Set::Word, 50, 255),
    Shape("glpat-", "GitLab token", Set::Dotted, 20, 255),
    Shape("xoxb-", "Slack token", Set::Word, 20, 255),
    Shape("xoxp-", "Slack token", Set::Word, 20, 255),
    Shape("xoxa-", "Slack token", Set::Word, 20, 255),
    Shape("xoxs-", "Slack token", Set::Word, 20, 255),
    Shape("xoxr-", "Slack token", Set::Word, 20, 255),
    Shape("xapp-", "Slack token", Set::Word, 20, 255),
    Shape("sk_live_", "Stripe key", Set::Alnum, 20, 255),
    Shape("rk_live_", "Stripe key", Set::Alnum, 20, 255),
    Shape("whsec_", "Stripe webhook secret", Set::Alnum, 24, 255),
    Shape("AIza", "Google API key", Set::Word, 35, 35),
    Shape("ya29.", "Google access token", Set::Dotted, 30, LONG),
    Shape("GOCSPX-", "Google client secret", Set::Word, 28, 28),
    Shape("sk-ant-", "Anthropic key", Set::Word, 24, 255),
    Shape("sk-or-v1-", "OpenRouter key", Set::Hex, 40, 255),
    Shape("sk-proj-", "OpenAI key", Set::Word, 30, 255),
    Shape("sk-svcacct-", "OpenAI key", Set::Word, 30, 255),
    Shape("sk-", "OpenAI key", Set::Alnum, 40, 255),
    Shape("npm_", "npm token", Set::Alnum, 36, 36),
    Shape("pypi-", "PyPI token", Set::Word, 50, 255),
    Shape("hf_", "Hugging Face token", Set::Alnum, 30, 60),
    Shape("SG.", "SendGrid key", Set::Dotted, 60, 80),
    Shape("dop_v1_", "DigitalOcean token", Set::Hex, 64, 64),
    Shape("shpat_", "Shopify token", Set::Hex, 32, 32),
    Shape("dapi", "Databricks token", Set::Hex, 32, 36),
    Shape("lin_api_", "Linear key", Set::Alnum, 32, 60),
    Shape("ntn_", "Notion token", Set::Alnum, 40, 60),
    Shape("hvs.", "Vault token", Set::Word, 24, 255),
    Shape("glsa_", "Grafana token", Set::Word, 40, 60),
    Shape("PMAK-", "Postman key", Set::Word, 50, 80),
    Shape("eyJ", "JSON web token", Set::Dotted, 60, 8_000),
];

/// Shorter texts hold none.
const SHORTEST: usize = 12;
/// Told of one text.
const MOST: usize = 4;

/// What looks like a secret in `text`: one pass, whatever its length.
pub(super) fn find(text: &str) -> Vec<Sighting> {
    let mut found: Vec<Sighting> = Vec::new();
    if text.len() < SHORTEST {
        return found;
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut within = false;
    // What may be read ahead in vain: text full of beginnings must not cost more than its length.
    let mut ahead = 8 * text.len() + (64 << 10);
    while at < bytes.len() && found.len() < MOST && ahead > 0 {
        let b = bytes[at];
        let sighting = match b {
            b'-' if bytes[at..].starts_with(b"-----BEGIN ") => private_key(text, at, &mut ahead),
            b':' if bytes[at..].starts_with(b"://") => in_url(text, at),
            b'=' => assigned(text, at, &mut ahead),
            _ if !within && starts(&bytes[at..]) => token(text, at, &mut ahead),
            _ => None,
        };
        within = b.is_ascii_alphanumeric() || b == b'_';
        at += 1;
        if let Some(sighting) = sighting {
            at = sighting.range.end.max(at);
            within = false;
            found.push(sighting);
        }
    }
    found
}

/// The bytes that follow each byte in the beginnings of tokens.
const STARTS: [u128; 128] = {
    let mut starts = [0; 128];
    let mut i = 0;
    while i < SHAPES.len() {
        let start = SHAPES[i].0.as_bytes();
        starts[start[0] as usize] |= 1 << start[1];
        i += 1;
    }
    starts
};

fn starts(bytes: &[u8]) -> bool {
    match bytes {
        [first @ 0..=127, second @ 0..=127, ..] => STARTS[usize::from(*first)] >> second & 1 == 1,
        _ => false,
    }
}

fn token(text: &str, at: usize, ahead: &mut usize) -> Option<Sighting> {
    let rest = &text.as_bytes()[at..];
    let Shape(start, kind, set, least, most) =
        SHAPES.iter().find(|shape| rest.starts_with(shape.0.as_bytes()))?;
    let body = &rest[start.len()..];
    let length = body.iter().take(most + 1).take_while(|b| set.has(**b)).count();
    *ahead = ahead.saturating_sub(length);
    // What goes on is something else: a word of its own, a hash.
    if length < *least || length > *most {
        return None;
    }
    let end = at + start.len() + length;
    let body = text.get(at + start.len()..end)?.trim_end_matches(['.', '-']);
    let jwt = *start == "eyJ";
    if is_placeholder(body) || entropy(body) < 2.7 || jwt && !is_jwt(body) {
        return None;
    }
    Some(Sighting { kind, range: at..at + start.len() + body.len(), sure: !jwt })
}

fn is_jwt(body: &str) -> bool {
    // The one in every documentation.
    let documented = body.contains("eyJzdWIiOiIxMjM0NTY3ODkwI");
    let parts: Vec<&str> = body.split('.').collect();
    parts.len() == 3 && parts.iter().all(|p| p.len() >= 10) && parts[1].starts_with("eyJ") && !documented
}

fn private_key(text: &str, at: usize, ahead: &mut usize) -> Option<Sighting> {
    let line = text[at..].get(..64.min(text.len() - at)).unwrap_or(&text[at..]);
    let header = line.find("PRIVATE KEY-----")? + "PRIVATE KEY-----".len();
    let body = &text.as_bytes()[at + header..];
    // Line ends may be spelled out.
    let of_key =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\n' | b'\r' | b'\\' | b' ');
    let length = body.iter().take(8_000).take_while(|b| of_key(b)).count();
    *ahead = ahead.saturating_sub(length);
    let range = at..at + header + length;
    let key: String = text[at + header..range.end].split_whitespace().collect();
    let real = key.len() >= 60 && !is_placeholder(&key) && entropy(&key) > 4.0;
    real.then_some(Sighting { kind: "private key", range, sure: true })
}

/// `user:password@` of a URL whose `://` is at `at`.
fn in_url(text: &str, at: usize) -> Option<Sighting> {
    let from = at + 3;
    let rest = &text[from..];
    let ends = |c: char| {
        c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>' | ')' | ',')
    };
    let authority = rest.char_indices().take(256).find(|(_, c)| ends(*c)).map_or(rest, |(i, _)| &rest[..i]);
    let (user, host) = authority.get(..authority.len().min(600)).unwrap_or(authority).rsplit_once('@')?;
    let (name, password) = user.split_once(':')?;
    let near = ["localhost", "127.0.0.1", "example.com", "example.org", "host", "db", "server"];
    let host = host.split(':').next().unwrap_or(host).to_ascii_lowercase();
    let nowhere = near.iter().any(|n| host == *n) || host.contains("example") || host.contains("your");
    if nowhere || password.len() < 6 || is_placeholder(password) || !is_mixed(password) || password == name {
        return None;
    }
    let start = from + name.len() + 1;
    Some(Sighting { kind: "password in a URL", range: start..start + password.len(), sure: false })
}

/// `NAME=value` with a telling name and a value that nobody would write as an example.
fn assigned(text: &str, at: usize, ahead: &mut usize) -> Option<Sighting> {
    let bytes = text.as_bytes();
    let from_name = bytes[..at].iter().rev().take(40).take_while(|b| Set::Word.has(**b)).count();
    let name = text.get(at - from_name..at)?.to_ascii_lowercase();
    let telling = [
        "secret",
        "token",
        "apikey",
        "api_key",
        "api-key",
        "password",
        "accesskey",
        "access_key",
        "accountkey",
    ];
    if !telling.iter().any(|t| name.ends_with(t)) {
        return None;
    }
    let quote = usize::from(matches!(bytes.get(at + 1), Some(b'"' | b'\'')));
    let from = at + 1 + quote;
    let of_value =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b'~');
    let length = bytes.get(from..)?.iter().take(300).take_while(|b| of_value(b)).count();
    *ahead = ahead.saturating_sub(length);
    let value = text.get(from..from + length)?;
    let random = length >= 20 && is_mixed(value) && entropy(value) >= 3.6 && !is_placeholder(value);
    if !random || value.contains('.') && !value.starts_with("eyJ") {
        return None;
    }
    Some(Sighting { kind: "secret by its name", range: from..from + length, sure: false })
}

fn is_mixed(value: &str) -> bool {
    value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Whether `value` only shows where a secret goes: an example, a reference to a variable, a mask.
pub(super) fn is_placeholder(value: &str) -> bool {
    const SAID: [&str; 24] = [
        "example",
        "xxxx",
        "your",
        "placeholder",
        "dummy",
        "sample",
        "changeme",
        "change-me",
        "change_me",
        "redacted",
        "replace",
        "insert",
        "todo",
        "fake",
        "mock",
        "notreal",
        "not-real",
        "...",
        "…",
        "***",
        "abcdefgh",
        "12345678",
        "87654321",
        "deadbeef",
    ];
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    let bracketed = value.starts_with(['<', '{', '[', '$', '%', '('])
        || value.contains("${")
        || value.contains("{{")
        || value.contains("$(");
    let word =
        ["password", "passwd", "pass", "secret", "token", "key", "apikey", "pwd", "none", "null", "user"];
    let alike = value.as_bytes().windows(6).any(|w| w.iter().all(|b| *b == w[0]));
    bracketed || alike || word.contains(&lower.as_str()) || SAID.iter().any(|s| lower.contains(s))
}

/// Bits a character.
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    text.bytes().for_each(|b| counts[b as usize] += 1);
    let all = text.len().max(1) as f64;
    let share = counts.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / all);
    share.map(|p| -p * p.log2()).sum()
}

/// Whether `value`, written down under a name that speaks of a secret, is one: not where one goes, no number,
/// switch, path or plain address.
pub(super) fn is_written_down(value: &str) -> bool {
    let value = value.trim();
    let scheme = ["bearer ", "basic ", "token "]
        .iter()
        .find(|s| value.get(..s.len()).is_some_and(|start| start.eq_ignore_ascii_case(s)));
    let value = scheme.map_or(value, |s| value[s.len()..].trim());
    let path = value.starts_with(['/', '.', '~']) || value.get(1..3) == Some(":\\");
    let word = value.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_' | b' ' | b'.'))
        || value.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    value.len() >= 8
        && !path
        && !word
        // A shell's line that begins with a variable is no secret as a whole.
        && !value.contains(char::is_whitespace)
        && value.parse::<f64>().is_err()
        && !value.contains("://")
        && !is_placeholder(value)
        && entropy(value) >= 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        find(text).into_iter().map(|s| s.kind).collect()
    }

    /// In pieces, so that nobody's search for secrets finds this file.
    #[test]
    fn tokens_are_known_by_their_looks() {
        let random = "q7Zp2Lw9Xc4Vb8Nm1Kj6Hg3Fd5Sa0Rt2Yu7Iq9Wz4Px8Lv3Bn6";
        for (start, length, kind) in [
            ("ghp_", 36, "GitHub token"),
            ("glpat-", 20, "GitLab token"),
            ("xoxb-", 30, "Slack token"),
            ("sk_live_", 24, "Stripe key"),
            ("AIza", 35, "Google API key"),
            ("sk-ant-", 40, "Anthropic key"),
            ("sk-proj-", 40, "OpenAI key"),
            ("npm_", 36, "npm token"),
        ] {
            let secret = format!("{start}{}", &random[..length]);
            let text = format!("Call it with \"{secret}\", it works. ünd");
            let found = find(&text);
            assert_eq!(found.len(), 1, "{start}");
            assert_eq!((found[0].kind, &text[found[0].range.clone()]), (kind, secret.as_str()));
            assert!(!found[0].told(&text).contains(&secret[..secret.len() - 4]), "{start}");
            let masked = format!("{start}{}", "x".repeat(length));
            assert_eq!(kinds(&masked), [""; 0], "{masked}");
        }
        assert_eq!(kinds(&format!("AKIA{}", "Q3ZP7LW2XC9VB4NM")), ["AWS access key"]);
        let url = format!("postgres://app:{}@db.acme.net:5432/x", "s7Kq9pLw2");
        assert_eq!(kinds(&url), ["password in a URL"]);
        assert_eq!(kinds(&format!("export ACME_API_KEY='{}'", &random[..32])), ["secret by its name"]);
        let key = format!("-----BEGIN RSA {}-----\n{}\n{}", "PRIVATE KEY", random, random);
        assert_eq!(kinds(&key), ["private key"]);
        let jwt = format!("eyJhbGciOiJSUzI1NiJ9.{}{}.{random}", "eyJ", &random[..30]);
        assert_eq!(kinds(&jwt), ["JSON web token"]);
    }

    #[test]
    fn examples_and_references_are_none() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-your-key-goes-here-and-nowhere-else-at-all",
            "postgresql://user:password@localhost:5432/mydb",
            "postgresql://user:s3cretpw1@db.example.com/mydb",
            "https://user:${PASSWORD}@tools.acme.net/",
            "API_KEY=${ACME_API_KEY_OF_PRODUCTION}",
            "token=abcdefghijklmnopqrstuvwxyz",
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            "task-0123456789abcdef0123456789abcdef0123456789abcdef",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6y",
        ] {
            assert_eq!(kinds(text), [""; 0], "{text}");
        }
        for value in [
            "none",
            "${TOKEN}",
            "4096",
            "/run/secrets/token",
            "1 exec server --port 8",
            "true",
            "Bearer ${T}",
            "changeme",
            "<token>",
        ] {
            assert!(!is_written_down(value), "{value}");
        }
        for value in ["hunter2-Ab", "Bearer Zq8w7Lk2Pp", "c0rrect-horse"] {
            assert!(is_written_down(value), "{value}");
        }
    }
}
