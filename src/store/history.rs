//! Every run, what it found, and what was known of a server before.
//!
//! A row of `seen` is one target of one run and refers to a *state*: one server in one condition, whose two
//! texts stand in `body` under their SHA-256. A server that stays as it is costs a row of numbers a run.
//!
//! Which server is the same one, `model::same` says; a name here is one in a file, of a command or of a URL. Of what
//! one name was, the latest counts: going back to an earlier command line is a change, too.
//!
//! Invariant: no secret is stored; names, files and endpoints are found by keyed hashes.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::body::Bodies;
use super::key::{HashKey, mark};
use super::{Store, StoreError};
use crate::model::same::Tie;

pub(crate) use super::body::{Text, text};
pub(crate) use super::retention::{clear, prune};

/// A server across runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// Its name and the file that gives it the name; nothing for what the command line names.
    pub name: Option<[u8; 16]>,
    /// How it is reached.
    pub endpoint: [u8; 16],
}

/// The servers of one run.
#[derive(Debug, Default)]
pub(crate) struct Here {
    names: HashSet<[u8; 16]>,
    servers: HashSet<Identity>,
}

impl FromIterator<Identity> for Here {
    fn from_iter<I: IntoIterator<Item = Identity>>(all: I) -> Here {
        let servers: HashSet<Identity> = all.into_iter().collect();
        Here { names: servers.iter().filter_map(|server| server.name).collect(), servers }
    }
}

/// What makes the server called `name` in `file` the same one next time.
pub(crate) fn name_of(secret: &HashKey, file: &str, kind: &str, name: &str) -> [u8; 16] {
    mark(secret, "name", &[file, kind, name])
}

/// What makes the server behind this endpoint the same one next time.
pub(crate) fn endpoint_of(secret: &HashKey, parts: &[&str]) -> [u8; 16] {
    mark(secret, "endpoint", parts)
}

/// What a server offers, in the words of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It was not reached.
    Unknown,
    /// What is stored under this hash already.
    Stored([u8; 32]),
    /// This.
    Text(Text),
}

impl Offer {
    /// Bytes that wait with it.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Offer::Unknown | Offer::Stored(_) => 0,
            Offer::Text(text) => text.bytes.len(),
        }
    }
}

/// One outcome on its way into the history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Its place in the plan.
    pub place: usize,
    /// Whose it is.
    pub identity: Identity,
    /// The server's name.
    pub label: String,
    /// Whether everything of it is known.
    pub complete: bool,
    /// What it offers.
    pub offer: Offer,
    /// Everything else that stays the same while nothing happens.
    pub verdict: Text,
    /// What never does.
    pub took: Vec<u8>,
    /// How often it was tried.
    pub attempts: u32,
    /// The run it was compared with.
    pub since: Option<i64>,
    /// When it was learnt, where it is from the cache.
    pub cached: Option<SystemTime>,
    /// What is different, as JSON.
    pub drift: Option<String>,
    /// The same in a few words, if it is news.
    pub moment: Option<String>,
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Begun {
    /// Its id in reports.
    pub id: String,
    /// When.
    pub started: SystemTime,
    /// Where its targets come from, in words.
    pub what: String,
    /// Which rules judge, as JSON.
    pub rules: String,
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    /// When.
    pub finished: SystemTime,
    /// Before its time.
    pub interrupted: bool,
    /// The report's summary, as JSON.
    pub tally: String,
    /// The report's clients, as JSON.
    pub clients: String,
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recorded {
    /// Its number in the database.
    pub number: i64,
    /// How it began.
    pub begun: Begun,
    /// How it ended; nothing if it has not, or was killed.
    pub ended: Option<Ended>,
    /// Targets in it.
    pub targets: usize,
    /// Of these: different from before.
    pub changed: usize,
    /// Only what is the last known of some servers is left of it.
    pub thinned: bool,
}

/// What is known of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// What it offered: which body.
    pub inventory: i64,
    /// The body's hash.
    pub hash: [u8; 32],
    /// The other body.
    pub verdict: i64,
    /// The run that learnt it.
    pub run: i64,
    /// That run's id.
    pub id: String,
    /// When that run began.
    pub at: SystemTime,
    /// The same endpoint as today's.
    pub same_endpoint: bool,
}

