//! Reports on disk and served: what they hold, and what they do with runs that are odd.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    judge_bench::{JudgeBench, gives, says},
    local_server::Server,
    provider::Provider,
    report_bench::RunBench,
    support::{check_exit, files, imgeval, stderr, stdout, test_folder, text, write_picture},
};

fn report(runs: &[&Path], out: &Path, more: &[&str], exit: i32) -> std::process::Output {
    let runs: Vec<&str> = runs.iter().map(|run| text(run)).collect();
    let output = imgeval(&[&["report"], &runs[..], &["--out", text(out)], more].concat());
    check_exit(&output, exit);
    output
}

/// What the page's index block holds.
fn index_of(page: &Path) -> Value {
    let html = fs::read_to_string(page).unwrap();
    let (_, rest) = html.split_once("id=\"index\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_report_holds_page_pictures_tables_and_figures_and_is_the_same_twice() {
    let bench = RunBench::new("report-two");
    let prompts: Vec<usize> = (0..12).chain(179..185).collect();
    let a = bench.write("a", &prompts, 2, |prompt, _| prompt % 3 != 0);
    let b = bench.write("b", &prompts, 2, |prompt, sample| (prompt + sample) % 2 == 0);
    let out = bench.folder.join("out");
    let said = stderr(&report(&[&a, &b], &out, &["--examples-seed", "4"], 0));
    assert!(said.contains("to see 72 samples with 36 different images"), "{said}");
    let first = files(&out);
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    for name in [
        "index.html",
        "tables/geneval.tex",
        "tables/geneval.csv",
        "tables/scores.json",
        "tables/comparison-1.md",
        "figures/geneval-overall.svg",
        "figures/geneval-overall.png",
        "figures/geneval-overall.pdf",
        "tables/summary.tex",
        "tables/failures.csv",
        "tables/methods.tex",
        "figures/geneval-difference-1.svg",
        "figures/examples.png",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert_eq!(names.iter().filter(|name| name.starts_with("images/")).count(), 36);
    assert_eq!(names.iter().filter(|name| name.starts_with("thumbs/")).count(), 36);
    let table = fs::read_to_string(out.join("tables/geneval.md")).unwrap();
    assert!(table.contains("GPT-4o") && table.contains("| a"), "{table}");
    let index = index_of(&out.join("index.html"));
    assert_eq!(index["report"]["runs"].as_array().unwrap().len(), 2);
    let own: Vec<&Value> = index["report"]["boards"][0]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["source"]["kind"] == "run")
        .collect();
    assert!(own.iter().all(|row| row["cells"][0]["rank"].is_array()), "{own:#?}");

    // The summary says no more than the ranks and intervals do.
    let summary = index["summary"][0]["lines"].as_array().unwrap();
    assert_eq!(summary.len(), 2, "{summary:#?}");
    for line in summary {
        let said = line["sentences"].to_string();
        assert!(said.contains("95 % CI") && said.contains("of 553 prompts have an image"), "{said}");
        let row = own.iter().find(|row| row["name"] == line["name"]).unwrap();
        let rank = &row["cells"][0]["rank"];
        let is_tied = rank[0] != rank[1];
        assert_eq!(said.contains("No significant difference from"), is_tied, "{said} {rank}");
        assert_eq!(line["rank"].as_str().unwrap().contains('-'), is_tied, "{line:#}");
    }

    report(&[&a, &b], &out, &["--examples-seed", "4"], 0);
    assert_eq!(files(&out), first, "the same runs give the same bytes");
}

#[test]
fn a_single_file_needs_nothing_beside_it() {
    let bench = RunBench::new("report-single");
    let run = bench.write("run", &[0, 1, 2], 1, |prompt, _| prompt == 1);
    let out = bench.folder.join("out");
    report(&[&run], &out, &["--single-file"], 0);
    let html = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(!out.join("images").exists() && !out.join("thumbs").exists());
    assert!(html.contains("default-src 'none'") && !html.contains("unsafe-inline"), "the policy");
    assert!(!html.contains("src=\"http") && !html.contains("href=\"http"), "nothing external");
}

#[test]
fn words_of_judges_stay_words() {
    let bench = JudgeBench::with_instructions(
        "report-words",
        ["Turn the left lamp off </script><script>alert(1)</script>.", "Remove <!-- it.", "Show \u{202e}it."],
    );
    let reply = "{\"score\": [3, 4], \"reasoning\": \"</script><img src=x onerror=alert(2)>\"}";
    let judge =
        Provider::start([says(reply), gives(6, 6), says("no score \u{2028} at all"), says("no"), says("no")]);
    bench.observe(&judge, &[], 4);
    let out = bench.folder.join("out");
    report(&[&bench.run()], &out, &[], 0);
    for (name, bytes) in files(&out) {
        let said = String::from_utf8_lossy(&bytes);
        if name.ends_with(".html") || name.ends_with(".js") || name.ends_with(".svg") {
            assert!(!said.contains("<script>alert") && !said.contains("<img src=x"), "{name}");
        }
    }
    let index = index_of(&out.join("index.html"));
    assert_eq!(index["report"]["boards"][0]["suite"], "reason-edit");
    let csv = fs::read_to_string(out.join("tables/reason-edit.csv")).unwrap();
    assert!(!csv.contains("NaN"), "{csv}");
}

#[test]
fn pixel_metrics_of_edits_reach_the_page_and_the_tables() {
    let bench = JudgeBench::new("report-pixels");
    let judge = Provider::start([gives(5, 5)]);
    let (run, name, none) = (bench.run(), format!("{}#m", judge.url()), bench.folder.join("no-models"));
    check_exit(&bench.call(&["observe", text(&run), "--judge", &name, "--models-dir", text(&none)]), 4);
    let out = bench.folder.join("out");
    report(&[&run], &out, &[], 0);
    let index = index_of(&out.join("index.html"));
    let metrics = &index["report"]["pixel_metrics"][0];
    assert_eq!(metrics["suite"], "reason-edit", "{metrics:#}");
    let columns = metrics["table"]["columns"].to_string();
    assert!(columns.contains("PSNR, dB") && columns.contains("SSIM"), "{columns}");
    assert_eq!(metrics["table"]["sections"][0]["heading"], "overall", "{metrics:#}");
    let latex = fs::read_to_string(out.join("tables/reason-edit-pixel-metrics.tex")).unwrap();
    assert!(latex.contains("PSNR, dB") && latex.contains("\\toprule"), "{latex}");
}

#[test]
fn diagnoses_stand_in_sections_of_their_kind() {
    let bench = RunBench::new("report-diagnoses");
    let diagnosis = |name: &str, kind: &str, findings: &[&str]| {
        let folder = bench.folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        let table = json!({"title": "T", "columns": [{"title": "a", "is_number": false}],
            "sections": [{"heading": "", "rows": [["5 %"]]}], "notes": []});
        let document = json!({"schema": "imgeval/diagnosis/1", "figures": [],
            "diagnosis": {"title": name, "kind": kind, "findings": findings, "text": "", "tables": [table], "figures": []}});
        fs::write(folder.join("diagnosis.json"), document.to_string()).unwrap();
        folder
    };
    let forensics = diagnosis("study", "forensics", &["Detectable.", "By one detector."]);
    let probe = diagnosis("probe", "architecture", &["Most.", "Few groups.", "So it means little."]);
    let out = bench.folder.join("out");
    report(&[], &out, &["--diagnosis", text(&forensics), "--diagnosis", text(&probe)], 0);
    let index = index_of(&out.join("index.html"));
    let lines = &index["summary"][0]["lines"];
    assert_eq!(lines[0]["sentences"], json!(["Detectable.", "By one detector."]), "{lines:#}");
    assert_eq!(lines[1]["sentences"], json!(["Most.", "So it means little."]), "{lines:#}");
    let latex = fs::read_to_string(out.join("tables/diagnosis-1-1.tex")).unwrap();
    assert!(latex.contains("5 \\%"), "{latex}");
    // What an earlier version wrote has no kind, and is shown all the same.
    let document = fs::read_to_string(forensics.join("diagnosis.json")).unwrap();
    fs::write(forensics.join("diagnosis.json"), document.replace("\"kind\":\"forensics\",", "")).unwrap();
    report(&[], &out, &["--diagnosis", text(&forensics)], 0);
    assert_eq!(index_of(&out.join("index.html"))["report"]["diagnoses"][0]["kind"], "other");
}

#[test]
fn odd_runs_have_sensible_reports() {
    let bench = RunBench::new("report-odd");
    // Three of ten images are broken.
    let images = bench.folder.join("broken");
    for index in 0..10_u32 {
        let path = images.join(format!("{index:05}.png"));
        write_picture(&path, index);
        if index < 3 {
            fs::write(&path, b"not a picture").unwrap();
        }
    }
    let broken = bench.run("broken-run");
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&broken)]), 4);
    let one = bench.write("one", &[7], 1, |_, _| true);
    let unseen = bench.import("unseen", &[1, 2], 1);
    let empty = bench.run("empty");
    let nothing = test_folder("report-odd-nothing");
    // Without any image there is no run to report.
    let refused = imgeval(&["import", "geneval", text(&nothing), "--run", text(&empty)]);
    assert_ne!(refused.status.code(), Some(0));
    let out = bench.folder.join("out");
    report(&[&broken, &one, &unseen], &out, &[], 0);
    let index = index_of(&out.join("index.html"));
    let runs = index["report"]["runs"].as_array().unwrap();
    assert_eq!(runs[0]["n_failed"], 3, "{:#}", runs[0]);
    assert_eq!((&runs[1]["n_images"], &runs[2]["observers"]), (&1.into(), &Value::Array(Vec::new())));
    for (name, bytes) in files(&out) {
        if !name.ends_with(".png") && !name.ends_with(".jpg") {
            let said = String::from_utf8_lossy(&bytes);
            assert!(!said.contains("NaN") && !said.contains("inf,"), "{name}");
        }
    }
    let table = stdout(&imgeval(&["report", text(&broken), text(&unseen), "--format", "text"]));
    assert!(table.contains("not evaluated yet") || table.contains("Not evaluated yet"), "{table}");
}

