//! What the allocator keeps and what it gives back. With another C library than glibc these do nothing.

/// Returns freed memory to the system.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: no pointers; glibc locks its arenas.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Two arenas instead of eight a processor, and what is freed at the end of the heap goes back early. To be
/// called before there are threads.
pub(crate) fn be_frugal() {
    #[cfg(target_env = "gnu")]
    for (option, value) in [
        (libc::M_ARENA_MAX, 2),
        (libc::M_TRIM_THRESHOLD, 64 << 10),
        // Set by hand, neither of the two grows by itself any more.
        (libc::M_MMAP_THRESHOLD, 64 << 10),
    ] {
        // SAFETY: no pointers; glibc checks the values.
        unsafe { libc::mallopt(option, value) };
    }
}
