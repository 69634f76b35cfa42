//! `imgeval generate`: fills a run from a provider.

use imgeval_report::{
    calls::CallsView,
    schema::Schema,
    tables::{calls_json, calls_table, terminal::View},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use imgeval_clients::{estimate_tokens, open_generator};
use imgeval_core::{
    Failure, FailureKind, Generator, ImageParameters, Outcome, RequestPart, RoundContext, SampleId, Usd,
    WorkKey, counted, visible,
};
use imgeval_generation::{
    CaseSet, FailureExamples, WorkEstimate, default_directory, generation_case, generation_facts,
    unsupported_part,
};
use imgeval_runner::{
    Broken, CallError, CallEvent, CallSummary, GenerateSettings, GenerationCase, RewriteSettings,
    RewriteSummary, Step, StopSignal, Stopped, generate_images, plan_generation, rewrite_prompts,
    rewrite_stands, sketch_request,
};
use imgeval_settings::{ModelName, PromptPipeline, ResolvedModel, Settings};
use imgeval_store::{GeneratedSample, Manifest, RunReader, RunWriter};
use imgeval_suites::{registry, suite::SuiteCase};
use imgeval_vision::image_file::DecodeLimits;
use tokio::sync::watch;

use super::{
    estimate::{estimate_json, estimate_sentence, estimate_text},
    holder,
    import::image_facts,
    reread::reread_generated,
};
use crate::{
    advice::{call_hint, flag_of},
    args::{
        GenerateArgs,
        generation::{CasesArgs, GenerationArgs, ImageArgs},
    },
    consent::{self, Expense},
    exit_code::Exit,
    failure::{CommandError, client_error, sentence_of},
    generation_table::generation_view,
    interrupt::watch_interrupts,
    printer::Printer,
};

pub(super) fn generate(args: &GenerateArgs, printer: Printer) -> Result<Exit> {
    if let Some(run) = &args.kept {
        return reread_generated(run, args, printer);
    }
    let Some(model) = &args.model else {
        return Err(CommandError::usage("choose a model: --model PROVIDER:MODEL").into());
    };
    let job = Job::prepare(
        load_cases(&args.cases)?.with_label(args.label.as_ref()).with_shard(args.part.shard),
        model,
        args.run.as_deref(),
        &args.generation,
        args.limit.for_generated(),
        printer,
    )?;
    if args.generation.dry_run {
        return job.dry_run(args.json, printer);
    }
    job.check_key()?;
    consent::ask(&Vec::from_iter(job.expense()?), job.ask_above, printer)?;
    let work = job.work(&holder("generate"), printer)?;
    let view = work.view();
    match args.json {
        true => printer.data(format_args!("{:#}\n", Schema::Generation.stamp(calls_json(&view))))?,
        false => printer.table(&calls_table(&view))?,
    }
    printer.talk(format_args!("run: {}", job.directory.display()));
    job.exit_of(work)
}

/// The cases of a file of the user's own, or of a suite.
fn load_cases(args: &CasesArgs) -> Result<CaseSet> {
    match (&args.cases, args.suite) {
        (Some(path), _) => Ok(CaseSet::of_file(path)?),
        (None, suite) => {
            let suite = suite.unwrap_or_else(registry::default_suite);
            Ok(CaseSet::of_suite(suite, &args.suites.files(), &args.generator.parameters(suite)?)?)
        }
    }
}

/// What came of a call of `generate`.
#[derive(Default)]
pub(super) struct Work {
    pub(super) summary: CallSummary,
    pub(super) examples: FailureExamples,
    /// Images whose prompts could not be rewritten.
    pub(super) not_rewritten: usize,
    /// What ended it early.
    pub(super) error: Option<CallError>,
}

impl Work {
    /// In the form that tables show.
    pub(super) fn view(&self) -> CallsView {
        generation_view(&self.summary, &self.examples, self.not_rewritten)
    }
}

/// Everything about one call of `generate`, resolved.
pub(super) struct Job<'a> {
    pub(super) directory: PathBuf,
    /// Estimated cost above which confirmation is needed if there is no limit.
    pub(super) ask_above: Usd,
    args: &'a GenerationArgs,
    retry: BTreeSet<FailureKind>,
    max_pixels: u64,
    cases: CaseSet,
    manifest: Manifest,
    model: ResolvedModel,
    generator: Arc<dyn Generator>,
    prompts: PromptPipeline,
}

