"""Discrete variables summed out of a log density: over each block of them that stands apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import logsumexp

from bayes_point.errors import ModelError
from bayes_point.model.density.density import LogDensity
from bayes_point.model.discrete.dependence import incidence
from bayes_point.model.discrete.support import finite_values, is_finite, some_values
from bayes_point.model.discrete.terms import Terms

__all__ = ["Sums"]

Array = NDArray[np.float64]
Ints = NDArray[np.int_]

# Joint values of one block that are summed over at most, and numbers that all terms at them are.
_MOST_VALUES, _MOST_NUMBERS = 4_096, 20_000_000
# Values of a chain's element: the terms are computed for each pair.
_MOST_PAIRED = 30
# Values of a variable without an end by which it is told what depends on it.
_TRIED = 4
# Values from the end on among which the most probable one of such a variable is looked for.
_LOOKED_AT = 1_000
# How nearly the sum of what the blocks have is the density at values drawn at random.
_SAME = 1e-9
# Points and values at which it is compared.
_POINTS, _DRAWS = 2, 4


class Sums:
    r"""How a density is summed over discrete variables.

    Elements that enter a term together are of one block, and blocks are independent given all
    else: the sum over the joint values of all is a product of sums over those of each block,

    .. math:: \log \sum_z e^{\sum_t T_t(z)} = \sum_b \log \sum_j e^{\sum_{t \in b} T_t(z_b = j)}

    The terms at the j-th value of every block are evaluated at once.  Where a block has too many
    values, and its elements follow each other in a chain, the sum is a product of matrices, as in
    the forward recursion of a hidden Markov model [1]_.

    Parameters
    ----------
    model : pymc.Model
        The model.
    density : LogDensity
        Its density, of whose inputs the variables are.
    names : sequence of str
        The variables.
    x : ndarray, (p,)
        A point from near which it is told what depends on what.

    Attributes
    ----------
    names : tuple of str
        The variables.
    d : int
        Number of their elements.
    in_words : str
        What is summed.
    in_likelihood : list of str
        Potentials that depend on them, and continuous free variables whose prior does: it is part
        of the sum.

    References
    ----------
    .. [1] L. R. Rabiner (1989), A tutorial on hidden Markov models,
       https://doi.org/10.1109/5.18626
    """

    def __init__(
        self, model: pm.Model, density: LogDensity, names: Sequence[str], x: Array
    ) -> None:
        self.names, self._density = tuple(names), density
        self._terms = Terms(density, names)
        self._shapes = [density.inputs[name].shape for name in names]
        self._values: list[Ints] = []
        endless, self._parts = [], []
        for name in names:
            finite = is_finite(model, model[name])
            found = (
                finite_values(model, model[name])
                if finite
                else some_values(model, model[name], _TRIED)
            )
            self._parts.append(slice(len(self._values), len(self._values) + len(found)))
            self._values += found
            endless += [not finite] * len(found)
        self.d = len(self._values)
        self._sizes = np.array([len(one) for one in self._values])
        # The values of all elements in one table, for look-ups by number.
        self._table = np.zeros((self.d, self._sizes.max()), int)
        for row, one in zip(self._table, self._values, strict=True):
            row[: len(one)] = one
        rng = np.random.default_rng(0)
        points = x + 0.5 * rng.standard_normal((_POINTS, density.p))
        touches = incidence(lambda rows: self._at(points[0], rows), self._sizes, self._parts, rng)
        self._arrange(model, touches, np.array(endless))
        self._verify(points, rng)

    # ------------------------------------------------------------------------- what depends on what

    def _rows(self, numbers: Ints) -> dict[str, NDArray]:
        """Return the values of the variables that have these numbers, (rows, d)."""
        values = self._table[np.arange(self.d), numbers]
        return {
            name: values[:, part].reshape(len(numbers), *shape)
            for name, part, shape in zip(self.names, self._parts, self._shapes, strict=True)
        }

    def _at(self, x: Array, numbers: Ints) -> Array:
        return self._terms.at(x, self._rows(numbers))

    def _arrange(self, model: pm.Model, touches: csr_array, endless: NDArray[np.bool_]) -> None:
        """Find the blocks, or the chains, and which terms are whose."""
        terms = self._terms
        of_term = np.full(terms.n, -1)
        _, block = connected_components(csr_array(touches.T.astype(int) @ touches.astype(int)))
        seen = np.diff(touches.indptr) > 0
        of_term[seen] = block[touches.indices[touches.indptr[:-1][seen]]]
        kinds = np.repeat(
            np.arange(4),
            [
                sum(terms.sizes[: len(terms.data)]),
                sum(self._sizes_of(terms.potentials)),
                sum(self._sizes_of(terms.own)),
                sum(self._sizes_of(terms.free)),
            ],
        )
        self.in_likelihood = [
            variable.name
            for variable, size, start in zip(
                terms.variables, terms.sizes, terms.starts, strict=False
            )
            if variable in (*terms.potentials, *terms.free)
            and np.any(of_term[start : start + size] >= 0)
        ]
        members = [np.flatnonzero(block == b) for b in range(block.max() + 1)]
        # What enters nothing but its own distribution sums to one, whatever its support.
        inner = np.ones(len(members), bool)
        inner[of_term[(of_term >= 0) & (kinds != 2)]] = False
        leaves = inner & np.array([endless[own].any() for own in members])
        for b in np.flatnonzero(~leaves):
            if endless[members[b]].any():
                finite_values(model, model[self._name_of(members[b][endless[members[b]]][0])])
        self._leaves = np.isin(of_term, np.flatnonzero(leaves))
        self._endless = endless
        kept = np.flatnonzero(~leaves)
        self._members = [members[b] for b in kept]
        number = np.full(len(members) + 1, -1)
        number[kept] = np.arange(len(kept))
        self._of_term = number[of_term]
        counts = [float(np.prod(self._sizes[own], dtype=float)) for own in self._members]
        most = max(counts, default=1.0)
        self.order = np.empty(0, int)
        if most > _MOST_VALUES or most * terms.n > _MOST_NUMBERS:
            self._as_chain(touches, counts)
        else:
            self._as_blocks([int(count) for count in counts])

    def _sizes_of(self, variables: Sequence[Any]) -> list[int]:
        sizes = dict(zip(self._terms.variables, self._terms.sizes, strict=True))
        return [sizes[variable] for variable in variables]

    def _name_of(self, element: int) -> str:
        return next(
            n for n, part in zip(self.names, self._parts, strict=True) if element < part.stop
        )

    def _as_blocks(self, counts: list[int]) -> None:
        rows = max(counts, default=1)
        self._numbers = np.zeros((rows, self.d), int)
        self._mask = np.zeros((rows, len(counts)))
        for b, (own, count) in enumerate(zip(self._members, counts, strict=True)):
            joint = np.stack(np.unravel_index(np.arange(count), self._sizes[own]), axis=1)
            self._numbers[:count, own] = joint
            self._mask[count:, b] = -np.inf
        sizes = {len(own) for own in self._members} or {0}
        blocks = f"{len(counts):,} sum{'s' if len(counts) != 1 else ''} over up to {rows:,} values"
        self.in_words = blocks + ("" if sizes == {1} else f" of up to {max(sizes)} elements")
        self._factor_of_term = self._of_term

    def _as_chain(self, touches: csr_array, counts: list[float]) -> None:
        """Order the elements so that each term is one of neighbours; raise where there is none."""
        pairs = csr_array(touches.T.astype(int) @ touches.astype(int))
        pairs.setdiag(0)
        pairs.eliminate_zeros()
        degree = np.diff(pairs.indptr)
        worst = int(np.argmax(counts))
        order = [self._path(pairs, own) for own in self._members]
        k = int(self._sizes[np.concatenate(self._members)].max())
        is_chain = np.diff(touches.indptr).max() <= 2 and degree.max() <= 2
        if not is_chain or any(one is None for one in order) or k > _MOST_PAIRED:
            own = self._members[worst].tolist()
            names = dict.fromkeys(map(self._name_of, own))
            raise ModelError(
                f"{list(names)} cannot be summed out: {len(own):,} elements depend "
                f"on each other, which have {counts[worst]:.3g} joint values. Summed over are up "
                f"to {_MOST_VALUES:,} of elements that enter a term of the density together, or "
                f"a chain, each of whose elements, of up to {_MOST_PAIRED} values, depends on "
                "those before and after it. Potentials have to be elementwise, not sums. Else "
                "hold some of them fixed with pm.do, or write the model with them summed out."
            )
        self.order = np.concatenate([one for one in order if one is not None])
        if len(self.order) * k * k > _MOST_NUMBERS:
            raise ModelError(
                f"{list(self.names)} cannot be summed out: the matrices of a chain of "
                f"{len(self.order):,} elements with {k} values each do not fit in memory."
            )
        place = np.full(self.d, -1)
        place[self.order] = np.arange(len(self.order))
        self._numbers = np.zeros((k * k, self.d), int)
        first, second = np.divmod(np.arange(k * k), k)
        last = self._sizes - 1
        self._numbers[:, self.order[::2]] = np.minimum(first[:, None], last[self.order[::2]])
        self._numbers[:, self.order[1::2]] = np.minimum(second[:, None], last[self.order[1::2]])
        # A term is part of the matrix between its element and the next one.
        left = np.full(self._terms.n, -1)
        seen = np.flatnonzero(self._of_term >= 0)
        starts = touches.indptr[seen]
        left[seen] = np.minimum(
            place[touches.indices[starts]], place[touches.indices[touches.indptr[seen + 1] - 1]]
        )
        self._factor_of_term = np.where(left >= 0, np.minimum(left, len(self.order) - 2), -1)
        self._mask = np.zeros((len(self.order) - 1, k, k))
        for t in range(len(self.order) - 1):
            self._mask[t, self._sizes[self.order[t]] :] = -np.inf
            self._mask[t, :, self._sizes[self.order[t + 1]] :] = -np.inf
        chains = f"{len(self._members):,} chain{'s' if len(self._members) != 1 else ''}"
        self.in_words = f"{chains} of up to {max(map(len, self._members)):,} elements of {k} values"

    @staticmethod
    def _path(pairs: csr_array, own: Ints) -> Ints | None:
        """Return the elements of a block in the order of their chain; None if it is none."""
        ends = [i for i in own if pairs.indptr[i + 1] - pairs.indptr[i] <= 1]
        if not ends:
            return None
        path, before = [int(ends[0])], -1
        while True:
            here = path[-1]
            on = [int(j) for j in pairs.indices[pairs.indptr[here] : pairs.indptr[here + 1]]]
            on = [j for j in on if j != before]
            if len(on) != 1:
                break
            before = here
            path.append(on[0])
        return np.array(path) if len(path) == len(own) else None

    def _verify(self, points: Array, rng: np.random.Generator) -> None:
        """Raise unless the terms at random values are those that the sums are made of."""
        for x in points:
            tables = self._at(x, self._numbers)
            drawn = rng.integers(self._sizes, size=(_DRAWS, self.d))
            for numbers, terms in zip(drawn, self._at(x, drawn), strict=True):
                # The first row is that of what is of no factor.
                row = np.append(self._row_of(numbers), 0)[self._factor_of_term]
                made = tables[row, np.arange(self._terms.n)]
                same = np.isclose(made, terms, rtol=_SAME, atol=_SAME, equal_nan=True)
                if not np.all(same | self._leaves):
                    raise ModelError(
                        f"{list(self.names)} cannot be summed out: which terms of the density "
                        "depend on which of their elements could not be told. Please report "
                        "this; meanwhile write the model with them summed out, as by pm.Mixture."
                    )

    def _row_of(self, numbers: Ints) -> Ints:
        """Return in which row each block, or each pair of neighbours, has these values."""
        if len(self.order):
            k = self._mask.shape[1]
            along = numbers[self.order]
            even = np.arange(len(along) - 1) % 2 == 0
            first = np.where(even, along[:-1], along[1:])
            second = np.where(even, along[1:], along[:-1])
            return first * k + second
        return np.array(
            [np.ravel_multi_index(numbers[own], self._sizes[own]) for own in self._members], int
        )

    # ---------------------------------------------------------------------------------- the sums

    def graphs(self) -> tuple[Any, Any, dict[str, Any]]:
        """Return the factors, their logs' sum term by term, and what is no part of any sum.

        Graphs of the model's values: (rows, blocks) or (pairs, k, k); a vector; and a vector of
        each of "likelihood", "potential" and "prior", of which the sums are none.
        """
        terms = self._terms
        whole = terms.graphs_at(self._rows(self._numbers))
        count = len(self._members) if not len(self.order) else len(self.order) - 1
        parts: list[Any] = []
        rest: dict[str, list[Any]] = {"likelihood": [], "potential": [], "prior": []}
        for variable, graph, start, size in zip(
            terms.variables, whole, terms.starts, terms.sizes, strict=False
        ):
            kind = "likelihood"
            if variable.name not in self.in_likelihood:
                kind = "potential" if variable in terms.potentials else kind
                kind = "prior" if variable in terms.free else kind
            some = slice(start, start + size)
            mine = self._factor_of_term[some]
            if np.any(mine >= 0):
                parts.append(_collected(graph, mine, count))
            alone = np.flatnonzero((mine < 0) & ~self._leaves[some])
            if len(alone):
                rest[kind].append(graph[0] if len(alone) == size else graph[0][alone])
        factors = sum(parts[1:], parts[0]) if parts else pt.zeros((len(self._numbers), count))
        if len(self.order):
            k = self._mask.shape[1]
            pairs = factors.T.reshape((count, k, k))
            even = (np.arange(count) % 2 == 0)[:, None, None]
            factors = pt.switch(even, pairs, pairs.swapaxes(1, 2)) + self._mask
            summed = _of_chain(factors, count)[None]
        else:
            factors = factors + self._mask if np.any(self._mask) else factors
            summed = _log_sum(factors, 0) if count else pt.zeros((0,))
        return factors, summed, {kind: pt.concatenate(some) for kind, some in rest.items() if some}

    def is_apart(self, name: str) -> bool:
        """Whether no two elements of a variable are of one block, or all are of a chain."""
        part = self._parts[self.names.index(name)]
        inside = ((own >= part.start) & (own < part.stop) for own in self._members)
        return len(self.order) > 0 or all(np.count_nonzero(some) <= 1 for some in inside)

    def probabilities(self, factors: Array) -> dict[str, Array]:
        """Return the probability of each value, (*shape, K), given the factors of one point.

        NaN where values have no end.
        """
        out = np.full(self._table.shape, np.nan)
        finite = ~self._endless
        out[finite] = 0.0
        if len(self.order):
            out[self.order, : self._mask.shape[1]] = _forward_backward(factors)
        else:
            weights = np.exp(factors - logsumexp(factors, axis=0)) if factors.size else factors
            for b, own in enumerate(self._members):
                for element in own:
                    np.add.at(out[element], self._numbers[:, element], weights[:, b])
        return {
            name: out[part][:, : self._sizes[part].max()].reshape(*shape, -1)
            for name, part, shape in zip(self.names, self._parts, self._shapes, strict=True)
        }

    def drawn(self, factors: Array, x: Array, rng: np.random.Generator) -> dict[str, NDArray]:
        """Return a draw of all variables, given the factors of one point, (p,)."""
        numbers = np.zeros((1, self.d), int)
        if len(self.order):
            numbers[0, self.order] = _drawn_along(factors, rng)
        elif factors.size:
            row = np.argmax(factors + rng.gumbel(size=factors.shape), axis=0)
            for own, k in zip(self._members, row, strict=True):
                numbers[0, own] = self._numbers[k, own]
        found = {name: rows[0] for name, rows in self._rows(numbers).items()}
        return found | self.endless_modes(x, rng)

    def endless_modes(self, x: Array, rng: np.random.Generator | None = None) -> dict[str, Ints]:
        """Return the most probable values at one point of variables whose values have no end.

        They are those of their own distribution: nothing else depends on them.  With `rng`, a draw.
        """
        found = {}
        for name, part, shape in zip(self.names, self._parts, self._shapes, strict=True):
            if self._endless[part].any():
                k = [variable.name for variable in self._terms.variables].index(name)
                own = slice(self._terms.starts[k], self._terms.starts[k + 1])
                rows = self._table[part][:, 0] + np.arange(_LOOKED_AT)[:, None]
                values = {name: rows.reshape(-1, *shape)} | {
                    other: np.repeat(row, _LOOKED_AT, axis=0)
                    for other, row in self._rows(np.zeros((1, self.d), int)).items()
                    if other != name
                }
                logs = self._terms.at(x, values)[:, own]
                # With noise of Gumbel's distribution the largest is a draw.
                logs = logs if rng is None else logs + rng.gumbel(size=logs.shape)
                best = np.argmax(np.where(np.isnan(logs), -np.inf, logs), axis=0)
                found[name] = (self._table[part][:, 0] + best).reshape(shape)
        return found

    def values_of(self, name: str) -> Ints:
        """Return the values that the last axis of a variable's probabilities has, (..., K)."""
        k = self.names.index(name)
        part = self._parts[k]
        width = self._sizes[part].max()
        return self._table[part][:, :width].reshape(*self._shapes[k], width)


