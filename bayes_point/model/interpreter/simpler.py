"""Rewrites that leave less to compute, and less to differentiate, in a log density.

PyTensor's own rewrites are for any graph.  These know what a log density is made of: the same
function on both branches of a choice, checks of what cannot be otherwise, and regressions whose
design is a constant.  Each leaves every value as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.graph.basic import Constant, equal_computations
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.scalar.math import Log1mexp, Sigmoid, Softplus
from pytensor.tensor.basic import Alloc
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import All, Dot

__all__ = ["constant_designs", "data_chosen", "is_constant", "made_by", "simpler"]

# Functions that are dear, so that one call on the chosen branch is better than two, on both.
_DEAR = (Softplus, Sigmoid, Log1mexp, ps.Log, ps.Log1p, ps.Exp, ps.Expm1, ps.GammaLn, ps.Erf)

# Operations back from a choice that the same choice is looked for.
_DEEP = 3


def made_by(graph: Any, scalar_op: Any) -> bool:
    """Whether a graph is the output of an elementwise op, perhaps with its dims expanded."""
    while graph.owner is not None and isinstance(graph.owner.op, DimShuffle):
        graph = graph.owner.inputs[0]
    op = getattr(graph.owner, "op", None)
    return isinstance(op, Elemwise) and isinstance(op.scalar_op, scalar_op)


def is_constant(graph: Any, value: float) -> bool:
    """Whether a graph is a constant, with this value everywhere."""
    data = getattr(graph, "data", None)
    return data is not None and bool(np.all(np.asarray(data) == value))


def _is_known(graph: Any) -> bool:
    """exp(x) > 0 and sigmoid(x) <= 1: where they are not, the value is not finite either."""
    node = graph.owner
    if node is None or not isinstance(node.op, Elemwise):
        return False
    op = node.op.scalar_op
    if not isinstance(op, ps.GT | ps.GE | ps.LT | ps.LE):
        return False
    big, small = node.inputs if isinstance(op, ps.GT | ps.GE) else reversed(node.inputs)
    above = made_by(big, ps.Exp | Sigmoid) and is_constant(small, 0)
    below = made_by(small, Sigmoid) and is_constant(big, 1)
    return above or below


@node_rewriter([Elemwise])
def _known_sign(fgraph: Any, node: Any) -> Any:
    return [pt.ones_like(node.outputs[0])] if _is_known(node.outputs[0]) else None


@node_rewriter([All])
def _all_known(fgraph: Any, node: Any) -> Any:
    made = getattr(node.inputs[0].owner, "op", None)
    is_true = isinstance(made, Alloc) and is_constant(node.inputs[0].owner.inputs[0], 1)
    if not (is_true or _is_known(node.inputs[0])):
        return None
    x, axes = node.inputs[0], node.op.axis
    kept = [] if axes is None else [x.shape[i] for i in range(x.type.ndim) if i not in axes]
    return [pt.alloc(np.array(True), *kept)]


@node_rewriter([Elemwise])
def _choice_first(fgraph: Any, node: Any) -> Any:
    """f(a) or f(b), as c says: f(a or b, as c says)."""
    if not isinstance(node.op.scalar_op, ps.Switch):
        return None
    condition, yes, no = node.inputs
    a, b = _without_sign(yes), _without_sign(no)
    if a is None or b is None or a[0] != b[0] or a[1].op != b[1].op:
        return None
    negative, one = a
    out = one.op(_argument(condition, one.inputs[0], b[1].inputs[0]))
    out = -out if negative else out
    same = out.type.broadcastable == node.outputs[0].type.broadcastable
    return [out] if same and out.dtype == node.outputs[0].dtype else None


def _argument(condition: Any, yes: Any, no: Any) -> Any:
    """Return the one or the other; where data choose a sign, that sign times the argument."""
    if isinstance(condition, Constant):
        for x, negative, signs in ((no, yes, (-1.0, 1.0)), (yes, no, (1.0, -1.0))):
            if equal_computations([_negated(negative)], [x]):
                return pt.constant(np.where(condition.data, *signs)) * x
    return pt.switch(condition, yes, no)


def _without_sign(graph: Any) -> tuple[bool, Any] | None:
    """Return whether a dear function of one argument is negated, and its node."""
    negated = _negated(graph)
    node = negated.owner
    if node is None or not isinstance(node.op, Elemwise) or len(node.inputs) != 1:
        return None
    return (negated is not graph, node) if isinstance(node.op.scalar_op, _DEAR) else None


def _negated(graph: Any) -> Any:
    """Return what a graph is the negative of; the graph itself where it is of nothing."""
    node = graph.owner
    if node is None or not isinstance(node.op, Elemwise):
        return graph
    op = node.op.scalar_op
    if isinstance(op, ps.Neg):
        return node.inputs[0]
    if isinstance(op, ps.Mul) and len(node.inputs) == 2 and is_constant(node.inputs[0], -1):
        return node.inputs[1]
    return graph


@node_rewriter([Elemwise])
def _choice_of_data(fgraph: Any, node: Any) -> Any:
    """Do the same where the data choose, as the outcomes of a logistic regression do."""
    is_made = isinstance(node.inputs[0], Constant) and len(node.inputs) == 3
    return _choice_first.fn(fgraph, node) if is_made else None


@node_rewriter([Elemwise])
def _known_share(fgraph: Any, node: Any) -> Any:
    """sigmoid(x) is between zero and one, wherever x is a number."""
    of_share = any(made_by(x, Sigmoid) for x in node.inputs)
    return _known_sign.fn(fgraph, node) if of_share else None


@node_rewriter([All])
def _all_shares(fgraph: Any, node: Any) -> Any:
    return None if _is_known(node.inputs[0]) else _all_known.fn(fgraph, node)


@node_rewriter([Elemwise])
def _log1mexp(fgraph: Any, node: Any) -> Any:
    """log(1 - exp(log(1 - exp(x)))) is x, also behind "minus infinity if not"."""
    if not isinstance(node.op.scalar_op, Log1mexp):
        return None
    x = node.inputs[0]
    inner = x.owner
    if inner is None or not isinstance(inner.op, Elemwise):
        return None
    if isinstance(inner.op.scalar_op, Log1mexp):
        return [inner.inputs[0]]
    if not isinstance(inner.op.scalar_op, ps.Switch):
        return None
    condition, yes, no = inner.inputs
    zero = np.zeros((1,) * x.type.ndim)
    if is_constant(no, -np.inf):
        out = pt.switch(condition, node.op(yes), zero)
    elif is_constant(yes, -np.inf):
        out = pt.switch(condition, zero, node.op(no))
    else:
        return None
    same = out.type.broadcastable == node.outputs[0].type.broadcastable
    return [out] if same and out.dtype == node.outputs[0].dtype else None


def _filled_with(graph: Any) -> Any:
    """Return what a graph repeats, if it does no more than that."""
    node = graph.owner
    if node is not None and isinstance(node.op, Alloc):
        return node.inputs[0]
    if node is not None and isinstance(node.op, Elemwise):
        return node.inputs[1] if isinstance(node.op.scalar_op, ps.Second) else None
    return None


@node_rewriter([Elemwise])
def _same_choice(fgraph: Any, node: Any) -> Any:
    """Where a choice is made, the same choice has been made in all that is behind it."""
    if not isinstance(node.op.scalar_op, ps.Switch):
        return None
    condition, yes, no = node.inputs
    known = [_chosen(yes, condition, 1, _DEEP), _chosen(no, condition, 2, _DEEP)]
    if equal_computations([known[0]], [known[1]]):
        out = pt.second(condition, known[0]) if condition.type.ndim else known[0]
        out = known[0] if known[0].type.broadcastable == node.outputs[0].type.broadcastable else out
    elif known[0] is yes and known[1] is no:
        return None
    else:
        out = pt.switch(condition, *known)
    same = out.type.broadcastable == node.outputs[0].type.broadcastable
    return [out] if same and out.dtype == node.outputs[0].dtype else None


def _chosen(graph: Any, condition: Any, which: int, depth: int) -> Any:
    node = graph.owner
    if node is None or depth == 0 or not isinstance(node.op, Elemwise):
        return graph
    if isinstance(node.op.scalar_op, ps.Switch) and node.inputs[0] is condition:
        chosen = node.inputs[which]
        same = chosen.type.broadcastable == graph.type.broadcastable
        return chosen if same else pt.second(graph, chosen)
    # Not within what is dear: the same function would have to be computed for either branch.
    if not isinstance(node.op.scalar_op, ps.Mul | ps.Neg | ps.Add | ps.Sub):
        return graph
    inputs = [_chosen(one, condition, which, depth - 1) for one in node.inputs]
    changed = any(new is not old for new, old in zip(inputs, node.inputs, strict=True))
    return node.op(*inputs) if changed else graph


@node_rewriter([Dot])
def _same_row(fgraph: Any, node: Any) -> Any:
    """Rows that are all the same, times a matrix: the product of one of them, repeated."""
    rows, matrix = node.inputs
    value = _filled_with(rows)
    if value is None or matrix.type.ndim != 2:
        return None
    if value.type.ndim == 1:
        value = value[None, :]
    if value.type.ndim != 2 or not value.type.broadcastable[0]:
        return None
    if value.type.shape[1] != rows.type.shape[1]:
        return None
    out = pt.alloc(pt.dot(value, matrix), rows.shape[0], matrix.shape[1])
    return [out.astype(node.outputs[0].dtype)]


@node_rewriter([Dot])
def _scaled_design(fgraph: Any, node: Any) -> Any:
    """(w * a constant row) @ a constant: w @ (that constant, its rows scaled)."""
    left, matrix = node.inputs
    if not hasattr(matrix, "data") or matrix.type.ndim != 2:
        return None
    if left.owner is None or not isinstance(left.owner.op, Elemwise):
        return None
    if not isinstance(left.owner.op.scalar_op, ps.Mul):
        return None
    row = [x for x in left.owner.inputs if hasattr(x, "data") and x.type.broadcastable[0]]
    rest = [x for x in left.owner.inputs if x not in row]
    if not row or not rest:
        return None
    scale = np.ones((1, 1))
    for one in row:
        scale = scale * np.asarray(one.data)
    whole = pt.mul(*rest) if len(rest) > 1 else rest[0]
    if whole.type.broadcastable != left.type.broadcastable:
        return None
    scaled = pt.constant(np.asarray(scale).reshape(-1, 1) * np.asarray(matrix.data))
    return [pt.dot(whole, scaled).astype(node.outputs[0].dtype)]


simpler = in2out(_known_sign, _all_known, _choice_first, _log1mexp, name="simpler_log_density")
# Of these alone nothing changes where a value is not finite, but for a NaN of the parameters.
data_chosen = in2out(_known_share, _all_shares, _choice_of_data, name="data_chosen")
constant_designs = in2out(_same_choice, _same_row, _scaled_design, name="constant_designs")
