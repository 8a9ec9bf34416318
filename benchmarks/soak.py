"""Soak: refits that are killed, damaged and starved of disk, until the time is up.

    python benchmarks/soak.py [--minutes 30] [--seed 1] [--full-disk FOLDER]

Each round begins a refit that is saved as it goes, ends it at random (SIGKILL, SIGTERM or SIGINT),
often damages the store, and takes it up again, until one call returns. That result is held against
an uninterrupted one, bit by bit, and so is the store. FOLDER, if given, is on a small file system
of its own, such as a tmpfs of some MB: there, rounds run with next to no room as well. One round
in ten is a lazy refit on a Dask cluster of two processes, which are killed while they work, one or
both of them, as often as Dask forgives.

Counted are kills (of refits, and of Dask's workers), data sets lost (the journal said that they
were done, nothing damaged them, and they were worked on again; or Dask gave no result), wrong
numbers, and calls that ended in anything but a result, a signal or a sentence of ours. The exit
code is 1 if any of the last three is not 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
import zarr  # noqa: F401  (once, before the copies are made)

import bayes_point as bp
from bayes_point.errors import BayesPointError
from bayes_point.estimation.refit.batch import Refitter
from bayes_point.estimation.refit.journal import _parsed

N, CHUNK, BLOCK = 400, 40, 16
# Seconds that a block takes at the least, so that a kill finds work going on.
PAUSE = 0.02
JOURNAL = Path("status", "refit.journal")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
# Exit codes of the copies: refused with a sentence, and stopped by Ctrl-C.
SENTENCE, INTERRUPTED = 3, 130


def refit(path: Path | None, lazily: bool = False) -> xr.Dataset:
    """Refit a normal model to data sets of four numbers."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 10)
        sigma = pm.HalfNormal("sigma", 5)
        pm.Normal("y", mu, sigma, observed=np.zeros(4))
    y = xr.DataArray(
        np.random.default_rng(3).normal(2, 3, size=(N, 4)),
        dims=("site", "time"),
        coords={"site": [f"site {i}" for i in range(N)]},
    )
    Refitter.block_size = BLOCK  # type: ignore[assignment]
    if lazily:
        return bp.refit(model, {"y": y.chunk(site=CHUNK)}, dim="site", progressbar=False)
    return bp.refit(model, {"y": y}, dim="site", save=path, chunk_size=CHUNK, progressbar=False)


def work(path: Path, result: Path) -> int:
    """Refit; write the result, and how many data sets were worked on; return the exit code."""
    run, count = Refitter.run, 0

    def counting(self: Refitter, inputs: dict, starts: object) -> dict:
        nonlocal count
        time.sleep(PAUSE)
        out = run(self, inputs, starts)  # type: ignore[arg-type]
        count += len(out["status"])
        return out

    Refitter.run = counting  # type: ignore[method-assign, assignment]
    try:
        fits = refit(path)
    except BayesPointError as err:
        print(f"sentence: {err}", flush=True)
        return SENTENCE
    except KeyboardInterrupt:
        return INTERRUPTED
    # What refit returned is written by us: Ctrl-C is for the calls of the package.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if fits.sizes["site"] < N:
        return INTERRUPTED  # what is finished by then
    fits.attrs["worked_on"] = count
    # Whole or not at all: a kill while this is written is no fault of the package.
    fits.to_netcdf(unfinished := result.with_suffix(".part"), engine="h5netcdf")
    os.replace(unfinished, result)
    return 0


def compare(path: Path, result: Path, verdict: Path, whole: xr.Dataset, stored: bool) -> int:
    """Write how many numbers of a result, and of its store, are wrong."""
    with xr.open_dataset(result, engine="h5netcdf") as fits:
        got = fits.load()
    count = wrong(got, whole)
    if stored:
        with xr.open_zarr(path) as held:
            count += wrong(held.load().drop_vars("status"), whole.drop_vars("status"))
    verdict.write_text(json.dumps({"wrong": count, "worked_on": int(got.attrs["worked_on"])}))
    return 0


def on_a_cluster(verdict: Path, whole: xr.Dataset, seed: int) -> int:
    """Refit on a Dask cluster whose two workers are killed; write kills and wrong numbers."""
    import dask
    import distributed

    rng = random.Random(seed)
    killed: set[int] = set()
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,  # what the workers' ends make Dask say is expected here
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        future = client.compute(refit(None, lazily=True))
        # Dask gives up a task at which the fourth worker died.
        for _ in range(int(dask.config.get("distributed.scheduler.allowed-failures"))):
            time.sleep(rng.expovariate(1 / 4))
            alive = workers(cluster, client, killed)
            if future.done():
                break
            for victim in rng.sample(alive, rng.randint(1, 2)):
                os.kill(victim, signal.SIGKILL)
                killed.add(victim)
        until = time.monotonic() + 300
        while not future.done() and time.monotonic() < until:
            workers(cluster, client, killed)
            time.sleep(0.5)
        got = future.result(timeout=1)
    verdict.write_text(json.dumps({"wrong": wrong(got, whole), "kills": len(killed)}))
    return 0


def workers(cluster: Any, client: Any, killed: set[int]) -> list[int]:
    """Wait for two workers that nobody killed, and return their process ids."""
    last = time.monotonic()
    while True:
        # Of one that is just dying the answer is an error.
        answers = client.run(os.getpid, on_error="return").values()
        alive = [one for one in answers if isinstance(one, int) and one not in killed]
        if len(alive) >= 2:
            return alive
        if time.monotonic() - last > 30:
            # Dask's nanny gives up a worker that dies before it knows that it has started.
            cluster.scale(len(cluster.workers) + 1)
            last = time.monotonic()
        time.sleep(0.2)


