"""Draws from a density on a grid of two parameters, wide and fine enough to know it by."""

from __future__ import annotations

import numpy as np

__all__ = ["drawn_on_grid"]


def drawn_on_grid(
    a: np.ndarray, b: np.ndarray, mass: np.ndarray, size: tuple[int, int], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `size` points of a density that is constant on each cell of an even grid.

    `mass` is (len(a), len(b)); what is drawn lies in the cell around a point of the grid.
    """
    rng = np.random.default_rng(seed)
    cell = rng.choice(mass.size, size=size, p=mass.ravel() / mass.sum())
    jitter = rng.uniform(-0.5, 0.5, (2, *cell.shape))
    return (
        a[cell // len(b)] + jitter[0] * (a[1] - a[0]),
        b[cell % len(b)] + jitter[1] * (b[1] - b[0]),
    )
