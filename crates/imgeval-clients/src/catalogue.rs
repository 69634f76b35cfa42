//! The catalog of models: prices, limits, retirement dates. It is data, not code: `models.toml` is built in, and
//! users add to it or replace entries with a file of the same form.

use std::num::{NonZeroU32, NonZeroUsize};

use imgeval_core::Usd;
use jiff::civil::Date;
use serde::Deserialize;

use crate::ProviderKind;

const BUILT_IN: &str = include_str!("models.toml");
const BUILT_IN_ORIGIN: &str = "built-in models.toml";

/// How many days before a model retires its users should hear of it.
const NOTICE_DAYS: i32 = 60;

/// All models known, those of users in place of built-in ones.
#[derive(Debug, Clone)]
pub struct Catalogue {
    entries: Vec<ModelEntry>,
}

/// A model at a kind of provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEntry {
    pub provider: ProviderKind,
    pub id: String,
    pub title: String,
    /// Other names of the same model, such as dated snapshots.
    pub aliases: Vec<String>,
    pub prices: Prices,
    /// Tokens of one image, where images are paid by tokens.
    pub output_tokens: Vec<OutputTokens>,
    /// Tokens that an image sent along counts for, at most; unknown where `None`.
    pub input_image_tokens: Option<u64>,
    pub limits: ModelLimits,
    /// The sizes that the model takes; empty where its vendor lists none.
    pub sizes: Vec<String>,
    /// What a size in pixels must obey, where the model takes many.
    pub size_limits: Option<SizeLimits>,
    /// The qualities that the model takes; empty where its vendor lists none.
    pub qualities: Vec<String>,
    /// The day from which the vendor may answer no more.
    pub retires: Option<Date>,
    /// What the vendor names in its place.
    pub replacement: Option<String>,
    /// The model needs to be told to send bytes instead of a link.
    pub response_format: bool,
    /// The model knows the limit of an answer's length as `max_completion_tokens` and not as `max_tokens`.
    pub max_completion_tokens: bool,
    /// The vendor's page that says so.
    pub source: String,
    /// The day on which it said so.
    pub as_of: Date,
}

/// What is not known is `None`, and then the cost is not known either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices {
    pub images: Vec<ImagePrice>,
    /// US dollars for a million tokens.
    pub text_input: Option<Usd>,
    pub image_input: Option<Usd>,
    pub cached_text_input: Option<Usd>,
    pub cached_image_input: Option<Usd>,
    pub text_output: Option<Usd>,
    pub image_output: Option<Usd>,
}

/// The price of one image; `None` stands for every size or quality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePrice {
    pub size: Option<String>,
    pub quality: Option<String>,
    pub price: Usd,
}

/// The tokens of one image; `None` stands for every size or quality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputTokens {
    pub size: Option<String>,
    pub quality: Option<String>,
    pub tokens: u64,
}

/// What the vendor lets the smallest paying account do; `None` where nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelLimits {
    pub requests_per_minute: Option<NonZeroU32>,
    pub tokens_per_minute: Option<NonZeroU32>,
    pub concurrent: Option<NonZeroUsize>,
}

/// What a size in pixels must obey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeLimits {
    /// Both sides are multiples of this.
    pub multiple_of: NonZeroU32,
    pub longest_side: u32,
    /// Largest allowed ratio of the longer side to the shorter one.
    pub ratio: u32,
    pub least_pixels: u64,
    pub most_pixels: u64,
}

/// A model is gone, or soon will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retirement {
    pub date: Date,
    pub is_over: bool,
    pub replacement: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    #[error("`{origin}`, line {line}: {message}")]
    Malformed { origin: String, line: usize, message: String },
    #[error("`{origin}`, line {line}: `{id}` of `{provider}` appears twice (as name or alias)")]
    Duplicate { origin: String, line: usize, provider: ProviderKind, id: String },
}

