"""What each check said of models of the zoo, and how often their density was evaluated.

``verdict_trace.json`` holds, for each estimate, the sequence of checks and their verdicts, and the
evaluations.  Where a change is meant to leave the proofs alone, the sequences stay what they are,
and the counts within a fifth: another processor rounds otherwise.  Where it is not,
``python -m tests.estimation.test_verdict_trace [name ...]`` writes those of the models named, or of
both zoos, anew.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from bayes_point.errors import EstimationWarning, ModelError
from bayes_point.estimation.face.find import find_MAP, find_MLE
from bayes_point.model.density.density import LogDensity
from tests.reference.pathologies import PATHOLOGIES
from tests.reference.wellbehaved import WELLBEHAVED
from tests.zoo import Estimator, ZooModel

FILE = Path(__file__).with_name("verdict_trace.json")
TRACE: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
ZOO = {zoo_model.name: zoo_model for zoo_model in PATHOLOGIES + WELLBEHAVED}
# Of each status one, in less than a second each.
QUICK = {
    *("coin_hht mle", "all_heads_logit mle", "jeffreys_coin_all_heads map"),
    *("uniform_lower_bound map", "funnel mle", "even_median map"),
}


def traced(zoo_model: ZooModel, estimator: Estimator) -> dict[str, Any]:
    """Estimate, and return what each check said and how often the density was evaluated."""
    count = 0
    find = find_MLE if estimator == "mle" else find_MAP
    evaluate, values = LogDensity.evaluate, LogDensity.values

    def counted(function: Any) -> Any:
        def call(self: LogDensity, x: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += len(x)
            return function(self, x, *args, **kwargs)

        return call

    with (
        patch.object(LogDensity, "evaluate", counted(evaluate)),
        patch.object(LogDensity, "values", counted(values)),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", EstimationWarning)
        kwargs = zoo_model.call_kwargs(estimator)
        found = find(zoo_model.build(), progressbar=False, random_seed=1, **kwargs)
    said = [f"{one.check}: {one.verdict}" for one in found.certificate.checks]
    return {"evaluations": count, "checks": said}


@pytest.mark.parametrize(
    "key", [pytest.param(k, marks=[pytest.mark.slow] * (k not in QUICK)) for k in TRACE]
)
def test_verdicts_are_those_of_the_trace(key: str) -> None:
    name, estimator = key.split()
    now = traced(ZOO[name], estimator)
    assert now["checks"] == TRACE[key]["checks"]
    assert now["evaluations"] == pytest.approx(TRACE[key]["evaluations"], rel=0.2)


def test_each_status_is_in_the_quick_part() -> None:
    assert TRACE.keys() >= QUICK
    said = {line.split(": ")[1] for key in QUICK for line in TRACE[key]["checks"]}
    kinds = {"converged", "on_boundary", "not_identified", "at_infinity", "unbounded"}
    assert said >= kinds | {"passed"}


def main(names: list[str]) -> None:
    """Write the trace of some models, or of both zoos, anew."""
    trace = dict(TRACE)
    for zoo_model in ZOO.values():
        if names and zoo_model.name not in names:
            continue
        for estimator in zoo_model.estimators:
            try:
                trace[f"{zoo_model.name} {estimator}"] = traced(zoo_model, estimator)
            except ModelError:
                continue  # refused, and rightly: there is nothing to trace
    lines = [f" {json.dumps(key)}: {json.dumps(trace[key])}" for key in sorted(trace)]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
