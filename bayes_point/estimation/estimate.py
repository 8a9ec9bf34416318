"""PointEstimate, and the two functions that make one: find_MLE and find_MAP."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.certificate import Certificate, certify, is_evident
from bayes_point.estimation.limits import natural_limit
from bayes_point.estimation.maximise import Search, maximise
from bayes_point.estimation.objective import Objective
from bayes_point.estimation.optima import Optimum, distinct
from bayes_point.estimation.paths import release
from bayes_point.estimation.precision import precision
from bayes_point.estimation.rendering import as_html, as_text
from bayes_point.estimation.status import Finding, Status
from bayes_point.estimation.storage import as_datatree
from bayes_point.model.cache import log_density
from bayes_point.model.checks import as_model, check_model
from bayes_point.model.density import LogDensity
from bayes_point.model.roles import model_roles
from bayes_point.model.starts import Initvals, starting_points

__all__ = ["PointEstimate", "find_MAP", "find_MLE"]

Array = NDArray[np.float64]
# Warnings point at the first line outside this folder: the user's.
_PACKAGE = str(Path(__file__).parents[1])
# Newton iterations of every start, before those that cannot win any more are left where they are.
_ITERATIONS = 100

# How much smaller, in the log, a scale is made in the starts that look for a collapse.
_SHRINK = np.array([1.0, 2.0, 3.0, 4.0])
# Verdicts that a maximum found from elsewhere would overturn.
_DOUBTFUL = (Status.AT_INFINITY, Status.NOT_CONVERGED)
_VERY_FAR = 1e6
_OTHERS = 16
# Noise in the log density above which two values cannot be told apart.
_NOISE = 1e-3
# How much further out, in units of the last step, a limit is looked at.
_FAR = np.array([10.0, 20.0, 50.0, 150.0, 600.0])

Potentials = Literal["likelihood", "prior"]


@dataclass(frozen=True, repr=False, eq=False)
class PointEstimate:
    """A point estimate of a model's parameters, with the status that says what it is worth.

    Attributes
    ----------
    estimator : str
        ``"MLE"`` or ``"MAP"``.
    jacobian : bool
        Whether the density maximised is the one on the unconstrained scale, with the log Jacobian
        of the transforms.  False for the MLE and for the MAP that is usually meant.
    point : xarray.Dataset
        Every free variable and Deterministic on the natural scale, with the model's coords.  What
        diverges is infinite, what has no value is NaN.
    unconstrained : xarray.DataArray, (parameter,)
        The same point on the unconstrained scale, labelled.
    log_likelihood, log_prior, log_joint : float
        Of the point; the prior on the natural scale, and the log joint density with the log
        Jacobian where `jacobian` is true.  The supremum where the maximum is not attained.
    status : Status
        What kind of optimum this is.
    findings : tuple of Finding
        What a user should know of it.
    evidence : mapping of str to float
        The numbers behind the status.
    n_starts : int
        Starting points that were used.
    optima : xarray.Dataset, (optimum,)
        The distinct optima found, best first: ``log_density`` (of what was maximised), ``reached``
        (how many starts led there) and the natural-scale values.
    """

    estimator: str
    jacobian: bool
    point: xr.Dataset
    unconstrained: xr.DataArray
    log_likelihood: float
    log_prior: float
    log_joint: float
    status: Status
    findings: tuple[Finding, ...]
    evidence: Mapping[str, float]
    n_starts: int
    optima: xr.Dataset
    maximised: str
    model_name: str = field(default="")

    def to_dataframe(self) -> pd.DataFrame:
        """Return a table with one row a scalar: its value, and its status where that is not good.

        Examples
        --------
        >>> import bayes_point as bp, pymc as pm
        >>> with pm.Model() as coin:
        ...     theta = pm.Beta("theta", 2, 2)
        ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
        >>> bp.find_MAP(coin, progressbar=False).to_dataframe()["value"].round(3)["theta"].item()
        0.8
        """
        named = {name for finding in self.findings for name in finding.parameters}
        rows = []
        for name, array in self.point.data_vars.items():
            for label, value in _scalars(str(name), array):
                concerned = label in named or str(name) in named
                rows.append((label, value, self.status.key if concerned else "converged"))
        if not self.status.is_point and not any(row[2] != "converged" for row in rows):
            rows = [(label, value, self.status.key) for label, value, _ in rows]
        table = pd.DataFrame(rows, columns=["parameter", "value", "status"])
        return table.set_index("parameter")

    def to_datatree(self) -> xr.DataTree:
        """Return the estimate as a tree that ArviZ reads: the point as one chain of one draw."""
        return as_datatree(self)

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self)


def find_MLE(
    model: pm.Model | None = None,
    *,
    n_starts: int = 8,
    initvals: Initvals | None = None,
    random_seed: Any = None,
    potentials: Potentials | None = None,
    backend: str | None = None,
    strict: bool = False,
    progressbar: bool = True,
) -> PointEstimate:
    """Find the maximum likelihood estimate: the point at which the data are most probable.

    Maximises the log-likelihood over the support of the parameters; what the priors say beyond
    their support plays no part.  The MLE does not depend on how the model is parametrised.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.
    n_starts : int
        Starting points: the model's initial point, and draws from the prior (or jittered initial
        values where the prior is improper).  The best optimum wins; the others are kept in
        `optima`.
    initvals : dict, or sequence of dict, optional
        Initial values by variable name, natural scale, instead of the model's own.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the starts.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are; has to be said if it has any.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time.
    strict : bool
        Raise unless the estimate is a converged interior maximum.
    progressbar : bool
        Whether to show progress.

    Returns
    -------
    PointEstimate

    Raises
    ------
    ModelError
        If the model, or what is asked of it, cannot be estimated.
    EstimationError
        If `strict` and the estimate did not converge.

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
    """
    model = as_model(model, "find_MLE")
    if potentials not in (None, "likelihood", "prior"):
        raise ModelError(
            f"Got potentials={potentials!r}. It says what the model's potentials are part of, and "
            "must be 'likelihood' or 'prior'."
        )
    if model.potentials and potentials is None:
        names = [potential.name for potential in model.potentials]
        raise ModelError(
            f"The model has potentials, {names}, and a potential can be part of the likelihood or "
            f"of the prior: got potentials={potentials!r}. Say which with potentials='likelihood' "
            "or potentials='prior'."
        )
    weights = {"likelihood": 1.0}
    if model.potentials and potentials == "likelihood":
        weights["potential"] = 1.0
    return _find(
        model, "MLE", weights, n_starts, initvals, random_seed, backend, strict, progressbar
    )


def find_MAP(
    model: pm.Model | None = None,
    *,
    jacobian: bool = False,
    n_starts: int = 8,
    initvals: Initvals | None = None,
    random_seed: Any = None,
    backend: str | None = None,
    strict: bool = False,
    progressbar: bool = True,
) -> PointEstimate:
    """Find the maximum a posteriori estimate: the mode of the joint posterior density.

    The density is the one on the natural scale, the parameters as the model declares them, without
    the Jacobian of PyMC's transforms.  A mode depends on the parametrisation: ``jacobian=True``
    gives that of the density on the unconstrained scale, another point.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.
    jacobian : bool
        Maximise the density on the unconstrained scale.
    n_starts, initvals, random_seed, backend, strict, progressbar
        As in `find_MLE`.

    Returns
    -------
    PointEstimate

    Raises
    ------
    ModelError
        If the model cannot be estimated.
    EstimationError
        If `strict` and the estimate did not converge.

    Examples
    --------
    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    >>> float(bp.find_MAP(coin, progressbar=False).point["theta"].round(6))
    0.8
    """
    model = as_model(model, "find_MAP")
    weights = {"likelihood": 1.0, "prior": 1.0}
    if model.potentials:
        weights["potential"] = 1.0
    if jacobian:
        weights["jacobian"] = 1.0
    return _find(
        model, "MAP", weights, n_starts, initvals, random_seed, backend, strict, progressbar
    )


def _find(
    model: pm.Model,
    estimator: str,
    weights: Mapping[str, float],
    n_starts: int,
    initvals: Initvals | None,
    random_seed: Any,
    backend: str | None,
    strict: bool,
    progressbar: bool,
) -> PointEstimate:
    if not isinstance(n_starts, Integral) or n_starts < 1:
        raise ModelError(f"n_starts must be a whole number of at least 1, got {n_starts!r}.")
    # Two threads on matrices of this size get in each other's way, up to a hundredfold.
    # What is not finite is looked for, and rejected, where it matters.
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(all="ignore"):
        estimate = _search(model, estimator, weights, n_starts, initvals, random_seed, backend)
    if estimate.status is not Status.CONVERGED:
        message = f"{estimator}: {estimate.status.value} " + " ".join(map(str, estimate.findings))
        if strict:
            raise EstimationError(message, estimate)
        if not estimate.status.is_point:
            warnings.warn(message, EstimationWarning, skip_file_prefixes=(_PACKAGE,))
    return estimate


def _search(
    model: pm.Model,
    estimator: str,
    weights: Mapping[str, float],
    n_starts: int,
    initvals: Initvals | None,
    random_seed: Any,
    backend: str | None,
) -> PointEstimate:
    check_model(model, start=False)
    density = log_density(model, backend=backend)
    objective = Objective(density, weights)
    rng = np.random.default_rng(random_seed)
    starts = starting_points(model, density, n_starts=n_starts, initvals=initvals, rng=rng)
    usable = _usable(model, objective, starts)
    usable = np.concatenate([usable, _collapsed(objective, usable)])
    certificate, optima = _best(objective, usable)
    far = np.abs(certificate.x).max() > _VERY_FAR
    if certificate.status in _DOUBTFUL or (far and certificate.status is Status.NOT_IDENTIFIED):
        # Before it is said that there is no maximum, look for one on other scales.
        other = _other_scales(objective, usable[0], rng)
        second, more = _best(objective, np.concatenate([usable[:1], other]))
        usable = np.concatenate([usable, other])
        if second.status.is_point and second.value > certificate.value:
            certificate, optima = second, more
    return _estimate(model, objective, estimator, certificate, optima, len(usable))


def _best(objective: Objective, starts: Array) -> tuple[Certificate, list[Optimum]]:
    """Climb from each start, and prove what the best end is; return the other maxima as well."""
    search = _climb(objective, starts)
    optima = distinct(search, objective.density)
    best = int(np.argmax(np.where(np.isnan(search.value), -np.inf, search.value)))
    x = search.x[best]
    if np.isnan(search.value[best]):
        x = release(objective, starts[0], starts[0]).x[-1]
    certificate = certify(
        objective,
        x,
        start=starts[best],
        centre=starts[0],
        settled=bool(search.settled[best]),
    )
    # A search that ran off along a plateau settles too; only true local maxima are reported.
    return certificate, optima[:1] + [o for o in optima[1:] if is_evident(objective, o.x)]


def _other_scales(objective: Objective, centre: Array, rng: np.random.Generator) -> Array:
    """Return starts around `centre`, each coordinate off by anything from a millionth to ten."""
    size = 10.0 ** rng.uniform(-6, 1, size=(_OTHERS, objective.p))
    size = np.where(objective.is_transformed, np.minimum(3.0, size), size)
    rows = centre + rng.choice([-1.0, 1.0], size=size.shape) * size
    value, gradient = objective.evaluate(rows)
    return rows[np.isfinite(value) & np.all(np.isfinite(gradient), axis=1)]


def _climb(objective: Objective, starts: Array) -> Search:
    """Maximise from each start; give those that could still win more time than the others."""
    search = maximise(objective, starts, max_iterations=_ITERATIONS)
    settled = np.max(search.value, where=search.settled, initial=-np.inf)
    contenders = np.flatnonzero(~search.settled & (search.value > settled))
    contenders = contenders[search.iterations[contenders] >= _ITERATIONS]
    if contenders.size:
        more = maximise(objective, search.x[contenders], max_iterations=10 * _ITERATIONS)
        search = search.replaced(contenders, more)
    # Where the terms of the density cancel to noise, its value is no reason to prefer a point.
    noise, spike = precision(objective, search.x, search.value, search.gradient, search.hessian)
    lost = (noise > _NOISE) & (spike == 0)
    return replace(
        search,
        value=np.where(lost, np.nan, search.value),
        settled=search.settled & ~lost,
    )


def _collapsed(objective: Objective, starts: Array) -> Array:
    """Return starts with one of several scales made small: there a mixture's density has poles."""
    density = objective.density
    sizes = {name: density.variables.count(name) for name in density.variables}
    # The labels of the logs of a vector: "sigma_log__[0]".
    columns = [
        j
        for j, (label, name) in enumerate(zip(density.labels, density.variables, strict=True))
        if f"{name}_log__[" in label and 2 <= sizes[name] <= 6
    ]
    out = []
    for j in columns:
        for shrink, start in zip(
            _SHRINK, np.resize(starts, (len(_SHRINK), starts.shape[1])), strict=True
        ):
            row = start.copy()
            row[j] = starts[0, j] - shrink
            out.append(row)
    rows = np.array(out).reshape(-1, density.p)
    value, gradient = objective.evaluate(rows) if len(rows) else (np.empty(0), rows)
    return rows[np.isfinite(value) & np.all(np.isfinite(gradient), axis=1)]


