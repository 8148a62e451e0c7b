//! What a demo server has been asked, so that a test can count round trips and connections.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde_json::Value;

/// Names are the client's, so they are bounded; the rest counts as `other`.
const METHODS: usize = 64;

/// A moment's counts, as `GET /stats` shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DemoStats {
    /// Connections that carried at least one request other than `GET /stats`.
    pub connections: u64,
    /// HTTP requests other than `GET /stats`.
    pub http_requests: u64,
    /// JSON-RPC requests and notifications by method, also those that were refused.
    pub methods: BTreeMap<String, u64>,
}

/// The running counts.
#[derive(Default)]
pub(super) struct Counters {
    connections: AtomicU64,
    http_requests: AtomicU64,
    methods: Mutex<BTreeMap<String, u64>>,
}

impl Counters {
    pub(super) fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_http_request(&self) {
        self.http_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the method of a message, or of each message of a batch.
    pub(super) fn count_message(&self, message: &Value) {
        let batch = message.as_array().map_or(std::slice::from_ref(message), Vec::as_slice);
        batch.iter().filter_map(|message| message["method"].as_str()).for_each(|method| self.count(method));
    }

    fn count(&self, method: &str) {
        let mut methods = super::lock(&self.methods);
        match methods.get_mut(method) {
            Some(count) => *count += 1,
            None => {
                let name = if methods.len() < METHODS { method } else { "other" };
                *methods.entry(name.to_owned()).or_default() += 1;
            }
        }
    }

    pub(super) fn now(&self) -> DemoStats {
        DemoStats {
            connections: self.connections.load(Ordering::Relaxed),
            http_requests: self.http_requests.load(Ordering::Relaxed),
            methods: super::lock(&self.methods).clone(),
        }
    }
}
