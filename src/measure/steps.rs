//! A target's way from its name to its last list.

use serde::Serialize;

use super::causes::{Facts, Way};
use super::remedies::{LOW_THROUGHPUT, SLOW_CONNECTION_MS};
use crate::model::certificate::Tls;
use crate::model::inventory::{Coverage, CoverageState};
use crate::model::outcome::{FailureKind, Outcome, Phase};

/// One step of the way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Step {
    /// Its name.
    pub step: &'static str,
    /// How it went.
    pub state: State,
    /// How long it took, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// What there is to say.
    pub detail: String,
    /// Of a list: its items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<usize>,
    /// Of a list: its pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// Of a list: its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Well.
    Ok,
    /// Well, and slowly.
    Slow,
    /// Not.
    Failed,
    /// A step before it failed.
    NotReached,
}

impl State {
    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Slow => "slow",
            State::Failed => "FAILED",
            State::NotReached => "not reached",
        }
    }
}

/// Where the way ended, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Nowhere,
    Resolve,
    Connect,
    Tls,
    FirstByte,
    Handshake,
    /// Lists say for themselves how they went.
    Lists,
}

/// Every step of the way that `facts` tell of.
pub(crate) fn steps(facts: &Facts<'_>) -> Vec<Step> {
    let outcome = facts.outcome;
    let timing = &outcome.timing;
    let end = end(outcome, facts);
    let slow_step = 1000.0 / LOW_THROUGHPUT;
    let step = |step, place: Place, ms: Option<f64>, limit: f64, detail: String| {
        let state = match end.cmp(&place) {
            std::cmp::Ordering::Less => State::NotReached,
            std::cmp::Ordering::Equal => State::Failed,
            std::cmp::Ordering::Greater if ms.is_some_and(|ms| ms > limit) => State::Slow,
            std::cmp::Ordering::Greater => State::Ok,
        };
        let failed = outcome.failure.as_ref().filter(|_| state == State::Failed);
        let detail = failed.map_or(detail, |f| f.message.clone());
        let ms = ms.filter(|_| state != State::NotReached);
        Step { step, state, ms, detail, items: None, pages: None, bytes: None }
    };
    let connection = SLOW_CONNECTION_MS;
    let mut all = Vec::new();
    match &facts.way {
        Way::Program { found, .. } => {
            let program = found.clone().unwrap_or_else(|why| why);
            all.push(step("spawn", Place::Connect, Some(timing.connect_ms), connection, program));
            all.push(step("first line", Place::FirstByte, timing.first_byte_ms, connection, String::new()));
        }
        Way::Remote { proxy, addresses, tls, url } => {
            let found = match (proxy, addresses) {
                (Some(proxy), _) => format!("the proxy does ({proxy})"),
                (None, Ok(found)) => found.join(", "),
                (None, Err(why)) => why.clone(),
            };
            all.push(step("resolve", Place::Resolve, timing.resolve_ms, connection, found));
            let via = proxy.as_ref().map_or(String::new(), |p| format!("through {p}"));
            all.push(step("connect", Place::Connect, timing.tcp_ms, connection, via));
            if url.get(..8).is_some_and(|s| s.eq_ignore_ascii_case("https://")) {
                let mut tls_step = step("tls", Place::Tls, timing.tls_ms, connection, String::new());
                match tls {
                    Some(Ok(seen)) if tls_step.detail.is_empty() => {
                        tls_step.detail = described(seen, facts.today)
                    }
                    Some(Ok(seen)) => {
                        tls_step.detail = format!("{}; {}", tls_step.detail, described(seen, facts.today));
                    }
                    Some(Err(why)) if tls_step.detail.is_empty() => tls_step.detail = why.clone(),
                    Some(Err(_)) | None => {}
                }
                all.push(tls_step);
            }
            all.push(step("first byte", Place::FirstByte, timing.first_byte_ms, slow_step, String::new()));
        }
        Way::Unknown => {}
    }
    let agreed = outcome.inventory.protocol.as_ref();
    let spoken = agreed.map_or(String::new(), |p| {
        let era = match p.era {
            crate::model::revision::Era::Stateless => "stateless",
            crate::model::revision::Era::Handshake => "handshake",
        };
        let via = outcome.transport.map_or("", |t| t.name());
        format!("revision {}, {era} era, over {via}", p.version)
    });
    let opening = Some(timing.handshake_ms).filter(|_| end >= Place::Handshake);
    all.push(step("handshake", Place::Handshake, opening, slow_step, spoken));
    all.extend(outcome.inventory.coverage.iter().map(|row| list(row, end, slow_step)));
    all
}

/// Where the way ended; the lists, if anything was agreed.
fn end(outcome: &Outcome, facts: &Facts<'_>) -> Place {
    let Some(failure) = outcome.failure.as_ref().filter(|_| outcome.inventory.protocol.is_none()) else {
        return Place::Lists;
    };
    let timing = &outcome.timing;
    match (failure.phase, failure.kind) {
        (Phase::Config, _) => Place::Nowhere,
        (Phase::Spawn, _) | (_, FailureKind::ConnectFailed | FailureKind::SpawnFailed) => Place::Connect,
        (_, FailureKind::NameNotFound) => Place::Resolve,
        (_, FailureKind::Tls) => Place::Tls,
        _ if timing.first_byte_ms.is_some() => Place::Handshake,
        _ if matches!(facts.way, Way::Program { .. }) => Place::FirstByte,
        _ if timing.tcp_ms.is_none() => Place::Resolve,
        // How long TLS took is known only once TCP was there.
        _ if failure.message.contains("no connection in time") => match timing.tls_ms {
            Some(_) => Place::Tls,
            None => Place::Connect,
        },
        _ => Place::FirstByte,
    }
}

fn list(row: &Coverage, end: Place, slow: f64) -> Step {
    let reason = row.reason.clone().unwrap_or_default();
    let (state, detail) = match row.state {
        _ if end != Place::Lists => (State::NotReached, String::new()),
        CoverageState::Complete if row.ms > slow => (State::Slow, reason),
        CoverageState::Complete => (State::Ok, reason),
        CoverageState::Unsupported => (State::Ok, "not offered".to_owned()),
        CoverageState::Failed => (State::Failed, reason),
        CoverageState::Truncated => (State::Failed, format!("cut short: {reason}")),
        CoverageState::Skipped => (State::NotReached, reason),
    };
    let asked =
        !matches!(row.state, CoverageState::Unsupported | CoverageState::Skipped) && end == Place::Lists;
    Step {
        step: row.phase.method(),
        state,
        ms: asked.then_some(row.ms),
        detail,
        items: asked.then_some(row.items),
        pages: asked.then_some(row.pages),
        bytes: asked.then_some(row.bytes),
    }
}

fn described(tls: &Tls, today: i64) -> String {
    let mut text = format!("{}, {}", tls.version, tls.cipher);
    if let Some(c) = &tls.certificate {
        let days = c.days_left(today);
        let until = if days < 0 { format!("ended {} days ago", -days) } else { format!("{days} days left") };
        text.push_str(&format!("; certificate {}, issuer {}, {until}", c.subject, c.issuer));
    }
    text
}
