//! What a Streamable HTTP server says or does not say.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Case, Dir, SECRET, TOGETHER, case, complete, contains, each, ensure, failed, has_tools, hawkeye, http,
    message_has, named, partial, remote, report_problems, scan, scan_with, single, sse, start, token, tools,
    until, web, within,
};

const SHORT: f64 = 4.0;
/// Garbage where HTTP, JSON or MCP was due.
const GARBAGE: &[&str] = &["invalid_message", "closed", "content_type"];

fn never_forged(t: &Value) -> Result<(), String> {
    ensure(!tools(t).iter().any(|n| n == "forged_tool"), || "a forged tool is in the report".into())
}

#[test]
fn silence_ends_at_the_deadline() {
    let d = Dir::new();
    let quick = |mode: &str| failed(mode, within(http(mode, &token(), ""), SHORT), &["timeout"]);
    let port = |name: &str| {
        let url = format!("http://127.0.0.1:{}/mcp", web().port(name));
        failed(name, within(remote(&url), SHORT), &["timeout"])
    };
    // A listener that accepts nobody: its queue is filled first, so that connecting itself hangs.
    let hole = web().port("hole") as u16;
    let crowd: Vec<TcpStream> = (0..4)
        .filter_map(|_| {
            TcpStream::connect_timeout(&([127, 0, 0, 1], hole).into(), Duration::from_millis(300)).ok()
        })
        .collect();
    scan(
        &d,
        vec![
            quick("hang"),
            quick("drip"),
            quick("drip_head"),
            quick("stream_comments"),
            port("stalled"),
            failed(
                "hole",
                within(remote(&format!("http://127.0.0.1:{hole}/mcp")), SHORT),
                &["timeout", "connect_failed"],
            ),
            failed(
                "length_huge",
                within(http("length_huge", &token(), ""), SHORT),
                &["timeout", "limit_exceeded", "invalid_message"],
            ),
            partial("list_hang", within(http("list_hang", &token(), ""), SHORT), &["timeout"]),
            complete("stream_stays", http("stream_stays", &token(), "")).at_once(),
        ],
        TOGETHER,
    );
    drop(crowd);
}

#[test]
fn each_flood_alone_stays_in_bounds() {
    let table = [
        ("headers_endless", &["limit_exceeded", "invalid_message"] as &[&str]),
        ("header_endless", &["limit_exceeded", "invalid_message"]),
        ("headers_huge", &["limit_exceeded", "invalid_message"]),
        ("interim_storm", &["limit_exceeded", "invalid_message"]),
        ("interim_hints", &["limit_exceeded", "invalid_message"]),
        ("body_endless_chunks", &["limit_exceeded"]),
        ("body_endless_close", &["limit_exceeded"]),
        ("chunk_line_endless", &["limit_exceeded"]),
        ("trailer_endless", &["limit_exceeded"]),
        ("body_9mb", &["limit_exceeded"]),
        ("error_endless", &["limit_exceeded", "http_status"]),
        ("error_huge", &["limit_exceeded", "http_status", "auth_required"]),
        ("gzip_bomb", &["limit_exceeded", "invalid_message", "content_type"]),
        ("deflate_bomb", &["limit_exceeded", "invalid_message", "content_type"]),
        ("stream_flood", &["limit_exceeded", "timeout"]),
    ];
    each(
        table,
        |(mode, _)| mode.to_string(),
        |(mode, kinds)| {
            let d = Dir::new();
            scan(&d, vec![failed(mode, within(http(mode, &token(), ""), 12.0), kinds)], single());
        },
    );
}

