//! `hawkeye scan`: targets from everywhere, one engine, every sink.
//!
//! The plan answers every question before anything is started. `pass` tells of each target once: what `remember`
//! has of the cache first, then what the `hands`, who ask, find. A `round` hears of it, tells it on, and has
//! `monitor` measure the run. `watch` does it all again and again.

pub(super) mod hands;
mod monitor;
mod pass;
mod remember;
mod round;
mod watch;

use std::io;

use crate::cli::args::Scan;
use crate::config::Settings;
use crate::model::run::RunInfo;
use crate::scan::{Heard, Scanner};
use crate::sys::cancel::Cancel;
use crate::sys::signal::{self, Bell};

use super::accepted::Baseline;
use super::cluster::fleet::Fleet;
use super::exit::Exit;
use super::lock::{Lock, NotLocked};
use super::run::database::Databases;
use super::run::engine::scan_options;
use super::run::outputs::Turn;
use super::run::past::{self, Past};
use super::run::plan::{Held, Planned, comparable, names_targets, plan};
use super::{preflight, say};
use hands::Hands;
use monitor::Monitor;
use pass::pass;
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

/// What outcomes are compared with, and where they are recorded.
fn past_of(
    args: &Scan,
    process: &[String],
    settings: &Settings,
    databases: &Databases,
    baseline: Option<Baseline>,
) -> Option<Past> {
    let files = if names_targets(args, process) { &args.targets } else { &settings.targets.files };
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
    let mut info = planned.info();
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
    let mut ended = round.close();
    crew.finish();
    monitor.tell();
    ended.unwritten |= monitor.failed;
    let fail_on = &settings.gate.fail_on;
    let exit = ended.exit(args, fail_on, unseen(&settings, past.as_ref()));
    ended.explain(exit, args, fail_on);
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

/// Why drift that fails a run could not be seen in it.
fn unseen(settings: &Settings, past: Option<&Past>) -> Option<String> {
    past.filter(|_| settings.gate.fail_on.drift)?.lost()
}
