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
    /// Most resident bytes so far.
    pub peak: u64,
}

/// Looks now.
pub(crate) fn usage() -> Usage {
    let own = rusage(libc::RUSAGE_SELF);
    let resident = resident().unwrap_or(0);
    // The kernel counts per thread and adds up late: its peak may lag behind what is resident now.
    let peak = (own.ru_maxrss.max(0) as u64 * 1024).max(resident);
    Usage { own: cpu(&own), children: cpu(&rusage(libc::RUSAGE_CHILDREN)), resident, peak }
}

fn rusage(whose: libc::c_int) -> libc::rusage {
    // SAFETY: all-zero is a valid rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` lives through the call; a failure leaves zeroes.
    unsafe { libc::getrusage(whose, &raw mut usage) };
    usage
}

fn cpu(usage: &libc::rusage) -> CpuTime {
    CpuTime { user: duration(usage.ru_utime), system: duration(usage.ru_stime) }
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec.max(0) as u64) + Duration::from_micros(time.tv_usec.max(0) as u64)
}

fn resident() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: no pointers.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Some(pages * u64::try_from(page).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_resident_and_work_takes_time() {
        let before = usage();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        let after = usage();
        assert!(
            after.resident >= before.resident.saturating_sub(1 << 20) + (60 << 20),
            "{before:?} {after:?}"
        );
        assert!(after.peak >= after.resident && after.peak < 1 << 40);
        let total = |u: &Usage| u.own.user + u.own.system;
        assert!(total(&after) > Duration::ZERO && total(&after) >= total(&before));
        drop(block);
    }
}
