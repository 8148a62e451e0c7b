//! Who gets the next job.

use std::collections::HashMap;

use super::keys::Lane;
use super::options::{Algorithm, ClusterOptions, Listed};
use super::roster::Roster;

/// Jobs that are sent ahead for each that can be worked at: a worker that ends one finds the next at once.
const AHEAD: usize = 2;

/// Who may have jobs, how many, and whose turn it is.
#[derive(Debug)]
pub(super) struct Turns {
    algorithm: Algorithm,
    listed: Vec<Listed>,
    /// Workers that take jobs, by name, with the jobs that each can work at.
    workers: Vec<(String, usize, bool)>,
    /// Who was last, for servers that are asked over the network and for commands.
    last: [Option<String>; 2],
    /// Jobs that are out, by queue.
    out: HashMap<Lane, usize>,
}

impl Turns {
    pub(super) fn new(options: &ClusterOptions) -> Turns {
        Turns {
            algorithm: options.algorithm,
            listed: options.workers.clone(),
            workers: Vec::new(),
            last: [None, None],
            out: HashMap::new(),
        }
    }

    /// These are the workers from now on.
    pub(super) fn hear(&mut self, roster: &Roster) {
        let workers = roster.alive().filter(|(_, beat)| !beat.draining).filter_map(|(name, beat)| {
            let listed = self.listed.iter().find(|listed| listed.host == name);
            let most = listed.and_then(|listed| listed.max_concurrent).unwrap_or(usize::MAX);
            // Who is not listed is given nothing, where there is a list; it may still help itself.
            let given =
                listed.is_some() || self.listed.is_empty() || self.algorithm == Algorithm::LeastLoaded;
            given.then(|| (name.to_owned(), beat.slots.min(most), beat.commands))
        });
        self.workers = workers.collect();
    }

    /// Whether there is anybody for servers over the network, or for commands.
    pub(super) fn anybody(&self, command: bool) -> bool {
        self.workers.iter().any(|(_, slots, commands)| *slots > 0 && (*commands || !command))
    }

    /// The queue for the next job, if any has room.
    pub(super) fn next(&mut self, command: bool) -> Option<Lane> {
        let lane = match self.algorithm {
            Algorithm::LeastLoaded => {
                let lane = if command { Lane::Command } else { Lane::Remote };
                let able = self.workers.iter().filter(|(_, _, commands)| *commands || !command);
                let room = able.map(|(_, slots, _)| slots).sum::<usize>() * AHEAD;
                (self.out.get(&lane).copied().unwrap_or_default() < room).then_some(lane)?
            }
            Algorithm::RoundRobin => {
                let last = &mut self.last[usize::from(command)];
                let able = || {
                    self.workers.iter().filter(|(_, slots, commands)| *slots > 0 && (*commands || !command))
                };
                let after = able().find(|(name, ..)| last.as_ref().is_none_or(|last| name > last));
                let (name, slots, _) = after.or_else(|| able().next())?;
                let lane = Lane::Worker(name.clone());
                // In turn means in turn: the one who is next is waited for.
                if self.out.get(&lane).copied().unwrap_or_default() >= slots * AHEAD {
                    return None;
                }
                *last = Some(name.clone());
                lane
            }
        };
        *self.out.entry(lane.clone()).or_default() += 1;
        Some(lane)
    }

    /// One more job is in `lane` that was not given out here.
    pub(super) fn is_out(&mut self, lane: &Lane) {
        *self.out.entry(lane.clone()).or_default() += 1;
    }

    /// A job of `lane` is out no more.
    pub(super) fn back(&mut self, lane: &Lane) {
        if let Some(out) = self.out.get_mut(lane) {
            *out = out.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(algorithm: Algorithm, workers: &[(&str, usize, bool)]) -> Turns {
        let mut turns = Turns::new(&ClusterOptions { algorithm, ..ClusterOptions::default() });
        turns.workers =
            workers.iter().map(|(name, slots, able)| ((*name).to_owned(), *slots, *able)).collect();
        turns
    }

    #[test]
    fn in_turn_everybody_gets_the_same_and_the_next_is_waited_for() {
        let mut turns = turns(Algorithm::RoundRobin, &[("a", 1, false), ("b", 2, true), ("c", 2, false)]);
        let to = |name: &str| Some(Lane::Worker(name.to_owned()));
        let given: Vec<Option<Lane>> = (0..6).map(|_| turns.next(false)).collect();
        assert_eq!(given, [to("a"), to("b"), to("c"), to("a"), to("b"), to("c")]);
        assert_eq!(turns.next(false), None, "a has two of one");
        turns.back(&Lane::Worker("b".into()));
        assert_eq!(turns.next(false), None, "it is still the turn of a");
        turns.back(&Lane::Worker("a".into()));
        assert_eq!(turns.next(false), to("a"));
        let commands: Vec<Option<Lane>> = (0..4).map(|_| turns.next(true)).collect();
        assert_eq!(commands, [to("b"), to("b"), to("b"), None], "only b may");
    }

    #[test]
    fn who_has_room_takes_what_is_in_the_common_queue() {
        let mut turns = turns(Algorithm::LeastLoaded, &[("a", 2, false), ("b", 1, true)]);
        assert_eq!((0..9).filter(|_| turns.next(false) == Some(Lane::Remote)).count(), 6);
        assert_eq!((0..9).filter(|_| turns.next(true) == Some(Lane::Command)).count(), 2);
        turns.back(&Lane::Remote);
        assert_eq!(turns.next(false), Some(Lane::Remote));
        turns.workers.clear();
        assert_eq!(turns.next(true), None);
        assert!(!turns.anybody(false));
    }
}
