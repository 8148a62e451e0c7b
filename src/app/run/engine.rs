//! How settings scan.

use crate::config::Settings;
use crate::scan::ScanOptions;
use crate::transport::stdio::launch::Claim;

use super::plan::SELF;

/// For a process that exists for nothing else.
pub(in crate::app) fn scan_options(settings: &Settings) -> ScanOptions {
    ScanOptions {
        wire: settings.wire.clone(),
        timeout: settings.timeout,
        max_duration: settings.max_duration,
        max_retries: settings.max_retries,
        width: settings.width,
        batches: settings.batches,
        memory: settings.memory,
        protocol_version: settings.protocol_version,
        assessment: settings.assessment.clone(),
        claim: Claim::Whole { guard_program: SELF.into() },
        pool: None,
        auth_metadata: true,
        differential: settings.differential,
    }
}

/// The same, for those who scan the same targets again and again: sessions are kept in between.
pub(in crate::app) fn keeping_options(settings: &Settings) -> ScanOptions {
    ScanOptions { pool: settings.pool, differential: false, ..scan_options(settings) }
}
