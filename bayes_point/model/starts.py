"""Where a search begins: the model's initial point, and draws from its prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import xarray as xr
from numpy.typing import NDArray
from pymc.distributions.continuous import FlatRV, HalfFlatRV
from pymc.initial_point import convert_str_to_rv_dict, make_initial_point_expression
from pymc.pytensorf import find_rng_nodes, replace_rng_nodes, reseed_rngs
from pymc.util import get_untransformed_name, is_transformed_name
from pytensor.graph.basic import Variable

from bayes_point.errors import ModelError
from bayes_point.model.density.building import building
from bayes_point.model.density.density import LogDensity
from bayes_point.model.interpreter.drawing import DRAWN_ONCE
from bayes_point.model.variables.flat_variable import with_old_priors

__all__ = ["Initvals", "starting_points"]

_STRATEGIES = ("support_point", "moment", "prior")

# An estimate is known by the `point` that it has: its class is of a later layer.
Initvals = Mapping[str, Any] | Sequence[Any] | Any


def starting_points(
    model: pm.Model,
    density: LogDensity,
    *,
    n_starts: int,
    initvals: Initvals | None,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return starting points on the unconstrained scale, (n_starts, p).

    The first is the model's initial point with `initvals` in it (or one for each mapping, if
    several are given).  The others are draws from the prior.  A variable whose prior cannot be
    drawn from (flat, or known by its density alone) keeps its initial value with uniform jitter on
    (-1, 1) on the unconstrained scale, and so does one whose draw has no place there (unordered,
    where order is asked for).
    """
    given = [_overrides(model, one) for one in _listed(model, initvals)]
    points = [_inside(density, one, _draw(model, density, one, (), rng)) for one in given]
    more = n_starts - len(points)
    if more > 0:
        drawn = _drawn(model, density, given[0], more, rng)
        jittered = points[0] + rng.uniform(-1, 1, drawn.shape)
        for name in set(density.variables):
            own = np.array(density.variables) == name
            impossible = ~np.isfinite(drawn[:, own]).all(axis=1)
            drawn[np.ix_(impossible, own)] = jittered[np.ix_(impossible, own)]
        points.append(drawn)
    return np.concatenate(points)


