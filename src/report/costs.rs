//! Where the time of a run went: by phase, by target, and as folded stacks for a flame graph.
//!
//! Each target's time is cut into parts that add up to it. Only sums and the dearest targets are kept, and
//! the stacks are written as the results come: ten thousand targets need no more memory than twenty.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use super::label;
use super::output::{self, Handle, OutputFile};
use crate::base::columns::mib;
use crate::base::text::shorten;
use crate::model::outcome::{Outcome, Transport};
use crate::sys::usage::{CpuTime, Usage};

/// Rows of each table, as many as the guide's profile shows.
const TOP: usize = 20;
/// Characters of a target's name in the table.
const SHOWN: usize = 48;

/// A part of a target's time: the frames below the target, and microseconds.
type Part = (&'static [&'static str], u64);

/// What was spent so far.
#[derive(Default)]
pub(crate) struct Costs {
    phases: BTreeMap<&'static str, Cost>,
    /// The dearest first, each target once.
    dearest: Vec<Dear>,
    targets: u64,
    total: u64,
    folded: Option<Folded>,
}

/// Microseconds spent on one phase.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    count: u64,
    total: u64,
    max: u64,
}

/// A target, ordered by what it cost.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Dear {
    total: u64,
    name: String,
    phase: &'static str,
    of_it: u64,
}

/// The file of stacks on its way.
struct Folded {
    out: BufWriter<Handle>,
    file: OutputFile,
    failed: Option<io::Error>,
}

/// What the process used while the costs arose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// From the first target's turn to the end.
    pub wall: Duration,
    /// Targets at a time.
    pub width: usize,
    /// At the end.
    pub usage: Usage,
}

impl Costs {
    /// Nothing spent. The stacks go to `folded`, where that is asked for.
    pub(crate) fn new(folded: Option<&Path>) -> io::Result<Costs> {
        let open = |path: &Path| {
            let file = output::create(path)?;
            Ok::<_, io::Error>(Folded { out: BufWriter::new(file.handle()?), file, failed: None })
        };
        Ok(Costs { folded: folded.map(open).transpose()?, ..Costs::default() })
    }

    /// Counts one target.
    pub(crate) fn outcome(&mut self, outcome: &Outcome) {
        let total = micros(outcome.timing.total_ms);
        // What was not tried cost nothing.
        if total == 0 {
            return;
        }
        let (name, parts) = (label::of(outcome), parts(outcome, total));
        for (frames, spent) in &parts {
            let cost = self.phases.entry(frames.last().unwrap_or(&"")).or_default();
            cost.count += 1;
            cost.total += spent;
            cost.max = cost.max.max(*spent);
        }
        self.targets += 1;
        self.total += total;
        if let Some(folded) = &mut self.folded {
            folded.write(outcome.transport, &name, &parts);
        }
        let (phase, of_it) = parts
            .iter()
            .max_by_key(|(_, spent)| *spent)
            .map_or(("", 0), |(frames, spent)| (frames.last().copied().unwrap_or(""), *spent));
        self.keep(Dear { total, name, phase, of_it });
    }

    /// Keeps `dear` if it is among the dearest; of a target that is asked again, what cost most.
    fn keep(&mut self, dear: Dear) {
        if self.dearest.len() == TOP && self.dearest.last().is_some_and(|last| *last >= dear) {
            return;
        }
        match self.dearest.iter_mut().find(|known| known.name == dear.name) {
            Some(known) if *known >= dear => return,
            Some(known) => *known = dear,
            None => self.dearest.push(dear),
        }
        self.dearest.sort_unstable_by(|a, b| b.cmp(a));
        self.dearest.truncate(TOP);
    }

    /// Gives the file of stacks its name, where there is one.
    pub(crate) fn commit_folded(&mut self) -> io::Result<()> {
        let Some(mut folded) = self.folded.take() else { return Ok(()) };
        if let Some(e) = folded.failed {
            return Err(e);
        }
        folded.out.flush()?;
        folded.file.commit()
    }

