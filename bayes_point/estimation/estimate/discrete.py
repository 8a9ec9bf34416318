"""Discrete free variables: every joint value tried, the continuous ones maximised for each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.findings import relabelled_finding
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.estimate.search import search
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import maximise
from bayes_point.estimation.optimise.optima import Optimum
from bayes_point.estimation.optimise.relabelling import is_relabelled
from bayes_point.model.density.density import LogDensity
from bayes_point.model.discrete.support import finite_values

__all__ = [
    "Enumerated",
    "enumerate_values",
    "equally_good",
    "first_of_best",
    "maximise_over",
    "other_labels",
    "relabelled",
]

Array = NDArray[np.float64]

# Joint values of the discrete variables that are tried at most.
_MOST = 10_000
# Rows of the batch in which all of them are maximised, each from one start or more.
_ROWS = 20_000
# Joint values that are equally good, of which it is asked at most whether they are the same.
_ORDERS = 720
# Two log densities this near, relative to their size, are equally good.
_EQUAL = 1e-9


@dataclass(frozen=True)
class Enumerated:
    """What is maximised at the best joint value of the discrete variables, and what was found."""

    objective: Objective
    certificate: Certificate
    optima: list[Optimum]
    n_starts: int


def enumerate_values(model: pm.Model) -> dict[str, NDArray]:
    """Return every joint value of the discrete free variables: each (K, *shape).

    Raises
    ------
    ModelError
        If a support is infinite, depends on other variables or ties its elements together, or if
        the joint values are more than ten thousand.
    """
    names = {value.name for value in model.discrete_value_vars}
    variables = [rv for rv in model.free_RVs if model.rvs_to_values[rv].name in names]
    ranges: list[tuple[str, tuple[int, ...], list[NDArray]]] = []
    for rv in variables:
        shape = tuple(int(n) for n in model.eval_rv_shapes()[rv.name])
        ranges.append((rv.name, shape, finite_values(model, rv)))
    sizes = [len(values) for _, _, elements in ranges for values in elements]
    total = math.prod(sizes)
    if total > _MOST:
        raise ModelError(
            f"The discrete variables {[name for name, _, _ in ranges]} have {total:.6g} joint "
            f"values, and at most {_MOST} can be tried one by one. Sum them out, as "
            "find_MLE(model, marginalize='latents') does where their elements are independent "
            "given the other variables, or a chain; or hold some fixed with pm.do."
        )
    grids = np.unravel_index(np.arange(total), sizes)
    out, k = {}, 0
    for name, shape, elements in ranges:
        columns = [values[grids[k + i]] for i, values in enumerate(elements)]
        out[name] = np.stack(columns, axis=1).reshape(total, *shape)
        k += len(elements)
    return out


def maximise_over(
    whole: Objective,
    values: Mapping[str, NDArray],
    starts: Array,
    rng: np.random.Generator,
    observed: Array,
    *,
    local: bool = False,
) -> Enumerated:
    """Maximise for each joint value in one batch, then search and certify at the best of them."""
    density = whole.density
    total = len(next(iter(values.values())))
    each = max(1, min(len(starts), _ROWS // total))
    rows = np.repeat(np.arange(total), each)
    inputs = {name: density.inputs[name].batch(array)[rows] for name, array in values.items()}
    objective = replace(whole, inputs=inputs)
    x = np.tile(starts[:each], (total, 1))
    if density.p:
        found = maximise(objective, x)
        height, x = found.value, found.x
    else:
        height = objective.evaluate(x)[0]
    height = np.where(np.isnan(height), -np.inf, height).reshape(total, each)
    ends = x.reshape(total, each, -1)[np.arange(total), np.argmax(height, axis=1)]
    height = height.max(axis=1)
    if not np.any(height > -np.inf):
        raise ModelError(
            f"The density is zero at each of the {total} joint values of {list(values)}, whatever "
            "the other variables start from. Check the observed values against the support."
        )
    best = int(first_of_best(height))
    chosen = {name: array[best] for name, array in values.items()}
    bound = replace(whole, density=density.bind(chosen), observer=None)
    if density.p:
        watched = replace(bound, observer=whole.observer)
        certificate, optima, used = search(watched, starts, rng, observed, local=local)
    else:
        certificate, optima, used = _only_value(bound, float(height[best])), [], total
    equal = other_labels(values, np.flatnonzero(equally_good(height)), best)
    copies = relabelled(density, values, equal, best, ends)
    certificate = _with_equals(certificate, values, height, best, copies)
    return Enumerated(bound, certificate, optima, used)


def _only_value(objective: Objective, value: float) -> Certificate:
    """Return the certificate of a model that has discrete variables alone."""
    none = np.empty(0)
    return Certificate(
        Status.CONVERGED,
        none[None, :],
        none,
        none.astype(bool),
        value,
        np.empty((0, 0)),
        (),
        {},
    )


def equally_good(height: Array) -> NDArray[np.bool_]:
    """Which joint values are as good as the best one, (..., joint value) like their heights."""
    best = height.max(axis=-1, keepdims=True)
    return np.asarray(best - height <= _EQUAL * (1 + np.abs(best)))


def first_of_best(height: Array) -> NDArray[np.int_]:
    """Return the first of the joint values that are as good as the best one, (...)."""
    return np.asarray(np.argmax(equally_good(height), axis=-1))


def other_labels(
    values: Mapping[str, NDArray], equal: NDArray[np.int_], best: int
) -> NDArray[np.int_]:
    """Return which of the joint values that are equally good may be the best one by other labels.

    Of six components there are 720 orders: of more than these, the first.
    """

    def is_possible(row: int) -> bool:
        return _are_other_labels(
            [(v[best], v[row]) for v in values.values() if np.any(v[best] != v[row])]
        )

    few = equal[equal != best][:_ORDERS]
    return np.array([row for row in few if is_possible(int(row))], int)


def relabelled(
    density: LogDensity,
    values: Mapping[str, NDArray],
    equal: NDArray[np.int_],
    best: int,
    ends: Array | Mapping[int, Array],
    data: Mapping[str, NDArray] | None = None,
) -> NDArray[np.int_]:
    """Return which of the joint values that are equally good are the best one with other labels.

    Components change places, and what is allocated to them with them; `ends`, (joint value, p), are
    the maxima of the others at each, given the `data`, if these are inputs as well.
    """

    def point(row: int) -> dict[str, NDArray]:
        bound = density.bind({**(data or {}), **{name: v[row] for name, v in values.items()}})
        natural = bound.natural(ends[row][None]) if density.p else {}
        return {name: v[0] for name, v in natural.items() if name in density.variables}

    def is_other(row: int) -> bool:
        one, other = point(best), point(row)
        # Labels that change places with nothing else are values that make no difference.
        moved = any(not np.allclose(v, other[name], rtol=1e-5) for name, v in one.items())
        return moved and is_relabelled(one, other)

    return np.array([row for row in equal if is_other(int(row))], int)


def _are_other_labels(pairs: Sequence[tuple[NDArray, NDArray]]) -> bool:
    """Whether values are others by labels that stand for one another, one for one."""
    met = {
        (int(a), int(b)) for one, other in pairs for a, b in zip(one.flat, other.flat, strict=True)
    }
    return len(met) == len({a for a, _ in met}) == len({b for _, b in met})


def _with_equals(
    certificate: Certificate,
    values: Mapping[str, NDArray],
    height: Array,
    best: int,
    copies: NDArray[np.int_],
) -> Certificate:
    """Add what the enumeration showed: how far the next best value is behind, or that it is not."""
    others = np.delete(height, [best, *copies])
    second = float(others.max()) if len(others) else -np.inf
    evidence = {
        **certificate.evidence,
        "joint values of the discrete variables tried": float(len(height)),
        "log density of the next best below the best": float(height[best] - second),
    }
    if len(copies):
        findings = (*certificate.findings, relabelled_finding())
        certificate = replace(certificate, findings=findings)
    equal = np.setdiff1d(np.flatnonzero(equally_good(height)), copies)
    if len(equal) == 1:
        return replace(certificate, evidence=evidence)
    free = tuple(n for n, array in values.items() if np.any(array[equal] != array[best]))
    finding = Finding(
        f"{len(equal)} values of {', '.join(free)} are equally good; the one given is the first.",
        free,
        {"log density": float(height[best])},
        "The data do not tell them apart: look at the posterior, or use an informative prior.",
        is_flat=True,
    )
    status = certificate.status
    if status.is_point:
        status = Status.NOT_IDENTIFIED
    findings = (*certificate.findings, finding)
    return replace(certificate, status=status, findings=findings, evidence=evidence)
