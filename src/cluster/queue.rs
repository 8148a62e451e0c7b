//! What poster and worker have in common: the way to the queue, its keys, and the key to what is in it.

use std::sync::Arc;
use std::time::Duration;

use redis::{Pipeline, cmd, pipe};

use super::keys::{Keys, Lane};
use super::link::{Link, Trouble};
use super::options::ClusterOptions;
use super::seal::{HOW, Seal};

/// The one group of consumers that every stream of jobs has.
pub(super) const GROUP: &str = "hawkeye";
/// How long what belongs to a run stays when nobody renews it.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A queue, not necessarily connected.
pub(crate) struct Queue {
    pub(super) link: Link,
    pub(super) keys: Keys,
    pub(super) seal: Arc<Seal>,
}

impl Queue {
    /// The queue of `options`. Reads the key and the certificates; connects to nothing.
    pub(crate) fn new(options: &ClusterOptions) -> Result<Queue, String> {
        let Some(file) = &options.key_file else {
            return Err(format!("cluster.key_file is not set: the hosts of a cluster share a secret; {HOW}"));
        };
        let seal = Arc::new(Seal::read(file)?);
        Ok(Queue { link: Link::new(options)?, keys: Keys::new(&options.prefix), seal })
    }

    /// Another connection to the same.
    pub(crate) fn another(&self) -> Queue {
        Queue { link: self.link.another(), keys: self.keys.clone(), seal: self.seal.clone() }
    }

    /// Where it is, without credentials.
    pub(crate) fn shown(&self) -> &str {
        self.link.shown()
    }

    /// Sees that the queue is there, that everybody who uses it has our key, and that its `lanes` can be read.
    pub(super) fn greet(&mut self, lanes: &[Lane]) -> Result<(), Trouble> {
        let ours = self.seal.fingerprint();
        let key = self.keys.fingerprint();
        let mut ask = pipe();
        ask.cmd("SET").arg(&key).arg(&ours).arg("NX").ignore().cmd("GET").arg(&key);
        let (theirs,): (Option<String>,) = self.link.ask_all(&ask)?;
        if theirs.is_some_and(|theirs| theirs != ours) {
            return Err(Trouble::Refused(format!(
                "the queue at {} is used with another key than that of cluster.key_file: copy it from a host that works; \
                 for a new key: redis-cli DEL '{key}'",
                self.shown()
            )));
        }
        lanes.iter().try_for_each(|lane| self.make_group(lane))
    }

    fn make_group(&mut self, lane: &Lane) -> Result<(), Trouble> {
        let mut make = cmd("XGROUP");
        make.arg("CREATE").arg(self.keys.lane(lane)).arg(GROUP).arg("0").arg("MKSTREAM");
        match self.link.ask::<()>(&make) {
            Err(Trouble::Away(why)) if why.contains("BUSYGROUP") => Ok(()),
            made => made,
        }
    }

    /// Adds to `commands` that the `entry` of `lane` is done with.
    pub(super) fn drop_entry(&self, commands: &mut Pipeline, lane: &Lane, entry: &str) {
        let lane = self.keys.lane(lane);
        commands.cmd("XACK").arg(&lane).arg(GROUP).arg(entry).ignore();
        commands.cmd("XDEL").arg(&lane).arg(entry).ignore();
    }
}
