"""What `find_MLE`, `find_MAP` and `pm.find_MAP` say of models without an ordinary maximum.

    uv run python benchmarks/pathologies.py --write docs/pathologies.md

Asks each tool for every maximum of the test zoo's pathologies, whose truth is known, and writes a
table. The estimates are made in a process of their own, one line of JSON each, so that neither a
crash nor a search without an end costs more than the estimate at hand; what a run leaves in the
`--lines` file, the next one does not do again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the zoo is part of the tests, which are not installed

TOOLS = ("bayes_point", "pymc")
POINTS = ("converged", "on_boundary")  # statuses of an estimate that is a finite maximum
Line = dict[str, Any]
Key = tuple[str, str, str]


def zoo() -> dict[str, Any]:
    from tests.reference.pathologies import PATHOLOGIES

    return {zoo_model.name: zoo_model for zoo_model in PATHOLOGIES}


def tasks() -> list[Key]:
    """Every estimate to make; PyMC has no mode on the unconstrained scale."""
    return [
        (name, estimator, tool)
        for name, zoo_model in zoo().items()
        for estimator in zoo_model.estimators
        for tool in TOOLS
        if (estimator, tool) != ("map_jacobian", "pymc")
    ]


# --- one estimate -------------------------------------------------------------------------------


def ask_bayes_point(zoo_model: Any, estimator: str) -> Line:
    import bayes_point as bp

    find = bp.find_MLE if estimator == "mle" else bp.find_MAP
    kwargs = zoo_model.call_kwargs(estimator)
    return described(find(zoo_model.build(), progressbar=False, random_seed=1, **kwargs))


def described(estimate: Any) -> Line:
    """What a PointEstimate says."""
    return {
        "says": estimate.status.key.replace("_", " "),
        "status": estimate.status.key,
        "named": [name for finding in estimate.findings for name in finding.parameters],
        "point": lists(estimate.point.data_vars.items()),
        "elements": elements(estimate.point),
        "log_density": float(estimate.optima["log_density"][0])
        if estimate.optima.sizes["optimum"]
        else None,
    }


def ask_pymc(zoo_model: Any, estimator: str) -> Line:
    """pm.find_MAP as its user calls it; flat priors turn it into a search for the MLE."""
    import pymc as pm

    import bayes_point as bp
    from bayes_point.model.interpreter.interpreted import INTERPRETED

    model = zoo_model.build()
    if estimator == "mle":
        model = bp.flat_priors(model)
    tree = pm.find_MAP(
        model=model,
        initvals=zoo_model.initvals,
        return_inferencedata=True,
        jitter=False,
        progressbar=False,
        compile_kwargs={"mode": INTERPRETED},
    )
    result = tree["optimizer_result"].dataset
    point = tree["posterior"].dataset.isel(chain=0, draw=0)
    success = bool(result["success"])
    return {
        "says": "success" if success else f"no success: {result['message'].item()}",
        "status": "converged" if success else "not_converged",
        "named": [],
        "point": lists(point.data_vars.items()),
        "log_density": -float(result["fun"]),
    }


def elements(point: Any) -> dict[str, float]:
    """Every element by its label, as ``beta[age]``."""
    return {
        f"{name}[{', '.join(map(str, key))}]" if key else str(name): float(value)
        for name, values in point.data_vars.items()
        for key, value in labelled(values)
    }


def labelled(values: Any) -> Iterator[tuple[tuple[Any, ...], float]]:
    for index in np.ndindex(values.shape):
        picked = values[index]
        yield tuple(picked.coords[dim].item() for dim in values.dims), picked.item()


def lists(items: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    return {str(name): np.asarray(value, dtype=float).tolist() for name, value in items}


def judge(truth: Any, line: Line) -> str:
    """Tell in a word what an answer is worth.

    "silent" is the failure that this page is about: a maximum is claimed and there is none, or it
    is elsewhere.
    """
    known = {name: line["point"][name] for name in truth.point if name in line["point"]}
    missing = set(truth.point) - set(known)
    off = f"lacks {sorted(missing)}" if missing else truth.distance(known)
    # What an optimiser's own tolerance costs is no failure of it.
    near = off is None or (not missing and near_enough(truth, known))
    if line["status"] == "converged":
        return "right" if "converged" in truth.statuses and near else "silent"
    if line["status"] == "on_boundary" and not (near and {*POINTS} & {*truth.statuses}):
        return "silent"
    if line["status"] not in truth.statuses:
        return "said so" if line["status"] == "not_converged" else "wrong status"
    made_up = any(math.isinf(line["elements"].get(name, 0.0)) for name in truth.no_sign)
    if off is not None or made_up:
        return "wrong number"
    return "wrong names" if truth.missing_names(line["named"]) else "right"


def near_enough(truth: Any, point: dict[str, Any]) -> bool:
    """Whether a point is one of the true ones to a thousandth."""
    for candidate in (truth.point, *truth.others):
        want = np.concatenate([np.ravel(v).astype(float) for v in candidate.values()])
        got = np.concatenate([np.ravel(point[name]) for name in candidate])
        known = ~np.isnan(want)
        if np.allclose(got[known], want[known], rtol=1e-3, atol=1e-3):
            return True
    return False


def work(names: list[str], limit: int) -> None:
    """Make the estimates given, a line of JSON on standard output for each."""
    models = zoo()
    ask = {"bayes_point": ask_bayes_point, "pymc": ask_pymc}
    # Interpreted, both: compiling would take ten times as long as the estimates.
    import pytensor

    pytensor.config.cxx = ""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    signal.signal(signal.SIGALRM, _too_long)
    for task in names:
        name, estimator, tool = task.split("/")
        line: Line = {"name": name, "estimator": estimator, "tool": tool}
        print(json.dumps({**line, "begun": True}), flush=True)
        signal.alarm(limit)
        try:
            line |= ask[tool](models[name], estimator)
            line["verdict"] = judge(models[name].truth(estimator), line)
        except Exception as error:
            line |= failed(f"{type(error).__name__}: {error}")
        signal.alarm(0)
        print(json.dumps(line), flush=True)


def _too_long(signum: int, frame: Any) -> None:
    raise TimeoutError("it took too long")


def failed(message: str) -> Line:
    words = " ".join(message.split())[:160]
    return {"says": words, "status": "error", "named": [], "point": {}, "verdict": "said so"}


# --- all of them --------------------------------------------------------------------------------


def run(lines: Path, limit: int, pattern: str) -> dict[Key, Line]:
    """Make the estimates that are not in the file yet, and return all of them."""
    done = read(lines)
    for key in [key for key, line in done.items() if "verdict" not in line]:
        del done[key]  # cut off half way
    left = [key for key in tasks() if key not in done and pattern in key[0]]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    while left:
        command = [sys.executable, __file__, "--limit", str(limit), "--work"]
        with lines.open("a") as out:
            subprocess.run([*command, *map("/".join, left)], stdout=out, env=environment)
        now = read(lines)
        crashed = next((key for key in left if "verdict" not in now.get(key, {})), None)
        if crashed is not None:
            line = dict(zip(("name", "estimator", "tool"), crashed, strict=True))
            with lines.open("a") as out:
                print(json.dumps({**line, **failed("the process died")}), file=out)
        now = read(lines)
        left = [key for key in left if "verdict" not in now.get(key, {})]
    return read(lines)


def read(lines: Path) -> dict[Key, Line]:
    """Read the last line of each estimate."""
    if not lines.exists():
        return {}
    found = map(json.loads, lines.read_text().splitlines())
    return {(line["name"], line["estimator"], line["tool"]): line for line in found}


# --- the page -----------------------------------------------------------------------------------

HEAD = ("model", "truth", "bayes_point", "`pm.find_MAP`")


def page(done: dict[Key, Line]) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("pymc", "pytensor", "scipy"))
    total = {tool: sum(key[2] == tool for key in done) for tool in TOOLS}
    silent = {tool: count(done, tool, ("silent",)) for tool in TOOLS}
    wrong = count(done, "bayes_point", ("wrong status",))
    other = count(done, "bayes_point", ("wrong number", "wrong names", "said so"))
    rows = "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, ("---",) * 4, *table(done)))
    return f"""# Models without an ordinary maximum, and what is said of them

