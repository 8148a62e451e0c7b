//! `hawkeye merge`: several reports become one, as if one run had found everything.
//!
//! The reports are read twice: for which result of each server counts and what is missing, then for the results,
//! one after the other. Nothing of them is kept in between, so that formats that keep nothing need memory for what
//! is said of servers together only.
//!
//! Invariant: no server is asked, and no outcome is judged anew.

mod census;
mod together;

use std::collections::HashSet;
use std::io;
use std::time::SystemTime;

use crate::base::text::{are, plural, quote, visible};
use crate::cli::args::Merge;
use crate::config::Settings;
use crate::model::outcome::Outcome;
use crate::model::run::RunInfo;
use crate::saved::Unusable;
use crate::saved::stream::{MOST_TARGETS, Part, Report};
use crate::sys::cancel::Cancel;
use crate::sys::signal;

use super::exit::Exit;
use super::run::database::Databases;
use super::run::outputs::Turn;
use super::run::past::{Past, Recording};
use super::run::plan::{none_left, settle};
use super::run::telling::Telling;
use super::say;
use census::{Census, Places, Source, TooMany};
use together::Told;

/// Reports that are told of in one line each.
const MOST_LINES: usize = 20;

/// Why there is no merged report.
enum Stop {
    Usage(Vec<String>),
    Unwritten(String),
    Interrupted,
}

pub(super) fn run(args: &Merge) -> Exit {
    match merge(args) {
        Ok(exit) => exit,
        Err(Stop::Usage(lines)) => {
            lines.iter().for_each(|line| say(line));
            Exit::Usage
        }
        Err(Stop::Unwritten(why)) => {
            say(&why);
            Exit::Unwritten
        }
        Err(Stop::Interrupted) => Exit::Signal(signal::caught().unwrap_or(130)),
    }
}

/// What the first reading of all reports has found.
struct Looked {
    told: Vec<Told>,
    places: Places,
    doubled: usize,
    began: Option<SystemTime>,
    finished: Option<SystemTime>,
}

fn merge(args: &Merge) -> Result<Exit, Stop> {
    let usage = |why: String| Stop::Usage(vec![why]);
    let cancel = Cancel::new().map_err(|e| Stop::Unwritten(format!("cannot start: {e}")))?;
    let scan = args.as_scan();
    let (mut planned, _) = settle(&scan).map_err(usage)?;
    none_left(&planned.settings.assessment).map_err(usage)?;
    if let Some(left_out) = planned.unjudged() {
        log::warn!("{left_out}");
    }
    signal::trip_on_signals(&cancel);
    let reports = open(args)?;
    let mut past = past(&planned.settings, reports.len(), &cancel);
    let mut here = HashSet::new();
    let looked = look(&reports, &cancel, &mut |outcome| {
        here.extend(past.as_ref().and_then(|past| past.identity_of(outcome)));
    })?;
    if let Some(why) = together::conflict(&looked.told) {
        return Err(usage(visible(&why).into_owned()));
    }
    planned.disabled = together::disabled(&looked.told);
    let ours = planned.info();
    let rules_here = ours.rules.sha256.clone();
    let info = info_of(ours, &looked);
    warn(args, &info, &looked, rules_here != info.rules.sha256);

    let mut telling = Telling::open(&scan, &planned, &info, Turn::Only, &cancel).map_err(Stop::Unwritten)?;
    if let Some(past) = &mut past {
        past.begin_with(&info, here.into_iter().collect(), Recording::Always);
    }
    telling.review.past = past.as_mut();
    let Second { changed, compared } = tell(&reports, &looked.places, &mut telling, &cancel);
    if changed {
        return Err(Stop::Unwritten("a report has changed while it was read: merge again".to_owned()));
    }
    let interrupted = cancel.is_tripped() || looked.told.iter().any(|told| told.interrupted);
    telling.end(looked.finished.unwrap_or_else(SystemTime::now), interrupted);
    let ended = telling.close();

    let fail_on = &planned.settings.gate.fail_on;
    let off = || Some("the history is off, and no report was compared with one".to_owned());
    let gated = fail_on.drift && !compared;
    let unseen = if gated { past.map_or_else(off, |past| past.lost()) } else { None };
    let exit = ended.exit(&scan, fail_on, unseen);
    if args.quiet && exit != Exit::Complete {
        info.missing.iter().for_each(|missing| say(&format!("missing: {missing}")));
    }
    ended.explain(exit, &scan, fail_on);
    Ok(exit)
}

/// Every report is there, before anything is made of one.
fn open(args: &Merge) -> Result<Vec<Report>, Stop> {
    let mut reports = Vec::new();
    for path in &args.reports {
        match Report::open(path, &mut io::stdin().lock()) {
            Ok(report) => reports.push(report),
            Err(why) => return Err(Stop::Usage(vec![why.to_string()])),
        }
    }
    Ok(reports)
}

fn past(settings: &Settings, reports: usize, cancel: &Cancel) -> Option<Past> {
    if !settings.history.enabled {
        return None;
    }
    let history = Databases::open(settings, cancel).history;
    let what = format!("merged: {}", plural(reports, "report"));
    Past::new(history, None, settings.history, settings.assessment.clone(), what)
}

