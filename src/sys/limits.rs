//! Resource limits of this process.

use super::files::effective_user;

/// A soft limit, which we may raise, and the hard one, up to which. `u64::MAX` is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// What holds.
    pub soft: u64,
    /// What may be made to hold.
    pub hard: u64,
}

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Open files of this process.
    OpenFiles,
    /// Processes and threads of this user.
    Tasks,
    /// Bytes of address space of this process.
    AddressSpace,
}

/// The limit of `resource`, where the kernel tells.
pub(crate) fn limit(resource: Resource) -> Option<Limit> {
    let which = match resource {
        Resource::OpenFiles => libc::RLIMIT_NOFILE,
        Resource::Tasks => libc::RLIMIT_NPROC,
        Resource::AddressSpace => libc::RLIMIT_AS,
    };
    // SAFETY: all-zero is a valid rlimit.
    let mut limit: libc::rlimit = unsafe { std::mem::zeroed() };
    // SAFETY: `limit` lives through the call.
    let rc = unsafe { libc::getrlimit(which, &raw mut limit) };
    (rc == 0).then_some(Limit { soft: limit.rlim_cur, hard: limit.rlim_max })
}

/// Raises the soft limit of open files as far as the hard limit allows, up to `wanted`; what it is then.
pub(crate) fn raise_open_files(wanted: u64) -> u64 {
    let Some(limit) = limit(Resource::OpenFiles) else { return wanted };
    if limit.soft < wanted && limit.soft < limit.hard {
        let raised = libc::rlimit { rlim_cur: wanted.min(limit.hard), rlim_max: limit.hard };
        // SAFETY: the pointer is good through the call. Refusal leaves the old limit, which is then reported.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } == 0 {
            return raised.rlim_cur;
        }
    }
    limit.soft
}

/// Whether we are root, whom the limit of processes does not bind and who may change the kernel's settings.
pub(crate) fn is_root() -> bool {
    effective_user() == 0
}
