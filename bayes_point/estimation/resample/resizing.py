"""The same model with more, or fewer, observations."""

from __future__ import annotations

from collections.abc import Sequence

import cloudpickle
import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.exceptions import ShapeError
from pytensor.compile.sharedvalue import SharedVariable

from bayes_point.errors import ModelError
from bayes_point.estimation.resample.simulation import deterministics, free_shapes, simulate
from bayes_point.model.variables.bounds import value_of

__all__ = ["of_all_sizes", "resized", "sized_dim"]

# What PyTensor and NumPy raise where arrays of the old size and of the new one meet.
_MISFIT = (ValueError, TypeError, IndexError, AssertionError, ShapeError)


def sized_dim(model: pm.Model, dim: str | None) -> str | None:
    """Return the dim of the observed variables that can be given another length.

    None where they have no dims: then it is their first axis.

    Raises
    ------
    ModelError
        If there are several, or `dim` is not one that all of them have.
    """
    dims = {rv.name: _dims_of(model, rv) for rv in model.observed_RVs}
    if dim is not None:
        if missing := [name for name, own in dims.items() if dim not in own]:
            raise ModelError(
                f"Got dim={dim!r}, which the observed {missing} do not have: their dims are "
                f"{dims}. Name a dim of all observed variables."
            )
        return dim
    if not any(dims.values()):
        return None
    held = {d for rv in model.free_RVs for d in model.named_vars_to_dims.get(rv.name) or ()}
    first, *others = dims.values()
    common = [d for d in first if all(d in own for own in others) and d not in held]
    if len(common) != 1:
        raise ModelError(
            f"Which dim is to have the lengths of sample_sizes cannot be told: {common or 'none'} "
            f"of the dims of the observed variables, {dims}, is common to all and of no free "
            "variable. Say it with dim=, or give the observed variables such a dim."
        )
    return common[0]


def resized(
    model: pm.Model, size: int, dim: str | None, rng: np.random.Generator
) -> tuple[pm.Model, NDArray[np.int_]]:
    """Return a copy of a model with `size` observations, and which rows of its data it has.

    A dim, or else the first axis of the observed variables, is given that length, and so are the
    `pm.Data` along it.  Their rows are the model's own, each as often as any other or once more.
    """
    # A clone would share its data containers with the model, and what is set in the one is set in
    # the other.
    copy = cloudpickle.loads(cloudpickle.dumps(model))
    axes = {
        rv.name: _dims_of(copy, rv).index(dim) if dim is not None else 0 for rv in copy.observed_RVs
    }
    observed = {rv: np.asarray(value_of(copy.rvs_to_values[rv])) for rv in copy.observed_RVs}
    if scalar := [rv.name for rv, own in observed.items() if own.ndim == 0]:
        raise ModelError(
            f"The observed {scalar} are single numbers, of which there is no other sample size. "
            "Leave sample_sizes out, or declare data with one entry an observation."
        )
    own_size = {own.shape[axes[rv.name]] for rv, own in observed.items()}
    if len(own_size) > 1:
        raise ModelError(
            f"The observed variables have different numbers of observations, {sorted(own_size)}, "
            "and cannot all be given one. Give those that grow a dim of their own, and name it "
            "with dim=."
        )
    n = own_size.pop()
    rows = _rows(n, size, rng)
    for name, variable in copy.named_vars.items():
        if isinstance(variable, SharedVariable):
            values = np.asarray(variable.get_value())
            dims = copy.named_vars_to_dims.get(name)
            if dim is not None and dims:
                along = [i for i, own in enumerate(dims) if own == dim]
            else:
                along = [0] if values.ndim and len(values) == n else []
            for axis in along:
                values = np.take(values, rows, axis)
            variable.set_value(values)
    if dim is not None and isinstance(copy.dim_lengths.get(dim), SharedVariable):
        labels = None if copy.coords.get(dim) is None else range(size)
        copy.set_dim(dim, size, coord_values=labels)
    for rv, own in observed.items():
        value = copy.rvs_to_values[rv]
        if not isinstance(value, SharedVariable):
            values = np.take(own, rows, axes[rv.name])
            copy.rvs_to_values[rv] = pt.constant(values.astype(value.type.dtype), name=value.name)
    copy.values_to_rvs = {value: rv for rv, value in copy.rvs_to_values.items()}
    return copy, rows


def _rows(n: int, size: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Return `size` of n rows: each of them as often as any other, or once more."""
    whole, rest = divmod(size, n)
    some = rng.choice(n, size=rest, replace=False)
    return np.concatenate([np.tile(np.arange(n), whole), np.sort(some)])


def of_all_sizes(
    model: pm.Model,
    sizes: Sequence[int],
    dim: str | None,
    points: dict[str, NDArray],
    rng: np.random.Generator,
) -> tuple[list[pm.Model], list[str]]:
    """Return a copy of the model of each size, and what they have in common to be compared.

    Parameters
    ----------
    model : pymc.Model
        The model.
    sizes : sequence of int
        Numbers of observations.
    dim : str, optional
        Dim of the observed variables; else the first axis.
    points : dict of str to ndarray, (n, *shape)
        Values of the free variables.
    rng : Generator
        Of the rows of the data that a copy has.

    Raises
    ------
    ModelError
        If the model has no other size.
    """
    dim = sized_dim(model, dim)
    one = {name: values[:1] for name, values in points.items()}
    shapes = free_shapes(model)
    kept = {name: values.shape for name, values in deterministics(model, one).items()}
    simulate(model, one, np.random.default_rng(0))  # what is wrong here is not for us to explain
    copies = []
    for size in sizes:
        copy, _ = resized(model, size, dim, rng)
        if free_shapes(copy) != shapes:
            changed = [name for name, shape in free_shapes(copy).items() if shape != shapes[name]]
            raise ModelError(
                f"The free variables {changed} have one element an observation, so that the model "
                "has other parameters at each sample size, and there is nothing to compare. "
                "Integrate them out of the model."
            )
        try:
            drawn = simulate(copy, one, np.random.default_rng(0))
            found = deterministics(copy, one)
        except _MISFIT as error:
            raise _is_fixed(model, dim, size, str(error).splitlines()[0].rstrip(".")) from error
        lengths = {
            rv.name: drawn[rv.name].shape[1 + (_dims_of(copy, rv).index(dim) if dim else 0)]
            for rv in copy.observed_RVs
        }
        if any(length != size for length in lengths.values()):
            raise _is_fixed(model, dim, size, f"the data simulated have the lengths {lengths}")
        kept = {name: s for name, s in kept.items() if found[name].shape == s}
        copies.append(copy)
    return copies, [*shapes, *kept]


def _is_fixed(model: pm.Model, dim: str | None, size: int, why: str) -> ModelError:
    where = f"along the dim {dim!r}" if dim is not None else "along their first axis"
    names = [rv.name for rv in model.observed_RVs]
    return ModelError(
        f"The observed {names} cannot be given {size} observations {where}: {why}. Something in "
        "the model has a fixed length. Declare every array with one entry an observation as "
        "pm.Data, the observed one too, and give them and the observed variable a dim that is in "
        "pm.Model(coords=...)."
    )


def _dims_of(model: pm.Model, rv: pm.Distribution) -> tuple[str, ...]:
    """Return the dims of an observed variable, or of the data that it is observed by."""
    value = model.rvs_to_values[rv]
    own = model.named_vars_to_dims.get(rv.name) or model.named_vars_to_dims.get(value.name) or ()
    return tuple(str(dim) for dim in own)
