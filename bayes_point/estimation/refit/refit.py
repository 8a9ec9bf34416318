"""refit: one model and one estimator, for many data sets."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from bayes_point.arguments import names as checked_names
from bayes_point.arguments import seconds, truth_value, whole_number
from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.estimator import Potentials
from bayes_point.estimation.marginal.integrate import Marginalize, asked_of_many
from bayes_point.estimation.progress import Deadline
from bayes_point.estimation.refit.batch import Arrays, Refitter
from bayes_point.estimation.refit.datasets import DataSets, data_sets
from bayes_point.estimation.refit.discrete import refitter_of
from bayes_point.estimation.refit.run import chunk_size_for, leading, run
from bayes_point.estimation.refit.spans import Span, missing
from bayes_point.estimation.refit.task import NOT_DONE, STATUSES, Task, dtype_of
from bayes_point.model.checks import as_model, check_data, check_model
from bayes_point.model.start_rows import start_rows
from bayes_point.model.starts import Initvals

__all__ = ["refit"]

_PACKAGE = str(Path(__file__).parents[2])
# Data sets that are asked why they have no estimate, until one has a reason.
_ASKED = 5
_KEYS = np.array([status.key for status in STATUSES])


def refit(
    model: pm.Model | None,
    data: xr.Dataset | Mapping[str, Any],
    *,
    estimator: Literal["MLE", "MAP"] = "MLE",
    marginalize: Marginalize = None,
    quadrature: int = 1,
    reml: bool | str | Sequence[str] = False,
    dim: str | None = None,
    weights: Mapping[str, Any] | xr.Dataset | None = None,
    jacobian: bool = False,
    local: bool = False,
    potentials: Potentials | None = None,
    prior_weight: float = 1.0,
    initvals: Initvals | None = None,
    n_starts: int = 1,
    random_seed: int = 0,
    var_names: Sequence[str] | None = None,
    chunk_size: int | None = None,
    backend: str | None = None,
    save: str | Path | None = None,
    max_seconds: float | None = None,
    progressbar: bool = True,
) -> xr.Dataset:
    """Estimates of one model for many data sets, with standard errors and a status each.

    All data sets are worked on together, so that ten thousand small fits take a fraction of a
    second.  Each estimate is proven to be what its status says, as by `find_MLE`: most in one
    vectorised look, and those on a boundary, at infinity or otherwise out of the ordinary as
    `find_MLE` does it, side by side.  Discrete free variables are tried value by value, as there.

    Parameters
    ----------
    model : pymc.Model, optional
        The model; None for that of the context.
    data : xarray.Dataset, or mapping of str to array
        For observed variables or `pm.Data` containers, by name, values with an additional dim, one
        entry a data set; it leads in plain arrays.  What is not named keeps the model's own values.
        Arrays chunked by Dask along that dim give a lazy result.
    estimator : {"MLE", "MAP"}
        What is estimated.
    marginalize, reml
        As in `find_MLE`; what is integrated out, and what is computed from it, is not among the
        results.
    quadrature : int
        Nodes of the quadrature, the same for all data sets; 1 is Laplace's method.
    dim : str, optional
        The dim along which the data sets lie.  By default the one that all arrays have and the
        model has not; ``"dataset"`` for plain arrays.
    weights : mapping of str to array, optional
        For observed variables, by name, weights that multiply the log-likelihood of each
        observation, one row a data set.
    jacobian : bool
        For the MAP: maximise the density on the unconstrained scale, as in `find_MAP`.
    local : bool
        Where the density has no upper bound, return the interior maximum that the start of each
        data set leads to, with status `local`; see `find_MLE`.
    potentials : {"likelihood", "prior"}, optional
        What the model's potentials are, as in `find_MLE`.
    prior_weight : float
        For the MAP: power of the prior.
    initvals : dict, optional
        Initial values by variable name, natural scale; with one entry a data set where the array
        has one more axis than the variable.
    n_starts : int
        Starting points of every data set: its initial point, and draws from the prior.  The best
        optimum wins.
    random_seed : int
        Seed of these draws.
    var_names : sequence of str, optional
        Free variables and Deterministics to return; by default all.
    chunk_size : int, optional
        Data sets that are worked on, and saved, together; by default as many as fit in 64 MiB.  A
        store keeps the one that it began with.
    backend : str, optional
        PyTensor mode, such as ``"numba"``.  By default the interpreter, and numba where what
        remains to be done would take far longer than compiling.
    save : path, optional
        A zarr store that fills with finished chunks.  If it is there already, and of the same
        model, data, labels and options, the refit goes on where it stopped, whatever stopped it,
        and with the same numbers to the last bit.  Results that are missing or damaged there are
        computed again.
    max_seconds : float, optional
        When to stop; by default never.  The result holds the data sets that are done by then, and a
        store can be gone on with.
    progressbar : bool
        Whether to show progress.

    Returns
    -------
    xarray.Dataset
        With the leading dim `dim`: the variables on the natural scale; the standard error of
        each, from the observed information by the delta method, as ``"<name>_stderr"``, NaN where
        there is none; ``log_likelihood``; and ``status``, the key of a `Status`.

    Raises
    ------
    ModelError
        If the model, the data, or what is asked cannot be used.

    Warns
    -----
    EstimationWarning
        If data sets have no estimate because of what they hold, such as negative counts: how many,
        and of one of them the reason that `find_MLE` would give.
        After an interrupt from the keyboard, or when the time is up: the result holds the chunks
        that were finished.  If `save` was damaged, what is computed again; if it can no longer be
        written, from which data set on.

    See Also
    --------
    find_MLE : Find the maximum likelihood estimate: the point at which the data are most probable.
    bootstrap : Draw from the distribution of an estimator, by refits to new data sets.
    study

    Examples
    --------
    >>> import bayes_point as bp, numpy as np, pymc as pm
    >>> with pm.Model() as coin:
    ...     theta = pm.Beta("theta", 2, 2)
    ...     tosses = pm.Bernoulli("tosses", theta, observed=[0, 0, 0, 0])
    >>> tosses = np.array([[1, 0, 0, 1], [1, 1, 1, 0], [1, 1, 1, 1]])
    >>> fits = bp.refit(coin, {"tosses": tosses}, progressbar=False)
    >>> fits["theta"].values.tolist(), fits["status"].values.tolist()
    ([0.5, 0.75, 1.0], ['converged', 'converged', 'on_boundary'])
    """
    model = as_model(model, "refit")
    truth_value("jacobian", jacobian)
    truth_value("local", local)
    truth_value("progressbar", progressbar)
    deadline = Deadline(seconds("max_seconds", max_seconds))
    if not isinstance(save, str | Path | None):
        raise ModelError(f"save must be None or the path of a .zarr store, got {save!r}.")
    asked = asked_of_many(marginalize, quadrature, reml, weights)
    check_model(model, start=False)
    sets = data_sets(model, data, weights, dim)
    shared, own = _split_initvals(model, initvals, sets.n)
    _check_numbers(
        estimator=estimator,
        prior_weight=prior_weight,
        n_starts=n_starts,
        random_seed=random_seed,
        chunk_size=chunk_size,
    )
    task = Task(
        estimator=estimator,
        jacobian=bool(jacobian),
        potentials=potentials,
        prior_weight=float(prior_weight),
        names=sets.names,
        weights=sets.weights,
        var_names=_checked_names(model, var_names),
        initvals=shared,
        n_starts=int(n_starts),
        random_seed=int(random_seed),
        backend=backend,
        asked=asked,
        local=bool(local),
    )
    refitter = refitter_of(model, task)
    _check_collisions(refitter, sets)
    starts = None
    if own:
        starts = start_rows(model, refitter.density, own, refitter.start)
    if sets.is_lazy:
        from bayes_point.estimation.refit.dask import lazily

        if save is not None:
            raise ModelError(
                "save= is for data in memory; the result of data chunked by Dask is lazy: write it "
                "with its own .to_zarr(...)."
            )
        if max_seconds is not None:
            raise ModelError(
                f"Got max_seconds={max_seconds!r} with data chunked by Dask, whose refits begin "
                "when the result is computed. Leave it out, or pass data in memory."
            )
        return _labelled(refitter, sets, lazily(refitter, sets, starts), sets.n)
    inputs = inputs_of(refitter, sets)
    out: Arrays = {
        name: np.full((sets.n, *shape), NOT_DONE if name == "status" else np.nan, dtype_of(name))
        for name, shape in refitter.shapes.items()
    }
    chunk_size = int(chunk_size or chunk_size_for(refitter))
    work = partial(
        run,
        refitter,
        inputs,
        starts,
        out=out,
        progressbar=progressbar,
        deadline=deadline,
        growing=save is None and max_seconds is not None,
    )
    if save is None:
        whole = [Span(0, sets.n)]
        work(todo=whole, chunk_size=chunk_size, compiled_from=None, finished=lambda *_: None)
    else:
        from bayes_point.estimation.refit.zarr import Store

        given = (refitter, sets, inputs, starts)
        with Store(Path(save), *given, out=out, chunk_size=chunk_size) as store:
            work(
                todo=missing(store.done, sets.n),
                chunk_size=store.chunk_size,
                compiled_from=store.compiled_from,
                finished=store.add,
            )
    done = leading(out["status"])
    fits = _labelled(refitter, sets, {name: rows[:done] for name, rows in out.items()}, done)
    _say_why_some_have_none(model, sets, fits)
    return fits


def _say_why_some_have_none(model: pm.Model, sets: DataSets, fits: xr.Dataset) -> None:
    """Warn of data sets without an estimate, with the reason of the first that has one.

    The reason is that of `find_MLE`, which is not asked beforehand: a million data sets would wait
    for one that is wrong.
    """
    without = np.flatnonzero(np.isnan(fits["log_likelihood"].values))
    for i in without[:_ASKED]:
        try:
            check_data(model, {name: sets.arrays[name].values[i] for name in sets.names})
        except (ModelError, IndexError) as reason:
            warnings.warn(
                f"{len(without)} of {sets.n} data sets have no estimate, among them {sets.dim} = "
                f"{fits[sets.dim].values[i]}: {reason}",
                EstimationWarning,
                skip_file_prefixes=(_PACKAGE,),
            )
            return
        except Exception:
            # A reason that cannot be told must not cost the results, which may have taken hours.
            return


def inputs_of(refitter: Refitter, sets: DataSets) -> dict[str, Any]:
    """Return the arrays that the density takes; weights that are not given are one."""
    out = {}
    for name, one in refitter.density.inputs.items():
        if name in sets.arrays:
            array = sets.arrays[name]
            if array.shape[1:] != one.shape:
                one.batch(np.empty(array.shape))  # says what is wrong
            out[name] = array.data
        else:
            out[name] = np.broadcast_to(one.own, (sets.n, *one.shape))
    return out


def _labelled(refitter: Refitter, sets: DataSets, arrays: Mapping[str, Any], n: int) -> xr.Dataset:
    """Return the results of the first `n` data sets, with the model's coords and their labels."""
    dims = refitter.dims
    variables = {name: ((sets.dim, *dims[name]), rows) for name, rows in arrays.items()}
    out = xr.Dataset(variables, coords=refitter.coords, attrs=refitter.attrs)
    if out["status"].dtype.kind == "i":
        out["status"] = (sets.dim, _KEYS[out["status"].values])
    if sets.coord is not None:
        out = out.assign_coords({sets.dim: sets.coord[:n]})
    return out


