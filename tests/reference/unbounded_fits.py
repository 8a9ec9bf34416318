"""Likelihoods that grow without bound on regular data, and nowhere near the ordinary maximum."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import stats

from tests.zoo import Point, Truth, ZooModel, no_bound

__all__ = ["UNBOUNDED_FITS"]

# Quantiles of a normal: the least that one could see two components in, and no two are close.
SMOOTH = np.round(stats.norm.ppf((np.arange(20) + 0.5) / 20), 2)
SQUARE_X = np.array(
    [
        [1.0, 0.4, -0.7, 0.2, 0.9],
        [1.0, -1.1, 0.3, 0.8, -0.2],
        [1.0, 0.7, 1.2, -0.5, 0.1],
        [1.0, -0.3, -0.9, -1.4, 0.6],
        [1.0, 1.5, 0.1, 0.3, -1.2],
    ]
)
WIDE_X = np.column_stack(
    [SQUARE_X, [0.3, 0.8, -1.3, 0.1, 0.6], [1.0, -0.6, 0.5, 0.2, -0.8], [-0.4, 0.2, 0.9, -1.0, 0.7]]
)
RESPONSE = np.array([0.9, -1.4, 0.3, 2.1, -0.2])
# Points about two lines through 0, of slopes 2 and -2.
CROSS_X = np.linspace(-1.5, 1.6, 16)
CROSS_Y = 2 * CROSS_X * np.tile([1, -1], 8) + 0.3 * np.sin(5 * np.arange(16))
TIED = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 2.0, -1.5])


def smooth_mixture(weights: bool) -> pm.Model:
    with pm.Model(coords={"group": ["one", "other"]}) as model:
        w = pm.Dirichlet("w", np.full(2, 2.0), dims="group") if weights else [0.5, 0.5]
        mu = pm.Normal("mu", 0, 3, dims="group")
        sigma = pm.HalfNormal("sigma", 3, dims="group")
        pm.NormalMixture("y", w, mu, sigma, observed=SMOOTH)
    return model


def smooth_mixture_equal_weights() -> pm.Model:
    return smooth_mixture(weights=False)


def smooth_mixture_free_weights() -> pm.Model:
    return smooth_mixture(weights=True)


def mixture_of_regressions() -> pm.Model:
    with pm.Model(coords={"line": ["up", "down"]}) as model:
        slope, sigma = pm.Normal("slope", 0, 3, dims="line"), pm.HalfNormal("sigma", 1, dims="line")
        means = CROSS_X[:, None] * slope
        pm.NormalMixture("y", [0.5, 0.5], means, sigma, observed=CROSS_Y)
    return model


def saturated(x: np.ndarray, prior_sd: float = 5.0) -> pm.Model:
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, prior_sd, shape=x.shape[1])
        pm.Normal("y", x @ beta, pm.HalfNormal("sigma", 2), observed=RESPONSE)
    return model


def square_regression() -> pm.Model:
    return saturated(SQUARE_X)


def square_regression_strong_prior() -> pm.Model:
    # The prior has its local maximum near 0, far from the perfect fit, and forbids nothing.
    return saturated(SQUARE_X, prior_sd=0.1)


def wide_regression() -> pm.Model:
    return saturated(WIDE_X)


def square_regression_log_variance() -> pm.Model:
    with pm.Model() as model:
        beta, log_variance = pm.Flat("beta", shape=5), pm.Normal("log_variance", 0, 2)
        pm.Normal("y", SQUARE_X @ beta, pm.math.exp(log_variance / 2), observed=RESPONSE)
    return model


def wide_regression_inverse_gamma() -> pm.Model:
    # A prior that keeps the sd off 0: exp(-1/s) beats every power of s.
    with pm.Model() as model:
        beta = pm.Normal("beta", 0, 5, shape=WIDE_X.shape[1])
        pm.Normal("y", WIDE_X @ beta, pm.InverseGamma("sigma", 2, 2), observed=RESPONSE)
    return model


def t_on_ties() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Normal("mu", 0, 5), pm.HalfNormal("sigma", 3)
        nu = pm.Gamma("nu", 2, 0.1)
        pm.StudentT("y", nu=nu, mu=mu, sigma=sigma, observed=TIED)
    return model


def own_noise_of_one_group() -> pm.Model:
    # Two groups with a mean and a log sd each, one of them of a single observation.
    group, y = np.array([0, 0, 0, 1]), np.array([1.0, 2.0, 4.0, 7.0])
    with pm.Model(coords={"group": ["three", "single"]}) as model:
        mu, log_sd = pm.Flat("mu", dims="group"), pm.Flat("log_sd", dims="group")
        pm.Normal("y", mu[group], pm.math.exp(log_sd[group]), observed=y)
    return model


def contaminated() -> pm.Model:
    # Both components have the same mean: on one observation it is that of either.
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        core, wide = pm.HalfNormal("core", 2), pm.HalfNormal("wide", 10)
        components = [pm.Normal.dist(mu, core), pm.Normal.dist(mu, wide)]
        pm.Mixture("y", [0.9, 0.1], components, observed=SMOOTH)
    return model


def _small(t: float) -> float:
    return 10.0**-t


def _collapse(t: float) -> Point:
    return {"mu": np.array([SMOOTH[4], 0.0]), "sigma": np.array([_small(t), 1.0])}


def _free_collapse(t: float) -> Point:
    return {"w": np.array([0.3, 0.7]), **_collapse(t)}


def _saturated(x: np.ndarray, point: Point) -> dict[str, Truth]:
    """MLE and MAP: on a perfect fit the sd goes to 0, where the half-normal prior is positive."""
    fit = np.linalg.lstsq(x, RESPONSE)[0]
    truth = no_bound(
        point,
        ("sigma",),
        "sigma^-5 on a perfect fit",
        path=lambda t: {"beta": fit, "sigma": _small(t)},
    )
    return {"mle": truth, "map": truth}


_square_fit = np.linalg.solve(SQUARE_X, RESPONSE)
_t_path = no_bound(
    {"mu": 0.0},
    ("sigma",),
    "at nu = 1/2 and mu = 0, sigma^-4 of the ties and sigma^(3/2) of the others",
    path=lambda t: {"mu": 0.0, "sigma": _small(t), "nu": 0.5},
)
_line = no_bound(
    {},
    ("sigma",),
    "1/sigma[i] at a slope[i] through any observation",
    path=lambda t: {
        "slope": np.array([CROSS_Y[2] / CROSS_X[2], 0.0]),
        "sigma": np.array([_small(t), 2.0]),
    },
)
_contaminated = no_bound(
    {},
    ("core|wide",),
    "1/sd of either component at mu = any observation",
    path=lambda t: {"mu": SMOOTH[4], "core": _small(t), "wide": 1.0},
)

UNBOUNDED_FITS = (
    # One component on one observation: 1/sigma from it, and the other component is positive at all
    # others. This is so of any data; here there is a good ordinary maximum as well.
    *(
        ZooModel(
            name,
            build,
            mle=no_bound({}, ("sigma",), "1/sigma[i] at mu[i] = any observation", path=path),
            map=no_bound({}, ("sigma",), "the same; the priors are positive there", path=path),
            twin_of=None if name == "mixture_of_smooth_data" else "mixture_of_smooth_data",
        )
        for name, build, path in (
            ("mixture_of_smooth_data", smooth_mixture_equal_weights, _collapse),
            ("mixture_of_smooth_data_weights", smooth_mixture_free_weights, _free_collapse),
        )
    ),
    # The same, at the slope that goes through an observation.
    ZooModel(
        "mixture_of_regressions",
        mixture_of_regressions,
        mle=_line,
        map=_line,
        twin_of="mixture_of_smooth_data",
    ),
    ZooModel("contaminated_normal", contaminated, mle=_contaminated, map=_contaminated),
    ZooModel(
        "as_many_columns_as_rows",
        square_regression,
        **_saturated(SQUARE_X, {"beta": _square_fit}),
    ),
    ZooModel(
        "as_many_columns_as_rows_strong_prior",
        square_regression_strong_prior,
        **_saturated(SQUARE_X, {"beta": _square_fit}),
        twin_of="as_many_columns_as_rows",
    ),
    ZooModel(
        "as_many_columns_as_rows_log_variance",
        square_regression_log_variance,
        mle=no_bound(
            {"beta": _square_fit},
            ("log_variance",),
            "exp(-5/2 log_variance) on the perfect fit",
            path=lambda t: {"beta": _square_fit, "log_variance": -2 * t},
        ),
        # -5/2 v - v^2/8, highest at -10.
        map=Truth(
            "converged",
            {"beta": _square_fit, "log_variance": -10.0},
            "the prior of the log variance falls faster than the likelihood rises",
            n_optima=1,
        ),
        twin_of="as_many_columns_as_rows",
    ),
    ZooModel("wide_regression_unknown_sd", wide_regression, **_saturated(WIDE_X, {})),
    ZooModel(
        "wide_regression_inverse_gamma",
        wide_regression_inverse_gamma,
        mle=_saturated(WIDE_X, {})["mle"],
        twin_of="wide_regression_unknown_sd",
    ),
    # With nu fixed: a tie has the density c / sigma, another observation c' sigma^nu; four ties
    # against three others are unbounded for nu < 4/3, whatever sigma^3 the others would ask for.
    ZooModel("t_on_ties", t_on_ties, mle=_t_path, map=_t_path),
    ZooModel(
        "own_noise_of_one_group",
        own_noise_of_one_group,
        mle=no_bound(
            {"mu": np.array([7 / 3, 7.0]), "log_sd": np.array([np.log(14 / 9) / 2, np.nan])},
            ("log_sd[single]",),
            "exp(-log_sd) at mu = the one observation; the other group has its own maximum",
            path=lambda t: {"mu": np.array([7 / 3, 7.0]), "log_sd": np.array([0.2, -2.0 * t])},
        ),
    ),
)
