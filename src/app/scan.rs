//! `hawkeye scan`: targets from everywhere, one engine, every sink.

use std::env;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::cli::args::{Format as Word, Scan};
use crate::config::{self, ConfigError, Entries, Environment, Overrides, Settings};
use crate::demo::DemoFleet;
use crate::model::outcome::{Outcome, Status};
use crate::model::run::{RunInfo, Tally};
use crate::model::target::Target;
use crate::report::live::{Live, Progress};
use crate::report::{self, Format, RunEnd, Sink, Style};
use crate::scan::{Heard, ScanOptions, scan};
use crate::sys::cancel::Cancel;
use crate::sys::{signal, terminal};
use crate::transport::http::check_certificates;
use crate::transport::stdio::launch::Claim;

use super::exit::Exit;
use super::say;

/// What a run needs, all of it known before anything is started.
struct Planned {
    settings: Settings,
    targets: Vec<Target>,
    disabled: usize,
    /// Kept alive while its servers are scanned.
    fleet: Option<DemoFleet>,
}

pub(super) fn run(args: &Scan, process: &[String]) -> Exit {
    let planned = match plan(args, process) {
        Ok(planned) => planned,
        Err(why) => {
            say(&why);
            return Exit::Usage;
        }
    };
    if planned.targets.is_empty() {
        say(match planned.disabled {
            0 => {
                "no target: give a URL, -- COMMAND, --targets FILE or --demo, or name targets in \
                 ~/.hawkeye/hawkeye.yaml (hawkeye scan --help)"
            }
            _ => "no target: every server of the file is disabled",
        });
        // An empty report is still a report, where one was asked for.
        if args.format.is_none() && args.output.is_empty() {
            return Exit::Incomplete;
        }
    }
    let cancel = match Cancel::new() {
        Ok(cancel) => cancel,
        Err(e) => {
            say(&format!("cannot start: {e}"));
            return Exit::Unwritten;
        }
    };
    signal::trip_on_signals(&cancel);
    execute(args, planned, &cancel)
}

fn plan(args: &Scan, process: &[String]) -> Result<Planned, String> {
    check_outputs(args)?;
    let line = |e: ConfigError| e.to_string();
    let environment = Environment::of_process().map_err(line)?;
    let resolved = config::resolve(&Overrides::from(args), &environment).map_err(line)?;
    let mut settings = resolved.settings;
    start_log(args, settings.verbose);
    resolved.notes.iter().for_each(|n| log::info!("{n}"));
    check_certificates(&settings.wire.tls)?;
    if settings.wire.tls.insecure {
        say(
            "WARNING: --insecure: certificates are not checked; anyone on the way can read and change everything",
        );
    }
    // The settings' own targets are for a command line that names none.
    let named = !(args.urls.is_empty() && process.is_empty() && args.targets.is_empty() && !args.demo);
    let files = if named { &args.targets } else { &settings.targets.files };
    let mut entries: Vec<Entries> = Vec::new();
    for file in files {
        entries.push(config::read(file, &mut io::stdin().lock(), &environment).map_err(line)?);
    }
    if !named {
        entries.extend(settings.targets.inline.take());
    }
    let mut targets = config::from_command_line(&args.urls, process);
    let mut disabled = 0;
    for file in entries {
        file.warnings.iter().for_each(|w| log::warn!("{w}"));
        file.notes.iter().for_each(|n| log::info!("{n}"));
        disabled += file.disabled.len();
        targets.extend(file.targets);
    }
    let fleet = match args.demo {
        true => Some(
            DemoFleet::start(&this_program()).map_err(|e| format!("cannot start the demo servers: {e}"))?,
        ),
        false => None,
    };
    targets.extend(fleet.iter().flat_map(DemoFleet::targets));
    let mut targets = config::merge(targets);
    if args.no_stdio {
        config::hold_stdio(&mut targets);
    }
    Ok(Planned { settings, targets, disabled, fleet })
}

fn this_program() -> PathBuf {
    env::current_exe().unwrap_or_else(|_| SELF.into())
}

