//! One part of a list that is scanned in several places: which servers are in it.
//!
//! A server's part depends on the server alone, so that whoever has the same list cuts it the same way, today
//! and later, here and elsewhere:
//!
//! | server | what is hashed |
//! |---|---|
//! | a URL | `url`, the URL as reports show it |
//! | a command | `process`, the program and its arguments as reports show them |
//! | a demo server, or an entry that cannot be read | `name`, its name |
//!
//! Each word goes into SHA-256 after its length in 8 bytes, the most significant first. The first 8 bytes of the
//! digest, read the same way, modulo the number of parts, are the part.
//!
//! What reports mask is the mask here: another secret is no other server. Servers that nothing but a secret, a
//! header or a variable tells apart are in the same part.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::outcome::{EndpointView, Owner};
use super::target::Target;
use crate::base::encoding::hex;

/// Parts that a list can have.
pub(crate) const MOST: u32 = 100_000;
/// The file of the demo servers, whose ports are other ones each time.
const DEMO: &str = "demo";

/// Part `index` of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

/// What a report says of the list that it is a part of: its `run.shard`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRun {
    /// Which part.
    #[serde(flatten)]
    pub shard: Shard,
    /// Servers of the whole list.
    pub of: usize,
    /// The same for the same servers, in whatever order.
    pub list: String,
}

/// What makes a server the same one, wherever and whenever it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity([u8; 32]);

impl Identity {
    /// Of the server called `name` at `endpoint`.
    pub fn of(name: &str, owners: &[Owner], endpoint: &EndpointView) -> Identity {
        let words: Vec<&str> = endpoint.words().collect();
        if words.is_empty() || owners.iter().any(|owner| owner.file == DEMO) {
            return Identity(digest(["name", name]));
        }
        Identity(digest([endpoint.kind()].into_iter().chain(words)))
    }

    /// Of `target`.
    pub fn of_target(target: &Target) -> Identity {
        Identity::of(&target.name, &target.owners, &target.view())
    }

    /// The part of `count` that the server is in.
    pub fn part(&self, count: u32) -> u32 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        // The remainder is less than a u32.
        (u64::from_be_bytes(first) % u64::from(count.max(1))) as u32
    }

    /// Half of what tells the server called `name` from others, the one of this number among those that nothing
    /// tells apart.
    pub fn mark(&self, name: &str, twin: u32) -> [u8; 16] {
        let mut half = [0; 16];
        half.copy_from_slice(&digest([&self.0[..], name.as_bytes(), &twin.to_be_bytes()])[..16]);
        half
    }
}

impl Shard {
    /// `0/3` to `2/3`.
    pub fn parse(text: &str) -> Result<Shard, String> {
        let number = |word: &str| {
            let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| word.parse().ok()).flatten()
        };
        let (index, count) = text.split_once('/').unwrap_or((text, ""));
        let count = number(count).filter(|count| (1..=MOST).contains(count));
        match (number(index), count) {
            (Some(index), Some(count)) if index < count => Ok(Shard { index, count }),
            (_, Some(1)) => Err("must be 0/1".to_owned()),
            (_, Some(count)) => Err(format!("must be 0/{count} to {}/{count}", count - 1)),
            (_, None) => Err(format!("must be I/N, such as 0/3: part I, from 0, of N, from 1 to {MOST}")),
        }
    }

    /// Whether `server` is in this part.
    pub fn holds(self, server: &Identity) -> bool {
        server.part(self.count) == self.index
    }

    /// Whether it is a part at all.
    pub fn is_sound(self) -> bool {
        self.index < self.count && self.count <= MOST
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// The mark of the list of `servers`, each with its name.
pub fn list_mark<'a>(servers: impl Iterator<Item = (&'a Identity, &'a str)>) -> String {
    let mut all: Vec<[u8; 16]> = servers.map(|(identity, name)| identity.mark(name, 0)).collect();
    all.sort_unstable();
    let whole = digest(&all);
    hex(&whole[..16])
}

