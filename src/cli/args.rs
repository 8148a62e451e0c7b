//! The options, and everything about them that can be said without reading a file.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use crate::base::text::{nearest, quote};
use crate::model::revision::Revision;
use crate::model::secret::mask_url;
use crate::model::target::check_url;

use super::complaint::complaint;

/// Finds out what MCP servers offer.
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
    error_code(1, "findings at or above --fail-on"),
    error_code(2, "usage or configuration error: nothing was run"),
    error_code(3, "incomplete: a server is partial or failed, or there was none"),
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
pub(crate) enum Command {
    /// `scan`
    Scan(Scan),
    /// `config`
    Config(Config),
    /// `demo-server`
    DemoServer(DemoServer),
}

/// List what servers offer: tools, resources, prompts. Give URLs, or one command after `--`, or files of
/// servers; without any of these the servers of hawkeye.yaml are scanned. Servers that are commands are run.
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

    /// scan servers that hawkeye brings along, over every transport
    #[argh(switch)]
    pub demo: bool,

    /// table, json or ndjson (default: table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Format>,

    /// write the report to this file, in the format its ending says unless --format does; repeatable
    #[argh(option, arg_name = "file")]
    pub output: Vec<PathBuf>,

    /// seconds for one server in all, decimals allowed (default: 30)
    #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
    pub timeout: Option<Duration>,

    /// seconds for the whole run
    #[argh(option, arg_name = "seconds", from_str_fn(seconds))]
    pub max_duration: Option<Duration>,

    /// servers at a time, or auto: two a processor, at most 20
    #[argh(option, arg_name = "n", from_str_fn(concurrency))]
    pub concurrency: Option<Concurrency>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// the only protocol revision to speak, by date, or auto
    #[argh(option, arg_name = "date", from_str_fn(pin))]
    pub protocol_version: Option<Pin>,

    /// exit with 1 at findings of this severity or worse: never, info, low, medium, high, critical
    /// (default: high)
    #[argh(option, arg_name = "level")]
    pub fail_on: Option<FailOn>,

    /// exit with 0 even if servers are partial or failed
    #[argh(switch)]
    pub allow_incomplete: bool,

    /// never run a command; servers that are commands are reported as not evaluated
    #[argh(switch)]
    pub no_stdio: bool,

    /// no progress bar
    #[argh(switch)]
    pub no_progress: bool,

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

/// Look at settings.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "config", help_triggers("-h", "--help"))]
pub(crate) struct Config {
    /// what to do
    #[argh(subcommand)]
    pub command: ConfigCommand,
}

/// What to do with settings.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub(crate) enum ConfigCommand {
    /// `config show`
    Show(ConfigShow),
    /// `config check`
    Check(ConfigCheck),
    /// `config init`
    Init(ConfigInit),
}

/// Print a settings file that says what the defaults say, every key with its meaning.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "init", help_triggers("-h", "--help"))]
pub(crate) struct ConfigInit {}

/// Print every setting, its value, and who set it.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "show", help_triggers("-h", "--help"))]
pub(crate) struct ConfigShow {
    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,
}

/// Name every mistake in a settings file or a file of servers, with line and column. Runs nothing.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "check", help_triggers("-h", "--help"))]
pub(crate) struct ConfigCheck {
    /// the file
    #[argh(positional, arg_name = "file")]
    pub file: PathBuf,
}

/// Be an MCP server to try things out on.
#[derive(Debug, Default, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "demo-server", help_triggers("-h", "--help"))]
pub(crate) struct DemoServer {
    /// stdio, http or sse (default: stdio)
    #[argh(option, arg_name = "transport")]
    pub transport: Option<DemoTransport>,

    /// port to listen on, for http and sse; 0 = any free one (default: 0)
    #[argh(option, arg_name = "port")]
    pub port: Option<u16>,

    /// protocol revisions to speak, by date, separated by commas (default: all)
    #[argh(option, arg_name = "dates", from_str_fn(revisions))]
    pub revisions: Option<Vec<Revision>>,

