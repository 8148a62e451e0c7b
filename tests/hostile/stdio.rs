//! What a stdio server says or does not say.

use serde_json::Value;

use crate::support::{
    Case, Dir, LISTS, TOGETHER, case, complete, each, ensure, failed, has_tools, hawkeye, message_has, named,
    partial, raw_control, report_problems, scan, single, start, state, stdio, targets_file, token, tools,
    web, within,
};

const SHORT: f64 = 4.0;

/// A mode of the server, its arguments, and what becomes of it.
type Row<'a> = (&'a str, &'a [&'a str], fn(&str, Value) -> Case);

fn modes(dir: &Dir, table: Vec<Row<'_>>) -> Vec<Case> {
    table
        .into_iter()
        .map(|(mode, extra, make)| {
            let name = if extra.is_empty() { mode.to_owned() } else { format!("{mode} {}", extra[0]) };
            make(&name, stdio(dir, mode, extra))
        })
        .collect()
}

fn never_forged(t: &Value) -> Result<(), String> {
    ensure(!tools(t).iter().any(|n| n == "forged_tool"), || "a forged tool is in the report".into())
}

fn list_not_fine(t: &Value) -> Result<(), String> {
    let fine =
        t["status"] == "complete" && tools(t).is_empty() && t["notes"].as_array().is_none_or(Vec::is_empty);
    ensure(!fine, || "counts as no tools and nothing wrong".into())
}

#[test]
fn silence_ends_at_the_deadline() {
    let d = Dir::new();
    let quick = |mode, kinds| failed(mode, within(stdio(&d, mode, &[]), SHORT), kinds);
    scan(
        &d,
        vec![
            quick("silent", &["timeout"]),
            quick("reads", &["timeout"]),
            quick("drip", &["timeout"]),
            quick("flood_progress", &["timeout"]),
            quick("closes_stdin", &["timeout", "closed"]),
            quick("only_noise", &["timeout", "invalid_message"]),
            quick("utf16", &["timeout", "invalid_message"]),
            quick("wrong_id", &["timeout", "invalid_message"]).and(never_forged),
            quick("null_id", &["timeout", "rpc_error", "invalid_message"]),
            quick("stops_itself", &["timeout"]),
            named("id_as_string", within(stdio(&d, "id_as_string", &[]), SHORT)),
            partial("list_hangs", within(stdio(&d, "list_hangs", &[]), SHORT), &["timeout"])
                .and(has_tools(&["echo"]))
                .and(|t| {
                    ensure(state(t, "prompts/list") == "failed", || "prompts/list is not `failed`".into())
                }),
            partial("pages_slow", within(stdio(&d, "pages_slow", &[]), SHORT), &["timeout"])
                .and(|t| ensure(tools(t).len() > 1, || "the pages that were read are not kept".into())),
            partial(
                "cursor_5mb_stuck",
                within(stdio(&d, "cursor_5mb_stuck", &[]), SHORT),
                &["timeout", "limit_exceeded"],
            )
            .and(has_tools(&["echo"])),
        ],
        TOGETHER,
    );
}

#[test]
fn ends_are_told_at_once() {
    let d = Dir::new();
    let at_once = |mode, kinds| failed(mode, stdio(&d, mode, &[]), kinds).at_once();
    scan(
        &d,
        vec![
            at_once("exit0", &["exited"]),
            at_once("exit3", &["exited"]).and(message_has(&["3", "cannot open"])),
            at_once("killed", &["exited"]).and(|t| {
                let text = t["failure"]["message"].as_str().unwrap_or("");
                ensure(text.contains("KILL") || text.contains('9'), || "the signal is not named".into())
            }),
            at_once("half_message", &["exited", "closed"]),
            at_once("closes_stdout", &["closed", "exited"]),
            at_once("grandchild_keeps_stdout", &["exited", "closed"]),
            at_once("daemon_then_exit", &["exited", "closed"]),
            at_once("exit_text", &["exited"]),
            partial("after_init", stdio(&d, "after_init", &[]), &["exited", "closed"]).at_once(),
            case(
                "closes_stdin_after_init",
                stdio(&d, "closes_stdin_after_init", &[]),
                &[("partial", &["closed", "exited"]), ("failed", &["closed", "exited"])],
            )
            .at_once(),
        ],
        TOGETHER,
    );
}

