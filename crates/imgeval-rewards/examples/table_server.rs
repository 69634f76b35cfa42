//! A reward server whose detections come from a table, for scripts that test clients and load.
//!
//!     table_server ADDRESS [DETECTIONS]
//!
//! DETECTIONS is a JSON object with `rows` of `detections` and SHA-256 sums (of pixels, or of JPEG files); an image that is not in the table
//! has no objects. What prompts beside GenEval's ask for is a reward of 0.5. Images whose files begin with `slow` take a second.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for the terminal")]

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use imgeval_rewards::{
    Measured, Picture, Question, Rewarder, What,
    server::{ServerOptions, listen, serve},
};
use imgeval_suites::geneval::{DetectedObject, VerdictOptions, compute_reward, parse_any_detections_line};
use serde_json::{Value, json};

struct Table(HashMap<String, Vec<DetectedObject>>);

impl Rewarder for Table {
    fn facts(&self) -> Vec<(String, String)> {
        vec![("detector".to_owned(), format!("a table of {} images", self.0.len()))]
    }

    fn scores(&self) -> Vec<String> {
        ["clip", "hpsv2", "image_reward"].map(str::to_owned).into()
    }

    fn measure(&self, question: &Question) -> Result<Measured, String> {
        let hash = match &question.picture {
            Picture::Encoded(bytes) if bytes.is_empty() => return Err("its file is empty".to_owned()),
            Picture::Encoded(bytes) => {
                if bytes.starts_with(b"slow") {
                    std::thread::sleep(Duration::from_secs(1));
                }
                question.picture.content_hash()
            }
            Picture::Pixels(pixels) => imgeval_core::ContentHash::of(pixels.rgb()),
        };
        let What::GenEval { metadata, semantics } = &question.what else { return Ok(Measured::Score(0.5)) };
        let objects = self.0.get(hash.as_str()).map(Vec::as_slice).unwrap_or_default();
        compute_reward(metadata, objects, &VerdictOptions::default(), *semantics)
            .map(|(_, reward)| Measured::GenEval(reward))
            .map_err(|error| error.to_string())
    }
}

fn read_table(path: &str) -> Result<Table, Box<dyn std::error::Error>> {
    let file: Value = serde_json::from_str(&imgeval_files::read_text(path.as_ref(), 1 << 30)?)?;
    let mut table = HashMap::new();
    for row in file["rows"].as_array().ok_or("it has no `rows`")? {
        let line = json!({"metadata": row["metadata"], "width": row["width"], "height": row["height"], "objects": row["detections"]});
        let line = line.to_string().replace("\"colour\"", "\"color\"");
        let objects = parse_any_detections_line(&line, &VerdictOptions::default())?.objects;
        for name in ["pixels_sha256", "jpeg75_sha256", "jpeg95_sha256"] {
            if let Some(hash) = row[name].as_str() {
                table.insert(hash.to_owned(), objects.clone());
            }
        }
    }
    Ok(Table(table))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (address, table) = match arguments.as_slice() {
        [address] => (address, Table(HashMap::new())),
        [address, path] => (address, read_table(path)?),
        _ => return Err("usage: table_server ADDRESS [DETECTIONS]".into()),
    };
    let options = ServerOptions {
        token: None,
        max_body_bytes: 256 << 20,
        max_requests: 64,
        n_parallel: 1,
        max_cached: 100_000,
        semantics: None,
        log: Arc::new(|line| eprintln!("{line}")),
    };
    let listener = listen(address.parse::<SocketAddr>()?, false).await?;
    println!("{}", listener.local_addr()?);
    let end = async { drop(tokio::signal::ctrl_c().await) };
    serve(listener, Arc::new(table), options, end).await;
    Ok(())
}
