//! Sessions that are made here, and `shared/golden/drift` (NumPy, SciPy, Pillow, torch) if it is there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use imgeval_core::{ImageFormat, Pixels};
use imgeval_fetch::weights::{Hub, Places};
use imgeval_metrics::BootstrapSettings;
use imgeval_report::rounds::{RoundLine, RoundsView};
use imgeval_vision::image_file::encode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    CODEC_CONTROL, Instruments, MeasureStore, MeasuredRound, MeasuredSession, NetworkWeights, Networks,
    ObjectFinder, RoundsError, Session, codec_sessions, draw_session, gather, measure_sessions,
    networks::{NetworkNumbers, Seen},
    session::pixels_of,
    summarize,
};

/// Smooth blobs of several sizes, enough to be registered by.
pub(crate) fn picture(width: u32, height: u32) -> Pixels {
    let noise = |x: i64, y: i64, channel: i64| {
        let mut z = (x * 73_856_093) ^ (y * 19_349_663) ^ (channel * 83_492_791);
        z = (z ^ (z >> 13)).wrapping_mul(1_274_126_177);
        ((z ^ (z >> 16)) & 255) as f64
    };
    let smooth = |x: f64, y: f64, channel: i64| {
        let (left, top) = (x.floor(), y.floor());
        let (right, down) = (x - left, y - top);
        let at = |dx: i64, dy: i64| noise(left as i64 + dx, top as i64 + dy, channel);
        let upper = at(0, 0) * (1.0 - right) + at(1, 0) * right;
        let lower = at(0, 1) * (1.0 - right) + at(1, 1) * right;
        upper * (1.0 - down) + lower * down
    };
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let at = |step: f64| smooth(f64::from(x) / step, f64::from(y) / step, channel);
                rgb.push((0.5 * at(17.0) + 0.3 * at(7.0) + 0.2 * at(3.0)) as u8);
            }
        }
    }
    Pixels::new(width, height, rgb).unwrap()
}

pub(crate) fn changed(pixels: &Pixels, change: impl Fn(u32, u32, u8) -> u8) -> Pixels {
    let width = pixels.width() as usize;
    let rgb = pixels.rgb().iter().enumerate();
    let rgb = rgb.map(|(at, value)| {
        let pixel = at / 3;
        change((pixel % width) as u32, (pixel / width) as u32, *value)
    });
    Pixels::new(pixels.width(), pixels.height(), rgb.collect()).unwrap()
}

fn brighter(pixels: &Pixels, levels: u8) -> Pixels {
    changed(pixels, |_, _, value| value.saturating_add(levels))
}

/// The negative of a square at this place: another content, of the same sharpness.
fn with_square(pixels: &Pixels, [left, top]: [u32; 2]) -> Pixels {
    changed(pixels, |x, y, value| {
        let is_inside = (left..left + 24).contains(&x) && (top..top + 24).contains(&y);
        if is_inside { 255 - value } else { value }
    })
}

/// Upside down, so that nothing of it is found again.
fn turned(pixels: &Pixels) -> Pixels {
    let rgb = pixels.rgb().chunks_exact(3).rev().flatten().copied().collect();
    Pixels::new(pixels.width(), pixels.height(), rgb).unwrap()
}

fn png(pixels: &Pixels) -> Vec<u8> {
    encode(pixels, ImageFormat::Png).unwrap()
}

fn folder_of(listing: &Value, files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("session.json"), listing.to_string()).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn gather_one(folder: &TempDir) -> Result<Vec<Session>, RoundsError> {
    gather(&[folder.path().to_str().unwrap().to_owned()])
}

fn measure(sessions: &[Session]) -> Vec<MeasuredSession> {
    measure_into(sessions, &Networks::none("not here"), &MeasureStore::default())
}

fn measure_into(sessions: &[Session], networks: &Networks, store: &MeasureStore) -> Vec<MeasuredSession> {
    let instruments = Instruments { networks, objects: &ObjectFinder::none("not here") };
    measure_sessions(sessions, instruments, store, &|| ()).unwrap()
}

fn summary(sessions: &[Session], measured: &[MeasuredSession]) -> RoundsView {
    summarize(sessions, measured, BootstrapSettings::default())
}

fn statuses(measured: &MeasuredSession) -> Vec<&str> {
    measured.rounds.iter().map(|round| round.status.as_str()).collect()
}

