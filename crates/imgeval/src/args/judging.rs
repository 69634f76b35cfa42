//! Arguments of commands in which judges or people score images.

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

/// Which judges to ask, and how.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Judge to score the images: openai:MODEL, gemini:MODEL, a provider from imgeval.toml, or a server with OpenAI's
    /// chat completions API such as http://127.0.0.1:8000/v1#MODEL; may be given several times
    #[arg(long = "judge", value_name = "JUDGE")]
    pub(crate) judges: Vec<String>,
    /// Protocol to use instead of the suite's own: wise-legacy-strict or wise-verified-strict, which read replies
    /// more strictly than the official scripts, or a file with other wording, decoding or image preparation (see
    /// `imgeval protocol show`)
    #[arg(long, requires = "judges", value_name = "ID|FILE")]
    pub(crate) protocol: Option<PathBuf>,
    /// Ask each question K times; the spread of the answers shows the judge's own noise
    #[arg(long, requires = "judges", value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) judge_repeats: u32,
    /// Ask again with the two images swapped, if the protocol shows two; changed answers show position bias
    #[arg(long, requires = "judges")]
    pub(crate) swap_order: bool,
    /// Run that the same judge has judged before: judge its images again to see whether the judge has changed
    #[arg(long, requires = "judges", value_name = "RUN")]
    pub(crate) anchors: Option<PathBuf>,
    /// Re-judge only these outcomes, such as unparsed,timed-out
    #[arg(long, requires = "judges", value_name = "OUTCOME,...", value_delimiter = ',', value_parser = parse_failure)]
    pub(crate) only: Option<Vec<FailureKind>>,
    /// Stop, with exit code 7, before the run's total cost exceeds this many US dollars. If the limit does not cover
    /// all calls, up to 40 % of it is held back: one call that costs 50 times the most expensive call so far (and at
    /// most 40 % of the limit), or several that cost 16 times as much, exceed the limit by at most 10 %. If the limit
    /// covers all calls, a call that costs more than any before can exceed it
    #[arg(id = "judge_max_cost", long = "judge-max-cost", requires = "judges", value_name = "DOLLARS", value_parser = parse_dollars)]
    pub(crate) max_cost: Option<Usd>,
    /// Maximum concurrent calls
    #[arg(long, requires = "judges", value_name = "N")]
    pub(crate) judge_concurrency: Option<NonZeroUsize>,
    /// File that holds the judge's API key, instead of the provider's environment variable
    #[arg(long, requires = "judges", value_name = "FILE")]
    pub(crate) judge_key_file: Option<PathBuf>,
    /// Time limit for one call, in seconds
    #[arg(long, requires = "judges", value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) judge_timeout: Option<Duration>,
    /// Print the number of questions and their estimated cost, without asking the judge
    #[arg(id = "judge_dry_run", long = "judge-dry-run", requires = "judges")]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SuitesCommand {
    /// List the suites: cases, tags, source, license, protocols, and whether their data are installed
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        suites: SuitesDirArg,
    },
    /// Explain a suite: its cases, how they are scored, source and license
    Show {
        #[arg(value_parser = suites::by_name())]
        suite: SuiteRef,
    },
    /// Fetch a suite's data and judge scripts, and verify checksums
    ///
    /// WISE comes from its authors' repository at a pinned commit, or from a clone or zip archive of it. Reason-Edit
    /// can only be downloaded by hand: pass its folder or zip archive with --from.
    Fetch {
        #[arg(value_parser = suites::source_by_name())]
        suite: &'static FetchedSource,
        /// Folder or zip archive to read the files from, without network access
        #[arg(long, value_name = "DIR|ZIP")]
        from: Option<PathBuf>,
        /// Accept judge scripts of a version other than the pinned one; their protocols name both checksums
        #[arg(long)]
        other_scripts: bool,
        /// Fetch again and replace existing data, even of another version; without this, existing data stay
        #[arg(long)]
        again: bool,
        /// Do not access the network
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
    /// Print exactly what is sent to a judge for a case
    Show {
        /// Protocol: wise-legacy, wise-verified, either with -strict, or reason-edit; or a protocol file
        #[arg(value_name = "ID|FILE")]
        id: String,
        /// Case to show; without it, print the protocol itself as a file to start from
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
    /// Your name; several people may label one run, each in their own order [default: the page asks]
    #[arg(long, value_name = "NAME")]
    pub(crate) rater: Option<String>,
    /// Local port; 0 picks a free one
    #[arg(long, value_name = "N", default_value_t = 8737)]
    pub(crate) port: u16,
}

/// Networks that measure edits, for Reason-Edit only; CLIP comes from the detector's options.
#[derive(Debug, Args)]
pub(crate) struct MeterArgs {
    /// Reason-Edit: skip PSNR, SSIM, MSE, LPIPS and CLIPScore
    #[arg(long)]
    pub(crate) no_metrics: bool,
    /// SqueezeNet 1.1 weights (torchvision) to use instead of the pulled ones
    #[arg(long, value_name = "FILE")]
    pub(crate) lpips_trunk: Option<PathBuf>,
    /// LPIPS linear heads to use instead of the pulled ones
    #[arg(long, value_name = "FILE")]
    pub(crate) lpips_heads: Option<PathBuf>,
}

impl MeterArgs {
    /// Combines these weights with the options shared with detectors.
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