#[test]
fn codings_that_were_not_offered() {
    let d = Dir::new();
    let t = token();
    let mut cases: Vec<Case> = ["gzip_broken", "coding_unknown", "coding_stack"]
        .map(|m| failed(m, http(m, &token(), ""), GARBAGE).at_once())
        .into();
    cases.push(
        case("gzip_unasked", http("gzip_unasked", &t, ""), &[("complete", &[]), ("failed", GARBAGE)])
            .at_once(),
    );
    scan(&d, cases, TOGETHER);
    for r in web().log(&t) {
        let offered = r["headers"]["accept-encoding"].as_str().unwrap_or("identity").to_owned();
        assert!(!offered.contains("gzip") && !offered.contains("br"), "offered {offered}");
    }
}

#[test]
fn broken_http_is_named() {
    let d = Dir::new();
    let mut cases = Vec::new();
    for what in [
        "junk_status",
        "no_status",
        "http09",
        "ssh",
        "binary",
        "status_101",
        "chunk_bad",
        "chunk_negative",
        "chunk_huge",
        "chunk_max",
        "length_negative",
        "length_junk",
        "length_overflow",
        "header_nul",
        "header_folded",
        "header_nocolon",
        "half_head",
        "half_body",
        "half_chunk",
        "control_status",
        "empty",
    ] {
        let kinds: &[&str] =
            &["invalid_message", "closed", "http_status", "limit_exceeded", "connect_failed"];
        cases.push(failed(what, http("raw_answer", &token(), what), kinds).at_once());
    }
    scan(&d, cases, TOGETHER);
}

#[test]
fn nothing_smuggled_is_believed() {
    let d = Dir::new();
    let defined: &[(&str, &[&str])] = &[("complete", &[]), ("failed", &[]), ("partial", &[])];
    let cases = ["smuggle", "length_two", "length_and_chunked", "two_answers", "wrong_id", "stream_forged"]
        .map(|m| case(m, within(http(m, &token(), ""), 8.0), defined).and(never_forged));
    let mut cases: Vec<Case> = cases.into();
    cases.push(failed("foreign id", http("wrong_id", &token(), ""), &["invalid_message"]).at_once());
    cases.push(complete("two_segments", http("two_segments", &token(), "")).and(has_tools(&["echo"])));
    cases.push(complete("notified", http("notified_stream", &token(), "")).at_once());
    cases.push(complete("http10", http("http10", &token(), "")).and(has_tools(&["echo"])));
    cases.push(complete("interim_few", http("interim_few", &token(), "")).and(has_tools(&["echo"])));
    cases.push(complete("headers_fair", http("headers_fair", &token(), "")).and(has_tools(&["echo"])));
    scan(&d, cases, TOGETHER);
}

#[test]
fn connections_that_fail() {
    let d = Dir::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = |name: &str, port: u64, kinds| {
        failed(name, remote(&format!("http://127.0.0.1:{port}/mcp")), kinds).at_once()
    };
    scan(
        &d,
        vec![
            at("refused", u64::from(free), &["connect_failed"])
                .and(message_has(&["127.0.0.1:", "connection refused"])),
            at("closing", web().port("closing"), &["closed", "connect_failed", "invalid_message"]),
            at("resetting", web().port("resetting"), &["closed", "connect_failed", "invalid_message"]),
            at("garbage", web().port("garbage"), &["invalid_message"]),
            failed(
                "reset_in_body",
                http("reset_in_body", &token(), ""),
                &["closed", "invalid_message", "connect_failed"],
            )
            .at_once(),
            failed(
                "no such host",
                remote("http://no-such-host.invalid/mcp"),
                &["name_not_found", "connect_failed"],
            ),
        ],
        TOGETHER,
    );
}

#[test]
fn wrong_content_is_never_no_tools() {
    let d = Dir::new();
    let bad = |m: &str| {
        failed(
            m,
            within(http(m, &token(), ""), 8.0),
            &["content_type", "invalid_message", "timeout", "closed"],
        )
    };
    let mut cases: Vec<Case> =
        ["login_page", "empty200", "empty200_untyped", "only204", "only202"].map(bad).into();
    for m in ["type_wrong", "type_none", "trailing"] {
        cases.push(named(m, http(m, &token(), "")));
    }
    cases.push(partial("list_html", http("list_html", &token(), ""), &["content_type", "invalid_message"]));
    scan(&d, cases, TOGETHER);
}

