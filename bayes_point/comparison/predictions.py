"""Predictions of observations, scored: log density, calibration, coverage, and their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

__all__ = ["SCOPES", "Column", "summarise"]

Array = NDArray[np.float64]

SCOPES = ("observed", "left_out")


@dataclass
class Column:
    """What one distribution predicts of each observation: as observed, and when it is left out.

    Attributes
    ----------
    log_density : ndarray, (2, observation)
        Log predictive density of what was observed, in each scope.
    lower, upper : ndarray, (2, observation)
        Predictive probability of less than what was observed, and of as much or less.
    pareto_k : ndarray, (observation,)
        Of the importance weights, where there are any.
    refitted : ndarray of int, (observation,)
        Whether the model was fitted anew without the observation.
    notes : list of str
        What is missing, and why.
    """

    log_density: Array
    lower: Array
    upper: Array
    pareto_k: Array
    refitted: NDArray[np.int8]
    notes: list[str] = field(default_factory=list)

    @classmethod
    def empty(cls, n: int, *notes: str) -> Column:
        """Return a column of which nothing is known yet."""
        return cls(
            log_density=np.full((2, n), np.nan),
            lower=np.full((2, n), np.nan),
            upper=np.full((2, n), np.nan),
            pareto_k=np.full(n, np.nan),
            refitted=np.zeros(n, np.int8),
            notes=list(notes),
        )

    def put(self, scope: int, log_density: Array, lower: Array, upper: Array) -> None:
        """Set what is predicted in one of the two scopes, each (observation,)."""
        self.log_density[scope], self.lower[scope], self.upper[scope] = log_density, lower, upper


def summarise(
    columns: Mapping[str, Column], labels: Sequence[str], prob: float, rng: np.random.Generator
) -> xr.Dataset:
    """Score the columns: the last is the one that the others are compared with."""
    log_density = np.stack([c.log_density for c in columns.values()], axis=1)
    lower = np.stack([c.lower for c in columns.values()], axis=1)
    upper = np.stack([c.upper for c in columns.values()], axis=1)
    n = len(labels)
    # The same for all four: their differences are then none of chance.
    u = rng.random(n)
    pit = lower + u * (upper - lower)
    tail = (1 - prob) / 2
    # y is between the quantiles that leave this probability on either side.
    inside = np.where(np.isnan(pit), np.nan, (upper >= tail) & (lower < 1 - tail))
    dims = ("scope", "distribution")
    with np.errstate(invalid="ignore"):
        difference = log_density - log_density[:, -1:]
        summaries = {
            "total": log_density.sum(axis=2),
            "total_se": _standard_error(log_density),
            "difference": difference.sum(axis=2),
            "difference_se": _standard_error(difference),
            "coverage": inside.mean(axis=2),
        }
    summaries["coverage_se"] = np.sqrt(
        summaries["coverage"] * (1 - summaries["coverage"]) / max(n, 1)
    )
    tested = [[_distance(row) for row in rows] for rows in pit]
    summaries["distance"], summaries["p_value"] = np.moveaxis(np.array(tested), -1, 0)
    notes = [" ".join(c.notes) for c in columns.values()]
    return xr.Dataset(
        {
            "log_density": ((*dims, "observation"), log_density),
            "pit": ((*dims, "observation"), pit),
            **{name: (dims, values) for name, values in summaries.items()},
            "pareto_k": (
                ("distribution", "observation"),
                np.stack([c.pareto_k for c in columns.values()]),
            ),
            "refitted": (
                ("distribution", "observation"),
                np.stack([c.refitted for c in columns.values()]),
            ),
        },
        coords={
            "scope": list(SCOPES),
            "distribution": list(columns),
            "observation": list(labels),
            "note": ("distribution", notes),
        },
        attrs={"ci_prob": prob, "reference": list(columns)[-1]},
    )


def _standard_error(terms: Array) -> Array:
    """Return the standard error of a sum over the last axis."""
    n = terms.shape[-1]
    if n < 2:
        return np.full(terms.shape[:-1], np.nan)
    return np.sqrt(n) * np.std(terms, axis=-1, ddof=1)


def _distance(pit: Array) -> tuple[float, float]:
    if len(pit) == 0 or not np.all(np.isfinite(pit)):
        return np.nan, np.nan
    test = stats.kstest(pit, "uniform")
    return float(test.statistic), float(test.pvalue)
