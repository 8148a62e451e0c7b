//! How long live sessions are kept between introspections (`pool_config` of the tuning guide).

use std::time::Duration;

/// Bounds on what is kept open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolOptions {
    /// Idle sessions that stay beyond `idle_timeout`: those used last.
    pub min_connections: usize,
    /// Live sessions kept at most, over all targets.
    pub max_connections: usize,
    /// An idle session is closed after this.
    pub idle_timeout: Duration,
    /// Any session is closed after this.
    pub max_lifetime: Duration,
    /// An idle session is asked this often whether it is still alive.
    pub health_check_interval: Duration,
    /// Look at a session before it is used again.
    pub connection_validation: bool,
}

impl Default for PoolOptions {
    fn default() -> PoolOptions {
        PoolOptions {
            min_connections: 5,
            max_connections: 50,
            idle_timeout: Duration::from_secs(300),
            max_lifetime: Duration::from_secs(3600),
            health_check_interval: Duration::from_secs(60),
            connection_validation: true,
        }
    }
}
