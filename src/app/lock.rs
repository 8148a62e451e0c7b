//! One run at a time: a lock on a file that dies with the process, however that ends.
//!
//! The file stays when the lock goes; what is in it only tells who had it last. Servers do not inherit it: every
//! descriptor of ours is closed on exec.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};

use crate::base::text::quote;
use crate::base::time::{Deadline, rfc3339};
use crate::sys::cancel::Cancel;

/// Begins every lock file: nothing else is written over.
const SIGN: &str = "hawkeye ";
/// How often a wait looks.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes of a lock file that are worth reading.
const MOST: u64 = 200;

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held for its Drop")] File);

/// Why it is not ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotLocked {
    /// Another run has it, or it cannot be had.
    Refused(String),
    /// A signal ended the wait.
    Interrupted,
}

impl Lock {
    /// Takes the lock at `path` (`~/.hawkeye/hawkeye.lock` where absent), waiting for `patience` at most.
    pub(super) fn take(path: Option<&Path>, patience: Duration, cancel: &Cancel) -> Result<Lock, NotLocked> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => usual()?,
        };
        let shown = quote(&path.to_string_lossy(), 200);
        let refused = |why: String| NotLocked::Refused(format!("lock {shown}: {why}"));
        let mut file = open(&path).map_err(refused)?;
        let until = Deadline::after(patience);
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if until.passed() => {
                    let wait = match patience.is_zero() {
                        true => "wait for it with --lock-wait SECONDS".to_owned(),
                        false => format!("waited {} s", patience.as_secs_f64()),
                    };
                    let holder = content(&mut file).map_or(String::new(), |who| format!(" ({who})"));
                    return Err(refused(format!("another run is still going{holder}; {wait}")));
                }
                Err(TryLockError::WouldBlock) => {
                    if cancel.sleep(until.min(Deadline::after(LOOK))) {
                        return Err(NotLocked::Interrupted);
                    }
                }
                Err(TryLockError::Error(e)) => return Err(refused(e.to_string())),
            }
        }
        let since = rfc3339(SystemTime::now());
        let text = format!("{SIGN}pid {} since {since}\n", process::id());
        // Only for the message of others: a full disk does not take the lock away.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
        Ok(Lock(file))
    }
}

fn usual() -> Result<PathBuf, NotLocked> {
    let Some(home) = env::var_os("HOME").filter(|home| !home.is_empty()) else {
        let why = "lock: HOME is not set; name a file with --lock-file FILE";
        return Err(NotLocked::Refused(why.to_owned()));
    };
    let directory = Path::new(&home).join(".hawkeye");
    if let Err(e) = DirBuilder::new().recursive(true).mode(0o700).create(&directory) {
        let shown = quote(&directory.to_string_lossy(), 200);
        let why = format!("lock: {shown}: {e}; name another file with --lock-file FILE");
        return Err(NotLocked::Refused(why));
    }
    Ok(directory.join("hawkeye.lock"))
}

/// The file, made where there is none. What is no lock file is left alone.
fn open(path: &Path) -> Result<File, String> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err("is not a regular file".to_owned());
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mut file = file.map_err(|e| format!("{e}; name another file with --lock-file FILE"))?;
    let empty = file.metadata().is_ok_and(|found| found.len() == 0);
    if !empty && content(&mut file).is_none() {
        return Err("holds something else; name another file with --lock-file FILE".to_owned());
    }
    Ok(file)
}

/// Who wrote the file: `pid 7 since 2026-…`.
fn content(file: &mut File) -> Option<String> {
    let mut bytes = Vec::new();
    file.rewind().ok()?;
    file.take(MOST).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.strip_prefix(SIGN).map(|who| quote(who.trim(), 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cannot_have_it_and_the_second_says_who_does() {
        let path = env::temp_dir().join(format!("hawkeye-lock-{:016x}", fastrand::u64(..)));
        let cancel = Cancel::new().unwrap();
        let take = |patience| Lock::take(Some(&path), patience, &cancel);
        let first = take(Duration::ZERO).unwrap();
        let Err(NotLocked::Refused(why)) = take(Duration::ZERO) else { panic!("it was had twice") };
        let who = format!("another run is still going (pid {} since 2", process::id());
        assert!(why.contains(&who) && why.ends_with("wait for it with --lock-wait SECONDS"), "{why}");
        cancel.trip();
        assert_eq!(take(Duration::from_secs(3600)).unwrap_err(), NotLocked::Interrupted);
        drop(first);
        take(Duration::ZERO).unwrap();
        fs::write(&path, "my diary").unwrap();
        assert!(
            matches!(take(Duration::ZERO), Err(NotLocked::Refused(why)) if why.contains("something else"))
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "my diary");
        fs::remove_file(&path).unwrap();
    }
}
