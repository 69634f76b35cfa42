//! What overlays show, on images made here.

use imgeval_core::Pixels;
use imgeval_metrics::{
    locality::{Bits, EditedRegion},
    plane::lab::{delta_e, lab_of_8_bit},
    registration::{AlignedPair, Alignment},
};
use imgeval_suites::checks::ReadLine;

use super::{
    BlurMap, CHANGE_MAX, Panel, Row, Scale, Sheet, TextCounts, WIDEST, cast_panel, changes_panel,
    color_map::{BLUE, GREEN, VERMILION},
    frame_panel, heat, region_panel, text_panel,
};

fn image(width: u32, height: u32, color: impl Fn(u32, u32) -> [u8; 3]) -> Pixels {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    Pixels::new(width, height, places.flat_map(|(x, y)| color(x, y)).collect()).unwrap()
}

/// Something to see everywhere.
fn pattern(x: u32, y: u32) -> [u8; 3] {
    [(x * 7 + y * 3) % 160 + 40, (x * 3 + y * 11) % 160 + 40, (x * 5 + y * 5) % 160 + 40]
        .map(|value| value as u8)
}

#[test]
fn colors_of_the_scale_are_evenly_apart_and_grow_lighter() {
    let colors: Vec<_> = (0..=32).map(|step| lab_of_8_bit(heat(f64::from(step) / 32.0))).collect();
    let steps: Vec<f32> = colors.windows(2).map(|two| delta_e(two[0], two[1])).collect();
    let mean = steps.iter().sum::<f32>() / steps.len() as f32;
    // Steps across a stop, where the way through CIELAB bends, are shorter.
    assert!(steps.iter().all(|step| (0.65..1.15).contains(&(step / mean))), "{steps:?}");
    assert!(colors.windows(2).all(|two| two[0][0] < two[1][0]));
    assert_eq!((heat(-1.0), heat(7.0), heat(f64::NAN)), (heat(0.0), heat(1.0), heat(0.0)));
}

#[test]
fn an_edit_is_hot_and_its_leak_has_another_color() {
    let is_edited = |x: u32, y: u32| (40..80).contains(&x) && (40..80).contains(&y);
    let source = image(128, 96, pattern);
    let edited = image(128, 96, |x, y| if is_edited(x, y) { [250, 30, 30] } else { pattern(x, y) });
    let pair = AlignedPair::new(&source, &edited, &Alignment::IDENTITY, 512);
    let found = EditedRegion::find(&pair).unwrap();
    let change = changes_panel(&pair, &found).unwrap().image;
    assert_eq!((change.at(60, 60), change.at(10, 10)), (heat(1.0), heat(0.0)), "{CHANGE_MAX}");
    let mask = Bits::new(128, (0..128 * 96).map(|place| place % 128 < 60).collect()).unwrap();
    let region = region_panel(&pair, &found, Some(&mask)).image;
    let inside = edited.at(50, 60);
    assert_eq!(region.at(50, 60), inside, "what may change is only outlined");
    assert!(region.at(72, 60) != inside && region.at(100, 10) == edited.at(100, 10));
    assert_eq!(region_panel(&pair, &found, None).image.at(60, 60), inside);
}

#[test]
fn what_is_cut_off_is_dark_and_what_is_added_gray() {
    let source = image(200, 100, |_, _| [200; 3]);
    let panel = frame_panel(&source, &Alignment { a: [0.5, 1.2], b: [0.25, -0.1] }).image;
    assert_eq!((panel.width(), panel.height()), (200, 120));
    assert_eq!(panel.at(100, 60), [200; 3]);
    assert!(panel.at(20, 60)[0] < 160 && panel.at(180, 60)[0] < 160);
    assert_eq!((panel.at(51, 60), panel.at(100, 5)), (VERMILION, [222; 3]));
    // However far an alignment reaches, the image stays small.
    let far = frame_panel(&source, &Alignment { a: [90.0, 90.0], b: [-40.0, -40.0] }).image;
    assert_eq!((far.width(), far.height()), (400, 200));
}

#[test]
fn blur_is_mapped_where_there_are_edges() {
    let pixels = image(256, 128, |x, _| {
        // A sharp edge every 16 pixels at the left, nothing at the right.
        if x < 128 && x / 16 % 2 == 0 { [220; 3] } else { [40; 3] }
    });
    let map = BlurMap::of(&pixels);
    assert!(map.covered() > 0.3 && map.covered() < 0.8, "{}", map.covered());
    assert!(map.median().unwrap() < 1.0, "{:?}", map.median());
    let tiny = image(9, 7, |_, _| [1; 3]);
    let map = BlurMap::of(&tiny);
    assert_eq!((map.covered(), map.median(), map.draw(&tiny).width()), (0.0, None, 9));
}

#[test]
fn characters_have_the_color_of_what_they_are() {
    let line = |text: &str, top: f64| ReadLine {
        text: text.to_owned(),
        corners: [[10.0, top], [110.0, top], [110.0, top + 30.0], [10.0, top + 30.0]],
        confidence: 0.9,
    };
    let pixels = image(200, 120, |_, _| [255; 3]);
    let lines = [line("HH", 10.0), line("XYZ!", 70.0)];
    let (panel, counts) = text_panel(&pixels, &lines, &["HM"]).unwrap();
    assert_eq!(counts, TextCounts { right: 1, wrong: 1, extra: 4, missing: 0 });
    let rim = |x: u32, y: u32| panel.image.at(x, y);
    assert_eq!((rim(20, 11), rim(100, 11), rim(50, 71), rim(150, 20)), (GREEN, VERMILION, BLUE, [255; 3]));
    assert!(text_panel(&pixels, &lines, &[""]).is_err());
}

#[test]
fn sheets_are_never_too_wide_whatever_is_on_them() {
    let panel = cast_panel("answer", [60.0, 5.0, 20.0]);
    assert!(
        panel.image.at(10, 10)[0] > panel.image.at(10, 10)[2] && {
            let [red, green, blue] = panel.image.at(200, 10);
            red.abs_diff(green) < 2 && green.abs_diff(blue) < 2
        }
    );
    let wide = Panel::new("\u{62db}\u{724c} and a very long heading ".repeat(20), image(3000, 40, pattern));
    let row =
        || Row { panels: vec![panel.clone(), wide.clone(), panel.clone()], notes: vec!["x".repeat(900)] };
    for (rows, columns) in [(vec![], 0), (vec![row()], 1), (vec![row(), row(), row()], 2)] {
        let scale = Some(Scale { max: 20.0, label: "dE".to_owned() });
        let sheet =
            Sheet { title: "t".repeat(400), rows, columns, scale, notes: vec!["\u{1F600}".to_owned()] };
        let drawn = sheet.draw();
        assert!(drawn.width() <= WIDEST && drawn.height() < 3000, "{}x{}", drawn.width(), drawn.height());
    }
}
