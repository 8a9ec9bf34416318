"""The proof that a density has no more than one maximum, where it follows from its graph."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
from pytensor.graph.basic import Variable

from bayes_point.model.concavity.expressions import Expressions
from bayes_point.model.concavity.facts import CONSTANT, Facts
from bayes_point.model.concavity.families import is_concave
from bayes_point.model.variables.bounds import bounds_of

__all__ = ["concave_in"]

_LEAF = Facts(convex=True, concave=True)
_POSITIVE = replace(_LEAF, nonnegative=True, log_concave=True)
_EXP = Facts(nonnegative=True, convex=True, log_convex=True, log_concave=True)
_IN_WORDS = {
    "natural": "{}",
    "log": "log {}",
    "scale": "1/{}",
    "precision": "{}",
    "proportional": "{}/{}",
}


def concave_in(model: pm.Model, terms: Sequence[str]) -> str:
    """Return in which coordinates a sum of terms is concave, in words; empty if it is not known.

    A stationary point of such a density is its global maximum, and the only one if the curvature is
    negative there in every direction.  That there is one does not follow: data that are separated
    have a concave likelihood, too.

    Parameters
    ----------
    model : pymc.Model
        The model.
    terms : sequence of str
        Of ``"likelihood"``, ``"prior"``, ``"potential"``, all of positive weight.  With
        ``"jacobian"`` nothing is known.

    Examples
    --------
    >>> import pymc as pm
    >>> with pm.Model() as model:
    ...     mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
    ...     y = pm.Normal("y", mu, sigma, observed=[1.0, 2.0, 4.0])
    >>> concave_in(model, ["likelihood"])
    'mu/sigma, 1/sigma'
    >>> with pm.Model() as cauchy:
    ...     y = pm.Cauchy("y", pm.Flat("mu"), 1, observed=[1.0, 2.0, 4.0])
    >>> concave_in(cauchy, ["likelihood"])
    ''
    """
    if "jacobian" in terms:
        return ""
    for facts, words in _coordinates(model):
        if _is_concave(model, terms, facts):
            return words
    return ""


def _is_concave(model: pm.Model, terms: Sequence[str], facts: Mapping[Any, Facts]) -> bool:
    values: dict[Any, Facts] = {**facts, **dict.fromkeys(model.observed_RVs, CONSTANT)}
    expressions = Expressions(values.get)
    parts: list[Any] = []
    if "likelihood" in terms:
        parts += model.observed_RVs
    if "prior" in terms:
        parts += model.free_RVs
    if "potential" in terms and not all(expressions(one).concave for one in model.potentials):
        return False
    return all(is_concave(expressions, rv, values[rv]) for rv in parts)


def _coordinates(model: pm.Model) -> Iterator[tuple[dict[Variable, Facts], str]]:
    """Yield the coordinates in which a density may be concave: as facts, and in words.

    Every parameter as it is; positive ones by their logarithm; and, for each positive scalar, all
    others in units of it as a scale or a precision.
    """
    if any(rv.type.dtype[:5] != "float" for rv in model.free_RVs):
        return
    positive = {rv for rv in model.free_RVs if _is_positive(model, rv)}
    scalars = [rv for rv in model.free_RVs if rv in positive and rv.ndim == 0]
    unit: Any
    for unit, kind in itertools.chain(
        [(None, "")], itertools.product(scalars, ("scale", "precision"))
    ):
        for logs in (False, True) if positive - {unit} else (False,):
            facts, words = {}, []
            for rv in model.free_RVs:
                if rv is unit:
                    facts[rv] = _UNITS[kind]
                    words.append(_IN_WORDS[kind].format(rv.name))
                elif unit is not None and rv in positive and logs:
                    facts[rv] = Facts(nonnegative=True, log_proportional=True)
                    words.append(_ratio(f"log {rv.name}", unit, kind))
                elif unit is not None:
                    facts[rv] = Facts(proportional=True, nonnegative=rv in positive)
                    words.append(_ratio(rv.name, unit, kind))
                elif rv in positive and logs:
                    facts[rv] = _EXP
                    words.append(f"log {rv.name}")
                else:
                    facts[rv] = _POSITIVE if rv in positive else _LEAF
                    words.append(rv.name)
            yield facts, ", ".join(words)


_UNITS = {
    "scale": Facts(nonnegative=True, convex=True, log_convex=True, scale=True),
    "precision": replace(_POSITIVE, precision=True),
}


def _ratio(name: str, unit: Any, kind: str) -> str:
    return f"{name}/{unit.name}" if kind == "scale" else f"{name}*{unit.name}"


def _is_positive(model: pm.Model, rv: Variable) -> bool:
    """Whether a parameter is known to be no less than zero, in every element.

    Of one whose elements depend on each other, such as a simplex, the logarithms need not be a
    convex set.
    """
    bounds = bounds_of(model, rv)
    known = bounds.structure == "elementwise" and bounds.lower is not None
    return known and bool(np.all(np.asarray(bounds.lower) >= 0))
