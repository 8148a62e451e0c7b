//! Applies the guide's kernel settings to a machine and makes them last, never lowering a higher value.
//!
//! `scripts/tune-system.sh` writes the same file in the same form, and takes either's back: `# was NAME = VALUE`
//! lines remember what was there before.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::sys::host::sysctl_path;

use super::kernel::{SETTINGS, Setting, value};
use super::shown;

/// Where the settings are kept, below the root.
pub(crate) const DROP_IN: &str = "etc/sysctl.d/90-hawkeye.conf";

/// The first line of a file that is ours.
const MARK: &str = "# Kernel settings for hawkeye, from its performance guide.";
const HEAD: &str = "# Written by tune-system.sh --apply or hawkeye preflight --fix; tune-system.sh --revert takes \
                    them back.";

/// Where other values for the next boot are kept.
const ELSEWHERE: [&str; 4] = ["etc/sysctl.conf", "etc/sysctl.d", "run/sysctl.d", "usr/lib/sysctl.d"];

/// One setting to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    setting: &'static Setting,
    /// What it was before any of this.
    was: u64,
    /// What it is.
    is: u64,
    /// What it will be.
    to: u64,
}

/// What there is to do on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fix {
    root: PathBuf,
    changes: Vec<Change>,
    /// What the file holds already.
    present: Option<String>,
}

/// What was done, and what could not be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// A line each.
    pub done: Vec<String>,
    /// A line each: the thing, the cause, the remedy.
    pub failed: Vec<String>,
}

impl Fix {
    /// Of the machine under `root`. Changes nothing.
    pub(crate) fn of(root: &Path) -> Fix {
        let present = fs::read_to_string(root.join(DROP_IN)).ok();
        let ours = present.as_deref().filter(|text| text.starts_with(MARK)).unwrap_or("");
        let before = assignments(&ours.replace("# was ", ""), First);
        let kept = assignments(ours, Last);
        let elsewhere = kept_elsewhere(root);
        let changes = SETTINGS.iter().filter_map(|setting| {
            let is = value(root, setting)?;
            let other = elsewhere.get(setting.name).copied().unwrap_or(0);
            let to = setting.value.max(is).max(other);
            let was = if kept.contains_key(setting.name) { before.get(setting.name).copied() } else { None };
            // What is high enough already is nobody's to write down, unless we did so before.
            (is < setting.value || kept.contains_key(setting.name)).then_some(Change {
                setting,
                was: was.unwrap_or(is),
                is,
                to,
            })
        });
        Fix { root: root.to_owned(), changes: changes.collect(), present }
    }

    /// What would be done, a line each; nothing where all is well.
    pub(crate) fn steps(&self) -> Vec<String> {
        let mut steps: Vec<String> = self.raises().map(Change::line).collect();
        if !self.changes.is_empty() && self.present.as_deref() != Some(self.text(|_| true).as_str()) {
            steps.push(format!("write {}", shown(&self.root.join(DROP_IN))));
        }
        steps
    }

    /// Does it.
    pub(crate) fn apply(&self) -> Done {
        let mut done = Done::default();
        let mut refused: Vec<&str> = Vec::new();
        for change in self.raises() {
            let path = self.root.join(sysctl_path(change.setting.name));
            match fs::write(&path, format!("{}\n", change.to)) {
                Ok(()) => done.done.push(change.line()),
                Err(e) => {
                    refused.push(change.setting.name);
                    done.failed.push(format!("{}: {}", change.setting.name, reason(&e)));
                }
            }
        }
        let holds = |change: &Change| !refused.contains(&change.setting.name);
        // What the kernel refuses now is not asked of it at every start.
        if !self.changes.iter().any(holds) {
            return done;
        }
        let text = self.text(holds);
        if self.present.as_deref() != Some(&text) {
            let path = self.root.join(DROP_IN);
            match self.keep(&path, &text) {
                Ok(()) => done.done.push(format!("written: {}", shown(&path))),
                Err(e) => done.failed.push(format!("{}: {}", shown(&path), reason(&e))),
            }
        }
        done
    }

    fn raises(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|c| c.is < c.to)
    }

    fn text(&self, holds: impl Fn(&Change) -> bool) -> String {
        let mut text = format!("{MARK}\n{HEAD}\n");
        for change in self.changes.iter().filter(|c| holds(c)) {
            let Change { setting: Setting { name, .. }, was, to, .. } = change;
            let _ = write!(text, "# was {name} = {was}\n{name} = {to}\n");
        }
        text
    }

    /// Writes beside and renames; a stranger's file of this name is kept.
    fn keep(&self, path: &Path, text: &str) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        if self.present.as_deref().is_some_and(|present| !present.starts_with(MARK)) {
            fs::rename(path, path.with_extension("conf.before-hawkeye"))?;
        }
        let beside = path.with_extension("conf.new");
        fs::write(&beside, text)?;
        fs::rename(&beside, path)
    }
}

impl Change {
    fn line(&self) -> String {
        format!("{}: {} -> {}", self.setting.name, self.is, self.to)
    }
}

/// Which of several assignments counts.
#[derive(Clone, Copy, PartialEq)]
enum Which {
    First,
    Last,
}
use Which::{First, Last};

/// `name = number` lines; all others are passed over.
fn assignments(text: &str, which: Which) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.trim().trim_start_matches('-').split_once('=') else { continue };
        let Ok(value) = value.trim().parse() else { continue };
        let name = name.trim().replace('/', ".");
        if which == Last || !all.contains_key(&name) {
            all.insert(name, value);
        }
    }
    all
}

