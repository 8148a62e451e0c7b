//! Outcomes and the causes, remedies and steps they come out as.

use crate::model::certificate::{Certificate, Tls};
use crate::model::inventory::{Coverage, CoverageState, List};
use crate::model::notes::Note;
use crate::model::outcome::{Failure, FailureKind, Outcome, Phase, Posture, Status, Timing, Transport};

use super::causes::{Facts, Way, causes};
use super::remedies::{measures, problems};
use super::steps::{State, steps};

const URL: &str = "https://host.example:8443/api?x=1";
const TODAY: i64 = 1_800_000_000;

fn outcome(failure: Option<(FailureKind, Phase, &str)>) -> Outcome {
    Outcome {
        transport: Some(Transport::Http),
        status: if failure.is_some() { Status::Failed } else { Status::Complete },
        failure: failure.map(|(kind, phase, message)| Failure { kind, phase, message: message.into() }),
        timing: Timing { total_ms: 10.0, tcp_ms: Some(1.0), first_byte_ms: Some(1.0), ..Timing::default() },
        attempts: 1,
        ..Outcome::unknown("t")
    }
}

fn program(name: &str) -> Way {
    let directories = vec!["/usr/bin".to_owned(), "/bin".to_owned()];
    Way::Program { name: name.into(), directories, found: Ok(format!("/usr/bin/{name}")) }
}

fn remote(tls: Option<Tls>) -> Way {
    Way::Remote {
        url: URL.into(),
        proxy: None,
        addresses: Ok(vec!["203.0.113.5:8443".into()]),
        tls: tls.map(Ok),
    }
}

fn certificate(names: &[&str], days: i64, self_signed: bool) -> Tls {
    let certificate = Certificate {
        subject: "CN=s".into(),
        issuer: if self_signed { "CN=s".into() } else { "CN=i".into() },
        names: names.iter().map(|n| (*n).to_owned()).collect(),
        not_before: TODAY - 86_400 * 1000,
        not_after: TODAY + 86_400 * days,
        self_signed,
    };
    Tls { version: "TLSv1.3".into(), cipher: "C".into(), certificate: Some(certificate), chain: 1 }
}

fn now(path: &str) -> String {
    format!("value of {path}")
}

fn facts<'a>(outcome: &'a Outcome, way: Way, is_on: &'a dyn Fn(&str) -> bool) -> Facts<'a> {
    Facts { outcome, way, pinned: None, memory_growth: 0, today: TODAY, now: &now, is_on }
}

/// Every cause and remedy of `outcome` in one text.
fn told(outcome: &Outcome, way: Way) -> String {
    let all = causes(&facts(outcome, way, &|_| true));
    all.iter().map(|c| format!("{}\n{}\n", c.cause, c.remedies.join("\n"))).collect()
}

