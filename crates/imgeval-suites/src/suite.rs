//! What a suite is: facts about it, its cases, and the rules from evidence to scores. One implementation a suite, each in
//! a folder of its own; [`crate::registry`] lists them.

use std::{collections::BTreeMap, fmt, ops::Deref, path::PathBuf};

use imgeval_core::{CaseId, ContentHash, FailureKind, ImageNote, ImageRef, SampleId};

use crate::{
    checks::CaseChecks,
    files::{FetchedSource, SuiteError, SuiteFiles},
    geneval::{Metadata, NameTemplate},
    judged::{Attachment, Field, JudgeProtocol, ReplyFormat, Scores},
    summary::Scheme,
};

/// What is told of a suite, and what follows from plain facts.
#[derive(Debug)]
pub struct SuiteFacts {
    /// Its name on the command line and in runs.
    pub id: &'static str,
    /// In a line, for people who choose a suite.
    pub about: &'static str,
    /// Of its score board.
    pub title: &'static str,
    /// How many cases of which kinds, in words.
    pub cases: &'static str,
    /// A description of who evaluates the images.
    pub judged_by: &'static str,
    /// Paper and repository, and how the data are had.
    pub source: &'static str,
    pub licence: &'static str,
    /// Which prompts a run of it has, such as `the official prompts`.
    pub prompts: &'static str,
    /// Why scores on these prompts are not comparable with published ones; `None` if they are.
    pub prompts_note: Option<&'static str>,
    /// Decimals that its paper prints.
    pub decimals: usize,
    /// Names the interval rules and the denominator policy; raised when they change.
    pub summary_version: u32,
    /// Whether the overall score is the first column of its board, not the last.
    pub is_overall_first: bool,
    pub scored_by: ScoredBy,
    /// Where its data come from; `None` if they are built in.
    pub source_data: Option<&'static FetchedSource>,
    /// The suite whose prompts these are in other words; `None` if they are prompts of their own.
    pub rewrite_of: Option<&'static str>,
    /// Whether its own script writes files of scores row by row, which can be read.
    pub has_official_rows: bool,
    /// Whether cases in which nothing is to change can be added to its cases.
    pub has_controls: bool,
}

/// The evidence that a suite's scores follow from.
#[derive(Debug)]
pub enum ScoredBy {
    /// Objects with their colors, as a detector sees them.
    Detections,
    /// A judge's replies.
    Judgments(&'static JudgedFacts),
    /// What the checks of each case need: objects, a judge's replies, or both.
    Checks(&'static JudgedFacts),
}

/// What a suite that judges score tells of its protocols.
#[derive(Debug)]
pub struct JudgedFacts {
    /// The name that protocols for it give as their suite.
    pub protocol_suite: &'static str,
    /// Ids of its protocols.
    pub protocols: &'static [&'static str],
    /// The protocols used for one image, in order: one, or several whose values are combined into the score.
    pub asked: &'static [&'static str],
    /// What its cases have that a wording may name.
    pub fields: &'static [Field],
    /// The images that its cases have.
    pub attachments: &'static [Attachment],
    /// Forms of replies that its protocols may ask for.
    pub replies: &'static [ReplyFormat],
    /// The form in which scores by people are kept.
    pub people_reply: ReplyFormat,
    /// What people are shown of a case, as a template.
    pub people_see: &'static str,
    /// Whether pixel metrics of edits are measured in addition.
    pub has_edit_metrics: bool,
    /// Why scores by a model are not comparable with published ones whatever the judge; `None` if they are.
    pub wording_note: Option<&'static str>,
}

impl JudgedFacts {
    /// Whether its cases are edits of an image.
    #[must_use]
    pub fn has_source_image(&self) -> bool {
        self.attachments.contains(&Attachment::Source)
    }
}

/// A table beside the main one: of some of the cases, or by one of the protocols alone.
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    pub name: &'static str,
    pub value: SliceValue,
    /// Whether a case belongs to it.
    pub keep: fn(&SuiteCase) -> bool,
}

