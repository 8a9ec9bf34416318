"""An explanation in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bayes_point.comparison.causes.chain import NAMES

__all__ = ["sentence"]

# What lies between MAP and mean, as a sentence names it; the skew is one.
_BETWEEN = {
    "skew": "skew",
    "marginal": "joint against marginal",
    "parametrisation": "parametrisation",
}

# Together where these draws cannot tell the two apart: they know the mode of the marginal, which
# lies between, least of all points.
_TOGETHER = "joint against marginal and skew, which these draws do not separate"

_NOTHING = 0.005
"""Posterior sd that are 0.00 as they are written."""


def sentence(
    label: str,
    shift: Mapping[str, float],
    mcse: Mapping[str, float],
    noise: Mapping[str, bool],
    needed: Mapping[str, float],
    missing: Mapping[str, str],
) -> str:
    """Say why the mean of one parameter lies where it does.

    Parameters
    ----------
    label : str
    shift, mcse : dict of {str : float}
        By term, in posterior sd: those of `explain`, "skew" (both its steps), "shape" (that and
        the marginal's), "MAP" (to the mean).
    noise : dict of {str : bool}
        Whether a term may as well be 0.
    needed : dict of {str : float}
        By term: how many draws would determine it, 0 where these do.
    missing : dict of {str : str}
        By point, why it is missing.
    """
    noise = {t: noise[t] or needed.get(t, 0.0) > 0 for t in noise}
    if "mean" in missing:
        return f"{label}: its draws are {missing['mean']}, so there is nothing to explain."
    whole, error = shift["MAP"], mcse["MAP"]
    if math.isnan(whole):
        parts = [f"the mean cannot be set against the MAP, which is {missing['MAP']}"]
    elif noise["MAP"]:
        parts = [
            f"the mean and the MAP agree within the error"
            f" ({_size(whole, error)} ± {_error(error)} sd)"
        ]
        parts += _cancelling(shift, mcse, noise)
    else:
        side = "above" if whole > 0 else "below"
        parts = [f"the mean lies {_size(whole, error)} sd {side} the MAP"]
        parts.append(_causes(shift, mcse, noise, math.copysign(1, whole)))
        parts.append(_undetermined(needed))
    parts.append(_prior(shift, mcse, whole, missing))
    parts += [
        f"{NAMES[point]} is {missing[point]}"
        for point in ("mode", "marginal mode")
        if point in missing
    ]
    return f"{label}: {'; '.join(p for p in parts if p)}."


def _causes(
    shift: Mapping[str, float], mcse: Mapping[str, float], noise: Mapping[str, bool], sign: float
) -> str:
    """Name the terms that are more than noise, the largest first."""
    names = dict(_BETWEEN)
    clear = [t for t in ("skew", "marginal") if not noise[t]]
    # One that exceeds the sum of both would need the other, which is noise, to set it off.
    if not clear or (len(clear) == 1 and abs(shift[clear[0]]) > abs(shift["shape"]) + _NOTHING):
        names = {"parametrisation": names["parametrisation"], "shape": _TOGETHER}
    real = [t for t in names if not noise[t] and _written(shift[t], mcse[t])]
    along = [t for t in real if sign * shift[t] > 0]
    against = [t for t in real if sign * shift[t] < 0]
    along.sort(key=lambda t: -abs(shift[t]))
    against.sort(key=lambda t: -abs(shift[t]))
    said = [f"{_size(shift[t], mcse[t])} {names[t]}" for t in along]
    if said:
        number, _, cause = said[0].partition(" ")
        said[0] = f"{number} of it is {cause}"
    elif not against:
        return "no single cause exceeds its Monte Carlo error"
    less = [f"{_size(shift[t], mcse[t])} {names[t]}" for t in against]
    text = ", ".join(said)
    if less:
        text += f"{', ' if text else ''}offset by {' and '.join(less)}"
    return text


def draws_in_words(needed: float) -> str:
    """Return a number of draws, to two digits and rounded up."""
    digits = max(0, math.floor(math.log10(needed)) - 1)
    return f"{math.ceil(needed / 10**digits) * 10**digits:,} draws"


def _undetermined(needed: Mapping[str, float]) -> str:
    """Say how many draws would determine the terms that these do not."""
    most = max((needed[t] for t in _BETWEEN if needed[t] > 0), default=0.0)
    if not most:
        return ""
    names = " and ".join(_BETWEEN[t] for t in reversed(_BETWEEN) if needed[t] > 0)
    return f"about {draws_in_words(most)} would determine {names}"


def _cancelling(
    shift: Mapping[str, float], mcse: Mapping[str, float], noise: Mapping[str, bool]
) -> list[str]:
    """Name the terms that are more than noise where their sum is not."""
    real = [t for t in _BETWEEN if not noise[t] and _written(shift[t], mcse[t])]
    if not real:
        return []
    said = [f"{_BETWEEN[t]} {'+' if shift[t] > 0 else '−'}{_size(shift[t], mcse[t])}" for t in real]
    if len({shift[t] > 0 for t in real}) == 2:
        return [f"{', '.join(said)} cancel within the error"]
    verb = "exceeds its" if len(said) == 1 else "exceed their"
    return [f"of the causes only {' and '.join(said)} {verb} Monte Carlo error"]


def _prior(
    shift: Mapping[str, float], mcse: Mapping[str, float], whole: float, missing: Mapping[str, str]
) -> str:
    pull, error = shift["prior"], mcse["prior"]
    if "MLE" in missing:
        return f"the effect of the prior is unknown, because the MLE is {missing['MLE']}"
    if math.isnan(pull):
        return ""
    if not _written(pull, error):
        return (
            "the prior has no effect"
            if abs(pull) < 1e-4
            else "the prior moves it by less than 0.01"
        )
    if whole * pull < 0:
        return f"the prior had moved the MAP by {_size(pull, error)} sd the other way"
    return f"the prior accounts for a further {_size(pull, error)} sd from the MLE"


def _written(value: float, error: float) -> bool:
    return math.isfinite(value) and abs(value) >= (_NOTHING if error < 0.25 else 10 * _NOTHING)


def _size(value: float, error: float) -> str:
    """Return the value without its sign, with the digits that its error leaves."""
    return f"{abs(value):.{1 if error >= 0.25 else 2}f}"


def _error(error: float) -> str:
    return f"{error:.2f}" if error >= 0.01 else f"{error:.1g}"
