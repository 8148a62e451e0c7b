//! What every command that ends in a report has in common, from the settings to the exit code.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan` | settings and targets, all of it known before anything is started |
//! | `engine` | how those settings scan |
//! | `database`, `past` | the file of results and runs; what is known from it of each server |
//! | `review` | what is said of an outcome beyond its own inventory |
//! | `outputs`, `trouble` | the reports; the line on what went wrong |
//! | `telling` | each outcome through all of these |
//! | `ended` | the exit code |

pub(super) mod database;
pub(super) mod ended;
pub(super) mod engine;
pub(super) mod outputs;
pub(super) mod past;
pub(super) mod plan;
pub(super) mod review;
pub(super) mod telling;
mod trouble;
