//! What was sent and may be lost: of an earlier life of the run, at a worker that died, in a queue that lost its
//! memory.

use redis::streams::{StreamId, StreamPendingCountReply, StreamRangeReply};
use redis::{Value, cmd, pipe};

use super::{MOST_LOST, PORTION, Poster, Sent, Told, Why, field};
use crate::cluster::entry::RUN;
use crate::cluster::keys::Lane;
use crate::cluster::link::Trouble;
use crate::cluster::queue::GROUP;

impl Poster<'_> {
    /// Finds entries of this run that are in the queue already: of an earlier life of this run, or sent just when
    /// the connection broke.
    pub(super) fn find_out(&mut self) -> Result<(), Trouble> {
        self.roster.hear(self.queue, self.options.counts())?;
        let mut lanes = vec![Lane::Remote, Lane::Command];
        lanes.extend(
            self.roster
                .alive()
                .map(|(name, _)| name)
                .chain(self.roster.gone().iter().map(String::as_str))
                .map(|name| Lane::Worker(name.to_owned())),
        );
        for lane in lanes {
            let mut from = "-".to_owned();
            loop {
                let mut ask = cmd("XRANGE");
                ask.arg(self.queue.keys.lane(&lane)).arg(&from).arg("+").arg("COUNT").arg(PORTION);
                let found: StreamRangeReply = self.queue.link.ask(&ask)?;
                for one in &found.ids {
                    self.is_out(&lane, one);
                }
                match found.ids.last() {
                    Some(last) if found.ids.len() == PORTION => from = format!("({}", last.id),
                    _ => break,
                }
            }
        }
        Ok(())
    }

    /// `found` is in `lane`: if it is ours and open, it need not be sent.
    fn is_out(&mut self, lane: &Lane, found: &StreamId) {
        let Some(number) =
            self.number_of(found).filter(|_| field::<String>(found, RUN).as_deref() == Some(self.run.id))
        else {
            return;
        };
        let sent = Sent { lane: lane.clone(), entry: found.id.clone() };
        match self.out.get(&number) {
            _ if self.done[number] => self.stale.push(sent),
            Some(known) if known.entry == sent.entry => {}
            Some(_) => self.stale.push(sent),
            None => {
                let waiting = &mut self.waiting[usize::from(self.run.jobs[number].command)];
                waiting.is_out(number);
                self.turns.is_out(lane);
                self.out.insert(number, sent);
            }
        }
    }

    /// Takes back what waits for a worker that is dead, or leaves. What others may claim stays.
    pub(super) fn fetch_back(&mut self, each: &mut dyn FnMut(Told<'_>)) -> Result<(), Trouble> {
        let dead = |sent: &Sent| matches!(&sent.lane, Lane::Worker(name) if !self.roster.takes(name));
        let numbers: Vec<usize> = self.out.iter().filter(|(_, sent)| dead(sent)).map(|(n, _)| *n).collect();
        for numbers in numbers.chunks(PORTION) {
            let mut ask = pipe();
            for number in numbers {
                let Sent { lane, entry } = &self.out[number];
                let lane = self.queue.keys.lane(lane);
                ask.cmd("XPENDING").arg(lane).arg(GROUP).arg(entry).arg(entry).arg(1);
            }
            let pending: Vec<StreamPendingCountReply> = match self.queue.link.ask_all(&ask) {
                Ok(pending) => pending,
                // It never was there: nothing of it was delivered.
                Err(Trouble::Lost) => vec![StreamPendingCountReply::default(); numbers.len()],
                Err(e) => return Err(e),
            };
            let mut commands = pipe();
            commands.atomic();
            let mut back = Vec::new();
            for (number, pending) in numbers.iter().zip(pending) {
                let sent = self.out[number].clone();
                let times = pending.ids.first().map_or(0, |one| one.times_delivered as u32);
                // A worker that leaves still ends what it has.
                let leaving =
                    matches!(&sent.lane, Lane::Worker(name) if self.roster.alive().any(|(n, _)| n == name));
                if leaving && times > 0 {
                    continue;
                }
                self.queue.drop_entry(&mut commands, &sent.lane, &sent.entry);
                back.push((*number, times));
            }
            if back.is_empty() {
                continue;
            }
            let _: Value = self.queue.link.ask_all(&commands)?;
            for (number, times) in back {
                let past = self.pasts.entry(number).or_default();
                past.deliveries += times;
                let deliveries = past.deliveries;
                match deliveries >= self.options.max_deliveries {
                    true => self.unanswered(number, Why::Poison(deliveries), each),
                    false => self.again(number),
                }
            }
        }
        Ok(())
    }

    /// The job has to be sent once more.
    fn again(&mut self, number: usize) {
        if let Some(sent) = self.out.remove(&number) {
            self.turns.back(&sent.lane);
            self.put_back(number);
            self.counts.again += 1;
        }
    }

    /// Looks whether what was sent is still there, and sends again what is not.
    pub(super) fn audit(&mut self, each: &mut dyn FnMut(Told<'_>)) -> Result<(), Trouble> {
        let numbers: Vec<usize> = self.out.keys().copied().collect();
        let mut missing = Vec::new();
        for numbers in numbers.chunks(PORTION) {
            let mut ask = pipe();
            for number in numbers {
                let Sent { lane, entry } = &self.out[number];
                ask.cmd("XRANGE").arg(self.queue.keys.lane(lane)).arg(entry).arg(entry);
            }
            let found: Vec<StreamRangeReply> = self.queue.link.ask_all(&ask)?;
            missing
                .extend(numbers.iter().zip(found).filter(|(_, found)| found.ids.is_empty()).map(|(n, _)| *n));
        }
        // The result of one that was gone a moment ago came in the same transaction: it is there now.
        while self.receive(std::time::Duration::ZERO, each)? {
            self.send()?;
        }
        for number in missing {
            if self.done[number] {
                continue;
            }
            let past = self.pasts.entry(number).or_default();
            past.lost += 1;
            match past.lost {
                lost if lost > MOST_LOST => self.unanswered(number, Why::Lost(lost), each),
                _ => self.again(number),
            }
        }
        self.audited = std::time::Instant::now();
        Ok(())
    }
}
