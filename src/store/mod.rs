//! What hawkeye remembers: one SQLite file that many runs write to at once.
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | opens: creates, migrates, moves a damaged file aside |
//! | `cache` | results, found by key; what is too many or too old goes |
//! | `key` | what makes two questions the same |
//! | `answer` | the part of an outcome that is kept |
//! | `body` | texts, each kept once under its hash |
//! | `history` | every run, what it found, and what was known before |
//! | `record` | an outcome in two texts, of which most stay the same from run to run |
//! | `retention` | letting go of old runs |
//! | `files` | private files |
//! | `options` | settings |
//!
//! Beside `x.db` stands `x.db.key`: the user's key of all hashes, and the file that runs lock. Who uses the
//! database holds that lock together with all others; who makes it, migrates it or moves it aside holds it
//! alone. So nobody moves a file that another run is writing to, two that find it damaged move it once, and
//! ten that start on an empty disk make one database and one key.
//!
//! Everything that goes wrong here is a [`StoreError`], and none of them stops a scan: it goes on without.
//!
//! Invariant: no secret is stored, nor anything that lets one be guessed.

pub(crate) mod answer;
mod body;
pub(crate) mod cache;
mod files;
pub(crate) mod history;
#[cfg(test)]
mod history_tests;
pub(crate) mod key;
pub(crate) mod options;
pub(crate) mod record;
mod retention;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::base::time::Deadline;
use crate::sys::cancel::Cancel;
use crate::sys::files::on_network;

use files::Identity;
use key::HashKey;

/// "hawk", so that no other program's database is taken for ours.
const APPLICATION: i64 = 0x6861_776b;
/// What has to be done to get from one version of the tables to the next: entry `n` leads to version `n + 1`.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE result (
        key       BLOB PRIMARY KEY,
        name      TEXT NOT NULL,     -- the target's, when it was stored
        transport TEXT NOT NULL,
        endpoint  TEXT NOT NULL,     -- secrets masked
        stored    INTEGER NOT NULL,  -- milliseconds since 1970, as all times here
        allowed   INTEGER,           -- milliseconds for which its server allows it to be kept
        last_used INTEGER NOT NULL,
        size      INTEGER NOT NULL,  -- bytes of the body
        body      BLOB NOT NULL      -- last: who reads the others need not step over it
    );
    CREATE INDEX result_by_use ON result (last_used);
",
    "
    CREATE TABLE run (
        number      INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order in which they began to be recorded
        id          TEXT NOT NULL UNIQUE,
        started     INTEGER NOT NULL,
        finished    INTEGER,                    -- nothing while it lasts, and where it was killed
        what        TEXT NOT NULL,              -- where its targets came from, in words
        rules       TEXT NOT NULL,              -- which rules judged
        interrupted INTEGER NOT NULL DEFAULT 0,
        tally       TEXT,                       -- the report's summary
        clients     TEXT,                       -- the report's clients
        thinned     INTEGER NOT NULL DEFAULT 0  -- set when only what is known of some servers is left of it
    );
    CREATE TABLE body (
        number INTEGER PRIMARY KEY,
        hash   BLOB NOT NULL UNIQUE,            -- SHA-256 of the text
        text   BLOB NOT NULL
    );
    CREATE TABLE state (                        -- one server in one condition
        number    INTEGER PRIMARY KEY,
        name      BLOB,                         -- hash of its name and the file that gives it the name
        endpoint  BLOB NOT NULL,                -- hash of how it is reached
        label     TEXT NOT NULL,                -- its name, for people
        status    INTEGER NOT NULL,             -- 0: complete
        inventory INTEGER,                      -- a body: what it offers; nothing where it was not reached
        verdict   INTEGER NOT NULL              -- a body: everything else
    );
    CREATE UNIQUE INDEX state_same ON state (endpoint, name, inventory, verdict);
    CREATE INDEX state_by_name ON state (name) WHERE name IS NOT NULL;
    CREATE INDEX state_by_inventory ON state (inventory);
    CREATE INDEX state_by_verdict ON state (verdict);
    CREATE TABLE seen (                         -- what a run found: one row a target
        run      INTEGER NOT NULL,
        place    INTEGER NOT NULL,
        state    INTEGER NOT NULL,
        took     BLOB NOT NULL,                 -- what is never the same: times
        attempts INTEGER NOT NULL,
        since    INTEGER,                       -- the run it was compared with
        cached   INTEGER,                       -- when it was learnt, where it is from the cache
        drift    TEXT,                          -- what is different, where anything is
        moment   TEXT,                          -- the same in a few words, if it is news
        PRIMARY KEY (run, place)
    ) WITHOUT ROWID;
    CREATE INDEX seen_by_state ON seen (state, run);
    CREATE INDEX seen_moments ON seen (state) WHERE moment IS NOT NULL;
