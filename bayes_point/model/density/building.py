"""Graphs are made faster without what PyTensor and Python do besides."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytensor

__all__ = ["building"]


@contextmanager
def building() -> Iterator[None]:
    """Make graphs without noting who made each variable, and without a look for garbage.

    In double precision, whatever the user's models are in.

    Nearly all that is made is kept, and each look goes through all of PyMC again: the two together
    are up to half of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        with pytensor.config.change_flags(traceback__limit=0, floatX="float64"):
            yield
    finally:
        if enabled:
            gc.enable()
