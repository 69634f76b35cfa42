//! What judges, people among them, said of the images, word for word.

use imgeval_core::{CaseId, ContentHash, Failure, JudgeIdentity, Outcome, SampleId, Usage, WorkKey};

use crate::{Charge, KeptReply, RunReader, RunWriter, StoreError};

/// What is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedItem {
    pub work_key: WorkKey,
    pub judge_id: String,
    pub role: JudgedRole,
    pub id: SampleId,
    pub image: ContentHash,
    /// Counted from 0: how often the same question was asked before.
    pub repeat: u32,
}

impl JudgedItem {
    #[must_use]
    pub fn new(
        judge: &JudgeIdentity,
        role: JudgedRole,
        id: SampleId,
        image: ContentHash,
        repeat: u32,
    ) -> Self {
        let work_key = judge.work_key(role.code(), &id, &image, repeat);
        Self { work_key, judge_id: judge.id(), role, id, image, repeat }
    }
}

/// Why an image is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JudgedRole {
    /// It is a sample of the run.
    Sample,
    /// It is one of the images that every run has judged, to see whether the judge has changed.
    Anchor,
    /// What the judge said of an anchor when it was set up.
    AnchorReference,
}

impl JudgedRole {
    /// Stable name, as stored.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Anchor => "anchor",
            Self::AnchorReference => "anchor-reference",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Sample, Self::Anchor, Self::AnchorReference].into_iter().find(|role| role.code() == code)
    }
}

/// A finished call to a judge, or what a person said.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgmentRecord {
    pub item: JudgedItem,
    /// Milliseconds since 1970.
    pub began_ms: i64,
    pub duration_ms: i64,
    /// The judge's words, blanks around them cut; whether they hold a score is not said here.
    pub outcome: Outcome<String>,
    pub usage: Usage,
    pub charge: Charge,
    /// The reply, keys redacted, at most [`crate::MAX_RAW_BYTES`] of it.
    pub raw: String,
    /// The whole reply, unless the judge's words were taken from it.
    pub kept: Option<KeptReply>,
    /// Of a judgment that only read the kept reply to this one anew.
    pub reread_of: Option<i64>,
}

/// A failed judgment of an item about which the judge has said nothing else: its reply may be read anew.
#[derive(Debug, Clone, PartialEq)]
pub struct UnusedJudgment {
    pub judgment_id: i64,
    pub item: JudgedItem,
    /// As it was told, or its kind as it was read anew since.
    pub failure: Failure,
    /// Whether a cost is on record for it, known or possible.
    pub is_charged: bool,
    /// Whether it is the last one of its item.
    pub is_last: bool,
}

impl JudgmentRecord {
    /// Of a call whose process ended before it did.
    pub(crate) fn interrupted(item: JudgedItem, began_ms: i64, failure: Failure, charge: Charge) -> Self {
        let (outcome, raw) = (Outcome::Failed(failure), String::new());
        Self {
            item,
            began_ms,
            duration_ms: 0,
            outcome,
            usage: Usage::default(),
            charge,
            raw,
            kept: None,
            reread_of: None,
        }
    }
}

/// A judge that has judged images of the run, under one protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJudge {
    pub identity: JudgeIdentity,
    /// The protocol in full, as it was.
    pub protocol: String,
}

/// A judgment as scoring reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredJudgment {
    pub item: JudgedItem,
    pub began_ms: i64,
    pub outcome: Outcome<String>,
}

/// Numbers that a program measured on a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasurementRecord {
    /// Who measured, versions and weights included.
    pub meter: String,
    pub id: SampleId,
    pub image: ContentHash,
    /// A JSON object of numbers by their names, or why there are none.
    pub outcome: Outcome<String>,
}

