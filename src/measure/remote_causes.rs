//! The usual causes of a server's failure that is reached by URL.

use crate::base::text::quote;
use crate::model::certificate::{Certificate, Tls};
use crate::model::outcome::{FailureKind, Posture};

use super::causes::{Cause, Facts, Way};

/// Where servers usually are, by transport.
const PATHS: [&str; 2] = ["/mcp", "/sse"];

pub(super) fn causes(facts: &Facts<'_>) -> Vec<Cause> {
    let (Some(failure), Way::Remote { url, proxy, addresses, tls }) = (&facts.outcome.failure, &facts.way)
    else {
        return Vec::new();
    };
    let message = failure.message.as_str();
    let mut found = match failure.kind {
        FailureKind::ConnectFailed => vec![unreachable(message, addresses)],
        FailureKind::NameNotFound => vec![Cause::new(
            format!("the host name of {url} leads nowhere"),
            &["check its spelling", "names of a company's own network need its DNS or VPN"],
        )],
        FailureKind::HttpStatus => status(message, url),
        FailureKind::ContentType if message.contains("html") => {
            vec![wrong_path(format!("a web page is at {url}, not an MCP server: {message}"), url)]
        }
        FailureKind::ContentType => {
            vec![wrong_path(format!("not the answer of an MCP server: {message}"), url)]
        }
        FailureKind::AuthRequired => vec![locked(facts)],
        FailureKind::Tls => vec![distrusted(message, url, tls.as_ref(), facts.today)],
        FailureKind::RedirectRefused => vec![Cause::new(
            format!("the server sends its callers elsewhere: {message}"),
            &[
                "give the address it points to, if you trust it: redirects are followed within one origin only, and secrets stay there",
            ],
        )],
        FailureKind::OriginRefused => vec![Cause::new(
            format!("the server points to another origin: {message}"),
            &[
                "the server is misconfigured, often behind a reverse proxy: its public address must be what it announces",
            ],
        )],
        FailureKind::Timeout => vec![timeout(facts, message)],
        FailureKind::Closed => vec![Cause::new(
            format!("the connection was closed before an answer: {message}"),
            &[
                "check that MCP is what listens there, and whether it wants https:// instead of http://",
                "look into the server's log: a crash looks the same",
            ],
        )],
        FailureKind::InvalidMessage => vec![Cause::new(
            format!("what answers is no MCP server: {message}"),
            &["check host and port: something else listens there; where TLS is expected say https://"],
        )],
        FailureKind::LimitExceeded
        | FailureKind::RpcError
        | FailureKind::VersionUnsupported
        | FailureKind::SpawnFailed
        | FailureKind::Exited
        | FailureKind::UnresolvedVariable
        | FailureKind::Config
        | FailureKind::Cancelled
        | FailureKind::Internal => Vec::new(),
    };
    if let Some(proxy) = proxy {
        found.push(Cause::new(
            format!("a proxy is in the way: {proxy}"),
            &[
                "if the server can be reached directly, name its host in NO_PROXY",
                "else ask the proxy's owner to let it through",
            ],
        ));
    }
    found
}

fn unreachable(message: &str, addresses: &Result<Vec<String>, String>) -> Cause {
    let at = addresses.as_ref().ok().and_then(|a| a.first()).map_or("there", String::as_str);
    if message.contains("refused") {
        return Cause::new(
            format!("nothing listens at {at}: connection refused"),
            &[
                "start the server, and check its port (ss -ltn shows who listens)",
                "a server in a container must listen on 0.0.0.0, and its port be published",
            ],
        );
    }
    Cause::new(
        format!("no connection to {at}: {message}"),
        &["check the route and the firewalls on it", "check that the address is still the server's"],
    )
}

fn status(message: &str, url: &str) -> Vec<Cause> {
    let code = message.split("HTTP ").nth(1).and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
    let cause = match code {
        Some(404 | 410) => {
            wrong_path(format!("there is no MCP server at this path: {}", quote(message, 160)), url)
        }
        Some(405 | 501) => wrong_path(
            format!("this path takes no POST, so it is not that of an MCP server: {}", quote(message, 160)),
            url,
        ),
        Some(407) => Cause::new(
            "the proxy wants a password",
            &["put it into the proxy variable: http://USER:PASSWORD@HOST:PORT"],
        ),
        Some(429) => Cause::new(
            "the server says that it is asked too often",
            &["wait, and set rate_limiting.requests_per_minute to what it allows"],
        ),
        Some(502..=504) => Cause::new(
            format!("a gateway answers, and the server behind it does not: {}", quote(message, 160)),
            &["look at the server behind the gateway: is it up, is it slower than the gateway waits?"],
        ),
        Some(500..=599) => Cause::new(
            format!("the server failed inside: {}", quote(message, 160)),
            &["look into the server's own log"],
        ),
        Some(_) | None => wrong_path(format!("refused: {}", quote(message, 160)), url),
    };
    vec![cause]
}

fn wrong_path(cause: String, url: &str) -> Cause {
    let origin = url.split_once("://").map_or(url, |(scheme, rest)| {
        let host = rest.find(['/', '?']).unwrap_or(rest.len());
        &url[..scheme.len() + 3 + host]
    });
    let path = url[origin.len()..].split('?').next().unwrap_or_default().trim_end_matches('/');
    let usual: Vec<String> =
        PATHS.iter().filter(|p| **p != path).map(|p| format!("{}{p}", quote(origin, 200))).collect();
    Cause {
        cause,
        remedies: vec![format!("check the path; the usual ones here are {}", usual.join(" and "))],
    }
}

