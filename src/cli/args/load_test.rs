//! `hawkeye load-test`

use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use super::scan::{Pin, Scan, one_target, pin};
use super::settings::with_settings;
use super::words::{Shown, count, seconds};

/// Most threads: each is a connection or a process at the other end.
const MOST_THREADS: usize = 1024;
/// Most requests of one thread.
const MOST_REQUESTS: usize = 1_000_000;
/// Highest rate in a second.
const HIGHEST_RATE: f64 = 100_000.0;
/// Longest schedule.
const LONGEST: Duration = Duration::from_secs(86_400);

with_settings! {
    /// Put load on one server. A request is one whole introspection: connect, open, every list.
    #[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
    #[argh(
        subcommand,
        name = "load-test",
        help_triggers("-h", "--help"),
        note = "Without --rate the loop is closed: each thread asks again when it has been answered. A server that slows \
                down is then asked less, so what is measured is its service time, not what its users wait. With --rate the \
                loop is open: requests are due on a fixed schedule, and latency counts from the moment a request was \
                due, so the wait behind a slow one is in it (no coordinated omission). Use --rate for what users feel.\n\n\
                Only servers on this machine are loaded: every address of the host must be loopback, and no proxy in \
                between. To load any other server you need its owner's permission, and --i-am-authorized.",
        example = "{command_name} http://127.0.0.1:3001/mcp --threads 10 --requests 50\n\
                   {command_name} http://127.0.0.1:3001/mcp --rate 200 --duration 30\n\
                   {command_name} --threads 4 -- python server.py",
        error_code(0, "every request was successful"),
        error_code(2, "usage, or the target is not reached over loopback: nothing was run"),
        error_code(3, "a request failed")
    )]
    pub(crate) struct LoadTest {
        /// URL of the server, or its name in the files of --targets or in hawkeye.yaml; or a command after `--`
        #[argh(positional, arg_name = "target")]
        pub target: Option<String>,

        /// file of servers that TARGET is the name of one in; - reads standard input; repeatable
        #[argh(option, arg_name = "file")]
        pub targets: Vec<PathBuf>,

        /// requests at a time, at most 1024 (default: 10)
        #[argh(option, arg_name = "n", from_str_fn(threads))]
        pub threads: Option<usize>,

        /// requests of each thread, in a closed loop (default: 50)
        #[argh(option, arg_name = "n", from_str_fn(requests))]
        pub requests: Option<usize>,

        /// open loop: requests due in a second, of all threads together, at most 100000
        #[argh(option, arg_name = "per-second", from_str_fn(rate))]
        pub rate: Option<f64>,

        /// seconds of the open loop's schedule (default: 10)
        #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
        pub duration: Option<Duration>,

        /// the owner of this server, which is not on this machine, has allowed the load
        #[argh(switch)]
        pub i_am_authorized: bool,

        /// no progress on a terminal
        #[argh(switch)]
        pub no_progress: bool,
    }
}

impl LoadTest {
    /// The scan that has the same targets and settings.
    pub(crate) fn as_scan(&self) -> Scan {
        Scan {
            urls: self.target.iter().filter(|t| t.contains("://")).cloned().collect(),
            targets: self.targets.clone(),
            ..self.settings()
        }
    }
}

fn threads(value: &str) -> Result<usize, String> {
    count(value, MOST_THREADS)
}

fn requests(value: &str) -> Result<usize, String> {
    count(value, MOST_REQUESTS)
}

fn rate(value: &str) -> Result<f64, String> {
    let rate = value.parse().ok().filter(|r: &f64| (0.001..=HIGHEST_RATE).contains(r));
    rate.ok_or_else(|| format!("must be a number of requests a second from 0.001 to {HIGHEST_RATE}"))
}

pub(super) fn check(args: &LoadTest, process: Option<&[String]>) -> Result<(), String> {
    one_target(args.target.as_deref(), &args.targets, process)?;
    match (args.rate, args.duration) {
        (Some(_), _) if args.requests.is_some() => {
            return Err("--requests is for a closed loop; with --rate say --duration".to_owned());
        }
        (None, Some(_)) => return Err("--duration needs --rate".to_owned()),
        (Some(_), Some(d)) if d > LONGEST => {
            return Err("--duration must be at most 86400 (a day)".to_owned());
        }
        _ => {}
    }
    super::scan::check(&args.as_scan())
}
