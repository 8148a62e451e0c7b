//! The one place where a server's process is started. A confining launcher belongs in front of
//! [`Launcher::launch`].
//!
//! Processes start through posix_spawn: no code of ours runs between fork and exec, so the cost does not
//! grow with our memory. That rules out `PR_SET_PDEATHSIG`; the [guard](super::guard) stands in for it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};

use crate::base::text::quote;
use crate::model::outcome::FailureKind;
use crate::model::target::Command;
use crate::sys::process::{self as sys, Pid};
use crate::transport::WireError;

use super::guard::{Guard, MARK};
use super::reaper::{Dying, Process, Reaper};

/// Quotes are cut to their final length only after secrets were struck out: half a secret is still one.
const LONG: usize = 4096;

/// What of our own environment a server gets; the rest may hold secrets that are none of its business.
pub(crate) const ALLOWED: [&str; 12] = [
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_RUNTIME_DIR",
];

/// For servers without a PATH.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Starts servers and sees to their end.
pub struct Launcher {
    run: String,
    reaper: Reaper,
    guard: Option<Guard>,
}

/// A started server.
pub struct Launched {
    /// The process itself.
    pub process: Process,
    /// Our end of its stdin, non-blocking as the others are.
    pub stdin: File,
    /// Our end of its stdout.
    pub stdout: File,
    /// Our end of its stderr.
    pub stderr: File,
}

/// How much of the process table a launcher may claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This process exists for the scan: orphans of servers are adopted and ended, descriptors that were
    /// inherited are hidden, and `guard_program __guard` ends everything if we are killed.
    Whole {
        /// This very program.
        guard_program: PathBuf,
    },
    /// A host program's process: only the servers' own groups are ended.
    Groups,
}

impl Launcher {
    /// Ready to start servers. `run` is unique; with `close_fds` they get descriptors 0, 1 and 2 only,
    /// whatever our own parent left open.
    pub fn new(run: &str, claim: &Claim, close_fds: bool) -> io::Result<Launcher> {
        let whole = matches!(claim, Claim::Whole { .. });
        // Children from before our time (of a shell that exec'ed us, say) are not strays of our servers.
        let foreign = if whole { sys::main_thread_children() } else { Vec::new() };
        if whole {
            sys::adopt_orphans()?;
        }
        if close_fds && let Err(e) = sys::hide_inherited_descriptors() {
            log::warn!("servers inherit the descriptors hawkeye was given ({e}; Linux 5.11 hides them)");
        }
        let guard = match claim {
            Claim::Whole { guard_program } => Guard::start(guard_program, run)
                .inspect_err(|e| {
                    log::warn!("no guard process ({e}); servers may outlive a SIGKILL of hawkeye");
                })
                .ok(),
            Claim::Groups => None,
        };
        let watched = guard.as_ref().and_then(|g| Some((g.pid(), g.pipe().ok()?)));
        let reaper = Reaper::start(whole, watched)?;
        foreign.into_iter().for_each(|pid| reaper.born(pid, 0));
        Ok(Launcher { run: run.to_owned(), reaper, guard })
    }

    /// Starts `command`, without a shell, with descriptors 0, 1 and 2 only.
    pub fn launch(&self, command: &Command) -> Result<Launched, WireError> {
        let failed = |why: String| WireError::new(FailureKind::SpawnFailed, why);
        let cwd = command.cwd.as_deref();
        if let Some(dir) = cwd.filter(|d| !d.is_dir()) {
            return Err(failed(format!(
                "working directory {} does not exist",
                quote(&dir.to_string_lossy(), LONG)
            )));
        }
        let environment = environment(command);
        let program = resolve(&command.program, path_of(&environment), cwd).map_err(failed)?;
        let serial = self.reaper.next_serial();
        let mut child = process::Command::new(&program);
        child
            .args(&command.args)
            .env_clear()
            .envs(environment)
            .env(MARK, format!("{}.{serial}", self.run))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(dir) = cwd {
            child.current_dir(dir);
        }
        let birth = self.reaper.birth();
        let mut child =
            child.spawn().map_err(|e| failed(format!("{}: {e}", quote(&program.to_string_lossy(), LONG))))?;
        let pid = child.id() as Pid;
        self.reaper.born(pid, serial);
        drop(birth);
        if let Some(guard) = &self.guard {
            guard.born(pid);
        }
        take_over(pid, &mut child).map_err(|why| {
            sys::signal_group(pid, sys::Signal::Kill);
            sys::reap(pid);
            self.reaper.collected(pid);
            failed(format!("cannot watch the process: {why}"))
        })
    }

