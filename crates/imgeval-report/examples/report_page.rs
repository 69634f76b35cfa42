//! Writes a page of made-up runs, to look at and to measure: `report_page OUT SCENARIO [N] [--single-file]`.
//!
//! SCENARIO is `many` (N samples in four runs, of a detector and a judge), `models` (N prompts by ten models, 553 if no N is
//! given), `repeats` (N prompts by three models, four images each), `hostile` (texts that try to be more), `odd` (failures,
//! half a run, different suites, nobody looked yet), `edits`, `rounds` (sessions by three models), `one` (a single image) or `none` (no image). Images are
//! rendered scenes; names, scores and replies are made up and say nothing about any model.

#![allow(clippy::disallowed_methods, reason = "a tool for measurements")]

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use fastrand::Rng;
use image::{Rgb, RgbImage};
use imgeval_core::Mask;
use imgeval_report::{
    figures::{Figure, FigureSection},
    model::{
        Board, BoardRow, Cell, ComparisonKind, ComparisonView, CoverageLine, DifferenceLine, ImageView,
        IntervalView, ObjectView, ObserverKind, ObserverView, Opinion, ProtocolView, Report, RowSource,
        RunView, SampleView,
    },
    page::{Originals, PageOptions, PageWriter},
    rounds::{RoundsModel, RoundsView, SessionModelView, SessionRoundView, SessionView},
};
use sha2::{Digest as _, Sha256};

type Outcome<T> = Result<T, Box<dyn Error>>;

const TAGS: [&str; 6] =
    ["single object", "two objects", "counting", "colors", "position", "color attribution"];
const COLORS: [(&str, [u8; 3]); 6] = [
    ("red", [204, 62, 54]),
    ("orange", [226, 140, 48]),
    ("yellow", [232, 201, 72]),
    ("green", [74, 149, 92]),
    ("blue", [58, 112, 178]),
    ("purple", [131, 84, 160]),
];

const MODELS: [&str; 10] = [
    "aurora-1",
    "aurora-2-large",
    "basalt",
    "cirrus-mini",
    "cirrus-pro",
    "delta-image-preview-2026-03",
    "ember",
    "fjord-xl",
    "glacier",
    "harbor-edit",
];

fn main() -> Outcome<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let single_file = arguments.iter().any(|argument| argument == "--single-file");
    arguments.retain(|argument| argument != "--single-file");
    let [out, scenario, n @ ..] = arguments.as_slice() else {
        return Err("usage: report_page OUT SCENARIO [N] [--single-file]".into());
    };
    let given: Option<usize> = n.first().map(|n| n.parse()).transpose()?;
    let n = given.unwrap_or(10_000);
    let out = Path::new(out);
    let pictures = out.with_extension("pictures");
    fs::create_dir_all(&pictures)?;
    let mut maker = Maker { pictures: pictures.clone(), samples: Vec::new(), shots: Vec::new() };
    let mut report = match scenario.as_str() {
        "many" => maker.many(n)?,
        "models" => maker.models(&MODELS, given.unwrap_or(553), 1)?,
        "repeats" => maker.models(&MODELS[..3], given.unwrap_or(60), 4)?,
        "hostile" => maker.hostile()?,
        "odd" => maker.odd()?,
        "edits" => maker.edits()?,
        "rounds" => maker.rounds()?,
        "one" => maker.small(1)?,
        "none" => maker.small(0)?,
        other => return Err(format!("there is no scenario `{other}`").into()),
    };
    maker.count(&mut report);
    let figures = if scenario == "many" { vec![figure(&report)] } else { Vec::new() };
    let mut page = PageWriter::create(out, PageOptions { single_file }, &maker)?;
    for sample in &maker.samples {
        page.add(sample)?;
    }
    for (name, bytes) in &maker.shots {
        page.put("overlays", name, bytes)?;
    }
    let written = page.finish(&report, &figures)?;
    if written.n_broken > 0 && scenario != "odd" {
        return Err(format!("{} pictures cannot be shown", written.n_broken).into());
    }
    Ok(())
}

