//! Which replies are kept in full, and their compression.

use imgeval_core::WholeReply;
use imgeval_store::KeptReply;
use tokio::task::spawn_blocking;

/// Shorter texts are compressed at once.
const SHORT_BYTES: usize = 64 << 10;

/// The reply to store for a call: the last one if its image or text is not stored or it contains more, otherwise an
/// earlier one that may have been billed.
pub(super) fn choose_reply(
    is_stored: bool,
    whole: Option<WholeReply>,
    unused: Option<WholeReply>,
) -> Option<WholeReply> {
    let whole = whole.filter(|whole| !is_stored || whole.has_more);
    match (whole, unused) {
        (Some(whole), Some(unused)) if !whole.is_success() && unused.is_success() => Some(unused),
        (whole, unused) => whole.or(unused),
    }
}

/// Compresses a reply; its memory is free again afterwards.
pub(super) async fn keep(reply: Option<WholeReply>) -> Option<KeptReply> {
    let reply = reply?;
    let pack = |reply: WholeReply| KeptReply::pack(reply.status, &reply.into_text());
    if reply.n_bytes() <= SHORT_BYTES {
        return Some(pack(reply));
    }
    spawn_blocking(move || pack(reply)).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_may_have_been_paid_for_is_kept_before_one_that_says_no() {
        let reply = |status: u16| Some(WholeReply::new(status, status.to_string()));
        let more = || reply(200).map(|reply| reply.announcing(true));
        let check = |is_stored, whole, unused, expected: Option<(u16, bool)>| {
            let chosen = choose_reply(is_stored, whole, unused);
            assert_eq!(chosen.map(|reply| (reply.status, reply.has_more)), expected);
        };
        check(false, reply(200), None, Some((200, false)));
        check(false, reply(200), reply(201), Some((200, false)));
        check(false, reply(500), reply(200), Some((200, false)));
        check(false, reply(500), reply(503), Some((500, false)));
        check(false, None, reply(200), Some((200, false)));
        check(true, reply(200), None, None);
        check(true, reply(200), reply(201), Some((201, false)));
        check(true, more(), None, Some((200, true)));
        check(true, None, None, None);
    }
}
