//! How results are kept, and for how long runs are. Defaults of the cache are the tuning guide's
//! (`caching_config`).

use std::path::PathBuf;
use std::time::Duration;

/// `caching_config` of the guide, and `enable_result_caching`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CacheOptions {
    /// `enable_result_caching`: asked for.
    pub wanted: bool,
    /// `enabled`: allowed.
    pub enabled: bool,
    /// `max_size`: results kept.
    pub max_size: usize,
    /// `ttl`: how long a result stays fresh, unless its server says less.
    pub ttl: Duration,
    /// `persist_cache`: in a file, not only in this process.
    pub persist: bool,
    /// `cache_file`
    pub file: PathBuf,
}

impl CacheOptions {
    /// Whether a scan looks into the cache.
    pub(crate) fn in_effect(&self) -> bool {
        self.wanted && self.enabled
    }
}

impl Default for CacheOptions {
    fn default() -> CacheOptions {
        CacheOptions {
            wanted: false,
            enabled: true,
            max_size: 1000,
            ttl: Duration::from_secs(3600),
            persist: true,
            file: PathBuf::from("~/.hawkeye/cache/introspection.db"),
        }
    }
}

/// `history`: what is kept of earlier runs. It stands in the file of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HistoryOptions {
    /// `enabled`: every scan is recorded.
    pub enabled: bool,
    /// `max_runs`: whole runs kept; of older ones, what is the last known of a server.
    pub max_runs: usize,
    /// `max_days`: after which everything of a run goes.
    pub max_days: u64,
    /// `max_bytes`: of the file, above which the oldest runs go.
    pub max_bytes: u64,
}

impl Default for HistoryOptions {
    fn default() -> HistoryOptions {
        HistoryOptions { enabled: true, max_runs: 200, max_days: 365, max_bytes: 1 << 30 }
    }
}
