"""Much data and many coefficients, beside scikit-learn and SciPy in the same run.

    uv run --with scikit-learn python benchmarks/much_data.py [--largest 1e6] \
        [--write docs/benchmarks/much_data.md]

CPU seconds with one thread of linear algebra: the first call of `find_MLE` with all it compiles,
then the median of the calls after it, each next to a call of scikit-learn's lbfgs on the same data,
to its default tolerance and to 1e-8, which is nearer to what a certificate asks for.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pymc as pm
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from bayes_point import find_MLE

ROUNDS = 5
# (observations, coefficients): growth against the one, then against the other.
SIZES = ((10_000, 20), (100_000, 20), (1_000_000, 20), (20_000, 5), (20_000, 50), (20_000, 200))
# Of scikit-learn's time on the second call, at most.
TARGET = 3.0


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def measure(n: int, p: int) -> dict[str, float]:
    """CPU seconds of a logistic regression of n observations and p coefficients."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, p))
    y = (rng.random(n) < expit(x @ (rng.normal(size=p) / np.sqrt(p)))).astype(int)
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, 1, shape=p)
        pm.Bernoulli("y", logit_p=pm.math.dot(x, beta), observed=y)

    def ours() -> object:
        return find_MLE(model, progressbar=False)

    def peer(tol: float) -> object:
        return LogisticRegression(C=np.inf, fit_intercept=False, tol=tol, max_iter=1000).fit(x, y)

    first = seconds(ours)
    rounds = [
        (seconds(ours), seconds(lambda: peer(1e-4)), seconds(lambda: peer(1e-8)))
        for _ in range(ROUNDS)
    ]
    own, loose, tight = map(statistics.median, zip(*rounds, strict=True))
    return {"first": first, "again": own, "loose": loose, "tight": tight}


def table(sizes: tuple[tuple[int, int], ...]) -> str:
    rows = [
        "| n | p | `find_MLE`, first | again | scikit-learn, 1e-4 | 1e-8 | ratio | target |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for n, p in sizes:
        t = measure(n, p)
        rows.append(
            f"| {n:,} | {p} | {t['first']:.2f} s | {t['again']:.3f} s | {t['loose']:.3f} s "
            f"| {t['tight']:.3f} s | {t['again'] / t['loose']:.1f}, "
            f"**{t['again'] / t['tight']:.1f}** | {TARGET:.0f} |"
        )
        print(rows[-1], flush=True)
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=float, default=1e6)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    text = f"""# Much data

Made by `benchmarks/much_data.py`: the maximum likelihood estimate of a logistic regression with its
proof that it is the only maximum, beside scikit-learn's `LogisticRegression`, by lbfgs without
a penalty, in one run. CPU seconds, one thread, medians of {ROUNDS}. The ratio is that of a further
call to scikit-learn's with its default tolerance, and with 1e-8.

{table(tuple(size for size in SIZES if size[0] <= args.largest))}

{platform.system()}, Python {platform.python_version()}, \
{", ".join(f"{name} {version(name)}" for name in ("pymc", "pytensor", "scikit-learn"))}.
"""
    if args.write:
        args.write.write_text(text)


if __name__ == "__main__":
    main()
