//! The three networks, from their ONNX files.

use std::{
    io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use rten::{Model, ModelOptions, RunOptions, ThreadPool, Value};
use rten_tensor::{AsView as _, Layout as _, NdTensor, Tensor};

/// The largest of the files has 11 MB; what is longer than this is not read.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Why a reader could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum OcrLoadError {
    #[error("could not read `{}`", path.display())]
    Unavailable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is not an ONNX network that can be run: {detail}", path.display())]
    Unusable { path: PathBuf, detail: String },
    #[error("`{}` contains no dictionary (metadata `character`)", path.display())]
    NoDictionary { path: PathBuf },
    #[error("the check before reading failed: {detail}")]
    Canary { detail: String },
}

/// What a network gave: 32-bit floats with their shape.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// A network with one input and one output. Use it from several threads at once through `&self`.
pub(super) struct Network {
    model: Model,
    threads: Arc<ThreadPool>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Network").finish_non_exhaustive()
    }
}

/// A pool with a thread for each core that this process may use. rten's own counts physical cores of the machine.
pub(super) fn thread_pool() -> Arc<ThreadPool> {
    let n_threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Arc::new(ThreadPool::with_num_threads(n_threads))
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, OcrLoadError> {
    imgeval_files::read_regular(path, MAX_FILE_BYTES)
        .map_err(|source| OcrLoadError::Unavailable { path: path.to_owned(), source })
}

impl Network {
    /// `path` names the file in errors.
    pub(super) fn load(path: &Path, bytes: Vec<u8>, threads: &Arc<ThreadPool>) -> Result<Self, OcrLoadError> {
        let unusable = |error: rten::LoadError| OcrLoadError::Unusable {
            path: path.to_owned(),
            detail: error.to_string(),
        };
        let model = ModelOptions::with_all_ops().prepack_weights(true).load(bytes).map_err(unusable)?;
        Ok(Self { model, threads: threads.clone() })
    }

    pub(super) fn metadata(&self, name: &str) -> Option<&str> {
        self.model.metadata().get(name)
    }

    /// `input` is of the shape `[images, channels, rows, columns]`, and the numbers that come back are finite.
    pub(super) fn run(&self, shape: [usize; 4], input: Vec<f32>) -> Result<Output, String> {
        let input = NdTensor::try_from_data(shape, input).map_err(|error| error.to_string())?;
        let options = RunOptions::default().with_thread_pool(Some(self.threads.clone()));
        let output: Value =
            self.model.run_one(input.into(), Some(options)).map_err(|error| error.to_string())?;
        let output: Tensor<f32> =
            output.try_into().map_err(|error: rten::TryFromValueError| error.to_string())?;
        let (shape, values) = (output.shape().to_vec(), output.to_vec());
        if values.iter().all(|value| value.is_finite()) {
            Ok(Output { shape, values })
        } else {
            Err("the network's output is not finite".to_owned())
        }
    }
}
