//! Every metric there is: the one table of names, types, labels and help.

/// What a number of a family means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

impl Kind {
    /// As `# TYPE` spells it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// Whose numbers a family holds, and so how long they live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Added up over all runs that share a file.
    Total,
    /// The last run that ended.
    Run,
    /// A target, as long as runs name it.
    Target,
    /// This moment.
    Now,
}

macro_rules! families {
    ($($variant:ident $name:literal $kind:ident $scope:ident [$($label:literal),*] $help:literal)*) => {
        /// The series of one name. The order is that of the text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Family { $(#[doc = $help] $variant),* }

        impl Family {
            /// In the order of the text.
            pub(super) const ALL: &'static [Family] = &[$(Family::$variant),*];

            /// The metric's name.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Family::$variant => $name),* }
            }

            /// Its type.
            pub(super) const fn kind(self) -> Kind {
                match self { $(Family::$variant => Kind::$kind),* }
            }

            /// Whose it is.
            pub(super) const fn scope(self) -> Scope {
                match self { $(Family::$variant => Scope::$scope),* }
            }

            /// The names of its labels, in the order of their values.
            pub(super) const fn labels(self) -> &'static [&'static str] {
                match self { $(Family::$variant => &[$($label),*]),* }
            }

            /// One sentence for people.
            pub(super) const fn help(self) -> &'static str {
                match self { $(Family::$variant => $help),* }
            }
        }
    };
}