fn locked(facts: &Facts<'_>) -> Cause {
    let auth = &facts.outcome.auth;
    let list = |all: &[String]| all.iter().map(|s| quote(s, 120)).collect::<Vec<_>>().join(", ");
    match auth.posture {
        Posture::Oauth => {
            let issuers = match auth.authorization_servers.is_empty() {
                true => "an issuer it does not name".to_owned(),
                false => list(&auth.authorization_servers),
            };
            let scopes = match auth.scopes.is_empty() {
                true => String::new(),
                false => format!(", scopes {}", list(&auth.scopes)),
            };
            Cause::new(
                format!("it wants an OAuth access token: issuer {issuers}{scopes}"),
                &["log in with the issuer in another client, and put the token into the entry's headers: \
                     \"Authorization\": \"Bearer ${TOKEN}\""],
            )
        }
        Posture::Forbidden => Cause::new(
            "it knows who is asking, or does not care, and says no (403)",
            &["ask its owner for the right; some servers refuse by address or by Origin"],
        ),
        Posture::Bearer | Posture::None | Posture::Unknown => {
            let schemes = match auth.challenges.is_empty() {
                true => "it does not say of which kind".to_owned(),
                false => list(&auth.challenges),
            };
            Cause::new(
                format!("it wants credentials, and those it got, if any, are wrong: {schemes}"),
                &["put a token into the entry's headers: \"Authorization\": \"Bearer ${TOKEN}\""],
            )
        }
    }
}

fn distrusted(message: &str, url: &str, tls: Option<&Result<Tls, String>>, today: i64) -> Cause {
    let certificate = tls.and_then(|t| t.as_ref().ok()).and_then(|t| t.certificate.as_ref());
    let host = url.split_once("://").map_or(url, |(_, rest)| rest.split(['/', '?']).next().unwrap_or(rest));
    let low = message.to_lowercase();
    let said = |words: &[&str]| words.iter().any(|w| low.contains(w));
    let whose = |c: &Certificate| format!("{}, issued by {}", c.subject, c.issuer);
    match certificate {
        Some(c) if said(&["expired"]) || c.days_left(today) < 0 => Cause::new(
            format!("its certificate ({}) ended {} days ago", whose(c), -c.days_left(today)),
            &["let the server's owner renew it"],
        ),
        Some(c) if said(&["notvalidyet", "not valid yet", "not yet valid"]) || c.not_before > today => {
            Cause::new(
                format!("its certificate ({}) is not valid yet", whose(c)),
                &["check the clock of this machine and of the server"],
            )
        }
        Some(c) if said(&["notvalidforname", "not valid for name"]) => Cause::new(
            format!("its certificate is for {}, not for {}", c.names.join(", "), quote(host, 120)),
            &["use the name that the certificate is for, or let the server's owner get one for this name"],
        ),
        // Naming it with --ca-file does not help: an authority's certificate is not taken for a server's.
        Some(c) if c.self_signed && said(&["causedasendentity"]) => Cause::new(
            format!(
                "its certificate ({}) is self-signed, and made as an authority's, not as a server's",
                c.subject
            ),
            &[
                "let the server's owner make it anew with basicConstraints=CA:FALSE; then name it with --ca-file",
            ],
        ),
        Some(c) if c.self_signed => Cause::new(
            format!("its certificate ({}) is self-signed: nobody vouches for it", c.subject),
            &[&*format!(
                "if you trust it, save it and name it with --ca-file: openssl s_client -connect {} -showcerts",
                quote(host, 120)
            )],
        ),
        Some(c) if said(&["unknownissuer", "unknown issuer", "issuer"]) => Cause::new(
            format!("its certificate ({}) was issued by nobody this machine trusts", whose(c)),
            &[
                "name the authority's certificate with --ca-file (a company's own authority, often a proxy's)",
                "a server that leaves out an intermediate certificate looks the same: check its chain",
            ],
        ),
        _ if said(&["corrupt", "invalid message", "invalidcontenttype", "wrong version"]) => Cause::new(
            format!("what answers does not speak TLS: {message}"),
            &["say http:// instead of https://, if the server is on this machine; check the port"],
        ),
        _ if said(&[
            "certificaterequired",
            "certificate required",
            "handshakefailure",
            "handshake failure",
        ]) =>
        {
            Cause::new(
                format!("TLS was refused: {message}"),
                &[
                    "the server may want a certificate of ours: --client-cert and --client-key",
                    "or it speaks TLS 1.1 or older only, which hawkeye does not: let its owner update it",
                ],
            )
        }
        _ => Cause::new(
            format!("TLS failed: {message}"),
            &["compare with: openssl s_client -connect HOST:PORT"],
        ),
    }
}

fn timeout(facts: &Facts<'_>, message: &str) -> Cause {
    let now = |path: &str| format!("raise {path} (now {})", (facts.now)(path));
    let timing = &facts.outcome.timing;
    if message.contains("no connection in time")
        || (timing.tcp_ms.is_none() && timing.first_byte_ms.is_none())
    {
        return Cause {
            cause: "the host does not answer: packets to it are dropped, or it is down".to_owned(),
            remedies: vec![
                "check the address, the route and the firewalls on it".to_owned(),
                now("mcp_introspection.http_config.timeout.connect"),
            ],
        };
    }
    let cause = match timing.first_byte_ms {
        None => "the server takes connections and does not answer",
        Some(_) => "the server answers too slowly",
    };
    let mut remedies = vec!["look at the server: is it busy, or waiting for something itself?".to_owned()];
    remedies.push(match () {
        () if message.contains("timeout.read") => now("mcp_introspection.http_config.timeout.read"),
        () if message.contains("timeout.total") => now("mcp_introspection.http_config.timeout.total"),
        () => now("mcp_introspection.timeout"),
    });
    Cause { cause: cause.to_owned(), remedies }
}
