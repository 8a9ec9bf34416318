"""Figures with the estimates marked in them, on arviz-plots: they take and return what it does."""

from __future__ import annotations

from bayes_point.comparison.plots.densities import plot_estimates
from bayes_point.comparison.plots.forest import plot_gaps
from bayes_point.comparison.plots.pairs import plot_joint
from bayes_point.comparison.plots.profiles import plot_profile

__all__ = ["plot_estimates", "plot_gaps", "plot_joint", "plot_profile"]
