//! Advice that names commands and flags, for what libraries report without them.

use std::io;

use imgeval_core::{FailureKind, RequestPart};
use imgeval_files::Unsuitable;
use imgeval_runner::CallError;
use imgeval_store::StoreError;

const OWN_FILES: &str =
    "imgeval writes only to files of its own; put a plain copy in its place, or start a new run";

/// What a kind of failure means and what mends it, as tables show it.
pub(crate) fn explain(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::TooManyPixels => "larger than --max-pixels allows; raise the limit if you trust it",
        FailureKind::NotEnoughMemory => {
            "decoding it needs more memory than --max-memory allows or the system has; with more, the same command tries it again"
        }
        FailureKind::WrongMetadata => {
            "its folder's metadata is not this suite's; check --seed and --per-task"
        }
        FailureKind::UnknownPrompt => "its prompt index is not in the suite; check --seed and --per-task",
        FailureKind::Refused => "the provider said no; a result, asked again only with --retry refused",
        FailureKind::Moderated => {
            "a content filter stopped it; a result, asked again only with --retry moderated"
        }
        FailureKind::EmptyReply => {
            "the answer holds no image, or no words where words were asked for; asked again only with --retry empty-reply"
        }
        FailureKind::NotAnImage => {
            "what came is not a readable image; asked again only with --retry not-an-image"
        }
        FailureKind::WrongSize => "not the size asked for; kept, but not scored; see --any-size",
        FailureKind::Unparsed => {
            "the judge's reply holds no score that its protocol reads; it is kept; `imgeval observe --only unparsed` asks again"
        }
        FailureKind::EmptyFile
        | FailureKind::Unreadable
        | FailureKind::UnsupportedFormat
        | FailureKind::DuplicateSample
        | FailureKind::NotAccessible
        | FailureKind::DetectorFailed
        | FailureKind::TimedOut
        | FailureKind::Transport
        | FailureKind::Interrupted
        | FailureKind::RejectedRequest
        | FailureKind::CommandFailed => kind.meaning(),
    }
}

/// What the user can do about a run that cannot be used.
pub(crate) fn store_hint(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            Some("check the folder's permissions or name another one with --run")
        }
        StoreError::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            Some("the folder is read-only; name another one with --run")
        }
        StoreError::Io { source, .. } if Unsuitable::of(source).is_some() => Some(OWN_FILES),
        StoreError::Io { .. } | StoreError::Database { .. } => None,
        StoreError::DiskFull { .. } => {
            Some("free some space and start the same command again; finished work is kept")
        }
        StoreError::NotARun { .. } => Some("`imgeval import` or `imgeval run` makes one"),
        StoreError::Empty { .. } => Some("start the import again"),
        StoreError::Occupied { .. } | StoreError::NotAFolder { .. } => {
            Some("name a new or empty folder with --run")
        }
        StoreError::Locked { .. } => Some("wait until it has finished, or stop it"),
        StoreError::TooNew { .. } => Some("update imgeval"),
        StoreError::TooOld { .. } => Some("score and export still work; observe into a new run"),
        StoreError::Unsuitable { .. } => Some(OWN_FILES),
        StoreError::ForeignDatabase { .. } => {
            Some("do not use this run, or export it anew where it was made")
        }
        StoreError::Damaged { .. } => Some("restore it from a copy, or start a new run"),
        StoreError::Mismatch { .. } => Some("name a new run, or ask for the same as before"),
    }
}

/// What the user can do about an error that ended paid work.
pub(crate) fn call_hint(error: &CallError) -> Option<&'static str> {
    match error {
        CallError::Store(error) => store_hint(error),
        CallError::PriceUnknown { .. } => Some("state the price in the catalogue, or drop --max-cost"),
        CallError::Outdated { .. } => Some("start a new run, or put the old prompts back"),
        CallError::Thread(_) => Some("close other programs and start the same command again"),
        CallError::Broke { .. } => Some("start the same command again; finished work is kept"),
    }
}

/// The flag that asks for a part of a request, with an example where its value needs one.
pub(crate) fn flag_of(part: RequestPart) -> Option<&'static str> {
    match part {
        RequestPart::SizeInPixels => Some("--size 1024x1024"),
        RequestPart::AspectRatio => Some("--size 16:9"),
        RequestPart::Quality => Some("--quality"),
        RequestPart::Background => Some("--background"),
        RequestPart::OutputFormat => Some("--output-format"),
        RequestPart::Seed => Some("--image-seed"),
        RequestPart::System => Some("--system"),
        RequestPart::ImageToEdit
        | RequestPart::SeveralImages
        | RequestPart::Mask
        | RequestPart::FurtherRounds => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_again_only_on_demand_names_its_code() {
        for kind in FailureKind::ALL {
            if let Some((_, named)) = explain(*kind).split_once("--retry ") {
                assert_eq!(named, kind.code());
            }
        }
    }
}
