"""Models without a closed form: their maxima were computed with 40 digits in mpmath.

The log densities were written out by hand there, maximised by Nelder-Mead and polished with
Newton's method to a relative step under 1e-17; the numbers below are those, rounded to a double.
"""

from __future__ import annotations

import numpy as np
import pymc as pm

from tests.zoo import Truth, ZooModel, with_flat_priors

__all__ = ["FORTY_DIGITS", "GP_X", "PUROMYCIN"]

HEAVY_TAILS = np.array([-9.0, -1.2, -0.8, -0.3, 0.0, 0.3, 0.5, 0.7, 1.1, 1.4, 2.0, 7.5])
SHARES = np.array([0.12, 0.35, 0.4, 0.61, 0.55, 0.8])
OVERDISPERSED = np.array([0, 1, 3, 5, 8, 10, 2, 7])
DOSE = np.array([-1.5, -1.0, -0.6, -0.1, 0.3, 0.8, 1.1, 1.9])
WAITS = np.array([0.4, 0.9, 0.5, 1.4, 1.1, 2.9, 1.8, 5.2])
GRADES = np.array([0, 0, 1, 0, 1, 2, 1, 2])
STUDIES = np.array([2.1, -0.5, 4.2, 1.0, 5.1, -2.0])
STUDY_SDS = np.array([0.8, 1.0, 0.9, 1.2, 0.7, 1.1])
TWO_GROUPS = np.array([-2.3, -1.9, -1.4, -2.2, -1.7, 1.2, 1.8, 2.5, 2.1, 0.9, 1.6, 0.1])
# Treated cells of the Puromycin experiment: Treloar (1974), in Bates & Watts (1988), table A1.3,
# who print Vm = 212.7 and K = 0.0641.
PUROMYCIN = {
    "conc": np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.10], 2),
    "rate": np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200]),
}
GP_X = np.arange(10) / 2
GP_Y = np.array([0.1, 0.6, 0.8, 1.2, 0.7, 0.2, -0.4, -0.6, -1.1, -0.7])


def t_location() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Flat("mu")
        pm.StudentT("y", nu=4, mu=mu, sigma=1, observed=[-1.2, 0.3, 0.7, 1.1, 1.4, 2.0, 7.5])
    return model


def t_unknown_nu() -> pm.Model:
    # Twin of the pathology with normal data: here the tails are heavy and nu is finite.
    with pm.Model() as model:
        nu, mu, sigma = pm.HalfFlat("nu"), pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.StudentT("y", nu=nu, mu=mu, sigma=sigma, observed=HEAVY_TAILS)
    return model


def beta_binomial() -> pm.Model:
    with pm.Model() as model:
        alpha, beta = pm.HalfFlat("alpha"), pm.HalfFlat("beta")
        pm.BetaBinomial("y", alpha=alpha, beta=beta, n=10, observed=OVERDISPERSED)
    return model


def beta_sample() -> pm.Model:
    with pm.Model() as model:
        alpha, beta = pm.HalfFlat("alpha"), pm.HalfFlat("beta")
        pm.Beta("y", alpha=alpha, beta=beta, observed=SHARES)
    return model


def gamma_regression() -> pm.Model:
    with pm.Model() as model:
        a, b, shape = pm.Flat("a"), pm.Flat("b"), pm.HalfFlat("shape")
        mean = pm.math.exp(a + b * DOSE)
        pm.Gamma("y", alpha=shape, beta=shape / mean, observed=WAITS)
    return model


def ordered_logistic() -> pm.Model:
    with pm.Model(coords={"cut": ["low", "high"]}) as model:
        b = pm.Flat("b")
        cutpoints = pm.Normal(
            "cutpoints",
            0,
            10,
            transform=pm.distributions.transforms.ordered,
            initval=[-1.0, 1.0],
            dims="cut",
        )
        pm.OrderedLogistic("grade", eta=b * DOSE, cutpoints=cutpoints, observed=GRADES)
    return model


def hierarchical_marginal() -> pm.Model:
    # The studies' own means integrated out; unlike in eight schools they differ: tau > 0.
    with pm.Model() as model:
        mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
        pm.Normal("y", mu, pm.math.sqrt(STUDY_SDS**2 + tau**2), observed=STUDIES)
    return model


def puromycin() -> pm.Model:
    with pm.Model() as model:
        top, half = pm.HalfFlat("Vm"), pm.HalfFlat("K")
        conc = PUROMYCIN["conc"]
        rate = top * conc / (half + conc)
        pm.Normal("rate", rate, pm.HalfFlat("sigma"), observed=PUROMYCIN["rate"])
    return model


def puromycin_reciprocal() -> pm.Model:
    # Lineweaver and Burk's parameters: 1/Vm and K/Vm.
    with pm.Model() as model:
        a, b = pm.HalfFlat("a"), pm.HalfFlat("b")
        rate = 1 / (a + b / PUROMYCIN["conc"])
        pm.Normal("rate", rate, pm.HalfFlat("sigma"), observed=PUROMYCIN["rate"])
    return model


