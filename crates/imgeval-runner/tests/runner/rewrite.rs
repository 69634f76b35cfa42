//! Rewriting prompts with a fake.

use std::{num::NonZeroUsize, sync::Mutex};

use async_trait::async_trait;
use imgeval_core::{
    Cost, Failure, FailureKind, GeneratorDown, GeneratorMeta, Outcome, Rewrite, Rewriter, Usage, Usd,
};
use imgeval_runner::{GenerateError, RewriteEvent, RewriteSummary, StopSignal, Stopped, rewrite_prompts};
use imgeval_store::RunWriter;
use tokio::sync::watch;

use crate::fake_generator::{cents, open_run, runtime};

struct FakeRewriter {
    meta: GeneratorMeta,
    estimate: Option<Usd>,
    asked: Mutex<Vec<String>>,
}

impl FakeRewriter {
    fn new(model: &str) -> Self {
        let meta = GeneratorMeta {
            provider: "fake".to_owned(),
            endpoint: String::new(),
            model: model.to_owned(),
            version: 1,
        };
        Self { meta, estimate: Some(cents(2)), asked: Mutex::default() }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Rewriter for FakeRewriter {
    fn meta(&self) -> &GeneratorMeta {
        &self.meta
    }

    fn estimate(&self, _prompt: &str) -> Option<Cost> {
        self.estimate.map(|amount| Cost { amount, basis: String::new() })
    }

    async fn rewrite(
        &self,
        prompt: &str,
        _permit: &dyn imgeval_core::Permit,
    ) -> Result<Rewrite, GeneratorDown> {
        self.asked.lock().unwrap().push(prompt.to_owned());
        tokio::task::yield_now().await;
        let outcome = match prompt {
            "hang" => std::future::pending().await,
            "down" => return Err(GeneratorDown { message: String::new(), hint: String::new() }),
            "no" => Outcome::Failed(Failure { kind: FailureKind::Refused, detail: "no".to_owned() }),
            prompt => Outcome::Done(format!("{prompt}, oil on canvas")),
        };
        let cost = Some(Cost { amount: cents(1), basis: String::new() });
        Ok(Rewrite {
            outcome,
            usage: Usage::default(),
            cost,
            raw: String::new(),
            tries: 1,
            lost_tries: 0,
            down: None,
        })
    }
}

fn rewrite(
    run: &mut RunWriter,
    rewriter: &FakeRewriter,
    prompts: &[&str],
    max_cost: Option<Usd>,
) -> Result<RewriteSummary, GenerateError> {
    let prompts: Vec<String> = prompts.iter().map(|prompt| (*prompt).to_owned()).collect();
    let (sender, stop) = watch::channel(StopSignal::GoOn);
    let mut on_event = |event: RewriteEvent| {
        if matches!(&event, RewriteEvent::Landed { prompt, .. } if prompt == "last") {
            sender.send(StopSignal::Now).unwrap();
        }
    };
    let two = NonZeroUsize::new(2).unwrap();
    runtime().block_on(rewrite_prompts(run, &prompts, rewriter, two, max_cost, stop, &mut on_event))
}

#[test]
fn a_prompt_is_rewritten_once_and_a_failure_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open_run(folder.path());
    let rewriter = FakeRewriter::new("pen");
    let summary = rewrite(&mut run, &rewriter, &["cat", "dog", "cat", "no"], None).unwrap();
    assert_eq!(summary.rewritten["cat"], "cat, oil on canvas");
    assert_eq!((summary.rewritten.len(), summary.failed["no"].kind), (2, FailureKind::Refused));
    assert_eq!((summary.spend.known, summary.spend.calls), (cents(3), 3));
    drop(run);

    let mut run = open_run(folder.path());
    let again = FakeRewriter::new("pen");
    let summary = rewrite(&mut run, &again, &["cat", "no", "cow"], None).unwrap();
    assert_eq!(again.asked(), ["no", "cow"]);
    assert_eq!((summary.rewritten.len(), summary.spend.known), (2, cents(5)));
    let other = FakeRewriter::new("brush");
    rewrite(&mut run, &other, &["cat"], None).unwrap();
    assert_eq!(other.asked(), ["cat"], "another rewriter says something else");
}

#[test]
fn rewriting_keeps_to_the_budget_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open_run(folder.path());
    let rewriter = FakeRewriter::new("pen");
    let summary = rewrite(&mut run, &rewriter, &["a", "b", "c", "d"], Some(cents(3))).unwrap();
    assert_eq!((summary.rewritten.len(), summary.spend.known), (2, cents(2)));
    assert_eq!(summary.stopped, Some(Stopped::Budget { needed: cents(2), left: cents(1) }));
    let free = FakeRewriter { estimate: None, ..FakeRewriter::new("pen") };
    let error = rewrite(&mut run, &free, &["x"], Some(cents(99))).unwrap_err();
    assert!(matches!(error, GenerateError::PriceUnknown { .. }), "{error}");
    assert_eq!(free.asked().len(), 0);
}

#[test]
fn abandoned_rewritings_are_possibly_billed_and_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open_run(folder.path());
    let rewriter = FakeRewriter::new("pen");
    let summary = rewrite(&mut run, &rewriter, &["hang", "last", "more"], None).unwrap();
    assert_eq!(summary.stopped, Some(Stopped::Interrupted));
    assert_eq!((summary.spend.known, summary.spend.possible), (cents(1), cents(2)));
    assert_eq!(rewriter.asked(), ["hang", "last"]);
    drop(run);
    let mut run = open_run(folder.path());
    let summary = rewrite(&mut run, &rewriter, &["last", "more"], None).unwrap();
    assert_eq!((summary.rewritten.len(), summary.spend.possible), (2, cents(2)));
}

#[test]
fn a_rewriter_that_is_down_stops_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open_run(folder.path());
    let summary =
        rewrite(&mut run, &FakeRewriter::new("pen"), &["a", "down", "b", "c", "d", "e"], None).unwrap();
    assert!(matches!(summary.stopped, Some(Stopped::Down(_))));
    assert!((1..=3).contains(&summary.rewritten.len()), "{summary:?}");
    assert_eq!(summary.spend.calls as usize, summary.rewritten.len());
}
