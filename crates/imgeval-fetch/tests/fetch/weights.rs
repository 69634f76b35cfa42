//! Fetching from addresses and from the hub, against a local server.

use std::{
    cell::RefCell,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use imgeval_fetch::{
    http::{DownloadError, DownloadEvent, Token},
    weights::{
        Hashing, Hub, HubRepository, Located, Member, ModelSet, PREVIEW_SET, Places, PullError, PullEvent,
        PullOptions, StoreError, Terms, UrlFile, add_to_set, locate_member, pull_set,
    },
};
use sha2::{Digest, Sha256};

use crate::file_server::{Reply, Request, Server};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const REPOSITORY: HubRepository = HubRepository {
    id: "small",
    title: "a small model",
    license: "MIT",
    repository: "owner/name",
    revision: "main",
    weights: &["model.safetensors", "pytorch_model.bin"],
    others: &["config.json"],
};

fn content() -> Vec<u8> {
    (0..300_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Folders of one test, and what a pull there told.
struct Stage {
    folder: tempfile::TempDir,
    events: RefCell<Vec<PullEvent>>,
    endpoint: String,
    token: Option<Token>,
}

impl Stage {
    fn new(server: &Server) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            events: RefCell::default(),
            endpoint: server.address.clone(),
            token: None,
        }
    }

    fn places(&self) -> Places {
        let (endpoint, token) = (self.endpoint.clone(), self.token.clone());
        Places {
            models_dir: self.folder.path().join("models"),
            hub: Hub { cache: self.folder.path().join("hub"), endpoint, token },
        }
    }

    fn pull_with(&self, member: Member, is_offline: bool) -> Result<PathBuf, PullError> {
        let set =
            ModelSet { id: "set", title: "", members: Box::leak(Box::new([member])), terms: Terms::Free };
        let options =
            PullOptions { is_offline, retry_pause: Duration::from_millis(1), ..PullOptions::default() };
        let paths = pull_set(&set, &self.places(), &options, &|event| self.events.borrow_mut().push(event))?;
        Ok(paths.into_iter().next().unwrap())
    }

    fn pull(&self, member: Member) -> Result<PathBuf, PullError> {
        self.pull_with(member, false)
    }

    /// The sentence, without what differs from run to run.
    fn error(&self, member: Member) -> String {
        self.scrub(&self.pull(member).unwrap_err().to_string())
    }

    fn scrub(&self, text: &str) -> String {
        text.replace(&self.endpoint, "S").replace(&self.folder.path().display().to_string(), "F")
    }

    fn locate(&self, member: Member) -> Result<Located, StoreError> {
        locate_member(&member, &self.places(), Hashing::Always)
    }

    fn files(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join(folder)).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A file at `<server>/x.pth` whose SHA-256 starts like that of `content`.
fn url_file(server: &Server, content: &[u8]) -> Member {
    Member::Url(UrlFile {
        id: "x",
        title: "x",
        license: "MIT",
        file_name: "x.pth",
        url: Box::leak(format!("{}/x.pth", server.address).into_boxed_str()),
        sha256_start: Box::leak(sha256(content)[..8].to_owned().into_boxed_str()),
        git_blob: "",
        is_public: true,
    })
}

#[test]
fn a_cut_connection_is_resumed_where_it_broke() {
    let server = Server::start(|request| match request.start() {
        0 => Reply { cut: Some(500_000), ..Reply::content(request, &content()) },
        _ => Reply::content(request, &content()),
    });
    let stage = Stage::new(&server);
    let member = url_file(&server, &content());
    let path = stage.pull(member).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    assert_eq!(stage.files("models"), ["checksums.json", "x.pth"]);
    let starts: Vec<usize> = server.requests().iter().map(Request::start).collect();
    assert_eq!(starts, [0, 500_000]);
    assert!(
        stage
            .events
            .borrow()
            .iter()
            .any(|event| matches!(event, PullEvent::Download(DownloadEvent::Retrying { .. })))
    );

    // It is here now, also without a network.
    assert_eq!(stage.pull_with(member, true).unwrap(), path);
    assert_eq!(server.requests().len(), 2);
    assert_eq!(stage.locate(member).unwrap().sha256, sha256(&content()));
}

#[test]
fn a_broken_pull_is_continued_by_the_next_one() {
    let calls = AtomicUsize::new(0);
    let server = Server::start(move |request| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Reply { cut: Some(700_000), ..Reply::content(request, &content()) },
        1..=5 => Reply::status(503),
        _ => Reply::content(request, &content()),
    });
    let stage = Stage::new(&server);
    let member = url_file(&server, &content());
    let message = stage.error(member);
    assert_eq!(message, "could not download `S/x.pth` after 5 tries: the server answered with status 503");
    assert_eq!(stage.files("models"), [".incoming-x.pth"]);
    assert!(matches!(stage.locate(member), Err(StoreError::Missing { id: "x", .. })));
    let path = stage.pull(member).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());
    assert_eq!(server.requests().last().unwrap().start(), 700_000);
}

