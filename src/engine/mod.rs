//! Floor 2: jobs in, results out, over a pool of worker threads. Knows nothing of MCP.
//!
//! ```text
//!  calling thread ──bounded(threads)──▶ MCP-Introspection-1..N ──bounded(2·threads)──▶ calling thread
//!  (hands out jobs and takes results in one loop: no feeder thread, no lock)
//! ```
//!
//! A slow receiver slows the pool instead of filling memory. The pool ends by dropping: when the jobs are
//! handed out the sender goes, the workers leave their loops, and with the last of them goes the last event
//! sender. A panic in a job is caught inside the worker's loop: it costs that job, not the worker.
//!
//! Invariant: every job that was taken from the iterator is reported exactly once.

pub(crate) mod pool;
pub(crate) mod retry;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use threadpool::{Builder, ThreadPool};

/// Small explicit stacks: a thousand threads must fit. TLS and JSON need some 100 KiB of it.
const STACK: usize = 512 << 10;

/// What the calling thread hears of.
#[derive(Debug)]
pub(crate) enum Event<T> {
    /// The job of this number ended; with the panic's message if it ended so.
    Ended(usize, Result<T, String>),
    /// Nothing happened for a while.
    Quiet,
}

/// How long nothing must happen to be worth telling.
const WHILE: Duration = Duration::from_millis(250);

/// Runs `work` over `jobs` on at most `threads` threads, and tells `each` on the calling thread. Jobs are
/// numbered from 0 in the order of the iterator, which is asked for the next one only when there is room.
pub(crate) fn run<J, T>(
    jobs: impl ExactSizeIterator<Item = J>,
    threads: usize,
    work: impl Fn(usize, J) -> T + Send + Sync + 'static,
    mut each: impl FnMut(Event<T>),
) where
    J: Send + 'static,
    T: Send + 'static,
{
    let threads = threads.min(jobs.len()).max(1);
    let (hand_out, inbox) = bounded::<(usize, J)>(threads);
    let (report, events) = bounded::<Event<T>>(2 * threads);
    let mut jobs = jobs.enumerate();
    // Filled before the workers start: each finds work at once, while the others are still being made.
    for job in jobs.by_ref().take(threads) {
        hand_out.send(job).expect("the channel holds as many jobs as there are threads");
    }
    let pools = start(threads, &inbox, &report, Arc::new(work));
    if pools.is_empty() {
        drop(hand_out);
        let unserved = inbox.iter().chain(jobs).map(|(number, _)| number);
        return unserved
            .for_each(|number| each(Event::Ended(number, Err("no thread could be started".into()))));
    }
    drop((inbox, report));

    let mut next = jobs.next();
    let mut hand_out = next.is_some().then_some(hand_out);
    loop {
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
                default(WHILE) => Err(RecvTimeoutError::Timeout),
            },
            None => events.recv_timeout(WHILE),
        };
        match event {
            Ok(event) => each(event),
            Err(RecvTimeoutError::Timeout) => each(Event::Quiet),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    pools.iter().for_each(ThreadPool::join);
}

/// threadpool gives all threads of a pool one name; numbered names take a pool of one thread each.
fn start<J, T, W>(
    threads: usize,
    inbox: &Receiver<(usize, J)>,
    report: &Sender<Event<T>>,
    work: Arc<W>,
) -> Vec<ThreadPool>
where
    J: Send + 'static,
    T: Send + 'static,
    W: Fn(usize, J) -> T + Send + Sync + 'static,
{
    let worker = |n: usize| {
        let pool = Builder::new()
            .num_threads(1)
            .thread_name(format!("MCP-Introspection-{n}"))
            .thread_stack_size(STACK)
            .build();
        let (inbox, report, work) = (inbox.clone(), report.clone(), work.clone());
        pool.execute(move || serve(&inbox, &report, &*work));
        pool
    };
    // threadpool panics where the system has no thread left. With fewer of them the work still gets done.
    let pools: Vec<_> =
        (1..=threads).map_while(|n| catch_unwind(AssertUnwindSafe(|| worker(n))).ok()).collect();
    if pools.len() < threads {
        log::warn!("only {} of {threads} threads could be started (ulimit -u)", pools.len());
    }
    pools
}

fn serve<J, T>(inbox: &Receiver<(usize, J)>, report: &Sender<Event<T>>, work: &impl Fn(usize, J) -> T) {
    for (number, job) in inbox {
        let result = catch_unwind(AssertUnwindSafe(|| work(number, job))).map_err(|p| message(&*p));
        // The receiver outlives the workers; a failed send means that the caller panicked.
        let _ = report.send(Event::Ended(number, result));
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::thread;

    fn results<T: Send + 'static>(
        jobs: usize,
        threads: usize,
        work: fn(usize) -> T,
    ) -> Vec<(usize, Result<T, String>)> {
        let mut all = Vec::new();
        run(
            0..jobs,
            threads,
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
        let all = results(1000, 3, |j| if j % 100 == 7 { panic!("job {j}") } else { j * 2 });
        assert_eq!(all.iter().map(|(n, _)| *n).collect::<BTreeSet<_>>().len(), 1000);
        assert_eq!(all.iter().filter(|(_, r)| r.is_err()).count(), 10);
        assert!(
            all.iter().all(|(n, r)| r.as_ref().map_or_else(|e| *e == format!("job {n}"), |v| *v == n * 2))
        );
    }

    #[test]
    fn threads_are_named_numbered_and_no_more_than_jobs() {
        let names: BTreeSet<_> = results(8, 64, |_| thread::current().name().map(str::to_owned))
            .into_iter()
            .filter_map(|(_, r)| r.unwrap())
            .collect();
        assert!(names.iter().all(|n| n.starts_with("MCP-Introspection-")), "{names:?}");
        assert!(names.len() <= 8);
        assert!(results(0, 4, |j| j).is_empty());
    }

    #[test]
    fn the_width_is_real() {
        // Deadlocks unless sixteen jobs run at once.
        static MEETING: std::sync::LazyLock<Barrier> = std::sync::LazyLock::new(|| Barrier::new(16));
        assert_eq!(results(64, 16, |_| MEETING.wait().is_leader()).len(), 64);
    }
}