#[test]
fn each_flood_alone_stays_in_bounds() {
    let table = [
        ("endless_plain", &["limit_exceeded"] as &[&str]),
        ("endless_json", &["limit_exceeded"]),
        ("line200_answer", &["limit_exceeded"]),
        ("flood_notes", &["limit_exceeded", "timeout"]),
        ("flood_noise", &["limit_exceeded", "timeout", "invalid_message"]),
        ("flood_blank", &["limit_exceeded", "timeout"]),
        ("instructions20mb", &["limit_exceeded"]),
    ];
    each(
        table,
        |(mode, _)| mode.to_string(),
        |(mode, kinds)| {
            let d = Dir::new();
            scan(&d, vec![failed(mode, within(stdio(&d, mode, &[]), 8.0), kinds)], single());
        },
    );
}

/// The deepest message that is allowed must not give a report that ordinary readers refuse.
#[test]
fn the_deepest_message_gives_a_readable_report() {
    let d = Dir::new();
    scan(
        &d,
        vec![case(
            "depth127",
            stdio(&d, "depth127", &[]),
            &[("complete", &[]), ("partial", &["invalid_message", "limit_exceeded"])],
        )],
        TOGETHER,
    );
}

#[test]
fn each_fat_list_alone_stays_in_bounds() {
    let anything: &[(&str, &[&str])] = &[("complete", &[]), ("partial", &[]), ("failed", &[])];
    let oversized: &[(&str, &[&str])] = &[("partial", &["limit_exceeded"]), ("failed", &["limit_exceeded"])];
    type Table<'a> = Vec<(&'a str, &'a [(&'static str, &'static [&'static str])], u64)>;
    let table: Table = vec![
        (
            "line200_note",
            &[("complete", &[]), ("failed", &["limit_exceeded"]), ("partial", &["limit_exceeded"])],
            single(),
        ),
        ("tree24", oversized, single()),
        ("tree7", &[("partial", &[]), ("failed", &[]), ("complete", &[])], single()),
        ("tree7_inside", anything, single()),
        ("depth_arrays", &[("partial", &["invalid_message", "limit_exceeded"])], single()),
        ("pages_fat", oversized, LISTS),
        ("ping_endless", &[("partial", &["limit_exceeded", "timeout"])], single()),
        ("error3mb", &[("failed", &["rpc_error"])], single()),
        ("cursor_5mb", &[("complete", &[]), ("partial", &["limit_exceeded"])], single()),
        ("desc10mb", oversized, single()),
        ("desc7mb", &[("complete", &[]), ("partial", &["limit_exceeded"])], LISTS),
        ("tools50k", &[("complete", &[])], LISTS),
    ];
    each(
        table,
        |row| row.0.to_string(),
        |(mode, want, peak)| {
            let d = Dir::new();
            let c = case(mode, within(stdio(&d, mode, &[]), 12.0), want).and(list_not_fine);
            let done = scan(&d, vec![c], peak);
            if mode == "tools50k" {
                assert_eq!(tools(&done.target(mode)).len(), 50_000);
            }
            if mode == "error3mb" {
                assert!(done.target(mode)["failure"]["message"].as_str().unwrap().len() < 10_000);
            }
            if mode == "pages_fat" {
                let t = done.target(mode);
                assert!(!tools(&t).is_empty(), "the pages that were read are not kept");
                assert_eq!(state(&t, "tools/list"), "truncated", "a limit ended the list");
            }
        },
    );
}

#[test]
fn text_and_framing() {
    let d = Dir::new();
    let mut cases = modes(
        &d,
        vec![
            ("bom", &[], complete),
            ("crlf", &[], complete),
            ("slow", &[], complete),
            ("surrogate", &[], |n, e| case(n, e, &[("complete", &[]), ("partial", &["invalid_message"])])),
            ("surrogate_key", &[], |n, e| {
                case(n, e, &[("complete", &[]), ("partial", &["invalid_message"])])
            }),
            ("bad_utf8", &[], |n, e| case(n, e, &[("complete", &[]), ("partial", &["invalid_message"])])),
            ("name1mb", &[], complete),
            ("instructions5mb", &[], complete),
            ("properties100k", &[], complete),
            ("slow_patterns", &[], complete),
            ("stderr50mb", &[], complete),
            ("stderr_endless", &[], complete),
        ],
    );
    cases.push(named("banner", stdio(&d, "banner", &[])).and(|t| {
        let quoted =
            t["notes"].to_string().contains("Starting") || t["failure"].to_string().contains("Starting");
        ensure(quoted, || "the first stray line is not quoted".into())
    }));
    scan(&d, cases, LISTS);
}

