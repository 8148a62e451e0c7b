//! What this process has used of the machine.

use std::fs;
use std::time::Duration;

/// Processor time of this process and of its children that have ended and been collected.
pub(crate) fn cpu_time() -> Duration {
    [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN].into_iter().map(cpu_time_of).sum()
}

fn cpu_time_of(who: libc::c_int) -> Duration {
    // SAFETY: all-zero is a valid rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` lives through the call. It cannot fail with these arguments; zeroes would be no time.
    unsafe { libc::getrusage(who, &raw mut usage) };
    let span = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    span(usage.ru_utime) + span(usage.ru_stime)
}

/// Bytes of memory in use now, and the most since the start or the last [`reset_peak`]; zeroes without /proc.
pub(crate) fn memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    (kib(&status, "VmRSS:") << 10, kib(&status, "VmHWM:") << 10)
}

fn kib(status: &str, field: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    value.and_then(|v| v.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

/// Lets the peak of [`memory`] begin anew; false where the kernel does not allow that.
pub(crate) fn reset_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_shows_in_the_peak() {
        let (before, _) = memory();
        let block = vec![1u8; 32 << 20];
        let (_, peak) = memory();
        assert!(before > 0 && peak >= 32 << 20, "{before} {peak} {}", block[7]);
    }

    #[test]
    fn fields_of_the_status_file_are_in_kib() {
        let status = "Name:\tx\nVmHWM:\t   1234 kB\nVmRSS:\t  99 kB\n";
        assert_eq!((kib(status, "VmHWM:"), kib(status, "VmRSS:"), kib(status, "Vm:")), (1234, 99, 0));
    }
}
