//! Profiles and what `auto` means, on made-up machines.

use crate::engine::options::Width;
use std::fs;
use std::path::Path;

use super::profile::{PROFILES, settings as said_by};
use super::settings::{Origin, Resolved, Shown};
use super::*;

fn shown<'a>(r: &'a Resolved, key: &str) -> &'a Shown {
    let path = format!("mcp_introspection.{key}");
    r.shown.iter().find(|s| s.path == path).unwrap()
}

fn profile(name: &str) -> Overrides {
    Overrides { profile: Some(name.to_owned()), ..Overrides::default() }
}

fn trimmed(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}

#[test]
fn profiles_are_the_guides_blocks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for p in &PROFILES {
        let guide = fs::read_to_string(root.join("tests/fixtures/guide").join(format!("{}.yaml", p.name)));
        assert_eq!(trimmed(p.text), trimmed(&guide.unwrap()), "{}", p.name);
        let shipped = fs::read_to_string(root.join("config/profiles").join(format!("{}.yaml", p.name)));
        assert_eq!(p.text, shipped.unwrap());
    }
    assert_eq!(fs::read_dir(root.join("config/profiles")).unwrap().count(), PROFILES.len());
}

/// A key, its value, and the line of the profile.
type Line = (&'static str, &'static str, u32);

#[test]
fn profiles_set_the_guides_numbers_and_say_so() {
    let cases: [(&str, &[Line]); 5] = [
        (
            "development",
            &[
                ("timeout", "60", 3),
                ("max_retries", "1", 4),
                ("max_concurrent_servers", "3", 5),
                ("enable_detailed_analysis", "true", 6),
                ("enable_verbose_logging", "true", 7),
            ],
        ),
        (
            "production",
            &[
                ("timeout", "30", 3),
                ("max_retries", "3", 4),
                ("max_concurrent_servers", "20", 5),
                ("enable_detailed_analysis", "true", 6),
                ("enable_performance_monitoring", "true", 7),
                ("rate_limiting.enabled", "true", 11),
                ("rate_limiting.requests_per_minute", "300", 12),
                ("rate_limiting.burst_size", "50", 13),
            ],
        ),
        (
            "high_volume",
            &[
                ("timeout", "15", 3),
                ("max_retries", "2", 4),
                ("max_concurrent_servers", "50", 5),
                ("enable_detailed_analysis", "false", 6),
                ("batch_processing.enabled", "true", 10),
                ("batch_processing.batch_size", "100", 11),
                ("batch_processing.processing_interval", "1", 12),
            ],
        ),
        (
            "high_performance",
            &[
                ("timeout", "15", 4),
                ("max_retries", "2", 5),
                ("enable_parallel_processing", "true", 8),
                ("max_concurrent_servers", "20", 9),
                ("enable_detailed_analysis", "false", 12),
                ("enable_risk_assessment", "true", 13),
                ("enable_schema_validation", "false", 14),
                ("connection_pool_size", "50", 17),
                ("keep_alive_timeout", "30", 18),
                ("reuse_connections", "true", 19),
            ],
        ),
        (
            "memory_optimized",
            &[
                ("max_concurrent_servers", "5", 4),
                ("enable_memory_optimization", "true", 7),
                ("max_tool_analysis_depth", "3", 8),
                ("enable_garbage_collection", "true", 9),
                ("enable_result_caching", "false", 12),
                ("stream_results", "true", 15),
                ("batch_size", "10", 16),
            ],
        ),
    ];
    for (name, expected) in cases {
        let r = resolve(&profile(name), &test_environment(&[])).unwrap();
        for &(key, value, line) in expected {
            let s = shown(&r, key);
            let origin = format!("profile {name}:{line}");
            assert_eq!((s.value.as_str(), s.origin.to_string()), (value, origin), "{name}: {key}");
        }
        let p = PROFILES.iter().find(|p| p.name == name).unwrap();
        assert_eq!(said_by(p).unwrap().len(), expected.len(), "{name} says more than this test knows");
    }
    let r = resolve(&profile("high_volume"), &test_environment(&[])).unwrap();
    let s = &r.settings;
    assert_eq!((s.timeout.as_secs(), s.max_retries, s.width), (15, 2, Width::Fixed(50)));
}

