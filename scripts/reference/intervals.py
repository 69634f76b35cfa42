"""Reference values for imgeval-metrics' intervals: statsmodels (Wilson) and scipy (bootstrap over clusters).

Run with numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0; prints the numbers quoted in the unit tests.
"""

import numpy as np
from scipy.stats import bootstrap
from statsmodels.stats.proportion import proportion_confint

for successes, n in [(0, 1), (1, 1), (8, 10), (80, 80), (3, 100)]:
    low, high = proportion_confint(successes, n, alpha=0.05, method="wilson")
    print(f"wilson {successes}/{n}: {low!r} {high!r}")

sums = np.array([index * 7 % 5 for index in range(40)], dtype=float)
sizes = np.full(40, 4.0)


def clustered_mean(sums, sizes, axis=-1):
    return sums.sum(axis=axis) / sizes.sum(axis=axis)


result = bootstrap(
    (sums, sizes), clustered_mean, paired=True, vectorized=True, method="percentile",
    n_resamples=200_000, batch=2_000, rng=np.random.default_rng(0),
)
print("clustered bootstrap:", result.confidence_interval)
