//! Results by key: the freshest are found, the least recently used go.
//!
//! Freshness is judged when a result is read, by the settings of that moment and by what its server said
//! when it was stored; whichever is shorter holds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::key::Key;
use super::{Store, StoreError};

/// A use is written down at most this often, so that reading is not writing.
const USE: i64 = 60_000;
/// Clocks of one host differ by this much, over a leap second or a step of its time service.
const SLACK: i64 = 2_000;

/// A result to keep.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Under which it is found.
    pub key: Key,
    /// The target's name, for `list`.
    pub name: String,
    /// What carried it.
    pub transport: &'static str,
    /// Where it came from, secrets masked.
    pub endpoint: String,
    /// When it was asked for.
    pub stored: SystemTime,
    /// How long its server allows it to be kept.
    pub allowed: Option<Duration>,
    /// The answer.
    pub body: Vec<u8>,
}

/// A fresh result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// When it was asked for.
    pub stored: SystemTime,
    /// The answer.
    pub body: Vec<u8>,
    /// Whether its use is to be written down with [`touch`].
    pub due: bool,
}

/// A stored result without its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The target's name, when it was stored.
    pub name: String,
    /// What carried it.
    pub transport: String,
    /// Where it came from, secrets masked.
    pub endpoint: String,
    /// When it was asked for.
    pub stored: SystemTime,
    /// When it was last looked at, give or take a minute.
    pub last_used: SystemTime,
    /// Until when it is fresh.
    pub fresh_until: SystemTime,
    /// Bytes of the answer.
    pub size: u64,
}

/// The result under `key`, if it is fresh at `now`.
pub(crate) fn find(
    store: &Store,
    key: &Key,
    ttl: Duration,
    now: SystemTime,
) -> Result<Option<Found>, StoreError> {
    // In the order in which the columns stand.
    let sql = "SELECT stored, allowed, last_used, body FROM result WHERE key = ?1";
    let now = millis(now);
    let found = store.db.prepare(sql)?.query_row([key.0], |row| {
        let (stored, allowed, last_used): (i64, Option<i64>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if !(stored - SLACK..fresh_until(stored, allowed, ttl)).contains(&now) {
            return Ok(None);
        }
        Ok(Some(Found { stored: time(stored), body: row.get(3)?, due: last_used < now - USE }))
    });
    Ok(found.optional()?.flatten())
}

/// Writes down that the results under `keys` were used.
pub(crate) fn touch(store: &mut Store, keys: &[Key], now: SystemTime) -> Result<(), StoreError> {
    let change = store.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut touch =
            change.prepare("UPDATE result SET last_used = ?2 WHERE key = ?1 AND last_used < ?2")?;
        for key in keys {
            touch.execute(params![key.0, millis(now)])?;
        }
    }
    Ok(change.commit()?)
}

/// Keeps `entries`, in the place of older ones under their keys, and lets the least recently used go beyond
/// `max_size`: all of it or nothing.
pub(crate) fn keep(
    store: &mut Store,
    entries: &[Entry],
    max_size: usize,
    ttl: Duration,
    now: SystemTime,
) -> Result<(), StoreError> {
    let change = store.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        // A slower run must not replace what a later one has found.
        let mut put = change.prepare(
            "INSERT INTO result (key, name, transport, endpoint, stored, allowed, last_used, size, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?7, ?8)
             ON CONFLICT (key) DO UPDATE SET name = ?2, transport = ?3, endpoint = ?4, stored = ?5,
                 allowed = ?6, last_used = max(last_used, ?5), size = ?7, body = ?8
             WHERE stored <= ?5 OR stored > ?9",
        )?;
        for Entry { key, name, transport, endpoint, stored, allowed, body } in entries {
            let allowed = allowed.map(span);
            let (stored, size) = (millis(*stored), count(body.len()));
            put.execute(params![
                key.0,
                name,
                transport,
                endpoint,
                stored,
                allowed,
                size,
                body,
                millis(now) + SLACK
            ])?;
        }
    }
    trim(&change, max_size, ttl, now)?;
    Ok(change.commit()?)
}

