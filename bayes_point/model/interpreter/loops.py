"""Loops (`pytensor.scan`) over the rows of a batch: each step of the loop for all rows at once.

PyTensor has no rule for this, and goes through the whole loop once a row.  A step of a loop is a
handful of small operations, which take NumPy as long for a hundred rows as for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.scan.op import Scan
from pytensor.tensor.extra_ops import _broadcast_assert, _runtime_broadcast_assert

from bayes_point.model.interpreter.lean import LeanStepLinker

__all__ = ["lean_steps", "loop_over_rows", "states"]

_SAME_SHAPE = (_broadcast_assert, _runtime_broadcast_assert)
# Of the function that makes one step, whose graph is rewritten with all the rest before.
_STEP = Mode(linker=LeanStepLinker(), optimizer=None)


@node_rewriter([Scan])
def lean_steps(fgraph: Any, node: Any) -> Any:
    """Make the steps of a loop in the lean interpreter.

    A step over the rows of a batch asks of each array whether it has as many rows as the others;
    all have, and to ask takes as long as to compute.
    """
    if node.op.mode is not None:
        return None
    step = node.op.fgraph.unfreeze()
    for one in step.toposort():
        if one.op in _SAME_SHAPE:
            step.replace(one.outputs[0], one.inputs[0])
    op = copy(node.op)
    op.fgraph, op.mode, op._fn = step.freeze(), _STEP, None
    return op(*node.inputs, return_list=True)


def states(op: Scan) -> range:
    """Return which inputs of a loop are carried from step to step."""
    info = op.info
    first = 1 + info.n_seqs
    return range(first, first + info.n_mit_mot + info.n_mit_sot + info.n_sit_sot)


def loop_over_rows(op: Scan, inputs: Sequence[Any], batched: Sequence[bool]) -> list[Any] | None:
    """Return the outputs of a loop for all rows of a batch, with the batch as their first axis.

    Parameters
    ----------
    op : Scan
        The loop of one row.
    inputs : sequence of variable
        Its inputs: those that are `batched` have the batch as first axis, the others are the same
        in each row.
    batched : sequence of bool
        One for each input; what is carried from step to step has to be.

    Returns
    -------
    list of variable or None
        None where the number of steps may differ from row to row, or nothing else does.
    """
    info, carried = op.info, states(op)
    lengths = range(carried.stop, carried.stop + info.n_nit_sot)
    if info.as_while or info.n_untraced_sit_sot or any(batched[i] for i in (0, *lengths)):
        return None
    # Which input each of those of a step is taken from: as many taps as a state has, one of others.
    taps = [1] * info.n_seqs + [len(slices) for slices in info.tap_array]
    sources = [i for i, n in enumerate(taps, 1) for _ in range(n)]
    sources += range(lengths.stop, len(inputs))
    step = op.fgraph.unfreeze()
    rows = {
        x: pt.tensor(dtype=x.type.dtype, shape=(inputs[i].type.shape[0], *x.type.shape))
        for x, i in zip(step.inputs, sources, strict=True)
        if batched[i]
    }
    if not rows:
        return None  # the same in each row
    length = next(iter(rows.values())).shape[0]
    outs = [
        # What depends on no row is the same in all of them.
        out if out.type.ndim > old.type.ndim else pt.broadcast_to(out, (length, *old.shape))
        for out, old in zip(vectorize_graph(step.outputs, rows), step.outputs, strict=True)
    ]
    loop = Scan(
        [rows.get(x, x) for x in step.inputs],
        outs,
        info,
        mode=op.mode,
        truncate_gradient=op.truncate_gradient,
        name=op.name,
        allow_gc=op.allow_gc,
        strict=op.strict,
    )
    # What a step takes a slice of has the steps as its first axis.
    sliced = [
        pt.swapaxes(x, 0, 1) if batched[i] and i < carried.stop else x for i, x in enumerate(inputs)
    ]
    return [pt.swapaxes(out, 0, 1) for out in loop(*sliced, return_list=True)]
