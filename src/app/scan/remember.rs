//! Answers that need not be asked for again: looked up before servers are, and stored as they come in.
//!
//! Nothing that goes wrong with the cache changes what a scan finds: it says so once and asks every server.
//! A [`Remember`] may serve many scans, one after the other.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::app::run::database::Database;
use crate::config::Settings;
use crate::model::outcome::Outcome;
use crate::model::target::Target;
use crate::probe;
use crate::store::answer;
use crate::store::cache::{self, Entry};
use crate::store::key::{Key, Surroundings, key};
use crate::store::options::CacheOptions;
use crate::store::{Store, StoreError};
use crate::sys::cancel::Cancel;
use crate::transport::http::PROXY_VARIABLES;
use crate::transport::stdio::launch::ALLOWED;

/// Results are stored so many, or so many bytes, at a time: each batch waits for the disk once.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 4 << 20;

/// The cache, as a scan uses it.
pub(super) struct Remember {
    options: CacheOptions,
    around: Surroundings,
    cancel: Cancel,
    database: Database,
    /// Whether all servers are asked, whatever is stored.
    refresh: bool,
    waiting: Vec<Entry>,
    waiting_bytes: usize,
}

/// The targets that have to be asked, and for each its place in the plan and the key of its answer.
pub(super) struct Misses {
    pub(super) targets: Vec<Target>,
    pub(super) places: Vec<(usize, Option<Key>)>,
}

impl Misses {
    /// Every target, and no answer is to be stored.
    pub(super) fn all(targets: Vec<Target>) -> Misses {
        let places = (0..targets.len()).map(|at| (at, None)).collect();
        Misses { targets, places }
    }
}

impl Remember {
    /// The cache, if it is in effect and there is a `database`.
    pub(super) fn open(
        settings: &Settings,
        refresh: bool,
        database: Option<Database>,
        cancel: &Cancel,
    ) -> Option<Remember> {
        let options = settings.cache.clone();
        if refresh && !options.in_effect() {
            log::warn!("--refresh stores nothing: the cache is off (enable_result_caching: true)");
        }
        Some(Remember {
            around: surroundings(settings),
            options,
            cancel: cancel.clone(),
            database: database?,
            refresh,
            waiting: Vec::new(),
            waiting_bytes: 0,
        })
    }

    /// Tells `each` of every target whose answer is stored and fresh, with its place in the plan; the others
    /// have to be asked.
    pub(super) fn recall(
        &mut self,
        targets: Vec<Target>,
        mut each: impl FnMut(usize, &Target, Outcome),
    ) -> Misses {
        let mut misses = Misses { targets: Vec::new(), places: Vec::new() };
        let mut used = Vec::new();
        for (at, target) in targets.into_iter().enumerate() {
            let key = self.database.with(|store| Ok(key(store.secret(), &target, &self.around))).flatten();
            match key.and_then(|key| self.stored(key, &target, &mut used)) {
                Some(outcome) => each(at, &target, outcome),
                None => {
                    misses.targets.push(target);
                    misses.places.push((at, key));
                }
            }
        }
        if !used.is_empty() {
            self.with_store(|store, _| cache::touch(store, &used, SystemTime::now()));
        }
        misses
    }

    /// Stores `outcome` under `key`, if it is worth it, with the next batch.
    pub(super) fn keep(&mut self, key: Option<Key>, outcome: &Outcome) {
        let (Some(key), true) = (key, self.database.works()) else { return };
        let took = Duration::try_from_secs_f64(outcome.timing.total_ms / 1000.0).unwrap_or_default();
        let now = SystemTime::now();
        let Some(entry) = answer::entry(key, outcome, now.checked_sub(took).unwrap_or(now)) else { return };
        self.waiting_bytes += entry.body.len();
        self.waiting.push(entry);
        if self.waiting.len() >= BATCH || self.waiting_bytes >= BATCH_BYTES {
            self.write();
        }
    }

    /// Writes what waits for its batch to be full.
    pub(super) fn write(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let entries = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let put = |store: &mut Store, options: &CacheOptions| {
            cache::keep(store, &entries, options.max_size, options.ttl, SystemTime::now())
        };
        if self.with_store(put).is_none() {
            // Once more, into the file that has taken the place of a damaged one, if there is one.
            self.with_store(put);
        }
    }

    /// The answer under `key`, as an outcome of `target`.
    fn stored(&mut self, key: Key, target: &Target, used: &mut Vec<Key>) -> Option<Outcome> {
        if self.refresh || self.cancel.is_tripped() {
            return None;
        }
        let now = SystemTime::now();
        let found = self.with_store(|store, options| cache::find(store, &key, options.ttl, now))??;
        let outcome = answer::outcome(probe::blank(target, &target.redaction()), &found, now);
        match &outcome {
            Some(_) if found.due => used.push(key),
            Some(_) => {}
            // What cannot be read will not be readable later.
            None => drop(self.with_store(|store, _| cache::forget(store, &key))),
        }
        outcome
    }

    fn with_store<T>(
        &mut self,
        act: impl FnOnce(&mut Store, &CacheOptions) -> Result<T, StoreError>,
    ) -> Option<T> {
        self.database.with(|store| act(store, &self.options))
    }
}

/// What can change a server's answer and stands in no target.
fn surroundings(settings: &Settings) -> Surroundings {
    let values = |names: &'static [&'static str]| {
        names.iter().filter_map(|n| Some((*n, env::var_os(n)?.to_string_lossy().into_owned())))
    };
    let tls = &settings.wire.tls;
    let here = env::current_dir().unwrap_or_default().display().to_string();
    let (cert, key) = tls.client_cert.clone().unzip();
    // Read when the run was planned already, with a message if that failed.
    let content = |file: Option<PathBuf>| file.and_then(|f| fs::read(f).ok()).unwrap_or_default();
    Surroundings {
        limits: settings.wire.limits.clone(),
        binary_mode: settings.wire.stdio.binary_mode,
        pin: settings.protocol_version,
        inherited: values(&ALLOWED).chain([("", here)]).collect(),
        network: values(&PROXY_VARIABLES).chain([("", tls.insecure.to_string())]).collect(),
        certificates: [tls.ca_file.clone(), cert, key].map(content).to_vec(),
    }
}
