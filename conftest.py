"""What all tests share: a tree for the doctests, and which tests keep to one worker."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trees import coin_tree


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file to one worker of ``pytest -n 2 --dist loadgroup``.

    Fixtures and caches of a file are made once that way.  Tests of the zoo have groups of their
    own, a model each.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(autouse=True, scope="session")
def _tree_of_doctests(doctest_namespace: dict[str, Any]) -> None:
    """In doctests of the tree half ``dt`` is three heads of three tosses."""
    doctest_namespace["dt"] = coin_tree()
