//! What can be said about the judges of a run, as tables show it.

use imgeval_metrics::{Agreement, Drift};
use imgeval_report::trust::{AnchorsView, DisputeView, DriftView, JudgeName, NoiseView, PairView, TrustView};

use crate::{Anchored, Dispute, JudgeReplies, Pair, Trust, view::interval_view};

impl Trust<'_> {
    /// In the form that tables show.
    #[must_use]
    pub fn view(&self) -> TrustView {
        let noise = self.noise.iter().map(|(judge, noise)| NoiseView {
            judge: name_of(judge),
            n_images: noise.n,
            standard_deviation: noise.standard_deviation,
            flip_share: noise.flip_share,
        });
        TrustView {
            pairs: self.pairs.iter().map(pair_view).collect(),
            noise: noise.collect(),
            anchors: self.anchors.iter().map(anchors_view).collect(),
            disputed: self.disputed.iter().map(dispute_view).collect(),
        }
    }
}

fn name_of(judge: &JudgeReplies) -> JudgeName {
    JudgeName { id: judge.id.clone(), title: judge.title() }
}

fn pair_view(Pair { judges, scale, agreement }: &Pair<'_>) -> PairView {
    let Agreement { n, exact, within_one, kappa, linear_kappa, quadratic_kappa, spearman, kendall } =
        *agreement;
    PairView {
        judges: judges.map(name_of),
        scale: (*scale).to_owned(),
        n_images: n,
        exact,
        within_one,
        kappa,
        linear_kappa,
        quadratic_kappa,
        spearman,
        kendall,
    }
}

fn anchors_view(anchored: &Anchored<'_>) -> AnchorsView {
    let drift = |Drift { difference, noise_limit, is_beyond_noise }| DriftView {
        difference: difference.value,
        interval: difference.interval,
        noise_limit,
        is_beyond_noise,
    };
    AnchorsView {
        judge: name_of(anchored.judge),
        n: anchored.n,
        drift: anchored.drift.map(drift),
        widened: anchored.widened.map(interval_view),
    }
}

fn dispute_view(Dispute { sample, spread, values }: &Dispute<'_>) -> DisputeView {
    // Many stand in one line.
    let value = |(judge, value): &(&JudgeReplies, f64)| {
        (JudgeName { id: judge.id.clone(), title: judge.short_title() }, *value)
    };
    DisputeView { sample: sample.to_string(), spread: *spread, values: values.iter().map(value).collect() }
}
