//! Threshold-free metrics.

use super::{Confusion, Defined, DetectionError, ScoredImage, Undefined, check_both, check_scores};

/// A point of the ROC curve: calling fake what scores at least `threshold`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// Infinite for the first point, at which nothing is called fake.
    pub threshold: f64,
    /// Share of real images that are called fake.
    pub fpr: f64,
    /// Share of fake images that are called fake.
    pub tpr: f64,
}

/// The best accuracy over all thresholds, which were chosen on the same images: an upper bound, no estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BestCut {
    /// Images that score at least this are called fake; infinite where calling nothing fake is best. Of equals the highest.
    pub threshold: f64,
    /// In [0, 1].
    pub accuracy: f64,
}

/// One way to cut the ranking: so many images of each class score at least `threshold`.
#[derive(Debug, Clone, Copy)]
struct Cut {
    threshold: f64,
    n_real: usize,
    n_fake: usize,
}

/// The images ranked by score, equal scores together; equal scores are one threshold.
#[derive(Debug, Clone)]
pub struct Cuts {
    /// From calling nothing fake to calling all fake.
    cuts: Vec<Cut>,
    n_real: usize,
    n_fake: usize,
}

impl Cuts {
    /// # Errors
    /// If there is no image, or a score is not finite.
    pub fn of(images: &[ScoredImage]) -> Result<Self, DetectionError> {
        check_scores(images)?;
        let mut sorted: Vec<(f64, bool)> = images.iter().map(|image| (image.score, image.is_fake)).collect();
        sorted.sort_by(|left, right| right.0.total_cmp(&left.0));
        let mut cut = Cut { threshold: f64::INFINITY, n_real: 0, n_fake: 0 };
        let mut cuts = vec![cut];
        #[expect(clippy::float_cmp, reason = "ties are scores that are equal to the last bit")]
        for tie in sorted.chunk_by(|left, right| left.0 == right.0) {
            let n_fake = tie.iter().filter(|(_, is_fake)| *is_fake).count();
            cut.threshold = tie[0].0;
            cut.n_fake += n_fake;
            cut.n_real += tie.len() - n_fake;
            cuts.push(cut);
        }
        Ok(Self { n_real: cut.n_real, n_fake: cut.n_fake, cuts })
    }

    fn check(&self) -> Defined<()> {
        check_both(self.n_real, self.n_fake)
    }

    fn point(&self, cut: &Cut) -> RocPoint {
        RocPoint {
            threshold: cut.threshold,
            fpr: cut.n_real as f64 / self.n_real as f64,
            tpr: cut.n_fake as f64 / self.n_fake as f64,
        }
    }

    /// The ROC curve, from (0, 0) to (1, 1), without the points that lie between two others at equal distances on a straight line
    /// (scikit-learn's `roc_curve` with `drop_intermediate`).
    ///
    /// # Errors
    /// If a class has no image.
    pub fn roc(&self) -> Defined<Vec<RocPoint>> {
        self.check()?;
        // scikit-learn looks for corners before it puts the point of the infinite threshold in front.
        let found = &self.cuts[1..];
        let is_corner = |place: usize| {
            let (Some(before), Some(after)) =
                (place.checked_sub(1).and_then(|before| found.get(before)), found.get(place + 1))
            else {
                return true;
            };
            let here = found[place];
            here.n_real - before.n_real != after.n_real - here.n_real
                || here.n_fake - before.n_fake != after.n_fake - here.n_fake
        };
        let corners =
            (0..found.len()).filter(|place| is_corner(*place)).map(|place| self.point(&found[place]));
        Ok(std::iter::once(self.point(&self.cuts[0])).chain(corners).collect())
    }

    /// Area under the ROC curve: the chance that a fake image scores higher than a real one, ties counted half.
    ///
    /// # Errors
    /// If a class has no image.
    pub fn auc(&self) -> Defined<f64> {
        self.check()?;
        let area = |pair: &[Cut]| {
            (pair[1].n_real - pair[0].n_real) as f64 * (pair[0].n_fake + pair[1].n_fake) as f64 / 2.0
        };
        let sum: f64 = self.cuts.windows(2).map(area).sum();
        Ok(sum / (self.n_real as f64 * self.n_fake as f64))
    }

    /// The sum over falling thresholds of precision times the recall gained, without interpolation (scikit-learn's
    /// `average_precision_score`). 1 without real images.
    ///
    /// # Errors
    /// If there is no fake image.
    pub fn average_precision(&self) -> Defined<f64> {
        if self.n_fake == 0 {
            return Err(Undefined::NoFakes);
        }
        let part = |pair: &[Cut]| {
            let precision = pair[1].n_fake as f64 / (pair[1].n_fake + pair[1].n_real) as f64;
            (pair[1].n_fake - pair[0].n_fake) as f64 / self.n_fake as f64 * precision
        };
        Ok(self.cuts.windows(2).map(part).sum())
    }

    /// The mean of false negative and false positive rate at the point of [`Self::roc`] where they differ least; of equals the first.
    ///
    /// # Errors
    /// If a class has no image.
    pub fn eer_nearest(&self) -> Defined<f64> {
        let mut best = (f64::INFINITY, 0.0);
        for RocPoint { fpr, tpr, .. } in self.roc()? {
            let fnr = 1.0 - tpr;
            if (fnr - fpr).abs() < best.0 {
                best = ((fnr - fpr).abs(), f64::midpoint(fnr, fpr));
            }
        }
        Ok(best.1)
    }

