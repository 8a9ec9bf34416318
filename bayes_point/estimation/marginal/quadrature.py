"""Beyond Laplace's method: what adaptive Gauss-Hermite quadrature adds to it, block by block."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayes_point.estimation.marginal.blocks import Blocks
from bayes_point.estimation.marginal.joint import Joint
from bayes_point.estimation.marginal.modes import Modes
from bayes_point.estimation.marginal.structure import Structure
from bayes_point.model.rows import row_function

__all__ = ["LADDER", "Quadrature", "block_of_terms", "quadrature_of", "terms_at"]

Array = NDArray[np.float64]
Inputs = Mapping[str, NDArray] | None

# Latents of a block up to which there is a grid: of k, the number of nodes to the power of k.
_LARGEST_BLOCK = 2
# Numbers of nodes in each direction that are tried one after the other.  All are odd: one node is
# the mode.
LADDER = (7, 11, 15, 21, 31, 45, 65, 95)
# Shifts of the latents, on the unconstrained scale, by which it is told which terms are of which.
_SHIFTS = (0.05, 0.15)
# Numbers of one array of terms, 80 MB.
_AT_ONCE = 10_000_000


class Quadrature:
    """The integrals over blocks of latents that do not depend on each other.

    Parameters
    ----------
    joint : Joint
        The density of data and latents.
    structure : Blocks
        The blocks.
    block_of : ndarray of int, (terms,)
        Of which block each of its terms is a function; the number of blocks for none.

    References
    ----------
    J. C. Pinheiro, D. M. Bates (1995), Approximations to the log-likelihood function in the
    nonlinear mixed-effects model, https://doi.org/10.1080/10618600.1995.10474663
    """

    def __init__(self, structure: Blocks, block_of: NDArray[np.int_]) -> None:
        self.structure = structure
        self.kept = np.flatnonzero(block_of < structure.size)
        self.kept = self.kept[np.argsort(block_of[self.kept], kind="stable")]
        self.first = np.searchsorted(block_of[self.kept], np.arange(structure.size))

    def corrections(self, joint: Joint, modes: Modes, nodes: int, inputs: Inputs) -> Array:
        """Return the log of the integrals, (batch, J), less what Laplace's method says."""
        blocks = self.structure
        place, weight = hermegauss(nodes)
        z = np.array(list(itertools.product(place, repeat=blocks.k)))
        logs = np.log(weight / weight.sum())
        log_weight = np.array([sum(one) for one in itertools.product(logs, repeat=blocks.k)])
        log_weight += 0.5 * np.sum(z**2, axis=1)
        whole = np.zeros((len(z), blocks.d))
        whole[:, blocks.members] = z[:, None, :]
        at_once = max(1, _AT_ONCE // (len(z) * max(len(self.kept), joint.p)))
        out = np.full((len(modes.x), blocks.size), np.nan)
        usable = np.flatnonzero(modes.found)
        for rows in np.split(usable, range(at_once, len(usable), at_once)):
            some = inputs and {name: part[rows] for name, part in inputs.items()}
            if rows.size:
                out[rows] = self._of_some(joint, modes, rows, whole, log_weight, some)
        return out

    def _of_some(
        self,
        joint: Joint,
        modes: Modes,
        rows: NDArray[np.int_],
        whole: Array,
        log_weight: Array,
        inputs: Inputs,
    ) -> Array:
        n, k = len(rows), len(whole)
        factors = np.repeat(modes.factors[rows], k, axis=0)
        x = np.repeat(modes.x[rows], k + 1, axis=0).reshape(n, k + 1, -1)
        steps = self.structure.spread(factors, np.tile(whole, (n, 1)))
        x[:, 1:, joint.inner] += steps.reshape(n, k, -1)
        again = inputs and {name: np.repeat(part, k + 1, axis=0) for name, part in inputs.items()}
        terms = terms_at(joint, x.reshape(-1, joint.p), again)[:, self.kept]
        each = np.add.reduceat(terms, self.first, axis=1).reshape(n, k + 1, -1)
        gained = each[:, 1:] - each[:, :1] + log_weight[:, None]
        # Where the density is zero a node adds nothing.
        gained = np.where(np.isnan(gained), -np.inf, gained)
        return np.asarray(logsumexp(gained, axis=1))


def quadrature_of(joint: Joint, structure: Structure, x: Array) -> Quadrature | None:
    """Return the quadrature over the blocks of a structure; None where there is none.

    Blocks have to be small, and each term of the density one of a single block.
    """
    if not isinstance(structure, Blocks) or structure.k > _LARGEST_BLOCK:
        return None
    block = block_of_terms(joint, structure, x)
    if block is None or len(np.unique(block[block < structure.size])) < structure.size:
        return None
    return Quadrature(structure, block)


def block_of_terms(joint: Joint, structure: Blocks, x: Array) -> NDArray[np.int_] | None:
    """Return of which block each term is, (terms,), the number of blocks for none; None if of two.

    That is told at `x`, (p,), by shifting the blocks whose number has a certain bit: a term that
    changes with either value of it depends on two.
    """
    number = np.empty(structure.d, int)
    number[structure.members] = np.arange(structure.size)[:, None]
    bits = max(1, math.ceil(math.log2(max(structure.size, 2))))
    shift = np.random.default_rng(0).uniform(*_SHIFTS, structure.d)
    rows = [x]
    for bit, value in itertools.product(range(bits), (0, 1)):
        row = x.copy()
        row[joint.inner] += np.where((number >> bit) & 1 == value, shift, 0.0)
        rows.append(row)
    own = joint.density.bound
    inputs = {name: np.repeat(part[None], len(rows), axis=0) for name, part in own.items()} or None
    with np.errstate(all="ignore"):
        terms = terms_at(joint, np.array(rows), inputs)
    changed = (terms[1:] != terms[0]).reshape(bits, 2, -1)
    if not np.all(np.isfinite(terms)) or np.any(changed.all(axis=1)):
        return None
    block = np.sum(changed[:, 1] << np.arange(bits)[:, None], axis=0)
    return np.where(changed.any(axis=(0, 1)), block, structure.size)


def terms_at(joint: Joint, x: Array, inputs: Inputs) -> Array:
    """Return what the density of data and latents is the sum of, (batch, terms)."""
    functions = joint.density.functions
    function = functions.kept(
        "terms of the joint density",
        lambda: row_function(
            functions.compile,
            joint.density.graphs.row,
            [joint.terms],
            vectorised=functions.is_vectorised,
        ),
    )
    size = functions.kept("number of terms", lambda: _size(joint, function, x, inputs))
    return joint.density.call(function, [(size,)], [x], inputs)[0]


def _size(joint: Joint, function: object, x: Array, inputs: Inputs) -> int:
    own = joint.density.bound if inputs is None else {name: inputs[name][0] for name in inputs}
    rows = [one.batch(own[name][None]) for name, one in joint.density.inputs.items()]
    return int(function(x[:1], *rows)[0].shape[1])  # type: ignore[operator]
