//! One of our reports, told from its beginning to its end: the run, each target, how it ended. Of an NDJSON report
//! one line is in memory at a time, so that it may be of any length; a JSON report is read whole, within bounds.
//!
//! Unlike what is read to be judged anew, a target comes out as it went in.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::file::{self, LARGEST};
use super::report;
use super::{Place, STANDARD_INPUT, Unusable, failed};
use crate::base::text::quote;
use crate::base::time::instant_of;
use crate::mcp::json;
use crate::model::outcome::{FailureKind, Outcome, SavedIn};
use crate::model::run::Tally;
use crate::model::shard::ShardRun;

/// A report that can be read more than once.
pub(crate) struct Report {
    /// As it was given.
    pub(crate) name: String,
    source: Source,
}

enum Source {
    File(PathBuf),
    /// Standard input.
    Text(String),
}

/// What a report tells, in this order; with `--watch` a report has several of them.
pub(crate) enum Part {
    /// A run begins.
    Run(Head),
    /// A target, with its place in the plan where the report says so.
    Target(Option<u32>, Box<Outcome>),
    /// A run is over. A report that ends without is cut off.
    End(End),
}

/// Which run a report is of.
pub(crate) struct Head {
    /// When it began.
    pub(crate) started: Option<SystemTime>,
    /// How many targets it has.
    pub(crate) planned: Option<usize>,
    /// Which part of a list it is about.
    pub(crate) shard: Option<ShardRun>,
    /// With which rules it judged.
    pub(crate) rules: Option<Rules>,
    /// Whether it is itself several reports, some of which were missing.
    pub(crate) lacking: bool,
}

/// The rules of a report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Rules {
    pub(crate) version: String,
    pub(crate) count: usize,
    pub(crate) sha256: String,
    #[serde(default)]
    pub(crate) not_assessed: Vec<String>,
}

/// How a run ended.
pub(crate) struct End {
    /// When.
    pub(crate) finished: Option<SystemTime>,
    /// Whether before its time.
    pub(crate) interrupted: bool,
    /// Entries that were disabled in their file.
    pub(crate) disabled: usize,
    /// Names of targets of the run before that are none any more.
    pub(crate) gone: Vec<String>,
}

impl Report {
    /// The file at `path`, or all of `input` where that is standard input.
    pub(crate) fn open(path: &Path, input: &mut dyn Read) -> Result<Report, Unusable> {
        if path == Path::new("-") || path == Path::new("/dev/stdin") {
            let text = file::text(STANDARD_INPUT, input)?;
            return Ok(Report { name: STANDARD_INPUT.to_owned(), source: Source::Text(text) });
        }
        // That it can be read is asked for all reports before anything is made of one.
        let (name, _) = file::open(path)?;
        Ok(Report { name, source: Source::File(path.to_owned()) })
    }

    /// Tells `each` what is in the report, until that returns false.
    pub(crate) fn tell(&self, each: &mut dyn FnMut(Part) -> bool) -> Result<(), Unusable> {
        match &self.source {
            Source::Text(text) => self.read(&mut text.as_bytes(), each),
            Source::File(path) => {
                let (_, file): (String, File) = file::open(path)?;
                self.read(&mut BufReader::with_capacity(256 << 10, file), each)
            }
        }
    }

    fn read(&self, input: &mut dyn BufRead, each: &mut dyn FnMut(Part) -> bool) -> Result<(), Unusable> {
        let mut lines = Lines { input, buffer: Vec::new(), number: 0, odd: false };
        let first = loop {
            match lines.next(&self.name)? {
                None => return Err(self.unusable("is empty".to_owned())),
                Some(_) if lines.text().is_empty() && !lines.odd => {}
                Some(whole) => break whole,
            }
        };
        if kind_of(lines.text()).is_some() {
            return self.lines(first, &mut lines, each);
        }
        let mut all = std::mem::take(&mut lines.buffer);
        let left = LARGEST.saturating_sub(all.len() as u64) + 1;
        (&mut *lines.input).take(left).read_to_end(&mut all).map_err(|e| file::unreadable(&self.name, &e))?;
        let text = file::text(&self.name, &mut all.as_slice())?;
        drop(all);
        self.document(&text, each)
    }

