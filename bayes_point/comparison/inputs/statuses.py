"""What a tree says of its estimates: how each search ended, and which parameters that concerns."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from bayes_point.comparison.inputs.marginal import headline, shown_name
from bayes_point.comparison.inputs.scalars import Scalar
from bayes_point.comparison.inputs.validate import ESTIMATORS
from bayes_point.errors import ComparisonError

__all__ = ["EstimateStatus", "estimate_statuses", "mode_status"]

# A value variable of PyMC: theta_logodds__, or tau_log__[a] for one of its elements.
_TRANSFORMED = re.compile(r"^(?P<variable>.+)_[a-z]+__(?P<element>\[.*\])?$")


@dataclass(frozen=True)
class EstimateStatus:
    """How the search for one estimate ended.

    Attributes
    ----------
    estimator : str
        "MLE", "MAP" or "mode", as they are shown: with "marginal" where latents were integrated
        out.
    key : str
        ``converged``, ``on_boundary``, ``at_infinity``, ``not_identified``, ``unbounded``,
        ``not_converged`` or ``local``.
    text : str
        The same as a sentence.
    named : frozenset of str
        Labels of the parameters that the findings name; empty if they name none.
    """

    estimator: str
    key: str
    text: str
    named: frozenset[str]

    @property
    def words(self) -> str:
        """The key in words: "on boundary"."""
        return self.key.replace("_", " ")

    @property
    def explanation(self) -> str:
        """The sentence without the name of the status which it may begin with."""
        name, colon, rest = self.text.partition(": ")
        # "On a boundary: the maximum ..."
        return rest if colon and name.lower().replace(" a ", " ") == self.words else self.text

    @property
    def converged(self) -> bool:
        """Whether this is an interior maximum, found."""
        return self.key == "converged"

    @property
    def exists(self) -> bool:
        """Whether the finite values are a maximum: they are not if unbounded or not converged."""
        return self.key not in ("unbounded", "not_converged")

    def concerns(self, scalar: Scalar) -> bool:
        """Whether the status is about this parameter; about all if the findings name none."""
        if self.converged:
            return False
        return not self.named or bool(self.named & {scalar.label, scalar.variable})


def estimate_statuses(dt: xr.DataTree) -> dict[str, EstimateStatus]:
    """Read the status of MLE and MAP from a tree that `select` has accepted.

    Returns
    -------
    dict of {str : EstimateStatus}
        Keys "MLE" and "MAP".
    """
    dt = headline(dt)
    keys = dt["point_estimates"]["status"]
    out = {}
    for estimator in ESTIMATORS:
        key = str(keys.sel(estimator=estimator).item())
        group = estimator.lower()
        attrs = dt[group].attrs if group in dt.children else {}
        if str(attrs.get("status", key)) != key:
            raise ComparisonError(
                f"The status of the {estimator} is {key} in point_estimates and"
                f" {attrs['status']} in {group}: make the tree anew with bp.fit(model)."
            )
        out[estimator] = _status(shown_name(dt, estimator), key, attrs)
    return out


def mode_status(dt: xr.DataTree) -> EstimateStatus | None:
    """Read the status of the mode on the unconstrained scale; None if the tree has no such mode."""
    if "mode" not in dt.children:
        return None
    attrs = dt["mode"].attrs
    return _status("mode", str(attrs["status"]), attrs)


def _status(estimator: str, key: str, attrs: Mapping[Any, Any]) -> EstimateStatus:
    findings = json.loads(str(attrs.get("findings", "[]")))
    return EstimateStatus(
        estimator,
        key,
        str(attrs.get("status_text", key.replace("_", " "))),
        frozenset(label for f in findings for name in f["parameters"] for label in _natural(name)),
    )


def _natural(name: str) -> list[str]:
    """Add to the name of a transformed parameter that of the parameter it stands for."""
    match = _TRANSFORMED.match(name)
    return [name, match["variable"] + (match["element"] or "")] if match else [name]
