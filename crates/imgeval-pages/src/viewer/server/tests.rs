use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use imgeval_core::ContentHash;
use imgeval_report::{
    figures::Figure,
    model::{Report, RunView, SampleView},
};
use imgeval_scoring::ScoringError;
use tempfile::TempDir;

use super::*;

/// A run that the test lets grow, break and come back.
struct Growing {
    folder: PathBuf,
    state: Arc<Mutex<Growth>>,
}

struct Growth {
    n: usize,
    is_gone: bool,
}

const NAME: &str = "mine <script>";

impl LiveRuns for Growing {
    fn stamp(&self) -> String {
        let growth = lock(&self.state);
        format!("{} {}", growth.n, growth.is_gone)
    }

    fn snapshot(
        &self,
        visit: &mut dyn FnMut(SampleView) -> Result<(), PagesError>,
    ) -> Result<(Report, Vec<Figure>), PagesError> {
        let growth = lock(&self.state);
        if growth.is_gone {
            return Err(ScoringError::Protocol { detail: "the disk was pulled out".to_owned() }.into());
        }
        for n in 0..growth.n {
            visit(sample(n))?;
        }
        let run = RunView {
            name: NAME.to_owned(),
            suite: "geneval".to_owned(),
            prompts: "the official prompts".to_owned(),
            model: String::new(),
            facts: Vec::new(),
            observers: Vec::new(),
            n_prompts: 10,
            n_prompts_with_image: growth.n,
            n_images: growth.n,
            n_failed: 0,
            coverage: Vec::new(),
            spend: "3 calls".to_owned(),
        };
        let report = Report {
            title: NAME.to_owned(),
            tool: "imgeval".to_owned(),
            runs: vec![run],
            ..Report::default()
        };
        Ok((report, Vec::new()))
    }

    fn path(&self, _run: usize, image: &ImageView) -> Option<PathBuf> {
        Some(self.folder.join(format!("{}.png", image.hash)))
    }
}

