//! `imgeval models`, against a local stand-in for the hub.

use std::{fs, path::Path, process::Output};

use serde_json::Value;

use crate::{
    cli::support::{check_exit, command, stderr, stdout, test_folder, text},
    file_server::{Reply, Server},
};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// SHA-256 of `abc` (FIPS 180-2, appendix B.1).
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn models(arguments: &[&str], folder: &Path, endpoint: &str) -> Output {
    let mut command = command(&[&["models"], arguments].concat());
    command.env("IMGEVAL_MODELS_DIR", folder.join("models")).env("HF_HOME", folder.join("hf"));
    command.env("HF_ENDPOINT", endpoint).env("HF_TOKEN", "hf_secret").output().unwrap()
}

fn hub() -> Server {
    Server::start(|request| {
        let prefix = "/facebook/mask2former-swin-small-coco-instance/resolve/";
        let file = request.path.strip_prefix(prefix).and_then(|rest| rest.split_once('/'));
        let (content, etag) = match file {
            Some((_, "model.safetensors")) => (&b"abc"[..], ABC),
            Some((COMMIT, "config.json")) => (&b"{}"[..], "aa"),
            Some((COMMIT, "preprocessor_config.json")) => (&b"[]"[..], "bb"),
            _ => return Reply::status(404),
        };
        Reply::content(request, content).with("ETag", &format!("\"{etag}\"")).with("X-Repo-Commit", COMMIT)
    })
}

#[test]
fn a_set_of_the_hub_is_pulled_listed_and_checked() {
    let folder = test_folder("models-hub");
    let server = hub();
    let run = |arguments: &[&str]| models(arguments, &folder, &server.address);
    check_exit(&run(&["check"]), 5);
    let output = run(&["pull", "hf-mask2former", "--offline"]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("network access is disabled"), "{}", stderr(&output));
    assert!(server.requests().is_empty());

    let output = run(&["pull", "hf-mask2former"]);
    check_exit(&output, 0);
    let snapshot =
        format!("hf/hub/models--facebook--mask2former-swin-small-coco-instance/snapshots/{COMMIT}");
    let snapshot = folder.join(snapshot);
    assert_eq!(stdout(&output).trim_end(), text(&snapshot));
    assert_eq!(fs::read(snapshot.join("model.safetensors")).unwrap(), b"abc");
    let talk = stderr(&output);
    assert!(talk.contains("CC-BY-NC-4.0") && !talk.contains("hf_secret"), "{talk}");
    check_exit(&run(&["pull", "hf-mask2former", "--offline"]), 0);

    let output = run(&["list", "--json"]);
    check_exit(&output, 0);
    let rows: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let column = |name: &str| -> Vec<&str> {
        rows["models"].as_array().unwrap().iter().map(|row| row[name].as_str().unwrap_or("-")).collect()
    };
    // The sets of detectors of generated images follow.
    assert_eq!(
        column("name")[..13],
        [
            "preview",
            "geneval",
            "geneval",
            "hf-mask2former",
            "lpips",
            "lpips",
            "ocr",
            "ocr",
            "ocr",
            "rounds",
            "rounds",
            "rounds",
            "rounds"
        ]
    );
    assert_eq!(
        column("member")[..13],
        [
            "preview",
            "mask2former",
            "clip",
            "hf-mask2former",
            "heads",
            "squeezenet",
            "ocr-detector",
            "ocr-classifier",
            "ocr-recognizer",
            "heads",
            "squeezenet",
            "clip-b32",
            "dino"
        ]
    );
    assert_eq!(
        column("state")[..13],
        [
            "not here",
            "not here",
            "not here",
            "here, verified",
            "not here",
            "not here",
            "not here",
            "not here",
            "not here",
            "not here",
            "not here",
            "not here",
            "not here"
        ]
    );
    assert_eq!(column("sha256")[1..4], ["743b7d99", "-", ABC]);
    assert_eq!(column("sha256")[12], "-", "no checksum of DINO is stated anywhere");
    let table = stdout(&run(&["list"]));
    assert!(table.lines().count() >= 5 && table.contains("download.openmmlab.com"), "{table}");

    let output = run(&["check"]);
    check_exit(&output, 0);
    assert!(
        stdout(&output).contains("geneval/clip: not here\nhf-mask2former: verified, "),
        "{}",
        stdout(&output)
    );
    fs::write(snapshot.join("model.safetensors"), "abd").unwrap();
    let output = run(&["check"]);
    check_exit(&output, 1);
    assert!(stdout(&output).contains("hf-mask2former: cannot be used"), "{}", stdout(&output));
    let rows: Value = serde_json::from_str(&stdout(&run(&["list", "--json"]))).unwrap();
    assert_eq!(rows["models"][3]["state"], "damaged");
    assert_eq!(rows["models"][3]["path"], text(&snapshot.join("model.safetensors")));
}

