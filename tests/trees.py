"""Small synthetic trees of the layout that ``bayes_point.fit`` returns, made without PyMC.

The draws are independent, or an AR(1) of known autocorrelation, from posteriors known in closed
form, so that every number computed from a tree has a reference. Each builder takes a seed and the
numbers of chains and draws.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from tests.tree_layout import assemble, estimate, finding, sampler_stats


def ar1(
    rng: np.random.Generator, shape: tuple[int, ...], rho: float, *, axis: int = 1
) -> np.ndarray:
    """Stationary standard normal AR(1) along `axis`; its ESS of the mean is n(1-rho)/(1+rho)."""
    noise = np.moveaxis(rng.standard_normal(shape), axis, 0)
    out = np.empty_like(noise)
    out[0] = noise[0]
    for t in range(1, len(noise)):
        out[t] = rho * out[t - 1] + math.sqrt(1 - rho**2) * noise[t]
    return np.moveaxis(out, 0, axis)


def coin_tree(
    *,
    seed: int = 1,
    chains: int = 4,
    draws: int = 500,
    heads: int = 3,
    tails: int = 0,
    prior: tuple[float, float] = (2.0, 2.0),
    sampler: str = "nutpie",
    divergences: int = 0,
) -> xr.DataTree:
    """Tosses of a coin with a Beta prior: the posterior is Beta(a + heads, b + tails).

    With the defaults (three heads of three, Beta(2, 2)): MLE 1 on the boundary, MAP 4/5, posterior
    Beta(5, 2) with mean 5/7. `two_heads` is the Deterministic ``theta**2``.
    """
    rng = np.random.default_rng(seed)
    a, b = prior[0] + heads, prior[1] + tails
    n = heads + tails
    y = np.r_[np.ones(heads, int), np.zeros(tails, int)]
    theta = rng.beta(a, b, (chains, draws))
    log_beta = math.lgamma(prior[0]) + math.lgamma(prior[1]) - math.lgamma(sum(prior))

    def xlogy(x: float, p: float) -> float:
        return 0.0 if x == 0 else x * (math.log(p) if p > 0 else -math.inf)

    def at(p: float, status: str, findings: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
        return estimate(
            {"theta": p, "two_heads": p**2},
            status=status,
            log_likelihood=xlogy(heads, p) + xlogy(tails, 1 - p),
            log_prior=xlogy(prior[0] - 1, p) + xlogy(prior[1] - 1, 1 - p) - log_beta,
            findings=findings,
            unconstrained={"theta_logodds__": math.log(p / (1 - p)) if 0 < p < 1 else math.inf},
        )

    edge = heads == 0 or tails == 0
    found = [
        finding(
            f"theta = {heads / n:g} lies on the edge of its support [0, 1]",
            ["theta"],
            "use the MAP or the posterior mean, or collect data with both outcomes",
            slope=float(n),
        )
    ]
    return assemble(
        {"theta": theta, "two_heads": theta**2},
        mle=at(heads / n, "on_boundary" if edge else "converged", found if edge else ()),
        map=at((a - 1) / (a + b - 2), "converged"),
        # On the log-odds the Jacobian theta (1 - theta) makes a of a - 1, and b of b - 1.
        mode=at(a / (a + b), "converged"),
        dims={"tosses": ["tosses_dim_0"]},
        coords={"tosses_dim_0": np.arange(n)},
        observed={"tosses": y},
        predictive={"tosses": (rng.random((chains, draws, n)) < theta[..., None]).astype(int)},
        log_likelihood={
            "tosses": np.where(y == 1, np.log(theta)[..., None], np.log1p(-theta)[..., None])
        },
        log_prior={
            "theta": (prior[0] - 1) * np.log(theta) + (prior[1] - 1) * np.log1p(-theta) - log_beta
        },
        sample_stats=sampler_stats(chains, draws, sampler=sampler, divergences=divergences),
        model_name="coin",
        model_text=f"theta ~ Beta({prior[0]:g}, {prior[1]:g})\ntosses ~ Bernoulli(theta)",
        deterministic=["two_heads"],
        attrs={"supports": json.dumps({"theta": (0.0, 1.0)})},
    )


REGRESSION = {"k": 3.0, "a0": 2.0, "b0": 3.0}
"""Prior of `regression_tree`: beta ~ Normal(0, k sigma), sigma**2 ~ InverseGamma(a0, b0)."""


def regression_data(n: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Design matrix (intercept, age, income) and response of `regression_tree`."""
    rng = np.random.default_rng(2026)
    x = np.column_stack([np.ones(n), rng.normal(size=n), rng.normal(size=n)])
    return x, x @ np.array([1.0, 0.8, -0.3]) + 0.7 * rng.normal(size=n)