/// What a slice is a table of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SliceValue {
    /// The scores of the images.
    Combined,
    /// The values by one of the protocols asked, by its place.
    Asked(usize),
}

/// One case of a suite with everything that evaluators may be told about it.
#[derive(Debug, Clone, PartialEq)]
pub struct SuiteCase {
    pub id: CaseId,
    /// A tag, category or folder.
    pub tag: String,
    /// At least one; a further round continues from the previous answer.
    pub rounds: Vec<CaseRound>,
    /// What scoring needs besides, by name; kept in the run's listing.
    pub facts: BTreeMap<String, String>,
    /// The objects that a detector must find, where the suite is scored so.
    pub objects: Option<Box<Metadata>>,
}

/// What is asked in one round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CaseRound {
    pub prompt: String,
    /// Images that are sent along.
    pub images: Vec<ImageRef>,
    pub mask: Option<ImageRef>,
}

impl SuiteCase {
    /// The prompt of the first round; empty if there is none.
    #[must_use]
    pub fn prompt(&self) -> &str {
        self.rounds.first().map_or("", |round| &round.prompt)
    }

    /// The image that is to be edited.
    #[must_use]
    pub fn source(&self) -> Option<&ImageRef> {
        self.rounds.first().and_then(|round| round.images.first())
    }

    /// A fact by name; empty if it has none.
    #[must_use]
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }

    /// The mask of the place that is to be edited, which scoring needs.
    #[must_use]
    pub fn mask(&self) -> Option<ImageRef> {
        self.facts.get("mask").and_then(|name| ImageRef::from_file_name(name))
    }

    /// Prompt and first image of a round, counted from 1; those of the first round where there is no such round.
    #[must_use]
    pub fn asked_in(&self, round: u32) -> (&str, Option<&ImageRef>) {
        let place = usize::try_from(round).ok().and_then(|round| round.checked_sub(1));
        match place.and_then(|place| self.rounds.get(place)) {
            Some(round) => (&round.prompt, round.images.first()),
            None => (self.prompt(), self.source()),
        }
    }

    /// What a protocol's wording may name.
    #[must_use]
    pub fn fields(&self) -> BTreeMap<Field, &str> {
        BTreeMap::from([
            (Field::Prompt, self.prompt()),
            (Field::Instruction, self.prompt()),
            (Field::Explanation, self.fact("explanation")),
        ])
    }

    /// What an answer should show beyond what the prompt says, in words.
    #[must_use]
    pub fn expectation(&self) -> String {
        let texts = ["subcategory", "explanation", "target", "questions"].map(|name| self.fact(name));
        texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

/// The cases of a suite with what identifies them and the files of their images.
#[derive(Debug, Clone, Default)]
pub struct SuiteCases {
    pub cases: Vec<SuiteCase>,
    /// Facts of the suite's identity, such as the checksum of its data; part of the fingerprint.
    pub parameters: BTreeMap<String, String>,
    /// Where the images of the cases currently are.
    pub images: BTreeMap<ContentHash, (ImageRef, ImageSource)>,
    /// Whether a run must keep the cases, because its parameters alone do not tell them.
    pub is_listed: bool,
}

/// Where the content of an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    File(PathBuf),
    BuiltIn(&'static [u8]),
}

/// Parameters of a suite by name, such as the seed of GenEval's prompts.
pub type Parameters = BTreeMap<String, String>;

/// An image that was found for a case.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundAnswer {
    pub path: PathBuf,
    pub id: SampleId,
    /// What already speaks against it.
    pub rejected: Option<(FailureKind, String)>,
    pub notes: Vec<ImageNote>,
    /// The prompt that it was made for, where that is another wording of the suite's.
    pub rewritten_prompt: Option<String>,
}

/// The images that were found in a place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundAnswers {
    pub images: Vec<FoundAnswer>,
    /// Files that are nobody's image, each with the reason.
    pub extras: Vec<(PathBuf, String)>,
}

