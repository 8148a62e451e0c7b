//! What a scan is about to do, and what that needs.
//!
//! Invariant: no I/O in this module.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::target::{Endpoint, Target};

/// A scan that is about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Servers by what they weigh.
    pub load: Load,
    /// How many at a time.
    pub width: Wanted,
    /// Idle connections that are kept.
    pub idle: usize,
    /// For one server.
    pub timeout: Duration,
    /// For the whole run.
    pub max_duration: Option<Duration>,
}

/// How many servers at a time are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// This many, said by somebody.
    Exactly(usize),
    /// To begin with; more or fewer as the machine turns out.
    Auto {
        /// At first.
        start: usize,
        /// At most, however much room there is.
        most: usize,
    },
}

/// Servers by what they weigh, heaviest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// Commands that start an interpreter which starts another one: npx and its like.
    pub launched: usize,
    /// Commands that are interpreters: node, python and their like.
    pub interpreted: usize,
    /// Other commands.
    pub plain: usize,
    /// URLs.
    pub remote: usize,
    /// URLs of the host and port that most of them share.
    pub busiest: usize,
}

/// What the machine has to give for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Open files of this process.
    pub open_files: u64,
    /// Processes and threads, our own and the servers'.
    pub tasks: u64,
    /// Bytes of memory, our own and the servers'.
    pub memory: u64,
    /// Bytes of our own address space.
    pub address_space: u64,
}

/// Open files beyond those of servers: standard streams, reports, databases, the guard, signals, certificates.
const OWN_FILES: u64 = 20;
/// Of a command while it starts: both ends of three pipes, a pidfd, and one that is just being ended. Forty
/// running ones were seen to hold four each.
const FILES_OF_COMMAND: u64 = 8;
/// Of a URL: an event stream and the request beside it, and two of a name lookup. Forty were seen to hold one
/// each over Streamable HTTP and two each over HTTP+SSE.
const FILES_OF_URL: u64 = 4;

/// Threads beyond the workers: signals, reaper, name lookups; and the guard process.
const OWN_TASKS: u64 = 8;
/// Of one interpreter: Node 20 runs 11 threads before the server's first line.
const TASKS_OF_INTERPRETER: u64 = 11;
/// Of any other command: itself and one it may start.
const TASKS_OF_PLAIN: u64 = 2;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// Ours before the first server; an idle run stays well below.
const OWN_MEMORY: u64 = 16 * MIB;
/// Touched of a worker's stack and its allocator. Forty workers were seen to add 2 MiB in all.
const MEMORY_OF_WORKER: u64 = 64 * KIB;
/// Buffers of a connection.
const MEMORY_OF_CONNECTION: u64 = 30 * KIB;
/// Of one interpreter: server-everything on Node 20 has 68 MiB resident; FastMCP on Python 3.11 starts with 43.
const MEMORY_OF_INTERPRETER: u64 = 70 * MIB;
/// Of any other command; compiled servers stay below.
const MEMORY_OF_PLAIN: u64 = 16 * MIB;

/// Address space before the first worker, the allocator's arenas included.
const OWN_ADDRESS_SPACE: u64 = 256 * MIB;
/// Of a worker: the stack the pool gives it, and its guard page.
const ADDRESS_SPACE_OF_WORKER: u64 = 520 * KIB;

/// Programs that run a program of their own kind.
const LAUNCHERS: [&str; 4] = ["npx", "npm", "pnpm", "yarn"];
/// Programs that are an interpreter, or start just one.
const INTERPRETERS: [&str; 11] =
    ["node", "nodejs", "deno", "bun", "bunx", "python", "pypy", "uv", "uvx", "pipx", "tsx"];

impl Load {
    /// Of `targets`; those that are not to be tried weigh nothing.
    pub(crate) fn of(targets: &[Target]) -> Load {
        let mut load = Load::default();
        let mut origins: HashMap<&str, usize> = HashMap::new();
        for target in targets.iter().filter(|t| t.hold.is_none()) {
            match &target.endpoint {
                Endpoint::Stdio(command) => *load.kind_of(&command.program) += 1,
                Endpoint::Remote(remote) => {
                    load.remote += 1;
                    *origins.entry(origin(&remote.url)).or_default() += 1;
                }
                Endpoint::Unknown => {}
            }
        }
        load.busiest = origins.into_values().max().unwrap_or(0);
        load
    }

    fn kind_of(&mut self, program: &str) -> &mut usize {
        let name = program.rsplit('/').next().unwrap_or(program);
        // `python3.11` is a python.
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        match name {
            name if LAUNCHERS.contains(&name) => &mut self.launched,
            name if INTERPRETERS.contains(&name) => &mut self.interpreted,
            _ => &mut self.plain,
        }
    }

    /// Both, which share no host.
    pub(crate) fn with(self, other: Load) -> Load {
        Load {
            launched: self.launched + other.launched,
            interpreted: self.interpreted + other.interpreted,
            plain: self.plain + other.plain,
            remote: self.remote + other.remote,
            busiest: self.busiest.max(other.busiest),
        }
    }

    /// Commands.
    pub(crate) fn commands(&self) -> usize {
        self.launched + self.interpreted + self.plain
    }

    /// All servers.
    pub(crate) fn servers(&self) -> usize {
        self.commands() + self.remote
    }

    /// The `width` heaviest of them at once.
    fn heaviest(&self, width: usize) -> Load {
        let mut left = width;
        let mut take = |of: usize| {
            let taken = of.min(left);
            left -= taken;
            taken
        };
        let (launched, interpreted) = (take(self.launched), take(self.interpreted));
        let (plain, remote) = (take(self.plain), take(self.remote));
        Load { launched, interpreted, plain, remote, busiest: self.busiest }
    }
}

