"""How often candidate 95 % intervals hold the truth, for one run's tag and for the paired difference of two runs.

    python scripts/reference/coverage.py

The choice of intervals in imgeval-metrics rests on it (numpy, scipy; 1,500 trials a line, standard error 0.6). Columns are
per cent of trials: percentile bootstrap, BCa, studentised bootstrap, then for one run Wilson over the effective number of
prompts (at most the number of prompts where fewer than five vary), for two runs Student's t and Agresti and Min's
interval.
"""

import numpy as np
from scipy.stats import norm, t

TRIALS, RESAMPLES = 1_500, 400
rng = np.random.default_rng(1)


def wilson(rate, n):
    z2 = norm.ppf(0.975) ** 2
    centre, spread = rate + z2 / (2 * n), np.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n * n)))
    return (centre - spread) / (1 + z2 / n), (centre + spread) / (1 + z2 / n)


def n_varying(values, images):
    return np.array([len(row) - np.bincount(np.rint((row + 1) * images).astype(int)).max() for row in values])


def bootstraps(values):
    """Percentile, BCa and studentised intervals of the mean of each row."""
    trials, n = values.shape
    mean, variance = values.mean(1), values.var(1, ddof=1) / n
    counts = rng.multinomial(n, [1 / n] * n, size=RESAMPLES).astype(float)
    means = values @ counts.T / n
    error = means - mean[:, None]
    is_zero = np.abs(error) < 1e-12
    yield np.quantile(means, [0.025, 0.975], axis=1)

    below = ((error < 0) & ~is_zero).sum(1) + is_zero.sum(1) / 2
    bias = norm.ppf(np.clip(below / RESAMPLES, 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    deviation = values - mean[:, None]
    skew = (deviation**3).sum(1) / 6 / np.maximum((deviation**2).sum(1), 1e-12) ** 1.5
    ordered, rows = np.sort(means, 1), np.arange(trials)

    def bca(level):
        shifted = bias + norm.ppf(level)
        place = np.clip(norm.cdf(bias + shifted / (1 - skew * shifted)), 0, 1) * (RESAMPLES - 1)
        floor = place.astype(int)
        above = np.minimum(floor + 1, RESAMPLES - 1)
        return ordered[rows, floor] + (ordered[rows, above] - ordered[rows, floor]) * (place - floor)

    yield bca(0.025), bca(0.975)

    variances = np.maximum((values**2) @ counts.T / n - means**2, 1e-15) / (n - 1)
    low, high = np.quantile(np.where(is_zero, 0, np.clip(error / np.sqrt(variances), -1e3, 1e3)), [0.025, 0.975], axis=1)
    yield mean - high * np.sqrt(variance), mean - low * np.sqrt(variance)


def of_one_run(values, images):
    n = values.shape[1]
    mean, variance, varying = values.mean(1), values.var(1, ddof=1) / n, n_varying(values, images)
    whole = wilson(mean, n)
    for low, high in bootstraps(values):
        yield np.where(varying == 0, whole[0], low), np.where(varying == 0, whole[1], high)
    effective = mean * (1 - mean) / np.maximum(variance, 1e-15) * (norm.ppf(0.975) / t.ppf(0.975, n - 1)) ** 2
    yield wilson(mean, np.where(varying == 0, n, np.where(varying < 5, np.minimum(effective, n), effective)))


def of_two_runs(values, images):
    n = values.shape[1]
    mean, error = values.mean(1), values.std(1, ddof=1) / np.sqrt(n)
    yield from bootstraps(values)
    yield mean - t.ppf(0.975, n - 1) * error, mean + t.ppf(0.975, n - 1) * error
    centre = mean * n / (n + 2)
    error = np.sqrt((((values**2).sum(1) + 1) / (n + 2) - centre**2) / (n + 1)) * t.ppf(0.975, n + 1)
    yield centre - error, centre + error


def beta(mean, correlation):
    total = 1 / correlation - 1
    return f"beta {mean} {correlation}", lambda shape: rng.beta(mean * total, (1 - mean) * total, shape), mean


SKEWED = "skewed", lambda shape: rng.choice([0.99, 0.3], p=[0.9, 0.1], size=shape), 0.921


def report(name, n, images, values, truth, intervals):
    held = [(low - 1e-9 <= truth) & (truth <= high + 1e-9) for low, high in intervals(values, images)]
    shares = " ".join(f"{share.mean() * 100:5.1f}" for share in held)
    varying = n_varying(values, images).mean()
    print(f"{name:24} prompts={n:3} images={images} varying={varying:5.1f}  {shares}", flush=True)


for n in (12, 20, 40, 90):
    for images in (1, 4):
        for name, draw, mean in [beta(0.98, 0.1), beta(0.98, 0.5), beta(0.05, 0.5), beta(0.1, 0.3), beta(0.5, 0.3), SKEWED]:
            rates = draw((TRIALS, n))
            report(f"one {name}", n, images, rng.binomial(images, rates) / images, mean, of_one_run)
            for lift in (0, 0.3):
                rates = draw((TRIALS, n))
                better = rng.binomial(images, rates + lift * (1 - rates)) / images
                difference = better - rng.binomial(images, rates) / images
                report(f"two {name}, lift {lift}", n, images, difference, lift * (1 - mean), of_two_runs)
