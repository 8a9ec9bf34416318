"""Where the halves meet: a model in, one DataTree with MLE, MAP and posterior out."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from arviz_base import dict_to_dataset
from pymc.backends.arviz import (
    coords_and_dims_for_inferencedata,
    find_constants,
    find_observations,
)
from pymc.stats import compute_log_likelihood, compute_log_prior

import bayes_point
from bayes_point.comparison.fingerprints import GROUPS, differences
from bayes_point.comparison.health import sampler_health
from bayes_point.errors import ComparisonError, EstimationWarning, ModelError, SamplingWarning
from bayes_point.estimation.estimate import find_MAP, find_MLE
from bayes_point.estimation.estimator import Potentials
from bayes_point.estimation.point_estimate import PointEstimate
from bayes_point.model.cache import log_density
from bayes_point.model.checks import as_model, check_model
from bayes_point.model.fingerprint import fingerprint
from bayes_point.model.interpreted import INTERPRETED
from bayes_point.model.starts import Initvals

__all__ = ["fit"]

# The predictive check needs some hundreds of data sets, not all; this many numbers are 160 MB.
_PREDICTIVE_NUMBERS = 20_000_000
_PREDICTIVE_DRAWS = 1000

# HDF5 keeps an attribute of up to 64 kB in the header of its group.
_LONGEST_ATTR = 20_000


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
    progressbar: bool = True,
    sample_kwargs: Mapping[str, Any] | None = None,
) -> xr.DataTree:
    """Find MLE and MAP, sample the posterior, and put all three into one DataTree.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.
    idata : xarray.DataTree, optional
        A posterior of this model that you already have, as `pymc.sample` returns it; it is then
        not sampled again.
    draws, tune, chains, cores, random_seed
        As in `pymc.sample`.
    initvals, n_starts, potentials, backend
        As in `find_MLE`.
    progressbar : bool
        Whether to show progress.
    sample_kwargs : dict, optional
        Further arguments of `pymc.sample`, such as ``target_accept``.

    Returns
    -------
    xarray.DataTree
        ``posterior``, ``sample_stats``, ``log_likelihood``, ``log_prior``, ``observed_data``,
        ``constant_data`` and ``posterior_predictive`` at the root, as ArviZ expects them;
        ``mle``, ``map`` and ``mode`` (of the density on the unconstrained scale), each a tree of
        its own; and ``point_estimates`` with the dim ``estimator`` = MLE, MAP, mean. The groups
        that are compared carry the fingerprints of the model's graph, constants and data: those of
        different fits are not mixed up.

    Raises
    ------
    ModelError
        If the model cannot be estimated, for instance because nothing in it is observed.
    ComparisonError
        If `idata` is not a posterior of this model and its data.

    Warns
    -----
    EstimationWarning
        If an estimate does not exist or did not converge.
    SamplingWarning
        If r-hat, effective sample size or divergences say that the draws are not to be trusted.

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
    _check_counts(draws=draws, tune=tune, chains=chains, cores=cores)
    prints = _as_attrs(_fingerprints(model))
    if idata is not None:
        _check_posterior(idata, _template(model, backend))
        _check_data(idata, _data_of(model))
        _check_prints(idata, prints)
    search: dict[str, Any] = {
        "n_starts": n_starts,
        "initvals": initvals,
        "random_seed": random_seed,
        "backend": backend,
        "progressbar": progressbar,
    }
    mle = find_MLE(model, potentials=potentials, **search)
    map_ = find_MAP(model, **search)
    mode = _unconstrained_mode(model, map_, search)
    if idata is None:
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
            **dict(sample_kwargs or {}),
        )
    tree = _complete(model, idata, random_seed)
    return _assemble(model, tree, {"mle": mle, "map": map_, "mode": mode}, prints)


def _unconstrained_mode(
    model: pm.Model, map_: PointEstimate, search: Mapping[str, Any]
) -> PointEstimate:
    """Find the mode of the density on the unconstrained scale, which is what the MAP is not."""
    if all(transform is None for transform in model.rvs_to_transforms.values()):
        return map_  # on the natural scale all is unconstrained
    with warnings.catch_warnings():
        # Nobody asked for this one: what became of it is said where it is used, by `explain`.
        warnings.simplefilter("ignore", EstimationWarning)
        return find_MAP(model, jacobian=True, **search)


def _check_counts(**counts: int | None) -> None:
    for name, count in counts.items():
        lowest = 0 if name == "tune" else 1
        if count is not None and (not isinstance(count, int | np.integer) or count < lowest):
            raise ModelError(f"{name} must be a whole number of at least {lowest}, got {count!r}.")


def _template(model: pm.Model, backend: str | None) -> xr.Dataset:
    """Return a draw of the model's variables, whatever its values: names, dims, coords, shapes."""
    density = log_density(model, backend=backend)
    values = density.natural(np.zeros((1, density.p)))
    return density.dataset({name: value[0] for name, value in values.items()})


def _data_of(model: pm.Model) -> dict[str, xr.Dataset]:
    """Return the groups ``observed_data`` and ``constant_data``, if there are such data."""
    coords, dims = coords_and_dims_for_inferencedata(model)
    groups = {"observed_data": find_observations(model), "constant_data": find_constants(model)}
    return {
        group: dict_to_dataset(
            values,
            coords=coords,
            dims={name: of for name, of in dims.items() if name in values},
            sample_dims=[],
        )
        for group, values in groups.items()
        if values
    }


