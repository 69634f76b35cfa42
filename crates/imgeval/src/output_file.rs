//! Output that replaces an older file whole or not at all.

use std::{
    fs, io,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use tempfile::NamedTempFile;

/// Collects output under a temporary name beside its destination; nothing is visible before [`Self::publish`].
pub(crate) struct OutputFile {
    destination: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl OutputFile {
    pub(crate) fn create(destination: &Path) -> Result<Self> {
        let folder = match destination.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let open = || -> io::Result<NamedTempFile> {
            fs::create_dir_all(folder)?;
            let mut builder = tempfile::Builder::new();
            builder.prefix(".writing-");
            #[cfg(unix)]
            {
                // Temporary files are private by default; a result should be readable like any other file.
                use std::os::unix::fs::PermissionsExt as _;
                builder.permissions(fs::Permissions::from_mode(0o644));
            }
            builder.tempfile_in(folder)
        };
        let file = open().with_context(|| format!("could not write `{}`", destination.display()))?;
        Ok(Self { destination: destination.to_owned(), writer: BufWriter::new(file) })
    }

    /// Puts the finished output in its place.
    pub(crate) fn publish(self) -> Result<()> {
        let context = format!("could not write `{}`", self.destination.display());
        let publish = || -> io::Result<()> {
            let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
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