struct Maker {
    pictures: PathBuf,
    samples: Vec<SampleView>,
    /// Images of sessions, by name.
    shots: Vec<(String, Vec<u8>)>,
}

impl Originals for Maker {
    fn path(&self, _run: usize, image: &ImageView) -> Option<PathBuf> {
        Some(self.pictures.join(format!("{}.{}", image.hash, image.extension)))
    }
}

impl Maker {
    /// Four runs over the same cases, looked at by a detector and by a judge.
    fn many(&mut self, n: usize) -> Outcome<Report> {
        let names = ["model one", "model two", "model three", "model one, fresh prompts"];
        for run in 0..names.len() {
            for case in 0..n / names.len() {
                let mut rng = Rng::with_seed((run * n + case) as u64);
                let tag = TAGS[case % TAGS.len()];
                let skill = 0.8 - 0.12 * run as f64;
                let mut sample = self.scene_sample(run, case, tag, skill, &mut rng)?;
                if rng.f64() < 0.02 {
                    fail(&mut sample, "refused", "the provider answered that it does not draw this");
                } else if rng.f64() < 0.5 {
                    let verdict = sample.opinions[0].is_correct == Some(true);
                    sample.opinions.push(judge_opinion(1, verdict ^ (rng.f64() < 0.15), &mut rng));
                }
                self.samples.push(sample);
            }
        }
        let runs = names.iter().map(|name| run_view(name, "geneval", vec![detector(), judge()])).collect();
        let mut report = report("Four models, ten thousand pictures", runs);
        report.boards.push(self.board(&report, "geneval", &TAGS));
        report.comparisons.push(comparison(&report.boards[0], 0, 2));
        Ok(report)
    }

    /// Runs of one suite, each compared with each.
    fn models(&mut self, names: &[&str], n_prompts: usize, n_images: usize) -> Outcome<Report> {
        for run in 0..names.len() {
            for case in 0..n_prompts {
                let hardness = Rng::with_seed(case as u64).f64();
                for index in 0..n_images {
                    let mut rng = Rng::with_seed(((run * n_prompts + case) * n_images + index) as u64);
                    let tag = TAGS[case % TAGS.len()];
                    let skill = (1.25 - 0.05 * run as f64 - hardness).clamp(0.02, 0.98);
                    let mut sample = self.scene_sample(run, case, tag, skill, &mut rng)?;
                    sample.index = u32::try_from(index)?;
                    if rng.f64() < 0.01 {
                        fail(&mut sample, "refused", "the provider answered that it does not draw this");
                    }
                    self.samples.push(sample);
                }
            }
        }
        let mut runs: Vec<RunView> =
            names.iter().map(|name| run_view(name, "geneval", vec![detector()])).collect();
        runs.iter_mut().for_each(|run| run.model.clone_from(&run.name));
        let mut report = report(&format!("{} models on {n_prompts} prompts", names.len()), runs);
        let mut board = self.board(&report, "geneval", &TAGS);
        let rows = || 0..names.len();
        for a in rows() {
            report.comparisons.extend(rows().skip(a + 1).map(|b| comparison(&board, a, b)));
        }
        rank(&mut board, &report.comparisons);
        board.rows.splice(0..0, published_rows(board.columns.len()));
        report.boards.push(board);
        Ok(report)
    }

