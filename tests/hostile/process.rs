//! Servers as processes: what they leave behind, what they are given, how starting them fails.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{
    Case, Dir, SECRET, TOGETHER, complete, contains, ensure, failed, has_tools, hawkeye, message_has, python,
    report_problems, scan, scan_with, settle, start, stdio, targets_file, within,
};

#[test]
fn whole_trees_are_ended() {
    let d = Dir::new();
    let fine = |mode| complete(mode, stdio(&d, mode, &[])).and(has_tools(&["echo"]));
    scan(
        &d,
        vec![
            fine("ignores_term"),
            fine("stops_after_list"),
            fine("grandchild_after_list"),
            fine("children60"),
            fine("daemon_keeps"),
            fine("daemon_closes"),
            failed("daemon_then_silent", within(stdio(&d, "daemon_then_silent", &[]), 4.0), &["timeout"]),
            failed("daemon_then_exit", stdio(&d, "daemon_then_exit", &[]), &["exited", "closed"]).at_once(),
            failed(
                "grandchild_keeps_stdout",
                stdio(&d, "grandchild_keeps_stdout", &[]),
                &["exited", "closed"],
            )
            .at_once(),
        ],
        TOGETHER,
    );
}

#[test]
fn a_chain_of_forks_is_ended() {
    let d = Dir::new();
    scan(&d, vec![complete("fork_chain", stdio(&d, "fork_chain", &[])).and(has_tools(&["echo"]))], TOGETHER);
}

