//! `imgeval score`: the score tables of a run, whatever its suite.

use anyhow::Result;
use imgeval_core::counted;
use imgeval_metrics::BootstrapSettings;
use imgeval_report::{
    measured::MeasuredView,
    schema::Schema,
    scores::ScoreView,
    tables::{
        coverage_table, metric_tables, metrics_json, published_json, published_table, render_scores_csv,
        scores_csv_header, scores_json, scores_table, slice_tables, spend_json, terminal, trust_json,
        trust_tables, verdicts_json, verdicts_table,
    },
    verdicts::VerdictsView,
};
use imgeval_scoring::{
    Coverage, Evaluator, Run, ScoringError, Trust, add_verdict, published_view, spend_line, spend_view,
};
use imgeval_suites::summary::Summary;
use serde_json::{Map, Value, json};

use super::{
    gates::{Check, write_junit},
    rewrite_gap::print_gap,
    score_detections::score_detections,
    score_rows::score_rows,
};
use crate::{
    advice::{
        explain_coverage,
        judging::{no_rules, nobody_judged},
    },
    args::scoring::{ScoreArgs, TableArgs},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn score(args: &ScoreArgs, printer: Printer) -> Result<Exit> {
    args.verdict.check()?;
    if let Some(rows) = args.of_rows() {
        return score_rows(&rows, printer);
    }
    if let Some(detections) = args.of_detections()? {
        return score_detections(&detections, printer);
    }
    let run = Run::open_with(&args.target, args.verdict.options())?;
    let asked = Asked {
        observer: args.observer.as_deref(),
        verdicts: args.verdicts.then(VerdictsView::default),
        by_group: args.by_subcategory,
    };
    let exit = Scores::of(&run, asked, &args.table)?.print(&args.table, Map::new(), printer)?;
    if let Some(rewritten) = &args.rewritten {
        print_gap(&run, rewritten, args, printer)?;
    }
    Ok(exit)
}

/// What of a run's scores is shown.
#[derive(Default)]
pub(super) struct Asked<'a> {
    pub(super) observer: Option<&'a str>,
    /// Filled with the verdict on every image, if it is wanted.
    pub(super) verdicts: Option<VerdictsView>,
    pub(super) by_group: bool,
}

/// The scores of a run by one evaluator or several.
pub(super) struct Scores<'a> {
    run: &'a Run,
    tables: Vec<Table<'a>>,
    verdicts: Option<VerdictsView>,
    by_group: bool,
    trust: Option<Trust<'a>>,
    metrics: Vec<MeasuredView>,
}

/// One evaluator's scores.
pub(super) struct Table<'a> {
    pub(super) evaluator: &'a Evaluator,
    pub(super) summary: Summary,
    pub(super) coverage: Coverage,
    view: ScoreView,
}

impl<'a> Table<'a> {
    fn of(
        run: &'a Run,
        evaluator: &'a Evaluator,
        table: &TableArgs,
        verdicts: &mut Option<VerdictsView>,
    ) -> Result<Self, ScoringError> {
        let mut given = VerdictsView::default();
        let scored = run.score(Some(evaluator), |result| {
            if verdicts.is_some() {
                add_verdict(&mut given, evaluator, result);
            }
            Ok::<_, ScoringError>(())
        })?;
        if let Some(verdicts) = verdicts {
            verdicts.extend(given);
        }
        let (summary, coverage) = (scored.builder.summarise(table.settings()), scored.coverage);
        Ok(Self::from_summary(run, evaluator, summary, coverage, table.settings()))
    }

    /// From a summary that is there already.
    pub(super) fn from_summary(
        run: &'a Run,
        evaluator: &'a Evaluator,
        summary: Summary,
        coverage: Coverage,
        settings: BootstrapSettings,
    ) -> Self {
        let mut view = run.score_view(evaluator, &summary, &coverage, settings);
        view.coverage.iter_mut().for_each(|coverage| explain_coverage(&mut coverage.lines));
        Self { evaluator, summary, coverage, view }
    }
}

impl<'a> Scores<'a> {
    pub(super) fn of(run: &'a Run, asked: Asked<'_>, table: &TableArgs) -> Result<Self> {
        let Asked { observer, mut verdicts, by_group } = asked;
        if !run.has_rules() {
            return Err(no_rules().into());
        }
        let evaluators: Vec<&Evaluator> = match (observer, run.suite().is_detected()) {
            (None, false) => run.evaluators().iter().collect(),
            _ => run.choose(observer)?.into_iter().collect(),
        };
        let tables = evaluators
            .into_iter()
            .map(|evaluator| Table::of(run, evaluator, table, &mut verdicts))
            .collect::<Result<Vec<_>, _>>()?;
        let mut scores = Self::from_tables(run, tables, table)?;
        (scores.verdicts, scores.by_group) = (verdicts, by_group);
        Ok(scores)
    }

