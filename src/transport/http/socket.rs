//! TCP under ureq's HTTP and TLS, with waits that end when the run is cancelled.
//!
//! ureq's own transport blocks in the kernel, where only a shutdown of the whole agent reaches it, and not
//! while it connects. This one polls, so that every wait watches the run's switch; it also sends header and
//! body in one piece, and asks whether an idle connection is alive with one system call instead of four:
//! 5 calls a request instead of 14.

use std::cell::Cell;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use ureq::unversioned::transport::{Buffers, ConnectionDetails, NextTimeout, Transport};
use ureq::{Error, Timeout};

use crate::base::time::Deadline;
use crate::sys::cancel::Cancel;
use crate::sys::net;
use crate::sys::poll::{self, Slot};
use crate::transport::counters::{Counters, OpenConnection};
use crate::transport::{Patience, Phases};

use super::buffers::GrowingBuffers;

thread_local! {
    /// Time this thread has spent connecting since it was last asked.
    static CONNECTING: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// The parts of the first connection this thread has made since it was last asked.
    static PHASES: Cell<Phases> = const { Cell::new(NO_PHASES) };
    /// Bytes of one read, where somebody cares: ureq does not hand such a wish down.
    static READ_SIZE: Cell<Option<usize>> = const { Cell::new(None) };
    /// When this thread's patience ends, where ureq's clocks do not know it.
    static UNTIL: Cell<Option<Deadline>> = const { Cell::new(None) };
}

/// The time this thread has spent on connections since the last call: ureq does not tell.
pub(super) fn take_connect_time() -> Duration {
    CONNECTING.replace(Duration::ZERO)
}

/// Adds to it.
pub(super) fn add_connect_time(time: Duration) {
    CONNECTING.set(CONNECTING.get() + time);
}

const NO_PHASES: Phases = Phases { resolve: None, tcp: None, tls: None, first_byte: None };

/// The parts of the first connection this thread has made since the last call.
pub(super) fn take_phases() -> Phases {
    PHASES.replace(NO_PHASES)
}

/// Adds to them what is not there yet.
pub(super) fn add_phases(phases: Phases) {
    PHASES.set(PHASES.get().or(phases));
}

/// Runs `f`, in which this thread takes `size` bytes from a socket at a time, and waits for them until `by`
/// at the longest.
pub(super) fn reading<T>(size: usize, by: Deadline, f: impl FnOnce() -> T) -> T {
    READ_SIZE.set(Some(size));
    let result = waiting_until(by, f);
    READ_SIZE.set(None);
    result
}

/// Runs `f`, in which this thread waits no longer than `patience` has now.
pub(super) fn patiently<T>(patience: &Patience, f: impl FnOnce() -> T) -> T {
    waiting_until(patience.until(), f)
}

fn waiting_until<T>(by: Deadline, f: impl FnOnce() -> T) -> T {
    UNTIL.set(Some(by));
    let result = f();
    UNTIL.set(None);
    result
}

/// More than this is not held back for one write with what follows.
const MOST_UNSENT: usize = 16 << 10;

/// Opens sockets.
#[derive(Clone)]
pub(super) struct Sockets {
    pub(super) cancel: Cancel,
    /// Of all headers that answer one request, in bytes.
    pub(super) header_limit: usize,
    /// No connection is used for another request after this.
    pub(super) max_lifetime: Duration,
    pub(super) counters: Counters,
}

/// A connection.
pub(super) struct Socket {
    stream: TcpStream,
    unsent: Vec<u8>,
    buffers: GrowingBuffers,
    cancel: Cancel,
    header_limit: usize,
    /// When it is too old for another request.
    ends: Deadline,
    _counted: OpenConnection,
}

impl Sockets {
    /// A socket to the first address of `details` that answers.
    pub(super) fn open(&self, details: &ConnectionDetails<'_>) -> Result<Socket, Error> {
        let stream = self.first_of(details)?;
        stream.set_nodelay(true)?;
        Ok(Socket {
            stream,
            unsent: Vec::new(),
            buffers: GrowingBuffers::default(),
            cancel: self.cancel.clone(),
            header_limit: self.header_limit,
            ends: Deadline::after(self.max_lifetime),
            _counted: self.counters.connection(),
        })
    }

