//! What makes two questions the same: everything that can change the answer, put through a keyed hash.
//!
//! Commands, URLs, variables and headers hold secrets, and a plain hash of a short secret is found by
//! trying. So nothing of them is stored but an HMAC whose key is random, this user's own, and never leaves
//! the directory of the cache.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::model::limits::Limits;
use crate::model::revision::Revision;
use crate::model::target::{Command, Endpoint, HttpHint, Target};

/// Bytes of the secret, and of a hash.
const BYTES: usize = 32;

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub(super) [u8; BYTES]);

/// The user's own key of all hashes.
pub(crate) struct HashKey(hmac::Key);

/// What can change a server's answer and stands in no target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// Bounds that cut answers.
    pub limits: Limits,
    /// Whether what a process writes is repaired.
    pub binary_mode: bool,
    /// The run's revision, for targets that have none of their own.
    pub pin: Option<Revision>,
    /// What processes inherit, and where they start.
    pub inherited: Vec<(&'static str, String)>,
    /// Proxies, and whether certificates matter.
    pub network: Vec<(&'static str, String)>,
    /// Files of certificates and keys: their contents, not their names, say who we are.
    pub certificates: Vec<Vec<u8>>,
}

impl HashKey {
    /// A new one.
    pub(super) fn random() -> Result<HashKey, io::Error> {
        Ok(HashKey::new(&random_bytes()?))
    }

    fn new(bytes: &[u8; BYTES]) -> HashKey {
        HashKey(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The one in `file`; nothing if it is not there in full.
    pub(super) fn read(mut file: &File) -> Result<Option<HashKey>, io::Error> {
        let mut bytes = Vec::with_capacity(BYTES + 1);
        file.seek(SeekFrom::Start(0))?;
        file.take(BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes.as_slice().try_into().ok().map(HashKey::new))
    }

    /// Puts a new one into `file`, in the place of whatever is there.
    pub(super) fn write(mut file: &File) -> Result<(), io::Error> {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&random_bytes()?)?;
        file.sync_all()
    }
}

fn random_bytes() -> Result<[u8; BYTES], io::Error> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system has no random bytes"))?;
    Ok(bytes)
}

/// The question that `target` is; none if it is not to be asked.
pub(crate) fn key(secret: &HashKey, target: &Target, around: &Surroundings) -> Option<Key> {
    if target.hold.is_some() {
        return None;
    }
    let mut hash = Hash(hmac::Context::with_key(&secret.0));
    // Another version may read another answer out of the same bytes.
    hash.part(env!("CARGO_PKG_VERSION"));
    hash.part(format!("{:?} {:?}", around.limits, target.pin.or(around.pin)));
    match &target.endpoint {
        Endpoint::Stdio(command) => command_parts(&mut hash, command, around),
        Endpoint::Remote(remote) => {
            hash.part(match remote.hint {
                HttpHint::Streamable => "http",
                HttpHint::Sse => "sse",
            });
            hash.part(&remote.url);
            hash.list(remote.headers.iter().flat_map(|(name, value)| [name.as_str(), value.reveal()]));
            hash.list(around.network.iter().flat_map(|(name, value)| [*name, value]));
            hash.list(&around.certificates);
        }
        Endpoint::Unknown => return None,
    }
    // What is a secret here was struck out of the answer; what is none was not.
    hash.list(target.expanded.iter().map(|secret| secret.reveal()));
    Some(hash.end())
}

/// What goes by `parts`, of the kind `kind`, under this user's key.
pub(super) fn mark(secret: &HashKey, kind: &str, parts: &[&str]) -> [u8; 16] {
    let mut hash = Hash(hmac::Context::with_key(&secret.0));
    hash.part(kind);
    hash.list(parts);
    let mut half = [0; 16];
    half.copy_from_slice(&hash.end().0[..16]);
    half
}

fn command_parts(hash: &mut Hash, command: &Command, around: &Surroundings) {
    hash.part("stdio");
    hash.part(&command.program);
    hash.list(&command.args);
    hash.list(command.env.iter().flat_map(|(name, value)| [name.as_str(), value.reveal()]));
    hash.list(command.cwd.iter().map(|d| d.as_os_str().as_encoded_bytes()));
    hash.list(around.inherited.iter().flat_map(|(name, value)| [*name, value]));
    hash.part(if around.binary_mode { "bytes" } else { "text" });
    hash.list(parts_on_disk(command, around).iter().map(|file| identity(file)));
}

/// The program, and the first argument that is a file: the script, where the program is an interpreter. A
/// server that was replaced is another server. Later arguments are its data, which it may write to itself.
fn parts_on_disk(command: &Command, around: &Surroundings) -> Vec<PathBuf> {
    let here = |name: &str| match &command.cwd {
        Some(cwd) => cwd.join(name),
        None => PathBuf::from(name),
    };
    let own = command.env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.reveal());
    let inherited =
        around.inherited.iter().find(|(name, _)| *name == "PATH").map(|(_, value)| value.as_str());
    let program = if command.program.contains('/') {
        Some(here(&command.program))
    } else {
        let folders = own.or(inherited).unwrap_or_default().split(':');
        folders.map(|folder| Path::new(folder).join(&command.program)).find(|file| file.is_file())
    };
    let script = command.args.iter().map(|arg| here(arg)).find(|file| file.is_file());
    program.into_iter().chain(script).collect()
}

/// Which file it is, and since when.
fn identity(file: &Path) -> String {
    fs::metadata(file).map_or(String::new(), |m| {
        format!("{} {} {} {}.{}", m.dev(), m.ino(), m.len(), m.mtime(), m.mtime_nsec())
    })
}

/// Parts keep their borders: `ab`, `c` is not `a`, `bc`.
struct Hash(hmac::Context);

