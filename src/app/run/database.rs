//! The file of results and runs, opened once for all who use it in a scan.
//!
//! Nothing that goes wrong with it changes what a scan finds: it is said once, and the scan goes on without. It is
//! remembered for those who gate on drift: where nothing is compared, nothing has drifted.

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
    /// Why it cannot be used, or what it held is gone.
    lost: Option<String>,
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
                Databases { cache: Some(shared.clone()).filter(Database::works), history: Some(shared) }
            }
            (cache, persist, history) => Databases {
                cache: cache
                    .then(|| of(Uses::Results, if persist { in_file() } else { in_memory() }))
                    .filter(Database::works),
                history: history.then(|| of(Uses::Runs, in_file())),
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
    fn of(settings: &Settings, cancel: &Cancel, uses: Uses, opened: Result<Opened, StoreError>) -> Database {
        let (file, cancel) = (settings.cache.file.clone(), cancel.clone());
        let (store, lost) = match opened {
            Ok(Opened { store, aside }) => (Some(store), aside.map(|aside| moved(&file, &aside))),
            Err(e) => {
                without(uses, &e);
                (None, Some(e.to_string()))
            }
        };
        let mended = store.is_some() && lost.is_some();
        if let (true, Some(moved)) = (mended, &lost) {
            log::warn!("{moved}");
        }
        Database(Rc::new(RefCell::new(Inner { file, cancel, uses, store, mended, lost })))
    }

    /// Why it cannot be used, or what it held is gone; nothing while all is well.
    pub(in crate::app) fn lost(&self) -> Option<String> {
        self.0.borrow().lost.clone()
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
                inner.lost = Some(e.to_string());
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
        self.lost = Some(StoreError::Damaged.to_string());
        let Some(store) = self.store.take() else { return };
        let file = &self.file;
        let opened = store.move_aside(&self.cancel).and_then(|aside| {
            let opened = Store::open(file, &self.cancel)?;
            Ok((aside.or(opened.aside), opened.store))
        });
        match opened {
            Ok((aside, store)) => {
                if let Some(aside) = aside {
                    let moved = moved(file, &aside);
                    log::warn!("{moved}");
                    self.lost = Some(moved);
                }
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
