//! `imgeval generate RUN --reread` and `imgeval observe RUN --reread`: re-reads stored replies without sending
//! anything.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::Result;
use imgeval_clients::{ProviderKind, reread_image, reread_words};
use imgeval_core::{EndpointMeta, FailureKind, ImageParameters, SampleId, SizeRequest};
use imgeval_report::{
    reread::{ChangedView, RereadKind, RereadView},
    schema::Schema,
    tables::{reread_json, reread_text},
};
use imgeval_runner::{RereadImages, RereadSummary, reread_images, reread_judgments};
use imgeval_settings::Settings;
use imgeval_store::{JudgedItem, Manifest, RunWriter};
use imgeval_vision::image_file::DecodeLimits;

use super::{holder, import::image_facts};
use crate::{
    args::{GenerateArgs, generation::SettingsFiles},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

pub(super) fn reread_generated(run: &Path, args: &GenerateArgs, printer: Printer) -> Result<Exit> {
    let settings = Settings::load(&args.generation.provider.files.named())?;
    let mut run = RunWriter::open(run, &holder("generate"))?;
    let Asked { kind, model, parameters } = Asked::by(run.manifest())?;
    let entry = settings.catalogue.find(kind, &model);
    let limits = DecodeLimits { max_pixels: args.limit.for_generated() };
    let summary = reread_images(
        &mut run,
        &RereadImages {
            wanted: parameters.size,
            decode: Arc::new(move |bytes| image_facts(bytes, &limits)),
            read: &|status, text| reread_image(kind, &model, entry, &parameters, status, text),
        },
    )?;
    print(&view_of(&summary, RereadKind::Images), args.json, printer)
}

pub(super) fn reread_judged(run: &Path, files: &SettingsFiles, printer: Printer) -> Result<Exit> {
    let settings = Settings::load(&files.named())?;
    let mut run = RunWriter::open(run, &holder("observe"))?;
    // People are judges too, and their words are not read from replies.
    let judges: BTreeMap<String, (ProviderKind, String)> = run
        .judges()?
        .into_iter()
        .filter_map(|judge| {
            let EndpointMeta { provider, model, .. } = &judge.identity.judge;
            Some((judge.identity.id(), (ProviderKind::from_name(provider)?, model.clone())))
        })
        .collect();
    if judges.is_empty() {
        let message = "no judge was asked about the images of this run";
        return Err(CommandError::nothing(message).into());
    }
    let read = |item: &JudgedItem, status: u16, text: &str| {
        let (kind, model) = judges.get(&item.judge_id)?;
        reread_words(*kind, model, settings.catalogue.find(*kind, model), status, text)
    };
    let summary = reread_judgments(&mut run, &read)?;
    print(&view_of(&summary, RereadKind::Judgments), false, printer)
}

fn print(view: &RereadView, as_json: bool, printer: Printer) -> Result<Exit> {
    let advice = "--reread sends nothing; run `imgeval generate` to ask again";
    printer.data(match as_json {
        true => format!("{:#}\n", Schema::Reread.stamp(reread_json(view))),
        false => reread_text(view, advice),
    })?;
    Ok(if view.n_left() == 0 { Exit::Ok } else { Exit::Partial })
}

fn view_of(summary: &RereadSummary, kind: RereadKind) -> RereadView {
    let ids = |ids: &[SampleId]| ids.iter().map(SampleId::to_string).collect();
    let counts = |counts: &BTreeMap<FailureKind, usize>| {
        counts.iter().map(|(kind, n)| (kind.code().to_owned(), *n)).collect()
    };
    let changed = summary.changed.iter().map(|(id, failure)| ChangedView {
        sample: id.to_string(),
        outcome: failure.kind.code().to_owned(),
        detail: failure.detail.clone(),
    });
    RereadView {
        kind,
        recovered: ids(&summary.recovered),
        changed: changed.collect(),
        unchanged: counts(&summary.unchanged),
        addresses: ids(&summary.addresses),
        without_reply: counts(&summary.without_reply),
    }
}

/// Whom the run's images were asked of, and what of the request tells how to read the replies.
struct Asked {
    kind: ProviderKind,
    model: String,
    parameters: ImageParameters,
}

impl Asked {
    fn by(manifest: &Manifest) -> Result<Self, CommandError> {
        let fact = |name: &str| manifest.generation.get(name).cloned();
        let (Some(provider), Some(model)) = (fact("provider"), fact("model")) else {
            return Err(CommandError::nothing("the run contains no replies: its images were imported"));
        };
        let Some(kind) = ProviderKind::from_name(&provider) else {
            let message = format!("unknown provider `{}`", imgeval_core::visible(&provider));
            return Err(CommandError::nothing(message));
        };
        if kind.is_local() {
            let message = format!("the run contains no replies: the provider `{kind}` runs on this machine");
            return Err(CommandError::nothing(message));
        }
        let parameters = ImageParameters {
            size: fact("size").as_deref().and_then(SizeRequest::parse),
            quality: fact("quality"),
            ..ImageParameters::default()
        };
        Ok(Self { kind, model, parameters })
    }
}
