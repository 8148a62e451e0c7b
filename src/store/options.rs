//! How results are kept. Defaults are the tuning guide's (`caching_config`).

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
