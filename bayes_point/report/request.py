"""What a report is asked for: the tree, and what of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xarray as xr

from bayes_point.comparison.draws import Draws
from bayes_point.comparison.explain import Explanation, explained
from bayes_point.comparison.health import SamplerHealth, sampler_health
from bayes_point.comparison.scalars import flatten
from bayes_point.comparison.statuses import EstimateStatus, estimate_statuses
from bayes_point.comparison.validate import ESTIMATORS, SAMPLE_DIMS, select
from bayes_point.comparison.verdict import LEVEL, MARGIN, Verdict, judged
from bayes_point.comparison.waterfall import largest


@dataclass(frozen=True)
class Request:
    """The tree of a fit, and the selection and intervals that the sections show.

    Attributes
    ----------
    tree : xarray.DataTree
    selection : mapping
        ``var_names``, ``filter_vars`` and ``coords`` as every function of the comparison has them.
    ci_prob : float
    ci_kind : str
        "hdi" or "eti".
    margin, level : float
        Thresholds of the verdict.
    """

    tree: xr.DataTree
    selection: Mapping[str, Any]
    ci_prob: float
    ci_kind: str
    margin: float = MARGIN
    level: float = LEVEL

    @cached_property
    def explanation(self) -> Explanation:
        """Why the estimates lie where they do, of the variables asked for."""
        return explained(self.tree, self.selection)

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """Whether each estimate can stand in for the posterior mean."""
        return {
            e: judged(self.tree, self.selection, e, self.margin, self.level, lambda _: self.health)
            for e in ESTIMATORS
        }

    @cached_property
    def order(self) -> list[str]:
        """Labels of the parameters that vary, those with the largest gaps first."""
        found = self.explanation
        return [found.rows[i].label for i in largest(found).tolist()]

    @cached_property
    def health(self) -> SamplerHealth:
        """What is known of the sampler, of all variables."""
        return sampler_health(self.tree)

    @cached_property
    def n_varying(self) -> int:
        """How many of the scalar parameters have finite draws that are not all the same."""
        posterior, _ = select(self.tree, **self.selection)
        return int(Draws.of(flatten(posterior, SAMPLE_DIMS)).varies.sum())

    @cached_property
    def statuses(self) -> dict[str, EstimateStatus]:
        """How the search for each estimate ended."""
        return estimate_statuses(self.tree)
