use std::{
    collections::BTreeMap, fs, io::Cursor, os::unix::fs::MetadataExt as _, sync::Mutex, time::SystemTime,
};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::*;
use crate::figures::FigureSection;
use crate::model::{ImageView, Opinion};

/// Pictures of runs in a folder, and how often each was asked for.
struct Runs {
    folder: TempDir,
    asked: Mutex<BTreeMap<String, usize>>,
}

impl Originals for Runs {
    fn path(&self, run: usize, image: &ImageView) -> Option<PathBuf> {
        *self.asked.lock().unwrap().entry(image.hash.clone()).or_default() += 1;
        (run < 9).then(|| self.folder.path().join(format!("{run}-{}", image.hash)))
    }
}

impl Runs {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), asked: Mutex::default() }
    }

    /// A picture in run `run`, of a shade of its own.
    fn picture(&self, run: usize, shade: u8) -> ImageView {
        self.picture_of(run, shade, 640, 480)
    }

    fn picture_of(&self, run: usize, shade: u8, width: u32, height: u32) -> ImageView {
        let pixels = RgbImage::from_pixel(width, height, Rgb([shade, 128, 7]));
        let mut bytes = Vec::new();
        DynamicImage::from(pixels).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        self.file(run, &bytes)
    }

    fn file(&self, run: usize, bytes: &[u8]) -> ImageView {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(self.folder.path().join(format!("{run}-{hash}")), bytes).unwrap();
        ImageView { hash, extension: "png".to_owned(), width: 640, height: 480 }
    }

    fn write(&self, out: &Path, single_file: bool, samples: &[SampleView]) -> Result<Written, PageError> {
        let mut page = PageWriter::create(out, PageOptions { single_file }, self)?;
        for sample in samples {
            page.add(sample)?;
        }
        let figure = Figure {
            name: "../bars".to_owned(),
            title: "Bars".to_owned(),
            alternative: "Two bars".to_owned(),
            svg: "<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_owned(),
            section: FigureSection::Others,
        };
        page.finish(&report(), &[figure])
    }
}

fn report() -> Report {
    Report { title: "A <b>report</b>".to_owned(), tool: "imgeval 0".to_owned(), ..Report::default() }
}

fn sample(run: usize, case: usize, image: Option<ImageView>) -> SampleView {
    let opinion = Opinion {
        observer: 0,
        outcome: "ok".to_owned(),
        detail: String::new(),
        score: Some(0.5),
        is_correct: None,
        reasons: String::new(),
        uncertainty: None,
        replies: vec![format!("reply {case} </script>\u{2028}")],
        objects: Vec::new(),
    };
    SampleView {
        run,
        case: format!("{case:05}"),
        index: 0,
        part: "colors".to_owned(),
        prompt: "a <script>alert(1)</script> \"prompt\"".to_owned(),
        expectation: String::new(),
        outcome: "ok".to_owned(),
        detail: String::new(),
        image,
        input: None,
        opinions: vec![opinion],
        measures: Vec::new(),
        registration: String::new(),
        overlays: Vec::new(),
    }
}

/// Every file of a folder, by its path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, fs::read(path).unwrap());
        }
    }
    found
}

