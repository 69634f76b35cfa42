//! From a judge's words to scores. Pure, in time linear in the reply's length; nothing is guessed, and a missing score
//! is never zero. The accepted forms stand in docs/judge-replies.md, which a test checks.

mod edit_scores;
mod json_reader;
mod wise;
mod wise_official;

use std::fmt;

use crate::{registry, suite::SuiteRef};

/// Names the rules by which replies are read; raised when any form is read differently.
pub const READING_VERSION: u32 = 2;

/// How far a parser follows the official one where that accepts what a strict reader would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Reads what the benchmark's own script reads, and says in the notes where that is dangerous.
    Official,
    /// Takes thoughts out first and refuses whatever could mean something else.
    Strict,
}

/// Reads replies of one form. A suite lists those that its protocols may ask for.
pub trait ReplyReader: fmt::Debug + Sync {
    /// As protocol files name the form.
    fn name(&self) -> &'static str;

    /// Names of the values in their order, each with its largest score; the smallest is 0.
    fn scale(&self) -> &'static [(&'static str, f64)];

    /// What people are asked of one image, score by score, in the order of the scale.
    fn questions(&self) -> &'static [&'static str];

    /// Scores, in the order of the scale, in a form that [`Self::parse`] reads.
    fn render(&self, values: &[f64]) -> String;

    /// # Errors
    /// If the reply does not hold a score in one of the accepted forms.
    fn parse(&self, reply: &str) -> Result<Scores, Unparsed>;

    /// Whether its value follows from the log-probabilities of the reply, not from its words alone.
    fn needs_probabilities(&self) -> bool {
        false
    }

    /// The form that a careful reader takes of the same replies; `None` if this is it.
    fn strict(&self) -> Option<ReplyFormat> {
        None
    }
}

/// The form of a reply with its reader. Two are equal if they have one name.
#[derive(Debug, Clone, Copy)]
pub struct ReplyFormat(pub &'static dyn ReplyReader);

impl ReplyFormat {
    /// A JSON object with two numbers from 0 to 10; the value is a tenth of the smaller.
    pub const EDIT_SCORES: Self = Self(&EditScores);

    /// Three labeled digits from 0 to 2; the value is the WiScore.
    #[must_use]
    pub const fn wise_legacy(strictness: Strictness) -> Self {
        match strictness {
            Strictness::Official => Self(&WiseLegacy(Strictness::Official)),
            Strictness::Strict => Self(&WiseLegacy(Strictness::Strict)),
        }
    }

    /// One labeled digit, 0 or 1.
    #[must_use]
    pub const fn wise_verified(strictness: Strictness) -> Self {
        match strictness {
            Strictness::Official => Self(&WiseVerified(Strictness::Official)),
            Strictness::Strict => Self(&WiseVerified(Strictness::Strict)),
        }
    }

    /// The forms of all suites, each once.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut formats: Vec<Self> = Vec::new();
        for judged in registry::all().chain([registry::own_cases()]).filter_map(SuiteRef::judged) {
            formats.extend(judged.replies);
        }
        formats.sort_by_key(|format| format.name());
        formats.dedup();
        formats
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|format| format.name() == name)
    }

    /// The names of all forms, for messages.
    #[must_use]
    pub fn names() -> String {
        let names: Vec<&str> = Self::all().into_iter().map(Self::name).collect();
        match names.split_last() {
            Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
            _ => names.concat(),
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// As [`ReplyReader::scale`].
    #[must_use]
    pub fn scale(self) -> &'static [(&'static str, f64)] {
        self.0.scale()
    }

    /// As [`ReplyReader::questions`].
    #[must_use]
    pub fn questions(self) -> &'static [&'static str] {
        self.0.questions()
    }

    /// As [`ReplyReader::render`].
    #[must_use]
    pub fn render(self, values: &[f64]) -> String {
        self.0.render(values)
    }

    /// # Errors
    /// As [`ReplyReader::parse`].
    pub fn parse(self, reply: &str) -> Result<Scores, Unparsed> {
        self.0.parse(reply)
    }

    /// As [`ReplyReader::needs_probabilities`].
    #[must_use]
    pub fn needs_probabilities(self) -> bool {
        self.0.needs_probabilities()
    }

    /// As [`ReplyReader::strict`].
    #[must_use]
    pub fn strict(self) -> Option<Self> {
        self.0.strict()
    }
}

