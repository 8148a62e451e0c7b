//! Where results go: every sink of a run, and the line of progress.

use std::env;
use std::io::{self, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::app::say;
use crate::cli::args::{Format as Word, Scan};
use crate::model::changes::Change;
use crate::model::client::Client;
use crate::model::outcome::{Outcome, Status};
use crate::model::run::{RunInfo, Tally};
use crate::report::live::{Live, Progress};
use crate::report::{self, Format, RunEnd, Sink, Style};
use crate::sys::cancel::Cancel;
use crate::sys::terminal;

/// A format that cannot be known is a usage error, before anything is run.
pub(super) fn check(args: &Scan) -> Result<(), String> {
    args.output.iter().try_for_each(|path| check_file(path))?;
    let repeated = args.output.iter().enumerate().find(|(i, path)| {
        let same = |other: &PathBuf| std::path::absolute(other).ok() == std::path::absolute(path).ok();
        args.output[..*i].iter().any(same)
    });
    if let Some((_, path)) = repeated {
        return Err(format!("--output {}: given twice", path.display()));
    }
    match args.output.iter().find(|path| args.format.is_none() && Format::of_path(path).is_none()) {
        Some(path) => Err(format!(
            "--output {}: the ending names no format (use {}, or give --format)",
            path.display(),
            report::ENDINGS
        )),
        None => Ok(()),
    }
}

/// Who writes `-` means standard output, not a file of this name, nor what standard input was read from.
pub(in crate::app) fn check_file(path: &Path) -> Result<(), String> {
    if path.as_os_str() == "-" || path.as_os_str() == "/dev/stdin" {
        return Err("--output -: must be a file (without --output the report goes to standard output)".into());
    }
    Ok(())
}

/// Which of several scans this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Turn {
    /// There is one.
    Only,
    /// The first that is watched: told in full.
    First,
    /// Stdout hears of changes only; files hold everything.
    Later,
    /// The same, and nobody reads stdout.
    Unread,
}

impl Turn {
    /// Whether there was none before.
    pub(in crate::app) fn is_first(self) -> bool {
        matches!(self, Turn::Only | Turn::First)
    }
}

/// A place where results go.
struct Slot {
    name: String,
    sink: Option<Box<dyn Sink>>,
    /// Hears only of what is different from the round before.
    changes: bool,
}

/// Every sink of a run, and the line of progress.
pub(in crate::app) struct Outputs<'a> {
    sinks: Vec<Slot>,
    turn: Turn,
    live: Option<Live>,
    progress: Progress,
    planned: usize,
    cancel: &'a Cancel,
    pub(in crate::app) failed: bool,
    pub(in crate::app) reader_left: bool,
}

