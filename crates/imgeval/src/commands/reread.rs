//! `imgeval generate RUN --reread` and `imgeval observe RUN --reread`: kept replies are read anew, and nothing is sent.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::Result;
use imgeval_clients::{ProviderKind, reread_image, reread_words};
use imgeval_core::{EndpointMeta, ImageParameters, SizeRequest};
use imgeval_runner::{RereadImages, reread_images, reread_judgments};
use imgeval_settings::Settings;
use imgeval_store::{JudgedItem, Manifest, RunWriter};
use imgeval_vision::image_file::DecodeLimits;

use super::{holder, import::image_facts};
use crate::{
    args::{GenerateArgs, generation::SettingsFiles},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
    reread_table::{RereadTable, Wanted},
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
    RereadTable { summary: &summary, wanted: Wanted::Images }.print(args.json, printer)
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
    RereadTable { summary: &summary, wanted: Wanted::Judgments }.print(false, printer)
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
            return Err(CommandError::nothing("the run holds no replies: its images were imported"));
        };
        let Some(kind) = ProviderKind::from_name(&provider) else {
            let message = format!("this version knows no provider `{}`", imgeval_core::visible(&provider));
            return Err(CommandError::nothing(message));
        };
        if kind.is_local() {
            let message = format!("the run holds no replies: the provider `{kind}` works on this machine");
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
