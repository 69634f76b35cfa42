//! What calls cost, and what they are thought to cost before: tokens or images times the catalog's prices.
//!
//! Where a number is missing the answer is `None` (unknown), never a smaller amount.

use imgeval_core::{Cost, ImageParameters, ImageRequest, Usage, Usd};

use crate::catalogue::{ImagePrice, ModelEntry, OutputTokens, Prices};

/// English has about four characters a token and other languages fewer: three errs to the dear side.
const CHARACTERS_PER_TOKEN: u64 = 3;

/// What an image that is sent along counts for about where nothing is known of the model; for limits of tokens, never for costs.
const TOKENS_PER_IMAGE: u64 = 1300;

/// The tokens of a call, in and out, as far as they can be told beforehand: what the limit of tokens a minute is held against.
#[must_use]
pub fn estimate_tokens(entry: Option<&ModelEntry>, request: &ImageRequest) -> u64 {
    match entry {
        Some(entry) => entry.estimate_tokens(request),
        None => text_tokens(request) + TOKENS_PER_IMAGE * count_images(request),
    }
}

/// As [`estimate_tokens`], of a question that is answered in words.
pub(crate) fn estimate_question_tokens<'a>(texts: impl Iterator<Item = &'a str>, n_images: usize) -> u64 {
    texts.map(estimate_text_tokens).sum::<u64>() + TOKENS_PER_IMAGE * n_images as u64
}

impl ModelEntry {
    /// What a call that returned an image cost: the counted tokens at their prices, and where the image is not among them the
    /// price of one image. `None` if a price that is needed is not listed.
    #[must_use]
    pub fn cost(&self, usage: &Usage, parameters: &ImageParameters) -> Option<Cost> {
        let has_token_prices = self.prices.image_output.is_some() || self.prices.text_output.is_some();
        if usage.image_output.is_some() && has_token_prices {
            return self.cost_without_image(usage);
        }
        let (row, is_exact) = dearest(&self.prices.images, parameters)?;
        let which = if is_exact { "" } else { ", the most expensive of the options left open" };
        // A model that calls another one for the image is paid by tokens besides.
        let is_counted = usage.text_output.is_some() && has_token_prices;
        let (tokens, besides) =
            if is_counted { (self.prices.of_tokens(usage)?, "counted tokens and ") } else { (Usd::ZERO, "") };
        let basis = format!("{besides}catalog price per image of {}{which}", self.as_of);
        Some(Cost { amount: row.price + tokens, basis })
    }

    /// What a call cost that returned text alone; `None` if a price that is needed is not listed, or nothing was counted.
    #[must_use]
    pub fn cost_without_image(&self, usage: &Usage) -> Option<Cost> {
        let is_counted = usage.text_output.is_some() || usage.image_output.is_some();
        let amount = is_counted.then(|| self.prices.of_tokens(usage))??;
        Some(Cost { amount, basis: format!("counted tokens x catalog price of {}", self.as_of) })
    }

    /// Whether estimates, and with them limits on the cost, are possible.
    #[must_use]
    pub fn has_price(&self) -> bool {
        self.estimate_output(&ImageParameters::default()).is_some()
    }

    /// What a call is thought to cost at most: prompt at three characters a token, images sent along, one image out. Size and
    /// quality that are not asked for, or `auto`, count as the dearest listed. What a model writes or thinks besides the image
    /// is not in it, because nothing bounds it.
    #[must_use]
    pub fn estimate(&self, request: &ImageRequest) -> Option<Cost> {
        let (output, is_exact) = self.estimate_output(&request.parameters)?;
        let mut basis = format!("estimate at catalog prices of {}", self.as_of);
        if !is_exact {
            basis.push_str(", the most expensive size and quality left open");
        }
        let mut amount = output;
        // Models that are paid per image alone take their input for nothing.
        if self.prices.text_input.is_some() || !self.prices.images_alone() {
            let (text, images) = self.estimate_input_tokens(request);
            amount += per_million(self.prices.text_input?, text);
            if count_images(request) > 0 {
                amount += per_million(self.prices.image_input.or(self.prices.text_input)?, images?);
            }
        }
        Some(Cost { amount, basis })
    }

    /// The tokens of a call, in and out, as far as they can be told beforehand.
    #[must_use]
    pub fn estimate_tokens(&self, request: &ImageRequest) -> u64 {
        let (text, images) = self.estimate_input_tokens(request);
        let output = dearest(&self.output_tokens, &request.parameters).map_or(0, |(row, _)| row.tokens);
        text + images.unwrap_or_else(|| TOKENS_PER_IMAGE * count_images(request)) + output
    }

    /// Of text, and of images if that is known.
    fn estimate_input_tokens(&self, request: &ImageRequest) -> (u64, Option<u64>) {
        let images = self.estimate_input_image_tokens().map(|tokens| count_images(request) * tokens);
        (text_tokens(request), images)
    }

