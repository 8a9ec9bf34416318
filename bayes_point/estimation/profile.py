"""Profile likelihood: how high the density can be at each value of one parameter."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import xarray as xr

from bayes_point.estimation.point_estimate import PointEstimate

__all__ = ["profile_interval"]


def profile_interval(
    estimate: PointEstimate,
    *,
    var_names: str | Sequence[str] | None = None,
    filter_vars: str | None = None,
    coords: Mapping[Hashable, object] | None = None,
    ci_prob: float | None = None,
) -> xr.Dataset:
    """Profile-likelihood intervals on the natural scale: variables with the dim ``ci_bound``.

    ``ci_bound`` is (lower, upper), last; ``attrs["notes"]`` of a variable says, one a line, why
    an end of it is open.
    """
    raise NotImplementedError
