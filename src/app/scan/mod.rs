//! `hawkeye scan`: targets from everywhere, one engine, every sink.
//!
//! `plan` answers every question before anything is started, `outputs` is where results go.

mod monitor;
mod outputs;
mod plan;

use std::time::SystemTime;

use crate::cli::args::Scan;
use crate::model::run::{RunInfo, Tally};
use crate::scan::{Heard, ScanOptions, Scanner};
use crate::sys::cancel::Cancel;
use crate::sys::signal;
use crate::transport::stdio::launch::Claim;

use super::exit::Exit;
use super::say;
use monitor::Monitor;
use outputs::Outputs;
use plan::{Planned, SELF, plan};

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
    let Planned { settings, targets, disabled, fleet } = planned;
    let info = RunInfo { id: run_id(), started: SystemTime::now(), planned: targets.len() };
    let mut monitor = match Monitor::open(args, &settings.monitoring, false) {
        Ok(monitor) => monitor,
        Err(why) => {
            say(&why);
            return Exit::Unwritten;
        }
    };
    monitor.begin(&info, settings.concurrency);
    let mut outputs = match Outputs::open(args, &info, settings.concurrency, cancel) {
        Ok(outputs) => outputs,
        Err(why) => {
            say(&why);
            return Exit::Unwritten;
        }
    };
    let options = ScanOptions {
        wire: settings.wire,
        timeout: settings.timeout,
        max_duration: settings.max_duration,
        max_retries: settings.max_retries,
        concurrency: settings.concurrency,
        protocol_version: settings.protocol_version,
        claim: Claim::Whole { guard_program: SELF.into() },
    };
    let mut tally = Tally::default();
    let scanner = match Scanner::new(options, cancel) {
        Ok(scanner) => scanner,
        Err(e) => {
            say(&e.to_string());
            return Exit::Usage;
        }
    };
    scanner.scan(targets, |heard| match heard {
        Heard::Quiet => {
            outputs.tick();
            monitor.tick(|| scanner.vitals());
        }
        Heard::Ended(at, outcome) => {
            outputs.outcome(at, &outcome);
            monitor.outcome(&outcome);
            monitor.tick(|| scanner.vitals());
        }
        // The report is out before the last server is.
        Heard::Complete(counted) => {
            tally = Tally { disabled, ..counted };
            outputs.end(cancel.is_tripped(), tally);
            monitor.end(cancel.is_tripped(), &scanner.vitals());
        }
    });
    scanner.finish();
    drop(fleet);
    monitor.tell();
    outputs.failed |= monitor.failed;
    verdict(&outputs, tally, args.allow_incomplete)
}

fn verdict(outputs: &Outputs<'_>, tally: Tally, allow_incomplete: bool) -> Exit {
    if outputs.failed {
        return Exit::Unwritten;
    }
    if let Some(code) = signal::caught() {
        return Exit::Signal(code);
    }
    if outputs.reader_left {
        return Exit::Complete;
    }
    let whole = tally.targets > 0 && tally.complete == tally.targets;
    if whole || (allow_incomplete && tally.targets > 0) { Exit::Complete } else { Exit::Incomplete }
}

fn run_id() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}