    /// Takes over a server whose stdin was just closed: the rest is the reaper's.
    pub fn retire(&self, process: Process) {
        self.reaper.take(Dying::new(process));
    }

    /// Waits until every server and everything it left behind is gone; at most the reaper's grace.
    pub fn finish(self) {
        self.reaper.finish();
        if let Some(guard) = self.guard {
            guard.dismiss();
        }
    }
}

/// Where the program of `command` was looked for, and what was found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The directories of the server's PATH, in order; none where the program is a path itself.
    pub directories: Vec<PathBuf>,
    /// The file that would be started, or why none.
    pub found: Result<PathBuf, String>,
}

/// Looks for the program of `command`, and starts nothing.
pub fn search(command: &Command) -> Search {
    let environment = environment(command);
    let path = path_of(&environment);
    let directories = match command.program.contains('/') {
        true => Vec::new(),
        false => env::split_paths(path.unwrap_or(OsStr::new(DEFAULT_PATH))).collect(),
    };
    Search { directories, found: resolve(&command.program, path, command.cwd.as_deref()) }
}

fn take_over(pid: Pid, child: &mut process::Child) -> io::Result<Launched> {
    let pidfd = sys::pidfd(pid)?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("no pipes"));
    };
    let ends: [OwnedFd; 3] = [stdin.into(), stdout.into(), stderr.into()];
    ends.iter().try_for_each(sys::set_nonblocking)?;
    let [stdin, stdout, stderr] = ends.map(File::from);
    Ok(Launched { process: Process { pid, pidfd }, stdin, stdout, stderr })
}

fn environment(command: &Command) -> Vec<(OsString, OsString)> {
    let mut all: Vec<(OsString, OsString)> =
        ALLOWED.iter().filter_map(|name| Some((OsString::from(name), env::var_os(name)?))).collect();
    for (name, value) in &command.env {
        all.retain(|(n, _)| n != name.as_str());
        all.push((name.into(), value.reveal().into()));
    }
    all
}

fn path_of(environment: &[(OsString, OsString)]) -> Option<&OsStr> {
    environment.iter().find(|(n, _)| n == "PATH").map(|(_, v)| v.as_os_str())
}

/// The file that `program` means. Looked up here and not by the spawn, which would leave the fast path when
/// a server has a PATH of its own, and whose errors do not say where it looked.
fn resolve(program: &str, path: Option<&OsStr>, cwd: Option<&Path>) -> Result<PathBuf, String> {
    let shown = quote(program, LONG);
    if program.contains('/') {
        let file = match cwd {
            Some(dir) => dir.join(program),
            None => PathBuf::from(program),
        };
        let file = std::path::absolute(&file).unwrap_or(file);
        return usable(&file).map(|()| file).map_err(|why| format!("{shown}: {why}"));
    }
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
    let mut closest = None;
    for dir in env::split_paths(path).filter(|d| d.is_absolute()) {
        let file = dir.join(program);
        match usable(&file) {
            Ok(()) => return Ok(file),
            Err(why) if file.symlink_metadata().is_ok() => {
                closest.get_or_insert(format!("{}: {why}", quote(&file.to_string_lossy(), LONG)));
            }
            Err(_) => {}
        }
    }
    let looked = quote(&String::from_utf8_lossy(path.as_bytes()), LONG);
    Err(closest.unwrap_or_else(|| format!("{shown}: command not found (looked in {looked})")))
}

fn usable(file: &Path) -> Result<(), String> {
    let meta = fs::metadata(file).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => e.to_string(),
    })?;
    match meta {
        m if m.is_dir() => Err("is a directory".into()),
        m if m.permissions().mode() & 0o111 == 0 => Err("not executable (chmod +x it)".into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_or_the_reason_is_named() {
        let path = Some(OsStr::new("relative:/nonexistent:/bin"));
        assert_eq!(resolve("sh", path, None), Ok("/bin/sh".into()));
        let why = |program| resolve(program, path, None).unwrap_err();
        assert!(why("no-such-program").contains("looked in relative:/nonexistent:/bin"));
        assert_eq!(why("/etc/passwd"), "/etc/passwd: not executable (chmod +x it)");
        assert_eq!(why("/etc"), "/etc: is a directory");
        assert_eq!(why("/nonexistent/x"), "/nonexistent/x: no such file");
        assert_eq!(resolve("./sh", None, Some(Path::new("/bin"))), Ok("/bin/./sh".into()));
    }
}