def _usable(model: pm.Model, objective: Objective, starts: Array) -> Array:
    value, gradient = objective.evaluate(starts)
    usable = np.isfinite(value) & np.all(np.isfinite(gradient), axis=1)
    if not np.any(usable):
        check_model(model)  # names the variable, where one is to blame
        raise ModelError(
            f"The density is zero, or its gradient not a number, at each of the {len(starts)} "
            "starting points. Give a starting value inside the support with initvals=, or check "
            "the observed values against the likelihood's support."
        )
    return starts[usable]


def _estimate(
    model: pm.Model,
    objective: Objective,
    estimator: str,
    certificate: Certificate,
    optima: list[Optimum],
    n_starts: int,
) -> PointEstimate:
    density = objective.density
    natural = natural_limit(density, certificate.path, certificate.direction)
    natural = _without_undefined(density, certificate, natural)
    terms = _terms(objective, certificate)
    likelihood = [t for t in ("likelihood", "potential") if t in terms]
    if estimator == "MAP" or "potential" not in objective.weights:
        likelihood = ["likelihood"]
    prior = [t for t in terms if t not in (*likelihood, "jacobian")]
    log_likelihood = float(sum(terms[t] for t in likelihood))
    log_prior = float(sum(terms[t] for t in prior))
    return PointEstimate(
        estimator=estimator,
        jacobian="jacobian" in objective.weights,
        point=density.dataset(natural),
        unconstrained=_unconstrained(density, certificate),
        log_likelihood=log_likelihood,
        log_prior=log_prior,
        log_joint=log_likelihood + log_prior + terms.get("jacobian", 0.0),
        status=certificate.status,
        findings=(
            *_through_latents(model, estimator, certificate.findings),
            *_several(certificate, optima),
        ),
        evidence=certificate.evidence,
        n_starts=n_starts,
        optima=_optima(density, certificate, natural, optima),
        maximised=_in_words(estimator, objective),
        model_name=model.name,
    )


