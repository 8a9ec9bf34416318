"""The search for the best maximum: from many starts, and from more where that is in doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.case import Case, World, where_finite
from bayes_point.estimation.certificate.certify import (
    ELSEWHERE,
    Check,
    audit,
    is_evident,
    is_on_ridge,
    try_at,
)
from bayes_point.estimation.certificate.checks.elsewhere import on_other_scales
from bayes_point.estimation.certificate.checks.pole_factor import pole_factor, shrinking_row
from bayes_point.estimation.certificate.checks.pole_observation import collapse, pole_observation
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.certificate.tracks import Track
from bayes_point.estimation.certificate.unbounded import unbounded_along
from bayes_point.estimation.certificate.verdicts import Further, Said
from bayes_point.estimation.estimate.local import interior_maxima, local_maximum
from bayes_point.estimation.estimate.only import only_maximum
from bayes_point.estimation.marginal.penalised import penalised
from bayes_point.estimation.nonsmooth.kinks import ascend
from bayes_point.estimation.nonsmooth.smoothing import kinks_in
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import Search, finite_hessian, maximise
from bayes_point.estimation.optimise.optima import Optimum, distinct
from bayes_point.estimation.optimise.paths import release
from bayes_point.estimation.optimise.precision import precision, rounding_on_the_way
from bayes_point.estimation.optimise.ridge import ridge_at
from bayes_point.estimation.optimise.truncated import approach
from bayes_point.estimation.optimise.unseen import expected_unseen

__all__ = ["search"]

Array = NDArray[np.float64]

# Newton iterations of every start, before those that cannot win any more are left where they are.
_ITERATIONS = 100
# The same of an integral, of which an iteration is dear, and few take long.
_DEAR_ITERATIONS = 20
# Beside a pole, where those that are still on their way are on it to the pole.
_FEW_ITERATIONS = 40
# How much smaller, in the log, a scale is made in the starts that look for a collapse.
_SHRINK = np.array([1.0, 2.0, 3.0, 4.0])
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
# In a log, how far a search goes at most where it does not run away.
_FAR = 20.0
# Noise in the log density above which two values cannot be told apart.
_NOISE = 1e-3


def search(
    objective: Objective,
    starts: Array,
    rng: np.random.Generator,
    observed: Array,
    more: Callable[[int], Array] | None = None,
    *,
    local: bool = False,
) -> tuple[Certificate, list[Optimum], int]:
    """Climb from `starts`, and from others where the verdict could be overturned.

    Where they lead to several maxima, `more` are tried until it is likely that none is left.
    Where the density has a pole nothing is a global maximum: it is looked for first, where it is
    cheap to find.

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
    local : bool
        Whether the highest interior maximum is wanted where there is no upper bound.

    Returns
    -------
    Certificate
        Of the best point found.
    list of Optimum
        The distinct maxima, best first; where there is no upper bound the interior ones, after what
        is not one.
    int
        How many starts were used: one, where the density is concave and has a maximum.

    Raises
    ------
    ModelError
        If the density has no value at any of the starts.
    """
    is_smooth = objective.is_wide and kinks_in(objective).is_empty
    climb = None if is_smooth else partial(_climb, objective)
    if only := only_maximum(objective, starts[:1], rng, observed, climb):
        return only
    usable = _usable(objective, starts)
    check, pole = _cheap_pole(objective, usable[0], observed)
    if pole is not None:
        climb = partial(maximise, objective, max_iterations=_FEW_ITERATIONS)
        world = World(usable, observed, rng, climb, climb(usable))
        case = Case(
            objective, usable[0], start=usable[0], centre=usable[0], settled=False, world=world
        )
        case.hear(check.__name__, unbounded_along(objective, case.point, [pole]))
    else:
        case = _searched(objective, usable, rng, observed, more)
        world = case.world
    case.hear("audit", audit(case))
    if case.certificate.status is not Status.UNBOUNDED:
        return case.certificate, world.optima, len(world.starts)
    sound, spurious = interior_maxima(objective, world.ends)
    if local:
        enough = _MOST * len(usable)
        while more is not None and _is_worth_more(len(sound), len(world.starts), enough):
            objective.announce("searching from more starts")
            further = where_finite(objective, more(len(world.starts)))
            if not len(further):
                break
            world.add(further, world.climb(further))
            sound, spurious = interior_maxima(objective, world.ends)
        found = local_maximum(objective, sound + spurious, world.starts, case.certificate)
        if found is not None:
            return *found, len(world.starts)
    head = Optimum(case.certificate.x, np.inf, (0,), False)
    return case.certificate, [head, *sound, *spurious], len(world.starts)


def _cheap_pole(objective: Objective, x: Array, observed: Array) -> tuple[Check, Track | None]:
    """Return a pole that is found without a search, if there is one, and the check that looks."""
    if (row := shrinking_row(objective, x)) is not None:
        return pole_factor, row
    return pole_observation, collapse(objective, x, observed)


def _is_worth_more(seen: int, starts: int, enough: int) -> bool:
    """Whether so many maxima from so many starts are a reason to try more."""
    return starts < enough and (not seen or (seen > 1 and expected_unseen(seen, starts) > _UNSEEN))


def _searched(
    objective: Objective,
    usable: Array,
    rng: np.random.Generator,
    observed: Array,
    more: Callable[[int], Array] | None,
) -> Case:
    """Climb from the starts, and from others where the verdict could be overturned."""
    # An integral averages over the places at which one component could collapse.
    if not objective.is_integral:
        usable = np.concatenate([usable, _collapsed(objective, usable)])
    climb = partial(_climb, objective)
    world = World(usable, observed, rng, climb, climb(usable))
    best = _best(world.ends)
    x = world.ends.x[best]
    # Of an integral the other starts cost more than what is in doubt.
    in_doubt = world.ends.settled[best] and not objective.is_integral
    if in_doubt and not (is_evident(objective, x) or is_on_ridge(objective, x)):
        # To follow all that is in doubt takes longer than to look whether it is the best at all.
        starts, there = on_other_scales(objective, usable[0], world)
        top = _best(there)
        better = there.value[top] > world.ends.value[best]
        if better and there.settled[top] and is_evident(objective, there.x[top]):
            world.add(starts[1:], there.rows(slice(1, None)))
            world.elsewhere = None
    case, world.optima = _judged(objective, world.starts, world.ends, world)
    enough = _MOST * len(world.starts)
    while (
        more is not None
        and case.certificate.status.is_point
        and _is_worth_more(len(world.optima), len(world.starts), enough)
    ):
        objective.announce("searching from more starts")
        further = where_finite(objective, more(len(world.starts)))
        if not len(further):
            break
        world.add(further, climb(further))
        case, world.optima = _judged(objective, world.starts, world.ends, world)
    for check in ELSEWHERE:
        verdict = check(case)
        case.hear(check.__name__, verdict)
        if not isinstance(verdict, Further):
            continue
        if verdict.is_apart:
            second, others = _judged(objective, verdict.starts, verdict.ends, world, case.said)
            found, known = second.certificate, case.certificate
            if found.status is not Status.NOT_CONVERGED and found.value > known.value:
                case, world.optima = second, others
        else:
            world.add(verdict.starts, verdict.ends)
            case, world.optima = _judged(objective, world.starts, world.ends, world, case.said)
    return case


def _judged(
    objective: Objective, starts: Array, ends: Search, world: World, said: Sequence[Said] = ()
) -> tuple[Case, list[Optimum]]:
    """Prove what the best of the ends is; return the other maxima as well."""
    objective.announce("certifying")
    best = _best(ends)
    optima = distinct(ends, objective.density, best)
    x = ends.x[best]
    if np.isnan(ends.value[best]):
        x = release(objective, starts[0], starts[0]).x[-1]
    case = Case(
        objective,
        x,
        start=starts[best],
        centre=starts[0],
        settled=bool(ends.settled[best]),
        world=world,
        said=said,
    )
    try_at(case)
    # A search that ran off along a plateau settles too; only true local maxima are reported.
    others = [o for o in optima[1:] if is_evident(objective, o.x)]
    return case, [*_arrived(case.certificate, ends, optima[:1]), *others]


def _arrived(certificate: Certificate, ends: Search, first: list[Optimum]) -> list[Optimum]:
    """Return the best of the optima with all the starts that led to it, however far they went."""
    is_point = not np.any(certificate.direction)
    if is_point and (not first or first[0].reached > 1):
        return first
    # On the way to an edge, or to infinity, each search stops elsewhere, at much the same value; on
    # a narrow ridge some do not come to rest.
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


def _climb(objective: Objective, starts: Array) -> Search:
    """Maximise from each start; give those that could still win more time than the others."""
    climbed, most = objective, _ITERATIONS
    if objective.is_integral:
        most = _DEAR_ITERATIONS
        # The way there needs no more than the first digits of a Hessian.
        climbed = replace(objective, density=objective.density.rough())
        starts = penalised(climbed, starts)
    if objective.density.is_costly:
        ends = _one_by_one(climbed, starts)
    elif objective.is_integral:
        ends = ascend(climbed, starts, max_iterations=most)
    else:
        ends = _along_ridge(objective, ascend(objective, starts, max_iterations=_ITERATIONS))
    settled = np.max(ends.value, where=ends.settled, initial=-np.inf)
    contenders = np.flatnonzero(~ends.settled & (ends.value > settled))
    contenders = contenders[ends.iterations[contenders] >= most]
    if contenders.size:
        more = maximise(objective, ends.x[contenders], max_iterations=10 * _ITERATIONS)
        ends = ends.replaced(contenders, more)
    # Where the terms of the density cancel to noise, its value is no reason to prefer a point.
    once, back = np.unique(ends.x, axis=0, return_index=True, return_inverse=True)[1:]
    end = (ends.x, ends.value, ends.gradient, ends.diagonal)
    noise, spike = (a[back.ravel()] for a in precision(objective, *(part[once] for part in end)))
    lost = (noise > _NOISE) & (spike == 0)
    lost |= _beyond_noise(objective, starts, ends)
    return replace(
        ends,
        value=np.where(lost, np.nan, ends.value),
        settled=ends.settled & ~lost,
    )


def _beyond_noise(objective: Objective, starts: Array, ends: Search) -> NDArray[np.bool_]:
    """Whether each end lies far out behind, or amid, what is nothing but noise.

    Log gammas of large numbers cancel to noise, and those of larger ones to exactly zero, where
    nothing changes any more.  Amid it there may be no scatter to be seen at a point; but of
    probabilities all that a last digit changes so far out is noise, as they have no poles.
    """
    # Starts on other scales may be as far out themselves; the first is the model's own.
    centre = starts[:1]
    still = (ends.gradient == 0) | np.isfinite(objective.density.most)
    far = objective.is_transformed & (np.abs(ends.x - centre) > _FAR) & still
    rows = np.flatnonzero(far.any(axis=1) & np.isfinite(ends.value))
    lost = np.zeros(len(starts), bool)
    if rows.size and not (objective.is_integral or objective.density.is_costly):
        centre = np.repeat(centre, len(rows), axis=0)
        way = rounding_on_the_way(objective.rows(rows), centre, ends.x[rows])
        lost[rows] = way > _NOISE
    return lost


def _one_by_one(objective: Objective, starts: Array) -> Search:
    """Climb from one start after the other, by gradients, to where a maximum is known already.

    Where an evaluation is dear a batch gains nothing, and a Hessian is many gradients.
    """
    ends = [maximise(objective, starts[:1], max_iterations=_ITERATIONS)]
    for start in starts[1:]:
        known = [end for end in ends if end.settled[0]]
        diagonal = np.abs(ends[0].diagonal[0])
        unit = np.minimum(1 / np.sqrt(np.maximum(diagonal, 1e-20)), 1 + np.abs(start))
        free = np.ones(len(start), bool)
        x, _ = approach(objective, start, unit, free, partial(_is_home, known))
        there = _home(known, x)
        ends.append(there or maximise(objective, x[None], max_iterations=_ITERATIONS))
    return ends[0].joined(*ends[1:])


def _home(known: list[Search], x: Array) -> Search | None:
    """Return the known maximum that `x` is next to, if it is next to one."""
    for end in known:
        curvature = np.abs(end.diagonal[0])
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
    return where_finite(objective, rows)


def _usable(objective: Objective, starts: Array) -> Array:
    usable = where_finite(objective, starts)
    if not len(usable):
        raise ModelError(
            f"The density is zero, or its gradient not a number, at each of the {len(starts)} "
            "starting points. Give a starting value inside the support with initvals=, or check "
            "the observed values against the likelihood's support."
        )
    return usable
