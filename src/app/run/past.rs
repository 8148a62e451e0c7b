//! What was: each outcome is compared with what is known of its server from earlier runs, or with what was
//! accepted, and recorded for the runs to come.
//!
//! Nothing that goes wrong here changes what a scan finds.

use std::collections::{BTreeMap, HashSet};
use std::path::{self, Path};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::analysis::drift::{self, Found};
use crate::analysis::options::Policy;
use crate::app::accepted::Baseline;
use crate::base::text::{quote, visible};
use crate::base::time::rfc3339;
use crate::model::client::Client;
use crate::model::drift::{Drift, Moment, Since};
use crate::model::finding::worst_first;
use crate::model::notes::Note;
use crate::model::outcome::{EndpointView, Outcome, Owner, Status};
use crate::model::run::{Missing, RuleSet, RunInfo, Tally};
use crate::model::shard::ShardRun;
use crate::model::target::Target;
use crate::store::history::{self, Begun, Ended, Entry, Here, Identity, Knowledge, Known, Offer};
use crate::store::key::HashKey;
use crate::store::options::HistoryOptions;
use crate::store::record::{self, TooLarge};
use crate::store::{Store, StoreError};

use super::database::Database;

/// Outcomes are recorded so many, or so many bytes, at a time.
const BATCH: usize = 128;
const BATCH_BYTES: usize = 4 << 20;
/// What holds the place of a file's name for servers that stand in none.
const NO_FILE: [&str; 2] = ["command line", "standard input"];

/// Earlier runs, and the one that is going on.
pub(in crate::app) struct Past {
    database: Option<Database>,
    options: HistoryOptions,
    policy: Policy,
    baseline: Option<Baseline>,
    what: String,
    /// Why some server may not have been compared.
    lost: Option<String>,
    run: Option<Run>,
    /// Of the outcome that is being reviewed.
    pending: Option<Pending>,
}

/// The run that is going on.
struct Run {
    begun: Begun,
    /// Once there is something of it in the database.
    number: Option<i64>,
    /// From the runs before.
    knowledge: Knowledge,
    /// The targets of this run.
    here: Here,
    /// Servers that came already.
    seen: HashSet<Identity>,
    /// The names of all its targets; none where there is no baseline.
    names: HashSet<String>,
    /// Those of the baseline that came, by their places, with their names of today.
    met: BTreeMap<usize, String>,
    /// Nothing is written before something has changed.
    held: bool,
    waiting: Vec<Entry>,
    waiting_bytes: usize,
}

/// The name of a server in the file that names it, under the key of the database.
type Name = [u8; 16];

/// With which rules a run judged, and whether it is about everything.
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    rules: &'a RuleSet,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: &'a Option<ShardRun>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: &'a Option<Missing>,
}

struct Pending {
    identity: Identity,
    offer: Offer,
    since: Option<i64>,
    moment: Option<String>,
}

/// Whether a run is recorded if nothing has changed since the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Recording {
    /// In any case.
    Always,
    /// Not: rounds that are watched.
    Changes,
}

impl Past {
    /// The past that `database` knows of, and what is accepted; `what` is scanned, in words.
    pub(in crate::app) fn new(
        database: Option<Database>,
        baseline: Option<Baseline>,
        options: HistoryOptions,
        policy: Policy,
        what: String,
    ) -> Option<Past> {
        (database.is_some() || baseline.is_some()).then_some(Past {
            database,
            options,
            policy,
            baseline,
            what,
            lost: None,
            run: None,
            pending: None,
        })
    }

    /// Why servers are not compared that were there before; nothing where all are, or what was accepted counts.
    pub(in crate::app) fn lost(&self) -> Option<String> {
        let lost = || self.lost.clone().or_else(|| self.database.as_ref()?.lost());
        if self.baseline.is_some() { None } else { lost() }
    }

    /// What is accepted, for another past.
    pub(in crate::app) fn into_baseline(self) -> Option<Baseline> {
        self.baseline
    }

