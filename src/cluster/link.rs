//! The connection to the queue: made when it is needed, and again when it broke. Every answer has a deadline.

use std::fs;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use redis::{
    Client, ClientTlsConfig, Cmd, Connection, ConnectionAddr, ConnectionLike, ErrorKind, FromRedisValue,
    IntoConnectionInfo, Pipeline, RedisError, TlsCertificates,
};

use super::options::ClusterOptions;
use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::sys::cancel::Cancel;

/// How long a queue may take to answer what it need not wait for.
const ANSWER: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// Waits between attempts to reach a queue that is gone: this, doubled each time, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Where the password of the queue may stand besides `password_file`.
pub(crate) const PASSWORD_VARIABLE: &str = "HAWKEYE_REDIS_PASSWORD";

/// Why the queue did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is not there now; it may come back.
    Away(String),
    /// It refuses us, and will tomorrow.
    Refused(String),
    /// It has lost what should be there: a group of consumers.
    Lost,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Away(why) | Trouble::Refused(why) => f.write_str(why),
            Trouble::Lost => f.write_str("the queue lost its groups of consumers"),
        }
    }
}

/// A way to the queue.
pub(crate) struct Link {
    client: Client,
    /// As people may see it.
    shown: String,
    connection: Option<Connection>,
    /// Attempts since the queue was last there.
    failed: u32,
}

impl Link {
    /// The way that `options` name. Reads the files they name; connects to nothing.
    pub(crate) fn new(options: &ClusterOptions) -> Result<Link, String> {
        let told = |e: RedisError| format!("cluster.url is no URL of a queue: {}", said(&e));
        let mut info = options.url.as_str().into_connection_info().map_err(told)?;
        let shown = info.addr().to_string();
        if let ConnectionAddr::Tcp(host, _) = info.addr()
            && !is_loopback(host)
            && !options.allow_plaintext
        {
            return Err(format!(
                "cluster.url {shown} is another host without TLS: use rediss://, or say cluster.allow_plaintext: true"
            ));
        }
        let mut user = info.redis_settings().clone().set_skip_set_lib_name();
        if let Some(name) = &options.username {
            user = user.set_username(name);
        }
        if let Some(password) = password(options.password_file.as_deref())? {
            user = user.set_password(password);
        }
        info = info.set_redis_settings(user);
        let read = |path: &Path| {
            fs::read(path).map_err(|e| format!("cluster.tls: {} cannot be read: {e}", path.display()))
        };
        let client_tls = match &options.client_cert {
            Some((cert, key)) => Some(ClientTlsConfig { client_cert: read(cert)?, client_key: read(key)? }),
            None => None,
        };
        let root_cert = options.ca_file.as_deref().map(read).transpose()?;
        let client = match info.addr() {
            ConnectionAddr::TcpTls { .. } => {
                Client::build_with_tls(info, TlsCertificates { client_tls, root_cert })
                    .map_err(|e| format!("cluster.tls: {}", said(&e)))?
            }
            _ => Client::open(info).map_err(told)?,
        };
        Ok(Link { client, shown, connection: None, failed: 0 })
    }

    /// Another connection of the same kind.
    pub(crate) fn another(&self) -> Link {
        Link { client: self.client.clone(), shown: self.shown.clone(), connection: None, failed: 0 }
    }

    /// Host and port, without credentials.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The answer to `command`.
    pub(crate) fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Trouble> {
        self.with(ANSWER, |connection| command.query(connection))
    }

    /// The answer to `command`, which waits for something itself, for `wait` at most.
    pub(crate) fn wait<T: FromRedisValue>(&mut self, command: &Cmd, wait: Duration) -> Result<T, Trouble> {
        self.with(ANSWER + wait, |connection| command.query(connection))
    }

    /// The answer to `command`, if it comes within `soon`.
    pub(crate) fn ask_within<T: FromRedisValue>(
        &mut self,
        command: &Cmd,
        soon: Duration,
    ) -> Result<T, Trouble> {
        self.with(soon, |connection| command.query(connection))
    }

    /// The answers to `commands`, sent at once.
    pub(crate) fn ask_all<T: FromRedisValue>(&mut self, commands: &Pipeline) -> Result<T, Trouble> {
        self.with(ANSWER, |connection| commands.query(connection))
    }

