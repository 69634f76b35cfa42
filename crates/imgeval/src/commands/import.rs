//! `imgeval import`: takes over images that exist. Their bytes are kept; what cannot be used is recorded with its reason.

use imgeval_report::schema::Schema;
use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::Result;
use imgeval_core::{Case, CaseId, Failure, FailureKind, ImageFormat, ImageNote, SampleId};
use imgeval_runner::{CandidateFile, ImageFacts, ImportSettings, ImportSummary, import_files};
use imgeval_store::{ExtraFile, FileStamp, MAX_IMAGE_BYTES, RunWriter};
use imgeval_suites::geneval::{
    self, FolderMetadata, FoundFiles, FoundImage, Layout, LayoutError, Metadata, NameTemplate, SuiteConfig,
};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};

use super::{holder, import_judged::import_judged};
use crate::{
    args::{ImportArgs, IntoRunArgs, ReadArgs, Suite},
    cases::CaseSet,
    exit_code::Exit,
    failure::{CommandError, sentence_of},
    judged::run::JudgedRun,
    printer::Printer,
    scored_run::{ScoredRun, suite_manifest},
};

pub(super) fn import(args: &ImportArgs, printer: Printer) -> Result<Exit> {
    let IntoRunArgs { run, generator, read } = &args.into;
    let coverage = if args.suite == Suite::Geneval {
        let into = Destination { run, config: generator.config(), read };
        import_stage(&args.images, into, &holder("import"), printer)?;
        ScoredRun::open_unobserved(run)?.coverage()?
    } else {
        let set = CaseSet::of_suite(args.suite, generator, &args.suites.data())?;
        import_judged(args.suite, &args.images, &set, run, read, &holder("import"), printer)?;
        JudgedRun::open(run)?.coverage(None)
    };
    printer.data(match args.json {
        true => format!("{:#}\n", Schema::Coverage.stamp(coverage.to_json())),
        false => coverage.render_text(),
    })?;
    Ok(if coverage.n_failed() > 0 { Exit::Partial } else { Exit::Ok })
}

/// Which run the images of which prompts go to, and how they are read.
#[derive(Clone, Copy)]
pub(super) struct Destination<'a> {
    pub(super) run: &'a Path,
    pub(super) config: SuiteConfig,
    pub(super) read: &'a ReadArgs,
}

/// Finds the images, imports what the run does not hold yet, and tells how it went.
pub(super) fn import_stage(
    images: &str,
    into: Destination<'_>,
    holder: &str,
    printer: Printer,
) -> Result<()> {
    let config = into.config;
    let usage = |error: String| CommandError::usage(error);
    let template = into.read.template.as_deref().map(NameTemplate::new).transpose();
    let template = template.map_err(|error| usage(error.to_string()))?;
    let cases = geneval::generate_cases(&config).map_err(|error| usage(error.to_string()))?;
    let cases = geneval::suite_cases(cases);
    let found = geneval::find_images(images, template.as_ref())
        .map_err(|error| usage(sentence_of(&error)).with_hint(layout_hint(&error)))?;
    if found.images.is_empty() {
        let hint =
            "expected 00052/samples/0000.png, or names such as 00052.png or 52_1.jpg; else use --template";
        let message = format!(
            "`{}` holds no image whose name carries a prompt index ({} other files)",
            images,
            found.extras.len()
        );
        return Err(CommandError::nothing(message).with_hint(hint).into());
    }

    let mut run = RunWriter::create_or_open(into.run, &suite_manifest(config), holder)?;
    let names = SourceNames::of(images);
    let (candidates, extras) = sort_found(found, &cases, &names);
    import_candidates(&mut run, &candidates, &extras, &names, into.read, printer)
}

/// Imports what the run does not hold yet, and tells how it went.
pub(super) fn import_candidates(
    run: &mut RunWriter,
    candidates: &[CandidateFile],
    extras: &[ExtraFile],
    names: &SourceNames<'_>,
    read: &ReadArgs,
    printer: Printer,
) -> Result<()> {
    run.forget_vanished_files()?;
    run.record_extra_files(extras)?;
    let max_pixels = read.limit.for_files();
    let limits = DecodeLimits { max_pixels };
    let settings = ImportSettings {
        root: names.root.as_deref(),
        // 16-bit RGBA without any compression: nothing longer can be an image within the limit.
        max_file_bytes: max_pixels.saturating_mul(8).saturating_add(1 << 20).min(MAX_IMAGE_BYTES),
        decode: &|bytes| image_facts(bytes, &limits),
    };
    let mut progress = printer.progress("import");
    let summary = import_files(run, candidates, &settings, &mut |event| progress.show(event));
    progress.finish();
    tell_summary(summary?, printer);
    Ok(())
}

pub(super) fn layout_hint(error: &LayoutError) -> &'static str {
    match error {
        LayoutError::SampleNames { .. } => {
            "name the folder above the prompt folders, or say how names are read: --template '{index}/{sample}'"
        }
        LayoutError::Mixed { .. } => {
            "import the prompt folders and the other images from folders of their own"
        }
        LayoutError::Folder { .. }
        | LayoutError::NotAFolder { .. }
        | LayoutError::Pattern { .. }
        | LayoutError::NothingThere { .. } => {
            "name a folder in GenEval's layout, a flat folder, or a quoted pattern such as 'out/*.png'"
        }
    }
}

