"""Whether the sampler has converged: those of its problems that more of the same do not cure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import f as f_distribution

from bayes_point.comparison.distance.health import R_HAT, SamplerHealth, SamplerProblem
from bayes_point.comparison.inputs.scalars import flatten, scalars

__all__ = ["convergence_doubts"]

# Too few effective draws are told by the Monte Carlo error; the maximum depth costs time only.
_NO_DOUBT = ("ess", "max_treedepth")

_CHANCE = 1e-5
"""Probability of doubting, by r-hat, any of the parameters of chains that have converged."""


def convergence_doubts(health: SamplerHealth) -> tuple[SamplerProblem, ...]:
    """Problems for which the posterior mean may be off by more than its Monte Carlo error.

    The r-hat of few draws is above 1.01 by chance: it counts only where that of independent draws
    would not be as large.
    """
    limit = max(R_HAT, _chance_r_hat(health))
    found = []
    for problem in health.problems:
        if problem.kind in _NO_DOUBT:
            continue
        if problem.kind == "r_hat":
            own = health.diagnostics.sel(diagnostic="r_hat", drop=True)
            values = dict(zip([s.label for s in scalars(own, ())], flatten(own, ()), strict=True))
            worse = tuple(p for p in problem.parameters if values[p] > limit)
            if not worse:
                continue
            problem = replace(problem, parameters=worse)
        found.append(problem)
    return tuple(found)


def _chance_r_hat(health: SamplerHealth) -> float:
    """Return the r-hat that independent draws exceed with probability `_CHANCE` in any parameter.

    The squared r-hat of m half chains of length n is 1 + (B/W - 1)/n, where B/W has the
    F-distribution of m - 1 and m (n - 1) degrees of freedom. It is taken twice, of the draws and of
    their distances from the median.
    """
    halves, length = 2 * health.chains, health.draws // 2
    tests = 2 * max(1, flatten(health.diagnostics.isel(diagnostic=0), ()).size)
    if length < 2:
        return np.inf
    ratio = f_distribution.isf(_CHANCE / tests, halves - 1, halves * (length - 1))
    return float(np.sqrt(1 + (ratio - 1) / length))
