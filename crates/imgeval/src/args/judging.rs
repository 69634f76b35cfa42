//! Arguments of commands that let judges look at images, or people.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{Args, Subcommand, builder::FalseyValueParser};
use imgeval_core::{FailureKind, Usd};
use imgeval_observe::EditWeights;
use imgeval_suites::{files::FetchedSource, suite::SuiteRef};

use super::{
    DetectorArgs, SuitesDirArg,
    generation::{parse_dollars, parse_seconds},
    suites,
};
use crate::environment;

/// Who judges, and how.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Who judges the images: openai:MODEL, gemini:MODEL, a provider of imgeval.toml, or a server that speaks OpenAI's
    /// chat completions, such as http://127.0.0.1:8000/v1#MODEL; may be given several times
    #[arg(long = "judge", value_name = "JUDGE")]
    pub(crate) judges: Vec<String>,
    /// Protocol instead of the suite's own: wise-legacy-strict or wise-verified-strict, which read replies more carefully than
    /// the official scripts, or a file with other wording, decoding or image preparation (see `imgeval protocol show`)
    #[arg(long, requires = "judges", value_name = "ID|FILE")]
    pub(crate) protocol: Option<PathBuf>,
    /// Ask each question so often: how far the answers differ is the judge's own noise
    #[arg(long, requires = "judges", value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) judge_repeats: u32,
    /// Ask again with the two images in the other order, where the protocol shows two: what changes is position bias
    #[arg(long, requires = "judges")]
    pub(crate) swap_order: bool,
    /// Run whose images the same judge has judged before: they are judged again, to see whether the judge has changed
    #[arg(long, requires = "judges", value_name = "RUN")]
    pub(crate) anchors: Option<PathBuf>,
    /// Only what ended like this before is judged again, such as unparsed,timed-out
    #[arg(long, requires = "judges", value_name = "OUTCOME,...", value_delimiter = ',', value_parser = parse_failure)]
    pub(crate) only: Option<Vec<FailureKind>>,
    /// Stop, with exit code 7, before the run's whole cost passes this many US dollars. If they do not cover everything,
    /// up to 40 % are kept back: one call of 50 times the dearest cost so far (and at most 40 % of the limit), or several
    /// of 16 times, pass the limit by 10 % at most. If they do, a call dearer than all before can pass it
    #[arg(id = "judge_max_cost", long = "judge-max-cost", requires = "judges", value_name = "DOLLARS", value_parser = parse_dollars)]
    pub(crate) max_cost: Option<Usd>,
    /// Calls at the same time
    #[arg(long, requires = "judges", value_name = "N")]
    pub(crate) judge_concurrency: Option<NonZeroUsize>,
    /// File that holds the judge's API key, instead of the provider's environment variable
    #[arg(long, requires = "judges", value_name = "FILE")]
    pub(crate) judge_key_file: Option<PathBuf>,
    /// Seconds that one call may take
    #[arg(long, requires = "judges", value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) judge_timeout: Option<Duration>,
    /// Only say how many questions there are and what they would cost
    #[arg(id = "judge_dry_run", long = "judge-dry-run", requires = "judges")]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SuitesCommand {
    /// List the suites: cases, tags, source, licence, protocols, and whether their data are here
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        suites: SuitesDirArg,
    },
    /// Explain a suite: its cases, how they are scored, source and licence
    Show {
        #[arg(value_parser = suites::by_name())]
        suite: SuiteRef,
    },
    /// Fetch a suite's data and judge scripts, verifying checksums
    ///
    /// WISE comes from its authors' repository at a pinned commit, or from a clone or zip archive of it. Reason-Edit is
    /// distributed by hand only: download it and name its folder or zip archive.
    Fetch {
        #[arg(value_parser = suites::source_by_name())]
        suite: &'static FetchedSource,
        /// Folder or zip archive to take the files from, without the network
        #[arg(long, value_name = "DIR|ZIP")]
        from: Option<PathBuf>,
        /// Accept judge scripts of another version than the pinned one; their protocols name both checksums
        #[arg(long)]
        other_scripts: bool,
        /// Fetch anew what is there already, and replace it even if it is another version; without it, what was fetched
        /// before stays
        #[arg(long)]
        again: bool,
        /// Never touch the network
        #[arg(long, env = environment::OFFLINE, value_parser = FalseyValueParser::new())]
        offline: bool,
        #[command(flatten)]
        suites: SuitesDirArg,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProtocolCommand {
    /// List the judge protocols and whether they can be used here
    List {
        #[command(flatten)]
        suites: SuitesDirArg,
    },
    /// Print exactly what a judge would be sent for a case
    Show {
        /// wise-legacy, wise-verified, these with -strict, or reason-edit; or a protocol file
        #[arg(value_name = "ID|FILE")]
        id: String,
        /// Which case; without it the protocol itself is printed, as a file to start from
        #[arg(long, value_name = "ID")]
        case: Option<String>,
        /// Suite to take the case from [default: the protocol's]
        #[arg(long, value_parser = suites::by_name(), requires = "case")]
        suite: Option<SuiteRef>,
        #[command(flatten)]
        suites: SuitesDirArg,
    },
}

fn parse_failure(text: &str) -> Result<FailureKind, String> {
    FailureKind::from_code(text).ok_or_else(|| {
        let kinds = [
            FailureKind::Unparsed,
            FailureKind::TimedOut,
            FailureKind::Transport,
            FailureKind::Refused,
            FailureKind::Moderated,
            FailureKind::EmptyReply,
            FailureKind::RejectedRequest,
            FailureKind::Interrupted,
        ];
        let codes: Vec<&str> = kinds.iter().map(|kind| kind.code()).collect();
        format!("must be one of {}", codes.join(", "))
    })
}

#[derive(Debug, Args)]
pub(crate) struct LabelArgs {
    /// Run directory
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Your name; several people may label one run, each in an order of their own [default: the page asks]
    #[arg(long, value_name = "NAME")]
    pub(crate) rater: Option<String>,
    /// Port on this machine; 0 takes any that is free
    #[arg(long, value_name = "N", default_value_t = 8737)]
    pub(crate) port: u16,
}

/// Networks that measure edits, of Reason-Edit alone; CLIP is that of the detector's options.
#[derive(Debug, Args)]
pub(crate) struct MeterArgs {
    /// Reason-Edit: do not measure PSNR, SSIM, MSE, LPIPS and CLIPScore
    #[arg(long)]
    pub(crate) no_metrics: bool,
    /// SqueezeNet 1.1 of torchvision to use instead of the pulled one
    #[arg(long, value_name = "FILE")]
    pub(crate) lpips_trunk: Option<PathBuf>,
    /// Linear heads of LPIPS to use instead of the pulled ones
    #[arg(long, value_name = "FILE")]
    pub(crate) lpips_heads: Option<PathBuf>,
}

impl MeterArgs {
    /// With the options that they share with detectors.
    pub(crate) fn weights(&self, detector: &DetectorArgs) -> EditWeights {
        EditWeights {
            lpips_trunk: self.lpips_trunk.clone(),
            lpips_heads: self.lpips_heads.clone(),
            clip: detector.clip.clone(),
            compute: detector.compute.options(),
            places: detector.models.places(),
        }
    }
}