#[test]
fn statuses_are_told() {
    let d = Dir::new();
    let mut tokens = Vec::new();
    let mut cases = Vec::new();
    for status in
        ["400", "402", "404", "405", "406", "410", "418", "421", "500", "502", "503", "599", "600", "999"]
    {
        let t = token();
        let odd = matches!(status, "600" | "999");
        let kinds: &[&str] = if odd { &["http_status", "invalid_message"] } else { &["http_status"] };
        let c = failed(status, http("status", &t, status), kinds);
        cases.push(c.and(move |row| {
            let text = row["failure"]["message"].as_str().unwrap_or("").to_owned();
            ensure(odd || text.contains(status), || "the status is not in the message".into())
        }));
        tokens.push((status, t));
    }
    cases.push(partial("list 500", http("list_status", &token(), "500"), &["http_status"]));
    cases.push(partial("list 404", http("list_status", &token(), "404"), &["http_status", "rpc_error"]));
    scan(&d, cases, TOGETHER);
    for (status, t) in tokens {
        let log = web().log(&t);
        assert!(log.len() <= 80, "{} requests for {status}", log.len());
        let gets = log
            .iter()
            .filter(|r| r["method"] == "GET" && !r["target"].as_str().unwrap().contains("well-known"))
            .count();
        assert!(gets <= 1 + 4, "{gets} GETs for {status}");
    }
}

#[test]
fn retries_are_bounded_and_honoured() {
    let d = Dir::new();
    let t: Vec<String> = (0..8).map(|_| token()).collect();
    let busy =
        |name: &str, i: usize, extra: &str| failed(name, http("busy_always", &t[i], extra), &["http_status"]);
    let cases = vec![
        complete("once", http("busy_once", &t[0], "1")).and(has_tools(&["echo"])),
        complete("fails_once", http("fails_once", &t[1], "")).and(has_tools(&["echo"])),
        busy("99999", 2, "99999").at_once().and(message_has(&["Retry-After 99999 s is beyond"])),
        busy("junk", 3, "soon%20please"),
        busy("zero", 4, "0"),
        busy("negative", 5, "-1"),
        busy("date", 6, "Fri,%2031%20Dec%202100%2023:59:59%20GMT").at_once(),
        failed("503", http("status", &t[7], "503"), &["http_status"]),
    ];
    scan(&d, cases, TOGETHER);
    for t in &t {
        let n = web().log(t).len();
        assert!(n <= 80, "{n} requests");
    }
    let log = web().log(&t[0]);
    let initializations: Vec<f64> =
        log.iter().filter(|r| r["rpc"] == "tools/list").map(|r| r["at"].as_f64().unwrap()).collect();
    assert!(
        initializations.len() >= 2 && initializations[1] - initializations[0] > 0.9,
        "Retry-After ignored: {initializations:?}"
    );
}

