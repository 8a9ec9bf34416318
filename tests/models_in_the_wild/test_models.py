"""The quick ones of the models in the wild; the others by ``benchmarks/models_in_the_wild.py``."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

import bayes_point as bp
from bayes_point.estimation.certificate.status import Status

# Those with an answer in closed form that need no package besides ours.
QUICK = (
    "data/shared_regression",
    "data/shared_offset",
    "data/dims_none",
    "data/mutable_coords",
    "data/minibatch",
    "data/minibatch_regression",
    "blackbox/two_parameters",
    "conditioned/observed_later",
    "conditioned/observed_regression",
    "conditioned/intervened",
    "conditioned/dims_counts",
    "families/censored_weibull",
    "families/truncated_counts",
    "families/custom_dist",
    "spatial/zero_sum_choice",
)
FOLDER = Path(__file__).parent


def _module(name: str):
    return importlib.import_module(f"tests.models_in_the_wild.{name.replace('/', '.')}")


@pytest.mark.parametrize("name", QUICK)
def test_known_mle(name: str) -> None:
    wild = _module(name)
    mle = bp.find_MLE(
        wild.model(),
        potentials=getattr(wild, "POTENTIALS", None),
        random_seed=1,
        progressbar=False,
    )
    assert mle.status is Status.CONVERGED
    for variable, value in wild.MLE.items():
        np.testing.assert_allclose(mle.point[variable], value, rtol=1e-5, atol=1e-7)


def test_every_model_says_what_it_is() -> None:
    names = [
        str(path.relative_to(FOLDER).with_suffix(""))
        for path in FOLDER.glob("*/*.py")
        if not path.name.startswith("_")
    ]
    assert len(names) >= 60
    for name in names:
        wild = _module(name)
        assert wild.__doc__
        assert wild.ROW
        assert callable(wild.model)
        assert set(getattr(wild, "HAS", ())) <= {"mle", "map"}


def test_minibatches_are_told_of() -> None:
    mle = bp.find_MLE(_module("data/minibatch").model(), progressbar=False)
    [finding] = [one for one in mle.findings if "minibatches" in one.what]
    assert "400 rows" in finding.what


def test_differences_are_told_of() -> None:
    wild = _module("blackbox/two_parameters")
    mle = bp.find_MLE(wild.model(), potentials="likelihood", progressbar=False)
    [finding] = [one for one in mle.findings if "no gradient" in one.what]
    # The standard error of the mean is 0.24, and Ridders' differences are good to 1e-9.
    assert 0 <= finding.evidence["their error, in standard errors"] < 1e-6
    # The observed information of a normal sample at its MLE: s^2 / n and s^2 / (2 n).
    s, n = float(mle.point["s"]), len(wild.Y)
    errors = mle.stderr()
    assert float(errors["mu"]) == pytest.approx(s / np.sqrt(n), rel=1e-5)
    assert float(errors["s"]) == pytest.approx(s / np.sqrt(2 * n), rel=1e-5)


def test_op_that_raises_far_out() -> None:
    wild = _module("blackbox/eigenvalues")
    mle = bp.find_MLE(wild.model(), random_seed=1, progressbar=False)
    assert mle.status is Status.CONVERGED
    # The mean is one number, the largest eigenvalue, so that the residuals are those of the mean.
    assert float(mle.point["s"]) == pytest.approx(wild.Y.std(), rel=1e-6)
