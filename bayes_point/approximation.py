"""Where an approximation meets a sampled posterior: the Laplace approximation, and its distance."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from threadpoolctl import threadpool_limits

from bayes_point.arguments import generator, seconds, truth_value, whole_number
from bayes_point.comparison.distance.closeness import closeness
from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.estimate.integrated import marginal_options
from bayes_point.estimation.face.find import find_MAP
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.laplace.importance import LEAST_POINTS
from bayes_point.estimation.laplace.laplace import approximate, no_mode
from bayes_point.estimation.laplace.tree import laplace_tree
from bayes_point.estimation.marginal.integrate import Marginalize, QuadratureNodes
from bayes_point.idata import check_idata
from bayes_point.model.checks import as_model, check_names
from bayes_point.model.starts import Initvals

__all__ = ["laplace"]

_PACKAGE = str(Path(__file__).parent)


def laplace(
    model: pm.Model | PointEstimate | None = None,
    *,
    draws: int = 1000,
    chains: int = 4,
    resample: bool = False,
    marginalize: Marginalize = None,
    quadrature: QuadratureNodes = "auto",
    idata: xr.DataTree | None = None,
    n_starts: int = 8,
    initvals: Initvals | None = None,
    random_seed: Any = None,
    max_seconds: float | None = None,
    backend: str | None = None,
    progressbar: bool = True,
) -> xr.DataTree:
    """Approximate the posterior by a normal at its mode, and say how good that is.

    The mode is that of the posterior density on the unconstrained scale, **with** the Jacobian of
    the transforms, and the covariance is the inverse of the negative Hessian there: without the
    Jacobian it would approximate another density.  Draws are mapped back to the natural scale, so
    they respect the support.  Each draw is weighted by how much more, or less, probable it is under
    the posterior; the tail of these weights, the Pareto k, says whether the approximation can be
    trusted [1]_.

    Parameters
    ----------
    model : pymc.Model or PointEstimate, optional
        The model, by default that of the context; or an estimate of it.  Of an estimate that is not
        the mode with the Jacobian, the model alone is used, and the mode found anew, with the same
        latent variables integrated out.
    draws : int
        Draws in each chain.  They are independent; they come in chains because ArviZ reads them so.
    chains : int
        Chains; at least 1000 draws are needed in all.
    resample : bool
        Return draws of the posterior itself as far as they can be had: half as many of the normal,
        and as many of Student's t with the same mode and curvature and 2 degrees of freedom, whose
        heavier tails reach where the normal's do not, are drawn anew, each as often as its
        Pareto-smoothed weight says, by systematic resampling (with replacement) [2]_.  Copies of a
        draw are kept next to each other, so that ArviZ counts them in its effective sample sizes
        and Monte Carlo errors for what they are worth.
    marginalize, quadrature
        As in `find_MAP`; of an estimate, by default its own.  The normal is that at the mode of the
        marginal density of the parameters then, and so are the weights.  The latent variables are
        drawn given each draw of the parameters, from the normal at their conditional modes, which
        is exact where they are Gaussian given the data; discrete ones with their probabilities.
    idata : xarray.DataTree, optional
        A tree with a sampled ``posterior`` of the same model, to which the distance is measured
        (see `closeness`).
    n_starts : int
        Starting points of the search, where the mode has to be found: the model's initial point,
        and draws from the prior.
    initvals : dict, PointEstimate, or sequence of these, optional
        Initial values by variable name, natural scale, instead of the model's own.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the starts and draws.
    max_seconds : float, optional
        When to stop the search for the mode, without which there is nothing to return; by default
        never.
    progressbar : bool
        Whether to show progress.

    Returns
    -------
    xarray.DataTree
        - ``posterior``: the draws (chain, draw) of every free variable and Deterministic, natural
          scale
        - ``sample_stats``: of each draw ``log_p``, the log joint density with the log Jacobian (on
          the unconstrained scale, not normalised); ``log_q``, that of the normal, or of the
          mixture resampled from; and ``log_weight``, its Pareto-smoothed weight.  The weights sum
          to one; resampled draws have equal ones.
        - ``importance``: ``mean`` and ``sd`` of each parameter under the posterior from the
          weighted draws, their Monte Carlo standard errors ``mean_mcse`` and ``sd_mcse``, and the
          Pareto k of a draw's pull on each, ``mean_k`` and ``sd_k`` (dim ``quantity``)
        - ``unconstrained``: ``mode`` and ``covariance`` of the normal, labelled
        - ``optima``: the modes that were found, the one used first
        - ``closeness``: with ``idata``, the distance to its posterior

        Attributes: ``pareto_k`` and ``pareto_k_limit``, up to which it is good; ``is_trusted``;
        ``importance_ess``, how many equally weighted draws the draws are worth; ``problems``
        (JSON: ``what`` and ``parameters`` of each); ``status``, ``log_joint`` and others of the
        mode; ``started_from``; and ``text``, which says it all in words.

    Raises
    ------
    EstimationError
        If the density has no mode on the unconstrained scale, or no curvature at it: where it is
        unbounded, rises towards infinity, is not identified, or has a kink.
    ModelError
        If the model cannot be estimated, or too few draws are asked for.
    ComparisonError
        If ``idata`` is not a posterior of this model given its data.

    Warns
    -----
    EstimationWarning
        If the Pareto k, overall or of a parameter, is above 0.7 (less for fewer than 2200 draws),
        naming the parameters along which the posterior is not normal; if further modes were found,
        which a normal at one of them knows nothing of; if draws have no density.

    See Also
    --------
    find_MAP : Find the maximum a posteriori estimate: the mode of the joint posterior density.
    closeness

    Notes
    -----
    The Pareto k is minus infinity where the weights are constant: the posterior *is* that normal.
    A small one says that the normal is right where its draws fell.  A mode far away, where none
    fell, it cannot see.

    References
    ----------
    .. [1] Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling,
       https://doi.org/10.48550/arXiv.1507.02646
    .. [2] Kitagawa (1996), Monte Carlo filter and smoother for non-Gaussian nonlinear state space
       models, https://doi.org/10.1080/10618600.1996.10474692

    Examples
    --------
    Seven heads of ten under a flat prior; the posterior is Beta(8, 4), with the mean 2/3:

    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 1, 1)
    ...     heads = pm.Binomial("heads", 10, theta, observed=7)
    >>> dt = bp.laplace(coin, random_seed=1, progressbar=False)
    >>> mean, mcse = dt["importance"]["theta"].sel(quantity=["mean", "mean_mcse"]).values
    >>> bool(abs(mean - 2 / 3) < 4 * mcse), bool(mcse < 0.005)
    (True, True)
    >>> dt.attrs["is_trusted"]
    1
    """
    _check_counts(draws, chains)
    truth_value("resample", resample)
    seconds("max_seconds", max_seconds)
    rng = generator(random_seed)
    given = model if isinstance(model, PointEstimate) else None
    if given is not None and given.integrated is not None and marginalize is None:
        own = marginal_options(given)
        # Under their own prior fixed effects are integrated as the latents are.
        marginalize = [*own["marginalize"], *given.integrated.flat]
        quadrature = own["quadrature"] if quadrature == "auto" else quadrature
    elif given is not None and marginalize is not None:
        raise ModelError(
            f"Got marginalize={marginalize!r} with an estimate, which says itself what is "
            "integrated out of it. Leave it out, or give the model."
        )
    model = given.model if given is not None else as_model(model, "laplace")
    check_names(model)
    if idata is not None:
        check_idata(model, idata, backend=backend)
    if given is not None and given.estimator == "MAP" and given.jacobian:
        mode, started_from = given, "the estimate given"
    else:
        try:
            mode = find_MAP(
                model,
                marginalize=marginalize,
                quadrature=quadrature,
                jacobian=True,
                n_starts=n_starts,
                initvals=initvals,
                random_seed=rng,
                backend=backend,
                strict=True,
                max_seconds=max_seconds,
                progressbar=progressbar,
            )
        except EstimationError as error:
            raise no_mode(str(error), error.estimate) from error
        started_from = "the model"
        if given is not None:
            started_from = (
                f"the model of the {given.estimator} given, which is not the mode with the "
                "Jacobian: that was found anew"
            )
    # As in find_MAP: threads get in each other's way, and what is not finite is expected.
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(all="ignore"):
        found = approximate(mode, chains * draws, defensive=resample, rng=rng)
        tree = laplace_tree(found, chains, started_from=started_from, rng=rng)
    if idata is not None:
        names = list(map(str, tree["posterior"].data_vars))
        tree["closeness"] = xr.DataTree(closeness(tree, idata, var_names=names))
    if problems := found.problems():
        warnings.warn(
            "The Laplace approximation has problems: " + " ".join(map(str, problems)),
            EstimationWarning,
            skip_file_prefixes=(_PACKAGE,),
        )
    return tree


def _check_counts(draws: int, chains: int) -> None:
    for name, count in (("draws", draws), ("chains", chains)):
        whole_number(name, count, 1)
    if draws * chains < LEAST_POINTS:
        raise ModelError(
            f"Got draws={draws} in chains={chains}, {draws * chains} draws in all; at least "
            f"{LEAST_POINTS} are needed to judge the tail of their weights. Raise draws."
        )
