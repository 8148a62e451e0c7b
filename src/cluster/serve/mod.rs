//! A worker: jobs in, done by threads, results out.
//!
//! One thread speaks with the queue; the others only work. A job is taken when there is a thread for it, and is
//! renewed as long as it is here. What could not be sent because the queue is away is kept until it is back, and
//! meanwhile nothing is taken.

mod admit;
mod presence;

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use redis::streams::StreamReadReply;
use redis::{Value, cmd, pipe};

use crate::base::text::{panic_text, quote};
use crate::base::time::Deadline;
use crate::cluster::entry::{self, BODY, End, NUMBER, ResultHead};
use crate::cluster::keys::Lane;
pub(crate) use crate::cluster::link::Trouble;
use crate::cluster::options::ClusterOptions;
use crate::cluster::queue::{DAY, GROUP, Queue};
use crate::cluster::roster::Beat;
use crate::cluster::seal::Purpose;
use crate::sys::cancel::Cancel;

/// How long a job is waited for: short while others run, whose results must not wait.
const WHILE_BUSY: Duration = Duration::from_millis(25);
const WHILE_IDLE: Duration = Duration::from_millis(500);
/// Results that are sent at once, and their bytes.
const PORTION: usize = 64;
const PORTION_BYTES: usize = 8 << 20;
/// Runs whose terms are remembered.
const MOST_RUNS: usize = 16;
/// Jobs that are remembered, so that a copy of one is known.
const MOST_SEEN: usize = 65_536;
/// A worker waits longer for its queue than a scan does.
const PATIENCE_OF_A_WORKER: u32 = 10;

/// Who works, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Station {
    /// Unique among the workers of a queue.
    pub name: String,
    pub host: String,
    /// Jobs at a time.
    pub slots: usize,
    /// Whether it starts commands.
    pub commands: bool,
    /// Bytes of a thread's stack.
    pub stack: usize,
}

/// A job, as a thread gets it.
#[derive(Debug)]
pub(crate) struct Task {
    /// Of this run,
    pub run: String,
    /// this number.
    pub number: usize,
    /// What holds for all jobs of the run.
    pub terms: Arc<Vec<u8>>,
    /// What the poster gave along.
    pub body: Vec<u8>,
    /// How often it was with a worker, this time included.
    pub attempt: u32,
}

/// What is told on the calling thread.
#[derive(Debug)]
pub(crate) enum Heard<'a> {
    /// The queue is there, and jobs are taken.
    Ready,
    /// A while passed. Whether the queue is there.
    Tick(&'a Beat, bool),
}

/// Takes jobs until `cancel` is tripped, and then ends those it has. `work` has the result of a job, or nothing if
/// it was not done and somebody else must do it.
pub(crate) fn serve(
    queue: &mut Queue,
    options: &ClusterOptions,
    station: &Station,
    cancel: &Cancel,
    work: impl Fn(&Task) -> Option<Vec<u8>> + Send + Sync + 'static,
    each: &mut dyn FnMut(Heard<'_>),
) -> Result<(), Trouble> {
    let (hand_out, inbox) = bounded::<Held>(station.slots);
    let (report, finished) = bounded::<Finished>(station.slots);
    let work = Arc::new(work);
    for number in 1..=station.slots {
        let (inbox, report, work) = (inbox.clone(), report.clone(), work.clone());
        let thread =
            thread::Builder::new().name(format!("Cluster-Worker-{number}")).stack_size(station.stack);
        thread.spawn(move || labour(&inbox, &report, &*work)).map_err(|e| {
            Trouble::Refused(format!("only {} threads can be started: {e} (ulimit -u)", number - 1))
        })?;
    }
    let mut worker = Worker::new(queue, options, station, hand_out, finished);
    let served = worker.go(cancel, each);
    worker.leave();
    served
}

/// A thread's life: one job after the other, whatever becomes of them.
fn labour(
    inbox: &Receiver<Held>,
    report: &Sender<Finished>,
    work: &(dyn Fn(&Task) -> Option<Vec<u8>> + Sync),
) {
    for held in inbox {
        let end = match catch_unwind(AssertUnwindSafe(|| work(&held.task))) {
            Ok(Some(body)) => Some((End::Done, body)),
            Ok(None) => None,
            Err(panic) => Some((End::Panicked(quote(panic_text(panic.as_ref()), 300)), Vec::new())),
        };
        if report.send(Finished { held, end }).is_err() {
            return;
        }
    }
}

/// A job that is here.
#[derive(Debug)]
struct Held {
    place: Place,
    task: Task,
}

/// Where a job is in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    lane: Lane,
    entry: String,
}

/// A job that a thread is done with.
#[derive(Debug)]
struct Finished {
    held: Held,
    end: Option<(End, Vec<u8>)>,
}

/// What holds for a run.
#[derive(Debug, Clone)]
struct Terms {
    body: Arc<Vec<u8>>,
    /// Jobs of it at a time.
    most: usize,
}

