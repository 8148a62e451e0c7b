//! Whether a plan fits a machine.
//!
//! Invariant: no I/O in this module.

use crate::sys::host::{Host, least};

use super::plan::{Needs, Plan, Wanted};
use super::{Check, State, Unit, Verdict};

/// One thing that grows with the width.
struct Resource {
    name: &'static str,
    unit: Unit,
    need: fn(&Needs) -> u64,
    /// What is taken already, on top of that.
    taken: u64,
    given: Option<u64>,
    source: &'static str,
    /// Whether the width is lowered for it even if somebody asked for this width.
    binding: Binding,
    remedy: Remedy,
}

/// What helps.
enum Remedy {
    /// This command.
    Command(String),
    /// Fewer servers at a time.
    Narrower,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Binding {
    /// Without it servers fail.
    Hard,
    /// An estimate; bounds what hawkeye chooses by itself.
    Estimate,
}

/// Holds `plan` against `host`.
pub(crate) fn judge(plan: &Plan, host: &Host) -> Verdict {
    let (wanted, most) = (plan.wanted(), plan.most());
    let asked = plan.needs(wanted);
    let resources = resources(plan, host, &asked);
    let auto = matches!(plan.width, Wanted::Auto { .. });
    let room = |r: &Resource| {
        let given = r.given.unwrap_or(u64::MAX);
        widest(most, |width| (r.need)(&plan.needs(width)) + r.taken <= given)
    };
    let binds = |r: &&Resource| auto || r.binding == Binding::Hard;
    let most = resources.iter().filter(binds).map(room).min().unwrap_or(most);
    let width = wanted.min(most);
    let mut checks: Vec<Check> = resources
        .iter()
        .map(|r| {
            let needed = (r.need)(&asked) + r.taken;
            let short = r.given.is_some_and(|given| given < needed);
            let state = match r.given {
                None => State::Unknown,
                Some(_) if !short => State::Ok,
                Some(_) if binds(&r) => State::Lowered,
                Some(_) => State::Warn,
            };
            Check {
                name: r.name,
                unit: r.unit,
                needed: Some(needed),
                given: r.given,
                source: r.source,
                state,
                room: Some(room(r)),
                remedy: short.then(|| match &r.remedy {
                    Remedy::Command(command) => command.clone(),
                    Remedy::Narrower => format!("hawkeye scan --concurrency {}", room(r)),
                }),
                note: None,
            }
        })
        .collect();
    // What is to be raised: up to what the widest the run can come to needs.
    let open_files = plan.needs(most).open_files + left_open(host);
    if let (Some(limit), Some(check)) = (host.open_files, checks.first_mut())
        && limit.soft < open_files
        && check.state == State::Ok
    {
        check.state = State::Raised;
        let widest = if most > wanted { format!(" for {most} at a time") } else { String::new() };
        check.note =
            Some(format!("a scan raises the soft limit from {} to {open_files}{widest}", limit.soft));
    }
    checks.extend(not_of_width(plan, host, width));
    Verdict { checks, wanted, width, most, open_files }
}

/// The largest width up to `most` that `fits`; 1 where none does.
fn widest(most: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (1, most.max(1) + 1);
    // `low` fits or is all that is left; `high` does not, or is out of the question.
    while high - low > 1 {
        let middle = low.midpoint(high);
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Descriptors that our parent left open: what is more than we have ourselves by now, which a plan's needs
/// hold already.
fn left_open(host: &Host) -> u64 {
    host.open_now.unwrap_or(0).saturating_sub(10)
}

fn resources(plan: &Plan, host: &Host, asked: &Needs) -> Vec<Resource> {
    let unlimited = |limit: u64| (limit != u64::MAX).then_some(limit);
    let (files, taken) = (asked.open_files, left_open(host));
    let open_files = |name, taken, given, source, remedy| Resource {
        name,
        unit: Unit::Count,
        need: |n| n.open_files,
        taken,
        given,
        source,
        binding: Binding::Hard,
        remedy: Remedy::Command(remedy),
    };
    let mut all = vec![
        open_files(
            "open files",
            taken,
            host.open_files.map(|l| l.hard.max(l.soft)),
            "hard limit of this process (ulimit -Hn)",
            format!("sudo prlimit --nofile={0}:{0} --pid $$", files + taken),
        ),
        open_files(
            "open files of the system",
            0,
            host.system_files.map(|(now, max)| max.saturating_sub(now)),
            "fs.file-max less fs.file-nr",
            format!(
                "sudo sysctl -w fs.file-max={}",
                host.system_files.map_or(0, |(now, _)| roomy(now + files))
            ),
        ),
        memory(host, asked),
    ];
    if let Some(limit) = host.address_space.and_then(|l| unlimited(l.soft)) {
        all.push(Resource {
            name: "address space",
            unit: Unit::Bytes,
            need: |n| n.address_space,
            taken: 0,
            given: Some(limit),
            source: "limit of this process (ulimit -v)",
            binding: Binding::Hard,
            remedy: Remedy::Command("ulimit -v unlimited".to_owned()),
        });
    }
    let n = asked.tasks;
    let tasks = |name, given, source, remedy| Resource {
        name,
        unit: Unit::Count,
        need: |n| n.tasks,
        taken: 0,
        given,
        source,
        binding: Binding::Hard,
        remedy: Remedy::Command(remedy),
    };
    if let Some(limit) = host.user_tasks.and_then(|l| unlimited(l.soft)) {
        let remedy = format!("sudo prlimit --nproc={n}:{n} --pid $$");
        all.push(tasks("processes of this user", Some(limit), "limit of this user (ulimit -u)", remedy));
    }
    if host.cgroup.tasks_left.is_some() {
        let remedy =
            format!("systemd-run --scope -p TasksMax={n} hawkeye scan # in docker: run --pids-limit {n}");
        let source = "pids.max less pids.current";
        all.push(tasks("processes of the control group", host.cgroup.tasks_left, source, remedy));
    }
    if plan.load.commands() > 0 {
        let given = host.tasks_max.zip(host.tasks_now).map(|(max, now)| max.saturating_sub(now));
        let most = roomy(host.tasks_now.unwrap_or(0) + n).max(262_144);
        let remedy = format!("sudo sysctl -w kernel.threads-max={most} kernel.pid_max={most}");
        let source = "kernel.threads-max and kernel.pid_max less those that run";
        all.push(tasks("processes of the system", given, source, remedy));
    }
    all
}

fn memory(host: &Host, asked: &Needs) -> Resource {
    let (machine, group) = (host.memory.available, host.cgroup.memory_left);
    let by_group = group.is_some_and(|group| machine.is_none_or(|machine| group < machine));
    let mib = asked.memory.div_ceil(1 << 20);
    Resource {
        name: "memory",
        unit: Unit::Bytes,
        need: |n| n.memory,
        taken: 0,
        given: least(machine, group),
        source: if by_group { "what the control group has left" } else { "MemAvailable" },
        binding: Binding::Estimate,
        remedy: match by_group {
            true => Remedy::Command(format!(
                "systemd-run --scope -p MemoryMax={mib}M hawkeye scan # in docker: run --memory {mib}m"
            )),
            // A machine does not grow by a command.
            false => Remedy::Narrower,
        },
    }
}

/// A round number that is more than enough.
fn roomy(n: u64) -> u64 {
    n.saturating_mul(2).next_power_of_two()
}

/// What a smaller width does not help with.
fn not_of_width(plan: &Plan, host: &Host, width: usize) -> Vec<Check> {
    let check = |name, unit, needed: u64, given: Option<u64>, source, remedy: String| {
        let short = given.is_some_and(|given| given < needed);
        let state = match given {
            None => State::Unknown,
            Some(_) if short => State::Warn,
            Some(_) => State::Ok,
        };
        let remedy = short.then_some(remedy);
        Check { name, unit, needed: Some(needed), given, source, state, room: None, remedy, note: None }
    };
    let mut all = Vec::new();
    if plan.load.remote > 0 {
        all.push(check(
            "local ports to one host",
            Unit::Count,
            plan.ports(),
            host.ports.map(|(first, last)| (last + 1).saturating_sub(first)),
            "net.ipv4.ip_local_port_range",
            "sudo sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"".to_owned(),
        ));
        // Without the module nothing follows connections, and nothing can run out.
        if let Some((now, max)) = host.tracked {
            let connections = plan.connections();
            all.push(check(
                "followed connections",
                Unit::Count,
                connections,
                Some(max.saturating_sub(now)),
                "nf_conntrack_max less nf_conntrack_count",
                format!(
                    "sudo sysctl -w net.netfilter.nf_conntrack_max={}",
                    (now + connections).next_power_of_two().max(262_144)
                ),
            ));
        }
    }
    if let Some(given) = plan.max_duration {
        let longest = plan.longest(width);
        let mut time = check(
            "time, if every server uses all of its own",
            Unit::Seconds,
            longest.as_secs(),
            Some(given.as_secs()),
            "max_duration",
            format!("hawkeye scan --max-duration {}", longest.as_secs()),
        );
        // Few servers do; not worth a warning before every scan.
        if time.state == State::Warn {
            time.state = State::Advice;
        }
        all.push(time);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::plan::Load;
    use crate::sys::host::{Cgroup, Memory};
    use crate::sys::limits::Limit;
    use std::time::Duration;

    const GIB: u64 = 1 << 30;

    /// A machine with plenty of everything.
    fn big() -> Host {
        Host {
            open_files: Some(Limit { soft: 1 << 20, hard: 1 << 20 }),
            open_now: Some(4),
            user_tasks: Some(Limit { soft: u64::MAX, hard: u64::MAX }),
            address_space: Some(Limit { soft: u64::MAX, hard: u64::MAX }),
            memory: Memory { total: Some(256 * GIB), available: Some(200 * GIB) },
            cgroup: Cgroup::default(),
            system_files: Some((1000, 1 << 30)),
            tasks_now: Some(300),
            tasks_max: Some(1 << 20),
            ports: Some((1024, 65535)),
            tracked: Some((0, 1 << 20)),
        }
    }

    fn plan(load: Load, width: Wanted) -> Plan {
        Plan { load, width, idle: 20, timeout: Duration::from_secs(30), max_duration: None }
    }

    fn nodes(n: usize) -> Load {
        Load { interpreted: n, ..Load::default() }
    }

    fn urls(n: usize) -> Load {
        Load { remote: n, busiest: n, ..Load::default() }
    }

    fn state(verdict: &Verdict, name: &str) -> State {
        verdict.checks.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no {name}")).state
    }

    #[test]
    fn plenty_is_ok_and_nothing_is_unknown() {
        let verdict = judge(&plan(nodes(24), Wanted::Exactly(24)), &big());
        assert_eq!((verdict.wanted, verdict.width, verdict.most), (24, 24, 24));
        assert!(verdict.checks.iter().all(|c| c.state == State::Ok && c.remedy.is_none()), "{verdict:?}");
        assert!(verdict.fits() && verdict.bottleneck().is_none());
        let verdict = judge(&plan(urls(24), Wanted::Exactly(24)), &Host::default());
        assert_eq!(verdict.width, 24);
        assert!(verdict.checks.iter().all(|c| c.state == State::Unknown), "{verdict:?}");
        assert!(verdict.fits());
    }

    #[test]
    fn each_scarce_thing_lowers_the_width_or_warns() {
        type Scarcity = fn(&mut Host);
        // What is scarce, its name, and the width for 24 interpreters if somebody asked for 24, and under auto.
        let cases: [(Scarcity, &str, usize, usize, &str); 6] = [
            (
                |h| h.open_files = Some(Limit { soft: 64, hard: 64 }),
                "open files",
                5,
                5,
                "sudo prlimit --nofile=212:212 --pid $$",
            ),
            (
                |h| h.system_files = Some((60, 160)),
                "open files of the system",
                10,
                10,
                "sudo sysctl -w fs.file-max=1024",
            ),
            (
                |h| h.user_tasks = Some(Limit { soft: 128, hard: 128 }),
                "processes of this user",
                10,
                10,
                "sudo prlimit --nproc=296:296 --pid $$",
            ),
            (
                |h| h.cgroup.tasks_left = Some(100),
                "processes of the control group",
                7,
                7,
                "systemd-run --scope -p TasksMax=296 hawkeye scan # in docker: run --pids-limit 296",
            ),
            (
                |h| h.tasks_max = Some(340),
                "processes of the system",
                2,
                2,
                "sudo sysctl -w kernel.threads-max=262144 kernel.pid_max=262144",
            ),
            (|h| h.memory.available = Some(GIB), "memory", 24, 14, "hawkeye scan --concurrency 14"),
        ];
        for (scarcity, name, exactly, auto, remedy) in cases {
            let mut host = big();
            scarcity(&mut host);
            let verdict = judge(&plan(nodes(24), Wanted::Exactly(24)), &host);
            let expected = if name == "memory" { State::Warn } else { State::Lowered };
            assert_eq!((verdict.width, state(&verdict, name)), (exactly, expected), "{name}");
            let not_ok: Vec<_> = verdict.checks.iter().filter(|c| c.state != State::Ok).collect();
            assert_eq!(not_ok.len(), 1, "{name}: {not_ok:?}");
            assert_eq!(not_ok[0].remedy.as_deref(), Some(remedy), "{name}");
            assert_eq!(verdict.fits(), name == "memory");
            let verdict = judge(&plan(nodes(24), Wanted::Auto { start: 20, most: 1024 }), &host);
            assert_eq!((verdict.width, verdict.most), (auto, auto), "{name} under auto");
            assert_eq!(verdict.bottleneck().map(|c| c.name), Some(name));
        }
    }

    #[test]
    fn soft_limits_are_raised_as_far_as_the_run_may_grow() {
        let host = Host { open_files: Some(Limit { soft: 64, hard: 4096 }), ..big() };
        let verdict = judge(&plan(nodes(24), Wanted::Exactly(24)), &host);
        assert_eq!((verdict.width, state(&verdict, "open files")), (24, State::Raised));
        assert_eq!(verdict.open_files, 20 + 24 * 8);
        assert!(verdict.fits());
        // Under auto the room above the start is raised for, too, and bounds the growth.
        let verdict = judge(&plan(urls(10_000), Wanted::Auto { start: 6, most: 1024 }), &host);
        assert_eq!((verdict.width, verdict.most), (6, 1014));
        assert_eq!(verdict.open_files, 4096);
        assert_eq!(state(&verdict, "open files"), State::Raised);
    }

    #[test]
    fn descriptors_a_parent_left_open_are_not_ours_to_use() {
        let limit = Some(Limit { soft: 100, hard: 100 });
        let width = |open_now| {
            let host = Host { open_files: limit, open_now, ..big() };
            judge(&plan(nodes(24), Wanted::Exactly(24)), &host).width
        };
        assert_eq!((width(None), width(Some(10)), width(Some(50)), width(Some(100))), (10, 10, 5, 1));
    }

    #[test]
    fn the_control_groups_memory_counts_where_it_is_less() {
        let mut host = big();
        host.cgroup.memory_left = Some(2 * GIB);
        let verdict = judge(&plan(nodes(100), Wanted::Auto { start: 20, most: 1024 }), &host);
        assert_eq!((verdict.width, verdict.most), (20, 29));
        let memory = verdict.checks.iter().find(|c| c.name == "memory").unwrap();
        assert_eq!((memory.given, memory.source), (Some(2 * GIB), "what the control group has left"));
        assert_eq!(memory.state, State::Ok);
        let verdict = judge(&plan(nodes(100), Wanted::Exactly(100)), &host);
        let memory = verdict.checks.iter().find(|c| c.name == "memory").unwrap();
        let remedy = "systemd-run --scope -p MemoryMax=7023M hawkeye scan # in docker: run --memory 7023m";
        assert_eq!((memory.state, memory.remedy.as_deref()), (State::Warn, Some(remedy)));
    }

    #[test]
    fn ports_and_followed_connections_warn_and_name_the_remedy() {
        let host = Host { ports: Some((32768, 60999)), tracked: Some((60_000, 65_536)), ..big() };
        let verdict = judge(&plan(urls(20_000), Wanted::Auto { start: 6, most: 1024 }), &host);
        let remedy = |name| {
            let check = verdict.checks.iter().find(|c| c.name == name).unwrap();
            assert_eq!(check.state, State::Warn);
            check.remedy.clone().unwrap()
        };
        assert_eq!(
            remedy("local ports to one host"),
            "sudo sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""
        );
        assert_eq!(remedy("followed connections"), "sudo sysctl -w net.netfilter.nf_conntrack_max=262144");
        assert!(verdict.fits());
        let free = Host { tracked: None, ..host };
        let verdict = judge(&plan(urls(20_000), Wanted::Auto { start: 6, most: 1024 }), &free);
        assert!(verdict.checks.iter().all(|c| c.name != "followed connections"));
        let verdict = judge(&plan(nodes(20_000), Wanted::Auto { start: 6, most: 1024 }), &free);
        assert!(verdict.checks.iter().all(|c| c.name != "local ports to one host"));
    }

    #[test]
    fn a_run_that_may_outlast_its_time_is_told() {
        let short =
            Plan { max_duration: Some(Duration::from_secs(60)), ..plan(urls(10), Wanted::Exactly(2)) };
        let verdict = judge(&short, &big());
        let check = verdict.checks.last().unwrap();
        assert_eq!((check.needed, check.given, check.state), (Some(150), Some(60), State::Advice));
    }

    #[test]
    fn the_widest_is_found() {
        for most in [1, 2, 3, 7, 1024] {
            for limit in 0..most + 2 {
                assert_eq!(widest(most, |w| w <= limit), limit.clamp(1, most), "{limit} of {most}");
            }
        }
    }
}