/// Host and port of a URL, as they are written.
fn origin(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}

impl Plan {
    /// How many servers at a time are wanted at first.
    pub(crate) fn wanted(&self) -> usize {
        match self.width {
            Wanted::Exactly(n) => n.min(self.load.servers()).max(1),
            Wanted::Auto { start, .. } => start.min(self.most()).max(1),
        }
    }

    /// How many servers at a time there can come to be.
    pub(crate) fn most(&self) -> usize {
        match self.width {
            Wanted::Exactly(_) => self.wanted(),
            Wanted::Auto { most, .. } => self.load.servers().clamp(1, most.max(1)),
        }
    }

    /// What `width` servers at a time need, if the heaviest happen to run at once.
    pub(crate) fn needs(&self, width: usize) -> Needs {
        let at_once = self.load.heaviest(width);
        let [launched, interpreted, plain, remote] =
            [at_once.launched, at_once.interpreted, at_once.plain, at_once.remote].map(|n| n as u64);
        let interpreters = 2 * launched + interpreted;
        let idle = self.idle.min(self.load.remote) as u64;
        let workers = width as u64;
        Needs {
            open_files: OWN_FILES
                + FILES_OF_COMMAND * at_once.commands() as u64
                + FILES_OF_URL * remote
                + idle,
            tasks: OWN_TASKS
                + workers
                // A launcher keeps a shell between itself and the server.
                + TASKS_OF_INTERPRETER * interpreters
                + launched
                + TASKS_OF_PLAIN * plain,
            memory: OWN_MEMORY
                + MEMORY_OF_WORKER * workers
                + MEMORY_OF_CONNECTION * (2 * remote + idle)
                + MEMORY_OF_INTERPRETER * interpreters
                + MEMORY_OF_PLAIN * plain,
            address_space: OWN_ADDRESS_SPACE + ADDRESS_SPACE_OF_WORKER * workers,
        }
    }

    /// Local ports that the busiest host and port may take: closed connections keep theirs for a minute, and
    /// HTTP+SSE opens two a server.
    pub(crate) fn ports(&self) -> u64 {
        2 * self.load.busiest as u64
    }

    /// Connections that a firewall on the way may have to follow: it forgets closed ones after two minutes.
    pub(crate) fn connections(&self) -> u64 {
        2 * self.load.remote as u64
    }

    /// How long the run takes if every server uses up its time.
    pub(crate) fn longest(&self, width: usize) -> Duration {
        let rounds = self.load.servers().div_ceil(width.max(1));
        self.timeout.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_weighed() {
        let command = |program: &str| Target::command("x", program, &[]);
        let mut targets: Vec<Target> =
            ["npx", "/usr/bin/npm", "node", "python3.11", "uvx", "/opt/bin/server", "nodemon"]
                .map(command)
                .into();
        targets.extend(
            ["http://a/x", "http://a/y", "http://u:p@a/z?q", "http://a:81/", "https://b"]
                .map(|url| Target::url("x", url)),
        );
        targets.push(Target::url("broken", "no url"));
        let load = Load::of(&targets);
        assert_eq!(load, Load { launched: 2, interpreted: 3, plain: 2, remote: 5, busiest: 3 });
        assert_eq!((load.commands(), load.servers()), (7, 12));
    }

    fn plan(load: Load, width: Wanted) -> Plan {
        Plan { load, width, idle: 20, timeout: Duration::from_secs(30), max_duration: None }
    }

    #[test]
    fn needs_grow_with_the_width_and_the_weight() {
        let all = Load { launched: 1, interpreted: 2, plain: 3, remote: 10, busiest: 10 };
        let plan = plan(all, Wanted::Exactly(100));
        assert_eq!((plan.wanted(), plan.most()), (16, 16));
        let idle = 10;
        // The heaviest come first: one npx, then two interpreters, then three others, then URLs.
        let expected = [
            (1, 20 + 8, 8 + 1 + 22 + 1),
            (3, 20 + 24, 8 + 3 + 44 + 1),
            (6, 20 + 48, 8 + 6 + 44 + 1 + 6),
            (8, 20 + 48 + 8, 8 + 8 + 44 + 1 + 6),
        ];
        for (width, files, tasks) in expected {
            let needs = plan.needs(width);
            assert_eq!((needs.open_files, needs.tasks), (files + idle, tasks), "{width}");
        }
        let memory = |width| plan.needs(width).memory;
        assert_eq!(memory(2) - memory(1), 70 * MIB + 64 * KIB);
        assert_eq!(memory(8) - memory(7), (64 + 60) * KIB);
        assert!((1..16).all(|w| memory(w) < memory(w + 1)));
        assert_eq!((plan.ports(), plan.connections()), (20, 20));
    }

    #[test]
    fn auto_may_grow_as_far_as_there_are_servers() {
        let remote = |remote| Load { remote, ..Load::default() };
        let auto = |n| plan(remote(n), Wanted::Auto { start: 6, most: 500 });
        assert_eq!((auto(0).wanted(), auto(0).most()), (1, 1));
        assert_eq!((auto(3).wanted(), auto(3).most()), (3, 3));
        assert_eq!((auto(100).wanted(), auto(100).most()), (6, 100));
        assert_eq!((auto(10_000).wanted(), auto(10_000).most()), (6, 500));
        assert_eq!(auto(100).longest(6), Duration::from_secs(17 * 30));
    }
}
