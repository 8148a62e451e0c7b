//! The cluster, looked at from outside: nothing is changed, and no key is believed to hold what it should.
//!
//! Invariant: what is not sealed gives names and numbers at most, and of names only those that a worker or a run
//! could have.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use redis::{Cmd, FromRedisValue, Value, cmd, pipe};

use super::keys::Keys;
pub(crate) use super::keys::Lane;
pub(crate) use super::link::Trouble;
use super::post::{Progress, seconds};
use super::queue::{GROUP, Queue};
use super::roster::Beat;
use super::seal::Purpose;

/// Names of workers, and of runs, that are looked at.
const MOST_WORKERS: usize = 10_000;
const MOST_RUNS: usize = 1000;
/// Letters of a name, and bytes of what a worker or a run says of itself: more than any has.
const LONGEST_NAME: usize = 128;
const LONGEST_WORD: usize = 16 << 10;
/// Keys that are asked about at once.
const PORTION: usize = 500;

/// What is in the queue.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Status {
    pub key: KeyState,
    /// By name: all that are alive or were.
    pub workers: BTreeMap<String, Standing>,
    pub lanes: Vec<LaneState>,
    pub runs: Vec<RunState>,
    /// Bytes of our streams in the queue, where it tells.
    pub bytes: Option<u64>,
    /// Keys and names under our prefix that are not of this cluster.
    pub foreign: usize,
}

/// Whose key the queue is used with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// Nobody was here yet.
    #[default]
    Unused,
    Ours,
    Another,
}

/// How it is with a worker.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Standing {
    /// Its sign of life, if it is alive.
    pub beat: Option<Beat>,
    /// Jobs that were given to it and have no result.
    pub pending: u64,
    /// Since it had its last job, or since it first came.
    pub idle: Option<Duration>,
}

/// A queue of jobs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LaneState {
    pub lane: Lane,
    /// Jobs that no worker has taken.
    pub waiting: u64,
    /// Jobs that a worker has.
    pub in_flight: u64,
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunState {
    pub id: String,
    /// As its host said last; nothing if that host is gone.
    pub progress: Option<Progress>,
    /// Results that nobody took yet.
    pub results: u64,
}

/// Looks. What is under our keys and of another kind is counted, and is no reason to see nothing.
pub(crate) fn look(queue: &mut Queue) -> Result<Status, Trouble> {
    let mut status = Status::default();
    let fingerprint = text(queue, &[queue.keys.fingerprint()], &mut status.foreign)?;
    status.key = match fingerprint.into_iter().next().flatten() {
        None => KeyState::Unused,
        Some(theirs) if theirs == queue.seal.fingerprint().as_bytes() => KeyState::Ours,
        Some(_) => KeyState::Another,
    };
    workers(queue, &mut status)?;
    lanes(queue, &mut status)?;
    // A name that nobody ever worked under is none.
    let known = status.workers.len();
    status.workers.retain(|_, standing| standing.beat.is_some() || standing.idle.is_some());
    status.foreign += known - status.workers.len();
    let workers = &status.workers;
    status.lanes.retain(|state| match &state.lane {
        Lane::Remote | Lane::Command => true,
        Lane::Worker(name) => workers.contains_key(name),
    });
    runs(queue, &mut status)?;
    status.bytes = bytes(queue, &status)?;
    Ok(status)
}

fn workers(queue: &mut Queue, status: &mut Status) -> Result<(), Trouble> {
    let names = names(queue, &queue.keys.workers(), MOST_WORKERS, &mut status.foreign)?;
    for names in names.chunks(PORTION) {
        let keys: Vec<String> = names.iter().map(|name| queue.keys.beat(name)).collect();
        for (name, said) in names.iter().zip(text(queue, &keys, &mut status.foreign)?) {
            let opened = said.as_deref().and_then(|sealed| queue.seal.open(Purpose::Beat(name), sealed));
            let beat = opened.and_then(|text| serde_json::from_slice(&text).ok());
            status.foreign += usize::from(said.is_some() && beat.is_none());
            status.workers.insert(name.clone(), Standing { beat, ..Standing::default() });
        }
    }
    Ok(())
}