    /// Waits before the next attempt; false if that is not worth it any more.
    pub(crate) fn rest(&mut self, by: Deadline, cancel: &Cancel) -> bool {
        let wait = FIRST_WAIT.saturating_mul(1 << self.failed.min(10)).min(LONGEST_WAIT);
        self.failed += 1;
        // Hundreds of workers that lost the same queue must not come back at the same moment.
        let wait = wait.mul_f64(0.5 + fastrand::f64() / 2.0);
        !cancel.sleep(by.within(wait)) && !by.passed()
    }

    fn with<T>(
        &mut self,
        within: Duration,
        act: impl FnOnce(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, Trouble> {
        let answer = self.connected().and_then(|connection| {
            connection.set_read_timeout(Some(within))?;
            connection.set_write_timeout(Some(within))?;
            act(connection)
        });
        match answer {
            Ok(answer) => {
                self.failed = 0;
                Ok(answer)
            }
            Err(e) => {
                let trouble = self.trouble(&e);
                // After a deadline the late answer would be taken for that of the next question.
                if !matches!(trouble, Trouble::Lost) {
                    self.connection = None;
                }
                Err(trouble)
            }
        }
    }

    fn connected(&mut self) -> Result<&mut Connection, RedisError> {
        if self.connection.as_ref().is_none_or(|c| !c.is_open()) {
            self.connection = Some(self.client.get_connection_with_timeout(CONNECT)?);
        }
        Ok(self.connection.as_mut().expect("it was made a line ago"))
    }

    fn trouble(&self, e: &RedisError) -> Trouble {
        let why = said(e);
        let words = |what: &str| format!("the queue at {} {what}: {why}", self.shown);
        match (e.code(), e.kind()) {
            (Some("NOGROUP"), _) => Trouble::Lost,
            (Some("NOPERM" | "NOAUTH" | "WRONGPASS"), _) | (_, ErrorKind::AuthenticationFailed) => {
                Trouble::Refused(words("refuses us"))
            }
            (Some("WRONGTYPE"), _) => Trouble::Refused(words("has something else under our keys")),
            (_, ErrorKind::Io) => Trouble::Away(words("cannot be reached")),
            _ => Trouble::Away(words("cannot be used")),
        }
    }
}

/// What `e` says, without control characters and in bounds.
fn said(e: &RedisError) -> String {
    quote(&e.to_string(), 200)
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The first line of `file`, or the variable.
fn password(file: Option<&Path>) -> Result<Option<String>, String> {
    let Some(file) = file else {
        return Ok(std::env::var(PASSWORD_VARIABLE).ok().filter(|p| !p.is_empty()));
    };
    let unread = |e: std::io::Error| format!("cluster.password_file {} cannot be read: {e}", file.display());
    let mut text = String::new();
    fs::File::open(file).map_err(unread)?.take(4096).read_to_string(&mut text).map_err(unread)?;
    Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str, allow_plaintext: bool) -> Result<String, String> {
        let options = ClusterOptions { url: url.to_owned(), allow_plaintext, ..ClusterOptions::default() };
        Link::new(&options).map(|link| link.shown().to_owned())
    }

    #[test]
    fn plain_text_stays_on_this_host_unless_somebody_says_so() {
        for url in
            ["redis://127.0.0.1:6379", "redis://localhost", "redis://[::1]:7000", "redis+unix:///run/r.sock"]
        {
            link(url, false).unwrap();
        }
        assert!(link("redis://queue.example:6379", false).unwrap_err().contains("allow_plaintext"));
        link("redis://queue.example:6379", true).unwrap();
        link("rediss://queue.example:6380", false).unwrap();
    }

    #[test]
    fn credentials_of_the_url_are_not_shown() {
        assert_eq!(link("rediss://u:s3cret@queue.example:6380", false).unwrap(), "queue.example:6380");
        let refused = link("redis://u:s3cret@queue.example", false).unwrap_err();
        assert!(!refused.contains("s3cret"), "{refused}");
        assert!(link("http://u:s3cret@x", false).is_err_and(|why| !why.contains("s3cret")));
    }
}