    /// An NDJSON report, the first line of which was taken from `lines`, and is `whole`.
    fn lines(
        &self,
        mut whole: bool,
        lines: &mut Lines<'_>,
        each: &mut dyn FnMut(Part) -> bool,
    ) -> Result<(), Unusable> {
        loop {
            let (text, number) = (lines.text(), lines.number);
            let part = match kind_of(text).as_deref() {
                Some("run") => Some(Part::Run(self.head(text)?)),
                Some("target") => Some(self.target(text, number)),
                Some("summary") => Some(Part::End(end(text))),
                // What there is to be said of servers together is said anew.
                Some(_) => None,
                None if text.is_empty() && !lines.odd => None,
                // The end of a report whose writer was killed.
                None if !whole => return Ok(()),
                None => {
                    let place = Place { file: &self.name, line: Some(number), learnt_at: None };
                    let why = format!("{}:{number}: is no line of a report", self.name);
                    let name = format!("{}#{number}", self.name);
                    Some(Part::Target(None, Box::new(failed(name, &place, FailureKind::InvalidMessage, why))))
                }
            };
            if part.is_some_and(|part| !each(part)) {
                return Ok(());
            }
            match lines.next(&self.name)? {
                Some(ended) => whole = ended,
                None => return Ok(()),
            }
        }
    }

    /// A JSON report.
    fn document(&self, text: &str, each: &mut dyn FnMut(Part) -> bool) -> Result<(), Unusable> {
        if let Err(e) = serde_json::from_str::<&RawValue>(text) {
            let at = Some((whole_number(e.line()), whole_number(e.column())));
            let why = e.to_string();
            let why = why.split(" at line ").next().unwrap_or(&why).to_lowercase();
            return Err(Unusable { at, ..self.unusable(format!("no JSON: {why}")) });
        }
        let picked =
            json::pick(text, ["schema_version", "run", "targets"]).ok_or_else(|| self.no_report())?;
        if picked.repeated > 0 {
            return Err(self.unusable("has a key twice that a report has once".to_owned()));
        }
        let [Some(version), Some(_), Some(targets)] = picked.members else { return Err(self.no_report()) };
        self.version(version)?;
        if !each(Part::Run(self.head(text)?)) {
            return Ok(());
        }
        let (mut going, mut after, mut number) = (true, 0, 1);
        let read = json::for_each(targets.get(), |raw| {
            // Lines are counted as a person counts them, in the file.
            let offset = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            let between = text.as_bytes().get(after..offset).unwrap_or_default();
            number += memchr::memchr_iter(b'\n', between).count();
            after = offset;
            going = going && each(self.target(raw.get(), whole_number(number)));
        });
        read.ok_or_else(|| self.unusable("has targets that are no list".to_owned()))?;
        if going {
            each(Part::End(end(text)));
        }
        Ok(())
    }

    fn unusable(&self, why: String) -> Unusable {
        Unusable { file: self.name.clone(), at: None, why, read: true }
    }

    fn no_report(&self) -> Unusable {
        self.unusable("is no report of a scan (JSON or NDJSON)".to_owned())
    }

    fn version(&self, version: &RawValue) -> Result<(), Unusable> {
        if version.get() == "1" {
            return Ok(());
        }
        let version = quote(version.get(), 20);
        Err(self.unusable(format!("has schema_version {version}; this hawkeye reads 1")))
    }

    /// The run that `text` tells of, a report or the first line of one.
    fn head(&self, text: &str) -> Result<Head, Unusable> {
        let odd = |what: &str| self.unusable(format!("has a {what} that is not what a report has there"));
        let picked =
            json::pick(text, ["schema_version", "run", "tool", "planned"]).ok_or_else(|| odd("run"))?;
        let [version, run, tool, planned] = picked.members;
        if picked.repeated > 0 {
            return Err(self.unusable("has a key twice that a report has once".to_owned()));
        }
        version.map_or(Ok(()), |version| self.version(version))?;
        let run = run.ok_or_else(|| self.no_report())?;
        let picked = json::pick(run.get(), ["started_at", "shard", "missing"]).ok_or_else(|| odd("run"))?;
        let [started, shard, missing] = picked.members;
        let shard = shard.map(|raw| serde_json::from_str::<ShardRun>(raw.get()));
        let shard = shard.transpose().ok().filter(|shard| {
            let sound = |s: &ShardRun| s.shard.is_sound() && s.list.len() <= 64 && s.of <= MOST_TARGETS;
            shard.as_ref().is_none_or(sound)
        });
        let rules = tool.and_then(|tool| json::pick(tool.get(), ["rules"])?.members[0]);
        let rules = rules.map(|raw| serde_json::from_str::<Rules>(raw.get()));
        let rules = rules.transpose().ok().filter(|rules| rules.as_ref().is_none_or(Rules::is_sound));
        Ok(Head {
            started: started.and_then(json::string).and_then(|at| instant_of(&at)),
            planned: planned.and_then(|raw| raw.get().parse().ok()),
            shard: shard.ok_or_else(|| odd("run.shard"))?,
            rules: rules.ok_or_else(|| odd("tool.rules"))?,
            lacking: missing.is_some(),
        })
    }

