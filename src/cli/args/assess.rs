//! `hawkeye assess`

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::scan::{Format, Scan, fail_on};

/// Standard input, as a positional: argh takes `-` for an option.
pub(super) const STANDARD_INPUT: &str = "/dev/stdin";

/// Why drift fails no listing.
pub(crate) const NO_DRIFT: &str =
    "assess compares with nothing (hawkeye diff --exit-code and hawkeye baseline check do)";

/// Judge what servers offered, from files: reports of hawkeye (JSON, NDJSON), and what servers answered to
/// tools/list and its sisters. No server is asked, and no command is run.
#[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "assess",
    help_triggers("-h", "--help"),
    note = "A listing is an object with tools, prompts, resources, resourceTemplates or instructions, or a JSON-RPC \
            answer that holds one; a file holds one, an array of them (each with a name), an object of them by name, \
            or one a line. All servers of a file are taken for those of one client. A list that a raw listing lacks \
            is unsupported with the reason \"not in the file\", unless its capabilities declare it; one without \
            tools is partial.",
    example = "{command_name} report.json\n\
               {command_name} tools.json --fail-on medium --output report.json\n\
               jq -c '.targets[]' old.json | {command_name} -",
    error_code(1, "findings that fail by the policy or --fail-on"),
    error_code(2, "usage, a file that is not there, or no file that is a report or a listing"),
    error_code(3, "incomplete: a listing is partial or unusable, or there was none")
)]
pub(crate) struct Assess {
    /// reports and listings; - reads standard input
    #[argh(positional, arg_name = "file")]
    pub files: Vec<PathBuf>,

    /// as with scan (default: table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Format>,

    /// write the report to this file, in the format its ending says unless --format does; repeatable
    #[argh(option, arg_name = "file")]
    pub output: Vec<PathBuf>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// other defaults, as with scan
    #[argh(option, arg_name = "name")]
    pub profile: Option<String>,

    /// what makes it exit with 1, as with scan but for drift (default: high); repeatable
    #[argh(option, arg_name = "what", from_str_fn(fail_on))]
    pub fail_on: Vec<Vec<String>>,

    /// file of findings that somebody answers for; repeatable
    #[argh(option, arg_name = "file")]
    pub suppressions: Vec<PathBuf>,

    /// exit with 0 even if listings are partial or unusable
    #[argh(switch)]
    pub allow_incomplete: bool,

    /// say more on stderr; -vv also tells each step
    #[argh(switch, short = 'v')]
    pub verbose: u8,

    /// say nothing on stderr but errors, and a line each if findings fail or listings are incomplete
    #[argh(switch, short = 'q')]
    pub quiet: bool,
}

impl Assess {
    /// The scan of no targets with these settings and outputs.
    pub(crate) fn as_scan(&self) -> Scan {
        Scan {
            format: self.format,
            output: self.output.clone(),
            config: self.config.clone(),
            profile: self.profile.clone(),
            fail_on: self.fail_on.clone(),
            suppressions: self.suppressions.clone(),
            allow_incomplete: self.allow_incomplete,
            no_progress: true,
            verbose: self.verbose,
            quiet: self.quiet,
            ..Scan::default()
        }
    }
}

pub(super) fn check(args: &Assess) -> Result<(), String> {
    if args.files.is_empty() {
        return Err("no file: give reports or listings, or - for standard input".to_owned());
    }
    for (at, file) in args.files.iter().enumerate() {
        if args.files[..at].contains(file) {
            let shown = if file.as_os_str() == STANDARD_INPUT { "-".into() } else { file.to_string_lossy() };
            return Err(format!("{} is given twice", crate::base::text::quote(&shown, 80)));
        }
    }
    if args.fail_on.iter().flatten().any(|word| word == "drift") {
        return Err(format!("--fail-on drift: {NO_DRIFT}"));
    }
    super::scan::check(&args.as_scan())
}
