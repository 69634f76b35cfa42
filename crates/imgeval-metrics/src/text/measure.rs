//! The numbers of one image.

use super::{
    alignment::matched_places,
    layout::{Fragment, group_rows},
    normalize::{WordSpaces, compared, is_punctuation_or_symbol, normalize_text},
    pairing::{Pair, pair_lines},
};

/// How the text that was read answers the text that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct TextMeasures {
    /// Indices of the fragments, row by row in reading order.
    pub rows: Vec<Vec<usize>>,
    /// For each target the first and last fragment of its answer as places in reading order, both inclusive.
    pub matches: Vec<Option<[usize; 2]>>,
    /// For each target the Levenshtein distance to its answer over the longer length, in 0 to 1; 1 without an answer.
    pub line_ned: Vec<f64>,
    pub ned_mean: f64,
    /// The share of targets whose answer is equal to them, in 0 to 1.
    pub exact_lines: f64,
    /// Targets without an answer.
    pub missing_lines: usize,
    /// Characters to change over characters asked for; above 1 where more was written than asked for.
    pub cer: f64,
    /// `1 - cer`, at least 0.
    pub char_accuracy: f64,
    /// Share of the targets' words found in the answers, in 0 to 1; none if the targets have no words.
    pub word_accuracy: Option<f64>,
    /// Words in the targets; those of punctuation and symbols alone do not count.
    pub words: usize,
    /// Characters of fragments that answer no target.
    pub extra_chars: usize,
    /// Whether all targets are answered exactly and nothing else was read.
    pub exact_image: bool,
}

/// Why there are no numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextNotMeasurable {
    #[error("no line of text was requested")]
    NoTarget,
    /// The place of the line, from 0.
    #[error("line {} has no readable characters", index + 1)]
    EmptyTarget { index: usize },
    #[error("a corner of fragment {index} is not a number")]
    NoPlace { index: usize },
}

/// Compares what was read with the lines that were asked for.
///
/// # Errors
/// If there is no line, a line is empty or white space, or a fragment has a corner that is not finite.
pub fn measure_text<Text: AsRef<str>>(
    targets: &[Text],
    fragments: &[Fragment],
    spaces: WordSpaces,
) -> Result<TextMeasures, TextNotMeasurable> {
    let normalized: Vec<String> =
        targets.iter().map(|target| normalize_text(target.as_ref(), spaces)).collect();
    let lines: Vec<Vec<char>> = normalized.iter().map(|target| compared(target)).collect();
    if lines.is_empty() {
        return Err(TextNotMeasurable::NoTarget);
    }
    if let Some(index) = lines.iter().position(Vec::is_empty) {
        return Err(TextNotMeasurable::EmptyTarget { index });
    }
    let is_placed = |fragment: &Fragment| fragment.corners.iter().flatten().all(|value| value.is_finite());
    if let Some(index) = fragments.iter().position(|fragment| !is_placed(fragment)) {
        return Err(TextNotMeasurable::NoPlace { index });
    }
    let rows = group_rows(fragments);
    let row_of: Vec<usize> =
        rows.iter().enumerate().flat_map(|(row, members)| members.iter().map(move |_| row)).collect();
    let read: Vec<Vec<char>> = rows
        .iter()
        .flatten()
        .map(|index| compared(&normalize_text(&fragments[*index].text, spaces)))
        .collect();
    let pairs = pair_lines(&lines, &read, &row_of);

    let asked: usize = lines.iter().map(Vec::len).sum();
    let edits = pairs.iter().zip(&lines).map(|(pair, line)| pair.map_or(line.len(), |pair| pair.edits));
    let cer = edits.sum::<usize>() as f64 / asked as f64;
    let line_ned: Vec<f64> = pairs.iter().map(|pair| pair.map_or(1.0, |pair| pair.ned)).collect();
    let n_exact = pairs.iter().flatten().filter(|pair| pair.edits == 0).count();
    let is_answer =
        |place: usize| pairs.iter().flatten().any(|pair| (pair.first..=pair.last).contains(&place));
    let extra_chars = (0..read.len()).filter(|place| !is_answer(*place)).map(|place| read[place].len()).sum();
    let (mut words, mut right) = (0, 0);
    for ((text, line), pair) in normalized.iter().zip(&lines).zip(&pairs) {
        let (in_line, right_in_line) = count_words(text, line, *pair, &read);
        words += in_line;
        right += right_in_line;
    }
    Ok(TextMeasures {
        matches: pairs.iter().map(|pair| pair.map(|pair| [pair.first, pair.last])).collect(),
        ned_mean: line_ned.iter().sum::<f64>() / lines.len() as f64,
        line_ned,
        exact_lines: n_exact as f64 / lines.len() as f64,
        missing_lines: pairs.iter().filter(|pair| pair.is_none()).count(),
        cer,
        char_accuracy: (1.0 - cer).max(0.0),
        word_accuracy: (words > 0).then(|| f64::from(right) / f64::from(words)),
        words: words as usize,
        extra_chars,
        exact_image: n_exact == lines.len() && extra_chars == 0,
        rows,
    })
}

/// The words of a target and how many of them its answer has: all characters but punctuation and symbols matched, and nothing
/// but punctuation and symbols between them.
fn count_words(text: &str, line: &[char], pair: Option<Pair>, read: &[Vec<char>]) -> (u32, u32) {
    let answer: Vec<char> = pair.map(|pair| read[pair.first..=pair.last].concat()).unwrap_or_default();
    let places = matched_places(line, &answer);
    let (mut words, mut right, mut start) = (0, 0, 0);
    for word in text.split_whitespace() {
        let characters = start..start + word.chars().count();
        start = characters.end;
        let counted: Vec<usize> =
            characters.filter(|index| !is_punctuation_or_symbol(line[*index])).collect();
        if counted.is_empty() {
            continue;
        }
        words += 1;
        let matched: Option<Vec<usize>> = counted.iter().map(|index| places[*index]).collect();
        right += u32::from(matched.is_some_and(|matched| {
            matched.windows(2).all(|two| {
                answer[two[0] + 1..two[1]].iter().all(|character| is_punctuation_or_symbol(*character))
            })
        }));
    }
    (words, right)
}
