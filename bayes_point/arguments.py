"""What a user passes, checked: one checker for each kind of argument."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from bayes_point.errors import ModelError

__all__ = [
    "choice",
    "generator",
    "labels",
    "names",
    "probability_inside",
    "seconds",
    "truth_value",
    "whole_number",
]


# What is counted is held in memory, a row of numbers each: a billion are at least 8 GB.
_COUNTABLE = 10**9


def generator(value: Any) -> np.random.Generator:
    """Return NumPy's generator for a `random_seed`."""
    try:
        if isinstance(value, bool):
            raise TypeError("a truth value")
        return np.random.default_rng(value)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"random_seed must be None, a whole number of at least 0, several of them, or a NumPy "
            f"Generator; got {value!r}. Give for instance random_seed=1."
        ) from error


def names(name: str, value: Any) -> list[str] | None:
    """Return `value`, a name or several of them, as a list; None where it is None."""
    if value is None:
        return None
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, Collection) or not all(isinstance(one, str) for one in several):
        raise ModelError(
            f"{name} must be the name of a variable, or a list of names, got {value!r}."
        )
    return list(several)


def choice(name: str, value: Any, allowed: Sequence[str | None]) -> None:
    """Raise if `value` is none of those allowed."""
    if not isinstance(value, str | None) or value not in allowed:
        raise ModelError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}.")


def labels(name: str, value: Any) -> dict[Hashable, Any]:
    """Return `value`, labels by the name of a dim, as a dict; empty where it is None."""
    if not isinstance(value, Mapping | None):
        raise ModelError(
            f"{name} must be a dict of labels by dim, such as {{'group': ['a']}}, got {value!r}."
        )
    return dict(value or {})


def probability_inside(name: str, value: Any) -> float:
    """Return `value` if it is a number between 0 and 1, neither included."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < 1:
        raise ModelError(f"{name} must be a number between 0 and 1, got {value!r}.")
    return float(value)


def seconds(name: str, value: Any) -> float | None:
    """Return `value` if it is None or a number of seconds above 0."""
    if value is None:
        return None
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < np.inf:
        raise ModelError(
            f"{name} must be None, or a number of seconds above 0, got {value!r}. Leave it out for "
            "no limit."
        )
    return float(value)


def truth_value(name: str, value: Any) -> bool:
    """Return `value` if it is True or False, and not, say, a word."""
    if not isinstance(value, bool | np.bool_):
        raise ModelError(f"{name} must be True or False, got {value!r}.")
    return bool(value)


def whole_number(name: str, value: Any, least: int) -> int:
    """Return `value` if it is a whole number of at least so much, and one that NumPy can count."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ModelError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    if int(value) > _COUNTABLE:
        raise ModelError(f"{name} must be a whole number of at most {_COUNTABLE:,}, got {value!r}.")
    return int(value)
