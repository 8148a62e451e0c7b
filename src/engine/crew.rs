//! The workers of a pool: how they are started, what each does, and how those too many leave.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crossbeam_channel::{Receiver, Sender};
use threadpool::Builder;

use crate::base::text::panic_text;

use super::{Event, Gauge};

/// What every worker holds. The pool has ended when the last of these is gone.
pub(super) struct Kit<J, T, W> {
    pub(super) inbox: Receiver<(usize, J)>,
    pub(super) report: Sender<Event<T>>,
    pub(super) work: Arc<W>,
    /// Workers that are to leave after their job.
    pub(super) surplus: Arc<AtomicUsize>,
    pub(super) stack: usize,
}

/// The workers as the calling thread sees them.
pub(super) struct Crew<'a, J, T, W> {
    kit: Kit<J, T, W>,
    gauge: &'a Gauge,
    hired: usize,
    width: usize,
}

impl<'a, J, T, W> Crew<'a, J, T, W>
where
    J: Send + 'static,
    T: Send + 'static,
    W: Fn(usize, J) -> T + Send + Sync + 'static,
{
    /// Nobody yet.
    pub(super) fn new(kit: Kit<J, T, W>, gauge: &'a Gauge) -> Crew<'a, J, T, W> {
        Crew { kit, gauge, hired: 0, width: 0 }
    }

    /// Workers there are, those that are about to leave not among them.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Jobs that were handed out and not taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.kit.inbox.len()
    }

    /// Where those jobs are, for whoever has to answer for them without a worker.
    pub(super) fn inbox(&self) -> &Receiver<(usize, J)> {
        &self.kit.inbox
    }

    /// Starts workers, or lets some go, until there are `wanted`; false if the system has no thread left.
    pub(super) fn resize(&mut self, wanted: usize) -> bool {
        let mut missing = wanted.saturating_sub(self.width);
        // Who has not left yet may as well stay.
        while missing > 0 && self.kit.leaves() {
            missing -= 1;
            self.width += 1;
        }
        let surplus = self.width.saturating_sub(wanted);
        self.kit.surplus.fetch_add(surplus, Relaxed);
        self.width -= surplus;
        let hired = (0..missing).take_while(|_| self.hire()).count();
        self.width += hired;
        self.gauge.set(self.width);
        hired == missing
    }

    /// threadpool gives all threads of a pool one name; numbered names take a pool of one thread each. The
    /// thread outlives its pool, and ends when its job does.
    fn hire(&mut self) -> bool {
        let kit = self.kit.copy();
        let name = format!("MCP-Introspection-{}", self.hired + 1);
        // threadpool panics where the system has no thread left. With fewer of them the work still gets done.
        let pool = catch_unwind(AssertUnwindSafe(|| {
            Builder::new().num_threads(1).thread_name(name).thread_stack_size(kit.stack).build()
        }));
        let Ok(pool) = pool else { return false };
        self.hired += 1;
        pool.execute(move || kit.serve());
        true
    }
}

impl<J, T, W> Kit<J, T, W> {
    fn copy(&self) -> Kit<J, T, W> {
        Kit {
            inbox: self.inbox.clone(),
            report: self.report.clone(),
            work: self.work.clone(),
            surplus: self.surplus.clone(),
            stack: self.stack,
        }
    }

    /// Whether one worker too many is gone with this.
    fn leaves(&self) -> bool {
        self.surplus.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)).is_ok()
    }

    fn serve(self)
    where
        W: Fn(usize, J) -> T,
    {
        for (number, job) in &self.inbox {
            let work = &self.work;
            let result =
                catch_unwind(AssertUnwindSafe(|| work(number, job))).map_err(|p| panic_text(&*p).to_owned());
            // The receiver outlives the workers; a failed send means that the caller panicked.
            let _ = self.report.send(Event::Ended(number, result));
            if self.leaves() {
                break;
            }
        }
        // What the work holds is let go before the caller can see that this worker is gone.
        drop(self.work);
        drop(self.report);
    }
}
