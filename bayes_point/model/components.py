"""Components of mixtures: where one can be put, and on how many observations each rests."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.mixture import MixtureRV
from pytensor.graph.traversal import ancestors

from bayes_point.model.density.building import building
from bayes_point.model.density.density import LogDensity
from bayes_point.model.variables.bounds import evaluated

__all__ = ["effective_observations", "with_one_at"]

Array = NDArray[np.float64]

# Kinds of coordinates in which one element of a variable can be given a value by itself.
_BY_ELEMENT = ("identity", "log", "logit", "interval", "ordered")


def effective_observations(density: LogDensity, x: Array) -> dict[str, Array]:
    """Return how many observations each component of a mixture rests on.

    The sum over the observations of the probability that each is of that component, given the
    parameters: the sum of an expectation step (Dempster, Laird and Rubin 1977,
    https://doi.org/10.1111/j.2517-6161.1977.tb01600.x).

    Parameters
    ----------
    density : LogDensity
        The density.
    x : ndarray, (batch, p)
        Points.

    Returns
    -------
    dict of str to ndarray, (batch, component)
        By the name of the observed variable; those that are mixtures, as PyMC has them.
    """
    graphs = density.graphs
    names = [rv.name for rv in graphs.frozen.observed_RVs if isinstance(rv.owner.op, MixtureRV)]
    if not names:
        return {}

    def shares() -> list[pt.TensorVariable]:
        out = []
        for rv in map(graphs.frozen.__getitem__, names):
            weights, *_ = rv.owner.op.dist_params(rv.owner)
            # Of log(sum of w f) the derivative by w, times w, is the component's share in the sum.
            total = pm.logp(rv, graphs.frozen.rvs_to_values[rv]).sum()
            share = weights * pt.grad(total, weights)
            out.append(share.sum(axis=tuple(range(share.ndim - 1))))
        return graphs.of_x(graphs.frozen.replace_rvs_by_values(out))

    def build() -> Callable:
        with building():
            return density.functions.compile(graphs.row, shares())

    function = density.functions.kept("effective observations", build)
    found = [function(row, *density.bound.values()) for row in x]
    columns = zip(*found, strict=True)
    return {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def with_one_at(
    density: LogDensity, x: Array, values: Array, left_out: Collection[str]
) -> tuple[Array, NDArray[np.bool_]]:
    """Return points like `x` with one element of a variable at one of some values, natural scale.

    Parameters
    ----------
    density : LogDensity
        The density.
    x : ndarray, (p,)
        A point.
    values : ndarray, (n,)
        The values; every element of every variable is put on each of them that it can take.
    left_out : collection of str
        Variables that stay as they are unless their coordinates are the parameters themselves.

    Returns
    -------
    points : ndarray, (k, p)
        The points.  Of an ordered variable the elements change places to stay in order.
    held : ndarray of bool, (k, p)
        The coordinates that have to be held for the element to stay where it was put.
    """
    variables = np.array(density.variables)
    natural = density.natural(x[None])
    points, held = [np.empty((0, len(x)))], [np.empty((0, len(x)), bool)]
    for rv in density.graphs.free:
        own = np.flatnonzero(variables == rv.name)
        kind = density.kinds[own[0]] if own.size else "other"
        if kind not in _BY_ELEMENT or (kind != "identity" and rv.name in left_out):
            continue
        now = natural[rv.name][0]
        rows = np.tile(np.ravel(now), (now.size, len(values), 1)).astype(float)
        which = np.arange(now.size)
        rows[which, :, which] = values
        elements = np.repeat(which, len(values))
        rows = rows.reshape(-1, *now.shape)
        if kind == "ordered":
            rows = np.sort(rows, axis=-1)
        block = np.tile(x, (len(rows), 1))
        placed = _unconstrained(density, rv, rows) if kind != "identity" else rows
        if placed is None:
            continue
        block[:, own] = placed.reshape(len(rows), -1)
        holds = np.zeros(block.shape, bool)
        holds[:, own] = kind == "ordered"
        if kind != "ordered":
            holds[np.arange(len(rows)), own[elements]] = True
        inside = np.all(np.isfinite(block), axis=1)
        points.append(block[inside])
        held.append(holds[inside])
    return np.concatenate(points), np.concatenate(held)


def _unconstrained(density: LogDensity, rv: pt.TensorVariable, values: Array) -> Array | None:
    """Return values of a variable on the unconstrained scale; None if others have a part in it."""
    frozen = density.graphs.frozen
    inputs = rv.owner.inputs
    random = {*frozen.free_RVs, *frozen.observed_RVs}
    if not isinstance(rv.type, pt.TensorType) or random & set(ancestors(inputs)):
        return None
    given = pt.tensor("given", shape=(None, *values.shape[1:]), dtype="float64")
    with building():
        graph = frozen.rvs_to_transforms[rv].forward(given, *inputs)
        return np.asarray(evaluated(graph, at={given: values})[0], float)
