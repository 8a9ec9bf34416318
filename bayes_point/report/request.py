"""What a report is asked for: the tree, and what of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xarray as xr

from bayes_point.comparison.causes.explain import Explanation, explained
from bayes_point.comparison.distance.decision import Thresholds
from bayes_point.comparison.distance.health import SamplerHealth, health_of, sampler_health
from bayes_point.comparison.distance.verdict import THRESHOLDS, Verdict, judged
from bayes_point.comparison.inputs.selected import Selected
from bayes_point.comparison.inputs.statuses import EstimateStatus
from bayes_point.comparison.inputs.validate import ESTIMATORS
from bayes_point.comparison.plots.waterfall import largest


@dataclass(frozen=True)
class Request:
    """The tree of a fit, and the selection and intervals that the sections show.

    Attributes
    ----------
    tree : xarray.DataTree
        As `headline` returns it.
    selection : mapping
        ``var_names``, ``filter_vars`` and ``coords`` as every function of the comparison has them.
    ci_prob : float
    ci_kind : str
        "hdi" or "eti".
    thresholds : Thresholds
        Of the verdict.
    """

    tree: xr.DataTree
    selection: Mapping[str, Any]
    ci_prob: float
    ci_kind: str
    thresholds: Thresholds = THRESHOLDS

    @cached_property
    def selected(self) -> Selected:
        """The draws and estimates of the variables asked for."""
        return Selected.of(self.tree, **self.selection)

    @cached_property
    def explanation(self) -> Explanation:
        """Why the estimates lie where they do."""
        return explained(self.selected)

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """Whether the distance of each estimate from the posterior mean matters."""
        return {e: judged(self.selected, e, self.thresholds, self.health) for e in ESTIMATORS}

    @cached_property
    def order(self) -> list[str]:
        """Labels of the parameters that vary, those with the largest gaps first."""
        found = self.explanation
        return [found.rows[i].label for i in largest(found).tolist()]

    @cached_property
    def health(self) -> SamplerHealth:
        """What is known of the sampler, of all variables."""
        if any(asked is not None for asked in self.selection.values()):
            return sampler_health(self.tree)
        return health_of(self.tree, self.selected.posterior, self.selected.draws)

    @property
    def n_varying(self) -> int:
        """How many of the scalar parameters have finite draws that are not all the same."""
        return int(self.selected.draws.varies.sum())

    @property
    def statuses(self) -> dict[str, EstimateStatus]:
        """How the search for each estimate ended."""
        return self.selected.statuses
