"""How many maxima a search from random starts has not seen yet."""

from __future__ import annotations

__all__ = ["expected_unseen"]


def expected_unseen(seen: int, starts: int) -> float:
    """Return the expected number of local maxima that no start has led to.

    The posterior expectation under a flat prior on their number and on the sizes of their regions
    of attraction, less those seen: ``seen (starts - 1) / (starts - seen - 2) - seen``.

    Parameters
    ----------
    seen : int
        Number of distinct maxima that were found.
    starts : int
        Number of starts that were tried.

    Returns
    -------
    float
        Infinite where there were too few starts for the number to have an expectation.

    References
    ----------
    C. G. E. Boender and A. H. G. Rinnooy Kan (1987), Bayesian stopping rules for multistart global
    optimization methods, Mathematical Programming 37, 59-80, https://doi.org/10.1007/BF02591684

    Examples
    --------
    >>> expected_unseen(1, 8) < 0.5, expected_unseen(2, 8)
    (True, 1.5)
    """
    spare = starts - seen - 2
    return seen * (starts - 1) / spare - seen if spare > 0 else float("inf")
