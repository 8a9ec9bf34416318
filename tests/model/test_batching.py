"""Ops over the rows of a batch as one op: the same as row by row, and no loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.builders import OpFromGraph
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.tensor.basic import Join
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular
from pytensor.tensor.subtensor import AdvancedSubtensor
from scipy import special

from bayes_point.model.interpreter.compiling import over_rows
from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.interpreter.interpreted import INTERPRETED

X = np.random.default_rng(1).normal(size=(3, 4))

# Each as a function of one row, (4,).
ROWS: dict[str, Callable[[Any], Any]] = {
    "joined to a constant": lambda x: pt.concatenate([pt.zeros(1), x]),
    "joined along the second axis": lambda x: pt.join(1, np.ones((2, 1)), x.reshape((2, 2))),
    "joined twice": lambda x: pt.concatenate([[1.0], pt.cumsum(x), [np.inf]]),
    "packed": lambda x: pt.zeros((3, 3))[[0, 1, 1, 2], [0, 0, 1, 2]].set(x),
    "picked": lambda x: x[np.array([2, 0])] * pt.diag(x)[[0, 1], [0, 1]],
    "a diagonal": lambda x: pt.diag(x),
    "a diagonal beside the main one": lambda x: pt.diag(x, 1),
    "a triangle": lambda x: pt.tril(x[:, None] * x),
    "a log of a sum": lambda x: pt.logsumexp(x.reshape((2, 2)), axis=1),
    "a log of a sum of two": lambda x: pt.logaddexp(x[0], x[1:]),
}


def compiled(graphs: list[Any], x: Any) -> Any:
    return pytensor.function([x], graphs, mode=INTERPRETED)


def loops(function: Any) -> list[Any]:
    ops = [node.op for node in function.maker.fgraph.apply_nodes]
    return [op for op in ops if isinstance(op, Blockwise | OpFromGraph)]


@pytest.mark.parametrize("name", ROWS)
def test_whole_batches_are_as_row_by_row(name: str) -> None:
    row = pt.vector("row", shape=(4,))
    rows = pt.matrix("rows", shape=(None, 4))
    graph = ROWS[name](row)
    slope = pytensor.grad(pt.tanh(graph[graph < np.inf] / 3).sum(), row)
    [whole] = over_rows([graph], [row], [rows])
    finite = pt.switch(whole < np.inf, whole, 0.0)
    slopes = pytensor.grad(pt.tanh(finite / 3).sum(), rows)
    one, batch = compiled([graph, slope], row), compiled([whole, slopes], rows)
    assert not loops(batch)
    for k in (3, 1):
        expected = [np.stack(parts) for parts in zip(*[one(x) for x in X[:k]], strict=True)]
        for found, right in zip(batch(X[:k]), expected, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-14)


def test_a_log_of_a_sum_keeps_its_digits_far_out() -> None:
    row, rows = pt.vector("row", shape=(3,)), pt.matrix("rows", shape=(None, 3))
    function = compiled(over_rows([pt.logsumexp(row)], [row], [rows]), rows)
    far = np.array([[-2000.0, -2000.5, -3000.0], [900.0, 899.0, -np.inf], [-np.inf] * 3])
    np.testing.assert_allclose(function(far)[0], special.logsumexp(far, axis=1), rtol=1e-15)


def test_one_matrix_is_solved_for_all_vectors_at_once() -> None:
    # Of a batch of two matrices, each for five vectors: two solves, not ten.
    a, b = pt.tensor3("a", shape=(None, 3, 3)), pt.tensor3("b", shape=(None, 5, 3))
    x = pt.linalg.solve_triangular(a[:, None], b, lower=True, b_ndim=1)
    function = pytensor.function([a, b], x, mode=INTERPRETED)
    [solve] = [op.core_op for op in loops(function)]
    assert isinstance(solve, SolveTriangular)
    assert solve.b_ndim == 2
    rng = np.random.default_rng(2)
    matrices, vectors = (
        np.tril(rng.normal(size=(2, 3, 3))) + 2 * np.eye(3),
        rng.normal(size=(2, 5, 3)),
    )
    expected = np.linalg.solve(matrices[:, None], vectors[..., None])[..., 0]
    np.testing.assert_allclose(function(matrices, vectors), expected, rtol=1e-13)


def test_an_inner_graph_keeps_the_batch_of_what_is_the_same_in_all_rows() -> None:
    # Of the two outputs only one depends on the rows; the other is repeated over them.
    a, b = pt.vector("a", shape=(4,)), pt.scalar("b")
    inner = OpFromGraph([a, b], [pt.exp(a), a * b, pt.zeros(2)])
    row, rows = pt.scalar("row"), pt.vector("rows")
    function = compiled(over_rows(inner(pt.constant(X[0]), row), [row], [rows]), rows)
    assert not loops(function)
    same, product, constant = function(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(same, np.tile(np.exp(X[0]), (3, 1)))
    np.testing.assert_array_equal(product, X[0] * np.array([[1.0], [2.0], [3.0]]))
    np.testing.assert_array_equal(constant, np.zeros((3, 2)))


def test_what_is_picked_from_one_array_for_all_rows() -> None:
    x, index = pt.constant(X[:1]), pt.alloc(np.array([2, 0]), pt.lscalar("n"), 2)
    pick = Blockwise(AdvancedSubtensor((0,)), signature="(i),(j)->(j)")(x, index)
    function = pytensor.function([index.owner.inputs[1]], pick, mode=INTERPRETED)
    assert not loops(function)
    np.testing.assert_array_equal(function(3), np.tile(X[0][[2, 0]], (3, 1)))


def test_an_index_that_is_repeated_along_its_own_axis_is_left_alone() -> None:
    # One number, given for two rows and for three columns: not the index of a row.
    index = pt.alloc(np.array([2]), pt.lscalar("n"), 3)
    pick = Blockwise(AdvancedSubtensor((0,)), signature="(i),(j)->(j)")(pt.constant(X[:1]), index)
    # PyTensor would go on without a rewrite that fails, and only print that it did.
    with pytensor.config.change_flags(on_opt_error="raise"):
        function = pytensor.function([index.owner.inputs[1]], pick, mode=INTERPRETED)
    np.testing.assert_array_equal(function(2), np.full((2, 3), X[0, 2]))


def test_graphs_of_a_row_stay_as_they_are() -> None:
    # What does not depend on the row is shared with the graph of the batch.
    row, rows = pt.vector("row", shape=(4,)), pt.matrix("rows", shape=(None, 4))
    joined = Blockwise(Join(axis=0), signature="(i),(j)->(k)")(
        pt.constant(X[:1, :1]), pt.constant(X[:2, 1:2])
    )
    shared = pt.exp(joined).sum(axis=0)
    before = pytensor.dprint(graph := pt.concatenate([shared, row]), file="str")
    over_rows([graph], [row], [rows])
    assert pytensor.dprint(graph, file="str") == before


def test_lengths_that_differ_from_row_to_row_are_left_alone() -> None:
    # Nothing says that each row counts as far: PyTensor's loop has to find out.
    lengths = pt.lvector("lengths")
    [counts] = over_rows([pt.arange(n := pt.lscalar("n"))], [n], [lengths])
    function = pytensor.function([lengths], counts, mode=INTERPRETED)
    assert loops(function)
    np.testing.assert_array_equal(function(np.array([3, 3])), [[0, 1, 2], [0, 1, 2]])


def test_unit_matrices_of_a_batch_are_of_one_size() -> None:
    row, rows = pt.vector("row"), pt.matrix("rows")
    [whole] = over_rows([pt.eye(row.shape[0]) + pt.outer(row, row)], [row], [rows])
    function = compiled([whole], rows)
    assert not loops(function)
    [got] = function(X)
    np.testing.assert_allclose(got, np.eye(4) + X[:, :, None] * X[:, None, :], rtol=1e-14)


def test_rewrites_that_fail_print_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fails(fgraph: Any, node: Any) -> Any:
        raise ValueError("of this rewrite nothing is to be seen")

    x = pt.dscalar("x")
    rewriter = in2out(node_rewriter([Elemwise])(fails))
    fgraph = FunctionGraph([x], [pt.exp(x) + 1])
    with interpreting():
        rewriter.rewrite(fgraph)
    assert not caplog.records
    rewriter.rewrite(fgraph)
    assert "Rewrite failure" in caplog.text
    # Somebody who wants to see them does.
    with pytensor.config.change_flags(on_opt_error="raise"), interpreting():
        assert pytensor.config.on_opt_error == "raise"
