"""Published data sets, explained: draws from posteriors on a grid, estimates from `fit`."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayes_point as bp
from bayes_point.comparison.causes.explain import STEPS
from bayes_point.errors import EstimationWarning
from tests.grids import drawn_on_grid
from tests.reference import case_models, eight_schools, read_data, read_references

QUIET = {"progressbar": False, "random_seed": 1, "details": False}


def tree_of(**variables: np.ndarray) -> xr.DataTree:
    """Draws as a user has them: shape (chain, draw, ...)."""
    dims = {name: ("chain", "draw", *(["school"] * (v.ndim - 2))) for name, v in variables.items()}
    data = xr.Dataset({name: (dims[name], v) for name, v in variables.items()})
    if "school" in data.dims:
        data = data.assign_coords(school=eight_schools.COORDS["school"])
    return xr.DataTree.from_dict({"/posterior": data})


def marginal(grid: np.ndarray, mass: np.ndarray) -> dict[str, float]:
    """Median, mean and sd of a distribution on an even grid; the mode of the density of its log."""
    mass = mass / mass.sum()
    mean = float(grid @ mass)
    # The density of log(x) is that of x times x.
    of_log = mass * grid
    k = int(of_log.argmax())
    mode = grid[k]
    if k > 0:
        # The vertex of the parabola through the highest point and its neighbours.
        a, b, c = np.log(of_log[k - 1 : k + 2])
        mode += (grid[1] - grid[0]) * 0.5 * (a - c) / (a - 2 * b + c)
    median = float(np.interp(0.5, np.cumsum(mass) - mass / 2, grid))
    sd = math.sqrt(float((grid - mean) ** 2 @ mass))
    return {"marginal mode": float(mode), "median": median, "mean": mean, "sd": sd}


def test_pumps() -> None:
    data = read_data("pumps")
    alpha, beta = np.linspace(0.005, 5, 500), np.linspace(0.005, 10, 500)
    a, b = alpha[:, None, None], beta[None, :, None]
    rate = data["t"] / (b + data["t"])
    log = (stats.nbinom.logpmf(data["x"], a, 1 - rate)).sum(-1)
    # alpha ~ Exponential(1), beta ~ Gamma(0.1, 1)
    log = log - alpha[:, None] - 0.9 * np.log(beta) - beta
    mass = np.exp(log - log.max())
    pair = drawn_on_grid(alpha, beta, mass, (4, 1000), seed=2)
    draws = dict(zip(("alpha", "beta"), pair, strict=True))
    dt = bp.fit(case_models.pumps_marginal(), idata=tree_of(**draws), **QUIET)
    found = bp.explain(dt)
    references = read_references("pumps")
    for name, grid, axis in (("alpha", alpha, 1), ("beta", beta, 0)):
        exact = marginal(grid, mass.sum(axis))
        exact |= {
            point: references[key]["values"][name]
            for point, key in (
                ("MLE", "mle"),
                ("MAP", "map_natural"),
                ("mode", "map_unconstrained"),
            )
        }
        for term, (start, end) in STEPS.items():
            own = found[name].sel(term=term)
            expected = (exact[end] - exact[start]) / exact["sd"]
            error = float(own.sel(quantity="shift_mcse"))
            assert abs(float(own.sel(quantity="shift")) - expected) < 4 * error, (name, term)
    assert bp.verdict(dt, var_names=["alpha", "beta"]).key != "negligible"


def test_eight_schools() -> None:
    # mu and tau from a grid on which theta is integrated out, theta from its normal given both.
    y, sigma = eight_schools.Y, eight_schools.SIGMA
    mu, tau = np.linspace(-16, 24, 201), np.linspace(0.04, 80, 1000)
    total = tau[:, None] ** 2 + sigma**2
    log = -((y - mu[:, None, None]) ** 2 / total + np.log(total)).sum(-1) / 2
    log += stats.norm(0, 5).logpdf(mu)[:, None] + stats.halfcauchy(0, 5).logpdf(tau)
    mass = np.exp(log - log.max())
    rng = np.random.default_rng(3)
    cell = rng.choice(mass.size, size=(4, 500), p=mass.ravel() / mass.sum())
    m = mu[cell // len(tau)] + rng.uniform(-0.1, 0.1, cell.shape)
    t = tau[cell % len(tau)] + rng.uniform(-0.04, 0.04, cell.shape)
    precision = 1 / t[..., None] ** 2 + 1 / sigma**2
    centre = (m / t**2)[..., None] / precision + y / sigma**2 / precision
    theta = centre + rng.standard_normal(centre.shape) / np.sqrt(precision)
    draws = tree_of(mu=m, tau=t, theta=theta)
    with pytest.warns(EstimationWarning) as record:
        dt = bp.fit(eight_schools.centred(), idata=draws, marginalize=None, **QUIET)
    # Of the joint MLE and MAP; the mode on the unconstrained scale has no warning of its own.
    said = [str(warning.message).partition(":")[0] for warning in record]
    assert said == ["MLE", "MAP"]
    found = bp.explain(dt)
    texts = dict(s.split(": ", 1) for s in found.attrs["sentences"].splitlines())
    assert "the mean cannot be set against the MAP, which is unbounded" in texts["tau"]
    assert "the MLE is not identified" in texts["tau"]
    for name in ("mu", "tau"):
        shift = found[name].sel(quantity="shift")
        assert np.isnan(shift.sel(term=["prior", "parametrisation"])).all()
        # What the draws alone know is there.
        assert np.isfinite(shift.sel(term=["mode_to_median", "median_to_mean"])).all()
    exact = marginal(tau, mass.sum(0))
    skew = found["tau"].sel(term="median_to_mean")
    off = float(skew.sel(quantity="shift")) - (exact["mean"] - exact["median"]) / exact["sd"]
    assert abs(off) < 4 * float(skew.sel(quantity="shift_mcse"))
    verdict = bp.verdict(dt)
    assert verdict.key == "no_verdict"
    assert verdict.sentence == (
        "There is no verdict, for the MAP does not exist: what it maximises has no upper bound "
        "(tau). Use the posterior, or an interior maximum if there is one: "
        "bp.find_MAP(model, local=True)."
    )
    assert np.isnan(bp.gaps(dt)["tau"].sel(estimator="MAP", quantity="gap"))
