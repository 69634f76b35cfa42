//! Text made shorter, or broken into lines, by the columns that it takes on a terminal.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

const ELLIPSIS: &str = "\u{2026}";

/// What becomes of a word that is longer than a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LongWords {
    /// They are broken, since nothing may stand beyond the column.
    Break,
    /// They stay whole, so that an address or a hash can be copied.
    Keep,
}

/// The text with its middle left out, at most `width` columns wide. The end stays because names often differ there.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(ELLIPSIS.width()) else { return String::new() };
    let end = take_width(text.graphemes(true).rev(), room / 3);
    let start = take_width(text.graphemes(true), room - end.concat().width());
    let end: String = end.into_iter().rev().collect();
    start.concat() + ELLIPSIS + &end
}

fn take_width<'a>(graphemes: impl Iterator<Item = &'a str>, width: usize) -> Vec<&'a str> {
    let mut taken = 0;
    graphemes
        .take_while(|grapheme| {
            taken += grapheme.width();
            taken <= width
        })
        .collect()
}

/// The text in lines of at most `width` columns, broken between words; further lines are indented as the first.
pub(super) fn wrap(text: &str, width: usize, long_words: LongWords) -> Vec<String> {
    if text.width() <= width {
        return vec![text.to_owned()];
    }
    let words = text.trim_start_matches(' ');
    let indent = &text[..text.len() - words.len()];
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    for word in words.split(' ').filter(|word| !word.is_empty()) {
        if line.len() > indent.len() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        if long_words == LongWords::Keep || line.width() + word.width() <= width {
            line.push_str(word);
            continue;
        }
        for grapheme in word.graphemes(true) {
            if line.len() > indent.len() && line.width() + grapheme.width() > width {
                lines.push(std::mem::replace(&mut line, indent.to_owned()));
            }
            line.push_str(grapheme);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_stays_as_it_is() {
        assert_eq!(shorten("color_attr", 10), "color_attr");
        assert_eq!(wrap("  two  words", 12, LongWords::Break), ["  two  words"]);
    }

    #[test]
    fn the_middle_of_a_long_name_is_left_out() {
        assert_eq!(shorten("runs/2026-11/flux-a", 13), "runs/202\u{2026}ux-a");
        assert_eq!(shorten("abc", 1), "\u{2026}");
        assert_eq!(shorten("abc", 0), "");
    }

    #[test]
    fn wide_characters_count_twice_and_combined_ones_stay_together() {
        assert_eq!(shorten("\u{732b}\u{732b}\u{732b}", 5), "\u{732b}\u{732b}\u{2026}");
        let family = "e\u{301}".repeat(4);
        assert_eq!(shorten(&family, 3), format!("e\u{301}e\u{301}{ELLIPSIS}"));
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("a judge said so", 8, LongWords::Break), ["a judge", "said so"]);
        assert_eq!(wrap("  a judge said", 9, LongWords::Break), ["  a judge", "  said"]);
        assert_eq!(wrap("sha 0123456789", 6, LongWords::Break), ["sha", "012345", "6789"]);
        assert_eq!(wrap("sha 0123456789", 6, LongWords::Keep), ["sha", "0123456789"]);
        assert_eq!(wrap("", 0, LongWords::Break), [""]);
    }
}
