//! What the tests against real software share.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Where scripts/install-test-servers.sh has put the servers and the suite.
pub(crate) fn installed() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = env::var_os("HAWKEYE_ZOO").map_or_else(|| root.join("target/zoo"), PathBuf::from);
    assert!(
        folder.join(".stamp").is_file(),
        "no test servers in {}: run scripts/install-test-servers.sh",
        folder.display()
    );
    fs::canonicalize(folder).unwrap()
}

/// An empty folder for one test.
pub(crate) fn fresh_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Variables that would let the machine the tests run on change their outcome.
pub(crate) fn foreign_variables() -> impl Iterator<Item = String> {
    env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| {
        let proxy = name.to_ascii_lowercase().ends_with("_proxy");
        proxy || (name.starts_with("HAWKEYE_") && name != "HAWKEYE_ZOO")
    })
}
