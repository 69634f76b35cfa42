//! One conversation under way, and the request for its next round.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::Arc,
};

use imgeval_core::{
    ImageFormat, ImageRecord, ImageRef, ImageRequest, InputImage, RoundContext, SampleId, Turn,
};
use imgeval_store::{GeneratedSample, Images, StoreError};

use super::{Conversation, GenerateSettings, GenerationCase, RoundInput, Step};

/// A conversation with what it still has to do.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) place: usize,
    pub(super) ordinal: u32,
    pub(super) steps: VecDeque<(u32, Step)>,
    /// Answers of this process, by round.
    made: BTreeMap<u32, PastAnswer>,
}

#[derive(Debug, Clone)]
struct PastAnswer {
    /// As sent.
    prompt: String,
    image: ImageRef,
    state: Option<String>,
}

/// A request whose images still lie in the store.
#[derive(Debug)]
pub(super) struct RequestPlan {
    bare: ImageRequest,
    images: Vec<ImageRef>,
    mask: Option<ImageRef>,
    history: Vec<PlannedTurn>,
}

#[derive(Debug)]
struct PlannedTurn {
    prompt: String,
    images: Vec<ImageRef>,
    answer: ImageRef,
    state: Option<String>,
}

impl Talk {
    pub(super) fn new(conversation: Conversation) -> Self {
        let Conversation { case: place, ordinal, rounds } = conversation;
        Self { place, ordinal, steps: rounds.into(), made: BTreeMap::new() }
    }

    /// Records the answer to a round, so that later rounds can continue from it.
    pub(super) fn note_answer(
        &mut self,
        round: u32,
        prompt: String,
        record: &ImageRecord,
        state: Option<String>,
    ) {
        let image = record.image();
        self.made.insert(round, PastAnswer { prompt, image, state });
    }

    pub(super) fn id(&self, case: &GenerationCase, round: u32) -> SampleId {
        SampleId { case: case.id.clone(), ordinal: self.ordinal, round }
    }

    /// The request for a round; rounds before it are done, here or in the store.
    pub(super) fn plan_request(
        &self,
        case: &GenerationCase,
        round: u32,
        have: &BTreeMap<SampleId, GeneratedSample>,
        settings: &GenerateSettings<'_>,
    ) -> RequestPlan {
        let past = |round: u32, input: &RoundInput| {
            let from_store = || {
                let sample = have.get(&self.id(case, round))?;
                let record = sample.outcome.done()?;
                let image = record.image();
                Some(PastAnswer { prompt: sample.prompt.clone(), image, state: sample.state.clone() })
            };
            let answer = self.made.get(&round).cloned().or_else(from_store)?;
            let PastAnswer { prompt, image, state } = answer;
            Some(PlannedTurn { prompt, images: input.images.clone(), answer: image, state })
        };
        let before = case.rounds.iter().take(round as usize - 1);
        let mut history: Vec<PlannedTurn> =
            (1..).zip(before).filter_map(|(round, input)| past(round, input)).collect();
        let input = &case.rounds[round as usize - 1];
        let mut images = input.images.clone();
        if settings.context == RoundContext::Fresh {
            // The last answer is an image like any other, and nothing else of the rounds before is told.
            images.splice(..0, history.drain(..).next_back().map(|turn| turn.answer));
        }
        let bare = bare_request(case, self.ordinal, round, settings);
        RequestPlan { bare, images, mask: input.mask.clone(), history }
    }
}

/// The request for a round as far as it is known before any call, its images by hash and without bytes; answers that
/// it would go on from are stood for by one that is empty. Good for an estimate, and in a first round for the work key.
#[must_use]
pub fn sketch_request(
    case: &GenerationCase,
    ordinal: u32,
    round: u32,
    settings: &GenerateSettings<'_>,
) -> ImageRequest {
    let named = |image: &ImageRef| InputImage {
        hash: image.hash.clone(),
        format: image.format,
        bytes: Arc::from([]),
    };
    let format = settings.parameters.output_format.unwrap_or(ImageFormat::Png);
    let answer = || InputImage::new(format, Vec::new());
    let turn = |input: &RoundInput| Turn {
        prompt: input.prompt.clone(),
        images: input.images.iter().map(named).collect(),
        answer: answer(),
        state: None,
    };
    let input = &case.rounds[round as usize - 1];
    let is_fresh = settings.context == RoundContext::Fresh;
    let last = (is_fresh && round > 1).then(answer);
    let n_told = if is_fresh { 0 } else { round as usize - 1 };
    ImageRequest {
        images: last.into_iter().chain(input.images.iter().map(named)).collect(),
        mask: input.mask.as_ref().map(named),
        history: case.rounds.iter().take(n_told).map(turn).collect(),
        ..bare_request(case, ordinal, round, settings)
    }
}

/// Without images and history.
fn bare_request(
    case: &GenerationCase,
    ordinal: u32,
    round: u32,
    settings: &GenerateSettings<'_>,
) -> ImageRequest {
    let id = SampleId { case: case.id.clone(), ordinal, round };
    ImageRequest {
        system: settings.system.clone(),
        parameters: settings.parameters.clone(),
        seed: settings.seed.map(|seed| seed.wrapping_add(u64::from(ordinal))),
        ..ImageRequest::of_prompt(id, case.rounds[round as usize - 1].prompt.clone())
    }
}

impl RequestPlan {
    /// Whether there is nothing to read.
    pub(super) fn is_text_only(&self) -> bool {
        self.images.is_empty() && self.mask.is_none() && self.history.is_empty()
    }

    /// Reads the images from the store. Blocking.
    pub(super) fn load(self, directory: &Path) -> Result<ImageRequest, StoreError> {
        let images = Images::at(directory);
        let load = |image: &ImageRef| -> Result<InputImage, StoreError> {
            let bytes = images.read(image)?;
            // Its hash has just been checked.
            Ok(InputImage { hash: image.hash.clone(), format: image.format, bytes: bytes.into() })
        };
        let load_all = |images: &[ImageRef]| images.iter().map(load).collect::<Result<Vec<_>, _>>();
        let turn = |turn: &PlannedTurn| -> Result<Turn, StoreError> {
            let (images, answer) = (load_all(&turn.images)?, load(&turn.answer)?);
            Ok(Turn { prompt: turn.prompt.clone(), images, answer, state: turn.state.clone() })
        };
        Ok(ImageRequest {
            images: load_all(&self.images)?,
            mask: self.mask.as_ref().map(load).transpose()?,
            history: self.history.iter().map(turn).collect::<Result<_, _>>()?,
            ..self.bare
        })
    }
}
