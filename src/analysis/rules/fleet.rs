//! What several servers are together, for the client that has them all.

use super::Rule;

pub(super) const RULES: &[Rule] = &[];
