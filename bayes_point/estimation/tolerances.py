"""Thresholds that several rooms share, each with its unit and the reason for it.

What one file alone compares with stands at the head of that file, named as well.  In `optimise`,
`nonsmooth` and `certificate` no comparison has a bare number but counts, signs and a half;
`tests/test_layers.py` sees to it.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "CLEAR",
    "EPS",
    "FEW_ULPS",
    "LEAST_PART",
    "NOTHING",
    "PLAIN",
    "SAME_VALUE",
    "STILL",
    "STILL_NOISES",
    "SUM_ULPS",
]

# Unit in the last place of a number near one.
EPS = float(np.finfo(np.float64).eps)
# Two values of the log density that differ by less than this, relative to 1 + |value|, are the
# same: a thousand terms of like size lose three of sixteen digits, and a factor of a thousand is
# left for those that cancel.
SAME_VALUE = 1e-9
# Part of the largest below which an entry of a direction, or a slope along it, is nothing: a track
# or an eigenvector is exact to about the root of the rounding.
NOTHING = 1e-6
# Squared distance to a maximum, in standard errors, at which the way that is left is nothing: a
# millionth of one.  Where rounding hides it, so many times the rounding of the log density, of
# which a squared distance is twice.
STILL, STILL_NOISES = 1e-12, 4.0
# Part of what a parabola promises that a gain, or a fall, has to come to. Armijo's constant, with
# room for a third derivative.
LEAST_PART = 0.05
# So many times its rounding is a change of the log density that means something; and one that is
# beyond doubt, also after two digits were lost.
CLEAR, PLAIN = 10.0, 100.0
# Rounding of one number after an operation or two, and of a sum, in units in the last place.
FEW_ULPS, SUM_ULPS = 4.0, 64.0
