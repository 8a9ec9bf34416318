"""Data sets that a model makes, and the values of its free variables that they are made from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from numpy.typing import NDArray
from pymc.model.transform.optimization import freeze_dims_and_data
from pytensor.graph.replace import graph_replace

from bayes_point.errors import EstimationError, ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.variables.bounds import bounds_of
from bayes_point.model.variables.initial_values import without_half_named

__all__ = [
    "check_simulates",
    "deterministics",
    "free_shapes",
    "free_values",
    "from_prior",
    "simulate",
    "true_values",
]


def check_simulates(model: pm.Model, potentials: str | None) -> None:
    """Raise if the model's likelihood is not, or not only, that of data that it can draw."""
    if not model.observed_RVs:
        raise ModelError(
            "The model observes nothing, so there are no data to simulate. Write its likelihood "
            "as distributions with observed=."
        )
    if potentials == "likelihood":
        raise ModelError(
            "Data cannot be simulated from a Potential that is part of the likelihood. Write the "
            "model with distributions."
        )


def free_values(estimate: EstimateRecord, n: int) -> dict[str, NDArray]:
    """Return the estimate's value of each free variable, n times: (n, *shape).

    Not those of latent variables that were integrated out: they are drawn anew with the data.

    Raises
    ------
    EstimationError
        If the estimate is no point.
    """
    if not estimate.status.is_point:
        raise EstimationError(
            f"Data cannot be simulated from the {estimate.estimator}: {estimate.status.value}",
            estimate,
        )
    out = {}
    whole = estimate.integrated
    latents = {} if whole is None else whole.latents.keys() - {*whole.flat}
    for rv in estimate.model.free_RVs:
        if rv.name in latents:
            continue
        value = np.asarray(estimate.point[rv.name].values)
        out[rv.name] = np.broadcast_to(value, (n, *value.shape))
    return out


def free_shapes(model: pm.Model) -> dict[str, tuple[int, ...]]:
    """Return the shape of each free variable on the natural scale."""
    free = model.free_RVs
    with interpreting():
        found = pytensor.function([], [rv.shape for rv in free], mode=INTERPRETED)()
    return {rv.name: tuple(int(n) for n in shape) for rv, shape in zip(free, found, strict=True)}


def simulate(
    model: pm.Model, points: Mapping[str, NDArray], rng: np.random.Generator
) -> dict[str, NDArray]:
    """Draw a data set at each of n points.

    Parameters
    ----------
    model : pymc.Model
        The model; its dims and data are frozen as they stand now.
    points : mapping of str to ndarray, (n, *shape)
        The free variables on the natural scale.
    rng : Generator
        What the seed is drawn from.

    Returns
    -------
    dict of str to ndarray, (n, *shape)
        The observed variables.
    """
    return _drawn(model, points, [rv.name for rv in model.observed_RVs], rng)


