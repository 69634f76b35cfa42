//! `imgeval suites`: which suites there are, and fetching the data of those that are not ours to ship.

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum as _;
use imgeval_fetch::suites::{Fetching, OtherScripts};
use imgeval_suites::wise;
use serde_json::json;

use crate::{
    args::{
        Suite,
        judging::{FetchedSuite, SuitesCommand},
    },
    exit_code::Exit,
    failure::CommandError,
    judged::{
        data::SuiteData,
        fetch::{fetch_reason_edit, fetch_wise},
    },
    printer::Printer,
    table::plain_table,
};

pub(super) fn suites(command: &SuitesCommand, printer: Printer) -> Result<Exit> {
    match command {
        SuitesCommand::List { json, suites } => list(&suites.data(), *json, printer),
        SuitesCommand::Fetch { suite, from, other_scripts, again, offline, suites } => {
            let other_scripts = if *other_scripts { OtherScripts::Take } else { OtherScripts::Refuse };
            let fetching = Fetching {
                from: from.as_deref(),
                is_offline: *offline,
                other_scripts,
                replaces: *again,
                retry_pause: Duration::from_secs(1),
            };
            fetch(*suite, fetching, &suites.data(), printer)
        }
    }
}

/// What is told of a suite.
struct Facts {
    cases: &'static str,
    judged_by: &'static str,
    source: &'static str,
    licence: &'static str,
}

fn facts(suite: Suite) -> Facts {
    let wise = |cases, judged_by| Facts {
        cases,
        judged_by,
        source: "arXiv 2503.07265, PKU-YuanGroup/WISE at eb51174; fetched",
        licence: "none stated",
    };
    match suite {
        Suite::Geneval => Facts {
            cases: "553 prompts, 6 tags",
            judged_by: "a detector",
            source: "arXiv 2310.11513, djghosh13/geneval; generated here",
            licence: "MIT",
        },
        Suite::WiseLegacy => wise("1000 prompts, 6 categories", "protocol wise-legacy, gpt-4o-2024-05-13"),
        Suite::WiseLegacyRewrite => {
            wise("the same 1000, rewritten", "protocol wise-legacy, gpt-4o-2024-05-13")
        }
        Suite::WiseVerified => wise("1000 prompts, 6 categories", "protocol wise-verified, Qwen3.5-35B-A3B"),
        Suite::ReasonEdit => Facts {
            cases: "219 edits (as quoted), 6 folders",
            judged_by: "protocol reason-edit, gpt-4o-2024-11-20; pixel metrics",
            source: "arXiv 2312.06739, TencentARC/SmartEdit; downloaded by hand",
            licence: "none stated",
        },
    }
}

/// Whether the data are here, `None` if they need not be.
fn is_here(suite: Suite, data: &SuiteData) -> Option<bool> {
    match suite {
        Suite::Geneval => None,
        Suite::WiseLegacy => Some(data.wise_legacy(false).is_ok()),
        Suite::WiseLegacyRewrite => Some(data.wise_legacy(true).is_ok()),
        Suite::WiseVerified => Some(data.wise_verified().is_ok()),
        Suite::ReasonEdit => Some(data.has_reason_edit()),
    }
}

fn list(data: &SuiteData, as_json: bool, printer: Printer) -> Result<Exit> {
    if as_json {
        let row = |suite: &Suite| {
            let Facts { cases, judged_by, source, licence } = facts(*suite);
            json!({
                "suite": suite.name(), "cases": cases, "judged_by": judged_by, "source": source, "licence": licence,
                "data_here": is_here(*suite, data).unwrap_or(true),
            })
        };
        let rows: Vec<_> = Suite::value_variants().iter().map(row).collect();
        printer.data(format_args!("{:#}\n", json!(rows)))?;
        return Ok(Exit::Ok);
    }
    let mut table = plain_table(&["suite", "cases", "judged by", "data", "licence", "source"]);
    for suite in Suite::value_variants() {
        let Facts { cases, judged_by, source, licence } = facts(*suite);
        let here = match is_here(*suite, data) {
            None => "built in",
            Some(true) => "here",
            Some(false) => "not fetched",
        };
        table.add_row([suite.name(), cases, judged_by, here, licence, source]);
    }
    printer.data(format_args!("{}\n", table.trim_fmt()))?;
    Ok(Exit::Ok)
}

/// Whether every file of WISE is here and is what it should be.
fn is_all_here(data: &SuiteData) -> bool {
    let has_cases = [Suite::WiseLegacy, Suite::WiseLegacyRewrite, Suite::WiseVerified]
        .iter()
        .all(|suite| is_here(*suite, data) == Some(true));
    has_cases && wise::Edition::ALL.into_iter().all(|edition| data.wise_protocol(edition).is_ok())
}

fn fetch(suite: FetchedSuite, fetching: Fetching<'_>, data: &SuiteData, printer: Printer) -> Result<Exit> {
    match (suite, fetching.from) {
        (FetchedSuite::Wise, None) if !fetching.replaces && is_all_here(data) => {
            let folder = data.wise_folder();
            printer.talk(format_args!(
                "suites: WISE is in {}; --again fetches it again",
                folder.path().display()
            ));
            Ok(Exit::Ok)
        }
        (FetchedSuite::Wise, _) => {
            let fetched = fetch_wise(data, &fetching, printer)?;
            let folder = data.wise_folder();
            printer.talk(format_args!(
                "suites: {} files of WISE in {} (licence: {})",
                fetched.n_files,
                folder.path().display(),
                folder.source().licence
            ));
            for (file, sha256) in &fetched.other_scripts {
                printer.insist(format_args!(
                    "suites: {} is another version than that of commit {}: its SHA-256 is {sha256}, not {}; its protocol says so",
                    file.path,
                    wise::COMMIT,
                    file.sha256
                ));
            }
            let mut is_complete = true;
            for path in &fetched.missing {
                is_complete = false;
                printer.insist(format_args!("suites: {path} was not there; what needs it cannot be used"));
            }
            for error in &fetched.unusable {
                is_complete = false;
                printer.insist(crate::failure::render_error(error).text);
            }
            for protocol in
                wise::Edition::ALL.into_iter().filter_map(|edition| data.wise_protocol(edition).ok())
            {
                let hash = protocol.hash();
                printer.talk(format_args!(
                    "suites: protocol {}, wording {}",
                    protocol.label(),
                    &hash.as_str()[..12]
                ));
            }
            Ok(if is_complete { Exit::Ok } else { Exit::Partial })
        }
        (FetchedSuite::ReasonEdit, None) => {
            let message = "Reason-Edit is distributed by hand only";
            let hint =
                "download it (see the repository TencentARC/SmartEdit) and name it with --from DIR|ZIP";
            Err(CommandError::usage(message).with_hint(hint).into())
        }
        (FetchedSuite::ReasonEdit, Some(from)) => {
            let counts = fetch_reason_edit(data, from, fetching.replaces)?;
            let total: usize = counts.values().sum();
            printer.talk(format_args!(
                "suites: {total} cases of Reason-Edit in {}",
                data.reason_edit_dir().display()
            ));
            for (folder, count) in counts {
                printer.talk(format_args!("  {folder}: {count}"));
            }
            Ok(Exit::Ok)
        }
    }
}
