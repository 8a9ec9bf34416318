"""Does a process grow that estimates again and again, each time a new model of new data?

    python benchmarks/leak.py [--calls 2000]

Prints the resident memory after a tenth of the calls, when all that is kept once has been made, and
after all of them.  Each call makes its model anew, as a loop over files would.
"""

from __future__ import annotations

import argparse
import gc
import os
from pathlib import Path

import numpy as np
import pymc as pm

import bayes_point as bp

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> float:
    """Return this process's resident memory, in MB."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


def call(rng: np.random.Generator) -> None:
    x = rng.normal(size=20)
    with pm.Model() as model:
        a, b = pm.Normal("a", 0, 10), pm.Normal("b", 0, 10)
        sigma = pm.HalfNormal("sigma", 5)
        pm.Normal("y", a + b * x, sigma, observed=x + rng.normal(size=20))
    bp.find_MLE(model, progressbar=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    calls = parser.parse_args().calls
    rng = np.random.default_rng(0)
    first = 0.0
    for i in range(1, calls + 1):
        call(rng)
        if i == calls // 10:
            first = resident()
            print(f"after {i:5} calls {first:7.1f} MB", flush=True)
    last = resident()
    print(f"after {calls:5} calls {last:7.1f} MB: {last - first:+.1f} MB")


if __name__ == "__main__":
    main()
