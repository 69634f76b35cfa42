//! `imgeval label`, by the requests that its page makes.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::local_server::{Answer, Server};
use super::support::{check_exit, imgeval, stderr, stdout, test_folder, text, write_official, write_picture};

const N_EDITS: usize = 5;

/// A run of Reason-Edit in our own words: three edits of left and right, two to think about.
fn edit_run(name: &str) -> PathBuf {
    let folder = test_folder(name);
    let folders = [
        ("1-Left-Right", "Left_Right_text.txt", "LeftRight_metrics_1", 3),
        ("6-Reasoning", "Reason_test.txt", "Reasoning_metrics_1", 2),
    ];
    for (benchmark, words, edited, n_cases) in folders {
        let mut lines = String::new();
        for case in 1..=n_cases {
            let place = folder.join("benchmark").join(benchmark);
            write_picture(&place.join(format!("{case:04}.png")), case);
            write_picture(&place.join(format!("{case:04}_mask.jpg")), case);
            write_picture(&folder.join("edited").join(edited).join(format!("{case:04}.png")), 100 + case);
            lines.push_str(&format!("Paint <b>cup {case}</b> & more. CLIP: a painted cup\n"));
        }
        fs::write(folder.join("benchmark").join(benchmark).join(words), lines).unwrap();
    }
    let [suites, benchmark, edited, run] =
        ["suites", "benchmark", "edited", "secret-name"].map(|name| folder.join(name));
    let suites = ["--suites-dir", text(&suites)];
    let fetch = ["suites", "fetch", "reason-edit", "--from", text(&benchmark)];
    check_exit(&imgeval(&[&fetch[..], &suites].concat()), 0);
    let import = ["import", "reason-edit", text(&edited), "--run", text(&run)];
    // Four of its six folders are not there.
    let imported = imgeval(&[&import[..], &suites].concat());
    assert!(matches!(imported.status.code(), Some(0 | 4)), "{}", stderr(&imported));
    run
}

fn label_server(run: &Path, more: &[&str]) -> Server {
    Server::start(&[&["label", text(run), "--port", "0"], more].concat())
}

impl Server {
    fn state(&self, rater: &str) -> Value {
        self.json(&format!("/api/state?rater={rater}"))
    }

    fn item(&self, rater: &str, place: usize) -> Value {
        self.json(&format!("/api/item/{place}?rater={rater}"))
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        let headers =
            format!("{}Origin: http://{}\r\nContent-Type: application/json\r\n", self.host(), self.address);
        self.send("POST", path, &headers, &body.to_string())
    }

    fn body(&self, rater: &str, place: usize, values: &Value) -> Value {
        let (run, key) = (self.state(rater)["run"].clone(), self.item(rater, place)["key"].clone());
        json!({"run": run, "rater": rater, "key": key, "values": values})
    }

    fn label(&self, rater: &str, place: usize, values: &Value) -> u16 {
        self.post("/api/label", &self.body(rater, place, values)).0
    }
}

fn labelled(state: &Value) -> Vec<u64> {
    state["labelled"].as_array().unwrap().iter().map(|place| place.as_u64().unwrap()).collect()
}

