//! `hawkeye cache`: what is stored, and letting go of it.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::base::columns::lay_out;
use crate::base::text::quote;
use crate::base::time::{rfc3339, short_span};
use crate::cli::args::{Cache, CacheCommand, Shown};
use crate::config::{Environment, Overrides, resolve};
use crate::report::json_line;
use crate::store::cache::{self, Row};
use crate::store::options::CacheOptions;
use crate::store::{Opened, Store, StoreError, moved};
use crate::sys::cancel::Cancel;
use crate::sys::signal;

use super::exit::Exit;
use super::{print, say};

pub(super) fn run(args: &Cache) -> Exit {
    let (config, profile) = match &args.command {
        CacheCommand::Stats(stats) => (&stats.config, &stats.profile),
        CacheCommand::List(list) => (&list.config, &list.profile),
        CacheCommand::Prune(prune) => (&prune.config, &prune.profile),
        CacheCommand::Clear(clear) => (&clear.config, &clear.profile),
    };
    let flags = Overrides { config: config.clone(), profile: profile.clone(), ..Overrides::default() };
    let resolved = Environment::of_process().and_then(|environment| resolve(&flags, &environment));
    let options = match resolved {
        Ok(resolved) => resolved.settings.cache,
        Err(e) => {
            say(&e.to_string());
            return Exit::Usage;
        }
    };
    match answer(&args.command, &options) {
        Ok(text) => print(&text),
        Err(e) => {
            let remedy = match e {
                StoreError::Full | StoreError::Damaged => {
                    format!(" (delete {} to begin anew)", options.file.display())
                }
                StoreError::File(..)
                | StoreError::Refused(..)
                | StoreError::Newer(_)
                | StoreError::NoHome
                | StoreError::Locked
                | StoreError::Database(_) => String::new(),
            };
            say(&format!("cache: {e}{remedy}"));
            Exit::Unwritten
        }
    }
}

fn answer(command: &CacheCommand, options: &CacheOptions) -> Result<String, StoreError> {
    let cancel = Cancel::new().map_err(|e| StoreError::File("/proc/self/fd".into(), e))?;
    signal::trip_on_signals(&cancel);
    let mut store = existing(options, &cancel)?;
    let now = SystemTime::now();
    let CacheOptions { max_size, ttl, .. } = *options;
    let rows = store.as_ref().map(|store| cache::list(store, ttl)).transpose()?.unwrap_or_default();
    Ok(match command {
        CacheCommand::Stats(stats) => {
            let bytes = store.as_ref().map_or(0, Store::bytes);
            stats_text(&Stats::of(options, &rows, bytes, now), stats.format)
        }
        CacheCommand::List(list) => list_text(&rows, list.format, now),
        CacheCommand::Prune(_) => {
            let gone = store.as_mut().map(|s| cache::prune(s, max_size, ttl, now)).transpose()?;
            removed(gone.unwrap_or_default(), rows.len())
        }
        CacheCommand::Clear(_) => {
            let gone = store.as_mut().map(cache::clear).transpose()?;
            removed(gone.unwrap_or_default(), rows.len())
        }
    })
}

/// The database, if one was ever made: looking at it does not make one.
fn existing(options: &CacheOptions, cancel: &Cancel) -> Result<Option<Store>, StoreError> {
    if !options.persist {
        return Ok(None);
    }
    Ok(Store::open_existing(&options.file, cancel)?.map(|Opened { store, aside }| {
        if let Some(aside) = aside {
            say(&moved(&options.file, &aside));
        }
        store
    }))
}

fn removed(gone: usize, stored: usize) -> String {
    format!("{gone} of {stored} results removed\n")
}

#[derive(Serialize)]
struct Stats<'a> {
    file: &'a Path,
    persistent: bool,
    in_effect: bool,
    why_not: Option<&'static str>,
    results: usize,
    fresh: usize,
    max_size: usize,
    ttl_s: f64,
    bytes: u64,
    oldest: Option<String>,
    newest: Option<String>,
}

impl<'a> Stats<'a> {
    /// `rows` are ordered, the latest first.
    fn of(options: &'a CacheOptions, rows: &[Row], bytes: u64, now: SystemTime) -> Stats<'a> {
        Stats {
            file: &options.file,
            persistent: options.persist,
            in_effect: options.in_effect(),
            why_not: match (options.wanted, options.enabled) {
                (true, true) => None,
                (false, _) => Some("enable_result_caching is false"),
                (true, false) => Some("caching_config.enabled is false"),
            },
            results: rows.len(),
            fresh: rows.iter().filter(|row| row.fresh_until > now).count(),
            max_size: options.max_size,
            ttl_s: options.ttl.as_secs_f64(),
            bytes,
            oldest: rows.last().map(|row| rfc3339(row.stored)),
            newest: rows.first().map(|row| rfc3339(row.stored)),
        }
    }
}

fn stats_text(stats: &Stats<'_>, format: Shown) -> String {
    if format == Shown::Json {
        return json_line(stats);
    }
    let place = match stats.persistent {
        true => quote(&stats.file.display().to_string(), 400),
        false => "memory of each run (persist_cache is false)".to_owned(),
    };
    let used = stats.why_not.map_or("yes".to_owned(), |why| format!("no: {why}"));
    let Stats { results, fresh, max_size, ttl_s, bytes, .. } = stats;
    let mut out = format!(
        "file      {place}\nin use    {used}\nresults   {results} of at most {max_size}, {fresh} of them fresh\n\
         size      {bytes} bytes\nttl       {ttl_s} s\n"
    );
    if let (Some(oldest), Some(newest)) = (&stats.oldest, &stats.newest) {
        let _ = write!(out, "oldest    {oldest}\nnewest    {newest}\n");
    }
    out
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    transport: &'a str,
    endpoint: &'a str,
    stored_at: String,
    age_s: u64,
    fresh: bool,
    fresh_until: String,
    last_used: String,
    bytes: u64,
}

impl<'a> Listed<'a> {
    fn of(row: &'a Row, now: SystemTime) -> Listed<'a> {
        Listed {
            name: &row.name,
            transport: &row.transport,
            endpoint: &row.endpoint,
            stored_at: rfc3339(row.stored),
            age_s: seconds(row.stored, now),
            fresh: row.fresh_until > now,
            fresh_until: rfc3339(row.fresh_until),
            last_used: rfc3339(row.last_used),
            bytes: row.size,
        }
    }
}

fn seconds(from: SystemTime, to: SystemTime) -> u64 {
    to.duration_since(from).unwrap_or_default().as_secs()
}

fn list_text(rows: &[Row], format: Shown, now: SystemTime) -> String {
    if format == Shown::Json {
        return json_line(&rows.iter().map(|row| Listed::of(row, now)).collect::<Vec<Listed<'_>>>());
    }
    let heads = ["name", "transport", "age", "fresh for", "bytes", "endpoint"];
    let mut lines = vec![heads.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(|row| {
        let left = row.fresh_until.duration_since(now).unwrap_or(Duration::ZERO);
        vec![
            quote(&row.name, 40),
            row.transport.clone(),
            short_span(seconds(row.stored, now)),
            if left.is_zero() { "-".to_owned() } else { short_span(left.as_secs()) },
            row.size.to_string(),
            quote(&row.endpoint, 120),
        ]
    }));
    lay_out(&lines, &[])
}
