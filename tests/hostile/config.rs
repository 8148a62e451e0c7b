//! Target files and options that are wrong: exit 2, a message that names the place, and nothing started.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Dir, Done, TOGETHER, complete, failed, has_tools, hawkeye, head, message_has, report_problems, scan,
    start, stdio, tools,
};

/// What any refused run must be like: told on stderr with `words`, in time, without a start and without a panic.
fn refused(d: &Dir, name: &str, done: &Done, words: &[&str], problems: &mut Vec<String>) {
    let mut own = Vec::new();
    done.check(&mut own);
    if done.code != 2 {
        own.push(format!("exit code {} instead of 2, stderr {:?}", done.code, head(&done.err(), 300)));
    }
    for word in words {
        if !done.err().contains(word) {
            own.push(format!("stderr does not name {word:?}: {:?}", head(&done.err(), 300)));
        }
    }
    if !done.stdout.is_empty() {
        own.push(format!("stdout {:?}", head(&String::from_utf8_lossy(&done.stdout), 200)));
    }
    if done.err().lines().count() > 20 {
        own.push(format!("{} lines on stderr", done.err().lines().count()));
    }
    if done.took > Duration::from_secs(6) {
        own.push(format!("took {:?}", done.took));
    }
    if done.peak_kib > 80 * 1024 {
        own.push(format!("peak memory {} MiB", done.peak_kib / 1024));
    }
    if d.path("canary").exists() {
        own.push("something was started".into());
        let _ = fs::remove_file(d.path("canary"));
    }
    problems.extend(own.into_iter().map(|p| format!("{name}: {p}")));
}

/// An entry that leaves `canary` behind when it is started.
fn canary(d: &Dir) -> Value {
    stdio(d, "touch_then_honest", &[d.path("canary").to_str().unwrap()])
}

fn run(d: &Dir, file: &Path, more: &[&str]) -> Done {
    let mut c = hawkeye(d);
    c.args(["scan", "--fail-on", "never", "--format", "json", "--targets"]).arg(file).args(more);
    start(d, c).wait()
}

#[test]
fn a_file_that_cannot_be_read_starts_nothing() {
    let d = Dir::new();
    let good = json!({"mcpServers": {"s": canary(&d)}}).to_string();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin1: Vec<u8> = good.replace("\"s\"", "\"caf\u{e9}\"").chars().map(|c| c as u32 as u8).collect();
    let mut problems = Vec::new();
    let big = good.clone() + &" ".repeat(5 << 20);
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("empty.json", Vec::new()),
        ("blank.json", b" \n\n".to_vec()),
        ("broken.json", good[..good.len() - 2].into()),
        ("words.json", b"this is not a list of servers {".to_vec()),
        ("trailing.json", format!("{good} trailing").into_bytes()),
        ("twice.json", format!("{good}\n{good}").into_bytes()),
        ("utf16.json", utf16),
        ("latin1.json", latin1),
        ("nul.json", format!("{good}\0\0").into_bytes()),
        ("big.json", big.into_bytes()),
        ("scalar.json", b"42".to_vec()),
        ("servers-scalar.json", br#"{"mcpServers": 42}"#.to_vec()),
        ("deep.json", b"[".repeat(1_000_000)),
        ("deep-object.json", b"{\"mcpServers\":".repeat(100_000)),
    ];
    for (name, content) in files {
        let path = d.write(name, content);
        refused(&d, name, &run(&d, &path, &[]), &[name], &mut problems);
    }
    let huge = d.path("huge.json");
    fs::File::create(&huge).unwrap().set_len(100 << 20).unwrap();
    refused(&d, "100 MB", &run(&d, &huge, &[]), &["huge.json"], &mut problems);
    refused(&d, "missing", &run(&d, &d.path("missing.json"), &[]), &["missing.json"], &mut problems);
    fs::create_dir(d.path("folder")).unwrap();
    refused(&d, "directory", &run(&d, &d.path("folder"), &[]), &["folder"], &mut problems);
    assert!(Command::new("mkfifo").arg(d.path("fifo")).status().unwrap().success());
    refused(&d, "fifo", &run(&d, &d.path("fifo"), &[]), &["fifo"], &mut problems);
    // Bound from inside, for the path of a socket must be short.
    let short = std::env::temp_dir().join(format!("hk-{}.sock", std::process::id()));
    let socket = UnixListener::bind(&short).unwrap();
    refused(&d, "socket", &run(&d, &short, &[]), &[".sock"], &mut problems);
    drop(socket);
    fs::remove_file(short).unwrap();
    refused(&d, "device", &run(&d, Path::new("/dev/zero"), &[]), &["/dev/zero"], &mut problems);
    symlink(d.path("loop-b"), d.path("loop-a")).unwrap();
    symlink(d.path("loop-a"), d.path("loop-b")).unwrap();
    refused(&d, "link loop", &run(&d, &d.path("loop-a"), &[]), &["loop-a"], &mut problems);
    report_problems(&problems);
}

