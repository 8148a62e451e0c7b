//! The kernel settings and limits of the tuning guide, and what each is worth to hawkeye.
//!
//! Said honestly: two of them do nothing for a program like this one, and the check says so.
//!
//! Invariant: nothing here changes the machine.

use std::path::Path;

use crate::sys::host::sysctl;
use crate::sys::limits::Limit;

use super::{Check, State, Unit};

/// One setting of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Its name, with dots.
    pub name: &'static str,
    /// What the guide asks for.
    pub value: u64,
    /// What less than that means to hawkeye.
    meaning: &'static str,
    /// Whether it means anything to hawkeye at all.
    matters: bool,
}

const WINDOWS: &str = "the kernel sizes TCP windows by itself; this bounds programs that ask for a size, which \
                       hawkeye does not";

/// All of them, in the guide's order.
pub(crate) const SETTINGS: [Setting; 6] = [
    Setting { name: "net.core.rmem_max", value: 134_217_728, meaning: WINDOWS, matters: false },
    Setting { name: "net.core.wmem_max", value: 134_217_728, meaning: WINDOWS, matters: false },
    Setting {
        name: "net.ipv4.tcp_window_scaling",
        value: 1,
        meaning: "without it a connection moves at most 64 KiB a round trip: long lists from afar are slow",
        matters: true,
    },
    Setting {
        name: "net.ipv4.tcp_timestamps",
        value: 1,
        meaning: "without them ports of closed connections are not reused early",
        matters: true,
    },
    Setting {
        name: "net.ipv4.tcp_sack",
        value: 1,
        meaning: "without it one lost packet has all that followed it sent again",
        matters: true,
    },
    Setting {
        name: "net.netfilter.nf_conntrack_max",
        value: 262_144,
        meaning: "matters where more connections than this are open or were closed in the last two minutes",
        matters: false,
    },
];

/// Open files the guide asks for.
pub(crate) const OPEN_FILES: u64 = 65_536;

/// Holds the machine under `root` against the guide.
pub(crate) fn checks(root: &Path, open_files: Option<Limit>) -> Vec<Check> {
    let mut all: Vec<Check> = SETTINGS.iter().map(|setting| check(setting, value(root, setting))).collect();
    let given = open_files.map(|limit| limit.hard);
    let short = given.is_some_and(|given| given < OPEN_FILES);
    all.push(Check {
        name: "nofile",
        unit: Unit::Count,
        needed: Some(OPEN_FILES),
        given,
        source: "the guide; hard limit of this process (ulimit -Hn)",
        state: match given {
            None => State::Unknown,
            Some(_) if short => State::Advice,
            Some(_) => State::Ok,
        },
        room: None,
        remedy: short.then(|| "sudo scripts/tune-system.sh --apply # then log in again".to_owned()),
        note: short.then(|| "bounds how many servers are scanned at a time".to_owned()),
    });
    all
}

/// What `setting` is on the machine under `root`.
pub(crate) fn value(root: &Path, setting: &Setting) -> Option<u64> {
    sysctl(root, setting.name)?.parse().ok()
}

fn check(setting: &Setting, given: Option<u64>) -> Check {
    let short = given.is_some_and(|given| given < setting.value);
    let module = setting.name.starts_with("net.netfilter.");
    Check {
        name: setting.name,
        unit: Unit::Count,
        needed: Some(setting.value),
        given,
        source: "the guide",
        state: match given {
            None => State::Unknown,
            Some(_) if short && setting.matters => State::Warn,
            Some(_) if short => State::Advice,
            Some(_) => State::Ok,
        },
        room: None,
        remedy: short.then(|| format!("sudo sysctl -w {}={}", setting.name, setting.value)),
        note: match given {
            None if module => Some("the module is not loaded: nothing follows connections".to_owned()),
            None => None,
            Some(_) => short.then(|| setting.meaning.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_is_fine_lower_is_told_and_absent_is_unknown() {
        for (at, given, state) in [
            (0, Some(134_217_728), State::Ok),
            (0, Some(u64::MAX), State::Ok),
            (0, Some(212_992), State::Advice),
            (0, None, State::Unknown),
            (2, Some(0), State::Warn),
            (3, Some(2), State::Ok),
            (4, Some(0), State::Warn),
            (5, Some(65_536), State::Advice),
            (5, None, State::Unknown),
        ] {
            let check = check(&SETTINGS[at], given);
            assert_eq!(check.state, state, "{check:?}");
            assert_eq!(check.remedy.is_some(), matches!(state, State::Advice | State::Warn));
        }
    }
}
