//! `hawkeye history`: the runs that are recorded.

use std::time::SystemTime;

use serde::Serialize;

use crate::base::columns::lay_out;
use crate::base::text::{plural, quote};
use crate::base::time::{rfc3339, short_span};
use crate::cli::args::{History, Shown};
use crate::model::run::Tally;
use crate::report::json_line;
use crate::store::history::{self, Recorded};

use super::exit::Exit;
use super::print;
use super::sides::{Missing, Runs};

/// Runs listed where nobody says how many.
const LIMIT: usize = 20;
/// Digits of an id that people need.
const SHORT: usize = 12;

pub(super) fn run(args: &History) -> Exit {
    match answer(args) {
        Ok(text) => print(&text),
        Err(missing) => missing.exit(),
    }
}

fn answer(args: &History) -> Result<String, Missing> {
    let mut runs = Runs::open(args.config.as_deref())?;
    if args.clear {
        let gone = runs.store.as_mut().map(history::clear).transpose()?.unwrap_or(0);
        return Ok(format!("{} forgotten\n", plural(gone, "run")));
    }
    let limit = args.limit.unwrap_or(LIMIT);
    let rows = runs.store.as_ref().map(|store| history::runs(store, limit, args.target.as_deref()));
    let rows = rows.transpose()?.unwrap_or_default();
    Ok(match args.format.unwrap_or(Shown::Table) {
        Shown::Json => json_line(&rows.iter().map(Listed::of).collect::<Vec<_>>()),
        Shown::Table => table(&rows),
    })
}

/// A run for programs.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    started_at: String,
    finished_at: Option<String>,
    interrupted: bool,
    what: &'a str,
    recorded: usize,
    changed: usize,
    rules: serde_json::Value,
    summary: Option<Tally>,
}

impl<'a> Listed<'a> {
    fn of(run: &'a Recorded) -> Listed<'a> {
        let Recorded { begun, ended, targets, changed, .. } = run;
        let mut rules: serde_json::Value = serde_json::from_str(&begun.rules).unwrap_or_default();
        // The same in every run, and long.
        rules.as_object_mut().and_then(|rules| rules.remove("not_assessed"));
        Listed {
            id: &begun.id,
            started_at: rfc3339(begun.started),
            finished_at: ended.as_ref().map(|e| rfc3339(e.finished)),
            interrupted: ended.as_ref().is_none_or(|e| e.interrupted),
            what: &begun.what,
            recorded: *targets,
            changed: *changed,
            rules,
            summary: tally(run),
        }
    }
}

/// The report's summary of a run that ended.
pub(super) fn tally(run: &Recorded) -> Option<Tally> {
    serde_json::from_str(&run.ended.as_ref()?.tally).ok()
}

fn table(rows: &[Recorded]) -> String {
    if rows.is_empty() {
        return "no run is recorded\n".to_owned();
    }
    let now = SystemTime::now();
    let heads = ["run", "started", "age", "servers", "incomplete", "findings", "changed", "of"];
    let mut lines = vec![heads.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(|run| {
        let counted = tally(run);
        let tally = counted.unwrap_or_default();
        let age = now.duration_since(run.begun.started).unwrap_or_default().as_secs();
        let findings: Vec<String> =
            tally.findings.found().take(2).map(|(severity, count)| format!("{count} {severity}")).collect();
        let known = |text: String| if counted.is_some() { text } else { "?".to_owned() };
        let ended = match &run.ended {
            None => " (not ended)",
            Some(ended) if ended.interrupted => " (interrupted)",
            Some(_) => "",
        };
        vec![
            run.begun.id.get(..SHORT).unwrap_or(&run.begun.id).to_owned(),
            rfc3339(run.begun.started).get(..19).unwrap_or_default().replace('T', " "),
            short_span(age),
            run.targets.to_string(),
            known((tally.targets - tally.complete.min(tally.targets)).to_string()),
            known(if findings.is_empty() { "-".to_owned() } else { findings.join(", ") }),
            if run.changed == 0 { "-".to_owned() } else { run.changed.to_string() },
            quote(&run.begun.what, 80) + ended,
        ]
    }));
    lay_out(&lines, &[])
}