#[test]
fn what_cannot_be_started_is_told_at_once() {
    let d = Dir::new();
    let script = |name: &str, content: &[u8], mode: u32| {
        let path = d.write(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let no_exec = script("no-exec", b"#!/bin/sh\n", 0o644);
    let bad_elf = script("bad-elf", b"\x7fELF\x02\x01\x01junk", 0o755);
    let bad_interpreter = script("bad-interpreter", b"#!/nonexistent/interpreter\n", 0o755);
    let empty_file = script("empty-file", b"", 0o755);
    let spawn = |name: &str, entry: Value| failed(name, entry, &["spawn_failed"]).at_once();
    let either = |name: &str, entry: Value| failed(name, entry, &["spawn_failed", "config"]).at_once();
    let mut no_cwd = stdio(&d, "honest", &[]);
    no_cwd["cwd"] = json!("/nonexistent/directory");
    let mut cwd_file = stdio(&d, "honest", &[]);
    cwd_file["cwd"] = json!(no_exec);
    let with_env = |key: &str, value: &str| {
        let mut e = stdio(&d, "honest", &[]);
        e["env"][key] = json!(value);
        e
    };
    scan(
        &d,
        vec![
            spawn("missing", json!({"command": "/nonexistent/server", "args": []}))
                .and(message_has(&["/nonexistent/server"])),
            spawn("missing name", json!({"command": "hk-no-such-program", "args": ["x"]}))
                .and(message_has(&["hk-no-such-program"])),
            spawn("not executable", json!({"command": no_exec, "args": []}))
                .and(message_has(&["no-exec", "xecut"])),
            spawn("directory", json!({"command": "/tmp", "args": []})),
            spawn("bad elf", json!({"command": bad_elf, "args": []})),
            spawn("bad interpreter", json!({"command": bad_interpreter, "args": []})),
            failed("empty file", json!({"command": empty_file, "args": []}), &["spawn_failed", "exited"])
                .at_once(),
            either("empty", json!({"command": "", "args": []})),
            either("blank", json!({"command": "   ", "args": []})),
            either("nul", json!({"command": "a\u{0}b", "args": []})),
            either("nul in args", json!({"command": python(), "args": ["a\u{0}b"]})),
            spawn("too big", json!({"command": python(), "args": ["-c", "x".repeat(1 << 20)]})),
            spawn("no cwd", no_cwd).and(message_has(&["/nonexistent/directory"])),
            spawn("cwd is a file", cwd_file),
            either("env name with =", with_env("A=B", "value")),
            either("env name empty", with_env("", "value")),
            either("env name with nul", with_env("A\u{0}B", "value")),
            either("env value with nul", with_env("HK_X", "a\u{0}b")),
        ],
        TOGETHER,
    );
}

#[test]
fn no_shell_sees_command_or_arguments() {
    let d = Dir::new();
    let canary = d.path("canary");
    let touch = format!("touch {}", canary.display());
    let texts = [
        format!("; {touch}"),
        format!("$({touch})"),
        format!("`{touch}`"),
        format!("| {touch} &"),
        "*".into(),
        "~".into(),
        "$HOME".into(),
        "".into(),
        "-".into(),
    ];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut verbatim = stdio(&d, "shows_args", &texts);
    let sent: Vec<Value> = verbatim["args"].as_array().unwrap()[5..].to_vec();
    verbatim["env"] = json!({});
    let check = move |t: &Value| {
        let got: Vec<Value> =
            serde_json::from_str(t["tools"][0]["description"].as_str().unwrap_or("")).unwrap_or_default();
        ensure(got == sent, || format!("arguments {got:?}, expected {sent:?}"))
    };
    let as_argv = |command: String| json!({"command": [command], "args": []});
    scan(
        &d,
        vec![
            complete("arguments", verbatim).and(check),
            failed("substitution", as_argv(format!("$({touch})")), &["spawn_failed"]),
            failed("sequence", as_argv(format!("true; {touch}")), &["spawn_failed"]),
            failed("backquote", as_argv(format!("`{touch}`")), &["spawn_failed"]),
            failed("and", json!({"command": format!("hk-none && {touch}")}), &["spawn_failed"]),
        ],
        TOGETHER,
    );
    assert!(!canary.exists(), "a shell ran");
}

#[test]
fn servers_get_little_environment_and_three_descriptors() {
    let d = Dir::new();
    let mut cases: Vec<Case> = (0..20)
        .map(|i| {
            complete(&format!("fds{i}"), stdio(&d, "shows_descriptors", &[&i.to_string()])).and(|t| {
                let got = t["tools"][0]["description"].as_str().unwrap_or("").to_owned();
                ensure(got == "[0, 1, 2]", || format!("descriptors {got}"))
            })
        })
        .collect();
    cases.push(complete("environment", stdio(&d, "shows_environment", &[])).and(|t| {
        let names: Vec<String> =
            serde_json::from_str(t["tools"][0]["description"].as_str().unwrap_or("")).unwrap_or_default();
        for given in ["HK_MARK", "HK_SECRET", "PATH", "HOME"] {
            ensure(names.iter().any(|n| n == given), || format!("{given} is missing in {names:?}"))?;
        }
        for kept in ["HK_CANARY", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD_X", "HAWKEYE_TIMEOUT", "HTTP_PROXY_X"]
        {
            ensure(!names.iter().any(|n| n == kept), || format!("{kept} was inherited"))?;
        }
        Ok(())
    }));
    let file = targets_file(&d, &cases);
    // Descriptors that hawkeye itself inherited must not reach the servers either.
    let mut c = Command::new("sh");
    settle(&mut c, &d);
    let program = env!("CARGO_BIN_EXE_hawkeye");
    c.arg("-c").arg(format!("exec 7</dev/null 8>/dev/null 9</dev/null; exec {program} scan --format json --concurrency 21 --timeout 30 --targets {}", file.display()));
    c.env("AWS_SECRET_ACCESS_KEY", "x").env("LD_PRELOAD_X", "x").env("HTTP_PROXY_X", "x");
    let done = start(&d, c).wait();
    let mut problems = Vec::new();
    done.check(&mut problems);
    done.check_report(cases.len() + 1, &mut problems);
    for i in 0..20 {
        let got = done.target(&format!("fds{i}"))["tools"][0]["description"].clone();
        if got != "[0, 1, 2]" {
            problems.push(format!("fds{i}: descriptors {got}"));
        }
    }
    report_problems(&problems);
    let d = Dir::new();
    let again = vec![complete("environment", stdio(&d, "shows_environment", &[])).and(|t| {
        let text = t["tools"][0]["description"].as_str().unwrap_or("").to_owned();
        ensure(!text.contains("HK_CANARY") && !text.contains("AWS_SECRET"), || {
            format!("inherited too much: {text}")
        })
    })];
    scan_with(&d, again, TOGETHER, |c| {
        c.env("AWS_SECRET_ACCESS_KEY", "x");
    });
}

#[test]
fn secrets_are_struck_out_of_everything() {
    for (format, logs) in [("json", true), ("table", true), ("ndjson", false)] {
        let d = Dir::new();
        let flags: [&str; 5] = [
            "--api-key",
            SECRET,
            &format!("--token={SECRET}"),
            &format!("--password={SECRET}"),
            "--header=Authorization: Bearer s3cr3t-9f31c07ab2",
        ];
        let web = crate::support::web();
        let tokens = [crate::support::token(), crate::support::token(), crate::support::token()];
        let port = web.port("main");
        let query =
            json!({"url": format!("http://127.0.0.1:{port}/echoes_secrets/{}?api_key={SECRET}", tokens[0])});
        let userinfo =
            json!({"url": format!("http://user:{SECRET}@127.0.0.1:{port}/echoes_secrets/{}", tokens[1])});
        let dead = json!({"url": format!("http://user:{SECRET}@127.0.0.1:1/mcp?token={SECRET}")});
        let cases = vec![
            complete("env", stdio(&d, "echoes_secrets", &[])),
            complete("args", stdio(&d, "echoes_secrets", &flags)),
            failed("error", stdio(&d, "echoes_secrets_error", &flags), &["rpc_error"]),
            failed("exit", stdio(&d, "echoes_secrets_exit", &flags), &["exited"]),
            failed("no program", json!({"command": "/nonexistent", "args": flags}), &["spawn_failed"]),
            complete("header", crate::support::http("echoes_secrets", &tokens[2], "")),
            failed(
                "header error",
                crate::support::http("echoes_secrets", &tokens[2], "error"),
                &["http_status"],
            ),
            complete("query", query),
            crate::support::case(
                "userinfo",
                userinfo,
                &[("complete", &[]), ("failed", &["config", "auth_required"])],
            ),
            failed("dead", dead, &["connect_failed", "config"]),
        ];
        if format == "json" {
            let done = scan_with(&d, cases, TOGETHER, |c| {
                if logs {
                    c.arg("-vv").env("RUST_LOG", "trace");
                }
            });
            assert!(contains(&done.stdout, "***"), "nothing was masked");
            continue;
        }
        let file = targets_file(&d, &cases);
        let mut c = hawkeye(&d);
        c.args(["scan", "--format", format, "--timeout", "30", "--targets"]).arg(&file);
        if logs {
            c.arg("-vv").env("RUST_LOG", "trace");
        }
        let done = start(&d, c).wait();
        let mut problems = Vec::new();
        done.check(&mut problems);
        report_problems(&problems);
    }
}
