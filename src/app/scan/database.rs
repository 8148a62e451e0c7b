//! The file of results and runs, opened once for all who use it in a scan.
//!
//! Nothing that goes wrong with it changes what a scan finds: it is said once, and the scan goes on without.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use crate::config::Settings;
use crate::store::{Opened, Store, StoreError, moved};
use crate::sys::cancel::Cancel;

/// The database, in the hands of several on one thread.
#[derive(Clone)]
pub(in crate::app) struct Database(Rc<RefCell<Inner>>);

struct Inner {
    file: PathBuf,
    cancel: Cancel,
    uses: Uses,
    /// Nothing once it has failed.
    store: Option<Store>,
    /// A damaged file was replaced already; twice is once too often.
    mended: bool,
}

/// The databases of a scan: one, unless results are to be forgotten with the process.
#[derive(Default)]
pub(in crate::app) struct Databases {
    /// Of results.
    pub(in crate::app) cache: Option<Database>,
    /// Of runs.
    pub(in crate::app) history: Option<Database>,
}

impl Databases {
    /// Those that `settings` ask for.
    pub(in crate::app) fn open(settings: &Settings, cancel: &Cancel) -> Databases {
        let (cache, history) = (settings.cache.in_effect(), settings.history.enabled);
        let in_memory = || Store::in_memory().map(|store| Opened { store, aside: None });
        let of = |uses, store| Database::of(settings, cancel, uses, store);
        let in_file = || Store::open(&settings.cache.file, cancel);
        match (cache, settings.cache.persist, history) {
            (true, true, true) => {
                let shared = of(Uses::Both, in_file());
                Databases { cache: shared.clone(), history: shared }
            }
            (cache, persist, history) => Databases {
                cache: cache
                    .then(|| of(Uses::Results, if persist { in_file() } else { in_memory() }))
                    .flatten(),
                history: history.then(|| of(Uses::Runs, in_file())).flatten(),
            },
        }
    }
}

/// What a database is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uses {
    Results,
    Runs,
    Both,
}

impl Uses {
    /// That it fails: what, why, what this means, what to do.
    fn without(self, e: &StoreError) -> String {
        let (what, so, switch) = match self {
            Uses::Results => {
                ("cache of results", "the run goes on without it", "enable_result_caching: false")
            }
            Uses::Runs => {
                ("history", "the run is not recorded, nor compared with earlier ones", "--no-history")
            }
            Uses::Both => (
                "cache of results",
                "the run goes on without it, and is not recorded",
                "--no-history with enable_result_caching: false",
            ),
        };
        let remedy = match e {
            StoreError::NoHome => format!("; set HOME, or give {switch}"),
            StoreError::File(..) | StoreError::Refused(..) | StoreError::Newer(_) => {
                format!("; name another file with cache_file, or give {switch}")
            }
            StoreError::Full => format!("; make room, or give {switch}"),
            StoreError::Locked | StoreError::Damaged | StoreError::Database(_) => String::new(),
        };
        format!("{what}: {e}; {so}{remedy}")
    }
}

impl Database {
    fn of(
        settings: &Settings,
        cancel: &Cancel,
        uses: Uses,
        opened: Result<Opened, StoreError>,
    ) -> Option<Database> {
        let file = settings.cache.file.clone();
        let Opened { store, aside } = opened.map_err(|e| without(uses, &e)).ok()?;
        if let Some(aside) = &aside {
            log::warn!("{}", moved(&file, aside));
        }
        let (cancel, mended) = (cancel.clone(), aside.is_some());
        Some(Database(Rc::new(RefCell::new(Inner { file, cancel, uses, store: Some(store), mended }))))
    }

    /// Whether it can still be used.
    pub(in crate::app) fn works(&self) -> bool {
        self.0.borrow().store.is_some()
    }

    /// What `act` makes of the database. If it fails, that is the last of it, or of its file.
    pub(in crate::app) fn with<T>(&self, act: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Option<T> {
        let mut inner = self.0.borrow_mut();
        match act(inner.store.as_mut()?) {
            Ok(done) => Some(done),
            Err(StoreError::Damaged) if !inner.mended => {
                inner.mend();
                None
            }
            Err(e) => {
                inner.store = None;
                without(inner.uses, &e);
                None
            }
        }
    }
}

impl Inner {
    /// Begins a new file in the place of a damaged one.
    fn mend(&mut self) {
        self.mended = true;
        let Some(store) = self.store.take() else { return };
        let file = &self.file;
        let opened = store.move_aside(&self.cancel).and_then(|aside| {
            let opened = Store::open(file, &self.cancel)?;
            Ok((aside.or(opened.aside), opened.store))
        });
        match opened {
            Ok((aside, store)) => {
                aside.iter().for_each(|aside| log::warn!("{}", moved(file, aside)));
                self.store = Some(store);
            }
            Err(e) => without(self.uses, &e),
        }
    }
}

/// Says, once, that there is no database, or none any more.
fn without(uses: Uses, e: &StoreError) {
    log::warn!("{}", uses.without(e));
}
