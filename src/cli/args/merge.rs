//! `hawkeye merge`

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::assess::STANDARD_INPUT;
use super::scan::{Format, Scan, fail_on};

/// Make one report of several: of the parts of a list that was scanned with --shard, or of any runs. No server is
/// asked, and what was judged then stands; servers are seen together, the policy weighs anew.
#[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "merge",
    help_triggers("-h", "--help"),
    note = "Of a server that stands in several reports (same endpoint, same name) the complete result is taken; of \
            several of these, or of none, that of the run which began last. All reports must have been judged by the \
            same rules: hawkeye assess judges reports anew. NDJSON reports may be of any length: one line of them is \
            in memory at a time.",
    example = "{command_name} shard-*.ndjson --output report.html\n\
               {command_name} a.json b.json --fail-on medium --format json",
    error_code(1, "findings that fail by the policy or --fail-on"),
    error_code(2, "usage, a file that is not there or no report, or reports that do not go together"),
    error_code(3, "incomplete: a server is partial or failed, or a part of the list is missing")
)]
pub(crate) struct Merge {
    /// reports, JSON or NDJSON; - reads standard input
    #[argh(positional, arg_name = "report")]
    pub reports: Vec<PathBuf>,

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

    /// what makes it exit with 1, as with scan (default: high); repeatable
    #[argh(option, arg_name = "what", from_str_fn(fail_on))]
    pub fail_on: Vec<Vec<String>>,

    /// file of findings that somebody answers for; repeatable
    #[argh(option, arg_name = "file")]
    pub suppressions: Vec<PathBuf>,

    /// exit with 0 even if servers are partial or failed; not if some are missing
    #[argh(switch)]
    pub allow_incomplete: bool,

    /// neither record this as a run nor compare it with earlier ones
    #[argh(switch)]
    pub no_history: bool,

    /// say more on stderr, such as which servers stand in several reports; -vv also tells each step
    #[argh(switch, short = 'v')]
    pub verbose: u8,

    /// say nothing on stderr but errors, and a line each if findings fail or servers are incomplete or missing
    #[argh(switch, short = 'q')]
    pub quiet: bool,
}

impl Merge {
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
            no_history: self.no_history,
            no_progress: true,
            verbose: self.verbose,
            quiet: self.quiet,
            ..Scan::default()
        }
    }
}

pub(super) fn check(args: &Merge) -> Result<(), String> {
    if args.reports.is_empty() {
        return Err("no report: give those of hawkeye scan, or - for standard input".to_owned());
    }
    for (at, file) in args.reports.iter().enumerate() {
        if args.reports[..at].contains(file) {
            let shown = if file.as_os_str() == STANDARD_INPUT { "-".into() } else { file.to_string_lossy() };
            return Err(format!("{} is given twice", crate::base::text::quote(&shown, 80)));
        }
    }
    super::scan::check(&args.as_scan())
}
