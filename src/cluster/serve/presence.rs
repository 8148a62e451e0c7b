//! That a worker is there, under a name of its own, and that it leaves.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use redis::streams::StreamPendingCountReply;
use redis::{Value, cmd, pipe};

use super::Worker;
use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::cluster::keys::Lane;
use crate::cluster::link::Trouble;
use crate::cluster::queue::{DAY, GROUP};
use crate::cluster::roster::Beat;
use crate::cluster::seal::Purpose;
use crate::sys::cancel::Cancel;

/// Entries of one queue that a worker leaves behind; it takes no more than it has threads.
const MOST_LEFT: usize = 10_000;

impl Worker<'_> {
    /// Says that we are alive, and what we do.
    pub(super) fn beat(&mut self) -> Result<(), Trouble> {
        let minute = Duration::from_secs(60);
        while self.ends.front().is_some_and(|at| at.elapsed() > minute) {
            self.ends.pop_front();
        }
        self.beat.count += 1;
        self.beat.running = self.running.len();
        self.beat.up = self.began.elapsed().as_secs();
        self.beat.last_minute = self.ends.len() as u64;
        let text = serde_json::to_vec(&self.beat).expect("plain data is JSON");
        let name = &self.station.name;
        let sealed = self.queue.seal.seal(Purpose::Beat(name), &text);
        let mut say = pipe();
        say.cmd("SADD").arg(self.queue.keys.workers()).arg(name).ignore();
        let stays = self.options.counts().as_millis() as u64;
        say.cmd("SET").arg(self.queue.keys.beat(name)).arg(sealed).arg("PX").arg(stays).ignore();
        self.queue.link.ask_all::<()>(&say)?;
        self.beaten = Some(Instant::now());
        Ok(())
    }

    /// What is here is still being worked at: nobody else is to claim it.
    pub(super) fn renew(&mut self) -> Result<(), Trouble> {
        let here = self.running.keys().chain(self.taken.iter().map(|held| &held.place));
        let here = here.chain(self.results.iter().map(|(place, ..)| place));
        let mut lanes: HashMap<&Lane, Vec<&str>> = HashMap::new();
        here.for_each(|place| lanes.entry(&place.lane).or_default().push(&place.entry));
        if lanes.is_empty() {
            return Ok(());
        }
        let mut commands = pipe();
        for (lane, entries) in lanes {
            commands.cmd("XCLAIM").arg(self.queue.keys.lane(lane)).arg(GROUP).arg(&self.station.name);
            commands.arg(0).arg(entries).arg("JUSTID").ignore();
        }
        self.queue.link.ask_all(&commands)
    }

    /// The group of our own queue knows us from now on, also when we are gone.
    pub(super) fn join(&mut self) -> Result<(), Trouble> {
        let name = &self.station.name;
        let mut join = cmd("XGROUP");
        join.arg("CREATECONSUMER")
            .arg(self.queue.keys.lane(&Lane::Worker(name.clone())))
            .arg(GROUP)
            .arg(name);
        self.queue.link.ask(&join)
    }

    /// The name must be ours alone: entries are pending under it.
    pub(super) fn claim_the_name(&mut self, cancel: &Cancel) -> Result<(), Trouble> {
        let name = &self.station.name;
        let patience = Deadline::after(self.options.health_interval + Duration::from_secs(1));
        let mut first: Option<Beat> = None;
        while !patience.passed() && !cancel.is_tripped() {
            let sealed: Option<Vec<u8>> = self.queue.link.ask(cmd("GET").arg(self.queue.keys.beat(name)))?;
            let opened = sealed.and_then(|sealed| self.queue.seal.open(Purpose::Beat(name), &sealed));
            let Some(other) = opened.and_then(|text| serde_json::from_slice::<Beat>(&text).ok()) else {
                return Ok(());
            };
            let ended =
                other.host == self.station.host && !Path::new("/proc").join(other.pid.to_string()).exists();
            if ended || other.instance == self.beat.instance {
                return Ok(());
            }
            if first
                .as_ref()
                .is_some_and(|first| first.count != other.count || first.instance != other.instance)
            {
                return Err(Trouble::Refused(format!(
                    "another worker called {name} is alive on {} (process {}): give this one another --name",
                    quote(&other.host, 100),
                    other.pid
                )));
            }
            if first.is_none() {
                log::warn!(
                    "waiting for an earlier {name} to be gone, {} s at most",
                    patience.left().as_secs()
                );
            }
            first = Some(other);
            cancel.sleep(patience.within(Duration::from_millis(250)));
        }
        Ok(())
    }

    /// Nobody need wait until we are missed: what we took and did not begin is as if it had been idle for long, so
    /// that the next who looks claims it.
    pub(super) fn leave(&mut self) {
        if !self.ready {
            return;
        }
        let name = &self.station.name;
        let _: Result<Value, Trouble> = self.queue.link.ask(cmd("DEL").arg(self.queue.keys.beat(name)));
        for lane in &self.lanes {
            let lane = self.queue.keys.lane(lane);
            let mut ask = cmd("XPENDING");
            ask.arg(&lane).arg(GROUP).arg("-").arg("+").arg(MOST_LEFT).arg(name);
            let Ok(pending) = self.queue.link.ask::<StreamPendingCountReply>(&ask) else { return };
            let entries: Vec<&str> = pending.ids.iter().map(|one| one.id.as_str()).collect();
            if !entries.is_empty() {
                let mut idle = cmd("XCLAIM");
                idle.arg(&lane).arg(GROUP).arg(name).arg(0).arg(entries);
                idle.arg("IDLE").arg(DAY.as_millis() as u64).arg("JUSTID");
                let _: Result<Value, Trouble> = self.queue.link.ask(&idle);
            }
        }
    }
}
