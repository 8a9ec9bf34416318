"""PyTensor's interpreter, without its traps.

Compile time is the user's time: a graph that is run a few dozen times on small data is ready at
once in PyTensor's interpreted mode, and takes seconds to minutes in a compiled one.  The
interpreter is fast as long as each elementwise op has a NumPy function behind it; a few have none,
and then PyTensor makes one Python call an element.  Those are given their function here, and so are
those whose function is slow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.mode import Mode
from pytensor.compile.rewriting import inline_ofg_node
from pytensor.graph.rewriting.basic import dfs_rewriter, in2out, node_rewriter
from pytensor.scalar.basic import Clip, Second
from pytensor.scalar.math import Log1mexp, Sigmoid, Softplus, TriGamma
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import Elemwise
from scipy.special import polygamma

from bayes_point.model.interpreter.batching import one_for_all_rows, opened_over_rows
from bayes_point.model.interpreter.lean import LeanLinker
from bayes_point.model.interpreter.loops import lean_steps

__all__ = ["INTERPRETED"]


def softplus(x: Any) -> Any:
    """log(1 + exp(x)).

    A twelfth of the time of `numpy.logaddexp`, which is not vectorised.
    """
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), to the last digit at both ends; SciPy's takes several times as long."""
    small = np.exp(-np.abs(x))
    return np.where(np.asarray(x) < 0, small, 1.0) / (1.0 + small)


def log1mexp(x: Any) -> Any:
    """log(1 - exp(x)) for x < 0, accurate at both ends (Mächler 2012)."""
    return np.where(x > -np.log(2.0), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def trigamma(x: Any) -> Any:
    """Second derivative of the log of the gamma function."""
    return polygamma(1, x)


def second(x: Any, fill: Any) -> Any:
    """`fill` in the shape of `x`."""
    out = np.empty(np.broadcast_shapes(np.shape(x), np.shape(fill)), np.asarray(fill).dtype)
    out[...] = fill
    return out


def clip(x: Any, low: Any, high: Any) -> Any:
    """`x` held between `low` and `high`."""
    return np.minimum(np.maximum(x, low), high)


# scalar op -> (name that PyTensor's Elemwise looks the function up by, inputs, outputs)
_FUNCTIONS = {
    Softplus: (f"{__name__}.softplus", 1, 1),
    Sigmoid: (f"{__name__}.sigmoid", 1, 1),
    Log1mexp: (f"{__name__}.log1mexp", 1, 1),
    TriGamma: (f"{__name__}.trigamma", 1, 1),
    Second: (f"{__name__}.second", 2, 1),
    Clip: (f"{__name__}.clip", 3, 1),
}


class _NumPyElemwise(Elemwise):
    """An Elemwise with a NumPy function: a class of its own, so that no merge undoes it."""


@node_rewriter([Elemwise])
def _give_numpy_function(fgraph: Any, node: Any) -> Any:
    spec = _FUNCTIONS.get(type(node.op.scalar_op))
    if spec is None or isinstance(node.op, _NumPyElemwise):
        return None
    return _NumPyElemwise(node.op.scalar_op, nfunc_spec=spec)(*node.inputs, return_list=True)


@node_rewriter([OpFromGraph, Blockwise])
def _inline(fgraph: Any, node: Any) -> Any:
    """Open every inner graph: the interpreter would have PyTensor compile each one in C.

    Over a batch too, where it would run once a row: that of a mixture's log-sum-exp, say.
    """
    is_over_rows = isinstance(node.op, Blockwise)
    return opened_over_rows(node) if is_over_rows else inline_ofg_node(node)


# Position 1.9: after the rewrites for stability, which know such ops as LogSoftmax whole.
# Position 1000: after every rewrite that could match on the ops replaced here.
# "fast_run" runs 90 times slower in the interpreter, since it fuses elementwise ops into composites
# without a NumPy function; "fast_compile" lacks the rewrites for numerical stability.
INTERPRETED = (
    Mode(linker=LeanLinker(), optimizer="fast_compile")
    .including("stabilize")
    .register(
        (in2out(one_for_all_rows, _inline, ignore_newtrees=False, name="inline"), 1.9),
        (dfs_rewriter(_give_numpy_function, lean_steps), 1000),
    )
)
