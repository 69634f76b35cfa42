//! The server over real sockets, with rewards from a table.

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use super::*;
use crate::{
    pickle::{self, Value as Pickled},
    question::{Picture, What},
};
use imgeval_suites::geneval::Reward;

/// Images that are texts: `good` is rewarded, anything else cannot be read.
struct Table;

impl Rewarder for Table {
    fn facts(&self) -> Vec<(String, String)> {
        vec![("detector".to_owned(), "table".to_owned())]
    }

    fn measure(&self, question: &Question) -> Result<Measured, String> {
        let Picture::Encoded(bytes) = &question.picture else { return Err("no file".to_owned()) };
        match (&**bytes, &question.what) {
            (b"good", What::GenEval { .. }) => {
                Ok(Measured::GenEval(Reward { score: 0.5, reward: 1.0, strict_reward: 1.0 }))
            }
            (b"panic", _) => panic!("on purpose"),
            _ => Err("not an image".to_owned()),
        }
    }
}

fn options() -> ServerOptions {
    ServerOptions {
        token: None,
        max_body_bytes: 4096,
        max_requests: 2,
        n_parallel: 1,
        max_cached: 100,
        semantics: None,
        log: Arc::new(|_| {}),
    }
}

/// Protocol 0, by hand: an image, its case, and `only_strict`.
fn request_with(image: &str) -> Vec<u8> {
    format!(
        "(dVimages\n(lc_codecs\nencode\n(V{image}\nVlatin1\ntRasVmeta_datas\n(l(dVtag\nVsingle_object\nsVprompt\nVa cow\nsVinclude\n\
         (l(dVclass\nVcow\nsVcount\nI1\nsasasVonly_strict\nI00\ns."
    )
    .into_bytes()
}

struct Running {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    server: tokio::task::JoinHandle<()>,
}

async fn start(options: ServerOptions) -> Running {
    start_with(Arc::new(Table), options).await
}

