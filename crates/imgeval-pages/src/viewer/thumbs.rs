//! Thumbnails that were asked for, kept up to a limit; the oldest goes first.

use std::collections::{BTreeMap, VecDeque};

/// About four thousand thumbnails.
const MAX_BYTES: usize = 64 << 20;

#[derive(Debug, Default)]
pub(super) struct Thumbs {
    by_hash: BTreeMap<String, Vec<u8>>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Thumbs {
    pub(super) fn get(&self, hash: &str) -> Option<Vec<u8>> {
        self.by_hash.get(hash).cloned()
    }

    pub(super) fn keep(&mut self, hash: &str, thumb: &[u8]) {
        if self.by_hash.insert(hash.to_owned(), thumb.to_vec()).is_some() {
            return;
        }
        self.order.push_back(hash.to_owned());
        self.bytes += thumb.len();
        while self.bytes > MAX_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.by_hash.remove(&oldest).map_or(0, |thumb| thumb.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_there_is_no_more_room() {
        let mut thumbs = Thumbs::default();
        let third = vec![7; MAX_BYTES / 3];
        for hash in ["a", "b", "c", "c"] {
            thumbs.keep(hash, &third);
        }
        assert!(["a", "b", "c"].iter().all(|hash| thumbs.get(hash).is_some()));
        thumbs.keep("d", &third);
        assert_eq!(thumbs.get("a"), None);
        assert_eq!(thumbs.get("d"), Some(third));
        assert!(thumbs.bytes <= MAX_BYTES);
    }
}