def _collected(graph: Any, factor: Ints, count: int) -> Any:
    """Return the sums, (rows, count), of the terms, (rows, n), of each factor; -1 is none's."""
    n = len(factor)
    if n == count and np.array_equal(factor, np.arange(n)):
        return graph
    m, left = divmod(n, count)
    if not left and np.array_equal(factor, np.repeat(np.arange(count), m)):
        return graph.reshape((graph.shape[0], count, m)).sum(axis=2)
    if not left and np.array_equal(factor, np.tile(np.arange(count), m)):
        return graph.reshape((graph.shape[0], m, count)).sum(axis=1)
    # Each factor's terms side by side, and where it has fewer than others a zero, the last.
    order = np.argsort(factor, kind="stable")
    order = order[factor[order] >= 0]
    own = np.bincount(factor[order], minlength=count)
    place = np.arange(len(order)) - np.repeat(np.cumsum(own) - own, own)
    where = np.full((count, own.max()), n)
    where[factor[order], place] = order
    padded = pt.concatenate([graph, pt.zeros_like(graph[:, :1])], axis=1)
    return padded[:, where.ravel()].reshape((graph.shape[0], *where.shape)).sum(axis=2)


def _log_sum(x: Any, axis: int) -> Any:
    """Return the log of the sum of exponentials; with a slope where all of them are zero, too."""
    top = pt.max(x, axis=axis)
    is_zero = pt.isinf(top)
    base = pt.expand_dims(pt.switch(is_zero, 0.0, top), axis)
    return pt.log(pt.exp(x - base).sum(axis=axis) + is_zero) + top


