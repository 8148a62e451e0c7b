//! Runs: what is kept of them, for how long, and which server is the same one.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::history::*;
use super::options::HistoryOptions;
use super::tests::fresh;
use super::{APPLICATION, MIGRATIONS, Store, cache, key};
use crate::sys::cancel::Cancel;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

fn begun(n: u64) -> Begun {
    let (what, rules) = ("servers.json".to_owned(), "{}".to_owned());
    Begun { id: format!("{n:032x}"), started: at(n), what, rules }
}

/// A server: its name's mark, its endpoint's, and what it offers.
fn entry(name: Option<u8>, endpoint: u8, offer: &str) -> Entry {
    Entry {
        place: usize::from(endpoint),
        identity: Identity { name: name.map(|n| [n; 16]), endpoint: [endpoint; 16] },
        label: format!("server {endpoint}"),
        complete: true,
        offer: Offer::Text(Text::new(offer.as_bytes().to_vec())),
        verdict: Text::new(b"verdict".to_vec()),
        took: vec![1, 2],
        attempts: 1,
        since: None,
        cached: None,
        drift: None,
        moment: None,
    }
}

/// A whole run at second `n` that found `entries`.
fn run(store: &mut Store, n: u64, entries: &[Entry]) -> i64 {
    let number = record(store, &begun(n), None, entries).unwrap();
    let (tally, clients) = (String::new(), String::new());
    let ended = Ended { finished: at(n), interrupted: false, tally, clients };
    finish(store, number, &ended).unwrap();
    number
}

/// What is known of a server, as text.
fn known(store: &Store, name: Option<u8>, endpoint: u8, taken: &[u8]) -> Option<String> {
    let who = Identity { name: name.map(|n| [n; 16]), endpoint: [endpoint; 16] };
    let other = |n: &u8| Identity { name: Some([*n; 16]), endpoint: [0; 16] };
    known_here(store, &who, &taken.iter().map(other).collect())
}

fn known_here(store: &Store, who: &Identity, here: &Here) -> Option<String> {
    let known = knowledge(store).unwrap().of(who, here)?;
    Some(String::from_utf8(text(store, known.inventory).unwrap().unwrap()).unwrap())
}

