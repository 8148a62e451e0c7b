//! Waiting for several descriptors at once, never longer than a deadline.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::base::time::Deadline;

/// One descriptor in a wait, and what is asked of it.
#[repr(transparent)]
pub(crate) struct Slot(libc::pollfd);

impl Slot {
    /// Wait until `fd` can be read, has ended, or is broken. `None` takes part in the wait and is never ready.
    pub(crate) fn readable(fd: Option<BorrowedFd<'_>>) -> Slot {
        Slot::new(fd, libc::POLLIN)
    }

    /// Wait until `fd` takes bytes, or is broken.
    pub(crate) fn writable(fd: Option<BorrowedFd<'_>>) -> Slot {
        Slot::new(fd, libc::POLLOUT)
    }

    fn new(fd: Option<BorrowedFd<'_>>, events: libc::c_short) -> Slot {
        // poll(2) ignores negative descriptors.
        Slot(libc::pollfd { fd: fd.map_or(-1, |f| f.as_raw_fd()), events, revents: 0 })
    }

    /// Whether the wait ended (also) because of this descriptor: data, end or error.
    pub(crate) fn ready(&self) -> bool {
        self.0.revents != 0
    }
}

/// Waits until a slot is ready or `by` has passed. Interruptions by signals end the wait early.
pub(crate) fn wait(slots: &mut [Slot], by: Deadline) -> io::Result<()> {
    // Rounded up: a deadline half a millisecond away must not become a busy loop.
    let millis = by.left().as_micros().div_ceil(1000).min(i32::MAX as u128) as i32;
    // SAFETY: `Slot` is a transparent pollfd, and the slice
    // outlives the call.
    let n = unsafe { libc::poll(slots.as_mut_ptr().cast(), slots.len() as libc::nfds_t, millis) };
    if n >= 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    slots.iter_mut().for_each(|s| s.0.revents = 0);
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}
