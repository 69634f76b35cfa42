//! All pages in one Markdown document, the same on every machine.

use std::fmt::Write as _;

use super::pages::Page;

/// How wide help is set.
const WIDTH: usize = 110;

const HEAD: &str = "\
# Command line

Every help page, as `imgeval COMMAND --help` prints it. This file is generated from the commands by `imgeval manual --markdown`; a test holds
them together. [Commands](commands.md) is the overview.
";

/// A list of the pages, and the long help of each.
pub(super) fn render_markdown(pages: Vec<Page>) -> String {
    let (mut list, mut bodies) = (String::new(), String::new());
    for page in pages {
        let title = page.path.join(" ");
        let about = page.command.get_about().map(ToString::to_string).unwrap_or_default();
        let mut command = page.command.term_width(WIDTH);
        let help = command.render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let depth = page.path.len().saturating_sub(1);
        let indent = "  ".repeat(depth.saturating_sub(1));
        let anchor = page.path.join("-");
        // Writing to a text does not fail.
        writeln!(list, "{indent}- [`{title}`](#{anchor}): {}", lead(&about)).ok();
        let help = help.join("\n");
        writeln!(bodies, "\n## {title}\n\n```text\n{}\n```", help.trim_end()).ok();
    }
    format!("{HEAD}\n{list}{bodies}")
}

/// Lists read better without what describes the whole program at length.
fn lead(about: &str) -> &str {
    about.split_once(": ").map_or(about, |(lead, _)| lead)
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::{super::pages::pages_of, *};

    #[test]
    fn a_document_lists_and_holds_every_page() {
        let option = Arg::new("n").long("number").value_name("N").help("How many");
        let inner = Command::new("inner").about("Do it: all of it").arg(option);
        let text = render_markdown(pages_of(Command::new("tool").about("A tool").subcommand(inner)));
        assert!(text.contains("- [`tool`](#tool): A tool\n- [`tool inner`](#tool-inner): Do it\n"), "{text}");
        assert!(
            text.contains("\n## tool inner\n\n```text\nDo it: all of it\n\nUsage: tool inner [OPTIONS]"),
            "{text}"
        );
        assert!(text.ends_with("Print help\n```\n"), "{text}");
    }
}