impl RunWriter {
    /// Keeps who judges; one that is known already stays as it is.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_judge(&self, judge: &StoredJudge) -> Result<(), StoreError> {
        self.database.record_judge(judge)
    }

    /// As [`RunReader::judges`].
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn judges(&self) -> Result<Vec<StoredJudge>, StoreError> {
        self.database.judges()
    }

    /// As [`RunReader::for_each_judgment`].
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn for_each_judgment(
        &self,
        judge_id: Option<&str>,
        visit: impl FnMut(StoredJudgment),
    ) -> Result<(), StoreError> {
        self.database.for_each_judgment(judge_id, visit)
    }

    /// Keeps what a person said, now and for good.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_judgment(&mut self, judgment: &JudgmentRecord) -> Result<(), StoreError> {
        self.database.record_judgments(std::slice::from_ref(judgment))
    }

    /// Keeps what a person said and takes back what was said before for the same piece of work, both or neither.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn replace_judgment(&mut self, judgment: &JudgmentRecord) -> Result<(), StoreError> {
        self.database.replace_judgment(judgment)
    }

    /// Takes back everything said so far for this piece of work: it stays on record and counts no more.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn withdraw_judgments(&mut self, work_key: &WorkKey) -> Result<(), StoreError> {
        self.database.withdraw_judgments(work_key)
    }

    /// Failed judgments of items about which their judge has said nothing else, those of one item together and the newest
    /// first.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn unused_judgments(&self) -> Result<Vec<UnusedJudgment>, StoreError> {
        self.database.unused_judgments()
    }

    /// As [`Self::reply_of_attempt`].
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn reply_of_judgment(&self, judgment_id: i64) -> Result<(Option<KeptReply>, String), StoreError> {
        self.database.reply_of_judgment(judgment_id)
    }

    /// Keeps measurements, all or none, instead of earlier ones of the same meter on the same sample.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn record_measurements(&mut self, batch: &[MeasurementRecord]) -> Result<(), StoreError> {
        self.database.record_measurements(batch)
    }

    /// As [`RunReader::measurements`].
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn measurements(&self) -> Result<Vec<MeasurementRecord>, StoreError> {
        self.database.measurements()
    }
}

impl RunReader {
    /// The judges that were ever set to work on this run, in the order in which they came.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn judges(&self) -> Result<Vec<StoredJudge>, StoreError> {
        self.database.judges()
    }

    /// Visits what was said, by one judge or all, one at a time, in the order of recording; what was taken back is left
    /// out.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn for_each_judgment(
        &self,
        judge_id: Option<&str>,
        visit: impl FnMut(StoredJudgment),
    ) -> Result<(), StoreError> {
        self.database.for_each_judgment(judge_id, visit)
    }

    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn measurements(&self) -> Result<Vec<MeasurementRecord>, StoreError> {
        self.database.measurements()
    }

    /// The whole replies behind [`Self::for_each_judgment`], with what they cost.
    ///
    /// # Errors
    /// If the database cannot be read or holds something that this version did not write.
    pub fn for_each_judgment_call(&self, visit: impl FnMut(JudgmentRecord)) -> Result<(), StoreError> {
        self.database.for_each_judgment_call(visit)
    }
}

/// The item of a row whose columns were read.
pub(crate) fn read_item(
    row: &rusqlite::Row<'_>,
    first: usize,
) -> rusqlite::Result<Result<JudgedItem, String>> {
    let role: String = row.get(first + 2)?;
    let image: String = row.get(first + 6)?;
    let (work_key, judge_id): (String, String) = (row.get(first)?, row.get(first + 1)?);
    let case = CaseId::new(row.get::<_, String>(first + 3)?);
    let id = SampleId { case, ordinal: row.get(first + 4)?, round: row.get(first + 5)? };
    let repeat = row.get(first + 7)?;
    let item =
        |role, image| JudgedItem { work_key: WorkKey::new(work_key), judge_id, role, id, image, repeat };
    Ok(match (JudgedRole::from_code(&role), ContentHash::parse(&image)) {
        (Some(role), Some(image)) => Ok(item(role, image)),
        _ => Err(format!("a judgment of `{role}` has a malformed image hash or purpose")),
    })
}
