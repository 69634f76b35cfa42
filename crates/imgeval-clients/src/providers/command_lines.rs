//! A long-lived local command as a generator: it loads its model once and then answers a line of JSON with a line of JSON.
//!
//! Asked, on its standard input, what is absent left out:
//! `{"id", "prompt", "out", "system", "seed", "width", "height", "quality", "background", "output_format", "inputs": [path],
//! "mask": path, "history": [{"prompt", "images": [path], "answer": path}]}`; `out` is a path that it may write its image to.
//! Answered, on its standard output: `{"id", "image": path}`, or `"image_base64"`, `"refused": words` or `"error": words` in the
//! place of `image`, and besides, if it likes, `"seed"` and `"revised_prompt"`. What it has to tell people belongs on its standard
//! error. A command that ends, or takes too long, is started again for the next image.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use imgeval_core::{
    Answer, Capabilities, Cost, EndpointMeta, FailureKind, Generator, ImageRequest, InputImage, Outcome,
    Permit, ProviderDown, SizeRequest, json::from_json_slice, visible,
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout},
    sync::Semaphore,
    task::JoinHandle,
};

use super::{
    arguments::{CommandLineError, CommandLineProblem, Placeholder, Template, split},
    command::{failed, local_answer, local_turn, no_folder, private_folder, read_image, write_image},
    http_generator::check,
    process::{Group, MAX_IMAGE_BYTES, Tail, describe, finish, keep_tail, local_cost, not_startable},
};

/// So many ends without an answer in a row, and the command is given up.
const MAX_DEATHS: u32 = 3;

/// No line of an answer is longer: an image in base64 and some words.
const MAX_LINE_BYTES: u64 = MAX_IMAGE_BYTES / 3 * 4 + 64 * 1024;

/// Keeps commands running and asks them.
#[derive(Debug)]
pub struct CommandLinesGenerator {
    meta: EndpointMeta,
    program: String,
    arguments: Vec<String>,
    time_limit: Duration,
    slots: Semaphore,
    idle: Mutex<Vec<Worker>>,
    deaths_in_a_row: AtomicU32,
}

impl CommandLinesGenerator {
    /// At most `concurrent` copies of the command run at a time, each started when it is first needed; `time_limit` holds for one
    /// image, starting included.
    ///
    /// # Errors
    /// If the command line cannot be split or has placeholders. Nothing is started.
    pub fn new(
        command_line: &str,
        time_limit: Duration,
        concurrent: usize,
    ) -> Result<Self, CommandLineError> {
        // Braces of other kinds are fine here, so only known placeholders are looked for.
        if let Ok(template) = Template::parse(command_line)
            && let Some(placeholder) = Placeholder::ALL.iter().find(|placeholder| template.has(**placeholder))
        {
            let problem = CommandLineProblem::Placeholder(placeholder.name());
            return Err(CommandLineError::new(command_line, problem));
        }
        let mut words = split(command_line)?.into_iter();
        let program =
            words.next().ok_or_else(|| CommandLineError::new(command_line, CommandLineProblem::Empty))?;
        let meta = EndpointMeta {
            provider: "cmd-lines".to_owned(),
            endpoint: String::new(),
            model: command_line.to_owned(),
            version: 1,
        };
        Ok(Self {
            meta,
            program,
            arguments: words.collect(),
            time_limit,
            slots: Semaphore::new(concurrent.max(1)),
            idle: Mutex::new(Vec::new()),
            deaths_in_a_row: AtomicU32::new(0),
        })
    }

    fn take_worker(&self) -> Result<Worker, ProviderDown> {
        let next = || self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        while let Some(mut worker) = next() {
            // One that ended after its last answer is no reason to fail the next question.
            if matches!(worker.group.child.try_wait(), Ok(None)) {
                // What it wrote until now belongs to earlier questions.
                worker.errors.clear();
                return Ok(worker);
            }
        }
        Worker::start(&self.program, &self.arguments).map_err(|error| not_startable(&self.program, &error))
    }

