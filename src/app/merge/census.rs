//! Which result of each server counts, where several reports have one.
//!
//! Of a server 16 bytes are kept that stand for its endpoint and its name, and where its result is: some 150
//! bytes, whatever the server offers.

use std::collections::HashMap;
use std::time::SystemTime;

use crate::model::outcome::{Outcome, Status};
use crate::model::shard::Identity;
use crate::saved::stream::MOST_TARGETS;

/// A server: its endpoint and name, and which of those it is that share both.
type Mark = [u8; 16];

/// The servers of all reports.
#[derive(Default)]
pub(super) struct Census {
    servers: HashMap<Mark, Seen>,
    /// How many of a mark there were in this run so far, where it is more than one.
    twins: HashMap<Mark, u32>,
    /// Where we are: the report, the run in it, the targets of the report so far.
    report: u32,
    round: u32,
    ordinal: u32,
    /// Results that another one of the same server won over.
    pub(super) doubled: usize,
}

/// Where the result of a server is.
#[derive(Clone, Copy)]
struct Seen {
    report: u32,
    ordinal: u32,
    /// Place in the list that all parts are of, or in the report in which the server stands first.
    place: u32,
    /// That report.
    first: u32,
    /// Whether that is the place in a list.
    listed: bool,
    complete: bool,
    began: Option<SystemTime>,
    /// Where it was seen last: no server is twice in a run.
    last: (u32, u32),
    /// For servers that are gone later.
    name: u64,
}

/// For each report and each of its targets: its place in the merged report, or that another result counts.
pub(super) struct Places {
    places: Vec<Vec<Option<u32>>>,
    /// How many targets there are.
    pub(super) count: usize,
    /// How many of them are in the list that all parts are of.
    pub(super) listed: usize,
}

/// What is known of a target besides its outcome.
pub(super) struct Source {
    /// Its place, where the report says so.
    pub(super) place: Option<u32>,
    /// Whether that is one in the list which all parts are of.
    pub(super) listed: bool,
    /// When its run began.
    pub(super) began: Option<SystemTime>,
}

/// There are more targets than can be merged.
#[derive(Debug)]
pub(super) struct TooMany;

impl Census {
    /// The next report begins.
    pub(super) fn report(&mut self, number: usize) {
        self.report = u32::try_from(number).unwrap_or(u32::MAX);
        (self.ordinal, self.round) = (0, 0);
        self.twins.clear();
    }

    /// A run begins, in the report that was begun: the first, or one more round of a watch.
    pub(super) fn round(&mut self) {
        self.round += 1;
        self.twins.clear();
    }

    /// The next target of the report. The report whose result loses, where there are two.
    pub(super) fn see(&mut self, outcome: &Outcome, source: &Source) -> Result<Option<usize>, TooMany> {
        let ordinal = self.ordinal;
        self.ordinal = ordinal.checked_add(1).ok_or(TooMany)?;
        let identity = Identity::of(&outcome.name, &outcome.owners, &outcome.endpoint);
        let here = (self.report, self.round);
        let first = identity.mark(&outcome.name, 0);
        let mut mark = first;
        if self.servers.get(&first).is_some_and(|seen| seen.last == here) {
            let twin = self.twins.entry(first).or_default();
            *twin += 1;
            mark = identity.mark(&outcome.name, *twin);
        }
        let new = Seen {
            report: self.report,
            ordinal,
            place: source.place.unwrap_or(ordinal),
            first: self.report,
            listed: source.listed,
            complete: outcome.status == Status::Complete,
            began: source.began,
            last: here,
            name: hash_of(&outcome.name),
        };
        let Some(old) = self.servers.get_mut(&mark) else {
            if self.servers.len() >= MOST_TARGETS {
                return Err(TooMany);
            }
            self.servers.insert(mark, new);
            return Ok(None);
        };
        // A later round of the same report is what that report has to say.
        let later_round = old.report == new.report;
        let stands = if new.listed && !old.listed { new } else { *old };
        let (place, first, listed) = (stands.place, stands.first, stands.listed);
        let loser = if later_round || (new.complete, new.began) >= (old.complete, old.began) {
            let loser = old.report;
            *old = Seen { place, first, listed, ..new };
            loser
        } else {
            *old = Seen { place, first, listed, last: here, ..*old };
            new.report
        };
        self.doubled += usize::from(!later_round);
        Ok((!later_round).then_some(loser as usize))
    }

    /// Targets of the report that are none any more, by name.
    pub(super) fn gone(&mut self, names: &[String]) {
        let mut by_name: HashMap<u64, usize> = HashMap::new();
        names.iter().for_each(|name| *by_name.entry(hash_of(name)).or_default() += 1);
        let here = (self.report, self.round);
        let mut candidates: Vec<(u64, u32, Mark)> = self
            .servers
            .iter()
            .filter(|(_, seen)| seen.report == self.report && seen.last != here)
            .filter(|(_, seen)| by_name.contains_key(&seen.name))
            .map(|(mark, seen)| (seen.name, seen.ordinal, *mark))
            .collect();
        candidates.sort_unstable();
        for (name, _, mark) in candidates {
            let left = by_name.entry(name).or_default();
            if *left > 0 {
                *left -= 1;
                self.servers.remove(&mark);
            }
        }
    }

