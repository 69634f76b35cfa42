//! Ctrl-C, a second Ctrl-C, and being killed: what was answered is on record, and nothing done is asked for again.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::Semaphore;

use super::{
    provider::{Bench, Report, image, image_reply, png},
    support::check_exit,
};
use crate::fault_server::Action;

/// Answers two calls at once and all others when they are let go.
fn slow_bench(name: &str) -> (Bench, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Action::Held(image_reply(&png(24, 16, 2)), gate.clone());
    (Bench::new(name, [image(1), image(1), held]), gate)
}

const ARGUMENTS: [&str; 4] = ["--limit", "6", "--concurrency", "2"];

/// A process whose third and fourth call are under way.
fn start(bench: &Bench) -> Child {
    let mut command: Command = bench.command(&ARGUMENTS);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    bench.provider.wait_for(4);
    child
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Interrupts once and waits until the process says that it has understood.
fn interrupt(child: &mut Child, signal: Signal) {
    send(child, signal);
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("press Ctrl-C again to stop now")), "it ended silently");
}

fn finish(mut child: Child) -> Output {
    let mut stderr = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    Output { stderr, ..child.wait_with_output().unwrap() }
}

/// Goes on to the end; the two calls that were under way may have been asked for twice.
fn check_resume(bench: &Bench, made: u64, twice: usize) -> Report {
    let report = bench.report(&ARGUMENTS, 0);
    report.check(&[("made", made), ("there-before", 6 - made)]);
    let prompts = bench.provider.prompts();
    assert_eq!(prompts.len(), 6 + twice);
    let counts = bench.provider.prompt_counts();
    assert_eq!(counts.len(), 6);
    for (place, prompt) in prompts.iter().enumerate() {
        let was_under_way = twice > 0 && (2..4).contains(&place);
        if was_under_way {
            assert_eq!(counts[prompt], 2, "asked for again, because no answer came");
        }
    }
    for done in &prompts[..2] {
        assert_eq!(counts[done], 1, "what is done is never asked for again");
    }
    report
}

fn check_first_interrupt(name: &str, signal: Signal) {
    let (bench, gate) = slow_bench(name);
    let mut child = start(&bench);
    interrupt(&mut child, signal);
    gate.add_permits(100);
    let output = finish(child);
    check_exit(&output, 130);
    let report = Report::read(&output);
    report.check(&[("made", 4), ("not-started", 2)]);
    assert_eq!(report.0["stopped"], "interrupted");
    assert_eq!(bench.provider.requests().len(), 4, "nothing is begun any more");
    let report = check_resume(&bench, 2, 0);
    assert_eq!(report.0["spend"]["requests_without_answer"], 0);
}

#[test]
fn the_first_interrupt_lets_calls_finish_and_records_them() {
    check_first_interrupt("stops-interrupt", Signal::INT);
}

#[test]
fn being_asked_to_terminate_is_an_interrupt() {
    check_first_interrupt("stops-terminate", Signal::TERM);
}

#[test]
fn a_terminal_that_hangs_up_lets_calls_finish_however_often_it_says_so() {
    let (bench, gate) = slow_bench("stops-hang-up");
    let mut child = start(&bench);
    interrupt(&mut child, Signal::HUP);
    send(&child, Signal::HUP);
    gate.add_permits(100);
    let output = finish(child);
    check_exit(&output, 130);
    Report::read(&output).check(&[("made", 4), ("not-started", 2)]);
    check_resume(&bench, 2, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_that_is_ignored_stays_ignored() {
    let (bench, gate) = slow_bench("stops-nohup");
    let direct = bench.command(&ARGUMENTS);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(direct.get_program()).args(direct.get_args());
    shell.envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    bench.provider.wait_for(4);
    send(&child, Signal::HUP);
    gate.add_permits(100);
    let output = finish(child);
    check_exit(&output, 0);
    Report::read(&output).check(&[("made", 6)]);
}

#[test]
fn the_second_interrupt_stops_at_once_and_the_calls_stay_on_record() {
    let (bench, gate) = slow_bench("stops-interrupt-twice");
    let mut child = start(&bench);
    interrupt(&mut child, Signal::INT);
    send(&child, Signal::INT);
    // Nothing is let go: only the second interrupt can end it.
    let output = finish(child);
    check_exit(&output, 130);
    let report = Report::read(&output);
    report.check(&[("made", 2), ("abandoned", 2), ("not-started", 2)]);
    assert_eq!(report.0["spend"]["requests_without_answer"], 2);
    gate.add_permits(100);
    let report = check_resume(&bench, 4, 2);
    assert_eq!(report.0["spend"]["requests_without_answer"], 2, "they may have been billed");
}

#[test]
fn a_killed_process_loses_nothing_that_was_answered() {
    let (bench, gate) = slow_bench("stops-kill");
    let mut child = start(&bench);
    child.kill().unwrap();
    child.wait().unwrap();
    gate.add_permits(100);
    let dry = bench.report(&["--limit", "6", "--dry-run"], 0).0;
    assert_eq!((&dry["calls"], &dry["done"]), (&4.into(), &2.into()));
    let report = check_resume(&bench, 4, 2);
    assert_eq!(report.0["spend"]["requests_without_answer"], 2);
    assert_eq!(report.0["spend"]["requests"], 8);
}

#[test]
fn two_processes_do_not_fill_one_run_at_the_same_time() {
    let (bench, gate) = slow_bench("stops-locked");
    let child = start(&bench);
    let output = bench.generate(&ARGUMENTS);
    check_exit(&output, 1);
    assert_eq!(bench.provider.requests().len(), 4, "the second asks nothing");
    gate.add_permits(100);
    let output = finish(child);
    check_exit(&output, 0);
    Report::read(&output).check(&[("made", 6)]);
}
