"""Fingerprints: equal for the same model however it is written, different for anything else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from bayes_point.model.fingerprint import fingerprint

X = np.random.default_rng(0).normal(size=(12, 3))
Y = X @ [1.0, -1.0, 0.5] + 0.1


def regression(
    *,
    reverse: bool = False,
    sd: Any = 3,
    x: np.ndarray = X,
    y: np.ndarray = Y,
    name: str = "noise",
    prior: Callable[..., Any] = pm.HalfNormal,
    container: bool = False,
) -> pm.Model:
    with pm.Model(coords={"column": ["a", "b", "c"]}) as model:

        def beta() -> Any:
            return pm.Normal("beta", 0, sd, dims="column")

        def sigma() -> Any:
            return prior("sigma", 2.0)

        if reverse:
            s, b = sigma(), beta()
        else:
            b, s = beta(), sigma()
        matrix = pm.Data("x", x) if container else x
        mu = pm.Deterministic("mu", matrix @ b)
        shifted = 1.5 + mu
        shifted.name = name
        pm.Normal("y", shifted, s, observed=y)
    return model


def differing(one: pm.Model, other: pm.Model) -> list[tuple[str, str]]:
    a, b = fingerprint(one), fingerprint(other)
    return [
        (part, name)
        for part in ("graph", "constants", "data")
        for name in sorted({*a[part], *b[part]})
        if a[part].get(name) != b[part].get(name)
    ]


@pytest.mark.parametrize(
    "same",
    [{}, {"reverse": True}, {"name": "something else"}, {"sd": 3.0}, {"sd": np.int8(3)}],
    ids=str,
)
def test_the_same_model_has_the_same(same: dict[str, Any]) -> None:
    assert differing(regression(), regression(**same)) == []


@pytest.mark.parametrize(
    ("other", "where"),
    [
        ({"sd": 3.0000001}, [("constants", "beta")]),
        ({"sd": [3.0, 3.0, 2.0]}, [("constants", "beta")]),
        ({"y": np.r_[Y[:-1], 7.0]}, [("data", "y")]),
        ({"x": X + 1e-9}, [("constants", "mu"), ("constants", "y")]),
        ({"prior": pm.HalfCauchy}, [("constants", "sigma"), ("graph", "sigma")]),
    ],
)
def test_another_model_differs_there(other: dict[str, Any], where: list[tuple[str, str]]) -> None:
    found = differing(regression(), regression(**other))
    assert set(found) >= set(where)
    assert {name for _, name in found} == {name for _, name in where}


def test_data_containers_are_data() -> None:
    one, other = regression(container=True), regression(container=True, x=X + 1)
    assert differing(one, other) == [("data", "x")]
    assert ("graph", "mu") in differing(one, regression())


def test_the_value_of_a_container_is_read_when_asked() -> None:
    model = regression(container=True)
    before = fingerprint(model)
    model.set_data("x", X * 2)
    after = fingerprint(model)
    assert before["data"]["x"] != after["data"]["x"]
    assert before["graph"] == after["graph"]


def custom(power: float, function: Callable[..., Any] = pt.abs) -> pm.Model:
    def logp(value: Any, mu: Any) -> Any:
        return -(function(value - mu) ** power)

    with pm.Model() as model:
        mu = pm.Normal("mu")
        pm.CustomDist("y", mu, logp=logp, observed=np.array([0.1, 0.4]))
    return model


def test_the_density_of_a_custom_distribution_is_seen() -> None:
    assert differing(custom(1.5), custom(1.5)) == []
    assert differing(custom(1.5), custom(1.7)) == [("constants", "y")]
    assert ("graph", "y") in differing(custom(1.5), custom(1.5, pt.exp))


def test_potentials_and_transforms_are_part_of_it() -> None:
    def model(weight: float, transform: Any) -> pm.Model:
        with pm.Model() as built:
            a = pm.Normal("a", default_transform=transform)
            pm.Potential("extra", -weight * a**2)
            pm.Normal("y", a, observed=1.0)
        return built

    assert differing(model(1.0, None), model(1.0, None)) == []
    assert differing(model(1.0, None), model(2.0, None)) == [("constants", "extra")]
    log = pm.distributions.transforms.log
    assert ("graph", "a") in differing(model(1.0, None), model(1.0, log))


def test_loops_and_vectors() -> None:
    def walk(start: float) -> pm.Model:
        with pm.Model() as model:
            init = pm.Normal.dist(start, 1)
            steps = pm.GaussianRandomWalk("steps", sigma=0.5, init_dist=init, steps=4)
            pm.Poisson("y", pt.exp(steps), observed=[1, 2, 3, 4, 5])
        return model

    assert differing(walk(0.0), walk(0.0)) == []
    assert {name for _, name in differing(walk(0.0), walk(0.5))} == {"steps"}


def test_another_process_finds_the_same() -> None:
    code = (
        "from tests.model.test_fingerprint import custom, regression\n"
        "from bayes_point.model.fingerprint import fingerprint\n"
        "print(fingerprint(regression()), fingerprint(custom(1.5)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "11", "PATH": ""},
    )
    assert done.stdout.strip() == f"{fingerprint(regression())} {fingerprint(custom(1.5))}"
