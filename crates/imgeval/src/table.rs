//! The score table, as text, CSV and JSON.

use anyhow::Result;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use imgeval_core::{Estimate, Interval, ObserverMeta, Protocol};
use imgeval_report::schema::Schema;
use imgeval_suites::geneval::{PUBLISHED, PUBLISHED_SOURCE, PUBLISHED_UNKNOWN, ScoreLine, Summary, Tag};
use serde_json::{Map, Value, json};

use crate::{args::TableArgs, printer::Printer};

/// Stands beside scores of detections that were made elsewhere.
pub(crate) const FOREIGN_NOTE: &str = "detections from elsewhere";

/// Stands beside everything that this observer made, unless it is official.
pub(crate) fn comparability_note(observer: &ObserverMeta) -> &'static str {
    match observer.id.as_str() {
        _ if observer.is_comparable => "",
        "preview" => "preview, not comparable",
        _ => "not comparable",
    }
}

/// A table without lines, fit for a terminal and for pasting.
pub(crate) fn plain_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().copied());
    table
}

/// So many columns from `first` on hold numbers.
pub(crate) fn right_aligned(mut table: Table, first: usize, count: usize) -> Table {
    for column in table.column_iter_mut().skip(first).take(count) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The interval of an estimate.
pub(crate) fn estimate_json(estimate: &Estimate) -> Value {
    interval_json(&estimate.interval)
}

pub(crate) fn interval_json(interval: &Interval) -> Value {
    json!({"low": interval.low, "high": interval.high, "level": 0.95, "method": interval.method.code()})
}

pub(crate) fn interval_text(interval: Option<Interval>) -> String {
    interval.map_or("-".to_owned(), |interval| format!("{:.3} to {:.3}", interval.low, interval.high))
}

/// Two fields.
pub(crate) fn interval_csv(interval: Option<Interval>) -> String {
    interval.map_or(",".to_owned(), |interval| format!("{},{}", interval.low, interval.high))
}

/// A summary with what must stand beside it.
pub(crate) struct ScoreTable<'a> {
    pub(crate) summary: &'a Summary,
    pub(crate) protocol: &'a Protocol,
    /// Whether published scores may be compared with it; `None` if the tool cannot know (foreign detections).
    pub(crate) is_comparable: Option<bool>,
    /// Stands beside each score; empty for official ones.
    pub(crate) note: &'a str,
}

