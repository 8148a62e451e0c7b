//! URLs as far as trust depends on them: origins, and references that a server gives.

use std::fmt;
use std::net::IpAddr;

/// Scheme, host and port: the border that credentials do not cross.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// `https` rather than `http`.
    pub secure: bool,
    /// Lower case; IPv6 in brackets.
    pub host: String,
    /// Explicit or the scheme's own.
    pub port: u16,
}

impl Origin {
    /// Whether the host is this machine, as far as its spelling tells.
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => write!(f, "{scheme}://{}", self.host),
            _ => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

/// The origin of the absolute URL `url`, and what follows it. Refuses everything a browser would have to
/// guess about: other schemes, userinfo, control characters, spaces, backslashes.
pub fn split(url: &str) -> Option<(Origin, &str)> {
    if url.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return None;
    }
    // The last colon outside brackets begins the port.
    let (host, port) = match authority.rfind(':').filter(|at| !authority[*at..].contains(']')) {
        Some(at) => (&authority[..at], authority[at + 1..].parse().ok()?),
        None => (authority, if secure { 443 } else { 80 }),
    };
    (!host.is_empty()).then(|| (Origin { secure, host: host.to_ascii_lowercase(), port }, path))
}

/// `url` without its userinfo, which may be a credential of ours.
pub fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

/// Where `reference`, given by a server at `base`, points to, if that is the same origin; else why not.
pub fn same_origin(base: &str, reference: &str) -> Result<String, &'static str> {
    let (origin, path) = split(base).ok_or("the base is no URL")?;
    if reference.is_empty() {
        return Err("empty");
    }
    if reference.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\') {
        return Err("control characters, spaces or backslashes");
    }
    if reference.contains('#') {
        return Err("a fragment");
    }
    let has_scheme = reference.split(['/', '?']).next().is_some_and(|first| first.contains(':'));
    let absolute = match reference {
        r if r.starts_with("//") => format!("{}:{r}", if origin.secure { "https" } else { "http" }),
        r if has_scheme => r.to_owned(),
        r if r.starts_with('/') => format!("{origin}{r}"),
        r if r.starts_with('?') => format!("{origin}{}{r}", path.split('?').next().unwrap_or_default()),
        r => {
            let dir = path.split(['?', '#']).next().unwrap_or_default();
            let dir = dir.rfind('/').map_or("/", |at| &dir[..=at]);
            format!("{origin}{dir}{r}")
        }
    };
    match split(&absolute) {
        Some((theirs, _)) if theirs == origin => Ok(absolute),
        Some(_) => Err("another origin"),
        None => Err("no http or https URL without userinfo"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stay_on_their_origin_or_are_refused() {
        let base = "http://Host:8080/a/sse?x=1";
        let ok = |r, want: &str| assert_eq!(same_origin(base, r).as_deref(), Ok(want), "{r}");
        ok("/messages?s=1", "http://host:8080/messages?s=1");
        ok("messages", "http://host:8080/a/messages");
        ok("?s=2", "http://host:8080/a/sse?s=2");
        ok("http://host:8080/m", "http://host:8080/m");
        ok("//HOST:8080/m", "http://HOST:8080/m");
        ok("/m:1", "http://host:8080/m:1");
        for bad in [
            "",
            "//evil/m",
            "http://evil:8080/m",
            "https://host:8080/m",
            "http://host:8080@evil/m",
            "http://host/m",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "/m#x",
            "/m\r\nX: y",
            "\\\\evil\\m",
            "/a b",
            "http:/\\evil",
        ] {
            assert!(same_origin(base, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn origins_know_default_ports_and_ipv6() {
        assert_eq!(split("https://[::1]/x").unwrap().0.to_string(), "https://[::1]");
        assert!(split("http://[::1]:80/x").unwrap().0.is_loopback());
        assert_eq!(split("http://h:99999/"), None);
        assert_eq!(without_userinfo("https://u:p@h/x@y"), "https://h/x@y");
    }
}
