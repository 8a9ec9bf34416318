"""What a fit holds besides estimates and draws: Laplace check, profiles, prior path, prediction."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from bayes_point.approximation import laplace
from bayes_point.comparison.inputs.marginal import headline, latent_names
from bayes_point.comparison.inputs.scalars import flatten
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS
from bayes_point.errors import (
    BayesPointError,
    BayesPointWarning,
    EstimationWarning,
    ModelError,
    in_one_line,
)
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimator import Potentials
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.estimation.face.profile import profile
from bayes_point.estimation.prior.path import prior_path
from bayes_point.estimation.progress import Deadline, tracked
from bayes_point.model.data.counting import observed_counts
from bayes_point.predicting import predictive

__all__ = ["DETAILS", "add_details", "chosen_details", "noted"]

PROFILES = 6
"""Parameters that are profiled: those with the largest gaps."""

EVALUATIONS = 100_000
"""What each of the details may take, by a rough forecast, unless it is asked for by name.

Evaluations of the density of a small model: about half a minute. They are counted, and not the
seconds, so that a report holds the same whatever else the machine does.
"""

# Numbers, parameters and data, from which on an evaluation takes the longer the more they are.
_SMALL = 2000

# A group of the tree holds no draws of the approximation: there would be as many as of the
# posterior, and `laplace` makes them again in a second.
_LAPLACE_GROUPS = ("importance", "closeness", "unconstrained", "optima")

# An observation without which the estimate is no ordinary maximum has to be judged by itself: in
# searches, where there is a point, and where there is none.
_JUDGEMENT, _LONG_JUDGEMENT = 5, 30


@dataclass(frozen=True)
class Fitted:
    """What there is when the details are computed.

    Attributes
    ----------
    model : pymc.Model
    tree : xarray.DataTree
        With the posterior and the estimates.
    estimates : mapping of str to PointEstimate
        "mle", "map" and "mode", and the same after "marginal_" where latents were integrated out.
    seconds : float
        What it took to find one of them.
    options : mapping of str
        ``random_seed``, ``n_starts``, ``initvals`` and ``backend``, as of `fit`.
    potentials : {"likelihood", "prior"} or None
    deadline : Deadline
        When all of them are to be done.
    """

    model: pm.Model
    tree: xr.DataTree
    estimates: Mapping[str, PointEstimate]
    seconds: float
    options: Mapping[str, Any]
    potentials: Potentials | None
    deadline: Deadline = field(default_factory=lambda: Deadline(None))

    @property
    def work(self) -> float:
        """What the search for the MAP took, in evaluations of the density of a small model."""
        numbers = self.estimates["map"].objective.p + sum(observed_counts(self.model).values())
        return self.estimates["map"].evaluations * max(1.0, numbers / _SMALL)


def chosen_details(details: bool | str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of the details asked for; check them."""
    if isinstance(details, bool):
        return tuple(DETAILS) if details else ()
    names = [details] if isinstance(details, str) else list(details)
    if unknown := [name for name in names if name not in DETAILS]:
        raise ModelError(
            f"details must be True, False, or some of {', '.join(map(repr, DETAILS))}; got "
            f"{', '.join(map(repr, unknown))}."
        )
    return tuple(name for name in DETAILS if name in names)


def add_details(
    fitted: Fitted,
    names: Sequence[str],
    left_out: dict[str, str],
    *,
    patient: bool,
    progressbar: bool,
) -> None:
    """Compute the details, each into a group of the tree.

    Why one is not there is put into `left_out`: what it is of does not exist, or it would take long
    and was not asked for by name (`patient`), or it failed.
    """
    for name in tracked(names, _in_words, show=progressbar, transient=True):
        detail = DETAILS[name]
        with noted(name, left_out):
            if detail.is_joint and "marginal_map" in fitted.estimates and not patient:
                left_out[name] = (
                    "it would be about the joint estimates, which are not to be used here; "
                    f"bp.fit(model, details={name!r}) computes it all the same"
                )
                continue
            searches = detail.forecast(fitted)
            forecast = searches * fitted.seconds
            if forecast > fitted.deadline.left:
                left_out[name] = (
                    f"it would take about {_rounded(forecast)}, and of max_seconds "
                    f"{_rounded(fitted.deadline.left)} are left; give it more"
                )
                continue
            if searches * fitted.work > EVALUATIONS and not patient:
                left_out[name] = (
                    f"it takes long; bp.fit(model, details={name!r}) computes it whatever it takes"
                )
                continue
            with warnings.catch_warnings():
                # What these warn of is kept with what they return, and shown by the report.
                warnings.simplefilter("ignore", EstimationWarning)
                fitted.tree[name] = detail.compute(fitted)


