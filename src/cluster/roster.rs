//! Who is alive. Workers say so again and again; who is silent for the health interval is dead.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use redis::cmd;
use serde::{Deserialize, Serialize};

use super::link::Trouble;
use super::queue::Queue;
use super::seal::Purpose;

/// Names that are looked at. More workers than this have a queue of their own.
const MOST_WORKERS: usize = 10_000;

/// What a worker says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Beat {
    /// Another one for each start.
    pub instance: u64,
    /// Grows with each sign of life: one that somebody repeats is none.
    pub count: u64,
    pub host: String,
    pub pid: u32,
    pub version: String,
    /// Jobs at a time.
    pub slots: usize,
    /// Whether it starts commands.
    pub commands: bool,
    /// It takes no more jobs.
    pub draining: bool,
    /// Jobs it has now.
    pub running: usize,
    /// Jobs it did since it started.
    pub done: u64,
    /// Seconds since it started.
    pub up: u64,
    /// Jobs of the last minute.
    pub last_minute: u64,
}

/// A worker that is alive.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub beat: Beat,
    heard: Instant,
}

/// All that were heard of, by name.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    alive: BTreeMap<String, Worker>,
    /// Names that the queue knows and that are not alive.
    gone: Vec<String>,
}

impl Roster {
    /// Listens again. Who says the same as `interval` ago is dead.
    pub(super) fn hear(&mut self, queue: &mut Queue, interval: Duration) -> Result<(), Trouble> {
        let names: Vec<String> = queue.link.ask(cmd("SMEMBERS").arg(queue.keys.workers()))?;
        let mut beats: Vec<Option<Vec<u8>>> = Vec::new();
        if !names.is_empty() {
            let mut ask = cmd("MGET");
            names.iter().take(MOST_WORKERS).for_each(|name| {
                ask.arg(queue.keys.beat(name));
            });
            beats = queue.link.ask(&ask)?;
        }
        let mut before = std::mem::take(&mut self.alive);
        self.gone.clear();
        for (name, sealed) in names.into_iter().zip(beats) {
            let opened = sealed.and_then(|sealed| queue.seal.open(Purpose::Beat(&name), &sealed));
            let beat: Option<Beat> = opened.and_then(|text| serde_json::from_slice(&text).ok());
            let heard = match (&beat, before.remove(&name)) {
                (Some(beat), Some(was))
                    if was.beat.instance == beat.instance && was.beat.count >= beat.count =>
                {
                    was.heard
                }
                _ => Instant::now(),
            };
            match beat {
                Some(beat) if heard.elapsed() < interval => {
                    self.alive.insert(name, Worker { beat, heard });
                }
                _ => self.gone.push(name),
            }
        }
        Ok(())
    }

    /// Those who are alive, in the order of their names.
    pub(crate) fn alive(&self) -> impl Iterator<Item = (&str, &Beat)> {
        self.alive.iter().map(|(name, worker)| (name.as_str(), &worker.beat))
    }

    /// Whether `name` is alive and takes jobs.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.alive.get(name).is_some_and(|worker| !worker.beat.draining)
    }

    /// Names of those who were here once and are not alive.
    pub(crate) fn gone(&self) -> &[String] {
        &self.gone
    }
}