/// A published score table, to stand beside a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Published {
    pub source: &'static str,
    /// Unknown facts about how its rows were made.
    pub unknown: &'static str,
    pub rows: Vec<PublishedRow>,
}

/// Scores in [0, 1], in the order of the board's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedRow {
    pub model: &'static str,
    /// The heading under which the paper lists it.
    pub group: &'static str,
    pub values: Vec<Option<f64>>,
}

/// Scores from a file as the suite's own script writes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OfficialRows {
    pub rows: Vec<OfficialRow>,
    /// What the official calculator skips, or counts against better knowledge.
    pub notes: Vec<String>,
    pub n_skipped: usize,
}

/// The score of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct OfficialRow {
    /// Of the case.
    pub id: String,
    /// Place of its part in the scheme.
    pub part: usize,
    pub group: Option<String>,
    /// In [0, 1]; `None` if the row has no value.
    pub value: Option<f64>,
}

/// An image with what a judge said of it.
#[derive(Debug, Clone)]
pub struct ScoredReply<'a> {
    pub case: &'a SuiteCase,
    /// The name of its file in the run.
    pub image: String,
    pub scores: &'a Scores,
    pub reply: &'a str,
}

/// Files as a suite's own script writes them, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfficialFiles {
    pub files: BTreeMap<&'static str, String>,
    pub n_rows: usize,
}

/// A suite. Everything is pure but what reads fetched files or looks for images.
pub trait Suite: fmt::Debug + Sync {
    fn facts(&self) -> &'static SuiteFacts;

    /// Its parts and totals; only a suite of the user's own cases has to look at them.
    fn scheme(&self, cases: &BTreeMap<CaseId, SuiteCase>) -> Scheme;

    /// The part that a case belongs to, by its place in the scheme.
    fn part_of(&self, scheme: &Scheme, case: &SuiteCase) -> Option<usize>;

