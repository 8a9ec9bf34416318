"""The measures of a study: bias, variance, RMSE and coverage, with their Monte Carlo errors."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from bayes_point.errors import EstimationWarning
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.refit.task import stderr_of
from bayes_point.estimation.uncertainty.wald import on_support

__all__ = ["Found", "counts_of", "flat", "measures", "warn_of_lost"]

Array = NDArray[np.float64]
_PACKAGE = str(Path(__file__).parents[2])


@dataclass(frozen=True)
class Found:
    """What one estimator found: values and standard errors, (batch, k), and a status each."""

    value: Array
    stderr: Array
    status: NDArray[np.str_]

    @classmethod
    def of(cls, fits: xr.Dataset, names: Sequence[str]) -> Found:
        """Take what a refit found of the variables named."""
        value = flat({name: fits[name].values for name in names})
        stderr = flat({name: fits[stderr_of(name)].values for name in names})
        return cls(value, stderr, fits["status"].values.astype(str))

    @property
    def is_point(self) -> NDArray[np.bool_]:
        """Which data sets have an estimate, if perhaps not a finite one."""
        keys = [status.key for status in Status if status.is_point]
        return np.isin(self.status, [*keys, "sampled"])


def measures(
    found: Found, true: Array, bounds: tuple[Array, Array], prob: float, n: int
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


def flat(values: Mapping[str, NDArray]) -> Array:
    """Lay variables, (batch, *shape) each, side by side."""
    return np.concatenate([v.reshape(len(v), -1).astype(float) for v in values.values()], axis=1)


def warn_of_lost(name: str, found: Found, which: str) -> None:
    """Warn of data sets without an estimate; `which` says which of several studies this is."""
    lost = found.status[~found.is_point]
    if lost.size:
        keys, counts = np.unique(lost, return_counts=True)
        words = [f"{k.replace('_', ' ')} {c}" for k, c in zip(keys, counts, strict=True)]
        warnings.warn(
            f"The {name} has no finite value for {lost.size} of {len(found.status)} data sets"
            f"{which} ({', '.join(words)}): bias, variance, RMSE and coverage are those of the "
            "others.",
            EstimationWarning,
            skip_file_prefixes=(_PACKAGE,),
        )


def counts_of(names: Sequence[str], results: Sequence[Found]) -> dict[str, dict[str, int]]:
    """Return how many data sets have which status, for each estimator."""
    out = {}
    for name, found in zip(names, results, strict=True):
        keys, counts = np.unique(found.status, return_counts=True)
        out[name] = dict(zip(keys.tolist(), counts.tolist(), strict=True))
    return out