    fn hostile(&mut self) -> Outcome<Report> {
        let attack = "<script>window.ran=1;alert(1)</script>";
        let long = format!("long {}", "<b>words & more</b> ".repeat(5_000));
        let texts = [
            attack.to_owned(),
            "</script><script>window.ran=2</script>".to_owned(),
            "\"><img src=x onerror=\"window.ran=3\">'`${window.ran=4}`{{script}}".to_owned(),
            "]]> <!-- <style>body{display:none}</style> -->".to_owned(),
            "right\u{202e}tfel \u{2066}isolate\u{2069} \u{200f}mark".to_owned(),
            "line\u{2028}separator\u{2029}paragraph\u{0}nul\u{1b}[31m".to_owned(),
            "emoji 👩‍🚀🏳️‍🌈 é̂ 漢字 العربية".to_owned(),
            "javascript:window.ran=5 https://example.org/x.png".to_owned(),
            "__proto__ constructor \\u003cscript\\u003e".to_owned(),
            long,
        ];
        for (case, text) in texts.iter().enumerate() {
            let mut rng = Rng::with_seed(case as u64);
            let mut sample = self.scene_sample(0, case, "two objects", 0.5, &mut rng)?;
            let mark = |text: &str| text.to_owned();
            (sample.case, sample.part) = (text.chars().take(60).collect(), text.chars().take(40).collect());
            (sample.prompt, sample.expectation, sample.detail) = (mark(text), mark(text), mark(text));
            let opinion = &mut sample.opinions[0];
            (opinion.detail, opinion.reasons) = (mark(text), mark(text));
            opinion.replies = vec![mark(text), "{\"score\": 1}</script>".to_owned()];
            if let Some(object) = opinion.objects.first_mut() {
                object.name = text.chars().take(80).collect();
            }
            self.samples.push(sample);
        }
        let mut run = run_view(&texts[1], attack, vec![detector()]);
        (run.model, run.prompts, run.spend) = (texts[2].clone(), texts[4].clone(), texts[0].clone());
        run.facts = texts
            .iter()
            .map(|text| (text.chars().take(90).collect(), text.chars().take(400).collect()))
            .collect();
        run.coverage = vec![CoverageLine {
            kind: attack.to_owned(),
            count: 3,
            meaning: texts[1].clone(),
            examples: texts[..3].to_vec(),
        }];
        let mut report = report("</title><script>window.ran=6</script>", vec![run]);
        report.notes = texts[..9].to_vec();
        report.boards.push(self.board(&report, attack, &[&texts[0], &texts[1]]));
        report.boards[0].rows[0].name.clone_from(&texts[2]);
        report.boards[0].published_source.clone_from(&texts[0]);
        Ok(report)
    }

    fn odd(&mut self) -> Outcome<Report> {
        let mut runs = Vec::new();
        // Three of ten fail.
        for case in 0..40 {
            let mut rng = Rng::with_seed(case as u64);
            let mut sample = self.scene_sample(0, case, TAGS[case % 6], 0.7, &mut rng)?;
            match case % 10 {
                0 => fail(&mut sample, "timed-out", "no answer within 120 s"),
                1 => fail(&mut sample, "moderated", "the provider's filter stopped the picture"),
                2 => fail(&mut sample, "corrupt", "the PNG ends within its pixels"),
                _ => {}
            }
            self.samples.push(sample);
        }
        runs.push(run_view("thirty percent failed", "geneval", vec![detector()]));
        // Half done.
        for case in 0..12 {
            let mut rng = Rng::with_seed(100 + case as u64);
            let sample = self.scene_sample(1, case, TAGS[case % 6], 0.7, &mut rng)?;
            self.samples.push(sample);
        }
        runs.push(run_view("half finished", "geneval", vec![detector()]));
        // Nobody looked, of a suite without rules; and one image is gone, another is damaged.
        for case in 0..8 {
            let mut rng = Rng::with_seed(200 + case as u64);
            let mut sample = self.scene_sample(2, case, "", 0.7, &mut rng)?;
            sample.opinions.clear();
            if let (Some(image), 1 | 2) = (&sample.image, case) {
                let path = self.pictures.join(format!("{}.png", image.hash));
                if case == 1 { fs::remove_file(path)? } else { fs::write(path, b"not this picture")? }
            }
            self.samples.push(sample);
        }
        runs.push(run_view("own cases", "cases", Vec::new()));
        runs.push(run_view("empty", "wise-verified", vec![judge()]));
        let mut report = report("Runs that are not as they should be", runs);
        report.notes.push("The runs are of different suites; each suite has a table of its own.".to_owned());
        report.boards.push(self.board(&report, "geneval", &TAGS));
        report.boards.push(self.board(&report, "wise-verified", &["culture", "time"]));
        Ok(report)
    }

