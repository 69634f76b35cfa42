//! `imgeval observe RUN --judge J`: has the images of a run judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use imgeval_clients::open_judge;
use imgeval_core::{
    CaseId, Failure, FailureKind, ImageFormat, ImageParameters, ImageRef, InputImage, Judge, JudgeIdentity,
    JudgeQuestion, Outcome, SampleId, Usage, Usd, WorkKey, visible,
};
use imgeval_observe::{load_image, make_question};
use imgeval_runner::{
    CallEvent, CallSummary, JudgeSettings, JudgeStep, StopSignal, Stopped, judge_images, judgment_histories,
    plan_judgment,
};
use imgeval_scoring::{is_pinned, read_cases, spend_line, suite_of};
use imgeval_settings::{Overrides, ResolvedModel, Settings};
use imgeval_store::{Charge, JudgedItem, JudgedRole, JudgmentRecord, RunReader, RunWriter, StoredJudge};
use imgeval_suites::{
    judged::{Attachment, ImagePreparation, JudgeProtocol},
    suite::{SuiteCase, SuiteRef},
};
use tokio::sync::watch;

use super::generate::{generate_error, warn, with_error};
use crate::{
    advice::explain,
    args::{
        SuitesDirArg,
        generation::{SettingsFiles, SpendingArgs},
        judging::JudgeArgs,
    },
    consent::Expense,
    counted::counted,
    exit_code::Exit,
    failure::{CommandError, client_error},
    generation_table::FailureExamples,
    interrupt::watch_interrupts,
    judged::protocols::{check_fits, load_protocols, no_questions, swapped},
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

/// An image with what a judge is told about it.
struct Subject {
    case: Arc<SuiteCase>,
    image: ImageRef,
    /// The run that holds it.
    directory: PathBuf,
}

type Subjects = BTreeMap<(JudgedRole, SampleId), Subject>;

/// The judges of a call, everything checked that can be checked before the first question.
pub(super) struct Panel {
    sittings: Vec<Sitting>,
    /// What costs more, and has no limit, is asked about.
    pub(super) ask_above: Usd,
}

/// Images that are generated before they are judged.
pub(super) struct Coming {
    /// How many the run lacks.
    pub(super) images: usize,
    /// How many it holds.
    pub(super) held: usize,
    /// One of the cases, whose question stands for all.
    pub(super) case: SuiteCase,
}

/// What a sitting is about.
struct Agenda<'a> {
    items: Vec<JudgedItem>,
    /// The case of the first image; `None` if the run holds no usable image.
    first_case: Option<Arc<SuiteCase>>,
    /// What the judge said of the anchors when they were set up.
    references: Vec<JudgmentRecord>,
    settings: JudgeSettings<'a>,
}

/// A judge under one protocol.
struct Sitting {
    model: ResolvedModel,
    /// It was named by its address, so that no variable holds its key.
    has_address: bool,
    judge: Arc<dyn Judge>,
    protocol: JudgeProtocol,
    identity: JudgeIdentity,
}