#[test]
fn what_cannot_be_reported_is_refused_in_a_sentence() {
    let bench = RunBench::new("report-refused");
    let run = bench.write("run", &[0, 1], 1, |_, _| true);
    let foreign = bench.folder.join("foreign");
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("thesis.tex"), "years of work").unwrap();
    let said = stderr(&report(&[&run], &foreign, &[], 2));
    assert!(said.contains("is not empty and holds no report of imgeval"), "{said}");
    assert_eq!(fs::read_to_string(foreign.join("thesis.tex")).unwrap(), "years of work");
    let said = stderr(&report(&[&bench.folder.join("none")], &bench.folder.join("out"), &[], 2));
    assert!(said.starts_with("error: "), "{said}");
    let said = stderr(&report(&[&run], &bench.folder.join("out"), &["--examples", "00000,00999"], 4));
    assert!(said.contains("no run contains an image of 00999"), "{said}");
    let damaged = files(&run).into_iter().find(|(name, _)| name.ends_with(".png")).unwrap().0;
    fs::write(run.join(damaged), b"other bytes").unwrap();
    let said = stderr(&report(&[&run], &bench.folder.join("fresh"), &[], 4));
    assert!(said.contains("1 image cannot be shown"), "{said}");
}

#[test]
fn tables_are_printed_in_every_form() {
    let bench = RunBench::new("report-tables");
    let run = bench.write("run", &(0..10).collect::<Vec<_>>(), 1, |prompt, _| prompt < 5);
    let table = |more: &[&str]| {
        let output = imgeval(&[&["report", text(&run)], more].concat());
        check_exit(&output, 0);
        stdout(&output)
    };
    assert!(table(&["--format", "latex"]).contains("\\toprule"));
    assert!(table(&["--format", "markdown"]).contains("| run"));
    let json: Value = serde_json::from_str(&table(&["--format", "json", "--no-published"])).unwrap();
    assert!(json.to_string().contains("\"fingerprint\""), "{json:#}");
    let csv = table(&["--format", "csv", "--intervals"]);
    assert!(csv.lines().count() > 23, "{csv}");
    assert!(!table(&["--format", "text", "--no-published"]).contains("GPT-4o"));
}

