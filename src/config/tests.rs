//! Settings end to end, on made-up environments; targets are tested in `target_tests`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::args::{Concurrency, Pin};
use crate::engine::options::Width;
use crate::model::fail_on::FailOn;
use crate::model::limits::Limits;
use crate::model::revision::Revision;
use crate::transport::options::WireOptions;

use super::check::Subject;
use super::keys::{KEYS, Kind};
use super::settings::Draft;
use super::settings::{Origin, Resolved, Shown};
use super::*;

/// Settings of a file with this text.
fn with(text: &str, vars: &[(&str, &str)], flags: Overrides) -> Result<Resolved, ConfigError> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let dir = test_dir(&format!("settings-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    let file = dir.join("h.yaml");
    fs::write(&file, text).unwrap();
    let result = resolve(&Overrides { config: Some(file), ..flags }, &test_environment(vars));
    fs::remove_dir_all(&dir).unwrap();
    result.map_err(|mut e| {
        e.file = e.file.map(|_| "h.yaml".to_owned());
        e
    })
}

fn refused(text: &str) -> String {
    with(text, &[], Overrides::default()).map(|r| show_text(&r)).unwrap_err().to_string()
}

fn shown<'a>(r: &'a Resolved, path: &str) -> &'a Shown {
    r.shown.iter().find(|s| s.path == path).unwrap()
}

#[test]
fn the_shipped_file_is_the_table_and_holds_the_defaults() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/hawkeye.yaml");
    if std::env::var_os("HAWKEYE_TEST_WRITE").is_some() {
        fs::write(&shipped, commented_defaults()).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&shipped).unwrap(),
        commented_defaults(),
        "HAWKEYE_TEST_WRITE=1 rewrites it"
    );
    let home = test_environment(&[]);
    let text = commented_defaults();
    let node = yaml::parse("f", &text).unwrap();
    let layer = layer::from_file("f", &node, None);
    assert_eq!(layer.errors, []);
    let given: BTreeSet<&str> = layer.settings.iter().map(|s| s.key.path).collect();
    assert_eq!(given, KEYS.iter().map(|k| k.path).collect());
    for setting in &layer.settings {
        assert_eq!(setting.value, check::default_value(setting.key), "{}", setting.key.path);
    }
    let from_file = with(&text, &[], Overrides::default()).unwrap().settings;
    assert_eq!(from_file, resolve(&Overrides::default(), &home).unwrap().settings);
}

#[test]
fn the_defaults_are_those_of_the_transports() {
    let s = resolve(&Overrides::default(), &test_environment(&[])).unwrap().settings;
    assert_eq!(s.wire, WireOptions::default());
    assert_eq!(s.wire.limits, Limits::default());
    let expected = Settings { width: Width::auto(4), ..Draft::new().settings };
    assert_eq!(s, expected);
    for (cpus, width) in [(0, 2), (1, 2), (10, 20), (64, 20)] {
        let r = resolve(&Overrides::default(), &Environment { cpus, ..test_environment(&[]) }).unwrap();
        assert_eq!(r.settings.width, Width::Auto { start: width, most: 1024 });
    }
}

#[test]
fn the_guides_blocks_load_unchanged() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/guide");
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let flags = Overrides { config: Some(path.clone()), ..Overrides::default() };
        let resolved = resolve(&flags, &test_environment(&[])).unwrap();
        let checked = check(&path, &test_environment(&[])).unwrap();
        let Subject::Settings { count, .. } = checked.subject else { panic!("{checked:?}") };
        let from_file = resolved.shown.iter().filter(|s| matches!(s.origin, Origin::File { .. })).count();
        // Two names for one thing are shown twice and said once.
        assert!(from_file >= count && count > 0, "{}: {from_file} of {count}", path.display());
        names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    let expected = [
        "basic",
        "cluster",
        "development",
        "high_performance",
        "high_volume",
        "memory_optimized",
        "production",
    ];
    assert!(expected.iter().all(|n| names.iter().any(|m| m == n)), "{names:?}");
}

