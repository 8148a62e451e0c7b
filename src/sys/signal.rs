//! SIGINT, SIGTERM and SIGHUP: the first trips a [`Cancel`], the second ends the process at once. Where somebody
//! waits for it, SIGHUP is a [`Bell`] instead.

use std::io;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use super::cancel::{Cancel, Switch};
use super::poll::{self, Slot};
use crate::base::time::Deadline;

static CAUGHT: AtomicI32 = AtomicI32::new(0);
static SWITCH: AtomicPtr<Switch> = AtomicPtr::new(ptr::null_mut());
static HANGUP: AtomicPtr<Switch> = AtomicPtr::new(ptr::null_mut());

/// Rings at SIGHUP.
pub(crate) struct Bell(Cancel);

impl Bell {
    /// From now on SIGHUP rings this bell and ends nothing. To be called before [`trip_on_signals`], or a
    /// SIGHUP between the two is the end.
    pub(crate) fn at_hangup() -> io::Result<Bell> {
        let bell = Cancel::new()?;
        // Leaked on purpose, as below.
        HANGUP.store(Arc::into_raw(bell.0.clone()).cast_mut(), Ordering::Release);
        Ok(Bell(bell))
    }

    /// Whether it rang since the last call.
    pub(crate) fn rang(&self) -> bool {
        self.0.0.reset()
    }

    /// Waits until it rings, `cancel` is tripped or `by` has passed.
    pub(crate) fn wait(&self, by: Deadline, cancel: &Cancel) {
        while !cancel.is_tripped() && !self.0.is_tripped() && !by.passed() {
            let mut slots = [Slot::readable(Some(cancel.fd())), Slot::readable(Some(self.0.fd()))];
            if poll::wait(&mut slots, by).is_err() || slots[1].ready() {
                break;
            }
        }
    }
}

/// From now on the first of these signals trips `cancel`. Signals that were ignored when we started
/// (`nohup`) stay ignored.
pub(crate) fn trip_on_signals(cancel: &Cancel) {
    // Leaked on purpose: the handler may run at any later moment.
    SWITCH.store(Arc::into_raw(cancel.0.clone()).cast_mut(), Ordering::Release);
    // A parent that ignores SIGCHLD would have our children reaped behind our back.
    // SAFETY: sets a disposition to its default.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: all-zero is a valid sigaction; the calls only read and fill these locals.
        unsafe {
            let mut old: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, ptr::null(), &mut old);
            if old.sa_sigaction == libc::SIG_IGN {
                continue;
            }
            let mut new: libc::sigaction = std::mem::zeroed();
            new.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t;
            new.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &new, ptr::null_mut());
        }
    }
}

/// The exit code that tells of the signal that was caught, if any: 130 for SIGINT, 143 for the others.
pub(crate) fn caught() -> Option<u8> {
    exit_code(CAUGHT.load(Ordering::Acquire))
}

fn exit_code(signal: i32) -> Option<u8> {
    match signal {
        0 => None,
        libc::SIGINT => Some(130),
        _ => Some(143),
    }
}

extern "C" fn on_signal(signal: libc::c_int) {
    let bell = if signal == libc::SIGHUP { HANGUP.load(Ordering::Acquire) } else { ptr::null_mut() };
    // SAFETY: set from an Arc that is never released, or null.
    if let Some(bell) = unsafe { bell.as_ref() } {
        return bell.trip();
    }
    if CAUGHT.swap(signal, Ordering::AcqRel) != 0 {
        // SAFETY: _exit is async-signal-safe. The guard process ends the servers that are left.
        unsafe { libc::_exit(i32::from(exit_code(signal).unwrap_or(130))) };
    }
    let switch = SWITCH.load(Ordering::Acquire);
    // SAFETY: set before the handler was installed, from an Arc that is never released.
    if let Some(switch) = unsafe { switch.as_ref() } {
        switch.trip();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bell_rings_once_for_each_time_it_was_heard() {
        let (bell, cancel) = (Bell(Cancel::new().unwrap()), Cancel::new().unwrap());
        assert!(!bell.rang());
        bell.0.trip();
        bell.0.trip();
        // Would be an hour, did it not ring.
        bell.wait(Deadline::after(Duration::from_secs(3600)), &cancel);
        assert!(bell.rang() && !bell.rang());
        cancel.trip();
        bell.wait(Deadline::after(Duration::from_secs(3600)), &cancel);
        assert!(!bell.rang());
    }
}