def regression_posterior(n: int = 30) -> dict[str, Any]:
    """Normal-inverse-gamma posterior of `regression_tree`: m, V, a, b, and both estimates.

    With sigma as the parameter the log joint at beta = m is
    -(p + 2 a + 1) log(sigma) - b / sigma**2, so the MAP has sigma**2 = 2 b / (p + 2 a + 1);
    the MLE has the least squares beta and sigma**2 = RSS / n. The posterior mean of sigma is
    sqrt(b) Gamma(a - 1/2) / Gamma(a).
    """
    x, y = regression_data(n)
    k, a0, b0 = REGRESSION["k"], REGRESSION["a0"], REGRESSION["b0"]
    p = x.shape[1]
    precision = x.T @ x + np.eye(p) / k**2
    m = np.linalg.solve(precision, x.T @ y)
    a, b = a0 + n / 2, b0 + 0.5 * (y @ y - m @ precision @ m)
    ols = np.linalg.lstsq(x, y, rcond=None)[0]
    return {
        "m": m,
        "V": np.linalg.inv(precision),
        "a": a,
        "b": b,
        "mle": (ols, math.sqrt(np.sum((y - x @ ols) ** 2) / n)),
        "map": (m, math.sqrt(2 * b / (p + 2 * a + 1))),
        # On log sigma the Jacobian sigma takes one away from p + 2 a + 1.
        "mode": (m, math.sqrt(2 * b / (p + 2 * a))),
        "mean": (m, math.sqrt(b) * math.exp(math.lgamma(a - 0.5) - math.lgamma(a))),
    }


def regression_tree(
    *, seed: int = 1, chains: int = 4, draws: int = 500, sampler: str = "nutpie"
) -> xr.DataTree:
    """Linear regression with a conjugate prior: vector `beta` (dim predictor) and `sigma`.

    `effect_of_age` is the Deterministic ``beta[age] / sigma``. See `regression_posterior` for the
    closed forms.
    """
    rng = np.random.default_rng(seed)
    x, y = regression_data()
    n = len(y)
    post = regression_posterior()
    sigma = np.sqrt(post["b"] / rng.gamma(post["a"], size=(chains, draws)))
    half = np.linalg.cholesky(post["V"])
    beta = post["m"] + sigma[..., None] * (rng.standard_normal((chains, draws, 3)) @ half.T)
    mu = beta @ x.T

    def loglik(b: np.ndarray, s: float) -> float:
        return float(np.sum(-0.5 * ((y - x @ b) / s) ** 2 - math.log(s) - 0.9189385332046727))

    def at(b: np.ndarray, s: float) -> dict[str, Any]:
        names = ["beta[intercept]", "beta[age]", "beta[income]"]
        return estimate(
            {"beta": b, "sigma": s, "effect_of_age": b[1] / s},
            log_likelihood=loglik(b, s),
            log_prior=float(np.sum(-0.5 * (b / (REGRESSION["k"] * s)) ** 2)) - 4.0,
            unconstrained=dict(zip(names, b, strict=True)) | {"sigma_log__": math.log(s)},
        )

    return assemble(
        {"beta": beta, "sigma": sigma, "effect_of_age": beta[..., 1] / sigma},
        mle=at(*post["mle"]),
        map=at(*post["map"]),
        mode=at(*post["mode"]),
        dims={"beta": ["predictor"], "y": ["row"]},
        coords={"predictor": ["intercept", "age", "income"], "row": np.arange(n)},
        observed={"y": y},
        predictive={"y": mu + sigma[..., None] * rng.standard_normal((chains, draws, n))},
        log_likelihood={
            "y": -0.5 * ((y - mu) / sigma[..., None]) ** 2
            - np.log(sigma)[..., None]
            - 0.9189385332046727
        },
        log_prior={
            "beta": -0.5 * (beta / (REGRESSION["k"] * sigma[..., None])) ** 2,
            "sigma": -(2 * REGRESSION["a0"] + 1) * np.log(sigma) - REGRESSION["b0"] / sigma**2,
        },
        sample_stats=sampler_stats(chains, draws, sampler=sampler),
        model_name="regression",
        model_text="sigma ~ ...\nbeta ~ Normal(0, f(sigma))\ny ~ Normal(f(beta), sigma)",
        deterministic=["effect_of_age"],
    )


