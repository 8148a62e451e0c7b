//! The database: what it keeps, how long, and what it does with files that are not right.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::answer;
use super::cache::{self, Entry};
use super::key::{Key, Surroundings, key};
use super::*;
use crate::model::inventory::{CacheHint, Coverage, CoverageState, Inventory, Json, List, Protocol};
use crate::model::notes::Note;
use crate::model::outcome::{Auth, EndpointView, Outcome, Posture, Status, Timing, Transport};
use crate::model::revision::Era;
use crate::model::target::Target;

const HOUR: Duration = Duration::from_secs(3600);
const MANY: usize = 1000;

/// A fresh directory for a test.
pub(super) fn fresh(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("hawkeye-store-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn opened(path: &Path) -> Opened {
    Store::open(path, &Cancel::new().unwrap()).unwrap()
}

fn refused(path: &Path) -> StoreError {
    Store::open(path, &Cancel::new().unwrap()).map(|_| ()).unwrap_err()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

fn entry(n: u8, stored: SystemTime) -> Entry {
    Entry {
        key: Key([n; 32]),
        name: format!("server {n}"),
        transport: "http",
        endpoint: "https://h/mcp".into(),
        stored,
        allowed: None,
        body: vec![n; 100],
    }
}

/// Which entries are there, fresh or not.
fn kept(store: &Store) -> Vec<u8> {
    let rows = cache::list(store, HOUR).unwrap();
    let mut kept: Vec<u8> = rows.iter().map(|row| row.name["server ".len()..].parse().unwrap()).collect();
    kept.sort_unstable();
    kept
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_result_is_fresh_until_its_time_or_its_servers_is_over() {
    let mut store = Store::in_memory().unwrap();
    let short = Entry { allowed: Some(Duration::from_secs(60)), ..entry(1, at(0)) };
    let long = Entry { allowed: Some(Duration::from_secs(1 << 40)), ..entry(2, at(0)) };
    cache::keep(&mut store, &[entry(0, at(0)), short, long], MANY, HOUR, at(0)).unwrap();
    let fresh = |n: u8, ttl, now| cache::find(&store, &Key([n; 32]), ttl, at(now)).unwrap();
    let found = fresh(0, HOUR, 3599).unwrap();
    assert_eq!((found.stored, found.body.as_slice()), (at(0), [0; 100].as_slice()));
    assert_eq!(fresh(0, HOUR, 3600), None);
    assert!(fresh(1, HOUR, 59).is_some());
    assert_eq!(fresh(1, HOUR, 60), None);
    assert!(fresh(2, HOUR, 3599).is_some());
    assert_eq!(fresh(2, HOUR, 3600), None);
    assert_eq!(fresh(0, Duration::from_secs(5), 5), None, "the settings of today hold");
    assert_eq!(fresh(3, HOUR, 0), None);
    let before = at(0) - Duration::from_secs(60);
    assert_eq!(cache::find(&store, &Key([0; 32]), HOUR, before).unwrap(), None, "from the future");
}

#[test]
fn the_least_recently_used_results_make_room() {
    let mut store = Store::in_memory().unwrap();
    let three: Vec<Entry> = (0..3).map(|n| entry(n, at(u64::from(n)))).collect();
    cache::keep(&mut store, &three, 3, HOUR, at(3)).unwrap();
    cache::touch(&mut store, &[Key([0; 32])], at(100)).unwrap();
    cache::keep(&mut store, &[entry(3, at(101))], 3, HOUR, at(101)).unwrap();
    assert_eq!(kept(&store), [0, 2, 3]);
    cache::keep(&mut store, &[entry(4, at(4000))], 3, HOUR, at(4000)).unwrap();
    assert_eq!(kept(&store), [4], "what is not fresh goes before what is");
    let many: Vec<Entry> = (0..10).map(|n| entry(n, at(4001))).collect();
    cache::keep(&mut store, &many, 4, HOUR, at(4001)).unwrap();
    assert_eq!(kept(&store).len(), 4);
}

#[test]
fn a_use_is_due_once_a_minute() {
    let mut store = Store::in_memory().unwrap();
    cache::keep(&mut store, &[entry(0, at(0))], MANY, HOUR, at(0)).unwrap();
    let due = |store: &Store, now| cache::find(store, &Key([0; 32]), HOUR, at(now)).unwrap().unwrap().due;
    assert!(!due(&store, 60) && due(&store, 61));
    cache::touch(&mut store, &[Key([0; 32])], at(61)).unwrap();
    assert!(!due(&store, 121));
    cache::touch(&mut store, &[Key([0; 32])], at(10)).unwrap();
    assert_eq!(cache::list(&store, HOUR).unwrap()[0].last_used, at(61), "never back in time");
}

#[test]
fn a_slower_run_does_not_replace_what_a_later_one_found() {
    let mut store = Store::in_memory().unwrap();
    let body = |store: &Store| cache::find(store, &Key([0; 32]), HOUR, at(20)).unwrap().unwrap().body;
    let put = |store: &mut Store, seconds, text: &[u8], now| {
        let entry = Entry { body: text.to_vec(), ..entry(0, at(seconds)) };
        cache::keep(store, &[entry], MANY, HOUR, at(now)).unwrap();
    };
    put(&mut store, 10, b"later", 10);
    put(&mut store, 5, b"earlier", 11);
    assert_eq!(body(&store), b"later");
    put(&mut store, 12, b"latest", 12);
    assert_eq!(body(&store), b"latest");
    put(&mut store, 5000, b"future", 12);
    put(&mut store, 13, b"now", 13);
    assert_eq!(body(&store), b"now", "a clock that was wrong does not last");
}

#[test]
fn pruning_and_clearing_count_what_they_remove() {
    let mut store = Store::in_memory().unwrap();
    let all: Vec<Entry> = (0..6).map(|n| entry(n, at(u64::from(n) * 1000))).collect();
    cache::keep(&mut store, &all, MANY, HOUR, at(5000)).unwrap();
    assert_eq!(cache::prune(&mut store, 3, HOUR, at(5000)).unwrap(), 3);
    let names: Vec<String> = cache::list(&store, HOUR).unwrap().into_iter().map(|r| r.name).collect();
    assert_eq!(names, ["server 5", "server 4", "server 3"]);
    assert_eq!(cache::clear(&mut store).unwrap(), 3);
    assert_eq!(cache::list(&store, HOUR).unwrap(), []);
}

#[test]
fn files_are_private_and_directories_are_made() {
    let dir = fresh("private");
    let path = dir.join("a/b/c.db");
    let mut first = opened(&path);
    cache::keep(&mut first.store, &[entry(1, at(0))], MANY, HOUR, at(0)).unwrap();
    assert_eq!(mode(&dir.join("a")), 0o700);
    assert_eq!(mode(&dir.join("a/b")), 0o700);
    for ending in ["", ".key", "-wal", "-shm"] {
        assert_eq!(mode(&files::with_ending(&path, ending)), 0o600, "{ending}");
    }
    assert_eq!(first.aside, None);
    let one = key(first.store.secret(), &Target::command("t", "x", &[]), &Surroundings::default());
    drop(first);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let again = opened(&path);
    assert_eq!((kept(&again.store), mode(&path)), (vec![1], 0o600));
    let two = key(again.store.secret(), &Target::command("t", "x", &[]), &Surroundings::default());
    assert_eq!(one, two, "the key of hashes stays");
    let other = opened(&dir.join("other.db"));
    let three = key(other.store.secret(), &Target::command("t", "x", &[]), &Surroundings::default());
    assert_ne!(one, three, "and is nobody else's");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_is_no_cache_of_ours_is_moved_aside() {
    let dir = fresh("aside");
    let path = dir.join("x.db");
    let foreign = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let cases: [(&str, &dyn Fn()); 6] = [
        ("text", &|| fs::write(&path, "no database, and longer than a page of nothing").unwrap()),
        ("another's tables", &|| foreign("CREATE TABLE t (x); INSERT INTO t VALUES (1)")),
        ("another's stamp", &|| foreign("PRAGMA application_id = 7; CREATE TABLE t (x)")),
        ("our stamp without tables", &|| foreign(&format!("PRAGMA application_id = {APPLICATION}"))),
        ("a half", &|| {
            drop(opened(&path));
            let whole = fs::read(&path).unwrap();
            fs::write(&path, &whole[..whole.len() / 3]).unwrap();
        }),
        ("noise after the first page", &|| {
            drop(opened(&path));
            let mut whole = fs::read(&path).unwrap();
            whole[100..4096].fill(0xa5);
            fs::write(&path, whole).unwrap();
        }),
    ];
    for (what, make) in cases {
        let _ = fs::remove_file(&path);
        make();
        let before = fs::read(&path).unwrap();
        let mut begun = opened(&path);
        let aside = begun.aside.unwrap_or_else(|| panic!("{what}: left where it was"));
        assert!(aside.display().to_string().contains("x.db.damaged-"), "{what}: {aside:?}");
        assert_eq!(fs::read(&aside).unwrap(), before, "{what}");
        cache::keep(&mut begun.store, &[entry(1, at(0))], MANY, HOUR, at(0)).unwrap();
        drop(begun.store);
        let again = opened(&path);
        assert_eq!((again.aside, kept(&again.store)), (None, vec![1]), "{what}");
    }
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn damage_found_while_in_use_is_moved_aside_unless_somebody_did_so_before() {
    let dir = fresh("late");
    let path = dir.join("x.db");
    let cancel = Cancel::new().unwrap();
    let mut store = opened(&path).store;
    let many: Vec<Entry> = (0..10).map(|n| Entry { body: vec![n; 20_000], ..entry(n, at(0)) }).collect();
    cache::keep(&mut store, &many, MANY, HOUR, at(0)).unwrap();
    drop(store);
    let mut whole = fs::read(&path).unwrap();
    // The first page, which opening reads, is right; none of the others is.
    whole[4096..].fill(0xa5);
    fs::write(&path, whole).unwrap();
    let [one, two] = [(); 2].map(|()| opened(&path));
    assert_eq!((&one.aside, &two.aside), (&None, &None));
    let broken = cache::find(&one.store, &Key([1; 32]), HOUR, at(0)).unwrap_err();
    assert!(matches!(broken, StoreError::Damaged), "{broken}");
    // The other one still holds its lock: nobody moves a file that is in use.
    let tripped = Cancel::new().unwrap();
    tripped.trip();
    assert!(matches!(one.store.move_aside(&tripped), Err(StoreError::Locked)));
    let aside = two.store.move_aside(&cancel).unwrap().unwrap();
    assert!(aside.exists() && !path.exists());
    let three = opened(&path).store;
    drop(opened(&path).store.place);
    fs::rename(&path, dir.join("away")).unwrap();
    fs::write(&path, "").unwrap();
    assert_eq!(three.move_aside(&cancel).unwrap(), None, "another file stands there now");
    assert!(path.exists());
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn nobody_moves_a_file_that_another_run_has_open() {
    let dir = fresh("in-use");
    let path = dir.join("x.db");
    let user = opened(&path);
    fs::write(&path, "damaged while it was open").unwrap();
    let hurried = Cancel::new().unwrap();
    hurried.trip();
    let locked = Store::open(&path, &hurried).map(|_| ()).unwrap_err();
    assert!(matches!(locked, StoreError::Locked), "{locked}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "damaged while it was open");
    drop(user);
    let aside = opened(&path).aside.unwrap();
    assert_eq!(fs::read_to_string(aside).unwrap(), "damaged while it was open");
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_is_not_ours_to_touch_is_left_alone() {
    let dir = fresh("refused");
    let path = dir.join("x.db");
    fs::write(dir.join("precious"), "do not touch").unwrap();
    symlink(dir.join("precious"), &path).unwrap();
    let said = refused(&path).to_string();
    assert!(said.contains("symbolic link"), "{said}");
    assert_eq!(fs::read_to_string(dir.join("precious")).unwrap(), "do not touch");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(refused(&path).to_string().ends_with("is no regular file"));
    assert!(refused(&dir.join("precious/x.db")).to_string().contains("precious"));
    fs::remove_dir(&path).unwrap();
    drop(opened(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newer = refused(&path);
    assert!(matches!(&newer, StoreError::Newer(p) if *p == path), "{newer}");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 3, "precious, x.db and x.db.key");
    assert!(matches!(refused(Path::new("~/x.db")), StoreError::NoHome));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn looking_for_a_database_does_not_make_one() {
    let dir = fresh("looking");
    let cancel = Cancel::new().unwrap();
    assert!(Store::open_existing(&dir.join("x.db"), &cancel).unwrap().is_none());
    assert!(Store::open_existing(&dir.join("no/x.db"), &cancel).unwrap().is_none());
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_disk_without_shared_memory_gets_a_rollback_file() {
    let dir = fresh("rollback");
    let path = dir.join("x.db");
    drop(opened(&path));
    let journal = |store: &Store| -> String {
        store.db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(journal(&opened(&path).store), "wal");
    fs::remove_file(&path).unwrap();
    drop(files::open_private(&path, true).unwrap());
    with_journal(&path, "truncate", &Cancel::new().unwrap()).unwrap();
    let mut begun = opened(&path);
    assert_eq!((journal(&begun.store), begun.aside), ("truncate".to_owned(), None));
    cache::keep(&mut begun.store, &[entry(1, at(0))], MANY, HOUR, at(0)).unwrap();
    assert_eq!(kept(&opened(&path).store), [1]);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_writer_that_does_not_end_is_not_waited_for_for_ever() {
    let dir = fresh("locked");
    let path = dir.join("x.db");
    let cancel = Cancel::new().unwrap();
    let mut store = Store::open(&path, &cancel).unwrap().store;
    let blocker = Connection::open(&path).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    cancel.trip();
    let locked = cache::keep(&mut store, &[entry(1, at(0))], MANY, HOUR, at(0)).unwrap_err();
    assert!(matches!(locked, StoreError::Locked), "{locked}");
    blocker.execute_batch("ROLLBACK").unwrap();
    cache::keep(&mut store, &[entry(1, at(0))], MANY, HOUR, at(0)).unwrap();
    assert_eq!(kept(&store), [1]);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_full_disk_keeps_what_was_there_and_can_be_cleared() {
    let dir = fresh("full");
    let path = dir.join("x.db");
    let mut store = opened(&path).store;
    let big = |n| Entry { body: vec![n; 50_000], ..entry(n, at(0)) };
    cache::keep(&mut store, &[big(1)], MANY, HOUR, at(0)).unwrap();
    let pages: i64 = store.db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    let full = cache::keep(&mut store, &[entry(3, at(0)), big(2)], MANY, HOUR, at(0)).unwrap_err();
    assert!(matches!(full, StoreError::Full), "{full}");
    assert_eq!(kept(&store), [1], "all of a batch or nothing");
    assert_eq!(cache::clear(&mut store).unwrap(), 1);
    fs::remove_dir_all(dir).unwrap();
}

fn complete() -> Outcome {
    let json = |text: &str| Json::parse(text.to_owned()).unwrap();
    let row = |phase| Coverage {
        phase,
        state: CoverageState::Complete,
        items: 1,
        pages: 2,
        bytes: 3,
        ms: 4.5,
        reason: None,
    };
    Outcome {
        transport: Some(Transport::Sse),
        endpoint: EndpointView { url: Some("https://h/***".into()), ..EndpointView::default() },
        status: Status::Complete,
        inventory: Inventory {
            protocol: Some(Protocol { version: "2025-11-25".into(), era: Era::Handshake }),
            server: Some(json(r#"{"name":"x"}"#)),
            instructions: Some("line\nline".into()),
            capabilities: Some(json("{}")),
            tools: vec![json(r#"{"name":"t","n":1.50,"deep":[{"z":"\u001b"}]}"#)],
            coverage: List::ALL.map(row).to_vec(),
            cache_hint: Some(CacheHint { ttl_ms: 500, public: true }),
            ..Inventory::default()
        },
        auth: Auth { posture: Posture::Oauth, scopes: vec!["a".into()], ..Auth::default() },
        notes: vec![Note { code: "batch".into(), message: "an array".into(), count: 2 }],
        timing: Timing { total_ms: 12.5, tls_ms: Some(3.25), ..Timing::default() },
        attempts: 2,
        ..Outcome::unknown("then")
    }
}

#[test]
fn an_answer_comes_back_as_it_was_under_todays_name() {
    let stored = answer::entry(Key([1; 32]), &complete(), at(0)).unwrap();
    assert_eq!(stored.allowed, Some(Duration::from_millis(500)));
    assert_eq!((stored.transport, stored.endpoint.as_str()), ("sse", "https://h/***"));
    let found = cache::Found { stored: at(0), body: stored.body, due: false };
    let today = EndpointView { url: Some("https://h/today".into()), ..EndpointView::default() };
    let blank = Outcome {
        name: "now".into(),
        endpoint: today.clone(),
        status: Status::Failed,
        inventory: Inventory::default(),
        notes: Vec::new(),
        attempts: 0,
        ..complete()
    };
    let back = answer::outcome(blank, &found, at(90)).unwrap();
    let cached = back.cached.clone().unwrap();
    assert_eq!((cached.stored_at.as_str(), cached.age_s), ("2027-01-15T08:00:00.000Z", 90));
    let expected = Outcome {
        name: "now".into(),
        endpoint: today,
        attempts: 0,
        cached: back.cached.clone(),
        ..complete()
    };
    assert_eq!(back, expected);
    let broken = cache::Found { body: b"{\"transport\":".to_vec(), ..found };
    assert_eq!(answer::outcome(complete(), &broken, at(90)), None);
}

#[test]
fn only_complete_answers_that_may_be_kept_are_kept() {
    let kept = |outcome: &Outcome| answer::entry(Key([1; 32]), outcome, at(0)).is_some();
    assert!(kept(&complete()));
    for status in [Status::Partial, Status::Failed, Status::NotEvaluated] {
        assert!(!kept(&Outcome { status, ..complete() }), "{status:?}");
    }
    let hinted = |ttl_ms, public| {
        let inventory = Inventory { cache_hint: Some(CacheHint { ttl_ms, public }), ..complete().inventory };
        kept(&Outcome { inventory, ..complete() })
    };
    assert!(!hinted(0, true) && !hinted(0, false));
    assert!(hinted(1, false), "whoever asks with other credentials has another key");
}
