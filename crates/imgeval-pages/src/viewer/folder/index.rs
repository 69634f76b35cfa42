//! The index as HTML. It needs no script: heads and rows are links, choosing runs is a form.

use std::{cmp::Ordering, fmt::Write as _, sync::Arc};

use imgeval_core::Usd;
use imgeval_scoring::ListedRun;

use super::shelf::Entry;

/// By what the index is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Run,
    Suite,
    Model,
    Images,
    Score,
    Cost,
    State,
}

impl Column {
    const ALL: [Self; 7] =
        [Self::Run, Self::Suite, Self::Model, Self::Images, Self::Score, Self::Cost, Self::State];

    const fn title(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::Suite => "Suite",
            Self::Model => "Model",
            Self::Images => "Images",
            Self::Score => "Score",
            Self::Cost => "Cost",
            Self::State => "State",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Suite => "suite",
            Self::Model => "model",
            Self::Images => "images",
            Self::Score => "score",
            Self::Cost => "cost",
            Self::State => "state",
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, Self::Images | Self::Score | Self::Cost)
    }
}

/// How the index is ordered; as the address says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    column: Column,
    is_descending: bool,
}

impl Order {
    /// Of an address's query; by name where it says nothing known.
    pub(super) fn parse(query: &str) -> Self {
        let value = |name: &str| {
            query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)
        };
        let column = value("sort")
            .and_then(|(_, sort)| Column::ALL.into_iter().find(|column| column.name() == sort))
            .unwrap_or(Column::Run);
        Self { column, is_descending: value("order").is_some_and(|(_, order)| order == "descending") }
    }

    const fn name(self) -> &'static str {
        if self.is_descending { "descending" } else { "ascending" }
    }

    /// Where a click on the head of a column leads: numbers begin with the largest.
    fn after_click(self, column: Column) -> Self {
        let is_descending = if self.column == column { !self.is_descending } else { column.is_number() };
        Self { column, is_descending }
    }

    /// Entries that have nothing in the column come last either way.
    fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        let (Ok(of_a), Ok(of_b)) = (&a.run, &b.run) else {
            return a.run.is_err().cmp(&b.run.is_err()).then_with(|| a.name.cmp(&b.name));
        };
        let numbers = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => self.directed(a.total_cmp(&b)),
            _ => a.is_none().cmp(&b.is_none()),
        };
        let texts = |a: &str, b: &str| a.is_empty().cmp(&b.is_empty()).then(self.directed(a.cmp(b)));
        let best = |run: &ListedRun| run.scores.iter().filter_map(|of| of.overall).max_by(f64::total_cmp);
        let order = match self.column {
            Column::Run => self.directed(a.name.cmp(&b.name)),
            Column::Suite => texts(&of_a.suite, &of_b.suite),
            Column::Model => texts(of_a.called(), of_b.called()),
            Column::Images => self.directed(of_a.n_images.cmp(&of_b.n_images)),
            Column::Score => numbers(best(of_a), best(of_b)),
            Column::Cost => numbers(of_a.cost.map(Usd::dollars), of_b.cost.map(Usd::dollars)),
            Column::State => texts(&of_a.state(), &of_b.state()),
        };
        order.then_with(|| a.name.cmp(&b.name))
    }

    const fn directed(self, order: Ordering) -> Ordering {
        if self.is_descending { order.reverse() } else { order }
    }
}

/// The page of a folder of this name.
pub(super) fn render_index(folder: &str, entries: &[Arc<Entry>], order: Order) -> String {
    let mut entries: Vec<&Entry> = entries.iter().map(Arc::as_ref).collect();
    entries.sort_by(|a, b| order.compare(a, b));
    let mut rows = String::new();
    for entry in &entries {
        push_row(&mut rows, entry);
    }
    let heads: String = Column::ALL.into_iter().map(|column| head(column, order)).collect();
    let n_readable = entries.iter().filter(|entry| entry.run.is_ok()).count();
    let count = match entries.len() {
        0 => "No run in this folder yet.".to_owned(),
        1 => "1 run.".to_owned(),
        n => format!("{n} runs. Open one, or choose several and compare them on one page."),
    };
    let button = if n_readable > 1 { "<p><button>Compare the chosen runs</button></p>" } else { "" };
    let folder = escape(folder);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Runs in {folder}</title>\n<link rel=\"stylesheet\" href=\"index.css\">\n</head>\n<body>\n<main>\n\
         <h1>Runs in <bdi>{folder}</bdi></h1>\n<p class=\"soft\">{count}</p>\n\
         <form action=\"compare\" method=\"get\">\n<div class=\"scroller\" role=\"region\" tabindex=\"0\" aria-label=\"Runs\">\n\
         <table>\n<thead><tr><th scope=\"col\"><span class=\"unseen\">Chosen</span></th>{heads}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</div>\n{button}\n</form>\n</main>\n</body>\n</html>\n"
    )
}

