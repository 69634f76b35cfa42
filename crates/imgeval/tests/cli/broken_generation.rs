//! `imgeval generate` when its run cannot be written.

use std::fs;

use super::support::{check_exit, imgeval, stderr, stdout, test_folder};

#[test]
fn an_error_comes_after_the_table_of_what_was_done() {
    let folder = test_folder("generate-broken");
    let images = folder.join("pictures");
    fs::create_dir_all(&images).unwrap();
    image::RgbImage::new(8, 8).save(images.join("00000_0.png")).unwrap();
    let run = folder.join("run");
    fs::create_dir_all(&run).unwrap();
    // Where the folder for images should be lies a file.
    fs::write(run.join("images"), "").unwrap();
    let model = format!("folder:{}", images.display());
    let arguments = ["generate", "--suite", "geneval", "--ids", "0", "--samples", "1"];
    let output = imgeval(&[&arguments[..], &["--model", &model, "--run", run.to_str().unwrap()]].concat());
    check_exit(&output, 1);
    let (told, complaint) = (stdout(&output), stderr(&output));
    assert!(told.contains("not-accessible") && told.contains("cost: $0.00 for 1 call"), "{told}");
    assert!(complaint.contains("error: could not store the image"), "{complaint}");
    assert!(complaint.contains("it is not a folder"), "{complaint}");
}
