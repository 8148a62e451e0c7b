//! As much of X.509 as it takes to say whose a certificate is and until when. It decides nothing: what is
//! trusted is rustls' business.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::base::text::quote;
use crate::model::certificate::Certificate;

/// Longest name that is shown, and most names.
const LONGEST: usize = 200;
const MOST_NAMES: usize = 20;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
const OCTETS: u8 = 0x04;

/// The certificate in `der`; `None` if it cannot be read.
pub(super) fn read(der: &[u8]) -> Option<Certificate> {
    let mut whole = Der(der);
    let mut certificate = Der(whole.expect(SEQUENCE)?);
    let mut fields = Der(certificate.expect(SEQUENCE)?);
    // Version, serial number and algorithm.
    if fields.peek() == Some(0xa0) {
        fields.next()?;
    }
    fields.next()?;
    fields.expect(SEQUENCE)?;
    let issuer = fields.expect(SEQUENCE)?;
    let mut validity = Der(fields.expect(SEQUENCE)?);
    let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
    let subject = fields.expect(SEQUENCE)?;
    fields.expect(SEQUENCE)?;
    let mut names = Vec::new();
    while let Some((tag, value)) = fields.next() {
        if tag == 0xa3 {
            names = alternative_names(Der(value).expect(SEQUENCE)?).unwrap_or_default();
        }
    }
    Some(Certificate {
        subject: name(subject),
        issuer: name(issuer),
        names,
        not_before,
        not_after,
        self_signed: subject == issuer,
    })
}

/// What is left to read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Tag and content of what comes next.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // No certificate needs a length of more than three bytes.
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(t, _)| *t == tag).map(|(_, content)| content)
    }
}

/// `CN=host, O=Firm`; attributes without a usual abbreviation are left out.
fn name(der: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut sets = Der(der);
    while let Some(set) = sets.expect(SET) {
        let mut attributes = Der(set);
        while let Some(attribute) = attributes.expect(SEQUENCE) {
            let mut attribute = Der(attribute);
            let (Some(kind), Some((tag, value))) = (attribute.expect(OID), attribute.next()) else {
                continue;
            };
            let kind = match kind {
                [0x55, 4, 3] => "CN",
                [0x55, 4, 6] => "C",
                [0x55, 4, 10] => "O",
                [0x55, 4, 11] => "OU",
                _ => continue,
            };
            parts.push(format!("{kind}={}", text(tag, value)));
        }
    }
    quote(&parts.join(", "), LONGEST)
}

fn text(tag: u8, value: &[u8]) -> String {
    if tag == BMP_STRING {
        let units: Vec<u16> = value.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(value).into_owned()
}

/// DNS names and addresses of the subject's alternative names.
fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Der(extensions);
    while let Some(extension) = extensions.expect(SEQUENCE) {
        let mut extension = Der(extension);
        if extension.expect(OID)? != [0x55, 0x1d, 0x11] {
            continue;
        }
        let value = loop {
            let (tag, value) = extension.next()?;
            if tag == OCTETS {
                break value;
            }
        };
        let mut all = Der(Der(value).expect(SEQUENCE)?);
        let mut names = Vec::new();
        while let Some((tag, value)) = all.next().filter(|_| names.len() < MOST_NAMES) {
            match (tag, value.len()) {
                (0x82, _) => names.push(quote(&String::from_utf8_lossy(value), LONGEST)),
                (0x87, 4) => names.push(Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?).to_string()),
                (0x87, 16) => names.push(Ipv6Addr::from(<[u8; 16]>::try_from(value).ok()?).to_string()),
                _ => {}
            }
        }
        return Some(names);
    }
    None
}

/// Seconds since 1970 of `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time((tag, value): (u8, &[u8])) -> Option<i64> {
    let digits = std::str::from_utf8(value).ok()?.strip_suffix('Z')?;
    let (century, rest) = match tag {
        UTC_TIME => (None, digits),
        GENERALIZED_TIME => (Some(digits.get(..2)?.parse::<i64>().ok()?), digits.get(2..)?),
        _ => return None,
    };
    if rest.len() != 12 || !rest.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| rest[at..at + 2].parse::<i64>().ok();
    let short = two(0)?;
    let year = century.unwrap_or(if short < 50 { 20 } else { 19 }) * 100 + short;
    let (month, day) = (two(2)?, two(4)?);
    // Days since 1970 of a civil date (Howard Hinnant's algorithm).
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    Some(days * 86_400 + two(6)? * 3600 + two(8)? * 60 + two(10)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_in_both_forms() {
        assert_eq!(time((UTC_TIME, b"700101000000Z")), Some(0));
        assert_eq!(time((UTC_TIME, b"200201000000Z")), Some(1_580_515_200));
        assert_eq!(time((GENERALIZED_TIME, b"20610228235959Z")), Some(2_876_860_799));
        assert_eq!(time((UTC_TIME, b"7001010000Z")), None);
        assert_eq!(time((GENERALIZED_TIME, "2061022823595\u{e9}Z".as_bytes())), None);
    }

    #[test]
    fn names_are_told_with_their_usual_letters() {
        let cn = b"\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04host";
        let o = b"\x31\x0c\x30\x0a\x06\x03\x55\x04\x0a\x13\x03a\x1bb";
        assert_eq!(name(&[&cn[..], &o[..]].concat()), "CN=host, O=a\\u{1b}b");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = (name(&bytes), alternative_names(&bytes), time((UTC_TIME, &bytes)));
        }
    }
}
