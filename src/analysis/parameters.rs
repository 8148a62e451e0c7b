//! What a tool can be made to do by its parameters: reach any address or path, run any query, take secrets.

use crate::base::text::{and_more, quote};
use crate::model::finding::{Confidence, Severity};

use super::capability::{annotation, any, words};
use super::hits::{Hit, Hits};
use super::item::{Item, Kind};
use super::tree::{Tree, Value};

/// Whether the schema at `at` takes any string, or a list of any.
pub(super) fn free_text(item: &Item<'_>, at: usize) -> bool {
    let tree = &item.tree;
    if ["enum", "const", "pattern", "$ref"].iter().any(|k| tree.member(at, k).is_some()) {
        return false;
    }
    // Optional ones are often written as a choice of a string and null.
    if let Some(choices) = tree.member(at, "anyOf").or_else(|| tree.member(at, "oneOf")) {
        let bound =
            |c: usize| ["enum", "const", "pattern", "$ref"].iter().any(|k| tree.member(c, k).is_some());
        return tree.children(choices).any(|c| tree.text_of(c, "type") == Some("string") && !bound(c));
    }
    let Some(kind) = tree.member(at, "type") else { return true };
    match tree.value(kind) {
        Value::Text(name) if name == "array" => tree.member(at, "items").is_some_and(|items| {
            tree.is_object(items)
                && tree.text_of(items, "type") == Some("string")
                && ["enum", "pattern"].iter().all(|k| tree.member(items, k).is_none())
        }),
        Value::Text(name) => name == "string",
        Value::Array => tree.children(kind).any(|c| tree.text(c) == Some("string")),
        _ => true,
    }
}

/// One finding for the parameters of `item` that `wanted` picks.
pub(super) fn parameters(
    item: &Item<'_>,
    hits: &mut Hits<'_>,
    severity: Severity,
    what: &str,
    wanted: impl Fn(&str, usize) -> bool,
) {
    if item.kind != Kind::Tool {
        return;
    }
    let mut found = item.parameters().filter(|&p| wanted(&item.tree.key(p).to_ascii_lowercase(), p));
    let Some(first) = found.next() else { return };
    let others = found.count();
    hits.add(severity, || {
        let name = quote(item.tree.key(first), 64);
        let more = and_more(others);
        Hit {
            confidence: Confidence::Medium,
            message: format!("{} takes {what} as \"{name}\"{more}", item.label()),
            path: item.tree.pointer(first),
            excerpt: None,
        }
    });
}

/// Whether the last word of `name` is one of `lasts`.
fn ends_as(name: &str, lasts: &[&str]) -> bool {
    // Taking a name apart costs more than looking at its end.
    let end = |last: &str| {
        let from = name.len().saturating_sub(last.len());
        name.as_bytes()[from..].eq_ignore_ascii_case(last.as_bytes())
    };
    lasts.iter().any(|last| end(last))
        && words(name).last().is_some_and(|word| lasts.contains(&word.as_str()))
}

/// HK-CAP-003
pub(super) fn url_parameter(item: &Item<'_>, hits: &mut Hits<'_>) {
    let whole = |p: usize| {
        matches!(item.tree.key(p), "headers" | "body" | "payload" | "request_body" | "http_method" | "method")
    };
    let severity = if item.parameters().any(whole) { Severity::Medium } else { Severity::Low };
    parameters(item, hits, severity, "any URL or host", |name, at| {
        ends_as(
            name,
            &["url", "uri", "urls", "uris", "webhook", "endpoint", "host", "hostname", "hosts", "link"],
        ) && free_text(item, at)
    });
}

/// HK-CAP-004
pub(super) fn path_parameter(item: &Item<'_>, hits: &mut Hits<'_>) {
    let text = item.said();
    let bounded = [
        "allowed director",
        "within allowed",
        "inside the workspace",
        "within the workspace",
        "sandbox",
        "within the project",
    ];
    let severity = if bounded.iter().any(|b| text.contains(b)) { Severity::Info } else { Severity::Low };
    parameters(item, hits, severity, "any path", |name, at| {
        ends_as(
            name,
            &["path", "paths", "filepath", "filename", "directory", "folder", "dir", "file", "files"],
        ) && free_text(item, at)
    });
}

