//! The run in numbers, for Prometheus: counted by the thread that hears of results, published as text.
//!
//! ```text
//!  Outcome ──▶ Metrics ──text──▶ file (replaced as a whole, every interval and at the end)
//!  Vitals, Usage ──┘      └────▶ listener's thread (takes the newest text when it is scraped)
//! ```
//!
//! `families` is the table of names, `samples` and `histogram` hold the numbers, `text` writes them and reads them back,
//! `targets` bounds the series of single servers, `workers` those of the hosts of a cluster, `export` and `listen` are the two ways out.
//!
//! Counters and histograms add up over all runs that share a metrics file, so that `rate()` and
//! `increase()` mean the same for a timer's short runs and for a process that stays. What a run found
//! (`Scope::Run`) is told once that run has ended, and until then what the one before it found: a gauge
//! that fell to nothing at the start of each run would be an alarm at the start of each run.
//!
//! Invariant: the number of series is bounded, whatever servers say; no label holds what one sent.

pub(crate) mod export;
mod families;
mod histogram;
mod listen;
mod samples;
mod targets;
#[cfg(test)]
mod tests;
mod text;
mod workers;

use std::time::SystemTime;

use crate::model::client::Client;
use crate::model::finding::{Finding, Severity};
use crate::model::inventory::{CoverageState, List};
use crate::model::outcome::{FailureKind, Outcome, Phase, Status, Timing};
use crate::model::run::{Cluster, RunInfo, Vitals};
use crate::sys::usage::{CpuTime, Usage};

use families::{Family, Scope};
use samples::Samples;
use targets::{Targets, unix};
use workers::Workers;

/// The numbers so far.
#[derive(Debug)]
pub(crate) struct Metrics {
    detailed: bool,
    /// Whether a server that was asked is a miss of the cache.
    cache: bool,
    totals: Samples,
    /// Of the last run that ended, here or in the file of an earlier process.
    ended: Samples,
    /// Of the run that goes on.
    running: Samples,
    targets: Targets,
    workers: Workers,
    pending: usize,
    started: SystemTime,
    /// What `totals` has of them already.
    vitals: Vitals,
    usage: Usage,
}

impl Metrics {
    /// Nothing counted. `detailed`: with series of single servers, `max_targets` at most, and of steps.
    pub(crate) fn new(detailed: bool, max_targets: usize) -> Metrics {
        Metrics {
            detailed,
            cache: false,
            totals: Samples::default(),
            ended: Samples::default(),
            running: Samples::default(),
            targets: Targets::new(max_targets),
            workers: Workers::default(),
            pending: 0,
            started: SystemTime::UNIX_EPOCH,
            vitals: Vitals::default(),
            usage: Usage::default(),
        }
    }

    /// From now on a result that is not from the cache is a miss.
    pub(crate) fn with_cache(&mut self) {
        self.cache = true;
    }

    /// Goes on from what an earlier run has written.
    fn restore(&mut self, text: &str) {
        let Some(earlier) = text::read(text) else { return };
        for (family, labels, value) in earlier.into_series() {
            match family.scope() {
                Scope::Total => {
                    if family == Family::WorkerTargets && !self.workers.restore(&labels) {
                        continue;
                    }
                    self.totals.put(family, labels, value);
                }
                Scope::Run => self.ended.put(family, labels, value),
                Scope::Target => {
                    let name = labels.first().map_or(String::new(), |name| name.clone().into_owned());
                    self.targets.restore(family, &name, labels, value);
                }
                Scope::Now => {}
            }
        }
    }

    /// A run begins.
    pub(crate) fn begin(&mut self, run: &RunInfo) {
        self.pending = run.planned;
        self.started = run.started;
        self.running = Samples::default();
        let run = &mut self.running;
        run.set(Family::RunStart, vec![], unix(self.started));
        for status in STATUSES {
            run.add(Family::RunTargets, [status.name()], 0.0);
        }
        for severity in SEVERITIES {
            run.add(Family::Findings, [severity.name()], 0.0);
            run.add(Family::ClientFindings, [severity.name()], 0.0);
        }
        for name in [Family::SuppressedFindings, Family::FailingFindings, Family::DriftedTargets] {
            run.add(name, [], 0.0);
        }
        for list in List::ALL {
            run.add(Family::RunItems, [list.key()], 0.0);
        }
        // Series that come to be only with the first event hide it: rate() needs the 0 before it.
        for name in [Family::Retries, Family::Dropped, Family::Requests, Family::Repeats, Family::Processes] {
            self.totals.add(name, [], 0.0);
        }
        for list in List::ALL {
            self.totals.add(Family::Truncations, [list.method()], 0.0);
        }
    }