Made by `benchmarks/pathologies.py` from the pathologies of the test zoo (`tests/reference`), where
each truth is derived or cited, and proved without bayes_point.

| | estimates | silent failures | wrong statuses |
| --- | --- | --- | --- |
| bayes_point | {total["bayes_point"]} | **{silent["bayes_point"]}** | **{wrong}** |
| `pm.find_MAP` | {total["pymc"]} | **{silent["pymc"]}** | |

A *silent failure* claims a maximum where there is none, or at a point that is not one (off by more
than a thousandth). A *wrong status* names another pathology than the true one. Of
bayes_point's other answers {other} have the right status but a wrong number or name, or say that
they did not converge. `pm.find_MAP` is called with its defaults, from the model's initial point;
for the MLE it is given the model with flat priors (`bp.flat_priors`). Its *success* is the flag of
its optimiser. Answers that are not right are in bold. {versions}.

{rows}
"""


def count(done: dict[Key, Line], tool: str, verdicts: tuple[str, ...]) -> int:
    return sum(key[2] == tool and line["verdict"] in verdicts for key, line in done.items())


def table(done: dict[Key, Line]) -> Iterator[tuple[str, ...]]:
    for name, zoo_model in zoo().items():
        for estimator in zoo_model.estimators:
            lines = [done.get((name, estimator, tool)) for tool in TOOLS]
            if not any(lines):
                continue
            truth = zoo_model.truth(estimator)
            label = {"mle": "MLE", "map": "MAP", "map_jacobian": "MAP, unconstrained"}[estimator]
            yield (
                f"`{name}`, {label}",
                f"{' or '.join(truth.statuses).replace('_', ' ')}: {escape(truth.source)}",
                *(said(line, truth) for line in lines),
            )


def said(line: Line | None, truth: Any) -> str:
    if line is None:
        return ""
    numbers = ", ".join(
        f"{n} = {short(line['point'][n])}" for n in truth.point if n in line["point"]
    )
    words = line["says"] + (f"; {numbers}" if numbers else "")
    verdict = line["verdict"]
    return escape(words) if verdict == "right" else f"**{escape(words)}** ({verdict})"


def short(value: Any) -> str:
    """Write a value in few characters; of many elements the first three."""
    flat = np.ravel(np.asarray(value, dtype=float))
    words = [spelled(float(v)) for v in flat[:3]] + ["…"] * (flat.size > 3)
    return words[0] if np.ndim(value) == 0 else f"[{', '.join(words)}]"


def spelled(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.4g}"


def escape(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, metavar="FILE.md", help="write the page there")
    parser.add_argument("--lines", type=Path, default=Path("pathologies.jsonl"))
    parser.add_argument("--only", default="", help="part of the names of the models to ask about")
    parser.add_argument("--limit", type=int, default=300, help="seconds an estimate may take")
    parser.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args.work, args.limit)
        return
    text = page(run(args.lines, args.limit, args.only))
    print(text)
    if args.write:
        args.write.write_text(text)


if __name__ == "__main__":
    main()
