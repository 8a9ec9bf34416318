"""study: how good the estimators of a model are, on data that the model itself simulates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from bayes_point.arguments import generator, seconds, truth_value, whole_number
from bayes_point.errors import ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.estimate.integrated import integration_of
from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.estimator import Potentials
from bayes_point.estimation.marginal.integrate import Asked, Marginalize, asked_of_many
from bayes_point.estimation.progress import WHAT_TO_DO, Deadline, told_elsewhere, warn_stopped
from bayes_point.estimation.refit.refit import refit
from bayes_point.estimation.resample.resizing import of_all_sizes
from bayes_point.estimation.resample.simulation import (
    check_simulates,
    deterministics,
    simulate,
    true_values,
)
from bayes_point.estimation.resample.study_means import density_of, study_means
from bayes_point.estimation.resample.study_measures import (
    Found,
    counts_of,
    flat,
    measures,
    warn_of_lost,
)
from bayes_point.estimation.uncertainty.wald import checked_probability, support_of
from bayes_point.model.checks import as_model, check_model

__all__ = ["StudyEstimator", "study"]

Array = NDArray[np.float64]
StudyEstimator = Literal["MLE", "MAP", "mean"]

_PACKAGE = str(Path(__file__).parents[2])
_ESTIMATORS = ("MLE", "MAP", "mean")


def study(
    model: pm.Model | None = None,
    truth: Mapping[str, Any] | EstimateRecord | None = None,
    n: int = 1000,
    *,
    estimators: StudyEstimator | Sequence[StudyEstimator] = ("MLE", "MAP", "mean"),
    sample_sizes: Sequence[int] | None = None,
    dim: str | None = None,
    ci_prob: float | None = None,
    marginalize: Marginalize = None,
    quadrature: int = 1,
    reml: bool | str | Sequence[str] = False,
    max_sampled: int = 10,
    n_starts: int = 1,
    potentials: Potentials | None = None,
    random_seed: Any = None,
    backend: str | None = None,
    max_seconds: float | None = None,
    progressbar: bool = True,
    sample_kwargs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Measure bias, variance, RMSE and coverage of estimators on data that the model simulates.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; by default that of the context.  Its own observations give no more than their
        shape.
    truth : mapping of str to array, or PointEstimate, optional
        The values of all free variables that the data are simulated from, on the natural scale, but
        not of those integrated out.  By default another draw from the prior for each data set: bias
        and the rest are then averages over the prior.
    n : int
        Data sets.
    estimators : {"MLE", "MAP", "mean"}, or a sequence of these
        What to compare; "mean" is the posterior mean, by importance sampling around the mode of the
        unconstrained posterior, the largest of the errors that this adds being given as
        ``importance_mcse``.
    sample_sizes : sequence of int, optional
        Numbers of observations to simulate, instead of the model's own: the study is made for each,
        with the same true values.  The model must be one that `pymc.set_data` or its dims can
        resize.  The rows of its other `pm.Data`, the covariates, are used again as they are, each
        as often as any other or once more; which come once more, or are used at all where there
        are fewer observations than rows, is drawn at random, once for each size.
    dim : str, optional
        The dim of the observed variables that has these lengths; to be given where they have
        several.  Without dims it is their first axis.
    ci_prob : float, optional
        Probability of the intervals; ``rcParams["stats.ci_prob"]`` of ArviZ by default.
    marginalize, quadrature, reml
        As in `refit`: what is integrated out of the estimators, is drawn anew from its prior with
        each data set, and has no true value.  `reml` is for the MLE alone.
    max_sampled : int
        Where the Pareto k of importance sampling is above 0.7, or there is no mode, the posterior
        is sampled with NUTS, for up to so many data sets; with more an error says so.
    n_starts, potentials, backend
        As in `refit`.
    random_seed : int, array-like of int, or Generator, optional
        Seed of the data, and of all else that is drawn.
    max_seconds : float, optional
        When to stop refitting; by default never.  The result is made of the data sets that are done
        by then with every estimator and of every size.  The sampling with NUTS is not limited.
    progressbar : bool
        Whether to show progress.
    sample_kwargs : dict, optional
        Arguments of `pymc.sample` where it is used.

    Returns
    -------
    xarray.Dataset
        With the dims ``estimator`` and ``parameter`` (every scalar of the free variables and
        Deterministics) and ``dataset``:

        - ``bias`` (average error), ``variance`` (of the error; divisor n - 1), ``rmse`` and
          ``coverage``, the part of the intervals that hold the truth; each with its Monte Carlo
          standard error ``<name>_mcse``.  The intervals are estimate and standard error (of
          the mean: posterior sd), on the log or logit scale of a free variable that is bounded
        - ``n_used``, ``n_interval``: how many data sets have a finite estimate, and an interval.
          All the above is among these, and NaN where there are fewer than two
        - ``estimate``, ``truth``, and ``status`` of each data set; with "mean" also ``pareto_k``
          and ``sampled`` (1 where NUTS was used)

        With `sample_sizes` all of these have the further dim ``sample_size``, which leads; then
        Deterministics with an element for each observation are left out.

    Raises
    ------
    ModelError
        If the model cannot be estimated, the data not simulated, or an argument is not allowed.
    EstimationError
        If `truth` is an estimate that is no point; if too many data sets need NUTS.

    Warns
    -----
    EstimationWarning
        If an estimator has no finite value for some of the data sets, or the time was up before
        all were done.

    See Also
    --------
    refit : Estimates of one model for many data sets, with standard errors and a status each.
    plot_study : Draw how good the estimators of a study are.

    Examples
    --------
    The MLE of a variance from four data is 3/4 of it on average:

    >>> import bayes_point as bp, numpy as np, pymc as pm
    >>> with pm.Model() as model:
    ...     mu, variance = pm.Flat("mu"), pm.HalfFlat("variance")
    ...     y = pm.Normal("y", mu, pm.math.sqrt(variance), observed=np.zeros(4))
    >>> truth = {"mu": 0.0, "variance": 8.0}
    >>> found = bp.study(
    ...     model, truth, 500, estimators=["MLE"], random_seed=1, progressbar=False
    ... )
    >>> one = found.sel(estimator="MLE", parameter="variance")
    >>> bool(abs(one["bias"] + 2) < 4 * one["bias_mcse"])
    True
    """
    model = as_model(model, "study")
    check_model(model, start=False)
    n = whole_number("n", n, 2)
    max_sampled = whole_number("max_sampled", max_sampled, 0)
    n_starts = whole_number("n_starts", n_starts, 1)
    truth_value("progressbar", progressbar)
    deadline = Deadline(seconds("max_seconds", max_seconds))
    if not isinstance(sample_kwargs, Mapping | None):
        raise ModelError(
            f"sample_kwargs must be a dict of arguments of pymc.sample, got {sample_kwargs!r}."
        )
    prob = checked_probability(ci_prob)
    chosen = _estimators(estimators)
    check_simulates(model, potentials)
    if model.potentials and potentials is None:
        raise ModelError(
            "The model has a Potential. If it is part of the prior, say so with "
            "potentials='prior'; data cannot be simulated from one that is part of the likelihood."
        )
    sizes = _sizes(sample_sizes, dim)
    asked = asked_of_many(marginalize, quadrature, reml)
    if asked.reml is not False and chosen != ("MLE",):
        raise ModelError(
            f"Got reml={reml!r} with estimators={list(chosen)}. A restricted likelihood is no part "
            "of a posterior: give estimators=['MLE'], or leave reml out."
        )
    latents = _latents(model, asked, backend)
    rng = generator(random_seed)
    points = true_values(model, truth, n, rng, latents)
    task = _Study(
        chosen,
        asked,
        prob,
        "prior" if truth is None else "point",
        max_sampled,
        n_starts,
        potentials,
        backend,
        progressbar,
        sample_kwargs or {},
    )
    if not sizes:
        out = task.of(model, points, None, rng, "", deadline)
        _warn_if_stopped(out, n, deadline)
        return out
    models, names = of_all_sizes(model, sizes, dim, points, rng)
    done: list[xr.Dataset] = []
    for left, (size, one) in enumerate(zip(sizes, models, strict=True)):
        which = f" with {size} observations"
        own = Deadline(deadline.share(len(sizes) - left))
        done.append(task.of(one, points, names, rng, which, own))
        if done[-1].sizes["dataset"] < n and max_seconds is None:
            break  # interrupted from the keyboard, of which refit has warned
    least = min(part.sizes["dataset"] for part in done)
    out = xr.concat(
        [part.isel(dataset=slice(least)) for part in done],
        xr.Variable("sample_size", sizes[: len(done)]),
        combine_attrs="drop",
    )
    statuses = {
        size: json.loads(part.attrs["statuses"]) for size, part in zip(sizes, done, strict=False)
    }
    _warn_if_stopped(out, n, deadline)
    return out.assign_attrs(done[0].attrs | {"n": least, "statuses": json.dumps(statuses)})


