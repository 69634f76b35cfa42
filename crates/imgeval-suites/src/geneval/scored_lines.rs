//! Detections made elsewhere, line by line: read and scored.

use std::{
    io::{self, BufRead, Read as _},
    str::Utf8Error,
};

use serde::Serialize;

use super::{
    DetectionsError, DetectionsLine, ResultRow, Reward, Semantics, VerdictError, VerdictOptions,
    compute_reward, compute_verdict, parse_any_detections_line, parse_detections_line,
};

/// A line longer than this is no detections line (a thousand masks' worth of boxes is far shorter).
pub const MAX_LINE_BYTES: u64 = 64 << 20;

/// A row in the official format, and the rewards after it if they were asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RewardedRow {
    #[serde(flatten)]
    pub row: ResultRow,
    #[serde(flatten)]
    pub reward: Option<Reward>,
}

/// A line, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredLine {
    pub line: DetectionsLine,
    pub scored: RewardedRow,
}

/// Why a line has no row.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    #[error(transparent)]
    NotText(#[from] Utf8Error),
    #[error(transparent)]
    Detections(#[from] DetectionsError),
    #[error(transparent)]
    Verdict(#[from] VerdictError),
}

/// Why lines cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    #[error("could not read further")]
    Read(#[source] io::Error),
    /// Counted from 1.
    #[error("line {number}")]
    Line {
        number: usize,
        #[source]
        source: LineError,
    },
}

/// Reads and scores one line. With semantics, rewards are computed too, and metadata may ask for nothing.
///
/// # Errors
/// If it is not a line of detections, or a color that the verdict needs is missing.
pub fn score_detections_line(
    text: &str,
    defaults: &VerdictOptions,
    semantics: Option<Semantics>,
) -> Result<ScoredLine, LineError> {
    if text.len() as u64 >= MAX_LINE_BYTES {
        return Err(LineError::TooLong);
    }
    let line = match semantics {
        None => parse_detections_line(text, defaults),
        Some(_) => parse_any_detections_line(text, defaults),
    }?;
    let (verdict, reward) = match semantics {
        None => (compute_verdict(&line.metadata, &line.objects, &line.options)?, None),
        Some(semantics) => {
            let (verdict, reward) = compute_reward(&line.metadata, &line.objects, &line.options, semantics)?;
            (verdict, Some(reward))
        }
    };
    let row = ResultRow::new(line.filename.clone(), &line.metadata, &line.raw_metadata, &verdict);
    Ok(ScoredLine { line, scored: RewardedRow { row, reward } })
}

/// The lines of a reader, scored one after the other; blank ones are passed over.
pub struct ScoredLines<Reader> {
    reader: Reader,
    defaults: VerdictOptions,
    semantics: Option<Semantics>,
    number: usize,
    line: Vec<u8>,
}

impl<Reader: BufRead> ScoredLines<Reader> {
    pub fn new(reader: Reader, defaults: VerdictOptions, semantics: Option<Semantics>) -> Self {
        Self { reader, defaults, semantics, number: 0, line: Vec::new() }
    }

    /// Reads a line into the buffer; `false` at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut limited = self.reader.by_ref().take(MAX_LINE_BYTES);
        let n_bytes = limited.read_until(b'\n', &mut self.line)?;
        self.number += 1;
        Ok(n_bytes > 0)
    }

    fn score(&self) -> Result<Option<ScoredLine>, LineError> {
        if self.line.len() as u64 >= MAX_LINE_BYTES {
            return Err(LineError::TooLong);
        }
        let text = std::str::from_utf8(&self.line)?;
        let text = if self.number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        if text.trim().is_empty() {
            return Ok(None);
        }
        score_detections_line(text, &self.defaults, self.semantics).map(Some)
    }
}

impl<Reader: BufRead> Iterator for ScoredLines<Reader> {
    type Item = Result<ScoredLine, LinesError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(LinesError::Read(error))),
            }
            let number = self.number;
            let scored = self.score().map_err(|source| LinesError::Line { number, source });
            if let Some(scored) = scored.transpose() {
                return Some(scored);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"metadata": {"tag": "single_object", "include": [{"class": "cow", "count": 1}], "prompt": "a photo of a cow"}, "width": 64, "height": 64, "objects": [{"class": "cow", "score": 0.5, "box": [1, 2, 3, 4]}]}"#;

    #[test]
    fn blank_lines_count_and_give_no_row() {
        let text = format!("\u{feff}{LINE}\n\n  \n{LINE}\nnonsense\n");
        let mut lines = ScoredLines::new(text.as_bytes(), VerdictOptions::default(), None);
        for _ in 0..2 {
            assert!(lines.next().unwrap().unwrap().scored.row.correct);
        }
        let error = lines.next().unwrap().unwrap_err();
        assert!(matches!(error, LinesError::Line { number: 5, source: LineError::Detections(_) }), "{error}");
        assert!(lines.next().is_none());
    }

    #[test]
    fn rewards_follow_the_row_where_they_are_asked_for() {
        let scored = |semantics| {
            let line = score_detections_line(LINE, &VerdictOptions::default(), semantics).unwrap();
            serde_json::to_value(&line.scored).unwrap()
        };
        assert_eq!(scored(None).get("reward"), None);
        assert_eq!(scored(Some(Semantics::Exact))["reward"], 1.0);
    }
}
