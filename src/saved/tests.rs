//! Every form of a saved file, and what is wrong with some.

use super::*;
use crate::model::inventory::CoverageState;
use crate::model::outcome::Status;

fn read(text: &str) -> Vec<Outcome> {
    parse("dir/acme.json", text).unwrap()
}

/// Name, line, status and kind of failure of each.
fn gist(text: &str) -> Vec<String> {
    let one = |o: &Outcome| {
        let line = o.owners[0].line.unwrap_or(0);
        let kind = o.failure.as_ref().map_or("", |f| f.kind.name());
        format!("{}:{line} {} {kind}", o.name, o.status.name()).trim_end().to_owned()
    };
    read(text).iter().map(one).collect()
}

fn row(outcome: &Outcome, at: usize) -> (CoverageState, &str) {
    let row = &outcome.inventory.coverage[at];
    (row.state, row.reason.as_deref().unwrap_or_default())
}

#[test]
fn every_form_of_a_listing_is_read() {
    let tools = r#""tools":[{"name":"a","inputSchema":{}}]"#;
    for (text, expected) in [
        (format!("{{{tools}}}"), vec!["acme:1 complete"]),
        (format!("\n\n {{\"name\":\"mine\",{tools}}}"), vec!["mine:3 complete"]),
        (format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{{tools}}}}}"#), vec!["acme:1 complete"]),
        (format!(r#"{{"name":"n","result":{{{tools}}}}}"#), vec!["n:1 complete"]),
        (format!("[{{\"name\":\"x\",{tools}}},\n{{{tools}}}]"), vec!["x:1 complete", "acme#2:2 complete"]),
        (format!("{{\"x\":{{{tools}}},\n\"y\":{{{tools}}}}}"), vec!["x:1 complete", "y:2 complete"]),
        (format!("{{\"name\":\"x\",{tools}}}\n\n{{{tools}}}\n"), vec!["x:1 complete", "acme#3:3 complete"]),
        ("[]".to_owned(), vec![]),
    ] {
        assert_eq!(gist(&text), expected, "{text}");
    }
    assert_eq!(read(&format!("{{{tools}}}"))[0].inventory.tools[0].string("name").unwrap(), "a");
}

