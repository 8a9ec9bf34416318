"""No estimate of a random model contradicts an audit that shares nothing with the package.

The audit is written here, on `model.compile_logp`: the package's own demotes what it finds, so that
it would find nothing.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pymc as pm
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from bayes_point.errors import EstimationWarning
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate

Array = NDArray[np.float64]
Name = Literal["MLE", "MAP"]

LIKELIHOODS = ("normal", "student", "poisson", "bernoulli", "exponential", "negative_binomial")
SCALES = ("half_normal", "half_flat", "exponential", "gamma", "uniform")
PLACES = ("normal", "flat", "cauchy", "laplace")
SHAPES = ("one", "slope", "groups", "centred", "non_centred", "saturating")

small = st.integers(0, 6)
models = st.tuples(
    st.sampled_from(LIKELIHOODS),
    st.sampled_from(SCALES),
    st.sampled_from(PLACES),
    st.sampled_from(SHAPES),
    st.lists(st.tuples(small, small), min_size=3, max_size=9),
)


def place(name: str, kind: str, **kwargs: Any) -> Any:
    return {
        "normal": lambda: pm.Normal(name, 0, 5, **kwargs),
        "flat": lambda: pm.Flat(name, **kwargs),
        "cauchy": lambda: pm.Cauchy(name, 0, 2, **kwargs),
        "laplace": lambda: pm.Laplace(name, 0, 3, **kwargs),
    }[kind]()


def scale(name: str, kind: str) -> Any:
    return {
        "half_normal": lambda: pm.HalfNormal(name, 3),
        "half_flat": lambda: pm.HalfFlat(name),
        "exponential": lambda: pm.Exponential(name, 0.5),
        "gamma": lambda: pm.Gamma(name, 2, 1),
        "uniform": lambda: pm.Uniform(name, 0, 10),
    }[kind]()


def model_of(
    likelihood: str, of_scale: str, of_place: str, shape: str, rows: list[tuple[int, int]]
) -> pm.Model:
    x, y = np.array(rows, float).T
    group = x.astype(int) % 2
    with pm.Model() as model:
        if shape in ("centred", "non_centred"):
            mu, tau = place("mu", of_place), scale("tau", of_scale)
            if shape == "centred":
                eta = pm.Normal("u", mu, tau, shape=2)[group]
            else:
                eta = mu + tau * pm.Normal("z", 0, 1, shape=2)[group]
        elif shape == "groups":
            eta = place("mu", of_place, shape=2)[group]
        else:
            eta = place("a", of_place)
            if shape == "slope":
                eta = eta + place("b", of_place) * x
            if shape == "saturating":
                eta = eta * (1 - pm.math.exp(-scale("k", of_scale) * x))
        mean = pm.math.exp(eta)
        match likelihood:
            case "normal":
                pm.Normal("y", eta, scale("s", of_scale), observed=y)
            case "student":
                pm.StudentT("y", nu=4, mu=eta, sigma=scale("s", of_scale), observed=y)
            case "poisson":
                pm.Poisson("y", mean, observed=y.astype(int))
            case "bernoulli":
                pm.Bernoulli("y", logit_p=eta, observed=(y > 2).astype(int))
            case "exponential":
                pm.Exponential("y", scale=mean, observed=y + 0.5)
            case "negative_binomial":
                pm.NegativeBinomial(
                    "y", mu=mean, alpha=scale("s", of_scale), observed=y.astype(int)
                )
    return model


def density_of(model: pm.Model, name: Name) -> Callable[[Array], float]:
    """What is maximised, by PyMC alone, of a vector on the unconstrained scale."""
    variables = None if name == "MAP" else model.observed_RVs
    logp = model.compile_logp(vars=variables, jacobian=False, mode="FAST_COMPILE")
    start = model.initial_point()
    shapes = [np.shape(value) for value in start.values()]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def value(x: Array) -> float:
        pieces = zip(start, np.split(x, ends), shapes, strict=True)
        with np.errstate(all="ignore"):
            return float(logp({key: part.reshape(shape) for key, part, shape in pieces}))

    return value


def contradiction(estimate: PointEstimate, name: Name) -> str:
    """In what the estimate contradicts the density, in words; nothing where it does not."""
    value = density_of(estimate.model, name)
    x = estimate.unconstrained.values
    claimed = estimate.log_likelihood if name == "MLE" else estimate.log_joint
    if estimate.status is Status.UNBOUNDED:
        return "" if claimed == np.inf else f"unbounded at {claimed}"
    if not np.isfinite(claimed):
        return f"log density {claimed}"
    allowed = 1e-6 * (1 + abs(claimed))
    if np.all(np.isfinite(x)) and abs(value(x) - claimed) > allowed:
        return f"{value(x)} there, {claimed} claimed"
    finite = all(np.all(np.isfinite(value)) for value in estimate.point.values())
    if estimate.status.is_point and not finite:
        return "a point that is not finite"
    if estimate.status is Status.NOT_CONVERGED:
        return ""
    rng = np.random.default_rng(0)
    near = np.where(np.isfinite(x), x, np.sign(np.nan_to_num(x)) * 5)
    best, where = -np.inf, near
    for size in (1e-4, 1e-2, 0.3, 3.0):
        for row in near + size * rng.standard_normal((15, len(near))):
            if (found := value(row)) > best:
                best, where = found, row
    for start in (where, 0.1 * rng.standard_normal(len(near))):
        if np.isfinite(value(start)):
            climbed = minimize(
                lambda v: -value(v) if np.isfinite(value(v)) else 1e10,
                start,
                method="Nelder-Mead",
                options={"maxfev": 300 * len(near)},
            )
            best = max(best, -float(climbed.fun))
    return f"{best:.8g} seen, above {claimed:.8g}" if best > claimed + allowed else ""


def check(n: int) -> None:
    counts: Counter[str] = Counter()

    @settings(
        max_examples=n,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(models, st.sampled_from(["MLE", "MAP"]))
    def prove(drawn: Any, name: Name) -> None:
        find = {"MLE": find_MLE, "MAP": find_MAP}[name]
        with warnings.catch_warnings():
            # Some of them have no maximum: that is meant.
            warnings.simplefilter("ignore", EstimationWarning)
            estimate = find(model_of(*drawn), random_seed=1, progressbar=False)
        counts[estimate.status.key] += 1
        assert not contradiction(estimate, name), estimate

    prove()
    assert counts["not_converged"] <= 0.02 * n, counts


def test_a_few_random_models_contradict_no_audit() -> None:
    check(4)


@pytest.mark.slow
def test_random_models_contradict_no_audit() -> None:
    check(150)
