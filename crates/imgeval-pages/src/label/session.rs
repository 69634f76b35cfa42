//! What raters have done and have left to do. Knows nothing of HTTP.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use imgeval_core::{
    CaseId, ContentHash, Decoding, EndpointMeta, ImageRef, JudgeIdentity, Outcome, SampleId, is_steering,
};
use imgeval_scoring::{HUMAN, Run, suite_of};
use imgeval_store::{JudgedItem, JudgedRole, JudgmentRecord, RunReader, RunWriter, StoredJudge};
use imgeval_suites::{
    judged::{Attachment, ImagePreparation, JudgeProtocol, MessagePart, Template},
    suite::{SuiteCase, SuiteRef},
};

use crate::PagesError;

/// Names of raters are no longer than this.
const MAX_RATER: usize = 60;
/// So many raters are kept in memory; who labelled what is read again for others.
const MAX_OPEN_RATERS: usize = 64;

/// What people are asked, suite by suite: the scale is the judges', the words are our own.
fn human_protocol(suite: SuiteRef) -> Result<JudgeProtocol, PagesError> {
    let judged = suite.judged().ok_or(PagesError::NotLabelled { suite: suite.id() })?;
    let reply = judged.people_reply;
    let images = [Attachment::Source, Attachment::Answer];
    let images = images.into_iter().filter(|image| *image == Attachment::Answer || judged.has_source_image());
    let text = Template::parse(&format!("{}\n\n{}", judged.people_see, reply.questions().join("\n")))
        .map_err(|error| PagesError::Words(error.into()))?;
    Ok(JudgeProtocol {
        id: format!("human-{}", judged.protocol_suite),
        version: 1,
        suite: judged.protocol_suite.to_owned(),
        title: "Scores by people, on the label page".to_owned(),
        system: None,
        message: std::iter::once(MessagePart::Text(text)).chain(images.map(MessagePart::Image)).collect(),
        preparation: ImagePreparation::default(),
        decoding: Decoding::default(),
        judge_pin: HUMAN.to_owned(),
        reply,
        max_tries: 1,
        wording_source: "imgeval's own words".to_owned(),
    })
}

/// Why a request was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// It never will be.
    #[error("{0}")]
    Refused(&'static str),
    /// Meant for another run, which may come back.
    #[error("the server shows another run by now")]
    OtherRun,
    #[error(transparent)]
    Store(#[from] imgeval_store::StoreError),
}

/// The labels of everybody, and the run that they go to.
pub struct Session {
    directory: PathBuf,
    run_id: String,
    version: String,
    run: RunWriter,
    protocol: JudgeProtocol,
    protocol_text: String,
    cases: BTreeMap<CaseId, SuiteCase>,
    samples: BTreeMap<SampleId, ImageRef>,
    raters: BTreeMap<String, Rater>,
}

/// One person's work.
struct Rater {
    identity: JudgeIdentity,
    /// Whether the run knows this judge; looking on leaves nothing in it.
    is_recorded: bool,
    /// Images in this person's order.
    order: Vec<JudgedItem>,
    /// Places in `order` by key.
    places: BTreeMap<String, usize>,
    /// By place in `order`.
    labels: BTreeMap<usize, Vec<f64>>,
}

/// An image as it is put before a rater.
pub(crate) struct Shown<'a> {
    /// Names the image for this rater, and tells nothing about it.
    pub(crate) key: &'a str,
    pub(crate) case: &'a SuiteCase,
    pub(crate) label: Option<&'a Vec<f64>>,
}

