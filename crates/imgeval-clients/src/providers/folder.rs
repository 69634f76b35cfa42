//! Images that exist already, as a generator: they are looked for by case, sample and round.

use std::{
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use imgeval_core::{
    Answer, Capabilities, Cost, EndpointMeta, FailureKind, Generator, ImageRequest, Outcome, Permit,
    ProviderDown, SampleId, visible,
};

use super::{
    command::{failed, local_answer, read_image},
    http_generator::check,
    process::local_cost,
};

const EXTENSIONS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// Takes images from a folder: `ID/samples/0000.png`, `ID/0000.png`, `ID_0.png`, `ID-0.png`, or `ID.png` for the first sample; of
/// a later round with `_r2` before the extension.
#[derive(Debug)]
pub struct FolderGenerator {
    meta: EndpointMeta,
    folder: PathBuf,
}

/// A folder that images cannot be taken from.
#[derive(Debug, thiserror::Error)]
#[error("cannot read images from `{}`", path.display())]
pub struct FolderError {
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

impl FolderGenerator {
    /// # Errors
    /// If there is no such folder.
    pub fn new(folder: &Path) -> Result<Self, FolderError> {
        let refuse = |source| FolderError { path: folder.to_owned(), source };
        let metadata = std::fs::metadata(folder).map_err(refuse)?;
        if !metadata.is_dir() {
            return Err(refuse(io::ErrorKind::NotADirectory.into()));
        }
        let meta = EndpointMeta {
            provider: "folder".to_owned(),
            endpoint: String::new(),
            model: folder.display().to_string(),
            version: 1,
        };
        Ok(Self { meta, folder: folder.to_owned() })
    }

    async fn find(&self, id: &SampleId) -> Outcome<PathBuf> {
        let case = id.case.as_str();
        // A case is named by its suite's file, which must not reach out of this folder.
        if case.is_empty() || case.starts_with('.') || case.contains(['/', '\\', '\0']) {
            let detail = format!("the case `{}` cannot be used as a file name", visible(case));
            return failed(FailureKind::RejectedRequest, detail);
        }
        let mut found = Vec::new();
        for stem in stems(id) {
            for extension in EXTENSIONS {
                let path = self.folder.join(format!("{stem}.{extension}"));
                match tokio::fs::metadata(&path).await {
                    Ok(metadata) if metadata.is_file() => found.push(path),
                    Ok(_) => {}
                    Err(error)
                        if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    }
                    Err(error) => {
                        let detail = format!("could not read `{}`: {error}", path.display());
                        return failed(FailureKind::NotAccessible, detail);
                    }
                }
            }
        }
        let names = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|path| format!("`{}`", visible(&path.display().to_string()))).collect()
        };
        match found.as_slice() {
            [_] => Outcome::Done(found.remove(0)),
            [] => {
                let stems = stems(id).join("`, `");
                let folder = self.folder.display();
                let detail = format!(
                    "no file in `{folder}` named `{}` with .png, .jpg, .jpeg or .webp",
                    visible(&stems)
                );
                failed(FailureKind::NotAccessible, detail)
            }
            _ => {
                let detail = format!("several images for one sample: {}", names(&found).join(" and "));
                failed(FailureKind::RejectedRequest, detail)
            }
        }
    }
}

/// What a sample's file may be called, without its extension.
fn stems(id: &SampleId) -> Vec<String> {
    let (case, sample) = (&id.case, id.ordinal);
    let round = if id.round > 1 { format!("_r{}", id.round) } else { String::new() };
    let mut stems = vec![
        format!("{case}/samples/{sample:04}{round}"),
        format!("{case}/{sample:04}{round}"),
        format!("{case}_{sample}{round}"),
        format!("{case}-{sample}{round}"),
    ];
    if sample == 0 {
        stems.push(format!("{case}{round}"));
    }
    stems
}

#[async_trait]
impl Generator for FolderGenerator {
    fn meta(&self) -> &EndpointMeta {
        &self.meta
    }

    /// How the images were made is not known here. What a case asks for is taken as done; what would be recorded as a property of
    /// the image, such as its seed, is not.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            size_in_pixels: true,
            aspect_ratio: true,
            system: true,
            edit: true,
            several_images: true,
            mask: true,
            rounds: true,
            conversation: true,
            ..Capabilities::default()
        }
    }

    fn estimate(&self, _request: &ImageRequest) -> Option<Cost> {
        Some(local_cost())
    }

    async fn generate(&self, request: &ImageRequest, permit: &dyn Permit) -> Result<Answer, ProviderDown> {
        if let Err(failure) = check(self.capabilities(), request) {
            return Ok(local_answer(Outcome::Failed(failure), String::new(), None));
        }
        if !permit.may_send(0).await {
            return Ok(Answer::not_sent());
        }
        let (outcome, raw) = match self.find(&request.id).await {
            Outcome::Done(path) => {
                let shown = path.display().to_string();
                let missing = format!("`{}` contains no images", visible(&shown));
                (read_image(&path, FailureKind::NotAccessible, &missing).await, shown)
            }
            Outcome::Failed(failure) => (Outcome::Failed(failure), String::new()),
        };
        Ok(local_answer(outcome, raw, None))
    }
}
