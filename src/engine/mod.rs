//! Floor 2: jobs in, results out, over a pool of worker threads. Knows nothing of MCP.
//!
//! ```text
//!  calling thread ──bounded──▶ MCP-Introspection-1..N ──bounded──▶ calling thread
//!  (hands out jobs, takes results and looks after the width in one loop: no feeder thread, no lock)
//! ```
//!
//! A slow receiver slows the pool instead of filling memory. The pool ends by dropping: when the jobs are
//! handed out the sender goes, the workers leave their loops, and with the last of them goes the last event
//! sender. A panic in a job is caught inside the worker's loop: it costs that job, not the worker.
//!
//! An automatic width begins with a few workers a processor and is looked at every few milliseconds: `growth`
//! says what it should be, new workers are started by the calling thread, and those too many leave after the job
//! they are at.
//!
//! Invariant: every job that was taken from the iterator is reported exactly once.

mod crew;
mod growth;
mod keeper;
pub(crate) mod options;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded, select};

use crew::{Crew, Kit};
use keeper::Keeper;
use options::Width;

/// Bytes of a worker's stack. Small and explicit: a thousand threads must fit. TLS and JSON need some 100 KiB.
pub(crate) const STACK: usize = 512 << 10;

/// Results that wait for the calling thread before workers do.
const MOST_EVENTS: usize = 64;

/// What the calling thread hears of.
#[derive(Debug)]
pub(crate) enum Event<T> {
    /// The job of this number ended; with the panic's message if it ended so.
    Ended(usize, Result<T, String>),
    /// Nothing happened for a while.
    Quiet,
}

/// How long nothing must happen to be worth telling.
pub(crate) const WHILE: Duration = Duration::from_millis(250);

/// What a pool is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Jobs at a time.
    pub width: Width,
    /// An automatic width shrinks no further.
    pub least: usize,
    /// Whether jobs start processes, whose processor time is not ours to see.
    pub processes: bool,
    /// Bytes of a worker's stack.
    pub stack: usize,
}

impl Shape {
    /// Always `threads` wide.
    pub(crate) fn fixed(threads: usize) -> Shape {
        Shape { width: Width::Fixed(threads), least: 1, processes: false, stack: STACK }
    }
}

/// How wide a pool is, for whoever wants to know meanwhile and afterwards.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    now: AtomicUsize,
    reached: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    /// Workers there are.
    pub(crate) fn now(&self) -> usize {
        self.now.load(Relaxed)
    }

    /// Workers there were at the end of the last run, before they ran out of jobs; 0 before the first.
    pub(crate) fn reached(&self) -> usize {
        self.reached.load(Relaxed)
    }

    /// The most there ever were.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Relaxed)
    }

    fn set(&self, width: usize) {
        self.now.store(width, Relaxed);
        self.reached.store(width, Relaxed);
        self.peak.fetch_max(width, Relaxed);
    }
}