impl JudgeStage<'_> {
    /// Lets every judge look at what it has not judged yet.
    pub(super) fn work(&self, panel: &Panel, suite: SuiteRef, printer: Printer) -> Result<Exit> {
        let (sender, stop) = watch::channel(StopSignal::GoOn);
        if !self.args.dry_run {
            watch_interrupts(sender, printer)?;
        }
        let mut exit = Exit::Ok;
        for sitting in &panel.sittings {
            let end = self.sit(sitting, suite, &stop, printer)?;
            exit = match (exit, end) {
                (_, Exit::Interrupted | Exit::BudgetReached) => return Ok(end),
                (Exit::Ok, end) => end,
                (exit, _) => exit,
            };
        }
        Ok(exit)
    }

    /// What the user is asked about before judging without a limit on its cost begins, by the price of one question.
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
        for sitting in &panel.sittings {
            let (mut asked, mut case) = match coming {
                Some(Coming { held: 0, .. }) => (0, None),
                _ => self.with_agenda(sitting, suite, |agenda| {
                    Ok((self.left(&agenda)?.len(), agenda.first_case))
                })?,
            };
            if let Some(coming) = coming {
                asked += coming.images * self.args.judge_repeats as usize;
                case = Some(Arc::new(coming.case.clone()));
            }
            let Some(case) = case else { continue };
            let question = sketch_question(&sitting.protocol, suite, &case);
            let question = question.map_err(|failure| CommandError::usage(failure.detail))?;
            if let Some(cost) = sitting.judge.estimate(&question) {
                let what =
                    format!("{} to {}", counted(asked, "question"), visible(&sitting.model.name.model));
                let cost = cost.amount.times(asked as u64);
                expenses.push(Expense { what, cost, limit: "--judge-max-cost" });
            }
        }
        Ok(expenses)
    }

    /// The judges with their protocols.
    pub(super) fn panel(&self, suite: SuiteRef, printer: Printer) -> Result<Panel> {
        let mut protocols = match suite.is_checked() {
            true => self.protocols_of_checks(suite)?,
            false => load_protocols(suite, self.args.protocol.as_deref(), &self.suites.files())?,
        };
        for protocol in protocols.iter().filter(|_| !suite.is_checked()) {
            check_fits(protocol, suite)?;
        }
        if self.args.swap_order {
            let turned = protocols.iter().filter_map(swapped).collect::<Vec<_>>();
            if turned.is_empty() {
                let labels: Vec<String> = protocols.iter().map(JudgeProtocol::label).collect();
                let message = format!("the protocol {} has no order of images to swap", labels.join(", "));
                let hint = "--swap-order needs two images, each behind words that say which one it is";
                return Err(CommandError::usage(message).with_hint(hint).into());
            }
            protocols.extend(turned);
        }
        let settings = Settings::load(&self.files.named())?;
        let mut sittings = Vec::new();
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
                let hint = "name a file that holds the key: --judge-key-file FILE";
                let checked = model.check_key().map_err(CommandError::from);
                checked.map_err(|error| if name.contains("://") { error.with_hint(hint) } else { error })?;
            }
            if let Some(protocol) =
                protocols.iter().find(|of| !suite.is_checked() && !is_pinned(&model.name.model, of))
            {
                printer.talk(format_args!(
                    "judge: {} is not {}, whose judgments the published scores of {} come from",
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
                sittings.push(Sitting { model, has_address, judge, protocol, identity });
            }
        }
        Ok(Panel { sittings, ask_above: settings.ask_above })
    }

    /// The protocols that the checks of the run's cases are asked by.
    fn protocols_of_checks(&self, suite: SuiteRef) -> Result<Vec<JudgeProtocol>> {
        if self.args.protocol.is_some() || self.args.swap_order || self.args.anchors.is_some() {
            let message = "the checks of your own cases say how a judge is asked";
            let hint = "leave out --protocol, --swap-order and --anchors";
            return Err(CommandError::usage(message).with_hint(hint).into());
        }
        let cases = read_cases(&RunReader::open(self.run)?, suite)?;
        let files = self.suites.files();
        let protocols = suite.asked_for(&cases).into_iter().map(|id| suite.protocol(id, &files));
        let protocols = protocols.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        if protocols.is_empty() {
            return Err(no_questions().into());
        }
        Ok(protocols)
    }

    /// Does something with what a sitting is about.
    fn with_agenda<T>(
        &self,
        sitting: &Sitting,
        suite: SuiteRef,
        work: impl FnOnce(Agenda<'_>) -> Result<T>,
    ) -> Result<T> {
        let Sitting { protocol, identity, .. } = sitting;
        let mut subjects = subjects_of(self.run, JudgedRole::Sample)?;
        subjects.retain(|_, subject| suite.asks(&protocol.id, &subject.case));
        let first_case = subjects.values().next().map(|subject| subject.case.clone());
        let references = match &self.args.anchors {
            Some(anchors) => self.add_anchors(anchors, suite, identity, &mut subjects)?,
            None => Vec::new(),
        };
        let items = items_of(&subjects, identity, self.args.judge_repeats);
        let subjects = Arc::new(subjects);
        let is_readable = |text: &str| protocol.parse_reply(text).is_ok();
        let retry = BTreeSet::new();
        let question = {
            let (subjects, protocol) = (subjects.clone(), protocol.clone());
            Arc::new(move |item: &JudgedItem| question_about(&protocol, suite, &subjects, item))
        };
        let only: Option<BTreeSet<FailureKind>> =
            self.args.only.as_ref().map(|kinds| kinds.iter().copied().collect());
        let settings = JudgeSettings {
            concurrency: sitting.model.settings.limits.concurrent,
            max_cost: self.args.max_cost,
            max_tries: protocol.max_tries,
            only: only.as_ref(),
            retry: &retry,
            is_readable: &is_readable,
            question,
        };
        work(Agenda { items, first_case, references, settings })
    }

    fn sit(
        &self,
        sitting: &Sitting,
        suite: SuiteRef,
        stop: &watch::Receiver<StopSignal>,
        printer: Printer,
    ) -> Result<Exit> {
        self.with_agenda(sitting, suite, |agenda| match agenda.first_case {
            // Of own cases only some have a check that this protocol asks about.
            None if suite.is_checked() => Ok(Exit::Ok),
            _ => self.judge(agenda, sitting, stop, printer),
        })
    }

    fn judge(
        &self,
        agenda: Agenda<'_>,
        sitting: &Sitting,
        stop: &watch::Receiver<StopSignal>,
        printer: Printer,
    ) -> Result<Exit> {
        let Sitting { judge, protocol, identity, .. } = sitting;
        if agenda.first_case.is_none() {
            let hint = "import or generate usable images first";
            return Err(CommandError::nothing("the run holds no usable image").with_hint(hint).into());
        }
        let title = title_of(identity);
        if self.args.dry_run {
            return self.tell_plan(&agenda, sitting, &title, printer);
        }
        let Agenda { items, references, settings, .. } = agenda;
        let mut run = RunWriter::open(self.run, self.holder)?;
        let protocol_text = protocol.to_toml().context("could not write down the protocol")?;
        run.record_judge(&StoredJudge { identity: identity.clone(), protocol: protocol_text })?;
        keep_references(&mut run, references)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("could not start the threads that wait for the network")?;
        let mut progress = printer.progress("judge");
        let mut examples = FailureExamples::default();
        let mut on_event = |event: CallEvent<JudgedItem>| {
            if let CallEvent::Landed { item, failure: Some(failure), .. } = &event {
                examples.add(failure.kind, &item.id, &failure.detail);
            }
            progress.show_calls(&event);
        };
        let result =
            runtime.block_on(judge_images(run, items, judge.clone(), settings, stop.clone(), &mut on_event));
        progress.finish();
        let (summary, error) = with_error(result);
        tell_summary(&summary, &title, &examples, printer);
        match error {
            Some(error) => Err(generate_error(error)),
            None => exit_of(&summary, sitting),
        }
    }

    /// Adds the anchors' images to what is judged; gives what the judge said of them when they were set up.
    fn add_anchors(
        &self,
        anchors: &Path,
        suite: SuiteRef,
        identity: &JudgeIdentity,
        subjects: &mut Subjects,
    ) -> Result<Vec<JudgmentRecord>> {
        let reader = RunReader::open(anchors)?;
        if reader.manifest().suite != suite.id() {
            let message = format!(
                "the anchors `{}` are of the suite {}, not of {}",
                anchors.display(),
                reader.manifest().suite,
                suite.id()
            );
            return Err(CommandError::mismatch(message).into());
        }
        let of_anchors = subjects_of(anchors, JudgedRole::Anchor)?;
        let mut references = Vec::new();
        reader.for_each_judgment(Some(&identity.id()), |judgment| {
            let JudgedItem { role, id, image, repeat, .. } = &judgment.item;
            let known = of_anchors.get(&(JudgedRole::Anchor, id.clone()));
            let is_current = known.is_some_and(|subject| subject.image.hash == *image);
            if *role == JudgedRole::Sample && is_current && judgment.outcome.done().is_some() {
                let role = JudgedRole::AnchorReference;
                let item = JudgedItem::new(identity, role, id.clone(), image.clone(), *repeat);
                references.push(JudgmentRecord {
                    item,
                    began_ms: judgment.began_ms,
                    duration_ms: 0,
                    outcome: judgment.outcome,
                    usage: Usage::default(),
                    charge: Charge::default(),
                    raw: String::new(),
                    kept: None,
                    reread_of: None,
                });
            }
        })?;
        if references.is_empty() {
            let message =
                format!("`{}` has not judged the anchors `{}`", title_of(identity), anchors.display());
            let hint =
                "judge them once: `imgeval observe ANCHORS --judge ...`, with the same judge and protocol";
            return Err(CommandError::nothing(message).with_hint(hint).into());
        }
        let referenced: BTreeSet<SampleId> =
            references.iter().map(|reference| reference.item.id.clone()).collect();
        subjects.extend(of_anchors.into_iter().filter(|((_, id), _)| referenced.contains(id)));
        Ok(references)
    }

    /// The questions that are left to ask.
    fn left<'i>(&self, agenda: &'i Agenda<'_>) -> Result<Vec<&'i JudgedItem>> {
        let Agenda { items, settings, .. } = agenda;
        let reader = RunReader::open(self.run)?;
        let histories =
            judgment_histories(|visit| reader.for_each_judgment(None, visit), settings.is_readable)?;
        let is_left = |item: &&JudgedItem| {
            matches!(plan_judgment(histories.get(&item.work_key), settings), JudgeStep::Ask(_))
        };
        Ok(items.iter().filter(is_left).collect())
    }

    fn tell_plan(
        &self,
        agenda: &Agenda<'_>,
        sitting: &Sitting,
        title: &str,
        printer: Printer,
    ) -> Result<Exit> {
        let Agenda { items, settings, .. } = agenda;
        let asked = self.left(agenda)?;
        let estimate = asked.first().map(|item| (settings.question)(item)).transpose();
        let estimate = estimate.map_err(|failure| CommandError::usage(failure.detail))?;
        let cost = match estimate.map(|question| sitting.judge.estimate(&question)) {
            None => "nothing to pay".to_owned(),
            Some(None) => "no price is known".to_owned(),
            Some(Some(cost)) => {
                let total = cost.amount.times(asked.len() as u64);
                format!("about {total} ({} each, {})", cost.amount, cost.basis)
            }
        };
        printer.data(format_args!(
            "{title}: {} of {}, {cost}\n",
            counted(asked.len(), "question"),
            items.len()
        ))?;
        Ok(Exit::Ok)
    }
}

