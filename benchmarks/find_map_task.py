"""One tool on one model in this process, timed after the imports; prints one line of JSON.

Called by `find_map.py`, once with clean compile caches and once again:

    python find_map_task.py {bayes_point,pymc,jax} MODEL
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

rng = np.random.default_rng(20)
X10 = rng.normal(size=(200, 10))
DATA: dict[str, dict[str, Any]] = {
    "linear_regression": {"X": X10, "y": X10 @ rng.normal(size=10) + rng.normal(size=200)},
    "coin": {"y": np.array([1, 1, 0, 1, 1, 0, 1, 0, 1])},
    "normal": {"y": rng.normal(3, 2, size=50)},
    "logistic_regression": {
        "X": X10[:100, :3],
        "y": (rng.logistic(size=100) < X10[:100, :3] @ [1, -1, 0.5]).astype(int),
    },
    # Rubin (1981), Journal of Educational Statistics 6.
    "eight_schools": {
        "y": np.array([28.0, 8, -3, 7, -1, 1, 18, 12]),
        "se": np.array([15.0, 10, 16, 11, 9, 11, 10, 18]),
    },
    "ridge": {},
    "random_effects": {},
    "large_logistic": {},
}
GROUPS = np.repeat(np.arange(3000), 3)


def large_data(name: str) -> dict[str, Any]:
    """The data of the large models, made only where they are asked for."""
    draws = np.random.default_rng(21)
    if name == "random_effects":
        return {"y": 2 + draws.normal(size=3000)[GROUPS] + draws.normal(size=len(GROUPS))}
    n, p = {"ridge": (4000, 2000), "large_logistic": (100_000, 20)}[name]
    X = draws.normal(size=(n, p))
    mean = X @ draws.normal(size=p) / np.sqrt(p)
    if name == "ridge":
        return {"X": X, "y": mean + draws.normal(size=n)}
    return {"X": X, "y": (draws.logistic(size=n) < mean).astype(int)}


def pymc_model(name: str) -> Any:
    import pymc as pm

    data = DATA[name] or large_data(name)
    with pm.Model() as model:
        if name == "linear_regression":
            beta = pm.Normal("beta", 0, 1, shape=10)
            sigma = pm.HalfNormal("sigma", 1)
            pm.Normal("y", pm.math.dot(data["X"], beta), sigma, observed=data["y"])
        elif name == "coin":
            pm.Bernoulli("y", pm.Beta("theta", 2, 2), observed=data["y"])
        elif name == "normal":
            mu, sigma = pm.Normal("mu", 0, 10), pm.HalfNormal("sigma", 5)
            pm.Normal("y", mu, sigma, observed=data["y"])
        elif name == "logistic_regression":
            beta = pm.Normal("beta", 0, 1, shape=3)
            pm.Bernoulli("y", logit_p=pm.math.dot(data["X"], beta), observed=data["y"])
        elif name == "eight_schools":
            mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
            z = pm.Normal("z", 0, 1, shape=8)
            pm.Normal("y", mu + tau * z, data["se"], observed=data["y"])
        elif name == "ridge":
            beta = pm.Normal("beta", 0, 0.5, shape=2000)
            pm.Normal("y", data["X"] @ beta, 1, observed=data["y"])
        elif name == "random_effects":
            mu, sigma = pm.Normal("mu", 0, 10), pm.HalfNormal("sigma", 2)
            u = pm.Normal("u", 0, 1, shape=3000)
            pm.Normal("y", mu + u[GROUPS], sigma, observed=data["y"])
        elif name == "large_logistic":
            beta = pm.Normal("beta", 0, 1, shape=20)
            pm.Bernoulli("y", logit_p=data["X"] @ beta, observed=data["y"])
    return model


def with_bayes_point(name: str) -> Callable[[], dict[str, Any]]:
    import bayes_point as bp

    model = pymc_model(name)
    find_mle, find_map = bp.find_MLE, bp.find_MAP  # imported at first use: here, not in the timing
    xr.DataArray(0.0)  # imports Dask, where it is installed

    def run() -> dict[str, Any]:
        mle, map_ = find_mle(model, progressbar=False), find_map(model, progressbar=False)
        return {"MLE": mle.status.key, "MAP": map_.status.key, "log_joint": map_.log_joint}

    return run


def with_pymc(name: str) -> Callable[[], dict[str, Any]]:
    import pymc as pm

    logging.getLogger("pymc").setLevel(logging.ERROR)
    model = pymc_model(name)

    def run() -> dict[str, Any]:
        point = pm.find_MAP(model=model, jitter=False, progressbar=False)
        return {"point": {k: np.asarray(v).tolist() for k, v in point.items()}}

    return run


def jax_densities(name: str) -> tuple[Callable, Callable, np.ndarray]:
    """Log-likelihood, log-prior (natural scale, no Jacobian) and start, as one writes them."""
    import jax.numpy as jnp
    from jax.scipy import stats

    data = {key: jnp.asarray(value) for key, value in DATA[name].items()}
    normal, half = stats.norm.logpdf, np.log(2)  # a half normal has twice the density of a normal
    if name == "linear_regression":
        return (
            lambda x: normal(data["y"], data["X"] @ x[:10], jnp.exp(x[10])).sum(),
            lambda x: normal(x[:10]).sum() + half + normal(jnp.exp(x[10])),
            np.zeros(11),
        )
    if name == "coin":
        heads, n = data["y"].sum(), data["y"].size
        log_p, log_q = (lambda x: -jnp.logaddexp(0, -x[0])), (lambda x: -jnp.logaddexp(0, x[0]))
        return (
            lambda x: heads * log_p(x) + (n - heads) * log_q(x),
            lambda x: np.log(6) + log_p(x) + log_q(x),
            np.zeros(1),
        )
    if name == "normal":
        return (
            lambda x: normal(data["y"], x[0], jnp.exp(x[1])).sum(),
            lambda x: normal(x[0], 0, 10) + half + normal(jnp.exp(x[1]), 0, 5),
            np.zeros(2),
        )
    if name == "logistic_regression":
        sign = 2 * data["y"] - 1
        return (
            lambda x: -jnp.logaddexp(0, -sign * (data["X"] @ x)).sum(),
            lambda x: normal(x).sum(),
            np.zeros(3),
        )
    return (
        lambda x: normal(data["y"], x[0] + jnp.exp(x[1]) * x[2:], data["se"]).sum(),
        lambda x: (
            normal(x[0], 0, 5)
            + half
            + stats.cauchy.logpdf(jnp.exp(x[1]), 0, 5)
            + normal(x[2:]).sum()
        ),
        np.zeros(10),
    )


def with_jax(name: str) -> Callable[[], dict[str, Any]]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def run() -> dict[str, Any]:
        log_likelihood, log_prior, start = jax_densities(name)

        @jax.jit
        def newton(weight: Any, x: Any) -> Any:
            def loss(x: Any) -> Any:
                return -log_likelihood(x) - weight * log_prior(x)

            def step(state: Any) -> Any:
                x, count, _ = state
                g, h = jax.grad(loss)(x), jax.hessian(loss)(x)
                values, vectors = jnp.linalg.eigh(h)
                move = -vectors @ ((vectors.T @ g) / jnp.maximum(jnp.abs(values), 1e-8))
                tried = x + 0.5 ** jnp.arange(12)[:, None] * move
                losses = jax.vmap(loss)(tried)
                best = jnp.nanargmin(losses)
                better = losses[best] < loss(x)
                return jnp.where(better, tried[best], x), count + 1, better

            return jax.lax.while_loop(lambda s: (s[1] < 100) & s[2], step, (x, 0, True))[0]

        newton(0.0, start).block_until_ready()
        found = newton(1.0, start).block_until_ready()
        return {"log_joint": float(log_likelihood(found) + log_prior(found))}

    return run


TOOLS = {"bayes_point": with_bayes_point, "pymc": with_pymc, "jax": with_jax}


def cpu() -> float:
    """Seconds of CPU of this process and of the compilers that it called."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    tool, name = sys.argv[1:]
    warnings.simplefilter("ignore")  # what the estimates warn of is in the result
    begin = time.perf_counter()
    run = TOOLS[tool](name)
    ready, cpu_ready = time.perf_counter(), cpu()
    found = run()
    wall, cpu_used = time.perf_counter() - ready, cpu() - cpu_ready
    print(json.dumps({"import": ready - begin, "wall": wall, "cpu": cpu_used, **found}))


if __name__ == "__main__":
    main()
