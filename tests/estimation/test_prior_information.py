"""What the prior knows: conjugate models, ridge regressions, and where nothing can be split."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
import xarray as xr

import bayes_point as bp
from bayes_point.errors import EstimationError, EstimationWarning, ModelError
from bayes_point.estimation.prior.information import prior_information

QUIET = {"progressbar": False, "random_seed": 1}


def coin(heads: int, tosses: int, a: float = 9, b: float = 9) -> pm.Model:
    with pm.Model() as model:
        theta = pm.Beta("theta", a, b)
        pm.Bernoulli("y", theta, observed=[1] * heads + [0] * (tosses - heads))
    return model


# ------------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize(("heads", "tosses"), [(6, 8), (0, 1), (40, 40), (1, 500)])
def test_a_beta_prior_is_worth_its_tosses(heads: int, tosses: int) -> None:
    # On the logit scale the log-likelihood is k eta - n log(1 + exp(eta)), and the log-prior
    # (a - 1) eta - (a + b - 2) log(1 + exp(eta)): the same curvature, times n and times a + b - 2.
    known = prior_information(coin(heads, tosses), **QUIET)
    assert known["worth"].item() == pytest.approx(16, rel=1e-12)
    assert known["share"].item() == pytest.approx(tosses / (tosses + 16), rel=1e-12)
    assert known["effective_parameters"].item() == pytest.approx(tosses / (tosses + 16), rel=1e-12)
    assert known["total_worth"].item() == pytest.approx(16, rel=1e-12)
    theta = (heads + 8) / (tosses + 16)
    variance = theta * (1 - theta)
    assert known["likelihood_information"].item() == pytest.approx(tosses * variance, rel=1e-8)
    assert known["prior_information"].item() == pytest.approx(16 * variance, rel=1e-8)
    assert known["parameter"].values.tolist() == ["theta"]
    named = known.attrs["prior_directions"]
    assert named == ("theta" if tosses < 16 else "")


def test_a_binomial_observation_is_its_trials() -> None:
    with pm.Model() as model:
        theta = pm.Beta("theta", 3, 8)
        pm.Binomial("y", [10, 32], theta, observed=[3, 20])
    known = prior_information(model, **QUIET)
    assert known["observations"].item() == 42
    assert known["worth"].item() == pytest.approx(9, rel=1e-12)
    # In units of the two binomial observations.
    known = prior_information(model, observations=2, **QUIET)
    assert known["worth"].item() == pytest.approx(9 * 2 / 42, rel=1e-12)


def test_with_the_jacobian_the_prior_is_worth_more() -> None:
    # The density of the logit has the Jacobian theta (1 - theta) in it: one more of each. That is
    # the a + b of Morita, Thall and Mueller.
    map_ = bp.find_MAP(coin(6, 8), jacobian=True, **QUIET)
    assert prior_information(map_)["worth"].item() == pytest.approx(18, rel=1e-12)


def test_a_gamma_prior_is_worth_its_rate_in_counts() -> None:
    # On the log scale: -n exp(eta) against -b exp(eta).
    with pm.Model() as model:
        rate = pm.Gamma("rate", 5, 3.7)
        pm.Poisson("y", rate, observed=[3, 20, 7, 0])
    known = prior_information(model, **QUIET)
    assert known["worth"].item() == pytest.approx(3.7, rel=1e-12)


def test_a_normal_prior_is_worth_a_ratio_of_variances() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 1, 0.5)
        # The last two observations do not depend on mu: they are none of it.
        pm.Normal("y", mu, 2.0, observed=[1.0, -3.0, 4.5])
        nu = pm.Normal("nu", 0, 10)
        pm.Normal("z", nu, 2.0, observed=[0.5, 2.0])
    known = prior_information(model, **QUIET)
    assert known["observations"].values.tolist() == [3, 2]
    np.testing.assert_allclose(known["worth"], [2**2 / 0.5**2, 2**2 / 10**2], rtol=1e-10)
    shares = [3 / (3 + 16), 2 / (2 + 0.04)]
    np.testing.assert_allclose(known["share"], shares, rtol=1e-12)
    assert known["effective_parameters"].item() == pytest.approx(sum(shares), rel=1e-12)
    assert known["total_share"].item() == pytest.approx(sum(shares) / 2, rel=1e-12)
    assert known["total_observations"].item() == 5


def ridge(x: np.ndarray, sd: float, tau: float) -> pm.Model:
    y = x.sum(axis=1) + np.random.default_rng(5).normal(0, sd, len(x))
    with pm.Model(coords={"column": [f"x{j}" for j in range(x.shape[1])]}) as model:
        beta = pm.Normal("beta", 0, tau, dims="column")
        pm.Normal("y", x @ beta, sd, observed=y)
    return model


def test_ridge() -> None:
    # With the singular values d of X and the penalty k = sd^2 / tau^2: shares d^2 / (d^2 + k), the
    # sum of which is the ridge's effective degrees of freedom; and of a parameter 1 - V_jj / tau^2
    # (MacKay), with V the posterior covariance.
    x = np.random.default_rng(2).standard_normal((20, 4)) @ np.diag([1, 3, 0.1, 0.5])
    sd, tau = 1.3, 0.8
    known = prior_information(ridge(x, sd, tau), **QUIET)
    d2, k = np.sort(np.linalg.svd(x, compute_uv=False)) ** 2, sd**2 / tau**2
    np.testing.assert_allclose(known["direction_share"], d2 / (d2 + k), rtol=1e-9)
    freedom = np.trace(x @ np.linalg.solve(x.T @ x + k * np.eye(4), x.T))
    assert known["effective_parameters"].item() == pytest.approx(freedom, rel=1e-10)
    v = np.linalg.inv(x.T @ x / sd**2 + np.eye(4) / tau**2)
    np.testing.assert_allclose(known["share"], 1 - np.diagonal(v) / tau**2, rtol=1e-9)
    assert known["share"].sum().item() == pytest.approx(freedom, rel=1e-10)
    np.testing.assert_allclose(known["direction_worth"], 20 * k / d2, rtol=1e-9)


def test_a_penalty_on_an_orthogonal_design_is_worth_itself() -> None:
    # Columns of mean square one: the penalty sd^2 / tau^2 is as many observations as it says.
    x = np.linalg.qr(np.random.default_rng(3).standard_normal((50, 3)))[0] * np.sqrt(50)
    known = prior_information(ridge(x, 2.0, 0.5), **QUIET)
    np.testing.assert_allclose(known["worth"], np.full(3, 16.0), rtol=1e-9)
    assert known["total_worth"].item() == pytest.approx(16, rel=1e-9)


def test_directions_are_named() -> None:
    # Two columns that hardly differ: of the difference of their coefficients the prior knows more.
    rng = np.random.default_rng(4)
    first = rng.standard_normal(60)
    x = np.column_stack([first, first + 0.01 * rng.standard_normal(60), rng.standard_normal(60)])
    known = prior_information(ridge(x, 1.0, 1.0), **QUIET)
    assert known.attrs["prior_directions"] in ("beta[x0] − beta[x1]", "beta[x1] − beta[x0]")
    loading = known["loading"].sel(direction=0).values
    np.testing.assert_allclose(np.abs(loading), [1, 1, 0], atol=0.05)
    assert loading[0] * loading[1] < 0
    assert np.abs(known["loading"]).max("parameter").values.tolist() == [1, 1, 1]
    # J-orthogonal directions that split the likelihood's information exactly.
    assert np.all(np.diff(known["direction_share"]) > 0)


def test_what_the_likelihood_does_not_see() -> None:
    y, sd = np.array([28.0, 8, -3, 7]), np.array([15.0, 10, 16, 11])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        effect = pm.Normal("effect", mu, 6.0, shape=4)
        pm.Normal("y", effect, sd, observed=y)
    known = prior_information(model, **QUIET)
    assert known["share"].sel(parameter="mu").item() == pytest.approx(0, abs=1e-12)
    assert known["worth"].sel(parameter="mu").item() == np.inf
    assert known["observations"].values.tolist() == [0, 1, 1, 1, 1]
    # Given all others, an effect's share is (1 / s^2) / (1 / s^2 + 1 / 36); over them it is
    # 1 - (C P)_jj, with C the covariance and P the prior's information.
    prior = np.diag([1 / 25 + 4 / 36, *[1 / 36] * 4])
    prior[0, 1:] = prior[1:, 0] = -1 / 36
    total = prior + np.diag([0, *(1 / sd**2)])
    share = 1 - np.diagonal(np.linalg.inv(total) @ prior)
    np.testing.assert_allclose(known["share"], share, atol=1e-12)


def test_a_prior_that_takes_information_away() -> None:
    # In its tail, beyond sqrt(nu), a Student t curves upwards: of the total the data hold more than
    # all. The second derivative of its log is (nu + 1) (t^2 - nu) / (nu + t^2)^2.
    with pm.Model() as model:
        mu = pm.StudentT("mu", nu=3, mu=0, sigma=1)
        pm.Normal("y", mu, 1, observed=[8.0, 8.0])
    known = prior_information(model, **QUIET)
    m = float(bp.find_MAP(model, **QUIET).point["mu"])
    prior = -4 * (m**2 - 3) / (3 + m**2) ** 2
    assert known["prior_information"].item() == pytest.approx(prior, rel=1e-9)
    assert known["share"].item() == pytest.approx(2 / (2 + prior), rel=1e-9)
    assert known["worth"].item() == pytest.approx(prior, rel=1e-9)
    assert known["worth"].item() < 0


def test_potentials_are_data_or_prior() -> None:
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1)
        pm.Potential("other", -3.0 * mu**2)
        pm.Normal("y", mu, 1, observed=[1.0, 3.0])
    share = {
        which: prior_information(model, potentials=which, **QUIET)["share"].item()
        for which in ("prior", "likelihood")
    }
    assert share == {"prior": pytest.approx(2 / 9), "likelihood": pytest.approx(8 / 9)}
    with pytest.raises(ModelError, match="potentials='likelihood' or potentials='prior'"):
        prior_information(model, **QUIET)


def test_the_estimate_may_be_given_and_the_result_stored(tmp_path: object) -> None:
    model = coin(6, 8)
    known = prior_information(bp.find_MAP(model, **QUIET))
    assert known.identical(prior_information(model, **QUIET))
    with model:
        assert known.identical(prior_information(**QUIET))
    known.to_netcdf(f"{tmp_path}/known.nc", engine="h5netcdf")
    with xr.open_dataset(f"{tmp_path}/known.nc", engine="h5netcdf") as again:
        xr.testing.assert_identical(again.load(), known)


# --------------------------------------------------------------------------- nothing to be split


def test_an_mle_has_no_prior() -> None:
    with pytest.raises(EstimationError, match="measured at the MAP, got the MLE"):
        prior_information(bp.find_MLE(coin(6, 8), **QUIET))


def test_a_map_on_the_boundary_is_refused() -> None:
    with pytest.raises(EstimationError, match=r"not an interior maximum\. On a boundary: .*theta"):
        prior_information(coin(3, 3, 1, 1), **QUIET)


@pytest.mark.filterwarnings("ignore::bayes_point.errors.EstimationWarning")
def test_a_map_that_does_not_exist_is_refused() -> None:
    with pm.Model() as model:
        mu, tau = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5)
        effect = pm.Normal("effect", mu, tau, shape=3)
        pm.Normal("y", effect, 10.0, observed=[28.0, 8, -3])
    with pytest.raises(EstimationError, match="Unbounded: the density has no upper limit"):
        prior_information(model, **QUIET)


def test_a_map_at_a_kink_is_refused() -> None:
    with pm.Model() as model:
        beta = pm.Laplace("beta", 0, 0.1, shape=2)
        pm.Normal("y", beta, 1, observed=[0.3, 15.0])
    message = r"at a kink of the density in beta\[0\].*Look at prior_path"
    with pytest.raises(EstimationError, match=message):
        prior_information(model, **QUIET)


def test_arguments_are_checked() -> None:
    with pytest.raises(ModelError, match="observations must be a positive number, got 0"):
        prior_information(coin(6, 8), observations=0, **QUIET)
    with pytest.raises(ModelError, match=r"prior_information needs a pymc\.Model, got str"):
        prior_information("coin", **QUIET)  # type: ignore[arg-type]


def test_a_warning_of_the_search_points_here() -> None:
    with pm.Model() as model:
        b = pm.Flat("b")
        pm.Bernoulli("y", logit_p=b * np.array([-1.0, 1.0]), observed=[0, 1])
    with (
        pytest.warns(EstimationWarning) as caught,
        pytest.raises(EstimationError, match="At infinity"),
    ):
        prior_information(model, **QUIET)
    assert caught[0].filename == __file__
