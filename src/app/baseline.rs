//! `hawkeye baseline`: accepting servers as they are, and asking whether they still are.

use std::collections::HashSet;

use crate::base::text::{few, plural, quote};
use crate::cli::args::{Baseline as Args, BaselineAccept, BaselineCheck, BaselineCommand, Told};
use crate::model::outcome::Outcome;
use crate::model::same::{self, Tie};

use super::accepted::{self, Baseline, acceptable};
use super::compared::compare;
use super::diff;
use super::exit::Exit;
use super::sides::{Missing, Runs, Side};
use super::{print, say};

/// Names in one line.
const MOST_NAMES: usize = 10;

pub(super) fn run(args: &Args) -> Exit {
    let done = match &args.command {
        BaselineCommand::Accept(args) => accept(args),
        BaselineCommand::Check(args) => check(args),
    };
    done.unwrap_or_else(|missing| missing.exit())
}

fn accept(args: &BaselineAccept) -> Result<Exit, Missing> {
    let Side { mut outcomes, whole, .. } = Runs::open(args.config.as_deref())?.side(&args.side, None)?;
    if args.prune && !whole {
        return Err(Missing::Usage(
            "--prune needs a run that came to its end, or nobody knows which servers are gone (hawkeye history)"
                .to_owned(),
        ));
    }
    // All that are in the run, whichever of them are to be accepted.
    let there: HashSet<String> = outcomes.iter().map(|outcome| outcome.name.clone()).collect();
    if let Some(stranger) = args.target.iter().find(|name| outcomes.iter().all(|o| o.name != **name)) {
        return Err(Missing::Usage(format!("no server called {} in that run", quote(stranger, 60))));
    }
    outcomes.retain(|outcome| args.target.is_empty() || args.target.contains(&outcome.name));
    if let Some(twice) = repeated(&outcomes) {
        let name = quote(twice, 60);
        return Err(Missing::Usage(format!(
            "two servers are called {name}: in a baseline each needs a name of its own"
        )));
    }
    let mut servers = match args.baseline.exists() {
        true => Baseline::read(&args.baseline).map_err(Missing::Usage)?.into_servers(),
        false => Vec::new(),
    };
    let (mut new, mut renewed, mut renamed, mut refused) = (0, 0, 0, Vec::new());
    for outcome in outcomes {
        if !acceptable(&outcome) {
            refused.push(outcome.name);
            continue;
        }
        let taken = |name: &str| there.contains(name);
        match same::find(&servers, &outcome.name, &outcome.endpoint, taken) {
            Some((at, tie)) => {
                renewed += 1;
                renamed += usize::from(tie == Tie::Renamed);
                servers[at] = outcome;
            }
            None => {
                new += 1;
                servers.push(outcome);
            }
        }
    }
    let before = servers.len();
    servers.retain(|server| !args.prune || there.contains(&server.name));
    let gone = before - servers.len();
    if servers.is_empty() {
        let why = match refused.is_empty() {
            true => "that run has no servers",
            false => "none of its servers is complete",
        };
        return Err(Missing::Usage(format!("nothing to accept: {why}")));
    }
    let all = servers.len();
    if let Err(e) = accepted::write(&args.baseline, servers) {
        say(&format!("cannot write the baseline: {e}"));
        return Ok(Exit::Unwritten);
    }
    let some = |n: usize, what: &str| if n == 0 { String::new() } else { format!(", {n} {what}") };
    let (renamed, dropped) = (some(renamed, "renamed"), some(gone, "dropped"));
    if !refused.is_empty() {
        let names = few(refused.iter().map(|name| quote(name, 60)), MOST_NAMES);
        let count = plural(refused.len(), "server");
        say(&format!("{count} not accepted, because not complete: {names}"));
    }
    let file = args.baseline.display();
    print(&format!(
        "{file}: {} ({new} new, {renewed} as they are now{renamed}{dropped})\n",
        plural(all, "server")
    ));
    Ok(if refused.is_empty() { Exit::Complete } else { Exit::Incomplete })
}

fn check(args: &BaselineCheck) -> Result<Exit, Missing> {
    let runs = Runs::open(args.config.as_deref())?;
    let file = args.baseline.to_string_lossy();
    // Read as what it is, so that a file that is none is told from one that is.
    drop(Baseline::read(&args.baseline).map_err(Missing::Usage)?);
    let mut before = runs.side(&file, None)?;
    before.origin.at = None;
    let compared = compare(before, runs.side(&args.side, None)?);
    let told = diff::tell(&compared, args.format.unwrap_or(Told::Table), None);
    Ok(diff::gate(told, &compared.summary))
}

/// A name that two servers have.
fn repeated(outcomes: &[Outcome]) -> Option<&str> {
    let mut names: Vec<&str> = outcomes.iter().map(|o| o.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}
