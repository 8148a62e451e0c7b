//! `hawkeye worker`: asks for others, and judges nothing.

use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::app::exit::Exit;
use crate::app::run::engine::scan_options;
use crate::app::run::plan::start_log;
use crate::app::{preflight, say};
use crate::base::text::plural;
use crate::base::time::Deadline;
use crate::cli::args::{Concurrency, Worker as Args};
use crate::cluster::Queue;
use crate::cluster::pace::Pace;
use crate::cluster::serve::{Heard, Station, Task, Trouble, serve};
use crate::config::{Environment, Overrides, Settings, resolve};
use crate::engine::STACK;
use crate::mcp::origin::Origin;
use crate::model::outcome::{Failure, FailureKind, Outcome, Phase, Status};
use crate::model::run::Vitals;
use crate::model::target::{Endpoint, Target};
use crate::probe;
use crate::scan::{Asker, ScanOptions};
use crate::sys::cancel::Cancel;
use crate::sys::host::sysctl;
use crate::sys::signal;
use crate::transport::options::Rate;
use crate::transport::pace::Turns;

use super::gauges::Gauges;
use super::parcel::Parcel;
use super::terms::Terms;

/// Letters of a worker's name.
const LONGEST_NAME: usize = 128;

pub(in crate::app) fn run(args: &Args) -> Exit {
    let flags = Overrides {
        config: args.config.clone(),
        profile: args.profile.clone(),
        concurrency: args.concurrency,
        ..Overrides::default()
    };
    let resolved = Environment::of_process().and_then(|environment| resolve(&flags, &environment));
    let settings = match resolved {
        Ok(resolved) => resolved.settings,
        Err(e) => return usage(&e.to_string()),
    };
    start_log(false, args.verbose.max(u8::from(settings.verbose)));
    let (mut queue, station) =
        match Queue::new(&settings.cluster).and_then(|q| Ok((q, station(args, &settings)?))) {
            Ok(ready) => ready,
            Err(why) => return usage(&why),
        };
    let mut gauges = match Gauges::open(args, &settings, &station.name) {
        Ok(gauges) => gauges,
        Err(why) => {
            say(&why);
            return Exit::Unwritten;
        }
    };
    let (Ok(drain), Ok(never)) = (Cancel::new(), Cancel::new()) else {
        say("cannot start: no descriptor is left (ulimit -n)");
        return Exit::Unwritten;
    };
    signal::trip_on_signals(&drain);
    let desk = Arc::new(Desk {
        own: ScanOptions { pool: None, ..scan_options(&settings) },
        commands: args.allow_stdio,
        name: station.name.clone(),
        turns: Arc::new(Shared(Pace::new(&queue))),
        told: gauges.as_ref().map(Gauges::ear),
        cancel: never,
        asking: Mutex::new(Asking::default()),
        left: Condvar::new(),
    });
    let work = {
        let desk = desk.clone();
        move |task: &Task| desk.work(task)
    };
    let shown = queue.shown().to_owned();
    let served = serve(&mut queue, &settings.cluster, &station, &drain, work, &mut |heard| match heard {
        Heard::Tick(beat, up) => gauges.iter_mut().for_each(|gauges| gauges.tick(beat, up, &desk)),
        Heard::Ready => {
            let Station { name, slots, commands, .. } = &station;
            let what = if *commands {
                "commands and URLs"
            } else {
                "URLs; commands are for workers with --allow-stdio"
            };
            say(&format!("worker {name} takes {} at a time from {shown}: {what}", plural(*slots, "server")));
        }
    });
    desk.close();
    let unwritten = gauges.is_some_and(|gauges| {
        gauges.end().is_err_and(|why| {
            say(&why);
            true
        })
    });
    match served {
        Ok(()) if unwritten => Exit::Unwritten,
        Ok(()) => Exit::Complete,
        Err(Trouble::Away(why)) => {
            say(&why);
            Exit::Unwritten
        }
        Err(trouble) => usage(&trouble.to_string()),
    }
}

fn usage(why: &str) -> Exit {
    say(why);
    Exit::Usage
}

/// Who this worker is.
fn station(args: &Args, settings: &Settings) -> Result<Station, String> {
    let host = sysctl(Path::new("/"), "kernel.hostname").unwrap_or_else(|| "localhost".to_owned());
    let name = args.name.clone().unwrap_or_else(|| host.clone());
    let fits = |b: u8| b.is_ascii_alphanumeric() || b".-_:@".contains(&b);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(fits) {
        return Err(format!("--name must be letters, digits and .-_:@, {LONGEST_NAME} at most"));
    }
    let listed = settings.cluster.workers.iter().find(|listed| listed.host == name);
    let slots = match (args.concurrency, listed.and_then(|listed| listed.max_concurrent)) {
        (Some(Concurrency::Exactly(n)), _) | (None, Some(n)) => n,
        (Some(Concurrency::Auto) | None, _) => preflight::ahead(settings, &[]).start(),
    };
    Ok(Station { name, host, slots, commands: args.allow_stdio, stack: STACK })
}

