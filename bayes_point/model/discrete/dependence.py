"""Which terms of a log density each element of its discrete variables enters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from bayes_point.errors import ModelError

__all__ = ["incidence"]

# Returns the terms, (rows, n), at rows of the numbers that the elements' values have, (rows, d).
Terms = Callable[[NDArray[np.int_]], NDArray[np.float64]]

# Pairs of values between which each element is moved: what depends on one of ten values only is
# seen with near certainty, and what is missed all the same is found when the sum is verified.
_ROUNDS = 6
# Elements of a variable that are moved one by one, where a term depends on several of them.
_ONE_BY_ONE = 3_000
# Numbers of one array of terms, 32 MB.
_AT_ONCE = 4_000_000


def incidence(
    terms: Terms, sizes: NDArray[np.int_], variables: Sequence[slice], rng: np.random.Generator
) -> csr_array:
    """Return whether term i depends on element j, (n, d), found by moving the elements.

    Where each term depends on at most one element of a variable, those whose number has a certain
    bit are moved together, so that a few evaluations tell which one it is.  Where a term depends
    on several, they are moved one by one.

    Parameters
    ----------
    terms : callable
        The terms at rows of value numbers.
    sizes : ndarray of int, (d,)
        How many values each element has.
    variables : sequence of slice
        Which elements are those of each variable.
    rng : Generator
        Draws the values between which they are moved.
    """
    found = csr_array((terms(np.zeros((1, len(sizes)), int)).shape[1], len(sizes)), dtype=bool)
    for part in variables:
        own = together = _many_rounds(_together, terms, sizes, part, rng)
        if together is None or np.any(np.diff(together.indptr) > 1):
            own = _many_rounds(_one_by_one, terms, sizes, part, rng)
        assert own is not None
        found = csr_array(found + own)
    return found


def _many_rounds(
    moves: Callable[..., csr_array | None],
    terms: Terms,
    sizes: NDArray[np.int_],
    part: slice,
    rng: np.random.Generator,
) -> csr_array | None:
    """Return what several moves of a variable show together, each between other values."""
    found = None
    for _ in range(_ROUNDS):
        base = rng.integers(sizes)
        moved = (base + rng.integers(1, np.maximum(sizes, 2))) % sizes
        more = moves(terms, terms(base[None])[0], base, moved, part)
        if more is None:
            return None
        found = more if found is None else csr_array(found + more)
    return found


def _together(
    terms: Terms,
    here: NDArray[np.float64],
    base: NDArray[np.int_],
    moved: NDArray[np.int_],
    part: slice,
) -> csr_array | None:
    """Return the element that each term depends on; None where one depends on several."""
    own = np.arange(part.stop - part.start)
    bits = max(1, math.ceil(math.log2(max(len(own), 2))))
    rows = np.tile(base, (2 * bits, 1))
    for bit in range(bits):
        for value in (0, 1):
            some = part.start + own[(own >> bit) & 1 == value]
            rows[2 * bit + value, some] = moved[some]
    changed = _changed(terms(rows), here).reshape(bits, 2, -1)
    if np.any(changed.all(axis=1)):
        return None
    term = np.flatnonzero(changed.any(axis=(0, 1)))
    element = part.start + np.sum(changed[:, 1, term] << np.arange(bits)[:, None], axis=0)
    return _matrix(term, element, (len(here), len(base)))


def _one_by_one(
    terms: Terms,
    here: NDArray[np.float64],
    base: NDArray[np.int_],
    moved: NDArray[np.int_],
    part: slice,
) -> csr_array:
    d, count = len(base), part.stop - part.start
    if count > _ONE_BY_ONE:
        raise ModelError(
            f"the terms of the density depend on several of its {count:,} elements, and which are "
            f"those of each is found for up to {_ONE_BY_ONE:,}."
        )
    at_once = max(1, _AT_ONCE // len(here))
    term, element = [], []
    for first in range(part.start, part.stop, at_once):
        some = np.arange(first, min(first + at_once, part.stop))
        rows = np.tile(base, (len(some), 1))
        rows[np.arange(len(some)), some] = moved[some]
        row, column = np.nonzero(_changed(terms(rows), here))
        term.append(column)
        element.append(some[row])
    return _matrix(np.concatenate(term), np.concatenate(element), (len(here), d))


def _changed(rows: NDArray[np.float64], here: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (rows != here) & ~(np.isnan(rows) & np.isnan(here))


def _matrix(term: NDArray[np.int_], element: NDArray[np.int_], shape: tuple[int, int]) -> csr_array:
    return csr_array(coo_array((np.ones(len(term), bool), (term, element)), shape=shape))
