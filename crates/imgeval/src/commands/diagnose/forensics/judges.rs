//! Vision-language models as detectors: each is asked whether every image looks real.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result};
use imgeval_clients::open_judge;
use imgeval_core::{
    Always, ContentHash, Decoding, ImageFormat, ImageParameters, InputImage, Judge, JudgeQuestion, Outcome,
    QuestionPart, TextAnswer, Usd,
};
use imgeval_diagnose::{
    alike::Plan,
    collect::read_image,
    forensics::{
        Class, DetectorScores, Gathered, Origin, QUESTION, ReadAnswer, ScoreOutcome, ScoreStore, Scored,
        StudyFile, Treatment, read_answer,
    },
};
use imgeval_settings::{Overrides, Settings};
use imgeval_vision::{DecodeLimits, annotate::encode_png};
use tokio::task::JoinSet;

use crate::{
    args::forensics::ForensicsArgs,
    commands::generate::warn,
    consent::{self, Expense},
    failure::{CommandError, client_error},
    printer::Printer,
};

const TREATMENTS: [Treatment; 2] = [Treatment::AsDelivered, Treatment::Matched];
/// FakeVLM's answers give reasons; the first sentences count.
const MAX_TOKENS: u32 = 512;
/// Questions that are asked at the same time; their answers are kept together.
const AT_ONCE: usize = 4;

/// What one judge said of the images.
struct Asked<'a> {
    name: String,
    judge: Arc<dyn Judge>,
    gathered: &'a Gathered,
    matched: &'a Plan,
    limits: DecodeLimits,
}

/// The answers of all judges.
#[derive(Default)]
pub(super) struct Judged {
    /// Of each judge: 1 for fake, 0 for real, and a failure where the answer could not be read. A second set, read by whole words,
    /// stands beside the official reading where the two differ.
    pub(super) scores: Vec<DetectorScores>,
    /// Whether a judge was stopped by `--judge-max-cost`.
    pub(super) budget_reached: bool,
}