def _split_initvals(
    model: pm.Model, initvals: Initvals | None, n: int
) -> tuple[Initvals | None, dict[str, NDArray]]:
    """Separate initial values for all data sets from those with a row for each."""
    if not isinstance(initvals, Mapping):
        if initvals is not None:
            raise ModelError(
                "initvals must be a mapping from the names of free variables to values, with one "
                f"entry a data set or one for all; got {type(initvals).__name__}."
            )
        return None, {}
    ndim = {rv.name: rv.type.ndim for rv in model.free_RVs}
    own = {
        name: np.asarray(value)
        for name, value in initvals.items()
        if not isinstance(value, str) and np.ndim(value) == ndim.get(name, -2) + 1
    }
    for name, rows in own.items():
        if len(rows) != n:
            raise ModelError(
                f"initvals gives {name!r} {len(rows)} entries, and there are {n} data sets."
            )
    return {name: value for name, value in initvals.items() if name not in own} or None, own


def _check_numbers(**given: Any) -> None:
    weight = given["prior_weight"]
    if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
        raise ModelError(f"prior_weight must be a finite number of at least 0, got {weight!r}.")
    if given["estimator"] == "MLE" and weight != 1:
        raise ModelError(
            f"Got prior_weight={weight!r} with estimator='MLE', in which the prior plays no part. "
            "Use estimator='MAP'."
        )
    whole_number("n_starts", given["n_starts"], 1)
    if given["chunk_size"] is not None:
        whole_number("chunk_size", given["chunk_size"], 1)
    # A seed counts nothing: it may have any number of digits.
    seed = given["random_seed"]
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise ModelError(f"random_seed must be a whole number of at least 0, got {seed!r}.")


def _checked_names(model: pm.Model, names: Sequence[str] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    known = [var.name for var in (*model.free_RVs, *model.deterministics)]
    names = tuple(checked_names("var_names", names) or ())
    if unknown := [name for name in names if name not in known]:
        raise ModelError(f"var_names names {unknown}; the model's variables are {known}.")
    return names


def _check_collisions(refitter: Refitter, sets: DataSets) -> None:
    names = [*refitter.shapes, sets.dim, *refitter.coords]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ModelError(
            f"The result would have {twice} twice: the model uses a name that the result needs. "
            "Rename that variable of the model, or give another dim=."
        )