#[test]
fn authorization_is_a_finding_not_a_crash() {
    let d = Dir::new();
    let mut tokens = Vec::new();
    let mut cases = Vec::new();
    for what in [
        "metadata",
        "endless",
        "basic",
        "bare",
        "garbage",
        "control",
        "negotiate",
        "foreign",
        "file",
        "shell",
        "cloud",
        "long",
    ] {
        let t = token();
        // Control bytes in a header: the whole response may count as garbage.
        let kinds: &[&str] =
            if what == "control" { &["auth_required", "invalid_message"] } else { &["auth_required"] };
        let c = failed(what, within(http("unauthorized", &t, what), 15.0), kinds);
        cases.push(c.and(move |row| {
            ensure(row["auth"]["posture"] != "none", || format!("posture {}", row["auth"]))?;
            let text = row.to_string();
            match what {
                "metadata" => ensure(text.contains("/meta") && row["auth"]["posture"] == "oauth", || {
                    format!("auth {}", row["auth"])
                }),
                "basic" => ensure(text.contains("Basic"), || format!("scheme missing in {}", row["auth"])),
                "negotiate" => {
                    ensure(text.contains("Negotiate"), || format!("scheme missing in {}", row["auth"]))
                }
                _ => Ok(()),
            }
        }));
        tokens.push(t);
    }
    let evil = token();
    cases.push(failed("evil_servers", within(http("evil_servers", &evil, ""), 15.0), &["auth_required"]));
    tokens.push(evil);
    cases.push(
        failed("forbidden", http("forbidden", &token(), ""), &["auth_required", "http_status"])
            .and(|row| ensure(row["auth"]["posture"] == "forbidden", || format!("posture {}", row["auth"]))),
    );
    scan(&d, cases, TOGETHER);
    for t in tokens {
        for r in web().log(&t) {
            let aside = r["port"] == web().port("other")
                || r["target"].as_str().unwrap().contains("/meta")
                || r["target"].as_str().unwrap().contains("well-known");
            assert!(!(aside && r.to_string().contains(SECRET)), "credentials sent to {}", r["target"]);
            assert!(
                r["port"] != web().port("other") || r["method"] == "GET",
                "a {} to another origin",
                r["method"]
            );
        }
        assert!(web().log(&t).len() <= 80);
    }
    assert!(!std::path::Path::new("/tmp/hk-owned").exists(), "a shell ran text of a server");
}

#[test]
fn redirects_leave_no_origin_and_end() {
    let d = Dir::new();
    let mut tokens = Vec::new();
    let mut cases = Vec::new();
    let mut add = |what: String, cases: &mut Vec<Case>| {
        let t = token();
        let garbage = what.ends_with("control");
        let kinds: &[&str] =
            if garbage { &["redirect_refused", "invalid_message"] } else { &["redirect_refused"] };
        let c = failed(&what, http("redirect", &t, &what), kinds).at_once();
        cases.push(c.and(never_forged));
        tokens.push(t);
    };
    for code in [301, 302, 303, 307, 308] {
        add(format!("{code}-other"), &mut cases);
    }
    for kind in [
        "loop",
        "chain",
        "file",
        "javascript",
        "closed",
        "blank",
        "long",
        "junk",
        "control",
        "relative-scheme",
        "userinfo",
        "localhost",
        "none",
    ] {
        // No target at all is as good as any other status.
        add(format!("307-{kind}"), &mut cases);
    }
    let same = [token(), token()];
    cases.push(complete("307-same", http("redirect", &same[0], "307-same")).and(has_tools(&["echo"])));
    cases.push(complete("308-same", http("redirect", &same[1], "308-same")).and(has_tools(&["echo"])));
    scan(&d, cases, TOGETHER);
    for t in &tokens {
        assert_eq!(web().strayed(t), Vec::<Value>::new(), "another origin was asked");
        let n = web().log(t).len();
        assert!(n <= 40, "{n} requests");
    }
    for r in web().log(&same[0]).iter().filter(|r| r["mode"] == "honest") {
        assert_eq!(r["method"], "POST", "307 keeps the method");
    }
}

#[test]
fn session_ids_are_refused_or_sent_back_unchanged() {
    let d = Dir::new();
    let t: Vec<String> = (0..8).map(|_| token()).collect();
    let ok_or_named: &[(&str, &[&str])] = &[
        ("complete", &[]),
        ("failed", &["invalid_message", "limit_exceeded"]),
        ("partial", &["invalid_message"]),
    ];
    let mut cases = vec![
        complete("plain", http("session", &t[0], "plain")).and(has_tools(&["echo"])),
        complete("lost once", http("session_lost", &t[1], "1")).and(has_tools(&["echo"])),
        case("lost always", http("session_lost", &t[2], "1000"), &[("partial", &[]), ("failed", &[])])
            .at_once(),
    ];
    for (i, what) in ["space", "utf8", "long", "control", "blank"].into_iter().enumerate() {
        cases.push(case(what, http("session", &t[3 + i], what), ok_or_named).at_once());
    }
    scan(&d, cases, TOGETHER);
    let initializations = |t: &str| web().log(t).iter().filter(|r| r["rpc"] == "initialize").count();
    assert!(initializations(&t[2]) <= 6, "{} new sessions", initializations(&t[2]));
    let log = web().log(&t[0]);
    let lists: Vec<&Value> = log.iter().filter(|r| r["rpc"] == "tools/list").collect();
    assert!(lists.iter().all(|r| r["headers"]["mcp-session-id"] == "s-123"), "{lists:?}");
    assert!(log.iter().any(|r| r["method"] == "DELETE"), "the session was not ended");
}

