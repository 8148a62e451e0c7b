//! The servers of `hawkeye scan --demo`: real processes over every transport and era.
//!
//! HTTP servers are started here, as children that end when we close their stdin or die. The stdio
//! ones are only described: whoever scans them starts them, like any other command.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::{DemoTransport, LISTENING, Persona};
use crate::base::time::Deadline;
use crate::model::outcome::Owner;
use crate::model::revision::Revision;
use crate::model::target::{self, Endpoint, HttpHint, Remote, Target};

/// For all servers together to say where they listen.
const START: Duration = Duration::from_secs(10);
/// For all servers together to leave after their stdin was closed.
const LEAVE: Duration = Duration::from_secs(1);
/// The token one server asks for and no demo target has.
const TOKEN: &str = "demo-token";

/// Running demo servers. Dropping the fleet ends them.
pub(crate) struct DemoFleet {
    program: String,
    children: Vec<Running>,
}

/// One line of the plan below.
struct Plan {
    name: &'static str,
    transport: DemoTransport,
    persona: Persona,
    revision: Revision,
    /// Flags beyond those every server has.
    more: &'static [&'static str],
}

const fn plan(
    name: &'static str,
    transport: DemoTransport,
    persona: Persona,
    revision: Revision,
    more: &'static [&'static str],
) -> Plan {
    Plan { name, transport, persona, revision, more }
}

const PLANS: [Plan; 10] = [
    plan("files-2024-stdio", DemoTransport::Stdio, Persona::Files, Revision::V2024_11_05, &[]),
    plan("weather-2025-06-stdio", DemoTransport::Stdio, Persona::Weather, Revision::V2025_06_18, &[]),
    plan("shop-2025-11-stdio", DemoTransport::Stdio, Persona::Shop, Revision::V2025_11_25, &[]),
    plan("weather-2026-stdio", DemoTransport::Stdio, Persona::Weather, Revision::V2026_07_28, &[]),
    plan(
        "weather-2025-03-http",
        DemoTransport::Http,
        Persona::Weather,
        Revision::V2025_03_26,
        &["--event-stream"],
    ),
    plan("files-2025-11-http", DemoTransport::Http, Persona::Files, Revision::V2025_11_25, &[]),
    plan("shop-2026-http", DemoTransport::Http, Persona::Shop, Revision::V2026_07_28, &[]),
    plan("weather-2024-sse", DemoTransport::Sse, Persona::Weather, Revision::V2024_11_05, &[]),
    plan(
        "files-locked-http",
        DemoTransport::Http,
        Persona::Files,
        Revision::V2025_11_25,
        &["--token", TOKEN],
    ),
    plan("vulnerable-2026-stdio", DemoTransport::Stdio, Persona::Vulnerable, Revision::V2026_07_28, &[]),
];

/// Those that show what a partial, a failed and a vulnerable target look like.
const UNSOUND: [&str; 4] =
    ["shop-2025-11-stdio", "shop-2026-http", "files-locked-http", "vulnerable-2026-stdio"];

impl Plan {
    fn args(&self) -> Vec<String> {
        let revision = self.revision.date();
        let mut args = vec!["demo-server", "--transport", self.transport.name()];
        if self.transport != DemoTransport::Stdio {
            args.extend(["--port", "0"]);
        }
        args.extend(["--persona", self.persona.name(), "--revisions", revision]);
        args.extend(self.more);
        args.into_iter().map(str::to_owned).collect()
    }

    fn target(&self, endpoint: Endpoint) -> Target {
        let name = self.name.to_owned();
        let owners = vec![Owner { file: "demo".to_owned(), line: None, name: name.clone() }];
        Target { owners, endpoint, ..Target::unknown(name) }
    }
}

