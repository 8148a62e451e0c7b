//! Report files: whole or absent, private, and never half of the old one and half of the new.
//!
//! A report is written to a temporary file beside its destination and takes the destination's name when
//! it is complete. What is no regular file (a pipe, a terminal, `/dev/stdout`) is written straight.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::base::text;

/// A report on its way to a file. Dropped without [`OutputFile::commit`] it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct OutputFile {
    handle: Handle,
    /// Where it is being written and what it will be called; absent when written straight.
    beside: Option<Beside>,
}

/// A file whose errors name the path that the user gave.
#[derive(Debug)]
pub(crate) struct Handle {
    file: File,
    path: PathBuf,
}

/// Removes the temporary file unless it has been given its real name.
#[derive(Debug)]
struct Beside {
    temporary: PathBuf,
    destination: PathBuf,
    renamed: bool,
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.renamed {
            // There is nobody left to tell, and the report itself is not affected.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Begins a report that is to stand at `path`. Opening a named pipe waits for its reader, as a shell does.
pub(crate) fn create(path: &Path) -> io::Result<OutputFile> {
    create_for(path, 0o600)
}

/// Begins a file that everybody on this machine may read, whatever the umask: a collector that runs as
/// another user is whom metrics are for. What is no regular file is refused: each export would follow the
/// one before it there, and a pipe without a reader would hold up the run.
pub(crate) fn create_readable(path: &Path) -> io::Result<OutputFile> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) || is_descriptor(path) {
        return Err(named(path, &io::Error::new(io::ErrorKind::InvalidInput, "is no regular file")));
    }
    let output = create_for(path, 0o644)?;
    output.handle.file.set_permissions(fs::Permissions::from_mode(0o644)).map_err(|e| named(path, &e))?;
    Ok(output)
}

fn create_for(path: &Path, mode: u32) -> io::Result<OutputFile> {
    let destination = match destination(path).map_err(|e| named(path, &e))? {
        Place::Straight => return straight(path).map_err(|e| named(path, &e)),
        Place::Beside(destination) => destination,
    };
    // Short, and not made from the destination's name: that may be as long as names can be.
    let temporary = destination.with_file_name(format!(".hawkeye-{:016x}.tmp", fastrand::u64(..)));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)
        .map_err(|e| named(path, &e))?;
    let beside = Beside { temporary, destination, renamed: false };
    Ok(OutputFile { handle: Handle { file, path: path.to_owned() }, beside: Some(beside) })
}

impl OutputFile {
    /// A second handle to the same file, for the one who writes it.
    pub(crate) fn handle(&self) -> io::Result<Handle> {
        let path = self.handle.path.clone();
        Ok(Handle { file: self.handle.file.try_clone().map_err(|e| named(&path, &e))?, path })
    }

    /// Gives the report its name. The data is on the disk before the name is, so that not even a power
    /// failure leaves an empty file in the place of an old report.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        let Some(beside) = &mut self.beside else {
            return self.handle.flush();
        };
        let placed = self.handle.file.sync_all().and_then(|()| beside.rename());
        placed.map_err(|e| named(&self.handle.path, &e))
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.handle.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.handle.flush()
    }
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An interrupted write is retried by whoever called; wrapping it would keep its kind, and cost.
        self.file.write(bytes).map_err(|e| named(&self.path, &e))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|e| named(&self.path, &e))
    }
}

impl Beside {
    fn rename(&mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.destination)?;
        self.renamed = true;
        // Not every file system can sync a directory; the report is in place either way.
        let _ = File::open(parent(&self.destination)).and_then(|directory| directory.sync_all());
        Ok(())
    }
}

enum Place {
    Straight,
    Beside(PathBuf),
}

/// Follows links, so that a linked report is replaced where it really is and the link stays.
fn destination(path: &Path) -> io::Result<Place> {
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "empty path"));
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() || is_descriptor(path) => Ok(Place::Straight),
        Ok(_) => fs::canonicalize(path).map(Place::Beside),
        Err(e) if e.kind() == io::ErrorKind::NotFound => new_file(path),
        Err(e) => Err(e),
    }
}

fn new_file(path: &Path) -> io::Result<Place> {
    if path.as_os_str().as_bytes().ends_with(b"/") {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if fs::symlink_metadata(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "a symbolic link to a file that does not exist"));
    }
    match fs::metadata(parent(path)) {
        Ok(found) if found.is_dir() => Ok(Place::Beside(path.to_owned())),
        Ok(_) => Err(io::ErrorKind::NotADirectory.into()),
        Err(e) => Err(e),
    }
}

/// Whether `path` names an open descriptor: what is behind `/dev/stdout` may be a regular file, and must
/// still be written through, not replaced.
fn is_descriptor(path: &Path) -> bool {
    let parent = parent(path);
    parent == Path::new("/dev") || parent == Path::new("/dev/fd") || parent.starts_with("/proc")
}