#[test]
fn processes_that_fail_are_explained() {
    use FailureKind::*;
    let table = [
        (
            "npx",
            SpawnFailed,
            "npx: command not found (looked in /usr/bin:/bin)",
            "",
            "none of /usr/bin, /bin",
            "install Node.js",
        ),
        (
            "x",
            SpawnFailed,
            "/opt/x: no such file",
            "",
            "cannot be started: /opt/x",
            "first line may name an interpreter",
        ),
        (
            "npx",
            Exited,
            "the server ended: exit code 1",
            "npm ERR! code E404",
            "no package of that name",
            "name and version",
        ),
        (
            "uvx",
            Exited,
            "the server ended: exit code 1",
            "dns error: failed to lookup",
            "could not reach the network",
            "HTTPS_PROXY",
        ),
        (
            "node",
            Exited,
            "the server ended: exit code 1",
            "Error: Cannot find module 'zod'",
            "library that it needs",
            "npm install",
        ),
        (
            "python",
            Exited,
            "exit code 1; stderr: ModuleNotFoundError: x",
            "",
            "library that it needs",
            "virtual environment",
        ),
        (
            "x",
            Exited,
            "exit code 1",
            "BRAVE_API_KEY must be set",
            "environment variable BRAVE_API_KEY",
            "\"env\"",
        ),
        ("x", Exited, "exit code 1", "fatal: missing ERR_MODULE_X", "ended before it was asked", "by hand"),
        ("x", Exited, "the server ended: exit code 0", "", "ended before it was asked", "prints its help"),
        ("x", Exited, "the server ended: signal 9", "", "ended before", "no memory left"),
        (
            "node",
            Closed,
            "closed its stdout",
            "listen EADDRINUSE :::3000",
            "port it wants is taken",
            "by its URL",
        ),
        (
            "/usr/bin/npx",
            Timeout,
            "no answer within 30 s (raise timeout)",
            "",
            "npx downloads the server",
            "raise mcp_introspection.timeout",
        ),
        (
            "uvx",
            Timeout,
            "said nothing (raise stdio_config.process_timeout)",
            "",
            "uvx downloads",
            "raise mcp_introspection.stdio_config.process_timeout (now value of",
        ),
        (
            "srv",
            Timeout,
            "no answer",
            "Server listening on http://localhost:3000",
            "listens for HTTP",
            "give hawkeye the URL",
        ),
        ("cat", Timeout, "no answer", "", "runs and says nothing", "over stdio"),
        ("x", InvalidMessage, "answered with junk", "", "is no MCP", "MCP server over stdio"),
        (
            "x",
            VersionUnsupported,
            "speaks 2020",
            "",
            "no protocol revision in common",
            "older than the other",
        ),
        ("x", LimitExceeded, "a line of more than 8 bytes", "", "a limit was reached", "limits:"),
        ("x", RpcError, "error -32603", "", "reports an error", "own log"),
        ("x", UnresolvedVariable, "${X}", "", "variable that is not set", "cron and systemd"),
    ];
    for (name, kind, message, stderr, cause, remedy) in table {
        let mut o = outcome(Some((kind, Phase::Initialize, message)));
        o.stderr = Some(stderr.to_owned()).filter(|s| !s.is_empty());
        let told = told(&o, program(name));
        assert!(told.contains(cause) && told.contains(remedy), "{name} {message} {stderr}: {told}");
    }
}

#[test]
fn a_clue_is_a_word_and_not_letters_within_one() {
    let mut o = outcome(Some((FailureKind::Exited, Phase::Initialize, "the server ended: exit code 1")));
    o.stderr = Some("ModuleNotFoundError: No module named 'mcp'".to_owned());
    let told = told(&o, program("python3"));
    assert!(told.contains("library that it needs"), "{told}");
    assert!(!told.contains("network"), "\"enotfound\" is in it: {told}");
}

#[test]
fn a_script_that_is_not_there_is_no_library_that_is_not_there() {
    let table = [
        ("python: can't open file '/nope/server.py': [Errno 2]", "a file that it wants", "library"),
        (
            "Error: Cannot find module '/nope/server.js'\n  code: 'MODULE_NOT_FOUND'",
            "a file that it wants",
            "library",
        ),
        ("Error: Cannot find module 'zod'\nRequire stack:", "library that it needs", "a file"),
        ("Error: Cannot find module '/a/b.js' imported from /a/c.js", "library that it needs", "a file"),
        ("/usr/bin/env: ‘node’: No such file or directory", "no directory of its PATH", "a file"),
    ];
    for (stderr, cause, never) in table {
        let mut o = outcome(Some((FailureKind::Exited, Phase::Initialize, "the server ended: exit code 1")));
        o.stderr = Some(stderr.to_owned());
        let told = told(&o, program("node"));
        assert!(told.contains(cause) && !told.contains(never), "{stderr}: {told}");
    }
}

#[test]
fn servers_behind_urls_that_fail_are_explained() {
    use FailureKind::*;
    let table = [
        (
            ConnectFailed,
            "203.0.113.5:8443: connection refused",
            "nothing listens at 203.0.113.5:8443",
            "ss -ltn",
        ),
        (ConnectFailed, "Network is unreachable", "no connection to 203.0.113.5:8443", "firewalls"),
        (NameNotFound, "the host name does not resolve", "leads nowhere", "VPN"),
        (
            HttpStatus,
            "HTTP 404: nope",
            "no MCP server at this path",
            "https://host.example:8443/mcp and https://host.example:8443/sse",
        ),
        (HttpStatus, "HTTP 405", "takes no POST", "/sse"),
        (HttpStatus, "HTTP 407", "proxy wants a password", "USER:PASSWORD"),
        (HttpStatus, "HTTP 429", "asked too often", "requests_per_minute"),
        (HttpStatus, "HTTP 502: x", "gateway", "behind the gateway"),
        (HttpStatus, "HTTP 500", "failed inside", "own log"),
        (ContentType, "HTTP 200 with text/html, neither", "a web page is at", "/mcp"),
        (ContentType, "HTTP 200 with text/plain", "not the answer of an MCP server", "/mcp"),
        (RedirectRefused, "HTTP 301 for a POST, to /x", "sends its callers elsewhere", "if you trust it"),
        (OriginRefused, "endpoint http://x", "points to another origin", "reverse proxy"),
        (Timeout, "no connection in time", "does not answer: packets", "http_config.timeout.connect"),
        (
            Timeout,
            "silent for longer than http_config.timeout.read",
            "too slowly",
            "http_config.timeout.read",
        ),
        (Closed, "unexpected end", "closed before an answer", "https:// instead"),
        (InvalidMessage, "not HTTP: x", "no MCP server", "something else listens"),
    ];
    for (kind, message, cause, remedy) in table {
        let told = told(&outcome(Some((kind, Phase::Discover, message))), remote(None));
        assert!(told.contains(cause) && told.contains(remedy), "{message}: {told}");
    }
}