def _drawn(
    model: pm.Model,
    density: LogDensity,
    given: Mapping[Any, Any],
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return n draws from the prior, with jitter where it cannot be drawn from."""
    proper = {rv: "prior" for rv in model.free_RVs if not _is_improper(rv)}
    try:
        return _draw(model, density, {**given, **proper}, _others(model, proper), rng, n)
    except NotImplementedError:
        # Only drawing tells that an Op cannot be drawn from.
        proper = {rv: "prior" for rv in proper if _can_be_drawn(model, density, rv)}
        return _draw(model, density, {**given, **proper}, _others(model, proper), rng, n)


def _others(model: pm.Model, some: Mapping[Any, Any]) -> list[Any]:
    return [rv for rv in model.free_RVs if rv not in some]


def _can_be_drawn(model: pm.Model, density: LogDensity, rv: Any) -> bool:
    try:
        _draw(model, density, {rv: "prior"}, (), np.random.default_rng(0))
    except NotImplementedError:
        return False
    return True


def _listed(model: pm.Model, initvals: Initvals | None) -> list[Mapping[str, Any]]:
    if initvals is None:
        return [{}]
    several = initvals if isinstance(initvals, Sequence) else [initvals]
    found = [_of_estimate(model, one) for one in several]
    if not isinstance(initvals, str) and all(isinstance(one, Mapping) for one in found):
        return found or [{}]
    raise ModelError(
        "initvals must be a mapping from the names of free variables to values, such as "
        "{'sigma': 1.0}, an estimate of find_MLE or find_MAP, or a sequence of these; got "
        f"{initvals!r}."
    )


def _of_estimate(model: pm.Model, given: Any) -> Any:
    """Return the values of the model's free variables at an estimate; else what was given."""
    point = getattr(given, "point", None)
    if not isinstance(point, xr.Dataset):
        return given
    return {rv.name: point[rv.name].values for rv in model.free_RVs if rv.name in point}


def _inside(
    density: LogDensity, given: Mapping[Any, Any], point: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a start that the user gave; raise if it is outside of the support.

    What the user asked for is not to be left out silently, as a bad draw from the prior is.
    """
    bad = {density.variables[j] for j in np.flatnonzero(~np.isfinite(point[0]))}
    wrong = [f"{rv.name} = {value}" for rv, value in given.items() if rv.name in bad]
    if wrong:
        raise ModelError(
            f"initvals gives {', '.join(wrong)}, which is outside of the variable's support or on "
            "its edge. Give a value inside of it."
        )
    return point


def _draw(
    model: pm.Model,
    density: LogDensity,
    strategy: Mapping[Any, Any],
    jittered: Sequence[Any],
    rng: np.random.Generator,
    n: int = 1,
) -> NDArray[np.float64]:
    with building():
        function = _drawing(model, density, strategy, jittered)
    rngs = find_rng_nodes(function.maker.fgraph.outputs)
    out = np.empty((n, density.p))
    for row in out:
        reseed_rngs(rngs, int(rng.integers(2**30)))
        try:
            row[:] = np.concatenate([np.ravel(np.asarray(value)) for value in function()])
        except ValueError:
            # NumPy refuses to draw where a draw before made a parameter impossible.
            row[:] = np.nan
    return out


def _drawing(
    model: pm.Model, density: LogDensity, strategy: Mapping[Any, Any], jittered: Sequence[Any]
) -> Any:
    """Return a function that draws the pieces of one vector."""
    values = make_initial_point_expression(
        free_rvs=model.free_RVs,
        rvs_to_transforms=model.rvs_to_transforms,
        initval_strategies={**model.rvs_to_initial_values, **strategy},
        jitter_rvs=set(jittered),
        return_transformed=True,
    )
    # Discrete variables have no place in the vector.
    values = [
        value
        for rv, value in zip(model.free_RVs, values, strict=True)
        if rv.name in density.variables
    ]
    # The model's own random number generators are not to be advanced.
    values = replace_rng_nodes(with_old_priors(values))
    with pytensor.config.change_flags(cxx=""):
        return pytensor.function([], values, mode=DRAWN_ONCE)


def _overrides(model: pm.Model, initvals: Mapping[str, Any]) -> dict[Any, Any]:
    """Return initial values by variable, each in the variable's shape."""
    if not initvals:
        return {}
    free = {rv.name for rv in model.free_RVs}
    with pytensor.config.change_flags(cxx=""):
        shapes = model.eval_rv_shapes()
    values = {}
    for key, value in initvals.items():
        name = getattr(key, "name", key)
        if _free_name(key) not in free:
            raise ModelError(
                f"initvals names {name!r}, which is not a free variable of the model. "
                f"Its free variables are {sorted(free)}."
            )
        if isinstance(value, str) and value not in _STRATEGIES:
            raise ModelError(
                f"initvals gives {name!r} the value {value!r}. In words it may be 'support_point' "
                "or 'prior'; else give a number, or an array of numbers."
            )
        if not isinstance(value, str | Variable):  # how to begin, in words or as a graph
            if np.asarray(value).dtype.kind not in "fiub":
                raise ModelError(
                    f"initvals gives {name!r} the value {value!r}, which is no real number. Give a "
                    "number, or an array of numbers."
                )
            try:
                value = np.broadcast_to(np.asarray(value), shapes[name])
            except ValueError as err:
                raise ModelError(
                    f"initvals gives {name!r} a value of shape {np.shape(value)}; its shape is "
                    f"{tuple(int(n) for n in shapes[name])}."
                ) from err
        values[key] = value
    return convert_str_to_rv_dict(model, values)


def _free_name(key: Any) -> str:
    """Return the name of the free variable that a key of `initvals` is about."""
    name = getattr(key, "name", key)
    return get_untransformed_name(name) if is_transformed_name(name) else name


def _is_improper(rv: Any) -> bool:
    return isinstance(getattr(rv.owner, "op", None), FlatRV | HalfFlatRV)
