"""The interpreter's linker: the same as PyTensor's, with less to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from pytensor.conditional.op import ifelse
from pytensor.graph.fg import FunctionGraph
from pytensor.link.basic import PerformLinker
from pytensor.scalar.basic import add as scalar_add
from pytensor.tensor.elemwise import Elemwise

from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.interpreter.lean import LeanLinker

X = np.random.default_rng(1).normal(size=(3, 4))
INTEGERS = np.arange(-5, 7).reshape(3, 4)
POSITIVE_DEFINITE = np.eye(4) + X.T @ X

# Of every kind of step that there is: of one, two and several arguments, with and without axes, of
# whole numbers, of a function that is no ufunc, of one that is none at all.
GRAPHS: dict[str, Callable[[Any, Any], Any]] = {
    "one argument": lambda x, k: pt.exp(x),
    "a number": lambda x, k: pt.log(pt.abs(x.sum())),
    "two arguments": lambda x, k: x - pt.sqr(x),
    "two numbers": lambda x, k: x.sum() * x.max(),
    "broadcast": lambda x, k: x[:, :1] / x,
    "a sum of many": lambda x, k: pt.add(x, x, pt.exp(x), 2.0 * x),
    "whole numbers": lambda x, k: k * k + 1,
    "whole numbers divided": lambda x, k: k / 3,
    # Of a byte NumPy makes half precision, PyTensor does not.
    "bytes": lambda x, k: pt.exp(pt.cast(k, "int8")),
    "whole and real": lambda x, k: k * x,
    "a comparison": lambda x, k: pt.gt(x, 0) & pt.lt(k, 3),
    "a cast": lambda x, k: pt.cast(k, "float64") + pt.cast(x > 0, "float64"),
    "a switch": lambda x, k: pt.switch(x > 0, x, -np.inf),
    "a function of SciPy": lambda x, k: pt.gammaln(pt.abs(x)),
    "a function of our own": lambda x, k: pt.softplus(x) + pt.clip(x, -1.0, 1.0),
    "without a function": lambda x, k: pt.betainc(2.0, 3.0, pt.sigmoid(x)),
    "sums": lambda x, k: x.sum(axis=0) + x.T.sum(axis=1) + pt.prod(x, axis=0) + pt.max(x, axis=0),
    "a sum of bytes": lambda x, k: pt.sum(pt.cast(k, "int8"), axis=1),
    "axes": lambda x, k: (x.T[None, :, :] + x.dimshuffle(1, "x", 0, "x")[:, 0, :, 0])[0],
    "an axis less": lambda x, k: x[:, :1].dimshuffle(0),
    "a part": lambda x, k: x[:, 1] + x[:, -1] + x[0, 2] + x[:, ::2][:, 1],
    "a part set": lambda x, k: pt.set_subtensor(x[:, 1:3], x[:, :2]),
    "a part added to": lambda x, k: pt.inc_subtensor(x[:, 1], x[:, 0]) + x,
    "a place that is computed": lambda x, k: x[k[0, 3] + 3 :],
    "a factor": lambda x, k: pt.linalg.cholesky(pt.eye(4) + x.T @ x),
    "factors": lambda x, k: pt.linalg.cholesky(
        pt.eye(4)[None] + x[:, :, None] * x[:, None, :],
    ),
    "solves": lambda x, k: pt.linalg.solve_triangular(
        pt.eye(4)[None] + pt.tril(x[:, :, None] * x[:, None, :]), x, lower=True, b_ndim=1
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_each_step_gives_what_pytensor_gives(name: str) -> None:
    x, k = pt.matrix("x", shape=(None, 4)), pt.lmatrix("k")
    graph = GRAPHS[name](x, k)
    functions = [
        pytensor.function(
            [x, k],
            graph,
            mode=Mode(linker=linker, optimizer=INTERPRETED.provided_optimizer),
            on_unused_input="ignore",
        )
        for linker in (LeanLinker(), PerformLinker())
    ]
    # Twice, and with other shapes in between: what is remembered of a call must not matter.
    for rows in (3, 1, 3):
        lean, plain = (function(X[:rows], INTEGERS[:rows]) for function in functions)
        assert isinstance(lean, np.ndarray)
        assert lean.dtype == plain.dtype
        np.testing.assert_array_equal(lean, plain)


def test_elementwise_steps_are_replaced() -> None:
    # The point of the linker; PyTensor's own steps carry their `perform`.
    x = pt.matrix("x")
    fgraph = FunctionGraph([x], [pt.exp(x) * x + pt.cumsum(x, axis=0)], clone=False)
    *_, steps, order = LeanLinker().accept(fgraph).make_all()
    kinds = [
        (isinstance(node.op, Elemwise), hasattr(step, "perform"))
        for node, step in zip(order, steps, strict=True)
    ]
    assert (True, False) in kinds
    assert (True, True) not in kinds
    assert (False, True) in kinds


def test_a_step_whose_result_would_be_a_view_is_left_alone() -> None:
    z = pt.zmatrix("z")
    fgraph = FunctionGraph([z], [pt.real(z)], clone=False)
    *_, steps, _ = LeanLinker().accept(fgraph).make_all()
    assert [hasattr(step, "perform") for step in steps] == [True]


def test_a_lazy_op_still_chooses() -> None:
    # It asks whether its condition was computed: PyTensor's own steps tell.
    x = pt.matrix("x")
    chosen = ifelse(x.sum() > 0, pt.exp(x), pt.zeros_like(x) + 1)
    function = pytensor.function([x], chosen, mode=INTERPRETED)
    np.testing.assert_array_equal(function(np.full((2, 2), 1.0)), np.full((2, 2), np.e))
    np.testing.assert_array_equal(function(np.full((2, 2), -1.0)), np.ones((2, 2)))


def test_a_sum_of_forty() -> None:
    # PyTensor's own step refuses more than 31 terms; an op of its own, which no other test has made
    # ready.
    terms = [pt.vector(f"x{i}") for i in range(40)]
    many = Elemwise(scalar_add, nfunc_spec=("add", 2, 1))
    function = pytensor.function(terms, many(*terms), mode=INTERPRETED)
    np.testing.assert_array_equal(function(*[np.array([1.0, i]) for i in range(40)]), [40, 780])


def test_lengths_that_do_not_fit_are_an_error_at_every_call() -> None:
    # A column of one row that was not declared as one is a mistake, not something to repeat.
    x, y = pt.matrix("x"), pt.matrix("y")
    function = pytensor.function([x, y], x + y, mode=INTERPRETED)
    function(X, X)
    for _ in range(2):
        with pytest.raises(ValueError, match="Runtime broadcasting not allowed"):
            function(X, X[:1])


def test_floating_point_warnings_are_off() -> None:
    x = pt.vector("x")
    function = pytensor.function([x], pt.log(x) / x, mode=INTERPRETED)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(function(np.array([0.0, -1.0])), [-np.inf, np.nan])


def test_effects_are_added_up_by_group_as_numpy_does() -> None:
    rng = np.random.default_rng(1)
    rows, index = pt.matrix("rows", shape=(None, 5)), np.array([4, 0, 0, -1, 2, 4])
    into, added = rng.standard_normal((3, 5)), rng.standard_normal((3, 6))
    more = pt.matrix("more", shape=(None, 6))
    for numbers in (index % 5, index):
        out = pt.inc_subtensor(rows[:, numbers], more)
        function = pytensor.function([rows, more], out, mode=INTERPRETED)
        expected = into.copy()
        np.add.at(expected.T, numbers, added.T)
        np.testing.assert_array_equal(function(into, added), expected)
