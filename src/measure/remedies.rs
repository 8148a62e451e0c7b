//! The tuning guide's thresholds and its solutions, with the facts of one target: of each four only those that
//! would change anything.

use serde::Serialize;

use super::causes::{Facts, Way};
use crate::base::columns::{mib, ms};
use crate::model::outcome::Transport;

/// A connection that takes longer is slow.
pub(crate) const SLOW_CONNECTION_MS: f64 = 5000.0;
/// Fewer servers in a second are too few.
pub(crate) const LOW_THROUGHPUT: f64 = 0.5;
/// What one hostile target may cost at most, its lists aside; more is much.
pub(crate) const MUCH_MEMORY: u64 = 64 << 20;

/// A threshold that was crossed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Problem {
    /// `slow_connection`, `low_throughput` or `high_memory`
    pub problem: &'static str,
    /// What was measured.
    pub measured: String,
    /// What it was held against.
    pub threshold: String,
    /// The guide's solutions that apply.
    pub remedies: Vec<String>,
}

/// What was measured against the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Measures {
    /// Name, TCP and TLS; of a process its start and its first line.
    pub connection_ms: f64,
    /// All of it.
    pub total_ms: f64,
    /// One server in that time.
    pub servers_per_second: f64,
    /// By how much memory grew.
    pub memory_growth_bytes: u64,
}

/// What `facts` come to.
pub(crate) fn measures(facts: &Facts<'_>) -> Measures {
    let timing = &facts.outcome.timing;
    let connection_ms = match facts.way {
        // The first line includes the start.
        Way::Program { .. } => timing.first_byte_ms.unwrap_or(timing.connect_ms),
        Way::Remote { .. } | Way::Unknown => {
            [timing.resolve_ms, timing.tcp_ms, timing.tls_ms].into_iter().flatten().sum()
        }
    };
    Measures {
        connection_ms,
        total_ms: timing.total_ms,
        servers_per_second: if timing.total_ms > 0.0 { 1000.0 / timing.total_ms } else { 0.0 },
        memory_growth_bytes: facts.memory_growth,
    }
}

/// The thresholds that were crossed.
pub(crate) fn problems(facts: &Facts<'_>) -> Vec<Problem> {
    let m = measures(facts);
    let mut found = Vec::new();
    if m.connection_ms > SLOW_CONNECTION_MS {
        found.push(Problem {
            problem: "slow_connection",
            measured: format!("{:.2} s", m.connection_ms / 1000.0),
            threshold: "5 s".to_owned(),
            remedies: for_connection(facts, m),
        });
    }
    if m.total_ms > 0.0 && m.servers_per_second < LOW_THROUGHPUT {
        found.push(Problem {
            problem: "low_throughput",
            measured: format!(
                "{:.2} servers/s ({:.2} s for this one)",
                m.servers_per_second,
                m.total_ms / 1000.0
            ),
            threshold: format!("{LOW_THROUGHPUT} servers/s"),
            remedies: for_throughput(facts, m),
        });
    }
    if m.memory_growth_bytes > MUCH_MEMORY {
        found.push(Problem {
            problem: "high_memory",
            measured: format!("{} for this one target", mib(m.memory_growth_bytes)),
            threshold: mib(MUCH_MEMORY),
            remedies: for_memory(facts),
        });
    }
    found
}

fn key(name: &str) -> String {
    format!("mcp_introspection.{name}")
}

fn now(facts: &Facts<'_>, name: &str) -> String {
    format!("{name} (now {})", (facts.now)(&key(name)))
}

fn is_on(facts: &Facts<'_>, name: &str) -> bool {
    (facts.is_on)(&key(name))
}

fn for_connection(facts: &Facts<'_>, m: Measures) -> Vec<String> {
    let mut found = Vec::new();
    match &facts.way {
        Way::Program { name, .. } => {
            found.push(format!("reduce {}, to give up sooner", now(facts, "stdio_config.process_timeout")));
            found.push(format!(
                "verify the server's own start: {} says its first word after {:.2} s",
                crate::base::text::quote(name, 80),
                m.connection_ms / 1000.0
            ));
        }
        Way::Remote { addresses, .. } => {
            found.push(format!("reduce {}, to give up sooner", now(facts, "http_config.timeout.connect")));
            let address = addresses.as_ref().ok().and_then(|a| a.first());
            let at = address.map_or_else(|| "the name server".to_owned(), Clone::clone);
            found.push(format!(
                "check the network between here and {at} (ping, traceroute, a firewall that drops)"
            ));
            found.push("verify the server's performance: a full backlog makes connections wait".to_owned());
        }
        Way::Unknown => {}
    }
    if !is_on(facts, "pool_config.enabled") {
        found.push(format!(
            "enable connection pooling: pool_config.enabled: true, {}",
            "so that the next scan saves it"
        ));
    } else if matches!(facts.way, Way::Remote { .. }) && !is_on(facts, "http_config.keep_alive") {
        found.push("enable connection pooling: http_config.keep_alive: true".to_owned());
    }
    found
}

fn for_throughput(facts: &Facts<'_>, m: Measures) -> Vec<String> {
    let mut found = vec![format!(
        "increase {}: others are scanned while this one is waited for",
        now(facts, "max_concurrent_servers")
    )];
    if !is_on(facts, "enable_parallel_processing") {
        found
            .push("enable enable_parallel_processing (now false): servers are scanned one by one".to_owned());
    }
    let timing = &facts.outcome.timing;
    if is_on(facts, "enable_detailed_analysis") && timing.analysis_ms * 10.0 > m.total_ms {
        found.push(format!(
            "disable enable_detailed_analysis: analysis took {} of {} ms",
            ms(timing.analysis_ms),
            ms(m.total_ms)
        ));
    }
    match facts.outcome.transport {
        Some(Transport::Stdio) if m.connection_ms * 2.0 > m.total_ms => found.push(format!(
            "use a faster transport: a server that stays up (Streamable HTTP) saves its start, {:.2} of {:.2} s",
            m.connection_ms / 1000.0,
            m.total_ms / 1000.0
        )),
        Some(Transport::Sse) => found.push(
            "use a faster transport: Streamable HTTP needs one connection where HTTP+SSE needs two".to_owned(),
        ),
        Some(Transport::Stdio | Transport::Http) | None => {}
    }
    found
}

fn for_memory(facts: &Facts<'_>) -> Vec<String> {
    let mut found = vec![format!("reduce {}", now(facts, "max_concurrent_servers"))];
    if !is_on(facts, "enable_memory_optimization") {
        found.push("enable enable_memory_optimization (now false)".to_owned());
    }
    if is_on(facts, "enable_result_caching") {
        found.push("disable enable_result_caching (now true)".to_owned());
    }
    if !is_on(facts, "stream_results") {
        found.push("use stream_results: true (now false)".to_owned());
    }
    found
}
