//! How many jobs are done at a time, in which portions, and what that may cost in memory.

use std::time::Duration;

/// The width of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Always this many.
    Fixed(usize),
    /// As many as wait on others while the processors have time.
    Auto {
        /// To begin with, and never fewer.
        start: usize,
        /// Never more.
        most: usize,
    },
}

impl Width {
    /// Beyond this, threads cost more than they bring.
    pub const MOST: usize = 1024;

    /// By itself: two a processor to begin with, at most twenty, and from there as far as there is room.
    pub fn auto(processors: usize) -> Width {
        Width::Auto { start: (processors * 2).clamp(1, 20), most: Width::MOST }
    }

    /// The same, but never more than `most` at a time.
    pub fn within(self, most: usize) -> Width {
        let most = most.max(1);
        match self {
            Width::Fixed(n) => Width::Fixed(n.clamp(1, most)),
            Width::Auto { start, most: own } => {
                let most = own.clamp(1, most);
                Width::Auto { start: start.clamp(1, most), most }
            }
        }
    }

    /// For jobs of two kinds, light and heavy ones: what the light ones let it grow to, the heavy ones have to
    /// share, so an automatic width grows to four times its start at most.
    pub fn mixed(self) -> Width {
        match self {
            Width::Fixed(_) => self,
            Width::Auto { start, .. } => self.within(4 * start),
        }
    }

    /// Begins at `reached`, if that is more and it is automatic.
    pub fn from(self, reached: usize) -> Width {
        match self {
            Width::Fixed(_) => self,
            Width::Auto { start, most } => Width::Auto { start: start.max(reached).min(most), most },
        }
    }

    /// What it begins with.
    pub fn start(self) -> usize {
        match self {
            Width::Fixed(n) | Width::Auto { start: n, .. } => n,
        }
    }

    /// What it may reach.
    pub fn most(self) -> usize {
        match self {
            Width::Fixed(n) | Width::Auto { most: n, .. } => n,
        }
    }
}

/// Targets in portions, `batch_processing` of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    /// `batch_size`: targets of one batch.
    pub size: usize,
    /// `processing_interval`: from the end of one batch to the beginning of the next.
    pub pause: Duration,
}

/// What is done for a small footprint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// `enable_memory_optimization`: fewer arenas of the allocator, smaller stacks.
    pub frugal: bool,
    /// `enable_garbage_collection`: before the first target, after so many results, and between batches, freed
    /// memory is returned to the system.
    pub give_back_every: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_holds_for_the_start_too() {
        assert_eq!(Width::auto(2), Width::Auto { start: 4, most: 1024 });
        assert_eq!(Width::auto(64), Width::Auto { start: 20, most: 1024 });
        assert_eq!(Width::auto(2).within(3), Width::Auto { start: 3, most: 3 });
        assert_eq!(Width::auto(2).within(0), Width::Auto { start: 1, most: 1 });
        assert_eq!(Width::Fixed(50).within(20), Width::Fixed(20));
        assert_eq!(Width::auto(2).mixed(), Width::Auto { start: 4, most: 16 });
        assert_eq!(Width::Auto { start: 4, most: 5 }.mixed(), Width::Auto { start: 4, most: 5 });
        assert_eq!(Width::Fixed(50).mixed(), Width::Fixed(50));
        assert_eq!(Width::auto(2).from(300), Width::Auto { start: 300, most: 1024 });
        assert_eq!(Width::auto(2).from(3), Width::auto(2));
        assert_eq!(Width::Fixed(7).from(300), Width::Fixed(7));
    }
}
