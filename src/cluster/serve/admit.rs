//! Jobs on their way in: new ones, those that dead workers left, those of an earlier life; and what is no job of
//! ours.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redis::streams::{StreamClaimReply, StreamId, StreamPendingCountReply};
use redis::{cmd, pipe};

use super::{Held, MOST_RUNS, MOST_SEEN, PORTION, Place, Task, Terms, Worker};
use crate::cluster::entry::{self, BODY, End, JobHead, NUMBER, RUN, TermsHead};
use crate::cluster::keys::Lane;
use crate::cluster::link::Trouble;
use crate::cluster::post::seconds;
use crate::cluster::queue::GROUP;
use crate::cluster::seal::Purpose;

impl Worker<'_> {
    /// Takes over what workers had that are not heard of any more.
    pub(super) fn claim(&mut self) -> Result<(), Trouble> {
        let silent = self.options.health_interval;
        self.lanes.clone().iter().try_for_each(|lane| self.claim_from(lane, silent, None))
    }

    /// Takes up what was ours when an earlier life of ours ended. What there is no room for is claimed later.
    pub(super) fn take_up(&mut self) -> Result<(), Trouble> {
        let name = self.station.name.clone();
        self.lanes.clone().iter().try_for_each(|lane| self.claim_from(lane, Duration::ZERO, Some(&name)))
    }

    /// Claims what nobody renewed for so long; of `consumer` only, where one is named. An entry that gets its last
    /// chance gets it without another one of that kind beside it: else the one that brings workers down would take
    /// with it those that were always beside it.
    fn claim_from(&mut self, lane: &Lane, silent: Duration, consumer: Option<&str>) -> Result<(), Trouble> {
        let free = self.free();
        if free == 0 {
            return Ok(());
        }
        let key = self.queue.keys.lane(lane);
        let silent = silent.as_millis() as u64;
        let mut ask = cmd("XPENDING");
        ask.arg(&key).arg(GROUP).arg("IDLE").arg(silent).arg("-").arg("+").arg(free + PORTION).arg(consumer);
        let pending: StreamPendingCountReply = self.queue.link.ask(&ask)?;
        let mut risky = self.last_chance.as_ref().is_some_and(|place| self.holds(place));
        let mut chosen = Vec::new();
        for one in pending.ids {
            let place = Place { lane: lane.clone(), entry: one.id };
            if self.holds(&place) || self.results.iter().any(|(sent, ..)| *sent == place) {
                continue;
            }
            if one.times_delivered + 1 == self.options.max_deliveries as usize {
                if risky {
                    continue;
                }
                risky = true;
                self.last_chance = Some(place.clone());
            }
            chosen.push(place.entry);
            if chosen.len() == free {
                break;
            }
        }
        if chosen.is_empty() {
            return Ok(());
        }
        let mut ask = cmd("XCLAIM");
        ask.arg(&key).arg(GROUP).arg(&self.station.name).arg(silent).arg(chosen);
        let claimed: StreamClaimReply = self.queue.link.ask(&ask)?;
        self.admit_again(lane, claimed.ids)
    }

    /// Whether the job at `place` is here, and not done.
    pub(super) fn holds(&self, place: &Place) -> bool {
        self.running.contains_key(place) || self.taken.iter().any(|held| held.place == *place)
    }

    /// Admits entries that were with a worker before.
    fn admit_again(&mut self, lane: &Lane, found: Vec<StreamId>) -> Result<(), Trouble> {
        if found.is_empty() {
            return Ok(());
        }
        let mut ask = pipe();
        for one in &found {
            ask.cmd("XPENDING").arg(self.queue.keys.lane(lane)).arg(GROUP).arg(&one.id).arg(&one.id).arg(1);
        }
        let pending: Vec<StreamPendingCountReply> = self.queue.link.ask_all(&ask)?;
        for (one, pending) in found.into_iter().zip(pending) {
            let times = pending.ids.first().map_or(1, |p| p.times_delivered as u32);
            self.admit(lane, one, times)?;
        }
        Ok(())
    }

    /// Looks into what was `found` in `lane` and delivered so many `times`: a job of ours, or nothing.
    pub(super) fn admit(&mut self, lane: &Lane, found: StreamId, times: u32) -> Result<(), Trouble> {
        let place = Place { lane: lane.clone(), entry: found.id.clone() };
        if self.holds(&place) {
            return Ok(());
        }
        let Some((run, number, head, body)) = self.open(&found) else {
            if !self.warned_of_forgery {
                log::warn!(
                    "somebody without the key of the cluster writes jobs into the queue; they are refused"
                );
                self.warned_of_forgery = true;
            }
            self.dropped.push(place);
            return Ok(());
        };
        let copied = self.seen.get(&head.id).is_some_and(|entry| *entry != place.entry);
        let late = head.expires < seconds(SystemTime::now());
        if copied || late {
            let why = if copied { "is a copy of another entry" } else { "is too old" };
            log::warn!("job {number} of run {run} {why}; it is refused");
            self.dropped.push(place);
            return Ok(());
        }
        let Some(terms) = self.terms_of(&run)? else {
            log::info!("job {number} of run {run}, which is over, is not done");
            self.dropped.push(place);
            return Ok(());
        };
        self.remember(head.id, &place.entry);
        let attempt = head.before + times;
        if attempt > self.options.max_deliveries {
            self.answer(place, &run, number, attempt, End::Poison, Vec::new());
            return Ok(());
        }
        let task = Task { run, number, terms: terms.body, body, attempt };
        self.taken.push_back(Held { place, task });
        Ok(())
    }

    fn open(&self, found: &StreamId) -> Option<(String, usize, JobHead, Vec<u8>)> {
        let run: String = found.get(RUN)?;
        let number: usize = found.get(NUMBER)?;
        let sealed: Vec<u8> = found.get(BODY)?;
        let (head, body) = entry::unpack(self.queue.seal.open(Purpose::Job(&run, number), &sealed)?)?;
        Some((run, number, head, body))
    }

    /// What holds for `run`; nothing if it is over.
    fn terms_of(&mut self, run: &str) -> Result<Option<Terms>, Trouble> {
        if let Some(known) = self.terms.get(run) {
            return Ok(Some(known.clone()));
        }
        let sealed: Option<Vec<u8>> = self.queue.link.ask(cmd("GET").arg(self.queue.keys.terms(run)))?;
        let opened = sealed.and_then(|sealed| self.queue.seal.open(Purpose::Terms(run), &sealed));
        let Some((TermsHead { most }, body)) = opened.and_then(entry::unpack) else { return Ok(None) };
        let most = most
            .into_iter()
            .find(|(name, _)| *name == self.station.name)
            .map_or(usize::MAX, |(_, most)| most);
        let terms = Terms { body: Arc::new(body), most };
        if self.terms.len() >= MOST_RUNS {
            self.terms.clear();
        }
        self.terms.insert(run.to_owned(), terms.clone());
        Ok(Some(terms))
    }

    fn remember(&mut self, id: u64, entry: &str) {
        if self.seen.insert(id, entry.to_owned()).is_none() {
            self.seen_order.push_back(id);
        }
        if self.seen_order.len() > MOST_SEEN
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }
}
