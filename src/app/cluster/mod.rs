//! Scans over many hosts: what of a scan goes through the queue, on either side of it.
//!
//! | file | what it does |
//! |---|---|
//! | `parcel` | a target on its way to a worker |
//! | `terms` | the settings that a server's answer depends on: those of the host that scans hold |
//! | `fleet` | the host that scans: targets out, outcomes back, judged here |
//! | `spool` | what came back so far, so that a run can be resumed |
//! | `worker` | a worker: asks, and judges nothing |
//! | `gauges` | a worker in numbers |
//! | `status` | who works, what waits |

pub(super) mod fleet;
mod gauges;
mod parcel;
mod spool;
pub(super) mod status;
mod terms;
pub(super) mod worker;
