//! An image provider that answers at once, to measure what imgeval itself costs: every reply is an OpenAI images
//! reply with another PNG of noise, about 1 MB. Prints its address, then serves until it is killed.

use std::{
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

const SIDE: u32 = 590;
/// Signature, IHDR and a tEXt chunk with a counter, as long as to end on a whole base64 group.
const COUNTER_DIGITS: usize = 20;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "http://{}/v1", listener.local_addr()?)?;
    let counter = Arc::new(AtomicU64::new(0));
    let tail: Arc<str> = STANDARD.encode(png_tail()).into();
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, counter.clone(), tail.clone()));
    }
}

async fn serve(stream: TcpStream, counter: Arc<AtomicU64>, tail: Arc<str>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    while read_request(&mut reader).await? {
        let head = STANDARD.encode(png_head(counter.fetch_add(1, Ordering::Relaxed)));
        let usage = r#""usage":{"input_tokens":12,"input_tokens_details":{"text_tokens":12,"image_tokens":0},"output_tokens":272,"total_tokens":284}"#;
        let before = format!("{{\"created\":1,{usage},\"data\":[{{\"b64_json\":\"{head}");
        let after = "\"}]}";
        let length = before.len() + tail.len() + after.len();
        let header =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        writer.write_all(format!("{header}{before}").as_bytes()).await?;
        writer.write_all(tail.as_bytes()).await?;
        writer.write_all(after.as_bytes()).await?;
    }
    Ok(())
}

/// Reads one request to its end; `false` if the client has gone.
async fn read_request(reader: &mut (impl AsyncReadExt + Unpin)) -> io::Result<bool> {
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if reader.read(&mut byte).await? == 0 {
            return Ok(false);
        }
        header.push(byte[0]);
    }
    let header = String::from_utf8_lossy(&header).to_ascii_lowercase();
    let length = header
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok(true)
}

fn png_head(counter: u64) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [SIDE.to_be_bytes(), SIDE.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &header);
    let mut text = b"n\0".to_vec();
    text.extend(format!("{counter:0>COUNTER_DIGITS$}").bytes());
    while !(png.len() + 12 + text.len()).is_multiple_of(3) {
        text.push(b' ');
    }
    chunk(&mut png, b"tEXt", &text);
    png
}

/// Noise in stored blocks, since noise does not compress.
fn png_tail() -> Vec<u8> {
    let mut state = 1u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    let row = SIDE as usize * 3 + 1;
    let pixels: Vec<u8> =
        (0..row * SIDE as usize).map(|place| if place % row == 0 { 0 } else { noise() }).collect();
    let mut deflated = vec![0x78, 0x01];
    let mut blocks = pixels.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        deflated.push(u8::from(blocks.peek().is_none()));
        let length = block.len() as u16;
        deflated.extend(length.to_le_bytes());
        deflated.extend((!length).to_le_bytes());
        deflated.extend(block);
    }
    deflated.extend(adler32(&pixels).to_be_bytes());
    let mut png = Vec::new();
    chunk(&mut png, b"IDAT", &deflated);
    chunk(&mut png, b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let start = png.len();
    png.extend(name);
    png.extend(data);
    let sum = crc32(&png[start..]);
    png.extend(sum.to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 },
        )
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}
