//! The host that scans: jobs out, the first result of each back, whatever happens in between.
//!
//! One thread and one connection: each turn sends what there is room for and takes the results that came. Nothing
//! is in the queue that is not known here, so what the queue or a worker loses is sent again.

mod recover;
mod told;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::streams::{StreamId, StreamReadReply};
use redis::{FromRedisValue, Value, cmd, pipe};

use crate::base::time::Deadline;
use crate::cluster::entry::{self, BODY, End, JobHead, NUMBER, RUN, ResultHead, TermsHead};
use crate::cluster::keys::Lane;
use crate::cluster::link::Trouble;
use crate::cluster::options::ClusterOptions;
use crate::cluster::queue::{DAY, Queue};
use crate::cluster::roster::Roster;
use crate::cluster::seal::Purpose;
use crate::cluster::turns::Turns;
use crate::cluster::waiting::Waiting;
use crate::sys::cancel::Cancel;

pub(crate) use told::{Answer, Counts, Job, Progress, Run, Told, Why};

/// How long a result is waited for before something else is looked after.
const WHILE: Duration = Duration::from_millis(250);
/// Entries that are sent or taken at once.
const PORTION: usize = 256;
/// A job that waited in the queue for so long is done by nobody any more.
const JOB_TTL: Duration = Duration::from_secs(3600);
/// How often a job is sent again that was lost on the way.
const MOST_LOST: u32 = 10;

/// Has the jobs of `run` done by whoever is there, and tells `each` of every one of them once.
pub(crate) fn post(
    queue: &mut Queue,
    options: &ClusterOptions,
    run: Run<'_>,
    cancel: &Cancel,
    each: &mut dyn FnMut(Told<'_>),
) -> Counts {
    let mut poster = Poster::new(queue, options, run);
    let why = poster.go(cancel, each);
    if let Some(why) = why {
        poster.give_up(&why, each);
    }
    poster.leave();
    poster.counts
}

/// Where a job is that is not here.
#[derive(Debug, Clone)]
struct Sent {
    lane: Lane,
    entry: String,
}

/// What is to be remembered of a job that did not come back at once.
#[derive(Debug, Clone, Copy, Default)]
struct Past {
    deliveries: u32,
    lost: u32,
}

struct Poster<'a> {
    queue: &'a mut Queue,
    options: &'a ClusterOptions,
    run: Run<'a>,
    done: Vec<bool>,
    left: usize,
    /// Servers over the network, and commands.
    waiting: [Waiting; 2],
    /// Jobs whose next delivery is their last: one of them is out at a time.
    last_chances: VecDeque<usize>,
    out: HashMap<usize, Sent>,
    pasts: HashMap<usize, Past>,
    turns: Turns,
    roster: Roster,
    /// Results that were taken and are still in the stream.
    taken: Vec<String>,
    /// Entries whose job was answered by another one.
    stale: Vec<Sent>,
    /// When nobody was there any more for servers over the network, and for commands.
    alone_since: [Option<Instant>; 2],
    looked: Option<Instant>,
    /// The last look was left out, because it came late.
    held_up: bool,
    audited: Instant,
    /// Whether the queue has to be asked what it still has of ours, before anything else.
    adrift: bool,
    began: SystemTime,
    counts: Counts,
}