def _warn_if_stopped(out: xr.Dataset, n: int, deadline: Deadline) -> None:
    """Warn that the time was up before all data sets were done."""
    done = out.sizes["dataset"]
    if done < n and deadline.seconds is not None:
        warn_stopped(deadline, f"{done} of {n} data sets are done, and the result is made of these")


@dataclass(frozen=True)
class _Study:
    """What is asked of a study, of whatever size the data are."""

    estimators: tuple[StudyEstimator, ...]
    asked: Asked
    ci_prob: float
    truth: str
    max_sampled: int
    n_starts: int
    potentials: Potentials | None
    backend: str | None
    progressbar: bool
    sample_kwargs: Mapping[str, Any]

    def of(
        self,
        model: pm.Model,
        points: Mapping[str, NDArray],
        names: Sequence[str] | None,
        rng: np.random.Generator,
        which: str,
        deadline: Deadline,
    ) -> xr.Dataset:
        """Return the measures of the variables named, with data simulated at the points given."""
        data = simulate(model, points, rng)
        density = density_of(model, tuple(data), self.asked, self.backend)
        exact = {**points, **deterministics(model, points)}
        # What is integrated out, and what is computed from it, has no true value.
        own = density.natural_shapes if self.asked.marginalize is None else density.graphs.natural
        names = [name for name in own if names is None or name in names]
        template = density.dataset({name: np.asarray(exact[name][0], float) for name in names})
        labels = [
            str(label)
            for name in names
            for label, _ in density.elements(name, template[name].values)
        ]
        true = flat({name: exact[name] for name in names})
        bounds = support_of(model, template)
        results, extra = [], {}
        for left, estimator in enumerate(self.estimators):
            share = deadline.share(len(self.estimators) - left)
            if estimator == "mean":
                means = study_means(
                    model,
                    data,
                    names,
                    self.asked,
                    max_seconds=share,
                    max_sampled=self.max_sampled,
                    backend=self.backend,
                    rng=rng,
                    progressbar=self.progressbar,
                    sample_kwargs=self.sample_kwargs,
                )
                keys = np.where(means.sampled, "sampled", Status.CONVERGED.key)
                found = Found(means.mean, means.sd, keys)
                extra["pareto_k"] = ("dataset", means.pareto_k)
                extra["sampled"] = ("dataset", means.sampled.astype(np.int8))
                extra["importance_mcse"] = ("parameter", np.max(means.mcse, axis=0, initial=0.0))
            else:
                with told_elsewhere():
                    fits = refit(
                        model,
                        data,
                        estimator=estimator,
                        **self.asked.of_many,
                        potentials=self.potentials if estimator == "MLE" else None,
                        n_starts=self.n_starts,
                        random_seed=int(rng.integers(2**31)),
                        backend=self.backend,
                        max_seconds=share,
                        progressbar=self.progressbar,
                    )
                found = Found.of(fits, names)
            results.append(found)
            if not len(found.status):
                raise ModelError(f"No data set was done before the time was up. {WHAT_TO_DO}")
            data = {name: rows[: len(found.status)] for name, rows in data.items()}
            warn_of_lost(estimator, found, which)
        # Fewer after an interrupt from the keyboard, of which refit has warned, and out of time.
        done = min(len(found.status) for found in results)
        parts = [measures(found, true, bounds, self.ci_prob, done) for found in results]
        dims = {"dataset": ("estimator", "dataset", "parameter"), "": ("estimator", "parameter")}
        variables: dict[str, Any] = {
            key: (dims[""], np.stack([part[key] for part in parts])) for key in parts[0]
        }
        variables["estimate"] = (dims["dataset"], np.stack([f.value[:done] for f in results]))
        variables["status"] = (dims["dataset"][:2], np.stack([f.status[:done] for f in results]))
        variables["truth"] = (("dataset", "parameter"), true[:done])
        for key, (along, values) in extra.items():
            variables[key] = (along, values[:done] if along == "dataset" else values)
        return xr.Dataset(
            variables,
            coords={"estimator": list(self.estimators), "parameter": labels},
            attrs={
                "n": done,
                "ci_prob": self.ci_prob,
                "truth": self.truth,
                "statuses": json.dumps(counts_of(self.estimators, results)),
            },
        )


