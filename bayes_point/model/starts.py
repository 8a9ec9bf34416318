"""Where a search begins: the model's initial point, and draws from its prior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from numpy.typing import NDArray
from pymc.distributions.continuous import FlatRV, HalfFlatRV
from pymc.initial_point import convert_str_to_rv_dict, make_initial_point_expression
from pymc.pytensorf import find_rng_nodes, replace_rng_nodes, reseed_rngs
from pymc.util import get_untransformed_name, is_transformed_name
from pytensor.compile.mode import Mode

from bayes_point.errors import ModelError
from bayes_point.model.density import LogDensity
from bayes_point.model.flat_variable import with_old_priors

__all__ = ["Initvals", "starting_points"]

Initvals = Mapping[str, Any] | Sequence[Mapping[str, Any]]

# No rewrites: these graphs run a handful of times.
_ONCE = Mode(linker="py", optimizer=None)


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
    several are given).  The others are draws from the prior; a variable whose prior cannot be drawn
    from (flat) keeps its initial value with uniform jitter on (-1, 1) on the unconstrained scale.
    """
    given = [initvals] if initvals is None or isinstance(initvals, Mapping) else list(initvals)
    points = [_draw(model, density, _overrides(model, one), (), rng) for one in given]
    more = n_starts - len(points)
    if more > 0:
        improper = [rv for rv in model.free_RVs if _is_improper(rv)]
        strategy = {rv: "support_point" if rv in improper else "prior" for rv in model.free_RVs}
        points.append(_draw(model, density, strategy, improper, rng, n=more))
    return np.concatenate(points)


def _draw(
    model: pm.Model,
    density: LogDensity,
    strategy: Mapping[Any, Any],
    jittered: Sequence[Any],
    rng: np.random.Generator,
    n: int = 1,
) -> NDArray[np.float64]:
    values = make_initial_point_expression(
        free_rvs=model.free_RVs,
        rvs_to_transforms=model.rvs_to_transforms,
        initval_strategies={**model.rvs_to_initial_values, **strategy},
        jitter_rvs=set(jittered),
        return_transformed=True,
    )
    # The model's own random number generators are not to be advanced.
    values = replace_rng_nodes(with_old_priors(values))
    with pytensor.config.change_flags(cxx=""):
        function = pytensor.function([], values, mode=_ONCE)
    rngs = find_rng_nodes(function.maker.fgraph.outputs)
    out = np.empty((n, density.p))
    for row in out:
        reseed_rngs(rngs, int(rng.integers(2**30)))
        row[:] = np.concatenate([np.ravel(np.asarray(value)) for value in function()])
    return out


def _overrides(model: pm.Model, initvals: Mapping[str, Any] | None) -> dict[Any, Any]:
    initvals = {} if initvals is None else dict(initvals)
    free = {rv.name for rv in model.free_RVs}
    for key in initvals:
        name = getattr(key, "name", key)
        if (get_untransformed_name(name) if is_transformed_name(name) else name) not in free:
            raise ModelError(
                f"initvals names {name!r}, which is not a free variable of the model. "
                f"Its free variables are {sorted(free)}."
            )
    return convert_str_to_rv_dict(model, initvals)


def _is_improper(rv: Any) -> bool:
    return isinstance(getattr(rv.owner, "op", None), FlatRV | HalfFlatRV)
