//! Answers of vision-language models to the question whether an image looks real: FakeVLM (arXiv 2503.14905) and
//! others.

use super::input::Class;

/// FakeVLM's question, verbatim as in its data and its official code.
pub const QUESTION: &str = "Does the image looks real/fake?";

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAnswer {
    /// As FakeVLM's own script reads it, but for its guess where it finds nothing.
    pub official: Option<Class>,
    /// By whole words: `unreal` and `realistic` are not `real`.
    pub whole_words: Option<Class>,
}

/// Reads the first sentence that says something, of the first two.
#[must_use]
pub fn read_answer(text: &str) -> ReadAnswer {
    let lower = text.to_lowercase();
    let sentences = || lower.split('.').take(2);
    let official = |sentence: &str| {
        if sentence.contains("real") {
            return Some(Class::Real);
        }
        sentence.contains("fake").then_some(Class::Fake)
    };
    let whole = |sentence: &str| {
        let mut words = sentence.split(|letter: char| !letter.is_alphanumeric());
        words.find_map(|word| match word {
            "real" => Some(Class::Real),
            "fake" => Some(Class::Fake),
            _ => None,
        })
    };
    ReadAnswer { official: sentences().find_map(official), whole_words: sentences().find_map(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_the_official_script_does_without_its_guess() {
        let read = |text: &str| {
            let ReadAnswer { official, whole_words } = read_answer(text);
            (official, whole_words)
        };
        let (real, fake) = (Some(Class::Real), Some(Class::Fake));
        assert_eq!(read("This is a fake image. The hands are odd."), (fake, fake));
        assert_eq!(read("This is a real image."), (real, real));
        assert_eq!(read("Hard to say. It looks FAKE, perhaps. Real?"), (fake, fake));
        // A known weakness of the official reading.
        assert_eq!(read("An unreal, fake image."), (real, fake));
        assert_eq!(read("The skin looks realistic."), (real, None));
        assert_eq!(read("I cannot tell. No idea. It is real."), (None, None));
        assert_eq!(read(""), (None, None));
    }
}
