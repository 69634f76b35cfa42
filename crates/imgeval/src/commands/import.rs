//! `imgeval import`: takes over images that exist. Their bytes are kept; what cannot be used is recorded with its reason.

use imgeval_report::schema::Schema;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::Result;
use imgeval_core::{CaseId, Failure, counted};
use imgeval_dataset::ReadSettings;
use imgeval_report::tables::{coverage_json, coverage_table};
use imgeval_runner::{CandidateFile, ImageFacts, ImportSettings, ImportSummary, import_files};
use imgeval_scoring::{Run, ScoringError};
use imgeval_store::{ExtraFile, FileStamp, MAX_IMAGE_BYTES, RunWriter};
use imgeval_suites::{
    geneval::NameTemplate,
    registry,
    suite::{FoundAnswer, FoundAnswers},
};
use imgeval_vision::image_file::{DecodeLimits, inspect_and_decode};

use super::holder;
use crate::{
    advice::{
        datasets::{no_own_cases, other_cases},
        explain_coverage,
    },
    args::{ImportArgs, IntoRunArgs, ReadArgs},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};
use imgeval_generation::CaseSet;

pub(super) fn import(args: &ImportArgs, printer: Printer) -> Result<Exit> {
    let IntoRunArgs { run, label, generator, read, part } = &args.into;
    match (args.suite, &args.images, &args.dataset) {
        (_, _, Some(folder)) => import_dataset(folder, args, printer)?,
        (Some(suite), Some(images), None) => {
            let cases = CaseSet::of_suite(suite, &args.suites.files(), &generator.parameters(suite)?)?;
            let cases = cases.with_label(label.as_ref()).with_shard(part.shard);
            import_stage(images, &cases, run, read, &holder("import"), printer)?;
        }
        _ => return Err(CommandError::usage("name a suite and its images, or --dataset DIR").into()),
    }
    let coverage = Run::open(run)?.coverage()?;
    let mut view = coverage.view();
    explain_coverage(&mut view.lines);
    match args.json {
        true => printer.data(format_args!("{:#}\n", Schema::Coverage.stamp(coverage_json(&view))))?,
        false => printer.table(&coverage_table(&view, args.verbose))?,
    }
    Ok(if coverage.n_failed() > 0 { Exit::Partial } else { Exit::Ok })
}

/// Finds the images, imports those that the run lacks, and reports the result.
pub(super) fn import_stage(
    images: &str,
    cases: &CaseSet,
    run: &Path,
    read: &ReadArgs,
    holder: &str,
    printer: Printer,
) -> Result<()> {
    let template = read.template.as_deref().map(NameTemplate::new).transpose();
    let template = template.map_err(imgeval_suites::files::SuiteError::from)?;
    let mut found = cases.suite.find_answers(images, template.as_ref(), &cases.cases)?;
    if let Some(part) = cases.part() {
        found.images.retain(|answer| part.contains(&answer.id.case));
    }
    let names = SourceNames::of(images);
    let (candidates, extras) = sort_found(found, &names);
    let mut run = RunWriter::create_or_open(run, &cases.manifest, holder)?;
    cases.keep_in(&run)?;
    run.forget_vanished_files()?;
    run.record_extra_files(&extras)?;
    let max_pixels = read.limit.for_files();
    let limits = DecodeLimits { max_pixels };
    let settings = ImportSettings {
        root: names.root.as_deref(),
        max_file_bytes: max_file_bytes(max_pixels),
        decode: &|bytes| image_facts(bytes, &limits),
    };
    let mut progress = printer.progress("import", "image");
    let summary = import_files(&mut run, &candidates, &settings, &mut |event| progress.show(event));
    progress.finish();
    tell_summary(summary?, printer);
    Ok(())
}

