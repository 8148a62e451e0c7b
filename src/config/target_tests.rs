//! Target files, as they are found in the wild and as nobody should write them.

use std::time::Duration;

use crate::model::outcome::FailureKind;
use crate::model::revision::Revision;
use crate::model::target::{Command, Endpoint, Hold, HttpHint, Target};

use super::targets::Remark;
use super::targets::parse;
use super::*;

fn read_text(text: &str) -> Result<Entries, ConfigError> {
    parse(
        "f",
        text,
        &test_environment(&[
            ("TOKEN", "tok-123456"),
            ("HOST", "h.example"),
            ("DIR", "/srv/dir"),
            ("TWO", "a b"),
        ]),
    )
}

/// The only server of a file, given as the inside of its JSON entry.
fn entry(inside: &str) -> Target {
    let entries = read_text(&format!("{{\"mcpServers\": {{\"s\": {{{inside}}}}}}}")).unwrap();
    entries.targets.into_iter().next().unwrap()
}

fn command(inside: &str) -> Command {
    match entry(inside) {
        Target { endpoint: Endpoint::Stdio(c), hold: None, .. } => c,
        other => panic!("{inside}: {other:?}"),
    }
}

#[test]
fn every_format_gives_the_same_servers() {
    let json = r#"{"mcpServers": {"a": {"command": "x", "args": ["1"]}, "b": {"url": "http://h/mcp"}}}"#;
    let same = [
        json.to_owned(),
        format!("\u{feff}{json}").trim_start_matches('\u{feff}').to_owned(),
        "// c\n{ /* d */ \"mcpServers\": {\"a\": {\"command\": \"x\", \"args\": [\"1\",],}, \"b\": {\"url\": \"http://h/mcp\",},},}".to_owned(),
        json.replace("mcpServers", "servers").replace("}}}", "}}, \"inputs\": []}"),
        format!("{{\"mcp\": {}}}", json.replace("mcpServers", "servers")),
        r#"[{"name": "a", "command": "x", "args": ["1"]}, {"name": "b", "url": "http://h/mcp"}]"#.to_owned(),
        "mcpServers:\n  a:\n    command: x\n    args: [1]\n  b: {url: \"http://h/mcp\"}\n".to_owned(),
        "- name: a\n  command: x\n  args: [\"1\"]\n- name: b\n  url: http://h/mcp\n".to_owned(),
        "# list\n{mcpServers: {a: {command: x, args: [1]}, b: {url: http://h/mcp}}}".to_owned(),
        "# list\nservers:\n- {name: a, command: [x, 1]}\n- {name: b, url: http://h/mcp}\n".to_owned(),
    ];
    for text in same {
        let entries = read_text(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let names: Vec<&str> = entries.targets.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["a", "b"], "{text}");
        let view = |i: usize| entries.targets[i].view();
        assert_eq!((view(0).command.as_deref(), view(0).args), (Some("x"), Some(vec!["1".into()])), "{text}");
        assert_eq!(view(1).url.as_deref(), Some("http://h/mcp"), "{text}");
        assert_eq!(entries.warnings, [], "{text}");
    }
    let urls = read_text("# list\n\nhttp://h/mcp\n  HTTPS://b.example:8443/sse # old\nftp://x\n").unwrap();
    let names: Vec<&str> = urls.targets.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["h", "b.example:8443", "x"]);
    assert_eq!(urls.targets[1].owners[0].line, Some(4));
    assert!(matches!(&urls.targets[1].endpoint, Endpoint::Remote(r) if r.hint == HttpHint::Sse));
    assert!(matches!(&urls.targets[2].hold, Some(Hold::Broken(f)) if f.kind == FailureKind::Config));
}

#[test]
fn entries_know_their_lines() {
    let json =
        "{\n // c\n \"mcpServers\": {\n  \"a\": {\"command\": \"x\"},\n\n  \"b\": {\"command\": \"x\"}}}";
    let yaml = "mcpServers:\n\n  # c\n  a: {command: x}\n\n  \"b\":\n    command: x\n";
    let list = "\n\n\n- command: a\n\n- name: b\n  command: x\n";
    for text in [json, yaml, list] {
        let lines: Vec<_> = read_text(text).unwrap().targets.iter().map(|t| t.owners[0].line).collect();
        assert_eq!(lines, [Some(4), Some(6)], "{text}");
    }
}

