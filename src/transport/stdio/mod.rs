//! A server as a child process: one JSON message a line on its stdin and stdout, logs on its stderr.
//!
//! One worker polls all its descriptors at once: no thread per pipe, no sleeping poll. A blocked write never
//! stops the reading.

pub mod guard;
pub mod launch;
mod reaper;
mod tail;

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::lines::Lines;
use crate::base::time::Deadline;
use crate::mcp::outgoing::Outgoing;
use crate::mcp::session::Inbound;
use crate::model::notes::Notes;
use crate::model::outcome::{FailureKind, Transport};
use crate::model::target::Command;
use crate::sys::poll::{self, Slot};
use crate::sys::process as sys;

use super::options::WireOptions;
use super::{Parting, Patience, Phases, Wire, WireError};
use launch::{Launched, Launcher};
use reaper::Process;
use tail::Tail;

/// How long a server that closed its stdout may take to end, so that its exit status can be told.
const EXIT_GRACE: Duration = Duration::from_millis(300);
/// Answers to the server that it does not read are dropped beyond this: a flood of pings costs us nothing.
const MOST_UNSENT: usize = 1 << 20;

/// The carrier of one conversation over a child's pipes.
pub struct StdioWire {
    launcher: Arc<Launcher>,
    /// Taken when the server is handed to the reaper, at the latest when this is dropped.
    process: Option<Process>,
    stdin: Option<File>,
    stdout: Option<File>,
    stderr: Option<File>,
    unsent: Vec<u8>,
    lines: Lines,
    chunk: Vec<u8>,
    text_mode: bool,
    last_was_cr: bool,
    bytes: u64,
    bytes_limit: u64,
    message_limit: usize,
    tail: Tail,
    patience: Patience,
    process_timeout: Duration,
    /// Until the first line: when a server that says nothing is given up.
    first_line_by: Option<Deadline>,
    dropped_answers: u32,
    connect_time: Duration,
    begun: Instant,
    /// From the start to the first line.
    first_line: Option<Duration>,
}

impl StdioWire {
    /// Starts `command` and takes its pipes.
    pub fn open(
        launcher: &Arc<Launcher>,
        command: &Command,
        options: &WireOptions,
        patience: Patience,
    ) -> Result<StdioWire, WireError> {
        let begun = Instant::now();
        let Launched { process, stdin, stdout, stderr } = launcher.launch(command)?;
        let process_timeout = options.stdio.start_within(patience.total);
        Ok(StdioWire {
            launcher: launcher.clone(),
            process: Some(process),
            stdin: Some(stdin),
            stdout: Some(stdout),
            stderr: Some(stderr),
            unsent: Vec::new(),
            lines: Lines::new(options.limits.message_bytes),
            chunk: vec![0; options.stdio.buffer_size.clamp(512, 1 << 20)],
            text_mode: !options.stdio.binary_mode,
            last_was_cr: false,
            bytes: 0,
            bytes_limit: options.limits.target_bytes,
            message_limit: options.limits.message_bytes,
            tail: Tail::new(options.limits.stderr_bytes),
            process_timeout,
            first_line_by: Some(Deadline::after(process_timeout)),
            patience,
            dropped_answers: 0,
            connect_time: begun.elapsed(),
            begun,
            first_line: None,
        })
    }

    /// Polls once and takes whatever came; `Ok(false)` when there is nothing more to come.
    fn pump(&mut self) -> Result<bool, WireError> {
        self.write_some()?;
        if self.stdout.is_none() {
            return Ok(false);
        }
        let fd = |f: &Option<File>| Slot::readable(f.as_ref().map(AsFd::as_fd));
        let mut slots = [
            fd(&self.stdout),
            fd(&self.stderr),
            Slot::writable(self.stdin.as_ref().filter(|_| !self.unsent.is_empty()).map(AsFd::as_fd)),
            Slot::readable(self.process.as_ref().map(|p| p.pidfd.as_fd())),
            Slot::readable(Some(self.patience.cancel.fd())),
        ];
        let until = self.patience.until();
        let until = self.first_line_by.map_or(until, |d| d.min(until));
        poll::wait(&mut slots, until)
            .map_err(|e| WireError::new(FailureKind::Internal, format!("poll: {e}")))?;
        let [out, err, _, gone, _] = slots.map(|s| s.ready());
        self.patience.check()?;
        if err {
            self.read_stderr();
        }
        if out {
            return self.read_stdout();
        }
        if gone {
            return Ok(false);
        }
        if self.first_line_by.is_some_and(Deadline::passed) {
            let span = self.process_timeout.as_secs_f64();
            let why =
                format!("the process said nothing within {span} s (raise stdio_config.process_timeout)");
            return Err(WireError::new(FailureKind::Timeout, why));
        }
        Ok(true)
    }