impl DemoFleet {
    /// Starts the HTTP servers as children of `program`, which must be hawkeye itself.
    pub(crate) fn start(program: &Path) -> io::Result<DemoFleet> {
        let Some(program) = program.to_str() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the program's path is not UTF-8"));
        };
        let mut fleet = DemoFleet { program: program.to_owned(), children: Vec::new() };
        // All are started before any is waited for; one that fails ends the others by drop.
        for plan in PLANS.iter().filter(|plan| plan.transport != DemoTransport::Stdio) {
            fleet.children.push(Running::start(program, plan)?);
        }
        let by = Deadline::after(START);
        for child in &mut fleet.children {
            child.learn_url(by)?;
        }
        Ok(fleet)
    }

    /// What to scan: the running servers and the stdio ones.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let mut urls = self.children.iter().map(|child| child.url.clone());
        PLANS
            .iter()
            .filter_map(|plan| {
                let hint = match plan.transport {
                    DemoTransport::Stdio => return Some(plan.target(self.stdio(plan))),
                    DemoTransport::Http => HttpHint::Streamable,
                    DemoTransport::Sse => HttpHint::Sse,
                };
                let url = urls.next()?;
                Some(plan.target(Endpoint::Remote(Remote { url, headers: Vec::new(), hint })))
            })
            .collect()
    }

    /// `n` targets that answer completely: what fails is quick, and no measure. Copies carry a number.
    pub(crate) fn sound_targets(&self, n: usize) -> Vec<Target> {
        let sound: Vec<Target> =
            self.targets().into_iter().filter(|t| !UNSOUND.contains(&t.name.as_str())).collect();
        let named = |(at, target): (usize, &Target)| {
            let name = format!("{}-{}", target.name, at / sound.len() + 1);
            Target { name, ..target.clone() }
        };
        sound.iter().cycle().take(n).enumerate().map(named).collect()
    }

    fn stdio(&self, plan: &Plan) -> Endpoint {
        let program = self.program.clone();
        Endpoint::Stdio(target::Command { program, args: plan.args(), env: Vec::new(), cwd: None })
    }
}

impl Drop for DemoFleet {
    fn drop(&mut self) {
        // Closing every stdin first lets them leave side by side.
        for child in &mut self.children {
            child.process.stdin.take();
        }
        let by = Deadline::after(LEAVE);
        for child in &mut self.children {
            child.end(by);
        }
    }
}

/// One child.
struct Running {
    process: Child,
    url: String,
    /// Its lines; hangs up when the child closes its stdout, which it does by ending.
    lines: Receiver<String>,
}

impl Running {
    fn start(program: &str, plan: &Plan) -> io::Result<Running> {
        let mut process = Command::new(program)
            .args(plan.args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C at a terminal is for the scan, which then ends us in good order.
            .process_group(0)
            .spawn()?;
        let stdout = process.stdout.take();
        let (sender, lines) = mpsc::sync_channel(1);
        // From here on the child is ours to end, also when the thread cannot be had.
        let running = Running { process, url: String::new(), lines };
        thread::Builder::new().name("demo-fleet".into()).spawn(move || {
            // Bounded: a program that is not hawkeye may print what it likes.
            let Some(stdout) = stdout else { return };
            for line in BufReader::new(stdout.take(4096)).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(running)
    }

    fn learn_url(&mut self, by: Deadline) -> io::Result<()> {
        let line = self.lines.recv_timeout(by.left()).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                io::Error::new(io::ErrorKind::TimedOut, "no demo server came up in time")
            }
            RecvTimeoutError::Disconnected => {
                io::Error::new(io::ErrorKind::UnexpectedEof, "a demo server ended before it came up")
            }
        })?;
        let Some(url) = line.strip_prefix(LISTENING) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a demo server did not say where it listens",
            ));
        };
        self.url = url.to_owned();
        Ok(())
    }

    /// Waits for the child to leave, and makes it leave when it does not.
    fn end(&mut self, by: Deadline) {
        self.process.stdin.take();
        let left = loop {
            match self.lines.recv_timeout(by.left()) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break true,
                Err(RecvTimeoutError::Timeout) => break false,
            }
        };
        // A closed stdout is nearly always an ended process; kill() on one is harmless.
        if !left || self.process.try_wait().is_ok_and(|status| status.is_none()) {
            self.kill();
        }
        if let Err(error) = self.process.wait() {
            log::warn!("demo server {}: {error}", self.process.id());
        }
    }

    fn kill(&mut self) {
        if let Err(error) = self.process.kill() {
            log::warn!("demo server {}: {error}", self.process.id());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_covers_every_transport_revision_and_persona() {
        for revision in Revision::ALL {
            assert!(PLANS.iter().any(|p| p.revision == revision), "{revision}");
        }
        for persona in Persona::ALL {
            assert!(PLANS.iter().any(|p| p.persona == persona), "{}", persona.name());
        }
        assert!(UNSOUND.iter().all(|name| PLANS.iter().any(|p| p.name == *name)));
        assert_eq!(
            PLANS[8].args().join(" "),
            "demo-server --transport http --port 0 --persona files --revisions 2025-11-25 --token demo-token"
        );
    }

    #[test]
    fn a_program_that_is_not_a_demo_server_is_an_error_and_leaves_no_child() {
        let kind = |program| DemoFleet::start(Path::new(program)).err().unwrap().kind();
        assert_eq!(kind("/nonexistent/program"), io::ErrorKind::NotFound);
        assert_eq!(kind("/bin/true"), io::ErrorKind::UnexpectedEof);
        assert_eq!(kind("/bin/echo"), io::ErrorKind::InvalidData);
    }
}
