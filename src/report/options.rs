//! What settings and options say about metrics, finished.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Whether and where the run is measured. Neither file nor listener: nothing is collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Monitoring {
    /// The file that is replaced at each export.
    pub file: Option<PathBuf>,
    /// Where scrapes are answered.
    pub listen: Option<SocketAddr>,
    /// Time between two exports to the file.
    pub interval: Duration,
    /// Whether single servers and the finer steps of a conversation get series of their own.
    pub detailed: bool,
    /// Servers that may have series of their own.
    pub max_targets: usize,
}

impl Monitoring {
    /// Whether anything is collected.
    pub(crate) fn is_on(&self) -> bool {
        self.file.is_some() || self.listen.is_some()
    }
}

impl Default for Monitoring {
    fn default() -> Monitoring {
        Monitoring {
            file: None,
            listen: None,
            interval: Duration::from_secs(60),
            detailed: false,
            max_targets: 1000,
        }
    }
}