@contextmanager
def noted(name: str, left_out: dict[str, str]) -> Iterator[None]:
    """Note why a part of a fit is not there, and go on: what was sampled before is not to be lost.

    What is no refusal is a fault of ours, or of a library that we call: that is warned of as well.
    """
    try:
        yield
    except BayesPointError as error:
        left_out[name] = str(error)
    except Exception as error:
        left_out[name] = f"it failed with {in_one_line(error)}"
        warnings.warn(
            f"The fit has no {name.replace('_', ' ')}: {left_out[name]}. All else is there. Please "
            "report this.",
            BayesPointWarning,
            stacklevel=2,
        )


def _in_words(name: str) -> str:
    """Name the step at hand, for the progress bar."""
    return f"details: {name.replace('_', ' ')}"


def _laplace(fitted: Fitted) -> xr.DataTree:
    mode = fitted.estimates["mode"]
    options = {k: v for k, v in fitted.options.items() if k == "random_seed"}
    # Where nothing is transformed the MAP is that mode, and is called by the name of the MAP.
    source: Any = mode if mode.jacobian else fitted.model
    limit = fitted.deadline.share(1)
    tree = laplace(source, idata=fitted.tree, max_seconds=limit, progressbar=False, **options)
    kept = xr.DataTree.from_dict(
        {f"/{group}": tree[group].dataset for group in _LAPLACE_GROUPS if group in tree.children}
    )
    if "unconstrained" in kept.children:
        kept["unconstrained"] = xr.DataTree(tree["unconstrained"].dataset[["mode"]])
    sizes = tree["posterior"].sizes
    kept.attrs = tree.attrs | {"chains": sizes["chain"], "draws": sizes["draw"]}
    return kept


def _profile(fitted: Fitted) -> xr.DataTree:
    estimate = _profiled(fitted)
    left = fitted.deadline.share(1)
    made = [
        profile(
            estimate=estimate, var_names=name, coords=coords, max_seconds=left, progressbar=False
        )
        for name, coords in _with_largest_gaps(fitted, PROFILES)
    ]
    groups = [tree["profile"].dataset for tree in made]
    n = max(group.sizes["point"] for group in groups)
    padded = [
        group.reindex(point=np.arange(n), fill_value={"status": ""}).transpose("parameter", ...)
        for group in groups
    ]
    whole = xr.concat(padded, dim="parameter", join="exact", combine_attrs="drop")
    tree = xr.DataTree.from_dict({"/profile": whole})
    tree.attrs = made[0].attrs | {"corrected": int(any(t.attrs["corrected"] for t in made))}
    return tree


def _profiled(fitted: Fitted) -> PointEstimate:
    """Return the MLE, or the MAP where the likelihood has no maximum, or a flat one."""
    mle, map_ = (
        fitted.estimates.get(f"marginal_{name}", fitted.estimates[name]) for name in ("mle", "map")
    )
    if mle.status.is_point or mle.status is Status.AT_INFINITY:
        return mle
    nowhere = (Status.UNBOUNDED, Status.NOT_CONVERGED)
    return map_ if map_.status not in nowhere or mle.status in nowhere else mle


