"""Posterior means given each of many data sets: importance sampling, or NUTS for a few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from arviz_stats import mcse as mcse_of
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bayes_point.errors import EstimationError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.laplace.means import PosteriorMeans, importance_means
from bayes_point.estimation.marginal.integrate import Asked, integrated_of_inputs
from bayes_point.estimation.progress import told_elsewhere
from bayes_point.estimation.refit.refit import refit
from bayes_point.model.density.cache import log_density
from bayes_point.model.density.density import LogDensity
from bayes_point.model.start_rows import start_rows
from bayes_point.model.variables.initial_values import cloned

__all__ = ["StudyMeans", "density_of", "study_means"]

Array = NDArray[np.float64]

# Above this, the mean and its error are not to be trusted (Vehtari et al. 2024).
_LIMIT = 0.7
_POINTS = 512
_POINTS_AT_ONCE = 50_000
_SETS_AT_ONCE = 1000


@dataclass(frozen=True)
class StudyMeans:
    """Posterior means and sds of scalars, (batch, k), and how each was found.

    `sampled`, (batch,), says for which data sets NUTS was used.
    """

    mean: Array
    sd: Array
    mcse: Array
    pareto_k: Array
    sampled: NDArray[np.bool_]


def density_of(
    model: pm.Model, data: Sequence[str], asked: Asked, backend: str | None
) -> LogDensity:
    """Return the density of a model with other data, and with latent variables integrated out."""
    discrete = [value.name for value in model.discrete_value_vars]
    if asked.marginalize is None:
        return log_density(model, backend=backend, inputs=data)
    full = log_density(model, backend=backend, inputs=(*data, *discrete))
    return integrated_of_inputs(model, full, asked)


def study_means(
    model: pm.Model,
    data: Mapping[str, NDArray],
    names: list[str],
    asked: Asked,
    *,
    max_seconds: float | None,
    max_sampled: int,
    backend: str | None,
    rng: np.random.Generator,
    progressbar: bool,
    sample_kwargs: Mapping[str, Any],
) -> StudyMeans:
    """Return the posterior means of the variables named, flattened, given each data set.

    Raises
    ------
    EstimationError
        If more than `max_sampled` data sets need NUTS.
    """
    density = density_of(model, tuple(data), asked, backend)
    terms = [*(term for term in density.terms), "jacobian"]
    with told_elsewhere():
        modes = refit(
            model,
            data,
            **asked.of_many,
            estimator="MAP",
            jacobian=True,
            random_seed=int(rng.integers(2**31)),
            backend=backend,
            max_seconds=max_seconds,
            progressbar=progressbar,
        )
    n = modes.sizes["dataset"]
    rows_of = {
        name: density.inputs[name].batch(np.asarray(values)[:n]) for name, values in data.items()
    }
    good = np.flatnonzero(modes["status"].values.astype(str) == Status.CONVERGED.key)
    x = np.full((n, density.p), np.nan)
    hessian = np.full((n, density.p, density.p), np.nan)
    if good.size:
        free = list(dict.fromkeys(density.variables))
        points = {name: modes[name].values[good] for name in free}
        x[good] = start_rows(model, density, points, np.zeros(density.p))

    def picked(rows: NDArray[np.int_]) -> dict[str, NDArray]:
        return {name: values[rows] for name, values in rows_of.items()}

    def value(rows: NDArray[np.int_], at: Array) -> Array:
        return density.values(at, terms, picked(rows)).sum(axis=1)

    def natural(rows: NDArray[np.int_], at: Array) -> Array:
        found = density.own_natural(at, picked(rows))
        return np.concatenate([found[k].reshape(len(at), -1) for k in names], axis=1).astype(float)

    with threadpool_limits(1, user_api="blas"), np.errstate(all="ignore"):
        for some in np.split(good, range(_SETS_AT_ONCE, len(good), _SETS_AT_ONCE)):
            if some.size:
                hessian[some] = density.hessian(x[some], terms, picked(some)).sum(axis=1)
        found = importance_means(
            value,
            natural,
            x,
            hessian,
            n_points=_POINTS,
            points_at_once=_POINTS_AT_ONCE,
            rng=rng,
        )
    return _with_nuts(found, model, data, names, max_sampled, rng, progressbar, sample_kwargs)


def _with_nuts(
    found: PosteriorMeans,
    model: pm.Model,
    data: Mapping[str, NDArray],
    names: list[str],
    max_sampled: int,
    rng: np.random.Generator,
    progressbar: bool,
    sample_kwargs: Mapping[str, Any],
) -> StudyMeans:
    """Sample the posterior where importance sampling is not to be trusted."""
    mean, sd, mcse = found.mean.copy(), found.sd.copy(), found.mcse.copy()
    doubtful = ~(found.pareto_k <= _LIMIT)
    if (count := int(doubtful.sum())) > max_sampled:
        without = int(np.isnan(found.pareto_k).sum())
        raise EstimationError(
            f"For {count} of {len(doubtful)} data sets the posterior mean cannot be found by "
            f"importance sampling: {without} have no mode to sample around, and of "
            f"{count - without} the Pareto k is above {_LIMIT}. So many are sampled with NUTS only "
            f"if asked for: set max_sampled={count}, now {max_sampled}, or leave 'mean' out of "
            "estimators."
        )
    for i in np.flatnonzero(doubtful):
        options = {"progressbar": progressbar, "compute_convergence_checks": False}
        draws = pm.sample(
            model=_with_data(model, {name: values[i] for name, values in data.items()}),
            random_seed=int(rng.integers(2**31)),
            **options | dict(sample_kwargs),
        )["posterior"].dataset[names]
        mean[i] = _flat(draws.mean(("chain", "draw")))
        sd[i] = _flat(draws.std(("chain", "draw")))
        mcse[i] = _flat(mcse_of(draws))
    return StudyMeans(mean, sd, mcse, found.pareto_k, doubtful)


def _flat(ds: xr.Dataset) -> Array:
    return np.concatenate([np.ravel(array.values) for array in ds.data_vars.values()])


def _with_data(model: pm.Model, data: Mapping[str, NDArray]) -> pm.Model:
    """Return the same model with other observations."""
    other = cloned(model)
    for name, values in data.items():
        old = other.rvs_to_values[other[name]]
        other.rvs_to_values[other[name]] = pt.constant(np.asarray(values, old.type.dtype), name)
    other.values_to_rvs = {value: rv for rv, value in other.rvs_to_values.items()}
    return other
