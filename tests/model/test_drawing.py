"""Draws without `scipy.stats`: the same numbers as PyTensor's own."""

import numpy as np
import pymc as pm
import pytensor
import pytest
from pymc.pytensorf import find_rng_nodes, reseed_rngs
from pytensor.compile.mode import Mode

from bayes_point.model.interpreter.drawing import DRAWN_ONCE


@pytest.mark.parametrize(
    "prior",
    [
        pm.HalfNormal.dist(2.0, shape=3),
        pm.HalfCauchy.dist(3.0),
        pm.HalfNormal.dist(np.array([1.0, 2.0])),
        pm.HalfCauchy.dist(pm.HalfNormal.dist(1.0, shape=(2, 2))),
    ],
)
def test_draws_are_those_of_scipy(prior) -> None:
    draws = []
    for mode in (DRAWN_ONCE, Mode(linker="py", optimizer=None)):
        function = pytensor.function([], prior, mode=mode)
        reseed_rngs(find_rng_nodes(function.maker.fgraph.outputs), 5)
        draws.append(function())
    np.testing.assert_allclose(draws[0], draws[1], rtol=1e-14)
    assert np.all(draws[0] > 0)
