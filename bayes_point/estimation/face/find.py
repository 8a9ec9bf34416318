"""find_MLE and find_MAP."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from bayes_point.arguments import generator, seconds, truth_value, whole_number
from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.certificate.case import is_finite
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.assemble import assemble
from bayes_point.estimation.estimate.discrete import Enumerated, enumerate_values, maximise_over
from bayes_point.estimation.estimate.refined import refined, with_other_modes
from bayes_point.estimation.estimate.search import search
from bayes_point.estimation.estimate.stopped import stopped
from bayes_point.estimation.estimator import Estimator, Potentials, estimator_of
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.marginal.integrate import (
    Asked,
    Marginalize,
    QuadratureNodes,
    integrated,
    within,
)
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.progress import Deadline, OutOfTime, watched
from bayes_point.model.checks import as_model, check_model
from bayes_point.model.data.observations import some_observations
from bayes_point.model.density.cache import log_density
from bayes_point.model.density.dear import quickest_density
from bayes_point.model.given import with_fixed
from bayes_point.model.starts import Initvals, starting_points

__all__ = ["find_MAP", "find_MLE", "warn_of"]

# Warnings point at the first line outside this folder: the user's.
_PACKAGE = str(Path(__file__).parents[2])


def find_MLE(
    model: pm.Model | None = None,
    *,
    marginalize: Marginalize = None,
    quadrature: QuadratureNodes = "auto",
    reml: bool | str | Sequence[str] = False,
    local: bool = False,
    fix: Mapping[str, Any] | None = None,
    n_starts: int = 8,
    initvals: Initvals | None = None,
    random_seed: Any = None,
    potentials: Potentials | None = None,
    n_observations: int | None = None,
    backend: str | None = None,
    strict: bool = False,
    max_seconds: float | None = None,
    progressbar: bool = True,
) -> PointEstimate:
    """Find the maximum likelihood estimate: the point at which the data are most probable.

    Maximises the log-likelihood over the support of the parameters; what the priors say beyond
    their support plays no part.  The MLE does not depend on how the model is parametrised.

    Parameters
    ----------
    model : pymc.Model or bambi.Model, optional
        The model; by default that of the context.
    marginalize : "latents" or sequence of str, optional
        Variables to integrate out, so that the marginal likelihood is maximised: all that are
        latent, or these by name.  Latent are vectors whose prior depends on other variables,
        missing data, and vectors that the likelihood sees only multiplied by a scale (non-centred);
        of discrete ones, those whose elements are independent given the rest, or a chain, which are
        summed out exactly.
        The integral is Laplace's, exact where the latents are Gaussian given the data; the first
        of the findings says which.  The latents stay in `point`, at their conditional modes, and in
        `stderr`, with what the parameters' uncertainty adds to their own.  By default nothing.
    quadrature : "auto" or int
        Nodes of the adaptive Gauss-Hermite quadrature (Pinheiro and Bates 1995,
        https://doi.org/10.1080/10618600.1995.10474663) in each direction, where the latents are
        independent blocks of one or two; 1 is Laplace's method.  "auto" takes quadrature where
        Laplace's method is off by more than .05 standard errors of a parameter, with as many nodes
        as change the log-likelihood by less than 1e-6 when there are more.
    reml : bool, str or sequence of str
        Restricted likelihood (Patterson and Thompson 1971,
        https://doi.org/10.1093/biomet/58.3.545): integrate the fixed effects out as well, over all
        values alike.  They are the unbounded parameters in which the density is exactly Gaussian,
        or those that are named.
    local : bool
        Where the density has no upper bound, as that of a mixture with free scales, return the
        highest interior maximum that is found, with status `local` (Redner and Walker 1984,
        https://doi.org/10.1137/1026034).  All that were found are in `optima`, with the effective
        number of observations of each component; those whose component rests on fewer than five
        are marked as spurious there, and come last.
    fix : mapping of str to float or array-like, optional
        Free variables to hold at values, ``fix={"sigma": 1}``, and to estimate the others given
        them.  They are data of the estimate's model then (`pymc.do`).
    n_starts : int
        Starting points: the model's initial point, and draws from the prior (or jittered initial
        values where the prior is improper).  The best optimum wins; the others are kept in
        `optima`.  Where several starts lead to several optima, up to eight times as many are
        tried, until less than half a further one is expected (of thousands of latents or data,
        integrated out, two starts; Boender and Rinnooy Kan 1987,
        https://doi.org/10.1007/BF02591684).  Where the density is log-concave, by its graph, the
        first is enough: the maximum it leads to is the only one.
    initvals : dict, PointEstimate, or sequence of these, optional
        Initial values by variable name, natural scale, instead of the model's own; or an estimate
        to begin at.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the starts.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are; has to be said if it has any.
    n_observations : int, optional
        Number of observations, as BIC and AICc need it, where it is not that of the observed
        scalars; it has no part in the estimate.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time,
        or numba where the density has a loop that is slow enough to pay for it.
    strict : bool
        Raise unless the estimate is a converged interior maximum.
    max_seconds : float, optional
        When to stop; by default never.  Looked at between evaluations, and before anything is
        compiled, which can't be interrupted.  What is returned then is the best point seen, not
        converged, with a finding that says in which stage the search was stopped.
    progressbar : bool
        Whether to show progress once the search takes longer than a second: a bar, on a terminal
        or in a notebook, else a line for each stage on the standard error.

    Returns
    -------
    PointEstimate
        The point, its status, and what was found of it.

    Raises
    ------
    ModelError
        If the model, or what is asked of it, cannot be estimated.
    EstimationError
        If `strict` and the estimate did not converge.

    See Also
    --------
    find_MAP : Find the maximum a posteriori estimate: the mode of the joint posterior density.
    fit : Find MLE and MAP, sample the posterior, and put all three into one DataTree.
    profile : Profile: the highest log density that is possible at each value of a scalar.
    likelihood_ratio_test
    refit : Estimates of one model for many data sets, with standard errors and a status each.
    flat_priors : Return the same model with priors that are flat on their own support.
    bootstrap : Draw from the distribution of an estimator, by refits to new data sets.
    roles : Return a table of the variables of a model and what each of them is.

    References
    ----------
    R. A. Fisher (1922), On the mathematical foundations of theoretical statistics,
    https://doi.org/10.1098/rsta.1922.0009

    Examples
    --------
    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 0, 0])
    >>> mle = bp.find_MLE(coin, progressbar=False)
    >>> float(mle.point["theta"]), mle.status.key
    (0.5, 'converged')

    Two measurements in each of three groups.  They differ by one in each, so that the variance
    within the groups is 1/2:

    >>> with pm.Model() as groups:
    ...     mu, between, within = pm.Flat("mu"), pm.HalfFlat("between"), pm.HalfFlat("within")
    ...     effect = pm.Normal("effect", mu, between, shape=3)
    ...     y = pm.Normal("y", effect[[0, 0, 1, 1, 2, 2]], within, observed=[0, 1, 2, 3, 4, 3])
    >>> mle = bp.find_MLE(groups, marginalize="latents", progressbar=False)
    >>> mle.unconstrained.parameter.values.tolist()
    ['mu', 'between_log__', 'within_log__']
    >>> round(float(mle.point["within"]) ** 2, 6)
    0.5
    """
    model = with_fixed(as_model(model, "find_MLE"), fix)
    estimator = estimator_of(model, "MLE", jacobian=False, potentials=potentials)
    asked = Asked(marginalize, reml=reml, quadrature=quadrature)
    if n_observations is not None:
        whole_number("n_observations", n_observations, 1)
    found = _find(
        model,
        estimator,
        asked,
        local,
        n_starts,
        initvals,
        random_seed,
        backend,
        strict,
        max_seconds,
        progressbar,
    )
    return replace(found, given_n=n_observations)


def find_MAP(
    model: pm.Model | None = None,
    *,
    marginalize: Marginalize = None,
    quadrature: QuadratureNodes = "auto",
    jacobian: bool = False,
    local: bool = False,
    fix: Mapping[str, Any] | None = None,
    n_starts: int = 8,
    initvals: Initvals | None = None,
    random_seed: Any = None,
    potentials: Potentials | None = None,
    backend: str | None = None,
    strict: bool = False,
    max_seconds: float | None = None,
    progressbar: bool = True,
) -> PointEstimate:
    """Find the maximum a posteriori estimate: the mode of the joint posterior density.

    The density is the one on the natural scale, the parameters as the model declares them, without
    the Jacobian of PyMC's transforms.  A mode depends on the parametrisation: ``jacobian=True``
    gives that of the density on the unconstrained scale, another point.

    Parameters
    ----------
    model : pymc.Model or bambi.Model, optional
        The model; by default that of the context.
    marginalize : "latents" or sequence of str, optional
        Variables to integrate out, so that the mode is that of the marginal posterior of the
        others: all that are latent, or these by name.  Latent are vectors whose prior depends on
        other variables, missing data, and vectors that the likelihood sees only multiplied by a
        scale (non-centred).  The integral is Laplace's, exact where they are Gaussian given the
        data.  They stay in `point`, at their conditional modes.  By default nothing.
    quadrature : "auto" or int
        Nodes of the adaptive Gauss-Hermite quadrature in each direction, where the latents are
        independent blocks of one or two; 1 is Laplace's method.  "auto" takes quadrature where
        Laplace's method is off by more than .05 standard errors of a parameter.
    jacobian : bool
        Maximise the density on the unconstrained scale.
    local : bool
        Where the density has no upper bound, as that of a mixture with free scales, return the
        highest interior maximum that is found, with status `local`; all are in `optima`.
    fix : mapping of str to float or array-like, optional
        Free variables to hold at values, ``fix={"sigma": 1}``, and to estimate the others given
        them.  They are data of the estimate's model then (`pymc.do`).
    n_starts : int
        Starting points: the model's initial point, and draws from the prior (or jittered initial
        values where the prior is improper).  The best optimum wins; the others are kept in
        `optima`.  Where several starts lead to several optima, up to eight times as many are
        tried, until less than half a further one is expected (of thousands of latents or data,
        integrated out, two starts; Boender and Rinnooy Kan 1987,
        https://doi.org/10.1007/BF02591684).  Where the density is log-concave, by its graph, the
        first is enough: the maximum it leads to is the only one.
    initvals : dict, PointEstimate, or sequence of these, optional
        Initial values by variable name, natural scale, instead of the model's own; or an estimate
        to begin at.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the starts.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are, so that this is called as `find_MLE` is: the joint density
        holds them whatever they are part of.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time,
        or numba where the density has a loop that is slow enough to pay for it.
    strict : bool
        Raise unless the estimate is a converged interior maximum.
    max_seconds : float, optional
        When to stop; by default never.  Looked at between evaluations, and before anything is
        compiled, which can't be interrupted.  What is returned then is the best point seen, not
        converged, with a finding that says in which stage the search was stopped.
    progressbar : bool
        Whether to show progress once the search takes longer than a second: a bar, on a terminal
        or in a notebook, else a line for each stage on the standard error.

    Returns
    -------
    PointEstimate
        The point, its status, and what was found of it.

    Raises
    ------
    ModelError
        If the model cannot be estimated.
    EstimationError
        If `strict` and the estimate did not converge.

    See Also
    --------
    find_MLE : Find the maximum likelihood estimate: the point at which the data are most probable.
    fit : Find MLE and MAP, sample the posterior, and put all three into one DataTree.
    laplace : Approximate the posterior by a normal at its mode, and say how good that is.
    prior_path : Find the estimate as the prior weighs more and more.

    Examples
    --------
    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    >>> float(bp.find_MAP(coin, progressbar=False).point["theta"].round(6))
    0.8
    """
    model = with_fixed(as_model(model, "find_MAP"), fix)
    truth_value("jacobian", jacobian)
    estimator = estimator_of(model, "MAP", jacobian=jacobian, potentials=potentials)
    asked = Asked(marginalize, quadrature=quadrature)
    return _find(
        model,
        estimator,
        asked,
        local,
        n_starts,
        initvals,
        random_seed,
        backend,
        strict,
        max_seconds,
        progressbar,
    )


def _find(
    model: pm.Model,
    estimator: Estimator,
    asked: Asked,
    local: bool,
    n_starts: int,
    initvals: Initvals | None,
    random_seed: Any,
    backend: str | None,
    strict: bool,
    max_seconds: float | None,
    progressbar: bool,
) -> PointEstimate:
    deadline = Deadline(seconds("max_seconds", max_seconds))
    whole_number("n_starts", n_starts, 1)
    truth_value("local", local)
    truth_value("strict", strict)
    truth_value("progressbar", progressbar)
    rng = generator(random_seed)
    asked.check()
    check_model(model, start=False)
    names = [value.name for value in model.discrete_value_vars]
    discrete = enumerate_values(model) if names and asked.marginalize is None else {}
    # Two threads on matrices of this size get in each other's way, up to a hundredfold.
    # What is not finite is looked for, and rejected, where it matters.
    with _threads().limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
        if backend is None and asked.marginalize is None:
            density = quickest_density(
                model, inputs=list(discrete), n_starts=n_starts, seconds=deadline.left
            )
        else:
            density = log_density(model, backend=backend, inputs=names)
        if asked.marginalize is not None:
            density = integrated(model, density, asked)
            estimator = within(estimator, density)
        density.forget()
        objective = estimator.objective(density)
        if density.is_integral and density.is_costly:
            n_starts = min(n_starts, 2)
        starts = starting_points(
            model,
            density,
            n_starts=n_starts,
            initvals=initvals,
            rng=rng,
            is_usable=None if discrete else partial(_are_usable, objective),
        )
        observed = some_observations(model)

        def more(n: int) -> NDArray[np.float64]:
            """Return further starts; those that were given are done."""
            rows = starting_points(
                model, density, n_starts=n + n_starts, initvals=initvals, rng=rng
            )
            return rows[-n:]

        try:
            with watched(objective, estimator.name, progressbar, deadline) as (seen, watch):
                try:
                    if discrete:
                        found = maximise_over(seen, discrete, starts, rng, observed, local=local)
                    else:
                        certificate, optima, used = search(
                            seen,
                            starts,
                            rng,
                            observed,
                            more if n_starts > 1 else None,
                            local=local,
                        )
                        found = Enumerated(seen, certificate, optima, used)
                        found = refined(found, asked.quadrature, rng, observed)
                        found = with_other_modes(found)
                        found = replace(found, objective=replace(found.objective, observer=None))
                except OutOfTime:
                    found = stopped(watch, len(starts))
        except ModelError:
            check_model(model)  # names the variable, where one is to blame
            raise
        record = assemble(
            model, found.objective, estimator.name, found.certificate, found.optima, found.n_starts
        )
        estimate = PointEstimate.of(replace(record, evaluations=watch.evaluations))
    if strict and estimate.status is not Status.CONVERGED:
        raise EstimationError(_in_words(estimate), estimate)
    warn_of(estimate)
    return estimate


def warn_of(estimate: PointEstimate) -> None:
    """Warn of an estimate that does not exist, or was not found."""
    if not estimate.status.is_point:
        warnings.warn(_in_words(estimate), EstimationWarning, skip_file_prefixes=(_PACKAGE,))


def _in_words(estimate: PointEstimate) -> str:
    findings = " ".join(map(str, estimate.findings))
    return f"{estimate.estimator}: {estimate.status.value} {findings}"


def _are_usable(objective: Objective, rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return at which rows there is a density; where one start is enough, the first tells."""
    if objective.concave_in and is_finite(objective, rows[:1])[0]:
        return np.ones(len(rows), bool)
    return is_finite(objective, rows)


@cache
def _threads() -> ThreadpoolController:
    """Return the libraries of linear algebra, loaded by now: to look for them takes a while."""
    return ThreadpoolController()
