"""The middle of a covariance: what stands between the axes of the information and their transpose.

The inverse information, or what the scattering of the scores makes of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayes_point.errors import EstimationError, ModelError
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.marginal.density import MarginalDensity
from bayes_point.estimation.marginal.scores import block_codes, block_scores
from bayes_point.estimation.uncertainty.information import Information
from bayes_point.model.density.scores import cluster_codes, scores_of
from bayes_point.model.discrete.summed import SummedDensity

__all__ = ["middle"]

Array = NDArray[np.float64]

_KINDS = ("hessian", "sandwich", "opg")


def middle(estimate: EstimateRecord, info: Information, kind: str, cluster: Any) -> Array:
    """Return a matrix, (r, r), that times its transpose is the covariance along `info.axes`.

    Raises
    ------
    ModelError
        If `kind` is none of those that there are, does not go with `cluster` or the estimator, or
        the observations cannot be told apart.
    EstimationError
        If there are too few observations or clusters for it.
    """
    if kind not in _KINDS:
        raise ModelError(f"Got kind={kind!r}. It must be 'hessian', 'sandwich' or 'opg'.")
    if kind == "hessian":
        if cluster is not None:
            raise ModelError(
                "cluster= says how the scores of the sandwich are summed, and kind='hessian' has "
                "none. Ask for kind='sandwich', or leave cluster out."
            )
        return np.diag(1 / np.sqrt(info.curvature))
    if estimate.estimator != "MLE":
        raise ModelError(
            f"kind={kind!r} is made of the scores of the observations, which say nothing of the "
            "prior: it is for an MLE, and this is a MAP. Use find_MLE, or kind='hessian'."
        )
    if cluster is not None and kind == "opg":
        raise ModelError("cluster= goes with kind='sandwich', got kind='opg'.")
    scores = _scores(estimate, info, kind, cluster)
    # In the scaled axes; the singular values of the scores are the square roots of their outer
    # product's eigenvalues, without the loss of digits that squaring brings.
    _, sizes, vt = np.linalg.svd(scores, full_matrices=False)
    if kind == "sandwich":
        return (vt / info.curvature).T * sizes
    if len(sizes) < scores.shape[1] or sizes.min(initial=np.inf) <= 1e-7 * sizes.max(initial=0):
        raise EstimationError(
            f"kind='opg' needs more observations than parameters, whose scores differ: got "
            f"{len(scores)} observations and {scores.shape[1]} parameters. Use kind='hessian'.",
            estimate,
        )
    return vt.T / sizes


def _scores(estimate: EstimateRecord, info: Information, kind: str, cluster: Any) -> Array:
    """Return the scores along the axes: one row an observation, or a cluster."""
    density = estimate.objective.density
    if isinstance(density, MarginalDensity):
        scores = _compared(block_scores(density, info.x) @ info.axes, kind)
        if cluster is None:
            return scores
        if isinstance(density.full, SummedDensity):
            raise ModelError(
                "cluster= says which observations depend on each other, and with discrete "
                f"variables summed out, {list(density.full.sums.names)}, they are not told apart: "
                "leave it out."
            )
        shapes = scores_of(density.full, potentials=False).shapes
        codes = block_codes(density, info.x, cluster_codes(estimate.model, shapes, cluster))
    else:
        potentials = "potential" in estimate.objective.weights
        every = scores_of(density, potentials=potentials)
        scores = every.scores(info.x, info.axes)
        _compared(scores, kind, f" of {list(every.shapes)}")
        if cluster is None:
            return scores
        codes = cluster_codes(estimate.model, every.shapes, cluster)
    sums = np.zeros((codes.max() + 1, scores.shape[1]))
    np.add.at(sums, codes, scores)
    if len(sums) < 2:
        raise EstimationError(
            "The sandwich compares clusters, and cluster= puts all observations into one. Give "
            "labels that tell at least two apart.",
            estimate,
        )
    return sums


def _compared(scores: Array, kind: str, of: str = "") -> Array:
    """Return scores; raise where there are none to compare."""
    if len(scores) == 1:
        raise ModelError(
            f"kind={kind!r} compares the observations, and the likelihood{of} is that of one "
            "event. Use kind='hessian'."
        )
    return scores