/// The highest value that any other file keeps for the next boot.
fn kept_elsewhere(root: &Path) -> BTreeMap<String, u64> {
    let mut highest = BTreeMap::new();
    for place in ELSEWHERE {
        let place = root.join(place);
        let files = match fs::read_dir(&place) {
            Ok(entries) => entries.filter_map(|e| Some(e.ok()?.path())).collect(),
            Err(_) => vec![place],
        };
        let files = files.into_iter().filter(|f| f.extension().is_some_and(|e| e == "conf"));
        for file in files.filter(|f| *f != root.join(DROP_IN)) {
            let text = fs::read_to_string(file).unwrap_or_default();
            for (name, value) in assignments(&text, Last) {
                let slot = highest.entry(name).or_insert(value);
                *slot = value.max(*slot);
            }
        }
    }
    highest
}

fn reason(e: &io::Error) -> &'static str {
    match e.kind() {
        ErrorKind::ReadOnlyFilesystem => "read-only here, as in a container; run this on the host itself",
        ErrorKind::PermissionDenied => {
            "not allowed, even to root; in a container run this on the host itself"
        }
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::NotADirectory => "a file is where a directory should be",
        _ => "cannot be written",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine(PathBuf);

    impl Machine {
        fn new(name: &str, settings: &[(&str, &str)]) -> Machine {
            let dir = std::env::temp_dir().join(format!("hawkeye-fix-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(dir.join("etc/sysctl.d")).unwrap();
            let machine = Machine(dir);
            for (name, value) in settings {
                machine.write(&sysctl_path(name), value);
            }
            machine
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn read(&self, path: &str) -> String {
            fs::read_to_string(self.0.join(path)).unwrap()
        }

        fn sysctl(&self, name: &str) -> String {
            self.read(&sysctl_path(name)).trim().to_owned()
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const USUAL: [(&str, &str); 5] = [
        ("net.core.rmem_max", "212992\n"),
        ("net.core.wmem_max", "268435456\n"),
        ("net.ipv4.tcp_window_scaling", "1\n"),
        ("net.ipv4.tcp_timestamps", "0\n"),
        ("net.ipv4.tcp_sack", "1\n"),
    ];

    #[test]
    fn what_is_low_is_raised_and_kept_once() {
        let machine = Machine::new("usual", &USUAL);
        let fix = Fix::of(&machine.0);
        let path = machine.0.join(DROP_IN);
        assert_eq!(
            fix.steps(),
            [
                "net.core.rmem_max: 212992 -> 134217728".to_owned(),
                "net.ipv4.tcp_timestamps: 0 -> 1".to_owned(),
                format!("write {}", path.display())
            ]
        );
        assert!(!path.exists());
        assert_eq!(fix.apply().failed, [""; 0]);
        assert_eq!(machine.sysctl("net.core.rmem_max"), "134217728");
        assert_eq!(machine.sysctl("net.core.wmem_max"), "268435456");
        let text = machine.read(DROP_IN);
        let kept = "# was net.core.rmem_max = 212992\nnet.core.rmem_max = 134217728\n\
                    # was net.ipv4.tcp_timestamps = 0\nnet.ipv4.tcp_timestamps = 1\n";
        assert!(text.starts_with(MARK) && text.ends_with(kept), "{text}");
        let again = Fix::of(&machine.0);
        assert_eq!((again.steps(), again.apply()), (Vec::new(), Done::default()));
        assert_eq!(machine.read(DROP_IN), text);
        // After a reboot without the file's help it is applied again, and remembers the first value.
        machine.write("proc/sys/net/core/rmem_max", "4096\n");
        assert_eq!(Fix::of(&machine.0).apply().done, ["net.core.rmem_max: 4096 -> 134217728"]);
        assert_eq!(machine.read(DROP_IN), text);
    }

    #[test]
    fn higher_values_of_other_files_are_not_lowered_at_the_next_boot() {
        let machine = Machine::new("elsewhere", &USUAL);
        machine.write("etc/sysctl.d/10-big.conf", "# x\n-net/core/rmem_max=536870912\nnonsense\n");
        machine.write("etc/sysctl.d/README", "net.core.rmem_max = 999999999999\n");
        assert_eq!(Fix::of(&machine.0).apply().failed, [""; 0]);
        assert_eq!(machine.sysctl("net.core.rmem_max"), "536870912");
        assert!(machine.read(DROP_IN).contains("\nnet.core.rmem_max = 536870912\n"));
    }

    #[test]
    fn a_strangers_file_is_kept() {
        let machine = Machine::new("stranger", &USUAL);
        machine.write(DROP_IN, "net.core.rmem_max = 1\n");
        assert_eq!(Fix::of(&machine.0).apply().failed, [""; 0]);
        assert_eq!(machine.read("etc/sysctl.d/90-hawkeye.conf.before-hawkeye"), "net.core.rmem_max = 1\n");
        assert!(machine.read(DROP_IN).contains("# was net.core.rmem_max = 212992\n"));
    }

    #[test]
    fn what_cannot_be_written_is_told_and_not_kept() {
        let machine = Machine::new("refused", &[]);
        assert_eq!(Fix::of(&machine.0).steps(), [""; 0]);
        // A path that is there and cannot be written to, for root neither.
        machine.write("proc/sys/net/core/rmem_max", "1\n");
        let fix = Fix::of(&machine.0);
        fs::remove_file(machine.0.join("proc/sys/net/core/rmem_max")).unwrap();
        fs::create_dir(machine.0.join("proc/sys/net/core/rmem_max")).unwrap();
        let done = fix.apply();
        assert_eq!(
            (done.done.len(), done.failed),
            (0, vec!["net.core.rmem_max: cannot be written".to_owned()])
        );
        assert!(!machine.0.join(DROP_IN).exists());
    }
}
