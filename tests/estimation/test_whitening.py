"""Maxima on ridges so narrow that the Hessian, in double precision, is singular."""

from __future__ import annotations

from functools import cache

import numpy as np
import pymc as pm
import pytest

import bayes_point as bp
from bayes_point.errors import EstimationWarning
from bayes_point.estimation.optimise.ridge import is_top, ridge_at
from tests.reference import read_data, read_references
from tests.reference.nist import NIST, polynomial

QUIET = {"progressbar": False, "random_seed": 1}


BUILDS = {"nist_filip": polynomial("nist_filip", 10)} | {z.name: z.build for z in NIST}


@cache
def nist(name: str) -> bp.PointEstimate:
    return bp.find_MLE(BUILDS[name](), **QUIET)


def test_a_polynomial_of_degree_ten_is_the_certified_one() -> None:
    # Columns that are collinear to nine digits: the Hessian, of sixteen, is singular.
    estimate = nist("nist_filip")
    assert estimate.status.key == "converged"
    for name, value in read_references("nist_filip")["mle"]["values"].items():
        assert float(estimate.point[name]) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("name", ["nist_filip", "nist_wampler5", "nist_longley"])
def test_standard_errors_are_the_certified_ones(name: str) -> None:
    estimate, reference = nist(name), read_references(name)["mle"]
    certified = reference["certified_sd"]
    n = len(read_data(name)["y"])
    # NIST divides the residual sum of squares by n - k, the MLE's information by n.
    factor = np.sqrt((n - len(certified)) / n)
    found = estimate.stderr()
    for name_, sd in certified.items():
        assert float(found[name_]) == pytest.approx(factor * sd, rel=1e-6)
    sigma = reference["values"]["sigma"]
    assert float(found["sigma"]) == pytest.approx(sigma / np.sqrt(2 * n), rel=1e-6)


def test_the_evidence_is_of_the_ridge() -> None:
    evidence = nist("nist_filip").evidence
    x = read_data("nist_filip")["x"][:, None] ** np.arange(11)
    unit = x / np.linalg.norm(x, axis=0)
    # The curvature is X'X/sigma^2, its square root the singular values of X in units of its
    # columns; these have nine orders of magnitude, and lose seven digits of sixteen.
    least = np.linalg.svd(unit, compute_uv=False)[-1] ** 2
    found = evidence["smallest eigenvalue of the scaled curvature"]
    # Ridge reports 1/|axis|^2 in units of the coordinates: the eigenvalue, if axes are orthogonal.
    assert least / 20 < found < 20 * least
    assert evidence["distance to the maximum in standard errors"] < 1e-5


@pytest.mark.parametrize("exponent", [-4, -7, -9])
def test_nearly_collinear_columns_are_told_apart(exponent: int) -> None:
    rng = np.random.default_rng(3)
    a, c, noise = rng.standard_normal((3, 40))
    x = np.column_stack([a, a + 10.0**exponent * c])
    y = a + noise
    with pm.Model() as model:
        beta = pm.Flat("beta", shape=2)
        pm.Normal("y", x @ beta, 1, observed=y)
    estimate = bp.find_MLE(model, **QUIET)
    assert estimate.status.key == "converged"
    # The same model in the columns a and c, which are not collinear: beta[1] is that of c, scaled.
    z = np.column_stack([a, c])
    gamma = np.linalg.lstsq(z, y, rcond=None)[0]
    sd = np.sqrt(np.diagonal(np.linalg.inv(z.T @ z)))
    # The column a + 10^exponent c has lost as many digits of c.
    digits = max(1e-6, 100 * np.finfo(float).eps * 10.0**-exponent)
    assert float(estimate.point["beta"][1]) == pytest.approx(gamma[1] * 10.0**-exponent, rel=digits)
    assert float(estimate.stderr()["beta"][1]) == pytest.approx(sd[1] * 10.0**-exponent, rel=digits)


def test_collinear_columns_have_no_ridge() -> None:
    rng = np.random.default_rng(4)
    a, b, y = rng.standard_normal((3, 30))
    x = np.column_stack([a, b, 0.1 * a + 0.3 * b])  # collinear but for the last digit
    with pm.Model() as model:
        beta = pm.Flat("beta", shape=3)
        pm.Normal("y", x @ beta, 1, observed=y)
    with pytest.warns(EstimationWarning, match="Not identified"):
        estimate = bp.find_MLE(model, **QUIET)
    assert estimate.status.key == "not_identified"
    assert ridge_at(estimate.objective, estimate.unconstrained.values) is None


def test_a_fourth_power_is_no_parabola() -> None:
    with pm.Model() as model:
        x = pm.Flat("x", initval=0.5)
        y = pm.Flat("y", initval=0.5)
        pm.Potential("power", -(x**4) - y**2 / 2)
        pm.Normal("z", 0, 1, observed=0.0)
    estimate = bp.find_MLE(model, potentials="likelihood", **QUIET)
    point = np.zeros(2)
    errors = np.diag([1e4, 1.0])  # what a curvature of 1e-8 at the top of the power suggests
    assert is_top(estimate.objective, point, errors).tolist() == [False, True]