impl Hash {
    fn part(&mut self, part: impl AsRef<[u8]>) {
        let bytes = part.as_ref();
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn list<T: AsRef<[u8]>>(&mut self, parts: impl IntoIterator<Item = T>) {
        let parts: Vec<T> = parts.into_iter().collect();
        self.0.update(&(parts.len() as u64).to_le_bytes());
        parts.into_iter().for_each(|part| self.part(part));
    }

    fn end(self) -> Key {
        let mut key = [0; BYTES];
        key.copy_from_slice(self.0.sign().as_ref());
        Key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::{Failure, FailureKind, Phase};
    use crate::model::secret::Secret;
    use crate::model::target::{Hold, Remote};

    fn of(target: &Target, around: &Surroundings) -> Key {
        key(&HashKey::new(&[7; BYTES]), target, around).unwrap()
    }

    fn command(change: impl FnOnce(&mut Command)) -> Target {
        let mut target = Target::command("t", "srv", &["a".into(), "bc".into()]);
        let Endpoint::Stdio(command) = &mut target.endpoint else { unreachable!("it is a command") };
        command.env = vec![("TOKEN".into(), Secret::new("s3cret"))];
        change(command);
        target
    }

    fn remote(change: impl FnOnce(&mut Remote)) -> Target {
        let mut target = Target::url("t", "https://u:p@h/mcp");
        let Endpoint::Remote(remote) = &mut target.endpoint else { unreachable!("it is a URL") };
        remote.headers = vec![("Authorization".into(), Secret::new("Bearer x"))];
        change(remote);
        target
    }

    #[test]
    fn whatever_changes_the_answer_changes_the_key() {
        let around = Surroundings::default();
        let pinned = Surroundings { pin: Some(Revision::V2025_06_18), ..Surroundings::default() };
        let cut = Limits { items: 5, ..Limits::default() };
        let network = Surroundings { network: vec![("insecure", "true".into())], ..Surroundings::default() };
        let shown = Surroundings { certificates: vec![b"PEM".to_vec()], ..Surroundings::default() };
        let inherited = Surroundings { inherited: vec![("PATH", "/x".into())], ..Surroundings::default() };
        let expanded = Target { expanded: vec![Secret::new("a")], ..command(|_| {}) };
        let own_pin = Target { pin: Some(Revision::V2024_11_05), ..command(|_| {}) };
        let keys = [
            of(&command(|_| {}), &around),
            of(&command(|c| c.program = "other".into()), &around),
            of(&command(|c| c.args = vec!["ab".into(), "c".into()]), &around),
            of(&command(|c| c.args.clear()), &around),
            of(&command(|c| c.env.clear()), &around),
            of(&command(|c| c.env = vec![("TOKEN".into(), Secret::new("other"))]), &around),
            of(&command(|c| c.cwd = Some("/srv".into())), &around),
            of(&command(|_| {}), &inherited),
            of(&command(|_| {}), &Surroundings { binary_mode: true, ..Surroundings::default() }),
            of(&command(|_| {}), &pinned),
            of(&command(|_| {}), &Surroundings { limits: cut, ..Surroundings::default() }),
            of(&expanded, &around),
            of(&own_pin, &around),
            of(&remote(|_| {}), &around),
            of(&remote(|r| r.url = "https://u:q@h/mcp".into()), &around),
            of(&remote(|r| r.headers = vec![("Authorization".into(), Secret::new("Bearer y"))]), &around),
            of(&remote(|r| r.headers.clear()), &around),
            of(&remote(|r| r.hint = HttpHint::Sse), &around),
            of(&remote(|_| {}), &network),
            of(&remote(|_| {}), &shown),
            key(&HashKey::new(&[8; BYTES]), &command(|_| {}), &around).unwrap(),
        ];
        for (i, one) in keys.iter().enumerate() {
            assert_eq!(keys.iter().position(|k| k == one), Some(i), "{i} is no key of its own");
        }
    }

    #[test]
    fn names_and_what_does_not_concern_a_target_do_not_matter() {
        let around = Surroundings::default();
        let named = Target { name: "other".into(), ..command(|_| {}) };
        assert_eq!(of(&named, &around), of(&command(|_| {}), &around));
        let network = Surroundings { network: vec![("http_proxy", "x".into())], ..Surroundings::default() };
        assert_eq!(of(&command(|_| {}), &network), of(&command(|_| {}), &around));
        let inherited = Surroundings { inherited: vec![("HOME", "/x".into())], ..Surroundings::default() };
        assert_eq!(of(&remote(|_| {}), &inherited), of(&remote(|_| {}), &around));
    }

    #[test]
    fn a_program_or_script_that_was_replaced_is_another_server() {
        let dir = crate::store::tests::fresh("replaced");
        let around =
            Surroundings { inherited: vec![("PATH", dir.display().to_string())], ..Surroundings::default() };
        let target = command(|c| c.args = vec!["--flag".into(), dir.join("script").display().to_string()]);
        for file in ["srv", "script"] {
            let before = of(&target, &around);
            fs::write(dir.join(file), file).unwrap();
            assert_ne!(of(&target, &around), before, "{file}");
        }
        assert_eq!(of(&target, &around), of(&target, &around));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_is_held_back_is_no_question() {
        let failure = Failure { kind: FailureKind::Config, phase: Phase::Config, message: String::new() };
        let held = Target { hold: Some(Hold::Excluded(failure)), ..command(|_| {}) };
        let secret = HashKey::new(&[7; BYTES]);
        assert_eq!(key(&secret, &held, &Surroundings::default()), None);
        assert_eq!(key(&secret, &Target::unknown("t"), &Surroundings::default()), None);
    }
}