fn index_of(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"index\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_page_has_its_data_pictures_and_thumbnails_beside_it() {
    let (runs, out) = (Runs::new(), tempfile::tempdir().unwrap());
    let out = out.path().join("report");
    let pictures = [runs.picture(0, 10), runs.picture(0, 20)];
    // The same picture twice; a failure without one.
    let images = [Some(pictures[0].clone()), Some(pictures[1].clone()), Some(pictures[0].clone()), None];
    let samples: Vec<_> =
        images.into_iter().enumerate().map(|(case, image)| sample(0, case, image)).collect();
    let written = runs.write(&out, false, &samples).unwrap();
    assert_eq!((written.n_samples, written.n_images, written.n_broken), (4, 2, 0));
    assert_eq!(runs.asked.lock().unwrap().values().copied().collect::<Vec<_>>(), [1, 1]);

    let files = files(&out);
    for image in &pictures {
        let original = out.join(format!("images/{}.png", image.hash));
        let source = runs.folder.path().join(format!("0-{}", image.hash));
        assert_eq!(fs::read(&original).unwrap(), fs::read(&source).unwrap());
        assert_eq!(fs::metadata(original).unwrap().ino(), fs::metadata(source).unwrap().ino(), "a hard link");
        let thumb = image::load_from_memory(&files[&format!("thumbs/{}.jpg", image.hash)]).unwrap();
        assert_eq!((thumb.width(), thumb.height()), (320, 240));
    }
    assert!(files.contains_key("figures/bars.svg"), "{:?}", files.keys());
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    assert_eq!(written.page_bytes, page.len() as u64);
    assert!(
        page.contains("<title>A &lt;b&gt;report&lt;/b&gt;</title>") && !page.contains("<script>alert(1)")
    );
    let index = index_of(&page);
    assert_eq!(index["samples"].as_array().unwrap().len(), 4);
    assert_eq!(index["prompts"][0], samples[0].prompt.as_str());
    let name = index["texts"][0]["name"].as_str().unwrap();
    let data = String::from_utf8(files[&format!("data/{name}.js")].clone()).unwrap();
    let string =
        data.strip_prefix(&format!("imgevalData(\"{name}\",")).unwrap().strip_suffix(");\n").unwrap();
    let texts: String = serde_json::from_str(string).unwrap();
    let texts: serde_json::Value = serde_json::from_str(&texts).unwrap();
    assert_eq!(texts[2]["opinions"][0]["replies"][0], "reply 2 </script>\u{2028}");
}

#[test]
fn the_same_report_has_the_same_bytes() {
    let (runs, out) = (Runs::new(), tempfile::tempdir().unwrap());
    let samples: Vec<_> = (0..70)
        .map(|case| sample(0, case, Some(runs.picture_of(0, u8::try_from(case).unwrap(), 40, 30))))
        .collect();
    for single_file in [false, true] {
        let outs = ["a", "b"].map(|name| out.path().join(format!("{name}{single_file}")));
        for out in &outs {
            runs.write(out, single_file, &samples).unwrap();
        }
        assert!(files(&outs[0]) == files(&outs[1]));
    }
}

#[test]
fn an_earlier_report_is_brought_up_to_date() {
    let (runs, out) = (Runs::new(), tempfile::tempdir().unwrap());
    let (kept, gone, new) = (runs.picture(0, 1), runs.picture(0, 2), runs.picture(0, 3));
    runs.write(out.path(), false, &[sample(0, 0, Some(kept.clone())), sample(0, 1, Some(gone.clone()))])
        .unwrap();
    let thumb = out.path().join(format!("thumbs/{}.jpg", kept.hash));
    let long_ago = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(&thumb).unwrap().set_modified(long_ago).unwrap();
    // Tables and figures that the command writes beside the page are not ours.
    fs::write(out.path().join("tables.tex"), "x").unwrap();
    let before = files(out.path());

    let written =
        runs.write(out.path(), false, &[sample(0, 0, Some(kept)), sample(0, 2, Some(new.clone()))]).unwrap();
    assert_eq!(written.n_images, 2);
    assert_eq!(fs::metadata(&thumb).unwrap().modified().unwrap(), long_ago, "the thumbnail was kept");
    let after = files(out.path());
    assert!(!after.keys().any(|name| name.contains(&gone.hash)), "{:?}", after.keys());
    assert!(after.contains_key(&format!("thumbs/{}.jpg", new.hash)) && after.contains_key("tables.tex"));
    assert_eq!(before.len(), after.len(), "no data file of the first report is left");
}