/// Languages in which data is asked for, and whether they can change it.
const LANGUAGES: [(&str, bool); 20] = [
    ("sql", true),
    ("mysql", true),
    ("postgres", true),
    ("postgresql", true),
    ("sqlite", true),
    ("graphql", true),
    ("cypher", true),
    ("gremlin", true),
    ("sparql", true),
    ("aql", true),
    ("cql", true),
    ("soql", false),
    ("kql", false),
    ("kusto", false),
    ("promql", false),
    ("logql", false),
    ("jql", false),
    ("spl", false),
    ("xpath", false),
    ("jmespath", false),
];

/// HK-CAP-005
pub(super) fn query_parameter(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.kind != Kind::Tool {
        return;
    }
    let named = item.words();
    let language_in = |text: &str| {
        let holds = |language: &str| memchr::memmem::find(text.as_bytes(), language.as_bytes()).is_some();
        if !LANGUAGES.iter().any(|(language, _)| holds(language)) {
            return None;
        }
        let words = words(text);
        LANGUAGES.iter().find(|(language, _)| words.iter().any(|w| w == language))
    };
    let of_tool = LANGUAGES.iter().find(|(language, _)| named.iter().any(|w| w == language));
    let of_parameter = |p: usize| {
        let name = item.tree.key(p).to_ascii_lowercase();
        let asks = matches!(
            name.as_str(),
            "query" | "statement" | "q" | "expression" | "expr" | "queries" | "query_string" | "mutation"
        );
        let text =
            || item.tree.text_of(p, "description").unwrap_or_default().chars().take(200).collect::<String>();
        let own = language_in(&name).or_else(|| asks.then(|| language_in(&text().to_lowercase())).flatten());
        own.or(of_tool.filter(|_| asks)).filter(|_| free_text(item, p))
    };
    let Some((language, changes)) = item.parameters().find_map(of_parameter) else { return };
    let said = item.said();
    let careful = annotation(item, "readOnlyHint") == Some(true)
        || ["read-only", "readonly", "read only", "select ", "only select"].iter().any(|s| said.contains(s))
        || named
            .first()
            .is_some_and(|w| matches!(w.as_str(), "read" | "explain" | "validate" | "format" | "search"));
    let severity = if *changes && !careful { Severity::Medium } else { Severity::Low };
    let what = match *language {
        "mysql" | "postgres" | "postgresql" | "sqlite" | "sql" => "any SQL".to_owned(),
        other => format!("any {other} query"),
    };
    parameters(item, hits, severity, &what, |_, at| of_parameter(at).is_some());
}

/// HK-SEC-002
pub(super) fn secret_parameter(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.kind != Kind::Tool {
        return;
    }
    const LOGGING_IN: [&str; 17] = [
        "login",
        "logon",
        "signin",
        "sign",
        "auth",
        "authenticate",
        "authorize",
        "connect",
        "register",
        "signup",
        "credential",
        "credentials",
        "password",
        "token",
        "oauth",
        "configure",
        "setup",
    ];
    let named = item.words();
    let severity = if any(named, &LOGGING_IN).is_some() { Severity::Low } else { Severity::Medium };
    parameters(item, hits, severity, "a secret", |_, at| {
        asks_for_secret(item.tree.key(at)) && free_text(item, at) || {
            // `token` alone is a coin, a page or a word as often as a secret.
            let text = item.tree.text_of(at, "description").unwrap_or_default();
            item.tree.key(at).eq_ignore_ascii_case("token") && free_text(item, at) && speaks_of_access(text)
        }
    });
}

fn asks_for_secret(name: &str) -> bool {
    const LAST: [&str; 9] = [
        "password",
        "passwd",
        "passphrase",
        "apikey",
        "secret",
        "credentials",
        "pwd",
        "passcode",
        "mnemonic",
    ];
    const PAIRS: [(&str, &str); 20] = [
        ("api", "key"),
        ("api", "token"),
        ("access", "token"),
        ("auth", "token"),
        ("bearer", "token"),
        ("refresh", "token"),
        ("session", "token"),
        ("id", "token"),
        ("personal", "token"),
        ("bot", "token"),
        ("github", "token"),
        ("private", "key"),
        ("secret", "key"),
        ("access", "key"),
        ("client", "secret"),
        ("seed", "phrase"),
        ("recovery", "phrase"),
        ("ssh", "key"),
        ("session", "cookie"),
        ("service", "key"),
    ];
    const ENDS: [&str; 11] = [
        "password",
        "passwd",
        "phrase",
        "key",
        "secret",
        "credentials",
        "pwd",
        "passcode",
        "mnemonic",
        "token",
        "cookie",
    ];
    let lower = name.to_ascii_lowercase();
    if !ENDS.iter().any(|end| lower.ends_with(end)) {
        return false;
    }
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    let pair = words.windows(2).last().is_some_and(|w| PAIRS.iter().any(|(a, b)| w[0] == *a && w[1] == *b));
    // What is said of a secret is none: `secret_name`, `password_length`.
    pair || LAST.contains(&last)
}