def _without_undefined(
    density: LogDensity, certificate: Certificate, natural: Mapping[str, NDArray]
) -> dict[str, NDArray]:
    """Put NaN where the density is unbounded, and in all that is computed from it."""
    if not np.any(certificate.undefined):
        return dict(natural)
    gone = density.natural(np.where(certificate.undefined, np.nan, certificate.x)[None, :])
    return {
        name: np.where(np.isnan(np.asarray(gone[name][0], float)), np.nan, value)
        for name, value in natural.items()
    }


def _terms(objective: Objective, certificate: Certificate) -> dict[str, float]:
    """Return each term of the density at the point, or in the limit."""
    density = objective.density
    names = tuple(dict.fromkeys((*density.terms, *objective.weights)))
    if certificate.status is Status.UNBOUNDED:
        return {name: np.inf if name in objective.weights else np.nan for name in names}
    x = certificate.x[None, :]
    if np.any(certificate.direction):
        # Further out the limit has more digits, as long as rounding does not spoil it.
        unit = certificate.direction / np.abs(certificate.direction).max()
        far = np.concatenate([x, x + _FAR[:, None] * unit])
        values, _ = objective.evaluate(far)
        ok = np.isfinite(values) & (np.abs(values - values[0]) <= 1e-6 * (1 + abs(values[0])))
        x = far[[int(np.flatnonzero(ok)[-1])]]
    values, _ = density.evaluate(x, names)
    terms = {name: float(value) for name, value in zip(names, values[0], strict=True)}
    if np.any(certificate.direction):
        # What is maximised has a limit; another term, such as a prior not asked for, has its own.
        values, _ = density.evaluate(certificate.path[-2:], names)
        for name, (before, last) in zip(names, values.T, strict=True):
            if name not in objective.weights and abs(last - before) > 1e-3 * (1 + abs(before)):
                terms[name] = float(np.copysign(np.inf, last - before))
    return terms


