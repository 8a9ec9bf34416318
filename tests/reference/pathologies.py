"""The other half of the zoo: models with no ordinary maximum, and what is true of them."""

from __future__ import annotations

from tests.reference.boundaries import BOUNDARIES
from tests.reference.boundary_counts import BOUNDARY_COUNTS
from tests.reference.boundary_scales import BOUNDARY_SCALES
from tests.reference.collapse import COLLAPSE
from tests.reference.discrete import DISCRETE
from tests.reference.eight_schools import EIGHT_SCHOOLS
from tests.reference.flat_columns import FLAT_COLUMNS
from tests.reference.flat_directions import FLAT_DIRECTIONS
from tests.reference.flat_likelihoods import FLAT_LIKELIHOODS
from tests.reference.infinite_and_free import INFINITE_AND_FREE
from tests.reference.infinite_counts import INFINITE_COUNTS
from tests.reference.infinities import INFINITIES
from tests.reference.kinks import KINKS
from tests.reference.latents import LATENTS
from tests.reference.prior_kinks import PRIOR_KINKS
from tests.reference.separation import SEPARATION
from tests.reference.several_optima import SEVERAL_OPTIMA
from tests.reference.unbounded import UNBOUNDED
from tests.reference.unbounded_fits import UNBOUNDED_FITS
from tests.reference.unbounded_scales import UNBOUNDED_SCALES
from tests.reference.walls import WALLS

__all__ = ["PATHOLOGIES"]

PATHOLOGIES = (
    *SEPARATION,
    *INFINITE_COUNTS,
    *INFINITE_AND_FREE,
    *INFINITIES,
    *BOUNDARY_COUNTS,
    *BOUNDARIES,
    *BOUNDARY_SCALES,
    *FLAT_DIRECTIONS,
    *FLAT_COLUMNS,
    *FLAT_LIKELIHOODS,
    *UNBOUNDED,
    *UNBOUNDED_SCALES,
    *UNBOUNDED_FITS,
    *COLLAPSE,
    *SEVERAL_OPTIMA,
    *KINKS,
    *PRIOR_KINKS,
    *WALLS,
    *DISCRETE,
    *EIGHT_SCHOOLS,
    *LATENTS,
)
