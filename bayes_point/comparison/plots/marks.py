"""What the figures mark: which parameters, where the estimates lie, and what cannot be drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from arviz_base.labels import BaseLabeller
from numpy.typing import NDArray

from bayes_point.comparison.inputs.scalars import scalars
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.statuses import EstimateStatus
from bayes_point.comparison.inputs.validate import ESTIMATORS, SAMPLE_DIMS
from bayes_point.comparison.plots.titles import Titles
from bayes_point.errors import ComparisonError

__all__ = ["FAR", "Marks", "by_gap", "gap_size", "marked"]

FAR = 6.0
"""Gap beyond which an estimate is named, not drawn: it would flatten the posterior to a spike."""

# Characters in a line of a title: what fits over a plot of two to three inches.
_WIDTH = 26


@dataclass(frozen=True)
class Marks:
    """Scalar parameters side by side, each under a name that a DataTree accepts.

    Attributes
    ----------
    names : tuple of str
        One name a parameter, unique.
    labels, titles : dict of {str : str}
        The label in one line (``beta[age]``), and as titles have it: the same, or the labeller's.
    x : ndarray of shape (chain, draw, n)
    discrete : ndarray of bool, shape (n,)
        Whether the draws are integers.
    mean, sd : ndarray of shape (n,)
    points, gap, mcse : dict of {str : ndarray of shape (n,)}
        By estimator: the estimates, their gaps, and the Monte Carlo errors of these.
    statuses : dict of {str : EstimateStatus}
    supports : sequence of tuple
        Lower and upper bound of each, None where there is none.
    left_out : str
        Which parameters are not shown, and why; "" if all are.
    """

    names: tuple[str, ...]
    labels: Mapping[str, str]
    titles: Mapping[str, str]
    x: NDArray[np.float64]
    discrete: NDArray[np.bool_]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    points: Mapping[str, NDArray[np.float64]]
    gap: Mapping[str, NDArray[np.float64]]
    mcse: Mapping[str, NDArray[np.float64]]
    statuses: Mapping[str, EstimateStatus]
    supports: Sequence[tuple[float | None, float | None]]
    left_out: str

    def draws(self, *, standardised: bool) -> xr.Dataset:
        """Draws, one variable a parameter; in posterior sd from the mean if standardised."""
        columns = {}
        for i, name in enumerate(self.names):
            x = self.x[..., i]
            if standardised:
                x = (x - self.mean[i]) / self.sd[i]
            elif self.discrete[i]:
                # As integers ArviZ draws them as a histogram.
                x = x.astype(int)
            columns[name] = (SAMPLE_DIMS, x)
        return xr.Dataset(
            columns,
            coords={"chain": np.arange(self.x.shape[0]), "draw": np.arange(self.x.shape[1])},
            attrs={"sample_dims": list(SAMPLE_DIMS)},
        )

    def drawn(self, estimator: str) -> NDArray[np.bool_]:
        """Whether the estimate exists, and lies within `FAR` posterior sd of the mean."""
        with np.errstate(invalid="ignore"):
            return np.abs(self.gap[estimator]) <= FAR

    def dataset(self, values: NDArray[np.float64]) -> xr.Dataset:
        """Values of shape (n,) or (n, 2), one variable a parameter."""
        dims = () if values.ndim == 1 else ("bound",)
        return xr.Dataset({name: (dims, values[i]) for i, name in enumerate(self.names)})

    def at(self, estimator: str) -> xr.Dataset:
        """Where to draw an estimate on the scale of the parameters; NaN where not at all."""
        if estimator == "mean":
            return self.dataset(self.mean)
        return self.dataset(np.where(self.drawn(estimator), self.points[estimator], np.nan))

    def absence(self, estimator: str, i: int, *, in_sd: bool) -> str:
        """Say why the estimate of parameter `i` is not drawn; "" if it is."""
        value = float((self.gap if in_sd else self.points)[estimator][i])
        if self.drawn(estimator)[i]:
            return ""
        if np.isnan(value):
            status = self.statuses[estimator]
            return f"{estimator}: {'not a number' if status.converged else status.words}"
        if np.isinf(value):
            return f"{estimator}: {'+' if value > 0 else '−'}∞"
        text = f"{value:+.3g} sd" if in_sd else f"{value:.3g}"
        return f"{estimator}: {text.replace('-', '−')}"

    def is_faded(self, estimator: str) -> bool:
        """Whether an estimate is no maximum, and so must not look like one."""
        return estimator in ESTIMATORS and not self.statuses[estimator].exists

    def legend(self, estimator: str) -> str:
        """Name of an estimator, with its status unless it is an interior maximum."""
        if estimator == "mean":
            return "posterior mean"
        status = self.statuses[estimator]
        name = status.estimator
        return name if status.converged else f"{name} ({status.words})"

    def labeller(self, *, with_absences: bool) -> BaseLabeller:
        """Make ArviZ write the titles, with a line for each estimate that is not drawn."""
        titles = {
            name: "\n".join(
                [
                    *(textwrap.fill(t, _WIDTH) for t in self.titles[name].split("\n")),
                    *(
                        text
                        for e in ESTIMATORS
                        if with_absences and (text := self.absence(e, i, in_sd=False))
                    ),
                ]
            )
            for i, name in enumerate(self.names)
        }
        return Titles(titles)


def marked(selected: Selected, labeller: Any, most: int, *, sort: bool = False) -> Marks:
    """Take what a figure of at most `most` of the parameters marks.

    Of more, those with the largest gaps are taken, in the order of the model, or the largest gap
    first with `sort`. An estimate which is infinite or does not exist counts as the largest gap.

    Raises
    ------
    ComparisonError
        If nothing is left to be drawn.
    """
    posterior, draws, gap = selected.posterior, selected.draws, selected.gap
    rows = selected.rows if labeller is None else scalars(posterior, SAMPLE_DIMS, labeller)
    chosen = _chosen(draws.varies, gap, most)
    if sort:
        chosen = chosen[by_gap(gap["MLE"][chosen], gap["MAP"][chosen])]
    if not len(chosen):
        raise ComparisonError(
            "Nothing to draw: the posterior draws of"
            f" {', '.join(r.label for r in rows[:5])} are constant or not finite."
        )
    names = _unique([rows[i].label for i in chosen])
    return Marks(
        names=names,
        labels={n: rows[i].label for n, i in zip(names, chosen, strict=True)},
        titles={
            n: rows[i].label if labeller is None else rows[i].title
            for n, i in zip(names, chosen, strict=True)
        },
        x=draws.x[..., chosen],
        discrete=_discrete(posterior)[chosen],
        mean=draws.mean[chosen],
        sd=draws.sd[chosen],
        points={e: p[chosen] for e, p in selected.estimates.items()},
        gap={e: g[chosen] for e, g in gap.items()},
        mcse={e: selected.gap_mcse_of(e, chosen) for e in gap},
        statuses=selected.statuses,
        supports=[selected.supports[i] for i in chosen],
        left_out=_left_out(len(chosen), draws.varies, most),
    )


def gap_size(gap: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Larger of the two gaps without its sign; infinite where an estimate does not exist."""
    both = np.abs(np.stack([gap[e] for e in ESTIMATORS]))
    return np.asarray(np.where(np.isnan(both), np.inf, both).max(0), dtype=float)


