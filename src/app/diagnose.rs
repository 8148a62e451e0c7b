//! `hawkeye diagnose`: one target, looked at from all sides.

use std::time::Duration;

use serde::Serialize;

use crate::base::columns::{Side, lay_out, mib, ms};
use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::cli::args::Diagnose as Args;
use crate::measure::SCHEMA_VERSION;
use crate::measure::causes::{Cause, Facts, Way, causes};
use crate::measure::remedies::{Measures, Problem, measures, problems};
use crate::measure::steps::{State, Step, steps};
use crate::model::certificate::Tls;
use crate::model::outcome::{EndpointView, Failure, Outcome, Status, Transport};
use crate::model::target::{Endpoint, Target};
use crate::scan::Scanner;
use crate::sys::cancel::Cancel;
use crate::sys::signal;
use crate::sys::usage::{reset_peak, usage};
use crate::transport::http::look::{look, look_at_certificate};
use crate::transport::stdio::launch::search;

use super::exit::Exit;
use super::measuring::{One, check_output, deliver, epoch, is_on, now, one, switch};
use super::run::engine::scan_options;
use super::say;

/// For looking the name up, and again for looking at the certificate.
const LOOK: Duration = Duration::from_secs(10);
/// Longest path and longest reason that is shown.
const LONGEST: usize = 400;

/// The whole diagnosis.
#[derive(Serialize)]
struct Diagnosis<'a> {
    schema_version: u32,
    kind: &'static str,
    version: &'static str,
    target: &'a str,
    endpoint: &'a EndpointView,
    transport: Option<Transport>,
    status: Status,
    failure: Option<&'a Failure>,
    attempts: u32,
    steps: Vec<Step>,
    measures: Measures,
    problems: Vec<Problem>,
    causes: Vec<Cause>,
    tls: Option<&'a Tls>,
}

