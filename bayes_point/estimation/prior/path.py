"""From the MLE through the MAP and beyond: the estimate as the prior, or the data, weigh more."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from bayes_point.arguments import generator, seconds, truth_value, whole_number
from bayes_point.arguments import names as checked_names
from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.estimator import Potentials, estimator_of
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.marginal.integrate import (
    Asked,
    Marginalize,
    asked_of_many,
    integrated_of_inputs,
    within,
)
from bayes_point.estimation.optimise.powers import Ends
from bayes_point.estimation.prior.rows import Rows, follow_rows
from bayes_point.estimation.progress import Alarm, Deadline, warn_stopped
from bayes_point.model.checks import as_model, check_model
from bayes_point.model.density.cache import log_density
from bayes_point.model.starts import Initvals, starting_points

__all__ = ["data_path", "prior_path"]

Array = NDArray[np.float64]

# Warnings point at the first line outside this folder: the user's.
_PACKAGE = str(Path(__file__).parents[2])

# Eight to the decade, with 1 among them to the last digit.
_PRIOR_POWERS = np.concatenate([[0.0], 10.0 ** (np.arange(-24, 9) / 8)])
_DATA_POWERS = np.concatenate([10.0 ** (np.arange(-8, 25) / 8), [np.inf]])
_MAXIMISED = {
    "prior_power": "log-likelihood + power * log-prior, natural scale, no Jacobian",
    "data_power": "power * log-likelihood + log-prior, natural scale, no Jacobian",
}


def prior_path(
    model: pm.Model | None = None,
    powers: ArrayLike | None = None,
    *,
    var_names: str | Sequence[str] | None = None,
    marginalize: Marginalize = None,
    quadrature: int = 1,
    n_starts: int = 8,
    initvals: Initvals | None = None,
    random_seed: Any = None,
    potentials: Potentials | None = None,
    backend: str | None = None,
    estimates: Sequence[PointEstimate] = (),
    max_seconds: float | None = None,
    progressbar: bool = True,
) -> xr.Dataset:
    r"""Find the estimate as the prior weighs more and more: from the MLE to the MAP and beyond.

    At each power :math:`\lambda` it is the maximum of
    :math:`\log p(y \mid \theta) + \lambda \log p(\theta)` on the natural scale, without Jacobian:
    the MLE at 0, the MAP at 1, and above 1 the MAP under a prior that is surer of itself.  For a
    linear regression with normal priors this is the ridge path, with Laplace priors the lasso path.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.
    powers : array-like, optional
        Powers of the prior, each finite and not negative.  By default 0, and 0.001 to 10 in equal
        steps of the logarithm, with 1 among them.
    var_names : str or sequence of str, optional
        Variables to return; by default every free variable and Deterministic.
    marginalize, quadrature
        As in `refit`: latent variables to integrate out.  Their own prior belongs to the
        likelihood then, and the powers are of the prior of the parameters alone.
    n_starts : int
        Starting points of the estimates at a few powers, from which the whole path starts as one
        batch: the model's initial point, and draws from the prior.
    initvals : dict, PointEstimate, or sequence of these, optional
        Initial values by variable name, natural scale, instead of the model's own.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the starts.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are; has to be said if it has any.
    estimates : sequence of PointEstimate
        The MLE and the MAP of this model, if `find_MLE` and `find_MAP` have found them already: at
        their powers nothing is searched for again.
    max_seconds : float, optional
        When to stop; by default never.  The path holds the powers that are done by then.
    progressbar : bool
        Whether to show progress.

    Returns
    -------
    xarray.Dataset
        Each variable with the dim ``prior_power``, ascending.  Coords along it: ``status`` (the key
        of a `Status`: ``converged``, ``at_infinity``, ...), ``note`` (what there is to say of an
        estimate that is not an interior maximum), ``log_likelihood`` and ``log_prior`` (without
        weights).  What diverges is infinite, what has no value is NaN.

    Raises
    ------
    ModelError
        If the model cannot be estimated, the powers make no sense, or an estimate is of another
        model, or of the density on the unconstrained scale.

    Warns
    -----
    EstimationWarning
        If at some of the powers no finite estimate exists, or none could be shown to be one.

    See Also
    --------
    find_MAP : The estimate at power 1.
    prior_information : How much of the information in each direction is the prior's.
    data_path : The same with the power of the likelihood.
    plot_prior_path : Draw it, beside the posterior.

    References
    ----------
    N. Kallioinen, T. Paananen, P.-C. Bürkner and A. Vehtari (2024), Detecting and diagnosing prior
    and likelihood sensitivity with power-scaling, https://doi.org/10.1007/s11222-023-10366-5

    Hoerl, A. E., and R. W. Kennard (1970), Ridge regression, https://doi.org/10.2307/1267351

    Examples
    --------
    Six heads of eight under Beta(9, 9): (6 + 8 power) / (8 + 16 power).

    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 9, 9)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 0, 1, 1, 0, 1, 1])
    >>> path = bp.prior_path(coin, [0, 1, 2], progressbar=False)
    >>> path["theta"].round(6).values.tolist()
    [0.75, 0.583333, 0.55]
    >>> path["status"].values.tolist()
    ['converged', 'converged', 'converged']
    """
    model = as_model(model, "prior_path")
    grid = _powers(
        _PRIOR_POWERS if powers is None else powers, name="the prior", zero=True, infinite=False
    )
    weights = np.stack([np.ones_like(grid), grid], axis=1)
    asked = asked_of_many(marginalize, quadrature, False)
    options = (n_starts, initvals, random_seed, potentials, backend, estimates)
    limits = (max_seconds, progressbar)
    return _path(model, "prior_power", grid, weights, var_names, asked, *options, *limits)


def data_path(
    model: pm.Model | None = None,
    powers: ArrayLike | None = None,
    *,
    var_names: str | Sequence[str] | None = None,
    marginalize: Marginalize = None,
    quadrature: int = 1,
    n_starts: int = 8,
    initvals: Initvals | None = None,
    random_seed: Any = None,
    potentials: Potentials | None = None,
    backend: str | None = None,
    estimates: Sequence[PointEstimate] = (),
    max_seconds: float | None = None,
    progressbar: bool = True,
) -> xr.Dataset:
    r"""Find the estimate as the data weigh more and more: how the MAP meets the MLE.

    At each power :math:`\lambda` it is the maximum of
    :math:`\lambda \log p(y \mid \theta) + \log p(\theta)` on the natural scale, without Jacobian:
    the MAP had each observation been made :math:`\lambda` times: the MAP at 1, and the MLE at
    infinity.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.
    powers : array-like, optional
        Powers of the likelihood, positive; ``numpy.inf`` stands for the MLE.  By default 0.1 to
        1,000 in equal steps of the logarithm, with 1 among them, and infinity.
    var_names, marginalize, quadrature, n_starts, initvals, random_seed
        As in `prior_path`.
    potentials, backend, estimates, max_seconds, progressbar
        As in `prior_path`.

    Returns
    -------
    xarray.Dataset
        As of `prior_path`, with the dim ``data_power``.

    Raises
    ------
    ModelError
        If the model cannot be estimated, the powers make no sense, or an estimate is of another
        model, or of the density on the unconstrained scale.

    Warns
    -----
    EstimationWarning
        If at some of the powers no finite estimate exists, or none could be shown to be one.

    See Also
    --------
    prior_path : Find the estimate as the prior weighs more and more.
    plot_prior_path : Draw how the estimates change with the power of the prior or of the data.

    Examples
    --------
    Six heads of eight under Beta(9, 9): (6 power + 8) / (8 power + 16).

    >>> import bayes_point as bp, numpy as np, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 9, 9)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 0, 1, 1, 0, 1, 1])
    >>> path = bp.data_path(coin, [1, 10, np.inf], progressbar=False)
    >>> path["theta"].round(6).values.tolist()
    [0.583333, 0.708333, 0.75]
    """
    model = as_model(model, "data_path")
    grid = _powers(
        _DATA_POWERS if powers is None else powers, name="the data", zero=False, infinite=True
    )
    # Divided by the larger of the two weights: the same maximum, and infinity has a place.
    weights = np.stack([np.minimum(grid, 1.0), 1 / np.maximum(grid, 1.0)], axis=1)
    asked = asked_of_many(marginalize, quadrature, False)
    options = (n_starts, initvals, random_seed, potentials, backend, estimates)
    limits = (max_seconds, progressbar)
    return _path(model, "data_power", grid, weights, var_names, asked, *options, *limits)


def _path(
    model: pm.Model,
    dim: str,
    grid: Array,
    weights: Array,
    var_names: str | Sequence[str] | None,
    asked: Asked,
    n_starts: int,
    initvals: Initvals | None,
    random_seed: Any,
    potentials: Potentials | None,
    backend: str | None,
    estimates: Sequence[PointEstimate],
    max_seconds: float | None,
    progressbar: bool,
) -> xr.Dataset:
    deadline = Deadline(seconds("max_seconds", max_seconds))
    whole_number("n_starts", n_starts, 1)
    truth_value("progressbar", progressbar)
    likelihood = estimator_of(model, "MLE", jacobian=False, potentials=potentials)
    both = estimator_of(model, "MAP", jacobian=False, potentials=None)
    check_model(model, start=False)
    names = _selected(model, var_names)
    _check_estimates(model, estimates, asked)
    # As in find_MLE: one thread, and what is not finite is looked for where it matters.
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(all="ignore"):
        density = log_density(model, backend=backend)
        if asked.marginalize is not None:
            discrete = [value.name for value in model.discrete_value_vars]
            full = log_density(model, backend=backend, inputs=discrete)
            density = integrated_of_inputs(model, full, asked)
            likelihood, both = within(likelihood, density), within(both, density)
        column = {term: 0 if term in likelihood.weights else 1 for term in both.weights}
        rng = generator(random_seed)
        starts = starting_points(model, density, n_starts=n_starts, initvals=initvals, rng=rng)
        # Potentials that are data are reported with the log-likelihood, others with the log-prior.
        estimator = "MLE" if "potential" in likelihood.weights else "MAP"
        alarm = None if max_seconds is None else Alarm(deadline)
        known = tuple(estimates)
        rows = Rows(model, density, column, estimator, weights, starts, rng, known, alarm)
        ends, found, done = follow_rows(rows, progressbar)
        path = _labelled(rows, dim, grid, names, ends, found).isel({dim: done})
    if len(done) < len(grid):
        done_of = f"{len(done)} of {len(grid)} powers are done, and the path holds these"
        warn_stopped(deadline, done_of)
    _warn(path, dim)
    return path


def _labelled(
    rows: Rows,
    dim: str,
    grid: Array,
    names: list[str],
    ends: Ends,
    found: Mapping[int, EstimateRecord],
) -> xr.Dataset:
    density = rows.density
    x = ends.x.copy()
    for i, estimate in found.items():
        x[i] = estimate.unconstrained.values
    values = {name: np.array(v, float) for name, v in density.natural(ends.x).items()}
    parts = rows.parts(x)
    status = np.full(len(grid), Status.CONVERGED.key, dtype=object)
    note = np.full(len(grid), "", dtype=object)
    for i, estimate in found.items():
        for name, value in values.items():
            value[i] = estimate.point[name].values
        if not np.all(np.isfinite(x[i])):
            parts[i] = estimate.log_likelihood, estimate.log_prior
        status[i] = estimate.status.key
        if estimate.status is not Status.CONVERGED:
            note[i] = " ".join(map(str, (estimate.status.value, *estimate.findings)))
    template = density.dataset({name: values[name][0] for name in names})
    return xr.Dataset(
        {name: ((dim, *template[name].dims), values[name]) for name in names},
        coords={
            **template.coords,
            dim: grid,
            "status": (dim, status.astype(str)),
            "note": (dim, note.astype(str)),
            "log_likelihood": (dim, parts[:, 0]),
            "log_prior": (dim, parts[:, 1]),
        },
        attrs={"model_name": rows.model.name, "maximised": _MAXIMISED[dim]},
    )


def _powers(powers: ArrayLike, *, name: str, zero: bool, infinite: bool) -> Array:
    """Return the powers, ascending."""
    allowed = (
        "distinct numbers, "
        + ("0 or larger" if zero else "larger than 0")
        + (" (numpy.inf for the MLE)" if infinite else " and finite")
    )
    try:
        grid = np.asarray(powers, dtype=float)
    except (TypeError, ValueError) as err:
        raise ModelError(f"powers of {name} must be {allowed}; got {powers!r}.") from err
    right = grid.ndim == 1 and 0 < grid.size == len(np.unique(grid)) and bool(np.all(grid >= 0))
    right = right and (zero or 0 not in grid) and (infinite or bool(np.all(np.isfinite(grid))))
    if not right:
        raise ModelError(f"powers of {name} must be {allowed}; got {powers!r}.")
    return np.sort(grid)


def _check_estimates(model: pm.Model, estimates: Sequence[PointEstimate], asked: Asked) -> None:
    for one in estimates if isinstance(estimates, Sequence) else (estimates,):
        if not isinstance(one, PointEstimate):
            raise ModelError(f"estimates must hold what find_MLE and find_MAP return, got {one!r}.")
        if one.model is not model or one.jacobian:
            wrong = "with jacobian=True" if one.model is model else "of another model"
            raise ModelError(
                f"estimates holds a {one.estimator} {wrong}. The path is that of the density on "
                "the natural scale, without Jacobian: pass what find_MLE and find_MAP return for "
                "this model, or leave them out."
            )
        if (one.integrated is None) != (asked.marginalize is None):
            which = "without" if one.integrated is None else "with"
            raise ModelError(
                f"estimates holds a {one.estimator} {which} latent variables integrated out, and "
                f"marginalize={asked.marginalize!r}. Ask for the path with the same marginalize=."
            )


def _selected(model: pm.Model, var_names: str | Sequence[str] | None) -> list[str]:
    held = [var.name for var in [*model.free_RVs, *model.deterministics]]
    names = checked_names("var_names", var_names)
    if names is None:
        return held
    if unknown := [name for name in names if name not in held]:
        raise ModelError(
            f"var_names holds {unknown}, and the model has no such free variable or Deterministic: "
            f"it has {held}."
        )
    return [name for name in held if name in names]


def _warn(path: xr.Dataset, dim: str) -> None:
    keys = path["status"].values
    failed = {key.key: path[dim].values[keys == key.key] for key in Status if not key.is_point}
    parts = [
        f"{key.replace('_', ' ')} at {', '.join(f'{power:.3g}' for power in powers[:5])}"
        + (f" and {len(powers) - 5} more" if len(powers) > 5 else "")
        for key, powers in failed.items()
        if len(powers)
    ]
    if parts:
        warnings.warn(
            f"At some values of {dim} there is no estimate: {'; '.join(parts)}. The coord note "
            "says why.",
            EstimationWarning,
            skip_file_prefixes=(_PACKAGE,),
        )