#[test]
fn only_files_that_a_report_listed_are_deleted() {
    let (runs, out) = (Runs::new(), tempfile::tempdir().unwrap());
    let (gone, new) = (runs.picture(0, 2), runs.picture(0, 3));
    let (first, second) = ([sample(0, 0, Some(gone.clone()))], [sample(0, 0, Some(new))]);
    runs.write(out.path(), false, &first).unwrap();
    let mine = ["images/own.txt", "thumbs/own.jpg", "tables/own.tex", "notes.txt"];
    fs::create_dir(out.path().join("tables")).unwrap();
    mine.iter().for_each(|name| fs::write(out.path().join(name), "mine").unwrap());
    let written = runs.write(out.path(), false, &second).unwrap();
    assert_eq!(written.n_left_over, 0);
    let after = files(out.path());
    assert!(mine.iter().all(|name| after[*name] == b"mine"), "{:?}", after.keys());
    assert!(!after.keys().any(|name| name.contains(&gone.hash)), "{:?}", after.keys());

    // A list may be made up by somebody else.
    let marker = out.path().join("imgeval-report.json");
    let listed =
        "{\"layout\":1,\"files\":[\"notes.txt\",\"../letter\",\"images/../notes.txt\",\"mine/letter\",7]}";
    fs::create_dir(out.path().join("mine")).unwrap();
    fs::write(out.path().join("mine/letter"), "mine").unwrap();
    fs::write(&marker, listed).unwrap();
    runs.write(out.path(), false, &second).unwrap();
    let after = files(out.path());
    assert!(after.contains_key("notes.txt") && after.contains_key("mine/letter"), "{:?}", after.keys());

    // Earlier versions made none, so nothing is known to be a report's.
    fs::write(&marker, "{\"layout\":1}").unwrap();
    let written = runs.write(out.path(), false, &first).unwrap();
    // The picture of the second report and its thumbnail, and three files of the user's.
    assert_eq!(written.n_left_over, 5, "{:?}", files(out.path()).keys());
    assert!(mine.iter().all(|name| out.path().join(name).is_file()));
}

#[cfg(unix)]
#[test]
fn links_in_a_report_are_refused_or_replaced() {
    let (runs, root) = (Runs::new(), tempfile::tempdir().unwrap());
    let (out, mine) = (root.path().join("out"), root.path().join("mine"));
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("letter.txt"), "precious").unwrap();
    let samples = [sample(0, 0, Some(runs.picture(0, 1)))];
    for name in ["data", "figures", "images", "tables", "thumbs"] {
        fs::remove_dir_all(&out).ok();
        runs.write(&out, false, &samples).unwrap();
        fs::remove_dir_all(out.join(name)).ok();
        std::os::unix::fs::symlink("../mine", out.join(name)).unwrap();
        for single_file in [false, true] {
            let error = runs.write(&out, single_file, &samples).unwrap_err();
            assert!(matches!(error, PageError::Write { .. }), "{name}: {error}");
        }
        assert_eq!(files(&mine).len(), 1, "{name}");
    }
    fs::remove_dir_all(&out).unwrap();
    runs.write(&out, false, &samples).unwrap();
    let letter = mine.join("letter.txt");
    let page = out.join("index.html");
    let thumb = out.join(files(&out).into_keys().find(|name| name.starts_with("thumbs/")).unwrap());
    for path in [&page, &thumb] {
        fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink(&letter, path).unwrap();
    }
    runs.write(&out, false, &samples).unwrap();
    assert!(page.symlink_metadata().unwrap().is_file() && thumb.symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read(&letter).unwrap(), b"precious");
}

#[test]
fn folders_of_others_are_refused_and_left_alone() {
    let (runs, out) = (Runs::new(), tempfile::tempdir().unwrap());
    fs::write(out.path().join("thesis.tex"), "years of work").unwrap();
    let refused = runs.write(out.path(), false, &[]).unwrap_err();
    assert!(matches!(refused, PageError::Foreign { .. }), "{refused}");
    assert_eq!(files(out.path()).len(), 1);

    fs::remove_file(out.path().join("thesis.tex")).unwrap();
    fs::write(out.path().join("imgeval-report.json"), "{\"layout\":99}").unwrap();
    let newer = runs.write(out.path(), false, &[]).unwrap_err();
    assert!(matches!(newer, PageError::Layout { found: 99, known: 1, .. }), "{newer}");
}

