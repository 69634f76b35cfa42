//! Why there is nothing to generate from.

use std::{io, path::PathBuf};

use imgeval_core::Shard;
use imgeval_files::TextError;
use imgeval_store::StoreError;
use imgeval_suites::files::SuiteError;

/// Why cases cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error(transparent)]
    Unreadable(#[from] TextError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("`{}`, line {line}: {problem}", path.display())]
    Line { path: PathBuf, line: usize, problem: String },
    /// The checks of the cases do not go together.
    #[error("`{}`: {problem}", path.display())]
    Checks { path: PathBuf, problem: String },
    #[error("`{}` contains no cases", path.display())]
    NoCase { path: PathBuf },
    #[error("could not read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` changed while it was being read", path.display())]
    Changed { path: PathBuf },
    #[error("no prompt has the id `{id}`")]
    UnknownId { id: String },
    #[error("no prompt has the tag `{tag}`")]
    UnknownTag { tag: String, known: Vec<String> },
    #[error("no prompts are selected")]
    NoneLeft,
    #[error("part {shard} of the work holds no case: there are fewer cases than parts")]
    NoneInShard { shard: Shard },
    #[error("case {id} has a mask in round {round}, which cannot be sent in one call with the other rounds")]
    MaskInRound { id: String, round: usize },
}
