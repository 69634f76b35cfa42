//! Interrupted anywhere, a run continues to the same table; one process writes a run at a time.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use imgeval_store::RunWriter;
use imgeval_vision::preview::CONVOLUTIONS;

use super::support::{
    check_exit, command, imgeval, stderr, stdout, test_folder, text, write_official, write_picture,
};
use crate::random_weights::WEIGHT_FILE;

/// Numbers each anchor has in a head's output: box, objectness, 80 categories.
const NUMBERS_PER_ANCHOR: usize = 85;

/// Random weights whose objectness is pulled down, so that an image has hundreds of detections and not thousands.
fn calm_weight_file() -> Vec<u8> {
    let mut bytes = WEIGHT_FILE.clone();
    let mut start = 20;
    for shape in CONVOLUTIONS {
        if !shape.is_batch_normalized {
            for anchor in 0..3 {
                let objectness = start + 4 * (anchor * NUMBERS_PER_ANCHOR + 4);
                bytes[objectness..objectness + 4].copy_from_slice(&(-3.6_f32).to_le_bytes());
            }
        }
        let per_output = if shape.is_batch_normalized { 4 } else { 1 };
        start += 4 * shape.outputs * (per_output + shape.inputs * shape.kernel * shape.kernel);
    }
    assert_eq!(start, bytes.len());
    bytes
}

/// A weight file of the right shape with random content: what it sees is noise, but always the same.
pub(crate) fn weights() -> &'static Path {
    static WEIGHTS: OnceLock<PathBuf> = OnceLock::new();
    WEIGHTS.get_or_init(|| {
        let path = test_folder("random-weights").join("random.weights");
        fs::write(&path, calm_weight_file()).unwrap();
        path
    })
}

/// The same network with another threshold for objects.
fn other_weights() -> &'static Path {
    static WEIGHTS: OnceLock<PathBuf> = OnceLock::new();
    WEIGHTS.get_or_init(|| {
        let path = test_folder("other-weights").join("other.weights");
        let mut bytes = calm_weight_file();
        let last = bytes.len() - 4;
        bytes[last..].copy_from_slice(&0.25_f32.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        path
    })
}

fn write_images(folder: &Path, n: usize) -> PathBuf {
    let images = folder.join("images");
    for index in 0..n {
        write_official(&images, index * 40, 0);
    }
    images
}

fn run_arguments<'a>(images: &'a Path, run: &'a Path) -> [&'a str; 9] {
    let weights = text(weights());
    ["run", "--suite", "geneval", "--images", text(images), "--run", text(run), "--weights", weights]
}

fn table(run: &Path) -> String {
    let output = imgeval(&["score", text(run), "--verdicts"]);
    check_exit(&output, 0);
    stdout(&output)
}

/// Numbers that differ from run to run; what they are does not matter to the property.
pub(crate) fn moments(longest: Duration) -> impl Iterator<Item = Duration> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        longest.mul_f64((state >> 11) as f64 / (1_u64 << 53) as f64)
    })
}

#[test]
fn killed_ten_times_the_table_is_the_same_to_the_byte() {
    let folder = test_folder("resume-kill");
    let images = write_images(&folder, 12);
    let straight = folder.join("straight");
    let began = Instant::now();
    check_exit(&imgeval(&run_arguments(&images, &straight)), 0);
    let whole = began.elapsed();

    let broken = folder.join("broken");
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&broken)]), 0);
    let observe = ["observe", text(&broken), "--weights", text(weights())];
    for moment in moments(whole).take(10) {
        let mut child = command(&observe).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(moment);
        // On Unix this is SIGKILL; a child that has finished already is fine too.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    check_exit(&imgeval(&observe), 0);
    assert_eq!(table(&broken), table(&straight));
    // Nothing is done twice: there is nothing left to look at.
    let again = imgeval(&observe);
    assert!(stderr(&again).contains("observe: 0 images"), "{}", stderr(&again));
}

