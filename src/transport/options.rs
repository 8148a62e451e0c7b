//! How the transports behave. Defaults are the tuning guide's (`stdio_config`, `http_config`, `sse_config`).

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::limits::Limits;

/// Everything a transport may be told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WireOptions {
    /// Bounds on what is read and kept.
    pub limits: Limits,
    /// `stdio_config`
    pub stdio: StdioOptions,
    /// `http_config`
    pub http: HttpOptions,
    /// `sse_config`
    pub sse: SseOptions,
    /// Certificates.
    pub tls: TlsOptions,
    /// `rate_limiting`
    pub pace: PaceOptions,
}

/// `rate_limiting` of the guide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PaceOptions {
    /// Over everything.
    pub global: Option<Rate>,
    /// For each origin of its own.
    pub per_origin: Option<Rate>,
}

/// How often something may happen. One HTTP exchange counts, and one process started; the messages over a
/// process's pipes are free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// `requests_per_minute`
    pub per_minute: usize,
    /// `burst_size`: so many at once before the rate holds.
    pub burst: usize,
}

/// `stdio_config` of the guide.
#[derive(Debug, Clone, PartialEq)]
pub struct StdioOptions {
    /// `process_timeout`: the first answer must come within this, and within the target's deadline. The
    /// default grows with the target's time: see [`StdioOptions::start_within`].
    pub process_timeout: Duration,
    /// `buffer_size` and `subprocess_optimization.bufsize`: bytes of one read from the server's stdout.
    pub buffer_size: usize,
    /// `enable_binary_mode`: bytes go from the pipe to the parser as they are. When off, line
    /// ends are first made what a text-mode reader makes of them: CR LF and a lone CR turn to LF.
    pub binary_mode: bool,
    /// `subprocess_optimization.close_fds`: servers inherit descriptors 0, 1 and 2 only.
    pub close_fds: bool,
}

impl StdioOptions {
    const PROCESS_TIMEOUT: Duration = Duration::from_secs(15);

    /// How long a server with `total` time may take to say its first word: what was set, or of the default
    /// and half of its time the longer. Who gives a slow server more time means its start, too.
    pub fn start_within(&self, total: Duration) -> Duration {
        match self.process_timeout {
            StdioOptions::PROCESS_TIMEOUT => StdioOptions::PROCESS_TIMEOUT.max(total / 2),
            set => set,
        }
    }
}

impl Default for StdioOptions {
    fn default() -> StdioOptions {
        StdioOptions {
            process_timeout: StdioOptions::PROCESS_TIMEOUT,
            buffer_size: 8192,
            binary_mode: true,
            close_fds: true,
        }
    }
}

/// `http_config` of the guide, and the pool keys of `mcp_introspection`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpOptions {
    /// `keep_alive`: whether connections are kept for the next request.
    pub keep_alive: bool,
    /// `connection_pool_size`: idle connections kept in all.
    pub pool_size: usize,
    /// `connection_pool_maxsize`: idle connections kept for one host.
    pub pool_maxsize: usize,
    /// `keep_alive_timeout`: an idle connection older than this is not used again.
    pub keep_alive_timeout: Duration,
    /// `pool_config.idle_timeout`: the same for all that is kept; the shorter of the two holds.
    pub idle_timeout: Duration,
    /// `pool_config.max_lifetime`: a connection older than this is not used again.
    pub max_lifetime: Duration,
    /// `timeout.connect`: TCP and TLS.
    pub connect_timeout: Duration,
    /// `timeout.read`: longest silence while an answer is awaited.
    pub read_timeout: Duration,
    /// `timeout.total`: one request with its whole answer.
    pub total_timeout: Duration,
    /// `retry_config.total`: how often one request is repeated.
    pub retries: u32,
    /// `retry_config.backoff_factor`: the n-th wait is this times 2^(n-1), in seconds.
    pub backoff_factor: f64,
    /// `retry_config.status_forcelist`: statuses worth repeating; 429 always is.
    pub status_forcelist: Vec<u16>,
}

impl Default for HttpOptions {
    fn default() -> HttpOptions {
        HttpOptions {
            keep_alive: true,
            pool_size: 20,
            pool_maxsize: 50,
            keep_alive_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
            max_lifetime: Duration::from_secs(3600),
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(45),
            retries: 3,
            backoff_factor: 0.3,
            status_forcelist: vec![500, 502, 503, 504],
        }
    }
}

/// `sse_config` of the guide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SseOptions {
    /// `chunk_size`: bytes of one read from the stream.
    pub chunk_size: usize,
    /// `keep_alive_interval`: a stream silent for longer (comments count as life) is taken for dead.
    pub keep_alive_interval: Duration,
    /// `reconnect_delay`: wait before a stream is opened again, unless the server's `retry` says longer.
    pub reconnect_delay: Duration,
    /// `max_reconnect_attempts`: how often a stream is opened again.
    pub max_reconnect_attempts: u32,
    /// `event_buffer_size`: parsed events held before the stream is read on.
    pub event_buffer_size: usize,
}

impl Default for SseOptions {
    fn default() -> SseOptions {
        SseOptions {
            chunk_size: 8192,
            keep_alive_interval: Duration::from_secs(30),
            reconnect_delay: Duration::from_secs(1),
            max_reconnect_attempts: 3,
            event_buffer_size: 1024,
        }
    }
}

/// Certificates: whom to trust and who we are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// PEM file of the only roots to trust; the system's where absent.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our certificate chain and its key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// Trust anyone. Shouted about on every run.
    pub insecure: bool,
}
