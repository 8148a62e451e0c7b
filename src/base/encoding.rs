//! Base64, hexadecimal digits and percent-encoding: one copy, for what is sent and for finding it again in what comes
//! back.

use std::fmt::Write;

/// Two lower-case digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `bytes` in base64, padded.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |g, b| g << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sextet = ALPHABET[(group >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { sextet as char } else { '=' });
        }
    }
    out
}

/// `text` with everything percent-encoded that is not unreserved in a URL.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(b as char),
            b => {
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out
}

/// The bytes that `text` stands for; a `%` that begins no code stays.
pub(crate) fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let code = (b == b'%').then(|| code(bytes.get(i + 1..i + 3)?)).flatten();
        out.push(code.unwrap_or(b));
        i += if code.is_some() { 3 } else { 1 };
    }
    out
}

/// What two hexadecimal digits mean. `from_str_radix` alone would take `+f` as well.
fn code(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in cases {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn percent_encoding_goes_there_and_back() {
        assert_eq!(percent_encode("a b/ä~%"), "a%20b%2F%C3%A4~%25");
        for text in ["", "a b/ä~%", "%41", "100%"] {
            assert_eq!(percent_decode(&percent_encode(text)), text.as_bytes());
        }
        assert_eq!(percent_decode("%4a%4A%%zz%+f%4"), b"JJ%%zz%+f%4");
    }
}