    fn edits(&mut self) -> Outcome<Report> {
        for run in 0..2 {
            for case in 0..12 {
                let mut rng = Rng::with_seed(300 + case as u64);
                let before = self.scene_sample(run, case, "Reasoning", 0.5, &mut rng)?;
                let mut rng = Rng::with_seed((400 + run * 50 + case) as u64);
                let mut sample = self.scene_sample(run, case, "Reasoning", 0.5, &mut rng)?;
                sample.prompt =
                    "Move the left shape behind the right one, and leave everything else as it is."
                        .to_owned();
                sample.expectation = "The shape on the left is partly hidden.".to_owned();
                // Sizes of inputs are not recorded.
                sample.input = before.image.map(|image| ImageView { width: 0, height: 0, ..image });
                let (first, second) = (rng.f64(), rng.f64());
                sample.opinions = vec![edit_opinion(0, first, &mut rng), edit_opinion(1, second, &mut rng)];
                self.samples.push(sample);
            }
        }
        let mut human = judge();
        (human.id, human.title, human.kind) =
            ("human:Ann".to_owned(), "Ann, on the label page".to_owned(), ObserverKind::Human);
        let runs = ["editor one", "editor two"];
        let runs =
            runs.iter().map(|name| run_view(name, "reason-edit", vec![judge(), human.clone()])).collect();
        let mut report = report("Edits by two editors", runs);
        report.boards.push(self.board(&report, "reason-edit", &["Reasoning"]));
        Ok(report)
    }

    /// Two sessions of three rounds by three models, of which one refuses a round.
    fn rounds(&mut self) -> Outcome<Report> {
        let names = &MODELS[..3];
        let mut sessions = Vec::new();
        for session in 0..2 {
            let source = self.shot(session)?;
            let mut models = Vec::new();
            for model in 0..names.len() {
                let mut rounds = Vec::new();
                for round in 1..=3 {
                    let is_refused = (session, model, round) == (1, 2, 3);
                    let image = match is_refused {
                        true => String::new(),
                        false => self.shot(10 + 100 * session + 10 * model + round)?,
                    };
                    rounds.push(SessionRoundView {
                        round: u32::try_from(round)?,
                        status: if is_refused { "refused" } else { "ok" }.to_owned(),
                        reasons: if is_refused {
                            vec!["the provider refused".to_owned()]
                        } else {
                            Vec::new()
                        },
                        registration: if is_refused { "" } else { "ok" }.to_owned(),
                        numbers: vec![("blur".to_owned(), 0.1 * round as f64)],
                        image,
                        ..SessionRoundView::default()
                    });
                }
                models.push(SessionModelView { model, rounds, ..SessionModelView::default() });
            }
            sessions.push(SessionView {
                id: format!("session {session}"),
                instructions: ["Add a ball.", "Make it red.", "Remove the box."].map(str::to_owned).to_vec(),
                source,
                models,
            });
        }
        let model = |name: &&str| RoundsModel {
            name: (*name).to_owned(),
            n_sessions: sessions.len(),
            ..RoundsModel::default()
        };
        let models = names.iter().map(model).collect();
        let mut report = report("Sessions by three models", Vec::new());
        report.rounds = Some(RoundsView { models, sessions, ..RoundsView::default() });
        Ok(report)
    }