#[test]
fn rounds_of_every_kind_are_told_apart() {
    let source = picture(112, 96);
    let second = with_square(&brighter(&source, 4), [16, 20]);
    let mut broken = png(&source);
    broken.truncate(broken.len() / 2);
    let larger = turned(&picture(160, 128));
    let listing = json!({
        "id": "one", "source": "source.png", "rounds": ["a", "b", "c", "d", "e", "f"],
        "models": {
            "long": ["1.png", null, "gone.png", "broken.png", "larger.png", "2.png"],
            "short": ["1.png", "2.png"],
        },
    });
    let folder = folder_of(
        &listing,
        &[
            ("source.png", png(&source)),
            ("1.png", png(&with_square(&source, [16, 20]))),
            ("2.png", png(&second)),
            ("broken.png", broken),
            ("larger.png", png(&larger)),
        ],
    );
    let sessions = gather_one(&folder).unwrap();
    let measured = measure(&sessions);
    let [long, short] = measured.as_slice() else { panic!("{} sessions", measured.len()) };
    assert_eq!(statuses(long), ["ok", "refused", "missing", "missing", "failed", "ok"]);
    assert_eq!(statuses(short), ["ok", "ok", "missing", "missing", "missing", "missing"]);
    assert!(long.rounds[2].reasons[0].contains("gone.png"), "{:?}", long.rounds[2]);
    assert!(!long.rounds[3].reasons[0].is_empty(), "{:?}", long.rounds[3]);
    // Another size: sharpness is not compared, and the reason stands there.
    let other = &long.rounds[4];
    assert_eq!((other.size, other.previous), ([160, 128], 1));
    assert!(!other.vs_source.contains_key("sharp.lap_var_ratio"));
    assert!(other.not_measured["sharp.lap_var_ratio"].contains("different sizes"), "{other:?}");
    // The square of round 1 is found where it was drawn, and still there in round 6.
    let [left, top, right, bottom] = long.rounds[0].region.unwrap();
    let drawn = [16.0 / 112.0, 20.0 / 96.0, 40.0 / 112.0, 44.0 / 96.0];
    for (found, drawn) in [left, top, right, bottom].into_iter().zip(drawn) {
        assert!((found - drawn).abs() < 0.06, "{found} instead of {drawn}");
    }
    let survived = long.rounds[5].earlier_edits.iter().find(|(edit, _)| *edit == 1).unwrap();
    assert!(survived.1.unwrap() > 0.9, "{survived:?}");

    let view = summary(&sessions, &measured);
    let counts = |of: &RoundLine| [of.ok, of.failed, of.refused, of.missing];
    assert_eq!(counts(&view.models[0].rounds[1]), [0, 0, 1, 0]);
    assert_eq!(counts(&view.models[0].rounds[4]), [0, 1, 0, 0]);
    assert_eq!(counts(&view.models[1].rounds[5]), [0, 0, 0, 1]);
    assert_eq!(view.comparisons[0].n_sessions, 1);
    assert!(view.notes.iter().any(|note| note.contains("1 rounds were refused and 6 are missing")));
    // Without networks their measures are no empty columns.
    assert!(view.models[0].rounds[0].means.iter().all(|mean| mean.name != "CLIP-I"));
    let drawn = draw_session(&sessions[0], long);
    let has_image: Vec<bool> = drawn.rounds.iter().map(|round| round.image.is_some()).collect();
    assert_eq!(has_image, [true, false, false, false, true, true]);
    assert!(drawn.rounds[0].change.is_some() && drawn.rounds[4].aligned.is_none());
}