    /// What a question that is answered in words is thought to cost at most, its answer as long as `n_output_tokens`. `None`
    /// if a price is not listed, or images go along and their tokens are not known.
    #[must_use]
    pub fn estimate_question<'a>(
        &self,
        texts: impl Iterator<Item = &'a str>,
        n_images: u64,
        n_output_tokens: u64,
    ) -> Option<Cost> {
        let mut tokens: u64 = texts.map(estimate_text_tokens).sum();
        let mut amount = per_million(self.prices.text_input?, tokens)
            + per_million(self.prices.text_output?, n_output_tokens);
        if n_images > 0 {
            let images = n_images * self.estimate_input_image_tokens()?;
            amount += per_million(self.prices.image_input.or(self.prices.text_input)?, images);
            tokens += images;
        }
        let basis = format!(
            "estimate at catalog prices of {}: {tokens} input tokens, {n_output_tokens} output tokens",
            self.as_of
        );
        Some(Cost { amount, basis })
    }

    fn estimate_output(&self, parameters: &ImageParameters) -> Option<(Usd, bool)> {
        if let Some(price) = self.prices.image_output
            && let Some((row, is_exact)) = dearest(&self.output_tokens, parameters)
        {
            return Some((per_million(price, row.tokens), is_exact));
        }
        dearest(&self.prices.images, parameters).map(|(row, is_exact)| (row.price, is_exact))
    }

    /// Without a number of the vendor, an image in is taken for as many tokens as the largest image out.
    fn estimate_input_image_tokens(&self) -> Option<u64> {
        self.input_image_tokens.or_else(|| self.output_tokens.iter().map(|row| row.tokens).max())
    }
}

impl Prices {
    fn images_alone(&self) -> bool {
        !self.images.is_empty() && self.image_output.is_none() && self.text_output.is_none()
    }

    /// `None` if tokens were counted whose price is not listed.
    pub(crate) fn of_tokens(&self, usage: &Usage) -> Option<Usd> {
        let tokens = |count: Option<u64>| count.unwrap_or(0);
        let (text, image) = (tokens(usage.text_input), tokens(usage.image_input));
        let text_price = price_of(self.text_input, text)?;
        let image_price = price_of(self.image_input, image)?;
        let cached_text_price = self.cached_text_input.unwrap_or(text_price).min(text_price);
        let cached_image_price = self.cached_image_input.unwrap_or(image_price).min(image_price);
        // Providers do not say which of the tokens were cached. They are taken for those that have a price for it, of two kinds
        // for those that save less.
        let cached = tokens(usage.cached_input).min(text.saturating_add(image));
        let saved_text = text_price - cached_text_price;
        let saved_image = image_price - cached_image_price;
        let text_first = match (self.cached_text_input, self.cached_image_input) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(_), Some(_)) => saved_text <= saved_image,
        };
        let (cached_text, cached_image) = if text_first {
            (cached.min(text), cached - cached.min(text))
        } else {
            (cached - cached.min(image), cached.min(image))
        };
        let amount = [
            (text_price, text - cached_text),
            (cached_text_price, cached_text),
            (image_price, image - cached_image),
            (cached_image_price, cached_image),
            (price_of(self.text_output, tokens(usage.text_output))?, tokens(usage.text_output)),
            (price_of(self.image_output, tokens(usage.image_output))?, tokens(usage.image_output)),
        ];
        Some(amount.into_iter().map(|(price, count)| per_million(price, count)).sum())
    }
}

fn price_of(price: Option<Usd>, count: u64) -> Option<Usd> {
    if count == 0 { Some(price.unwrap_or(Usd::ZERO)) } else { price }
}

/// Rounded up to a billionth of a dollar.
fn per_million(price: Usd, tokens: u64) -> Usd {
    let nanos = (i128::from(price.nanos()) * i128::from(tokens)).div_euclid(1_000_000);
    let is_rest = (i128::from(price.nanos()) * i128::from(tokens)) % 1_000_000 != 0;
    Usd::from_nanos(i64::try_from(nanos + i128::from(is_rest)).unwrap_or(i64::MAX))
}

/// Of the prompt and all that goes along in words.
fn text_tokens(request: &ImageRequest) -> u64 {
    let earlier = request.history.iter().map(|turn| turn.prompt.as_str());
    let texts = earlier.chain(request.system.as_deref()).chain([request.prompt.as_str()]);
    texts.map(estimate_text_tokens).sum()
}

fn estimate_text_tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(CHARACTERS_PER_TOKEN)
}

