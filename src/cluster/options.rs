//! How hosts share the work. Defaults are the tuning guide's (`cluster`).

use std::path::PathBuf;
use std::time::Duration;

/// `cluster` of the guide, and what the engine behind it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterOptions {
    /// `enabled`: scans hand their targets to the workers of the cluster.
    pub enabled: bool,
    /// `url`: where the queue is, `redis://` or `rediss://`.
    pub url: String,
    /// `username`: an ACL user.
    pub username: Option<String>,
    /// `password_file`: the first line of it is the password.
    pub password_file: Option<PathBuf>,
    /// `tls.ca_file`: PEM file of the only roots to trust for the queue; the system's where absent.
    pub ca_file: Option<PathBuf>,
    /// `tls.client_cert` and `tls.client_key`: PEM files of our certificate chain and its key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// `allow_plaintext`: `redis://` to another host, without TLS. Jobs and results are sealed all the same.
    pub allow_plaintext: bool,
    /// `key_file`: the secret that all hosts share. Nothing that is not sealed with it is believed.
    pub key_file: Option<PathBuf>,
    /// `key_prefix`: what all our keys in the queue begin with.
    pub prefix: String,
    /// `load_balancer.algorithm`
    pub algorithm: Algorithm,
    /// `load_balancer.health_check_interval`: a worker that has not been heard of for so long is dead.
    pub health_interval: Duration,
    /// `workers`: the hosts that are expected; whoever has the key may work where none are listed.
    pub workers: Vec<Listed>,
    /// `max_per_origin`: targets of one origin that are with workers at a time.
    pub max_per_origin: usize,
    /// `max_deliveries`: a job that was with a worker so often and came back from none is given up.
    pub max_deliveries: u32,
    /// `patience`: how long a scan goes on with no worker, or with no queue.
    pub patience: Duration,
}

impl Default for ClusterOptions {
    fn default() -> ClusterOptions {
        ClusterOptions {
            enabled: false,
            url: "redis://127.0.0.1:6379".to_owned(),
            username: None,
            password_file: None,
            ca_file: None,
            client_cert: None,
            allow_plaintext: false,
            key_file: None,
            prefix: "hawkeye".to_owned(),
            algorithm: Algorithm::LeastLoaded,
            health_interval: Duration::from_secs(30),
            workers: Vec::new(),
            max_per_origin: 8,
            max_deliveries: 3,
            patience: Duration::from_secs(60),
        }
    }
}

/// Who gets the next job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// Whoever has room takes one from the common queue.
    LeastLoaded,
    /// One worker after the other, in turn, each from a queue of its own.
    RoundRobin,
}

/// A worker of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// `host`: its name.
    pub host: String,
    /// `max_concurrent`: targets it works at, at a time.
    pub max_concurrent: Option<usize>,
}

#[cfg(feature = "cluster")]
impl ClusterOptions {
    /// How often a worker says that it is alive: twice within the time that one word of it counts, so that one
    /// lost word is no death.
    pub(crate) fn beat(&self) -> Duration {
        self.health_interval.mul_f64(0.3)
    }

    /// How long a sign of life counts. Together with the time until somebody looks that is the interval at most.
    pub(crate) fn counts(&self) -> Duration {
        self.health_interval.mul_f64(0.7)
    }

    /// How often the poster looks who is alive.
    pub(crate) fn look(&self) -> Duration {
        self.health_interval.mul_f64(0.1).clamp(Duration::from_millis(50), Duration::from_secs(1))
    }
}