#[test]
fn servers_that_ignore_ranges_or_changed_the_file_start_anew() {
    let server = Server::start(|_| Reply { body: content(), ..Reply::status(200) });
    let stage = Stage::new(&server);
    fs::create_dir(stage.folder.path().join("models")).unwrap();
    let partial = stage.folder.path().join("models/.incoming-x.pth");
    fs::write(&partial, "other").unwrap();
    let path = stage.pull(url_file(&server, &content())).unwrap();
    assert_eq!(fs::read(path).unwrap(), content());

    let server = Server::start(|request| Reply::content(request, b"short"));
    let stage = Stage::new(&server);
    fs::create_dir(stage.folder.path().join("models")).unwrap();
    let partial = stage.folder.path().join("models/.incoming-x.pth");
    fs::write(&partial, "longer than it").unwrap();
    let path = stage.pull(url_file(&server, b"short")).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"short");
    // Everything was there, only the name was not.
    let stage = Stage::new(&server);
    fs::create_dir(stage.folder.path().join("models")).unwrap();
    fs::write(stage.folder.path().join("models/.incoming-x.pth"), "short").unwrap();
    stage.pull(url_file(&server, b"short")).unwrap();
}

#[test]
fn another_file_than_the_known_one_is_refused_and_forgotten() {
    let server = Server::start(|request| Reply::content(request, b"another"));
    let stage = Stage::new(&server);
    let expected = format!(
        "`F/models/x.pth` has SHA-256 {}, weights `x` have one that starts with {}",
        sha256(b"another"),
        &sha256(b"known")[..8]
    );
    assert_eq!(stage.error(url_file(&server, b"known")), expected);
    assert!(stage.files("models").is_empty());
}

#[test]
fn the_first_checksum_binds_later_ones() {
    let server = Server::start(|request| Reply::content(request, b"first"));
    let stage = Stage::new(&server);
    let Member::Url(file) = url_file(&server, b"first") else { unreachable!() };
    // No start is known, so that only the record can tell.
    let member = Member::Url(UrlFile { sha256_start: "", ..file });
    let path = stage.pull(member).unwrap();
    fs::write(&path, "other").unwrap();
    let error = stage.locate(member).unwrap_err();
    let (other, first) = (sha256(b"other"), sha256(b"first"));
    let message = format!("`F/models/x.pth` has SHA-256 {other}, weights `x` have {first}");
    assert_eq!(stage.scrub(&error.to_string()), message);
    // Offline it stays refused; otherwise it is fetched again.
    assert!(matches!(stage.pull_with(member, true), Err(PullError::Store(StoreError::WrongChecksum { .. }))));
    stage.pull(member).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(stage.locate(member).unwrap().sha256, first);
}

#[test]
fn refusals_are_told_apart_and_not_repeated() {
    let check = |status: u16, message: &str| {
        let server = Server::start(move |_| Reply::status(status));
        let stage = Stage::new(&server);
        assert_eq!(stage.error(url_file(&server, b"")), message.replace('U', "S/x.pth"));
        assert_eq!(server.requests().len(), 1);
    };
    check(404, "`U` does not exist (404)");
    check(401, "`U` requires access (401), and no token was given");
    check(403, "`U` requires access (403), and no token was given");
    check(418, "`U` answered with status 418");
}

#[test]
fn redirects_are_followed_and_circles_are_not() {
    let server = Server::start(|request| match request.path.as_str() {
        "/x.pth" => Reply::status(302).with("Location", "/y.pth"),
        "/y.pth" => Reply::content(request, b"known"),
        _ => Reply::status(302).with("Location", "/circle"),
    });
    let stage = Stage::new(&server);
    let member = url_file(&server, b"known");
    assert_eq!(fs::read(stage.pull(member).unwrap()).unwrap(), b"known");
    let Member::Url(file) = member else { unreachable!() };
    let url = Box::leak(format!("{}/circle", server.address).into_boxed_str());
    let stage = Stage::new(&server);
    let message = stage.error(Member::Url(UrlFile { url, ..file }));
    assert_eq!(message, "could not request `S/circle`: too many redirects");
}

