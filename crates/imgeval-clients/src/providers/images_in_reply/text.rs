//! Images in words: data URLs, Markdown, HTML, and words that are nothing but an address or base64.

use super::address::{ImageSource, has_image_name, is_absolute, is_known_base64, starts_with, unquoted};

/// How an image stands in a text; a later one is the more certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// A link to, or the bare address of, what its name says is an image.
    Link,
    /// The text is nothing but an address or base64.
    Whole,
    /// Markdown's or HTML's image.
    Markup,
    DataUrl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InText<'a> {
    pub(super) source: ImageSource<'a>,
    pub(super) form: Form,
    /// The surrounding text calls it a preview.
    pub(super) is_preview: bool,
}

/// Words by which servers call what is not the final image.
const PREVIEW: [&str; 6] = ["preview", "thumb", "partial", "progress", "draft", "placeholder"];

/// Up to its comma, a data URL is shorter.
const MAX_HEAD: usize = 100;

/// An image's alternative text is shorter, or is not looked at.
const MAX_NAME: usize = 300;

/// A line of base64 that goes on from the last one is at least so long, unless it ends it.
const MIN_LINE: usize = 20;

/// Calls `found` with every image, in the order of each form.
pub(super) fn find_in_text<'a>(text: &'a str, found: &mut impl FnMut(InText<'a>)) {
    find_data_urls(text, found);
    find_markdown(text, found);
    find_html(text, found);
    find_whole(text, found);
    find_in_json(text, found);
    find_links(text, found);
}

pub(super) fn is_called_preview(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    PREVIEW.iter().any(|word| name.contains(word))
}

fn find_data_urls<'a>(text: &'a str, found: &mut impl FnMut(InText<'a>)) {
    let mut at = 0;
    while let Some(start) = text[at..].find(':').map(|colon| at + colon) {
        at = start + 1;
        let Some(start) = start.checked_sub("data".len()) else { continue };
        let Some(found_here) = text.get(start..).filter(|rest| starts_with(rest, "data:image/")) else {
            continue;
        };
        let Some(head) = head_length(found_here) else { continue };
        let url = data_url_at(found_here, head);
        at = start + url.len();
        let is_preview = text[..start].strip_suffix("](").is_some_and(|before| {
            let from = before.floor_char_boundary(before.len().saturating_sub(MAX_NAME));
            before[from..].rfind("![").is_some_and(|open| is_called_preview(&before[from + open..]))
        });
        found(InText { source: ImageSource::Base64(url), form: Form::DataUrl, is_preview });
    }
}

/// The length of a data URL's beginning up to its comma, which is not far.
fn head_length(text: &str) -> Option<usize> {
    text.bytes().take(MAX_HEAD).position(|byte| byte == b',').map(|comma| comma + 1)
}

/// The data URL at the start of `text`, over the ends of lines where its base64 goes on behind them.
fn data_url_at(text: &str, head: usize) -> &str {
    let is_end = |character: char| {
        character.is_whitespace() || matches!(character, ')' | '"' | '\'' | '>' | '<' | ']' | '`')
    };
    let mut end = head + text[head..].find(|character: char| !character.is_whitespace()).unwrap_or(0);
    end += text[end..].find(is_end).unwrap_or(text.len() - end);
    let mut n_chars = end - head;
    loop {
        let rest = &text[end..];
        let line = rest.trim_start();
        let blanks = rest.len() - line.len();
        let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
        let length = line.bytes().position(|byte| !is_one(byte)).unwrap_or(line.len());
        let behind = line[length..].trim_start_matches([' ', '\t']);
        let is_alone = behind.is_empty() || behind.starts_with(['\n', '\r', ')', '"', '\'', '>', '<', '`']);
        let is_long = length >= MIN_LINE || line[..length].ends_with('=') || !n_chars.is_multiple_of(4);
        let is_last = line[length..].trim_start().starts_with([')', '"', '\'', '>', '`']);
        let has_ended = text[..end].ends_with('=');
        if blanks == 0 || length == 0 || has_ended || !is_alone || !(is_long || is_last) {
            return &text[..end];
        }
        end += blanks + length;
        n_chars += length;
    }
}

fn find_markdown<'a>(text: &'a str, found: &mut impl FnMut(InText<'a>)) {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("![") {
        let Some((name, target)) = behind.split_once("](") else { return };
        rest = target;
        let target = target_at(target);
        // Data URLs are found by themselves.
        if !starts_with(target, "data:") && is_address(target) {
            let is_preview =
                is_called_preview(name.rsplit("![").next().unwrap_or(name)) || is_preview_file(target);
            found(InText { source: ImageSource::Url(target), form: Form::Markup, is_preview });
        }
    }
}

/// The address at the start of a link's target, before its title.
fn target_at(text: &str) -> &str {
    let text = text.trim_start();
    if let Some(inner) = text.strip_prefix('<') {
        return &inner[..inner.find(['>', '\n']).unwrap_or(inner.len())];
    }
    address_at(text)
}

