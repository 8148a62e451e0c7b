//! How a server is reached, and what that gives away.

use crate::mcp::auth::{Fault, fault};
use crate::model::finding::{Confidence, Severity};
use crate::model::outcome::{FailureKind, Posture};
use crate::model::secret::name_is_secret;
use crate::model::target::{Endpoint, Remote};

use super::Facts;
use super::hits::{Hit, Hits};

fn hit(message: String, field: &str, excerpt: String) -> Hit {
    let path = format!("/endpoint/{field}");
    Hit { confidence: Confidence::High, message, path, excerpt: Some(excerpt) }
}

/// The URL as it may be shown.
pub(super) fn shown(facts: &Facts<'_>) -> String {
    facts.view.url.clone().unwrap_or_default()
}

pub(super) fn remote<'a>(facts: &Facts<'a>) -> Option<&'a Remote> {
    match facts.endpoint {
        Endpoint::Remote(remote) => Some(remote),
        Endpoint::Stdio(_) | Endpoint::Unknown => None,
    }
}

/// Scheme, host and what stands before an `@`.
pub(super) fn parts(url: &str) -> Option<(&str, &str, Option<&str>)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let host = match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => place.split(':').next().unwrap_or(place),
    };
    Some((scheme, host, user))
}

/// The host of a URL.
pub(super) fn host(url: &str) -> Option<&str> {
    parts(url).map(|(_, host, _)| host)
}

pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// HK-AUT-001
pub(super) fn unauthenticated(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Some((_, host, _)) = remote(facts).and_then(|r| parts(&r.url)) else { return };
    if facts.auth.posture != Posture::None {
        return;
    }
    let severity = match is_loopback(host) {
        true => Severity::Info,
        false if hits.capability() >= Some(Severity::Medium) => Severity::High,
        // What is written for everybody may be read by everybody.
        false if hits.census().is_library() => Severity::Low,
        false => Severity::Medium,
    };
    hits.add(severity, || {
        let message = match severity {
            Severity::Info => "lists what it offers to every process of this machine that asks",
            Severity::High => "lists what it offers to everybody, and some of it is dangerous",
            Severity::Low => "lists what it offers to everybody who asks, and offers nothing but documents",
            Severity::Medium | Severity::Critical => "lists what it offers to everybody who asks",
        };
        Hit {
            confidence: Confidence::High,
            message: message.to_owned(),
            path: "/auth/posture".to_owned(),
            excerpt: facts.view.url.clone(),
        }
    });
}

/// HK-AUT-002
pub(super) fn cleartext(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Some(remote) = remote(facts) else { return };
    let Some((scheme, host, _)) = parts(&remote.url) else { return };
    if !scheme.eq_ignore_ascii_case("http") || is_loopback(host) {
        return;
    }
    let credentials = remote.has_credentials();
    let severity = if credentials { Severity::High } else { Severity::Medium };
    hits.add(severity, || {
        let message = match credentials {
            true => {
                "is asked over plain HTTP: everybody on the way can read the credentials and change the tools"
            }
            false => "is asked over plain HTTP: everybody on the way can change what its tools say",
        };
        hit(message.to_owned(), "url", shown(facts))
    });
}

/// HK-AUT-003
pub(super) fn trust(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Some((_, host, _)) = remote(facts).and_then(|r| parts(&r.url)) else { return };
    let near = is_loopback(host);
    if let Some(failure) = facts.failure.filter(|f| f.kind == FailureKind::Tls) {
        let why = crate::base::text::quote(&failure.message, 200);
        let of_certificate = why.to_ascii_lowercase().contains("certificate");
        let severity = if near || !of_certificate { Severity::Low } else { Severity::High };
        hits.add(severity, || {
            let message = match of_certificate {
                true => "has a certificate that is not to be trusted: somebody else may be answering",
                false => "speaks no TLS that can be relied on",
            };
            Hit {
                confidence: Confidence::High,
                message: message.to_owned(),
                path: "/failure/message".to_owned(),
                excerpt: Some(why),
            }
        });
    }
    let refused = matches!(facts.auth.posture, Posture::Bearer | Posture::Oauth | Posture::Forbidden);
    for (at, said) in facts.auth.facts.iter().enumerate().filter(|_| refused) {
        let (severity, message) = match fault(said) {
            Some(Fault::OtherIssuer) => {
                (Severity::Medium, "points to an authorization server that calls itself another")
            }
            Some(Fault::OtherResource) => {
                (Severity::Medium, "has metadata of another resource than the one asked")
            }
            Some(Fault::NoPkce) => {
                (Severity::Low, "has an authorization server without PKCE, which clients must refuse")
            }
            Some(Fault::NoResource) => (Severity::Low, "has metadata that names no resource"),
            Some(Fault::NoServer) => (Severity::Low, "has metadata that names no authorization server"),
            Some(Fault::Unread) => (Severity::Low, "points to metadata that cannot be read"),
            None => continue,
        };
        hits.add(if near { severity.min(Severity::Low) } else { severity }, || Hit {
            confidence: Confidence::High,
            message: message.to_owned(),
            path: format!("/auth/facts/{at}"),
            excerpt: Some(said.clone()),
        });
    }
    let asks = !facts.auth.challenges.is_empty() && facts.auth.posture == Posture::Bearer;
    if asks && facts.auth.resource_metadata.is_none() {
        hits.add(Severity::Info, || Hit {
            confidence: Confidence::High,
            message: "asks for a token and does not say where one is to be had: no OAuth metadata".to_owned(),
            path: "/auth/challenges".to_owned(),
            excerpt: facts.auth.challenges.first().cloned(),
        });
    }
}