    /// An image of a session, as the page finds it.
    fn shot(&mut self, seed: usize) -> Outcome<String> {
        let mut bytes = Vec::new();
        let (image, _) = render_scene(256, 192, 3, &mut Rng::with_seed(seed as u64));
        image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png)?;
        let name = format!("shot-{seed}.png");
        let source = format!("overlays/{name}");
        self.shots.push((name, bytes));
        Ok(source)
    }

    fn small(&mut self, n: usize) -> Outcome<Report> {
        for case in 0..n {
            let sample = self.scene_sample(0, case, TAGS[0], 1.0, &mut Rng::with_seed(7))?;
            self.samples.push(sample);
        }
        let mut report = report("A small run", vec![run_view("small", "geneval", vec![detector()])]);
        report.boards.push(self.board(&report, "geneval", &TAGS));
        Ok(report)
    }

    /// An image of some shapes, what a detector might see in it, and whether it is what was asked for.
    fn scene_sample(
        &self,
        run: usize,
        case: usize,
        tag: &str,
        skill: f64,
        rng: &mut Rng,
    ) -> Outcome<SampleView> {
        let n_shapes = 1 + rng.usize(..4);
        let (image, objects) = render_scene(256, 192 + 64 * (case as u32 % 2), n_shapes, rng);
        let mut bytes = Vec::new();
        image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png)?;
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(self.pictures.join(format!("{hash}.png")), &bytes)?;
        let is_correct = rng.f64() < skill;
        let (color, _) = COLORS[case % COLORS.len()];
        let noun = if case.is_multiple_of(3) { "box" } else { "ball" };
        let shape = objects.first().map(|object| object.name.clone()).unwrap_or_default();
        let opinion = Opinion {
            observer: 0,
            outcome: "ok".to_owned(),
            detail: String::new(),
            score: Some(f64::from(u8::from(is_correct))),
            is_correct: Some(is_correct),
            reasons: if is_correct {
                String::new()
            } else {
                format!("expected {shape} >= {}, found {n_shapes}", n_shapes + 1)
            },
            uncertainty: Some(rng.f64()),
            replies: Vec::new(),
            objects,
        };
        Ok(SampleView {
            run,
            case: format!("{case:05}"),
            index: 0,
            part: tag.to_owned(),
            prompt: format!(
                "a photo of a {color} {noun} and some other shapes on a plain ground, case {case}"
            ),
            expectation: String::new(),
            outcome: "ok".to_owned(),
            detail: String::new(),
            image: Some(ImageView {
                hash,
                extension: "png".to_owned(),
                width: image.width(),
                height: image.height(),
            }),
            input: None,
            opinions: vec![opinion],
            measures: Vec::new(),
            registration: String::new(),
            overlays: Vec::new(),
        })
    }

    /// Counts what the samples hold, as the store would.
    fn count(&self, report: &mut Report) {
        for (number, run) in report.runs.iter_mut().enumerate() {
            let of_run = || self.samples.iter().filter(move |sample| sample.run == number);
            run.n_images = of_run().filter(|sample| sample.image.is_some()).count();
            run.n_failed = of_run().count() - run.n_images;
            let cases: BTreeMap<&str, bool> = of_run().fold(BTreeMap::new(), |mut cases, sample| {
                *cases.entry(sample.case.as_str()).or_default() |= sample.image.is_some();
                cases
            });
            run.n_prompts_with_image = cases.values().filter(|has_image| **has_image).count();
            run.n_prompts = if run.name == "half finished" { 40 } else { cases.len() };
            let mut failures: BTreeMap<&str, usize> = BTreeMap::new();
            for sample in of_run().filter(|sample| sample.outcome != "ok") {
                *failures.entry(&sample.outcome).or_default() += 1;
            }
            run.coverage.extend(failures.into_iter().map(|(kind, count)| CoverageLine {
                kind: kind.to_owned(),
                count,
                meaning: "no image came of it".to_owned(),
                examples: Vec::new(),
            }));
        }
    }

    fn board(&self, report: &Report, suite: &str, parts: &[&str]) -> Board {
        let mut columns = vec!["Overall".to_owned()];
        columns.extend(parts.iter().map(|part| (*part).to_owned()));
        let mut rows = Vec::new();
        for (number, run) in report.runs.iter().enumerate().filter(|(_, run)| run.suite == suite) {
            for (observer, view) in run.observers.iter().enumerate() {
                let cell = |part: Option<&str>| {
                    let of_part = |sample: &&SampleView| {
                        sample.run == number && part.is_none_or(|part| sample.part == part)
                    };
                    cell_of(self.samples.iter().filter(of_part), observer)
                };
                let cells =
                    std::iter::once(cell(None)).chain(parts.iter().map(|part| cell(Some(part)))).collect();
                let name = match run.observers.len() {
                    1 => run.name.clone(),
                    _ => format!("{}, by {}", run.name, view.title),
                };
                rows.push(BoardRow {
                    name,
                    group: "This report".to_owned(),
                    source: RowSource::Run { run: number, observer },
                    cells,
                    note: view.note.clone(),
                    fingerprint: view.protocol.fingerprint.clone(),
                });
            }
        }
        for column in 0..columns.len() {
            let best = rows.iter().filter_map(|row| row.cells[column].value).fold(f64::MIN, f64::max);
            for row in &mut rows {
                row.cells[column].is_best = row.cells[column].value == Some(best);
            }
        }
        Board {
            suite: suite.to_owned(),
            title: format!("{suite}, made-up scores"),
            parts: (1..columns.len()).collect(),
            columns,
            overall: 0,
            decimals: 2,
            rows,
            published_source: String::new(),
            published_unknown: String::new(),
        }
    }
}

