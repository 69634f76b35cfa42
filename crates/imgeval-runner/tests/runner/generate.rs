//! Generating with a fake: what is asked for, what is kept, what is spent, and what survives an interruption.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use imgeval_core::{ContentHash, FailureKind, Generator as _, ImageFormat, ImageRef, Outcome, Usd};
use imgeval_runner::{
    CallError, CallEvent, CallSummary, StopSignal, Stopped, generate_images, sketch_request,
};
use imgeval_store::{AttemptRecord, RunReader, Spend};
use tokio::sync::watch;

use crate::fake_generator::{
    FakeGenerator, Reply, Stage, attempts, cents, open_run, outcomes, runtime, sample_id, shortage,
};

fn kinds(counts: &[(FailureKind, usize)]) -> BTreeMap<FailureKind, usize> {
    counts.iter().copied().collect()
}

/// Each wanted image is counted once, and the summary agrees with the store.
fn check_adds_up(stage: &Stage, summary: &CallSummary) {
    let wanted: usize =
        stage.cases.iter().map(|case| case.rounds.len()).sum::<usize>() * stage.samples as usize;
    let failed: usize = summary.failed.values().chain(summary.failed_before.values()).sum();
    let done = summary.done_before + summary.made + summary.accepted_from_store;
    let rest = summary.waiting + summary.not_started + summary.abandoned;
    assert_eq!(done + failed + rest, wanted, "{summary:?}");
}

#[test]
fn a_second_start_asks_only_for_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage { samples: 2, seed: Some(7), ..Stage::new(3, 1) };
    let generator = FakeGenerator::new(|_| Reply::Image);
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.made, summary.stopped.clone(), summary.spend.known), (6, None, cents(12)));
    check_adds_up(&stage, &summary);
    let seeds: BTreeSet<_> =
        generator.asked.lock().unwrap().iter().map(|asked| (asked.id.ordinal, asked.seed)).collect();
    assert_eq!(seeds, BTreeSet::from([(0, Some(7)), (1, Some(8))]));

    stage.samples = 3;
    let again = FakeGenerator::new(|_| Reply::Image);
    let mut planned = None;
    let summary = stage.try_run(folder.path(), &again, |event, _| {
        if let CallEvent::Planned { .. } = event {
            planned = Some(event.clone());
        }
    });
    let spent = Spend { known: cents(12), calls: 6, tries: 6, ..Spend::default() };
    assert_eq!(planned, Some(CallEvent::Planned { calls: 3, done: 6, spent }));
    assert_eq!(again.asked_ids(), ["00000/0002", "00001/0002", "00002/0002"]);
    let summary = summary.unwrap();
    assert_eq!((summary.made, summary.done_before, summary.spend.known), (3, 6, cents(18)));
    assert_eq!(outcomes(folder.path()).len(), 9);
}

#[test]
fn answers_are_asked_again_only_by_name_and_faults_always() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(4, 1);
    let generator = FakeGenerator::new(|request| match request.id.case.as_str() {
        "00000" => Reply::Fail(FailureKind::Refused),
        "00001" => Reply::Fail(FailureKind::Transport),
        "00002" => Reply::Garbage,
        _ => Reply::Image,
    });
    let summary = stage.run(folder.path(), &generator);
    let expected = [(FailureKind::Refused, 1), (FailureKind::Transport, 1), (FailureKind::NotAnImage, 1)];
    assert_eq!((summary.made, &summary.failed), (1, &kinds(&expected)));
    check_adds_up(&stage, &summary);
    assert_eq!(
        outcomes(folder.path()),
        ["00000/0000 refused", "00001/0000 transport", "00002/0000 not-an-image", "00003/0000 done"]
    );

    let again = FakeGenerator::new(|_| Reply::Image);
    let summary = stage.run(folder.path(), &again);
    assert_eq!(again.asked_ids(), ["00001/0000"]);
    assert_eq!(summary.failed_before, kinds(&[(FailureKind::Refused, 1), (FailureKind::NotAnImage, 1)]));
    check_adds_up(&stage, &summary);

    stage.retry.insert(FailureKind::Refused);
    let again = FakeGenerator::new(|_| Reply::Image);
    stage.run(folder.path(), &again);
    assert_eq!(again.asked_ids(), ["00000/0000"]);
    assert_eq!(
        attempts(folder.path()),
        BTreeMap::from([("done", 3), ("not-an-image", 1), ("refused", 1), ("transport", 1)])
    );
}

