//! What a load test measured.

use crate::base::columns::{Side, lay_out, ms};
use std::collections::BTreeMap;

use serde::Serialize;

use super::latency::{Bar, Latencies, Percentiles};

/// Rows of the histogram, and the width of its longest bar.
const ROWS: usize = 20;
const WIDTH: u64 = 40;

/// How the load is made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "loop", rename_all = "snake_case")]
pub(crate) enum Shape {
    /// Each thread asks again when it has been answered: the slower the server, the fewer requests it gets.
    Closed {
        /// Of each thread.
        requests_per_thread: usize,
    },
    /// Requests begin on a schedule of their own, whatever became of the ones before.
    Open {
        /// Of all threads.
        rate_per_second: f64,
        /// Length of the schedule.
        duration_s: f64,
    },
}

/// Counts and latencies while they come in.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// From the moment a request was due (open loop) or was sent (closed loop) to its end.
    pub latency: Latencies,
    /// From the moment it was sent.
    pub service: Latencies,
    /// Complete introspections.
    pub successful: u64,
    /// All others.
    pub failed: u64,
    /// By kind of failure.
    pub errors: BTreeMap<&'static str, u64>,
    /// Requests that were sent more than a millisecond after they were due: all threads were busy.
    pub late: u64,
}

/// The whole test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// [`super::SCHEMA_VERSION`]
    pub schema_version: u32,
    /// `load-test`
    pub kind: &'static str,
    /// Version of hawkeye.
    pub version: &'static str,
    /// RFC 3339.
    pub started_at: String,
    /// Whether a signal ended it.
    pub interrupted: bool,
    /// The target's name.
    pub target: String,
    /// How the load was made.
    pub shape: Shape,
    /// Requests at a time, at most.
    pub threads: usize,
    /// Requests that were to be made.
    pub planned: u64,
    /// Requests that were made.
    pub total: u64,
    /// Of these: complete.
    pub successful: u64,
    /// Of these: not.
    pub failed: u64,
    /// In per cent; absent where nothing was asked.
    pub success_rate_percent: Option<f64>,
    /// Wall time.
    pub total_time_s: f64,
    /// Requests in a second.
    pub requests_per_second: f64,
    /// From when a request was due (open loop) or sent (closed loop) to its end, failures included.
    pub latency: Option<Percentiles>,
    /// From when it was sent; of an open loop, where it differs.
    pub service: Option<Percentiles>,
    /// Requests sent late because all threads were busy; of an open loop.
    pub late: Option<u64>,
    /// By kind of failure.
    pub errors: BTreeMap<&'static str, u64>,
    /// The latencies.
    pub histogram: Vec<Bar>,
    /// Connections and processes that were made for it.
    pub connections: u64,
    /// Processes started for it.
    pub processes: u64,
    /// What else bears on the figures.
    pub remarks: Vec<String>,
}

/// The bars of `load`, as many as are shown.
pub(crate) fn histogram(load: &Load) -> Vec<Bar> {
    load.latency.bars(ROWS)
}

impl Report {
    /// For people; `unicode` says what bars are made of.
    pub(crate) fn text(&self, unicode: bool) -> String {
        let mut text = match self.shape {
            Shape::Closed { requests_per_thread } => {
                format!("closed loop: {} threads, {requests_per_thread} requests each\n\n", self.threads)
            }
            Shape::Open { rate_per_second, duration_s } => format!(
                "open loop: {rate_per_second} requests/s for {duration_s} s, at most {} at a time\n\n",
                self.threads
            ),
        };
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let mut rows = vec![
            row("Total requests", self.total.to_string()),
            row("Successful", self.successful.to_string()),
            row("Failed", self.failed.to_string()),
        ];
        if let Some(rate) = self.success_rate_percent {
            rows.push(row("Success rate", format!("{rate:.1} %")));
        }
        rows.extend([
            row("Total time", format!("{:.2} s", self.total_time_s)),
            row("Requests/second", format!("{:.2}", self.requests_per_second)),
            row("Connections made", self.connections.to_string()),
            row("Processes started", self.processes.to_string()),
        ]);
        text.push_str(&lay_out(&rows, &[]));
        text.push_str(&self.latencies());
        if let Some(late) = self.late.filter(|n| *n > 0) {
            text.push_str(&format!(
                "{late} of {} requests had to wait for a free thread (--threads {}): latency has that wait in it\n",
                self.total, self.threads
            ));
        }
        if !self.errors.is_empty() {
            text.push_str("\nerrors by kind\n");
            let rows: Vec<_> =
                self.errors.iter().map(|(k, n)| vec![n.to_string(), (*k).to_owned()]).collect();
            text.push_str(&lay_out(&rows, &[Side::Right]));
        }
        text.push_str(&self.bars(unicode));
        for remark in &self.remarks {
            text.push_str(&format!("{remark}\n"));
        }
        if self.interrupted {
            text.push_str(&format!("interrupted after {} of {} requests\n", self.total, self.planned));
        }
        text
    }

    fn latencies(&self) -> String {
        let heads = ["ms", "mean", "min", "p50", "p90", "p95", "p99", "max"].map(str::to_owned).to_vec();
        let row = |name: &str, p: &Percentiles| {
            let values = [p.mean_ms, p.min_ms, p.p50_ms, p.p90_ms, p.p95_ms, p.p99_ms, p.max_ms];
            std::iter::once(name.to_owned()).chain(values.map(ms)).collect::<Vec<_>>()
        };
        let mut rows = vec![heads];
        rows.extend(self.latency.iter().map(|p| row("latency", p)));
        rows.extend(self.service.iter().map(|p| row("service", p)));
        if rows.len() == 1 {
            return String::new();
        }
        let mut sides = vec![Side::Left];
        sides.resize(8, Side::Right);
        format!("\n{}", lay_out(&rows, &sides))
    }

    fn bars(&self, unicode: bool) -> String {
        let most = self.histogram.iter().map(|b| b.count).max().unwrap_or(0);
        if most == 0 {
            return String::new();
        }
        let mark = if unicode { "█" } else { "#" };
        let line = |bar: &Bar| {
            // Rounded up: what is there is seen.
            let length = (bar.count * WIDTH).div_ceil(most) as usize;
            vec![
                ms(bar.from_ms),
                "-".to_owned(),
                format!("{} ms", ms(bar.to_ms)),
                bar.count.to_string(),
                mark.repeat(length),
            ]
        };
        let rows: Vec<_> = self.histogram.iter().map(line).collect();
        let sides = [Side::Right, Side::Left, Side::Right, Side::Right, Side::Left];
        format!("\n{}", lay_out(&rows, &sides))
    }
}
