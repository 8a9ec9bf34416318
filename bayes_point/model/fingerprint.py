"""Fingerprints of a model: of its graph, its data and its constants, variable by variable."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pymc as pm
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.random.type import RandomType

__all__ = ["fingerprint"]

# What an op's repr says of where it happens to lie in memory.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+|0x[0-9a-f]+")

_LENGTH = 16


def fingerprint(model: pm.Model) -> dict[str, dict[str, str]]:
    """Digests by which two models are known to be the same, and else in what they differ.

    Parameters
    ----------
    model : pymc.Model

    Returns
    -------
    dict of {str : dict of {str : str}}
        ``graph``: by variable, what is computed, and by which transform it is made unconstrained;
        ``constants``: by variable, the numbers in that, such as the parameters of a prior;
        ``data``: by name, what was observed and what ``pymc.Data`` holds.

    Notes
    -----
    The graphs are those of the log densities, which are what is fitted: so a change of a
    ``CustomDist``'s own density is seen. The order in which variables are declared plays no part,
    nor do the names of anything but the model's own variables.

    Examples
    --------
    >>> import pymc as pm
    >>> def coin(a):
    ...     with pm.Model() as model:
    ...         theta = pm.Beta("theta", a, 2)
    ...         pm.Bernoulli("tosses", theta, observed=[1, 0])
    ...     return model
    >>> one, other = fingerprint(coin(2)), fingerprint(coin(3))
    >>> [part for part in one if one[part] != other[part]]
    ['constants']
    """
    terms = _terms(model)
    reader = _Reader(_named(model))
    graph, constants = {}, {}
    for name, (output, note) in terms.items():
        shape, numbers = reader.read(output)
        graph[name] = _digest([shape, note.encode()])
        constants[name] = _digest([numbers])
    return {"graph": graph, "data": _data(model), "constants": constants}


def _terms(model: pm.Model) -> dict[str, tuple[Variable, str]]:
    """Log density of each random variable, and what else the model computes, by name."""
    rvs = [*model.free_RVs, *model.observed_RVs]
    densities = model.logp(vars=rvs, jacobian=False, sum=False) if rvs else []
    terms = {}
    for rv, density in zip(rvs, densities, strict=True):
        transform = model.rvs_to_transforms.get(rv)
        kind = "" if transform is None else type(transform).__name__
        dims = model.named_vars_to_dims.get(rv.name, ())
        terms[str(rv.name)] = (density, f"{kind} {dims}")
    for variable in (*model.deterministics, *model.potentials):
        dims = model.named_vars_to_dims.get(variable.name, ())
        terms[str(variable.name)] = (variable, f"{dims}")
    return terms


def _named(model: pm.Model) -> dict[Variable, str]:
    """Variables at which a graph ends, for they are accounted for by their name."""
    named: dict[Variable, str] = {}
    for rv in (*model.free_RVs, *model.observed_RVs):
        named[rv] = f"variable {rv.name}"
        named[model.rvs_to_values[rv]] = f"variable {rv.name}"
    for variable in model.data_vars:
        named[variable] = f"data {variable.name}"
    for name, length in model.dim_lengths.items():
        named.setdefault(length, f"length of {name}")
    return named


def _data(model: pm.Model) -> dict[str, str]:
    values = {str(rv.name): model.rvs_to_values[rv] for rv in model.observed_RVs}
    values |= {str(variable.name): variable for variable in model.data_vars}
    found = {}
    for name, value in values.items():
        numbers = getattr(value, "data", None)
        if hasattr(value, "get_value"):
            numbers = value.get_value(borrow=True)
        if numbers is not None:
            found[name] = _digest(_bytes(numbers))
    return found


class _Reader:
    """Digests of graphs: of what is computed, and of the numbers in it, in the same order."""

    def __init__(self, named: dict[Variable, str]) -> None:
        self._named = named
        self._names = set(named.values())
        self._known: dict[Variable, tuple[bytes, bytes]] = {}

    def read(self, output: Variable) -> tuple[bytes, bytes]:
        # Without recursion: a graph of a long loop is deeper than Python's stack.
        todo = [output]
        while todo:
            variable = todo[-1]
            if variable in self._known:
                todo.pop()
                continue
            inputs = self._inputs(variable)
            missing = [x for x in inputs if x not in self._known]
            if missing:
                todo.extend(missing)
                continue
            self._known[variable] = self._of(variable, [self._known[x] for x in inputs])
            todo.pop()
        return self._known[output]

    def _inputs(self, variable: Variable) -> list[Variable]:
        node = variable.owner
        if variable in self._named or node is None:
            return []
        return [x for x in node.inputs if not isinstance(x.type, RandomType)]

    def _of(self, variable: Variable, inputs: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
        if variable in self._named:
            return _hash([self._named[variable].encode()]), b""
        node = variable.owner
        if isinstance(variable, Constant):
            if variable.name and f"variable {variable.name}" in self._names:
                # An observed value that the density holds under its name, but cast.
                return _hash([f"variable {variable.name}".encode()]), b""
            return _hash([b"constant"]), _hash(_bytes(variable.data))
        if node is None:
            value = variable.get_value(borrow=True) if hasattr(variable, "get_value") else None
            kind = _hash([b"input", str(variable.type.ndim if value is None else "").encode()])
            return kind, b"" if value is None else _hash(_bytes(value))
        op = node.op
        if isinstance(op, Elemwise) and getattr(op.scalar_op, "commutative", False):
            inputs = sorted(inputs)
        shape = [*_op(op), str(node.outputs.index(variable)).encode()]
        numbers = []
        inner = getattr(op, "fgraph", None)
        if isinstance(inner, FunctionGraph):
            own = {x: f"input {i}" for i, x in enumerate(inner.inputs)}
            reader = _Reader(own)
            found = [reader.read(x) for x in inner.outputs]
            shape += [s for s, _ in found]
            numbers += [n for _, n in found]
        return (
            _hash([*shape, *(s for s, _ in inputs)]),
            _hash([*numbers, *(n for _, n in inputs)]),
        )


def _op(op: Any) -> Iterator[bytes]:
    """Yield what an op is; of one with a graph inside, the graph says the rest."""
    yield type(op).__name__.encode()
    if isinstance(getattr(op, "fgraph", None), FunctionGraph):
        return
    if isinstance(op, Elemwise):
        yield from _op(op.scalar_op)
        return
    properties = getattr(op, "__props__", None) or ()
    text = ", ".join(f"{name}={getattr(op, name, None)!r}" for name in properties)
    yield _ADDRESS.sub("", text).encode()


def _bytes(data: Any) -> list[bytes]:
    """Return the numbers, whatever their type: 2 and 2.0 are the same constant."""
    array = np.asarray(data)
    if array.dtype.kind in "biuf":
        array = np.ascontiguousarray(array, dtype=float)
        return [str(array.shape).encode(), array.tobytes()]
    return [_ADDRESS.sub("", repr(data)).encode()]


def _hash(parts: Iterable[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=_LENGTH // 2)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def _digest(parts: Iterable[bytes]) -> str:
    return _hash(parts).hex()
