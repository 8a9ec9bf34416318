"""Covariance and standard errors of an estimate, by the delta method with exact derivatives."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from bayes_point.errors import ModelError
from bayes_point.estimation.information import Information
from bayes_point.estimation.meat import middle
from bayes_point.model.density import LogDensity
from bayes_point.model.derivatives import natural_derivatives
from bayes_point.model.scalar import select_elements

if TYPE_CHECKING:
    from bayes_point.estimation.point_estimate import PointEstimate

__all__ = ["Cluster", "Kind", "Quantities", "StandardErrors", "covariance", "stderr"]

Array = NDArray[np.float64]
Kind = Literal["hessian", "sandwich", "opg"]
Cluster = str | ArrayLike | Mapping[str, ArrayLike] | None

# What part of a quantity's variation a null direction may have, for it to count as identified:
# its derivatives are known to so many digits.
_IDENTIFIED = 1e-6
# A standard error below this part of the value is a derivative of zero with its rounding.
_ZERO = 1e-14
# A covariance of more scalars is asked for by name: its square would fill the memory.
_MOST = 2000

_KINDS = {
    "hessian": "the inverse of the observed information",
    "sandwich": "the sandwich of the inverse information and the outer product of the scores",
    "opg": "the inverse of the outer product of the scores",
}
_LAPLACE = (
    "the Laplace approximation of the posterior: the inverse of the negative Hessian at the mode"
)


@dataclass(frozen=True)
class Quantities:
    """Scalars that are functions of the unconstrained vector, at an estimate.

    Attributes
    ----------
    labels : list of str
        Their names.
    values : ndarray, (n,)
        Their values at the estimate.
    jacobian : ndarray, (n, p)
        Their derivatives by the unconstrained vector.
    before : ndarray, (n, p)
        The same at the start of the path to the estimate.
    depends : ndarray of bool, (n, p)
        Which coordinates they depend on, at the estimate or elsewhere.
    own : ndarray of bool, (n, p)
        Which coordinates are those of the scalar itself, or of the variable it is an element of.
    """

    labels: list[str]
    values: Array
    jacobian: Array
    before: Array
    depends: NDArray[np.bool_]
    own: NDArray[np.bool_]

    @classmethod
    def unconstrained(cls, estimate: PointEstimate) -> Quantities:
        """Return the coordinates of the unconstrained vector themselves."""
        p, labels = estimate.objective.p, estimate.objective.density.labels
        eye = np.eye(p)
        return cls(labels, estimate.unconstrained.values, eye, eye, eye != 0, eye != 0)

    @classmethod
    def natural(cls, estimate: PointEstimate) -> Quantities:
        """Return every element of the free variables and Deterministics on the natural scale."""
        density, point = estimate.objective.density, estimate.point
        derivatives, path = natural_derivatives(density), estimate.certificate.path
        # At an edge, and where a derivative vanishes, it does not show what depends on what.
        places = (path[-1], path[0], path[0] + 0.1 * np.cos(np.arange(density.p)))
        with np.errstate(all="ignore"):
            jacobian, before, nearby = (
                _rows(derivatives.jacobian(x), point, density.p) for x in places
            )
        depends = (jacobian != 0) | (before != 0) | (nearby != 0)
        labels, values, own = [], [], []
        for name in map(str, point.data_vars):
            for label, value in density.elements(name, np.asarray(point[name], dtype=float)):
                labels.append(label)
                values.append(value)
                own.append([of in (label, name) for of in density.parameters])
        return cls(labels, np.array(values), jacobian, before, depends, np.array(own, bool))

    def of(self, rows: NDArray[np.int_]) -> Quantities:
        """Return some of them."""
        return Quantities(
            [self.labels[i] for i in rows],
            self.values[rows],
            self.jacobian[rows],
            self.before[rows],
            self.depends[rows],
            self.own[rows],
        )


@dataclass(frozen=True)
class StandardErrors:
    """Standard errors of `Quantities`, and why they are not numbers where they are not.

    Attributes
    ----------
    values : ndarray, (n,)
        inf where the data do not identify the quantity, NaN where there is none.
    notes : list of str, (n,)
        The reason, or what was held fixed; empty where there is nothing to say.
    rows : ndarray, (n, r)
        What, times its transpose, is the covariance of the quantities that have one.
    astray : ndarray of bool, (n,)
        Whether the quantity depends on what is on an edge, at infinity or not identified.
    """

    values: Array
    notes: list[str]
    rows: Array
    astray: NDArray[np.bool_]

    @property
    def covariance(self) -> Array:
        """The covariance, (n, n): NaN off the diagonal where there is no standard error."""
        c = self.rows @ self.rows.T
        bad = ~np.isfinite(self.values)
        c[bad, :] = c[:, bad] = np.nan
        c[bad, bad] = np.where(np.isinf(self.values[bad]), np.inf, np.nan)
        return c


def standard_errors(
    estimate: PointEstimate, quantities: Quantities, kind: Kind, cluster: Cluster
) -> StandardErrors:
    """Return the standard errors of quantities by the delta method."""
    info = estimate.information
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(all="ignore"):
        rows = quantities.jacobian @ info.axes @ middle(estimate, info, kind, cluster)
        values = np.linalg.norm(rows, axis=1)
        return _judged(estimate, quantities, info, values, rows)


def _judged(
    estimate: PointEstimate, q: Quantities, info: Information, values: Array, rows: Array
) -> StandardErrors:
    """Replace standard errors that are none by inf or NaN, and say why."""
    n = len(values)
    parts = [np.square(q.jacobian @ axes).sum(axis=1) for axes in (info.axes, info.null, info.weak)]
    whole = sum(parts)
    unidentified = (parts[1] > _IDENTIFIED**2 * whole) | (q.depends & info.where("flat")).any(1)
    weak = parts[2] > _IDENTIFIED**2 * whole
    stuck = q.depends & info.where("edge", "infinite", "kink")
    stuck[_measured(q, info, stuck, parts[0])] = False
    held = _held(estimate, info)
    notes = [""] * n
    values = values.copy()
    for i in range(n):
        if np.isinf(q.values[i]) and stuck[i].any():
            values[i], notes[i] = np.inf, "at infinity"
        elif stuck[i].any():
            values[i], notes[i] = np.nan, _stuck(estimate, q, info, i, stuck[i])
        elif unidentified[i]:
            values[i], notes[i] = np.inf, "not identified"
        elif weak[i]:
            values[i], notes[i] = np.nan, "the curvature at the maximum says nothing of the fall"
        elif not q.depends[i].any():
            values[i], notes[i] = np.nan, _constant(q.labels[i].split("[")[0], estimate)
        elif values[i] <= _ZERO * abs(q.values[i]) or values[i] == 0:
            values[i], notes[i] = np.nan, "its derivative vanishes at the estimate"
        elif held:
            notes[i] = held
    return StandardErrors(values, notes, rows, stuck.any(axis=1) | unidentified)


def _constant(name: str, estimate: PointEstimate) -> str:
    """Say why a variable does not depend on the unconstrained vector."""
    discrete = estimate.objective.density.bound
    if name in discrete:
        return "discrete"
    return "constant given the discrete variables" if discrete else "a constant"


def _measured(
    q: Quantities, info: Information, stuck: NDArray[np.bool_], part: Array
) -> NDArray[np.bool_]:
    """Whether quantities do not change on the way to the edge: the other shares of a simplex.

    They depend on coordinates that go there together, but not on the direction in which these go.
    """
    together = np.any(info.lost != 0, axis=1)
    only = ~(stuck & ~together).any(axis=1)
    lost = np.square(q.jacobian @ info.lost).sum(axis=1)
    before = np.square(q.before @ info.axes).sum(axis=1)
    still = (lost <= _IDENTIFIED**2 * part) & (part > _IDENTIFIED**2 * before)
    return together.any() & only & still & np.isfinite(q.values)


def _stuck(
    estimate: PointEstimate, q: Quantities, info: Information, i: int, stuck: NDArray[np.bool_]
) -> str:
    own = np.flatnonzero(stuck & q.own[i])
    if own.size:
        return info.words(int(own[0]))
    j = int(np.flatnonzero(stuck)[0])
    return f"depends on {estimate.objective.density.parameters[j]}, {info.words(j)}"


def _held(estimate: PointEstimate, info: Information) -> str:
    """Say what was held fixed while the others were measured."""
    density = estimate.objective.density
    columns = np.flatnonzero(info.where("edge", "infinite", "kink"))
    # Of a simplex, by the element that is zero and not by the coordinates that go with it.
    found = [name for finding in estimate.findings for name in finding.parameters]
    names = dict.fromkeys(
        name
        for j in columns
        for name in (
            [n for n in found if n.split("[")[0] == density.variables[j]]
            if info.lost[j].any()
            else [density.parameters[j]]
        )
    )
    if not names:
        return ""
    listed = ", ".join(list(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"holds {listed} fixed"


def _rows(parts: Mapping[str, Array], point: xr.Dataset, p: int) -> Array:
    """Stack the derivatives of all scalars, (n, p); discrete variables have none."""
    return np.concatenate(
        [
            np.asarray(parts[str(name)], float) if str(name) in parts else np.zeros((array.size, p))
            for name, array in point.data_vars.items()
        ],
        axis=None,
    ).reshape(-1 if p else sum(array.size for array in point.data_vars.values()), p)


# ---------------------------------------------------------------------------- labelled results


def stderr(estimate: PointEstimate, *, kind: Kind, cluster: Cluster) -> xr.Dataset:
    """Return the standard errors of every free variable and Deterministic, labelled."""
    errors = standard_errors(estimate, estimate.quantities, kind, cluster)
    return labelled(estimate, errors.values, errors.notes).assign_attrs(
        text=in_words(estimate, kind, cluster)
    )


def labelled(estimate: PointEstimate, values: Array, notes: Sequence[str]) -> xr.Dataset:
    """Put values of all natural-scale scalars into the shape of the estimate's point.

    `values` are (n,), or the ends of intervals, (n, 2); the notes go into the attrs of the
    variables, a line a scalar.
    """
    density, arrays, start = estimate.objective.density, {}, 0
    extra = {"ci_bound": ["lower", "upper"]} if values.ndim == 2 else {}
    for name, like in estimate.point.data_vars.items():
        stop = start + like.size
        pairs = density.elements(str(name), np.array(notes[start:stop], object).reshape(like.shape))
        text = "\n".join(f"{label}: {note}" for label, note in pairs if note)
        arrays[name] = xr.DataArray(
            values[start:stop].reshape((*like.shape, *values.shape[1:])),
            dims=(*like.dims, *extra),
            coords={**like.coords, **extra},
            attrs={"notes": text} if text else {},
        )
        start = stop
    return xr.Dataset(arrays)


def covariance(
    estimate: PointEstimate,
    *,
    kind: Kind,
    cluster: Cluster,
    scale: str,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> xr.DataArray:
    """Return the covariance matrix, labelled on both sides."""
    if scale == "unconstrained":
        if var_names is not None or filter_vars is not None or coords is not None:
            raise ModelError(
                "var_names, filter_vars and coords select variables on the natural scale. For "
                "scale='unconstrained' leave them out and select from the result."
            )
        q = Quantities.unconstrained(estimate)
    elif scale == "natural":
        rows = selected(estimate, var_names, filter_vars, coords)
        if len(rows) > _MOST:
            raise ModelError(
                f"The covariance of {len(rows)} scalars would hold {len(rows) ** 2:,} numbers. "
                "Say which of them are wanted with var_names= or coords=."
            )
        q = estimate.quantities.of(rows)
    else:
        raise ModelError(f"Got scale={scale!r}. It must be 'natural' or 'unconstrained'.")
    errors = standard_errors(estimate, q, kind, cluster)
    notes = "\n".join(f"{a}: {b}" for a, b in zip(q.labels, errors.notes, strict=True) if b)
    return xr.DataArray(
        errors.covariance,
        dims=("parameter", "parameter_bis"),
        coords={"parameter": q.labels, "parameter_bis": q.labels},
        name="covariance",
        attrs={"text": in_words(estimate, kind, cluster)} | ({"notes": notes} if notes else {}),
    )


def selected(
    estimate: PointEstimate,
    var_names: str | Sequence[str] | None,
    filter_vars: str | None,
    coords: Mapping[Hashable, Any] | None,
) -> NDArray[np.int_]:
    """Return the numbers of the scalars asked for, all by default, in the order of the point."""
    density: LogDensity = estimate.objective.density
    names = [str(name) for name in estimate.point.data_vars]
    ds = select_elements(density, names if var_names is None else var_names, filter_vars, coords)
    sizes = [estimate.point[name].size for name in names]
    start = dict(zip(names, np.cumsum([0, *sizes[:-1]]), strict=True))
    return np.concatenate([start[str(k)] + np.ravel(v.values) for k, v in ds.data_vars.items()])


def in_words(estimate: PointEstimate, kind: Kind, cluster: Cluster) -> str:
    """Say what kind of covariance it is."""
    text = _LAPLACE if estimate.estimator == "MAP" else _KINDS[kind]
    return text + (", summed over clusters" if cluster is not None else "")