/// The settings, and a model with what asks it.
fn open_model(model: &str, args: &GenerationArgs) -> Result<(Settings, ResolvedModel, Arc<dyn Generator>)> {
    let settings = Settings::load(&args.provider.files.named())?;
    let model = settings.resolve(ModelName::parse(model)?, &args.provider.overrides())?;
    let generator = open_generator(model.settings.clone(), &model.name.model, model.entry.clone())
        .map_err(|error| client_error(&error))?;
    Ok((settings, model, generator))
}

impl<'a> Job<'a> {
    /// Whether a model accepts a mask with the image to edit.
    pub(super) fn takes_masks(model: &str, args: &GenerationArgs) -> Result<bool> {
        let (.., generator) = open_model(model, args)?;
        Ok(generator.capabilities().mask)
    }

    /// Resolves and checks everything that can be checked before the first call.
    pub(super) fn prepare(
        mut cases: CaseSet,
        model: &str,
        directory: Option<&Path>,
        args: &'a GenerationArgs,
        max_pixels: u64,
        printer: Printer,
    ) -> Result<Self> {
        let (settings, model, generator) = open_model(model, args)?;
        cases.select(&args.ids, &args.tags, args.limit)?;
        let allowed = args.provider.spending.allowed_models();
        if args.round_context() == RoundContext::Once {
            cases.join_rounds()?;
        }
        cases.keep_part()?;
        warn(&settings.check_model(&model, &parameters(args), allowed)?, printer);
        let prompts = PromptPipeline::new(&args.prompt.settings(), &settings, allowed)?;
        warn(&prompts.warnings, printer);
        let mut manifest = cases.manifest.clone();
        manifest.generation = generation_facts(
            generator.meta(),
            &parameters(args),
            args.image.image_seed,
            args.round_context(),
            &prompts,
        );
        let directory = match directory {
            Some(directory) => directory.to_owned(),
            None => default_directory(&manifest.suite, &model.name),
        };
        let retry = args.retry.iter().copied().collect();
        let ask_above = settings.ask_above;
        let job = Self {
            directory,
            ask_above,
            args,
            retry,
            max_pixels,
            cases,
            manifest,
            model,
            generator,
            prompts,
        };
        check_context(job.generator.as_ref(), args.round_context())?;
        check_capabilities(job.generator.as_ref(), &job.final_cases(&BTreeMap::new()), &job.settings())?;
        Ok(job)
    }

    fn settings(&self) -> GenerateSettings<'_> {
        let limits = DecodeLimits { max_pixels: self.max_pixels };
        GenerateSettings {
            samples: self.args.samples,
            parameters: parameters(self.args),
            system: self.args.prompt.system.clone(),
            seed: self.args.image.image_seed,
            concurrency: self.model.settings.limits.concurrent,
            max_cost: self.args.max_cost,
            retry: &self.retry,
            any_size: self.args.any_size,
            context: self.args.round_context(),
            decode: Arc::new(move |bytes| image_facts(bytes, &limits)),
        }
    }

    /// The cases with prompts as they are sent.
    fn final_cases(&self, rewritten: &BTreeMap<String, String>) -> Vec<GenerationCase> {
        let case = |case| generation_case(case, |prompt: &str| self.prompts.apply(prompt, rewritten));
        self.cases.cases.iter().map(case).collect()
    }
}