fn speaks_of_access(text: &str) -> bool {
    let text: String = text.chars().take(200).flat_map(char::to_lowercase).collect();
    ["api", "auth", "bearer", "personal access", "access token", "credential", "jwt"]
        .iter()
        .any(|s| text.contains(s))
        && !text.contains("page")
}

/// HK-SEC-003
pub(super) fn credential_resource(item: &Item<'_>, hits: &mut Hits<'_>) {
    if item.kind != Kind::Resource {
        return;
    }
    for key in ["uri", "uriTemplate", "name"] {
        let Some(text) = item.tree.text_of(Tree::ROOT, key) else { continue };
        let Some(what) = exposes(text) else { continue };
        let what = what.to_owned();
        return hits.add(Severity::Medium, || Hit {
            confidence: Confidence::Medium,
            message: format!("{} gives out what is kept secret, by its {key}: {what}", item.label()),
            path: format!("/{key}"),
            excerpt: Some(text.to_owned()),
        });
    }
}

/// The part of a name or an address that speaks of credentials.
fn exposes(text: &str) -> Option<&str> {
    const FILES: [&str; 26] = [
        ".env",
        ".npmrc",
        ".pypirc",
        ".netrc",
        ".pgpass",
        ".git-credentials",
        ".htpasswd",
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        "kubeconfig",
        "wallet.dat",
        "shadow",
        "credentials",
        "credentials.json",
        "credentials.yaml",
        "credentials.yml",
        "secrets",
        "secrets.json",
        "secrets.yaml",
        "secrets.yml",
        "passwords",
        "passwords.txt",
        "api-keys",
        "api_keys",
    ];
    const ENDINGS: [&str; 6] = [".pem", ".p12", ".pfx", ".keystore", ".jks", ".kdbx"];
    /// What is about them, and gives none out.
    const ABOUT: [&str; 12] = [
        "docs",
        "guide",
        "policy",
        "help",
        "tutorial",
        "schema",
        "template",
        "example",
        "examples",
        "best",
        "how",
        "documentation",
    ];
    let text = text.get(..text.len().min(600)).unwrap_or_default();
    let lower = text.to_ascii_lowercase();
    if words(&lower).iter().any(|w| ABOUT.contains(&w.as_str())) {
        return None;
    }
    let parts = text.split(['/', '\\', '?', '#', ' ', ':']).filter(|p| !p.is_empty());
    parts.into_iter().find(|part| {
        let part = part.to_ascii_lowercase();
        FILES.contains(&part.as_str())
            || ENDINGS.iter().any(|e| part.ends_with(e)) && !part.contains("public") && !part.contains("cert")
            || part.starts_with(".env.") && !part.contains("sample")
            || ["private_key", "private-key", "secret_key", "secret-key", "api_key", "access_token"]
                .contains(&part.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_ask_for_secrets_are_told_from_those_about_them() {
        for name in
            ["password", "db_password", "apiKey", "api_key", "accessToken", "client_secret", "user_api_token"]
        {
            assert!(asks_for_secret(name), "{name}");
        }
        for name in [
            "page_token",
            "max_tokens",
            "token",
            "secret_name",
            "key",
            "password_length",
            "keyboard",
            "token_address",
        ] {
            assert!(!asks_for_secret(name), "{name}");
        }
    }

    #[test]
    fn resources_that_give_secrets_out_are_told_from_those_about_them() {
        for text in [
            "file:///home/me/.env",
            "ssh://keys/id_rsa",
            "vault://prod/credentials",
            "file:///etc/tls/server.pem",
        ] {
            assert!(exposes(text).is_some(), "{text}");
        }
        for text in [
            "docs://how-to-manage/credentials",
            "file:///a/environment.txt",
            "Password policy",
            "file:///a/public.pem",
        ] {
            assert_eq!(exposes(text), None, "{text}");
        }
    }
}