    fn write_some(&mut self) -> Result<(), WireError> {
        let Some(stdin) = self.stdin.as_mut().filter(|_| !self.unsent.is_empty()) else { return Ok(()) };
        match stdin.write(&self.unsent) {
            Ok(n) => drop(self.unsent.drain(..n)),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // It closed its stdin. What it still has to say may be said.
            Err(_) => {
                self.stdin = None;
                self.unsent.clear();
                let soon = Deadline::after(EXIT_GRACE);
                self.first_line_by = Some(self.first_line_by.map_or(soon, |d| d.min(soon)));
            }
        }
        Ok(())
    }

    fn read_stdout(&mut self) -> Result<bool, WireError> {
        let Some(stdout) = self.stdout.as_mut() else { return Ok(false) };
        match stdout.read(&mut self.chunk) {
            Ok(0) => {
                self.stdout = None;
                Ok(false)
            }
            Ok(n) => {
                self.bytes += n as u64;
                if self.bytes > self.bytes_limit {
                    let why = format!("more than {} bytes on stdout", self.bytes_limit);
                    return Err(WireError::new(FailureKind::LimitExceeded, why));
                }
                if self.text_mode {
                    let text = self.normalised(n);
                    self.lines.push(&text);
                } else {
                    self.lines.push(&self.chunk[..n]);
                }
                Ok(true)
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(true),
            Err(e) => Err(WireError::new(FailureKind::Closed, format!("stdout: {e}"))),
        }
    }

    /// `enable_binary_mode: false`: line ends as a text-mode reader makes them.
    fn normalised(&mut self, n: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(n);
        for &b in &self.chunk[..n] {
            match b {
                b'\n' if self.last_was_cr => {}
                b'\r' => out.push(b'\n'),
                b => out.push(b),
            }
            self.last_was_cr = b == b'\r';
        }
        out
    }

    fn read_stderr(&mut self) {
        let Some(stderr) = self.stderr.as_mut() else { return };
        match stderr.read(&mut self.chunk) {
            Ok(0) => self.stderr = None,
            Ok(n) => self.tail.push(&self.chunk[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.stderr = None,
        }
    }

    /// There is nothing more to read: has it ended, or only fallen silent?
    fn ended(&mut self) -> WireError {
        let by = Deadline::after(EXIT_GRACE).min(self.patience.until());
        let mut gone = [Slot::readable(self.process.as_ref().map(|p| p.pidfd.as_fd()))];
        let _ = poll::wait(&mut gone, by);
        // What it said last is in the pipe, however much: a chunk at a time until it is empty.
        for _ in 0..64 {
            let before = self.tail.total;
            self.read_stderr();
            if self.tail.total == before {
                break;
            }
        }
        let last = self.tail.last_line().map_or(String::new(), |l| format!("; stderr: {l}"));
        if !gone[0].ready() {
            let what = if self.stdin.is_none() && self.stdout.is_some() { "stdin" } else { "stdout" };
            return WireError::new(FailureKind::Closed, format!("the server closed its {what}{last}"));
        }
        let status = self.process.as_ref().and_then(|p| sys::peek(&p.pidfd));
        WireError::new(FailureKind::Exited, format!("the server ended: {}{last}", words(status)))
    }
}

impl Wire for StdioWire {
    fn send(&mut self, message: &Outgoing) -> Result<(), WireError> {
        if !message.is_request && self.unsent.len() > MOST_UNSENT {
            self.dropped_answers += 1;
            return Ok(());
        }
        self.unsent.extend_from_slice(message.body.as_bytes());
        self.unsent.push(b'\n');
        Ok(())
    }

    fn recv(&mut self) -> Result<Inbound<'_>, WireError> {
        let range = loop {
            match self.lines.next_line() {
                // Not worth a turn of the session; counted in bytes, and bounded by their limit.
                Ok(Some(range)) if self.lines.line(range.clone()).trim_ascii().is_empty() => continue,
                Ok(Some(range)) => break range,
                Ok(None) => {}
                Err(_) => {
                    let why = format!("a line of more than {} bytes", self.message_limit);
                    return Err(WireError::new(FailureKind::LimitExceeded, why));
                }
            }
            self.patience.check()?;
            match self.pump() {
                Ok(true) => {}
                // A server may forget the last line feed; one that was cut off inside a message did not.
                Ok(false) => match self.lines.last() {
                    Some(range) if is_json(self.lines.line(range.clone())) => break range,
                    Some(_) | None => return Err(self.ended()),
                },
                Err(e) if e.kind == FailureKind::Timeout && self.stdin.is_none() => return Err(self.ended()),
                Err(e) => return Err(e),
            }
        };
        if self.stdin.is_some() {
            self.first_line_by = None;
        }
        self.first_line.get_or_insert_with(|| self.begun.elapsed());
        Ok(Inbound::Text(self.lines.line(range)))
    }

    fn transport(&self) -> Transport {
        Transport::Stdio
    }

    fn connect_time(&self) -> Duration {
        self.connect_time
    }

    fn phases(&self) -> Phases {
        Phases { first_byte: self.first_line, ..Phases::default() }
    }

    fn pause(&mut self) -> Parting {
        self.lines.release();
        self.remarks()
    }

    fn renew(&mut self, patience: Patience) {
        self.bytes = 0;
        self.dropped_answers = 0;
        self.patience = patience;
    }

    fn overhear(&mut self) -> Result<Option<Inbound<'_>>, WireError> {
        let closed = |why: &str| Err(WireError::new(FailureKind::Closed, why));
        self.read_stderr();
        let range = loop {
            match self.lines.next_line() {
                Ok(Some(range)) => break range,
                Ok(None) => {}
                Err(_) => return closed("it sent a line beyond all bounds unasked"),
            }
            let before = self.bytes;
            if self.stdin.is_none() || self.stdout.is_none() || !self.read_stdout()? {
                return closed("the server closed its end");
            }
            if self.bytes == before {
                let mut gone = [Slot::readable(self.process.as_ref().map(|p| p.pidfd.as_fd()))];
                let _ = poll::wait(&mut gone, Deadline::after(Duration::ZERO));
                if gone[0].ready() {
                    return closed("the server ended");
                }
                // The next answer would be the end of that line, and be lost with it.
                return if self.lines.unfinished() { closed("it began a line unasked") } else { Ok(None) };
            }
        };
        Ok(Some(Inbound::Text(self.lines.line(range))))
    }

    fn close(mut self: Box<Self>) -> Parting {
        self.remarks()
    }
}

impl StdioWire {
    fn remarks(&mut self) -> Parting {
        self.read_stderr();
        let mut notes = Notes::default();
        notes.add_times("answers_dropped", self.dropped_answers, || "answers the server did not read".into());
        if self.tail.total > self.tail.limit as u64 {
            notes
                .add("stderr_cut", || format!("only the last {} bytes of stderr were kept", self.tail.limit));
        }
        let stderr = self.tail.text();
        Parting { notes, stderr }
    }
}

impl Drop for StdioWire {
    /// Also when a panic took the worker out of the conversation.
    fn drop(&mut self) {
        drop((self.stdin.take(), self.stdout.take(), self.stderr.take()));
        if let Some(process) = self.process.take() {
            self.launcher.retire(process);
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// An exit status in words.
fn words(status: Option<ExitStatus>) -> String {
    match status {
        None => "status unknown".into(),
        Some(s) => match (s.code(), s.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "status unknown".into(),
        },
    }
}