",
];
/// How long other runs are waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same, once the run is over.
const LAST_PATIENCE: Duration = Duration::from_millis(500);
/// Between two looks at a lock.
const LOOK: Duration = Duration::from_millis(10);

/// An open database.
pub(crate) struct Store {
    // Before the lock, so that it is closed while the lock is held.
    db: Connection,
    place: Option<Place>,
    secret: HashKey,
}

/// Where a database is, and the lock that says that it is used.
struct Place {
    path: PathBuf,
    identity: Identity,
    /// The key's file; dropping it gives the lock back.
    lock: File,
}

/// A database, and what a user should know about how it was opened.
pub(crate) struct Opened {
    /// The database.
    pub store: Store,
    /// The damaged or foreign file that stood in its place is now called so.
    pub aside: Option<PathBuf>,
}

/// Why there is no database.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// A file or directory cannot be used.
    File(PathBuf, io::Error),
    /// A file is there that hawkeye does not touch.
    Refused(PathBuf, Refusal),
    /// A later hawkeye has made the file.
    Newer(PathBuf),
    /// The path begins with `~`, and nobody knows whose home that is.
    NoHome,
    /// Other runs do not let go of it.
    Locked,
    /// No room on the disk.
    Full,
    /// Its content is not what was written.
    Damaged,
    /// Anything else that SQLite says.
    Database(rusqlite::Error),
}

/// Why a file is not touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is a symbolic link.
    Link,
    /// It is a directory, a device, a pipe.
    NoFile,
    /// It belongs to another user.
    Foreign,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::File(path, e) => write!(f, "{}: {e}", path.display()),
            StoreError::Refused(path, Refusal::Link) => {
                write!(
                    f,
                    "{} is a symbolic link (name the file itself, or link its directory)",
                    path.display()
                )
            }
            StoreError::Refused(path, Refusal::NoFile) => write!(f, "{} is no regular file", path.display()),
            StoreError::Refused(path, Refusal::Foreign) => {
                write!(f, "{} belongs to another user", path.display())
            }
            StoreError::Newer(path) => {
                write!(f, "{} was made by a later version of hawkeye", path.display())
            }
            StoreError::NoHome => f.write_str("HOME is not set (cache_file names a file)"),
            StoreError::Locked => {
                write!(f, "other runs did not let go of it within {} s", PATIENCE.as_secs())
            }
            StoreError::Full => f.write_str("the disk is full"),
            StoreError::Damaged => f.write_str("its file is damaged"),
            StoreError::Database(e) => match e.sqlite_error_code() {
                Some(ErrorCode::ReadOnly) => f.write_str("its file cannot be written to"),
                Some(_) | None => e.fmt(f),
            },
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::File(_, e) => Some(e),
            StoreError::Database(e) => Some(e),
            StoreError::Refused(..)
            | StoreError::Newer(_)
            | StoreError::NoHome
            | StoreError::Locked
            | StoreError::Full
            | StoreError::Damaged => None,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(e: rusqlite::Error) -> StoreError {
        match e.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked,
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged,
            Some(_) | None => StoreError::Database(e),
        }
    }
}

impl Store {
    /// A database that ends with this process.
    pub(crate) fn in_memory() -> Result<Store, StoreError> {
        let mut db = Connection::open_in_memory()?;
        migrate(&mut db)?;
        let secret = HashKey::random().map_err(|e| StoreError::File("random bytes".into(), e))?;
        Ok(Store { db, place: None, secret })
    }

