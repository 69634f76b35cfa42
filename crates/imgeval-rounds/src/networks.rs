//! What networks see of the images of a session.

use std::{collections::BTreeMap, fmt::Display, path::PathBuf};

use imgeval_core::Pixels;
use imgeval_fetch::weights::{self, Hashing, Located, Member, Places, StoreError, locate_member};
use imgeval_metrics::consistency::{SelfSimilarity, Tokens, cosine};
use imgeval_observe::{Model, ObserverError, given_or_pulled, sha256_of_weights};
use imgeval_resample::pillow::resize_bicubic;
use imgeval_vision::{
    Lpips, RoundFeatures, compute::ComputeOptions, dino::DinoTokens, lpips::LpipsFeatures,
    round_features::RoundWeights,
};

/// The set of weights that all of them belong to.
pub const NETWORKS_SET: &str = weights::ROUNDS.id;

/// Pixels on a side at which LPIPS compares.
const LPIPS_SIDE: u32 = 256;

/// Numbers by name, or the reason why they are missing.
pub(crate) type Numbers = BTreeMap<&'static str, Result<f64, String>>;

/// Where the networks' weights lie; those that are not named are looked for where they were pulled to.
#[derive(Debug, Clone)]
pub struct NetworkWeights {
    /// CLIP ViT-B/32: a folder or a file.
    pub clip: Option<PathBuf>,
    /// DINO ViT-S/16.
    pub dino: Option<PathBuf>,
    /// SqueezeNet 1.1 and the linear heads of LPIPS.
    pub lpips_trunk: Option<PathBuf>,
    pub lpips_heads: Option<PathBuf>,
    pub compute: ComputeOptions,
    pub places: Places,
}

impl NetworkWeights {
    /// Those that were pulled, on the CPU with 32 bits.
    #[must_use]
    pub fn pulled(places: Places) -> Self {
        Self {
            clip: None,
            dino: None,
            lpips_trunk: None,
            lpips_heads: None,
            compute: ComputeOptions::default(),
            places,
        }
    }
}

/// CLIP, DINO and LPIPS, as far as installed.
pub struct Networks {
    features: Option<RoundFeatures>,
    lpips: Option<Lpips>,
    /// Names the weights and how they compute.
    id: String,
    notes: Vec<String>,
}

impl Networks {
    /// None of them; the reason ends a sentence.
    #[must_use]
    pub fn none(reason: &str) -> Self {
        let notes = vec![format!("CLIP-I, CLIP-T, DINO, structure and LPIPS are not measured: {reason}.")];
        Self { features: None, lpips: None, id: "-".to_owned(), notes }
    }

    /// Loads the installed networks. Missing ones are not an error but reported in [`Self::notes`].
    ///
    /// # Errors
    /// If named or installed weights cannot be used, or a network fails its check.
    pub fn load(wanted: &NetworkWeights) -> Result<Self, ObserverError> {
        let clip = find(wanted, wanted.clip.as_ref(), Member::Hub(weights::CLIP_BASE))?;
        let dino = find(wanted, wanted.dino.as_ref(), Member::Url(weights::DINO))?;
        let trunk = find(wanted, wanted.lpips_trunk.as_ref(), Member::Url(weights::LPIPS_TRUNK))?;
        let heads = find(wanted, wanted.lpips_heads.as_ref(), Member::Package(weights::LPIPS_HEADS))?;
        let (mut id, mut notes, mut missing) = (String::new(), Vec::new(), Vec::new());
        let features = match both(clip, dino) {
            Ok([clip, dino]) => {
                let paths = RoundWeights { clip: &clip.path, dino: &dino.path };
                let features = RoundFeatures::load(&paths, &wanted.compute)?;
                features.canary()?;
                if !features.has_official_shapes() {
                    notes.push(
                        "CLIP or DINO differ in shape from CLIP ViT-B/32 and DINO ViT-S/16, so their numbers are not comparable with published ones."
                            .to_owned(),
                    );
                }
                id.push_str(&format!("clip={};dino={};", clip.sha256, dino.sha256));
                Some(features)
            }
            Err(absent) => {
                missing.push(("CLIP-I, CLIP-T, DINO and structure", absent));
                None
            }
        };
        let lpips = match both(trunk, heads) {
            Ok([trunk, heads]) => {
                Lpips::canary()?;
                id.push_str(&format!("lpips={}+{};", trunk.sha256, heads.sha256));
                Some(Lpips::load(&trunk.path, &heads.path)?)
            }
            Err(absent) => {
                missing.push(("LPIPS", absent));
                None
            }
        };
        if let [(_, features), (_, lpips)] = missing.as_slice() {
            let absent = if features == lpips { features.clone() } else { format!("{features}, {lpips}") };
            return Ok(Self::none(&not_here(&absent)));
        }
        let more = missing.into_iter().map(|(names, absent)| {
            let verb = if names == "LPIPS" { "is" } else { "are" };
            format!("{names} {verb} not measured: {}.", not_here(&absent))
        });
        notes.extend(more);
        let ComputeOptions { device, precision } = wanted.compute;
        id.push_str(&format!("device={};dtype={}", device.name(), precision.name()));
        Ok(Self { features, lpips, id, notes })
    }