def failed_tree(
    *, seed: int = 1, chains: int = 4, draws: int = 500, divergences: int = 12
) -> xr.DataTree:
    """Both estimates failed: the MLE is unbounded (NaN), the MAP at infinity (inf).

    `mu` and `effect` (three schools) have finite values all the same; `tau` and `slope` do not.
    The posterior is independent: normal, except tau = |normal|.
    """
    rng = np.random.default_rng(seed)
    schools = ["Choate", "Deerfield", "Phillips Andover"]
    mu = rng.normal(4.0, 3.0, (chains, draws))
    effect = rng.normal([8.0, 4.0, 1.0], [5.0, 4.0, 6.0], (chains, draws, 3))
    tau = np.abs(rng.normal(0.0, 4.0, (chains, draws)))
    slope = rng.normal(2.0, 1.0, (chains, draws))
    y = np.array([28.0, 8.0, -3.0])
    labels = ["mu", "effect[Choate]", "effect[Deerfield]", "effect[Phillips Andover]"]

    def whole(x: Sequence[float], last: float) -> dict[str, float]:
        return dict(zip([*labels, "tau_log__", "slope"], [*x, last, math.inf], strict=True))

    return assemble(
        {"mu": mu, "effect": effect, "tau": tau, "slope": slope},
        mle=estimate(
            {"mu": 8.0, "effect": [8.0, 8.0, 8.0], "tau": np.nan, "slope": np.nan},
            status="unbounded",
            log_likelihood=math.inf,
            log_prior=-math.inf,
            unconstrained=whole([8.0, 8.0, 8.0, 8.0], -math.inf),
            findings=[
                finding(
                    "the log-likelihood grows without bound as tau goes to 0",
                    ["tau"],
                    "use the posterior, or give tau a prior that keeps it from 0",
                    log_likelihood=1e6,
                )
            ],
        ),
        map=estimate(
            {"mu": 4.4, "effect": [6.0, 4.5, 3.9], "tau": 3.5, "slope": np.inf},
            status="at_infinity",
            log_likelihood=-12.5,
            log_prior=-9.25,
            unconstrained=whole([4.4, 6.0, 4.5, 3.9], 1.25),
            findings=[
                finding(
                    "the density rises as slope goes to +infinity",
                    ["slope"],
                    "the data separate perfectly: a proper prior on slope bounds it",
                    slope=0.01,
                )
            ],
        ),
        dims={"effect": ["school"], "y": ["school"]},
        coords={"school": schools},
        observed={"y": y},
        predictive={"y": effect + rng.normal(0, 10, (chains, draws, 3))},
        log_likelihood={"y": -0.5 * ((y - effect) / 10) ** 2 - math.log(10) - 0.9189385332046727},
        log_prior={"mu": -0.5 * (mu / 5) ** 2, "tau": -0.5 * (tau / 5) ** 2},
        sample_stats=sampler_stats(chains, draws, divergences=divergences),
        model_name="schools",
        model_text="mu ~ Normal(0, 5)\ntau ~ HalfNormal(0, 5)\ny ~ Normal(effect, 10)",
    )


def many_tree(
    n: int = 50,
    *,
    seed: int = 1,
    chains: int = 4,
    draws: int = 250,
    rho: float = 0.0,
    gap: Sequence[float] | None = None,
) -> xr.DataTree:
    """A vector `theta` of n independent normals, mean 1 + i/10 and sd 1 + (i mod 3), AR(1) draws.

    True gap of the MLE of theta[i]: ``gap[i]``, by default from -3 to 3 in n equal steps. That of
    the MAP: half of it.
    """
    rng = np.random.default_rng(seed)
    mean, sd = 1 + np.arange(n) / 10, 1.0 + np.arange(n) % 3
    g = np.linspace(-3, 3, n) if gap is None else np.asarray(gap, float)
    theta = mean + sd * ar1(rng, (chains, draws, n), rho)
    names = [f"item{i:02d}" for i in range(n)]

    def at(x: np.ndarray) -> dict[str, Any]:
        labels = [f"theta[{k}]" for k in names]
        return estimate({"theta": x}, unconstrained=dict(zip(labels, x, strict=True)))

    return assemble(
        {"theta": theta},
        mle=at(mean + g * sd),
        map=at(mean + 0.5 * g * sd),
        mode=at(mean + 0.5 * g * sd),
        dims={"theta": ["item"], "y": ["item"]},
        coords={"item": names},
        observed={"y": mean + g * sd},
        predictive={"y": theta + rng.normal(size=theta.shape)},
        log_likelihood={"y": -0.5 * (theta - mean) ** 2},
        log_prior={"theta": -0.5 * theta**2},
        model_name="many",
        model_text="theta ~ Normal(0, 1)\ny ~ Normal(theta, 1)",
    )
