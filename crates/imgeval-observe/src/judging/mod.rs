//! Questions to a judge about a run: by which protocol, about which images, in which order.

mod anchors;
mod error;
mod protocols;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use imgeval_core::{
    CaseId, Failure, FailureKind, ImageFormat, ImageRef, InputImage, JudgeIdentity, JudgeQuestion, Outcome,
    SampleId, visible,
};
use imgeval_runner::{JudgeSettings, JudgeStep, MakeQuestion, judgment_histories, plan_judgment};
use imgeval_scoring::{read_cases, suite_of};
use imgeval_store::{JudgedItem, JudgedRole, JudgmentRecord, RunReader, RunWriter};
use imgeval_suites::{
    judged::{Attachment, ImagePreparation, JudgeProtocol},
    suite::{SuiteCase, SuiteRef},
};

use self::anchors::{add_anchors, keep_references};
use crate::{load_image, make_question};

pub use self::{
    error::{JudgingError, UnusableProtocol},
    protocols::{check_fits, load_protocols, named_protocol, read_protocol},
};

/// An image with what a judge is told about it.
struct Subject {
    case: Arc<SuiteCase>,
    image: ImageRef,
    /// The run that holds it.
    directory: PathBuf,
}

type Subjects = BTreeMap<(JudgedRole, SampleId), Subject>;

/// The questions of one protocol to one judge about a run.
pub struct JudgeQuestions {
    suite: SuiteRef,
    protocol: JudgeProtocol,
    subjects: Arc<Subjects>,
    items: Vec<JudgedItem>,
    first_case: Option<Arc<SuiteCase>>,
    /// What the judge said of the anchors when they were set up.
    references: Vec<JudgmentRecord>,
}

impl JudgeQuestions {
    /// About every usable image, `repeats` times, and once about every anchor.
    ///
    /// # Errors
    /// If the run or the anchors cannot be read, or this judge has not judged the anchors.
    pub fn about(
        run: &Path,
        suite: SuiteRef,
        protocol: &JudgeProtocol,
        identity: &JudgeIdentity,
        anchors: Option<&Path>,
        repeats: u32,
    ) -> Result<Self, JudgingError> {
        let mut subjects = subjects_of(run, JudgedRole::Sample)?;
        subjects.retain(|_, subject| suite.asks(&protocol.id, &subject.case));
        let first_case = subjects.values().next().map(|subject| subject.case.clone());
        let references = match anchors {
            Some(anchors) => add_anchors(anchors, suite, identity, &mut subjects)?,
            None => Vec::new(),
        };
        let items = items_of(&subjects, identity, repeats);
        let (subjects, protocol) = (Arc::new(subjects), protocol.clone());
        Ok(Self { suite, protocol, subjects, items, first_case, references })
    }

    /// The items in the order of the questions.
    pub fn items(&self) -> &[JudgedItem] {
        &self.items
    }

    /// The case of the first image; `None` if the run contains no usable image that the protocol asks about.
    pub fn first_case(&self) -> Option<&Arc<SuiteCase>> {
        self.first_case.as_ref()
    }

    /// Makes the question about an item when its turn has come.
    pub fn make(&self) -> MakeQuestion {
        let (suite, protocol, subjects) = (self.suite, self.protocol.clone(), self.subjects.clone());
        Arc::new(move |item: &JudgedItem| question_about(&protocol, suite, &subjects, item))
    }

    /// Those that the run has no answer to.
    ///
    /// # Errors
    /// If the run cannot be read.
    pub fn left(&self, run: &Path, settings: &JudgeSettings<'_>) -> Result<Vec<&JudgedItem>, JudgingError> {
        let reader = RunReader::open(run)?;
        let histories =
            judgment_histories(|visit| reader.for_each_judgment(None, visit), settings.is_readable)?;
        let is_left = |item: &&JudgedItem| {
            matches!(plan_judgment(histories.get(&item.work_key), settings), JudgeStep::Ask(_))
        };
        Ok(self.items.iter().filter(is_left).collect())
    }

    /// Keeps what the judge said of the anchors when they were set up, each once.
    ///
    /// # Errors
    /// If the run cannot be read or written.
    pub fn keep_references(&self, run: &mut RunWriter) -> Result<(), JudgingError> {
        keep_references(run, &self.references)
    }
}