    /// A target is done.
    pub(crate) fn outcome(&mut self, outcome: &Outcome, now: SystemTime) {
        self.pending = self.pending.saturating_sub(1);
        self.count(outcome);
        let status = outcome.status.name();
        self.running.add(Family::RunTargets, [status], 1.0);
        for list in List::ALL {
            let items = outcome.inventory.items(list).len();
            self.running.add(Family::RunItems, [list.key()], items as f64);
        }
        outcome.findings.iter().for_each(|finding| self.finding(finding));
        let drifted = outcome.drift.as_ref().is_some_and(|drift| !drift.changes.is_empty());
        self.running.add(Family::DriftedTargets, [], f64::from(u8::from(drifted)));
        if outcome.status != Status::NotEvaluated && !self.targets.note(outcome, self.detailed, now) {
            self.totals.add(Family::Dropped, [], 1.0);
        }
    }

    /// A worker of a cluster is done with a target of a run elsewhere: it is none of a run of ours.
    #[cfg(feature = "cluster")]
    pub(crate) fn worked(&mut self, outcome: &Outcome) {
        self.count(outcome);
    }

    /// What adds up, whoever's run it is.
    fn count(&mut self, outcome: &Outcome) {
        let (status, transport) = (outcome.status.name(), transport(outcome));
        self.totals.add(Family::Targets, [status, transport], 1.0);
        if let Some(worker) = outcome.worker.as_deref().filter(|_| outcome.cached.is_none()) {
            let labels = vec![self.workers.label(worker), status.into()];
            self.totals.add_to(Family::WorkerTargets, labels, 1.0);
        }
        if let Some(failure) = &outcome.failure {
            let (kind, phase): (FailureKind, Phase) = (failure.kind, failure.phase);
            self.totals.add(Family::Failures, [kind.name(), phase.name()], 1.0);
        }
        if outcome.cached.is_some() {
            self.totals.add(Family::Cache, ["hit"], 1.0);
        } else if outcome.attempts > 0 {
            self.asked(outcome);
        }
    }

    /// What there is to be said of the servers of one client together.
    pub(crate) fn client(&mut self, client: &Client) {
        for finding in &client.findings {
            self.finding(finding);
            if finding.suppressed.is_none() {
                self.running.add(Family::ClientFindings, [finding.severity.name()], 1.0);
            }
        }
    }

    /// As the report's summary counts.
    fn finding(&mut self, finding: &Finding) {
        self.running.add(Family::FailingFindings, [], f64::from(u8::from(finding.fails)));
        if finding.suppressed.is_some() {
            self.running.add(Family::SuppressedFindings, [], 1.0);
            return;
        }
        self.running.add(Family::Findings, [finding.severity.name()], 1.0);
        if self.detailed {
            // Rules are those of our table and of the configuration: their number bounds the series.
            let labels = vec![finding.rule.clone(), finding.severity.name().into()];
            self.running.add_to(Family::RuleFindings, labels, 1.0);
        }
    }

    /// What only a target has that was really asked.
    fn asked(&mut self, outcome: &Outcome) {
        let (timing, transport) = (&outcome.timing, transport(outcome));
        let labels = [transport, outcome.status.name()];
        self.totals.observe(Family::Introspection, labels, timing.total_ms / 1000.0);
        if self.cache {
            self.totals.add(Family::Cache, ["miss"], 1.0);
        }
        self.totals.add(Family::Retries, [], f64::from(outcome.attempts.saturating_sub(1)));
        let connected = !matches!(
            outcome.failure.as_ref().map(|f| f.phase),
            Some(Phase::Config | Phase::Spawn | Phase::Connect)
        );
        // A connection that was open already took no time to set up: thousands of these would hide the others.
        let set_up = connected && timing.connect_ms > 0.0;
        if set_up {
            self.totals.observe(Family::ConnectionSetup, [transport], timing.connect_ms / 1000.0);
        }
        for (phase, ms) in phases(timing, set_up, connected, outcome.inventory.protocol.is_some()) {
            self.totals.observe(Family::Phases, [phase, transport], ms / 1000.0);
        }
        if timing.analysis_ms > 0.0 {
            self.totals.observe(Family::Analysis, [], timing.analysis_ms / 1000.0);
        }
        for row in &outcome.inventory.coverage {
            let list = row.phase.method();
            self.totals.add(Family::CoverageStates, [list, row.state.name()], 1.0);
            self.totals.add(Family::Bytes, [list], row.bytes as f64);
            if row.state == CoverageState::Truncated {
                self.totals.add(Family::Truncations, [list], 1.0);
            }
            if self.detailed && row.pages > 0 {
                self.totals.observe(Family::Steps, [list, transport], row.ms / 1000.0);
            }
        }
        if self.detailed {
            for (step, ms) in steps(timing) {
                self.totals.observe(Family::Steps, [step, transport], ms / 1000.0);
            }
        }
    }

    /// This is how it is with the workers of a cluster.
    pub(crate) fn cluster(&mut self, state: Cluster) {
        self.workers.heard(state, &mut self.totals);
    }

