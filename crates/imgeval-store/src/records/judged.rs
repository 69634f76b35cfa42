//! Judgments of the images, by people or models, verbatim.

use imgeval_core::{ContentHash, Failure, JudgeIdentity, Outcome, SampleId, Usage, WorkKey};

use crate::{Charge, KeptReply};

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
    /// Set for a judgment that only re-reads the stored reply to this one.
    pub reread_of: Option<i64>,
}

impl JudgmentRecord {
    /// Of what no call was made for, such as what a person said: it took no time and cost nothing.
    #[must_use]
    pub fn without_call(item: JudgedItem, began_ms: i64, outcome: Outcome<String>) -> Self {
        Self {
            item,
            began_ms,
            duration_ms: 0,
            outcome,
            usage: Usage::default(),
            charge: Charge::default(),
            raw: String::new(),
            kept: None,
            reread_of: None,
        }
    }

    /// Of a call whose process ended before it did.
    pub(crate) fn interrupted(item: JudgedItem, began_ms: i64, failure: Failure, charge: Charge) -> Self {
        Self { charge, ..Self::without_call(item, began_ms, Outcome::Failed(failure)) }
    }
}

/// A failed judgment of an item about which the judge has said nothing else: its reply may be read anew.
#[derive(Debug, Clone, PartialEq)]
pub struct UnusedJudgment {
    pub judgment_id: i64,
    pub item: JudgedItem,
    /// As recorded, or with its kind as re-read since.
    pub failure: Failure,
    /// Whether a cost is on record for it, known or possible.
    pub is_charged: bool,
    /// Whether it is the last one of its item.
    pub is_last: bool,
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
