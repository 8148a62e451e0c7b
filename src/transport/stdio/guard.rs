//! A small process that outlives us if we are killed with SIGKILL, and then ends every server we had.
//!
//! It reads lines from a pipe whose other end only we hold: `+PID` a server was born, `-PID` it is gone,
//! `quit` all is well. When the pipe ends without `quit`, we are dead: it kills the groups it knows of, and
//! then every process that carries the run's mark in its environment, until none is left.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::sys::process::{self as sys, Pid, Signal};

/// Marks every process of a run, so that those that slip away can be found: `RUN.SERIAL`.
pub const MARK: &str = "HAWKEYE_RUN";

/// The word after the program that makes it a guard.
pub const SUBCOMMAND: &str = "__guard";

/// The guard, seen from the scanning process.
pub struct Guard {
    child: Child,
    pipe: File,
}

impl Guard {
    /// Starts `program __guard RUN`.
    pub fn start(program: &Path, run: &str) -> io::Result<Guard> {
        let mut child = Command::new(program)
            .args([SUBCOMMAND, run])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of the terminal's group: Ctrl-C is not for it.
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take().ok_or_else(|| io::Error::other("no pipe to the guard"))?;
        Ok(Guard { child, pipe: File::from(std::os::fd::OwnedFd::from(stdin)) })
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.child.id() as Pid
    }

    /// A server is there.
    pub fn born(&self, pid: Pid) {
        // One short write to a pipe is atomic. A guard that is gone costs its service, not the scan.
        let _ = (&self.pipe).write_all(format!("+{pid}\n").as_bytes());
    }

    /// A handle for the reaper to report deaths with.
    pub fn pipe(&self) -> io::Result<File> {
        self.pipe.try_clone()
    }

    /// All servers are gone.
    pub fn dismiss(mut self) {
        let _ = self.pipe.write_all(b"quit\n");
        drop(self.pipe);
        let _ = self.child.wait();
    }
}

/// A server is gone; written by the reaper.
pub fn buried(mut pipe: &File, pid: Pid) {
    let _ = pipe.write_all(format!("-{pid}\n").as_bytes());
}

/// The guard itself: what `hawkeye __guard RUN` does.
pub fn stand(run: &str, orders: impl Read) {
    let mut alive: HashSet<Pid> = HashSet::new();
    for line in BufReader::new(orders).lines().map_while(Result::ok) {
        match (line.get(..1), line.get(1..).and_then(|p| p.parse().ok())) {
            (Some("+"), Some(pid)) => drop(alive.insert(pid)),
            (Some("-"), Some(pid)) => drop(alive.remove(&pid)),
            _ if line == "quit" => return,
            _ => {}
        }
    }
    for pid in alive {
        sys::signal_group(pid, Signal::Kill);
    }
    end_marked(run);
}

/// Kills whatever carries the mark, again and again: some of it may be forking.
fn end_marked(run: &str) {
    let me = std::process::id() as Pid;
    for _ in 0..50 {
        let mut found = false;
        for pid in sys::processes().filter(|p| *p != me) {
            let mark = sys::environment_value(pid, MARK);
            if mark.is_some_and(|m| m.strip_prefix(run).is_some_and(|rest| rest.starts_with('.'))) {
                sys::signal_process(pid, Signal::Kill);
                found = true;
            }
        }
        if !found {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
