//! The usual causes of a server's failure that is a process.

use crate::base::text::quote;
use crate::model::outcome::{FailureKind, Phase};

use super::causes::{Cause, Facts, Way};

/// What brings a program onto a machine.
const PROVIDERS: &[(&[&str], &str)] = &[
    (&["npx", "node", "npm"], "install Node.js (https://nodejs.org)"),
    (&["uvx", "uv"], "install uv (https://docs.astral.sh/uv)"),
    (&["python", "python3", "pip", "pipx"], "install Python 3, or name python3 where there is no python"),
    (&["docker"], "install Docker, or start it"),
    (&["bun", "bunx"], "install Bun (https://bun.sh)"),
    (&["deno"], "install Deno (https://deno.com)"),
];
/// Programs that fetch what they run.
const FETCHERS: [&str; 8] = ["npx", "uvx", "bunx", "pipx", "docker", "uv", "deno", "npm"];

/// What a server's last words mean: any of these words in lower case, the cause, the remedy.
const CLUES: &[(&[&str], &str, &str)] = &[
    (
        &[
            "enotfound",
            "eai_again",
            "enetunreach",
            "network is unreachable",
            "temporary failure in name",
            "dns error",
        ],
        "it could not reach the network",
        "check the machine's network and DNS; npx and uvx fetch packages from a registry, behind a proxy by HTTPS_PROXY, \
         which servers get only if their entry's env names it",
    ),
    (
        &[
            "e404",
            "404 not found",
            "no matching distribution",
            "not found in the package registry",
            "could not determine executable",
        ],
        "there is no package of that name",
        "check the package's name and version",
    ),
    (
        &["can't open file", "enoent", "filenotfounderror", "unable to access jarfile"],
        "a file that it wants is not there",
        "check the paths among its arguments; relative ones start at the entry's cwd, else where hawkeye was started",
    ),
    (
        &["env: '", "env: ‘"],
        "what its first line wants to be run by is in no directory of its PATH",
        "put a PATH with the interpreter (node, python) into the entry's env: that of cron or systemd is short",
    ),
    (
        &[
            "cannot find module",
            "modulenotfounderror",
            "no module named",
            "importerror",
            "err_module_not_found",
        ],
        "a library that it needs is not installed",
        "install its dependencies in the place it is run from (npm install, pip install), or use its own virtual environment's python",
    ),
    (
        &["eaddrinuse", "address already in use"],
        "the port it wants is taken",
        "end the other copy; a server that listens is scanned by its URL, not as a command",
    ),
    (
        &["eacces", "permission denied", "operation not permitted"],
        "it was not allowed to open or run something",
        "check who runs hawkeye and who may read the server's files",
    ),
    (
        &["unsupported engine", "requires node", "ebadengine", "requires-python", "requires python"],
        "the runtime is older than it needs",
        "update Node.js or Python",
    ),
    (
        &["javascript heap out of memory", "memoryerror", "out of memory", "cannot allocate memory"],
        "it ran out of memory",
        "give it more memory, or scan fewer servers at a time",
    ),
    (
        &["cannot connect to the docker daemon", "docker daemon running"],
        "Docker is not running",
        "start Docker, and let this user use it",
    ),
];

/// Words by which a server says that a variable is missing.
const MISSING: [&str; 9] = [
    "environment variable",
    "env var",
    "not set",
    "is required",
    "required",
    "missing",
    "undefined",
    "must be set",
    "not provided",
];

pub(super) fn causes(facts: &Facts<'_>) -> Vec<Cause> {
    let outcome = facts.outcome;
    let mut found = Vec::new();
    if let Some(noise) = outcome.notes.iter().find(|n| n.code == "noise") {
        found.push(Cause::new(
            format!("the server prints to its stdout what is no message: {}", noise.message),
            &["let it log to stderr: stdout belongs to the protocol, and clients stricter than hawkeye give up"],
        ));
    }
    let (Some(failure), Way::Program { name, directories, found: file }) = (&outcome.failure, &facts.way)
    else {
        return found;
    };
    let program = name.rsplit('/').next().unwrap_or(name);
    match failure.kind {
        FailureKind::SpawnFailed => found.push(not_started(program, directories, file, &failure.message)),
        FailureKind::Exited | FailureKind::Closed => {
            let before = found.len();
            found.extend(last_words(facts, &failure.message));
            if found.len() == before {
                found.push(ended(&failure.message));
            }
        }
        FailureKind::Timeout => found.extend(silent(facts, program, failure.phase, &failure.message)),
        FailureKind::InvalidMessage => found.push(Cause::new(
            format!("what it says is no MCP: {}", failure.message),
            &["check that this command is an MCP server over stdio, and needs no argument to be one"],
        )),
        FailureKind::LimitExceeded
        | FailureKind::RpcError
        | FailureKind::VersionUnsupported
        | FailureKind::Tls
        | FailureKind::ConnectFailed
        | FailureKind::NameNotFound
        | FailureKind::HttpStatus
        | FailureKind::RedirectRefused
        | FailureKind::OriginRefused
        | FailureKind::AuthRequired
        | FailureKind::ContentType
        | FailureKind::UnresolvedVariable
        | FailureKind::Config
        | FailureKind::Cancelled
        | FailureKind::Internal => {}
    }
    found
}

