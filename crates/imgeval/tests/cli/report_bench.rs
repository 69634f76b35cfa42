//! Runs whose verdicts a test decides: small images of official prompts, and detections written by hand.

use std::path::{Path, PathBuf};

use imgeval_core::{BoundingBox, Category, ContentHash, Detection, Evidence, ObserverId, ObserverMeta};
use imgeval_store::{ObserverKey, RunWriter};
use serde_json::Value;

use super::support::{check_exit, imgeval, metadata_line, test_folder, text, write_official};

/// Says what each image shows.
pub(crate) struct RunBench {
    pub(crate) folder: PathBuf,
}

/// Who looked.
pub(crate) fn observer(parameters: &str) -> (ObserverMeta, ObserverKey) {
    let meta = ObserverMeta {
        id: "by-hand".to_owned(),
        title: "seen by hand".to_owned(),
        version: 1,
        weights_sha256: String::new(),
        parameters: parameters.to_owned(),
        is_comparable: true,
    };
    let key = ObserverKey {
        observer: meta.observer_id(),
        detector: ObserverId::new(format!("hand{parameters}")),
        namer: ObserverId::new("words"),
    };
    (meta, key)
}

impl RunBench {
    pub(crate) fn new(name: &str) -> Self {
        Self { folder: test_folder(name) }
    }

    pub(crate) fn run(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Imports so many images of each prompt, without anybody having looked at them.
    pub(crate) fn import(&self, name: &str, prompts: &[usize], n_samples: usize) -> PathBuf {
        let images = self.folder.join(format!("{name}-images"));
        for prompt in prompts {
            for sample in 0..n_samples {
                write_official(&images, *prompt, sample);
            }
        }
        let run = self.run(name);
        check_exit(&imgeval(&["import", "geneval", text(&images), "--run", text(&run)]), 0);
        run
    }

    /// As [`Self::import`]; the detector saw exactly what was asked for where `is_right(prompt, sample)`, else nothing. Prompts of
    /// colors and positions are never right.
    pub(crate) fn write(
        &self,
        name: &str,
        prompts: &[usize],
        n_samples: usize,
        is_right: impl Fn(usize, usize) -> bool,
    ) -> PathBuf {
        let run = self.import(name, prompts, n_samples);
        self.look(&run, "", is_right);
        run
    }

    /// Has an observer with these parameters look at all images.
    pub(crate) fn look(&self, run: &Path, parameters: &str, is_right: impl Fn(usize, usize) -> bool) {
        let mut writer = RunWriter::open(run, "test").unwrap();
        let (meta, key) = observer(parameters);
        writer.record_observer(&meta, &key).unwrap();
        let mut images: Vec<(ContentHash, usize, usize)> = Vec::new();
        let reader = imgeval_store::RunReader::open(run).unwrap();
        reader
            .for_each_sample(None, |observed| {
                let sample = &observed.sample;
                let prompt: usize = sample.id.case.as_str().parse().unwrap();
                let hash = sample.outcome.done().unwrap().hash.clone();
                images.push((hash, prompt, sample.id.ordinal as usize));
            })
            .unwrap();
        for (image, prompt, sample) in images {
            let detections = if is_right(prompt, sample) { asked_for(prompt) } else { Vec::new() };
            let observer = key.observer.clone();
            let evidence = Evidence { image, observer, width: 24, height: 16, detections };
            writer.record_evidence(&key, &evidence).unwrap();
        }
    }
}

/// What a perfect image would show.
fn asked_for(prompt: usize) -> Vec<Detection> {
    let metadata: Value = serde_json::from_str(&metadata_line(prompt)).unwrap();
    let mut detections = Vec::new();
    for clause in metadata["include"].as_array().unwrap() {
        for number in 0..clause["count"].as_u64().unwrap() {
            let left = number as f32 * 4.0;
            detections.push(Detection {
                category: Category::from_name(clause["class"].as_str().unwrap()).unwrap(),
                score: 0.95,
                bounding_box: BoundingBox { x1: left, y1: 2.0, x2: left + 3.0, y2: 9.0 },
                mask: None,
                colors: None,
            });
        }
    }
    detections
}
