//! A provider on this machine that does what a script says, and `generate` against it.

use std::{
    collections::BTreeMap,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{ImageBuffer, ImageFormat, Rgb};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::support::{check_exit, command, stderr, test_folder, text};
use crate::fault_server::{Action, FaultServer, Reply, Request};

pub(crate) const KEY: &str = "sk-canary/9f8e+7d6c";

/// The server together with the threads that it lives on.
pub(crate) struct Provider {
    _runtime: Runtime,
    server: FaultServer,
}

impl Provider {
    /// The last action serves all further requests too.
    pub(crate) fn start(script: impl IntoIterator<Item = Action>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(FaultServer::start(script));
        Self { _runtime: runtime, server }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// The prompts of all requests, in order; of requests with JSON.
    pub(crate) fn prompts(&self) -> Vec<String> {
        let prompt = |request: &Request| request.json()["prompt"].as_str().unwrap().to_owned();
        self.requests().iter().map(prompt).collect()
    }

    /// How often each prompt was asked for.
    pub(crate) fn prompt_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for prompt in self.prompts() {
            *counts.entry(prompt).or_default() += 1;
        }
        counts
    }

    /// Waits until so many requests have arrived.
    pub(crate) fn wait_for(&self, requests: usize) {
        let began = Instant::now();
        while self.requests().len() < requests {
            assert!(began.elapsed() < Duration::from_secs(60), "{} requests came", self.requests().len());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A folder with settings, a provider and a run to be.
pub(crate) struct Bench {
    pub(crate) folder: PathBuf,
    pub(crate) provider: Provider,
}

impl Bench {
    pub(crate) fn new(name: &str, script: impl IntoIterator<Item = Action>) -> Self {
        let bench = Self { folder: test_folder(name), provider: Provider::start(script) };
        bench.settings("[providers.openai]\nretries = 0\ntimeout_s = 60\n");
        bench
    }

    pub(crate) fn settings(&self, toml: &str) {
        fs::write(self.folder.join("imgeval.toml"), toml).unwrap();
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// `generate` of one image each of GenEval's prompts, one call at a time, without anything to choose them by.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let url = self.provider.url();
        let settings = self.folder.join("imgeval.toml");
        let run = self.run();
        let mut arguments = vec!["generate", "--json", "--run", text(&run), "--settings", text(&settings)];
        if !more.contains(&"--cases") {
            arguments.extend(["--suite", "geneval"]);
        }
        let local = ["cmd:", "cmd-lines:", "folder:"];
        let is_local = more.iter().any(|word| local.iter().any(|start| word.starts_with(start)));
        for (name, value) in [
            ("--model", "openai:some-model"),
            ("--base-url", url.as_str()),
            ("--samples", "1"),
            ("--concurrency", "1"),
        ] {
            let has_no_meaning = is_local && name == "--base-url";
            if !has_no_meaning && !more.contains(&name) {
                arguments.extend([name, value]);
            }
        }
        arguments.extend(more);
        let mut command = command(&arguments);
        command.env("OPENAI_API_KEY", KEY).env("PATH", "/usr/bin:/bin").current_dir(&self.folder);
        command
    }

    pub(crate) fn generate(&self, more: &[&str]) -> Output {
        let output = self.command(more).output().unwrap();
        assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
        output
    }

    /// What `generate` with these arguments says, checked to end with `exit`.
    pub(crate) fn report(&self, more: &[&str], exit: i32) -> Report {
        let output = self.generate(more);
        check_exit(&output, exit);
        Report::read(&output)
    }
}

/// The JSON that `generate` prints.
#[derive(Debug)]
pub(crate) struct Report(pub(crate) Value);

impl Report {
    pub(crate) fn read(output: &Output) -> Self {
        Self(serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output))))
    }

    pub(crate) fn counts(&self) -> BTreeMap<&str, u64> {
        let rows = self.0["outcomes"].as_array().unwrap().iter();
        let count = |row: &'_ Value| row["count"].as_u64().unwrap();
        rows.map(|row| (row["outcome"].as_str().unwrap(), count(row))).collect()
    }

    /// Asserts how often each outcome came; `made` is always told.
    pub(crate) fn check(&self, expected: &[(&str, u64)]) {
        assert_eq!(self.counts(), expected.iter().copied().collect(), "{:#}", self.0);
    }
}

/// A PNG of noise that depends on `seed`.
pub(crate) fn png(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let value = x.wrapping_mul(37) ^ y.wrapping_mul(101) ^ seed.wrapping_mul(2_654_435_761);
        Rgb(value.to_le_bytes()[..3].try_into().unwrap())
    };
    let mut bytes = Cursor::new(Vec::new());
    let buffer = ImageBuffer::<Rgb<u8>, Vec<u8>>::from_fn(width, height, pixel);
    buffer.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// As OpenAI's images interface answers.
pub(crate) fn image_reply(bytes: &[u8]) -> Reply {
    Reply::json(200, &json!({"created": 1, "data": [{"b64_json": STANDARD.encode(bytes)}]}))
}

/// Answers with a small image.
pub(crate) fn image(seed: u32) -> Action {
    Action::Reply(image_reply(&png(24, 16, seed)))
}

/// As OpenAI words an error.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": {"code": code, "message": message, "type": "x", "param": null}}))
}

/// All files below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The images that a run holds, by name.
pub(crate) fn stored_images(run: &Path) -> Vec<PathBuf> {
    let mut images = files(&run.join("images"));
    images.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    images
}
