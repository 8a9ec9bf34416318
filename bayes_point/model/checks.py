"""What can be known to be wrong with a model before any search: each finding is a ModelError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.simulator import SimulatorRV
from pymc.initial_point import make_initial_point_expression
from pymc.logprob.utils import ParameterValueError
from pymc.model.core import BaseModel
from pymc.pytensorf import expand_inner_graph
from pytensor.graph.basic import Variable
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import walk

from bayes_point.errors import ModelError
from bayes_point.model.data.whole_data import with_whole_data
from bayes_point.model.given import behind_formula
from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.variables.bounds import bounds_of, evaluated, value_of

__all__ = ["as_model", "check_data", "check_model", "check_names"]

type Given = Mapping[Variable, Any]
"""Data in the place of the model's own, by the variable that holds these."""

_NOTHING: Given = {}

# PyTensor's fast_compile leaves out the rewrites for numerical stability.
_STABLE = INTERPRETED.including("stabilize")


def as_model(model: Any, caller: str) -> pm.Model:
    """Return the model, or that of the context where it is None, with the whole of its data.

    One of Bambi may be given as well.  Raise if it is no model.
    """
    model = behind_formula(model)
    if model is None:
        model = BaseModel.get_context(error_if_none=False)
        if model is None:
            raise ModelError(
                f"{caller} was given no model, and there is none in the context. Pass the model, "
                "or call it inside `with model:`."
            )
    if not isinstance(model, BaseModel):
        raise ModelError(f"{caller} needs a pymc.Model, got {type(model).__name__}.")
    return with_whole_data(model)


def check_model(model: pm.Model | None = None, *, start: bool = True) -> None:
    """Raise if a model cannot be estimated, before any search and without compiling anything.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.
    start : bool, default True
        Whether to evaluate each density at the model's starting point. This is nearly all of the
        time; who has seen that the joint density is positive there can leave it out.

    Raises
    ------
    ModelError
        If the model has no free variables, or neither an observed variable nor a Potential; if it
        holds a ``pm.Simulator`` or trees of ``pymc_bart``; if observed data are missing (NaN) or
        outside of the support of their distribution; if a density is zero or not a number at the
        model's starting point. The message names the variable.
    """
    model = as_model(model, "check_model")
    _check_variables(model)
    _check_no_random_density(model)
    _check_nothing_missing(model)
    if start:
        _check_start(model)


def check_data(model: pm.Model, data: Mapping[str, Any]) -> None:
    """Raise if other data cannot be observed under a model, in the words of `check_model`.

    Parameters
    ----------
    model : pymc.Model
        One that `check_model` let pass with its own data.
    data : mapping of str to array
        Values of observed variables or of ``pm.Data``, by name; of others the model's own hold.

    Raises
    ------
    ModelError
        If they hold NaN or lie outside of the support of their distribution, or if the density is
        zero or not a number at the model's starting point.
    """
    holders = {
        name: model.rvs_to_values.get(model[name], model[name]) for name in data if name in model
    }
    given = {
        holder: holder.type.filter(np.asarray(data[name]), allow_downcast=True)
        for name, holder in holders.items()
    }
    _check_nothing_missing(model, given)
    _check_start(model, given)


def check_names(model: pm.Model) -> None:
    """Raise where a name cannot stand in a DataTree, where a slash leads into a group.

    Raises
    ------
    ModelError
        If the name of a variable or of a dim contains a slash.
    """
    for kind, names in (("dim", model.coords), ("variable", model.named_vars)):
        for name in names:
            if "/" in name:
                raise ModelError(
                    f"The {kind} {name!r} has a slash in its name, which in a DataTree separates "
                    f"groups: no result of it could be kept. Rename it, for instance "
                    f"{name.replace('/', '_per_')!r}."
                )