fn picture(n: usize) -> Vec<u8> {
    let shade = u8::try_from(n * 20).unwrap();
    let pixels = RgbImage::from_pixel(400, 200, Rgb([shade, 90, 90]));
    let mut bytes = Vec::new();
    DynamicImage::from(pixels).write_to(&mut std::io::Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

fn hash(n: usize) -> String {
    ContentHash::of(&picture(n)).to_string()
}

fn sample(n: usize) -> SampleView {
    SampleView {
        run: 0,
        case: format!("{n:05}"),
        index: 0,
        part: String::new(),
        prompt: "a </script> prompt".to_owned(),
        expectation: String::new(),
        outcome: "ok".to_owned(),
        detail: String::new(),
        image: Some(ImageView { hash: hash(n), extension: "png".to_owned(), width: 400, height: 200 }),
        input: None,
        opinions: Vec::new(),
        measures: Vec::new(),
        registration: String::new(),
        overlays: Vec::new(),
    }
}

struct Running {
    address: SocketAddr,
    growth: Arc<Mutex<Growth>>,
    folder: TempDir,
    _runtime: tokio::runtime::Runtime,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A server of two pictures; a third one lies ready.
fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3 {
        fs::write(folder.path().join(format!("{}.png", hash(n))), picture(n)).unwrap();
    }
    let growth = Arc::new(Mutex::new(Growth { n: 2, is_gone: false }));
    let runs = Growing { folder: folder.path().to_owned(), state: Arc::clone(&growth) };
    let options = ViewerOptions { host: Ipv4Addr::LOCALHOST.into(), port: 0, every: Duration::ZERO };
    let served = Served::open(Box::new(runs), options, Arc::new(|_| ())).unwrap();
    // Every question looks: nothing here waits for a clock.
    lock(&served.news).cost = Duration::ZERO;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(listen(SocketAddr::new(options.host, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(serve_on(listener, Arc::new(served)));
    Running { address, growth, folder, _runtime: runtime }
}

impl Running {
    fn ask(&self, request: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let split = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..split].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: answer[split + 4..].to_vec() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &format!("Host: {}\r\n", self.address))
    }

    fn revision(&self) -> String {
        self.get("/live.json").json()["revision"].as_str().unwrap().to_owned()
    }

    /// Asks until the server has looked again and says what is wanted.
    fn wait(&self, is_wanted: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        for _ in 0..3_000 {
            let live = self.get("/live.json").json();
            if is_wanted(&live) {
                return live;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server never said what was waited for");
    }
}

#[test]
fn the_page_comes_with_its_policy_and_holds_no_data() {
    let server = start();
    let page = server.get("/");
    assert_eq!(page.status, 200);
    let policy = content_security_policy(Mode::Live).to_lowercase();
    assert!(page.head.contains(&format!("content-security-policy: {policy}; frame-ancestors 'none'")));
    assert!(!page.head.contains("access-control"), "{}", page.head);
    let text = page.text();
    assert!(text.contains("<title>mine &lt;script&gt;</title>"));
    assert!(!text.contains(&hash(0)));
}

#[test]
fn only_this_machine_by_number_or_as_localhost_is_served() {
    let server = start();
    let port = server.address.port();
    let status = |headers: &str| server.ask("GET /live.json", headers).status;
    for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), "[::1]:80".to_owned()] {
        assert_eq!(status(&format!("Host: {host}\r\n")), 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "192.168.0.7", ""] {
        assert_eq!(status(&format!("Host: {host}\r\n")), 403, "{host}");
    }
    let ours = format!("Host: {}\r\n", server.address);
    assert_eq!(status(&format!("{ours}Sec-Fetch-Site: cross-site\r\n")), 403);
    assert_eq!(status(&format!("{ours}Sec-Fetch-Site: same-origin\r\n")), 200);
    let changed = server.ask("POST /live.json", &ours);
    assert_eq!(changed.status, 405, "it only reads");
}

#[test]
fn other_addresses_may_be_named_where_others_may_come() {
    assert!(is_own_host("192.168.0.7:8788", false) && is_own_host("[fe80::1]:80", false));
    assert!(!is_own_host("192.168.0.7:8788", true) && !is_own_host("evil.example", false));
}

#[test]
fn pictures_are_found_by_hash_alone() {
    let server = start();
    let original = server.get(&format!("/image/0/{}", hash(1)));
    assert_eq!((original.status, original.body), (200, picture(1)));
    assert!(original.head.contains("content-type: image/png"));
    for _ in 0..2 {
        let thumb = server.get(&format!("/thumb/0/{}", hash(1)));
        let small = image::load_from_memory_with_format(&thumb.body, ImageFormat::Jpeg).unwrap();
        assert_eq!((small.width(), small.height()), (320, 160));
    }
    let unknown = "0".repeat(64);
    fs::write(server.folder.path().join("secret.png"), b"secret").unwrap();
    for path in [
        format!("/image/0/{unknown}"),
        format!("/image/1/{}", hash(1)),
        // On the disk, but of no sample yet.
        format!("/image/0/{}", hash(2)),
        format!("/thumb/0/{}", hash(2)),
        "/image/0/secret".to_owned(),
        "/image/0/..%2Fsecret".to_owned(),
        "/image/0/%2e%2e%2f%2e%2e%2fetc%2fpasswd".to_owned(),
        "/image/0/../../../etc/passwd".to_owned(),
        format!("/data/{}/..%2F..%2Fetc%2Fpasswd", server.revision()),
        "/data/nothing/index".to_owned(),
        "/figure/nothing".to_owned(),
    ] {
        assert_eq!(server.get(&path).status, 404, "{path}");
    }
}

#[test]
fn a_picture_with_other_bytes_is_told_and_not_sent() {
    let server = start();
    fs::write(server.folder.path().join(format!("{}.png", hash(0))), picture(2)).unwrap();
    for kind in ["image", "thumb"] {
        let answer = server.get(&format!("/{kind}/0/{}", hash(0)));
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("damaged"), "{}", answer.text());
    }
}

#[test]
fn the_revision_changes_with_the_runs_and_old_ones_stay_for_a_while() {
    let server = start();
    let first = server.revision();
    assert_eq!(server.revision(), first, "nothing changed");
    let index = server.get(&format!("/data/{first}/index")).json();
    assert_eq!(index["samples"].as_array().unwrap().len(), 2);
    let name = index["texts"][0]["name"].as_str().unwrap();
    let texts = server.get(&format!("/data/{first}/{name}")).json();
    assert_eq!(texts[1]["prompt"], "a </script> prompt");

    lock(&server.growth).n = 3;
    let live = server.wait(|live| live["revision"] != first.as_str());
    assert_eq!((&live["runs"][0]["n_images"], &live["runs"][0]["spend"]), (&json!(3), &json!("3 calls")));
    let second = live["revision"].as_str().unwrap();
    let index = server.get(&format!("/data/{second}/index")).json();
    assert_eq!(index["samples"].as_array().unwrap().len(), 3);
    assert_eq!(server.get(&format!("/image/0/{}", hash(2))).status, 200);
    assert_eq!(server.get(&format!("/data/{first}/{name}")).status, 200, "pages may still show it");
}

#[test]
fn a_run_that_disappears_leaves_what_was_read() {
    let server = start();
    let first = server.revision();
    lock(&server.growth).is_gone = true;
    let live = server.wait(|live| !live["problem"].is_null());
    assert_eq!(live["revision"], first.as_str());
    assert!(!live["problem"].as_str().unwrap().contains("disk"), "details are for the terminal");
    assert_eq!(server.get(&format!("/data/{first}/index")).status, 200);
    lock(&server.growth).is_gone = false;
    let live = server.wait(|live| live["problem"].is_null());
    assert_eq!(live["revision"], first.as_str());
}
