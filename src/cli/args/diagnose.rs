//! `hawkeye diagnose`

use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use super::scan::{Pin, Scan, one_target, pin};
use super::settings::with_settings;
use super::words::{Shown, seconds};

with_settings! {
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
    }
}

impl Diagnose {
    /// The scan that has the same targets and settings.
    pub(crate) fn as_scan(&self) -> Scan {
        Scan {
            urls: self.target.iter().filter(|t| t.contains("://")).cloned().collect(),
            targets: self.targets.clone(),
            ..self.settings()
        }
    }
}

pub(super) fn check(args: &Diagnose, process: Option<&[String]>) -> Result<(), String> {
    one_target(args.target.as_deref(), &args.targets, process)?;
    super::scan::check(&args.as_scan())
}
