use imgeval_report::{
    figures::{
        Figure, FigureError, GridItem, HeatMap, LinePoint, LineSeries, confidence_histogram, figures_of,
        forest_plot, heat_maps, lines, matrix, overall_bars, part_bars, part_radar, qualitative_grid,
    },
    model::{Board, BoardRow, Cell, Report, RowSource},
};
use resvg::usvg;

use crate::samples::{board, check_fixture, comparison, interval};

/// An image of so many pixels, in one color.
fn picture(width: u32, height: u32, color: [u8; 3]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&color.repeat((width * height) as usize)).unwrap();
    writer.finish().unwrap();
    file
}

fn examples() -> Vec<GridItem> {
    let item = |color, prompt: &str, is_correct, reason: &str| GridItem {
        image: Some(picture(12, 8, color)),
        prompt: prompt.to_owned(),
        verdict: if is_correct { "correct" } else { "wrong" }.to_owned(),
        is_correct: Some(is_correct),
        reason: reason.to_owned(),
    };
    vec![
        item([200, 40, 40], "a photo of a red vase", true, ""),
        item([40, 160, 60], "a photo of a red vase", false, "expected red vase>=1, found 0 red; and 1 green"),
        GridItem {
            image: None,
            prompt: "<script>alert(1)</script> & \u{202e}turned\u{200f} 一张猫的照片 🐈 عربي".to_owned(),
            verdict: "refused".to_owned(),
            is_correct: None,
            reason: "word ".repeat(20_000),
        },
    ]
}

fn curves() -> Vec<LineSeries> {
    let point = |x: f64, y: Option<f64>| LinePoint { x, y, interval: y.map(|y| (y - 0.05, y + 0.05)) };
    vec![
        LineSeries {
            name: "NPR".to_owned(),
            points: vec![
                point(100.0, Some(0.83)),
                point(90.0, Some(0.5)),
                point(75.0, None),
                point(50.0, Some(0.34)),
            ],
        },
        LineSeries {
            name: "Effort & more".to_owned(),
            points: vec![point(100.0, Some(0.95)), point(90.0, Some(f64::NAN)), point(75.0, Some(0.9))],
        },
    ]
}

fn numbers() -> Vec<Vec<Option<f64>>> {
    vec![
        vec![Some(1.0), Some(0.25), None],
        vec![Some(0.25), Some(1.0), Some(-0.5)],
        vec![Some(f64::NAN), Some(-0.5)],
    ]
}

