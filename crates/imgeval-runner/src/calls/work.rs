//! The parts specific to one kind of paid work; the coordinator does everything else.

use std::collections::VecDeque;

use futures_util::future::BoxFuture;
use imgeval_core::{Failure, Usd};
use imgeval_store::{CallBegun, Charge, RunWriter};

use super::{
    CallError, CallSummary,
    budget::{Budget, SharedBudget},
    permit::{Brake, CallPermit, Halt, Unanswered},
    writer::WriterHandle,
};

/// Images, judgments or rewritten prompts.
pub(super) trait Work: Sized {
    /// Done by one call after another: a conversation, an item to judge, a prompt to rewrite.
    type Job: Send + Sync + 'static;
    /// What the next call of a job sends.
    type Request: Send + Sync + 'static;
    /// What preparing a request may give in its place, so that no call is needed.
    type Free: Send + 'static;
    /// What a call gives.
    type Answer: Send + 'static;
    /// How events name what a call was about.
    type Item;
    /// Asks, within tasks.
    type Caller: Clone + Send + Sync + 'static;

    /// What is wanted minus what the run holds. What needs no call is counted.
    fn plan(&mut self, run: &RunWriter, summary: &mut CallSummary) -> Result<Plan<Self::Job>, CallError>;

    /// Tells the budget what earlier calls cost, after the plan has been told.
    ///
    /// # Errors
    /// If no call may begin.
    fn price(
        &mut self,
        run: &RunWriter,
        queue: &VecDeque<Self::Job>,
        budget: &mut Budget,
    ) -> Result<(), CallError>;

    /// How many calls a job is still good for.
    fn n_left(job: &Self::Job) -> usize;

    /// Begins the next step of a job; `None` if there is none.
    fn prepare(&mut self, job: &Self::Job, line: &Line) -> Option<Preparation<Self::Request, Self::Free>>;

    fn estimate(&self, job: &Self::Job, request: &Self::Request) -> Option<Usd>;

    /// What the calls behind the one with this estimate may cost.
    fn behind(&mut self, estimate: Option<Usd>, budget: &SharedBudget) -> Usd;

    /// A call begins, and those behind it may cost so much.
    fn note_begun(&mut self, behind: Usd);

    /// The call as it goes on record before it is sent; when it begins is filled in.
    fn begun(&self, job: &Self::Job, request: &Self::Request, estimate: Option<Usd>) -> CallBegun;

    fn caller(&self) -> &Self::Caller;

    /// The model's name.
    fn model(&self) -> &str;

    /// Makes a call whose estimate is reserved, and puts its end on record.
    fn ask(
        caller: &Self::Caller,
        job: &Self::Job,
        request: &Self::Request,
        permit: &CallPermit<'_>,
    ) -> impl Future<Output = Result<Answered<Self::Answer>, Unanswered>> + Send;

    /// What an answer on record means for its job.
    fn land(&mut self, job: Self::Job, answer: Self::Answer, summary: &mut CallSummary) -> Landing<Self>;

    /// What it means that no call was needed.
    fn land_free(&mut self, job: Self::Job, free: Self::Free, summary: &mut CallSummary) -> Landing<Self>;
}

/// The remaining work.
pub(super) struct Plan<J> {
    pub(super) queue: VecDeque<J>,
    /// Maximum number of calls.
    pub(super) calls: usize,
    /// Number of requested results that already exist.
    pub(super) done: usize,
}

/// What calls share while they are under way.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) writer: WriterHandle,
    pub(super) budget: SharedBudget,
    pub(super) brake: Brake,
}

/// How a request comes about.
pub(super) enum Preparation<R, F> {
    Ready(R),
    Task(BoxFuture<'static, Result<Prepared<R, F>, Unanswered>>),
}

pub(super) enum Prepared<R, F> {
    Request(R),
    Free(F),
}

/// An answer on record.
#[derive(Debug)]
pub(super) struct Answered<A> {
    pub(super) answer: A,
    pub(super) charge: Charge,
    /// Whether the provider gave what was asked for, usable or not.
    pub(super) has_result: bool,
    /// Why nothing more can be asked for all the same.
    pub(super) halt: Option<Halt>,
}

/// The outcome of a job.
pub(super) enum Landing<W: Work> {
    /// The call gave what was wanted; the job may go on.
    Made {
        item: W::Item,
        job: Option<W::Job>,
    },
    /// The call, or preparing it, failed, and the job ends.
    Failed {
        item: W::Item,
        failure: Failure,
    },
    /// What lay in the store is taken; the job may go on.
    Accepted {
        item: W::Item,
        job: W::Job,
    },
    /// The same is asked once more, after everything else.
    Again(W::Job),
    Over,
}
