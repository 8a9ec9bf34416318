"""Concavity read from the graph: thirty densities that are concave, thirty that are not.

Every claim is held against its definition, f((u + v) / 2) >= (f(u) + f(v)) / 2, with PyMC's own log
density at random points of the coordinates that are claimed; and each of the others has two points
between which that fails, so that the proof is right to refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymc.logprob.basic import conditional_logp

from bayes_point.model.concavity.proof import concave_in
from bayes_point.model.interpreter.interpreted import INTERPRETED

X = np.random.default_rng(1).normal(size=(12, 2))
Y = X @ [1.0, -0.5] + np.random.default_rng(2).normal(size=12)
COUNTS = np.array([0, 1, 3, 2, 0, 5, 1, 1, 2, 0, 4, 2])
ONES = (COUNTS > 1).astype(int)
POSITIVE = np.exp(Y)
CLASSES = COUNTS % 3
L, LP = ("likelihood",), ("likelihood", "prior")

Build = Callable[[], object]


def beta(sd: float = 2.0) -> pt.TensorVariable:
    return pt.dot(X, pm.Normal("beta", 0, sd, shape=2))


def positive(name: str = "sigma") -> pt.TensorVariable:
    return pm.HalfFlat(name)


def cox() -> None:
    eta = beta()
    pm.Potential("partial", pt.sum(eta - pt.log(pt.cumsum(pt.exp(eta)))))


def ordered(link: str) -> None:
    cut = pm.Normal(
        "cut", 0, 3, shape=2, transform=pm.distributions.transforms.ordered, initval=[-1, 1]
    )
    if link == "logit":
        pm.OrderedLogistic("y", eta=beta(), cutpoints=cut, observed=CLASSES, compute_p=False)
        return
    probability = pm.math.sigmoid(cut)
    pm.Categorical(
        "y",
        p=pt.stack([probability[0], probability[1] - probability[0], 1 - probability[1]]),
        observed=CLASSES,
    )


CONCAVE: dict[str, tuple[Build, Sequence[str]]] = {
    "ridge": (lambda: pm.Normal("y", beta(), 1, observed=Y), LP),
    "lasso": (lambda: pm.Normal("y", pt.dot(X, pm.Laplace("b", 0, 1, shape=2)), 1, observed=Y), LP),
    "linear": (lambda: pm.Normal("y", beta(), positive(), observed=Y), L),
    "one_mean": (lambda: pm.Normal("y", pm.Flat("mu"), positive(), observed=Y), L),
    "absolute": (lambda: pm.Laplace("y", beta(), positive(), observed=Y), L),
    "logistic_errors": (lambda: pm.Logistic("y", beta(), positive(), observed=Y), L),
    "gumbel": (lambda: pm.Gumbel("y", beta(), positive(), observed=Y), L),
    "moyal": (lambda: pm.Moyal("y", beta(), 2.0, observed=Y), LP),
    "tobit": (
        lambda: pm.Censored(
            "y", pm.Normal.dist(beta(), positive()), lower=0.0, upper=None, observed=Y.clip(0)
        ),
        L,
    ),
    "lognormal": (lambda: pm.LogNormal("y", beta(), positive(), observed=POSITIVE), L),
    "weibull": (
        lambda: pm.Weibull("y", positive("alpha"), pt.exp(beta()), observed=POSITIVE),
        L,
    ),
    "weibull_scale": (
        lambda: pm.Weibull("y", positive("alpha"), positive("scale"), observed=POSITIVE),
        L,
    ),
    "half_normal": (lambda: pm.HalfNormal("y", positive(), observed=POSITIVE), L),
    "logit": (lambda: pm.Bernoulli("y", logit_p=beta(), observed=ONES), LP),
    "logit_of_p": (lambda: pm.Bernoulli("y", p=pm.math.sigmoid(beta()), observed=ONES), LP),
    "cloglog": (
        lambda: pm.Bernoulli("y", p=1 - pt.exp(-pt.exp(beta(0.5))), observed=ONES),
        LP,
    ),
    "coin": (lambda: pm.Bernoulli("y", pm.Beta("p", 2, 2), observed=ONES), LP),
    "binomial": (lambda: pm.Binomial("y", 6, logit_p=beta(), observed=COUNTS), LP),
    "poisson": (lambda: pm.Poisson("y", pt.exp(beta()), observed=COUNTS), LP),
    "poisson_offset": (
        lambda: pm.Poisson("y", POSITIVE * pm.math.exp(beta() + 0.1), observed=COUNTS),
        LP,
    ),
    "rate": (lambda: pm.Poisson("y", pm.Gamma("rate", 2, 1), observed=COUNTS), LP),
    "rate_vague": (lambda: pm.Poisson("y", pm.Gamma("rate", 0.5, 1), observed=COUNTS), LP),
    "exponential": (lambda: pm.Exponential("y", positive("rate"), observed=POSITIVE), L),
    "gamma_log": (
        lambda: pm.Gamma("y", alpha=2.0, beta=2.0 / pt.exp(beta()), observed=POSITIVE),
        LP,
    ),
    "negative_binomial": (
        lambda: pm.NegativeBinomial("y", mu=pt.exp(beta()), alpha=1.5, observed=COUNTS),
        LP,
    ),
    "geometric": (lambda: pm.Geometric("y", pm.Uniform("p"), observed=COUNTS + 1), LP),
    "multinomial_logit": (
        lambda: pm.Categorical(
            "y",
            logit_p=pt.dot(X, pm.Normal("b", 0, 1, shape=(2, 3))),
            observed=CLASSES,
        ),
        LP,
    ),
    "shares": (
        lambda: pm.Multinomial(
            "y", 9, pm.Dirichlet("p", np.array([1.0, 2.0, 1.5])), observed=np.array([2, 3, 4])
        ),
        LP,
    ),
    "ordered_logit": (lambda: ordered("logit"), L),
    "ordered_by_hand": (lambda: ordered("hand"), L),
    "cox": (cox, ("prior", "potential")),
    "gaussian_process": (
        lambda: pm.MvNormal("y", beta()[:3], cov=np.eye(3) + 0.5, observed=Y[:3]),
        LP,
    ),
    "latent_mean": (
        lambda: pm.Normal("y", pm.Normal("a", pm.Normal("mu", 0, 1), 1, shape=12), 2.0, observed=Y),
        LP,
    ),
}

OTHERS: dict[str, tuple[Build, Sequence[str]]] = {
    "cauchy": (lambda: pm.Cauchy("y", pm.Flat("mu"), 0.1, observed=Y), L),
    "student": (lambda: pm.StudentT("y", 2, mu=pm.Flat("mu"), sigma=0.1, observed=Y), L),
    "scale_of_map": (
        lambda: pm.Normal("y", 0, pm.HalfNormal("sigma", 10), observed=0.1 * Y),
        LP,
    ),
    "variance": (
        lambda: pm.Normal("y", 0, pt.sqrt(positive("v")), observed=0.01 * Y),
        ("prior", *L),
    ),
    "hierarchy": (
        lambda: pm.Normal("y", pm.Normal("a", 0, pm.HalfNormal("t", 50), shape=12), 30, observed=Y),
        LP,
    ),
    "product": (lambda: pm.Normal("y", pm.Flat("a") * pm.Flat("b"), 1, observed=Y), L),
    "square": (lambda: pm.Normal("y", pm.Flat("a") ** 2, 0.1, observed=np.abs(Y)), L),
    "sine": (lambda: pm.Normal("y", pt.sin(3 * pm.Flat("a")), 0.1, observed=Y), L),
    "growth": (lambda: pm.Normal("y", pt.exp(pm.Flat("a")), 0.1, observed=np.abs(Y) + 3), L),
    "mixture": (
        lambda: pm.NormalMixture(
            "y", w=[0.5, 0.5], mu=pm.Flat("mu", shape=2), sigma=0.1, observed=Y
        ),
        L,
    ),
    "inverse_gamma_prior": (lambda: pm.InverseGamma("g", 1, 1), ("prior",)),
    "beta_prior": (lambda: pm.Beta("p", 0.5, 0.5), ("prior",)),
    "beta_shapes": (
        lambda: pm.Beta("y", pm.Beta("a", 0.3, 0.3), 1.0, observed=ONES * 0.5 + 0.25),
        LP,
    ),
    "dirichlet_prior": (lambda: pm.Dirichlet("p", np.array([0.3, 0.3, 0.3])), ("prior",)),
    "horseshoe": (lambda: pm.HalfCauchy("t", 1), ("prior",)),
    "student_prior": (
        lambda: pm.Normal("y", pm.StudentT("mu", 1, mu=0, sigma=0.1), 3.0, observed=Y),
        LP,
    ),
    "probit_of_square": (
        lambda: pm.Bernoulli("y", p=pm.math.sigmoid(pm.Flat("a") ** 2 - 1), observed=ONES),
        L,
    ),
    "absolute_rate": (lambda: pm.Poisson("y", pt.abs(pm.Flat("a")) + 0.1, observed=COUNTS), L),
    "sum_of_rates": (
        lambda: pm.Poisson("y", pt.exp(pm.Flat("a")) + pt.exp(pm.Flat("b")), observed=9 * COUNTS),
        L,
    ),
    "potential_up": (lambda: pm.Potential("up", pm.Normal("a", 0, 3) ** 2), ("prior", "potential")),
    "potential_abs": (lambda: pm.Potential("up", pt.abs(pm.Flat("a"))), ("potential",)),
    "potential_log": (lambda: pm.Potential("up", pt.log(positive("a")) ** 2), ("potential",)),
    "switch": (
        lambda: pm.Normal("y", pt.switch(pm.Flat("a") > 0, 1.0, -1.0), 0.5, observed=Y),
        L,
    ),
    "zero_inflated": (
        lambda: pm.ZeroInflatedPoisson("y", 0.3, pt.exp(pm.Flat("a")), observed=0 * COUNTS),
        L,
    ),
    "exponential_decay": (
        lambda: pm.Normal(
            "y", pt.exp(-positive("k") * POSITIVE), 0.02, observed=np.exp(-3 * POSITIVE)
        ),
        L,
    ),
    "logistic_product": (
        lambda: pm.Bernoulli("y", logit_p=pm.Flat("a") * pm.Flat("b"), observed=ONES),
        L,
    ),
    "michaelis_menten": (
        lambda: pm.Normal(
            "y",
            positive("v") * POSITIVE / (positive("k") + POSITIVE),
            0.05,
            observed=POSITIVE / (1 + POSITIVE),
        ),
        L,
    ),
    "von_mises": (lambda: pm.VonMises("y", pm.Flat("mu"), 4.0, observed=Y.clip(-3, 3)), L),
    "skewed": (lambda: pm.Laplace("y", pt.abs(pm.Flat("a")), 0.2, observed=np.abs(Y) + 1), L),
    "circle": (
        lambda: pm.Normal(
            "y", pt.sqrt(pm.Flat("a") ** 2 + pm.Flat("b") ** 2), 0.1, observed=np.abs(Y) + 1
        ),
        L,
    ),
}


def made(build: Build) -> pm.Model:
    with pm.Model() as model:
        build()
    return model


def natural_density(model: pm.Model, terms: Sequence[str]) -> Callable[..., float]:
    """Return PyMC's log density as a function of the free variables on the natural scale."""
    values = {rv: rv.type(name=rv.name) for rv in model.free_RVs}
    observed = {rv: model.rvs_to_values[rv] for rv in model.observed_RVs}
    parts = conditional_logp({**values, **observed})
    total = pt.as_tensor(0.0)
    for value in observed.values() if "likelihood" in terms else ():
        total = total + parts[value].sum()
    for value in values.values() if "prior" in terms else ():
        total = total + parts[value].sum()
    if "potential" in terms:
        from pytensor.graph.replace import graph_replace

        for one in graph_replace(list(model.potentials), values, strict=False):
            total = total + one.sum()
    f = pytensor.function(list(values.values()), total, mode=INTERPRETED, on_unused_input="ignore")

    def density(*args: np.ndarray) -> float:
        try:
            return float(f(*args))
        except pm.logprob.utils.ParameterValueError:
            return -np.inf

    return density


