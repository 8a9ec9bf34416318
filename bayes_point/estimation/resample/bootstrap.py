"""An estimate refitted to data that its model simulates, or to its own data resampled."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from bayes_point.arguments import generator, seconds, whole_number
from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.integrated import marginal_options, refuse_marginal
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.estimator import Potentials
from bayes_point.estimation.progress import WHAT_TO_DO, Deadline, told_elsewhere, warn_stopped
from bayes_point.estimation.refit.refit import refit
from bayes_point.estimation.resample.resampling import Units, units_of
from bayes_point.estimation.resample.simulation import check_simulates, free_values, simulate
from bayes_point.estimation.uncertainty.labelled import stderr
from bayes_point.estimation.uncertainty.storage import as_datatree
from bayes_point.model.density.cache import log_density
from bayes_point.model.variables.circular import circular_names

__all__ = ["BootstrapKind", "bootstrap_of", "check_bootstrap"]

BootstrapKind = Literal["parametric", "nonparametric"]

# Numbers in the weights of the refits that are made together: 128 MB.
_AT_ONCE = 2**24
_DIM = "draw"
# Standard errors of a local maximum beyond which that of new data is likely to be another one.
_ELSEWHERE = 6.0
_PACKAGE = str(Path(__file__).parents[2])


def bootstrap_of(
    estimate: EstimateRecord,
    *,
    n: int = 1000,
    kind: BootstrapKind = "parametric",
    dims: str | Sequence[str] | None = None,
    jackknife: bool = True,
    potentials: Potentials | None = None,
    random_seed: Any = None,
    backend: str | None = None,
    max_seconds: float | None = None,
    progressbar: bool = True,
) -> xr.DataTree:
    """Bootstrap an estimate that is there already; see `bootstrap`."""
    model = estimate.model
    check_bootstrap(model, n, kind)
    if kind == "nonparametric" or dims is not None:
        refuse_marginal(
            estimate,
            "nonparametric bootstrap",
            "Observations that share a latent variable are not independent: draw latents and data "
            "anew with kind='parametric'.",
        )
    if estimate.estimator == "MLE" and model.potentials and potentials is None:
        potentials = "likelihood" if "potential" in estimate.objective.weights else "prior"
    rng = generator(random_seed)
    deadline = Deadline(seconds("max_seconds", max_seconds))
    seed = int(rng.integers(2**31))
    engine = _Engine(estimate, potentials, seed, backend, progressbar, deadline)
    units, why = None, ""
    if estimate.integrated is not None:
        why = "Observations that share a latent variable cannot be left out one by one."
    elif kind == "nonparametric" or jackknife:
        try:
            units = units_of(model, engine.weighted_density(), dims)
        except ModelError as error:
            if kind == "nonparametric" or dims is not None:
                raise
            why = str(error)
    if kind == "parametric":
        check_simulates(model, potentials)
        data = simulate(model, free_values(estimate, int(n)), rng)
        fits = engine.refits([(data, None)])
    else:
        assert units is not None
        fits = engine.weighted(units, units.drawn(int(n), rng))
    groups = {"/refits": fits} | _draws(estimate, fits, int(n))
    if units is not None and jackknife:
        weights = units.left_out()
        with told_elsewhere():
            left_out = engine.weighted(units, weights)
        if left_out.sizes[_DIM] == len(weights):
            groups["/jackknife"] = left_out.rename({_DIM: "left_out"}).drop_vars(
                "left_out", errors="ignore"
            )
        else:
            why = f"Of {len(weights)} units {left_out.sizes[_DIM]} had been left out in time."
    if deadline.is_over and fits.sizes[_DIM] == n and why:
        warn_stopped(deadline, f"all {n} refits are done, the jackknife is not")
    tree = xr.DataTree.from_dict(groups)
    tree[estimate.estimator.lower()] = as_datatree(estimate)
    keys, counts = np.unique(fits["status"].values.astype(str), return_counts=True)
    tree.attrs = {
        "kind": kind,
        "estimator": estimate.estimator,
        "n": fits.sizes[_DIM],
        "statuses": json.dumps(dict(zip(keys.tolist(), counts.tolist(), strict=True))),
        "dims": json.dumps(list(units.dims) if units is not None else []),
        "circular": json.dumps(circular_names(estimate.model)),
    }
    if "/jackknife" not in groups:
        tree.attrs["no_jackknife"] = why or "jackknife=False was asked for."
    return tree


def check_bootstrap(model: pm.Model, n: int, kind: str) -> None:
    """Raise if what is asked for cannot be bootstrapped."""
    whole_number("n", n, 2)
    if kind not in ("parametric", "nonparametric"):
        raise ModelError(f"Got kind={kind!r}. It must be 'parametric' or 'nonparametric'.")
    if not model.observed_RVs:
        raise ModelError(
            "The model observes nothing, so there are no data to draw anew. Write its likelihood "
            "as distributions with observed=."
        )


@dataclass(frozen=True)
class _Engine:
    """Refits of an estimate's model, each from the estimate."""

    estimate: EstimateRecord
    potentials: Potentials | None
    seed: int
    backend: str | None
    progressbar: bool
    deadline: Deadline

    def weighted_density(self) -> Any:
        discrete = [value.name for value in self.estimate.model.discrete_value_vars]
        return log_density(self.estimate.model, backend=self.backend, inputs=discrete, weights=True)

    def weighted(self, units: Units, counts: NDArray[np.float64]) -> xr.Dataset:
        return self.refits(({}, weights) for weights in units.parts(counts, _AT_ONCE))

    def refits(
        self, parts: Iterable[tuple[Mapping[str, Any], Mapping[str, Any] | None]]
    ) -> xr.Dataset:
        """Return the refits to parts of the data sets, along one dim."""
        start = None
        # On an edge there is nothing to start from.
        if self.estimate.status in (Status.CONVERGED, Status.LOCAL):
            names = dict.fromkeys(self.estimate.objective.density.variables)
            start = {name: self.estimate.point[name].values for name in names}
        done = []
        for data, weights in parts:
            fits = refit(
                self.estimate.model,
                data,
                weights=weights,
                estimator=self.estimate.estimator,  # type: ignore[arg-type]
                **marginal_options(self.estimate),
                jacobian=self.estimate.jacobian,
                local=self.estimate.status is Status.LOCAL,
                potentials=self.potentials,
                initvals=start,
                random_seed=self.seed,
                dim=_DIM,
                backend=self.backend,
                max_seconds=self.deadline.share(1),
                progressbar=self.progressbar,
            )
            done.append(fits)
            arrays = [*data.values(), *(weights or {}).values()]
            if fits.sizes[_DIM] < len(arrays[0]):
                break  # interrupted, or the time is up, of which refit has warned
        return xr.concat(done, _DIM) if len(done) > 1 else done[0]


