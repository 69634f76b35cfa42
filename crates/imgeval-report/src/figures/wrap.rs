//! Text broken into lines by the widths of its characters.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::font::width_of;
use crate::plain::plain;

const ELLIPSIS: &str = "\u{2026}";

/// Wraps into at most this many lines of at most this width; text that does not fit ends with an ellipsis. Line ends
/// count as spaces; other control characters and direction marks are escaped. There is always a first line, even if
/// empty.
pub(super) fn wrap(text: &str, size: f64, width: f64, max_lines: usize) -> Vec<String> {
    let mut lines = Lines { done: Vec::new(), line: String::new(), filled: 0.0 };
    for token in tokens(&one_line(text)) {
        // A space at the end of a line takes no room.
        let needed = width_of(token.trim_end(), size);
        if lines.filled + needed > width && !lines.line.is_empty() {
            lines.break_line();
        }
        if needed <= width {
            lines.push(&token, size);
        } else {
            for grapheme in token.graphemes(true) {
                if lines.filled + width_of(grapheme, size) > width
                    && !lines.line.is_empty()
                    && grapheme != " "
                {
                    lines.break_line();
                }
                lines.push(grapheme, size);
            }
        }
        // A text may be far longer than what is shown of it.
        if lines.done.len() >= max_lines {
            break;
        }
    }
    let is_cut = lines.done.len() >= max_lines && !lines.line.trim().is_empty();
    lines.break_line();
    let mut lines = lines.done;
    if is_cut {
        lines.truncate(max_lines.max(1));
        if let Some(last) = lines.last_mut() {
            *last = with_ellipsis(last, size, width);
        }
    }
    lines
}

struct Lines {
    done: Vec<String>,
    line: String,
    /// Width of the line so far.
    filled: f64,
}

impl Lines {
    fn push(&mut self, text: &str, size: f64) {
        self.line.push_str(text);
        self.filled += width_of(text, size);
    }

    fn break_line(&mut self) {
        self.done.push(self.line.trim().to_owned());
        self.line.clear();
        self.filled = 0.0;
    }
}

/// The whole text on one line, made plain.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().map(plain).collect::<Vec<_>>().join(" ")
}

/// One line.
pub(super) fn fit(text: &str, size: f64, width: f64) -> String {
    wrap(text, size, width, 1).swap_remove(0)
}

/// Words with the space after them. A long one may also be broken after a joining sign, and Chinese, Japanese and Korean
/// anywhere.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    for grapheme in text.graphemes(true) {
        let is_wide = grapheme.width() > 1;
        if is_wide && !token.is_empty() {
            tokens.push(std::mem::take(&mut token));
        }
        token.push_str(grapheme);
        if is_wide || matches!(grapheme, " " | "/" | "-" | "_" | "," | ":") {
            tokens.push(std::mem::take(&mut token));
        }
    }
    tokens.push(token);
    tokens
}

fn with_ellipsis(line: &str, size: f64, width: f64) -> String {
    let mut graphemes: Vec<&str> = line.graphemes(true).collect();
    loop {
        let text = format!("{}{ELLIPSIS}", graphemes.concat().trim_end());
        if graphemes.is_empty() || width_of(&text, size) <= width {
            return text;
        }
        graphemes.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, width: f64, max_lines: usize, expected: &[&str]) {
        let lines = wrap(text, 10.0, width, max_lines);
        assert_eq!(lines, expected);
        assert!(lines.iter().all(|line| width_of(line, 10.0) <= width), "{lines:?}");
    }

    #[test]
    fn lines_break_at_words_and_end_with_an_ellipsis() {
        check("a photo of a cat", 50.0, 9, &["a photo", "of a cat"]);
        check("a photo of a cat and a dog", 50.0, 2, &["a photo", "of a cat\u{2026}"]);
        check("", 50.0, 2, &[""]);
    }

    #[test]
    fn words_without_spaces_break_where_they_must() {
        check("mmmmmmmmmm", 35.0, 9, &["mmm", "mmm", "mmm", "m"]);
        check("runs/first-try", 40.0, 9, &["runs/", "first-try"]);
        check("一张猫的照片", 35.0, 2, &["一张猫", "的照片"]);
        check("👩‍👩‍👧👩‍👩‍👧", 30.0, 2, &["👩‍👩‍👧", "👩‍👩‍👧"]);
    }

    #[test]
    fn marks_of_direction_do_not_turn_the_line() {
        check("a\u{202e}b\nc", 200.0, 1, &["a\\u{202e}b c"]);
    }
}
