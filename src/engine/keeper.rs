//! Keeps an automatic width: looks at the processors now and then, and resizes the crew.

use std::time::{Duration, Instant};

use crate::sys::cpu::CpuMeter;

use super::crew::Crew;
use super::growth::{self, LOOK, Sight};

/// Between two looks when the pool is as wide as it may get.
const SLOW_LOOK: Duration = Duration::from_millis(50);

/// Keeps one pool.
pub(super) struct Keeper<'a, J, T, W> {
    pub(super) crew: Crew<'a, J, T, W>,
    least: usize,
    most: usize,
    processes: bool,
    meter: CpuMeter,
    next: Instant,
    taken: u32,
    /// Jobs that ended since the generation began.
    ended: usize,
    settled: Option<f64>,
}

impl<'a, J, T, W> Keeper<'a, J, T, W>
where
    J: Send + 'static,
    T: Send + 'static,
    W: Fn(usize, J) -> T + Send + Sync + 'static,
{
    /// Of `crew`, between these widths. `processes`: whether its jobs start some.
    pub(super) fn new(crew: Crew<'a, J, T, W>, least: usize, most: usize, processes: bool) -> Self {
        let (meter, next) = (CpuMeter::start(), Instant::now() + LOOK);
        Keeper { crew, least, most, processes, meter, next, taken: 0, ended: 0, settled: None }
    }

    /// How long nothing has to be looked at.
    pub(super) fn rest(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// A job has ended.
    pub(super) fn ended(&mut self) {
        self.ended += 1;
    }

    /// Looks, if it is time to. `waiting` jobs have no worker; `behind`: results wait for whoever takes them.
    pub(super) fn look(&mut self, waiting: usize, behind: bool) {
        if Instant::now() < self.next {
            return;
        }
        let load = self.meter.look();
        let width = self.crew.width();
        let fresh = self.ended >= width;
        if fresh {
            (self.settled, self.ended) = (Some(self.meter.settle()), 0);
        }
        let sight = Sight {
            width,
            least: self.least,
            most: self.most,
            waiting,
            processes: self.processes,
            ours: load.ours,
            settled: self.settled,
            fresh,
            behind,
            stalled: load.stalled,
            taken: self.taken,
        };
        let wanted = growth::next(sight);
        log::trace!("{sight:?}: {wanted}");
        self.taken = if sight.is_full() && wanted == width { self.taken + 1 } else { 0 };
        if wanted != width && !self.crew.resize(wanted) {
            self.most = self.crew.width();
            log::warn!("no more than {} threads could be started (ulimit -u)", self.most);
        }
        let pause = if self.crew.width() < self.most { growth::pause(self.crew.width()) } else { SLOW_LOOK };
        self.next = Instant::now() + pause;
    }
}
