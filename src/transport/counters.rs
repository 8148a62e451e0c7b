//! What the transports did, counted where it happens. Relaxed: nothing depends on the order of the counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::model::run::Vitals;

/// Shared by every wire of a scan.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    repeats: AtomicU64,
    connections: AtomicU64,
    connections_reused: AtomicU64,
    open_connections: AtomicU64,
    peak_connections: AtomicU64,
    processes: AtomicU64,
    sessions_opened: AtomicU64,
    sessions_reused: AtomicU64,
    rate_waits: AtomicU64,
    rate_wait_ms: AtomicU64,
}

/// One connection that is open; the count goes down with it.
#[derive(Debug)]
pub(super) struct OpenConnection(Arc<Counts>);

impl Counters {
    pub(super) fn request(&self) {
        self.0.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn repeat(&self) {
        self.0.repeats.fetch_add(1, Relaxed);
    }

    pub(super) fn connection_reused(&self) {
        self.0.connections_reused.fetch_add(1, Relaxed);
    }

    pub(super) fn process(&self) {
        self.0.processes.fetch_add(1, Relaxed);
    }

    /// A server agreed to talk.
    pub fn session_opened(&self) {
        self.0.sessions_opened.fetch_add(1, Relaxed);
    }

    /// A session that was kept served once more.
    pub fn session_reused(&self) {
        self.0.sessions_reused.fetch_add(1, Relaxed);
    }

    pub(super) fn rate_wait(&self, wait: Duration) {
        self.0.rate_waits.fetch_add(1, Relaxed);
        self.0.rate_wait_ms.fetch_add(wait.as_millis() as u64, Relaxed);
    }

    pub(super) fn connection(&self) -> OpenConnection {
        self.0.connections.fetch_add(1, Relaxed);
        let open = self.0.open_connections.fetch_add(1, Relaxed) + 1;
        self.0.peak_connections.fetch_max(open, Relaxed);
        OpenConnection(self.0.clone())
    }

    /// As they stand.
    pub fn read(&self) -> Vitals {
        let counts = &*self.0;
        Vitals {
            requests: counts.requests.load(Relaxed),
            repeats: counts.repeats.load(Relaxed),
            connections: counts.connections.load(Relaxed),
            connections_reused: counts.connections_reused.load(Relaxed),
            open_connections: counts.open_connections.load(Relaxed),
            peak_connections: counts.peak_connections.load(Relaxed),
            processes: counts.processes.load(Relaxed),
            sessions_opened: counts.sessions_opened.load(Relaxed),
            sessions_reused: counts.sessions_reused.load(Relaxed),
            // Counted by whoever keeps them.
            sessions_idle: 0,
            rate_waits: counts.rate_waits.load(Relaxed),
            rate_wait_ms: counts.rate_wait_ms.load(Relaxed),
            // The pool's to say.
            width: 0,
            width_peak: 0,
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open_connections.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_what_was_open_at_once() {
        let counters = Counters::default();
        let (first, second) = (counters.connection(), counters.connection());
        drop(first);
        let third = counters.connection();
        drop((second, third));
        let seen = counters.read();
        assert_eq!((seen.connections, seen.open_connections, seen.peak_connections), (3, 0, 2));
    }
}
