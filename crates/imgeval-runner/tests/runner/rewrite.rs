//! Rewriting prompts with a fake.

use std::{num::NonZeroUsize, sync::Mutex};

use async_trait::async_trait;
use imgeval_core::{
    Cost, EndpointMeta, Failure, FailureKind, Outcome, Permit, ProviderDown, Rewriter, TextAnswer, Usage, Usd,
};
use imgeval_runner::{
    Broken, CallError, RewriteEvent, RewriteSettings, RewriteSummary, StopSignal, Stopped, rewrite_prompts,
};
use imgeval_store::RunWriter;
use tokio::sync::watch;

use crate::fake_generator::{cents, open_run, runtime, shortage};

struct FakeRewriter {
    meta: EndpointMeta,
    estimate: Option<Usd>,
    asked: Mutex<Vec<String>>,
}

impl FakeRewriter {
    fn new(model: &str) -> Self {
        let meta = EndpointMeta {
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
    fn meta(&self) -> &EndpointMeta {
        &self.meta
    }

    fn estimate(&self, _prompt: &str) -> Option<Cost> {
        self.estimate.map(|amount| Cost { amount, basis: String::new() })
    }

    async fn rewrite(&self, prompt: &str, permit: &dyn Permit) -> Result<TextAnswer, ProviderDown> {
        if prompt == "park" {
            permit.revoked().await;
        }
        if !permit.may_send(0).await {
            let kind = FailureKind::Interrupted;
            let outcome = Outcome::Failed(Failure { kind, detail: String::new() });
            return Ok(TextAnswer { outcome, tries: 0, ..rewritten(prompt) });
        }
        self.asked.lock().unwrap().push(prompt.to_owned());
        tokio::task::yield_now().await;
        let outcome = match prompt {
            "hang" => std::future::pending().await,
            "down" => return Err(ProviderDown { message: String::new(), hint: String::new() }),
            "no" => Outcome::Failed(Failure { kind: FailureKind::Refused, detail: "no".to_owned() }),
            "fault" => Outcome::Failed(Failure { kind: FailureKind::Transport, detail: String::new() }),
            prompt => Outcome::Done(format!("{prompt}, oil on canvas")),
        };
        Ok(TextAnswer { outcome, ..rewritten(prompt) })
    }
}

fn rewritten(prompt: &str) -> TextAnswer {
    TextAnswer {
        outcome: Outcome::Done(format!("{prompt}, oil on canvas")),
        usage: Usage::default(),
        cost: Some(Cost { amount: cents(1), basis: String::new() }),
        raw: String::new(),
        whole: None,
        unused: None,
        wasted: None,
        tries: 1,
        lost_tries: 0,
        down: None,
    }
}

fn rewrite(
    run: &mut RunWriter,
    rewriter: &FakeRewriter,
    prompts: &[&str],
    max_cost: Option<Usd>,
) -> Result<RewriteSummary, Box<Broken<RewriteSummary>>> {
    rewrite_again(run, rewriter, prompts, max_cost, &[])
}

fn rewrite_again(
    run: &mut RunWriter,
    rewriter: &FakeRewriter,
    prompts: &[&str],
    max_cost: Option<Usd>,
    retry: &[FailureKind],
) -> Result<RewriteSummary, Box<Broken<RewriteSummary>>> {
    let retry = retry.iter().copied().collect();
    let prompts: Vec<String> = prompts.iter().map(|prompt| (*prompt).to_owned()).collect();
    let (sender, stop) = watch::channel(StopSignal::GoOn);
    let mut on_event = |event: RewriteEvent| {
        if matches!(&event, RewriteEvent::Landed { prompt, .. } if prompt == "last") {
            sender.send(StopSignal::Now).unwrap();
        }
    };
    let concurrency = NonZeroUsize::new(2).unwrap();
    let settings = RewriteSettings { concurrency, max_cost, retry: &retry };
    runtime().block_on(rewrite_prompts(run, &prompts, rewriter, settings, stop, &mut on_event))
}

#[test]
fn a_prompt_is_rewritten_once_and_a_fault_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open_run(folder.path());
    let rewriter = FakeRewriter::new("pen");
    let summary = rewrite(&mut run, &rewriter, &["cat", "dog", "cat", "fault"], None).unwrap();
    assert_eq!(summary.rewritten["cat"], "cat, oil on canvas");
    assert_eq!((summary.rewritten.len(), summary.failed["fault"].kind), (2, FailureKind::Transport));
    assert_eq!((summary.spend.known, summary.spend.calls), (cents(3), 3));
    drop(run);

    let mut run = open_run(folder.path());
    let again = FakeRewriter::new("pen");
    let summary = rewrite(&mut run, &again, &["cat", "fault", "cow"], None).unwrap();
    assert_eq!(again.asked(), ["fault", "cow"]);
    assert_eq!((summary.rewritten.len(), summary.spend.known), (2, cents(5)));
    let other = FakeRewriter::new("brush");
    rewrite(&mut run, &other, &["cat"], None).unwrap();
    assert_eq!(other.asked(), ["cat"], "another rewriter says something else");
}

#[test]
fn a_refusal_stands_until_its_kind_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open_run(folder.path());
    let rewriter = FakeRewriter::new("pen");
    rewrite(&mut run, &rewriter, &["no"], None).unwrap();
    let summary = rewrite(&mut run, &rewriter, &["no", "cat"], None).unwrap();
    assert_eq!(rewriter.asked(), ["no", "cat"]);
    assert_eq!(
        (summary.failed["no"].kind, summary.failed["no"].detail.as_str()),
        (FailureKind::Refused, "no")
    );
    let summary = rewrite_again(&mut run, &rewriter, &["no"], None, &[FailureKind::Moderated]).unwrap();
    assert_eq!((rewriter.asked().len(), summary.failed.len()), (2, 1));
    rewrite_again(&mut run, &rewriter, &["no"], None, &[FailureKind::Refused]).unwrap();
    assert_eq!(rewriter.asked(), ["no", "cat", "no"]);
}

#[test]
fn a_rewriting_that_waits_for_its_turn_is_not_sent_after_a_stop_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open_run(folder.path());
    for prompts in [&["park", "last"], &["park", "down"]] {
        let rewriter = FakeRewriter::new(prompts[1]);
        let summary = rewrite(&mut run, &rewriter, prompts, None).unwrap();
        assert!(summary.stopped.is_some());
        assert_eq!((rewriter.asked(), summary.spend.possible), (vec![prompts[1].to_owned()], Usd::ZERO));
    }
    assert_eq!(run.settle_interrupted_calls().unwrap(), 0);
}

#[test]
fn rewriting_keeps_to_the_budget_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open_run(folder.path());
    let rewriter = FakeRewriter::new("pen");
    let summary = rewrite(&mut run, &rewriter, &["a", "b", "c", "d"], Some(cents(4))).unwrap();
    assert_eq!((summary.rewritten.len(), summary.spend.known), (3, cents(3)));
    assert_eq!(summary.stopped, Some(shortage(2, 1, 0, 5)));
    let again = rewrite(&mut run, &rewriter, &["d", "e", "f"], Some(cents(4))).unwrap();
    assert_eq!(again.stopped, Some(shortage(2, 1, 1, 9)), "what a prompt cost is known from the start");
    let free = FakeRewriter { estimate: None, ..FakeRewriter::new("pen") };
    let error = rewrite(&mut run, &free, &["x"], Some(cents(99))).unwrap_err();
    assert!(matches!(error.error, CallError::PriceUnknown { .. }), "{error:?}");
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