#[test]
fn proxies_of_the_environment() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let dead = format!("http://127.0.0.1:{free}");
    let silent = format!("http://127.0.0.1:{}", web().port("stalled"));
    let junk = format!("http://127.0.0.1:{}", web().port("garbage"));
    let through = |name: &str, kinds| failed(name, within(http("honest", &token(), ""), 6.0), kinds);
    type Row<'a> = (&'a str, &'a str, &'static [&'static str]);
    let socks = format!("socks5://user:{SECRET}@127.0.0.1:{free}");
    let table: [Row; 7] = [
        ("HTTP_PROXY", &dead, &["connect_failed", "timeout"]),
        ("ALL_PROXY", &dead, &["connect_failed", "timeout"]),
        ("http_proxy", &dead, &["connect_failed", "timeout"]),
        ("ALL_PROXY", &silent, &["timeout", "connect_failed"]),
        ("ALL_PROXY", &junk, &["invalid_message", "connect_failed", "closed", "timeout"]),
        ("ALL_PROXY", "://::not a proxy", &["config"]),
        ("ALL_PROXY", &socks, &["config"]),
    ];
    for (variable, proxy, kinds) in table {
        let d = Dir::new();
        let mut c = through("proxied", kinds);
        if kinds == ["config"] {
            c = c.and(message_has(&["_PROXY"])).at_once();
        }
        scan_with(&d, vec![c], TOGETHER, |c| {
            c.env(variable, proxy);
        });
        let d = Dir::new();
        scan_with(&d, vec![complete("spared", http("honest", &token(), ""))], TOGETHER, |c| {
            c.env(variable, proxy).env("NO_PROXY", "example.org, 127.0.0.1");
        });
    }
}

/// What the proxy was asked for, and how many bytes went through it.
fn proxied() -> (Vec<String>, u64) {
    let port = web().port("proxy");
    let log = web().log("connections");
    let said = || log.iter().filter(|r| r["port"] == port).filter_map(|r| r["mode"].as_str());
    let asked = said().filter(|s| !s.starts_with("moved ")).map(str::to_owned).collect();
    (asked, said().filter_map(|s| s.strip_prefix("moved ")?.parse::<u64>().ok()).sum())
}

#[test]
fn a_proxy_that_works_is_used() {
    let port = web().port("proxy");
    let good = web().port("good");
    let at = |name: &str| match name {
        "http" => http("honest", &token(), ""),
        _ => remote(&format!("https://127.0.0.1:{good}/honest/{}", token())),
    };
    let run = |spared: &str| {
        let d = Dir::new();
        let cases =
            ["http", "https"].map(|n| complete(n, within(at(n), 10.0)).and(has_tools(&["echo"]))).into();
        scan_with(&d, cases, TOGETHER, |c| {
            c.arg("--ca-file").arg(web().certificates.join("ca.pem"));
            c.env("http_proxy", format!("http://127.0.0.1:{port}"));
            c.env("HTTPS_PROXY", format!("127.0.0.1:{port}")).env("NO_PROXY", spared);
        });
    };
    run("127.0.0.1");
    assert_eq!(proxied(), (Vec::new(), 0), "NO_PROXY was not heard");
    run("example.org");
    let both = [format!("CONNECT 127.0.0.1:{}", web().port("main")), format!("CONNECT 127.0.0.1:{good}")];
    let enough = || both.iter().all(|b| proxied().0.contains(b)) && proxied().1 > 2000;
    assert!(until(Duration::from_secs(5), enough), "{:?}", proxied());
}