#[test]
fn certificates_that_are_refused_are_told_apart() {
    let table = [
        (
            Some(certificate(&["host.example"], -3, false)),
            "invalid peer certificate: Expired",
            "ended 3 days ago",
            "renew",
        ),
        (
            Some(certificate(&["a.example", "b.example"], 9, false)),
            "invalid peer certificate: NotValidForName",
            "is for a.example, b.example, not for host.example:8443",
            "use the name",
        ),
        (
            Some(certificate(&["host.example"], 9, true)),
            "invalid peer certificate: UnknownIssuer",
            "self-signed",
            "--ca-file",
        ),
        (
            Some(certificate(&["host.example"], 9, true)),
            "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
            "made as an authority's",
            "CA:FALSE",
        ),
        (
            Some(certificate(&["host.example"], 9, false)),
            "invalid peer certificate: UnknownIssuer",
            "nobody this machine trusts",
            "intermediate",
        ),
        (
            None,
            "received corrupt message of type InvalidContentType",
            "does not speak TLS",
            "http:// instead",
        ),
        (None, "received fatal alert: HandshakeFailure", "TLS was refused", "--client-cert"),
        (None, "received fatal alert: HandshakeFailure", "TLS was refused", "TLS 1.1 or older"),
        (None, "odd", "TLS failed: odd", "openssl s_client"),
    ];
    for (tls, message, cause, remedy) in table {
        let told = told(&outcome(Some((FailureKind::Tls, Phase::Connect, message))), remote(tls));
        assert!(told.contains(cause) && told.contains(remedy), "{message}: {told}");
    }
}

#[test]
fn what_is_asked_for_at_the_door_is_told_apart() {
    let of = |posture, servers: &[&str]| {
        let mut o = outcome(Some((FailureKind::AuthRequired, Phase::Discover, "HTTP 401")));
        o.auth.posture = posture;
        o.auth.authorization_servers = servers.iter().map(|s| (*s).to_owned()).collect();
        o.auth.scopes = servers.iter().map(|_| "mcp:read".to_owned()).collect();
        told(&o, remote(None))
    };
    assert!(
        of(Posture::Oauth, &["https://issuer.example"])
            .contains("issuer https://issuer.example, scopes mcp:read")
    );
    assert!(of(Posture::Bearer, &[]).contains("wants credentials"));
    assert!(of(Posture::Forbidden, &[]).contains("says no (403)"));
}

#[test]
fn a_server_that_is_well_has_no_cause_and_noise_is_one_all_the_same() {
    let mut o = outcome(None);
    assert_eq!(told(&o, program("x")), "");
    assert_eq!(told(&o, remote(None)), "");
    o.notes.push(Note { code: "noise".into(), message: "not a message on stdout: hi".into(), count: 1 });
    assert!(told(&o, program("x")).contains("prints to its stdout"));
}

