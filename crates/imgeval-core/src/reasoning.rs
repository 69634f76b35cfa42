//! What a model thought is not what it answered. Chat models put their thoughts between tags, into channels of the
//! harmony format, or before a closing tag whose opening one was part of the prompt; [`answer_of`] leaves the answer.
//!
//! Tags: `<think>` and its like in any case, with blanks or attributes, also as `[THINK]`, `◁think▷` and the special
//! tokens that other chat templates use. Inside a thought only its own kind of tag counts, so a thought may name
//! other tags. Harmony: <https://github.com/openai/harmony>; only the channel `final` is an answer.

use std::borrow::Cow;

/// The names of tags between which models think.
const NAMES: [&str; 10] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "analysis",
    "scratchpad",
    "seed:think",
    "mm:think",
];

/// Longer text between brackets is not a tag.
const MAX_TAG_BYTES: usize = 100;

/// Openings and closings that are not a name between brackets.
const TOKENS: [(&str, &str); 4] = [
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),
    ("<|channel>thought", "<channel|>"),
];

/// The part of a model's text that is its answer, without blanks around it.
///
/// Empty if nothing was answered: there are only thoughts, or thoughts that were never closed, whatever stands before them. A
/// closing tag without an opening one ends a thought that began with the text. Takes time linear in the length.
#[must_use]
pub fn answer_of(text: &str) -> Cow<'_, str> {
    match final_channel(text) {
        Some(answer) => Cow::Owned(without_tags(&answer).trim().to_owned()),
        None => match without_tags(text) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        },
    }
}

/// What stands in the channel `final`; `None` if the text has no channels.
fn final_channel(text: &str) -> Option<String> {
    const CHANNEL: &str = "<|channel|>";
    const MESSAGE: &str = "<|message|>";
    if !text.contains(CHANNEL) {
        return final_of_bare_channels(text);
    }
    let mut answers = Vec::new();
    // What stands before the first channel belongs to one that the prompt opened.
    for message in text.split(CHANNEL).skip(1) {
        let Some((header, body)) = message.split_once(MESSAGE) else { continue };
        let name: String = header.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        if name.eq_ignore_ascii_case("final") {
            let ends = ["<|end|>", "<|return|>", "<|start|>", "<|call|>"];
            let end = ends.iter().filter_map(|end| body.find(end)).min().unwrap_or(body.len());
            answers.push(body[..end].trim());
        }
    }
    Some(answers.join("\n"))
}

/// The same where a server has dropped the special tokens, which leaves `analysis...assistantfinal...`.
fn final_of_bare_channels(text: &str) -> Option<String> {
    const FINAL: &str = "assistantfinal";
    let thought = text.trim_start().strip_prefix("analysis")?;
    match thought.rfind(FINAL) {
        Some(at) => Some(thought[at + FINAL.len()..].to_owned()),
        // A text may begin with this word, but not run on with a capital letter.
        None => thought.starts_with(|next: char| next.is_uppercase()).then(String::new),
    }
}

/// One tag: where it ends, which kind it is and whether it opens.
struct Tag {
    end: usize,
    kind: Kind,
    opens: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Index into [`NAMES`], in square brackets or not.
    Named(usize, bool),
    /// Index into [`TOKENS`].
    Token(usize),
}