/// What is beyond `max_size` goes: what is not fresh first, then the least recently used. How many went.
fn trim(
    db: &rusqlite::Connection,
    max_size: usize,
    ttl: Duration,
    now: SystemTime,
) -> Result<usize, StoreError> {
    let beyond = || {
        let stored: i64 = db.query_row("SELECT count(*) FROM result", [], |row| row.get(0))?;
        Ok::<i64, rusqlite::Error>((stored - count(max_size)).max(0))
    };
    if beyond()? == 0 {
        return Ok(0);
    }
    let stale = drop_stale(db, ttl, now)?;
    let sql = "DELETE FROM result WHERE rowid IN
               (SELECT rowid FROM result ORDER BY last_used, rowid LIMIT ?1)";
    Ok(stale + db.execute(sql, [beyond()?])?)
}

fn drop_stale(db: &rusqlite::Connection, ttl: Duration, now: SystemTime) -> Result<usize, StoreError> {
    let sql = "DELETE FROM result WHERE stored + min(?1, ifnull(allowed, ?1)) <= ?2 OR stored - ?3 > ?2";
    Ok(db.execute(sql, params![span(ttl), millis(now), SLACK])?)
}

/// Lets go of what is not fresh at `now` and of what is beyond `max_size`; how many results.
pub(crate) fn prune(
    store: &mut Store,
    max_size: usize,
    ttl: Duration,
    now: SystemTime,
) -> Result<usize, StoreError> {
    shorten_log(store)?;
    let change = store.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let gone = drop_stale(&change, ttl, now)? + trim(&change, max_size, ttl, now)?;
    change.commit()?;
    give_back(store)?;
    Ok(gone)
}

/// Lets go of everything; how many results.
pub(crate) fn clear(store: &mut Store) -> Result<usize, StoreError> {
    shorten_log(store)?;
    let change = store.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let gone = change.execute("DELETE FROM result WHERE true", [])?;
    change.commit()?;
    give_back(store)?;
    Ok(gone)
}

/// Lets go of the result under `key`.
pub(crate) fn forget(store: &Store, key: &Key) -> Result<(), StoreError> {
    store.db.execute("DELETE FROM result WHERE key = ?1", [key.0])?;
    Ok(())
}

/// Gives the disk its room back, and takes what was deleted out of the file. Needs the file for itself for a
/// moment, and room for a copy of what is left; where there is neither, that is left to a later time.
pub(super) fn give_back(store: &Store) -> Result<(), StoreError> {
    if_possible(store.db.execute_batch("VACUUM"))?;
    shorten_log(store)
}

/// Empties the log into the file: on a full disk, deleting needs the room that it takes.
fn shorten_log(store: &Store) -> Result<(), StoreError> {
    if_possible(store.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
}

fn if_possible(done: Result<(), rusqlite::Error>) -> Result<(), StoreError> {
    match done.map_err(StoreError::from) {
        Err(StoreError::Locked | StoreError::Full) => Ok(()),
        other => other,
    }
}

/// Everything that is stored, latest first, without the answers.
pub(crate) fn list(store: &Store, ttl: Duration) -> Result<Vec<Row>, StoreError> {
    let sql = "SELECT name, transport, endpoint, stored, allowed, last_used, size FROM result
               ORDER BY stored DESC, rowid";
    let mut rows = store.db.prepare(sql)?;
    let rows = rows.query_map([], |row| {
        let (stored, allowed): (i64, Option<i64>) = (row.get(3)?, row.get(4)?);
        Ok(Row {
            name: row.get(0)?,
            transport: row.get(1)?,
            endpoint: row.get(2)?,
            stored: time(stored),
            last_used: time(row.get(5)?),
            fresh_until: time(fresh_until(stored, allowed, ttl)),
            size: row.get::<_, i64>(6)?.unsigned_abs(),
        })
    })?;
    Ok(rows.collect::<Result<Vec<Row>, rusqlite::Error>>()?)
}

fn fresh_until(stored: i64, allowed: Option<i64>, ttl: Duration) -> i64 {
    let ttl = span(ttl);
    stored.saturating_add(allowed.map_or(ttl, |allowed| allowed.min(ttl)))
}

/// At most some thousand years, so that sums stay in range.
fn span(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX).min(1 << 47)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn millis(t: SystemTime) -> i64 {
    t.duration_since(UNIX_EPOCH).map_or(0, span)
}

fn time(millis: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis.max(0).unsigned_abs().min(1 << 48))
}
