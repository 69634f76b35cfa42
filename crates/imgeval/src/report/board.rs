//! Score tables in the paper's layout: published rows, then the runs.

use imgeval_report::model::{Board, BoardRow, Cell, RowSource};
use imgeval_suites::{
    geneval::{self, Tag},
    reason_edit::{self, Folder},
    wise::{self, Category},
};

use super::OpenedRun;
use crate::args::Suite;

/// The table of one suite with those runs that are of it; published rows only if asked for.
pub(super) fn board_of(suite: Suite, runs: &[OpenedRun], with_published: bool) -> Board {
    let mut board = empty_board(suite);
    if with_published {
        board.rows = published_rows(suite);
    } else {
        board.published_source.clear();
        board.published_unknown.clear();
    }
    for (index, run) in runs.iter().enumerate().filter(|(_, run)| run.suite == Some(suite)) {
        if run.scored.is_empty() {
            board.rows.push(BoardRow {
                name: run.view.name.clone(),
                group: OWN_GROUP.to_owned(),
                source: RowSource::Run { run: index, observer: 0 },
                cells: vec![Cell::default(); board.columns.len()],
                note: "nobody has looked at its images yet".to_owned(),
                fingerprint: String::new(),
            });
        }
        for (observer, scored) in run.scored.iter().enumerate() {
            let view = &run.view.observers[observer];
            let name = match run.scored.len() {
                1 => run.view.name.clone(),
                _ => format!("{}, by {}", run.view.name, view.title),
            };
            board.rows.push(BoardRow {
                name,
                group: OWN_GROUP.to_owned(),
                source: RowSource::Run { run: index, observer },
                cells: scored.cells.clone(),
                note: view.note.clone(),
                fingerprint: view.protocol.fingerprint.clone(),
            });
        }
    }
    board
}

/// Heading of our own rows.
const OWN_GROUP: &str = "These runs";

fn empty_board(suite: Suite) -> Board {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (title, columns, overall, decimals, source, unknown) = match suite {
        Suite::Geneval => (
            "GenEval: share of correct images by tag; overall is the mean of the tags",
            names(&[
                "overall",
                "single object",
                "two objects",
                "counting",
                "colors",
                "position",
                "attribute binding",
            ]),
            0,
            2,
            geneval::PUBLISHED_SOURCE,
            geneval::PUBLISHED_UNKNOWN,
        ),
        Suite::WiseLegacy | Suite::WiseLegacyRewrite => (
            "WISE: WiScore by category; overall by the official weights",
            wise_columns(),
            6,
            2,
            wise::PUBLISHED_SOURCE,
            wise::PUBLISHED_UNKNOWN,
        ),
        Suite::WiseVerified => (
            "WISE_Verified: share of images that show what was meant; overall by the official weights",
            wise_columns(),
            6,
            2,
            wise::PUBLISHED_VERIFIED_SOURCE,
            wise::PUBLISHED_VERIFIED_UNKNOWN,
        ),
        Suite::ReasonEdit => (
            "Reason-Edit: GPT score by folder; understanding is folders 1 to 5, overall all six",
            Folder::ALL
                .iter()
                .map(|folder| folder.name().to_owned())
                .chain(names(&["understanding", "overall"]))
                .collect(),
            7,
            3,
            reason_edit::PUBLISHED_SOURCE,
            reason_edit::PUBLISHED_UNKNOWN,
        ),
    };
    Board {
        suite: suite.name().to_owned(),
        title: title.to_owned(),
        columns,
        overall,
        decimals,
        rows: Vec::new(),
        published_source: source.to_owned(),
        published_unknown: unknown.to_owned(),
    }
}

fn wise_columns() -> Vec<String> {
    Category::ALL.iter().map(|category| category.name()).chain(["overall"]).map(str::to_owned).collect()
}

fn published_rows(suite: Suite) -> Vec<BoardRow> {
    let row = |name: &str, group: &str, values: Vec<Option<f64>>| BoardRow {
        name: name.to_owned(),
        group: group.to_owned(),
        source: RowSource::Published,
        cells: values.into_iter().map(|value| Cell { value, ..Cell::default() }).collect(),
        note: String::new(),
        fingerprint: String::new(),
    };
    let of_wise = |rows: &[wise::PublishedRow]| {
        let values = |published: &wise::PublishedRow| {
            published.categories.iter().copied().chain([published.overall]).map(Some).collect()
        };
        rows.iter().map(|published| row(published.model, PUBLISHED_GROUP, values(published))).collect()
    };
    match suite {
        Suite::Geneval => {
            let values = |published: &geneval::PublishedRow| {
                let tags = published.tags.map_or([None; Tag::ALL.len()], |tags| tags.map(Some));
                std::iter::once(Some(published.overall)).chain(tags).collect()
            };
            let rows = geneval::PUBLISHED.iter();
            rows.map(|published| row(published.model, published.group.title(), values(published))).collect()
        }
        Suite::WiseLegacy | Suite::WiseLegacyRewrite => of_wise(&wise::PUBLISHED),
        Suite::WiseVerified => of_wise(&wise::PUBLISHED_VERIFIED),
        Suite::ReasonEdit => {
            let values = |published: &reason_edit::PublishedRow| {
                let mut values = vec![None; Folder::ALL.len() + 1];
                values.push(Some(published.gpt_score));
                values
            };
            let rows = reason_edit::PUBLISHED.iter();
            rows.map(|published| row(published.model, PUBLISHED_GROUP, values(published))).collect()
        }
    }
}

const PUBLISHED_GROUP: &str = "Published";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_cell_for_each_column() {
        for suite in [Suite::Geneval, Suite::WiseLegacy, Suite::WiseVerified, Suite::ReasonEdit] {
            let board = board_of(suite, &[], true);
            assert!(board.rows.iter().all(|row| row.cells.len() == board.columns.len()), "{suite:?}");
            assert!(board.rows.iter().all(|row| row.cells[board.overall].value.is_some()), "{suite:?}");
            assert_eq!(board.columns[board.overall], "overall");
        }
    }
}