#[test]
fn offline_and_without_a_server_it_says_so() {
    let server = Server::start(|_| Reply::status(200));
    let stage = Stage::new(&server);
    let error = stage.pull_with(Member::Hub(REPOSITORY), true).unwrap_err();
    assert_eq!(error.to_string(), "weights `small` are not installed and network access is disabled");
    assert!(server.requests().is_empty());
    // A port on which nobody listens.
    let stage = Stage { endpoint: "http://127.0.0.1:1".to_owned(), ..stage };
    let error = stage.pull(Member::Hub(REPOSITORY)).unwrap_err();
    assert!(matches!(error, PullError::Http(DownloadError::GaveUp { tries: 5, .. })), "{error}");
}

#[test]
fn a_server_that_tls_refuses_is_not_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/x.pth", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&connections);
    // Speaks no TLS. Ends with the test process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            seen.fetch_add(1, Ordering::Relaxed);
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; 32]).unwrap();
            stream.write_all(b"HTTP/1.1 400 x\r\n\r\n").ok();
        }
    });
    let server = Server::start(|_| Reply::status(500));
    let stage = Stage::new(&server);
    let Member::Url(file) = url_file(&server, b"") else { unreachable!() };
    let url = Box::leak(url.into_boxed_str());
    let error = stage.pull(Member::Url(UrlFile { url, ..file })).unwrap_err();
    assert!(matches!(error, PullError::Http(DownloadError::Request { .. })), "{error}");
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

/// A hub with one model: configuration on the hub itself, weights on another server by a signed address.
struct FakeHub {
    weights: Vec<u8>,
    etag: String,
    content_server: String,
    needs_token: bool,
}

impl FakeHub {
    fn answer(&self, request: &Request) -> Reply {
        if self.needs_token && request.header("authorization") != Some("Bearer secret") {
            return Reply::status(401);
        }
        let Some(rest) = request.path.strip_prefix("/owner/name/resolve/") else {
            return match request.path.strip_prefix("/moved/") {
                Some(_) => self.configuration(request),
                None => Reply::status(404),
            };
        };
        match rest.split_once('/').unwrap() {
            ("main" | COMMIT, "model.safetensors") => Reply::status(302)
                .with("Location", &format!("{}/blob?signature=private", self.content_server))
                .with("X-Linked-Etag", &format!("\"{}\"", self.etag))
                .with("X-Linked-Size", &self.weights.len().to_string())
                .with("X-Repo-Commit", COMMIT),
            // Moved inside the hub.
            (COMMIT, "config.json") => Reply::status(307).with("Location", "/moved/config.json"),
            _ => Reply::status(404),
        }
    }

    fn configuration(&self, request: &Request) -> Reply {
        Reply::content(request, b"{}")
            .with("ETag", "W/\"aaaabbbbccccddddeeeeffff0000111122223333\"")
            .with("X-Repo-Commit", COMMIT)
    }
}

/// A hub and the server of its large files.
fn hub(weights: &[u8], etag: &str, needs_token: bool) -> (Server, Server) {
    let served = weights.to_vec();
    let content_server =
        Server::start(move |request| match (request.header("authorization"), request.start()) {
            (Some(_), _) => Reply::status(400),
            (None, 0) => Reply { cut: Some(3), ..Reply::content(request, &served) },
            (None, _) => Reply::content(request, &served),
        });
    let fake = FakeHub {
        weights: weights.to_vec(),
        etag: etag.to_owned(),
        content_server: content_server.address.clone(),
        needs_token,
    };
    (Server::start(move |request| fake.answer(request)), content_server)
}

