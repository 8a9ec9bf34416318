"""What `find_MLE` and `find_MAP` answer on models of the kinds that people really have.

    uv run python benchmarks/models_in_the_wild.py --write docs/models_in_the_wild.md

Each estimate of each model of ``tests/models_in_the_wild/`` is made in a process of its own, which
has a minute of CPU; what a run leaves in the `--lines` file, the next one does not do again.
A maximum that is claimed is tried against the best of twenty L-BFGS runs from elsewhere on PyMC's
own log density.  ``--only`` takes parts of names.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import multiprocessing
import resource
import signal
import sys
import time
import warnings
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

import bayes_point as bp
from bayes_point.errors import EstimationError, ModelError
from bayes_point.model.data.whole_data import with_whole_data

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the models are part of the tests, which are not installed
FOLDER = ROOT / "tests" / "models_in_the_wild"

ESTIMATORS = ("mle", "map")
LIMIT = 60  # seconds of CPU for an estimate
PATIENCE = 45  # seconds after which the search is to return what it has
RIVALS = 20  # L-BFGS runs
SECONDS = 60.0  # of CPU that they have together, unless --rival-seconds says otherwise
SEED = 1
Line = dict[str, Any]


def names(only: list[str]) -> list[str]:
    """Return the models, as ``folder/name``, whose name has one of `only` in it."""
    found = sorted(
        str(path.relative_to(FOLDER).with_suffix(""))
        for path in FOLDER.glob("*/*.py")
        if not path.name.startswith("_")
    )
    return [name for name in found if not only or any(part in name for part in only)]


def module(name: str) -> Any:
    return importlib.import_module(f"tests.models_in_the_wild.{name.replace('/', '.')}")


def missing(wild: Any) -> list[str]:
    """Return the optional packages that a model needs and that are not installed."""
    return [one for one in getattr(wild, "NEEDS", ()) if importlib.util.find_spec(one) is None]


def ask(wild: Any, model: Any, estimator: str) -> Any:
    """Return the estimate, asked for as its user would, who does what the messages say."""
    kwargs: dict[str, Any] = {"progressbar": False, "random_seed": SEED, "max_seconds": PATIENCE}
    find = bp.find_MLE if estimator == "mle" else bp.find_MAP
    if estimator == "mle" and (potentials := getattr(wild, "POTENTIALS", None)):
        kwargs["potentials"] = potentials
    if getattr(wild, "LATENT", False):
        try:
            return find(model, marginalize="latents", **kwargs)
        except ModelError as error:
            if "no variable of this model is latent by a rule" not in str(error):
                raise
    estimate = find(model, **kwargs)
    if estimate.status.key == "unbounded":
        # The message says to: the highest interior maximum, where there is one.
        estimate = find(model, local=True, **kwargs)
    return estimate


# --- one estimate, in the child -------------------------------------------------------------------


def child(name: str, estimator: str, tell: Connection, rival_seconds: float) -> None:
    """Tell the line of an estimate, then the best of its rivals."""
    warnings.simplefilter("ignore")
    wild = module(name)
    model = wild.model()
    p, n = size(model)
    line: Line = {"row": wild.ROW, "p": p, "n": n}
    tell.send(line)
    began = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(began) + LIMIT + 1, resource.RLIM_INFINITY))
    estimate = None
    try:
        estimate = ask(wild, model, estimator)
    except (ModelError, EstimationError) as error:
        line = {"verdict": "refused", "says": str(error)}
    except Exception as error:
        line = {"verdict": "crash", "says": f"{type(error).__name__}: {error}"[:400]}
    line["cpu"] = round(time.process_time() - began, 1)
    if estimate is not None:
        line |= described(wild, estimate, estimator)
    if line["verdict"] == "refused" and not has(wild, estimator):
        line["verdict"] = "refused, rightly"
    tell.send(line)
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if estimate is not None and not getattr(wild, "LATENT", False):
        # Where there is no gradient there are no rivals.
        with contextlib.suppress(NotImplementedError, ValueError, TypeError):
            rival, runs = best_rival(model, estimator, wild, rival_seconds)
            tell.send({"rival": rival, "rival_runs": runs})


def has(wild: Any, estimator: str) -> bool:
    """Whether a model has an estimate, as far as is known."""
    return estimator in getattr(wild, "HAS", ESTIMATORS)


def described(wild: Any, estimate: Any, estimator: str) -> Line:
    """Return what a line says of an estimate, with the verdict as far as it knows."""
    known = getattr(wild, estimator.upper(), {})
    off = [
        key
        for key, value in known.items()
        if not np.allclose(estimate.point[key], value, rtol=1e-4, atol=1e-6)
    ]
    at = estimate.optima["log_density"]
    point = estimate.status.is_point
    # A discrete value has no standard error.
    finite = point and all(
        np.isfinite(v).all()
        for name, v in estimate.stderr().data_vars.items()
        # A Deterministic may be a constant, which has none.
        if name in estimate.model.named_vars
        and estimate.model[name] in estimate.model.free_RVs
        and estimate.point[name].dtype.kind == "f"
    )
    # Where there is no upper bound a local maximum is what there is, and says so.
    local = estimate.status.key == "local"
    if point and not local and (off or not has(wild, estimator)):
        verdict = "wrong"
    elif point and (finite or estimate.findings):
        verdict = "useful"
    else:
        verdict = "true, no use"
    return {
        "verdict": verdict,
        "status": estimate.status.key,
        "says": " ".join(map(str, estimate.findings))[:600],
        "off": off,
        "value": float(at[0]) if at.sizes["optimum"] else None,
        "finite": finite,
    }


def best_rival(model: Any, estimator: str, wild: Any, seconds: float) -> tuple[float, int]:
    """Return the highest log density that L-BFGS comes to from twenty starts, and its runs."""
    import pymc as pm
    from pymc.blocking import DictToArrayBijection
    from pymc.pytensorf import join_nonshared_inputs
    from scipy.optimize import minimize

    model = with_whole_data(model)  # a minibatch has another log density at every call
    terms = list(model.observed_RVs)
    if estimator == "map":
        terms += [*model.free_RVs, *model.potentials]
    elif getattr(wild, "POTENTIALS", None) == "likelihood":
        terms += model.potentials
    start = model.initial_point()
    [cost], x = join_nonshared_inputs(
        start, [model.logp(vars=terms, jacobian=False)], model.value_vars
    )
    import pytensor

    grad = pytensor.grad(cost, x, disconnected_inputs="ignore")
    fun = pm.compile([x], [-cost, -grad], mode="FAST_COMPILE", trust_input=True)
    at = DictToArrayBijection.map(start).data
    rng, best, began = np.random.default_rng(0), -np.inf, time.process_time()

    def safe(x: Any) -> Any:
        try:
            value, slope = fun(x)
        except Exception:  # whatever an Op raises far out: no value there
            return np.inf, np.zeros_like(x)
        good = np.isfinite(value) and np.isfinite(slope).all()
        return (float(value), slope) if good else (np.inf, np.zeros_like(x))

    runs = 0
    while runs < RIVALS and time.process_time() - began < seconds:
        runs += 1
        with np.errstate(all="ignore"):
            best = max(best, -minimize(safe, at + rng.uniform(-2, 2, len(at)), jac=True).fun)
    return float(best), runs


# --- all of them, in the parent -------------------------------------------------------------------


def run(name: str, estimator: str, rival_seconds: float) -> Line:
    """Return the line of an estimate that is made now, in a fork of this process."""
    line: Line = {"model": name, "estimator": estimator}
    context = multiprocessing.get_context("fork")
    listen, tell = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(name, estimator, tell, rival_seconds))
    process.start()
    tell.close()
    with contextlib.suppress(EOFError):
        while True:
            line |= listen.recv()
    process.join()
    if "verdict" not in line:
        ended = process.exitcode == -signal.SIGXCPU
        line |= {"verdict": "no end" if ended else "crash", "cpu": LIMIT}
    rival, value = line.get("rival"), line.get("value")
    is_claim = line.get("status") != "local" and value is not None and rival is not None
    if is_claim and rival > value + 1e-5 * (1 + abs(value)):
        line["verdict"] = "wrong"
    return line


def table(lines: dict[str, Line]) -> str:
    """Return the page."""
    named = list(dict.fromkeys(line["model"] for line in lines.values()))
    rows = [
        "| model | kind | p | n | MLE | CPU s | MAP | CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in named:
        pair = [lines.get(f"{name} {one}", {}) for one in ESTIMATORS]
        cells = []
        for line in pair:
            status = line.get("status", "").replace("_", " ")
            verdict = line.get("verdict", "not run")
            cells += [f"{verdict} ({status})" if status else verdict, str(line.get("cpu", ""))]
        of = pair[0] or pair[1]
        first = [name, of.get("row", ""), str(of.get("p", "")), str(of.get("n") or "")]
        rows.append(f"| {' | '.join([*first, *cells])} |")
    counts = []
    for estimator in ESTIMATORS:
        words = [line["verdict"] for line in lines.values() if line["estimator"] == estimator]
        each = ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words)))
        counts.append(f"- {estimator.upper()}: {len(words)} asked for; {each}.")
    some = [
        any(lines.get(f"{name} {one}", {}).get("verdict") == "useful" for one in ESTIMATORS)
        for name in named
    ]
    counts.append(
        f"- A useful answer from at least one of the two: {sum(some)} of {len(named)} models."
    )
    tried = [line["rival_runs"] for line in lines.values() if line.get("rival_runs")]
    few = [one for one in tried if one < RIVALS]
    counts.append(
        f"- Tried against L-BFGS: {len(tried)} estimates, {len(tried) - len(few)} of them against "
        f"{RIVALS} runs"
        + (f" and {len(few)} against {min(few)} at the least, for want of time" if few else "")
        + "; there are no rivals of an integral over latents, nor without a gradient."
    )
    return "\n".join([HEAD, *counts, "", *rows, ""])


HEAD = """# Models in the wild