#[test]
fn everything_else_wins_over_a_profile() {
    let dir = test_dir("profile");
    for sub in ["etc", "home/.hawkeye"] {
        fs::create_dir_all(dir.join(sub)).unwrap();
    }
    let production = |files: &[(&str, &str)], vars: &[(&str, &str)], own: bool, flag: Option<u64>| {
        for (path, text) in files {
            fs::write(dir.join(path), text).unwrap();
        }
        let environment =
            Environment { home: Some(dir.join("home")), etc_dir: dir.join("etc"), ..test_environment(vars) };
        let flags = Overrides {
            config: own.then(|| dir.join("own.yaml")),
            timeout: flag.map(std::time::Duration::from_secs),
            ..profile("production")
        };
        let r = resolve(&flags, &environment).unwrap();
        let s = shown(&r, "timeout");
        // What nobody else says stays the profile's.
        assert_eq!(shown(&r, "max_concurrent_servers").origin.to_string(), "profile production:5");
        (s.value.clone(), s.origin.to_string().replace(&format!("{}/", dir.display()), ""))
    };
    let text = |n: u32| format!("mcp_introspection: {{timeout: {n}}}\n");
    let expect = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(production(&[], &[], false, None), expect("30", "profile production:3"));
    let etc = ("etc/hawkeye.yaml", text(1));
    assert_eq!(production(&[(etc.0, &etc.1)], &[], false, None), expect("1", "etc/hawkeye.yaml:1"));
    let home = ("home/.hawkeye/hawkeye.yaml", text(2));
    assert_eq!(
        production(&[(home.0, &home.1)], &[], false, None),
        expect("2", "home/.hawkeye/hawkeye.yaml:1")
    );
    assert_eq!(production(&[("own.yaml", &text(3))], &[], true, None), expect("3", "own.yaml:1"));
    let vars = [("HAWKEYE_TIMEOUT", "4")];
    assert_eq!(production(&[], &vars, true, None), expect("4", "HAWKEYE_TIMEOUT"));
    assert_eq!(production(&[], &vars, true, Some(5)), expect("5", "--timeout"));
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn the_variable_names_a_profile_and_the_option_wins() {
    let vars = [("HAWKEYE_PROFILE", "development")];
    let width = |flags: &Overrides, vars: &[(&str, &str)]| {
        resolve(flags, &test_environment(vars)).map(|r| r.settings.width.start()).map_err(|e| e.to_string())
    };
    assert_eq!(width(&Overrides::default(), &vars), Ok(3));
    assert_eq!(width(&profile("high_volume"), &vars), Ok(50));
    assert_eq!(width(&Overrides::default(), &[("HAWKEYE_PROFILE", "")]), Ok(8));
    const ALL: &str = "there are development, production, high_volume, high_performance, memory_optimized";
    for (name, meant) in [
        ("prod", " (did you mean \"production\"?)"),
        ("high-volume", " (did you mean \"high_volume\"?)"),
        ("devlopment", " (did you mean \"development\"?)"),
        ("x", ""),
        ("", ""),
    ] {
        let e = width(&profile(name), &vars).unwrap_err();
        assert_eq!(e, format!("--profile: no profile \"{name}\"{meant}; {ALL}"));
    }
    let e = width(&Overrides::default(), &[("HAWKEYE_PROFILE", "\u{1b}[31m")]).unwrap_err();
    assert_eq!(e, format!("HAWKEYE_PROFILE: no profile \"\\u{{1b}}[31m\"; {ALL}"));
    let e = width(&Overrides::default(), &[("HAWKEYE_PROFIL", "production")]).unwrap_err();
    assert_eq!(e, "unknown variable HAWKEYE_PROFIL (did you mean HAWKEYE_PROFILE?)");
}

#[test]
fn auto_follows_the_machine() {
    const GIB: u64 = 1 << 30;
    // Processors and GiB, then width, cache and detail as they are shown.
    for (cpus, gib, width, cache, detail) in [
        (2, Some(16), "auto (6 to 1024)", "auto (2000)", "auto (true)"),
        (2, Some(8), "auto (4 to 1024)", "auto (1000)", "auto (true)"),
        (8, Some(4), "auto (8 to 1024)", "auto (500)", "auto (false)"),
        (2, Some(4), "auto (4 to 1024)", "auto (500)", "auto (false)"),
        (4, None, "auto (8 to 1024)", "auto (1000)", "auto (true)"),
    ] {
        let environment = Environment { cpus, memory: gib.map(|n| n * GIB), ..test_environment(&[]) };
        let r = resolve(&Overrides::default(), &environment).unwrap();
        let keys = ["max_concurrent_servers", "caching_config.max_size", "enable_detailed_analysis"];
        assert_eq!(keys.map(|k| shown(&r, k).value.as_str()), [width, cache, detail], "{cpus}, {gib:?}");
        let because = match gib {
            Some(gib) => format!("auto: {gib} GiB, {cpus} processors"),
            None => format!("auto: memory unknown, {cpus} processors"),
        };
        assert!(keys.iter().all(|k| shown(&r, k).origin == Origin::Machine(because[6..].to_owned())));
        assert_eq!(shown(&r, keys[0]).origin.to_string(), because);
        let Width::Auto { start, most } = r.settings.width else { panic!("{:?}", r.settings.width) };
        assert_eq!(format!("auto ({start} to {most})"), width);
        let capped = r.notes.iter().any(|n| n.contains("instead of the guide's 5"));
        assert_eq!(capped, (cpus, gib) == (2, Some(4)), "{:?}", r.notes);
    }
    let small = Environment {
        cpus: 2,
        memory: Some(4 * GIB),
        ..test_environment(&[("HAWKEYE_MAX_CONCURRENT_SERVERS", "9")])
    };
    let r = resolve(&Overrides::default(), &small).unwrap();
    assert_eq!((r.settings.width, r.notes.len()), (Width::Fixed(9), 0));
    let said = [("HAWKEYE_CACHING_CONFIG__MAX_SIZE", "7"), ("HAWKEYE_ENABLE_DETAILED_ANALYSIS", "auto")];
    let r =
        resolve(&Overrides::default(), &Environment { vars: test_environment(&said).vars, ..small }).unwrap();
    assert_eq!(shown(&r, "caching_config.max_size").value, "7");
    let detail = shown(&r, "enable_detailed_analysis");
    assert_eq!(
        (detail.value.as_str(), detail.origin.to_string().as_str()),
        ("auto (false)", "HAWKEYE_ENABLE_DETAILED_ANALYSIS")
    );
}