/// How a judge is called in tables: its model, where it is, and its protocol.
pub(super) fn title_of(identity: &JudgeIdentity) -> String {
    visible(&format!("{} ({}, {})", identity.judge.model, identity.judge.provider, identity.protocol))
}

/// The usable images of a run.
fn subjects_of(run: &Path, role: JudgedRole) -> Result<Subjects> {
    let reader = RunReader::open(run)?;
    let suite = suite_of(reader.manifest())?;
    let cases = read_cases(&reader, suite)?;
    let cases: BTreeMap<CaseId, Arc<SuiteCase>> =
        cases.into_iter().map(|(id, case)| (id, Arc::new(case))).collect();
    let mut subjects = Subjects::new();
    reader.for_each_sample(None, |observed| {
        let id = observed.sample.id;
        if let (Outcome::Done(record), Some(case)) = (&observed.sample.outcome, cases.get(&id.case)) {
            let image = record.image();
            let subject = Subject { case: case.clone(), image, directory: run.to_owned() };
            subjects.insert((role, id), subject);
        }
    })?;
    Ok(subjects)
}

/// First what everything is judged by once, the anchors before the samples, so that a changed judge shows early.
fn items_of(subjects: &Subjects, identity: &JudgeIdentity, repeats: u32) -> Vec<JudgedItem> {
    let item = |role: JudgedRole, id: &SampleId, subject: &Subject, repeat| {
        JudgedItem::new(identity, role, id.clone(), subject.image.hash.clone(), repeat)
    };
    let of_role = |wanted: JudgedRole| subjects.iter().filter(move |((role, _), _)| *role == wanted);
    let anchors = of_role(JudgedRole::Anchor).map(|((role, id), subject)| item(*role, id, subject, 0));
    // First samples of all cases come first.
    let mut samples: Vec<_> = of_role(JudgedRole::Sample).collect();
    samples.sort_by_key(|((_, id), _)| (id.ordinal, id.round));
    let samples = (0..repeats)
        .flat_map(|repeat| samples.iter().map(move |((role, id), subject)| (*role, id, *subject, repeat)));
    anchors.chain(samples.map(|(role, id, subject, repeat)| item(role, id, subject, repeat))).collect()
}

