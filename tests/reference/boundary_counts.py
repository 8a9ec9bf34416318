"""Counts of nothing, or of everything: maxima on the edge of the support."""

from __future__ import annotations

import numpy as np
import pymc as pm
from scipy import special, stats

from tests.reference.coins import coin
from tests.reference.infinite_counts import CATEGORIES, GROUP_COUNTS, NO_EXTRA_ZEROS
from tests.reference.infinities import CENSORED
from tests.zoo import Truth, ZooModel, edge

__all__ = ["BOUNDARY_COUNTS", "dirichlet_zero_count"]

VOTES = np.array([4, 6, 0])


def zero_counts_gamma() -> pm.Model:
    with pm.Model() as model:
        rate = pm.Gamma("rate", 2, 1)
        pm.Poisson("y", rate, observed=[0, 0, 0])
    return model


def zero_counts_exponential() -> pm.Model:
    with pm.Model() as model:
        rate = pm.Exponential("rate", 1)
        pm.Poisson("y", rate, observed=[0, 0, 0])
    return model


def zero_count_group_rates() -> pm.Model:
    with pm.Model(coords={"group": ["quiet", "busy"]}) as model:
        rate = pm.Gamma("rate", 2, 1, dims="group")
        pm.Poisson("y", rate[:, None], observed=GROUP_COUNTS)
    return model


def all_censored_rate() -> pm.Model:
    with pm.Model() as model:
        rate = pm.Gamma("rate", 2, 1)
        life = pm.Exponential.dist(rate)
        pm.Censored("t", life, lower=None, upper=CENSORED, observed=CENSORED)
    return model


def dirichlet_zero_count(concentration: float) -> pm.Model:
    with pm.Model(coords={"party": ["red", "green", "blue"]}) as model:
        p = pm.Dirichlet("p", np.full(3, concentration), dims="party")
        pm.Multinomial("y", VOTES.sum(), p, observed=VOTES)
    return model


def dirichlet_flat() -> pm.Model:
    return dirichlet_zero_count(1.0)


def dirichlet_two() -> pm.Model:
    return dirichlet_zero_count(2.0)


def zip_share() -> pm.Model:
    with pm.Model() as model:
        psi, mu = pm.Uniform("psi", 0, 1), pm.HalfFlat("mu")
        pm.ZeroInflatedPoisson("y", psi, mu, observed=NO_EXTRA_ZEROS)
    return model


def ordered_empty_middle() -> pm.Model:
    with pm.Model(coords={"cut": ["poor", "fair", "good"]}) as model:
        cutpoints = pm.Normal(
            "cutpoints",
            0,
            10,
            transform=pm.distributions.transforms.ordered,
            initval=[-1.0, 0.0, 1.0],
            dims="cut",
        )
        grades = np.where(CATEGORIES == 1, 0, CATEGORIES)
        pm.OrderedProbit("grade", eta=np.zeros(10), cutpoints=cutpoints, observed=grades)
    return model


_votes = stats.multinomial(10, [0.4, 0.6, 0]).logpmf(VOTES)
_p = {"p": np.array([0.4, 0.6, 0.0])}
_middle = special.ndtri(0.3)
_heads = edge({"theta": 1.0}, 0.0, ("theta",), "k = n")
_tails = edge({"theta": 0.0}, 0.0, ("theta",), "k = 0")

