"""What is compared: the draws and the estimates of the variables asked for, scalar by scalar."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayes_point.comparison.inputs.draws import Draws, circular_names, gap_mcse
from bayes_point.comparison.inputs.marginal import headline
from bayes_point.comparison.inputs.scalars import Scalar, flatten, scalars
from bayes_point.comparison.inputs.selection import select
from bayes_point.comparison.inputs.statuses import EstimateStatus, estimate_statuses
from bayes_point.comparison.inputs.validate import ESTIMATORS, SAMPLE_DIMS
from bayes_point.comparison.inputs.wholeness import check_readable

__all__ = ["Selected", "Support", "supports_of"]

Array = NDArray[np.float64]
Support = tuple[float | None, float | None]


def supports_of(tree: xr.DataTree, rows: Sequence[Scalar]) -> list[Support]:
    """Return the bounds of parameters, None where there is none, or the tree knows of none."""
    known = json.loads(str(tree.attrs.get("supports", "{}")))
    return [tuple(known.get(row.variable, (None, None))) for row in rows]


@dataclass(frozen=True)
class Selected:
    """Draws and estimates of n scalar parameters, and their gaps, each computed once.

    Attributes
    ----------
    tree : xarray.DataTree
        The tree of a fit, its marginal estimates as MLE and MAP if it has them: see `headline`.
    selection : mapping
        ``var_names``, ``filter_vars`` and ``coords``, as in ArviZ.
    posterior, points : xarray.Dataset
        As `select` returns them.
    """

    tree: xr.DataTree
    selection: Mapping[str, Any]
    posterior: xr.Dataset
    points: xr.Dataset

    @classmethod
    def of(cls, dt: xr.DataTree, var_names: Any, filter_vars: Any, coords: Any) -> Selected:
        """Take the variables and coords asked for from the tree of a fit.

        Raises
        ------
        ComparisonError
            If `dt` is not the tree of a fit, or the selection names what is not there.
        """
        selection = {"var_names": var_names, "filter_vars": filter_vars, "coords": coords}
        if isinstance(dt, xr.DataTree):  # of what else it may be, `select` says what is wrong
            check_readable(dt)
            dt = headline(dt)
        return cls(dt, selection, *select(dt, **selection))

    @cached_property
    def rows(self) -> list[Scalar]:
        """The scalar parameters, in their order."""
        return scalars(self.posterior, SAMPLE_DIMS)

    @cached_property
    def draws(self) -> Draws:
        """Their draws."""
        names = circular_names(self.tree)
        return Draws.of(
            flatten(self.posterior, SAMPLE_DIMS), [r.variable in names for r in self.rows]
        )

    @cached_property
    def estimates(self) -> dict[str, Array]:
        """MLE and MAP by name, each (n,); angles on the turn of the draws."""
        points = self.draws.near(flatten(self.points, ("estimator",)))
        return dict(zip(ESTIMATORS, points, strict=True))

    @cached_property
    def statuses(self) -> dict[str, EstimateStatus]:
        """How the search for each estimate ended."""
        return estimate_statuses(self.tree)

    @cached_property
    def gap(self) -> dict[str, Array]:
        """Distances of MLE and MAP from the mean in posterior sd, NaN where the draws are still."""
        draws = self.draws
        scale = np.where(draws.varies, draws.sd, np.nan)
        with np.errstate(invalid="ignore"):
            return {name: (value - draws.mean) / scale for name, value in self.estimates.items()}

    @cached_property
    def gap_mcse(self) -> dict[str, Array]:
        """The Monte Carlo errors of these."""
        draws = self.draws
        return {name: gap_mcse(draws.z, gap, draws.varies) for name, gap in self.gap.items()}

    @cached_property
    def freedom(self) -> list[tuple[int, int] | None]:
        """Numbers of observations and coefficients of what is a residual sd, else None."""
        known = json.loads(str(self.tree.attrs.get("residual_freedom", "{}")))
        return [tuple(known[r.variable]) if r.variable in known else None for r in self.rows]

    @cached_property
    def supports(self) -> list[Support]:
        """Bounds of the parameters."""
        return supports_of(self.tree, self.rows)

    def corrected_gap(self, estimator: str) -> Array:
        """Return the gaps, those of residual sd with the correction for the coefficients."""
        draws, gap = self.draws, self.gap[estimator].copy()
        for i, freedom in enumerate(self.freedom):
            if freedom is not None and draws.varies[i]:
                n, p = freedom
                value = self.estimates[estimator][i] * math.sqrt(n / (n - p))
                gap[i] = (value - draws.mean[i]) / draws.sd[i]
        return gap

    def gap_mcse_of(self, estimator: str, which: NDArray[np.intp]) -> Array:
        """Return those of some parameters alone."""
        if "gap_mcse" in self.__dict__:
            return self.gap_mcse[estimator][which]
        draws = self.draws
        return gap_mcse(draws.z[..., which], self.gap[estimator][which], draws.varies[which])
