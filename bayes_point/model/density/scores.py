"""The log-likelihood observation by observation, and its derivatives: the scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import ArrayLike, NDArray

from bayes_point.errors import ModelError
from bayes_point.model.density.density import LogDensity
from bayes_point.model.density.derivatives import Derivatives

__all__ = ["Scores", "cluster_codes", "scores_of"]

Array = NDArray[np.float64]


class Scores:
    """The terms that a log-likelihood is the sum of: one an observation.

    An observation is what has one log density: an element of an observed variable, or a whole
    event of a multivariate one (a row of a matrix of multivariate normals).  A Potential that is
    part of the likelihood counts by its elements.

    Parameters
    ----------
    density : LogDensity
        The model as functions of one vector.
    potentials : bool
        Whether the model's potentials are part of the likelihood.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        The shape of the terms of each variable.
    """

    def __init__(self, density: LogDensity, *, potentials: bool) -> None:
        frozen = density.graphs.frozen
        variables = [*frozen.observed_RVs, *(frozen.potentials if potentials else [])]
        graphs = frozen.logp(vars=variables, jacobian=False, sum=False)
        names = [variable.name for variable in variables]
        self._derivatives = Derivatives(density, dict(zip(names, graphs, strict=True)))
        some = self._derivatives.values(np.zeros(density.p))
        self.shapes = {name: np.shape(value) for name, value in some.items()}

    def log_likelihood(self, x: Array) -> dict[str, Array]:
        """Return the log-likelihood of each observation at `x`, (p,)."""
        return self._derivatives.values(x)

    def scores(self, x: Array, basis: Array) -> Array:
        """Return the derivatives of each observation at `x`, (p,), along the columns of `basis`.

        Returns
        -------
        ndarray, (observation, column)
            The observations of all variables, one variable after the other.
        """
        parts = self._derivatives.along(x, np.ascontiguousarray(basis.T))
        k = basis.shape[1]
        return np.concatenate([part.reshape(k, -1) for part in parts.values()], axis=1).T


def scores_of(density: LogDensity, *, potentials: bool) -> Scores:
    """Return the Scores of a density; made once."""
    key = ("scores", str(potentials), density.bound_key)
    scores: Scores = density.functions.kept(key, lambda: Scores(density, potentials=potentials))
    return scores


def cluster_codes(
    model: pm.Model, shapes: Mapping[str, tuple[int, ...]], cluster: str | ArrayLike | Any
) -> NDArray[np.int_]:
    """Return the number of the cluster of each observation, in the order of `Scores.scores`.

    Parameters
    ----------
    model : pymc.Model
        The model.
    shapes : mapping of str to tuple of int
        As in `Scores`.
    cluster : str, array-like or mapping of str to array-like
        A dim of the observed variables: the observations at each of its positions are a cluster.
        Or labels, one an observation; where several variables are observed, a mapping of labels.

    Raises
    ------
    ModelError
        If an observed variable has no such dim, or the labels have another shape.
    """
    if isinstance(cluster, str):
        parts = [_along(model, name, shape, cluster) for name, shape in shapes.items()]
    else:
        given = cluster if isinstance(cluster, Mapping) else dict.fromkeys(shapes, cluster)
        if len(shapes) > 1 and given is not cluster:
            raise ModelError(
                f"cluster= got one array of labels, and the model observes {sorted(shapes)}. Give "
                "a mapping of each name to its labels, or name a dim that they share."
            )
        if set(given) != set(shapes):
            raise ModelError(
                f"cluster= has labels for {sorted(map(str, given))}; the model observes "
                f"{sorted(shapes)}. Give labels for each of them."
            )
        parts = [_labels(name, shape, given[name]) for name, shape in shapes.items()]
    return np.unique(np.concatenate(parts), return_inverse=True)[1]


def _along(model: pm.Model, name: str, shape: tuple[int, ...], dim: str) -> NDArray[np.int_]:
    dims = tuple(model.named_vars_to_dims.get(name) or ())[: len(shape)]
    if dim not in dims:
        had = f"the dims {dims}" if dims else "no named dims"
        raise ModelError(
            f"cluster={dim!r} is not a dim of the observations of {name!r}, which have {had}. Name "
            "one of those, or give a label for each observation."
        )
    axis = dims.index(dim)
    return np.broadcast_to(
        np.arange(shape[axis]).reshape(-1, *(1,) * (len(shape) - axis - 1)), shape
    ).ravel()


def _labels(name: str, shape: tuple[int, ...], labels: ArrayLike) -> NDArray:
    array = np.asarray(labels)
    if array.shape != shape and array.shape != (int(np.prod(shape)),):
        raise ModelError(
            f"cluster= has labels of shape {array.shape} for {name!r}; its observations have shape "
            f"{shape}. Give one label an observation."
        )
    return array.ravel()
