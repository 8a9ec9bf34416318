"""study: how good the estimators of a model are, on data that the model itself simulates."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.batches import stderr_of
from bayes_point.estimation.bootstrap import whole_number
from bayes_point.estimation.estimator import Potentials
from bayes_point.estimation.intervals import checked_probability, on_support, support_of
from bayes_point.estimation.point_estimate import PointEstimate
from bayes_point.estimation.refit import refit
from bayes_point.estimation.simulation import (
    check_simulates,
    deterministics,
    free_values,
    from_prior,
    simulate,
)
from bayes_point.estimation.status import Status
from bayes_point.estimation.study_means import study_means
from bayes_point.model.bounds import bounds_of
from bayes_point.model.cache import log_density
from bayes_point.model.checks import as_model, check_model

__all__ = ["StudyEstimator", "study"]

Array = NDArray[np.float64]
StudyEstimator = Literal["MLE", "MAP", "mean"]

_ESTIMATORS = ("MLE", "MAP", "mean")
_PACKAGE = str(Path(__file__).parents[1])


def study(
    model: pm.Model | None = None,
    truth: Mapping[str, Any] | PointEstimate | None = None,
    n: int = 1000,
    *,
    estimators: StudyEstimator | Sequence[StudyEstimator] = ("MLE", "MAP", "mean"),
    ci_prob: float | None = None,
    max_sampled: int = 10,
    n_starts: int = 1,
    potentials: Potentials | None = None,
    random_seed: Any = None,
    backend: str | None = None,
    progressbar: bool = True,
    sample_kwargs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Measure bias, variance, RMSE and coverage of estimators on data that the model simulates.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.  Its own observations give no more than their
        shape.
    truth : mapping of str to array, or PointEstimate, optional
        The values of all free variables that the data are simulated from, on the natural scale.  By
        default another draw from the prior for each data set: bias and the rest are then averages
        over the prior.
    n : int
        Data sets.
    estimators : {"MLE", "MAP", "mean"}, or a sequence of these
        What to compare; "mean" is the posterior mean, by importance sampling around the mode of the
        unconstrained posterior, the largest of the errors that this adds being given as
        ``importance_mcse``.
    ci_prob : float, optional
        Probability of the intervals; ``rcParams["stats.ci_prob"]`` of ArviZ by default.
    max_sampled : int
        Where the Pareto k of importance sampling is above 0.7, or there is no mode, the posterior
        is sampled with NUTS, for up to so many data sets; with more an error says so.
    n_starts, potentials, backend
        As in `refit`.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the data, and of all else that is drawn.
    progressbar : bool
        Whether to show progress.
    sample_kwargs : dict, optional
        Arguments of `pymc.sample` where it is used.

    Returns
    -------
    xarray.Dataset
        With the dims ``estimator`` and ``parameter`` (every scalar of the free variables and
        Deterministics) and ``dataset``:

        - ``bias`` (average error), ``variance`` (of the error; divisor n - 1), ``rmse`` and
          ``coverage``, the part of the intervals that hold the truth; each with its Monte Carlo
          standard error ``<name>_mcse``.  The intervals are estimate and standard error (of
          the mean: posterior sd), on the log or logit scale of a free variable that is bounded
        - ``n_used``, ``n_interval``: how many data sets have a finite estimate, and an interval.
          All the above is among these, and NaN where there are fewer than two
        - ``estimate``, ``truth``, and ``status`` of each data set; with "mean" also ``pareto_k``
          and ``sampled`` (1 where NUTS was used)

    Raises
    ------
    ModelError
        If the model cannot be estimated, the data not simulated, or an argument is not allowed.
    EstimationError
        If `truth` is an estimate that is no point; if too many data sets need NUTS.

    Warns
    -----
    EstimationWarning
        If an estimator has no finite value for some of the data sets.

    Examples
    --------
    The MLE of a variance from four data is 3/4 of it on average:

    >>> import bayes_point as bp, numpy as np, pymc as pm
    >>> with pm.Model() as model:
    ...     mu, variance = pm.Flat("mu"), pm.HalfFlat("variance")
    ...     y = pm.Normal("y", mu, pm.math.sqrt(variance), observed=np.zeros(4))
    >>> truth = {"mu": 0.0, "variance": 8.0}
    >>> found = bp.study(
    ...     model, truth, 500, estimators=["MLE"], random_seed=1, progressbar=False
    ... )
    >>> one = found.sel(estimator="MLE", parameter="variance")
    >>> bool(abs(one["bias"] + 2) < 4 * one["bias_mcse"])
    True
    """
    model = as_model(model, "study")
    check_model(model, start=False)
    n = whole_number("n", n, 2)
    max_sampled = whole_number("max_sampled", max_sampled, 0)
    prob = checked_probability(ci_prob)
    chosen = _estimators(estimators)
    check_simulates(model, potentials)
    if model.potentials and potentials is None:
        raise ModelError(
            "The model has a Potential. If it is part of the prior, say so with "
            "potentials='prior'; data cannot be simulated from one that is part of the likelihood."
        )
    rng = np.random.default_rng(random_seed)
    points = _points(model, truth, n, rng)
    data = simulate(model, points, rng)
    density = log_density(model, backend=backend, inputs=tuple(data))
    exact = points | deterministics(model, points)
    names = [var.name for var in density._natural_vars]
    template = density.dataset({name: np.asarray(exact[name][0], float) for name in names})
    labels = [
        str(label) for name in names for label, _ in density.elements(name, template[name].values)
    ]
    true = _flat({name: exact[name] for name in names})
    bounds = support_of(model, template)
    results, extra = [], {}
    for name in chosen:
        if name == "mean":
            means = study_means(
                model,
                data,
                names,
                max_sampled=max_sampled,
                backend=backend,
                rng=rng,
                progressbar=progressbar,
                sample_kwargs=sample_kwargs or {},
            )
            keys = np.where(means.sampled, "sampled", Status.CONVERGED.key)
            found = _Found(means.mean, means.sd, keys)
            extra["pareto_k"] = ("dataset", means.pareto_k)
            extra["sampled"] = ("dataset", means.sampled.astype(np.int8))
            extra["importance_mcse"] = ("parameter", np.max(means.mcse, axis=0, initial=0.0))
        else:
            fits = refit(
                model,
                data,
                estimator=name,
                potentials=potentials if name == "MLE" else None,
                n_starts=n_starts,
                random_seed=int(rng.integers(2**31)),
                backend=backend,
                progressbar=progressbar,
            )
            found = _Found.of(fits, names)
        results.append(found)
        _warn(name, found)
    # Fewer after an interrupt from the keyboard, of which refit has warned.
    done = min(len(found.status) for found in results)
    parts = [_summary(found, true, bounds, prob, done) for found in results]
    dims = {"dataset": ("estimator", "dataset", "parameter"), "": ("estimator", "parameter")}
    variables: dict[str, Any] = {
        key: (dims[""], np.stack([part[key] for part in parts])) for key in parts[0]
    }
    variables["estimate"] = (dims["dataset"], np.stack([f.value[:done] for f in results]))
    variables["status"] = (dims["dataset"][:2], np.stack([f.status[:done] for f in results]))
    variables["truth"] = (("dataset", "parameter"), true[:done])
    for key, (dim, values) in extra.items():
        variables[key] = (dim, values[:done] if dim == "dataset" else values)
    attrs = {"n": done, "ci_prob": prob, "truth": "prior" if truth is None else "point"}
    return xr.Dataset(
        variables,
        coords={"estimator": list(chosen), "parameter": labels},
        attrs=attrs | {"statuses": json.dumps(_counts(chosen, results))},
    )


