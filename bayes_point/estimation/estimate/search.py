"""The search for the best maximum: from many starts, and from more where that is in doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.certify import certify, is_evident, is_on_ridge, unbounded
from bayes_point.estimation.certificate.checks.closing import closes_in
from bayes_point.estimation.certificate.checks.collapse import collapse, collapse_on_kinks
from bayes_point.estimation.certificate.checks.shrinking import grows_elsewhere
from bayes_point.estimation.certificate.checks.survey import beyond_plateau
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.many import MANY, search_many
from bayes_point.estimation.nonsmooth.kinks import ascend
from bayes_point.estimation.nonsmooth.smoothing import kinks_in
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Search, finite_hessian, maximise
from bayes_point.estimation.optimise.optima import Optimum, distinct
from bayes_point.estimation.optimise.paths import release
from bayes_point.estimation.optimise.precision import precision
from bayes_point.estimation.optimise.ridge import ridge_at
from bayes_point.estimation.optimise.truncated import approach
from bayes_point.estimation.optimise.unseen import expected_unseen

__all__ = ["search"]

Array = NDArray[np.float64]

# Newton iterations of every start, before those that cannot win any more are left where they are.
_ITERATIONS = 100
# How much smaller, in the log, a scale is made in the starts that look for a collapse.
_SHRINK = np.array([1.0, 2.0, 3.0, 4.0])
# Verdicts that a maximum found from elsewhere would overturn.
_DOUBTFUL = (Status.AT_INFINITY, Status.NOT_CONVERGED)
_VERY_FAR = 1e6
_OTHERS = 16
# Starts from which the other parameters begin when a scale is made small.
_BASES = 2
# In standard errors, what is near enough to a maximum to be led to it.
_HOME = 0.1
# Starts are added while more maxima than this are expected not to have been seen, ...
_UNSEEN = 0.5
# ... and until there are so many times as many as at first.
_MOST = 8
# Relative difference of two values of the density that is rounding.
_SAME = 1e-11
# Relative to the log density, what may be left of the way to a limit.
_ARRIVED = 1e-6
# Noise in the log density above which two values cannot be told apart.
_NOISE = 1e-3


def search(
    objective: Objective,
    starts: Array,
    rng: np.random.Generator,
    observed: Array,
    more: Callable[[int], Array] | None = None,
) -> tuple[Certificate, list[Optimum], int]:
    """Climb from `starts`, and from others where the verdict could be overturned.

    Where they lead to several maxima, `more` are tried until it is likely that none is left.

    Parameters
    ----------
    objective : Objective
        What is maximised.
    starts : ndarray, (batch, p)
        Starting points; those where the density has no value are left out.
    rng : Generator
        Of the further starts.
    observed : ndarray, (n,)
        Observed values, on which a component of a mixture may collapse.
    more : callable, optional
        From a number of starts to as many, (n, p), not all of which need to be usable.

    Returns
    -------
    Certificate
        Of the best point found.
    list of Optimum
        The distinct maxima, best first.
    int
        How many starts were used.

    Raises
    ------
    ModelError
        If the density has no value at any of the starts.
    """
    usable = _usable(objective, starts)
    if objective.p > MANY:
        return search_many(objective, usable)
    usable = np.concatenate([usable, _collapsed(objective, usable)])
    ends = _climb(objective, usable)
    centre, elsewhere = usable[0], None
    best = _best(ends)
    x = ends.x[best]
    if ends.settled[best] and not (is_evident(objective, x) or is_on_ridge(objective, x)):
        # To follow all that is in doubt takes longer than to look whether it is the best at all.
        elsewhere = _elsewhere(objective, centre, rng)
        top = _best(elsewhere[1])
        better = elsewhere[1].value[top] > ends.value[best]
        if better and elsewhere[1].settled[top] and is_evident(objective, elsewhere[1].x[top]):
            usable = np.concatenate([usable, elsewhere[0][1:]])
            ends = ends.joined(elsewhere[1].rows(slice(1, None)))
            elsewhere = None
    certificate, optima = _judged(objective, usable, ends)
    most = _MOST * len(usable)
    while (
        more is not None
        and certificate.status.is_point
        and len(optima) > 1
        and len(usable) < most
        and expected_unseen(len(optima), len(usable)) > _UNSEEN
    ):
        objective.announce("searching from more starts")
        further = _where_finite(objective, more(len(usable)))
        if not len(further):
            break
        usable = np.concatenate([usable, further])
        ends = ends.joined(_climb(objective, further))
        certificate, optima = _judged(objective, usable, ends)
    if certificate.status is Status.NOT_IDENTIFIED:
        higher = _where_finite(objective, beyond_plateau(objective, certificate.x, rng))
        if len(higher):
            # That it does not matter where on the plateau one is says nothing any more.
            usable = np.concatenate([usable, higher])
            ends = ends.joined(_climb(objective, higher))
            certificate, optima = _judged(objective, usable, ends)
    far = np.abs(certificate.x).max() > _VERY_FAR
    if certificate.status in _DOUBTFUL or (far and certificate.status is Status.NOT_IDENTIFIED):
        # Before it is said that there is no maximum, look for one on other scales.
        starts, ends = elsewhere or _elsewhere(objective, centre, rng)
        usable = np.concatenate([usable, starts[1:]])
        # A value above a limit by no more than its rounding is on the way there.
        least = certificate.value + 1e-9 * (1 + abs(certificate.value))
        if np.nanmax(ends.value, initial=-np.inf) > least:
            second, others = _judged(objective, starts, ends)
            if second.status.is_point and second.value > certificate.value:
                certificate, optima = second, others
    if certificate.status.is_point or certificate.status is Status.NOT_CONVERGED:
        pole = collapse(objective, certificate.x, observed)
        pole = pole or collapse_on_kinks(objective, certificate.x)
        # What closes in on the data pushes against a wall at its best.
        if pole is None and certificate.status is not Status.CONVERGED:
            pole = closes_in(objective, certificate.x)
        if pole is not None:
            certificate = unbounded(objective, certificate.x, [pole])
    all_the_same = len(optima) == 1 and len(optima[0].starts) == len(usable)
    certificate = _without_bound(objective, certificate, usable[:_BASES], all_the_same)
    return certificate, optima, len(usable)


def _without_bound(
    objective: Objective, certificate: Certificate, starts: Array, all_the_same: bool
) -> Certificate:
    """Return the certificate of a density that grows without bound, if it does so anywhere.

    `all_the_same` says whether all starts led to the point of the certificate.
    """
    if certificate.status is not Status.UNBOUNDED:
        # A line of a mixture that is right at the maximum does not leave it for a pole, and from a
        # point at infinity the others may not find back.  Where all starts lead to one maximum they
        # do so with a scale made smaller as well.
        others = starts
        if certificate.status.is_point:
            others = starts[:0] if all_the_same else starts[:1]
        pole = grows_elsewhere(objective, certificate.x, others)
        return certificate if pole is None else unbounded(objective, certificate.x, [pole])
    # A search that ran into a pole ends where the others are lost in rounding.  On a way there
    # that begins far off they are near their limits before that.
    pole = grows_elsewhere(objective, starts[0], starts[1:])
    if pole is None:
        return certificate
    again = unbounded(objective, starts[0], [pole])
    return certificate if np.any(again.undefined & ~certificate.undefined) else again


def _judged(objective: Objective, starts: Array, ends: Search) -> tuple[Certificate, list[Optimum]]:
    """Prove what the best of the ends is; return the other maxima as well."""
    objective.announce("certifying")
    best = _best(ends)
    optima = distinct(ends, objective.density, best)
    x = ends.x[best]
    if np.isnan(ends.value[best]):
        x = release(objective, starts[0], starts[0]).x[-1]
    certificate = certify(
        objective,
        x,
        start=starts[best],
        centre=starts[0],
        settled=bool(ends.settled[best]),
    )
    # A search that ran off along a plateau settles too; only true local maxima are reported.
    others = [o for o in optima[1:] if is_evident(objective, o.x)]
    return certificate, [*_arrived(certificate, ends, optima[:1]), *others]


def _arrived(certificate: Certificate, ends: Search, first: list[Optimum]) -> list[Optimum]:
    """Return the best of the optima with all the starts that led to it, however far they went."""
    if not np.any(certificate.direction):
        return first
    # On the way to an edge, or to infinity, each search stops elsewhere, at much the same value.
    least = certificate.value - _ARRIVED * (1 + abs(certificate.value))
    there = tuple(map(int, np.flatnonzero(ends.value >= least)))
    if not there:
        return first
    relabelled = any(one.relabelled for one in first)
    return [Optimum(certificate.x, certificate.value, there, relabelled)]


def _along_ridge(objective: Objective, ends: Search) -> Search:
    """Return the ends with the best at the maximum of the narrow ridge that it is on, if any."""
    best = _best(ends)
    x = ends.x[best]
    ridge = ridge_at(objective, x) if kinks_in(objective).is_empty else None
    if ridge is None or not ridge.value >= ends.value[best]:
        return ends
    value, gradient = objective.evaluate(ridge.x[None])
    top = replace(
        ends.rows(slice(best, best + 1)),
        x=ridge.x[None],
        value=value,
        gradient=gradient,
        hessian=finite_hessian(objective, ridge.x[None]),
        settled=np.ones(1, bool),
    )
    return ends.replaced(np.array([best]), top)


def _best(ends: Search) -> int:
    """Return the best end; of those that come to the same, one where the search came to rest.

    Of those that are the same to the last digits, the first: two components of a curve can change
    places, and a user who gives a start expects them in its order.
    """
    value = np.where(np.isnan(ends.value), -np.inf, ends.value)
    top = float(value.max())
    equal = np.flatnonzero(ends.settled & (value >= top - 1e-9 * (1 + abs(top))))
    if not equal.size:
        return int(np.argmax(value))
    last = float(value[equal].max())
    return int(equal[np.argmax(value[equal] >= last - _SAME * (1 + abs(last)))])


def _elsewhere(
    objective: Objective, centre: Array, rng: np.random.Generator
) -> tuple[Array, Search]:
    """Climb from the centre and from starts on other scales; return them and where they led to."""
    objective.announce("searching on other scales")
    starts = np.concatenate([centre[None], _other_scales(objective, centre, rng)])
    return starts, _climb(objective, starts)


def _other_scales(objective: Objective, centre: Array, rng: np.random.Generator) -> Array:
    """Return starts around `centre`, each coordinate off by anything from a millionth to ten."""
    size = 10.0 ** rng.uniform(-6, 1, size=(_OTHERS, objective.p))
    size = np.where(objective.is_transformed, np.minimum(3.0, size), size)
    rows = centre + rng.choice([-1.0, 1.0], size=size.shape) * size
    return _where_finite(objective, rows)


def _climb(objective: Objective, starts: Array) -> Search:
    """Maximise from each start; give those that could still win more time than the others."""
    if objective.density.is_costly:
        ends = _one_by_one(objective, starts)
    else:
        ends = _along_ridge(objective, ascend(objective, starts, max_iterations=_ITERATIONS))
    settled = np.max(ends.value, where=ends.settled, initial=-np.inf)
    contenders = np.flatnonzero(~ends.settled & (ends.value > settled))
    contenders = contenders[ends.iterations[contenders] >= _ITERATIONS]
    if contenders.size:
        more = maximise(objective, ends.x[contenders], max_iterations=10 * _ITERATIONS)
        ends = ends.replaced(contenders, more)
    # Where the terms of the density cancel to noise, its value is no reason to prefer a point.
    once, back = np.unique(ends.x, axis=0, return_index=True, return_inverse=True)[1:]
    end = (ends.x, ends.value, ends.gradient, ends.hessian)
    noise, spike = (a[back.ravel()] for a in precision(objective, *(part[once] for part in end)))
    lost = (noise > _NOISE) & (spike == 0)
    return replace(
        ends,
        value=np.where(lost, np.nan, ends.value),
        settled=ends.settled & ~lost,
    )


def _one_by_one(objective: Objective, starts: Array) -> Search:
    """Climb from one start after the other, by gradients, to where a maximum is known already.

    Where an evaluation is dear a batch gains nothing, and a Hessian is many gradients.
    """
    ends = [maximise(objective, starts[:1], max_iterations=_ITERATIONS)]
    for start in starts[1:]:
        known = [end for end in ends if end.settled[0]]
        diagonal = np.abs(np.diagonal(ends[0].hessian[0]))
        unit = np.minimum(1 / np.sqrt(np.maximum(diagonal, 1e-20)), 1 + np.abs(start))
        free = np.ones(len(start), bool)
        x, _ = approach(objective, start, unit, free, partial(_is_home, known))
        there = _home(known, x)
        ends.append(there or maximise(objective, x[None], max_iterations=_ITERATIONS))
    return ends[0].joined(*ends[1:])


def _home(known: list[Search], x: Array) -> Search | None:
    """Return the known maximum that `x` is next to, if it is next to one."""
    for end in known:
        curvature = np.abs(np.diagonal(end.hessian[0]))
        if np.all((x - end.x[0]) ** 2 * curvature < _HOME**2):
            return end
    return None


def _is_home(known: list[Search], x: Array) -> bool:
    return _home(known, x) is not None


def _collapsed(objective: Objective, starts: Array) -> Array:
    """Return starts with one of several scales made small: there a mixture's density has poles."""
    density = objective.density
    sizes = Counter(density.variables)
    columns = [
        j for j in np.flatnonzero(density.kinds == "log") if 2 <= sizes[density.variables[j]] <= 6
    ]
    out = []
    for j in columns:
        for shrink, start in zip(
            _SHRINK, np.resize(starts, (len(_SHRINK), starts.shape[1])), strict=True
        ):
            row = start.copy()
            row[j] = starts[0, j] - shrink
            out.append(row)
    rows = np.array(out).reshape(-1, density.p)
    return _where_finite(objective, rows)


def _where_finite(objective: Objective, rows: Array) -> Array:
    """Return the rows where both the density and its gradient are numbers."""
    value, gradient = objective.evaluate(rows) if len(rows) else (np.empty(0), rows)
    return rows[np.isfinite(value) & np.all(np.isfinite(gradient), axis=1)]


def _usable(objective: Objective, starts: Array) -> Array:
    usable = _where_finite(objective, starts)
    if not len(usable):
        raise ModelError(
            f"The density is zero, or its gradient not a number, at each of the {len(starts)} "
            "starting points. Give a starting value inside the support with initvals=, or check "
            "the observed values against the likelihood's support."
        )
    return usable
