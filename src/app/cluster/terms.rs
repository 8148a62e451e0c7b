//! The settings that a server's answer depends on. Those of the host that scans hold on every worker: the report is
//! the same wherever a server was asked from. What a worker may do to its own host (certificates it trusts, pools,
//! descriptors) is its own affair.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::limits::Limits;
use crate::model::revision::Revision;
use crate::scan::ScanOptions;
use crate::transport::options::{HttpOptions, Rate, SseOptions};

/// What holds for all targets of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Terms {
    timeout: Duration,
    max_retries: u32,
    pin: Option<Revision>,
    auth_metadata: bool,
    differential: bool,
    limits: Limits,
    process_timeout: Duration,
    binary_mode: bool,
    http: HttpOptions,
    sse: SseOptions,
    rate: Option<Rate>,
    rate_per_origin: Option<Rate>,
}

impl Terms {
    /// Those of `options`.
    pub(super) fn of(options: &ScanOptions) -> Terms {
        let wire = &options.wire;
        Terms {
            timeout: options.timeout,
            max_retries: options.max_retries,
            pin: options.protocol_version,
            auth_metadata: options.auth_metadata,
            differential: options.differential && options.assessment.risk,
            limits: wire.limits.clone(),
            process_timeout: wire.stdio.process_timeout,
            binary_mode: wire.stdio.binary_mode,
            http: wire.http.clone(),
            sse: wire.sse.clone(),
            rate: wire.pace.global,
            rate_per_origin: wire.pace.per_origin,
        }
    }

    /// `own` options of a worker under these terms.
    pub(super) fn applied(self, own: &ScanOptions) -> ScanOptions {
        let mut options = own.clone();
        options.timeout = self.timeout;
        options.max_retries = self.max_retries;
        options.protocol_version = self.pin;
        options.auth_metadata = self.auth_metadata;
        options.differential = self.differential;
        let wire = &mut options.wire;
        wire.limits = self.limits;
        wire.stdio.process_timeout = self.process_timeout;
        wire.stdio.binary_mode = self.binary_mode;
        let HttpOptions {
            keep_alive,
            pool_size,
            pool_maxsize,
            keep_alive_timeout,
            idle_timeout,
            max_lifetime,
            ..
        } = own.wire.http;
        wire.http = HttpOptions {
            keep_alive,
            pool_size,
            pool_maxsize,
            keep_alive_timeout,
            idle_timeout,
            max_lifetime,
            ..self.http
        };
        wire.sse = self.sse;
        wire.pace.global = self.rate;
        wire.pace.per_origin = self.rate_per_origin;
        options
    }
}
