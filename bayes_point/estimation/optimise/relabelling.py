"""Optima that are the same but for a relabelling of exchangeable components."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_relabelled"]

# All orders of six components are 720; with more, a mixture's optima are not compared.
_MOST = 6


def is_relabelled(one: Mapping[str, NDArray], other: Mapping[str, NDArray]) -> bool:
    """Whether two points are the same after a permutation of components.

    Components are the elements of vectors of one length (the means, sds and weights of a mixture),
    permuted together, or else scalars that stand for one another.  Of two components the weight of
    one may be a parameter: that of the other is what is left of one.
    """
    one = {name: _in_the_other(v, other[name]) for name, v in one.items()}
    lengths = {v.shape[-1] for v in one.values() if v.ndim and 2 <= v.shape[-1] <= _MOST}
    for length in lengths:
        for order in permutations(range(length)):
            if all(
                _close(v[..., list(order)] if v.ndim and v.shape[-1] == length else v, other[name])
                for name, v in one.items()
            ):
                return True
    scalars = [name for name, v in one.items() if v.ndim == 0]
    rest = [name for name in one if name not in scalars]
    return all(_close(one[name], other[name]) for name in rest) and _close(
        np.sort([one[name] for name in scalars]), np.sort([other[name] for name in scalars])
    )


def _in_the_other(weight: NDArray, other: NDArray) -> NDArray:
    """Return a scalar, or one less it if that is what the other is."""
    return 1 - weight if weight.ndim == 0 and _close(1 - weight, other) else weight


def _close(a: NDArray, b: NDArray) -> bool:
    return bool(np.allclose(a, b, rtol=1e-5, atol=1e-7))
