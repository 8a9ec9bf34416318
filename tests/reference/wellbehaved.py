"""The well-behaved half of the zoo: every model here has an interior maximum, known to 6 digits."""

from __future__ import annotations

from tests.reference.coins import COINS
from tests.reference.families import FAMILIES
from tests.reference.normals import NORMALS
from tests.reference.regressions import REGRESSIONS

__all__ = ["WELLBEHAVED"]

WELLBEHAVED = (*COINS, *NORMALS, *FAMILIES, *REGRESSIONS)
