//! What is to be scanned.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use super::outcome::{EndpointView, Failure, FailureKind, Owner, Phase};
use super::revision::Revision;
use super::secret::{
    MASK, Redaction, Secret, argument_secrets, basic_credentials, header_secrets, mask_url, name_is_secret,
    password_of, userinfo, value_is_secret,
};

/// One server to introspect, whoever asked for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Display name; not unique.
    pub name: String,
    /// Every place that names this server.
    pub owners: Vec<Owner>,
    /// What its entries say it is: `prod`, `payments`. The policy and reports go by them.
    pub tags: Vec<String>,
    /// How to reach it.
    pub endpoint: Endpoint,
    /// Its own total time, where the configuration gives one.
    pub timeout: Option<Duration>,
    /// The only revision to speak, where one is pinned.
    pub pin: Option<Revision>,
    /// Why it must not be tried; it is reported with this instead.
    pub hold: Option<Hold>,
    /// Secrets that `${VAR}` brought in, wherever they ended up.
    pub expanded: Vec<Secret>,
}

impl Target {
    /// The server at `url`. One that cannot be asked over HTTP is reported as broken, not scanned; a
    /// fragment is never sent.
    pub fn url(name: impl Into<String>, url: &str) -> Target {
        let target = Target::unknown(name);
        match check_url(url) {
            Ok(()) => {
                let (url, headers) = (without_fragment(url).to_owned(), Vec::new());
                let hint = HttpHint::of(&url);
                Target { endpoint: Endpoint::Remote(Remote { url, headers, hint }), ..target }
            }
            Err(why) => {
                let message = format!("url: {why}");
                let failure = Failure { kind: FailureKind::Config, phase: Phase::Config, message };
                Target { hold: Some(Hold::Broken(failure)), ..target }
            }
        }
    }

    /// The server that `program` with `args` is. No shell sees them.
    pub fn command(name: impl Into<String>, program: &str, args: &[String]) -> Target {
        let (program, args) = (program.to_owned(), args.to_vec());
        let command = Command { program, args, env: Vec::new(), cwd: None };
        Target { endpoint: Endpoint::Stdio(command), ..Target::unknown(name) }
    }

    /// A target without an endpoint.
    pub(crate) fn unknown(name: impl Into<String>) -> Target {
        Target {
            name: name.into(),
            owners: Vec::new(),
            tags: Vec::new(),
            endpoint: Endpoint::Unknown,
            timeout: None,
            pin: None,
            hold: None,
            expanded: Vec::new(),
        }
    }

    /// Everything to be struck out of what this target sends back.
    pub fn redaction(&self) -> Redaction {
        let mut values: Vec<String> = self.expanded.iter().map(|s| s.reveal().to_owned()).collect();
        match &self.endpoint {
            Endpoint::Stdio(command) => {
                let env = command.env.iter().filter(|(name, value)| value_is_secret(name, value.reveal()));
                values.extend(env.map(|(_, value)| value.reveal().to_owned()));
                values.extend(command.env.iter().flat_map(|(_, value)| password_of(value.reveal())));
                for (arg, ranges) in command.args.iter().zip(argument_secrets(&command.args)) {
                    values.extend(ranges.into_iter().map(|r| arg[r].to_owned()));
                }
            }
            Endpoint::Remote(remote) => {
                let headers = remote.headers.iter();
                values.extend(headers.flat_map(|(name, value)| header_secrets(name, value.reveal())));
                values.extend(password_of(&remote.url));
                values.extend(basic_credentials(&remote.url));
            }
            Endpoint::Unknown => {}
        }
        Redaction::new(values)
    }

    /// The same server as somebody sees it who has none of the credentials in its entry: no secret variable, no
    /// telling header, no user in the URL. Nothing if there are none that could be left out; those in arguments
    /// and in the path or query of a URL cannot. What is left out is still struck out of the answers.
    pub(crate) fn without_credentials(&self) -> Option<Target> {
        let mut stranger = self.clone();
        let known =
            |value: &str| self.expanded.iter().any(|s| s.reveal().len() > 2 && value.contains(s.reveal()));
        let mut left_out = Vec::new();
        match &mut stranger.endpoint {
            Endpoint::Stdio(command) => command.env.retain(|(name, value)| {
                let value_tells = value_is_secret(name, value.reveal()) || known(value.reveal());
                let secret = name_is_secret(name) || value_tells;
                left_out.extend(secret.then(|| value.clone()));
                !secret
            }),
            Endpoint::Remote(remote) => {
                remote.headers.retain(|(name, value)| {
                    let secret = name_is_secret(name) || known(value.reveal());
                    left_out.extend(secret.then(|| value.clone()));
                    !secret
                });
                if let Some((scheme, rest)) = remote.url.split_once("://")
                    && let Some(user) = userinfo(&remote.url)
                {
                    left_out.push(Secret::new(user));
                    left_out.extend(password_of(&remote.url).into_iter().map(Secret::new));
                    let host = rest.strip_prefix(user).and_then(|rest| rest.strip_prefix('@'));
                    let url = format!("{scheme}://{}", host.unwrap_or(rest));
                    remote.url = url;
                }
            }
            Endpoint::Unknown => {}
        }
        let any = !left_out.is_empty();
        stranger.expanded.extend(left_out);
        any.then_some(stranger)
    }

