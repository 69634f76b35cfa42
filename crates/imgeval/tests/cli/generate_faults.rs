//! One item that goes wrong beside one that does not: each fault has its outcome, and only what has no answer is asked
//! for again.

use std::io::Cursor;

use image::{GrayImage, ImageFormat};
use serde_json::json;

use super::{
    provider::{Bench, KEY, Provider, error, image, image_reply, png, stored_images},
    support::{check_exit, stderr, stdout},
};
use crate::fault_server::{Action, Reply};

/// Whether a fault is the provider's answer, and so stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Stands,
    AskedAgain,
}

/// The first of two items meets the fault. Returns what was said of it.
fn check_fault(bench: &Bench, code: &str, then: Then, more: &[&str]) -> String {
    let mut arguments = vec!["--ids", "0,1"];
    arguments.extend(more);
    let report = bench.report(&arguments, 4);
    report.check(&[("made", 1), (code, 1)]);
    assert_eq!(bench.provider.requests().len(), 2);
    let example = report.0["examples"][code][0].as_str().unwrap().to_owned();
    assert!(example.starts_with("00000/0000: ") && !example.contains('\n'), "{example}");

    match then {
        Then::Stands => {
            bench.report(&arguments, 4).check(&[("made", 0), ("there-before", 1), (code, 1)]);
            assert_eq!(bench.provider.requests().len(), 2, "an answer is not asked for again");
        }
        Then::AskedAgain => {
            bench.report(&arguments, 0).check(&[("made", 1), ("there-before", 1)]);
            let prompts = bench.provider.prompts();
            assert_eq!(prompts.len(), 3);
            assert_eq!(prompts[2], prompts[0], "only the one that failed");
            bench.report(&arguments, 0).check(&[("made", 0), ("there-before", 2)]);
            assert_eq!(bench.provider.requests().len(), 3);
        }
    }
    example
}

fn fault(name: &str, action: Action, code: &str, then: Then) -> String {
    let bench = Bench::new(&format!("fault-{name}"), [action, image(1)]);
    check_fault(&bench, code, then, &[])
}

fn transport(name: &str, action: Action) -> String {
    fault(name, action, "transport", Then::AskedAgain)
}

#[test]
fn servers_that_fail_or_want_a_day_are_asked_again_later() {
    let later = error(429, "rate_limit_exceeded", "slow down").header("retry-after", "86400");
    let said = transport("429-later", Action::Reply(later));
    assert!(said.contains("86400 s, which is too long"), "{said}");
    for status in [500, 503] {
        let said = transport(&status.to_string(), Action::Reply(error(status, "server_error", "oops")));
        assert!(said.contains(&status.to_string()), "{said}");
    }
}

#[test]
fn rate_limits_are_waited_for_within_a_call_whatever_the_retries() {
    let limited = error(429, "rate_limit_exceeded", "slow down");
    for (name, limited) in
        [("fault-429-after", limited.clone().header("retry-after", "0")), ("fault-429", limited)]
    {
        let bench = Bench::new(name, [Action::Reply(limited), image(1)]);
        bench.settings("[providers.openai]\nretries = 0\n");
        let report = bench.report(&["--ids", "0"], 0);
        report.check(&[("made", 1)]);
        assert_eq!(report.0["spend"]["calls"], 1);
        assert_eq!(report.0["spend"]["requests"], 2);
        assert_eq!(report.0["spend"]["requests_without_answer"], 0);
    }
}

#[test]
fn connections_that_break_are_asked_again_later() {
    transport("reset", Action::Reset);
    transport("half", Action::Half(image_reply(&png(24, 16, 1)), 100));
    let said = transport("html", Action::Reply(Reply::new(200, "text/html", "<html>please log in</html>")));
    assert!(said.contains("text/html") && said.contains("please log in"), "{said}");
    let said = transport("wrong-type", Action::Reply(Reply::new(200, "image/png", png(8, 8, 1))));
    assert!(said.contains("image/png"), "{said}");
}

#[test]
fn a_server_that_says_nothing_times_out() {
    let bench = Bench::new("fault-stall", [Action::Stall, image(1)]);
    let said = check_fault(&bench, "timed-out", Then::AskedAgain, &["--timeout", "3"]);
    assert!(said.contains("3000 ms"), "{said}");
}

#[test]
fn requests_whose_answer_was_lost_are_counted() {
    let bench = Bench::new("fault-lost", [Action::Reset, image(1)]);
    let report = bench.report(&["--ids", "0"], 4);
    assert_eq!(report.0["spend"]["requests_without_answer"], 1);
    let report = bench.report(&["--ids", "0"], 0);
    assert_eq!(report.0["spend"]["requests_without_answer"], 1, "it stays on record");
    assert_eq!(report.0["spend"]["calls"], 2);
}

#[test]
fn garbage_for_an_image_is_an_answer() {
    let garbage = Reply::json(200, &json!({"data": [{"b64_json": "%%% no base64 %%%"}]}));
    let said = fault("garbage", Action::Reply(garbage), "not-an-image", Then::Stands);
    assert!(said.contains("base64"), "{said}");
    let said = fault("text", Action::Reply(image_reply(b"hello")), "not-an-image", Then::Stands);
    assert!(said.len() > "00000/0000: ".len(), "{said}");
    let bytes = png(24, 16, 1);
    let cut = image_reply(&bytes[..bytes.len() / 2]);
    fault("cut-image", Action::Reply(cut), "not-an-image", Then::Stands);
    let none = Reply::json(200, &json!({"created": 1, "data": []}));
    fault("no-image", Action::Reply(none), "empty-reply", Then::Stands);
}

