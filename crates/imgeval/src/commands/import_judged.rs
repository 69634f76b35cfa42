//! `imgeval import` for judged suites: images by the ids of their prompts, edits by their folders.

use std::path::{Path, PathBuf};

use anyhow::Result;
use imgeval_core::{CaseId, Failure, FailureKind, SampleId};
use imgeval_runner::CandidateFile;
use imgeval_store::{ExtraFile, RunWriter};
use imgeval_suites::{
    geneval::{self, FoundImage, NameTemplate},
    reason_edit::{self, EditCase, EditedImage, Folder},
};

use super::import::{SourceNames, file_stamp, import_candidates, layout_hint};
use crate::{
    args::{ReadArgs, Suite},
    cases::{CaseSet, TaggedCase},
    failure::{CommandError, sentence_of},
    printer::Printer,
};

/// Finds the images and imports what the run does not hold yet.
pub(super) fn import_judged(
    suite: Suite,
    images: &str,
    set: &CaseSet,
    run: &Path,
    read: &ReadArgs,
    holder: &str,
    printer: Printer,
) -> Result<()> {
    let names = SourceNames::of(images);
    let (candidates, extras) = match suite {
        Suite::ReasonEdit => find_edits(images, set, read, &names)?,
        _ => find_by_prompt_id(images, set, read, &names)?,
    };
    if candidates.is_empty() {
        let (message, hint) = match suite {
            Suite::ReasonEdit => (
                format!("`{images}` holds no edited image of Reason-Edit ({} other files)", extras.len()),
                "expected SmartEdit's folders, such as LeftRight_metrics_1, or names such as left-right-0001.png",
            ),
            _ => (
                format!("`{images}` holds no image named by a prompt id ({} other files)", extras.len()),
                "expected names such as 892.png or 892_1.png; else use --template '{index}.png'",
            ),
        };
        return Err(CommandError::nothing(message).with_hint(hint).into());
    }
    let mut run = RunWriter::create_or_open(run, &set.manifest, holder)?;
    set.keep_in(&run)?;
    import_candidates(&mut run, &candidates, &extras, &names, read, printer)
}

type Found = (Vec<CandidateFile>, Vec<ExtraFile>);

/// Images as WISE names them: `892.png`, more of one prompt as `892_1.png`.
fn find_by_prompt_id(images: &str, set: &CaseSet, read: &ReadArgs, names: &SourceNames<'_>) -> Result<Found> {
    let template = read.template.as_deref().map(NameTemplate::new).transpose();
    let template = template.map_err(|error| CommandError::usage(error.to_string()))?;
    let found = geneval::find_images(images, template.as_ref())
        .map_err(|error| CommandError::usage(sentence_of(&error)).with_hint(layout_hint(&error)))?;
    let known = |id: &CaseId| set.cases.iter().any(|case| case.case.id == *id);
    let candidate = |image: FoundImage| {
        let path = names.absolute(&image.path);
        let case = CaseId::new(image.index.to_string());
        let rejected = (!known(&case)).then(|| Failure {
            kind: FailureKind::UnknownPrompt,
            detail: format!("the suite has no prompt {case}"),
        });
        CandidateFile {
            source: path.to_string_lossy().into_owned(),
            stamp: file_stamp(&path),
            id: SampleId::new(case, image.ordinal),
            path,
            rejected,
            notes: Vec::new(),
            rewritten_prompt: None,
        }
    };
    let extra = |extra: geneval::FoundExtra| ExtraFile {
        source: names.absolute(&extra.path).to_string_lossy().into_owned(),
        reason: extra.reason,
    };
    Ok((found.images.into_iter().map(candidate).collect(), found.extras.into_iter().map(extra).collect()))
}

/// Edited images in SmartEdit's folders or under the ids of their cases.
fn find_edits(images: &str, set: &CaseSet, read: &ReadArgs, names: &SourceNames<'_>) -> Result<Found> {
    if read.template.is_some() {
        let message = "--template is for images that are named by prompt numbers";
        return Err(CommandError::usage(message).into());
    }
    let case = |tagged: &TaggedCase| {
        let id = tagged.case.id.as_str();
        let folder = Folder::of_case_id(id)?;
        // Files are matched by the names of their sources, which the ids end with.
        let source = id[folder.name().len()..].trim_start_matches('-').into();
        let (instruction, target_text) = (String::new(), String::new());
        Some(EditCase { id: id.to_owned(), folder, instruction, target_text, source, mask: PathBuf::new() })
    };
    let cases: Vec<EditCase> = set.cases.iter().filter_map(case).collect();
    let found = reason_edit::find_edited(Path::new(images), &cases)
        .map_err(|error| CommandError::usage(sentence_of(&error)))?;
    let candidate = |image: EditedImage| {
        let path = names.absolute(&image.path);
        CandidateFile {
            source: path.to_string_lossy().into_owned(),
            stamp: file_stamp(&path),
            id: SampleId::new(CaseId::new(image.case_id), 0),
            path,
            rejected: None,
            notes: Vec::new(),
            rewritten_prompt: None,
        }
    };
    let extra = |path: PathBuf, reason: &str| ExtraFile {
        source: names.absolute(&path).to_string_lossy().into_owned(),
        reason: reason.to_owned(),
    };
    let unknown = found.extra.into_iter().map(|path| extra(path, "it belongs to no case of Reason-Edit"));
    let beside = found.beside.into_iter();
    let beside = beside.map(|path| extra(path, "the same image lies beside it in the format that is taken"));
    Ok((found.images.into_iter().map(candidate).collect(), unknown.chain(beside).collect()))
}
