//! `imgeval observe RUN --judge J`: has the images of a run judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, Result};
use imgeval_clients::open_judge;
use imgeval_core::{CaseId, FailureKind, ImageParameters, Judge, JudgeIdentity, Usd, counted, visible};
use imgeval_generation::FailureExamples;
use imgeval_observe::{JudgeQuestions, check_fits, load_protocols, sketch_question, title_of};
use imgeval_runner::{CallEvent, CallSummary, JudgeSettings, StopSignal, Stopped, judge_images};
use imgeval_scoring::{is_pinned, read_cases, spend_line};
use imgeval_settings::{Overrides, ResolvedModel, Settings};
use imgeval_store::{JudgedItem, RunReader, RunWriter, StoredJudge};
use imgeval_suites::{
    judged::{JudgeProtocol, swapped},
    suite::{SuiteCase, SuiteRef},
};
use tokio::sync::watch;

use super::{
    generate::{generate_error, warn, with_error},
    run::QuestionEstimate,
};
use crate::{
    advice::{explain, judging::no_questions},
    args::{
        RunArgs, SuitesDirArg,
        generation::{SettingsFiles, SpendingArgs},
        judging::JudgeArgs,
    },
    consent::Expense,
    exit_code::Exit,
    failure::{CommandError, client_error},
    interrupt::watch_interrupts,
    printer::Printer,
};

/// What judging needs besides the judges' own arguments.
pub(super) struct JudgeStage<'a> {
    pub(super) run: &'a Path,
    pub(super) args: &'a JudgeArgs,
    pub(super) files: &'a SettingsFiles,
    pub(super) spending: &'a SpendingArgs,
    pub(super) suites: &'a SuitesDirArg,
    pub(super) holder: &'a str,
}

/// The judges of a call, everything checked that can be checked before the first question.
pub(super) struct Panel {
    asked_judges: Vec<AskedJudge>,
    /// Estimated cost above which confirmation is needed if there is no limit.
    pub(super) ask_above: Usd,
}

/// Images that are generated before they are judged.
pub(super) struct Coming {
    /// How many the run lacks.
    pub(super) images: usize,
    /// How many it holds.
    pub(super) held: usize,
    /// One of the cases, whose question represents all.
    pub(super) case: SuiteCase,
}

/// A judge under one protocol.
struct AskedJudge {
    model: ResolvedModel,
    /// It was named by its address, so that no variable holds its key.
    has_address: bool,
    judge: Arc<dyn Judge>,
    protocol: JudgeProtocol,
    identity: JudgeIdentity,
}

impl Panel {
    /// The models of the judges for which no price of a question is known.
    pub(super) fn without_price(&self, suite: SuiteRef, case: &SuiteCase) -> Vec<String> {
        let has_no_price = |asked: &&AskedJudge| {
            sketch_question(&asked.protocol, suite, case)
                .is_ok_and(|question| asked.judge.estimate(&question).is_none())
        };
        let unpriced = self.asked_judges.iter().filter(has_no_price);
        unpriced.map(|asked| visible(&asked.model.name.model)).collect()
    }
}

impl<'a> JudgeStage<'a> {
    /// As a stage of `imgeval run`.
    pub(super) fn of_run(args: &'a RunArgs, run: &'a Path, holder: &'a str) -> Self {
        let provider = &args.generation.provider;
        let (files, spending) = (&provider.files, &provider.spending);
        Self { run, args: &args.judge, files, spending, suites: &args.suites, holder }
    }
}