#[test]
fn configured_headers_cannot_break_the_request() {
    let d = Dir::new();
    let t = token();
    let url = web().url("honest", &t, "");
    let bad = |name: &str, headers: Value| {
        failed(name, json!({"url": url, "headers": headers}), &["config"]).at_once()
    };
    let odd = |name: &str, url: &str| {
        failed(name, json!({"url": url}), &["config", "name_not_found", "connect_failed"]).at_once()
    };
    let port = web().port("main");
    scan(
        &d,
        vec![
            bad("crlf", json!({"X-A": "a\r\nX-Injected: 1"})),
            bad("lf", json!({"X-A": "a\nX-Injected: 1"})),
            bad("cr", json!({"X-A": "a\rb"})),
            bad("nul", json!({"X-A": "a\u{0}b"})),
            bad("name crlf", json!({"X-A\r\nX-Injected": "1"})),
            bad("name space", json!({"X A": "1"})),
            bad("name colon", json!({"X:A": "1"})),
            bad("name empty", json!({"": "1"})),
            odd("url crlf", &format!("http://127.0.0.1:{port}/honest/{t}\r\nX-Injected: 1")),
            odd("url space", &format!("http://127.0.0.1:{port}/honest/{t} HTTP/1.1")),
            odd("url scheme", "ftp://127.0.0.1/"),
            odd("url file", "file:///etc/passwd"),
            odd("url no host", "http:///mcp"),
            odd("url port", "http://127.0.0.1:99999/mcp"),
            odd("url port zero", "http://127.0.0.1:0/mcp"),
            odd("url words", "not a url"),
            odd("url empty", ""),
            odd("url bracket", "http://[::1/mcp"),
        ],
        TOGETHER,
    );
    assert_eq!(web().log(&t), Vec::<Value>::new(), "something went out");
}

#[test]
fn a_cancelled_http_scan_is_over_soon() {
    let d = Dir::new();
    let t = token();
    let file = d.write(
        "t.json",
        json!({"mcpServers": {"h": http("hang", &t, ""), "s": sse("sse_no_endpoint", &t, "")}}).to_string(),
    );
    let mut c = hawkeye(&d);
    c.args(["scan", "--format", "json", "--timeout", "60", "--targets"]).arg(&file);
    let run = start(&d, c);
    assert!(until(Duration::from_secs(20), || web().log(&t).len() >= 2), "the targets were not asked");
    run.signal("TERM");
    let done = run.wait();
    let mut problems = Vec::new();
    done.check(&mut problems);
    done.check_report(2, &mut problems);
    if done.code != 143 || done.took > Duration::from_secs(32) {
        problems.push(format!("code {}, took {:?}", done.code, done.took));
    }
    if !contains(&done.stdout, "cancelled") {
        problems.push("no target is cancelled".into());
    }
    report_problems(&problems);
}

#[test]
fn an_endless_version_quarrel_ends() {
    let d = Dir::new();
    let t = token();
    let c = failed(
        "discover_loop",
        http("discover_loop", &t, ""),
        &["version_unsupported", "rpc_error", "http_status"],
    );
    scan(
        &d,
        vec![c.at_once(), complete("modern", http("modern", &token(), "")).and(has_tools(&["echo"]))],
        TOGETHER,
    );
    let n = web().log(&t).len();
    assert!(n <= 12, "{n} requests");
}

#[test]
fn the_error_of_a_status_names_it() {
    let d = Dir::new();
    scan(
        &d,
        vec![failed("418", http("status", &token(), "418"), &["http_status"]).and(message_has(&["418"]))],
        TOGETHER,
    );
}
