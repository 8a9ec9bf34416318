"""Derivatives by differences."""

from __future__ import annotations

from typing import Any

__all__ = ["FOURTH_ORDER_STEP", "ROUGH_STEP", "central_difference"]

# Relative step of a difference of gradients: rounding and truncation are both near 1e-12.
FOURTH_ORDER_STEP = 1e-4
# That of one of second order, for half the work: both are near 1e-10.
ROUGH_STEP = 1e-5


def central_difference(far: Any, near: Any, back: Any, far_back: Any, h: Any) -> Any:
    """Return the derivative from the values at 2h, h, -h and -2h.

    Central differences, extrapolated (Richardson): the error of order h squared cancels.
    """
    return (8 * (near - back) - (far - far_back)) / (12 * h)
