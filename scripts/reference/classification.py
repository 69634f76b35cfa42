"""Reference values for imgeval-metrics' logistic regression and classification: scikit-learn, SciPy and NumPy.

    python scripts/reference/classification.py > crates/imgeval-metrics/tests/fixtures/classification.txt

Each case: a line `case NAME`, then lines `NAME NUMBERS`.
"""

import warnings

import numpy as np
import scipy
import sklearn
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import norm
from sklearn.covariance import ledoit_wolf
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, brier_score_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

generator = np.random.default_rng(3)


def line(name, values, digits=12):
    print(name, *(f"{value:.{digits}g}" for value in np.ravel(values).astype(float)))


def data(n, n_features, n_classes, separation):
    labels = np.sort(generator.permutation(np.arange(n) ** 2 // n * n_classes // n))
    centres = generator.normal(0, separation, (n_classes, n_features))
    mixing = generator.normal(0, 1, (n_features, n_features)) * np.geomspace(1, 0.05, n_features)
    rows = (centres[labels] + generator.normal(0, 1, (n, n_features)) @ mixing + 5 * np.arange(n_features)).astype(np.float32)
    # Rounded, so that the file stays small; as 32-bit floats, as they are read.
    return np.round(rows, 3).astype(np.float32), labels


def logistic(name, n, n_features, n_classes, penalty, balanced):
    rows, labels = data(n, n_features, n_classes, 0.7)
    rows[:, -1] = 7.25
    print("case", name)
    line("shape", [n_features, n_classes, penalty, balanced])
    line("rows", rows, 7)
    line("labels", labels)
    scaler = StandardScaler().fit(rows.astype(np.float64))
    scaled = scaler.transform(rows.astype(np.float64))
    model = LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=100_000, class_weight="balanced" if balanced else None)
    model.fit(scaled, labels)
    line("sample-weights", compute_sample_weight("balanced", labels)[:: max(1, n // 10)])
    line("mean", scaler.mean_)
    line("scale", scaler.scale_)
    line("weights", model.coef_)
    line("intercepts", model.intercept_)
    line("probabilities", model.predict_proba(scaled)[:20])
    logits = model.decision_function(scaled)[:20]
    logits = np.stack([-logits / 2, logits / 2], 1) if n_classes == 2 else logits
    line("energy", -logsumexp(logits, axis=1))


def ranked(name, n, n_classes, ties):
    labels = generator.integers(0, n_classes, n)
    logits = generator.normal(0, 1, (n, n_classes)) + 1.2 * np.eye(n_classes)[labels]
    probabilities = softmax(logits, axis=1)
    if ties:
        probabilities[:, 1] = np.round(probabilities[:, 1], 1)
        probabilities[:, 0] = 1 - probabilities[:, 1]
    print("case", name)
    line("shape", [n_classes])
    line("probabilities", probabilities)
    line("labels", labels)
    answers = probabilities.argmax(1)
    scores = probabilities[:, 1] if n_classes == 2 else probabilities
    auc = roc_auc_score(labels, scores, multi_class="ovr")
    line("measures", [accuracy_score(labels, answers), balanced_accuracy_score(labels, answers), auc])
    truth = labels == 1 if n_classes == 2 else labels
    line("brier", [brier_score_loss(truth, scores)])
    confidences = probabilities.max(1)
    right = answers == labels
    bins = np.minimum((confidences * 10).astype(int), 9)
    gaps = [abs(confidences[bins == place].mean() - right[bins == place].mean()) * np.mean(bins == place)
            for place in np.unique(bins)]
    line("calibration-error", [sum(gaps)])
    line("histogram", np.histogram(confidences, bins=np.arange(11) / 10)[0])
    line("logits", 3 * logits)

    def loss(inverse):
        return -log_softmax(3 * logits * inverse, axis=1)[np.arange(n), labels].mean()

    best = minimize_scalar(loss, bounds=(0.01, 10), method="bounded", options={"xatol": 1e-12})
    line("temperature", [1 / best.x])
    isotonic = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(confidences, right)
    asked = np.concatenate([np.linspace(-0.1, 1.1, 25), confidences[:5]])
    line("asked", asked)
    line("isotonic", isotonic.predict(asked))


def distance(name, n, n_features, n_classes):
    rows, labels = data(n, n_features, n_classes, 1.5)
    print("case", name)
    line("shape", [n_features, n_classes])
    line("rows", rows, 7)
    line("labels", labels)
    scaler = StandardScaler().fit(rows.astype(np.float64))
    scaled = scaler.transform(rows.astype(np.float64))
    means = np.stack([scaled[labels == label].mean(0) for label in range(n_classes)])
    covariance, shrinkage = ledoit_wolf(scaled - means[labels], assume_centered=True)
    line("shrinkage", [shrinkage])
    asked = np.round(rows[::7] + generator.normal(0, 2, rows[::7].shape), 3).astype(np.float32)
    line("asked", asked, 7)
    apart = scaler.transform(asked.astype(np.float64))[:, None] - means[None]
    line("scores", np.einsum("nci,ij,ncj->nc", apart, np.linalg.inv(covariance), apart).min(1))


def auc_intervals():
    """Newcombe 2006, method 5: the variance at the value itself, solved for the values 1.96 standard errors away."""
    print("case auc-intervals")
    intervals = []
    for auc, positives, negatives in [(0.5, 10, 10), (0.8, 7, 30), (0.97, 40, 60), (1.0, 5, 5), (1.0, 100, 100), (0.0, 3, 9), (0.3, 1, 1)]:
        def excess(value):
            size = (positives + negatives) / 2 - 1
            variance = value * (1 - value) / (positives * negatives) * (
                1 + size * (1 - value) / (2 - value) + size * value / (1 + value))
            return (value - auc) ** 2 - norm.ppf(0.975) ** 2 * variance
        low = brentq(excess, 0, auc - 1e-9, xtol=1e-14) if auc > 0 else 0
        high = brentq(excess, auc + 1e-9, 1, xtol=1e-14) if auc < 1 else 1
        intervals.append([auc, positives, negatives, low, high])
    line("intervals", intervals)


print(f"# scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, numpy {np.__version__}")
warnings.simplefilter("ignore")
logistic("two", 120, 6, 2, 1.0, False)
logistic("two-balanced", 90, 9, 2, 0.1, True)
logistic("three", 150, 5, 3, 2.0, False)
logistic("four-balanced", 160, 7, 4, 0.5, True)
ranked("ranked-two", 80, 2, False)
ranked("ranked-ties", 120, 2, True)
ranked("ranked-four", 150, 4, False)
distance("distance-two", 70, 8, 2)
distance("distance-few", 20, 15, 3)
auc_intervals()
