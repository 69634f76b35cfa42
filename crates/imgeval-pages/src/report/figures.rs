//! Which figures a report has.

use std::collections::BTreeMap;

use imgeval_report::{
    figures::{Figure, GridItem, confidence_histogram, figures_of, qualitative_grid},
    model::{Report, SampleView},
};

const GRID_COLUMNS: usize = 4;

/// How sure the observers were, over all images of a run by one observer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Confidences {
    /// By run and observer: ten bins from 0 to 1.
    bins: BTreeMap<(usize, usize), [u64; 10]>,
}

impl Confidences {
    /// Counts the objects that decided verdicts.
    pub(crate) fn add(&mut self, view: &SampleView) {
        for opinion in &view.opinions {
            let bins = self.bins.entry((view.run, opinion.observer)).or_default();
            for object in opinion.objects.iter().filter(|object| object.is_counted) {
                bins[((object.score * 10.0) as usize).min(9)] += 1;
            }
        }
    }
}

/// Everything but the examples, in the order of the page.
pub(super) fn all_figures(report: &Report, confidences: &Confidences) -> Vec<Figure> {
    let mut figures = figures_of(report);
    for ((run, observer), bins) in
        confidences.bins.iter().filter(|(_, bins)| bins.iter().any(|count| *count > 0))
    {
        let (run, of) = (&report.runs[*run], &report.runs[*run].observers[*observer]);
        let title = match run.observers.len() {
            1 => format!("{}: confidence of the objects that verdicts counted", run.name),
            _ => format!("{}, by {}: confidence of the objects that verdicts counted", run.name, of.title),
        };
        figures.push(confidence_histogram(&title, *bins, "not sure at all", "certain"));
    }
    figures
}

/// Pictures with prompt and verdict; the small copies stand in the order of the samples.
pub(crate) fn examples_figure(examples: &[SampleView], pictures: Vec<Option<Vec<u8>>>) -> Option<Figure> {
    let item = |(view, image): (&SampleView, Option<Vec<u8>>)| {
        let opinion = view.opinions.iter().find(|opinion| opinion.score.is_some());
        let (verdict, is_correct, reason) = match opinion {
            None => ("no verdict".to_owned(), None, String::new()),
            Some(opinion) => {
                let verdict = match opinion.is_correct {
                    Some(true) => "correct".to_owned(),
                    Some(false) => "wrong".to_owned(),
                    None => opinion.score.map_or("no score".to_owned(), |score| format!("score {score:.2}")),
                };
                (verdict, opinion.is_correct, opinion.reasons.clone())
            }
        };
        GridItem { image, prompt: view.prompt.clone(), verdict, is_correct, reason }
    };
    let items: Vec<GridItem> = examples.iter().zip(pictures).map(item).collect();
    (!items.is_empty()).then(|| qualitative_grid(&items, GRID_COLUMNS))
}