impl Session {
    /// # Errors
    /// If the run's suite is not one that people label, it holds no image, or another process writes it.
    pub fn open(directory: &Path, holder: &str) -> Result<Self, PagesError> {
        let suite = suite_of(RunReader::open(directory)?.manifest())?;
        let name = suite.id();
        let protocol = human_protocol(suite)?;
        if suite.is_checked() && !Run::open(directory)?.takes_judges() {
            return Err(PagesError::NothingAsked);
        }
        let protocol_text = protocol.to_toml().map_err(|error| PagesError::LabelProtocol(error.into()))?;
        // Locked before it is read: nothing changes between the two.
        let mut run = RunWriter::open(directory, holder)?;
        let read = Run::open(directory)?;
        let samples: BTreeMap<SampleId, ImageRef> = read
            .images()
            .iter()
            .filter(|(id, _)| read.cases().contains_key(&id.case))
            .map(|(id, record)| (id.clone(), record.image()))
            .collect();
        if samples.is_empty() {
            return Err(PagesError::NoImage);
        }
        run.begin_paid_work()?;
        // Browsers keep unsaved labels under this; it tells nothing about the run.
        let place = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        let run_id = ContentHash::of(format!("{name}\0{}", place.display()).as_bytes()).to_string();
        let listing: String = samples.iter().map(|(id, image)| format!("{id}\0{}\n", image.hash)).collect();
        let version = ContentHash::of(listing.as_bytes()).to_string();
        let (directory, cases, raters) = (directory.to_owned(), read.cases().clone(), BTreeMap::new());
        Ok(Self { directory, run_id, version, run, protocol, protocol_text, cases, samples, raters })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Stays the same for this run, and is another one for another run.
    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Changes with the images of the run.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Names of what is scored, each with its largest score and what is asked.
    pub(crate) fn scale(&self) -> impl Iterator<Item = (&'static str, f64, &'static str)> {
        let questions = self.protocol.reply.questions();
        let scale = self.protocol.reply.scale();
        scale.iter().zip(questions).map(|((name, most), question)| (*name, *most, *question))
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Places of this rater's labels.
    pub(crate) fn labelled(&mut self, rater: &str) -> Result<BTreeSet<usize>, LabelError> {
        Ok(self.rater(rater)?.labels.keys().copied().collect())
    }

    /// The image at this place of the rater's order.
    pub(crate) fn show(&mut self, rater: &str, place: usize) -> Result<Shown<'_>, LabelError> {
        self.rater(rater)?;
        let rater = self.raters.get(rater.trim()).ok_or(NO_PLACE)?;
        let item = rater.order.get(place).ok_or(NO_PLACE)?;
        let case = self.cases.get(&item.id.case).ok_or(NO_PLACE)?;
        Ok(Shown { key: item.work_key.as_str(), case, label: rater.labels.get(&place) })
    }

    /// The image of this key, or its source.
    pub(crate) fn image(
        &mut self,
        rater: &str,
        key: &str,
        attachment: Attachment,
    ) -> Result<ImageRef, LabelError> {
        let (_, item) = self.find(rater, key)?;
        match attachment {
            Attachment::Answer => self.samples.get(&item.id).cloned().ok_or(NO_IMAGE),
            Attachment::Source | Attachment::First => {
                let source = self.cases.get(&item.id.case).and_then(|case| case.source().cloned());
                source.ok_or(LabelError::Refused("this case has no source image"))
            }
            Attachment::Sources | Attachment::SecondAnswer | Attachment::Reference => Err(NO_IMAGE),
        }
    }

    /// Keeps a label, instead of an earlier one; it is on the disk when this returns.
    pub(crate) fn label(
        &mut self,
        run_id: &str,
        rater: &str,
        key: &str,
        values: Vec<f64>,
    ) -> Result<(), LabelError> {
        self.check_run(run_id)?;
        let scale = self.protocol.reply.scale();
        let fits =
            |(value, (_, most)): (&f64, &(&str, f64))| (0.0..=*most).contains(value) && value.fract() == 0.0;
        let is_complete = values.len() == scale.len() && values.iter().zip(scale).all(fits);
        let reply = self.protocol.reply.render(&values);
        if !is_complete || self.protocol.parse_reply(&reply).is_err() {
            return Err(LabelError::Refused("these are not the scores asked for"));
        }
        let (place, item) = self.find(rater, key)?;
        let judge = self.rater(rater)?;
        // Sent again by a page that did not hear the answer.
        if judge.labels.get(&place) == Some(&values) {
            return Ok(());
        }
        if !judge.is_recorded {
            let identity = judge.identity.clone();
            self.run.record_judge(&StoredJudge { identity, protocol: self.protocol_text.clone() })?;
            self.rater(rater)?.is_recorded = true;
        }
        self.run.replace_judgment(&JudgmentRecord::without_call(item, now_ms(), Outcome::Done(reply)))?;
        self.rater(rater)?.labels.insert(place, values);
        Ok(())
    }

    /// Takes a label back; it stays on record.
    pub(crate) fn take_back(&mut self, run_id: &str, rater: &str, key: &str) -> Result<(), LabelError> {
        self.check_run(run_id)?;
        let (place, item) = self.find(rater, key)?;
        self.run.withdraw_judgments(&item.work_key)?;
        self.rater(rater)?.labels.remove(&place);
        Ok(())
    }

    fn check_run(&self, run_id: &str) -> Result<(), LabelError> {
        if run_id == self.run_id { Ok(()) } else { Err(LabelError::OtherRun) }
    }

    fn find(&mut self, rater: &str, key: &str) -> Result<(usize, JudgedItem), LabelError> {
        let rater = self.rater(rater)?;
        let place = *rater.places.get(key).ok_or(NO_IMAGE)?;
        Ok((place, rater.order.get(place).ok_or(NO_IMAGE)?.clone()))
    }

    /// The rater of this name, with what was said before.
    fn rater(&mut self, name: &str) -> Result<&mut Rater, LabelError> {
        let name = check_rater(name)?;
        if !self.raters.contains_key(name) {
            let rater = self.open_rater(name)?;
            if self.raters.len() >= MAX_OPEN_RATERS {
                self.raters.clear();
            }
            self.raters.insert(name.to_owned(), rater);
        }
        self.raters.get_mut(name).ok_or(LabelError::Refused("nobody has this name"))
    }

    fn open_rater(&self, name: &str) -> Result<Rater, LabelError> {
        let judge = EndpointMeta {
            provider: HUMAN.to_owned(),
            endpoint: String::new(),
            model: name.to_owned(),
            version: 1,
        };
        let identity =
            JudgeIdentity { judge, protocol: self.protocol.label(), protocol_hash: self.protocol.hash() };
        let item = |(id, image): (&SampleId, &ImageRef)| {
            JudgedItem::new(&identity, JudgedRole::Sample, id.clone(), image.hash.clone(), 0)
        };
        let mut order: Vec<JudgedItem> = self.samples.iter().map(item).collect();
        // By a hash of name and sample: another order for each rater, the same one after a restart.
        order.sort_by_cached_key(|item| ContentHash::of(format!("{name}\0{}", item.id).as_bytes()));
        let key = |(place, item): (usize, &JudgedItem)| (item.work_key.as_str().to_owned(), place);
        let places: BTreeMap<String, usize> = order.iter().enumerate().map(key).collect();
        let mut labels = BTreeMap::new();
        self.run.for_each_judgment(Some(&identity.id()), |judgment| {
            if let (Some(place), Outcome::Done(reply)) =
                (places.get(judgment.item.work_key.as_str()), judgment.outcome)
                && let Ok(scores) = self.protocol.parse_reply(&reply)
            {
                labels.insert(*place, scores.values.iter().map(|(_, value)| *value).collect());
            }
        })?;
        Ok(Rater { identity, is_recorded: false, order, places, labels })
    }
}

const NO_PLACE: LabelError = LabelError::Refused("there is no image at this place");
const NO_IMAGE: LabelError = LabelError::Refused("the run does not hold this image");

/// The name without blanks around it.
///
/// # Errors
/// If it is none, or too long, or holds what nobody sees: two people would seem to be one.
pub fn check_rater(name: &str) -> Result<&str, LabelError> {
    let is_unseen = |character: char| {
        is_steering(character)
            || matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}')
    };
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_RATER || name.chars().any(is_unseen) {
        return Err(LabelError::Refused("a rater's name has 1 to 60 characters, all of them visible"));
    }
    Ok(name)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