@dataclass(frozen=True)
class _Found:
    """What one estimator found: values and standard errors, (batch, k), and a status each."""

    value: Array
    stderr: Array
    status: NDArray[np.str_]

    @classmethod
    def of(cls, fits: xr.Dataset, names: Sequence[str]) -> _Found:
        value = _flat({name: fits[name].values for name in names})
        stderr = _flat({name: fits[stderr_of(name)].values for name in names})
        return cls(value, stderr, fits["status"].values.astype(str))

    @property
    def is_point(self) -> NDArray[np.bool_]:
        keys = [status.key for status in Status if status.is_point]
        return np.isin(self.status, [*keys, "sampled"])


def _summary(
    found: _Found, true: Array, bounds: tuple[Array, Array], prob: float, n: int
) -> dict[str, Array]:
    """Return the measures of one estimator and their Monte Carlo errors, each (k,)."""
    value, stderr, true = found.value[:n], found.stderr[:n], true[:n]
    error = np.where(found.is_point[:n, None] & np.isfinite(value), value - true, np.nan)
    m = np.sum(np.isfinite(error), axis=0)
    lower, upper = (np.tile(bound, len(value)) for bound in bounds)
    z = norm.ppf(0.5 + 0.5 * prob)
    out: dict[str, Array] = {}
    with np.errstate(all="ignore"):
        bias = np.where(m > 1, np.nansum(error, axis=0) / m, np.nan)
        off = error - bias
        variance = np.where(m > 1, np.nansum(off**2, axis=0) / (m - 1), np.nan)
        out["bias"], out["bias_mcse"] = bias, np.sqrt(variance / m)
        fourth = np.where(m > 1, np.nansum(off**4, axis=0) / m, np.nan)
        out["variance"] = variance
        out["variance_mcse"] = np.sqrt(np.maximum(0.0, fourth - variance**2) / m)
        square = np.where(m > 1, np.nansum(error**2, axis=0) / m, np.nan)
        spread = np.nansum((error**2 - square) ** 2, axis=0) / (m - 1)
        out["rmse"] = np.sqrt(square)
        # d sqrt(v) = dv / (2 sqrt(v)).
        out["rmse_mcse"] = np.where(square > 0, np.sqrt(spread / m / square) / 2, 0.0 * square)
        ends = on_support(value.ravel(), z * stderr.ravel(), lower, upper)
        ends = ends.reshape(*value.shape, 2)
        known = np.isfinite(error) & np.all(np.isfinite(ends), axis=-1)
        inside = known & (ends[..., 0] <= true) & (true <= ends[..., 1])
        with_interval = known.sum(axis=0)
        coverage = np.where(with_interval > 1, inside.sum(axis=0) / with_interval, np.nan)
        out["coverage"] = coverage
        out["coverage_mcse"] = np.sqrt(coverage * (1 - coverage) / with_interval)
    return out | {"n_used": m, "n_interval": with_interval}