#[test]
fn a_moderated_prompt_stands_until_it_is_asked_for_again() {
    let blocked = error(400, "moderation_blocked", "rejected by the safety system");
    let bench = Bench::new("fault-moderated", [Action::Reply(blocked), image(1)]);
    let said = check_fault(&bench, "moderated", Then::Stands, &[]);
    assert!(said.contains("rejected by the safety system"), "{said}");
    bench.report(&["--ids", "0,1", "--retry", "refused"], 4);
    assert_eq!(bench.provider.requests().len(), 2, "another kind");
    let arguments = ["--ids", "0,1", "--retry", "moderated"];
    bench.report(&arguments, 0).check(&[("made", 1), ("there-before", 1)]);
    let prompts = bench.provider.prompts();
    assert_eq!((prompts.len(), &prompts[2]), (3, &prompts[0]));
    bench.report(&arguments, 0).check(&[("made", 0), ("there-before", 2)]);
    assert_eq!(bench.provider.requests().len(), 3);
}

#[test]
fn a_request_that_is_not_taken_is_asked_for_again_because_it_was_not_paid() {
    let wrong = error(400, "invalid_value", "no such quality");
    let said = fault("rejected", Action::Reply(wrong), "rejected-request", Then::AskedAgain);
    assert!(said.contains("no such quality"), "{said}");
}

#[test]
fn a_decompression_bomb_is_kept_and_accepted_later_without_a_call() {
    let mut bomb = Cursor::new(Vec::new());
    GrayImage::new(8000, 5000).write_to(&mut bomb, ImageFormat::Png).unwrap();
    let bomb = bomb.into_inner();
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    let bench = Bench::new("fault-bomb", [Action::Reply(image_reply(&bomb)), image(1)]);
    check_fault(&bench, "too-many-pixels", Then::Stands, &[]);
    assert_eq!(stored_images(&bench.run()).len(), 2, "it may have been paid for");
    let report = bench.report(&["--ids", "0,1", "--max-pixels", "40000000"], 0);
    report.check(&[("made", 0), ("accepted", 1), ("there-before", 1)]);
    assert_eq!(bench.provider.requests().len(), 2);
}

#[test]
fn an_image_of_another_size_is_kept_and_accepted_later_without_a_call() {
    let sizes = [image_reply(&png(24, 16, 1)), image_reply(&png(32, 32, 2))];
    let bench = Bench::new("fault-size", sizes.map(Action::Reply));
    let said = check_fault(&bench, "wrong-size", Then::Stands, &["--size", "32x32"]);
    assert!(said.contains("24x16") && said.contains("32x32"), "{said}");
    assert_eq!(stored_images(&bench.run()).len(), 2);
    let arguments = ["--ids", "0,1", "--size", "32x32", "--any-size"];
    bench.report(&arguments, 0).check(&[("made", 0), ("accepted", 1), ("there-before", 1)]);
    bench.report(&["--ids", "0,1", "--size", "32x32"], 0).check(&[("made", 0), ("there-before", 2)]);
    assert_eq!(bench.provider.requests().len(), 2);
}

#[test]
fn a_redirect_to_another_host_never_gets_the_key() {
    let other = Provider::start([image(9)]);
    let away = Reply::new(307, "text/plain", "").header("location", &format!("{}/x", other.url()));
    let bench = Bench::new("fault-redirect", [Action::Reply(away), image(1)]);
    let said = check_fault(&bench, "transport", Then::AskedAgain, &[]);
    assert!(said.contains("redirects (307) to 127.0.0.1"), "{said}");
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn an_image_behind_a_link_is_fetched_without_the_key() {
    let host = Provider::start([Action::Reply(Reply::new(200, "image/png", png(24, 16, 1)))]);
    let link = Reply::json(200, &json!({"data": [{"url": format!("{}/a.png", host.url())}]}));
    let bench = Bench::new("fault-link", [Action::Reply(link)]);
    bench.report(&["--ids", "0"], 0).check(&[("made", 1)]);
    let requests = host.requests();
    assert_eq!((requests.len(), requests[0].path.as_str()), (1, "/v1/a.png"));
    assert!(requests[0].headers.iter().all(|(_, value)| !value.contains("canary")), "{requests:?}");
}

#[test]
fn a_bad_key_is_one_request_one_sentence_and_no_sample() {
    let unauthorized = error(401, "invalid_api_key", &format!("Incorrect API key provided: {KEY}"));
    let bench = Bench::new("fault-bad-key", [Action::Reply(unauthorized), image(1)]);
    let output = bench.generate(&["--ids", "0,1,2"]);
    check_exit(&output, 1);
    assert_eq!(bench.provider.requests().len(), 1);
    let said = stderr(&output);
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    assert!(said.contains("the key is missing or was rejected"), "{said}");
    assert!(said.contains("hint: set OPENAI_API_KEY to a valid key"), "{said}");
    assert!(!format!("{said}{}", stdout(&output)).contains("canary"), "{said}");
    let database = rusqlite::Connection::open(bench.run().join("run.db")).unwrap();
    for table in ["samples", "attempts", "calls_in_flight"] {
        let query = format!("SELECT count(*) FROM {table}");
        let rows: i64 = database.query_row(&query, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    drop(database);
    let report = bench.report(&["--ids", "0,1,2"], 0);
    report.check(&[("made", 3)]);
    assert_eq!(report.0["spend"]["calls"], 3);
}

#[test]
fn a_server_that_is_gone_stops_the_run_before_every_item_has_failed() {
    let bench = Bench::new("fault-gone", [Action::Reset]);
    let output = bench.generate(&["--limit", "40"]);
    check_exit(&output, 1);
    assert!(stderr(&output).contains("calls in a row"), "{}", stderr(&output));
    assert!(bench.provider.requests().len() < 12, "{}", bench.provider.requests().len());
}
