//! Which protocol a judge works by: the suite's own, or a file of the user's.

use std::path::Path;

use imgeval_suites::{files::SuiteFiles, judged::JudgeProtocol, registry, suite::SuiteRef};

use super::UnusableProtocol;

/// Longer protocol files are refused.
const MAX_PROTOCOL_BYTES: u64 = 1 << 20;

/// The protocol with this id; `None` if no suite has it.
///
/// # Errors
/// If the script that it takes its words from was not fetched.
pub fn named_protocol(id: &str, files: &SuiteFiles) -> Result<Option<JudgeProtocol>, UnusableProtocol> {
    match registry::protocols().into_iter().find(|(known, _)| *known == id) {
        Some((_, suite)) => Ok(suite.protocol(id, files)?),
        None => Ok(registry::own_cases().protocol(id, files)?),
    }
}

/// The protocol of this name or in this file, else those that the suite asks by.
///
/// # Errors
/// If the file is not a protocol, no judge scores the suite, or its script was not fetched.
pub fn load_protocols(
    suite: SuiteRef,
    named: Option<&Path>,
    files: &SuiteFiles,
) -> Result<Vec<JudgeProtocol>, UnusableProtocol> {
    if let Some(named) = named {
        return match named_protocol(&named.to_string_lossy(), files)? {
            Some(protocol) => Ok(vec![protocol]),
            None => Ok(vec![read_protocol(named)?]),
        };
    }
    let judged = suite.judged().ok_or(UnusableProtocol::NoJudge { suite: suite.id() })?;
    let asked = judged.asked.iter().map(|id| suite.protocol(id, files));
    Ok(asked.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// The protocol in a TOML file.
///
/// # Errors
/// If it cannot be read, or is not a protocol.
pub fn read_protocol(path: &Path) -> Result<JudgeProtocol, UnusableProtocol> {
    let text = imgeval_files::read_hand_written(path, MAX_PROTOCOL_BYTES, "the protocol")?;
    JudgeProtocol::from_toml(&text).map_err(|error| UnusableProtocol::NotOne { path: path.to_owned(), error })
}

/// Refuses a protocol of another suite.
///
/// # Errors
/// If it is one, or no judge scores the suite.
pub fn check_fits(protocol: &JudgeProtocol, suite: SuiteRef) -> Result<(), UnusableProtocol> {
    let judged = suite.judged().ok_or(UnusableProtocol::NoJudge { suite: suite.id() })?;
    if protocol.suite == judged.protocol_suite {
        return Ok(());
    }
    let (protocol, of) = (protocol.label(), protocol.suite.to_string());
    Err(UnusableProtocol::OtherSuite { protocol, of, suite: suite.id() })
}
