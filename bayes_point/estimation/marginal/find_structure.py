"""Which pattern the Hessian of the latents has: guessed from the model, and verified by numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, reverse_cuthill_mckee

from bayes_point.errors import ModelError
from bayes_point.estimation.marginal.arrow import Arrow
from bayes_point.estimation.marginal.bands import Banded
from bayes_point.estimation.marginal.blocks import Blocks
from bayes_point.estimation.marginal.joint import Joint
from bayes_point.estimation.marginal.structure import Structure

__all__ = ["find_structure"]

Array = NDArray[np.float64]

# Latents in one group beyond which a band or a dense matrix is as good.
_LARGEST_BLOCK = 12
_BANDS = (1, 2, 3, 6)
# Latents whose pattern is looked at column by column: as many Hessian products, and d^2 numbers.
_MOST_DENSE = 3_000
# Columns across the largest factor: as many Hessian products at each evaluation.
_MOST_ACROSS = 1_000
# What products may differ by, relative to their size, and an entry that is zero.
_SAME, _ZERO = 1e-8, 1e-12
# Jitter, on the unconstrained scale, of the points at which a guess is verified.
_JITTERS = (0.3, 0.1)
_COLUMNS = 256


def find_structure(
    joint: Joint, start: Array, rng: np.random.Generator, *, dense: bool = False
) -> Structure:
    """Return the first pattern that the Hessian has at two points near `start`, (p,).

    Raises
    ------
    ModelError
        If each of too many latents depends on too many others.
    """
    if dense:
        return Banded(joint.d, joint.d - 1)
    points = _points(joint, start, rng)
    for guess in _guesses(joint):
        if _holds(joint, guess, points, rng):
            return guess
    if joint.d > _MOST_DENSE:
        raise ModelError(
            f"The {joint.d} latent values of {list(joint.latents)} depend on each other in no "
            "pattern that can be factored: not in groups, not in a row, not crossed. Up to "
            f"{_MOST_DENSE} of them could be taken together. Integrate fewer out by naming them, "
            "marginalize=[...], write the model so that each depends on few others, or sample it."
        )
    found = _from_entries(joint, points)
    if _holds(joint, found, points, rng):
        return found
    return Banded(joint.d, joint.d - 1)


def _points(joint: Joint, start: Array, rng: np.random.Generator) -> list[Array]:
    points = []
    for jitter in _JITTERS:
        x = start + jitter * rng.standard_normal(joint.p)
        if not np.isfinite(joint.evaluate(x[None], None)[0][0]):
            x = start.copy()
            x[joint.inner] += 1e-3 * rng.standard_normal(joint.d)
        points.append(x)
    return points


def _products_at(joint: Joint, x: Array, v: Array) -> Array:
    """Return the negative Hessian of the latents at `x`, (p,), times rows of `v`, (n, d)."""
    whole = np.zeros((len(v), joint.p))
    whole[:, joint.inner] = v
    rows = np.broadcast_to(x, whole.shape)
    return -joint.hessian_product(np.ascontiguousarray(rows), whole, None)[:, joint.inner]


def _holds(joint: Joint, guess: Structure, points: list[Array], rng: np.random.Generator) -> bool:
    for x in points:
        v = rng.standard_normal(joint.d)
        rows = _products_at(joint, x, np.concatenate([guess.seeds, v[None]]))
        true, matrix = rows[-1], guess.assemble(rows[None, :-1])
        off = np.abs(guess.times(matrix, v) - true)
        if not np.all(off <= _SAME * (np.abs(true) + np.abs(true).max())):
            return False
    return True


def _guesses(joint: Joint) -> Iterator[Structure]:
    d = joint.d
    yield Blocks(np.arange(d)[:, None])
    positions = _positions(joint)
    shapes = [place.shape for place in positions]
    for axis in (0, -1):
        if all(shapes) and len({shape[axis] for shape in shapes}) == 1:
            columns = [np.moveaxis(p, axis, 0).reshape(p.shape[axis], -1) for p in positions]
            members = np.concatenate(columns, axis=1)
            if 1 < members.shape[1] <= _LARGEST_BLOCK and len(members) > 1:
                yield Blocks(members)
    for b in _BANDS:
        if 2 * b + 1 < d:
            yield Banded(d, b)
    largest = max(positions, key=np.size)
    for axis in (0, -1):
        # The effects of the groups, in one variable or in several; beside them whatever else.
        alike = [p for p in positions if p.ndim and p.shape[axis] == largest.shape[axis]]
        columns = [np.moveaxis(p, axis, 0).reshape(p.shape[axis], -1) for p in alike]
        for shaft in (largest.reshape(-1, 1), np.concatenate(columns, axis=1)):
            head = np.setdiff1d(np.arange(d), shaft)
            is_slim = shaft.size > len(head) and shaft.shape[1] <= _LARGEST_BLOCK
            if is_slim and 0 < len(head) <= _MOST_ACROSS:
                yield Arrow(shaft, head)


def _positions(joint: Joint) -> list[NDArray[np.int_]]:
    """Return for each latent variable where its elements are among the latents, in its shape."""
    graphs = joint.natural_of.graphs
    variables = np.array(joint.natural_of.variables)[joint.inner]
    return [
        np.flatnonzero(variables == rv.name).reshape(shape)
        for rv, shape in zip(graphs.free, graphs.shapes, strict=True)
        if rv.name in joint.latents
    ]


def _from_entries(joint: Joint, points: list[Array]) -> Structure:
    """Return blocks, a band or a dense matrix by where the Hessian is not zero."""
    d = joint.d
    pattern = np.eye(d, dtype=bool)
    for x in points:
        for i in range(0, d, _COLUMNS):
            rows = np.abs(_products_at(joint, x, np.eye(min(_COLUMNS, d - i), d, i)))
            pattern[i : i + _COLUMNS] |= rows > _ZERO * rows.max()
    sparse = csr_matrix(pattern | pattern.T)
    count, label = connected_components(sparse)
    sizes = np.bincount(label)
    if count > 1 and np.all(sizes == sizes[0]) and sizes[0] <= _LARGEST_BLOCK:
        return Blocks(np.argsort(label, kind="stable").reshape(count, -1))
    order = np.asarray(reverse_cuthill_mckee(sparse, symmetric_mode=True))
    rows, columns = np.nonzero((pattern | pattern.T)[np.ix_(order, order)])
    b = int(np.abs(rows - columns).max())
    return Banded(d, b, order) if 2 * b + 1 < d // 2 else Banded(d, d - 1)