fn head(column: Column, order: Order) -> String {
    let is_ordered = order.column == column;
    let sort = if is_ordered { order.name() } else { "none" };
    let arrow = match (is_ordered, order.is_descending) {
        (false, _) => "↕",
        (true, true) => "▼",
        (true, false) => "▲",
    };
    let next = order.after_click(column);
    let class = if column.is_number() { " class=\"number\"" } else { "" };
    format!(
        "<th scope=\"col\"{class} aria-sort=\"{sort}\"><a href=\"?sort={}&amp;order={}\">{} <span aria-hidden=\"true\">{arrow}</span></a></th>",
        column.name(),
        next.name(),
        column.title()
    )
}

fn push_row(rows: &mut String, entry: &Entry) {
    let name = if entry.name.is_empty() { "this folder" } else { &entry.name };
    let (id, name) = (&entry.id, escape(name));
    // Writing to a string does not fail.
    let written = match &entry.run {
        Ok(run) => writeln!(
            rows,
            "<tr><td><input type=\"checkbox\" name=\"run\" value=\"{id}\" aria-label=\"choose {name}\"></td>\
             <th scope=\"row\"><a href=\"view/{id}/\"><bdi>{name}</bdi></a></th><td>{}</td><td><bdi>{}</bdi></td>\
             <td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td>{}</td></tr>",
            escape(&run.suite),
            escape(run.called()),
            run.n_images,
            escape(&run.score_text()),
            escape(&run.cost_text()),
            escape(&run.state()),
        ),
        Err(_) => writeln!(
            rows,
            "<tr><td></td><th scope=\"row\"><bdi>{name}</bdi></th><td></td><td></td><td></td><td></td><td></td>\
             <td class=\"warn\">cannot be read; <code>imgeval runs</code> says why</td></tr>"
        ),
    };
    debug_assert!(written.is_ok());
}

/// Text of others as text of a document or of an attribute in double quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use imgeval_scoring::{ListedScore, ScoringError};

    use super::*;

    fn entry(name: &str, model: Option<&str>, overall: Option<f64>) -> Arc<Entry> {
        let score = ListedScore { evaluator: "a detector".to_owned(), overall, n_unscored: 0 };
        let run = ListedRun {
            directory: PathBuf::from(name),
            label: None,
            suite: "geneval".to_owned(),
            model: model.map(str::to_owned),
            n_images: 4,
            n_failed: 0,
            scores: vec![score],
            cost: Some(Usd::ZERO),
        };
        Arc::new(Entry {
            id: format!("id-{}", name.len()),
            name: name.to_owned(),
            directory: PathBuf::new(),
            run: Ok(run),
        })
    }

    fn places(page: &str, names: &[&str]) -> Vec<usize> {
        names.iter().map(|name| page.find(&format!("<bdi>{name}</bdi></a>")).unwrap()).collect()
    }

    #[test]
    fn names_from_run_folders_stay_text() {
        let name = "<script>alert(1)</script>\" onmouseover=\"x";
        let page = render_index("a & b", &[entry(name, Some("<b>"), Some(0.5))], Order::parse(""));
        assert!(
            !page.contains("<script") && !page.contains("<b>") && !page.contains("\" onmouseover"),
            "{page}"
        );
        assert!(page.contains("&lt;script&gt;") && page.contains("Runs in a &amp; b"), "{page}");
    }

    #[test]
    fn a_run_that_cannot_be_read_is_listed_and_cannot_be_chosen() {
        let error = ScoringError::Protocol { detail: "/secret/place".to_owned() };
        let broken = Entry {
            id: "0".to_owned(),
            name: "broken".to_owned(),
            directory: PathBuf::new(),
            run: Err(error),
        };
        let page = render_index("runs", &[Arc::new(broken)], Order::parse("sort=score"));
        assert!(page.contains("cannot be read") && !page.contains("checkbox"), "{page}");
        assert!(!page.contains("secret"), "details are for the terminal");
    }

    #[test]
    fn columns_order_the_runs_and_what_has_no_value_comes_last() {
        let entries = [
            entry("a", Some("zeta"), Some(0.2)),
            entry("b", None, None),
            entry("c", Some("alpha"), Some(0.9)),
        ];
        let order = |query: &str, names: &[&str]| {
            let page = render_index("runs", &entries, Order::parse(query));
            assert!(places(&page, names).is_sorted(), "{query}");
        };
        order("", &["a", "b", "c"]);
        order("order=descending&sort=run", &["c", "b", "a"]);
        order("sort=score&order=descending", &["c", "a", "b"]);
        order("sort=score&order=ascending", &["a", "c", "b"]);
        order("sort=model", &["c", "a", "b"]);
        order("sort=model&order=descending", &["a", "c", "b"]);
        order("sort=nothing&order=sideways", &["a", "b", "c"]);
    }

    #[test]
    fn a_second_click_turns_the_order() {
        let page = render_index("runs", &[], Order::parse("sort=score&order=descending"));
        assert!(
            page.contains("aria-sort=\"descending\"><a href=\"?sort=score&amp;order=ascending\""),
            "{page}"
        );
        assert!(page.contains("?sort=images&amp;order=descending"), "numbers begin with the largest");
        assert!(page.contains("?sort=suite&amp;order=ascending"), "{page}");
    }
}
