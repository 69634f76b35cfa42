//! Requests to an image generator and its answers, and the port that providers implement.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    ContentHash, Failure, ImageFormat, Outcome, SampleId, Usd, WholeReply, WorkKey, ids::hash_parts,
};

/// An image that is sent along: original bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct InputImage {
    pub hash: ContentHash,
    pub format: ImageFormat,
    pub bytes: Arc<[u8]>,
}

impl InputImage {
    #[must_use]
    pub fn new(format: ImageFormat, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { hash: ContentHash::of(&bytes), format, bytes }
    }
}

impl fmt::Debug for InputImage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "InputImage({}, {} bytes)", self.hash, self.bytes.len())
    }
}

/// Which size is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeRequest {
    Pixels {
        width: u32,
        height: u32,
    },
    /// Sides in the ratio of width to height; the provider chooses the pixels.
    Aspect {
        width: u32,
        height: u32,
    },
}

impl SizeRequest {
    /// Reads `1024x1536` or `16:9`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let pair = |separator: char| {
            let (width, height) = text.split_once(separator)?;
            let side = |text: &str| text.parse::<u32>().ok().filter(|side| (1..=65_536).contains(side));
            Some((side(width)?, side(height)?))
        };
        let pixels = pair('x').map(|(width, height)| Self::Pixels { width, height });
        pixels.or_else(|| pair(':').map(|(width, height)| Self::Aspect { width, height }))
    }

    /// Whether an image of this size is what was asked for; a ratio may be off by two in a hundred, because
    /// providers round sides to multiples.
    #[must_use]
    pub fn allows(self, width: u32, height: u32) -> bool {
        match self {
            Self::Pixels { width: asked_width, height: asked_height } => {
                (width, height) == (asked_width, asked_height)
            }
            Self::Aspect { width: asked_width, height: asked_height } => {
                let ratio = f64::from(width) * f64::from(asked_height);
                let asked = f64::from(height) * f64::from(asked_width);
                (ratio - asked).abs() <= 0.02 * asked
            }
        }
    }
}

impl fmt::Display for SizeRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pixels { width, height } => write!(formatter, "{width}x{height}"),
            Self::Aspect { width, height } => write!(formatter, "{width}:{height}"),
        }
    }
}

/// How the image shall be; what is `None` is left to the provider and not sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageParameters {
    pub size: Option<SizeRequest>,
    /// In the provider's own words, such as `low` or `hd`.
    pub quality: Option<String>,
    /// In the provider's own words, such as `transparent`.
    pub background: Option<String>,
    pub output_format: Option<ImageFormat>,
}

/// An earlier round of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub prompt: String,
    /// What the user sent along in that round.
    pub images: Vec<InputImage>,
    pub answer: InputImage,
    /// State that the provider returned to continue from: [`Answer::state`].
    pub state: Option<String>,
}

/// One image that is asked for: text to image; with `images` an edit; with `history` a further round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRequest {
    pub id: SampleId,
    /// As sent: after rewriter, template and prefix.
    pub prompt: String,
    pub system: Option<String>,
    pub images: Vec<InputImage>,
    /// Says where `images[0]` may change, in the provider's convention.
    pub mask: Option<InputImage>,
    /// Oldest first.
    pub history: Vec<Turn>,
    pub parameters: ImageParameters,
    pub seed: Option<u64>,
}

impl ImageRequest {
    /// A request for an image of words alone.
    #[must_use]
    pub fn of_prompt(id: SampleId, prompt: impl Into<String>) -> Self {
        Self {
            id,
            prompt: prompt.into(),
            system: None,
            images: vec![],
            mask: None,
            history: vec![],
            parameters: ImageParameters::default(),
            seed: None,
        }
    }

    /// What a provider without conversations is given to edit: the last answer, then what is sent along now.
    #[must_use]
    pub fn images_to_edit(&self) -> Vec<&InputImage> {
        self.history.last().map(|turn| &turn.answer).into_iter().chain(&self.images).collect()
    }

    /// The first thing asked for here that a provider with these capabilities would ignore.
    #[must_use]
    pub fn unsupported_by(&self, can: Capabilities) -> Option<RequestPart> {
        let parameters = &self.parameters;
        let pixels = matches!(parameters.size, Some(SizeRequest::Pixels { .. }));
        let aspect = matches!(parameters.size, Some(SizeRequest::Aspect { .. }));
        let asked = [
            (pixels, can.size_in_pixels, RequestPart::SizeInPixels),
            (aspect, can.aspect_ratio, RequestPart::AspectRatio),
            (parameters.quality.is_some(), can.quality, RequestPart::Quality),
            (parameters.background.is_some(), can.background, RequestPart::Background),
            (parameters.output_format.is_some(), can.output_format, RequestPart::OutputFormat),
            (self.seed.is_some(), can.seed, RequestPart::Seed),
            (self.system.is_some(), can.system, RequestPart::System),
            (!self.images.is_empty(), can.edit, RequestPart::ImageToEdit),
            (self.images.len() > 1, can.several_images, RequestPart::SeveralImages),
            (self.mask.is_some(), can.mask, RequestPart::Mask),
            (!self.history.is_empty(), can.rounds, RequestPart::FurtherRounds),
        ];
        asked.into_iter().find(|(asked, can, _)| *asked && !can).map(|(_, _, part)| part)
    }

