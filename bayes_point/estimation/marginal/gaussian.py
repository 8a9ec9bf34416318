"""In which variables a log density is exactly quadratic, so that Laplace's method is exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.estimation.marginal.joint import Joint, joint_of
from bayes_point.model.density.density import LogDensity

__all__ = ["fixed_effects", "is_gaussian"]

Array = NDArray[np.float64]

# Relative difference of Hessian products that is rounding; jitter of the points compared.
_SAME, _JITTER = 1e-8, 0.5


def is_gaussian(joint: Joint, start: Array) -> bool:
    """Whether the Hessian by the latents is the same wherever they are.

    At random points near `start`, (p,), along random directions: what is no quadratic differs.
    """
    rng, which = np.random.default_rng(0), joint.inner
    n = len(which)
    x = np.tile(start + 0.1 * rng.standard_normal(joint.p), (3, 1))
    x[1:, which] += _JITTER * rng.standard_normal((2, n))
    v = np.zeros_like(x)
    v[:, which] = rng.standard_normal(n)
    with np.errstate(all="ignore"):
        rows = joint.hessian_product(x, v, None)[:, which]
    off = np.abs(rows[1:] - rows[0])
    return bool(np.all(off <= _SAME * np.abs(rows).max()))


def fixed_effects(
    full: LogDensity, latents: Sequence[str], start: Array, reml: bool | str | Sequence[str]
) -> list[str]:
    """Return the parameters that REML integrates out.

    Those that are named; or every unbounded parameter in which, and in the latents, the density of
    data and latents is quadratic.

    Raises
    ------
    ModelError
        If there are none, or a name is none of an unbounded parameter.
    """
    if reml is False:
        return []
    variables = np.array(full.variables)
    unbounded = [
        name
        for name in dict.fromkeys(full.variables)
        if name not in latents
        and all(
            label == parameter
            for label, parameter, own in zip(
                full.labels, full.parameters, variables == name, strict=True
            )
            if own
        )
    ]
    if reml is not True:
        names = [reml] if isinstance(reml, str) else list(reml)
        wrong = [name for name in names if name not in unbounded]
        if wrong or not names:
            raise ModelError(
                f"reml names {wrong or names}; the unbounded parameters that could be integrated "
                f"out are {unbounded}."
            )
        return names
    if unbounded and _is_gaussian_with(full, latents, unbounded, start):
        return unbounded
    # In the latents alone it may be no quadratic; then no parameter makes it one.
    found = [name for name in unbounded if _is_gaussian_with(full, latents, [name], start)]
    if not found or not _is_gaussian_with(full, latents, found, start):
        raise ModelError(
            "Got reml=True, but there is no parameter in which, with the latent variables "
            f"{list(latents)}, the density of the data is Gaussian. Of the unbounded parameters "
            f"{unbounded}, name those to be integrated out, reml={unbounded[:1]}: the restricted "
            "likelihood is then Laplace's approximation, as in glmmTMB."
        )
    return found


def _is_gaussian_with(
    full: LogDensity, latents: Sequence[str], flat: Sequence[str], start: Array
) -> bool:
    return is_gaussian(joint_of(full, [*latents, *flat], flat), start)
