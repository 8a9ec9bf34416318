"""What it costs in prediction to plug in a point estimate: plug-in, Laplace and full posterior."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from bayes_point.approximation import laplace
from bayes_point.arguments import generator, seconds
from bayes_point.comparison.inputs.left_out import (
    LeftOut,
    k_limit,
    leave_out,
    log_mean_exp,
    relative_efficiency,
)
from bayes_point.comparison.inputs.scalars import flatten, listed, scalars
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS, interval_arguments
from bayes_point.comparison.predictions import Column, summarise
from bayes_point.errors import ComparisonError, EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimator import Potentials, estimator_of
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.progress import WHAT_TO_DO, Deadline, told_elsewhere, warn_stopped
from bayes_point.estimation.refit.refit import refit
from bayes_point.model.checks import as_model, check_model
from bayes_point.model.data.counting import observed_counts
from bayes_point.model.data.leaving_out import all_but_one, without
from bayes_point.model.density.pointwise import Pointwise
from bayes_point.model.variables.initial_values import without_half_named

__all__ = ["predictive"]

_PACKAGE = str(Path(__file__).parent)

Array = NDArray[np.float64]

# Numbers in the table of draws by observations: 160 MB.
_MOST = 20_000_000


def predictive(
    model: pm.Model | None = None,
    dt: xr.DataTree | None = None,
    *,
    ci_prob: float | None = None,
    max_refits: int = 10,
    potentials: Potentials | None = None,
    n_starts: int = 8,
    random_seed: int | None = None,
    backend: str | None = None,
    max_seconds: float | None = None,
    progressbar: bool = True,
    sample_kwargs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Measure how well each observation is predicted by plug-in estimates and by the posterior.

    Four predictive distributions are compared: the model with the MLE put in, and with the MAP; and
    the model averaged over the Laplace approximation, and over the posterior draws.  Each predicts
    every observation twice: having seen it, and with that observation left out.  Their log
    densities say what plugging in costs, and with which error; their coverage and calibration say
    in what way.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.
    dt : xarray.DataTree, optional
        A tree with posterior draws of this model, such as `fit` returns, whose MLE and MAP are then
        taken as well.  Without it there is no posterior column.
    ci_prob : float, optional
        Probability of the central predictive intervals, ``rcParams["stats.ci_prob"]`` of ArviZ by
        default.
    max_refits : int
        Leaving out is by Pareto-smoothed importance sampling.  Where its k says that this does not
        hold, the observation is really left out and the model sampled anew, for up to so many
        observations.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are; has to be said if it has any.
    n_starts : int
        Starting points of each search: the model's initial point, and draws from the prior.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the starts and of the draws.
    backend : str, optional
        PyTensor mode, such as ``"numba"``; by default the interpreter, which needs no compile time.
    max_seconds : float, optional
        When to stop the searches and refits; by default never.  What is not done by then is NaN,
        with a note.  The sampling is not limited.
    progressbar : bool
        Whether to show progress once it takes longer than a second.
    sample_kwargs : dict, optional
        Arguments of `pymc.sample` where the model is sampled anew.

    Returns
    -------
    xarray.Dataset
        With the dims ``scope`` (``observed``, ``left_out``), ``distribution`` (``MLE``,
        ``MAP``, ``Laplace``, ``posterior``) and ``observation``:

        - ``log_density`` of each observation, and ``total``, their sum, with ``total_se``; left
          out, this is the expected log predictive density (elpd)
        - ``difference`` of the total from that of the posterior, with ``difference_se``
        - ``pit``: probability of less than what was observed, drawn at random between that and the
          probability of as much or less where these differ; uniform if predictions are calibrated
        - ``coverage`` of the central intervals, with ``coverage_se``
        - ``distance`` of the PITs from uniform (Kolmogorov-Smirnov), with its ``p_value``
        - ``pareto_k`` and ``refitted`` of each observation, where importance sampling was used

        The coord ``note`` says of each of the four what is missing, and why: a number that does not
        exist is NaN.

    Raises
    ------
    ModelError
        If the model cannot be estimated, or observes nothing.
    ComparisonError
        If `dt` is no tree.

    See Also
    --------
    plot_predictive : Draw what plugging in costs.
    fit : Find MLE and MAP, sample the posterior, and put all three into one DataTree.

    Notes
    -----
    The MLE and the MAP are found anew without each observation, all in one batch.  The draws of the
    Laplace approximation are weighed like those of the posterior.  An observation is what has one
    log density: an element, or a whole event of a multivariate variable.

    References
    ----------
    A. Vehtari, A. Gelman and J. Gabry (2017), Practical Bayesian model evaluation using
    leave-one-out cross-validation and WAIC, https://doi.org/10.1007/s11222-016-9696-4

    T. Gneiting and A. E. Raftery (2007), Strictly proper scoring rules, prediction, and
    estimation, https://doi.org/10.1198/016214506000001437

    Examples
    --------
    >>> import bayes_point as bp, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
    >>> cost = bp.predictive(coin, dt, progressbar=False)  # doctest: +SKIP
    >>> cost["difference"].sel(scope="left_out", distribution="MLE")  # doctest: +SKIP
    """
    model = as_model(model, "predictive")
    check_model(model, start=False)
    estimator_of(model, "MLE", jacobian=False, potentials=potentials)
    prob, _ = interval_arguments(ci_prob, "eti")
    if not isinstance(max_refits, Integral) or max_refits < 0:
        raise ModelError(f"max_refits must be a whole number of at least 0, got {max_refits!r}.")
    if dt is not None and not isinstance(dt, xr.DataTree):
        raise ComparisonError(
            f"Got {type(dt).__name__}: pass the DataTree that bp.fit(model) returns, after the "
            "model."
        )
    if not model.observed_RVs:
        raise ModelError("The model observes nothing, so there is nothing to predict.")
    pointwise = Pointwise(model)
    if pointwise.size == 1 and (n := sum(observed_counts(model).values())) > 1:
        raise ModelError(
            f"Leaving one observation out does not apply: the {n} observed values of "
            f"{model.observed_RVs[0].name!r} have one density together, and to leave it out would "
            "leave no data. Write the likelihood as a product over observations, if it is one."
        )
    options: dict[str, Any] = {
        "n_starts": n_starts,
        "random_seed": random_seed,
        "backend": backend,
        "progressbar": progressbar,
    }
    deadline = Deadline(seconds("max_seconds", max_seconds))
    task = _Task(model, pointwise, int(max_refits), options, dict(sample_kwargs or {}), deadline)
    with told_elsewhere():
        columns = {
            "MLE": task.plug_in("MLE", dt, potentials),
            "MAP": task.plug_in("MAP", dt, None),
            "Laplace": task.approximated(),
            "posterior": task.sampled(dt),
        }
    if deadline.is_over:
        warn_stopped(deadline, "the notes of the result say what is missing")
    for column in columns.values():
        column.notes += _without_pit(task.pointwise)
    rng = generator(random_seed)
    scored = summarise(columns, _labels(model, task.pointwise), prob, rng)
    return scored.assign_attrs(model_name=model.name)


