"""Which variables of a model are latent: what is integrated out of a marginal likelihood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from pymc.distributions.transforms import CholeskyCovPacked, LogTransform, ZeroSumTransform
from pytensor.compile.ops import ViewOp
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.traversal import ancestors
from pytensor.scalar.basic import Identity
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.linalg import Cholesky
from pytensor.tensor.math import Dot
from pytensor.tensor.shape import Reshape, SpecifyShape

from bayes_point.errors import ModelError
from bayes_point.model.density.density import LogDensity
from bayes_point.model.discrete.summed import summed_density
from bayes_point.model.rows import Loop
from bayes_point.model.variables.roles import Role, model_roles

__all__ = ["latent_by_rule", "latent_variables"]

Array = NDArray[np.float64]

# The log of a scale that is as good as zero, and what is left of a slope that vanishes with it.
_NOTHING, _VANISHED = -45.0, 1e-12
# Factors by which a scale is multiplied and what it scales divided, and how nearly the same it is.
_FACTORS, _SAME = (0.5, 3.0), 1e-10
_POINTS = 2


def latent_variables(
    model: pm.Model, density: LogDensity, marginalize: str | Sequence[str]
) -> dict[str, str]:
    """Return the free variables to be integrated out, by name, with the reason for each.

    Parameters
    ----------
    model : pymc.Model
        The model.
    density : LogDensity
        Its density.
    marginalize : "latents" or sequence of str
        Which: all that are latent by a rule, or these.

    Raises
    ------
    ModelError
        If a name is none of a free continuous variable, or no variable is latent by a rule.
    """
    roles = model_roles(model)
    free = {name: role for name, role in roles.items() if role.is_free}
    if marginalize != "latents":
        names = [marginalize] if isinstance(marginalize, str) else list(marginalize)
        return dict.fromkeys(_named(names, free), "named")
    if found := latent_by_rule(model, density):
        return found
    if discrete := _indexed(free):
        summed_density(model, density, discrete)  # says why it cannot be summed out
    asked = [name for name, role in free.items() if role.role == "latent" and not role.shape]
    more = f" The scalars {asked} have a prior that depends on others." if asked else ""
    raise ModelError(
        f"Got marginalize='latents', but no variable of this model is latent by a rule: its free "
        f"variables are {list(free)}.{more} Name what is to be integrated out, such as "
        f"marginalize={asked or list(free)[:1]}, or leave marginalize out."
    )


def latent_by_rule(model: pm.Model, density: LogDensity) -> dict[str, str]:
    """Return the free variables that are latent, by name, with the rule that each is latent by."""
    free = {name: role for name, role in model_roles(model).items() if role.is_free}
    found = _discrete_by_rule(model, density, free)
    density = _bound(model, density, [name for name, role in free.items() if role.discrete])
    for name, role in free.items():
        if role.discrete or not role.shape:
            continue
        if role.role == "latent":
            found[name] = f"its prior depends on {', '.join(role.parents)}"
        elif role.role == "imputed":
            found[name] = "it is missing data"
        elif role.role == "parameter" and (scale := _scale_of(density, name)) is not None:
            found[name] = f"it is scaled by {scale}"
        elif role.role == "parameter" and (above := _covariance_of(model, name)):
            found[name] = f"it is multiplied by the Cholesky factor of a covariance of {above}"
    left = [
        name
        for name, role in free.items()
        if role.shape and role.role == "parameter" and not role.discrete and name not in found
    ]
    return found | _scaled_together(density, left)


def _indexed(free: dict[str, Role]) -> list[str]:
    """Return the discrete variables with an index, and scalars that make a chain of theirs."""
    discrete = {name: role for name, role in free.items() if role.discrete}
    above = {one for role in discrete.values() for one in role.parents}
    return [
        name
        for name, role in discrete.items()
        if role.shape or name in above or discrete.keys() & {*role.parents}
    ]


def _discrete_by_rule(
    model: pm.Model, density: LogDensity, free: dict[str, Role]
) -> dict[str, str]:
    """Return the discrete variables each of whose elements has terms of its own."""
    names = _indexed(free)
    if not names:
        return {}
    try:
        sums = summed_density(model, density, names).sums
    except ModelError:
        return {}
    why = "it is discrete, and each of its elements has a part of its own in the density"
    return {
        name: "it is missing data" if free[name].role == "imputed" else why
        for name in names
        if sums.is_apart(name)
    }


def _bound(model: pm.Model, density: LogDensity, discrete: Sequence[str]) -> LogDensity:
    """Return the density with the initial values of its discrete variables, where it has none."""
    if not any(name in density.inputs for name in discrete):
        return density
    return density.bind({k: density.bound.get(k, one.own) for k, one in density.inputs.items()})


def _named(names: list[str], free: dict[str, Role]) -> list[str]:
    for name in names:
        if name not in free:
            raise ModelError(
                f"marginalize names {name!r}, which is not a free variable of the model. Its free "
                f"variables are {list(free)}; 'latents' takes those that are latent."
            )
    if not names:
        raise ModelError(
            "Got marginalize=[], with nothing to integrate out. Give 'latents', or names of "
            f"free variables: {list(free)}."
        )
    if len(set(names)) == len(free):
        raise ModelError(
            f"marginalize names every free variable, {names}, and leaves nothing to estimate. "
            "Leave the parameters out of it."
        )
    return list(dict.fromkeys(names))


def _scale_of(density: LogDensity, name: str) -> str | None:
    """Return the variable that scales `name`, so that the likelihood sees their product alone.

    The non-centred form of a latent variable: only the product of the two enters the likelihood,
    and without the scale the variable does not enter it at all.
    """
    variables = np.array(density.variables)
    if not isinstance(_transform(density, name), type(None) | ZeroSumTransform):
        return None
    own = variables == name
    rng = np.random.default_rng(0)
    for scale, scaled in _scales(density):
        if scale == name:
            continue
        if all(_is_product(density, own, scaled, rng) for _ in range(_POINTS)):
            return scale
    return None


def _covariance_of(model: pm.Model, name: str) -> str:
    """Return what the covariance depends on whose Cholesky factor alone multiplies `name`.

    The non-centred form of a latent Gaussian process: what is added to the covariance's diagonal
    for its stability keeps the scale from being a factor of it.
    """
    clients: dict[Variable, list[Apply]] = {}
    seen = [*model.observed_RVs, *model.potentials]
    for node in {var.owner for var in ancestors(seen) if var.owner is not None}:
        for variable in {*node.inputs}:
            clients.setdefault(variable, []).append(node)
    free = {rv.name for rv in model.free_RVs}
    above: set[str] = set()
    todo: list[Variable] = [model[name]]
    while todo:
        here = todo.pop()
        for node in clients.get(here, []):
            if _is_same(node):
                todo += node.outputs
                continue
            factors = [_origin(one) for one in node.inputs if one is not here]
            if not isinstance(_core(node), Dot) or not all(map(_is_cholesky, factors)):
                return ""
            above |= {str(one.name) for one in ancestors(factors) if one.name in free}
    return ", ".join(sorted(above))


def _core(node: Apply) -> Any:
    return node.op.core_op if isinstance(node.op, Blockwise) else node.op


def _is_same(node: Apply) -> bool:
    """Whether a node hands on its first input, named or shaped otherwise."""
    is_identity = isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, Identity)
    return is_identity or isinstance(node.op, DimShuffle | Reshape | SpecifyShape | ViewOp)


def _origin(variable: Variable) -> Variable:
    while variable.owner is not None and _is_same(variable.owner):
        variable = variable.owner.inputs[0]
    return variable


def _is_cholesky(variable: Variable) -> bool:
    return variable.owner is not None and isinstance(_core(variable.owner), Cholesky)


def _scaled_together(density: LogDensity, names: Sequence[str]) -> dict[str, str]:
    """Return those of several variables that one scale multiplies, all of them at once.

    As in `_scale_of`; the sum of a structured and an unstructured effect has one scale, say.
    """
    variables = np.array(density.variables)
    names = [
        name
        for name in names
        if isinstance(_transform(density, name), type(None) | ZeroSumTransform)
    ]
    if len(names) < 2:
        return {}
    rng = np.random.default_rng(0)
    x = 0.5 * rng.standard_normal((1, density.p))
    moved = np.stack([np.where(variables == name, x[0] + 1.0, x[0]) for name in names])
    for scale, scaled in _scales(density):
        rows = np.concatenate([x, moved])
        gone = scaled.times(rows, _NOTHING)
        with np.errstate(all="ignore"):
            here, left = (
                np.abs(values[1:] - values[0]) > _SAME * (1 + np.abs(values[0]))
                for values in np.split(_likelihoods(density, np.concatenate([rows, gone])), 2)
            )
        some = [name for name, on, off in zip(names, here, left, strict=True) if on and not off]
        own = np.isin(variables, some)
        if len(some) > 1 and all(_is_product(density, own, scaled, rng) for _ in range(_POINTS)):
            return dict.fromkeys(some, f"it is scaled by {scale}")
    return {}


def _is_product(
    density: LogDensity, own: NDArray[np.bool_], scaled: Scaled, rng: np.random.Generator
) -> bool:
    x = 0.5 * rng.standard_normal((1, density.p))
    rows = [x]
    for factor in _FACTORS:
        other = scaled.times(x, np.log(factor))
        other[:, own] /= factor
        rows.append(other)
    rows.append(scaled.times(x, _NOTHING))
    with np.errstate(all="ignore"):
        here, *moved = _likelihoods(density, np.concatenate(rows[:-1]))
        if not np.all(np.abs(np.array(moved) - here) <= _SAME * (1 + np.abs(here))):
            return False
        _, slopes = density.evaluate(np.concatenate(rows), ("likelihood",))
    slope, left = (np.abs(part[0, own]).max() for part in (slopes[0], slopes[-1]))
    return bool(slope > 0 and left <= _VANISHED * slope)


def _likelihoods(density: LogDensity, x: Array) -> Array:
    """Return it row by row, (batch,), without a gradient: to compile that takes a second."""
    function = density.functions.kept(
        "likelihood, row by row",
        lambda: Loop(
            density.functions.compile(density.graphs.row, [density.graphs.term("likelihood")])
        ),
    )
    return density.call(function, [()], [x], None)[0]


class Scaled:
    """A variable that is multiplied by a factor, as coordinates of the unconstrained vector."""

    def __init__(self, logs: NDArray[np.int_], plain: NDArray[np.int_]) -> None:
        self.logs, self.plain = logs, plain

    def times(self, x: Array, log_factor: float) -> Array:
        """Return `x`, (batch, p), with the variable multiplied."""
        out = x.copy()
        out[:, self.logs] += log_factor
        out[:, self.plain] *= np.exp(log_factor)
        return out


def _scales(density: LogDensity) -> Iterator[tuple[str, Scaled]]:
    """Return the positive variables and the Cholesky factors of covariances, by name."""
    variables = np.array(density.variables)
    for rv in density.graphs.free:
        transform, columns = _transform(density, rv.name), np.flatnonzero(variables == rv.name)
        if isinstance(transform, LogTransform):
            yield rv.name, Scaled(columns, columns[:0])
        elif isinstance(transform, CholeskyCovPacked):
            # Packed row by row, each with its diagonal last: at 0, 2, 5, ...
            ends = np.cumsum(np.arange(1, len(columns) + 1)) - 1
            is_log = np.isin(np.arange(len(columns)), ends)
            yield rv.name, Scaled(columns[is_log], columns[~is_log])


def _transform(density: LogDensity, name: str) -> object:
    frozen = density.graphs.frozen
    return frozen.rvs_to_transforms[frozen[name]]