struct Worker<'a> {
    queue: &'a mut Queue,
    options: &'a ClusterOptions,
    station: &'a Station,
    lanes: Vec<Lane>,
    hand_out: Sender<Held>,
    finished: Receiver<Finished>,
    /// Taken, and not begun.
    taken: VecDeque<Held>,
    /// With a thread, by run.
    running: HashMap<Place, String>,
    /// To be sent.
    results: Vec<(Place, String, usize, ResultHead, Vec<u8>)>,
    /// To be cleared away: nobody is to do them any more.
    dropped: Vec<Place>,
    /// The entry that gets its last chance here, as long as it is held.
    last_chance: Option<Place>,
    /// The last sign of life came late.
    held_up: bool,
    terms: HashMap<String, Terms>,
    /// Which entry a job was first seen in; the oldest are forgotten first.
    seen: HashMap<u64, String>,
    seen_order: VecDeque<u64>,
    beat: Beat,
    beaten: Option<Instant>,
    began: Instant,
    /// When jobs were done, of the last minute.
    ends: VecDeque<Instant>,
    adrift: bool,
    ready: bool,
    warned_of_forgery: bool,
}

impl<'a> Worker<'a> {
    fn new(
        queue: &'a mut Queue,
        options: &'a ClusterOptions,
        station: &'a Station,
        hand_out: Sender<Held>,
        finished: Receiver<Finished>,
    ) -> Worker<'a> {
        let mut lanes = vec![Lane::Worker(station.name.clone()), Lane::Remote];
        lanes.extend(station.commands.then_some(Lane::Command));
        let beat = Beat {
            instance: fastrand::u64(..),
            count: 0,
            host: station.host.clone(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: station.slots,
            commands: station.commands,
            draining: false,
            running: 0,
            done: 0,
            up: 0,
            last_minute: 0,
        };
        Worker {
            queue,
            options,
            station,
            lanes,
            hand_out,
            finished,
            taken: VecDeque::new(),
            running: HashMap::new(),
            results: Vec::new(),
            dropped: Vec::new(),
            last_chance: None,
            held_up: false,
            terms: HashMap::new(),
            seen: HashMap::new(),
            seen_order: VecDeque::new(),
            beat,
            beaten: None,
            began: Instant::now(),
            ends: VecDeque::new(),
            adrift: true,
            ready: false,
            warned_of_forgery: false,
        }
    }

