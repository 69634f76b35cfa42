//! Bodies of requests, which are bounded one by one and all together.

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, extract::Request, http::header};
use futures_util::StreamExt as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::wires::Refusal;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
/// So many of the largest bodies may be in memory.
const LARGEST_BODIES: usize = 4;
const PERMIT_BYTES: usize = 1024;

pub(super) struct Bodies {
    max_bytes: usize,
    /// A permit for each [`PERMIT_BYTES`] that have arrived: a body that is sent half holds no more than its half.
    room: Arc<Semaphore>,
}

/// A body, which counts until it is dropped.
pub(super) struct ReadBody {
    bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

impl ReadBody {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(super) fn new(max_bytes: usize) -> Self {
        let permits = max_bytes.saturating_mul(LARGEST_BODIES).div_ceil(PERMIT_BYTES);
        let room = Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS));
        Self { max_bytes, room: Arc::new(room) }
    }

    pub(super) async fn read(&self, request: Request) -> Result<ReadBody, Refusal> {
        let too_large =
            || Refusal { status: 413, sentence: format!("the body is larger than {} bytes", self.max_bytes) };
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length: Option<usize> = length.and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length| length > self.max_bytes) {
            return Err(too_large());
        }
        let mut stream = request.into_body().into_data_stream();
        let (mut bytes, mut room) = (Vec::new(), None::<OwnedSemaphorePermit>);
        let deadline = Instant::now() + BODY_TIMEOUT;
        loop {
            let late = |_| Refusal { status: 408, sentence: "the body took too long to arrive".to_owned() };
            let Some(part) = timeout_at(deadline, stream.next()).await.map_err(late)? else { break };
            let part: Bytes = part.map_err(|_| Refusal::bad_request("the body broke off"))?;
            if bytes.len() + part.len() > self.max_bytes {
                return Err(too_large());
            }
            let before = bytes.len().div_ceil(PERMIT_BYTES);
            bytes.extend_from_slice(&part);
            let permits = (bytes.len().div_ceil(PERMIT_BYTES) - before).try_into().unwrap_or(u32::MAX);
            let more = Arc::clone(&self.room).try_acquire_many_owned(permits);
            let more = more.map_err(|_| super::busy("the bodies of other requests fill the memory"))?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
        }
        Ok(ReadBody { bytes, _room: room })
    }
}
