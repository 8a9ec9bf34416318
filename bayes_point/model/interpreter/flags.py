"""PyTensor's settings while graphs are rewritten and compiled here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytensor

__all__ = ["interpreting"]


@contextmanager
def interpreting(cxx: str = "") -> Iterator[None]:
    """Rewrite and compile without a C compiler, by default; print nothing of rewrites that fail.

    Without a C compiler named, the inside of a scan is interpreted as well.  A rewrite that fails
    is left out; of its own PyTensor prints a traceback as well, with which a user can do nothing.
    """
    failing = pytensor.config.on_opt_error
    failing = "ignore" if failing == "warn" else failing
    with pytensor.config.change_flags(cxx=cxx, on_opt_error=failing):
        yield
