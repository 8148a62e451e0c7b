//! x
use super::exit::Exit;
pub(super) fn run(_a: &crate::cli::args::Diagnose, _p: &[String]) -> Exit { Exit::Complete }
