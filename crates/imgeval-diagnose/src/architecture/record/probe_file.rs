//! A probe on disk: one safetensors file with all numbers, and under the metadata key `imgeval_probe` a JSON header with all facts.
//!
//! Tensors: `model.*` (what the kind needs), `distance.*` in 64 bits, `fingerprint.N` in 32 bits for each of the card's signatures.
//! Files come from anywhere and are read strictly: unknown fields, missing, extra or misshapen tensors and numbers that are not finite are
//! refused, each with one sentence. Nothing in them is executed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
};

use imgeval_core::json::from_json_str;
use imgeval_metrics::{
    classification::{ClassDistance, DistanceParts, Temperature},
    logistic::{LogisticModel, LogisticParts},
    spectra::{FINGERPRINT_SIDE, Fingerprint, N_SPECTRUM_FEATURES},
};
use imgeval_vision::{
    compute::ComputeOptions,
    train::{ClipEmbedder, NamedTensor, TrainedNetwork},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use super::card::ProbeCardRecord;
use crate::{
    alike::MIN_SIDE,
    architecture::{
        learn::{EmbedderCard, Extractor, Model, ProbeKind},
        probe::{Probe, ProbeCard},
    },
};

/// Raised when what is written changes.
const FORMAT_VERSION: u32 = 1;

const HEADER_KEY: &str = "imgeval_probe";

/// Before the names of a network's own tensors.
const NETWORK_PREFIX: &str = "model.";

/// A file larger than this is no probe: 4 GiB.
const MAX_BYTES: u64 = 4 << 30;

/// More classes than anybody compares, so that lists stay short.
const MAX_CLASSES: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum ProbeFileError {
    #[error("could not read the probe `{path}`")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not write the probe `{path}`")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{path}` is not a probe, or it is damaged: {what}")]
    NotAProbe { path: PathBuf, what: String },
    #[error(
        "the probe `{path}` has format {found}, but this version reads {FORMAT_VERSION}; use a newer imgeval"
    )]
    TooNew { path: PathBuf, found: u32 },
    #[error("the probe was trained on embeddings of another CLIP (it expects {expected}, this is {found})")]
    OtherClip { expected: String, found: String },
    #[error("could not write the probe to a file: {what}")]
    Serialise { what: String },
}

#[derive(Deserialize)]
struct VersionOnly {
    format_version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format_version: u32,
    card: ProbeCardRecord,
    /// The shrinkage of the covariance behind the distance.
    shrinkage: f64,
}

/// One tensor's numbers, of either width.
enum Numbers {
    Wide(Vec<f64>),
    Narrow(Vec<f32>),
}