fn lanes(queue: &mut Queue, status: &mut Status) -> Result<(), Trouble> {
    let own = status.workers.keys().map(|name| Lane::Worker(name.clone()));
    let lanes: Vec<Lane> = [Lane::Remote, Lane::Command].into_iter().chain(own).collect();
    for lanes in lanes.chunks(PORTION) {
        let keys: Vec<String> = lanes.iter().map(|lane| queue.keys.lane(lane)).collect();
        let kinds = kinds(queue, &keys)?;
        for ((lane, key), kind) in lanes.iter().zip(&keys).zip(kinds) {
            match kind.as_str() {
                "none" => {}
                "stream" => lane_state(queue, lane, key, status)?,
                _ => status.foreign += 1,
            }
        }
    }
    Ok(())
}

/// Takes up what there is to say of a `lane`: how long it is, and what of it is with whom.
fn lane_state(queue: &mut Queue, lane: &Lane, key: &str, status: &mut Status) -> Result<(), Trouble> {
    let entries: u64 = queue.link.ask(cmd("XLEN").arg(key))?;
    let ask = cmd("XPENDING").arg(key).arg(GROUP).to_owned();
    let pending: Vec<Value> = of_group(queue, &ask)?.unwrap_or_default();
    let in_flight = pending.first().and_then(whole).unwrap_or_default();
    let ask = cmd("XINFO").arg("CONSUMERS").arg(key).arg(GROUP).to_owned();
    let consumers: Vec<HashMap<String, Value>> = of_group(queue, &ask)?.unwrap_or_default();
    for consumer in consumers {
        // Whoever can write to the queue can be a consumer, under any name.
        let Some(Value::BulkString(member)) = consumer.get("name") else { continue };
        let Some(worker) = name(member.clone()).and_then(|name| status.workers.get_mut(&name)) else {
            continue;
        };
        worker.pending += consumer.get("pending").and_then(whole).unwrap_or_default();
        if let Some(idle) =
            consumer.get("inactive").or(consumer.get("idle")).and_then(whole).map(Duration::from_millis)
        {
            worker.idle = Some(worker.idle.map_or(idle, |known| known.min(idle)));
        }
    }
    status.lanes.push(LaneState {
        lane: lane.clone(),
        waiting: entries.saturating_sub(in_flight),
        in_flight,
    });
    Ok(())
}

fn runs(queue: &mut Queue, status: &mut Status) -> Result<(), Trouble> {
    let ids = names(queue, &queue.keys.runs(), MOST_RUNS, &mut status.foreign)?;
    for ids in ids.chunks(PORTION) {
        let of = |key: fn(&Keys, &str) -> String, queue: &Queue| {
            ids.iter().map(|id| key(&queue.keys, id)).collect::<Vec<String>>()
        };
        let terms = kinds(queue, &of(Keys::terms, queue))?;
        let results = of(Keys::results, queue);
        let kinds_of_results = kinds(queue, &results)?;
        let said = text(queue, &of(Keys::progress, queue), &mut status.foreign)?;
        for (at, id) in ids.iter().enumerate() {
            let opened =
                said[at].as_deref().and_then(|sealed| queue.seal.open(Purpose::Progress(id), sealed));
            let progress = opened.and_then(|text| serde_json::from_slice(&text).ok());
            status.foreign += usize::from(said[at].is_some() && progress.is_none());
            // A run whose terms are over is none.
            if terms[at] != "string" {
                continue;
            }
            let results: u64 = match kinds_of_results[at].as_str() {
                "stream" => queue.link.ask(cmd("XLEN").arg(&results[at]))?,
                _ => 0,
            };
            status.runs.push(RunState { id: id.clone(), progress, results });
        }
    }
    status.runs.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(())
}

