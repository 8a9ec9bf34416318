"""Where a search begins: the model's initial point, and draws from its prior."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
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
from bayes_point.model.interpreter.compiling import NO_NUMBER
from bayes_point.model.interpreter.drawing import DRAWN_ONCE
from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.variables.flat_variable import with_old_priors

__all__ = ["Initvals", "starting_points"]

_STRATEGIES = ("support_point", "moment", "prior")

Array = NDArray[np.float64]

# How often as many draws as there are starts are made anew, before points are looked for.
_REDRAWS = 5
# Steps of a walk towards the support, the tries of each, and the halvings of the way to a point.
_STEPS, _FAN, _HALVINGS = 200, 32, 30

# An estimate is known by the `point` that it has: its class is of a later layer.
Initvals = Mapping[str, Any] | Sequence[Any] | Any


def starting_points(
    model: pm.Model,
    density: LogDensity,
    *,
    n_starts: int,
    initvals: Initvals | None,
    rng: np.random.Generator,
    is_usable: Callable[[Array], NDArray[np.bool_]] | None = None,
) -> NDArray[np.float64]:
    """Return starting points on the unconstrained scale, (n_starts, p).

    The first is the model's initial point with `initvals` in it (or one for each mapping, if
    several are given).  The others are draws from the prior.  A variable whose prior cannot be
    drawn from (flat, or known by its density alone) keeps its initial value with uniform jitter on
    (-1, 1) on the unconstrained scale, and so does one whose draw has no place there (unordered,
    where order is asked for).

    Where it is told which points `is_usable`, others are drawn in the place of those that are not;
    where that fails, they are taken from the way to one that is, or from around the best of them,
    the one at which the fewest observations are impossible.
    """
    given = [_overrides(model, one) for one in _listed(model, initvals)]
    points = [_inside(density, one, _draw(model, density, one, (), rng)) for one in given]

    def drawn(n: int) -> Array:
        rows = _drawn(model, density, given[0], n, rng)
        jittered = points[0] + rng.uniform(-1, 1, rows.shape)
        for name in set(density.variables):
            own = np.array(density.variables) == name
            impossible = ~np.isfinite(rows[:, own]).all(axis=1)
            rows[np.ix_(impossible, own)] = jittered[np.ix_(impossible, own)]
        return rows

    if n_starts > len(points):
        points.append(drawn(n_starts - len(points)))
    starts = np.concatenate(points)
    return starts if is_usable is None else _usable(density, starts, drawn, is_usable, rng)


def _usable(
    density: LogDensity,
    starts: Array,
    drawn: Callable[[int], Array],
    is_usable: Callable[[Array], NDArray[np.bool_]],
    rng: np.random.Generator,
) -> Array:
    """Put points at which the density is positive in the place of those where it is not."""
    starts, good = starts.copy(), is_usable(starts)

    def fill(rows: Array) -> None:
        found = rows[is_usable(rows)]
        places = np.flatnonzero(~good)[: len(found)]
        starts[places], good[places] = found[: len(places)], True

    for _ in range(_REDRAWS):
        if good.all():
            return starts
        fill(drawn(len(starts)))
    if not good.any() and not density.is_integral:
        fill(_towards_support(density, starts, rng))
    if good.any() and not good.all():
        # On the way to a usable point, each half as far from it as the last.
        inside, outside = starts[good][:1], starts[~good]
        away = 0.5 ** np.arange(1, _HALVINGS)[:, None, None] * (outside - inside)
        ways = (inside + away).reshape(-1, density.p)
        ok = is_usable(ways).reshape(len(away), -1)
        first = np.argmax(ok, axis=0)
        rows = ways.reshape(*ok.shape, -1)[first, np.arange(ok.shape[1])]
        found = ok.any(axis=0)
        places = np.flatnonzero(~good)[found]
        starts[places], good[places] = rows[found], True
    return starts


def _towards_support(density: LogDensity, starts: Array, rng: np.random.Generator) -> Array:
    """Walk from the start at which the fewest observations are impossible to where none is, (1, p).

    By random steps of all lengths, those taken that make fewer of them impossible.
    """
    impossible = _impossible(density)
    counts = impossible(starts)
    best, count = starts[np.argmin(counts)], counts.min()
    for _ in range(_STEPS):
        if count == 0:
            break
        length = 10.0 ** rng.uniform(-3, 1, (_FAN, 1)) * (1 + np.abs(best))
        rows = best + length * rng.standard_normal((_FAN, density.p))
        # Along one coordinate alone, in every other.
        alone = np.arange(0, _FAN, 2)
        kept = rng.integers(density.p, size=alone.size)
        mask = np.arange(density.p) == kept[:, None]
        rows[alone] = np.where(mask, rows[alone], best)
        counts = impossible(rows)
        if counts.min() <= count:
            best, count = rows[np.argmin(counts)], counts.min()
    return best[None]


def _impossible(density: LogDensity) -> Callable[[Array], Array]:
    """Return a function of points, (batch, p), that counts what is impossible there, (batch,)."""
    frozen = density.graphs.frozen

    def build() -> Callable:
        with building():
            terms = frozen.logp(
                vars=[*frozen.basic_RVs, *frozen.potentials], jacobian=False, sum=False
            )
            terms = [pt.as_tensor(term, allow_xtensor_conversion=True) for term in terms]
            bad = sum(pt.sum(1 - pt.isfinite(term)) for term in terms)
            return density.functions.compile(density.graphs.row, density.graphs.of_x([bad]))

    function = density.functions.kept("impossible observations", build)

    def count(rows: Array) -> Array:
        inputs = list(density.bound.values())
        out = np.full(len(rows), np.inf)
        for i, row in enumerate(rows):
            with contextlib.suppress(*NO_NUMBER):
                out[i] = function(row, *inputs)[0]
        return out

    return count


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
    strategies = {**model.rvs_to_initial_values, **strategy}

    def make() -> Any:
        with building():
            return _compiled_drawing(model, density, strategies, jittered)

    # Numbers that a user gave may be others the next time.
    if not all(value is None or isinstance(value, str) for value in strategies.values()):
        return make()
    by_name = tuple((rv.name, value) for rv, value in strategies.items())
    return density.functions.kept(("drawing", by_name, *(rv.name for rv in jittered)), make)


def _compiled_drawing(
    model: pm.Model, density: LogDensity, strategies: Mapping[Any, Any], jittered: Sequence[Any]
) -> Any:
    values = make_initial_point_expression(
        free_rvs=model.free_RVs,
        rvs_to_transforms=model.rvs_to_transforms,
        initval_strategies=dict(strategies),
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
    with interpreting():
        return pytensor.function([], values, mode=DRAWN_ONCE)


def _overrides(model: pm.Model, initvals: Mapping[str, Any]) -> dict[Any, Any]:
    """Return initial values by variable, each in the variable's shape."""
    if not initvals:
        return {}
    free = {rv.name for rv in model.free_RVs}
    with interpreting():
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