pub(super) fn judge_images(
    args: &ForensicsArgs,
    gathered: &Gathered,
    matched: &Plan,
    store: &ScoreStore,
    printer: Printer,
) -> Result<Judged> {
    if args.judges.is_empty() {
        return Ok(Judged::default());
    }
    let settings = Settings::load(&args.files.named())?;
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let mut asked = Vec::new();
    for name in &args.judges {
        let overrides = Overrides { key_file: args.judge_key_file.clone(), ..Overrides::default() };
        let model = settings.resolve_judge(name, &overrides)?;
        warn(
            &settings.check_model(&model, &ImageParameters::default(), args.spending.allowed_models())?,
            printer,
        );
        model.check_key().map_err(CommandError::from)?;
        let judge = open_judge(model.settings.clone(), &model.name.model, model.entry.clone())
            .map_err(|error| client_error(&error))?;
        asked.push(Asked { name: model.name.model.clone(), judge, gathered, matched, limits });
    }
    let expenses = asked.iter().filter_map(|one| one.expense(store)).collect::<Vec<_>>();
    if !args.spending.yes && args.judge_max_cost.is_none() {
        consent::ask(&expenses, settings.ask_above, printer)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("could not start the network threads")?;
    let mut judged = Judged::default();
    for one in &asked {
        printer.talk(format_args!("asking {} about {} images", one.name, gathered.files.len()));
        let of_one = runtime.block_on(one.judge_all(store, args.judge_max_cost, printer))?;
        judged.scores.extend(of_one.scores);
        judged.budget_reached |= of_one.budget_reached;
    }
    Ok(judged)
}

impl Asked<'_> {
    /// What answers are kept under.
    fn key(&self) -> String {
        let meta = self.judge.meta();
        format!("judge/{}/{}/{}/{}: {QUESTION}", meta.provider, meta.endpoint, meta.model, meta.version)
    }

    fn code(&self, treatment: Treatment) -> String {
        match treatment {
            Treatment::Matched => format!("matched: {}", self.matched.describe()),
            _ => "as-delivered".to_owned(),
        }
    }

    fn missing(&self, treatment: Treatment, store: &ScoreStore) -> Vec<&StudyFile> {
        let (key, code) = (self.key(), self.code(treatment));
        let is_missing = |file: &&StudyFile| {
            let hash = ContentHash::parse(&file.image.examined.sha256);
            hash.is_none_or(|hash| store.read(&hash).get(&key, &code).is_none())
        };
        self.gathered.files.iter().filter(is_missing).collect()
    }

    /// What the missing answers are thought to cost, as far as a price is known.
    fn expense(&self, store: &ScoreStore) -> Option<Expense> {
        let n: usize = TREATMENTS.iter().map(|treatment| self.missing(*treatment, store).len()).sum();
        let first = self.gathered.files.first()?;
        let each = self.estimate(first, Treatment::AsDelivered);
        let cost: Usd = std::iter::repeat_n(each, n).sum();
        (cost > Usd::ZERO).then(|| Expense {
            what: format!("{n} answers of {}", self.name),
            cost,
            limit: "fewer images, in place of",
        })
    }

    /// Of one answer; nothing where price unknown.
    fn estimate(&self, file: &StudyFile, treatment: Treatment) -> Usd {
        let question = self.image(file, treatment).ok().map(question);
        question.and_then(|question| self.judge.estimate(&question)).map_or(Usd::ZERO, |cost| cost.amount)
    }

    /// As it is sent: the file itself, or the matched square as PNG.
    fn image(&self, file: &StudyFile, treatment: Treatment) -> Result<InputImage, String> {
        let image = read_image(&file.path, &self.limits).map_err(|failure| failure.detail)?;
        if image.sha256 != file.image.examined.sha256 {
            return Err("the file changed while it was in use; start again".to_owned());
        }
        let is_sendable = matches!(image.format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP);
        let pixels = match treatment {
            Treatment::Matched => {
                self.matched.apply(&image.pixels, &image.sha256).map_err(|error| error.to_string())?
            }
            _ if is_sendable => return Ok(InputImage::new(image.format, image.bytes)),
            _ => image.pixels,
        };
        let png = encode_png(&pixels).map_err(|error| error.to_string())?;
        Ok(InputImage::new(ImageFormat::Png, png))
    }

    async fn judge_all(&self, store: &ScoreStore, max_cost: Option<Usd>, printer: Printer) -> Result<Judged> {
        let mut spent = Usd::ZERO;
        // What will be asked again next time, such as refused calls.
        let mut unanswered: BTreeMap<(Treatment, String), String> = BTreeMap::new();
        for treatment in TREATMENTS {
            let missing = self.missing(treatment, store);
            for batch in missing.chunks(AT_ONCE) {
                let dearest = self.estimate(batch[0], treatment);
                let next: Usd = std::iter::repeat_n(dearest, batch.len()).sum();
                if max_cost.is_some_and(|limit| spent + next > limit) {
                    let name = &self.name;
                    printer.insist(format_args!(
                        "{name} stopped at --judge-max-cost after {spent}; raise the limit and run again to continue"
                    ));
                    return Ok(Judged { scores: self.outcomes(store, &unanswered), budget_reached: true });
                }
                let mut calls = JoinSet::new();
                for (place, file) in batch.iter().enumerate() {
                    let (judge, image) = (Arc::clone(&self.judge), self.image(file, treatment));
                    calls.spawn(async move { (place, ask(judge.as_ref(), image).await) });
                }
                while let Some(joined) = calls.join_next().await {
                    let (place, (answer, cost)) = joined.context("the judging task ended unexpectedly")?;
                    spent += cost.unwrap_or(dearest);
                    let sha256 = &batch[place].image.examined.sha256;
                    match (answer, ContentHash::parse(sha256)) {
                        (Ok(reply), Some(hash)) => {
                            let mut kept = store.read(&hash);
                            kept.put(&self.key(), &self.code(treatment), Scored::Answered { reply });
                            store.keep(&hash, &kept)?;
                        }
                        (Ok(_), None) => {}
                        (Err(reason), _) => drop(unanswered.insert((treatment, sha256.clone()), reason)),
                    }
                }
            }
        }
        Ok(Judged { scores: self.outcomes(store, &unanswered), budget_reached: false })
    }

    fn outcomes(
        &self,
        store: &ScoreStore,
        unanswered: &BTreeMap<(Treatment, String), String>,
    ) -> Vec<DetectorScores> {
        let mut differ = false;
        let mut official = BTreeMap::new();
        let mut whole_words = BTreeMap::new();
        for treatment in TREATMENTS {
            let (mut by_script, mut by_words) = (Vec::new(), Vec::new());
            for file in &self.gathered.files {
                let sha256 = &file.image.examined.sha256;
                let kept = ContentHash::parse(sha256).map(|hash| store.read(&hash)).unwrap_or_default();
                let outcomes = match kept.get(&self.key(), &self.code(treatment)) {
                    Some(Scored::Answered { reply }) => {
                        let ReadAnswer { official, whole_words } = read_answer(reply);
                        differ |= official != whole_words;
                        [official, whole_words].map(outcome_of)
                    }
                    _ => {
                        let reason = unanswered.get(&(treatment, sha256.clone()));
                        let outcome = reason
                            .map_or(ScoreOutcome::Missing, |reason| ScoreOutcome::Failed(reason.clone()));
                        [outcome.clone(), outcome]
                    }
                };
                let [official, words] = outcomes;
                by_script.push(official);
                by_words.push(words);
            }
            official.insert(treatment, by_script);
            whole_words.insert(treatment, by_words);
        }
        let of = |id: String, name: String, outcomes| DetectorScores {
            id,
            name,
            origin: Origin::Published,
            threshold: 0.5,
            outcomes,
        };
        let mut scores = vec![of(self.name.clone(), self.name.clone(), official)];
        if differ {
            let words = format!("{}, whole words", self.name);
            scores.push(of(words.clone(), words, whole_words));
        }
        scores
    }
}

