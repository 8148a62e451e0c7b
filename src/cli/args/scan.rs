//! `hawkeye scan`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use super::words::{not_among, revision, seconds, words};
use crate::base::address::{LISTEN_FORM, listen_address};
use crate::base::text::quote;
use crate::model::fail_on::FailOn;
use crate::model::revision::Revision;
use crate::model::secret::mask_url;
use crate::model::shard::Shard;
use crate::model::target::check_url;

/// List what servers offer (tools, resources, prompts), and judge it. Give URLs, or one command after `--`, or
/// files of servers; without any of these the servers of hawkeye.yaml are scanned. Servers that are commands are
/// run.
#[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "scan",
    help_triggers("-h", "--help"),
    example = "{command_name} https://host/mcp http://localhost:3001/sse\n\
               {command_name} --targets servers.json --timeout 10\n\
               {command_name} -- npx -y @modelcontextprotocol/server-everything\n\
               {command_name} --demo"
)]
pub(crate) struct Scan {
    /// URLs of servers; a command and its arguments may follow after `--`
    #[argh(positional, arg_name = "target")]
    pub urls: Vec<String>,

    /// file of servers: mcpServers in JSON or YAML, VS Code's servers, a list of URLs; - reads standard
    /// input; repeatable
    #[argh(option, arg_name = "file")]
    pub targets: Vec<PathBuf>,

    /// scan only part I of N, counted from 0: 0/3, 1/3 and 2/3 are the whole list, for hawkeye merge. Which servers
    /// are in a part depends on nothing but each server
    #[argh(option, arg_name = "i/n", from_str_fn(shard))]
    pub shard: Option<Shard>,

    /// scan servers that hawkeye brings along, over every transport
    #[argh(switch)]
    pub demo: bool,

    /// table, json, ndjson, html, sarif, markdown, csv, junit or prometheus (default: table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Format>,

    /// write the report to this file, in the format its ending says unless --format does; repeatable
    #[argh(option, arg_name = "file")]
    pub output: Vec<PathBuf>,

    /// write metrics for Prometheus to this file, whole at each export; readable for everybody
    #[argh(option, arg_name = "file")]
    pub metrics_file: Option<PathBuf>,

    /// answer scrapes of /metrics while the run lasts: a port of this machine, or an address with or without
    /// one
    #[argh(option, arg_name = "address", from_str_fn(listen))]
    pub metrics_listen: Option<SocketAddr>,

    /// tell on stderr where the time went: by phase, by server, processor, memory
    #[argh(switch)]
    pub profile_report: bool,

    /// write that as folded stacks in microseconds, for a flame graph
    #[argh(option, arg_name = "file")]
    pub profile_folded: Option<PathBuf>,

    /// seconds for one server in all, decimals allowed (default: 30)
    #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
    pub timeout: Option<Duration>,

    /// seconds for the whole run; with --watch, for each round
    #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
    pub max_duration: Option<Duration>,

    /// servers at a time, or auto: by memory and processors to begin with, and up to 1024 while they keep us
    /// waiting and there is room (default: auto)
    #[argh(option, arg_name = "n", from_str_fn(concurrency))]
    pub concurrency: Option<Concurrency>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// scan again every so many seconds, from start to start, decimals allowed; settings and files are read again,
    /// and after the first round only changes are told. SIGHUP begins a round at once
    #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
    pub watch: Option<Duration>,

    /// run only if no other run holds ~/.hawkeye/hawkeye.lock; else exit with 2
    #[argh(switch)]
    pub lock: bool,

    /// the same with this file
    #[argh(option, arg_name = "file")]
    pub lock_file: Option<PathBuf>,

    /// the same, waiting so many seconds for the other run to end
    #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
    pub lock_wait: Option<Duration>,

    /// other defaults: development, production, high_volume, high_performance or memory_optimized; files win
    /// over them
    #[argh(option, arg_name = "name")]
    pub profile: Option<String>,