#[test]
fn killed_while_importing_nothing_is_lost_or_doubled() {
    let folder = test_folder("resume-import");
    let images = write_images(&folder, 13);
    let straight = folder.join("straight");
    let broken = folder.join("broken");
    let import = |run: &Path| imgeval(&["import", "geneval", text(&images), "--run", text(run), "--json"]);
    let expected = stdout(&import(&straight));
    for moment in moments(Duration::from_millis(60)).take(6) {
        let arguments = ["import", "geneval", text(&images), "--run", text(&broken)];
        let mut child = command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = import(&broken);
    check_exit(&output, 0);
    assert_eq!(stdout(&output), expected);
}

#[test]
fn a_second_process_stops_with_the_name_of_the_first() {
    let folder = test_folder("resume-lock");
    let images = write_images(&folder, 1);
    let run = folder.join("run");
    let import = ["import", "geneval", text(&images), "--run", text(&run)];
    check_exit(&imgeval(&import), 0);
    let first = RunWriter::open(&run, "`imgeval observe` (process 7 on somewhere)").unwrap();
    let second = imgeval(&import);
    check_exit(&second, 1);
    assert!(stderr(&second).contains("is being written by `imgeval observe` (process 7 on somewhere)"));
    // Reading needs no lock; that nothing has been observed yet is another matter.
    check_exit(&imgeval(&["score", text(&run), "--json"]), 5);
    drop(first);
    check_exit(&imgeval(&import), 0);
}

#[test]
fn one_command_gives_table_results_and_coverage() {
    let folder = test_folder("resume-run");
    let images = write_images(&folder, 3);
    let run = folder.join("run");
    let output = imgeval(&run_arguments(&images, &run));
    check_exit(&output, 0);
    let text_out = stdout(&output);
    for expected in ["single_object", "overall", "preview, not comparable", "3 of 553 prompts", "protocol:"] {
        assert!(text_out.contains(expected), "{expected} is missing in {text_out}");
    }
    let results = fs::read_to_string(run.join("geneval-results.jsonl")).unwrap();
    assert_eq!(results.lines().count(), 3);
    let exported = folder.join("exported.jsonl");
    check_exit(&imgeval(&["export", text(&run), "--geneval-results", text(&exported)]), 0);
    assert_eq!(fs::read_to_string(exported).unwrap(), results);
    // What noise sees is not all correct.
    check_exit(&imgeval(&["score", text(&run), "--fail-below", "1"]), 3);
    check_exit(&imgeval(&["score", text(&run), "--fail-below", "nan"]), 2);
}

#[test]
fn several_files_for_one_sample_are_one_sample() {
    let folder = test_folder("resume-redundant");
    let images = folder.join("images");
    for (name, seed) in [("3.png", 1), ("00003.png", 2), ("00019.png", 3)] {
        write_picture(&images.join(name), seed);
    }
    fs::write(images.join("0019.png"), "").unwrap();
    let run = folder.join("run");
    let output = imgeval(&[&run_arguments(&images, &run)[..], &["--json"]].concat());
    check_exit(&output, 4);
    let table: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(table["images_per_prompt"], 1);
    assert_eq!(table["overall"]["images_scored"], 2);
    assert_eq!(table["overall"]["images_missing"], 551);
}

#[test]
fn a_lost_stored_image_comes_back_from_its_file() {
    let folder = test_folder("resume-lost");
    let images = write_images(&folder, 1);
    let run = folder.join("run");
    check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&run)]), 0);
    let stored = fs::read_dir(run.join("images")).unwrap().next().unwrap().unwrap().path();
    let stored = fs::read_dir(stored).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&stored).unwrap();
    // Damaged without a change of length, then gone.
    for damage in [true, false] {
        if damage {
            fs::write(&stored, vec![0; whole.len()]).unwrap();
        } else {
            fs::remove_file(&stored).unwrap();
        }
        let more = if damage { text(weights()) } else { text(other_weights()) };
        check_exit(&imgeval(&["observe", text(&run), "--weights", more]), 4);
        check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&run)]), 0);
        assert_eq!(fs::read(&stored).unwrap(), whole);
        check_exit(&imgeval(&["observe", text(&run), "--weights", more]), 0);
    }
    // Two observers have looked now; which one counts must be said.
    let output = imgeval(&["score", text(&run)]);
    check_exit(&output, 2);
    assert!(stderr(&output).contains("--evaluator"), "{}", stderr(&output));
}

#[test]
fn broken_weights_are_refused_before_anything_is_written() {
    let folder = test_folder("resume-weights");
    let images = write_images(&folder, 1);
    let short = folder.join("short.weights");
    fs::write(&short, &WEIGHT_FILE[..1000]).unwrap();
    let run = folder.join("run");
    let arguments = ["run", "--suite", "geneval", "--images", text(&images), "--run", text(&run)];
    let output = imgeval(&[&arguments[..], &["--weights", text(&short)]].concat());
    check_exit(&output, 2);
    assert!(!run.exists());
    // Without weights the hint says how to get them.
    let output = imgeval(&arguments);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("models pull preview"), "{}", stderr(&output));
}
