//! One thread that sees every server out, so that no worker waits for a dying one.
//!
//! ```text
//! worker ── stdin closed ──▶ reaper: wait ─▶ SIGTERM ─▶ wait ─▶ SIGKILL to the group, collect,
//!                                    then whatever of it left the group
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};

use crate::base::time::Deadline;
use crate::sys::poll::{self, Slot};
use crate::sys::process::{self as sys, Pid, Signal};

use super::guard::{self, MARK};

/// From stdin's end to SIGTERM. Node servers need 0.4 s to leave, Python ones up to 1 s.
const GRACE: Duration = Duration::from_millis(1200);
/// From SIGTERM to SIGKILL. Together the two stay below the contract's 2 s.
const LAST_GRACE: Duration = Duration::from_millis(500);
/// How often strays are looked for while servers come and go.
const SWEEP: Duration = Duration::from_millis(100);
/// How long the end of a run waits for strays to be gone.
const LAST_SWEEP: Duration = Duration::from_secs(2);

/// A server's process, which leads a group of its own.
pub struct Process {
    /// Its number, ours until the reaper has collected it.
    pub pid: Pid,
    /// Readable once it has ended.
    pub pidfd: OwnedFd,
}

/// A server on its way out.
pub(super) struct Dying {
    process: Process,
    stage: Stage,
    until: Deadline,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asked,
    Terminated,
    Killed,
}

impl Dying {
    /// Its stdin has just been closed.
    pub(super) fn new(process: Process) -> Dying {
        Dying { process, stage: Stage::Asked, until: Deadline::after(GRACE) }
    }

    /// Goes one step further where its time is over.
    fn press(&mut self) {
        if !self.until.passed() {
            return;
        }
        let (stage, signal) = match self.stage {
            Stage::Asked => (Stage::Terminated, Signal::Terminate),
            Stage::Terminated | Stage::Killed => (Stage::Killed, Signal::Kill),
        };
        sys::signal_group(self.process.pid, signal);
        // A stopped process acts on SIGTERM only once it runs again.
        sys::continue_group(self.process.pid);
        (self.stage, self.until) = (stage, Deadline::after(LAST_GRACE));
    }
}

/// Which children are ours to know: process id to serial.
type Known = Arc<Mutex<HashMap<Pid, u64>>>;

/// Held by whoever has started a process that is not known yet; strays are looked for only while nobody does.
type Gate = Arc<RwLock<()>>;

/// The reaper's handle. Dropping it without [`Reaper::finish`] also ends every server.
pub(super) struct Reaper {
    thread: Option<JoinHandle<()>>,
    dying: Option<Sender<Dying>>,
    wake: PipeWriter,
    known: Known,
    gate: Gate,
    serial: AtomicU64,
}

impl Reaper {
    /// Starts the thread. With `adopt`, orphans that became our children are ended with their server.
    pub(super) fn start(adopt: bool, guard: Option<(Pid, File)>) -> io::Result<Reaper> {
        let (woken, wake) = io::pipe()?;
        sys::set_nonblocking(&woken)?;
        let (dying, inbox) = unbounded();
        let known: Known = Arc::default();
        let (guard_pid, guard_pipe) = guard.map_or((None, None), |(pid, pipe)| (Some(pid), Some(pipe)));
        if let Some(pid) = guard_pid {
            lock(&known).insert(pid, 0);
        }
        let gate = Gate::default();
        let (knows, opens) = (known.clone(), gate.clone());
        let work =
            Work { inbox, woken, guard: guard_pipe, known: knows, gate: opens, adopt, queue: Vec::new() };
        let thread = thread::Builder::new()
            .name("MCP-Reaper".into())
            .stack_size(128 << 10)
            .spawn(move || work.run())?;
        let dying = Some(dying);
        Ok(Reaper { thread: Some(thread), dying, wake, known, gate, serial: AtomicU64::new(1) })
    }

