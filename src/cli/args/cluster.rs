//! `hawkeye worker` and `hawkeye cluster`

use std::net::SocketAddr;
use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::scan::{concurrency, listen};
use super::{Concurrency, Shown};

/// Work for the scans of other hosts: take servers from the queue of the cluster, ask them, send back what they
/// say. Ends what it has at SIGTERM. The queue and the key are named in the settings (cluster.url,
/// cluster.key_file).
#[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "worker",
    help_triggers("-h", "--help"),
    example = "{command_name} --name worker1.example.com --concurrency 15\n\
               {command_name} --config /etc/hawkeye/cluster.yaml --allow-stdio"
)]
pub(crate) struct Worker {
    /// what this worker is called, unique in the cluster (default: the host's name)
    #[argh(option, arg_name = "name")]
    pub name: Option<String>,

    /// servers at a time (default: max_concurrent of this name in cluster.workers; else by memory and processors)
    #[argh(option, arg_name = "n", from_str_fn(concurrency))]
    pub concurrency: Option<Concurrency>,

    /// run servers that are commands. Whoever has the key of the cluster may then run anything here, as this user
    #[argh(switch)]
    pub allow_stdio: bool,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// other defaults, as with scan
    #[argh(option, arg_name = "name")]
    pub profile: Option<String>,

    /// write metrics of this worker for Prometheus to this file, whole at each export; readable for everybody
    #[argh(option, arg_name = "file")]
    pub metrics_file: Option<PathBuf>,

    /// answer scrapes of /metrics while the worker lives: a port of this machine, or an address with or without
    /// one
    #[argh(option, arg_name = "address", from_str_fn(listen))]
    pub metrics_listen: Option<SocketAddr>,

    /// say more on stderr; -vv also tells each step
    #[argh(switch, short = 'v')]
    pub verbose: u8,
}

/// Look at the cluster.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "cluster", help_triggers("-h", "--help"))]
pub(crate) struct Cluster {
    /// what to do
    #[argh(subcommand)]
    pub command: ClusterCommand,
}

/// What to do with the cluster.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub(crate) enum ClusterCommand {
    /// `cluster status`
    Status(ClusterStatus),
}

/// Print who works, what waits, and how far the runs are. Exits with 3 if a worker of the settings is not there.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "status", help_triggers("-h", "--help"))]
pub(crate) struct ClusterStatus {
    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// other defaults, as with scan
    #[argh(option, arg_name = "name")]
    pub profile: Option<String>,

    /// table or json (default: table)
    #[argh(option, arg_name = "format", default = "Shown::Table")]
    pub format: Shown,
}
