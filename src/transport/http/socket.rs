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
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::{Error, Timeout};

use crate::base::time::Deadline;
use crate::sys::cancel::Cancel;
use crate::sys::net;
use crate::sys::poll::{self, Slot};

use super::buffers::GrowingBuffers;

thread_local! {
    /// Time this thread has spent connecting since it was last asked.
    static CONNECTING: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The time this thread has spent on connections since the last call: ureq does not tell.
pub(super) fn take_connect_time() -> Duration {
    CONNECTING.replace(Duration::ZERO)
}

/// More than this is not held back for one write with what follows.
const MOST_UNSENT: usize = 16 << 10;

/// Opens sockets.
pub(super) struct Sockets {
    pub(super) cancel: Cancel,
    /// Of all headers that answer one request, in bytes.
    pub(super) header_limit: usize,
}

/// A connection.
pub(super) struct Socket {
    stream: TcpStream,
    unsent: Vec<u8>,
    buffers: GrowingBuffers,
    cancel: Cancel,
    header_limit: usize,
}

impl Connector<()> for Sockets {
    type Out = Socket;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Socket>, Error> {
        let begun = Instant::now();
        let result = self.first_of(details);
        CONNECTING.set(CONNECTING.get() + begun.elapsed());
        let stream = result?;
        stream.set_nodelay(true)?;
        let buffers = GrowingBuffers::default();
        Ok(Some(Socket {
            stream,
            unsent: Vec::new(),
            buffers,
            cancel: self.cancel.clone(),
            header_limit: self.header_limit,
        }))
    }
}

impl Sockets {
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
                Err(e) => last = e,
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

fn interrupted() -> Error {
    Error::Io(io::Error::new(ErrorKind::Interrupted, "the run was interrupted"))
}

/// ureq's timeout as a deadline; one that will not happen is a day away.
fn deadline(timeout: NextTimeout) -> Deadline {
    Deadline::after(timeout.not_zero().map_or(Duration::from_secs(86_400), |d| *d))
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
        let mut sent = 0;
        while sent < self.unsent.len() {
            match (&self.stream).write(&self.unsent[sent..]) {
                Ok(n) => sent += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let writable = |s: &Socket| Slot::writable(Some(s.stream.as_fd()));
                    self.wait(writable, deadline(timeout), timeout.reason)?;
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
        }
        if self.buffers.interim() > self.header_limit {
            return Err(Error::LargeResponseHeader(self.buffers.interim(), self.header_limit));
        }
        let timeout = timeout.for_read();
        let by = deadline(timeout);
        loop {
            self.wait(|s| Slot::readable(Some(s.stream.as_fd())), by, timeout.reason)?;
            let into = self.buffers.input_append_buf();
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
        idle.is_err_and(|e| e.kind() == ErrorKind::WouldBlock)
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
