//! `hawkeye scan`: targets from everywhere, one engine, every sink.
//!
//! `plan` answers every question before anything is started. `pass` tells of each target once: what `remember`
//! has of the cache first, then what the scanner finds. A `round` hears of it and, after the review, hands it to
//! `outputs`, where results go, to `monitor`, which measures the run, and to `trouble`, for the line on what went
//! wrong. `watch` does it all again and again. `hands` are who asks, `database` is what remembers.

pub(super) mod database;
pub(super) mod hands;
mod monitor;
pub(super) mod outputs;
mod pass;
pub(super) mod plan;
mod remember;
mod round;
pub(super) mod trouble;
mod watch;

use std::io;
use std::time::SystemTime;

use crate::analysis::selection::rule_set;
use crate::cli::args::Scan;
use crate::config::Settings;
use crate::model::fail_on::FailOn;
use crate::model::run::{RunInfo, Tally};
use crate::model::shard::ShardRun;
use crate::scan::{Heard, ScanOptions, Scanner};
use crate::sys::cancel::Cancel;
use crate::sys::signal::{self, Bell};
use crate::transport::stdio::launch::Claim;

use super::accepted::Baseline;
use super::cluster::fleet::Fleet;
use super::exit::Exit;
use super::lock::{Lock, NotLocked};
use super::past::{self, Past};
use super::{preflight, say};
use database::Databases;
use hands::Hands;
use monitor::Monitor;
use outputs::Turn;
use pass::pass;
use plan::{Held, Planned, SELF, comparable, plan};
use remember::Remember;
use round::Round;

