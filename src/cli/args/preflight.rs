//! `hawkeye preflight`

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::scan::{Concurrency, concurrency};
use super::words::{Shown, not_among, words};

/// Tell whether this machine has room for a scan, what is short, and the command that helps. Runs no server.
#[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "preflight",
    help_triggers("-h", "--help"),
    example = "{command_name} --targets servers.json\n\
               {command_name} --targets 1000 --transport http --concurrency 200\n\
               sudo {command_name} --fix",
    error_code(0, "the plan fits, perhaps with warnings"),
    error_code(2, "usage or configuration error"),
    error_code(3, "the plan does not fit; a scan would do fewer servers at a time"),
    error_code(4, "--fix could not do all there was to do, or was not run as root")
)]
pub(crate) struct Preflight {
    /// file of servers, or just how many there are; repeatable (default: those of hawkeye.yaml, or 1024 where
    /// it names none)
    #[argh(option, arg_name = "n|file")]
    pub targets: Vec<String>,

    /// what servers that are only a number are: stdio or http (default: stdio, which needs more)
    #[argh(option, arg_name = "transport")]
    pub transport: Option<Counted>,

    /// servers at a time, or auto: by memory and processors (default: auto)
    #[argh(option, arg_name = "n", from_str_fn(concurrency))]
    pub concurrency: Option<Concurrency>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// other defaults: development, production, high_volume, high_performance or memory_optimized
    #[argh(option, arg_name = "name")]
    pub profile: Option<String>,

    /// table or json (default: table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Shown>,

    /// raise the guide's kernel settings and make them last in /etc/sysctl.d/90-hawkeye.conf; never lowers any.
    /// Needs root; without it, tells what it would do
    #[argh(switch)]
    pub fix: bool,

    /// look at the machine in this directory, such as an image that is being built, not at the running one
    #[argh(option, arg_name = "directory")]
    pub root: Option<PathBuf>,
}

words! {
    /// What a number of servers stands for.
    Counted:
    /// Commands that are interpreters.
    Stdio = "stdio",
    /// URLs.
    Http = "http"
}