/// The kernel's name for this very program, also after its file was replaced.
const SELF: &str = "/proc/self/exe";

/// A format that cannot be known is a usage error, before anything is run.
fn check_outputs(args: &Scan) -> Result<(), String> {
    let repeated = args.output.iter().enumerate().find(|(i, path)| {
        let same = |other: &PathBuf| std::path::absolute(other).ok() == std::path::absolute(path).ok();
        args.output[..*i].iter().any(same)
    });
    if let Some((_, path)) = repeated {
        return Err(format!("--output {}: given twice", path.display()));
    }
    match args.output.iter().find(|path| args.format.is_none() && Format::of_path(path).is_none()) {
        Some(path) => Err(format!(
            "--output {}: the ending names no format (use .json, .ndjson or .txt, or give --format)",
            path.display()
        )),
        None => Ok(()),
    }
}

fn start_log(args: &Scan, verbose: bool) {
    let level = match (args.quiet, args.verbose.max(u8::from(verbose))) {
        (true, _) => log::LevelFilter::Error,
        (false, 0) => log::LevelFilter::Warn,
        (false, 1) => log::LevelFilter::Info,
        (false, _) => log::LevelFilter::Debug,
    };
    // Only our own lines: libraries print headers and URLs, whatever RUST_LOG says.
    let _ = env_logger::Builder::new()
        .filter_module("hawkeye", level)
        .format(|out, record| {
            let text = record.args().to_string();
            writeln!(
                out,
                "hawkeye: {}: {}",
                record.level().as_str().to_lowercase(),
                crate::base::text::visible(&text)
            )
        })
        .try_init();
}

fn execute(args: &Scan, planned: Planned, cancel: &Cancel) -> Exit {
    let Planned { settings, targets, disabled, fleet } = planned;
    let info = RunInfo { id: run_id(), started: SystemTime::now(), planned: targets.len() };
    let mut outputs = match Outputs::open(args, &info, settings.concurrency, cancel) {
        Ok(outputs) => outputs,
        Err(why) => {
            say(&why);
            return Exit::Unwritten;
        }
    };
    let options = ScanOptions {
        wire: settings.wire,
        timeout: settings.timeout,
        max_duration: settings.max_duration,
        max_retries: settings.max_retries,
        concurrency: settings.concurrency,
        protocol_version: settings.protocol_version,
        claim: Claim::Whole { guard_program: SELF.into() },
    };
    let mut tally = Tally::default();
    let result = scan(targets, options, cancel, |heard| match heard {
        Heard::Quiet => outputs.tick(),
        Heard::Ended(at, outcome) => {
            outputs.outcome(at, &outcome);
        }
        // The report is out before the last server is.
        Heard::Complete(counted) => {
            tally = Tally { disabled, ..counted };
            outputs.end(cancel.is_tripped(), tally);
        }
    });
    drop(fleet);
    if let Err(e) = result {
        say(&e.to_string());
        return Exit::Usage;
    }
    verdict(&outputs, tally, args.allow_incomplete)
}

fn verdict(outputs: &Outputs<'_>, tally: Tally, allow_incomplete: bool) -> Exit {
    if outputs.failed {
        return Exit::Unwritten;
    }
    if let Some(code) = signal::caught() {
        return Exit::Signal(code);
    }
    if outputs.reader_left {
        return Exit::Complete;
    }
    let whole = tally.targets > 0 && tally.complete == tally.targets;
    if whole || (allow_incomplete && tally.targets > 0) { Exit::Complete } else { Exit::Incomplete }
}

fn run_id() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}

/// Every sink of a run, and the line of progress.
struct Outputs<'a> {
    sinks: Vec<(String, Option<Box<dyn Sink>>)>,
    live: Option<Live>,
    progress: Progress,
    planned: usize,
    /// Targets at a time.
    width: usize,
    cancel: &'a Cancel,
    failed: bool,
    reader_left: bool,
}

