//! Nothing is sent without permission, and nobody waits when there will be none.

use std::{fs, num::NonZeroUsize, sync::Arc, time::Duration};

use async_trait::async_trait;
use imgeval_clients::{
    ChatClient, ChatRewriter, CommandGenerator, CommandLinesGenerator, FolderGenerator, ProviderKind,
};
use imgeval_core::{Always, Answer, Failure, FailureKind, Generator, Outcome, Permit, Rewriter};
use tokio::sync::watch;

use crate::{
    commands::script,
    fault_server::{Action, FaultServer, Reply},
    support::{error, failure, image, open, request, settings},
};

const LONG: Duration = Duration::from_secs(3600);

/// Permits some sendings; notes of each question how many tries were lost by then.
struct Few {
    permitted: usize,
    asked: watch::Sender<Vec<u32>>,
    /// After so many questions the permission is revoked.
    revoked_after: usize,
}

impl Few {
    fn of(permitted: usize) -> Self {
        Self { permitted, asked: watch::Sender::default(), revoked_after: usize::MAX }
    }

    fn asked(&self) -> Vec<u32> {
        self.asked.borrow().clone()
    }

    /// Returns when so many questions were asked.
    async fn was_asked(&self, times: usize) {
        self.asked.subscribe().wait_for(|asked| asked.len() >= times).await.unwrap();
    }
}

#[async_trait]
impl Permit for Few {
    async fn may_send(&self, lost_tries: u32) -> bool {
        self.asked.send_modify(|asked| asked.push(lost_tries));
        self.asked.borrow().len() <= self.permitted
    }

    async fn revoked(&self) {
        self.was_asked(self.revoked_after).await;
    }
}

/// Revoked from without.
#[derive(Default)]
struct Revocable(watch::Sender<bool>);

#[async_trait]
impl Permit for Revocable {
    async fn may_send(&self, _lost_tries: u32) -> bool {
        true
    }

    async fn revoked(&self) {
        self.0.subscribe().wait_for(|revoked| *revoked).await.unwrap();
    }
}

fn oops() -> Action {
    Action::Reply(Reply::new(500, "text/plain", "oops"))
}

