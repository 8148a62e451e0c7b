//! What `std::fs` does not say about files: who we are to them, and whose disk they are on.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// For `custom_flags`: a symbolic link in the last place is an error, not a detour.
pub(crate) const NO_FOLLOW: i32 = libc::O_NOFOLLOW;

/// Whom the files that we make belong to.
pub(crate) fn effective_user() -> u32 {
    // SAFETY: no arguments, and it cannot fail.
    unsafe { libc::geteuid() }
}

/// Whether `path` is on a disk that other hosts may write to at the same time, so that shared memory says
/// nothing about them. What cannot be asked is taken for a disk of ours.
pub(crate) fn on_network(path: &Path) -> bool {
    // From linux/magic.h: NFS, SMB of three ages, 9p, AFS, Coda, Ceph, Lustre, GFS2, OCFS2, GPFS.
    const SHARED: [u32; 12] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x0102_1997,
        0x5346_414f,
        0x7375_7245,
        0x00c3_6400,
        0x0bd0_0bd0,
        0x0116_1970,
        0x7461_636f,
        0x4750_4653,
    ];
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: all-zero is a valid statfs.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` ends in NUL, and both live through the call.
    let rc = unsafe { libc::statfs(path.as_ptr(), &raw mut found) };
    rc == 0 && SHARED.contains(&(found.f_type as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_ours_and_on_no_network() {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(std::fs::metadata("/proc/self").unwrap().uid(), effective_user());
        assert!(!on_network(Path::new("/proc/self")) && !on_network(Path::new("/nowhere/at/all")));
    }
}
