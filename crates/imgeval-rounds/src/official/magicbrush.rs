//! MagicBrush's distances.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use imgeval_core::{Pixels, json::from_json_str};
use imgeval_metrics::{consistency::cosine, image::mean_absolute_and_squared};
use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_suites::rounds::magicbrush::{FolderListing, ImagePair, PairError, image_pairs, list_images};
use imgeval_vision::{
    RoundFeatures,
    image_file::{DecodeLimits, load_image},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::RoundsError;

const MAX_BYTES: u64 = 256 << 20;

/// Two images that were compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairPaths {
    pub generated: PathBuf,
    pub target: PathBuf,
}

/// Means over the pairs of a setting; `None` where nothing was measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SettingMeans {
    pub pairs: Vec<PairPaths>,
    pub l1: f64,
    pub l2: f64,
    pub clip_i: Option<f64>,
    pub dino: Option<f64>,
    /// CLIP-T of the model's images.
    pub clip_t: Option<f64>,
    /// CLIP-T of the annotators' images with the same captions.
    pub clip_t_target: Option<f64>,
}

/// Both official settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MagicBrushScores {
    pub all: SettingMeans,
    /// The final turn.
    pub last: SettingMeans,
    /// Measures that are missing, with the reason.
    pub missing: BTreeMap<&'static str, String>,
}

/// Captions by session and name of the annotators' image, `local_descriptions.json`.
pub type Captions = BTreeMap<String, BTreeMap<String, String>>;

/// Reads captions.
///
/// # Errors
/// If the file cannot be read or holds something else.
pub fn read_captions(path: &Path) -> Result<Captions, RoundsError> {
    let text = imgeval_files::read_text(path, MAX_BYTES)
        .map_err(|source| RoundsError::Read { path: path.to_owned(), source })?;
    from_json_str(&text)
        .map_err(|error| RoundsError::Input { path: path.to_owned(), detail: error.to_string() })
}

/// Compares a folder of outputs with the annotators' images; the official script's exception in place of scores where it raises one.
///
/// # Errors
/// If a folder or image cannot be read, a caption is too long for CLIP, or a network fails.
pub fn score_magicbrush(
    generated: &Path,
    targets: &Path,
    features: Result<&RoundFeatures, String>,
    captions: Option<&Captions>,
    limits: &DecodeLimits,
) -> Result<Result<MagicBrushScores, PairError>, RoundsError> {
    let (all, last) = match image_pairs(&list_images(generated)?, &list_images(targets)?) {
        Ok(pairs) => pairs,
        Err(error) => return Ok(Err(error)),
    };
    let mut missing = BTreeMap::new();
    if let Err(reason) = &features {
        for name in ["clip_i", "clip_t", "dino"] {
            missing.insert(name, reason.clone());
        }
    } else if captions.is_none() {
        missing.insert(
            "clip_t",
            "captions are missing, such as a local_descriptions.json next to the target folder".to_owned(),
        );
    }
    let comparer = Comparer { generated, targets, features: features.ok(), captions, limits };
    let (all, all_untold) = comparer.means(&all)?;
    let (last, last_untold) = comparer.means(&last)?;
    if let Some(pair) = all_untold.or(last_untold) {
        missing.insert("clip_t", format!("`{pair}` has no caption"));
    }
    Ok(Ok(MagicBrushScores { all, last, missing }))
}

struct Comparer<'a> {
    generated: &'a Path,
    targets: &'a Path,
    features: Option<&'a RoundFeatures>,
    captions: Option<&'a Captions>,
    limits: &'a DecodeLimits,
}

impl Comparer<'_> {
    /// The means, and a target without a caption if there is one: CLIP-T is over all pairs or not at all.
    fn means(&self, pairs: &[ImagePair]) -> Result<(SettingMeans, Option<String>), RoundsError> {
        let mut sums = [0.0_f64; 6];
        let mut untold = None;
        let mut paths = Vec::new();
        for pair in pairs {
            let generated = self.generated.join(&pair.session).join(&pair.generated);
            let target = self.targets.join(&pair.session).join(&pair.target);
            let (candidate, reference) = (self.load(&generated)?, self.load(&target)?);
            let distance = mean_absolute_and_squared(&candidate, &reference);
            sums[0] += distance.mean_absolute;
            sums[1] += distance.mean_squared;
            if let Some(features) = self.features {
                let failed = |detail: String| RoundsError::Input { path: generated.clone(), detail };
                let of = |pixels: &Pixels| Ok((features.clip_image(pixels)?, features.dino(pixels)?));
                let both = |pixels: &Pixels| {
                    of(pixels).map_err(|error: imgeval_vision::ModelError| failed(error.to_string()))
                };
                let (ours, theirs) = (both(&candidate)?, both(&reference)?);
                let alike = |a: &[f32], b: &[f32]| cosine(a, b).map_err(|error| failed(error.to_string()));
                sums[2] += alike(&ours.0, &theirs.0)?;
                sums[3] += alike(&ours.1, &theirs.1)?;
                let captions = self.captions.and_then(|captions| captions.get(&pair.session));
                match captions.and_then(|captions| captions.get(&pair.target)) {
                    Some(caption) => {
                        let text = features.clip_text(caption).map_err(|error| failed(error.to_string()))?;
                        sums[4] += alike(&ours.0, &text)?;
                        sums[5] += alike(&theirs.0, &text)?;
                    }
                    None => untold = Some(format!("{}/{}", pair.session, pair.target)),
                }
            }
            paths.push(PairPaths { generated, target });
        }
        let n = pairs.len() as f64;
        let has_features = self.features.is_some() && !pairs.is_empty();
        let of_features = |place: usize| has_features.then(|| sums[place] / n);
        let of_captions =
            |place: usize| of_features(place).filter(|_| untold.is_none() && self.captions.is_some());
        let means = SettingMeans {
            pairs: paths,
            l1: sums[0] / n,
            l2: sums[1] / n,
            clip_i: of_features(2),
            dino: of_features(3),
            clip_t: of_captions(4),
            clip_t_target: of_captions(5),
        };
        Ok((means, untold.filter(|_| self.captions.is_some())))
    }

    fn load(&self, path: &Path) -> Result<Pixels, RoundsError> {
        let image = load_image(path, self.limits)
            .map_err(|error| RoundsError::Input { path: path.to_owned(), detail: error.failure().detail })?;
        Ok(image.pixels)
    }
}

