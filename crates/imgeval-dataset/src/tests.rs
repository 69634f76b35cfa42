use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use imgeval_core::{
    CaseId, ContentHash, Failure, FailureKind, ImageFormat, ImageNote, ImageRecord, ImageRef, Outcome,
    Sample, SampleId,
};
use imgeval_metrics::BootstrapSettings;
use imgeval_runner::{ImageFacts, ImportSummary};
use imgeval_scoring::Run;
use imgeval_store::{FileStamp, ImportedSample, Label, Manifest, RunReader, RunWriter};
use imgeval_suites::geneval::{SuiteConfig, parameters_of};

use crate::{
    DatasetError, ExportSettings, ExportSummary, ReadSettings, export_run, import_samples, read_description,
};

const PICTURES: [&[u8]; 2] = [b"first picture", b"second picture"];

fn manifest() -> Manifest {
    Manifest {
        suite: "geneval".to_owned(),
        parameters: parameters_of(&SuiteConfig { seed: 43, per_task: 1 }),
        generation: BTreeMap::from([("model".to_owned(), "m".to_owned())]),
        tool_version: "0".to_owned(),
        label: Label::parse("My model").ok(),
    }
}

/// Two images, one of them made for another wording, and a refusal in words that mean to be markup.
fn make_run(directory: &Path) {
    let mut run = RunWriter::create_or_open(directory, &manifest(), "test").unwrap();
    let done = |bytes: &[u8], notes: &[ImageNote]| {
        let (hash, format) = (ContentHash::of(bytes), ImageFormat::Png);
        run.images().put(&ImageRef { hash: hash.clone(), format }, bytes).unwrap();
        Outcome::Done(ImageRecord { hash, format, width: 3, height: 2, notes: notes.to_vec() })
    };
    let refused = Failure { kind: FailureKind::Refused, detail: "\u{1b}[31m<b>no|\0".to_owned() };
    let outcomes = [
        ("00000", 0, done(PICTURES[0], &[]), None),
        ("00000", 1, done(PICTURES[1], &[ImageNote::RewrittenPrompt]), Some("another wording")),
        ("00001", 0, Outcome::Failed(refused), None),
    ];
    let samples = outcomes.into_iter().map(|(case, ordinal, outcome, rewritten)| ImportedSample {
        sample: Sample {
            id: SampleId::new(CaseId::new(case), ordinal),
            source: format!("/nowhere/{case}-{ordinal}.png"),
            outcome,
        },
        stamp: FileStamp { size: 1, modified_ns: 1 },
        rewritten_prompt: rewritten.map(str::to_owned),
    });
    run.record_samples(samples.collect(), None).unwrap();
}

fn export(run: &Path, target: &Path, with_images: bool) -> Result<ExportSummary, DatasetError> {
    let settings = ExportSettings { with_images, bootstrap: BootstrapSettings::default() };
    export_run(run, target, settings, &mut |_| {})
}

fn import(dataset: &Path, run: &Path) -> Result<ImportSummary, DatasetError> {
    let description = read_description(dataset)?;
    let asked = Manifest {
        suite: description.suite.clone(),
        parameters: description.parameters.clone(),
        generation: description.generation.clone(),
        tool_version: "0".to_owned(),
        label: description.label.clone(),
    };
    let mut run = RunWriter::create_or_open(run, &asked, "test")?;
    let decode =
        |_: &[u8]| Ok(ImageFacts { format: ImageFormat::Png, width: 3, height: 2, notes: Vec::new() });
    let settings =
        ReadSettings { max_file_bytes: 1 << 20, decode: &decode, is_case: &|id| id.as_str().len() == 5 };
    import_samples(dataset, &description, &mut run, &settings, &mut |_| {})
}

/// Samples without the files that they came from, and the wordings.
fn samples_of(run: &Path) -> Vec<(SampleId, Outcome<ImageRecord>, Option<String>)> {
    let reader = RunReader::open(run).unwrap();
    let known = reader.known_files().unwrap();
    let mut samples = Vec::new();
    reader
        .for_each_sample(None, |observed| {
            let Sample { id, source, outcome } = observed.sample;
            samples.push((id, outcome, known[&source].rewritten_prompt.clone()));
        })
        .unwrap();
    samples
}

struct Folders {
    _folder: tempfile::TempDir,
    run: PathBuf,
    dataset: PathBuf,
    copy: PathBuf,
}

fn folders() -> Folders {
    let folder = tempfile::tempdir().unwrap();
    let [run, dataset, copy] = ["run", "dataset", "copy"].map(|name| folder.path().join(name));
    make_run(&run);
    Folders { _folder: folder, run, dataset, copy }
}