#[test]
fn models_with_different_numbers_of_rounds_are_compared_where_both_have_them() {
    let source = picture(96, 96);
    let files: Vec<(String, Vec<u8>)> =
        (1..=16).map(|round| (format!("{round}.png"), png(&brighter(&source, round)))).collect();
    let named: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let folder = |model: &str, n: usize| {
        let listing = json!({
            "id": "s", "source": "source.png", "rounds": named[..n], "models": {model: named[..n]},
        });
        let mut all: Vec<(&str, Vec<u8>)> =
            files[..n].iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
        all.push(("source.png", png(&source)));
        folder_of(&listing, &all)
    };
    let (long, short) = (folder("long", 16), folder("short", 3));
    let places = [&long, &short].map(|folder| folder.path().to_str().unwrap().to_owned());
    let sessions = gather(&places).unwrap();
    let measured = measure(&sessions);
    assert_eq!(measured.iter().map(|of| of.rounds.len()).collect::<Vec<_>>(), [16, 3]);
    let tone = |of: &MeasuredSession, place: usize| of.rounds[place].vs_source["unedited.tone_dE"];
    assert!(tone(&measured[0], 15) > tone(&measured[0], 4));
    assert_eq!(tone(&measured[0], 2), tone(&measured[1], 2));
    let view = summary(&sessions, &measured);
    assert_eq!(view.models.iter().map(|of| of.rounds.len()).collect::<Vec<_>>(), [16, 3]);
    let compared: Vec<u32> = view.comparisons[0].success.iter().map(|of| of.round).collect();
    assert_eq!(compared, [1, 2, 3]);
    assert!(view.notes.iter().any(|note| note.contains("different numbers of rounds")));
}

#[test]
fn listings_that_name_other_places_are_refused() {
    let folder = |source: &str, file: &str, captions: Value| {
        let listing = json!({
            "source": source, "rounds": ["a"], "models": {"m": [file]}, "captions": captions,
        });
        folder_of(&listing, &[("1.png", png(&picture(32, 32)))])
    };
    for (source, file) in [
        ("1.png", "../1.png"),
        ("1.png", "/etc/hostname"),
        ("../1.png", "1.png"),
        ("", "1.png"),
        (".", "1.png"),
    ] {
        let error = gather_one(&folder(source, file, json!([]))).unwrap_err();
        assert!(matches!(error, RoundsError::Session { .. }), "{source} {file}: {error}");
    }
    let error = gather_one(&folder("1.png", "1.png", json!(["a", "b"]))).unwrap_err();
    assert!(error.to_string().contains("2 captions for 1 rounds"), "{error}");
    let sessions = gather_one(&folder("1.png", "1.png", json!(["a caption"]))).unwrap();
    assert_eq!(sessions[0].captions, [Some("a caption".to_owned())]);
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(gather_one(&empty).unwrap_err(), RoundsError::NoSession { .. }));
}

#[test]
fn a_source_that_cannot_be_read_is_told_once() {
    let listing = json!({"source": "source.png", "rounds": ["a", "b"], "models": {"m": ["1.png", null]}});
    let image = ("1.png", png(&picture(64, 64)));
    for files in [vec![image.clone()], vec![image, ("source.png", b"no image".to_vec())]] {
        let folder = folder_of(&listing, &files);
        let sessions = gather_one(&folder).unwrap();
        let measured = measure(&sessions);
        assert!(measured[0].problem.starts_with("the source cannot be read"), "{}", measured[0].problem);
        assert_eq!(statuses(&measured[0]), ["missing", "missing"]);
        let view = summary(&sessions, &measured);
        assert_eq!(view.sessions[0].models[0].notes, [measured[0].problem.clone()]);
    }
}

fn small_session() -> TempDir {
    let source = picture(96, 96);
    let listing = json!({"source": "0.png", "rounds": ["a"], "models": {"m": ["1.png"]}});
    folder_of(&listing, &[("0.png", png(&source)), ("1.png", png(&brighter(&source, 20)))])
}

/// The only file of a folder of measures that is not among `known`.
fn new_record(store: &Path, known: &[PathBuf]) -> PathBuf {
    let files = fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
    let is_new = |path: &PathBuf| path.is_file() && !known.contains(path);
    let new: Vec<PathBuf> = files.filter(is_new).collect();
    let [record] = new.as_slice() else { panic!("{new:?}") };
    record.clone()
}

fn no_places(folder: &Path) -> Places {
    let hub = Hub { cache: folder.join("no-hub"), endpoint: String::new(), token: None };
    Places { models_dir: folder.join("no-models"), hub }
}

