//! The host that scans: targets out to the workers, outcomes back. They are judged here, so that the rules and the
//! policy of this host hold for all of them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::str::from_utf8;
use std::time::Duration;

use crate::analysis::options::Policy;
use crate::app::run::engine::scan_options;
use crate::app::say;
use crate::app::scan::hands::Hands;
use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::cluster::Queue;
use crate::cluster::options::ClusterOptions;
use crate::cluster::post::{Answer, Counts, Job, Run, Told, Why, post};
use crate::cluster::roster::{Beat, Roster};
use crate::config::Settings;
use crate::mcp::origin;
use crate::model::outcome::{Delivery, Failure, FailureKind, Outcome, Phase, Status};
use crate::model::run::{Cluster, Tally, Vitals, WorkerState};
use crate::model::target::{Endpoint, Target};
use crate::probe;
use crate::saved;
use crate::scan::{Heard, judge};
use crate::sys::cancel::Cancel;

use super::parcel::Parcel;
use super::spool::{Known, Spool, mark, path};
use super::terms::Terms;

/// Beyond the end of the run: answers that are on their way.
const GRACE: Duration = Duration::from_secs(3);

/// The workers of a cluster, as hands of a scan.
pub(in crate::app) struct Fleet {
    queue: RefCell<Queue>,
    options: ClusterOptions,
    terms: Vec<u8>,
    assessment: Policy,
    max_duration: Option<Duration>,
    /// What the run is called in the queue.
    run: String,
    /// Its file; and what was in it, for a run that is resumed.
    spool: PathBuf,
    resumed: RefCell<Option<(Spool, Known)>>,
    cancel: Cancel,
    /// Targets that all workers together can have at a time.
    slots: Cell<usize>,
    peak: Cell<usize>,
    /// By name: all that were alive in this run, and those that should be.
    workers: RefCell<BTreeMap<String, WorkerState>>,
    counts: Cell<Counts>,
}

impl Fleet {
    /// The cluster of `settings`, for a new `run` or for the one to `resume`. Connects to nothing.
    pub(in crate::app) fn open(
        settings: &Settings,
        run: &str,
        resume: Option<&str>,
        cancel: &Cancel,
    ) -> Result<Fleet, String> {
        let queue = Queue::new(&settings.cluster)?;
        let terms = serde_json::to_vec(&Terms::of(&scan_options(settings))).map_err(|e| e.to_string())?;
        let run = resume.unwrap_or(run);
        if run.is_empty() || run.len() > 64 || !run.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(format!("--resume {}: is no run", quote(run, 80)));
        }
        let spool = path(&settings.cache.file, run);
        let unread = |e| format!("--resume {run}: {} cannot be read: {e}", spool.display());
        let resumed = resume.map(|_| Spool::resume(spool.clone())).transpose().map_err(unread)?;
        Ok(Fleet {
            queue: RefCell::new(queue),
            options: settings.cluster.clone(),
            terms,
            assessment: settings.assessment.clone(),
            max_duration: settings.max_duration,
            run: run.to_owned(),
            spool,
            resumed: RefCell::new(resumed),
            cancel: cancel.clone(),
            slots: Cell::new(0),
            peak: Cell::new(0),
            workers: RefCell::default(),
            counts: Cell::default(),
        })
    }

    /// Keeps who is alive, and who is no more. The names of others that the queue has are anybody's.
    fn hear(&self, roster: &Roster) {
        let mut workers = self.workers.borrow_mut();
        let down = |name: &str| WorkerState { name: name.to_owned(), up: false, slots: 0, running: 0 };
        for listed in &self.options.workers {
            workers.entry(listed.host.clone()).or_insert_with(|| down(&listed.host));
        }
        workers.values_mut().for_each(|worker| (worker.up, worker.running) = (false, 0));
        for (name, Beat { slots, running, .. }) in roster.alive() {
            let (slots, running) = (*slots, *running);
            workers.insert(name.to_owned(), WorkerState { slots, running, up: true, ..down(name) });
        }
    }

    /// The file of this run, and what is in it already. Without a file the run goes on, and cannot be resumed.
    fn spool(&self, marks: Vec<String>) -> (Option<Spool>, Known) {
        if let Some((spool, known)) = self.resumed.take() {
            return (Some(spool), known);
        }
        let begun = Spool::begin(self.spool.clone(), &self.run, marks.clone());
        let spool = begun.inspect_err(|e| {
            log::warn!("{} cannot be written: {e}; the run cannot be resumed", self.spool.display());
        });
        (spool.ok(), Known { marks, outcomes: HashMap::new() })
    }
}