#[test]
fn the_budget_stops_before_it_is_passed_and_a_higher_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    // A call may cost three cents and costs two.
    let mut stage = Stage { max_cost: Some(cents(10)), concurrency: 8, ..Stage::new(9, 1) };
    let generator = FakeGenerator::new(|_| Reply::Image);
    let summary = stage.run(folder.path(), &generator);
    assert_eq!(
        (summary.made, summary.not_started),
        (3, 6),
        "six cents are spent, another call may cost three, and three are kept back"
    );
    let expected = shortage(3, 4, 3, 24);
    assert_eq!((summary.stopped.clone(), summary.spend.known), (Some(expected), cents(6)));
    check_adds_up(&stage, &summary);
    assert_eq!(stage.run(folder.path(), &generator).made, 0, "the limit is over everything ever spent");

    stage.max_cost = Some(cents(24));
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.made, summary.stopped.clone(), summary.spend.known), (6, None, cents(18)));
    assert_eq!(BTreeSet::from_iter(generator.asked_ids()).len(), 9);
    assert_eq!(generator.asked_ids().len(), 9);
}

#[test]
fn lost_tries_and_untold_costs_count_as_possibly_billed() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage { max_cost: Some(cents(17)), concurrency: 1, ..Stage::new(5, 1) };
    let generator = FakeGenerator::new(|request| match request.id.case.as_str() {
        "00000" => Reply::Lost(2),
        "00001" => Reply::Untold,
        "00002" => Reply::Fail(FailureKind::Transport),
        _ => Reply::Image,
    });
    let summary = stage.run(folder.path(), &generator);
    let spend = summary.spend;
    assert_eq!((spend.known, spend.possible), (cents(2 + 2 + 2), cents(6 + 3)));
    assert_eq!((spend.calls, spend.tries, spend.lost_tries, spend.unpriced_calls), (5, 7, 2, 0));
    stage.cases = Stage::new(6, 1).cases;
    let summary = stage.run(folder.path(), &generator);
    // Nothing is left for the failed one and the new one.
    assert_eq!((summary.spend.known, summary.spend.possible), (cents(6), cents(9)));
    assert_eq!(summary.stopped, Some(shortage(3, 2, 2, 21)));
}

#[test]
fn a_resumed_run_holds_calls_to_be_as_dear_as_before() {
    let folder = tempfile::tempdir().unwrap();
    // Three unusable replies and the image: eight cents, and three were thought.
    let generator = FakeGenerator::new(|_| Reply::Wasted(3));
    Stage::new(1, 1).run(folder.path(), &generator);
    let stage = Stage { max_cost: Some(cents(20)), ..Stage::new(3, 1) };
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.made, summary.stopped), (0, Some(shortage(8, 12, 6, 24))));
}

#[test]
fn without_a_price_a_limit_is_refused_before_the_first_call() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage { max_cost: Some(cents(10)), ..Stage::new(3, 1) };
    let generator = FakeGenerator::at_price(None, |_| Reply::Untold);
    let error = stage.try_run(folder.path(), &generator, |_, _| {}).unwrap_err();
    assert!(matches!(error.error, CallError::PriceUnknown { .. }), "{error:?}");
    assert_eq!(generator.asked_ids().len(), 0);
    stage.max_cost = None;
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.made, summary.spend.unpriced_calls, summary.spend.total()), (3, 3, Usd::ZERO));
}

