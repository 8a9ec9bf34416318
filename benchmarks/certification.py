"""What the certificate costs beside the estimate that it certifies, on every model of the zoo.

    uv run python benchmarks/certification.py --write docs/certification.md

CPU time within the proof, and of the rest of the call, for each estimate of the test zoo, of
well-behaved models and of pathologies: the first call on a new model, and a later one that finds
the density made. Times are CPU times, the median of a few rounds, so that what else the machine
does matters little.
"""

from __future__ import annotations

import argparse
import gc
import platform
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the zoo is part of the tests

import bayes_point as bp
import bayes_point.estimation.estimate.search as searching
from tests.reference.pathologies import PATHOLOGIES
from tests.reference.wellbehaved import WELLBEHAVED
from tests.zoo import ZooModel

# The search calls these to prove what it found, and for nothing else.
PROOFS = ("try_at", "is_evident", "is_on_ridge", "audit")
# What is only climbed to from more starts is search.
SEARCHES = ("plateau", "elsewhere")
# Cheaper ones are counted, and not listed.
LISTED = 0.5
Times = tuple[float, float]


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Collect the CPU seconds of each call of a proof."""
    taken: list[float] = []
    originals = {name: getattr(searching, name) for name in (*PROOFS, "ELSEWHERE")}

    def timed(function: Any) -> Any:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                taken.append(time.process_time() - begun)

        return call

    try:
        for name in PROOFS:
            setattr(searching, name, timed(originals[name]))
        searching.ELSEWHERE = tuple(
            check if check.__name__ in SEARCHES else timed(check)
            for check in originals["ELSEWHERE"]
        )
        yield taken
    finally:
        for name, function in originals.items():
            setattr(searching, name, function)


def measure(zoo_model: ZooModel, estimator: Any) -> tuple[Times, Times]:
    """CPU seconds of (estimation, certification): of the first call, and of the second."""
    model, kwargs = zoo_model.build(), zoo_model.call_kwargs(estimator)
    find = bp.find_MLE if estimator == "mle" else bp.find_MAP
    calls = []
    # What earlier models left is not to be looked through for garbage again and again.
    gc.collect()
    gc.freeze()
    for _ in range(2):
        with stopwatch() as taken:
            begun = time.process_time()
            find(model, progressbar=False, random_seed=1, **kwargs)
            whole = time.process_time() - begun
        calls.append((whole - sum(taken), sum(taken)))
    return calls[0], calls[1]


def medians(rounds: list[Times]) -> Times:
    return median(a for a, _ in rounds), median(b for _, b in rounds)


def page(results: dict[tuple[str, str], tuple[Times, Times]], repeats: int) -> str:
    head = ["model", "estimator", "estimation", "certification", "**ratio**"]
    lines = [[*head, "ratio, density made before"], ["---"] * 6]
    order = sorted(results, key=lambda key: -ratio(results[key][0]))
    for key in order:
        if ratio(results[key][0]) < LISTED:
            break
        first, again = results[key]
        times = [f"{1000 * seconds:.0f} ms" for seconds in first]
        lines.append([f"`{key[0]}`", key[1], *times, f"{ratio(first):.2f}", f"{ratio(again):.2f}"])
    over = [sum(ratio(result[k]) > 1 for result in results.values()) for k in (0, 1)]
    middle = [median(ratio(result[k]) for result in results.values()) for k in (0, 1)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    versions = ", ".join(f"{name} {version(name)}" for name in ("pymc", "pytensor"))
    rounds = "One round" if repeats == 1 else f"Medians of {repeats} rounds"
    return f"""# What certification costs

Made by `benchmarks/certification.py`: CPU time within the proof, and of the rest of `find_MLE` or
`find_MAP`, which is eight searches and the making of the density. {rounds} on
every estimate of the test zoo, of well-behaved models as of pathologies; the making of the models
is not counted. The proof of a pathology is more than a check: it follows the density to its limit,
and the limits are what the estimate holds.

Certification takes {middle[0]:.2f} times as long as the estimation in the median, and longer than
it in **{over[0]} of {len(results)}** cases. Where the density was made before, by an earlier
estimate of the same model, it is {middle[1]:.2f} in the median, and above 1 in {over[1]}.

The slowest, from {LISTED:g} on:

{table}

{platform.system()}, Python {platform.python_version()}, {versions}.
"""


def ratio(times: Times) -> float:
    return times[1] / times[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="part of the names of the models to measure")
    parser.add_argument("--write", type=Path, metavar="FILE.md", help="write the page there")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    results = {}
    for zoo_model in [*WELLBEHAVED, *PATHOLOGIES]:
        if args.only not in zoo_model.name:
            continue
        for estimator in zoo_model.estimators:
            rounds = [measure(zoo_model, estimator) for _ in range(args.repeats)]
            results[zoo_model.name, estimator] = (
                medians([r[0] for r in rounds]),
                medians([r[1] for r in rounds]),
            )
            print(zoo_model.name, estimator, results[zoo_model.name, estimator], flush=True)
    text = page(results, args.repeats)
    print(text)
    if args.write:
        args.write.write_text(text)
    over = [" ".join(key) for key, (first, _) in results.items() if ratio(first) > 1]
    if over:
        sys.exit(f"dearer than the estimation: {', '.join(over)}")


if __name__ == "__main__":
    main()
