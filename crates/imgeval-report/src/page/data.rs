//! The page's data: an index with what the gallery needs of every sample, and files with the details of some samples
//! each.

use std::collections::BTreeMap;

use serde::{Serialize, ser::SerializeTuple};
use sha2::{Digest as _, Sha256};

use super::PageError;
use crate::diagnosis::TableView;
use crate::figures::{Figure, FigureSection};
use crate::model::{ImageView, ObjectView, Opinion, OverlayView, Report, SampleView};
use crate::summary::{SummaryGroup, summarize};
use crate::tables::{cost_table, failure_table, method_table};

/// Version of the data's form.
const FORMAT: u32 = 1;
/// A file of details is closed when it has reached either.
const MAX_FILE_BYTES: usize = 384 << 10;
const MAX_FILE_SAMPLES: usize = 256;
/// Of longer prompts and reasons the index holds the beginning, and the details all.
const MAX_INDEXED_CHARACTERS: usize = 4000;

/// Where finished files of details go.
pub trait DataSink {
    /// # Errors
    /// If it cannot be kept.
    fn put(&mut self, name: &str, json: &str) -> Result<(), PageError>;
}

/// Details of the samples from `first` on, up to the next file's first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataFile {
    pub name: String,
    pub first: usize,
}

/// Collects samples. Keeps a few hundred bytes of each in memory, and hands over the rest.
#[derive(Debug)]
pub struct DataWriter {
    cases: Strings,
    parts: Strings,
    prompts: Strings,
    outcomes: Strings,
    reasons: Strings,
    registrations: Strings,
    inputs: Strings,
    measures: Strings,
    samples: Vec<Row>,
    texts: Details,
    objects: Details,
}

/// What a page knows from the start.
#[derive(Debug, Serialize)]
pub struct Index<'a> {
    format: u32,
    report: &'a Report,
    summary: Vec<SummaryGroup>,
    /// What the page ends with, by the name of its section.
    closing: BTreeMap<&'static str, TableView>,
    figures: Vec<FigureEntry<'a>>,
    cases: Vec<String>,
    parts: Vec<String>,
    prompts: Vec<String>,
    outcomes: Vec<String>,
    reasons: Vec<String>,
    registrations: Vec<String>,
    /// Source images of edits: hash and extension.
    inputs: Vec<String>,
    /// Names of measures.
    measures: Vec<String>,
    /// Pictures that cannot be shown, by hash, with the reason.
    problems: &'a BTreeMap<String, String>,
    samples: Vec<Row>,
    texts: Vec<DataFile>,
    objects: Vec<DataFile>,
}

#[derive(Debug, Serialize)]
struct FigureEntry<'a> {
    title: &'a str,
    alternative: &'a str,
    source: &'a str,
    section: FigureSection,
    /// In pixels, so that nothing moves when the figure comes; `None` if the SVG does not say.
    size: Option<[u32; 2]>,
}

/// The size that an SVG's first element gives.
fn size_of(svg: &str) -> Option<[u32; 2]> {
    let head = svg.split_once('>')?.0;
    let number = |name: &str| head.split_once(name)?.1.split_once('"')?.0.parse().ok();
    Some([number(" width=\"")?, number(" height=\"")?])
}

/// A sample in the index; written as an array, because ten thousand of them repeat no names.
#[derive(Debug)]
struct Row {
    run: usize,
    case: usize,
    index: u32,
    part: usize,
    prompt: usize,
    outcome: usize,
    image: Option<ImageView>,
    opinions: Vec<OpinionRow>,
    registration: usize,
    /// By the number of the measure.
    measures: Vec<(usize, f64)>,
    input: Option<usize>,
}

