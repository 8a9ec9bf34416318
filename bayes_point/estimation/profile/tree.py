"""Profiles as a labelled tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import chi2

from bayes_point.estimation.estimate.record import EstimateRecord
from bayes_point.estimation.profile.contours import Contour
from bayes_point.estimation.profile.curve import Curves, End, Grid
from bayes_point.estimation.profile.pieces import joined, together
from bayes_point.estimation.uncertainty.storage import as_datatree
from bayes_point.model.density.scalar import Scalars
from bayes_point.model.variables.circular import arc

__all__ = ["BOUNDS", "Row", "as_tree", "ends_of", "merged", "rows_of"]

BOUNDS = ["lower", "upper"]


@dataclass(frozen=True)
class Row:
    """What is reported of one scalar."""

    grid: Grid
    ends: tuple[End, End]
    stderr: float


def rows_of(curves: Curves, n: int) -> list[Row]:
    """Maximise on a grid of up to n points for each scalar, and find its interval."""
    return [
        Row(grid, curves.interval(k), curves.stderr(k)) for k, grid in enumerate(curves.grids(n))
    ]


def merged(starts: Sequence[list[Row]]) -> list[Row]:
    """Put together what was found from several maxima, the first being the best."""
    return [
        Row(
            together([row.grid for row in rows]),
            joined([row.ends for row in rows]),
            rows[0].stderr,
        )
        for rows in zip(*starts, strict=True)
    ]


def as_tree(
    estimate: EstimateRecord,
    scalars: Scalars,
    rows: list[Row],
    lines: list[Contour],
    prob: float,
    is_slice: bool,
    corrected: bool,
) -> xr.DataTree:
    """Put profiles, contours and the estimate that they are of into one tree."""
    groups = {
        "/profile": _profile_group(estimate, scalars, rows),
        "/path": _path_group(estimate, scalars, rows),
    }
    if lines:
        groups["/contours"] = _contours_group(scalars, lines)
    tree = xr.DataTree.from_dict(groups)
    tree["estimate"] = as_datatree(estimate)
    tree.attrs = {
        "estimator": estimate.estimator,
        "jacobian": int(estimate.jacobian),
        "maximised": estimate.maximised,
        "status": estimate.status.key,
        "log_density": estimate.certificate.value,
        "ci_prob": prob,
        "cutoff": float(chi2.ppf(prob, 1)),
        "slice": int(is_slice),
        "corrected": int(corrected),
    }
    return tree


def ends_of(scalars: Scalars, pairs: Sequence[tuple[End, End]]) -> NDArray[np.float64]:
    """Return the ends of the intervals, (K, 2); those of angles between -pi and pi."""
    ends = np.array([[end.at for end in pair] for pair in pairs], float)
    kinds = np.append(scalars.density.kinds, "")
    is_angle = kinds[scalars.coordinate] == "circular"
    return np.where(is_angle[:, None], arc(ends), ends)


def _padded(parts: list[NDArray], fill: Any) -> NDArray:
    """Stack arrays of unequal length, the shorter ones filled up at their end."""
    n = max(len(part) for part in parts)
    widths = [(0, 0)] * (parts[0].ndim - 1)
    return np.stack(
        [np.pad(part, [(0, n - len(part)), *widths], constant_values=fill) for part in parts]
    )


def _profile_group(estimate: EstimateRecord, scalars: Scalars, rows: list[Row]) -> xr.Dataset:
    both = ("parameter", "point")
    value = _padded([row.grid.value for row in rows], np.nan)
    root = _padded([row.grid.root for row in rows], np.nan)
    status = [np.where(row.grid.ok, "converged", "not_converged") for row in rows]
    point = np.array(
        [
            float(np.ravel(estimate.point[name].values)[i])
            for name, i in zip(scalars.names, scalars.indices, strict=True)
        ]
    )
    stderr = np.array([row.stderr for row in rows])
    stderr = np.where(_at_the_end(estimate, scalars), np.nan, stderr)
    quadratic = ((value - point[:, None]) / stderr[:, None]) ** 2
    return xr.Dataset(
        {
            "value": (both, value),
            "log_density": (both, _padded([row.grid.log_density for row in rows], np.nan)),
            "deviance": (both, root**2),
            "signed_root": (both, root),
            "quadratic_deviance": (both, quadratic),
            "status": (both, _padded(status, "")),
            "estimate": ("parameter", point),
            "stderr": ("parameter", stderr),
            "interval": (
                ("parameter", "ci_bound"),
                ends_of(scalars, [row.ends for row in rows]),
            ),
            "reason": (
                ("parameter", "ci_bound"),
                np.array([[end.kind for end in row.ends] for row in rows]),
            ),
        },
        coords={
            "parameter": list(scalars.labels),
            "point": np.arange(value.shape[1]),
            "ci_bound": BOUNDS,
        },
    )


def _path_group(estimate: EstimateRecord, scalars: Scalars, rows: list[Row]) -> xr.Dataset:
    """Label the free variables along each profile."""
    density = estimate.objective.density
    free = list(dict.fromkeys(density.variables))
    natural = density.natural(np.concatenate([row.grid.x for row in rows]))
    ends = np.cumsum([len(row.grid.x) for row in rows])[:-1]
    out = {}
    for name in free:
        values = _padded(np.split(np.asarray(natural[name], float), ends), np.nan)
        own = estimate.point[name]
        # The model may have dims of these names.
        own = own.rename({d: f"{d}_of_{name}" for d in own.dims if d in ("parameter", "point")})
        out[name] = xr.DataArray(
            values, dims=("parameter", "point", *own.dims), coords=dict(own.coords)
        )
    return xr.Dataset(out).assign_coords(
        parameter=list(scalars.labels),
        point=np.arange(next(iter(out.values())).sizes["point"]),
    )


def _contours_group(scalars: Scalars, lines: list[Contour]) -> xr.Dataset:
    labels = [[scalars.labels[k] for k in line.pair] for line in lines]
    return xr.Dataset(
        {
            "value": (("pair", "angle", "axis"), np.stack([line.values for line in lines])),
            "reason": (("pair", "angle"), np.array([line.kind for line in lines])),
            "parameter": (("pair", "axis"), np.array(labels)),
        },
        coords={
            "pair": [" and ".join(names) for names in labels],
            "angle": np.arange(len(lines[0].kind)),
            "axis": ["x", "y"],
        },
    )


def _at_the_end(estimate: EstimateRecord, scalars: Scalars) -> NDArray[np.bool_]:
    """Whether each scalar depends on a coordinate that is infinite at the estimate."""
    infinite = ~np.isfinite(estimate.unconstrained.values)
    if not np.any(infinite):
        return np.zeros(len(scalars.labels), bool)
    return np.array([infinite[j] if j >= 0 else bool(np.any(infinite)) for j in scalars.coordinate])