#[test]
fn one_broken_file_stops_the_good_one_beside_it() {
    let d = Dir::new();
    let good = d.write("good.json", json!({"mcpServers": {"s": canary(&d)}}).to_string());
    let broken = d.write("broken.json", "{\n  \"mcpServers\": {\n    \"x\": nope\n");
    let mut problems = Vec::new();
    let done = run(&d, &good, &["--targets", broken.to_str().unwrap()]);
    refused(&d, "second file", &done, &["broken.json", ":3"], &mut problems);
    report_problems(&problems);
}

#[test]
fn yaml_is_data_and_bounded() {
    let d = Dir::new();
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        let refs = vec![format!("*a{}", i - 1); 10].join(",");
        bomb += &format!("a{i}: &a{i} [{refs}]\n");
    }
    bomb += "mcpServers: *a11\n";
    let touch = format!("touch {}", d.path("canary").display());
    let files = [
        ("bomb.yaml", bomb),
        ("cycle.yaml", "mcpServers: &a\n  s: *a\n".into()),
        ("cycle2.yaml", "a: &a [*a]\nmcpServers: *a\n".into()),
        ("merge.yaml", "mcpServers: &a\n  <<: *a\n".into()),
        ("junk.yaml", "mcpServers: {s: [}\n\t- x\n".into()),
        ("tabs.yaml", "mcpServers:\n\ts:\n\t\tcommand: x\n".into()),
        ("anchor.yaml", "mcpServers: *nowhere\n".into()),
        ("deep.yaml", "[".repeat(200_000)),
        ("deep-block.yaml", (0..3000).map(|i| format!("{}a:\n", " ".repeat(i))).collect()),
    ];
    let mut problems = Vec::new();
    for (name, content) in files {
        let path = d.write(name, content);
        refused(&d, name, &run(&d, &path, &[]), &[name], &mut problems);
    }
    // A tag may be refused or be no more than a string; it never runs.
    let tag =
        d.write("tag.yaml", format!("mcpServers:\n  s: !!python/object/apply:os.system [\"{touch}\"]\n"));
    let done = run(&d, &tag, &[]);
    done.check(&mut problems);
    if d.path("canary").exists() || !matches!(done.code, 2 | 3) {
        problems.push(format!("tag: code {}, canary {}", done.code, d.path("canary").exists()));
    }
    report_problems(&problems);
}

#[test]
fn a_wrong_entry_is_named_and_does_not_sink_the_others() {
    let entries: Vec<(&str, Value)> = vec![
        ("args", json!({"command": "hk-none", "args": 7})),
        ("env", json!({"command": "hk-none", "args": [], "env": ["A=B"]})),
        ("command", json!({"command": 7})),
        ("url", json!({"url": ["http://127.0.0.1:1/"]})),
        ("headers", json!({"url": "http://127.0.0.1:1/", "headers": "X: y"})),
        ("timeout", json!({"command": "hk-none", "timeout": "soon"})),
        ("timeout", json!({"command": "hk-none", "timeout": -1})),
        ("timeout", json!({"command": "hk-none", "timeout": 1e308})),
        ("cwd", json!({"command": "hk-none", "cwd": 7})),
        ("type", json!({"url": "http://127.0.0.1:1/", "type": "pigeon"})),
        ("protocolVersion", json!({"command": "hk-none", "protocolVersion": "yesterday"})),
        ("comand", json!({"comand": "hk-none", "args": []})),
        ("command", json!({"args": ["x"]})),
        ("command", json!({"command": "hk-none", "url": "http://127.0.0.1:1/"})),
        ("disabled", json!({"command": "hk-none", "disabled": "perhaps"})),
        ("entry", json!(["hk-none"])),
        ("entry", json!("hk-none")),
        ("entry", Value::Null),
    ];
    let mut problems = Vec::new();
    let d = Dir::new();
    let mut servers = serde_json::Map::new();
    for (i, (_, entry)) in entries.iter().enumerate() {
        servers.insert(format!("wrong-{i}"), entry.clone());
    }
    servers.insert("honest".into(), stdio(&d, "honest", &[]));
    let file = d.write("wrong.json", json!({ "mcpServers": servers }).to_string());
    let done = run(&d, &file, &["-v"]);
    done.check(&mut problems);
    done.check_report(entries.len() + 1, &mut problems);
    for (i, (key, entry)) in entries.iter().enumerate() {
        let name = format!("wrong-{i}");
        let row = done.target(&name);
        let text = row["failure"]["message"].as_str().unwrap_or("").to_owned();
        let warned = done.err().lines().any(|l| l.contains(&name) && l.contains(key));
        if row["status"] == "complete" || !(text.contains(key) || warned) {
            problems.push(format!("{name} {entry}: {} {}", row["status"], row["failure"]));
        }
    }
    if tools(&done.target("honest")) != ["echo"] || done.code != 3 {
        problems.push(format!("the honest entry {}, code {}", done.target("honest")["failure"], done.code));
    }
    report_problems(&problems);
}

