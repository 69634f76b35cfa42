//! The panels of one image, for its own sheets and for the figure of its group.

use imgeval_core::{Pixels, SampleId};
use imgeval_metrics::{
    image::{ColorStatistics, Gray},
    locality::{EditedRegion, mask_on},
    registration::{AlignedPair, IDENTITY_SIDE, Registration, Status, register},
};
use imgeval_scoring::MeasuredImage;
use imgeval_suites::checks::{
    measures::{LINES, Measures},
    read_lines,
};

use super::{
    Panel, PictureKind, Row, Sheet,
    blur::{blur_panels, blur_scale},
    cast::cast_panel,
    changes::{change_scale, changes_panel},
    frame::frame_panel,
    notes,
    ranking::Concern,
    region::{answer_on_source, leak_share, region_panel},
    subject::Subject,
    text::text_panel,
};
use crate::measures::at_one_size;

/// An image ready to be drawn from.
pub(super) struct Drawing<'a> {
    sample: &'a SampleId,
    subject: &'a Subject,
    found: MeasuredImage<'a>,
    registration: Option<Registration>,
    aligned: Option<(AlignedPair, EditedRegion)>,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(sample: &'a SampleId, subject: &'a Subject, found: MeasuredImage<'a>) -> Self {
        let source = subject.source.as_ref();
        let registration = source.and_then(|source| register(source, &subject.answer).ok());
        let aligned = source.zip(registration.as_ref()).and_then(|(source, registration)| {
            let is_ok = registration.status == Status::Ok;
            let pair = is_ok
                .then(|| AlignedPair::new(source, &subject.answer, &registration.alignment, IDENTITY_SIDE))?;
            let region = EditedRegion::find(&pair).ok()?;
            Some((pair, region))
        });
        Self { sample, subject, found, registration, aligned }
    }

    /// Every kind that this image has.
    pub(super) fn sheets(&self) -> Vec<(PictureKind, Sheet)> {
        PictureKind::ALL.into_iter().filter_map(|kind| Some((kind, self.sheet(kind)?))).collect()
    }

    /// Whether there is a source that the image does not register with.
    pub(super) fn is_unregistered(&self) -> bool {
        self.subject.source.is_some() && self.aligned.is_none()
    }

    fn sheet(&self, kind: PictureKind) -> Option<Sheet> {
        let mut sheet = match kind {
            PictureKind::Change => self.change()?,
            PictureKind::Frame => self.frame()?,
            PictureKind::Region => self.region()?,
            PictureKind::Blur => self.blur(),
            PictureKind::Cast => self.cast(),
            PictureKind::Text => self.text()?,
        };
        sheet.title = format!("{} - {}", self.sample, kind.name());
        Some(sheet)
    }

    fn change(&self) -> Option<Sheet> {
        let source = self.subject.source.as_ref()?;
        let Some((pair, region)) = &self.aligned else {
            let why = notes::unregistered(self.found)
                .unwrap_or_else(|| "Pixels are not compared: the images do not overlap.".to_owned());
            let panels = vec![self.source_panel(source), self.answer_panel()];
            return Some(sheet_of(panels, vec![why, notes::of_unregistered(self.found)]));
        };
        let panels = vec![
            Panel::new("source", pair.source().clone()),
            Panel::new("answer in the frame of the source", answer_on_source(pair)),
            changes_panel(pair, region).ok()?,
        ];
        let sheet = sheet_of(panels, vec![notes::of_change(self.found)]);
        Some(Sheet { scale: Some(change_scale()), ..sheet })
    }

    fn frame(&self) -> Option<Sheet> {
        let source = self.subject.source.as_ref()?;
        let registration = self.registration.as_ref().filter(|found| found.status != Status::Failed)?;
        let panels = vec![frame_panel(source, &registration.alignment), self.answer_panel()];
        let mut lines = vec![notes::of_frame(self.found)];
        if registration.status == Status::Coarse {
            lines.push("Registration is coarse: the frame is right to about 3 %.".to_owned());
        }
        Some(sheet_of(panels, lines))
    }

    fn region(&self) -> Option<Sheet> {
        let (pair, _) = self.aligned.as_ref()?;
        let (panel, leak) = self.region_panel()?;
        let panels = vec![Panel::new("source", pair.source().clone()), panel];
        Some(sheet_of(panels, vec![notes::of_region(self.found, leak)]))
    }

    fn region_panel(&self) -> Option<(Panel, Option<f64>)> {
        let (pair, region) = self.aligned.as_ref()?;
        let mask = self.subject.mask.as_ref().map(|mask| mask_on(pair, mask));
        let leak = mask.as_ref().map(|mask| leak_share(pair, region, mask));
        Some((region_panel(pair, region, mask.as_ref()), leak))
    }

    fn blur_panels(&self) -> Vec<Panel> {
        let answer = &self.subject.answer;
        let (source, answer) = match &self.subject.source {
            Some(source) => {
                let (source, answer) = at_one_size(source, answer);
                (Some(source), answer)
            }
            None => (None, at_one_size(answer, answer).1),
        };
        blur_panels(source.as_ref(), &answer)
    }

    fn blur(&self) -> Sheet {
        let sheet = sheet_of(self.blur_panels(), vec![notes::of_blur(self.found)]);
        Sheet { scale: Some(blur_scale()), ..sheet }
    }

    fn cast(&self) -> Sheet {
        let mut panels = vec![self.answer_panel(), cast_panel("answer", mean_lab(&self.subject.answer))];
        panels.extend(self.subject.source.as_ref().map(|source| cast_panel("source", mean_lab(source))));
        let lines = std::iter::once(notes::of_cast(self.found)).chain(notes::of_color_shift(self.found));
        sheet_of(panels, lines.collect())
    }

    fn text(&self) -> Option<Sheet> {
        let (panel, mut lines) = self.text_panel()?;
        lines.push(format!("requested: {}", quoted(self.subject.lines.iter().map(String::as_str))));
        let read = read_lines(self.found.word(LINES)?).ok()?;
        lines.push(format!("read: {}", quoted(read.iter().map(|line| line.text.as_str()))));
        Some(sheet_of(vec![panel], lines))
    }

    fn text_panel(&self) -> Option<(Panel, Vec<String>)> {
        let read = read_lines(self.found.word(LINES)?).ok()?;
        let (panel, counts) = text_panel(&self.subject.answer, &read, &self.subject.lines).ok()?;
        match notes::of_coverage(self.found) {
            // Colors would call wrong what the reader cannot know.
            Some(reason) => Some((self.answer_panel(), vec![reason])),
            None => Some((panel, vec![notes::of_text(&counts)])),
        }
    }

    /// Source, answer and overlay, with what they show in numbers.
    pub(super) fn row(&self, concern: Concern) -> Row {
        let source = self.subject.source.as_ref().map(|source| self.source_panel(source));
        let mut panels: Vec<Panel> = source.into_iter().chain([self.answer_panel()]).collect();
        let (overlay, lines) = self.overlay(concern);
        panels.extend(overlay);
        let heading = format!("{}: {}", self.sample, self.subject.prompt);
        let lines = std::iter::once(heading).chain(lines).filter(|line| !line.is_empty());
        Row { panels, notes: lines.collect() }
    }

    fn overlay(&self, concern: Concern) -> (Option<Panel>, Vec<String>) {
        let change = || {
            let (pair, region) = self.aligned.as_ref()?;
            changes_panel(pair, region).ok()
        };
        match concern {
            Concern::Change => match change() {
                Some(panel) => (Some(panel), vec![notes::of_change(self.found), notes::of_frame(self.found)]),
                None => {
                    let why = notes::unregistered(self.found).unwrap_or_default();
                    (None, vec![why, notes::of_unregistered(self.found)])
                }
            },
            Concern::Leak => match self.region_panel() {
                Some((panel, leak)) => (Some(panel), vec![notes::of_region(self.found, leak)]),
                None => (None, vec![notes::unregistered(self.found).unwrap_or_default()]),
            },
            Concern::Blur => (self.blur_panels().pop(), vec![notes::of_blur(self.found)]),
            Concern::Text => match self.text_panel() {
                Some((panel, lines)) => (Some(panel), lines),
                None => (None, vec!["the text was not read".to_owned()]),
            },
            Concern::Color => {
                (Some(cast_panel("answer", mean_lab(&self.subject.answer))), vec![notes::of_cast(self.found)])
            }
        }
    }

    fn source_panel(&self, source: &Pixels) -> Panel {
        Panel::new("source", source.clone())
    }

    fn answer_panel(&self) -> Panel {
        Panel::new("answer", self.subject.answer.clone())
    }
}

fn sheet_of(panels: Vec<Panel>, notes: Vec<String>) -> Sheet {
    Sheet { rows: vec![Row { panels, notes: Vec::new() }], notes, ..Sheet::default() }
}

/// The colors of overlays, where they are heat maps.
pub(super) fn scale_of(concern: Concern) -> Option<super::Scale> {
    match concern {
        Concern::Change => Some(change_scale()),
        Concern::Blur => Some(blur_scale()),
        Concern::Leak | Concern::Text | Concern::Color => None,
    }
}

fn mean_lab(pixels: &Pixels) -> [f64; 3] {
    ColorStatistics::of(pixels, &Gray::of(pixels)).mean_lab
}

fn quoted<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = lines.map(|line| format!("\"{line}\"")).collect();
    if quoted.is_empty() { "nothing".to_owned() } else { quoted.join(" / ") }
}