/// Appends, because a descriptor's file may hold something already; pipes and terminals do not mind.
fn straight(path: &Path) -> io::Result<OutputFile> {
    let file = OpenOptions::new().append(true).open(path)?;
    Ok(OutputFile { handle: Handle { file, path: path.to_owned() }, beside: None })
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// `e` with the path in front, its kind kept.
fn named(path: &Path, e: &io::Error) -> io::Error {
    let path = text::quote(&path.to_string_lossy(), 200);
    io::Error::new(e.kind(), format!("{path}: {}", Cause(e)))
}

/// An error in words, without the number that the system gave it.
struct Cause<'a>(&'a io::Error);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind() {
            io::ErrorKind::IsADirectory => f.write_str("is a directory"),
            io::ErrorKind::NotADirectory => f.write_str("its parent is not a directory"),
            io::ErrorKind::NotFound if self.0.get_ref().is_none() => f.write_str("no such directory"),
            io::ErrorKind::PermissionDenied => f.write_str("permission denied"),
            io::ErrorKind::StorageFull => f.write_str("no space left on the device"),
            io::ErrorKind::QuotaExceeded => f.write_str("disk quota exceeded"),
            io::ErrorKind::ReadOnlyFilesystem => f.write_str("read-only file system"),
            _ => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A directory of its own for one test, removed with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Scratch {
            let path = std::env::temp_dir().join(format!("hawkeye-output-{:016x}", fastrand::u64(..)));
            fs::create_dir(&path).unwrap();
            Scratch(path)
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<_> =
                entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        }

        fn refusal(&self, name: &str) -> String {
            create(&self.at(name)).unwrap_err().to_string().replace(self.0.to_str().unwrap(), "DIR")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_old_report_is_whole_until_the_new_one_is() {
        let dir = Scratch::new();
        fs::write(dir.at("r.json"), "old").unwrap();
        let mut file = create(&dir.at("r.json")).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(dir.at("r.json")).unwrap(), "old");
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(dir.at("r.json")).unwrap(), "new");
        assert_eq!(fs::metadata(dir.at("r.json")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(dir.names(), ["r.json"]);
    }

    #[test]
    fn a_report_that_is_given_up_leaves_nothing_behind() {
        let dir = Scratch::new();
        let file = create(&dir.at("r.json")).unwrap();
        assert_eq!(dir.names().len(), 1);
        drop(file);
        assert!(dir.names().is_empty());
    }

    #[test]
    fn a_link_stays_a_link_and_its_file_is_replaced() {
        let dir = Scratch::new();
        fs::write(dir.at("real"), "old").unwrap();
        symlink(dir.at("real"), dir.at("link")).unwrap();
        let mut file = create(&dir.at("link")).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert!(fs::symlink_metadata(dir.at("link")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(dir.at("real")).unwrap(), "new");
    }

    #[test]
    fn a_name_as_long_as_names_can_be_is_no_obstacle() {
        let dir = Scratch::new();
        create(&dir.at(&"n".repeat(255))).unwrap().commit().unwrap();
        assert_eq!(dir.names()[0].len(), 255);
    }

    #[test]
    fn what_cannot_be_written_is_said_in_one_line() {
        let dir = Scratch::new();
        fs::write(dir.at("file"), "").unwrap();
        symlink(dir.at("nowhere"), dir.at("dangling")).unwrap();
        assert_eq!(dir.refusal(""), "DIR/: is a directory");
        assert_eq!(dir.refusal("new/"), "DIR/new/: is a directory");
        assert_eq!(dir.refusal("none/r.json"), "DIR/none/r.json: no such directory");
        assert_eq!(dir.refusal("file/r.json"), "DIR/file/r.json: its parent is not a directory");
        assert_eq!(dir.refusal("dangling"), "DIR/dangling: a symbolic link to a file that does not exist");
        assert_eq!(dir.refusal("no\n\x1b[2J/r"), "DIR/no\\n\\u{1b}[2J/r: no such directory");
        assert_eq!(create(Path::new("")).unwrap_err().to_string(), ": empty path");
    }

    #[test]
    fn metrics_are_for_everybody_and_go_to_files_only() {
        let dir = Scratch::new();
        fs::write(dir.at("m.prom"), "old").unwrap();
        fs::set_permissions(dir.at("m.prom"), fs::Permissions::from_mode(0o600)).unwrap();
        let mut file = create_readable(&dir.at("m.prom")).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(dir.at("m.prom")).unwrap(), "new");
        assert_eq!(fs::metadata(dir.at("m.prom")).unwrap().permissions().mode() & 0o777, 0o644);
        for path in ["/dev/null", "/dev/stdout", "/dev/fd/1"] {
            let error = create_readable(Path::new(path)).unwrap_err().to_string();
            assert_eq!(error, format!("{path}: is no regular file"));
        }
    }

    #[test]
    fn devices_are_written_straight_and_a_full_one_is_named() {
        let mut null = create(Path::new("/dev/null")).unwrap();
        null.write_all(b"x").unwrap();
        null.commit().unwrap();
        let full = create(Path::new("/dev/full")).unwrap().write_all(b"x").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert_eq!(full.to_string(), "/dev/full: no space left on the device");
    }
}
