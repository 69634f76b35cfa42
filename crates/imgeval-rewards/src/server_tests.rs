//! The server over real sockets, with rewards from a table.

use std::net::Ipv4Addr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use super::*;
use crate::pickle::{self, Value};

/// Images that are texts: `good` is rewarded, anything else cannot be read.
struct Table;

impl Rewarder for Table {
    fn facts(&self) -> Vec<(String, String)> {
        vec![("detector".to_owned(), "table".to_owned())]
    }

    fn reward(&self, asked: &Asked) -> Result<Reward, String> {
        match &*asked.image {
            b"good" => Ok(Reward { score: 0.5, reward: 1.0, strict_reward: 1.0 }),
            _ => Err("not an image".to_owned()),
        }
    }
}

fn options() -> ServerOptions {
    ServerOptions { token: None, max_body_bytes: 4096, max_requests: 2, semantics: "flow-grpo" }
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
    server: tokio::task::JoinHandle<Result<(), ServerError>>,
}

async fn start(options: ServerOptions) -> Running {
    start_with(Arc::new(Table), options).await
}

async fn start_with(rewarder: Arc<dyn Rewarder>, options: ServerOptions) -> Running {
    let listener = listen((Ipv4Addr::LOCALHOST, 0).into(), &options).await.unwrap();
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

#[tokio::test]
async fn images_earn_rewards_and_bad_ones_a_sentence() {
    let running = start(options()).await;
    let (head, body) = exchange(running.address, "POST / HTTP/1.1", &request_with("good")).await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-imgeval-semantics: flow-grpo"), "{head}");
    let answer = pickle::read(&body).unwrap();
    assert_eq!(answer.get("scores"), Some(&Value::List(vec![Value::Float(0.5)])));

    let (head, body) = exchange(running.address, "POST / HTTP/1.1", &request_with("bad")).await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    assert_eq!(String::from_utf8(body).unwrap(), "images[0]: not an image");
    let (head, body) = exchange(running.address, "POST / HTTP/1.1", b"cos\nsystem\n.").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    assert!(String::from_utf8(body).unwrap().contains("nothing is executed"));
    let (head, _) = exchange(running.address, "POST / HTTP/1.1", &[b'.'; 5000]).await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    assert!(exchange(running.address, "GET / HTTP/1.1", b"").await.0.starts_with("HTTP/1.1 405"));

    let (_, body) = exchange(running.address, "GET /metrics HTTP/1.1", b"").await;
    let text = String::from_utf8(body).unwrap();
    assert!(
        text.contains("{outcome=\"answered\"} 1\n") && text.contains("{outcome=\"refused\"} 3\n"),
        "{text}"
    );
    let (_, body) = exchange(running.address, "GET /health HTTP/1.1", b"").await;
    let health: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&health["status"], &health["detector"]), (&"ok".into(), &"table".into()));

    running.end.send(()).unwrap();
    running.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn too_many_requests_are_told_to_come_back() {
    let running = start(options()).await;
    // Bodies that do not end keep both places.
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
        kept.push(stream);
    }
    let mut head = String::new();
    for _ in 0..200 {
        head = exchange(running.address, "POST / HTTP/1.1", &request_with("good")).await.0;
        if head.starts_with("HTTP/1.1 503") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(head.starts_with("HTTP/1.1 503") && head.contains("retry-after: 5"), "{head}");
    // Their clients go away, and the places are free again.
    drop(kept);
    for _ in 0..200 {
        head = exchange(running.address, "POST / HTTP/1.1", &request_with("good")).await.0;
        if head.starts_with("HTTP/1.1 200") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

/// Judges until it is told to go on, and counts how many are judged at once.
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

    fn reward(&self, _: &Asked) -> Result<Reward, String> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        while self.may_end.load(Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(Reward { score: 0.0, reward: 0.0, strict_reward: 0.0 })
    }
}

#[tokio::test]
async fn a_client_that_goes_away_keeps_its_turn_until_its_work_ends() {
    let held = Arc::new(Held::default());
    let running = start_with(Arc::clone(&held) as Arc<dyn Rewarder>, options()).await;
    let body = request_with("good");
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut impatient = TcpStream::connect(running.address).await.unwrap();
    impatient.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    while held.running.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(impatient);
    let address = running.address;
    let next = tokio::spawn(async move { exchange(address, "POST / HTTP/1.1", &body).await.0 });
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Both places are taken.
    let (busy, _) = exchange(address, "POST / HTTP/1.1", &request_with("good")).await;
    held.may_end.store(1, Ordering::SeqCst);
    assert!(next.await.unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(held.most.load(Ordering::SeqCst), 1);
    assert!(busy.starts_with("HTTP/1.1 503") && busy.contains("x-imgeval-semantics"), "{busy}");
}

#[tokio::test]
async fn a_token_is_asked_for() {
    let everyone: SocketAddr = (Ipv4Addr::UNSPECIFIED, 0).into();
    assert!(matches!(listen(everyone, &options()).await, Err(ServerError::NeedsToken { .. })));
    let running = start(ServerOptions { token: Some("open".to_owned()), ..options() }).await;
    let (head, _) = exchange(running.address, "POST / HTTP/1.1", &request_with("good")).await;
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    let with = |token: &str| format!("POST / HTTP/1.1\r\nauthorization: Bearer {token}");
    let (head, _) = exchange(running.address, &with("openn"), &request_with("good")).await;
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    let (head, _) = exchange(running.address, &with("open"), &request_with("good")).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(exchange(running.address, "GET /metrics HTTP/1.1", b"").await.0.starts_with("HTTP/1.1 401"));
    assert!(exchange(running.address, "GET /health HTTP/1.1", b"").await.0.starts_with("HTTP/1.1 200"));
}
