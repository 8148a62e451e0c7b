//! Letting go of old runs, a few at a time: a scan that ends must not wait for a year's worth of them, and
//! others wait for us while we write. A run that may still last stays.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior};

use super::history::millis;
use super::options::HistoryOptions;
use super::{Store, StoreError};

/// Runs that go at a time.
const STEP: usize = 8;
/// After which a run that has no end was killed, in milliseconds.
const DAY: i64 = 86_400_000;

/// Lets go of runs that `options` do not keep; `current` stays in any case. How many went.
pub(crate) fn prune(
    store: &mut Store,
    options: &HistoryOptions,
    current: Option<i64>,
    now: SystemTime,
) -> Result<usize, StoreError> {
    let current = current.unwrap_or(i64::MAX);
    let days = Duration::from_secs(options.max_days.saturating_mul(86_400));
    let oldest = millis(now).saturating_sub(i64::try_from(days.as_millis()).unwrap_or(i64::MAX));
    let yesterday = millis(now).saturating_sub(DAY);
    let mut gone = 0;
    while gone < STEP {
        let change = store.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let idle = "number <> ?1 AND (finished IS NOT NULL OR started < ?2)";
        let one = |with: &str, first: i64| {
            let sql = format!("SELECT number FROM run WHERE {idle} AND {with} ORDER BY number LIMIT 1");
            change.query_row(&sql, [current, yesterday, first], |row| row.get::<_, i64>(0)).optional()
        };
        // What may still last takes nobody's place, or the newest run would go for it.
        let sql = "SELECT count(*) FROM run WHERE thinned = 0 AND (finished IS NOT NULL OR started < ?1)";
        let whole: i64 = change.query_row(sql, [yesterday], |row| row.get(0))?;
        let many = usize::try_from(whole).unwrap_or(0) > options.max_runs;
        let (run, spare) = if let Some(run) = one("started < ?3", oldest)? {
            (Some(run), Spare::Nothing)
        } else if many {
            (one("thinned = 0 AND ?3 = ?3", 0)?, Spare::LastKnown)
        } else if bytes(&change)? > options.max_bytes {
            (one("?3 = ?3", 0)?, Spare::Nothing)
        } else {
            (None, Spare::Nothing)
        };
        let Some(run) = run else { break };
        drop_rows(&change, run, spare)?;
        change.commit()?;
        gone += 1;
    }
    Ok(gone)
}

/// Lets go of every run; how many.
pub(crate) fn clear(store: &mut Store) -> Result<usize, StoreError> {
    let change = store.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let gone = change.execute("DELETE FROM run WHERE true", [])?;
    change.execute_batch(
        "DELETE FROM seen WHERE true; DELETE FROM state WHERE true; DELETE FROM body WHERE true",
    )?;
    change.commit()?;
    super::cache::give_back(store)?;
    Ok(gone)
}

/// What stays of a run that goes.
#[derive(Clone, Copy, PartialEq)]
enum Spare {
    Nothing,
    /// What is not known of a server from a later run: a scan once a month must not lose what it compares
    /// with to a watch that records a hundred rounds a day.
    LastKnown,
}

fn drop_rows(change: &Transaction<'_>, run: i64, spare: Spare) -> Result<(), StoreError> {
    let later = "SELECT 1 FROM state t JOIN seen y ON y.state = t.number
                 WHERE t.endpoint = s.endpoint AND t.name IS s.name AND t.inventory IS NOT NULL
                     AND t.status <= s.status AND y.run > x.run AND y.cached IS NULL";
    let rest = match spare {
        Spare::Nothing => String::new(),
        Spare::LastKnown => {
            format!("AND (s.inventory IS NULL OR x.cached IS NOT NULL OR EXISTS ({later}))")
        }
    };
    let sql = format!(
        "SELECT x.place, x.state FROM seen x JOIN state s ON s.number = x.state WHERE x.run = ?1 {rest}"
    );
    let mut rows = change.prepare(&sql)?;
    let rows = rows.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows = rows.collect::<Result<Vec<(i64, i64)>, rusqlite::Error>>()?;
    let mut drop = change.prepare("DELETE FROM seen WHERE run = ?1 AND place = ?2")?;
    for (place, _) in &rows {
        drop.execute([run, *place])?;
    }
    let states: HashSet<i64> = rows.into_iter().map(|(_, state)| state).collect();
    drop_states(change, &states)?;
    let left: i64 = change.query_row("SELECT count(*) FROM seen WHERE run = ?1", [run], |row| row.get(0))?;
    match left {
        0 => change.execute("DELETE FROM run WHERE number = ?1", [run])?,
        _ => change.execute("UPDATE run SET thinned = 1, clients = NULL WHERE number = ?1", [run])?,
    };
    Ok(())
}

/// States that no run has any more, and their texts.
fn drop_states(change: &Transaction<'_>, states: &HashSet<i64>) -> Result<(), StoreError> {
    let mut unseen = change.prepare(
        "DELETE FROM state WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM seen WHERE state = ?1)
         RETURNING inventory, verdict",
    )?;
    let mut unused = change.prepare(
        "DELETE FROM body WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM state WHERE inventory = ?1)
         AND NOT EXISTS (SELECT 1 FROM state WHERE verdict = ?1)",
    )?;
    for state in states {
        let gone = unseen
            .query_row([state], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)));
        let (inventory, verdict) = gone.optional()?.unwrap_or_default();
        for body in inventory.into_iter().chain(verdict) {
            unused.execute([body])?;
        }
    }
    Ok(())
}

/// Bytes in use of the file.
fn bytes(db: &rusqlite::Connection) -> Result<u64, StoreError> {
    let number = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
    Ok(pages.max(0).unsigned_abs().saturating_mul(number("PRAGMA page_size")?.max(0).unsigned_abs()))
}