def _check_variables(model: pm.Model) -> None:
    if not model.free_RVs:
        raise ModelError(
            "The model has no free variables, so there is nothing to estimate. Give at least one "
            "parameter a prior, for instance pm.Flat('mu')."
        )
    if not model.observed_RVs and not model.potentials:
        free = ", ".join(rv.name for rv in model.free_RVs)
        raise ModelError(
            f"The model has no observed variable and no Potential, so there is no likelihood to "
            f"learn {free} from. Pass data with observed=, or condition the model with pm.observe."
        )


def _check_no_random_density(model: pm.Model) -> None:
    """Raise on variables that PyMC has no log density of."""
    terms = [*model.basic_RVs, *model.potentials]
    for rv in model.free_RVs:
        # Each variable of trees has a class of its own, made from theirs.
        if any(kind.__module__.split(".")[0] == "pymc_bart" for kind in type(rv.owner.op).mro()):
            raise ModelError(
                f"{rv.name!r} is a sum of trees (pymc_bart), whose log density PyMC takes to be "
                "zero whatever the trees are, so that there is no maximum to find but a fit that "
                "goes through every observation. Sample it with pm.sample."
            )
    for term in terms if _made_with(model, terms, SimulatorRV) else ():
        if _made_with(model, [term], SimulatorRV):
            raise ModelError(
                f"{term.name!r} is a pm.Simulator or depends on one: it has no likelihood, only "
                "simulated data, so that there is no maximum to find. Sample it with "
                "pm.sample_smc, or write its density with pm.CustomDist."
            )


def _made_with(model: pm.Model, terms: Sequence[Variable], ops: Any) -> bool:
    values = [model.rvs_to_values[term] for term in terms if term in model.rvs_to_values]
    return any(
        isinstance(getattr(var.owner, "op", None), ops)
        for var in walk([*terms, *values], expand_inner_graph)
    )


def _check_nothing_missing(model: pm.Model, given: Given = _NOTHING) -> None:
    for rv in model.observed_RVs:
        if np.size(data := _data(model, rv, given)) == 0:
            raise ModelError(
                f"The observed data of {rv.name!r} have no values: their shape is "
                f"{np.shape(data)}. Give at least one observation, or leave the variable out."
            )
        missing = _missing(data)
        if missing.any():
            raise ModelError(
                f"The observed data of {rv.name!r} hold missing values: {missing.sum()} of "
                f"{missing.size} are NaN, the first at {_element(rv.name, _first(missing))}. Leave "
                "them out; or pass the array itself as observed=, not as pm.Data, and PyMC makes "
                "parameters of them."
            )


def _missing(data: Any) -> NDArray[np.bool_]:
    data = np.asarray(getattr(data, "data", data))  # a sparse matrix keeps its values in data
    return np.isnan(data) if data.dtype.kind == "f" else np.zeros(data.shape, dtype=bool)


def _data(model: pm.Model, rv: Variable, given: Given = _NOTHING) -> Any:
    value = model.rvs_to_values[rv]
    return given[value] if value in given else value_of(value)


def _check_start(model: pm.Model, given: Given = _NOTHING) -> None:
    """Raise if a density is zero or no number at the model's own starting point."""
    terms = [*model.observed_RVs, *model.free_RVs, *model.potentials]
    start = make_initial_point_expression(
        free_rvs=model.free_RVs,
        rvs_to_transforms=model.rvs_to_transforms,
        initval_strategies=model.rvs_to_initial_values,
        return_transformed=True,
    )
    inputs = [model.rvs_to_values[rv] for rv in model.free_RVs]
    densities = _as_tensors(model.logp(vars=terms, jacobian=False, sum=False))
    constants = {
        holder: holder.type.constant_type(holder.type, data) for holder, data in given.items()
    }
    densities = graph_replace(densities, constants, strict=False)
    point = dict(zip(inputs, evaluated(*_as_tensors(start)), strict=True))
    try:
        values = evaluated(*densities, at=point)
    except (ParameterValueError, np.linalg.LinAlgError):
        _raise_for_parameters(terms, densities, point)
    if all(np.all(value > -np.inf) for value in values):
        return
    # As written, a density may underflow where the rewritten one does not, as in log(1 - p).
    values = evaluated(*densities, at=point, mode=_STABLE)
    for term, value in zip(terms, values, strict=True):
        if not np.all(value > -np.inf):
            _raise_for_density(model, term, value, given)


