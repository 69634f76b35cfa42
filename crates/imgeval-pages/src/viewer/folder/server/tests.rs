use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use imgeval_report::{
    figures::Figure,
    model::{ImageView, Report, SampleView},
};
use imgeval_scoring::ScoringError;

use super::*;
use crate::viewer::revision::LiveRuns;

/// Three runs, of which the last cannot be read.
struct Three;

fn id(n: usize) -> String {
    format!("{n:016x}")
}

impl Shelf for Three {
    fn entries(&self) -> Vec<Arc<Entry>> {
        let entry = |n: usize| {
            let run = match n {
                2 => Err(ScoringError::Protocol { detail: "the disk was pulled out".to_owned() }),
                _ => Ok(imgeval_scoring::ListedRun {
                    directory: PathBuf::new(),
                    label: None,
                    suite: "geneval".to_owned(),
                    model: Some(format!("model {n}")),
                    n_images: 4,
                    n_failed: 0,
                    scores: Vec::new(),
                    cost: None,
                }),
            };
            Arc::new(Entry { id: id(n), name: format!("run-{n}"), directory: format!("run-{n}").into(), run })
        };
        (0..3).map(entry).collect()
    }

    fn open(&self, directories: &[PathBuf]) -> Result<Box<dyn LiveRuns>, PagesError> {
        if directories.iter().any(|directory| directory.ends_with("run-2")) {
            let error = ScoringError::Protocol { detail: "the disk was pulled out".to_owned() };
            return Err(error.into());
        }
        let names: Vec<String> =
            directories.iter().map(|directory| directory.display().to_string()).collect();
        Ok(Box::new(Named(names.join(", "))))
    }
}

/// Runs that have nothing but a name.
struct Named(String);

impl LiveRuns for Named {
    fn stamp(&self) -> String {
        String::new()
    }

    fn snapshot(
        &self,
        _visit: &mut dyn FnMut(SampleView) -> Result<(), PagesError>,
    ) -> Result<(Report, Vec<Figure>), PagesError> {
        let report = Report { title: self.0.clone(), tool: "imgeval".to_owned(), ..Report::default() };
        Ok((report, Vec::new()))
    }

    fn path(&self, _run: usize, _image: &ImageView) -> Option<PathBuf> {
        None
    }
}

struct Running {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

struct Answer {
    status: u16,
    head: String,
    text: String,
}

fn start() -> Running {
    let options = ViewerOptions { host: Ipv4Addr::LOCALHOST.into(), port: 0, every: Duration::ZERO };
    let indexed = Indexed::new(Box::new(Three), "my runs".to_owned(), options, Arc::new(|_| ()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(listen(SocketAddr::new(options.host, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(serve_on(listener, indexed));
    Running { address, _runtime: runtime }
}

impl Running {
    fn ask(&self, path: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), text: text.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(path, &format!("Host: {}\r\n", self.address))
    }
}

#[test]
fn the_index_lists_the_runs_and_runs_nothing() {
    let server = start();
    let index = server.get("/?sort=model&order=descending");
    assert_eq!(index.status, 200);
    assert!(index.head.contains("default-src 'none'; style-src 'self'"), "{}", index.head);
    let places = ["run-1", "run-0", "run-2"].map(|name| index.text.find(name).unwrap());
    assert!(places.is_sorted(), "{}", index.text);
    assert!(index.text.contains("cannot be read") && !index.text.contains("pulled out"));
    assert!(server.get("/index.css").head.contains("content-type: text/css"));
}

#[test]
fn each_run_and_each_choice_of_runs_has_a_page() {
    let server = start();
    for (key, title) in [(id(1), "run-1"), (format!("{}-{}", id(0), id(1)), "run-0, run-1")] {
        let page = server.get(&format!("/view/{key}/"));
        assert_eq!(page.status, 200);
        assert!(page.text.contains(&format!("<title>{title}</title>")), "{title}");
        let live: serde_json::Value =
            serde_json::from_str(&server.get(&format!("/view/{key}/live.json")).text).unwrap();
        let revision = live["revision"].as_str().unwrap();
        let index = server.get(&format!("/view/{key}/data/{revision}/index"));
        assert!(index.text.contains(title), "{}", index.text);
    }
}

#[test]
fn choosing_leads_to_the_page_of_the_chosen() {
    let server = start();
    let chosen = server.get(&format!("/compare?run={}&run={}", id(0), id(1)));
    assert_eq!(chosen.status, 303);
    assert!(chosen.head.contains(&format!("location: view/{}-{}/", id(0), id(1))), "{}", chosen.head);
    for nothing in ["", "?run=", "?run=%2e%2e", "?run=//evil.example"] {
        let back = server.get(&format!("/compare{nothing}"));
        assert!(back.head.contains("location: ./"), "{nothing}: {}", back.head);
    }
}

#[test]
fn what_the_folder_does_not_hold_is_not_there() {
    let server = start();
    for path in [
        format!("/view/{}/", id(7)),
        format!("/view/{}-{}/", id(0), id(7)),
        "/view/../".to_owned(),
        "/view/%2e%2e/".to_owned(),
        "/view/run-0/".to_owned(),
        "/view//".to_owned(),
        format!("/view/{}/nothing", id(0)),
        format!("/view/{}/image/0/..%2Fsecret", id(0)),
    ] {
        assert_eq!(server.get(&path).status, 404, "{path}");
    }
    let broken = server.get(&format!("/view/{}/", id(2)));
    assert_eq!(broken.status, 500);
    assert!(!broken.text.contains("pulled out"), "details are for the terminal");
}

#[test]
fn other_sites_and_other_hosts_see_nothing() {
    let server = start();
    let ours = format!("Host: {}\r\n", server.address);
    let page = format!("/view/{}/", id(0));
    assert_eq!(server.ask("/", "Host: evil.example\r\n").status, 403);
    assert_eq!(server.ask("/compare", &format!("{ours}Sec-Fetch-Site: cross-site\r\n")).status, 403);
    // Neither before the page is read nor afterwards.
    for _ in 0..2 {
        assert!(server.ask(&page, "Host: evil.example\r\n").status >= 403);
        let live = format!("{page}live.json");
        assert!(server.ask(&live, &format!("{ours}Sec-Fetch-Site: cross-site\r\n")).status >= 403);
        assert_eq!(server.get(&page).status, 200);
    }
}

#[test]
fn of_many_pages_the_oldest_is_read_anew() {
    let options = ViewerOptions { host: Ipv4Addr::LOCALHOST.into(), port: 0, every: Duration::ZERO };
    let indexed = Indexed::new(Box::new(Three), String::new(), options, Arc::new(|_| ()));
    let keys: Vec<String> = (1..=MOST_OPEN + 1).map(|n| vec![id(0); n].join("-")).collect();
    for key in &keys {
        assert!(indexed.open_view(key).unwrap().is_ok());
    }
    assert!(indexed.known_view(&keys[0]).is_none());
    assert!(indexed.known_view(&keys[1]).is_some());
    assert_eq!(lock(&indexed.open).len(), MOST_OPEN);
}
