//! Event streams: HTTP+SSE of 2024-11-05, and Streamable HTTP that answers in streams.

use serde_json::Value;

use crate::support::{
    Case, Dir, TOGETHER, case, complete, each, ensure, failed, has_tools, http, partial, scan, single, sse,
    token, web, within,
};

const SHORT: f64 = 4.0;

#[test]
fn endpoints_of_the_same_origin_work() {
    let d = Dir::new();
    let modes = ["sse_honest", "sse_absolute", "sse_relative", "sse_comments", "sse_odd", "sse_split"];
    let mut cases: Vec<Case> =
        modes.map(|m| complete(m, sse(m, &token(), "")).and(has_tools(&["echo"]))).into();
    // Found by falling back, without being told the transport.
    cases.push(
        complete("fallback", http("sse_honest", &token(), ""))
            .and(has_tools(&["echo"]))
            .and(|t| ensure(t["transport"] == "sse", || format!("transport {}", t["transport"]))),
    );
    for m in ["stream_honest", "stream_stays", "stream_odd", "stream_unfinished", "stream_resume"] {
        cases.push(complete(m, http(m, &token(), "")).and(has_tools(&["echo"])));
    }
    scan(&d, cases, TOGETHER);
}

#[test]
fn endpoints_elsewhere_are_refused() {
    let d = Dir::new();
    let mut tokens = Vec::new();
    let mut cases = Vec::new();
    let mut add = |what: &str, kinds, cases: &mut Vec<Case>| {
        let t = token();
        cases.push(failed(what, sse("sse_endpoint", &t, what), kinds).at_once());
        tokens.push(t);
    };
    for what in
        ["other", "scheme-relative", "userinfo", "userinfo-same", "host", "scheme", "javascript", "file"]
    {
        add(what, &["origin_refused"], &mut cases);
    }
    for what in ["backslash", "slash-backslash", "control", "space", "tab", "blank", "json", "long"] {
        let kinds: &[&str] =
            &["origin_refused", "invalid_message", "limit_exceeded", "http_status", "closed", "timeout"];
        add(what, kinds, &mut cases);
    }
    let t = token();
    let changed: &[(&str, &[&str])] = &[
        ("complete", &[]),
        ("failed", &["origin_refused", "invalid_message"]),
        ("partial", &["origin_refused", "invalid_message"]),
    ];
    cases.push(case("changes later", sse("sse_endpoint_changes", &t, ""), changed));
    tokens.push(t);
    scan(&d, cases, TOGETHER);
    for t in tokens {
        assert_eq!(web().strayed(&t), Vec::<Value>::new(), "another origin was asked");
    }
}

#[test]
fn streams_without_an_end_or_an_answer() {
    let d = Dir::new();
    let quick = |m: &str, extra: &str, kinds| {
        failed(&format!("{m} {extra}"), within(sse(m, &token(), extra), SHORT), kinds)
    };
    scan(
        &d,
        vec![
            quick("sse_no_endpoint", "", &["timeout"]),
            quick("sse_comments_only", "", &["timeout"]),
            quick("sse_post_hangs", "", &["timeout"]),
            quick("sse_closes", "", &["closed", "timeout"]),
            quick("sse_closes", "endpoint", &["closed", "timeout"]),
            failed("sse_post_refused", sse("sse_post_refused", &token(), ""), &["http_status"]),
            failed(
                "stream_early_close",
                within(http("stream_early_close", &token(), ""), 12.0),
                &["closed", "invalid_message", "timeout"],
            ),
        ],
        TOGETHER,
    );
}

#[test]
fn each_flood_alone_stays_in_bounds() {
    let table =
        ["comments", "blank", "unknown", "no-end", "line", "ids", "fields", "notes", "data", "endpoints"];
    each(
        table,
        |what| what.to_string(),
        |what| {
            let d = Dir::new();
            let kinds: &[&str] = &["limit_exceeded", "timeout"];
            scan(&d, vec![failed(what, within(sse("sse_flood", &token(), what), 6.0), kinds)], single());
        },
    );
}

#[test]
fn reconnects_are_few() {
    let d = Dir::new();
    let t = [token(), token(), token()];
    let kinds: &[&str] = &["closed", "timeout", "invalid_message", "limit_exceeded"];
    let quick = |name: &str, i: usize, extra: &str| {
        let entry = within(http("stream_retry", &t[i], extra), 6.0);
        case(name, entry, &[("failed", kinds), ("partial", kinds)])
    };
    scan(
        &d,
        vec![
            quick("storm", 0, "0"),
            quick("too long", 1, "99999999"),
            quick("overflow", 2, "99999999999999999999999999"),
        ],
        TOGETHER,
    );
    for t in t {
        let n = web().log(&t).len();
        assert!(n <= 80, "{n} requests");
    }
}

#[test]
fn odd_event_ids_are_not_sent_back() {
    let d = Dir::new();
    let rows = ["control", "tab", "long"].map(|what| (what, token()));
    let case_of =
        |(what, t): &(&str, String)| partial(what, http("stream_resume_odd", t, what), &["closed"]).at_once();
    scan(&d, rows.iter().map(case_of).collect(), TOGETHER);
    for (what, t) in rows {
        assert!(web().log(&t).iter().all(|r| r["headers"]["last-event-id"].is_null()), "{what}");
    }
}

#[test]
fn requests_in_a_stream_are_answered_or_refused() {
    let d = Dir::new();
    let t = token();
    scan(&d, vec![complete("stream_asks", http("stream_asks", &t, "")).and(has_tools(&["echo"]))], TOGETHER);
    let bodies: Vec<Value> =
        web().log(&t).iter().filter_map(|r| serde_json::from_str(r["body"].as_str()?).ok()).collect();
    let answer = |id: &str| bodies.iter().find(|b| b["id"] == id).cloned().unwrap_or(Value::Null);
    assert!(answer("q-ping")["result"].is_object(), "ping was answered {}", answer("q-ping"));
    for method in ["sampling/createMessage", "roots/list", "elicitation/create"] {
        assert_eq!(answer(&format!("q-{method}"))["error"]["code"], -32601, "{method}");
    }
}

#[test]
fn a_list_that_fails_in_a_stream_keeps_the_rest() {
    let d = Dir::new();
    scan(
        &d,
        vec![partial("list_hang", within(http("list_hang", &token(), ""), SHORT), &["timeout"])],
        TOGETHER,
    );
}