fn outcome_of(class: Option<Class>) -> ScoreOutcome {
    match class {
        Some(Class::Fake) => ScoreOutcome::Scored(1.0),
        Some(Class::Real) => ScoreOutcome::Scored(0.0),
        None => ScoreOutcome::Failed("the answer says neither real nor fake".to_owned()),
    }
}

fn question(image: InputImage) -> JudgeQuestion {
    JudgeQuestion {
        system: None,
        parts: vec![QuestionPart::Image(image), QuestionPart::Text(QUESTION.to_owned())],
        decoding: Decoding { temperature: Some(0.0), max_tokens: Some(MAX_TOKENS), ..Decoding::default() },
    }
}

/// The reply or why there is none, and what it is known to have cost.
async fn ask(judge: &dyn Judge, image: Result<InputImage, String>) -> (Result<String, String>, Option<Usd>) {
    let image = match image {
        Ok(image) => image,
        Err(reason) => return (Err(reason), Some(Usd::ZERO)),
    };
    match judge.judge(&question(image), &Always).await {
        Err(down) => (Err(down.to_string()), Some(Usd::ZERO)),
        Ok(TextAnswer { outcome, cost, wasted, .. }) => {
            let known = [cost, wasted].into_iter().flatten().map(|cost| cost.amount).reduce(|a, b| a + b);
            let reply = match outcome {
                Outcome::Done(reply) => Ok(reply),
                Outcome::Failed(failure) => Err(format!("{}: {}", failure.kind.code(), failure.detail)),
            };
            (reply, known)
        }
    }
}