#[tokio::test]
async fn without_permission_nothing_is_sent() {
    let server = FaultServer::start([image()]).await;
    let permit = Few::of(0);
    let answer = open(settings(&server)).generate(&request("a cat"), &permit).await.unwrap();
    assert_eq!((answer, permit.asked()), (Answer::not_sent(), vec![0]));

    let mut settings = settings(&server);
    settings.kind = ProviderKind::OpenaiChat;
    let client = ChatClient::new(&settings, "some-model", None).unwrap();
    let rewrite = ChatRewriter::new(client, "Rewrite.", None).rewrite("a cat", &Few::of(0)).await.unwrap();
    assert_eq!((rewrite.outcome, rewrite.tries), (Outcome::Failed(Failure::not_sent()), 0));
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn without_permission_no_program_is_started_and_no_file_read() {
    let (folder, program) = script(r#"echo x > "$0.started"; echo x > "$1""#);
    let command = CommandGenerator::new(&format!("{program} {{out}} {{prompt}}"), LONG, 1).unwrap();
    let lines = CommandLinesGenerator::new(&program, LONG, 1).unwrap();
    fs::write(folder.path().join("00000.png"), "x").unwrap();
    let files = FolderGenerator::new(folder.path()).unwrap();
    let generators: [&dyn Generator; 3] = [&command, &lines, &files];
    for generator in generators {
        let permit = Few::of(0);
        let answer = generator.generate(&request("p"), &permit).await.unwrap();
        assert_eq!((answer, permit.asked()), (Answer::not_sent(), vec![0]));
    }
    assert!(!folder.path().join("script.sh.started").exists());
    let permit = Few::of(1);
    let answer = command.generate(&request("p"), &permit).await.unwrap();
    assert!(answer.outcome.done().is_some() && permit.asked() == [0]);
}

#[tokio::test]
async fn each_sending_is_asked_for_and_told_what_was_lost_before() {
    let server = FaultServer::start([oops(), Action::Reset, image()]).await;
    let permit = Few::of(3);
    let answer = open(settings(&server)).generate(&request("a cat"), &permit).await.unwrap();
    assert!(answer.outcome.done().is_some());
    assert_eq!((permit.asked(), answer.tries, answer.lost_tries), (vec![0, 0, 1], 3, 1));

    let server = FaultServer::start([oops(), image()]).await;
    let answer = open(settings(&server)).generate(&request("a cat"), &Few::of(1)).await.unwrap();
    assert_eq!(failure(&answer), (FailureKind::Transport, "answered 500: oops"));
    assert_eq!((server.requests().len(), answer.tries), (1, 1));
}

#[tokio::test]
async fn a_backoff_ends_when_the_permission_is_revoked() {
    let limited = error(429, "rate_limit_exceeded", "slow down").header("retry-after", "200");
    for (reply, words) in [(oops(), "oops"), (Action::Reply(limited), "slow down")] {
        let server = FaultServer::start([reply]).await;
        let mut settings = settings(&server);
        settings.retry_delay = LONG;
        settings.rate_limit_patience = 2 * LONG;
        let permit = Few { revoked_after: 1, ..Few::of(9) };
        let answer = open(settings).generate(&request("a cat"), &permit).await.unwrap();
        let (kind, detail) = failure(&answer);
        assert!(kind == FailureKind::Transport && detail.contains(words), "{detail}");
        assert_eq!((server.requests().len(), answer.tries), (1, 1));
    }
}

#[tokio::test]
async fn a_wait_for_a_slot_or_a_pause_ends_when_the_permission_is_revoked() {
    let limited = error(429, "rate_limit_exceeded", "slow down").header("retry-after", "200");
    // With one slot, the second call waits for it; after the limit, for the end of the pause.
    for first_reply in [Action::Stall, Action::Reply(limited)] {
        let server = FaultServer::start([first_reply]).await;
        let mut settings = settings(&server);
        settings.limits.concurrent = NonZeroUsize::MIN;
        settings.rate_limit_patience = LONG;
        let generator = open(settings);
        let permit = Arc::new(Few::of(9));
        let first = tokio::spawn({
            let (generator, permit) = (generator.clone(), permit.clone());
            async move { generator.generate(&request("a cat"), &*permit).await }
        });
        permit.was_asked(1).await;
        let second = Arc::new(Revocable::default());
        let waiting = tokio::spawn({
            let (generator, permit) = (generator.clone(), second.clone());
            async move { generator.generate(&request("a dog"), &*permit).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        second.0.send_replace(true);
        assert_eq!(waiting.await.unwrap().unwrap(), Answer::not_sent());
        assert_eq!(server.requests().len(), 1);
        first.abort();
    }
}

#[tokio::test]
async fn a_download_is_not_waited_for_when_the_permission_is_revoked() {
    let files = FaultServer::start([oops()]).await;
    let reply = serde_json::json!({"data": [{"url": format!("{}/image.png", files.url())}]});
    let server = FaultServer::start([Action::Reply(Reply::json(200, &reply))]).await;
    let mut settings = settings(&server);
    settings.retry_delay = LONG;
    let permit = Few { revoked_after: 1, ..Few::of(1) };
    let answer = open(settings).generate(&request("a cat"), &permit).await.unwrap();
    assert!(failure(&answer).1.contains("could not download the image"), "{answer:?}");
    assert_eq!(files.requests().len(), 1, "what was paid for is asked for once at least");
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_asked_by_those_who_wait() {
    let refused = Action::Reply(error(401, "invalid_api_key", "no"));
    let server = FaultServer::start([refused, image()]).await;
    let mut settings = settings(&server);
    settings.limits.concurrent = NonZeroUsize::MIN;
    let generator = open(settings);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let generator = generator.clone();
            tokio::spawn(async move { generator.generate(&request("a cat"), &Always).await })
        })
        .collect();
    for call in calls {
        let down = call.await.unwrap().unwrap_err();
        assert!(down.message.contains("the key is missing or was rejected"), "{down}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_provider_that_is_down_after_a_lost_try_leaves_an_answer() {
    let refused = Action::Reply(error(401, "invalid_api_key", "says the server"));
    let server = FaultServer::start([Action::Reset, refused]).await;
    let generator = open(settings(&server));
    let answer = generator.generate(&request("a cat"), &Always).await.unwrap();
    let down = answer.down.clone().unwrap();
    assert_eq!(failure(&answer), (FailureKind::Transport, down.message.as_str()));
    assert!(down.message.contains("the key is missing") && answer.raw.contains("says the server"));
    assert_eq!((answer.tries, answer.lost_tries), (2, 1));
    let next = generator.generate(&request("a cat"), &Always).await.unwrap_err();
    assert_eq!((next, server.requests().len()), (down, 2));
}