impl Job<'_> {
    /// Refuses to ask a vendor without a key.
    pub(super) fn check_key(&self) -> Result<(), CommandError> {
        self.model.check_key()?;
        Ok(self.prompts.check_key()?)
    }

    /// The expense to confirm before work without a cost limit begins.
    pub(super) fn expense(&self) -> Result<Option<Expense>> {
        if self.args.max_cost.is_some() || self.args.provider.spending.yes {
            return Ok(None);
        }
        let estimate = self.estimate_left()?;
        let what = match estimate.rewrites {
            0 => counted(estimate.calls, "image"),
            rewrites => {
                let (images, prompts) = (counted(estimate.calls, "image"), counted(rewrites, "prompt"));
                format!("{images} and {prompts} to rewrite")
            }
        };
        Ok(Some(Expense { what, cost: estimate.cost, limit: "--max-cost" }))
    }

    /// The remaining work, given what the run contains.
    pub(super) fn estimate_left(&self) -> Result<WorkEstimate> {
        let (have, known) = match RunReader::open_same(&self.directory, &self.manifest)? {
            Some(reader) => (reader.generated_samples()?, reader.rewrites()?),
            None => (BTreeMap::new(), BTreeMap::new()),
        };
        Ok(self.estimate(&have, &known))
    }

    /// The first of the cases.
    pub(super) fn first_case(&self) -> Option<&SuiteCase> {
        self.cases.cases.first()
    }

    /// Says what the work would be, without a call and without touching the run.
    pub(super) fn dry_run(&self, as_json: bool, printer: Printer) -> Result<Exit> {
        let estimate = self.estimate_left()?;
        printer.data(match as_json {
            true => format!("{:#}\n", Schema::Estimate.stamp(estimate_json(&estimate))),
            false => estimate_text(&estimate),
        })?;
        Ok(Exit::Ok)
    }

    /// Generates what the run lacks.
    pub(super) fn work(&self, holder: &str, printer: Printer) -> Result<Work> {
        if self.args.max_cost.is_some() && self.estimate_left()?.unpriced > 0 {
            // Refused before there is a run that would stand in the way of another model's.
            return Err(generate_error(CallError::PriceUnknown { what: self.model.name.model.clone() }));
        }
        let mut run = RunWriter::create_or_open(&self.directory, &self.manifest, holder)?;
        self.cases.keep_in(&run)?;
        let estimate = self.estimate(&run.generated_samples()?, &run.rewrites()?);
        printer.talk(format_args!("generate: {}", estimate_sentence(&estimate)));

        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.context("could not start the network threads")?;
        runtime.block_on(async {
            let (sender, stop) = watch::channel(StopSignal::GoOn);
            watch_interrupts(sender, printer)?;
            let mut rewritten = BTreeMap::new();
            let settings = self.settings();
            if let Some(rewriter) = &self.prompts.rewriter {
                let prompts: Vec<String> = self.cases.rounds().map(|round| round.prompt.clone()).collect();
                let mut progress = printer.progress("rewrite prompts", "prompt");
                let rewriting = RewriteSettings {
                    concurrency: self.prompts.rewriter_concurrency,
                    max_cost: settings.max_cost,
                    retry: settings.retry,
                };
                let result =
                    rewrite_prompts(run, &prompts, rewriter.clone(), rewriting, stop.clone(), &mut |event| {
                        progress.show_calls(&event)
                    })
                    .await;
                progress.finish();
                let (reopened, RewriteSummary { rewritten: texts, failed, calls }, error) = match result {
                    Ok((run, summary)) => (Some(run), summary, None),
                    Err(broken) => (None, broken.summary, Some(broken.error)),
                };
                tell_failed_rewrites(&failed, printer);
                run = match reopened.filter(|_| calls.stopped.is_none()) {
                    Some(run) => run,
                    None => {
                        let not_started = self.n_wanted(self.cases.rounds().count());
                        let CallSummary { spend, stopped, .. } = calls;
                        let summary = CallSummary { not_started, spend, stopped, ..CallSummary::default() };
                        return Ok(Work { summary, error, ..Work::default() });
                    }
                };
                rewritten = texts;
            }
            let mut cases = self.final_cases(&rewritten);
            let n_rounds = self.cases.rounds().count();
            if self.prompts.rewriter.is_some() {
                // What could not be rewritten is not sent as it was.
                let originals = &self.cases.cases;
                let is_rewritten =
                    |case: &SuiteCase| case.rounds.iter().all(|round| rewritten.contains_key(&round.prompt));
                let kept = cases.into_iter().zip(originals).filter(|(_, original)| is_rewritten(original));
                cases = kept.map(|(case, _)| case).collect();
            }
            let without_prompt = n_rounds - cases.iter().map(|case| case.rounds.len()).sum::<usize>();
            let mut progress = printer.progress("generate", "image");
            let mut examples = FailureExamples::default();
            let mut on_event = |event: CallEvent<SampleId>| {
                if let CallEvent::Landed { item: id, failure: Some(failure), .. } = &event {
                    examples.add(failure.kind, id, &failure.detail);
                }
                progress.show_calls(&event);
            };
            let result =
                generate_images(run, &cases, self.generator.clone(), settings, stop, &mut on_event).await;
            progress.finish();
            let (summary, error) = with_error(result);
            let not_rewritten = self.n_wanted(without_prompt);
            Ok(Work { summary, examples, not_rewritten, error })
        })
    }

    /// Images of so many rounds.
    fn n_wanted(&self, n_rounds: usize) -> usize {
        n_rounds * self.args.samples as usize
    }

    /// What is left to ask for, and what that would cost.
    fn estimate(
        &self,
        have: &BTreeMap<SampleId, GeneratedSample>,
        known: &BTreeMap<WorkKey, Outcome<String>>,
    ) -> WorkEstimate {
        let mut estimate = WorkEstimate::new(self.model.settings.limits);
        let cases = self.final_cases(&BTreeMap::new());
        let plan = plan_generation(&cases, self.args.samples, have, &self.retry, self.args.any_size);
        let settings = self.settings();
        for conversation in &plan {
            for (round, step) in &conversation.rounds {
                if *step == Step::Ask {
                    let request =
                        sketch_request(&cases[conversation.case], conversation.ordinal, *round, &settings);
                    let tokens = estimate_tokens(self.model.entry.as_ref(), &request);
                    estimate.add_call(self.generator.estimate(&request), tokens);
                }
            }
        }
        let wanted: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        let is_done = |(id, sample): &(&SampleId, &GeneratedSample)| {
            id.ordinal < self.args.samples
                && wanted.contains(id.case.as_str())
                && sample.outcome.done().is_some()
        };
        estimate.done = have.iter().filter(is_done).count();
        if let Some(rewriter) = &self.prompts.rewriter {
            let prompts: BTreeSet<&str> = self.cases.rounds().map(|round| round.prompt.as_str()).collect();
            for prompt in prompts {
                let answer = known.get(&WorkKey::rewriting(rewriter.meta(), prompt));
                if !rewrite_stands(answer, &self.retry) {
                    estimate.add_rewrite(rewriter.estimate(prompt));
                }
            }
        }
        estimate
    }

    /// Generates what the run lacks and says what came of it; gives the exit code that it deserves.
    pub(super) fn work_to_end(&self, holder: &str, printer: Printer) -> Result<Exit> {
        let work = self.work(holder, printer)?;
        printer.talk(calls_table(&work.view()).render(View::WIDE));
        self.exit_of(work)
    }

    /// The exit code that the work deserves; an error if one ended it or the provider cannot be used at all.
    pub(super) fn exit_of(&self, work: Work) -> Result<Exit> {
        let Work { summary, error, not_rewritten, .. } = work;
        if let Some(error) = error {
            return Err(generate_error(error));
        }
        match &summary.stopped {
            Some(Stopped::Down(down)) => {
                Err(CommandError::mendable(down.message.clone(), down.hint.clone()).into())
            }
            Some(Stopped::Budget { .. }) => Ok(Exit::BudgetReached),
            Some(Stopped::Interrupted) if summary.not_started + summary.abandoned > 0 => {
                Ok(Exit::Interrupted)
            }
            _ if summary.failed.is_empty()
                && summary.failed_before.is_empty()
                && summary.waiting + summary.not_started + not_rewritten == 0 =>
            {
                Ok(Exit::Ok)
            }
            _ => Ok(Exit::Partial),
        }
    }
}