/// The digest of `parts`, each told from the next by its length.
fn digest<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.as_ref().len() as u64).to_be_bytes());
        context.update(part.as_ref());
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;
    use crate::model::target::Endpoint;

    fn args(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    fn known() -> [Target; 5] {
        let mut demo = Target::url("weather-2024-sse", "http://127.0.0.1:40191/sse");
        demo.owners = vec![Owner { file: "demo".into(), line: None, name: demo.name.clone() }];
        [
            Target::url("docs", "https://docs.example/mcp"),
            Target::command("files", "npx", &args(&["-y", "@scope/server-files", "/srv"])),
            Target::command("db", "db-mcp", &args(&["--api-key", "sk-live-0123456789abcdef"])),
            Target::unknown("broken"),
            demo,
        ]
    }

    /// Lists that were cut yesterday, or by another release, must be cut in the same way today. Whoever has to
    /// change these values changes in which part every server is, and has to say so to those who merge.
    #[test]
    fn parts_stay_what_they_are() {
        let parts: Vec<[u32; 3]> = known()
            .map(|t| Identity::of_target(&t))
            .iter()
            .map(|i| [3, 10, 1000].map(|n| i.part(n)))
            .collect();
        assert_eq!(parts, [[0, 0, 80], [1, 4, 484], [0, 7, 197], [0, 7, 597], [0, 3, 53]]);
        let known = known();
        let all: Vec<Identity> = known.iter().map(Identity::of_target).collect();
        let mark = |order: [usize; 5]| list_mark(order.iter().map(|at| (&all[*at], &*known[*at].name)));
        assert_eq!(mark([0, 1, 2, 3, 4]), "400c5e851823d07aed3828bbfab3ab5a");
        assert_eq!(mark([0, 1, 2, 3, 4]), mark([4, 2, 0, 3, 1]));
    }

    #[test]
    fn a_server_is_the_same_under_another_name_secret_or_port_of_the_demo() {
        let of = Identity::of_target;
        let [docs, _, db, _, demo] = known();
        let renamed =
            Target { name: "other".into(), timeout: Some(std::time::Duration::ZERO), ..docs.clone() };
        assert_eq!(of(&docs), of(&renamed));
        let other_key = Target::command("db", "db-mcp", &args(&["--api-key", "sk-live-fedcba9876543210"]));
        assert_eq!(of(&db), of(&other_key));
        let port = Target { endpoint: Target::url("x", "http://127.0.0.1:2/sse").endpoint, ..demo.clone() };
        assert_eq!(of(&demo), of(&port));
        let expanded = |token: &str| Target {
            expanded: vec![Secret::new(token)],
            ..Target::url("docs", &format!("https://docs.example/{token}/mcp"))
        };
        assert_eq!(of(&expanded("first-token")), of(&expanded("second")));
        assert_ne!(of(&docs), of(&expanded("first-token")));
        let mut held = docs.clone();
        if let Endpoint::Remote(remote) = &mut held.endpoint {
            remote.headers.push(("Authorization".into(), Secret::new("Bearer abcdefgh")));
        }
        assert_eq!(of(&docs), of(&held));
    }

    #[test]
    fn words_are_told_from_each_other() {
        let of = |words: &[&str]| Identity::of_target(&Target::command("x", words[0], &args(&words[1..])));
        assert_ne!(of(&["a", "bc"]), of(&["ab", "c"]));
        assert_ne!(of(&["a", ""]), of(&["a"]));
        assert_ne!(of(&["https://a/"]), Identity::of_target(&Target::url("x", "https://a/")));
    }

    #[test]
    fn every_server_is_in_one_part_and_parts_are_about_as_large() {
        for count in [1, 2, 3, 7, 64] {
            let mut parts = vec![0; count as usize];
            for n in 0..2000 {
                let server = Identity::of_target(&Target::url("x", &format!("https://h{n}.example/mcp")));
                let holding =
                    (0..count).filter(|&index| Shard { index, count }.holds(&server)).collect::<Vec<_>>();
                assert_eq!(holding, [server.part(count)]);
                parts[holding[0] as usize] += 1;
            }
            let (least, most) = (parts.iter().min().unwrap(), parts.iter().max().unwrap());
            let fair = 2000 / count as usize;
            assert!(*least * 2 > fair && *most < fair * 2, "{count}: {least} to {most}");
        }
    }

    #[test]
    fn a_part_is_written_from_0_and_whatever_else_is_told_how() {
        assert_eq!(Shard::parse("0/3"), Ok(Shard { index: 0, count: 3 }));
        assert_eq!(Shard::parse("07/010"), Ok(Shard { index: 7, count: 10 }));
        for (text, why) in [
            ("3/3", "must be 0/3 to 2/3"),
            ("-1/3", "must be 0/3 to 2/3"),
            ("/3", "must be 0/3 to 2/3"),
            ("99999999999/3", "must be 0/3 to 2/3"),
            ("1/1", "must be 0/1"),
        ] {
            assert_eq!(Shard::parse(text), Err(why.to_owned()), "{text}");
        }
        for text in ["", "1", "0/0", "0/100001", "0/-3", "0/3/4", "0 / 3", "a/b", "0/+3", "1/"] {
            assert!(
                Shard::parse(text).is_err_and(|why| why.starts_with("must be I/N, such as 0/3")),
                "{text}"
            );
        }
    }
}