    /// The report for people.
    pub(crate) fn report(&self, frame: &Frame) -> String {
        let mut out = String::new();
        let _ = write!(out, "{}\n\n", self.headline(frame));
        let _ = write!(out, "by phase, top {TOP} of {}\n{}\n\n", self.phases.len(), self.phase_table());
        let _ = write!(out, "by target, top {TOP} of {}\n{}\n\n", self.targets, self.target_table());
        let _ = write!(out, "{}", process_lines(&frame.usage));
        out
    }

    fn headline(&self, frame: &Frame) -> String {
        let (wall, busy) = (frame.wall.as_secs_f64(), self.total as f64 / 1e6);
        let at_once = if wall > 0.0 { busy / wall } else { 0.0 };
        let rate = if wall > 0.0 { self.targets as f64 / wall } else { 0.0 };
        format!(
            "profile: {} targets in {wall:.3} s, {rate:.1} a second; {busy:.3} s of work, {at_once:.1} at a time \
             ({} allowed)",
            self.targets, frame.width
        )
    }

    fn phase_table(&self) -> String {
        let mut phases: Vec<(&str, Cost)> = self.phases.iter().map(|(name, cost)| (*name, *cost)).collect();
        phases.sort_by_key(|(name, cost)| (Reverse(cost.total), *name));
        let rows = phases.into_iter().take(TOP).map(|(name, cost)| {
            let mean = cost.total / cost.count.max(1);
            [
                name.to_owned(),
                cost.count.to_string(),
                ms(cost.total),
                ms(mean),
                ms(cost.max),
                share(cost.total, self.total),
            ]
        });
        table(["phase", "count", "total ms", "mean ms", "max ms", "share"], rows)
    }

    fn target_table(&self) -> String {
        let rows = self.dearest.iter().map(|dear| {
            let name = shorten(&dear.name, SHOWN).into_owned();
            let phase = format!("{} {}", dear.phase, share(dear.of_it, dear.total));
            [name, ms(dear.total), share(dear.total, self.total), phase]
        });
        table(["target", "total ms", "share", "mostly"], rows)
    }
}

impl Folded {
    /// One line a stack, microseconds at its end. A failure is kept: the scan is worth more than its profile.
    fn write(&mut self, transport: Option<Transport>, name: &str, parts: &[Part]) {
        let transport = transport.map_or("none", Transport::name);
        // A semicolon parts frames, and the last blank parts the stack from its weight.
        let name: String =
            name.chars().map(|c| if c == ';' || c.is_whitespace() { '_' } else { c }).collect();
        for (frames, spent) in parts.iter().filter(|(_, spent)| *spent > 0 && self.failed.is_none()) {
            let frames = frames.join(";");
            if let Err(e) = writeln!(self.out, "hawkeye;{transport};{name};{frames} {spent}") {
                self.failed = Some(e);
                return;
            }
        }
    }
}