impl Catalogue {
    /// # Panics
    /// Never: a test reads the built-in file.
    #[must_use]
    pub fn built_in() -> Self {
        // A damaged built-in file fails this crate's tests; an empty catalog only means that no price is known.
        let entries = parse(BUILT_IN, BUILT_IN_ORIGIN).unwrap_or_default();
        Self { entries }
    }

    /// The built-in catalog with the entries of a user's file, which replace those of the same provider and id.
    ///
    /// # Errors
    /// If the text is not TOML of the catalog's form; unknown keys are refused by name.
    pub fn with_overrides(text: &str, origin: &str) -> Result<Self, CatalogueError> {
        let mut catalogue = Self::built_in();
        for entry in parse(text, origin)? {
            for other in &mut catalogue.entries {
                // A name that the user took away from a built-in entry must not be found there any more.
                if other.provider == entry.provider {
                    other.aliases.retain(|alias| !entry.is_named(alias));
                }
            }
            let is_same = |other: &&mut ModelEntry| other.provider == entry.provider && other.id == entry.id;
            match catalogue.entries.iter_mut().find(is_same) {
                Some(other) => *other = entry,
                None => catalogue.entries.push(entry),
            }
        }
        Ok(catalogue)
    }

    /// The model by its id or one of its aliases at this kind of provider.
    #[must_use]
    pub fn find(&self, kind: ProviderKind, id: &str) -> Option<&ModelEntry> {
        let mut of_kind = self.entries.iter().filter(|entry| entry.provider == kind);
        let by_id = of_kind.clone().find(|entry| entry.id == id);
        by_id.or_else(|| of_kind.find(|entry| entry.is_named(id)))
    }

    /// The entries that the other catalog has differently or not at all.
    pub fn changed_in(&self, other: &Self) -> impl Iterator<Item = &ModelEntry> {
        self.entries.iter().filter(|entry| !other.entries.contains(entry))
    }

    #[must_use]
    pub fn entries(&self) -> &[ModelEntry] {
        &self.entries
    }
}