#[derive(Debug)]
struct OpinionRow {
    observer: usize,
    outcome: usize,
    score: Option<f64>,
    is_correct: Option<bool>,
    uncertainty: Option<f64>,
    reasons: usize,
}

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_tuple(11)?;
        row.serialize_element(&self.run)?;
        row.serialize_element(&self.case)?;
        row.serialize_element(&self.index)?;
        row.serialize_element(&self.part)?;
        row.serialize_element(&self.prompt)?;
        row.serialize_element(&self.outcome)?;
        let image = self.image.as_ref();
        row.serialize_element(
            &image.map(|image| (&image.hash, &image.extension, image.width, image.height)),
        )?;
        let opinion =
            |of: &OpinionRow| (of.observer, of.outcome, of.score, of.is_correct, of.uncertainty, of.reasons);
        row.serialize_element(&self.opinions.iter().map(opinion).collect::<Vec<_>>())?;
        row.serialize_element(&self.registration)?;
        row.serialize_element(&self.measures)?;
        row.serialize_element(&self.input)?;
        row.end()
    }
}

/// What a reader of one sample sees besides the index.
#[derive(Serialize)]
struct TextDetail<'a> {
    prompt: &'a str,
    expectation: &'a str,
    detail: &'a str,
    input: Option<&'a ImageView>,
    opinions: Vec<OpinionText<'a>>,
    overlays: &'a [OverlayView],
}

#[derive(Serialize)]
struct OpinionText<'a> {
    observer: usize,
    detail: &'a str,
    reasons: &'a str,
    replies: &'a [String],
}

#[derive(Serialize)]
struct ObjectDetail<'a> {
    observer: usize,
    objects: &'a [ObjectView],
}

impl Default for DataWriter {
    fn default() -> Self {
        Self {
            cases: Strings::default(),
            parts: Strings::default(),
            prompts: Strings::default(),
            outcomes: Strings::default(),
            reasons: Strings::default(),
            registrations: Strings::default(),
            inputs: Strings::default(),
            measures: Strings::default(),
            samples: Vec::new(),
            texts: Details::new("texts"),
            objects: Details::new("objects"),
        }
    }
}

impl DataWriter {
    /// Adds a sample; those of one report come in the order in which the page shall know them.
    ///
    /// # Errors
    /// If a finished file cannot be kept.
    pub fn add(&mut self, sample: &SampleView, sink: &mut dyn DataSink) -> Result<(), PageError> {
        let place = self.samples.len();
        let text = TextDetail {
            prompt: &sample.prompt,
            expectation: &sample.expectation,
            detail: &sample.detail,
            input: sample.input.as_ref(),
            opinions: sample.opinions.iter().map(opinion_text).collect(),
            overlays: &sample.overlays,
        };
        self.texts.add(place, &serde_json::to_string(&text)?, sink)?;
        let seen = sample.opinions.iter().filter(|opinion| !opinion.objects.is_empty());
        let seen = seen.map(|opinion| ObjectDetail { observer: opinion.observer, objects: &opinion.objects });
        self.objects.add(place, &serde_json::to_string(&seen.collect::<Vec<_>>())?, sink)?;
        let row = Row {
            run: sample.run,
            case: self.cases.number(&sample.case),
            index: sample.index,
            part: self.parts.number(&sample.part),
            prompt: self.prompts.number(beginning(&sample.prompt)),
            outcome: self.outcomes.number(&sample.outcome),
            image: sample.image.clone(),
            opinions: sample.opinions.iter().map(|opinion| self.opinion_row(opinion)).collect(),
            registration: self.registrations.number(&sample.registration),
            measures: (sample.measures.iter())
                .map(|measure| (self.measures.number(&measure.name), measure.value))
                .collect(),
            input: (sample.input.as_ref())
                .map(|input| self.inputs.number(&format!("{}.{}", input.hash, input.extension))),
        };
        self.samples.push(row);
        Ok(())
    }

    fn opinion_row(&mut self, opinion: &Opinion) -> OpinionRow {
        OpinionRow {
            observer: opinion.observer,
            outcome: self.outcomes.number(&opinion.outcome),
            score: opinion.score,
            is_correct: opinion.is_correct,
            uncertainty: opinion.uncertainty,
            reasons: self.reasons.number(beginning(&opinion.reasons)),
        }
    }