    /// Targets of this report so far.
    pub(super) fn told(&self) -> usize {
        self.ordinal as usize
    }

    /// The end: those of the list in its order, then the others as they came. `told` are the targets of each report.
    pub(super) fn places(self, told: &[usize]) -> Places {
        let mut places: Vec<Vec<Option<u32>>> = told.iter().map(|targets| vec![None; *targets]).collect();
        let mut all: Vec<Seen> = self.servers.into_values().collect();
        all.sort_unstable_by_key(|seen| {
            let report = if seen.listed { 0 } else { seen.first + 1 };
            (report, seen.place, seen.report, seen.ordinal)
        });
        let listed = all.iter().filter(|seen| seen.listed).count();
        for (place, seen) in all.iter().enumerate() {
            let of_report = places.get_mut(seen.report as usize);
            if let Some(slot) = of_report.and_then(|places| places.get_mut(seen.ordinal as usize)) {
                *slot = u32::try_from(place).ok();
            }
        }
        Places { places, count: all.len(), listed }
    }
}

impl Places {
    /// Where the target of this number of a report stands; nothing if another result counts.
    pub(super) fn of(&self, report: usize, target: usize) -> Option<usize> {
        let place = self.places.get(report)?.get(target)?;
        place.map(|place| place as usize)
    }
}

/// The same for the same name, in this process.
fn hash_of(name: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::EndpointView;
    use std::time::{Duration, UNIX_EPOCH};

    fn outcome(name: &str, status: Status) -> Outcome {
        let url = Some(format!("https://{name}/mcp"));
        Outcome {
            status,
            endpoint: EndpointView { url, ..EndpointView::default() },
            ..Outcome::unknown(name)
        }
    }

    fn source(listed: Option<u32>, began: u64) -> Source {
        let began = Some(UNIX_EPOCH + Duration::from_secs(began));
        Source { place: listed, listed: listed.is_some(), began }
    }

    #[test]
    fn the_later_complete_result_counts() {
        use Status::{Complete, Failed};
        for (first, second, winner) in [
            ((Complete, 1), (Complete, 2), 1),
            ((Complete, 2), (Complete, 1), 0),
            ((Complete, 1), (Failed, 2), 0),
            ((Failed, 2), (Complete, 1), 1),
            ((Failed, 1), (Failed, 2), 1),
            ((Failed, 1), (Failed, 1), 1),
        ] {
            let mut census = Census::default();
            for (report, (status, began)) in [first, second].into_iter().enumerate() {
                census.report(report);
                census.round();
                census.see(&outcome("a", status), &source(None, began)).unwrap();
            }
            assert_eq!(census.doubled, 1);
            let places = census.places(&[1, 1]);
            assert_eq!((places.count, places.of(winner, 0), places.of(1 - winner, 0)), (1, Some(0), None));
        }
    }

    #[test]
    fn twins_of_one_run_are_two_servers_and_met_again_as_two() {
        let mut census = Census::default();
        for report in 0..2 {
            census.report(report);
            census.round();
            for _ in 0..3 {
                census.see(&outcome("a", Status::Complete), &source(None, report as u64)).unwrap();
            }
        }
        assert_eq!(census.doubled, 3);
        let places = census.places(&[3, 3]);
        assert_eq!(places.count, 3);
        assert_eq!((0..3).map(|at| places.of(1, at)).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn rounds_replace_what_was_before_and_drop_what_is_gone() {
        let mut census = Census::default();
        census.report(0);
        census.round();
        for name in ["a", "b", "c"] {
            census.see(&outcome(name, Status::Complete), &source(None, 1)).unwrap();
        }
        census.round();
        census.see(&outcome("b", Status::Failed), &source(None, 2)).unwrap();
        census.gone(&["a".to_owned(), "b".to_owned()]);
        assert_eq!(census.doubled, 0);
        let places = census.places(&[4]);
        // Where it stood in the first round.
        let at = |n| places.of(0, n);
        assert_eq!((places.count, at(0), at(1), at(2), at(3)), (2, None, None, Some(1), Some(0)));
    }

    #[test]
    fn servers_of_a_list_stand_in_its_order_and_before_all_others() {
        let mut census = Census::default();
        let reports: [&[(&str, Option<u32>)]; 3] =
            [&[("x", None)], &[("c", Some(2)), ("a", Some(0))], &[("b", Some(1)), ("x", Some(3))]];
        for (report, targets) in reports.iter().enumerate() {
            census.report(report);
            census.round();
            for (name, place) in *targets {
                census.see(&outcome(name, Status::Complete), &source(*place, 0)).unwrap();
            }
        }
        let places = census.places(&[1, 2, 2]);
        assert_eq!((places.count, places.listed), (4, 4));
        let found = [places.of(0, 0), places.of(1, 0), places.of(1, 1), places.of(2, 0), places.of(2, 1)];
        assert_eq!(found, [None, Some(2), Some(0), Some(1), Some(3)]);
    }
}
