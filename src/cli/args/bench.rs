//! `hawkeye bench`

use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use super::scan::{Pin, Scan, pin};
use super::settings::with_settings;
use super::words::{Shown, count, percent, seconds};

with_settings! {
    /// Measure how fast this machine scans: one server at a time (basic), 10 (parallel), and 20 without detailed
    /// analysis (high_performance). Without targets, 24 demo targets that hawkeye brings along are scanned.
    #[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
    #[argh(
        subcommand,
        name = "bench",
        help_triggers("-h", "--help"),
        note = "With --compare a case counts as slower when its median grew by more than --max-regression and by more \
                than noise: the larger of the spreads of the two benches. Compare benches of one machine \
                that had nothing else to do.",
        example = "{command_name}\n\
                   {command_name} --targets servers.json --iterations 10 --output bench.json\n\
                   {command_name} --compare bench.json --max-regression 10%",
        error_code(0, "everything was measured, nothing is slower"),
        error_code(1, "a case is slower than in --compare"),
        error_code(2, "usage, or --compare names no usable report: nothing was run"),
        error_code(3, "a server was not complete, so its time is no measure")
    )]
    pub(crate) struct Bench {
        /// URLs of servers; a command and its arguments may follow after `--`
        #[argh(positional, arg_name = "target")]
        pub urls: Vec<String>,

        /// file of servers; - reads standard input; repeatable
        #[argh(option, arg_name = "file")]
        pub targets: Vec<PathBuf>,

        /// runs of each case, at most 1000 (default: 5)
        #[argh(option, arg_name = "n", from_str_fn(iterations))]
        pub iterations: Option<usize>,

        /// only this case: basic, parallel or high_performance; repeatable
        #[argh(option, arg_name = "name", from_str_fn(case))]
        pub case: Vec<String>,

        /// JSON report of an older bench to compare with
        #[argh(option, arg_name = "file")]
        pub compare: Option<PathBuf>,

        /// how much slower the median of a case may be, in per cent (default: 10%)
        #[argh(option, arg_name = "percent", from_str_fn(percent))]
        pub max_regression: Option<f64>,

        /// no progress on a terminal
        #[argh(switch)]
        pub no_progress: bool,
    }
}

impl Bench {
    /// The scan that has the same targets and settings; `demo` where no targets are named.
    pub(crate) fn as_scan(&self, process: &[String]) -> Scan {
        Scan {
            urls: self.urls.clone(),
            targets: self.targets.clone(),
            demo: process.is_empty() && self.urls.is_empty() && self.targets.is_empty(),
            ..self.settings()
        }
    }
}

fn iterations(value: &str) -> Result<usize, String> {
    count(value, 1000)
}

fn case(value: &str) -> Result<String, String> {
    let names = ["basic", "parallel", "high_performance"];
    match names.contains(&value) {
        true => Ok(value.to_owned()),
        false => Err(super::words::not_among(value, &names)),
    }
}

pub(super) fn check(args: &Bench, process: Option<&[String]>) -> Result<(), String> {
    if process.is_some_and(<[String]>::is_empty) {
        return Err("no command after --".to_owned());
    }
    if args.max_regression.is_some() && args.compare.is_none() {
        return Err("--max-regression needs --compare".to_owned());
    }
    super::scan::check(&args.as_scan(process.unwrap_or_default()))
}
