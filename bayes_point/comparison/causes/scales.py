"""The unconstrained scales of parameters, as the names of the value variables tell them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit, logit

from bayes_point.comparison.inputs.scalars import Scalar

__all__ = ["Scale", "scales_of"]

Array = NDArray[np.float64]

# PyMC names a value variable after its transform: tau_log__, or p_logodds__[a] of an element.
_NAMED = re.compile(r"^(?P<variable>.+)_(?P<transform>log|logodds)__(\[.*\])?$")


@dataclass(frozen=True)
class Scale:
    """A scale on which a parameter is free of bounds: "log", "logodds", or "" for its own.

    Those of other transforms are "" too: their bounds, or the other elements that they depend on,
    are not in the tree.
    """

    transform: str

    def inside(self, x: Array) -> bool:
        """Whether draws can be put on the scale, and that changes them."""
        if not self.transform:
            return False
        return bool((x > 0).all() and (self.transform == "log" or (x < 1).all()))

    def forward(self, x: Array) -> Array:
        """Put natural values on the scale."""
        return np.asarray(np.log(x) if self.transform == "log" else logit(x))

    def backward(self, u: Any) -> Any:
        """Put values of the scale back."""
        return np.exp(u) if self.transform == "log" else expit(u)

    def slope(self, u: Any) -> Any:
        """Return the derivative of the natural value by that on the scale."""
        return np.exp(u) if self.transform == "log" else expit(u) * expit(-u)


def scales_of(tree: xr.DataTree, rows: Sequence[Scalar]) -> list[Scale]:
    """Return the scale of each parameter."""
    named: dict[str, str] = {}
    if "mle" in tree.children and "unconstrained" in tree["mle"].children:
        unconstrained = tree["mle/unconstrained"].dataset
        labels = unconstrained.coords["parameter"].values.astype(str).tolist()
        found = [_NAMED.match(label) for label in labels]
        named = {match["variable"]: match["transform"] for match in found if match}
    return [Scale(named.get(row.variable, "")) for row in rows]
