"""The tree that the doctests of the tree half call ``dt``: three heads of three tosses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trees import coin_tree


@pytest.fixture(autouse=True, scope="session")
def _tree_of_doctests(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace["dt"] = coin_tree()
