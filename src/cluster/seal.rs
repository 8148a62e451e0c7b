//! What goes through the queue, sealed: encrypted and authenticated with the key that all hosts share.
//!
//! Whoever can write to the queue could otherwise make workers run commands, and whoever can read it would see the
//! credentials in targets and all that servers say. HKDF-HMAC-SHA-256 (RFC 5869) makes a key for each purpose and
//! run; ChaCha20-Poly1305 (RFC 8439) seals under it. What a text is for (`job`, run, number) is authenticated with
//! it: a job of one run is none of another, and no result is a job.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};

use crate::base::encoding::hex;

/// A secret shorter than this can be guessed.
const LEAST_KEY: usize = 32;
/// Nobody writes a longer one by hand or by script.
const MOST_KEY: u64 = 4096;
/// How to make a key file.
pub(crate) const HOW: &str =
    "make one with: (umask 077; head -c 32 /dev/urandom | base64 > FILE), the same on every host";

/// The key of a cluster.
pub(crate) struct Seal {
    root: Prk,
    random: SystemRandom,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(***)")
    }
}

/// What a sealed text is. It opens as nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose<'a> {
    /// The job of this run and number.
    Job(&'a str, usize),
    /// Its result.
    Result(&'a str, usize),
    /// What holds for all jobs of a run.
    Terms(&'a str),
    /// A sign of life of the worker of this name.
    Beat(&'a str),
    /// How far a run is.
    Progress(&'a str),
}

impl Purpose<'_> {
    /// Keys are made for a run, or a worker: so few texts are sealed with one that random nonces never meet.
    fn scope(self) -> (&'static str, String) {
        match self {
            Purpose::Job(run, _) => ("job", run.to_owned()),
            Purpose::Result(run, _) => ("result", run.to_owned()),
            Purpose::Terms(run) => ("terms", run.to_owned()),
            Purpose::Beat(worker) => ("beat", worker.to_owned()),
            Purpose::Progress(run) => ("progress", run.to_owned()),
        }
    }

    fn number(self) -> u64 {
        match self {
            Purpose::Job(_, number) | Purpose::Result(_, number) => number as u64,
            Purpose::Terms(_) | Purpose::Beat(_) | Purpose::Progress(_) => 0,
        }
    }
}

/// Bytes of a fingerprint.
struct Fingerprint;

impl KeyType for Fingerprint {
    fn len(&self) -> usize {
        16
    }
}

impl Seal {
    /// The key in `file`, which nobody else may read.
    pub(crate) fn read(file: &Path) -> Result<Seal, String> {
        let shown = file.display();
        let unread = |e: std::io::Error| format!("cluster.key_file {shown} cannot be read: {e}; {HOW}");
        let opened = std::fs::File::open(file).map_err(unread)?;
        let mode = opened.metadata().map_err(unread)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(format!(
                "cluster.key_file {shown} can be read by others than its owner: chmod 600 {shown}"
            ));
        }
        let mut text = Vec::new();
        opened.take(MOST_KEY + 1).read_to_end(&mut text).map_err(unread)?;
        let secret = text.trim_ascii();
        if secret.len() < LEAST_KEY || text.len() as u64 > MOST_KEY {
            return Err(format!(
                "cluster.key_file {shown} holds {} bytes; a key has {LEAST_KEY} to {MOST_KEY}: {HOW}",
                secret.len()
            ));
        }
        Ok(Seal::new(secret))
    }

    /// The key that `secret` is.
    pub(crate) fn new(secret: &[u8]) -> Seal {
        let root = Salt::new(HKDF_SHA256, b"hawkeye cluster 1").extract(secret);
        Seal { root, random: SystemRandom::new() }
    }

    /// Tells keys apart without telling the key.
    pub(crate) fn fingerprint(&self) -> String {
        self.mark(&[b"fingerprint"])
    }

    /// Stands for `what` where everybody may read it: the same on all hosts, and nothing to those without the key.
    pub(crate) fn alias(&self, what: &str) -> String {
        self.mark(&[b"alias\0", what.as_bytes()])
    }

    fn mark(&self, info: &[&[u8]]) -> String {
        let mut bytes = [0; 16];
        let filled = self.root.expand(info, Fingerprint).and_then(|okm| okm.fill(&mut bytes));
        filled.expect("sixteen bytes are what HKDF can give");
        hex(&bytes)
    }

    /// `text`, sealed for `purpose`.
    pub(crate) fn seal(&self, purpose: Purpose<'_>, text: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).expect("the system gives random bytes");
        let mut sealed = Vec::with_capacity(NONCE_LEN + text.len() + CHACHA20_POLY1305.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text);
        let tag = self.key(purpose).seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(purpose.number().to_be_bytes()),
            &mut sealed[NONCE_LEN..],
        );
        sealed.extend_from_slice(tag.expect("a text shorter than 256 GiB can be sealed").as_ref());
        sealed
    }

    /// The text in `sealed`, if it was sealed with this key for this very purpose.
    pub(crate) fn open(&self, purpose: Purpose<'_>, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let text =
            self.key(purpose).open_in_place(nonce, Aad::from(purpose.number().to_be_bytes()), &mut body);
        let length = text.ok()?.len();
        body.truncate(length);
        Some(body)
    }

    fn key(&self, purpose: Purpose<'_>) -> LessSafeKey {
        let (what, whose) = purpose.scope();
        let info = [what.as_bytes(), b"\0", whose.as_bytes()];
        let okm = self.root.expand(&info, &CHACHA20_POLY1305);
        LessSafeKey::new(UnboundKey::from(okm.expect("a key's length is what HKDF can give")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_opens_for_its_purpose_with_its_key_and_unchanged() {
        let seal = Seal::new(b"0123456789abcdef0123456789abcdef");
        let sealed = seal.seal(Purpose::Job("r1", 7), b"list it");
        assert_eq!(seal.open(Purpose::Job("r1", 7), &sealed).unwrap(), b"list it");
        assert_ne!(sealed, seal.seal(Purpose::Job("r1", 7), b"list it"), "no two are alike");
        for other in
            [Purpose::Job("r1", 8), Purpose::Job("r2", 7), Purpose::Result("r1", 7), Purpose::Terms("r1")]
        {
            assert_eq!(seal.open(other, &sealed), None, "{other:?}");
        }
        assert_eq!(Seal::new(b"another-key-another-key-another-").open(Purpose::Job("r1", 7), &sealed), None);
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert_eq!(seal.open(Purpose::Job("r1", 7), &bent), None, "byte {at}");
            assert_eq!(seal.open(Purpose::Job("r1", 7), &sealed[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn fingerprints_tell_keys_apart() {
        let fingerprint = |secret: &[u8]| Seal::new(secret).fingerprint();
        assert_eq!(fingerprint(b"a"), fingerprint(b"a"));
        assert_ne!(fingerprint(b"a"), fingerprint(b"b"));
        let alias = |secret: &[u8], what: &str| Seal::new(secret).alias(what);
        assert_eq!(alias(b"a", "http://h"), alias(b"a", "http://h"));
        assert_ne!(alias(b"a", "http://h"), alias(b"a", "http://i"));
        assert_ne!(alias(b"a", "http://h"), alias(b"b", "http://h"));
    }
}
