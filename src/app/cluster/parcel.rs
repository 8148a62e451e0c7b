//! A target on its way to a worker, credentials and all: it is never seen unsealed outside the two hosts.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::revision::Revision;
use crate::model::secret::Secret;
use crate::model::target::{Command, Endpoint, HttpHint, Remote, Target};

/// What a worker has to know of a target. Who owns it and how it is tagged does not leave the host that scans.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Parcel {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<Revision>,
    server: Server,
    /// Values to be struck out of what the server sends back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<String>,
    /// How long the run goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<Duration>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Server {
    Command { program: String, args: Vec<String>, env: Vec<(String, String)>, cwd: Option<PathBuf> },
    Url { url: String, headers: Vec<(String, String)>, sse: bool },
}

impl Parcel {
    /// `target`, if there is anything to ask.
    pub(super) fn of(target: &Target, left: Option<Duration>) -> Option<Parcel> {
        let revealed = |all: &[(String, Secret)]| {
            all.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())).collect()
        };
        let server = match &target.endpoint {
            Endpoint::Stdio(Command { program, args, env, cwd }) => Server::Command {
                program: program.clone(),
                args: args.clone(),
                env: revealed(env),
                cwd: cwd.clone(),
            },
            Endpoint::Remote(Remote { url, headers, hint }) => {
                Server::Url { url: url.clone(), headers: revealed(headers), sse: *hint == HttpHint::Sse }
            }
            Endpoint::Unknown => return None,
        };
        let secrets = target.expanded.iter().map(|secret| secret.reveal().to_owned()).collect();
        Some(Parcel {
            name: target.name.clone(),
            timeout: target.timeout,
            pin: target.pin,
            server,
            secrets,
            left,
        })
    }

    /// The target again.
    pub(super) fn target(self) -> Target {
        let hidden = |all: Vec<(String, String)>| all.into_iter().map(|(n, v)| (n, Secret::new(v))).collect();
        let endpoint = match self.server {
            Server::Command { program, args, env, cwd } => {
                Endpoint::Stdio(Command { program, args, env: hidden(env), cwd })
            }
            Server::Url { url, headers, sse } => Endpoint::Remote(Remote {
                url,
                headers: hidden(headers),
                hint: if sse { HttpHint::Sse } else { HttpHint::Streamable },
            }),
        };
        Target {
            endpoint,
            timeout: self.timeout,
            pin: self.pin,
            expanded: self.secrets.into_iter().map(Secret::new).collect(),
            ..Target::unknown(self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_arrives_as_it_left() {
        let secret = || Secret::new("s3cret");
        let command = Command {
            program: "server".into(),
            args: vec!["-x".into()],
            env: vec![("TOKEN".into(), secret())],
            cwd: Some("/srv".into()),
        };
        let remote = Remote {
            url: "https://user:pw@host/mcp".into(),
            headers: vec![("Authorization".into(), secret())],
            hint: HttpHint::Sse,
        };
        for endpoint in [Endpoint::Stdio(command), Endpoint::Remote(remote)] {
            let target = Target {
                endpoint,
                timeout: Some(Duration::from_millis(1500)),
                pin: Some(Revision::ALL[0]),
                expanded: vec![secret()],
                ..Target::unknown("one")
            };
            let text = serde_json::to_vec(&Parcel::of(&target, None).unwrap()).unwrap();
            let arrived: Parcel = serde_json::from_slice(&text).unwrap();
            assert_eq!(arrived.target(), target);
        }
        assert!(Parcel::of(&Target::unknown("none"), None).is_none());
    }
}