fn not_started(program: &str, directories: &[String], file: &Result<String, String>, message: &str) -> Cause {
    if message.contains("command not found") {
        let looked: Vec<String> = directories.iter().map(|d| quote(d, 200)).collect();
        let mut cause = Cause::new(
            format!("command not found: {} is in none of {}", quote(program, 80), looked.join(", ")),
            &[],
        );
        let provider = PROVIDERS.iter().find(|(names, _)| names.contains(&program));
        cause.remedies.extend(provider.map(|(_, install)| (*install).to_owned()));
        cause.remedies.push(
            "give the command's full path, or a PATH in the entry's env: version managers (nvm, pyenv) extend \
             the PATH of your shell, not that of cron or systemd"
                .to_owned(),
        );
        return cause;
    }
    let remedy = match file {
        Err(why) if why.contains("not executable") => "make the file executable (chmod +x)",
        Err(why) if why.contains("directory") => "name a file, not a directory",
        Err(_) => "check the path; relative ones start at the entry's cwd, else where hawkeye was started",
        Ok(_) => {
            "check the file: its first line may name an interpreter that is not there, or it is for another machine"
        }
    };
    Cause::new(format!("the command cannot be started: {message}"), &[remedy])
}

/// What the end of its stderr says.
fn last_words(facts: &Facts<'_>, message: &str) -> Vec<Cause> {
    let said = format!("{}\n{message}", facts.outcome.stderr.as_deref().unwrap_or_default());
    let mut low = said.to_lowercase();
    // Of a script that is not there Node says the same as of a library that is not there.
    if !low.contains("imported from") {
        low = low.replace("cannot find module '/", "enoent '/");
    }
    let mut found: Vec<Cause> = missing_variable(&said).into_iter().collect();
    let clues = CLUES.iter().filter(|(words, ..)| words.iter().any(|w| holds(&low, w)));
    found.extend(clues.map(|(_, cause, remedy)| Cause::new(*cause, &[remedy])));
    found
}

/// Whether `words` begin at the beginning of a word: there is an "enotfound" in "ModuleNotFoundError".
fn holds(said: &str, words: &str) -> bool {
    said.match_indices(words).any(|(at, _)| !said[..at].ends_with(|c: char| c.is_ascii_alphanumeric()))
}

/// The variable that a line of `said` asks for.
fn missing_variable(said: &str) -> Option<Cause> {
    let line = said.lines().find(|l| {
        let low = l.to_lowercase();
        MISSING.iter().any(|words| low.contains(words)) && variable(l).is_some()
    })?;
    let name = variable(line)?;
    Some(Cause {
        cause: format!("it asks for the environment variable {name}: {}", quote(line.trim(), 200)),
        remedies: vec![format!(
            "put \"env\": {{\"{name}\": \"…\"}} into its entry: of hawkeye's own environment servers get only what they \
             need to start"
        )],
    })
}

/// `API_KEY` and the like: capitals with an underscore between them.
fn variable(line: &str) -> Option<&str> {
    let is_name = |w: &&str| {
        w.contains('_')
            && w.len() <= 64
            && w.starts_with(|c: char| c.is_ascii_uppercase())
            && w.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
            // Node's and npm's error codes look the same.
            && !w.starts_with("ERR_")
            && !w.starts_with("MODULE_")
    };
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find(is_name)
}

fn ended(message: &str) -> Cause {
    let remedies: &[&str] = if message.contains("exit code 0") {
        &[
            "run the command by hand: what ends at once without an error often prints its help, for want of an argument",
        ]
    } else if message.contains("signal 9") {
        &["look into the kernel's log: a process that is killed with signal 9 often had no memory left"]
    } else {
        &[
            "run the command by hand and read what it says; the end of its stderr is in hawkeye scan --format json",
        ]
    };
    Cause::new(format!("the server ended before it was asked all: {message}"), remedies)
}

fn silent(facts: &Facts<'_>, program: &str, phase: Phase, message: &str) -> Vec<Cause> {
    let opening = matches!(phase, Phase::Spawn | Phase::Discover | Phase::Initialize);
    let limit = match message.contains("process_timeout") {
        true => raise(facts, "mcp_introspection.stdio_config.process_timeout"),
        false => raise(facts, "mcp_introspection.timeout"),
    };
    if !opening {
        return vec![Cause {
            cause: "it began to answer, and then took too long".to_owned(),
            remedies: vec![limit],
        }];
    }
    let mut found = last_words(facts, "");
    let said = facts.outcome.stderr.as_deref().unwrap_or_default().to_lowercase();
    if ["listening", "http://", "running on port"].iter().any(|w| said.contains(w)) {
        found.push(Cause::new(
            "it listens for HTTP and says nothing on stdout",
            &["give hawkeye the URL that it listens at, or the argument that makes it use stdio"],
        ));
    }
    if FETCHERS.contains(&program) {
        found.push(Cause {
            cause: format!("{program} downloads the server the first time, which can take longer than it was given"),
            remedies: vec![
                "run the command once by hand, until the server waits for input; after that it starts in seconds"
                    .to_owned(),
                limit,
            ],
        });
    } else if found.is_empty() {
        found.push(Cause {
            cause: "the process runs and says nothing".to_owned(),
            remedies: vec![
                "check that it is an MCP server over stdio, and needs no argument to be one".to_owned(),
                limit,
            ],
        });
    }
    found
}

fn raise(facts: &Facts<'_>, path: &str) -> String {
    format!("raise {path} (now {})", (facts.now)(path))
}
