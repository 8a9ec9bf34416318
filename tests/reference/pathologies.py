"""The other half of the zoo: models with no ordinary maximum, and what is true of them."""

from __future__ import annotations

from tests.reference.boundaries import BOUNDARIES
from tests.reference.boundary_counts import BOUNDARY_COUNTS
from tests.reference.infinite_counts import INFINITE_COUNTS
from tests.reference.infinities import INFINITIES
from tests.reference.separation import SEPARATION

__all__ = ["PATHOLOGIES"]

PATHOLOGIES = (*SEPARATION, *INFINITE_COUNTS, *INFINITIES, *BOUNDARY_COUNTS, *BOUNDARIES)
