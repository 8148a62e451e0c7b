//! A queue on a free port, and hosts that share it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hawkeye");

/// A Redis server, a key, and a directory that is everybody's home.
pub(crate) struct Hosts {
    pub(crate) dir: PathBuf,
    pub(crate) port: u16,
    redis: Child,
}

impl Hosts {
    /// `settings` follow in the block `cluster`; `more` stands beside it.
    pub(crate) fn new(name: &str, settings: &str, more: &str) -> Hosts {
        let dir = std::env::temp_dir().join(format!("hawkeye-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join(".hawkeye")).unwrap();
        let mut key = fs::OpenOptions::new();
        let mut key = key.write(true).create_new(true).mode(0o600).open(dir.join("key")).unwrap();
        std::io::Write::write_all(&mut key, b"0123456789abcdef0123456789abcdef").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let redis = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(&dir)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is needed for the tests of the cluster");
        let hosts = Hosts { dir, port, redis };
        until(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        let key = hosts.dir.join("key");
        let cluster = format!(
            "cluster: {{enabled: true, url: 'redis://127.0.0.1:{port}', key_file: '{}', patience: 20{settings}}}\n{more}\n",
            key.display()
        );
        fs::write(hosts.dir.join(".hawkeye/hawkeye.yaml"), cluster).unwrap();
        hosts
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(&self.dir).env("HOME", &self.dir);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Starts a worker and waits until it takes jobs.
    pub(crate) fn worker(&self, name: &str, slots: usize) -> Worker {
        let args = ["worker", "--name", name, "--concurrency", &slots.to_string()];
        let mut child = self.command(&args).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = said.by_ref().map(Result::unwrap).any(|line| line.contains("at a time from"));
        assert!(ready, "{name} is not ready");
        std::thread::spawn(move || said.for_each(drop));
        Worker(child)
    }

    /// Scans a `list` of URLs.
    pub(crate) fn scan(&self, list: &str, more: &[&str]) -> Output {
        fs::write(self.dir.join("targets"), list).unwrap();
        self.run(&[&["scan", "--targets", "targets", "--format", "json"], more].concat())
    }

    /// What redis-cli says.
    pub(crate) fn redis(&self, args: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(args).output();
        String::from_utf8_lossy(&output.expect("redis-cli").stdout).trim().to_owned()
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = self.redis.kill();
        let _ = self.redis.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A worker; it ends with the test.
pub(crate) struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for what comes soon.
pub(crate) fn until(mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}
