"""Eight schools, in all its forms: where a maximum goes wrong without a word."""

from __future__ import annotations

import numpy as np
import pymc as pm

from tests.reference import read_data, read_references
from tests.zoo import Truth, ZooModel

__all__ = ["EIGHT_SCHOOLS", "EIGHT_SCHOOLS_WELLBEHAVED"]


def eight_schools_noncentred() -> pm.Model:
    data = read_data("pdb_eight_schools")
    with pm.Model(coords={"school": list("ABCDEFGH")}) as model:
        mu = pm.Normal("mu", 0, 5)
        tau = pm.HalfCauchy("tau", 5)
        z = pm.Normal("z", 0, 1, dims="school")
        theta = pm.Deterministic("theta", mu + tau * z, dims="school")
        pm.Normal("y", theta, data["sigma"], observed=data["y"])
    return model


_jacobian = read_references("pdb_eight_schools")["map_unconstrained"]["values"]
_theta = np.array([_jacobian[f"theta[{i}]"] for i in range(1, 9)])
_noncentred_jacobian = Truth(
    "converged",
    {
        "mu": _jacobian["mu"],
        "tau": _jacobian["tau"],
        "theta": _theta,
        "z": (_theta - _jacobian["mu"]) / _jacobian["tau"],
    },
    "Stan's optimiser on posteriordb's program, Jacobian included",
    rtol=1e-5,
)
EIGHT_SCHOOLS_WELLBEHAVED = (
    ZooModel("eight_schools_jacobian", eight_schools_noncentred, map_jacobian=_noncentred_jacobian),
)
EIGHT_SCHOOLS = ()