def _check_posterior(idata: Any, template: xr.Dataset) -> None:
    """Refuse draws that are not of this model's variables."""
    if not isinstance(idata, xr.DataTree) or "posterior" not in idata.children:
        raise ComparisonError(
            f"idata must be a DataTree with a posterior group, as pm.sample returns it; got "
            f"{type(idata).__name__}."
        )
    posterior = idata["posterior"].dataset
    if missing := sorted({*map(str, template)} - {*map(str, posterior)}):
        raise _other_model(f"it has no {missing}. Its variables are {sorted(map(str, posterior))}")
    for name, wanted in template.data_vars.items():
        if not {"chain", "draw"} <= set(posterior[name].dims):
            raise _other_model(f"{name!r} has the dims {posterior[name].dims}, no chain and draw")
        got = posterior[name].isel(chain=0, draw=0)
        if got.shape != wanted.shape:
            raise _other_model(
                f"{name!r} has shape {got.shape} there and {wanted.shape} in the model"
            )
        if got.dims != wanted.dims:
            raise _other_model(
                f"{name!r} has the dims {got.dims} there and {wanted.dims} in the model"
            )
        for dim in wanted.dims:
            there, here = (array.indexes.get(dim) for array in (got, wanted))
            if there is not None and here is not None and not there.equals(here):
                raise _other_model(
                    f"{name!r} has the labels {list(there)} along {dim!r} there and {list(here)} "
                    "in the model"
                )


def _other_model(how: str) -> ComparisonError:
    return ComparisonError(
        f"idata is not a posterior of this model: {how}. Leave idata out to sample anew."
    )


def _check_data(idata: xr.DataTree, data: Mapping[str, xr.Dataset]) -> None:
    """Refuse draws given other data: their gaps to this model's estimates would mean nothing."""
    for group, own in data.items():
        there = idata[group].dataset if group in idata.children else xr.Dataset()
        for name in set(own) & set(there):
            mine, theirs = own[name].values, there[name].values
            same = mine.shape == theirs.shape and np.all(
                (mine == theirs) | ((mine != mine) & (theirs != theirs))  # NaN is NaN
            )
            if not same:
                raise ComparisonError(
                    f"idata was sampled given other data than the model holds: {name!r} in its "
                    f"{group} differs. Leave idata out to sample anew, or give the model the data "
                    "of idata."
                )


def _check_prints(idata: xr.DataTree, own: Mapping[str, str]) -> None:
    """Refuse draws of another model, where these carry the fingerprint of theirs."""
    theirs = idata["posterior"].attrs.get("fingerprints")
    if theirs is not None and (
        how := differences(json.loads(theirs), json.loads(own["fingerprints"]))
    ):
        raise _other_model(how)


def _complete(model: pm.Model, idata: xr.DataTree, random_seed: int | None) -> xr.DataTree:
    """Add what the comparison needs and `pm.sample` did not compute, in interpreted mode."""
    tree = idata.copy()
    quick = {"compile_kwargs": {"mode": INTERPRETED}, "progressbar": False, "model": model}
    for group, data in _data_of(model).items():
        if group not in tree.children:
            tree[group] = xr.DataTree(data)
    if "log_likelihood" not in tree.children and model.observed_RVs:
        compute_log_likelihood(tree, **quick)
    if "log_prior" not in tree.children:
        compute_log_prior(tree, **quick)
    if "posterior_predictive" not in tree.children and model.observed_RVs:
        thinned = _thin(tree["posterior"].dataset, tree["observed_data"].dataset)
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
    mle, map_ = estimates["mle"], estimates["map"]
    names = list(mle.point.data_vars)
    posterior = tree["posterior"].dataset
    tree["posterior"] = xr.DataTree(posterior[names])
    mean = posterior[names].mean(("chain", "draw"))
    points = xr.concat(
        [mle.point, map_.point, mean],
        dim=xr.Variable("estimator", ["MLE", "MAP", "mean"]),
        join="exact",
        combine_attrs="drop",
    )
    points = points.assign_coords(
        status=("estimator", [mle.status.key, map_.status.key, "sampled"])
    )
    tree["point_estimates"] = xr.DataTree(points)
    for group, estimate in estimates.items():
        tree[group] = estimate.to_datatree()
    for group in GROUPS:
        # Each its own, so that a group from another fit is known for what it is.
        tree[group].attrs = {**tree[group].attrs, **prints}
    for node in tree.subtree:
        node.attrs = _plain(node.attrs)
        for variable in node.dataset.variables.values():
            variable.attrs = _plain(variable.attrs)
    tree.attrs = {
        **tree.attrs,
        "bayes_point_version": bayes_point.__version__,
        "model_name": model.name,
        "model_text": model.str_repr(),
        "fingerprint": prints["fingerprint"],
    }
    for problem in sampler_health(tree).problems:
        warnings.warn(str(problem), SamplingWarning, stacklevel=3)
    return tree


def _fingerprints(model: pm.Model) -> dict[str, Any]:
    """Return the model's digests with what is needed to compare them with others."""
    return {
        **fingerprint(model),
        "parameters": [str(rv.name) for rv in model.free_RVs],
        # The graph of a density is that version's; another may write the same density otherwise.
        "pymc": pm.__version__,
    }


def _as_attrs(prints: Mapping[str, Any]) -> dict[str, str]:
    """Return the fingerprints as attrs: one digest of all, and, unless too many, each."""
    text = json.dumps(prints, sort_keys=True)
    if len(text) > _LONGEST_ATTR:
        whole = {
            part: {"*": hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()}
            for part, of in prints.items()
            if isinstance(of, dict)
        }
        text = json.dumps({**prints, **whole, "parameters": []}, sort_keys=True)
    return {"fingerprint": hashlib.sha256(text.encode()).hexdigest(), "fingerprints": text}


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
