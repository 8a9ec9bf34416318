"""Starting points that are given row by row: from natural values to the unconstrained scale."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.initial_point import make_initial_point_expression
from pymc.pytensorf import replace_rng_nodes
from pytensor.compile.mode import Mode

from bayes_point.errors import ModelError
from bayes_point.model.density.density import LogDensity
from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.variables.flat_variable import with_old_priors

__all__ = ["start_rows"]

_ONCE = Mode(linker="py", optimizer=None)


def start_rows(
    model: pm.Model, density: LogDensity, values: Mapping[str, NDArray], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `start`, (p,), repeated, with natural values of some variables put into each row.

    Parameters
    ----------
    model, density
        The model.
    values : mapping of str to ndarray, (batch, *shape)
        Values of free variables on the natural scale.
    start : ndarray, (p,)
        The other coordinates.

    Raises
    ------
    ModelError
        If a value is outside of the support of its variable.
    """
    batch = len(next(iter(values.values())))
    given = {
        name: pt.tensor(name, shape=rows.shape[1:], dtype=model[name].type.dtype)
        for name, rows in values.items()
    }
    graphs = make_initial_point_expression(
        free_rvs=model.free_RVs,
        rvs_to_transforms=model.rvs_to_transforms,
        initval_strategies={
            **model.rvs_to_initial_values,
            **{model[name]: variable for name, variable in given.items()},
        },
        return_transformed=True,
    )
    names = [rv.name for rv in model.free_RVs]
    graphs = replace_rng_nodes(with_old_priors(graphs))
    wanted = [graphs[names.index(name)] for name in values]
    with interpreting():
        function = pytensor.function(list(given.values()), wanted, mode=_ONCE)
    out = np.repeat(start[None], batch, axis=0)
    variables = np.array(density.variables)
    for i, row in enumerate(zip(*values.values(), strict=True)):
        with np.errstate(all="ignore"):
            found = function(*map(np.asarray, row))
        for name, value in zip(values, found, strict=True):
            out[i, variables == name] = np.ravel(value)
    if np.any(wrong := ~np.all(np.isfinite(out), axis=1)):
        i = int(np.flatnonzero(wrong)[0])
        bad = sorted(set(variables[~np.isfinite(out[i])]))
        raise ModelError(
            f"initvals gives {', '.join(bad)} of data set {i} a value outside of its support or on "
            "its edge. Give a value inside of it."
        )
    return out