def deterministics(model: pm.Model, points: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Return the Deterministics at each of n points, (n, *shape) each."""
    names = [var.name for var in model.deterministics]
    return _drawn(model, points, names, np.random.default_rng(0)) if names else {}


def from_prior(model: pm.Model, n: int, rng: np.random.Generator) -> dict[str, NDArray]:
    """Draw the free variables n times from the prior, on the natural scale.

    Raises
    ------
    ModelError
        If the prior cannot be drawn from.
    """
    if model.potentials:
        raise ModelError(
            "The model has a Potential, so its prior cannot be drawn from. Give truth= as a dict "
            "or a PointEstimate."
        )
    empty: dict[str, NDArray] = {"": np.empty(n)}
    try:
        return _drawn(model, empty, [rv.name for rv in model.free_RVs], rng)
    except NotImplementedError as error:
        raise ModelError(
            f"The prior cannot be drawn from: {str(error).splitlines()[0]} Give truth= as a dict "
            "or a PointEstimate."
        ) from error


def _drawn(
    model: pm.Model,
    points: Mapping[str, NDArray],
    names: Sequence[str],
    rng: np.random.Generator,
) -> dict[str, NDArray]:
    """Draw the variables named, given those in `points`, row by row."""
    with without_half_named(model):
        frozen = freeze_dims_and_data(model)
    free = [rv.name for rv in model.free_RVs if rv.name in points]
    inputs = {name: frozen[name].type(name=name) for name in free}
    # All at once: what one observed variable draws, another may depend on.
    graphs = graph_replace(
        [frozen[name] for name in names],
        {frozen[name]: value for name, value in inputs.items()},
        strict=False,
    )
    # One by one, not vectorised: what depends on no parameter, such as the first step of a random
    # walk, would then be drawn once for all data sets.
    with interpreting():
        function = pm.compile(
            list(inputs.values()),
            graphs,
            mode=INTERPRETED,
            random_seed=int(rng.integers(2**31)),
            on_unused_input="ignore",
        )
    function.trust_input = True
    rows = [np.asarray(points[name], dtype=value.type.dtype) for name, value in inputs.items()]
    n = len(next(iter(points.values())))
    # An array each: trusted inputs must not be NumPy's scalars.
    drawn = [function(*(np.asarray(row[i]) for row in rows)) for i in range(n)]
    return {name: np.stack([np.asarray(one[k]) for one in drawn]) for k, name in enumerate(names)}


def true_values(
    model: pm.Model, truth: Any, n: int, rng: np.random.Generator, latents: Collection[str] = ()
) -> dict[str, NDArray]:
    """Return the values that each of n data sets is simulated from: (n, *shape) by name.

    Parameters
    ----------
    model : pymc.Model
        The model.
    truth : mapping of str to array, EstimateRecord or None
        Values of all free variables; None for draws from the prior.
    n : int
        Data sets.
    rng : numpy.random.Generator
        Makes these draws.
    latents : collection of str
        Variables that have no true values: they are drawn anew with each data set.

    Raises
    ------
    ModelError
        If it is not the values of the model's free variables, each within its support.
    """
    if truth is None:
        drawn = from_prior(model, n, rng)
        return {name: values for name, values in drawn.items() if name not in latents}
    shapes = free_shapes(model)
    if isinstance(truth, EstimateRecord):
        if list(shapes) != [rv.name for rv in truth.model.free_RVs]:
            raise ModelError(
                f"truth is an estimate of {[rv.name for rv in truth.model.free_RVs]}; the free "
                f"variables of this model are {list(shapes)}."
            )
        own = free_values(truth, n)
        own = {name: values for name, values in own.items() if name not in latents}
        # The latents of a marginal estimate, where they are parameters of what is studied.
        left = [name for name in shapes if name not in own and name not in latents]
        return own | (_drawn(model, own, left, rng) if left else {})
    shapes = {name: shape for name, shape in shapes.items() if name not in latents}
    if not isinstance(truth, Mapping):
        raise ModelError(
            "truth must be a mapping from the names of free variables to values, a PointEstimate, "
            f"or None for draws from the prior; got {type(truth).__name__}."
        )
    but = f" but {[*latents]}, which are drawn anew with each data set" if latents else ""
    if sorted(map(str, truth)) != sorted(shapes):
        raise ModelError(
            f"truth must give each free variable{but}, {list(shapes)}, a value; it has "
            f"{list(truth)}."
        )
    out = {}
    for rv in model.free_RVs:
        if rv.name in latents:
            continue
        shape = shapes[rv.name]
        try:
            value = np.asarray(truth[rv.name], dtype=rv.type.dtype)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"truth gives {rv.name!r} the value {truth[rv.name]!r}, which is no number. Give "
                "numbers of the shape that the variable has."
            ) from error
        if value.shape != shape:
            raise ModelError(
                f"truth gives {rv.name!r} a value of shape {value.shape}; it has the shape {shape}."
            )
        known = bounds_of(model, rv)
        low = -np.inf if known.lower is None else known.lower
        high = np.inf if known.upper is None else known.upper
        if not np.all((value >= low) & (value <= high) & np.isfinite(value)):
            raise ModelError(
                f"truth gives {rv.name!r} the value {value}, outside of its support, which is "
                f"{known.words}."
            )
        out[rv.name] = np.broadcast_to(value, (n, *shape))
    return out
