from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph import Apply, FunctionGraph, Op

from bayes_point.errors import ModelError
from bayes_point.model.checks import check_model
from bayes_point.model.density.density import LogDensity
from bayes_point.model.interpreter.differenced import Differenced, give_differences


class Cubes(Op):
    """a * b**3, element by element, which has a limit: b <= 2."""

    def make_node(self, a, b):
        return Apply(self, [pt.as_tensor(a), pt.as_tensor(b)], [pt.dvector()])

    def perform(self, node, inputs, outputs):
        a, b = inputs
        if np.any(b > 2):
            raise ValueError("too large")
        outputs[0][0] = a * b**3


def test_gradient_by_differences() -> None:
    x = pt.vector("x", shape=(3,))
    out = Cubes()(pt.constant(2.0), x)
    fgraph = FunctionGraph([x], [(out * pt.arange(3)).sum()], clone=False)
    give_differences(fgraph, x)
    [cost] = fgraph.outputs
    slope = pytensor.function([x], pytensor.grad(cost, x), mode="FAST_COMPILE")
    at = np.array([0.5, 1e-6, -1.99])
    # d/dx of sum_i 2 i x_i^3 is 6 i x_i^2.
    np.testing.assert_allclose(slope(at), 6 * np.arange(3) * at**2, rtol=1e-9, atol=1e-9)


def test_next_to_where_it_raises() -> None:
    """Steps to where there is no value are left out: the next, a quarter as long, do."""
    x = pt.vector("x", shape=(1,))
    [out] = Differenced(Cubes(), (1,))(pt.constant(1.0), x, return_list=True)
    slope = pytensor.function([x], pytensor.grad(out.sum(), x), mode="FAST_COMPILE")
    np.testing.assert_allclose(slope(np.array([1.99])), 3 * 1.99**2, rtol=1e-8)


def test_only_what_depends_on_the_vector_is_differenced() -> None:
    x, data = pt.vector("x", shape=(2,)), pt.vector("data", shape=(2,))
    fgraph = FunctionGraph([x, data], [Cubes()(data, x).sum()], clone=False)
    give_differences(fgraph, x)
    [op] = [node.op for node in fgraph.apply_nodes if isinstance(node.op, Differenced)]
    assert op.wrt == (1,)


def test_a_row_at_which_an_op_raises_has_no_value() -> None:
    with pm.Model() as model:
        b = pm.Normal("b", 0, 1, shape=2)
        pm.Normal("y", Cubes()(1.0, b), 1.0, observed=[1.0, 1.0])
    density = LogDensity(model)
    rows = np.array([[1.0, 1.0], [3.0, 1.0]])
    values = density.log_likelihood(rows)
    # At the first the residuals are zero: two standard normal densities at their mode.
    assert values[0] == pytest.approx(-np.log(2 * np.pi))
    assert np.isnan(values[1])


def test_sums_of_trees_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pm.Model() as model:
        trees = pm.Laplace("trees", 0.0, 1.0)
        pm.Normal("y", trees, 1.0, observed=[0.0])
    # pymc_bart makes a class of its own for each variable, by `type`: only its base is of there.
    base = type(trees.owner.op)
    own = type("BART_trees", (base,), {"__module__": "abc"})
    monkeypatch.setattr(trees.owner.op, "__class__", own)
    monkeypatch.setattr(base, "__module__", "pymc_bart.bart")
    with pytest.raises(ModelError, match=r"'trees' is a sum of trees .* pm\.sample"):
        check_model(model)


def test_plain_shared_variables_are_data() -> None:
    x = pytensor.shared(np.array([1.0, 2.0]))
    with pm.Model() as model:
        b = pm.Normal("b")
        pm.Normal("y", b * x, 1.0, observed=[1.0, 2.0])
    # Residuals zero at b = 1.
    assert LogDensity(model).log_likelihood(np.ones((1, 1)))[0] == pytest.approx(-np.log(2 * np.pi))
