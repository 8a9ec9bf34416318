"""Many coefficients, beside SciPy in the same run.

    uv run python benchmarks/coefficients.py [--most 5000] [--write docs/benchmarks/coefficients.md]

CPU seconds with one thread of linear algebra: the first call with all it compiles, then the median
of the calls after it, each next to SciPy on the same data: L-BFGS on a hand-written gradient for
the MAP of a logistic regression with a normal prior (ridge), the normal equations for the MLE of a
linear one.
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
from scipy.linalg import solve
from scipy.optimize import minimize
from scipy.special import expit

from bayes_point import find_MAP, find_MLE

ROUNDS = 3
N = 2000
# Coefficients of the ridge, and how many times SciPy's time is the aim; then of the linear one.
RIDGES, RIDGE_TARGET = (100, 1000, 2500, 5000), 5
LINEAR, LINEAR_TARGET = (100, 1000), 3


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def data(p: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, p))
    return x, x @ (rng.normal(size=p) / np.sqrt(p)), rng


def ridge(p: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """A logistic MAP of p coefficients with standard normal priors: ours, and SciPy's."""
    x, mean, rng = data(p)
    y = (rng.random(N) < expit(mean)).astype(int)
    with pm.Model() as model:
        b = pm.Normal("b", 0, 1, shape=p)
        pm.Bernoulli("y", logit_p=x @ b, observed=y)

    def cost(b: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ b
        value = np.logaddexp(0, z).sum() - y @ z + 0.5 * b @ b
        return float(value), x.T @ (expit(z) - y) + b

    options = {"maxiter": 10_000, "ftol": 1e-14, "gtol": 1e-8}
    return (
        lambda: find_MAP(model, progressbar=False),
        lambda: minimize(cost, np.zeros(p), jac=True, method="L-BFGS-B", options=options),
    )


def linear(p: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """A linear MLE of p coefficients and a standard deviation: ours, and the normal equations."""
    x, mean, rng = data(p)
    y = mean + rng.normal(size=N)
    with pm.Model() as model:
        b, s = pm.Normal("b", 0, 1, shape=p), pm.HalfNormal("s", 1)
        pm.Normal("y", x @ b, s, observed=y)
    return (
        lambda: find_MLE(model, progressbar=False),
        lambda: solve(x.T @ x, x.T @ y, assume_a="pos"),
    )


def row(what: str, p: int, target: int, ours: Callable, peer: Callable) -> str:
    first = seconds(ours)
    rounds = [(seconds(ours), seconds(peer)) for _ in range(ROUNDS)]
    own, theirs = map(statistics.median, zip(*rounds, strict=True))
    line = (
        f"| {what} | {p:,} | {first:.2f} s | {own:.3f} s | {theirs:.3f} s | **{own / theirs:.1f}** "
        f"| {target} |"
    )
    print(line, flush=True)
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=5000)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    rows = [row("ridge, MAP", p, RIDGE_TARGET, *ridge(p)) for p in RIDGES if p <= args.most] + [
        row("linear, MLE", p, LINEAR_TARGET, *linear(p)) for p in LINEAR if p <= args.most
    ]
    table = "\n".join(rows)
    text = f"""# Many coefficients

Made by `benchmarks/coefficients.py`: {N:,} observations, and the maximum with its proof that it is
the only one, beside SciPy in one run: L-BFGS on a hand-written gradient to 1e-8, which
proves nothing, and the normal equations. CPU seconds, one thread, medians of {ROUNDS}; the
ratio is that of a further call. [Growth](growth.md) has up to 5,000 coefficients.

| model | p | first call | again | SciPy | ratio | target |
| --- | --- | --- | --- | --- | --- | --- |
{table}

{platform.system()}, Python {platform.python_version()}, \
{", ".join(f"{name} {version(name)}" for name in ("pymc", "pytensor", "scipy"))}.
"""
    if args.write:
        args.write.write_text(text)


if __name__ == "__main__":
    main()
