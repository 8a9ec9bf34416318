"""What two fingerprints differ in, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bayes_point.comparison.causes.explain import explain
from bayes_point.comparison.distance.gaps import gaps
from bayes_point.comparison.inputs.fingerprints import differences
from bayes_point.errors import ComparisonError
from tests.trees import coin_tree

ONE: dict[str, Any] = {
    "graph": {"theta": "g1", "mu": "g2", "y": "g3"},
    "constants": {"theta": "c1", "mu": "c2", "y": "c3"},
    "data": {"y": "d1"},
    "parameters": ["theta"],
    "pymc": "6.4.0",
}


def changed(part: str, **new: str) -> dict[str, Any]:
    return {**ONE, part: {**ONE[part], **new}}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (ONE, ""),
        (changed("data", y="d2"), "the data of y differ"),
        (changed("constants", theta="x"), "the prior constants of theta differ"),
        (changed("constants", mu="x"), "the constants of mu differ"),
        (changed("graph", mu="x"), "what is computed for mu differs"),
        # A distribution with other constants is another distribution: one reason is enough.
        ({**changed("graph", theta="x"), "constants": {**ONE["constants"], "theta": "x"}},
         "what is computed for theta differs"),
        # The shape of the data is a constant of their density.
        ({**changed("data", y="x"), "constants": {**ONE["constants"], "y": "x"}},
         "the data of y differ"),
        (changed("graph", extra="x"), "only one of them has extra"),
        # Other versions write the same density otherwise: only the data can be compared.
        ({**changed("graph", mu="x"), "pymc": "7.0"}, ""),
        ({**changed("data", y="x"), "pymc": "7.0"}, "the data of y differ"),
        ({**changed("data", y="x"), "constants": {**ONE["constants"], "theta": "x"}},
         "the prior constants of theta differ, and the data of y differ"),
    ],
)  # fmt: skip
def test_differences(other: dict[str, Any], said: str) -> None:
    assert differences(ONE, other) == said
    assert differences(other, ONE) == said


def test_groups_of_other_data_are_refused_and_those_without_are_not() -> None:
    tree = coin_tree(draws=100)
    for group in ("posterior", "mle"):
        tree[group].attrs["fingerprints"] = json.dumps(ONE)
    assert list(gaps(tree)) == ["theta"]
    tree["mode"].attrs["fingerprints"] = json.dumps(changed("data", y="d2"))
    for function in (gaps, explain):
        with pytest.raises(ComparisonError) as caught:
            function(tree)
        assert str(caught.value) == (
            "The groups posterior and mode are not of the same model and data: the data of y "
            "differ. What is compared must come from one fit: make the tree anew with "
            "bp.fit(model)."
        )