def by_gap(mle: NDArray[np.float64], map_: NDArray[np.float64]) -> NDArray[np.intp]:
    """Order from the largest gap to the least.

    The gap is that of the MAP, which the verdict leads with; that of the MLE where there is none.
    """
    size = np.abs(np.where(np.isnan(map_), mle, map_))
    return np.argsort(-np.nan_to_num(size, nan=-1.0), kind="stable")


def _chosen(
    varies: NDArray[np.bool_], gap: Mapping[str, NDArray[np.float64]], most: int
) -> NDArray[np.intp]:
    size = gap_size(gap)
    candidates = np.flatnonzero(varies)
    largest = np.argsort(-size[candidates], kind="stable")[:most]
    return np.sort(candidates[largest])


def _left_out(shown: int, varies: NDArray[np.bool_], most: int) -> str:
    varying, still = int(varies.sum()), int((~varies).sum())
    parts = []
    if varying > most:
        parts.append(f"{shown} of {varying} parameters: those with the largest gaps")
    if still:
        parts.append(f"{still} left out, whose draws are constant or not finite")
    return "; ".join(parts)


def _unique(labels: Sequence[str]) -> tuple[str, ...]:
    # A DataTree takes no slash in the name of a variable.
    names = tuple(label.replace("/", "∕") for label in labels)
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ComparisonError(
            f"The labeller gives the label {twice[0]!r} to more than one parameter: use one whose"
            " labels tell the parameters apart, or select with var_names and coords."
        )
    return names


def _discrete(posterior: xr.Dataset) -> NDArray[np.bool_]:
    count = posterior.sizes["chain"] * posterior.sizes["draw"]
    return np.concatenate(
        [np.full(da.size // count, da.dtype.kind != "f") for da in posterior.data_vars.values()]
    )