/// What our streams need. Nothing if the queue does not tell us.
fn bytes(queue: &mut Queue, status: &Status) -> Result<Option<u64>, Trouble> {
    let lanes = status.lanes.iter().map(|state| queue.keys.lane(&state.lane));
    let runs = status.runs.iter().flat_map(|run| [queue.keys.results(&run.id), queue.keys.terms(&run.id)]);
    let keys: Vec<String> = lanes.chain(runs).collect();
    let mut sum = 0;
    for keys in keys.chunks(PORTION) {
        let mut ask = pipe();
        for key in keys {
            ask.cmd("MEMORY").arg("USAGE").arg(key);
        }
        match queue.link.ask_all::<Vec<Option<u64>>>(&ask) {
            Ok(found) => sum += found.into_iter().flatten().sum::<u64>(),
            Err(Trouble::Refused(_) | Trouble::Lost) => return Ok(None),
            Err(away) => return Err(away),
        }
    }
    Ok(Some(sum))
}

/// The answer about a group; nothing where there is no such group.
fn of_group<T: FromRedisValue>(queue: &mut Queue, ask: &Cmd) -> Result<Option<T>, Trouble> {
    match queue.link.ask(ask) {
        Ok(answer) => Ok(Some(answer)),
        Err(Trouble::Lost) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Int(n) => u64::try_from(*n).ok(),
        _ => None,
    }
}

/// What is under `keys`: `none`, `string`, `stream`.
fn kinds(queue: &mut Queue, keys: &[String]) -> Result<Vec<String>, Trouble> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut ask = pipe();
    keys.iter().for_each(|key| {
        ask.cmd("TYPE").arg(key);
    });
    queue.link.ask_all(&ask)
}

/// The texts under `keys`, as far as any of ours goes. What is no text is `foreign`.
fn text(queue: &mut Queue, keys: &[String], foreign: &mut usize) -> Result<Vec<Option<Vec<u8>>>, Trouble> {
    let kinds = kinds(queue, keys)?;
    let mut ask = pipe();
    for (key, kind) in keys.iter().zip(&kinds) {
        match kind.as_str() {
            "string" => drop(ask.cmd("GETRANGE").arg(key).arg(0).arg(LONGEST_WORD)),
            "none" => {}
            _ => *foreign += 1,
        }
    }
    let found: Vec<Vec<u8>> = match kinds.iter().any(|kind| kind == "string") {
        true => queue.link.ask_all(&ask)?,
        false => Vec::new(),
    };
    let mut found = found.into_iter();
    Ok(kinds.iter().map(|kind| if kind == "string" { found.next() } else { None }).collect())
}

/// Members of the set under `key` that may be names of ours, `most` at most. What cannot be one is `foreign`.
fn names(queue: &mut Queue, key: &str, most: usize, foreign: &mut usize) -> Result<Vec<String>, Trouble> {
    match kinds(queue, &[key.to_owned()])?.first().map(String::as_str) {
        Some("set") => {}
        Some("none") | None => return Ok(Vec::new()),
        Some(_) => {
            *foreign += 1;
            return Ok(Vec::new());
        }
    }
    let members: Vec<Vec<u8>> = queue.link.ask(cmd("SRANDMEMBER").arg(key).arg(most))?;
    let all = members.len();
    let mut names: Vec<String> = members.into_iter().filter_map(name).collect();
    *foreign += all - names.len();
    names.sort_unstable();
    Ok(names)
}

/// `member`, if it is made of what names of workers and runs are made of.
fn name(member: Vec<u8>) -> Option<String> {
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b".-_:@".contains(b);
    let name = (1..=LONGEST_NAME).contains(&member.len()) && member.iter().all(fits);
    name.then(|| String::from_utf8(member).ok()).flatten()
}

impl RunState {
    /// How long its host has been at it.
    pub(crate) fn age(&self, now: SystemTime) -> Option<Duration> {
        let began = self.progress?.began;
        Some(Duration::from_secs(seconds(now).saturating_sub(began)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_somebody_may_have() {
        assert_eq!(name(b"worker-1.example:7@a_b".to_vec()).as_deref(), Some("worker-1.example:7@a_b"));
        for no in [&b""[..], b"a b", b"\x1b[2J", b"a\nb", b"\xff\xfe", &[b'a'; LONGEST_NAME + 1]] {
            assert_eq!(name(no.to_vec()), None, "{no:?}");
        }
    }
}