impl ScoreTable<'_> {
    fn lines(&self) -> impl Iterator<Item = (&'static str, &ScoreLine)> {
        let tags = self.summary.tags.iter().map(|(tag, line)| (tag.name(), line));
        tags.chain([("overall", &self.summary.overall)])
    }

    /// The table as asked for, with published scores on request. `facts` go into the JSON; `below` comes right under
    /// the text table and `at_the_end` after everything else.
    pub(crate) fn print(
        &self,
        args: &TableArgs,
        facts: Map<String, Value>,
        below: &str,
        at_the_end: Option<String>,
        printer: Printer,
    ) -> Result<()> {
        if args.json {
            let mut map = self.to_json();
            map.extend(facts);
            if args.with_published {
                map.insert("published".to_owned(), published_json());
            }
            return printer.data(format_args!("{:#}\n", Schema::Score.stamp(Value::Object(map))));
        }
        if args.csv {
            return printer.data(self.render_csv());
        }
        let table = self.render_text() + below;
        let published = args.with_published.then(|| render_published(self.summary, self.note));
        let sections: Vec<String> = [Some(table), published, at_the_end].into_iter().flatten().collect();
        printer.data(sections.join("\n"))
    }

    fn render_text(&self) -> String {
        let mut header = vec![
            "tag",
            "score",
            "95 % interval",
            "correct/images",
            "prompts",
            "any correct",
            "missing",
            "bounds",
        ];
        let has_missing = self.summary.overall.n_missing > 0;
        if has_missing {
            header.push("interval with missing");
        }
        if !self.note.is_empty() {
            header.push("note");
        }
        let mut table = plain_table(&header);
        for column in table.column_iter_mut().skip(1).take(if has_missing { 8 } else { 7 }) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for (name, line) in self.lines() {
            let mut cells = vec![name.to_owned()];
            cells.extend(score_cells(line));
            if has_missing {
                cells.push(interval_text(line.with_missing));
            }
            if !self.note.is_empty() {
                cells.push(self.note.to_owned());
            }
            table.add_row(cells);
        }
        let overall = &self.summary.overall;
        let mut text = format!("{}\n", table.trim_fmt());
        let tags_scored = self.summary.tags.iter().filter(|(_, line)| line.estimate.is_some()).count();
        if tags_scored < self.summary.tags.len() {
            text.push_str(&format!(
                "Overall is the mean over the tags that have images: {tags_scored} of {}.\n",
                self.summary.tags.len()
            ));
        }
        if overall.n_missing > 0 {
            text.push_str(
                "Bounds: the score if every missing image were wrong, or right; missing images are in no score. The interval with missing \
                 holds the true score whatever they would have shown.\n",
            );
        }
        if overall.n_scored > 0 {
            text.push_str(&format!(
                "{:.2}% of {} images are correct; {:.2}% of {} prompts have a correct image.\n",
                100.0 * overall.n_correct as f64 / overall.n_scored as f64,
                overall.n_scored,
                100.0 * overall.n_prompts_any_correct as f64 / overall.n_prompts_scored as f64,
                overall.n_prompts_scored,
            ));
        }
        text
    }

    fn render_csv(&self) -> String {
        let mut text = String::from(
            "tag,score,interval_low,interval_high,interval_method,images_correct,images_scored,\
             images_missing,prompts,prompts_scored,prompts_any_correct,score_if_missing_wrong,\
             score_if_missing_right,with_missing_low,with_missing_high,note\n",
        );
        for (name, line) in self.lines() {
            let estimate = match line.estimate {
                Some(Estimate { value, interval, .. }) => {
                    format!("{value},{},{},{}", interval.low, interval.high, interval.method.code())
                }
                None => ",,,".to_owned(),
            };
            let counts = [
                line.n_correct,
                line.n_scored,
                line.n_missing,
                line.n_prompts,
                line.n_prompts_scored,
                line.n_prompts_any_correct,
            ];
            let counts = counts.map(|count| count.to_string()).join(",");
            let (worst, best) = line.bounds;
            let with_missing = interval_csv(line.with_missing);
            text.push_str(&format!(
                "{name},{estimate},{counts},{worst},{best},{with_missing},\"{}\"\n",
                self.note
            ));
        }
        text
    }

    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let facts: Map<String, Value> =
            self.protocol.facts().map(|(k, v)| (k.to_owned(), v.into())).collect();
        let overall = &self.summary.overall;
        let share = |part: usize, whole: usize| match whole {
            0 => Value::Null,
            _ => (part as f64 / whole as f64).into(),
        };
        let tag = |(tag, line): &(Tag, ScoreLine)| {
            let mut row = Map::from_iter([("tag".to_owned(), tag.name().into())]);
            row.extend(self.line_json(line));
            Value::Object(row)
        };
        let tags: Vec<Value> = self.summary.tags.iter().map(tag).collect();
        let result = json!({
            "suite": "geneval",
            "comparable": self.is_comparable,
            "note": self.note,
            "protocol": {"fingerprint": self.protocol.fingerprint(), "facts": facts},
            "overall": self.line_json(overall),
            "tags": tags,
            "images_per_prompt": self.summary.images_per_prompt,
            "share_of_images_correct": share(overall.n_correct, overall.n_scored),
            "share_of_prompts_with_a_correct_image":
                share(overall.n_prompts_any_correct, overall.n_prompts_scored),
        });
        match result {
            Value::Object(map) => map,
            other => Map::from_iter([("result".to_owned(), other)]),
        }
    }

    fn line_json(&self, line: &ScoreLine) -> Map<String, Value> {
        let interval = line.estimate.as_ref().map(estimate_json);
        Map::from_iter([
            ("score".to_owned(), line.estimate.map(|estimate| estimate.value).into()),
            ("interval".to_owned(), interval.into()),
            ("images_correct".to_owned(), line.n_correct.into()),
            ("images_scored".to_owned(), line.n_scored.into()),
            ("images_missing".to_owned(), line.n_missing.into()),
            ("prompts".to_owned(), line.n_prompts.into()),
            ("prompts_scored".to_owned(), line.n_prompts_scored.into()),
            ("prompts_any_correct".to_owned(), line.n_prompts_any_correct.into()),
            ("bounds".to_owned(), json!({"worst": line.bounds.0, "best": line.bounds.1})),
            ("interval_with_missing".to_owned(), line.with_missing.as_ref().map(interval_json).into()),
            ("note".to_owned(), self.note.into()),
        ])
    }
}

