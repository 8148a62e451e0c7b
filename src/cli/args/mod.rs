//! The options, and everything about them that can be said without reading a file.

mod assess;
mod bench;
pub(super) mod cache;
mod cluster;
pub(super) mod config;
mod demo;
mod diagnose;
mod diff;
mod history;
mod load_test;
mod merge;
mod preflight;
mod rules;
pub(in crate::cli) mod scan;
mod settings;
mod words;

use std::ffi::OsString;

use argh::{ArgsInfo, FromArgs};

use crate::base::text::quote;

use super::complaint::complaint;

pub(crate) use assess::{Assess, NO_DRIFT};
pub(crate) use bench::Bench;
pub(crate) use cache::{Cache, CacheCommand};
#[cfg(feature = "cluster")]
pub(crate) use cluster::ClusterCommand;
pub(crate) use cluster::{Cluster, Worker};
pub(crate) use config::{Config, ConfigCommand};
pub(crate) use demo::{DemoServer, DemoTransport};
pub(crate) use diagnose::Diagnose;
pub(crate) use diff::{Baseline, BaselineAccept, BaselineCheck, BaselineCommand, Diff, Told};
pub(crate) use history::{History, Show};
pub(crate) use load_test::LoadTest;
pub(crate) use merge::Merge;
pub(crate) use preflight::{Counted, Preflight};
pub(crate) use rules::{Rules, RulesCommand};
pub(crate) use scan::{Concurrency, Format, Pin, Scan};
pub(crate) use words::Shown;

/// Finds out what MCP servers offer, how risky that is, and what changed.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    name = "hawkeye",
    help_triggers("-h", "--help"),
    note = "hawkeye COMMAND --help tells more. -V, --version prints the version.",
    example = "hawkeye scan https://host/mcp\n\
               hawkeye scan -- npx -y @modelcontextprotocol/server-everything\n\
               hawkeye scan --targets servers.json --format json --output report.json\n\
               hawkeye config check hawkeye.yaml",
    error_code(0, "every server complete"),
    error_code(1, "findings that fail by the policy or --fail-on, or drift where that does"),
    error_code(2, "usage or configuration error: nothing was run"),
    error_code(3, "incomplete: a server is partial or failed, or nothing was evaluated"),
    error_code(4, "the report could not be written, or an internal failure"),
    error_code(130, "ended by SIGINT; 143 by SIGTERM")
)]
struct Line {
    /// what to do
    #[argh(subcommand)]
    command: Command,
}

/// What was typed.
#[derive(Debug, PartialEq)]
pub(crate) struct Cli {
    /// What to do.
    pub command: Command,
    /// What stood after the first `--`: the command of a server to scan, or nothing.
    pub process: Vec<String>,
}

/// What to do.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of it in a process, and argh takes no box")]
pub(crate) enum Command {
    /// `scan`
    Scan(Scan),
    /// `assess`
    Assess(Assess),
    /// `merge`
    Merge(Merge),
    /// `diagnose`
    Diagnose(Diagnose),
    /// `preflight`
    Preflight(Preflight),
    /// `bench`
    Bench(Bench),
    /// `load-test`
    LoadTest(LoadTest),
    /// `history`
    History(History),
    /// `show`
    Show(Show),
    /// `diff`
    Diff(Diff),
    /// `baseline`
    Baseline(Baseline),
    /// `cache`
    Cache(Cache),
    /// `rules`
    Rules(Rules),
    /// `config`
    Config(Config),
    /// `worker`
    Worker(Worker),
    /// `cluster`
    Cluster(Cluster),
    /// `demo-server`
    DemoServer(DemoServer),
}

/// Why there is nothing to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Early {
    /// Asked for: the text is for stdout, exit 0.
    Help(String),
    /// Asked for: the version is for stdout, exit 0.
    Version,
    /// The text is for stderr, exit 2.
    Usage(String),
}

