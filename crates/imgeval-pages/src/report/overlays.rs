//! Images that show where something was measured, in the page's folder of overlays.

use std::{collections::BTreeMap, io};

use imgeval_core::ImageFormat;
use imgeval_observe::{StageEvent, pictures::draw_pictures};
use imgeval_report::{
    model::{OverlayView, Report, SampleView},
    page::PageWriter,
    weaknesses::WeaknessFigure,
};
use imgeval_scoring::{OpenedRun, shown_case};

use crate::PagesError;

const FOLDER: &str = "overlays";

/// The overlays of one run.
pub(super) struct Overlays {
    run: String,
    /// By case and number, as views name them.
    by_sample: BTreeMap<(String, u32), Vec<OverlayView>>,
    figures: Vec<WeaknessFigure>,
}

impl Overlays {
    /// Draws them. Names of files begin with the number of the run, so that those of several runs stay apart.
    pub(super) fn draw(
        page: &PageWriter<'_>,
        run: usize,
        opened: &OpenedRun,
        tell: &mut dyn FnMut(StageEvent<'_>),
    ) -> Result<Self, PagesError> {
        let named = |name: &str| format!("{run}-{name}");
        let put = |name: &str, bytes: &[u8]| page.put(FOLDER, &named(name), bytes).map_err(io::Error::other);
        let drawn = draw_pictures(&opened.run, ImageFormat::Jpeg, &put, tell)?;
        let mut by_sample: BTreeMap<(String, u32), Vec<OverlayView>> = BTreeMap::new();
        for written in drawn.written {
            let overlay = OverlayView { kind: written.kind.name().to_owned(), name: named(&written.name) };
            by_sample.entry((shown_case(&written.sample), written.sample.ordinal)).or_default().push(overlay);
        }
        let figure = |(group, name): (String, String)| WeaknessFigure {
            group: if group.is_empty() { "all".to_owned() } else { group },
            source: format!("{FOLDER}/{}", named(&name)),
        };
        let figures = drawn.figures.into_iter().map(figure).collect();
        Ok(Self { run: opened.view.name.clone(), by_sample, figures })
    }

    /// Tells the view of this run's weaknesses of their figures.
    pub(super) fn give_figures(&mut self, report: &mut Report) {
        let of_run = report.weaknesses.iter_mut().find(|view| view.run == self.run);
        if let Some(view) = of_run {
            view.figures = std::mem::take(&mut self.figures);
        }
    }

    /// Tells a sample of its overlays.
    pub(super) fn give(&mut self, view: &mut SampleView) {
        view.overlays = self.by_sample.remove(&(view.case.clone(), view.index)).unwrap_or_default();
    }
}
