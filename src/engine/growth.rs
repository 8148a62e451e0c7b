//! When a pool grows and when it shrinks; pure. What is seen comes in, the new width goes out.
//!
//! A worker that waits on a server costs next to nothing, so the pool doubles as long as nobody has to wait
//! for a processor. Servers that are processes of this machine take their processor time here, too, and
//! their part of it is not ours to measure while they live: then the machine's word counts. Servers
//! elsewhere cost what this process itself uses, and another program's load is no reason to crawl: the pool
//! still grows to a moderate width.

use std::time::Duration;

/// Between two looks while there is something to decide.
pub(super) const LOOK: Duration = Duration::from_millis(10);
/// Looks in a row that must find the processors taken before the pool shrinks.
const PATIENCE: u32 = 10;
/// Share of the time in which somebody had to wait for a processor, from which on there is no idle one.
const STALLED: f64 = 0.5;
/// Share of all processor time that is ours, up to which twice as much still fits.
const HALF: f64 = 0.4;
/// The same, where others want the processors as well.
const LITTLE: f64 = 0.1;
/// How wide a pool gets while they do. Our share is small then whether we wait for the network or for our turn.
const CROWDED: usize = 64;
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
    /// Share of the time in which somebody waited for a processor, 0 to 1.
    pub stalled: f64,
    /// Looks in a row, this one not among them, that found the processors taken.
    pub taken: u32,
}

impl Sight {
    /// Whether the processors are taken to the last bit, by what we do.
    pub(super) fn is_full(&self) -> bool {
        self.ours >= FULL || self.processes && self.stalled >= FULL
    }
}

/// The width from now on.
pub(super) fn next(sight: Sight) -> usize {
    let Sight { width, least, most, waiting, .. } = sight;
    if sight.is_full() {
        let narrower = (width - width / 4).max(least).min(width);
        return if sight.taken >= PATIENCE { narrower } else { width };
    }
    let crowded = sight.stalled >= STALLED;
    let (room, most) = match (crowded, sight.processes) {
        (false, _) => (sight.ours < HALF, most),
        (true, false) => (sight.ours < LITTLE, most.min(CROWDED)),
        (true, true) => (false, most),
    };
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
    fn the_load_of_others_stops_processes_but_not_waiting_on_the_network() {
        let crowded = Sight { stalled: 1.0, ours: 0.05, ..QUIET };
        assert_eq!(next(crowded), 16);
        assert_eq!(next(Sight { ours: 0.2, ..crowded }), 8);
        // From outside, waiting for a turn looks the same.
        assert_eq!(next(Sight { width: 40, ..crowded }), 64);
        assert_eq!(next(Sight { width: 100, ..crowded }), 100);
        assert_eq!(next(Sight { processes: true, ..crowded }), 8);
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
