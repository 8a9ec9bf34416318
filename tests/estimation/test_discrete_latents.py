"""Discrete variables summed out: the same density, and estimate, as of the model without them.

Each model is written twice, with a discrete variable and with the sum over it written by hand;
values, gradients and Hessians agree to the rounding of sums of a hundred terms.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy.special import gammaln
from scipy.stats import binom, poisson

import bayes_point as bp
from bayes_point.errors import ModelError
from bayes_point.model.density.cache import log_density
from bayes_point.model.discrete.summed import SummedDensity, summed_density

rng = np.random.default_rng(7)
NORMAL = np.where(rng.random(60) < 0.3, rng.normal(-2, 1, 60), rng.normal(2, 1, 60))
SEEN = ((rng.random((30, 1)) < 0.6) * (rng.random((30, 4)) < 0.4)).astype(int)
COUNTS = np.array([0, 0, 3, 1, 0, 5, 0, 2, 0, 1, 4, 0])
PATH = np.array([0, 0, 1, 1, 1, 0, 1])
READ = np.where(PATH, 1.5, -0.5) + rng.normal(0, 1, 7)


def mixture() -> tuple[pm.Model, pm.Model]:
    with pm.Model() as discrete:
        w, mu, s = pm.Dirichlet("w", np.ones(3)), pm.Normal("mu", 0, 5, shape=3), pm.HalfNormal("s")
        k = pm.Categorical("k", w, shape=60)
        pm.Normal("y", mu[k], s, observed=NORMAL)
    with pm.Model() as by_hand:
        w, mu, s = pm.Dirichlet("w", np.ones(3)), pm.Normal("mu", 0, 5, shape=3), pm.HalfNormal("s")
        pm.NormalMixture("y", w, mu, s, observed=NORMAL)
    return discrete, by_hand


def occupancy() -> tuple[pm.Model, pm.Model]:
    """A site seen c of n times: C(n, c) is what the sequence lacks of the count."""
    with pm.Model() as discrete:
        psi, p = pm.Beta("psi", 2, 2), pm.Beta("p", 2, 2)
        z = pm.Bernoulli("z", psi, shape=30)
        pm.Bernoulli("y", z[:, None] * p, observed=SEEN)
    c = SEEN.sum(1)
    ways = np.sum(gammaln(5) - gammaln(c + 1) - gammaln(5 - c))
    with pm.Model() as by_hand:
        psi, p = pm.Beta("psi", 2, 2), pm.Beta("p", 2, 2)
        pm.ZeroInflatedBinomial("y", psi, 4, p, observed=c)
        pm.Potential("ways", 0 * psi - ways)
    return discrete, by_hand


def zero_inflated() -> tuple[pm.Model, pm.Model]:
    with pm.Model() as discrete:
        psi, rate = pm.Beta("psi", 2, 2), pm.Gamma("rate", 2, 1)
        here = pm.Bernoulli("here", psi, shape=12)
        pm.Poisson("y", here * rate, observed=COUNTS)
    with pm.Model() as by_hand:
        psi, rate = pm.Beta("psi", 2, 2), pm.Gamma("rate", 2, 1)
        pm.ZeroInflatedPoisson("y", psi, rate, observed=COUNTS)
    return discrete, by_hand


def two_variables() -> tuple[pm.Model, pm.Model]:
    """Two flags at each observation: four values of the two together."""
    means, weights = np.array([0.0, 1, 2, 3]), ((0.7, 0.3), (0.4, 0.6))
    with pm.Model() as discrete:
        mu = pm.Normal("mu", 0, 5)
        a, b = pm.Bernoulli("a", 0.3, shape=60), pm.Bernoulli("b", 0.6, shape=60)
        pm.Normal("y", mu + 2 * a + b, 1, observed=NORMAL)
    with pm.Model() as by_hand:
        mu = pm.Normal("mu", 0, 5)
        w = np.outer(*weights).ravel()
        pm.NormalMixture("y", w, mu + means, 1, observed=NORMAL)
    return discrete, by_hand


def _forward(y: np.ndarray, p: object, mu: object) -> object:
    """Rabiner's forward recursion, one step after the other."""
    seen = [-0.5 * (value - mu) ** 2 - 0.5 * np.log(2 * np.pi) for value in y]
    ahead = seen[0] + np.log(0.5)
    for one in seen[1:]:
        ahead = pt.log(pt.exp(ahead[:, None] + pt.log(p)).sum(axis=0)) + one
    return pt.log(pt.exp(ahead).sum())


