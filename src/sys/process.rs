//! Processes beyond `std::process`: groups, pidfds, reaping by id, orphans.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// A process id, positive.
pub(crate) type Pid = i32;

/// What a process group may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM
    Terminate,
    /// SIGKILL
    Kill,
}

/// A descriptor that becomes readable when the child `pid` ends.
pub(crate) fn pidfd(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: no pointers; the result is checked. pidfd_open sets close-on-exec itself.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just returned this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Signals every process of the group that `leader` leads (or led, as long as it is not reaped).
pub(crate) fn signal_group(leader: Pid, signal: Signal) {
    // SAFETY: no pointers. "No such process" means there is nobody left to tell.
    unsafe { libc::kill(-leader, number(signal)) };
}

/// Signals one process.
pub(crate) fn signal_process(pid: Pid, signal: Signal) {
    // SAFETY: as above.
    unsafe { libc::kill(pid, number(signal)) };
}

fn number(signal: Signal) -> libc::c_int {
    match signal {
        Signal::Terminate => libc::SIGTERM,
        Signal::Kill => libc::SIGKILL,
    }
}

/// Wakes a stopped group, so that it can act on a signal.
pub(crate) fn continue_group(leader: Pid) {
    // SAFETY: as above.
    unsafe { libc::kill(-leader, libc::SIGCONT) };
}

/// Collects the child `pid` if it has ended. `None`: it still runs, or is no child of ours (any more).
pub(crate) fn reap(pid: Pid) -> Option<ExitStatus> {
    let mut status = 0;
    // SAFETY: `status` lives through the call.
    let got = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
    (got == pid).then(|| ExitStatus::from_raw(status))
}

/// From now on orphans of our descendants become our children instead of init's, so that a server that
/// daemonises cannot outlive the run.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    // SAFETY: prctl with integer arguments only.
    let rc = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Marks every descriptor above 2 close-on-exec: what our own parent leaked to us is not for servers.
pub(crate) fn hide_inherited_descriptors() -> io::Result<()> {
    // SAFETY: changes flags of descriptors only; all of ours are close-on-exec already.
    let rc = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Children that the main thread has: those it started, and adopted orphans.
pub(crate) fn main_thread_children() -> Vec<Pid> {
    let me = std::process::id();
    match fs::read_to_string(format!("/proc/self/task/{me}/children")) {
        Ok(list) => list.split_ascii_whitespace().filter_map(|p| p.parse().ok()).collect(),
        // A kernel without CONFIG_PROC_CHILDREN: look at everyone's parent.
        Err(_) => processes().filter(|p| parent_of(*p) == Some(me as Pid)).collect(),
    }
}

/// Every process that /proc shows.
pub(crate) fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
}

/// The value of `name` in the environment `pid` was started with.
pub(crate) fn environment_value(pid: Pid, name: &str) -> Option<String> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut pairs = environ.split(|b| *b == 0);
    pairs.find_map(|pair| {
        let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        String::from_utf8(value.to_vec()).ok()
    })
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name stands in parentheses and may hold anything; the last one closes it.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Makes reads and writes on `fd` return at once.
pub(crate) fn set_nonblocking(fd: &impl AsRawFd) -> io::Result<()> {
    let fd = fd.as_raw_fd();
    // SAFETY: F_GETFL and F_SETFL take and return integers.
    let rc = unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        if flags < 0 { flags } else { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) }
    };
    if rc < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// How the process behind `pidfd`, a child of ours, ended, leaving it to be reaped by whoever is to.
pub(crate) fn peek(pidfd: &OwnedFd) -> Option<ExitStatus> {
    // SAFETY: all-zero is a valid siginfo_t; waitid fills it.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` lives through the call; the descriptor is ours and open.
    let rc = unsafe { libc::waitid(libc::P_PIDFD, pidfd.as_raw_fd() as libc::id_t, &raw mut info, flags) };
    // SAFETY: waitid filled the child variant, or left zeroes.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if rc != 0 || pid == 0 {
        return None;
    }
    // The low byte of a wait status is the signal, the next one the exit code.
    let raw = if info.si_code == libc::CLD_EXITED { (status & 0xff) << 8 } else { status & 0x7f };
    Some(ExitStatus::from_raw(raw))
}
