//! `hawkeye show`: a recorded run's report again, in any format.

use crate::analysis::options::Policy;
use crate::analysis::selection::rule_set;
use crate::cli::args::Show;
use crate::model::client::Client;
use crate::model::run::{RuleSet, RunInfo, Tally};
use crate::store::history::{Ended, Recorded};
use crate::sys::cancel::Cancel;

use super::exit::Exit;
use super::history::tally;
use super::run::outputs::{Outputs, Turn};
use super::run::plan::settle;
use super::say;
use super::sides::{Missing, Runs, recorded};

pub(super) fn run(args: &Show) -> Exit {
    match show(args) {
        Ok(exit) => exit,
        Err(missing) => missing.exit(),
    }
}

fn show(args: &Show) -> Result<Exit, Missing> {
    let scan = args.as_scan();
    let (planned, _) = settle(&scan).map_err(Missing::Usage)?;
    let runs = Runs::open(args.config.as_deref())?;
    let run = runs.run(&args.run)?;
    let cancel = match Cancel::new() {
        Ok(cancel) => cancel,
        Err(e) => {
            say(&format!("cannot start: {e}"));
            return Ok(Exit::Unwritten);
        }
    };
    let info = RunInfo {
        id: run.begun.id.clone(),
        started: run.begun.started,
        planned: run.targets,
        rules: rules(&run, &planned.settings.assessment),
        shard: recorded(&run.begun.rules, "shard"),
        missing: recorded(&run.begun.rules, "missing"),
    };
    let mut outputs = match Outputs::open(&scan, &info, planned.settings.stream, Turn::Only, &cancel) {
        Ok(outputs) => outputs,
        Err(why) => {
            say(&why);
            return Ok(Exit::Unwritten);
        }
    };
    let mut counted = Tally::default();
    let mut outcomes = 0;
    runs.each(&run, args.target.as_deref(), |place, outcome| {
        counted.add(&outcome);
        outcomes += 1;
        outputs.outcome(place, &outcome, &[], 1);
        !cancel.is_tripped()
    })?;
    if let (Some(label), 0) = (&args.target, outcomes) {
        let label = crate::base::text::quote(label, 60);
        return Err(Missing::Usage(format!("no server called {label} in that run")));
    }
    if args.target.is_none() {
        let clients = run.ended.as_ref().and_then(|e| serde_json::from_str::<Vec<Client>>(&e.clients).ok());
        for client in clients.unwrap_or_default() {
            counted.add_client(&client);
            outputs.client(&client);
        }
        counted.disabled = tally(&run).unwrap_or_default().disabled;
    }
    // A run that was killed was interrupted, though nobody wrote it down; what it had found is there.
    let (finished, interrupted) = match &run.ended {
        Some(Ended { finished, interrupted, .. }) => (*finished, *interrupted),
        None => (run.begun.started, true),
    };
    outputs.end(finished, interrupted, counted);
    Ok(if outputs.failed { Exit::Unwritten } else { Exit::Complete })
}

/// The rules that judged then; what they say to people is today's.
fn rules(run: &Recorded, policy: &Policy) -> RuleSet {
    let today = rule_set(policy);
    let Ok(then) = serde_json::from_str::<serde_json::Value>(&run.begun.rules) else { return today };
    let text = |key: &str| then.get(key)?.as_str().map(str::to_owned);
    RuleSet {
        version: text("version").map_or(today.version, Into::into),
        sha256: text("sha256").unwrap_or(today.sha256),
        count: then.get("count").and_then(|n| n.as_u64()).map_or(today.count, |n| n as usize),
        not_assessed: recorded::<Vec<String>>(&run.begun.rules, "not_assessed")
            .map_or(today.not_assessed, |lines| lines.into_iter().map(Into::into).collect()),
        ..today
    }
}
