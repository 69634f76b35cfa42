//! `imgeval manual`: every help page, as man pages or as one Markdown document. `docs/cli.md` is that document.

mod markdown;
mod pages;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};

use self::{
    markdown::render_markdown,
    pages::{Page, pages_of},
};
use crate::{
    args::{Cli, manual::ManualArgs},
    exit_code::Exit,
    printer::Printer,
};

pub(super) fn manual(args: &ManualArgs, printer: Printer) -> Result<Exit> {
    let pages = pages_of(Cli::command());
    let Some(path) = &args.folder else {
        printer.data(render_markdown(pages))?;
        return Ok(Exit::Ok);
    };
    let folder = imgeval_files::output_folder(path)?;
    let n_pages = pages.len();
    for page in pages {
        let name = format!("{}.1", page.path.join("-"));
        let text = render_roff(page)?;
        folder.write_unsynced(&name, &text).with_context(|| format!("could not write the page {name}"))?;
    }
    printer.talk(format_args!("manual: wrote {n_pages} pages to {}", path.display()));
    Ok(Exit::Ok)
}

fn render_roff(page: Page) -> Result<Vec<u8>> {
    let version = env!("CARGO_PKG_VERSION");
    // `help` has no page of its own.
    let hide_help =
        |command: Command| if command.get_name() == "help" { command.hide(true) } else { command };
    let command = page.command.display_name(page.path.join("-")).long_version(version);
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command.mut_subcommands(hide_help)).source(format!("imgeval {version}"));
    man.render(&mut text)?;
    Ok(text)
}
