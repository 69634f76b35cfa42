//! `imgeval serve-reward`: answers training code that asks for rewards.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use imgeval_clients::Secret;
use imgeval_forensics::Trunks;
use imgeval_observe::{
    AskedForensics, ClipReward, DetectorName, DetectorRewarder, ForensicsReward, Model, ObserverError,
    Rewards, ScoreReward, TextReward, given_or_pulled, load_forensics, load_observer, load_reader,
    sha256_of_weights,
};
use imgeval_rewards::server::{self, ServerError, ServerOptions, Token};
use imgeval_suites::geneval::Semantics;
use imgeval_vision::{DecodeLimits, clip::Clip};

use crate::{
    args::scoring::{NamedReward, RewardKind, ServeRewardArgs},
    exit_code::Exit,
    failure::CommandError,
    printer::Printer,
};

/// Far more than a secret needs.
const MAX_TOKEN_BYTES: u64 = 4096;

pub(super) fn serve_reward(args: &ServeRewardArgs, printer: Printer) -> Result<Exit> {
    let options = ServerOptions {
        token: args.token_file.as_deref().map(read_token).transpose()?,
        max_body_bytes: usize::try_from(args.max_body).unwrap_or(usize::MAX),
        max_requests: args.max_requests,
        n_parallel: args.parallel,
        max_cached: args.cache,
        semantics: args.semantics.map(Into::into),
        log: Arc::new(move |line| printer.insist(format_args!("serve-reward: {line}"))),
    };
    let runtime = tokio::runtime::Runtime::new().context("could not start the server")?;
    // Before the weights are loaded, which takes longest.
    let listener = runtime.block_on(server::listen(args.listen, options.token.is_some()));
    let listener = listener.map_err(|error| match error {
        ServerError::NeedsToken { .. } => anyhow::Error::from(
            CommandError::usage(error.to_string())
                .with_hint("pass --token-file FILE, or --listen with an address of this machine"),
        ),
        error @ ServerError::Listen { .. } => error.into(),
    })?;
    let rewards = Arc::new(load_rewards(args)?);
    let address = listener.local_addr().context("could not read the server's address")?;
    let semantics = options.semantics.map_or("each framework's own", |semantics| semantics.name());
    printer.insist(format_args!(
        "serve-reward: listening on http://{address}/ ({semantics} semantics); press Ctrl-C to stop"
    ));
    let end = async { drop(tokio::signal::ctrl_c().await) };
    runtime.block_on(server::serve(listener, rewards, options, end));
    Ok(Exit::Ok)
}

fn load_rewards(args: &ServeRewardArgs) -> Result<Rewards> {
    let (places, compute) = (args.detector.models.places(), args.detector.compute.options());
    let limits = DecodeLimits { max_pixels: args.limit.for_generated() };
    let geneval = [NamedReward { name: "geneval".to_owned(), reward: RewardKind::Geneval }];
    let asked = if args.rewards.is_empty() { geneval.as_slice() } else { &args.rewards };
    let mut names: Vec<&str> = asked.iter().map(|asked| asked.name.as_str()).collect();
    names.sort_unstable();
    if let Some([name, _]) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(CommandError::usage(format!("two rewards are called `{name}`"))
            .with_hint("name them: --reward NAME=REWARD")
            .into());
    }
    let gives_clip_score = asked.iter().any(|asked| matches!(asked.reward, RewardKind::ClipScore));
    let trunks = Trunks::default();
    let mut rewards = Rewards::new(limits);
    for NamedReward { name, reward } in asked {
        let score: Box<dyn ScoreReward> = match reward {
            RewardKind::Geneval => {
                let mut settings = args.detector.settings();
                if settings.detector == DetectorName::Preview && gives_clip_score {
                    // --clip is for the other reward.
                    settings.clip = None;
                }
                let loaded = load_observer(&settings)?;
                loaded.observer.check_canaries().context("the detector does not work as it should")?;
                let semantics = args.semantics.map_or(Semantics::Exact, Into::into);
                rewards = rewards.with_geneval(DetectorRewarder::new(loaded, semantics, limits));
                continue;
            }
            RewardKind::Text => Box::new(TextReward(load_reader(&places)?)),
            RewardKind::ClipScore => {
                let path = given_or_pulled(args.detector.clip.as_deref(), Model::Clip, &places)?;
                let clip = Clip::load(&path, &compute).map_err(ObserverError::from)?;
                Box::new(ClipReward { clip, weights_sha256: sha256_of_weights(&path, &places.models_dir)? })
            }
            RewardKind::Forensics(description) => {
                let asked = AskedForensics { description, pipeline: None, files: Vec::new() };
                let loaded = load_forensics(&asked, &trunks, &places, compute)?;
                Box::new(ForensicsReward { loaded, limits })
            }
        };
        rewards = rewards.with_score(name.clone(), score);
    }
    Ok(rewards)
}

fn read_token(path: &Path) -> Result<Token> {
    let text = imgeval_files::read_text(path, MAX_TOKEN_BYTES)
        .with_context(|| format!("could not read `{}`", path.display()))?;
    match Secret::parse_key(&text) {
        Ok(secret) => Ok(Token::new(secret.expose().to_owned())),
        Err(problem) => Err(CommandError::usage(format!("`{}` {problem}", path.display())).into()),
    }
}