#[test]
fn commands_in_all_spellings() {
    let cases: [(&str, &[&str]); 9] = [
        (r#""command": "npx""#, &["npx"]),
        (r#""command": "npx -y 'a b'""#, &["npx", "-y", "a b"]),
        (r#""command": "npx -y", "args": ["c d"]"#, &["npx", "-y", "c d"]),
        (r#""command": ["npx", "-y"], "args": [1, true]"#, &["npx", "-y", "1", "true"]),
        (r#""command": "npx", "args": null, "url": null"#, &["npx"]),
        (r#""command": "sh", "args": ["-c", "a; b | $X `c`"]"#, &["sh", "-c", "a; b | $X `c`"]),
        (r#""command": "x ${TWO}""#, &["x", "a b"]),
        (
            r#""command": "${DIR}/x", "args": ["--t=${TOKEN}", "${N:-d e}"]"#,
            &["/srv/dir/x", "--t=tok-123456", "d e"],
        ),
        (r#""command": " x "  , "type": "stdio""#, &["x"]),
    ];
    for (inside, argv) in cases {
        let c = command(inside);
        let got: Vec<&str> = std::iter::once(&c.program).chain(&c.args).map(String::as_str).collect();
        assert_eq!(got.iter().map(|s| s.trim()).collect::<Vec<_>>(), argv, "{inside}");
    }
    let dir = test_dir("a program");
    std::fs::write(dir.join("my srv"), "").unwrap();
    let path = dir.join("my srv").display().to_string();
    assert_eq!(command(&format!("\"command\": \"{path}\"")).program, path);
    std::fs::remove_dir_all(&dir).unwrap();
    let c = command(
        r#""command": "x", "env": {"A": 1, "B": true, "C": null, "D": "${TOKEN}", "E": 1.50, "F": ""}, "cwd": "${DIR}""#,
    );
    let env: Vec<(&str, &str)> = c.env.iter().map(|(n, v)| (n.as_str(), v.reveal())).collect();
    assert_eq!(env, [("A", "1"), ("B", "true"), ("D", "tok-123456"), ("E", "1.5"), ("F", "")]);
    assert_eq!(c.cwd, Some("/srv/dir".into()));
}

#[test]
fn urls_in_all_spellings() {
    use HttpHint::{Sse, Streamable};
    let cases = [
        (r#""url": "http://h/mcp""#, Streamable),
        (r#""url": "http://h/sse""#, Sse),
        (r#""serverUrl": "http://h/sse/?x=1""#, Sse),
        (r#""httpUrl": "http://h/sse""#, Streamable),
        (r#""url": "http://h/sse", "type": "http""#, Streamable),
        (r#""url": "http://h/sse", "type": "streamable-http""#, Streamable),
        (r#""url": "http://h/sse", "type": "streamableHttp""#, Streamable),
        (r#""url": "http://h/sse", "transport": "streamable_http""#, Streamable),
        (r#""url": "http://h/mcp", "type": "sse""#, Sse),
        (r#""url": "http://h/mcp", "type": "SSE", "transport": "auto""#, Sse),
        (r#""url": " http://h/mcp#x ", "type": "auto""#, Streamable),
    ];
    for (inside, hint) in cases {
        let Target { endpoint: Endpoint::Remote(r), hold: None, .. } = entry(inside) else {
            panic!("{inside}")
        };
        assert_eq!(r.hint, hint, "{inside}");
        assert!(r.url.starts_with("http://h/") && !r.url.contains('#'));
    }
    let t = entry(
        r#""url": "https://${HOST}/mcp", "headers": {"Authorization": "Bearer ${TOKEN}", "X-N": 5}, "timeout": "2.5", "protocolVersion": "2025-06-18""#,
    );
    let Endpoint::Remote(r) = &t.endpoint else { panic!() };
    assert_eq!(
        (r.url.as_str(), r.headers[0].1.reveal(), r.headers[1].1.reveal()),
        ("https://h.example/mcp", "Bearer tok-123456", "5")
    );
    assert_eq!((t.timeout, t.pin), (Some(Duration::from_millis(2500)), Some(Revision::V2025_06_18)));
    assert_eq!(t.redaction().clean("x tok-123456 y"), "x *** y");
    assert!(!format!("{t:?}").contains("tok-123456"));
}

#[test]
fn a_bad_entry_is_that_targets_failure() {
    let cases = [
        ("", "neither a command nor a url"),
        (r#""comand": "x""#, r#"neither a command nor a url (is "comand" meant to be "command"?)"#),
        (r#""urll": "x""#, r#"neither a command nor a url (is "urll" meant to be "url"?)"#),
        (r#""command": "x", "url": "http://h""#, "both a command and url: one server is reached one way"),
        (r#""url": "http://h", "httpUrl": "http://h""#, "both url and httpUrl: which one?"),
        (r#""command": """#, "command: is empty"),
        (r#""command": "  ""#, "command: is empty"),
        (r#""command": []"#, "command: is empty"),
        (r#""command": [""]"#, "command: is empty"),
        (r#""command": 5"#, "command: must be text or a list of texts"),
        (r#""command": [{}]"#, "command[0]: is a section, not text"),
        (r#""command": "x 'y""#, "command: a ' is never closed"),
        (r#""command": "x\u0000""#, "command: holds a NUL character"),
        (r#""command": "x", "args": "y""#, "args: must be a list of texts"),
        (r#""command": "x", "args": ["y", null]"#, "args[1]: is nothing, not text"),
        (r#""command": "x", "args": ["a\u0000"]"#, "args[0]: holds a NUL character"),
        (r#""command": "x", "env": []"#, "env: must be names with values, not a list"),
        (r#""command": "x", "env": {"": "1"}"#, "env: \"\" begins what is no name of a variable"),
        (r#""command": "x", "env": {"A=B": "1"}"#, "env: \"A\" begins what is no name of a variable"),
        (r#""command": "x", "env": {"A": {}}"#, "env.A: is a section, not text"),
        (r#""command": "x", "env": {"A": "b\u0000"}"#, "env.A: holds a NUL character"),
        (r#""command": "x", "cwd": 5"#, "cwd: must be the path of a directory"),
        (r#""command": "x", "type": "http""#, "the type says HTTP, but there is a command and no url"),
        (r#""url": "http://h", "type": "stdio""#, "the type says stdio, but there is a url and no command"),
        (
            r#""url": "http://h", "type": "htp""#,
            r#"type: "htp" is no transport (did you mean "http"?); stdio, http, sse and auto are"#,
        ),
        (
            r#""url": "http://h", "type": "ws""#,
            r#"type: "ws" is no transport; stdio, http, sse and auto are"#,
        ),
        (r#""url": "http://h", "type": "sse", "transport": "http""#, "type and transport disagree"),
        (r#""url": 5"#, "url: must be text"),
        (r#""url": "h/mcp""#, "url: is no URL (http://… or https://…)"),
        (r#""url": "file:///etc/passwd""#, "url: is neither http nor https"),
        (r#""url": "http://""#, "url: has no host"),
        (r#""url": "http://h\r\nX: y/""#, "url: holds white space or a control character"),
        (r#""url": "http://h", "headers": {"A B": "x"}"#, "headers: \"A B\" is no name of a header"),
        (r#""url": "http://h", "headers": {"": "x"}"#, "headers: \"\" is no name of a header"),
        (
            r#""url": "http://h", "headers": {"A": "x\r\nB: y"}"#,
            "headers.A: the value holds a line break or another control character",
        ),
        (r#""url": "http://h", "headers": {"A": "x\u0000"}"#, "headers.A: holds a NUL character"),
        (
            r#""url": "http://h", "headers": {"Host": "x"}"#,
            "headers.Host: cannot be set, hawkeye sends its own",
        ),
        (
            r#""command": "x", "timeout": 0"#,
            "timeout: 0 must be a number of seconds above 0, at most 31536000 (a year)",
        ),
        (
            r#""command": "x", "timeout": "soon""#,
            "timeout: \"soon\" must be a number of seconds above 0, at most 31536000 (a year)",
        ),
        (
            r#""command": "x", "timeout": 1e308"#,
            "timeout: 1e308 must be a number of seconds above 0, at most 31536000 (a year)",
        ),
        (
            r#""command": "x", "timeout": "nan""#,
            "timeout: \"nan\" must be a number of seconds above 0, at most 31536000 (a year)",
        ),
        (
            r#""command": "x", "protocolVersion": "2025""#,
            "protocolVersion: \"2025\" must be one of 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28",
        ),
        (
            r#""command": "x", "env": {"A": "${A:-${B}}"}"#,
            "env.A: ${A:-${B} is no reference: ${VAR}, ${VAR:-default} and ${env:VAR} are",
        ),
        (
            r#""command": "", "timeout": 0, "args": "${NO}""#,
            "args: must be a list of texts; timeout: 0 must be a number of seconds above 0, at most 31536000 (a year)",
        ),
        (r#""command": "x", "disabled": "yes""#, "disabled: \"yes\" must be true or false"),
        (r#""command": "x", "command": "y""#, "\"command\" stands there twice, in lines 1 and 1"),
    ];
    for (inside, message) in cases {
        match entry(inside) {
            Target { hold: Some(Hold::Broken(f)), endpoint: Endpoint::Unknown, .. } => {
                assert_eq!((f.kind, f.message.as_str()), (FailureKind::Config, message), "{inside}");
            }
            other => panic!("{inside}: {other:?}"),
        }
    }
    let mixed = read_text(r#"{"mcpServers": {"bad": 5, "good": {"command": "x"}}}"#).unwrap();
    assert!(matches!(&mixed.targets[0].hold, Some(Hold::Broken(f)) if f.message.contains("not a number")));
    assert_eq!(mixed.targets[1].hold, None);
}

#[test]
fn unresolved_variables_are_their_own_kind() {
    for (inside, message) in [
        (
            r#""command": "x", "env": {"K": "${NO}"}"#,
            "env.K: ${NO} is not set (set it, or write ${NO:-default})",
        ),
        (r#""url": "http://${NO}/""#, "url: ${NO} is not set (set it, or write ${NO:-default})"),
        (
            r#""url": "http://h", "headers": {"A": "Bearer ${input:k}"}"#,
            "headers.A: ${input:k} is not set (only the editor can fill it in; write the value, or ${env:VAR})",
        ),
    ] {
        let Some(Hold::Broken(f)) = entry(inside).hold else { panic!("{inside}") };
        assert_eq!((f.kind, f.message.as_str()), (FailureKind::UnresolvedVariable, message));
    }
}

#[test]
fn keys_are_ours_foreign_private_or_worth_a_warning() {
    let text = r#"{"$schema": "x", "theme": "dark", "_c": 1, "mcpServers": {
"a": {"command": "x", "autoApprove": [], "_note": 1, "arg": ["1"], "colour": 1},
"off": {"command": "x", "disabled": true}, "off2": {"command": "x", "enabled": false, "enbled": 1}}}"#;
    let e = read_text(text).unwrap();
    let lines = |r: &[Remark]| r.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        lines(&e.warnings),
        [
            "f:2:54: a: unknown key \"arg\" (did you mean \"args\"?)",
            "f:2:68: a: unknown key \"colour\"",
            "f:3:87: off2: unknown key \"enbled\" (did you mean \"enabled\"?)",
        ]
    );
    assert_eq!(
        lines(&e.notes),
        [
            "f:2:23: a: \"autoApprove\" is for other clients and has no effect here",
            "f:1:18: \"theme\" has no effect here"
        ]
    );
    let off: Vec<&str> = e.disabled.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(off, ["off", "off2"]);
    assert_eq!(e.targets.len(), 1);
}

#[test]
fn a_file_that_makes_no_sense_stops_the_run() {
    let cases = [
        ("", "f is empty: no servers to scan"),
        ("# only a comment\n", "f is empty: no servers to scan"),
        ("hello", "f:1:1: holds text, not a list of servers"),
        ("{}", "f: holds no servers: expected \"mcpServers\", \"servers\" or a list"),
        ("{\"mcpServer\": {}}", "f:1:2: unknown key \"mcpServer\" (did you mean \"mcpServers\"?)"),
        ("mcp_servers:\n  a: 1", "f:1:1: unknown key \"mcp_servers\" (did you mean \"mcpServers\"?)"),
        ("{\"mcpServers\": 5}", "f:1:2: 5 must be a list of servers"),
        ("{\"mcpServers\": {\"a\": {},\n \"a\": {}}}", "f:2:2: \"a\" stands in line 1 already"),
        ("{\"mcpServers\": {}, \"mcpServers\": {}}", "f:1:20: \"mcpServers\" stands in line 1 already"),
        ("- name: a\n- name: a\n", "f:2:3: server \"a\" stands in line 1 already"),
        ("{\"mcpServers\": {\"a\": {\"command\" \"x\"}}}", "f:1:33: expected `:`"),
        ("mcpServers:\n  a: !run x\n", "f:2:6: YAML tags (\"!name\") have no meaning here"),
        ("\u{1}", "f:"),
    ];
    for (text, message) in cases {
        let got = read_text(text).map(|e| format!("{e:?}")).unwrap_err().to_string();
        assert!(
            got == message || (message == "f:" && got.starts_with(message)),
            "{text}\n got {got}\nwant {message}"
        );
    }
    for text in ["{\"mcpServers\": {}}", "mcpServers:\n", "[]", "servers: {}"] {
        let e = read_text(text).unwrap();
        assert_eq!((e.targets.len(), e.warnings.len()), (0, 1), "{text}");
        assert!(e.warnings[0].to_string().ends_with(": no servers in it"), "{text}");
    }
}

#[test]
fn comments_among_the_servers_are_no_servers() {
    let e =
        read_text(r#"{"//": "x", "mcpServers": {"//": "x", "_why": "y", "a": {"command": "x"}}}"#).unwrap();
    let names: Vec<&str> = e.targets.iter().map(|t| t.name.as_str()).collect();
    assert_eq!((names, e.warnings, e.notes), (vec!["a"], vec![], vec![]));
}

#[test]
fn an_ordinary_value_of_a_variable_stays_readable() {
    let vars = [("PY", "python3"), ("KEYED", "k3y")];
    let text = r#"{"mcpServers": {"s": {"command": "${PY}", "env": {"API_KEY": "${KEYED}"}}}}"#;
    let e = parse("f", text, &test_environment(&vars)).unwrap();
    assert_eq!(e.targets[0].view().command.as_deref(), Some("python3"));
    assert_eq!(e.targets[0].redaction().clean("python3 k3y"), "python3 ***");
}

#[test]
fn reading_goes_through_the_file_rules() {
    let environment = test_environment(&[]);
    let run = |path: &str, input: &[u8]| read(std::path::Path::new(path), &mut &*input, &environment);
    let piped = run("-", b"http://h\n").unwrap();
    assert_eq!(piped.targets[0].owners[0].file, "standard input");
    assert_eq!(
        run("-", &vec![b'x'; 5 << 20]).unwrap_err().to_string(),
        "standard input is larger than 4 MiB"
    );
    assert_eq!(run("/", b"").unwrap_err().to_string(), "/ is a directory, not a regular file");
    assert_eq!(
        run("-", b"\xff\xfe{\0").unwrap_err().to_string(),
        "standard input is UTF-16; save it as UTF-8"
    );
}

#[test]
fn the_command_line_is_taken_literally() {
    let urls = ["http://u:p@h:1/sse".to_owned(), "nope".to_owned()];
    let process = ["/bin/my srv".to_owned(), "${TOKEN}".to_owned()];
    let t = from_command_line(&urls, &process);
    let names: Vec<&str> = t.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["h:1", "nope", "my srv"]);
    assert!(matches!(&t[0].endpoint, Endpoint::Remote(r) if r.hint == HttpHint::Sse));
    assert!(matches!(&t[1].hold, Some(Hold::Broken(_))));
    assert!(
        matches!(&t[2].endpoint, Endpoint::Stdio(c) if c.program == "/bin/my srv" && c.args == ["${TOKEN}"])
    );
    assert_eq!(from_command_line(&[], &[]), []);
}

#[test]
fn the_same_server_is_one_target_with_all_its_owners() {
    let text = r#"{"mcpServers": {
"a": {"command": "x y", "env": {"P": "1", "Q": "2"}},
"b": {"command": "x", "args": ["y"], "env": {"Q": "2", "P": "1"}, "timeout": 5},
"a2": {"command": "x y", "timeout": 7, "env": {"P": "3"}},
"a3": {"command": "x y", "timeout": 9, "env": {"P": "3"}},
"c": {"command": "x", "args": ["y"]},
"d": {"command": "x", "args": ["y"], "protocolVersion": "2025-06-18"},
"e": {"url": "http://h", "headers": {"X-A": "1"}},
"f": {"url": "HTTP://H", "headers": {"x-a": "1"}, "type": "sse"},
"g": {"url": "http://h"},
"bad1": {}, "bad2": {}}}"#;
    let targets = read_text(text).unwrap().targets;
    let again = read_text(text).unwrap().targets;
    let mut merged = merge(targets.into_iter().chain(again).collect());
    let owners: Vec<String> = merged
        .iter()
        .map(|t| t.owners.iter().map(|o| o.name.as_str()).collect::<Vec<_>>().join("+"))
        .collect();
    assert_eq!(owners, ["a+b", "a2+a3", "c", "d", "e+f", "g", "bad1", "bad2", "bad1", "bad2"]);
    assert_eq!((merged[0].name.as_str(), merged[0].timeout), ("a", None));
    assert_eq!(merged[1].timeout, Some(Duration::from_secs(9)));
    hold_stdio(&mut merged);
    let excluded = merged.iter().filter(
        |t| matches!(&t.hold, Some(Hold::Excluded(f)) if f.message == "stdio server not run: --no-stdio"),
    );
    assert_eq!(excluded.count(), 4);
}

#[test]
fn the_shipped_example_loads_without_a_remark() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/targets.example.json");
    let vars = [("GITHUB_TOKEN", "ghp_0123456789"), ("HOME", "/home/u")];
    let e = read(&path, &mut &b""[..], &test_environment(&vars)).unwrap();
    assert_eq!((e.warnings.len(), e.targets.len(), e.disabled.len()), (0, 5, 1));
    assert!(e.targets.iter().all(|t| t.hold.is_none()), "{:?}", e.targets);
}
