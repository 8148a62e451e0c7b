//! `scripts/tune-system.sh` and `hawkeye preflight --fix`: on made-up systems, and on the kernel's own settings
//! where that is safe.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SYSCTL: &str = "etc/sysctl.d/90-hawkeye.conf";
const LIMITS: &str = "etc/security/limits.d/90-hawkeye.conf";
const GUIDE: &str = "134217728";

/// A system in a directory.
struct System(PathBuf);

impl System {
    fn new(name: &str) -> System {
        let dir = std::env::temp_dir().join(format!("hawkeye-tuning-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        for sub in ["etc/sysctl.d", "etc/security/limits.d"] {
            fs::create_dir_all(dir.join(sub)).unwrap();
        }
        System(dir)
    }

    /// As most machines are, without the module for following connections.
    fn usual(name: &str) -> System {
        let system = System::new(name);
        for (setting, value) in [
            ("net/core/rmem_max", "212992"),
            ("net/core/wmem_max", "268435456"),
            ("net/ipv4/tcp_window_scaling", "1"),
            ("net/ipv4/tcp_timestamps", "1"),
            ("net/ipv4/tcp_sack", "0"),
        ] {
            system.write(&format!("proc/sys/{setting}"), &format!("{value}\n"));
        }
        system
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    fn setting(&self, name: &str) -> String {
        self.read(&format!("proc/sys/{name}")).trim().to_owned()
    }

    /// The script, with few enough open files allowed that the guide asks for more.
    fn tune(&self, args: &[&str]) -> Output {
        let line = format!(
            "ulimit -n 1024; exec sh {}/scripts/tune-system.sh --root '{}' \"$@\"",
            env!("CARGO_MANIFEST_DIR"),
            self.0.display()
        );
        Command::new("sh").args(["-c", &line, "sh"]).args(args).output().unwrap()
    }

    fn fix(&self) -> Output {
        let mut hawkeye = Command::new(env!("CARGO_BIN_EXE_hawkeye"));
        hawkeye.args(["preflight", "--fix", "--root"]).arg(&self.0).env("HOME", &self.0).output().unwrap()
    }

    /// Every file and what is in it.
    fn files(&self) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    all.insert(path.clone(), fs::read_to_string(path).unwrap());
                }
            }
        }
        all
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// `program` as somebody who is not root.
fn as_nobody(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--clear-groups"]).arg(program);
    command
}

#[test]
fn check_is_the_default_and_changes_nothing() {
    let system = System::usual("check");
    let before = system.files();
    for args in [&[][..], &["--check"]] {
        let output = system.tune(args);
        let said = text(&output);
        assert_eq!(code(&output), 1, "{said}");
        for line in [
            "low      net.core.rmem_max = 212992, the guide asks for 134217728",
            "ok       net.core.wmem_max = 268435456",
            "ok       net.ipv4.tcp_timestamps = 1",
            "low      net.ipv4.tcp_sack = 0, the guide asks for 1",
            "absent   net.netfilter.nf_conntrack_max (the module nf_conntrack is not loaded: nothing to raise)",
            "low      open files = 1024, at most 1024; the guide asks for 65536",
        ] {
            assert!(said.lines().any(|l| l == line), "{line}\nis not in\n{said}");
        }
        // Not the machine that this runs on.
        let remedy = format!(" --apply --root {} raises what is low", system.0.display());
        assert!(said.lines().any(|l| l.ends_with(&remedy)), "{remedy}\nis not in\n{said}");
    }
    assert_eq!(system.files(), before);
}

#[test]
fn apply_raises_once_and_revert_brings_everything_back() {
    let system = System::usual("apply");
    let before = system.files();
    let output = system.tune(&["--apply"]);
    assert_eq!(code(&output), 0, "{}", text(&output));
    assert_eq!(system.setting("net/core/rmem_max"), GUIDE);
    assert_eq!(system.setting("net/core/wmem_max"), "268435456");
    assert_eq!(system.setting("net/ipv4/tcp_sack"), "1");
    let kept = system.read(SYSCTL);
    assert!(
        kept.ends_with(
            "# was net.core.rmem_max = 212992\nnet.core.rmem_max = 134217728\n\
             # was net.ipv4.tcp_sack = 0\nnet.ipv4.tcp_sack = 1\n"
        ),
        "{kept}"
    );
    assert!(system.read(LIMITS).ends_with("\n* soft nofile 65536\n* hard nofile 65536\n"));
    assert_eq!(code(&system.tune(&["--check"])), 0);
    let applied = system.files();
    assert_eq!(code(&system.tune(&["--apply"])), 0);
    assert_eq!(system.files(), applied, "a second time changed something");
    // After a boot that forgot: applied again, and what was there first is still known.
    system.write("proc/sys/net/core/rmem_max", "4096\n");
    assert_eq!(code(&system.tune(&["--apply"])), 0);
    assert_eq!(system.files(), applied);
    assert_eq!(code(&system.tune(&["--revert"])), 0);
    assert_eq!(system.files(), before);
    assert_eq!(code(&system.tune(&["--revert"])), 0);
    assert_eq!(system.files(), before);
}