#[test]
fn a_data_set_gives_back_the_same_samples() {
    let at = folders();
    let n_cases = Run::open(&at.run).unwrap().cases().len();
    let summary = export(&at.run, &at.dataset, true).unwrap();
    // Two of the cases have three samples, and every other one has a row too.
    assert_eq!(summary, ExportSummary { samples: n_cases + 1, scores: 0, evidence: 0 });
    let summary = import(&at.dataset, &at.copy).unwrap();
    assert_eq!((summary.imported, summary.failed), (2, 1));
    assert_eq!(samples_of(&at.copy), samples_of(&at.run));
    let (copy, run) = (RunReader::open(&at.copy).unwrap(), RunReader::open(&at.run).unwrap());
    assert_eq!(copy.manifest(), run.manifest());
    let image = ImageRef { hash: ContentHash::of(PICTURES[1]), format: ImageFormat::Png };
    assert_eq!(copy.images().read(&image).unwrap(), PICTURES[1]);
    drop((copy, run));
    // Once more changes nothing.
    assert!(import(&at.dataset, &at.copy).is_ok());
    assert_eq!(samples_of(&at.copy), samples_of(&at.run));
}

#[test]
fn the_card_names_tables_and_what_was_evaluated() {
    let at = folders();
    export(&at.run, &at.dataset, true).unwrap();
    let card = fs::read_to_string(at.dataset.join("README.md")).unwrap();
    for part in [
        "pretty_name: \"My model on geneval\"\nlicense: unknown\n",
        "- config_name: samples\n  default: true\n  data_files:\n  - split: test\n    path: samples/*.parquet\n",
        "| seed | 43 |",
        "| samples without a usable image | 1 |",
        "Nothing is scored yet.",
    ] {
        assert!(card.contains(part), "no {part:?} in {card}");
    }
}

#[test]
fn an_export_replaces_its_own_files_and_no_others() {
    let at = folders();
    fs::create_dir(&at.dataset).unwrap();
    fs::write(at.dataset.join("mine.txt"), "mine").unwrap();
    assert!(matches!(export(&at.run, &at.dataset, true), Err(DatasetError::Foreign { .. })));
    fs::remove_file(at.dataset.join("mine.txt")).unwrap();
    export(&at.run, &at.dataset, true).unwrap();
    // What a stopped export of a larger run left, and what somebody put beside it.
    fs::write(at.dataset.join("samples/00007.parquet"), "old").unwrap();
    fs::write(at.dataset.join("samples/mine.txt"), "mine").unwrap();
    export(&at.run, &at.dataset, true).unwrap();
    let mut names: Vec<_> =
        at.dataset.join("samples").read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["00000.parquet", "mine.txt"]);
}

#[test]
fn without_images_there_is_nothing_to_import() {
    let at = folders();
    export(&at.run, &at.dataset, false).unwrap();
    let error = import(&at.dataset, &at.copy).unwrap_err();
    assert!(matches!(error, DatasetError::WithoutImages { .. }), "{error}");
    let bytes = fs::read(at.dataset.join("samples/00000.parquet")).unwrap();
    assert!(!bytes.windows(PICTURES[0].len()).any(|window| window == PICTURES[0]));
}

#[test]
fn an_unfinished_export_is_not_imported() {
    let at = folders();
    export(&at.run, &at.dataset, true).unwrap();
    let marker = at.dataset.join("imgeval-dataset.json");
    let text =
        fs::read_to_string(&marker).unwrap().replace("\"is_complete\": true", "\"is_complete\": false");
    fs::write(&marker, text).unwrap();
    let error = import(&at.dataset, &at.copy).unwrap_err();
    assert!(matches!(error, DatasetError::Unfinished { .. }), "{error}");
    assert!(matches!(read_description(&at.run), Err(DatasetError::NotADataset { .. })));
}

/// The image is stored as it is, so the change reaches it.
#[test]
fn an_image_with_other_bytes_is_refused() {
    let at = folders();
    export(&at.run, &at.dataset, true).unwrap();
    let path = at.dataset.join("samples/00000.parquet");
    let mut bytes = fs::read(&path).unwrap();
    let place = bytes.windows(PICTURES[1].len()).position(|window| window == PICTURES[1]).unwrap();
    bytes[place] = b'S';
    fs::write(&path, bytes).unwrap();
    let error = import(&at.dataset, &at.copy).unwrap_err().to_string();
    assert!(error.contains("its image does not have the SHA-256 that it names"), "{error}");
}

/// Each byte is changed in turn, every few of them: whatever comes of it is an error in a sentence or the same samples.
#[test]
fn no_damage_crashes_the_reader() {
    let at = folders();
    export(&at.run, &at.dataset, true).unwrap();
    let path = at.dataset.join("samples/00000.parquet");
    let whole = fs::read(&path).unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for place in (0..whole.len()).step_by(29) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x55;
        fs::write(&path, bytes).unwrap();
        fs::remove_dir_all(&at.copy).ok();
        if let Err(error) = import(&at.dataset, &at.copy) {
            assert!(!error.to_string().is_empty());
        }
    }
    std::panic::set_hook(hook);
}
