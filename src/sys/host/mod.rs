//! What the machine gives a scan: memory, limits, kernel settings. Read here, judged elsewhere.
//!
//! Everything is read below a root directory, which is `/` but for tests and images. What cannot be read is
//! unknown, never an error: a container may hide any of it.

mod cgroup;

use std::fs;
use std::path::Path;

use super::limits::{self, Limit, Resource};

pub(crate) use cgroup::Cgroup;

/// What the machine gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Host {
    /// Open files this process may have.
    pub open_files: Option<Limit>,
    /// Open files it has.
    pub open_now: Option<u64>,
    /// Processes and threads this user may have; root may have any number.
    pub user_tasks: Option<Limit>,
    /// Bytes of address space this process may have.
    pub address_space: Option<Limit>,
    /// Memory.
    pub memory: Memory,
    /// Control groups.
    pub cgroup: Cgroup,
    /// Open files of all processes: those there are, and those there may be.
    pub system_files: Option<(u64, u64)>,
    /// Processes and threads of everybody.
    pub tasks_now: Option<u64>,
    /// The smaller of `kernel.threads-max` and `kernel.pid_max`.
    pub tasks_max: Option<u64>,
    /// Ports for outgoing connections, first and last.
    pub ports: Option<(u64, u64)>,
    /// Connections the firewall follows: those there are, and those there may be.
    pub tracked: Option<(u64, u64)>,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// All there is.
    pub total: Option<u64>,
    /// What can be had without swapping.
    pub available: Option<u64>,
}

/// What of the machine a plan asks about; the rest is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Servers that are processes.
    pub processes: bool,
    /// Servers over the network.
    pub network: bool,
}

impl Scope {
    /// Everything.
    pub(crate) const ALL: Scope = Scope { processes: true, network: true };
}

impl Host {
    /// The machine under `root`; limits of this process are always those of this process.
    pub(crate) fn read(root: &Path, scope: Scope) -> Host {
        let mut host = Host {
            open_files: limits::limit(Resource::OpenFiles),
            open_now: fs::read_dir("/proc/self/fd").ok().map(|all| all.count() as u64),
            user_tasks: limits::limit(Resource::Tasks).filter(|_| !limits::is_root()),
            address_space: limits::limit(Resource::AddressSpace),
            memory: memory(root),
            cgroup: cgroup::read(root),
            system_files: system_files(root),
            ..Host::default()
        };
        if scope.processes {
            host.tasks_now = text(root, "proc/loadavg").as_deref().and_then(tasks_of_loadavg);
            let threads = sysctl_number(root, "kernel.threads-max");
            host.tasks_max = least(threads, sysctl_number(root, "kernel.pid_max"));
        }
        if scope.network {
            host.ports = sysctl(root, "net.ipv4.ip_local_port_range").as_deref().and_then(pair);
            host.tracked = sysctl_number(root, "net.netfilter.nf_conntrack_count")
                .zip(sysctl_number(root, "net.netfilter.nf_conntrack_max"));
        }
        host
    }
}

/// Memory of the machine under `root`.
pub(crate) fn memory(root: &Path) -> Memory {
    let text = text(root, "proc/meminfo").unwrap_or_default();
    let bytes = |name: &str| {
        let kib = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
        kib.trim().trim_end_matches("kB").trim_end().parse::<u64>().ok()?.checked_mul(1024)
    };
    Memory { total: bytes("MemTotal"), available: bytes("MemAvailable") }
}

/// What of the memory this process could ever have: all there is, or what its control groups allow.
pub(crate) fn usable_memory(root: &Path) -> Option<u64> {
    least(memory(root).total, cgroup::read(root).memory_max)
}

/// The kernel's setting `name`, written with dots.
pub(crate) fn sysctl(root: &Path, name: &str) -> Option<String> {
    text(root, &sysctl_path(name)).map(|text| text.trim().to_owned())
}

/// Where the kernel's setting `name` stands, below the root.
pub(crate) fn sysctl_path(name: &str) -> String {
    format!("proc/sys/{}", name.replace('.', "/"))
}

/// The smaller of what is known.
pub(crate) fn least(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    [a, b].into_iter().flatten().min()
}

fn sysctl_number(root: &Path, name: &str) -> Option<u64> {
    sysctl(root, name)?.parse().ok()
}

fn system_files(root: &Path) -> Option<(u64, u64)> {
    let line = sysctl(root, "fs.file-nr")?;
    let mut numbers = line.split_ascii_whitespace().map(|n| n.parse().ok());
    // In use, free of those allocated, at most.
    Some((numbers.next()??, numbers.nth(1)??))
}

fn tasks_of_loadavg(line: &str) -> Option<u64> {
    line.split_ascii_whitespace().nth(3)?.split_once('/')?.1.parse().ok()
}

fn pair(line: &str) -> Option<(u64, u64)> {
    let (first, last) = line.split_once(|c: char| c.is_ascii_whitespace())?;
    Some((first.parse().ok()?, last.trim().parse().ok()?))
}

fn text(root: &Path, path: &str) -> Option<String> {
    fs::read_to_string(root.join(path)).ok()
}

