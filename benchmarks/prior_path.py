"""How long a `prior_path` of 100 powers takes beside one `find_MAP` of the same model.

    uv run python benchmarks/prior_path.py

Both find their functions compiled; the ratio is that of the medians of CPU time over `--repeats`
runs taken in turns, so that what else the machine does hits both alike.  The target is a ratio
below ten for the regression with normal priors.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pymc as pm

import bayes_point as bp

TARGET = 10.0
POWERS = np.concatenate([[0.0], np.geomspace(1e-3, 1, 75), np.geomspace(1, 10, 25)[1:]])


def regression(prior: str, *, known_noise: bool) -> pm.Model:
    """200 rows, ten columns."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 10))
    y = x @ (rng.normal(size=10) * (np.arange(10) < 5)) + rng.standard_normal(200)
    with pm.Model() as model:
        if prior == "normal":
            beta = pm.Normal("beta", 0, 1, shape=10)
        else:
            beta = pm.Laplace("beta", 0, 0.05, shape=10)
        sigma = 1.0 if known_noise else pm.HalfNormal("sigma", 2)
        pm.Normal("y", x @ beta, sigma, observed=y)
    return model


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    quiet = {"random_seed": 1, "progressbar": False}
    missed = False
    print(f"prior_path at {len(POWERS)} powers over one find_MAP, CPU time")
    for prior in ("normal", "Laplace"):
        for known_noise in (False, True):
            model = regression(prior, known_noise=known_noise)
            bp.prior_path(model, POWERS, **quiet)  # compiles
            pairs = [
                (
                    cpu(lambda model=model: bp.prior_path(model, POWERS, **quiet)),
                    cpu(lambda model=model: bp.find_MAP(model, **quiet)),
                )
                for _ in range(repeats)
            ]
            path, map_ = (median(times) for times in zip(*pairs, strict=True))
            missed |= prior == "normal" and path / map_ >= TARGET
            noise = "noise known" if known_noise else "noise estimated"
            print(f"  {prior} priors, {noise}: {path / map_:.1f} ({path:.2f} s over {map_:.3f} s)")
    if missed:
        sys.exit(f"The target, below {TARGET:g} with normal priors, is missed.")


if __name__ == "__main__":
    main()