impl<'a> Poster<'a> {
    fn new(queue: &'a mut Queue, options: &'a ClusterOptions, run: Run<'a>) -> Poster<'a> {
        let mut done = vec![true; run.jobs.len()];
        run.todo.iter().for_each(|&number| done[number] = false);
        let waiting = [false, true].map(|command| {
            let mut names: HashMap<&str, u32> = HashMap::new();
            let origins = run.jobs.iter().map(|job| {
                let next = names.len() as u32;
                job.origin.as_deref().map(|origin| *names.entry(origin).or_insert(next))
            });
            let origins = origins.collect();
            let ours = run.todo.iter().copied().filter(|&number| run.jobs[number].command == command);
            Waiting::new(ours, origins, options.max_per_origin)
        });
        Poster {
            left: run.todo.len(),
            turns: Turns::new(options),
            queue,
            options,
            run,
            done,
            waiting,
            last_chances: VecDeque::new(),
            out: HashMap::new(),
            pasts: HashMap::new(),
            roster: Roster::default(),
            taken: Vec::new(),
            stale: Vec::new(),
            alone_since: [None; 2],
            looked: None,
            held_up: false,
            audited: Instant::now(),
            adrift: true,
            began: SystemTime::now(),
            counts: Counts::default(),
        }
    }

    /// Turn after turn, until all is done; or why it cannot be.
    fn go(&mut self, cancel: &Cancel, each: &mut dyn FnMut(Told<'_>)) -> Option<Why> {
        let mut away: Option<Deadline> = None;
        while self.left > 0 {
            if cancel.is_tripped() {
                return Some(Why::Cancelled);
            }
            if self.run.until.is_some_and(Deadline::passed) {
                return Some(Why::Over);
            }
            match self.turn(each) {
                Ok(()) => {
                    if away.take().is_some() {
                        log::warn!("the queue at {} is back", self.queue.shown());
                    }
                }
                Err(Trouble::Refused(why)) => return Some(Why::Queue(why)),
                Err(Trouble::Lost) => self.adrift = true,
                // A signal cut the answer short.
                Err(Trouble::Away(_)) if cancel.is_tripped() => {}
                Err(Trouble::Away(why)) => {
                    self.adrift = true;
                    let by = *away.get_or_insert_with(|| {
                        log::warn!("{why}; trying again for {} s", self.options.patience.as_secs());
                        Deadline::after(self.options.patience)
                    });
                    each(Told::Quiet(&self.roster));
                    if !self
                        .queue
                        .link
                        .rest(self.run.until.map_or(by, |until| until.within(by.left())), cancel)
                        && by.passed()
                    {
                        return Some(Why::Queue(why));
                    }
                }
            }
        }
        None
    }

    fn turn(&mut self, each: &mut dyn FnMut(Told<'_>)) -> Result<(), Trouble> {
        if self.adrift {
            self.announce()?;
            self.find_out()?;
            self.audit(each)?;
            self.adrift = false;
        }
        let looked = self.looked.map(|at| at.elapsed());
        // What held us up for so long held up the workers too: they are heard before they are judged.
        if !self.held_up && looked.is_some_and(|ago| ago >= self.options.beat()) {
            self.held_up = true;
            self.looked = Some(Instant::now());
        } else if looked.is_none_or(|ago| ago >= self.options.look()) {
            self.held_up = false;
            self.look(each)?;
            self.looked = Some(Instant::now());
            each(Told::Quiet(&self.roster));
        }
        if self.audited.elapsed() >= self.options.health_interval {
            self.audit(each)?;
        }
        self.send()?;
        if !self.receive(WHILE.min(self.options.look()), each)? {
            each(Told::Quiet(&self.roster));
        }
        Ok(())
    }

    /// Makes the run known. What was announced before the queue lost its memory is announced again.
    fn announce(&mut self) -> Result<(), Trouble> {
        self.queue.greet(&[Lane::Remote, Lane::Command])?;
        let keys = &self.queue.keys;
        let most = self.options.workers.iter().filter_map(|w| Some((w.host.clone(), w.max_concurrent?)));
        let terms = entry::pack(&TermsHead { most: most.collect() }, self.run.terms);
        let sealed = self.queue.seal.seal(Purpose::Terms(self.run.id), &terms);
        let mut say = pipe();
        say.cmd("SET").arg(keys.terms(self.run.id)).arg(sealed).arg("EX").arg(DAY.as_secs()).ignore();
        say.cmd("SADD").arg(keys.runs()).arg(self.run.id).ignore();
        self.queue.link.ask_all(&say)
    }

    /// Who is alive; what of those who are not.
    fn look(&mut self, each: &mut dyn FnMut(Told<'_>)) -> Result<(), Trouble> {
        self.roster.hear(self.queue, self.options.counts())?;
        self.turns.hear(&self.roster);
        self.fetch_back(each)?;
        for (kind, command) in [false, true].into_iter().enumerate() {
            if self.turns.anybody(command) {
                self.alone_since[kind] = None;
                continue;
            }
            let wanted =
                self.run.jobs.iter().zip(&self.done).any(|(job, done)| !done && job.command == command);
            if !wanted {
                continue;
            }
            let since = *self.alone_since[kind].get_or_insert_with(|| {
                let what = if command { "no worker that runs commands (--allow-stdio)" } else { "no worker" };
                log::warn!("{what} is alive; waiting for one, {} s", self.options.patience.as_secs());
                Instant::now()
            });
            if since.elapsed() >= self.options.patience {
                let why = match command && self.turns.anybody(false) {
                    true => Why::NoCommands,
                    false => Why::NoWorker(self.options.patience),
                };
                for number in 0..self.done.len() {
                    if self.run.jobs[number].command == command {
                        self.unanswered(number, why.clone(), each);
                    }
                }
            }
        }
        let progress = Progress {
            planned: self.run.jobs.len(),
            left: self.left,
            began: seconds(self.began),
            out: self.out.len(),
        };
        let text = serde_json::to_vec(&progress).expect("plain data is JSON");
        let sealed = self.queue.seal.seal(Purpose::Progress(self.run.id), &text);
        let keys = &self.queue.keys;
        let mut say = pipe();
        let stays = self.options.health_interval.as_secs().max(5);
        say.cmd("SET").arg(keys.progress(self.run.id)).arg(sealed).arg("EX").arg(stays).ignore();
        say.cmd("EXPIRE").arg(keys.terms(self.run.id)).arg(DAY.as_secs()).ignore();
        self.queue.link.ask_all(&say)
    }

    /// Sends what there is room for, and clears away what is done with.
    fn send(&mut self) -> Result<(), Trouble> {
        let mut chosen: Vec<(usize, Lane)> = Vec::new();
        for command in [false, true] {
            while chosen.len() < PORTION {
                let waiting = &mut self.waiting[usize::from(command)];
                // A turn is taken only for a job that is there.
                let Some(number) = waiting.take() else { break };
                if self.done[number] || self.out.contains_key(&number) {
                    waiting.done(number);
                    continue;
                }
                match self.turns.next(command) {
                    Some(lane) => chosen.push((number, lane)),
                    None => {
                        waiting.put_back(number);
                        break;
                    }
                }
            }
        }
        if !self.out.keys().any(|&number| self.is_last_chance(number))
            && let Some(&number) = self.last_chances.front()
        {
            let command = self.run.jobs[number].command;
            if self.done[number] {
                self.last_chances.pop_front();
            } else if let Some(lane) = self.turns.next(command) {
                self.last_chances.pop_front();
                self.waiting[usize::from(command)].is_out(number);
                chosen.push((number, lane));
            }
        }
        if chosen.is_empty() && self.taken.is_empty() && self.stale.is_empty() {
            return Ok(());
        }
        let mut commands = pipe();
        if !self.taken.is_empty() {
            commands.cmd("XDEL").arg(self.queue.keys.results(self.run.id)).arg(&self.taken).ignore();
        }
        for sent in &self.stale {
            self.queue.drop_entry(&mut commands, &sent.lane, &sent.entry);
        }
        let expires = seconds(SystemTime::now() + JOB_TTL);
        for (number, lane) in &chosen {
            let before = self.pasts.get(number).map_or(0, |past| past.deliveries);
            let head = JobHead { expires, before, id: fastrand::u64(..) };
            let job = entry::pack(&head, &(self.run.body)(*number));
            let sealed = self.queue.seal.seal(Purpose::Job(self.run.id, *number), &job);
            commands.cmd("XADD").arg(self.queue.keys.lane(lane)).arg("*");
            commands.arg(RUN).arg(self.run.id).arg(NUMBER).arg(*number).arg(BODY).arg(sealed);
        }
        match self.queue.link.ask_all::<Vec<String>>(&commands) {
            Ok(entries) => {
                self.taken.clear();
                self.stale.clear();
                for ((number, lane), entry) in chosen.into_iter().zip(entries) {
                    self.out.insert(number, Sent { lane, entry });
                }
                self.counts.peak = self.counts.peak.max(self.out.len());
                Ok(())
            }
            Err(e) => {
                // In reverse, so that the first is the first again.
                for (number, lane) in chosen.into_iter().rev() {
                    self.turns.back(&lane);
                    self.put_back(number);
                }
                Err(e)
            }
        }
    }

    /// The job of this `number` is to be sent, again.
    fn put_back(&mut self, number: usize) {
        let last = self.is_last_chance(number);
        let waiting = &mut self.waiting[usize::from(self.run.jobs[number].command)];
        if last {
            waiting.done(number);
            self.last_chances.push_back(number);
        } else {
            waiting.put_back(number);
        }
    }

    fn is_last_chance(&self, number: usize) -> bool {
        let past = self.pasts.get(&number).map_or(0, |past| past.deliveries);
        past > 0 && past + 1 >= self.options.max_deliveries
    }

    /// Takes the results that are there, or that come within `wait`. Whether there were any.
    fn receive(&mut self, wait: Duration, each: &mut dyn FnMut(Told<'_>)) -> Result<bool, Trouble> {
        let mut ask = cmd("XREAD");
        ask.arg("COUNT").arg(PORTION);
        if !wait.is_zero() {
            ask.arg("BLOCK").arg(wait.as_millis() as u64);
        }
        ask.arg("STREAMS").arg(self.queue.keys.results(self.run.id)).arg("0");
        let reply: Option<StreamReadReply> = self.queue.link.wait(&ask, wait)?;
        let results: Vec<StreamId> = reply.into_iter().flat_map(|r| r.keys).flat_map(|key| key.ids).collect();
        let any = !results.is_empty();
        for result in results {
            match self.open(&result) {
                Some((number, head, body)) => self.result(number, head, body, each),
                None => {
                    if self.counts.forged == 0 {
                        log::warn!("somebody without the key of the cluster writes results into the queue");
                    }
                    self.counts.forged += 1;
                }
            }
            self.taken.push(result.id);
        }
        Ok(any)
    }

    fn open(&self, result: &StreamId) -> Option<(usize, ResultHead, Vec<u8>)> {
        let number = self.number_of(result)?;
        let sealed: Vec<u8> = field(result, BODY)?;
        let text = self.queue.seal.open(Purpose::Result(self.run.id, number), &sealed)?;
        let (head, body) = entry::unpack(text)?;
        Some((number, head, body))
    }

    fn result(&mut self, number: usize, head: ResultHead, body: Vec<u8>, each: &mut dyn FnMut(Told<'_>)) {
        let body = match head.end {
            End::Done => Ok(body),
            End::Panicked(message) => Err(message),
            End::Poison => return self.unanswered(number, Why::Poison(head.attempt.saturating_sub(1)), each),
        };
        if self.ended(number) {
            let ResultHead { worker, host, attempt, .. } = head;
            each(Told::Ended(number, Answer { worker, host, attempt, body }));
        } else {
            self.counts.duplicates += 1;
        }
    }

    fn unanswered(&mut self, number: usize, why: Why, each: &mut dyn FnMut(Told<'_>)) {
        if self.ended(number) {
            each(Told::Unanswered(number, why));
        }
    }

    /// The job of this `number` has its end; whether it had none before.
    fn ended(&mut self, number: usize) -> bool {
        if self.done[number] {
            return false;
        }
        self.done[number] = true;
        self.left -= 1;
        let waiting = &mut self.waiting[usize::from(self.run.jobs[number].command)];
        if let Some(sent) = self.out.remove(&number) {
            self.turns.back(&sent.lane);
            waiting.done(number);
            // The answer may be to another entry of it.
            if self.pasts.contains_key(&number) || self.adrift {
                self.stale.push(sent);
            }
        }
        self.pasts.remove(&number);
        true
    }

    /// Nothing more is to be done: what no worker has begun is taken out of the queue, and the rest is told.
    fn give_up(&mut self, why: &Why, each: &mut dyn FnMut(Told<'_>)) {
        self.stale.extend(self.out.values().cloned());
        if !matches!(why, Why::Queue(_)) {
            let _ = self.send_stale();
        }
        (0..self.done.len()).for_each(|number| self.unanswered(number, why.clone(), each));
    }

    fn send_stale(&mut self) -> Result<(), Trouble> {
        for stale in std::mem::take(&mut self.stale).chunks(PORTION) {
            let mut commands = pipe();
            stale.iter().for_each(|sent| self.queue.drop_entry(&mut commands, &sent.lane, &sent.entry));
            let _: Value = self.queue.link.ask_all(&commands)?;
        }
        Ok(())
    }

    /// Takes everything of the run out of the queue. What cannot be taken out goes by itself, within a day.
    fn leave(&mut self) {
        let keys = &self.queue.keys;
        let mut last = pipe();
        last.cmd("DEL").arg(keys.terms(self.run.id)).arg(keys.results(self.run.id)).ignore();
        last.cmd("DEL").arg(keys.progress(self.run.id)).ignore();
        last.cmd("SREM").arg(keys.runs()).arg(self.run.id).ignore();
        let left = self.send_stale().and_then(|()| self.queue.link.ask_all::<Value>(&last));
        if let Err(e) = left {
            log::info!("run {} is still in the queue, for a day: {e}", self.run.id);
        }
    }

    fn number_of(&self, entry: &StreamId) -> Option<usize> {
        field::<usize>(entry, NUMBER).filter(|number| *number < self.run.jobs.len())
    }
}

fn field<T: FromRedisValue>(entry: &StreamId, name: &str) -> Option<T> {
    entry.get(name)
}

pub(in crate::cluster) fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
