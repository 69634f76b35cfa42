//! From a judge's words to scores. Pure, in time linear in the reply's length; nothing is guessed, and a missing score
//! is never zero. The accepted forms stand in docs/judge-replies.md, which a test checks.

mod edit_scores;
mod wise;

/// How far a parser follows the official one where that accepts what a strict reader would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Takes what the official parser takes, and says in the notes where that is dangerous.
    Official,
    /// Refuses what [`Strictness::Official`] would take with a note.
    Strict,
}

/// The form of a reply, its parser and its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyFormat {
    /// Three labelled digits from 0 to 2; the value is the WiScore.
    WiseLegacy(Strictness),
    /// One labelled digit, 0 or 1.
    WiseVerified(Strictness),
    /// A JSON object with two numbers from 0 to 10; the value is a tenth of the smaller.
    EditScores,
}

impl ReplyFormat {
    pub const ALL: [Self; 5] = [
        Self::WiseLegacy(Strictness::Strict),
        Self::WiseLegacy(Strictness::Official),
        Self::WiseVerified(Strictness::Strict),
        Self::WiseVerified(Strictness::Official),
        Self::EditScores,
    ];
    /// For messages.
    pub const NAMES: &str =
        "wise-legacy, wise-legacy-official, wise-verified, wise-verified-official and edit-scores";

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WiseLegacy(Strictness::Strict) => "wise-legacy",
            Self::WiseLegacy(Strictness::Official) => "wise-legacy-official",
            Self::WiseVerified(Strictness::Strict) => "wise-verified",
            Self::WiseVerified(Strictness::Official) => "wise-verified-official",
            Self::EditScores => "edit-scores",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Names of the values in their order, each with its largest score; the smallest is 0.
    #[must_use]
    pub fn scale(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::WiseLegacy(_) => &[("consistency", 2.0), ("realism", 2.0), ("aesthetic_quality", 2.0)],
            Self::WiseVerified(_) => &[("score", 1.0)],
            Self::EditScores => &[("instruction", 10.0), ("preservation", 10.0)],
        }
    }

    /// # Errors
    /// If the reply does not hold a score in one of the accepted forms.
    pub fn parse(self, reply: &str) -> Result<Scores, Unparsed> {
        match self {
            Self::WiseLegacy(strictness) => wise::parse_legacy(reply, strictness),
            Self::WiseVerified(strictness) => wise::parse_verified(reply, strictness),
            Self::EditScores => edit_scores::parse(reply),
        }
    }
}

/// What a reply says.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// In the order of [`ReplyFormat::scale`].
    pub values: Vec<(&'static str, f64)>,
    /// The sample's value, in [0, 1].
    pub value: f64,
    /// Where the official parser was followed against better knowledge; each begins with `dangerous: `.
    pub notes: Vec<String>,
}

/// A reply that holds no score in an accepted form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unparsed {
    /// In a few words, without the reply's text.
    pub reason: String,
}

