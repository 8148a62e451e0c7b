//! The files of a store: private, ours, and nobody's detour.
//!
//! A link in the place of the file itself is refused: whoever can write to the directory could point it
//! anywhere. A link further up (the directory on another disk) is the user's own and is followed. A file of
//! another user is refused, too: what it says would be reported as if hawkeye had found it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::base::time::rfc3339;
use crate::sys::files::{NO_FOLLOW, effective_user};

use super::{Refusal, StoreError};

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

/// What SQLite puts beside its file, in the order in which it goes: a log that outlives its database would
/// be played into the next one.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// `path` with `ending` after its name.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Makes the directory of `path`, and those above it that are missing, for us alone.
pub(super) fn make_directory(path: &Path) -> Result<(), StoreError> {
    let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty() && !d.is_dir()) else {
        return Ok(());
    };
    let failed = |e| StoreError::File(directory.to_owned(), e);
    let missing: Vec<&Path> = directory.ancestors().take_while(|d| !d.is_dir()).collect();
    for each in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(each) {
            // Whatever the umask took away.
            Ok(()) => fs::set_permissions(each, Permissions::from_mode(0o700)).map_err(failed)?,
            // Another process was faster.
            Err(_) if each.is_dir() => {}
            Err(e) => return Err(failed(e)),
        }
    }
    Ok(())
}

/// Opens `path`, a file of ours that nobody else may read; `None` if there is none and none is wanted.
pub(super) fn open_private(path: &Path, create: bool) -> Result<Option<(File, Identity)>, StoreError> {
    let failed = |e| StoreError::File(path.to_owned(), e);
    let refused = |why| Err(StoreError::Refused(path.to_owned(), why));
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => return refused(Refusal::Link),
        // Asked before opening: a pipe would wait for its other end.
        Ok(found) if !found.is_file() => return refused(Refusal::NoFile),
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound && create => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false).mode(0o600).custom_flags(NO_FOLLOW);
    let file = options.open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return refused(Refusal::NoFile);
    }
    if found.uid() != effective_user() {
        return refused(Refusal::Foreign);
    }
    if found.mode() & 0o777 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(Some((file, Identity(found.dev(), found.ino()))))
}

/// Gives the database at `path`, if it is still the one of this `identity`, another name; which one.
pub(super) fn move_aside(path: &Path, identity: Identity) -> Result<Option<PathBuf>, StoreError> {
    let same = fs::symlink_metadata(path).is_ok_and(|m| Identity(m.dev(), m.ino()) == identity);
    if !same {
        return Ok(None);
    }
    let now = rfc3339(SystemTime::now()).replace(':', "-");
    let aside = with_ending(path, &format!(".damaged-{now}"));
    for ending in BESIDE {
        match fs::rename(with_ending(path, ending), with_ending(&aside, ending)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::File(with_ending(path, ending), e));
            }
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, &aside).map_err(|e| StoreError::File(path.to_owned(), e))?;
    Ok(Some(aside))
}

/// Bytes on disk of the database at `path`, its log included.
pub(super) fn bytes(path: &Path) -> u64 {
    let endings = std::iter::once("").chain(BESIDE);
    endings.filter_map(|e| Some(fs::metadata(with_ending(path, e)).ok()?.len())).sum()
}

/// Takes the lock if that is possible at once.
pub(super) fn granted(path: &Path, tried: Result<(), TryLockError>) -> Result<bool, StoreError> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(StoreError::File(path.to_owned(), e)),
    }
}