/// A run in which a server had changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// When that run began.
    pub at: SystemTime,
    /// Its id.
    pub run: String,
    /// What had changed.
    pub what: String,
}

/// A row of a recorded run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// Its place in the plan.
    pub place: usize,
    /// The two texts.
    pub inventory: Option<Vec<u8>>,
    /// The second.
    pub verdict: Vec<u8>,
    /// Times.
    pub took: Vec<u8>,
    /// How often it was tried.
    pub attempts: u32,
    /// Id and begin of the run it was compared with.
    pub since: Option<(String, SystemTime)>,
    /// When it was learnt, where it is from the cache.
    pub cached: Option<SystemTime>,
    /// What was different, as JSON.
    pub drift: Option<String>,
}

/// Changes of one server that are told.
const MOST_CHANGES: usize = 20;
/// The same of all servers together.
const ALL_CHANGES: i64 = 2000;

/// Records `entries` of the run with this `number`, or of a new one: all of it or nothing. The run's number.
pub(crate) fn record(
    store: &mut Store,
    begun: &Begun,
    number: Option<i64>,
    entries: &[Entry],
) -> Result<i64, StoreError> {
    let change = store.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = match number {
        Some(number) => number,
        None => {
            let Begun { id, started, what, rules } = begun;
            let sql = "INSERT INTO run (id, started, what, rules) VALUES (?1, ?2, ?3, ?4)";
            change.execute(sql, params![id, millis(*started), what, rules])?;
            change.last_insert_rowid()
        }
    };
    put(&change, number, entries)?;
    change.commit()?;
    Ok(number)
}

fn put(change: &Transaction<'_>, run: i64, entries: &[Entry]) -> Result<(), StoreError> {
    let mut state = change.prepare(
        "INSERT INTO state (name, endpoint, label, status, inventory, verdict) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut known = change.prepare(
        "SELECT number FROM state WHERE endpoint = ?1 AND name IS ?2 AND inventory IS ?3 AND verdict = ?4",
    )?;
    let mut seen = change.prepare(
        "INSERT OR REPLACE INTO seen (run, place, state, took, attempts, since, cached, drift, moment)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut bodies = Bodies::of(change)?;
    for entry in entries {
        let inventory = match &entry.offer {
            Offer::Unknown => None,
            // Gone in the meantime: better nothing than somebody else's.
            Offer::Stored(hash) => bodies.find(hash)?,
            Offer::Text(text) => Some(bodies.number(text)?),
        };
        let verdict = bodies.number(&entry.verdict)?;
        let Identity { name, endpoint } = entry.identity;
        let found = known.query_row(params![endpoint, name, inventory, verdict], |row| row.get(0));
        let number: i64 = match found.optional()? {
            Some(number) => number,
            None => {
                let status = i64::from(!entry.complete);
                state.execute(params![name, endpoint, entry.label, status, inventory, verdict])?;
                change.last_insert_rowid()
            }
        };
        let place = i64::try_from(entry.place).unwrap_or(i64::MAX);
        let cached = entry.cached.map(millis);
        let Entry { took, attempts, since, drift, moment, .. } = entry;
        seen.execute(params![run, place, number, took, attempts, since, cached, drift, moment])?;
    }
    Ok(())
}

/// Writes down how the run of this `number` ended.
pub(crate) fn finish(store: &mut Store, number: i64, ended: &Ended) -> Result<(), StoreError> {
    let Ended { finished, interrupted, tally, clients } = ended;
    let sql = "UPDATE run SET finished = ?2, interrupted = ?3, tally = ?4, clients = ?5 WHERE number = ?1";
    store.db.execute(sql, params![number, millis(*finished), interrupted, tally, clients])?;
    Ok(())
}

/// What is known of servers from all runs so far: read at once, since a question for each of a thousand
/// servers takes longer than they do.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    states: Vec<State>,
    by_endpoint: HashMap<[u8; 16], Vec<usize>>,
    by_name: HashMap<[u8; 16], Vec<usize>>,
    runs: HashMap<i64, (String, SystemTime)>,
    moments: Vec<(Identity, Change)>,
}