    /// The endpoint as it may be shown.
    pub fn view(&self) -> EndpointView {
        self.endpoint.view(&self.redaction())
    }
}

/// Why a target is reported without having been tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Hold {
    /// Its entry is unusable: status `failed`.
    Broken(Failure),
    /// The user asked not to run it: status `not_evaluated`.
    Excluded(Failure),
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Endpoint {
    /// A process that speaks over its stdin and stdout.
    Stdio(Command),
    /// A URL.
    Remote(Remote),
    /// Neither could be read from the entry; only with [`Target::hold`].
    Unknown,
}

impl Endpoint {
    /// As it may be shown: what looks secret by its place masked, and whatever else `redaction` knows.
    pub fn view(&self, redaction: &Redaction) -> EndpointView {
        let clean = |text: &str| redaction.clean(text).into_owned();
        match self {
            Endpoint::Stdio(command) => {
                let mask = |(arg, ranges): (&String, Vec<Range<usize>>)| {
                    let mut shown = arg.clone();
                    for range in ranges.into_iter().rev() {
                        shown.replace_range(range, MASK);
                    }
                    clean(&shown)
                };
                let args = command.args.iter().zip(argument_secrets(&command.args)).map(mask).collect();
                EndpointView { command: Some(clean(&command.program)), args: Some(args), url: None }
            }
            Endpoint::Remote(remote) => {
                EndpointView { url: Some(clean(&mask_url(&remote.url))), ..EndpointView::default() }
            }
            Endpoint::Unknown => EndpointView::default(),
        }
    }
}

/// Whether `url` is one that can be asked over HTTP; if not, why, without quoting it.
pub fn check_url(url: &str) -> Result<(), &'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("is no URL (http://… or https://…)");
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err("is neither http nor https");
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("holds white space or a control character");
    }
    if !url.is_ascii() {
        return Err("holds a character that must be percent-encoded, or punycode in the host");
    }
    if url.contains(['"', '<', '>', '\\', '^', '`', '{', '|', '}']) {
        return Err("holds a character that must be percent-encoded");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    check_host_port(host_port)
}

fn check_host_port(host_port: &str) -> Result<(), &'static str> {
    let (host, port) = match host_port.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("has a host with an open bracket")?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| "has no IPv6 address in its brackets")?;
            (host, port.strip_prefix(':').or((!port.is_empty()).then_some("")))
        }
        None => match host_port.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_port, None),
        },
    };
    if host.is_empty() {
        return Err("has no host");
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
    if !host.bytes().all(plain) {
        return Err("has a host with a character that no host has");
    }
    match port.map(|p| (p.bytes().all(|b| b.is_ascii_digit()), p.parse::<u16>())) {
        None | Some((true, Ok(1..))) => Ok(()),
        Some(_) => Err("has a port that is no number from 1 to 65535"),
    }
}

/// A command line. No shell ever sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Program: a path, or a name looked up in the server's `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Added to the allow-listed environment.
    pub env: Vec<(String, Secret)>,
    /// Working directory; ours where absent.
    pub cwd: Option<PathBuf>,
}

/// An HTTP endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// `http` or `https`, checked when the target was read.
    pub url: String,
    /// Sent to this URL's origin only.
    pub headers: Vec<(String, Secret)>,
    /// Which HTTP transport to try first.
    pub hint: HttpHint,
}

impl Remote {
    /// Whether requests carry anything that says who is asking.
    pub fn has_credentials(&self) -> bool {
        self.headers.iter().any(|(name, _)| name_is_secret(name))
            || userinfo(&self.url).is_some()
            || mask_url(&self.url) != self.url
    }
}

/// The configured HTTP transport: a hint for the order, never a reason not to fall back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpHint {
    /// Streamable HTTP first, then HTTP+SSE.
    Streamable,
    /// HTTP+SSE first, then Streamable HTTP.
    Sse,
}

impl HttpHint {
    /// What a URL suggests: the old transport's endpoint is customarily called `/sse`.
    pub(crate) fn of(url: &str) -> HttpHint {
        let path = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
        if path.to_ascii_lowercase().ends_with("/sse") { HttpHint::Sse } else { HttpHint::Streamable }
    }
}