/// The address at the start of a text. Parentheses that it opens itself are its own.
fn address_at(text: &str) -> &str {
    let mut n_open = 0;
    let end = text.find(|character: char| match character {
        '(' => {
            n_open += 1;
            false
        }
        ')' if n_open > 0 => {
            n_open -= 1;
            false
        }
        character => {
            character.is_whitespace() || matches!(character, ')' | '"' | '\'' | '>' | '<' | ']' | '`')
        }
    });
    &text[..end.unwrap_or(text.len())]
}

fn find_html<'a>(text: &'a str, found: &mut impl FnMut(InText<'a>)) {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('<') {
        rest = behind;
        if !starts_with(behind, "img") {
            continue;
        }
        let tag = &behind[..behind.find('>').unwrap_or(behind.len())];
        rest = &behind[tag.len()..];
        let Some((_, value)) = tag.split_once("src=") else { continue };
        let target = address_at(value.trim_start_matches(['"', '\'']));
        if !starts_with(target, "data:") && is_address(target) {
            let is_preview = is_preview_file(target);
            found(InText { source: ImageSource::Url(target), form: Form::Markup, is_preview });
        }
    }
}

fn find_whole<'a>(text: &'a str, found: &mut impl FnMut(InText<'a>)) {
    let whole = unquoted(without_fence(text));
    let source = if is_known_base64(whole) {
        ImageSource::of_base64(whole)
    } else if !whole.contains(char::is_whitespace) && is_address(whole) && !starts_with(whole, "data:") {
        Some(ImageSource::Url(whole))
    } else {
        None
    };
    if let Some(source) = source {
        found(InText { source, form: Form::Whole, is_preview: false });
    }
}

/// Addresses in a text that is a JSON object and nothing else, under a name that says that they are one.
fn find_in_json<'a>(text: &'a str, found: &mut impl FnMut(InText<'a>)) {
    let whole = without_fence(text);
    if !(whole.starts_with('{') && whole.ends_with('}')) {
        return;
    }
    let mut rest = whole;
    while let Some((before, behind)) = rest.split_once("\"http") {
        let name =
            before.trim_end().strip_suffix(':').map_or("", |name| name.rsplit(',').next().unwrap_or(name));
        let name = name.to_ascii_lowercase();
        let start = whole.len() - behind.len() - "http".len();
        let address = address_at(&whole[start..]);
        if ["url", "image", "uri"].iter().any(|word| name.contains(word)) && is_absolute(address) {
            let is_preview = is_preview_file(address) || is_called_preview(&name);
            found(InText { source: ImageSource::Url(address), form: Form::Whole, is_preview });
        }
        rest = behind;
    }
}

/// A text without blanks around it and the fence of Markdown's code that it may stand in.
fn without_fence(text: &str) -> &str {
    let whole = text.trim();
    match whole.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) {
        // The first line of a fence may name a language.
        Some(fenced) => fenced.split_once('\n').map_or(fenced, |(_, inner)| inner).trim(),
        None => whole,
    }
}

fn find_links<'a>(text: &'a str, found: &mut impl FnMut(InText<'a>)) {
    let mut rest = text;
    while let Some(start) = rest.find("http") {
        let address = address_at(&rest[start..]);
        if is_absolute(address) && has_image_name(address) {
            let address = address.trim_end_matches(['.', ',', ';', '!', '*']);
            let is_preview = is_preview_file(address);
            found(InText { source: ImageSource::Url(address), form: Form::Link, is_preview });
        }
        rest = &rest[start + address.len().max(1)..];
    }
}

/// An absolute address, or a relative one that names an image.
fn is_address(text: &str) -> bool {
    let is_relative = !text.contains(':') && text.contains('/') && has_image_name(text);
    is_absolute(text) || is_relative
}