#[test]
fn depth_numbers_and_keys() {
    let d = Dir::new();
    let bad: fn(&str, Value) -> Case = |n, e| {
        case(
            n,
            e,
            &[
                ("failed", &["invalid_message", "limit_exceeded"]),
                ("partial", &["invalid_message", "limit_exceeded"]),
            ],
        )
        .at_once()
    };
    let defined: fn(&str, Value) -> Case = |n, e| {
        case(n, e, &[("complete", &[]), ("partial", &["invalid_message", "limit_exceeded"])]).at_once()
    };
    let cases = modes(
        &d,
        vec![
            ("depth_answer", &[], bad),
            ("depth_schema", &[], bad),
            ("depth_open", &[], |n, e| {
                case(n, within(e, SHORT), &[("failed", &["invalid_message", "limit_exceeded", "timeout"])])
            }),
            ("depth110", &[], |n, e| complete(n, e).and(has_tools(&["echo"]))),
            ("dup_keys", &[], |n, e| named(n, e)),
            ("big_exponent", &[], defined),
            ("digits", &[], defined),
            ("small_digits", &[], defined),
            ("nan", &[], |n, e| case(n, within(e, SHORT), &[("partial", &["invalid_message", "timeout"])])),
        ],
    );
    scan(&d, cases, TOGETHER);
}

#[test]
fn answers_and_their_ids() {
    let d = Dir::new();
    let forged: fn(&str, Value) -> Case = |n, e| complete(n, e).and(has_tools(&["echo"])).and(never_forged);
    let wrong: fn(&str, Value) -> Case = |n, e| named(n, within(e, SHORT)).and(list_not_fine);
    let cases = modes(
        &d,
        vec![
            ("ahead", &[], forged),
            ("unknown_id", &[], forged),
            ("twice", &[], forged),
            ("out_of_order", &[], forged),
            ("batch", &[], forged),
            ("jsonrpc10", &[], |n, e| named(n, within(e, SHORT))),
            ("both", &[], wrong),
            ("neither", &[], wrong),
            ("odd_errors", &["0"], wrong),
            ("odd_errors", &["1"], wrong),
            ("odd_errors", &["2"], wrong),
            ("odd_errors", &["3"], wrong),
            ("odd_errors", &["4"], wrong),
            ("odd_errors", &["5"], wrong),
            ("odd_errors", &["6"], wrong),
            ("scalar_result", &["5"], wrong),
            ("scalar_result", &["null"], wrong),
            ("scalar_result", &["\"text\""], wrong),
            ("scalar_result", &["[]"], wrong),
            ("scalar_result", &["{}"], wrong),
        ],
    );
    scan(&d, cases, TOGETHER);
}

#[test]
fn pages_end() {
    let d = Dir::new();
    let cut: fn(&str, Value) -> Case = |n, e| {
        partial(n, e, &["limit_exceeded", "invalid_message"]).and(|t| {
            ensure(state(t, "tools/list") == "truncated", || "tools/list is not `truncated`".into())?;
            ensure(!tools(t).is_empty(), || "what was read is not kept".into())
        })
    };
    let mut cases = modes(
        &d,
        vec![
            ("cursor_same", &[], cut),
            ("cursor_cycle", &[], cut),
            ("cursor_endless", &[], cut),
            ("cursor_empty", &[], |n, e| complete(n, e).and(has_tools(&["tool1", "tool2"]))),
            ("cursor_type", &["null"], |n, e| complete(n, e).and(has_tools(&["tool1"]))),
        ],
    );
    for value in ["42", "{}", "[]", "true", "false", "0"] {
        let c = named(&format!("cursor_type {value}"), stdio(&d, "cursor_type", &[value]));
        cases.push(c.and(|t| ensure(!tools(t).is_empty(), || "the first page is not kept".into())));
    }
    scan(&d, cases, TOGETHER);
}

