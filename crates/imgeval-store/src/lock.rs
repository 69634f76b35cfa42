//! One writer at a time: an advisory file lock that names its holder.

use std::{
    fs::File,
    io::{Read, Seek, Write},
    path::Path,
};

use imgeval_files::{Lock, OwnFolder};

use crate::StoreError;

/// So much of a lock file is looked at for the holder's name.
const MAX_NAME_BYTES: u64 = 1024;

/// Held as long as the value lives; the operating system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock of the run in `directory` for `holder`.
    pub(crate) fn acquire(directory: &Path, holder: &str) -> Result<Self, StoreError> {
        let path = directory.join("run.lock");
        let lock = OwnFolder::open(directory).and_then(|run| run.lock("run.lock"));
        let mut file = match lock.map_err(StoreError::io("lock", &path))? {
            Lock::Taken(file) => file,
            Lock::Held(file) => {
                let mut current_holder = String::new();
                // The name is a courtesy: an unreadable one must not hide that the run is taken.
                file.take(MAX_NAME_BYTES).read_to_string(&mut current_holder).ok();
                let holder = match current_holder.trim() {
                    "" => "another process".to_owned(),
                    name => name.to_owned(),
                };
                return Err(StoreError::Locked { path: directory.to_owned(), holder });
            }
        };
        let write_name = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{holder}")
        };
        write_name(&mut file).map_err(StoreError::io("write the lock file", &path))?;
        sweep(directory);
        Ok(Self { _file: file })
    }
}

/// Removes what killed writers left unfinished in a run.
fn sweep(directory: &Path) {
    let Ok(run) = OwnFolder::open(directory) else { return };
    run.sweep();
    let Ok(images) = run.folder("images") else { return };
    images.sweep();
    for name in images.names().unwrap_or_default() {
        if let Ok(folder) = images.folder(name) {
            folder.sweep();
        }
    }
}
