//! What raters have done and have left to do. Knows nothing of HTTP.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use imgeval_core::{ContentHash, Decoding, GeneratorMeta, JudgeIdentity, Outcome, SampleId, Usage};
use imgeval_runner::StoredInput;
use imgeval_store::{Charge, JudgedItem, JudgedRole, JudgmentRecord, RunWriter, StoredJudge};
use imgeval_suites::judged::{
    Attachment, ImagePreparation, JudgeProtocol, MessagePart, ReplyFormat, Strictness, Template,
};

use crate::{
    args::Suite,
    failure::CommandError,
    judged::{
        cases::JudgedCase,
        run::{HUMAN, JudgedRun},
    },
};

/// Names of raters are no longer than this.
const MAX_RATER: usize = 60;

/// What people are asked, suite by suite: the scale is the judges', the words are the page's.
fn human_protocol(suite: Suite) -> Result<JudgeProtocol> {
    let (of_suite, reply) = match suite {
        Suite::Geneval => {
            let message =
                "people label the suites that judges score; GenEval's verdicts follow from detections";
            return Err(CommandError::usage(message).into());
        }
        Suite::WiseLegacy | Suite::WiseLegacyRewrite => {
            (Suite::WiseLegacy, ReplyFormat::WiseLegacy(Strictness::Strict))
        }
        Suite::WiseVerified => (suite, ReplyFormat::WiseVerified(Strictness::Strict)),
        Suite::ReasonEdit => (suite, ReplyFormat::EditScores),
    };
    let words = match suite {
        Suite::ReasonEdit => "{instruction}",
        _ => "{prompt}\n{explanation}",
    };
    let text = Template::parse(words).context("the words of the label page are no template")?;
    Ok(JudgeProtocol {
        id: format!("human-{}", of_suite.name()),
        version: 1,
        suite: of_suite.name().to_owned(),
        title: "Scores by people, on the label page".to_owned(),
        system: None,
        message: vec![MessagePart::Text(text), MessagePart::Image(Attachment::Answer)],
        preparation: ImagePreparation::default(),
        decoding: Decoding::default(),
        judge_pin: HUMAN.to_owned(),
        reply,
        max_tries: 1,
        wording_source: "imgeval's own words".to_owned(),
    })
}

/// Scores in the form that the suite's parser reads.
fn render_reply(reply: ReplyFormat, values: &[f64]) -> String {
    match reply {
        ReplyFormat::WiseLegacy(_) => ["Consistency", "Realism", "Aesthetic Quality"]
            .iter()
            .zip(values)
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect::<String>()
            .trim_end()
            .to_owned(),
        ReplyFormat::WiseVerified(_) => format!("Score: {}", values.first().copied().unwrap_or_default()),
        ReplyFormat::EditScores => serde_json::json!({"score": values, "reasoning": ""}).to_string(),
    }
}

/// Why a label was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabelError {
    #[error("{0}")]
    Refused(&'static str),
    #[error(transparent)]
    Store(#[from] imgeval_store::StoreError),
}

/// The labels of everybody, and the run that they go to.
pub(crate) struct Session {
    directory: PathBuf,
    run: RunWriter,
    protocol: JudgeProtocol,
    cases: BTreeMap<imgeval_core::CaseId, JudgedCase>,
    samples: Vec<(SampleId, StoredInput)>,
    raters: BTreeMap<String, Rater>,
}

/// One person's work.
struct Rater {
    identity: JudgeIdentity,
    /// Places in `samples`, in this person's order.
    order: Vec<usize>,
    /// By place in `order`.
    labels: BTreeMap<usize, Vec<f64>>,
}

/// An image as it is put before a rater.
pub(crate) struct Shown<'a> {
    pub(crate) case: &'a JudgedCase,
    pub(crate) label: Option<&'a Vec<f64>>,
}