/// HK-AUT-004
pub(super) fn session_in_url(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Some(remote) = remote(facts) else { return };
    let Some((_, host, _)) = parts(&remote.url) else { return };
    let query = remote.url.split_once('?').map_or("", |(_, query)| query);
    let telling = |name: &str| {
        name_is_secret(name)
            || matches!(
                name.to_ascii_lowercase().as_str(),
                "sid" | "sessionid" | "session_id" | "jwt" | "mcp-session-id"
            )
    };
    let named = query.split('&').filter_map(|pair| pair.split_once('='));
    let Some((name, _)) = named.filter(|(_, value)| !value.is_empty()).find(|(name, _)| telling(name)) else {
        return;
    };
    let severity = if is_loopback(host) { Severity::Low } else { Severity::Medium };
    hits.add(severity, || {
        let name = crate::base::text::quote(name, 40);
        let message =
            format!("is let in by \"{name}\" in its URL: addresses end up in logs, histories and referrers");
        hit(message, "url", shown(facts))
    });
}

/// HK-PRO-001
pub(super) fn deviations(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    /// What costs more than patience: something was lost, or cannot be told from something else.
    const COSTLY: [&str; 6] =
        ["answers_dropped", "entries_dropped", "item_fault", "unknown_id", "noise", "jsonrpc_version"];
    /// What the protocol allows, and is only worth a note.
    const ALLOWED: [&str; 4] = ["list_changed", "retry_after", "server_request", "session_expired"];
    // What a report that is judged again says of how often it asked is no doing of the server's.
    let its_own = |code: &str| !ALLOWED.contains(&code) && !code.starts_with("differential_");
    let notes: Vec<_> = facts.notes.iter().filter(|n| its_own(&n.code)).collect();
    if notes.is_empty() {
        return;
    }
    // Of a key that stands twice one reader takes the first, another the last: which is judged here.
    let ambiguous = notes.iter().any(|n| n.code == "duplicate_keys");
    let costly = notes.iter().any(|n| COSTLY.contains(&n.code.as_ref()));
    let severity = match (ambiguous, costly) {
        (true, _) => Severity::Medium,
        (false, true) => Severity::Low,
        (false, false) => Severity::Info,
    };
    let mut codes: Vec<String> = notes.iter().map(|n| crate::base::text::quote(&n.code, 40)).collect();
    codes.sort();
    codes.dedup();
    // An example holds ids and numbers of this one conversation; the ways are what is found.
    let same = codes.join(" ");
    hits.add_same(severity, &same, || Hit {
        confidence: Confidence::High,
        message: format!(
            "deviates from the protocol in {}: {}",
            crate::base::text::plural(codes.len(), "way"),
            codes.join(", ")
        ),
        path: "/notes".to_owned(),
        excerpt: notes.first().map(|n| n.message.clone()),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_others() {
        for host in
            ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "10.0.0.1", "::2", "127.0.0.1.example"] {
            assert!(!is_loopback(host), "{host}");
        }
        assert_eq!(parts("http://u:p@[::1]:8/x@y"), Some(("http", "::1", Some("u:p"))));
        assert_eq!(parts("https://h?x@y"), Some(("https", "h", None)));
    }
}