#[test]
fn the_viewer_shows_what_comes_into_a_run() {
    let bench = RunBench::new("report-serve");
    let run = bench.import("run", &[0, 1], 1);
    let viewer = Server::start(&["serve", text(&run), "--port", "0", "--every", "1"]);
    let (status, head, _) = viewer.get("/");
    assert!(status == 200 && head.contains("content-security-policy: default-src 'none'"), "{head}");
    assert_eq!(viewer.send("GET", "/", "Host: elsewhere.example\r\n", "").0, 403);
    assert_eq!(viewer.get("/image/0/%2e%2e%2frun.toml").0, 404);
    let before = viewer.json("/live.json");
    assert_eq!(before["runs"][0]["n_images"], 2, "{before:#}");
    // The run goes on while the viewer reads.
    bench.import("run", &[0, 1, 2], 1);
    let deadline = Instant::now() + Duration::from_secs(120);
    let after = loop {
        let now = viewer.json("/live.json");
        if now["revision"] != before["revision"] || Instant::now() > deadline {
            break now;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(after["runs"][0]["n_images"], 3, "{after:#}");
}

#[test]
fn a_folder_of_runs_has_an_index_and_pages_of_chosen_runs() {
    let bench = RunBench::new("serve-folder");
    bench.write("one", &[0, 1], 1, |_, _| true);
    bench.write("two <b>", &[0, 1], 1, |prompt, _| prompt == 0);
    let broken = bench.folder.join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("run.toml"), "not a run").unwrap();
    let viewer = Server::start(&["serve", text(&bench.folder), "--port", "0", "--every", "1"]);
    let (status, head, page) = viewer.get("/?sort=run&order=descending");
    let page = String::from_utf8(page).unwrap();
    assert!(status == 200 && head.contains("default-src 'none'; style-src 'self'"), "{head}");
    assert!(page.contains("<bdi>two &lt;b&gt;</bdi>") && !page.contains("<b>"), "{page}");
    assert!(page.contains("cannot be read"), "{page}");
    let ids: Vec<&str> =
        page.split("name=\"run\" value=\"").skip(1).filter_map(|rest| rest.get(..16)).collect();
    assert_eq!(ids.len(), 2, "{page}");
    let (status, head, _) = viewer.get(&format!("/compare?run={}&run={}", ids[1], ids[0]));
    let both = format!("view/{}-{}/", ids[1], ids[0]);
    assert!(status == 303 && head.contains(&format!("location: {both}")), "{head}");
    let live = viewer.json(&format!("/{both}live.json"));
    assert_eq!(live["runs"].as_array().unwrap().len(), 2, "{live:#}");
    let revision = live["revision"].as_str().unwrap();
    let index = viewer.json(&format!("/{both}data/{revision}/index"));
    assert_eq!(index["report"]["comparisons"][0]["kind"], "runs");
    assert_eq!(index["report"]["runs"][1]["name"], "two <b>");
    assert_eq!(viewer.send("GET", &format!("/{both}"), "Host: elsewhere.example\r\n", "").0, 403);
    assert_eq!(viewer.get("/view/0000000000000000/").0, 404);
}
