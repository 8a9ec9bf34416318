"""Starts nearer to the maximum: a penalised fit of the coefficients, with scales as they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.objective import Objective

__all__ = ["penalised"]

Array = NDArray[np.float64]

# Newton steps, and how often one is shortened, to a quarter.
_ITERATIONS, _SHORTENED = 20, 5
# Squared distance to the maximum, in standard deviations, from which the search is as quick.
_NEAR = 1.0


def penalised(objective: Objective, starts: Array) -> Array:
    """Return starts, (batch, P), from which unbounded parameters are moved to a penalised fit.

    There they and the latents are likeliest, the scales given: penalised least squares where all is
    Gaussian, else penalised quasi-likelihood (Breslow and Clayton 1993,
    https://doi.org/10.1080/01621459.1993.10594284).  The Hessian of its Newton steps takes one
    product a parameter, that of the integral several gradients.  A start stays as it is where the
    objective is no higher there, and where it is of no integral.
    """
    density = objective.density
    if not isinstance(density, MarginalDensity):
        return starts
    free = np.flatnonzero(density.kinds == "identity")
    if not free.size:
        return starts
    moved = np.array([_climbed(density, start, free) for start in starts])
    is_better = objective.values(moved) > objective.values(starts)
    return np.where(is_better[:, None], moved, starts)


def _climbed(density: MarginalDensity, start: Array, free: NDArray[np.int_]) -> Array:
    joint, x, modes = density.joint, start, density.modes(start[None])
    which = joint.outer[free]
    for _ in range(_ITERATIONS):
        if not modes.found[0]:
            break
        density.remember(modes)
        # Along each parameter the latents go with it, as their modes do.
        along = np.zeros((len(free), joint.p))
        along[np.arange(len(free)), which] = 1.0
        along[:, joint.inner] = density.slopes_of(modes)[0].T[free]
        curvature = -joint.hessian_product(np.repeat(modes.x, len(free), axis=0), along, None)
        slope = modes.gradient[0, which]
        try:
            step = cho_solve(cho_factor(curvature[:, which]), slope)
        except (np.linalg.LinAlgError, ValueError):
            break
        if not slope @ step > _NEAR:
            break
        for _ in range(_SHORTENED):
            trial = x.copy()
            trial[free] += step
            further = density.modes(trial[None])
            if further.found[0] and further.value[0] > modes.value[0]:
                break
            step = step / 4
        else:
            break
        x, modes = trial, further
    return x