/// Runs `work` over `jobs` on a pool of this `shape`, and tells `each` on the calling thread. Jobs are
/// numbered from 0 in the order of the iterator, which is asked for the next one only when there is room. An
/// automatic width begins where the last run with this `gauge` was.
pub(crate) fn run<J, T>(
    jobs: impl ExactSizeIterator<Item = J>,
    shape: Shape,
    gauge: &Gauge,
    work: impl Fn(usize, J) -> T + Send + Sync + 'static,
    mut each: impl FnMut(Event<T>),
) where
    J: Send + 'static,
    T: Send + 'static,
{
    let width = shape.width.from(gauge.reached()).within(jobs.len());
    let (hand_out, inbox) = bounded::<(usize, J)>(width.most());
    let (report, events) = bounded::<Event<T>>(MOST_EVENTS);
    let mut jobs = jobs.enumerate();
    // Filled before the workers start: each finds work at once, while the others are still being made.
    for job in jobs.by_ref().take(width.most()) {
        hand_out.send(job).expect("the channel holds as many jobs as there may be threads");
    }
    let kit = Kit { inbox, report, work: Arc::new(work), surplus: Arc::default(), stack: shape.stack };
    let mut crew = Crew::new(kit, gauge);
    if !crew.resize(width.start()) {
        log::warn!("only {} of {} threads could be started (ulimit -u)", crew.width(), width.start());
    }
    if crew.width() == 0 {
        drop(hand_out);
        let unserved = crew.inbox().iter().chain(jobs).map(|(number, _)| number);
        return unserved
            .for_each(|number| each(Event::Ended(number, Err("no thread could be started".into()))));
    }
    let mut next = jobs.next();
    let mut hand_out = next.is_some().then_some(hand_out);
    let mut keeper = match width {
        Width::Auto { start, most } if crew.width() == start && start < most => {
            Some(Keeper::new(crew, shape.least.min(start), most, shape.processes))
        }
        Width::Auto { .. } | Width::Fixed(_) => {
            // Nothing to keep. The workers' ends of the channels have to be the last.
            drop(crew);
            None
        }
    };
    let mut quiet_since = Instant::now();
    loop {
        let waiting = keeper.as_ref().map_or(0, |k| k.crew.waiting()) + jobs.len();
        // Once every job has its worker there is nothing to keep either.
        keeper = keeper.filter(|_| waiting > 0 || hand_out.is_some());
        let tick = keeper.as_mut().map_or(WHILE, |keeper| {
            keeper.look(waiting, events.len() >= MOST_EVENTS / 2);
            keeper.rest()
        });
        let event = match &hand_out {
            // The message is evaluated only when there is room for it.
            Some(to) => select! {
                send(to, next.take().expect("a job is there while the sender is")) -> _ => {
                    next = jobs.next();
                    if next.is_none() {
                        hand_out = None;
                    }
                    continue;
                }
                recv(events) -> event => event.map_err(|_| RecvTimeoutError::Disconnected),
                default(tick) => Err(RecvTimeoutError::Timeout),
            },
            None => events.recv_timeout(tick),
        };
        match event {
            Ok(event) => {
                keeper.iter_mut().for_each(Keeper::ended);
                each(event);
                quiet_since = Instant::now();
            }
            Err(RecvTimeoutError::Timeout) if quiet_since.elapsed() >= WHILE => {
                each(Event::Quiet);
                quiet_since = Instant::now();
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    gauge.now.store(0, Relaxed);
}
#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::thread;

    fn results<T: Send + 'static>(
        jobs: usize,
        threads: Width,
        work: fn(usize) -> T,
    ) -> Vec<(usize, Result<T, String>)> {
        let mut all = Vec::new();
        let shape = Shape { width: threads, least: 1, processes: false, stack: STACK };
        run(
            0..jobs,
            shape,
            &Gauge::default(),
            move |_, j| work(j),
            |e| {
                if let Event::Ended(n, r) = e {
                    all.push((n, r));
                }
            },
        );
        all
    }

    #[test]
    fn every_job_is_reported_once_and_panics_cost_one_job_each() {
        let all = results(1000, Width::Fixed(3), |j| if j % 100 == 7 { panic!("job {j}") } else { j * 2 });
        assert_eq!(all.iter().map(|(n, _)| *n).collect::<BTreeSet<_>>().len(), 1000);
        assert_eq!(all.iter().filter(|(_, r)| r.is_err()).count(), 10);
        assert!(
            all.iter().all(|(n, r)| r.as_ref().map_or_else(|e| *e == format!("job {n}"), |v| *v == n * 2))
        );
    }

    #[test]
    fn threads_are_named_numbered_and_no_more_than_jobs() {
        let names: BTreeSet<_> =
            results(8, Width::Fixed(64), |_| thread::current().name().map(str::to_owned))
                .into_iter()
                .filter_map(|(_, r)| r.unwrap())
                .collect();
        assert!(names.iter().all(|n| n.starts_with("MCP-Introspection-")), "{names:?}");
        assert!(names.len() <= 8);
        assert!(results(0, Width::Fixed(4), |j| j).is_empty());
    }

    #[test]
    fn the_width_is_real() {
        // Deadlocks unless sixteen jobs run at once.
        static MEETING: std::sync::LazyLock<Barrier> = std::sync::LazyLock::new(|| Barrier::new(16));
        assert_eq!(results(64, Width::Fixed(16), |_| MEETING.wait().is_leader()).len(), 64);
    }

    #[test]
    fn a_pool_that_waits_grows_until_all_can_meet() {
        // Deadlocks unless two hundred jobs run at once, of which one is begun with.
        static MEETING: std::sync::LazyLock<Barrier> = std::sync::LazyLock::new(|| Barrier::new(200));
        let width = Width::Auto { start: 1, most: 200 };
        assert_eq!(results(600, width, |_| MEETING.wait().is_leader()).len(), 600);
    }

    #[test]
    fn the_next_run_begins_as_wide_as_the_last_one_was() {
        static MEETING: std::sync::LazyLock<Barrier> = std::sync::LazyLock::new(|| Barrier::new(100));
        let width = Width::Auto { start: 1, most: 100 };
        let (shape, gauge) = (Shape { width, ..Shape::fixed(1) }, Gauge::default());
        run(0..100, shape, &gauge, |_, _| MEETING.wait().is_leader(), |_| ());
        assert_eq!((gauge.reached(), gauge.now()), (100, 0));
        let mut first = None;
        run(0..1000, shape, &gauge, |_, _| (), |_| first = first.or(Some(gauge.now())));
        assert_eq!(first, Some(100), "before anything was looked at");
    }

    #[test]
    fn who_is_too_many_leaves_and_no_job_is_lost() {
        let (hand_out, inbox) = bounded(100);
        let (report, events) = bounded(100);
        (0..100).for_each(|n| hand_out.send((n, ())).unwrap());
        drop(hand_out);
        let gauge = Gauge::default();
        let work = Arc::new(|_, ()| thread::current().id());
        let kit = Kit { inbox, report, work, surplus: Arc::default(), stack: STACK };
        let mut crew = Crew::new(kit, &gauge);
        // Those who are too many are known before the first of them is there.
        assert!(crew.resize(0) && gauge.now() == 0);
        assert!(crew.resize(8) && crew.resize(2));
        assert_eq!((crew.width(), gauge.now(), gauge.peak()), (2, 2, 8));
        drop(crew);
        assert_eq!(events.iter().count(), 100);
    }
}
