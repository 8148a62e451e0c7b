//! Runs and files by the words people use for them.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::base::text::quote;
use crate::base::time::rfc3339;
use crate::config::{Environment, Overrides, resolve};
use crate::model::comparison::Origin;
use crate::model::outcome::Outcome;
use crate::saved;
use crate::store::history::{self, Recorded};
use crate::store::options::CacheOptions;
use crate::store::{Opened, Store, StoreError, moved, record};
use crate::sys::cancel::Cancel;
use crate::sys::signal;

use super::exit::Exit;
use super::say;

/// Hexadecimal digits that are taken for the beginning of a run's id.
const SHORTEST_ID: usize = 4;

/// Why there is nothing to show.
pub(super) enum Missing {
    /// What was typed: exit 2.
    Usage(String),
    /// The database: exit 4.
    Store(StoreError),
}

impl From<StoreError> for Missing {
    fn from(e: StoreError) -> Missing {
        Missing::Store(e)
    }
}

impl Missing {
    /// Says so.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Missing::Usage(why) => {
                say(why);
                Exit::Usage
            }
            Missing::Store(e) => {
                let remedy =
                    if matches!(e, StoreError::Damaged) { " (the next scan begins a new one)" } else { "" };
                say(&format!("history: {e}{remedy}"));
                Exit::Unwritten
            }
        }
    }
}

/// The database of runs, if there is one; looking at it does not make one.
pub(super) struct Runs {
    pub(super) store: Option<Store>,
    file: String,
}

/// One side of a comparison.
pub(super) struct Side {
    pub(super) origin: Origin,
    pub(super) outcomes: Vec<Outcome>,
    /// Whether a server that is not among them was none of its targets: not so where the run was killed or about a
    /// part of a list, or only what is the last known of some servers is left of it.
    pub(super) whole: bool,
}

impl Runs {
    /// The database that the settings name.
    pub(super) fn open(config: Option<&Path>) -> Result<Runs, Missing> {
        let flags = Overrides { config: config.map(Path::to_owned), ..Overrides::default() };
        let resolved = Environment::of_process().and_then(|environment| resolve(&flags, &environment));
        let CacheOptions { file, .. } = resolved.map_err(|e| Missing::Usage(e.to_string()))?.settings.cache;
        let cancel = Cancel::new().map_err(|e| StoreError::File("/proc/self/fd".into(), e))?;
        signal::trip_on_signals(&cancel);
        let opened = match Store::open_existing(&file, &cancel) {
            // Whoever has no home has no history; a file may still be compared with another one.
            Err(StoreError::NoHome) => None,
            opened => opened?,
        };
        let store = opened.map(|Opened { store, aside }| {
            if let Some(aside) = aside {
                say(&moved(&file, &aside));
            }
            store
        });
        Ok(Runs { store, file: file.display().to_string() })
    }

    /// The run that `word` means.
    pub(super) fn run(&self, word: &str) -> Result<Recorded, Missing> {
        let usage = |why: String| Missing::Usage(why);
        // As it was typed: -2 comes as @-2, since it would pass for an option.
        let shown = quote(word.strip_prefix('@').filter(|word| word.starts_with('-')).unwrap_or(word), 60);
        let Some(store) = &self.store else {
            return Err(usage(format!("there is no history in {} yet: hawkeye scan records it", self.file)));
        };
        if let Some(back) = position(word) {
            let runs = history::runs(store, back, None)?;
            let there = runs.len();
            return runs.into_iter().nth(back - 1).ok_or_else(|| match there {
                0 => usage("no run is recorded: hawkeye scan records it".to_owned()),
                n => usage(format!("no run {shown}: {n} recorded (hawkeye history)")),
            });
        }
        if !is_id(word) {
            return Err(usage(format!(
                "no file and no run {shown} (a run is latest, -2, or at least {SHORTEST_ID} digits of its id: \
                 hawkeye history)"
            )));
        }
        let mut found = history::runs_called(store, &word.to_ascii_lowercase())?;
        match (found.pop(), found.pop()) {
            (Some(run), None) => Ok(run),
            (None, _) => Err(usage(format!("no run {shown} is recorded (hawkeye history lists them)"))),
            (Some(_), Some(_)) => {
                Err(usage(format!("more than one run begins with {shown}: give more of it")))
            }
        }
    }

    /// The run or file that `word` means, with what was found then.
    pub(super) fn side(&self, word: &str, label: Option<&str>) -> Result<Side, Missing> {
        let path = Path::new(word);
        if position(word).is_none() && (path.exists() || !is_id(word) && word.contains(['.', '/'])) {
            let mut outcomes =
                saved::read(path, &mut io::empty()).map_err(|e| Missing::Usage(e.to_string()))?;
            outcomes.retain(|outcome| label.is_none_or(|label| outcome.name == label));
            let at = outcomes.iter().find_map(|o| o.saved.as_ref()?.learnt_at.clone());
            let origin = Origin { run: None, at, file: Some(word.to_owned()) };
            return Ok(Side { origin, outcomes, whole: true });
        }
        let run = self.run(word)?;
        let outcomes = self.outcomes(&run, label)?;
        let at = Some(rfc3339(run.begun.started));
        let part =
            ["shard", "missing"].iter().any(|key| recorded::<IgnoredAny>(&run.begun.rules, key).is_some());
        let whole = run.ended.is_some() && !run.thinned && !part;
        Ok(Side { origin: Origin { run: Some(run.begun.id), at, file: None }, outcomes, whole })
    }

    /// What `run` found.
    pub(super) fn outcomes(&self, run: &Recorded, label: Option<&str>) -> Result<Vec<Outcome>, Missing> {
        let mut outcomes = Vec::new();
        self.each(run, label, |_, outcome| {
            outcomes.push(outcome);
            true
        })?;
        Ok(outcomes)
    }

    /// Tells `each` of what `run` found, with the place in its plan, until it returns false.
    pub(super) fn each(
        &self,
        run: &Recorded,
        label: Option<&str>,
        mut each: impl FnMut(usize, Outcome) -> bool,
    ) -> Result<(), Missing> {
        let Some(store) = &self.store else { return Ok(()) };
        let begun: SystemTime = run.begun.started;
        let mut unreadable = false;
        history::outcomes(store, run.number, label, |seen| match record::seen(&seen, begun) {
            Some(outcome) => each(seen.place, outcome),
            None => {
                unreadable = true;
                false
            }
        })?;
        if unreadable { Err(Missing::Store(StoreError::Damaged)) } else { Ok(()) }
    }
}

/// How far back a run is: 1 is the latest.
fn position(word: &str) -> Option<usize> {
    match word {
        "latest" => Some(1),
        _ => word.strip_prefix("@-")?.parse().ok().filter(|n| (1..=1_000_000).contains(n)),
    }
}

fn is_id(word: &str) -> bool {
    (SHORTEST_ID..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What was recorded under `key` beside the rules.
pub(super) fn recorded<T: DeserializeOwned>(rules: &str, key: &str) -> Option<T> {
    let mut then = serde_json::from_str::<serde_json::Value>(rules).ok()?;
    serde_json::from_value(then.get_mut(key)?.take()).ok()
}
