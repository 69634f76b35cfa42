//! Checks against the catalog before anything is sent to a vendor. They apply only at the vendor's own address: other
//! servers may offer anything under the same names.

use imgeval_core::{ImageParameters, SizeRequest};
use jiff::civil::Date;

use crate::{Catalogue, ModelEntry, ProviderKind, Retirement, SizeLimits};

/// How many names are suggested in place of an unknown one.
const SUGGESTIONS: usize = 3;

/// A model that its vendor does not offer, as far as the catalog knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnusableModel {
    #[error("{kind} has no model `{model}` in the catalog")]
    Unknown {
        kind: ProviderKind,
        model: String,
        /// The nearest known ones, the nearest first.
        nearest: Vec<String>,
    },
    #[error("the model {model} was retired on {date}")]
    Retired { model: String, date: Date, replacement: Option<String> },
}

impl UnusableModel {
    /// What to ask for instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { nearest, .. } => format!("the nearest are {}", nearest.join(", ")),
            Self::Retired { replacement: Some(model), .. } => {
                format!("the vendor recommends {model} instead")
            }
            Self::Retired { replacement: None, .. } => "choose another model".to_owned(),
        }
    }
}

/// A size or quality that a model does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model {model} does not accept the {what} `{asked}`")]
pub struct ImpossibleRequest {
    pub model: String,
    pub what: &'static str,
    pub asked: String,
    /// What it takes.
    pub possible: String,
}

impl Catalogue {
    /// Checks that the vendor of this kind offers the model on this day.
    ///
    /// # Errors
    /// If it does not. Vendors of which nothing is listed may have any model.
    pub fn check_model(&self, kind: ProviderKind, model: &str, today: Date) -> Result<(), UnusableModel> {
        if let Some(entry) = self.find(kind, model) {
            return match entry.retirement(today) {
                Some(Retirement { date, is_over: true, replacement }) => {
                    Err(UnusableModel::Retired { model: model.to_owned(), date, replacement })
                }
                _ => Ok(()),
            };
        }
        let of_kind = || self.entries().iter().filter(|entry| entry.provider == kind);
        // A vendor that names a successor has it.
        let is_successor = of_kind().any(|entry| entry.replacement.as_deref() == Some(model));
        if of_kind().next().is_none() || is_successor {
            return Ok(());
        }
        let nearest = self.nearest(kind, model, today);
        Err(UnusableModel::Unknown { kind, model: model.to_owned(), nearest })
    }

    /// Models in use of the same vendor with the most similar names, those of other interfaces with its name before them.
    fn nearest(&self, kind: ProviderKind, model: &str, today: Date) -> Vec<String> {
        let is_in_use =
            |entry: &&ModelEntry| !entry.retirement(today).is_some_and(|retirement| retirement.is_over);
        let of_vendor = |entry: &&ModelEntry| {
            entry.provider.default_base_url() == kind.default_base_url() && !kind.is_local()
        };
        let mut names: Vec<(f64, String)> = self
            .entries()
            .iter()
            .filter(of_vendor)
            .filter(is_in_use)
            .map(|entry| {
                let similarity = strsim::normalized_damerau_levenshtein(&entry.id, model);
                match entry.provider == kind {
                    true => (similarity, entry.id.clone()),
                    // Of equal names the one of the interface that was asked for comes first.
                    false => (similarity - 0.1, format!("{}:{}", entry.provider, entry.id)),
                }
            })
            .collect();
        names.sort_by(|(one, one_name), (other, other_name)| {
            other.total_cmp(one).then_with(|| one_name.cmp(other_name))
        });
        names.into_iter().take(SUGGESTIONS).map(|(_, name)| name).collect()
    }
}

impl ModelEntry {
    /// Checks size and quality against what the model takes.
    ///
    /// # Errors
    /// If the catalog knows that the model does not take one of them.
    pub fn check_parameters(&self, parameters: &ImageParameters) -> Result<(), ImpossibleRequest> {
        let refuse = |what, asked: &str, possible: String| ImpossibleRequest {
            model: self.id.clone(),
            what,
            asked: asked.to_owned(),
            possible,
        };
        if let Some(size) = parameters.size {
            let text = size.to_string();
            if !self.sizes.is_empty() && !self.sizes.contains(&text) {
                return Err(refuse("size", &text, format!("it accepts {}", self.sizes.join(", "))));
            }
            if let (Some(limits), SizeRequest::Pixels { width, height }) = (self.size_limits, size)
                && !limits.allow(width, height)
            {
                return Err(refuse("size", &text, limits.sentence()));
            }
        }
        match &parameters.quality {
            Some(quality) if !self.qualities.is_empty() && !self.qualities.contains(quality) => {
                Err(refuse("quality", quality, format!("it accepts {}", self.qualities.join(", "))))
            }
            _ => Ok(()),
        }
    }
}

impl SizeLimits {
    fn allow(self, width: u32, height: u32) -> bool {
        let (short, long) = (width.min(height), width.max(height));
        let pixels = u64::from(width) * u64::from(height);
        width % self.multiple_of == 0
            && height % self.multiple_of == 0
            && long <= self.longest_side
            && u64::from(long) <= u64::from(short) * u64::from(self.ratio)
            && (self.least_pixels..=self.most_pixels).contains(&pixels)
    }

