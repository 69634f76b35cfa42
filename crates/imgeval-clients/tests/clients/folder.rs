//! Images that exist already.

use std::fs;

use imgeval_clients::FolderGenerator;
use imgeval_core::{CaseId, FailureKind, Generator, Outcome, SampleId};

use crate::support::request;

async fn take(files: &[&str], case: &str, ordinal: u32, round: u32) -> Result<String, (FailureKind, String)> {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join("in").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    let generator = FolderGenerator::new(&folder.path().join("in")).unwrap();
    let id = SampleId { round, ..SampleId::new(CaseId::new(case), ordinal) };
    let answer = generator
        .generate(&imgeval_core::ImageRequest { id, ..request("p") }, &imgeval_core::Always)
        .await
        .unwrap();
    match answer.outcome {
        Outcome::Done(bytes) => Ok(String::from_utf8(bytes).unwrap()),
        Outcome::Failed(failure) => Err((failure.kind, failure.detail)),
    }
}

#[tokio::test]
async fn every_layout_is_known() {
    for file in ["00003/samples/0001.png", "00003/0001.jpg", "00003_1.jpeg", "00003-1.webp"] {
        assert_eq!(take(&[file, "00003_2.png", "00003_11.png"], "00003", 1, 1).await.unwrap(), file);
    }
    assert_eq!(take(&["00003.png"], "00003", 0, 1).await.unwrap(), "00003.png");
    assert_eq!(take(&["00003.png"], "00003", 1, 1).await.unwrap_err().0, FailureKind::NotAccessible);
    assert_eq!(take(&["00003_0_r2.png", "00003_0.png"], "00003", 0, 2).await.unwrap(), "00003_0_r2.png");
}

#[tokio::test]
async fn what_was_looked_for_is_named() {
    let (kind, detail) = take(&["x.png"], "00003", 1, 1).await.unwrap_err();
    assert_eq!(kind, FailureKind::NotAccessible);
    assert!(detail.contains("`00003/samples/0001`, `00003/0001`, `00003_1`, `00003-1`"), "{detail}");
}

#[tokio::test]
async fn two_images_for_one_sample_are_refused() {
    let (kind, detail) = take(&["00003_0.png", "00003.jpg"], "00003", 0, 1).await.unwrap_err();
    assert_eq!(kind, FailureKind::RejectedRequest);
    assert!(detail.contains("00003_0.png` and `") && detail.contains("00003.jpg"), "{detail}");
}

#[tokio::test]
async fn no_case_reaches_out_of_the_folder() {
    for case in ["../secret", "..", ".hidden", "a/b", "a\\b", ""] {
        let (kind, _) = take(&["a/b.png"], case, 0, 1).await.unwrap_err();
        assert_eq!(kind, FailureKind::RejectedRequest, "{case}");
    }
}

#[test]
fn a_folder_must_exist() {
    let folder = tempfile::tempdir().unwrap();
    assert!(FolderGenerator::new(&folder.path().join("none")).is_err());
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(FolderGenerator::new(&folder.path().join("file")).is_err());
}