def _estimators(given: Any) -> tuple[StudyEstimator, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not names or len(set(names)) < len(names) or any(k not in _ESTIMATORS for k in names):
        raise ModelError(
            f"Got estimators={given!r}. They must be some of 'MLE', 'MAP' and 'mean', each once."
        )
    return names


def _points(model: pm.Model, truth: Any, n: int, rng: np.random.Generator) -> dict[str, NDArray]:
    """Return the truth of each data set, (n, *shape) by name."""
    if truth is None:
        return from_prior(model, n, rng)
    shapes = {rv.name: rv.shape.eval() for rv in model.free_RVs}
    if isinstance(truth, PointEstimate):
        if list(shapes) != [rv.name for rv in truth.model.free_RVs]:
            raise ModelError(
                f"truth is an estimate of {[rv.name for rv in truth.model.free_RVs]}; the free "
                f"variables of this model are {list(shapes)}."
            )
        return free_values(truth, n)
    if not isinstance(truth, Mapping):
        raise ModelError(
            "truth must be a mapping from the names of free variables to values, a PointEstimate, "
            f"or None for draws from the prior; got {type(truth).__name__}."
        )
    if sorted(map(str, truth)) != sorted(shapes):
        raise ModelError(
            f"truth must give each free variable, {list(shapes)}, a value; it has {list(truth)}."
        )
    out = {}
    for rv in model.free_RVs:
        shape = tuple(shapes[rv.name])
        value = np.asarray(truth[rv.name], dtype=rv.type.dtype)
        if value.shape != shape:
            raise ModelError(
                f"truth gives {rv.name!r} a value of shape {value.shape}; it has the shape {shape}."
            )
        known = bounds_of(model, rv)
        low = -np.inf if known.lower is None else known.lower
        high = np.inf if known.upper is None else known.upper
        if not np.all((value >= low) & (value <= high) & np.isfinite(value)):
            raise ModelError(
                f"truth gives {rv.name!r} the value {value}, outside of its support, which is "
                f"{known.words}."
            )
        out[rv.name] = np.broadcast_to(value, (n, *shape))
    return out


def _flat(values: Mapping[str, NDArray]) -> Array:
    """Lay variables, (batch, *shape) each, side by side."""
    return np.concatenate([v.reshape(len(v), -1).astype(float) for v in values.values()], axis=1)


def _warn(name: str, found: _Found) -> None:
    lost = found.status[~found.is_point]
    if lost.size:
        keys, counts = np.unique(lost, return_counts=True)
        words = [f"{k.replace('_', ' ')} {c}" for k, c in zip(keys, counts, strict=True)]
        warnings.warn(
            f"The {name} has no finite value for {lost.size} of {len(found.status)} data sets "
            f"({', '.join(words)}): bias, variance, RMSE and coverage are those of the others.",
            EstimationWarning,
            skip_file_prefixes=(_PACKAGE,),
        )


def _counts(names: Sequence[str], results: Sequence[_Found]) -> dict[str, dict[str, int]]:
    out = {}
    for name, found in zip(names, results, strict=True):
        keys, counts = np.unique(found.status, return_counts=True)
        out[name] = dict(zip(keys.tolist(), counts.tolist(), strict=True))
    return out