impl Hands for Fleet {
    fn scan(&self, targets: Vec<Target>, each: &mut dyn FnMut(Heard)) -> Tally {
        let until = self.max_duration.map(Deadline::after);
        let mut tally = Tally::default();
        let mut tell = |each: &mut dyn FnMut(Heard), at: usize, mut outcome: Outcome| {
            judge(&targets[at], &mut outcome, &self.assessment);
            tally.add(&outcome);
            each(Heard::Ended(at, Box::new(outcome)));
        };
        let (mut spool, known) = self.spool(targets.iter().map(mark).collect());
        let numbers = places(&targets, &known.marks);
        // By number of the job: where the target is in the list, if it is there today.
        let mut at: Vec<Option<usize>> = vec![None; known.marks.len()];
        let mut todo = Vec::new();
        let mut outcomes = known.outcomes;
        for (place, target) in targets.iter().enumerate() {
            if let Some(outcome) = probe::untried(target, until, &self.cancel) {
                tell(each, place, outcome);
                continue;
            }
            let Some(number) = numbers[place] else {
                let why = format!("it is none of the servers of run {}", self.run);
                tell(each, place, unanswered(target, Status::NotEvaluated, FailureKind::Config, why));
                continue;
            };
            at[number] = Some(place);
            match outcomes.remove(&number) {
                Some(outcome) => tell(each, place, renamed(target, outcome)),
                None => todo.push(number),
            }
        }
        let jobs: Vec<Job> = at.iter().map(|at| job(at.map(|at| &targets[at]))).collect();
        log::info!(
            "run {}: {} servers to the cluster (--resume {0} if it is cut short)",
            self.run,
            todo.len()
        );
        let body = |number: usize| {
            let parcel = at[number].and_then(|at| Parcel::of(&targets[at], until.map(Deadline::left)));
            serde_json::to_vec(&parcel).unwrap_or_default()
        };
        let run = Run {
            id: &self.run,
            terms: &self.terms,
            jobs: &jobs,
            todo,
            body: &body,
            until: until.map(|until| until.later(GRACE)),
        };
        let mut whole = true;
        let counts =
            post(&mut self.queue.borrow_mut(), &self.options, run, &self.cancel, &mut |told| match told {
                Told::Ended(number, answer) => {
                    let Some(place) = at[number] else { return };
                    let outcome = outcome(&targets[place], answer);
                    if let Some(Err(e)) = spool.as_mut().map(|spool| spool.keep(number, &outcome)) {
                        log::warn!(
                            "{} cannot be written: {e}; the run cannot be resumed",
                            self.spool.display()
                        );
                        spool = None;
                    }
                    tell(each, place, outcome);
                }
                Told::Unanswered(number, why) => {
                    let Some(place) = at[number] else { return };
                    whole &= matches!(why, Why::Poison(_) | Why::NoCommands);
                    tell(each, place, without_answer(&targets[place], why, until, &self.cancel));
                }
                Told::Quiet(roster) => {
                    self.slots.set(roster.alive().map(|(_, beat)| beat.slots).sum());
                    self.peak.set(self.peak.get().max(self.slots.get()));
                    self.hear(roster);
                    each(Heard::Quiet);
                }
            });
        match spool {
            Some(spool) if whole => spool.done(),
            Some(_) => say(&format!("run {} can be taken up again: --resume {0}", self.run)),
            None => {}
        }
        self.counts.set(counts);
        tell_of(counts);
        each(Heard::Complete(tally));
        tally
    }

    fn vitals(&self) -> Vitals {
        Vitals { width: self.slots.get(), width_peak: self.peak.get(), ..Vitals::default() }
    }

    fn cluster(&self) -> Option<Cluster> {
        let Counts { duplicates, again, forged, .. } = self.counts.get();
        let workers = self.workers.borrow().values().cloned().collect();
        Some(Cluster { workers, duplicates, reassigned: again, forged })
    }
}

