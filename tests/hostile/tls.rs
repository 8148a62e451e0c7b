//! TLS: whom hawkeye trusts, and that nothing is said to anyone else.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    Case, Dir, TOGETHER, complete, ensure, failed, has_tools, hawkeye, remote, scan, scan_with, start, token,
    until, web, within,
};

fn openssl(folder: &Path, line: &str) {
    let out = Command::new("openssl").current_dir(folder).args(line.split_whitespace()).output().unwrap();
    assert!(out.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&out.stderr));
}

/// An authority and what it signed: `good`, `expired`, `wronghost`, `client`; and `selfsigned` by nobody else.
pub fn make_certificates(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder.join("issued")).unwrap();
    fs::write(folder.join("index.txt"), "").unwrap();
    fs::write(folder.join("index.txt.attr"), "unique_subject = no\n").unwrap();
    fs::write(folder.join("serial"), "1000\n").unwrap();
    let server = "extendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n";
    let config = format!(
        "[ca]\ndefault_ca=here\n[here]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=issued\ndefault_md=sha256\n\
         policy=any\n[any]\ncommonName=supplied\n[req]\ndistinguished_name=dn\n[dn]\n\
         [ca_ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n\
         [good]\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n{server}\
         [wronghost]\nsubjectAltName=DNS:elsewhere.example\n{server}\
         [client]\nextendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n"
    );
    fs::write(folder.join("c.cnf"), config).unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        folder,
        &format!(
            "req -x509 -config c.cnf {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=fixture-ca -extensions ca_ext"
        ),
    );
    openssl(
        folder,
        &format!(
            "req -x509 -config c.cnf {key} -keyout selfsigned.key -out selfsigned.pem -days 30 -subj /CN=localhost -extensions good"
        ),
    );
    let soon = "-days 30";
    let past = "-startdate 20200101000000Z -enddate 20200201000000Z";
    for (name, extensions, dates) in [
        ("good", "good", soon),
        ("wronghost", "wronghost", soon),
        ("expired", "good", past),
        ("client", "client", soon),
    ] {
        openssl(
            folder,
            &format!("req -new -config c.cnf {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"),
        );
        openssl(
            folder,
            &format!(
                "ca -batch -notext -config c.cnf -cert ca.pem -keyfile ca.key -in {name}.csr -out {name}.pem {dates} -extensions {extensions}"
            ),
        );
    }
}

fn at(port: &str, token: &str) -> Value {
    within(remote(&format!("https://127.0.0.1:{}/honest/{token}", web().port(port))), 10.0)
}

const TLS: &[&str] = &["tls"];

#[test]
fn nobody_unknown_is_trusted_or_talked_to() {
    let d = Dir::new();
    let t: Vec<String> = (0..8).map(|_| token()).collect();
    let bad = |name: &str, i: usize| {
        failed(name, at(name, &t[i]), TLS).and(|row| {
            ensure(row["failure"]["message"].as_str().unwrap_or("").len() > 8, || "no reason given".into())
        })
    };
    let plain = remote(&format!("http://127.0.0.1:{}/honest/{}", web().port("good"), t[4]));
    let cases: Vec<Case> = vec![
        bad("good", 0),
        bad("selfsigned", 1),
        bad("expired", 2),
        bad("wronghost", 3),
        failed("plain to tls", plain, &["closed", "invalid_message", "http_status", "connect_failed"]),
        failed("tls to plain", at("main", &t[5]), TLS),
        failed("tls to garbage", at("garbage", &t[6]), TLS),
        failed("tls to silence", at("stalled", &t[7]), &["timeout", "tls", "connect_failed"]),
    ];
    scan(&d, cases, TOGETHER);
    for t in t {
        assert_eq!(web().log(&t), Vec::<Value>::new(), "an application byte was sent");
    }
}

#[test]
fn a_given_authority_is_trusted_and_no_other() {
    let d = Dir::new();
    let cases = vec![
        complete("good", at("good", &token())).and(has_tools(&["echo"])),
        failed("selfsigned", at("selfsigned", &token()), TLS),
        failed("expired", at("expired", &token()), TLS),
        failed("wronghost", at("wronghost", &token()), TLS),
        failed("client", at("client", &token()), &["tls", "closed", "connect_failed"]),
    ];
    scan_with(&d, cases, TOGETHER, |c| {
        c.arg("--ca-file").arg(web().certificates.join("ca.pem"));
    });
}

