//! How this program is started once more.

use std::{env, ffi::OsString, io, process::Command, sync::OnceLock};

/// Set where the running file is not the program: in a Python process it is the interpreter.
static COMMAND: OnceLock<Vec<OsString>> = OnceLock::new();

/// Remembers the command line that starts this program; the first one counts.
pub(crate) fn set_command(command: Vec<OsString>) {
    COMMAND.set(command).ok();
}

/// A process of this program, to be given arguments.
pub(crate) fn again() -> io::Result<Command> {
    match COMMAND.get().and_then(|command| command.split_first()) {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments);
            Ok(command)
        }
        None => Ok(Command::new(env::current_exe()?)),
    }
}