    async fn ask(&self, question: &Question) -> Result<Answer, ProviderDown> {
        let mut worker = self.take_worker()?;
        let Ok(asked) = tokio::time::timeout(self.time_limit, worker.ask(question)).await else {
            worker.group.kill();
            let raw = worker.end().await.0;
            let detail = format!("the command took longer than {} s", self.time_limit.as_secs_f64());
            return Ok(local_answer(failed(FailureKind::TimedOut, detail), raw, None));
        };
        match asked {
            Ok((reply, line)) => {
                self.deaths_in_a_row.store(0, Ordering::Relaxed);
                let raw = format!("{}{line}", worker.errors.text());
                let revised_prompt = reply.revised_prompt.clone();
                let outcome = reply.into_outcome().await;
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                Ok(local_answer(outcome, raw, revised_prompt))
            }
            Err(trouble) => {
                let (raw, ending) = worker.end().await;
                let last_line = ending.1.map(|line| format!(": {line}")).unwrap_or_default();
                let detail = match trouble {
                    Trouble::Ended => {
                        format!("the command ended with {} before it answered{last_line}", ending.0)
                    }
                    Trouble::NotProtocol(what) => what,
                };
                let deaths = self.deaths_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
                if deaths >= MAX_DEATHS {
                    let message = format!("{deaths} times in a row without an answer: {detail}");
                    let hint = "run it by hand and type {\"id\": \"1\", \"prompt\": \"a cat\", \"out\": \"cat.png\"}";
                    return Err(ProviderDown { message, hint: hint.to_owned() });
                }
                Ok(local_answer(failed(FailureKind::CommandFailed, detail), raw, None))
            }
        }
    }
}

#[async_trait]
impl Generator for CommandLinesGenerator {
    fn meta(&self) -> &EndpointMeta {
        &self.meta
    }

    /// The protocol can say all of this; what a command makes of it is its own.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            size_in_pixels: true,
            aspect_ratio: false,
            quality: true,
            background: true,
            output_format: true,
            seed: true,
            system: true,
            edit: true,
            several_images: true,
            mask: true,
            rounds: true,
            conversation: true,
        }
    }

    fn estimate(&self, _request: &ImageRequest) -> Option<Cost> {
        Some(local_cost())
    }

    async fn generate(&self, request: &ImageRequest, permit: &dyn Permit) -> Result<Answer, ProviderDown> {
        if let Err(failure) = check(self.capabilities(), request) {
            return Ok(local_answer(Outcome::Failed(failure), String::new(), None));
        }
        let Some(_slot) = local_turn(&self.slots, permit).await else { return Ok(Answer::not_sent()) };
        let prepared = async {
            let folder = private_folder()?;
            Ok((Question::prepare(request, folder.path()).await?, folder))
        };
        match prepared.await {
            Ok((question, _folder)) => {
                if !permit.may_send(0).await {
                    return Ok(Answer::not_sent());
                }
                self.ask(&question).await
            }
            Err(error) => Ok(local_answer(no_folder(&error), String::new(), None)),
        }
    }
}

#[derive(Serialize)]
struct Question {
    id: String,
    prompt: String,
    out: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<PathBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<EarlierRound>,
}

#[derive(Serialize)]
struct EarlierRound {
    prompt: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<PathBuf>,
    answer: PathBuf,
}

impl Question {
    async fn prepare(request: &ImageRequest, folder: &Path) -> std::io::Result<Self> {
        let mask = match &request.mask {
            Some(mask) => Some(write_image(folder, "mask", mask).await?),
            None => None,
        };
        let mut history = Vec::with_capacity(request.history.len());
        for (index, turn) in request.history.iter().enumerate() {
            history.push(EarlierRound {
                prompt: turn.prompt.clone(),
                images: write_images(folder, &format!("round-{index}-input"), &turn.images).await?,
                answer: write_image(folder, &format!("round-{index}-answer"), &turn.answer).await?,
            });
        }
        let pixels = match request.parameters.size {
            Some(SizeRequest::Pixels { width, height }) => Some((width, height)),
            Some(SizeRequest::Aspect { .. }) | None => None,
        };
        let format = request.parameters.output_format.map(|format| format.extension());
        Ok(Self {
            id: request.id.to_string(),
            prompt: request.prompt.clone(),
            out: folder.join(format!("out.{}", format.unwrap_or("png"))),
            system: request.system.clone(),
            seed: request.seed,
            width: pixels.map(|(width, _)| width),
            height: pixels.map(|(_, height)| height),
            quality: request.parameters.quality.clone(),
            background: request.parameters.background.clone(),
            output_format: format,
            inputs: write_images(folder, "input", &request.images).await?,
            mask,
            history,
        })
    }
}

async fn write_images(folder: &Path, name: &str, images: &[InputImage]) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::with_capacity(images.len());
    for (index, image) in images.iter().enumerate() {
        paths.push(write_image(folder, &format!("{name}-{index}"), image).await?);
    }
    Ok(paths)
}