def chain() -> tuple[pm.Model, pm.Model]:
    """A hidden Markov model whose states are scalars, one after the other."""
    with pm.Model() as discrete:
        p, mu = pm.Dirichlet("p", np.ones((2, 2))), pm.Normal("mu", [-1, 1], 5)
        states = [pm.Categorical("z0", [0.5, 0.5])]
        for t in range(1, len(READ)):
            states.append(pm.Categorical(f"z{t}", p[states[-1]]))
        pm.Normal("y", mu[pt.stack(states)], 1, observed=READ)
    with pm.Model() as by_hand:
        p, mu = pm.Dirichlet("p", np.ones((2, 2))), pm.Normal("mu", [-1, 1], 5)
        pm.Potential("y", _forward(READ, p, mu))
    return discrete, by_hand


def binomial_latents() -> tuple[pm.Model, pm.Model]:
    """Of ``N_i ~ Binomial(n_i, a)``, ``y_i ~ Binomial(N_i, b)`` is ``Binomial(n_i, a b)``."""
    n, y = np.array([5, 20, 40]), np.array([1, 6, 9])
    with pm.Model() as discrete:
        a, b = pm.Beta("a", 2, 2), pm.Beta("b", 2, 2)
        latent = pm.Binomial("N", n, a, shape=3)
        pm.Binomial("y", latent, b, observed=y)
    with pm.Model() as by_hand:
        a, b = pm.Beta("a", 2, 2), pm.Beta("b", 2, 2)
        pm.Binomial("y", n, a * b, observed=y)
    return discrete, by_hand


CASES = (mixture, occupancy, zero_inflated, two_variables, chain, binomial_latents)


def _summed(model: pm.Model) -> SummedDensity:
    names = [value.name for value in model.discrete_value_vars]
    return summed_density(model, log_density(model, backend=None, inputs=names), names)


@pytest.mark.parametrize("case", CASES)
def test_the_sum_is_that_written_by_hand(case) -> None:
    discrete, by_hand = case()
    density, other = _summed(discrete), log_density(by_hand, backend=None)
    x = 0.4 * np.random.default_rng(3).standard_normal((3, density.p))
    terms = ("likelihood", "prior")
    value, gradient = density.evaluate(x, terms)
    wanted, slope = other.evaluate(x, terms)
    hessian, curvature = density.hessian(x[:1], terms), other.hessian(x[:1], terms)
    if "potential" in other.terms:
        more, more_slope = other.evaluate(x, ("potential",))
        wanted[:, :1] += more
        slope[:, :1] += more_slope
        curvature[:, :1] += other.hessian(x[:1], ("potential",))
    assert np.allclose(value, wanted, rtol=1e-11, atol=1e-9)
    assert np.allclose(gradient, slope, rtol=1e-9, atol=1e-9)
    # Where the one is exact and the other by differences, nine digits of the largest element.
    assert np.allclose(hessian, curvature, atol=1e-8 * np.abs(curvature).max())


def test_a_chain_is_the_sum_over_all_paths() -> None:
    # As one variable of 14 elements and 3 values its joint values, 4.8 million, are too many to be
    # tried; the recursion in NumPy takes them step by step.
    rng = np.random.default_rng(5)
    y, p = rng.normal(size=14), rng.dirichlet(np.ones(3), 3)
    with pm.Model() as model:
        mu = pm.Normal("mu", [-1, 0, 1], 5)
        z = pm.Categorical("z", [1 / 3, 1 / 3, 1 / 3], shape=14)
        pm.Potential("moves", pt.constant(np.log(3 * p))[z[:-1], z[1:]])
        pm.Normal("y", mu[z], 1, observed=y)
    density = _summed(model)
    assert density.sums.in_words == "1 chain of up to 14 elements of 3 values"
    at = np.array([-1.0, 0.2, 1.5])
    seen = np.exp(-0.5 * (y[:, None] - at) ** 2) / np.sqrt(2 * np.pi)
    ahead = seen[0] / 3
    alphas = [ahead]
    for one in seen[1:]:
        ahead = (ahead @ p) * one
        alphas.append(ahead)
    behind, betas = np.ones(3), [np.ones(3)]
    for one in seen[:0:-1]:
        behind = p @ (one * behind)
        betas.insert(0, behind)
    assert density.log_likelihood(at[None])[0] == pytest.approx(np.log(ahead.sum()), abs=1e-10)
    smoothed = np.array(alphas) * np.array(betas)
    wanted = smoothed / smoothed.sum(axis=1, keepdims=True)
    assert np.allclose(density.probabilities(at)["z"], wanted, atol=1e-12)


