"""bootstrap: the distribution of an estimator, from refits to simulated or resampled data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pymc as pm
import xarray as xr

from bayes_point.arguments import names, seconds, truth_value
from bayes_point.errors import ModelError
from bayes_point.estimation.estimator import Potentials
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.marginal.integrate import Marginalize, QuadratureNodes
from bayes_point.estimation.progress import Deadline
from bayes_point.estimation.resample.bootstrap import BootstrapKind, bootstrap_of, check_bootstrap
from bayes_point.model.checks import as_model, check_model

__all__ = ["bootstrap"]


def bootstrap(
    model: pm.Model | PointEstimate | None = None,
    n: int = 1000,
    *,
    kind: BootstrapKind = "parametric",
    estimator: Literal["MLE", "MAP"] | None = None,
    marginalize: Marginalize = None,
    quadrature: QuadratureNodes = "auto",
    reml: bool | str | Sequence[str] = False,
    dims: str | Sequence[str] | None = None,
    jackknife: bool = True,
    jacobian: bool = False,
    potentials: Potentials | None = None,
    n_starts: int = 8,
    random_seed: Any = None,
    backend: str | None = None,
    max_seconds: float | None = None,
    progressbar: bool = True,
) -> xr.DataTree:
    """Draw from the distribution of an estimator, by refits to new data sets.

    Parameters
    ----------
    model : pymc.Model or PointEstimate, optional
        The model, by default that of the context; or what `find_MLE` or `find_MAP` returned, which
        then is not searched for. With a `local` one each refit stays at the maximum that it leads
        to, and those that end far away, or have none, are counted in a warning.
    n : int
        Data sets.
    kind : {"parametric", "nonparametric"}
        New data are drawn by the model at the estimate; or from the observations themselves, with
        replacement [1]_.  The latter is done by weights on the log-likelihood of each unit.
    estimator : {"MLE", "MAP"}
        What is estimated; by default the MLE, or what the estimate given is.
    marginalize, quadrature, reml
        As in `find_MLE`: latent variables are drawn anew with each data set, and integrated out of
        its likelihood; their conditional modes are not among the results.
    dims : str or sequence of str, optional
        Dims of the observed variables whose cells are the units that are independent of each other,
        and are resampled or left out.  Has to be given where the observed variables have several.
    jackknife : bool
        Whether to estimate also with each unit left out, for BCa intervals; of more than 500 units
        in 500 groups.
    jacobian : bool
        For the MAP: maximise the density on the unconstrained scale.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are; has to be said if it has any.
    n_starts : int
        Starting points of the estimate from the model's own data, from which each refit starts.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the starts and of the data sets.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time.
    max_seconds : float, optional
        When to stop; by default never.  The tree holds the refits that are done by then; the
        jackknife comes after them, and is left out unless it is done as well.
    progressbar : bool
        Whether to show progress once it takes longer than a second.

    Returns
    -------
    xarray.DataTree
        - ``posterior`` (chain, draw): the estimates on the natural scale, of the data sets that
          have one; it is the distribution of an estimator, and no posterior, but ArviZ takes it
        - ``sample_stats``: ``status`` and ``log_likelihood`` of these
        - ``refits`` (draw): the estimates of all data sets, with standard errors and status
        - ``jackknife`` (left_out): the estimates with units left out
        - ``mle`` or ``map``: the estimate from the model's own data

        ``attrs`` has ``kind``, ``estimator``, ``n``, ``statuses`` (how many refits have which, as
        JSON) and, where there is no jackknife, ``no_jackknife``, the reason.

    Raises
    ------
    ModelError
        If the model, or what is asked, cannot be used.
    EstimationError
        If the estimate itself is no point, so that no data can be simulated from it; or if no
        refit has an estimate.

    Warns
    -----
    EstimationWarning
        If some of the data sets have no finite estimate, or the time was up before all were done.

    See Also
    --------
    find_MLE : Find the maximum likelihood estimate: the point at which the data are most probable.
    profile : Profile: the highest log density that is possible at each value of a scalar.
    bootstrap_interval : Return confidence intervals from the draws of a bootstrap.
    refit : Estimates of one model for many data sets, with standard errors and a status each.

    References
    ----------
    .. [1] B. Efron (1979), Bootstrap methods: another look at the jackknife,
       https://doi.org/10.1214/aos/1176344552

    Examples
    --------
    The standard error of a mean, sqrt(3.5) / 2 with the divisor n:

    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as model:
    ...     mu = pm.Flat("mu")
    ...     y = pm.Normal("y", mu, 1, observed=[1.0, 2.0, 4.0, 6.0])
    >>> dt = bp.bootstrap(model, kind="nonparametric", random_seed=1, progressbar=False)
    >>> abs(float(dt["posterior"]["mu"].std()) - 0.96) < 0.07
    True
    """
    given = model if isinstance(model, PointEstimate) else None
    model = given.model if given is not None else as_model(model, "bootstrap")
    check_model(model)
    if estimator not in ("MLE", "MAP", None):
        raise ModelError(f"Got estimator={estimator!r}. It must be 'MLE' or 'MAP'.")
    truth_value("jacobian", jacobian)
    truth_value("jackknife", jackknife)
    deadline = Deadline(seconds("max_seconds", max_seconds))
    names("dims", dims)
    options: dict[str, Any] = {
        "n_starts": n_starts,
        "random_seed": random_seed,
        "backend": backend,
        "progressbar": progressbar,
        "max_seconds": max_seconds,
        "marginalize": marginalize,
        "quadrature": quadrature,
    }
    check_bootstrap(model, n, kind)
    if given is not None:
        another = estimator not in (None, given.estimator)
        if another or marginalize is not None or reml is not False or jacobian:
            raise ModelError(
                f"Got the {given.estimator} together with estimator=, marginalize=, reml= or "
                "jacobian=, which are its own. Leave these out, or pass the model."
            )
        estimate = given
    elif estimator != "MAP":
        if jacobian:
            raise ModelError("jacobian=True is for estimator='MAP'; the MLE has no Jacobian.")
        estimate = find_MLE(model, potentials=potentials, reml=reml, **options)
    else:
        if reml is not False:
            raise ModelError("reml= is for estimator='MLE'; a MAP has priors of fixed effects.")
        estimate = find_MAP(model, jacobian=jacobian, **options)
    return bootstrap_of(
        estimate,
        n=n,
        kind=kind,
        dims=dims,
        jackknife=jackknife,
        potentials=potentials,
        random_seed=random_seed,
        backend=backend,
        max_seconds=deadline.share(1),
        progressbar=progressbar,
    )
