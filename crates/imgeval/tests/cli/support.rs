//! How tests call the binary: a scrubbed environment, a folder of their own, small images.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use image::{ImageBuffer, Rgb};

use super::schemas;

/// Called with arguments, gives what a person would see.
pub(crate) fn imgeval(arguments: &[&str]) -> Output {
    let output = command(arguments).output().unwrap();
    if arguments.contains(&"--json") && !output.stdout.is_empty() {
        schemas::check_stamped(&stdout(&output));
    }
    output
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgeval"));
    command.env_clear().env("HOME", std::env::temp_dir().join("imgeval-no-home")).args(arguments);
    command
}

/// What was written to stdout. JSON that says which schema it follows does follow it.
pub(crate) fn stdout(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    schemas::check(&text);
    text
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts the exit code, showing what was said if it is another.
pub(crate) fn check_exit(output: &Output, code: i32) {
    let (stdout, stderr) = (stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "stdout: {stdout}\nstderr: {stderr}");
}

/// An empty folder for one test, kept below the build folder and emptied at the next start.
pub(crate) fn test_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a small image whose pixels depend on `seed`; the format follows the extension.
pub(crate) fn write_picture(path: &Path, seed: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixel = |x: u32, y: u32| {
        let value = x.wrapping_mul(37) ^ y.wrapping_mul(101) ^ seed.wrapping_mul(2_654_435_761);
        Rgb(value.to_le_bytes()[..3].try_into().unwrap())
    };
    ImageBuffer::<Rgb<u8>, Vec<u8>>::from_fn(24, 16, pixel).save(path).unwrap();
}

/// The official metadata line of a prompt.
pub(crate) fn metadata_line(index: usize) -> String {
    let output = imgeval(&["prompts", "geneval", "--format", "metadata"]);
    stdout(&output).lines().nth(index).unwrap().to_owned()
}

/// Writes one image in GenEval's layout, with its metadata.
pub(crate) fn write_official(root: &Path, index: usize, sample: usize) {
    let folder = root.join(format!("{index:05}"));
    write_picture(&folder.join(format!("samples/{sample:04}.png")), (index * 10 + sample) as u32);
    fs::write(folder.join("metadata.jsonl"), metadata_line(index)).unwrap();
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Every file below a folder with its bytes, by its path from there.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