impl<'a> Outputs<'a> {
    fn open(args: &Scan, info: &RunInfo, width: usize, cancel: &'a Cancel) -> Result<Outputs<'a>, String> {
        let format = args.format.map(|word| match word {
            Word::Table => Format::Table,
            Word::Json => Format::Json,
            Word::Ndjson => Format::Ndjson,
        });
        let mut sinks = Vec::new();
        for path in &args.output {
            let format = format.or(Format::of_path(path)).unwrap_or(Format::Json);
            let sink = report::open_file(format, path, Style::default())
                .map_err(|e| format!("cannot write the report: {e}"))?;
            sinks.push((path.display().to_string(), Some(sink)));
        }
        // With --output stdout stays empty.
        if args.output.is_empty() {
            let style = style_of_stdout();
            let sink = report::open(format.unwrap_or(Format::Table), Box::new(io::stdout()), style);
            sinks.push(("stdout".to_owned(), Some(sink)));
        }
        let wants_live = io::stderr().is_terminal() && !args.no_progress && !args.quiet && info.planned > 1;
        let live = wants_live.then(|| Live::new(info.planned, coloured()));
        let mut outputs = Outputs {
            sinks,
            live,
            progress: Progress::default(),
            planned: info.planned,
            width,
            cancel,
            failed: false,
            reader_left: false,
        };
        outputs.each(|sink| sink.begin(info));
        Ok(outputs)
    }

    fn tick(&mut self) {
        // All workers are busy as long as there is enough to do.
        let left = self.planned - self.progress.done;
        self.progress.running = left.min(self.width);
        if let Some(live) = &mut self.live {
            live.tick(self.progress);
        }
    }

    fn outcome(&mut self, at: usize, outcome: &Outcome) {
        log::debug!("{}", told(outcome));
        self.each(|sink| sink.outcome(at, outcome));
        self.progress.done += 1;
        self.progress.failed += usize::from(outcome.status != Status::Complete);
        self.tick();
    }

    fn end(&mut self, interrupted: bool, tally: Tally) {
        self.live = None;
        let end = RunEnd { finished: SystemTime::now(), interrupted, tally };
        self.each(|sink| sink.end(&end));
    }

    /// Does `what` with every sink that still works. One that fails is closed; the others go on.
    fn each(&mut self, mut what: impl FnMut(&mut dyn Sink) -> io::Result<()>) {
        for (name, slot) in &mut self.sinks {
            let Some(sink) = slot else { continue };
            match what(sink.as_mut()) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::BrokenPipe && name == "stdout" => {
                    *slot = None;
                    self.reader_left = true;
                }
                Err(e) => {
                    *slot = None;
                    self.failed = true;
                    say(&format!("cannot write the report to {name}: {e}"));
                }
            }
        }
        // Nobody is left to read a report: no reason to go on starting servers.
        if self.sinks.iter().all(|(_, sink)| sink.is_none()) {
            self.cancel.trip();
        }
    }
}

/// One line on what became of a target, for `-vv`; the table tells it better, but only at the end.
fn told(outcome: &Outcome) -> String {
    let Outcome { name, status, attempts, timing, .. } = outcome;
    let via = outcome.transport.map_or("no transport", |t| t.name());
    let version = outcome.inventory.protocol.as_ref().map_or("no revision", |p| p.version.as_str());
    let ms = timing.total_ms;
    let why = outcome.failure.as_ref().map_or(String::new(), |f| format!("; {f}"));
    format!("{name}: {} over {via} in {version}, {ms} ms, attempts {attempts}{why}", status.name())
}

fn style_of_stdout() -> Style {
    let on_terminal = io::stdout().is_terminal();
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|n| env::var(n).ok().filter(|v| !v.is_empty()));
    Style {
        width: if on_terminal { terminal::width() } else { None },
        colour: on_terminal && coloured(),
        unicode: utf8.is_none_or(|l| l.to_ascii_uppercase().replace('-', "").contains("UTF8")),
    }
}

/// <https://no-color.org>: any non-empty value.
fn coloured() -> bool {
    env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && env::var_os("TERM").is_none_or(|t| t != "dumb")
}
