//! What came back of a run so far, in a file beside the cache, so that the run can be resumed: the queue keeps
//! nothing that was taken.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::encoding::hex;
use crate::model::outcome::Outcome;
use crate::model::target::Target;
use crate::saved;

const ENDING: &str = "ndjson";
/// How long the file of a run that was cut short is kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The file of one run.
pub(super) struct Spool {
    path: PathBuf,
    file: File,
}

/// What a spool says of its run.
pub(super) struct Known {
    /// The marks of its jobs, by number.
    pub(super) marks: Vec<String>,
    /// What came back, by number.
    pub(super) outcomes: HashMap<usize, Outcome>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    run: String,
    jobs: Vec<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    n: usize,
    outcome: &'a Outcome,
}

#[derive(Deserialize)]
struct Read<'a> {
    n: usize,
    #[serde(borrow)]
    outcome: &'a RawValue,
}

/// What tells a target from others, without its secrets.
pub(super) fn mark(target: &Target) -> String {
    let mut context = Context::new(&SHA256);
    let view = target.view();
    for part in std::iter::once(target.name.as_str()).chain(view.words()) {
        context.update(part.as_bytes());
        context.update(b"\0");
    }
    hex(&context.finish().as_ref()[..8])
}

/// Where the run of this name has its file, beside the file of the cache.
pub(super) fn path(cache: &Path, run: &str) -> PathBuf {
    cache.with_file_name("runs").join(format!("{run}.{ENDING}"))
}

impl Spool {
    /// Begins the file of `run`, whose jobs have these `marks`.
    pub(super) fn begin(path: PathBuf, run: &str, marks: Vec<String>) -> io::Result<Spool> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            forget_old(folder);
        }
        let mut file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        write_line(&mut file, &Head { run: run.to_owned(), jobs: marks })?;
        Ok(Spool { path, file })
    }

    /// Opens the file again, with what is in it.
    pub(super) fn resume(path: PathBuf) -> io::Result<(Spool, Known)> {
        let file = OpenOptions::new().read(true).append(true).open(&path)?;
        let mut lines = BufReader::new(&file).lines();
        let head: Head = serde_json::from_str(&lines.next().unwrap_or_else(|| Ok(String::new()))?)?;
        let mut outcomes = HashMap::new();
        for line in lines {
            // What was cut short, by the end of the process or of the disk, is asked for again.
            let line = line?;
            let Ok(Read { n, outcome }) = serde_json::from_str(&line) else { continue };
            if let Some(outcome) = saved::outcome(outcome.get()).filter(|_| n < head.jobs.len()) {
                outcomes.insert(n, outcome);
            }
        }
        // A line that was cut short must not swallow the next.
        (&file).write_all(b"\n")?;
        Ok((Spool { path, file }, Known { marks: head.jobs, outcomes }))
    }

    /// Keeps the `outcome` of the job of this number.
    pub(super) fn keep(&mut self, number: usize, outcome: &Outcome) -> io::Result<()> {
        write_line(&mut self.file, &Line { n: number, outcome })
    }

    /// The run is whole: nobody will resume it.
    pub(super) fn done(self) {
        let _ = fs::remove_file(self.path);
    }
}

/// Nobody will resume what was cut short so long ago.
fn forget_old(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let written = entry.metadata().and_then(|about| about.modified());
        let old = written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > KEPT));
        if old && entry.path().extension().is_some_and(|ending| ending == ENDING) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn write_line(file: &mut File, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    file.write_all(&line)
}
