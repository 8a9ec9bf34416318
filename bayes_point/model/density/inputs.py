"""Arrays that a density is a function of besides its parameters: data sets, weights, choices.

A `LogDensity` holds the data of its model as constants.  Where one model is put to many data sets,
the arrays that differ are declared as inputs instead: then each row of a batch has its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike, NDArray
from pymc.model.transform.optimization import freeze_dims_and_data
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.xtensor import as_xtensor
from pytensor.xtensor.type import XTensorType

from bayes_point.errors import ModelError
from bayes_point.model.interpreter.double import double_of
from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.variables.bounds import value_of
from bayes_point.model.variables.initial_values import without_half_named

__all__ = ["Input", "check_inputs", "freeze", "weight_of", "weights_of"]


@dataclass(frozen=True)
class Input:
    """One array that each row of a batch has its own of.

    Attributes
    ----------
    name : str
        Of the observed variable, the `pm.Data` or the discrete variable; or `weight_of` one.
    variable : TensorVariable
        The array of one row in the graph, with its static shape and dtype.
    own : ndarray
        What the model itself holds there; ones for weights.
    """

    name: str
    variable: Any
    own: NDArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.own.shape

    def batch(self, values: ArrayLike) -> NDArray:
        """Return `values`, (batch, *shape), in the dtype of the graph; raise where they differ."""
        array = np.asarray(values)
        if array.shape[1:] != self.shape or array.ndim == 0:
            raise ModelError(
                f"Got values of shape {array.shape} for {self.name!r}; expected (batch, "
                f"{', '.join(map(str, self.shape))}): one row a data set, each of the shape that "
                "the model has. For data of another size change the model first, with pm.set_data."
            )
        dtype = np.dtype(self.variable.type.dtype)
        if array.dtype == dtype:
            return array
        if dtype.kind in "iub" and array.dtype.kind == "f" and np.any(array != np.round(array)):
            raise ModelError(
                f"Got values for {self.name!r} that are not whole numbers, where the model has "
                f"{dtype}."
            )
        if dtype.kind in "iu" and array.dtype.kind in "iuf" and array.size:
            low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
            if array.min() < low or array.max() > high:
                raise ModelError(
                    f"Got values for {self.name!r} from {array.min():g} to {array.max():g}, where "
                    f"the model has {dtype}, which ends at {high}: they would wrap around. Give "
                    "the model's own observed values as floats; PyMC then keeps them in 64 bits."
                )
        return array.astype(dtype)


def weight_of(name: str) -> str:
    """Return the name of the input that weighs the observations of variable `name`."""
    return f"weight of {name}"


def freeze(model: pm.Model, names: Sequence[str]) -> tuple[pm.Model, list[Input], dict[Any, Any]]:
    """Freeze a model's dims and data, but for the arrays named.

    Returns
    -------
    Model
        The frozen model, in whose log densities the inputs named stand instead of their values.
    list of Input
        In the order of `names`.
    dict
        What has yet to be replaced in graphs made from the model: its data containers.

    Raises
    ------
    ModelError
        If a name is not that of an observed variable, a `pm.Data` or a discrete free variable.
    """
    check_inputs(model, names)
    containers = {v.name for v in model.named_vars.values() if isinstance(v, SharedVariable)}
    fixed = [name for name in model.named_vars if name in containers.difference(names)]
    with without_half_named(model):
        frozen = freeze_dims_and_data(model, data=fixed)
    inputs, replacements = [], {}
    for name in names:
        variable = frozen[name]
        value = variable if name in containers else frozen.rvs_to_values[variable]
        one = Input(name, *_row(model, name, value))
        inputs.append(one)
        put = one.variable
        if isinstance(value.type, XTensorType):
            put = as_xtensor(put, dims=value.type.dims)
        if name in containers:
            replacements[variable] = put
        else:
            frozen.rvs_to_values[variable] = put
    return frozen, inputs, replacements


def weights_of(model: pm.Model, elementwise: Mapping[str, Any]) -> list[Input]:
    """Return an input for the weights of each observed variable, given its elementwise terms."""
    out = []
    for name, term in elementwise.items():
        # The elements of a multivariate observation have one weight together.
        shape = np.shape(value_of(model.rvs_to_values[model[name]]))[: term.type.ndim]
        variable = pt.tensor(weight_of(name), shape=shape, dtype="float64")
        out.append(Input(weight_of(name), variable, np.ones(shape)))
    return out


def check_inputs(model: pm.Model, names: Sequence[str]) -> None:
    """Raise if a name is not that of an observed variable, a `pm.Data` or a discrete variable."""
    containers = [v.name for v in model.named_vars.values() if isinstance(v, SharedVariable)]
    observed = [rv.name for rv in model.observed_RVs]
    discrete = [value.name for value in model.discrete_value_vars]
    if wrong := [name for name in names if name not in (*containers, *observed, *discrete)]:
        allowed = {"observed variables": observed, "pm.Data": containers, "discrete": discrete}
        words = "; ".join(f"{what} {some}" for what, some in allowed.items() if some)
        raise ModelError(
            f"{wrong} cannot be given anew for each data set. What can is, in this model: "
            f"{words or 'nothing'}."
        )
    if twice := [name for name in names if list(names).count(name) > 1]:
        raise ModelError(f"{sorted(set(twice))} named more than once.")
    for rv in model.observed_RVs:
        container = model.rvs_to_values[rv]
        both = isinstance(container, SharedVariable) and container.name != rv.name
        if both and rv.name in names and container.name in names:
            raise ModelError(
                f"{rv.name!r} is observed through the pm.Data {container.name!r}: give one of the "
                "two, not both."
            )


def _row(model: pm.Model, name: str, value: Any) -> tuple[Any, NDArray]:
    """Return the graph's input for one row, and the model's own values in it."""
    variable = model[name]
    if isinstance(variable, SharedVariable):
        own = np.asarray(variable.get_value())
    elif variable in model.observed_RVs:
        own = np.asarray(value_of(model.rvs_to_values[variable]))
    else:
        with interpreting():
            own = np.asarray(model.initial_point()[model.rvs_to_values[variable].name])
    own = own.astype(double_of(value.type.dtype))
    return pt.tensor(name, shape=own.shape, dtype=str(own.dtype)), own