fn unparsed<T>(reason: impl Into<String>) -> Result<T, Unparsed> {
    Err(Unparsed { reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// The table of forms in the documentation, as the parsers see it: format, reply, what becomes of it.
    const FORMS: &[(ReplyFormat, &str)] = &[
        (LEGACY, "Consistency: 2\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "**Consistency**: 2, **Realism**: 1, **Aesthetic Quality**: 0"),
        (LEGACY, "consistency：２ realism：１ AESTHETIC QUALITY：０"),
        (LEGACY, "The image fits. Consistency: 2. Realism: 1. Aesthetic Quality: 0."),
        (LEGACY, "Consistency: 2/2\nRealism: 1/2\nAesthetic Quality: 0/2"),
        (LEGACY, "2\n1\n0"),
        (LEGACY, "Consistency 2\nRealism 1\nAesthetic Quality 0"),
        (LEGACY, "Consistency: 1.5\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "Consistency: 10\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "Consistency: 0-2\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "Consistency: 2/10\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "Consistency: 1\nRealism: 1\nAesthetic Quality: 0\nOn second thought, Consistency: 2"),
        (LEGACY, "Inconsistency: 2\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "Consistency:\n2\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "Consistency: ٢\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "Consistency: 3\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "Consistency: 2\nRealism: 1"),
        (LEGACY, "**Consistency:** 2\n**Realism:** 1\n**Aesthetic Quality:** 0"),
        (LEGACY, "Consistency (0-2): 2\nRealism (0-2): 1\nAesthetic Quality (0-2): 0"),
        (LEGACY, "Consistency: -1\nRealism: 1\nAesthetic Quality: 0"),
        (LEGACY, "2 1 0"),
        (LEGACY, "2\n1\n3"),
        (LEGACY, "I'm sorry, I can't help with that."),
        (VERIFIED, "Score: 1"),
        (VERIFIED, "**Score**: 0"),
        (VERIFIED, "score：１"),
        (VERIFIED, "1"),
        (VERIFIED, "<think>Score: 0?</think>Score: 1"),
        (VERIFIED, "Score: 1/1"),
        (VERIFIED, "Score 1"),
        (VERIFIED, "Score: 0.5"),
        (VERIFIED, "Score: 0 or 1"),
        (VERIFIED, "Score: 0\nScore: 1"),
        (VERIFIED, "WiScore: 1"),
        (VERIFIED, "Score: 10"),
        (VERIFIED, "Score: 2"),
        (VERIFIED, "**Score:** 1"),
        (VERIFIED, "<think>Score: 1"),
        (VERIFIED, "1\n0"),
        (VERIFIED, "yes"),
        (EDIT, r#"{"score": [8, 9.5], "reasoning": "fits"}"#),
        (EDIT, "```json\n{\"score\": [8, 9], \"reasoning\": \"fits\"}\n```"),
        (EDIT, r#"Here it is: {"score": [8, 9], "reasoning": "fits"}. Anything else?"#),
        (EDIT, r#"{"score": [8, 9]}"#),
        (EDIT, r#"{"score": [8, 9]} or, to be exact, {"score": [8, 7]}"#),
        (EDIT, r#"{"score": [8, 9], "score": [8, 7]}"#),
        (EDIT, r#"{"score": [8, 11]}"#),
        (EDIT, r#"{"score": ["8", 9]}"#),
        (EDIT, r#"{"score": [8]}"#),
        (EDIT, r#"{"score": [8, 9, 7]}"#),
        (EDIT, r#"{"score": [8, NaN]}"#),
        (EDIT, r#"{"score": 8}"#),
        (EDIT, r#"{"result": {"score": [8, 9]}}"#),
        (EDIT, r#"{"score": [8, 9], "reasoning": "it bro"#),
        (EDIT, "8, 9"),
    ];
    const LEGACY: ReplyFormat = ReplyFormat::WiseLegacy(Strictness::Official);
    const VERIFIED: ReplyFormat = ReplyFormat::WiseVerified(Strictness::Official);
    const EDIT: ReplyFormat = ReplyFormat::EditScores;

    fn render_table(format: ReplyFormat) -> String {
        let mut table = "| reply | read as |\n|---|---|\n".to_owned();
        for (_, reply) in FORMS.iter().filter(|(of, _)| *of == format) {
            let shown = reply.replace('\n', "⏎").replace('|', "\\|");
            let read = match format.parse(reply) {
                Ok(scores) => {
                    let numbers: Vec<_> = scores.values.iter().map(|(_, value)| value.to_string()).collect();
                    let notes: String = scores.notes.iter().map(|note| format!("; {note}")).collect();
                    format!("**{}**{notes}", numbers.join(", "))
                }
                Err(unparsed) => format!("unparsed: {unparsed}"),
            };
            writeln!(table, "| `` {shown} `` | {read} |").unwrap();
        }
        table
    }

    /// With `UPDATE_DOCS` set the tables are written instead.
    #[test]
    fn the_tables_in_the_documentation_are_true() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/judge-replies.md");
        let mut text = std::fs::read_to_string(path).unwrap();
        for (format, name) in [(LEGACY, "wise-legacy"), (VERIFIED, "wise-verified"), (EDIT, "edit-scores")] {
            let begin = format!("<!-- begin {name} -->\n");
            let end = format!("<!-- end {name} -->");
            let start = text.find(&begin).unwrap() + begin.len();
            let stop = start + text[start..].find(&end).unwrap();
            if std::env::var_os("UPDATE_DOCS").is_some() {
                text.replace_range(start..stop, &render_table(format));
            } else {
                assert_eq!(text[start..stop], render_table(format), "{name}");
            }
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn strict_parsers_take_exactly_what_the_official_ones_take_without_a_note() {
        for (format, reply) in FORMS {
            let strict = match format {
                ReplyFormat::WiseLegacy(_) => ReplyFormat::WiseLegacy(Strictness::Strict),
                ReplyFormat::WiseVerified(_) => ReplyFormat::WiseVerified(Strictness::Strict),
                ReplyFormat::EditScores => continue,
            };
            let official = format.parse(reply);
            let expected = official.ok().filter(|scores| scores.notes.is_empty());
            assert_eq!(strict.parse(reply).ok(), expected, "{reply}");
        }
    }
}
