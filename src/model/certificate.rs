//! What a server shows of itself when TLS begins.

use serde::Serialize;

/// A TLS connection and who was at its other end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// `TLSv1.3`
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// Of the server itself; absent where it cannot be read.
    pub certificate: Option<Certificate>,
    /// How many certificates came along, its own among them.
    pub chain: usize,
}

/// What a certificate says. Text of the server, cleaned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
    /// Seconds since 1970.
    pub not_before: i64,
    /// Seconds since 1970.
    pub not_after: i64,
    /// Whether it was signed by its own subject.
    pub self_signed: bool,
}

impl Certificate {
    /// Whole days from `now` (seconds since 1970) to its end; negative once it is over.
    pub fn days_left(&self, now: i64) -> i64 {
        (self.not_after - now).div_euclid(86_400)
    }
}
