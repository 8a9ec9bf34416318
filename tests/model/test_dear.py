"""Whether a density with a loop is compiled: the decision, not the compiler."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor
import pytest

from bayes_point.model.density import dear
from bayes_point.model.density.cache import log_density


def _with_loop() -> pm.Model:
    with pm.Model() as model:
        rho = pm.Normal("rho")
        means = pytensor.scan(
            lambda last, rho: rho * last,
            outputs_info=[np.float64(1.0)],
            non_sequences=[rho],
            n_steps=3,
            return_updates=False,
        )
        pm.Normal("y", means, 1.0, observed=[0.5, 0.2, 0.1])
    return model


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The backends that densities are asked for with; all of them are interpreted here."""
    asked: list[str | None] = []

    def record(model, *, backend, inputs):
        asked.append(backend)
        return log_density(model, backend=None, inputs=inputs)

    monkeypatch.setattr(dear, "log_density", record)
    return asked


def test_short_loops_are_interpreted(backends: list[str | None]) -> None:
    # One start and one coordinate: 150 rows, far from half a minute.
    dear.quickest_density(_with_loop(), inputs=[], n_starts=1)
    assert backends == [None]


def test_long_loops_are_compiled(
    backends: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # 30 iterations, each a batch of 8 starts and 4 gradients by coordinate: 40 rows.
    monkeypatch.setattr(dear, "_seconds", lambda density, rows: 0.1 * rows)
    dear.quickest_density(_with_loop(), inputs=[], n_starts=8)
    assert backends == [None, "numba"]


def test_without_a_loop_nothing_is_measured(
    backends: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pm.Model() as model:
        pm.Normal("y", pm.Normal("mu"), 1.0, observed=[0.0])
    monkeypatch.setattr(dear, "_seconds", lambda density: np.inf)
    dear.quickest_density(model, inputs=[], n_starts=8)
    assert backends == [None]
