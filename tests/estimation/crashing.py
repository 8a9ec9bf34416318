"""A refit killed at each step of its writing, and taken up again; run as a process of its own.

    python -m tests.estimation.crashing FOLDER EVERY

prints as JSON, for every EVERY-th step, what was done before the kill, what the second call worked
on, and whether it returned the uninterrupted result to the last bit. A step is what the operating
system does whole or not at all: a file opened, renamed or removed, a folder made, half a line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
import zarr  # noqa: F401  (once, before the copies are made)

import bayes_point as bp
from bayes_point.estimation.refit.batch import Refitter
from bayes_point.estimation.refit.journal import _parsed

N, CHUNK = 5, 2
Y = np.random.default_rng(3).normal(2, 3, size=(N, 4))
STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.truncate"}


def model() -> pm.Model:
    with pm.Model() as normal:
        mu = pm.Normal("mu", 0, 10)
        pm.Normal("y", mu, 3, observed=np.zeros(4))
    return normal


def refit(normal: pm.Model, path: Path | None) -> xr.Dataset:
    data = xr.DataArray(Y, dims=("site", "time"), coords={"site": list("abcde")})
    return bp.refit(normal, {"y": data}, dim="site", save=path, chunk_size=CHUNK, progressbar=False)


def kill_at(step: int, folder: Path) -> None:
    """Have this process killed before the given step of what it does in a folder."""
    seen = 0

    def count(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in STEPS and str(args[0]).startswith(str(folder)):
            if event == "open" and not args[2] & (os.O_WRONLY | os.O_RDWR):
                return
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

    write = os.write

    def in_halves(file: int, line: Any) -> int:
        half = len(line) // 2
        count("open", (folder, "w", os.O_WRONLY))
        done = write(file, line[:half])
        count("open", (folder, "w", os.O_WRONLY))
        return done + write(file, line[half:])

    os.write = in_halves  # type: ignore[assignment]
    sys.addaudithook(count)


def child(work: Callable[[], None]) -> int:
    """Do some work in a copy of this process; return how that ended."""
    if pid := os.fork():
        return os.waitpid(pid, 0)[1]
    code = 1
    try:
        work()
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def commits(path: Path) -> int:
    """How many data sets a journal says are done."""
    journal = path / "status" / "refit.journal"
    records = _parsed(journal.read_bytes())[0] if journal.exists() else []
    return sum(one["stop"] - one["start"] for one in records if "stop" in one)


def main(folder: Path, every: int) -> None:
    warnings.simplefilter("error")
    normal = model()
    whole = refit(normal, None)
    step = 0
    while True:
        path = folder / f"{step}.zarr"
        at = step

        def first(path: Path = path, at: int = at) -> None:
            kill_at(at, path)
            refit(normal, path)

        ended = child(first)
        if ended == 0:
            break  # there is no such step
        before = commits(path)

        def again(path: Path = path, at: int = at, before: int = before) -> None:
            run, worked_on = Refitter.run, []

            def counting(self: Any, inputs: Any, starts: Any) -> Any:
                worked_on.append(len(inputs["y"]))
                return run(self, inputs, starts)

            Refitter.run = counting  # type: ignore[method-assign]
            got = refit(normal, path)
            with xr.open_zarr(path) as held:
                stored = bool((held["mu"].values == whole["mu"].values).all())
            left = [str(file) for file in path.rglob("*.partial")]
            same = got.identical(whole)
            seen = {"step": at, "done": before, "again": sum(worked_on), "same": same}
            sys.stdout.write(json.dumps(seen | {"stored": stored, "left": left}) + "\n")

        if child(again) != 0:
            sys.stdout.write(json.dumps({"step": step, "raised": True}) + "\n")
            sys.stdout.flush()
        step += every


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