#[test]
fn a_stop_waits_for_the_calls_under_way_and_keeps_their_answers() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 3, ..Stage::new(20, 2) };
    let generator = FakeGenerator::new(|_| Reply::Image);
    let summary = stage.try_run(folder.path(), &generator, |event, stop| {
        if matches!(event, CallEvent::Landed { .. }) {
            stop.send(StopSignal::FinishCalls).unwrap();
        }
    });
    let summary = summary.unwrap();
    assert_eq!(summary.stopped, Some(Stopped::Interrupted));
    assert!((1..=6).contains(&summary.made), "{summary:?}");
    assert_eq!((summary.made, summary.abandoned), (generator.asked_ids().len(), 0));
    check_adds_up(&stage, &summary);
    assert_eq!(outcomes(folder.path()).len(), summary.made);
    let rest = stage.run(folder.path(), &generator);
    assert_eq!((rest.made + summary.made, generator.asked_ids().len()), (40, 40));
}

#[test]
fn abandoned_calls_stay_on_record_and_the_next_start_settles_them() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 3, ..Stage::new(3, 1) };
    let generator = FakeGenerator::new(|request| match request.id.case.as_str() {
        "00000" => Reply::Image,
        _ => Reply::Hang,
    });
    let hanging = generator.clone();
    let summary = stage.try_run(folder.path(), &generator, |event, stop| {
        if matches!(event, CallEvent::Landed { .. }) {
            // Both others are under way before the first one lands, or begin after the stop and never.
            assert!(hanging.asked.lock().unwrap().len() <= 3);
            stop.send(StopSignal::Now).unwrap();
        }
    });
    let summary = summary.unwrap();
    assert_eq!((summary.made, summary.stopped.clone()), (1, Some(Stopped::Interrupted)));
    check_adds_up(&stage, &summary);
    let abandoned = summary.abandoned as u64;
    assert_eq!(summary.spend.possible, cents(3).times(abandoned));

    let again = FakeGenerator::new(|_| Reply::Image);
    let mut told = 0;
    let summary = stage.try_run(folder.path(), &again, |event, _| {
        if let CallEvent::Interrupted { calls } = event {
            told = *calls as u64;
        }
    });
    assert_eq!((told, again.asked_ids().len()), (abandoned, 2));
    let spend = summary.unwrap().spend;
    assert_eq!((spend.known, spend.possible), (cents(6), cents(3).times(abandoned)));
    assert_eq!(outcomes(folder.path()).len(), 3);
}

/// As when the process is killed: nobody gets to tidy up.
#[test]
fn a_future_that_is_dropped_leaves_its_calls_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 2, ..Stage::new(4, 1) };
    let generator = FakeGenerator::new(|_| Reply::Hang);
    let (_sender, stop) = watch::channel(StopSignal::GoOn);
    runtime().block_on(async {
        let mut ignore = |_| {};
        let all = generate_images(
            open_run(folder.path()),
            &stage.cases,
            generator.clone(),
            stage.settings(),
            stop,
            &mut ignore,
        );
        let two_hang = async {
            while generator.asked.lock().unwrap().len() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            ended = all => panic!("{ended:?}"),
            () = two_hang => {}
        }
    });
    let again = FakeGenerator::new(|_| Reply::Image);
    let summary = stage.run(folder.path(), &again);
    assert_eq!((summary.made, summary.spend.possible, summary.spend.lost_tries), (4, cents(6), 2));
    assert_eq!(attempts(folder.path()), BTreeMap::from([("done", 4), ("interrupted", 2)]));
}

