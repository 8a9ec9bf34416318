"""Likelihood ratios of data that a null model simulates: the parametric bootstrap of the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from bayes_point.errors import EstimationError, ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.integrated import marginal_options
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.progress import WHAT_TO_DO, Deadline, told_elsewhere, warn_stopped
from bayes_point.estimation.refit.refit import refit
from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.variables.initial_values import without_initial_values

__all__ = ["simulated_ratios"]

Array = NDArray[np.float64]

_PACKAGE = str(Path(__file__).parents[2])
# Of the refits, this part may fail before the rest is no fair sample.
_MOST_FAILED = 0.05


def simulated_ratios(
    null: EstimateRecord,
    alternative: EstimateRecord,
    draws: int,
    random_seed: int | None,
    deadline: Deadline,
) -> Array:
    """Return twice the log-likelihood ratios, (draws,), of data simulated from the null model.

    Both models are fitted to each data set, from their estimates; when the time is up there are
    the ratios of the data sets to which both have been fitted.
    """
    if not null.status.is_point:
        raise EstimationError(
            f"Data cannot be simulated from the null model: {null.status.value}", null
        )
    if "potential" in null.objective.weights:
        raise ModelError(
            "Data cannot be simulated from a Potential that is part of the likelihood. Use "
            "method='chi2', or write the model with distributions."
        )
    data = _simulated(null, draws, random_seed)
    logliks, good = [], np.ones(draws, bool)
    for left, estimate in ((2, null), (1, alternative)):
        free = dict.fromkeys(estimate.objective.density.variables)
        start = {name: estimate.point[name].values for name in free} if _is_inside(estimate) else {}
        with told_elsewhere():
            fits = refit(
                estimate.model,
                data,
                initvals=start or None,
                potentials=None if not estimate.model.potentials else "prior",
                var_names=[],
                max_seconds=deadline.share(left),
                progressbar=False,
                **marginal_options(estimate),
            )
        done = fits.sizes["dataset"]
        logliks.append(fits["log_likelihood"].values)
        failed = (Status.UNBOUNDED.key, Status.NOT_CONVERGED.key)
        good = good[:done] & ~np.isin(fits["status"].values, failed)
        data = {name: rows[:done] for name, rows in data.items()}
        if not done:
            raise EstimationError(
                f"No data set was refitted before the time was up. {WHAT_TO_DO}", null
            )
    if done < draws and deadline.seconds is not None:
        warn_stopped(deadline, f"the p-value is made of {done} of {draws} data sets")
    if good.mean() < 1 - _MOST_FAILED:
        raise EstimationError(
            f"Of {done} data sets simulated from the null model {int((~good).sum())} could not be "
            "fitted, too many for a p-value. Look at them with refit.",
            null,
        )
    return np.maximum(0.0, 2 * (logliks[1] - logliks[0][:done])[good])


def _simulated(null: EstimateRecord, draws: int, random_seed: int | None) -> dict[str, Any]:
    """Return data sets that the null model makes at its estimate, (draws, *shape) each."""
    names = dict.fromkeys(null.objective.density.variables)
    values = {name: null.point[name].values for name in names}
    with without_initial_values(null.model):
        at = pm.do(null.model, values)
    observed = list(at.observed_RVs)
    arrays = pm.draw(observed, draws=draws, random_seed=random_seed, mode=INTERPRETED)
    return {rv.name: array for rv, array in zip(observed, arrays, strict=True)}


def _is_inside(estimate: EstimateRecord) -> bool:
    """Whether the estimate is a place to start from."""
    return estimate.status is Status.CONVERGED