fn is_preview_file(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    is_called_preview(path.rsplit('/').next().unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    /// The best of a text, as the finder sorts them.
    fn best(text: &str) -> Option<ImageSource<'_>> {
        let mut all = Vec::new();
        find_in_text(text, &mut |found| all.push(found));
        all.into_iter().max_by_key(|found| (!found.is_preview, found.form)).map(|found| found.source)
    }

    #[track_caller]
    fn url(text: &str, expected: &str) {
        assert_eq!(best(text), Some(ImageSource::Url(expected)), "{text}");
    }

    #[track_caller]
    fn base64(text: &str, expected: &str) {
        assert_eq!(best(text), Some(ImageSource::Base64(expected)), "{text}");
    }

    #[test]
    fn data_urls_are_found_anywhere() {
        base64("Here: ![a cat](data:image/png;base64,aGk=) and so on", "data:image/png;base64,aGk=");
        base64("data:image/webp;base64,aGk=", "data:image/webp;base64,aGk=");
        base64("<img src=\"data:image/png;base64,aGk=\" alt='x'>", "data:image/png;base64,aGk=");
        base64("{\"url\": \"DATA:image/png;base64,aGk=\"}", "DATA:image/png;base64,aGk=");
        base64("é data: é data:image/png;base64,aGk= \"", "data:image/png;base64,aGk=");
        base64(
            "![](data:image/png;base64,QUFB) ![](data:image/png;base64,QkJC)",
            "data:image/png;base64,QkJC",
        );
        base64(
            "![final](data:image/png;base64,QUFB) ![Preview](data:image/png;base64,QkJC)",
            "data:image/png;base64,QUFB",
        );
    }

    #[test]
    fn a_data_url_goes_on_over_the_ends_of_lines() {
        let long = "A".repeat(76);
        for end in ["\n", "\r\n", "\n  "] {
            let url = format!("data:image/png;base64,{long}{end}{long}{end}QUFB");
            for (before, behind) in
                [("![x](", ")"), ("<img src=\"", "\" >"), ("", ""), ("Look: ", "=\n\nHere it is.")]
            {
                let expected = if behind.starts_with('=') { format!("{url}=") } else { url.clone() };
                let text = format!("{before}{url}{behind}");
                if before.is_empty() {
                    // Where nothing ends it, a short line could be a word.
                    let found = best(&text).unwrap();
                    assert!(matches!(found, ImageSource::Base64(found) if url.starts_with(found)));
                } else {
                    base64(&text, &expected);
                }
            }
        }
        base64(&format!("data:image/png;base64,{long}\nEnjoy"), &format!("data:image/png;base64,{long}"));
        base64(
            &format!("data:image/png;base64,{long}\nHere is your image, as asked."),
            &format!("data:image/png;base64,{long}"),
        );
    }

    #[test]
    fn marked_images_are_found() {
        url("![](https://a.example/x.png \"title\")", "https://a.example/x.png");
        url("![a cat]( <https://a.example/a b> )", "https://a.example/a b");
        url("![x](https://a.example/x_(1).png)", "https://a.example/x_(1).png");
        url("![x](/files/x.png)", "/files/x.png");
        url("<img alt=\"x\" src='https://a.example/x'/>", "https://a.example/x");
        url("<IMG src=\"https://a.example/x?a=1&b=2\">", "https://a.example/x?a=1&b=2");
        url("![preview](https://a.example/1)\n![final](https://a.example/2)", "https://a.example/2");
        url("![final](https://a.example/1)\n![preview](https://a.example/2)", "https://a.example/1");
        url("![](https://a.example/1.png)\n![](https://a.example/1_thumb.png)", "https://a.example/1.png");
        url("![preview](https://a.example/1)", "https://a.example/1");
    }

    #[test]
    fn a_text_that_is_nothing_but_an_image_is_one() {
        url("https://a.example/x", "https://a.example/x");
        url(" <https://a.example/x?sig=a%2Bb>\n", "https://a.example/x?sig=a%2Bb");
        url("`https://a.example/x`", "https://a.example/x");
        url("/v1/files/x.webp", "/v1/files/x.webp");
        let png = BASE64_STANDARD.encode(b"\x89PNG\r\n\x1a\n0123456789abcdef");
        base64(&png, &png);
        base64(&format!("```\n{png}\n```"), &png);
        base64(&format!("```text\n{png}```"), &png);
        base64(&format!("\"{png}\""), &png);
    }

    #[test]
    fn an_answer_in_json_names_its_image() {
        url("{\"url\": \"https://a.example/x\"}", "https://a.example/x");
        url(
            "```json\n{\"text\": \"see\", \"image_url\": \"https://a.example/x\"}\n```",
            "https://a.example/x",
        );
        url(
            "{\"thumbnail_url\": \"https://a.example/t\", \"url\": \"https://a.example/x\"}",
            "https://a.example/x",
        );
        assert_eq!(best("{\"see\": \"https://a.example/policy\"}"), None);
        assert_eq!(best("{\"url\": \"https://a.example/x\"} as asked"), None);
    }

    #[test]
    fn a_link_to_an_image_is_taken_where_nothing_better_is() {
        url("[download](https://a.example/x.png)", "https://a.example/x.png");
        url("Here it is: https://a.example/x.JPG?w=1.", "https://a.example/x.JPG?w=1");
        url("Here it is: **https://a.example/x.jpg**.", "https://a.example/x.jpg");
        url("[download](https://a.example/x.png) ![x](https://a.example/y)", "https://a.example/y");
    }

    #[test]
    fn words_hold_no_image() {
        for text in [
            "see https://a.example and [this](https://b.example)",
            "![",
            "![](",
            "![a](b)",
            "![a](javascript:x.png)",
            "http https:// <img> <img src=>",
            "I cannot draw this.",
            "A data:image/png URL cannot be sent here",
            "and/or.png is what it says",
            "data: image/png",
            "aGk=",
            "AAAA AAAA AAAA AAAA AAAA AAAA",
        ] {
            assert_eq!(best(text), None, "{text}");
        }
    }
}