pub(super) fn run(args: &Scan, process: &[String]) -> Exit {
    let (cancel, bell) = match switches(args) {
        Ok(switches) => switches,
        Err(e) => {
            say(&format!("cannot start: {e}"));
            return Exit::Unwritten;
        }
    };
    // Held until the end of the process: the servers are gone before.
    let _lock = match lock(args, &cancel) {
        Ok(lock) => lock,
        Err(NotLocked::Interrupted) => return Exit::Signal(signal::caught().unwrap_or(130)),
        Err(NotLocked::Refused(why)) => {
            say(&why);
            return Exit::Usage;
        }
    };
    let mut held = Held::default();
    let planned = match plan(args, process, &mut held).and_then(|planned| comparable(args, planned)) {
        Ok(planned) => planned,
        Err(why) => {
            say(&why);
            return Exit::Usage;
        }
    };
    let baseline = match args.baseline.as_deref().map(Baseline::read).transpose() {
        Ok(baseline) => baseline,
        Err(why) => {
            say(&why);
            return Exit::Usage;
        }
    };
    if let Some(left_out) = planned.unjudged() {
        log::warn!("{left_out}");
    }
    if planned.is_empty() {
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
    signal::trip_on_signals(&cancel);
    let settings = &planned.settings;
    let monitor = match Monitor::open(args, &settings.monitoring, settings.cache.in_effect()) {
        Ok(monitor) => monitor,
        Err(why) => {
            say(&why);
            return Exit::Unwritten;
        }
    };
    match (args.watch, bell) {
        (Some(interval), Some(bell)) => {
            watch::Watch { args, process, held, monitor, interval, bell, baseline, cancel: &cancel }
                .run(planned)
        }
        _ => execute(args, process, planned, baseline, monitor, &cancel),
    }
}

/// What ends everything, and what begins a round when things are watched.
fn switches(args: &Scan) -> io::Result<(Cancel, Option<Bell>)> {
    let bell = args.watch.map(|_| Bell::at_hangup()).transpose()?;
    Ok((Cancel::new()?, bell))
}

fn lock(args: &Scan, cancel: &Cancel) -> Result<Option<Lock>, NotLocked> {
    if !(args.lock || args.lock_file.is_some() || args.lock_wait.is_some()) {
        return Ok(None);
    }
    if args.lock_wait.is_some() {
        signal::trip_on_signals(cancel);
    }
    Lock::take(args.lock_file.as_deref(), args.lock_wait.unwrap_or_default(), cancel).map(Some)
}

/// How `settings` scan. For a process that exists for nothing else.
pub(super) fn scan_options(settings: &Settings) -> ScanOptions {
    ScanOptions {
        wire: settings.wire.clone(),
        timeout: settings.timeout,
        max_duration: settings.max_duration,
        max_retries: settings.max_retries,
        width: settings.width,
        batches: settings.batches,
        memory: settings.memory,
        protocol_version: settings.protocol_version,
        assessment: settings.assessment.clone(),
        claim: Claim::Whole { guard_program: SELF.into() },
        pool: None,
        auth_metadata: true,
        differential: settings.differential,
    }
}

/// The same, for those who scan the same targets again and again: sessions are kept in between.
pub(super) fn keeping_options(settings: &Settings) -> ScanOptions {
    ScanOptions { pool: settings.pool, differential: false, ..scan_options(settings) }
}

pub(super) fn run_info(planned: &Planned) -> RunInfo {
    let id = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let mut info = RunInfo {
        id,
        started: SystemTime::now(),
        planned: planned.targets.len(),
        rules: rule_set(&planned.settings.assessment),
        shard: None,
        missing: None,
    };
    if let Some(part) = &planned.part {
        info.set_shard(part.run.clone());
    }
    info
}

/// What outcomes are compared with, and where they are recorded.
fn past_of(
    args: &Scan,
    process: &[String],
    settings: &Settings,
    databases: &Databases,
    baseline: Option<Baseline>,
) -> Option<Past> {
    let named = !(args.urls.is_empty() && process.is_empty() && args.targets.is_empty() && !args.demo);
    let files = if named { &args.targets } else { &settings.targets.files };
    let what = past::described(args.urls.len(), !process.is_empty(), files, args.demo);
    let what = args.shard.map_or(what.clone(), |shard| format!("shard {shard} of {what}"));
    Past::new(databases.history.clone(), baseline, settings.history, settings.assessment.clone(), what)
}

fn execute(
    args: &Scan,
    process: &[String],
    mut planned: Planned,
    baseline: Option<Baseline>,
    mut monitor: Monitor,
    cancel: &Cancel,
) -> Exit {
    let mut info = run_info(&planned);
    let crew = match Crew::of(args, &mut planned, &info, cancel) {
        Ok(crew) => crew,
        Err(why) => {
            say(&why);
            return Exit::Usage;
        }
    };
    let hands = crew.hands();
    let databases = Databases::open(&planned.settings, cancel);
    let mut past = past_of(args, process, &planned.settings, &databases, baseline);
    info.set_unseen(unseen(&planned.settings, past.as_ref()));
    let mut round = match Round::open(args, &planned, &info, Turn::Only, hands, &mut monitor, cancel) {
        Ok(round) => round.comparing(past.as_mut(), &info, &planned, Turn::Only),
        Err(why) => {
            say(&why);
            return Exit::Unwritten;
        }
    };
    let Planned { settings, targets, .. } = planned;
    let mut remember = Remember::open(&settings, args.refresh, databases.cache, cancel);
    pass(hands, targets, remember.as_mut(), &settings.assessment, |heard| match heard {
        Heard::Quiet => round.quiet(),
        Heard::Ended(at, outcome) => round.outcome(at, outcome, |_| Vec::new()),
        Heard::Complete(_) => round.complete(),
    });
    let ended = round.close();
    crew.finish();
    monitor.tell();
    let exit = verdict(
        ended.unwritten || monitor.failed,
        ended.reader_left,
        ended.tally,
        &settings.gate.fail_on,
        args.allow_incomplete,
    );
    let exit = of_part(exit, &ended.tally, info.shard.as_ref());
    let unseen = unseen(&settings, past.as_ref()).filter(|_| !ended.reader_left);
    let exit = of_unseen(exit, unseen);
    // Whoever has the report before him sees it there.
    if (args.quiet || !args.output.is_empty()) && exit != Exit::Complete {
        ended.trouble.lines(&ended.tally, &settings.gate.fail_on).iter().for_each(|line| say(line));
    }
    exit
}

/// Who asks in this run.
enum Crew {
    Here(Scanner),
    Cluster(Box<Fleet>),
}

impl Crew {
    fn of(args: &Scan, planned: &mut Planned, info: &RunInfo, cancel: &Cancel) -> Result<Crew, String> {
        if planned.settings.cluster.enabled {
            return Fleet::open(&planned.settings, &info.id, args.resume.as_deref(), cancel)
                .map(|fleet| Crew::Cluster(Box::new(fleet)));
        }
        planned.settings.width = preflight::ahead(&planned.settings, &planned.targets);
        Scanner::new(scan_options(&planned.settings), cancel).map(Crew::Here).map_err(|e| e.to_string())
    }

    fn hands(&self) -> &dyn Hands {
        match self {
            Crew::Here(scanner) => scanner,
            Crew::Cluster(fleet) => fleet.as_ref(),
        }
    }

    /// Waits until every server that was started here is gone.
    fn finish(self) {
        match self {
            Crew::Here(scanner) => scanner.finish(),
            Crew::Cluster(_) => {}
        }
    }
}

/// A part that has none of the servers of a list is done with all that it has.
fn of_part(exit: Exit, tally: &Tally, shard: Option<&ShardRun>) -> Exit {
    let nothing_to_do = tally.targets == 0 && shard.is_some_and(|shard| shard.of > 0);
    if exit == Exit::Incomplete && nothing_to_do { Exit::Complete } else { exit }
}

/// Why drift that fails a run could not be seen in it.
fn unseen(settings: &Settings, past: Option<&Past>) -> Option<String> {
    past.filter(|_| settings.gate.fail_on.drift)?.lost()
}

/// Where drift fails a run, one that could not see it does not pass; that is said whatever `-q` says.
pub(in crate::app) fn of_unseen(exit: Exit, unseen: Option<String>) -> Exit {
    let Some(why) = unseen else { return exit };
    say(&format!(
        "drift cannot be ruled out, as servers were not compared with earlier runs: {why} (hawkeye scan --baseline \
         FILE compares without a history)"
    ));
    if exit == Exit::Complete { Exit::Incomplete } else { exit }
}

/// How a run ends, in the contract's order. `lenient`: servers that are not complete are accepted.
pub(in crate::app) fn verdict(
    unwritten: bool,
    reader_left: bool,
    tally: Tally,
    fail_on: &FailOn,
    lenient: bool,
) -> Exit {
    if unwritten {
        return Exit::Unwritten;
    }
    if let Some(code) = signal::caught() {
        return Exit::Signal(code);
    }
    if reader_left {
        return Exit::Complete;
    }
    if tally.failing > 0 || (fail_on.drift && tally.drifted > 0) {
        return Exit::Gate;
    }
    let whole = tally.targets > 0 && tally.complete == tally.targets;
    // Where nothing answered there is nothing to accept.
    let some = tally.complete + tally.partial > 0;
    let accepted = lenient && !fail_on.incomplete && some;
    if whole || accepted { Exit::Complete } else { Exit::Incomplete }
}