#[test]
fn an_image_of_the_wrong_size_is_kept_and_can_be_taken_without_another_call() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage { size: Some("4x3"), ..Stage::new(2, 2) };
    let generator = FakeGenerator::new(|request| match request.id.case.as_str() {
        "00000" => Reply::Square,
        _ => Reply::Image,
    });
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.made, summary.waiting), (2, 1));
    assert_eq!(summary.failed, kinds(&[(FailureKind::WrongSize, 1)]));
    check_adds_up(&stage, &summary);
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.made, summary.waiting, generator.asked_ids().len()), (0, 1, 3));
    check_adds_up(&stage, &summary);

    stage.any_size = true;
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.accepted_from_store, summary.made, summary.waiting), (1, 1, 0));
    check_adds_up(&stage, &summary);
    assert_eq!(generator.asked_ids()[..2], ["00000/0000", "00000/0000#2"]);
    let asked = generator.asked.lock().unwrap();
    let last = asked.last().unwrap();
    assert_eq!(last.history[0].answer.bytes[..], *b"4x4 00000/0000");
    assert_eq!(last.history[0].state.as_deref(), Some("state of 00000/0000"));
}

#[test]
fn a_round_gets_the_rounds_before_it_and_one_that_fails_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(1, 3);
    let bytes = b"4x3 an input";
    let input = ImageRef { hash: ContentHash::of(bytes), format: ImageFormat::Png };
    open_run(folder.path()).images().put(&input, bytes).unwrap();
    stage.cases[0].rounds[0].images = vec![input.clone()];
    stage.cases[0].rounds[1].mask = Some(input);

    let is_down = Arc::new(AtomicBool::new(true));
    let fault = is_down.clone();
    let generator = FakeGenerator::new(move |request| match request.id.round {
        2 if fault.swap(false, Ordering::SeqCst) => Reply::Fail(FailureKind::TimedOut),
        _ => Reply::Image,
    });
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.made, summary.waiting), (1, 1));
    check_adds_up(&stage, &summary);
    assert_eq!(outcomes(folder.path()), ["00000/0000 done", "00000/0000#2 timed-out"]);
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.made, summary.done_before), (2, 1));
    assert_eq!(outcomes(folder.path()).len(), 3);

    let asked = generator.asked.lock().unwrap();
    let rounds: Vec<u32> = asked.iter().map(|request| request.id.round).collect();
    assert_eq!(rounds, [1, 2, 2, 3]);
    assert_eq!(asked[0].images[0].bytes[..], *bytes);
    // The second start knows the first answer from the store.
    assert_eq!(asked[1], asked[2]);
    assert_eq!(asked[2].mask.as_ref().unwrap().bytes[..], *bytes);
    let last = &asked[3];
    assert_eq!((last.history.len(), last.images.len()), (2, 0));
    assert_eq!(last.history[0].prompt, "prompt 0, round 1");
    assert_eq!(last.history[0].images[0].bytes[..], *bytes);
    assert_eq!(last.history[1].answer.bytes[..], *b"4x3 00000/0000#2");
    assert_eq!(last.history[1].state.as_deref(), Some("state of 00000/0000#2"));
}

#[test]
fn so_many_conversations_as_allowed_go_on_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 5, ..Stage::new(40, 1) };
    let generator = FakeGenerator::new(|_| Reply::Image);
    assert_eq!(stage.run(folder.path(), &generator).made, 40);
    assert!(generator.most_under_way.load(Ordering::SeqCst) <= 5);
}

#[test]
fn a_generator_that_is_down_stops_everything_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 2, ..Stage::new(9, 1) };
    let generator = FakeGenerator::new(|_| Reply::Down);
    let summary = stage.run(folder.path(), &generator);
    assert!(matches!(&summary.stopped, Some(Stopped::Down(down)) if down.hint == "mend it"), "{summary:?}");
    assert_eq!((summary.not_started, summary.spend.calls), (9, 0));
    check_adds_up(&stage, &summary);
    assert!(generator.asked_ids().len() <= 2);
    assert_eq!(stage.run(folder.path(), &FakeGenerator::new(|_| Reply::Image)).made, 9);
}