    fn go(&mut self, cancel: &Cancel, each: &mut dyn FnMut(Heard<'_>)) -> Result<(), Trouble> {
        // So that the waits of a worker that drains are not cut short by what made it drain.
        let never = Cancel::new().map_err(|e| Trouble::Refused(format!("cannot start: {e}")))?;
        let mut away: Option<Deadline> = None;
        loop {
            if cancel.is_tripped() && !self.beat.draining {
                self.beat.draining = true;
                self.beaten = None;
                // Others claim what was not begun.
                self.taken.clear();
            }
            self.collect(Duration::ZERO);
            if self.beat.draining && self.running.is_empty() && (self.results.is_empty() || !self.ready) {
                return Ok(());
            }
            match self.turn(cancel, each) {
                Ok(()) => {
                    if away.take().is_some() {
                        log::warn!("the queue at {} is back", self.queue.shown());
                    }
                }
                Err(Trouble::Refused(why)) => return Err(Trouble::Refused(why)),
                Err(Trouble::Lost) => self.adrift = true,
                // A signal cut the answer short.
                Err(Trouble::Away(_)) if cancel.is_tripped() && !self.beat.draining => self.adrift = true,
                Err(Trouble::Away(why)) => {
                    self.adrift = true;
                    let patience = match self.beat.draining {
                        true => self.options.patience,
                        false => self.options.patience * PATIENCE_OF_A_WORKER,
                    };
                    let by = *away.get_or_insert_with(|| {
                        log::warn!("{why}; trying again for {} s", patience.as_secs());
                        Deadline::after(patience)
                    });
                    let watched = if self.beat.draining { &never } else { cancel };
                    if !self.queue.link.rest(by, watched) && by.passed() {
                        return Err(Trouble::Away(why));
                    }
                }
            }
            each(Heard::Tick(&self.beat, !self.adrift));
        }
    }

    fn turn(&mut self, cancel: &Cancel, each: &mut dyn FnMut(Heard<'_>)) -> Result<(), Trouble> {
        if self.adrift {
            self.queue.greet(&self.lanes)?;
            self.join()?;
            if !self.ready {
                self.claim_the_name(cancel)?;
                self.beat()?;
                self.take_up()?;
                self.ready = true;
                each(Heard::Ready);
            }
            self.adrift = false;
        }
        self.send()?;
        if self.beaten.is_none_or(|at| at.elapsed() >= self.options.beat()) {
            let before = self.beaten;
            self.beat()?;
            self.renew()?;
            // What held us up for so long held up others too: they renew theirs before anybody claims it.
            let held_up = before.is_some_and(|at| at.elapsed() >= self.options.beat() * 2);
            self.held_up = held_up && !self.held_up;
            if !self.beat.draining && !self.held_up {
                self.claim()?;
            }
        } else if self.last_chance.as_ref().is_some_and(|place| !self.holds(place)) && !self.beat.draining {
            self.last_chance = None;
            self.claim()?;
        }
        self.begin();
        let free = self.free();
        if self.beat.draining || free == 0 {
            self.collect(WHILE_IDLE / 2);
            return Ok(());
        }
        let wait = if self.running.is_empty() { WHILE_IDLE } else { WHILE_BUSY };
        let wait = wait.min(self.options.beat() / 2);
        let mut ask = cmd("XREADGROUP");
        ask.arg("GROUP").arg(GROUP).arg(&self.station.name).arg("COUNT").arg(free);
        ask.arg("BLOCK").arg(wait.as_millis() as u64).arg("STREAMS");
        self.lanes.iter().for_each(|lane| {
            ask.arg(self.queue.keys.lane(lane));
        });
        self.lanes.iter().for_each(|_| {
            ask.arg(">");
        });
        let reply: Option<StreamReadReply> = self.queue.link.wait(&ask, wait)?;
        for key in reply.into_iter().flat_map(|reply| reply.keys) {
            let Some(lane) = self.lanes.iter().find(|lane| self.queue.keys.lane(lane) == key.key).cloned()
            else {
                continue;
            };
            for found in key.ids {
                self.admit(&lane, found, 1)?;
            }
        }
        self.begin();
        Ok(())
    }

    /// Threads that have nothing to do, and nothing coming.
    fn free(&self) -> usize {
        self.station.slots.saturating_sub(self.running.len() + self.taken.len())
    }

    /// Takes back what threads are done with; waits for the first of it.
    fn collect(&mut self, wait: Duration) {
        let first = match wait.is_zero() {
            true => self.finished.try_recv().ok(),
            false => self.finished.recv_timeout(wait).ok(),
        };
        let more: Vec<Finished> = first.into_iter().chain(self.finished.try_iter()).collect();
        for Finished { held, end } in more {
            self.running.remove(&held.place);
            let Some((end, body)) = end else { continue };
            self.beat.done += 1;
            self.ends.push_back(Instant::now());
            self.answer(held.place, &held.task.run, held.task.number, held.task.attempt, end, body);
        }
    }

    fn answer(&mut self, place: Place, run: &str, number: usize, attempt: u32, end: End, body: Vec<u8>) {
        let (worker, host) = (self.station.name.clone(), self.station.host.clone());
        self.results.push((place, run.to_owned(), number, ResultHead { worker, host, attempt, end }, body));
    }

    /// Sends results; each takes the place of its job in one transaction.
    fn send(&mut self) -> Result<(), Trouble> {
        while !self.results.is_empty() || !self.dropped.is_empty() {
            let mut bytes = 0;
            let mut commands = pipe();
            commands.atomic();
            let fits = |(.., body): &&(Place, String, usize, ResultHead, Vec<u8>)| {
                let first = bytes == 0;
                bytes += body.len() + 1;
                first || bytes <= PORTION_BYTES
            };
            let portion = self.results.iter().take(PORTION).take_while(fits).count();
            for (place, run, number, head, body) in &self.results[..portion] {
                let sealed = self.queue.seal.seal(Purpose::Result(run, *number), &entry::pack(head, body));
                let key = self.queue.keys.results(run);
                commands
                    .cmd("XADD")
                    .arg(&key)
                    .arg("*")
                    .arg(NUMBER)
                    .arg(*number)
                    .arg(BODY)
                    .arg(sealed)
                    .ignore();
                commands.cmd("EXPIRE").arg(&key).arg(DAY.as_secs()).ignore();
                self.queue.drop_entry(&mut commands, &place.lane, &place.entry);
            }
            for place in &self.dropped {
                self.queue.drop_entry(&mut commands, &place.lane, &place.entry);
            }
            let _: Value = self.queue.link.ask_all(&commands)?;
            self.results.drain(..portion);
            self.dropped.clear();
        }
        Ok(())
    }

    /// Gives threads what was taken; of a run no more than its terms allow.
    fn begin(&mut self) {
        let mut later = VecDeque::new();
        while let Some(held) = self.taken.pop_front() {
            let run = &held.task.run;
            let most = self.terms.get(run).map_or(usize::MAX, |terms| terms.most);
            let of_run = self.running.values().filter(|running| *running == run).count();
            if self.running.len() >= self.station.slots || of_run >= most {
                later.push_back(held);
                continue;
            }
            self.running.insert(held.place.clone(), run.clone());
            // There is room for as many as there are threads.
            let _ = self.hand_out.try_send(held);
        }
        self.taken = later;
    }
}