    /// A number for the next server.
    pub(super) fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// Held from before a process is started until it was [`Reaper::born`]: one that the main thread starts
    /// would be taken for a stray.
    pub(super) fn birth(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// `pid` was started; 0 is the serial of what is no server.
    pub(super) fn born(&self, pid: Pid, serial: u64) {
        lock(&self.known).insert(pid, serial);
    }

    /// `pid` was collected by someone else.
    pub(super) fn collected(&self, pid: Pid) {
        lock(&self.known).remove(&pid);
    }

    /// Takes over a server.
    pub(super) fn take(&self, server: Dying) {
        if let Some(dying) = &self.dying {
            let _ = dying.send(server);
            let _ = (&self.wake).write_all(b".");
        }
    }

    /// Waits until all that was taken over is gone.
    pub(super) fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.dying.take());
        let _ = (&self.wake).write_all(b".");
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.end();
    }
}

struct Work {
    inbox: Receiver<Dying>,
    woken: PipeReader,
    guard: Option<File>,
    known: Known,
    gate: Gate,
    adopt: bool,
    queue: Vec<Dying>,
}

impl Work {
    fn run(mut self) {
        let mut open = true;
        let mut sweep: Option<Deadline> = None;
        while open || !self.queue.is_empty() {
            let ended = self.wait(open, sweep);
            let buried = self.bury(&ended);
            open = self.receive() && open;
            self.queue.iter_mut().for_each(Dying::press);
            if buried && self.adopt {
                sweep.get_or_insert(Deadline::after(SWEEP));
            }
            if sweep.is_some_and(Deadline::passed) {
                self.end_strays();
                sweep = None;
            }
        }
        let until = Deadline::after(LAST_SWEEP);
        while self.adopt && self.end_strays() && !until.passed() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for something to do; says which of the queue have ended.
    fn wait(&self, open: bool, sweep: Option<Deadline>) -> Vec<bool> {
        let never = Deadline::after(Duration::from_secs(3600));
        let until = self.queue.iter().map(|d| d.until).chain(sweep).min().unwrap_or(never);
        let mut slots = Vec::with_capacity(1 + self.queue.len());
        slots.push(Slot::readable(open.then(|| self.woken.as_fd())));
        slots.extend(self.queue.iter().map(|d| Slot::readable(Some(d.process.pidfd.as_fd()))));
        if poll::wait(&mut slots, until).is_err() {
            // Out of memory or the like: the deadlines still hold.
            thread::sleep(Duration::from_millis(10));
        }
        slots[1..].iter().map(Slot::ready).collect()
    }

    /// Takes what was handed over; false once nothing more can come.
    fn receive(&mut self) -> bool {
        let _ = self.woken.read(&mut [0; 256]);
        loop {
            match self.inbox.try_recv() {
                Ok(server) => self.queue.push(server),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Collects those that have ended, and kills what is left of their groups.
    fn bury(&mut self, ended: &[bool]) -> bool {
        let (guard, known) = (&self.guard, &self.known);
        let mut ended_in_order = ended.iter();
        self.queue.retain(|server| {
            if ended_in_order.next() != Some(&true) {
                return true;
            }
            // Before it is collected its number cannot belong to another group.
            sys::signal_group(server.process.pid, Signal::Kill);
            sys::reap(server.process.pid);
            lock(known).remove(&server.process.pid);
            if let Some(pipe) = guard {
                guard::buried(pipe, server.process.pid);
            }
            false
        });
        ended.contains(&true)
    }

    /// Ends adopted orphans whose server is gone; true if there were any.
    fn end_strays(&self) -> bool {
        let _nobody_is_being_born = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let mut found = false;
        for pid in sys::main_thread_children() {
            if lock(&self.known).contains_key(&pid) || self.belongs_to_a_living_server(pid) {
                continue;
            }
            sys::signal_process(pid, Signal::Kill);
            // Not waited for: one of another user cannot be killed, one in the kernel ends when it likes.
            sys::reap(pid);
            found = true;
        }
        found
    }

    fn belongs_to_a_living_server(&self, pid: Pid) -> bool {
        let mark = sys::environment_value(pid, MARK);
        let serial = mark.and_then(|m| m.rsplit_once('.')?.1.parse::<u64>().ok());
        serial.is_some_and(|s| lock(&self.known).values().any(|known| *known == s))
    }
}

/// The map is never left half-changed, so a panic elsewhere does not spoil it.
fn lock(known: &Known) -> std::sync::MutexGuard<'_, HashMap<Pid, u64>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