/// The images that go along: those of now, the mask, and the whole conversation's.
fn count_images(request: &ImageRequest) -> u64 {
    let earlier: usize = request.history.iter().map(|turn| turn.images.len() + 1).sum();
    (earlier + request.images.len() + usize::from(request.mask.is_some())) as u64
}

/// A row of a table by size and quality.
trait Row {
    fn size(&self) -> Option<&str>;
    fn quality(&self) -> Option<&str>;
    fn weight(&self) -> i64;
}

impl Row for ImagePrice {
    fn size(&self) -> Option<&str> {
        self.size.as_deref()
    }

    fn quality(&self) -> Option<&str> {
        self.quality.as_deref()
    }

    fn weight(&self) -> i64 {
        self.price.nanos()
    }
}

impl Row for OutputTokens {
    fn size(&self) -> Option<&str> {
        self.size.as_deref()
    }

    fn quality(&self) -> Option<&str> {
        self.quality.as_deref()
    }

    fn weight(&self) -> i64 {
        i64::try_from(self.tokens).unwrap_or(i64::MAX)
    }
}

/// The dearest row that can be meant, and whether all that can be meant cost the same. A size that is not listed has no row.
fn dearest<'a, R: Row>(rows: &'a [R], parameters: &ImageParameters) -> Option<(&'a R, bool)> {
    let size = parameters.size.map(|size| size.to_string());
    let quality = parameters.quality.as_deref().filter(|quality| *quality != "auto");
    let fits = |listed: Option<&str>, asked: Option<&str>| match (listed, asked) {
        (Some(listed), Some(asked)) => listed == asked,
        _ => true,
    };
    let mut meant =
        rows.iter().filter(|row| fits(row.size(), size.as_deref()) && fits(row.quality(), quality));
    let first = meant.next()?;
    Some(meant.fold((first, true), |(dearest, is_exact), row| {
        let is_exact = is_exact && row.weight() == dearest.weight();
        (if row.weight() > dearest.weight() { row } else { dearest }, is_exact)
    }))
}

#[cfg(test)]
mod tests {
    use imgeval_core::{CaseId, ImageFormat, InputImage, SampleId, SizeRequest, Turn};

    use super::*;
    use crate::{ProviderKind, catalogue::Catalogue};

    const TOKENS: &str = "
[[model]]
provider = 'openai-images'
id = 'tokens'
source = 'https://v'
as_of = '2026-11-01'
output_tokens = [
    { size = '1024x1024', quality = 'low', tokens = 272 },
    { size = '1024x1024', quality = 'high', tokens = 4160 },
    { size = '1024x1536', quality = 'high', tokens = 6240 },
]
[model.price]
text_input = 5
cached_text_input = 1.25
image_input = 10
cached_image_input = 2.5
image_output = 40

[[model]]
provider = 'openai-images'
id = 'images'
source = 'https://v'
as_of = '2026-11-01'
[model.price]
image = [
    { size = '1024x1024', quality = 'standard', usd = 0.04 },
    { size = '1024x1024', quality = 'hd', usd = 0.08 },
    { size = '1024x1792', quality = 'hd', usd = 0.12 },
]
";

    fn entry(id: &str) -> ModelEntry {
        Catalogue::with_overrides(TOKENS, "test")
            .unwrap()
            .find(ProviderKind::OpenaiImages, id)
            .unwrap()
            .clone()
    }

    fn parameters(size: &str, quality: &str) -> ImageParameters {
        let quality = Some(quality.to_owned()).filter(|quality| !quality.is_empty());
        ImageParameters { size: SizeRequest::parse(size), quality, ..ImageParameters::default() }
    }

    fn request(parameters: ImageParameters) -> ImageRequest {
        ImageRequest {
            parameters,
            ..ImageRequest::of_prompt(SampleId::new(CaseId::new("0"), 0), "a photo of a cat")
        }
    }

    #[test]
    fn counted_tokens_are_paid_at_their_prices() {
        let usage = Usage {
            text_input: Some(100),
            image_input: Some(1000),
            image_output: Some(4160),
            ..Usage::default()
        };
        let cost = entry("tokens").cost(&usage, &parameters("", "")).unwrap();
        // 100 x $5 + 1000 x $10 + 4160 x $40, a million each.
        assert_eq!(cost.amount, Usd::from_dollars(0.1769).unwrap());
        assert_eq!(cost.basis, "counted tokens x catalog price of 2026-11-01");
    }

    #[test]
    fn cached_tokens_are_taken_for_those_that_save_the_least() {
        let usage = Usage {
            text_input: Some(100),
            image_input: Some(1000),
            cached_input: Some(300),
            image_output: Some(0),
            ..Usage::default()
        };
        let cost = entry("tokens").cost(&usage, &parameters("", "")).unwrap();
        // All text cached (100 x $1.25), of the images 200 (x $2.50), the others full (800 x $10).
        assert_eq!(cost.amount, Usd::from_dollars(0.008_625).unwrap());
    }