impl Session {
    pub(crate) fn open(directory: &Path, holder: &str) -> Result<Self> {
        let read = JudgedRun::open(directory)?;
        let protocol = human_protocol(read.suite)?;
        let samples: Vec<(SampleId, StoredInput)> = read
            .samples
            .iter()
            .filter(|(id, _)| read.cases.contains_key(&id.case))
            .map(|(id, record)| {
                (id.clone(), StoredInput { hash: record.hash.clone(), format: record.format })
            })
            .collect();
        if samples.is_empty() {
            let hint = "import or generate usable images first";
            return Err(CommandError::nothing("the run holds no usable image").with_hint(hint).into());
        }
        let cases = read.cases;
        let mut run = RunWriter::open(directory, holder)?;
        run.begin_paid_work()?;
        let directory = directory.to_owned();
        Ok(Self { directory, run, protocol, cases, samples, raters: BTreeMap::new() })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Names of what is scored, each with its largest score.
    pub(crate) fn scale(&self) -> &'static [(&'static str, f64)] {
        self.protocol.reply.scale()
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Places of this rater's labels, made known at the first call.
    pub(crate) fn labelled(&mut self, rater: &str) -> Result<BTreeSet<usize>, LabelError> {
        Ok(self.rater(rater)?.labels.keys().copied().collect())
    }

    /// The image at this place of the rater's order.
    pub(crate) fn show(&mut self, rater: &str, place: usize) -> Result<Shown<'_>, LabelError> {
        self.rater(rater)?;
        let rater = self.raters.get(rater).ok_or(LabelError::Refused("nobody has this name"))?;
        let sample = *rater.order.get(place).ok_or(NO_PLACE)?;
        let case = self.cases.get(&self.samples[sample].0.case).ok_or(NO_PLACE)?;
        Ok(Shown { case, label: rater.labels.get(&place) })
    }

    /// The image, or its source, at this place.
    pub(crate) fn image(
        &mut self,
        rater: &str,
        place: usize,
        attachment: Attachment,
    ) -> Result<StoredInput, LabelError> {
        let sample = *self.rater(rater)?.order.get(place).ok_or(NO_PLACE)?;
        let (id, image) = &self.samples[sample];
        match attachment {
            Attachment::Answer => Ok(image.clone()),
            Attachment::Source => {
                let source = self.cases.get(&id.case).and_then(|case| case.source.clone());
                source.ok_or(LabelError::Refused("this case has no source image"))
            }
        }
    }

    /// Keeps a label, instead of an earlier one; it is on the disk when this returns.
    pub(crate) fn label(&mut self, rater: &str, place: usize, values: Vec<f64>) -> Result<(), LabelError> {
        let scale = self.scale();
        let is_whole = |value: f64| value.fract() == 0.0;
        let fits = values.len() == scale.len()
            && values
                .iter()
                .zip(scale)
                .all(|(value, (_, most))| (0.0..=*most).contains(value) && is_whole(*value));
        let reply = render_reply(self.protocol.reply, &values);
        if !fits || self.protocol.parse_reply(&reply).is_err() {
            return Err(LabelError::Refused("these are not the scores asked for"));
        }
        let item = self.item(rater, place)?;
        let record = JudgmentRecord {
            item: item.clone(),
            began_ms: now_ms(),
            duration_ms: 0,
            outcome: Outcome::Done(reply),
            usage: Usage::default(),
            charge: Charge::default(),
            raw: String::new(),
        };
        self.run.withdraw_judgments(&item.work_key)?;
        self.run.record_judgment(&record)?;
        self.rater(rater)?.labels.insert(place, values);
        Ok(())
    }

    /// Takes a label back; it stays on record.
    pub(crate) fn take_back(&mut self, rater: &str, place: usize) -> Result<(), LabelError> {
        let item = self.item(rater, place)?;
        self.run.withdraw_judgments(&item.work_key)?;
        self.rater(rater)?.labels.remove(&place);
        Ok(())
    }

    fn item(&mut self, rater: &str, place: usize) -> Result<JudgedItem, LabelError> {
        let rater = self.rater(rater)?;
        let sample = *rater.order.get(place).ok_or(NO_PLACE)?;
        let identity = rater.identity.clone();
        let (id, image) = &self.samples[sample];
        Ok(JudgedItem::new(&identity, JudgedRole::Sample, id.clone(), image.hash.clone(), 0))
    }

    /// The rater of this name, with what was said before.
    fn rater(&mut self, name: &str) -> Result<&mut Rater, LabelError> {
        let is_name = !name.trim().is_empty()
            && name.chars().count() <= MAX_RATER
            && !name.chars().any(char::is_control);
        if !is_name {
            return Err(LabelError::Refused("give a name of at most 60 characters"));
        }
        if !self.raters.contains_key(name) {
            let rater = self.open_rater(name)?;
            self.raters.insert(name.to_owned(), rater);
        }
        self.raters.get_mut(name).ok_or(LabelError::Refused("nobody has this name"))
    }

    fn open_rater(&self, name: &str) -> Result<Rater, LabelError> {
        let judge = GeneratorMeta {
            provider: HUMAN.to_owned(),
            endpoint: String::new(),
            model: name.to_owned(),
            version: 1,
        };
        let identity =
            JudgeIdentity { judge, protocol: self.protocol.label(), protocol_hash: self.protocol.hash() };
        let protocol = self.protocol.to_toml();
        let protocol = protocol.map_err(|_| LabelError::Refused("the protocol cannot be written down"))?;
        self.run.record_judge(&StoredJudge { identity: identity.clone(), protocol })?;
        let mut order: Vec<usize> = (0..self.samples.len()).collect();
        // By a hash of name and sample: another order for each rater, the same one after a restart.
        order.sort_by_cached_key(|sample| {
            ContentHash::of(format!("{name}\0{}", self.samples[*sample].0).as_bytes())
        });
        let places: BTreeMap<_, usize> = order
            .iter()
            .enumerate()
            .map(|(place, sample)| {
                let (id, image) = &self.samples[*sample];
                let item = JudgedItem::new(&identity, JudgedRole::Sample, id.clone(), image.hash.clone(), 0);
                (item.work_key, place)
            })
            .collect();
        let mut labels = BTreeMap::new();
        self.run.for_each_judgment(Some(&identity.id()), |judgment| {
            if let (Some(place), Outcome::Done(reply)) =
                (places.get(&judgment.item.work_key), judgment.outcome)
                && let Ok(scores) = self.protocol.parse_reply(&reply)
            {
                labels.insert(*place, scores.values.iter().map(|(_, value)| *value).collect());
            }
        })?;
        Ok(Rater { identity, order, labels })
    }
}

const NO_PLACE: LabelError = LabelError::Refused("there is no image at this place");

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
