"""What is proven to be log-concave has one maximum: it takes one start, and is the only one."""

import numpy as np
import pymc as pm
import pytest
from scipy.special import expit

import bayes_point as bp
from bayes_point.estimation.certificate.certify import certify
from bayes_point.estimation.objective import Objective, Penalty
from bayes_point.estimation.optimise import factor as factors
from bayes_point.estimation.optimise.factor import Factor
from bayes_point.model.density.density import LogDensity

QUIET = {"progressbar": False, "random_seed": 1}
Y = np.array([1.0, 2.0, 4.0])


def normal() -> pm.Model:
    with pm.Model() as model:
        mu, sigma = pm.Flat("mu"), pm.HalfFlat("sigma")
        pm.Normal("y", mu, sigma, observed=Y)
    return model


def regression(y: np.ndarray, x: np.ndarray) -> pm.Model:
    with pm.Model() as model:
        beta = pm.Flat("beta", shape=2)
        pm.Bernoulli("y", logit_p=beta[0] + beta[1] * x, observed=y)
    return model


def first(estimate: bp.PointEstimate) -> str:
    said = estimate.certificate.checks[0]
    return f"{said.check} {said.verdict}: {said.proof}"


def test_a_normal_sample_in_units_of_its_scale() -> None:
    found = bp.find_MLE(normal(), **QUIET)
    said = "log-concave in 1/sigma, mu/sigma: the only maximum, by proof"
    assert first(found) == f"concave converged: {said}"
    assert said in str(found.certificate)
    assert found.n_starts == 1
    assert float(found.point["mu"]) == pytest.approx(Y.mean(), rel=1e-12)
    assert float(found.point["sigma"]) == pytest.approx(Y.std(), rel=1e-9)


def test_a_lasso_at_its_kink() -> None:
    # min (y - b)^2 / 2 + |b|: the soft threshold, b = max(|y| - 1, 0) sign(y).
    for y, b in ((0.5, 0.0), (3.0, 2.0)):
        with pm.Model() as model:
            slope = pm.Laplace("b", 0, 1)
            pm.Normal("y", slope, 1, observed=[y])
        found = bp.find_MAP(model, **QUIET)
        assert float(found.point["b"]) == pytest.approx(b, abs=1e-12)
        assert "log-concave in b: the only maximum, by proof" in str(found.certificate)
        assert found.n_starts == 1


def test_separated_data_have_a_concave_likelihood_and_no_maximum() -> None:
    x = np.array([-2.0, -1.0, 1.0, 2.0])
    apart, mixed = regression(x > 0, x), regression(np.array([0, 1, 0, 1]), x)
    with pytest.warns(bp.EstimationWarning):
        found = bp.find_MLE(apart, **QUIET)
    assert found.status.key == "at_infinity"
    assert "by proof" not in str(found.certificate)
    there = bp.find_MLE(mixed, **QUIET)
    assert first(there) == "concave converged: log-concave in beta: the only maximum, by proof"
    a, b = there.point["beta"].values
    residual = np.array([0, 1, 0, 1]) - expit(a + b * x)
    np.testing.assert_allclose([residual.sum(), residual @ x], 0, atol=1e-12)


def test_what_is_flat_has_more_than_one() -> None:
    with pm.Model() as model:
        a, b = pm.Flat("a"), pm.Flat("b")
        pm.Normal("y", a + b, 1, observed=Y)
    with pytest.warns(bp.EstimationWarning):
        found = bp.find_MLE(model, **QUIET)
    assert found.status.key == "not_identified"
    assert "by proof" not in str(found.certificate)


def test_what_is_not_concave_is_searched_from_many_starts() -> None:
    with pm.Model() as model:
        pm.Cauchy("y", pm.Flat("mu"), 1, observed=Y)
    found = bp.find_MLE(model, **QUIET)
    assert found.status.key == "converged"
    assert found.n_starts == 8
    assert "by proof" not in str(found.certificate)


def test_an_objective_is_concave_if_its_terms_are_and_add() -> None:
    density = LogDensity(normal())
    one = {"likelihood": 1.0}
    assert Objective(density, one).concave_in
    assert Objective(density, {"likelihood": 0.5}).concave_in
    penalty = Penalty(np.zeros(2), np.ones(2), 1.0)
    for other in (
        Objective(density, {"likelihood": -1.0}),
        Objective(density, {"likelihood": np.ones(3)}),
        Objective(density, {"likelihood": 1.0, "jacobian": 1.0}),
        Objective(density, one, penalty),
        Objective(LogDensity(normal(), inputs=["y"]).bind({"y": Y}), one),
    ):
        assert other.concave_in == ""


def test_other_graphs_are_not_what_the_model_says() -> None:
    density = LogDensity(normal())
    other = density.remade({"likelihood": -density.graphs.term("likelihood")}, {})
    assert density.concave_in(("likelihood",))
    assert other.concave_in(("likelihood",)) == ""


