//! The `hawkeye` program: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    hawkeye::app::main(std::env::args_os().skip(1))
}
