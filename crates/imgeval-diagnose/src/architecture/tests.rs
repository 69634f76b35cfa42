//! The whole way on images whose truth is known: textures with and without a decoder's trace, in files that differ or do not.

use std::{fs, path::Path};

use imgeval_core::{ImageFormat, Pixels};
use imgeval_vision::{
    DecodeLimits,
    compute::ComputeOptions,
    image_file::encode,
    resample::pillow::{Filter, resize},
    train::ClipEmbedder,
};

use super::{
    Claim, EmbedderCard, Fact, Probe, ProbeKind, Shares, Source, Trained, TrainingRequest, WorkbenchSettings,
    apply_to, judge_answer, judge_probe, load_probe, record::probe_to_bytes, save_probe, train,
};
use crate::{
    alike::{JpegRequest, PlanRequest, Sizing, SizingRequest, Subsampling, encode_jpeg},
    collect::{ImageItem, list_images},
    textures::texture,
};

/// Images of each class, each of its own group.
const N: u64 = 60;

fn write(folder: &Path, name: &str, picture: impl Fn(u64) -> Vec<u8>, first_seed: u64) -> Vec<ImageItem> {
    let class = folder.join(name);
    fs::create_dir_all(&class).unwrap();
    let mut manifest = String::new();
    for number in 0..N {
        fs::write(class.join(format!("{number}.png")), picture(first_seed + number)).unwrap();
        manifest
            .push_str(&format!("{{\"file\": \"{number}.png\", \"group\": \"{}\"}}\n", first_seed + number));
    }
    fs::write(class.join("groups.jsonl"), manifest).unwrap();
    list_images(class.to_str().unwrap()).unwrap()
}

fn png(pixels: &Pixels) -> Vec<u8> {
    encode(pixels, ImageFormat::Png).unwrap()
}

/// As a decoder with an 8x8 lattice would leave it: a little brighter at every eighth column and row.
fn with_lattice(pixels: &Pixels) -> Pixels {
    let width = pixels.width() as usize;
    let rgb = pixels.rgb().iter().enumerate().map(|(index, value)| {
        let (x, y) = (index / 3 % width, index / 3 / width);
        value.saturating_add(if x % 8 == 0 || y % 8 == 0 { 3 } else { 0 })
    });
    Pixels::new(pixels.width(), pixels.height(), rgb.collect()).unwrap()
}

fn train_on(classes: [Vec<ImageItem>; 2], plan: PlanRequest) -> Trained {
    let [first, second] = classes;
    let sources = [
        Source { class: 0, generator: "first".to_owned(), items: first },
        Source { class: 1, generator: "second".to_owned(), items: second },
    ];
    train_request(&sources, &[], plan)
}

fn train_request(sources: &[Source], decoders: &[(String, Vec<ImageItem>)], plan: PlanRequest) -> Trained {
    let names = ["first".to_owned(), "second".to_owned()];
    let request = TrainingRequest {
        kind: ProbeKind::Spectrum,
        tool_version: "test",
        class_names: &names,
        sources,
        target: &[],
        control_decoders: decoders,
        plan,
        shares: Shares::default(),
        seed: 1,
        n_shuffles: 5,
        limits: DecodeLimits::default(),
        workbench: WorkbenchSettings::default(),
    };
    train(&request, &mut |_| {}).unwrap()
}

fn load(path: &Path) -> Result<Probe, String> {
    let no_clip = |_: &EmbedderCard| -> Result<ClipEmbedder, String> { Err("no CLIP here".to_owned()) };
    load_probe(path, &ComputeOptions::default(), no_clip).map_err(|error| error.to_string())?
}