def test_a_point_on_the_way_to_infinity_is_no_maximum_for_being_still() -> None:
    # log f = -exp(-a) is concave and rises for ever: at a = 30 its slope is below rounding.
    with pm.Model() as model:
        a = pm.Flat("a")
        pm.Potential("f", -pm.math.exp(-a))
    objective = Objective(LogDensity(model), {"potential": 1.0})
    assert objective.concave_in == "a"
    x = np.array([30.0])
    with np.errstate(all="ignore"):
        found = certify(objective, x, start=np.zeros(1), centre=np.zeros(1), settled=True)
    assert found.status.key == "at_infinity"


def test_on_the_way_to_a_bound_no_mixture_of_directions_hides_it() -> None:
    # Least squares gives rho above 1, so that in its logit the density rises for ever; far out the
    # scaled curvature is the same in both directions, and the axes are any mixture of them.
    trend = np.array([1.0, 1.5, 2.5, 3.0, 4.5, 5.0, 6.5, 7.0])
    with pm.Model() as model:
        rho, sigma = pm.Uniform("rho", -1, 1), pm.HalfFlat("sigma")
        pm.Normal("y", rho * trend[:-1], sigma, observed=trend[1:])
    objective = Objective(LogDensity(model), {"likelihood": 1.0})
    assert objective.concave_in
    # At rho = 1 the best sigma is the root mean square of the differences.
    x = np.array([32.0, 0.5 * np.log(np.mean(np.diff(trend) ** 2))])
    with np.errstate(all="ignore"):
        found = certify(objective, x, start=np.zeros(2), centre=np.zeros(2), settled=True)
    assert found.status.key == "on_boundary"


def test_a_factor_of_the_curvature() -> None:
    # H = -(units) C (units), whatever the units: its inverse, eigenvalues and solutions by NumPy.
    rng = np.random.default_rng(3)
    root = rng.normal(size=(40, 30))
    units = 10.0 ** rng.uniform(-4, 4, size=30)
    hessian = -(root.T @ root) * units[:, None] * units
    factor = Factor.of(hessian)
    assert factor is not None
    scale = 1 / np.sqrt(np.diagonal(-hessian))
    correlation = -hessian * scale[:, None] * scale
    eigenvalues = np.linalg.eigvalsh(correlation)
    np.testing.assert_allclose(factor.ends, eigenvalues[[0, -1]], rtol=1e-3)
    assert 0 < factor.least <= eigenvalues[0]
    np.testing.assert_allclose(
        factor.errors, scale * np.sqrt(np.diagonal(np.linalg.inv(correlation))), rtol=1e-9
    )
    gradient = rng.normal(size=30) * units
    np.testing.assert_allclose(-hessian @ factor.newton(gradient), gradient, rtol=1e-8)
    # z'z is the fall, twice over, of a parabola with this curvature.
    z = rng.normal(size=30)
    step = factor.step(z)
    np.testing.assert_allclose(-step @ hessian @ step, z @ z, rtol=1e-9)
    np.testing.assert_allclose(factor.slope(-hessian @ step), z, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "curvature", [np.diag([1.0, -1.0]), np.ones((2, 2)), np.full((2, 2), np.nan)]
)
def test_what_is_not_definite_has_no_factor(curvature: np.ndarray) -> None:
    assert Factor.of(-curvature) is None


def test_where_lanczos_fails_there_are_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise factors.ArpackNoConvergence("none", np.empty(0), np.empty((0, 0)))

    monkeypatch.setattr(factors, "eigsh", fails)
    root = np.random.default_rng(3).normal(size=(40, 30))
    factor = Factor.of(-(root.T @ root))
    assert factor is not None
    eigenvalues = np.linalg.eigvalsh(factor.matrix)
    least, most = factor.ends
    assert 0 < least <= eigenvalues[0]
    assert eigenvalues[-1] <= most <= len(root.T)


def test_many_coordinates_are_climbed_by_factors() -> None:
    # Log rates of 600 counts with a normal prior: each is the root of y - exp(b) - b / 4 = 0.
    y = np.random.default_rng(5).poisson(4, size=600)
    with pm.Model() as model:
        b = pm.Normal("b", 0, 2, shape=600)
        pm.Poisson("y", pm.math.exp(b), observed=y)
    found = bp.find_MAP(model, progressbar=False)
    b = found.point["b"].values
    np.testing.assert_allclose(y - np.exp(b) - b / 4, 0, atol=1e-9)
    assert found.certificate.checks[0].check == "concave"
    assert found.n_starts == 1
    # Without the prior the counts of zero have their rates at zero: nothing is claimed by a factor.
    with pytest.warns(bp.EstimationWarning):
        assert bp.find_MLE(model, progressbar=False).status.key == "at_infinity"