impl PartialEq for ReplyFormat {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for ReplyFormat {}

#[derive(Debug)]
struct WiseLegacy(Strictness);

impl ReplyReader for WiseLegacy {
    fn name(&self) -> &'static str {
        match self.0 {
            Strictness::Strict => "wise-legacy",
            Strictness::Official => "wise-legacy-official",
        }
    }

    fn scale(&self) -> &'static [(&'static str, f64)] {
        &[("consistency", 2.0), ("realism", 2.0), ("aesthetic_quality", 2.0)]
    }

    fn questions(&self) -> &'static [&'static str] {
        &[
            "Does the image show what was meant, as the explanation says it? 0 no, 1 in part, 2 fully",
            "Does it look as it would in the real world: light, material, physics? 0 no, 1 in part, 2 fully",
            "Is it well made and pleasing to look at? 0 no, 1 in part, 2 fully",
        ]
    }

    fn render(&self, values: &[f64]) -> String {
        let labelled = ["Consistency", "Realism", "Aesthetic Quality"].iter().zip(values);
        labelled.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
    }

    fn parse(&self, reply: &str) -> Result<Scores, Unparsed> {
        match self.0 {
            Strictness::Official => wise_official::parse_legacy(reply),
            Strictness::Strict => wise::parse_legacy(reply),
        }
    }

    fn strict(&self) -> Option<ReplyFormat> {
        (self.0 == Strictness::Official).then(|| ReplyFormat::wise_legacy(Strictness::Strict))
    }
}

#[derive(Debug)]
struct WiseVerified(Strictness);

impl ReplyReader for WiseVerified {
    fn name(&self) -> &'static str {
        match self.0 {
            Strictness::Strict => "wise-verified",
            Strictness::Official => "wise-verified-official",
        }
    }

    fn scale(&self) -> &'static [(&'static str, f64)] {
        &[("score", 1.0)]
    }

    fn questions(&self) -> &'static [&'static str] {
        &["Does the image show what was meant, as the explanation says it? 0 no, 1 yes"]
    }

    fn render(&self, values: &[f64]) -> String {
        format!("Score: {}", values.first().copied().unwrap_or_default())
    }

    fn parse(&self, reply: &str) -> Result<Scores, Unparsed> {
        match self.0 {
            Strictness::Official => wise_official::parse_verified(reply),
            Strictness::Strict => wise::parse_verified(reply),
        }
    }

    fn strict(&self) -> Option<ReplyFormat> {
        (self.0 == Strictness::Official).then(|| ReplyFormat::wise_verified(Strictness::Strict))
    }
}

#[derive(Debug)]
struct EditScores;

impl ReplyReader for EditScores {
    fn name(&self) -> &'static str {
        "edit-scores"
    }

    fn scale(&self) -> &'static [(&'static str, f64)] {
        &[("instruction", 10.0), ("preservation", 10.0)]
    }

    fn questions(&self) -> &'static [&'static str] {
        &[
            "Was the instruction carried out? 0 not at all, 10 fully",
            "Was everything else left as it was? 0 nothing, 10 all of it",
        ]
    }

    fn render(&self, values: &[f64]) -> String {
        serde_json::json!({"score": values, "reasoning": ""}).to_string()
    }

    fn parse(&self, reply: &str) -> Result<Scores, Unparsed> {
        edit_scores::parse(reply)
    }
}