    /// A run over `targets` begins, while others may scan those `elsewhere`: they are not here, and not gone.
    pub(in crate::app) fn begin(
        &mut self,
        info: &RunInfo,
        targets: &[Target],
        elsewhere: &[Target],
        recording: Recording,
    ) {
        let here = self.database.as_ref().and_then(|database| {
            database.with(|store| {
                let who = |t: &Target| identity(store.secret(), &t.owners, &t.view(), 0);
                Ok(targets.iter().chain(elsewhere).map(who).collect())
            })
        });
        self.begin_with(info, here.unwrap_or_default(), recording);
        if let (Some(run), Some(baseline)) = (&mut self.run, &self.baseline) {
            run.names.extend(targets.iter().chain(elsewhere).map(|target| target.name.clone()));
            for target in elsewhere {
                run.meet(baseline, &target.name, &target.view());
            }
        }
    }

    /// The server of `outcome` as [`Past::begin_with`] takes it.
    pub(in crate::app) fn identity_of(&self, outcome: &Outcome) -> Option<Identity> {
        let Outcome { owners, endpoint, .. } = outcome;
        self.database.as_ref()?.with(|store| Ok(identity(store.secret(), owners, endpoint, 0)))
    }

    /// A run over the servers that are `here` begins.
    pub(in crate::app) fn begin_with(&mut self, info: &RunInfo, here: Here, recording: Recording) {
        let judged = Judged { rules: &info.rules, shard: &info.shard, missing: &info.missing };
        let rules = serde_json::to_string(&judged).unwrap_or_default();
        let (id, started, what) = (info.id.clone(), info.started, self.what.clone());
        let knowledge = self.database.as_ref().and_then(|database| database.with(|s| history::knowledge(s)));
        self.run = Some(Run {
            begun: Begun { id, started, what, rules },
            number: None,
            knowledge: knowledge.unwrap_or_default(),
            here,
            seen: HashSet::new(),
            names: HashSet::new(),
            met: BTreeMap::new(),
            held: recording == Recording::Changes,
            waiting: Vec::new(),
            waiting_bytes: 0,
        });
    }

    /// Says of `outcome` what is different from before.
    pub(super) fn compare(&mut self, outcome: &mut Outcome) {
        self.pending = self.recall(outcome);
        if let Some(baseline) = &self.baseline {
            let Some(run) = &mut self.run else { return };
            let before = run.meet(baseline, &outcome.name, &outcome.endpoint).and_then(|at| baseline.at(at));
            // What was not reached is compared with nothing.
            if outcome.inventory.protocol.is_none() {
                return;
            }
            outcome.drift = None;
            let since = baseline.since();
            let found = match before {
                Some(before) => drift::compare(before, outcome, &drift::REPORT),
                None => vec![drift::new_server(outcome)],
            };
            let findings = match before {
                Some(before) => drift::findings(before, outcome, &found, &since, &self.policy),
                None => Vec::new(),
            };
            tell(outcome, since, found, Vec::new());
            outcome.findings.extend(findings);
        }
        worst_first(&mut outcome.findings);
    }