#[test]
fn wrong_types_are_named() {
    let d = Dir::new();
    let mut cases = Vec::new();
    for value in ["{}", "null", "\"none\"", "5", "false"] {
        let c = named(&format!("tools_value {value}"), stdio(&d, "tools_value", &[value]));
        cases.push(c.and(list_not_fine).at_once());
    }
    for value in ["{}", "[]", "null", "\"\"", "{\"tool\":[]}"] {
        let c = named(&format!("list_result {value}"), within(stdio(&d, "list_result", &[value]), 8.0));
        cases.push(c.and(list_not_fine));
    }
    cases.push(
        named("entries_mixed", stdio(&d, "entries_mixed", &[]))
            .and(|t| ensure(tools(t).iter().any(|n| n == "echo"), || "the valid entry is not kept".into())),
    );
    for value in ["\"text\"", "null", "5", "[]"] {
        let c = named(&format!("schema_value {value}"), stdio(&d, "schema_value", &[value]));
        cases.push(
            c.and(|t| ensure(tools(t).iter().any(|n| n == "fine"), || "the valid tool is not kept".into())),
        );
    }
    // A key that is there counts as declared, whatever it holds.
    for value in ["{\"tools\":7}", "{\"tools\":false}", "{\"tools\":[]}"] {
        let c = complete(&format!("caps_value {value}"), stdio(&d, "caps_value", &[value]));
        cases.push(c.and(has_tools(&["echo"])));
    }
    for value in ["[]", "\"all\"", "null", "7"] {
        cases.push(named(&format!("caps_value {value}"), stdio(&d, "caps_value", &[value])).at_once());
    }
    scan(&d, cases, TOGETHER);
}

#[test]
fn one_bad_list_leaves_the_others() {
    let d = Dir::new();
    let cases = vec![
        complete("caps_lying", stdio(&d, "caps_lying", &[])).and(has_tools(&["echo"])).and(|t| {
            ensure(state(t, "prompts/list") == "unsupported", || "prompts/list is not `unsupported`".into())
        }),
        partial("list_fails", stdio(&d, "list_fails", &[]), &["rpc_error"])
            .and(has_tools(&["echo"]))
            .and(|t| ensure(state(t, "prompts/list") == "failed", || "prompts/list is not `failed`".into())),
    ];
    scan(&d, cases, TOGETHER);
}

#[test]
fn versions_and_eras() {
    let d = Dir::new();
    let mut cases = Vec::new();
    for value in ["null", "\"banana\"", "\"2099-01-01\"", "20250326", "[]", "\"\""] {
        cases.push(named(&format!("version_value {value}"), stdio(&d, "version_value", &[value])).at_once());
    }
    for value in [
        "{}",
        "[]",
        "5",
        "null",
        "{\"supportedVersions\":\"2026-07-28\"}",
        "{\"supportedVersions\":[7,null]}",
        "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":7}",
        "{\"supportedVersions\":[]}",
    ] {
        cases
            .push(named(&format!("discover_types {value}"), stdio(&d, "discover_types", &[value])).at_once());
    }
    let era = |want: &'static str| {
        move |t: &Value| {
            ensure(t["protocol"]["era"] == want, || format!("era {}, expected {want}", t["protocol"]["era"]))
        }
    };
    for mode in ["discover_silent", "discover_crash", "discover_empty"] {
        cases.push(complete(mode, stdio(&d, mode, &[])).and(era("handshake")).and(has_tools(&["echo"])));
    }
    cases.push(
        complete("modern_honest", stdio(&d, "modern_honest", &[]))
            .and(era("stateless"))
            .and(has_tools(&["echo"])),
    );
    cases.push(
        case("discover_loop", stdio(&d, "discover_loop", &[]), &[("failed", &[]), ("partial", &[])])
            .at_once()
            .and(|t| {
                ensure(!t.to_string().contains("asked_too_often"), || "asked more than 50 times".into())
            }),
    );
    cases.push(
        case("input_required", stdio(&d, "input_required", &[]), &[("failed", &[]), ("partial", &[])]).and(
            |t| ensure(!t.to_string().contains("answered_input"), || "the input request was answered".into()),
        ),
    );
    scan(&d, cases, TOGETHER);
}

