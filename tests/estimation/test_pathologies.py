"""The other half of the zoo: what has no ordinary maximum says so, and what has one is found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pymc as pm
import pytest

from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.certificate.status import Status
from bayes_point.estimation.face.find import find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate
from tests.estimation.zoo_estimates import check_trace, found
from tests.reference.pathologies import PATHOLOGIES
from tests.zoo import Estimator

# More than a second of searching each.
SLOW = set(
    """
    all_equal all_tails_and_a_difference as_many_columns_as_rows_log_variance
    betabinomial_underdispersed collinear_unknown_sd contaminated_normal dyestuff2
    dyestuff2_log_sd dyestuff2_variance eight_schools_centred_log_tau eight_schools_marginal
    eight_schools_noncentred endometrial_effect_coded endometrial_firth_mle explosive_series
    frontier funnel_flat funnel_noncentred gp_constant_signal gp_without_noise gp_without_signal
    gp_without_signal_free_scale laplace_scale lognormal_three_parameters minimax_of_a_line
    minimax_regression mixture_collapse mixture_of_regressions mixture_of_smooth_data
    mixture_of_smooth_data_weights mixture_weight_at_edge multinomial_zero_count
    multinomial_zero_count_dirichlet_2 multinomial_zero_count_dirichlet_half
    multinomial_zero_logit negbin_dispersion negbin_underdispersed one_factor
    one_observation_log_sd ordered_empty_lowest ordered_empty_middle ordered_means_reversed
    own_noise_of_one_group perfect_fit_log_sd poisson_zero_group_contrast rotated_factors
    saturation_curvature saturation_not_reached sd_upper_bound separation_complete
    separation_complete_centred separation_probit skew_normal_of_symmetric_data
    skew_normal_one_sided softmax_unseen_class t_on_light_tails t_on_ties
    truncated_normal_long_tail two_components_for_one_group two_points_covariance two_variances
    uniform_of_ties von_mises_all_equal weibull_three_parameters
    weibull_three_parameters_log_gap zero_counts zip_without_extra_zeros
    zip_without_extra_zeros_logit
    """.split()  # noqa: SIM905 - a table of names
)
ZOO = {zoo_model.name: zoo_model for zoo_model in PATHOLOGIES}


def cases() -> list:
    return [
        pytest.param(z.name, estimator, marks=[pytest.mark.slow] * (z.name in SLOW))
        for z in PATHOLOGIES
        for estimator in z.estimators
    ]


def element(estimate: PointEstimate, label: str) -> float:
    """Value of an element by its label, such as ``"beta[age]"``."""
    name, _, coord = label.partition("[")
    value = estimate.point[name]
    return float(value.sel({value.dims[0]: coord.removesuffix("]")}) if coord else value)


def complaints(name: str, estimator: Estimator) -> Iterator[str]:
    """What is wrong with an estimate, beside the truth."""
    truth = ZOO[name].truth(estimator)
    try:
        estimate = found(name, estimator)
    except ModelError as refused:
        yield str(refused)
        return
    if estimate.status.key not in truth.statuses:
        yield f"status {estimate.status.key}, not {truth.statuses}"
    point = {variable: estimate.point[variable].values for variable in truth.point}
    if (distance := truth.distance(point)) is not None:
        yield distance
    if made_up := [name for name in truth.no_sign if np.isinf(element(estimate, name))]:
        yield f"a sign is made up of {made_up}"
    named = [label for finding in estimate.findings for label in finding.parameters]
    if missing := truth.missing_names(named):
        yield f"not named: {missing}"
    n_optima = estimate.optima.sizes["optimum"]
    if truth.n_optima is not None and n_optima > truth.n_optima:
        yield f"{n_optima} optima, not {truth.n_optima}"
    if truth.log_density is not None:
        value = estimate.log_likelihood if estimator == "mle" else estimate.log_joint
        if value != pytest.approx(truth.log_density, rel=1e-6, abs=1e-6):
            yield f"log density {value}, not {truth.log_density}"


def check_nothing_is_fabricated(estimate: PointEstimate) -> None:
    """What the status, the findings and the numbers say of one another."""
    values = np.concatenate([np.ravel(value) for value in estimate.point.data_vars.values()])
    if estimate.status.is_point:
        assert np.isfinite(values).all()
    else:
        assert estimate.findings, "no reason is given"
        assert all(finding.what and finding.advice for finding in estimate.findings)
    if estimate.status is Status.AT_INFINITY:
        assert np.isinf(values).any()
    if estimate.status is Status.UNBOUNDED:
        assert np.isnan(values).any()
    if estimate.status is Status.NOT_IDENTIFIED:
        assert any(finding.is_flat for finding in estimate.findings)


@pytest.mark.parametrize(("name", "estimator"), cases())
def test_truth(name: str, estimator: Estimator) -> None:
    assert not list(complaints(name, estimator))
    check_nothing_is_fabricated(found(name, estimator))
    check_trace(name, estimator)


def test_what_the_likelihood_does_not_see_is_not_said_to_be_on_the_edge() -> None:
    """A beta-binomial by its latents: two groups have no event, and the hyperparameters no say."""
    n, y = np.array([20, 20, 19, 25, 14, 30]), np.array([0, 0, 1, 4, 3, 9])
    with pm.Model() as model:
        alpha, beta = pm.Gamma("alpha", 2, 1), pm.Gamma("beta", 2, 0.2)
        theta = pm.Beta("theta", alpha, beta, shape=6)
        pm.Binomial("y", n=n, p=theta, observed=y)
    with pytest.warns(EstimationWarning, match=r"MLE: Not identified.*alpha, beta enter only"):
        mle = find_MLE(model, progressbar=False)
    table = mle.to_dataframe()
    assert table["status"].tolist() == [
        *["not_identified"] * 2,
        *["on_boundary"] * 2,
        *["converged"] * 4,
    ]
    np.testing.assert_allclose(mle["theta"], y / n, atol=1e-12)
    # Whatever alpha and beta are: the binomial's own standard errors.
    p = y[2:] / n[2:]
    np.testing.assert_allclose(mle.stderr()["theta"][2:], np.sqrt(p * (1 - p) / n[2:]), rtol=1e-6)
    assert np.all(np.isinf(table["se"][:2]))


def two_things_wrong(which: str) -> pm.Model:
    x = np.arange(6.0) - 2.5
    with pm.Model() as model:
        unused = pm.Dirichlet("unused", np.ones(2))
        if which == "variance at zero":
            mu = pm.Normal("mu", 0, 10)
            tau = pm.HalfNormal("tau", 5)
            pm.Normal("y", mu, pm.math.sqrt(4 + tau**2), observed=[1.0, 2, 3, 1.5])
        elif which == "separation":
            b = pm.Normal("b", 0, 5, shape=2)
            mu = pm.Normal("mu", 0, 5)
            pm.Bernoulli("z", logit_p=(b[0] + b[1]) * x, observed=x > 0)
            pm.Normal("y", mu, 2, observed=[1.0, 2, 3, 1.5])
        elif which == "pole":
            mu = pm.Normal("mu", 0, 5)
            s = pm.HalfNormal("s", 2)
            pm.Normal("y", mu, s, observed=[1.875] * 3)
        else:
            mu = pm.Normal("mu", 0, 5)
            k = pm.DiscreteUniform("k", 0, 3)
            p = pm.Beta("p", 1, 1)
            pm.Binomial("z", 5, p + 0 * k, observed=5)
            pm.Normal("y", mu, 2, observed=[1.0, 2, 3, 1.5])
        del unused
    return model


@pytest.mark.parametrize(
    ("which", "status", "others"),
    [
        ("variance at zero", "not_identified", {"tau": "on_boundary"}),
        ("separation", "at_infinity", {"b[0]": "at_infinity", "b[1]": "not_identified"}),
        ("pole", "unbounded", {"s": "unbounded"}),
        ("edge", "not_identified", {"k": "not_identified", "p": "on_boundary"}),
    ],
)
def test_what_is_not_in_the_likelihood_is_not_identified_whatever_else_is(
    which: str, status: str, others: dict[str, str]
) -> None:
    with pytest.warns(EstimationWarning, match="does not depend on unused") as caught:
        mle = find_MLE(two_things_wrong(which), random_seed=0, progressbar=False)
    assert len(caught) == 1
    assert mle.status.key == status
    table = mle.to_dataframe()
    unused = dict.fromkeys(["unused[0]", "unused[1]"], "not_identified")
    assert table["status"].to_dict() == {**unused, "mu": "converged", **others}
    # What the rest does not touch has its estimate, and its error where there is a maximum.
    assert table.loc["mu", "estimate"] == pytest.approx(1.875, abs=1e-6)
    if which != "pole":
        assert table.loc["mu", "se"] == pytest.approx(1.0, rel=1e-5)
