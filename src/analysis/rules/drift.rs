//! What changed since the last time, or depends on who asks.

use super::Rule;

pub(super) const RULES: &[Rule] = &[];
