//! The finished settings, and how they come about.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::analysis::options::{Approved, Policy};
use crate::cli::args::{Concurrency, Pin};
use crate::cluster::options::ClusterOptions;
use crate::engine::options::{Batches, Memory, Width};
use crate::gate::options::GateOptions;
use crate::model::pool::PoolOptions;
use crate::model::revision::Revision;
use crate::preflight::tier::Tier;
use crate::report::options::Monitoring;
use crate::store::options::{CacheOptions, HistoryOptions};
use crate::transport::options::{Rate, WireOptions};

use super::judging::Judging;
use super::keys::{KEYS, Key};
use super::layer::{self, SERVERS};
use super::node::{Node, Position};
use super::overrides::Overrides;
use super::targets::{self, Entries};
use super::value::{self, Base, Value};
use super::{ConfigError, Environment, approved, file, profile, yaml};

/// Every question about a run answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    /// For the transports.
    pub wire: WireOptions,
    /// For one target, unless it has its own.
    pub timeout: Duration,
    /// For the whole run.
    pub max_duration: Option<Duration>,
    /// How often a target is tried again.
    pub max_retries: u32,
    /// Targets at a time.
    pub width: Width,
    /// Targets in portions.
    pub batches: Option<Batches>,
    /// What is done for a small footprint.
    pub memory: Memory,
    /// Results are written as they come, so many at a time, and not kept.
    pub stream: Option<usize>,
    /// What is judged, and how deep.
    pub assessment: Policy,
    /// Whether servers are asked in several ways, to see whether their answers differ.
    pub differential: bool,
    /// The only servers that may be in use, where there is such a list.
    pub approved: Option<Approved>,
    /// What findings do to a run.
    pub gate: GateOptions,
    /// Whether to log as with `-v`.
    pub verbose: bool,
    /// Sessions kept between repeated introspections.
    pub pool: Option<PoolOptions>,
    /// The only revision to speak, unless a target has its own.
    pub protocol_version: Option<Revision>,
    /// Results that are kept.
    pub cache: CacheOptions,
    /// Runs that are kept.
    pub history: HistoryOptions,
    /// Whether and where the run is measured.
    pub monitoring: Monitoring,
    /// How hosts share the work.
    pub cluster: ClusterOptions,
    /// What to scan where the command line says nothing.
    pub targets: TargetsFrom,
}

/// Targets that the settings name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TargetsFrom {
    /// Target files, still to be read.
    pub files: Vec<PathBuf>,
    /// `mcpServers` of a settings file.
    pub inline: Option<Entries>,
}

/// Who made a setting. Later variants win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody.
    Default,
    /// Nobody, so that the machine decides: how large it is.
    Machine(String),
    /// A line of a profile.
    Profile {
        /// Its name.
        name: &'static str,
        /// From 1.
        line: u32,
    },
    /// A line of a file.
    File {
        /// Its path.
        file: String,
        /// From 1.
        line: u32,
    },
    /// An environment variable of this name.
    Environment(String),
    /// An option of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Machine(size) => write!(f, "auto: {size}"),
            Origin::Profile { name, line } => write!(f, "profile {name}:{line}"),
            Origin::File { file, line } => write!(f, "{file}:{line}"),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The key.
    pub path: &'static str,
    /// Its value as a file would have it.
    pub value: String,
    /// Who said so.
    pub origin: Origin,
}

/// Settings with their history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Resolved {
    /// The settings.
    pub settings: Settings,
    /// Every key, in the table's order.
    pub shown: Vec<Shown>,
    /// What is no setting and perhaps no mistake, a line each; for `-v`.
    pub notes: Vec<String>,
}

/// Settings in the making: what needs a second look once everything is known.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) settings: Settings,
    pub(crate) judging: Judging,
    pub(crate) parallel: bool,
    /// Whether a setting asks for metrics.
    pub(crate) monitored: bool,
    /// `None` for `auto`.
    pub(crate) concurrency: Option<usize>,
    pub(crate) rate_limiting: bool,
    pub(crate) rate: Rate,
    pub(crate) rate_per_origin: (Option<usize>, Option<usize>),
    pub(crate) batching: bool,
    pub(crate) batches: Batches,
    pub(crate) stream_results: bool,
    pub(crate) batch_size: usize,
    pub(crate) garbage_collection: bool,
    pub(crate) approved: Option<PathBuf>,
    pub(crate) client_cert: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
    pub(crate) cluster_cert: Option<PathBuf>,
    pub(crate) cluster_key: Option<PathBuf>,
    /// Whether `pool` holds.
    pub(crate) keep_sessions: bool,
    pub(crate) pool: PoolOptions,
}