#[test]
fn a_name_given_twice_is_told() {
    let d = Dir::new();
    let one = canary(&d).to_string();
    let file = d.write(
        "double.json",
        format!("{{\"mcpServers\": {{\"s\": {one}, \"s\": {{\"command\": \"hk-none\"}}}}}}"),
    );
    let done = run(&d, &file, &[]);
    let mut problems = Vec::new();
    done.check(&mut problems);
    let both = done.report.as_ref().is_some_and(|r| r["targets"].as_array().is_some_and(|t| t.len() == 2));
    let text = done.err() + &String::from_utf8_lossy(&done.stdout);
    if done.code != 2 && !both && !(text.contains("twice") || text.contains("duplicate")) {
        problems.push(format!("one of two entries vanished, code {}: {}", done.code, head(&text, 400)));
    }
    report_problems(&problems);
}

#[test]
fn numbers_that_are_none_are_usage_errors() {
    let d = Dir::new();
    let file = d.write("good.json", json!({"mcpServers": {"s": canary(&d)}}).to_string());
    let mut problems = Vec::new();
    for (option, values) in [
        (
            "--timeout",
            &[
                "-1",
                "0",
                "nan",
                "NaN",
                "inf",
                "-inf",
                "soon",
                "",
                "18446744073709551616",
                "1e308",
                "1e-320",
                "0x10",
                "1,5",
                "-0.0",
            ] as &[&str],
        ),
        ("--max-duration", &["-1", "nan", "inf", "soon", "1e308"]),
        ("--concurrency", &["0", "-1", "many", "18446744073709551616", "1.5"]),
        ("--format", &["yaml", ""]),
        ("--protocol-version", &["2023-01-01", "latest"]),
        ("--fail-on", &["sometimes"]),
        ("--no-such-option", &["x"]),
    ] {
        for value in values {
            let done = run(&d, &file, &[option, value]);
            let word = if option == "--no-such-option" { option } else { value };
            refused(&d, &format!("{option} {value:?}"), &done, &[word], &mut problems);
        }
    }
    report_problems(&problems);
}

#[test]
fn other_bad_usage_starts_nothing() {
    let d = Dir::new();
    let file = d.write("good.json", json!({"mcpServers": {"s": canary(&d)}}).to_string());
    let mut problems = Vec::new();
    let none = d.path("none.pem").display().to_string();
    let junk = d.write("junk.pem", "-----BEGIN CERTIFICATE-----\n!!!\n").display().to_string();
    let config = d.write("bad.yaml", "mcp_introspection: [\n").display().to_string();
    for (name, args) in [
        ("no CA file", vec!["--ca-file", &none]),
        ("junk CA file", vec!["--ca-file", &junk]),
        ("certificate without key", vec!["--client-cert", &junk]),
        ("no configuration", vec!["--config", "/nonexistent/hawkeye.yaml"]),
        ("broken configuration", vec!["--config", &config]),
        ("configuration from a directory", vec!["--config", "/tmp"]),
    ] {
        refused(&d, name, &run(&d, &file, &args), &[], &mut problems);
    }
    report_problems(&problems);
}

#[test]
fn odd_but_good_files_work() {
    let d = Dir::new();
    let good = json!({"mcpServers": {"s": stdio(&d, "honest", &[])}}).to_string();
    let mut problems = Vec::new();
    d.write("bom.json", format!("\u{feff}{good}"));
    d.write("comments.jsonc", good.replacen('{', "{ // servers\n /* all */", 1).replacen("}}}", "},}}", 1));
    d.write("plain.json", &good);
    symlink(d.path("plain.json"), d.path("link.json")).unwrap();
    for name in ["bom.json", "comments.jsonc", "plain.json", "link.json"] {
        let done = run(&d, &d.path(name), &[]);
        done.check(&mut problems);
        if done.code != 0 || tools(&done.target("s")) != ["echo"] {
            problems.push(format!("{name}: code {}, {}", done.code, head(&done.err(), 300)));
        }
    }
    for (name, content) in [("none.json", r#"{"mcpServers": {}}"#), ("null.json", r#"{"mcpServers": null}"#)]
    {
        let done = run(&d, &d.write(name, content), &[]);
        done.check(&mut problems);
        if done.code != 3 || done.stderr.is_empty() {
            problems.push(format!("{name}: no target at all: code {}", done.code));
        }
    }
    report_problems(&problems);
}

#[test]
fn odd_and_equal_names_are_kept_apart() {
    let d = Dir::new();
    let mut same = stdio(&d, "honest", &["b"]);
    same["env"]["HK_OTHER"] = json!("other");
    let mut unresolved = stdio(&d, "honest", &[]);
    unresolved["env"]["HK_X"] = json!("${HK_NOT_SET_ANYWHERE}");
    let cases = vec![
        complete("", stdio(&d, "honest", &["a"])).and(has_tools(&["echo"])),
        complete("../../etc/passwd", same).and(has_tools(&["echo"])),
        complete("\u{1f600} spaces and \"quotes\"", stdio(&d, "honest", &["c"])).and(has_tools(&["echo"])),
        complete("__proto__", stdio(&d, "honest", &["d"])).and(has_tools(&["echo"])),
        failed("unresolved", unresolved, &["unresolved_variable"]).and(message_has(&["HK_NOT_SET_ANYWHERE"])),
    ];
    scan(&d, cases, TOGETHER);
}
