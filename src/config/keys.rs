//! Every setting there is: the one table that reading, `config show`, `config check` and the shipped
//! `config/hawkeye.yaml` are made from.

use crate::cluster::options::Algorithm;

use super::judging;
use super::settings::Draft;
use super::value::Value;

/// One setting.
pub(crate) struct Key {
    /// Where it stands, sections joined with dots.
    pub path: &'static str,
    /// What may be said.
    pub kind: Kind,
    /// What holds when nothing is said, as YAML.
    pub default: &'static str,
    /// One line for people, with the unit.
    pub doc: &'static str,
    /// What it does, unless another key does it.
    pub(crate) apply: Option<fn(&mut Draft, &Value)>,
    /// The key that this is another name of; whichever is said later holds for both.
    pub(crate) same_as: Option<&'static str>,
}

/// What may be said for a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// `true` or `false`
    Bool,
    /// The same, or `auto`.
    BoolOrAuto,
    /// A number of seconds above 0, at most a year.
    Seconds,
    /// The same, or `null` for none.
    OptionalSeconds,
    /// A whole number in this range.
    Count(u64, u64),
    /// A whole number in this range, or `auto`.
    CountOrAuto(u64, u64),
    /// A whole number in this range, or `null` for none.
    OptionalCount(u64, u64),
    /// A number from 0 to 3600.
    Factor,
    /// A text that is not empty.
    Text,
    /// The same, or `null` for none.
    OptionalText,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A file, from the directory of the file that names it; `~/` is the home directory.
    Path,
    /// The same, or `null` for none.
    OptionalPath,
    /// A list of files, or one.
    Paths,
    /// A list of HTTP statuses.
    Statuses,
    /// A list of `host` and `max_concurrent`.
    Workers,
    /// The date of a protocol revision, or `auto`.
    Revision,
    /// An address to listen on, or `null` for none.
    OptionalAddress,
    /// A list of texts, or one.
    Words,
    /// What makes a run fail: a list of words, or one.
    FailOn,
    /// A section of rules, each with a severity.
    Grades,
    /// A list of rules.
    Rules,
    /// The entries of a policy.
    Clauses,
    /// Nothing but `null`.
    Never,
}

impl Key {
    /// The last part of the path.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.path)
    }
}

/// The key at `path`.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|k| k.path == path)
}

/// The section whose keys the guide also shows without it in front.
pub(crate) const ROOT: &str = "mcp_introspection";

/// Sections that may stand at the top as well as inside [`ROOT`].
pub(crate) const UNPREFIXED: [&str; 6] =
    ["stdio_config", "http_config", "sse_config", "caching_config", "pool_config", "monitoring"];

const BYTES: Kind = Kind::Count(512, 16 << 20);
const POOL: Kind = Kind::Count(1, 65_536);
const TRIES: Kind = Kind::Count(0, 100);

const fn live(
    path: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
    apply: fn(&mut Draft, &Value),
) -> Key {
    Key { path, kind, default, doc, apply: Some(apply), same_as: None }
}

const fn also(
    path: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
    same_as: &'static str,
) -> Key {
    Key { path, kind, default, doc, apply: None, same_as: Some(same_as) }
}