impl JudgeStage<'_> {
    /// Asks every judge about what it has not judged yet.
    pub(super) fn work(&self, panel: &Panel, suite: SuiteRef, printer: Printer) -> Result<Exit> {
        let (sender, stop) = watch::channel(StopSignal::GoOn);
        if !self.args.dry_run {
            watch_interrupts(sender, printer)?;
        }
        let mut exit = Exit::Ok;
        for asked_judge in &panel.asked_judges {
            let end = self.sit(asked_judge, suite, &stop, printer)?;
            exit = match (exit, end) {
                (_, Exit::Interrupted | Exit::BudgetReached) => return Ok(end),
                (Exit::Ok, end) => end,
                (exit, _) => exit,
            };
        }
        Ok(exit)
    }

    /// The expense to confirm before judging without a cost limit begins, from the price of one question.
    pub(super) fn expenses(
        &self,
        panel: &Panel,
        suite: SuiteRef,
        coming: Option<&Coming>,
    ) -> Result<Vec<Expense>> {
        if self.args.max_cost.is_some() || self.args.dry_run || self.spending.yes {
            return Ok(Vec::new());
        }
        let mut expenses = Vec::new();
        for asked_judge in &panel.asked_judges {
            let (mut asked, mut case) = match coming {
                Some(Coming { held: 0, .. }) => (0, None),
                _ => {
                    let questions = self.questions(asked_judge, suite)?;
                    let left = self.with_settings(asked_judge, &questions, |settings| {
                        Ok(questions.left(self.run, &settings)?.len())
                    })?;
                    (left, questions.first_case().cloned())
                }
            };
            if let Some(coming) = coming {
                asked += coming.images * self.args.judge_repeats as usize;
                case = Some(Arc::new(coming.case.clone()));
            }
            let Some(case) = case else { continue };
            let question = sketch_question(&asked_judge.protocol, suite, &case);
            let question = question.map_err(|failure| CommandError::usage(failure.detail))?;
            if let Some(cost) = asked_judge.judge.estimate(&question) {
                let what =
                    format!("{} to {}", counted(asked, "question"), visible(&asked_judge.model.name.model));
                let cost = cost.amount.times(asked as u64);
                expenses.push(Expense { what, cost, limit: "--judge-max-cost" });
            }
        }
        Ok(expenses)
    }

    /// The questions to the judges about this many new images, from the price of one question; `None` if the question
    /// is unknown before there is an image.
    pub(super) fn questions_ahead(
        &self,
        panel: &Panel,
        suite: SuiteRef,
        case: &SuiteCase,
        images: usize,
    ) -> Option<QuestionEstimate> {
        let mut all = QuestionEstimate::default();
        for asked_judge in &panel.asked_judges {
            let asked = images * self.args.judge_repeats as usize;
            let Ok(question) = sketch_question(&asked_judge.protocol, suite, case) else { return None };
            all.asked += asked;
            match asked_judge.judge.estimate(&question) {
                Some(cost) => all.cost += cost.amount.times(asked as u64),
                None => all.unpriced += asked,
            }
        }
        Some(all)
    }

    /// The judges with their protocols.
    pub(super) fn panel(&self, suite: SuiteRef, printer: Printer) -> Result<Panel> {
        let cases = match suite.is_checked() {
            true => read_cases(&RunReader::open(self.run)?, suite)?,
            false => BTreeMap::new(),
        };
        self.panel_for(suite, &cases, printer)
    }

    /// As [`Self::panel`], for cases that the run may not hold yet.
    pub(super) fn panel_for(
        &self,
        suite: SuiteRef,
        cases: &BTreeMap<CaseId, SuiteCase>,
        printer: Printer,
    ) -> Result<Panel> {
        let mut protocols = match suite.is_checked() {
            true => self.protocols_of_checks(suite, cases)?,
            false => load_protocols(suite, self.args.protocol.as_deref(), &self.suites.files())?,
        };
        for protocol in protocols.iter().filter(|_| !suite.is_checked()) {
            check_fits(protocol, suite)?;
        }
        if self.args.swap_order {
            let turned = protocols.iter().filter_map(swapped).collect::<Vec<_>>();
            if turned.is_empty() {
                let labels: Vec<String> = protocols.iter().map(JudgeProtocol::label).collect();
                let message = format!("the protocol {} has no image order to swap", labels.join(", "));
                let hint = "--swap-order needs two images, each introduced by words that say which one it is";
                return Err(CommandError::usage(message).with_hint(hint).into());
            }
            protocols.extend(turned);
        }
        let settings = Settings::load(&self.files.named())?;
        let mut asked_judges = Vec::new();
        for name in &self.args.judges {
            let overrides = Overrides {
                key_file: self.args.judge_key_file.clone(),
                concurrency: self.args.judge_concurrency,
                timeout: self.args.judge_timeout,
                ..Overrides::default()
            };
            let model = settings.resolve_judge(name, &overrides)?;
            let allowed = self.spending.allowed_models();
            warn(&settings.check_model(&model, &ImageParameters::default(), allowed)?, printer);
            if !self.args.dry_run {
                let hint = "pass a file that contains the key: --judge-key-file FILE";
                let checked = model.check_key().map_err(CommandError::from);
                checked.map_err(|error| if name.contains("://") { error.with_hint(hint) } else { error })?;
            }
            if let Some(protocol) =
                protocols.iter().find(|of| !suite.is_checked() && !is_pinned(&model.name.model, of))
            {
                printer.talk(format_args!(
                    "judge: {} is not {}, the judge behind the published scores of {}",
                    visible(&model.name.model),
                    protocol.judge_pin,
                    suite.id(),
                ));
            }
            for protocol in &protocols {
                let judge = open_judge(model.settings.clone(), &model.name.model, model.entry.clone())
                    .map_err(|error| client_error(&error))?;
                let identity = JudgeIdentity {
                    judge: judge.meta().clone(),
                    protocol: protocol.label(),
                    protocol_hash: protocol.hash(),
                };
                let (model, protocol) = (model.clone(), protocol.clone());
                let has_address = name.contains("://");
                asked_judges.push(AskedJudge { model, has_address, judge, protocol, identity });
            }
        }
        Ok(Panel { asked_judges, ask_above: settings.ask_above })
    }

    /// The protocols that the checks of the cases are asked by.
    fn protocols_of_checks(
        &self,
        suite: SuiteRef,
        cases: &BTreeMap<CaseId, SuiteCase>,
    ) -> Result<Vec<JudgeProtocol>> {
        if self.args.protocol.is_some() || self.args.swap_order || self.args.anchors.is_some() {
            let message = "the checks of your own cases determine how a judge is asked";
            let hint = "leave out --protocol, --swap-order and --anchors";
            return Err(CommandError::usage(message).with_hint(hint).into());
        }
        let files = self.suites.files();
        let protocols = suite.asked_for(cases).into_iter().map(|id| suite.protocol(id, &files));
        let protocols = protocols.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        if protocols.is_empty() {
            return Err(no_questions().into());
        }
        Ok(protocols)
    }

    /// What the judge is asked about the run.
    fn questions(&self, asked_judge: &AskedJudge, suite: SuiteRef) -> Result<JudgeQuestions> {
        let AskedJudge { protocol, identity, .. } = asked_judge;
        let (anchors, repeats) = (self.args.anchors.as_deref(), self.args.judge_repeats);
        Ok(JudgeQuestions::about(self.run, suite, protocol, identity, anchors, repeats)?)
    }

    /// Does something with the settings under which questions are asked.
    fn with_settings<T>(
        &self,
        asked_judge: &AskedJudge,
        questions: &JudgeQuestions,
        work: impl FnOnce(JudgeSettings<'_>) -> Result<T>,
    ) -> Result<T> {
        let protocol = &asked_judge.protocol;
        let is_readable = |text: &str| protocol.parse_reply(text).is_ok();
        let retry = BTreeSet::new();
        let only: Option<BTreeSet<FailureKind>> =
            self.args.only.as_ref().map(|kinds| kinds.iter().copied().collect());
        work(JudgeSettings {
            concurrency: asked_judge.model.settings.limits.concurrent,
            max_cost: self.args.max_cost,
            max_tries: protocol.max_tries,
            only: only.as_ref(),
            retry: &retry,
            is_readable: &is_readable,
            question: questions.make(),
        })
    }

    fn sit(
        &self,
        asked_judge: &AskedJudge,
        suite: SuiteRef,
        stop: &watch::Receiver<StopSignal>,
        printer: Printer,
    ) -> Result<Exit> {
        let questions = self.questions(asked_judge, suite)?;
        match questions.first_case() {
            // Of own cases only some have a check that this protocol asks about.
            None if suite.is_checked() => return Ok(Exit::Ok),
            None => {
                let hint = "import or generate usable images first";
                return Err(CommandError::nothing("the run contains no usable image").with_hint(hint).into());
            }
            Some(_) => {}
        }
        self.with_settings(asked_judge, &questions, |settings| match self.args.dry_run {
            true => self.tell_plan(asked_judge, &questions, &settings, printer),
            false => self.judge(asked_judge, &questions, settings, stop, printer),
        })
    }

    fn judge(
        &self,
        asked_judge: &AskedJudge,
        questions: &JudgeQuestions,
        settings: JudgeSettings<'_>,
        stop: &watch::Receiver<StopSignal>,
        printer: Printer,
    ) -> Result<Exit> {
        let AskedJudge { judge, protocol, identity, .. } = asked_judge;
        let title = title_of(identity);
        let mut run = RunWriter::open(self.run, self.holder)?;
        let protocol_text = protocol.to_toml().context("could not save the protocol")?;
        run.record_judge(&StoredJudge { identity: identity.clone(), protocol: protocol_text })?;
        questions.keep_references(&mut run)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("could not start the network threads")?;
        let mut progress = printer.progress("judge", "judgment");
        let mut examples = FailureExamples::default();
        let mut on_event = |event: CallEvent<JudgedItem>| {
            if let CallEvent::Landed { item, failure: Some(failure), .. } = &event {
                examples.add(failure.kind, &item.id, &failure.detail);
            }
            progress.show_calls(&event);
        };
        let items = questions.items().to_vec();
        let result =
            runtime.block_on(judge_images(run, items, judge.clone(), settings, stop.clone(), &mut on_event));
        progress.finish();
        let (summary, error) = with_error(result);
        tell_summary(&summary, &title, &examples, printer);
        match error {
            Some(error) => Err(generate_error(error)),
            None => exit_of(&summary, asked_judge),
        }
    }

    fn tell_plan(
        &self,
        asked_judge: &AskedJudge,
        questions: &JudgeQuestions,
        settings: &JudgeSettings<'_>,
        printer: Printer,
    ) -> Result<Exit> {
        let asked = questions.left(self.run, settings)?;
        let estimate = asked.first().map(|item| (settings.question)(item)).transpose();
        let estimate = estimate.map_err(|failure| CommandError::usage(failure.detail))?;
        let cost = match estimate.map(|question| asked_judge.judge.estimate(&question)) {
            None => "no cost".to_owned(),
            Some(None) => "price unknown".to_owned(),
            Some(Some(cost)) => {
                let total = cost.amount.times(asked.len() as u64);
                format!("about {total} ({} each, {})", cost.amount, cost.basis)
            }
        };
        printer.data(format_args!(
            "{}: {} of {}, {cost}\n",
            title_of(&asked_judge.identity),
            counted(asked.len(), "question"),
            questions.items().len()
        ))?;
        Ok(Exit::Ok)
    }
}

