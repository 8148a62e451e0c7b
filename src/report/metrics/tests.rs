//! Whole texts: a golden one, numbers that go on, bounds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::model::outcome::Cached;
use crate::model::run::WorkerState;
use crate::report::specimens::{client, failed, five, four, hostile, judged, run_end, run_info};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

const USAGE: Usage = Usage {
    own: CpuTime { user: Duration::from_millis(1500), system: Duration::from_millis(250) },
    children: CpuTime { user: Duration::ZERO, system: Duration::ZERO },
    resident: 10 << 20,
    peak: 12 << 20,
};

fn vitals() -> Vitals {
    Vitals {
        requests: 30,
        connections: 4,
        connections_reused: 26,
        open_connections: 1,
        peak_connections: 3,
        processes: 5,
        ..Vitals::default()
    }
}

/// Two fixed moments after the start of the run in `run_info`.
const DURING: u64 = 1_795_348_801;

fn named(name: &str) -> Outcome {
    Outcome { name: name.into(), ..four()[0].clone() }
}

fn scanned(metrics: &mut Metrics, outcomes: &[Outcome]) -> String {
    metrics.begin(&run_info());
    outcomes.iter().for_each(|o| metrics.outcome(o, at(DURING)));
    metrics.end(run_end(outcomes).finished, false, Some(8));
    metrics.render(Some(&vitals()), &USAGE)
}

/// A run with everything that a review adds.
fn reviewed(metrics: &mut Metrics) -> String {
    metrics.begin(&run_info());
    five().iter().for_each(|o| metrics.outcome(o, at(DURING)));
    metrics.client(&client());
    metrics.end(run_end(&five()).finished, false, Some(8));
    metrics.render(Some(&vitals()), &USAGE)
}

/// The value of the one sample that begins with `series`.
fn value(text: &str, series: &str) -> f64 {
    let found: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix(series)?.strip_prefix(' ')).collect();
    assert_eq!(found.len(), 1, "{series} in\n{text}");
    found[0].parse().unwrap()
}

fn has(text: &str, series: &str) -> bool {
    text.lines().any(|l| l.starts_with(series))
}

