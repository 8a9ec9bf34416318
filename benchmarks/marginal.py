"""How long a marginal maximum likelihood estimate takes, with the whole proof, as a model grows.

    uv run python benchmarks/marginal.py

A local level (latents in a row) and a Poisson regression with a varying intercept (five
observations a group), each at three sizes, by Laplace's method: CPU time, and the time a latent.
Where R has glmmTMB (Debian: r-cran-glmmtmb) the regression is fitted by it as well, on the same
data in the same run.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pymc as pm

import bayes_point as bp

_R = """
suppressMessages(library(glmmTMB))
data <- read.csv(commandArgs(TRUE)[1])
data$group <- factor(data$group)
begin <- proc.time()
fit <- glmmTMB(y ~ x + (1 | group), data, family = poisson)
taken <- proc.time() - begin
cat(sum(taken[1:2]), sprintf("%.6f", logLik(fit)))
"""


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


def rows_of(groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    group, x = np.repeat(np.arange(groups), 5), rng.normal(size=5 * groups)
    y = rng.poisson(np.exp(0.3 + 0.5 * x + 0.6 * rng.normal(size=groups)[group]))
    return group, x, y


def counts(groups: int) -> pm.Model:
    group, x, y = rows_of(groups)
    with pm.Model() as model:
        b, tau = pm.Normal("b", 0, 10, shape=2), pm.HalfNormal("tau", 5)
        effect = pm.Normal("effect", 0, tau, shape=groups)
        pm.Poisson("y", pm.math.exp(b[0] + b[1] * x + effect[group]), observed=y)
    return model


def glmm_tmb(groups: int) -> tuple[float, float] | None:
    """Return its CPU time and log-likelihood; None where it is not installed."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        script, data = Path(folder) / "fit.R", Path(folder) / "data.csv"
        script.write_text(_R)
        table = np.column_stack(rows_of(groups))
        np.savetxt(
            data, table, delimiter=",", header="group,x,y", comments="", fmt=["%d", "%.17g", "%d"]
        )
        done = subprocess.run(
            ["Rscript", script, data], capture_output=True, text=True, check=False
        )
    if done.returncode:
        return None
    taken, value = map(float, done.stdout.split())
    return taken, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    args = parser.parse_args()
    _ = bp.find_MLE  # is imported at its first use
    print("| model | latents | CPU, s | a latent, ms | log-likelihood | glmmTMB: CPU, s | its |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for make in (level, counts):
        for size in args.sizes:
            model = make(size)
            begin = time.process_time()
            found = bp.find_MLE(
                model, marginalize="latents", quadrature=1, random_seed=1, progressbar=False
            )
            taken = time.process_time() - begin
            peer = glmm_tmb(size) if make is counts else None
            theirs = f"{peer[0]:.1f} | {peer[1]:.6f}" if peer else " | "
            print(
                f"| {make.__name__} | {size} | {taken:.1f} | {1e3 * taken / size:.3f} | "
                f"{found.log_likelihood:.6f} | {theirs} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