families! {
    BuildInfo "hawkeye_build_info" Gauge Now ["version"]
        "Always 1; the label is the version of hawkeye."
    Introspection "hawkeye_introspection_duration_seconds" Histogram Total ["transport", "status"]
        "Time of one server from its turn to its result; results from the cache are not in it."
    ConnectionSetup "hawkeye_connection_setup_seconds" Histogram Total ["transport"]
        "Time to start a process, or to look up, connect and secure, where that succeeded; reused connections are not in it."
    Analysis "hawkeye_analysis_seconds" Histogram Total []
        "Time to judge what one server offers."
    Phases "hawkeye_phase_duration_seconds" Histogram Total ["phase", "transport"]
        "Time of one server by phase: connect, handshake, listing, analysis."
    Steps "hawkeye_step_duration_seconds" Histogram Total ["step", "transport"]
        "Time of one server by step within the phases: resolve, tcp, tls, first_byte and each list."
    Memory "hawkeye_memory_bytes" Gauge Now ["state"]
        "Resident memory of hawkeye: now, and the peak of this process."
    Cpu "hawkeye_cpu_seconds_total" Counter Total ["process", "mode"]
        "Processor time of hawkeye itself and of the servers it ran and reaped."
    Connections "hawkeye_concurrent_connections" Gauge Now []
        "HTTP connections open now."
    ConnectionsPeak "hawkeye_concurrent_connections_peak" Gauge Now []
        "Most HTTP connections open at once in this process."
    ConnectionsUsed "hawkeye_connections_total" Counter Total ["state"]
        "Connections that were opened, and exchanges that reused one instead."
    Requests "hawkeye_http_requests_total" Counter Total []
        "HTTP exchanges."
    Repeats "hawkeye_http_repeats_total" Counter Total []
        "HTTP exchanges that were asked again after 429 or a status worth repeating."
    Processes "hawkeye_processes_started_total" Counter Total []
        "Server processes started."
    Sessions "hawkeye_sessions_total" Counter Total ["state"]
        "Sessions that were opened, and introspections that reused a live one instead."
    SessionsIdle "hawkeye_sessions_idle" Gauge Now []
        "Live sessions kept for later."
    RateWaits "hawkeye_rate_waits_total" Counter Total []
        "Waits for the rate limit, or because a server asked for patience."
    RateWaited "hawkeye_rate_wait_seconds_total" Counter Total []
        "Length of these waits."
    Targets "hawkeye_targets_total" Counter Total ["status", "transport"]
        "Results by status."
    Failures "hawkeye_failures_total" Counter Total ["kind", "phase"]
        "First causes of results that are not complete."
    Retries "hawkeye_retries_total" Counter Total []
        "Further attempts at a server after its connection failed."
    CoverageStates "hawkeye_coverage_total" Counter Total ["list", "state"]
        "Listings by how they ended."
    Truncations "hawkeye_truncations_total" Counter Total ["list"]
        "Listings that a limit or a repeating cursor ended."
    Bytes "hawkeye_received_bytes_total" Counter Total ["list"]
        "Bytes of answers to listings."
    Cache "hawkeye_cache_lookups_total" Counter Total ["result"]
        "Results taken from the cache (hit), and servers asked although the cache was on (miss)."
    WorkerTargets "hawkeye_worker_targets_total" Counter Total ["worker", "status"]
        "Results by the worker of the cluster that they came from."
    WorkerUp "hawkeye_worker_up" Gauge Now ["worker"]
        "1 if the worker of the cluster was alive when it was last looked."
    WorkerSlots "hawkeye_worker_slots" Gauge Now ["worker"]
        "Servers that the worker asks at a time."
    WorkerRunning "hawkeye_worker_running" Gauge Now ["worker"]
        "Servers that the worker was at when it last said so."
    ClusterIncidents "hawkeye_cluster_incidents_total" Counter Total ["kind"]
        "Results that came twice (duplicate), servers given out once more (reassigned), entries of the queue that are not of this cluster (forged)."
    Dropped "hawkeye_dropped_series_total" Counter Total []
        "Results of servers beyond monitoring.max_targets, which have no series of their own."
    Runs "hawkeye_runs_total" Counter Total ["ended"]
        "Runs by how they ended: whole or interrupted."
    Success "hawkeye_success_ratio" Gauge Run []
        "Share of complete results among the servers that were tried in the last run."
    Errors "hawkeye_error_ratio" Gauge Run []
        "Share of failed results among the servers that were tried in the last run."
    RunTargets "hawkeye_run_targets" Gauge Run ["status"]
        "Results of the last run by status."
    RunItems "hawkeye_run_items" Gauge Run ["list"]
        "What all servers of the last run offer."
    Findings "hawkeye_findings" Gauge Run ["severity"]
        "Findings of the last run by severity; suppressed ones are not counted."
    RuleFindings "hawkeye_rule_findings" Gauge Run ["rule", "severity"]
        "Findings of the last run by rule; suppressed ones are not counted."
    ClientFindings "hawkeye_client_findings" Gauge Run ["severity"]
        "Findings of the last run about several servers of one client together; the other counts have them too."
    SuppressedFindings "hawkeye_suppressed_findings" Gauge Run []
        "Findings of the last run that somebody answers for."
    FailingFindings "hawkeye_failing_findings" Gauge Run []
        "Findings that make the last run fail."
    DriftedTargets "hawkeye_drifted_targets" Gauge Run []
        "Servers of the last run that are not what they were the time before."
    RunStart "hawkeye_run_start_timestamp_seconds" Gauge Run []
        "When the last run began."
    RunEnded "hawkeye_run_end_timestamp_seconds" Gauge Run []
        "When the last run ended."
    RunDuration "hawkeye_run_duration_seconds" Gauge Run []
        "How long the last run took."
    Width "hawkeye_run_width" Gauge Run []
        "Most servers at a time in the last run."
    Interrupted "hawkeye_run_interrupted" Gauge Run []
        "1 if the last run was ended before its time."
    Pending "hawkeye_targets_pending" Gauge Now []
        "Servers of the running run that have no result yet."
    TargetSuccess "hawkeye_target_last_success_timestamp_seconds" Gauge Target ["target"]
        "When the server last answered completely."
    TargetUp "hawkeye_target_up" Gauge Target ["target"]
        "1 if the server's last result is complete."
    TargetDuration "hawkeye_target_duration_seconds" Gauge Target ["target"]
        "Time of the server's last result."
    TargetItems "hawkeye_target_items" Gauge Target ["target", "list"]
        "What the server offered last."
    TargetRisk "hawkeye_target_risk_score" Gauge Target ["target"]
        "How risky the server was when it was judged last, from 0 to 100."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashboard_and_alerts_name_only_what_there_is() {
        for text in [
            include_str!("../../../config/grafana/hawkeye-dashboard.json"),
            include_str!("../../../config/prometheus/hawkeye-alerts.yml"),
        ] {
            let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let mut named: Vec<&str> = words.filter(|w| w.starts_with("hawkeye_")).collect();
            named.sort_unstable();
            named.dedup();
            assert!(named.len() > 8, "{named:?}");
            for name in named {
                let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
                let known = Family::ALL.iter().any(|f| match f.kind() {
                    Kind::Histogram => base == Some(f.name()),
                    Kind::Counter | Kind::Gauge => name == f.name(),
                });
                assert!(known, "{name}");
            }
        }
    }

    #[test]
    fn names_follow_the_customs() {
        for family in Family::ALL {
            let name = family.name();
            assert!(
                name.starts_with("hawkeye_") && name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase())
            );
            assert_eq!(name.ends_with("_total"), family.kind() == Kind::Counter, "{name}");
            assert_eq!(
                family.kind() == Kind::Histogram,
                name.ends_with("_seconds") && family.scope() == Scope::Total
            );
            assert!(family.help().ends_with('.') && !family.help().contains(['\\', '\n']), "{name}");
            assert_eq!(Family::ALL.iter().filter(|f| f.name() == name).count(), 1, "{name}");
        }
    }
}
