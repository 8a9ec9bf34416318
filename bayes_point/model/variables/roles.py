"""What each variable of a model is: parameter, latent, imputed, discrete, observed, data, ..."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.distribution import PartialObservedRV
from pymc.printing import str_for_dist, str_for_potential_or_deterministic
from pymc.pytensorf import resolve_shapes
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.traversal import walk
from pytensor.tensor.shape import Shape, Shape_i
from pytensor.xtensor.shape import Transpose

from bayes_point.model.checks import as_model, check_model
from bayes_point.model.variables.bounds import Bound, Bounds, bounds_of, evaluated

__all__ = ["Role", "RoleName", "check_model", "completed", "model_roles", "roles"]

RoleName = Literal[
    "parameter", "latent", "imputed", "discrete", "observed", "data", "potential", "deterministic"
]


@dataclass(frozen=True)
class Role:
    """What one variable of a model is.

    Attributes
    ----------
    name : str
        Name of the variable.
    role : str
        "parameter" (free, with a prior of its own), "latent" (free, with a prior that depends on
        other free variables), "imputed" (missing observations, free), "discrete" (free and
        discrete), "observed", "data", "potential" or "deterministic".
    discrete : bool
        Whether its values are whole numbers; an imputed variable may be discrete as well.
    support : str
        Where it can be, in words; empty for what is no random variable.
    structure : str or None
        "elementwise", or what ties the elements, such as "simplex"; None if not known.
    lower, upper : float, numpy.ndarray or None
        Closed bounds of each element, infinite where there are none; None where they depend on
        other random variables, and for what is no random variable.
    shape : tuple of int
        Shape on the natural scale.
    dims : tuple of str or None
        Names of the dimensions, empty if they have none.
    prior : str
        Its distribution or expression, in PyMC's words.
    parents : tuple of str
        The free variables that it depends on directly, or through Deterministics.
    """

    name: str
    role: RoleName
    discrete: bool
    support: str
    structure: str | None
    lower: Bound
    upper: Bound
    shape: tuple[int, ...]
    dims: tuple[str | None, ...]
    prior: str
    parents: tuple[str, ...]

    @property
    def is_free(self) -> bool:
        """Whether it is estimated: a parameter, a latent, imputed or discrete."""
        return self.role in ("parameter", "latent", "imputed", "discrete")


def roles(model: pm.Model | None = None) -> pd.DataFrame:
    """Return a table of the variables of a model and what each of them is.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.

    Returns
    -------
    pandas.DataFrame
        One row for each variable, indexed by name, in the order of the model, with columns

        - role: "parameter" (free, with a prior of its own), "latent" (free, with a prior that
          depends on other free variables), "imputed" (missing observations, free), "discrete"
          (free and discrete), "observed", "data", "potential" or "deterministic";
        - support: where a random variable can be, such as "positive", "[0, 1]" or "simplex";
        - shape and dims, as tuples;
        - prior: the distribution, or the expression, in PyMC's words;
        - depends_on: the names of the free variables that enter it.

    Raises
    ------
    ModelError
        If ``model`` is not a PyMC model.

    See Also
    --------
    flat_priors : Return the same model with priors that are flat on their own support.
    find_MLE : Find the maximum likelihood estimate: the point at which the data are most probable.

    Examples
    --------
    >>> import pymc as pm
    >>> import bayes_point as bp
    >>> with pm.Model() as schools:
    ...     tau = pm.HalfNormal("tau", 10)
    ...     theta = pm.Normal("theta", 0, tau, shape=2)
    ...     effect = pm.Normal("effect", theta, [15, 10], observed=[28, 8])
    >>> table = bp.roles(schools)
    >>> table[["role", "support", "prior", "depends_on"]]  # doctest: +NORMALIZE_WHITESPACE
                 role   support                      prior depends_on
    name
    tau     parameter  positive          HalfNormal(0, 10)         ()
    theta      latent      real             Normal(0, tau)     (tau,)
    effect   observed      real  Normal(theta, <constant>)   (theta,)
    """
    table = model_roles(as_model(model, "roles"))
    columns = {
        "role": [role.role for role in table.values()],
        "support": [role.support for role in table.values()],
        "shape": [role.shape for role in table.values()],
        "dims": [role.dims for role in table.values()],
        "prior": [role.prior for role in table.values()],
        "depends_on": [role.parents for role in table.values()],
    }
    return pd.DataFrame(columns, index=pd.Index(list(table), name="name", dtype=object))


def model_roles(model: pm.Model) -> dict[str, Role]:
    """Return what each variable of the model is, by name, in the order of the model."""
    kinds: dict[str, RoleName] = {}
    for kind, variables in (
        ("observed", model.observed_RVs),
        ("data", model.data_vars),
        ("potential", model.potentials),
        ("deterministic", model.deterministics),
    ):
        kinds |= dict.fromkeys((var.name for var in variables), kind)
    free = set(model.free_RVs)
    variables = {
        name: var for name, var in model.named_vars.items() if name in kinds or var in free
    }
    parents = {name: _parents(model, var) for name, var in variables.items()}
    for name, var in variables.items():
        if var in free:
            kinds[name] = _kind_of_free(model, var, parents[name])
    shapes = _shapes(model, variables)
    return {
        name: _role(model, name, var, kinds[name], shapes[name], parents[name])
        for name, var in variables.items()
    }


def _role(
    model: pm.Model,
    name: str,
    var: Variable,
    kind: RoleName,
    shape: tuple[int, ...],
    parents: tuple[str, ...],
) -> Role:
    is_random = var in model.rvs_to_values
    bounds = bounds_of(model, var) if is_random else Bounds("", None, None, None)
    return Role(
        name=name,
        role=kind,
        discrete=is_random and not var.type.dtype.startswith("float"),
        support=bounds.words,
        structure=bounds.structure,
        lower=bounds.lower,
        upper=bounds.upper,
        shape=shape,
        dims=tuple(model.named_vars_to_dims.get(name) or ()),
        prior=_text(model, var),
        parents=parents,
    )


def completed(model: pm.Model) -> frozenset[str]:
    """Return the names of the Deterministics that hold data and, for what is missing, unknowns.

    PyMC splits an incompletely observed x into x_observed, x_unobserved and a Deterministic x.
    """
    known = model.named_vars
    return frozenset(
        name for name in known if {f"{name}_unobserved", f"{name}_observed"} <= known.keys()
    )


def _kind_of_free(model: pm.Model, rv: Variable, parents: tuple[str, ...]) -> RoleName:
    if rv.name.removesuffix("_unobserved") in completed(model):
        return "imputed"
    if not rv.type.dtype.startswith("float"):
        return "discrete"
    return "latent" if parents else "parameter"


def _parents(model: pm.Model, var: Variable) -> tuple[str, ...]:
    """Return the names of the free variables that ``var`` is made from, in the model's order."""
    random = set(model.basic_RVs)

    def inputs(node_output: Variable) -> list[Variable] | None:
        node = node_output.owner
        # A shape carries no value, and beyond a random variable lies its own prior.
        if node is None or isinstance(node.op, Shape | Shape_i) or node_output in random:
            return None
        return node.inputs

    start = [] if var.owner is None else var.owner.inputs
    if var.owner is not None and var in random and isinstance(var.owner.op, Transpose):
        start = var.owner.inputs[0].owner.inputs
    found = set(walk(start, inputs))
    return tuple(rv.name for rv in model.free_RVs if rv in found)