    /// The database at `path`, made if there is none. What is damaged or no database of ours is moved aside
    /// first.
    pub(crate) fn open(path: &Path, cancel: &Cancel) -> Result<Opened, StoreError> {
        if path.starts_with("~") {
            return Err(StoreError::NoHome);
        }
        files::make_directory(path)?;
        open(path, cancel)
    }

    /// The database at `path`, if there is anything.
    pub(crate) fn open_existing(path: &Path, cancel: &Cancel) -> Result<Option<Opened>, StoreError> {
        if path.starts_with("~") {
            return Err(StoreError::NoHome);
        }
        match path.symlink_metadata() {
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Ok(_) | Err(_) => open(path, cancel).map(Some),
        }
    }

    /// The user's own key of all hashes.
    pub(crate) fn secret(&self) -> &HashKey {
        &self.secret
    }

    /// Bytes on disk.
    pub(crate) fn bytes(&self) -> u64 {
        self.place.as_ref().map_or(0, |place| files::bytes(&place.path))
    }

    /// Gives up a database that turned out to be [damaged](StoreError::Damaged) while it was used. Its new
    /// name, unless somebody else moved it before.
    pub(crate) fn move_aside(self, cancel: &Cancel) -> Result<Option<PathBuf>, StoreError> {
        let Some(Place { path, identity, lock }) = self.place else { return Ok(None) };
        drop(self.db);
        let key_path = files::with_ending(&path, KEY);
        lock.unlock().map_err(|e| StoreError::File(key_path.clone(), e))?;
        let until = Deadline::after(PATIENCE);
        while !files::granted(&key_path, lock.try_lock())? {
            wait(until, cancel)?;
        }
        files::move_aside(&path, identity)
    }
}

/// The sentence on a file that stood in the place of the one at `path`.
pub(crate) fn moved(path: &Path, aside: &Path) -> String {
    let (path, aside) = (path.display(), aside.display());
    format!("{path} was damaged or no cache of hawkeye: it is now {aside}, and a new one was begun")
}

/// The end of the key file's name.
const KEY: &str = ".key";

fn open(path: &Path, cancel: &Cancel) -> Result<Opened, StoreError> {
    let key_path = files::with_ending(path, KEY);
    let failed = |e| StoreError::File(key_path.clone(), e);
    let created = files::open_private(&key_path, true)?;
    let Some((lock, _)) = created else { return Err(failed(io::ErrorKind::NotFound.into())) };
    let until = Deadline::after(PATIENCE);
    let mut aside = None;
    loop {
        if files::granted(&key_path, lock.try_lock_shared())? {
            if let (Some(secret), Look::Ready(db, identity)) =
                (HashKey::read(&lock).map_err(failed)?, look(path, cancel)?)
            {
                let place = Some(Place { path: path.to_owned(), identity, lock });
                return Ok(Opened { store: Store { db, place, secret }, aside });
            }
            // A lock held together does not become one held alone without being let go of.
            lock.unlock().map_err(failed)?;
        }
        if files::granted(&key_path, lock.try_lock())? {
            if HashKey::read(&lock).map_err(failed)?.is_none() {
                HashKey::write(&lock).map_err(failed)?;
            }
            aside = put_right(path, cancel)?.or(aside);
            lock.unlock().map_err(failed)?;
        } else {
            wait(until, cancel)?;
        }
    }
}

/// Waits a moment for other runs, unless they were waited for long enough.
fn wait(until: Deadline, cancel: &Cancel) -> Result<(), StoreError> {
    let moment = LOOK.mul_f64(0.5 + fastrand::f64());
    if until.passed() || cancel.sleep(Deadline::after(moment)) { Err(StoreError::Locked) } else { Ok(()) }
}

/// Does what the database at `path` needs to be usable, while nobody uses it; the new name of the file that
/// was in the way.
fn put_right(path: &Path, cancel: &Cancel) -> Result<Option<PathBuf>, StoreError> {
    match look(path, cancel)? {
        Look::Ready(..) => Ok(None),
        Look::Absent => create(path, cancel).map(|()| None),
        Look::Old(mut db) => migrate(&mut db).map(|()| None),
        Look::Useless(identity) => {
            let aside = files::move_aside(path, identity)?;
            create(path, cancel).map(|()| aside)
        }
    }
}