#[test]
fn the_hubs_cache_is_filled_as_its_own_tools_fill_it() {
    let weights = b"the weights";
    let etag = sha256(weights);
    let (server, content_server) = hub(weights, &etag, true);
    let stage = Stage { token: Some(Token::new("secret")), ..Stage::new(&server) };
    let folder = stage.pull(Member::Hub(REPOSITORY)).unwrap();
    let cache = stage.folder.path().join("hub/models--owner--name");
    assert_eq!(folder, cache.join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(cache.join("refs/main")).unwrap(), COMMIT);
    assert_eq!(stage.files("hub/models--owner--name/blobs"), {
        let mut names = ["aaaabbbbccccddddeeeeffff0000111122223333".to_owned(), etag.clone()];
        names.sort();
        names
    });
    let link = fs::read_link(folder.join("model.safetensors")).unwrap();
    assert_eq!(link, Path::new("../../blobs").join(&etag));
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights);
    assert_eq!(fs::read(folder.join("config.json")).unwrap(), b"{}");
    // The other server never saw the token, and its signed address is never told.
    assert!(content_server.requests().iter().all(|request| request.header("authorization").is_none()));
    let told = format!("{:?}", stage.events.borrow());
    assert!(!told.contains("signature") && !told.contains("secret"), "{told}");

    let located = stage.locate(Member::Hub(REPOSITORY)).unwrap();
    assert_eq!((located.path, located.sha256), (folder.clone(), etag));
    // A damaged blob is noticed, and repaired by the next pull.
    fs::write(folder.join("model.safetensors"), "the weightz").unwrap();
    assert!(matches!(stage.locate(Member::Hub(REPOSITORY)), Err(StoreError::WrongChecksum { .. })));
    assert_eq!(stage.pull(Member::Hub(REPOSITORY)).unwrap(), folder);
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights);
}

#[test]
fn a_password_in_the_endpoint_is_sent_and_never_shown() {
    let check = |etag: &str| {
        let weights = b"the weights";
        let (server, content_server) = hub(weights, etag, false);
        let endpoint = server.address.replace("http://", "http://user:pass@");
        let stage = Stage { endpoint, ..Stage::new(&server) };
        let result = stage.pull(Member::Hub(REPOSITORY));
        let told = format!("{:?} {result:?} {:?}", stage.events.borrow(), stage.places());
        assert!(!told.contains("pass@") && !told.contains("user:"), "{told}");
        // RFC 7617, of `user:pass`.
        let basic = Some("Basic dXNlcjpwYXNz");
        assert!(server.requests().iter().any(|request| request.header("authorization") == basic));
        assert!(content_server.requests().iter().all(|request| request.header("authorization").is_none()));
        result.is_ok()
    };
    assert!(check(&sha256(b"the weights")));
    assert!(!check("../../evil"));
    let server = Server::start(|_| Reply::status(200));
    for endpoint in
        ["http://user:pass@127.0.0.1:1", "user:pass@127.0.0.1", "http://user:pass@", "x://user:pass@h"]
    {
        let stage = Stage { endpoint: endpoint.to_owned(), ..Stage::new(&server) };
        let error = stage.pull(Member::Hub(REPOSITORY)).unwrap_err();
        let told = format!("{error} {error:?} {:?}", stage.events.borrow());
        assert!(!told.contains("pass"), "{told}");
    }
}