/// Takes over the samples of a data set, which names suite, parameters and model.
fn import_dataset(folder: &Path, args: &ImportArgs, printer: Printer) -> Result<()> {
    let description = imgeval_dataset::read_description(folder)?;
    let suite = registry::find(&description.suite)
        .ok_or_else(|| ScoringError::UnknownSuite { suite: description.suite.clone() })?;
    if suite == registry::own_cases() {
        return Err(no_own_cases().into());
    }
    let mut cases = CaseSet::of_suite(suite, &args.suites.files(), &description.parameters)?;
    if cases.manifest.parameters != description.parameters {
        return Err(other_cases(&description.suite).into());
    }
    cases.manifest.generation.clone_from(&description.generation);
    cases.manifest.label = args.into.label.as_ref().or(description.label.as_ref()).cloned();
    let mut run = RunWriter::create_or_open(&args.into.run, &cases.manifest, &holder("import"))?;
    cases.keep_in(&run)?;
    let known: BTreeSet<&CaseId> = cases.cases.iter().map(|case| &case.id).collect();
    let max_pixels = args.into.read.limit.for_files();
    let limits = DecodeLimits { max_pixels };
    let settings = ReadSettings {
        max_file_bytes: max_file_bytes(max_pixels),
        decode: &|bytes| image_facts(bytes, &limits),
        is_case: &|id| known.contains(id),
    };
    let mut progress = printer.progress("import", "image");
    let summary = imgeval_dataset::import_samples(folder, &description, &mut run, &settings, &mut |event| {
        progress.show(event);
    });
    progress.finish();
    tell_summary(summary?, printer);
    Ok(())
}

/// 16-bit RGBA without any compression: nothing longer can be an image within the limit.
fn max_file_bytes(max_pixels: u64) -> u64 {
    max_pixels.saturating_mul(8).saturating_add(1 << 20).min(MAX_IMAGE_BYTES)
}

fn tell_summary(summary: ImportSummary, printer: Printer) {
    let ImportSummary { imported, replaced, unchanged, failed } = summary;
    printer
        .talk(format_args!("import: {imported} imported, {unchanged} already imported, {failed} unusable"));
    if replaced > 0 {
        printer.warn(format_args!(
            "import: {} had changed, or their prompts, and were replaced",
            counted(replaced, "file")
        ));
    }
}

pub(super) fn image_facts(bytes: &[u8], limits: &DecodeLimits) -> Result<ImageFacts, Failure> {
    let image = inspect_and_decode(bytes, limits).map_err(|error| error.failure())?;
    let (width, height) = (image.pixels.width(), image.pixels.height());
    Ok(ImageFacts { format: image.format, width, height, notes: image.notes })
}

/// Candidates with what already speaks against them, and extra files.
fn sort_found(found: FoundAnswers, names: &SourceNames<'_>) -> (Vec<CandidateFile>, Vec<ExtraFile>) {
    let candidate = |answer: FoundAnswer| {
        let path = names.absolute(&answer.path);
        CandidateFile {
            source: path.to_string_lossy().into_owned(),
            stamp: file_stamp(&path),
            id: answer.id,
            path,
            rejected: answer.rejected.map(|(kind, detail)| Failure { kind, detail }),
            notes: answer.notes,
            rewritten_prompt: answer.rewritten_prompt,
        }
    };
    let extra = |(path, reason): (PathBuf, String)| ExtraFile {
        source: names.absolute(&path).to_string_lossy().into_owned(),
        reason,
    };
    (found.images.into_iter().map(candidate).collect(), found.extras.into_iter().map(extra).collect())
}

/// Gives each file one absolute name, wherever a run is continued from. Links below the named folder are not
/// followed: two links to one file are two files.
struct SourceNames<'a> {
    place: &'a Path,
    root: Option<PathBuf>,
}

impl<'a> SourceNames<'a> {
    fn of(place: &'a str) -> Self {
        let place = Path::new(place);
        Self { place, root: fs::canonicalize(place).ok().filter(|root| root.is_dir()) }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
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

fn file_stamp(path: &Path) -> Option<FileStamp> {
    let metadata = fs::metadata(path).ok()?;
    let since_1970 = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(FileStamp {
        size: i64::try_from(metadata.len()).ok()?,
        modified_ns: i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX),
    })
}
