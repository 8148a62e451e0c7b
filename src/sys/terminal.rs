//! What a terminal is like.

/// Columns of the terminal on standard output or standard error, if one of them is a terminal.
pub(crate) fn width() -> Option<u16> {
    [libc::STDOUT_FILENO, libc::STDERR_FILENO].into_iter().find_map(|fd| {
        // SAFETY: all-zero is a valid winsize; TIOCGWINSZ fills it.
        let mut size: libc::winsize = unsafe { std::mem::zeroed() };
        // SAFETY: `size` lives through the call and has the type this request asks for.
        let rc = unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, &raw mut size) };
        (rc == 0 && size.ws_col > 0).then_some(size.ws_col)
    })
}
