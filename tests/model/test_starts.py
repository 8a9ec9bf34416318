"""Where a search begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pymc.distributions.transforms import ordered
from scipy import stats

from bayes_point.errors import ModelError
from bayes_point.model.density.density import LogDensity
from bayes_point.model.starts import starting_points
from bayes_point.model.variables.flat_priors import flat_priors

Y = np.array([1.0, 2.0, 3.0])


def hierarchy() -> pm.Model:
    with pm.Model(coords={"group": ["a", "b", "c"]}) as model:
        mu = pm.Normal("mu", 10, 0.5, initval=4.0)
        sigma = pm.Exponential("sigma", 2)
        b = pm.Normal("b", mu, sigma, dims="group")
        pm.Normal("y", b, 1, observed=Y)
    return model


def improper() -> pm.Model:
    with pm.Model() as model:
        mu = pm.Flat("mu", shape=2, initval=np.array([3.0, -7.0]))
        sigma = pm.HalfFlat("sigma", initval=2.0)
        b = pm.Normal("b", mu, 0.01)
        pm.Normal("y", b.sum(), sigma, observed=Y)
    return model


def starts(model: pm.Model, n_starts: int = 3, seed: int = 1, initvals: Any = None) -> np.ndarray:
    return starting_points(
        model,
        LogDensity(model),
        n_starts=n_starts,
        initvals=initvals,
        rng=np.random.default_rng(seed),
    )


def test_the_first_is_the_initial_point() -> None:
    for model in (hierarchy(), improper()):
        with pytensor.config.change_flags(cxx=""):
            point = model.initial_point()
        order = [model.rvs_to_values[rv].name for rv in model.free_RVs]
        expected = np.concatenate([np.ravel(point[name]) for name in order])
        np.testing.assert_allclose(starts(model, n_starts=1), [expected], rtol=1e-14)


def test_the_others_are_draws_from_the_prior() -> None:
    n = 400
    drawn = starts(hierarchy(), n_starts=n + 1)[1:]
    assert drawn.shape == (n, 5)
    mu, sigma, b = drawn[:, 0], np.exp(drawn[:, 1]), drawn[:, 2:]
    standard = ((b - mu[:, None]) / sigma[:, None]).ravel()
    # Kolmogorov and Smirnov: under the null hypothesis the p value is uniform.
    for draws, law in ((mu, stats.norm(10, 0.5)), (sigma, stats.expon(scale=0.5))):
        assert stats.kstest(draws, law.cdf).pvalue > 1e-3
    assert stats.kstest(standard, stats.norm.cdf).pvalue > 1e-3


def test_a_flat_prior_is_jittered_about_its_initial_value() -> None:
    n = 400
    drawn = starts(improper(), n_starts=n + 1)[1:]
    jitter = drawn[:, :3] - [3.0, -7.0, np.log(2.0)]
    for column in jitter.T:
        assert stats.kstest(column, stats.uniform(-1, 2).cdf).pvalue > 1e-3
    # The others are still drawn, given what was jittered.
    np.testing.assert_allclose(drawn[:, 3:], drawn[:, :2], atol=0.06)


def test_initvals_move_the_jitter() -> None:
    drawn = starts(improper(), initvals={"mu": [50.0, 60.0]}, n_starts=20)
    assert np.all(np.abs(drawn[1:, :2] - [50.0, 60.0]) < 1)
    assert np.all(np.abs(drawn[1:, 2] - np.log(2.0)) < 1)


def test_a_draw_that_the_transform_refuses_is_jittered() -> None:
    with pm.Model() as model:
        initval = np.array([-1.0, 0.0, 1.0, 2.0])
        cut = pm.Normal("cut", 0, 1, shape=4, transform=ordered, initval=initval)
        mu = pm.Normal("mu", 100, 1)
        pm.Normal("y", cut + mu, 1, observed=[1.0, 2.0, 3.0, 4.0])
    drawn = starts(model, n_starts=200)
    assert np.isfinite(drawn).all()
    assert len(np.unique(drawn, axis=0)) == 200
    # One draw of four in 4! = 24 is in order; the rest are within one of (-1, log 1, log 1, log 1).
    near = np.all(np.abs(drawn[1:, :4] - [-1, 0, 0, 0]) < 1, axis=1)
    assert 0.8 < near.mean() < 1
    # What can be drawn is.
    assert stats.kstest(drawn[1:, 4], stats.norm(100, 1).cdf).pvalue > 1e-3


def test_a_prior_known_by_its_density_alone_is_jittered() -> None:
    def logp(value: Any, rate: Any) -> Any:
        return -rate * pt.abs(value)

    with pm.Model() as model:
        a = pm.CustomDist("a", 2.0, logp=logp, initval=7.0)
        b = pm.Normal("b", a, 0.001)
        pm.Normal("c", 100, 1)
        pm.Normal("y", b, 1, observed=Y)
    drawn = starts(model, n_starts=100)
    assert np.all(np.abs(drawn[:, 0] - 7) < 1)
    assert len(np.unique(drawn[:, 0])) == 100
    # The others are drawn as ever.
    np.testing.assert_allclose(drawn[1:, 1], drawn[1:, 0], atol=0.006)
    assert stats.kstest(drawn[1:, 2], stats.norm(100, 1).cdf).pvalue > 1e-3


def test_a_draw_that_makes_another_impossible() -> None:
    # Half of the draws of `scale` are negative, and then there is no drawing of b.
    with pm.Model() as model:
        scale = pm.Normal("scale", 0, 1, initval=2.0)
        b = pm.Normal("b", 50, scale)
        pm.Normal("y", b, 1, observed=Y)
    drawn = starts(model, n_starts=60)
    assert np.isfinite(drawn).all()
    assert np.all(drawn[:, 0] > 0)
    near = np.all(np.abs(drawn[1:] - [2.0, 50.0]) < 1, axis=1)
    assert 0.25 < near.mean() < 0.75


def test_flat_priors_start_where_the_priors_do() -> None:
    model = hierarchy()
    np.testing.assert_allclose(
        starts(flat_priors(model), n_starts=5), starts(model, n_starts=5), rtol=1e-14
    )


def test_the_seed_decides() -> None:
    model = hierarchy()
    np.testing.assert_array_equal(starts(model, seed=3), starts(model, seed=3))
    first, second = starts(model, seed=3), starts(model, seed=4)
    np.testing.assert_array_equal(first[0], second[0])
    assert np.all(first[1:] != second[1:])


def test_nobody_elses_random_numbers_are_used() -> None:
    model = hierarchy()
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must stay
    streams = [rng.get_value(borrow=True).bit_generator.state for rng in rngs_of(model)]
    starts(model, n_starts=5)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert streams == [rng.get_value(borrow=True).bit_generator.state for rng in rngs_of(model)]
    assert len(streams) == 4


def rngs_of(model: pm.Model) -> list:
    return [rv.owner.inputs[0] for rv in model.basic_RVs]


# ------------------------------------------------------------------------------------- initvals


@pytest.mark.parametrize(
    ("initvals", "expected"),
    [
        ({"sigma": 3.0}, [4.0, np.log(3.0), 4.0, 4.0, 4.0]),
        ({"sigma_log__": -0.25, "b": [1, 2, 3]}, [4.0, -0.25, 1.0, 2.0, 3.0]),
        ({"mu": np.array(6.5)}, [6.5, None, 6.5, 6.5, 6.5]),
        ({"b": 8.0}, [4.0, None, 8.0, 8.0, 8.0]),
        ({}, [4.0, None, 4.0, 4.0, 4.0]),
    ],
)
def test_initvals_take_the_place_of_the_models_own(initvals: dict, expected: list) -> None:
    # The support point of Exponential(2) is its mean, 1/2; that of b is mu.
    want = [np.log(0.5) if value is None else value for value in expected]
    drawn = starts(hierarchy(), initvals=initvals)
    np.testing.assert_allclose(drawn[0], want, rtol=1e-14)
    np.testing.assert_array_equal(drawn[1:], starts(hierarchy())[1:])


def test_initvals_by_variable() -> None:
    model = hierarchy()
    drawn = starts(model, n_starts=1, initvals={model["sigma"]: 2.0})
    np.testing.assert_allclose(drawn[0, 1], np.log(2.0), rtol=1e-14)


def test_a_sequence_of_initvals_is_a_start_each() -> None:
    several = [{"mu": float(i)} for i in range(4)]
    drawn = starts(hierarchy(), n_starts=6, initvals=several)
    assert drawn.shape == (6, 5)
    np.testing.assert_array_equal(drawn[:4, 0], [0, 1, 2, 3])
    # All of them, if they are more than were asked for.
    assert starts(hierarchy(), n_starts=2, initvals=several).shape == (4, 5)
    assert starts(hierarchy(), n_starts=2, initvals=[]).shape == (2, 5)


@pytest.mark.parametrize(
    ("initvals", "message"),
    [
        (
            {"nu": 1.0},
            r"initvals names 'nu', which is not a free variable of the model\. "
            r"Its free variables are \['b', 'mu', 'sigma'\]",
        ),
        ({"y": 1.0}, "initvals names 'y', which is not a free variable"),
        ({"sigma": -1.0}, r"initvals gives sigma = -1\.0, which is outside of the variable's supp"),
        ({"sigma": 0.0}, r"sigma = 0\.0, .* or on its edge\. Give a value inside of it"),
        ({"mu": np.nan}, "initvals gives mu = nan"),
        ({"b": [1.0, 2.0]}, r"initvals gives 'b' a value of shape \(2,\); its shape is \(3,\)"),
        ({"mu": [1.0]}, r"initvals gives 'mu' a value of shape \(1,\); its shape is \(\)"),
        ("mu", r"initvals must be a mapping .* or a sequence of these; got 'mu'"),
        ([1.0], r"initvals must be a mapping .*; got \[1\.0\]"),
    ],
)
def test_initvals_that_cannot_be(initvals: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        starts(hierarchy(), initvals=initvals)