impl Numbers {
    fn dtype(&self) -> Dtype {
        match self {
            Self::Wide(_) => Dtype::F64,
            Self::Narrow(_) => Dtype::F32,
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Wide(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Self::Narrow(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }
}

/// The file's bytes; the same probe gives the same bytes.
///
/// # Errors
/// If the numbers cannot be laid out, which would be a bug.
pub(crate) fn probe_to_bytes(probe: &Probe) -> Result<Vec<u8>, ProbeFileError> {
    let serialise = |what: String| ProbeFileError::Serialise { what };
    let mut tensors: BTreeMap<String, (Vec<usize>, Numbers)> = BTreeMap::new();
    let mut wide = |name: &str, values: &[f64]| {
        tensors.insert(name.to_owned(), (vec![values.len()], Numbers::Wide(values.to_vec())));
    };
    let distance = probe.distance.parts();
    wide("distance.mean", &distance.mean);
    wide("distance.scale", &distance.scale);
    wide("distance.factor", &distance.factor);
    wide("distance.centres", &distance.centres);
    match &probe.model {
        Model::Linear(model) => {
            let parts = model.parts();
            wide("model.mean", &parts.mean);
            wide("model.scale", &parts.scale);
            wide("model.weights", &parts.weights);
            wide("model.intercepts", &parts.intercepts);
        }
        Model::Network { network, .. } => {
            for (name, tensor) in network.tensors() {
                let numbers = Numbers::Narrow(tensor.numbers.clone());
                tensors.insert(format!("{NETWORK_PREFIX}{name}"), (tensor.shape.clone(), numbers));
            }
        }
    }
    for (index, fingerprint) in probe.fingerprints.iter().enumerate() {
        let power = fingerprint.power().iter().map(|value| *value as f32).collect();
        let shape = vec![FINGERPRINT_SIDE, FINGERPRINT_SIDE];
        tensors.insert(format!("fingerprint.{index}"), (shape, Numbers::Narrow(power)));
    }
    let header = Header {
        format_version: FORMAT_VERSION,
        card: ProbeCardRecord::from(&probe.card),
        shrinkage: distance.shrinkage,
    };
    let header = serde_json::to_string(&header).map_err(|error| serialise(error.to_string()))?;
    let bytes: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, (shape, numbers))| (name, numbers.dtype(), shape, numbers.to_bytes()))
        .collect();
    let mut views = Vec::with_capacity(bytes.len());
    for (name, dtype, shape, bytes) in &bytes {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        views.push((name.clone(), view.map_err(|error| serialise(error.to_string()))?));
    }
    let metadata = HashMap::from([(HEADER_KEY.to_owned(), header)]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| serialise(error.to_string()))
}

/// Writes the file completely or not at all: under a temporary name in the same folder, synced, renamed.
///
/// # Errors
/// If it cannot be written.
pub fn save_probe(probe: &Probe, path: &Path) -> Result<(), ProbeFileError> {
    let bytes = probe_to_bytes(probe)?;
    imgeval_files::write_whole(path, &bytes)
        .map_err(|source| ProbeFileError::Write { path: path.to_owned(), source })
}

/// Reads a probe from an untrusted file. If the probe needs a CLIP, `embedder` loads it according to its card.
///
/// # Errors
/// If the file cannot be read, is not a probe, is damaged or of a newer format, or the embedder differs.
pub fn load_probe<E>(
    path: &Path,
    compute: &ComputeOptions,
    embedder: impl FnOnce(&EmbedderCard) -> Result<ClipEmbedder, E>,
) -> Result<Result<Probe, E>, ProbeFileError> {
    let bytes = imgeval_files::read_regular(path, MAX_BYTES)
        .map_err(|source| ProbeFileError::Read { path: path.to_owned(), source })?;
    let mut probe = parse_probe(&bytes, compute).map_err(|problem| match problem {
        Problem::TooNew(found) => ProbeFileError::TooNew { path: path.to_owned(), found },
        Problem::NotAProbe(what) => ProbeFileError::NotAProbe { path: path.to_owned(), what },
    })?;
    if let Some(card) = &probe.card.embedder {
        let embedder = match embedder(card) {
            Ok(embedder) => embedder,
            Err(error) => return Ok(Err(error)),
        };
        if embedder.identity() != card.identity || embedder.width() != probe.distance.parts().mean.len() {
            return Err(ProbeFileError::OtherClip {
                expected: card.identity.clone(),
                found: embedder.identity().to_owned(),
            });
        }
        probe.extractor = Some(Extractor::Clip { embedder: Box::new(embedder), cache: None });
    }
    Ok(Ok(probe))
}

#[derive(Debug)]
enum Problem {
    NotAProbe(String),
    TooNew(u32),
}

fn not_a_probe(what: impl ToString) -> Problem {
    Problem::NotAProbe(what.to_string())
}

fn parse_probe(bytes: &[u8], compute: &ComputeOptions) -> Result<Probe, Problem> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(not_a_probe(format!("it has more than {MAX_BYTES} bytes")));
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(not_a_probe)?;
    let header = metadata.metadata().as_ref().and_then(|texts| texts.get(HEADER_KEY));
    let header = header.ok_or_else(|| not_a_probe("it has no header of imgeval"))?;
    let version: VersionOnly = from_json_str(header).map_err(not_a_probe)?;
    if version.format_version > FORMAT_VERSION {
        return Err(Problem::TooNew(version.format_version));
    }
    let header: Header = from_json_str(header).map_err(not_a_probe)?;
    let (card, shrinkage) = (ProbeCard::from(header.card), header.shrinkage);
    check_card(&card)?;
    let mut tensors =
        Tensors { file: SafeTensors::deserialize(bytes).map_err(not_a_probe)?, taken: BTreeSet::new() };
    let distance = ClassDistance::from_parts(DistanceParts {
        mean: tensors.wide("distance.mean")?,
        scale: tensors.wide("distance.scale")?,
        factor: tensors.wide("distance.factor")?,
        centres: tensors.wide("distance.centres")?,
        shrinkage,
    })
    .map_err(not_a_probe)?;
    let kind = card.kind;
    if (kind == ProbeKind::ClipLinear) != card.embedder.is_some()
        || matches!(kind, ProbeKind::Clip | ProbeKind::Residual) != card.network.is_some()
    {
        return Err(not_a_probe(format!("a probe of kind {} has other parts", kind.code())));
    }
    let model = match kind {
        ProbeKind::Spectrum | ProbeKind::ClipLinear => {
            let model = LogisticModel::from_parts(LogisticParts {
                n_classes: card.classes.len(),
                mean: tensors.wide("model.mean")?,
                scale: tensors.wide("model.scale")?,
                weights: tensors.wide("model.weights")?,
                intercepts: tensors.wide("model.intercepts")?,
            })
            .map_err(not_a_probe)?;
            let n_features = model.parts().mean.len();
            let is_odd = kind == ProbeKind::Spectrum && n_features != N_SPECTRUM_FEATURES;
            if is_odd || n_features != distance.parts().mean.len() {
                return Err(not_a_probe(format!("it has weights for {n_features} features")));
            }
            Model::Linear(model)
        }
        ProbeKind::Clip | ProbeKind::Residual => {
            let description = card.network.as_ref().ok_or_else(|| not_a_probe("it has no network"))?;
            let network = TrainedNetwork::from_tensors(description, &tensors.of_network()?, compute)
                .map_err(|error| not_a_probe(imgeval_core::sentence_of(&error)))?;
            let is_odd = description.n_classes != card.classes.len()
                || description.network.features() != distance.parts().mean.len();
            if is_odd {
                return Err(not_a_probe("its network does not fit its card"));
            }
            Model::Network { network: Box::new(network), epochs: card.epochs.clone() }
        }
    };
    let mut fingerprints = Vec::new();
    for index in 0..card.signatures.len() {
        let power = tensors.narrow(&format!("fingerprint.{index}"))?;
        let power = power.into_iter().map(f64::from).collect();
        let fingerprint = Fingerprint::from_power(power)
            .ok_or_else(|| not_a_probe(format!("fingerprint {index} does not have 222x222 numbers")))?;
        fingerprints.push(fingerprint);
    }
    tensors.finish()?;
    let temperature = Temperature::new(card.evaluation.temperature)
        .ok_or_else(|| not_a_probe("its temperature is not positive"))?;
    let extractor = (kind == ProbeKind::Spectrum).then_some(Extractor::Spectrum);
    Ok(Probe { card, model, extractor, temperature, distance, fingerprints })
}