#[test]
fn a_lattice_is_found_and_everything_else_stays_at_chance() {
    let folder = tempfile::tempdir().unwrap();
    let plain = write(folder.path(), "plain", |seed| png(&texture(seed, 128, 128)), 0);
    let lattice = write(folder.path(), "lattice", |seed| png(&with_lattice(&texture(seed, 128, 128))), 0);
    let other = write(folder.path(), "other", |seed| png(&with_lattice(&texture(seed, 128, 128))), 1_000);
    let source = |class, generator: &str, items: &[ImageItem]| Source {
        class,
        generator: generator.to_owned(),
        items: items.to_vec(),
    };
    let sources = [source(0, "plain", &plain), source(1, "a", &lattice), source(1, "b", &other)];
    let decoders = [("second".to_owned(), other.clone()), ("nothing".to_owned(), plain.clone())];
    let Trained { probe, unused, .. } = train_request(&sources, &decoders, PlanRequest::default());
    assert!(unused.is_empty());
    let card = &probe.card;
    assert!(!card.profile.is_confounded(), "{:?}", card.profile.warnings);
    assert_eq!((card.plan.side, card.plan.sizing, card.plan.jpeg), (128, Sizing::CentreCrop, None));
    let auc = card.evaluation.separation.auc;
    assert!(auc.value > 0.95 && auc.low > 0.8, "{auc:?}");
    assert!(!card.controls.shuffle.is_above_chance(), "{:?}", card.controls.shuffle);
    assert_eq!(card.controls.leave_one_out.len(), 2);
    assert!(card.controls.leave_one_out.iter().all(|control| control.recognised.low > 0.5));
    assert!(card.controls.decoders[0].shares[1].low > 0.5, "{:?}", card.controls.decoders);
    assert!(card.controls.decoders[1].shares[1].high < 0.5, "{:?}", card.controls.decoders);
    let blurred = card.controls.robustness.last().unwrap();
    assert!(blurred.separation.balanced_accuracy.value < 0.7, "{blurred:?}");
    let peak =
        |index: usize| card.signatures[index].peaks.iter().find(|peak| peak.period == 8).unwrap().score;
    assert!(peak(1) > 2.0 * peak(0), "{} and {}", peak(1), peak(0));
    assert_eq!(judge_probe(card).claim, Claim::Decoder);

    // The file holds all of it, byte for byte, and the answers are the same.
    let path = folder.path().join("probe.safetensors");
    save_probe(&probe, &path).unwrap();
    let read = load(&path).unwrap();
    assert_eq!(read.card, probe.card);
    assert_eq!(probe_to_bytes(&read).unwrap(), fs::read(&path).unwrap());
    let again = train_request(&sources, &decoders, PlanRequest::default());
    assert_eq!(probe_to_bytes(&again.probe).unwrap(), fs::read(&path).unwrap(), "same input, same bytes");
    let unseen = write(folder.path(), "unseen", |seed| png(&with_lattice(&texture(seed, 144, 130))), 5_000);
    let applied = apply_to(&read, &unseen, &DecodeLimits::default(), &mut |_| {}).unwrap();
    let summary = applied.summary(2, 0).unwrap();
    assert!(summary.shares[1].low > 0.8, "{summary:?}");
    assert!(judge_answer(&read.card, &summary)[0].to_string().starts_with("Of 60 images in 60 groups, "));

    check_hostile(&fs::read(&path).unwrap(), folder.path());
}

/// Cut short, with bytes turned over, or something else altogether: one error, and never a panic.
fn check_hostile(bytes: &[u8], folder: &Path) {
    let path = folder.join("hostile");
    let refuse = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        load(&path).err().expect("a damaged probe is refused")
    };
    for length in [0, 1, 7, 8, 9, 100, 5_000, bytes.len() / 2, bytes.len() - 1] {
        refuse(&bytes[..length]);
    }
    refuse(b"\xff\xff\xff\xff\xff\xff\xff\x7f{}");
    refuse(b"plain text, no probe at all");
    let header_end = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for place in (0..header_end).step_by(header_end / 97) {
        let mut turned = bytes.to_vec();
        turned[place] ^= 0x15;
        fs::write(&path, turned).unwrap();
        // A changed letter in a name may be harmless; what matters is that nothing panics.
        drop(load(&path));
    }
    let text = String::from_utf8_lossy(&bytes[8..header_end]).into_owned();
    for (from, to) in [
        ("\\\"format_version\\\":1", "\\\"format_version\\\":9"),
        ("\\\"kind\\\":\\\"spectrum\\\"", "\\\"kind\\\":\\\"residual\\\""),
        ("\\\"side\\\":128", "\\\"side\\\":000"),
        ("distance.mean", "distance.mess"),
    ] {
        assert!(text.contains(from), "{from}");
        let mut changed = bytes.to_vec();
        changed.splice(8..header_end, text.replacen(from, to, 1).into_bytes());
        refuse(&changed);
    }
}

