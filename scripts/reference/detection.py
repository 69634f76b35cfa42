"""Reference values for imgeval-metrics' evaluation of detectors: scikit-learn and NumPy.

    python scripts/reference/detection.py > crates/imgeval-metrics/tests/fixtures/detection.txt

Each case: a line `case NAME`, then lines `NAME NUMBERS`. Numbers that are 0 / 0 are left out.
"""

import numpy as np
import sklearn
from sklearn import metrics

generator = np.random.default_rng(11)


def line(name, values, digits=12):
    print(name, *(f"{value:.{digits}g}" for value in np.ravel(values).astype(float)))


def case(name, labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    called = scores > 0.5
    print("case", name)
    line("labels", labels)
    line("scores", scores)
    real, fake = labels == 0, labels == 1
    line("confusion", metrics.confusion_matrix(labels, called))
    line("accuracies", [metrics.accuracy_score(labels, called), np.mean(~called[real]), np.mean(called[fake]),
                        metrics.balanced_accuracy_score(labels, called)])
    line("f1", metrics.f1_score(labels, called))
    if called.any():
        line("precision", metrics.precision_score(labels, called))
    if 0 < called.sum() < len(called):
        line("mcc", metrics.matthews_corrcoef(labels, called))
    line("average-precision", metrics.average_precision_score(labels, scores))
    line("auc", metrics.roc_auc_score(labels, scores))
    false, true, thresholds = metrics.roc_curve(labels, scores)
    line("roc-fpr", false)
    line("roc-tpr", true)
    line("roc-thresholds", thresholds[1:])
    nearest = np.argmin(np.abs(1 - true - false))
    line("eer-nearest", (1 - true[nearest] + false[nearest]) / 2)
    false, true, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    line("tpr-at-fpr", [true[false <= limit].max() for limit in (0.01, 0.05, 0.1)])
    cuts = np.r_[scores, np.inf]
    line("best", [max(np.mean((scores >= cut) == labels) for cut in cuts),
                  max(metrics.balanced_accuracy_score(labels, scores >= cut) for cut in cuts)])
    line("brier", metrics.brier_score_loss(labels, scores))
    truth = np.where(fake, scores, 1 - scores)
    if (truth > 0).all():
        line("cllr", (np.mean(-np.log2(truth[real])) + np.mean(-np.log2(truth[fake]))) / 2)


print(f"# scikit-learn {sklearn.__version__}, numpy {np.__version__}")
labels = generator.permutation(np.r_[np.zeros(24, int), np.ones(18, int)])
case("overlapping", labels, np.round(1 / (1 + np.exp(-generator.normal(2 * labels - 1, 1.2))), 6))
case("ties", labels, np.round(np.clip(generator.normal(0.4 + 0.3 * labels, 0.3), 0, 1), 1))
case("equal", [0, 0, 1, 1], [0.5] * 4)
case("separable", [0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.2, 0.3, 0.8, 0.9])
case("inverted", [0, 0, 0, 1, 1, 1], [0.7, 0.9, 0.6, 0.2, 0.1, 0.65])