    /// the only protocol revision to speak, by date, or auto (default: auto)
    #[argh(option, arg_name = "date", from_str_fn(pin))]
    pub protocol_version: Option<Pin>,

    /// exit with 1 at findings of this severity or worse (never, info, low, medium, high, critical; default:
    /// high), of these rules (HK-POI-*), at drift; incomplete: exit with 3 whatever --allow-incomplete says;
    /// several with commas, repeatable
    #[argh(option, arg_name = "what", from_str_fn(fail_on))]
    pub fail_on: Vec<Vec<String>>,

    /// file of findings that somebody answers for, instead of those in the settings; repeatable
    #[argh(option, arg_name = "file")]
    pub suppressions: Vec<PathBuf>,

    /// exit with 0 even if servers are partial or failed
    #[argh(switch)]
    pub allow_incomplete: bool,

    /// ask each server again under other client names, in other revisions and without its credentials: differences
    /// are findings. Up to 16 conversations more a server, each with its whole timeout; no cache
    #[argh(switch)]
    pub differential: bool,

    /// hand the servers to the workers of the cluster (hawkeye worker), as cluster.enabled does
    #[argh(switch)]
    pub cluster: bool,

    /// ask them from this host, whatever cluster.enabled says
    #[argh(switch)]
    pub no_cluster: bool,

    /// go on with the run of a cluster that was cut short, of the same servers
    #[argh(option, arg_name = "run")]
    pub resume: Option<String>,

    /// never run a command; servers that are commands are reported as not evaluated
    #[argh(switch)]
    pub no_stdio: bool,

    /// neither read nor write the cache of results
    #[argh(switch)]
    pub no_cache: bool,

    /// ask every server, whatever the cache has, and store what it says now
    #[argh(switch)]
    pub refresh: bool,

    /// neither record this run nor compare it with earlier ones
    #[argh(switch)]
    pub no_history: bool,

    /// compare with this file of accepted servers instead (hawkeye baseline accept)
    #[argh(option, arg_name = "file")]
    pub baseline: Option<PathBuf>,

    /// no progress bar
    #[argh(switch)]
    pub no_progress: bool,

    /// say more on stderr; -vv also tells each step
    #[argh(switch, short = 'v')]
    pub verbose: u8,

    /// say nothing on stderr but errors, and a line each if findings fail or servers are incomplete
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

/// How many servers at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concurrency {
    /// By the processors.
    Auto,
    /// This many.
    Exactly(usize),
}

/// Which revision to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pin {
    /// Whatever the server speaks.
    Auto,
    /// Only this one.
    Only(Revision),
}

words! {
    /// What a report looks like.
    Format:
    /// For people.
    Table = "table",
    /// One document.
    Json = "json",
    /// A line for each event.
    Ndjson = "ndjson",
    /// Findings for code scanning.
    Sarif = "sarif",
    /// For a pull request or a chat.
    Markdown = "markdown",
    /// Rows for a spreadsheet.
    Csv = "csv",
    /// Cases for a pipeline.
    Junit = "junit",
    /// Numbers for Prometheus.
    Prometheus = "prometheus",
    /// One page.
    Html = "html"
}

pub(super) fn fail_on(value: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = value.split(',').map(|word| word.trim().to_owned()).collect();
    FailOn::of(words.iter().map(String::as_str)).map(|_| words)
}

/// The name of a format that is a whole, and cannot be told round by round.
const fn document(format: Option<Format>) -> Option<&'static str> {
    match format {
        Some(Format::Json) => Some("json"),
        Some(Format::Html) => Some("html"),
        Some(Format::Sarif) => Some("sarif"),
        Some(Format::Markdown) => Some("markdown"),
        Some(Format::Csv) => Some("csv"),
        Some(Format::Junit) => Some("junit"),
        Some(Format::Table | Format::Ndjson | Format::Prometheus) | None => None,
    }
}