    /// what it offers: files, weather or shop (default: weather)
    #[argh(option, arg_name = "name")]
    pub persona: Option<String>,

    /// milliseconds to wait before each answer (default: 0)
    #[argh(option, arg_name = "n")]
    pub delay_ms: Option<u64>,

    /// answer 401 without this bearer token; a demonstration value, seen by everyone on this machine
    #[argh(option, arg_name = "token")]
    pub token: Option<String>,

    /// answer as an event stream instead of JSON, over Streamable HTTP
    #[argh(switch)]
    pub event_stream: bool,
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

/// Words an option may have, with their meaning.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($(#[$variant_doc:meta])* $variant:ident = $word:literal),*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant),* }

        impl argh::FromArgValue for $name {
            fn from_arg_value(value: &str) -> Result<$name, String> {
                match value {
                    $($word => Ok($name::$variant),)*
                    _ => Err(not_among(value, &[$($word),*])),
                }
            }
        }
    };
}

words! {
    /// What a report looks like.
    Format:
    /// For people.
    Table = "table",
    /// One document.
    Json = "json",
    /// A line for each event.
    Ndjson = "ndjson"
}

words! {
    /// The findings that make a run fail.
    FailOn:
    /// None.
    Never = "never",
    /// All.
    Info = "info",
    /// Low and worse.
    Low = "low",
    /// Medium and worse.
    Medium = "medium",
    /// High and worse.
    High = "high",
    /// Critical ones.
    Critical = "critical"
}

words! {
    /// How the demo server is reached.
    DemoTransport:
    /// Standard input and output.
    Stdio = "stdio",
    /// Streamable HTTP.
    Http = "http",
    /// HTTP+SSE of 2024-11-05.
    Sse = "sse"
}

fn not_among(value: &str, words: &[&str]) -> String {
    match nearest(value, words.iter().copied()) {
        Some(meant) => format!("must be one of {} (did you mean {meant}?)", words.join(", ")),
        None => format!("must be one of {}", words.join(", ")),
    }
}

fn seconds(value: &str) -> Result<Duration, String> {
    // A year, like in settings files; `inf`, `nan` and 1e308 do not get this far.
    let span = value.parse().ok().filter(|s: &f64| *s <= 31_536_000.0);
    let span = span.and_then(|s| Duration::try_from_secs_f64(s).ok()).filter(|d| !d.is_zero());
    span.ok_or_else(|| "must be a number of seconds above 0, at most 31536000 (a year)".to_owned())
}

fn concurrency(value: &str) -> Result<Concurrency, String> {
    match value.parse() {
        _ if value == "auto" => Ok(Concurrency::Auto),
        Ok(n @ 1..=4096) => Ok(Concurrency::Exactly(n)),
        _ => Err("must be a whole number from 1 to 4096, or auto".to_owned()),
    }
}

fn revision(value: &str) -> Result<Revision, String> {
    value.parse().map_err(|_| format!("must be one of {}", Revision::ALL.map(Revision::date).join(", ")))
}

fn pin(value: &str) -> Result<Pin, String> {
    if value == "auto" {
        return Ok(Pin::Auto);
    }
    revision(value).map(Pin::Only).map_err(|e| format!("{e}, or auto"))
}

fn revisions(value: &str) -> Result<Vec<Revision>, String> {
    value.split(',').map(|v| revision(v.trim())).collect()
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
    for arg in args {
        match arg.split_once('=') {
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
        (Command::Scan(scan), _) => check_scan(scan),
        (Command::Config(_) | Command::DemoServer(_), None) => Ok(()),
        (Command::Config(_) | Command::DemoServer(_), Some(_)) => {
            Err("only scan takes a command after --".to_owned())
        }
    }
}

pub(super) const STANDARD_INPUT: &str = "a list of servers on standard input is read with --targets -";

fn check_scan(scan: &Scan) -> Result<(), String> {
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
    if scan.client_cert.is_some() != scan.client_key.is_some() {
        return Err("--client-cert and --client-key need each other".to_owned());
    }
    Ok(())
}

fn after_at(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or(text)
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
