"""The same model with flat priors: what maximum likelihood maximises, as a PyMC model.

A graph transform in the manner of ``pymc.model.transform``: the Op of each free variable is
wrapped in a :class:`~bayes_point.model.variables.flat_variable.FlatVariable`; all else of the model
stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import pymc as pm
from pymc.distributions.distribution import DiracDeltaRV, PartialObservedRV
from pymc.model.core import BaseModel
from pymc.model.fgraph import fgraph_from_model, model_from_fgraph
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.xtensor.shape import Transpose
from pytensor.xtensor.vectorization import XRV

from bayes_point.errors import ModelError
from bayes_point.model.checks import as_model
from bayes_point.model.variables.distributions import support_of
from bayes_point.model.variables.flat_variable import FlatVariable, is_flat
from bayes_point.model.variables.initial_values import (
    carry_initial_values_over,
    without_initial_values,
)

__all__ = ["flat_priors"]


def flat_priors(
    model: pm.Model | None = None, *, var_names: str | Sequence[str] | None = None
) -> pm.Model:
    """Return the same model with priors that are flat on their own support.

    The density of each such prior becomes a constant (its logarithm is 0) wherever the prior gives
    a density at all, edges included, and stays zero elsewhere. What maximises the new model's
    density on the natural scale is the maximum likelihood estimate of the old one.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.
    var_names : str or sequence of str, optional
        Names of the free variables whose priors become flat; by default all of them, discrete,
        latent and imputed ones too.

    Returns
    -------
    pymc.Model
        A new model with the same names, dims, coords, data, transforms, initial values,
        deterministics, potentials and observed variables. The old one is left as it was.

    Raises
    ------
    ModelError
        If ``var_names`` names something other than a free variable, if the model is nested in
        another one, or if a prior has no log density that PyMC can derive.

    See Also
    --------
    find_MLE : Find the maximum likelihood estimate: the point at which the data are most probable.
    roles : Return a table of the variables of a model and what each of them is.

    Notes
    -----
    A prior that depends on other parameters, as in a hierarchical model, becomes flat as well: the
    hyperparameters then no longer enter the density. Only a support that depends on them stays,
    such as that of ``pm.Uniform("b", 0, 1 - a)``.

    Flat priors are improper in general, and whether the posterior is proper is for the likelihood
    to say. Like ``pm.Flat``, they cannot be drawn from: ``pm.sample_prior_predictive`` raises
    ``NotImplementedError``, and so do ``model.table`` and ``model.to_graphviz``, which draw to
    learn the shapes. The initial point is that of the old prior; a start that was to be drawn
    (``initval="prior"``) becomes the support point. ``pm.Flat`` and ``pm.HalfFlat`` stay as they
    are.

    Where only the log density tells the support, as for ``pm.CustomDist``, an edge at which the
    density vanishes counts as outside. Of a vector that is observed in part, PyMC counts the
    density as observed, so that it stays.

    Examples
    --------
    >>> import pymc as pm
    >>> import bayes_point as bp
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 0])
    >>> print(bp.flat_priors(coin).str_repr())
     theta ~ Flat on the support of Beta(2, 2)
    tosses ~ Bernoulli(theta)
    """
    model = as_model(model, "flat_priors")
    if model.parent is not None:
        raise ModelError(
            f"The model {model.name!r} is nested in another model and cannot be taken out of it. "
            "Pass the outermost model, and name the variables to flatten with var_names=."
        )
    names = _names_to_flatten(model, var_names)

    with without_initial_values(model):
        fgraph, memo = fgraph_from_model(model)
    flat = [memo[rv].owner.inputs[0] for rv in model.free_RVs if rv.name in names]
    for name, rv in zip(names, flat, strict=True):
        _flatten(fgraph, name, rv)
    new_model = model_from_fgraph(fgraph, mutate_fgraph=True)
    new_model.check_bounds = model.check_bounds
    _restore_order(model, new_model)
    carry_initial_values_over(model, new_model, without_prior=names)
    return new_model


def _names_to_flatten(model: BaseModel, var_names: str | Sequence[str] | None) -> list[str]:
    """Return the names of the free variables to flatten, in the order of the model."""
    free = [rv.name for rv in model.free_RVs]
    if var_names is None:
        return free
    asked = [var_names] if isinstance(var_names, str) else list(var_names)
    for name in asked:
        if name in free:
            continue
        known = {
            "an observed variable, which has a likelihood and no prior": model.observed_RVs,
            "a Deterministic, which has no prior of its own": model.deterministics,
            "a Potential, which has no prior of its own": model.potentials,
            "data, which has no prior": model.data_vars,
        }
        what = [words for words, variables in known.items() if name in (v.name for v in variables)]
        raise ModelError(
            f"{name!r} in var_names is {what[0] if what else 'not a variable of the model'}. "
            f"The free variables are: {', '.join(free) or 'none'}."
        )
    return [name for name in free if name in asked]


def _restore_order(old: BaseModel, new: pm.Model) -> None:
    # PyMC rebuilds a model in the order of its graph, not in that of the user's lines.
    for group in ("free_RVs", "observed_RVs", "deterministics", "potentials", "data_vars"):
        names = [var.name for var in getattr(old, group)]
        getattr(new, group).sort(key=lambda var, names=names: names.index(var.name))
    named = {name: new.named_vars[name] for name in old.named_vars}
    new.named_vars.clear()
    new.named_vars.update(named)


def _flatten(fgraph: FunctionGraph, name: str, rv: Variable) -> None:
    """Replace, in the graph, the Op that makes ``rv`` by one with a flat density."""
    node, dims = rv.owner, None
    if isinstance(getattr(node, "op", None), Transpose):
        # A pymc.dims variable: its dims have names, and the Op may put them in any order.
        node, dims = node.inputs[0].owner, rv.type.dims
    if node is None or (dims is not None and not isinstance(node.op, XRV)):
        raise _no_density(name, rv)
    if is_flat(node.op) or isinstance(node.op, DiracDeltaRV):
        return
    _check_density(name, node, rv)
    output = node.op.default_output if dims else node.outputs.index(rv)
    new_outputs = (
        FlatVariable(node.op, flat_output=output, dims=dims).make_node(*node.inputs).outputs
    )
    old_outputs = [*node.outputs[:output], rv, *node.outputs[output + 1 :]]
    fgraph.replace_all(list(zip(old_outputs, new_outputs, strict=True)), import_missing=True)


def _check_density(name: str, node: Apply, rv: Variable) -> None:
    """Raise, naming the variable, if neither the table of supports nor PyMC knows its density."""
    if isinstance(node.op, PartialObservedRV):
        rv, node = node.inputs[0], node.inputs[0].owner
    if support_of(node.op, node.inputs) is None:
        try:
            pm.logp(rv, rv.type(), warn_rvs=False)
        except (NotImplementedError, RuntimeError, ValueError) as error:
            raise _no_density(name, rv) from error


def _no_density(name: str, rv: Variable) -> ModelError:
    what = "no Op" if rv.owner is None else str(rv.owner.op)
    return ModelError(
        f"The prior of {name!r} cannot be made flat: PyMC has no log density for it ({what}), and "
        "so its support is not known. Give it one (pm.CustomDist takes logp=), or leave it out "
        "with var_names=."
    )