fn cell_of<'a>(samples: impl Iterator<Item = &'a SampleView>, observer: usize) -> Cell {
    let (mut sum, mut n, mut n_missing) = (0.0, 0, 0);
    for sample in samples {
        let opinion = sample.opinions.iter().find(|opinion| opinion.observer == observer);
        match opinion.and_then(|opinion| opinion.score) {
            Some(score) => (sum, n) = (sum + score, n + 1),
            None => n_missing += 1,
        }
    }
    if n == 0 {
        return Cell { n_missing, ..Cell::default() };
    }
    let (value, all) = (sum / n as f64, (n + n_missing) as f64);
    let half = 1.96 * (value * (1.0 - value) / n as f64).sqrt();
    Cell {
        value: Some(value),
        interval: Some(IntervalView {
            low: (value - half).max(0.0),
            high: (value + half).min(1.0),
            method: "normal".to_owned(),
        }),
        n_images: n,
        n_prompts: n,
        n_missing,
        bounds: (n_missing > 0).then_some((sum / all, (sum + n_missing as f64) / all)),
        with_missing: None,
        rank: Some((1, 2)),
        is_best: false,
    }
}

/// First and last rank in each column, from the differences that are clear.
fn rank(board: &mut Board, comparisons: &[ComparisonView]) {
    let names: Vec<String> = board.rows.iter().map(|row| row.name.clone()).collect();
    for column in 0..board.columns.len() {
        for (row, name) in names.iter().enumerate() {
            let (mut better, mut worse) = (0, 0);
            for comparison in comparisons.iter().filter(|of| of.a == *name || of.b == *name) {
                let line = comparison.lines.iter().find(|line| line.part == board.columns[column]);
                let interval = line.and_then(|line| line.interval.as_ref());
                let sides = interval.map(|interval| (interval.low > 0.0, interval.high < 0.0));
                let (higher, lower) = sides.unwrap_or_default();
                let is_first = comparison.a == *name;
                worse += usize::from(if is_first { higher } else { lower });
                better += usize::from(if is_first { lower } else { higher });
            }
            board.rows[row].cells[column].rank = Some((better + 1, names.len() - worse));
        }
    }
}

/// Rows as a paper might list them.
fn published_rows(n_columns: usize) -> Vec<BoardRow> {
    let row = |(place, (group, name)): (usize, (&str, &str))| BoardRow {
        name: name.to_owned(),
        group: group.to_owned(),
        source: RowSource::Published,
        cells: (0..n_columns)
            .map(|column| Cell {
                value: (column + place != 3).then_some(0.3 + 0.02 * ((7 * place + 3 * column) % 23) as f64),
                ..Cell::default()
            })
            .collect(),
        note: String::new(),
        fingerprint: String::new(),
    };
    let rows = [
        ("Diffusion", "made-up diffusion 1"),
        ("Diffusion", "made-up diffusion 2"),
        ("Autoregressive", "made-up tokens"),
        ("Autoregressive", "made-up tokens, large"),
    ];
    rows.into_iter().enumerate().map(row).collect()
}

