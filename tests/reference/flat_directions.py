"""Densities that are flat along a direction: the parameters are not identified."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import stats

from tests.zoo import Point, Truth, ZooModel, flat

__all__ = ["FLAT_DIRECTIONS"]

TARGETS = np.array([1.2, 1.9, 1.4, 1.5])
VOTES = np.array([3, 5, 2])
SCATTER = np.array([-1.3, 0.4, 2.2, -0.6, 1.5])


def sum_only() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 1), pm.Normal("b", 0, 2)
        pm.Normal("y", pm.Deterministic("total", a + b), 1, observed=TARGETS)
    return model


def ratio_only() -> pm.Model:
    with pm.Model() as model:
        a, b = pm.HalfNormal("a", 1), pm.HalfNormal("b", 1)
        pm.Normal("y", pm.Deterministic("ratio", a / b), 1, observed=TARGETS)
    return model


def free_logits() -> pm.Model:
    with pm.Model(coords={"party": ["red", "green", "blue"]}) as model:
        eta = pm.Normal("eta", 0, 1, dims="party")
        p = pm.Deterministic("p", pm.math.softmax(eta), dims="party")
        pm.Multinomial("y", VOTES.sum(), p, observed=VOTES)
    return model


def product() -> pm.Model:
    with pm.Model() as model:
        w, z = pm.Normal("w", 0, 1), pm.Normal("z", 0, 1)
        pm.Normal("y", pm.Deterministic("product", w * z), 1, observed=TARGETS)
    return model


def unused(prior: str) -> pm.Model:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 2)
        if prior == "normal":
            pm.Normal("extra", 3, 1)
        elif prior == "flat":
            pm.Flat("extra")
        else:
            pm.Uniform("extra", 0, 1)
        pm.Normal("y", mu, 1, observed=TARGETS)
    return model


def unused_normal() -> pm.Model:
    return unused("normal")


def unused_flat() -> pm.Model:
    return unused("flat")


def unused_uniform() -> pm.Model:
    return unused("uniform")


def two_variances() -> pm.Model:
    # The half-normal priors, too, depend on s1^2 + s2^2 only: proper, and no help.
    with pm.Model() as model:
        s1, s2 = pm.HalfNormal("s1", 1), pm.HalfNormal("s2", 1)
        variance = pm.Deterministic("variance", s1**2 + s2**2)
        pm.Normal("y", 0, pm.math.sqrt(variance), observed=SCATTER)
    return model


_mean, _n = TARGETS.mean(), TARGETS.size
_loglik = stats.norm(_mean, 1).logpdf(TARGETS).sum()
# Half-normal: n/2v = S/2v^2 - 1/2, so v^2 + n v = S.
_variance = np.mean(SCATTER**2)
_variance_map = -2.5 + np.sqrt(2.5**2 + 5 * _variance)


def _free_logits_map() -> np.ndarray:
    # counts - n p = eta, whose sum is 0: Newton's method.
    eta = np.zeros(3)
    for _ in range(50):
        p = np.exp(eta) / np.exp(eta).sum()
        step = np.linalg.solve(10 * (np.diag(p) - np.outer(p, p)) + np.eye(3), VOTES - 10 * p - eta)
        eta = eta + step
    return eta


def _two_variances_path(variance: float):  # type: ignore[no-untyped-def]
    def path(s: float) -> Point:
        angle = 0.2 + s
        return {
            "s1": np.sqrt(variance) * np.cos(angle),
            "s2": np.sqrt(variance) * np.sin(angle),
        }

    return path


FLAT_DIRECTIONS = (
    # MAP: the total is shrunk, and a and b share it as their prior variances, 1 and 4.
    ZooModel(
        "sum_only",
        sum_only,
        mle=flat(
            {"total": _mean},
            _loglik,
            ("a", "b"),
            "only a + b is in the likelihood",
            path=lambda s: {"a": s, "b": _mean - s},
        ),
        map=Truth(
            "converged",
            {
                "a": _mean / (5 + 1 / _n),
                "b": 4 * _mean / (5 + 1 / _n),
                "total": 5 * _mean / (5 + 1 / _n),
            },
            "normal equations",
            n_optima=1,
        ),
    ),
    ZooModel(
        "ratio_only",
        ratio_only,
        mle=flat(
            {"ratio": _mean},
            _loglik,
            ("a", "b"),
            "only a / b is in the likelihood",
            path=lambda s: {"a": _mean * (0.5 + s), "b": 0.5 + s},
        ),
    ),
    ZooModel(
        "product_at_saddle",
        product,
        mle=flat(
            {"product": _mean},
            _loglik,
            ("w", "z"),
            "only w z is in the likelihood; (0, 0) is a saddle",
            path=lambda s: {"w": 1 + s, "z": _mean / (1 + s)},
        ),
        # On w = z the derivative n (m - w^2) w - w is 0 at w^2 = m - 1/n.
        map=Truth(
            "converged",
            {"w": np.sqrt(_mean - 1 / _n), "z": np.sqrt(_mean - 1 / _n)},
            "w = z = sqrt(m - 1/n), or both negative",
            n_optima=2,
            others=({"w": -np.sqrt(_mean - 1 / _n), "z": -np.sqrt(_mean - 1 / _n)},),
        ),
        initvals={"w": 0.0, "z": 0.0},
    ),
    ZooModel(
        "free_logits",
        free_logits,
        mle=flat(
            {"p": VOTES / 10},
            stats.multinomial(10, VOTES / 10).logpmf(VOTES),
            ("eta[red]", "eta[green]", "eta[blue]"),
            "a constant added to each logit",
            path=lambda s: {"eta": np.log(VOTES / 10) + s},
        ),
        map=Truth("converged", {"eta": _free_logits_map()}, "counts - n p = eta", n_optima=1),
        twin_of="multinomial_dirichlet",
    ),
    ZooModel(
        "unused_parameter",
        unused_normal,
        mle=flat(
            {"mu": _mean},
            _loglik,
            ("extra",),
            "not in the likelihood",
            path=lambda s: {"mu": _mean, "extra": s},
        ),
        map=Truth(
            "converged",
            {"mu": _n * _mean / (_n + 0.25), "extra": 3.0},
            "conjugate; the prior's mode",
            n_optima=1,
        ),
    ),
    *(
        ZooModel(
            f"unused_{prior}_parameter",
            build,
            mle=flat(
                {"mu": _mean},
                _loglik,
                ("extra",),
                "not in the likelihood",
                path=lambda s: {"mu": _mean, "extra": s},
            ),
            map=flat(
                {"mu": _n * _mean / (_n + 0.25)},
                None,
                ("extra",),
                "not in the likelihood, and its prior is constant",
                path=lambda s: {"mu": _n * _mean / (_n + 0.25), "extra": s},
            ),
            twin_of="unused_parameter",
        )
        for prior, build in (("flat", unused_flat), ("uniform", unused_uniform))
    ),
    ZooModel(
        "two_variances",
        two_variances,
        mle=flat(
            {"variance": _variance},
            stats.norm(0, np.sqrt(_variance)).logpdf(SCATTER).sum(),
            ("s1", "s2"),
            "only s1^2 + s2^2 is in the likelihood",
            path=_two_variances_path(_variance),
        ),
        map=flat(
            {"variance": _variance_map},
            None,
            ("s1", "s2"),
            "nor do the proper priors tell s1 from s2: v^2 + n v = S",
            path=_two_variances_path(_variance_map),
        ),
    ),
)