    /// What a reader should know, in sentences: which measures there are none of, and why.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether a network is not here.
    #[must_use]
    pub fn are_missing(&self) -> bool {
        self.features.is_none() || self.lpips.is_none()
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn read_captions(&self) -> bool {
        self.features.is_some()
    }

    /// Whether no network is installed.
    pub(crate) fn are_none(&self) -> bool {
        self.features.is_none() && self.lpips.is_none()
    }

    /// What DINO sees of a whole image or a crop, squashed.
    pub(crate) fn dino_tokens(&self, pixels: &Pixels) -> Result<DinoTokens, String> {
        let networks = self.features.as_ref().ok_or_else(|| "DINO is not installed".to_owned())?;
        networks.dino_tokens(pixels).map_err(said)
    }

    /// Each image goes through each network once; `None` if there are none.
    pub(crate) fn look(&self, pixels: &Pixels) -> Option<Seen> {
        if self.are_none() {
            return None;
        }
        let features = self.features.as_ref().map(|networks| {
            let features = networks.of(pixels).map_err(said)?;
            let keys = Tokens::new(&features.squashed.keys, features.squashed.width);
            let structure = match keys {
                Some(keys) => SelfSimilarity::of(&keys).map_err(said),
                None => Err("the network has no patches of the image".to_owned()),
            };
            Ok(Features { clip: features.clip, dino: features.dino, structure })
        });
        let lpips = self.lpips.as_ref().map(|network| {
            let scaled = resize_bicubic(pixels, LPIPS_SIDE, LPIPS_SIDE);
            let numbers: Vec<f32> = scaled.rgb().iter().map(|value| f32::from(*value) / 255.0).collect();
            network.features(&numbers, (LPIPS_SIDE, LPIPS_SIDE)).map_err(said)
        });
        Some(Seen { features, lpips })
    }

    fn compare(&self, reference: &Seen, candidate: &Seen) -> Numbers {
        let mut numbers = Numbers::new();
        if let (Some(one), Some(other)) = (&reference.features, &candidate.features) {
            let pair = one.as_ref().and_then(|one| Ok((one, other.as_ref()?))).map_err(Clone::clone);
            let of = |measure: &dyn Fn(&Features, &Features) -> Result<f64, String>| {
                pair.clone().and_then(|(one, other)| measure(one, other))
            };
            numbers.insert("clip_i", of(&|one, other| cosine(&one.clip, &other.clip).map_err(said)));
            numbers.insert("dino", of(&|one, other| cosine(&one.dino, &other.dino).map_err(said)));
            let structure = |one: &Features, other: &Features| {
                let (one, other) = (one.structure.as_ref(), other.structure.as_ref());
                one.map_err(Clone::clone)?.distance(other.map_err(Clone::clone)?).map_err(said)
            };
            numbers.insert("structure", of(&structure));
        }
        if let (Some(network), Some(one), Some(other)) = (&self.lpips, &reference.lpips, &candidate.lpips) {
            let pair = one.as_ref().and_then(|one| Ok((one, other.as_ref()?))).map_err(Clone::clone);
            let distance = pair.and_then(|(one, other)| network.distance_between(one, other).map_err(said));
            numbers.insert("lpips", distance);
        }
        numbers
    }

    fn caption(&self, caption: &str, seen: &Seen) -> Option<Result<f64, String>> {
        let networks = self.features.as_ref()?;
        let features = seen.features.as_ref()?.as_ref().map_err(Clone::clone);
        Some(features.and_then(|features| {
            let text = networks.clip_text(caption).map_err(said)?;
            cosine(&features.clip, &text).map_err(said)
        }))
    }
}

/// What networks see of a round.
#[derive(Debug, Default)]
pub(crate) struct NetworkNumbers {
    /// With `clip_t`, where there is a caption.
    pub(crate) vs_source: Numbers,
    pub(crate) vs_previous: Numbers,
}

impl NetworkNumbers {
    /// The first round has no previous one but the source.
    pub(crate) fn of(
        networks: &Networks,
        source: &Seen,
        previous: Option<&Seen>,
        seen: &Seen,
        caption: Option<&str>,
    ) -> Self {
        let mut vs_source = networks.compare(source, seen);
        let vs_previous = match previous {
            Some(previous) => networks.compare(previous, seen),
            None => vs_source.clone(),
        };
        if let Some(number) = caption.and_then(|caption| networks.caption(caption, seen)) {
            vs_source.insert("clip_t", number);
        }
        Self { vs_source, vs_previous }
    }
}

/// What there is of one image; `None` where a network is not here.
pub(crate) struct Seen {
    features: Option<Result<Features, String>>,
    lpips: Option<Result<LpipsFeatures, String>>,
}

struct Features {
    clip: Vec<f32>,
    dino: Vec<f32>,
    structure: Result<SelfSimilarity, String>,
}

pub(crate) fn said(error: impl Display) -> String {
    error.to_string()
}

/// Absent weights by their id.
type Found = Result<Located, String>;

fn find(wanted: &NetworkWeights, given: Option<&PathBuf>, member: Member) -> Result<Found, ObserverError> {
    if let Some(given) = given {
        let path = given_or_pulled(Some(given), Model::Clip, &wanted.places)?;
        let sha256 = sha256_of_weights(&path, &wanted.places.models_dir)?;
        return Ok(Ok(Located { weights: path.clone(), path, sha256 }));
    }
    match locate_member(&member, &wanted.places, Hashing::Recorded) {
        Ok(located) => Ok(Ok(located)),
        Err(StoreError::Missing { id, .. }) => Ok(Err(format!("`{id}`"))),
        Err(error) => Err(ObserverError::NotHere(error)),
    }
}

fn both(one: Found, other: Found) -> Result<[Located; 2], String> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok([one, other]),
        (Err(one), Err(other)) => Err(format!("{one}, {other}")),
        (Err(absent), Ok(_)) | (Ok(_), Err(absent)) => Err(absent),
    }
}

fn not_here(absent: &str) -> String {
    format!("weights {absent} of the set `{NETWORKS_SET}` are not installed")
}