#[test]
fn the_guides_python_sections_mean_the_same_with_and_without_their_parent() {
    let text = "\
stdio_config:
  process_timeout: 7
  buffer_size: 8192
  enable_binary_mode: false
  subprocess_optimization: {close_fds: false, preexec_fn: null, bufsize: 4096}
http_config:
  connection_pool_size: 21
  timeout: {connect: 1, read: 2, total: 3}
  retry_config: {total: 0, backoff_factor: 0.5, status_forcelist: [500]}
sse_config: {chunk_size: 512, keep_alive_interval: 3, reconnect_delay: 0.5, max_reconnect_attempts: 1, event_buffer_size: 2}
caching_config: {enabled: true, strategy: lru, max_size: 1000, ttl: 3600, cache_key_strategy: server_id_and_config, persist_cache: true, cache_file: ~/.hawkeye/cache/introspection.db}
pool_config: {enabled: true, min_connections: 5, max_connections: 50, idle_timeout: 300, max_lifetime: 3600, health_check_interval: 60, connection_validation: true}
monitoring: {enabled: true, collect_detailed_metrics: true, export_interval: 60, export_format: prometheus}
";
    let top = with(text, &[], Overrides::default()).unwrap();
    let inner: String = text.lines().map(|l| format!("  {l}\n")).collect();
    let inside = with(&format!("mcp_introspection:\n{inner}"), &[], Overrides::default()).unwrap();
    assert_eq!(top.settings, inside.settings);
    let w = &top.settings.wire;
    assert_eq!((w.stdio.buffer_size, w.stdio.binary_mode, w.stdio.close_fds), (4096, false, false));
    assert_eq!(w.stdio.process_timeout, Duration::from_secs(7));
    assert_eq!((w.http.pool_size, w.http.retries, w.http.backoff_factor), (21, 0, 0.5));
    assert_eq!(w.http.total_timeout, Duration::from_secs(3));
    assert_eq!((w.sse.chunk_size, w.sse.event_buffer_size), (512, 2));
    // The alias shows what holds, and who said so.
    assert_eq!(shown(&top, "mcp_introspection.stdio_config.buffer_size").value, "4096");
    assert_eq!(shown(&top, "mcp_introspection.connection_pool_size").value, "21");
}