/// All settings, in the order in which they are shown: keys of one section stand together.
#[rustfmt::skip]
pub(crate) const KEYS: &[Key] = &[
    live("targets", Kind::Paths, "[]", "files of servers to scan when the command line names none; relative ones start at this file's directory", |d, v| d.settings.targets.files = v.paths()),
    live("max_duration", Kind::OptionalSeconds, "null", "seconds for the whole run; null = no bound", |d, v| d.settings.max_duration = v.optional_seconds()),
    live("protocol_version", Kind::Revision, "auto", "the only protocol revision to speak, by date; auto = whatever the server speaks", |d, v| d.settings.protocol_version = v.revision()),
    live("approved_servers", Kind::OptionalPath, "null", "file of the servers that may be in use (approved_servers: names, or name, url and command with * for anything); any other is a finding; null = no such list", |d, v| d.approved = v.optional_path()),
    live(judging::FAIL_ON, Kind::FailOn, "[high]", "what makes a run fail: a severity (that and worse) or never, ids of rules or families (HK-POI-*), drift, incomplete; without a severity high stays in force", |d, v| d.judging.fail_on = v.words()),
    live(judging::SUPPRESSIONS, Kind::Paths, "[]", "files of findings that somebody answers for, each with fingerprint, owner, reason and expires; relative ones start at this file's directory", |d, v| d.judging.suppressions = v.paths()),
    live(judging::POLICY, Kind::Clauses, "[]", "what becomes of findings, the first entry that fits decides: action (allow, warn or fail) and rule, severity (that and worse), server, tag (of a server, or a reference such as CWE-78), reason", |d, v| d.judging.clauses = v.clauses()),

    live(judging::DISABLE, Kind::Words, "[]", "rules and families that do not hold: [HK-SCH-*, HK-CAP-004]", |d, v| d.judging.disable = v.words()),
    live(judging::SEVERITY, Kind::Grades, "{}", "how bad findings of a rule or family are, whatever it says: {HK-CAP-001: high}", |d, v| d.judging.grades = v.grades()),
    live("rules.files", Kind::Paths, "[]", "files of own rules, each a list as custom is; relative ones start at this file's directory", |d, v| d.judging.files = v.paths()),
    live(judging::CUSTOM, Kind::Rules, "[]", "own rules, each with id, title, severity, pattern or patterns (regular expressions, in any case), remedy; and confidence, unless (patterns), where (text, name, description, parameters, uri, instructions), kinds (tool, resource, prompt, server), message, references", |d, v| d.judging.custom = v.rules()),

    live("mcp_introspection.timeout", Kind::Seconds, "30.0", "seconds for one server, from its start to the last page", |d, v| d.settings.timeout = v.seconds()),
    live("mcp_introspection.max_retries", TRIES, "3", "how often a URL is tried again whose server drops the connection before anything is agreed, within its timeout; one that refuses it, once; statuses are http_config.retry_config's", |d, v| d.settings.max_retries = v.u32()),
    live("mcp_introspection.enable_parallel_processing", Kind::Bool, "true", "false = one server at a time", |d, v| d.parallel = v.bool()),
    live("mcp_introspection.max_concurrent_servers", Kind::CountOrAuto(1, 4096), "auto", "servers at a time; auto = by memory and processors: with 16 GiB 3 a processor, at most 30; with 8 GiB, or where memory is unknown, 2 a processor, at most 20; else 1 a processor, at least 5, and no more than with 8 GiB; and more (up to 1024) while they keep us waiting and there is room: those elsewhere as long as hawkeye itself leaves the processors idle, those that are processes as long as the processors are idle or the processes cost little, and both together to four times the start", |d, v| d.concurrency = v.optional_count()),
    live("mcp_introspection.enable_detailed_analysis", Kind::BoolOrAuto, "auto", "judge every text and every parameter of the tools, too, where enable_risk_assessment holds; false = names, annotations and transport only; auto = with 8 GiB of memory or more, or where memory is unknown", |d, v| d.settings.assessment.detailed = v.bool()),
    live("mcp_introspection.enable_risk_assessment", Kind::Bool, "true", "judge what servers and tools put at risk", |d, v| d.settings.assessment.risk = v.bool()),
    live("mcp_introspection.enable_schema_validation", Kind::Bool, "true", "check schemas, names and descriptions of tools", |d, v| d.settings.assessment.schemas = v.bool()),
    live("mcp_introspection.enable_differential_introspection", Kind::Bool, "false", "ask each server up to 16 times more, under other client names, in other revisions and without its credentials, and judge what differs, where enable_risk_assessment holds; never from the cache, and not with --watch", |d, v| d.settings.differential = v.bool()),
    also("mcp_introspection.connection_pool_size", POOL, "20", "another name of http_config.connection_pool_size", "mcp_introspection.http_config.connection_pool_size"),
    live("mcp_introspection.keep_alive_timeout", Kind::Seconds, "30.0", "seconds after which an idle connection is not used again", |d, v| d.settings.wire.http.keep_alive_timeout = v.seconds()),
    also("mcp_introspection.reuse_connections", Kind::Bool, "true", "another name of http_config.keep_alive", "mcp_introspection.http_config.keep_alive"),
    live("mcp_introspection.enable_memory_optimization", Kind::Bool, "false", "trade speed for memory: two arenas of the allocator, half the stack, and an automatic width of at most 5", |d, v| d.settings.memory.frugal = v.bool()),
    live("mcp_introspection.max_tool_analysis_depth", Kind::Count(1, 128), "10", "levels of a schema that are judged", |d, v| d.settings.assessment.depth = v.size()),
    live("mcp_introspection.enable_garbage_collection", Kind::Bool, "false", "return freed memory to the system before the first target, after each batch_size results, and between batches", |d, v| d.garbage_collection = v.bool()),
    live("mcp_introspection.enable_result_caching", Kind::Bool, "false", "true = a server whose result in the cache is fresh is not asked; false = every scan asks every server and stores nothing", |d, v| d.settings.cache.wanted = v.bool()),
    live("mcp_introspection.stream_results", Kind::Bool, "false", "write results as they come, in their order of arrival, and keep none", |d, v| d.stream_results = v.bool()),
    live("mcp_introspection.batch_size", Kind::Count(1, 1_000_000), "10", "results written at a time with stream_results, or when nothing comes for a while; and between returns of memory", |d, v| d.batch_size = v.size()),
    live("mcp_introspection.enable_verbose_logging", Kind::Bool, "false", "the same as -v", |d, v| d.settings.verbose = v.bool()),
    live("mcp_introspection.enable_performance_monitoring", Kind::Bool, "false", "collect metrics and export them to monitoring.file; the same as monitoring.enabled, either of the two is enough", |d, v| d.monitored |= v.bool()),

    live("mcp_introspection.rate_limiting.enabled", Kind::Bool, "false", "bound the rate of requests: HTTP exchanges and starts of processes", |d, v| d.rate_limiting = v.bool()),
    live("mcp_introspection.rate_limiting.requests_per_minute", Kind::Count(1, 1_000_000), "300", "requests a minute, evenly", |d, v| d.rate.per_minute = v.size()),
    live("mcp_introspection.rate_limiting.burst_size", Kind::Count(1, 1_000_000), "50", "requests at once before the rate holds", |d, v| d.rate.burst = v.size()),
    live("mcp_introspection.rate_limiting.per_origin.requests_per_minute", Kind::OptionalCount(1, 1_000_000), "null", "the same for each scheme, host and port; null = no bound", |d, v| d.rate_per_origin.0 = v.optional_count()),
    live("mcp_introspection.rate_limiting.per_origin.burst_size", Kind::OptionalCount(1, 1_000_000), "null", "the same; null = 1", |d, v| d.rate_per_origin.1 = v.optional_count()),

    live("mcp_introspection.batch_processing.enabled", Kind::Bool, "false", "scan in batches", |d, v| d.batching = v.bool()),
    live("mcp_introspection.batch_processing.batch_size", Kind::Count(1, 1_000_000), "100", "servers of one batch", |d, v| d.batches.size = v.size()),
    live("mcp_introspection.batch_processing.processing_interval", Kind::Seconds, "1.0", "seconds between batches", |d, v| d.batches.pause = v.seconds()),

    live("mcp_introspection.stdio_config.process_timeout", Kind::Seconds, "15.0", "seconds within which a started process must answer", |d, v| d.settings.wire.stdio.process_timeout = v.seconds()),
    live("mcp_introspection.stdio_config.buffer_size", BYTES, "8192", "bytes of one read from a process; the same as subprocess_optimization.bufsize, the later of the two holds", |d, v| d.settings.wire.stdio.buffer_size = v.size()),
    live("mcp_introspection.stdio_config.enable_binary_mode", Kind::Bool, "true", "false = a carriage return alone ends a line, too, as a text reader takes it", |d, v| d.settings.wire.stdio.binary_mode = v.bool()),
    live("mcp_introspection.stdio_config.subprocess_optimization.close_fds", Kind::Bool, "true", "false also lets servers inherit descriptors that hawkeye itself was given", |d, v| d.settings.wire.stdio.close_fds = v.bool()),
    live("mcp_introspection.stdio_config.subprocess_optimization.preexec_fn", Kind::Never, "null", "must be null: hawkeye runs no code between fork and exec", |_, _| {}),
    also("mcp_introspection.stdio_config.subprocess_optimization.bufsize", BYTES, "8192", "another name of stdio_config.buffer_size", "mcp_introspection.stdio_config.buffer_size"),

    live("mcp_introspection.http_config.connection_pool_size", POOL, "20", "idle connections kept in all", |d, v| d.settings.wire.http.pool_size = v.size()),
    live("mcp_introspection.http_config.connection_pool_maxsize", POOL, "50", "idle connections kept for one host", |d, v| d.settings.wire.http.pool_maxsize = v.size()),
    live("mcp_introspection.http_config.keep_alive", Kind::Bool, "true", "use a connection for more than one request", |d, v| d.settings.wire.http.keep_alive = v.bool()),
    live("mcp_introspection.http_config.timeout.connect", Kind::Seconds, "5.0", "seconds for TCP and TLS", |d, v| d.settings.wire.http.connect_timeout = v.seconds()),
    live("mcp_introspection.http_config.timeout.read", Kind::Seconds, "30.0", "longest silence while an answer is awaited, in seconds", |d, v| d.settings.wire.http.read_timeout = v.seconds()),
    live("mcp_introspection.http_config.timeout.total", Kind::Seconds, "45.0", "seconds for one request with its whole answer", |d, v| d.settings.wire.http.total_timeout = v.seconds()),
    live("mcp_introspection.http_config.retry_config.total", TRIES, "3", "how often one request is repeated", |d, v| d.settings.wire.http.retries = v.u32()),
    live("mcp_introspection.http_config.retry_config.backoff_factor", Kind::Factor, "0.3", "the n-th wait is this times 2^(n-1), in seconds", |d, v| d.settings.wire.http.backoff_factor = v.factor()),
    live("mcp_introspection.http_config.retry_config.status_forcelist", Kind::Statuses, "[500, 502, 503, 504]", "statuses worth repeating; 429 always is", |d, v| d.settings.wire.http.status_forcelist = v.statuses()),

    live("mcp_introspection.sse_config.chunk_size", BYTES, "8192", "bytes of one read from an event stream", |d, v| d.settings.wire.sse.chunk_size = v.size()),
    live("mcp_introspection.sse_config.keep_alive_interval", Kind::Seconds, "30", "seconds after which a silent stream is taken for dead", |d, v| d.settings.wire.sse.keep_alive_interval = v.seconds()),
    live("mcp_introspection.sse_config.reconnect_delay", Kind::Seconds, "1.0", "seconds before a stream is opened again", |d, v| d.settings.wire.sse.reconnect_delay = v.seconds()),
    live("mcp_introspection.sse_config.max_reconnect_attempts", TRIES, "3", "how often a stream is opened again", |d, v| d.settings.wire.sse.max_reconnect_attempts = v.u32()),
    live("mcp_introspection.sse_config.event_buffer_size", Kind::Count(1, 1_000_000), "1024", "parsed events held before the stream is read on", |d, v| d.settings.wire.sse.event_buffer_size = v.size()),

    live("mcp_introspection.caching_config.enabled", Kind::Bool, "true", "false = no cache, even where enable_result_caching asks for it; both must be true", |d, v| d.settings.cache.enabled = v.bool()),
    live("mcp_introspection.caching_config.strategy", Kind::Choice(&["lru"]), "lru", "which result makes room: the least recently used, the only choice", |_, _| {}),
    live("mcp_introspection.caching_config.max_size", Kind::CountOrAuto(1, 1_000_000), "auto", "results kept; auto = 2000 with 16 GiB of memory, 1000 with 8 GiB or where memory is unknown, else 500", |d, v| d.settings.cache.max_size = v.size()),
    live("mcp_introspection.caching_config.ttl", Kind::Seconds, "3600", "seconds a result stays fresh, unless its server allows less", |d, v| d.settings.cache.ttl = v.seconds()),
    live("mcp_introspection.caching_config.cache_key_strategy", Kind::Choice(&["server_id_and_config"]), "server_id_and_config", "what makes two results the same: all that can change the answer, credentials and limits included; the only choice", |_, _| {}),
    live("mcp_introspection.caching_config.persist_cache", Kind::Bool, "true", "false = kept in memory, for as long as the process lives", |d, v| d.settings.cache.persist = v.bool()),
    live("mcp_introspection.caching_config.cache_file", Kind::Path, "~/.hawkeye/cache/introspection.db", "where results are kept; no symbolic link (its directory may be one)", |d, v| d.settings.cache.file = v.path()),

    live("mcp_introspection.pool_config.enabled", Kind::Bool, "true", "keep sessions and warm processes between repeated introspections (bench, load-test, scan --watch); a single scan closes each server at its end", |d, v| d.keep_sessions = v.bool()),
    live("mcp_introspection.pool_config.min_connections", Kind::Count(0, 65_536), "5", "idle sessions that stay beyond idle_timeout, those used last, until max_lifetime", |d, v| d.pool.min_connections = v.size()),
    live("mcp_introspection.pool_config.max_connections", POOL, "50", "live sessions kept at most over all servers; while there are as many, a further one is closed after its use", |d, v| d.pool.max_connections = v.size()),
    live("mcp_introspection.pool_config.idle_timeout", Kind::Seconds, "300", "seconds after which an idle session or connection is closed", |d, v| { d.pool.idle_timeout = v.seconds(); d.settings.wire.http.idle_timeout = v.seconds() }),
    live("mcp_introspection.pool_config.max_lifetime", Kind::Seconds, "3600", "seconds after which any session or connection is used no more", |d, v| { d.pool.max_lifetime = v.seconds(); d.settings.wire.http.max_lifetime = v.seconds() }),
    live("mcp_introspection.pool_config.health_check_interval", Kind::Seconds, "60", "seconds after which an idle session is asked whether it is alive (ping; where the revision has none, a look at its process or connection)", |d, v| d.pool.health_check_interval = v.seconds()),
    live("mcp_introspection.pool_config.connection_validation", Kind::Bool, "true", "look at a session before it is used again: process alive, stream open, no stray bytes", |d, v| d.pool.connection_validation = v.bool()),

    live("mcp_introspection.monitoring.enabled", Kind::Bool, "false", "collect metrics and export them to file, and to listen if that is set", |d, v| d.monitored |= v.bool()),
    live("mcp_introspection.monitoring.collect_detailed_metrics", Kind::Bool, "false", "also a series for each server, each list and each step of a connection", |d, v| d.settings.monitoring.detailed = v.bool()),
    live("mcp_introspection.monitoring.export_interval", Kind::Seconds, "60", "seconds between exports to the file, at least 1; the last one is at the end", |d, v| d.settings.monitoring.interval = v.seconds()),
    live("mcp_introspection.monitoring.export_format", Kind::Choice(&["prometheus"]), "prometheus", "form of the export; there is one: the text format of Prometheus 0.0.4", |_, _| ()),
    live("mcp_introspection.monitoring.file", Kind::Path, "~/.hawkeye/metrics/hawkeye.prom", "the file that each export replaces, for node_exporter's textfile collector; readable for everybody", |d, v| d.settings.monitoring.file = v.optional_path()),
    live("mcp_introspection.monitoring.listen", Kind::OptionalAddress, "null", "where scrapes of /metrics are answered during the run: a port of this machine, or an address; null = nowhere", |d, v| d.settings.monitoring.listen = v.optional_address()),
    live("mcp_introspection.monitoring.max_targets", Kind::Count(0, 100_000), "1000", "servers that may have series of their own; the results of others are counted in hawkeye_dropped_series_total", |d, v| d.settings.monitoring.max_targets = v.size()),

    live("history.enabled", Kind::Bool, "true", "record every scan in caching_config.cache_file, and compare each server with what it was before", |d, v| d.settings.history.enabled = v.bool()),
    live("history.max_runs", Kind::Count(1, 1_000_000), "200", "runs kept; of older ones only what is the last known of a server", |d, v| d.settings.history.max_runs = v.size()),
    live("history.max_days", Kind::Count(1, 36_500), "365", "days after which everything of a run goes", |d, v| d.settings.history.max_days = v.count()),
    live("history.max_bytes", Kind::Count(1 << 20, 1 << 40), "1073741824", "bytes in use of cache_file above which the oldest runs go", |d, v| d.settings.history.max_bytes = v.count()),

    live("limits.message_bytes", Kind::Count(1024, 1 << 30), "8388608", "bytes of one message, line or event", |d, v| d.settings.wire.limits.message_bytes = v.size()),
    live("limits.target_bytes", Kind::Count(1024, 1 << 40), "67108864", "bytes read from one server in all", |d, v| d.settings.wire.limits.target_bytes = v.count()),
    live("limits.json_depth", Kind::Count(4, 128), "128", "nesting of one message", |d, v| d.settings.wire.limits.json_depth = v.size()),
    live("limits.header_bytes", Kind::Count(1024, 16 << 20), "65536", "bytes of response headers", |d, v| d.settings.wire.limits.header_bytes = v.size()),
    live("limits.pages", Kind::Count(1, 1_000_000), "1000", "pages of one list", |d, v| d.settings.wire.limits.pages = v.u32()),
    live("limits.items", Kind::Count(1, 10_000_000), "100000", "items of one list", |d, v| d.settings.wire.limits.items = v.size()),
    live("limits.redirects", Kind::Count(0, 20), "5", "same-origin redirects followed", |d, v| d.settings.wire.limits.redirects = v.u32()),
    live("limits.stderr_bytes", Kind::Count(0, 64 << 20), "65536", "bytes kept of the end of a server's stderr", |d, v| d.settings.wire.limits.stderr_bytes = v.size()),

    live("tls.ca_file", Kind::OptionalPath, "null", "PEM file of the only roots to trust; null = the system's", |d, v| d.settings.wire.tls.ca_file = v.optional_path()),
    live("tls.client_cert", Kind::OptionalPath, "null", "PEM file of our certificate chain; needs client_key", |d, v| d.client_cert = v.optional_path()),
    live("tls.client_key", Kind::OptionalPath, "null", "PEM file of its key", |d, v| d.client_key = v.optional_path()),
    live("tls.insecure", Kind::Bool, "false", "trust anyone; dangerous", |d, v| d.settings.wire.tls.insecure = v.bool()),

    live("cluster.enabled", Kind::Bool, "false", "hand targets to the workers of the cluster (needs a build with --features cluster)", |d, v| d.settings.cluster.enabled = v.bool()),
    live("cluster.mode", Kind::Choice(&["distributed"]), "distributed", "how the work is shared: every target to one of the workers", |_, _| {}),
    live("cluster.engine", Kind::Choice(&["redis"]), "redis", "what is between the hosts: the streams of a Redis or Valkey server, 6.2 or later", |_, _| {}),
    live("cluster.url", Kind::Text, "redis://127.0.0.1:6379", "where it is: redis://HOST:PORT/DB, rediss:// with TLS, redis+unix:///PATH", |d, v| d.settings.cluster.url = v.plain_text()),
    live("cluster.username", Kind::OptionalText, "null", "its ACL user", |d, v| d.settings.cluster.username = v.optional_text()),
    live("cluster.password_file", Kind::OptionalPath, "null", "file whose first line is the password; else HAWKEYE_REDIS_PASSWORD of the environment", |d, v| d.settings.cluster.password_file = v.optional_path()),
    live("cluster.allow_plaintext", Kind::Bool, "false", "redis:// to another host, without TLS", |d, v| d.settings.cluster.allow_plaintext = v.bool()),
    live("cluster.key_file", Kind::OptionalPath, "null", "file of the secret that all hosts share, of 32 bytes or more, mode 0600; jobs and results are sealed with it", |d, v| d.settings.cluster.key_file = v.optional_path()),
    live("cluster.key_prefix", Kind::Text, "hawkeye", "what our keys in the queue begin with, in braces", |d, v| d.settings.cluster.prefix = v.plain_text()),
    live("cluster.workers", Kind::Workers, "[]", "the workers by name (host), with the servers that each may have at a time (max_concurrent); none = whoever has the key", |d, v| d.settings.cluster.workers = v.workers()),
    live("cluster.max_per_origin", Kind::Count(1, 4096), "8", "servers of one origin that are with workers at a time", |d, v| d.settings.cluster.max_per_origin = v.size()),
    live("cluster.max_deliveries", Kind::Count(1, 100), "3", "a server that so many workers took and never answered for is given up", |d, v| d.settings.cluster.max_deliveries = v.u32()),
    live("cluster.patience", Kind::Seconds, "60", "seconds that a scan goes on with no worker, or with no queue", |d, v| d.settings.cluster.patience = v.seconds()),
    live("cluster.tls.ca_file", Kind::OptionalPath, "null", "PEM file of the only roots to trust for rediss://; null = the system's", |d, v| d.settings.cluster.ca_file = v.optional_path()),
    live("cluster.tls.client_cert", Kind::OptionalPath, "null", "PEM file of our certificate chain for rediss://; needs client_key", |d, v| d.cluster_cert = v.optional_path()),
    live("cluster.tls.client_key", Kind::OptionalPath, "null", "PEM file of its key", |d, v| d.cluster_key = v.optional_path()),
    live("cluster.load_balancer.algorithm", Kind::Choice(&["least_loaded", "round_robin"]), "least_loaded", "least_loaded: whoever has room takes the next server; round_robin: one worker after the other", |d, v| d.settings.cluster.algorithm = if v.word() == "round_robin" { Algorithm::RoundRobin } else { Algorithm::LeastLoaded }),
    live("cluster.load_balancer.health_check_interval", Kind::Seconds, "30", "a worker that is silent for so many seconds is dead, and others get its servers", |d, v| d.settings.cluster.health_interval = v.seconds()),
];

