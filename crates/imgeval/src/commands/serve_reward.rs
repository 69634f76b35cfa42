//! `imgeval serve-reward`: answers training code that asks for GenEval's rewards.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use imgeval_clients::Secret;
use imgeval_observe::{DetectorRewarder, load_observer};
use imgeval_rewards::server::{self, ServerError, ServerOptions, Token};
use imgeval_vision::DecodeLimits;

use crate::{args::scoring::ServeRewardArgs, exit_code::Exit, failure::CommandError, printer::Printer};

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
        main_score: None,
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
    let loaded = load_observer(&args.detector.settings())?;
    loaded.observer.check_canaries().context("the detector does not work as it should")?;
    let limits = DecodeLimits { max_pixels: args.limit.for_generated() };
    let rewarder = Arc::new(DetectorRewarder::new(loaded, limits));
    let address = listener.local_addr().context("could not read the server's address")?;
    let semantics = options.semantics.map_or("each framework's own", |semantics| semantics.name());
    printer.insist(format_args!(
        "serve-reward: listening on http://{address}/ ({semantics} semantics); press Ctrl-C to stop"
    ));
    let end = async { drop(tokio::signal::ctrl_c().await) };
    runtime.block_on(server::serve(listener, rewarder, options, end));
    Ok(Exit::Ok)
}

fn read_token(path: &Path) -> Result<Token> {
    let text = imgeval_files::read_text(path, MAX_TOKEN_BYTES)
        .with_context(|| format!("could not read `{}`", path.display()))?;
    match Secret::parse_key(&text) {
        Ok(secret) => Ok(Token::new(secret.expose().to_owned())),
        Err(problem) => Err(CommandError::usage(format!("`{}` {problem}", path.display())).into()),
    }
}
