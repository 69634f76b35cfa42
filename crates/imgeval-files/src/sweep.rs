//! Unfinished files of processes that were killed.

use std::{
    collections::BTreeSet,
    fs::File,
    path::PathBuf,
    sync::{LazyLock, Mutex, PoisonError},
    time::SystemTime,
};

use crate::{OwnFolder, new_file::UNFINISHED};

/// About when this process began.
static BEGAN: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);

/// Folders that [`OwnFolder::sweep_once`] has seen.
static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

impl OwnFolder {
    /// Removes unfinished files in this folder that processes left behind which are no longer running: those that are older
    /// than this process and that nobody holds open. What cannot be removed stays; it is only in the way.
    pub fn sweep(&self) {
        let began = *BEGAN;
        for name in self.names().unwrap_or_default() {
            let is_temporary = name.to_str().is_some_and(|name| name.starts_with(UNFINISHED));
            if is_temporary && self.open_regular(&name).is_ok_and(|file| is_left_over(&file, began)) {
                self.remove(&name).ok();
            }
        }
    }

    /// As [`Self::sweep`], but only the first time that this process asks for the folder: cheap before each of many files.
    pub fn sweep_once(&self) {
        let is_new = SWEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(self.path().to_owned());
        if is_new {
            self.sweep();
        }
    }
}

/// A process that writes holds the lock of its file; the time is for the moment before it has taken it.
fn is_left_over(file: &File, began: SystemTime) -> bool {
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified < began) && file.try_lock().is_ok()
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[test]
    fn only_unfinished_files_that_nobody_writes_are_removed() {
        let place = tempfile::tempdir().unwrap();
        let folder = OwnFolder::open(place.path()).unwrap();
        let hour = Duration::from_secs(3600);
        let date = |name: &str, modified: SystemTime| {
            let file = File::options().write(true).open(place.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
        };
        let age = |name: &str| date(name, SystemTime::now() - hour);
        for name in [".writing-old", ".writing-new", "writing-mine", ".writings"] {
            fs::write(place.path().join(name), name).unwrap();
        }
        for name in [".writing-old", "writing-mine", ".writings"] {
            age(name);
        }
        date(".writing-new", SystemTime::now() + hour);
        let live = folder.new_file("result").unwrap();
        let live_name =
            folder.names().unwrap().into_iter().find(|name| name.len() > ".writing-old".len()).unwrap();
        age(live_name.to_str().unwrap());
        fs::create_dir(place.path().join(".writing-folder")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("writing-mine", place.path().join(".writing-link")).unwrap();

        folder.sweep();
        assert!(!place.path().join(".writing-old").exists());
        for stays in
            [".writing-new", "writing-mine", ".writings", ".writing-folder", live_name.to_str().unwrap()]
        {
            assert!(place.path().join(stays).exists(), "{stays}");
        }
        #[cfg(unix)]
        assert!(place.path().join(".writing-link").is_symlink());
        live.publish().unwrap();
        assert!(place.path().join("result").exists());
    }

    #[test]
    fn writing_a_file_sweeps_its_folder_the_first_time() {
        let place = tempfile::tempdir().unwrap();
        let left = place.path().join(".writing-old");
        let leave = || {
            let file = File::create(&left).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
        };
        leave();
        crate::write_whole(&place.path().join("a"), b"a").unwrap();
        assert!(!left.exists());
        leave();
        crate::write_whole(&place.path().join("b"), b"b").unwrap();
        assert!(left.exists(), "once in a process");
    }
}
