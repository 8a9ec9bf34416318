"""More than one maximum, saddles at the start, maxima that are not smooth."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import optimize, stats

from tests.reference.flat_likelihoods import TRIPLES, factor_model
from tests.zoo import Truth, ZooModel

__all__ = ["SEVERAL_OPTIMA"]

TWO_CLUSTERS = np.array([-3.1, -2.9, -3.0, 3.0, 2.9, 3.1])
UNEVEN = np.array([-2.1, -1.6, -2.5, -1.9, 1.3, 1.8, 2.2, 2.6, 0.9, 1.5, 2.9, 1.1])
FAR = np.array([-5.0, 5.0])
THREE_AND_FOUR = np.array([-5.0, -5.1, -4.9, 5.0, 5.2, 4.8, 5.1])
SQUARES = np.array([3.6, 4.4, 4.0])
NO_SQUARE = np.array([-0.5, 0.5, 0.0])
TIME = np.linspace(0, 2, 9)


def label_switching() -> pm.Model:
    with pm.Model(coords={"group": ["one", "other"]}) as model:
        mu = pm.Normal("mu", 0, 5, dims="group")
        pm.NormalMixture("y", [0.5, 0.5], mu, 1.0, observed=TWO_CLUSTERS)
    return model


def label_switching_scalars() -> pm.Model:
    with pm.Model() as model:
        one, other = pm.Normal("one", 0, 5), pm.Normal("other", 0, 5)
        mu = pm.math.stack([one, other])
        pm.NormalMixture("y", [0.5, 0.5], mu, 1.0, observed=TWO_CLUSTERS)
    return model


def unequal_weights() -> pm.Model:
    # The weights tell the components apart: exchanging the means is another, lower maximum.
    with pm.Model(coords={"group": ["small", "large"]}) as model:
        mu = pm.Flat("mu", dims="group")
        pm.NormalMixture("y", [0.3, 0.7], mu, 1.0, observed=UNEVEN)
    return model


def cauchy_far_apart() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Normal("theta", 0, 10)
        pm.Cauchy("y", theta, 1, observed=FAR)
    return model


def cauchy_prior_decides() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Normal("theta", 2, 10)
        pm.Cauchy("y", theta, 1, observed=FAR)
    return model


def cauchy_and_all_heads(on_logit: bool) -> pm.Model:
    # Two modes of a location, and beside them a coin whose maximum is at an edge or at infinity:
    # the way there begins near the lower mode, and has to end beside the higher one.
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        pm.Cauchy("y", mu, 1, observed=THREE_AND_FOUR)
        if on_logit:
            pm.Bernoulli("tosses", logit_p=pm.Normal("eta", 0, 2), observed=[1, 1, 1])
        else:
            pm.Bernoulli("tosses", p=pm.Uniform("theta", 0, 1), observed=[1, 1, 1])
    return model


def double_well(observed: np.ndarray, sd: float) -> pm.Model:
    with pm.Model() as model:
        x = pm.Normal("x", 0, sd)
        pm.Normal("y", x**2, 1, observed=observed)
    return model


def squares() -> pm.Model:
    return double_well(SQUARES, 10)


def squares_positive() -> pm.Model:
    with pm.Model() as model:
        x = pm.HalfNormal("x", 10)
        pm.Normal("y", x**2, 1, observed=SQUARES)
    return model


def fourth_power() -> pm.Model:
    return double_well(NO_SQUARE, 1)


def one_factor() -> pm.Model:
    return factor_model(1)


def lasso_of_one() -> pm.Model:
    with pm.Model() as model:
        x = pm.Laplace("x", 0, 1)
        pm.Normal("y", x, 1, observed=0.3)
    return model


def bimodal_prior() -> pm.Model:
    with pm.Model() as model:
        theta = pm.NormalMixture("theta", [0.3, 0.7], np.array([-5.0, 5.0]), 1.0)
        pm.Normal("y", theta, 4, observed=[0.4, -0.9, 1.1])
    return model


def frequency() -> pm.Model:
    with pm.Model() as model:
        w = pm.Uniform("w", 0, 6)
        pm.Normal("y", pm.math.sin(w * TIME), 0.5, observed=np.sin(3 * TIME))
    return model


# Means at -m and m: the sum of y tanh(m y) is n m, with the prior n m + 2 m / 25.
_m, _m_map = (
    optimize.brentq(
        lambda m, extra=extra: (TWO_CLUSTERS * np.tanh(m * TWO_CLUSTERS)).sum() - (6 + extra) * m,
        1,
        5,
        xtol=1e-14,
    )
    for extra in (0, 2 / 25)
)


def _cauchy_mode(prior_mean: float) -> float:
    """The root of the derivative near 5."""
    return optimize.brentq(
        lambda t: (2 * (FAR - t) / (1 + (FAR - t) ** 2)).sum() - (t - prior_mean) / 100,
        4,
        5,
        xtol=1e-14,
    )


def _two_means(m: float) -> Truth:
    return Truth(
        "converged",
        {"mu": np.array([-m, m])},
        "by symmetry -m and m; exchanging them is a relabelling",
        n_optima=1,
        others=({"mu": np.array([m, -m])},),
    )


def _two_scalars(m: float) -> Truth:
    return Truth(
        "converged",
        {"one": -m, "other": m},
        "by symmetry -m and m; exchanging them is a relabelling",
        n_optima=1,
        others=({"one": m, "other": -m},),
    )


def _mirrored(name: str, value: float, source: str) -> Truth:
    return Truth(
        "converged", {name: value}, source, n_optima=2, others=({name: -np.asarray(value)},)
    )


# One factor: the leading eigenvector, and the noise the mean of the two other eigenvalues.
_values, _vectors = np.linalg.eigh(TRIPLES.T @ TRIPLES / len(TRIPLES))
_noise = np.sqrt(_values[:2].mean())
_loading = _vectors[:, 2:] * np.sqrt(_values[2] - _noise**2)
# The score of the Cauchy likelihood has one root near the four.
_four = optimize.brentq(
    lambda mu: np.sum((THREE_AND_FOUR - mu) / (1 + (THREE_AND_FOUR - mu) ** 2)),
    4.5,
    5.5,
    xtol=1e-13,
)
_four_height = stats.cauchy(_four).logpdf(THREE_AND_FOUR).sum()
_mode, _mode_decided = _cauchy_mode(0), _cauchy_mode(2)
_perfect = 9 * stats.norm(0, 0.5).logpdf(0)

SEVERAL_OPTIMA = (
    ZooModel("label_switching", label_switching, mle=_two_means(_m), map=_two_means(_m_map)),
    ZooModel(
        "label_switching_scalars",
        label_switching_scalars,
        mle=_two_scalars(_m),
        map=_two_scalars(_m_map),
        twin_of="label_switching",
    ),
    ZooModel(
        "unequal_weights",
        unequal_weights,
        mle=Truth(
            "converged",
            {"mu": np.array([-2.013165202212477, 1.7835542897537868])},
            "40 digits, mpmath; a second maximum at (1.797, -1.944), -24.0246",
            log_density=-20.705985266877722,
            n_optima=2,
        ),
    ),
    # Far apart, the modes are at the roots of theta^2 = 25 - 1.
    ZooModel(
        "cauchy_far_apart",
        cauchy_far_apart,
        mle=_mirrored("theta", np.sqrt(24), "theta^2 = 24"),
        map=_mirrored("theta", _mode, "root of the derivative"),
    ),
    ZooModel(
        "cauchy_and_all_heads",
        lambda: cauchy_and_all_heads(on_logit=False),
        initvals={"mu": -1.2},
        mle=Truth(
            "on_boundary",
            {"mu": _four, "theta": 1.0},
            "root of the score near the four; three heads",
            log_density=_four_height,
            parameters=("theta",),
            path=lambda t: {"mu": np.array(_four), "theta": np.array(1 - 10.0 ** (-2 * t))},
        ),
    ),
    ZooModel(
        "cauchy_and_all_heads_logit",
        lambda: cauchy_and_all_heads(on_logit=True),
        initvals={"mu": -1.2},
        mle=Truth(
            "at_infinity",
            {"mu": _four, "eta": np.inf},
            "root of the score near the four; three heads",
            log_density=_four_height,
            parameters=("eta",),
            path=lambda t: {"mu": np.array(_four), "eta": np.array(4.0 * t)},
        ),
    ),
    ZooModel(
        "cauchy_prior_decides",
        cauchy_prior_decides,
        map=Truth("converged", {"theta": _mode_decided}, "root of the derivative", n_optima=2),
        twin_of="cauchy_far_apart",
    ),
    # n (4 - x^2) 2 x = x / 100; the start, 0, is a minimum.
    ZooModel(
        "square_from_minimum",
        squares,
        mle=_mirrored("x", 2.0, "x^2 is the mean"),
        map=_mirrored("x", np.sqrt(4 - 1 / 600), "x^2 = 4 - 1/600"),
        initvals={"x": 0.0},
    ),
    ZooModel(
        "square_positive",
        squares_positive,
        mle=Truth("converged", {"x": 2.0}, "x^2 is the mean", n_optima=1),
        map=Truth("converged", {"x": np.sqrt(4 - 1 / 600)}, "x^2 = 4 - 1/600", n_optima=1),
        twin_of="square_from_minimum",
    ),
    # -3 x^4 / 2: a strict maximum at 0, with a Hessian of 0.
    ZooModel(
        "fourth_power",
        fourth_power,
        mle=Truth(
            ("converged", "not_converged"),
            {"x": 0.0},
            "strict maximum, so not flat; its Hessian is 0, so not certified by it either",
            n_optima=1,
            atol=1e-3,
            kink=True,
        ),
        map=Truth("converged", {"x": 0.0}, "-3 x^4/2 - x^2/2", n_optima=1),
    ),
    ZooModel(
        "one_factor",
        one_factor,
        mle=Truth(
            "converged",
            {
                "loading": _loading,
                "noise": _noise,
                "cov": _loading @ _loading.T + _noise**2 * np.eye(3),
            },
            "Tipping & Bishop (1999): leading eigenvector, of either sign",
            n_optima=2,
            others=({"loading": -_loading, "noise": _noise},),
        ),
    ),
    ZooModel(
        "lasso_of_one",
        lasso_of_one,
        mle=Truth("converged", {"x": 0.3}, "y", n_optima=1),
        map=Truth("converged", {"x": 0.0}, "the kink of the prior: |y| < 1", n_optima=1, kink=True),
    ),
    ZooModel(
        "bimodal_prior",
        bimodal_prior,
        mle=Truth("converged", {"theta": 0.2}, "mean", n_optima=1),
        map=Truth(
            "converged",
            {"theta": 4.242105263157895},
            "40 digits, mpmath; a second maximum at -4.179, -11.2377",
            log_density=-10.074634528538148,
            n_optima=2,
        ),
    ),
    ZooModel(
        "frequency",
        frequency,
        mle=Truth("converged", {"w": 3.0}, "the data are sin(3 t)", log_density=_perfect),
        map=Truth(
            "converged", {"w": 3.0}, "the data are sin(3 t)", log_density=_perfect - np.log(6)
        ),
    ),
)
