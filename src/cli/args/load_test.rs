//! `hawkeye load-test`

use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use super::scan::{Pin, Scan, one_target, pin};
use super::words::{Shown, count, seconds};

/// Most threads: each is a connection or a process at the other end.
const MOST_THREADS: usize = 1024;
/// Most requests of one thread.
const MOST_REQUESTS: usize = 1_000_000;
/// Highest rate in a second.
const HIGHEST_RATE: f64 = 100_000.0;
/// Longest schedule.
const LONGEST: Duration = Duration::from_secs(86_400);

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

    /// seconds for one server in all, decimals allowed (default: 30)
    #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
    pub timeout: Option<Duration>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// the only protocol revision to speak, by date, or auto
    #[argh(option, arg_name = "date", from_str_fn(pin))]
    pub protocol_version: Option<Pin>,

    /// table or json (default: what the ending of --output says, else table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Shown>,

    /// write the report to this file instead of standard output
    #[argh(option, arg_name = "file")]
    pub output: Option<PathBuf>,

    /// say more on stderr; -vv also tells each step
    #[argh(switch, short = 'v')]
    pub verbose: u8,

    /// say nothing on stderr but errors
    #[argh(switch, short = 'q')]
    pub quiet: bool,

    /// PEM file of the only certificate roots to trust
    #[argh(option, arg_name = "file")]
    pub ca_file: Option<PathBuf>,

    /// PEM file of our certificate; needs --client-key
    #[argh(option, arg_name = "file")]
    pub client_cert: Option<PathBuf>,

    /// PEM file of its key
    #[argh(option, arg_name = "file")]
    pub client_key: Option<PathBuf>,

    /// trust any certificate; dangerous
    #[argh(switch)]
    pub insecure: bool,
}

impl LoadTest {
    /// The scan that has the same targets and settings.
    pub(crate) fn as_scan(&self) -> Scan {
        Scan {
            urls: self.target.iter().filter(|t| t.contains("://")).cloned().collect(),
            targets: self.targets.clone(),
            timeout: self.timeout,
            config: self.config.clone(),
            protocol_version: self.protocol_version,
            verbose: self.verbose,
            quiet: self.quiet,
            ca_file: self.ca_file.clone(),
            client_cert: self.client_cert.clone(),
            client_key: self.client_key.clone(),
            insecure: self.insecure,
            ..Scan::default()
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
