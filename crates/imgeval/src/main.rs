//! The `imgeval` program; everything is in the library of the same name.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    imgeval::run(std::env::args_os(), Vec::new()).into()
}