/// A condition that a server was last seen in by `run`.
#[derive(Debug)]
struct State {
    identity: Identity,
    complete: bool,
    inventory: i64,
    verdict: i64,
    hash: [u8; 32],
    run: i64,
}

/// Reads it.
pub(crate) fn knowledge(store: &Store) -> Result<Knowledge, StoreError> {
    // What came from the cache says when it was asked for, not how the server is now.
    let sql = "SELECT s.name, s.endpoint, s.status, s.inventory, s.verdict, b.hash,
                   (SELECT x.run FROM seen x WHERE x.state = s.number AND x.cached IS NULL
                    ORDER BY x.run DESC LIMIT 1)
               FROM state s JOIN body b ON b.number = s.inventory";
    let mut know = Knowledge::default();
    let mut rows = store.db.prepare(sql)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let Some(run) = row.get(6)? else { continue };
        let identity = Identity { name: row.get(0)?, endpoint: row.get(1)? };
        let at = know.states.len();
        know.by_endpoint.entry(identity.endpoint).or_default().push(at);
        if let Some(name) = identity.name {
            know.by_name.entry(name).or_default().push(at);
        }
        know.states.push(State {
            identity,
            complete: row.get::<_, i64>(2)? == 0,
            inventory: row.get(3)?,
            verdict: row.get(4)?,
            hash: row.get(5)?,
            run,
        });
    }
    let mut runs = store.db.prepare("SELECT number, id, started FROM run")?;
    let runs = runs.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, time(row.get(2)?)))))?;
    know.runs = runs.collect::<Result<_, rusqlite::Error>>()?;
    let sql = "SELECT s.name, s.endpoint, r.started, r.id, x.moment
               FROM seen x JOIN state s ON s.number = x.state JOIN run r ON r.number = x.run
               WHERE x.moment IS NOT NULL ORDER BY x.run DESC LIMIT ?1";
    let mut moments = store.db.prepare(sql)?;
    let moments = moments.query_map([ALL_CHANGES], |row| {
        let identity = Identity { name: row.get(0)?, endpoint: row.get(1)? };
        Ok((identity, Change { at: time(row.get(2)?), run: row.get(3)?, what: row.get(4)? }))
    })?;
    know.moments = moments.collect::<Result<_, rusqlite::Error>>()?;
    Ok(know)
}

impl Knowledge {
    /// What is known of a server of the run in which all of `here` are; complete knowledge, if there is any. Of a
    /// name, what was seen last counts, however it was reached, unless that is another server of this run. A server
    /// of another name is taken for the same one only if nobody here has that name.
    pub(crate) fn of(&self, who: &Identity, here: &Here) -> Option<Known> {
        let named = who.name.and_then(|name| self.by_name.get(&name));
        let all = [self.by_endpoint.get(&who.endpoint), named].into_iter().flatten().flatten();
        let rank = |State { identity: then, .. }: &State| {
            let gone = || then.name.is_none_or(|name| !here.names.contains(&name));
            let tie = Tie::of(then.name == who.name, then.endpoint == who.endpoint, gone)?;
            (tie != Tie::Moved || !here.servers.contains(then)).then_some(tie)
        };
        let ranked = all.filter_map(|at| {
            let state = &self.states[*at];
            let tie = rank(state)?;
            Some(((tie != Tie::Renamed, state.complete, state.run, tie), state))
        });
        let (_, state) = ranked.max_by_key(|(rank, _)| *rank)?;
        let (id, at) = self.runs.get(&state.run)?.clone();
        let State { identity, inventory, verdict, hash, run, .. } = *state;
        let same_endpoint = identity.endpoint == who.endpoint;
        Some(Known { inventory, hash, verdict, run, id, at, same_endpoint })
    }

    /// The runs in which this server had changed, oldest first; the latest of them, if they are many.
    pub(crate) fn changes(&self, who: &Identity) -> Vec<Change> {
        let ours = |other: &Identity| {
            let named = who.name.is_some() && who.name == other.name;
            let either = who.name.is_none() || other.name.is_none();
            named || (who.endpoint == other.endpoint && either)
        };
        let all = self.moments.iter().filter(|(identity, _)| ours(identity));
        let mut changes: Vec<Change> = all.take(MOST_CHANGES).map(|(_, change)| change.clone()).collect();
        changes.reverse();
        changes
    }
}