#[test]
fn a_client_certificate_opens_the_door() {
    let d = Dir::new();
    scan_with(
        &d,
        vec![complete("client", at("client", &token())).and(has_tools(&["echo"]))],
        TOGETHER,
        |c| {
            let file = |name: &str| web().certificates.join(name);
            c.arg("--ca-file").arg(file("ca.pem"));
            c.arg("--client-cert").arg(file("client.pem")).arg("--client-key").arg(file("client.key"));
        },
    );
}

#[test]
fn insecure_works_and_shouts() {
    let d = Dir::new();
    let names = ["good", "selfsigned", "expired", "wronghost"];
    let cases: Vec<Case> = names.map(|n| complete(n, at(n, &token())).and(has_tools(&["echo"]))).into();
    let done = scan_with(&d, cases, TOGETHER, |c| {
        c.arg("--insecure");
    });
    let loud = done.err().to_lowercase();
    assert!(loud.contains("insecure") || loud.contains("not verified"), "stderr: {loud:?}");
}

#[test]
fn a_client_certificate_is_shown_to_the_target_only() {
    let d = Dir::new();
    let t = token();
    let entry = remote(&format!("https://127.0.0.1:{}/meta_elsewhere/{t}", web().port("good")));
    let cases = vec![
        failed("elsewhere", within(entry, 15.0), &["auth_required"]),
        complete("client", at("client", &token())),
    ];
    scan_with(&d, cases, TOGETHER, |c| {
        let file = |name: &str| web().certificates.join(name);
        c.arg("--ca-file").arg(file("ca.pem"));
        c.arg("--client-cert").arg(file("client.pem")).arg("--client-key").arg(file("client.key"));
    });
    let there = web().port("client");
    assert!(web().log(&t).iter().all(|r| r["port"] != there), "the door was opened for a stranger");
}

#[test]
fn a_stalled_handshake_ends_with_the_run() {
    let d = Dir::new();
    let port = web().port("stalled_tls");
    let file = d.write(
        "t.json",
        json!({"mcpServers": {"s": remote(&format!("https://127.0.0.1:{port}/mcp"))}}).to_string(),
    );
    let mut c = hawkeye(&d);
    c.args(["scan", "--format", "json", "--timeout", "60", "--targets"]).arg(&file);
    c.arg("--ca-file").arg(web().certificates.join("ca.pem"));
    let run = start(&d, c);
    let begun = || web().log("connections").iter().any(|r| r["port"] == port);
    assert!(until(Duration::from_secs(20), begun), "nobody came");
    let at = Instant::now();
    run.signal("TERM");
    let done = run.wait();
    let took = at.elapsed();
    assert!(took < Duration::from_secs(3), "took {took:?} after the signal");
    assert_eq!((done.code, &done.target("s")["failure"]["kind"]), (143, &json!("cancelled")));
}

#[test]
fn a_diagnosis_says_which_certificate_problem_it_is() {
    let d = Dir::new();
    let told = |name: &str, ca: bool| {
        let mut c = hawkeye(&d);
        c.args(["diagnose", "--format", "json", "--timeout", "10"]);
        if ca {
            c.arg("--ca-file").arg(web().certificates.join("ca.pem"));
        }
        let out =
            c.arg(format!("https://127.0.0.1:{}/honest/{}", web().port(name), token())).output().unwrap();
        let report: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"));
        (out.status.code(), report)
    };
    let cases = [
        ("good", false, "issued by nobody this machine trusts"),
        ("selfsigned", true, "is self-signed"),
        ("expired", true, "(CN=expired, issued by CN=fixture-ca) ended "),
        ("wronghost", true, "is for elsewhere.example, not for 127.0.0.1:"),
    ];
    for (name, ca, expected) in cases {
        let (code, report) = told(name, ca);
        let cause = report["causes"][0]["cause"].as_str().unwrap_or_default();
        assert!(code == Some(3) && cause.contains(expected), "{name}: {report}");
        let tls = report["steps"].as_array().unwrap().iter().find(|s| s["step"] == "tls").unwrap();
        assert_eq!(tls["state"], "failed", "{name}");
    }
    let (code, report) = told("good", true);
    assert_eq!((code, &report["tls"]["version"]), (Some(0), &json!("TLSv1.3")), "{report}");
    assert_eq!(report["tls"]["certificate"]["names"], json!(["127.0.0.1", "localhost"]));
    let tls = report["steps"].as_array().unwrap().iter().find(|s| s["step"] == "tls").unwrap();
    assert!(tls["ms"].as_f64().unwrap() > 0.0, "{tls}");
    assert!(
        tls["detail"].as_str().unwrap().ends_with("certificate CN=good, issuer CN=fixture-ca, 29 days left"),
        "{tls}"
    );
}
