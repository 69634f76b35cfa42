//! Text in the form in which it is compared.

use caseless::Caseless;
use unicode_general_category::{GeneralCategory as Category, get_general_category};
use unicode_normalization::UnicodeNormalization;

/// Whether spaces part words in the language of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordSpaces {
    /// A run of white space is one space.
    Kept,
    /// Chinese, Japanese and Korean: all white space is removed, and a line is one word.
    Removed,
}

impl WordSpaces {
    /// For an ISO 639-1 code, or one that begins with it, such as `zh-Hant`: removed for `zh`, `ja` and `ko`.
    #[must_use]
    pub fn of_language(code: &str) -> Self {
        let primary = code.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "zh" | "ja" | "ko" => Self::Removed,
            _ => Self::Kept,
        }
    }

    /// For texts whose language nobody named: removed as soon as one character is Han, kana or Hangul.
    #[must_use]
    pub fn of_texts<Text: AsRef<str>>(texts: &[Text]) -> Self {
        let is_east_asian = texts.iter().any(|text| text.as_ref().nfkc().any(is_han_kana_or_hangul));
        if is_east_asian { Self::Removed } else { Self::Kept }
    }
}

fn is_han_kana_or_hangul(character: char) -> bool {
    matches!(
        character,
        '\u{1100}'..='\u{11FF}'
            | '\u{3040}'..='\u{30FF}'
            | '\u{3131}'..='\u{318E}'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7AF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3FFFF}'
    )
}

/// NFKC, then full case folding (Unicode's `CaseFolding.txt`, statuses C and F), then white space as the language has it;
/// nothing of it at the ends.
#[must_use]
pub fn normalize_text(text: &str, spaces: WordSpaces) -> String {
    let folded: String = text.nfkc().default_case_fold().collect();
    let between = match spaces {
        WordSpaces::Kept => " ",
        WordSpaces::Removed => "",
    };
    folded.split_whitespace().collect::<Vec<_>>().join(between)
}

/// The characters that are compared: those of a normalized text without its spaces.
pub(super) fn compared(normalized: &str) -> Vec<char> {
    normalized.chars().filter(|character| !character.is_whitespace()).collect()
}

/// Unicode's general categories P and S.
pub(super) fn is_punctuation_or_symbol(character: char) -> bool {
    matches!(
        get_general_category(character),
        Category::ConnectorPunctuation
            | Category::DashPunctuation
            | Category::OpenPunctuation
            | Category::ClosePunctuation
            | Category::InitialPunctuation
            | Category::FinalPunctuation
            | Category::OtherPunctuation
            | Category::MathSymbol
            | Category::CurrencySymbol
            | Category::ModifierSymbol
            | Category::OtherSymbol
    )
}

/// The share of the targets' characters, after NFKC and without white space, that a reader can give at all, in 0 to 1;
/// `None` where there is no character. Below 1 the text is not measurable with this reader: what it cannot read would
/// count as the generator's error.
#[must_use]
pub fn dictionary_coverage<Text: AsRef<str>>(targets: &[Text], knows: impl Fn(char) -> bool) -> Option<f64> {
    let characters = targets.iter().flat_map(|target| target.as_ref().nfkc());
    let (mut known, mut all) = (0_u64, 0_u64);
    for character in characters.filter(|character| !character.is_whitespace()) {
        all += 1;
        known += u64::from(knows(character));
    }
    (all > 0).then(|| known as f64 / all as f64)
}
