"""The predictive check: which plot for which data, and the numbers in its sentence."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
import xarray as xr

from bayes_point.report.sections.predictive import MAX_VARIABLES, Check, predictive
from tests.trees import regression_tree

RNG = np.random.default_rng(5)
CHAINS, DRAWS = 2, 200


def check(observed: np.ndarray, predicted: np.ndarray, name: str = "y", **coords: object) -> Check:
    found = predictive(tree({name: (observed, predicted)}, **coords), 0.8)
    assert found["notes"] == []
    (only,) = found["checks"]
    return only


def tree(data: dict[str, tuple[np.ndarray, np.ndarray]], **coords: object) -> xr.DataTree:
    dims = {n: [f"{n}_{i}" for i in range(np.ndim(o))] for n, (o, _) in data.items()}
    return xr.DataTree.from_dict(
        {
            "observed_data": xr.Dataset({n: (dims[n], o) for n, (o, _) in data.items()}, coords),
            "posterior_predictive": xr.Dataset(
                {n: (["chain", "draw", *dims[n]], p) for n, (_, p) in data.items()}, coords
            ),
        }
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the functions of arviz_plots that are called."""
    import arviz_plots

    names: list[str] = []

    def spy(name: str, real: object) -> object:
        def call(*args: object, **options: object) -> object:
            names.append(name)
            return real(*args, **options)  # type: ignore[operator]

        return call

    for name in ("plot_ppc_dist", "plot_ppc_pava", "plot_ppc_rootogram", "plot_ppc_interval"):
        monkeypatch.setattr(arviz_plots, name, spy(name, getattr(arviz_plots, name)))
    return names


def draws(sampler: object, *size: int) -> np.ndarray:
    return sampler((CHAINS, DRAWS, *size))  # type: ignore[operator]


def test_binary_data_with_probabilities_of_their_own(drawn: list[str]) -> None:
    p = np.linspace(0.05, 0.95, 60)
    y = (RNG.random(60) < p).astype(int)
    found = check(y, (RNG.random((CHAINS, DRAWS, 60)) < p).astype(np.int64))
    assert drawn == ["plot_ppc_pava"]
    assert found.sentence.startswith(f"{y.sum()} of 60 observations of y are 1 ({y.mean():.0%});")
    # The number of ones is a sum of independent Bernoulli draws: mean 30, variance sum p(1-p).
    sd = np.sqrt((p * (1 - p)).sum()) / 60
    low, high = (int(x) / 100 for x in re.findall(r"(\d+)%", found.sentence)[1:3])
    assert low == pytest.approx(0.5 - 1.2816 * sd, abs=0.02)
    assert high == pytest.approx(0.5 + 1.2816 * sd, abs=0.02)


def test_tosses_of_one_coin(drawn: list[str]) -> None:
    # All alike: a calibration curve would show Monte Carlo noise. Booleans are counts, too.
    p = RNG.beta(20, 10, (CHAINS, DRAWS, 1))
    check(RNG.random(50) < 0.6, RNG.random((CHAINS, DRAWS, 50)) < p)
    assert drawn == ["plot_ppc_rootogram"]


def test_counts(drawn: list[str]) -> None:
    check(RNG.poisson(4, 90), RNG.poisson(4, (CHAINS, DRAWS, 90)))
    # Counts that were read as floats are counts all the same.
    check(RNG.poisson(4, 90).astype(float), RNG.poisson(4, (CHAINS, DRAWS, 90)))
    assert drawn == ["plot_ppc_rootogram"] * 2


def test_large_counts_and_continuous_data(drawn: list[str]) -> None:
    check(RNG.poisson(4000, 90), RNG.poisson(4000, (CHAINS, DRAWS, 90)))
    check(RNG.normal(size=90), RNG.normal(size=(CHAINS, DRAWS, 90)))
    assert drawn == ["plot_ppc_dist"] * 2


def test_few_observations_are_shown_one_by_one(drawn: list[str]) -> None:
    schools = ["Choate", "Deerfield", "Andover"]
    coords = {"y_0": schools}
    found = check(np.array([0.0, 9.0, -9.0]), RNG.normal(size=(CHAINS, DRAWS, 3)), **coords)
    assert drawn == ["plot_ppc_interval"]
    assert found.sentence == (
        "1 of 3 observations of y (33%) lie in their 80% posterior predictive interval."
    )


def test_a_single_number_and_a_matrix(drawn: list[str]) -> None:
    check(np.array(0.3), RNG.normal(size=(CHAINS, DRAWS)))
    found = check(np.zeros((8, 9)), RNG.normal(size=(CHAINS, DRAWS, 8, 9)))
    assert drawn == ["plot_ppc_interval", "plot_ppc_dist"]
    assert found.sentence.startswith("72 of 72 observations")


def test_what_is_not_a_number_is_left_out_and_counted() -> None:
    y = np.array([0.1, np.nan, 0.2])
    p = RNG.normal(size=(CHAINS, DRAWS, 3))
    p[0, :40, 0] = np.inf
    found = check(y, p)
    assert "of 2 observations" in found.sentence
    assert "1 missing observations are left out." in found.sentence
    assert "10.0% of the draws predict values that are not finite." in found.sentence
    nothing = check(np.full(3, np.nan), p)
    assert nothing.figure is None
    assert "has no observations and draws that can be compared" in nothing.sentence


def test_a_heavy_tail_does_not_hide_the_data() -> None:
    y, p = RNG.normal(size=60), RNG.standard_cauchy((CHAINS, DRAWS, 60)) * 1e3
    found = check(y, p)
    assert found.figure is not None
    assert b"<svg" in base64.b64decode(found.figure.src.partition(",")[2])


def test_several_variables_and_those_that_are_left_out() -> None:
    pair = (np.zeros(3), RNG.normal(size=(CHAINS, DRAWS, 3)))
    dt = tree({f"y{i}": pair for i in range(MAX_VARIABLES + 2)})
    dt["posterior_predictive"] = dt["posterior_predictive"].to_dataset().drop_vars("y0")
    found = predictive(dt, 0.8)
    assert [c.name for c in found["checks"]] == [f"y{i}" for i in range(1, MAX_VARIABLES + 1)]
    assert found["notes"] == [
        "y0 has no posterior predictive draws.",
        f"The first {MAX_VARIABLES} are shown; left out: y{MAX_VARIABLES + 1}.",
    ]


def test_a_tree_without_the_groups() -> None:
    dt = regression_tree(draws=20)
    del dt["posterior_predictive"]
    del dt["observed_data"]
    assert predictive(dt, 0.8) == {
        "checks": [],
        "notes": [
            "The fit has no group observed_data and no group posterior_predictive: there is "
            "nothing to check."
        ],
    }


def test_the_coverage_is_that_of_the_draws() -> None:
    # Predictions N(0, 1); the 80 % interval is ±1.2816 and holds 41 of these 51 points.
    y = np.linspace(-1.6, 1.6, 51)
    p = np.random.default_rng(0).normal(size=(4, 2000, 51))
    inside = int((np.abs(y) <= 1.2816).sum())
    found = check(y, p)
    count = int(found.sentence.split(" of ")[0])
    assert inside == 41
    assert abs(count - inside) <= 2