    /// The group within its part that a case belongs to.
    fn group_of<'a>(&self, _case: &'a SuiteCase) -> Option<&'a str> {
        None
    }

    /// Whether these cases can be scored at all; only those of the user's own may say nothing of what must hold.
    fn has_rules(&self, _cases: &BTreeMap<CaseId, SuiteCase>) -> bool {
        true
    }

    /// What must hold of an image of this case, where that is the case's own to say.
    ///
    /// # Errors
    /// If its facts do not say it in a way that this version knows.
    fn checks(&self, _case: &SuiteCase) -> Result<Option<CaseChecks>, SuiteError> {
        Ok(None)
    }

    /// The ids of the protocols that a judge is asked by about some of these cases.
    fn asked_for(&self, _cases: &BTreeMap<CaseId, SuiteCase>) -> Vec<&'static str> {
        match self.facts().scored_by {
            ScoredBy::Judgments(judged) => judged.asked.to_vec(),
            ScoredBy::Detections | ScoredBy::Checks(_) => Vec::new(),
        }
    }

    /// Whether a judge is asked about this case by the protocol of this id.
    fn asks(&self, _protocol: &str, _case: &SuiteCase) -> bool {
        true
    }

    /// What the wording of the protocol of this id may name of a case.
    fn fields<'a>(&self, _protocol: &str, case: &'a SuiteCase) -> BTreeMap<Field, &'a str> {
        case.fields()
    }

    /// The same of one round of a case, counted from 1.
    fn fields_in_round<'a>(
        &self,
        protocol: &str,
        case: &'a SuiteCase,
        _round: u32,
    ) -> BTreeMap<Field, &'a str> {
        self.fields(protocol, case)
    }

    /// The objects that a detector must find, where a run's listing says it by facts.
    ///
    /// # Errors
    /// If the facts cannot be understood.
    fn objects_of(&self, _case: &SuiteCase) -> Result<Option<Box<Metadata>>, SuiteError> {
        Ok(None)
    }

    /// The score of an image from the values of the protocols that were asked about it, in their order.
    fn combine(&self, values: &[f64]) -> f64 {
        values.first().copied().unwrap_or_default()
    }

    /// Its parts, each with what it asks for and how that is scored; empty where the other facts say it all.
    fn sections(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// Tables beside the main one.
    fn slices(&self) -> &'static [Slice] {
        &[]
    }

    /// The scores that were published on it.
    fn published(&self) -> Option<Published> {
        None
    }

    /// Its cases, from fetched files or, by these parameters, from nothing.
    ///
    /// # Errors
    /// If the files are not there or not those that they should be, or the parameters name no suite.
    fn load(&self, files: &SuiteFiles, parameters: &Parameters) -> Result<SuiteCases, SuiteError>;

    /// The cases that a run's parameters alone tell; `None` if a run lists its cases.
    ///
    /// # Errors
    /// If the parameters name no suite.
    fn cases_of_parameters(&self, _parameters: &Parameters) -> Result<Option<Vec<SuiteCase>>, SuiteError> {
        Ok(None)
    }

    /// Whether these parameters are those that published scores are for.
    fn is_official(&self, _parameters: &Parameters) -> bool {
        self.facts().prompts_note.is_none()
    }

    /// Whether its cases could be loaded; `None` if they are built in.
    fn is_here(&self, files: &SuiteFiles) -> Option<bool> {
        self.facts().source_data.map(|_| self.load(files, &Parameters::new()).is_ok())
    }

    /// The judge protocol of this id.
    ///
    /// # Errors
    /// If the script that it takes its words from is not there or cannot be used.
    fn protocol(&self, _id: &str, _files: &SuiteFiles) -> Result<Option<JudgeProtocol>, SuiteError> {
        Ok(None)
    }

    /// Whether a script of another version than the pinned one holds a usable protocol; `None` if the suite takes none from
    /// it.
    fn check_script(&self, _path: &str, _bytes: &[u8]) -> Option<Result<(), SuiteError>> {
        None
    }

    /// Scores in the files that its own script writes; `None` if it writes none.
    fn official_files(&self, _scored: &[ScoredReply<'_>]) -> Option<OfficialFiles> {
        None
    }

    /// Reads a file of scores as its own script writes it, where [`SuiteFacts::has_official_rows`] says that there is one.
    ///
    /// # Errors
    /// If the text is not such a file.
    fn read_official_rows(&self, _text: &str) -> Result<OfficialRows, String> {
        Err("this suite has no official score files".to_owned())
    }

    /// The images of its cases in a folder, or of a file pattern.
    ///
    /// # Errors
    /// If the place cannot be listed or understood, or holds nothing for this suite.
    fn find_answers(
        &self,
        place: &str,
        template: Option<&NameTemplate>,
        cases: &[SuiteCase],
    ) -> Result<FoundAnswers, SuiteError>;
}

/// A suite of the registry. Two are equal if they have one id.
#[derive(Clone, Copy)]
pub struct SuiteRef(pub(crate) &'static dyn Suite);

impl SuiteRef {
    #[must_use]
    pub fn id(self) -> &'static str {
        self.0.facts().id
    }

    /// What its protocols have in common; `None` if no judge is ever asked for it.
    #[must_use]
    pub fn judged(self) -> Option<&'static JudgedFacts> {
        match self.0.facts().scored_by {
            ScoredBy::Judgments(facts) | ScoredBy::Checks(facts) => Some(facts),
            ScoredBy::Detections => None,
        }
    }

    /// Whether each of its cases says by checks of its own what must hold.
    #[must_use]
    pub fn is_checked(self) -> bool {
        matches!(self.0.facts().scored_by, ScoredBy::Checks(_))
    }

    /// Whether a detector's evidence alone scores it.
    #[must_use]
    pub fn is_detected(self) -> bool {
        matches!(self.0.facts().scored_by, ScoredBy::Detections)
    }
}

impl Deref for SuiteRef {
    type Target = dyn Suite;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl PartialEq for SuiteRef {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for SuiteRef {}

impl PartialOrd for SuiteRef {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SuiteRef {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.id().cmp(other.id())
    }
}

impl fmt::Debug for SuiteRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}
