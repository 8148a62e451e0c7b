//! What the command line says about settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::args::{Concurrency, Pin, Scan};

/// What the command line says about settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Overrides {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--timeout`
    pub timeout: Option<Duration>,
    /// `--max-duration`
    pub max_duration: Option<Duration>,
    /// `--concurrency`
    pub concurrency: Option<Concurrency>,
    /// `--protocol-version`
    pub protocol_version: Option<Pin>,
    /// `--ca-file`
    pub ca_file: Option<PathBuf>,
    /// `--client-cert`
    pub client_cert: Option<PathBuf>,
    /// `--client-key`
    pub client_key: Option<PathBuf>,
    /// `--insecure`
    pub insecure: bool,
    /// `-v`
    pub verbose: bool,
    /// `--no-cache`
    pub no_cache: bool,
    /// `--differential`
    pub differential: bool,
    /// `--fail-on`
    pub fail_on: Vec<String>,
    /// `--suppressions`
    pub suppressions: Vec<PathBuf>,
    /// `--cluster`, `--resume`
    pub cluster: bool,
    /// `--no-cluster`
    pub no_cluster: bool,
    /// `--no-history`
    pub no_history: bool,
    /// `--metrics-file`
    pub metrics_file: Option<PathBuf>,
    /// `--metrics-listen`
    pub metrics_listen: Option<SocketAddr>,
}

impl From<&Scan> for Overrides {
    fn from(scan: &Scan) -> Overrides {
        Overrides {
            config: scan.config.clone(),
            profile: scan.profile.clone(),
            timeout: scan.timeout,
            max_duration: scan.max_duration,
            concurrency: scan.concurrency,
            protocol_version: scan.protocol_version,
            ca_file: scan.ca_file.clone(),
            client_cert: scan.client_cert.clone(),
            client_key: scan.client_key.clone(),
            insecure: scan.insecure,
            verbose: scan.verbose > 0,
            no_cache: scan.no_cache,
            differential: scan.differential,
            fail_on: scan.fail_on.iter().flatten().cloned().collect(),
            suppressions: scan.suppressions.clone(),
            cluster: scan.cluster || scan.resume.is_some(),
            no_cluster: scan.no_cluster,
            no_history: scan.no_history,
            metrics_file: scan.metrics_file.clone(),
            metrics_listen: scan.metrics_listen,
        }
    }
}