#[test]
fn what_other_tools_have_fetched_is_found() {
    let server = Server::start(|_| Reply::status(500));
    let stage = Stage::new(&server);
    let cache = stage.folder.path().join("hub/models--owner--name");
    let snapshot = cache.join("snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(cache.join("refs")).unwrap();
    fs::write(cache.join("refs/main"), COMMIT).unwrap();
    fs::write(snapshot.join("pytorch_model.bin"), "x").unwrap();
    assert!(matches!(stage.locate(Member::Hub(REPOSITORY)), Err(StoreError::Missing { id: "small", .. })));
    fs::write(snapshot.join("config.json"), "{}").unwrap();
    let located = stage.locate(Member::Hub(REPOSITORY)).unwrap();
    assert_eq!((&located.path, located.weights), (&snapshot, snapshot.join("pytorch_model.bin")));
    assert_eq!(stage.pull(Member::Hub(REPOSITORY)).unwrap(), snapshot);
    assert!(server.requests().is_empty());
    // A reference cannot lead out of the cache.
    fs::write(cache.join("refs/main"), "../../..").unwrap();
    assert!(matches!(stage.locate(Member::Hub(REPOSITORY)), Err(StoreError::Missing { .. })));
}

#[test]
fn the_hubs_refusals_are_told() {
    let etag = sha256(b"other");
    let (server, _content) = hub(b"the weights", &etag, false);
    let stage = Stage::new(&server);
    let expected = format!(
        "`F/hub/models--owner--name/blobs/{etag}` has SHA-256 {}, weights `small` have {etag}",
        sha256(b"the weights")
    );
    assert_eq!(stage.error(Member::Hub(REPOSITORY)), expected);
    assert_eq!(stage.files("hub/models--owner--name/blobs"), ["aaaabbbbccccddddeeeeffff0000111122223333"]);

    let url = "S/owner/name/resolve/main/model.safetensors";
    let (server, _content) = hub(b"x", &etag, true);
    let stage = Stage::new(&server);
    let message = format!("`{url}` requires access (401), and no token was given");
    assert_eq!(stage.error(Member::Hub(REPOSITORY)), message);
    let stage = Stage { token: Some(Token::new("wrong")), ..stage };
    let message = format!("`{url}` does not accept this token (401)");
    assert_eq!(stage.error(Member::Hub(REPOSITORY)), message);

    let (server, _content) = hub(b"x", "../../evil", false);
    let stage = Stage::new(&server);
    assert_eq!(stage.error(Member::Hub(REPOSITORY)), format!("`{url}` answered without a usable ETag"));
    let server = Server::start(|_| Reply::status(404));
    let stage = Stage::new(&server);
    assert_eq!(stage.error(Member::Hub(REPOSITORY)), format!("`{url}` does not exist (404)"));
}

/// The caller's look at weights: a page of a server is none.
fn no_page(path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match fs::read(path)?.starts_with(b"<html>") {
        true => Err(format!("`{}` is a page", path.display()).into()),
        false => Ok(()),
    }
}

#[test]
fn local_copies_are_added_after_a_look() {
    let server = Server::start(|_| Reply::status(500));
    let stage = Stage::new(&server);
    let file = url_file(&server, b"known");
    let members: &'static [Member] = Box::leak(Box::new([file, Member::Hub(REPOSITORY)]));
    let set = ModelSet { id: "set", title: "", members, terms: Terms::Free };
    let add = |path: &Path| add_to_set(&set, path, &stage.places(), &no_page);
    let sentence = |path: &Path| stage.scrub(&add(path).unwrap_err().to_string());

    let given = stage.folder.path().join("given.pth");
    fs::write(&given, "other").unwrap();
    assert!(sentence(&given).starts_with("`F/given.pth` has SHA-256 "));
    fs::write(&given, "known").unwrap();
    let added = add(&given).unwrap();
    assert_eq!(stage.locate(file).unwrap().path, added);

    let folder = stage.folder.path().join("model");
    fs::create_dir(&folder).unwrap();
    assert_eq!(sentence(&folder), "folder `F/model` lacks `model.safetensors`, which weights `small` need");
    fs::write(folder.join("model.safetensors"), "<html>").unwrap();
    assert_eq!(sentence(&folder), "folder `F/model` lacks `config.json`, which weights `small` need");
    fs::write(folder.join("config.json"), "{}").unwrap();
    assert_eq!(sentence(&folder), "`F/model/model.safetensors` is a page");
    assert!(!stage.folder.path().join("models/owner--name").exists());
    fs::write(folder.join("model.safetensors"), "the weights").unwrap();
    let added = add(&folder).unwrap();
    assert_eq!(added, stage.folder.path().join("models/owner--name"));
    assert_eq!(stage.locate(Member::Hub(REPOSITORY)).unwrap().path, added);

    let error = add_to_set(&PREVIEW_SET, &folder, &stage.places(), &no_page).unwrap_err();
    assert_eq!(stage.scrub(&error.to_string()), "`F/model` is not part of the set `preview`");
}

#[test]
fn a_damaged_added_copy_gives_way_to_the_pulled_one() {
    let weights = b"the weights";
    let (server, _content) = hub(weights, &sha256(weights), false);
    let stage = Stage::new(&server);
    let member = Member::Hub(REPOSITORY);
    let folder = stage.folder.path().join("model");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config.json"), "{}").unwrap();
    fs::write(folder.join("model.safetensors"), "other weights").unwrap();
    let set = ModelSet { id: "set", title: "", members: Box::leak(Box::new([member])), terms: Terms::Free };
    let added = add_to_set(&set, &folder, &stage.places(), &no_page).unwrap();
    fs::write(added.join("model.safetensors"), "damaged").unwrap();

    // While nothing else is here, it stays.
    assert!(stage.pull_with(member, true).is_err());
    let offline = Stage { endpoint: "http://127.0.0.1:1".to_owned(), ..stage };
    assert!(offline.pull(member).is_err());
    assert!(added.join("model.safetensors").is_file());

    let stage = Stage { endpoint: server.address.clone(), ..offline };
    let pulled = stage.pull(member).unwrap();
    assert_eq!(fs::read(pulled.join("model.safetensors")).unwrap(), weights);
    let located = stage.locate(member).unwrap();
    assert_eq!((located.path, located.sha256), (pulled, sha256(weights)));
}