    /// What the history knows of the server, and what is different; the drift of `outcome` is set, and its
    /// findings are added unless there is a baseline for that.
    fn recall(&mut self, outcome: &mut Outcome) -> Option<Pending> {
        let (database, run) = (self.database.as_ref()?, self.run.as_mut()?);
        let mut identity =
            database.with(|store| Ok(identity(store.secret(), &outcome.owners, &outcome.endpoint, 0)))?;
        let mut again = 0;
        while !run.seen.insert(identity) {
            again += 1;
            identity = database.with(|store| Ok(identity_of_twin(store.secret(), outcome, again)))?;
        }
        let text = match record::offer(outcome) {
            Ok(Some(text)) => Some(text),
            Ok(None) => return Some(Pending { identity, offer: Offer::Unknown, since: None, moment: None }),
            Err(too_large) => {
                outcome.notes.push(not_recorded("what it offers", too_large));
                None
            }
        };
        let hash = text.as_ref().map(|text| text.hash);
        let mut offer = text.map_or(Offer::Unknown, Offer::Text);
        // An answer out of the cache is older than it looks, and was compared when it was new. Which of two
        // that cannot be told apart is which, nobody knows.
        let comparable = outcome.cached.is_none() && again == 0;
        let known = if comparable { run.knowledge.of(&identity, &run.here) } else { None };
        let Some(known) = known else {
            return Some(Pending { identity, offer, since: None, moment: None });
        };
        let since = Since { at: rfc3339(known.at), run: Some(known.id.clone()), file: None };
        let moments = run.knowledge.changes(&identity).into_iter();
        let timeline = moments
            .map(|change| Moment { at: rfc3339(change.at), run: change.run, what: change.what })
            .collect();
        let (mut found, mut findings) = (Vec::new(), Vec::new());
        if hash == Some(known.hash) && known.same_endpoint {
            offer = Offer::Stored(known.hash);
        } else {
            match database.with(|store| before(store, &known)).flatten() {
                Some(before) => {
                    found = drift::compare(&before, outcome, &drift::REPORT);
                    findings = drift::findings(&before, outcome, &found, &since, &self.policy);
                    // Another order of keys is no reason to keep it twice.
                    if found.is_empty() && drift::interchangeable(&before, outcome) {
                        offer = Offer::Stored(known.hash);
                    }
                }
                None => {
                    self.lost =
                        Some(format!("what is recorded of {} cannot be read", quote(&outcome.name, 60)));
                    return Some(Pending { identity, offer, since: None, moment: None });
                }
            }
        }
        let changes: Vec<_> = found.iter().map(Found::difference).cloned().collect();
        let moment = (!changes.is_empty()).then(|| drift::summary(&changes));
        tell(outcome, since, found, timeline);
        if self.baseline.is_none() {
            outcome.findings.extend(findings);
        }
        Some(Pending { identity, offer, since: Some(known.run), moment })
    }

    /// Records the outcome that was compared last, which stands at `place` of the plan.
    pub(super) fn record(&mut self, place: usize, outcome: &Outcome, changed: bool) {
        let Some(Pending { identity, offer, since, moment }) = self.pending.take() else { return };
        let Some(run) = &mut self.run else { return };
        let verdict = match record::verdict(outcome) {
            Ok(verdict) => verdict,
            Err(too_large) => {
                let Note { message, .. } = not_recorded("what is said of it", too_large);
                log::warn!("{}: {message}", visible(&outcome.name));
                return;
            }
        };
        let asked = outcome.cached.as_ref().map(|cached| {
            let age = Duration::from_secs(cached.age_s);
            SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH)
        });
        let different = outcome.drift.as_ref().filter(|drift| !drift.changes.is_empty());
        let entry = Entry {
            place,
            identity,
            label: outcome.name.clone(),
            complete: outcome.status == Status::Complete,
            offer,
            verdict,
            took: record::took(outcome),
            attempts: outcome.attempts,
            since,
            cached: asked,
            drift: different.and_then(|drift| serde_json::to_string(drift).ok()),
            moment,
        };
        run.waiting_bytes += entry.verdict.bytes.len() + entry.offer.bytes();
        run.waiting.push(entry);
        run.held &= !changed;
        if !run.held && (run.waiting.len() >= BATCH || run.waiting_bytes >= BATCH_BYTES) {
            self.write();
        }
    }

    /// Writes what waits for its batch to be full.
    pub(super) fn write(&mut self) {
        let (Some(database), Some(run)) = (&self.database, &mut self.run) else { return };
        if run.waiting.is_empty() || run.held {
            return;
        }
        let entries = std::mem::take(&mut run.waiting);
        run.waiting_bytes = 0;
        let put = |store: &mut _| history::record(store, &run.begun, run.number, &entries);
        match database.with(put) {
            Some(number) => run.number = Some(number),
            // Where a damaged file was replaced, half a run would pass for a whole one.
            None => {
                self.lost = database.lost();
                self.database = None;
            }
        }
    }

    /// A target of the round before is none any more: that is a change, too.
    pub(super) fn gone(&mut self) {
        self.run.iter_mut().for_each(|run| run.held = false);
    }

    /// The run is over since `finished`.
    pub(super) fn end(&mut self, finished: SystemTime, interrupted: bool, tally: &Tally, clients: &[Client]) {
        if let (Some(baseline), Some(run)) = (&self.baseline, &self.run) {
            baseline.apart(&run.met).iter().for_each(|line| log::warn!("{line}"));
        }
        self.write();
        let (Some(database), Some(run)) = (&self.database, self.run.take()) else { return };
        if run.held {
            return;
        }
        let ended = Ended {
            finished,
            interrupted,
            tally: serde_json::to_string(tally).unwrap_or_default(),
            clients: serde_json::to_string(clients).unwrap_or_default(),
        };
        let number =
            run.number.or_else(|| database.with(|store| history::record(store, &run.begun, None, &[])));
        let Some(number) = number else { return };
        let done = database.with(|store| history::finish(store, number, &ended));
        if done.is_some() {
            let options = &self.options;
            database.with(|store| history::prune(store, options, Some(number), SystemTime::now()));
        }
    }
}