/// The same images as PNG and as JPEG: told apart before, at chance afterwards.
#[test]
fn formats_are_flagged_and_made_alike() {
    let folder = tempfile::tempdir().unwrap();
    for (quality, subsampling) in [(80, Subsampling::Half), (60, Subsampling::None)] {
        let name = format!("jpeg {quality}");
        let plain = write(folder.path(), "png", |seed| png(&texture(seed, 128, 128)), 0);
        let jpeg = |seed| encode_jpeg(&texture(seed, 128, 128), quality, subsampling).unwrap();
        let compressed = write(folder.path(), &name, jpeg, 2_000);
        let raw = PlanRequest { jpeg: JpegRequest::None, ..PlanRequest::default() };
        let before = train_on([plain.clone(), compressed.clone()], raw).probe.card;
        assert!(before.profile.separates(Fact::Format) && before.profile.separates(Fact::QuantisationTables));
        assert!(before.evaluation.separation.auc.low > 0.8, "{name}: {:?}", before.evaluation.separation);
        assert!(judge_probe(&before).claim <= Claim::Generators);

        let after = train_on([plain, compressed], PlanRequest::default()).probe.card;
        assert!(after.profile.separates(Fact::Format));
        assert_eq!(after.plan.jpeg.unwrap().quality, quality);
        let separation = after.evaluation.separation;
        assert!(separation.auc.contains(0.5), "{name}: {separation:?}");
        assert!(separation.balanced_accuracy.contains(0.5), "{name}: {separation:?}");
        assert_eq!(judge_probe(&after).claim, Claim::Nothing);
    }
}

/// The same images at two sizes, the larger enlarged: told apart by native crops, which is said, at chance once all are scaled.
#[test]
fn sizes_are_flagged_and_made_alike() {
    let folder = tempfile::tempdir().unwrap();
    let small = write(folder.path(), "small", |seed| png(&texture(seed, 256, 256)), 0);
    let enlarged = |seed| png(&resize(&texture(seed, 256, 256), 512, 512, Filter::Bicubic));
    let large = write(folder.path(), "large", enlarged, 3_000);
    let crops = PlanRequest { sizing: Some(SizingRequest::Centre), ..PlanRequest::default() };
    let before = train_on([small.clone(), large.clone()], crops).probe.card;
    assert!(before.profile.separates(Fact::Size));
    assert!(before.evaluation.separation.auc.low > 0.8, "{:?}", before.evaluation.separation);
    assert!(before.plan_notes[0].contains("may come from the sizes alone"));
    assert!(judge_probe(&before).claim <= Claim::Generators);

    let after = train_on([small, large], PlanRequest::default()).probe.card;
    assert_eq!((after.plan.sizing, after.plan.side), (Sizing::Scaled, 128));
    assert!(after.evaluation.separation.auc.contains(0.5), "{:?}", after.evaluation.separation);

    // Images that only have more of the same pixels: crops alone make them alike. The crop begins at a knot of the texture, as the small
    // ones do.
    let more = write(folder.path(), "more", |seed| png(&texture(seed, 384, 384)), 4_000);
    let small = list_images(folder.path().join("small").to_str().unwrap()).unwrap();
    let cropped = train_on([small, more], crops).probe.card;
    assert!(cropped.evaluation.separation.auc.contains(0.5), "{:?}", cropped.evaluation.separation);
}
