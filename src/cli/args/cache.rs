//! `hawkeye cache`

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::words::Shown;

/// Look at the cache of results, or empty it.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "cache", help_triggers("-h", "--help"))]
pub(crate) struct Cache {
    /// what to do
    #[argh(subcommand)]
    pub command: CacheCommand,
}

/// What to do with the cache.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub(crate) enum CacheCommand {
    /// `cache stats`
    Stats(CacheStats),
    /// `cache list`
    List(CacheList),
    /// `cache prune`
    Prune(CachePrune),
    /// `cache clear`
    Clear(CacheClear),
}

/// Print where the cache is, how full it is, and whether scans use it.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "stats", help_triggers("-h", "--help"))]
pub(crate) struct CacheStats {
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

/// Print every stored result: whose, how old, fresh for how long.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "list", help_triggers("-h", "--help"))]
pub(crate) struct CacheList {
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

/// Remove the results that are no longer fresh, and those beyond max_size.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "prune", help_triggers("-h", "--help"))]
pub(crate) struct CachePrune {
    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// other defaults, as with scan
    #[argh(option, arg_name = "name")]
    pub profile: Option<String>,
}

/// Remove every result.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "clear", help_triggers("-h", "--help"))]
pub(crate) struct CacheClear {
    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// other defaults, as with scan
    #[argh(option, arg_name = "name")]
    pub profile: Option<String>,
}