#[test]
fn the_script_and_the_program_write_the_same() {
    let (script, program) = (System::usual("by-script"), System::usual("by-program"));
    for system in [&script, &program] {
        system.write("etc/sysctl.conf", "# net.core.rmem_max = 9\nnet.core.rmem_max = 268435456\n");
        system.write("etc/sysctl.d/99-x.conf", "  -net/core/rmem_max=402653184\nnet.ipv4.tcp_sack = x\n");
        system.write("proc/sys/net/netfilter/nf_conntrack_max", "65536\n");
    }
    assert_eq!(code(&script.tune(&["--apply"])), 0);
    let output = program.fix();
    assert_eq!(code(&output), 0, "{}", text(&output));
    assert!(text(&output).contains("net.netfilter.nf_conntrack_max: 65536 -> 262144"), "{}", text(&output));
    assert_eq!(script.read(SYSCTL), program.read(SYSCTL));
    assert_eq!(script.setting("net/core/rmem_max"), "402653184");
    assert_eq!(program.setting("net/core/rmem_max"), "402653184");
    assert!(text(&program.fix()).starts_with("nothing to fix\n"));
    // What the program did, the script takes back.
    assert_eq!(code(&program.tune(&["--revert"])), 0);
    assert_eq!(program.setting("net/core/rmem_max"), "212992");
    assert_eq!(program.setting("net/netfilter/nf_conntrack_max"), "65536");
    assert!(!program.0.join(SYSCTL).exists());
}

#[test]
fn higher_values_and_strangers_files_stay() {
    let system = System::usual("higher");
    system.write(SYSCTL, "net.core.rmem_max = 5\n");
    system
        .write("etc/security/limits.conf", "# * hard nofile 1\n* hard nofile 1048576\n@x - nofile 9999999\n");
    assert_eq!(code(&system.tune(&["--apply"])), 0);
    assert_eq!(system.read(&format!("{SYSCTL}.before-hawkeye")), "net.core.rmem_max = 5\n");
    assert!(system.read(LIMITS).ends_with("\n* soft nofile 65536\n* hard nofile 1048576\n"));
    // Raised further by somebody since: not ours to take back.
    system.write("proc/sys/net/core/rmem_max", "999999999\n");
    let output = system.tune(&["--revert"]);
    assert!(
        text(&output).contains("left     net.core.rmem_max = 999999999 (changed since)"),
        "{}",
        text(&output)
    );
    assert_eq!(system.setting("net/core/rmem_max"), "999999999");
    assert_eq!(system.read(SYSCTL), "net.core.rmem_max = 5\n");
}

#[test]
fn limits_may_be_one_users() {
    let system = System::usual("user");
    assert_eq!(code(&system.tune(&["--apply", "--user", "hawkeye"])), 0);
    assert!(system.read(LIMITS).ends_with("\nhawkeye soft nofile 32768\nhawkeye hard nofile 32768\n"));
    assert_eq!(code(&system.tune(&["--apply"])), 0);
    assert!(system.read(LIMITS).ends_with("\n* soft nofile 65536\n* hard nofile 65536\n"));
}

