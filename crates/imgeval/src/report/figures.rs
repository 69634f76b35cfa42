//! Which figures a report has.

use imgeval_report::{
    figures::{
        Figure, GridItem, confidence_histogram, forest_plot, overall_bars, part_bars, part_radar,
        qualitative_grid,
    },
    model::{Board, Report, RowSource, SampleView},
};

/// Published rows that stand beside the runs where the parts are drawn: the best ones.
const MOST_PUBLISHED: usize = 3;
/// More rows than this make bars too thin to read.
const MOST_ROWS: usize = 8;
const GRID_COLUMNS: usize = 4;

/// How sure the observers were, over all images of a run by one observer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Confidences {
    /// By run and observer: ten bins from 0 to 1.
    bins: std::collections::BTreeMap<(usize, usize), [u64; 10]>,
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
pub(crate) fn figures_of(report: &Report, confidences: &Confidences) -> Vec<Figure> {
    let mut figures = Vec::new();
    for board in report.boards.iter().filter(|board| has_scores(board)) {
        figures.push(overall_bars(board));
        let rows = rows_of_parts(board);
        figures.push(part_bars(board, &rows));
        figures.extend(part_radar(board, &rows));
    }
    let comparisons = report.comparisons.iter();
    figures.extend(
        comparisons
            .filter(|comparison| comparison.lines.iter().any(|line| line.difference.is_some()))
            .map(forest_plot),
    );
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

fn has_scores(board: &Board) -> bool {
    let is_scored = |row: &imgeval_report::model::BoardRow| row.cells.iter().any(|cell| cell.value.is_some());
    board.rows.iter().any(|row| row.source != RowSource::Published && is_scored(row))
}

/// The runs and, as far as they fit, the published rows with the best overall scores that have scores of parts.
fn rows_of_parts(board: &Board) -> Vec<usize> {
    let is_published = |row: &usize| board.rows[*row].source == RowSource::Published;
    let (mut published, runs): (Vec<usize>, Vec<usize>) = (0..board.rows.len()).partition(is_published);
    published.retain(|row| board.rows[*row].cells.iter().filter(|cell| cell.value.is_some()).count() > 1);
    let overall = |row: &usize| board.rows[*row].cells[board.overall].value.unwrap_or(-1.0);
    published.sort_by(|a, b| overall(b).total_cmp(&overall(a)));
    published.truncate(MOST_PUBLISHED.min(MOST_ROWS.saturating_sub(runs.len())));
    runs.into_iter().take(MOST_ROWS).chain(published).collect()
}
