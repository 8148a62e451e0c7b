//! `hawkeye scan`: targets from everywhere, one engine, every sink.
//!
//! `plan` answers every question before anything is started, `outputs` is where results go.

pub(super) mod outputs;
pub(super) mod plan;
mod remember;

use std::time::SystemTime;

use crate::analysis;
use crate::analysis::rules::rule_set;
use crate::cli::args::{FailOn, Scan};
use crate::config::Settings;
use crate::model::finding::Severity;
use crate::model::run::{RunInfo, Tally};
use crate::scan::{Heard, ScanOptions, Scanner};
use crate::sys::cancel::Cancel;
use crate::sys::signal;
use crate::transport::stdio::launch::Claim;

use super::exit::Exit;
use super::say;
use outputs::Outputs;
use plan::{Planned, SELF, plan};
use remember::{Misses, Remember};

pub(super) fn run(args: &Scan, process: &[String]) -> Exit {
    let planned = match plan(args, process) {
        Ok(planned) => planned,
        Err(why) => {
            say(&why);
            return Exit::Usage;
        }
    };
    if planned.targets.is_empty() {
        say(match planned.disabled {
            0 => {
                "no target: give a URL, -- COMMAND, --targets FILE or --demo, or name targets in \
                 ~/.hawkeye/hawkeye.yaml (hawkeye scan --help)"
            }
            _ => "no target: every server of the file is disabled",
        });
        // An empty report is still a report, where one was asked for.
        if args.format.is_none() && args.output.is_empty() {
            return Exit::Incomplete;
        }
    }
    let cancel = match Cancel::new() {
        Ok(cancel) => cancel,
        Err(e) => {
            say(&format!("cannot start: {e}"));
            return Exit::Unwritten;
        }
    };
    signal::trip_on_signals(&cancel);
    execute(args, planned, &cancel)
}

fn execute(args: &Scan, planned: Planned, cancel: &Cancel) -> Exit {
    let Planned { settings, targets, disabled, fleet, .. } = planned;
    let info =
        RunInfo { id: run_id(), started: SystemTime::now(), planned: targets.len(), rules: rule_set() };
    let mut outputs = match Outputs::open(args, &info, settings.concurrency, cancel) {
        Ok(outputs) => outputs,
        Err(why) => {
            say(&why);
            return Exit::Unwritten;
        }
    };
    let mut remember = Remember::open(&settings, args.refresh, cancel);
    let assessment = settings.assessment.clone();
    let options = scan_options(settings);
    let scanner = match Scanner::new(options, cancel) {
        Ok(scanner) => scanner,
        Err(e) => {
            say(&e.to_string());
            return Exit::Usage;
        }
    };
    let mut tally = Tally { disabled, ..Tally::default() };
    let Misses { targets, places } = match &mut remember {
        // Stored outcomes pass here, and only here, on their way to the report.
        Some(remember) => remember.recall(targets, |at, target, mut outcome| {
            // Judged anew: the rules may be younger than the answer.
            analysis::judge(target, &mut outcome, &assessment);
            tally.add(&outcome);
            outputs.outcome(at, &outcome);
        }),
        None => Misses::all(targets),
    };
    scanner.scan(targets, |heard| match heard {
        Heard::Quiet => {
            remember.iter_mut().for_each(Remember::write);
            outputs.tick();
        }
        Heard::Ended(at, outcome) => {
            let (at, key) = places[at];
            outputs.outcome(at, &outcome);
            remember.iter_mut().for_each(|r| r.keep(key, &outcome));
        }
        // The report is out before the last server is.
        Heard::Complete(counted) => {
            tally += counted;
            outputs.end(cancel.is_tripped(), tally);
            remember.iter_mut().for_each(Remember::write);
        }
    });
    scanner.finish();
    drop(fleet);
    verdict(&outputs, tally, args)
}

/// How `settings` scan. For a process that exists for nothing else.
pub(super) fn scan_options(settings: Settings) -> ScanOptions {
    ScanOptions {
        wire: settings.wire,
        timeout: settings.timeout,
        max_duration: settings.max_duration,
        max_retries: settings.max_retries,
        concurrency: settings.concurrency,
        protocol_version: settings.protocol_version,
        assessment: settings.assessment,
        claim: Claim::Whole { guard_program: SELF.into() },
    }
}

fn verdict(outputs: &Outputs<'_>, tally: Tally, args: &Scan) -> Exit {
    if outputs.failed {
        return Exit::Unwritten;
    }
    if let Some(code) = signal::caught() {
        return Exit::Signal(code);
    }
    if outputs.reader_left {
        return Exit::Complete;
    }
    if tally.findings.at_least(threshold(args.fail_on)) > 0 {
        return Exit::Gate;
    }
    let whole = tally.targets > 0 && tally.complete == tally.targets;
    if whole || (args.allow_incomplete && tally.targets > 0) { Exit::Complete } else { Exit::Incomplete }
}

/// The least severity that fails a run; none, where nothing does.
fn threshold(fail_on: Option<FailOn>) -> Option<Severity> {
    match fail_on.unwrap_or(FailOn::High) {
        FailOn::Never => None,
        FailOn::Info => Some(Severity::Info),
        FailOn::Low => Some(Severity::Low),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::High => Some(Severity::High),
        FailOn::Critical => Some(Severity::Critical),
    }
}

fn run_id() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}