fn tell_summary(summary: ImportSummary, printer: Printer) {
    let ImportSummary { imported, replaced, unchanged, failed } = summary;
    printer
        .talk(format_args!("import: {imported} imported, {unchanged} already imported, {failed} unusable"));
    if replaced > 0 {
        printer.insist(format_args!(
            "import: {replaced} files or their prompts had changed since; what they gave before was replaced"
        ));
    }
}

pub(super) fn image_facts(bytes: &[u8], limits: &DecodeLimits) -> Result<ImageFacts, Failure> {
    let image = inspect_and_decode(bytes, limits).map_err(|error| error.failure())?;
    let (width, height) = (image.pixels.width(), image.pixels.height());
    Ok(ImageFacts { format: image.format, width, height, notes: image.notes })
}

/// Holds what was found against the suite: candidates, with what already speaks against them, and extra files.
fn sort_found(
    found: FoundFiles,
    cases: &[Case<Metadata>],
    names: &SourceNames<'_>,
) -> (Vec<CandidateFile>, Vec<ExtraFile>) {
    let layout = found.layout;
    let candidate = |image: FoundImage| {
        let path = names.absolute(&image.path);
        let case = usize::try_from(image.index).ok().and_then(|index| cases.get(index));
        let (id, rejected) = match case {
            Some(case) => (case.id.clone(), reject_by_metadata(&image, case)),
            None => (CaseId::new(format!("{:05}", image.index)), Some(unknown_prompt(&image, cases.len()))),
        };
        let mut notes = notes_of(&image.metadata, case);
        let is_rewritten = notes.contains(&ImageNote::RewrittenPrompt);
        let rewritten_prompt = match image.metadata {
            FolderMetadata::Read { metadata, .. } if is_rewritten => Some(metadata.prompt),
            _ => None,
        };
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if layout == Layout::Official && ImageFormat::from_extension(extension) != Some(ImageFormat::Png) {
            notes.push(ImageNote::NotPng);
        }
        CandidateFile {
            source: path.to_string_lossy().into_owned(),
            stamp: file_stamp(&path),
            id: SampleId::new(id, image.ordinal),
            path,
            rejected,
            notes,
            rewritten_prompt,
        }
    };
    let extra = |extra: geneval::FoundExtra| ExtraFile {
        source: names.absolute(&extra.path).to_string_lossy().into_owned(),
        reason: extra.reason,
    };
    (found.images.into_iter().map(candidate).collect(), found.extras.into_iter().map(extra).collect())
}

fn unknown_prompt(image: &FoundImage, n_cases: usize) -> Failure {
    let detail = format!("the suite's prompts are 0 to {}, not {}", n_cases.saturating_sub(1), image.index);
    Failure { kind: FailureKind::UnknownPrompt, detail }
}

/// What a folder's metadata says beyond what the suite asks.
fn notes_of(metadata: &FolderMetadata, case: Option<&Case<Metadata>>) -> Vec<ImageNote> {
    match metadata {
        FolderMetadata::NotExpected | FolderMetadata::Unusable(_) => Vec::new(),
        FolderMetadata::Absent => vec![ImageNote::NoMetadata],
        FolderMetadata::Read { metadata, further_keys } => {
            let is_rewritten = case.is_some_and(|case| metadata.prompt != case.expectation.prompt);
            [(is_rewritten, ImageNote::RewrittenPrompt), (!further_keys.is_empty(), ImageNote::FurtherKeys)]
                .into_iter()
                .filter_map(|(applies, note)| applies.then_some(note))
                .collect()
        }
    }
}

fn reject_by_metadata(image: &FoundImage, case: &Case<Metadata>) -> Option<Failure> {
    let wrong = |detail: String| Some(Failure { kind: FailureKind::WrongMetadata, detail });
    match &image.metadata {
        FolderMetadata::NotExpected | FolderMetadata::Absent => None,
        FolderMetadata::Unusable(detail) => wrong(format!("metadata.jsonl: {detail}")),
        FolderMetadata::Read { metadata, .. } if metadata.asks_the_same_as(&case.expectation) => None,
        FolderMetadata::Read { metadata, .. } => {
            let (there, here) = (metadata.prompt.escape_debug(), &case.prompt);
            wrong(format!("its folder says \"{there}\", prompt {} of the suite is \"{here}\"", case.id))
        }
    }
}

/// Gives each file one absolute name, wherever a run is continued from. Links below the named folder are not
/// followed: two links to one file are two files.
pub(super) struct SourceNames<'a> {
    place: &'a Path,
    root: Option<PathBuf>,
}

impl<'a> SourceNames<'a> {
    pub(super) fn of(place: &'a str) -> Self {
        let place = Path::new(place);
        Self { place, root: fs::canonicalize(place).ok().filter(|root| root.is_dir()) }
    }

    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        match (&self.root, path.strip_prefix(self.place)) {
            (Some(root), Ok(relative)) => root.join(relative),
            // Of a pattern: the same name that its folder would give the file.
            _ => match (path.parent().map(fs::canonicalize), path.file_name()) {
                (Some(Ok(folder)), Some(name)) => folder.join(name),
                _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            },
        }
    }
}

pub(super) fn file_stamp(path: &Path) -> Option<FileStamp> {
    let metadata = fs::metadata(path).ok()?;
    let since_1970 = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(FileStamp {
        size: i64::try_from(metadata.len()).ok()?,
        modified_ns: i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX),
    })
}
