//! `imgeval serve-reward`: what training code sends, and gets.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::Stdio,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    resume::weights,
    schemas::check_stamped,
    support::{check_exit, command, imgeval, stderr, test_folder, text, write_picture},
};

/// A dictionary of pickle protocol 4, from pickled values.
fn dictionary(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries.iter().map(|(name, value)| [pickled(name), value.clone()].concat());
    [b"}(".to_vec(), entries.collect::<Vec<_>>().concat(), b"u".to_vec()].concat()
}

fn list_of(item: Vec<u8>) -> Vec<u8> {
    [b"]".to_vec(), item, b"a".to_vec()].concat()
}

fn pickled(text: &str) -> Vec<u8> {
    [&[b'X'][..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn request_with(image: &[u8]) -> Vec<u8> {
    let image = [&[b'B'][..], &(image.len() as u32).to_le_bytes(), image].concat();
    let clause = dictionary(&[("class", pickled("cow")), ("count", b"K\x01".to_vec())]);
    let case = [
        ("tag", pickled("single_object")),
        ("include", list_of(clause)),
        ("prompt", pickled("a photo of a cow")),
    ];
    let body = dictionary(&[
        ("images", list_of(image)),
        ("meta_datas", list_of(dictionary(&case))),
        ("only_strict", b"\x89".to_vec()),
    ]);
    [b"\x80\x04".to_vec(), body, b".".to_vec()].concat()
}

fn post(address: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    reply
}

#[test]
fn images_of_training_code_get_rewards() {
    let folder = test_folder("rewards");
    let picture = folder.join("picture.jpg");
    write_picture(&picture, 7);
    let mut server = command(&["serve-reward", "--listen", "127.0.0.1:0", "--weights", text(weights())])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let image = fs::read(&picture).unwrap();
    let good = post(address, "/", &request_with(&image));
    let bad = String::from_utf8_lossy(&post(address, "/", &request_with(b"no image"))).into_owned();
    let sample = |image: &[u8]| json!({"image": BASE64_STANDARD.encode(image), "prompt": "a photo of a cow"});
    let own = json!({"samples": [sample(&image), sample(b"no image")]}).to_string();
    let own = String::from_utf8(post(address, "/v1/rewards", own.as_bytes())).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();

    let head = String::from_utf8_lossy(&good);
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-imgeval-semantics: flow-grpo"), "{head}");
    // A list of one float.
    let expected = b"\x8c\x06scores\x94]\x94G";
    assert!(good.windows(expected.len()).any(|bytes| bytes == expected), "{head}");
    assert!(bad.starts_with("HTTP/1.1 400") && bad.contains("images[0]: looks like plain text"), "{bad}");
    let (head, answer) = own.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-imgeval-semantics: exact"), "{own}");
    check_stamped(answer);
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert!(answer["results"][0]["score"].is_f64(), "{answer}");
    assert_eq!(answer["results"][1]["error"], "looks like plain text");
}

#[test]
fn other_machines_need_a_token() {
    let folder = test_folder("rewards-token");
    let serve = ["serve-reward", "--listen", "0.0.0.0:0", "--weights", text(weights())];
    let output = imgeval(&serve);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("--token-file FILE"), "{}", stderr(&output));
    let empty = folder.join("token");
    fs::write(&empty, " \n").unwrap();
    let output = imgeval(&[&serve[..], &["--token-file", text(&empty)]].concat());
    check_exit(&output, 2);
    assert!(stderr(&output).contains("is blank"), "{}", stderr(&output));
}