fn check_card(card: &ProbeCard) -> Result<(), Problem> {
    let n_classes = card.classes.len();
    let names: BTreeSet<&String> = card.classes.iter().collect();
    if !(2..=MAX_CLASSES).contains(&n_classes) || names.len() != n_classes {
        return Err(not_a_probe("it has fewer than two classes, too many, or duplicate names"));
    }
    if card.generators.iter().any(|generator| generator.class >= n_classes) {
        return Err(not_a_probe("a generator does not belong to any class"));
    }
    if card.evaluation.histograms.len() != n_classes
        || card.controls.decoders.iter().any(|decoder| decoder.shares.len() != n_classes)
        || card.profile.facts.iter().any(|fact| fact.values.len() != n_classes)
    {
        return Err(not_a_probe("its tables have other classes than the probe"));
    }
    let quality = card.plan.jpeg.map_or(100, |step| step.quality);
    if !(MIN_SIDE..=1 << 14).contains(&card.plan.side) || !(1..=100).contains(&quality) {
        return Err(not_a_probe("its plan has an impossible side or quality"));
    }
    Ok(())
}

/// Tensors, each to be taken exactly once.
struct Tensors<'a> {
    file: SafeTensors<'a>,
    taken: BTreeSet<String>,
}

impl Tensors<'_> {
    fn numbers<const WIDTH: usize, T>(
        &mut self,
        name: &str,
        dtype: Dtype,
        parse: fn([u8; WIDTH]) -> T,
    ) -> Result<Vec<T>, Problem> {
        let view = self.file.tensor(name).map_err(|_| not_a_probe(format!("tensor `{name}` is missing")))?;
        if view.dtype() != dtype {
            return Err(not_a_probe(format!("tensor `{name}` has another type of numbers")));
        }
        self.taken.insert(name.to_owned());
        Ok(view.data().as_chunks::<WIDTH>().0.iter().copied().map(parse).collect())
    }

    fn wide(&mut self, name: &str) -> Result<Vec<f64>, Problem> {
        self.numbers(name, Dtype::F64, f64::from_le_bytes)
    }

    fn narrow(&mut self, name: &str) -> Result<Vec<f32>, Problem> {
        self.numbers(name, Dtype::F32, f32::from_le_bytes)
    }

    /// All tensors of the network, under their own names.
    fn of_network(&mut self) -> Result<BTreeMap<String, NamedTensor>, Problem> {
        let mut names: Vec<String> = self.file.names().into_iter().map(str::to_owned).collect();
        names.sort();
        let mut network = BTreeMap::new();
        for name in names {
            if let Some(own) = name.strip_prefix(NETWORK_PREFIX) {
                let numbers = self.narrow(&name)?;
                let shape = self.file.tensor(&name).map_err(not_a_probe)?.shape().to_vec();
                network.insert(own.to_owned(), NamedTensor { shape, numbers });
            }
        }
        Ok(network)
    }

    fn finish(self) -> Result<(), Problem> {
        match self.file.names().into_iter().filter(|name| !self.taken.contains(*name)).min() {
            Some(name) => Err(not_a_probe(format!("it has an unknown tensor `{name}`"))),
            None => Ok(()),
        }
    }
}