/// Where jobs are worked at. All at a time are of one asker: it looks after all processes of this one. A run under
/// other terms waits until those before it are done.
pub(super) struct Desk {
    own: ScanOptions,
    commands: bool,
    name: String,
    /// The rate holds for all workers together.
    turns: Arc<Shared>,
    /// Where outcomes are counted, if they are.
    told: Option<Sender<Outcome>>,
    cancel: Cancel,
    asking: Mutex<Asking>,
    /// Somebody is done.
    left: Condvar,
}

#[derive(Default)]
struct Asking {
    terms: Arc<Vec<u8>>,
    asker: Option<Arc<Asker>>,
    busy: usize,
}

impl Desk {
    fn work(&self, task: &Task) -> Option<Vec<u8>> {
        let outcome = match serde_json::from_slice::<Option<Parcel>>(&task.body) {
            Ok(Some(parcel)) => self.outcome(parcel, task),
            Ok(None) | Err(_) => {
                let why = "the job cannot be read: is the scanning host of another version?".to_owned();
                refused(&Target::unknown("?"), FailureKind::Internal, why)
            }
        };
        let body = serde_json::to_vec(&outcome).ok();
        if let Some(told) = &self.told {
            let _ = told.send(Outcome { worker: Some(self.name.clone()), ..outcome });
        }
        body
    }

    /// What the transports of this run did so far.
    pub(super) fn vitals(&self) -> Vitals {
        let asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.asker.as_ref().map(|asker| asker.vitals()).unwrap_or_default()
    }

    fn outcome(&self, parcel: Parcel, task: &Task) -> Outcome {
        let until = parcel.left.map(Deadline::after);
        let target = parcel.target();
        if matches!(target.endpoint, Endpoint::Stdio(_)) && !self.commands {
            let why = format!("worker {} runs no commands (--allow-stdio)", self.name);
            return Outcome { status: Status::NotEvaluated, ..refused(&target, FailureKind::Config, why) };
        }
        match self.enter(&task.terms) {
            Ok(asker) => {
                let outcome = asker.ask(&target, until);
                drop(asker);
                self.leave();
                outcome
            }
            Err(why) => refused(&target, FailureKind::Config, why),
        }
    }

    /// The asker under these `terms`. Whoever has it is to leave.
    fn enter(&self, terms: &Arc<Vec<u8>>) -> Result<Arc<Asker>, String> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(asker) = asking.asker.as_ref().filter(|_| asking.terms == *terms) {
                let asker = asker.clone();
                asking.busy += 1;
                return Ok(asker);
            }
            if asking.busy == 0 {
                break;
            }
            // Those before us have their deadlines.
            let waited = self.left.wait_timeout(asking, Duration::from_secs(1));
            asking = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(old) = asking.asker.take() {
            Asker::finish(old);
        }
        let parsed: Terms = serde_json::from_slice(terms)
            .map_err(|_| "the terms of the run cannot be read: is the scanning host of another version?")?;
        let options = parsed.applied(&self.own);
        let asker = Asker::new(&options, &self.cancel).map_err(|e| e.to_string())?;
        let asker = asker.paced_by(self.turns.clone());
        asking.terms = terms.clone();
        asking.busy = 1;
        Ok(asking.asker.insert(Arc::new(asker)).clone())
    }

    fn leave(&self) {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.busy -= 1;
        self.left.notify_all();
    }

    /// The servers that were started are gone.
    fn close(&self) {
        let asker = self.asking.lock().unwrap_or_else(PoisonError::into_inner).asker.take();
        asker.into_iter().for_each(Asker::finish);
    }
}

/// The rate that all workers of the cluster keep together.
#[derive(Debug)]
struct Shared(Pace);

impl Turns for Shared {
    fn turn(&self, origin: Option<&Origin>, rate: Rate) -> Option<Duration> {
        let whose = origin.map(ToString::to_string);
        self.0.turn(whose.as_deref(), rate.per_minute, rate.burst)
    }
}

/// `target`, which was not asked.
fn refused(target: &Target, kind: FailureKind, message: String) -> Outcome {
    let failure = Failure { kind, phase: Phase::Config, message };
    Outcome { status: Status::Failed, failure: Some(failure), ..probe::blank(target, &target.redaction()) }
}