fn field(values: Vec<f64>) -> HeatMap {
    HeatMap { label: "<a>".to_owned(), note: "\u{202e}".to_owned(), values, range: (0.0, 1.0) }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const PAPER_COUNTS: [u64; 10] = [108, 18, 13, 9, 10, 12, 10, 18, 28, 329];

/// One of each kind.
fn ordinary() -> Vec<Figure> {
    let board = board();
    vec![
        overall_bars(&board),
        part_bars(&board, &[4, 5, 6, 7]),
        part_radar(&four_columns(), &[0, 2, 4, 5]).unwrap(),
        confidence_histogram("GPT-4o's decoder", PAPER_COUNTS, "VAR", "diffusion"),
        qualitative_grid(&examples(), 3),
        forest_plot(&comparison()),
        matrix("Similarity", &names(&["Flux", "Infinity <8B>", "unknown"]), &numbers()),
        lines("Robustness", "JPEG quality", "accuracy", &curves()),
    ]
}

/// A radar needs three axes beside the overall score.
fn four_columns() -> Board {
    let mut board = board();
    board.columns.push("colors".to_owned());
    for (place, row) in board.rows.iter_mut().enumerate() {
        row.cells.push(Cell { value: (place != 2).then_some(0.1 * place as f64), ..Cell::default() });
    }
    board
}

/// Thirty rows of long names with everything that can be wrong with a score.
fn nasty_board() -> Board {
    let values = [Some(0.0), None, Some(1.0), Some(f64::NAN), Some(0.5)];
    let row = |place: usize| BoardRow {
        name: format!(
            "{place} a_very_long_name/of-a-run-that-never-seems-to-end {} 一张猫的照片",
            "W".repeat(24)
        ),
        group: String::new(),
        source: RowSource::Run { run: place, observer: 0 },
        cells: (0..3)
            .map(|column| Cell {
                value: values[(place + column) % values.len()],
                interval: Some(if place.is_multiple_of(3) {
                    interval(f64::NAN, 2.0)
                } else {
                    interval(0.0, 1.0)
                }),
                ..Cell::default()
            })
            .collect(),
        note: if place.is_multiple_of(2) { "preview, not comparable".to_owned() } else { String::new() },
        fingerprint: String::new(),
    };
    Board { rows: (0..30).map(row).collect(), ..board() }
}

fn nasty() -> Vec<Figure> {
    let board = nasty_board();
    let all: Vec<usize> = (0..40).collect();
    let mut zero = comparison();
    for line in &mut zero.lines {
        line.difference = line.difference.map(|_| 0.0);
        line.interval = None;
    }
    zero.lines.push(zero.lines[0].clone());
    zero.lines[1].part = "a part whose name has many more letters than there is any room for".to_owned();
    zero.a = "x".repeat(200);
    let labels: Vec<String> =
        (0..30).map(|place| format!("generator number {place} with a long name")).collect();
    let many = (0..30)
        .map(|row| (0..30).map(|column| Some(-0.01 * (row * column) as f64)).collect())
        .collect::<Vec<_>>();
    let spectrum = |shift: f64| LineSeries {
        name: format!("spectrum {shift}"),
        points: (0..200)
            .map(|x| {
                let y = 1e4 / (f64::from(x) + shift);
                LinePoint { x: f64::from(x), y: Some(y), interval: Some((0.8 * y, 1.2 * y)) }
            })
            .collect(),
    };
    vec![
        overall_bars(&board),
        overall_bars(&Board { rows: Vec::new(), ..board.clone() }),
        part_bars(&board, &all),
        part_bars(&board, &[]),
        confidence_histogram("", [0; 10], "", ""),
        confidence_histogram("all", [u64::MAX; 10], &"left ".repeat(99), &"right ".repeat(99)),
        qualitative_grid(&[], 0),
        qualitative_grid(&examples().into_iter().cycle().take(12).collect::<Vec<_>>(), 99),
        forest_plot(&zero),
        forest_plot(&imgeval_report::model::ComparisonView { lines: Vec::new(), ..comparison() }),
        matrix("nothing", &[], &[]),
        matrix("thirty", &labels, &many),
        lines("nothing", "", "", &[]),
        heat_maps("nothing", &[]).unwrap(),
        heat_maps(
            "fields",
            &[field(vec![0.0, f64::NAN, 1.0, f64::INFINITY]), field(vec![]), field(vec![1.0; 3])],
        )
        .unwrap(),
        lines("spectra", "frequency", "power", &[spectrum(1.0), spectrum(20.0), spectrum(50.0)]),
    ]
}

#[test]
fn figures_look_as_committed() {
    for figure in ordinary() {
        check_fixture(&format!("{}.svg", figure.name), &figure.svg);
    }
}

#[test]
fn every_figure_is_well_formed_and_stands_alone() {
    for figure in ordinary().into_iter().chain(nasty()) {
        let document = roxmltree::Document::parse(&figure.svg).unwrap();
        usvg::Tree::from_str(&figure.svg, &usvg::Options::default()).unwrap();
        for node in document.descendants() {
            assert_ne!(node.tag_name().name(), "script", "{}", figure.name);
            for attribute in node.attributes() {
                let value = attribute.value();
                assert!(!value.contains("NaN") && !value.contains("inf"), "{}: {value}", figure.name);
                assert!(!attribute.name().starts_with("on"), "{}", figure.name);
                if attribute.name() == "href" {
                    assert!(value.starts_with("data:image/"), "{}", figure.name);
                }
            }
        }
        let text = figure.svg.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http") && !text.contains(['\u{202e}', '\u{200f}']), "{}", figure.name);
        assert!(!figure.alternative.is_empty() && !figure.alternative.contains("NaN"), "{}", figure.name);
        assert!(document.descendants().any(|node| node.tag_name().name() == "desc"));
    }
}

#[test]
fn equal_input_gives_equal_bytes() {
    for (a, b) in ordinary().into_iter().zip(ordinary()) {
        assert!(a.svg == b.svg);
        assert!(a.render_png(96).unwrap() == b.render_png(96).unwrap());
        assert!(a.render_pdf().unwrap() == b.render_pdf().unwrap());
    }
}

/// All text is inside the image, and no line of a name lies over another: judged by usvg's own layout.
#[test]
fn nothing_leaves_the_picture() {
    let mut options = usvg::Options { font_family: "DejaVu Sans".to_owned(), ..usvg::Options::default() };
    options.fontdb_mut().load_font_data(include_bytes!("../../assets/DejaVuSans-figures.ttf").to_vec());
    for figure in ordinary().into_iter().chain(nasty()) {
        let tree = usvg::Tree::from_str(&figure.svg, &options).unwrap();
        let drawn = tree.root().abs_bounding_box();
        let (width, height) = (tree.size().width(), tree.size().height());
        assert!(drawn.left() >= -0.1 && drawn.right() <= width + 0.1, "{}: {drawn:?}", figure.name);
        assert!(drawn.top() >= -0.1 && drawn.bottom() <= height + 0.1, "{}: {drawn:?}", figure.name);
    }
}

#[test]
fn a_png_has_the_size_and_the_resolution_that_it_tells() {
    let figure = confidence_histogram("sizes", PAPER_COUNTS, "VAR", "diffusion");
    let document = roxmltree::Document::parse(&figure.svg).unwrap();
    let side = |name| document.root_element().attribute(name).unwrap().parse::<f64>().unwrap();
    let file = figure.render_png(300).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(file.as_slice())).read_info().unwrap();
    let info = reader.info();
    assert_eq!(f64::from(info.width), (side("width") * 300.0 / 96.0).round());
    assert_eq!(f64::from(info.height), (side("height") * 300.0 / 96.0).round());
    let dimensions = info.pixel_dims.unwrap();
    assert_eq!((dimensions.xppu, dimensions.yppu, dimensions.unit), (11_811, 11_811, png::Unit::Meter));
}