def _unconstrained(density: LogDensity, certificate: Certificate) -> xr.DataArray:
    infinite = np.copysign(np.inf, certificate.direction)
    x = np.where(certificate.direction != 0, infinite, certificate.x)
    x = np.where(certificate.undefined, np.nan, x)
    return xr.DataArray(x, dims="parameter", coords={"parameter": density.labels}, name="x")


def _optima(
    density: LogDensity,
    certificate: Certificate,
    natural: dict[str, NDArray],
    optima: list[Optimum],
) -> xr.Dataset:
    """Label the distinct optima; the first is the one that was certified."""
    others = optima[1:]
    # A maximum at a kink is found by going on from one start, where the search itself stopped.
    reached = optima[0].reached if optima else 1
    points = [density.dataset(natural)]
    if others:
        rows = density.natural(np.array([o.x for o in others]))
        points += [
            density.dataset({name: value[i] for name, value in rows.items()})
            for i in range(len(others))
        ]
    out = xr.concat(points, dim="optimum").assign_coords(optimum=np.arange(len(points)))
    return out.assign(
        log_density=("optimum", [certificate.value, *(o.value for o in others)]),
        reached=("optimum", [reached, *(o.reached for o in others)]),
    )


def _several(certificate: Certificate, optima: list[Optimum]) -> list[Finding]:
    if not certificate.status.is_point:
        return []
    if optima and optima[0].relabelled:
        copies = Finding(
            "The same maximum was found with its components in another order; it counts once.",
            (),
            {},
            "The posterior has such copies too: order the components, or summarise what does not "
            "depend on their labels.",
        )
        once = replace(optima[0], relabelled=False)
        return [copies, *_several(certificate, [once, *optima[1:]])]
    if len(optima) < 2:
        return []
    below = optima[0].value - optima[1].value
    return [
        Finding(
            f"{len(optima) - 1} further local "
            f"{'maximum was' if len(optima) == 2 else 'maxima were'} found; see .optima.",
            (),
            {"log density of the next best below the best": below},
            "The posterior may have several modes.",
        )
    ]


