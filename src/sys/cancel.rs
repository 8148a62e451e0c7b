//! One switch that ends every wait of a run.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::poll::{self, Slot};
use crate::base::time::Deadline;

/// Shared by all who wait. Once tripped it stays so: its descriptor becomes readable and is never read.
#[derive(Clone)]
pub struct Cancel(pub(super) Arc<Switch>);

pub(super) struct Switch {
    tripped: AtomicBool,
    event: OwnedFd,
}

impl Cancel {
    /// An untripped switch.
    pub fn new() -> io::Result<Cancel> {
        // SAFETY: no pointers; the result is checked.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: eventfd just returned this descriptor to us alone.
        let event = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Cancel(Arc::new(Switch { tripped: AtomicBool::new(false), event })))
    }

    /// Ends every wait that watches this switch.
    pub fn trip(&self) {
        self.0.trip();
    }

    /// Whether it was tripped.
    pub fn is_tripped(&self) -> bool {
        self.0.tripped.load(Ordering::Acquire)
    }

    /// Readable once tripped; for a poll set.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.event.as_fd()
    }

    /// Sleeps until `by`; true if the switch cut the sleep short.
    pub fn sleep(&self, by: Deadline) -> bool {
        while !self.is_tripped() && !by.passed() {
            if poll::wait(&mut [Slot::readable(Some(self.fd()))], by).is_err() {
                break;
            }
        }
        self.is_tripped()
    }
}

impl Switch {
    /// Untrips it; whether it was tripped. Not for a [`Cancel`] that others wait for: one of them may have missed it.
    pub(super) fn reset(&self) -> bool {
        let tripped = self.tripped.swap(false, Ordering::AcqRel);
        let mut count = 0u64;
        // SAFETY: eight bytes of a live local. Its failure means that there was nothing to read.
        let read = unsafe { libc::read(self.event.as_raw_fd(), (&raw mut count).cast(), 8) };
        tripped || read == 8
    }

    /// Async-signal-safe: one atomic store and one write(2).
    pub(super) fn trip(&self) {
        self.tripped.store(true, Ordering::Release);
        let one = 1u64;
        // SAFETY: eight bytes of a live local; an eventfd write of them is atomic. Its failure
        // (counter full) means that it was readable already.
        unsafe { libc::write(self.event.as_raw_fd(), (&raw const one).cast(), 8) };
    }
}