/// The summary, and the error that ended the stage early.
pub(super) fn with_error<S>(result: Result<S, Box<Broken<S>>>) -> (S, Option<CallError>) {
    match result {
        Ok(summary) => (summary, None),
        Err(broken) => (broken.summary, Some(broken.error)),
    }
}

pub(super) fn generate_error(error: CallError) -> anyhow::Error {
    let (sentence, hint) = (sentence_of(&error), call_hint(&error).unwrap_or_default());
    match error {
        CallError::Store(error) => error.into(),
        CallError::Outdated { .. } => CommandError::mismatch(sentence).with_hint(hint).into(),
        CallError::PriceUnknown { .. } => CommandError::usage(sentence).with_hint(hint).into(),
        CallError::Thread(_) | CallError::Broke { .. } => CommandError::mendable(sentence, hint).into(),
    }
}

/// Prints warnings about a model.
pub(super) fn warn(warnings: &[String], printer: Printer) {
    for warning in warnings {
        printer.warn(format_args!("warning: {}", visible(warning)));
    }
}

/// What is asked of the images besides the prompt.
fn parameters(args: &GenerationArgs) -> ImageParameters {
    let ImageArgs { size, quality, background, output_format, .. } = &args.image;
    ImageParameters {
        size: *size,
        quality: quality.clone(),
        background: background.clone(),
        output_format: *output_format,
    }
}

