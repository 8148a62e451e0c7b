//! When a pool grows and when it shrinks; pure. What is seen comes in, the new width goes out.
//!
//! A worker that waits on a server costs next to nothing, so the pool doubles as long as nobody has to wait
//! for a processor. Servers elsewhere cost what this process itself uses: while that is little, another
//! program's load is no reason to crawl. Servers that are processes of this machine take their processor time
//! here, too, and that is known only once they have ended: where the processors are wanted, each doubling waits
//! until as many jobs have ended as there are workers, and until those are known to have cost little.

use std::time::Duration;

/// Between two looks while there is something to decide.
pub(super) const LOOK: Duration = Duration::from_millis(5);
/// Looks in a row that must find the processors taken before the pool shrinks.
const PATIENCE: u32 = 20;
/// Share of the time in which somebody had to wait for a processor, from which on there is no idle one.
const STALLED: f64 = 0.5;
/// Share of all processor time that is ours, up to which twice as much still fits.
const HALF: f64 = 0.4;
/// The same for servers that are processes, where others want the processors as well: our share is small then,
/// too, because we wait for our turn.
const LITTLE: f64 = 0.1;
/// Shares from which on a narrower pool would do as much.
const FULL: f64 = 0.9;

/// What is seen at one look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    /// Workers there are.
    pub width: usize,
    /// The fewest there may be.
    pub least: usize,
    /// The most there may be.
    pub most: usize,
    /// Jobs without a worker.
    pub waiting: usize,
    /// Whether jobs start processes.
    pub processes: bool,
    /// This process's share of all processor time, 0 to 1.
    pub ours: f64,
    /// The same with the processes that have ended, since the last generation of jobs began: as many as there
    /// were workers. `None` until the first one has ended.
    pub settled: Option<f64>,
    /// Whether that generation ended just now.
    pub fresh: bool,
    /// Whether results wait for whoever takes them, and with them the workers.
    pub behind: bool,
    /// Share of the time in which somebody waited for a processor, 0 to 1.
    pub stalled: f64,
    /// Looks in a row, this one not among them, that found the processors taken.
    pub taken: u32,
}

impl Sight {
    /// Whether the processors are taken to the last bit by what we do, or nobody keeps up with the results.
    pub(super) fn is_full(&self) -> bool {
        self.behind || self.ours >= FULL || self.processes && self.stalled >= FULL && !self.is_light()
    }

    /// Whether our processes are known to leave the processors to others.
    fn is_light(&self) -> bool {
        self.settled.is_some_and(|share| share < LITTLE)
    }
}

/// The time until the next look. What many new workers cost shows later than what a few do.
pub(super) fn pause(width: usize) -> Duration {
    LOOK * u32::try_from(width / 128).unwrap_or(1).clamp(1, 4)
}

/// The width from now on.
pub(super) fn next(sight: Sight) -> usize {
    let Sight { width, least, most, waiting, .. } = sight;
    if sight.is_full() {
        let narrower = (width - width / 4).max(least).min(width);
        return if sight.taken >= PATIENCE { narrower } else { width };
    }
    let room =
        sight.ours < HALF && (!sight.processes || sight.stalled < STALLED || sight.fresh && sight.is_light());
    // A worker without a job is of no use.
    let wanted = (2 * width).min(width + waiting).min(most);
    if room { wanted.max(width) } else { width }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Sight = Sight {
        width: 8,
        least: 4,
        most: 1024,
        waiting: 1000,
        processes: false,
        ours: 0.0,
        settled: None,
        fresh: false,
        behind: false,
        stalled: 0.0,
        taken: 0,
    };

    #[test]
    fn it_doubles_while_the_processors_are_idle() {
        assert_eq!(next(QUIET), 16);
        assert_eq!(next(Sight { width: 1000, ..QUIET }), 1024);
        assert_eq!(next(Sight { waiting: 3, ..QUIET }), 11);
        assert_eq!(next(Sight { waiting: 0, ..QUIET }), 8);
        assert_eq!(next(Sight { processes: true, stalled: 0.3, ..QUIET }), 16);
    }

    #[test]
    fn it_stays_where_twice_as_much_would_not_fit() {
        assert_eq!(next(Sight { ours: 0.5, ..QUIET }), 8);
        assert_eq!(next(Sight { processes: true, stalled: 0.6, ..QUIET }), 8);
        assert_eq!(next(Sight { processes: true, ours: 0.5, ..QUIET }), 8);
    }

    #[test]
    fn more_results_than_are_taken_are_no_reason_to_grow() {
        let behind = Sight { behind: true, ..QUIET };
        assert_eq!(next(behind), 8);
        assert_eq!(next(Sight { taken: PATIENCE, ..behind }), 6);
    }

    #[test]
    fn the_load_of_others_is_no_matter_to_servers_elsewhere() {
        let crowded = Sight { stalled: 1.0, ours: 0.05, ..QUIET };
        assert_eq!(next(crowded), 16);
        assert_eq!(next(Sight { width: 600, ..crowded }), 1024);
        assert_eq!(next(Sight { ours: 0.5, ..crowded }), 8);
    }

    #[test]
    fn processes_grow_under_load_once_a_generation_has_cost_little() {
        let crowded = Sight { stalled: 1.0, processes: true, ..QUIET };
        let settled = |share, fresh| Sight { settled: Some(share), fresh, ..crowded };
        assert_eq!(next(crowded), 8);
        assert_eq!(next(settled(0.01, true)), 16);
        // The new workers have to show first what they cost.
        assert_eq!(next(settled(0.01, false)), 8);
        // From outside, waiting for a turn looks the same.
        assert_eq!(next(settled(0.2, true)), 8);
        // The load is somebody else's: no reason to shrink.
        assert_eq!(next(Sight { taken: PATIENCE, ..settled(0.01, false) }), 8);
        assert_eq!(next(Sight { taken: PATIENCE, ..settled(0.2, false) }), 6);
        assert_eq!(next(Sight { taken: PATIENCE, ..crowded }), 6);
    }

    #[test]
    fn it_shrinks_to_its_start_when_the_processors_stay_taken() {
        let full = Sight { width: 400, ours: 0.95, stalled: 1.0, ..QUIET };
        assert_eq!(next(full), 400);
        assert_eq!(next(Sight { taken: PATIENCE, ..full }), 300);
        assert_eq!(next(Sight { taken: PATIENCE, width: 5, ..full }), 4);
        assert_eq!(next(Sight { taken: PATIENCE, width: 4, ..full }), 4);
        // A pool that has fewer jobs than its start is not made wider by shrinking.
        assert_eq!(next(Sight { taken: PATIENCE, width: 2, ..full }), 2);
    }
}