/// Joins defaults, profile, files, environment and flags; later ones win. A profile is another set of defaults.
pub(crate) fn resolve(flags: &Overrides, environment: &Environment) -> Result<Resolved, ConfigError> {
    let mut said = Said::default();
    said.defaults(environment)?;
    said.profile(flags, environment)?;
    let user = environment.home.as_ref().map(|home| home.join(".hawkeye/hawkeye.yaml"));
    let usual = [Some(environment.etc_dir.join("hawkeye.yaml")), user];
    let present = usual.into_iter().flatten().filter(|path| exists(path));
    for path in present.chain(flags.config.clone()) {
        said.file(&path, environment)?;
    }
    let environs = layer::from_environment(environment)?;
    for (setting, name) in environs.settings {
        said.put(setting.key, setting.value, Origin::Environment(name));
    }
    said.flags(flags);
    said.finish(environment, environs.notes)
}

fn some<T: Clone>(all: &[T]) -> Option<Vec<T>> {
    (!all.is_empty()).then(|| all.to_vec())
}

const METRICS_FILE: &str = "mcp_introspection.monitoring.file";
const METRICS_LISTEN: &str = "mcp_introspection.monitoring.listen";

/// Whether there is anything at `path`; what cannot be looked at is tried, and reported.
fn exists(path: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    !matches!(path.symlink_metadata(), Err(e) if matches!(e.kind(), NotFound | NotADirectory))
}

/// The last word on each key so far, by the path that [`Key::same_as`] leads to.
#[derive(Default)]
struct Said {
    values: HashMap<&'static str, (Value, Origin)>,
    inline: Option<Entries>,
}

impl Said {
    fn put(&mut self, key: &'static Key, value: Value, origin: Origin) {
        self.values.insert(key.same_as.unwrap_or(key.path), (value, origin));
    }

    fn defaults(&mut self, environment: &Environment) -> Result<(), ConfigError> {
        for key in KEYS {
            let node = value::default_node(key);
            let base = Base { directory: Path::new(""), home: environment.home.as_deref() };
            let value = value::read(key.kind, &node, base)
                .map_err(|e| ConfigError::bare(format!("default of {}: {}", key.path, e.message)))?;
            self.put(key, value, Origin::Default);
        }
        Ok(())
    }

