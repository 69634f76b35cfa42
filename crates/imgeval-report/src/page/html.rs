//! The HTML file and its policy.

use std::io::{self, Write};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

const SKELETON: &str = include_str!("assets/index.html");
const STYLE: &str = include_str!("assets/page.css");
/// In this order; together they are one script.
const SCRIPTS: [&str; 16] = [
    include_str!("assets/dom.js"),
    include_str!("assets/data.js"),
    include_str!("assets/state.js"),
    include_str!("assets/masks.js"),
    include_str!("assets/tables.js"),
    include_str!("assets/leaderboard.js"),
    include_str!("assets/comparisons.js"),
    include_str!("assets/summary.js"),
    include_str!("assets/wipe.js"),
    include_str!("assets/rounds.js"),
    include_str!("assets/diagnoses.js"),
    include_str!("assets/paper.js"),
    include_str!("assets/gallery.js"),
    include_str!("assets/prompts.js"),
    include_str!("assets/detail.js"),
    include_str!("assets/main.js"),
];

/// Where a page finds its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In files beside it.
    Folder,
    /// Within itself.
    SingleFile,
    /// It asks the server that sent it.
    Live,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::SingleFile => "single",
            Self::Live => "live",
        }
    }
}

/// What a header can say and a page cannot.
pub const LIVE_POLICY_EXTRA: &str = "; frame-ancestors 'none'";

/// The policy of a page: its own script and style by hash, and as little else as the mode needs.
#[must_use]
pub fn content_security_policy(mode: Mode) -> String {
    let (script, style) = (hash_source(&script()), hash_source(STYLE));
    // Data files beside the page are scripts, because browsers let a page from the disk read nothing else.
    let own_scripts = if mode == Mode::Folder { "'self' " } else { "" };
    let images = if mode == Mode::SingleFile { "data:" } else { "'self'" };
    let connect = if mode == Mode::Live { "; connect-src 'self'" } else { "" };
    format!(
        "default-src 'none'; script-src {own_scripts}{script}; style-src {style}; img-src {images}{connect}; \
         base-uri 'none'; form-action 'none'"
    )
}

/// The page that a server sends: it holds no data and asks for it.
#[must_use]
pub fn render_live_page(title: &str) -> String {
    let mut page = Vec::new();
    // Writing into memory does not fail.
    write_page(&mut page, Mode::Live, title, "null", |_| Ok(())).ok();
    String::from_utf8_lossy(&page).into_owned()
}

/// Writes the page with `index` (JSON) as its data and whatever `blocks` adds.
pub(super) fn write_page<W: Write>(
    out: &mut W,
    mode: Mode,
    title: &str,
    index: &str,
    blocks: impl FnOnce(&mut W) -> io::Result<()>,
) -> io::Result<()> {
    let mut blocks = Some(blocks);
    // One pass over the skeleton: what is filled in is never looked at again.
    for (place, piece) in SKELETON.split("{{").enumerate() {
        let Some((name, rest)) = piece.split_once("}}").filter(|_| place > 0) else {
            out.write_all(piece.as_bytes())?;
            continue;
        };
        match name {
            "policy" => out.write_all(content_security_policy(mode).as_bytes())?,
            "mode" => out.write_all(mode.name().as_bytes())?,
            "title" => out.write_all(escape_text(title).as_bytes())?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "index" => out.write_all(escape_json(index).as_bytes())?,
            "blocks" => {
                if let Some(blocks) = blocks.take() {
                    blocks(out)?;
                }
            }
            "script" => out.write_all(script().as_bytes())?,
            _ => {}
        }
        out.write_all(rest.as_bytes())?;
    }
    Ok(())
}

/// A block that holds data and is never run; `id` is a name of our own.
pub(super) fn write_data_block(out: &mut impl Write, id: &str, json: &str) -> io::Result<()> {
    writeln!(out, "<script type=\"application/json\" id=\"{id}\">{}</script>", escape_json(json))
}

/// A data file: a script that does nothing but hand over one string.
pub(super) fn render_data_script(name: &str, json: &str) -> Result<String, serde_json::Error> {
    let string = serde_json::to_string(json)?;
    Ok(format!("imgevalData(\"{name}\",{});\n", escape_json(&string)))
}

/// JSON without the characters that mean something to HTML or end a line in JavaScript. All of them can stand only within
/// strings, where an escape means the same.
fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + json.len() / 16);
    for character in json.chars() {
        match character {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn escape_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn script() -> String {
    // A scope of its own: nothing of the page can be reached by name from elsewhere.
    format!("\"use strict\";\n(() => {{\n{}}})();\n", SCRIPTS.concat())
}

fn hash_source(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(mode: Mode, title: &str, index: &str) -> String {
        let mut page = Vec::new();
        write_page(&mut page, mode, title, index, |_| Ok(())).unwrap();
        String::from_utf8(page).unwrap()
    }

    fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
        let (_, rest) = text.split_once(start).unwrap();
        rest.split_once(end).unwrap().0
    }

    #[test]
    fn the_policy_names_the_hashes_of_what_the_page_holds() {
        for mode in [Mode::Folder, Mode::SingleFile, Mode::Live] {
            let page = page(mode, "t", "null");
            let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
            assert_eq!(policy, content_security_policy(mode));
            assert!(policy.contains(&hash_source(between(&page, "<style>", "</style>"))));
            assert!(policy.contains(&hash_source(between(&page, "<script>", "</script>"))));
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[test]
    fn the_skeleton_has_no_inline_handlers_or_styles() {
        let page = page(Mode::Folder, "t", "null");
        let markup = page.replace(between(&page, "<style>", "</style>"), "");
        let markup = markup.replace(&script(), "");
        assert!(!markup.contains("style=\""));
        assert!(!markup.contains(" on"), "an attribute that begins with on");
    }

    #[test]
    fn text_stays_text() {
        let hostile = "</script><script>alert(1)</script> {{script}} ]]> & \u{2028}";
        let json = serde_json::to_string(hostile).unwrap();
        let page = page(Mode::Folder, hostile, &json);
        assert_eq!(page.matches("<script").count(), 2, "the data and our own");
        let data = between(&page, "id=\"index\">", "</script>");
        assert_eq!(serde_json::from_str::<String>(data).unwrap(), hostile);
        assert!(page.contains("<title>&lt;/script&gt;"));
        let file = render_data_script("texts-0-x", &json).unwrap();
        assert!(!file.contains(['<', '>', '&', '\u{2028}']));
        let string = between(&file, ",", ");\n");
        assert_eq!(serde_json::from_str::<String>(string).unwrap(), json);
    }
}