#[test]
fn later_origins_win_and_are_shown() {
    let dir = test_dir("origins");
    for sub in ["etc", "home/.hawkeye"] {
        fs::create_dir_all(dir.join(sub)).unwrap();
    }
    let file = |path: &str, text: &str| fs::write(dir.join(path), text).unwrap();
    file(
        "etc/hawkeye.yaml",
        "mcp_introspection: {timeout: 1, max_retries: 1, keep_alive_timeout: 1}\nlimits: {pages: 1}\n",
    );
    file(
        "home/.hawkeye/hawkeye.yaml",
        "mcp_introspection: {timeout: 2, max_retries: 2}\nlimits: {pages: 2}\ntargets: [a.json, ~/b.json, /c]\n",
    );
    file("own.yaml", "# mine\nmcp_introspection:\n  timeout: 3\nlimits: {pages: 3}\n");
    let environment = Environment {
        home: Some(dir.join("home")),
        etc_dir: dir.join("etc"),
        ..test_environment(&[
            ("HAWKEYE_TIMEOUT", "4"),
            ("HAWKEYE_LIMITS__PAGES", "4"),
            ("HAWKEYE_LOG", "debug"),
        ])
    };
    let flags = Overrides {
        config: Some(dir.join("own.yaml")),
        timeout: Some(Duration::from_secs(5)),
        ..Overrides::default()
    };
    let r = resolve(&flags, &environment).unwrap();
    assert_eq!(r.settings.timeout, Duration::from_secs(5));
    assert_eq!(r.settings.wire.limits.pages, 4);
    assert_eq!(r.settings.max_retries, 2);
    assert_eq!(r.settings.wire.http.keep_alive_timeout, Duration::from_secs(1));
    let home = dir.join("home");
    assert_eq!(
        r.settings.targets.files,
        [home.join(".hawkeye/a.json"), home.join("b.json"), PathBuf::from("/c")]
    );
    let origin = |path| shown(&r, path).origin.to_string();
    assert_eq!(origin("mcp_introspection.timeout"), "--timeout");
    assert_eq!(origin("limits.pages"), "HAWKEYE_LIMITS__PAGES");
    assert_eq!(
        origin("mcp_introspection.max_retries"),
        format!("{}:1", home.join(".hawkeye/hawkeye.yaml").display())
    );
    assert_eq!(origin("tls.insecure"), "default");
    let text = show_text(&r);
    assert_eq!(text.lines().count(), KEYS.len() + 1);
    assert!(text.ends_with("\nnote: HAWKEYE_LOG is no setting\n"));
    let own = resolve(
        &Overrides { timeout: None, ..flags },
        &Environment { vars: Default::default(), ..environment },
    )
    .unwrap();
    assert_eq!(
        shown(&own, "mcp_introspection.timeout").origin.to_string(),
        format!("{}:3", dir.join("own.yaml").display())
    );
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn every_flag_lands() {
    let flags = Overrides {
        cluster: true,
        no_cluster: false,
        timeout: Some(Duration::from_secs(1)),
        max_duration: Some(Duration::from_secs(2)),
        concurrency: Some(Concurrency::Exactly(1000)),
        protocol_version: Some(Pin::Only(Revision::V2025_03_26)),
        ca_file: Some("ca".into()),
        client_cert: Some("cert".into()),
        client_key: Some("key".into()),
        insecure: true,
        verbose: true,
        no_cache: true,
        differential: true,
        fail_on: vec!["low".into(), "drift".into()],
        suppressions: Vec::new(),
        no_history: true,
        metrics_file: Some("m.prom".into()),
        metrics_listen: Some("127.0.0.1:9100".parse().unwrap()),
        config: None,
        profile: None,
    };
    let file = "mcp_introspection: {enable_parallel_processing: false, enable_result_caching: true}";
    let s = with(file, &[], flags).unwrap().settings;
    assert_eq!(
        (s.timeout.as_secs(), s.max_duration.map(|d| d.as_secs()), s.width),
        (1, Some(2), Width::Fixed(1000))
    );
    assert_eq!(s.protocol_version, Some(Revision::V2025_03_26));
    assert_eq!(s.wire.tls.client_cert, Some(("cert".into(), "key".into())));
    assert_eq!(s.wire.tls.ca_file, Some("ca".into()));
    assert!(s.wire.tls.insecure && s.verbose && s.differential && !s.cache.in_effect());
    // Alone, it keeps the cache out of the run, too.
    let differential = Overrides { differential: true, ..Overrides::default() };
    assert!(!with(file, &[], differential).unwrap().settings.cache.in_effect());
    assert!(with(file, &[], Overrides::default()).unwrap().settings.cache.in_effect());
    assert_eq!((s.monitoring.file, s.monitoring.listen), (Some("m.prom".into()), flags_listen()));
    assert_eq!(s.gate.fail_on, FailOn::of(["low", "drift"]).unwrap());
    let serial = with(
        "mcp_introspection: {enable_parallel_processing: false, max_concurrent_servers: 9}",
        &[],
        Overrides::default(),
    );
    assert_eq!(serial.unwrap().settings.width, Width::Fixed(1));
    let auto = Overrides { concurrency: Some(Concurrency::Auto), ..Overrides::default() };
    assert_eq!(
        with("mcp_introspection: {max_concurrent_servers: 9}", &[], auto).unwrap().settings.width,
        Width::auto(4)
    );
}

fn flags_listen() -> Option<std::net::SocketAddr> {
    Some("127.0.0.1:9100".parse().unwrap())
}

#[test]
fn metrics_go_where_they_are_asked_for() {
    let monitoring = |text: &str, flags: Overrides| with(text, &[], flags).unwrap().settings.monitoring;
    let none = Overrides::default;
    let places = "monitoring: {file: /m.prom, listen: 9100}";
    assert!(!monitoring(places, none()).is_on());
    for asked in
        ["enabled: true}", "enabled: false}\nmcp_introspection: {enable_performance_monitoring: true}"]
    {
        let m = monitoring(&format!("monitoring: {{file: /m.prom, listen: 9100, {asked}"), none());
        assert_eq!((m.file, m.listen), (Some("/m.prom".into()), flags_listen()), "{asked}");
    }
    let listen = Overrides { metrics_listen: flags_listen(), ..none() };
    assert_eq!(monitoring("monitoring: {file: /m.prom}", listen.clone()).file, None);
    assert_eq!(monitoring("monitoring: {file: /m.prom, enabled: true}", listen).file, Some("/m.prom".into()));
    let file = Overrides { metrics_file: Some("own".into()), ..none() };
    let m = monitoring(
        "monitoring: {listen: 9100, collect_detailed_metrics: true, export_interval: 5, max_targets: 7}",
        file,
    );
    assert_eq!((m.file, m.listen, m.detailed), (Some("own".into()), None, true));
    assert_eq!((m.interval, m.max_targets), (Duration::from_secs(5), 7));
}

#[test]
fn mistakes_name_place_key_value_and_what_is_allowed() {
    let cases = [
        ("timeout: 5", r#"h.yaml:1:1: unknown key "timeout" here (it belongs in "mcp_introspection")"#),
        ("mcp_introspection:\n  timeot: 5", r#"h.yaml:2:3: unknown key "timeot" (did you mean "timeout"?)"#),
        (
            "mcp_introspektion: {}",
            r#"h.yaml:1:1: unknown key "mcp_introspektion" (did you mean "mcp_introspection"?)"#,
        ),
        ("zzzzzz: {}", r#"h.yaml:1:1: unknown key "zzzzzz""#),
        ("limits:\n  pages: 0", "h.yaml:2:10: limits.pages: 0 must be a whole number from 1 to 1000000"),
        ("limits:\n  pages: 1.5", "h.yaml:2:10: limits.pages: 1.5 must be a whole number from 1 to 1000000"),
        (
            "limits: {pages: 18446744073709551616}",
            "h.yaml:1:17: limits.pages: 18446744073709551616 must be a whole number from 1 to 1000000",
        ),
        (
            "monitoring: {listen: example.com}",
            "h.yaml:1:22: mcp_introspection.monitoring.listen: \"example.com\" must be a port, or an IP address \
             with or without one (9464, 127.0.0.1:9464, [::1]), or null",
        ),
        ("limits: 5", "h.yaml:1:9: limits: 5 must be a section with keys"),
        ("- a", "h.yaml:1:1: the file: […] must be a section with keys"),
        ("limits: {pages: 1}\nlimits: {}", r#"h.yaml:2:1: "limits" stands in line 1 already"#),
        ("tls: {insecure: yes}", r#"h.yaml:1:17: tls.insecure: "yes" must be true or false"#),
        ("tls: {client_cert: a}", "a client certificate needs both client_cert and client_key"),
        (
            "protocol_version: 2025-01-01",
            r#"h.yaml:1:19: protocol_version: "2025-01-01" must be 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28 or auto"#,
        ),
        (
            "caching_config: {strategy: lfu}",
            r#"h.yaml:1:28: mcp_introspection.caching_config.strategy: "lfu" must be "lru""#,
        ),
        (
            "http_config: {retry_config: {status_forcelist: [500, 42]}}",
            "h.yaml:1:30: mcp_introspection.http_config.retry_config.status_forcelist: […] must be a list of HTTP statuses, each from 100 to 599",
        ),
        (
            "stdio_config:\n  subprocess_optimization:\n    preexec_fn: os.setsid",
            r#"h.yaml:3:17: mcp_introspection.stdio_config.subprocess_optimization.preexec_fn: "os.setsid" must be null: hawkeye never runs code between fork and exec"#,
        ),
        (
            "cluster:\n  workers:\n    - hots: a",
            r#"h.yaml:3:7: cluster.workers: unknown key "hots" (did you mean "host"?)"#,
        ),
        ("cluster: {workers: [{max_concurrent: 3}]}", "h.yaml:1:11: cluster.workers: a worker needs a host"),
        ("cluster: {url: 3}", r#"h.yaml:1:16: cluster.url: 3 must be a text"#),
        ("a: [", "h.yaml:2:1: "),
        (
            "mcp_introspection: {max_concurrent_servers: many}",
            r#"h.yaml:1:45: mcp_introspection.max_concurrent_servers: "many" must be a whole number from 1 to 4096, or auto"#,
        ),
        ("targets: 5", "h.yaml:1:10: targets: 5 must be a list of files"),
        ("mcpServers: 5", "h.yaml:1:13: 5 must be a list of servers"),
        ("mcpServers:\n  a: {command: x}\n  a: {command: y}", r#"h.yaml:3:3: "a" stands in line 2 already"#),
    ];
    for (text, message) in cases {
        let got = refused(text);
        assert!(
            got == message || (message.ends_with(": ") && got.starts_with(message)),
            "{text}\n got {got}\nwant {message}"
        );
    }
}

#[test]
fn impossible_times_are_refused_everywhere() {
    let bad = [
        "-5",
        "0",
        "0.0",
        ".nan",
        ".inf",
        "-.inf",
        "nan",
        "soon",
        "\"5\"",
        "1e308",
        "18446744073709551616",
        "31536001",
        "1e-12",
        "null",
        "[5]",
        "{a: 5}",
        "true",
        "5s",
    ];
    for value in bad {
        for text in [format!("mcp_introspection: {{timeout: {value}}}"), format!("max_duration: {value}")] {
            if value == "null" && text.starts_with("max") {
                continue;
            }
            let message = refused(&text);
            assert!(
                message.contains("must be a number of seconds above 0, at most 31536000"),
                "{text}: {message}"
            );
        }
        let e =
            with("", &[("HAWKEYE_TIMEOUT", value)], Overrides::default()).map(|r| show_text(&r)).unwrap_err();
        assert!(e.to_string().starts_with("HAWKEYE_TIMEOUT: "), "{value}: {e}");
    }
    for (good, millis) in [("5", 5000), ("0.25", 250), ("1e3", 1_000_000), ("31536000", 31_536_000_000)] {
        let s = with(&format!("mcp_introspection: {{timeout: {good}}}"), &[], Overrides::default())
            .unwrap()
            .settings;
        assert_eq!(s.timeout, Duration::from_millis(millis));
    }
}

#[test]
fn every_key_has_a_variable_and_unknown_ones_are_refused() {
    for key in KEYS.iter().filter(|k| k.kind != Kind::Workers) {
        for name in layer::variable_names(key) {
            let value = key.default.trim_matches(['[', ']']);
            with("", &[(&name, value)], Overrides::default())
                .unwrap_or_else(|e| panic!("{name}={value}: {e}"));
        }
    }
    let vars = [
        ("HAWKEYE_HTTP_CONFIG__TIMEOUT__CONNECT", "1.5"),
        ("HAWKEYE_HTTP_CONFIG__RETRY_CONFIG__STATUS_FORCELIST", "500, 599"),
        ("HAWKEYE_MCP_INTROSPECTION__MAX_CONCURRENT_SERVERS", "auto"),
        ("HAWKEYE_TEST_ANYTHING", "x"),
        ("HAWKEYE_ZOO", "x"),
        ("HAWKEYE_ARGS", "scan @"),
        ("HOME", "x"),
    ];
    let s =
        with("mcp_introspection: {max_concurrent_servers: 3}", &vars, Overrides::default()).unwrap().settings;
    assert_eq!(s.wire.http.connect_timeout, Duration::from_millis(1500));
    assert_eq!(s.wire.http.status_forcelist, [500, 599]);
    assert_eq!(s.width, Width::auto(4));
    for (name, message) in [
        ("HAWKEYE_TIMEOT", "unknown variable HAWKEYE_TIMEOT (did you mean HAWKEYE_TIMEOUT?)"),
        (
            "HAWKEYE_TLS_INSECURE",
            "unknown variable HAWKEYE_TLS_INSECURE (did you mean HAWKEYE_TLS__INSECURE?)",
        ),
    ] {
        let e = with("", &[(name, "1")], Overrides::default()).map(|r| show_text(&r)).unwrap_err();
        assert_eq!(e.to_string(), message);
    }
}

#[test]
fn empty_settings_files_and_sections_say_nothing() {
    let defaults = resolve(&Overrides::default(), &test_environment(&[])).unwrap().settings;
    for text in ["", "\u{feff}", "# nothing\n", "mcp_introspection:\n", "---\n", "{}", "limits: {}\ntls:\n"] {
        assert_eq!(with(text, &[], Overrides::default()).unwrap().settings, defaults, "{text:?}");
    }
    let missing = Overrides { config: Some("/nonexistent/h.yaml".into()), ..Overrides::default() };
    let e = resolve(&missing, &test_environment(&[])).map(|r| show_text(&r)).unwrap_err();
    assert_eq!(e.to_string(), "/nonexistent/h.yaml cannot be read: no such file or directory");
}

#[test]
fn servers_may_stand_in_the_settings() {
    let text = "mcp_introspection: {timeout: 3}\nmcpServers:\n  a: {command: x, env: {T: \"${HAWKEYE_TEST_T}\"}}\n  b: {url: \"http://h\", disabled: true}\n";
    let r = with(text, &[("HAWKEYE_TEST_T", "s3cret!")], Overrides::default()).unwrap();
    let inline = r.settings.targets.inline.as_ref().unwrap();
    assert_eq!((inline.targets.len(), inline.disabled.len()), (1, 1));
    assert_eq!(inline.targets[0].owners[0].line, Some(3));
    assert_eq!(shown(&r, "mcpServers").value, "2 servers");
    assert!(!format!("{r:?}").contains("s3cret!"));
}

#[test]
fn check_finds_every_mistake_and_lists_what_is_to_come() {
    let dir = test_dir("check");
    let run = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        let tidy = |s: String| s.replace(&format!("{}/", dir.display()), "");
        match check(&path, &test_environment(&[])) {
            Ok(c) => Ok(tidy(check_text(&c))),
            Err(all) => Err(all.iter().map(|e| tidy(e.to_string())).collect::<Vec<_>>()),
        }
    };
    let text =
        "mcp_introspection: {timeout: 0, stream: 1}\nlimits: {page: 1}\nmcpServers: {a: {command: []}}";
    assert_eq!(
        run("a", text).unwrap_err(),
        [
            "a:1:30: mcp_introspection.timeout: 0 must be a number of seconds above 0, at most 31536000 (a year)",
            "a:1:33: unknown key \"stream\"",
            "a:2:10: unknown key \"page\" (did you mean \"pages\"?)",
            "a:3:14: a: command: is empty",
        ]
    );
    assert_eq!(
        run("b", "mcp_introspection: {timeout: 5, stream_results: true}\ncluster: {enabled: true}").unwrap(),
        "b: valid, 3 settings\n"
    );
    let servers = r#"{"mcpServers": {"a": {"command": "x", "arg": [], "env": {"K": "${NOPE}"}}, "b": {"command": "y", "disabled": true}}}"#;
    assert_eq!(
        run("c", servers).unwrap(),
        "c: valid, 1 server and 1 disabled\nwarning: c:1:39: a: unknown key \"arg\" (did you mean \"args\"?)\n\
         warning: c:1:17: a: env.K: ${NOPE} is not set (set it, or write ${NOPE:-default})\n"
    );
    assert_eq!(run("d", "http://a\nhttp://b\n").unwrap(), "d: valid, 2 servers\n");
    assert_eq!(
        run("e", "http://a\nnope\n").unwrap_err(),
        ["e:2:1: nope: url: is no URL (http://… or https://…)"]
    );
    assert_eq!(run("f", "").unwrap(), "f: valid, 0 settings\n");
    assert_eq!(
        run("g", "{\"mcpServers\": {}}").unwrap(),
        "g: valid, 0 servers\nwarning: g:1: no servers in it\n"
    );
    assert_eq!(run("h", "{\"mcpServers\": ").unwrap_err().len(), 1);
    fs::remove_dir_all(&dir).unwrap();
}