BOUNDARY_COUNTS = (
    # Beta(2, 2) has density 0 at the edge, which the MLE does not see.
    ZooModel(
        "all_heads",
        coin([1, 1, 1], 2, 2),
        mle=_heads,
        map=Truth("converged", {"theta": 0.8}, "(k+a-1)/(n+a+b-2)", n_optima=1),
        map_jacobian=Truth("converged", {"theta": 5 / 7}, "(k+a)/(n+a+b)", n_optima=1),
    ),
    ZooModel(
        "all_heads_beta_10_10",
        coin([1, 1, 1], 10, 10),
        mle=_heads,
        map=Truth("converged", {"theta": 12 / 21}, "(k+a-1)/(n+a+b-2)", n_optima=1),
    ),
    ZooModel("all_heads_uniform", coin([1, 1, 1], 1, 1), mle=_heads, map=_heads),
    ZooModel(
        "all_tails",
        coin([0, 0, 0], 2, 2),
        mle=_tails,
        map=Truth("converged", {"theta": 0.2}, "(k+a-1)/(n+a+b-2)", n_optima=1),
    ),
    # Beta(1, 3) is 3 (1 - theta)^2: finite at 0, and highest there.
    ZooModel(
        "beta_prior_mode_at_edge",
        coin([0, 0], 1, 3),
        mle=_tails,
        map=edge({"theta": 0.0}, np.log(3), ("theta",), "prior and likelihood both fall from 0"),
    ),
    ZooModel(
        "zero_counts",
        zero_counts_gamma,
        mle=edge({"rate": 0.0}, 0.0, ("rate",), "mean 0"),
        map=Truth("converged", {"rate": 1 / 4}, "(S+a-1)/(n+b)", n_optima=1),
        map_jacobian=Truth("converged", {"rate": 2 / 4}, "(S+a)/(n+b)", n_optima=1),
    ),
    ZooModel(
        "zero_counts_exponential",
        zero_counts_exponential,
        mle=edge({"rate": 0.0}, 0.0, ("rate",), "mean 0"),
        map=edge({"rate": 0.0}, 0.0, ("rate",), "exp(-4 rate)"),
        map_jacobian=Truth("converged", {"rate": 1 / 4}, "rate exp(-4 rate)", n_optima=1),
    ),
    ZooModel(
        "zero_count_group_rates",
        zero_count_group_rates,
        mle=edge(
            {"rate": np.array([0.0, 3.0])},
            stats.poisson(3).logpmf(GROUP_COUNTS[1]).sum(),
            ("rate[quiet]",),
            "group means",
        ),
        map=Truth("converged", {"rate": np.array([1, 10]) / 4}, "(S+a-1)/(n+b)", n_optima=1),
        twin_of="poisson_zero_group",
    ),
    ZooModel(
        "all_censored",
        all_censored_rate,
        mle=edge({"rate": 0.0}, 0.0, ("rate",), "no event: the log-likelihood is -rate * time"),
        map=Truth("converged", {"rate": 1 / 11}, "rate exp(-(10+1) rate)", n_optima=1),
    ),
    ZooModel(
        "multinomial_zero_count",
        dirichlet_flat,
        mle=edge(_p, _votes, ("p[blue]",), "counts/n"),
        map=edge(_p, _votes + np.log(2), ("p[blue]",), "counts/n; the prior's density is 2"),
        map_jacobian=Truth(
            "converged", {"p": np.array([5, 7, 1]) / 13}, "(counts+a)/(n+sum a)", n_optima=1
        ),
    ),
    ZooModel(
        "multinomial_zero_count_dirichlet_2",
        dirichlet_two,
        mle=edge(_p, _votes, ("p[blue]",), "counts/n"),
        map=Truth(
            "converged", {"p": np.array([5, 7, 1]) / 13}, "(counts+a-1)/(n+sum a-K)", n_optima=1
        ),
    ),
    ZooModel(
        "zip_without_extra_zeros",
        zip_share,
        mle=edge(
            {"psi": 1.0, "mu": NO_EXTRA_ZEROS.mean()},
            stats.poisson(NO_EXTRA_ZEROS.mean()).logpmf(NO_EXTRA_ZEROS).sum(),
            ("psi",),
            "one zero of eight, a Poisson would have 1.2",
        ),
        map=edge(
            {"psi": 1.0, "mu": NO_EXTRA_ZEROS.mean()},
            stats.poisson(NO_EXTRA_ZEROS.mean()).logpmf(NO_EXTRA_ZEROS).sum(),
            ("psi",),
            "one zero of eight, a Poisson would have 1.2",
        ),
    ),
    # An empty category between others has probability 0: its two cutpoints coincide.
    ZooModel(
        "ordered_empty_middle",
        ordered_empty_middle,
        mle=edge(
            {"cutpoints": np.array([_middle, _middle, -_middle])},
            10 * (0.6 * np.log(0.3) + 0.4 * np.log(0.4)),
            ("cutpoints",),
            "normal quantiles of the cumulative shares .3, .3 and .7",
        ),
    ),
)
