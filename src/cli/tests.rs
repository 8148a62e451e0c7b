//! Command lines and what they come out as.

use std::os::unix::ffi::OsStringExt;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::revision::Revision;

use super::args::config::{ConfigCheck, ConfigShow};
use super::args::*;

fn of(line: &str) -> Result<Cli, Early> {
    parse(line.split_whitespace().map(OsString::from))
}

fn scan(line: &str) -> Scan {
    match of(line).unwrap().command {
        Command::Scan(scan) => scan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_come_out_as_typed() {
    let s = scan(
        "scan http://a --timeout 2.5 https://b/mcp --targets x.json --targets - --format=json --output o.json \
         --output=p --concurrency 1000 --protocol-version 2025-06-18 --fail-on never -vv -v --allow-incomplete \
         --metrics-file m --metrics-listen 9100 --profile-report --profile-folded f --no-stdio --no-progress --max-duration 60 --config c --ca-file a --client-cert b --client-key c --insecure",
    );
    assert_eq!(s.urls, ["http://a", "https://b/mcp"]);
    assert_eq!(s.timeout, Some(Duration::from_millis(2500)));
    assert_eq!(s.targets, [PathBuf::from("x.json"), PathBuf::from("-")]);
    assert_eq!((s.format, s.verbose, s.fail_on), (Some(Format::Json), 3, vec![vec!["never".to_owned()]]));
    assert_eq!(s.output, [PathBuf::from("o.json"), PathBuf::from("p")]);
    assert_eq!(s.concurrency, Some(Concurrency::Exactly(1000)));
    assert_eq!(s.protocol_version, Some(Pin::Only(Revision::V2025_06_18)));
    assert_eq!((s.metrics_file, s.profile_folded), (Some("m".into()), Some("f".into())));
    assert_eq!(s.metrics_listen, Some("127.0.0.1:9100".parse().unwrap()));
    assert!(s.profile_report);
    assert!(s.allow_incomplete && s.no_stdio && s.no_progress && s.insecure && !s.demo && !s.quiet);
    assert_eq!(scan("scan"), Scan::default());
}

#[test]
fn what_follows_the_dashes_is_left_alone() {
    let cli = of("scan http://a -q -- npx -vv --timeout=x -- --help").unwrap();
    assert_eq!(cli.process, ["npx", "-vv", "--timeout=x", "--", "--help"]);
    let Command::Scan(scan) = cli.command else { panic!() };
    assert!(scan.quiet && scan.timeout.is_none());
}

#[test]
fn assess_reads_files_and_standard_input() {
    let assess = |line: &str| match of(line) {
        Ok(Cli { command: Command::Assess(assess), .. }) => assess,
        other => panic!("{other:?}"),
    };
    let all = assess("assess - a.json --output r.sarif.json --fail-on low -q");
    assert_eq!(all.files, [PathBuf::from("/dev/stdin"), PathBuf::from("a.json")]);
    let scan = all.as_scan();
    assert_eq!((scan.output.len(), scan.fail_on, scan.quiet), (1, vec![vec!["low".to_owned()]], true));
    assert!(scan.targets.is_empty() && scan.urls.is_empty() && !scan.demo);
    for (line, said) in [
        ("assess", "no file"),
        ("assess - -", "- is given twice"),
        ("assess a -q -v", "-q and -v exclude each other"),
        ("assess a -- b", "take a command after --"),
    ] {
        assert!(matches!(of(line), Err(Early::Usage(why)) if why.contains(said)), "{line}");
    }
}

#[test]
fn other_commands_are_read() {
    let show = Command::Config(Config {
        command: ConfigCommand::Show(ConfigShow { config: Some("a".into()), profile: Some("p".into()) }),
    });
    assert_eq!(of("config show --config a --profile p").unwrap().command, show);
    let check = Command::Config(Config { command: ConfigCommand::Check(ConfigCheck { file: "a".into() }) });
    assert_eq!(of("config check a").unwrap().command, check);
    let demo = DemoServer {
        transport: Some(DemoTransport::Sse),
        port: Some(8080),
        revisions: Some(vec![Revision::V2024_11_05, Revision::V2026_07_28]),
        ..DemoServer::default()
    };
    let line = "demo-server --transport sse --port 8080 --revisions 2024-11-05,2026-07-28";
    assert_eq!(of(line).unwrap().command, Command::DemoServer(demo));
}

#[test]
fn bad_usage_is_one_line_that_helps() {
    let cases = [
        (
            "scna",
            "unknown command scna (did you mean scan?); there are scan, assess, merge, diagnose, preflight, bench, load-test, \
             history, show, diff, baseline, cache, rules, config, worker, cluster, demo-server",
        ),
        (
            "xyzzy",
            "unknown command xyzzy; there are scan, assess, merge, diagnose, preflight, bench, load-test, history, show, diff, baseline, cache, rules, config, \
             worker, cluster, demo-server",
        ),
        ("config show x", "x is one argument too many"),
        ("scan -", "a list of servers on standard input is read with --targets -"),
        ("scan --frobnicate x", "unknown option --frobnicate"),
        ("--frob", "unknown option --frob"),
        ("scan --formta json", "unknown option --formta (did you mean --format?)"),
        (
            "scan --format jsn",
            "--format jsn must be one of table, json, ndjson, sarif, markdown, csv, junit, prometheus, html (did you mean json?)",
        ),
        ("scan --timeout", "--timeout needs a value"),
        ("scan --timeout 1 --timeout 2", "--timeout 2 is given twice"),
        ("scan --timeout 0", "--timeout 0 must be a number of seconds above 0, at most 31536000 (a year)"),
        (
            "scan --metrics-listen host:1",
            "--metrics-listen host:1 must be a port, or an IP address with or without one (9464, 127.0.0.1:9464, [::1])",
        ),
        ("scan --concurrency 0", "--concurrency 0 must be a whole number from 1 to 4096, or auto"),
        ("scan --concurrency 4097", "--concurrency 4097 must be a whole number from 1 to 4096, or auto"),
        (
            "scan --fail-on hihg",
            "--fail-on hihg must be one of never, info, low, medium, high, critical, drift, incomplete, or the id of a \
             rule (did you mean high?)",
        ),
        (
            "scan servers.json",
            "target servers.json is no URL (http://… or https://…); a file goes with --targets, a command after --",
        ),
        ("scan http://u:secret@", "target http://u:***@ has no host"),
        (
            "scan u:secret@h",
            "target h is no URL (http://… or https://…); a file goes with --targets, a command after --",
        ),
        ("scan --", "no command after --"),
        ("scan -q -v", "-q and -v exclude each other"),
        ("scan --client-cert a", "--client-cert and --client-key need each other"),
        ("scan --targets - --targets -", "standard input can be read only once: --targets - is given twice"),
        (
            "history --clear --target a",
            "--clear forgets every run, of all servers: leave out --target (history.max_runs and history.max_days say \
             how much is kept)",
        ),
        ("config", "a command is missing: one of show, check, init"),
        ("config chekc x", "unknown command chekc (did you mean check?); there are show, check, init"),
        ("config check", "missing: file"),
        ("config show -- x", "only scan, diagnose, bench and load-test take a command after --"),
        ("diagnose a -- b", "one target at a time: a URL, a name, or -- COMMAND"),
        ("diagnose --targets x -- b", "--targets goes with the name of a server in it, not with -- COMMAND"),
        ("bench --case fast", "--case fast must be one of basic, parallel, high_performance"),
        ("bench --max-regression 5%", "--max-regression needs --compare"),
        (
            "bench --max-regression -5%",
            "--max-regression -5% must be a number of per cent from 0 to 100000, such as 10%",
        ),
        ("load-test http://a --threads 1025", "--threads 1025 must be a whole number from 1 to 1024"),
        (
            "load-test http://a --rate nan",
            "--rate nan must be a number of requests a second from 0.001 to 100000",
        ),
        (
            "load-test http://a --rate 1 --requests 2",
            "--requests is for a closed loop; with --rate say --duration",
        ),
        ("demo-server --port 65536", "--port 65536 number too large to fit in target type"),
    ];
    for (line, message) in cases {
        assert_eq!(of(line), Err(Early::Usage(message.to_owned())), "{line}");
    }
    for value in ["-5", "nan", "inf", "1e308", "18446744073709551616", "x", "", "1s", "31536001", "1e-12"] {
        let args = ["scan", "--timeout", value].map(OsString::from);
        assert!(matches!(parse(args.into_iter()), Err(Early::Usage(m)) if m.contains(value)), "{value}");
    }
    let odd = OsString::from_vec(b"sc\xffan".to_vec());
    let e = parse([odd].into_iter()).unwrap_err();
    assert_eq!(e, Early::Usage("argument sc\u{fffd}an is not UTF-8".to_owned()));
}

#[test]
fn help_and_version_are_settled_first() {
    for line in ["--help", "-h", "help"] {
        let Err(Early::Help(text)) = of(line) else { panic!("{line}") };
        for part in ["scan", "config", "demo-server", "Error codes", "143"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
    for line in [
        "scan --help",
        "scan -h",
        "help scan",
        "config check --help",
        "demo-server -h",
        "diagnose -h",
        "bench --help",
        "load-test -h",
    ] {
        let Err(Early::Help(text)) = of(line) else { panic!("{line}") };
        assert!(text.starts_with("Usage: hawkeye "), "{text}");
    }
    assert!(matches!(of(""), Err(Early::Usage(text)) if text.contains("Usage: hawkeye")));
    assert_eq!(of("--version"), Err(Early::Version));
    assert_eq!(of("-V"), Err(Early::Version));
}
