"""How long a marginal maximum likelihood estimate takes, with the whole proof, as a model grows.

    uv run python benchmarks/marginal.py

A local level (latents in a row) and a Poisson regression with a varying intercept (five
observations a group), each at three sizes, by Laplace's method: CPU time, and the time a latent.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pymc as pm

import bayes_point as bp


def level(states: int) -> pm.Model:
    rng = np.random.default_rng(0)
    y = np.cumsum(0.4 * rng.normal(size=states)) + rng.normal(size=states)
    with pm.Model() as model:
        noise, step = pm.HalfNormal("noise", 5), pm.HalfNormal("step", 5)
        walk = pm.GaussianRandomWalk(
            "walk", sigma=step, init_dist=pm.Normal.dist(0, 10), steps=states - 1
        )
        pm.Normal("y", walk, noise, observed=y)
    return model


def counts(groups: int) -> pm.Model:
    rng = np.random.default_rng(0)
    group, x = np.repeat(np.arange(groups), 5), rng.normal(size=5 * groups)
    y = rng.poisson(np.exp(0.3 + 0.5 * x + 0.6 * rng.normal(size=groups)[group]))
    with pm.Model() as model:
        b, tau = pm.Normal("b", 0, 10, shape=2), pm.HalfNormal("tau", 5)
        effect = pm.Normal("effect", 0, tau, shape=groups)
        pm.Poisson("y", pm.math.exp(b[0] + b[1] * x + effect[group]), observed=y)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    args = parser.parse_args()
    print("| model | latents | CPU, s | a latent, ms | status |\n| --- | --- | --- | --- | --- |")
    for make in (level, counts):
        for size in args.sizes:
            model = make(size)
            begin = time.process_time()
            found = bp.find_MLE(model, marginalize="latents", quadrature=1, progressbar=False)
            taken = time.process_time() - begin
            each = f"{1e3 * taken / size:.3f}"
            print(f"| {make.__name__} | {size} | {taken:.1f} | {each} | {found.status.key} |")


if __name__ == "__main__":
    main()
