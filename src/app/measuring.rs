//! What diagnose, bench and load-test have in common: finding their one target, and bringing out their report.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::base::text::{few, nearest, quote, visible};
use crate::cli::args::{Scan, Shown};
use crate::config;
use crate::model::target::Target;
use crate::report::{self, output};
use crate::sys::cancel::Cancel;
use crate::sys::signal;

use super::exit::Exit;
use super::run::plan::{Held, Planned, plan};
use super::say;

/// What is needed to measure one target.
pub(super) struct One {
    pub(super) target: Target,
    pub(super) settings: config::Settings,
    pub(super) shown: Vec<config::Shown>,
}

/// The one target that `scan` and `target`, which may be a name among the rest, mean.
pub(super) fn one(scan: &Scan, target: Option<&str>, process: &[String]) -> Result<One, String> {
    let Planned { settings, mut targets, shown, .. } = plan(scan, process, &mut Held::default())?;
    if let Some(name) = target.filter(|t| !t.contains("://")) {
        let known: Vec<String> = targets.iter().map(|t| t.name.clone()).collect();
        targets.retain(|t| t.name == name);
        if targets.is_empty() {
            return Err(unknown(name, &known));
        }
    }
    match targets.len() {
        1 => Ok(One { target: targets.remove(0), settings, shown }),
        n => Err(format!("{} is the name of {n} servers: give a file in which it is the name of one", {
            quote(target.unwrap_or("the target"), 80)
        })),
    }
}

fn unknown(name: &str, known: &[String]) -> String {
    let shown = quote(name, 80);
    if known.is_empty() {
        return format!(
            "target {shown}: no URL, and there is no file of servers to look it up in (--targets FILE)"
        );
    }
    let meant = nearest(name, known.iter().map(String::as_str));
    match meant {
        Some(meant) => format!("no server is called {shown} (did you mean {}?)", visible(meant)),
        None => {
            let some = few(known.iter().map(|n| quote(n, 40)), 10);
            format!("no server is called {shown}; there are {some}")
        }
    }
}

/// The current value of a setting and who said so, as people read it.
pub(super) fn now(shown: &[config::Shown], path: &str) -> String {
    let Some(setting) = shown.iter().find(|s| s.path == path) else { return String::new() };
    let unit = if path.contains("timeout") { " s" } else { "" };
    match &setting.origin {
        config::Origin::Default => format!("{}{unit}, the default", setting.value),
        origin => format!("{}{unit}, from {origin}", setting.value),
    }
}

/// Whether the setting at `path` is `true`.
pub(super) fn is_on(shown: &[config::Shown], path: &str) -> bool {
    shown.iter().any(|s| s.path == path && s.value == "true")
}

/// The switch that signals trip.
pub(super) fn switch() -> Result<Cancel, Exit> {
    let cancel = Cancel::new().map_err(|e| {
        say(&format!("cannot start: {e}"));
        Exit::Unwritten
    })?;
    signal::trip_on_signals(&cancel);
    Ok(cancel)
}

/// A file that cannot be written is known before anything is measured.
pub(super) fn check_output(output: Option<&Path>) -> Result<(), Exit> {
    let Some(path) = output else { return Ok(()) };
    // Dropped again: nothing is left of it.
    match path.exists() && !path.is_file() {
        true => Ok(()),
        false => output::create(path).map(drop).map_err(|e| unwritten(&e)),
    }
}

fn unwritten(e: &io::Error) -> Exit {
    say(&format!("cannot write the report: {e}"));
    Exit::Unwritten
}

/// Brings out `report`, as JSON or as `text`; `Err` if that failed.
pub(super) fn deliver(
    report: &impl Serialize,
    text: impl FnOnce() -> String,
    format: Option<Shown>,
    output: Option<&Path>,
) -> Result<(), Exit> {
    let json_file = || output.and_then(|p| p.extension()).is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let json = format.map_or_else(json_file, |f| f == Shown::Json);
    let mut bytes = Vec::new();
    if json {
        report::write_json(&mut bytes, report).map_err(|e| unwritten(&e))?;
        bytes.push(b'\n');
    } else {
        // Each line on its own: a line end inside a value is none of ours, and was spelled out long before.
        text().lines().for_each(|line| bytes.extend_from_slice(format!("{}\n", visible(line)).as_bytes()));
    }
    let written = match output {
        Some(path) => output::create(path).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.commit()
        }),
        None => {
            let mut out = io::stdout().lock();
            match out.write_all(&bytes).and_then(|()| out.flush()) {
                Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other,
            }
        }
    };
    written.map_err(|e| unwritten(&e))
}

/// Whether progress is welcome.
pub(super) fn wants_progress(no_progress: bool, quiet: bool) -> bool {
    io::stderr().is_terminal() && !no_progress && !quiet
}

/// Seconds since 1970.
pub(super) fn epoch() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}