def drawer(model: pm.Model) -> Callable[[np.random.Generator], dict[str, np.ndarray]]:
    """Return what draws random natural values inside the supports."""
    values = [model.rvs_to_values[rv] for rv in model.free_RVs]
    shapes = {name: at.shape for name, at in model.initial_point().items()}
    natural = [
        value
        if (transform := model.rvs_to_transforms[rv]) is None
        else transform.backward(value, *rv.owner.inputs)
        for rv, value in zip(model.free_RVs, values, strict=True)
    ]
    f = pytensor.function(values, natural, mode=INTERPRETED, on_unused_input="ignore")
    names = [rv.name for rv in model.free_RVs]

    def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
        at = [rng.normal(0, 1.2, size=shapes[value.name]) for value in values]
        return dict(zip(names, map(np.asarray, f(*at)), strict=True))

    return draw


def inside(words: str, natural: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return the claimed coordinates of a point."""
    out = []
    for word, (name, value) in zip(words.split(", "), natural.items(), strict=True):
        if word == f"1/{name}":
            out.append(1 / value)
            continue
        of, by, unit = re.fullmatch(r"(log \w+|\w+)([/*]?)(\w*)", word).groups()
        at = np.log(value) if of.startswith("log ") else value
        scale = 1.0 if not by else (1 / natural[unit] if by == "/" else natural[unit])
        out.append(at * scale)
    return out


def outside(words: str, names: list[str], at: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Return the natural values of coordinates: the inverse of `inside`."""
    claimed = dict(zip(names, zip(words.split(", "), at, strict=True), strict=True))
    out: dict[str, np.ndarray] = {}
    for name in sorted(
        names,
        key=lambda n: bool(re.search(r"[\w][/*]", claimed[n][0]) and claimed[n][0][:2] != "1/"),
    ):
        word, value = claimed[name]
        if word == f"1/{name}":
            out[name] = 1 / value
            continue
        of, by, unit = re.fullmatch(r"(log \w+|\w+)([/*]?)(\w*)", word).groups()
        if by:
            value = value * out[unit] if by == "/" else value / out[unit]
        out[name] = np.exp(value) if of.startswith("log ") else value
    return {name: out[name] for name in names}


def worst_midpoint(model: pm.Model, terms: Sequence[str], words: str, n: int) -> float:
    """Return how far, at most, a chord between two points is above the density at its middle."""
    f, draw, rng = natural_density(model, terms), drawer(model), np.random.default_rng(3)
    names = [rv.name for rv in model.free_RVs]
    words = words or ", ".join(names)
    worst = -np.inf
    for k in range(n):
        first = draw(rng)
        second = draw(rng)
        if k % 2:  # close together as well
            u, v = inside(words, first), inside(words, second)
            second = outside(words, names, [a + 0.1 * (b - a) for a, b in zip(u, v, strict=True)])
        u, v = inside(words, first), inside(words, second)
        middle = outside(words, names, [(a + b) / 2 for a, b in zip(u, v, strict=True)])
        ends = [f(*first.values()), f(*second.values())]
        if np.all(np.isfinite(ends)):
            above = (ends[0] + ends[1]) / 2 - f(*middle.values())
            worst = max(worst, above / (1 + abs(ends[0]) + abs(ends[1])))
    return worst


@pytest.mark.parametrize("name", CONCAVE)
def test_what_is_said_to_be_concave_is(name: str) -> None:
    build, terms = CONCAVE[name]
    model = made(build)
    words = concave_in(model, terms)
    assert words, "not proven"
    # Relative to the size of the values, of which a sum in double precision keeps some 12 digits.
    assert worst_midpoint(model, terms, words, 40) < 1e-12


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_concave_is_never_said_to_be(name: str) -> None:
    build, terms = OTHERS[name]
    model = made(build)
    assert concave_in(model, terms) == ""
    assert worst_midpoint(model, terms, "", 200) > 1e-6


def test_the_coordinates_are_said() -> None:
    model = made(CONCAVE["linear"][0])
    assert concave_in(model, L) == "beta/sigma, 1/sigma"
    # A normal prior on beta is not concave in these.
    assert concave_in(model, LP) == ""
    assert concave_in(model, ("likelihood", "jacobian")) == ""


def test_a_parameter_is_never_taken_for_data() -> None:
    # Its shape is drawn, at random, if the graph is evaluated: 2.5 on average, and so above one.
    with pm.Model() as model:
        pm.Beta("p", pm.Gamma("a", 5, 2), 2.0)
    assert concave_in(model, ("prior",)) == ""


ATOMS = {
    "exp": pt.exp,
    "square": pt.sqr,
    "abs": pt.abs,
    "softplus": pt.softplus,
    "sigmoid": pt.sigmoid,
    "negative": lambda e: -e,
    "half": lambda e: 0.5 * e - 1.0,
    "log1p_exp": lambda e: pt.log1p(pt.exp(e)),
    "root": lambda e: pt.sqrt(1 + pt.exp(e)),
    "log_of_sum": lambda e: pt.log(pt.exp(e) + pt.exp(-2 * e)),
    "reciprocal": lambda e: 1 / (1 + pt.exp(e)),
    "cube": lambda e: e**3,
    "least": lambda e: pt.minimum(e, 1.0),
    "most": lambda e: pt.maximum(e, -0.5),
    "times": lambda e: e * e,
    "log_sigmoid": lambda e: pt.log(pt.sigmoid(e)),
    "expm1": pt.expm1,
    "inverse": lambda e: 1 / e,
}


@given(st.lists(st.sampled_from(sorted(ATOMS)), min_size=1, max_size=4), st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_compositions_that_are_called_concave_have_no_positive_curvature(
    names: list[str], two: bool
) -> None:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        e = a + 0.5 * b
        for name in names:
            e = ATOMS[name](e)
        pm.Potential("p", e - pt.sqr(b - a) if two else e)
    if not concave_in(model, ("potential",)):
        return
    f = natural_density(model, ("potential",))
    rng = np.random.default_rng(4)
    for _ in range(40):
        u, v = rng.normal(0, 2, size=(2, 2))
        ends = [f(*u), f(*v)]
        if np.all(np.isfinite(ends)):
            assert f(*((u + v) / 2)) >= sum(ends) / 2 - 1e-9 * (1 + sum(map(abs, ends)))
