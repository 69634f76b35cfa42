"""Reference values for imgeval-metrics' comparisons: scipy, statsmodels and numpy.

    python scripts/reference/comparisons.py > crates/imgeval-metrics/tests/fixtures/comparisons.txt

Each line: what is computed; its input, fields between semicolons; the reference values. Clusters are sum/number.
"""

import warnings

import numpy as np
import scipy
import statsmodels
from scipy.stats import beta, bootstrap, norm, permutation_test, rankdata, t, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint

warnings.simplefilter("ignore")
print(f"# scipy {scipy.__version__}, statsmodels {statsmodels.__version__}, numpy {np.__version__}")
rng = np.random.default_rng(6)


def numbers(values):
    return " ".join(repr(float(value)) for value in values)


def clusters(sums, counts):
    return " ".join(f"{total}/{count}" for total, count in zip(sums, counts))


def line(kind, *fields):
    print(kind, *fields, sep=";")


def draw_pairs(n, images, other_images=None, lift=0.0):
    """Sums and numbers of images of two runs, whose prompts are hard for both or easy for both."""
    rate = rng.beta(1.2, 0.8, n)
    n_a = np.full(n, images)
    n_b = np.full(n, images) if other_images is None else rng.integers(1, other_images + 1, n)
    return rng.binomial(n_a, np.clip(rate + lift, 0, 1)), n_a, rng.binomial(n_b, rate), n_b


def ratio_difference(sum_a, n_a, sum_b, n_b):
    return sum_a.sum() / n_a.sum() - sum_b.sum() / n_b.sum()


# Clopper and Pearson, Wilson: right, trials; low, high, twice.
for right, trials in [(0, 1), (1, 1), (0, 20), (3, 20), (80, 80), (79, 80), (5, 100), (250, 553)]:
    exact = proportion_confint(right, trials, alpha=0.05, method="beta")
    assert np.allclose(np.nan_to_num(exact[0]), 0 if right == 0 else beta.ppf(0.025, right, trials - right + 1))
    wilson = proportion_confint(right, trials, alpha=0.05, method="wilson")
    line("proportion", right, trials, numbers([*exact, *wilson]))

# McNemar's exact test on single images: both runs; p.
for n, lift in [(1, 0), (12, 0.4), (40, 0.3), (40, 0.0), (100, 0.1), (553, 0.05)]:
    a, n_a, b, n_b = draw_pairs(n, 1, lift=lift)
    table = [[np.sum((a == x) & (b == y)) for y in (1, 0)] for x in (1, 0)]
    line("mcnemar", clusters(a, n_a), clusters(b, n_b), numbers([mcnemar(table, exact=True).pvalue]))

# Sign flips of prompts: both runs; p; 1 if scipy tried all flips.
flips = [(6, 4, None, 0.3), (10, 4, None, 0.1), (12, 2, None, 0.2), (9, 4, 4, 0.2), (60, 4, None, 0.1), (90, 4, 3, 0.05), (80, 4, 1, 0.1)]
for n, images, other_images, lift in flips:
    a, n_a, b, n_b = draw_pairs(n, images, other_images, lift)
    # What each prompt's images add to the two means, about one score for both runs.
    middle = (a.sum() / n_a.sum() + b.sum() / n_b.sum()) / 2
    parts = (a - middle * n_a) / n_a.mean(), (b - middle * n_b) / n_b.mean()
    assert np.isclose(parts[0].mean() - parts[1].mean(), ratio_difference(a, n_a, b, n_b))

    def flipped(x, y):
        # Rounded, so that equal differences are equal.
        return round(abs(x.mean() - y.mean()), 12)

    result = permutation_test(
        parts, flipped, permutation_type="samples", alternative="greater",
        n_resamples=100_000, vectorized=False, rng=np.random.default_rng(1),
    )
    is_exact = int(2**n <= 100_000)
    line("flips", clusters(a, n_a), clusters(b, n_b), numbers([result.pvalue, is_exact]))

