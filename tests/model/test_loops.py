"""Loops over the rows of a batch, each step for all rows at once: the same as row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose
from pytensor.compile.mode import Mode
from pytensor.graph.traversal import ancestors
from pytensor.scan.op import Scan
from pytensor.scan.utils import until
from pytensor.tensor.blockwise import Blockwise

from bayes_point.estimation.face.find import find_MLE
from bayes_point.model.interpreter.compiling import over_rows
from bayes_point.model.interpreter.interpreted import INTERPRETED
from bayes_point.model.interpreter.loops import loop_over_rows

X = np.random.default_rng(4).normal(size=(5, 3))
# PyTensor's own interpreter, and its loop over the rows.
PLAIN = Mode(linker="py", optimizer="fast_compile")
W = np.random.default_rng(5).normal(size=(6, 3))


def ancestors_of(graph: Any) -> list[Any]:
    return [var.owner for var in ancestors([graph]) if var.owner is not None]


def scan(step: Callable[..., Any], **kwargs: Any) -> Any:
    return pytensor.scan(step, return_updates=False, **kwargs)


def carried(x: Any) -> Any:
    """A state: s <- tanh(a s + b)."""
    return scan(
        lambda s, a, b: pt.tanh(a * s + b),
        outputs_info=[x[0]],
        non_sequences=[x[1], x[2]],
        n_steps=6,
    )


def two_back(x: Any) -> Any:
    """A state with two lags."""
    return scan(
        lambda last, older, a: a * last - 0.5 * older,
        outputs_info=[{"initial": x[:2], "taps": [-1, -2]}],
        non_sequences=[x[2]],
        n_steps=6,
    )


def of_sequences(x: Any) -> Any:
    """A sequence that is the same in each row and one that is not; nothing carried."""
    return scan(lambda w, y: w * pt.exp(y), sequences=[pt.as_tensor(W[:3]), x], n_steps=3)


def of_vectors(x: Any) -> Any:
    """A vector carried, by a log of a sum as in the forward algorithm of a hidden Markov chain."""
    matrix = pt.outer(x, x)
    return scan(
        lambda w, s, m: pt.logsumexp(s[:, None] + m, axis=0) + w,
        sequences=[pt.as_tensor(W)],
        outputs_info=[pt.zeros(3)],
        non_sequences=[matrix],
    )


def of_two(x: Any) -> Any:
    """Two states that see one another, of which one does not depend on the row at first."""
    first, second = scan(
        lambda u, v, a: (u + 0.1 * a * v, v - 0.1 * u),
        outputs_info=[pt.zeros(()), x[0]],
        non_sequences=[x[1]],
        n_steps=5,
    )
    return pt.concatenate([first, second])


def backwards(x: Any) -> Any:
    return scan(
        lambda w, s, a: a * s + w.sum(),
        sequences=[W],
        outputs_info=[x[0]],
        non_sequences=[x[1]],
        go_backwards=True,
    )


@pytest.mark.parametrize("row_of", [carried, two_back, of_sequences, of_vectors, of_two, backwards])
def test_loops_over_a_batch_are_as_row_by_row(row_of: Callable[[Any], Any]) -> None:
    row, rows = pt.vector("row", shape=(3,)), pt.matrix("rows", shape=(None, 3))
    graph = row_of(row)
    slope = pytensor.grad(pt.tanh(graph / 3).sum(), row)
    [whole] = over_rows([graph], [row], [rows])
    slopes = pytensor.grad(pt.tanh(whole / 3).sum(), rows)
    one = pytensor.function([row], [graph, slope], mode=PLAIN)
    batch = pytensor.function([rows], [whole, slopes], mode=INTERPRETED)
    ops = [node.op for node in batch.maker.fgraph.apply_nodes]
    assert not any(isinstance(op, Blockwise) and isinstance(op.core_op, Scan) for op in ops)
    for k in (5, 1):
        expected = [np.stack(parts) for parts in zip(*[one(x) for x in X[:k]], strict=True)]
        for got, wanted in zip(batch(X[:k]), expected, strict=True):
            assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)


def test_loops_that_end_where_a_condition_says_are_left_alone() -> None:
    # Rows end at different steps: what the loop makes is not as long in each.
    row = pt.vector("row", shape=(3,))
    steps = scan(
        lambda s, a: (s + a, until(s > 3)),
        outputs_info=[pt.zeros(())],
        non_sequences=[pt.abs(row[0]) + 1],
        n_steps=9,
    )
    node = next(node for node in ancestors_of(steps) if isinstance(node.op, Scan))
    batched = [x.type.ndim > 0 for x in node.inputs]
    assert loop_over_rows(node.op, node.inputs, batched) is None


def test_garch_by_a_scan() -> None:
    # Reference: the recursion h_i = omega + alpha y_{i-1}^2 + beta h_{i-1} in NumPy.
    rng = np.random.default_rng(7)
    y, h = np.zeros(80), 1.0
    for i in range(80):
        y[i] = np.sqrt(h) * rng.normal()
        h = 0.3 + 0.4 * y[i] ** 2 + 0.3 * h

    def log_likelihood(omega: float, alpha: float, beta: float) -> float:
        total, h = 0.0, 1.0
        for i in range(80):
            total -= 0.5 * (np.log(2 * np.pi * h) + y[i] ** 2 / h)
            h = omega + alpha * y[i] ** 2 + beta * h
        return total

    with pm.Model() as model:
        omega, alpha = pm.HalfNormal("omega", 1), pm.Uniform("alpha", 0, 1)
        beta = pm.Uniform("beta", 0, 1)
        pm.GARCH11("y", omega=omega, alpha_1=alpha, beta_1=beta, initial_vol=1.0, observed=y)
    mle = find_MLE(model, progressbar=False, random_seed=1)
    there = [float(mle.point[name]) for name in ("omega", "alpha", "beta")]
    assert mle.log_likelihood == pytest.approx(log_likelihood(*there), rel=1e-12)
    # No step of a thousandth either way is higher: the slope is 0.
    for j in range(3):
        for step in (-1e-3, 1e-3):
            moved = [one + step * (k == j) for k, one in enumerate(there)]
            assert log_likelihood(*moved) < mle.log_likelihood