pub(super) fn run(args: &Args, process: &[String]) -> Exit {
    match diagnosed(args, process) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn diagnosed(args: &Args, process: &[String]) -> Result<Exit, Exit> {
    let usage_error = |why: String| {
        say(&why);
        Exit::Usage
    };
    let One { target, settings, shown } =
        one(&args.as_scan(), args.target.as_deref(), process).map_err(usage_error)?;
    check_output(args.output.as_deref())?;
    let cancel = switch()?;
    let pinned = target.pin.or(settings.protocol_version).map(|r| r.date().to_owned());
    let scanner = Scanner::new(scan_options(&settings), &cancel).map_err(|e| usage_error(e.to_string()))?;
    let before = usage().resident;
    reset_peak();
    let outcome = scanner.introspect(&target);
    let peak = usage().peak;
    scanner.finish();
    let way = way(&target, &outcome, &cancel);
    let (now, is_on) = (|path: &str| now(&shown, path), |path: &str| is_on(&shown, path));
    let facts = Facts {
        outcome: &outcome,
        way,
        pinned,
        memory_growth: peak.saturating_sub(before),
        today: epoch(),
        now: &now,
        is_on: &is_on,
    };
    let diagnosis = Diagnosis {
        schema_version: SCHEMA_VERSION,
        kind: "diagnose",
        version: env!("CARGO_PKG_VERSION"),
        target: &outcome.name,
        endpoint: &outcome.endpoint,
        transport: outcome.transport,
        status: outcome.status,
        failure: outcome.failure.as_ref(),
        attempts: outcome.attempts,
        steps: steps(&facts),
        measures: measures(&facts),
        problems: problems(&facts),
        causes: causes(&facts),
        tls: match &facts.way {
            Way::Remote { tls: Some(Ok(tls)), .. } => Some(tls),
            Way::Remote { .. } | Way::Program { .. } | Way::Unknown => None,
        },
    };
    deliver(&diagnosis, || diagnosis.text(), args.format, args.output.as_deref())?;
    if let Some(code) = signal::caught() {
        return Ok(Exit::Signal(code));
    }
    Ok(if outcome.status == Status::Complete { Exit::Complete } else { Exit::Incomplete })
}

/// What can be found out about the way to `target` besides.
fn way(target: &Target, outcome: &Outcome, cancel: &Cancel) -> Way {
    let redaction = target.redaction();
    let clean = |text: &str| quote(&redaction.clean(text), LONGEST);
    match &target.endpoint {
        Endpoint::Stdio(command) => {
            let found = search(command);
            Way::Program {
                name: clean(&command.program),
                directories: distinct(found.directories.iter().map(|d| clean(&d.to_string_lossy()))),
                found: found.found.map(|p| clean(&p.to_string_lossy())).map_err(|why| clean(&why)),
            }
        }
        Endpoint::Remote(remote) => {
            let seen = look(&remote.url, cancel, Deadline::after(LOOK));
            let secure = remote.url.get(..8).is_some_and(|s| s.eq_ignore_ascii_case("https://"));
            // Past a proxy a look would go round it, and where nobody is there is nothing to see.
            let reached = outcome.timing.tls_ms.is_some();
            let tls = match &seen.addresses {
                Ok(addresses) if secure && reached && seen.proxy.is_none() => {
                    let by = Deadline::after(LOOK);
                    Some(look_at_certificate(&remote.url, addresses, cancel, by).map_err(|why| clean(&why)))
                }
                Ok(_) | Err(_) => None,
            };
            Way::Remote {
                url: clean(outcome.endpoint.url.as_deref().unwrap_or_default()),
                proxy: seen.proxy.map(|p| clean(&p)),
                addresses: seen.addresses.map(|all| all.iter().map(ToString::to_string).collect()),
                tls,
            }
        }
        Endpoint::Unknown => Way::Unknown,
    }
}

/// A PATH often names a directory twice.
fn distinct(directories: impl Iterator<Item = String>) -> Vec<String> {
    let mut known = Vec::new();
    for directory in directories {
        if !known.contains(&directory) {
            known.push(directory);
        }
    }
    known
}

impl Diagnosis<'_> {
    /// For people.
    fn text(&self) -> String {
        let heads = ["step", "state", "ms", "items", "pages", "bytes", ""].map(str::to_owned).to_vec();
        let count = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
        let row = |s: &Step| {
            vec![
                s.step.to_owned(),
                s.state.name().to_owned(),
                s.ms.map_or_else(String::new, ms),
                count(s.items.map(|n| n as u64)),
                count(s.pages.map(u64::from)),
                count(s.bytes),
                s.detail.clone(),
            ]
        };
        let rows: Vec<_> = std::iter::once(heads).chain(self.steps.iter().map(row)).collect();
        let sides = [Side::Left, Side::Left, Side::Right, Side::Right, Side::Right, Side::Right, Side::Left];
        let mut text =
            format!("{}: {}\n\n{}", quote(self.target, 120), self.status.name(), lay_out(&rows, &sides));
        let m = &self.measures;
        // Of what failed at once, a rate says nothing.
        let rate = match self.status {
            Status::Complete | Status::Partial => format!(" ({:.2} servers/s)", m.servers_per_second),
            Status::Failed | Status::NotEvaluated => String::new(),
        };
        text.push_str(&format!(
            "\nconnection {} ms, all {} ms{rate}, memory +{}\n",
            ms(m.connection_ms),
            ms(m.total_ms),
            mib(m.memory_growth_bytes)
        ));
        for problem in &self.problems {
            let name = problem.problem.replace('_', " ");
            text.push_str(&format!("\n{name}: {} (limit {})\n", problem.measured, problem.threshold));
            problem.remedies.iter().for_each(|r| text.push_str(&format!("  - {r}\n")));
        }
        for cause in &self.causes {
            text.push_str(&format!("\ncause: {}\n", cause.cause));
            cause.remedies.iter().for_each(|r| text.push_str(&format!("  - {r}\n")));
        }
        let slow = self.steps.iter().any(|s| s.state == State::Slow);
        if self.problems.is_empty() && self.causes.is_empty() && !slow && self.status == Status::Complete {
            text.push_str("nothing is wrong: no threshold of the tuning guide is crossed\n");
        }
        text
    }
}