#[test]
fn pictures_that_cannot_be_shown_are_told() {
    let (runs, out) = (Runs::new(), tempfile::tempdir().unwrap());
    let missing = ImageView { hash: "0".repeat(64), ..runs.picture(0, 1) };
    let changed = runs.picture(0, 2);
    fs::write(runs.folder.path().join(format!("0-{}", changed.hash)), b"other bytes").unwrap();
    let undecodable = runs.file(0, b"\x89PNG\r\n\x1a\n and nothing more");
    let path = ImageView { hash: "../../etc/passwd".to_owned(), ..runs.picture(0, 4) };
    let odd = ImageView { extension: "../html".to_owned(), ..runs.picture(0, 5) };
    let all = [missing, changed.clone(), undecodable.clone(), path, odd];
    let mut samples: Vec<_> =
        all.iter().cloned().enumerate().map(|(case, image)| sample(0, case, Some(image))).collect();
    let written = runs.write(out.path(), false, &samples).unwrap();
    assert_eq!((written.n_images, written.n_broken), (0, 5));
    let index = index_of(&fs::read_to_string(&written.page).unwrap());
    let problem = |image: &ImageView| index["problems"][&image.hash].as_str().unwrap().to_owned();
    assert!(problem(&all[0]).contains("missing"));
    assert!(problem(&all[1]).contains("damaged"));
    assert!(problem(&all[2]).contains("cannot be decoded"));
    assert!(problem(&all[3]).contains("cannot be read"));
    // The browser may know a picture that we cannot decode.
    assert!(out.path().join(format!("images/{}.png", undecodable.hash)).is_file());

    // Another run holds the damaged one whole.
    runs.picture(1, 2);
    samples.push(sample(1, 1, Some(changed.clone())));
    let mut page = PageWriter::create(out.path(), PageOptions::default(), &runs).unwrap();
    page.add(&samples[1]).unwrap();
    page.images.finish_batch(page.place.folder()).unwrap();
    page.add(&samples[5]).unwrap();
    let written = page.finish(&report(), &[]).unwrap();
    assert_eq!((written.n_images, written.n_broken), (1, 0));
}

#[test]
fn a_page_in_one_file_needs_no_other() {
    let (runs, out) = (Runs::new(), tempfile::tempdir().unwrap());
    let image = runs.picture(0, 10);
    let written = runs.write(out.path(), true, &[sample(0, 0, Some(image.clone()))]).unwrap();
    let names: Vec<String> = files(out.path()).into_keys().collect();
    assert_eq!(names, ["imgeval-report.json", "report.html"]);
    let page = fs::read_to_string(&written.page).unwrap();
    let (_, thumb) = page.split_once(&format!("id=\"thumb-{}\">", image.hash)).unwrap();
    let thumb = BASE64_STANDARD.decode(thumb.split_once('<').unwrap().0).unwrap();
    assert_eq!(image::load_from_memory(&thumb).unwrap().width(), 512);
    let name = index_of(&page)["texts"][0]["name"].as_str().unwrap().to_owned();
    assert!(page.contains(&format!("<script type=\"application/json\" id=\"{name}\">")));
}

#[test]
fn a_folder_that_cannot_be_written_is_one_error() {
    let (runs, out) = (Runs::new(), tempfile::tempdir().unwrap());
    let file = out.path().join("file");
    fs::write(&file, "").unwrap();
    let error = runs.write(&file.join("report"), false, &[]).unwrap_err();
    assert!(matches!(error, PageError::Write { .. } | PageError::Read { .. }), "{error}");
}