def begin(folder: Path, function: Callable[..., int], *args: Any) -> int:
    """Call a function in a copy of this process, whose output goes to files; return its id.

    A copy has everything imported: a round takes a second, not ten.
    """
    if pid := os.fork():
        return pid
    code = 1
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        code = function(*args)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(pid: int) -> int:
    """Wait for a copy; return its exit code, or the signal that ended it as a negative number."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def done(path: Path) -> int:
    """How many data sets the journal says are done."""
    file = path / JOURNAL
    records = _parsed(file.read_bytes())[0] if file.exists() else []
    return sum(one["stop"] - one["start"] for one in records if "stop" in one)


def damage(path: Path, rng: random.Random) -> bool:
    """Flip a byte of a file of the store, cut it, or remove it; return whether there was one."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    if not files:
        return False
    file = rng.choice(files)
    held = bytearray(file.read_bytes())
    kind = rng.choice(["flip", "cut", "remove"])
    if kind == "remove" or not held:
        file.unlink()
    elif kind == "cut":
        file.write_bytes(held[: rng.randrange(len(held))])
    else:
        held[rng.randrange(len(held))] ^= 1 << rng.randrange(8)
        file.write_bytes(held)
    return True


def soak(minutes: float, seed: int, small: Path | None) -> dict[str, int]:
    """Run rounds until the time is up, and return what was counted."""
    rng = random.Random(seed)
    whole = refit(None)
    names = ("rounds", "kills", "worker_kills", "damages", "starved", "sentences")
    names += ("lost", "wrong", "raw")
    counts = dict.fromkeys(names, 0)
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        if counts["rounds"] % 10 == 3:
            cluster_round(whole, rng, counts)
            continue
        starved = small is not None and rng.random() < 0.25
        with tempfile.TemporaryDirectory(dir=small if starved else None) as folder:
            one_round(Path(folder) / "fits.zarr", whole, rng, counts, starved)
        counts["rounds"] += 1
        print(json.dumps(counts), file=sys.stderr, flush=True)
    return counts


def cluster_round(whole: xr.Dataset, rng: random.Random, counts: dict[str, int]) -> None:
    counts["rounds"] += 1
    with tempfile.TemporaryDirectory() as elsewhere:
        folder = Path(elsewhere)
        verdict = folder / "verdict.json"
        code = ended(begin(folder, on_a_cluster, verdict, whole, rng.randrange(1 << 30)))
        if code:
            counts["raw"] += 1
            counts["lost"] += N
            print(f"on a cluster: ended with {code}: {(folder / 'err').read_text()[-2000:]}")
            return
        seen = json.loads(verdict.read_text())
        counts["worker_kills"] += seen["kills"]
        counts["wrong"] += seen["wrong"]


def one_round(
    path: Path, whole: xr.Dataset, rng: random.Random, counts: dict[str, int], starved: bool
) -> None:
    filler = path.with_name("filler")
    if starved:
        counts["starved"] += 1
        free = shutil.disk_usage(path.parent).free
        room = rng.randrange(4096, 200_000)
        filler.write_bytes(bytes(max(0, free - room)))
    with tempfile.TemporaryDirectory() as elsewhere:
        folder = Path(elsewhere)
        result, verdict = folder / "result.nc", folder / "verdict.json"
        harmed = False
        for attempt in range(12):
            before = done(path)
            pid = begin(folder, work, path, result)
            kill = attempt < 4 and rng.random() < 0.8
            if kill:
                time.sleep(rng.expovariate(1 / 0.6))
                os.kill(pid, rng.choice(SIGNALS))  # not yet waited for: it is still ours
            code = ended(pid)
            counts["kills"] += code in (INTERRUPTED, *(-one for one in SIGNALS))
            err = (folder / "err").read_text()
            if code not in (0, SENTENCE, INTERRUPTED, *(-one for one in SIGNALS)):
                counts["raw"] += 1
                print(f"ended with {code}: {err[-2000:]}", flush=True)
            if code == SENTENCE:
                counts["sentences"] += 1
                print((folder / "out").read_text().strip()[-300:], flush=True)
                shutil.rmtree(path, ignore_errors=True)  # as the sentence says
                filler.unlink(missing_ok=True)
            elif not harmed and done(path) < before:
                counts["lost"] += before - done(path)
            if result.exists():
                break
            if rng.random() < 0.3:
                harmed = damage(path, rng) or harmed
                counts["damages"] += 1
        else:
            counts["lost"] += N
            return
        if (code := ended(begin(folder, compare, path, result, verdict, whole, not starved))) != 0:
            counts["raw"] += 1
            print(f"comparing ended with {code}: {(folder / 'err').read_text()[-2000:]}")
            return
        seen = json.loads(verdict.read_text())
        counts["wrong"] += seen["wrong"]
        if not harmed and not starved:
            counts["lost"] += max(0, seen["worked_on"] - (N - before))


def wrong(got: xr.Dataset, whole: xr.Dataset) -> int:
    """How many numbers, statuses and labels are not the same to the last bit."""
    total = 0
    for name, array in whole.variables.items():
        ours, theirs = array.values, got[name].values
        same = ours == theirs
        if ours.dtype.kind == "f":
            same |= np.isnan(ours) & np.isnan(theirs)
        total += int(np.sum(~same))
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full-disk", type=Path)
    given = parser.parse_args()
    # What a store says of its damage is expected here; that copies are made of a process with
    # threads is known, and these are idle.
    warnings.simplefilter("ignore")
    counted = soak(given.minutes, given.seed, given.full_disk)
    print(json.dumps(counted))
    sys.exit(bool(counted["lost"] or counted["wrong"] or counted["raw"]))