#[test]
fn what_is_bad_costs_itself_and_says_where() {
    let good = r#"{"name":"good","tools":[]}"#;
    for (bad, expected) in [
        ("{\"tools\": [}", "acme#2:2 failed invalid_message"),
        ("7", "acme#2:2 failed config"),
        ("{}", "acme#2:2 failed config"),
        (r#"{"tools":[],"tools":[]}"#, "acme#2:2 failed invalid_message"),
        (r#"{"id":1,"error":{"code":-32601,"message":"no"}}"#, "acme#2:2 failed rpc_error"),
        (r#"{"id":1,"result":[]}"#, "acme#2:2 failed invalid_message"),
        (r#"{"mcpServers":{}}"#, "acme#2:2 failed config"),
        (r#"{"tools":{"a":{}}}"#, "acme#2:2 failed invalid_message"),
        (r#"{"type":"target","index":0,"name":"t","status":"odd"}"#, "t:2 failed invalid_message"),
    ] {
        let all = gist(&format!("{good}\n{bad}\n{good}"));
        assert_eq!(all, ["good:1 complete", expected, "good:3 complete"], "{bad}");
    }
    assert_eq!(gist(&format!("bad\n{good}")), ["acme#1:1 failed invalid_message", "good:2 complete"]);
    let cut = read(&format!("[{good},\n{good},\n{{\"name\":"));
    assert_eq!((cut.len(), cut[2].status), (3, Status::Failed));
    let message = &cut[2].failure.as_ref().unwrap().message;
    assert!(message.starts_with("dir/acme.json:3:8: the rest is no JSON"), "{message}");
}

#[test]
fn a_file_without_a_listing_is_an_error_that_names_the_remedy() {
    for (text, why) in [
        ("", "is empty"),
        (" \n", "is empty"),
        ("7", "no listing"),
        ("{}", "no listing"),
        (r#"{"a":{"b":1}}"#, "no listing"),
        (r#"{"mcpServers":{"a":{"command":"x"}}}"#, "hawkeye scan --targets"),
        (r#"{"schema_version":2,"targets":[]}"#, "has schema_version 2"),
        ("{\n \"tools\": [", ":2:11: no JSON"),
        ("name: yaml", ":1:2: no JSON"),
        ("{\"schema_version\": 1, \"targets\": [\n  {\"name\":\"a\"},\n  {\"name\":\"b\"}", ":3:14: no JSON"),
    ] {
        let e = parse("acme.json", text).unwrap_err();
        assert!(e.read && e.to_string().starts_with("acme.json"), "{text}");
        assert!(e.to_string().contains(why), "{text}: {e}");
    }
}

#[test]
fn a_list_that_is_not_there_is_never_taken_for_an_empty_one() {
    use CoverageState::{Complete, Skipped, Truncated, Unsupported};
    let only_tools = &read(r#"{"tools":[]}"#)[0];
    assert_eq!((row(only_tools, 0), row(only_tools, 3)), ((Complete, ""), (Unsupported, "not in the file")));
    let no_tools = &read(r#"{"prompts":[{"name":"p"}]}"#)[0];
    assert_eq!((no_tools.status, row(no_tools, 0)), (Status::Partial, (Skipped, "not in the file")));
    let declared = &read(r#"{"tools":[],"capabilities":{"tools":{},"prompts":{}}}"#)[0];
    assert_eq!((declared.status, row(declared, 1).0), (Status::Partial, Unsupported));
    assert_eq!(row(declared, 3), (Skipped, "declared, and not in the file"));
    let without = &read(r#"{"prompts":[],"capabilities":{"prompts":{}}}"#)[0];
    assert_eq!((without.status, row(without, 0).0), (Status::Complete, Unsupported));
    let more = &read(r#"{"tools":[{"name":"a"}],"nextCursor":"x"}"#)[0];
    assert_eq!((more.status, row(more, 0).0), (Status::Partial, Truncated));
    assert_eq!(more.inventory.tools.len(), 1);
}

#[test]
fn items_are_tidied_like_live_ones() {
    let deep = format!(r#"{{"name":"d","inputSchema":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let text = format!(
        "{{\"tools\":[{{\"name\":\"a\",\"name\":\"b\"}},{{\"name\":\"\u{202e}x\"}},7,{deep}],\"prompts\":[]}}"
    );
    let outcome = &read(&text)[0];
    let texts: Vec<&str> = outcome.inventory.tools.iter().map(|t| t.text()).collect();
    assert_eq!(texts, [r#"{"name":"b"}"#, "{\"name\":\"\\u202ex\"}"]);
    assert_eq!(outcome.status, Status::Partial);
    assert_eq!(row(outcome, 0).1, "2 entries are not usable: the first is no JSON object");
    assert!(outcome.notes.iter().any(|n| n.code == "duplicate_keys"));
}

const TARGET: &str = r#"{"name":"files","owners":[{"file":"servers.json","line":4,"name":"files"}],"tags":["prod"],
  "transport":"http","endpoint":{"url":"https://u:***@h.example/mcp"},"status":"complete","failure":null,
  "protocol":{"version":"2025-11-25","era":"handshake"},"server":{"name":"s"},"instructions":"Be kind.",
  "capabilities":{"tools":{}},"tools":[{"name":"read"}],"resources":[],"resource_templates":[],"prompts":[],
  "coverage":[{"phase":"tools/list","state":"complete","items":9,"pages":1,"bytes":5,"ms":3.5,"reason":null},
   {"phase":"resources/list","state":"unsupported","items":0,"pages":0,"bytes":0,"ms":0,"reason":null},
   {"phase":"resources/templates/list","state":"unsupported","items":0,"pages":0,"bytes":0,"ms":0,"reason":null},
   {"phase":"prompts/list","state":"unsupported","items":0,"pages":0,"bytes":0,"ms":0,"reason":null}],
  "auth":{"posture":"bearer"},"findings":[],"notes":[],"timing":{"total_ms":212.0},"attempts":2,"cached":null,
  "worker":null,"later":{"added":true}}"#;

#[test]
fn a_report_keeps_what_it_says_but_counts_anew() {
    let text = format!(
        "{{\"targets\":[\n{TARGET}],\"run\":{{\"finished_at\":\"2026-01-02T03:04:05Z\"}},\"schema_version\":1}}"
    );
    let outcome = &read(&text)[0];
    assert_eq!((outcome.name.as_str(), outcome.attempts, outcome.timing.total_ms), ("files", 2, 212.0));
    assert_eq!(outcome.owners[0].file, "servers.json");
    assert_eq!((&outcome.tags, outcome.auth.posture), (&vec!["prod".to_owned()], Posture::Bearer));
    assert_eq!(outcome.inventory.instructions.as_deref(), Some("Be kind."));
    assert_eq!(outcome.inventory.coverage[0].items, 1);
    let saved = outcome.saved.as_ref().unwrap();
    assert_eq!((saved.file.as_str(), saved.line), ("dir/acme.json", Some(2)));
    assert_eq!(saved.learnt_at.as_deref(), Some("2026-01-02T03:04:05Z"));
    let Endpoint::Remote(remote) = target(outcome).endpoint else { panic!() };
    assert!(remote.has_credentials() && remote.url == "https://u:***@h.example/mcp");
    // One target alone is a report, too.
    assert_eq!(read(TARGET)[0].inventory, outcome.inventory);
    let lies = TARGET.replace(r#""state":"complete""#, r#""state":"failed""#);
    assert_eq!(read(&lies)[0].status, Status::Partial);
    assert_eq!(outcome.status, Status::Complete);
    let silent = TARGET.replace(r#""phase":"prompts/list""#, r#""phase":"tools/list""#);
    let why = read(&silent)[0].failure.clone().unwrap();
    assert!(why.to_string().ends_with("does not say that prompts/list ended"), "{why}");
}

#[test]
fn watched_rounds_come_out_as_they_were_at_the_end() {
    let line = |text: &str| text.replace('\n', " ");
    let target = |name: &str, tool: &str| {
        let target = TARGET.replacen("files", name, 1).replace("\"read\"", &format!("\"{tool}\""));
        line(&target.replacen('{', "{\"type\":\"target\",\"index\":0,", 1))
    };
    let run = |at: &str| format!(r#"{{"type":"run","run":{{"id":"x","started_at":"{at}"}}}}"#);
    let end = |at: &str, gone: &str| {
        format!(r#"{{"type":"summary","run":{{"finished_at":"{at}"}},"summary":{{}},"gone":[{gone}]}}"#)
    };
    let text = [
        run("1"),
        target("a", "one"),
        target("b", "one"),
        target("b", "two"),
        end("2", ""),
        run("3"),
        target("b", "three"),
        end("4", "\"a\""),
        run("5"),
        target("c", "four"),
    ]
    .join("\n");
    let all = read(&text);
    let gist: Vec<(&str, String, &str)> = all
        .iter()
        .map(|o| {
            let at = o.saved.as_ref().unwrap().learnt_at.as_deref().unwrap();
            (o.name.as_str(), o.inventory.tools[0].string("name").unwrap(), at)
        })
        .collect();
    let expected = [("b", "three", "4"), ("b", "two", "2"), ("c", "four", "5")];
    assert_eq!(gist, expected.map(|(n, t, at)| (n, t.to_owned(), at)));
}

#[test]
fn hostile_text_is_never_a_panic_and_never_lost() {
    let nested = "[".repeat(200_000);
    for text in [nested.as_str(), "[[[[1]]]]", "{\"\u{0}\":1}", "[null]", "{\"tools\":null}", "\u{feff}{}"] {
        match parse("f", text) {
            Ok(all) => assert!(!all.is_empty() && all.iter().all(|o| o.failure.is_some()), "{text:.20}"),
            Err(e) => assert!(!e.why.is_empty()),
        }
    }
    // Names with everything in them go into messages quoted by those who show them.
    let odd = "{\"\\u001b[2J\":{\"tools\":[]},\"b\":{}}";
    assert_eq!(read(odd).iter().map(|o| o.status).collect::<Vec<_>>(), [Status::Complete, Status::Failed]);
}
