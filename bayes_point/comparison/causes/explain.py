"""Why the posterior mean is not the MLE: the distance between them, taken apart into causes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.comparison.causes.chain import Chain
from bayes_point.comparison.causes.explanation import sentence
from bayes_point.comparison.inputs.scalars import Scalar
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS

__all__ = ["CAUSES", "QUANTITIES", "STEPS", "Explanation", "explain", "explained"]

QUANTITIES = ("distance", "shift", "shift_mcse", "is_noise", "draws_needed")

STEPS = {
    "prior": ("MLE", "MAP"),
    "parametrisation": ("MAP", "mode"),
    "marginal": ("mode", "marginal mode"),
    "mode_to_median": ("marginal mode", "median"),
    "median_to_mean": ("median", "mean"),
    "total": ("MLE", "mean"),
}
"""From which point to which each term leads."""

CAUSES = {
    "prior": "prior",
    "parametrisation": "parametrisation",
    "marginal": "joint against marginal",
    "mode_to_median": "skew",
    "median_to_mean": "skew",
    "total": "all",
}

NOISE = 2.0
"""A term within so many of its Monte Carlo errors of 0 may as well be 0."""

EXACT = 1e-4
"""Posterior sd. A term smaller than this is none either: so near are estimates found."""

# Steps that sentences and tables speak of besides: all of the skew; that and what the marginal
# does, whose sum the draws know better than the point between; and all that the MAP misses.
_SUMS = {"skew": ("marginal mode", "mean"), "shape": ("mode", "mean"), "MAP": ("MAP", "mean")}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """The terms of n scalar parameters, for the functions that show them.

    Attributes
    ----------
    rows : sequence of Scalar
    points : dict of {str : ndarray of shape (n,)}
        By name: the points in posterior sd from the posterior mean.
    shift, mcse : dict of {str : ndarray of shape (n,)}
        By term: those of `STEPS`, and "skew", "shape" and "MAP", the sums that sentences speak of.
    noise : dict of {str : ndarray of bool, shape (n,)}
        Whether a term may as well be 0.
    needed : dict of {str : ndarray of shape (n,)}
        By term: about how many draws would determine it, 0 where these do. A term is not
        determined where its Monte Carlo error exceeds the gap that it is to explain: the larger of
        those of MLE and MAP that are more than noise.
    missing : sequence of dict of {str : str}
        For each parameter, which points it lacks, and why.
    sentences : tuple of str
        One for each parameter.
    """

    rows: Sequence[Scalar]
    points: Mapping[str, Array]
    shift: Mapping[str, Array]
    mcse: Mapping[str, Array]
    noise: Mapping[str, NDArray[np.bool_]]
    needed: Mapping[str, Array]
    missing: Sequence[Mapping[str, str]]
    sentences: tuple[str, ...]


def explain(
    dt: xr.DataTree,
    *,
    var_names: str | Sequence[str] | None = None,
    filter_vars: str | None = None,
    coords: Mapping[Hashable, Any] | None = None,
) -> xr.Dataset:
    """Distance from the MLE to the posterior mean as a sum of causes, in posterior sd.

    Between the two lie the MAP, the mode of the joint density on the unconstrained scale, the mode
    of the marginal density on that same scale, and the median of the marginal posterior. Each
    step has its cause:

    =================== ================================== ======================
    term                step                               cause
    =================== ================================== ======================
    ``prior``           MLE to MAP                         prior
    ``parametrisation`` to the mode of the density on the  parametrisation: modes
                        unconstrained scale                depend on the scale
    ``marginal``        to the mode of the marginal        joint against marginal
    ``mode_to_median``  to the median of the marginal      skew
    ``median_to_mean``  to the posterior mean              skew
    ``total``           MLE to posterior mean              all: the sum
    =================== ================================== ======================

    Parameters
    ----------
    dt : xarray.DataTree
        What `fit` returned.
    var_names : str or sequence of str, optional
        Variables to explain, by default all that have a prior. As in ArviZ, ``~`` in front
        excludes.
    filter_vars : {None, "like", "regex"}, optional
        How `var_names` are understood, as in ArviZ.
    coords : mapping, optional
        Coordinate values to select.

    Returns
    -------
    xarray.Dataset
        The variables of the model, each with the dims ``term`` and ``quantity`` before its own; the
        coord ``cause`` names the cause of each term. Quantities:

        - ``distance``: of the step, in the units of the parameter
        - ``shift``: the same in posterior sd; the terms add up to the total
        - ``shift_mcse``: Monte Carlo standard error of the shift, with the bias of the marginal
          mode
        - ``is_noise``: 1 if the shift is within twice its error of 0, else 0
        - ``draws_needed``: 0 where the shift is determined. Where its Monte Carlo error exceeds the
          larger of the two gaps, about how many draws in all would determine it

        A step from or to a point that does not exist is NaN, and so is the total without an MLE.
        ``attrs["sentences"]`` is a text with a line for each scalar parameter, in their order,
        which also says what is missing and why.

    Raises
    ------
    ComparisonError
        If `dt` is not the tree of a fit, or the selection names what is not there.

    See Also
    --------
    gaps : The distances of MLE and MAP from the posterior mean.
    verdict : Whether they matter.
    plot_waterfall : Draw the steps.

    Notes
    -----
    Joint and marginal mode are of densities on the same scale: the logarithm of a positive
    parameter, the log-odds of a probability, and otherwise that of the parameter itself. In a model
    of one parameter the two are one point, and ``marginal`` is exactly 0.

    The marginal mode is by far the least certain of the points: with 4,000 independent draws of a
    normal its error is about 0.05 sd. It is the highest point of a local fit of a polynomial to the
    log density [1]_: of four estimators that were compared (``benchmarks/marginal_mode.py``), the
    one with the smallest error.

    References
    ----------
    .. [1] Loader (1996). Local likelihood density estimation. Annals of Statistics 24(4),
       1602-1618. https://doi.org/10.1214/aos/1032298287

    Examples
    --------
    Three heads of three tosses under a Beta(2, 2) prior: the MLE is 1, the MAP 0.8, the mode of
    the log-odds and the posterior mean are 5/7. With ``dt = bp.fit(coin, random_seed=1)``:

    >>> import bayes_point as bp
    >>> theta = bp.explain(dt)["theta"].sel(quantity="shift")
    >>> print(theta.sel(term=["prior", "parametrisation", "total"]).round(1).values)
    [-1.2 -0.5 -1.8]
    >>> print(bp.explain(dt, var_names="theta").attrs["sentences"].split("; ")[0])
    theta: the mean lies 0.53 sd below the MAP
    """
    selected = Selected.of(dt, var_names, filter_vars, coords)
    found, sd = explained(selected), selected.draws.sd
    stacked = np.stack(
        [
            np.stack(
                [
                    found.shift[t] * sd,
                    found.shift[t],
                    found.mcse[t],
                    np.where(np.isnan(found.shift[t]), np.nan, found.noise[t]),
                    found.needed[t],
                ]
            )
            for t in STEPS
        ]
    )
    return xr.Dataset(
        _by_variable(stacked, selected.posterior),
        coords={k: v for k, v in selected.posterior.coords.items() if k not in SAMPLE_DIMS}
        | {
            "term": list(STEPS),
            "quantity": list(QUANTITIES),
            "cause": ("term", [CAUSES[t] for t in STEPS]),
        },
        # One text: of a list of one, netCDF makes a text as well.
        attrs={"sentences": "\n".join(found.sentences)},
    )


def explained(selected: Selected) -> Explanation:
    """Explain as `explain` does, for the functions that show it."""
    chain, rows = Chain.of(selected), selected.rows
    steps = {t: chain.step(*ends) for t, ends in (STEPS | _SUMS).items()}
    shift = {t: size for t, (size, _) in steps.items()}
    mcse = {t: error for t, (_, error) in steps.items()}
    with np.errstate(invalid="ignore"):
        noise = {t: ~(np.abs(shift[t]) > np.fmax(NOISE * mcse[t], EXACT)) for t in steps}
    needed = _draws_needed(shift, mcse, noise, selected.draws.z[..., 0].size)
    sentences = tuple(
        sentence(
            row.label,
            {t: float(s[i]) for t, s in shift.items()},
            {t: float(e[i]) for t, e in mcse.items()},
            {t: bool(x[i]) for t, x in noise.items()},
            {t: float(x[i]) for t, x in needed.items()},
            chain.missing[i],
        )
        for i, row in enumerate(rows)
    )
    return Explanation(rows, chain.points, shift, mcse, noise, needed, chain.missing, sentences)


def _draws_needed(
    shift: Mapping[str, Array],
    mcse: Mapping[str, Array],
    noise: Mapping[str, NDArray[np.bool_]],
    n: int,
) -> dict[str, Array]:
    """Return by term how many draws would determine it, 0 where `n` do, NaN where there is none."""
    # The larger of the gaps of MLE and MAP, as far as they are more than noise.
    gaps = [np.where(noise[t], np.nan, np.abs(shift[t])) for t in ("total", "MAP")]
    gap = np.fmax(*gaps)
    needed = {}
    with np.errstate(invalid="ignore"):
        for term, error in mcse.items():
            # Errors shrink with the root of the draws; to half the gap, against noise in them.
            open_ = np.where(error > gap, n * (2 * error / gap) ** 2, 0.0)
            needed[term] = np.where(np.isnan(shift[term]), np.nan, open_)
    return needed


def _by_variable(values: Array, posterior: xr.Dataset) -> dict[Hashable, Any]:
    """Cut values of shape (term, quantity, n) into the variables of the posterior."""
    out: dict[Hashable, Any] = {}
    start = 0
    for name, da in posterior.data_vars.items():
        own = [d for d in da.dims if d not in SAMPLE_DIMS]
        shape = tuple(da.sizes[d] for d in own)
        stop = start + int(np.prod(shape))
        out[name] = (
            ["term", "quantity", *own],
            values[..., start:stop].reshape(*values.shape[:2], *shape),
        )
        start = stop
    return out
