"""The pole of a packed Cholesky factor at a standard deviation of zero.

With L = diag(sd) C, C the factor of a correlation matrix, the density of row i = 1, 2, ... of L is
that of sd_i and of the angles of C times sd_i ** (1 - i): the volume of a sphere of i coordinates.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import pytest

from bayes_point.errors import EstimationWarning
from bayes_point.estimation.certificate.checks.pole_factor import shrinking_row
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.face.find import find_MAP
from bayes_point.estimation.objective import Objective
from bayes_point.model.density.density import LogDensity

QUIET: dict[str, Any] = {"progressbar": False}
T = np.arange(4) - 1.5
Z = np.stack([np.ones(4), T], axis=1)


@cache
def slopes(sd_dist: str = "Exponential") -> pm.Model:
    """Growth curves of six children, intercepts and slopes correlated and integrated out."""
    rng = np.random.default_rng(4)
    u = rng.normal(size=6)
    y = 3 + u[:, None] + (0.5 + 0.4 * u[:, None]) * T + rng.normal(0, 0.5, (6, 4))
    sd = {
        "Exponential": lambda: pm.Exponential.dist(1.0, shape=2),
        "Gamma": lambda: pm.Gamma.dist(2.0, 1.0, shape=2),
    }[sd_dist]()
    with pm.Model() as model:
        b = pm.Normal("b", 0, 10, shape=2)
        s = pm.HalfNormal("s", 2)
        chol, _, _ = pm.LKJCholeskyCov("chol", n=2, eta=2.0, sd_dist=sd, compute_corr=True)
        pm.MvNormal("y", Z @ b, cov=Z @ chol @ chol.T @ Z.T + s**2 * np.eye(4), observed=y)
    return model


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_random_slopes_with_a_vanishing_sd_have_no_mode(seed: int) -> None:
    with pytest.warns(EstimationWarning, match="grows without limit along chol"):
        estimate = find_MAP(slopes(), random_seed=seed, **QUIET)
    assert estimate.status is Status.UNBOUNDED
    # What has a proper prior and a likelihood does not diverge with it.
    assert estimate.findings[0].parameters == ("chol[2]",)
    assert np.isfinite(float(estimate.point["s"]))


def test_the_power_of_a_row_is_its_number() -> None:
    with pm.Model() as model:
        pm.LKJCholeskyCov("chol", n=3, eta=1.0, sd_dist=pm.HalfNormal.dist(1, shape=3))
        pm.Normal("y", pm.Normal("mu"), 1, observed=[1.0])
    objective = Objective(LogDensity(model), {"likelihood": 1.0, "prior": 1.0})
    track = shrinking_row(objective, np.zeros(objective.p))
    assert track is not None
    assert track.pivot == 2  # chol[2], the diagonal of the second row
    rates = np.diff(track.value) / -np.diff(track.distance)
    np.testing.assert_allclose(rates[-3:], 1.0, atol=1e-3)


def test_a_prior_that_keeps_sds_from_zero_has_no_pole() -> None:
    # Gamma(2) is proportional to sd next to zero: sd * sd ** -1 is a constant there.
    objective = Objective(LogDensity(slopes("Gamma")), {"likelihood": 1.0, "prior": 1.0})
    assert shrinking_row(objective, np.zeros(objective.p)) is None


def test_a_likelihood_has_none() -> None:
    objective = Objective(LogDensity(slopes()), {"likelihood": 1.0})
    assert shrinking_row(objective, np.zeros(objective.p)) is None