# Prompts exchanged between two sets: the sets; p.
for n_first, n_second, images, lift in [(4, 5, 4, 0.5), (20, 20, 4, 0.2), (50, 30, 4, 0.15)]:
    a, n_a, _, _ = draw_pairs(n_first, images, lift=lift)
    _, _, b, n_b = draw_pairs(n_second, images)
    sums, counts = np.concatenate([a, b]), np.concatenate([n_a, n_b])

    def exchanged(x, y):
        return abs(ratio_difference(sums[x], counts[x], sums[y], counts[y]))

    result = permutation_test(
        (np.arange(n_first), np.arange(n_second) + n_first), exchanged, permutation_type="independent",
        alternative="greater", n_resamples=100_000, vectorized=False, rng=np.random.default_rng(2),
    )
    line("exchanged", clusters(a, n_a), clusters(b, n_b), numbers([result.pvalue]))

# Percentile bootstrap of pairs, and BCa to compare it with: both runs; low, high, twice.
for n, images, other_images, lift in [(100, 4, None, 0.1), (80, 4, 4, 0.0), (200, 1, None, 0.1)]:
    data = a, n_a, b, n_b = draw_pairs(n, images, other_images, lift)

    def difference(sum_a, n_a, sum_b, n_b, axis=-1):
        return sum_a.sum(axis) / n_a.sum(axis) - sum_b.sum(axis) / n_b.sum(axis)

    intervals = [
        bootstrap(
            data, difference, paired=True, vectorized=True, method=method, n_resamples=100_000, batch=1_000,
            rng=np.random.default_rng(3),
        ).confidence_interval
        for method in ("percentile", "BCa")
    ]
    line("bootstrap", clusters(a, n_a), clusters(b, n_b), numbers([*intervals[0], *intervals[1]]))

# Student's t on the prompts' differences: both runs; low, high.
for n, images in [(10, 4), (20, 4), (30, 2)]:
    a, n_a, b, n_b = draw_pairs(n, images)
    interval = ttest_1samp(a / n_a - b / n_b, 0).confidence_interval(0.95)
    line("student", clusters(a, n_a), clusters(b, n_b), numbers(interval))

# Agresti and Min: half a pair won, half a pair lost and a tied one added, with Student's t of the mean: both runs; low, high.
for n, images, lift in [(1, 1, 0), (5, 1, 0), (12, 1, 0), (3, 4, 0.5)]:
    a, n_a, b, n_b = draw_pairs(n, images, lift=lift)
    if images == 1:
        b = a.copy()
        b[:1] = 1 - b[:1]
    weights = np.append(np.ones(n), [0.5, 0.5, 1])
    values = np.append(a / n_a - b / n_b, [1, -1, 0])
    centre = np.average(values, weights=weights)
    variance = np.average((values - centre) ** 2, weights=weights) / (n + 1)
    half_width = t.ppf(0.975, n + 1) * np.sqrt(variance)
    low, high = np.clip([centre - half_width, centre + half_width], -1, 1)
    line("adjusted", clusters(a, n_a), clusters(b, n_b), numbers([low, high]))

# Holm: p values; adjusted.
for n in (1, 2, 6, 20):
    p_values = np.round(rng.beta(0.4, 3, n), 3)
    line("holm", numbers(p_values), numbers(multipletests(p_values, method="holm")[1]))

# Ranks where every difference is clear unless it is zero: values; best, worst.
for n in (1, 4, 7):
    values = rng.integers(0, 4, n)
    best, worst = rankdata(-values, method="min"), rankdata(-values, method="max")
    line("ranks", numbers(values), numbers(best), numbers(worst))

# Power: variance of a prompt's difference, prompts, difference; detectable, prompts for the difference.
for variance, n, difference in [(0.5, 100, 0.1), (0.08, 553, 0.02), (0.3, 20, 0.3)]:
    power = NormalIndPower()
    effect = power.solve_power(nobs1=n, ratio=0, alpha=0.05, power=0.8)
    needed = power.solve_power(effect_size=difference / np.sqrt(variance), ratio=0, alpha=0.05, power=0.8)
    assert np.isclose(effect, (norm.ppf(0.975) + norm.ppf(0.8)) / np.sqrt(n), rtol=1e-5)
    line("power", numbers([variance, n, difference]), numbers([effect * np.sqrt(variance), needed]))
