"""NIST's certified regressions, each from the default start and from NIST's own two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm

from tests.reference import read_data, read_references
from tests.zoo import Truth, ZooModel, with_flat_priors

__all__ = ["NIST", "polynomial"]


def nonlinear(name: str, curve: Callable[..., Any], number: int) -> Callable[[], pm.Model]:
    """y ~ Normal(curve(x, b1, ..., b<number>), sigma), everything flat."""

    def build() -> pm.Model:
        data = read_data(name)
        with pm.Model() as model:
            b = [pm.Flat(f"b{i}") for i in range(1, number + 1)]
            sigma = pm.HalfFlat("sigma")
            pm.Normal("y", curve(data["x"], *b), sigma, observed=data["y"])
        return model

    return build


def misra1a(x: Any, b1: Any, b2: Any) -> Any:
    return b1 * (1 - pm.math.exp(-b2 * x))


def chwirut2(x: Any, b1: Any, b2: Any, b3: Any) -> Any:
    return pm.math.exp(-b1 * x) / (b2 + b3 * x)


def mgh17(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any) -> Any:
    return b1 + b2 * pm.math.exp(-x * b4) + b3 * pm.math.exp(-x * b5)


def kirby2(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any) -> Any:
    return (b1 + b2 * x + b3 * x**2) / (1 + b4 * x + b5 * x**2)


def norris() -> pm.Model:
    data = read_data("nist_norris")
    with pm.Model() as model:
        b0, b1, sigma = pm.Flat("b0"), pm.Flat("b1"), pm.HalfFlat("sigma")
        pm.Normal("y", b0 + b1 * data["x"], sigma, observed=data["y"])
    return model


def polynomial(name: str, degree: int) -> Callable[[], pm.Model]:
    """y ~ Normal(b0 + b1 x + ... + b<degree> x^degree, sigma), everything flat."""

    def build() -> pm.Model:
        data = read_data(name)
        with pm.Model() as model:
            mu = sum(pm.Flat(f"b{i}") * data["x"] ** i for i in range(degree + 1))
            pm.Normal("y", mu, pm.HalfFlat("sigma"), observed=data["y"])
        return model

    return build


def longley() -> pm.Model:
    # As published: an intercept of -3.5 million beside coefficients of 0.04; condition 5e9.
    data = read_data("nist_longley")
    with pm.Model() as model:
        mu = pm.Flat("b0")
        for i in range(1, 7):
            mu = mu + pm.Flat(f"b{i}") * data[f"x{i}"]
        pm.Normal("y", mu, pm.HalfFlat("sigma"), observed=data["y"])
    return model


def longley_standardised() -> pm.Model:
    # The same regression with the columns centred and scaled.
    data = read_data("nist_longley")
    x = np.column_stack([data[f"x{i}"] for i in range(1, 7)])
    with pm.Model(coords={"column": [f"x{i}" for i in range(1, 7)]}) as model:
        b0 = pm.Flat("b0")
        beta = pm.Flat("beta", dims="column")
        mu = b0 + ((x - x.mean(0)) / x.std(0)) @ beta
        pm.Normal("y", mu, pm.HalfFlat("sigma"), observed=data["y"])
    return model


def _certified(name: str, *, rtol: float = 1e-6, **kwargs: Any) -> dict[str, Truth]:
    reference = read_references(name)["mle"]
    return with_flat_priors(
        reference["values"], reference["loglik"], reference["source"], rtol=rtol, **kwargs
    )


def _with_starts(zoo_model: ZooModel) -> tuple[ZooModel, ...]:
    reference = read_references(zoo_model.name)["mle"]
    return (
        zoo_model,
        *(
            replace(zoo_model, name=f"{zoo_model.name}_{start}", initvals=reference[start])
            for start in ("start1", "start2")
        ),
    )


# The two exponentials of MGH17 are exchangeable: (b2, b4) against (b3, b5).
_mgh17 = read_references("nist_mgh17")["mle"]["values"]
_mgh17_swapped = {
    **_mgh17,
    "b2": _mgh17["b3"],
    "b3": _mgh17["b2"],
    "b4": _mgh17["b5"],
    "b5": _mgh17["b4"],
}
_longley = read_references("nist_longley")["mle"]
_longley_x = np.column_stack([read_data("nist_longley")[f"x{i}"] for i in range(1, 7)])
_longley_slopes = np.array([_longley["values"][f"b{i}"] for i in range(1, 7)])

NIST = (
    *_with_starts(
        ZooModel(
            "nist_misra1a",
            nonlinear("nist_misra1a", misra1a, 2),
            **_certified("nist_misra1a"),
        )
    ),
    *_with_starts(
        ZooModel(
            "nist_chwirut2",
            nonlinear("nist_chwirut2", chwirut2, 3),
            **_certified("nist_chwirut2"),
        )
    ),
    *_with_starts(
        ZooModel(
            "nist_mgh17",
            nonlinear("nist_mgh17", mgh17, 5),
            **_certified("nist_mgh17", others=(_mgh17_swapped,)),
        )
    ),
    *_with_starts(
        ZooModel(
            "nist_kirby2",
            nonlinear("nist_kirby2", kirby2, 5),
            **_certified("nist_kirby2"),
        )
    ),
    ZooModel("nist_norris", norris, **_certified("nist_norris")),
    # Coefficients of one, with standard errors of up to twenty thousand.
    # The certified standard errors of these coefficients, which are 1, are up to 236,355: 1e-5 is
    # 4e-11 of one, and some processors' sums differ by 1e-6.
    ZooModel(
        "nist_wampler5",
        polynomial("nist_wampler5", 5),
        **_certified("nist_wampler5", rtol=1e-5),
    ),
    ZooModel("nist_longley", longley, **_certified("nist_longley")),
    ZooModel(
        "nist_longley_standardised",
        longley_standardised,
        **with_flat_priors(
            {
                "b0": read_data("nist_longley")["y"].mean(),
                "beta": _longley_slopes * _longley_x.std(0),
                "sigma": _longley["values"]["sigma"],
            },
            _longley["loglik"],
            "NIST's certified slopes in units of the columns' sd",
        ),
        twin_of="nist_longley",
    ),
)