/// Reads all `reports` once.
fn look(reports: &[Report], cancel: &Cancel, each: &mut dyn FnMut(&Outcome)) -> Result<Looked, Stop> {
    let mut census = Census::default();
    let (mut all, mut began, mut finished) = (Vec::new(), None, None);
    for (number, report) in reports.iter().enumerate() {
        let mut told = Told { name: report.name.clone(), ..Told::default() };
        census.report(number);
        let mut too_many = false;
        let mut run_began = None;
        let read = report.tell(&mut |part| {
            match part {
                Part::Run(head) => {
                    census.round();
                    told.rounds += 1;
                    told.ended = false;
                    run_began = head.started;
                    began = earlier(began, head.started);
                    (told.shard, told.rules, told.planned) = (head.shard, head.rules, head.planned);
                    told.lacking = head.lacking;
                }
                Part::Target(place, outcome) => {
                    let listed = told.shard.is_some();
                    match census.see(&outcome, &Source { place, listed, began: run_began }) {
                        Ok(None) => {}
                        Ok(Some(loser)) => {
                            let loser = reports.get(loser).map_or("", |report| &report.name);
                            let name = quote(&outcome.name, 60);
                            log::info!("{name} stands in several reports; not taken: that of {loser}");
                        }
                        Err(TooMany) => too_many = true,
                    }
                    each(&outcome);
                }
                Part::End(end) => {
                    census.gone(&end.gone);
                    told.ended = true;
                    told.interrupted = end.interrupted;
                    told.disabled = end.disabled;
                    finished = finished.max(end.finished);
                }
            }
            !too_many && !cancel.is_tripped()
        });
        if cancel.is_tripped() {
            return Err(Stop::Interrupted);
        }
        if too_many {
            return Err(Stop::Usage(vec![format!("more than {MOST_TARGETS} servers: merge fewer reports")]));
        }
        told.targets = census.told();
        told.unusable = read.err().map(|why: Unusable| why.to_string());
        all.push(told);
    }
    let unusable: Vec<String> = all.iter().filter_map(|told: &Told| told.unusable.clone()).collect();
    if unusable.len() == all.len() {
        return Err(Stop::Usage(unusable));
    }
    let doubled = census.doubled;
    let places = census.places(&all.iter().map(|told| told.targets).collect::<Vec<_>>());
    Ok(Looked { told: all, places, doubled, began, finished })
}

fn earlier(one: Option<SystemTime>, other: Option<SystemTime>) -> Option<SystemTime> {
    one.into_iter().chain(other).min()
}

/// The run that all reports are together.
fn info_of(ours: RunInfo, looked: &Looked) -> RunInfo {
    let missing = together::missing(&looked.told, looked.places.listed);
    let mut info = RunInfo {
        started: looked.began.unwrap_or(ours.started),
        planned: looked.places.count + missing.as_ref().map_or(0, |missing| missing.targets),
        rules: together::rules(&looked.told, ours.rules),
        ..ours
    };
    if let Some(missing) = missing {
        info.set_missing(missing);
    }
    info
}

/// Says what somebody should know who reads only the report's numbers.
fn warn(args: &Merge, info: &RunInfo, looked: &Looked, other_rules: bool) {
    let mut lines: Vec<String> = Vec::new();
    for told in &looked.told {
        match &told.unusable {
            Some(why) => lines.push(why.clone()),
            None if !told.ended => {
                let planned = told.planned.filter(|_| told.rounds == 1);
                let of = planned.map_or(String::new(), |planned| format!(" of {planned}"));
                lines.push(format!("{} is cut off: it holds {}{of} servers", told.name, told.targets));
            }
            None if told.interrupted => lines.push(format!("{}: the run was interrupted", told.name)),
            None => {}
        }
    }
    lines.iter().take(MOST_LINES).for_each(|line| say(&visible(line)));
    if lines.len() > MOST_LINES {
        say(&format!("the same of {} more", plural(lines.len() - MOST_LINES, "report")));
    }
    if let (Some(missing), false) = (&info.missing, args.quiet) {
        say(&format!("missing: {missing}"));
    }
    if looked.doubled > 0 && !args.quiet {
        let results = plural(looked.doubled, "result");
        let are = are(looked.doubled);
        say(&format!(
            "{results} {are} not taken: the same server stands in another report, complete or later (-v names them)"
        ));
    }
    if other_rules {
        log::warn!(
            "the reports were judged by rules other than those in force here: servers are seen together by the latter"
        );
    }
}

/// What the second reading has found.
struct Second {
    /// The reports are other ones than before.
    changed: bool,
    /// Some server was compared with earlier, here or where it was asked.
    compared: bool,
}

/// Reads all `reports` again, and tells of the results that count.
fn tell(reports: &[Report], places: &Places, telling: &mut Telling<'_>, cancel: &Cancel) -> Second {
    let (mut told, mut compared) = (0, false);
    for (number, report) in reports.iter().enumerate() {
        let mut target = 0;
        let read = report.tell(&mut |part| {
            if let Part::Target(_, mut outcome) = part {
                if let Some(place) = places.of(number, target) {
                    told += 1;
                    telling.review.judged(&mut outcome);
                    compared |= outcome.drift.is_some();
                    telling.outcome(place, &outcome, &[], 1);
                }
                target += 1;
            }
            !cancel.is_tripped()
        });
        // What was of no use the first time has been said.
        drop(read);
        if cancel.is_tripped() {
            break;
        }
    }
    Second { changed: told != places.count && !cancel.is_tripped(), compared }
}
