//! What a machine of this size is good for: the tuning guide's steps by memory and processors.
//!
//! | memory | servers at a time | results kept | detailed analysis |
//! |---|---|---|---|
//! | 16 GiB and more | 3 a processor, at most 30 | 2000 | yes |
//! | 8 GiB and more | 2 a processor, at most 20 | 1000 | yes |
//! | less | 1 a processor, at least 5, and no more than with 8 GiB | 500 | no |
//! | unknown | as with 8 GiB | 1000 | yes |
//!
//! The guide's lowest step has no upper bound: 64 processors with 4 GiB would get 64 servers at a time, and
//! with 8 GiB only 20; one processor would get 5, and with 8 GiB only 2. It is capped at the step above.
//!
//! Invariant: no I/O in this module.

/// What is good for this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tier {
    /// `max_concurrent_servers: auto`
    pub width: usize,
    /// `caching_config.max_size: auto`
    pub cache_size: u64,
    /// `enable_detailed_analysis: auto`
    pub detailed_analysis: bool,
    /// The width the guide's formula gives, where it was capped.
    pub capped_from: Option<usize>,
    /// Memory in whole GiB, as the guide counts.
    pub memory_gib: Option<u64>,
    /// Processors.
    pub cpus: usize,
}

const GIB: u64 = 1 << 30;

impl Tier {
    /// Of a machine with these processors and bytes of memory; both from the control groups' limits, where
    /// there are any.
    pub(crate) fn of(cpus: usize, memory: Option<u64>) -> Tier {
        let cpus = cpus.max(1);
        let memory_gib = memory.map(|bytes| bytes / GIB);
        let middle = cpus.saturating_mul(2).min(20);
        let (width, cache_size, detailed_analysis) = match memory_gib {
            Some(16..) => (cpus.saturating_mul(3).min(30), 2000, true),
            Some(8..) | None => (middle, 1000, true),
            Some(_) => (cpus.max(5), 500, false),
        };
        let lowest = memory_gib.is_some_and(|gib| gib < 8);
        let capped_from = (lowest && width > middle).then_some(width);
        let width = if lowest { width.min(middle) } else { width };
        Tier { width, cache_size, detailed_analysis, capped_from, memory_gib, cpus }
    }

    /// What it follows from: `16 GiB, 2 processors`.
    pub(crate) fn because(&self) -> String {
        let processors = if self.cpus == 1 { "processor" } else { "processors" };
        match self.memory_gib {
            Some(gib) => format!("{gib} GiB, {} {processors}", self.cpus),
            None => format!("memory unknown, {} {processors}", self.cpus),
        }
    }

    /// That the guide's number was not taken, where it was not.
    pub(crate) fn note(&self) -> Option<String> {
        let guide = self.capped_from?;
        Some(format!(
            "auto: {} servers at a time instead of the guide's {guide} (at least 5, one a processor): a machine \
             with 8 GiB would get {}",
            self.width, self.width
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_steps() {
        // Processors, GiB, then width, cache, detail, and the guide's width where it is capped.
        for (cpus, gib, width, cache, detail, capped) in [
            (2, Some(16), 6, 2000, true, None),
            (10, Some(16), 30, 2000, true, None),
            (64, Some(512), 30, 2000, true, None),
            (1, Some(15), 2, 1000, true, None),
            (2, Some(8), 4, 1000, true, None),
            (64, Some(8), 20, 1000, true, None),
            (8, Some(7), 8, 500, false, None),
            (4, Some(4), 5, 500, false, None),
            (3, Some(4), 5, 500, false, None),
            (2, Some(4), 4, 500, false, Some(5)),
            (1, Some(0), 2, 500, false, Some(5)),
            (64, Some(4), 20, 500, false, Some(64)),
            (20, Some(1), 20, 500, false, None),
            (0, Some(16), 3, 2000, true, None),
            (4, None, 8, 1000, true, None),
            (64, None, 20, 1000, true, None),
        ] {
            let tier = Tier::of(cpus, gib.map(|n| n * GIB));
            let got = (tier.width, tier.cache_size, tier.detailed_analysis, tier.capped_from);
            assert_eq!(got, (width, cache, detail, capped), "{cpus} processors, {gib:?} GiB");
            assert_eq!(tier.note().is_some(), capped.is_some());
        }
        // Whole GiB, as the guide's `//`: a hair less than 16 is 15.
        assert_eq!(Tier::of(2, Some(16 * GIB - 1)).memory_gib, Some(15));
        assert_eq!(Tier::of(usize::MAX, Some(u64::MAX)).width, 30);
        assert_eq!(Tier::of(1, Some(16 * GIB)).because(), "16 GiB, 1 processor");
        assert_eq!(Tier::of(4, None).because(), "memory unknown, 4 processors");
    }

    #[test]
    fn more_memory_never_means_fewer_servers() {
        for cpus in 1..200 {
            let widths: Vec<usize> = [4, 8, 16].map(|gib| Tier::of(cpus, Some(gib * GIB)).width).into();
            assert!(widths.is_sorted(), "{cpus} processors: {widths:?}");
        }
    }
}