/// What each section is about, for the shipped file.
pub(crate) const SECTIONS: &[(&str, &str)] = &[
    ("rules", "which rules hold, and how bad what they find is"),
    ("mcp_introspection", "how servers are introspected"),
    ("mcp_introspection.rate_limiting", "pacing"),
    ("mcp_introspection.rate_limiting.per_origin", "of one server's address"),
    ("mcp_introspection.batch_processing", "batches"),
    ("mcp_introspection.stdio_config", "servers that are processes"),
    ("mcp_introspection.stdio_config.subprocess_optimization", "how they are started"),
    ("mcp_introspection.http_config", "servers over HTTP"),
    ("mcp_introspection.http_config.timeout", "of one request; the server's timeout bounds all of them"),
    ("mcp_introspection.http_config.retry_config", "of one request"),
    ("mcp_introspection.sse_config", "event streams"),
    ("mcp_introspection.caching_config", "the cache of results"),
    ("mcp_introspection.pool_config", "sessions kept between repeated introspections"),
    ("mcp_introspection.monitoring", "metrics"),
    ("history", "what is kept of earlier runs"),
    ("limits", "what one server may make hawkeye read and keep"),
    ("tls", "certificates"),
    ("cluster", "several hosts"),
    ("cluster.tls", "certificates of the queue"),
    ("cluster.load_balancer", "how workers are chosen"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_unique_and_sections_described_and_together() {
        let mut seen: Vec<&str> = Vec::new();
        for key in KEYS {
            assert!(KEYS.iter().filter(|k| k.path == key.path).count() == 1, "{} twice", key.path);
            let section = key.path.rsplit_once('.').map_or("", |(s, _)| s);
            if seen.last() != Some(&section) {
                assert!(!seen.contains(&section), "{section} is in two places");
                seen.push(section);
            }
            assert!(section.is_empty() || SECTIONS.iter().any(|(s, _)| *s == section), "{section}");
            assert!(
                key.same_as.is_none_or(|p| find(p).is_some_and(|k| k.default == key.default)),
                "{}",
                key.path
            );
        }
    }
}
