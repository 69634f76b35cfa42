//! `imgeval protocol`: what judges are asked.

use std::path::Path;

use anyhow::{Context as _, Result};
use imgeval_core::{ContentHash, Failure, ImageFormat, InputImage, QuestionPart, visible_lines};
use imgeval_observe::{check_fits, load_protocols, make_question, named_protocol, read_protocol};
use imgeval_report::tables::terminal::{Column, Row, Table};
use imgeval_suites::{
    files::SuiteFiles,
    judged::{Attachment, JudgeProtocol, find_retired_judge},
    registry,
    suite::SuiteRef,
};

use crate::{
    advice::judging::no_judge,
    args::{SuiteArgs, SuitesDirArg, judging::ProtocolCommand},
    exit_code::Exit,
    failure::{CommandError, render_error},
    printer::Printer,
};
use imgeval_generation::CaseSet;

pub(super) fn protocol(command: &ProtocolCommand, printer: Printer) -> Result<Exit> {
    match command {
        ProtocolCommand::List { suites } => list(suites, printer),
        ProtocolCommand::Show { id, case, suite, suites } => {
            let protocol = find(id, &suites.files())?;
            match case {
                None => {
                    let text = protocol.to_toml().context("could not save the protocol")?;
                    printer.data(text)?;
                }
                Some(case) => show_case(&protocol, case, *suite, suites, printer)?,
            }
            Ok(Exit::Ok)
        }
    }
}

fn find(id: &str, files: &SuiteFiles) -> Result<JudgeProtocol> {
    if let Some(protocol) = named_protocol(id, files)? {
        return Ok(protocol);
    }
    match registry::find(id) {
        Some(suite) => {
            let own = load_protocols(suite, None, files)?.into_iter().next();
            Ok(own.ok_or_else(|| no_judge(suite))?)
        }
        None if Path::new(id).is_file() => Ok(read_protocol(Path::new(id))?),
        None => {
            let ids = registry::protocols().into_iter().map(|(id, _)| id);
            Err(CommandError::usage(format!("`{id}` is neither a protocol nor a file"))
                .with_hint(format!("available protocols: {}", ids.collect::<Vec<_>>().join(", ")))
                .into())
        }
    }
}

fn list(suites: &SuitesDirArg, printer: Printer) -> Result<Exit> {
    let files = suites.files();
    let mut table = Table::new([
        Column::text("protocol"),
        Column::text("judge of published scores").wrapped(),
        Column::text("asked again").normal(),
        Column::text("replies").normal(),
        Column::text("hash").wide_only(),
        Column::text("wording").wrapped().normal(),
    ]);
    for (id, _) in registry::protocols() {
        match named_protocol(id, &files) {
            Ok(None) => continue,
            Ok(Some(protocol)) => table.push(Row::new([
                protocol.label(),
                match find_retired_judge(&protocol.judge_pin) {
                    Some(retired) => format!("{} (retired since {})", retired.model, retired.since),
                    None => protocol.judge_pin.clone(),
                },
                format!("{} times", protocol.max_tries - 1),
                protocol.reply.name().to_owned(),
                protocol.hash().as_str()[..12].to_owned(),
                protocol.wording_source.clone(),
            ])),
            Err(error) => {
                let text = render_error(&error.into()).text.replace('\n', ";");
                table.push(Row::new([
                    id.to_owned(),
                    String::new(),
                    String::new(),
                    String::new(),
                    String::new(),
                    text,
                ]))
            }
        };
    }
    printer.table(&table)?;
    Ok(Exit::Ok)
}

fn show_case(
    protocol: &JudgeProtocol,
    id: &str,
    suite: Option<SuiteRef>,
    suites: &SuitesDirArg,
    printer: Printer,
) -> Result<()> {
    let suite = suite.or_else(|| registry::find_judged(&protocol.suite));
    let suite =
        suite.ok_or_else(|| CommandError::usage("the protocol does not name a suite; use --suite"))?;
    check_fits(protocol, suite)?;
    let mut set = CaseSet::of_suite(suite, &suites.files(), &SuiteArgs::default().parameters(suite)?)?;
    set.select(&[id.to_owned()], &[], None)?;
    let case = set.cases.first().ok_or_else(|| CommandError::usage(format!("no case has the id `{id}`")))?;
    // Stands for images, which are not shown here.
    let placeholder = |attachment: Attachment| -> Result<Vec<InputImage>, Failure> {
        Ok(vec![InputImage {
            hash: ContentHash::of(attachment.name().as_bytes()),
            format: ImageFormat::Png,
            bytes: Vec::new().into(),
        }])
    };
    let unprepared = JudgeProtocol { preparation: Default::default(), ..protocol.clone() };
    let question = make_question(&unprepared, &suite.fields(&protocol.id, case), placeholder)
        .map_err(|failure| CommandError::usage(failure.detail))?;
    let mut text = format!("protocol: {} [{}]\n", protocol.label(), &protocol.hash().as_str()[..12]);
    text.push_str(&format!("decoding: {}\n", question.decoding));
    text.push_str(&format!("images:   {}\n", protocol.preparation));
    if let Some(system) = &question.system {
        text.push_str(&format!("\n--- system ---\n{system}\n"));
    }
    for part in &question.parts {
        match part {
            QuestionPart::Text(words) => text.push_str(&format!("\n--- text ---\n{words}\n")),
            QuestionPart::Image(image) => {
                let is_shown =
                    |attachment: &Attachment| image.hash == ContentHash::of(attachment.name().as_bytes());
                let which = Attachment::ALL.into_iter().find(is_shown).map_or("image", Attachment::title);
                text.push_str(&format!("\n--- image: the {which} ---\n"));
            }
            QuestionPart::Assistant(words) => {
                text.push_str(&format!("\n--- the judge's own words ---\n{words}\n"));
            }
        }
    }
    printer.data(visible_lines(&text))
}
