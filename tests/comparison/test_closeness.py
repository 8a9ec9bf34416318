"""Distance between two sets of draws: of distributions whose distance is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

import bayes_point as bp
from bayes_point.comparison.distance.closeness import QUANTITIES
from tests.trees import ar1, coin_tree


def tree(draws: np.ndarray, dims: tuple[str, ...] = (), **coords: object) -> xr.DataTree:
    ds = xr.Dataset({"x": (("chain", "draw", *dims), draws)}, coords=coords)
    return xr.DataTree.from_dict({"/posterior": ds})


def normal(seed: int, mean: float = 0.0, sd: float = 1.0, draws: int = 1000) -> np.ndarray:
    return mean + sd * np.random.default_rng(seed).standard_normal((4, draws))


def test_differences_of_normals_and_their_errors() -> None:
    # Normal(1, 3²) against Normal(0, 2²): the means differ by 1/2 posterior sd, the sds by 3/2 - 1.
    z = []
    for seed in range(60):
        found = bp.closeness(tree(normal(seed, 1, 3)), tree(normal(seed + 1000, 0, 2)))["x"]
        shift, shift_mcse, ratio, ratio_mcse, *_ = found.values
        z.append([(shift - 0.5) / shift_mcse, (ratio - 0.5) / ratio_mcse])
    np.testing.assert_allclose(np.mean(z, axis=0), 0, atol=4 / math.sqrt(60))
    np.testing.assert_allclose(np.std(z, axis=0), 1, atol=4 / math.sqrt(120))


def test_wasserstein_of_a_shift_is_the_shift() -> None:
    draws = normal(1, sd=2)
    found = bp.closeness(tree(draws + 0.7), tree(draws))["x"]
    assert found.sel(quantity="wasserstein").item() == pytest.approx(0.7 / draws.std(ddof=1))
    assert found.sel(quantity="sd_difference").item() == pytest.approx(0, abs=1e-12)


def test_wasserstein_of_a_stretch() -> None:
    # Between X and c X the distance is (c - 1) E|X|, which for a normal is (c - 1) sqrt(2/pi) sd.
    draws = normal(1, draws=5000)
    found = bp.closeness(tree(1.5 * draws), tree(draws))["x"]
    absolute = np.abs(draws)
    error = 0.5 * absolute.std() / math.sqrt(draws.size)
    distance = found.sel(quantity="wasserstein").item()
    assert abs(distance - 0.5 * math.sqrt(2 / math.pi)) < 4 * error + 1e-3


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_the_noise_is_the_distance_of_equal_distributions(rho: float) -> None:
    distance, noise = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ours, theirs = rng.standard_normal((2, 500)), ar1(rng, (4, 500), rho)
        found = bp.closeness(tree(ours), tree(theirs))["x"]
        distance.append(found.sel(quantity="wasserstein").item())
        noise.append(found.sel(quantity="wasserstein_noise").item())
    error = math.hypot(np.std(distance), np.std(noise)) / math.sqrt(60)
    assert abs(np.mean(distance) - np.mean(noise)) < 4 * error
    assert np.mean(np.array(distance) > 3 * np.array(noise)) < 0.1


def test_labels_and_shapes() -> None:
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((2, 300, 3))
    reference = tree(draws, ("group",), group=["a", "b", "c"])
    shifted = tree(draws + np.arange(3), ("group",), group=["a", "b", "c"])
    found = bp.closeness(shifted, reference)
    assert found["x"].dims == ("quantity", "group")
    assert list(found["quantity"].values) == list(QUANTITIES)
    sd = draws.std(axis=(0, 1), ddof=1)
    np.testing.assert_allclose(
        found["x"].sel(quantity="mean_difference"), np.array([0, 1, 2]) / sd, atol=1e-12
    )
    part = bp.closeness(shifted, reference, coords={"group": ["b"]})
    assert list(part["group"].values) == ["b"]


def test_variables_can_be_chosen() -> None:
    dt = coin_tree()
    other = dt.copy()
    other["posterior"] = xr.DataTree(dt["posterior"].dataset[["theta"]])
    with pytest.raises(bp.errors.ComparisonError, match="The first tree has no two_heads among"):
        bp.closeness(other, dt)
    with pytest.raises(bp.errors.ComparisonError, match="The reference has no two_heads among"):
        bp.closeness(dt, other)
    found = bp.closeness(dt, other, var_names="theta")["theta"]
    np.testing.assert_array_equal(found.values[[0, 2, 4]], 0)


def test_numbers_of_draws_may_differ() -> None:
    found = bp.closeness(tree(normal(1, draws=50)), tree(normal(2, draws=700)))["x"]
    assert np.all(np.isfinite(found))


def test_where_there_is_nothing_to_measure_in() -> None:
    constant, infinite = np.ones((2, 100)), normal(1, draws=100)[:2]
    infinite[0, 0] = np.inf
    good = normal(2, draws=100)
    assert np.all(np.isnan(bp.closeness(tree(good), tree(constant))["x"]))
    assert np.all(np.isnan(bp.closeness(tree(infinite), tree(good))["x"]))
    assert np.all(np.isnan(bp.closeness(tree(good), tree(infinite))["x"]))
    # A constant of its own is a distance away all the same.
    found = bp.closeness(tree(constant), tree(good))["x"]
    assert found.sel(quantity="sd_difference").item() == -1
    assert found.sel(quantity="mean_difference").item() == pytest.approx(
        (1 - good.mean()) / good.std(ddof=1)
    )


def test_other_dims_and_labels_are_refused() -> None:
    draws = np.zeros((2, 10, 2))
    one = tree(draws, ("group",), group=["a", "b"])
    with pytest.raises(
        bp.errors.ComparisonError, match=r"dims \{'group': 2\} in the first tree and \{'item': 2\}"
    ):
        bp.closeness(one, tree(draws, ("item",), item=["a", "b"]))
    with pytest.raises(
        bp.errors.ComparisonError, match=r"\['a', 'b'\] along group in the first tree and \['b'"
    ):
        bp.closeness(one, tree(draws, ("group",), group=["b", "a"]))


def test_what_is_no_posterior_is_refused() -> None:
    with pytest.raises(bp.errors.ComparisonError, match="Got int"):
        bp.closeness(tree(normal(1)), 3)
