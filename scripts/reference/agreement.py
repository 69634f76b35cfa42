"""Reference values for imgeval-metrics' agreement: scikit-learn (kappa) and scipy (rank correlations).

    python scripts/reference/agreement.py > crates/imgeval-metrics/tests/fixtures/agreement.txt

Each line: scores of one side; of the other; exact share, kappa, linear and quadratic kappa, Spearman, Kendall tau-b.
"""

import random
import warnings

import scipy
import sklearn
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import cohen_kappa_score

warnings.simplefilter("ignore")
print(f"# scikit-learn {sklearn.__version__}, scipy {scipy.__version__}")
generator = random.Random(5)


def numbers(left, right):
    # The whole scale as labels: scikit-learn's weights go by a label's place, which must be its score.
    labels = list(range(11))
    exact = sum(a == b for a, b in zip(left, right)) / len(left)
    kappas = [cohen_kappa_score(left, right, labels=labels, weights=w) for w in (None, "linear", "quadratic")]
    return [exact, *kappas, spearmanr(left, right).statistic, kendalltau(left, right, variant="b").statistic]


for case in range(60):
    top = generator.choice([1, 2, 2, 10])
    n = generator.choice([2, 3, 8, 40])
    left = [generator.randint(0, top) for _ in range(n)]
    drift = generator.choice([0, 1, top])
    right = [min(top, max(0, score + generator.randint(-drift, drift))) for score in left]
    if case % 15 == 0:
        right = [1] * n
    values = " ".join(repr(float(value)) for value in numbers(left, right))
    print(" ".join(map(str, left)), " ".join(map(str, right)), values, sep=";")