    pub(super) fn from_tables(run: &'a Run, tables: Vec<Table<'a>>, table: &TableArgs) -> Result<Self> {
        let is_detected = run.suite().is_detected();
        let settings = table.settings();
        let trust = if is_detected { None } else { Some(Trust::of(run, settings)?) };
        let metrics = if is_detected { Vec::new() } else { run.measured(settings)? };
        Ok(Self { run, tables, verdicts: None, by_group: false, trust, metrics })
    }

    /// Prints everything in the form asked for, `more` with the JSON; gives the exit code that the run deserves.
    pub(super) fn print(&self, args: &TableArgs, more: Map<String, Value>, printer: Printer) -> Result<Exit> {
        self.check_anything()?;
        if let Some(table) = self.tables.first() {
            tell_missing_colors(self.run, &table.coverage, printer);
        }
        if args.json {
            let mut value = self.to_json(args);
            value.extend(more);
            let schema = match self.run.suite().is_detected() {
                true => Schema::Score,
                false => Schema::JudgedScore,
            };
            printer.data(format_args!("{:#}\n", schema.stamp(Value::Object(value))))?;
        } else if args.csv {
            let header = scores_csv_header(self.run.suite().is_detected());
            let rows: String = self.tables.iter().map(|table| render_scores_csv(&table.view)).collect();
            printer.data(format_args!("{header}{rows}"))?;
        } else {
            self.print_text(args, printer)?;
        }
        if self.trust.as_ref().is_some_and(Trust::has_drifted) {
            printer.warn(
                "the anchors moved beyond the judge's noise: the judge behind these scores has changed",
            );
        }
        self.exit(args, printer)
    }

    /// Refuses a run about which there is nothing to say.
    fn check_anything(&self) -> Result<()> {
        if self.run.suite().is_detected() {
            if self.tables.is_empty() {
                let coverage = self.run.coverage()?;
                return Err(nothing_scored(&coverage, true).into());
            }
            return Ok(());
        }
        if self.tables.is_empty() && self.metrics.is_empty() {
            if !self.run.takes_judges() {
                return Err(nothing_scored(&self.run.coverage()?, true).into());
            }
            return Err(nobody_judged().into());
        }
        Ok(())
    }

    pub(super) fn to_json(&self, args: &TableArgs) -> Map<String, Value> {
        let run = self.run;
        let mut map = Map::from_iter([("suite".to_owned(), run.suite().id().into())]);
        let generation = &run.manifest().generation;
        if run.suite().is_detected() {
            if let Some(table) = self.tables.first() {
                map.extend(scores_json(&table.view));
            }
            if !generation.is_empty() {
                let facts = json!({"facts": generation, "spend": spend_json(&spend_view(run.spend()))});
                map.insert("generation".to_owned(), facts);
            }
            if let (true, Some(table)) = (args.with_published, self.tables.first())
                && let Some(published) = published_view(run.suite(), &table.summary, false)
            {
                map.insert("published".to_owned(), published_json(&published));
            }
        } else {
            let judges = self.tables.iter().map(|table| Value::Object(scores_json(&table.view))).collect();
            map.extend([
                ("judges".to_owned(), judges),
                ("metrics".to_owned(), metrics_json(&self.metrics)),
                ("spend".to_owned(), spend_json(&spend_view(run.spend()))),
            ]);
            map.extend(self.trust.as_ref().map(|trust| ("trust".to_owned(), trust_json(&trust.view()))));
            if !generation.is_empty() {
                map.insert("generation".to_owned(), json!({"facts": generation}));
            }
        }
        if let Some(verdicts) = &self.verdicts {
            map.insert("verdicts".to_owned(), verdicts_json(verdicts));
        }
        map
    }

    fn print_text(&self, args: &TableArgs, printer: Printer) -> Result<()> {
        let run = self.run;
        let mut tables = Vec::new();
        tables.extend(self.verdicts.as_ref().map(verdicts_table));
        for table in &self.tables {
            let mut scores = scores_table(&table.view, self.by_group);
            if run.suite().is_detected() {
                scores.below.extend(self.describe(table.evaluator));
            }
            tables.push(scores);
            tables.extend(slice_tables(&table.view));
            if args.with_published {
                tables.extend(
                    published_view(run.suite(), &table.summary, true).map(|view| published_table(&view)),
                );
            }
        }
        tables.extend(metric_tables(&self.metrics));
        if let Some(trust) = &self.trust {
            tables.extend(trust_tables(&trust.view(), "--judge-repeats"));
        }
        tables.extend(self.coverage_tables(args.verbose)?);
        if let (false, Some(last)) = (run.suite().is_detected(), tables.last_mut()) {
            last.below.push(format!("suite: {}", run.suite().id()));
            last.below.extend(run.manifest().label.as_ref().map(|label| format!("label: {label}")));
            last.below.push(spend_line(run.spend()).trim_end().to_owned());
        }
        printer.tables(tables)
    }