#[test]
fn a_bug_in_a_client_is_an_error_and_its_call_is_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 1, ..Stage::new(3, 1) };
    let generator = FakeGenerator::new(|request| match request.id.case.as_str() {
        "00001" => Reply::Panic,
        _ => Reply::Image,
    });
    let error = stage.try_run(folder.path(), &generator, |_, _| {}).unwrap_err();
    assert!(matches!(error.error, CallError::Broke { .. }), "{error:?}");
    let broken = error.summary;
    assert_eq!((broken.made, broken.abandoned, broken.not_started), (1, 1, 1));
    assert_eq!((broken.spend.known, broken.spend.possible), (cents(2), cents(3)));
    let summary = stage.run(folder.path(), &FakeGenerator::new(|_| Reply::Image));
    assert_eq!((summary.done_before, summary.made, summary.spend.possible), (1, 2, cents(3)));
}

#[test]
fn a_store_that_fails_ends_the_stage_and_nothing_on_record_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 1, ..Stage::new(6, 1) };
    let images = folder.path().join("images");
    let n_asked = Arc::new(AtomicUsize::new(0));
    let blocked = images.clone();
    // From the third call on no image can be stored: a file lies where their folder should be.
    let generator = FakeGenerator::new(move |_| {
        if n_asked.fetch_add(1, Ordering::SeqCst) == 2 {
            fs::rename(&blocked, blocked.with_extension("away")).unwrap();
            fs::write(&blocked, "").unwrap();
        }
        Reply::Image
    });
    let broken = stage.try_run(folder.path(), &generator, |_, _| {}).unwrap_err();
    assert!(matches!(broken.error, CallError::Store(_)), "{broken:?}");
    assert_eq!(generator.asked_ids().len(), 3, "no further call begins");
    // The third image was paid for, which is known though it could not be kept.
    let summary = &broken.summary;
    assert_eq!((summary.made, summary.not_started, summary.spend.known), (2, 3, cents(6)));
    assert_eq!(summary.failed, kinds(&[(FailureKind::NotAccessible, 1)]));
    check_adds_up(&stage, summary);
    fs::remove_file(&images).unwrap();
    fs::rename(images.with_extension("away"), &images).unwrap();
    assert_eq!(outcomes(folder.path()).len(), 3);
    let mut failures = Vec::new();
    let visit = |attempt: AttemptRecord| {
        if let Outcome::Failed(failure) = attempt.outcome {
            failures.push((failure.detail, attempt.charge.cost.map(|cost| cost.amount), attempt.raw));
        }
    };
    RunReader::open(folder.path()).unwrap().for_each_attempt(visit).unwrap();
    assert_eq!(failures.len(), 1);
    let (detail, cost, raw) = &failures[0];
    assert!(detail.starts_with("the image could not be saved: could not store the image"), "{detail}");
    assert_eq!((*cost, raw.as_str()), (Some(cents(2)), "raw"));
    let summary = stage.run(folder.path(), &FakeGenerator::new(|_| Reply::Image));
    assert_eq!((summary.done_before, summary.made, summary.spend.possible), (2, 4, Usd::ZERO));
}

#[test]
fn interrupted_after_any_result_every_image_is_paid_once() {
    let stage = Stage { concurrency: 2, samples: 2, ..Stage::new(3, 2) };
    for stop_after in 1..=12 {
        for signal in [StopSignal::FinishCalls, StopSignal::Now] {
            let folder = tempfile::tempdir().unwrap();
            let generator = FakeGenerator::new(|_| Reply::Image);
            let mut n_landed = 0;
            let first = stage.try_run(folder.path(), &generator, |event, stop| {
                n_landed += usize::from(matches!(event, CallEvent::Landed { .. }));
                if n_landed == stop_after {
                    stop.send(signal).unwrap();
                }
            });
            let first = first.unwrap();
            check_adds_up(&stage, &first);
            let second = stage.run(folder.path(), &generator);
            check_adds_up(&stage, &second);
            assert_eq!(first.made + second.made, 12);
            assert_eq!(outcomes(folder.path()).len(), 12);
            assert_eq!(attempts(folder.path())["done"], 12, "none is asked for that was there");
            assert_eq!(second.spend.known, cents(24));
            assert_eq!(second.spend.possible, cents(3).times(first.abandoned as u64));
        }
    }
}