/// A fragment is never sent.
pub(crate) fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(endpoint: Endpoint) -> Target {
        Target { endpoint, expanded: vec![Secret::new("from-variable")], ..Target::unknown("t") }
    }

    fn stdio(args: &[&str], env: &[(&str, &str)]) -> Target {
        target(Endpoint::Stdio(Command {
            program: "srv".into(),
            args: args.iter().map(|a| (*a).to_owned()).collect(),
            env: env.iter().map(|(n, v)| ((*n).to_owned(), Secret::new(*v))).collect(),
            cwd: None,
        }))
    }

    #[test]
    fn arguments_are_masked_by_place_and_by_value() {
        let cases: [(&[&str], &[&str]); 15] = [
            (&["--token", "abc", "x"], &["--token", "***", "x"]),
            (&["--api-key=abc"], &["--api-key=***"]),
            (&["--apiKey", "-v"], &["--apiKey", "-v"]),
            (&["-H", "Authorization: Bearer abc"], &["-H", "Authorization: ***"]),
            (&["--header", "X-Api-Key:abc"], &["--header", "X-Api-Key:***"]),
            (&["Bearer abc"], &["Bearer ***"]),
            (&["-e", "DB_PASSWORD=abc"], &["-e", "DB_PASSWORD=***"]),
            (&["postgres://u:pw@h/db"], &["postgres://u:***@h/db"]),
            (&["--dir", "/a/b", "--path=/x"], &["--dir", "/a/b", "--path=/x"]),
            (&["https://h/p?a=1&token=x"], &["https://h/p?a=1&token=***"]),
            (&["a from-variable b"], &["a *** b"]),
            (&["ghp_0123456789"], &["***"]),
            (&["--x=glpat-0123456789"], &["--x=***"]),
            (&["sk-short"], &["sk-short"]),
            (&["-p", "8080"], &["-p", "8080"]),
        ];
        for (args, shown) in cases {
            assert_eq!(stdio(args, &[]).view().args.unwrap(), shown);
        }
    }

    #[test]
    fn redaction_knows_env_headers_and_urls() {
        let env = [
            ("API_KEY", "k3y"),
            ("OTHER", "s0me-value"),
            ("LEVEL", "production"),
            ("DIR", "/srv/data"),
            ("N", "1234567"),
            ("PATH", "/usr/bin:/bin"),
        ];
        let r = stdio(&["--token", "tok3n"], &env).redaction();
        let text = "k3y s0me-value production /srv/data 1234567 /usr/bin:/bin tok3n from-variable";
        assert_eq!(r.clean(text), "*** *** production /srv/data 1234567 /usr/bin:/bin *** ***");

        let remote = target(Endpoint::Remote(Remote {
            url: "https://user:pass@h.example/mcp?code=abcd&q=0123456789abcdef&x=1".into(),
            headers: vec![
                ("Authorization".into(), Secret::new("Bearer t0k")),
                ("X-Team".into(), Secret::new("blue team")),
                ("Accept".into(), Secret::new("text/html")),
            ],
            hint: HttpHint::Streamable,
        }));
        assert_eq!(remote.view().url.unwrap(), "https://user:***@h.example/mcp?code=***&q=***&x=1");
        let r = remote.redaction();
        assert_eq!(r.clean("Bearer t0k, blue team, text/html, pass, abcd"), "***, ***, text/html, ***, ***");
        assert_eq!(r.clean("Basic dXNlcjpwYXNz"), "Basic ***");
    }

    #[test]
    fn the_password_in_a_url_variable_is_a_secret_of_its_own() {
        let r = stdio(&[], &[("DATABASE", "mysql://u:pw%40@h/d")]).redaction();
        assert_eq!(r.clean("denied: u, pw@, pw%40"), "denied: u, ***, ***");
    }

    #[test]
    fn credentials_are_headers_userinfo_and_telling_queries() {
        let has = |url: &str, header: &str| {
            let headers = vec![(header.to_owned(), Secret::new("x"))];
            Remote { url: url.into(), headers, hint: HttpHint::Streamable }.has_credentials()
        };
        assert!(!has("http://h/p?a=1", "Accept"));
        for (url, header) in [
            ("http://h", "authorization"),
            ("http://h", "Cookie"),
            ("http://h", "X-Api-Key"),
            ("http://u@h", "Accept"),
            ("http://h?token=x", "Accept"),
        ] {
            assert!(has(url, header), "{url} {header}");
        }
    }

    #[test]
    fn only_urls_that_can_be_asked_pass() {
        for good in [
            "http://h",
            "HTTPS://h/p",
            "http://127.0.0.1:80/",
            "http://[::1]:3000/mcp",
            "https://u:p@h/?q=1#f",
            "http://a_b.c-d:1",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "h",
            "ftp://h",
            "http:/h",
            "http://",
            "http:///p",
            "http://:80",
            "http://h:",
            "http://h:0",
            "http://h:65536",
            "http://h:+1",
            "http://h:a",
            "http://[::1",
            "http://[x]",
            "http://[::1]x",
            "http://h h",
            "http://h\r\nX: y",
            "http://h\u{1}",
            "http://ü",
            "http://h/{x}",
            "http://h%00",
            "http://u@",
            "file:///etc/passwd",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
