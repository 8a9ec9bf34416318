"""The models of the published data sets; ``cases.py`` has what is true of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from tests.reference import read_data

__all__ = [
    "ENDOMETRIAL",
    "LUNG",
    "QUINE",
    "SWISS",
    "bioassay",
    "cauchy_location",
    "challenger",
    "design",
    "dyestuff_contrasts",
    "dyestuff_covariance",
    "endometrial_design",
    "endometrial_firth",
    "firth_penalty",
    "kidscore",
    "lung_censored",
    "lung_potential",
    "michelson",
    "pumps_marginal",
    "quine",
    "swiss_lasso",
    "swiss_ridge",
]

SWISS = ["agriculture", "examination", "education", "catholic", "infant_mortality"]
QUINE = ["Intercept", "SexM", "AgeF1", "AgeF2", "AgeF3", "EthN", "LrnSL"]
LUNG = ["Intercept", "age", "female", "ph.ecog"]
ENDOMETRIAL = ["Intercept", "NV", "PI", "EH"]


def design(data: Mapping[str, np.ndarray], columns: list[str]) -> np.ndarray:
    """The named columns side by side, Intercept being ones."""
    ones = np.ones(len(next(iter(data.values()))))
    return np.column_stack([ones if c == "Intercept" else data[c] for c in columns])


def quine() -> pm.Model:
    data = read_data("mass_quine_negbin")
    with pm.Model(coords={"column": QUINE}) as model:
        beta = pm.Flat("beta", dims="column")
        alpha = pm.HalfFlat("alpha")
        mu = pm.math.exp(design(data, QUINE) @ beta)
        pm.NegativeBinomial("days", mu=mu, alpha=alpha, observed=data["days"].astype(int))
    return model


def lung_censored() -> pm.Model:
    data = read_data("survreg_lung_weibull")
    with pm.Model(coords={"column": LUNG}) as model:
        beta = pm.Flat("beta", dims="column")
        scale = pm.HalfFlat("scale")
        life = pm.Weibull.dist(alpha=1 / scale, beta=pm.math.exp(design(data, LUNG) @ beta))
        follow_up = np.where(data["event"] == 1, np.inf, data["time"])
        pm.Censored("time", life, lower=None, upper=follow_up, observed=data["time"])
    return model


def lung_potential() -> pm.Model:
    # The survivors' log probability written by hand: log S(t) = -(t/beta)^alpha.
    data = read_data("survreg_lung_weibull")
    event = data["event"] == 1
    x = design(data, LUNG)
    with pm.Model(coords={"column": LUNG}) as model:
        beta = pm.Flat("beta", dims="column")
        scale = pm.HalfFlat("scale")
        pm.Weibull("time", 1 / scale, pm.math.exp(x[event] @ beta), observed=data["time"][event])
        survived = -((data["time"][~event] / pm.math.exp(x[~event] @ beta)) ** (1 / scale))
        pm.Potential("survived", survived)
    return model


def dyestuff_covariance() -> pm.Model:
    # The batch effects integrated out: each batch is multivariate normal.
    y = read_data("lme4_dyestuff")["y"].reshape(6, 5)
    with pm.Model() as model:
        mu, sd_batch, sigma = pm.Flat("mu"), pm.HalfFlat("sd_batch"), pm.HalfFlat("sigma")
        cov = sd_batch**2 * np.ones((5, 5)) + sigma**2 * np.eye(5)
        pm.MvNormal("y", mu * np.ones(5), cov=cov, observed=y)
    return model


def dyestuff_contrasts() -> pm.Model:
    # The same by an orthonormal rotation of each batch: its scaled mean and four contrasts.
    y = read_data("lme4_dyestuff")["y"].reshape(6, 5)
    rotation = np.linalg.qr(np.column_stack([np.ones(5), np.eye(5)[:, :4]]))[0]
    rotation = rotation * np.sign(rotation[0, 0])
    with pm.Model() as model:
        mu, sd_batch, sigma = pm.Flat("mu"), pm.HalfFlat("sd_batch"), pm.HalfFlat("sigma")
        pm.Normal(
            "mean",
            np.sqrt(5) * mu,
            pm.math.sqrt(5 * sd_batch**2 + sigma**2),
            observed=y @ rotation[:, 0],
        )
        pm.Normal("contrasts", 0, sigma, observed=y @ rotation[:, 1:])
    return model


def challenger() -> pm.Model:
    data = read_data("challenger")
    with pm.Model() as model:
        intercept, slope = pm.Flat("Intercept"), pm.Flat("temperature")
        eta = intercept + slope * data["temperature"]
        pm.Bernoulli("damage", logit_p=eta, observed=data["damage"].astype(int))
    return model


def bioassay() -> pm.Model:
    data = read_data("bioassay")
    with pm.Model() as model:
        alpha, beta = pm.Flat("alpha"), pm.Flat("beta")
        p = pm.math.invlogit(alpha + beta * data["x"])
        pm.Binomial("y", data["n"].astype(int), p, observed=data["y"].astype(int))
    return model


def endometrial_design() -> np.ndarray:
    return design(read_data("endometrial_separation"), ENDOMETRIAL)


def firth_penalty(x: np.ndarray, eta: TensorVariable) -> TensorVariable:
    """Jeffreys' prior of a logistic regression: half the log determinant of its information."""
    p = pm.math.invlogit(eta)
    return 0.5 * pt.log(pt.linalg.det(x.T @ ((p * (1 - p))[:, None] * x)))