fn score_cells(line: &ScoreLine) -> [String; 7] {
    let (score, interval) = match line.estimate {
        Some(Estimate { value, interval, .. }) => {
            (format!("{value:.3}"), format!("{:.3} to {:.3}", interval.low, interval.high))
        }
        None => ("-".to_owned(), "-".to_owned()),
    };
    let any_correct = match line.n_prompts_scored {
        0 => "-".to_owned(),
        n => format!("{:.1}%", 100.0 * line.n_prompts_any_correct as f64 / n as f64),
    };
    let bounds = match line.n_missing {
        0 => "-".to_owned(),
        _ => format!("{:.3} to {:.3}", line.bounds.0, line.bounds.1),
    };
    [
        score,
        interval,
        format!("{}/{}", line.n_correct, line.n_scored),
        format!("{}/{}", line.n_prompts_scored, line.n_prompts),
        any_correct,
        line.n_missing.to_string(),
        bounds,
    ]
}

/// The published table, with the run as its last row.
fn render_published(summary: &Summary, note: &str) -> String {
    let mut header = vec!["published", "overall"];
    header.extend(Tag::ALL.map(Tag::name));
    header.push("note");
    let mut table = plain_table(&header);
    for column in table.column_iter_mut().skip(1).take(7) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in PUBLISHED {
        let mut cells = vec![row.model.to_owned(), format!("{:.2}", row.overall)];
        match row.tags {
            Some(tags) => cells.extend(tags.map(|score| format!("{score:.2}"))),
            None => cells.extend(vec!["-".to_owned(); 6]),
        }
        cells.push(String::new());
        table.add_row(cells);
    }
    let cell = |line: Option<&ScoreLine>| match line.and_then(|line| line.estimate) {
        Some(estimate) => format!("{:.2}", estimate.value),
        None => "-".to_owned(),
    };
    let mut cells = vec!["this run".to_owned(), cell(Some(&summary.overall))];
    for tag in Tag::ALL {
        cells.push(cell(summary.tags.iter().find(|(of, _)| *of == tag).map(|(_, line)| line)));
    }
    cells.push(note.to_owned());
    table.add_row(cells);
    format!(
        "{}\nPublished scores: {PUBLISHED_SOURCE}.\nNot known of them: {PUBLISHED_UNKNOWN}.\n",
        table.trim_fmt()
    )
}

/// The published rows as JSON.
fn published_json() -> Value {
    let row = |row: &imgeval_suites::geneval::PublishedRow| {
        let tags = row.tags.map(|scores| {
            Tag::ALL.iter().zip(scores).map(|(tag, score)| (tag.name().to_owned(), score.into())).collect()
        });
        json!({"model": row.model, "overall": row.overall, "tags": tags.map(Value::Object)})
    };
    json!({"source": PUBLISHED_SOURCE, "unknown": PUBLISHED_UNKNOWN, "rows": PUBLISHED.iter().map(row).collect::<Vec<_>>()})
}