#[test]
fn samples_are_told_only_when_they_are_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(5, 1);
    let path = folder.path().to_owned();
    let mut spent = Spend::default();
    let summary = stage.try_run(folder.path(), &FakeGenerator::new(|_| Reply::Image), |event, _| {
        if let CallEvent::Landed { item: id, spent: now, .. } = event {
            assert!(outcomes(&path).contains(&format!("{id} done")), "{id}");
            assert!(now.total() > spent.total());
            spent = *now;
        }
    });
    assert_eq!(summary.unwrap().made, 5);
    assert_eq!(open_run(&path).generated_samples().unwrap()[&sample_id(0, 0, 1)].prompt, "prompt 0, round 1");
}

#[test]
fn a_call_that_waits_for_its_turn_is_neither_under_way_nor_sent_after_a_stop() {
    for signal in [StopSignal::FinishCalls, StopSignal::Now] {
        let folder = tempfile::tempdir().unwrap();
        let stage = Stage { concurrency: 3, ..Stage::new(4, 2) };
        let generator = FakeGenerator::new(|request| match request.id.case.as_str() {
            "00000" => Reply::Image,
            _ => Reply::Park,
        });
        let summary = stage.try_run(folder.path(), &generator, |event, stop| {
            if matches!(event, CallEvent::Landed { .. }) {
                stop.send(signal).unwrap();
            }
        });
        let summary = summary.unwrap();
        check_adds_up(&stage, &summary);
        assert_eq!(summary.stopped, Some(Stopped::Interrupted));
        assert_eq!((summary.made, summary.abandoned, summary.not_started), (1, 0, 7));
        assert_eq!((generator.asked_ids(), summary.spend.calls), (vec!["00000/0000".to_owned()], 1));
        assert_eq!(outcomes(folder.path()), ["00000/0000 done"], "nothing is recorded of the others");
    }
}

#[test]
fn a_generator_that_is_down_calls_off_those_that_wait_for_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 3, ..Stage::new(5, 1) };
    let generator = FakeGenerator::new(|request| match request.id.case.as_str() {
        "00000" => Reply::Down,
        _ => Reply::Park,
    });
    let summary = stage.run(folder.path(), &generator);
    assert!(matches!(summary.stopped, Some(Stopped::Down(_))), "{summary:?}");
    assert_eq!((summary.not_started, summary.spend.calls, generator.asked_ids().len()), (5, 0, 1));
    assert_eq!(open_run(folder.path()).settle_interrupted_calls().unwrap(), 0);
}

#[test]
fn whenever_a_request_is_sent_what_it_may_cost_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let generator = FakeGenerator::looking(move || {
        let spend = RunReader::open(&path).unwrap().spend().unwrap();
        told.lock().unwrap().push(spend.possible);
    });
    let summary = Stage::new(1, 1).run(folder.path(), &generator);
    assert_eq!(*seen.lock().unwrap(), [cents(3), cents(6), cents(9)]);
    assert_eq!((summary.spend.known, summary.spend.possible), (cents(2), cents(6)));
}

#[test]
fn tries_that_were_lost_before_the_generator_went_down_are_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { concurrency: 1, ..Stage::new(3, 1) };
    let summary = stage.run(folder.path(), &FakeGenerator::new(|_| Reply::LostThenDown));
    assert!(matches!(summary.stopped, Some(Stopped::Down(_))), "{summary:?}");
    check_adds_up(&stage, &summary);
    assert_eq!((summary.failed, summary.not_started), (kinds(&[(FailureKind::Transport, 1)]), 2));
    assert_eq!((summary.spend.possible, summary.spend.lost_tries), (cents(3), 1));
    assert_eq!(attempts(folder.path()), BTreeMap::from([("transport", 1)]));
}