@dataclass(frozen=True)
class _Task:
    """How each of the columns is made."""

    model: pm.Model
    pointwise: Pointwise
    max_refits: int
    options: Mapping[str, Any]
    sample_kwargs: Mapping[str, Any]
    deadline: Deadline

    def plug_in(
        self, name: Literal["MLE", "MAP"], dt: xr.DataTree | None, potentials: Potentials | None
    ) -> Column:
        """Predict with the MLE or the MAP, found anew without each observation."""
        column = Column.empty(self.pointwise.size)
        group = name.lower()
        # Two estimates and the approximation share the time that is left, each with its refits.
        own = Deadline(self.deadline.share(3 if name == "MLE" else 2))
        if dt is not None and group in dt.children:
            status = str(dt[group].attrs["status"])
            point = dt[group]["posterior"].dataset.isel(chain=0, draw=0)
        else:
            if name == "MLE":
                estimate = find_MLE(
                    self.model, potentials=potentials, max_seconds=own.share(2), **self.options
                )
            else:
                estimate = find_MAP(self.model, max_seconds=own.share(2), **self.options)
            status, point = estimate.status.key, estimate.point
        if not Status[status.upper()].is_point:
            column.notes.append(f"The {name} cannot be plugged in: {status.replace('_', ' ')}.")
            return column
        values = {rv.name: point[rv.name].values for rv in self.model.free_RVs}
        column.put(0, *(row[0] for row in self.pointwise(_batched([values]))))
        fits = refit(
            self.model,
            {},
            estimator=name,
            weights=all_but_one(self.pointwise),
            potentials=potentials,
            # On the edge of the support nothing starts.
            initvals=values if status == "converged" else None,
            backend=self.options["backend"],
            max_seconds=own.share(1),
            progressbar=self.options["progressbar"],
        )
        if (done := fits.sizes["dataset"]) < self.pointwise.size:
            column.notes.append(
                f"Only {done} of {self.pointwise.size} observations had been left out of the "
                f"{name} when the time was up, and so none is scored so. {WHAT_TO_DO}"
            )
            return column
        keys = fits["status"].values.astype(str)
        points = np.array([Status[key.upper()].is_point for key in keys])
        diagonal = np.arange(self.pointwise.size)
        rows = self.pointwise({rv.name: fits[rv.name].values for rv in self.model.free_RVs})
        column.put(1, *(np.where(points, row[diagonal, diagonal], np.nan) for row in rows))
        if not np.all(points):
            labels = _labels(self.model, self.pointwise)
            at = [labels[i] for i in np.flatnonzero(~points)]
            why = sorted({key.replace("_", " ") for key in keys[~points]})
            column.notes.append(
                f"Without {listed(at)} there is no {name} ({', '.join(why)}), and so no prediction."
            )
        return column

    def approximated(self) -> Column:
        """Predict with the draws of the Laplace approximation."""
        try:
            tree = self._laplace(self.model, self.deadline.share(1))
        except EstimationError as error:
            return Column.empty(self.pointwise.size, str(error))

        def anew(model: pm.Model) -> xr.Dataset:
            return self._laplace(model)["posterior"].dataset

        column = self._from_draws(tree["posterior"].dataset, 1.0, anew)
        column.notes += [problem["what"] for problem in json.loads(tree.attrs["problems"])]
        return column

    def _laplace(self, model: pm.Model, limit: float | None = None) -> xr.DataTree:
        with warnings.catch_warnings():
            # What it warns of becomes a note.
            warnings.simplefilter("ignore", EstimationWarning)
            return laplace(model, max_seconds=limit, **self.options)

    def sampled(self, dt: xr.DataTree | None) -> Column:
        """Predict with the posterior draws."""
        if dt is None or "posterior" not in dt.children:
            return Column.empty(self.pointwise.size, "There is no posterior: pass bp.fit(model).")
        posterior = dt["posterior"].dataset
        names = [rv.name for rv in self.model.free_RVs]
        if missing := [name for name in names if name not in posterior]:
            raise ComparisonError(
                f"The posterior has no {listed(missing)}, which the model has: it is of another "
                "model. Pass the tree that bp.fit(model) returns."
            )
        posterior = posterior[names]
        efficiency = relative_efficiency(flatten(posterior, SAMPLE_DIMS))

        def anew(model: pm.Model) -> xr.Dataset:
            quiet = {"progressbar": self.options["progressbar"], "cores": 1}
            with without_half_named(model):
                drawn = pm.sample(
                    posterior.sizes["draw"],
                    chains=posterior.sizes["chain"],
                    random_seed=self.options["random_seed"],
                    compute_convergence_checks=False,
                    model=model,
                    **quiet | dict(self.sample_kwargs),
                )
            return drawn["posterior"].dataset

        return self._from_draws(posterior, efficiency, anew)

    def _from_draws(
        self, draws: xr.Dataset, efficiency: float, anew: Callable[[pm.Model], xr.Dataset]
    ) -> Column:
        column = Column.empty(self.pointwise.size)
        rows = self.pointwise(self._values(draws))
        column.put(0, log_mean_exp(rows[0]), rows[1].mean(axis=0), rows[2].mean(axis=0))
        left: LeftOut = leave_out(*rows, efficiency)
        column.put(1, left.log_density, left.lower, left.upper)
        column.pareto_k[:] = left.pareto_k
        limit = k_limit(len(rows[0]))
        high = np.flatnonzero(~(left.pareto_k <= limit))
        labels = _labels(self.model, self.pointwise)
        named = listed([labels[i] for i in high])
        if high.size > self.max_refits:
            column.notes.append(
                f"The Pareto k is above {limit:.2f} for {named}: predictions of these when they "
                f"are left out are not to be trusted. max_refits={high.size} samples the model "
                "anew without each of them."
            )
        elif high.size:
            for i in high:
                values = self._values(anew(without(self.model, self.pointwise, int(i))))
                log_density, lower, upper = (row[:, [i]] for row in self.pointwise(values))
                column.log_density[1, i] = log_mean_exp(log_density)[0]
                column.lower[1, i], column.upper[1, i] = lower.mean(), upper.mean()
                column.refitted[i] = 1
            column.notes.append(
                f"The Pareto k is above {limit:.2f} for {named}: the model was fitted anew without "
                "each of them."
            )
        return column

    def _values(self, draws: xr.Dataset) -> dict[str, NDArray]:
        """Return the draws of the free variables, (draw, *shape); thinned if they are too many."""
        names = [rv.name for rv in self.model.free_RVs]
        count = draws.sizes["chain"] * draws.sizes["draw"]
        every = max(1, -(-count * self.pointwise.size // _MOST))
        stacked = draws[names].isel(draw=slice(None, None, every))
        out = {}
        for name in names:
            array = stacked[name].transpose(*SAMPLE_DIMS, ...).values
            out[name] = array.reshape(-1, *array.shape[2:])
        return out


def _batched(points: Sequence[Mapping[str, Any]]) -> dict[str, NDArray]:
    return {name: np.stack([np.asarray(point[name]) for point in points]) for name in points[0]}


def _labels(model: pm.Model, pointwise: Pointwise) -> list[str]:
    """Name the observations by the coords of their variables."""
    out = []
    for name, shape in pointwise.shapes.items():
        dims = list(model.named_vars_to_dims.get(name) or ())[: len(shape)]
        dims += [f"{name}_dim_{k}" for k in range(len(dims), len(shape))]
        coords = {dim: list(model.coords[dim]) for dim in dims if model.coords.get(dim) is not None}
        array = xr.DataArray(np.zeros(shape), dims=dims, coords=coords)
        out += [row.label for row in scalars(array.to_dataset(name=name), ())]
    return out


def _without_pit(pointwise: Pointwise) -> list[str]:
    if not pointwise.without_cdf:
        return []
    return [
        f"The distribution function of {listed(list(pointwise.without_cdf))} is not known, and so "
        "neither PIT nor coverage."
    ]