    fn target(&self, text: &str, line: u32) -> Part {
        let place = Place { file: &self.name, line: Some(line), learnt_at: None };
        let [index, saved] = json::pick(text, ["index", "saved"]).map_or([None, None], |p| p.members);
        let outcome = match report::attempt(text, &format!("{}#{line}", self.name), &place) {
            Ok(mut outcome) => {
                outcome.saved = saved.and_then(|raw| serde_json::from_str::<SavedIn>(raw.get()).ok());
                Box::new(outcome)
            }
            // One that cannot be read says where it stands.
            Err(failed) => failed,
        };
        Part::Target(index.and_then(|raw| raw.get().parse().ok()), outcome)
    }
}

/// Targets that a list may have, and that are merged.
pub(crate) const MOST_TARGETS: usize = 10_000_000;

impl Rules {
    fn is_sound(&self) -> bool {
        let digest = self.sha256.len() == 64 && self.sha256.bytes().all(|b| b.is_ascii_hexdigit());
        digest && self.version.len() <= 100 && self.not_assessed.len() <= 100
    }
}

/// What kind of line `text` is, if it is one of an NDJSON report.
fn kind_of(text: &str) -> Option<String> {
    let picked = json::pick(text, ["type"])?;
    let kind = picked.members[0].filter(|_| picked.repeated == 0).and_then(json::string)?;
    ["run", "target", "client", "summary"].contains(&&*kind).then(|| kind.into_owned())
}

/// How the run ended that `text` tells of.
fn end(text: &str) -> End {
    let [run, summary, gone] =
        json::pick(text, ["run", "summary", "gone"]).map_or([None; 3], |picked| picked.members);
    let [finished, interrupted] = run
        .and_then(|run| json::pick(run.get(), ["finished_at", "interrupted"]))
        .map_or([None; 2], |picked| picked.members);
    let tally = summary.and_then(|raw| serde_json::from_str::<Tally>(raw.get()).ok()).unwrap_or_default();
    End {
        finished: finished.and_then(json::string).and_then(|at| instant_of(&at)),
        interrupted: interrupted.is_some_and(|raw| raw.get() == "true"),
        disabled: tally.disabled,
        gone: gone.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default(),
    }
}

fn whole_number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Lines of bounded length.
struct Lines<'a> {
    input: &'a mut dyn BufRead,
    buffer: Vec<u8>,
    number: u32,
    /// Whether this line is no text.
    odd: bool,
}

impl Lines<'_> {
    /// Goes on to the next line; whether it ends with a line feed. Nothing at the end.
    fn next(&mut self, name: &str) -> Result<Option<bool>, Unusable> {
        self.buffer.clear();
        // A long line is no reason to hold as much for all that follow.
        self.buffer.shrink_to(1 << 20);
        self.number = self.number.saturating_add(1);
        let read = (&mut *self.input).take(LARGEST + 1).read_until(b'\n', &mut self.buffer);
        read.map_err(|e| file::unreadable(name, &e))?;
        if self.buffer.len() as u64 > LARGEST {
            let why = format!("has a line longer than {} MiB (line {})", LARGEST >> 20, self.number);
            return Err(Unusable { file: name.to_owned(), at: None, why, read: true });
        }
        self.odd = std::str::from_utf8(&self.buffer).is_err();
        Ok((!self.buffer.is_empty()).then(|| self.buffer.ends_with(b"\n")))
    }

    /// The line, without what surrounds it; nothing of one that is no text.
    fn text(&self) -> &str {
        let text = std::str::from_utf8(&self.buffer).unwrap_or_default();
        text.trim_start_matches('\u{feff}').trim()
    }
}
