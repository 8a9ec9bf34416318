"""Profile likelihood: how high the density can be at each value of one parameter."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import chi2

from bayes_point.arguments import seconds, truth_value, whole_number
from bayes_point.errors import ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.estimator import Potentials, estimator_of
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.profile.contours import Contour, trace_contours
from bayes_point.estimation.profile.interval import Coords, VarNames, curves_of, height, probability
from bayes_point.estimation.profile.lagrangian import Problem
from bayes_point.estimation.profile.pieces import other_maxima
from bayes_point.estimation.profile.start import until_best
from bayes_point.estimation.profile.tree import Row, as_tree, merged, rows_of
from bayes_point.estimation.progress import Deadline
from bayes_point.model.checks import as_model, check_names
from bayes_point.model.density.scalar import Scalars, scalars_of, select_elements

__all__ = ["profile"]

Array = NDArray[np.float64]

# A profile goes on beyond the interval by this much of the root of the cut-off.
_BEYOND = 1.25

# Contours of more pairs than this make no sense to look at.
_MOST_PAIRS = 45


def profile(
    model: pm.Model | PointEstimate | None = None,
    var_names: VarNames = None,
    *,
    filter_vars: str | None = None,
    coords: Coords = None,
    estimator: str | None = None,
    estimate: PointEstimate | None = None,
    ci_prob: float | None = None,
    n_points: int = 50,
    slice: bool = False,
    contours: bool = False,
    jacobian: bool = False,
    potentials: Potentials | None = None,
    random_seed: Any = None,
    backend: str | None = None,
    max_seconds: float | None = None,
    progressbar: bool = True,
) -> xr.DataTree:
    r"""Profile: the highest log density that is possible at each value of a scalar.

    For a scalar g of the parameters (an element of a free variable, or of a Deterministic) the
    profile is the maximum of the log density over all parameters with g held at c, as a function of
    c.  Twice its fall below the maximum is the deviance; where it is below the quantile of a
    chi-squared distribution with one degree of freedom lies the profile-likelihood interval, which
    does not depend on how the model is parametrised, and need be neither symmetric nor finite.

    Parameters
    ----------
    model : pymc.Model or PointEstimate, optional
        The model, or the estimate to begin from; by default the model of `estimate`, or of the
        context.
    var_names, filter_vars, coords
        Which scalars, as in ArviZ; by default every element of every free variable.
        Deterministics have to be named.
    estimator : {"MLE", "MAP"}, optional
        What is maximised: for ``"MLE"``, the default, the profile is the profile likelihood, for
        ``"MAP"`` the profile posterior.
    estimate : PointEstimate, optional
        The maximum to begin from; by default it is found.
    ci_prob : float, optional
        Probability of the intervals and contours; by default that of ArviZ's rcParams.
    n_points : int
        Points of each profile (and of each contour), spread so that they follow its shape.
    slice : bool
        Hold the other coordinates where they are instead of maximising over them.
    contours : bool
        For each pair of the scalars also the contour: where the deviance with both held is the
        quantile of a chi-squared distribution with two degrees of freedom.
    jacobian : bool
        For the MAP: profile the density on the unconstrained scale.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are; has to be said if it has any.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the starts, where the maximum has to be found.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time.
    progressbar : bool
        Whether to show progress once it takes longer than a second.
    max_seconds : float, optional
        When to stop; by default never.  What was traced by then is returned, as it is: ends that
        were not reached are NaN, their ``reason`` is ``"stopped"``, and so says
        ``attrs["stopped"]``.

    Returns
    -------
    xarray.DataTree
        ``profile``, with the dims parameter and point: ``value`` of the scalar, ``log_density``,
        ``deviance``, ``signed_root`` of the deviance (a straight line where the log density is
        quadratic), ``quadratic_deviance`` (what the standard error alone would say) and
        ``status``; for each parameter ``estimate``, ``stderr``, ``interval`` with the dim
        ci_bound (lower, upper), and ``reason``: ``"crossing"`` where the deviance passes the
        cut-off, else why that end of the interval is open; ``"disjoint"`` where the interval is
        that of several maxima and has gaps.  ``path``: the free variables along
        each profile.  ``contours``, if asked for, with the dims pair, angle and axis.
        ``estimate``: the maximum that the profile is of.

    Raises
    ------
    ModelError
        If something is asked for that is not in the model, or that cannot be profiled.
    EstimationError
        If there is no maximum to begin from: it is unbounded, or was not found.

    Warns
    -----
    EstimationWarning
        If the profile met a better optimum than it began from.  It is then made anew from there.

    See Also
    --------
    find_MLE : Find the maximum likelihood estimate: the point at which the data are most probable.
    plot_profile
    bootstrap : Draw from the distribution of an estimator, by refits to new data sets.

    References
    ----------
    D. J. Venzon and S. H. Moolgavkar (1988), A method for computing profile-likelihood-based
    confidence intervals, https://doi.org/10.2307/2347496

    Examples
    --------
    Three heads of three tosses.  The deviance at theta is -6 log(theta), so the lower end of the
    95 % interval is exp(-3.84 / 6); there is no upper end but that of the support.

    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    >>> dt = bp.profile(coin, ci_prob=0.95, progressbar=False)
    >>> dt["profile/interval"].sel(parameter="theta").values.round(4).tolist()
    [0.5272, 1.0]
    >>> dt["profile/reason"].sel(parameter="theta").values.tolist()
    ['crossing', 'edge of the support']
    """
    if estimate is not None and not isinstance(estimate, PointEstimate):
        raise ModelError(
            f"estimate must be what find_MLE or find_MAP returns, got {type(estimate).__name__}."
        )
    deadline = Deadline(seconds("max_seconds", max_seconds))
    prob = probability(ci_prob)
    whole_number("n_points", n_points, 5)
    for name, value in {
        "slice": slice,
        "contours": contours,
        "jacobian": jacobian,
        "progressbar": progressbar,
    }.items():
        truth_value(name, value)
    if isinstance(model, PointEstimate) and estimate is None:
        model, estimate = None, model
    model = estimate.model if model is None and estimate is not None else as_model(model, "profile")
    check_names(model)
    if estimate is None:
        estimate = _found(
            model,
            estimator or "MLE",
            jacobian,
            potentials,
            random_seed=random_seed,
            backend=backend,
            max_seconds=max_seconds,
            progressbar=progressbar,
        )
    elif estimate.model is not model or estimator not in (None, estimate.estimator):
        other = "is of another model" if estimate.model is not model else "is an"
        raise ModelError(
            f"The estimate given {other} {estimate.estimator}, and the profile asked for is of "
            f"{estimator or 'this model'}. Leave out model= and estimator=, or estimate=."
        )
    density = estimate.objective.density
    scalars = scalars_of(density, select_elements(density, var_names, filter_vars, coords))
    if slice:
        _check_slice(scalars)
    pairs = list(itertools.combinations(range(len(scalars.labels)), 2)) if contours else []
    if contours and not 0 < len(pairs) <= _MOST_PAIRS:
        raise ModelError(
            f"contours=True draws every pair of the {len(scalars.labels)} scalars selected, which "
            "must be from 2 to 10: select them with var_names and coords."
        )

    def trace(
        problem: Problem, best: EstimateRecord, start: Array, top: float
    ) -> tuple[list, list]:
        def rows_from(x: Array) -> list[Row]:
            parts = curves_of(problem, x, top, prob, _BEYOND)
            return [row for part in parts for row in rows_of(part, n_points)]

        lines: list[Contour] = []
        starts = (
            [start] if slice else [start, *other_maxima(best, problem.objective, top, height(prob))]
        )
        rows = merged([rows_from(x) for x in starts])
        if pairs:
            whole = curves_of(problem, start, top, prob, 1.0, together=True)[0]
            pair_height = float(np.sqrt(chi2.ppf(prob, 2)))
            lines = trace_contours(problem, pairs, whole, start, n_points, pair_height)
        return rows, lines

    (rows, lines), best, why = until_best(
        estimate, scalars, slice, trace, deadline, show=progressbar
    )
    tree = as_tree(best, scalars, rows, lines, prob, slice, best is not estimate)
    tree.attrs |= {"stopped": why} if why else {}
    return tree


def _check_slice(scalars: Scalars) -> None:
    several = [label for label, j in zip(scalars.labels, scalars.coordinate, strict=True) if j < 0]
    if several:
        raise ModelError(
            f"{', '.join(several[:5])} cannot be sliced: it is made of several coordinates, and a "
            "slice moves one and holds the others. Slice the parameters that it is made of, or "
            "profile it with slice=False."
        )


def _found(
    model: pm.Model,
    estimator: str,
    jacobian: bool,
    potentials: Potentials | None,
    **common: Any,
) -> PointEstimate:
    # Checks what is asked for; the search itself is that of find_MLE and find_MAP.
    estimator_of(model, estimator, jacobian=jacobian, potentials=potentials)
    if estimator == "MAP":
        return find_MAP(model, jacobian=jacobian, **common)
    return find_MLE(model, potentials=potentials, **common)
