"""How long a profile takes beside the estimate that it begins from.

    uv run python benchmarks/profile.py

A logistic regression of 1,000 outcomes on 10 columns: the profile of one slope on 50 points, and of
all ten (500 points), beside five calls of `find_MLE`.  CPU time, medians of several rounds, after a
first one that compiles and is shown by itself; the tools take turns.
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


def model_of() -> pm.Model:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1000, 10))
    y = (rng.logistic(size=1000) < x @ rng.normal(size=10) / 2).astype(int)
    with pm.Model() as model:
        beta = pm.Flat("beta", shape=10)
        pm.Bernoulli("y", logit_p=x @ beta, observed=y)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    model = model_of()
    estimate = bp.find_MLE(model, progressbar=False)  # compiles what both share
    first = {"coords": {"beta_dim_0": [0]}, "n_points": 50, "ci_prob": 0.95}

    def five() -> None:
        for _ in range(5):
            bp.find_MLE(model, progressbar=False)

    tasks: dict[str, Callable[[], object]] = {
        "five find_MLE": five,
        "profile of one slope": lambda: bp.profile(estimate=estimate, **first),
        "profiles of all ten": lambda: bp.profile(estimate=estimate, n_points=50, ci_prob=0.95),
        "interval of one slope": lambda: bp.profile(
            estimate=estimate, coords={"beta_dim_0": [0]}, n_points=5, ci_prob=0.95
        ),
    }
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(args.repeats + 1):
        for name, task in tasks.items():
            begin = time.process_time()
            task()
            taken[name].append(time.process_time() - begin)
    print("| task | first, s | again, s | part of five `find_MLE` |\n| --- | --- | --- | --- |")
    whole = median(taken["five find_MLE"][1:])
    for name, times in taken.items():
        again = median(times[1:])
        print(f"| {name} | {times[0]:.3f} | {again:.3f} | {again / whole:.2f} |")
    if median(taken["profile of one slope"][1:]) >= whole:
        sys.exit("over the target: a profile takes longer than five estimates")


if __name__ == "__main__":
    main()