/// How a judge is called in tables: its model, where it is, and its protocol.
pub fn title_of(identity: &JudgeIdentity) -> String {
    visible(&format!("{} ({}, {})", identity.judge.model, identity.judge.provider, identity.protocol))
}

/// A question as a judge would be asked it, its images without content, which prices do not depend on.
///
/// # Errors
/// If the case does not fit the protocol.
pub fn sketch_question(
    protocol: &JudgeProtocol,
    suite: SuiteRef,
    case: &SuiteCase,
) -> Result<JudgeQuestion, Failure> {
    let as_they_are = JudgeProtocol { preparation: ImagePreparation::default(), ..protocol.clone() };
    make_question(&as_they_are, &suite.fields_in_round(&protocol.id, case, 1), |_| {
        Ok(vec![InputImage::new(ImageFormat::Png, Vec::new())])
    })
}

/// The usable images of a run.
fn subjects_of(run: &Path, role: JudgedRole) -> Result<Subjects, JudgingError> {
    let reader = RunReader::open(run)?;
    let suite = suite_of(reader.manifest())?;
    let cases = read_cases(&reader, suite)?;
    let cases: BTreeMap<CaseId, Arc<SuiteCase>> =
        cases.into_iter().map(|(id, case)| (id, Arc::new(case))).collect();
    let mut subjects = Subjects::new();
    reader.for_each_sample(None, |observed| {
        let id = observed.sample.id;
        if let (Outcome::Done(record), Some(case)) = (&observed.sample.outcome, cases.get(&id.case)) {
            let image = record.image();
            let subject = Subject { case: case.clone(), image, directory: run.to_owned() };
            subjects.insert((role, id), subject);
        }
    })?;
    Ok(subjects)
}

/// First what everything is judged by once, the anchors before the samples, so that a changed judge shows early.
fn items_of(subjects: &Subjects, identity: &JudgeIdentity, repeats: u32) -> Vec<JudgedItem> {
    let item = |role: JudgedRole, id: &SampleId, subject: &Subject, repeat| {
        JudgedItem::new(identity, role, id.clone(), subject.image.hash.clone(), repeat)
    };
    let of_role = |wanted: JudgedRole| subjects.iter().filter(move |((role, _), _)| *role == wanted);
    let anchors = of_role(JudgedRole::Anchor).map(|((role, id), subject)| item(*role, id, subject, 0));
    // First samples of all cases come first.
    let mut samples: Vec<_> = of_role(JudgedRole::Sample).collect();
    samples.sort_by_key(|((_, id), _)| (id.ordinal, id.round));
    let samples = (0..repeats)
        .flat_map(|repeat| samples.iter().map(move |((role, id), subject)| (*role, id, *subject, repeat)));
    anchors.chain(samples.map(|(role, id, subject, repeat)| item(role, id, subject, repeat))).collect()
}

fn question_about(
    protocol: &JudgeProtocol,
    suite: SuiteRef,
    subjects: &Subjects,
    item: &JudgedItem,
) -> Result<JudgeQuestion, Failure> {
    let missing = |what: &str| Failure {
        kind: FailureKind::NotAccessible,
        detail: format!("the run contains no {what} of {}", item.id),
    };
    let subject = subjects.get(&(item.role, item.id.clone())).ok_or_else(|| missing("image"))?;
    let round = item.id.round;
    // A later round goes on from what the round before gave.
    let before = (round > 1).then(|| {
        let id = SampleId { round: round - 1, ..item.id.clone() };
        subjects.get(&(item.role, id)).map(|subject| &subject.image)
    });
    let fields = suite.fields_in_round(&protocol.id, &subject.case, round);
    make_question(protocol, &fields, |attachment| match (attachment, before) {
        (Attachment::Answer, _) => Ok(vec![load_image(&subject.directory, &subject.image)?]),
        (Attachment::Source, Some(before)) => {
            let before = before.ok_or_else(|| missing("image of the previous round"))?;
            Ok(vec![load_image(&subject.directory, before)?])
        }
        (Attachment::Source | Attachment::First, _) => {
            let source = subject.case.source().ok_or_else(|| missing("source image"))?;
            Ok(vec![load_image(&subject.directory, source)?])
        }
        (Attachment::Sources | Attachment::SecondAnswer | Attachment::Reference, _) => {
            Err(missing(attachment.title()))
        }
    })
}
