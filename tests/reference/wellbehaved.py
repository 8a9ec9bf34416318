"""The well-behaved half of the zoo: every model here has an interior maximum, known to 6 digits."""

from __future__ import annotations

from tests.reference.cases import CASES
from tests.reference.coins import COINS
from tests.reference.eight_schools import EIGHT_SCHOOLS_WELLBEHAVED
from tests.reference.families import FAMILIES
from tests.reference.forty_digits import FORTY_DIGITS
from tests.reference.garch import GARCH
from tests.reference.multivariate import MULTIVARIATE
from tests.reference.nist import NIST
from tests.reference.normals import NORMALS
from tests.reference.published import PUBLISHED
from tests.reference.regressions import REGRESSIONS

__all__ = ["WELLBEHAVED"]

WELLBEHAVED = (
    *COINS,
    *NORMALS,
    *FAMILIES,
    *REGRESSIONS,
    *FORTY_DIGITS,
    *MULTIVARIATE,
    *CASES,
    *NIST,
    *PUBLISHED,
    *GARCH,
    *EIGHT_SCHOOLS_WELLBEHAVED,
)