#[test]
fn settings_that_cannot_be_written_are_named_and_not_kept() {
    let system = System::usual("read-only");
    // Readable to anybody, writable to nobody; and run by somebody who is not root.
    let script = system.0.join("tune.sh");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/tune-system.sh"), &script).unwrap();
    for setting in ["net/core/rmem_max", "net/ipv4/tcp_sack"] {
        let path = system.0.join("proc/sys").join(setting);
        fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
    }
    fs::set_permissions(system.0.join("etc/sysctl.d"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(system.0.join("etc/security/limits.d"), fs::Permissions::from_mode(0o555)).unwrap();
    let output =
        as_nobody(Path::new("sh")).arg(&script).args(["--apply", "--root"]).arg(&system.0).output().unwrap();
    for folder in ["etc/sysctl.d", "etc/security/limits.d"] {
        fs::set_permissions(system.0.join(folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let said = text(&output);
    assert_eq!(code(&output), 1, "{said}");
    assert!(
        said.contains("net.core.rmem_max: ") && said.contains("read-only here, as in a container"),
        "{said}"
    );
    assert_eq!(system.setting("net/core/rmem_max"), "212992");
    assert!(!system.0.join(SYSCTL).exists() && !system.0.join(LIMITS).exists());
}

#[test]
fn those_who_are_not_root_change_nothing() {
    let system = System::usual("nobody");
    let script = system.0.join("tune.sh");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/tune-system.sh"), &script).unwrap();
    for action in ["--apply", "--revert"] {
        let output = as_nobody(Path::new("sh")).arg(&script).arg(action).output().unwrap();
        let said = text(&output);
        assert_eq!(code(&output), 1, "{said}");
        assert!(
            said.contains(&format!("{action} needs root")) && said.contains("nothing was changed"),
            "{said}"
        );
    }
}

#[test]
fn wrong_usage_is_one_line() {
    let system = System::usual("usage");
    for (args, line) in [
        (&["--aply"][..], "unknown option --aply"),
        (&["--apply", "--revert"], "--revert and --apply exclude each other"),
        (&["--user"], "--user needs a value"),
        (&["--user", "a b"], "--user a b: no name of a user"),
        (&["--user", "-x"], "--user -x: no name of a user"),
        (&["--root", "/nonexistent"], "--root /nonexistent: no such directory"),
    ] {
        let output = system.tune(args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert_eq!(text(&output), format!("tune-system.sh: {line} (see the head of this script)\n"));
    }
    let help = system.tune(&["--help"]);
    assert!(code(&help) == 0 && text(&help).contains("--revert    put back what was there before"));
}

fn shipped(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(file)).unwrap()
}

#[test]
fn what_cron_and_systemd_run_is_understood() {
    let (cron, service) = (shipped("cron/hawkeye"), shipped("systemd/hawkeye.service"));
    let help = Command::new(env!("CARGO_BIN_EXE_hawkeye")).args(["scan", "--help"]).output().unwrap();
    let help = text(&help);
    let known = |option: &str| help.contains(&format!("  {option} "));
    let service_line = service.split("ExecStart=").nth(1).unwrap().replace("\\\n", " ");
    let service_line = service_line.lines().next().unwrap();
    let cron_line = cron.lines().find(|l| l.contains(" hawkeye scan ")).unwrap();
    for line in [service_line, cron_line] {
        let options: Vec<&str> = line.split_whitespace().filter(|w| w.starts_with("--")).collect();
        assert!(options.len() > 4, "{line}");
        for option in options {
            assert!(known(option), "{option} of\n{line}\nis not in\n{help}");
        }
    }
    assert_eq!(cron_line.split_whitespace().nth(5), Some("hawkeye"), "the user stands after the five times");
    assert!(cron.ends_with('\n') && !cron_line.contains('%'));
    assert!(service.lines().any(|l| l == "LimitNOFILE=65536"));
}

#[test]
fn the_units_are_what_systemd_understands() {
    let system = System::new("units");
    // The program is not installed here, nor is its user there.
    let installed = |unit: &str| {
        let text = shipped(&format!("systemd/{unit}"))
            .replace("/usr/local/bin/hawkeye", env!("CARGO_BIN_EXE_hawkeye"))
            .replace("User=hawkeye\nGroup=hawkeye\n", "DynamicUser=yes\n");
        system.write(unit, &text);
        text
    };
    let names = ["hawkeye.service", "hawkeye-worker.service", "hawkeye.timer"];
    let all = names.map(installed).concat();
    let units = names.map(|name| system.0.join(name));
    match Command::new("systemd-analyze").arg("verify").args(&units).output() {
        Ok(output) => {
            let said = text(&output);
            // Units of the machine itself may be odd; ours must not be.
            assert!(!said.contains("hawkeye"), "{said}");
            assert_eq!(code(&output), 0, "{said}");
        }
        Err(_) => {
            for line in all.replace("\\\n", " ").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
                assert!(line.starts_with('[') || line.contains('='), "{line}");
            }
        }
    }
}

/// Files of a made-up system, and the kernel's own `net.core` in it.
#[test]
fn the_kernels_own_settings_are_raised_and_put_back() {
    let system = System::new("kernel");
    fs::create_dir_all(system.0.join("proc/sys/net")).unwrap();
    symlink("/proc/sys/net/core", system.0.join("proc/sys/net/core")).unwrap();
    let names = ["net/core/rmem_max", "net/core/wmem_max"];
    let before = names.map(|n| system.setting(n));
    let low = before.iter().filter(|v| v.parse::<u64>().unwrap() < 134_217_728).count();
    let writable = fs::File::options().write(true).open("/proc/sys/net/core/rmem_max").is_ok();
    let applied = system.tune(&["--apply"]);
    let said = text(&applied);
    if low > 0 && !writable {
        // In a container: nothing changed, and said so.
        assert_eq!(code(&applied), 1, "{said}");
        assert!(said.contains("is read-only here"), "{said}");
        assert_eq!(names.map(|n| system.setting(n)), before);
        return;
    }
    let raised = names.map(|n| system.setting(n));
    let reverted = system.tune(&["--revert"]);
    let after = names.map(|n| system.setting(n));
    let fixed = system.fix();
    let by_program = names.map(|n| system.setting(n));
    system.tune(&["--revert"]);
    assert_eq!(names.map(|n| system.setting(n)), before);
    assert_eq!((code(&applied), code(&reverted), code(&fixed)), (0, 0, 0), "{said}{}", text(&fixed));
    assert_eq!(said.matches("raised   ").count(), low, "{said}");
    assert!(raised.iter().chain(&by_program).all(|v| v.parse::<u64>().unwrap() >= 134_217_728), "{raised:?}");
    assert_eq!(after, before);
}
