//! A server on this machine that does what a script says: one action for each request, in order.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, sleep},
};

/// What to do with a request.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Reply(Reply),
    /// Sends the reply's head and this many bytes of its body, then closes.
    Half(Reply, usize),
    /// Sends the reply's head and this many bytes of its body, then nothing.
    StallAfter(Reply, usize),
    /// Takes the request and says nothing.
    Stall,
    /// Takes the request and resets the connection.
    Reset,
    /// Sends the reply's head and this many bytes of its body, then resets the connection.
    ResetAfter(Reply, usize),
    /// Sends a body without end.
    Flood,
    /// Replies once there is a permit, which it uses up.
    Held(Reply, Arc<Semaphore>),
    /// Serves one request in so much time, and tells the others how long to wait.
    OneIn(Duration, Reply),
}

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        head
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct State {
    script: VecDeque<Action>,
    seen: Vec<Request>,
    open: usize,
    most_open: usize,
    /// Of [`Action::OneIn`].
    next_turn: Option<Instant>,
}

impl State {
    fn one_in(&mut self, interval: Duration, reply: Reply) -> Reply {
        let now = Instant::now();
        match self.next_turn {
            Some(turn) if turn > now => {
                let wait = (turn - now).as_millis() + 1;
                Reply::new(429, "text/plain", "too many").header("retry-after-ms", &wait.to_string())
            }
            _ => {
                self.next_turn = Some(now + interval);
                reply
            }
        }
    }
}

pub(crate) struct FaultServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FaultServer {
    /// The last action serves all further requests too.
    pub(crate) async fn start(script: impl IntoIterator<Item = Action>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { script: script.into_iter().collect(), ..State::default() }));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().seen.clone()
    }

    /// How many requests were in the server's hands at the same time at most.
    pub(crate) fn most_open(&self) -> usize {
        self.state.lock().unwrap().most_open
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(request) = read_request(&mut stream).await else { return };
    let action = {
        let mut state = state.lock().unwrap();
        state.seen.push(request);
        state.open += 1;
        state.most_open = state.most_open.max(state.open);
        let action =
            if state.script.len() > 1 { state.script.pop_front() } else { state.script.front().cloned() };
        match action {
            Some(Action::OneIn(interval, reply)) => Some(Action::Reply(state.one_in(interval, reply))),
            action => action,
        }
    };
    // Long enough for others to arrive meanwhile.
    sleep(Duration::from_millis(5)).await;
    state.lock().unwrap().open -= 1;
    perform(stream, action.unwrap()).await;
}

async fn perform(mut stream: TcpStream, action: Action) {
    match action {
        Action::Reply(reply) => {
            stream.write_all(reply.head().as_bytes()).await.ok();
            stream.write_all(&reply.body).await.ok();
            stream.shutdown().await.ok();
        }
        Action::Half(reply, length) => {
            stream.write_all(reply.head().as_bytes()).await.ok();
            stream.write_all(&reply.body[..length]).await.ok();
            stream.shutdown().await.ok();
        }
        Action::StallAfter(reply, length) => {
            stream.write_all(reply.head().as_bytes()).await.ok();
            stream.write_all(&reply.body[..length]).await.ok();
            wait_for_close(&mut stream).await;
        }
        Action::Stall => wait_for_close(&mut stream).await,
        Action::Reset => stream.set_zero_linger().unwrap(),
        Action::ResetAfter(reply, length) => {
            stream.write_all(reply.head().as_bytes()).await.ok();
            stream.write_all(&reply.body[..length]).await.ok();
            stream.set_zero_linger().unwrap();
        }
        Action::OneIn(..) => unreachable!("it has become a reply"),
        Action::Flood => {
            let head = "HTTP/1.1 200 Scripted\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
            stream.write_all(head.as_bytes()).await.ok();
            let blanks = vec![b' '; 1 << 20];
            while stream.write_all(&blanks).await.is_ok() {}
        }
        Action::Held(reply, permits) => {
            permits.acquire().await.unwrap().forget();
            stream.write_all(reply.head().as_bytes()).await.ok();
            stream.write_all(&reply.body).await.ok();
            stream.shutdown().await.ok();
        }
    }
}

async fn wait_for_close(stream: &mut TcpStream) {
    let mut buffer = [0; 64];
    while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end_of_head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end_of_head].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut start = lines.next()?.split(' ');
    let (method, path) = (start.next()?.to_owned(), start.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = bytes.split_off(end_of_head + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { method, path, headers, body })
}