#[test]
fn what_was_measured_is_not_measured_again() {
    let (folder, kept) = (small_session(), tempfile::tempdir().unwrap());
    let sessions = gather_one(&folder).unwrap();
    let store = MeasureStore::at(kept.path()).unwrap();
    let run = |networks: &Networks| measure_into(&sessions, networks, &store).remove(0);
    let none = Networks::none("not here");
    let first = run(&none);
    assert_eq!(run(&none), first, "numbers survive being written");
    let record = new_record(kept.path(), &[]);
    let mut altered: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    altered["measured"]["vs_source"]["l1"] = json!(0.875);
    fs::write(&record, altered.to_string()).unwrap();
    assert_eq!(run(&none).rounds[0].vs_source["l1"], 0.875);
    fs::write(&record, "half of a rec").unwrap();
    assert_eq!(run(&none), first);

    // With a network the numbers are others, kept apart.
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imgeval-vision/tests/fixtures/lpips");
    let weights = NetworkWeights {
        lpips_trunk: Some(fixtures.join("trunk.pth")),
        lpips_heads: Some(fixtures.join("heads.pth")),
        ..NetworkWeights::pulled(no_places(kept.path()))
    };
    let lpips = Networks::load(&weights).unwrap();
    assert!(lpips.are_missing());
    let notes = lpips.notes();
    assert!(
        notes.len() == 1 && notes[0].starts_with("CLIP-I, CLIP-T, DINO and structure are not measured"),
        "{notes:?}"
    );
    let seen = run(&lpips);
    assert!(seen.rounds[0].vs_source["lpips"] > 0.0);
    assert_eq!(seen.rounds[0].vs_source["lpips"], seen.rounds[0].vs_previous["lpips"]);
    assert_eq!(run(&none), first);
    assert!(new_record(kept.path(), &[record]).is_file());
    let view = summary(&sessions, &[seen]);
    let names: Vec<&str> = view.models[0].rounds[0].means.iter().map(|mean| mean.name.as_str()).collect();
    assert!(names.contains(&"LPIPS") && !names.contains(&"DINO"), "{names:?}");
    let nothing = Networks::load(&NetworkWeights::pulled(no_places(kept.path()))).unwrap();
    assert_eq!(nothing.notes().len(), 1, "{:?}", nothing.notes());
}

/// A session of so many rounds, each with one square more and a little brighter.
fn long_session(n_rounds: u32) -> TempDir {
    let mut image = picture(96, 96);
    let mut files = vec![("0.png".to_owned(), png(&image))];
    for round in 1..=n_rounds {
        image = with_square(&brighter(&image, 1), [16 * round, 12 * round]);
        files.push((format!("{round}.png"), png(&image)));
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let listing = json!({"source": "0.png", "rounds": names[1..], "models": {"m": names[1..]}});
    folder_of(&listing, &files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect::<Vec<_>>())
}

/// The files of a folder with their contents, and by what one writing of them is told from another.
fn records_in(folder: &Path) -> std::collections::BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let files =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files
        .map(|path| (path.clone(), (fs::read(&path).unwrap(), path.metadata().unwrap().modified().unwrap())))
        .collect()
}

#[test]
fn a_session_that_was_interrupted_goes_on_where_it_stopped() {
    const N: u32 = 4;
    let (folder, whole, pieces) =
        (long_session(N), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sessions = gather_one(&folder).unwrap();
    let networks = Networks::none("not here");
    let undisturbed = measure_into(&sessions, &networks, &MeasureStore::at(whole.path()).unwrap());
    assert_eq!(records_in(whole.path()).len() as u32, N, "each round in a file of its own");
    // Once more, stopped after every round.
    let instruments = Instruments { networks: &networks, objects: &ObjectFinder::none("not here") };
    for stop in 1..=N {
        let before = records_in(pieces.path());
        assert_eq!(before.len() as u32, stop - 1);
        let store = MeasureStore::at(pieces.path()).unwrap();
        let told = std::sync::atomic::AtomicU32::new(0);
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            measure_sessions(&sessions, instruments, &store, &|| {
                let told = told.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                assert!(told < stop, "stopped on purpose");
            })
        }));
        assert!(stopped.is_err());
        let now = records_in(pieces.path());
        assert!(before.iter().all(|(path, record)| now.get(path) == Some(record)), "measured twice");
    }
    assert_eq!(measure_into(&sessions, &networks, &MeasureStore::at(pieces.path()).unwrap()), undisturbed);
    let contents = |folder: &Path| -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let records = records_in(folder).into_iter();
        records.map(|(path, (bytes, _))| (path.file_name().unwrap().to_owned(), bytes)).collect()
    };
    assert_eq!(contents(whole.path()), contents(pieces.path()));
    let record: Value = serde_json::from_slice(&contents(whole.path())[0].1).unwrap();
    assert!(record["edited"]["lengths"].as_array().unwrap().len() > 3, "{}", record["edited"]);
}