    /// Hands over the last files and gives the index. `sources` tells where each figure lies, seen from the page.
    ///
    /// # Errors
    /// If a file cannot be kept.
    pub fn finish<'a>(
        mut self,
        report: &'a Report,
        figures: &'a [Figure],
        sources: &'a [String],
        problems: &'a BTreeMap<String, String>,
        sink: &mut dyn DataSink,
    ) -> Result<Index<'a>, PageError> {
        self.texts.close(sink)?;
        self.objects.close(sink)?;
        let figure = |(figure, source): (&'a Figure, &'a String)| FigureEntry {
            title: &figure.title,
            alternative: &figure.alternative,
            source,
            section: figure.section,
            size: size_of(&figure.svg),
        };
        Ok(Index {
            format: FORMAT,
            report,
            summary: summarize(report),
            closing: closing_tables(report),
            figures: figures.iter().zip(sources).map(figure).collect(),
            cases: self.cases.list,
            parts: self.parts.list,
            prompts: self.prompts.list,
            outcomes: self.outcomes.list,
            reasons: self.reasons.list,
            registrations: self.registrations.list,
            inputs: self.inputs.list,
            measures: self.measures.list,
            problems,
            samples: self.samples,
            texts: self.texts.files,
            objects: self.objects.files,
        })
    }
}

fn closing_tables(report: &Report) -> BTreeMap<&'static str, TableView> {
    let tables = [
        ("costs", cost_table(report)),
        ("failures", failure_table(report)),
        ("methods", method_table(report)),
    ];
    tables.into_iter().filter_map(|(name, table)| Some((name, TableView::from(&table?)))).collect()
}

fn opinion_text(opinion: &Opinion) -> OpinionText<'_> {
    OpinionText {
        observer: opinion.observer,
        detail: &opinion.detail,
        reasons: &opinion.reasons,
        replies: &opinion.replies,
    }
}

/// Details of one kind on their way into files.
#[derive(Debug)]
struct Details {
    kind: &'static str,
    files: Vec<DataFile>,
    /// The file that is being filled: its first sample, how many it has, and JSON without the closing bracket.
    first: usize,
    n: usize,
    json: String,
}

impl Details {
    fn new(kind: &'static str) -> Self {
        Self { kind, files: Vec::new(), first: 0, n: 0, json: String::new() }
    }

    fn add(&mut self, place: usize, json: &str, sink: &mut dyn DataSink) -> Result<(), PageError> {
        if self.n == 0 {
            self.first = place;
        }
        self.json.push(if self.n == 0 { '[' } else { ',' });
        self.json.push_str(json);
        self.n += 1;
        if self.n >= MAX_FILE_SAMPLES || self.json.len() >= MAX_FILE_BYTES {
            self.close(sink)?;
        }
        Ok(())
    }

    fn close(&mut self, sink: &mut dyn DataSink) -> Result<(), PageError> {
        if self.n == 0 {
            return Ok(());
        }
        self.json.push(']');
        // The name tells the content, so that an open page never mixes two reports.
        let digest = Sha256::digest(self.json.as_bytes());
        let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}-{}-{hash}", self.kind, self.files.len());
        sink.put(&name, &self.json)?;
        self.files.push(DataFile { name, first: self.first });
        self.json.clear();
        self.n = 0;
        Ok(())
    }
}

/// Texts that many samples share.
#[derive(Debug, Default)]
struct Strings {
    numbers: BTreeMap<String, usize>,
    list: Vec<String>,
}

impl Strings {
    fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.list.len();
        self.numbers.insert(text.to_owned(), number);
        self.list.push(text.to_owned());
        number
    }
}

fn beginning(text: &str) -> &str {
    text.char_indices().nth(MAX_INDEXED_CHARACTERS).map_or(text, |(end, _)| &text[..end])
}
