"""Numbers as text, with the digits that their Monte Carlo error supports."""

from __future__ import annotations

import math

__all__ = ["decimals_of", "number_text", "round_to_spec"]

# Beyond these a plain decimal number is hard to read.
_LARGE, _MANY_DECIMALS = 1e7, 7


def decimals_of(error: float) -> int | None:
    """Decimal places that a number with this standard error supports.

    The last digit shown is that of twice the error, as in ``arviz.summary``: 0.0037 supports three
    decimals, 0.06 one, 30 none and rounding to tens (-1). None if the error is unknown or 0.
    """
    if not math.isfinite(error) or error <= 0:
        return None
    return -math.floor(math.log10(2 * error))


def number_text(value: float, decimals: int | None, *, sign: bool = False) -> str:
    """Write `value` with that many decimals; four significant digits if `decimals` is None.

    Numbers that would be very long are written with an exponent, to the same digit. A `sign` in
    front of positive numbers too, if asked for.
    """
    plus = "+" if sign else ""
    if not math.isfinite(value):
        return f"{value:{plus}f}"
    if decimals is None:
        return f"{value:{plus}.4g}"
    rounded = round(value, decimals)
    if rounded == 0:
        # Zero has no sign: what was rounded away may have had either.
        return f"{0:.{max(decimals, 0)}f}" if decimals <= _MANY_DECIMALS else "0"
    if abs(rounded) >= _LARGE or decimals > _MANY_DECIMALS:
        digits = max(math.floor(math.log10(abs(rounded))) + decimals, 0)
        return f"{rounded:{plus}.{digits}e}"
    return f"{rounded:{plus}.{max(decimals, 0)}f}"


def round_to_spec(value: float, spec: int | str) -> float:
    """Round to decimals (int), or significant digits ("3g"); "none" leaves the value alone."""
    if spec == "none" or not math.isfinite(value) or value == 0:
        return value
    if isinstance(spec, str):
        return round(value, int(spec[:-1]) - 1 - math.floor(math.log10(abs(value))))
    return round(value, spec)