/// Other fields are for people, and stay in the raw answer.
#[derive(Deserialize, Serialize)]
struct Reply {
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<PathBuf>,
    #[serde(skip_serializing)]
    image_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revised_prompt: Option<String>,
}

impl Reply {
    async fn into_outcome(self) -> Outcome<Vec<u8>> {
        if let Some(words) = self.refused {
            return failed(FailureKind::Refused, visible(&words));
        }
        if let Some(words) = self.error {
            return failed(FailureKind::CommandFailed, format!("the command says: {}", visible(&words)));
        }
        if let Some(text) = self.image_base64 {
            return match BASE64_STANDARD.decode(text.trim()) {
                Ok(bytes) => Outcome::Done(bytes),
                Err(error) => failed(FailureKind::NotAnImage, format!("image_base64 is not base64: {error}")),
            };
        }
        match self.image {
            Some(path) => {
                let missing = "the command answered with the name of an image that does not exist";
                read_image(&path, FailureKind::CommandFailed, missing).await
            }
            None => failed(
                FailureKind::EmptyReply,
                "the answer contains none of image, image_base64, refused and error".to_owned(),
            ),
        }
    }
}

/// Why a worker cannot be asked any further.
enum Trouble {
    Ended,
    NotProtocol(String),
}

/// A running command and its pipes.
#[derive(Debug)]
struct Worker {
    group: Group,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    errors: Tail,
    reader: Option<JoinHandle<()>>,
}

impl Worker {
    fn start(program: &str, arguments: &[String]) -> std::io::Result<Self> {
        let mut group = Group::start(program, arguments, Stdio::piped())?;
        let errors = Tail::default();
        let reader = group.child.stderr.take().map(|pipe| keep_tail(pipe, vec![errors.clone()]));
        let (Some(stdin), Some(stdout)) = (group.child.stdin.take(), group.child.stdout.take()) else {
            return Err(std::io::Error::other("its standard input and output are not piped"));
        };
        Ok(Self { group, stdin, stdout: BufReader::new(stdout), errors, reader })
    }

    /// The answer, and its line without the image.
    async fn ask(&mut self, question: &Question) -> Result<(Reply, String), Trouble> {
        let mut line = serde_json::to_vec(question).map_err(|error| {
            // Only a path that is not UTF-8 cannot be said in JSON.
            Trouble::NotProtocol(format!("could not write the question as JSON: {error}"))
        })?;
        line.push(b'\n');
        self.stdin.write_all(&line).await.map_err(|_| Trouble::Ended)?;
        self.stdin.flush().await.map_err(|_| Trouble::Ended)?;
        loop {
            line.clear();
            let mut bounded = (&mut self.stdout).take(MAX_LINE_BYTES);
            let length = bounded.read_until(b'\n', &mut line).await.map_err(|_| Trouble::Ended)?;
            if length == 0 {
                return Err(Trouble::Ended);
            }
            if length as u64 == MAX_LINE_BYTES {
                let what = format!("the command wrote a line of more than {MAX_LINE_BYTES} bytes");
                return Err(Trouble::NotProtocol(what));
            }
            if !line.trim_ascii().is_empty() {
                break;
            }
        }
        let reply: Reply = from_json_slice(&line).map_err(|error| {
            let start: String = String::from_utf8_lossy(&line).trim().chars().take(60).collect();
            let what = format!("the command's answer is not JSON of the protocol: `{}`", visible(&start));
            Trouble::NotProtocol(format!("{what}: {error}"))
        })?;
        if reply.id.as_deref() != Some(&question.id) {
            let id = visible(reply.id.as_deref().unwrap_or_default());
            let what = format!("the command answered to `{id}` when asked for `{}`", question.id);
            return Err(Trouble::NotProtocol(what));
        }
        let shown = serde_json::to_string(&reply).unwrap_or_default();
        Ok((reply, shown))
    }

    /// Kills it; what it wrote to its standard error, how it had ended, and the last line.
    async fn end(mut self) -> (String, (String, Option<String>)) {
        // One that closed its pipes is about to end by itself, and how it ends is worth knowing.
        let ended = tokio::time::timeout(Duration::from_millis(500), self.group.child.wait()).await;
        self.group.kill();
        if let Some(reader) = self.reader.take() {
            finish(reader).await;
        }
        let how = match ended {
            Ok(Ok(status)) => describe(status),
            Ok(Err(_)) | Err(_) => "its output closed".to_owned(),
        };
        (self.errors.text(), (how, self.errors.last_line()))
    }
}
