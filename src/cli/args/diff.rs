//! `hawkeye diff` and `hawkeye baseline`

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::words::{not_among, words};

/// Show what is different between two runs, or between a run and a saved report: tools that came, went or
/// changed, texts and schemas, findings that are new or fixed. Without an argument the last two runs are
/// compared; with one, that one and the latest run.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "diff",
    help_triggers("-h", "--help"),
    example = "{command_name}\n\
               {command_name} 4f1c09d2\n\
               {command_name} -5 -1 --target files\n\
               {command_name} last-month.json today.json --exit-code",
    error_code(0, "compared, whether or not anything differs"),
    error_code(1, "something differs, with --exit-code"),
    error_code(2, "there is no such run or file"),
    error_code(3, "nothing differs, but a server could not be compared, with --exit-code")
)]
pub(crate) struct Diff {
    /// two of: latest (the same as -1), -2 for the run before, the beginning of a run's id, a report or a saved
    /// listing
    #[argh(positional, arg_name = "run|file")]
    pub sides: Vec<String>,

    /// only servers of this name
    #[argh(option, arg_name = "name")]
    pub target: Option<String>,

    /// exit with 1 if anything differs, else with 3 if a server could not be compared
    #[argh(switch)]
    pub exit_code: bool,

    /// table, json or markdown (default: table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Told>,

    /// write to this file instead of standard output, in the format its ending says (.txt, .json, .md) unless
    /// --format does
    #[argh(option, arg_name = "file")]
    pub output: Option<PathBuf>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,
}

words! {
    /// How differences are told.
    Told:
    /// For people.
    Table = "table",
    /// One document.
    Json = "json",
    /// For comments and chat.
    Markdown = "markdown"
}

/// Keep a file of servers that were looked at and accepted, for scan --baseline.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "baseline", help_triggers("-h", "--help"))]
pub(crate) struct Baseline {
    /// what to do
    #[argh(subcommand)]
    pub command: BaselineCommand,
}

/// What to do with a baseline.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub(crate) enum BaselineCommand {
    /// `baseline accept`
    Accept(BaselineAccept),
    /// `baseline check`
    Check(BaselineCheck),
}

/// The file where nobody names one.
pub(crate) const BASELINE: &str = "hawkeye-baseline.json";

fn usual_file() -> PathBuf {
    BASELINE.into()
}

/// Accept the servers of a run as they are: each takes its place in the file, which is made if there is none.
/// Servers that were not complete are not accepted, and servers that are not in the run stay.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "accept", help_triggers("-h", "--help"))]
pub(crate) struct BaselineAccept {
    /// a run (latest, -2, the beginning of an id) or a report; the latest run where none is named
    #[argh(positional, arg_name = "run|report", default = "String::from(\"latest\")")]
    pub side: String,

    /// the file (default: hawkeye-baseline.json)
    #[argh(option, arg_name = "file", default = "usual_file()")]
    pub baseline: PathBuf,

    /// accept only the server of this name; repeatable
    #[argh(option, arg_name = "name")]
    pub target: Vec<String>,

    /// drop servers from the file that are not in the run
    #[argh(switch)]
    pub prune: bool,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,
}

/// Compare a run with the file, asking no server: the same as diff FILE RUN --exit-code.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "check",
    help_triggers("-h", "--help"),
    error_code(0, "every server is as it was accepted"),
    error_code(1, "something differs"),
    error_code(2, "there is no such run or file"),
    error_code(3, "nothing differs, but a server could not be compared")
)]
pub(crate) struct BaselineCheck {
    /// a run (latest, -2, the beginning of an id) or a report; the latest run where none is named
    #[argh(positional, arg_name = "run|report", default = "String::from(\"latest\")")]
    pub side: String,

    /// the file (default: hawkeye-baseline.json)
    #[argh(option, arg_name = "file", default = "usual_file()")]
    pub baseline: PathBuf,

    /// table, json or markdown (default: table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Told>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,
}