/// Everything that the run's database says of judgments: replies, and whether they were taken back.
fn records(run: &Path) -> Vec<(String, String, bool)> {
    let database = rusqlite::Connection::open(run.join("run.db")).unwrap();
    let sql = "SELECT judges.model, reply, is_withdrawn FROM judgments JOIN judges USING (judge_id) ORDER BY judgment_id";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn n_judges(run: &Path) -> u32 {
    let database = rusqlite::Connection::open(run.join("run.db")).unwrap();
    database.query_row("SELECT COUNT(*) FROM judges", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_label_is_kept_changed_and_taken_back() {
    let run = edit_run("label-basic");
    let server = label_server(&run, &["--rater", "Ann B."]);
    assert!(server.greeting.contains("/?rater=Ann%20B. shows 5 images"), "{}", server.greeting);
    let state = server.state("Ann%20B.");
    assert_eq!((&state["total"], labelled(&state)), (&json!(N_EDITS), vec![]));
    let scale: Vec<_> = state["scale"].as_array().unwrap().iter().map(|s| (&s["name"], &s["most"])).collect();
    assert_eq!(scale, [(&json!("instruction"), &json!(10.0)), (&json!("preservation"), &json!(10.0))]);

    let item = server.item("ann", 0);
    assert!(item["prompt"].as_str().unwrap().starts_with("Paint <b>cup "), "{item}");
    assert_eq!((&item["has_source"], &item["values"]), (&json!(true), &Value::Null));
    assert_eq!(server.label("ann", 0, &json!([7, 10])), 200);
    assert_eq!(
        server.label("ann", 0, &json!([7, 10])),
        200,
        "sent again by a page that did not hear the answer"
    );
    assert_eq!(server.item("ann", 0)["values"], json!([7.0, 10.0]));
    assert_eq!(server.label("ann", 0, &json!([0, 1])), 200);
    assert_eq!(server.label("ann", 3, &json!([5, 5])), 200);
    assert_eq!(labelled(&server.state("ann")), [0, 3]);
    assert_eq!(labelled(&server.state("%20ann%20")), [0, 3], "blanks around a name are no part of it");
    let undo = server.body("ann", 3, &Value::Null);
    assert_eq!(server.post("/api/undo", &undo).0, 200);
    assert_eq!(labelled(&server.state("ann")), [0]);
    assert_eq!(server.item("ann", 3)["values"], Value::Null);
    drop(server);
    let told: Vec<(Value, bool)> = records(&run)
        .into_iter()
        .map(|(_, reply, gone)| (serde_json::from_str::<Value>(&reply).unwrap()["score"].clone(), gone))
        .collect();
    assert_eq!(told, [(json!([7.0, 10.0]), true), (json!([0.0, 1.0]), false), (json!([5.0, 5.0]), true)]);
}

#[test]
fn both_images_are_served_and_a_lost_one_is_told() {
    let run = edit_run("label-images");
    let server = label_server(&run, &[]);
    let mut answers = BTreeSet::new();
    for place in 0..N_EDITS {
        let key = server.item("ann", place)["key"].as_str().unwrap().to_owned();
        for which in ["answer", "source"] {
            let (status, head, body) = server.get(&format!("/image/{key}/{which}?rater=ann"));
            assert_eq!((status, &body[..4]), (200, &b"\x89PNG"[..]));
            assert!(head.contains("content-type: image/png"), "{head}");
            answers.insert(body);
        }
        assert_eq!(server.get(&format!("/image/{key}/mask?rater=ann")).0, 404);
        assert_eq!(server.get(&format!("/image/{key}/answer?rater=bob")).0, 400, "keys are a rater's own");
    }
    // The sources of both folders are alike, three different ones; the edited images likewise.
    assert_eq!(answers.len(), 6);
    let images = fs::read_dir(run.join("images")).unwrap().map(|entry| entry.unwrap().path());
    let mut pending: Vec<PathBuf> = images.collect();
    while let Some(path) = pending.pop() {
        match path.is_dir() {
            true => pending.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path())),
            false => fs::remove_file(path).unwrap(),
        }
    }
    let key = server.item("bob", 0)["key"].as_str().unwrap().to_owned();
    let (status, _, body) = server.get(&format!("/image/{key}/answer?rater=bob"));
    assert_eq!((status, String::from_utf8(body).unwrap().as_str()), (404, "the image is gone or damaged"));
    assert_eq!(server.label("bob", 1, &json!([1, 1])), 200, "others can be labelled all the same");
}

#[test]
fn a_page_that_is_not_ours_is_refused() {
    let run = edit_run("label-guard");
    let server = label_server(&run, &[]);
    let body = server.body("ann", 0, &json!([1, 2])).to_string();
    let (host, own) = (server.host(), format!("Origin: http://{}\r\n", server.address));
    let json_type = "Content-Type: application/json\r\n";
    let post = |headers: String| server.send("POST", "/api/label", &headers, &body).0;
    assert_eq!(post(format!("{host}Origin: https://example.org\r\n{json_type}")), 403);
    assert_eq!(post(format!("{host}Origin: null\r\n{json_type}")), 403);
    assert_eq!(post(format!("{host}Origin: http://127.0.0.1:1\r\n{json_type}")), 403);
    assert_eq!(post(format!("{host}Origin: \u{e9}\r\n{json_type}")), 403);
    assert_eq!(post(format!("Host: evil.example:80\r\n{json_type}")), 403);
    assert_eq!(post(format!("Host: 127.0.0.1.evil.example\r\n{json_type}")), 403);
    assert_eq!(post(format!("{host}{own}Content-Type: text/plain\r\n")), 403);
    assert_eq!(post(format!("{host}{own}")), 403);
    let get = |path: &str, headers: String| server.send("GET", path, &headers, "").0;
    assert_eq!(get("/api/state?rater=a", "Host: evil.example\r\n".to_owned()), 403);
    assert_eq!(get("/api/state?rater=a", format!("{host}Sec-Fetch-Site: cross-site\r\n")), 403);
    assert_eq!(get("/api/state?rater=a", format!("{host}Sec-Fetch-Site: same-origin\r\n")), 200);
    assert_eq!(get("/", format!("{host}Sec-Fetch-Site: cross-site\r\n")), 200, "a link may stand anywhere");
    assert_eq!(labelled(&server.state("ann")), [0; 0]);
    assert_eq!(post(format!("{host}{own}{json_type}")), 200);
    let (_, head, page) = server.get("/");
    assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
    let page = String::from_utf8(page).unwrap();
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onclick"), "{page}");
    for path in ["/label.js", "/label.css"] {
        assert_eq!(server.get(path).0, 200);
        assert!(page.contains(path));
    }
}

#[test]
fn wrong_requests_change_nothing_and_looking_changes_nothing() {
    let run = edit_run("label-wrong");
    let server = label_server(&run, &[]);
    for values in [
        json!([1]),
        json!([1, 2, 3]),
        json!([]),
        json!([11, 1]),
        json!([-1, 1]),
        json!([0.5, 1]),
        json!([1e300, 1]),
    ] {
        assert_eq!(server.label("ann", 0, &values), 400, "{values}");
    }
    for values in [json!(["1", 2]), json!([null, 1]), json!("1 2"), json!({})] {
        assert_eq!(server.label("ann", 0, &values), 422, "{values}");
    }
    let right = server.body("ann", 0, &json!([1, 2]));
    let with = |name: &str, value: Value| {
        let mut body = right.clone();
        body[name] = value;
        server.post("/api/label", &body).0
    };
    assert_eq!(with("key", json!("0123")), 400);
    assert_eq!(with("rater", json!("bob")), 400, "the key is Ann's");
    for name in ["", "  ", "a\u{0}b", "a\nb", "a\u{200b}b", "\u{202e}bob", &"x".repeat(61)] {
        assert_eq!(with("rater", json!(name)), 400, "{name:?}");
    }
    assert_eq!(with("run", json!("another")), 409);
    let headers = format!("{}Content-Type: application/json\r\n", server.host());
    assert_eq!(server.send("POST", "/api/label", &headers, "{\"rater\": ").0, 400);
    assert_eq!(server.send("POST", "/api/label", &headers, &"[".repeat(1 << 20)).0, 413);
    for path in ["/api/label", "/api/undo"] {
        assert_eq!(server.get(path).0, 405);
    }
    assert_eq!(server.get("/api/item/99?rater=ann").0, 400);
    assert_eq!(server.get("/api/item/-1?rater=ann").0, 400);
    assert_eq!(server.get("/api/state").0, 400);
    assert_eq!(server.get("/image/../../run.db/answer?rater=ann").0, 404);
    for rater in ["ann", "bob", "%C3%89milie%20%22%3Cb%3E%25", "carol"] {
        server.state(rater);
        server.item(rater, 0);
    }
    assert_eq!(records(&run), []);
    assert_eq!(n_judges(&run), 0, "who only looks is no judge of the run");
    assert_eq!(server.post("/api/label", &right).0, 200, "the right one would have been taken");
}

#[test]
fn what_was_called_saved_outlives_kill_9_and_scores_tell_of_both_raters() {
    let run = edit_run("label-kill");
    let mut order = Vec::new();
    for place in 0..N_EDITS {
        // Every label has a server of its own, which is killed as soon as it has answered.
        let server = label_server(&run, &[]);
        order.push(server.item("ann", place)["key"].clone());
        assert_eq!(server.label("ann", place, &json!([place, 10 - place])), 200);
    }
    let server = label_server(&run, &[]);
    assert_eq!(labelled(&server.state("ann")), [0, 1, 2, 3, 4]);
    for (place, key) in order.iter().enumerate() {
        let item = server.item("ann", place);
        assert_eq!(item["key"], *key, "the order stays");
        assert_eq!(item["values"], json!([place as f64, 10.0 - place as f64]));
    }
    let prompts = |rater: &str| -> Vec<Value> {
        (0..N_EDITS).map(|place| server.item(rater, place)["prompt"].clone()).collect()
    };
    let raters: BTreeSet<String> =
        ["ann", "bob", "carol", "dora"].map(|name| format!("{:?}", prompts(name))).into();
    assert!(raters.len() > 1, "orders are a rater's own");
    let odd = "%C3%89milie%20%22%3Cb%3E%25";
    assert_eq!(labelled(&server.state(odd)), [0; 0], "nobody sees what others said");
    for place in 0..N_EDITS {
        let mut body = server.body("x", 0, &json!([9, 9 - place]));
        body["rater"] = json!("Émilie \"<b>%");
        body["key"] = server.item(odd, place)["key"].clone();
        assert_eq!(server.post("/api/label", &body).0, 200);
    }
    // Scores can be read while people label.
    let output = imgeval(&["score", text(&run)]);
    assert!(matches!(output.status.code(), Some(0 | 4)), "{}", stderr(&output));
    let words = stdout(&output);
    assert!(words.contains("ann (human)") && words.contains("Émilie \"<b>% (human)"), "{words}");
    assert!(words.contains("agreement"), "{words}");
    let output = imgeval(&["score", text(&run), "--json"]);
    let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(scores["judges"].as_array().unwrap().len(), 2, "{scores:#}");
    assert!(!scores["trust"]["agreement"].as_array().unwrap().is_empty(), "{scores:#}");
}

#[test]
fn nothing_tells_raters_whose_images_they_see() {
    let run = edit_run("label-blind");
    let server = label_server(&run, &[]);
    assert_eq!(server.label("annabelle", 0, &json!([3, 3])), 200);
    let mut told = String::new();
    for place in 0..N_EDITS {
        told.push_str(&server.item("bob", place).to_string());
    }
    told.push_str(&server.state("bob").to_string());
    for path in ["/", "/label.js", "/label.css", "/api/item/99?rater=bob", "/image/0/answer?rater=bob"] {
        told.push_str(&String::from_utf8(server.get(path).2).unwrap());
    }
    for secret in ["secret-name", "left-right", "reasoning-", "0001", "annabelle", "edited/"] {
        assert!(!told.contains(secret), "`{secret}`");
    }
}

#[test]
fn what_cannot_be_labelled_is_refused_with_a_sentence() {
    let run = edit_run("label-refused");
    let server = label_server(&run, &[]);
    let port = server.address.rsplit(':').next().unwrap();
    let second = imgeval(&["label", text(&run), "--port", "0"]);
    check_exit(&second, 1);
    assert!(stderr(&second).contains("label"), "the holder of the lock is named: {}", stderr(&second));
    let other = edit_run("label-refused-port");
    let output = imgeval(&["label", text(&other), "--port", port]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains(&format!("port {port} is in use")), "{}", stderr(&output));
    let output = imgeval(&["label", text(&other), "--rater", " "]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("1 to 60 characters"), "{}", stderr(&output));

    let folder = test_folder("label-geneval");
    write_official(&folder.join("images"), 0, 0);
    let geneval = folder.join("run");
    check_exit(&imgeval(&["import", "geneval", text(&folder.join("images")), "--run", text(&geneval)]), 0);
    let output = imgeval(&["label", text(&geneval)]);
    check_exit(&output, 2);
    assert!(
        stderr(&output).contains("people label the suites that judges score, which geneval is not"),
        "{}",
        stderr(&output)
    );
    check_exit(&imgeval(&["label", text(&folder.join("nothing"))]), 2);
}

#[cfg(unix)]
#[test]
fn ctrl_c_is_the_way_to_end() {
    use rustix::process::{Pid, Signal, kill_process};
    let run = edit_run("label-interrupt");
    let mut server = label_server(&run, &[]);
    assert_eq!(server.label("ann", 0, &json!([1, 2])), 200);
    kill_process(Pid::from_child(&server.process), Signal::INT).unwrap();
    assert_eq!(server.process.wait().unwrap().code(), Some(0));
    assert_eq!(records(&run).len(), 1);
}
