"""Published data sets with answers from independent software: the references of ``data/``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.reference import case_models as models
from tests.reference import read_references
from tests.zoo import Truth, ZooModel

__all__ = ["CASES"]


def published(
    name: str,
    estimand: str,
    vector: tuple[str, Sequence[str]] | None = None,
    **kwargs: Any,
) -> Truth:
    """The reference as a Truth; `vector` names a variable and the entries that it is made of."""
    reference = read_references(name)[estimand]
    values = dict(reference["values"])
    if vector is not None:
        variable, entries = vector
        values[variable] = np.array([values.pop(entry) for entry in entries])
    kwargs = {"log_density": reference.get("loglik"), "rtol": reference["rtol"], **kwargs}
    return Truth("converged", values, reference["source"], **kwargs)


def both(*args: Any, **kwargs: Any) -> dict[str, Truth]:
    """Everything flat: the MAP is the MLE."""
    truth = published(*args, **kwargs)
    return {"mle": truth, "map": truth}


_lung = {
    **both("survreg_lung_weibull", "mle", ("beta", models.LUNG)),
    "potentials": "likelihood",
}
_slopes = ("beta", models.SWISS)
# The published log densities of the swiss data are not given; that of pumps is of the likelihood.
CASES = (
    ZooModel("quine", models.quine, **both("mass_quine_negbin", "mle", ("beta", models.QUINE))),
    ZooModel(
        "lung_censored",
        models.lung_censored,
        **both("survreg_lung_weibull", "mle", ("beta", models.LUNG)),
    ),
    ZooModel("lung_potential", models.lung_potential, **_lung, twin_of="lung_censored"),
    ZooModel("dyestuff", models.dyestuff_covariance, **both("lme4_dyestuff", "mle")),
    ZooModel(
        "dyestuff_contrasts",
        models.dyestuff_contrasts,
        **both("lme4_dyestuff", "mle"),
        twin_of="dyestuff",
    ),
    ZooModel("challenger", models.challenger, **both("challenger", "mle", n_optima=1)),
    ZooModel("bioassay", models.bioassay, **both("bioassay", "mle", n_optima=1)),
    # Its MLE is at infinity: with the pathologies.
    ZooModel(
        "endometrial_firth",
        models.endometrial_firth,
        map=published("endometrial_separation", "map_jeffreys", ("beta", models.ENDOMETRIAL)),
        potentials="prior",
    ),
    ZooModel(
        "swiss_lasso",
        models.swiss_lasso,
        mle=published("lasso_swiss", "mle", _slopes, n_optima=1),
        map=published("lasso_swiss", "map_natural", _slopes, n_optima=1, kink=True, rtol=1e-8),
    ),
    ZooModel(
        "swiss_ridge",
        models.swiss_ridge,
        mle=published("lasso_swiss", "mle", _slopes, n_optima=1),
        map=published("lasso_swiss", "map_ridge", _slopes, n_optima=1),
    ),
    ZooModel(
        "pumps_marginal",
        models.pumps_marginal,
        mle=published("pumps", "mle"),
        map=published("pumps", "map_natural"),
        map_jacobian=published("pumps", "map_unconstrained"),
    ),
    ZooModel(
        "michelson",
        models.michelson,
        mle=published("nist_mcmc_michelso", "mle"),
        map=published("nist_mcmc_michelso", "map_natural"),
        map_jacobian=published("nist_mcmc_michelso", "map_unconstrained"),
        potentials="prior",
    ),
    ZooModel(
        "kidscore",
        models.kidscore,
        mle=published("pdb_kidscore_momiq", "mle", ("beta", ["beta[1]", "beta[2]"])),
        map=published("pdb_kidscore_momiq", "map_natural", ("beta", ["beta[1]", "beta[2]"])),
        map_jacobian=published(
            "pdb_kidscore_momiq", "map_unconstrained", ("beta", ["beta[1]", "beta[2]"])
        ),
    ),
    ZooModel(
        "cauchy_location",
        models.cauchy_location,
        **both("cauchy_multimodal", "mle", n_optima=4),
    ),
)