/// Refuses what the provider does not understand, before anything is paid for.
/// A provider without a history is named, and never asked in another way than the user said.
fn check_context(generator: &dyn Generator, context: RoundContext) -> Result<(), CommandError> {
    if context != RoundContext::Conversation || generator.capabilities().conversation {
        return Ok(());
    }
    let provider = &generator.meta().provider;
    let message =
        format!("the provider `{provider}` has no conversations, so it cannot continue one over rounds");
    Err(CommandError::usage(message)
        .with_hint("use --context fresh to send the last image in a separate call"))
}

fn check_capabilities(
    generator: &dyn Generator,
    cases: &[GenerationCase],
    settings: &GenerateSettings<'_>,
) -> Result<(), CommandError> {
    match unsupported_part(generator, cases, settings) {
        None => Ok(()),
        Some(part) => {
            let what = match flag_of(part) {
                Some(flag) => format!("{} ({flag})", part.words()),
                None => part.words().to_owned(),
            };
            let provider = &generator.meta().provider;
            // A command takes what its command line has a place for.
            if let Some(placeholder) = placeholder_for(part).filter(|_| provider == "cmd") {
                let message =
                    format!("the command line has no {placeholder}, which a request with {what} needs");
                let hint = "add it where the program expects it, such as `--input={input}`; see docs/providers/cmd.md";
                return Err(CommandError::usage(message).with_hint(hint));
            }
            let message = format!("the provider `{provider}` does not accept a request with {what}");
            Err(CommandError::usage(message).with_hint("see docs/providers for what each provider accepts"))
        }
    }
}

/// The placeholder of a command line that stands for a part of a request; `None` for what no command takes.
fn placeholder_for(part: RequestPart) -> Option<&'static str> {
    match part {
        RequestPart::SizeInPixels => Some("`{width}` and `{height}`"),
        RequestPart::Seed => Some("`{seed}`"),
        RequestPart::ImageToEdit | RequestPart::FurtherRounds => Some("`{input}`"),
        RequestPart::SeveralImages => Some("`{inputs}`"),
        RequestPart::Mask => Some("`{mask}`"),
        RequestPart::AspectRatio
        | RequestPart::Quality
        | RequestPart::Background
        | RequestPart::OutputFormat
        | RequestPart::System => None,
    }
}

fn tell_failed_rewrites(failed: &BTreeMap<String, Failure>, printer: Printer) {
    for (prompt, failure) in failed.iter().take(3) {
        let (prompt, detail) = (visible(prompt), visible(&failure.detail));
        printer.insist(format_args!("rewrite prompts: \"{prompt}\": {}: {detail}", failure.kind.code()));
    }
    if failed.len() > 3 {
        printer.insist(format_args!("rewrite prompts: {} more failed", failed.len() - 3));
    }
}
