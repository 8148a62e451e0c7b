//! Reading response bodies: one reader, one limit, on every path.

use std::io::Read;

use ureq::http::Response;
use ureq::{Body, Error};

use crate::model::outcome::FailureKind;
use crate::transport::{Patience, WireError};

use super::agent::explain;

/// How much of an error's body is worth reading.
const REFUSAL_BYTES: u64 = 16 << 10;

/// Counts what one target has sent in all.
#[derive(Debug)]
pub(in crate::transport) struct Meter {
    seen: u64,
    limit: u64,
}

impl Meter {
    pub(in crate::transport) fn new(limit: u64) -> Meter {
        Meter { seen: 0, limit }
    }

    pub(in crate::transport) fn add(&mut self, n: usize) -> Result<(), WireError> {
        self.seen += n as u64;
        if self.seen > self.limit {
            let why = format!("more than {} bytes in all", self.limit);
            return Err(WireError::new(FailureKind::LimitExceeded, why));
        }
        Ok(())
    }
}

/// The whole body, at most `limit` bytes of it.
pub(super) fn whole(
    response: &mut Response<Body>,
    limit: usize,
    meter: &mut Meter,
    patience: &Patience,
    read_option: &str,
) -> Result<Vec<u8>, WireError> {
    let announced = response.body().content_length().unwrap_or(0).min(64 << 10) as usize;
    let mut bytes = Vec::with_capacity(announced);
    // One more than allowed, to tell "full" from "too much".
    let mut reader = response.body_mut().with_config().limit(limit as u64 + 1).reader();
    let result = (&mut reader).take(limit as u64 + 1).read_to_end(&mut bytes);
    meter.add(bytes.len())?;
    if bytes.len() > limit {
        return Err(WireError::new(FailureKind::LimitExceeded, format!("a body of more than {limit} bytes")));
    }
    result.map_err(|e| explain(Error::from(e), patience, read_option))?;
    Ok(bytes)
}

/// The beginning of a body that only explains a refusal; what cannot be read is left out.
pub(super) fn beginning(response: &mut Response<Body>, meter: &mut Meter) -> String {
    let mut bytes = Vec::new();
    let reader = response.body_mut().with_config().limit(REFUSAL_BYTES + 1).reader();
    let _ = reader.take(REFUSAL_BYTES).read_to_end(&mut bytes);
    let _ = meter.add(bytes.len());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a body of no interest to its end, if that is near, so that the connection can be used again. What
/// may stay open for long is dropped, and its connection with it.
pub(super) fn drain(mut response: Response<Body>, meter: &mut Meter) {
    let body = response.body();
    let chunked = || response.headers().get("transfer-encoding").is_some_and(|v| v == "chunked");
    let near = match body.content_length() {
        Some(length) => length <= REFUSAL_BYTES,
        // How a server says "nothing" that has not thought about lengths.
        None => chunked() && body.mime_type() != Some("text/event-stream"),
    };
    if near {
        beginning(&mut response, meter);
    }
}
