"""What a figure of a path shows of each parameter, and where on its axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.comparison.inputs.draws import Draws, interval
from bayes_point.comparison.inputs.scalars import flatten, listed, scalars
from bayes_point.comparison.inputs.selection import select_posterior
from bayes_point.comparison.inputs.validate import SAMPLE_DIMS
from bayes_point.comparison.plots.marks import FAR
from bayes_point.comparison.plots.styling import Coords, Selection
from bayes_point.errors import ComparisonError

__all__ = ["DIMS", "Axis", "Panel", "dim_of", "panels_of"]

Array = NDArray[np.float64]

DIMS = {"prior_power": "power of the prior", "data_power": "power of the data"}
# Between the ends of the axis and what stands beside it, as a part of its length.
_GAP = 0.11


@dataclass(frozen=True)
class Panel:
    """One scalar parameter along the path; the posterior's numbers are NaN where there is none."""

    label: str
    title: str
    y: Array
    mean: float
    sd: float
    bounds: Array

    @property
    def name(self) -> str:
        """The label, without the slash that a DataTree does not take."""
        return self.label.replace("/", "∕")

    @property
    def moves(self) -> float:
        """How far the estimate goes along the path, in posterior sd; infinite if it diverges."""
        y = np.where(np.isnan(self.y), 0 if np.isnan(self.mean) else self.mean, self.y)
        span = np.ptp(y) if np.all(np.isfinite(y)) else np.inf
        return float(span / self.sd) if self.sd > 0 else float(span)

    def is_near(self, i: int) -> bool:
        """Whether the estimate at power number i is within the limits."""
        low, high = self.limits()
        return bool(low <= self.y[i] <= high)

    def limits(self) -> tuple[float, float]:
        """Return what of the axis is shown: the posterior, and as much of the path as is near."""
        near = self.y[np.isfinite(self.y)]
        if self.sd > 0:
            near = near[np.abs(near - self.mean) <= FAR * self.sd]
        shown = np.concatenate([near, self.bounds[np.isfinite(self.bounds)]])
        if not shown.size:
            return -1.0, 1.0
        low, high = float(shown.min()), float(shown.max())
        pad = 0.08 * (high - low) or 0.05 * (abs(high) or 1.0)
        return low - pad, high + pad


@dataclass(frozen=True)
class Axis:
    """The logarithm of the power, with places beside it for 0, infinity and the posterior."""

    power: Array
    x: Array
    beside: float

    @classmethod
    def of(cls, power: Array, posterior: bool) -> Axis:
        """Lay out ascending powers, and a place for the posterior if there is one."""
        inside = np.isfinite(power) & (power > 0)
        u = np.log10(power, where=inside, out=np.zeros_like(power))
        low, high = (u[inside].min(), u[inside].max()) if inside.any() else (0.0, 0.0)
        gap = _GAP * max(high - low, 1.0)
        x = np.where(power == 0, low - gap, np.where(np.isinf(power), high + gap, u))
        return cls(power, x, float(x.max() + gap) if posterior else np.nan)

    @property
    def within(self) -> NDArray[np.bool_]:
        """Which powers have a logarithm."""
        return np.isfinite(self.power) & (self.power > 0)

    def bridge(self, y: Array) -> tuple[Array, Array]:
        """Return the line between the end of the logarithmic axis and 0 or infinity."""
        ends = np.flatnonzero(~self.within)
        if not ends.size or not np.all(np.isfinite(y[ends])):
            return np.full(2, np.nan), np.full(2, np.nan)
        rows = [0, 1] if ends[0] == 0 else [-2, -1]
        return (self.x[rows], y[rows]) if len(y) > 1 else (self.x[:1], y[:1])

    def ticks(self) -> tuple[list[float], list[str]]:
        """Return where the ticks are, and their labels."""
        inside = self.x[self.within]
        low, high = (inside.min(), inside.max()) if inside.size else (0.0, 0.0)
        decades = np.arange(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
        # Every second decade where they are many, and always the one of the MAP.
        decades = decades[decades % (1 + (len(decades) > 5)) == 0]
        at_ends = self.x[~self.within]
        room = 1.7 * _GAP * max(high - low, 1.0)
        decades = np.array([d for d in decades if np.all(np.abs(d - at_ends) > room)])
        at = [*map(float, decades), *map(float, at_ends)]
        ends = ["0" if p == 0 else "∞" for p in self.power[~self.within]]
        labels = [f"{10.0**d:g}" if -5 < d < 5 else f"1e{d:g}" for d in decades] + ends
        return at, labels


def dim_of(path: Any) -> str:
    """Return the dim along which the power grows; raise if there is none."""
    if isinstance(path, xr.Dataset) and "status" in path.coords:
        dims = [dim for dim in DIMS if dim in path.dims]
        if dims:
            return dims[0]
    got = f"a Dataset with the dims {list(path.dims)}" if isinstance(path, xr.Dataset) else ""
    raise ComparisonError(
        f"Got {got or type(path).__name__}: pass what bp.prior_path(model) or bp.data_path(model) "
        "returns, and the tree of bp.fit(model) as posterior=."
    )


def panels_of(
    path: xr.Dataset,
    dim: str,
    select: tuple[Selection, str | None, Coords],
    posterior: xr.DataTree | None,
    labeller: Any,
    prob: float,
    kind: str,
) -> list[Panel]:
    """Return what is drawn of each parameter that is selected."""
    # Laid out as draws, one a power, it is selected from and flattened as draws are.
    rows = path.drop_vars([name for name in path.coords if dim in path[name].dims])
    as_draws = xr.DataTree.from_dict({"posterior": rows.rename({dim: "draw"}).expand_dims("chain")})
    chosen = select_posterior(as_draws, *select)
    y = flatten(chosen, SAMPLE_DIMS)[0]
    named = scalars(chosen, SAMPLE_DIMS, labeller)
    n = len(named)
    mean, sd, bounds = np.full(n, np.nan), np.full(n, np.nan), np.full((n, 2), np.nan)
    if posterior is not None:
        drawn = select_posterior(posterior, None, None, None)
        place = {row.label: i for i, row in enumerate(scalars(drawn, SAMPLE_DIMS, labeller))}
        if missing := [row.label for row in named if row.label not in place]:
            raise ComparisonError(
                f"The posterior has no {listed(missing)}, which the path has. Pass the posterior "
                "of the same model, or choose with var_names what both have."
            )
        draws = Draws.of(flatten(drawn, SAMPLE_DIMS)[..., [place[row.label] for row in named]])
        mean, sd = draws.mean, draws.sd
        bounds = np.stack(interval(draws, prob, kind), axis=1)
    return [
        Panel(
            row.label,
            row.label if labeller is None else row.title,
            y[:, i],
            float(mean[i]),
            float(sd[i]),
            bounds[i],
        )
        for i, row in enumerate(named)
    ]
