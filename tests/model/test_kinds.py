"""The kind of each coordinate, as the transforms of PyMC have it."""

from __future__ import annotations

import numpy as np
import pymc as pm
from pymc.distributions import transforms

from bayes_point.estimation.objective import Objective
from bayes_point.model.density.density import LogDensity


def test_the_kind_of_each_coordinate_of_a_model() -> None:
    with pm.Model(coords={"g": ["a", "b", "c"]}) as model:
        pm.Normal("b", shape=2)
        pm.HalfNormal("sigma", shape=2)
        pm.Beta("theta", 2, 2)
        pm.Uniform("u", 1, 4)
        pm.Pareto("pareto", 2, 1.0)  # of one bound: the log of the distance to it
        pm.Dirichlet("w", np.ones(3))
        pm.VonMises("angle", 0, 1)
        pm.Normal("cut", [0, 1, 2], 1, transform=transforms.ordered)
        pm.ZeroSumNormal("effect", dims="g")
        pm.LKJCholeskyCov(
            "cov", n=2, eta=2, sd_dist=pm.HalfNormal.dist(shape=2), compute_corr=False
        )
        pm.Flat(
            "other", transform=transforms.Chain([transforms.log, transforms.Ordered()]), shape=2
        )
    density = LogDensity(model)
    expected = {
        "b": ["identity"] * 2,
        "sigma": ["log"] * 2,
        "theta": ["logit"],
        "u": ["interval"],
        "pareto": ["log"],
        "w": ["simplex"] * 2,  # of three elements that sum to one
        "angle": ["circular"],
        "cut": ["ordered"] * 3,
        "effect": ["zero-sum"] * 2,
        "cov": ["cholesky"] * 3,
        "other": ["ordered"] * 2,
    }
    found = {name: [] for name in expected}
    for name, kind in zip(density.variables, density.kinds.tolist(), strict=True):
        found[name].append(kind)
    assert found == expected


def test_a_transform_that_is_not_known_is_something_else() -> None:
    class Cube(pm.logprob.transforms.Transform):
        name = "cube"

        def forward(self, value, *inputs):
            return value**3

        def backward(self, value, *inputs):
            return np.sign(value) * abs(value) ** (1 / 3)

        def log_jac_det(self, value, *inputs):
            return -np.log(3.0) - 2 / 3 * pm.math.log(abs(value))

    with pm.Model() as model:
        pm.Normal("x", transform=Cube())
    density = LogDensity(model)
    assert density.kinds.tolist() == ["other"]
    assert Objective(density, {"prior": 1.0}).is_transformed.tolist() == [True]


def test_what_is_itself_has_the_label_of_its_parameter() -> None:
    with pm.Model() as model:
        pm.Normal("x", shape=2)
        pm.HalfNormal("s")
    density = LogDensity(model)
    same = np.array(density.labels) == np.array(density.parameters)
    np.testing.assert_array_equal(same, density.kinds == "identity")