def test_an_allocation_has_the_estimate_of_the_mixture_and_its_responsibilities() -> None:
    with pm.Model(coords={"row": np.arange(60) + 100}) as discrete:
        w = pm.Beta("w", 1, 1)
        mu = pm.Normal(
            "mu", [-1, 1], 5, transform=pm.distributions.transforms.ordered, initval=[-1, 1]
        )
        k = pm.Bernoulli("k", w, dims="row")
        pm.Normal("y", mu[k], 1, observed=NORMAL, dims="row")
        pm.Deterministic("own", mu[k], dims="row")
    mle = bp.find_MLE(discrete, marginalize="latents", n_starts=2, random_seed=1, progressbar=False)
    w, mu = float(mle.point["w"]), mle.point["mu"].values
    # The equations of the MLE: w is the mean of the responsibilities, mu their weighted means.
    dense = np.stack([(1 - w), w] * np.exp(-0.5 * (NORMAL[:, None] - mu) ** 2), axis=-1).T
    chance = dense / dense.sum(axis=1, keepdims=True)
    assert w == pytest.approx(chance[:, 1].mean(), abs=1e-6)
    assert np.allclose(mu, (chance * NORMAL[:, None]).sum(0) / chance.sum(0), atol=1e-6)
    found = mle.latents["k"]
    assert found.dims == ("row", "k_value")
    assert found["row"].values[0] == 100
    assert np.allclose(found, chance, atol=1e-9)
    assert np.array_equal(mle.point["k"], chance.argmax(1))
    assert np.allclose(mle.point["own"], mu[chance.argmax(1)])
    assert mle.integrated is not None
    assert mle.integrated.method == "sum"
    assert "summed out exactly" in str(mle.findings[0])
    assert mle.maximised == "the marginal log-likelihood; k integrated out"
    assert np.isnan(mle.stderr()["k"]).all()


def test_missing_counts_drop_out() -> None:
    # Of a Poisson sample the MLE is the mean of what was seen; what is missing has no part in it,
    # and its own most probable value is the largest whole number below the rate.
    y = np.ma.masked_values([2, 4, -1, 3, 1, -1, 6, 2], -1)
    with pytest.warns(UserWarning, match="missing values"), pm.Model() as model:
        pm.Poisson("y", pm.Gamma("rate", 2, 1), observed=y)
    mle = bp.find_MLE(model, marginalize="latents", progressbar=False)
    assert float(mle.point["rate"]) == pytest.approx(3)
    assert mle.log_likelihood == pytest.approx(poisson.logpmf([2, 4, 3, 1, 6, 2], 3).sum())
    assert mle.point["y_unobserved"].values.tolist() in ([2, 2], [3, 3])  # equally probable


def test_discrete_and_continuous_latents_together() -> None:
    # y = a_g + 2 k + e with everything Gaussian but the flag k, of one observation a group: given
    # the flags y is N(mu + 2 k, 2), so that the marginal likelihood is that of a mixture.
    y = np.array([-1.0, 2.4, 0.3, 3.1, -0.5, 1.8])
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        a = pm.Normal("a", mu, 1, shape=6)
        k = pm.Bernoulli("k", 0.4, shape=6)
        pm.Normal("y", a + 2 * k, 1, observed=y)
    mle = bp.find_MLE(
        model, marginalize="latents", quadrature=31, n_starts=2, random_seed=1, progressbar=False
    )
    with pm.Model() as by_hand:
        mu = pm.Normal("mu", 0, 5)
        pm.NormalMixture("y", [0.6, 0.4], mu + np.array([0, 2]), np.sqrt(2), observed=y)
    wanted = bp.find_MLE(by_hand, n_starts=2, random_seed=1, progressbar=False)
    assert float(mle.point["mu"]) == pytest.approx(float(wanted.point["mu"]), abs=1e-6)
    assert mle.log_likelihood == pytest.approx(wanted.log_likelihood, abs=1e-7)
    assert set(mle.latents.data_vars) == {"a", "k"}
    assert mle.latents["k"].dims == ("k_dim_0", "k_value")
    assert np.allclose(mle.latents["k"].sum("k_value"), 1)