def _draws(estimate: EstimateRecord, fits: xr.Dataset, n: int) -> dict[str, xr.Dataset]:
    """Return the groups of the data sets that have an estimate, and say how many have none."""
    names = [str(name) for name in estimate.point.data_vars if name in fits]
    keys = fits["status"].values.astype(str)
    good = np.isin(keys, [status.key for status in Status if status.is_point])
    if not len(keys):
        raise EstimationError(
            f"No refit was done before the time was up. {WHAT_TO_DO}",
            estimate,
        )
    if not good.any():
        raise EstimationError(
            f"None of the {len(keys)} refits has an estimate: {_counted(keys)}. Look at some of "
            "them with refit.",
            estimate,
        )
    if not good.all():
        warnings.warn(
            f"Of {len(keys)} refits {int((~good).sum())} have no finite estimate "
            f"({_counted(keys[~good])}): they are not in the group posterior, but in refits.",
            EstimationWarning,
            skip_file_prefixes=(_PACKAGE,),
        )
    if estimate.status is Status.LOCAL:
        _warn_of_others(estimate, fits.isel({_DIM: np.flatnonzero(good)}))
    kept = fits.assign_coords({_DIM: np.arange(len(keys))}).isel({_DIM: np.flatnonzero(good)})
    kept = kept.expand_dims(chain=[0])
    attrs = {"sample_dims": ["chain", "draw"]}
    return {
        "/posterior": kept[names].assign_attrs(attrs),
        "/sample_stats": kept[["status", "log_likelihood"]].assign_attrs(attrs),
    }


def _warn_of_others(estimate: EstimateRecord, fits: xr.Dataset) -> None:
    """Say how many refits are likely to be of another local maximum than the estimate."""
    errors = stderr(estimate, kind="hessian", cluster=None)
    far = np.zeros(fits.sizes[_DIM], bool)
    for name in errors.data_vars:
        with np.errstate(invalid="ignore"):
            away: xr.DataArray = abs(fits[name] - estimate.point[name]) / errors[name]
        rows = away.transpose(_DIM, ...).to_numpy().reshape(len(far), -1)
        far |= (rows > _ELSEWHERE).any(axis=1)
    if far.any():
        warnings.warn(
            f"Of {len(far)} refits {int(far.sum())} ended more than {_ELSEWHERE:g} standard errors "
            f"away from the local {estimate.estimator}, and so likely in the basin of another "
            "maximum; they are in the group posterior all the same.",
            EstimationWarning,
            skip_file_prefixes=(_PACKAGE,),
        )


def _counted(keys: NDArray[np.str_]) -> str:
    found, counts = np.unique(keys, return_counts=True)
    pairs = zip(found, counts, strict=True)
    return ", ".join(f"{key.replace('_', ' ')} {count}" for key, count in pairs)