def ordered_mixture() -> pm.Model:
    with pm.Model(coords={"group": ["left", "right"]}) as model:
        w = pm.Uniform("w", 0, 1)
        mu = pm.Normal(
            "mu",
            0,
            10,
            transform=pm.distributions.transforms.ordered,
            initval=[-1.0, 1.0],
            dims="group",
        )
        sigma = pm.HalfNormal("sigma", 10)
        pm.NormalMixture("y", pm.math.stack([w, 1 - w]), mu, sigma, observed=TWO_GROUPS)
    return model


def gaussian_process() -> pm.Model:
    with pm.Model() as model:
        ell, eta, sigma = pm.HalfFlat("ell"), pm.HalfFlat("eta"), pm.HalfFlat("sigma")
        squared = np.subtract.outer(GP_X, GP_X) ** 2
        cov = eta**2 * pm.math.exp(-squared / (2 * ell**2)) + sigma**2 * np.eye(len(GP_X))
        pm.MvNormal("y", np.zeros(len(GP_X)), cov=cov, observed=GP_Y)
    return model


def gaussian_process_class() -> pm.Model:
    # The same through PyMC's own class, whose covariance has a jitter of 1e-6 unless told not to.
    with pm.Model() as model:
        ell, eta, sigma = pm.HalfFlat("ell"), pm.HalfFlat("eta"), pm.HalfFlat("sigma")
        gp = pm.gp.Marginal(cov_func=eta**2 * pm.gp.cov.ExpQuad(1, ls=ell))
        gp.marginal_likelihood("y", X=GP_X[:, None], y=GP_Y, sigma=sigma, jitter=0.0)
    return model


SOURCE = "40 digits, mpmath"
_gp = with_flat_priors(
    {"ell": 1.2830702398075435, "eta": 0.7414025714371082, "sigma": 0.15912169517811886},
    -3.638098357263769,
    SOURCE,
)
_puromycin = {"Vm": 212.68374314253606, "K": 0.06412128168156707, "sigma": 9.981018712366653}

FORTY_DIGITS = (
    ZooModel(
        "t_location",
        t_location,
        **with_flat_priors({"mu": 0.9829857483535375}, -15.973677749853863, SOURCE),
    ),
    ZooModel(
        "t_unknown_nu_heavy_tails",
        t_unknown_nu,
        **with_flat_priors(
            {"nu": 1.1222015335454285, "mu": 0.3926995329053576, "sigma": 0.8700969231013086},
            -27.20613170926164,
            SOURCE,
        ),
    ),
    ZooModel(
        "beta_binomial",
        beta_binomial,
        **with_flat_priors(
            {"alpha": 0.7153710515993429, "beta": 0.8450377399150008}, -19.013527104396513, SOURCE
        ),
    ),
    ZooModel(
        "beta_sample",
        beta_sample,
        **with_flat_priors(
            {"alpha": 2.122203220676528, "beta": 2.4187181538582374}, 1.0204106554651518, SOURCE
        ),
    ),
    ZooModel(
        "gamma_regression",
        gamma_regression,
        **with_flat_priors(
            {"a": 0.2218249451758485, "b": 0.6886011145852823, "shape": 10.796621555673964},
            -3.9761402665420316,
            SOURCE,
        ),
    ),
    ZooModel(
        "ordered_logistic",
        ordered_logistic,
        mle=Truth(
            "converged",
            {
                "b": 2.762443888529249,
                "cutpoints": np.array([-1.0225539924825087, 2.850861944569945]),
            },
            SOURCE,
            log_density=-4.7032325759653455,
        ),
    ),
    ZooModel(
        "hierarchical_marginal",
        hierarchical_marginal,
        mle=Truth(
            "converged",
            {"mu": 1.7432879155353498, "tau": 2.309751097196749},
            SOURCE,
            log_density=-13.99264892612309,
        ),
        map=Truth(
            "converged",
            {"mu": 1.6830491293692198, "tau": 2.2299880521542996},
            SOURCE,
            log_density=-18.82787448241251,
        ),
    ),
    ZooModel("puromycin", puromycin, **with_flat_priors(_puromycin, -44.63548432447377, SOURCE)),
    ZooModel(
        "puromycin_reciprocal",
        puromycin_reciprocal,
        **with_flat_priors(
            {
                "a": 1 / _puromycin["Vm"],
                "b": _puromycin["K"] / _puromycin["Vm"],
                "sigma": _puromycin["sigma"],
            },
            -44.63548432447377,
            SOURCE,
            atol=1e-12,
        ),
        twin_of="puromycin",
    ),
    ZooModel(
        "ordered_mixture",
        ordered_mixture,
        mle=Truth(
            "converged",
            {
                "w": 0.42032384841493176,
                "mu": np.array([-1.8825814893407449, 1.465692917613612]),
                "sigma": 0.6117179177749067,
            },
            SOURCE,
            log_density=-19.113275750842362,
        ),
    ),
    ZooModel("gaussian_process", gaussian_process, **_gp),
    ZooModel("gaussian_process_class", gaussian_process_class, **_gp, twin_of="gaussian_process"),
)