def test_what_cannot_be_summed_out_is_refused() -> None:
    with pm.Model() as ising:
        strength = pm.HalfNormal("strength")
        z = pm.Bernoulli("z", 0.5, shape=(6, 6))
        spin = 2 * z - 1
        pm.Potential("across", strength * spin[:, 1:] * spin[:, :-1])
        pm.Potential("down", strength * spin[1:] * spin[:-1])
        pm.Normal("y", spin, 1, observed=np.ones((6, 6)))
    with pytest.raises(ModelError, match=r"\['z'\] cannot be summed out: 36 elements .* 6.87e\+10"):
        bp.find_MLE(ising, marginalize="latents", potentials="likelihood", progressbar=False)
    with pm.Model() as abundance:
        n = pm.Poisson("N", pm.HalfNormal("rate", 10), shape=5)
        pm.Binomial("y", n, pm.Beta("p", 1, 1), observed=[1, 2, 0, 3, 1])
    with pytest.raises(ModelError, match=r"'N' is discrete.* pm.Truncated"):
        bp.find_MLE(abundance, marginalize="latents", progressbar=False)
    with pm.Model() as left:
        k, j = pm.Bernoulli("k", 0.5, shape=3), pm.Bernoulli("j", 0.5)
        pm.Normal("y", pm.Flat("mu") + k + j, 1, observed=[1, 2, 3])
    with pytest.raises(ModelError, match=r"\['j'\] would be left.*\['k', 'j'\]"):
        bp.find_MLE(left, marginalize=["k"], progressbar=False)
    with pytest.raises(ModelError, match="no continuous latent"):
        bp.find_MLE(left, marginalize=["k", "j"], quadrature=15, progressbar=False)


def test_truncated_counts_are_summed_as_the_refusal_says() -> None:
    # Of N ~ Poisson(rate) and y ~ Binomial(N, 1/2), y is Poisson(rate / 2).
    y = np.array([1, 2, 0, 3, 1])
    with pm.Model() as model:
        rate = pm.Gamma("rate", 4, 1)
        n = pm.Truncated("N", pm.Poisson.dist(rate), lower=0, upper=60, shape=5)
        pm.Binomial("y", n, 0.5, observed=y)
    mle = bp.find_MLE(model, marginalize="latents", progressbar=False)
    assert float(mle.point["rate"]) == pytest.approx(2 * y.mean(), rel=1e-6)
    chance = mle.latents["N"].values[3]
    k = np.arange(61)
    wanted = poisson.pmf(k, 2.8) * binom.pmf(3, k, 0.5)
    assert np.allclose(chance, wanted / wanted.sum(), atol=1e-7)


def test_a_mixture_may_be_tested_against_one_without_latents() -> None:
    with pm.Model() as wide:
        mu, shift = pm.Flat("mu"), pm.Normal("shift", 1, 3)
        k = pm.Bernoulli("k", 0.3, shape=60)
        pm.Normal("y", mu + shift * k, 1, observed=NORMAL)
    with pm.Model() as narrow:
        pm.Normal("y", pm.Flat("mu"), 1, observed=NORMAL)
    alternative = bp.find_MLE(wide, marginalize="latents", random_seed=1, progressbar=False)
    null = bp.find_MLE(narrow, progressbar=False)
    test = bp.likelihood_ratio_test(null, alternative)
    found = 2 * (alternative.log_likelihood - null.log_likelihood)
    assert float(test.statistic) == pytest.approx(found)


def test_many_scalars_in_a_chain_are_refused_before_their_graphs_are_built() -> None:
    # Of 40, building took minutes, in which nothing could be stopped.
    with pm.Model() as model:
        stay = pm.Beta("stay", 5, 2)
        z = pm.Bernoulli("z0", 0.5)
        for t in range(1, 17):
            z = pm.Bernoulli(f"z{t}", pm.math.switch(z, stay, 1 - stay))
        pm.Normal("y", z, 1, observed=0.3)
    for names in ("latents", [f"z{t}" for t in range(17)]):
        with pytest.raises(ModelError, match=r"17 discrete variables, 'z0' to 'z16'.*one vector"):
            bp.find_MLE(model, marginalize=names, progressbar=False)
