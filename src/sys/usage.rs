//! What this process has used so far: processor time and memory.

use std::fs;
use std::time::Duration;

/// Processor time, split as the kernel does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct CpuTime {
    /// In our own code.
    pub user: Duration,
    /// In the kernel for us.
    pub system: Duration,
}

/// One look at the process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// This process, all threads.
    pub own: CpuTime,
    /// Children that have ended and were reaped, with theirs. Those that still run are not in it.
    pub children: CpuTime,
    /// Resident bytes now; 0 where /proc cannot be read.
    pub resident: u64,
    /// Most resident bytes since the start or the last [`reset_peak`].
    pub peak: u64,
}

impl Usage {
    /// Processor time of everybody.
    pub(crate) fn cpu_time(&self) -> Duration {
        self.own.user + self.own.system + self.children.user + self.children.system
    }
}

/// Looks now.
pub(crate) fn usage() -> Usage {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = kib(&status, "VmRSS:") << 10;
    Usage {
        own: cpu_time_of(libc::RUSAGE_SELF),
        children: cpu_time_of(libc::RUSAGE_CHILDREN),
        resident,
        // The kernel counts per thread and adds up late: its peak may lag behind what is resident now.
        peak: (kib(&status, "VmHWM:") << 10).max(resident),
    }
}

/// Processor time of this process and of its children that have ended.
pub(crate) fn cpu_time() -> Duration {
    let [own, children] = [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN].map(cpu_time_of);
    own.user + own.system + children.user + children.system
}

fn cpu_time_of(whose: libc::c_int) -> CpuTime {
    // SAFETY: all-zero is a valid rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` lives through the call; a failure leaves zeroes.
    unsafe { libc::getrusage(whose, &raw mut usage) };
    let span = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec.max(0) as u64) + Duration::from_micros(t.tv_usec.max(0) as u64)
    };
    CpuTime { user: span(usage.ru_utime), system: span(usage.ru_stime) }
}

fn kib(status: &str, field: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    value.and_then(|v| v.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

/// Lets the peak begin anew; false where the kernel does not allow that.
pub(crate) fn reset_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_resident_and_work_takes_time() {
        let before = usage();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        let after = usage();
        // Not compared with what was resident before: other tests, in threads of this process, give theirs back.
        assert!(after.resident >= 64 << 20, "{after:?}");
        assert!(after.peak >= after.resident && after.peak < 1 << 40);
        assert!(after.cpu_time() > Duration::ZERO && after.cpu_time() >= before.cpu_time());
        drop(block);
    }

    #[test]
    fn fields_of_the_status_file_are_in_kib() {
        let status = "Name:\tx\nVmHWM:\t   1234 kB\nVmRSS:\t  99 kB\n";
        assert_eq!((kib(status, "VmHWM:"), kib(status, "VmRSS:"), kib(status, "Vm:")), (1234, 99, 0));
    }
}
