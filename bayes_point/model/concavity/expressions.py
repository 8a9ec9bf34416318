"""The shape of the graphs between a model's parameters and the parameters of its distributions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from pytensor.compile.ops import ViewOp
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.utils import MissingInputError
from pytensor.scalar import basic as ps
from pytensor.scalar import math as psm
from pytensor.tensor.basic import Alloc, ExtractDiag, Join, MakeVector
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.extra_ops import CumOp
from pytensor.tensor.math import Dot
from pytensor.tensor.shape import Reshape, SpecifyShape
from pytensor.tensor.special import LogSoftmax, Softmax
from pytensor.tensor.subtensor import AdvancedSubtensor, IncSubtensor, Subtensor

from bayes_point.model.concavity.facts import CONSTANT, UNKNOWN, Facts
from bayes_point.model.interpreter.interpreted import INTERPRETED

__all__ = ["Expressions", "numbers_of"]

# What moves elements around, and computes nothing.
_RESHAPES = (
    DimShuffle,
    Reshape,
    SpecifyShape,
    Subtensor,
    AdvancedSubtensor,
    Alloc,
    ExtractDiag,
    ViewOp,
)


class Expressions:
    """The facts of each variable of a graph.

    Parameters
    ----------
    leaf : callable
        From a variable to its facts if it is a parameter, to None if it is not.
    """

    def __init__(self, leaf: Callable[[Variable], Facts | None]) -> None:
        self._leaf = leaf
        self._known: dict[Variable, Facts] = {}

    def __call__(self, var: Variable) -> Facts:
        """Return what is known of a variable."""
        todo = [var]
        while todo:
            one = todo[-1]
            if one in self._known:
                todo.pop()
                continue
            facts = self._leaf(one)
            if facts is None and one.owner is not None:
                missing = [i for i in one.owner.inputs if i not in self._known]
                if missing:
                    todo += missing
                    continue
                facts = self._of_node(one)
            self._known[one] = facts if facts is not None else _data(one)
            todo.pop()
        return self._known[var]

    def complement(self, var: Variable) -> Facts:
        """Return the facts of 1 - `var`, where they are more than those of a difference."""
        var = _undressed(var)
        inputs = var.owner.inputs if var.owner is not None else []
        op = _scalar_op(var)
        if isinstance(op, psm.Sigmoid):
            return _sigmoid(-self(inputs[0]))
        if isinstance(op, ps.TrueDiv) and _is(inputs[1], ps.Add):
            # 1 - a / (m + a) = m / (m + a)
            total = _undressed(inputs[1])
            rest = [i for i in total.owner.inputs if not _equal(i, inputs[0])]
            if len(rest) == len(total.owner.inputs) - 1 == 1:
                return _quotient(self(rest[0]), self(total))
        if isinstance(op, ps.Sub) and _value(inputs[0]) == 1:
            return self(inputs[1])
        whole = CONSTANT + -self(var)
        if _is_probability(self(var)):
            whole = replace(whole, nonnegative=True, log_concave=whole.concave)
        return whole

    def reciprocal(self, var: Variable) -> Facts:
        """Return the facts of 1 / `var`, where `var` is positive."""
        var = _undressed(var)
        op = _scalar_op(var)
        if isinstance(op, ps.Reciprocal):
            return self(var.owner.inputs[0])
        if isinstance(op, ps.TrueDiv) and self(var.owner.inputs[0]).constant:
            above, below = var.owner.inputs
            return _over_constant(self(below), self(above))
        return _reciprocal(self(var))

    def _of_node(self, var: Variable) -> Facts:
        node = var.owner
        facts = [self._known[i] for i in node.inputs]
        op = node.op
        if isinstance(op, Elemwise):
            return self._elementwise(op.scalar_op, node.inputs, facts, var)
        if isinstance(op, _RESHAPES):
            # The indices and shapes have to be data.
            return facts[0] if all(one.constant for one in facts[1:]) else UNKNOWN
        if all(one.constant for one in facts):
            return _computed(var)
        if isinstance(op, Join | MakeVector):
            parts = facts[1:] if isinstance(op, Join) else facts
            out = parts[0]
            for one in parts[1:]:
                out = out.both(one)
            return out
        if isinstance(op, IncSubtensor) and op.set_instead_of_inc:
            return facts[0].both(facts[1]) if all(f.constant for f in facts[2:]) else UNKNOWN
        if isinstance(op, CAReduce) and isinstance(op.scalar_op, ps.Add):
            return replace(facts[0] + facts[0], constant=False)
        if isinstance(op, CumOp) and op.mode == "add":
            return facts[0] + facts[0]
        core = op.core_op if isinstance(op, Blockwise) else op
        if isinstance(core, Dot) or type(op).__name__ in ("Matmul", "BatchedDot"):
            out = facts[0] * facts[1]
            return out + out
        if isinstance(op, LogSoftmax) and facts[0].affine:
            return Facts(concave=True, nonpositive=True)
        if isinstance(op, Softmax) and facts[0].affine:
            return Facts(nonnegative=True, log_concave=True)
        return UNKNOWN

    def _elementwise(
        self, op: Any, inputs: list[Variable], facts: list[Facts], var: Variable
    ) -> Facts:
        """Return the facts of an op that works element by element."""
        if all(one.constant for one in facts):
            return _computed(var)
        one = facts[0]
        match op:
            case ps.Identity() | ps.Cast() | ps.Second():
                return facts[-1]
            case ps.Add():
                out = one
                for more in facts[1:]:
                    out = out + more
                return out
            case ps.Sub():
                out = one + -facts[1]
                if _value(inputs[0]) == 1 and _is_cloglog(inputs[1], self):
                    return replace(out, nonnegative=True, log_concave=True)
                first, second = one.distribution, facts[1].distribution
                if first and second and (first == second or "any" in (first, second)):
                    # The mass of an interval under a log-concave density (Prekopa 1973).
                    return replace(out, nonnegative=True, log_concave=True)
                return out
            case ps.Neg():
                return -one
            case ps.Mul():
                out = one
                for more in facts[1:]:
                    out = out * more
                return out
            case ps.TrueDiv():
                if facts[1].scale and one.proportional:
                    return Facts(convex=True, concave=True)
                if facts[1].constant:
                    return _over_constant(one, facts[1])
                return _quotient(one, facts[1])
            case ps.Reciprocal():
                return _reciprocal(one)
            case ps.Exp():
                return one.exp
            case ps.Expm1():
                return replace(one.exp, nonnegative=False, log_convex=False, log_concave=False)
            case ps.Log():
                return one.log
            case ps.Log1p():
                return (_POSITIVE + one).log
            case ps.Sqr():
                return _power(one, 2.0)
            case ps.Sqrt():
                return _power(one, 0.5)
            case ps.Pow() if (exponent := _value(inputs[1])) is not None:
                return _power(one, exponent)
            case ps.Abs():
                up = (one.convex and one.nonnegative) or (one.concave and one.nonpositive)
                return Facts(convex=one.affine or up, nonnegative=True)
            case psm.Softplus():
                return Facts(convex=one.convex, nonnegative=True)
            case psm.Sigmoid():
                return _sigmoid(one)
            case psm.Erfc() if one.affine:
                # The upper tail of a normal, twice: log-concave.
                return Facts(nonnegative=True, log_concave=True)
            case ps.Maximum():
                return Facts(
                    convex=one.convex and facts[1].convex,
                    nonnegative=one.nonnegative or facts[1].nonnegative,
                )
            case ps.Minimum():
                return Facts(
                    concave=one.concave and facts[1].concave,
                    nonpositive=one.nonpositive or facts[1].nonpositive,
                )
            case ps.Switch() if one.constant:
                return facts[1].both(facts[2])
        return UNKNOWN


_POSITIVE = replace(CONSTANT, nonnegative=True, log_convex=True, log_concave=True)


def _sigmoid(of: Facts) -> Facts:
    """Return the facts of the logistic distribution function: log-concave and increasing."""
    return Facts(
        nonnegative=True, log_concave=of.concave, distribution="logistic" if of.affine else ""
    )


def _is_probability(facts: Facts) -> bool:
    return facts.affine and facts.nonnegative


def _is_cloglog(var: Variable, expressions: Expressions) -> bool:
    """Whether 1 - `var` is 1 - exp(-u), with u positive and concave, or the exp of an affine one.

    log(1 - exp(-u)) is concave and increasing in u > 0, and in log u.
    """
    var = _undressed(var)
    if not isinstance(_scalar_op(var), ps.Exp):
        return False
    power = _undressed(var.owner.inputs[0])
    if not isinstance(_scalar_op(power), ps.Neg):
        return False
    u = expressions(power.owner.inputs[0])
    return u.nonnegative and (u.concave or (u.log_convex and u.log_concave))


def _over_constant(of: Facts, by: Facts) -> Facts:
    """Return the facts of a quotient by data, whose reciprocal has the same sign."""
    return of * by


def _reciprocal(of: Facts) -> Facts:
    if of.constant:
        return replace(CONSTANT, nonnegative=of.nonnegative, nonpositive=of.nonpositive) * (
            _POSITIVE if of.log_convex else replace(CONSTANT, nonnegative=True)
        )
    up = of.log_concave or (of.concave and of.nonnegative)
    return Facts(
        nonnegative=of.nonnegative,
        nonpositive=of.nonpositive,
        convex=up,
        log_convex=up,
        log_concave=of.log_convex,
        scale=of.precision,
        precision=of.scale,
    )


def _quotient(above: Facts, below: Facts) -> Facts:
    return above * _reciprocal(below)


def _power(of: Facts, exponent: float) -> Facts:
    """Return the facts of `of` to a constant power."""
    even = exponent % 2 == 0
    positive = of.log_convex or of.log_concave
    out = Facts(
        nonnegative=even or of.nonnegative,
        log_convex=(of.log_convex if exponent > 0 else of.log_concave) and positive,
        log_concave=(of.log_concave if exponent > 0 else of.log_convex) and positive,
    )
    if exponent >= 1:
        if even and exponent >= 2:
            convex = of.affine or (of.convex and of.nonnegative) or (of.concave and of.nonpositive)
        else:
            convex = of.convex and of.nonnegative
        return replace(out, convex=convex or out.log_convex)
    if 0 < exponent < 1:
        return replace(out, concave=of.concave and of.nonnegative, nonnegative=True)
    return replace(out, convex=(of.concave and of.nonnegative) or out.log_convex)


def _data(var: Variable) -> Facts:
    """Return the facts of data, or of what is not known at all."""
    return _numbers(var.data) if isinstance(var, Constant) else CONSTANT


def _computed(var: Variable) -> Facts:
    """Return the facts of what is computed from data alone, with its sign unless it has inputs."""
    data = numbers_of(var)
    return CONSTANT if data is None else _numbers(data)


def numbers_of(var: Variable) -> Any:
    """Return what data come to, None if they are inputs; `var` must not depend on parameters."""
    if isinstance(var, Constant):
        return var.data
    try:
        return var.eval(mode=INTERPRETED)
    except MissingInputError:
        return None


def _numbers(value: Any) -> Facts:
    number = np.asarray(value)
    if number.dtype.kind not in "biuf" or not np.all(np.isfinite(number)):
        return CONSTANT
    positive = bool(np.all(number > 0))
    return replace(
        CONSTANT,
        nonnegative=bool(np.all(number >= 0)),
        nonpositive=bool(np.all(number <= 0)),
        log_convex=positive,
        log_concave=positive,
        distribution="any" if np.all(np.isin(number, (0, 1))) else "",
    )


def _scalar_op(var: Variable) -> Any:
    op = var.owner.op if var.owner is not None else None
    return op.scalar_op if isinstance(op, Elemwise) else None


def _undressed(var: Variable) -> Variable:
    """Return what a variable is a reshaped copy of."""
    while var.owner is not None and (
        isinstance(var.owner.op, DimShuffle) or isinstance(_scalar_op(var), ps.Identity | ps.Cast)
    ):
        var = var.owner.inputs[0]
    return var


def _is(var: Variable, kind: type) -> bool:
    return isinstance(_scalar_op(_undressed(var)), kind)


def _equal(one: Variable, other: Variable) -> bool:
    one, other = _undressed(one), _undressed(other)
    if isinstance(one, Constant) and isinstance(other, Constant):
        return bool(np.array_equal(np.ravel(one.data), np.ravel(other.data)))
    return one is other


def _value(var: Variable) -> float | None:
    """Return the one number that a constant holds."""
    var = _undressed(var)
    if not isinstance(var, Constant):
        return None
    numbers = np.unique(np.asarray(var.data))
    return float(numbers[0]) if numbers.size == 1 else None
