//! A table before it takes the form of text, Markdown or LaTeX. All strings are as they came; renderings escape.

use super::terminal::Tone;

/// Placeholder for a missing value.
pub(super) const NO_VALUE: &str = "\u{2014}";

#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) title: String,
    /// The first column holds names, all others numbers unless they are among [`Self::words`].
    pub(super) header: Vec<String>,
    /// Places of columns that hold words.
    pub(super) words: Vec<usize>,
    pub(super) sections: Vec<Section>,
    /// What numbers on row names refer to; the first is 1.
    pub(super) footnotes: Vec<String>,
    /// What it means to be the best of a column; empty if none is marked.
    pub(super) best_rule: &'static str,
    /// Sentences under the table.
    pub(super) below: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Section {
    /// Empty if there is no heading.
    pub(super) heading: String,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) name: String,
    /// Numbers of footnotes, counted from 1.
    pub(super) footnotes: Vec<usize>,
    /// Whether the first footnote is a reservation about the row, such as a score that is not comparable.
    pub(super) has_note: bool,
    pub(super) entries: Vec<Entry>,
}

/// One number with what stands small beside it.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) value: String,
    pub(super) is_best: bool,
    pub(super) interval: Option<(String, String)>,
    /// First and last.
    pub(super) rank: Option<(usize, usize)>,
    /// Shown as a color, where there are colors.
    pub(super) tone: Tone,
}

impl Entry {
    pub(super) fn of(value: impl Into<String>) -> Self {
        Self { value: value.into(), ..Self::default() }
    }

    pub(super) fn none() -> Self {
        Self::of(NO_VALUE)
    }

    /// `2`, or `1-3` where the order is within the noise, with the given sign between.
    pub(super) fn rank_text(&self, between: &str) -> Option<String> {
        self.rank.map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}{between}{last}"),
        })
    }
}

impl Sheet {
    /// The number of the footnote, which is added if it is new.
    pub(super) fn footnote(&mut self, text: &str) -> usize {
        if let Some(place) = self.footnotes.iter().position(|known| known == text) {
            return place + 1;
        }
        self.footnotes.push(text.to_owned());
        self.footnotes.len()
    }
}

/// The text as a sentence: a capital first, a full stop last.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.trim().chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    ended(&(first + characters.as_str()))
}

/// The text with a full stop, unless it ends with one or is empty.
pub(super) fn ended(text: &str) -> String {
    let is_open = text.chars().last().is_some_and(|last| !matches!(last, '.' | '!' | '?'));
    if is_open { format!("{text}.") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_sentences() {
        assert_eq!(sentence("not known: why"), "Not known: why.");
        assert_eq!(sentence("Known."), "Known.");
        assert_eq!(sentence(""), "");
    }
}
