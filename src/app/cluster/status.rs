//! `hawkeye cluster status`: who works, what waits, how far the runs are.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::SystemTime;

use serde::Serialize;

use crate::app::exit::Exit;
use crate::app::{print, say};
use crate::base::columns::{Side, lay_out};
use crate::base::text::quote;
use crate::base::time::short_span;
use crate::cli::args::{Cluster, ClusterCommand, Shown};
use crate::cluster::Queue;
use crate::cluster::options::Listed;
use crate::cluster::status::{KeyState, Lane, Standing, Status, Trouble, look};
use crate::config::{Environment, Overrides, resolve};
use crate::report::json_line;

/// Workers that are gone, in the table: of each start under another name one stays.
const MOST_GONE: usize = 20;

pub(in crate::app) fn run(args: &Cluster) -> Exit {
    let ClusterCommand::Status(args) = &args.command;
    let flags =
        Overrides { config: args.config.clone(), profile: args.profile.clone(), ..Overrides::default() };
    let resolved = Environment::of_process().and_then(|environment| resolve(&flags, &environment));
    let options = match resolved {
        Ok(resolved) => resolved.settings.cluster,
        Err(e) => return ended(&e.to_string(), Exit::Usage),
    };
    let mut queue = match Queue::new(&options) {
        Ok(queue) => queue,
        Err(why) => return ended(&why, Exit::Usage),
    };
    let status = match look(&mut queue) {
        Ok(status) => status,
        Err(Trouble::Refused(why)) => return ended(&why, Exit::Usage),
        Err(away) => return ended(&away.to_string(), Exit::Unwritten),
    };
    let view = View::of(&status, queue.shown(), &options.workers, SystemTime::now());
    let text = match args.format {
        Shown::Table => view.table(),
        Shown::Json => json_line(&view),
    };
    match print(&text) {
        Exit::Complete if status.key == KeyState::Another => {
            let why = "the queue is used with another key than that of cluster.key_file: its workers cannot be seen";
            ended(why, Exit::Usage)
        }
        Exit::Complete if !view.whole() => Exit::Incomplete,
        printed => printed,
    }
}

fn ended(why: &str, exit: Exit) -> Exit {
    say(why);
    exit
}

#[derive(Debug, Serialize)]
struct View<'a> {
    queue: &'a str,
    key: &'static str,
    bytes: Option<u64>,
    /// Keys under our prefix that are not of this cluster.
    foreign: usize,
    slots: usize,
    running: usize,
    last_minute: u64,
    workers: Vec<WorkerView<'a>>,
    queues: Vec<QueueView>,
    runs: Vec<RunView<'a>>,
}

#[derive(Debug, Serialize)]
struct WorkerView<'a> {
    name: &'a str,
    /// Of `cluster.workers`.
    listed: bool,
    state: State,
    host: Option<&'a str>,
    version: Option<&'a str>,
    slots: Option<usize>,
    running: Option<usize>,
    done: Option<u64>,
    last_minute: Option<u64>,
    commands: Option<bool>,
    up_s: Option<u64>,
    /// Jobs that it took and that have no result.
    pending: u64,
    /// Since it had its last job, or since it first came.
    idle_s: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Alive,
    /// Ends what it has and takes no more.
    Draining,
    /// Was here.
    Gone,
    /// Is listed, and was never here.
    Missing,
}

#[derive(Debug, Serialize)]
struct QueueView {
    jobs_for: String,
    waiting: u64,
    in_flight: u64,
}

#[derive(Debug, Serialize)]
struct RunView<'a> {
    id: &'a str,
    /// Whether the host that began it still looks after it.
    going_on: bool,
    planned: Option<usize>,
    done: Option<usize>,
    out: Option<usize>,
    age_s: Option<u64>,
    results_waiting: u64,
}