Models of the kinds that people have, with data made up for the purpose
(`tests/models_in_the_wild/`), and what `find_MLE` and `find_MAP` say of them; made by
`benchmarks/models_in_the_wild.py`.  *Useful*: a maximum with standard errors, or the reason why
there are none, equal to the reference where one is known, no lower than twenty L-BFGS runs from
elsewhere, in less than a minute of CPU; where the density has no upper bound, the highest interior
maximum (`local=True`), as the message advises.  *True, no use*: a status that says why there is no
such point.  Latent variables are integrated out where the function can do so.
"""


def size(model: Any) -> tuple[int, int]:
    """Return the numbers of free values and of observed ones."""
    p = sum(int(np.size(value)) for value in model.initial_point().values())
    return p, sum(int(np.prod(shape(model, rv))) for rv in model.observed_RVs)


def shape(model: Any, rv: Any) -> tuple[int, ...]:
    known = model.rvs_to_values[rv].type.shape
    return known if None not in known else tuple(model.rvs_to_values[rv].shape.eval())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="parts of the names of models")
    parser.add_argument("--lines", type=Path, default=Path("models_in_the_wild.jsonl"))
    parser.add_argument("--again", action="store_true", help="do again what was done before")
    parser.add_argument("--rival-seconds", type=float, default=SECONDS, help="CPU for the rivals")
    parser.add_argument("--write", type=Path, help="where the page goes")
    args = parser.parse_args()
    lines: dict[str, Line] = {}
    if args.lines.exists():
        for text in args.lines.read_text().splitlines():
            line = json.loads(text)
            lines[f"{line['model']} {line['estimator']}"] = line
    _ = bp.find_MLE  # imported here, once for all children
    for name in names(args.only):
        if absent := missing(module(name)):
            print(f"{name}: left out, {', '.join(absent)} not installed")
            continue
        for estimator in ESTIMATORS:
            key = f"{name} {estimator}"
            if key in lines and not args.again:
                continue
            lines[key] = line = run(name, estimator, args.rival_seconds)
            with args.lines.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(
                f"{key:45} {line['verdict']:16} {line.get('status', ''):14} {line['cpu']:>5} "
                f"{line.get('says', '')[:150] if line['verdict'] != 'useful' else ''}"
                f"{line.get('off') or ''} {line.get('value')} {line.get('rival')}",
                flush=True,
            )
    if args.write:
        args.write.write_text(table(lines))


if __name__ == "__main__":
    main()