    /// Everything that can change the answer of this generator, hashed.
    #[must_use]
    pub fn work_key(&self, generator: &EndpointMeta) -> WorkKey {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let image = |image: &InputImage| image.hash.to_string();
        let mut parts = vec!["generation".to_owned()];
        parts.extend([&generator.provider, &generator.endpoint, &generator.model].map(String::clone));
        parts.push(generator.version.to_string());
        parts.extend([self.id.to_string(), self.prompt.clone(), text(&self.system)]);
        parts.push(self.parameters.size.map_or_else(String::new, |size| size.to_string()));
        parts.extend([text(&self.parameters.quality), text(&self.parameters.background)]);
        parts.push(self.parameters.output_format.map_or("", ImageFormat::extension).to_owned());
        parts.push(self.seed.map_or_else(String::new, |seed| seed.to_string()));
        parts.push(self.mask.as_ref().map_or_else(String::new, image));
        parts.push(self.images.len().to_string());
        parts.extend(self.images.iter().map(image));
        for turn in &self.history {
            parts.extend([turn.prompt.clone(), image(&turn.answer), text(&turn.state)]);
            parts.push(turn.images.len().to_string());
            parts.extend(turn.images.iter().map(image));
        }
        WorkKey::new(hash_parts(parts.iter().map(String::as_str)))
    }
}

/// Who answers: a generator, a judge or a rewriter, exactly enough to know whether two answers have the same origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointMeta {
    /// The kind of interface, such as `openai-images`.
    pub provider: String,
    /// Base URL without secrets; empty if there is none.
    pub endpoint: String,
    /// The model's name at the provider, or the command.
    pub model: String,
    /// Raised whenever our code would send another request for the same input.
    pub version: u32,
}

/// A part of a request that not every provider understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPart {
    SizeInPixels,
    AspectRatio,
    Quality,
    Background,
    OutputFormat,
    Seed,
    System,
    ImageToEdit,
    SeveralImages,
    Mask,
    FurtherRounds,
}

impl RequestPart {
    /// In words, such as `a mask`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::SizeInPixels => "a size in pixels",
            Self::AspectRatio => "an aspect ratio",
            Self::Quality => "a quality",
            Self::Background => "a background",
            Self::OutputFormat => "an output format",
            Self::Seed => "a seed",
            Self::System => "a system prompt",
            Self::ImageToEdit => "an image to edit",
            Self::SeveralImages => "several images",
            Self::Mask => "a mask",
            Self::FurtherRounds => "further rounds",
        }
    }
}

/// What a provider understands; anything else is refused before the first call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    pub size_in_pixels: bool,
    pub aspect_ratio: bool,
    pub quality: bool,
    pub background: bool,
    pub output_format: bool,
    pub seed: bool,
    pub system: bool,
    pub edit: bool,
    pub several_images: bool,
    pub mask: bool,
    /// Further rounds, in a conversation or by editing the last answer.
    pub rounds: bool,
    /// Further rounds in a conversation: the model sees what was asked and answered before. Without it, rounds edit the last
    /// answer.
    pub conversation: bool,
}

/// What a model knows of earlier rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoundContext {
    /// A conversation where the provider has one, else the last answer.
    #[default]
    Any,
    /// Everything that was asked and answered before, in the provider's own history.
    Conversation,
    /// The last answer alone: each round is a call of its own.
    Fresh,
    /// There are no rounds: all instructions are given in one call.
    Once,
}

impl RoundContext {
    /// As facts of a run name it; `None` for [`Self::Any`], which is not named.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Conversation => Some("conversation"),
            Self::Fresh => Some("fresh"),
            Self::Once => Some("once"),
        }
    }
}

/// Tokens that a provider counted; `None` where it did not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub text_input: Option<u64>,
    pub image_input: Option<u64>,
    /// Tokens of input that were read from the provider's cache; included in the two above.
    pub cached_input: Option<u64>,
    /// Text, thoughts included.
    pub text_output: Option<u64>,
    pub image_output: Option<u64>,
}

impl Usage {
    /// No call has more tokens.
    const MAX_TOKENS: u64 = 1_000_000_000;