    fn sentence(self) -> String {
        let Self { multiple_of, longest_side, ratio, least_pixels, most_pixels } = self;
        format!(
            "its sides must be multiples of {multiple_of}, at most {longest_side} long, with an aspect ratio of at most {ratio}, and {least_pixels} to {most_pixels} pixels in total"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &str = "
[[model]]
provider = 'openai-images'
id = 'paint-9'
aliases = ['paint-9-2030-01-01']
sizes = ['64x64', '64x96']
qualities = ['fine', 'rough']
source = 'https://v'
as_of = '2030-01-01'
[[model]]
provider = 'openai-images'
id = 'paint-8'
size_limits = { multiple_of = 16, longest_side = 640, ratio = 3, least_pixels = 4096, most_pixels = 262144 }
retires = '2031-01-01'
replacement = 'paint-10'
source = 'https://v'
as_of = '2030-01-01'
[[model]]
provider = 'openai-chat'
id = 'chatter-3'
source = 'https://v'
as_of = '2030-01-01'
";

    fn catalogue() -> Catalogue {
        Catalogue::with_overrides(CATALOGUE, "test").unwrap()
    }

    fn check(kind: ProviderKind, model: &str, day: &str) -> Result<(), UnusableModel> {
        catalogue().check_model(kind, model, day.parse().unwrap())
    }

    #[test]
    fn unknown_models_are_refused_with_the_nearest_known_ones() {
        let kind = ProviderKind::OpenaiImages;
        for known in ["paint-9", "paint-9-2030-01-01", "paint-8", "paint-10"] {
            assert_eq!(check(kind, known, "2030-02-01"), Ok(()), "{known}");
        }
        for (unknown, day, nearest) in [
            ("paint-99", "2030-02-01", "paint-9"),
            ("piant-9", "2030-02-01", "paint-9"),
            ("paint-88", "2030-02-01", "paint-8"),
            // It is gone by then.
            ("paint-88", "2031-02-01", "paint-9"),
            ("chatter-3", "2030-02-01", "openai-chat:chatter-3"),
        ] {
            let Err(UnusableModel::Unknown { nearest: found, .. }) = check(kind, unknown, day) else {
                panic!("{unknown}")
            };
            assert_eq!((found.len(), found[0].as_str()), (3, nearest), "{unknown}");
        }
        assert_eq!(check(ProviderKind::Command, "any program", "2030-02-01"), Ok(()));
    }

    #[test]
    fn retired_models_are_refused_from_their_day_on() {
        assert_eq!(check(ProviderKind::OpenaiImages, "paint-8", "2030-12-31"), Ok(()));
        let error = check(ProviderKind::OpenaiImages, "paint-8", "2031-01-01").unwrap_err();
        assert_eq!(error.to_string(), "the model paint-8 was retired on 2031-01-01");
        assert_eq!(error.hint(), "the vendor recommends paint-10 instead");
    }

    #[test]
    fn sizes_and_qualities_that_a_model_does_not_take_are_refused() {
        let catalogue = catalogue();
        let takes = |model: &str, size: Option<&str>, quality: Option<&str>| {
            let parameters = ImageParameters {
                size: size.map(|size| SizeRequest::parse(size).unwrap()),
                quality: quality.map(str::to_owned),
                ..ImageParameters::default()
            };
            let entry = catalogue.find(ProviderKind::OpenaiImages, model).unwrap();
            entry.check_parameters(&parameters).map_err(|error| (error.to_string(), error.possible))
        };
        assert_eq!(takes("paint-9", Some("64x96"), Some("fine")), Ok(()));
        assert_eq!(takes("paint-8", None, Some("any word")), Ok(()));
        let (error, possible) = takes("paint-9", Some("96x64"), None).unwrap_err();
        assert_eq!(error, "the model paint-9 does not accept the size `96x64`");
        assert_eq!(possible, "it accepts 64x64, 64x96");
        assert!(takes("paint-9", None, Some("Fine")).unwrap_err().0.contains("the quality `Fine`"));
        for (size, is_taken) in [
            ("64x64", true),
            ("640x320", true),
            ("320x112", true),
            ("65x64", false),
            ("656x320", false),
            ("336x96", false),
            ("48x64", false),
            ("528x512", false),
        ] {
            assert_eq!(takes("paint-8", Some(size), None).is_ok(), is_taken, "{size}");
        }
    }

    #[test]
    fn the_built_in_catalogue_refuses_nothing_that_it_prices() {
        for entry in Catalogue::built_in().entries() {
            let rows = entry.prices.images.iter().map(|row| (&row.size, &row.quality));
            for (size, quality) in rows.chain(entry.output_tokens.iter().map(|row| (&row.size, &row.quality)))
            {
                let size = size.as_deref().and_then(SizeRequest::parse);
                let parameters =
                    ImageParameters { size, quality: quality.clone(), ..ImageParameters::default() };
                assert_eq!(entry.check_parameters(&parameters), Ok(()), "{}", entry.id);
            }
        }
    }
}