def _of_chain(factors: Any, count: int) -> Any:
    """Return the log of the sum over a chain, its matrices multiplied two by two."""
    while count > 1:
        half = count // 2
        left, right = factors[: 2 * half : 2], factors[1 : 2 * half : 2]
        product = _log_sum(left[:, :, :, None] + right[:, None, :, :], 2)
        factors = pt.concatenate([product, factors[2 * half :]]) if count % 2 else product
        count = half + count % 2
    return _log_sum(factors[0].ravel(), 0)


def _forward_backward(factors: Array) -> Array:
    """Return the probability of each value of each element of a chain, (T, K)."""
    n, k, _ = factors.shape
    ahead, behind = np.zeros((n + 1, k)), _behind(factors)
    for t in range(n):
        ahead[t + 1] = logsumexp(ahead[t][:, None] + factors[t], axis=0)
        ahead[t + 1] -= logsumexp(ahead[t + 1])
    logs = ahead + behind
    return np.exp(logs - logsumexp(logs, axis=1, keepdims=True))


def _behind(factors: Array) -> Array:
    """Return the log of what comes after each value of each element of a chain, scaled, (T, K)."""
    n, k, _ = factors.shape
    behind = np.zeros((n + 1, k))
    for t in reversed(range(n)):
        behind[t] = logsumexp(factors[t] + behind[t + 1], axis=1)
        behind[t] -= logsumexp(behind[t])
    return behind


def _drawn_along(factors: Array, rng: np.random.Generator) -> Ints:
    """Return a draw of the value numbers of a chain, (T,)."""
    behind = _behind(factors)
    noise = rng.gumbel(size=behind.shape)
    drawn = [int(np.argmax(behind[0] + noise[0]))]
    for t, factor in enumerate(factors, 1):
        drawn.append(int(np.argmax(factor[drawn[-1]] + behind[t] + noise[t])))
    return np.array(drawn)
