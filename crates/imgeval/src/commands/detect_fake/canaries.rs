//! `imgeval detect-fake --canaries`: the numbers that a detector's authors publish for images of their own repository, computed again.

use std::path::Path;

use anyhow::Result;
use imgeval_forensics::Trunks;
use imgeval_observe::{AskedForensics, load_forensics};
use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_vision::image_file::DecodeLimits;

use super::judge_file;
use crate::{args::forensics::DetectFakeArgs, exit_code::Exit, failure::CommandError, printer::Printer};

/// Fails if a number differs from the published one; images that the folder lacks are named.
pub(super) fn check(
    args: &DetectFakeArgs,
    asked: &AskedForensics,
    folder: &Path,
    printer: Printer,
) -> Result<Exit> {
    let description = asked.description;
    let Some(first) = description.canaries.first() else {
        let message =
            format!("the authors of {} publish no number for any of their images", description.name);
        return Err(CommandError::nothing(message)
            .with_hint("those of b-free and community-forensics do")
            .into());
    };
    let trunks = Trunks::default();
    let loaded = load_forensics(asked, &trunks, &args.models.places(), args.compute.options())?;
    let limits = DecodeLimits { max_pixels: args.limit.for_files() };
    let mut table = Table::new([
        Column::text("image"),
        Column::number("published"),
        Column::number("found"),
        Column::text("result"),
    ]);
    let (mut n_checked, mut n_wrong) = (0, 0);
    for canary in description.canaries {
        let path = folder.join(canary.image);
        let judgment = match judge_file(&path, loaded.detector.as_ref(), &limits) {
            Ok((_, judgment)) => judgment,
            Err(failure) => {
                printer.unusable(&path, &failure);
                continue;
            }
        };
        n_checked += 1;
        let (expected, found) = canary.compare(&judgment);
        let holds = canary.holds(&judgment);
        n_wrong += usize::from(!holds);
        let result = if holds { "equal" } else { "different" };
        table.push(Row::new([canary.image, &format!("{expected:.4}"), &format!("{found:.4}"), result]));
    }
    if n_checked == 0 {
        return Err(CommandError::nothing(format!("`{}` contains none of the images", folder.display()))
            .with_hint(format!("pass a copy of {}", first.from))
            .into());
    }
    printer.table(&table)?;
    if n_wrong > 0 {
        printer.insist(format_args!(
            "{n_wrong} of {n_checked} numbers differ from the authors' published ones; fetch the weights again"
        ));
        return Ok(Exit::GateFailed);
    }
    Ok(if n_checked < description.canaries.len() { Exit::Partial } else { Exit::Ok })
}