impl ModelEntry {
    fn is_named(&self, name: &str) -> bool {
        self.id == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Whether the model is retired, or will be within 60 days of `today`.
    #[must_use]
    pub fn retirement(&self, today: Date) -> Option<Retirement> {
        let date = self.retires?;
        let days_left = (date - today).get_days();
        (days_left <= NOTICE_DAYS).then(|| Retirement {
            date,
            is_over: days_left <= 0,
            replacement: self.replacement.clone(),
        })
    }
}

fn parse(text: &str, origin: &str) -> Result<Vec<ModelEntry>, CatalogueError> {
    let line_at = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    let file: FileForm = toml::from_str(text).map_err(|error| CatalogueError::Malformed {
        origin: origin.to_owned(),
        line: line_at(error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let mut entries: Vec<ModelEntry> = Vec::new();
    for entry in file.model {
        let line = line_at(entry.span().start);
        let entry = entry.into_inner().into_entry();
        let is_taken = |name: &&String| {
            entries.iter().any(|other| other.provider == entry.provider && other.is_named(name))
        };
        if let Some(id) = entry.aliases.iter().chain([&entry.id]).find(is_taken).cloned() {
            return Err(CatalogueError::Duplicate {
                origin: origin.to_owned(),
                line,
                provider: entry.provider,
                id,
            });
        }
        entries.push(entry);
    }
    Ok(entries)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    #[serde(default)]
    model: Vec<toml::Spanned<EntryForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryForm {
    provider: KindName,
    id: Name,
    title: Option<String>,
    #[serde(default)]
    aliases: Vec<Name>,
    #[serde(default)]
    price: PriceForm,
    #[serde(default)]
    output_tokens: Vec<OutputTokensForm>,
    input_image_tokens: Option<u32>,
    #[serde(default)]
    limits: ModelLimits,
    #[serde(default)]
    sizes: Vec<Name>,
    size_limits: Option<SizeLimits>,
    #[serde(default)]
    qualities: Vec<Name>,
    retires: Option<Date>,
    replacement: Option<Name>,
    #[serde(default)]
    response_format: bool,
    #[serde(default)]
    max_completion_tokens: bool,
    source: Name,
    as_of: Date,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceForm {
    #[serde(default)]
    image: Vec<ImagePriceForm>,
    text_input: Option<Dollars>,
    image_input: Option<Dollars>,
    cached_text_input: Option<Dollars>,
    cached_image_input: Option<Dollars>,
    text_output: Option<Dollars>,
    image_output: Option<Dollars>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImagePriceForm {
    size: Option<Name>,
    quality: Option<Name>,
    usd: Dollars,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputTokensForm {
    size: Option<Name>,
    quality: Option<Name>,
    tokens: u32,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Err("must not be empty") } else { Ok(Self(text)) }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct KindName(ProviderKind);

impl TryFrom<String> for KindName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        ProviderKind::from_name(&text).map(Self).ok_or_else(|| {
            let names: Vec<&str> = ProviderKind::ALL.iter().map(|kind| kind.name()).collect();
            format!("unknown provider kind `{text}`; expected one of {}", names.join(", "))
        })
    }
}

#[derive(Deserialize)]
#[serde(try_from = "f64")]
struct Dollars(Usd);

impl TryFrom<f64> for Dollars {
    type Error = String;

    fn try_from(dollars: f64) -> Result<Self, Self::Error> {
        Usd::from_dollars(dollars).map(Self).ok_or_else(|| format!("{dollars} is not a price in US dollars"))
    }
}

impl EntryForm {
    fn into_entry(self) -> ModelEntry {
        let text = |name: Name| name.0;
        let usd = |dollars: Option<Dollars>| dollars.map(|dollars| dollars.0);
        let price = self.price;
        let image_price = |row: ImagePriceForm| ImagePrice {
            size: row.size.map(text),
            quality: row.quality.map(text),
            price: row.usd.0,
        };
        let output_tokens = |row: OutputTokensForm| OutputTokens {
            size: row.size.map(text),
            quality: row.quality.map(text),
            tokens: row.tokens.into(),
        };
        ModelEntry {
            title: self.title.unwrap_or_else(|| self.id.0.clone()),
            provider: self.provider.0,
            id: self.id.0,
            aliases: self.aliases.into_iter().map(text).collect(),
            prices: Prices {
                images: price.image.into_iter().map(image_price).collect(),
                text_input: usd(price.text_input),
                image_input: usd(price.image_input),
                cached_text_input: usd(price.cached_text_input),
                cached_image_input: usd(price.cached_image_input),
                text_output: usd(price.text_output),
                image_output: usd(price.image_output),
            },
            output_tokens: self.output_tokens.into_iter().map(output_tokens).collect(),
            input_image_tokens: self.input_image_tokens.map(u64::from),
            limits: self.limits,
            sizes: self.sizes.into_iter().map(text).collect(),
            size_limits: self.size_limits,
            qualities: self.qualities.into_iter().map(text).collect(),
            retires: self.retires,
            replacement: self.replacement.map(text),
            response_format: self.response_format,
            max_completion_tokens: self.max_completion_tokens,
            source: self.source.0,
            as_of: self.as_of,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str =
        "[[model]]\nprovider = 'openai-images'\nid = 'm'\nsource = 'https://v'\nas_of = '2026-11-01'\n";

    #[test]
    fn the_built_in_file_is_read_and_every_entry_says_where_and_when() {
        let entries = parse(BUILT_IN, BUILT_IN_ORIGIN).unwrap();
        assert!(entries.len() > 10);
        for entry in &entries {
            assert!(entry.source.starts_with("https://"), "{}", entry.id);
            assert!(entry.retires.is_some() || entry.replacement.is_none(), "{}", entry.id);
            // Sent to no other model, for newer ones refuse it.
            assert!(!entry.response_format || entry.provider == ProviderKind::OpenaiImages, "{}", entry.id);
            let is_chat = entry.provider == ProviderKind::OpenaiChat;
            assert!(!entry.max_completion_tokens || is_chat, "{}", entry.id);
        }
        assert_eq!(Catalogue::built_in().entries(), entries);
    }

    #[test]
    fn the_judges_of_published_benchmarks_are_known_with_their_end() {
        let catalogue = Catalogue::built_in();
        let retirement = |id: &str, day: &str| {
            let entry = catalogue.find(ProviderKind::OpenaiChat, id).unwrap();
            entry.retirement(day.parse().unwrap()).map(|end| (end.is_over, end.replacement.unwrap()))
        };
        let gone = Some((true, "gpt-5.6-sol".to_owned()));
        assert_eq!(retirement("gpt-4o-2024-05-13", "2026-10-23"), gone);
        assert_eq!(retirement("gpt-4o-2024-11-20", "2026-11-14"), None);
        assert_eq!(retirement("gpt-4o-2024-11-20", "2026-11-15"), Some((false, "gpt-6-luna".to_owned())));
        assert!(retirement("gpt-4o-2024-08-06", "2027-01-14").unwrap().0);
    }

    #[test]
    fn users_replace_and_add_entries_and_find_them_by_alias() {
        let text = format!("{ENTRY}aliases = ['m-2026-01-01']\n[model.price]\ntext_input = 5\n");
        let catalogue = Catalogue::with_overrides(&text, "mine.toml").unwrap();
        let entry = catalogue.find(ProviderKind::OpenaiImages, "m-2026-01-01").unwrap();
        assert_eq!((entry.title.as_str(), entry.prices.text_input), ("m", Usd::from_dollars(5.0)));
        assert_eq!(catalogue.find(ProviderKind::Gemini, "m"), None);
        let built_in = &Catalogue::built_in().entries()[0].clone();
        assert_eq!(built_in.provider, ProviderKind::OpenaiImages);
        let text = ENTRY.replace("'m'", &format!("'{}'", built_in.id));
        let replaced = Catalogue::with_overrides(&text, "x").unwrap();
        assert_eq!(replaced.entries().len(), Catalogue::built_in().entries().len());
        assert_eq!(replaced.find(built_in.provider, &built_in.id).unwrap().source, "https://v");
    }

    #[test]
    fn mistakes_in_a_users_file_are_named_with_their_line() {
        let said = |text: &str| Catalogue::with_overrides(text, "mine.toml").unwrap_err().to_string();
        let unknown = said(&format!("{ENTRY}colour = 1\n"));
        assert!(unknown.starts_with("`mine.toml`, line 6: unknown field `colour`"), "{unknown}");
        let negative = said(&format!("{ENTRY}[model.price]\ntext_input = -1.0\n"));
        assert!(negative.starts_with("`mine.toml`, line 7: -1 is not a price"), "{negative}");
        let date = said(&ENTRY.replace("2026-11-01", "2026-02-30"));
        assert!(date.starts_with("`mine.toml`, line 5:") && date.contains("date is not valid"), "{date}");
        let twice = said(&format!("{ENTRY}{ENTRY}"));
        assert_eq!(twice, "`mine.toml`, line 6: `m` of `openai-images` appears twice (as name or alias)");
        assert!(said("[[model]]\nid = ''").contains("line 2"));
        assert!(
            said(&ENTRY.replace("-images", ""))
                .contains("unknown provider kind `openai`; expected one of openai-images")
        );
        assert!(said(&ENTRY.replace("source", "#")).contains("missing field `source`"));
    }

    #[test]
    fn a_model_is_announced_as_retiring_sixty_days_before() {
        let text = format!("{ENTRY}retires = '2026-05-12'\nreplacement = 'n'\n");
        let entry = parse(&text, "x").unwrap().remove(0);
        let on = |day: &str| entry.retirement(day.parse().unwrap());
        assert_eq!(on("2026-03-12"), None);
        assert!(!on("2026-03-13").unwrap().is_over);
        let over = on("2026-05-12").unwrap();
        assert_eq!((over.is_over, over.replacement.as_deref()), (true, Some("n")));
    }
}
