//! Limits of the control groups this process is in, versions 1 and 2.
//!
//! A group is bound by its own limits and by those of every group around it, so all of them are looked at.
//! Inside a container the path that `/proc/self/cgroup` tells may lead nowhere; its top is then the limit.

use std::fs;
use std::path::{Path, PathBuf};

use super::{number, text};

/// What the groups allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cgroup {
    /// The smallest `memory.max`.
    pub memory_max: Option<u64>,
    /// What is left of the tightest one, caches that can be dropped not counted as used.
    pub memory_left: Option<u64>,
    /// The smallest `pids.max`.
    pub tasks_max: Option<u64>,
    /// What is left of the tightest one.
    pub tasks_left: Option<u64>,
}

/// Above this, version 1 means that there is no limit.
const NO_LIMIT: u64 = 1 << 60;

/// Of this process, on the machine under `root`.
pub(crate) fn read(root: &Path) -> Cgroup {
    let mut found = Cgroup::default();
    let memberships = text(root, "proc/self/cgroup").unwrap_or_default();
    for line in memberships.lines() {
        // `4:memory:/path` of version 1, `0::/path` of version 2.
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let has = |name: &str| controllers.split(',').any(|c| c == name);
        if controllers.is_empty() {
            for group in groups(root, "sys/fs/cgroup", path) {
                let cache = || member(&group, "memory.stat", "inactive_file");
                found.memory(&group, "memory.max", "memory.current", cache);
                found.tasks(&group);
            }
        }
        if has("memory") {
            for group in groups(root, "sys/fs/cgroup/memory", path) {
                let cache = || member(&group, "memory.stat", "total_inactive_file");
                found.memory(&group, "memory.limit_in_bytes", "memory.usage_in_bytes", cache);
            }
        }
        if has("pids") {
            groups(root, "sys/fs/cgroup/pids", path).iter().for_each(|group| found.tasks(group));
        }
    }
    found
}

/// The directories of the group at `path` and of those around it, as far as they can be seen.
fn groups(root: &Path, mount: &str, path: &str) -> Vec<PathBuf> {
    let top = root.join(mount);
    // `/../x` is outside of what a container may see.
    let visible = !path.split('/').any(|part| part == "..");
    let own = if visible { top.join(path.trim_start_matches('/')) } else { top.clone() };
    let around = own.ancestors().take_while(|dir| dir.starts_with(&top));
    around.filter(|dir| dir.is_dir()).map(Path::to_owned).collect()
}

impl Cgroup {
    fn memory(&mut self, group: &Path, max: &str, used: &str, cache: impl Fn() -> Option<u64>) {
        let Some(max) = number(group, max).filter(|max| *max < NO_LIMIT) else { return };
        lower(&mut self.memory_max, max);
        if let Some(used) = number(group, used) {
            lower(&mut self.memory_left, max.saturating_sub(used.saturating_sub(cache().unwrap_or(0))));
        }
    }

    fn tasks(&mut self, group: &Path) {
        let Some(max) = number(group, "pids.max") else { return };
        lower(&mut self.tasks_max, max);
        if let Some(now) = number(group, "pids.current") {
            lower(&mut self.tasks_left, max.saturating_sub(now));
        }
    }
}

fn lower(least: &mut Option<u64>, value: u64) {
    *least = Some(least.map_or(value, |least| least.min(value)));
}

/// The number after `name` in a file of such pairs.
fn member(group: &Path, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(group.join(file)).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}
