//! Floor 4: a file or folder a subcommand, and what several of them need. The only place that joins siblings.
//!
//! | file | what it holds |
//! |---|---|
//! | `run/` | what every command that ends in a report has in common |
//! | `sides`, `compared`, `accepted` | runs and files by name; two of them compared; a baseline |
//! | `measuring` | the one target of diagnose, bench and load-test |
//! | `lock`, `exit` | one run at a time; every exit code |

mod accepted;
mod assess;
mod baseline;
mod bench;
mod cache;
#[cfg_attr(not(feature = "cluster"), path = "cluster/absent.rs")]
mod cluster;
mod compared;
mod config;
mod demo;
mod diagnose;
mod diff;
mod exit;
mod history;
mod load_test;
mod lock;
mod measuring;
mod merge;
mod preflight;
mod rules;
mod run;
mod scan;
mod show;
mod sides;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::cli::args::Command;
use crate::cli::{Early, parse};
use crate::transport::stdio::guard;

use exit::Exit;

/// The whole program. `args` are without the program's name.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    // Not for people, so not in the help: the process that outlives us.
    if let [first, run] = args.as_slice()
        && first == guard::SUBCOMMAND
    {
        guard::stand(&run.to_string_lossy(), io::stdin().lock());
        return ExitCode::SUCCESS;
    }
    command(args).into()
}

/// A panic is a defect, and costs one target; the line for it is short and goes where all others go.
fn explain_panics() {
    std::panic::set_hook(Box::new(|info| {
        log::error!("internal failure at {}", info.location().map_or("?".into(), ToString::to_string))
    }));
}

fn command(args: Vec<OsString>) -> Exit {
    explain_panics();
    let cli = match parse(args.into_iter()) {
        Ok(cli) => cli,
        Err(Early::Help(text)) => return print(&text),
        Err(Early::Version) => return print(concat!("hawkeye ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(Early::Usage(text)) => {
            say(text.trim_end());
            return Exit::Usage;
        }
    };
    match cli.command {
        Command::Scan(args) => scan::run(&args, &cli.process),
        Command::Assess(args) => assess::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Diagnose(args) => diagnose::run(&args, &cli.process),
        Command::Bench(args) => bench::run(&args, &cli.process),
        Command::LoadTest(args) => load_test::run(&args, &cli.process),
        Command::Config(args) => config::run(&args),
        Command::History(args) => history::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Baseline(args) => baseline::run(&args),
        Command::Cache(args) => cache::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Preflight(args) => preflight::run(&args),
        Command::Worker(args) => cluster::worker::run(&args),
        Command::Cluster(args) => cluster::status::run(&args),
        Command::DemoServer(args) => demo::run(&args),
    }
}

/// Text that was asked for, to stdout.
fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Complete,
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Exit::Complete,
        Err(e) => {
            say(&format!("cannot write to stdout: {e}"));
            Exit::Unwritten
        }
    }
}

/// One line for people. A stderr that cannot be written to is nobody's to complain about.
fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "hawkeye: {line}");
}