    /// The first address that answers. Each gets half of the time that is left, the last one all of it.
    fn first_of(&self, details: &ConnectionDetails<'_>) -> Result<TcpStream, Error> {
        let whole = deadline(details.timeout);
        let mut last = Error::ConnectionFailed;
        for (i, address) in details.addrs.iter().enumerate() {
            let by = match i + 1 < details.addrs.len() {
                true => whole.within(whole.left() / 2),
                false => whole,
            };
            match self.connect_to(*address, by) {
                Ok(stream) => return Ok(stream),
                Err(e) => last = named(*address, e),
            }
        }
        Err(last)
    }

    fn connect_to(&self, address: SocketAddr, by: Deadline) -> Result<TcpStream, Error> {
        let stream = net::begin_connect(address)?;
        loop {
            let mut slots = [Slot::writable(Some(stream.as_fd())), Slot::readable(Some(self.cancel.fd()))];
            poll::wait(&mut slots, by)?;
            if self.cancel.is_tripped() {
                return Err(interrupted());
            }
            if slots[0].ready() {
                return stream.take_error()?.map_or(Ok(stream), |e| Err(Error::Io(e)));
            }
            if by.passed() {
                return Err(Error::Timeout(Timeout::Connect));
            }
        }
    }
}

/// Which of the addresses it was.
fn named(address: SocketAddr, error: Error) -> Error {
    let Error::Io(e) = error else { return error };
    let why = match e.kind() {
        ErrorKind::ConnectionRefused => "connection refused (is the server running?)".into(),
        _ => e.to_string(),
    };
    Error::Io(io::Error::new(e.kind(), format!("{address}: {why}")))
}

/// Not `ErrorKind::Interrupted`: whoever reads to an end tries that again for ever.
fn interrupted() -> Error {
    Error::Io(io::Error::other("the run was interrupted"))
}

/// ureq's timeout, or the end of this thread's patience; what will not happen is a day away.
fn deadline(timeout: NextTimeout) -> Deadline {
    let by = Deadline::after(timeout.not_zero().map_or(Duration::from_secs(86_400), |d| *d));
    UNTIL.get().map_or(by, |until| until.min(by))
}

impl Socket {
    /// Waits until the socket is ready for `want`; fails when the time is over or the run cancelled.
    fn wait(&self, want: impl Fn(&Socket) -> Slot, by: Deadline, reason: Timeout) -> Result<(), Error> {
        loop {
            let mut slots = [want(self), Slot::readable(Some(self.cancel.fd()))];
            poll::wait(&mut slots, by)?;
            if self.cancel.is_tripped() {
                return Err(interrupted());
            }
            if slots[0].ready() {
                return Ok(());
            }
            if by.passed() {
                return Err(Error::Timeout(reason));
            }
        }
    }

    fn flush(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        let by = deadline(timeout);
        let mut sent = 0;
        while sent < self.unsent.len() {
            match (&self.stream).write(&self.unsent[sent..]) {
                Ok(n) => sent += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let writable = |s: &Socket| Slot::writable(Some(s.stream.as_fd()));
                    self.wait(writable, by, timeout.reason)?;
                }
                Err(e) => return Err(e.into()),
            }
        }
        self.unsent = Vec::new();
        Ok(())
    }
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.unsent.extend_from_slice(&self.buffers.output()[..amount]);
        // Nothing is answered before it is sent, so the rest can wait for `await_input`.
        if self.unsent.len() > MOST_UNSENT { self.flush(timeout) } else { Ok(()) }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        if !self.unsent.is_empty() {
            self.flush(timeout)?;
            self.buffers.request_sent();
            net::quick_ack(&self.stream);
        }
        if self.buffers.interim() > self.header_limit {
            return Err(Error::LargeResponseHeader(self.buffers.interim(), self.header_limit));
        }
        let unread = self.buffers.input().len();
        if unread > self.header_limit {
            return Err(Error::LargeResponseHeader(unread, self.header_limit));
        }
        let timeout = timeout.for_read();
        let by = deadline(timeout);
        let size = READ_SIZE.get();
        loop {
            self.wait(|s| Slot::readable(Some(s.stream.as_fd())), by, timeout.reason)?;
            let into = self.buffers.room(size);
            match self.stream.read(into) {
                Ok(n) => {
                    self.buffers.input_appended(n);
                    return Ok(n > 0);
                }
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // Bytes that nobody asked for are as bad as an end.
        let idle = self.stream.peek(&mut [0]);
        !self.ends.passed() && idle.is_err_and(|e| e.kind() == ErrorKind::WouldBlock)
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sockets")
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({:?})", self.stream.peer_addr().ok())
    }
}