def endometrial_firth() -> pm.Model:
    x = endometrial_design()
    with pm.Model(coords={"column": ENDOMETRIAL}) as model:
        beta = pm.Flat("beta", dims="column")
        eta = x @ beta
        grade = read_data("endometrial_separation")["HG"].astype(int)
        pm.Bernoulli("HG", logit_p=eta, observed=grade)
        pm.Potential("jeffreys", firth_penalty(x, eta))
    return model


def swiss(prior: str) -> pm.Model:
    # sigma is fixed; any value gives the same maximum, as the prior's scale goes with it.
    data, s, penalty = read_data("lasso_swiss"), 7.0, 2.0
    x = design(data, SWISS)
    x = (x - x.mean(0)) / x.std(0)
    with pm.Model(coords={"column": SWISS}) as model:
        intercept = pm.Flat("Intercept")
        if prior == "lasso":
            beta = pm.Laplace("beta", 0, s**2 / (len(x) * penalty), dims="column")
        else:
            beta = pm.Normal("beta", 0, s / np.sqrt(len(x) * penalty), dims="column")
        pm.Normal("fertility", intercept + x @ beta, s, observed=data["fertility"])
    return model


def swiss_lasso() -> pm.Model:
    return swiss("lasso")


def swiss_ridge() -> pm.Model:
    return swiss("ridge")


def pumps_marginal() -> pm.Model:
    # The pumps' rates integrated out: Poisson counts with gamma rates are negative binomial.
    data = read_data("pumps")
    with pm.Model() as model:
        alpha = pm.Exponential("alpha", 1)
        beta = pm.Gamma("beta", 0.1, 1)
        pm.NegativeBinomial(
            "x", mu=data["t"] * alpha / beta, alpha=alpha, observed=data["x"].astype(int)
        )
    return model


def michelson() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.Potential("reference_prior", -pm.math.log(sigma))
        pm.Normal("y", mu, sigma, observed=read_data("nist_mcmc_michelso")["y"])
    return model


def kidscore() -> pm.Model:
    data = read_data("pdb_kidscore_momiq")
    with pm.Model(coords={"column": ["Intercept", "mom_iq"]}) as model:
        beta = pm.Flat("beta", dims="column")
        sigma = pm.HalfCauchy("sigma", 2.5)
        mu = beta[0] + beta[1] * data["mom_iq"]
        pm.Normal("kid_score", mu, sigma, observed=data["kid_score"])
    return model


def cauchy_location() -> pm.Model:
    with pm.Model() as model:
        theta = pm.Flat("theta")
        pm.Cauchy("x", theta, 1, observed=read_data("cauchy_multimodal")["x"])
    return model
