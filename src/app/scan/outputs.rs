//! Where results go: every sink of a run, and the line of progress.

use std::env;
use std::io::{self, ErrorKind, IsTerminal};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::app::say;
use crate::cli::args::{Format as Word, Scan};
use crate::model::outcome::{Outcome, Status};
use crate::model::run::{RunInfo, Tally};
use crate::report::live::{Live, Progress};
use crate::report::{self, Format, RunEnd, Sink, Style};
use crate::sys::cancel::Cancel;
use crate::sys::terminal;

/// A format that cannot be known is a usage error, before anything is run.
pub(super) fn check(args: &Scan) -> Result<(), String> {
    let repeated = args.output.iter().enumerate().find(|(i, path)| {
        let same = |other: &PathBuf| std::path::absolute(other).ok() == std::path::absolute(path).ok();
        args.output[..*i].iter().any(same)
    });
    if let Some((_, path)) = repeated {
        return Err(format!("--output {}: given twice", path.display()));
    }
    match args.output.iter().find(|path| args.format.is_none() && Format::of_path(path).is_none()) {
        Some(path) => Err(format!(
            "--output {}: the ending names no format (use .json, .ndjson, .prom or .txt, or give --format)",
            path.display()
        )),
        None => Ok(()),
    }
}

/// Every sink of a run, and the line of progress.
pub(super) struct Outputs<'a> {
    sinks: Vec<(String, Option<Box<dyn Sink>>)>,
    live: Option<Live>,
    progress: Progress,
    planned: usize,
    /// Targets at a time.
    width: usize,
    cancel: &'a Cancel,
    pub(super) failed: bool,
    pub(super) reader_left: bool,
}

impl<'a> Outputs<'a> {
    pub(super) fn open(
        args: &Scan,
        info: &RunInfo,
        width: usize,
        cancel: &'a Cancel,
    ) -> Result<Outputs<'a>, String> {
        let format = args.format.map(|word| match word {
            Word::Table => Format::Table,
            Word::Json => Format::Json,
            Word::Ndjson => Format::Ndjson,
            Word::Prometheus => Format::Prometheus,
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

    pub(super) fn tick(&mut self) {
        // All workers are busy as long as there is enough to do.
        let left = self.planned - self.progress.done;
        self.progress.running = left.min(self.width);
        if let Some(live) = &mut self.live {
            live.tick(self.progress);
        }
    }

    pub(super) fn outcome(&mut self, at: usize, outcome: &Outcome) {
        log::debug!("{}", told(outcome));
        self.each(|sink| sink.outcome(at, outcome));
        self.progress.done += 1;
        self.progress.failed += usize::from(outcome.status != Status::Complete);
        self.tick();
    }

    pub(super) fn end(&mut self, interrupted: bool, tally: Tally) {
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
