"""The page of proofs says what the checks say."""

from __future__ import annotations

from bayes_point.estimation.certificate.certify import CHECKS
from docs.proof_page import PAGE, page


def test_the_page_is_made_from_the_checks_of_today() -> None:
    assert PAGE.read_text() == page(), "run python -m docs.proof_page"


def test_every_check_is_on_the_page_in_its_order() -> None:
    heads = [line for line in PAGE.read_text().splitlines() if line.startswith("### ")]
    names = [f"### {check.__name__.replace('_', ' ').capitalize()}" for check in CHECKS]
    assert heads == names