fn without_tags(text: &str) -> Cow<'_, str> {
    let mut answer = String::new();
    let (mut thought, mut depth) = (None, 0_usize);
    // Of what is answered, where the piece begins that is not yet copied.
    let (mut piece, mut at, mut has_tags) = (0, 0, false);
    while let Some(found) = text[at..].find(['<', '[', '◁']) {
        let start = at + found;
        let Some(tag) = read_tag(text, start) else {
            at = start + text[start..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        at = tag.end;
        match thought {
            Some(kind) if kind != tag.kind => continue,
            Some(_) if tag.opens => depth += 1,
            Some(_) => {
                depth -= 1;
                if depth == 0 {
                    (thought, piece) = (None, tag.end);
                }
            }
            None if tag.opens => {
                push_piece(&mut answer, &text[piece..start]);
                (thought, depth) = (Some(tag.kind), 1);
            }
            None => {
                answer.clear();
                piece = tag.end;
            }
        }
        has_tags = true;
    }
    if thought.is_some() {
        return Cow::Borrowed("");
    }
    if !has_tags {
        return Cow::Borrowed(text);
    }
    push_piece(&mut answer, &text[piece..]);
    Cow::Owned(answer)
}

/// Adds what stands behind a thought, so that it does not run into what stands before it.
fn push_piece(answer: &mut String, piece: &str) {
    let runs_on = answer.ends_with(|last: char| !last.is_whitespace())
        && piece.starts_with(|first: char| !first.is_whitespace());
    if runs_on {
        answer.push(' ');
    }
    answer.push_str(piece);
}

fn read_tag(text: &str, start: usize) -> Option<Tag> {
    let rest = &text[start..];
    for (index, (open, close)) in TOKENS.iter().enumerate() {
        for (token, opens) in [(open, true), (close, false)] {
            if starts_with_ignoring_case(rest, token) {
                return Some(Tag { end: start + token.len(), kind: Kind::Token(index), opens });
            }
        }
    }
    let is_square = rest.starts_with('[');
    let close = if is_square { ']' } else { '>' };
    let inside = rest.strip_prefix(['<', '['])?;
    let length =
        inside.bytes().take(MAX_TAG_BYTES).position(|byte| matches!(byte, b'>' | b']' | b'<' | b'['))?;
    if !inside[length..].starts_with(close) {
        return None;
    }
    let inside = &inside[..length];
    let name = inside.trim_start();
    let (name, opens) = match name.strip_prefix('/') {
        Some(name) => (name.trim_start(), false),
        None => (name, true),
    };
    // Behind the name may come attributes; what closes itself holds no thought.
    let (name, behind) = name.split_at(name.find(char::is_whitespace).unwrap_or(name.len()));
    if behind.trim_end().ends_with('/') || (is_square && !behind.trim().is_empty()) {
        return None;
    }
    // Special tokens have bars: <|think|>.
    let name = name.strip_prefix('|').and_then(|name| name.strip_suffix('|')).unwrap_or(name);
    let (name, opens) = match name.strip_prefix('/') {
        Some(name) => (name, false),
        None => (name, opens),
    };
    let index = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
    Some(Tag { end: start + 1 + length + 1, kind: Kind::Named(index, is_square), opens })
}

fn starts_with_ignoring_case(text: &str, token: &str) -> bool {
    text.get(..token.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, answer: &str) {
        assert_eq!(answer_of(text), answer, "{text:?}");
    }

    #[test]
    fn a_text_without_thoughts_is_the_answer() {
        for text in [
            "a < b and [c]",
            "the <b>bold</b> one",
            "I think> so",
            "<thinker>x</thinker>",
            "[1] <think",
            "analysis of the image: fine",
            "<think/>a",
            "◁ x",
        ] {
            check(&format!(" {text}\n"), text);
        }
    }

    #[test]
    fn thoughts_go_wherever_they_stand_and_however_they_are_tagged() {
        check("<think>0?</think>1", "1");
        check("<THINK>\n0?\n</Think >\n\n1\n", "1");
        check("<think time=\"3 s\">0</think>1", "1");
        check("1<thinking>0</thinking>", "1");
        check("a<think>b</think>c<thought>d</thought>e", "a c e");
        check("a cat<think>b</think>, red", "a cat , red");
        check("<reasoning>0</reasoning>\n1", "1");
        check("[THINK]0[/THINK]1", "1");
        check("◁think▷0◁/think▷1", "1");
        check("<|think|>0<|/think|>1", "1");
        check("<seed:think>0</seed:think>1", "1");
        check("<|begin_of_thought|>0<|end_of_thought|>1", "1");
        check("<|START_THINKING|>0<|END_THINKING|>1", "1");
        check("<|channel>thought\n0<channel|>1", "1");
    }

    #[test]
    fn nested_and_mentioned_tags_are_part_of_the_thought() {
        check("x <think>a<think>b</think>c</think> y", "x  y");
        check("<think>I may write <thinking> or <reasoning>.</think>1", "1");
    }

    #[test]
    fn a_closing_tag_alone_ends_a_thought_that_began_with_the_text() {
        check("0, no\n</think>\n\n1", "1");
        check("0</thinking>1", "1");
        check("<think>a</think>b</think>1", "1");
        check("0</think>", "");
    }

    #[test]
    fn with_a_thought_that_never_ends_nothing_was_answered() {
        for text in
            ["<think>1", "1<think>hm", "<think>a<think>b</think>1", "<think></think><THINK>1", "[think]1"]
        {
            check(text, "");
        }
    }

    #[test]
    fn only_the_final_channel_answers() {
        let thoughts = "<|channel|>analysis<|message|>0?<|end|>";
        check(&format!("{thoughts}<|start|>assistant<|channel|>final<|message|>1<|return|>"), "1");
        check(&format!("<|start|>assistant{thoughts}<|start|>assistant<|channel|>final <|message|>1"), "1");
        check(
            "0?<|end|><|start|>assistant<|channel|>final<|constrain|>json<|message|>{\"a\": 1}",
            "{\"a\": 1}",
        );
        check(thoughts, "");
        check(&format!("{thoughts}<|channel|>commentary to=f<|message|>1<|call|>"), "");
        check("<|channel|>final<|message|><think>0</think>1<|end|>", "1");
        check("analysisThe image fits, 0?assistantfinal1", "1");
        check("analysisThe image fits, 0", "");
        check("<|channel|>final", "");
    }

    #[test]
    fn megabytes_of_tags_are_read_in_one_pass() {
        for unit in
            ["<think>", "</think>", "<", "[", "<|channel|>", "<|channel|>final<|message|>", "<think", "◁"]
        {
            let _ = answer_of(&unit.repeat((1 << 18) / unit.len()));
        }
    }

    fn thought() -> impl Strategy<Value = String> {
        let inside = "[^<>\\[\\]◁▷]{0,40}";
        let tagged = |open: &'static str, close: &'static str| {
            inside.prop_map(move |words| format!("{open}{words}{close}"))
        };
        let nested = (inside, inside).prop_map(|(a, b)| format!("<think>{a}<think>{b}</think>{a}</think>"));
        prop_oneof![
            tagged("<think>", "</think>"),
            tagged("<Thinking >", "</THINKING>"),
            tagged("[THINK]", "[/THINK]"),
            tagged("<think>or <reasoning> ", "</think>"),
            nested,
        ]
    }

    proptest! {
        #[test]
        fn thoughts_around_an_answer_leave_the_answer(
            before in prop::collection::vec(thought(), 0..3),
            answer in "[a-z0-9{}:\", ]{0,30}",
            after in prop::collection::vec(thought(), 0..3),
            unopened in "([a-z0-9 ]{0,20}</think>)?",
        ) {
            let text = format!("{unopened}{}\n{answer}\n{}", before.concat(), after.concat());
            prop_assert_eq!(answer_of(&text), answer.trim());
            let text = format!("<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>{answer}", before.concat());
            prop_assert_eq!(answer_of(&text), answer.trim());
        }

        #[test]
        fn any_text_is_read(text in "(<think>|</think>|<|\\[|\\PC|◁think▷){0,30}") {
            prop_assert!(answer_of(&text).len() <= text.len());
        }
    }
}
