//! A local command as a generator: started once for each image, with the prompt and file names in its arguments.
//!
//! The arguments are split as a shell splits words, but there is no shell. `{prompt}`, `{seed}`, `{out}`, `{width}`, `{height}`,
//! `{input}`, `{mask}`, `{id}`, `{sample}` and `{round}` are replaced inside an argument; `{inputs}`, an argument by itself, becomes
//! one argument for each image sent along. Without an image `{input}` is empty, so that a conversation can begin with words alone
//! and go on from its answers by the same command line; every other placeholder must have a value. A prompt that starts with `-` is passed as it is: write `--prompt={prompt}`, so that it
//! is never taken for an option. The command writes its image to `{out}` (PNG, JPEG or WebP, whatever the name says). What it
//! leaves running is ended with it.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use async_trait::async_trait;
use imgeval_core::{
    Answer, Capabilities, Cost, EndpointMeta, Failure, FailureKind, Generator, ImageRequest, InputImage,
    Outcome, Permit, ProviderDown, SizeRequest,
};
use imgeval_files::Unsuitable;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    arguments::{CommandLineError, CommandLineProblem, Placeholder, Template},
    http_generator::check,
    process::{Group, MAX_IMAGE_BYTES, Tail, describe, finish, keep_tail, local_cost, not_startable},
};

/// Starts a command for every image.
#[derive(Debug)]
pub struct CommandGenerator {
    meta: EndpointMeta,
    template: Template,
    time_limit: Duration,
    slots: Semaphore,
}

impl CommandGenerator {
    /// At most `concurrent` copies run at a time, each for at most `time_limit`.
    ///
    /// # Errors
    /// If the command line cannot be split, lacks `{prompt}` or `{out}`, or has an unknown placeholder. Nothing is started.
    pub fn new(
        command_line: &str,
        time_limit: Duration,
        concurrent: usize,
    ) -> Result<Self, CommandLineError> {
        let template = Template::parse(command_line)?;
        let refuse = |problem| Err(CommandLineError::new(command_line, problem));
        for needed in [Placeholder::Prompt, Placeholder::Out] {
            if !template.has(needed) {
                return refuse(CommandLineProblem::Missing(needed.name()));
            }
        }
        if template.has(Placeholder::Width) != template.has(Placeholder::Height) {
            return refuse(CommandLineProblem::HalfASize);
        }
        let meta = EndpointMeta {
            provider: "cmd".to_owned(),
            endpoint: String::new(),
            model: command_line.to_owned(),
            version: 1,
        };
        Ok(Self { meta, template, time_limit, slots: Semaphore::new(concurrent.max(1)) })
    }

    async fn run(
        &self,
        call: &Call,
        arguments: &[OsString],
    ) -> Result<(Outcome<Vec<u8>>, String), ProviderDown> {
        let program = self.template.program();
        let mut group = match Group::start(program, arguments, Stdio::null()) {
            Ok(group) => group,
            // A NUL in the prompt, or a prompt longer than the system takes: this request's fault.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::ArgumentListTooLong
                ) =>
            {
                let detail = format!("the prompt cannot be an argument of a command: {error}");
                return Ok((failed(FailureKind::RejectedRequest, detail), String::new()));
            }
            Err(error) => return Err(not_startable(program, &error)),
        };
        let (all, errors) = (Tail::default(), Tail::default());
        let mut readers = Vec::new();
        readers.extend(group.child.stdout.take().map(|pipe| keep_tail(pipe, vec![all.clone()])));
        readers
            .extend(group.child.stderr.take().map(|pipe| keep_tail(pipe, vec![all.clone(), errors.clone()])));
        let ended = tokio::time::timeout(self.time_limit, group.child.wait()).await;
        group.kill();
        for reader in readers {
            finish(reader).await;
        }
        let outcome = match ended {
            Err(_) => {
                let detail = format!("the command took longer than {} s", self.time_limit.as_secs_f64());
                failed(FailureKind::TimedOut, detail)
            }
            Ok(Err(error)) => failed(FailureKind::CommandFailed, format!("the command was lost: {error}")),
            Ok(Ok(status)) if !status.success() => {
                let line = errors.last_line().map(|line| format!(": {line}")).unwrap_or_default();
                failed(
                    FailureKind::CommandFailed,
                    format!("the command ended with {}{line}", describe(status)),
                )
            }
            Ok(Ok(_)) => {
                let missing = "the command succeeded but wrote no image to {out}";
                read_image(&call.out, FailureKind::CommandFailed, missing).await
            }
        };
        Ok((outcome, all.text()))
    }
}

#[async_trait]
impl Generator for CommandGenerator {
    fn meta(&self) -> &EndpointMeta {
        &self.meta
    }

    fn capabilities(&self) -> Capabilities {
        let has = |placeholder| self.template.has(placeholder);
        let takes_images = has(Placeholder::Input) || has(Placeholder::Inputs);
        Capabilities {
            size_in_pixels: has(Placeholder::Width),
            seed: has(Placeholder::Seed),
            edit: takes_images,
            several_images: has(Placeholder::Inputs),
            mask: has(Placeholder::Mask),
            rounds: takes_images,
            ..Capabilities::default()
        }
    }

    fn estimate(&self, _request: &ImageRequest) -> Option<Cost> {
        Some(local_cost())
    }

