//! Every exit code there is.

use std::process::ExitCode;

/// How the program ends. The first that applies, in the contract's order, wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: every target complete, nothing at or above the threshold.
    Complete,
    /// 1: a gate is shut: findings that fail by the policy or `--fail-on`, drift where that does, or a bench slower
    /// than it may be.
    Gate,
    /// 2: usage or configuration error; nothing was run.
    Usage,
    /// 3: some target is partial, failed or not evaluated, or nothing was evaluated.
    Incomplete,
    /// 4: the report could not be written, or an internal failure.
    Unwritten,
    /// 130 or 143: ended by a signal; the report holds what was finished.
    Signal(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Complete => 0,
            Exit::Gate => 1,
            Exit::Usage => 2,
            Exit::Incomplete => 3,
            Exit::Unwritten => 4,
            Exit::Signal(code) => code,
        })
    }
}