#[test]
fn a_lossless_codec_changes_nothing() {
    let mut sessions = gather_one(&small_session()).unwrap();
    // The folder is gone by now.
    assert!(codec_sessions(&sessions).is_empty());
    let folder = small_session();
    sessions = gather_one(&folder).unwrap();
    sessions.extend(codec_sessions(&sessions));
    let measured = measure(&sessions);
    assert_eq!(measured[1].rounds[0].vs_source["l1"], 0.0);
    let view = summary(&sessions, &measured);
    assert_eq!(view.models[1].name, CODEC_CONTROL);
    assert!(view.comparisons.is_empty(), "a control is compared with nobody");
}

pub(crate) struct Golden {
    shared: PathBuf,
    rounds: Value,
}

impl Golden {
    pub(crate) fn open() -> Option<Self> {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        let rounds = fs::read(shared.join("golden/drift/expected_rounds.json")).ok()?;
        Some(Self { shared, rounds: serde_json::from_slice(&rounds).unwrap() })
    }

    fn sessions(&self) -> &[Value] {
        self.rounds["sessions"].as_array().unwrap()
    }

    fn files(&self, session: &Value) -> Vec<PathBuf> {
        let names = session["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        let place = |name: &str| {
            let places = ["golden/drift", "data/images"].map(|folder| self.shared.join(folder).join(name));
            places.into_iter().find(|path| path.is_file()).unwrap()
        };
        names.map(place).collect()
    }

