"""How much the prior knows: the information at the MAP, split into the data's and the prior's."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from pymc.distributions.discrete import Binomial
from pymc.distributions.multivariate import Multinomial
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from bayes_point.errors import EstimationError, ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimator import Potentials, estimator_of
from bayes_point.estimation.face.find import find_MAP
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optimise.maximise import finite_hessian
from bayes_point.estimation.uncertainty.information import information
from bayes_point.model.checks import as_model
from bayes_point.model.density.scores import scores_of
from bayes_point.model.starts import Initvals
from bayes_point.model.variables.bounds import evaluated

__all__ = ["prior_information"]

Array = NDArray[np.float64]

# A share of the data below this is rounding.
_NOTHING = 1e-12
# In the name of a direction, parameters that move by less than this part of the largest are left
# out.
_NAMED = 0.15
# So far from the MAP, in posterior sd, the observations are asked a second time what they depend
# on: at the MAP itself a score can be zero by accident.
_ASIDE = 0.37


def prior_information(
    model: pm.Model | PointEstimate | None = None,
    *,
    observations: float | None = None,
    potentials: Potentials | None = None,
    n_starts: int = 8,
    initvals: Initvals | None = None,
    random_seed: Any = None,
    backend: str | None = None,
    max_seconds: float | None = None,
    progressbar: bool = True,
) -> xr.Dataset:
    r"""Split the information at the MAP into what the data and what the prior know.

    The observed information of the log joint density is that of the likelihood, :math:`J_L`, plus
    that of the prior, :math:`J_P`.  The eigenvalues of :math:`J_L (J_L + J_P)^{-1}` are the shares
    of the data in the directions in which the two can be told apart, from 0, all prior, to 1, all
    data.  Their sum is MacKay's effective number of parameters: how many of the parameters are
    determined by the data.

    Parameters
    ----------
    model : pymc.Model or PointEstimate, optional
        The model, by default that of the context, whose MAP is then found; or its MAP.
    observations : float, optional
        How many observations the data are, in which the prior's worth is measured.  By default, of
        each parameter, the observations whose log-likelihood depends on it; a binomial or
        multinomial observation counts as its trials.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are; has to be said if it has any.
    n_starts : int
        Starting points of the search, where no MAP is given: the model's initial point, and draws
        from the prior.
    initvals : dict, PointEstimate, or sequence of these, optional
        Initial values by variable name, natural scale, instead of the model's own.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the starts.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time.
    max_seconds : float, optional
        When to stop the search for the MAP, without which there is nothing to return; by default
        never.
    progressbar : bool
        Whether to show progress once it takes longer than a second.

    Returns
    -------
    xarray.Dataset
        By ``parameter``: ``likelihood_information`` and ``prior_information``, the diagonals of
        :math:`J_L` and :math:`J_P` in units of the unconstrained scale; ``share``, the data's part
        in what is known of the parameter, the diagonal of :math:`(J_L + J_P)^{-1} J_L`, which adds
        up to the effective number; ``observations`` on which it rests; and ``worth``, the number of
        observations that would tell as much as the prior does.  By ``direction``, the least known
        to the data first: ``direction_share``, ``direction_worth``, ``loading`` (how far each
        parameter moves along it, in posterior sd, the largest 1) and the coord ``direction_name``.
        For the whole: ``effective_parameters``, ``total_share`` (that divided by the number of
        parameters), ``total_observations`` and ``total_worth``.  ``prior_directions`` in the attrs
        names the directions of which the prior supplies more than half of the information.

    Raises
    ------
    EstimationError
        If the MAP is not a converged interior maximum, where no such information exists.
    ModelError
        If the model cannot be estimated.

    See Also
    --------
    prior_path : Find the estimate as the prior weighs more and more.

    Notes
    -----
    *The scale.*  The sum :math:`J_L + J_P` at the MAP does not depend on the parametrisation but
    for the change of units; each term alone does, because neither density is stationary there.
    Both are taken on PyMC's unconstrained scale, without the Jacobian, as the MAP is found.  That
    is where the split is exact: the log-likelihood of an exponential family in its canonical
    parameter is :math:`\eta\, t - n A(\eta)`, and a conjugate prior :math:`\eta\, t_0 - n_0
    A(\eta)`, so that :math:`J_P / J_L = n_0 / n` at *every* point, whatever the data.  The logit
    of a probability and the log of a Poisson mean are canonical, so Beta(a, b) is worth
    :math:`a + b - 2` tosses and Gamma(a, b) :math:`b` counts.  On the scale of the probability
    itself the ratio would depend on the heads.

    *The worth* is :math:`n (1 - s) / s` for a share :math:`s`.  For a coefficient with the prior
    N(0, τ²) in an orthogonal regression it is the ridge penalty σ²/τ² in units of the mean square
    of its column.  It is infinite where the data say nothing, negative where the prior takes
    information away, as a Student t does in its tails, and NaN where the data do.  With
    ``jacobian=True`` the Jacobian belongs to the prior: Beta(a, b) is then worth :math:`a + b`, the
    definition of Morita et al.

    *Hierarchies.*  The prior is all that is not likelihood: that of latent variables given their
    hyperparameters, too, which therefore have a share of 0.

    References
    ----------
    MacKay, D. J. C. (1992), Bayesian interpolation, https://doi.org/10.1162/neco.1992.4.3.415

    S. Morita, P. F. Thall and P. Müller (2008), Determining the effective sample size of a
    parametric prior, https://doi.org/10.1111/j.1541-0420.2007.00888.x

    Examples
    --------
    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 9, 9)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 0, 1, 1, 0, 1, 1])
    >>> known = bp.prior_information(coin, progressbar=False)
    >>> known["worth"].round(6).sel(parameter="theta").item()
    16.0
    >>> known["share"].round(6).sel(parameter="theta").item()  # 8 of 8 + 16
    0.333333
    """
    if observations is not None and not (isinstance(observations, Real) and observations > 0):
        raise ModelError(
            f"observations must be a positive number, got {observations!r}. Leave it out to have "
            "them counted."
        )
    estimate = model
    if not isinstance(estimate, PointEstimate):
        model = as_model(model, "prior_information")
        estimator_of(model, "MLE", jacobian=False, potentials=potentials)
        estimate = find_MAP(
            model,
            max_seconds=max_seconds,
            n_starts=n_starts,
            initvals=initvals,
            random_seed=random_seed,
            backend=backend,
            progressbar=progressbar,
        )
    likelihood = _likelihood_terms(estimate, potentials)
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(all="ignore"):
        _refuse(estimate)
        return _split(estimate, likelihood, observations)


def _likelihood_terms(estimate: PointEstimate, potentials: Potentials | None) -> list[str]:
    estimator = estimator_of(estimate.model, "MLE", jacobian=False, potentials=potentials)
    if estimate.estimator != "MAP":
        raise EstimationError(
            f"The information of the prior is measured at the MAP, got the {estimate.estimator}, "
            "to which the prior contributes nothing. Pass the model, or what find_MAP returns.",
            estimate,
        )
    return list(estimator.weights)


def _refuse(estimate: PointEstimate) -> None:
    """Raise where the density has no curvature at the MAP."""
    if estimate.status is not Status.CONVERGED:
        said = " ".join(map(str, (estimate.status.value, *estimate.findings)))
        raise EstimationError(
            f"There is no information to split: the MAP is not an interior maximum. {said}",
            estimate,
        )
    found = information(estimate)
    odd = found.where("kink")
    if np.any(odd) or found.null.size or found.weak.size:
        names = dict.fromkeys(np.array(estimate.objective.density.parameters)[odd].tolist())
        where = (
            f"at a kink of the density in {', '.join(names)}" if names else "without a curvature"
        )
        raise EstimationError(
            f"There is no information to split: the MAP lies {where}, as the zeros of a lasso do, "
            "and has no second derivative there. Look at prior_path, which shows what the prior "
            "does without derivatives.",
            estimate,
        )


def _split(
    estimate: PointEstimate, likelihood: list[str], observations: float | None
) -> xr.Dataset:
    objective = estimate.objective
    density, x = objective.density, estimate.unconstrained.values
    own = {term: w for term, w in objective.weights.items() if term in likelihood}
    data = -finite_hessian(Objective(density, own), x[None, :])[0]
    total = -finite_hessian(objective, x[None, :])[0]
    # J_L v = share * (J_L + J_P) v, with V' (J_L + J_P) V = 1: the least known to the data first.
    directions_share, vectors = eigh(data, total)
    covariance = np.linalg.inv(total)
    share = np.diagonal(covariance @ data).copy()
    sd = np.sqrt(np.diagonal(covariance))
    loading = vectors / sd[:, None]
    largest = np.abs(loading).argmax(axis=0)
    loading /= loading[largest, np.arange(len(x))]
    names = _parameter_names(objective)
    if observations is None:
        counted = _observations(estimate, likelihood, np.hstack([np.eye(len(x)), vectors]), sd)
    else:
        counted = np.full(2 * len(x) + 1, float(observations))
    of_parameter, of_direction, of_all = counted[: len(x)], counted[len(x) : -1], counted[-1]
    effective = float(directions_share.sum())
    called = [_direction_name(names, column) for column in loading.T]
    mostly = [name for name, part in zip(called, directions_share, strict=True) if part < 0.5]
    return xr.Dataset(
        {
            "likelihood_information": ("parameter", np.diagonal(data).copy()),
            "prior_information": ("parameter", np.diagonal(total - data).copy()),
            "share": ("parameter", share),
            "observations": ("parameter", of_parameter),
            "worth": ("parameter", _worth(share, of_parameter)),
            "direction_share": ("direction", directions_share),
            "direction_worth": ("direction", _worth(directions_share, of_direction)),
            "loading": (("direction", "parameter"), loading.T),
            "effective_parameters": effective,
            "total_share": effective / len(x),
            "total_observations": float(of_all),
            "total_worth": float(_worth(np.array(effective / len(x)), of_all)),
        },
        coords={
            "parameter": names,
            "direction": np.arange(len(x)),
            "direction_name": ("direction", called),
        },
        attrs={
            "model_name": estimate.model.name,
            "scale": "unconstrained",
            "maximised": estimate.maximised,
            "prior_directions": "; ".join(mostly),
        },
    )


def _parameter_names(objective: Objective) -> list[str]:
    """Return a name for each coordinate: that of the parameter, where each has one of its own."""
    names = objective.density.parameters
    return names if len(set(names)) == len(names) else objective.density.labels


def _direction_name(names: list[str], loading: Array) -> str:
    """Name a direction by the parameters that move along it, the one that moves most first."""
    order = [j for j in np.argsort(-np.abs(loading), kind="stable") if abs(loading[j]) >= _NAMED]
    if len(order) == 1:
        return names[order[0]]
    parts = [names[order[0]]]
    for j in order[1:]:
        size = abs(loading[j])
        factor = "" if size > 0.995 else f"{size:.2g} "
        parts.append(f"{'+' if loading[j] > 0 else '−'} {factor}{names[j]}")
    return " ".join(parts)


def _worth(share: Array, observations: Array | float) -> Array:
    """Return n (1 - s) / s: infinite where the data say nothing, NaN where they say less."""
    worth = observations * (1 - share) / np.where(share > _NOTHING, share, np.nan)
    return np.where(np.abs(share) <= _NOTHING, np.inf, worth)


def _observations(estimate: PointEstimate, likelihood: list[str], basis: Array, sd: Array) -> Array:
    """Count the observations that depend on each column of `basis`, and those that do on any."""
    density, x = estimate.objective.density, estimate.unconstrained.values
    scores = scores_of(density, potentials="potential" in likelihood)
    moved = np.zeros((sum(map(_size, scores.shapes.values())), basis.shape[1]), bool)
    for point in (x, x + _ASIDE * sd):
        # What has no derivative there, or none that is a number, depends on it all the same.
        at = scores.scores(point, basis)
        size = np.abs(at).max(axis=1, keepdims=True)
        moved |= ~(np.abs(at) <= 1e-10 * size)
    trials = np.concatenate([_trials(estimate.model, name, s) for name, s in scores.shapes.items()])
    return trials @ np.column_stack([moved, moved.any(axis=1)])


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def _trials(model: pm.Model, name: str, shape: tuple[int, ...]) -> Array:
    """Return how many observations each term of a variable stands for."""
    node = model[name].owner
    if name in {rv.name for rv in model.observed_RVs} and isinstance(
        node.op, (Binomial.rv_type, Multinomial.rv_type)
    ):
        (trials,) = evaluated(node.op.dist_params(node)[0])
        return np.broadcast_to(np.asarray(trials, float), shape).ravel()
    return np.ones(_size(shape))