/// What a reply says.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// In the order of [`ReplyFormat::scale`].
    pub values: Vec<(&'static str, f64)>,
    /// The sample's value, in [0, 1]; more only where the official script takes a score outside the scale.
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
    use std::fmt::Write as _;

    use super::*;

    /// The replies of the tables in the documentation.
    const LEGACY: &[&str] = &[
        "Consistency: 2\nRealism: 1\nAesthetic Quality: 0",
        "**Consistency**: 2, **Realism**: 1, **Aesthetic Quality**: 0",
        "The image fits. Consistency: 2. Realism: 1. Aesthetic Quality: 0.",
        "Consistency: 2/2\nRealism: 1/2\nAesthetic Quality: 0/2",
        "2\n1\n0",
        "consistency：２ realism：１ AESTHETIC QUALITY：０",
        "Scores:\n2\n1\n0",
        "2\n1\n0\n2",
        "Consistency 2\nRealism 1\nAesthetic Quality 0",
        "Consistency: 1.5\nRealism: 1\nAesthetic Quality: 0",
        "Consistency: 10\nRealism: 1\nAesthetic Quality: 0",
        "Consistency: 0-2\nRealism: 1\nAesthetic Quality: 0",
        "Consistency: 2/10\nRealism: 1\nAesthetic Quality: 0",
        "Consistency: 3\nRealism: 1\nAesthetic Quality: 0",
        "Consistency: 1\nRealism: 1\nAesthetic Quality: 0\nOn second thought, Consistency: 2",
        "Inconsistency: 2\nRealism: 1\nAesthetic Quality: 0",
        "Consistency:\n2\nRealism: 1\nAesthetic Quality: 0",
        "Consistency: ٢\nRealism: 1\nAesthetic Quality: 0",
        "<think>Consistency: 1?</think>Realism: 1\nAesthetic Quality: 0",
        "Conſistency: 2\n2\n1\n0",
        "Consistency: 2\nRealism: 1",
        "**Consistency:** 2\n**Realism:** 1\n**Aesthetic Quality:** 0",
        "Consistency (0-2): 2\nRealism (0-2): 1\nAesthetic Quality (0-2): 0",
        "Consistency: -1\nRealism: 1\nAesthetic Quality: 0",
        "2 1 0",
        "2\n1\n3",
        "I'm sorry, I can't help with that.",
    ];
    const VERIFIED: &[&str] = &[
        "Score: 1",
        "**Score**: 0",
        "1",
        "<think>Score: 0?</think>Score: 1",
        "Score: 1/1",
        "score：1",
        "<THINK>Score: 0?</THINK>Score: 1",
        "Score: 0?</think>Score: 1",
        "<think>Score: 1",
        "<|channel|>analysis<|message|>Score: 0?<|end|><|channel|>final<|message|>Score: 1",
        "It fits.\n\n1",
        "1\n0",
        "Score:\n1",
        "ſcore: 1",
        "Score 1",
        "Score: 0.5",
        "Score: 0 or 1",
        "Score: 0\nScore: 1",
        "WiScore: 1",
        "Score: 10",
        "Score: 2",
        "**Score:** 1",
        "Score: ١",
        "yes",
    ];
    const EDIT: &[&str] = &[
        r#"{"score": [8, 9.5], "reasoning": "fits"}"#,
        "```json\n{\"score\": [8, 9], \"reasoning\": \"fits\"}\n```",
        r#"Here it is: {"score": [8, 9], "reasoning": "fits"}. Anything else?"#,
        r#"<think>{"score": [5, 5]}?</think>{"score": [8, 9]}"#,
        r#"[{"score": [8, 9]}]"#,
        r#"{{"score": [8, 9]}}"#,
        "{\"score\": [8, 9], \"reasoning\": \"line\nbreak\"}",
        r#"{"score": [8, 9], "reasoning": "\$5 and \(x\)"}"#,
        r#"{"score": [8, 9], "reasoning": "half of a pair: \ud83d"}"#,
        r#"{"score": [8, 9], "reasoning": "the word "STOP" is gone"}"#,
        r#"{"score": [8, 9,], "reasoning": "fits",}"#,
        r#"{'score': [8, 9], 'reasoning': 'it isn't there'}"#,
        r#"{“score”：[8，9]}"#,
        r#"{score: [8, 9]}"#,
        "{\"score\": [8, 9] // of ten\n}",
        r#"{"Score": [+8, "9"]}"#,
        r#"{"score": ["8/10", 9/10]}"#,
        r#"The form {"score": [a, b]} is clear. {"score": [8, 9]}"#,
        r#"{"score": [8, 9]} or, to be exact, {"score": [8, 7]}"#,
        r#"{"score": [8, 9], "score": [8, 7]}"#,
        r#"{"score": [8, 9], "reasoning": "no: {"score": [8, 7], "reasoning": "it"}"#,
        r#"{"score": [8, 11]}"#,
        r#"{"score": [8, NaN]}"#,
        r#"{"score": ["8,5", 9]}"#,
        r#"{"score": [8/5, 9/5]}"#,
        r#"{"score": [8., 9]}"#,
        r#"{"score": [8]}"#,
        r#"{"score": [8, 9, 7]}"#,
        r#"{"score": 8}"#,
        r#"{"score": (8, 9)}"#,
        r#"{"result": {"score": [8, 9]}}"#,
        r#"{\"score\": [8, 9]}"#,
        r#"{"score": [8, 9], "reasoning": "it bro"#,
        r#"<think>{"score": [8, 9]}"#,
        "8, 9",
    ];

    fn read_as(format: ReplyFormat, reply: &str) -> String {
        match format.parse(reply) {
            Ok(scores) => {
                let numbers: Vec<_> = scores.values.iter().map(|(_, value)| value.to_string()).collect();
                let notes: String = scores.notes.iter().map(|note| format!("; {note}")).collect();
                format!("**{}**{notes}", numbers.join(", "))
            }
            Err(unparsed) => format!("unparsed: {unparsed}"),
        }
    }

    fn render_table(formats: &[ReplyFormat], replies: &[&str]) -> String {
        let names: String = formats.iter().map(|format| format!(" `{}` |", format.name())).collect();
        let mut table = format!("| reply |{names}\n|---|{}\n", "---|".repeat(formats.len()));
        for reply in replies {
            let shown = reply.replace('\n', "⏎").replace('|', "\\|");
            let read: String =
                formats.iter().map(|format| format!(" {} |", read_as(*format, reply))).collect();
            writeln!(table, "| `` {shown} `` |{read}").unwrap();
        }
        table
    }

    /// With `UPDATE_DOCS` set the tables are written instead.
    #[test]
    fn the_tables_in_the_documentation_are_true() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/judge-replies.md");
        let mut text = std::fs::read_to_string(path).unwrap();
        let both = |format: fn(Strictness) -> ReplyFormat| {
            vec![format(Strictness::Official), format(Strictness::Strict)]
        };
        for (name, formats, replies) in [
            ("wise-legacy", both(ReplyFormat::wise_legacy), LEGACY),
            ("wise-verified", both(ReplyFormat::wise_verified), VERIFIED),
            ("edit-scores", vec![ReplyFormat::EDIT_SCORES], EDIT),
        ] {
            let begin = format!("<!-- begin {name} -->\n");
            let end = format!("<!-- end {name} -->");
            let start = text.find(&begin).unwrap() + begin.len();
            let stop = start + text[start..].find(&end).unwrap();
            let table = render_table(&formats, replies);
            if std::env::var_os("UPDATE_DOCS").is_some() {
                text.replace_range(start..stop, &table);
            } else {
                assert_eq!(text[start..stop], table, "{name}");
            }
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, text).unwrap();
        }
    }

    /// What the official parser reads without a note the strict one reads alike, and the other way round: the strict one
    /// gives another score only where the official one has a note or, for a colon in full width, nothing.
    #[test]
    fn the_two_readings_differ_only_where_a_note_says_so() {
        let replies = LEGACY.iter().map(|reply| (ReplyFormat::wise_legacy as fn(_) -> _, reply));
        for (format, reply) in
            replies.chain(VERIFIED.iter().map(|reply| (ReplyFormat::wise_verified as fn(_) -> _, reply)))
        {
            let official: Option<Scores> = ReplyFormat::parse(format(Strictness::Official), reply).ok();
            let strict = ReplyFormat::parse(format(Strictness::Strict), reply).ok();
            match official {
                Some(official) if official.notes.is_empty() => assert_eq!(strict, Some(official), "{reply}"),
                Some(_) => {}
                None => assert!(strict.is_none() || reply.contains('：'), "{reply}"),
            }
        }
    }

    #[test]
    fn a_score_outside_of_the_scale_counts_as_in_the_official_script() {
        let scores = ReplyFormat::wise_legacy(Strictness::Official)
            .parse("Consistency: 5\nRealism: 1\nAesthetic Quality: 0");
        assert_eq!(scores.unwrap().values[0], ("consistency", 5.0));
    }
}