impl<'a> Outputs<'a> {
    pub(in crate::app) fn open(
        args: &Scan,
        info: &RunInfo,
        stream: Option<usize>,
        turn: Turn,
        cancel: &'a Cancel,
    ) -> Result<Outputs<'a>, String> {
        let format = args.format.map(|word| match word {
            Word::Table => Format::Table,
            Word::Json => Format::Json,
            Word::Ndjson => Format::Ndjson,
            Word::Sarif => Format::Sarif,
            Word::Markdown => Format::Markdown,
            Word::Csv => Format::Csv,
            Word::Junit => Format::Junit,
            Word::Prometheus => Format::Prometheus,
            Word::Html => Format::Html,
        });
        let mut sinks = Vec::new();
        for path in &args.output {
            let format = format.or(Format::of_path(path)).unwrap_or(Format::Json);
            let sink = report::open_file(format, path, Style { stream, ..Style::default() })
                .map_err(|e| format!("cannot write the report: {e}"))?;
            sinks.push(Slot { name: path.display().to_string(), sink: Some(sink), changes: false });
        }
        if let Some((sink, changes)) = to_stdout(args, format, stream, turn) {
            sinks.push(Slot { name: "stdout".to_owned(), sink: Some(sink), changes });
        }
        let wants_live = io::stderr().is_terminal()
            && turn.is_first()
            && !args.no_progress
            && !args.quiet
            && info.planned > 1;
        let live = wants_live.then(|| Live::new(info.planned, coloured()));
        let mut outputs = Outputs {
            sinks,
            turn,
            live,
            progress: Progress::default(),
            planned: info.planned,
            cancel,
            failed: false,
            reader_left: false,
        };
        outputs.each(|sink| sink.begin(info));
        Ok(outputs)
    }

    /// Nothing came for a while; `width` targets are worked on at a time.
    pub(super) fn quiet(&mut self, width: usize) {
        self.each(|sink| sink.quiet());
        self.tick(width);
    }

    fn tick(&mut self, width: usize) {
        // All workers are busy as long as there is enough to do.
        let left = self.planned - self.progress.done;
        self.progress.running = left.min(width);
        if let Some(live) = &mut self.live {
            live.tick(self.progress);
        }
    }

    /// The target at `at` of the plan is done; `changes` says what is different from the round before.
    pub(in crate::app) fn outcome(&mut self, at: usize, outcome: &Outcome, changes: &[Change], width: usize) {
        log::debug!("{}", told(outcome));
        self.each_slot(|sink, only_changes| match (only_changes, changes) {
            (false, _) => sink.outcome(at, outcome),
            (true, []) => Ok(()),
            (true, changes) => sink.changed(at, outcome, changes),
        });
        self.progress.done += 1;
        self.progress.failed += usize::from(outcome.status != Status::Complete);
        self.tick(width);
    }

    /// A target of the round before is none any more.
    pub(super) fn gone(&mut self, name: &str) {
        self.each_slot(|sink, only_changes| if only_changes { sink.gone(name) } else { Ok(()) });
    }

    /// What there is to be said of the servers of one client together.
    pub(in crate::app) fn client(&mut self, client: &Client) {
        self.each_slot(|sink, only_changes| if only_changes { Ok(()) } else { sink.client(client) });
    }

    /// The run is over since `finished`.
    pub(in crate::app) fn end(&mut self, finished: SystemTime, interrupted: bool, tally: Tally) {
        self.live = None;
        let end = RunEnd { finished, interrupted, tally };
        self.each(|sink| sink.end(&end));
    }

    /// Does `what` with every sink that still works. One that fails is closed; the others go on.
    fn each(&mut self, mut what: impl FnMut(&mut dyn Sink) -> io::Result<()>) {
        self.each_slot(|sink, _| what(sink));
    }

    fn each_slot(&mut self, mut what: impl FnMut(&mut dyn Sink, bool) -> io::Result<()>) {
        for Slot { name, sink: slot, changes } in &mut self.sinks {
            let Some(sink) = slot else { continue };
            match what(sink.as_mut(), *changes) {
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
        // Nobody is left to read a report: no reason to go on starting servers. A disk that is full may be less
        // so in the next round.
        let for_good = self.turn == Turn::Only || self.reader_left;
        if for_good && self.sinks.iter().all(|slot| slot.sink.is_none()) {
            self.cancel.trip();
        }
    }
}

/// What stdout is told, and whether of changes only. With --output it stays empty, unless there are rounds.
fn to_stdout(
    args: &Scan,
    format: Option<Format>,
    stream: Option<usize>,
    turn: Turn,
) -> Option<(Box<dyn Sink>, bool)> {
    let wanted = match turn {
        Turn::Only => args.output.is_empty(),
        Turn::First | Turn::Later => args.output.is_empty() || !args.quiet,
        Turn::Unread => false,
    };
    let later = turn == Turn::Later;
    let format = match (turn, format) {
        (Turn::Only, format) => format.unwrap_or(Format::Table),
        (_, Some(Format::Ndjson)) => Format::Ndjson,
        // The format is that of the files.
        (_, _) => Format::Table,
    };
    let out = Box::new(io::stdout());
    wanted.then(|| match (later, format) {
        (true, Format::Table) => (report::open_changes(out), true),
        (later, format) => (report::open(format, out, Style { stream, ..style_of_stdout() }), later),
    })
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

pub(in crate::app) fn style_of_stdout() -> Style {
    let on_terminal = io::stdout().is_terminal();
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|n| env::var(n).ok().filter(|v| !v.is_empty()));
    Style {
        width: if on_terminal { terminal::width() } else { None },
        colour: on_terminal && coloured(),
        unicode: utf8.is_none_or(|l| l.to_ascii_uppercase().replace('-', "").contains("UTF8")),
        stream: None,
    }
}

/// <https://no-color.org>: any non-empty value.
pub(in crate::app) fn coloured() -> bool {
    env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && env::var_os("TERM").is_none_or(|t| t != "dumb")
}