fn comparison(board: &Board, a: usize, b: usize) -> ComparisonView {
    let (a, b) = (&board.rows[a], &board.rows[b]);
    let half = |column: usize| 1.1 / (a.cells[column].n_prompts.max(1) as f64).sqrt();
    let line = |(column, part): (usize, &String)| {
        let difference = a.cells[column].value.zip(b.cells[column].value).map(|(a, b)| a - b);
        DifferenceLine {
            part: part.clone(),
            difference,
            interval: difference.map(|difference| IntervalView {
                low: difference - half(column),
                high: difference + half(column),
                method: "normal".to_owned(),
            }),
            n_prompts: a.cells[column].n_prompts,
            won_tied_lost: Some((310, 1900, 290)),
            p_value: Some(0.0123),
            p_adjusted: (column > 0).then_some(0.0738),
            test: "made up".to_owned(),
            detectable: Some(0.031),
            prompts_needed: Some(1800),
        }
    };
    let mut lines: Vec<DifferenceLine> = board.columns.iter().enumerate().map(line).collect();
    lines.rotate_left(1);
    ComparisonView {
        suite: board.suite.clone(),
        kind: ComparisonKind::Runs,
        a: a.name.clone(),
        b: b.name.clone(),
        title: format!("{} and {}, prompt by prompt", a.name, b.name),
        is_paired: true,
        lines,
        notes: Vec::new(),
        conclusion: format!("{} and {} are compared with made-up numbers.", a.name, b.name),
    }
}

fn report(title: &str, runs: Vec<RunView>) -> Report {
    Report {
        title: title.to_owned(),
        tool: format!("imgeval {}", env!("CARGO_PKG_VERSION")),
        runs,
        ..Report::default()
    }
}

fn run_view(name: &str, suite: &str, observers: Vec<ObserverView>) -> RunView {
    RunView {
        name: name.to_owned(),
        suite: suite.to_owned(),
        prompts: "made-up prompts".to_owned(),
        model: "a renderer of shapes".to_owned(),
        facts: vec![
            ("suite.seed".to_owned(), "43".to_owned()),
            ("generation.size".to_owned(), "256x256".to_owned()),
        ],
        observers,
        n_prompts: 0,
        n_prompts_with_image: 0,
        n_images: 0,
        n_failed: 0,
        coverage: Vec::new(),
        spend: "12 calls, $0.48".to_owned(),
    }
}

fn observer(id: &str, title: &str, kind: ObserverKind, note: &str) -> ObserverView {
    ObserverView {
        id: id.to_owned(),
        title: title.to_owned(),
        kind,
        protocol: ProtocolView {
            fingerprint: "8f3a11c09b7e".to_owned(),
            facts: vec![("observer".to_owned(), id.to_owned()), ("threshold".to_owned(), "0.3".to_owned())],
        },
        note: note.to_owned(),
        coverage: Vec::new(),
    }
}

fn detector() -> ObserverView {
    observer("shapes@1", "detector of shapes", ObserverKind::Detector, "preview, not comparable")
}

fn judge() -> ObserverView {
    observer("made-up-judge@1", "made-up judge", ObserverKind::Judge, "")
}

fn judge_opinion(observer: usize, is_correct: bool, rng: &mut Rng) -> Opinion {
    let score = if is_correct { 0.6 + 0.4 * rng.f64() } else { 0.5 * rng.f64() };
    edit_opinion(observer, score, rng)
}