pub(super) fn listen(value: &str) -> Result<SocketAddr, String> {
    listen_address(value).ok_or_else(|| format!("must be {LISTEN_FORM}"))
}

pub(super) fn concurrency(value: &str) -> Result<Concurrency, String> {
    match value.parse() {
        _ if value == "auto" => Ok(Concurrency::Auto),
        Ok(n @ 1..=4096) => Ok(Concurrency::Exactly(n)),
        _ => Err("must be a whole number from 1 to 4096, or auto".to_owned()),
    }
}

fn shard(value: &str) -> Result<Shard, String> {
    Shard::parse(value)
}

pub(super) fn pin(value: &str) -> Result<Pin, String> {
    if value == "auto" {
        return Ok(Pin::Auto);
    }
    revision(value).map(Pin::Only).map_err(|e| format!("{e}, or auto"))
}

pub(in crate::cli) const STANDARD_INPUT: &str =
    "a list of servers on standard input is read with --targets -";

pub(super) fn check(scan: &Scan) -> Result<(), String> {
    for url in &scan.urls {
        if url == "-" {
            return Err(STANDARD_INPUT.to_owned());
        }
        if let Err(why) = check_url(url) {
            // What is no URL may still hold `user:password@`.
            let shown = if url.contains("://") { mask_url(url) } else { after_at(url).to_owned() };
            let shown = quote(&shown, 80);
            let hint =
                if url.contains("://") { "" } else { "; a file goes with --targets, a command after --" };
            return Err(format!("target {shown} {why}{hint}"));
        }
    }
    if scan.targets.iter().filter(|t| t.as_os_str() == "-").count() > 1 {
        return Err("standard input can be read only once: --targets - is given twice".to_owned());
    }
    if scan.quiet && scan.verbose > 0 {
        return Err("-q and -v exclude each other".to_owned());
    }
    if scan.no_cache && scan.refresh {
        return Err("--no-cache and --refresh exclude each other".to_owned());
    }
    if scan.differential && scan.refresh {
        return Err("--differential never uses the cache: --refresh has no effect with it".to_owned());
    }
    if scan.differential && scan.watch.is_some() {
        return Err(
            "--differential and --watch exclude each other: every round would start each server many times"
                .to_owned(),
        );
    }
    if let (Some(_), Some(document), true) = (scan.watch, document(scan.format), scan.output.is_empty()) {
        return Err(format!(
            "--format {document} is one document and has no end with --watch: use --format ndjson, or write \
             each round to a file with --output FILE"
        ));
    }
    if scan.no_cluster && (scan.cluster || scan.resume.is_some()) {
        return Err("--no-cluster goes with neither --cluster nor --resume".to_owned());
    }
    if scan.watch.is_some() && (scan.cluster || scan.resume.is_some()) {
        return Err(
            "--watch asks servers from this host: scan a cluster again and again with a timer".to_owned()
        );
    }
    if scan.client_cert.is_some() != scan.client_key.is_some() {
        return Err("--client-cert and --client-key need each other".to_owned());
    }
    Ok(())
}

/// Of the commands that take one target and not many.
pub(super) fn one_target(
    target: Option<&str>,
    files: &[PathBuf],
    process: Option<&[String]>,
) -> Result<(), String> {
    let why = match (target, process) {
        (_, Some([])) => "no command after --",
        (Some(_), Some(_)) => "one target at a time: a URL, a name, or -- COMMAND",
        (None, None) => "no target: give a URL, a name with --targets FILE, or -- COMMAND",
        (None, Some(_)) if !files.is_empty() => {
            "--targets goes with the name of a server in it, not with -- COMMAND"
        }
        (Some(url), None) if url.contains("://") && !files.is_empty() => {
            "--targets goes with the name of a server in it, not with a URL"
        }
        (Some(_), None) | (None, Some(_)) => return Ok(()),
    };
    Err(why.to_owned())
}

fn after_at(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or(text)
}