    /// The run is over; `width` targets at a time there were at most, where that is known.
    pub(crate) fn end(&mut self, finished: SystemTime, interrupted: bool, width: Option<usize>) {
        self.pending = 0;
        self.totals.add(Family::Runs, [if interrupted { "interrupted" } else { "whole" }], 1.0);
        let count = |status: Status| self.running.number(Family::RunTargets, &[status.name()]);
        let (complete, failed) = (count(Status::Complete), count(Status::Failed));
        let tried = complete + failed + count(Status::Partial);
        let run = &mut self.running;
        // Nothing tried is neither success nor error.
        if tried > 0.0 {
            run.set(Family::Success, vec![], complete / tried);
            run.set(Family::Errors, vec![], failed / tried);
        }
        if let Some(width) = width {
            run.set(Family::Width, vec![], width as f64);
        }
        run.set(Family::RunEnded, vec![], unix(finished));
        let took = finished.duration_since(self.started).unwrap_or_default();
        run.set(Family::RunDuration, vec![], took.as_millis() as f64 / 1000.0);
        run.set(Family::Interrupted, vec![], f64::from(u8::from(interrupted)));
        self.ended = std::mem::take(&mut self.running);
        self.targets.run_ended(interrupted);
    }

    /// The text as of now. `vitals` are those of the scanner, where there is one.
    pub(crate) fn render(&mut self, vitals: Option<&Vitals>, usage: &Usage) -> String {
        let mut now = Samples::default();
        now.set(Family::BuildInfo, vec![env!("CARGO_PKG_VERSION").into()], 1.0);
        now.set(Family::Memory, vec!["resident".into()], usage.resident as f64);
        now.set(Family::Memory, vec!["peak".into()], usage.peak as f64);
        now.set(Family::Pending, vec![], self.pending as f64);
        self.workers.tell(&mut now);
        self.count_cpu(usage);
        if let Some(vitals) = vitals {
            now.set(Family::Connections, vec![], vitals.open_connections as f64);
            now.set(Family::ConnectionsPeak, vec![], vitals.peak_connections as f64);
            now.set(Family::SessionsIdle, vec![], vitals.sessions_idle as f64);
            self.count_vitals(vitals);
        }
        // Until the first run has ended its own numbers so far are all there is.
        let run = if self.ended.is_empty() { &self.running } else { &self.ended };
        text::write(&[&now, &self.totals, run, self.targets.samples()])
    }

    /// What the transports did is counted from 0 again, by a scanner that took another's place.
    pub(crate) fn new_scanner(&mut self) {
        self.vitals = Vitals::default();
        self.workers.new_scanner();
    }

    /// Adds what the transports did since the last look.
    fn count_vitals(&mut self, now: &Vitals) {
        let before = std::mem::replace(&mut self.vitals, *now);
        let more = |of: fn(&Vitals) -> u64| of(now).saturating_sub(of(&before)) as f64;
        self.totals.add(Family::Requests, [], more(|v| v.requests));
        self.totals.add(Family::Repeats, [], more(|v| v.repeats));
        self.totals.add(Family::Processes, [], more(|v| v.processes));
        self.totals.add(Family::ConnectionsUsed, ["opened"], more(|v| v.connections));
        self.totals.add(Family::ConnectionsUsed, ["reused"], more(|v| v.connections_reused));
        self.totals.add(Family::Sessions, ["opened"], more(|v| v.sessions_opened));
        self.totals.add(Family::Sessions, ["reused"], more(|v| v.sessions_reused));
        self.totals.add(Family::RateWaits, [], more(|v| v.rate_waits));
        self.totals.add(Family::RateWaited, [], more(|v| v.rate_wait_ms) / 1000.0);
    }

    fn count_cpu(&mut self, now: &Usage) {
        let before = std::mem::replace(&mut self.usage, *now);
        let halves: [(&str, CpuTime, CpuTime); 2] =
            [("hawkeye", now.own, before.own), ("servers", now.children, before.children)];
        for (process, now, before) in halves {
            let user = now.user.saturating_sub(before.user).as_secs_f64();
            let system = now.system.saturating_sub(before.system).as_secs_f64();
            self.totals.add(Family::Cpu, [process, "user"], user);
            self.totals.add(Family::Cpu, [process, "system"], system);
        }
    }
}

const STATUSES: [Status; 4] = [Status::Complete, Status::Partial, Status::Failed, Status::NotEvaluated];
const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

fn transport(outcome: &Outcome) -> &'static str {
    outcome.transport.map_or("none", |t| t.name())
}

/// The phases that took place: a target that did not get somewhere spent no time there.
fn phases(
    timing: &Timing,
    set_up: bool,
    connected: bool,
    agreed: bool,
) -> impl Iterator<Item = (&'static str, f64)> {
    let phases = [
        ("connect", timing.connect_ms, set_up),
        ("handshake", timing.handshake_ms, connected),
        ("listing", timing.listing_ms, agreed),
        ("analysis", timing.analysis_ms, timing.analysis_ms > 0.0),
    ];
    phases.into_iter().filter(|(.., took_place)| *took_place).map(|(phase, ms, _)| (phase, ms))
}

fn steps(timing: &Timing) -> impl Iterator<Item = (&'static str, f64)> {
    let steps = [
        ("resolve", timing.resolve_ms),
        ("tcp", timing.tcp_ms),
        ("tls", timing.tls_ms),
        ("first_byte", timing.first_byte_ms),
    ];
    steps.into_iter().filter_map(|(step, ms)| Some((step, ms?)))
}