/// Scores, or the exception of the official script.
#[must_use]
pub fn magicbrush_json(scores: &Result<MagicBrushScores, PairError>) -> Value {
    let pairs = |means: &SettingMeans| -> Vec<[String; 2]> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        means.pairs.iter().map(|pair| [text(&pair.generated), text(&pair.target)]).collect()
    };
    match scores {
        Ok(MagicBrushScores { all, last, missing }) => {
            let mut document = Map::new();
            document.insert("error".to_owned(), Value::Null);
            document.insert("problem".to_owned(), Value::Null);
            document.insert("all_turns".to_owned(), json!(pairs(all)));
            document.insert("final_turn".to_owned(), json!(pairs(last)));
            for (name, means) in [("all", all), ("final", last)] {
                for (measure, value) in values(means) {
                    document.insert(format!("{name}_{measure}"), value.into());
                }
            }
            document.insert("missing".to_owned(), json!(missing));
            Value::Object(document)
        }
        Err(error) => json!({"error": error.exception(), "problem": error.to_string()}),
    }
}

fn values(means: &SettingMeans) -> [(&'static str, Option<f64>); 6] {
    let finite = |value: f64| value.is_finite().then_some(value);
    [
        ("l1", finite(means.l1)),
        ("l2", finite(means.l2)),
        ("clip_i", means.clip_i),
        ("dino", means.dino),
        ("clip_t", means.clip_t),
        ("clip_t_target", means.clip_t_target),
    ]
}

/// Both settings side by side.
#[must_use]
pub fn magicbrush_table(scores: &MagicBrushScores) -> Table {
    let mut table = Table::new([
        Column::text("measure"),
        Column::number("all turns"),
        Column::number("final turn"),
        Column::text("note").wrapped(),
    ])
    .with_title(format!(
        "MagicBrush: {} pairs of all turns, {} of the final turn",
        scores.all.pairs.len(),
        scores.last.pairs.len()
    ));
    let notes = [
        "mean absolute difference, 0 to 1; lower is closer",
        "mean squared difference, 0 to 1; lower is closer",
        "cosine of CLIP ViT-B/32 with the target",
        "cosine of DINO ViT-S/16 with the target",
        "cosine of CLIP with the caption",
        "the same of the targets",
    ];
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.5}"));
    for (((name, all), (_, last)), note) in
        values(&scores.all).into_iter().zip(values(&scores.last)).zip(notes)
    {
        table.push(Row::new([name.to_owned(), shown(all), shown(last), note.to_owned()]));
    }
    for (name, reason) in &scores.missing {
        table.below.push(format!("{name} is missing: {reason}"));
    }
    table
}

/// Folders by the names of their files alone.
#[derive(Debug, Clone, Deserialize)]
pub struct FolderCase {
    name: String,
    generated: FolderListing,
    ground_truth: FolderListing,
}

#[derive(Deserialize)]
struct FolderCases {
    folders: Vec<FolderCase>,
}

/// Reads lists of file names: an object with `folders`, or that array.
///
/// # Errors
/// In a sentence, if the text is neither.
pub fn parse_folder_cases(text: &str) -> Result<Vec<FolderCase>, String> {
    let read = match text.trim_start().starts_with('[') {
        true => from_json_str(text),
        false => from_json_str(text).map(|cases: FolderCases| cases.folders),
    };
    read.map_err(|error| error.to_string())
}

type Pairs = Result<(Vec<ImagePair>, Vec<ImagePair>), PairError>;

fn pairs_of(case: &FolderCase) -> Pairs {
    image_pairs(&case.generated, &case.ground_truth)
}

/// For each case the pairs, or the exception.
#[must_use]
pub fn folder_cases_json(cases: &[FolderCase]) -> Value {
    let names = |pairs: &[ImagePair]| -> Vec<[String; 2]> {
        pairs.iter().map(|pair| [pair.generated.clone(), pair.target.clone()]).collect()
    };
    let case = |case: &FolderCase| match pairs_of(case) {
        Ok((all, last)) => json!({"name": case.name, "all_turns": names(&all), "final_turn": names(&last)}),
        Err(error) => json!({"name": case.name, "error": error.exception(), "problem": error.to_string()}),
    };
    json!({"folders": cases.iter().map(case).collect::<Vec<_>>()})
}

/// For each case the numbers of pairs, or the exception.
#[must_use]
pub fn folder_cases_table(cases: &[FolderCase]) -> Table {
    let mut table = Table::new([
        Column::text("case").wrapped(),
        Column::number("all turns"),
        Column::number("final turn"),
        Column::text("official script").wrapped(),
    ]);
    for case in cases {
        let cells = match pairs_of(case) {
            Ok((all, last)) => {
                [case.name.clone(), all.len().to_string(), last.len().to_string(), String::new()]
            }
            Err(error) => {
                [case.name.clone(), "-".to_owned(), "-".to_owned(), format!("{}: {error}", error.exception())]
            }
        };
        table.push(Row::new(cells));
    }
    table
}