impl Run {
    /// The place in `baseline` of a target of this run.
    fn meet(&mut self, baseline: &Baseline, name: &str, endpoint: &EndpointView) -> Option<usize> {
        let at = baseline.place(name, endpoint, |name| self.names.contains(name))?;
        self.met.insert(at, name.to_owned());
        Some(at)
    }
}

/// Sets the drift of `outcome`.
fn tell(outcome: &mut Outcome, since: Since, found: Vec<Found>, timeline: Vec<Moment>) {
    let changes = found.into_iter().take(drift::MOST).map(Found::into_difference).collect();
    outcome.drift = Some(Drift { since, changes, timeline });
}

/// Says that a part of an outcome is not kept.
fn not_recorded(what: &str, too_large: TooLarge) -> Note {
    let message = format!("{what} is {too_large}: the history does not keep it");
    Note { code: "not_recorded".into(), message, count: 1 }
}

/// The outcome that is `known`.
fn before(store: &mut Store, known: &Known) -> Result<Option<Outcome>, StoreError> {
    let (Some(offer), Some(verdict)) =
        (history::text(store, known.inventory)?, history::text(store, known.verdict)?)
    else {
        return Ok(None);
    };
    Ok(record::outcome(Some(&offer), &verdict))
}

/// What makes a server the same one next time; twins, which nothing tells apart, are counted.
fn identity(secret: &HashKey, owners: &[Owner], view: &EndpointView, twin: usize) -> Identity {
    let twin = twin.to_string();
    let parts: Vec<&str> = [view.kind(), twin.as_str()].into_iter().chain(view.words()).collect();
    let endpoint = history::endpoint_of(secret, &parts);
    Identity { name: name_key(secret, owners, view.kind()), endpoint }
}

fn identity_of_twin(secret: &HashKey, outcome: &Outcome, twin: usize) -> Identity {
    Identity { name: None, ..identity(secret, &outcome.owners, &outcome.endpoint, twin) }
}

/// The name in the first file that names it.
fn name_key(secret: &HashKey, owners: &[Owner], kind: &str) -> Option<Name> {
    let owner = owners.iter().find(|owner| !NO_FILE.contains(&owner.file.as_str()))?;
    let file = match owner.file.as_str() {
        "demo" => "demo".to_owned(),
        file => path::absolute(Path::new(file)).ok()?.to_string_lossy().into_owned(),
    };
    Some(history::name_of(secret, &file, kind, &owner.name))
}

/// What `what` names, one line: for a list of runs.
pub(in crate::app) fn described(urls: usize, process: bool, files: &[path::PathBuf], demo: bool) -> String {
    let mut parts: Vec<String> =
        files.iter().map(|file| visible(&file.display().to_string()).into_owned()).collect();
    match urls {
        0 => {}
        1 => parts.push("1 URL".to_owned()),
        n => parts.push(format!("{n} URLs")),
    }
    parts.extend(process.then(|| "a command".to_owned()));
    parts.extend(demo.then(|| "the demo servers".to_owned()));
    if parts.is_empty() { "the servers of hawkeye.yaml".to_owned() } else { parts.join(", ") }
}