/// Of each target the number that its job has in the run, if it has one. Two that look the same keep their order.
fn places(targets: &[Target], marks: &[String]) -> Vec<Option<usize>> {
    let mut numbers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, mark) in marks.iter().enumerate().rev() {
        numbers.entry(mark).or_default().push(number);
    }
    targets.iter().map(|target| numbers.get_mut(mark(target).as_str()).and_then(Vec::pop)).collect()
}

/// What the queue has to know of `target`.
fn job(target: Option<&Target>) -> Job {
    let endpoint = target.map(|target| &target.endpoint);
    let origin = match endpoint {
        Some(Endpoint::Remote(remote)) => origin::split(&remote.url).map(|(origin, _)| origin.to_string()),
        _ => None,
    };
    Job { command: matches!(endpoint, Some(Endpoint::Stdio(_))), origin }
}

/// What a worker says of `target`.
fn outcome(target: &Target, answer: Answer) -> Outcome {
    let outcome = match &answer.body {
        Ok(body) => from_utf8(body).ok().and_then(saved::outcome).map(|outcome| renamed(target, outcome)),
        Err(_) => None,
    };
    let outcome = outcome.unwrap_or_else(|| {
        let why = match &answer.body {
            Ok(_) => "it sent what is no outcome: is it of another version?".to_owned(),
            Err(panic) => format!("please report this: {}", quote(panic, 300)),
        };
        let why = format!("worker {} failed: {why}", quote(&answer.worker, 80));
        unanswered(target, Status::Failed, FailureKind::Internal, why)
    });
    let delivery = Delivery { host: answer.host, attempt: answer.attempt };
    Outcome { worker: Some(answer.worker), delivery: Some(delivery), ..outcome }
}

/// `outcome`, told under today's name of its target.
fn renamed(target: &Target, outcome: Outcome) -> Outcome {
    let blank = probe::blank(target, &target.redaction());
    Outcome { name: blank.name, owners: blank.owners, tags: blank.tags, endpoint: blank.endpoint, ..outcome }
}

/// `target`, of which no worker said anything.
fn without_answer(target: &Target, why: Why, until: Option<Deadline>, cancel: &Cancel) -> Outcome {
    let not_evaluated = |kind, why: String| unanswered(target, Status::NotEvaluated, kind, why);
    match why {
        Why::Cancelled | Why::Over => probe::untried(target, until, cancel)
            .unwrap_or_else(|| not_evaluated(FailureKind::Cancelled, "the run was over".to_owned())),
        Why::NoWorker(patience) => {
            let why =
                format!("no worker of the cluster was alive for {} s (hawkeye worker)", patience.as_secs());
            not_evaluated(FailureKind::Cancelled, why)
        }
        Why::NoCommands => {
            let why = "no worker of the cluster runs commands (hawkeye worker --allow-stdio)".to_owned();
            not_evaluated(FailureKind::Config, why)
        }
        Why::Queue(why) => not_evaluated(FailureKind::Cancelled, why),
        Why::Lost(times) => {
            let why =
                format!("the queue lost it {times} times (is its memory full? maxmemory-policy noeviction)");
            not_evaluated(FailureKind::Cancelled, why)
        }
        Why::Poison(times) => {
            let why = format!("{times} workers took it and none came back: it may bring them down");
            unanswered(target, Status::Failed, FailureKind::Internal, why)
        }
    }
}

fn unanswered(target: &Target, status: Status, kind: FailureKind, message: String) -> Outcome {
    let failure = Failure { kind, phase: Phase::Config, message };
    Outcome { status, failure: Some(failure), ..probe::blank(target, &target.redaction()) }
}

fn tell_of(counts: Counts) {
    let Counts { duplicates, again, forged, peak } = counts;
    if again > 0 {
        log::warn!("{again} servers were given out once more, because a worker or the queue lost them");
    }
    if duplicates > 0 {
        log::info!("{duplicates} results came twice; the first of each counts");
    }
    if forged > 0 {
        log::warn!("{forged} entries of the queue were not of this cluster");
    }
    log::info!("{peak} servers were with workers or ahead of them at most");
}
