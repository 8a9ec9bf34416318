"""Variances that are 0, and supports whose edge is the parameter."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import stats

from tests.reference.forty_digits import GP_X
from tests.reference.infinite_counts import NARROW_COUNTS
from tests.reference.infinities import CONVEX_RATE, DYESTUFF2
from tests.zoo import Truth, ZooModel, edge

__all__ = ["ALTERNATING", "BOUNDARY_SCALES"]

WAITS = np.array([2.3, 3.1, 2.6, 5.0])
# Neighbours differ more than strangers: no smooth function is in it.
ALTERNATING = np.array([1.0, -0.8, 1.1, -1.2, 0.9, -1.0, 0.7, -0.9, 1.2, -1.0])


GP_TIMES = np.linspace(0, 5, 12)
GP_WIGGLE = np.sin(GP_TIMES) + 0.2 * np.cos(11 * GP_TIMES)


def dyestuff2_sd() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        sd_batch = pm.HalfNormal("sd_batch", 10)
        cov = sd_batch**2 * np.ones((5, 5)) + sigma**2 * np.eye(5)
        pm.MvNormal("y", mu * np.ones(5), cov=cov, observed=DYESTUFF2)
    return model


def dyestuff2_variance() -> pm.Model:
    # By the variance the derivative at the edge is not 0.
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        var_batch = pm.HalfFlat("var_batch")
        cov = var_batch * np.ones((5, 5)) + sigma**2 * np.eye(5)
        pm.MvNormal("y", mu * np.ones(5), cov=cov, observed=DYESTUFF2)
    return model


def gp_without_noise() -> pm.Model:
    with pm.Model() as model:
        ell = pm.InverseGamma("ell", 3, 2)
        eta, noise = pm.HalfNormal("eta", 2), pm.HalfNormal("noise", 1)
        squared = np.subtract.outer(GP_TIMES, GP_TIMES) ** 2
        cov = eta**2 * pm.math.exp(-0.5 * squared / ell**2) + noise**2 * np.eye(12)
        pm.MvNormal("y", np.zeros(12), cov=cov, observed=GP_WIGGLE)
    return model


def negbin_dispersion() -> pm.Model:
    with pm.Model() as model:
        mu, phi = pm.HalfFlat("mu"), pm.HalfFlat("phi")
        pm.NegativeBinomial("y", mu=mu, alpha=1 / phi, observed=NARROW_COUNTS)
    return model


def saturation_curvature() -> pm.Model:
    # rate = slope c / (1 + curvature c): the Michaelis-Menten curve, in which a straight line is
    # curvature 0.
    conc = np.arange(1, 6)
    with pm.Model() as model:
        slope, curvature = pm.Flat("slope"), pm.HalfFlat("curvature")
        pm.Normal(
            "rate",
            slope * conc / (1 + curvature * conc),
            pm.HalfFlat("sigma"),
            observed=CONVEX_RATE,
        )
    return model


def gp_without_signal() -> pm.Model:
    with pm.Model() as model:
        eta, sigma = pm.HalfNormal("eta", 1), pm.HalfFlat("sigma")
        squared = np.subtract.outer(GP_X, GP_X) ** 2
        cov = eta**2 * pm.math.exp(-squared / 2) + sigma**2 * np.eye(len(GP_X))
        pm.MvNormal("y", np.zeros(len(GP_X)), cov=cov, observed=ALTERNATING)
    return model


def uniform_maximum() -> pm.Model:
    with pm.Model() as model:
        theta = pm.HalfNormal("theta", 10)
        pm.Uniform("y", 0, theta, observed=WAITS)
    return model


def shifted_exponential() -> pm.Model:
    def logp(value, shift, rate):  # type: ignore[no-untyped-def]
        return pm.logp(pm.Exponential.dist(rate), value - shift)

    with pm.Model() as model:
        shift, rate = pm.Flat("shift"), pm.HalfFlat("rate")
        pm.CustomDist("y", shift, rate, logp=logp, observed=WAITS)
    return model


def pareto_unknown_scale() -> pm.Model:
    with pm.Model() as model:
        alpha, m = pm.HalfFlat("alpha"), pm.HalfFlat("m")
        pm.Pareto("y", alpha, m, observed=WAITS)
    return model


_dye = {"mu": DYESTUFF2.mean(), "sigma": DYESTUFF2.std()}
_dye_loglik = stats.norm(_dye["mu"], _dye["sigma"]).logpdf(DYESTUFF2).sum()
_conc = np.arange(1, 6)
_slope = _conc @ CONVEX_RATE / (_conc @ _conc)
_rate_sd = np.sqrt(np.mean((CONVEX_RATE - _slope * _conc) ** 2))
_rms = np.sqrt(np.mean(ALTERNATING**2))
_gp_loglik = stats.norm(0, _rms).logpdf(ALTERNATING).sum()
_excess_rate = 1 / (WAITS.mean() - WAITS.min())
_pareto = 4 / np.log(WAITS / WAITS.min()).sum()


def _both(truth: Truth) -> dict[str, Truth]:
    return {"mle": truth, "map": truth}


BOUNDARY_SCALES = (
    # See dyestuff2_log_sd. The density depends on sd_batch^2, so the derivative at 0 is 0, and the
    # half-normal prior falls from 0 as well.
    ZooModel(
        "dyestuff2",
        dyestuff2_sd,
        mle=edge({**_dye, "sd_batch": 0.0}, _dye_loglik, ("sd_batch",), "mean and sqrt(SS/n)"),
        map=edge(
            {**_dye, "sd_batch": 0.0},
            _dye_loglik + stats.halfnorm(scale=10).logpdf(0),
            ("sd_batch",),
            "mean and sqrt(SS/n)",
        ),
    ),
    ZooModel(
        "dyestuff2_variance",
        dyestuff2_variance,
        **_both(
            edge({**_dye, "var_batch": 0.0}, _dye_loglik, ("var_batch",), "mean and sqrt(SS/n)")
        ),
        twin_of="dyestuff2",
    ),
    # At phi = 0 the formula is 0/0; the limit is the Poisson.
    ZooModel(
        "negbin_dispersion",
        negbin_dispersion,
        **_both(
            edge(
                {"mu": 2.5, "phi": 0.0},
                stats.poisson(2.5).logpmf(NARROW_COUNTS).sum(),
                ("phi",),
                "Poisson limit",
                path=lambda t: {"mu": 2.5, "phi": 10.0**-t},
            )
        ),
        twin_of="negbin_underdispersed",
    ),
    ZooModel(
        "saturation_curvature",
        saturation_curvature,
        **_both(
            edge(
                {"slope": _slope, "curvature": 0.0, "sigma": _rate_sd},
                stats.norm(_slope * _conc, _rate_sd).logpdf(CONVEX_RATE).sum(),
                ("curvature",),
                "proportional: least squares through 0",
            )
        ),
        twin_of="saturation_not_reached",
    ),
    # The derivative by eta^2 at 0 has the sign of y'Ky/sigma^2 - n, which is below 0 here.
    ZooModel(
        "gp_without_signal",
        gp_without_signal,
        mle=edge({"eta": 0.0, "sigma": _rms}, _gp_loglik, ("eta",), "noise: root mean square"),
        map=edge(
            {"eta": 0.0, "sigma": _rms},
            _gp_loglik + stats.halfnorm().logpdf(0),
            ("eta",),
            "noise: root mean square",
        ),
    ),
    # The mode of the other two without noise, by Newton's method in 60 digits.
    ZooModel(
        "gp_without_noise",
        gp_without_noise,
        map=edge(
            {"ell": 1.14138555770811, "eta": 1.07593559819769, "noise": 0.0},
            10.1983725712901,
            ("noise",),
            "interpolation: Newton's method in 60 digits",
        ),
    ),
    # theta^-n from max y on, and 0 below: the maximum is a corner of the support.
    ZooModel(
        "uniform_maximum",
        uniform_maximum,
        mle=edge({"theta": 5.0}, -4 * np.log(5), ("theta",), "the largest observation"),
        map=edge(
            {"theta": 5.0},
            -4 * np.log(5) + stats.halfnorm(scale=10).logpdf(5),
            ("theta",),
            "the largest observation",
        ),
    ),
    ZooModel(
        "shifted_exponential",
        shifted_exponential,
        **_both(
            edge(
                {"shift": 2.3, "rate": _excess_rate},
                4 * np.log(_excess_rate) - 4,
                ("shift",),
                "the smallest observation, and 1 / mean of the rest",
            )
        ),
    ),
    ZooModel(
        "pareto_unknown_scale",
        pareto_unknown_scale,
        **_both(
            edge(
                {"alpha": _pareto, "m": 2.3},
                stats.pareto(_pareto, scale=2.3).logpdf(WAITS).sum(),
                ("m",),
                "the smallest observation, and n / sum log(y/m)",
            )
        ),
    ),
)
