"""The posterior predictive check: for each observed variable the plot of ArviZ that suits it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_point.report.sections.figures import Figure, draw

if TYPE_CHECKING:
    import xarray as xr

MAX_VARIABLES = 6

FEW = 40
"""Up to so many observations each is shown with its own predictive interval."""

MAX_COUNTS = 100
"""Up to so many distinct counts a rootogram shows each."""

MAX_DRAWS, MAX_CELLS = 1000, 4_000_000
"""Bounds on the draws used: as many as these, and as few numbers as this in all."""

SIZE = (6.4, 3.1)
"""Inches."""


@dataclass(frozen=True)
class Check:
    """One observed variable: a sentence, and its figure if one can be drawn."""

    name: str
    sentence: str
    figure: Figure | None


@dataclass(frozen=True)
class _Data:
    """Observations ``(observation,)`` and predictions ``(draw, observation)`` of one variable."""

    name: str
    observed: np.ndarray
    predicted: np.ndarray
    labels: list[str]
    notes: str

    def tree(self) -> xr.DataTree:
        import xarray as xr

        dims = ("chain", "draw", "observation")
        predicted = xr.Dataset({self.name: (dims, self.predicted[None])})
        observed = xr.Dataset({self.name: ("observation", self.observed)})
        return xr.DataTree.from_dict({"posterior_predictive": predicted, "observed_data": observed})


def predictive(tree: xr.DataTree, ci_prob: float) -> dict[str, Any]:
    """Check every observed variable; also say in words what could not be checked."""
    missing = [g for g in ("observed_data", "posterior_predictive") if g not in tree.children]
    if missing:
        note = f"The fit has no group {' and no group '.join(missing)}: there is nothing to check."
        return {"checks": [], "notes": [note]}
    observed, predicted = tree["observed_data"].dataset, tree["posterior_predictive"].dataset
    names = [str(name) for name in observed.data_vars]
    both = [name for name in names if name in predicted.data_vars]
    notes = [f"{n} has no posterior predictive draws." for n in names if n not in both]
    if left_out := both[MAX_VARIABLES:]:
        notes.append(f"The first {MAX_VARIABLES} are shown; left out: {', '.join(left_out)}.")
    found = [_check(_prepare(observed[n], predicted[n]), ci_prob) for n in both[:MAX_VARIABLES]]
    return {"checks": found, "notes": notes}


def _prepare(observed: xr.DataArray, predicted: xr.DataArray) -> _Data:
    """Flatten the observations, thin the draws evenly, drop what is not a number."""
    dims = [str(d) for d in observed.dims]
    draws = predicted.transpose("chain", "draw", *dims).to_numpy()
    draws = draws.reshape((draws.shape[0] * draws.shape[1], -1))
    keep = max(50, min(MAX_DRAWS, MAX_CELLS // max(1, draws.shape[1])))
    draws = draws[:: max(1, -(-len(draws) // keep))]
    values = observed.to_numpy().ravel()
    labels = [str(i) for i in range(values.size)]
    if len(dims) == 1 and dims[0] in observed.coords:
        labels = [str(v) for v in observed[dims[0]].to_numpy()]
    notes = ""
    here = np.isfinite(values)
    if not here.all():
        notes += f" {int((~here).sum())} missing observations are left out."
        values, draws = values[here], draws[:, here]
        labels = [label for label, ok in zip(labels, here, strict=True) if ok]
    whole = np.isfinite(draws).all(axis=1)
    if not whole.all():
        notes += f" {1 - whole.mean():.1%} of the draws predict values that are not finite."
        draws = draws[whole]
    if draws.dtype.kind in "biu":
        draws = draws.astype(np.int64)
        if np.array_equal(values, np.round(values)):
            values = values.astype(np.int64)
    return _Data(str(observed.name), values, draws, labels, notes)


def _check(data: _Data, ci_prob: float) -> Check:
    if data.observed.size == 0 or len(data.predicted) < 2:
        sentence = f"{data.name} has no observations and draws that can be compared.{data.notes}"
        return Check(data.name, sentence, None)
    if data.observed.dtype.kind != data.predicted.dtype.kind == "i":
        # Counts that were observed as fractions: neither plot of counts applies to them.
        data = _Data(
            data.name, data.observed, data.predicted.astype(float), data.labels, data.notes
        )
    discrete = data.predicted.dtype.kind == "i"
    binary = discrete and np.isin(data.observed, (0, 1)).all() and data.predicted.max() <= 1
    if binary and data.predicted.min() >= 0:
        return _calibration(data, ci_prob) if _differ(data) else _frequencies(data, ci_prob)
    if data.observed.size <= FEW:
        return _intervals(data, ci_prob)
    if discrete and data.predicted.min() >= 0 and np.unique(data.predicted).size <= MAX_COUNTS:
        return _frequencies(data, ci_prob)
    return _distribution(data, ci_prob)


def _differ(data: _Data) -> bool:
    """Whether the model gives the observations different probabilities, beyond Monte Carlo noise.

    Where they are all alike, as for a coin, a calibration curve would show that noise only. The
    means of S draws of a common p vary by p (1 - p) / S; they differ at more than four times that.
    """
    p = data.predicted.mean(axis=0)
    common = p.mean()
    noise = common * (1 - common) / len(data.predicted)
    return bool(p.size > 1 and p.var() > 4 * noise)


def _calibration(data: _Data, ci_prob: float) -> Check:
    sentence = _proportion(data, ci_prob)
    alt = (
        f"Calibration curve of {data.name}: observed frequency of 1 against its predicted "
        f"probability, with the {ci_prob:.0%} band in which a calibrated model would lie. "
    )
    caption = (
        "Observed frequency against predicted probability (PAV-adjusted calibration). A "
        "calibrated model stays within the band around the dashed diagonal."
    )
    visuals = {
        "xlabel": {"text": "predicted probability"},
        "ylabel": {"text": "observed frequency"},
    }
    return _drawn(data, "plot_ppc_pava", sentence, alt + sentence, caption, ci_prob=ci_prob,
                  visuals=visuals)  # fmt: skip


def _frequencies(data: _Data, ci_prob: float) -> Check:
    values = np.union1d(data.observed, data.predicted)
    binary = bool(np.isin(values, (0, 1)).all())
    sentence = _proportion(data, ci_prob) if binary else _coverage(data, ci_prob)
    alt = (
        f"How often each value of {data.name} was observed (dots) and is predicted (diamonds "
        f"with {ci_prob:.0%} intervals). "
    )
    caption = (
        f"How often each value was observed (dots) and how often the model predicts it (diamonds, "
        f"{ci_prob:.0%} intervals){'' if binary else ', on a square-root scale'}."
    )

    def few_ticks(axes: Any) -> None:
        if binary:
            axes.set_xticks([0, 1])
            axes.set_xlim(-0.5, 1.5)
        _whole_numbers(axes.yaxis)

    return _drawn(data, "plot_ppc_rootogram", sentence, alt + sentence, caption, adjust=few_ticks,
                  ci_prob=ci_prob, yscale="linear" if binary else "sqrt",
                  visuals={"grid": {"color": "#e4e4e4"}, "xlabel": {"text": "value"}})  # fmt: skip


def _intervals(data: _Data, ci_prob: float) -> Check:
    sentence = _coverage(data, ci_prob)
    alt = f"Each observation of {data.name} (small dots) on its posterior predictive intervals. "
    caption = (
        f"Each observation (small dot) on its posterior predictive mean and its 50% and "
        f"{ci_prob:.0%} intervals."
    )

    def ticks(axes: Any) -> None:
        if len(data.labels) <= 12 and sum(map(len, data.labels)) <= 60:
            axes.set_xticks(range(len(data.labels)), data.labels)
            axes.set_xlim(-0.5, len(data.labels) - 0.5)
        else:
            _whole_numbers(axes.xaxis)

    return _drawn(data, "plot_ppc_interval", sentence, alt + sentence, caption, adjust=ticks,
                  ci_probs=(0.5, ci_prob), ci_kind="eti",
                  visuals={"xlabel": {"text": "observation"}})  # fmt: skip


def _distribution(data: _Data, ci_prob: float) -> Check:
    sentence = _coverage(data, ci_prob)
    shown = min(50, len(data.predicted))
    alt = (
        f"Distribution of the observed {data.name} (bold line) over {shown} data sets drawn from "
        "the posterior predictive distribution (thin lines). "
    )
    caption = f"The observed data (bold) among {shown} data sets that the model predicts (thin)."

    def limits(axes: Any) -> None:
        # A heavy tail of one predicted data set must not squeeze the data into a line.
        low, high = np.quantile(data.predicted, [0.002, 0.998])
        low, high = min(low, data.observed.min()), max(high, data.observed.max())
        room = 0.04 * (high - low)
        if room > 0:
            axes.set_xlim(low - room, high + room)

    kind = "ecdf" if data.predicted.dtype.kind == "i" else None
    return _drawn(data, "plot_ppc_dist", sentence, alt + sentence, caption, adjust=limits,
                  num_samples=shown, kind=kind,
                  visuals={"observed_dist": {"width": 2.5}})  # fmt: skip


def _drawn(
    data: _Data,
    function: str,
    sentence: str,
    alt: str,
    caption: str,
    *,
    adjust: Callable[[Any], None] | None = None,
    **options: Any,
) -> Check:
    def plot() -> Any:
        import arviz_plots

        with warnings.catch_warnings():
            # The choice that ArviZ recommends here was made above.
            warnings.filterwarnings("ignore", r"Variables .* look (binary|discrete)", UserWarning)
            # ArviZ keeps the counts of two values as "chains", and warns of its own arrangement.
            warnings.filterwarnings("ignore", r"Found chain dimension to be longer", UserWarning)
            pc = getattr(arviz_plots, function)(
                data.tree(),
                backend="matplotlib",
                figure_kwargs={"figsize": SIZE, "figsize_units": "inches"},
                **options,
            )
        if adjust is not None:
            adjust(pc.get_viz("plot", data.name))
        return pc

    figure = draw(plot, alt=alt, caption=caption)
    return Check(data.name, sentence + data.notes, figure)


def _coverage(data: _Data, ci_prob: float) -> str:
    tail = (1 - ci_prob) / 2
    low, high = np.quantile(data.predicted, [tail, 1 - tail], axis=0)
    n = data.observed.size
    inside = int(((low <= data.observed) & (data.observed <= high)).sum())
    return (
        f"{inside:,} of {n:,} observations of {data.name} ({inside / n:.0%}) lie in their "
        f"{ci_prob:.0%} posterior predictive interval."
    )


def _proportion(data: _Data, ci_prob: float) -> str:
    tail = (1 - ci_prob) / 2
    low, high = np.quantile(data.predicted.mean(axis=1), [tail, 1 - tail])
    n, ones = data.observed.size, int(data.observed.sum())
    return (
        f"{ones} of {n} observations of {data.name} are 1 ({ones / n:.0%}); the model predicts "
        f"{low:.0%} to {high:.0%} ({ci_prob:.0%} interval)."
    )


def _whole_numbers(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=8))
