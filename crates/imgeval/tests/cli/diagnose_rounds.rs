//! `imgeval diagnose rounds` on folders of sessions.

use std::{fs, path::Path};

use image::{ImageBuffer, Rgb};
use serde_json::{Value, json};

use super::support::{check_exit, files, imgeval, stderr, test_folder, text};

/// Blobs, enough to be registered by; each round is brighter and has one square more.
fn write_round(path: &Path, round: u32) {
    let pixel = |x: u32, y: u32| {
        let (x, y) = (f64::from(x), f64::from(y));
        let value = 120.0 + 50.0 * (x / 5.0).sin() * (y / 7.0).cos() + 30.0 * ((x * y) / 90.0).sin();
        let is_edited = round > 0 && (20.0..44.0).contains(&x) && (30.0..54.0).contains(&y);
        let value = if is_edited { 250.0 } else { value + 3.0 * f64::from(round) };
        Rgb([value as u8, (0.8 * value) as u8, (0.6 * value) as u8])
    };
    ImageBuffer::<Rgb<u8>, Vec<u8>>::from_fn(96, 96, pixel).save(path).unwrap();
}

fn write_session(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for round in 0..=2 {
        write_round(&folder.join(format!("{round}.png")), round);
    }
    let listing = json!({
        "source": "0.png",
        "rounds": ["draw a square", "keep it"],
        "models": {"a": ["1.png", "2.png"], "b": ["1.png", null]},
    });
    fs::write(folder.join("session.json"), listing.to_string()).unwrap();
}

#[test]
fn sessions_of_a_folder_become_a_document_and_a_page() {
    let folder = test_folder("diagnose-rounds");
    let (session, out) = (folder.join("session"), folder.join("page"));
    write_session(&session);
    let arguments = ["diagnose", "rounds", text(&session), "--json", "--controls", "--out", text(&out)];
    let output = imgeval(&arguments);
    check_exit(&output, 0);
    assert!(stderr(&output).contains("imgeval models pull rounds"), "{}", stderr(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> =
        document["models"].as_array().unwrap().iter().map(|of| of["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b", "codec loop"]);
    assert_eq!(document["models"][1]["rounds"][1]["refused"], 1);
    let notes = document["notes"].as_array().unwrap();
    let about_networks = notes.iter().filter(|note| note.as_str().unwrap().contains("LPIPS")).count();
    assert_eq!(about_networks, 1, "{notes:?}");
    let about_objects =
        "Whether objects and background are kept is not measured: weights `preview` are not installed.";
    assert!(notes.iter().any(|note| note == about_objects), "{notes:?}");
    let page = files(&out);
    let n_records = page.keys().filter(|name| name.starts_with("measures")).count();
    assert_eq!(n_records, 5, "one of each round with an image, the control's included: {:?}", page.keys());
    assert!(page.contains_key("index.html") && page.keys().any(|name| name.ends_with("-change.jpg")));

    // Nothing is measured anew, and the second page is the first.
    assert_eq!(imgeval(&arguments).stdout, output.stdout);
    assert_eq!(files(&out), page);
    let without = imgeval(&["diagnose", "rounds", text(&session), "--no-networks"]);
    check_exit(&without, 0);
    assert!(!stderr(&without).contains("models pull"), "{}", stderr(&without));
}

#[test]
fn folders_without_sessions_and_broken_listings_are_told_in_a_sentence() {
    let folder = test_folder("diagnose-rounds-junk");
    fs::write(folder.join("notes.txt"), "nothing").unwrap();
    let output = imgeval(&["diagnose", "rounds", text(&folder)]);
    check_exit(&output, 5);
    assert!(stderr(&output).contains("contains no session"), "{}", stderr(&output));
    fs::write(folder.join("session.json"), r#"{"source": "0.png", "rounds": []"#).unwrap();
    let output = imgeval(&["diagnose", "rounds", text(&folder)]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("is not a list of rounds"), "{}", stderr(&output));
    write_session(&folder);
    fs::remove_file(folder.join("0.png")).unwrap();
    let output = imgeval(&["diagnose", "rounds", text(&folder), "--json", "--no-networks"]);
    check_exit(&output, 4);
}
