//! `hawkeye diagnose`

use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use super::scan::{Pin, Scan, one_target, pin};
use super::words::{Shown, seconds};

/// Say why a server is slow or fails: every step on the way to its lists with its time, the usual causes in plain
/// words, and what to do. Only the command that is named is run, and only the server that is named is asked.
#[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "diagnose",
    help_triggers("-h", "--help"),
    note = "Slow is a connection that takes more than 5 s, and anything that keeps a scan below 0.5 servers a second \
            (2 s for one server).",
    example = "{command_name} https://host/mcp\n\
               {command_name} files --targets servers.json\n\
               {command_name} -- npx -y @modelcontextprotocol/server-everything",
    error_code(0, "the server was listed completely"),
    error_code(3, "it was not")
)]
pub(crate) struct Diagnose {
    /// URL of the server, or its name in the files of --targets or in hawkeye.yaml; or a command after `--`
    #[argh(positional, arg_name = "target")]
    pub target: Option<String>,

    /// file of servers that TARGET is the name of one in; - reads standard input; repeatable
    #[argh(option, arg_name = "file")]
    pub targets: Vec<PathBuf>,

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

impl Diagnose {
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

pub(super) fn check(args: &Diagnose, process: Option<&[String]>) -> Result<(), String> {
    one_target(args.target.as_deref(), &args.targets, process)?;
    super::scan::check(&args.as_scan())
}