const RUN: &str =
    "SELECT r.number, r.id, r.started, r.what, r.rules, r.finished, r.interrupted, r.tally, r.clients,
                       r.thinned, (SELECT count(*) FROM seen x WHERE x.run = r.number),
                       (SELECT count(*) FROM seen x WHERE x.run = r.number AND x.drift IS NOT NULL)
                   FROM run r";

fn recorded(row: &Row<'_>) -> Result<Recorded, rusqlite::Error> {
    let finished: Option<i64> = row.get(5)?;
    let count = |n: i64| usize::try_from(n).unwrap_or(0);
    Ok(Recorded {
        number: row.get(0)?,
        begun: Begun { id: row.get(1)?, started: time(row.get(2)?), what: row.get(3)?, rules: row.get(4)? },
        ended: finished
            .map(|at| -> Result<Ended, rusqlite::Error> {
                Ok(Ended {
                    finished: time(at),
                    interrupted: row.get(6)?,
                    tally: row.get::<_, Option<String>>(7)?.unwrap_or_default(),
                    clients: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
                })
            })
            .transpose()?,
        thinned: row.get(9)?,
        targets: count(row.get(10)?),
        changed: count(row.get(11)?),
    })
}

/// The latest `limit` whole runs, latest first; with a `label`, those that have a target of this name.
pub(crate) fn runs(store: &Store, limit: usize, label: Option<&str>) -> Result<Vec<Recorded>, StoreError> {
    let with = "r.thinned = 0 AND (?2 IS NULL OR EXISTS (
                    SELECT 1 FROM seen x JOIN state s ON s.number = x.state
                    WHERE x.run = r.number AND s.label = ?2))";
    let mut rows =
        store.db.prepare(&format!("{RUN} WHERE {with} ORDER BY r.started DESC, r.number DESC LIMIT ?1"))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = rows.query_map(params![limit, label], recorded)?;
    Ok(rows.collect::<Result<Vec<Recorded>, rusqlite::Error>>()?)
}

/// The whole runs whose id begins with `prefix`, two at most: more is the same as two.
pub(crate) fn runs_called(store: &Store, prefix: &str) -> Result<Vec<Recorded>, StoreError> {
    let with = "substr(r.id, 1, length(?1)) = ?1 AND r.thinned = 0";
    let mut rows = store.db.prepare(&format!("{RUN} WHERE {with} ORDER BY r.number DESC LIMIT 2"))?;
    let rows = rows.query_map([prefix], recorded)?;
    Ok(rows.collect::<Result<Vec<Recorded>, rusqlite::Error>>()?)
}

/// Tells `each` of every target of a run, in the order of its plan, until it returns false.
pub(crate) fn outcomes(
    store: &Store,
    run: i64,
    label: Option<&str>,
    mut each: impl FnMut(Seen) -> bool,
) -> Result<(), StoreError> {
    let sql = "SELECT x.place, i.text, v.text, x.took, x.attempts, p.id, p.started, x.cached, x.drift
               FROM seen x JOIN state s ON s.number = x.state JOIN body v ON v.number = s.verdict
               LEFT JOIN body i ON i.number = s.inventory LEFT JOIN run p ON p.number = x.since
               WHERE x.run = ?1 AND (?2 IS NULL OR s.label = ?2) ORDER BY x.place";
    let mut rows = store.db.prepare(sql)?;
    let mut rows = rows.query(params![run, label])?;
    while let Some(row) = rows.next()? {
        let (id, started): (Option<String>, Option<i64>) = (row.get(5)?, row.get(6)?);
        let seen = Seen {
            place: usize::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
            inventory: row.get(1)?,
            verdict: row.get(2)?,
            took: row.get(3)?,
            attempts: row.get(4)?,
            since: id.zip(started.map(time)),
            cached: row.get::<_, Option<i64>>(7)?.map(time),
            drift: row.get(8)?,
        };
        if !each(seen) {
            break;
        }
    }
    Ok(())
}

pub(super) fn millis(t: SystemTime) -> i64 {
    t.duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX).min(1 << 48))
}

fn time(millis: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis.max(0).unsigned_abs().min(1 << 48))
}
