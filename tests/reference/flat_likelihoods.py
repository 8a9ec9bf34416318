"""Flat directions that are not a matter of counting parameters: plateaus, windows, rotations."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import stats

from tests.reference.boundary_scales import ALTERNATING
from tests.reference.forty_digits import GP_X
from tests.zoo import Point, Truth, ZooModel, flat

__all__ = ["FLAT_LIKELIHOODS", "TRIPLES", "factor_model"]

EVEN = np.array([0.2, 1.0, 2.0, 3.5])
WINDOW = np.array([-0.6, 0.1, 0.5])
ROUND_THE_CLOCK = np.array([-0.75, -0.25, 0.25, 0.75]) * np.pi
CLOSE = np.array([-0.4, 0.1, 0.3, -0.2, 0.2])
CLOCK = np.arange(10.0)
JUMP = np.array([0.1, -0.3, 0.2, 5.1, 4.8, 5.3, 4.9, 5.2, 4.6, 5.0])
BEYOND = np.array([1.8, 2.4, 1.9, 2.3])
TRIPLES = np.array(
    [
        [1.2, 0.9, -0.3],
        [-0.7, -0.1, 0.6],
        [0.4, 1.3, 0.2],
        [-1.5, -0.8, 0.9],
        [0.3, -0.9, -1.1],
        [0.9, 0.4, 0.5],
        [-0.6, -0.8, -0.8],
    ]
)


def plateau() -> pm.Model:
    # From mu = 1 on the likelihood is constant, and below -1 as well, at a lower level.
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        level = pm.Deterministic("level", pm.math.clip(mu, -1, 1))
        pm.Normal("y", level, 1, observed=BEYOND)
    return model


def even_median() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.Laplace("y", mu, 1, observed=EVEN)
    return model


def uniform_window() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Normal("theta", 0, 1)
        pm.Uniform("y", theta - 1, theta + 1, observed=WINDOW)
    return model


def no_direction() -> pm.Model:
    with pm.Model() as model:
        mu = pm.VonMises("mu", 0, 2)
        kappa = pm.Exponential("kappa", 1)
        pm.VonMises("y", mu, kappa, observed=ROUND_THE_CLOCK)
    return model


def two_components_for_one_group() -> pm.Model:
    # The data vary less than one component does: both means at the data's, and any weight.
    with pm.Model(coords={"group": ["one", "other"]}) as model:
        w = pm.Uniform("w", 0, 1)
        mu = pm.Flat("mu", dims="group")
        pm.NormalMixture("y", pm.math.stack([w, 1 - w]), mu, 1.0, observed=CLOSE)
    return model


def change_point() -> pm.Model:
    with pm.Model() as model:
        tau = pm.Uniform("tau", 0, 9)
        a, b = pm.Normal("a", 0, 5), pm.Normal("b", 0, 5)
        pm.Deterministic("n_before", (tau > CLOCK).sum())
        pm.Normal("y", pm.math.switch(tau > CLOCK, a, b), 1, observed=JUMP)
    return model


def gp_without_signal_free_scale() -> pm.Model:
    with pm.Model() as model:
        eta, ell, sigma = pm.HalfFlat("eta"), pm.HalfFlat("ell"), pm.HalfFlat("sigma")
        squared = np.subtract.outer(GP_X, GP_X) ** 2
        cov = eta**2 * pm.math.exp(-squared / (2 * ell**2)) + sigma**2 * np.eye(len(GP_X))
        pm.MvNormal("y", np.zeros(len(GP_X)), cov=cov, observed=ALTERNATING)
    return model


def factor_model(factors: int) -> pm.Model:
    """Probabilistic principal components of the triples, which have mean 0."""
    axes = ["x", "y", "z"]
    with pm.Model(coords={"axis": axes, "factor": range(factors)}) as model:
        loading = pm.Normal("loading", 0, 10, dims=("axis", "factor"))
        noise = pm.HalfNormal("noise", 10)
        cov = pm.Deterministic("cov", loading @ loading.T + noise**2 * np.eye(3))
        pm.MvNormal("y", np.zeros(3), cov=cov, observed=TRIPLES)
    return model


def two_factors() -> pm.Model:
    return factor_model(2)


def _factor_path(s: float) -> Point:
    turn = np.array([[np.cos(s), -np.sin(s)], [np.sin(s), np.cos(s)]])
    return {"loading": _loading @ turn, "noise": np.sqrt(_values[0])}


# Tipping & Bishop (1999): noise^2 is the mean of the smallest eigenvalues, one of three here, and
# the loadings are the leading eigenvectors times sqrt(value - noise^2), up to a rotation.
_scatter = TRIPLES.T @ TRIPLES / len(TRIPLES)
_values, _vectors = np.linalg.eigh(_scatter)
_loading = _vectors[:, 1:] * np.sqrt(_values[1:] - _values[0])
# Both means at every split: the best is after three, as it is under the priors.
_splits = {
    k: stats.norm(np.repeat([JUMP[:k].mean(), JUMP[k:].mean()], [k, 10 - k]), 1).logpdf(JUMP).sum()
    for k in range(1, 10)
}
assert max(_splits, key=_splits.__getitem__) == 3
_before, _after = JUMP[:3].mean(), JUMP[3:].mean()
_before_map, _after_map = 3 * _before / (3 + 1 / 25), 7 * _after / (7 + 1 / 25)
_rms = np.sqrt(np.mean(ALTERNATING**2))

FLAT_LIKELIHOODS = (
    # MAP: the likelihood's slope at 1 from below, n (mean - 1) > 1, beats the prior's, -1.
    ZooModel(
        "plateau",
        plateau,
        mle=flat(
            {"level": 1.0},
            stats.norm(1, 1).logpdf(BEYOND).sum(),
            ("mu",),
            "constant for mu above 1",
            path=lambda s: {"mu": 1.5 + s},
        ),
        map=Truth(
            "converged",
            {"mu": 1.0},
            "the kink where the plateau starts",
            log_density=stats.norm(1, 1).logpdf(BEYOND).sum() + stats.norm().logpdf(1),
            kink=True,
        ),
    ),
    # MAP: below 1.0 three observations of four pull up by 1 each and one down, net 2; the prior
    # pulls by -mu = -1 there. On the plateau only the prior pulls, to its lower end, 1.0.
    ZooModel(
        "even_median",
        even_median,
        mle=flat(
            {},
            -4 * np.log(2) - np.abs(EVEN - 1.5).sum(),
            ("mu",),
            "any mu between the two middle observations",
            path=lambda s: {"mu": 1.1 + 0.8 * s},
        ),
        map=Truth(
            "converged",
            {"mu": 1.0},
            "the lower middle observation",
            log_density=-4 * np.log(2) - np.abs(EVEN - 1).sum() + stats.norm().logpdf(1),
            n_optima=1,
            kink=True,
        ),
    ),
    ZooModel(
        "uniform_window",
        uniform_window,
        mle=flat(
            {},
            -3 * np.log(2),
            ("theta",),
            "any theta from max y - 1 to min y + 1, -0.5 to 0.4",
            path=lambda s: {"theta": -0.45 + 0.8 * s},
        ),
        map=Truth(
            "converged",
            {"theta": 0.0},
            "the prior's mode is in the window",
            log_density=-3 * np.log(2) + stats.norm().logpdf(0),
            n_optima=1,
        ),
    ),
    # The resultant is 0, so kappa is 0, where mu has no meaning.
    ZooModel(
        "no_direction",
        no_direction,
        mle=flat(
            {"kappa": 0.0},
            -4 * np.log(2 * np.pi),
            ("mu|kappa",),
            "kappa = 0, which is an edge, and there mu is not in the likelihood: both are true",
            path=lambda s: {"mu": s, "kappa": 1e-13},  # PyMC wants kappa > 0
            status=("not_identified", "on_boundary"),
        ),
    ),
    ZooModel(
        "two_components_for_one_group",
        two_components_for_one_group,
        mle=flat(
            {},
            stats.norm(CLOSE.mean(), 1).logpdf(CLOSE).sum(),
            ("w|mu",),
            "equal means and any weight; or weight 0 and any mean of what has none",
            path=lambda s: {"w": 0.1 + 0.8 * s, "mu": np.full(2, CLOSE.mean())},
        ),
    ),
    # eta = 0 for every ell, and ell = 0 with eta^2 + sigma^2 the mean square, are equally good.
    # The likelihood knows only how many observations are before tau.
    ZooModel(
        "change_point_continuous",
        change_point,
        mle=flat(
            {"a": _before, "b": _after, "n_before": 3},
            _splits[3],
            ("tau",),
            "any tau between the third observation and the fourth",
            path=lambda s: {"tau": 2.05 + 0.9 * s, "a": _before, "b": _after},
        ),
        map=flat(
            {"a": _before_map, "b": _after_map, "n_before": 3},
            stats.norm(np.repeat([_before_map, _after_map], [3, 7]), 1).logpdf(JUMP).sum()
            + stats.norm(0, 5).logpdf([_before_map, _after_map]).sum()
            - np.log(9),
            ("tau",),
            "any tau between the third observation and the fourth, where its prior is flat",
            path=lambda s: {"tau": 2.05 + 0.9 * s, "a": _before_map, "b": _after_map},
        ),
    ),
    ZooModel(
        "gp_without_signal_free_scale",
        gp_without_signal_free_scale,
        mle=flat(
            {},
            stats.norm(0, _rms).logpdf(ALTERNATING).sum(),
            ("eta|ell",),
            "eta = 0, which is an edge, and there ell is not in the likelihood: both are true",
            path=lambda s: {"eta": 0.0, "ell": 0.5 + s, "sigma": _rms},
            status=("not_identified", "on_boundary"),
        ),
        twin_of="gp_without_signal",
    ),
    ZooModel(
        "rotated_factors",
        two_factors,
        mle=flat(
            {"noise": np.sqrt(_values[0]), "cov": _scatter},
            stats.multivariate_normal(cov=_scatter).logpdf(TRIPLES).sum(),
            ("loading",),
            "Tipping & Bishop (1999), doi:10.1111/1467-9868.00196: any rotation of the loadings",
            path=_factor_path,
        ),
    ),
)