def _shapes(model: pm.Model, variables: dict[str, Variable]) -> dict[str, tuple[int, ...]]:
    """Return the shapes as they are now, without a draw and without compiling anything."""
    shapes: dict[str, tuple[int, ...]] = {}
    unknown: dict[str, Variable] = {}
    for name, var in variables.items():
        value = model.rvs_to_values[var] if var in model.observed_RVs else var
        dims = model.named_vars_to_dims.get(name) or ()
        if None not in value.type.shape:
            shapes[name] = tuple(value.type.shape)
        elif isinstance(value, SharedVariable):
            shapes[name] = value.get_value(borrow=True).shape
        elif dims and all(
            isinstance(model.dim_lengths.get(dim), SharedVariable | Constant) for dim in dims
        ):
            shapes[name] = tuple(_length(model.dim_lengths[dim]) for dim in dims)
        else:
            unknown[name] = value
    if unknown:
        values = evaluated(*resolve_shapes([pt.as_tensor(v.shape) for v in unknown.values()]))
        shapes |= {
            name: tuple(int(n) for n in shape) for name, shape in zip(unknown, values, strict=True)
        }
    return shapes


def _length(length: Any) -> int:
    return int(length.data if isinstance(length, Constant) else length.get_value())


def _text(model: pm.Model, var: Variable) -> str:
    """Return the distribution or expression of a variable in PyMC's words."""
    named = set(model.named_vars.values())
    if var in model.rvs_to_values:
        rv = var
        if isinstance(rv.owner.op, Transpose | PartialObservedRV):
            rv = rv.owner.inputs[0]
        return str_for_dist(rv, named_vars=named).removeprefix(f"{rv.name} ~ ")
    if var.owner is None or var in model.data_vars:
        return ""
    text = str_for_potential_or_deterministic(var, dist_name="", named_vars=named)
    return text.removeprefix(f"{var.name} = ")[1:-1]