#[test]
fn the_guide_s_thresholds_bring_only_remedies_that_would_change_something() {
    let mut o = outcome(None);
    assert!(problems(&facts(&o, remote(None), &|_| true)).is_empty());
    o.timing =
        Timing { total_ms: 6200.0, resolve_ms: Some(5001.0), tcp_ms: Some(1000.0), ..Timing::default() };
    let all_on = facts(&o, remote(None), &|_| true);
    assert_eq!(measures(&all_on).connection_ms, 6001.0);
    let found = problems(&all_on);
    assert_eq!(found.iter().map(|p| p.problem).collect::<Vec<_>>(), ["slow_connection", "low_throughput"]);
    assert!(
        found[0].remedies[0]
            .contains("http_config.timeout.connect (now value of mcp_introspection.http_config")
    );
    assert!(!format!("{found:?}").contains("pooling") && !format!("{found:?}").contains("enable_parallel"));
    let off = problems(&facts(&o, remote(None), &|_| false));
    assert!(format!("{off:?}").contains("enable connection pooling: pool_config.enabled"));
    assert!(format!("{off:?}").contains("enable enable_parallel_processing (now false)"));

    let much = |is_on: &dyn Fn(&str) -> bool| {
        let o = outcome(None);
        let facts = Facts { memory_growth: 65 << 20, ..facts(&o, remote(None), is_on) };
        problems(&facts).remove(0)
    };
    let caching = much(&|path| path.ends_with("enable_result_caching"));
    assert_eq!((caching.problem, caching.measured.as_str()), ("high_memory", "65.0 MiB for this one target"));
    assert_eq!(caching.remedies.len(), 4, "{caching:?}");
    let streaming = much(&|path| path.ends_with("stream_results") || path.ends_with("memory_optimization"));
    assert_eq!(streaming.remedies.len(), 1, "{streaming:?}");
}

#[test]
fn the_way_ends_where_it_failed() {
    use FailureKind::*;
    let states = |failure, timing, way: Way| {
        let mut o = outcome(failure);
        o.timing = timing;
        let all = steps(&facts(&o, way, &|_| true));
        all.iter().map(|s| (s.step, s.state)).collect::<Vec<_>>()
    };
    let (ok, failed, not) = (State::Ok, State::Failed, State::NotReached);
    let way = |resolve, connect, tls, first, hands| {
        vec![
            ("resolve", resolve),
            ("connect", connect),
            ("tls", tls),
            ("first byte", first),
            ("handshake", hands),
        ]
    };
    let at = |tcp: Option<f64>, tls: Option<f64>, first: Option<f64>| Timing {
        tcp_ms: tcp,
        tls_ms: tls,
        first_byte_ms: first,
        ..Timing::default()
    };
    let table = [
        (NameNotFound, "", at(None, None, None), way(failed, not, not, not, not)),
        (
            Timeout,
            "the host name was not resolved in time",
            at(None, None, None),
            way(failed, not, not, not, not),
        ),
        (ConnectFailed, "", at(Some(1.0), None, None), way(ok, failed, not, not, not)),
        (Timeout, "no connection in time", at(Some(1.0), None, None), way(ok, failed, not, not, not)),
        (Timeout, "no connection in time", at(Some(1.0), Some(2.0), None), way(ok, ok, failed, not, not)),
        (Tls, "", at(Some(1.0), Some(2.0), None), way(ok, ok, failed, not, not)),
        (Timeout, "no answer", at(Some(1.0), Some(2.0), None), way(ok, ok, ok, failed, not)),
        (HttpStatus, "HTTP 404", at(Some(1.0), Some(2.0), Some(3.0)), way(ok, ok, ok, ok, failed)),
    ];
    for (kind, message, timing, expected) in table {
        assert_eq!(
            states(Some((kind, Phase::Discover, message)), timing, remote(None)),
            expected,
            "{message}"
        );
    }
    let slow = states(None, at(Some(5001.0), Some(2.0), Some(2001.0)), remote(None));
    assert_eq!(slow, way(ok, State::Slow, ok, State::Slow, ok));
}

#[test]
fn a_list_that_failed_is_shown_with_its_reason() {
    let mut o = outcome(None);
    let row = |phase, state, reason: Option<&str>| Coverage {
        phase,
        state,
        items: 3,
        pages: 1,
        bytes: 9,
        ms: 1.0,
        reason: reason.map(str::to_owned),
    };
    o.inventory.coverage = vec![
        row(List::Tools, CoverageState::Complete, None),
        row(List::Resources, CoverageState::Failed, Some("error -32603")),
        row(List::Prompts, CoverageState::Unsupported, None),
    ];
    let all = steps(&facts(&o, program("x"), &|_| true));
    let shown: Vec<_> = all[3..].iter().map(|s| (s.state, s.items, s.detail.as_str())).collect();
    assert_eq!(
        shown,
        [
            (State::Ok, Some(3), ""),
            (State::Failed, Some(3), "error -32603"),
            (State::Ok, None, "not offered")
        ]
    );
}
