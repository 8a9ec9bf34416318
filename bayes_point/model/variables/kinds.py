"""What kind of coordinate stands for a free variable on the unconstrained scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pymc.dims.distributions import transforms as dims_transforms
from pymc.distributions import transforms
from pymc.logprob.transforms import (
    ChainedTransform,
    CircularTransform,
    IntervalTransform,
    LogOddsTransform,
    LogTransform,
    SimplexTransform,
)

__all__ = ["CIRCULAR", "Kind", "kind_of"]

# `pymc.dims` has circular variables from PyMC 6.4 on.
CIRCULAR = (CircularTransform, getattr(dims_transforms, "CircularTransform", CircularTransform))


Kind = Literal[
    "identity",
    "log",
    "logit",
    "interval",
    "simplex",
    "zero-sum",
    "ordered",
    "cholesky",
    "circular",
    "other",
]


def kind_of(transform: Any, inputs: Sequence[Any]) -> Kind:
    """Return the kind of the coordinates of a variable with this transform, and these inputs.

    ``"log"`` is the log of the distance to a single bound, ``"interval"`` the log odds between two.
    Of a simplex, an ordered vector or a Cholesky factor no coordinate belongs to one element alone.
    """
    match transform:
        case None:
            return "identity"
        case LogTransform() | transforms.LogExpM1() | dims_transforms.LogTransform():
            return "log"
        case LogOddsTransform() | dims_transforms.LogOddsTransform():
            return "logit"
        case _ if isinstance(transform, CIRCULAR):
            return "circular"
        case dims_transforms.IntervalTransform():
            return "interval"
        case IntervalTransform():
            return "log" if None in transform.args_fn(*inputs) else "interval"
        case SimplexTransform() | transforms.SumTo1() | dims_transforms.SimplexTransform():
            return "simplex"
        case transforms.ZeroSumTransform() | dims_transforms.ZeroSumTransform():
            return "zero-sum"
        case transforms.Ordered():
            return "ordered"
        case (
            transforms.CholeskyCovPacked()
            | transforms.CholeskyCovTransform()
            | transforms.CholeskyCorrTransform()
        ):
            return "cholesky"
        case ChainedTransform():
            # The first of a chain is nearest to the natural scale; an order ties the elements.
            kinds = [kind_of(part, inputs) for part in transform.transform_list]
            return "ordered" if "ordered" in kinds else kinds[0]
        case _:
            return "other"