def _as_tensors(graphs: Sequence[Variable]) -> list[Variable]:
    return [pt.as_tensor(graph, allow_xtensor_conversion=True) for graph in graphs]


def _raise_for_parameters(
    terms: Sequence[Variable], densities: Sequence[Variable], point: Mapping[Variable, Any]
) -> NoReturn:
    """Raise for the first variable whose own parameters are impossible."""
    for term, density in zip(terms, densities, strict=True):
        try:
            evaluated(density, at=point)
        except (ParameterValueError, np.linalg.LinAlgError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(
                f"The distribution of {term.name!r} has no density at the model's starting point: "
                f"its parameters break the condition {reason!r}. Correct them, or start elsewhere "
                "with initval= or initvals=."
            ) from error
    raise AssertionError("each density has a value alone, and together they have none")


def _raise_for_density(
    model: pm.Model, term: Variable, logp: NDArray[np.float64], given: Given
) -> NoReturn:
    """Raise for a term whose log density is -inf or no number at the start."""
    bad = ~(logp > -np.inf)
    index = _first(bad)
    count = f"{bad.sum()} of {bad.size} elements, the first " if bad.size > 1 else ""
    start = "at the model's starting point"
    if term in model.potentials:
        raise ModelError(
            f"The Potential {term.name!r} is {logp[index]} {start}. Start elsewhere with initval= "
            "or initvals=, or check its expression."
        )
    observed = term in model.observed_RVs
    value = _data(model, term, given) if observed else _natural_start(model, term)
    where = f"{count}{_element(term.name, index)} = {_shown(value[index])}"
    if np.isnan(logp[index]):
        raise ModelError(
            f"The log density of {term.name!r} is not a number {start} ({where})."
            f"{_missing_data(model)} Start elsewhere with initval= or initvals=, or check the "
            "expressions that its parameters are made of."
        )
    bounds = bounds_of(model, term)
    outside = bounds.lower is not None and bool(np.any(value[index] < _at(bounds.lower, index)))
    outside |= bounds.upper is not None and bool(np.any(value[index] > _at(bounds.upper, index)))
    if observed and outside:
        raise ModelError(
            f"Observed data of {term.name!r} lie outside the support of its distribution, which "
            f"is {bounds.words}: {where}. Their density is zero whatever the parameters are. "
            "Correct the data, or choose another distribution."
        )
    if observed:
        raise ModelError(
            f"The density of the observed {term.name!r} is zero {start}: {where}. Its support is "
            f"{bounds.words}. Correct the data, or start elsewhere with initval= or initvals=."
        )
    raise ModelError(
        f"The prior density of {term.name!r} is zero {start}: {where}. Its support is "
        f"{bounds.words}. Start elsewhere with initval= or initvals=."
    )


def _natural_start(model: pm.Model, rv: Variable) -> NDArray[np.float64]:
    values = make_initial_point_expression(
        free_rvs=model.free_RVs,
        rvs_to_transforms=model.rvs_to_transforms,
        initval_strategies=model.rvs_to_initial_values,
        return_transformed=False,
    )
    return evaluated(*_as_tensors([values[model.free_RVs.index(rv)]]))[0]


def _missing_data(model: pm.Model) -> str:
    names = [var.name for var in model.data_vars if _missing(value_of(var)).any()]
    return f" There are NaN in the data {', '.join(names)}." if names else ""


def _first(bad: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])


def _element(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _at(bound: Any, index: tuple[int, ...]) -> Any:
    return np.asarray(bound)[index] if np.ndim(bound) == len(index) else bound


def _shown(value: Any) -> str:
    return np.array2string(np.asarray(value), precision=6, threshold=8)
