"""The interpreted mode: its NumPy functions, and log densities far out in their tails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from pytensor.scalar.basic import clip as scalar_clip
from pytensor.scalar.basic import second as scalar_second
from pytensor.scalar.math import log1mexp as scalar_log1mexp
from pytensor.scalar.math import sigmoid as scalar_sigmoid
from pytensor.scalar.math import softplus as scalar_softplus
from pytensor.scalar.math import tri_gamma as scalar_trigamma
from pytensor.tensor.elemwise import Elemwise
from scipy import special

from bayes_point.model.density.density import LogDensity
from bayes_point.model.interpreter import interpreted
from bayes_point.model.interpreter.interpreted import INTERPRETED

# ----------------------------------------------------------------------- the NumPy functions

REAL = np.array([-800.0, -50.0, -20.0, -1.0, -1e-3, -1e-300, 0.0, 1e-9, 0.5, 3.0, 40.0, 800.0])
NEGATIVE = np.array([-800.0, -50.0, -1.0, -np.log(2), -0.6931, -0.1, -1e-12, -1e-300])
POSITIVE = np.array([1e-8, 1e-3, 0.3, 1.0, 2.5, 50.0, 1e8])


# As PyTensor calls them: with NumPy's floating-point warnings off.
quiet = np.errstate(all="ignore")


@pytest.mark.parametrize(
    ("function", "scalar", "x"),
    [
        (interpreted.softplus, scalar_softplus, REAL),
        (interpreted.sigmoid, scalar_sigmoid, REAL),
        (interpreted.log1mexp, scalar_log1mexp, NEGATIVE),
        (interpreted.trigamma, scalar_trigamma, POSITIVE),
    ],
)
@quiet
def test_functions_are_those_of_pytensor(
    function: Callable[[Any], Any], scalar: Any, x: np.ndarray
) -> None:
    expected = [scalar.impl(value) for value in x]
    np.testing.assert_allclose(function(x), expected, rtol=2e-15)
    np.testing.assert_allclose(function(x.reshape(1, -1, 1)), np.reshape(expected, (1, -1, 1)))


@quiet
def test_softplus_at_its_limits() -> None:
    # log(1 + e^-50) = e^-50 - e^-100 / 2 + ..., log(1 + e^50) = 50 + e^-50
    x = np.array([-np.inf, -800.0, -50.0, 0.0, 50.0, 800.0, np.inf, np.nan])
    expected = [0.0, 0.0, np.exp(-50.0), np.log(2.0), 50.0, 800.0, np.inf, np.nan]
    np.testing.assert_allclose(interpreted.softplus(x), expected, rtol=1e-15)


@quiet
def test_sigmoid_at_its_limits() -> None:
    # 1 / (1 + e^50) = e^-50 / (1 + e^-50)
    x = np.array([-np.inf, -740.0, -50.0, 0.0, 50.0, np.inf, np.nan])
    small = np.exp(-50.0)
    expected = [0.0, np.exp(-740.0), small / (1 + small), 0.5, 1 / (1 + small), 1.0, np.nan]
    np.testing.assert_allclose(interpreted.sigmoid(x), expected, rtol=1e-15)


@quiet
def test_log1mexp_at_its_limits() -> None:
    # log(1 - e^x): for tiny -x it is log(-x), for large -x it is -e^x
    x = np.array([-1e-300, -1e-12, -np.log(2.0), -50.0, -800.0, -np.inf, 0.0])
    expected = [np.log(1e-300), np.log(1e-12), -np.log(2.0), -np.exp(-50.0), 0.0, 0.0, -np.inf]
    np.testing.assert_allclose(interpreted.log1mexp(x), expected, rtol=1e-12)
    assert np.isnan(interpreted.log1mexp(np.array(0.5)))


def test_trigamma_at_known_points() -> None:
    # psi'(1) = pi^2 / 6, psi'(1/2) = pi^2 / 2 (Abramowitz and Stegun 6.4.3, 6.4.4)
    known = [np.pi**2 / 6, np.pi**2 / 2]
    np.testing.assert_allclose(interpreted.trigamma(np.array([1.0, 0.5])), known, rtol=1e-15)


def test_second_fills_the_shape() -> None:
    x = np.zeros((3, 1))
    got = interpreted.second(x, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(got, [[scalar_second.impl(0.0, f) for f in (1.0, 2.0)]] * 3)
    assert interpreted.second(x, np.array(7, dtype="int8")).dtype == np.int8


def test_clip_holds_between_its_bounds() -> None:
    x = np.array([-2.0, 0.5, 9.0, np.inf])
    expected = [scalar_clip.impl(value, -1.0, 3.0) for value in x]
    np.testing.assert_array_equal(interpreted.clip(x, -1.0, 3.0), expected)
    assert np.isnan(interpreted.clip(np.array(np.nan), -1.0, 3.0))


X = pt.matrix("x")


@pytest.mark.parametrize(
    "graph",
    [
        pt.softplus(X),
        pt.sigmoid(X),
        pt.log1mexp(-pt.exp(X)),
        pytensor.grad(pt.digamma(pt.exp(X)).sum(), X),
        pt.second(X, pt.as_tensor(2.0)) * X,
        pt.clip(X, -0.5, 0.5),
    ],
    ids=["softplus", "sigmoid", "log1mexp", "trigamma", "second", "clip"],
)
def test_mode_gives_what_the_plain_interpreter_gives(graph: Any) -> None:
    x = np.linspace(-3, 3, 10).reshape(5, 2)
    with pytensor.config.change_flags(cxx=""):
        function = pytensor.function([X], graph, mode=INTERPRETED)
        plain = pytensor.function([X], graph, mode=Mode("py", None))
    np.testing.assert_allclose(function(x), plain(x), rtol=1e-14)
    # Without a function of NumPy's, PyTensor makes one Python call an element.
    for node in function.maker.fgraph.toposort():
        if isinstance(node.op, Elemwise):
            spec = node.op.nfunc_spec or node.op.scalar_op.nfunc_spec
            assert spec is not None, node


# ------------------------------------------------------------------------------ far out in tails

# Log odds, log rates and the like. At 50 the probability itself rounds to 1, at 800 exp overflows.
ETA = np.array([-800.0, -50.0, -5.0, 0.3, 5.0, 50.0, 800.0])


def log_sigmoid(eta: np.ndarray) -> np.ndarray:
    return -np.logaddexp(0, -eta)


# Of a success: the log probability, its first and its second derivative by the log odds. With s the
# probability, they are log s, 1 - s and -s (1 - s); of a failure, those of -eta, mirrored.
def success(eta: np.ndarray) -> tuple[np.ndarray, ...]:
    s, c = special.expit(eta), special.expit(-eta)
    return log_sigmoid(eta), c, -s * c


def failure(eta: np.ndarray) -> tuple[np.ndarray, ...]:
    value, slope, curvature = success(-eta)
    return value, -slope, curvature


def both(eta: np.ndarray) -> tuple[np.ndarray, ...]:
    """A failure and then a success."""
    return tuple(a + b for a, b in zip(success(eta), failure(eta), strict=True))


def poisson_one(eta: np.ndarray) -> tuple[np.ndarray, ...]:
    rate = np.exp(eta)
    return eta - rate, 1 - rate, -rate


ALPHA = 3.3


def negative_binomial(count: int) -> Callable[[np.ndarray], tuple[np.ndarray, ...]]:
    # With mu = e^eta and s = expit(eta - log alpha) = mu / (mu + alpha) the log density is
    # log C + count log s + alpha log(1 - s) with C = gamma(count + alpha) / gamma(alpha) count!;
    # its derivatives are count (1 - s) - alpha s and -(count + alpha) s (1 - s).
    def answer(eta: np.ndarray) -> tuple[np.ndarray, ...]:
        shifted = eta - np.log(ALPHA)
        s, c = special.expit(shifted), special.expit(-shifted)
        constant = special.gammaln(count + ALPHA) - special.gammaln(ALPHA)
        constant -= special.gammaln(count + 1)
        value = constant + count * log_sigmoid(shifted) + ALPHA * log_sigmoid(-shifted)
        return value, count * c - ALPHA * s, -(count + ALPHA) * s * c

    return answer


def survivor(eta: np.ndarray) -> tuple[np.ndarray, ...]:
    # A Normal(eta, 1) that is known to be above 0: log Phi(eta). With h = phi / Phi the derivatives
    # are h and -h (eta + h). For eta << 0, h + eta = -1/eta + 2/eta^3 - 10/eta^5 + 74/eta^7 + ...
    value = special.log_ndtr(eta)
    h = np.exp(-0.5 * eta**2 - 0.5 * np.log(2 * np.pi) - np.maximum(value, -600))
    t = np.minimum(eta, -50.0)
    excess = -1 / t + 2 / t**3 - 10 / t**5 + 74 / t**7
    h = np.where(eta < -40, excess - eta, h)
    return value, h, -h * np.where(eta < -40, excess, eta + h)


def sigmoid(eta: Any) -> Any:
    return pm.math.invlogit(eta)


TAILS: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], tuple[np.ndarray, ...]]]] = {
    "bernoulli_logit": (lambda e: pm.Bernoulli("y", logit_p=e, observed=1), success),
    "bernoulli_logit_0": (lambda e: pm.Bernoulli("y", logit_p=e, observed=0), failure),
    "bernoulli_sigmoid": (lambda e: pm.Bernoulli("y", sigmoid(e), observed=0), failure),
    "bernoulli_by_hand": (
        lambda e: pm.Bernoulli("y", 1 / (1 + pm.math.exp(-e)), observed=[0]),
        failure,
    ),
    "bernoulli_both": (lambda e: pm.Bernoulli("y", logit_p=e, observed=[0, 1]), both),
    "binomial_logit": (lambda e: pm.Binomial("y", 1, logit_p=e, observed=[0]), failure),
    "binomial_sigmoid": (lambda e: pm.Binomial("y", 1, sigmoid(e), observed=[1]), success),
    "categorical_logit": (
        lambda e: pm.Categorical("y", logit_p=pt.stack([0.0 * e, e]), observed=0),
        failure,
    ),
    "categorical_softmax": (
        lambda e: pm.Categorical("y", pm.math.softmax(pt.stack([0.0 * e, e])), observed=1),
        success,
    ),
    "geometric": (lambda e: pm.Geometric("y", sigmoid(e), observed=2), both),
    "hurdle": (lambda e: pm.HurdlePoisson("y", sigmoid(e), 1.0, observed=0), failure),
    "negative_binomial_0": (
        lambda e: pm.NegativeBinomial("y", mu=pm.math.exp(e), alpha=ALPHA, observed=0),
        negative_binomial(0),
    ),
    "negative_binomial_3": (
        lambda e: pm.NegativeBinomial("y", mu=pm.math.exp(e), alpha=ALPHA, observed=3),
        negative_binomial(3),
    ),
    "censored_normal": (
        lambda e: pm.Censored("y", pm.Normal.dist(e, 1), lower=None, upper=0.0, observed=[0.0]),
        survivor,
    ),
}


# PyMC divides by sqrt(2) in single precision where it asks for a normal distribution function.
PRECISION = {"censored_normal": 1e-6, "probit": 1e-6}


def three_derivatives(build: Callable[[Any], Any]) -> tuple[np.ndarray, ...]:
    with pm.Model() as model:
        build(pm.Flat("eta"))
    density = LogDensity(model)
    values, gradients = density.evaluate(ETA[:, None], ("likelihood",))
    hessians = density.hessian(ETA[:, None], ("likelihood",))
    return values[:, 0], gradients[:, 0, 0], hessians[:, 0, 0, 0]


@pytest.mark.parametrize("name", TAILS)
def test_tails(name: str) -> None:
    build, answer = TAILS[name]
    for got, expected in zip(three_derivatives(build), answer(ETA), strict=True):
        np.testing.assert_allclose(got, expected, rtol=PRECISION.get(name, 1e-11), atol=1e-15)


def test_poisson_where_the_rate_overflows() -> None:
    build = three_derivatives(lambda e: pm.Poisson("y", pm.math.exp(e), observed=1))
    with np.errstate(over="ignore"):
        expected = poisson_one(ETA)
    for got, want in zip(build, expected, strict=True):
        np.testing.assert_allclose(got[:-1], want[:-1], rtol=1e-12, atol=1e-15)
        assert got[-1] == want[-1] == -np.inf


# PyTensor has no stable form of these, nor has PyMC: far out they have to say so, with a value or a
# gradient that is no number, and never with one that is wrong.
UNSTABLE: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], tuple[np.ndarray, ...]]]] = {
    "probit": (lambda e: pm.Bernoulli("y", pm.math.invprobit(e), observed=[1]), survivor),
    "ordered_logistic": (
        lambda e: pm.OrderedLogistic("y", eta=e, cutpoints=[0.0], observed=[1], compute_p=False),
        success,
    ),
    "mixture_weight": (
        lambda e: pm.Mixture(
            "y",
            pm.math.stack([sigmoid(-e), sigmoid(e)]),
            [pm.DiracDelta.dist(0), pm.DiracDelta.dist(1)],
            observed=1,
        ),
        success,
    ),
}


@pytest.mark.parametrize("name", UNSTABLE)
def test_unstable_tails_are_right_or_no_numbers(name: str) -> None:
    build, answer = UNSTABLE[name]
    value, slope, _ = three_derivatives(build)
    usable = np.isfinite(value) & np.isfinite(slope)
    assert usable[2:5].all()  # -5, 0.3 and 5
    for got, expected in zip((value, slope), answer(ETA)[:2], strict=True):
        tolerance = {"rtol": PRECISION.get(name, 1e-10), "atol": 1e-15}
        np.testing.assert_allclose(got[usable], expected[usable], **tolerance)
