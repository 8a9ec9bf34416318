"""A bar over steps: it names the one at hand, on a terminal; into a pipe nothing is written."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bayes_point.estimation.progress import tracked


@pytest.mark.parametrize(("show", "terminal"), [(True, True), (True, False), (False, True)])
def test_the_step_at_hand_is_named_on_a_terminal(show: bool, terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)
    steps = tracked(["laplace", "profile"], "doing {}".format, show=show, console=console)
    assert list(steps) == ["laplace", "profile"]
    if show and terminal:
        assert "doing profile" in out.getvalue()
        assert "100%" in out.getvalue()
    else:
        assert out.getvalue() == ""