def _with_largest_gaps(fitted: Fitted, most: int) -> list[tuple[str, dict[Hashable, list[Any]]]]:
    """Return the elements of free variables that lie farthest off: variable and coords of each."""
    tree = headline(fitted.tree)
    free = [
        str(rv.name)
        for rv in fitted.model.free_RVs
        if rv.type.dtype.startswith("float") and rv.name not in latent_names(tree)
    ]
    posterior = tree["posterior"].dataset[free].transpose(*SAMPLE_DIMS, ...)
    draws = flatten(posterior, SAMPLE_DIMS)
    points = tree["point_estimates"].dataset[free].transpose("estimator", ...)
    estimates = flatten(points.sel(estimator=["MLE", "MAP"]), ("estimator",))
    with np.errstate(all="ignore"):
        gap = np.abs((estimates - draws.mean((0, 1))) / draws.std((0, 1)))
        size = np.fmax(*np.where(np.isfinite(gap), gap, np.nan))
    size = np.nan_to_num(size, nan=-1.0)
    chosen = set(np.argsort(-size, kind="stable")[:most].tolist())
    found: list[tuple[str, dict[Hashable, list[Any]]]] = []
    start = 0
    for name, array in posterior.data_vars.items():
        own = array.isel(chain=0, draw=0, drop=True)
        at = [np.unravel_index(i, own.shape) for i in range(own.size) if start + i in chosen]
        start += own.size
        labels = [
            {
                str(d): own.indexes[d][i] if d in own.indexes else int(i)
                for d, i in zip(own.dims, index, strict=True)
            }
            for index in at
        ]
        if own.ndim == 1 and labels:  # all of them in one batch
            found.append((str(name), {d: [one[d] for one in labels] for d in labels[0]}))
        else:
            found += [(str(name), {d: [v] for d, v in one.items()}) for one in labels]
    return found


def _prior_path(fitted: Fitted) -> xr.DataTree:
    known = [fitted.estimates[name] for name in ("mle", "map") if name in fitted.estimates]
    path = prior_path(
        fitted.model,
        potentials=fitted.potentials,
        estimates=known,
        max_seconds=fitted.deadline.share(1),
        progressbar=False,
        **fitted.options,
    )
    return xr.DataTree(path)


def _predictive_cost(fitted: Fitted) -> xr.DataTree:
    options = {k: v for k, v in fitted.options.items() if k != "initvals"}
    # Sampling anew without single observations is a matter of minutes; `predictive` does it.
    cost = predictive(
        fitted.model,
        fitted.tree,
        potentials=fitted.potentials,
        max_refits=0,
        max_seconds=fitted.deadline.share(1),
        progressbar=False,
        **options,
    )
    return xr.DataTree(cost)


def _of_searches(times: float) -> Callable[[Fitted], float]:
    return lambda _: times


def _of_profiles(fitted: Fitted) -> float:
    # Of the few parameters of a marginal density the proof takes most of a search.
    return 2 if "marginal_map" in fitted.estimates else 10


def _of_leaving_out(fitted: Fitted) -> float:
    mle, map_ = fitted.estimates["mle"], fitted.estimates["map"]
    n = sum(observed_counts(fitted.model).values())
    searches = 5 + n / 100
    for estimate in (mle, map_):
        if estimate.status is not Status.CONVERGED:
            # Where there is not even a point, models are such that each may need a long search.
            searches += n * (_JUDGEMENT if estimate.status.is_point else _LONG_JUDGEMENT)
    return searches


@dataclass(frozen=True)
class _Detail:
    """How a group is computed, and about how many searches for an estimate that takes."""

    compute: Callable[[Fitted], xr.DataTree]
    forecast: Callable[[Fitted], float]
    is_joint: bool = True


DETAILS = {
    "laplace": _Detail(_laplace, _of_searches(3)),
    "profile": _Detail(_profile, _of_profiles, is_joint=False),
    "prior_path": _Detail(_prior_path, _of_searches(10)),
    "predictive_cost": _Detail(_predictive_cost, _of_leaving_out),
}
"""By the name of their group."""


def _rounded(seconds: float) -> str:
    if seconds < 90:
        return f"{10 * round(seconds / 10)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
