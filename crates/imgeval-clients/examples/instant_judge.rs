//! A judge for tests and measurements: a server of chat completions that answers at once, and the same thing whenever it is
//! shown the same images. Its scores come from a hash of the images and mean nothing. Prints its address, then serves until
//! it is killed.
//!
//! ```text
//! instant_judge --format wise-legacy|wise-verified|edit-scores [--port N] [--salt TEXT] [--KIND PERCENT]...
//! ```
//!
//! `--salt` makes another judge of it, and so does another model's name. KIND is a kind of bad reply: `prose`, `refusal`, `empty`,
//! `truncated` (a reply that broke off), `stall` (no answer ever), `rate-limited` (429) and `failing` (500); the hash decides which
//! images meet it. The last two happen to a question once: asked again, it is answered.

use std::{
    collections::HashSet,
    env,
    io::{self, Write as _},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

const USAGE: &str = "usage: instant_judge --format wise-legacy|wise-verified|edit-scores [--port N] [--salt TEXT] \
                     [--prose|--refusal|--empty|--truncated|--stall|--rate-limited|--failing PERCENT]...";

#[derive(Clone, Copy)]
enum Format {
    WiseLegacy,
    WiseVerified,
    EditScores,
}

#[derive(Clone, Copy)]
enum Bad {
    Prose,
    Refusal,
    Empty,
    Truncated,
    Stall,
    RateLimited,
    Failing,
}

const BAD: [(&str, Bad); 7] = [
    ("--prose", Bad::Prose),
    ("--refusal", Bad::Refusal),
    ("--empty", Bad::Empty),
    ("--truncated", Bad::Truncated),
    ("--stall", Bad::Stall),
    ("--rate-limited", Bad::RateLimited),
    ("--failing", Bad::Failing),
];

struct Judge {
    format: Format,
    salt: u64,
    /// Kinds with their shares, in thousandths.
    bad: Vec<(Bad, u64)>,
    /// Questions that have met their only fault.
    seen: Mutex<HashSet<u64>>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "error: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: impl Iterator<Item = String>) -> io::Result<()> {
    let (judge, port) = read(arguments).ok_or_else(|| io::Error::other(USAGE))?;
    let judge = Arc::new(judge);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    writeln!(io::stdout(), "http://{}/v1", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, judge.clone()));
    }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<(Judge, u16)> {
    let (mut format, mut port, mut salt, mut bad) = (None, 0, 0, Vec::new());
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--format" => {
                format = Some(match value.as_str() {
                    "wise-legacy" => Format::WiseLegacy,
                    "wise-verified" => Format::WiseVerified,
                    "edit-scores" => Format::EditScores,
                    _ => return None,
                });
            }
            "--port" => port = value.parse().ok()?,
            "--salt" => salt = mix(0, value.as_bytes()),
            name => {
                let (_, kind) = BAD.iter().find(|(option, _)| *option == name)?;
                let percent: f64 = value.parse().ok().filter(|percent| (0.0..=100.0).contains(percent))?;
                bad.push((*kind, (percent * 10.0) as u64));
            }
        }
    }
    Some((Judge { format: format?, salt, bad, seen: Mutex::default() }, port))
}