    async fn generate(&self, request: &ImageRequest, permit: &dyn Permit) -> Result<Answer, ProviderDown> {
        let answer = |outcome, raw| local_answer(outcome, raw, None);
        if let Err(failure) = check(self.capabilities(), request) {
            return Ok(answer(Outcome::Failed(failure), String::new()));
        }
        let Some(_slot) = local_turn(&self.slots, permit).await else { return Ok(Answer::not_sent()) };
        // Dropped at the end of the call, the folder goes with all that is in it.
        let call = match Call::prepare(request).await {
            Ok(call) => call,
            Err(error) => return Ok(answer(no_folder(&error), String::new())),
        };
        let arguments = match self.template.fill(&call.inputs, |placeholder| call.value(placeholder)) {
            Ok(arguments) => arguments,
            Err(placeholder) => {
                let detail =
                    format!("the command needs {{{}}}, but the request has none", placeholder.name());
                return Ok(answer(failed(FailureKind::RejectedRequest, detail), String::new()));
            }
        };
        if !permit.may_send(0).await {
            return Ok(Answer::not_sent());
        }
        let (outcome, raw) = self.run(&call, &arguments).await?;
        Ok(answer(outcome, raw))
    }
}

/// What one call's placeholders stand for; the files lie in a private folder.
struct Call {
    _folder: tempfile::TempDir,
    inputs: Vec<PathBuf>,
    mask: Option<PathBuf>,
    out: PathBuf,
    texts: Vec<(Placeholder, OsString)>,
}

impl Call {
    async fn prepare(request: &ImageRequest) -> io::Result<Self> {
        let folder = private_folder()?;
        let images = request.images_to_edit();
        let mut inputs = Vec::with_capacity(images.len());
        for (index, image) in images.into_iter().enumerate() {
            inputs.push(write_image(folder.path(), &format!("input-{index}"), image).await?);
        }
        let mask = match &request.mask {
            Some(mask) => Some(write_image(folder.path(), "mask", mask).await?),
            None => None,
        };
        let out = folder.path().join("out.png");
        let mut texts = vec![
            (Placeholder::Prompt, request.prompt.clone()),
            (Placeholder::Id, request.id.case.to_string()),
            (Placeholder::Sample, request.id.ordinal.to_string()),
            (Placeholder::Round, request.id.round.to_string()),
        ];
        texts.extend(request.seed.map(|seed| (Placeholder::Seed, seed.to_string())));
        if let Some(SizeRequest::Pixels { width, height }) = request.parameters.size {
            texts.push((Placeholder::Width, width.to_string()));
            texts.push((Placeholder::Height, height.to_string()));
        }
        let texts = texts.into_iter().map(|(placeholder, text)| (placeholder, text.into())).collect();
        Ok(Self { _folder: folder, inputs, mask, out, texts })
    }

    fn value(&self, placeholder: Placeholder) -> Option<&OsStr> {
        match placeholder {
            Placeholder::Out => Some(self.out.as_os_str()),
            // Of a first round without an image, nothing.
            Placeholder::Input => Some(self.inputs.first().map_or(OsStr::new(""), |path| path.as_os_str())),
            Placeholder::Mask => self.mask.as_ref().map(|path| path.as_os_str()),
            _ => {
                let text = self.texts.iter().find(|(known, _)| *known == placeholder);
                text.map(|(_, text)| text.as_os_str())
            }
        }
    }
}

pub(super) fn private_folder() -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("imgeval-").tempdir()
}

pub(super) async fn write_image(folder: &Path, name: &str, image: &InputImage) -> io::Result<PathBuf> {
    let path = folder.join(format!("{name}.{}", image.format.extension()));
    let (target, bytes) = (path.clone(), image.bytes.clone());
    blocking(move || imgeval_files::write_whole(&target, &bytes)).await?;
    Ok(path)
}

pub(super) fn failed<T>(kind: FailureKind, detail: String) -> Outcome<T> {
    Outcome::Failed(Failure { kind, detail })
}

pub(super) fn no_folder<T>(error: &io::Error) -> Outcome<T> {
    let folder = std::env::temp_dir();
    failed(
        FailureKind::CommandFailed,
        format!("could not write temporary files in `{}`: {error}", folder.display()),
    )
}

/// Waits for a turn; `None` if the permission was revoked before it came.
pub(super) async fn local_turn<'a>(slots: &'a Semaphore, permit: &dyn Permit) -> Option<SemaphorePermit<'a>> {
    tokio::select! {
        biased;
        () = permit.revoked() => None,
        // The semaphore is never closed.
        slot = slots.acquire() => slot.ok(),
    }
}

/// The bytes of the file where an image should be. If there is none, the result is a failure of this kind with the
/// detail `missing`.
pub(super) async fn read_image(path: &Path, kind: FailureKind, missing: &str) -> Outcome<Vec<u8>> {
    let unreadable = |error| failed(kind, format!("could not read the image: {error}"));
    let read = {
        let path = path.to_owned();
        blocking(move || imgeval_files::read_regular(&path, MAX_IMAGE_BYTES)).await
    };
    match read {
        Ok(bytes) if bytes.is_empty() => failed(kind, format!("{missing}: the file is empty")),
        Ok(bytes) => Outcome::Done(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => failed(kind, missing.to_owned()),
        Err(error) => match Unsuitable::of(&error) {
            Some(Unsuitable::TooLong { limit }) => {
                failed(FailureKind::NotAnImage, format!("the image file is larger than {limit} bytes"))
            }
            Some(found) => failed(kind, format!("{missing}: {found}")),
            None => unreadable(error),
        },
    }
}

/// Files are read and written where waiting for a disk holds up no other call.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

pub(super) fn local_answer(outcome: Outcome<Vec<u8>>, raw: String, revised_prompt: Option<String>) -> Answer {
    Answer { outcome, cost: Some(local_cost()), revised_prompt, raw, tries: 1, ..Answer::not_sent() }
}