    /// Evaluators that saw everything cover the same, which is told once.
    fn coverage_tables(&self, is_verbose: bool) -> Result<Vec<terminal::Table>> {
        let mut told: Vec<&Coverage> = Vec::new();
        let mut tables = Vec::new();
        for table in &self.tables {
            let Some(view) = table.view.coverage.as_ref().filter(|_| !told.contains(&&table.coverage)) else {
                continue;
            };
            let is_common = self.tables.iter().all(|other| other.coverage == table.coverage);
            let coverage = coverage_table(view, is_verbose);
            tables.push(match is_common {
                true => coverage,
                false => coverage.with_title(format!("Scored by {}:", table.evaluator.title())),
            });
            told.push(&table.coverage);
        }
        if self.tables.is_empty() {
            let mut view = self.run.coverage()?.view();
            explain_coverage(&mut view.lines);
            tables.push(coverage_table(&view, is_verbose));
        }
        Ok(tables)
    }

    /// Suite, observer and fingerprint of a run that detectors score, in a few lines for people.
    fn describe(&self, evaluator: &Evaluator) -> Vec<String> {
        let run = self.run;
        let manifest = run.manifest();
        let parameters: Vec<_> =
            manifest.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let prompts = if run.is_official() { run.suite().facts().prompts } else { "fresh prompts" };
        let rewritten = match run.rewritten_prompts().len() {
            0 => String::new(),
            1 => ", 1 of them rewritten".to_owned(),
            n_rewritten => format!(", {n_rewritten} of them rewritten"),
        };
        let parameters = parameters.join(", ");
        let mut lines = vec![format!("suite: {} ({prompts}{rewritten}: {parameters})", manifest.suite)];
        if let Some(label) = &manifest.label {
            lines.push(format!("label: {label}"));
        }
        if let Some(model) = run.model() {
            lines.push(format!("model: {model}"));
            lines.push(spend_line(run.spend()).trim_end().to_owned());
        }
        lines.push(format!("observer: {} [{}]", evaluator.title(), evaluator.id()));
        lines.push(format!("protocol: {}", run.protocol(Some(evaluator)).fingerprint()));
        lines
    }

    /// The exit code that the scores deserve.
    pub(super) fn exit(&self, args: &TableArgs, printer: Printer) -> Result<Exit> {
        let mut exit = Exit::Ok;
        let mut checks = Vec::new();
        for table in &self.tables {
            let overall = table.summary.overall().estimate;
            if overall.is_none() && self.run.suite().is_detected() {
                return Err(nothing_scored(&table.coverage, false).into());
            }
            let n_unscored = table.coverage.n_unscored();
            if n_unscored > 0 {
                exit = Exit::Partial;
            }
            let title = table.evaluator.title();
            checks.push(Check::of_coverage(&title, n_unscored));
            let overall = overall.map(|overall| overall.value);
            checks.extend(Check::of_score(&title, overall, args.fail_below)?);
        }
        if let Some(other) = &args.fail_if_worse_than {
            checks.extend(Check::against(self.run.directory(), other, args.settings())?);
        }
        if let Some(file) = &args.junit {
            write_junit(file, self.run.suite().id(), &checks)?;
        }
        let mut failed = checks.iter().filter_map(Check::gate_failure).peekable();
        if failed.peek().is_some() {
            exit = Exit::GateFailed;
        }
        failed.for_each(|failure| printer.insist(failure));
        Ok(exit)
    }
}

/// Why a run that detectors score has no score, with what to do about it.
pub(super) fn nothing_scored(coverage: &Coverage, is_unobserved: bool) -> CommandError {
    let hint = match (coverage.usable, coverage.not_observed.count) {
        (0, _) => "import or generate usable images first",
        _ if is_unobserved => "run `imgeval observe` first",
        (_, 0) if coverage.without_color.count > 0 => "run `imgeval observe` again",
        (_, 0) => "see the coverage table for problems with the images",
        _ => "run `imgeval observe` first",
    };
    CommandError::nothing("no image of the run could be scored").with_hint(hint)
}

/// Says how to get colors that verdicts would need, if some are missing.
pub(super) fn tell_missing_colors(run: &Run, coverage: &Coverage, printer: Printer) {
    let n_images = coverage.without_color.count;
    if n_images == 0 {
        return;
    }
    let mut command = format!("imgeval observe {}", run.directory().display());
    let official = imgeval_suites::geneval::VerdictOptions::default();
    let options = run.options();
    let threshold = options.threshold.min(options.counting_threshold);
    if threshold < official.threshold {
        command.push_str(&format!(" --color-threshold {threshold}"));
    }
    if options.max_objects > official.max_objects {
        command.push_str(&format!(" --color-objects {}", options.max_objects));
    }
    printer.insist(format_args!(
        "{} cannot be scored: a color that the prompt asks for has not been named; `{command}`, with the same detector, names it without detecting again",
        counted(n_images, "image")
    ));
}
