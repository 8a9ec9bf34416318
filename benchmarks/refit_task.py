"""One tool on one collection of data sets in this process; prints one line of JSON.

Called by `refit.py`, with clean compile caches and once again with filled ones:

    python refit_task.py {bayes_point,pymc,scipy,library,jax} {normal,logistic,weibull} COUNT

Each tool is timed from the data to the estimates of COUNT data sets, a first time with all that it
compiles, and a second time in the same process ("warm"): CPU seconds and wall seconds.
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

X = np.random.default_rng(3).normal(size=(200, 5))
LIMIT = 2.0


def data_sets(name: str, count: int) -> np.ndarray:
    rng = np.random.default_rng(12)
    if name == "normal":
        return rng.normal(1, 3, size=(count, 4))
    if name == "logistic":
        return (rng.logistic(size=(count, 200)) < X @ [1, -1, 0.5, 0, 0.3]).astype(int)
    return np.minimum(2 * rng.weibull(1.5, size=(count, 30)), LIMIT)


def pymc_model(name: str, y: np.ndarray) -> Any:
    import pymc as pm

    with pm.Model() as model:
        if name == "normal":
            mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
            pm.Normal("y", mu, sigma, observed=y)
        elif name == "logistic":
            beta = pm.Flat("beta", shape=5)
            pm.Bernoulli("y", logit_p=X @ beta, observed=y)
        else:
            alpha, beta = pm.HalfFlat("alpha"), pm.HalfFlat("beta")
            life = pm.Weibull.dist(alpha, beta)
            pm.Censored("y", life, lower=None, upper=LIMIT, observed=y)
    return model


def with_bayes_point(name: str, y: np.ndarray) -> Callable[[], np.ndarray]:
    import bayes_point as bp

    model, refit = pymc_model(name, y[0]), bp.refit

    def run() -> np.ndarray:
        fits = refit(model, {"y": y}, progressbar=False)
        return columns([fits[rv.name].values for rv in model.free_RVs])

    return run


def with_pymc(name: str, y: np.ndarray) -> Callable[[], np.ndarray]:
    """A model, and its find_MAP, for each data set."""
    import pymc as pm

    logging.getLogger("pymc").setLevel(logging.ERROR)

    def run() -> np.ndarray:
        rows = []
        for row in y:
            model = pymc_model(name, row)
            point = pm.find_MAP(model=model, jitter=False, progressbar=False)
            rows.append(np.concatenate([np.ravel(point[rv.name]) for rv in model.free_RVs]))
        return np.array(rows)

    return run


def hand_written(name: str) -> tuple[Callable, np.ndarray, Callable]:
    """Negative log-likelihood with its gradient for one data set, a start, and the way back."""
    if name == "normal":

        def normal(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
            z = (y - x[0]) * np.exp(-x[1])
            value = 0.5 * z @ z + len(y) * x[1]
            return value, np.array([-z.sum() * np.exp(-x[1]), len(y) - z @ z])

        return normal, np.zeros(2), lambda x: np.array([x[0], np.exp(x[1])])
    if name == "logistic":

        def logistic(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
            eta = X @ x
            return np.logaddexp(0, eta).sum() - y @ eta, X.T @ (1 / (1 + np.exp(-eta)) - y)

        return logistic, np.zeros(5), lambda x: x

    def weibull(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        alpha, logs, seen = np.exp(x[0]), np.log(y) - x[1], y < LIMIT
        power = np.exp(alpha * logs)
        value = power.sum() - np.sum(x[0] - x[1] + (alpha - 1) * logs[seen])
        slope = alpha * (power @ logs) - seen.sum() - alpha * logs[seen].sum()
        return value, np.array([slope, -alpha * power.sum() + seen.sum() * alpha])

    return weibull, np.zeros(2), np.exp


def with_scipy(name: str, y: np.ndarray) -> Callable[[], np.ndarray]:
    from scipy.optimize import minimize

    loss, start, back = hand_written(name)

    def run() -> np.ndarray:
        found = [minimize(loss, start, args=(row,), jac=True, method="BFGS") for row in y]
        return np.array([back(one.x) for one in found])

    return run


def with_library(name: str, y: np.ndarray) -> Callable[[], np.ndarray]:
    """statsmodels, where it has the model."""
    if name != "logistic":
        raise SystemExit("no such model in statsmodels")
    from statsmodels.api import Logit

    def run() -> np.ndarray:
        return np.array([Logit(row, X).fit(disp=0, method="newton").params for row in y])

    return run


def with_jax(name: str, y: np.ndarray) -> Callable[[], np.ndarray]:
    """The practical limit: a damped Newton search by hand, vmapped, without any check."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    normal = jax.scipy.stats.norm.logpdf

    def loss(x: Any, row: Any) -> Any:
        if name == "normal":
            return -normal(row, x[0], jnp.exp(x[1])).sum()
        if name == "logistic":
            eta = X @ x
            return jnp.logaddexp(0, eta).sum() - row @ eta
        alpha, logs, seen = jnp.exp(x[0]), jnp.log(row) - x[1], row < LIMIT
        log_density = x[0] - x[1] + (alpha - 1) * logs
        return jnp.exp(alpha * logs).sum() - jnp.where(seen, log_density, 0).sum()

    def newton(row: Any) -> Any:
        def step(state: Any) -> Any:
            x, damping, count, _ = state
            g, h = jax.grad(loss)(x, row), jax.hessian(loss)(x, row)
            h = h + damping * jnp.diag(jnp.abs(jnp.diag(h)))
            move = jnp.linalg.solve(h, g)
            new = x - move
            better = loss(new, row) <= loss(x, row) + 1e-13
            sound = better & (g @ move >= 0)
            still = sound & (damping == 0) & (g @ move < 1e-14)
            damping = jnp.where(
                sound, jnp.where(damping < 1e-2, 0, damping / 10), jnp.maximum(0.1, 4 * damping)
            )
            return jnp.where(sound, new, x), damping, count + 1, ~still

        start = jnp.zeros(5 if name == "logistic" else 2)
        state = (start, 0.0, 0, True)
        return jax.lax.while_loop(lambda s: (s[2] < 60) & s[3], step, state)[0]

    many = jax.jit(jax.vmap(newton))
    back = hand_written(name)[2]

    def run() -> np.ndarray:
        found = np.asarray(many(jnp.asarray(y, float)).block_until_ready())
        return np.array([found[:, 0], np.exp(found[:, 1])]).T if name == "normal" else back(found)

    return run


def columns(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)


TOOLS = {
    "bayes_point": with_bayes_point,
    "pymc": with_pymc,
    "scipy": with_scipy,
    "library": with_library,
    "jax": with_jax,
}


def cpu() -> float:
    """Seconds of CPU of this process and of the compilers that it called."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    tool, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    warnings.simplefilter("ignore")
    y = data_sets(name, count)
    begin = time.perf_counter()
    run = TOOLS[tool](name, y)
    out: dict[str, Any] = {"import": time.perf_counter() - begin}
    for which in ("first", "warm", "warm", "warm"):
        begin, begin_cpu = time.perf_counter(), cpu()
        found = run()
        taken = {"wall": time.perf_counter() - begin, "cpu": cpu() - begin_cpu}
        # Of the warm runs the quickest: what else the machine does only adds to it.
        if which not in out or taken["cpu"] < out[which]["cpu"]:
            out[which] = taken
    out["mean"] = np.mean(found, axis=0).tolist()
    out["head"] = found[:20].tolist()
    print(json.dumps(out))


if __name__ == "__main__":
    main()
