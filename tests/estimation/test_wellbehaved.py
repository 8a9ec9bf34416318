"""The well-behaved half of the zoo: each maximum is found, and known for one."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor
import pytest

from bayes_point.estimation.face.find import find_MAP
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.model.density.density import LogDensity
from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.starts import starting_points
from bayes_point.model.variables.flat_priors import flat_priors
from tests.estimation.zoo_estimates import built, check_trace, found
from tests.reference.wellbehaved import WELLBEHAVED
from tests.zoo import Estimator, ZooModel

# Seconds of searching each: long graphs, or starts far from anything.
SLOW = {"garch", "garch_bounds", "nist_mgh17", "nist_kirby2", "nist_wampler5", "tobin"}
ZOO = {zoo_model.name: zoo_model for zoo_model in WELLBEHAVED}
QUIET = {"progressbar": False, "random_seed": 1}


def cases() -> list:
    return [
        pytest.param(z.name, estimator, marks=[pytest.mark.slow] * (z.name in SLOW))
        for z in WELLBEHAVED
        for estimator in z.estimators
    ]


@pytest.mark.parametrize(("name", "estimator"), cases())
def test_maximum(name: str, estimator: Estimator) -> None:
    truth, estimate = ZOO[name].truth(estimator), found(name, estimator)
    assert estimate.status.key in truth.statuses
    truth.check_point({variable: estimate.point[variable].values for variable in truth.point})
    value = float(estimate.optima["log_density"][0])
    if truth.log_density is not None:
        # PyMC has some constants, such as log B(9, 9), in single precision.
        assert value == pytest.approx(truth.log_density, rel=1e-6, abs=1e-6)
    if truth.n_optima is not None:
        assert 1 <= estimate.optima.sizes["optimum"] <= truth.n_optima
    check_it_adds_up(estimate, built(name), estimator)
    check_trace(name, estimator)


def check_it_adds_up(estimate: PointEstimate, model: pm.Model, estimator: Estimator) -> None:
    """What an estimate says of itself agrees."""
    assert estimate.estimator == ("MLE" if estimator == "mle" else "MAP")
    assert estimate.jacobian == (estimator == "map_jacobian")
    variables = {rv.name for rv in (*model.free_RVs, *model.deterministics)}
    assert set(estimate.point.data_vars) == variables
    assert np.isfinite(estimate.unconstrained).all()
    # The log joint is the sum of its parts, and of a maximum the value that was maximised.
    log_joint = estimate.log_likelihood + estimate.log_prior
    value = float(estimate.optima["log_density"][0])
    if estimator == "mle":
        assert value == pytest.approx(estimate.log_likelihood, rel=1e-12)
    elif estimator == "map":
        assert value == pytest.approx(estimate.log_joint, rel=1e-12)
    if estimator != "map_jacobian":
        assert estimate.log_joint == pytest.approx(log_joint, rel=1e-12)
    # The first of the optima is the estimate, and none is better.
    for variable in variables:
        np.testing.assert_array_equal(
            estimate.optima[variable].isel(optimum=0), estimate.point[variable]
        )
    assert np.all(np.diff(estimate.optima["log_density"]) <= 0)
    assert 0 < int(estimate.optima["reached"].sum()) <= estimate.n_starts


def flat_cases(flat_already: bool) -> list:
    # Where the potentials are prior, no flat prior takes them away. Where both truths are one, the
    # priors are flat from the start.
    return [
        pytest.param(z.name, marks=[pytest.mark.slow] * (not flat_already and z.name in SLOW))
        for z in WELLBEHAVED
        if z.mle is not None and z.potentials != "prior" and (z.mle is z.map) == flat_already
    ]


@pytest.mark.parametrize("name", flat_cases(flat_already=True))
def test_flat_priors_change_nothing_where_they_are_flat_already(name: str) -> None:
    # So that what `test_maximum` says of the model holds of its twin.
    model = built(name)
    one, other = LogDensity(model), LogDensity(flat_priors(model))
    assert one.labels == other.labels
    initvals = ZOO[name].call_kwargs("map").get("initvals")
    rng = np.random.default_rng(1)
    x = starting_points(model, one, n_starts=4, initvals=initvals, rng=rng)
    x = np.concatenate([x, x + 0.1 * rng.standard_normal(x.shape)])
    terms = [term for term in one.terms if term != "prior"]
    mine, its = (density.values(x, terms) for density in (one, other))
    np.testing.assert_allclose(its, mine, rtol=1e-10)
    assert np.isfinite(mine).any()
    np.testing.assert_array_equal(other.log_prior(x), 0)
    np.testing.assert_allclose(np.diff(one.log_prior(x)), 0, atol=1e-10)


@pytest.mark.parametrize("name", flat_cases(flat_already=False))
def test_flat_priors_make_the_map_the_mle(name: str) -> None:
    mle = found(name, "mle")
    map_ = find_MAP(flat_priors(built(name)), **QUIET, **ZOO[name].call_kwargs("map"))
    assert map_.status is mle.status
    for variable, value in mle.point.data_vars.items():
        np.testing.assert_allclose(
            map_.point[variable], value, rtol=1e-8, atol=1e-10, err_msg=str(variable)
        )
    heights = [float(estimate.optima["log_density"][0]) for estimate in (map_, mle)]
    assert heights[0] == pytest.approx(heights[1], rel=1e-8)


PYMC = (
    "coin_hht",
    "coin_4_of_5",
    "coin_jeffreys_3_of_5",
    "normal_known_sd",
    "normal_inverse_gamma",
    "poisson_gamma",
    "exponential",
    "geometric",
    "ridge",
    "logistic",
    "poisson_regression",
    "hierarchical_marginal",
)


@pytest.mark.parametrize("name", PYMC)
def test_pymc_finds_the_mle_of_flat_priors(name: str) -> None:
    zoo_model: ZooModel = ZOO[name]
    # Interpreted, which takes a tenth of the time that its compiling does.
    with pytensor.config.change_flags(cxx=""):
        tree = pm.find_MAP(
            model=flat_priors(built(name)),
            return_inferencedata=True,
            jitter=False,
            progressbar=False,
            compile_kwargs={"mode": INTERPRETED},
            tol=1e-12,
        )
    point = tree["posterior"].dataset.isel(chain=0, draw=0)
    assert zoo_model.potentials is None
    for variable, value in found(name, "mle").point.data_vars.items():
        # Its own tolerance: it stops where the gradient is below 1e-5 or so.
        np.testing.assert_allclose(point[variable], value, rtol=1e-4, atol=1e-5)