fn count(store: &Store, table: &str) -> i64 {
    store.db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn the_same_server_is_found_by_name_and_endpoint_by_name_or_by_endpoint() {
    let mut store = Store::in_memory().unwrap();
    run(&mut store, 1, &[entry(Some(1), 10, "exact"), entry(Some(2), 20, "other"), entry(None, 30, "bare")]);
    let of = |name, endpoint, taken: &[u8]| known(&store, name, endpoint, taken);
    assert_eq!(of(Some(1), 10, &[1]).as_deref(), Some("exact"));
    assert_eq!(of(Some(1), 20, &[1]).as_deref(), Some("exact"), "its name before its endpoint");
    assert_eq!(of(Some(1), 99, &[1]).as_deref(), Some("exact"), "its command line is another");
    assert_eq!(of(Some(3), 20, &[3]).as_deref(), Some("other"), "it was renamed");
    assert_eq!(of(Some(3), 20, &[2, 3]), None, "the other one is still there");
    assert_eq!(of(Some(3), 30, &[3]).as_deref(), Some("bare"));
    assert_eq!(of(None, 30, &[]).as_deref(), Some("bare"));
    assert_eq!(of(None, 99, &[]), None, "what has no name is not found by that");
}

#[test]
fn of_one_name_the_latest_counts_unless_that_is_another_server_of_the_run() {
    let mut store = Store::in_memory().unwrap();
    run(&mut store, 1, &[entry(Some(1), 10, "a")]);
    run(&mut store, 2, &[entry(Some(1), 20, "b")]);
    let who = |endpoint| Identity { name: Some([1; 16]), endpoint: [endpoint; 16] };
    let of = |store: &Store, endpoint, here: &[u8]| {
        known_here(store, &who(endpoint), &here.iter().map(|n| who(*n)).collect())
    };
    assert_eq!(of(&store, 10, &[10]).as_deref(), Some("b"), "it goes back to what it was before");
    assert_eq!(of(&store, 10, &[10, 20]).as_deref(), Some("a"), "the later one is here as well");
    // Two of one name in one run, of which one has failed since.
    run(&mut store, 3, &[entry(Some(1), 10, "a3"), entry(Some(1), 20, "b3")]);
    run(
        &mut store,
        4,
        &[Entry { offer: Offer::Unknown, ..entry(Some(1), 10, "") }, entry(Some(1), 20, "b4")],
    );
    assert_eq!(of(&store, 10, &[10, 20]).as_deref(), Some("a3"));
    assert_eq!(of(&store, 20, &[10, 20]).as_deref(), Some("b4"));
    // What is still the same command line is so where both were seen at once.
    run(&mut store, 5, &[entry(Some(1), 10, "a5"), entry(Some(1), 20, "b5")]);
    assert_eq!(of(&store, 10, &[10]).as_deref(), Some("a5"));
}

#[test]
fn complete_knowledge_counts_and_what_came_from_the_cache_does_not() {
    let mut store = Store::in_memory().unwrap();
    run(&mut store, 1, &[entry(Some(1), 10, "whole")]);
    run(&mut store, 2, &[Entry { complete: false, ..entry(Some(1), 10, "part") }]);
    run(&mut store, 3, &[Entry { cached: Some(at(0)), ..entry(Some(1), 10, "cached") }]);
    run(&mut store, 4, &[Entry { complete: false, offer: Offer::Unknown, ..entry(Some(1), 10, "") }]);
    assert_eq!(known(&store, Some(1), 10, &[]).as_deref(), Some("whole"));
    run(&mut store, 5, &[Entry { complete: false, ..entry(Some(2), 20, "part") }]);
    assert_eq!(known(&store, Some(2), 20, &[]).as_deref(), Some("part"), "better than nothing");
    run(&mut store, 6, &[entry(Some(1), 10, "newer")]);
    assert_eq!(known(&store, Some(1), 10, &[]).as_deref(), Some("newer"));
}

#[test]
fn what_stays_the_same_is_stored_once() {
    let mut store = Store::in_memory().unwrap();
    for n in 0..10 {
        run(&mut store, n, &[entry(Some(1), 10, "same"), entry(Some(2), 20, "same")]);
    }
    assert_eq!((count(&store, "body"), count(&store, "state"), count(&store, "seen")), (2, 2, 20));
    let hash = Text::new(b"same".to_vec()).hash;
    run(&mut store, 11, &[Entry { offer: Offer::Stored(hash), ..entry(Some(1), 10, "") }]);
    assert_eq!((count(&store, "body"), count(&store, "state")), (2, 2));
    run(&mut store, 12, &[Entry { offer: Offer::Stored([0; 32]), ..entry(Some(1), 10, "") }]);
    assert_eq!(known(&store, Some(1), 10, &[]).as_deref(), Some("same"), "never somebody else's");
}

#[test]
fn old_runs_go_but_for_what_is_the_last_known_of_a_server() {
    let mut store = Store::in_memory().unwrap();
    run(&mut store, 0, &[entry(Some(9), 90, "rare"), entry(Some(1), 10, "0")]);
    for n in 1..=6 {
        run(&mut store, n, &[entry(Some(1), 10, &n.to_string())]);
    }
    let options = HistoryOptions { max_runs: 3, ..HistoryOptions::default() };
    assert_eq!(prune(&mut store, &options, None, at(7)).unwrap(), 4);
    let kept = runs(&store, 100, None).unwrap();
    let starts: Vec<SystemTime> = kept.iter().map(|run| run.begun.started).collect();
    assert_eq!(starts, [at(6), at(5), at(4)]);
    assert_eq!(known(&store, Some(9), 90, &[]).as_deref(), Some("rare"));
    assert_eq!((count(&store, "run"), count(&store, "seen"), count(&store, "body")), (4, 4, 5));
    assert_eq!(prune(&mut store, &options, None, at(7)).unwrap(), 0);
    // After its days, everything goes.
    let year = 366 * 86_400;
    assert_eq!(prune(&mut store, &options, None, at(year)).unwrap(), 4);
    assert_eq!((count(&store, "seen"), count(&store, "state"), count(&store, "body")), (0, 0, 0));
}

#[test]
fn a_file_that_is_too_large_loses_its_oldest_runs_a_few_at_a_time() {
    let mut store = Store::in_memory().unwrap();
    for n in 0..20 {
        let text = n.to_string().repeat(100_000);
        run(&mut store, n, &[entry(Some(1), 10, &text)]);
    }
    let options = HistoryOptions { max_bytes: 1 << 20, ..HistoryOptions::default() };
    assert_eq!(prune(&mut store, &options, None, at(30)).unwrap(), 8);
    while prune(&mut store, &options, None, at(30)).unwrap() > 0 {}
    let left = runs(&store, 100, None).unwrap();
    assert!((1..8).contains(&left.len()) && left[0].begun.started == at(19), "{}", left.len());
}

#[test]
fn a_run_that_may_still_last_stays() {
    let mut store = Store::in_memory().unwrap();
    record(&mut store, &begun(0), None, &[entry(Some(1), 10, "x")]).unwrap();
    for n in 1..5 {
        run(&mut store, n, &[entry(Some(1), 10, &n.to_string())]);
    }
    let options = HistoryOptions { max_runs: 1, ..HistoryOptions::default() };
    while prune(&mut store, &options, None, at(10)).unwrap() > 0 {}
    let left: Vec<Recorded> = runs(&store, 100, None).unwrap();
    assert!(left.iter().any(|run| run.begun.started == at(0) && run.ended.is_none()), "{left:?}");
    assert!(left.iter().any(|run| run.begun.started == at(4) && !run.thinned), "the newest: {left:?}");
    assert!(prune(&mut store, &options, None, at(90_000)).unwrap() > 0, "after a day it was killed");
}

#[test]
fn cache_and_history_are_emptied_each_on_its_own() {
    let mut store = Store::in_memory().unwrap();
    run(&mut store, 1, &[entry(Some(1), 10, "x")]);
    let result = cache::Entry {
        key: key::Key([1; 32]),
        name: "s".into(),
        transport: "http",
        endpoint: "http://h".into(),
        stored: at(1),
        allowed: None,
        body: vec![1],
    };
    cache::keep(&mut store, &[result], 10, Duration::from_secs(60), at(1)).unwrap();
    assert_eq!(cache::clear(&mut store).unwrap(), 1);
    assert_eq!(runs(&store, 10, None).unwrap().len(), 1);
    assert_eq!(known(&store, Some(1), 10, &[]).as_deref(), Some("x"));
    assert_eq!(clear(&mut store).unwrap(), 1);
    assert_eq!((count(&store, "run"), count(&store, "seen"), count(&store, "body")), (0, 0, 0));
}

#[test]
fn a_file_of_the_first_version_gets_a_history_and_keeps_its_results() {
    let dir = fresh("version-1");
    let path = dir.join("x.db");
    let cancel = Cancel::new().unwrap();
    {
        let db = Connection::open(&path).unwrap();
        db.execute_batch(MIGRATIONS[0]).unwrap();
        db.pragma_update(None, "application_id", APPLICATION).unwrap();
        db.pragma_update(None, "user_version", 1).unwrap();
        db.execute("INSERT INTO result VALUES (?1, 's', 'http', 'e', 1, NULL, 1, 1, x'00')", [[7u8; 32]])
            .unwrap();
    }
    let mut opened = Store::open(&path, &cancel).unwrap();
    assert_eq!(opened.aside, None);
    assert_eq!(cache::list(&opened.store, Duration::from_secs(60)).unwrap().len(), 1);
    run(&mut opened.store, 1, &[entry(Some(1), 10, "x")]);
    drop(opened);
    let opened = Store::open(&path, &cancel).unwrap();
    assert_eq!(runs(&opened.store, 10, None).unwrap().len(), 1);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn runs_are_found_by_the_beginning_of_their_id_and_by_their_servers() {
    let mut store = Store::in_memory().unwrap();
    run(&mut store, 0xabc1, &[entry(Some(1), 10, "x")]);
    run(&mut store, 0xabc2, &[entry(Some(2), 20, "y")]);
    let id = format!("{:032x}", 0xabc1);
    assert_eq!(runs_called(&store, &id).unwrap()[0].begun.id, id);
    assert_eq!(runs_called(&store, "0000").unwrap().len(), 2);
    assert_eq!(runs_called(&store, "%").unwrap().len(), 0);
    let with: Vec<String> =
        runs(&store, 10, Some("server 20")).unwrap().into_iter().map(|run| run.begun.id).collect();
    assert_eq!(with, [format!("{:032x}", 0xabc2)]);
}