    fn profile(&mut self, flags: &Overrides, environment: &Environment) -> Result<(), ConfigError> {
        let Some(profile) = profile::chosen(flags.profile.as_deref(), environment)? else { return Ok(()) };
        for setting in profile::settings(profile)? {
            let origin = Origin::Profile { name: profile.name, line: setting.at.line };
            self.put(setting.key, setting.value, origin);
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, environment: &Environment) -> Result<(), ConfigError> {
        let name = path.display().to_string();
        let node: Node = yaml::parse(&name, &file::read(path)?)?;
        let layer = layer::from_file(&name, &node, environment.home.as_deref());
        if let Some(e) = layer.errors.into_iter().next() {
            return Err(e);
        }
        for setting in layer.settings {
            let Position { line, .. } = setting.at;
            self.put(setting.key, setting.value, Origin::File { file: name.clone(), line });
        }
        if let Some(servers) = layer.servers {
            self.inline = Some(targets::from_node(&name, servers, environment)?);
        }
        Ok(())
    }

    fn flags(&mut self, flags: &Overrides) {
        let count = |c: Concurrency| match c {
            Concurrency::Auto => Value::Unset,
            Concurrency::Exactly(n) => Value::Count(n as u64),
        };
        let pin = |p: Pin| match p {
            Pin::Auto => Value::Unset,
            Pin::Only(revision) => Value::Revision(revision),
        };
        let path = |p: &Option<PathBuf>| p.clone().map(Value::Path);
        let given = [
            ("mcp_introspection.timeout", "--timeout", flags.timeout.map(Value::Seconds)),
            ("max_duration", "--max-duration", flags.max_duration.map(Value::Seconds)),
            (WIDTH, "--concurrency", flags.concurrency.map(count)),
            ("protocol_version", "--protocol-version", flags.protocol_version.map(pin)),
            ("tls.ca_file", "--ca-file", path(&flags.ca_file)),
            ("tls.client_cert", "--client-cert", path(&flags.client_cert)),
            ("tls.client_key", "--client-key", path(&flags.client_key)),
            ("tls.insecure", "--insecure", flags.insecure.then_some(Value::Bool(true))),
            ("mcp_introspection.enable_verbose_logging", "-v", flags.verbose.then_some(Value::Bool(true))),
            (
                "mcp_introspection.enable_result_caching",
                "--no-cache",
                flags.no_cache.then_some(Value::Bool(false)),
            ),
            (
                "mcp_introspection.enable_differential_introspection",
                "--differential",
                flags.differential.then_some(Value::Bool(true)),
            ),
            ("fail_on", "--fail-on", some(&flags.fail_on).map(Value::Words)),
            ("suppressions", "--suppressions", some(&flags.suppressions).map(Value::Paths)),
            ("cluster.enabled", "--cluster", flags.cluster.then_some(Value::Bool(true))),
            ("cluster.enabled", "--no-cluster", flags.no_cluster.then_some(Value::Bool(false))),
            ("history.enabled", "--no-history", flags.no_history.then_some(Value::Bool(false))),
            (METRICS_FILE, "--metrics-file", path(&flags.metrics_file)),
            (METRICS_LISTEN, "--metrics-listen", flags.metrics_listen.map(Value::Address)),
        ];
        for (path, flag, value) in given {
            if let Some(value) = value {
                self.values.insert(path, (value, Origin::Flag(flag)));
            }
        }
    }

    fn finish(self, environment: &Environment, mut notes: Vec<String>) -> Result<Resolved, ConfigError> {
        let tier = Tier::of(environment.cpus, environment.memory);
        let mut draft = Draft::new();
        for key in KEYS {
            if let (Some(apply), Some((value, _))) = (key.apply, self.values.get(key.path)) {
                let automatic = if *value == Value::Unset { by_tier(key, &tier) } else { None };
                apply(&mut draft, automatic.as_ref().unwrap_or(value));
            }
        }
        // A width on the command line is meant for this run, whatever a file or profile says about parallelism.
        let is_flag = |path| matches!(self.values.get(path), Some((_, Origin::Flag(_))));
        let auto = draft.automatic_width(&tier);
        let width = draft.concurrency.map_or(auto, Width::Fixed);
        draft.settings.width = if draft.parallel || is_flag(WIDTH) { width } else { Width::Fixed(1) };
        if matches!(draft.settings.width, Width::Auto { .. }) {
            notes.extend(tier.note());
        }
        draft.shape();
        // Where metrics go is said in advance; an option of that name also asks for them.
        let monitoring = &mut draft.settings.monitoring;
        monitoring.file.take_if(|_| !draft.monitored && !is_flag(METRICS_FILE));
        monitoring.listen.take_if(|_| !draft.monitored && !is_flag(METRICS_LISTEN));
        draft.settings.wire.tls.client_cert = pair(draft.client_cert.take(), draft.client_key.take())?;
        draft.settings.cluster.client_cert = pair(draft.cluster_cert.take(), draft.cluster_key.take())?;
        let mut shown: Vec<Shown> = KEYS.iter().filter_map(|key| self.show(key, &tier, auto)).collect();
        if let Some(entries) = &self.inline {
            let value = format!("{} servers", entries.targets.len() + entries.disabled.len());
            let origin = Origin::File { file: entries.file.clone(), line: entries.line };
            shown.insert(0, Shown { path: SERVERS, value, origin });
        }
        draft.settings.approved = draft.approved.as_deref().map(approved::read).transpose()?;
        let judging = std::mem::take(&mut draft.judging);
        let (selection, gate) =
            judging.finish(|key, line, why| self.blame(key, line, why), |key| self.file_of(key))?;
        draft.settings.assessment.selection = selection.into();
        draft.settings.gate = gate;
        draft.settings.pool = draft.keep_sessions.then_some(draft.pool);
        draft.settings.targets.inline = self.inline;
        Ok(Resolved { settings: draft.settings, shown, notes })
    }

    /// An error about `key`, with whoever set it in front.
    fn blame(&self, key: &'static str, line: Option<u32>, why: String) -> ConfigError {
        match self.values.get(key).map(|(_, origin)| origin) {
            Some(Origin::File { file, line: first }) => {
                ConfigError::bare(format!("{file}:{}: {key}: {why}", line.unwrap_or(*first)))
            }
            Some(origin) => ConfigError::bare(format!("{origin}: {why}")),
            None => ConfigError::bare(format!("{key}: {why}")),
        }
    }

    fn file_of(&self, key: &'static str) -> String {
        match self.values.get(key) {
            Some((_, Origin::File { file, .. })) => file.clone(),
            Some((_, origin)) => origin.to_string(),
            None => key.to_owned(),
        }
    }

    fn show(&self, key: &'static Key, tier: &Tier, auto: Width) -> Option<Shown> {
        let (value, origin) = self.values.get(key.same_as.unwrap_or(key.path))?;
        let (mut text, mut origin) = (value.text(key.kind), origin.clone());
        let automatic = match key.path {
            WIDTH => Some(match (auto.start(), auto.most()) {
                (start, most) if start < most => format!("{start} to {most}"),
                (start, _) => start.to_string(),
            }),
            _ => by_tier(key, tier).map(|value| value.text(key.kind)),
        };
        if let Some(automatic) = automatic.filter(|_| *value == Value::Unset) {
            text = format!("auto ({automatic})");
            if origin == Origin::Default {
                origin = Origin::Machine(tier.because());
            }
        }
        Some(Shown { path: key.path, value: text, origin })
    }
}

fn pair(cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some((cert, key))),
        (None, None) => Ok(None),
        _ => Err(ConfigError::bare("a client certificate needs both client_cert and client_key")),
    }
}