    #[test]
    fn a_cost_with_a_price_missing_is_unknown_and_not_smaller() {
        let usage = Usage { text_output: Some(7), image_output: Some(272), ..Usage::default() };
        assert_eq!(entry("tokens").cost(&usage, &parameters("", "")), None);
        assert_eq!(entry("tokens").cost(&Usage::default(), &parameters("", "")), None);
    }

    #[test]
    fn an_image_that_is_not_among_the_counted_tokens_is_paid_besides() {
        let mut entry = entry("images");
        let usage = Usage { text_input: Some(1000), text_output: Some(100), ..Usage::default() };
        (entry.prices.text_input, entry.prices.text_output) =
            (Usd::from_dollars(2.0), Usd::from_dollars(10.0));
        // 1000 x $2 + 100 x $10, a million each, and $0.04.
        let cost = entry.cost(&usage, &parameters("1024x1024", "standard")).unwrap();
        assert_eq!(cost.amount, Usd::from_dollars(0.043).unwrap());
        assert!(cost.basis.starts_with("counted tokens and catalog price per image"));
        assert_eq!(entry.cost_without_image(&usage).unwrap().amount, Usd::from_dollars(0.003).unwrap());
        entry.prices.images.clear();
        assert_eq!(entry.cost(&usage, &parameters("1024x1024", "standard")), None);
    }

    #[test]
    fn images_without_counted_tokens_are_paid_by_size_and_quality() {
        let cost = |size, quality| entry("images").cost(&Usage::default(), &parameters(size, quality));
        let standard = cost("1024x1024", "standard").unwrap();
        assert_eq!(standard.amount, Usd::from_dollars(0.04).unwrap());
        assert_eq!(standard.basis, "catalog price per image of 2026-11-01");
        let open = cost("1024x1024", "").unwrap();
        assert_eq!(open.amount, Usd::from_dollars(0.08).unwrap());
        assert!(open.basis.ends_with("the most expensive of the options left open"));
        assert_eq!(cost("256x256", "standard"), None);
    }

    #[test]
    fn an_estimate_takes_the_dearest_of_what_was_left_open() {
        let estimate = |size, quality| entry("tokens").estimate(&request(parameters(size, quality))).unwrap();
        // 16 characters are 6 tokens: $0.00003.
        assert_eq!(estimate("1024x1024", "low").amount, Usd::from_dollars(0.010_91).unwrap());
        assert_eq!(estimate("1024x1024", "auto").amount, Usd::from_dollars(0.166_43).unwrap());
        assert_eq!(estimate("", "").amount, Usd::from_dollars(0.249_63).unwrap());
        assert!(
            estimate("", "").basis.contains("most expensive")
                && !estimate("1024x1024", "low").basis.contains("most expensive")
        );
        assert_eq!(
            entry("images").estimate(&request(parameters("", ""))).unwrap().amount.nanos(),
            120_000_000
        );
        assert_eq!(entry("tokens").estimate(&request(parameters("8x8", "low"))), None);
    }

    #[test]
    fn an_estimate_counts_the_whole_conversation() {
        let picture = InputImage::new(ImageFormat::Png, vec![1]);
        let turn = Turn { prompt: "abc".to_owned(), images: vec![], answer: picture.clone(), state: None };
        let mut request = request(parameters("1024x1024", "low"));
        request.history = vec![turn];
        request.images = vec![picture];
        // Another token of text, and two images of at most 6240 tokens x $10.
        let amount = entry("tokens").estimate(&request).unwrap().amount;
        assert_eq!(amount, Usd::from_dollars(0.010_915 + 0.1248).unwrap());
    }

    #[test]
    fn tokens_are_estimated_with_and_without_a_known_model() {
        let mut request = request(parameters("1024x1024", "low"));
        // 16 characters are 6 tokens; then the image that comes, and one that goes along.
        assert_eq!(estimate_tokens(None, &request), 6);
        assert_eq!(estimate_tokens(Some(&entry("tokens")), &request), 6 + 272);
        request.images = vec![InputImage::new(ImageFormat::Png, vec![1])];
        assert_eq!(estimate_tokens(None, &request), 6 + TOKENS_PER_IMAGE);
        assert_eq!(estimate_tokens(Some(&entry("tokens")), &request), 6 + 272 + 6240);
        assert_eq!(estimate_tokens(Some(&entry("images")), &request), 6 + TOKENS_PER_IMAGE);
    }

    #[test]
    fn fractions_of_the_smallest_amount_are_rounded_up() {
        assert_eq!(per_million(Usd::from_nanos(37_500_000), 1).nanos(), 38);
        assert_eq!(per_million(Usd::from_nanos(30_000_000), 2).nanos(), 60);
    }
}