def _through_latents(
    model: pm.Model, estimator: str, findings: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """Say of a hyperparameter why the likelihood does not depend on it."""
    if estimator != "MLE":
        return findings
    roles = model_roles(model)
    children = {
        name: [role.name for role in roles.values() if name in role.parents] for name in roles
    }
    out = []
    for finding in findings:
        name = finding.parameters[0].split("[")[0] if len(finding.parameters) == 1 else ""
        below = children.get(name, [])
        if finding.is_flat and below and all(roles[child].role == "latent" for child in below):
            finding = replace(
                finding,
                what=f"{finding.parameters[0]} enters only through the prior of "
                f"{', '.join(below)}, which the likelihood does not see.",
                advice="Integrate the latent variables out of the model (their marginal "
                "likelihood does depend on it), or look at the MAP or the posterior.",
            )
        out.append(finding)
    return tuple(out)


def _in_words(estimator: str, objective: Objective) -> str:
    if estimator == "MLE":
        extra = " with the potentials" if "potential" in objective.weights else ""
        return f"the log-likelihood{extra}"
    if "jacobian" in objective.weights:
        return (
            "the log joint density on the unconstrained scale, "
            "log-likelihood + log-prior + log Jacobian"
        )
    return "the log joint density on the natural scale, log-likelihood + log-prior, no Jacobian"


def _scalars(name: str, array: xr.DataArray) -> list[tuple[str, float]]:
    if array.ndim == 0:
        return [(name, float(array))]
    stacked = array.stack(_scalar=array.dims)
    return [
        (f"{name}[{', '.join(map(str, np.atleast_1d(index)))}]", float(value))
        for index, value in zip(stacked.indexes["_scalar"], stacked.values, strict=True)
    ]
