"""Densities that go through a loop: compiled where a few evaluations show that it pays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import pymc as pm
from pytensor.graph.traversal import ancestors
from pytensor.scan.op import Scan

from bayes_point.model.density.cache import log_density
from bayes_point.model.density.density import LogDensity
from bayes_point.model.density.functions import ALWAYS

__all__ = ["quickest_density"]

# Newton iterations of a search, as a rule.  The Hessian of a loop is one of differences, of four
# gradients by each coordinate.
_ITERATIONS = 30
_GRADIENTS = 4
# Seconds of CPU that numba takes to compile the few functions that a search calls.
_COMPILING = 30.0


def quickest_density(
    model: pm.Model, *, inputs: Sequence[str], n_starts: int, seconds: float = np.inf
) -> LogDensity:
    """Return the model's density, compiled where a search would be slower than that.

    Loops alone (``pytensor.scan``) can be slow enough in the interpreter for that, a Python call or
    more an operation and step; all else runs in NumPy.

    Parameters
    ----------
    model : pymc.Model
        The model.
    inputs : sequence of str
        As in `LogDensity`.
    n_starts : int
        Starts of the search to come.
    seconds : float
        What that may take: nothing is compiled that would not be done by then.
    """
    density = log_density(model, backend=None, inputs=inputs)
    terms = [density.graphs.term(term) for term in density.terms]
    loops = any(var.owner and isinstance(var.owner.op, Scan) for var in ancestors(terms))
    if not loops or inputs or find_spec("numba") is None or seconds < _COMPILING:
        return density
    rows = n_starts * (1 + _GRADIENTS * density.p)
    each = density.functions.kept(f"seconds of {rows} rows", lambda: _seconds(density, rows))
    if _ITERATIONS * each < _COMPILING:
        return density
    compiled = log_density(model, backend="numba", inputs=inputs)
    return compiled if compiled.functions.kept("works", lambda: _works(compiled)) else density


def _seconds(density: LogDensity, rows: int) -> float:
    """Return the seconds of CPU that value and gradient take at a batch of so many rows."""
    x = 0.1 * np.random.default_rng(0).standard_normal((rows, density.p))
    density.evaluate(x[:1], ALWAYS)  # the first call makes the function
    began = time.process_time()
    density.evaluate(x[:1], ALWAYS)
    alone = time.process_time() - began
    if rows * alone < _COMPILING / _ITERATIONS:
        return alone  # quick enough if a batch took as long as its rows one by one
    began = time.process_time()
    density.evaluate(x, ALWAYS)
    return time.process_time() - began


def _works(density: LogDensity) -> bool:
    """Whether numba knows all that the density is made of."""
    from numba.core.errors import NumbaError

    try:
        density.evaluate(np.zeros((1, density.p)), ALWAYS)
    except (NumbaError, NotImplementedError):
        return False
    return True
