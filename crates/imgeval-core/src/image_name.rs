//! The names that images of a run and of a fetched suite have: their hash with the extension of their format.

use crate::{ContentHash, ImageFormat, ImageRef};

impl ImageRef {
    /// `<sha256>.<extension>`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.hash, self.format.extension())
    }

    /// Reads a name as [`Self::file_name`] writes it; `None` if it is not one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (hash, extension) = name.split_once('.')?;
        Some(Self { hash: ContentHash::parse(hash)?, format: ImageFormat::from_extension(extension)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_nothing_else_is() {
        let image = ImageRef { hash: ContentHash::of(b"x"), format: ImageFormat::Jpeg };
        assert_eq!(ImageRef::parse(&image.file_name()), Some(image));
        for name in ["", "x.png", "../x.png", &format!("{}.exe", ContentHash::of(b"x"))] {
            assert_eq!(ImageRef::parse(name), None, "{name}");
        }
    }
}
