"""From graphs to functions: what PyTensor is asked for, and what it raises where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pymc.exceptions import ShapeError
from pymc.logprob.utils import ParameterValueError, local_check_parameter_to_ninf_switch
from pytensor.compile.mode import Mode, get_mode
from pytensor.gradient import NullTypeGradError
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.rewriting.basic import in2out
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.graph.utils import MethodNotDefined
from pytensor.scan.op import Scan
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.solvers.core import SolveBase

from bayes_point.errors import ModelError
from bayes_point.model.interpreter.batching import one_for_all_rows
from bayes_point.model.interpreter.differenced import Slopes
from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.interpreter.interpreted import INTERPRETED

__all__ = [
    "BEFORE_DERIVATIVES",
    "NOT_VECTORISED",
    "NO_DERIVATIVE",
    "NO_NUMBER",
    "NO_VALUE",
    "SLOW_TO_DIFFERENTIATE",
    "compiled",
    "gradient",
    "mode_of",
    "over_rows",
    "rows_of",
    "simplified",
    "zero_density_for_checks",
]

# What an interpreted graph raises where the density has no value: for one row of a batch this
# means "not a number here", and must not take the other rows with it.
NO_NUMBER = (np.linalg.LinAlgError, ParameterValueError)
# The same with what the Ops of other people raise far out, such as SciPy's for an array that is not
# finite.
NO_VALUE = (*NO_NUMBER, ArithmeticError, ValueError)

# What PyTensor raises for an op that it cannot vectorise; a loop over rows then gives the same.
NOT_VECTORISED = (
    NotImplementedError,
    TypeError,
    ValueError,
    IndexError,
    AssertionError,
    ShapeError,
)

# What PyTensor raises where an op has no derivative.
NO_DERIVATIVE = (MethodNotDefined, NotImplementedError, NullTypeGradError)

# Ops whose second derivatives take PyTensor seconds to build and rewrite, against milliseconds for
# the few gradients whose differences give the same to eleven digits: linear algebra and scans.
SLOW_TO_DIFFERENTIATE = Scan | Blockwise | Cholesky | SolveBase | Slopes

# Rewrites made before derivatives are taken and rows are batched.  log(1 - sigmoid(x)) has to be
# known as -softplus(x) by then: no rewrite finds it again in its second derivative, and there
# cancellation eats every digit.  With its shapes known, a graph also compiles in half the time.
# What is left of xtensor (pymc.dims) has no derivatives.
BEFORE_DERIVATIVES = ("lower_xtensor", "ShapeOpt", "canonicalize", "stabilize")

# Before derivatives are taken: that of a loop over rows is two loops.
_WHOLE_BATCH = in2out(one_for_all_rows, ignore_newtrees=False)

# A parameter outside its domain means density zero, not an error.
zero_density_for_checks = in2out(local_check_parameter_to_ninf_switch)


def mode_of(backend: str | None) -> Mode:
    """Return the PyTensor mode of a backend's name; None is the interpreter.

    Raises
    ------
    ModelError
        If there is no such backend, or it is not installed.
    """
    if backend is None or backend in ("py", "python"):
        return INTERPRETED
    try:
        mode = get_mode("cvm" if backend == "c" else backend)
    except (ValueError, KeyError):
        mode = None
    if not isinstance(mode, Mode):
        raise ModelError(
            f"Unknown backend {backend!r}. Allowed are PyTensor's modes: 'numba', 'c', 'jax', or "
            "'py' for the interpreter; leave it out to have it chosen."
        )
    name = str(backend).lower()
    if name in ("jax", "numba") and find_spec(name) is None:
        raise ModelError(
            f"backend={backend!r} needs the package {name!r}, which is not installed. Install it, "
            "or leave backend out."
        )
    return mode


def compiled(
    inputs: Sequence[Any], outputs: Sequence[Any], mode: Mode, rewrites: Sequence[str] = ()
) -> Callable:
    """Return the function from `inputs` to `outputs`, made with some more rewrites than usual."""
    with interpreting("" if mode is INTERPRETED else pytensor.config.cxx):
        return pytensor.function(
            list(inputs),
            list(outputs),
            mode=mode.including(*rewrites) if rewrites else mode,
            trust_input=True,
            on_unused_input="ignore",
        )


def simplified(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Return graphs of the same inputs, rewritten as they are before derivatives are taken."""
    fgraph = FunctionGraph(list(inputs), list(outputs), clone=True, copy_inputs=False)
    with interpreting():
        rewrite_graph(fgraph, include=BEFORE_DERIVATIVES, clone=False)
    return list(fgraph.outputs)


def gradient(cost: Any, wrt: Any) -> Any:
    """Return the gradient of a scalar graph; zero by what it does not depend on."""
    return pytensor.grad(cost, wrt, disconnected_inputs="ignore")


def rows_of(row: Sequence[Any]) -> list[Any]:
    """Return a variable for a batch of each of the variables of one row."""
    return [pt.tensor(shape=(None, *var.type.shape), dtype=var.type.dtype) for var in row]


def over_rows(graphs: Sequence[Any], row: Sequence[Any], rows: Sequence[Any]) -> list[Any]:
    """Vectorise graphs of the variables of one row over the rows of a batch."""
    batched = vectorize_graph(list(graphs), dict(zip(row, rows, strict=True)))
    batched = rewrite_graph(batched, include=(), custom_rewrite=_WHOLE_BATCH, clone=True)
    return [
        # What depends on nothing is the same in every row.
        out if out.type.ndim > graph.type.ndim else pt.alloc(out, rows[0].shape[0], *out.shape)
        for graph, out in zip(graphs, batched, strict=True)
    ]