#[test]
fn the_proxy_of_the_environment_is_asked_and_never_gets_a_token_for_another_server() {
    let folder = test_folder("models-proxy");
    let proxy = Server::start(|request| match request.path.contains("hub.invalid") {
        true => Reply::status(302)
            .with("Location", "http://content.invalid/blob")
            .with("X-Linked-Etag", &format!("\"{ABC}\""))
            .with("X-Repo-Commit", COMMIT),
        false => Reply::status(404),
    });
    let mut command = command(&["models", "pull", "hf-mask2former"]);
    command.env("IMGEVAL_MODELS_DIR", folder.join("models")).env("HF_HOME", folder.join("hf"));
    command.env("HF_ENDPOINT", "http://hub.invalid").env("HF_TOKEN", "hf_secret");
    let output = command.env("http_proxy", &proxy.address).output().unwrap();
    check_exit(&output, 1);
    let requests = proxy.requests();
    assert!(requests.iter().any(|request| request.path.starts_with("http://content.invalid/")));
    for request in requests {
        let has_token = request.header("authorization") == Some("Bearer hf_secret");
        assert_eq!(has_token, request.path.starts_with("http://hub.invalid/"), "{request:?}");
    }
}

#[test]
fn unknown_sets_and_foreign_files_are_refused() {
    let folder = test_folder("models-refused");
    let run = |arguments: &[&str]| models(arguments, &folder, "http://127.0.0.1:1");
    let output = run(&["pull", "yolo"]);
    check_exit(&output, 2);
    assert!(
        stderr(&output).contains("available: preview, geneval, hf-mask2former, lpips, ocr, rounds"),
        "{}",
        stderr(&output)
    );
    let file = folder.join("x.pth");
    fs::write(&file, "abc").unwrap();
    let output = run(&["add", "geneval", text(&file)]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("one that starts with 743b7d99"), "{}", stderr(&output));
    // Of a set of several files the one is taken that fits.
    let trunk = folder.join("squeezenet1_1-b8a52dc0.pth");
    fs::write(&trunk, "abc").unwrap();
    let output = run(&["add", "lpips", text(&trunk)]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("one that starts with b8a52dc0"), "{}", stderr(&output));
    let output = run(&["add", "lpips", text(&file)]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("is not part of the set `lpips`"), "{}", stderr(&output));
    let heads = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/golden/edit_metrics/lpips_squeeze_heads.pth");
    if heads.is_file() {
        let output = run(&["add", "lpips", text(&heads)]);
        check_exit(&output, 0);
        assert!(stdout(&output).trim_end().ends_with("models/lpips-0.1-squeeze.pth"), "{}", stdout(&output));
        assert!(stdout(&run(&["check"])).contains("lpips/heads: verified, "));
    }
    // Without a checksum the name decides, and the first copy binds.
    let output = run(&["add", "rounds", text(&file)]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("is not part of the set `rounds`"), "{}", stderr(&output));
    let dino = folder.join("dino_deitsmall16_pretrain.pth");
    fs::write(&dino, "abc").unwrap();
    check_exit(&run(&["add", "rounds", text(&dino)]), 0);
    assert!(stdout(&run(&["check"])).contains("rounds/dino: verified, "));
    // A page that a server sent instead of weights is noticed, with advice.
    let page = folder.join("page");
    fs::create_dir(&page).unwrap();
    for (name, content) in
        [("config.json", "{}"), ("preprocessor_config.json", "{}"), ("model.safetensors", "<html>")]
    {
        fs::write(page.join(name), content).unwrap();
    }
    let output = run(&["add", "hf-mask2former", text(&page)]);
    check_exit(&output, 1);
    let said = stderr(&output);
    assert!(said.contains("is a text that starts with `<html>`, not weights"), "{said}");
    assert!(said.contains("hint: the server probably answered with a web page"), "{said}");
    let output = run(&["add", "hf-mask2former", text(&file)]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("is not part of the set `hf-mask2former`"), "{}", stderr(&output));
}