    /// The false positive rate at which the straight lines between the points of the ROC curve have an equal false negative rate.
    ///
    /// # Errors
    /// If a class has no image.
    pub fn eer_interpolated(&self) -> Defined<f64> {
        self.check()?;
        // The surplus of the false positive rate rises from -1 to 1.
        let surplus = |point: RocPoint| point.fpr - (1.0 - point.tpr);
        for pair in self.cuts.windows(2) {
            let (before, after) = (self.point(&pair[0]), self.point(&pair[1]));
            if surplus(after) >= 0.0 {
                let share = -surplus(before) / (surplus(after) - surplus(before));
                return Ok(before.fpr + share * (after.fpr - before.fpr));
            }
        }
        Ok(1.0)
    }

    /// The largest true positive rate at a threshold whose false positive rate is at most `limit`: a step, not interpolated.
    ///
    /// # Errors
    /// If a class has no image.
    pub fn tpr_at_fpr(&self, limit: f64) -> Defined<f64> {
        self.check()?;
        let allowed = self.cuts.iter().map(|cut| self.point(cut)).filter(|point| point.fpr <= limit);
        Ok(allowed.map(|point| point.tpr).fold(0.0, f64::max))
    }

    /// The true positive rate at a false positive rate of `limit` on the straight lines between the points of the ROC curve.
    ///
    /// # Errors
    /// If a class has no image.
    pub fn interpolated_tpr_at_fpr(&self, limit: f64) -> Defined<f64> {
        let last_within = |points: &[RocPoint]| points.partition_point(|point| point.fpr <= limit);
        self.check()?;
        let points: Vec<RocPoint> = self.cuts.iter().map(|cut| self.point(cut)).collect();
        let after = last_within(&points);
        let (Some(low), Some(high)) =
            (after.checked_sub(1).and_then(|place| points.get(place)), points.get(after))
        else {
            return Ok(points.last().map_or(0.0, |point| point.tpr));
        };
        Ok(low.tpr + (high.tpr - low.tpr) * (limit - low.fpr) / (high.fpr - low.fpr))
    }

    /// The threshold with most images called what they are.
    ///
    /// # Errors
    /// If a class has no image.
    pub fn best_accuracy(&self) -> Defined<BestCut> {
        let n = (self.n_real + self.n_fake) as f64;
        self.best(|cut| (self.n_real - cut.n_real + cut.n_fake) as f64 / n)
    }

    /// The threshold with the highest mean of both classes' accuracies.
    ///
    /// # Errors
    /// If a class has no image.
    pub fn best_balanced_accuracy(&self) -> Defined<BestCut> {
        self.best(|cut| {
            let point = self.point(cut);
            f64::midpoint(1.0 - point.fpr, point.tpr)
        })
    }

    fn best(&self, accuracy: impl Fn(&Cut) -> f64) -> Defined<BestCut> {
        self.check()?;
        let mut best = BestCut { threshold: f64::INFINITY, accuracy: 0.0 };
        for cut in &self.cuts {
            if accuracy(cut) > best.accuracy {
                best = BestCut { threshold: cut.threshold, accuracy: accuracy(cut) };
            }
        }
        Ok(best)
    }
}

/// UnivFD's best threshold and the accuracy strictly above it, as its evaluation reports them (Ojha, Li and Lee, CVPR 2023).
///
/// If no real image scores above a fake one, the middle between both; else, of the scores themselves, the one that as "at least this is
/// fake" gives the best accuracy, of equals the last in the order of reals and then fakes.
///
/// # Errors
/// If a class has no image or the classes differ in size, for which the rule is not made.
pub fn univfd_threshold(images: &[ScoredImage]) -> Defined<BestCut> {
    let of_class = |is_fake: bool| images.iter().filter(move |image| image.is_fake == is_fake);
    let (n_real, n_fake) = (of_class(false).count(), of_class(true).count());
    check_both(n_real, n_fake)?;
    if n_real != n_fake {
        return Err(Undefined::UnequalHalves);
    }
    let highest_real = of_class(false).map(|image| image.score).fold(f64::NEG_INFINITY, f64::max);
    let lowest_fake = of_class(true).map(|image| image.score).fold(f64::INFINITY, f64::min);
    let threshold = if highest_real <= lowest_fake {
        f64::midpoint(highest_real, lowest_fake)
    } else {
        let mut reals: Vec<f64> = of_class(false).map(|image| image.score).collect();
        let mut fakes: Vec<f64> = of_class(true).map(|image| image.score).collect();
        reals.sort_by(f64::total_cmp);
        fakes.sort_by(f64::total_cmp);
        let below = |sorted: &[f64], limit: f64| sorted.partition_point(|score| *score < limit);
        let n_right = |limit: f64| below(&reals, limit) + n_fake - below(&fakes, limit);
        let mut best = (0, 0.0);
        for image in of_class(false).chain(of_class(true)) {
            if n_right(image.score) >= best.0 {
                best = (n_right(image.score), image.score);
            }
        }
        best.1
    };
    Ok(BestCut { threshold, accuracy: Confusion::at(images, threshold).accuracy()? })
}