fn number(dir: &Path, file: &str) -> Option<u64> {
    text(dir, file)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Invented(PathBuf);

    impl Invented {
        fn new(name: &str, files: &[(&str, &str)]) -> Invented {
            let dir = std::env::temp_dir().join(format!("hawkeye-host-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            for (path, text) in files {
                let path = dir.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Invented(dir)
        }
    }

    impl Drop for Invented {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const MEMINFO: &str = "MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\n";

    #[test]
    fn an_empty_machine_is_unknown_and_no_failure() {
        let nothing = Invented::new("nothing", &[("x", "")]);
        let host = Host::read(&nothing.0, Scope::ALL);
        assert!(host.open_now.is_some_and(|n| n >= 3) && host.open_files.is_some(), "{host:?}");
        let own = Host { open_files: None, open_now: None, user_tasks: None, address_space: None, ..host };
        assert_eq!(own, Host::default());
        let odd = Invented::new(
            "odd",
            &[
                ("proc/meminfo", "MemTotal: lots\nMemAvailable\n"),
                ("proc/self/cgroup", "nonsense\n0::\n:::::\n4:memory:/../../etc\n"),
                ("proc/loadavg", "0.1 0.2"),
                ("proc/sys/fs/file-nr", "1 2"),
                ("proc/sys/net/ipv4/ip_local_port_range", "32768"),
                ("proc/sys/kernel/threads-max", "-1"),
            ],
        );
        let host = Host::read(&odd.0, Scope::ALL);
        assert_eq!((host.memory, host.cgroup, host.ports), (Memory::default(), Cgroup::default(), None));
        assert_eq!((host.tasks_now, host.tasks_max, host.system_files), (None, None, None));
    }

    #[test]
    fn proc_is_read() {
        let files = [
            ("proc/meminfo", MEMINFO),
            ("proc/loadavg", "0.10 0.20 0.30 2/345 6789\n"),
            ("proc/sys/fs/file-nr", "893\t0\t2466177\n"),
            ("proc/sys/kernel/threads-max", "192730\n"),
            ("proc/sys/kernel/pid_max", "32768\n"),
            ("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
            ("proc/sys/net/netfilter/nf_conntrack_max", "65536\n"),
            ("proc/sys/net/netfilter/nf_conntrack_count", "17\n"),
        ];
        let machine = Invented::new("proc", &files);
        let host = Host::read(&machine.0, Scope::ALL);
        assert_eq!(host.memory, Memory { total: Some(16 << 20), available: Some(8 << 20) });
        assert_eq!((host.tasks_now, host.tasks_max), (Some(345), Some(32768)));
        assert_eq!(host.system_files, Some((893, 2_466_177)));
        assert_eq!((host.ports, host.tracked), (Some((32768, 60999)), Some((17, 65536))));
        assert_eq!(usable_memory(&machine.0), Some(16 << 20));
        let little = Host::read(&machine.0, Scope { processes: false, network: false });
        assert_eq!(
            (little.tasks_now, little.tasks_max, little.ports, little.tracked),
            (None, None, None, None)
        );
    }

    #[test]
    fn the_tightest_group_around_us_binds() {
        let v2 = Invented::new(
            "v2",
            &[
                ("proc/meminfo", MEMINFO),
                ("proc/self/cgroup", "0::/a/b\n"),
                ("sys/fs/cgroup/a/memory.max", "4000000\n"),
                ("sys/fs/cgroup/a/memory.current", "3000000\n"),
                ("sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file 500000\n"),
                ("sys/fs/cgroup/a/pids.max", "100\n"),
                ("sys/fs/cgroup/a/pids.current", "90\n"),
                ("sys/fs/cgroup/a/b/memory.max", "max\n"),
                ("sys/fs/cgroup/a/b/pids.max", "50\n"),
                ("sys/fs/cgroup/a/b/pids.current", "1\n"),
            ],
        );
        let cgroup = Host::read(&v2.0, Scope::ALL).cgroup;
        let expected = Cgroup {
            memory_max: Some(4_000_000),
            memory_left: Some(1_500_000),
            tasks_max: Some(50),
            tasks_left: Some(10),
        };
        assert_eq!(cgroup, expected);
        assert_eq!(usable_memory(&v2.0), Some(4_000_000));

        let v1 = Invented::new(
            "v1",
            &[
                ("proc/self/cgroup", "5:pids:/p\n4:cpu,memory:/elsewhere/m\n0::/\n"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000\n"),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "500\n"),
                ("sys/fs/cgroup/pids/p/pids.max", "max\n"),
                ("sys/fs/cgroup/pids/pids.max", "max\n"),
            ],
        );
        let cgroup = Host::read(&v1.0, Scope::ALL).cgroup;
        // The group's own directory is out of sight, as in a container: the top of what is seen holds.
        assert_eq!((cgroup.memory_max, cgroup.memory_left, cgroup.tasks_max), (Some(2000), Some(1500), None));
        let free = Invented::new(
            "free",
            &[
                ("proc/self/cgroup", "4:memory:/\n"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ],
        );
        assert_eq!(cgroup::read(&free.0), Cgroup::default());
    }
}