    /// The counts, unless one is too high to be true: then none is believed.
    #[must_use]
    pub fn or_untold(self) -> Self {
        let counts =
            [self.text_input, self.image_input, self.cached_input, self.text_output, self.image_output];
        if counts.into_iter().flatten().all(|count| count <= Self::MAX_TOKENS) {
            self
        } else {
            Self::default()
        }
    }

    /// The sum of both, where at least one of them counted.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
        };
        Self {
            text_input: sum(self.text_input, other.text_input),
            image_input: sum(self.image_input, other.image_input),
            cached_input: sum(self.cached_input, other.cached_input),
            text_output: sum(self.text_output, other.text_output),
            image_output: sum(self.image_output, other.image_output),
        }
    }
}

impl Cost {
    /// The sum of both, on both bases.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let basis = if self.basis == other.basis {
            self.basis
        } else {
            format!("{} and {}", self.basis, other.basis)
        };
        Self { amount: self.amount + other.amount, basis }
    }
}

/// What a call cost, or is thought to cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    pub amount: Usd,
    /// In a few words, such as `usage x catalogue price of 2026-11-01`.
    pub basis: String,
}

/// How a call ended, with everything that is worth keeping of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The image's bytes as they came, not decoded yet; or why there are none.
    pub outcome: Outcome<Vec<u8>>,
    pub usage: Usage,
    /// `None`: not known.
    pub cost: Option<Cost>,
    /// The prompt that the provider reports to have used instead.
    pub revised_prompt: Option<String>,
    /// State needed to continue with a further round, such as a response id; opaque.
    pub state: Option<String>,
    /// The reply's text with images cut out and keys redacted; what a command wrote to stderr.
    pub raw: String,
    /// The same reply in full: to be kept unless its image is safely stored and it held no other.
    pub whole: Option<WholeReply>,
    /// An unusable reply to an earlier attempt that may have been billed; always stored.
    pub unused: Option<WholeReply>,
    /// Known costs of unusable replies to earlier attempts, in addition to `cost`.
    pub wasted: Option<Cost>,
    /// How often the request was sent.
    pub tries: u32,
    /// How many of these ended without their answer arriving though the provider may have done, and billed, the work.
    pub lost_tries: u32,
    /// Set if no further call can succeed either; reported here instead of as an error if attempts were lost before.
    pub down: Option<ProviderDown>,
}

impl Answer {
    /// Of a call that was not permitted to send anything.
    #[must_use]
    pub fn not_sent() -> Self {
        Self {
            outcome: Outcome::Failed(Failure::not_sent()),
            usage: Usage::default(),
            cost: None,
            revised_prompt: None,
            state: None,
            raw: String::new(),
            whole: None,
            unused: None,
            wasted: None,
            tries: 0,
            lost_tries: 0,
            down: None,
        }
    }
}

/// Who is asked before anything is sent: waits for limits and pauses are over by then.
#[async_trait]
pub trait Permit: Send + Sync {
    /// Whether the request may be sent now; `lost_tries` of this call were sent before and may have been billed.
    async fn may_send(&self, lost_tries: u32) -> bool;

    /// Takes note of what the replies to this call that could not be used are known to have cost, all together. It
    /// counts before anything is sent again.
    fn note_wasted(&self, _amount: Usd) {}

    /// Returns when nothing more may be sent, so that nobody waits for his turn in vain; perhaps never.
    async fn revoked(&self);
}

/// Permits everything.
#[derive(Debug, Clone, Copy)]
pub struct Always;

#[async_trait]
impl Permit for Always {
    async fn may_send(&self, _lost_tries: u32) -> bool {
        true
    }

    async fn revoked(&self) {
        std::future::pending().await
    }
}

/// A provider cannot work at all (bad key, unknown model, empty account): going on is pointless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderDown {
    pub message: String,
    /// How to repair it.
    pub hint: String,
}

/// Makes images.
#[async_trait]
pub trait Generator: Send + Sync {
    fn meta(&self) -> &EndpointMeta;

    fn capabilities(&self) -> Capabilities;

    /// What one call is thought to cost at most; `None` if no price is known.
    fn estimate(&self, request: &ImageRequest) -> Option<Cost>;

    /// Asks for one image, trying again where that can help. Without permission to send even once it gives
    /// [`Answer::not_sent`].
    ///
    /// # Errors
    /// If no further call can succeed either, and no try was lost. Everything else is an outcome of this one.
    async fn generate(&self, request: &ImageRequest, permit: &dyn Permit) -> Result<Answer, ProviderDown>;
}