#[test]
fn a_png_shows_the_text_and_the_pictures() {
    let colors_of = |figure: &Figure| -> std::collections::BTreeSet<[u8; 3]> {
        let file = figure.render_png(96).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file.as_slice())).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        pixels.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    };
    let grid = colors_of(&qualitative_grid(&examples(), 3));
    assert!(grid.contains(&[200, 40, 40]) && grid.contains(&[40, 160, 60]));
    let text = colors_of(&matrix("a title and nothing else", &[], &[]));
    assert!(text.iter().any(|[red, ..]| *red < 80), "the title is dark on white");
}

#[test]
fn resolutions_that_make_no_sense_are_refused() {
    let figure = matrix("x", &[], &[]);
    assert!(matches!(figure.render_png(0), Err(FigureError::Resolution { dpi: 0 })));
    assert!(matches!(figure.render_png(9999), Err(FigureError::Resolution { .. })));
}

/// What a PDF says of itself, without a reader of PDF.
fn count_in(file: &[u8], text: &str) -> usize {
    file.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

#[test]
fn a_pdf_is_one_page_of_the_size_of_the_figure() {
    for figure in ordinary().into_iter().chain(nasty()) {
        let file = figure.render_pdf().unwrap();
        assert!(file.starts_with(b"%PDF-1.7") && file.ends_with(b"%%EOF"), "{}", figure.name);
        assert_eq!(count_in(&file, "/Type /Page\n"), 1, "{}", figure.name);
        let document = roxmltree::Document::parse(&figure.svg).unwrap();
        let side = |name| document.root_element().attribute(name).unwrap().parse::<f64>().unwrap();
        let page = format!("/MediaBox [0 0 {} {}]", 0.75 * side("width"), 0.75 * side("height"));
        assert_eq!(count_in(&file, &page), 1, "{}: {page}", figure.name);
    }
}

#[test]
fn a_pdf_holds_hatches_and_pictures_and_nothing_to_run_or_fetch() {
    let bars = part_bars(&board(), &[4, 5, 6, 7]).render_pdf().unwrap();
    assert!(count_in(&bars, "/PatternType 1") > 0);
    let grid = qualitative_grid(&examples(), 3).render_pdf().unwrap();
    assert_eq!(count_in(&grid, "/Subtype /Image"), 2);
    for file in [bars, grid] {
        for word in ["/JavaScript", "/URI", "/OpenAction", "/EmbeddedFile"] {
            assert_eq!(count_in(&file, word), 0, "{word}");
        }
    }
}

#[test]
fn what_no_figure_of_ours_has_is_refused_rather_than_drawn_wrongly() {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><defs><linearGradient id='g'><stop/><stop offset='1' \
               stop-color='red'/></linearGradient></defs><rect width='9' height='9' fill='url(#g)'/></svg>";
    let figure = Figure { svg: svg.to_owned(), ..matrix("x", &[], &[]) };
    let error = figure.render_pdf().unwrap_err();
    assert!(matches!(error, FigureError::Foreign { what: "a gradient" }), "{error}");
}

#[test]
fn a_radar_has_at_most_four_rows_and_at_least_three_axes() {
    let board = four_columns();
    assert!(part_radar(&board, &[0, 1, 2, 3]).is_some());
    assert!(part_radar(&board, &[0, 1, 2, 3, 4]).is_none());
    assert!(part_radar(&self::board(), &[0]).is_none(), "two axes are no radar");
}

#[test]
fn figures_of_a_report_have_names_of_their_own() {
    let report = Report {
        boards: vec![board(), Board { suite: "wise".to_owned(), rows: Vec::new(), ..board() }],
        comparisons: vec![comparison(), comparison()],
        ..Report::default()
    };
    let names: Vec<String> = figures_of(&report).into_iter().map(|figure| figure.name).collect();
    assert_eq!(names, ["geneval-overall", "geneval-parts", "geneval-difference-1", "geneval-difference-2"]);
}

#[test]
fn the_alternative_tells_the_numbers() {
    let text = overall_bars(&board()).alternative;
    for fact in [
        "GPT-4o: overall 0.84.",
        "overall 0.84 (0.81 to 0.88)",
        "unseen (not evaluated yet): overall without a score",
    ] {
        assert!(text.contains(fact), "{fact} is not in {text}");
    }
    let text = forest_plot(&comparison()).alternative;
    assert!(text.contains("position: +0.221 [+0.153, +0.289], significant."), "{text}");
    assert!(text.contains("counting: \u{2212}0.012 [\u{2212}0.071, +0.046], not significant."), "{text}");
}

/// Writes all figures as PNG into the folder that `SHOW_FIGURES` names, to be looked at.
#[test]
fn figures_can_be_looked_at() {
    for (place, figure) in ordinary().into_iter().chain(nasty()).enumerate() {
        let file = figure.render_png(110).unwrap();
        assert!(file.len() > 500);
        if let Some(folder) = std::env::var_os("SHOW_FIGURES") {
            std::fs::write(
                std::path::Path::new(&folder).join(format!("{place:02}-{}.png", figure.name)),
                file,
            )
            .unwrap();
            let pdf = std::path::Path::new(&folder).join(format!("{place:02}-{}.pdf", figure.name));
            std::fs::write(pdf, figure.render_pdf().unwrap()).unwrap();
        }
    }
}
