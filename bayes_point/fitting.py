"""Where the halves meet: a model in, one DataTree with MLE, MAP and posterior out."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from pymc.stats import compute_log_likelihood, compute_log_prior

from bayes_point.arguments import generator, probability_inside, seconds
from bayes_point.comparison.distance.health import sampler_health
from bayes_point.comparison.inputs.fingerprints import GROUPS
from bayes_point.comparison.inputs.validate import MARGINAL
from bayes_point.details import Fitted, add_details, chosen_details, noted
from bayes_point.errors import (
    DetailError,
    EstimationWarning,
    ModelError,
    SamplingWarning,
    in_one_line,
)
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.discrete import enumerate_values
from bayes_point.estimation.estimator import Potentials
from bayes_point.estimation.face.find import find_MAP, find_MLE, warn_of
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.face.reconcile import reconciled
from bayes_point.estimation.marginal.integrate import Marginalize
from bayes_point.estimation.progress import Deadline
from bayes_point.idata import check_idata, data_of, fingerprints_of
from bayes_point.model.checks import as_model, check_model, check_names
from bayes_point.model.data.residuals import residual_freedom
from bayes_point.model.density.cache import log_density
from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.starts import Initvals
from bayes_point.model.variables.bounds import bounds_of
from bayes_point.model.variables.circular import circular_names
from bayes_point.model.variables.initial_values import without_half_named, without_initial_values
from bayes_point.model.variables.latents import latent_by_rule, latent_variables

__all__ = ["fit"]

# The predictive check needs some hundreds of data sets, not all; this many numbers are 160 MB.
_PREDICTIVE_NUMBERS = 20_000_000
_PREDICTIVE_DRAWS = 1000

# Seconds that the searches for the joint estimates may take together where there are latent
# variables, so that these are not the ones wanted; and those for the marginal estimates at least.
_JOINT_SECONDS, _MARGINAL_SECONDS = 60.0, 90.0

# The estimates that are compared with the posterior mean, by name and group, in their order.
_COMPARED = (
    *((name, name.lower().replace(" ", "_")) for name in MARGINAL),
    *(("MLE", "mle"), ("MAP", "map")),
)


def fit(
    model: pm.Model | None = None,
    *,
    idata: xr.DataTree | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int | None = None,
    cores: int | None = None,
    random_seed: int | None = None,
    initvals: Initvals | None = None,
    n_starts: int = 8,
    potentials: Potentials | None = None,
    backend: str | None = None,
    marginalize: Marginalize = "latents",
    max_seconds: float | None = None,
    progressbar: bool = True,
    details: bool | str | Sequence[str] = True,
    target_accept: float | None = None,
    sample_kwargs: Mapping[str, Any] | None = None,
) -> xr.DataTree:
    """Find MLE and MAP, sample the posterior, and put all three into one DataTree.

    Where the model has latent variables, such as varying intercepts, the maxima of likelihood and
    posterior density with these integrated out are found as well.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.
    idata : xarray.DataTree, optional
        A posterior of this model that you already have, as `pymc.sample` returns it; it is then
        not sampled again.
    draws, tune, chains, cores, random_seed
        As in `pymc.sample`.
    initvals : dict, PointEstimate, or sequence of these, optional
        Initial values by variable name, natural scale, instead of the model's own.
    n_starts : int
        Starting points of each search: the model's initial point, and draws from the prior.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are; has to be said if it has any.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time.
    marginalize : "latents" or sequence of str, optional
        Variables to integrate out for two further estimates, the marginal MLE and MAP, as in
        `find_MLE`. By default all that are latent, where a model has such; these estimates are then
        the ones that are compared with the posterior. They may take as long as the sampling, and at
        least 90 s, or `max_seconds`; what there is none of then is left out, with its reason in
        the report. None integrates nothing out.
    max_seconds : float, optional
        What the three searches, for MLE, MAP and mode, may take together, and the details as much
        again; by default there is no limit.  A search that is stopped gives the best point it has
        seen, not converged, and details that are not done by then are left out, each with its
        reason.  The sampling is not limited.
    progressbar : bool
        Whether to show progress.
    details : bool or sequence of {"laplace", "profile", "prior_path", "predictive_cost"}
        What else to compute for the report, each into a group of its name: the check of the Laplace
        approximation (see `laplace`; its draws are not kept), the profiles of the six parameters
        with the largest gaps (`profile`), the path from MLE to MAP (`prior_path`), and what it
        costs in prediction to plug in an estimate (`predictive`, without sampling anew). True, the
        default, leaves out what would take more than 100,000 evaluations of the density, about half
        a minute of a small model; what is asked for by name is computed whatever it takes; False
        leaves out all. One that fails is left out, with its reason in the report.
    target_accept : float, optional
        As in `pymc.sample`; nearer to 1 where draws diverge.
    sample_kwargs : dict, optional
        Further arguments of `pymc.sample`, such as ``nuts_sampler``.

    Returns
    -------
    xarray.DataTree
        ``posterior``, ``sample_stats``, ``log_likelihood``, ``log_prior``, ``observed_data``,
        ``constant_data`` and ``posterior_predictive`` at the root, as ArviZ expects them;
        ``mle``, ``map`` and ``mode`` (of the density on the unconstrained scale), each a tree of
        its own; where what one maximises has no upper bound, and an interior maximum is found, that
        one, with status `local`, and in its group ``unbounded`` the estimate that does not exist;
        and ``point_estimates`` with the dim ``estimator`` = MLE, MAP, mean. With latent
        variables also ``marginal_mle``, ``marginal_map`` and ``marginal_mode``, with the
        conditional modes in ``latents`` of each, and ``estimator`` begins with marginal MLE,
        marginal MAP; where the latents are discrete and have too many values for a joint estimate,
        the marginal ones are MLE and MAP. The groups
        that are compared carry the fingerprints of the model's graph, constants and data: those of
        different fits are not mixed up. Of the ``details``, the groups that could be computed;
        ``attrs["details_left_out"]`` (JSON) says why any is not there.

    Raises
    ------
    ModelError
        If the model cannot be estimated, for instance because nothing in it is observed.
    ComparisonError
        If ``idata`` is not a posterior of this model and its data.

    DetailError
        If the draws cannot be put together with the estimates. It holds the draws; `tree` of it
        can be passed on as ``idata``.

    Warns
    -----
    EstimationWarning
        If an estimate does not exist or did not converge.
    SamplingWarning
        If r-hat, effective sample size or divergences say that the draws are not to be trusted.
    BayesPointWarning
        If a part of the fit that comes after the sampling failed for a reason that is not the
        model's. The fit is returned without it.

    See Also
    --------
    find_MLE : Find the maximum likelihood estimate: the point at which the data are most probable.
    find_MAP : Find the maximum a posteriori estimate: the mode of the joint posterior density.
    summary : Table of MLE, MAP, posterior mean, sd, interval and gaps, one row a scalar parameter.
    report : Report on a fit: where MLE, MAP and posterior mean sit, and how far apart they are.
    verdict : Whether the distance of a point estimate from the posterior mean matters.
    predictive
    plot_estimates

    Examples
    --------
    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 0])
    >>> dt = bp.fit(coin, random_seed=1)  # doctest: +SKIP
    >>> dt["point_estimates"]["theta"].sel(estimator="MLE")  # doctest: +SKIP
    """
    model = as_model(model, "fit")
    check_model(model, start=False)
    check_names(model)
    seconds("max_seconds", max_seconds)
    generator(random_seed)  # checks it, before minutes are spent
    _check_counts(draws=draws, tune=tune, chains=chains, cores=cores)
    sampling = dict(sample_kwargs or {})
    if target_accept is not None:
        sampling["target_accept"] = probability_inside("target_accept", target_accept)
    chosen = chosen_details(details)
    prints = fingerprints_of(model)
    if idata is not None:
        check_idata(model, idata, backend=backend, prints=prints)
    has_latents = _has_latents(model, marginalize)
    options: dict[str, Any] = {
        "n_starts": n_starts,
        "initvals": initvals,
        "random_seed": random_seed,
        "backend": backend,
    }
    search = options | {"progressbar": progressbar}
    limit = _JOINT_SECONDS if has_latents and max_seconds is None else max_seconds
    deadline = Deadline(limit)
    is_joint = not has_latents or _are_few(model)
    if is_joint:
        with warnings.catch_warnings():
            if has_latents:
                # What becomes of the joint estimates is in the tree, and is not what is asked for.
                warnings.simplefilter("ignore", EstimationWarning)
            given = search | {"potentials": potentials}
            estimates = _found("mle", find_MLE, model, deadline.share(3), given)
            # The second search, when everything is loaded, tells what a search takes.
            begin = time.perf_counter()
            estimates |= _found("map", find_MAP, model, deadline.share(2), search)
            taken = time.perf_counter() - begin
            _, map_ = _reconciled(estimates, potentials, search, deadline)
        estimates |= _unconstrained_mode(model, map_, deadline.share(1), search)
    else:
        # No joint estimate: the discrete variables have too many values to be tried.
        begin = time.perf_counter()
        found = _marginal(model, marginalize, potentials, search, max_seconds)
        estimates = {name.removeprefix("marginal_"): one for name, one in found.items()}
        _warn_of(estimates)
        taken = (time.perf_counter() - begin) / 3
    begin = time.perf_counter()
    if idata is None:
        with without_half_named(model):
            idata = pm.sample(
                draws,
                tune=tune,
                chains=chains,
                cores=cores,
                random_seed=random_seed,
                progressbar=progressbar,
                # Its own checks print nothing where nutpie samples; ours follow below.
                compute_convergence_checks=False,
                model=model,
                **sampling,
            )
    left_out: dict[str, str] = {}
    if has_latents and is_joint:
        sampled = time.perf_counter() - begin
        limit = max(sampled, _MARGINAL_SECONDS) if max_seconds is None else max_seconds
        begin = time.perf_counter()
        with noted("latents", left_out):
            found = _marginal(model, marginalize, potentials, search, limit)
            _check_ended(found, limit)
            estimates |= found
            taken = (time.perf_counter() - begin) / 3
        if "marginal_mle" not in estimates:
            _warn_of(estimates)
    try:
        tree = _complete(model, idata, random_seed, left_out)
        tree = _assemble(model, tree, estimates, prints)
    except Exception as error:
        # Whatever it is: the draws took minutes, and are not to be lost with it.
        raise DetailError(
            f"The draws could not be put together with the estimates: {in_one_line(error)}. They "
            "are the attribute `tree` of this error. Please report this.",
            tree=idata,
        ) from error
    fitted = Fitted(model, tree, estimates, taken, options, potentials, Deadline(max_seconds))
    patient = details is not True
    add_details(fitted, chosen, left_out, patient=patient, progressbar=progressbar)
    tree.attrs["details_left_out"] = json.dumps(left_out)
    _make_plain(tree)
    for problem in sampler_health(tree).problems:
        warnings.warn(str(problem), SamplingWarning, stacklevel=2)
    return tree


def _has_latents(model: pm.Model, marginalize: Marginalize) -> bool:
    """Whether there is something to integrate out; what was named has to be."""
    if marginalize is None:
        return False
    names = [value.name for value in model.discrete_value_vars]
    density = log_density(model, backend=None, inputs=names)
    if marginalize == "latents":
        return bool(latent_by_rule(model, density))
    return bool(latent_variables(model, density, marginalize))


def _are_few(model: pm.Model) -> bool:
    """Whether the joint values of the discrete variables, if there are any, can all be tried."""
    if not model.discrete_value_vars:
        return True
    try:
        enumerate_values(model)
    except ModelError:
        return False
    return True


def _marginal(
    model: pm.Model,
    marginalize: Marginalize,
    potentials: Potentials | None,
    search: Mapping[str, Any],
    limit: float | None,
) -> dict[str, PointEstimate]:
    """Find the estimates with latent variables integrated out; all in `limit` seconds."""
    deadline = Deadline(limit)
    given: dict[str, Any] = {**search, "marginalize": marginalize}
    with warnings.catch_warnings():
        # What became of them is in the tree, and told by the report.
        warnings.simplefilter("ignore", EstimationWarning)
        first = given | {"potentials": potentials}
        found = _found("mle", find_MLE, model, deadline.share(2), first)
        found |= _found("map", find_MAP, model, deadline.share(1), given)
        _, map_ = _reconciled(found, potentials, given, deadline)
        modes = _unconstrained_mode(model, map_, deadline.share(1), given)
    # That one serves only to explain the gap.
    if not modes["mode"].certificate.is_stopped:
        found |= modes
    return {f"marginal_{name}": one for name, one in found.items()}


def _found(
    group: str,
    find: Callable[..., PointEstimate],
    model: pm.Model,
    limit: float | None,
    search: Mapping[str, Any],
) -> dict[str, PointEstimate]:
    """Return the estimate, by its group.

    Where what it maximises has no upper bound, the highest interior maximum, if one is found, is
    in its place; that there is no bound is then in the group ``unbounded`` below.
    """
    deadline = Deadline(limit)
    whole = find(model, max_seconds=limit, **search)
    if whole.status is not Status.UNBOUNDED:
        return {group: whole}
    with warnings.catch_warnings():
        # Where it finds none it says once more that there is no bound.
        warnings.simplefilter("ignore", EstimationWarning)
        local = find(model, local=True, max_seconds=deadline.share(1), **search)
    if local.status is not Status.LOCAL:
        return {group: whole}
    return {group: local, f"{group}/unbounded": whole}


def _reconciled(
    estimates: dict[str, PointEstimate],
    potentials: Potentials | None,
    search: Mapping[str, Any],
    deadline: Deadline,
) -> tuple[PointEstimate, PointEstimate]:
    """Search anew for an estimate that the other proves wrong, from there; return both."""
    mle, map_ = estimates["mle"], estimates["map"]

    def found(estimate: PointEstimate, initvals: Initvals) -> PointEstimate:
        find = find_MLE if estimate.estimator == "MLE" else find_MAP
        local = estimate.status is Status.LOCAL
        given: dict[str, Any] = {**search, "initvals": initvals, "potentials": potentials}
        return find(mle.model, local=local, max_seconds=deadline.share(1), **given)

    mle = estimates["mle"] = reconciled(mle, map_, partial(found, mle))
    map_ = estimates["map"] = reconciled(map_, mle, partial(found, map_))
    return mle, map_


def _warn_of(estimates: Mapping[str, PointEstimate]) -> None:
    for group in ("mle", "map"):
        warn_of(estimates.get(f"{group}/unbounded", estimates[group]))


def _check_ended(found: Mapping[str, PointEstimate], limit: float | None) -> None:
    """Raise where a search was stopped: joint estimates then do better than half of these."""
    for name in ("marginal_mle", "marginal_map"):
        if found[name].certificate.is_stopped:
            raise ModelError(
                f"the search for the marginal {found[name].estimator} did not end within "
                f"{limit:.0f} s, which is what all of them may take; give more with max_seconds="
            )


def _unconstrained_mode(
    model: pm.Model, map_: PointEstimate, limit: float | None, search: Mapping[str, Any]
) -> dict[str, PointEstimate]:
    """Find the mode of the density on the unconstrained scale, which is what the MAP is not."""
    if all(transform is None for transform in model.rvs_to_transforms.values()):
        return {"mode": map_}  # on the natural scale all is unconstrained
    with warnings.catch_warnings():
        # Nobody asked for this one: what became of it is said where it is used, by `explain`.
        warnings.simplefilter("ignore", EstimationWarning)
        return _found("mode", find_MAP, model, limit, {**search, "jacobian": True})


def _check_counts(**counts: int | None) -> None:
    for name, count in counts.items():
        lowest = 0 if name == "tune" else 1
        if count is not None and (not isinstance(count, int | np.integer) or count < lowest):
            raise ModelError(f"{name} must be a whole number of at least {lowest}, got {count!r}.")


def _complete(
    model: pm.Model, idata: xr.DataTree, random_seed: int | None, left_out: dict[str, str]
) -> xr.DataTree:
    """Add what the comparison needs and `pm.sample` did not compute, in interpreted mode."""
    tree = idata.copy()
    quick = {"compile_kwargs": {"mode": INTERPRETED}, "progressbar": False, "model": model}
    for group, data in data_of(model).items():
        if group not in tree.children:
            tree[group] = xr.DataTree(data)
    if "log_likelihood" not in tree.children and model.observed_RVs:
        with noted("log_likelihood", left_out), without_initial_values(model):
            compute_log_likelihood(tree, **quick)
    if "log_prior" not in tree.children:
        with noted("log_prior", left_out), without_initial_values(model):
            compute_log_prior(tree, **quick)
    if "posterior_predictive" not in tree.children and model.observed_RVs:
        thinned = _thin(tree["posterior"].dataset, tree["observed_data"].dataset)
        with noted("posterior_predictive", left_out):
            predictive = pm.sample_posterior_predictive(
                xr.DataTree.from_dict({"/posterior": thinned}), random_seed=random_seed, **quick
            )
            tree["posterior_predictive"] = predictive["posterior_predictive"]
    return tree


def _thin(posterior: xr.Dataset, observed: xr.Dataset) -> xr.Dataset:
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    numbers = max(1, sum(math.prod(v.shape) for v in observed.data_vars.values()))
    keep = min(_PREDICTIVE_DRAWS, max(50, _PREDICTIVE_NUMBERS // numbers))
    every = max(1, math.ceil(chains * draws / keep))
    return posterior.isel(draw=slice(None, None, every))


def _assemble(
    model: pm.Model,
    tree: xr.DataTree,
    estimates: Mapping[str, PointEstimate],
    prints: Mapping[str, str],
) -> xr.DataTree:
    names = list(estimates["mle"].point.data_vars)
    compared = {name: estimates[group] for name, group in _COMPARED if group in estimates}
    posterior = tree["posterior"].dataset
    tree["posterior"] = xr.DataTree(posterior[names])
    mean = posterior[names].mean(("chain", "draw"))
    for name in circular_names(model):
        angle = posterior[name]
        x, y = (xr.apply_ufunc(part, angle).mean(("chain", "draw")) for part in (np.cos, np.sin))
        mean[name] = xr.apply_ufunc(np.arctan2, y, x)
    points = xr.concat(
        [*(estimate.point[names] for estimate in compared.values()), mean],
        dim=xr.Variable("estimator", [*compared, "mean"]),
        join="exact",
        combine_attrs="drop",
    )
    points = points.assign_coords(
        status=("estimator", [*(e.status.key for e in compared.values()), "sampled"])
    )
    tree["point_estimates"] = xr.DataTree(points)
    for group in {*GROUPS} & {*tree.children} - {"posterior", "point_estimates"}:
        del tree[group]  # of another fit, whose draws were given
    for group, estimate in estimates.items():
        tree[group] = estimate.to_datatree()
    for group in {*GROUPS} & {*tree.children}:
        # Each its own, so that a group from another fit is known for what it is.
        tree[group].attrs = {**tree[group].attrs, **prints}
    tree.attrs = {
        **tree.attrs,
        "bayes_point_version": version("bayes-point"),
        "model_name": model.name,
        "model_text": model.str_repr(),
        "fingerprint": prints["fingerprint"],
        "residual_freedom": json.dumps(residual_freedom(model)),
        "supports": json.dumps(_supports(model)),
        "circular": json.dumps(circular_names(model)),
    }
    return tree


def _supports(model: pm.Model) -> dict[str, tuple[float | None, float | None]]:
    """Return the bounds of the free variables that have one: None where there is none.

    Of variables whose elements differ in their bounds, or whose bounds depend on others, nothing.
    """
    found: dict[str, tuple[float | None, float | None]] = {}
    for rv in model.free_RVs:
        if rv.name in circular_names(model):
            continue  # a circle has no ends
        bounds = bounds_of(model, rv)
        if bounds.lower is None or bounds.upper is None or not rv.type.dtype.startswith("float"):
            continue
        ends = [np.unique(bound) for bound in (bounds.lower, bounds.upper)]
        if all(len(end) == 1 for end in ends) and any(np.isfinite(end[0]) for end in ends):
            low, high = (float(end[0]) if np.isfinite(end[0]) else None for end in ends)
            found[str(rv.name)] = (low, high)
    return found


def _make_plain(tree: xr.DataTree) -> None:
    for node in tree.subtree:
        node.attrs = _plain(node.attrs)
        for variable in node.dataset.variables.values():
            variable.attrs = _plain(variable.attrs)


def _plain(attrs: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return attrs that netCDF can hold: no None, no bool, no nested mapping."""
    out: dict[Any, Any] = {}
    for key, value in attrs.items():
        if value is None:
            continue
        if isinstance(value, bool | np.bool_):
            out[key] = int(value)
        elif isinstance(value, Mapping):
            out[key] = str(dict(value))
        else:
            out[key] = value
    return out