fn edit_opinion(observer: usize, score: f64, rng: &mut Rng) -> Opinion {
    let word = ["nearly", "mostly", "hardly", "exactly"][rng.usize(..4)];
    Opinion {
        observer,
        outcome: "ok".to_owned(),
        detail: String::new(),
        score: Some(score),
        is_correct: None,
        reasons: format!("consistency {:.0}", 2.0 * score),
        uncertainty: Some(rng.f64() / 2.0),
        replies: vec![format!("The shapes are {word} as asked for.\n\n**Consistency:** {:.0}", 2.0 * score)],
        objects: Vec::new(),
    }
}

fn fail(sample: &mut SampleView, outcome: &str, detail: &str) {
    (sample.outcome, sample.detail) = (outcome.to_owned(), detail.to_owned());
    sample.image = None;
    sample.opinions.clear();
}

fn render_scene(width: u32, height: u32, n_shapes: usize, rng: &mut Rng) -> (RgbImage, Vec<ObjectView>) {
    let ground = [200 + rng.i32(0..40), 200 + rng.i32(0..40), 205 + rng.i32(0..40)];
    let mut image = RgbImage::from_fn(width, height, |_, y| {
        let shade = 30 * i32::try_from(y).unwrap_or(0) / i32::try_from(height).unwrap_or(1);
        Rgb(ground.map(|value| u8::try_from((value - shade).clamp(0, 255)).unwrap_or(0)))
    });
    let mut objects = Vec::new();
    for place in 0..n_shapes {
        let radius = rng.f32() * 22.0 + 24.0;
        let x = radius + rng.f32() * (width as f32 - 2.0 * radius);
        let y = radius + rng.f32() * (height as f32 - 2.0 * radius);
        let is_round = rng.bool();
        let (color, rgb) = COLORS[rng.usize(..COLORS.len())];
        let mut bits = vec![false; (width * height) as usize];
        for (at, bit) in bits.iter_mut().enumerate() {
            let (column, row) = (at as u32 % width, at as u32 / width);
            let (dx, dy) = (column as f32 + 0.5 - x, row as f32 + 0.5 - y);
            *bit = if is_round { dx.hypot(dy) < radius } else { dx.abs().max(dy.abs()) < radius * 0.86 };
            if *bit {
                let light = 1.12 - 0.35 * (dx + dy + 2.0 * radius) / (4.0 * radius);
                image.put_pixel(
                    column,
                    row,
                    Rgb(rgb.map(|value| (f32::from(value) * light).min(255.0) as u8)),
                );
            }
        }
        let mask = Mask::from_bits(width, height, &bits);
        let reach = if is_round { radius } else { radius * 0.86 };
        let named = 0.5 + 0.4 * rng.f32();
        let others = COLORS.iter().filter(|(other, _)| *other != color).take(3);
        let mut colors = vec![(color.to_owned(), named)];
        colors.extend(
            others
                .enumerate()
                .map(|(rank, (other, _))| ((*other).to_owned(), (1.0 - named) / (rank + 2) as f32)),
        );
        objects.push(ObjectView {
            name: if is_round { "ball" } else { "box" }.to_owned(),
            score: 0.98 - 0.2 * rng.f32(),
            bounding_box: [x - reach, y - reach, x + reach, y + reach],
            is_counted: place < 3,
            colors,
            color: Some(color.to_owned()),
            mask: mask.as_ref().map(Mask::encode),
        });
    }
    (image, objects)
}

fn figure(report: &Report) -> Figure {
    let bar = |(place, row): (usize, &BoardRow)| {
        let height = 200.0 * row.cells[0].value.unwrap_or(0.0);
        format!(
            "<rect x=\"{}\" y=\"{}\" width=\"50\" height=\"{height}\" fill=\"#0072b2\"/>",
            30 + 70 * place,
            220.0 - height
        )
    };
    let bars: String = report.boards[0].rows.iter().enumerate().map(bar).collect();
    Figure {
        name: "overall".to_owned(),
        title: "Overall scores".to_owned(),
        alternative: "A bar for each row of the table.".to_owned(),
        svg: format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 620 240\">{bars}</svg>"),
        section: FigureSection::Scores,
    }
}