/// Reads the arguments, without the program's name.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Cli, Early> {
    let args: Vec<String> = args.map(|arg| arg.into_string()).collect::<Result<_, _>>().map_err(|arg| {
        Early::Usage(format!("argument {} is not UTF-8", quote(&arg.to_string_lossy(), 80)))
    })?;
    match args.first().map(String::as_str) {
        None => return Err(Early::Usage(help(&["--help"]))),
        Some("-V" | "--version") => return Err(Early::Version),
        Some("help") => return Err(Early::Help(help(&[args.get(1).map_or("--help", |a| a), "--help"]))),
        Some(_) => {}
    }
    let (ours, command) = split(args);
    let words: Vec<&str> = ours.iter().map(String::as_str).collect();
    let line = Line::from_args(&["hawkeye"], &words).map_err(|early| match early.status {
        Ok(()) => Early::Help(early.output),
        Err(()) => Early::Usage(complaint(&early.output, known(&words))),
    })?;
    check(&line.command, command.as_deref()).map_err(Early::Usage)?;
    Ok(Cli { command: line.command, process: command.unwrap_or_default() })
}

/// Splits off the command after the first `--`, and takes apart what argh does not know: `-vv` and
/// `--name=value`.
fn split(mut args: Vec<String>) -> (Vec<String>, Option<Vec<String>>) {
    let command = args.iter().position(|a| a == "--").map(|at| {
        let command = args.split_off(at + 1);
        args.truncate(at);
        command
    });
    let mut ours = Vec::with_capacity(args.len());
    let assess = args.first().is_some_and(|a| a == "assess" || a == "merge");
    let counts = args.first().is_some_and(|a| ["show", "diff", "baseline"].contains(&a.as_str()));
    for arg in args {
        match arg.split_once('=') {
            // The last run but one is no option.
            _ if counts && is_negative(&arg) => ours.push(format!("@{arg}")),
            _ if assess && arg == "-" => ours.push(assess::STANDARD_INPUT.to_owned()),
            Some((name, value)) if name.starts_with("--") => {
                ours.extend([name.to_owned(), value.to_owned()]);
            }
            _ if arg.len() > 2 && arg.starts_with('-') && arg[1..].bytes().all(|b| b"vqh".contains(&b)) => {
                ours.extend(arg[1..].chars().map(|c| format!("-{c}")));
            }
            _ => ours.push(arg),
        }
    }
    (ours, command)
}

fn is_negative(arg: &str) -> bool {
    arg.strip_prefix('-').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn help(args: &[&str]) -> String {
    match Line::from_args(&["hawkeye"], args) {
        Err(early) => early.output,
        Ok(_) => String::new(),
    }
}

/// What argh cannot see.
fn check(command: &Command, process: Option<&[String]>) -> Result<(), String> {
    match (command, process) {
        (Command::Scan(_), Some([])) => Err("no command after --".to_owned()),
        (Command::Scan(scan), _) => scan::check(scan),
        (Command::Diagnose(args), process) => diagnose::check(args, process),
        (Command::Bench(args), process) => bench::check(args, process),
        (Command::LoadTest(args), process) => load_test::check(args, process),
        (Command::Assess(args), None) => assess::check(args),
        (Command::Merge(args), None) => merge::check(args),
        (Command::History(args), None) => history::check(args),
        (
            Command::Assess(_)
            | Command::Merge(_)
            | Command::History(_)
            | Command::Preflight(_)
            | Command::Show(_)
            | Command::Diff(_)
            | Command::Baseline(_)
            | Command::Cache(_)
            | Command::Rules(_)
            | Command::Config(_)
            | Command::Worker(_)
            | Command::Cluster(_)
            | Command::DemoServer(_),
            process,
        ) => match process {
            None => Ok(()),
            Some(_) => Err("only scan, diagnose, bench and load-test take a command after --".to_owned()),
        },
    }
}

/// The words that could have stood there: options and subcommands of the command in `args`.
fn known(args: &[&str]) -> Vec<String> {
    let mut info = Line::get_args_info();
    for arg in args {
        let next = info.commands.iter().find(|c| c.name == *arg);
        match next {
            Some(next) => info = next.command.clone(),
            None => break,
        }
    }
    let options = info.flags.iter().filter(|f| !f.hidden).map(|f| f.long.to_owned());
    options.chain(info.commands.iter().map(|c| c.name.to_owned())).collect()
}