async fn serve(stream: TcpStream, judge: Arc<Judge>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let mut request = Vec::new();
    while let Some(path) = read_request(&mut reader, &mut request).await? {
        let (status, headers, body) = if path.ends_with("/models") {
            (200, "", r#"{"object":"list","data":[{"id":"instant"}]}"#.to_owned())
        } else {
            match judge.reply(&request) {
                Some(reply) => reply,
                None => std::future::pending().await,
            }
        };
        let head = format!(
            "HTTP/1.1 {status} Instant\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        writer.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    }
    Ok(())
}

/// Reads one request to its end and gives its path; `None` if the client has gone.
async fn read_request(
    reader: &mut (impl AsyncReadExt + Unpin),
    body: &mut Vec<u8>,
) -> io::Result<Option<String>> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if reader.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse().ok())
        .unwrap_or(0);
    body.resize(length, 0);
    reader.read_exact(body).await?;
    Ok(Some(head.split(' ').nth(1).unwrap_or_default().to_owned()))
}

impl Judge {
    /// Status, further headers and body; `None`: silence.
    fn reply(&self, request: &[u8]) -> Option<(u16, &'static str, String)> {
        let hash = self.hash(request);
        let good = self.good(hash);
        let fault = self.fault(hash);
        let is_first = || self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(hash);
        let (text, reason) = match fault {
            Some(Bad::Stall) => return None,
            Some(Bad::RateLimited) if is_first() => {
                let body = r#"{"error":{"message":"too many questions","code":"rate_limit_exceeded"}}"#;
                return Some((429, "retry-after-ms: 20\r\n", body.to_owned()));
            }
            Some(Bad::Failing) if is_first() => {
                let body = r#"{"error":{"message":"the judge fell over","type":"server_error"}}"#;
                return Some((500, "", body.to_owned()));
            }
            Some(Bad::Refusal) => {
                let message =
                    r#"{"role":"assistant","content":null,"refusal":"I would rather not look at this."}"#;
                return Some((200, "", completion(message, "stop")));
            }
            Some(Bad::Prose) => {
                ("I count 2 cats, 1 dog and 10 clouds; all of it pleases me.".to_owned(), "stop")
            }
            Some(Bad::Empty) => (String::new(), "stop"),
            Some(Bad::Truncated) => (good[..good.len() / 2].to_owned(), "length"),
            Some(Bad::RateLimited | Bad::Failing) | None => (good, "stop"),
        };
        let message = format!(r#"{{"role":"assistant","content":{}}}"#, serde_json::Value::from(text));
        Some((200, "", completion(&message, reason)))
    }

    /// Over the images, or over everything where there are none; and over the model's name.
    fn hash(&self, request: &[u8]) -> u64 {
        const START: &[u8] = b";base64,";
        let mut hash = match find(request, b"\"model\":\"") {
            Some(start) => mix(self.salt, until_quote(&request[start + 9..])),
            None => self.salt,
        };
        let (mut rest, mut has_image) = (request, false);
        while let Some(start) = find(rest, START) {
            let image = until_quote(&rest[start + START.len()..]);
            hash = mix(hash, image);
            rest = &rest[start + START.len() + image.len()..];
            has_image = true;
        }
        if has_image { hash } else { mix(hash, request) }
    }

    fn fault(&self, hash: u64) -> Option<Bad> {
        let mut place = mix(hash, b"fault") % 1000;
        self.bad.iter().find_map(|(kind, share)| {
            let is_here = place < *share;
            place = place.wrapping_sub(*share);
            is_here.then_some(*kind)
        })
    }

    fn good(&self, hash: u64) -> String {
        let draw = |what: &str, n: u64| mix(hash, what.as_bytes()) % n;
        match self.format {
            Format::WiseLegacy => {
                let [first, second, third] = ["first", "second", "third"].map(|what| draw(what, 3));
                format!("Consistency: {first}\nRealism: {second}\nAesthetic Quality: {third}")
            }
            Format::WiseVerified => format!("Score: {}", draw("first", 2)),
            Format::EditScores => {
                let [first, second] = ["first", "second"].map(|what| draw(what, 11));
                format!(r#"{{"score": [{first}, {second}], "reasoning": "drawn from a hash of the images"}}"#)
            }
        }
    }
}

fn completion(message: &str, reason: &str) -> String {
    format!(
        r#"{{"id":"instant","object":"chat.completion","created":1,"model":"instant","choices":[{{"index":0,"logprobs":null,"finish_reason":"{reason}","message":{message}}}],"usage":{{"prompt_tokens":1200,"completion_tokens":20,"total_tokens":1220}}}}"#
    )
}

fn until_quote(text: &[u8]) -> &[u8] {
    &text[..find(text, b"\"").unwrap_or(text.len())]
}

/// The first place of a short text, by its first byte.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut start = 0;
    loop {
        // In blocks, so that the compiler makes vector instructions of them.
        let rest = &text[start..];
        let blocks = rest
            .chunks(64)
            .take_while(|block| !block.iter().fold(false, |found, byte| found | (*byte == wanted[0])));
        let skipped = (64 * blocks.count()).min(rest.len());
        let place = start + skipped + rest[skipped..].iter().position(|byte| *byte == wanted[0])?;
        if text[place..].starts_with(wanted) {
            return Some(place);
        }
        start = place + 1;
    }
}

/// Eight bytes at a time: fast, the same on every machine, and good enough to draw numbers.
fn mix(seed: u64, bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ (hash >> 29)
}