#[test]
fn the_text_in_full() {
    let text = reviewed(&mut Metrics::new(true, 1000));
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/metrics.prom");
    let version = env!("CARGO_PKG_VERSION");
    let text = text.replace(&format!("version=\"{version}\""), "version=\"VERSION\"");
    if std::env::var_os("HAWKEYE_TEST_WRITE").is_some() {
        std::fs::write(golden, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(golden).unwrap());
}

#[test]
fn counters_go_on_where_the_file_ended_and_gauges_tell_of_the_last_run() {
    let first = scanned(&mut Metrics::new(false, 10), &four());
    let mut metrics = Metrics::new(false, 10);
    metrics.restore(&first);
    metrics.begin(&run_info());
    let meanwhile = metrics.render(Some(&Vitals::default()), &Usage::default());
    assert_eq!(value(&meanwhile, "hawkeye_run_targets{status=\"complete\"}"), 1.0);
    assert_eq!(value(&meanwhile, "hawkeye_targets_pending"), 4.0);
    let second = scanned(&mut metrics, &[named("a"), named("b")]);
    assert_eq!(value(&second, "hawkeye_targets_total{status=\"complete\",transport=\"stdio\"}"), 3.0);
    let family = "hawkeye_introspection_duration_seconds_count{transport=\"stdio\",status=\"complete\"}";
    assert_eq!((value(&first, family), value(&second, family)), (1.0, 3.0));
    assert_eq!(value(&second, "hawkeye_http_requests_total"), 60.0);
    assert_eq!(value(&second, "hawkeye_run_targets{status=\"complete\"}"), 2.0);
    assert_eq!(
        (value(&first, "hawkeye_success_ratio"), value(&second, "hawkeye_success_ratio")),
        (1.0 / 3.0, 1.0)
    );
    assert_eq!(value(&second, "hawkeye_runs_total{ended=\"whole\"}"), 2.0);
}

#[test]
fn vitals_are_counted_once_also_over_a_new_scanner() {
    let mut metrics = Metrics::new(false, 10);
    metrics.begin(&run_info());
    let requests = |metrics: &mut Metrics, requests| {
        let vitals = Vitals { requests, ..Vitals::default() };
        value(&metrics.render(Some(&vitals), &USAGE), "hawkeye_http_requests_total")
    };
    let seen = [5, 5, 9].map(|n| requests(&mut metrics, n));
    assert_eq!(seen, [5.0, 5.0, 9.0]);
    metrics.new_scanner();
    assert_eq!(requests(&mut metrics, 12), 21.0, "also where the new one has done more than the old one");
}

#[test]
fn a_target_that_fails_keeps_its_last_success_and_one_that_is_gone_is_forgotten() {
    let series = |name: &str| format!("hawkeye_target_last_success_timestamp_seconds{{target=\"{name}\"}}");
    let first = scanned(&mut Metrics::new(false, 10), &[named("stays"), named("goes")]);
    assert_eq!(value(&first, &series("stays")), DURING as f64);
    let broken = Outcome { name: "stays".into(), ..failed() };
    let mut metrics = Metrics::new(false, 10);
    metrics.restore(&first);
    metrics.begin(&run_info());
    metrics.outcome(&broken, at(DURING + 500));
    metrics.end(at(DURING + 501), true, None);
    let interrupted = metrics.render(None, &USAGE);
    assert!(has(&interrupted, &series("goes")), "an interrupted run does not know who is gone");
    let second = scanned(&mut metrics, &[broken]);
    assert_eq!(value(&second, &series("stays")), DURING as f64);
    assert!(!has(&second, &series("goes")));
}

#[test]
fn series_of_targets_are_bounded_and_the_rest_is_counted() {
    let many: Vec<Outcome> = (0..25).map(|n| named(&format!("t{n}"))).collect();
    let mut metrics = Metrics::new(true, 10);
    for round in 1..=2 {
        let text = scanned(&mut metrics, &many);
        let of_targets = text.lines().filter(|l| l.starts_with("hawkeye_target_up{")).count();
        assert_eq!(of_targets, 10);
        assert_eq!(value(&text, "hawkeye_dropped_series_total"), f64::from(15 * round));
    }
    let none = scanned(&mut Metrics::new(true, 0), &many);
    assert!(!has(&none, "hawkeye_target_up"));
    let mut restored = Metrics::new(true, 3);
    restored.restore(&metrics.render(None, &USAGE));
    let text = restored.render(None, &USAGE);
    assert_eq!(text.lines().filter(|l| l.starts_with("hawkeye_target_up{")).count(), 3);
}

#[test]
fn details_are_there_where_they_are_asked_for() {
    let plain = scanned(&mut Metrics::new(false, 10), &four());
    let detailed = scanned(&mut Metrics::new(true, 10), &four());
    for series in ["hawkeye_target_up{", "hawkeye_target_items{", "hawkeye_step_duration_seconds_count{"] {
        assert!(!has(&plain, series) && has(&detailed, series), "{series}");
    }
    assert!(has(&plain, "hawkeye_phase_duration_seconds_count{phase=\"listing\",transport=\"stdio\"}"));
}

#[test]
fn a_connection_that_was_open_already_is_no_quick_setup() {
    let reused = Timing { total_ms: 5.0, handshake_ms: 1.0, ..Timing::default() };
    let outcomes = [named("fresh"), Outcome { timing: reused, ..named("reused") }];
    let text = scanned(&mut Metrics::new(false, 10), &outcomes);
    assert_eq!(value(&text, "hawkeye_connection_setup_seconds_count{transport=\"stdio\"}"), 1.0);
    let phase =
        |name| format!("hawkeye_phase_duration_seconds_count{{phase=\"{name}\",transport=\"stdio\"}}");
    assert_eq!((value(&text, &phase("connect")), value(&text, &phase("handshake"))), (1.0, 2.0));
}

#[test]
fn the_cache_is_counted_and_its_results_are_no_conversations() {
    let cached = Cached { stored_at: "2026-11-22T11:59:00.000Z".into(), age_s: 61 };
    let hit = Outcome { cached: Some(cached), attempts: 0, ..named("old") };
    let mut metrics = Metrics::new(false, 10);
    metrics.with_cache();
    let text = scanned(&mut metrics, &[hit, named("new")]);
    assert_eq!(value(&text, "hawkeye_cache_lookups_total{result=\"hit\"}"), 1.0);
    assert_eq!(value(&text, "hawkeye_cache_lookups_total{result=\"miss\"}"), 1.0);
    let count = "hawkeye_introspection_duration_seconds_count{transport=\"stdio\",status=\"complete\"}";
    assert_eq!(value(&text, count), 1.0);
    let since = "hawkeye_target_last_success_timestamp_seconds{target=\"old\"}";
    assert_eq!(value(&text, since), (DURING - 61) as f64);
    assert!(!has(&scanned(&mut Metrics::new(false, 10), &four()), "hawkeye_cache_lookups_total"));
}

#[test]
fn a_hostile_target_forges_no_line() {
    let lines = |outcome: Outcome| scanned(&mut Metrics::new(true, 10), &[outcome]).lines().count();
    assert_eq!(lines(hostile()), lines(Outcome { name: "evil".into(), ..hostile() }));
}

#[test]
fn findings_are_counted_as_the_summary_counts_them() {
    let text = reviewed(&mut Metrics::new(true, 10));
    let mut tally = run_end(&five()).tally;
    tally.add_client(&client());
    assert_eq!((tally.findings.high, tally.suppressed, tally.failing, tally.drifted), (2, 1, 2, 1));
    assert_eq!(value(&text, "hawkeye_findings{severity=\"high\"}"), 2.0);
    assert_eq!(value(&text, "hawkeye_findings{severity=\"medium\"}"), 0.0, "a suppressed one is no finding");
    assert_eq!(value(&text, "hawkeye_client_findings{severity=\"high\"}"), 1.0);
    assert_eq!(value(&text, "hawkeye_suppressed_findings"), 1.0);
    assert_eq!(value(&text, "hawkeye_failing_findings"), 2.0);
    assert_eq!(value(&text, "hawkeye_drifted_targets"), 1.0);
    assert_eq!(value(&text, "hawkeye_target_risk_score{target=\"mail server\"}"), 71.0);
    let quiet = scanned(&mut Metrics::new(true, 10), &four());
    assert_eq!(value(&quiet, "hawkeye_failing_findings"), 0.0, "0 is said, for alerts");
    let full = scanned(&mut Metrics::new(true, 1), &[named("a"), judged()]);
    assert!(!has(&full, "hawkeye_target_risk_score"), "a target beyond the cap has no series");
    assert!(
        !has(&reviewed(&mut Metrics::new(false, 10)), "hawkeye_target_risk_score"),
        "no details asked for"
    );
}

fn worked(worker: &str) -> Outcome {
    Outcome { worker: Some(worker.to_owned()), ..named("a") }
}

#[test]
fn workers_have_their_numbers_and_what_happened_is_counted_once() {
    let state = |name: &str, up| WorkerState { name: name.to_owned(), up, slots: 4, running: 2 };
    let cluster = |reassigned| Cluster {
        workers: vec![state("w1", true), state("w\"2\n", false)],
        reassigned,
        ..Cluster::default()
    };
    let mut metrics = Metrics::new(false, 10);
    metrics.cluster(cluster(2));
    metrics.cluster(cluster(5));
    let cached = Outcome { cached: Some(Cached { stored_at: String::new(), age_s: 1 }), ..worked("w1") };
    let text = scanned(&mut metrics, &[worked("w1"), worked("w1"), cached]);
    assert_eq!(value(&text, "hawkeye_worker_targets_total{worker=\"w1\",status=\"complete\"}"), 2.0);
    assert_eq!(value(&text, "hawkeye_worker_up{worker=\"w1\"}"), 1.0);
    assert_eq!(value(&text, "hawkeye_worker_up{worker=\"w\\\"2\\\\n\"}"), 0.0);
    assert_eq!(value(&text, "hawkeye_worker_slots{worker=\"w1\"}"), 4.0);
    assert_eq!(value(&text, "hawkeye_worker_running{worker=\"w1\"}"), 2.0);
    assert_eq!(value(&text, "hawkeye_cluster_incidents_total{kind=\"reassigned\"}"), 5.0);
    // A later run adds to what the one before wrote.
    let mut later = Metrics::new(false, 10);
    later.restore(&text);
    later.cluster(cluster(1));
    let text = scanned(&mut later, &[worked("w1")]);
    assert_eq!(value(&text, "hawkeye_worker_targets_total{worker=\"w1\",status=\"complete\"}"), 3.0);
    assert_eq!(value(&text, "hawkeye_cluster_incidents_total{kind=\"reassigned\"}"), 6.0);
}

#[test]
fn workers_beyond_the_most_are_counted_together() {
    let outcomes: Vec<Outcome> = (0..300).map(|n| worked(&format!("w{n}"))).collect();
    let text = scanned(&mut Metrics::new(false, 10), &outcomes);
    let series = |text: &str| text.lines().filter(|l| l.starts_with("hawkeye_worker_targets_total{")).count();
    assert_eq!(series(&text), 257);
    assert_eq!(value(&text, "hawkeye_worker_targets_total{worker=\"(others)\",status=\"complete\"}"), 44.0);
    let mut later = Metrics::new(false, 10);
    later.restore(&text);
    let text = scanned(&mut later, &outcomes);
    assert_eq!(series(&text), 257);
    assert_eq!(value(&text, "hawkeye_worker_targets_total{worker=\"(others)\",status=\"complete\"}"), 88.0);
}
