//! Text cleaning before CLIP's BPE: `ftfy.fix_text`, `html.unescape` twice, white space collapsed, lower case.
//!
//! Of ftfy 6.3's fixes all are here but the repair of wrongly decoded text: HTML entities, C1 controls read as Windows-1252,
//! Latin ligatures, full and half width, curly quotes, line breaks, terminal escapes, control characters, NFC. Lone
//! surrogates cannot occur in a `str`. The fixes are repeated, as there, until they change nothing.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::{html, windows_1252::windows_1252};

/// The text as the BPE reads it.
pub(super) fn clean(text: &str) -> String {
    let fixed = fix_text(text);
    let once = html::unescape(&fixed);
    let unescaped = html::unescape(&once);
    let words: Vec<&str> = unescaped.split(is_space).filter(|word| !word.is_empty()).collect();
    // Python's case-insensitive pattern sees the combining iota neither as a letter nor as anything else, and drops it.
    words.join(" ").to_lowercase().replace('\u{345}', " ")
}

/// What transformers' fast tokenizer does before the BPE: its marks are taken for marks, canonical composition, runs of white
/// space as one space, lower case character by character.
pub(super) fn normalize(text: &str) -> String {
    /// Our BPE's names of the marks, and transformers'.
    const MARKS: [(&str, &str); 2] =
        [("<start_of_text>", "<|startoftext|>"), ("<end_of_text>", "<|endoftext|>")];
    let composed: String = text.nfc().collect();
    let words = composed.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = |text: &str| {
        let mut lower: String = text.chars().flat_map(char::to_lowercase).collect();
        for (ours, _) in MARKS {
            // Plain text there; the space splits where the BPE would split anyway.
            lower = lower.replace(ours, &ours.replace('<', "< "));
        }
        lower
    };
    let between_ends = |text: &str| {
        let parts: Vec<String> = text.split(MARKS[1].1).map(plain).collect();
        parts.join(MARKS[1].0)
    };
    words.split(MARKS[0].1).map(between_ends).collect::<Vec<_>>().join(MARKS[0].0)
}

/// What Python's `str.split` splits at.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Line by line; once a line holds a `<`, entities are taken for markup from there on.
fn fix_text(text: &str) -> String {
    let mut is_markup = false;
    text.split_inclusive('\n')
        .map(|line| {
            is_markup |= line.contains('<');
            fix_line(line, is_markup)
        })
        .collect()
}

fn fix_line(line: &str, is_markup: bool) -> String {
    let mut text = line.to_owned();
    loop {
        let unescaped =
            if is_markup { Cow::Borrowed(text.as_str()) } else { html::unescape_unambiguous(&text) };
        let mut replaced = String::with_capacity(unescaped.len());
        for character in unescaped.chars() {
            replace_character(character, &mut replaced);
        }
        let replaced = replaced.replace("\r\n", "\n").replace('\r', "\n");
        let fixed: String = remove_terminal_escapes(&replaced)
            .chars()
            .filter(|character| !is_unwanted(*character))
            .nfc()
            .collect();
        if fixed == text {
            return text;
        }
        text = fixed;
    }
}

/// ftfy's replacements of single characters, one after the other.
fn replace_character(character: char, target: &mut String) {
    let character = windows_1252(character);
    if let Some(letters) = split_ligature(character) {
        target.push_str(letters);
        return;
    }
    match character {
        '\u{3000}' => target.push(' '),
        '\u{ff01}'..='\u{ffef}' => target.extend(std::iter::once(character).nfkc().map(straighten)),
        _ => target.push(straighten(character)),
    }
}

/// Curly quotes become straight, odd line breaks plain.
fn straighten(character: char) -> char {
    match character {
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
        _ => character,
    }
}

/// Latin ligatures and digraphs that stand for two letters by accident of typography or encoding; `æ` is not one.
fn split_ligature(character: char) -> Option<&'static str> {
    Some(match character {
        'Ĳ' => "IJ",
        'ĳ' => "ij",
        'ŉ' => "'n", // by way of U+02BC, which is then straightened
        'Ǳ' => "DZ",
        'ǲ' => "Dz",
        'ǳ' => "dz",
        'Ǆ' => "DŽ",
        'ǅ' => "Dž",
        'ǆ' => "dž",
        'Ǉ' => "LJ",
        'ǈ' => "Lj",
        'ǉ' => "lj",
        'Ǌ' => "NJ",
        'ǋ' => "Nj",
        'ǌ' => "nj",
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' => "ſt",
        'ﬆ' => "st",
        _ => return None,
    })
}

/// Without sequences such as `ESC [ 31 ; 1 m`.
fn remove_terminal_escapes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        let (before, sequence) = rest.split_at(start);
        kept.push_str(before);
        let parameters = &sequence[2..];
        let end = parameters.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = match end.chars().next() {
            Some(letter) if letter.is_ascii_alphabetic() => &end[1..],
            _ => {
                kept.push_str("\u{1b}[");
                parameters
            }
        };
    }
    kept.push_str(rest);
    kept
}

/// ASCII controls but tab, line feed, form feed and carriage return; deprecated Arabic controls; annotation and object marks;
/// the byte order mark.
fn is_unwanted(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{8}'
            | '\u{b}'
            | '\u{e}'..='\u{1f}'
            | '\u{7f}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffc}'
    )
}