#[test]
fn requests_to_us_are_answered_or_refused() {
    let d = Dir::new();
    let storm = d.path("storm");
    let cases = vec![
        complete("asks_us", stdio(&d, "asks_us", &[])).and(|t| {
            let text = t["tools"][0]["description"].as_str().unwrap_or("");
            let got: Value = serde_json::from_str(text).unwrap_or(Value::Null);
            ensure(got["ping"] == serde_json::json!({}), || format!("ping was answered {}", got["ping"]))?;
            for method in ["sampling/createMessage", "roots/list", "elicitation/create", "evil/unknown"] {
                ensure(got[method] == -32601, || format!("{method} was answered {}", got[method]))?;
            }
            Ok(())
        }),
        case(
            "ping_flood",
            within(stdio(&d, "ping_flood", &[]), 15.0),
            &[("complete", &[]), ("partial", &["timeout", "limit_exceeded"])],
        ),
        complete("changed_storm", stdio(&d, "changed_storm", &[storm.to_str().unwrap()])),
    ];
    scan(&d, cases, TOGETHER);
    let lists = std::fs::read_to_string(storm).unwrap().lines().count();
    assert!(lists <= 3, "the list was asked {lists} times");
}

#[test]
fn nothing_a_server_names_is_fetched() {
    let d = Dir::new();
    let (t, stdio_token) = (token(), token());
    let url = format!("http://127.0.0.1:{}/honest/{stdio_token}/canary", web().port("other"));
    let cases = vec![
        complete("references", stdio(&d, "references", &[&url]))
            .and(has_tools(&["self", "loop", "net", "file"])),
        complete("references over HTTP", crate::support::http("references", &t, "")),
    ];
    scan(&d, cases, TOGETHER);
    assert_eq!(web().strayed(&t), Vec::<Value>::new());
    assert_eq!(web().log(&stdio_token), Vec::<Value>::new());
}

/// The modes whose text is made for terminals, logs and reviewers.
fn hostile_text(d: &Dir) -> Vec<Case> {
    let reason = token();
    let mut cases = modes(
        d,
        vec![
            ("ansi", &[], complete),
            ("bidi", &[], complete),
            ("forge", &[], complete),
            ("error_text", &[], |n, e| failed(n, e, &["rpc_error"])),
            ("exit_text", &[], |n, e| failed(n, e, &["exited"])),
            ("noise_text", &[], complete),
            ("exit3", &[], |n, e| failed(n, e, &["exited"])),
        ],
    );
    cases.push(failed(
        "reason",
        crate::support::http("raw_answer", &reason, "error_reason"),
        &["http_status", "invalid_message"],
    ));
    cases
}

#[test]
fn hostile_text_stays_text_in_every_format_and_log() {
    let d = Dir::new();
    scan(&d, hostile_text(&d), TOGETHER);
    for format in ["json", "table", "ndjson"] {
        let d = Dir::new();
        let mut cases = hostile_text(&d);
        cases.push(complete("evil \u{202e}\u{1b}[31m\nFORGED-LINE name", stdio(&d, "honest", &["evil"])));
        let file = targets_file(&d, &cases);
        let mut c = hawkeye(&d);
        c.args(["scan", "--format", format, "-vv", "--concurrency", "10", "--targets"]).arg(&file);
        c.env("RUST_LOG", "trace").env("TERM", "xterm-256color").env("LANG", "C");
        let done = start(&d, c).wait();
        let mut problems = Vec::new();
        done.check(&mut problems);
        for (name, bytes) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
            let text = String::from_utf8_lossy(bytes);
            if let Some(line) = text.lines().find(|l| l.trim_start().starts_with("FORGED-LINE")) {
                problems.push(format!("a forged line on {name}: {line:?}"));
            }
            let sly = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
            if let Some(line) = text.lines().find(|l| l.contains(sly)) {
                problems.push(format!(
                    "an invisible or reordering character on {name}: {:?}",
                    crate::support::head(line, 300)
                ));
            }
            if text.contains('\u{2028}') || raw_control(bytes).is_some() {
                problems.push(format!("a raw separator or control on {name}"));
            }
        }
        if format == "ndjson" {
            let text = String::from_utf8_lossy(&done.stdout);
            let kinds: Vec<String> = (text.lines())
                .map(|l| {
                    serde_json::from_str::<Value>(l)
                        .map_or_else(|e| format!("{e}: {l:?}"), |v| v["type"].as_str().unwrap_or("?").into())
                })
                .collect();
            let targets = kinds.iter().filter(|k| *k == "target").count();
            if targets != cases.len() + 1
                || kinds.first().is_none_or(|k| k != "run")
                || kinds.last().is_none_or(|k| k != "summary")
            {
                problems.push(format!("NDJSON lines: {kinds:?}"));
            }
        }
        report_problems(&problems);
    }
}
