//! OpenAI's CLIP tokenizer as `open_clip` 2.20 runs it: text cleaning, lower case, byte-level BPE, 77 ids.
//!
//! The vocabulary and the merging come from `instant-clip-tokenizer`, which ships OpenAI's `bpe_simple_vocab_16e6`; the
//! cleaning (ftfy, HTML entities, white space) is ours. Two things differ. ftfy also repairs *mojibake*, text that was
//! decoded with the wrong encoding; here such text gets the ids of what stands there. And an apostrophe before a long s
//! (`ſ`) is not taken for the ending `'s`, as Python's case-insensitive pattern takes it.

mod cleaning;
mod html;
mod windows_1252;

use instant_clip_tokenizer as bpe;

/// Ids of every text, start and end included.
pub const CONTEXT_LENGTH: usize = 77;

/// Rows of a token embedding.
pub const VOCABULARY_SIZE: usize = 49_408;

/// Longer texts are cut before they are cleaned. Far beyond what 77 ids can hold, so it matters only to texts whose first
/// 16 KiB are nearly all white space or control characters, and it bounds the time that hostile ones take.
const MAX_TEXT_BYTES: usize = 1 << 14;

pub struct Tokenizer {
    bpe: bpe::Tokenizer,
}

impl Tokenizer {
    /// Takes some tens of milliseconds: keep it.
    #[must_use]
    pub fn new() -> Self {
        Self { bpe: bpe::Tokenizer::new() }
    }

    /// The [`CONTEXT_LENGTH`] ids of a text: 49406, the text's, 49407, then zeros. A text that is too long loses its last ids,
    /// never the end mark.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.encode_cleaned(&cleaning::clean(shortened(text)))
    }

    /// As transformers' `CLIPTokenizerFast` with `truncation`: no repairs, only NFC, white space and lower case. That one fills up with
    /// end marks instead of zeros, which no embedding sees.
    #[must_use]
    pub fn encode_unrepaired(&self, text: &str) -> Vec<u32> {
        self.encode_cleaned(&cleaning::normalize(shortened(text)))
    }

    /// As [`Self::encode`], but nothing is cut off.
    ///
    /// # Errors
    /// If the text has more than [`CONTEXT_LENGTH`] ids, start and end included: how many there are, of a text of more than 16 KiB at
    /// least.
    pub fn encode_whole(&self, text: &str) -> Result<Vec<u32>, usize> {
        let cleaned = cleaning::clean(shortened(text));
        let count = self.tokens(&cleaned).len() + 1;
        let is_cut = text.len() > shortened(text).len();
        if count > CONTEXT_LENGTH || is_cut {
            return Err(count);
        }
        Ok(self.encode_cleaned(&cleaned))
    }

    /// The start mark and the text's own ids.
    fn tokens(&self, cleaned: &str) -> Vec<bpe::Token> {
        let mut tokens = vec![self.bpe.start_of_text()];
        self.bpe.encode(cleaned, &mut tokens);
        tokens
    }

    fn encode_cleaned(&self, text: &str) -> Vec<u32> {
        let mut tokens = self.tokens(text);
        tokens.truncate(CONTEXT_LENGTH - 1);
        tokens.push(self.bpe.end_of_text());
        let mut ids: Vec<u32> = tokens.into_iter().map(|token| token.to_u16().into()).collect();
        ids.resize(CONTEXT_LENGTH, 0);
        ids
    }
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

impl Default for Tokenizer {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tokenizer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_take_bounded_time_and_keep_the_end_mark() {
        let tokenizer = Tokenizer::new();
        for text in [
            "ab".repeat(1 << 19),
            "&amp;".repeat(1 << 18),
            format!("&{}", "amp;".repeat(1 << 18)),
            "é".repeat(1 << 19),
        ] {
            let ids = tokenizer.encode(&text);
            assert_eq!((ids.len(), ids[0]), (CONTEXT_LENGTH, 49_406));
            assert!(ids.contains(&49_407));
        }
    }

    #[test]
    fn whole_texts_are_those_of_77_ids_at_most() {
        let tokenizer = Tokenizer::new();
        let fitting = "bench ".repeat(75);
        assert_eq!(tokenizer.encode_whole(&fitting).unwrap(), tokenizer.encode(&fitting));
        assert_eq!(tokenizer.encode_whole(&"bench ".repeat(76)), Err(78));
        assert!(tokenizer.encode_whole(&" ".repeat(MAX_TEXT_BYTES + 1)).is_err());
    }

    #[test]
    fn misdecoded_text_is_not_repaired() {
        let tokenizer = Tokenizer::new();
        // FIXME: ftfy makes "café" of it.
        assert_ne!(tokenizer.encode("cafÃ©"), tokenizer.encode("café"));
    }
}