async fn start_with(rewarder: Arc<dyn Rewarder>, options: ServerOptions) -> Running {
    let listener = listen((Ipv4Addr::LOCALHOST, 0).into(), false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let ended = async move { drop(ended.await) };
    let server = tokio::spawn(serve(listener, rewarder, options, ended));
    Running { address, end, server }
}

async fn exchange(address: SocketAddr, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    let end = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    (String::from_utf8(reply[..end].to_vec()).unwrap(), reply[end + 4..].to_vec())
}

/// The sentence of an error on the pickled wire.
fn sentence(body: &[u8]) -> String {
    match pickle::read(body).unwrap().get("error") {
        Some(Pickled::Text(text)) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

fn json_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

#[tokio::test]
async fn images_earn_rewards_and_bad_ones_a_sentence() {
    let running = start(options()).await;
    let (head, body) = exchange(running.address, "POST / HTTP/1.1", &request_with("good")).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-imgeval-semantics: flow-grpo"), "{head}");
    let answer = pickle::read(&body).unwrap();
    assert_eq!(answer.get("scores"), Some(&Pickled::List(vec![Pickled::Float(0.5)])));

    let (head, body) = exchange(running.address, "POST / HTTP/1.1", &request_with("bad")).await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    assert_eq!(sentence(&body), "images[0]: not an image");
    let (head, body) = exchange(running.address, "POST / HTTP/1.1", b"cos\nsystem\n.").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    assert!(sentence(&body).contains("nothing is executed"));
    let (head, _) = exchange(running.address, "POST / HTTP/1.1", &[b'.'; 5000]).await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    // Not repeated for hours, as 500 would be.
    let (head, body) = exchange(running.address, "POST / HTTP/1.1", &request_with("panic")).await;
    assert!(head.starts_with("HTTP/1.1 503") && sentence(&body).contains("fault of its own"), "{head}");
    assert!(exchange(running.address, "GET / HTTP/1.1", b"").await.0.starts_with("HTTP/1.1 405"));

    let (_, body) = exchange(running.address, "GET /metrics HTTP/1.1", b"").await;
    let text = String::from_utf8(body).unwrap();
    for line in ["{wire=\"pickle\",outcome=\"answered\"} 1\n", "{wire=\"pickle\",outcome=\"refused\"} 3\n"] {
        assert!(text.contains(line), "{text}");
    }
    let (_, body) = exchange(running.address, "GET /health HTTP/1.1", b"").await;
    let health = json_of(&body);
    assert_eq!((&health["status"], &health["detector"]), (&"ok".into(), &"table".into()));
    assert_eq!(
        (&health["semantics"]["unirl"], &health["semantics"]["imgeval"]),
        (&"uni-rl".into(), &"exact".into())
    );

    running.end.send(()).unwrap();
    running.server.await.unwrap();
}

/// Three images, of which the second cannot be measured and the third not be asked about.
const SAMPLES: &str = r#"{"samples": [
    {"image": "Z29vZA==", "prompt": "a photo of a cow"},
    {"image": "YmFk", "metadata": {"tag": "colors", "include": [{"class": "cow", "count": 1, "color": "red"}], "prompt": "x"}},
    {"image": "Z29vZA==", "prompt": "a photo of a unicorn"}]}"#;

#[tokio::test]
async fn our_own_wire_says_what_is_wrong_with_each_image() {
    let running = start(options()).await;
    let head = "POST /v1/rewards HTTP/1.1\r\nx-imgeval-semantics: uni-rl\r\nx-request-id: mine";
    let (head, body) = exchange(running.address, head, SAMPLES.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-request-id: mine"), "{head}");
    let answer = json_of(&body);
    assert_eq!((&answer["schema"], &answer["semantics"]), (&"imgeval/rewards/1".into(), &"uni-rl".into()));
    let results = &answer["results"];
    assert_eq!((&results[0]["score"], &results[0]["strict_reward"]), (&0.5.into(), &1.0.into()));
    assert_eq!(results[1]["error"], "not an image");
    assert!(results[2]["error"].as_str().unwrap().contains("(no_rule)"), "{results}");

    let parts = [
        "--cut\r\ncontent-disposition: form-data; name=\"request\"\r\n\r\n{\"samples\": [{\"prompt\": \"a photo of a cow\"}]}\r\n",
        "--cut\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\ngood\r\n",
    ];
    let head = "POST /v1/rewards HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=cut";
    let (_, body) =
        exchange(running.address, head, format!("{}{}--cut--\r\n", parts[0], parts[1]).as_bytes()).await;
    assert_eq!(json_of(&body)["results"][0]["score"], 0.5);
    for (body, part) in [
        (format!("{}--cut--\r\n", parts[0]), "1 samples came with 0 images"),
        (parts[0].to_owned(), "multipart/form-data"),
        (format!("{}--cut--\r\n", parts[1]), "no part `request`"),
    ] {
        let (status, answer) = exchange(running.address, head, body.as_bytes()).await;
        let answer = json_of(&answer);
        assert!(
            status.starts_with("HTTP/1.1 400") && answer["error"].as_str().unwrap().contains(part),
            "{answer}"
        );
    }
    let head = "POST /v1/rewards HTTP/1.1\r\nx-imgeval-semantics: theirs";
    let (head, _) = exchange(running.address, head, SAMPLES.as_bytes()).await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
}

#[tokio::test]
async fn images_that_come_again_are_not_measured_again() {
    let running = start(options()).await;
    for _ in 0..3 {
        exchange(running.address, "POST /v1/rewards HTTP/1.1", SAMPLES.as_bytes()).await;
    }
    let (_, body) = exchange(running.address, "GET /metrics HTTP/1.1", b"").await;
    let text = String::from_utf8(body).unwrap();
    // The bad image is tried each time.
    assert!(
        text.contains("\nimgeval_images_total 4\n") && text.contains("\nimgeval_images_cached_total 2\n"),
        "{text}"
    );
}

#[tokio::test]
async fn scores_are_pulled_later() {
    let running = start(options()).await;
    let array = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 3)}";
    let npy =
        [b"\n\x93NUMPY\x01\x00", [array.len() as u8, 0].as_slice(), array.as_bytes(), &[1, 2, 3]].concat();
    let body = [
        br#"{"prompts": ["a photo of a cow"], "reward_fn": {"gen_eval": 1.0, "hps": 1.0}}"#.as_slice(),
        &npy,
    ]
    .concat();
    let (_, answer) = exchange(running.address, "POST /api/reward/enqueue HTTP/1.1", &body).await;
    let uuid = json_of(&answer)["uuid"].as_str().unwrap().to_owned();
    let pull = async |uuid: &str, kind: &str| {
        let form = format!("uuid={uuid}&type={kind}");
        for _ in 0..500 {
            let (head, body) =
                exchange(running.address, "POST /api/reward/pull HTTP/1.1", form.as_bytes()).await;
            if head.starts_with("HTTP/1.1 200") {
                return json_of(&body);
            }
            assert_eq!(json_of(&body)["message"], format!("Not found scores for {uuid}"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not ready");
    };
    // What cannot be given raises in the client at once.
    assert_eq!(pull(&uuid, "gen_eval").await["error"], "images[0]: no file");
    assert_eq!(pull(&uuid, "hps").await["error"], "images[0]: this server does not give this reward");
    assert!(pull("nobody", "hps").await["error"].as_str().unwrap().contains("nobody"));
    let (head, _) = exchange(running.address, "POST /api/reward/enqueue HTTP/1.1", b"{}").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
}

/// Measures until it is told to go on, and counts how many are measured at once.
#[derive(Default)]
struct Held {
    running: AtomicU64,
    most: AtomicU64,
    may_end: AtomicU64,
}

impl Rewarder for Held {
    fn facts(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn measure(&self, _: &Question) -> Result<Measured, String> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        while self.may_end.load(Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(Measured::GenEval(Reward { score: 0.0, reward: 0.0, strict_reward: 0.0 }))
    }
}

/// Sends a request and does not wait for its answer.
async fn send(address: SocketAddr, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head =
        format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_client_that_goes_away_keeps_its_place_until_its_image_is_done() {
    let held = Arc::new(Held::default());
    let running = start_with(Arc::clone(&held) as Arc<dyn Rewarder>, options()).await;
    let address = running.address;
    let impatient = send(address, &request_with("good")).await;
    while held.running.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(impatient);
    // Of another image, as the same one would be answered from memory.
    let mut next = send(address, &request_with("other")).await;
    let mut busy = String::new();
    for _ in 0..500 {
        busy = exchange(address, "POST / HTTP/1.1", b"N.").await.0;
        if busy.starts_with("HTTP/1.1 503") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    held.may_end.store(1, Ordering::SeqCst);
    assert!(busy.starts_with("HTTP/1.1 503") && busy.contains("retry-after: 5"), "{busy}");
    let mut answer = String::new();
    let _ = next.read_to_string(&mut answer).await;
    assert_eq!(held.most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn half_a_body_and_idle_connections_keep_nobody_away() {
    let running = start(options()).await;
    let mut kept = Vec::new();
    for place in 0..300 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        if place < 8 {
            stream
                .write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4000\r\n\r\nhalf")
                .await
                .unwrap();
        }
        kept.push(stream);
    }
    let (head, _) = exchange(running.address, "POST / HTTP/1.1", &request_with("good")).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[tokio::test]
async fn a_token_is_asked_for() {
    let everyone: SocketAddr = (Ipv4Addr::UNSPECIFIED, 0).into();
    assert!(matches!(listen(everyone, false).await, Err(ServerError::NeedsToken { .. })));
    let running = start(ServerOptions { token: Some(Token::new("open".to_owned())), ..options() }).await;
    let with = |path: &str, token: &str| format!("POST {path} HTTP/1.1\r\nauthorization: Bearer {token}");
    for path in WIRES.map(|wire| wire.path).into_iter().chain([wires::PULL_PATH]) {
        for head in [format!("POST {path} HTTP/1.1"), with(path, "openn")] {
            let (head, _) = exchange(running.address, &head, &request_with("good")).await;
            assert!(head.starts_with("HTTP/1.1 401"), "{path}: {head}");
        }
    }
    let (head, _) = exchange(running.address, &with("/", "open"), &request_with("good")).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(exchange(running.address, "GET /metrics HTTP/1.1", b"").await.0.starts_with("HTTP/1.1 401"));
    assert!(exchange(running.address, "GET /health HTTP/1.1", b"").await.0.starts_with("HTTP/1.1 200"));
}
