//! Output that replaces an older file whole or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use tempfile::NamedTempFile;

use crate::failure::CommandError;

/// Collects output under a temporary name beside its destination; nothing is visible before [`Self::publish`].
///
/// A link is followed to its file. A pipe or device is written to at the end, not replaced.
pub(crate) struct OutputFile {
    destination: PathBuf,
    is_special: bool,
    writer: BufWriter<NamedTempFile>,
}

impl OutputFile {
    pub(crate) fn create(destination: &Path) -> Result<Self> {
        let name = destination.display();
        if destination.is_dir() {
            return Err(CommandError::usage(format!("`{name}` is a folder, not a file to write")).into());
        }
        let destination = fs::canonicalize(destination).unwrap_or_else(|_| destination.to_owned());
        let is_special = destination.exists() && !destination.is_file();
        let folder = match destination.parent() {
            _ if is_special => std::env::temp_dir(),
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".writing-");
        #[cfg(unix)]
        {
            // Temporary files are private by default; a result should be readable like any other file.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o644));
        }
        fs::create_dir_all(&folder).with_context(|| format!("could not create the folder of `{name}`"))?;
        let file = builder.tempfile_in(&folder).with_context(|| format!("could not write `{name}`"))?;
        Ok(Self { destination, is_special, writer: BufWriter::new(file) })
    }

    /// Puts the finished output in its place.
    pub(crate) fn publish(self) -> Result<()> {
        let context = format!("could not write `{}`", self.destination.display());
        let publish = || -> io::Result<()> {
            let mut file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            if self.is_special {
                file.rewind()?;
                let mut target = File::options().write(true).open(&self.destination)?;
                return io::copy(&mut file, &mut target).map(drop);
            }
            file.as_file().sync_all()?;
            file.persist(&self.destination)?;
            Ok(())
        };
        publish().context(context)
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