fn question_about(
    protocol: &JudgeProtocol,
    suite: SuiteRef,
    subjects: &Subjects,
    item: &JudgedItem,
) -> Result<JudgeQuestion, Failure> {
    let missing = |what: &str| Failure {
        kind: FailureKind::NotAccessible,
        detail: format!("the run holds no {what} of {}", item.id),
    };
    let subject = subjects.get(&(item.role, item.id.clone())).ok_or_else(|| missing("image"))?;
    make_question(protocol, &suite.fields(&protocol.id, &subject.case), |attachment| match attachment {
        Attachment::Answer => Ok(vec![load_image(&subject.directory, &subject.image)?]),
        Attachment::Source => {
            let source = subject.case.source().ok_or_else(|| missing("source image"))?;
            Ok(vec![load_image(&subject.directory, source)?])
        }
        Attachment::Sources | Attachment::SecondAnswer | Attachment::Reference => {
            Err(missing(attachment.title()))
        }
    })
}

/// A question as a judge would be asked it, its images without content, which prices do not depend on.
fn sketch_question(
    protocol: &JudgeProtocol,
    suite: SuiteRef,
    case: &SuiteCase,
) -> Result<JudgeQuestion, Failure> {
    let as_they_are = JudgeProtocol { preparation: ImagePreparation::default(), ..protocol.clone() };
    make_question(&as_they_are, &suite.fields(&protocol.id, case), |_| {
        Ok(vec![InputImage::new(ImageFormat::Png, Vec::new())])
    })
}

