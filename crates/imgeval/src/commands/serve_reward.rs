//! `imgeval serve-reward`: answers training code that asks for GenEval's rewards.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use imgeval_observe::{DetectorRewarder, load_observer};
use imgeval_rewards::server::{self, ServerOptions};
use imgeval_vision::DecodeLimits;

use crate::{args::scoring::ServeRewardArgs, exit_code::Exit, failure::CommandError, printer::Printer};

/// Far more than a secret needs.
const MAX_TOKEN_BYTES: u64 = 4096;

pub(super) fn serve_reward(args: &ServeRewardArgs, printer: Printer) -> Result<Exit> {
    let options = ServerOptions {
        token: args.token_file.as_deref().map(read_token).transpose()?,
        max_body_bytes: usize::try_from(args.max_body).unwrap_or(usize::MAX),
        max_requests: args.max_requests,
        semantics: args.semantics.name(),
    };
    let loaded = load_observer(&args.detector.settings())?;
    loaded.observer.check_canaries().context("the detector does not work as it should")?;
    let limits = DecodeLimits { max_pixels: args.limit.for_generated() };
    let rewarder = Arc::new(DetectorRewarder::new(loaded, args.semantics.into(), limits));
    let runtime = tokio::runtime::Runtime::new().context("could not start the server")?;
    runtime.block_on(async {
        let listener = server::listen(args.listen, &options).await.map_err(|error| match error {
            server::ServerError::NeedsToken { .. } => anyhow::Error::from(
                CommandError::usage(error.to_string())
                    .with_hint("pass --token-file FILE, or --listen with an address of this machine"),
            ),
            error => error.into(),
        })?;
        let address = listener.local_addr().context("could not read the server's address")?;
        printer.insist(format_args!(
            "serve-reward: http://{address}/ answers with {} rewards; press Ctrl-C to stop",
            options.semantics
        ));
        let end = async { drop(tokio::signal::ctrl_c().await) };
        server::serve(listener, rewarder, options, end).await?;
        Ok(Exit::Ok)
    })
}

fn read_token(path: &Path) -> Result<String> {
    let text = imgeval_files::read_text(path, MAX_TOKEN_BYTES)
        .with_context(|| format!("could not read `{}`", path.display()))?;
    match text.trim() {
        "" => Err(CommandError::usage(format!("`{}` is empty", path.display())).into()),
        token => Ok(token.to_owned()),
    }
}