    /// Copies of the tiny networks beside what states their heads.
    pub(crate) fn networks(&self, folder: &Path) -> Networks {
        let (models, edits) =
            (self.shared.join("golden/drift/models"), self.shared.join("golden/edit_metrics"));
        let copy = |from: &str, to: &str| {
            fs::write(folder.join(to), fs::read(models.join(from)).unwrap()).unwrap();
        };
        copy("dino_tiny.pth", "dino_tiny.pth");
        fs::write(folder.join("dino_tiny.json"), r#"{"num_attention_heads": 3}"#).unwrap();
        copy("clip_b32_tiny.safetensors", "model.safetensors");
        copy("clip_b32_tiny.json", "config.json");
        let weights = NetworkWeights {
            clip: Some(folder.to_owned()),
            dino: Some(folder.join("dino_tiny.pth")),
            lpips_trunk: Some(edits.join("squeezenet1_1_random.pth")),
            lpips_heads: Some(edits.join("lpips_squeeze_heads.pth")),
            ..NetworkWeights::pulled(no_places(folder))
        };
        Networks::load(&weights).unwrap()
    }
}

#[test]
fn networks_agree_with_the_golden_sessions() {
    let Some(golden) = Golden::open() else { return };
    let folder = tempfile::tempdir().unwrap();
    let networks = golden.networks(folder.path());
    assert!(!networks.are_missing() && networks.notes().len() == 1, "{:?}", networks.notes());
    let mut errors: std::collections::BTreeMap<&str, Vec<f64>> = std::collections::BTreeMap::new();
    for session in golden.sessions() {
        let images: Vec<Pixels> =
            golden.files(session).iter().map(|path| pixels_of(&fs::read(path).unwrap()).unwrap()).collect();
        let seen: Vec<Seen> = images.iter().map(|pixels| networks.look(pixels).unwrap()).collect();
        for (place, expected) in session["rounds"].as_array().unwrap().iter().enumerate() {
            let previous = (place > 0).then(|| &seen[place]);
            let round = NetworkNumbers::of(&networks, &seen[0], previous, &seen[place + 1], Some("a field"));
            for (numbers, side) in [(&round.vs_source, "vs_source"), (&round.vs_previous, "vs_previous")] {
                for name in ["clip_i", "dino", "structure", "lpips"] {
                    let (found, expected) = (numbers[name].clone().unwrap(), &expected[side][name]);
                    errors.entry(name).or_default().push((found - expected.as_f64().unwrap()).abs());
                }
            }
            assert!(round.vs_source["clip_t"].is_ok() && !round.vs_previous.contains_key("clip_t"));
        }
    }
    for (name, errors) in &mut errors {
        errors.sort_by(f64::total_cmp);
        let (median, worst) = (errors[errors.len() / 2], errors[errors.len() - 1]);
        println!("{name}: n {} median {median:.1e} worst {worst:.1e} of 1e-4", errors.len());
        assert!(worst < 1e-4, "{name} off by {worst}");
    }
}

#[test]
fn injected_drifts_are_found_and_nothing_else() {
    let Some(golden) = Golden::open() else { return };
    for session in golden.sessions().iter().filter(|session| session["truth"].is_array()) {
        let names = ["0.png", "1.png", "2.png", "3.png"];
        let listing = json!({"source": "0.png", "rounds": ["a", "b", "c"], "models": {"m": names[1..]}});
        let bytes = golden.files(session).into_iter().map(|path| fs::read(path).unwrap());
        let folder = folder_of(&listing, &names.into_iter().zip(bytes).collect::<Vec<_>>());
        let sessions = gather_one(&folder).unwrap();
        let measured = measure(&sessions);
        let view = summary(&sessions, &measured);
        for seen in session["edit_survival"].as_array().unwrap() {
            let [edit, later] = ["edit", "seen_in"].map(|key| seen[key].as_u64().unwrap());
            let found = &measured[0].rounds[later as usize - 1].earlier_edits;
            let found = found.iter().find(|(round, _)| u64::from(*round) == edit).unwrap();
            let expected = seen["ncc"].as_f64().unwrap();
            assert!((found.1.unwrap() - expected).abs() < 0.03, "{found:?} instead of {seen}");
        }
        for (round, truth) in view.models[0].rounds.iter().zip(session["truth"].as_array().unwrap()) {
            check_parts(round, truth, session["name"].as_str().unwrap());
        }
    }
}

fn check_parts(round: &RoundLine, truth: &Value, session: &str) {
    let number = |value: &Value| value.as_f64().unwrap();
    let part = |name: &str| {
        let part = round.parts.iter().find(|part| part.name == name).unwrap();
        (part.value.unwrap(), part.floor)
    };
    let context = format!("{session} round {}: {:?}", round.round, round.parts);
    let is_as_injected = |name: &str, injected: f64, tolerance: f64| {
        let (found, floor) = part(name);
        assert!((found - injected).abs() <= tolerance, "{name} {injected} in {context}");
        assert_eq!(found.abs() > floor, injected != 0.0, "{name} in {context}");
    };
    let cut_off = 100.0 * (1.0 - number(&truth["window"][2]) * number(&truth["window"][3]));
    is_as_injected("geometry", cut_off, 0.4);
    let shift = [0, 1, 2].map(|axis| number(&truth["lab_shift"][axis]));
    is_as_injected("tone", shift.iter().map(|shift| shift * shift).sum::<f64>().sqrt(), 0.3);
    let (sharpness, floor) = part("sharpness");
    let is_sharpened = number(&truth["sharpen"]) > 0.0;
    assert!(sharpness.abs() > floor && (sharpness > 0.0) == is_sharpened, "{context}");
    let (content, floor) = part("content");
    assert!(content > floor && number(&truth["edit_share"]) > 0.0, "{context}");
    let (residual, floor) = part("residual");
    assert!(residual <= floor || number(&truth["noise"]) > 0.0, "{context}");
}

#[test]
fn means_of_rounds_without_an_image_are_over_those_that_have_one() {
    let round = |round: u32, tone: Option<f64>| MeasuredRound {
        round,
        status: if tone.is_some() { "ok" } else { "refused" }.to_owned(),
        vs_source: tone.map(|tone| ("outside.tone_dE".to_owned(), tone)).into_iter().collect(),
        ..MeasuredRound::default()
    };
    let measured: Vec<MeasuredSession> = [Some(1.0), None, Some(3.0)]
        .map(|tone| MeasuredSession { rounds: vec![round(1, tone)], problem: String::new() })
        .into();
    let folder = small_session();
    let session = gather_one(&folder).unwrap().remove(0);
    let sessions: Vec<Session> =
        (0..3).map(|id: u32| Session { id: id.to_string(), ..session.clone() }).collect();
    let view = summary(&sessions, &measured);
    let means = &view.models[0].rounds[0].means;
    let mean = means.iter().find(|mean| mean.name == "tone outside the edits").unwrap();
    assert_eq!((mean.value, mean.n), (Some(2.0), 2));
}
