"""MLE, MAP and posterior of a PyMC model: how far apart they are, why, and whether it matters.

>>> import pymc as pm
>>> import bayes_point as bp
>>> with pm.Model() as coin:
...     theta = pm.Beta("theta", 2, 2)
...     tosses = pm.Bernoulli("tosses", theta, observed=[1, 1, 1])
>>> bp.find_MLE(coin).status.key  # three heads of three: the MLE is exactly 1
'on_boundary'
>>> round(float(bp.find_MAP(coin).point["theta"]), 6)
0.8

Then ``dt = bp.fit(coin)`` samples the posterior beside them, ``bp.summary(dt)`` tables how far
apart they are, and ``bp.report(dt).save("coin.html")`` writes it down.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Not lazy: the function has to win over the folder of the same name, and the folder is light.
from bayes_point.report import Report, report

if TYPE_CHECKING:
    from bayes_point.approximation import laplace
    from bayes_point.comparison.causes.explain import explain
    from bayes_point.comparison.distance.closeness import closeness
    from bayes_point.comparison.distance.gaps import gaps
    from bayes_point.comparison.distance.verdict import Verdict, verdict
    from bayes_point.comparison.plots.figures import (
        plot_estimates,
        plot_gaps,
        plot_joint,
        plot_profile,
    )
    from bayes_point.comparison.plots.paths import plot_prior_path
    from bayes_point.comparison.plots.predictive import plot_predictive
    from bayes_point.comparison.plots.study import plot_study
    from bayes_point.comparison.plots.waterfall import plot_waterfall
    from bayes_point.comparison.tables import summary
    from bayes_point.errors import (
        BayesPointError,
        BayesPointWarning,
        ComparisonError,
        DetailError,
        EstimationError,
        EstimationWarning,
        ModelError,
        ReportError,
        SamplingWarning,
    )
    from bayes_point.estimation.certificate.status import Finding, Status
    from bayes_point.estimation.face.bootstrap import bootstrap
    from bayes_point.estimation.face.find import find_MAP, find_MLE
    from bayes_point.estimation.face.point_estimate import PointEstimate
    from bayes_point.estimation.face.profile import profile
    from bayes_point.estimation.prior.information import prior_information
    from bayes_point.estimation.prior.path import data_path, prior_path
    from bayes_point.estimation.refit.refit import refit
    from bayes_point.estimation.resample.intervals import bootstrap_interval
    from bayes_point.estimation.resample.likelihood_ratio import (
        LikelihoodRatioTest,
        likelihood_ratio_test,
    )
    from bayes_point.estimation.resample.study import study
    from bayes_point.fitting import fit
    from bayes_point.model.density.density import LogDensity
    from bayes_point.model.variables.flat_priors import flat_priors
    from bayes_point.model.variables.roles import roles
    from bayes_point.predicting import predictive

__version__ = "0.1.0"

# Where each public name lives.  They are imported at first use, because PyMC takes seconds to
# import and `bayes-point --help` needs none of it.
_HOMES = {
    "BayesPointError": "bayes_point.errors",
    "BayesPointWarning": "bayes_point.errors",
    "ComparisonError": "bayes_point.errors",
    "DetailError": "bayes_point.errors",
    "EstimationError": "bayes_point.errors",
    "EstimationWarning": "bayes_point.errors",
    "Finding": "bayes_point.estimation.certificate.status",
    "LikelihoodRatioTest": "bayes_point.estimation.resample.likelihood_ratio",
    "LogDensity": "bayes_point.model.density.density",
    "ModelError": "bayes_point.errors",
    "PointEstimate": "bayes_point.estimation.face.point_estimate",
    "ReportError": "bayes_point.errors",
    "SamplingWarning": "bayes_point.errors",
    "Status": "bayes_point.estimation.certificate.status",
    "Verdict": "bayes_point.comparison.distance.verdict",
    "bootstrap": "bayes_point.estimation.face.bootstrap",
    "bootstrap_interval": "bayes_point.estimation.resample.intervals",
    "closeness": "bayes_point.comparison.distance.closeness",
    "data_path": "bayes_point.estimation.prior.path",
    "explain": "bayes_point.comparison.causes.explain",
    "find_MAP": "bayes_point.estimation.face.find",
    "find_MLE": "bayes_point.estimation.face.find",
    "fit": "bayes_point.fitting",
    "flat_priors": "bayes_point.model.variables.flat_priors",
    "gaps": "bayes_point.comparison.distance.gaps",
    "laplace": "bayes_point.approximation",
    "likelihood_ratio_test": "bayes_point.estimation.resample.likelihood_ratio",
    "plot_estimates": "bayes_point.comparison.plots.figures",
    "plot_gaps": "bayes_point.comparison.plots.figures",
    "plot_joint": "bayes_point.comparison.plots.figures",
    "plot_predictive": "bayes_point.comparison.plots.predictive",
    "plot_prior_path": "bayes_point.comparison.plots.paths",
    "plot_profile": "bayes_point.comparison.plots.figures",
    "plot_study": "bayes_point.comparison.plots.study",
    "plot_waterfall": "bayes_point.comparison.plots.waterfall",
    "predictive": "bayes_point.predicting",
    "prior_information": "bayes_point.estimation.prior.information",
    "prior_path": "bayes_point.estimation.prior.path",
    "profile": "bayes_point.estimation.face.profile",
    "refit": "bayes_point.estimation.refit.refit",
    "roles": "bayes_point.model.variables.roles",
    "study": "bayes_point.estimation.resample.study",
    "summary": "bayes_point.comparison.tables",
    "verdict": "bayes_point.comparison.distance.verdict",
}

__all__ = [
    "BayesPointError",
    "BayesPointWarning",
    "ComparisonError",
    "DetailError",
    "EstimationError",
    "EstimationWarning",
    "Finding",
    "LikelihoodRatioTest",
    "LogDensity",
    "ModelError",
    "PointEstimate",
    "Report",
    "ReportError",
    "SamplingWarning",
    "Status",
    "Verdict",
    "bootstrap",
    "bootstrap_interval",
    "closeness",
    "data_path",
    "explain",
    "find_MAP",
    "find_MLE",
    "fit",
    "flat_priors",
    "gaps",
    "laplace",
    "likelihood_ratio_test",
    "plot_estimates",
    "plot_gaps",
    "plot_joint",
    "plot_predictive",
    "plot_prior_path",
    "plot_profile",
    "plot_study",
    "plot_waterfall",
    "predictive",
    "prior_information",
    "prior_path",
    "profile",
    "refit",
    "report",
    "roles",
    "study",
    "summary",
    "verdict",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