#[test]
fn a_lost_try_is_not_made_again_beyond_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { max_cost: Some(cents(8)), concurrency: 1, ..Stage::new(1, 1) };
    let summary = stage.run(folder.path(), &FakeGenerator::new(|_| Reply::Lost(5)));
    assert_eq!(summary.failed, kinds(&[(FailureKind::Transport, 1)]));
    assert_eq!((summary.spend.possible, summary.spend.tries), (cents(6), 2), "a third may cost three cents");
}

#[test]
fn a_later_round_without_a_price_is_refused_before_the_first_call() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { max_cost: Some(cents(99)), ..Stage::new(2, 2) };
    let generator = FakeGenerator::without_price_for_later_rounds();
    let broken = stage.try_run(folder.path(), &generator, |_, _| {}).unwrap_err();
    assert!(matches!(broken.error, CallError::PriceUnknown { .. }), "{broken:?}");
    check_adds_up(&stage, &broken.summary);
    assert_eq!(generator.asked_ids().len(), 0);
}

#[test]
fn a_sketch_is_the_request_up_to_its_answers() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage { seed: Some(5), ..Stage::new(1, 2) };
    let bytes = b"4x3 an input";
    let input = ImageRef { hash: ContentHash::of(bytes), format: ImageFormat::Png };
    open_run(folder.path()).images().put(&input, bytes).unwrap();
    stage.cases[0].rounds[0].images = vec![input];
    let generator = FakeGenerator::new(|_| Reply::Image);
    stage.run(folder.path(), &generator);
    let asked = generator.asked.lock().unwrap();
    let sketch = |round| sketch_request(&stage.cases[0], 0, round, &stage.settings());
    assert_eq!(sketch(1).work_key(generator.meta()), asked[0].work_key(generator.meta()));
    let later = sketch(2);
    assert_eq!((later.history.len(), later.seed, &later.prompt), (1, Some(5), &asked[1].prompt));
    assert_eq!(later.history[0].prompt, asked[1].history[0].prompt);
    assert_eq!(later.history[0].images[0].hash, asked[1].history[0].images[0].hash);
    assert_eq!(later.images_to_edit().len(), asked[1].images_to_edit().len());
}

#[test]
fn an_image_of_a_prompt_that_has_changed_since_does_not_pass_for_one_of_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(3, 1);
    let script = |request: &imgeval_core::ImageRequest| match request.id.case.as_str() {
        "00000" => Reply::Fail(FailureKind::Refused),
        "00001" => Reply::Fail(FailureKind::Transport),
        _ => Reply::Image,
    };
    let generator = FakeGenerator::new(script);
    stage.run(folder.path(), &generator);
    for case in &mut stage.cases {
        case.rounds[0].prompt.push('!');
    }
    let broken = stage.try_run(folder.path(), &generator, |_, _| {}).unwrap_err();
    // The fault is asked for again, with the new prompt; a refusal would stand as the image would.
    assert!(matches!(&broken.error, CallError::Outdated { n: 2, .. }), "{broken:?}");
    let told =
        "2 images of the run were generated from other prompts or inputs, such as 00000/0000, 00002/0000";
    assert_eq!(broken.error.to_string(), told);
    assert_eq!(generator.asked_ids().len(), 3);
    for place in [0, 2] {
        stage.cases[place].rounds[0].prompt.pop();
    }
    stage.cases.extend(Stage::new(4, 1).cases.pop());
    let summary = stage.run(folder.path(), &generator);
    assert_eq!((summary.made, summary.done_before), (1, 1), "a new case is no changed one");
    let mut twice = stage.cases[2].clone();
    twice.rounds[0].prompt.push('?');
    stage.cases.push(twice);
    assert_eq!(stage.run(folder.path(), &generator).made, 0, "the first of a name counts");
    stage.cases.pop();
    check_adds_up(&stage, &summary);
}