/// The parts of a target's time. They add up to `total`: what no phase accounts for (waits between attempts,
/// reading what the server says about logging in, ending the server) is `rest`.
fn parts(outcome: &Outcome, total: u64) -> Vec<Part> {
    let timing = &outcome.timing;
    if outcome.cached.is_some() {
        return vec![(&["cache"], total)];
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut left = total;
    let mut take = |frames: &'static [&'static str], spent: u64, left: &mut u64| {
        // Clocks that were read one after the other may disagree by a little.
        let spent = spent.min(*left);
        *left -= spent;
        if spent > 0 {
            parts.push((frames, spent));
        }
        spent
    };
    let mut connect = micros(timing.connect_ms);
    let lookups: [(&'static [&'static str], Option<f64>); 3] = [
        (&["connect", "resolve"], timing.resolve_ms),
        (&["connect", "tcp"], timing.tcp_ms),
        (&["connect", "tls"], timing.tls_ms),
    ];
    for (frames, spent) in lookups {
        let spent = micros(spent.unwrap_or(0.0)).min(connect);
        connect -= take(frames, spent, &mut left);
    }
    let opening: &'static [&'static str] =
        if outcome.transport == Some(Transport::Stdio) { &["spawn"] } else { &["connect"] };
    take(opening, connect, &mut left);
    take(&["handshake"], micros(timing.handshake_ms), &mut left);
    let mut listing = micros(timing.listing_ms);
    for row in &outcome.inventory.coverage {
        let spent = micros(row.ms).min(listing);
        listing -= take(list_frames(row.phase), spent, &mut left);
    }
    take(&["listing"], listing, &mut left);
    take(&["analysis"], micros(timing.analysis_ms), &mut left);
    let rest = left;
    take(&["rest"], rest, &mut left);
    parts
}

const fn list_frames(list: crate::model::inventory::List) -> &'static [&'static str] {
    use crate::model::inventory::List;
    match list {
        List::Tools => &["listing", "tools/list"],
        List::Resources => &["listing", "resources/list"],
        List::ResourceTemplates => &["listing", "resources/templates/list"],
        List::Prompts => &["listing", "prompts/list"],
    }
}