def _latents(model: pm.Model, asked: Asked, backend: str | None) -> list[str]:
    """Return the variables that are drawn anew with each data set."""
    names = [rv.name for rv in model.observed_RVs]
    whole = integration_of(density_of(model, names, asked, backend))
    return [] if whole is None else [name for name in whole.latents if name not in whole.flat]


def _sizes(given: Any, dim: str | None) -> list[int]:
    if given is None:
        if dim is not None:
            raise ModelError(
                f"Got dim={dim!r} without sample_sizes: it says which dim of the observed "
                "variables has these lengths. Give sample_sizes too, or leave it out."
            )
        return []
    sizes = [
        whole_number("each of sample_sizes", size, 1) for size in np.atleast_1d(given).tolist()
    ]
    if not sizes or len(set(sizes)) < len(sizes):
        raise ModelError(f"sample_sizes must be different numbers of observations, got {given!r}.")
    return sizes


def _estimators(given: Any) -> tuple[StudyEstimator, ...]:
    names = (given,) if isinstance(given, str) or not isinstance(given, Sequence) else tuple(given)
    if not names or len(set(names)) < len(names) or any(k not in _ESTIMATORS for k in names):
        raise ModelError(
            f"Got estimators={given!r}. They must be some of 'MLE', 'MAP' and 'mean', each once."
        )
    return names