const WIDTH: &str = "mcp_introspection.max_concurrent_servers";

/// What `auto` means on this machine for keys other than the width, which may change as the run goes on.
fn by_tier(key: &Key, tier: &Tier) -> Option<Value> {
    match key.path {
        "mcp_introspection.caching_config.max_size" => Some(Value::Count(tier.cache_size)),
        "mcp_introspection.enable_detailed_analysis" => Some(Value::Bool(tier.detailed_analysis)),
        _ => None,
    }
}

impl Draft {
    /// Every field is set again from the table.
    pub(crate) fn new() -> Draft {
        Draft {
            settings: Settings {
                wire: WireOptions::default(),
                timeout: Duration::from_secs(30),
                max_duration: None,
                max_retries: 3,
                width: Width::Fixed(1),
                batches: None,
                memory: Memory::default(),
                stream: None,
                assessment: Policy::default(),
                differential: false,
                approved: None,
                gate: GateOptions::default(),
                verbose: false,
                pool: Some(PoolOptions::default()),
                protocol_version: None,
                cache: CacheOptions::default(),
                history: HistoryOptions::default(),
                monitoring: Monitoring::default(),
                cluster: ClusterOptions::default(),
                targets: TargetsFrom::default(),
            },
            judging: Judging::default(),
            parallel: true,
            monitored: false,
            concurrency: None,
            rate_limiting: false,
            rate: Rate { per_minute: 300, burst: 50 },
            rate_per_origin: (None, None),
            batching: false,
            batches: Batches { size: 100, pause: Duration::from_secs(1) },
            stream_results: false,
            batch_size: 10,
            garbage_collection: false,
            approved: None,
            client_cert: None,
            client_key: None,
            cluster_cert: None,
            cluster_key: None,
            keep_sessions: true,
            pool: PoolOptions::default(),
        }
    }

    /// What `max_concurrent_servers: auto` means.
    fn automatic_width(&self, tier: &Tier) -> Width {
        let width = Width::Auto { start: tier.width, most: Width::MOST };
        // The guide's own width for little memory.
        if self.settings.memory.frugal { width.within(5) } else { width }
    }

    /// Settles what several keys say together about the shape of the load.
    fn shape(&mut self) {
        let pace = &mut self.settings.wire.pace;
        pace.global = self.rate_limiting.then_some(self.rate);
        // The rate turns it on; without a word on bursts there are none.
        let per_origin = match self.rate_per_origin {
            (Some(per_minute), burst) => Some(Rate { per_minute, burst: burst.unwrap_or(1) }),
            (None, _) => None,
        };
        pace.per_origin = per_origin.filter(|_| self.rate_limiting);
        // What was learnt before says nothing of what is answered to whom.
        self.settings.cache.wanted &= !self.settings.differential;
        self.settings.batches = self.batching.then_some(self.batches);
        self.settings.stream = self.stream_results.then_some(self.batch_size);
        self.settings.memory.give_back_every = self.garbage_collection.then_some(self.batch_size);
    }
}
