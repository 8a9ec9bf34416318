"""The zoo is whole: enough models, consistent names, and every published answer in it."""

from __future__ import annotations

import numpy as np

from tests.reference import read_all_references
from tests.reference.pathologies import PATHOLOGIES
from tests.reference.wellbehaved import WELLBEHAVED
from tests.zoo import STATUSES, Estimator

# Proven in tests/estimation/test_whitening.py: in the zoo each truth is a stationary point of the
# density in double precision, and this one's columns are collinear to nine digits.
ELSEWHERE = {"nist_filip"}
# Where each published answer is in the zoo: (data set, estimand) to (model, estimator).
PUBLISHED: dict[tuple[str, str], tuple[str, Estimator]] = {
    **{
        (name, "mle"): (name, "mle")
        for name in read_all_references()
        if name.startswith("nist_") and name not in {"nist_mcmc_michelso", *ELSEWHERE}
    },
    ("mass_quine_negbin", "mle"): ("quine", "mle"),
    ("survreg_lung_weibull", "mle"): ("lung_censored", "mle"),
    ("lme4_dyestuff", "mle"): ("dyestuff", "mle"),
    ("challenger", "mle"): ("challenger", "mle"),
    ("endometrial_separation", "map_jeffreys"): ("endometrial_firth", "map"),
    ("endometrial_separation", "mle"): ("endometrial_separation", "mle"),
    ("lasso_swiss", "map_natural"): ("swiss_lasso", "map"),
    ("lasso_swiss", "map_ridge"): ("swiss_ridge", "map"),
    ("lasso_swiss", "mle"): ("swiss_lasso", "mle"),
    ("bioassay", "mle"): ("bioassay", "mle"),
    ("pumps", "mle"): ("pumps_marginal", "mle"),
    ("pumps", "map_natural"): ("pumps_marginal", "map"),
    ("pumps", "map_unconstrained"): ("pumps_marginal", "map_jacobian"),
    ("nist_mcmc_michelso", "mle"): ("michelson", "mle"),
    ("nist_mcmc_michelso", "map_natural"): ("michelson", "map"),
    ("nist_mcmc_michelso", "map_unconstrained"): ("michelson", "map_jacobian"),
    ("cauchy_multimodal", "mle"): ("cauchy_location", "mle"),
    ("pdb_eight_schools", "map_natural"): ("eight_schools_noncentred", "map"),
    ("pdb_eight_schools", "map_unconstrained"): ("eight_schools_noncentred", "map_jacobian"),
    ("pdb_eight_schools", "mle_marginal"): ("eight_schools_marginal", "mle"),
    ("pdb_garch11", "map_natural"): ("garch", "map"),
    ("pdb_garch11", "map_unconstrained"): ("garch_bounds", "map_jacobian"),
    ("pdb_garch11", "mle"): ("garch", "mle"),
    ("pdb_kidscore_momiq", "map_natural"): ("kidscore", "map"),
    ("pdb_kidscore_momiq", "map_unconstrained"): ("kidscore", "map_jacobian"),
    ("pdb_kidscore_momiq", "mle"): ("kidscore", "mle"),
}


def test_zoo_is_whole() -> None:
    """Names are unique, twins exist, parameters and values belong to the model."""
    zoo = {z.name: z for z in WELLBEHAVED + PATHOLOGIES}
    assert len(zoo) == len(WELLBEHAVED) + len(PATHOLOGIES)
    assert len({z.name for z in WELLBEHAVED if z.twin_of is None}) >= 35
    assert len({z.name for z in PATHOLOGIES if z.twin_of is None}) >= 45
    for zoo_model in zoo.values():
        assert zoo_model.estimators, zoo_model.name
        assert zoo_model.twin_of is None or zoo_model.twin_of in zoo, zoo_model.name
        model = zoo_model.build()
        assert (zoo_model.potentials is None) == (not model.potentials), zoo_model.name
        for estimator in zoo_model.estimators:
            truth = zoo_model.truth(estimator)
            assert set(truth.statuses) <= set(STATUSES)
            assert set(truth.point) <= set(model.named_vars), zoo_model.name
            for name in truth.parameters:
                assert {c.split("[")[0] for c in name.split("|")} <= set(model.named_vars)
            if truth.statuses == ("converged",):
                assert not truth.parameters, zoo_model.name
            else:
                assert truth.parameters or "converged" in truth.statuses, zoo_model.name


def test_wellbehaved_are() -> None:
    for zoo_model in WELLBEHAVED:
        for estimator in zoo_model.estimators:
            assert zoo_model.truth(estimator).status == "converged", zoo_model.name


def test_every_published_reference_is_used() -> None:
    zoo = {z.name: z for z in WELLBEHAVED + PATHOLOGIES}
    for name, estimands in read_all_references().items():
        if name in ELSEWHERE:
            continue
        for estimand, published in estimands.items():
            zoo_model, estimator = PUBLISHED[name, estimand]
            truth = zoo[zoo_model].truth(estimator)
            values = {k: float(str(v).lower()) for k, v in published["values"].items()}
            known = np.concatenate([np.ravel(v) for v in truth.point.values()])
            for parameter, value in values.items():
                # tau = 5e-8 is where an optimiser stopped on its way to 0.
                close = np.isclose(known, value, rtol=1e-9, atol=1e-7) | (known == value)
                assert close.any(), (name, estimand, parameter)
