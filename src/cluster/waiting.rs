//! Jobs that no worker has yet, and which of them is next.
//!
//! Of one origin no more than a few are with workers at a time, however many workers there are: the others of it
//! wait aside, and those of other origins pass them.

use std::collections::{HashMap, VecDeque};

/// Jobs by number, in order.
#[derive(Debug)]
pub(super) struct Waiting {
    queue: VecDeque<usize>,
    /// Of each job its origin, if it has one.
    origins: Vec<Option<u32>>,
    /// How many of an origin are out, and which wait for it.
    busy: HashMap<u32, Origin>,
    most: usize,
}

#[derive(Debug, Default)]
struct Origin {
    out: usize,
    aside: VecDeque<usize>,
}

impl Waiting {
    /// `jobs`, whose origins are `origins[job]`; `most` of an origin at a time.
    pub(super) fn new(
        jobs: impl IntoIterator<Item = usize>,
        origins: Vec<Option<u32>>,
        most: usize,
    ) -> Waiting {
        Waiting { queue: jobs.into_iter().collect(), origins, busy: HashMap::new(), most: most.max(1) }
    }

    /// The next job that may go out. It counts as out from now on.
    pub(super) fn take(&mut self) -> Option<usize> {
        while let Some(job) = self.queue.pop_front() {
            let Some(origin) = self.origins[job] else { return Some(job) };
            let origin = self.busy.entry(origin).or_default();
            if origin.out < self.most {
                origin.out += 1;
                return Some(job);
            }
            origin.aside.push_back(job);
        }
        None
    }

    /// `job` was out already when this began.
    pub(super) fn is_out(&mut self, job: usize) {
        if let Some(origin) = self.origins[job] {
            self.busy.entry(origin).or_default().out += 1;
        }
    }

    /// `job` is out no more: it is done.
    pub(super) fn done(&mut self, job: usize) {
        let Some(name) = self.origins[job] else { return };
        if let Some(origin) = self.busy.get_mut(&name) {
            origin.out = origin.out.saturating_sub(1);
            self.queue.extend(origin.aside.pop_front());
            if origin.out == 0 && origin.aside.is_empty() {
                self.busy.remove(&name);
            }
        }
    }

    /// `job` could not go out after all: it is the next.
    pub(super) fn put_back(&mut self, job: usize) {
        self.done(job);
        self.queue.push_front(job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(waiting: &mut Waiting) -> Vec<usize> {
        std::iter::from_fn(|| waiting.take()).collect()
    }

    #[test]
    fn an_origin_has_its_share_and_the_others_pass() {
        let origins = vec![Some(1), Some(1), Some(1), None, Some(2), None];
        let mut waiting = Waiting::new(0..6, origins, 2);
        assert_eq!(taken(&mut waiting), [0, 1, 3, 4, 5]);
        waiting.done(3);
        assert_eq!(taken(&mut waiting), [0; 0]);
        waiting.done(1);
        assert_eq!(taken(&mut waiting), [2]);
    }

    #[test]
    fn what_is_put_back_is_next_and_nothing_is_lost() {
        let mut waiting = Waiting::new(0..4, vec![Some(1); 4], 1);
        assert_eq!(waiting.take(), Some(0));
        assert_eq!(waiting.take(), None);
        waiting.put_back(0);
        assert_eq!(waiting.take(), Some(0));
        for job in 0..3 {
            waiting.done(job);
            assert_eq!(waiting.take(), Some(job + 1));
        }
    }

    #[test]
    fn what_was_out_before_counts() {
        let mut waiting = Waiting::new([1], vec![Some(1); 2], 1);
        waiting.is_out(0);
        assert_eq!(waiting.take(), None);
        waiting.done(0);
        assert_eq!(waiting.take(), Some(1));
    }
}
