"""Each check by itself: a density of which its claim is true, one of which it is not, a near miss.

The densities are functions written down as a potential, so that the answer is seen by eye.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from bayes_point.estimation.certificate.case import Case
from bayes_point.estimation.certificate.certify import CHECKS, HERE, certify
from bayes_point.estimation.certificate.checks.better_nearby import better_nearby
from bayes_point.estimation.certificate.checks.escape import escape
from bayes_point.estimation.certificate.checks.flat import flat
from bayes_point.estimation.certificate.checks.growing import growing
from bayes_point.estimation.certificate.checks.kink import kink
from bayes_point.estimation.certificate.checks.lost import lost
from bayes_point.estimation.certificate.checks.pole_here import pole_here
from bayes_point.estimation.certificate.checks.runaway import runaway
from bayes_point.estimation.certificate.checks.settle import settle
from bayes_point.estimation.certificate.checks.spike import spike
from bayes_point.estimation.certificate.checks.stationary import stationary
from bayes_point.estimation.certificate.checks.undecided import undecided
from bayes_point.estimation.certificate.checks.wall import wall
from bayes_point.estimation.certificate.record import Certificate
from bayes_point.estimation.certificate.status import Finding, Status
from bayes_point.estimation.certificate.verdicts import Better, Claim, Passed
from bayes_point.estimation.objective import Objective
from bayes_point.model.density.density import LogDensity

type Function = Callable[..., pt.TensorVariable]


@pytest.fixture(autouse=True)
def _what_is_not_finite_is_expected() -> Iterator[None]:
    with np.errstate(all="ignore"):  # as in find_MLE
        yield


def objective(function: Function, p: int = 1) -> Objective:
    """A density of p parameters, a, b, ..., that is given by its logarithm."""
    with pm.Model() as model:
        parameters = [pm.Flat(name) for name in "abc"[:p]]
        pm.Potential("f", function(*parameters))
    return Objective(LogDensity(model), {"potential": 1.0})


def case(function: Function, *x: float, **kwargs: object) -> Case:
    point = np.array(x)
    held = kwargs.pop("held", False)
    given = {"start": np.zeros(len(x)), "centre": np.zeros(len(x)), "settled": True, **kwargs}
    made = Case(objective(function, len(x)), point, **given)
    made.held = np.full(len(x), held)
    return made


def said(verdict: object) -> str | None:
    """The verdict in a word."""
    if isinstance(verdict, Claim):
        return verdict.status.key
    return {Passed: "passed", Better: "better"}.get(type(verdict))


def parabola(a: pt.TensorVariable) -> pt.TensorVariable:
    return -(a**2) / 2


@pytest.mark.parametrize(
    ("x", "expected"),
    # One standard error is one here, and a millionth of it is allowed.
    [(0.1, "not_converged"), (0.0, "passed"), (5e-7, "passed"), (5e-5, "not_converged")],
)
def test_stationary(x: float, expected: str) -> None:
    assert said(stationary(case(parabola, x))) == expected


def test_flat() -> None:
    # The density depends on a + b alone: flat along (1, -1).
    claim = flat(case(lambda a, b: -((a + b - 2) ** 2) / 2, 1.0, 1.0))
    assert isinstance(claim, Claim)
    assert claim.status is Status.NOT_IDENTIFIED
    assert claim.parameters == ("a", "b")
    assert claim.null_space is not None
    np.testing.assert_allclose(claim.null_space[:, 0], -claim.null_space[:, 1], rtol=1e-6)
    # A round hill: no direction is in doubt, and nothing is asked.
    assert flat(case(lambda a, b: -(a**2) - b**2, 0.0, 0.0)) is None
    # Held by next to nothing, with a standard error of a million, is held all the same.
    hardly = case(lambda a, b: -((a + b - 2) ** 2) / 2 - ((a - b) / 1e6) ** 2 / 2, 1.0, 1.0)
    assert said(flat(hardly)) == "passed"


def test_growing() -> None:
    claim = growing(case(lambda a: 1.0 * a, 0.0))
    assert isinstance(claim, Claim)
    assert claim.status is Status.UNBOUNDED
    assert claim.parameters == ("a",)
    assert claim.value == np.inf
    assert growing(case(parabola, 0.0)) is None
    # It rises for ever as well, but no higher than zero.
    assert said(growing(case(lambda a: -pt.exp(-a), 3.0))) == "passed"


def test_escape() -> None:
    claim = escape(case(lambda a: -pt.exp(-a), 30.0))
    assert isinstance(claim, Claim)
    assert claim.status is Status.AT_INFINITY
    assert claim.value == pytest.approx(0.0, abs=1e-6)  # the supremum
    assert claim.direction is not None
    assert claim.direction[0] > 0
    # A maximum at which the search came to rest is not asked; one at which it did not leads home.
    assert escape(case(parabola, 0.0)) is None
    assert said(escape(case(parabola, 0.1, settled=False))) == "passed"
    # A maximum that is a hundred away, and as wide.
    wide = case(lambda a: -(((a - 100) / 100) ** 2) / 2, 90.0, settled=False)
    assert said(escape(wide)) == "passed"


def test_runaway() -> None:
    claim = runaway(case(lambda a: 1.0 * a, 300.0, settled=False))
    assert isinstance(claim, Claim)
    assert claim.status is Status.UNBOUNDED
    # The search came to rest: not asked.
    assert runaway(case(lambda a: 1.0 * a, 300.0)) is None
    # As far, towards a limit; and without end, but not so far that it is looked at.
    assert said(runaway(case(lambda a: -pt.exp(-a / 20), 300.0, settled=False))) == "passed"
    assert said(runaway(case(lambda a: 1.0 * a, 50.0, settled=False))) == "passed"


def test_spike() -> None:
    # At one, a unit in the last place is 2e-16: half its square times the curvature is the change.
    assert said(spike(case(lambda a: -1e33 * (a - 1) ** 2, 1.0))) == "unbounded"
    assert said(spike(case(lambda a: -((a - 1) ** 2), 1.0))) == "passed"
    assert said(spike(case(lambda a: -1e28 * (a - 1) ** 2, 1.0))) == "passed"


def test_pole_here() -> None:
    claim = pole_here(case(lambda a: -0.5 * pt.log(abs(a)) - a**2, 1e-15, held=True))
    assert isinstance(claim, Claim)
    assert claim.status is Status.UNBOUNDED
    assert claim.parameters == ("a",)
    assert pole_here(case(parabola, 0.0)) is None
    # Its slope is infinite as well, but the root of the distance is not.
    cusp = case(lambda a: -pt.sqrt(abs(a)), 1e-15, held=True)
    assert said(pole_here(cusp)) == "passed"


def test_wall() -> None:
    ends = case(lambda a: pt.switch(a <= 1, a, -np.inf), 1.0, held=True)
    assert said(wall(ends)) == "on_boundary"
    assert wall(case(parabola, 0.0)) is None
    # Steep as it may be, it goes on.
    assert said(wall(case(lambda a: -1e6 * abs(a - 1), 1.0, held=True))) == "passed"


def test_kink() -> None:
    claim = kink(case(lambda a: -abs(a), 0.0, held=True))
    assert isinstance(claim, Claim)
    assert claim.status is Status.CONVERGED
    assert claim.parameters == ("a",)
    assert kink(case(parabola, 0.0)) is None
    disputed = case(lambda a: -abs(a), 0.0, held=True)
    disputed.claims.append(Claim(disputed.point, Status.ON_BOUNDARY))
    assert kink(disputed) is None


def test_better_nearby() -> None:
    def wells(a: pt.TensorVariable) -> pt.TensorVariable:
        return -((a**2 - 1) ** 2)

    better = better_nearby(case(wells, 0.0))
    assert isinstance(better, Better)
    assert abs(better.x[0]) == pytest.approx(1.0)
    assert said(better_nearby(case(wells, 1.0))) == "passed"
    # Its blind spot: the better one is across a valley, five standard errors away.
    # Its slope, -32 a (a^2 - 1) + 0.1, has three roots, the first of which is the lower maximum.
    lower = float(np.sort(np.roots([-32.0, 0.0, 32.0, 0.1]))[0])
    tilted = case(lambda a: -8 * (a**2 - 1) ** 2 + 0.1 * a, lower)
    assert said(better_nearby(tilted)) == "passed"


def test_undecided() -> None:
    # It rises to one side, towards a limit: neither flat nor falling both ways.
    assert said(undecided(case(lambda a: -pt.exp(-a), 3.0))) == "not_converged"
    assert undecided(case(parabola, 0.0)) is None
    # Flat is an answer.
    assert said(undecided(case(lambda a: 0 * a, 0.0))) == "passed"


def test_lost() -> None:
    def hill(sd: float) -> Function:
        return lambda a: -(((a - 1e9) / sd) ** 2) / 2

    # Ten thousand times a thousand million is 1e13.
    assert said(lost(case(hill(1e15), 1e9))) == "not_converged"
    assert said(lost(case(parabola, 0.0))) == "passed"
    assert said(lost(case(hill(1e12), 1e9))) == "passed"


def test_settle() -> None:
    better = settle(case(lambda a: -pt.sqrt(a**2 + 1e-300), 0.3, settled=False))
    assert isinstance(better, Better)
    assert better.held is not None
    assert better.held[0]
    assert better.x[0] == pytest.approx(0.0, abs=1e-12)
    assert settle(case(parabola, 0.0)) is None
    # At rest but for rounding: it stays where it is.
    there = case(parabola, 1e-8, settled=False)
    stays = settle(there)
    assert isinstance(stays, Better)
    assert stays.x is there.x


def test_claims_come_to_the_status_that_says_most() -> None:
    point = case(parabola, 0.0).point

    def claim(status: Status, **kwargs: bool) -> Claim:
        return Claim(point, status, (Finding(status.key, ("a",)),), **kwargs)

    both = [claim(Status.ON_BOUNDARY), claim(Status.NOT_IDENTIFIED)]
    certificate = Certificate.concluded(both)
    assert certificate.status is Status.NOT_IDENTIFIED
    # What was claimed besides is kept, and said.
    assert [finding.what for finding in certificate.findings] == ["not_identified", "on_boundary"]
    assert [one.parameters for one in certificate.claims] == [("a",), ("a",)]
    # A proof leaves nothing for the others to say; the audit overrules them all.
    proof = Certificate.concluded([*both, claim(Status.UNBOUNDED, is_proof=True)])
    assert [finding.what for finding in proof.findings] == ["unbounded"]
    overruled = claim(Status.NOT_CONVERGED, is_proof=True, overrules=True)
    assert Certificate.concluded([*proof.claims, overruled]).status is Status.NOT_CONVERGED


def test_a_certificate_prints_as_a_table_of_checks() -> None:
    start = np.zeros(2)
    found = objective(lambda a, b: -((a + b - 2) ** 2) / 2, 2)
    certificate = certify(found, np.ones(2), start=start, centre=start, settled=True)
    lines = str(certificate).splitlines()
    assert lines[0] == Status.NOT_IDENTIFIED.value
    assert lines[1].split() == ["check", "verdict", "evidence"]
    assert [line.split()[0] for line in lines[2:]] == [
        said.check.split("_")[0] for said in certificate.checks
    ]
    [row] = [line for line in lines if line.startswith("  flat")]
    assert row.split() == ["flat", "not", "identified", "a,", "b"]
    html = certificate._repr_html_()
    assert html.count("<tr>") == 1 + len(certificate.checks)
    assert "<td>flat</td><td>not identified</td><td>a, b</td>" in html


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_says_what_it_rests_on(check: Callable) -> None:
    # One file, one function of its name, and a docstring that the page of proofs is made from.
    assert check.__module__.endswith(f".checks.{check.__name__}")
    assert check.__doc__ is not None
    for part in ("Evidence: ", "Blind spot: ", "Source: "):
        assert check.__doc__.count(part) == 1, part


def test_every_check_is_asked_of_a_point_at_most_once_a_round() -> None:
    assert len(set(HERE)) == len(HERE)
    start = np.zeros(1)
    certificate = certify(objective(parabola), np.zeros(1), start=start, centre=start, settled=True)
    names = [one.check for one in certificate.checks]
    assert len(set(names)) == len(names)
    assert names[-1] == "audit"
    assert certificate.status is Status.CONVERGED