/// How a question to a chat model ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TextAnswer {
    /// The words without the blanks around them, never empty; or why there are none.
    pub outcome: Outcome<String>,
    pub usage: Usage,
    /// `None`: not known.
    pub cost: Option<Cost>,
    /// The reply's text, keys redacted.
    pub raw: String,
    /// The same in full: to be kept unless the outcome is an answer.
    pub whole: Option<WholeReply>,
    /// As [`Answer::unused`].
    pub unused: Option<WholeReply>,
    /// As [`Answer::wasted`].
    pub wasted: Option<Cost>,
    pub tries: u32,
    /// As [`Answer::lost_tries`].
    pub lost_tries: u32,
    /// As [`Answer::down`].
    pub down: Option<ProviderDown>,
}

/// Rewrites prompts before they are sent, with a model.
#[async_trait]
pub trait Rewriter: Send + Sync {
    /// Provider, model and instructions: everything that can change the answer.
    fn meta(&self) -> &EndpointMeta;

    /// As [`Generator::estimate`].
    fn estimate(&self, prompt: &str) -> Option<Cost>;

    /// # Errors
    /// As [`Generator::generate`].
    async fn rewrite(&self, prompt: &str, permit: &dyn Permit) -> Result<TextAnswer, ProviderDown>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CaseId;

    #[test]
    fn counts_that_cannot_be_true_are_not_believed() {
        let usage = Usage { text_input: Some(7), image_output: Some(4160), ..Usage::default() };
        assert_eq!(usage.or_untold(), usage);
        for absurd in
            [Usage { text_input: Some(1 << 62), ..usage }, Usage { image_output: Some(u64::MAX), ..usage }]
        {
            assert_eq!(absurd.or_untold(), Usage::default());
        }
    }

    #[test]
    fn sizes_are_read_and_held_against_images() {
        let size = SizeRequest::parse("1024x1536").unwrap();
        assert_eq!(size.to_string(), "1024x1536");
        assert!(size.allows(1024, 1536) && !size.allows(1536, 1024));
        let wide = SizeRequest::parse("16:9").unwrap();
        assert!(wide.allows(1344, 768) && !wide.allows(1024, 1024) && !wide.allows(768, 1344));
        for text in ["", "x", "0x4", "-1x4", "1024", "9999999x2", "a:b"] {
            assert_eq!(SizeRequest::parse(text), None, "{text}");
        }
    }

    fn request() -> ImageRequest {
        ImageRequest::of_prompt(SampleId::new(CaseId::new("00001"), 0), "a cat")
    }

    #[test]
    fn what_a_provider_would_ignore_is_named() {
        let mut asked = request();
        assert_eq!(asked.unsupported_by(Capabilities::default()), None);
        asked.mask = Some(InputImage::new(ImageFormat::Png, vec![1]));
        assert_eq!(asked.unsupported_by(Capabilities::default()), Some(RequestPart::Mask));
        asked.parameters.size = SizeRequest::parse("64x64");
        let can = Capabilities { mask: true, aspect_ratio: true, ..Capabilities::default() };
        assert_eq!(asked.unsupported_by(can), Some(RequestPart::SizeInPixels));
        asked.parameters.size = SizeRequest::parse("1:1");
        assert_eq!(asked.unsupported_by(can), None);
    }

    #[test]
    fn everything_that_can_change_the_answer_changes_the_work_key() {
        let meta = EndpointMeta {
            provider: "p".to_owned(),
            endpoint: "e".to_owned(),
            model: "m".to_owned(),
            version: 1,
        };
        let picture = InputImage::new(ImageFormat::Png, vec![1, 2, 3]);
        let turn = Turn { prompt: "b".to_owned(), images: vec![], answer: picture.clone(), state: None };
        let changes: [fn(&mut ImageRequest); 10] = [
            |request| request.id.ordinal = 1,
            |request| request.id.round = 2,
            |request| request.prompt.push('s'),
            |request| request.system = Some("s".to_owned()),
            |request| request.parameters.size = SizeRequest::parse("1:1"),
            |request| request.parameters.quality = Some("low".to_owned()),
            |request| request.parameters.background = Some("low".to_owned()),
            |request| request.parameters.output_format = Some(ImageFormat::Png),
            |request| request.seed = Some(0),
            |_| (),
        ];
        let mut keys: Vec<WorkKey> = changes
            .iter()
            .map(|change| {
                let mut request = request();
                change(&mut request);
                request.work_key(&meta)
            })
            .collect();
        keys.push(ImageRequest { images: vec![picture.clone()], ..request() }.work_key(&meta));
        keys.push(ImageRequest { mask: Some(picture), ..request() }.work_key(&meta));
        keys.push(ImageRequest { history: vec![turn.clone()], ..request() }.work_key(&meta));
        let later = Turn { state: Some("id".to_owned()), ..turn };
        keys.push(ImageRequest { history: vec![later], ..request() }.work_key(&meta));
        keys.push(request().work_key(&EndpointMeta { version: 2, ..meta }));
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