/// Keeps each reference once.
fn keep_references(run: &mut RunWriter, references: Vec<JudgmentRecord>) -> Result<()> {
    let Some(first) = references.first() else { return Ok(()) };
    let mut known: BTreeMap<WorkKey, Vec<Outcome<String>>> = BTreeMap::new();
    run.for_each_judgment(Some(&first.item.judge_id), |judgment| {
        known.entry(judgment.item.work_key).or_default().push(judgment.outcome);
    })?;
    for reference in &references {
        let of_item = known.entry(reference.item.work_key.clone()).or_default();
        if !of_item.contains(&reference.outcome) {
            run.record_judgment(reference)?;
            of_item.push(reference.outcome.clone());
        }
    }
    Ok(())
}

fn tell_summary(summary: &CallSummary, title: &str, examples: &FailureExamples, printer: Printer) {
    let n = |counts: &BTreeMap<FailureKind, usize>| counts.values().sum::<usize>();
    printer.talk(format_args!(
        "judge: {title}: {} judged, {} were before, {} without a score",
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
            "  left alone: {}, about which this judge was never asked; leave out --only to ask",
            summary.not_started
        ));
    } else if summary.not_started + summary.abandoned > 0 {
        printer.insist(format_args!(
            "  not judged: {} ({} of them were under way)",
            summary.not_started + summary.abandoned,
            summary.abandoned
        ));
    }
    if let Some(Stopped::Budget(shortage)) = &summary.stopped {
        printer.insist(format_args!("  {}", shortage.describe("--judge-max-cost")));
    }
    printer.talk(spend_line(&summary.spend).trim_end());
}

fn exit_of(summary: &CallSummary, sitting: &Sitting) -> Result<Exit> {
    match &summary.stopped {
        Some(Stopped::Down(down)) => {
            let mut hint = down.hint.clone();
            if sitting.has_address {
                let variables = sitting.model.settings.kind.key_variables().join(" or ");
                hint = hint.replace(&format!("set {variables} to"), "let the file of --judge-key-file hold");
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
