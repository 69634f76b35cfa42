//! Local programs: each in a process group of its own, so that all that it started can be ended with it. Without process
//! groups (Windows), only the program itself is ended.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    io,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use imgeval_core::{Cost, ProviderDown, Usd, visible};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
};

/// How much of what a program writes is kept.
pub(super) const KEPT_BYTES: usize = 64 * 1024;

/// No image file larger than this is read.
pub(super) const MAX_IMAGE_BYTES: u64 = 256 * 1024 * 1024;

/// How long a pipe may stay open after its program ended, held by something that it left behind.
const PIPE_GRACE: Duration = Duration::from_millis(500);

/// What local work costs.
pub(super) fn local_cost() -> Cost {
    Cost { amount: Usd::ZERO, basis: "local".to_owned() }
}

/// The last bytes that were written.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = &bytes[bytes.len().saturating_sub(KEPT_BYTES)..];
        let surplus = (kept.len() + bytes.len()).saturating_sub(KEPT_BYTES);
        kept.drain(..surplus);
        kept.extend(bytes);
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (front, back) = kept.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).into_owned()
    }

    /// The last line that says something, short and fit for a terminal.
    pub(super) fn last_line(&self) -> Option<String> {
        const SHOWN_CHARACTERS: usize = 200;
        let text = self.text();
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        let shown: String = line.chars().take(SHOWN_CHARACTERS).collect();
        Some(visible(&shown))
    }
}

/// A running program; dropped, it and its descendants are killed.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) child: Child,
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    /// # Errors
    /// The system's error.
    pub(super) fn start(program: &str, arguments: &[impl AsRef<OsStr>], stdin: Stdio) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        #[cfg(unix)]
        let leader =
            child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        Ok(Self {
            child,
            #[cfg(unix)]
            leader,
        })
    }

    /// Ends the program. What it started goes on.
    #[cfg(not(unix))]
    pub(super) fn kill(&mut self) {
        // Fails only where the program has ended.
        self.child.start_kill().ok();
    }

    /// Ends it and everything that it started and that did not leave its group.
    #[cfg(unix)]
    pub(super) fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            // Fails only where nothing of the group is left.
            rustix::process::kill_process_group(leader, rustix::process::Signal::KILL).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Keeps the end of what comes through a pipe.
pub(super) fn keep_tail<R: AsyncRead + Unpin + Send + 'static>(
    mut pipe: R,
    tails: Vec<Tail>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut buffer = vec![0; 8 * 1024];
        while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
            tails.iter().for_each(|tail| tail.push(&buffer[..length]));
        }
    })
}

/// Waits for the rest of what an ended program wrote.
pub(super) async fn finish(mut reader: JoinHandle<()>) {
    if tokio::time::timeout(PIPE_GRACE, &mut reader).await.is_err() {
        reader.abort();
    }
}

/// `exit code 3` or `signal 9`.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), signal(status)) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

/// A program that cannot be started; going on is pointless.
pub(super) fn not_startable(program: &str, error: &io::Error) -> ProviderDown {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "install it, add its folder to PATH, or give its path",
        io::ErrorKind::PermissionDenied => "make it executable (chmod +x), or name its interpreter first",
        _ => "check whether it runs by hand",
    };
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "no such program".to_owned(),
        _ => error.to_string(),
    };
    ProviderDown {
        message: format!("could not start `{}`: {reason}", visible(program)),
        hint: hint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let tail = Tail::default();
        tail.push(&vec![b'a'; KEPT_BYTES]);
        tail.push(b"\nlast \x1b[1m line\n\n");
        assert_eq!(tail.text().len(), KEPT_BYTES);
        assert_eq!(tail.last_line().unwrap(), "last \\u{1b}[1m line");
        tail.push(&vec![b'b'; 3 * KEPT_BYTES]);
        assert_eq!(tail.text(), "b".repeat(KEPT_BYTES));
    }
}
