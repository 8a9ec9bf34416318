"""Estimates of the zoo, each made once: the estimate, what its checks said, and what it cost.

``verdict_trace.json`` holds, for each estimate, the sequence of checks and their verdicts, and the
evaluations of the density.  The tests of the zoo compare both: where a change is meant to leave the
proofs alone, the sequences stay what they are, and the counts within a fifth, since another
processor rounds otherwise.  Where it is not, ``python -m tests.estimation.zoo_estimates``, with the
names of models or without, writes those anew, or all.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pymc as pm
import pytest

from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.estimation.face.point_estimate import PointEstimate
from bayes_point.model.density.density import LogDensity
from tests.reference.pathologies import PATHOLOGIES
from tests.reference.wellbehaved import WELLBEHAVED
from tests.zoo import Estimator

FILE = Path(__file__).with_name("verdict_trace.json")
TRACE: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
ZOO = {zoo_model.name: zoo_model for zoo_model in PATHOLOGIES + WELLBEHAVED}


@dataclass(frozen=True)
class Traced:
    """An estimate, and how often the density was evaluated for it."""

    estimate: PointEstimate
    evaluations: int

    @property
    def checks(self) -> list[str]:
        """What each check said."""
        return [f"{one.check}: {one.verdict}" for one in self.estimate.certificate.checks]


@cache
def built(name: str) -> pm.Model:
    return ZOO[name].build()


@cache
def traced(name: str, estimator: Estimator) -> Traced:
    count = 0

    def counted(function: Any) -> Any:
        def call(self: LogDensity, x: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += len(x)
            return function(self, x, *args, **kwargs)

        return call

    find = find_MLE if estimator == "mle" else find_MAP
    with (
        patch.object(LogDensity, "evaluate", counted(LogDensity.evaluate)),
        patch.object(LogDensity, "values", counted(LogDensity.values)),
        warnings.catch_warnings(),
    ):
        # That there is no estimate is what most of the pathologies have to say.
        warnings.simplefilter("ignore", EstimationWarning)
        kwargs = ZOO[name].call_kwargs(estimator)
        estimate = find(built(name), progressbar=False, random_seed=1, **kwargs)
    return Traced(estimate, count)


def found(name: str, estimator: Estimator) -> PointEstimate:
    return traced(name, estimator).estimate


def check_trace(name: str, estimator: Estimator) -> None:
    """The checks said what they said before, at much the same cost."""
    before, now = TRACE[f"{name} {estimator}"], traced(name, estimator)
    assert now.checks == before["checks"]
    assert now.evaluations == pytest.approx(before["evaluations"], rel=0.2)


def main(names: list[str]) -> None:
    """Write the trace of some models, or of the whole zoo, anew."""
    trace = dict(TRACE)
    for zoo_model in ZOO.values():
        if names and zoo_model.name not in names:
            continue
        for estimator in zoo_model.estimators:
            try:
                one = traced(zoo_model.name, estimator)
            except ModelError:
                continue  # refused, and rightly: there is nothing to trace
            line = {"evaluations": one.evaluations, "checks": one.checks}
            trace[f"{zoo_model.name} {estimator}"] = line
        traced.cache_clear()
    lines = [f" {json.dumps(key)}: {json.dumps(trace[key])}" for key in sorted(trace)]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