impl<'a> View<'a> {
    fn of(status: &'a Status, queue: &'a str, listed: &'a [Listed], now: SystemTime) -> View<'a> {
        let names: BTreeSet<&str> = listed.iter().map(|listed| listed.host.as_str()).collect();
        let absent = names.iter().filter(|name| !status.workers.contains_key(**name));
        let mut workers: Vec<WorkerView<'_>> = absent.map(|name| WorkerView::of(name, true, None)).collect();
        workers.extend(
            status
                .workers
                .iter()
                .map(|(name, standing)| WorkerView::of(name, names.contains(name.as_str()), Some(standing))),
        );
        workers.sort_by_key(|worker| worker.name);
        let runs = status.runs.iter().map(|run| RunView {
            id: &run.id,
            going_on: run.progress.is_some(),
            planned: run.progress.map(|p| p.planned),
            done: run.progress.map(|p| p.planned.saturating_sub(p.left)),
            out: run.progress.map(|p| p.out),
            age_s: run.age(now).map(|age| age.as_secs()),
            results_waiting: run.results,
        });
        let queues = status.lanes.iter().map(|state| QueueView {
            jobs_for: match &state.lane {
                Lane::Remote => "any worker".to_owned(),
                Lane::Command => "workers that run commands".to_owned(),
                Lane::Worker(name) => format!("worker {name}"),
            },
            waiting: state.waiting,
            in_flight: state.in_flight,
        });
        View {
            queue,
            key: match status.key {
                KeyState::Unused => "unused",
                KeyState::Ours => "ours",
                KeyState::Another => "another",
            },
            bytes: status.bytes,
            foreign: status.foreign,
            slots: workers.iter().filter_map(|worker| worker.slots).sum(),
            running: workers.iter().filter_map(|worker| worker.running).sum(),
            last_minute: workers.iter().filter_map(|worker| worker.last_minute).sum(),
            queues: queues.collect(),
            runs: runs.collect(),
            workers,
        }
    }

    /// Whether somebody is there, and everybody who should be.
    fn whole(&self) -> bool {
        let there = |worker: &WorkerView<'_>| matches!(worker.state, State::Alive | State::Draining);
        self.workers.iter().any(there) && self.workers.iter().all(|worker| !worker.listed || there(worker))
    }

    fn table(&self) -> String {
        let View { queue, slots, running, last_minute, foreign, .. } = self;
        let key = match self.key {
            "unused" => "nobody was here yet",
            "ours" => "that of cluster.key_file",
            _ => "another than that of cluster.key_file",
        };
        let used = self.bytes.map_or_else(|| "not told".to_owned(), |bytes| format!("{bytes} bytes"));
        let mut out = format!(
            "queue     {}\nkey       {key}\nmemory    {used}\nat work   {running} of {slots}, {last_minute} done in the last minute\n",
            quote(queue, 200)
        );
        if *foreign > 0 {
            let _ = writeln!(out, "foreign   {foreign} keys or names are not of this cluster");
        }
        self.workers_table(&mut out);
        if self.queues.iter().any(|queue| queue.waiting + queue.in_flight > 0) {
            let mut rows = vec![["jobs for", "waiting", "in flight"].map(str::to_owned).to_vec()];
            let busy = self.queues.iter().filter(|queue| queue.waiting + queue.in_flight > 0);
            rows.extend(
                busy.map(|q| vec![q.jobs_for.clone(), q.waiting.to_string(), q.in_flight.to_string()]),
            );
            let _ = write!(out, "\n{}", lay_out(&rows, &[Side::Left, Side::Right, Side::Right]));
        }
        if !self.runs.is_empty() {
            let heads = ["run", "done", "of", "out", "age", ""];
            let mut rows = vec![heads.map(str::to_owned).to_vec()];
            rows.extend(self.runs.iter().map(|run| {
                let state = if run.going_on { "" } else { "its host is gone (hawkeye scan --resume)" };
                vec![
                    run.id.to_owned(),
                    or_dash(run.done),
                    or_dash(run.planned),
                    or_dash(run.out),
                    run.age_s.map_or_else(|| "-".to_owned(), short_span),
                    state.to_owned(),
                ]
            }));
            let right = Side::Right;
            let _ = write!(out, "\n{}", lay_out(&rows, &[Side::Left, right, right, right, right]));
        }
        out
    }

    fn workers_table(&self, out: &mut String) {
        if self.workers.is_empty() {
            out.push_str("\nno worker is alive (hawkeye worker)\n");
            return;
        }
        let heads =
            ["worker", "host", "state", "slots", "running", "done", "a minute", "commands", "version", "up"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        let mut gone = 0;
        for worker in &self.workers {
            let state = match (worker.state, worker.idle_s) {
                (State::Alive, _) => "alive".to_owned(),
                (State::Draining, _) => "draining".to_owned(),
                (State::Gone, Some(idle)) => format!("gone, idle for {}", short_span(idle)),
                (State::Gone, None) => "gone".to_owned(),
                (State::Missing, _) => "missing".to_owned(),
            };
            gone += usize::from(worker.state == State::Gone && !worker.listed);
            if worker.state == State::Gone && !worker.listed && gone > MOST_GONE {
                continue;
            }
            rows.push(vec![
                quote(worker.name, 60),
                worker.host.map_or_else(|| "-".to_owned(), |host| quote(host, 60)),
                state,
                or_dash(worker.slots),
                or_dash(worker.running),
                or_dash(worker.done),
                or_dash(worker.last_minute),
                worker.commands.map_or("-", |may| if may { "yes" } else { "no" }).to_owned(),
                worker.version.map_or_else(|| "-".to_owned(), |version| quote(version, 20)),
                worker.up_s.map_or_else(|| "-".to_owned(), short_span),
            ]);
        }
        let (left, right) = (Side::Left, Side::Right);
        let _ = write!(out, "\n{}", lay_out(&rows, &[left, left, left, right, right, right, right]));
        if gone > MOST_GONE {
            let _ = writeln!(out, "and {} more that are gone", gone - MOST_GONE);
        }
    }
}

impl<'a> WorkerView<'a> {
    fn of(name: &'a str, listed: bool, standing: Option<&'a Standing>) -> WorkerView<'a> {
        let beat = standing.and_then(|standing| standing.beat.as_ref());
        WorkerView {
            name,
            listed,
            state: match (standing, beat) {
                (_, Some(beat)) if beat.draining => State::Draining,
                (_, Some(_)) => State::Alive,
                (Some(_), None) => State::Gone,
                (None, None) => State::Missing,
            },
            host: beat.map(|beat| beat.host.as_str()),
            version: beat.map(|beat| beat.version.as_str()),
            slots: beat.map(|beat| beat.slots),
            running: beat.map(|beat| beat.running),
            done: beat.map(|beat| beat.done),
            last_minute: beat.map(|beat| beat.last_minute),
            commands: beat.map(|beat| beat.commands),
            up_s: beat.map(|beat| beat.up),
            pending: standing.map_or(0, |standing| standing.pending),
            idle_s: standing.and_then(|standing| standing.idle).map(|idle| idle.as_secs()),
        }
    }
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn listed(names: &[&str]) -> Vec<Listed> {
        names.iter().map(|name| Listed { host: (*name).to_owned(), max_concurrent: None }).collect()
    }

    fn gone() -> Standing {
        Standing { idle: Some(Duration::from_secs(90)), ..Standing::default() }
    }

    #[test]
    fn who_is_listed_and_not_there_is_missed() {
        let mut status = Status::default();
        status.workers.insert("a".to_owned(), gone());
        let listed = listed(&["b"]);
        let view = View::of(&status, "q", &listed, SystemTime::now());
        let states: Vec<(&str, State)> = view.workers.iter().map(|w| (w.name, w.state)).collect();
        assert_eq!(states, [("a", State::Gone), ("b", State::Missing)]);
        assert!(!view.whole());
        let table = view.table();
        assert!(table.contains("gone, idle for 1m"), "{table}");
        assert!(table.contains("missing"), "{table}");
    }

    #[test]
    fn the_table_does_not_grow_with_those_who_are_gone() {
        let mut status = Status::default();
        (0..1000).for_each(|n| drop(status.workers.insert(format!("w{n:04}"), gone())));
        let table = View::of(&status, "q", &[], SystemTime::now()).table();
        assert!(table.lines().count() < 40 && table.contains("and 980 more that are gone"), "{table}");
    }
}