/// What is found at a path.
enum Look {
    /// A database of this version.
    Ready(Connection, Identity),
    /// One of an earlier version, or an empty file.
    Old(Connection),
    /// Nothing.
    Absent,
    /// Something else, or a database beyond repair.
    Useless(Identity),
}

fn look(path: &Path, cancel: &Cancel) -> Result<Look, StoreError> {
    // Closed again before SQLite opens it: closing a file ends all of a process's locks on it.
    let Some(identity) = files::open_private(path, false)?.map(|(_, identity)| identity) else {
        return Ok(Look::Absent);
    };
    let current = MIGRATIONS.len() as i64;
    let (db, stamp) = match connect(path, cancel).and_then(|db| Ok((stamp(&db)?, db))) {
        Ok((stamp, db)) => (db, stamp),
        Err(StoreError::Damaged) => return Ok(Look::Useless(identity)),
        Err(e) => return Err(e),
    };
    match stamp {
        Stamp { application: 0, version: 0, tables: 0 } => Ok(Look::Old(db)),
        Stamp { application: APPLICATION, version, tables: 1.. } if version == current => {
            settle(&db, path)?;
            Ok(Look::Ready(db, identity))
        }
        Stamp { application: APPLICATION, version, .. } if version > current => {
            Err(StoreError::Newer(path.to_owned()))
        }
        Stamp { application: APPLICATION, version, tables: 1.. } if version > 0 => Ok(Look::Old(db)),
        Stamp { .. } => Ok(Look::Useless(identity)),
    }
}

fn connect(path: &Path, cancel: &Cancel) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    let cancel = cancel.clone();
    // Asked while another run writes: each of them takes milliseconds.
    db.busy_handler(Some(move |asked: i32| {
        let patience = if cancel.is_tripped() { LAST_PATIENCE } else { PATIENCE };
        match cancel.is_tripped() {
            true => thread::sleep(LOOK),
            false => drop(cancel.sleep(Deadline::after(LOOK))),
        }
        LOOK * asked.unsigned_abs() < patience
    }))?;
    Ok(db)
}

/// The write-ahead log needs memory that all who write share, which different hosts do not.
fn journal(path: &Path) -> &'static str {
    if on_network(path) { "truncate" } else { "wal" }
}

/// Sets what holds for one connection only, by what the file was made with and where it is now.
fn settle(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode == "wal" && journal(path) == "wal" {
        // Enough for a log; a power failure may cost the last results, never the file.
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.pragma_update(None, "journal_size_limit", 4 << 20)?;
    } else {
        set_journal(db, "truncate")?;
    }
    Ok(())
}

/// SQLite answers with the mode that it is then, which may be another one.
fn set_journal(db: &Connection, mode: &str) -> Result<(), StoreError> {
    Ok(db.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(()))?)
}

/// What tells a database of ours from others.
struct Stamp {
    application: i64,
    version: i64,
    tables: i64,
}

fn stamp(db: &Connection) -> Result<Stamp, StoreError> {
    let number = |sql| db.query_row(sql, [], |row| row.get(0));
    let stamp = Stamp {
        application: number("PRAGMA application_id")?,
        version: number("PRAGMA user_version")?,
        tables: number("SELECT count(*) FROM sqlite_schema WHERE type = 'table'")?,
    };
    Ok(stamp)
}

fn create(path: &Path, cancel: &Cancel) -> Result<(), StoreError> {
    // By us, since SQLite would let the umask decide who may read it.
    drop(files::open_private(path, true)?);
    let made = with_journal(path, journal(path), cancel);
    match made {
        Err(StoreError::Database(e)) if no_shared_memory(&e) => with_journal(path, "truncate", cancel),
        Ok(()) | Err(_) => made,
    }
}

fn with_journal(path: &Path, journal: &str, cancel: &Cancel) -> Result<(), StoreError> {
    let mut db = connect(path, cancel)?;
    set_journal(&db, journal)?;
    migrate(&mut db)
}

fn no_shared_memory(e: &rusqlite::Error) -> bool {
    matches!(e.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure))
}

/// Brings the tables to the current version.
fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for step in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "application_id", APPLICATION)?;
    change.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    Ok(change.commit()?)
}
