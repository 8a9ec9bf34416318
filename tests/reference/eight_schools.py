"""Eight schools, in all its forms: where a maximum goes wrong without a word.

theta_j ~ Normal(mu, tau) are the schools' effects, y_j ~ Normal(theta_j, sigma_j) what was seen;
mu ~ Normal(0, 5), tau ~ HalfCauchy(5).
"""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import stats

from tests.reference import read_data, read_references
from tests.zoo import Point, Truth, ZooModel, edge, flat, no_bound

__all__ = ["EIGHT_SCHOOLS", "EIGHT_SCHOOLS_WELLBEHAVED"]

COORDS = {"school": list("ABCDEFGH")}
DATA = read_data("pdb_eight_schools")
Y, SIGMA = DATA["y"], DATA["sigma"]


def centred() -> pm.Model:
    with pm.Model(coords=COORDS) as model:
        mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
        theta = pm.Normal("theta", mu, tau, dims="school")
        pm.Normal("y", theta, SIGMA, observed=Y)
    return model


def centred_log_tau() -> pm.Model:
    with pm.Model(coords=COORDS) as model:
        mu, log_tau = pm.Normal("mu", 0, 5), pm.Flat("log_tau")
        theta = pm.Normal("theta", mu, pm.math.exp(log_tau), dims="school")
        pm.Normal("y", theta, SIGMA, observed=Y)
    return model


def noncentred() -> pm.Model:
    with pm.Model(coords=COORDS) as model:
        mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
        z = pm.Normal("z", 0, 1, dims="school")
        theta = pm.Deterministic("theta", mu + tau * z, dims="school")
        pm.Normal("y", theta, SIGMA, observed=Y)
    return model


def marginal() -> pm.Model:
    with pm.Model() as model:
        mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
        pm.Normal("y", mu, pm.math.sqrt(tau**2 + SIGMA**2), observed=Y)
    return model


def marginal_variance() -> pm.Model:
    with pm.Model() as model:
        mu, tau2 = pm.Flat("mu"), pm.HalfFlat("tau2")
        pm.Normal("y", mu, pm.math.sqrt(tau2 + SIGMA**2), observed=Y)
    return model


_weight = SIGMA**-2.0
_pooled = _weight @ Y / _weight.sum()
_shrunk = _weight @ Y / (_weight.sum() + 1 / 25)
_saturated = stats.norm(0, SIGMA).logpdf(0).sum()
_published = read_references("pdb_eight_schools")
_mu0 = _published["map_natural"]["values"]["mu"]
assert abs(_shrunk / _mu0 - 1) < 1e-9
assert abs(_pooled / _published["mle_marginal"]["values"]["mu"] - 1) < 1e-9

# With tau = 0 each school has the mean mu: the normal likelihood of mu and its prior.
_at_zero = (
    stats.norm(_shrunk, SIGMA).logpdf(Y).sum()
    + stats.norm(0, 5).logpdf(_shrunk)
    + stats.halfcauchy(scale=5).logpdf(0)
)
_jacobian = _published["map_unconstrained"]["values"]
_theta = np.array([_jacobian[f"theta[{i}]"] for i in range(1, 9)])
_noncentred_jacobian = Truth(
    "converged",
    {
        "mu": _jacobian["mu"],
        "tau": _jacobian["tau"],
        "theta": _theta,
        "z": (_theta - _jacobian["mu"]) / _jacobian["tau"],
    },
    _published["map_unconstrained"]["source"],
    rtol=1e-5,
)


def _collapse(t: float) -> Point:
    return {"mu": _pooled, "tau": 10.0**-t, "theta": np.full(8, _pooled)}


def _noncentred_path(s: float) -> Point:
    mu, tau = 3 + s, 5 + 2 * s
    return {"mu": mu, "tau": tau, "z": (Y - mu) / tau}


EIGHT_SCHOOLS_WELLBEHAVED = (
    ZooModel("eight_schools_jacobian", noncentred, map_jacobian=_noncentred_jacobian),
)

EIGHT_SCHOOLS = (
    # The likelihood sees theta only, at y; mu and tau are in theta's prior. The joint density is
    # tau^-8 at theta = mu, and the Jacobian takes only one of the eight away.
    ZooModel(
        "eight_schools_centred",
        centred,
        mle=flat(
            {"theta": Y},
            _saturated,
            ("mu", "tau"),
            "mu and tau enter only through the prior of theta",
            path=lambda s: {"mu": 3 + s, "tau": 5 + 2 * s, "theta": Y},
        ),
        map=no_bound({}, ("tau",), "tau^-8 at theta = mu", path=_collapse),
        map_jacobian=no_bound({}, ("tau",), "tau^-7 at theta = mu", path=_collapse),
    ),
    ZooModel(
        "eight_schools_centred_log_tau",
        centred_log_tau,
        mle=flat(
            {"theta": Y},
            _saturated,
            ("mu", "log_tau"),
            "mu and tau enter only through the prior of theta",
            path=lambda s: {"mu": 3 + s, "log_tau": 1 + s, "theta": Y},
        ),
        map=no_bound(
            {},
            ("log_tau",),
            "exp(-8 log_tau) at theta = mu",
            path=lambda t: {"mu": _pooled, "log_tau": -2 * t, "theta": np.full(8, _pooled)},
        ),
        twin_of="eight_schools_centred",
    ),
    # MLE: any mu and tau > 0 with z = (y - mu) / tau fits each school. MAP: at tau = 0 z is at its
    # prior's mode, 0; there the gradient vanishes, and the Hessian by (tau, z) is
    # [[-2/25, g], [g, -I]] with g = (y - mu)/sigma^2, negative definite as |g|^2 = .037 < 2/25.
    ZooModel(
        "eight_schools_noncentred",
        noncentred,
        mle=flat(
            {"theta": Y},
            _saturated,
            ("mu", "tau", "z"),
            "only mu + tau z is in the likelihood: ten parameters for eight schools",
            path=_noncentred_path,
        ),
        map=edge(
            {"mu": _shrunk, "tau": 0.0, "z": np.zeros(8), "theta": np.full(8, _shrunk)},
            _at_zero + 8 * stats.norm().logpdf(0),
            ("tau",),
            "precision-weighted mean at tau = 0; Stan's optimiser ends at tau = 5e-8",
        ),
        map_jacobian=_noncentred_jacobian,
        twin_of="eight_schools_centred",
    ),
    # The schools differ by less than their standard errors would have it.
    ZooModel(
        "eight_schools_marginal",
        marginal,
        mle=edge(
            {"mu": _pooled, "tau": 0.0},
            _published["mle_marginal"]["loglik"],
            ("tau",),
            _published["mle_marginal"]["source"],
        ),
        map=edge(
            {"mu": _shrunk, "tau": 0.0},
            _at_zero,
            ("tau",),
            "the priors fall from tau = 0 as well",
        ),
    ),
    ZooModel(
        "eight_schools_marginal_variance",
        marginal_variance,
        mle=edge(
            {"mu": _pooled, "tau2": 0.0},
            _published["mle_marginal"]["loglik"],
            ("tau2",),
            _published["mle_marginal"]["source"],
        ),
        twin_of="eight_schools_marginal",
    ),
)