fn process_lines(usage: &Usage) -> String {
    let cpu = |cpu: CpuTime| {
        format!("{:.3} s user, {:.3} s system", cpu.user.as_secs_f64(), cpu.system.as_secs_f64())
    };
    format!(
        "processor: {}; ended servers: {}\nmemory: {} now, {} at most\n",
        cpu(usage.own),
        cpu(usage.children),
        mib(usage.resident),
        mib(usage.peak)
    )
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.add_row(head.map(str::to_owned));
    for row in rows {
        table.add_row(row);
    }
    for (column, name) in table.column_iter_mut().zip(head) {
        if !["phase", "target", "mostly"].contains(&name) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn micros(ms: f64) -> u64 {
    // A cast saturates; what is no time becomes 0.
    (ms * 1000.0).round() as u64
}

fn ms(micros: u64) -> String {
    format!("{:.1}", micros as f64 / 1000.0)
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1}%", part as f64 / whole as f64 * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::{Cached, Timing};
    use crate::report::specimens::{four, hostile};

    const FRAME: Frame = Frame {
        wall: Duration::from_secs(2),
        width: 4,
        usage: Usage {
            own: CpuTime { user: Duration::from_millis(1500), system: Duration::from_millis(250) },
            children: CpuTime { user: Duration::from_secs(3), system: Duration::ZERO },
            resident: 10 << 20,
            peak: 12 << 20,
        },
    };

    fn timed(name: &str, timing: Timing) -> Outcome {
        Outcome { name: name.into(), timing, ..four()[0].clone() }
    }

    #[test]
    fn the_parts_of_a_target_add_up_to_its_time() {
        let whole = Timing {
            total_ms: 100.0,
            connect_ms: 20.0,
            handshake_ms: 30.0,
            listing_ms: 10.0,
            analysis_ms: 5.0,
            resolve_ms: Some(1.0),
            tcp_ms: Some(4.0),
            tls_ms: None,
            first_byte_ms: Some(9.0),
        };
        let outcome = timed("a", whole);
        let found = parts(&outcome, 100_000);
        let expected: [(&[&str], u64); 9] = [
            (&["connect", "resolve"], 1000),
            (&["connect", "tcp"], 4000),
            (&["spawn"], 15_000),
            (&["handshake"], 30_000),
            (&["listing", "tools/list"], 3125),
            (&["listing", "resources/list"], 3125),
            (&["listing", "resources/templates/list"], 3125),
            (&["listing", "prompts/list"], 625),
            (&["analysis"], 5000),
        ];
        assert_eq!(found[..9], expected);
        assert_eq!(found[9..], [(&["rest"][..], 35_000)]);
        // Clocks that disagree take from the later part, never from the sum.
        let odd = Timing { total_ms: 40.0, ..whole };
        assert_eq!(parts(&timed("a", odd), 40_000).iter().map(|(_, spent)| spent).sum::<u64>(), 40_000);
        let cached = Outcome { cached: Some(Cached { stored_at: String::new(), age_s: 1 }), ..outcome };
        assert_eq!(parts(&cached, 7), [(&["cache"][..], 7)]);
    }

    #[test]
    fn the_report_names_the_dearest_twenty_of_ten_thousand() {
        let mut costs = Costs::new(None).unwrap();
        for n in 0..10_000u32 {
            let ms = f64::from(n % 5000 + 1);
            let timing = Timing { total_ms: ms, handshake_ms: ms, ..Timing::default() };
            costs.outcome(&timed(&format!("t{n}"), timing));
        }
        assert_eq!(costs.dearest.len(), TOP);
        let report = costs.report(&FRAME);
        let lines: Vec<&str> = report.lines().collect();
        assert_eq!(
            lines[0],
            "profile: 10000 targets in 2.000 s, 5000.0 a second; 25005.000 s of work, 12502.5 at a time (4 allowed)"
        );
        assert_eq!(
            lines[4].split_whitespace().collect::<Vec<_>>(),
            ["handshake", "10000", "25005000.0", "2500.5", "5000.0", "100.0%"]
        );
        let dearest: Vec<&str> = lines[8..28].iter().map(|l| l.split_whitespace().next().unwrap()).collect();
        assert!(dearest.contains(&"t4999") && dearest.contains(&"t9990") && !dearest.contains(&"t4989"));
        let again = Timing { total_ms: 9000.0, ..Timing::default() };
        costs.outcome(&timed("t4999", again));
        assert_eq!(
            (costs.dearest[0].total, costs.dearest[0].phase, costs.dearest.len()),
            (9_000_000, "rest", TOP)
        );
        assert_eq!(costs.dearest.iter().filter(|d| d.name == "t4999").count(), 1);
        assert!(report.ends_with(
            "processor: 1.500 s user, 0.250 s system; ended servers: 3.000 s user, 0.000 s system\n\
             memory: 10.0 MiB now, 12.0 MiB at most\n"
        ));
    }

    #[test]
    fn nothing_spent_is_a_report_of_nothing() {
        let report = Costs::new(None).unwrap().report(&Frame { wall: Duration::ZERO, ..FRAME });
        assert!(
            report.starts_with("profile: 0 targets in 0.000 s, 0.0 a second; 0.000 s of work, 0.0 at a time")
        );
    }

    #[test]
    fn stacks_are_one_line_each_whatever_targets_are_called() {
        let path = std::env::temp_dir().join(format!("hawkeye-folded-{:016x}", fastrand::u64(..)));
        let mut costs = Costs::new(Some(&path)).unwrap();
        let outcomes = [timed("a b;c\u{2003}d", four()[0].timing), hostile(), four()[2].clone()];
        outcomes.iter().for_each(|o| costs.outcome(o));
        assert!(!path.exists());
        costs.commit_folded().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut sum = 0;
        for line in text.lines() {
            let (stack, weight) = line.rsplit_once(' ').unwrap();
            let frames: Vec<&str> = stack.split(';').collect();
            assert!(frames[0] == "hawkeye" && (4..=5).contains(&frames.len()), "{line}");
            assert!(frames.iter().all(|f| !f.is_empty() && !f.contains(char::is_whitespace)), "{line}");
            sum += weight.parse::<u64>().unwrap();
        }
        assert!(text.contains("hawkeye;stdio;a_b_c_d;handshake 180200\n"), "{text}");
        assert_eq!(sum, outcomes.iter().map(|o| micros(o.timing.total_ms)).sum::<u64>());
    }
}
