//! A session: a source image and the instructions of its rounds, with whatever a benchmark says about each.

/// One source image and what is to be done with it, round after round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// As the benchmark names it; unique within the benchmark, and never used as a path unchecked.
    pub id: String,
    /// The file of the source image below the benchmark's folder, with `/` between its parts; `None` if the benchmark's table holds
    /// the image itself.
    pub source: Option<String>,
    /// The benchmark's own group, if it has any.
    pub category: Option<String>,
    /// In order; never empty.
    pub rounds: Vec<Round>,
}

/// One round of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// The instruction to the model.
    pub instruction: String,
    /// The form that a scorer reads, if it differs from `instruction`.
    pub formatted: Option<String>,
    /// The kind of edit, in the benchmark's words.
    pub edit_type: Option<String>,
    /// The benchmark's caption of the image that the round should give.
    pub target_caption: Option<String>,
    /// The file of the benchmark's own result, below its folder.
    pub target: Option<String>,
    /// The file of the mask of what this round edits, below the benchmark's folder.
    pub mask: Option<Mask>,
    /// What this round says about earlier ones.
    pub history: Option<History>,
}

/// A mask of the edited region. It may have another size than the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Below the benchmark's folder.
    pub file: String,
    pub edited: MaskedPart,
}

/// Which pixels of a mask are the edited region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskedPart {
    /// The alpha channel is zero there.
    Transparent,
}

/// Which image of a session is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    Source,
    /// The result of a round, counted from 1.
    Round(usize),
}

/// What a round says about earlier rounds, by a person's reading of the instructions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The version that the result must be built on; `None` if nothing is known, in which case it is the one before.
    pub base: Option<Version>,
    /// Rounds whose edits must still be there.
    pub keep: Vec<usize>,
    /// Rounds whose edits must be gone.
    pub undo: Vec<usize>,
    /// The earlier round whose object this round speaks of.
    pub refers_to: Option<usize>,
    /// A rule that an earlier round has given and that this round must obey.
    pub constraint: Option<Constraint>,
    /// The result must show the same as its base, so that it can be measured without a judge.
    pub must_equal_base: bool,
    /// Why the instruction can fairly be read in another way: such a round is not scored strictly.
    pub ambiguity: Option<String>,
}

/// A rule for later rounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// What it rules: `color`, `material`, `theme` and so on, as the notes name it.
    pub about: String,
    /// The round that states it, counted from 1.
    pub given_in: usize,
}
