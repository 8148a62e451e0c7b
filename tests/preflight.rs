//! What a user sees of `hawkeye preflight`, of the look before every scan, and of profiles.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};

const HAWKEYE: &str = env!("CARGO_BIN_EXE_hawkeye");

/// A directory of its own, which is also the home of the user.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let dir = std::env::temp_dir().join(format!("hawkeye-preflight-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Place(dir)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// `hawkeye` with `args`, after `before` in a shell.
    fn run_after(&self, before: &str, args: &[&str]) -> Output {
        let line = format!("{before} exec {HAWKEYE} \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &line, "sh"]).args(args).current_dir(&self.0).env("HOME", &self.0);
        shell.env_remove("HAWKEYE_PROFILE").output().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_after("", args)
    }

    /// A file of `count` servers that are commands.
    fn servers(&self, count: usize) -> String {
        let server = |i: usize| {
            (
                format!("s{i}"),
                json!({"command": HAWKEYE, "args": ["demo-server"], "env": {"I": i.to_string()}}),
            )
        };
        let servers: serde_json::Map<String, Value> = (0..count).map(server).collect();
        let file = self.write("servers.json", &json!({ "mcpServers": servers }).to_string());
        file.to_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = report["checks"].as_array().unwrap().iter().chain(report["guide"].as_array().unwrap());
    all.into_iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_plan_that_fits_and_one_that_does_not() {
    let place = Place::new("fits");
    let args = ["preflight", "--targets", "24", "--concurrency", "24", "--format", "json"];
    let roomy = place.run_after("ulimit -n 1024;", &args);
    assert_eq!(roomy.status.code(), Some(0), "{roomy:?}");
    let r = report(&roomy);
    assert_eq!(
        (&r["fits"], &r["width"]["fits"], &r["plan"]["commands"]),
        (&json!(true), &json!(24), &json!(24))
    );
    assert_eq!(check(&r, "open files")["state"], "ok");
    let tight = place.run_after("ulimit -n 64;", &args);
    assert_eq!(tight.status.code(), Some(3), "{tight:?}");
    let r = report(&tight);
    let files = check(&r, "open files");
    assert_eq!((&files["state"], &files["needed"]), (&json!("lowered"), &json!(212)));
    assert_eq!(files["remedy"], "sudo prlimit --nofile=212:212 --pid $$");
    assert_eq!((&r["width"]["wanted"], &r["width"]["fits"]), (&json!(24), &json!(5)));
    let table = place.run_after("ulimit -n 64;", &args[..5]);
    let text = String::from_utf8_lossy(&table.stdout).into_owned();
    assert_eq!(table.status.code(), Some(3));
    for part in ["5 at a time instead of 24", "lowered", "\n  sudo prlimit --nofile=212:212 --pid $$\n"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let soft = place.run_after("ulimit -Sn 64;", &args);
    assert_eq!(soft.status.code(), Some(0));
    assert_eq!(check(&report(&soft), "open files")["state"], "raised");
}

#[test]
fn a_scan_that_does_not_fit_is_narrower_says_so_once_and_is_whole() {
    let place = Place::new("narrower");
    let file = place.servers(24);
    let args = ["scan", "--concurrency", "24", "--format", "json", "--targets", &file];
    let tight = place.run_after("ulimit -n 64;", &args);
    assert_eq!((tight.status.code(), &report(&tight)["summary"]["complete"]), (Some(0), &json!(24)));
    let said = stderr(&tight);
    assert!(
        said.starts_with(
            "hawkeye: warn: only 5 instead of 24 servers at a time: open files: 212 needed, 64 there"
        ) && said.contains("sudo prlimit --nofile=212:212 --pid $$"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    // What we may raise by ourselves is raised, and worth no warning.
    let soft = place.run_after("ulimit -Sn 64;", &args);
    assert_eq!((soft.status.code(), stderr(&soft).as_str()), (Some(0), ""));
    assert_eq!(report(&soft)["summary"]["complete"], 24);
    let told = place.run_after("ulimit -Sn 64;", &[&args[..], &["-v"]].concat());
    assert!(stderr(&told).contains("open files: 64 were allowed, now 212 are"), "{}", stderr(&told));
}

#[test]
fn the_machine_in_a_directory_is_judged_by_its_groups() {
    let place = Place::new("machine");
    place.write("m/proc/meminfo", "MemTotal: 67108864 kB\nMemAvailable: 60000000 kB\n");
    place.write("m/proc/self/cgroup", "0::/box\n");
    place.write("m/sys/fs/cgroup/box/memory.max", "4294967296\n");
    place.write("m/sys/fs/cgroup/box/memory.current", "3221225472\n");
    place.write("m/sys/fs/cgroup/box/pids.max", "100\n");
    place.write("m/sys/fs/cgroup/box/pids.current", "10\n");
    place.write("m/proc/sys/net/ipv4/ip_local_port_range", "50000 50999\n");
    let root = place.0.join("m");
    let ask = |targets: &str, more: &[&str]| {
        let args = ["preflight", "--format", "json", "--root", root.to_str().unwrap(), "--targets", targets];
        place.run(&[&args[..], more].concat())
    };
    let r = report(&ask("100", &[]));
    assert_eq!(r["machine"]["memory_gib"], 4);
    assert_eq!(
        (&r["machine"]["cache_max_size"], &r["machine"]["enable_detailed_analysis"]),
        (&json!(500), &json!(false))
    );
    // One GiB is left of the group: 14 interpreters; and 90 processes, which is 6 of them.
    assert_eq!((&check(&r, "memory")["given"], &r["width"]["most"]), (&json!(1_073_741_824), &json!(6)));
    let tight = ask("100", &["--concurrency", "50"]);
    let r = report(&tight);
    assert_eq!((tight.status.code(), &r["width"]["fits"]), (Some(3), &json!(6)));
    assert_eq!(check(&r, "processes of the control group")["state"], "lowered");
    // What somebody asked for is not lowered for an estimate of memory.
    assert_eq!(check(&r, "memory")["state"], "warn");
    let r = report(&ask("1000", &["--transport", "http"]));
    assert_eq!(check(&r, "local ports to one host")["state"], "warn");
    assert_eq!(check(&r, "net.core.rmem_max")["state"], "unknown");
    assert_eq!(
        check(&r, "net.netfilter.nf_conntrack_max")["note"],
        "the module is not loaded: nothing follows connections"
    );
    // What helps that machine, and not the one this runs on.
    place.write("m/proc/sys/net/core/rmem_max", "4096\n");
    let output = place.run(&["preflight", "--root", root.to_str().unwrap()]);
    let said = String::from_utf8(output.stdout).unwrap();
    for remedy in ["hawkeye preflight --fix", "tune-system.sh --apply"] {
        let remedy = format!("{remedy} --root {} #", root.display());
        assert!(said.contains(&remedy), "{remedy}\nis not in\n{said}");
    }
}

#[test]
fn targets_come_from_files_and_from_the_settings() {
    let place = Place::new("targets");
    let r = report(&place.run(&["preflight", "--format", "json"]));
    assert_eq!((&r["plan"]["servers"], &r["plan"]["auto"]), (&json!(1024), &json!(true)));
    let r = report(&place.run(&["preflight", "--format", "json", "--profile", "production"]));
    assert_eq!((&r["plan"]["servers"], &r["width"]["most"]), (&json!(20), &json!(20)));
    let file = place.servers(3);
    let r = report(&place.run(&["preflight", "--format", "json", "--targets", &file, "--targets", "4"]));
    assert_eq!(r["plan"]["commands"], 7);
    place
        .write(".hawkeye/hawkeye.yaml", "mcpServers: {a: {url: \"http://127.0.0.1:1/\"}, b: {command: x}}\n");
    let r = report(&place.run(&["preflight", "--format", "json"]));
    assert_eq!((&r["plan"]["urls"], &r["plan"]["commands"]), (&json!(1), &json!(1)));
    for (args, line) in [
        (&["--targets", "nowhere.json"][..], "nowhere.json cannot be read: no such file or directory"),
        (&["--root", "nowhere"], "--root nowhere: is no directory"),
        (&["--concurrency", "0"], "--concurrency 0 must be a whole number from 1 to 4096, or auto"),
        (&["--transport", "sse"], "--transport sse must be one of stdio, http"),
        (
            &["--profile", "prod"],
            "--profile: no profile \"prod\" (did you mean \"production\"?); there are development, production, \
             high_volume, high_performance, memory_optimized",
        ),
    ] {
        let output = place.run(&[&["preflight"], args].concat());
        assert_eq!((output.status.code(), stderr(&output)), (Some(2), format!("hawkeye: {line}\n")));
    }
}

#[test]
fn a_profile_is_in_effect_and_an_option_wins() {
    let place = Place::new("profile");
    let file = place.servers(8);
    let width = |before: &str, more: &[&str]| {
        let output = place.run_after(before, &[&["scan", "-v", "--targets", &file], more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let said = stderr(&output);
        let line = said
            .lines()
            .find(|l| l.contains(" servers at a time, room for "))
            .unwrap_or_else(|| panic!("{said}"));
        line.trim_start_matches("hawkeye: info: ").split(' ').next().unwrap().to_owned()
    };
    assert_eq!(width("", &["--profile", "memory_optimized"]), "5");
    assert_eq!(width("export HAWKEYE_PROFILE=development;", &[]), "3");
    assert_eq!(width("export HAWKEYE_PROFILE=development;", &["--profile", "memory_optimized"]), "5");
    assert_eq!(width("", &["--profile", "memory_optimized", "--concurrency", "2"]), "2");
    let shown = place.run(&["config", "show", "--profile", "production"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let line = text.lines().find(|l| l.starts_with("mcp_introspection.rate_limiting.burst_size ")).unwrap();
    assert!(line.contains(" 50 ") && line.contains(" profile production:13"), "{line}");
    let unknown = place.run(&["scan", "--profile", "x", "http://127.0.0.1:1/"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn without_root_fix_tells_what_it_would_do() {
    let place = Place::new("fix");
    // Where somebody who is not root can run it.
    let program = place.0.join("hawkeye");
    fs::copy(HAWKEYE, &program).unwrap();
    let id = Command::new("id").arg("-u").output().unwrap();
    let mut command = if id.stdout == b"0\n" {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--clear-groups"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    let output =
        command.args(["preflight", "--fix", "--format", "json"]).env("HOME", &place.0).output().unwrap();
    let r = report(&output);
    let low = r["guide"].as_array().unwrap().iter().filter(|c| {
        let number = |of: &str| c[of].as_u64();
        c["name"] != "nofile" && number("given").is_some_and(|given| Some(given) < number("needed"))
    });
    let low: Vec<&str> = low.map(|c| c["name"].as_str().unwrap()).collect();
    let would = r["fix"]["would"].as_array().unwrap();
    assert!(low.iter().all(|name| would.iter().any(|w| w.as_str().unwrap().starts_with(name))), "{would:?}");
    let expected =
        if would.is_empty() { (Some(0), "") } else { (Some(4), "hawkeye: --fix: nothing was changed") };
    assert_eq!(output.status.code(), expected.0, "{output:?}");
    assert!(stderr(&output).starts_with(expected.1), "{output:?}");
}