fn tell_summary(summary: &CallSummary, title: &str, examples: &FailureExamples, printer: Printer) {
    let n = |counts: &BTreeMap<FailureKind, usize>| counts.values().sum::<usize>();
    printer.talk(format_args!(
        "judge: {title}: {} judged, {} already judged, {} without a score",
        summary.made,
        summary.done_before,
        n(&summary.failed) + n(&summary.failed_before),
    ));
    let mut kinds = summary.failed.clone();
    for (kind, count) in &summary.failed_before {
        *kinds.entry(*kind).or_default() += count;
    }
    for (kind, count) in kinds {
        printer.insist(format_args!("  {}: {count}: {}", kind.code(), explain(kind)));
        for example in examples.of(kind) {
            printer.insist(format_args!("    {example}"));
        }
    }
    if summary.stopped.is_none() && summary.abandoned == 0 && summary.not_started > 0 {
        // Only --only leaves something undone without a stop.
        printer.insist(format_args!(
            "  skipped: {}, which this judge was never asked about; leave out --only to ask",
            summary.not_started
        ));
    } else if summary.not_started + summary.abandoned > 0 {
        printer.insist(format_args!(
            "  not judged: {} ({} of them in progress)",
            summary.not_started + summary.abandoned,
            summary.abandoned
        ));
    }
    if let Some(Stopped::Budget(shortage)) = &summary.stopped {
        printer.insist(format_args!("  {}", shortage.describe("--judge-max-cost")));
    }
    printer.talk(spend_line(&summary.spend).trim_end());
}

fn exit_of(summary: &CallSummary, asked_judge: &AskedJudge) -> Result<Exit> {
    match &summary.stopped {
        Some(Stopped::Down(down)) => {
            let mut hint = down.hint.clone();
            if asked_judge.has_address {
                let variables = asked_judge.model.settings.kind.key_variables().join(" or ");
                hint =
                    hint.replace(&format!("set {variables} to"), "let the file of --judge-key-file contain");
                hint = hint.replace(&variables, "the file of --judge-key-file");
            }
            Err(CommandError::mendable(down.message.clone(), hint).into())
        }
        Some(Stopped::Budget(_)) => Ok(Exit::BudgetReached),
        Some(Stopped::Interrupted) if summary.not_started + summary.abandoned > 0 => Ok(Exit::Interrupted),
        _ if summary.failed.is_empty() && summary.failed_before.is_empty() => Ok(Exit::Ok),
        _ => Ok(Exit::Partial),
    }
}
