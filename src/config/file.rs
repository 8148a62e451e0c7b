//! Bytes of a configuration file, under the contract's rules: a regular file of at most 4 MiB in UTF-8.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::ConfigError;
use super::node::Position;

/// Bytes a file may have.
pub(crate) const LARGEST: u64 = 4 << 20;

/// The text of the file at `path`.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    let name = path.display().to_string();
    let refuse = |e: io::Error| ConfigError::about(&name, format!("cannot be read: {}", reason(&e)));
    // Asked before opening: opening a FIFO waits for its writer.
    let kind = fs::metadata(path).map_err(refuse)?.file_type();
    let kind = match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a directory"),
        () if kind.is_fifo() => Some("a pipe"),
        () if kind.is_socket() => Some("a socket"),
        () => Some("a device"),
    };
    if let Some(kind) = kind {
        return Err(ConfigError::about(&name, format!("is {kind}, not a regular file")));
    }
    read_stream(&name, fs::File::open(path).map_err(refuse)?)
}

/// The text of `input`, which is called `name` in errors.
pub(crate) fn read_stream(name: &str, input: impl Read) -> Result<String, ConfigError> {
    let mut bytes = Vec::new();
    input
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| ConfigError::about(name, format!("cannot be read: {}", reason(&e))))?;
    if bytes.len() as u64 > LARGEST {
        return Err(ConfigError::about(name, "is larger than 4 MiB"));
    }
    decode(name, bytes)
}

/// The message of `e` without the number.
fn reason(e: &io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

fn decode(name: &str, bytes: Vec<u8>) -> Result<String, ConfigError> {
    // Without a byte order mark, UTF-16 of ASCII shows as zeros in every second place.
    let utf16 = match bytes.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [a, b, ..] => (*a == 0) != (*b == 0),
        _ => false,
    };
    if utf16 {
        return Err(ConfigError::about(name, "is UTF-16; save it as UTF-8"));
    }
    if let Some(at) = bytes.iter().position(|&b| b == 0) {
        return Err(ConfigError::at(name, place(&bytes[..at]), "a NUL byte; this is not a text file"));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        ConfigError::at(name, place(good), "not UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The place after `before`.
fn place(before: &[u8]) -> Position {
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
    Position {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_decoded() {
        let cases: [(&[u8], Result<&str, &str>); 8] = [
            (b"a: 1", Ok("a: 1")),
            (b"\xef\xbb\xbfa", Ok("a")),
            (b"", Ok("")),
            (b"\xff\xfea\0", Err("f is UTF-16; save it as UTF-8")),
            (b"\xfe\xff\0a", Err("f is UTF-16; save it as UTF-8")),
            (b"a\0b\0", Err("f is UTF-16; save it as UTF-8")),
            (b"abc\nd\0", Err("f:2:2: a NUL byte; this is not a text file")),
            (b"abc\nd\xff", Err("f:2:2: not UTF-8")),
        ];
        for (bytes, expected) in cases {
            let got = read_stream("f", bytes).map_err(|e| e.to_string());
            assert_eq!(got.as_deref().map_err(String::as_str), expected);
        }
        let huge = vec![b' '; 5 << 20];
        assert_eq!(read_stream("f", huge.as_slice()).unwrap_err().message, "is larger than 4 MiB");
    }

    #[test]
    fn only_regular_files_are_opened() {
        let dir = crate::config::test_dir("file");
        let fifo = dir.join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
        std::os::unix::fs::symlink("loop", dir.join("loop")).unwrap();
        fs::write(dir.join("good"), "x").unwrap();
        std::os::unix::fs::symlink("good", dir.join("link")).unwrap();
        for (path, message) in [
            (dir.clone(), "is a directory, not a regular file"),
            (fifo, "is a pipe, not a regular file"),
            (dir.join("socket"), "is a socket, not a regular file"),
            ("/dev/zero".into(), "is a device, not a regular file"),
            (dir.join("loop"), "cannot be read: too many levels of symbolic links"),
            (dir.join("missing"), "cannot be read: no such file or directory"),
            (dir.join("good/x"), "cannot be read: not a directory"),
        ] {
            assert_eq!(read(&path).unwrap_err().message, message, "{}", path.display());
        }
        assert_eq!(read(&dir.join("link")).unwrap(), "x");
        fs::remove_dir_all(dir).unwrap();
    }
}
