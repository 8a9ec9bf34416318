"""The points between MLE and posterior mean, and the steps from one to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayes_point.comparison.causes.marginal_mode import FEWEST, MarginalModes, marginal_modes
from bayes_point.comparison.causes.scales import Scale, scales_of
from bayes_point.comparison.inputs.draws import Draws, mcse
from bayes_point.comparison.inputs.scalars import Scalar, flatten
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.selection import n_free, select_mode
from bayes_point.comparison.inputs.statuses import EstimateStatus, mode_status

__all__ = ["POINTS", "Chain"]

Array = NDArray[np.float64]

POINTS = ("MLE", "MAP", "mode", "marginal mode", "median", "mean")

# Points that the draws do not move.
_FIXED = {"MLE", "MAP", "mode"}

NAMES = {
    "MLE": "the MLE",
    "MAP": "the MAP",
    "mode": "the mode on the unconstrained scale",
    "marginal mode": "the mode of the marginal posterior",
}

# Statuses under which the parameters that the findings name have no value, and the others do.
_OPEN_ENDED = ("at_infinity", "not_identified")

# Half the share of the draws about the median that its density is counted in.
_ABOUT_MEDIAN = 0.05


@dataclass(frozen=True)
class Chain:
    """Points of n scalar parameters, each in posterior sd from the posterior mean.

    Attributes
    ----------
    selected : Selected
        The parameters.
    points : dict of {str : ndarray of shape (n,)}
        By name, those of `POINTS`; NaN where there is no such point.
    modes : MarginalModes
        Of the marginal densities on the unconstrained scale, put back on that of the draws.
    missing : tuple of dict of {str : str}
        For each parameter, why a point is missing, by name of the point.
    """

    selected: Selected
    points: Mapping[str, Array]
    modes: MarginalModes
    missing: Sequence[Mapping[str, str]]

    @classmethod
    def of(cls, selected: Selected) -> Chain:
        """Take the points that a tree has, and estimate those that the draws alone know.

        Raises
        ------
        ComparisonError
            If the tree has a mode on the unconstrained scale that is of other variables.
        """
        mode = select_mode(selected.tree, **selected.selection)
        rows, draws = selected.rows, selected.draws
        missing: list[dict[str, str]] = [{} for _ in rows]

        values = {name: value.copy() for name, value in selected.estimates.items()}
        statuses: dict[str, EstimateStatus | None] = {**selected.statuses}
        values["mode"] = np.full(len(rows), np.nan)
        if mode is not None:
            values["mode"] = draws.near(flatten(mode, ("estimator",))[0])
        statuses["mode"] = mode_status(selected.tree)
        for name, status in statuses.items():
            for i, row in enumerate(rows):
                if why := _absence(float(values[name][i]), status, row):
                    missing[i][name] = why
                    values[name][i] = np.nan

        sd = np.where(draws.varies, draws.sd, np.nan)
        points = {name: (value - draws.mean) / sd for name, value in values.items()}
        if n_free(selected.tree) == 1 and np.isfinite(points["mode"][draws.varies]).all():
            # One parameter: its marginal density is the joint one, on the same scale.
            still_modes = np.where(draws.varies, points["mode"], np.nan)
            modes = MarginalModes(still_modes, np.zeros_like(draws.z), np.zeros_like(still_modes))
        else:
            modes = _modes(draws, scales_of(selected.tree, rows))
        points["marginal mode"] = modes.mode
        still = np.where(draws.varies, 0.0, np.nan)
        points["median"] = np.median(draws.z, axis=(0, 1)) + still
        points["mean"] = still
        for i in np.flatnonzero(~draws.varies).tolist():
            missing[i]["mean"] = draws.still(i)
        for i in np.flatnonzero(draws.varies & np.isnan(modes.mode)).tolist():
            missing[i]["marginal mode"] = f"not to be found in fewer than {FEWEST} draws"
        return cls(selected, points, modes, missing)

    @property
    def _draws(self) -> Draws:
        return self.selected.draws

    def step(self, start: str, end: str) -> tuple[Array, Array]:
        """Distance from one point to another in posterior sd, and its Monte Carlo error."""
        size = self.points[end] - self.points[start]
        known = self._draws.varies & np.isfinite(size)
        if end == "mean" and start in self.selected.gap_mcse:
            return size, np.where(known, self.selected.gap_mcse[start], np.nan)
        # To first order a draw moves a distance through the sd by -size (z**2 - 1) / 2 ...
        if {start, end} <= _FIXED:
            return size, np.where(known, np.abs(size) * self._sd_error, np.nan)
        # ... and through the points that it moves itself.
        safe = np.where(known, size, 0.0)
        influence = self._influence(end) - self._influence(start) - safe * self._of_sd
        error = mcse(influence, known, "mean")
        if "marginal mode" in (start, end):
            error = np.hypot(error, np.where(known, self.modes.excess, 0.0))
        return size, np.where(known, error, np.nan)

    def _influence(self, point: str) -> Array | float:
        """Return what a draw adds to the distance of a point from a fixed one."""
        if point == "mean":
            return self._draws.z
        if point == "median":
            return self._of_median
        return self.modes.influence if point == "marginal mode" else 0.0

    @cached_property
    def _of_sd(self) -> Array:
        return (self._draws.z**2 - 1) / 2

    @cached_property
    def _sd_error(self) -> Array:
        """Error of the sd, relative to it."""
        return mcse(self._of_sd, self._draws.varies, "mean")

    @cached_property
    def _of_median(self) -> Array:
        z = self._draws.z
        low, high = np.quantile(z, [0.5 - _ABOUT_MEDIAN, 0.5 + _ABOUT_MEDIAN], axis=(0, 1))
        # One over the density. A median that many draws share does not move: there it is 0.
        return ((z > self.points["median"]) - 0.5) * (high - low) / (2 * _ABOUT_MEDIAN)


def _absence(value: float, status: EstimateStatus | None, row: Scalar) -> str:
    """Why an estimate of a parameter has no value; "" if it has one."""
    if status is None:
        return "not in the tree"
    if not status.exists or (status.key in _OPEN_ENDED and status.concerns(row)):
        return status.words
    if np.isfinite(value):
        return ""
    return "not a number" if np.isnan(value) else "infinite"


def _modes(draws: Draws, scales: Sequence[Scale]) -> MarginalModes:
    """Find the modes where the draws vary; NaN elsewhere."""
    varies = draws.varies
    found = _on_their_scales(draws, np.flatnonzero(varies), scales)
    if varies.all():
        return found
    mode, excess = np.full(varies.shape, np.nan), np.full(varies.shape, np.nan)
    influence = np.zeros_like(draws.z)
    mode[varies], excess[varies] = found.mode, found.excess
    influence[..., varies] = found.influence
    return MarginalModes(mode, influence, excess)


def _on_their_scales(
    draws: Draws, which: NDArray[np.intp], scales: Sequence[Scale]
) -> MarginalModes:
    """Find the modes of the densities of the unconstrained values, and put them back."""
    u, centre, spread = draws.z[..., which].copy(), np.zeros(len(which)), np.ones(len(which))
    bent = [(j, i) for j, i in enumerate(which.tolist()) if scales[i].inside(draws.x[..., i])]
    for j, i in bent:
        values = scales[i].forward(draws.x[..., i])
        centre[j], spread[j] = values.mean(), values.std()
        u[..., j] = (values - centre[j]) / spread[j]
    found = marginal_modes(u)
    mode, influence, excess = found.mode.copy(), found.influence.copy(), found.excess.copy()
    for j, i in bent:
        at = centre[j] + spread[j] * found.mode[j]
        mode[j] = (scales[i].backward(at) - draws.mean[i]) / draws.sd[i]
        # One standardised unit there is so many posterior sd here.
        stretch = scales[i].slope(at) * spread[j] / draws.sd[i]
        influence[..., j] *= stretch
        excess[j] *= stretch
    return MarginalModes(mode, influence, excess)
