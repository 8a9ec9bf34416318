"""The support of a model's variable in numbers and in words.

The prior says where it puts its mass, and the transform where the variable can go: a normal with
``transform=ordered`` lives on the ordered vectors. Here the two are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from numpy.typing import NDArray
from pymc.dims.distributions import transforms as dims_transforms
from pymc.distributions import transforms
from pymc.logprob.transforms import (
    ChainedTransform,
    IntervalTransform,
    LogOddsTransform,
    LogTransform,
    SimplexTransform,
)
from pymc.printing import _str_for_input_var
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.db import RewriteDatabaseQuery
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.type import RandomType
from pytensor.xtensor.shape import Transpose

from bayes_point.model.interpreter.flags import interpreting
from bayes_point.model.variables.distributions import support_of
from bayes_point.model.variables.kinds import CIRCULAR
from bayes_point.model.variables.support import Support

__all__ = ["Bound", "Bounds", "bounds_of", "evaluated", "value_of"]

Bound = float | NDArray[np.float64] | None

_WORDS = {
    "simplex": "simplex",
    "zero-sum": "sums to zero",
    "cholesky-covariance": "Cholesky factor of a covariance, packed by rows",
    "cholesky-correlation": "Cholesky factor of a correlation",
    "positive-definite": "positive definite matrix",
    "counts": "counts with a fixed sum",
}

# No rewrites but the one that pymc.dims cannot do without: these graphs run once.
_ONCE = Mode(linker="py", optimizer=RewriteDatabaseQuery(include=("lower_xtensor",)))


@dataclass(frozen=True)
class Bounds:
    """The support of a variable.

    Attributes
    ----------
    words : str
        The support in words: "real", "positive", "[0, 1]", "simplex", "ordered", "{0, 1}".
    structure : str or None
        As in :class:`~bayes_point.model.variables.support.Support`; None where only the
        density knows.
    lower, upper : float, numpy.ndarray or None
        Closed bounds of each element, infinite where there are none; None where they depend on
        other random variables.
    """

    words: str
    structure: str | None
    lower: Bound
    upper: Bound


def value_of(var: Variable) -> Any:
    """Return the present value of a variable that depends on no random variable."""
    if isinstance(var, Constant):
        return var.data
    if isinstance(var, SharedVariable):
        return var.get_value(borrow=True)
    return evaluated(var)[0]


def evaluated(
    *graphs: Variable, at: Mapping[Variable, Any] | None = None, mode: Mode = _ONCE
) -> list[Any]:
    """Return the values of graphs (where the inputs take the values ``at``) without compiling."""
    inputs = {} if at is None else at
    # Without a C compiler named, the inside of a scan is interpreted as well.
    with interpreting(), np.errstate(all="ignore"):
        function = pytensor.function(
            list(inputs), list(graphs), mode=mode, on_unused_input="ignore", trust_input=True
        )
        return function(*inputs.values())


def bounds_of(model: pm.Model, rv: Variable) -> Bounds:
    """Return the support of a free or observed variable of the model."""
    node = rv.owner
    if isinstance(node.op, Transpose):
        node = node.inputs[0].owner  # of pymc.dims: the order of the dims changes no bound
    support = support_of(node.op, node.inputs)
    confined, order = _confined_by(model.rvs_to_transforms.get(rv), node.inputs)
    parts = [part for part in (support, confined) if part is not None]
    lowers = [part.lower for part in parts]
    uppers = [part.upper for part in parts]
    structures = [part.structure for part in parts]
    structure = next((s for s in structures if s != "elementwise"), next(iter(structures), None))
    lower, upper = _tightest(np.maximum, lowers), _tightest(np.minimum, uppers)
    if structure is None:
        words = "where its density is positive"
    elif structure in _WORDS:
        words = _WORDS[structure]
    else:
        named = set(model.named_vars.values())
        words = _interval_words(
            _bound_words(lower, lowers, named), _bound_words(upper, uppers, named), rv
        )
    if order:
        words = order if words == "real" else f"{order}, {words}"
    return Bounds(words, structure, lower, upper)


def _confined_by(transform: Any, inputs: Sequence[Variable]) -> tuple[Support | None, str]:
    """Return where a transform confines a variable to, and the order that it imposes."""
    if isinstance(transform, ChainedTransform):
        # The first of a chain is nearest to the natural scale: it sets the bounds.
        first, *others = [_confined_by(part, inputs) for part in transform.transform_list]
        return first[0], "".join(order for _, order in (first, *others))
    match transform:
        case LogTransform() | transforms.LogExpM1() | dims_transforms.LogTransform():
            return Support(lower=0.0), ""
        case LogOddsTransform() | dims_transforms.LogOddsTransform():
            return Support(lower=0.0, upper=1.0), ""
        case _ if isinstance(transform, CIRCULAR):
            return Support(lower=-np.pi, upper=np.pi), ""
        case dims_transforms.IntervalTransform():
            return Support(lower=transform.lower, upper=transform.upper), ""
        case IntervalTransform():
            lower, upper = transform.args_fn(*inputs)
            return Support(
                lower=-np.inf if lower is None else lower, upper=np.inf if upper is None else upper
            ), ""
        case SimplexTransform() | transforms.SumTo1() | dims_transforms.SimplexTransform():
            return Support("simplex", lower=0.0, upper=1.0), ""
        case transforms.ZeroSumTransform() | dims_transforms.ZeroSumTransform():
            return Support("zero-sum"), ""
        case transforms.Ordered():
            order = "ordered" if transform.ascending else "ordered, descending"
            return Support(lower=0.0 if transform.positive else -np.inf), order
        case _:
            return None, ""


def _tightest(choose: Callable[..., Any], bounds: Sequence[Any]) -> Bound:
    numbers = [_number(bound) for bound in bounds]
    constant = [bound for bound in numbers if bound is not None]
    if len(constant) < len(numbers) or not constant:
        return None
    tightest = reduce(choose, constant)
    uniform = tightest.size > 0 and np.all(tightest == tightest.flat[0])
    return float(tightest.flat[0]) if uniform else tightest


def _number(bound: Any) -> NDArray[np.float64] | None:
    """Return the value of a bound, or None if it depends on random variables."""
    if isinstance(bound, Variable):
        if any(isinstance(var.type, RandomType) for var in ancestors([bound])):
            return None
        bound = value_of(bound)
    return np.asarray(bound, dtype=float)


def _bound_words(bound: Bound, candidates: Sequence[Any], named: set[Variable]) -> str:
    if bound is None:
        [text, *_] = [
            _str_for_input_var(candidate, "plain", named)
            for candidate in candidates
            if isinstance(candidate, Variable) and _number(candidate) is None
        ]
        return text
    return f"{bound:g}" if isinstance(bound, float) else "varies"


def _interval_words(lower: str, upper: str, rv: Variable) -> str:
    if rv.type.dtype.startswith("float"):
        if (lower, upper) == ("-inf", "inf"):
            return "real"
        if (lower, upper) == ("0", "inf"):
            return "positive"
        left = "(-inf" if lower == "-inf" else f"[{lower}"
        return f"{left}, inf)" if upper == "inf" else f"{left}, {upper}]"
    if upper == "inf":
        named = {"0": "non-negative integer", "1": "positive integer", "-inf": "integer"}
        return named.get(lower, f"integer from {lower}")
    return "{0, 1}" if (lower, upper) == ("0", "1") else f"{{{lower}, ..., {upper}}}"
