"""What a user passes, checked: one checker for each kind of argument."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from bayes_point.errors import ModelError

__all__ = ["whole_number"]


def whole_number(name: str, value: Any, least: int) -> int:
    """Return `value` if it is a whole number of at least so much."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ModelError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)
