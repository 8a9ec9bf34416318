"""How long `find_MLE` plus `find_MAP` take beside one `pm.find_MAP`, from clean compile caches.

    uv run python benchmarks/find_map.py --write docs/benchmarks.md

Every number is a median over fresh processes, the tools taking turns so that what else the machine
does hits them alike. Imports, and the making of the model, are not counted; compiling is. `--jax`
names a Python that has JAX, to time a program written by hand as well.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

TASK = Path(__file__).with_name("find_map_task.py")
# What the ratio of the cold times has to stay under.
TARGETS = {
    "linear_regression": 1 / 50,
    "coin": 1 / 5,
    "normal": 1 / 5,
    "logistic_regression": 1 / 5,
    "eight_schools": 1 / 5,
    "ridge": 1,
    "random_effects": 1,
    "large_logistic": 1,
}
SMALL = ("linear_regression", "coin", "normal", "logistic_regression", "eight_schools")
LABELS = {
    "linear_regression": "linear regression, 200 × 10",
    "coin": "coin, 9 tosses",
    "normal": "normal, 50 values",
    "logistic_regression": "logistic regression, 100 × 3",
    "eight_schools": "eight schools, non-centred",
    "ridge": "ridge regression, 4,000 × 2,000",
    "random_effects": "3,000 random effects, 9,000 values",
    "large_logistic": "logistic regression, 100,000 × 20",
}


def run_task(python: str, tool: str, model: str, caches: str) -> dict[str, Any]:
    environment = {
        **os.environ,
        "HOME": caches,
        "PYTENSOR_FLAGS": f"base_compiledir={caches}/pytensor",
        "NUMBA_CACHE_DIR": f"{caches}/numba",
    }
    done = subprocess.run(
        [python, str(TASK), tool, model], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        sys.exit(f"{tool} failed on {model}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(model: str, pythons: dict[str, str], repeats: int) -> dict[str, dict[str, Any]]:
    """Medians of each tool, of a first process (cold) and of one that finds its caches (again)."""
    taken: dict[str, list[tuple[dict, dict]]] = {tool: [] for tool in pythons}
    for _ in range(repeats):
        for tool, python in pythons.items():
            with tempfile.TemporaryDirectory() as caches:
                cold = run_task(python, tool, model, caches)
                taken[tool].append((cold, run_task(python, tool, model, caches)))
    return {
        tool: {
            "cold": median(cold["wall"] for cold, _ in pairs),
            "cold_cpu": median(cold["cpu"] for cold, _ in pairs),
            "again": median(again["wall"] for _, again in pairs),
            "import": median(again["import"] for _, again in pairs),
            "result": pairs[0][0],
        }
        for tool, pairs in taken.items()
    }


def table(results: dict[str, dict[str, dict[str, Any]]], with_jax: bool) -> str:
    head = ["model", "MLE / MAP", "`find_MLE` + `find_MAP`", "one `pm.find_MAP`"]
    head += ["ratio, clean caches", "ratio of CPU", "target", "ratio, filled caches"]
    head += ["JAX by hand"] * with_jax
    lines = [head, ["---"] * len(head)]
    for model, tools in results.items():
        ours, theirs, result = tools["bayes_point"], tools["pymc"], tools["bayes_point"]["result"]
        lines.append(
            [
                LABELS[model],
                f"{result['MLE']} / {result['MAP']}".replace("_", " "),
                f"{ours['cold']:.2f} s (again {ours['again']:.2f} s)",
                f"{theirs['cold']:.1f} s (again {theirs['again']:.2f} s)",
                f"**1/{theirs['cold'] / ours['cold']:.1f}**",
                f"1/{theirs['cold_cpu'] / ours['cold_cpu']:.1f}",
                f"1/{1 / TARGETS[model]:.0f}",
                f"1/{theirs['again'] / ours['again']:.1f}",
            ]
            + [f"{tools['jax']['cold']:.2f} s" if "jax" in tools else "" for _ in range(with_jax)]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(results: dict[str, dict[str, dict[str, Any]]], repeats: int, with_jax: bool) -> str:
    imports = {
        tool: median(tools[tool]["import"] for tools in results.values())
        for tool in ("bayes_point", "pymc")
    }
    versions = ", ".join(f"{name} {version(name)}" for name in ("pymc", "pytensor", "numba"))
    jax = (
        "The last column is a Newton search written by hand in JAX, MLE and MAP, from one start, "
        "its jit included and without any check of what it found. "
        if with_jax
        else ""
    )
    rounds = "One round" if repeats == 1 else f"Medians of {repeats} rounds"
    return f"""# How long a maximum takes

Made by `benchmarks/find_map.py`: `find_MLE` plus `find_MAP`, with eight starts each and the
certificate that says what was found, beside one `pm.find_MAP` without a check.
{rounds}, each tool in a fresh process with clean compile caches, then in another one that
finds them filled ("again"). Making the model and the imports are not counted: importing takes
{imports["pymc"]:.1f} s for PyMC and {imports["bayes_point"]:.1f} s for bayes_point with PyMC in it.

{table(results, with_jax)}

{jax}Two cores, {platform.system()}, Python {platform.python_version()}, {versions}.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", nargs="+", choices=LABELS, default=list(LABELS))
    parser.add_argument("--jax", metavar="PYTHON", help="a Python that has JAX")
    parser.add_argument("--write", type=Path, metavar="FILE.md", help="write the page there")
    args = parser.parse_args()
    pythons = {"bayes_point": sys.executable, "pymc": sys.executable}
    if args.jax:
        pythons["jax"] = args.jax
    results = {}
    for model in args.models:
        tools = {k: v for k, v in pythons.items() if k != "jax" or model in SMALL}
        results[model] = measure(model, tools, args.repeats)
        print(model, json.dumps(results[model]), file=sys.stderr, flush=True)
    text = page(results, args.repeats, bool(args.jax))
    print(text)
    if args.write:
        args.write.write_text(text)
    missed = [
        name
        for name, tools in results.items()
        if tools["bayes_point"]["cold"] > TARGETS[name] * tools["pymc"]["cold"]
    ]
    if missed:
        sys.exit(f"over the target: {', '.join(missed)}")


if __name__ == "__main__":
    main()
