//! `hawkeye history` and `hawkeye show`

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::scan::{Format, Scan};
use super::words::{Shown, count};

/// List recorded runs, latest first: when, over what, and what came out.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "history", help_triggers("-h", "--help"))]
pub(crate) struct History {
    /// runs listed (default: 20)
    #[argh(option, arg_name = "n", from_str_fn(limit))]
    pub limit: Option<usize>,

    /// only runs with a server of this name
    #[argh(option, arg_name = "name")]
    pub target: Option<String>,

    /// forget every run, of all servers; the cache of results stays
    #[argh(switch)]
    pub clear: bool,

    /// table or json (default: table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Shown>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,
}

/// Show the report of a recorded run again, in any format.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "show",
    help_triggers("-h", "--help"),
    example = "{command_name} latest\n\
               {command_name} -2 --format json\n\
               {command_name} 4f1c09d2 --output report.json"
)]
pub(crate) struct Show {
    /// the run: latest (the same as -1), -2 for the one before, or the beginning of its id
    #[argh(positional, arg_name = "run", default = "String::from(\"latest\")")]
    pub run: String,

    /// only servers of this name
    #[argh(option, arg_name = "name")]
    pub target: Option<String>,

    /// as with scan (default: table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Format>,

    /// write the report to this file, in the format its ending says unless --format does; repeatable
    #[argh(option, arg_name = "file")]
    pub output: Vec<PathBuf>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,
}

impl Show {
    /// A scan with these outputs.
    pub(crate) fn as_scan(&self) -> Scan {
        Scan {
            format: self.format,
            output: self.output.clone(),
            config: self.config.clone(),
            no_progress: true,
            ..Scan::default()
        }
    }
}

pub(super) fn check(args: &History) -> Result<(), String> {
    let given = [
        ("--target", args.target.is_some()),
        ("--limit", args.limit.is_some()),
        ("--format", args.format.is_some()),
    ];
    match given.into_iter().find(|(_, given)| args.clear && *given) {
        Some((option, _)) => Err(format!(
            "--clear forgets every run, of all servers: leave out {option} (history.max_runs and history.max_days \
             say how much is kept)"
        )),
        None => Ok(()),
    }
}

fn limit(value: &str) -> Result<usize, String> {
    count(value, 1_000_000)
}
